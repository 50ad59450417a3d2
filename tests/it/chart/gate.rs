//! The admission gate, and the ways past it that must be closed.

use serde_json::{Value, json};
use testkit::controlplane::{ControlPlane, Kubectl};

use super::{Helm, SHA, WRITE_STATUS, operator, plane, report, verdict};
use crate::cluster::{established, eventually};

/// A workload that says which commit it was built from.
fn workload(kind: &str, name: &str, commit: &str, repository: &str) -> Value {
    let pod = json!({"containers": [{"name": "c", "image": "registry.example/app:1"}]});
    let labelled = json!({"metadata": {"labels": {"app": name}}, "spec": pod});
    let selector = json!({"matchLabels": {"app": name}});
    let job = json!({"template": {"spec": {"restartPolicy": "Never", "containers": pod["containers"]}}});
    let (version, spec) = match kind {
        "Deployment" | "ReplicaSet" | "DaemonSet" => {
            ("apps/v1", json!({"selector": selector, "template": labelled}))
        }
        "StatefulSet" => {
            ("apps/v1", json!({"selector": selector, "template": labelled, "serviceName": name}))
        }
        "Job" => ("batch/v1", job),
        "CronJob" => ("batch/v1", json!({"schedule": "0 0 * * *", "jobTemplate": {"spec": job}})),
        "ReplicationController" => ("v1", json!({"selector": {"app": name}, "template": labelled})),
        _ => ("v1", pod),
    };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "annotations": {
        "testrun.dev/commit": commit, "testrun.dev/repository": repository}}, "spec": spec});
    if commit.is_empty() {
        object["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    object
}

/// A namespace behind the gate.
struct Gated {
    plane: &'static ControlPlane,
    namespace: String,
    operator: Kubectl,
}

impl Gated {
    /// Installs a release that gates one namespace by these reports.
    async fn new(prefix: &str, reports: Value) -> Self {
        Self::with(prefix, json!({"enabled": true, "reports": reports})).await
    }

    /// The same with these values of the gate.
    async fn with(prefix: &str, mut gate: Value) -> Self {
        let plane = plane().await;
        let namespace = plane.namespace(prefix).await.unwrap();
        let label = format!("testrun.dev/gate={namespace}");
        plane.kubectl_ok(&["label", "namespace", &namespace, &label]).await.unwrap();
        gate["namespaceSelector"] = json!({"matchLabels": {"testrun.dev/gate": namespace}});
        let values = json!({"watch": {"namespaces": [namespace]}, "gate": gate});
        Helm::on(plane).deploy(&namespace, &values).await;
        established(plane, "testrunreports.testrun.dev").await;
        // Pods are refused for want of this account before the gate is asked.
        plane.kubectl_ok(&["create", "serviceaccount", "default", "--namespace", &namespace]).await.unwrap();
        let operator = operator(plane, &namespace).await;
        Self { plane, namespace, operator }
    }

    async fn apply(&self, kubectl: &Kubectl, object: &str, args: &[&str]) -> Result<String, String> {
        let n = format!("--namespace={}", self.namespace);
        kubectl.with_file(object, &[args, &[&n]].concat()).await.map_err(|e| e.to_string())
    }

    /// What the gate says of a workload, without creating it.
    async fn ask(&self, object: &Value) -> Result<String, String> {
        self.apply(self.plane.admin(), &object.to_string(), &["create", "--dry-run=server"]).await
    }

    /// The API server learns of a changed report a little later: waits until the workload is refused
    /// with these words.
    async fn refuses(&self, object: &Value, words: &str) {
        let last = std::cell::RefCell::new(Ok(String::new()));
        let what = || format!("a refusal with {words:?}; the last answer: {:?}", last.borrow());
        eventually(what, async || {
            let answer = self.ask(object).await;
            let found = answer.as_ref().is_err_and(|e| e.contains(words)).then_some(());
            *last.borrow_mut() = answer;
            found
        })
        .await;
    }

    /// Waits until the workload is let through.
    async fn admits(&self, object: &Value) {
        let last = std::cell::RefCell::new(String::new());
        let what = || format!("the gate to open; the last answer: {}", last.borrow());
        eventually(what, async || self.ask(object).await.map_err(|e| last.replace(e)).ok()).await;
    }

    async fn create_report(&self, more: Value) {
        self.apply(self.plane.admin(), &report("release", more), &["create"]).await.unwrap();
    }

    async fn delete_report(&self) {
        self.plane.kubectl_ok(&["delete", "trr", "release", "--namespace", &self.namespace]).await.unwrap();
    }

    /// The operator writes a verdict.
    async fn decide(&self, observed: i64, passed: &str, passed_at: i64) {
        self.apply(&self.operator, &verdict("release", observed, passed, passed_at), &WRITE_STATUS)
            .await
            .unwrap();
    }
}

const MISSING: &str = "no params found";
const OTHER_COMMIT: &str = "is about the commit";
const OTHER_REPOSITORY: &str = "is about the repository";
const NO_VERDICT: &str = "has no verdict for its present spec";
const NOT_PASSED: &str = "has not passed";
const UNNAMED: &str = "set the annotation testrun.dev/commit to the full commit id";

#[tokio::test]
async fn only_the_commit_that_passed_gets_in() {
    let gate = Gated::new("gate", json!([{"name": "release"}])).await;
    let app = workload("Deployment", "app", SHA, "octo-org/hello");

    // No report; one that was never looked at; one that failed; then one that passed.
    gate.refuses(&app, MISSING).await;
    gate.create_report(json!({})).await;
    gate.refuses(&app, NO_VERDICT).await;
    gate.decide(1, "Unknown", 1).await;
    gate.refuses(&app, NOT_PASSED).await;
    gate.decide(1, "False", 1).await;
    gate.refuses(&app, NOT_PASSED).await;
    gate.decide(1, "True", 1).await;
    gate.admits(&app).await;

    // The gate is open for exactly that commit of exactly that repository.
    let other = "f".repeat(40);
    for (commit, repository, words) in [
        (other.as_str(), "octo-org/hello", OTHER_COMMIT),
        (SHA, "octo-org/hello2", OTHER_REPOSITORY),
        (SHA, "evil/hello", OTHER_REPOSITORY),
        (SHA, "", UNNAMED),
        (&SHA[..7], "octo-org/hello", UNNAMED),
        (&SHA.to_uppercase(), "octo-org/hello", UNNAMED),
        ("", "", UNNAMED),
    ] {
        let error = gate.ask(&workload("Deployment", "app", commit, repository)).await.unwrap_err();
        assert!(error.contains(words), "{commit} of {repository}: {error}");
    }
    // Every kind that starts something, under its own name or a generated one.
    for kind in [
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod",
        "ReplicationController",
    ] {
        assert_eq!(
            gate.ask(&workload(kind, "app", SHA, "octo-org/hello")).await.map(|_| ()),
            Ok(()),
            "{kind}"
        );
        let mut anonymous = workload(kind, "app", "", "");
        assert!(gate.ask(&anonymous).await.unwrap_err().contains(UNNAMED), "{kind}");
        let metadata = anonymous["metadata"].as_object_mut().unwrap();
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!("app-"));
        assert!(gate.ask(&anonymous).await.unwrap_err().contains(UNNAMED), "{kind} with a generated name");
    }
    // The cluster's own controllers act for owners that were asked already.
    let controller = "system:serviceaccount:kube-system:deployment-controller";
    let controller = gate.plane.kubectl_as(controller, &["system:masters"]).unwrap();
    let set = workload("ReplicaSet", "app", "", "").to_string();
    gate.apply(&controller, &set, &["create", "--dry-run=server"]).await.unwrap();
    // Other namespaces are not behind this gate.
    let open = gate.plane.namespace("open").await.unwrap();
    let free = workload("Deployment", "app", "", "").to_string();
    gate.plane.admin().with_file(&free, &["create", "--namespace", &open]).await.unwrap();
}

