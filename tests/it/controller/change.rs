//! Changes while a look is running, and changes of what a report depends on.

use kube::api::DeleteParams;
use serde_json::json;

use super::bench::{Bench, SLOW};
use super::{green, message, passed, red};

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_edited_while_looking_never_gets_the_old_verdict() {
    let bench = Bench::start("fence", SLOW, green()).await;
    let held = bench.script.hold().await;
    bench.create("a", json!({})).await;
    bench.script.until("the first look has begun", |l| l.len() == 1).await;
    bench.patch("a", json!({"spec": {"suspend": true}})).await;
    drop(held);
    let report = bench.reason("a", "Suspended").await;
    assert_eq!(report.status.unwrap().observed_generation, 2);
    assert_eq!(
        bench.writes_once(2, "a").await,
        [409, 200],
        "the first verdict was refused, the second written"
    );
    assert_eq!(bench.script.looks().len(), 1, "a suspended report is not looked at");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_deleted_while_looking_is_left_alone() {
    let bench = Bench::start("gone", SLOW, green()).await;
    let held = bench.script.hold().await;
    bench.create("a", json!({})).await;
    bench.script.until("the first look has begun", |l| l.len() == 1).await;
    bench.api.delete("a", &DeleteParams::default()).await.unwrap();
    bench.gone("a").await;
    // Its successor of the same name is another object and must not get the verdict.
    bench.create("a", json!({"suspend": true})).await;
    drop(held);
    bench.reason("a", "Suspended").await;
    bench.create("b", json!({})).await;
    bench.reason("b", "AllRequiredSucceeded").await;
    let mut writes = bench.writes_once(2, "a").await;
    writes.sort_unstable();
    assert_eq!(writes, [200, 409], "the verdict of the old object was refused by the new one");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suspending_and_resuming() {
    let bench = Bench::start("suspend", SLOW, green()).await;
    bench.create("a", json!({"suspend": true})).await;
    bench.reason("a", "Suspended").await;
    assert!(bench.script.looks().is_empty());
    bench.patch("a", json!({"spec": {"suspend": false}})).await;
    bench.reason("a", "AllRequiredSucceeded").await;
    assert_eq!(bench.script.looks()[0].token.as_deref(), Some("operator-token"));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_used_and_its_changes_are_noticed() {
    let bench = Bench::start("secret", SLOW, red()).await;
    bench.ready().await;
    bench.create("a", json!({"credentialsRef": {"name": "gh"}})).await;
    let report = bench.reason("a", "SecretNotFound").await;
    let text = message(&report);
    assert!(text.contains("kubectl create secret generic gh -n"), "{text}");
    assert!(bench.script.looks().is_empty(), "GitHub is not asked without the credential");

    let namespace = format!("--namespace={}", bench.namespace);
    let secret = |key: &str, value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gh", "namespace": bench.namespace},
            "stringData": {key: value}})
        .to_string()
    };
    bench.plane.admin().with_file(&secret("other", "x"), &["create"]).await.unwrap();
    let report = bench
        .report("a", |r| {
            passed(r).is_some_and(|p| p.1 == "SecretNotFound") && message(r).contains("no key token")
        })
        .await;
    assert!(message(&report).contains("spec.credentialsRef.key"));

    bench.plane.admin().with_file(&secret("token", "first\n"), &["replace"]).await.unwrap();
    bench.reason("a", "RequiredFailed").await;
    bench.plane.admin().with_file(&secret("token", "second"), &["replace"]).await.unwrap();
    bench
        .script
        .until("the new token is used", |l| l.last().unwrap().token.as_deref() == Some("second"))
        .await;
    let tokens: Vec<_> = bench.script.looks().into_iter().map(|l| l.token.unwrap()).collect();
    assert_eq!(tokens, ["first", "second"], "one look per change of the Secret");

    bench.plane.kubectl_ok(&["delete", "secret", "gh", &namespace]).await.unwrap();
    let condition = |r: &testrun_operator::api::TestRunReport| {
        let conditions = &r.status.as_ref().unwrap().conditions;
        conditions.iter().any(|c| c.type_ == "SourceAvailable" && c.reason == "SecretNotFound")
    };
    let report = bench.report("a", condition).await;
    assert_eq!(
        passed(&report),
        Some(("False", "RequiredFailed")),
        "a final verdict survives a lost credential"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_connection_is_denied() {
    let bench = Bench::start("connection", SLOW, green()).await;
    let source = json!({"github": {"repository": "octo-org/hello-world", "sha": super::SHA,
        "connection": "elsewhere"}});
    bench.create("a", json!({ "source": source })).await;
    let report = bench.reason("a", "ConnectionDenied").await;
    assert!(message(&report).contains("elsewhere"));
    assert!(bench.script.looks().is_empty());
    bench.stop().await;
}
