//! A real Kubernetes control plane for tests and demonstrations.
//!
//! It is made of etcd, kube-apiserver and optionally kube-controller-manager,
//! built from pinned sources ([`Binaries`]), without nodes: nothing runs pods.
//! It starts in a few seconds, listens on loopback only, and leaves neither
//! processes nor files behind, however the process that started it ends
//! (set `TESTRUN_KEEP` to keep the files, e.g. to read the logs).
//!
//! ```ignore
//! let plane = controlplane::shared().await?;
//! let namespace = plane.namespace("gating").await?;
//! plane.apply(MANIFESTS).await?;
//! let mark = plane.audit_mark()?;
//! // ... let the operator work ...
//! let writes = plane.audit_events_since(mark)?.iter().filter(|e| e.is_write()).count();
//! ```
//!
//! The only client is kubectl. Tests that need more take the address and a
//! kubeconfig and bring their own.
//!
//! What differs from a whole cluster:
//! - without the controller manager nothing is garbage collected, namespaces
//!   stay `Terminating`, there are no default service accounts and the roles
//!   `admin`, `edit` and `view` are empty;
//! - the garbage collector looks for new kinds every 30 seconds: dependents of
//!   a kind whose definition was applied just now are collected late.

mod audit;
mod binaries;
mod credentials;
mod error;
mod kubectl;
mod plane;
mod ports;
mod process;
mod proxy;
mod s3;
mod servers;
mod targets;

pub use audit::{AuditEvent, AuditMark, ObjectRef};
pub use binaries::Binaries;
pub use error::Error;
pub use kubectl::Kubectl;
pub use plane::{Builder, ControlPlane};
pub use ports::free_port;
pub use proxy::OidcProxy;
pub use s3::S3;

use tokio::sync::OnceCell;

static SHARED: OnceCell<Result<ControlPlane, Error>> = OnceCell::const_new();

/// The control plane that all tests of a test binary share, with an audit log
/// and without the controller manager. It is started by the first call and ends
/// with the process. Should its start fail, every caller gets that error at
/// once. Tests keep apart by working in a [`ControlPlane::namespace`] each, and
/// must not stop its servers.
pub async fn shared() -> Result<&'static ControlPlane, Error> {
    SHARED.get_or_init(|| ControlPlane::builder().audit(true).start()).await.as_ref().map_err(Clone::clone)
}

#[cfg(test)]
mod tests;
