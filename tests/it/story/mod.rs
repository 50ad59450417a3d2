//! The story of pull request 20 with the real operator, the real API server and a replayed GitHub.

mod deeds;
mod deployments;
mod examples;
pub mod operator;
mod published;

use std::time::Duration;

use serde_json::Value;
use testkit::controlplane::ControlPlane;
use testkit::github::scenarios::pr20;
use testkit::github::{GitHub, secs};

use crate::cluster::{audited, cluster, eventually};
use crate::reports;
use operator::Operator;

pub const REPORT: &str = include_str!("../../../examples/pull-request-20.yaml");

/// The replayed GitHub at the moment that the document was written.
fn undecided() -> GitHub {
    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();
    gh.advance(pr20::UNDECIDED);
    gh
}

async fn report(plane: &ControlPlane, namespace: &str) -> Value {
    reports::get(plane, namespace, "pr-20").await
}

async fn create(plane: &ControlPlane, namespace: &str) {
    plane.admin().with_file(REPORT, &["create", "-n", namespace]).await.unwrap();
}

/// Status and reason of a condition.
pub fn condition(report: &Value, kind: &str) -> String {
    let all = report["status"]["conditions"].as_array().unwrap();
    let c = all.iter().find(|c| c["type"] == kind).unwrap_or(&Value::Null);
    format!("{}/{}", c["status"].as_str().unwrap_or("-"), c["reason"].as_str().unwrap_or("-"))
}

async fn until(plane: &ControlPlane, namespace: &str, kind: &str, want: &str) -> Value {
    reports::until(plane, namespace, "pr-20", kind, want).await
}

