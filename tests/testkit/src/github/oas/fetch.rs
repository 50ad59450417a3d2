//! Getting the description: from a directory that is named, from the cache, or from its package.
//!
//! `TESTRUN_OPENAPI` may name a directory with full documents (`rest-dotcom.json`,
//! `rest-ghes-3.17.json`, `webhooks-dotcom.json`). Otherwise the package is fetched once with the
//! ordinary package client, its digest is verified, and the trimmed documents stay in the cache
//! directory. A lock file makes it safe for several test processes at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Edition, trim};
use crate::github::hex;

/// A package with descriptions in it.
struct Package {
    spec: &'static str,
    tarball: &'static str,
    sha256: &'static str,
    /// What is kept of them, one item a line.
    list: &'static str,
}

const REST: Package = Package {
    spec: "@octokit/openapi@23.0.2",
    tarball: "octokit-openapi-23.0.2.tgz",
    sha256: "71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c",
    list: include_str!("../../../openapi/operations.txt"),
};
const WEBHOOKS: Package = Package {
    spec: "@octokit/openapi-webhooks@12.1.0",
    tarball: "octokit-openapi-webhooks-12.1.0.tgz",
    sha256: "112b87c7dcda464640248dcf5965bcd69027c65bb45c26ae78fbf3f0d1eaa740",
    list: include_str!("../../../openapi/webhooks.txt"),
};
/// Deliveries of every event, as GitHub publishes them.
const EXAMPLES: Package = Package {
    spec: "@octokit/webhooks-examples@7.6.1",
    tarball: "octokit-webhooks-examples-7.6.1.tgz",
    sha256: "89e6cb1c6345d32e3dd775617fa54effbdc26c859e514898d7728e95e9738280",
    list: "",
};
/// Exchanges with GitHub's REST API that were recorded.
const RECORDED: Package = Package {
    spec: "@octokit/fixtures@23.1.2",
    tarball: "octokit-fixtures-23.1.2.tgz",
    sha256: "5a9b0221d7c18f593dc57b5f292e946e8cadfac2b0d4578b38d7e9bd63836c64",
    list: "",
};
/// The schema of the GraphQL API.
const SCHEMA: Package = Package {
    spec: "@octokit/graphql-schema@15.26.1",
    tarball: "octokit-graphql-schema-15.26.1.tgz",
    sha256: "053e74249dafce2118fd9b7ae499b067d57c5f910c57745699ac45108bc68d1e",
    list: "",
};
/// Raised whenever trimming changes what it keeps.
const TRIM_VERSION: &str = "2";

impl Edition {
    /// The package, the document in it, and the name under which that is kept.
    fn source(self) -> (&'static Package, &'static str, &'static str) {
        match self {
            Self::DotCom => (&REST, "api.github.com.json", "rest-dotcom"),
            Self::Ghes => (&REST, "ghes-3.17.json", "rest-ghes-3.17"),
            Self::Webhooks => (&WEBHOOKS, "api.github.com.json", "webhooks-dotcom"),
        }
    }

    fn trim(self, full: &Value, list: &str) -> Value {
        match self {
            Self::DotCom | Self::Ghes => trim::operations(full, list),
            Self::Webhooks => trim::webhooks(full, list),
        }
    }
}

/// The trimmed description of an edition.
pub(super) fn trimmed(edition: Edition) -> Result<Value, String> {
    let (package, file, kept_as) = edition.source();
    if let Some(directory) = std::env::var_os("TESTRUN_OPENAPI") {
        let full = read(&Path::new(&directory).join(format!("{kept_as}.json")))?;
        return Ok(edition.trim(&full, package.list));
    }
    let cache = cache_directory()?;
    fs::create_dir_all(&cache).map_err(|error| describe("cannot create", &cache, &error))?;
    let recipe = hex(&Sha256::digest(format!("{TRIM_VERSION}\n{}\n{}", package.sha256, package.list)));
    let recipe = recipe.get(..16).unwrap_or(&recipe);
    let target = cache.join(format!("openapi-{kept_as}-{recipe}.json"));
    if let Ok(cached) = read(&target) {
        return Ok(cached);
    }
    let lock_path = cache.join("openapi.lock");
    let lock = File::create(&lock_path).map_err(|error| describe("cannot create", &lock_path, &error))?;
    lock.lock().map_err(|error| describe("cannot lock", &lock_path, &error))?;
    if let Ok(cached) = read(&target) {
        return Ok(cached);
    }
    let scratch =
        tempfile::tempdir_in(&cache).map_err(|error| describe("cannot write to", &cache, &error))?;
    let tarball = tarball(package, &cache, scratch.path())?;
    let inner = format!("package/generated/{file}");
    run(Command::new("tar").arg("-xzf").arg(&tarball).arg("-C").arg(scratch.path()).arg(&inner))?;
    let kept = edition.trim(&read(&scratch.path().join(inner))?, package.list);
    let fresh = scratch.path().join("trimmed.json");
    let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
    fs::write(&fresh, text).map_err(|error| describe("cannot write", &fresh, &error))?;
    fs::rename(&fresh, &target).map_err(|error| describe("cannot write", &target, &error))?;
    Ok(kept)
}

