//! The tables in docs/gating.md: what each consumer says of a report in each state.
//!
//! The first is made of `tests/gating/expected.yaml`, to which the tests there hold the code of the tools. The
//! second is made here, by kubectl, the plugin and an admission policy on a real API server.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use tokio::process::Command;

use crate::cluster::{cluster, eventually};
use crate::generated::{assert_section, in_repository};

/// Heading and the state that it stands for.
pub const STATES: [(&str, &str); 7] = [
    ("pending", "pending"),
    ("passed", "passed"),
    ("failed", "final-red"),
    ("unknown", "github-away-undecided"),
    ("never reconciled", "never-reconciled"),
    ("old generation", "passed-old-generation"),
    ("deleted", "passed-being-deleted"),
];

pub fn table(heads: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let mut out = format!("| | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for (name, cells) in rows {
        out.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
    out
}

#[test]
fn what_the_tools_say_is_documented() {
    let text = std::fs::read_to_string(in_repository("tests/gating/expected.yaml")).unwrap();
    let all: BTreeMap<String, Value> = serde_saphyr::from_str(&text).unwrap();
    let heads: Vec<&str> = STATES.iter().map(|(head, _)| *head).collect();
    let rows = [
        ("kstatus: Flux `wait`, Helm, kpt", "kstatus"),
        ("Flux `healthCheckExprs`", "fluxCEL"),
        ("Argo CD health", "argoCD"),
        ("`kubectl-wait.sh` (exit code)", "script"),
        ("Argo Rollouts, web metric", "rollouts"),
        ("Kargo, `http` step", "kargo"),
        ("gate over HTTP, Flagger (code)", "gate"),
    ];
    let rows: Vec<(String, Vec<String>)> = rows
        .iter()
        .map(|(name, field)| {
            let cell = |(_, state): &(&str, &str)| match &all[*state][field] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ((*name).to_owned(), STATES.iter().map(cell).collect())
        })
        .collect();
    assert_section("docs/gating.md", "tools", &table(&heads, &rows));
}

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const NAME: &str = "shop-main";

/// Puts the report into a state, as the operator would leave it.
async fn put(plane: &ControlPlane, n: &str, state: &str) {
    plane.kubectl_ok(&["delete", "trr", NAME, n, "--ignore-not-found", "--wait=false"]).await.unwrap();
    let free = r#"[{"op":"replace","path":"/metadata/finalizers","value":[]}]"#;
    let _ = plane.kubectl(&["patch", "trr", NAME, n, "--type=json", "-p", free]).await;
    plane.kubectl_ok(&["wait", "--for=delete", &format!("trr/{NAME}"), n, "--timeout=30s"]).await.unwrap();
    if state == "absent" {
        return;
    }
    let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": NAME, "finalizers": ["example.com/hold"]},
        "spec": {"source": {"github": {"repository": "acme/shop", "sha": SHA}}}});
    plane.admin().with_file(&object.to_string(), &["create", n]).await.unwrap();
    if state == "never-reconciled" {
        return;
    }
    // As the tests of the tools have it, which a test holds to what the operator says.
    let text = std::fs::read_to_string(in_repository(&format!("tests/gating/states/{state}.yaml"))).unwrap();
    let mut file: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(file["status"]["observedGeneration"], 1, "{state}");
    let status = json!({"status": file["status"].take()});
    let args = ["patch", "trr", NAME, n, "--subresource=status", "--type=merge", "-p"];
    plane.kubectl_ok(&[&args[..], &[&status.to_string()]].concat()).await.unwrap();
    match state {
        "passed-old-generation" => {
            let edit = r#"{"spec":{"workflows":["lint"]}}"#;
            plane.kubectl_ok(&["patch", "trr", NAME, n, "--type=merge", "-p", edit]).await.unwrap();
        }
        "passed-being-deleted" => {
            plane.kubectl_ok(&["delete", "trr", NAME, n, "--wait=false"]).await.unwrap();
        }
        _ => {}
    }
}

/// The policy that docs/gating.md shows, for the reports of a namespace.
fn policy(namespace: &str) -> String {
    let page = std::fs::read_to_string(in_repository("docs/gating.md")).unwrap();
    let yaml =
        page.split("```yaml\n").find(|part| part.starts_with("apiVersion: admissionregistration")).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let ours = yaml.replace("namespace: ci", &format!("namespace: {namespace}"));
    assert_ne!(ours, yaml, "the example names the namespace of its report");
    ours.replace("{app: shop}", &format!("{{app: {namespace}}}"))
        .replace("shop-tests-passed", &format!("{namespace}-passed"))
}