/// What a status says without the times at which the operator looked.
pub fn timeless(mut report: Value) -> Value {
    let status = report["status"].as_object_mut().unwrap();
    for name in ["completedAt", "transitions"] {
        status.remove(name);
    }
    for c in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        c.as_object_mut().unwrap().remove("lastTransitionTime");
    }
    if let Some(source) = status.get_mut("source").and_then(Value::as_object_mut) {
        source.remove("resolvedAt");
    }
    // Each replayed GitHub listens on a port of its own.
    let text = report["status"].to_string();
    let ports = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    serde_json::from_str(&ports.replace_all(&text, "github")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_undecided_to_failed_to_passed_with_one_write_for_each_change() {
    let plane = cluster().await;
    let namespace = plane.namespace("story").await.unwrap();
    let gh = undecided();
    let mark = plane.audit_mark().unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    create(plane, &namespace).await;

    // What the document said, and what it should have said.
    let seen = until(plane, &namespace, "Passed", "False/RequiredFailed").await;
    let status = &seen["status"];
    assert_eq!(condition(&seen, "Reconciling"), "True/Running");
    assert_eq!(condition(&seen, "Stalled"), "False/RequiredFailed");
    assert_eq!(status["summary"]["jobs"]["display"], "17/22", "the undecided suite is no success");
    assert_eq!(status["source"]["runs"].as_array().unwrap().len(), 2, "both workflow runs");
    let suites = status["suites"].as_array().unwrap();
    let integration = suites.iter().find(|s| s["name"] == "Integration Tests").unwrap();
    assert_eq!((&integration["passed"], &integration["total"]), (&4.into(), &9.into()));
    let ai =
        integration["jobs"].as_array().unwrap().iter().find(|j| j["displayName"] == "AI Analysis").unwrap();
    assert_eq!(ai["state"], "Running");
    assert!(
        status["maskedFailures"].as_array().unwrap().iter().any(|m| m["job"] == "Build & Lint (Go Services)")
    );
    let failures = status["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 4);
    for failure in failures {
        let url = failure["url"].as_str().unwrap();
        assert!(
            url.contains("/actions/runs/21293284930/job/612929374")
                || url.contains("61292937383")
                || url.contains("61292937384"),
            "{url}"
        );
        assert!(!failure["failingTests"].as_array().unwrap().is_empty());
        for cause in failure["causes"].as_array().into_iter().flatten() {
            assert!(cause["kind"] != "Timing" || cause["probability"].as_i64().unwrap() <= 50, "{cause}");
        }
    }

    // The undecided suite fails, the run ends red.
    gh.advance(pr20::CONCLUDED - pr20::UNDECIDED + secs(60));
    let red = until(plane, &namespace, "Stalled", "True/RequiredFailed").await;
    assert_eq!(condition(&red, "Complete"), "True/AllFinal");
    assert_eq!(condition(&red, "Reconciling"), "False/Final");
    assert_eq!(condition(&red, "ArtifactsAvailable"), "False/NotCollected", "one suite left no bundle");
    assert_eq!(red["status"]["phase"], "Failed");

    // Somebody re-runs what failed, and it passes.
    gh.advance(pr20::GREEN - pr20::CONCLUDED + secs(60));
    let green = until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    let message =
        green["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Passed").unwrap();
    assert!(message["message"].as_str().unwrap().contains(pr20::SHA));
    plane
        .kubectl_ok(&[
            "wait", "--for=condition=Passed", "testrunreport/pr-20", "-n", &namespace, "--timeout=20s",
        ])
        .await
        .unwrap();
    let line: Vec<&str> = green["status"]["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["passed"].as_str().unwrap())
        .collect();
    assert_eq!(line.last(), Some(&"True"));

    operator.stop().await;
    let writes: Vec<_> = plane
        .audit_events_since(mark)
        .unwrap()
        .into_iter()
        .filter(|e| e.is_write() && e.namespace() == namespace && e.user_agent.starts_with("testrun"))
        .collect();
    assert!(!writes.is_empty(), "the operator is told by its user agent");
    let status_writes = writes.iter().filter(|e| e.target().contains("status")).count();
    let versions = green["status"]["transitions"].as_array().unwrap().len();
    assert!(status_writes >= versions && status_writes <= 8, "{status_writes} status writes");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written_and_nothing_is_asked() {
    let plane = cluster().await;
    let namespace = plane.namespace("rest").await.unwrap();
    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();
    gh.advance(pr20::GREEN + secs(60));
    // The pace of a real installation: a final report is looked at every ten minutes.
    let operator = Operator::start(plane, &namespace, gh.url(), &["--refresh-interval", "10m"]).await;
    create(plane, &namespace).await;
    until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    // A look is counted a moment after its verdict is seen.
    let counted = async || Some(operator.metric("testrun_reconciles_total").await).filter(|n| *n > 0.0);
    let looks = eventually(|| "the look to be counted", counted).await;

    audited(plane).await;
    let mark = plane.audit_mark().unwrap();
    let asked = gh.requests().len();
    gh.advance(secs(300));
    // Something else happens in the cluster, so that rest is not just a stopped process.
    plane.kubectl_ok(&["label", "testrunreport/pr-20", "-n", &namespace, "team=a"]).await.unwrap();
    // That nothing happens can only be seen over a time, here five of its intervals.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(operator.metric("testrun_reconciles_total").await, looks, "a label is no reason to look");
    let writes: Vec<String> = plane
        .audit_events_since(mark)
        .unwrap()
        .iter()
        .filter(|e| e.is_write() && e.namespace() == namespace && e.user_agent.starts_with("testrun"))
        .map(|e| e.target())
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(gh.requests().len(), asked, "GitHub was asked at rest");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_ten_moments_it_ends_in_the_same_status() {
    let plane = cluster().await;
    let mut ends = Vec::new();
    for kill in [false, true] {
        let namespace = plane.namespace("kill").await.unwrap();
        let gh = GitHub::start(pr20::pull_request_20().rerun_green());
        gh.pause();
        let mut operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
        create(plane, &namespace).await;
        // Ten moments over the whole story; the wait before the kill differs, so that it hits reads and writes.
        let step = (pr20::GREEN + secs(100)) / 10;
        for moment in 0..10_u64 {
            gh.advance(step);
            if kill {
                let asked = gh.requests().len();
                let more = (moment * 5) as usize;
                gh.until(secs(20), move |requests| requests.len() >= asked + more).await;
                operator.kill().await;
                operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
            }
        }
        let report = until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
        ends.push(timeless(report));
        operator.stop().await;
        assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    }
    assert!(ends[0] == ends[1], "{:#}\n{:#}", ends[0], ends[1]);
}
