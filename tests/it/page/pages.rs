//! Pages that are always the same, for screenshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Query;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use testrun_operator::api::TestRunReport;
use testrun_operator::cache::Kept;
use testrun_operator::history::{
    Answer, Cell, Commit, Ended, Execution, Grid, Pattern, Patterns, Row, Said, summarise, worst_first,
};
use testrun_operator::serve::page::{Part, grid, history, overview, patterns, report};

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
        ("overview", overview::shown(&reports, &question(""), Part::WHOLE, now())),
        (
            "patterns",
            patterns::shown(&kinds_of_failures(), &question("namespace=ci&repository=octo-org/hello-world")),
        ),
        ("report", report::shown(&pull_request_20().await)),
        ("grid", grid::shown(&grid_of_jobs(), &question("namespace=ci&repository=octo-org/hello-world"))),
        (
            "history",
            history::shown(
                &past_of_a_job(),
                &question("namespace=ci&repository=octo-org/hello-world&job=e2e"),
            ),
        ),
    ])
}

/// Jobs on twenty commits: `P`assed, `F`ailed, `~` flaky, `-` neither, a space where it did not run.
const JOBS: [(&str, &str, &str); 9] = [
    ("CI", "e2e", "F~PPF~PPPPPP~PPPPPPP"),
    ("CI", "integration (datastorage)", "FFFFPPPPPPPPPPPPPPPP"),
    ("CI", "integration (notification)", "PPPPPPP-PPPPPPPPPPPP"),
    ("CI", "lint", "PPPPPPPPPPPPPPPPFPPP"),
    ("CI", "unit (<script>alert(1)</script>)", "PPPPPPPPPPPPPPPPPPPP"),
    ("CI", "unit (gateway)", "PPPPPPPPPPPPPPPPPPPP"),
    ("Nightly", "scale", "P   P   P   F   P   "),
    ("Release", "build", "    P       P       "),
    ("Release", "sign", "    P       -       "),
];

fn commit(n: i64) -> Commit {
    let said = Said { report: format!("pr-{}", 20 - n), ..Said::default() };
    Commit {
        repository: "octo-org/hello-world".into(),
        sha: format!("{:08x}{}", 0x1f0c_9d2a_i64 - n * 7_654_321, "0".repeat(32)),
        pull_request: (n % 3 > 0).then_some(20 - n),
        branch: Some("main".into()),
        verdicts: vec![said],
        ..Commit::default()
    }
}

fn grid_of_jobs() -> grid::Shown {
    let row = |(workflow, job, cells): (&str, &str, &str)| {
        let cell = |sign| {
            let ended = match sign {
                'P' => Ended::Passed,
                'F' => Ended::Failed,
                '~' => Ended::Flaky,
                '-' => Ended::Other,
                _ => return None,
            };
            Some(Cell { ended, run_id: 77, job_id: 501 })
        };
        Row { workflow: workflow.into(), job: job.into(), cells: cells.chars().map(cell).collect() }
    };
    let mut rows: Vec<Row> = JOBS.map(row).into();
    worst_first(&mut rows);
    let commits = (0..20).map(commit).collect();
    let grid = Grid { commits, rows, next: Some("1.1".into()), cut: false };
    grid::Shown { grid, kept: true, web: Some("https://github.com/octo-org/hello-world".into()) }
}

fn past_of_a_job() -> history::Shown {
    let results: Vec<Execution> = "F~PPF~PPPPPP~PPPPPPP"
        .chars()
        .zip(0..)
        .flat_map(|(sign, n)| {
            let commit = commit(n);
            let ran = move |attempt: i64, result: &str| Execution {
                repository: commit.repository.clone(),
                sha: commit.sha.clone(),
                branch: commit.branch.clone(),
                pull_request: commit.pull_request,
                workflow: "CI".into(),
                job: "e2e".into(),
                event: "push".into(),
                run_id: 9_000 - n,
                attempt,
                job_id: 501,
                result: result.into(),
                seconds: Some(540 + (n * 37) % 120 - if result == "failure" { 300 } else { 0 }),
                at: now().as_second() - n * 5_400 + attempt * 600,
                tests: Some(42),
                tests_failed: Some(i64::from(result == "failure")),
                fingerprint: None,
                millis: None,
            };
            match sign {
                'F' => vec![ran(1, "failure")],
                '~' => vec![ran(2, "success"), ran(1, "failure")],
                _ => vec![ran(1, "success")],
            }
        })
        .collect();
    let text = [
        "--- FAIL: TestCheckout/rounds_prices_once (12.31s)",
        "    checkout_test.go:118: expected 19.99, got 20.00 <script>alert(1)</script>",
        "FAIL",
    ];
    let lines = text.iter().zip(4_711..).map(|(text, line)| serde_json::json!({"line": line, "text": text}));
    let lines = serde_json::from_value(lines.collect()).unwrap();
    let summary = Some(summarise(&results, false));
    let answer = Answer { namespace: "ci".into(), summary, results, ..Answer::default() };
    let web = Some("https://github.com/octo-org/hello-world".into());
    history::Shown { answer, web, lines: Some(("pr-20".into(), lines)) }
}

/// Jobs, failures of each of thirty days, pull requests, branches.
type Kind = (&'static [&'static str], &'static str, &'static [i64], &'static [&'static str]);

fn kinds_of_failures() -> Patterns {
    let kind = |(jobs, days, pulls, branches): Kind, n: i64| {
        let counts: Vec<i64> = days.bytes().map(|b| i64::from(b - b'0')).collect();
        let at = |day: Option<usize>| now().as_second() - (29 - day.unwrap_or(0) as i64) * 86_400;
        Pattern {
            repository: "octo-org/hello-world".into(),
            fingerprint: format!("{:016x}", 0x1f0c_9d2a_0bad_cafe_i64 / (n + 1)),
            first: at(counts.iter().position(|c| *c > 0)),
            last: at(counts.iter().rposition(|c| *c > 0)),
            results: counts.iter().sum(),
            commits: (counts.iter().sum::<i64>() - n % 2).max(1),
            days: counts,
            jobs: jobs.iter().map(|job| ("CI".to_owned(), (*job).to_owned())).collect(),
            pulls: pulls.iter().copied().collect(),
            branches: branches.iter().map(|b| (*b).to_owned()).collect(),
        }
    };
    let all: [Kind; 4] = [
        (&["e2e"], "000100200010000301002000100412", &[20, 19, 17, 15, 14, 12], &["main"]),
        (
            &["integration (datastorage)", "integration (gateway)"],
            "000000000000000000000000000235",
            &[20, 19],
            &[],
        ),
        (&["unit (<script>alert(1)</script>)"], "000000000000000100000000000000", &[11], &[]),
        (&["lint"], "000000000001000000000000000000", &[], &["release/2.4"]),
    ];
    Patterns { list: all.into_iter().zip(0..).map(|(one, n)| kind(one, n)).collect(), cut: false }
}

/// What `kubectl testrun report -o html` makes.
pub fn command_line() -> String {
    std::fs::read_to_string(in_repository("docs/examples/pull-request-20.html")).unwrap()
}
