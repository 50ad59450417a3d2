//! With a cluster: reports of a real API server.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;

use super::*;
use crate::cluster::cluster;

pub const SHA: &str = "99361f9f642d952e7c28134197ccb0326fc6f1a6";

pub async fn create(plane: &ControlPlane, namespace: &str, name: &str, finalizer: bool) {
    let mut object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"github": {"repository": "acme/shop", "sha": SHA}}}});
    if finalizer {
        object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    }
    plane.admin().with_file(&object.to_string(), &["create"]).await.unwrap();
}

/// Writes a status as an operator would have: every condition with this generation.
pub async fn write(
    plane: &ControlPlane,
    namespace: &str,
    name: &str,
    passed: &str,
    complete: &str,
    generation: i64,
) {
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status, "reason": "Reason", "message": "text",
            "observedGeneration": generation, "lastTransitionTime": "2026-01-23T16:00:00Z"})
    };
    let status = json!({"status": {"observedGeneration": generation, "phase": "Passed",
        "source": {"repository": "acme/shop", "sha": SHA, "shortSha": "99361f9f"},
        "conditions": [condition("Passed", passed), condition("Complete", complete)]}});
    plane
        .kubectl_ok(&[
            "patch",
            "testrunreport",
            name,
            "-n",
            namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status.to_string(),
        ])
        .await
        .unwrap();
}

pub async fn cli(plane: &ControlPlane, namespace: &str, args: &[&str]) -> Ran {
    let all: Vec<&str> = args.iter().copied().chain(["-n", namespace]).collect();
    Cli::new(&all).env("KUBECONFIG", plane.kubeconfig_path().to_str().unwrap()).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_passes_only_what_was_decided_for_this_generation_and_commit() {
    let plane = cluster().await;
    let namespace = plane.namespace("cligate").await.unwrap();
    let gate = async |args: &[&str]| {
        let all: Vec<&str> = ["gate"].iter().chain(args).copied().collect();
        cli(plane, &namespace, &all).await
    };
    assert_eq!(gate(&["none"]).await.code, UNREADABLE);
    create(plane, &namespace, "a", false).await;
    let never = gate(&["a"]).await;
    assert_eq!(never.code, UNDECIDED, "never reconciled: {never:?}");

    write(plane, &namespace, "a", "True", "True", 1).await;
    let passed = gate(&["a"]).await;
    assert_eq!((passed.code, passed.out.as_str()), (PASSED, "passed: Reason: text\n"), "{passed:?}");
    assert_eq!(gate(&["a", "--sha", SHA, "--repo", "Acme/Shop"]).await.code, PASSED);
    assert_eq!(gate(&["a", "--sha", &"0".repeat(40)]).await.code, UNDECIDED, "another commit");
    assert_eq!(gate(&["a", "--repo", "acme/other"]).await.code, UNDECIDED, "another repository");

    write(plane, &namespace, "a", "True", "False", 1).await;
    assert_eq!(gate(&["a"]).await.code, UNDECIDED, "nothing writes this; it is no pass");
    write(plane, &namespace, "a", "False", "True", 1).await;
    assert_eq!(gate(&["a"]).await.code, FAILED);
    write(plane, &namespace, "a", "Unknown", "False", 1).await;
    assert_eq!(gate(&["a"]).await.code, UNDECIDED);

    write(plane, &namespace, "a", "True", "True", 1).await;
    let edit = json!({"spec": {"gate": {"settleSeconds": 1}}}).to_string();
    plane
        .kubectl_ok(&["patch", "testrunreport", "a", "-n", &namespace, "--type=merge", "-p", &edit])
        .await
        .unwrap();
    let old = gate(&["a"]).await;
    assert_eq!(old.code, UNDECIDED, "{old:?}");
    assert!(old.err.contains("generation 1"), "{old:?}");

    create(plane, &namespace, "b", true).await;
    write(plane, &namespace, "b", "True", "True", 1).await;
    assert_eq!(gate(&["b"]).await.code, PASSED);
    plane.kubectl_ok(&["delete", "testrunreport", "b", "-n", &namespace, "--wait=false"]).await.unwrap();
    let going = gate(&["b"]).await;
    assert_eq!(going.code, UNDECIDED, "{going:?}");
    let free = json!({"metadata": {"finalizers": null}}).to_string();
    plane
        .kubectl_ok(&["patch", "testrunreport", "b", "-n", &namespace, "--type=merge", "-p", &free])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_waits_for_a_report_that_is_decided_meanwhile() {
    let plane = cluster().await;
    let namespace = plane.namespace("cliwait").await.unwrap();
    create(plane, &namespace, "a", false).await;
    let (ran, ()) = tokio::join!(
        cli(plane, &namespace, &["gate", "a", "--timeout", "60s"]),
        write(plane, &namespace, "a", "True", "True", 1)
    );
    assert_eq!(ran.code, PASSED, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_and_describe_show_reports_as_kubectl_does() {
    let plane = cluster().await;
    let namespace = plane.namespace("cliget").await.unwrap();
    let empty = cli(plane, &namespace, &["get"]).await;
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
    assert_eq!(empty.err, format!("No resources found in {namespace} namespace.\n"));
    create(plane, &namespace, "a", false).await;
    create(plane, &namespace, "b", false).await;
    write(plane, &namespace, "a", "True", "True", 1).await;

    // The columns and values are those that the API server prints.
    let ours = cli(plane, &namespace, &["get"]).await;
    let theirs = plane.kubectl_ok(&["get", "testrunreports", "-n", &namespace]).await.unwrap();
    let words = |text: &str| -> Vec<Vec<String>> {
        let ages = |w: &str| !w.ends_with('s') || w.parse::<f64>().is_ok();
        text.lines().map(|l| l.split_whitespace().filter(|w| ages(w)).map(str::to_owned).collect()).collect()
    };
    assert_eq!(words(&ours.out), words(&theirs));

    let one = cli(plane, &namespace, &["get", "a", "-o", "json"]).await;
    let object: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(object["metadata"]["name"], "a");
    let missing = cli(plane, &namespace, &["get", "a", "none"]).await;
    assert_eq!(missing.code, FAILED);
    assert!(missing.err.contains("NotFound") && missing.out.contains('a'), "{missing:?}");
    let text = cli(plane, &namespace, &["describe", "a"]).await;
    assert_eq!(text.code, 0);
    assert!(text.out.contains("Passed") && text.out.contains(SHA), "{text:?}");
    let nowhere = Cli::new(&["get"]).env("KUBECONFIG", "/nowhere").run().await;
    assert_eq!(nowhere.code, UNREADABLE, "{nowhere:?}");
}