/// Whether a workload of the commit is let in; a refusal must be the policy's, or for want of the report.
async fn admitted(plane: &ControlPlane, namespace: &str) -> bool {
    let pod = json!({"metadata": {"labels": {"app": namespace}}, "spec": {"containers": [{"name": "c", "image": "registry.example/c:1"}]}});
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "shop", "labels": {"app": namespace}, "annotations": {"acme.example/commit": SHA}},
        "spec": {"selector": {"matchLabels": {"app": namespace}}, "template": pod}});
    let args = ["create", "--dry-run=server", "--namespace", namespace];
    match plane.admin().with_file(&object.to_string(), &args).await {
        Ok(_) => true,
        Err(error) => {
            let error = error.to_string();
            let ours = error.contains("the tests of this commit have not passed")
                || error.contains("no params found");
            assert!(ours, "{error}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_says_on_a_real_api_server_is_documented() {
    let plane = cluster().await;
    let namespace = plane.namespace("consumers").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&policy(&namespace), &["create"]).await.unwrap();
    put(plane, &n, "absent").await;
    let denies = async || (!admitted(plane, &namespace).await).then_some(());
    eventually(|| "the policy to be in force", denies).await;

    let cache = tempfile::tempdir().unwrap();
    let key = in_repository("tests/gating/attestations/ed25519.key").to_string_lossy().into_owned();
    let plugin = async |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-testrun"));
        command.env_clear().env("KUBECONFIG", plane.kubeconfig_path()).args(args).args(["-n", &namespace]);
        command.output().await.unwrap().status.code().unwrap().to_string()
    };
    let script = async || {
        let kubectl = plane.binaries().kubectl.parent().unwrap().to_string_lossy().into_owned();
        let path = format!("{kubectl}:{}", std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(in_repository("examples/gating/job/kubectl-wait.sh")).arg(NAME).env("PATH", path);
        command.env("KUBECONFIG", plane.kubeconfig_path()).env("KUBECACHEDIR", cache.path());
        command.envs([("NAMESPACE", namespace.as_str()), ("TIMEOUT", "1"), ("INTERVAL", "1")]);
        command.output().await.unwrap().status.code().unwrap().to_string()
    };
    let kubectl = async |args: &[&str]| plane.kubectl(args).await.unwrap().status.code().unwrap().to_string();
    let report = format!("trr/{NAME}");
    let mut columns: Vec<Vec<String>> = Vec::new();
    let states: Vec<(&str, &str)> = STATES.iter().copied().chain([("absent", "absent")]).collect();
    for (_, state) in &states {
        put(plane, &n, state).await;
        let passes = *state == "passed";
        // The policy reads a cache: its answer is the one that stays.
        let settled = async || (admitted(plane, &namespace).await == passes).then_some(());
        eventually(|| format!("the policy to have seen {state}"), settled).await;
        let wait = |form: &'static str| {
            let args = ["wait", form, &report, &n, "--timeout=1s"].map(str::to_owned);
            async move {
                plane
                    .kubectl(&args.each_ref().map(String::as_str))
                    .await
                    .unwrap()
                    .status
                    .code()
                    .unwrap()
                    .to_string()
            }
        };
        columns.push(vec![
            wait("--for=condition=Passed").await,
            wait("--for=jsonpath={.status.phase}=Passed").await,
            script().await,
            plugin(&["gate", NAME]).await,
            plugin(&["gate", NAME, "--sha", &"f".repeat(40)]).await,
            plugin(&["attest", NAME, "--key", &key]).await,
            if admitted(plane, &namespace).await { "admits" } else { "denies" }.to_owned(),
        ]);
    }
    let _ = kubectl(&["delete", "validatingadmissionpolicybinding", &format!("{namespace}-passed")]).await;
    put(plane, &n, "absent").await;
    let names = [
        "`kubectl wait --for=condition=Passed`",
        "`kubectl wait --for=jsonpath={.status.phase}=Passed` (do not use)",
        "`kubectl-wait.sh`",
        "`kubectl testrun gate`",
        "`kubectl testrun gate --sha` of another commit",
        "`kubectl testrun attest`",
        "admission policy below",
    ];
    let rows: Vec<(String, Vec<String>)> = names
        .iter()
        .enumerate()
        .map(|(row, name)| ((*name).to_owned(), columns.iter().map(|c| c[row].clone()).collect()))
        .collect();
    let heads: Vec<&str> = states.iter().map(|(head, _)| *head).collect();
    assert_section("docs/gating.md", "kubectl", &table(&heads, &rows));
}
