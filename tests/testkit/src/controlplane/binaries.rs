//! The binaries of the control plane: built once with Go, then cached.
//!
//! The sources are pinned by the Go modules in `tests/controlplane`. A build is
//! kept under the key of all that decides about it (the module files, the
//! build flags and the platform), so that a new pin gives a new build and an
//! old one can be removed by hand. Building needs Go and a module proxy; using
//! what is in the cache needs neither.

use super::error::Error;
use super::process::{Program, tail};
use super::targets::{
    APISERVER, CONTROLLER_MANAGER, ETCD, HELM, KUBECTL, OIDC_PROXY, S3, Target, key, linker_flags,
};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long one build may take; a cold kube-apiserver takes some minutes.
const BUILD_DEADLINE: Duration = Duration::from_secs(40 * 60);

/// Names the directory of the cache.
const CACHE_ENV: &str = "TESTRUN_CACHE";
/// Names a directory of ready binaries, as other Kubernetes test benches do.
const ASSETS_ENV: &str = "KUBEBUILDER_ASSETS";

/// Where the binaries of the control plane are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The etcd server.
    pub etcd: PathBuf,
    /// The Kubernetes API server.
    pub kube_apiserver: PathBuf,
    /// The Kubernetes command line.
    pub kubectl: PathBuf,
    /// The directory the three were taken from, if they are not ours.
    assets: Option<PathBuf>,
}

impl Binaries {
    /// Returns the binaries that every control plane needs, building what is
    /// not in the cache yet. Blocks, the first time for minutes; tells on
    /// standard error what it builds.
    ///
    /// If `KUBEBUILDER_ASSETS` names a directory that holds kube-apiserver,
    /// etcd and kubectl, these are used and nothing is built.
    pub fn ensure() -> Result<Self, Error> {
        if let Some(dir) = std::env::var_os(ASSETS_ENV).filter(|dir| !dir.is_empty()) {
            return Self::in_directory(Path::new(&dir));
        }
        let cache = Cache::from_env()?;
        Ok(Self {
            etcd: cache.ensure(&ETCD)?,
            kube_apiserver: cache.ensure(&APISERVER)?,
            kubectl: cache.ensure(&KUBECTL)?,
            assets: None,
        })
    }

    /// As [`Binaries::ensure`], and builds also what is otherwise built when
    /// it is first asked for, so that no test has to wait for it.
    pub fn ensure_all() -> Result<Self, Error> {
        let binaries = Self::ensure()?;
        binaries.kube_controller_manager()?;
        binaries.helm()?;
        Self::s3()?;
        Self::oidc_proxy()?;
        Ok(binaries)
    }

    /// The server of S3, built on demand. It is no part of a directory of ready binaries.
    pub(super) fn s3() -> Result<PathBuf, Error> {
        Cache::from_env()?.ensure(&S3)
    }

    /// The proxy that logs people in, built on demand; no part of a directory of ready binaries either.
    pub(super) fn oidc_proxy() -> Result<PathBuf, Error> {
        Cache::from_env()?.ensure(&OIDC_PROXY)
    }

    /// The Kubernetes controller manager, built on demand. In a directory of
    /// ready binaries it is optional, and only its use is refused.
    pub fn kube_controller_manager(&self) -> Result<PathBuf, Error> {
        match &self.assets {
            None => Cache::from_env()?.ensure(&CONTROLLER_MANAGER),
            Some(dir) => present(&dir.join(CONTROLLER_MANAGER.name)).ok_or_else(|| {
                Error::Build(format!(
                    "{ASSETS_ENV} names {} but that holds no kube-controller-manager: \
                     add one of the same version, or unset the variable to have all built",
                    dir.display()
                ))
            }),
        }
    }

    /// The helm command line, built on demand.
    pub fn helm(&self) -> Result<PathBuf, Error> {
        let given = self.assets.as_ref().map(|dir| dir.join(HELM.name));
        match given.as_deref().and_then(present) {
            Some(path) => Ok(path),
            None => Cache::from_env()?.ensure(&HELM),
        }
    }

