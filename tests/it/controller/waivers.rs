//! Waivers that reports share: what becomes of a verdict when they come, end and go.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testrun_operator::connections::Publish;

use super::bench::{self, Bench, SLOW};
use super::{message, passed, red};

/// A list with one waiver of the red job, so many seconds long.
fn list(repositories: &[&str], seconds: i64) -> Value {
    let until = Timestamp::now() + SignedDuration::from_secs(seconds);
    let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunWaiver", "metadata": {"name": "known"},
        "spec": {"repositories": repositories, "waivers": [
            {"job": "unit", "reason": "known", "approver": "carol", "expiresAt": until}]}})
}

async fn apply(bench: &Bench, list: &Value) {
    let n = format!("--namespace={}", bench.namespace);
    bench.plane.admin().with_file(&list.to_string(), &["apply", "--server-side", &n]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_waiver_turns_the_verdict_when_it_comes_and_when_it_goes() {
    let bench = Bench::start("waived", SLOW, red()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    // For others: nothing happens.
    let looks = bench.script.looks().len();
    apply(&bench, &list(&["octo-org/other"], 3600)).await;
    apply(&bench, &list(&["octo-org/*"], 3600)).await;
    let report = bench.reason("a", "AllRequiredSucceeded").await;
    assert_eq!(bench.script.looks().len(), looks + 1, "one look, for the list that is for it");
    assert!(message(&report).contains("1 waived: unit, until "), "{}", message(&report));
    let status = report.status.unwrap();
    assert_eq!(status.waived[0].from.as_deref(), Some("known"));
    assert_eq!(status.waived[0].approver, "carol");
    let n = format!("--namespace={}", bench.namespace);
    bench.plane.kubectl_ok(&["delete", "trw", "known", &n]).await.unwrap();
    let report = bench.reason("a", "RequiredFailed").await;
    assert!(report.status.unwrap().waived.is_empty());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_ends_at_its_time_and_not_at_the_next_event() {
    let bench = Bench::start("ends", SLOW, red()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    // Long enough for a busy machine to see that it is there.
    apply(&bench, &list(&["octo-org/hello-world"], 12)).await;
    let report = bench.reason("a", "AllRequiredSucceeded").await;
    let end = report.status.unwrap().waived[0].expires_at.0;
    let report = bench.reason("a", "RequiredFailed").await;
    let since = report
        .status
        .unwrap()
        .conditions
        .iter()
        .find(|c| c.type_ == "Passed")
        .unwrap()
        .last_transition_time
        .0;
    assert!(since >= end, "{since} is before {end}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_may_let_only_lists_count() {
    let plane = bench::plane().await;
    let namespace = plane.namespace("lists-only").await.unwrap();
    let bench = Bench::start_as(plane, namespace, SLOW, red(), Publish::default(), false).await;
    let own = json!({"waivers": [{"job": "unit", "reason": "r", "approver": "me", "expiresAt": "2099-01-01T00:00:00Z"}]});
    bench.create("a", own).await;
    let report = bench.reason("a", "RequiredFailed").await;
    let notes = report.status.unwrap().notes;
    assert!(notes.iter().any(|n| n.contains("TestRunWaiver")), "{notes:?}");
    apply(&bench, &list(&["octo-org/hello-world"], 3600)).await;
    let report = bench.reason("a", "AllRequiredSucceeded").await;
    assert_eq!(passed(&report).unwrap().0, "True");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_rests_on_a_waiver_is_not_taken_back_by_a_restart() {
    let bench = Bench::start("restart", SLOW, red()).await;
    apply(&bench, &list(&["octo-org/*"], 3600)).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "AllRequiredSucceeded").await;
    let (plane, namespace) = (bench.plane, bench.namespace.clone());
    let before = bench.report("a", |_| true).await;
    bench.stop().await;
    let bench = Bench::start_in(plane, namespace, SLOW, red()).await;
    bench.ready().await;
    // Asked for, so that it is looked at and not just taken over.
    bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}})).await;
    bench.script.until("a look", |l| !l.is_empty()).await;
    bench.create("b", json!({})).await;
    bench.reason("b", "AllRequiredSucceeded").await;
    let after = bench.report("a", |_| true).await;
    let since = |r: &testrun_operator::api::TestRunReport| {
        let all = &r.status.as_ref().unwrap().conditions;
        all.iter().find(|c| c.type_ == "Passed").map(|c| (c.status.clone(), c.last_transition_time.clone()))
    };
    assert_eq!(since(&after), since(&before), "it was True all the time");
    bench.stop().await;
}
