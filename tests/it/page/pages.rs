//! Pages that are always the same, for screenshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Query;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use testrun_operator::api::TestRunReport;
use testrun_operator::cache::Kept;
use testrun_operator::serve::page::{overview, report};

use crate::cli::examples::pull_request_20;
use crate::generated::in_repository;

fn now() -> Timestamp {
    "2026-01-23T17:00:00Z".parse().unwrap()
}

/// `namespace`, `repository`, pull request or branch, title, `Passed`, `Complete`, jobs that passed of 24, hours of age.
type Line = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, i64, i64);

const LINES: [Line; 9] = [
    ("ci", "octo-org/hello-world", "20", "Retry uploads that time out", "False", "False", 21, 1),
    ("ci", "octo-org/hello-world", "19", "Bump the base image", "True", "True", 24, 5),
    (
        "ci", "octo-org/hello-world", "17", "Use the new API for <script>alert(1)</script>", "False", "True",
        22, 26,
    ),
    ("ci", "octo-org/hello-world", "main", "Merge pull request #16", "True", "True", 24, 30),
    ("ci", "octo-org/shop", "311", "Checkout: round prices once", "Unknown", "False", 12, 0),
    ("ci", "octo-org/shop", "308", "Fix the currency of refunds", "True", "True", 24, 3),
    ("release", "octo-org/shop", "release/2.4", "Prepare 2.4.1", "False", "True", 23, 8),
    ("release", "octo-org/shop", "release/2.3", "Backport the fix of refunds", "True", "True", 24, 50),
    ("release", "octo-org/docs", "main", "Explain webhooks", "True", "True", 24, 2),
];

fn line((namespace, repository, of, title, passed, complete, jobs, age): Line) -> TestRunReport {
    let pull = of.parse::<i64>().ok();
    let (reason, made) = match (passed, complete) {
        ("True", _) => ("AllRequiredSucceeded", 40),
        ("False", _) => ("RequiredFailed", 40),
        _ => ("Running", 5),
    };
    let created = now() - SignedDuration::from_mins(age * 60 + made);
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": "told", "observedGeneration": 1,
            "lastTransitionTime": created.to_string()})
    };
    let name = match pull {
        Some(number) => format!("pr-{number}"),
        None => format!("{}-{}", repository.split('/').nth(1).unwrap(), of.replace('/', "-")),
    };
    let sha = format!("{:08x}{}", jobs * 77_777 + age * 131 + 0x1f0c_9d2a, "0".repeat(32));
    let github = match pull {
        Some(number) => json!({"repository": repository, "pullRequest": number}),
        None => json!({"repository": repository, "branch": of}),
    };
    serde_json::from_value(json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "creationTimestamp": created.to_string()},
        "spec": {"source": {"github": github}},
        "status": {"observedGeneration": 1, "phase": "x",
            "source": {"repository": repository, "sha": sha, "shortSha": &sha[..8], "pullRequest": pull,
                "branch": if pull.is_some() { "feature/x" } else { of }, "title": title},
            "summary": {"failuresTotal": if passed == "False" { 24 - jobs } else { 0 },
                "jobs": {"total": 24, "succeeded": jobs, "display": format!("{jobs}/24")}},
            "conditions": [condition("Passed", passed), condition("Complete", complete)]}}))
    .unwrap()
}

fn question<T: serde::de::DeserializeOwned>(query: &str) -> T {
    Query::try_from_uri(&format!("/?{query}").parse().unwrap()).unwrap().0
}

/// All pages by their names.
pub async fn all() -> BTreeMap<&'static str, String> {
    let reports: Vec<Arc<Kept>> = LINES.map(|l| Arc::new(Kept::from(&line(l)))).into();
    BTreeMap::from([
        ("overview", overview::shown(&reports, &question(""), false, now())),
        ("report", report::shown(&pull_request_20().await)),
    ])
}

/// What `kubectl testrun report -o html` makes.
pub fn command_line() -> String {
    std::fs::read_to_string(in_repository("docs/examples/pull-request-20.html")).unwrap()
}