    fn in_directory(dir: &Path) -> Result<Self, Error> {
        let find = |target: &Target| {
            present(&dir.join(target.name)).ok_or_else(|| {
                Error::Build(format!(
                    "{ASSETS_ENV} names {} but that holds no {}: \
                     it must hold kube-apiserver, etcd and kubectl, or be unset to have all built",
                    dir.display(),
                    target.name
                ))
            })
        };
        Ok(Self {
            etcd: find(&ETCD)?,
            kube_apiserver: find(&APISERVER)?,
            kubectl: find(&KUBECTL)?,
            assets: Some(dir.to_path_buf()),
        })
    }
}

fn present(path: &Path) -> Option<PathBuf> {
    path.is_file().then(|| path.to_path_buf())
}

/// The directory of Go modules and the directory of what was built from them.
struct Cache {
    sources: PathBuf,
    root: PathBuf,
}

impl Cache {
    fn from_env() -> Result<Self, Error> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = match (set(CACHE_ENV), set("XDG_CACHE_HOME"), set("HOME")) {
            (Some(dir), _, _) => PathBuf::from(dir),
            (None, Some(dir), _) => Path::new(&dir).join("testrun-operator"),
            (None, None, Some(home)) => Path::new(&home).join(".cache/testrun-operator"),
            (None, None, None) => {
                return Err(Error::Build(format!(
                    "cannot tell where to keep built binaries: set {CACHE_ENV} or HOME"
                )));
            }
        };
        let root = std::path::absolute(&root).map_err(|e| Error::path("resolve", &root, e))?;
        Ok(Self { sources: Path::new(env!("CARGO_MANIFEST_DIR")).join("../controlplane"), root })
    }

    /// The path of the binary, which is built first if it is missing.
    fn ensure(&self, target: &Target) -> Result<PathBuf, Error> {
        let module = self.sources.join(target.module);
        let flags = linker_flags(target, &module)?;
        let key = key(&module, &flags)?;
        let dir = self.root.join("controlplane").join(format!("{}-{key}", target.module));
        let binary = dir.join(target.name);
        if binary.is_file() {
            return Ok(binary);
        }
        fs::create_dir_all(&dir).map_err(|e| Error::path("create", &dir, e))?;
        // The lock goes with this process however it ends. It is per binary,
        // so that who needs only one does not wait for another.
        let lock_path = dir.join(format!("{}.lock", target.name));
        let lock = File::options()
            .create(true)
            .append(true)
            .open(&lock_path)
            .map_err(|e| Error::path("open", &lock_path, e))?;
        if lock.try_lock().is_err() {
            say(&format!("waiting for another process that builds {}", target.name));
            lock.lock().map_err(|e| Error::path("lock", &lock_path, e))?;
        }
        if !binary.is_file() {
            build(target, &module, &flags, &dir)?;
        }
        Ok(binary)
    }
}

