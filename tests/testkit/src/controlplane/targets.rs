//! What can be built, and all that decides what a build of it gives.

use super::error::Error;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// A binary that can be built here.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) module: &'static str,
    pub(super) package: &'static str,
}

pub(super) const ETCD: Target = Target { name: "etcd", module: "etcd", package: "go.etcd.io/etcd/server/v3" };
pub(super) const APISERVER: Target =
    Target { name: "kube-apiserver", module: "kubernetes", package: "k8s.io/kubernetes/cmd/kube-apiserver" };
pub(super) const KUBECTL: Target =
    Target { name: "kubectl", module: "kubernetes", package: "k8s.io/kubernetes/cmd/kubectl" };
pub(super) const CONTROLLER_MANAGER: Target = Target {
    name: "kube-controller-manager",
    module: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
};
pub(super) const HELM: Target = Target { name: "helm", module: "helm", package: "helm.sh/helm/v4/cmd/helm" };
pub(super) const S3: Target =
    Target { name: "versitygw", module: "s3", package: "github.com/versity/versitygw/cmd/versitygw" };
pub(super) const OIDC_PROXY: Target = Target {
    name: "oauth2-proxy",
    module: "oauth2-proxy",
    package: "github.com/oauth2-proxy/oauth2-proxy/v7",
};

/// The flags for the linker. A Kubernetes binary takes its version from them;
/// without one it reports v0.0.0, and clients that look at it go wrong.
pub(super) fn linker_flags(target: &Target, module: &Path) -> Result<String, Error> {
    let mut flags = vec!["-s -w".to_owned()];
    let set = |flags: &mut Vec<String>, package: &str, name: &str, value: &str| {
        flags.push(format!("-X {package}.{name}={value}"));
    };
    match target.module {
        "kubernetes" => {
            let version = required_version(module, "k8s.io/kubernetes")?;
            let mut parts = version.trim_start_matches('v').split('.');
            let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("0"));
            let package = "k8s.io/component-base/version";
            set(&mut flags, package, "gitVersion", &version);
            set(&mut flags, package, "gitMajor", major);
            set(&mut flags, package, "gitMinor", minor);
            set(&mut flags, package, "gitTreeState", "clean");
        }
        "helm" => {
            let version = required_version(module, "helm.sh/helm/v4")?;
            let package = "helm.sh/helm/v4/internal/version";
            set(&mut flags, package, "version", &version);
        }
        _ => {}
    }
    Ok(flags.join(" "))
}

/// The version that the module file of `module` requires of `wanted`.
pub(super) fn required_version(module: &Path, wanted: &str) -> Result<String, Error> {
    let path = module.join("go.mod");
    let text = fs::read_to_string(&path).map_err(|e| Error::path("read", &path, e))?;
    text.lines()
        .map(|line| line.trim_start_matches("require "))
        .find_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            (name == wanted && version.starts_with('v')).then(|| version.to_owned())
        })
        .ok_or_else(|| {
            Error::Build(format!("expected {} to require {wanted}: restore the module file", path.display()))
        })
}

/// A short digest of everything that decides what a build gives.
pub(super) fn key(module: &Path, flags: &str) -> Result<String, Error> {
    let mut digest = Sha256::new();
    for name in ["go.mod", "go.sum"] {
        let path = module.join(name);
        let bytes = fs::read(&path).map_err(|e| Error::path("read", &path, e))?;
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(&bytes);
    }
    digest.update(flags);
    digest.update([0]);
    digest.update(std::env::consts::OS);
    digest.update([0]);
    digest.update(std::env::consts::ARCH);
    let digest = digest.finalize();
    Ok(digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}
