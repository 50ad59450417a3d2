//! What `kubectl get` shows, by which names, and what it can select.

use serde_json::json;

use super::status::{report, write_status};
use crate::cluster::cluster;

/// The words of the first line.
fn headers(table: &str) -> Vec<&str> {
    table.lines().next().unwrap_or_default().split_whitespace().collect()
}

const NARROW: [&str; 9] =
    ["NAME", "COMMIT", "PHASE", "PASSED", "JOBS", "TESTS", "FAILING", "COMPLETED", "AGE"];
const WIDE: [&str; 6] = ["REASON", "CONFIDENCE", "RISK", "RECOMMENDATION", "ARTIFACTS", "RUN"];

#[tokio::test]
async fn the_columns_show_a_report_at_a_glance() {
    let plane = cluster().await;
    let namespace = plane.namespace("columns").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&report("seen", json!({})), &["create", &n]).await.unwrap();
    plane.admin().with_file(&report("fresh", json!({})), &["create", &n]).await.unwrap();
    write_status(
        plane,
        &namespace,
        "seen",
        &json!({
            "observedGeneration": 1, "phase": "Failed", "completedAt": "2026-01-02T03:04:05Z",
            "source": {"repository": "octo-org/hello", "sha": "a".repeat(40), "shortSha": "aaaaaaaa", "pullRequest": 20, "runsDisplay": "11,12"},
            "summary": {"jobs": {"display": "18/22"}, "tests": {"display": "1200/1204"}, "failing": 4, "artifacts": 3},
            "assessment": {"confidence": 80, "risk": "High"},
            "recommendation": {"action": "Analyse"},
            "conditions": [{"type": "Passed", "status": "False", "reason": "RequiredFailed", "message": "m",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}],
        }),
    )
    .await
    .unwrap();

    // The full name, the short name and the category all find it.
    for name in ["testrunreports", "testrunreport", "trr", "testrun"] {
        let table = plane.kubectl_ok(&["get", name, &n]).await.unwrap();
        assert_eq!(headers(&table), NARROW, "kubectl get {name}");
    }
    let wide = plane.kubectl_ok(&["get", "trr", "-o", "wide", &n]).await.unwrap();
    assert_eq!(headers(&wide), [&NARROW[..], &WIDE[..]].concat());
    let seen: Vec<&str> = wide.lines().find(|l| l.contains("seen")).unwrap().split_whitespace().collect();
    assert_eq!(seen[..7], ["seen", "aaaaaaaa", "Failed", "False", "18/22", "1200/1204", "4"]);
    assert_eq!(seen[9..], ["RequiredFailed", "80", "High", "Analyse", "3", "11,12"]);
    let fresh: Vec<&str> = wide.lines().find(|l| l.contains("fresh")).unwrap().split_whitespace().collect();
    assert_eq!(fresh[..3], ["fresh", "Pending", "Unknown"]);

    for (selector, found) in [
        ("spec.source.github.repository=octo-org/hello", "fresh seen"),
        ("spec.source.github.repository=octo-org/other", ""),
        (&format!("status.source.sha={}", "a".repeat(40)), "seen"),
        ("status.source.pullRequest=20", "seen"),
        ("status.source.pullRequest=2", ""),
        ("status.phase=Failed", "seen"),
        ("status.phase!=Failed,metadata.name!=seen", "fresh"),
    ] {
        let names = plane
            .kubectl_ok(&[
                "get", "trr", &n, "--field-selector", selector, "-o", "jsonpath={.items[*].metadata.name}",
            ])
            .await
            .unwrap();
        assert_eq!(names, found, "--field-selector {selector}");
    }
}