/// Builds into a file beside the final one and renames it, so that a binary is
/// either absent or whole. Called with the lock held.
fn build(target: &Target, module: &Path, flags: &str, dir: &Path) -> Result<(), Error> {
    let name = target.name;
    let log = dir.join(format!("{name}.log"));
    let unfinished = dir.join(format!(".{name}.unfinished"));
    say(&format!("building {name} (once, a few minutes; progress in {})", log.display()));
    let started = Instant::now();
    let _ = fs::remove_file(&log);
    let mut go = Program::new(Path::new("go"))
        .args(["build", "-mod=readonly", "-buildvcs=false", "-trimpath"])
        .args(["-ldflags", flags, "-o"])
        .args([unfinished.to_string_lossy().into_owned()])
        .args([target.package])
        // Static binaries need no C compiler and run on any distribution.
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .dir(module)
        .spawn(&log)?;
    let status = loop {
        if let Some(status) = go.ended()? {
            break status;
        }
        if started.elapsed() > BUILD_DEADLINE {
            return Err(Error::Build(format!(
                "building {name} took more than {} minutes; the end of its log:\n{}",
                BUILD_DEADLINE.as_secs() / 60,
                go.log_tail()
            )));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        let advice = match status.code() {
            Some(127) => {
                "install Go 1.26 or newer and put it on the PATH, or set \
                 KUBEBUILDER_ASSETS to a directory with kube-apiserver, etcd and kubectl"
            }
            _ => "see the log for the cause; the Go module proxy must be reachable",
        };
        return Err(Error::Build(format!(
            "cannot build {name}: go ended with {status}: {advice}. Log {}:\n{}",
            log.display(),
            tail(&log, 0)
        )));
    }
    let binary = dir.join(name);
    fs::rename(&unfinished, &binary).map_err(|e| Error::path("create", &binary, e))?;
    say(&format!("built {name} in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Writes past the capture of the test harness, which would hide the reason of
/// a long wait until it is over.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "control plane: {text}");
}
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::targets::required_version;
    use super::*;
    use std::process::Command;

    const HELLO: Target = Target { name: "hello", module: "hello", package: "." };

    /// A cache of its own over a module that builds in no time.
    fn hello(dir: &Path) -> Cache {
        let module = dir.join("sources/hello");
        fs::create_dir_all(&module).unwrap();
        fs::write(module.join("go.mod"), "module hello\n\ngo 1.26.0\n").unwrap();
        fs::write(module.join("go.sum"), "").unwrap();
        let program = "package main\n\nfunc main() { println(\"hello\") }\n";
        fs::write(module.join("main.go"), program).unwrap();
        Cache { sources: dir.join("sources"), root: dir.join("cache") }
    }

    #[test]
    fn builders_that_race_all_get_one_whole_binary() {
        let dir = tempfile::tempdir().unwrap();
        let cache = hello(dir.path());
        let paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let builders: Vec<_> = (0..4).map(|_| scope.spawn(|| cache.ensure(&HELLO))).collect();
            builders.into_iter().map(|builder| builder.join().unwrap().unwrap()).collect()
        });
        let binary = paths.first().unwrap();
        assert!(paths.iter().all(|path| path == binary));
        let output = Command::new(binary).output().unwrap();
        assert_eq!(output.stderr, b"hello\n");
    }

    #[test]
    fn what_is_cached_is_used_without_go_until_a_pin_changes() {
        let dir = tempfile::tempdir().unwrap();
        let cache = hello(dir.path());
        let first = cache.ensure(&HELLO).unwrap();
        // It would not build any more, and is not built any more.
        let module = dir.path().join("sources/hello");
        fs::write(module.join("main.go"), "broken").unwrap();
        assert_eq!(cache.ensure(&HELLO).unwrap(), first);

        fs::write(module.join("go.sum"), "\n").unwrap();
        let error = cache.ensure(&HELLO).unwrap_err().to_string();
        assert!(error.contains("cannot build hello"), "{error}");
        assert!(error.contains("expected 'package'"), "{error}");
        assert!(first.is_file());
    }

    #[test]
    fn given_binaries_are_used_if_the_needed_three_are_there() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let error = Binaries::in_directory(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holds no kubectl"), "{error}");

        fs::write(dir.path().join("kubectl"), "").unwrap();
        let given = Binaries::in_directory(dir.path()).unwrap();
        assert_eq!(given.kubectl, dir.path().join("kubectl"));
        let error = given.kube_controller_manager().unwrap_err().to_string();
        assert!(error.contains("no kube-controller-manager"), "{error}");

        for name in ["kube-controller-manager", "helm"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let found = [given.kube_controller_manager(), given.helm()];
        let expected = ["kube-controller-manager", "helm"];
        for (found, name) in found.into_iter().zip(expected) {
            assert_eq!(found.unwrap(), dir.path().join(name));
        }
    }

    #[test]
    fn the_version_of_a_requirement_is_found_in_each_way_to_write_it() {
        let dir = tempfile::tempdir().unwrap();
        let text = "module m\n\ntool (\n\ta.b/c/cmd/x\n)\n\nrequire (\n\ta.b/c v1.2.3 // indirect\n)\n\
                    require d.e/f v0.4.5\nreplace g.h/i => g.h/i v9.9.9\n";
        fs::write(dir.path().join("go.mod"), text).unwrap();
        let version = |name| required_version(dir.path(), name);
        assert_eq!(version("a.b/c").unwrap(), "v1.2.3");
        assert_eq!(version("d.e/f").unwrap(), "v0.4.5");
        assert!(version("g.h/i").is_err());
    }

    #[test]
    fn helm_is_built_on_demand_and_tells_the_pinned_version() {
        let cache = Cache::from_env().unwrap();
        let helm = cache.ensure(&HELM).unwrap();
        let output = Command::new(helm).args(["version", "--template={{.Version}}"]).output().unwrap();
        let pin = required_version(&cache.sources.join("helm"), "helm.sh/helm/v4").unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), pin);
    }
}
