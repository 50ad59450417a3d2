//! `spec.publish.attestation`: the verdict as a signed statement in a `ConfigMap`, checked by the plugin.

use std::path::PathBuf;

use serde_json::{Value, json};
use testrun_operator::controller::{Attestor, Pace};

use super::bench::{self, Bench, QUICK, SLOW};
use super::{SHA, away, green, passed, red, running};
use crate::cli::{Cli, FAILED, PASSED, Ran, UNREADABLE, repository};
use crate::cluster::eventually;

const REPO: &str = "octo-org/hello-world";

fn file(name: &str) -> PathBuf {
    repository(&format!("tests/gating/attestations/{name}"))
}

fn asks() -> Value {
    json!({"publish": {"attestation": {}}})
}

/// A controller that signs for the namespaces that fit, with a key that can be changed.
async fn start(prefix: &str, pace: Pace, key: &str, namespaces: &str) -> (Bench, PathBuf, tempfile::TempDir) {
    let plane = bench::plane().await;
    let namespace = plane.namespace(prefix).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key.pem");
    std::fs::copy(file(key), &key_file).unwrap();
    let attestor = Attestor { key_file: key_file.clone(), namespaces: vec![namespaces.into()] };
    let bench = Bench::start_attesting(plane, namespace, pace, green(), attestor).await;
    (bench, key_file, folder)
}

