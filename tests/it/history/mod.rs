//! What was seen of past commits: kept exactly once, shown to whom it may be, and never in a verdict's way.

mod broken;
mod laws;
mod left;
pub mod life;
mod older;
mod parquet;
mod postgres;
mod queue;
mod server;
mod slow;
pub mod sums;
mod would;

use std::time::Duration;

use jiff::Timestamp;
use testrun_operator::history::{Bounds, JobResult, Record};

pub const REPO: &str = "acme/shop";
pub const BOUNDS: Bounds = Bounds { age: Duration::from_secs(90 * 86_400), bytes: 64 << 20 };

/// A minute ago, and so many seconds before that.
pub fn ago(seconds: i64) -> i64 {
    Timestamp::now().as_second() - 60 - seconds
}

/// The commit of a number; a higher one is newer.
pub fn sha(number: u32) -> String {
    format!("{number:040x}")
}

/// How a job ended on a commit: in attempts, the first one first.
pub fn record(namespace: &str, commit: u32, job: &str, attempts: &[&str]) -> Record {
    let began = ago(1_000_000 - i64::from(commit) * 1_000);
    let results = attempts.iter().zip(1..).map(|(conclusion, attempt)| JobResult {
        workflow: "CI".into(),
        job: job.into(),
        run_id: i64::from(commit) * 10,
        attempt,
        job_id: i64::from(commit) * 100 + attempt,
        event: "push".into(),
        conclusion: (*conclusion).into(),
        started: Some(began),
        finished: began + 60 * attempt,
        fingerprint: (*conclusion == "failure").then(|| "f00d".repeat(4)),
        failing: if *conclusion == "failure" { vec!["adds up".into()] } else { Vec::new() },
        ..JobResult::default()
    });
    let passed = attempts.last() == Some(&"success");
    Record {
        namespace: namespace.into(),
        connection: "github.com".into(),
        repository: REPO.into(),
        sha: sha(commit),
        branch: Some("main".into()),
        started: began,
        observed: began + 1_000,
        report: "main".into(),
        verdict: if passed { "passed" } else { "failed" },
        reason: "Told".into(),
        is_final: true,
        decided: Some(began + 900),
        results: results.collect(),
        ..Record::default()
    }
}
