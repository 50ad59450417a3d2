//! A definition that is newer than the operator lets into a spec what this version does not know.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;

use super::life::REPO;
use super::versions::{end, ended, plane, replace, schema, serves};
use crate::cluster::{audited, eventually};
use crate::reports;
use crate::story::condition;
use crate::story::operator::Operator;

async fn edit(plane: &ControlPlane, namespace: &str, name: &str, spec: Value) {
    let patch = json!({ "spec": spec }).to_string();
    plane.kubectl_ok(&["patch", "trr", name, "-n", namespace, "--type=merge", "-p", &patch]).await.unwrap();
}

/// Waits until a report is set aside, and gives what it says.
async fn set_aside(plane: &ControlPlane, namespace: &str, name: &str, field: &str) {
    let report = reports::until(plane, namespace, name, "Stalled", "True/InvalidSpec").await;
    let status = &report["status"];
    assert_eq!(condition(&report, "Passed"), "Unknown/InvalidSpec");
    assert_eq!(condition(&report, "Ready"), "False/InvalidSpec");
    assert_eq!(status["observedGeneration"], report["metadata"]["generation"]);
    let passed = status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Passed").unwrap();
    let message = passed["message"].as_str().unwrap();
    assert!(message.contains(field) && message.contains("upgrade the operator"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_does_not_know_is_said_and_never_passes() {
    let plane = plane(|crd| {
        let spec = schema(crd, "spec");
        spec["mustAlso"] = json!({"type": "string"});
        spec["gate"]["properties"]["mode"]["enum"].as_array_mut().unwrap().push(json!("Lenient"));
    })
    .await;
    serves(plane, "testrunreports.spec.mustAlso", true).await;
    let (namespace, gh) = (plane.namespace("newer").await.unwrap(), ended("success"));
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let mark = plane.audit_mark().unwrap();
    let shown = json!({"publish": {"status": {}}});
    reports::create(plane, &namespace, "a", reports::of_pull_with(REPO, 20, shown.clone())).await;
    reports::until(plane, &namespace, "a", "Passed", "True/AllRequiredSucceeded").await;
    let on_github = async |state: &str| {
        let last = async || {
            let writes = gh.writes();
            (writes.last()?.body.as_ref()?["state"] == *state).then_some(())
        };
        eventually(|| format!("{state} on GitHub"), last).await;
    };
    on_github("success").await;
    // A pass of before is no pass of what is asked for now.
    edit(plane, &namespace, "a", json!({"gate": {"mode": "Lenient"}})).await;
    set_aside(plane, &namespace, "a", "spec.gate.mode: unknown variant `Lenient`").await;
    on_github("pending").await;
    let more = json!({"mustAlso": "be tested on the moon"});
    reports::create(plane, &namespace, "b", reports::of_pull_with(REPO, 20, more)).await;
    set_aside(plane, &namespace, "b", "spec.mustAlso").await;
    // The others are as they were, but where they speak for the commit together with it.
    reports::create(plane, &namespace, "c", reports::of_pull_with(REPO, 20, shown)).await;
    let c = reports::until(plane, &namespace, "c", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(condition(&c, "Ready"), "True/AllRequiredSucceeded");
    reports::until(plane, &namespace, "c", "Published", "True/Published").await;
    on_github("pending").await;

    let writes = |name: &str| {
        let events = plane.audit_events_since(mark).unwrap();
        let own = |e: &&testkit::controlplane::AuditEvent| {
            e.target() == "testrunreports/status" && e.object_ref.as_ref().is_some_and(|o| o.name == name)
        };
        events.iter().filter(own).count()
    };
    let told = async || {
        let report = reports::get(plane, &namespace, "a").await;
        let all = report["status"]["conditions"].as_array()?.iter();
        let of_now = |c: &&Value| c["observedGeneration"] == report["metadata"]["generation"];
        let told = all.filter(of_now).any(|c| c["type"] == "Published" && c["status"] == "True");
        told.then_some(())
    };
    eventually(|| "what is shown of it to be said", told).await;
    // The next process finds what was said, and says nothing more.
    operator.stop().await;
    audited(plane).await;
    let said = ["a", "b"].map(writes);
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let seen = async || (operator.metric("testrun_invalid_objects_total").await >= 2.0).then_some(());
    eventually(|| "both to be seen again", seen).await;
    let rested = async || {
        (operator.metric("testrun_reconciles_total{outcome=\"unchanged\"}").await >= 3.0).then_some(())
    };
    eventually(|| "looks at the other one", rested).await;
    audited(plane).await;
    assert_eq!(["a", "b"].map(writes), said);
    assert_eq!(said[1], 1, "it is said once");

    edit(plane, &namespace, "a", json!({"gate": {"mode": "Enforce"}})).await;
    edit(plane, &namespace, "b", json!({"mustAlso": null})).await;
    for name in ["a", "b"] {
        reports::until(plane, &namespace, name, "Passed", "True/AllRequiredSucceeded").await;
    }
    on_github("success").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    end(plane);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_and_a_set_with_more_than_the_operator_knows_are_left_alone() {
    let plane = plane(|_| ()).await;
    replace(plane, "waivers", |crd| schema(crd, "spec")["onlyAtNight"] = json!({"type": "boolean"})).await;
    replace(plane, "reportsets", |crd| schema(crd, "spec")["onlyOnMondays"] = json!({"type": "boolean"}))
        .await;
    let served = ["testrunwaivers.spec.onlyAtNight", "testrunreportsets.spec.onlyOnMondays"];
    for field in served {
        serves(plane, field, true).await;
    }
    let (namespace, gh) = (plane.namespace("more").await.unwrap(), ended("failure"));
    let apply = async |kind: &str, name: &str, spec: Value| {
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": namespace}, "spec": spec});
        plane.admin().with_file(&object.to_string(), &["apply"]).await.unwrap();
    };
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let end_of_it =
        (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).strftime("%Y-%m-%dT%H:%M:%SZ");
    let excused =
        json!([{"job": "unit", "reason": "known", "approver": "carol", "expiresAt": end_of_it.to_string()}]);
    apply("TestRunWaiver", "known", json!({"repositories": [REPO], "onlyAtNight": true, "waivers": excused}))
        .await;
    let mut set = json!({"source": {"repository": REPO}, "generators": {"pullRequests": {}},
        "template": {"spec": {"gate": {"settleSeconds": 0}}}, "onlyOnMondays": true});
    apply("TestRunReportSet", "all", set.clone()).await;
    for said in [
        "a TestRunWaiver cannot be read and waives nothing: spec.onlyAtNight",
        "a TestRunReportSet cannot be read and is left alone: spec.onlyOnMondays",
    ] {
        eventually(|| said, async || (operator.logged(said) > 0).then_some(())).await;
    }
    reports::create(plane, &namespace, "a", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "a", "Stalled", "True/RequiredFailed").await;
    let names = plane.kubectl_ok(&["get", "trr", "-n", &namespace, "-o", "name"]).await.unwrap();
    assert_eq!(names.trim(), "testrunreport.testrun.dev/a", "a report without it would ask for less");

    apply("TestRunWaiver", "known", json!({"repositories": [REPO], "waivers": excused})).await;
    reports::until(plane, &namespace, "a", "Passed", "True/AllRequiredSucceeded").await;
    set.as_object_mut().unwrap().remove("onlyOnMondays");
    apply("TestRunReportSet", "all", set).await;
    reports::until(plane, &namespace, "all-pr-20", "Passed", "True/AllRequiredSucceeded").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    end(plane);
}