#[tokio::test]
async fn an_old_forged_or_deleted_verdict_does_not_open_the_gate() {
    let gate = Gated::new("stale", json!([{"name": "release"}])).await;
    let app = workload("Deployment", "app", SHA, "octo-org/hello");
    gate.create_report(json!({})).await;
    gate.refuses(&app, NO_VERDICT).await;

    // Forged: nobody but the operator writes a status.
    let forged = verdict("release", 1, "True", 1);
    let dry = [&WRITE_STATUS[..], &["--dry-run=server"]].concat();
    let refused = async || {
        let answer = gate.apply(gate.plane.admin(), &forged, &dry).await;
        answer.err().filter(|e| e.contains("is written by"))
    };
    eventually(|| "the policy about statuses to be in force", refused).await;
    let error = gate.apply(gate.plane.admin(), &forged, &WRITE_STATUS).await.unwrap_err();
    assert!(error.contains("is written by"), "{error}");
    gate.refuses(&app, NO_VERDICT).await;

    // Old: the spec was changed since, at the top or in the condition.
    gate.decide(1, "True", 1).await;
    gate.admits(&app).await;
    let changed = json!({"workflows": ["lint"]});
    let patch = json!({"spec": changed}).to_string();
    let n = format!("--namespace={}", gate.namespace);
    gate.plane.kubectl_ok(&["patch", "trr", "release", &n, "--type=merge", "-p", &patch]).await.unwrap();
    gate.refuses(&app, NO_VERDICT).await;
    gate.decide(2, "True", 1).await;
    gate.refuses(&app, NOT_PASSED).await;
    gate.decide(2, "True", 2).await;
    gate.admits(&app).await;

    // What runs already may be scaled and labelled while the report is red; nothing new may start.
    gate.apply(gate.plane.admin(), &app.to_string(), &["create"]).await.unwrap();
    gate.decide(2, "False", 2).await;
    gate.refuses(&app, NOT_PASSED).await;
    gate.plane.kubectl_ok(&["scale", "deployment/app", &n, "--replicas=3"]).await.unwrap();
    gate.plane.kubectl_ok(&["label", "deployment/app", &n, "team=a"]).await.unwrap();
    for change in [
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"registry.example/app:2"}]}}}}"#,
        r#"{"metadata":{"annotations":{"testrun.dev/commit":"ffffffffffffffffffffffffffffffffffffffff"}}}"#,
        r#"{"metadata":{"annotations":{"testrun.dev/commit":null}}}"#,
    ] {
        let args = ["patch", "deployment", "app", &n, "--type=strategic", "-p", change];
        let output = gate.plane.kubectl(&args).await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains("denied"), "{change}: {error}");
    }

    // Deleted, and made again under the same name with a verdict of its author's.
    gate.decide(2, "True", 2).await;
    gate.admits(&app_named("second")).await;
    gate.delete_report().await;
    gate.refuses(&app_named("second"), MISSING).await;
    let mut again: Value = serde_json::from_str(&report("release", json!({}))).unwrap();
    let status: Value = serde_json::from_str(&forged).unwrap();
    again["status"] = status["status"].clone();
    gate.apply(gate.plane.admin(), &again.to_string(), &["create"]).await.unwrap();
    gate.refuses(&app_named("second"), NO_VERDICT).await;

    // A host that the report's author chose may show the same commit as green.
    gate.delete_report().await;
    gate.create_report(json!({"connection": "mine"})).await;
    gate.decide(1, "True", 1).await;
    gate.refuses(&app_named("second"), "does not read from the connection github.com").await;
}

