//! Nobody but the operator writes what promoter reads of a verdict.

use serde_json::{Value, json};

use super::{Helm, SHA, operator, plane};
use crate::cluster::{established, eventually, promoter_definitions};

const REFUSAL: &str = "a CommitStatus with this key is written by system:serviceaccount:";

fn commit_status(name: &str, key: &str, phase: &str) -> Value {
    json!({"apiVersion": "promoter.argoproj.io/v1alpha1", "kind": "CommitStatus",
        "metadata": {"name": name, "labels": {"promoter.argoproj.io/commit-status": key}},
        "spec": {"gitRepositoryRef": {"name": "shop"}, "sha": SHA, "name": key, "description": "d", "phase": phase}})
}

#[tokio::test]
async fn a_commit_status_cannot_be_forged() {
    let Some(files) = promoter_definitions() else { return };
    let plane = plane().await;
    for file in files {
        plane.kubectl_ok(&["apply", "--server-side", "-f", &file.to_string_lossy()]).await.unwrap();
    }
    established(plane, "--all").await;
    let namespace = plane.namespace("promoted").await.unwrap();
    let elsewhere = plane.namespace("elsewhere").await.unwrap();
    // A key of this test alone: the policy binds the whole cluster.
    let values =
        json!({"watch": {"namespaces": [namespace]}, "promoter": {"enabled": true, "keys": ["gate-a"]}});
    Helm::on(plane).deploy(&namespace, &values).await;
    let at = |n: &str| format!("--namespace={n}");
    let (n, other) = (at(&namespace), at(&elsewhere));
    let forged = commit_status("forged", "gate-a", "success").to_string();
    let refused = async || {
        let args = ["create", "--dry-run=server", &other];
        plane.admin().with_file(&forged, &args).await.err().filter(|e| e.to_string().contains(REFUSAL))
    };
    eventually(|| "the policy to be in force", refused).await;

    // In any namespace, by whoever, in whatever way.
    let mallory = plane.kubectl_as("mallory", &["system:masters"]).unwrap();
    for (kubectl, place) in [(plane.admin(), &n), (&mallory, &n), (&mallory, &other)] {
        for verb in [&["create"][..], &["apply", "--server-side"]] {
            let error = kubectl.with_file(&forged, &[verb, &[place.as_str()]].concat()).await.unwrap_err();
            assert!(error.to_string().contains(REFUSAL), "{error}");
        }
    }
    // By way of another key, and back.
    let innocent = commit_status("moved", "argocd-health", "success").to_string();
    mallory.with_file(&innocent, &["create", &other]).await.unwrap();
    let fails = async |args: &[&str]| {
        let output = mallory.run(args).await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(REFUSAL), "{args:?}: {error}");
    };
    let label = "promoter.argoproj.io/commit-status=gate-a";
    fails(&["label", "commitstatus", "moved", &other, label, "--overwrite"]).await;

    // The operator's own, which nobody changes, nor takes out of promoter's sight. Removing it is no success.
    let own = operator(plane, &namespace).await;
    own.with_file(&commit_status("own", "gate-a", "failure").to_string(), &["create", &n]).await.unwrap();
    for patch in [
        r#"{"spec":{"phase":"success"}}"#,
        r#"{"spec":{"sha":"ffffffffffffffffffffffffffffffffffffffff"}}"#,
        r#"{"metadata":{"labels":{"promoter.argoproj.io/commit-status":"x"}}}"#,
        r#"{"metadata":{"labels":null}}"#,
    ] {
        fails(&["patch", "commitstatus", "own", &n, "--type=merge", "-p", patch]).await;
    }
    // Promoter itself writes the status.
    let status = r#"{"status":{"phase":"failure","sha":"0123456789abcdef0123456789abcdef01234567"}}"#;
    let args = ["patch", "commitstatus", "own", &n, "--subresource=status", "--type=merge", "-p", status];
    mallory.ok(&args).await.unwrap();
    plane.kubectl_ok(&["delete", "commitstatus", "own", &n]).await.unwrap();
    // The operator of this release has no right beyond its namespaces.
    let output = own.run(&["get", "commitstatus", "moved", &other]).await.unwrap();
    assert!(!output.status.success());
}
