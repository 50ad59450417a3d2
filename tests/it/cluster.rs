//! The shared control plane with the CRD of reports installed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::controlplane::{self, ControlPlane};
use testrun_operator::api;
use tokio::sync::OnceCell;

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// The control plane that the tests share, serving `TestRunReport`.
pub async fn cluster() -> &'static ControlPlane {
    let plane = controlplane::shared().await.unwrap();
    INSTALLED.get_or_init(|| install(plane)).await;
    plane
}

/// Installs the CRD as it is built in, and waits until the server serves and explains it.
pub async fn install(plane: &ControlPlane) {
    for definition in api::definitions() {
        let yaml = definition.yaml().unwrap();
        plane.admin().with_file(&yaml, &["apply", "--server-side", "--force-conflicts"]).await.unwrap();
        let name = definition.crd.metadata.name.unwrap();
        // In the first moment it has no conditions at all, which kubectl wait takes for an error.
        let wait = ["wait", "--for=condition=Established", "crd", &name];
        eventually(|| format!("{name} to be served"), async || plane.kubectl_ok(&wait).await.ok()).await;
    }
    eventually(
        || "the schema of testrunreports to be published",
        async || plane.kubectl_ok(&["explain", "testrunreports.spec"]).await.ok(),
    )
    .await;
}

/// A folder of the corpus; where it is absent the test says so and is skipped.
pub fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TESTRUN_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    let folder = root.join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: corpus absent");
    None
}

/// The CRDs of GitOps Promoter, where the corpus is.
pub fn promoter_definitions() -> Option<Vec<PathBuf>> {
    let root = corpus("crds")?;
    let names = ["commitstatuses", "gitrepositories"];
    let files: Vec<PathBuf> = names.map(|n| root.join(format!("promoter.argoproj.io_{n}.yaml"))).into();
    if files.iter().all(|file| file.is_file()) {
        return Some(files);
    }
    println!("skipped: corpus absent");
    None
}

/// Repeats an attempt until it gives something; a minute is far more than anything here takes.
pub async fn eventually<T, W: std::fmt::Display>(
    what: impl Fn() -> W,
    mut attempt: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {}", what());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
