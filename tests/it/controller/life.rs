//! Start, end, and what must not stop the controller.

use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use serde_json::json;
use testkit::controlplane::ControlPlane;
use testrun_operator::controller::CRD_MISSING;

use super::bench::{Bench, QUICK, SLOW, install, plane, soon};
use super::{green, red, running};

#[tokio::test(flavor = "multi_thread")]
async fn without_the_definition_it_waits_and_names_the_fix() {
    let plane: &'static ControlPlane =
        Box::leak(Box::new(ControlPlane::builder().audit(true).start().await.unwrap()));
    let namespace = plane.namespace("early").await.unwrap();
    let bench = Bench::start_in(plane, namespace, SLOW, green()).await;
    let mut state = bench.health.subscribe();
    let missing = |s: &Result<(), String>| s.as_ref().is_err_and(|why| why == CRD_MISSING);
    soon("the fix is named", state.wait_for(missing)).await.unwrap();
    assert!(CRD_MISSING.contains("kubectl apply -f crds/testrun.dev_testrunreports.yaml"));
    install(plane).await;
    bench.ready().await;
    bench.create("a", json!({})).await;
    bench.reason("a", "AllRequiredSucceeded").await;
    bench.stop().await;
    plane.stop_apiserver();
    plane.stop_etcd();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_report_is_deleted_after_its_time() {
    let bench = Bench::start("ttl", SLOW, running()).await;
    bench.create("a", json!({"ttlAfterCompletion": 1})).await;
    bench.create("b", json!({"ttlAfterCompletion": 3600})).await;
    bench.reason("a", "Running").await;
    bench.reason("b", "Running").await;
    bench.script.say(green());
    for name in ["a", "b"] {
        bench.patch(name, json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}})).await;
    }
    bench.gone("a").await;
    bench.reason("b", "AllRequiredSucceeded").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_does_not_stop_the_others() {
    let plane = plane().await;
    let namespace = plane.namespace("guard").await.unwrap();
    let object = |name: &str, of: &str| {
        json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"source": {"github": {"repository": "octo-org/hello-world", "sha": super::SHA}}, "localResults": [
                {"suite": "s", "time": of}]}})
        .to_string()
    };
    // The schema's date-time is wider than what can be read.
    plane.admin().with_file(&object("bad", "9999-12-31T23:59:59Z"), &["create"]).await.unwrap();
    let bench = Bench::start_in(plane, namespace, SLOW, green()).await;
    bench.create("good", json!({})).await;
    bench.reason("good", "AllRequiredSucceeded").await;
    bench.ready().await;
    let text = bench.metrics.text().unwrap();
    assert!(
        text.contains("testrun_invalid_objects_total ") && !text.contains("invalid_objects_total 0\n"),
        "{text}"
    );
    // It says so itself, once.
    let bad = async || {
        let path = "jsonpath={.status.conditions[?(@.type==\"Passed\")].message}";
        let said =
            plane.kubectl_ok(&["get", "trr", "bad", "-n", &bench.namespace, "-o", path]).await.unwrap();
        said.contains("spec.localResults[0].time").then_some(())
    };
    crate::cluster::eventually(|| "it to be said", bad).await;
    assert_eq!(bench.writes_once(1, "bad").await, [200]);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_counted_and_survived() {
    let bench = Bench::start("panic", SLOW, green()).await;
    bench.script.panic_from_now(true);
    bench.create("a", json!({})).await;
    bench.script.until("the look that panics", |l| l.len() == 1).await;
    bench.script.panic_from_now(false);
    bench.create("b", json!({})).await;
    bench.reason("b", "AllRequiredSucceeded").await;
    bench.reason("a", "AllRequiredSucceeded").await;
    let text = bench.metrics.text().unwrap();
    // At least one: the retry may come before the script is told to stop.
    let counted = text.lines().find_map(|l| l.strip_prefix("testrun_reconciles_total{outcome=\"panic\"} "));
    assert!(counted.is_some_and(|n| n.parse::<u64>().unwrap() >= 1), "{text}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_verdict_is_an_event() {
    let bench = Bench::start("events", QUICK, red()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    bench.script.more(5).await;
    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    // The event is recorded before the look ends, and so before the next one.
    bench.script.more(2).await;
    let events = kube::Api::<Event>::namespaced(bench.client(), &bench.namespace);
    let events = events.list(&ListParams::default()).await.unwrap().items;
    let mut reasons: Vec<_> =
        events.iter().map(|e| (e.type_.clone().unwrap(), e.reason.clone().unwrap())).collect();
    reasons.sort();
    let expected = [("Normal", "AllRequiredSucceeded"), ("Warning", "RequiredFailed")];
    assert_eq!(reasons, expected.map(|(t, r)| (t.to_owned(), r.to_owned())));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_a_running_look_is_finished_and_no_new_one_begun() {
    let bench = Bench::start("drain", SLOW, green()).await;
    let held = bench.script.hold().await;
    bench.create("a", json!({})).await;
    bench.script.until("the look has begun", |l| l.len() == 1).await;
    bench.end.cancel();
    bench.create("b", json!({})).await;
    drop(held);
    bench.reason("a", "AllRequiredSucceeded").await;
    soon("the controller ends", bench.task).await.unwrap();
    assert_eq!(bench.script.looks().len(), 1);
}
