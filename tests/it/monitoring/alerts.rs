//! The chart's alerts, runbooks and dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::process::Command;

use super::{all, strange, used};
use crate::chart::{CHART, Helm, RELEASE};
use crate::generated::in_repository;

const DASHBOARD: &str = "charts/testrun-operator/dashboards/testrun-operator.json";

/// The alerts as they are rendered for several replicas.
async fn groups() -> Value {
    let values = json!({"replicas": 3, "metrics": {"prometheusRule": {"enabled": true}}});
    let args = ["template", RELEASE, CHART, "--namespace=ops", "--show-only=templates/alerts.yaml"];
    let text = Helm::offline().ok(&args, &values).await;
    let rule: Value = serde_saphyr::from_str(&text).unwrap();
    rule["spec"].clone()
}

#[tokio::test]
async fn every_alert_is_about_metrics_that_exist_and_has_its_runbook() {
    let runbooks = std::fs::read_to_string(in_repository("docs/runbooks.md")).unwrap();
    let sections: BTreeSet<&str> = runbooks.lines().filter_map(|l| l.strip_prefix("## ")).collect();
    let groups = groups().await;
    let mut named = BTreeSet::new();
    for rule in groups["groups"][0]["rules"].as_array().unwrap() {
        let text = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let (name, query) = (text("/alert"), text("/expr"));
        assert!(sections.contains(name.as_str()), "docs/runbooks.md has no section {name}");
        assert_eq!(strange(&query), [""; 0], "{name}");
        assert!(!used(&query).is_empty() || query.contains("up{"), "{name} is about nothing: {query}");
        assert!(query.contains(r#"namespace="ops", service="testrun-operator-metrics""#), "{name}: {query}");
        assert!(["critical", "warning", "info"].contains(&text("/labels/severity").as_str()));
        assert_eq!(text("/annotations/runbook_url"), format!("docs/runbooks.md#{}", name.to_lowercase()));
        assert!(!text("/annotations/summary").is_empty() && !text("/annotations/description").is_empty());
        named.insert(name);
    }
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(named, sections, "alerts and sections of docs/runbooks.md");
}

#[test]
fn every_query_of_the_dashboard_is_about_metrics_that_exist() {
    let text = std::fs::read_to_string(in_repository(DASHBOARD)).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let (mut shown, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id is there twice: {panel}");
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            assert_eq!(strange(query), [""; 0], "{}", panel["title"]);
            shown.extend(used(query));
        }
    }
    let all: BTreeSet<String> = all().into_keys().collect();
    assert_eq!(shown, all, "what is measured is shown");
}

#[tokio::test]
async fn prometheus_reads_the_alerts_and_they_fire_in_their_trouble_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.yaml");
    std::fs::write(&rules, groups().await.to_string()).unwrap();
    // The files are outside of the Go module, so that Go's cache does not see their changes.
    let run = Command::new("go")
        .args(["test", "-count=1", "./..."])
        .current_dir(in_repository("tests/monitoring"))
        .env("TESTRUN_RULES", &rules)
        .env("TESTRUN_DASHBOARD", in_repository(DASHBOARD))
        .output()
        .await
        .unwrap_or_else(|e| {
            panic!("cannot run go: {e}; install Go 1.26 or later: tests/monitoring runs Prometheus' code")
        });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "go test failed:\n{}{}", text(&run.stdout), text(&run.stderr));
}
