//! `TestRunWaiver` on a real API server: its rules, its columns, and what prints its definition.

use serde_json::{Value, json};

use crate::cluster::cluster;

fn object(change: &str, value: Value) -> Value {
    let mut object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunWaiver",
        "metadata": {"name": "case"}, "spec": {"repositories": ["octo-org/hello"],
        "waivers": [{"job": "e2e", "reason": "node pool", "approver": "octocat", "expiresAt": "2026-12-01T00:00:00Z"}]}});
    match value.is_null() && !change.is_empty() {
        true => drop(object.pointer_mut("/spec").unwrap().as_object_mut().unwrap().remove(change)),
        false if change.is_empty() => {}
        false => object["spec"][change] = value,
    }
    object
}

#[tokio::test]
async fn a_list_names_its_repositories_and_what_it_excuses() {
    let plane = cluster().await;
    let ask = async |object: Value| {
        let args = ["create", "--dry-run=server", "--namespace=default"];
        plane.admin().with_file(&object.to_string(), &args).await.map_err(|e| e.to_string())
    };
    ask(object("", Value::Null)).await.unwrap();
    ask(object("repositories", json!(["octo-org/*", "a/b"]))).await.unwrap();
    let narrow = json!([{"job": "e2e", "workflow": "nightly.yml", "reason": "r", "approver": "a", "expiresAt": "2026-12-01T00:00:00Z"}]);
    ask(object("waivers", narrow)).await.unwrap();
    for (field, value, words) in [
        ("repositories", Value::Null, "spec.repositories: Required value"),
        ("repositories", json!([]), "at least 1 items"),
        ("repositories", json!(["*"]), "at least 3 chars long"),
        ("repositories", json!(["*/hello"]), "name repositories as owner/name, or owner/*"),
        ("repositories", json!(["https://github.com/a/b"]), "name repositories as owner/name, or owner/*"),
        ("repositories", json!(["a/b*"]), "name repositories as owner/name, or owner/*"),
        ("waivers", Value::Null, "spec.waivers: Required value"),
        ("waivers", json!([]), "at least 1 items"),
        ("waivers", json!([{"job": "e2e", "reason": "r", "approver": "a"}]), "expiresAt: Required value"),
        (
            "waivers",
            json!([{"job": "e2e", "workflow": "w".repeat(256), "reason": "r", "approver": "a", "expiresAt": "2026-12-01T00:00:00Z"}]),
            "Too long: may not be more than 255",
        ),
        (
            "waivers",
            json!([{"job": "e2e", "test": "t", "reason": "r", "approver": "a", "expiresAt": "2026-12-01T00:00:00Z"}]),
            "set either job or test to its exact name",
        ),
    ] {
        let error = ask(object(field, value.clone())).await.unwrap_err();
        assert!(error.contains(words), "{field}={value}: {error}");
    }
}

#[tokio::test]
async fn the_columns_show_what_is_excused_and_until_when() {
    let plane = cluster().await;
    let namespace = plane.namespace("columns").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&object("", Value::Null).to_string(), &["create", &n]).await.unwrap();
    let table = plane.kubectl_ok(&["get", "trw", &n]).await.unwrap();
    let mut lines = table.lines().map(|l| l.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap(), ["NAME", "REPOSITORIES", "JOBS", "TESTS", "UNTIL", "AGE"]);
    assert_eq!(lines.next().unwrap()[..4], ["case", "[\"octo-org/hello\"]", "e2e", "2026-12-01T00:00:00Z"]);
    let wide = plane.kubectl_ok(&["get", "trw", "-o", "wide", &n]).await.unwrap();
    assert!(wide.lines().next().unwrap().contains("WORKFLOWS"), "{wide}");
}

#[test]
fn the_plugin_prints_all_definitions_in_a_form_that_kubectl_applies() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-testrun"))
        .args(["crd", "--all"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> =
        text.split("---\n").filter_map(|d| d.lines().find_map(|l| l.strip_prefix("  name: "))).collect();
    assert_eq!(
        names,
        ["testrunreports.testrun.dev", "testrunreportsets.testrun.dev", "testrunwaivers.testrun.dev"]
    );
}