async fn found(bench: &Bench, report: &str) -> Option<Value> {
    let name = format!("testrun-attestation-{report}");
    let args =
        ["get", "configmap", &name, "--namespace", &bench.namespace, "--ignore-not-found", "-o", "json"];
    let text = bench.plane.kubectl_ok(&args).await.unwrap();
    (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
}

async fn result(bench: &Bench, report: &str, want: &str) -> Value {
    let is =
        async || found(bench, report).await.filter(|f| f["metadata"]["labels"]["testrun.dev/result"] == want);
    eventually(|| format!("a statement that says {want}"), is).await
}

async fn gone(bench: &Bench, report: &str) {
    eventually(|| "no statement", async || found(bench, report).await.is_none().then_some(())).await;
}

/// As a person does it: kubectl gives the envelope, the plugin checks it.
async fn verify(bench: &Bench, report: &str, key: &str) -> Ran {
    let name = format!("testrun-attestation-{report}");
    let path = r"jsonpath={.data.attestation\.dsse\.json}";
    let args = ["get", "configmap", &name, "--namespace", &bench.namespace, "-o", path];
    let envelope = bench.plane.kubectl_ok(&args).await.unwrap();
    let key = file(key).to_string_lossy().into_owned();
    Cli::new(&["verify", "-", "--key", &key, "--sha", SHA, "--repo", REPO]).input(&envelope).run().await
}

async fn published(bench: &Bench, report: &str, reason: &str) -> String {
    let of = |r: &testrun_operator::api::TestRunReport| {
        let all = &r.status.as_ref()?.conditions;
        all.iter().find(|c| c.type_ == "Published").cloned()
    };
    let report = bench.report(report, |r| of(r).is_some_and(|c| c.reason == reason)).await;
    of(&report).unwrap().message
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_statement_of_the_verdict_and_never_of_another() {
    // Two signatures of P-256 over the same differ.
    let (bench, key_file, _folder) = start("attested", QUICK, "p256.key", "attested-*").await;
    bench.create("pr", asks()).await;
    let object = result(&bench, "pr", "PASSED").await;
    let report = bench.report("pr", |_| true).await;
    assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], json!(report.metadata.uid));
    let labels = &object["metadata"]["labels"];
    assert_eq!(labels["testrun.dev/commit"], SHA);
    assert_eq!(labels["testrun.dev/repository"], "octo-org.hello-world");
    let ran = verify(&bench, "pr", "p256.pub").await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert!(ran.out.starts_with(&format!("passed: {REPO} at {SHA}: ")), "{ran:?}");
    published(&bench, "pr", "Published").await;

    // Written on change only: neither at rest nor while GitHub is away.
    let version = object["metadata"]["resourceVersion"].clone();
    bench.script.more(5).await;
    bench.script.say(away());
    bench
        .report("pr", |r| {
            r.status.as_ref().unwrap().conditions.iter().any(|c| c.reason == "GitHubUnavailable")
        })
        .await;
    assert_eq!(found(&bench, "pr").await.unwrap()["metadata"]["resourceVersion"], version);
    // Whatever somebody else puts there is set right.
    let n = format!("--namespace={}", bench.namespace);
    bench.script.say(green());
    let forged = r#"{"data":{"attestation.dsse.json":"{}","more":"x"}}"#;
    let patch = ["patch", "configmap", "testrun-attestation-pr", &n, "--type=merge", "-p", forged];
    bench.plane.kubectl_ok(&patch).await.unwrap();
    let right = async || {
        let data = found(&bench, "pr").await?["data"].as_object()?.clone();
        (data.len() == 1 && data["attestation.dsse.json"].as_str()?.len() > 100).then_some(())
    };
    eventually(|| "the forgery to be set right", right).await;

    // It turns: there is never a pass of a report that has none.
    bench.script.say(red());
    result(&bench, "pr", "FAILED").await;
    assert_eq!(verify(&bench, "pr", "p256.pub").await.code, FAILED);
    bench.script.say(running());
    bench.reason("pr", "Running").await;
    gone(&bench, "pr").await;
    bench.script.say(green());
    result(&bench, "pr", "PASSED").await;

    // Another key signs what there is.
    std::fs::copy(file("ed25519.key"), &key_file).unwrap();
    let again = async || (verify(&bench, "pr", "ed25519.pub").await.code == PASSED).then_some(());
    eventually(|| "the new key", again).await;
    assert_eq!(verify(&bench, "pr", "p256.pub").await.code, UNREADABLE);

    // It is not asked for any more.
    bench.patch("pr", json!({"spec": {"publish": null}})).await;
    gone(&bench, "pr").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_report_has_no_statement_until_it_was_looked_at() {
    let (bench, _key, _folder) = start("unattested", SLOW, "ed25519.key", "*").await;
    bench.create("pr", asks()).await;
    result(&bench, "pr", "PASSED").await;
    let held = bench.script.hold().await;
    bench.patch("pr", json!({"spec": {"workflows": ["CI", "e2e"]}})).await;
    gone(&bench, "pr").await;
    drop(held);
    bench.reason("pr", "Expecting").await;
    assert!(found(&bench, "pr").await.is_none(), "nothing is decided");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_configmap_is_left_alone_and_others_are_not_signed_for() {
    let (bench, key_file, _folder) = start("foreign", QUICK, "ed25519.key", "foreign-*").await;
    let n = format!("--namespace={}", bench.namespace);
    let make = ["create", "configmap", "testrun-attestation-pr", &n, "--from-literal=mine=yes"];
    bench.plane.kubectl_ok(&make).await.unwrap();
    bench.create("pr", asks()).await;
    let why = published(&bench, "pr", "NameTaken").await;
    assert!(why.contains("ConfigMap testrun-attestation-pr exists"), "{why}");
    bench.script.more(3).await;
    assert_eq!(found(&bench, "pr").await.unwrap()["data"], json!({"mine": "yes"}));
    assert_eq!(passed(&bench.report("pr", |_| true).await).unwrap().0, "True", "the verdict stands");
    // Nor is it taken away when there is no verdict, or nobody asks.
    bench.script.say(running());
    bench.reason("pr", "Running").await;
    bench.patch("pr", json!({"spec": {"publish": null}})).await;
    bench.script.more(3).await;
    assert_eq!(found(&bench, "pr").await.unwrap()["data"], json!({"mine": "yes"}));

    // A key that is gone is said, and never half of it told.
    bench.script.say(green());
    std::fs::write(&key_file, "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n").unwrap();
    bench.create("other", asks()).await;
    let why = published(&bench, "other", "PublishRefused").await;
    assert!(why.contains("key cannot be used") && !why.contains("MC4C"), "{why}");
    bench.stop().await;

    let (bench, _key, _folder) = start("strangers", QUICK, "ed25519.key", "friends-*").await;
    bench.create("pr", asks()).await;
    let why = published(&bench, "pr", "PublishRefused").await;
    assert!(why.contains("of this namespace are not signed"), "{why}");
    assert!(found(&bench, "pr").await.is_none());
    bench.stop().await;
}
