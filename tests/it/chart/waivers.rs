//! Who may excuse a failure is told from who may write a report: two users on the API server.

use serde_json::{Value, json};
use testkit::controlplane::Kubectl;

use super::{Helm, plane, report};
use crate::cluster::{established, eventually};

const REFUSAL: &str = "must be allowed to create testrunwaivers in namespace";

fn waiver(job: &str, until: &str) -> Value {
    json!({"job": job, "reason": "known", "approver": "carol", "expiresAt": until})
}

fn waived(name: &str, waivers: &[Value]) -> String {
    let mut object: Value = serde_json::from_str(&report(name, json!({}))).unwrap();
    object["spec"]["waivers"] = json!(waivers);
    object.to_string()
}

#[tokio::test]
async fn who_writes_reports_does_not_excuse_their_failures() {
    let plane = plane().await;
    let namespace = plane.namespace("waivers").await.unwrap();
    let n = format!("--namespace={namespace}");
    Helm::on(plane).deploy(&namespace, &json!({"watch": {"namespaces": [namespace]}})).await;
    established(plane, "--all").await;
    // The roles of the chart, as they are aggregated to `edit` and `admin`.
    let role = |suffix: &str| format!("--clusterrole={namespace}-testrun-operator-{suffix}");
    for (user, roles) in [("author", &["view", "edit"][..]), ("carol", &["view", "edit", "admin"])] {
        for of in roles {
            let binding = format!("{user}-{of}");
            let user = format!("--user={user}");
            plane.kubectl_ok(&["create", "rolebinding", &binding, &role(of), &user, &n]).await.unwrap();
        }
    }
    let (author, carol) = (plane.kubectl_as("author", &[]).unwrap(), plane.kubectl_as("carol", &[]).unwrap());
    let (soon, late) = ("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z");
    let create = async |who: &Kubectl, object: &str| {
        who.with_file(object, &["create", &n]).await.map_err(|e| e.to_string())
    };
    let refused = async || {
        let error = create(&author, &waived("x", &[waiver("e2e", soon)])).await.err();
        error.filter(|e| e.contains(REFUSAL))
    };
    eventually(|| "the policy to be in force", refused).await;

    // A list of their own is refused by RBAC, a waiver in a report by the policy.
    let list =
        json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunWaiver", "metadata": {"name": "known"},
        "spec": {"repositories": ["octo-org/*"], "waivers": [waiver("e2e", soon)]}})
        .to_string();
    let error = create(&author, &list).await.unwrap_err();
    assert!(error.contains("cannot create resource \"testrunwaivers\""), "{error}");
    create(&carol, &list).await.unwrap();
    let error = author.run(&["delete", "trw", "known", &n]).await.unwrap();
    assert!(!error.status.success());
    author.ok(&["get", "trw", "known", &n]).await.unwrap();

    create(&author, &report("plain", json!({}))).await.unwrap();
    create(&carol, &waived("r", &[waiver("e2e", soon)])).await.unwrap();
    let mut narrow = waiver("e2e", soon);
    narrow["workflow"] = json!("nightly.yml");
    create(&carol, &waived("n", &[narrow])).await.unwrap();
    let patch = async |who: &Kubectl, name: &str, spec: Value| {
        let patch = json!({ "spec": spec }).to_string();
        let output = who.run(&["patch", "trr", name, &n, "--type=merge", "-p", &patch]).await.unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    // In, longer, more, in every workflow, and about something else.
    for (name, spec) in [
        ("plain", json!({"waivers": [waiver("e2e", soon)]})),
        ("r", json!({"waivers": [waiver("e2e", late)]})),
        ("r", json!({"waivers": [waiver("e2e", soon), waiver("unit", soon)]})),
        ("r", json!({"waivers": [waiver("unit", soon)]})),
        ("n", json!({"waivers": [waiver("e2e", soon)]})),
        ("r", json!({"source": {"github": {"branch": "release"}}})),
        ("r", json!({"source": {"github": {"repository": "octo-org/other"}}})),
    ] {
        let error = patch(&author, name, spec.clone()).await.unwrap_err();
        assert!(error.contains(REFUSAL), "{name} {spec}: {error}");
        let replaced = waived("plain", &[waiver("e2e", soon)]);
        let error = author.with_file(&replaced, &["apply", "--server-side", "--force-conflicts", &n]).await;
        assert!(error.unwrap_err().to_string().contains(REFUSAL));
    }
    // What excuses nothing more is the author's to do.
    patch(&author, "r", json!({"workflows": ["CI"]})).await.unwrap();
    author.ok(&["label", "trr", "r", "team=a", &n]).await.unwrap();
    patch(&author, "r", json!({"waivers": []})).await.unwrap();
    patch(&author, "r", json!({"waivers": [waiver("e2e", soon)]})).await.unwrap_err();
    patch(&carol, "r", json!({"waivers": [waiver("e2e", late)]})).await.unwrap();
    // Even who may do everything else is asked for this right; an administrator has it.
    plane.admin().with_file(&waived("a", &[waiver("e2e", soon)]), &["create", &n]).await.unwrap();
}
