//! The status: its default, its limits, and that the types and the schema agree on it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};
use serde_json::{Map, Value, json};
use testkit::controlplane::{ControlPlane, Error};
use testrun_operator::api::{TestRunReport, TestRunReportStatus};

use super::schema::root;
use crate::cluster::cluster;

/// What the API server accepts in one request is 1.5 MiB in etcd; keep a margin.
const MOST_BYTES: usize = 1_400_000;

/// A report as JSON, with more of a spec than its source.
pub fn report(name: &str, more: Value) -> String {
    let mut spec = json!({"source": {"github": {"repository": "octo-org/hello", "pullRequest": 20}}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": name}, "spec": spec})
        .to_string()
}

/// Writes a status as the operator does, by a server-side apply.
pub async fn write_status(
    plane: &ControlPlane,
    namespace: &str,
    name: &str,
    status: &Value,
) -> Result<String, Error> {
    let object = json!({
        "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": namespace}, "status": status,
    });
    let manager = format!("--field-manager={}", testrun_operator::api::FIELD_MANAGER);
    let args = ["apply", "--server-side", "--force-conflicts", "--subresource=status", &manager];
    plane.admin().with_file(&object.to_string(), &args).await
}

#[tokio::test]
async fn a_report_that_no_operator_has_seen_is_never_ready() {
    let plane = cluster().await;
    let namespace = plane.namespace("unseen").await.unwrap();
    let n = format!("--namespace={namespace}");
    // A status that the author sends counts for nothing.
    let mut forged: Value = serde_json::from_str(&report("unseen", json!({}))).unwrap();
    forged["status"] = json!({"observedGeneration": 1, "phase": "Passed", "conditions": [{
        "type": "Passed", "status": "True", "reason": "AllRequiredSucceeded", "message": "m",
        "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}]});
    plane.admin().with_file(&forged.to_string(), &["create", &n]).await.unwrap();

    let found = plane.admin().json(&["get", "trr", "unseen", &n]).await.unwrap();
    let status = &found["status"];
    assert_eq!(status["observedGeneration"], -1);
    assert_eq!(status["phase"], "Pending");
    let conditions: Vec<(&str, &str)> = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["type"].as_str().unwrap(), c["status"].as_str().unwrap()))
        .collect();
    assert_eq!(conditions, [("Ready", "Unknown"), ("Passed", "Unknown"), ("Reconciling", "True")]);

    for condition in ["Ready", "Passed", "Complete"] {
        let wait = format!("--for=condition={condition}");
        let output = plane.kubectl(&["wait", "trr/unseen", &n, &wait, "--timeout=1s"]).await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "kubectl wait {wait} succeeded");
        assert!(error.contains("timed out waiting for the condition"), "{error}");
    }
}

#[tokio::test]
async fn an_apply_without_a_defaulted_condition_leaves_it_behind() {
    // This is why every status write carries every condition type: should a server stop doing
    // this, the rule could go.
    let plane = cluster().await;
    let namespace = plane.namespace("defaulted").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&report("half", json!({})), &["create", &n]).await.unwrap();
    let passed = json!({"observedGeneration": 1, "phase": "Passed", "conditions": [{
        "type": "Passed", "status": "True", "reason": "AllRequiredSucceeded", "message": "m",
        "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}]});
    write_status(plane, &namespace, "half", &passed).await.unwrap();
    let kinds = plane
        .kubectl_ok(&["get", "trr", "half", &n, "-o", "jsonpath={.status.conditions[*].type}"])
        .await
        .unwrap();
    assert!(kinds.contains("Reconciling"), "{kinds}");
}

/// How a generated status is filled.
struct Filling {
    /// Entries of a list at this path, at most what the schema allows.
    entries: fn(&str, i64) -> i64,
    /// Characters of a string.
    length: fn(i64) -> i64,
}

/// A value with every field that the schema knows.
fn filled(schema: &JSONSchemaProps, path: &str, number: usize, filling: &Filling) -> Value {
    match schema.type_.as_deref().unwrap() {
        "object" => schema
            .properties
            .iter()
            .flatten()
            .map(|(name, property)| {
                (name.clone(), filled(property, &format!("{path}.{name}"), number, filling))
            })
            .collect::<Map<String, Value>>()
            .into(),
        "array" => {
            let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items else {
                panic!("{path}: no items")
            };
            let most = schema.max_items.unwrap();
            (0..usize::try_from((filling.entries)(path, most).min(most)).unwrap())
                .map(|i| filled(items, &format!("{path}[]"), i, filling))
                .collect::<Vec<Value>>()
                .into()
        }
        "integer" => {
            let largest = if schema.format.as_deref() == Some("int32") {
                f64::from(i32::MAX)
            } else {
                9_007_199_254_740_991.0
            };
            let most = schema.maximum.unwrap_or(largest);
            json!(most as i64)
        }
        "boolean" => json!(true),
        "string" if schema.enum_.is_some() => schema.enum_.clone().unwrap()[0].0.clone(),
        "string" if schema.format.is_some() => json!("2026-01-02T03:04:05Z"),
        "string" => {
            let length = usize::try_from((filling.length)(schema.max_length.unwrap())).unwrap();
            // Where the schema asks for words of its own kind, plain letters; else two bytes each.
            let letter = if schema.pattern.is_some() { "x" } else { "\u{e9}" };
            // The condition types that the server fills in by itself, or they would come on top.
            if let (true, Some(kind)) =
                (path.ends_with("conditions[].type"), ["Ready", "Passed", "Reconciling"].get(number))
            {
                return json!(kind);
            }
            let tail =
                if path.ends_with("conditions[].type") { format!("{number:02}") } else { String::new() };
            json!(format!("{}{tail}", letter.repeat(length.saturating_sub(tail.len()))))
        }
        other => panic!("{path}: {other}"),
    }
}

/// A status with every field, and as little in it as that takes.
pub fn every_field() -> Value {
    let filling = Filling { entries: |_, most| most.min(3), length: |most| most.min(12) };
    filled(&root().properties.unwrap()["status"], "", 0, &filling)
}

/// Where two values differ first; the values themselves are too large to be shown.
pub fn difference(found: &Value, expected: &Value, path: &str) -> Option<String> {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => b.iter().find_map(|(name, value)| {
            difference(a.get(name).unwrap_or(&Value::Null), value, &format!("{path}.{name}"))
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")))
        }
        (a, b) if a == b => None,
        (a, b) => {
            let show = |value: &Value| value.to_string().chars().take(200).collect::<String>();
            Some(format!("{path}: {} is not {}", show(a), show(b)))
        }
    }
}

/// Writes a filled status and reads it back through the types.
async fn write_filled(name: &str, filling: &Filling) -> usize {
    let plane = cluster().await;
    let namespace = plane.namespace("filled").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&report(name, json!({})), &["create", &n]).await.unwrap();

    let generated = filled(&root().properties.unwrap()["status"], "", 0, filling);
    let typed: TestRunReportStatus = serde_json::from_value(generated.clone()).unwrap();
    let written = serde_json::to_value(&typed).unwrap();
    let lost = difference(&written, &generated, "status");
    assert_eq!(lost, None, "the types drop or rename what the schema has");
    let bytes = written.to_string().len();
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    write_status(plane, &namespace, name, &written).await.unwrap();

    let text = plane.kubectl_ok(&["get", "trr", name, &n, "-o", "json"]).await.unwrap();
    let read: TestRunReport = serde_json::from_str(&text).unwrap();
    let read = serde_json::to_value(read.status.unwrap()).unwrap();
    assert_eq!(difference(&read, &written, "status"), None);
    bytes
}

#[tokio::test]
async fn a_status_with_a_thousand_jobs_and_every_field_is_accepted() {
    let entries = |path: &str, most: i64| match path {
        ".suites[].jobs" => 15,
        ".failures[].failingTests" | ".failures[].excerpt" => 6,
        // A few words each; a thousand failures have four causes each here.
        _ if path.ends_with(".because") => 1,
        _ if path.contains("[].") => 4,
        _ => most,
    };
    let bytes = write_filled("wide", &Filling { entries, length: |most| most.min(12) }).await;
    assert!(bytes > 500_000, "only {bytes} bytes: this is not what it says");
}

#[tokio::test]
async fn a_status_with_every_string_at_its_limit_is_accepted() {
    write_filled("long", &Filling { entries: |_, most| most.min(3), length: |most| most }).await;
}

#[tokio::test]
async fn a_status_beyond_a_limit_is_refused() {
    let plane = cluster().await;
    let namespace = plane.namespace("beyond").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&report("beyond", json!({})), &["create", &n]).await.unwrap();
    for (status, expected) in [
        (json!({"phase": "x".repeat(17)}), "status.phase: Too long"),
        (json!({"notes": vec!["x"; 33]}), "status.notes: Too many"),
        (json!({"suites": vec![json!({"name": "x"}); 71]}), "status.suites: Too many"),
        (json!({"observedGeneration": -2}), "status.observedGeneration"),
        (json!({"assessment": {"confidence": 101}}), "status.assessment.confidence"),
        (
            json!({"conditions": [{"type": "Passed", "status": "Maybe", "reason": "R", "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z"}]}),
            ".status: Unsupported value: \"Maybe\"",
        ),
        (
            json!({"conditions": [{"type": "Passed", "status": "True", "reason": "", "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z"}]}),
            ".reason: Invalid value",
        ),
    ] {
        let error = write_status(plane, &namespace, "beyond", &status).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{expected:?} is not in: {error}");
    }
}
