//! Reports as a person has them: made with kubectl, and watched until they say something.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;

use crate::cluster::eventually;
use crate::story::condition;

/// The spec of a report about a pull request, which is final as soon as its commit is at rest.
pub fn of_pull(repository: &str, number: u64) -> Value {
    json!({"source": {"github": {"repository": repository, "pullRequest": number}}, "gate": {"settleSeconds": 0}})
}

/// The same with more in it.
pub fn of_pull_with(repository: &str, number: u64, more: Value) -> Value {
    let mut spec = of_pull(repository, number);
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

pub async fn create(plane: &ControlPlane, namespace: &str, name: &str, spec: Value) {
    let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec});
    plane.admin().with_file(&object.to_string(), &["create"]).await.unwrap();
}

pub async fn get(plane: &ControlPlane, namespace: &str, name: &str) -> Value {
    plane.admin().json(&["get", "testrunreport", name, "-n", namespace]).await.unwrap()
}

/// Waits until a condition has this status and reason, written `True/Reason`; gives the report as it is then.
pub async fn until(plane: &ControlPlane, namespace: &str, name: &str, kind: &str, want: &str) -> Value {
    let said = async || {
        let args = ["get", "testrunreport", name, "-n", namespace];
        // For a moment the API server may be away, and a report without a status is not there yet.
        let report = plane.admin().json(&args).await.ok()?;
        (report["status"]["conditions"].is_array() && condition(&report, kind) == want).then_some(report)
    };
    eventually(|| format!("{kind} of {name} to be {want}"), said).await
}
