//! Several replicas, as processes on the real API server.

mod shards;
mod turns;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use crate::cluster::eventually;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";

/// A pull request with one run of one job, which runs until it is ended.
pub fn running() -> GitHub {
    let scenario = Scenario::new()
        .start_now()
        .setup(|s| {
            s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
            s.repo(REPO).add_run(
                RunSpec::new(77)
                    .workflow("CI", ".github/workflows/ci.yml")
                    .pull_request(20)
                    .job((501, "unit")),
            );
        })
        .at(secs(10), |s| {
            s.job(501).start();
        })
        .at(secs(1000), |s| {
            s.job(501).complete("failure");
            s.run(77).settle();
        });
    let gh = GitHub::start(scenario);
    gh.pause();
    gh.advance(secs(100));
    gh
}

/// Lets the job fail.
pub fn fail(gh: &GitHub) {
    gh.advance(secs(1000));
}

/// Times that are short for tests; the order of them is as in production. A busy machine renews within them.
pub const LEASES: &str =
    "leaderElection: {enabled: true, leaseDuration: 6s, renewDeadline: 4s, retryPeriod: 500ms}\n";
/// The first of them.
const LEASE: Duration = Duration::from_secs(6);

/// A replica that works on these namespaces.
pub async fn replica(
    plane: &ControlPlane,
    dir: &Path,
    leases: &str,
    namespaces: &[String],
    gh: &GitHub,
    shards: u16,
) -> Operator {
    let config = dir.join("config.yaml");
    std::fs::write(&config, LEASES).unwrap();
    let (config, shards) = (config.to_str().unwrap(), shards.to_string());
    let args =
        ["--config", config, "--lease-namespace", leases, "--shards", &shards, "--refresh-interval", "1h"];
    Operator::start(plane, &namespaces.join(","), gh.url(), &args).await
}

pub async fn create(plane: &ControlPlane, namespace: &str) {
    let report = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "r"},
        "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}, "gate": {"settleSeconds": 0}}});
    plane.admin().with_file(&report.to_string(), &["create", "-n", namespace]).await.unwrap();
}

async fn phase(plane: &ControlPlane, namespace: &str) -> String {
    plane.kubectl_ok(&["get", "trr", "r", "-n", namespace, "-o", "jsonpath={.status.phase}"]).await.unwrap()
}

pub async fn until_phase(plane: &ControlPlane, namespace: &str, want: &str) {
    let what = || format!("the report in {namespace} to be {want}");
    eventually(what, async || (phase(plane, namespace).await == want).then_some(())).await;
}

pub async fn held(operator: &Operator) -> f64 {
    operator.metric("testrun_leases_held").await
}

/// Waits until the replica holds so many.
pub async fn until_held(operator: &Operator, count: usize) {
    let what = || format!("{count} Leases to be held");
    eventually(what, async || (held(operator).await == count as f64).then_some(())).await;
}

/// Holder by Lease, the free ones left out.
async fn holders(plane: &ControlPlane, namespace: &str) -> Vec<(String, String)> {
    let list = plane.admin().json(&["get", "leases", "-n", namespace]).await.unwrap();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = list["items"].as_array().unwrap().iter();
    all.map(|l| (text(&l["metadata"]["name"]), text(&l["spec"]["holderIdentity"])))
        .filter(|(_, holder)| !holder.is_empty())
        .collect()
}
