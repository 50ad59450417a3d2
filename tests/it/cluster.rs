//! The shared control plane with the CRD of reports installed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
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
        established(plane, &definition.crd.metadata.name.unwrap()).await;
    }
    eventually(
        || "the schema of testrunreports to be published",
        async || plane.kubectl_ok(&["explain", "testrunreports.spec"]).await.ok(),
    )
    .await;
}

/// Waits until the server serves a definition; `--all` waits for all of them.
pub async fn established(plane: &ControlPlane, name: &str) {
    // In the first moment it has no conditions at all, which kubectl wait takes for an error.
    let wait = ["wait", "--for=condition=Established", "crd", name];
    eventually(|| format!("{name} to be served"), async || plane.kubectl_ok(&wait).await.ok()).await;
}

/// Waits until a user may do this: the server learns of roles and bindings a little later than they are made.
pub async fn may(plane: &ControlPlane, user: &str, verb: &str, resource: &str, namespace: &str) {
    let ask = ["auth", "can-i", verb, resource, "--as", user, "--namespace", namespace];
    eventually(|| format!("{user} to {verb} {resource}"), async || plane.kubectl_ok(&ask).await.ok()).await;
}

/// Waits until the log of requests has one that is made now. It has a request a little later than the answer is there,
/// so that what was answered just now may not be in it yet.
pub async fn audited(plane: &ControlPlane) {
    let mark = plane.audit_mark().unwrap();
    let path = format!("/version?now={}", jiff::Timestamp::now().as_nanosecond());
    plane.kubectl_ok(&["get", "--raw", &path]).await.unwrap();
    let there = async || {
        let events = plane.audit_events_since(mark).unwrap();
        events.iter().any(|e| e.request_uri == path).then_some(())
    };
    eventually(|| "a request in the log", there).await;
}

/// Hands on every object that is there or comes, and each of its changes; from its end on nothing is missed.
pub async fn follow<K>(api: Api<K>, mut each: impl FnMut(K) + Send + 'static)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let mut events = Box::pin(watcher(api, watcher::Config::default()).default_backoff());
    let (listed, all) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut listed = Some(listed);
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => each(object),
                Ok(watcher::Event::InitDone) => drop(listed.take().map(|listed| listed.send(()))),
                _ => {}
            }
        }
    });
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("everything is listed").unwrap();
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