/// The workload of the passed commit under another name.
fn app_named(name: &str) -> Value {
    workload("Deployment", name, SHA, "octo-org/hello")
}

#[tokio::test]
async fn reports_that_name_their_workloads_leave_no_name_undecided() {
    let reports = json!([{"name": "release", "workloads": ["web"]}, {"name": "db", "workloads": ["db"]}]);
    let gate = Gated::new("named", reports).await;
    gate.refuses(&app_named("web"), MISSING).await;
    gate.create_report(json!({})).await;
    gate.decide(1, "True", 1).await;
    gate.admits(&app_named("web")).await;
    // Each report opens the gate for its own workloads, and a new name for nobody.
    gate.refuses(&app_named("db"), MISSING).await;
    gate.refuses(&app_named("web2"), "no TestRunReport decides about a workload of this name").await;
    let apply = ["apply", "--server-side", "--dry-run=server"];
    gate.apply(gate.plane.admin(), &app_named("web").to_string(), &apply).await.unwrap();
    let error = gate.apply(gate.plane.admin(), &app_named("db").to_string(), &apply).await.unwrap_err();
    assert!(error.contains(MISSING), "{error}");
    let error = gate.ask(&workload("Pod", "web", "", "")).await.unwrap_err();
    assert!(error.contains(UNNAMED), "{error}");
    let mut generated = app_named("web");
    let metadata = generated["metadata"].as_object_mut().unwrap();
    metadata.remove("name");
    metadata.insert("generateName".to_owned(), json!("web"));
    gate.refuses(&generated, "no TestRunReport decides about a workload of this name").await;
}

/// A document of `examples/gating/admission`, for one namespace.
fn example(file: &str, namespace: &str) -> Value {
    let path = crate::generated::in_repository(&format!("examples/gating/admission/{file}"));
    let mut object: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    if object["metadata"].is_object() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

#[tokio::test]
async fn the_example_of_a_gate_opens_for_its_deployment_when_its_report_has_passed() {
    let mut values = example("values.yaml", "");
    // The test has one namespace for both.
    assert_eq!(values["gate"].as_object_mut().unwrap().remove("reportNamespace"), Some(json!("release")));
    assert_eq!(values["gate"]["namespaceSelector"]["matchLabels"]["testrun.dev/gate"], "enforced");
    let gate = Gated::with("example", values["gate"].take()).await;
    let app = example("deployment.yaml", &gate.namespace);
    gate.refuses(&app, MISSING).await;
    let report = example("report.yaml", &gate.namespace);
    gate.apply(gate.plane.admin(), &report.to_string(), &["create"]).await.unwrap();
    gate.refuses(&app, NO_VERDICT).await;
    let name = report["metadata"]["name"].as_str().unwrap();
    let mut passed: Value = serde_json::from_str(&verdict(name, 1, "True", 1)).unwrap();
    let annotations = &app["metadata"]["annotations"];
    passed["status"]["source"] = json!({"sha": annotations["testrun.dev/commit"], "shortSha": "01234567",
        "repository": report["spec"]["source"]["github"]["repository"]});
    gate.apply(&gate.operator, &passed.to_string(), &WRITE_STATUS).await.unwrap();
    gate.admits(&app).await;
    let mut other = app.clone();
    other["metadata"]["annotations"]["testrun.dev/commit"] = json!("f".repeat(40));
    gate.refuses(&other, OTHER_COMMIT).await;
}
