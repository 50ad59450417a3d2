//! What cannot be shown elsewhere at once: what is there is of before, so it is tried again soon and not with the next look,
//! which may be a day away.

use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use testkit::github::{Fault, Match};

use super::relay::{Call, Fate, Relay, status};
use super::versions::ended;
use crate::cli::repository;
use crate::cluster::{cluster, eventually};
use crate::controller::bench::client;
use crate::faults::life::REPO;
use crate::leader::{self, LEASES};
use crate::reports;
use crate::story::operator::Operator;

/// Nothing is looked at by itself within the time of a test.
const SLOW: [&str; 4] = ["--poll-interval", "1h", "--refresh-interval", "1h"];

fn publishing(what: Value) -> Value {
    reports::of_pull_with(REPO, 20, json!({ "publish": what }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_github_does_not_take_just_then_is_set_soon() {
    let plane = cluster().await;
    let (namespace, gh) = (plane.namespace("late").await.unwrap(), ended("failure"));
    gh.fail(Match::path("/statuses/").method("POST"), Fault::Status(502));
    let operator = Operator::start(plane, &namespace, gh.url(), &SLOW).await;
    reports::create(plane, &namespace, "r", publishing(json!({"status": {}}))).await;
    reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    let asked =
        || gh.requests().iter().filter(|r| r.method == "POST" && r.path.contains("/statuses/")).count();
    eventually(|| "it to be tried", async || (asked() > 0).then_some(())).await;
    gh.clear_faults();
    let there = async || gh.read(|s| s.repo_by_name(REPO)?.statuses.last().map(|s| s.state.clone()));
    assert_eq!(eventually(|| "the status on GitHub", there).await, "failure");
    reports::until(plane, &namespace, "r", "Published", "True/Published").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_its_lease_while_it_published_publishes_no_more() {
    let plane = cluster().await;
    let (namespace, gh) = (plane.namespace("publishes").await.unwrap(), ended("failure"));
    let (api, hub) = (Relay::to_kube(client(plane).await).await, Relay::to_http(gh.url()).await);
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = put(dir.path(), "kubeconfig", &api.kubeconfig(&namespace));
    let config = dir.path().join("config.yaml");
    std::fs::write(&config, LEASES).unwrap();
    let lease = ["--config", config.to_str().unwrap(), "--lease-namespace", &namespace];
    let args = [&lease[..], &SLOW].concat();
    let operator = Operator::start_as(Path::new(&kubeconfig), &namespace, &hub.url(), &args).await;
    leader::until_held(&operator, 1).await;
    // Longer than the Lease is believed in.
    hub.rule(|call| match call.method == Method::POST && call.path.contains("/statuses/") {
        true => Fate::Late(Duration::from_secs(8)),
        false => Fate::Pass,
    });
    let shown = publishing(json!({"status": {}, "checkRun": {"name": "testrun-report"}}));
    reports::create(plane, &namespace, "r", shown).await;
    let posts =
        |calls: &[Call], part: &str| calls.iter().any(|c| c.method == Method::POST && c.path.contains(part));
    hub.until("the status is on its way", |calls| posts(calls, "/statuses/")).await;
    api.rule(|call| match call.is_write() && call.path.contains("/leases") {
        true => Fate::Lost,
        false => Fate::Pass,
    });
    leader::until_held(&operator, 0).await;
    operator.until_metric("testrun_reconciles_total", |n| n >= 1.0).await;
    assert!(!posts(&hub.calls(), "/check-runs"), "its successor may have another verdict by now");
    // With the Lease it is made up for.
    api.heal();
    hub.heal();
    hub.until("the check run", |calls| posts(calls, "/check-runs")).await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

fn put(folder: &Path, name: &str, text: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text.to_string()).unwrap();
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_the_api_server_does_not_take_just_then_is_made_soon() {
    let plane = cluster().await;
    let (namespace, gh) = (plane.namespace("unsigned").await.unwrap(), ended("failure"));
    let (relay, dir) = (Relay::to_kube(client(plane).await).await, tempfile::tempdir().unwrap());
    let mut left = 2;
    relay.rule(move |call| {
        if left == 0 || !call.is_write() || !call.path.contains("/configmaps") {
            return Fate::Pass;
        }
        left -= 1;
        Fate::Answer(500, &[], status(500, "InternalError"))
    });
    let kubeconfig = put(dir.path(), "kubeconfig", &relay.kubeconfig(&namespace));
    let key = repository("tests/gating/attestations/ed25519.key");
    let config =
        put(dir.path(), "config.yaml", &json!({"attestation": {"keyFile": key, "namespaces": ["*"]}}));
    let args = [&["--config", &config][..], &SLOW].concat();
    let operator = Operator::start_as(Path::new(&kubeconfig), &namespace, gh.url(), &args).await;
    reports::create(plane, &namespace, "r", publishing(json!({"attestation": {}}))).await;
    let path = r"jsonpath={.metadata.labels.testrun\.dev/result}";
    let args = ["get", "configmap", "testrun-attestation-r", "-n", &namespace, "-o", path];
    let made = async || plane.kubectl_ok(&args).await.ok();
    assert_eq!(eventually(|| "the statement", made).await, "FAILED");
    reports::until(plane, &namespace, "r", "Published", "True/Published").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
