//! The operator at work with exactly the rights that the chart gives it.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::{Helm, RELEASE, plane};
use crate::cluster::{eventually, may};
use crate::generated::in_repository;
use crate::reports;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";

#[tokio::test(flavor = "multi_thread")]
async fn with_the_rights_of_the_chart_nothing_is_refused() {
    let plane = plane().await;
    let namespace = plane.namespace("exactly").await.unwrap();
    let n = format!("--namespace={namespace}");
    let values = json!({"watch": {"namespaces": [namespace]}, "replicas": 2, "credentials": {"watchSecrets": true},
        "http": {"enabled": true}, "page": {"enabled": true},
        "attestation": {"enabled": true, "keySecret": {"name": "signing"}}});
    Helm::on(plane).deploy(&namespace, &values).await;
    let account = plane.kubeconfig_for_service_account(&namespace, RELEASE).await.unwrap();
    let user = format!("system:serviceaccount:{namespace}:{RELEASE}");
    for (verb, resource) in
        [("watch", "testrunreports.testrun.dev"), ("create", "leases.coordination.k8s.io")]
    {
        may(plane, &user, verb, resource, &namespace).await;
    }
    let mark = plane.audit_mark().unwrap();

    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
    }));
    gh.pause();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml").to_string_lossy().into_owned();
    let key = in_repository("tests/gating/attestations/ed25519.key");
    std::fs::write(&config, json!({"attestation": {"keyFile": key, "namespaces": ["*"]}}).to_string())
        .unwrap();
    let args = [
        "--config", &config, "--leader-elect", "--lease-namespace", &namespace, "--refresh-interval", "1s",
        "--http-addr", "127.0.0.1:0", "--page",
    ];
    let operator = Operator::start_as(&account, &namespace, gh.url(), &args).await;
    let set = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReportSet", "metadata": {"name": "shop"},
        "spec": {"source": {"repository": REPO}, "generators": {"pullRequests": {}}, "template": {"spec": {"suspend": true}}}});
    plane.admin().with_file(&set.to_string(), &["create", &n]).await.unwrap();
    let made = async || plane.kubectl_ok(&["get", "trr", "shop-pr-20", &n]).await.ok();
    eventually(|| "the report of the set", made).await;
    let secret = [
        "create",
        "secret",
        "generic",
        "mine",
        &n,
        &format!("--from-literal=token={}", testkit::github::TOKEN),
    ];
    plane.kubectl_ok(&secret).await.unwrap();
    let more = json!({"credentialsRef": {"name": "mine"}, "publish": {"attestation": {}}, "ttlAfterCompletion": 3600});
    reports::create(plane, &namespace, "r", reports::of_pull_with(REPO, 20, more)).await;
    let until = async |want: &str| reports::until(plane, &namespace, "r", "Passed", want).await;
    until("Unknown/Running").await;
    let token = ["create", "token", RELEASE, &n, "--audience=testrun-operator"];
    let token = plane.kubectl_ok(&token).await.unwrap();
    let page = crate::page::get(&operator.http(), &format!("/?namespace={namespace}"), token.trim()).await;
    assert!(page.status == 200 && page.body.contains("2 reports, page 1 of 1"), "{page:?}");
    gh.advance(secs(60));
    gh.update(|s| {
        s.job(501).complete("success");
        s.run(77).settle();
    });
    until("True/AllRequiredSucceeded").await;
    let signed = async || plane.kubectl_ok(&["get", "configmap", "testrun-attestation-r", &n]).await.ok();
    eventually(|| "the attestation", signed).await;
    let unsigned = ["patch", "testrunreport", "r", &n, "--type=merge", "-p", r#"{"spec":{"publish":null}}"#];
    plane.kubectl_ok(&unsigned).await.unwrap();
    let gone = async || plane.kubectl_ok(&["get", "configmap", "testrun-attestation-r", &n]).await.err();
    eventually(|| "the attestation to be gone", gone).await;
    let patch =
        ["patch", "testrunreport", "r", &n, "--type=merge", "-p", r#"{"spec":{"ttlAfterCompletion":0}}"#];
    plane.kubectl_ok(&patch).await.unwrap();
    let gone = async || plane.kubectl_ok(&["get", "testrunreport", "r", &n]).await.err();
    eventually(|| "the report to be deleted", gone).await;
    operator.stop().await;

    let events = plane.audit_events_since(mark).unwrap();
    let own: Vec<_> = events.iter().filter(|e| e.user() == user).collect();
    let refused: Vec<_> =
        own.iter().filter(|e| e.code() == Some(403)).map(|e| (&e.verb, &e.request_uri)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let used: BTreeSet<String> = own.iter().map(|e| format!("{} {}", e.verb, e.target())).collect();
    for right in [
        "list testrunreports", "watch testrunreports", "patch testrunreports", "delete testrunreports",
        "update testrunreports/status", "list testrunreportsets", "watch testrunreportsets",
        "update testrunreportsets/status", "list testrunwaivers", "watch testrunwaivers", "create events",
        "get configmaps", "create configmaps", "delete configmaps", "get secrets", "list secrets",
        "watch secrets", "create tokenreviews", "create subjectaccessreviews", "list leases",
        "create leases", "update leases", "watch leases",
    ] {
        assert!(used.contains(right), "{right} is not used: {used:?}");
    }
}
