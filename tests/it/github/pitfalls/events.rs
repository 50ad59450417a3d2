//! Webhooks: they come late, twice, in any order and not at all.

use super::*;
use crate::cluster::cluster;
use crate::reports;
use crate::story::operator::Operator;

const SECRET: &str = "webhook secret";

#[tokio::test(flavor = "multi_thread")]
async fn p06_events_are_only_a_reason_to_look() {
    let plane = cluster().await;
    let namespace = plane.namespace("pitfall-events").await.unwrap();
    let gh = Fake::start(empty().start_now());
    gh.pause();
    let slow = ["--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr", "127.0.0.1:0"];
    let args: Vec<&str> = slow.iter().copied().chain(["--webhook-secret", SECRET]).collect();
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    gh.update(|s| s.send_hooks_to(&operator.webhooks(), SECRET));
    reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "pr", "Passed", "Unknown/Pending").await;

    // What waited comes twice and in any order: a late "completed, success" beside the re-run that followed it.
    gh.update(|s| {
        s.hooks.held = true;
        s.hooks.duplicate_percent = 100;
        s.hooks.shuffle = true;
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
        s.run(77).rerun("someone", |_| true);
        s.run(77).job("unit").start();
    });
    gh.advance(secs(5));
    gh.update(|s| s.hooks.release());
    let seen = reports::until(plane, &namespace, "pr", "Passed", "Unknown/Running").await;
    assert_eq!(seen["status"]["source"]["runs"][0]["attempt"], 2);
    assert!(gh.wait_for(secs(30), |s| s.hooks.waiting() == 0));
    let duplicates = operator.metric("testrun_webhook_deliveries_total{outcome=\"duplicate\"}").await;
    assert!(duplicates > 0.0, "the id of a delivery is the same when it comes again");
    let taken = operator.metric("testrun_webhook_deliveries_total").await;
    assert!(taken >= 2.0 * duplicates, "{taken} {duplicates}");

    // It ends red; the job is never said to have begun, and the events come backwards.
    gh.update(|s| {
        s.hooks.held = true;
        s.run(77).job("unit").complete("failure");
        s.run(77).settle();
    });
    gh.advance(secs(5));
    gh.update(|s| s.hooks.release());
    reports::until(plane, &namespace, "pr", "Stalled", "True/RequiredFailed").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
