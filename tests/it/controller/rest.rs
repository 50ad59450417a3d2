//! One write per change and none at rest; what others write into the status is corrected.

use serde_json::json;

use super::bench::{Bench, QUICK, SLOW};
use super::{away, green, passed, red, running};
use crate::cluster::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn one_change_is_one_write_and_rest_is_none() {
    let bench = Bench::start("rest", QUICK, running()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "Running").await;
    bench.script.more(10).await;
    assert_eq!(bench.writes_once(1, "a").await, [200], "ten more looks at the same facts write nothing");

    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    bench.script.more(10).await;
    assert_eq!(bench.writes_once(2, "a").await, [200, 200], "the new verdict is one write");
    let text = bench.metrics.text().unwrap();
    assert!(text.contains("testrun_status_writes_total 2\n"), "{text}");
    // Counted by what its own watch has brought.
    let counted = async || bench.metrics.text().unwrap().contains("testrun_reports{phase=\"Passed\"} 1\n");
    eventually(|| "the report to be counted", async || counted().await.then_some(())).await;
    assert!(text.contains("testrun_build_info{version="), "{text}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_is_one_look() {
    let bench = Bench::start("onelook", SLOW, red()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    bench.patch("a", json!({"metadata": {"labels": {"no": "news"}}})).await;
    bench.patch("a", json!({"spec": {"gate": {"settleSeconds": 1}}})).await;
    bench.report("a", |r| r.status.as_ref().is_some_and(|s| s.observed_generation == 2)).await;
    bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}})).await;
    bench.script.until("the look that was asked for", |l| l.len() >= 3).await;
    // Whatever else was queued for this report is done before the look at the next one ends.
    bench.create("b", json!({})).await;
    bench.reason("b", "RequiredFailed").await;
    let generations: Vec<i64> =
        bench.script.looks().iter().filter(|l| l.name == "a").map(|l| l.generation).collect();
    assert_eq!(generations, [1, 2, 2], "creation, edit and request: one look each; a label is none");
    assert_eq!(bench.writes_once(2, "a").await, [200, 200], "the look that was asked for found nothing new");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_status_is_corrected_at_once() {
    let bench = Bench::start("forged", SLOW, red()).await;
    bench.create("a", json!({})).await;
    let before = bench.reason("a", "RequiredFailed").await;
    let mut status = serde_json::to_value(before.status.as_ref().unwrap()).unwrap();
    for condition in status["conditions"].as_array_mut().unwrap() {
        condition["status"] = json!("True");
        condition["reason"] = json!("AllRequiredSucceeded");
    }
    status["phase"] = json!("Passed");
    let mark = before.metadata.resource_version.clone();
    bench.forge("a", status.clone()).await;
    let after = bench
        .report("a", |r| {
            r.metadata.resource_version != mark && passed(r) == Some(("False", "RequiredFailed"))
        })
        .await;
    assert_eq!(after.status, before.status, "exactly what was there before");
    assert_eq!(bench.writes_once(2, "a").await.len(), 2, "one write corrects it, and no loop follows");

    // While GitHub is away the forgery is not what a verdict is kept from.
    bench.script.say(away());
    let mark = after.metadata.resource_version.clone();
    bench.forge("a", status).await;
    let kept = bench
        .report("a", |r| r.metadata.resource_version != mark && passed(r).is_some_and(|p| p.0 != "True"))
        .await;
    assert_eq!(passed(&kept), Some(("False", "RequiredFailed")), "the verdict of our own survives");
    bench.stop().await;
}
