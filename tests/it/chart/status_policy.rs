//! Only the operator writes the status of a report.

use serde_json::json;

use super::{Helm, WRITE_STATUS, operator, plane, report, verdict};
use crate::cluster::{established, eventually};

const REFUSAL: &str =
    "the status of a TestRunReport or of a set of them is written by system:serviceaccount:";

#[tokio::test]
async fn nobody_but_the_operator_writes_a_verdict_whatever_their_rights() {
    let plane = plane().await;
    let namespace = plane.namespace("verdict").await.unwrap();
    let elsewhere = plane.namespace("elsewhere").await.unwrap();
    let n = format!("--namespace={namespace}");
    Helm::on(plane).deploy(&namespace, &json!({"watch": {"namespaces": [namespace]}})).await;
    established(plane, "testrunreports.testrun.dev").await;
    plane.admin().with_file(&report("r", json!({})), &["create", &n]).await.unwrap();
    plane.admin().with_file(&report("r", json!({})), &["create", "--namespace", &elsewhere]).await.unwrap();

    // An account of the same name in another namespace, and one beside the operator's own.
    for (place, name) in [(&elsewhere, "testrun-operator"), (&namespace, "other")] {
        plane.kubectl_ok(&["create", "serviceaccount", name, "--namespace", place]).await.unwrap();
        let user = format!("--serviceaccount={place}:{name}");
        let binding = format!("{namespace}-{name}-{place}");
        plane
            .kubectl_ok(&["create", "clusterrolebinding", &binding, "--clusterrole=cluster-admin", &user])
            .await
            .unwrap();
    }
    let service_account = async |place: &str, name: &str| {
        plane.kubectl_with(&plane.kubeconfig_for_service_account(place, name).await.unwrap())
    };
    let others = [
        ("an administrator", plane.admin().clone()),
        ("another account", service_account(&namespace, "other").await),
        ("the operator's name elsewhere", service_account(&elsewhere, "testrun-operator").await),
        ("a user with rights", plane.kubectl_as("mallory", &["system:masters"]).unwrap()),
    ];
    let forged = verdict("r", 1, "True", 1);
    let write = [&WRITE_STATUS[..], &[&n]].concat();
    eventually(
        || "the policy to be in force",
        async || plane.admin().with_file(&forged, &[&write[..], &["--dry-run=server"]].concat()).await.err(),
    )
    .await;
    for (who, kubectl) in &others {
        let error = kubectl.with_file(&forged, &write).await.unwrap_err().to_string();
        assert!(error.contains(REFUSAL) && error.contains(&namespace), "{who}: {error}");
        // The other ways to write it.
        let patch = r#"{"status":{"phase":"Passed"}}"#;
        for kind in ["merge", "json"] {
            let text = if kind == "json" {
                r#"[{"op":"add","path":"/status/phase","value":"Passed"}]"#
            } else {
                patch
            };
            let args = ["patch", "trr", "r", &n, "--subresource=status", "--type", kind, "-p", text];
            let output = kubectl.run(&args).await.unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && error.contains(REFUSAL), "{who}, {kind} patch: {error}");
        }
        // Through the object itself it is dropped.
        kubectl.run(&["patch", "trr", "r", &n, "--type=merge", "-p", patch]).await.unwrap();
    }
    let phase = ["get", "trr", "r", &n, "-o", "jsonpath={.status.phase}"];
    assert_eq!(plane.kubectl_ok(&phase).await.unwrap(), "Pending");

    operator(plane, &namespace).await.with_file(&forged, &write).await.unwrap();
    assert_eq!(plane.kubectl_ok(&phase).await.unwrap(), "Passed");
    // Namespaces that this operator does not watch are not its business.
    let elsewhere = format!("--namespace={elsewhere}");
    plane.admin().with_file(&forged, &[&WRITE_STATUS[..], &[&elsewhere]].concat()).await.unwrap();
}
