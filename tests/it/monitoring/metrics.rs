//! docs/metrics.md says what a process exports.

use testkit::github::{GitHub, Scenario};

use super::{all, described, used};
use crate::cluster::{cluster, eventually};
use crate::generated::{assert_section, in_repository};
use crate::story::operator::Operator;

fn table() -> String {
    let mut out = "| Metric | Kind | Labels | Meaning |\n|---|---|---|---|".to_owned();
    for (name, metric) in all() {
        let values = |(label, values): (&String, &std::collections::BTreeSet<String>)| match label.as_str() {
            "le" | "version" => format!("`{label}`"),
            _ => {
                let values: Vec<String> = values.iter().map(|v| format!("`{v}`")).collect();
                format!("`{label}`: {}", values.join(", "))
            }
        };
        let labels: Vec<String> = metric.labels.iter().map(values).collect();
        out += &format!(
            "\n| `{name}` | {} | {} | {} |",
            metric.kind,
            labels.join("; "),
            metric.help.trim_end_matches('.')
        );
    }
    out
}

#[test]
fn every_metric_is_documented() {
    assert_section("docs/metrics.md", "metrics", &table());
}

#[test]
fn every_metric_that_a_page_names_exists() {
    let known = all();
    let mut count = 0;
    for page in std::fs::read_dir(in_repository("docs")).unwrap() {
        let path = page.unwrap().path();
        if path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        // Not a metric, but the name of the library in the log.
        for name in used(&std::fs::read_to_string(&path).unwrap()).iter().filter(|n| *n != "testrun_operator")
        {
            count += 1;
            assert!(known.contains_key(name), "{}: there is no metric {name}", path.display());
        }
    }
    assert!(count > 25, "{count} names");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_exports_every_metric_from_its_start() {
    let plane = cluster().await;
    let namespace = plane.namespace("metrics").await.unwrap();
    let gh = GitHub::start(Scenario::new());
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let text = operator.metrics().await;
    let shape = |all: std::collections::BTreeMap<String, super::Described>| {
        all.into_iter().map(|(name, d)| (name, d.kind, d.labels)).collect::<Vec<_>>()
    };
    assert_eq!(shape(described(&text)), shape(all()));
    assert_eq!(operator.metric("testrun_oldest_unseen_report_seconds").await, 0.0);
    // One that cannot be decided counts from when it was made.
    let report = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": "r", "namespace": namespace},
        "spec": {"source": {"github": {"repository": "no/where", "branch": "main"}}}});
    plane.admin().with_file(&report.to_string(), &["create"]).await.unwrap();
    let undecided = async || operator.metric("testrun_oldest_undecided_report_seconds").await;
    eventually(
        || "the undecided report to be counted".to_owned(),
        async || (undecided().await > 0.0).then_some(()),
    )
    .await;
    let requests = async || operator.metric("testrun_github_requests_total").await;
    eventually(|| "requests to be counted".to_owned(), async || (requests().await > 0.0).then_some(())).await;
    operator.stop().await;
}