/// Events and their bodies: GitHub's published examples of webhook deliveries.
pub fn webhook_examples() -> Result<Vec<(String, Value)>, String> {
    let text = whole(&EXAMPLES, "package/api.github.com/index.json")?;
    let index: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for event in index.as_array().into_iter().flatten() {
        let name = event["name"].as_str().unwrap_or_default();
        all.extend(event["examples"].as_array().into_iter().flatten().map(|e| (name.to_owned(), e.clone())));
    }
    Ok(all)
}

/// The exchanges of a recorded scenario, in order.
pub fn recorded(scenario: &str) -> Result<Vec<Value>, String> {
    let inner = format!("package/scenarios/api.github.com/{scenario}/normalized-fixture.json");
    serde_json::from_str(&whole(&RECORDED, &inner)?).map_err(|error| error.to_string())
}

/// GitHub's published schema of its GraphQL API.
pub(in crate::github) fn graphql_schema() -> Result<String, String> {
    whole(&SCHEMA, "package/schema.graphql")
}

/// One file of a package, as it is.
fn whole(package: &Package, inner: &str) -> Result<String, String> {
    let cache = cache_directory()?;
    fs::create_dir_all(&cache).map_err(|error| describe("cannot create", &cache, &error))?;
    let lock_path = cache.join("openapi.lock");
    let lock = File::create(&lock_path).map_err(|error| describe("cannot create", &lock_path, &error))?;
    lock.lock().map_err(|error| describe("cannot lock", &lock_path, &error))?;
    let scratch =
        tempfile::tempdir_in(&cache).map_err(|error| describe("cannot write to", &cache, &error))?;
    let tarball = tarball(package, &cache, scratch.path())?;
    run(Command::new("tar").arg("-xzf").arg(&tarball).arg("-C").arg(scratch.path()).arg(inner))?;
    let file = scratch.path().join(inner);
    fs::read_to_string(&file).map_err(|error| describe("cannot read", &file, &error))
}

/// The package, verified; downloaded when the cache has none.
fn tarball(package: &Package, cache: &Path, scratch: &Path) -> Result<PathBuf, String> {
    let kept = cache.join(package.tarball);
    if verified(package, &kept) {
        return Ok(kept);
    }
    run(Command::new("npm")
        .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(scratch)
        .arg(package.spec)
        .current_dir(scratch))?;
    let fresh = scratch.join(package.tarball);
    if !verified(package, &fresh) {
        return Err(format!("{} was fetched but its digest is not {}", package.spec, package.sha256));
    }
    fs::rename(&fresh, &kept).map_err(|error| describe("cannot write", &kept, &error))?;
    Ok(kept)
}

fn verified(package: &Package, path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == package.sha256)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = "GitHub's OpenAPI description is needed once: make the program available, or name a \
                directory that holds it in TESTRUN_OPENAPI";
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}; {hint}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} failed ({}): {}; {hint}", output.status, said.trim()))
}

fn cache_directory() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TESTRUN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|base| base.join("testrun-operator")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("testrun-operator")))
        .ok_or_else(|| "set TESTRUN_CACHE, XDG_CACHE_HOME or HOME: a cache directory is needed".to_owned())
}

fn read(path: &Path) -> Result<Value, String> {
    let bytes = fs::read(path).map_err(|error| describe("cannot read", path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{} is not JSON: {error}", path.display()))
}

fn describe(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("{what} {}: {error}", path.display())
}
