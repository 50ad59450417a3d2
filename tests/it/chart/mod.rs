//! The Helm chart: rendered, installed on a real API server, and its policies tried.

pub mod examples;
mod gate;
mod image;
mod install;
mod others;
mod promoter;
mod render;
mod rights;
mod status_policy;
mod upgrade;
mod values;
mod waivers;

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use testkit::controlplane::{Binaries, ControlPlane, Kubectl};
use tokio::sync::OnceCell;

use crate::generated::in_repository;

/// Where the chart is.
pub const CHART: &str = "charts/testrun-operator";
/// Name of every release here.
pub const RELEASE: &str = "testrun-operator";
/// What a report is about.
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();

/// A control plane of the chart tests alone: policies bind the whole cluster, and would stop tests
/// that write statuses as they please.
async fn plane() -> &'static ControlPlane {
    PLANE.get_or_init(async || ControlPlane::builder().audit(true).start().await.unwrap()).await
}

/// helm, with a place of its own for what it keeps.
pub struct Helm {
    binary: PathBuf,
    home: tempfile::TempDir,
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// Without a cluster.
    pub fn offline() -> Self {
        let binary = Binaries::ensure().unwrap().helm().unwrap();
        Self { binary, home: tempfile::tempdir().unwrap(), kubeconfig: None }
    }

    /// With the rights of an administrator.
    fn on(plane: &ControlPlane) -> Self {
        Self { kubeconfig: Some(plane.kubeconfig_path().to_path_buf()), ..Self::offline() }
    }

    /// Runs helm with values, and gives what came of it.
    async fn run(&self, args: &[&str], values: &Value) -> Output {
        let file = self.home.path().join("values.json");
        std::fs::write(&file, values.to_string()).unwrap();
        let mut command = tokio::process::Command::new(&self.binary);
        command.args(args).current_dir(in_repository(""));
        if !matches!(args.first(), Some(&"uninstall" | &"rollback")) {
            command.arg("--values").arg(&file);
        }
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(name, self.home.path());
        }
        command.env("KUBECONFIG", self.kubeconfig.clone().unwrap_or_else(|| "/dev/null".into()));
        command.kill_on_drop(true).output().await.unwrap()
    }

    /// Runs helm and gives what it printed.
    pub async fn ok(&self, args: &[&str], values: &Value) -> String {
        let output = self.run(args, values).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {}: {error}", args.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Installs or upgrades the release of a namespace.
    async fn deploy(&self, namespace: &str, values: &Value) -> String {
        let n = format!("--namespace={namespace}");
        self.ok(&["upgrade", "--install", RELEASE, CHART, &n], values).await
    }
}

/// kubectl as the operator of a release.
async fn operator(plane: &ControlPlane, namespace: &str) -> Kubectl {
    let account = plane.kubeconfig_for_service_account(namespace, RELEASE).await.unwrap();
    plane.kubectl_with(&account)
}

/// A report, with changes to its GitHub source.
fn report(name: &str, more: Value) -> String {
    let mut github = json!({"repository": "octo-org/hello", "branch": "main"});
    github.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": name},
        "spec": {"source": {"github": github}}})
    .to_string()
}

/// A status whose verdict belongs to a generation.
fn verdict(name: &str, observed: i64, passed: &str, passed_at: i64) -> String {
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": name}, "status": {
        "observedGeneration": observed, "phase": "Passed",
        "source": {"repository": "Octo-Org/Hello", "sha": SHA},
        "conditions": [
            {"type": "Ready", "status": passed, "reason": "AllRequiredSucceeded", "message": "m",
                "observedGeneration": observed, "lastTransitionTime": "2026-01-02T03:04:05Z"},
            {"type": "Passed", "status": passed, "reason": "AllRequiredSucceeded", "message": "m",
                "observedGeneration": passed_at, "lastTransitionTime": "2026-01-02T03:04:05Z"},
            {"type": "Reconciling", "status": "False", "reason": "Final", "message": "m",
                "observedGeneration": observed, "lastTransitionTime": "2026-01-02T03:04:05Z"},
        ]}})
    .to_string()
}

/// Arguments to write a status as the operator does.
const WRITE_STATUS: [&str; 5] = [
    "apply", "--server-side", "--force-conflicts", "--subresource=status", "--field-manager=testrun-operator",
];
