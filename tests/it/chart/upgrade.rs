//! From one version of the chart to the next, and away again.

use std::path::Path;

use serde_json::json;
use testkit::controlplane::ControlPlane;

use super::{CHART, Helm, RELEASE, report};
use crate::cluster::established;
use crate::generated::in_repository;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// What the release before had: its number, and a Deployment, Service and account as they were rendered then.
fn previous(dir: &Path) -> String {
    let chart = dir.join("testrun-operator");
    copy(&in_repository(CHART), &chart);
    let file = chart.join("Chart.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let version = |line: &str| match line.split_once("ersion: 0") {
        Some((name, _)) => format!("{name}ersion: 0.0.9\n"),
        None => format!("{line}\n"),
    };
    let older: String = text.lines().map(version).collect();
    assert_ne!(text, older);
    std::fs::write(&file, older).unwrap();
    // It knew neither alerts nor dashboards nor a configuration file.
    for name in ["alerts", "dashboard", "config"] {
        std::fs::remove_file(chart.join(format!("templates/{name}.yaml"))).unwrap();
    }
    chart.to_str().unwrap().to_owned()
}

/// What a version of the chart may never change of its objects: the API server refuses to.
const FIXED: [(&str, &str); 2] = [
    (
        "deployment",
        r#"{"app.kubernetes.io/instance":"testrun-operator","app.kubernetes.io/name":"testrun-operator"}"#,
    ),
    (
        "clusterrolebinding",
        r#"{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"NS-testrun-operator"}"#,
    ),
];

#[tokio::test]
async fn a_release_of_the_version_before_becomes_this_one_with_all_its_reports() {
    // A control plane of its own: the policies of a release for all namespaces bind all of them.
    let plane = &ControlPlane::start().await.unwrap();
    let namespace = plane.namespace("upgrade").await.unwrap();
    let n = format!("--namespace={namespace}");
    let helm = Helm::on(plane);
    let dir = tempfile::tempdir().unwrap();
    let before = previous(dir.path());
    helm.ok(&["upgrade", "--install", RELEASE, &before, &n], &json!({})).await;
    established(plane, "testrunreports.testrun.dev").await;
    plane.admin().with_file(&report("kept", json!({})), &["create", &n]).await.unwrap();
    let image = async || {
        let path = "jsonpath={.spec.template.spec.containers[0].image}";
        plane.kubectl_ok(&["get", "deployment", RELEASE, &n, "-o", path]).await.unwrap()
    };
    assert_eq!(image().await, "testrun-operator:0.0.9");

    // As docs/install.md says: the definitions first, which Helm leaves as they are, then the release.
    for file in std::fs::read_dir(in_repository("crds")).unwrap() {
        let file = file.unwrap().path();
        let args = ["apply", "--server-side", "--force-conflicts", "-f", file.to_str().unwrap()];
        plane.kubectl_ok(&args).await.unwrap();
    }
    let values =
        json!({"metrics": {"dashboard": {"enabled": true}}, "config": {"controller": {"concurrency": 4}}});
    let notes = helm.deploy(&namespace, &values).await;
    assert!(notes.contains("REVISION: 2"), "{notes}");
    assert_eq!(image().await, format!("testrun-operator:{}", env!("CARGO_PKG_VERSION")));
    let selector = "jsonpath={.spec.selector.matchLabels}";
    let found = plane.kubectl_ok(&["get", FIXED[0].0, RELEASE, &n, "-o", selector]).await.unwrap();
    assert_eq!(found, FIXED[0].1, "a selector cannot be changed: every upgrade would be refused");
    let name = format!("{namespace}-{RELEASE}");
    let role = plane.kubectl_ok(&["get", FIXED[1].0, &name, "-o", "jsonpath={.roleRef}"]).await.unwrap();
    assert_eq!(role, FIXED[1].1.replace("NS", &namespace), "nor can what a binding binds");
    plane.kubectl_ok(&["get", "testrunreport", "kept", &n]).await.unwrap();

    // Back, and away.
    helm.ok(&["rollback", RELEASE, "1", &n], &json!(null)).await;
    assert_eq!(image().await, "testrun-operator:0.0.9");
    helm.ok(&["uninstall", RELEASE, &n], &json!({})).await;
    plane
        .kubectl_ok(&[
            "get", "crd", "testrunreports.testrun.dev", "testrunreportsets.testrun.dev",
            "testrunwaivers.testrun.dev",
        ])
        .await
        .unwrap();
    plane.kubectl_ok(&["get", "testrunreport", "kept", &n]).await.unwrap();

    // The same without Helm.
    let file = in_repository("deploy/testrun-operator.yaml");
    let args = ["apply", "--server-side", "-f", file.to_str().unwrap()];
    plane.kubectl_ok(&args).await.unwrap();
    plane.kubectl_ok(&["get", "deployment", RELEASE, "--namespace=testrun-operator"]).await.unwrap();
}
