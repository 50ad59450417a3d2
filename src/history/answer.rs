//! What the history says, as it goes over HTTP and to the command line.

use serde::{Deserialize, Serialize};

use super::stats::{Rate, Summary};

/// A page of commits, or of results of one job or test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    pub namespace: String,
    /// Of a job or test: what its newest results come to. Not repeated on later pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<Commit>,
    /// The newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Execution>,
    /// What to ask `before` for the page after this one; none where this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of commits, each with what decided about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Past {
    pub namespace: String,
    /// The newest first.
    pub commits: Vec<PastCommit>,
    /// What to ask `before` for the page after this one; none where this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A commit with what decided about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PastCommit {
    pub commit: Commit,
    /// As `verdict::dry_run::Kept` writes it; null where nothing was kept.
    pub facts: serde_json::Value,
}

/// A commit, and what each report said of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Commit {
    pub repository: String,
    pub sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<i64>,
    /// When its first run began, in seconds since 1970.
    pub at: i64,
    /// Results of jobs, those of repeated attempts included, and how many of them failed.
    pub results: i64,
    pub failed: i64,
    pub verdicts: Vec<Said>,
}

/// What a report said of a commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    pub report: String,
    /// `passed`, `failed` or `undecided`.
    pub verdict: String,
    pub reason: String,
    pub r#final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<i64>,
    /// Failures that waivers excused.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub waived: serde_json::Value,
}

/// One result of a job, or of a test in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Execution {
    pub repository: String,
    pub sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<i64>,
    pub workflow: String,
    pub job: String,
    /// What its run was started by: `push`, `pull_request`.
    pub event: String,
    pub run_id: i64,
    pub attempt: i64,
    pub job_id: i64,
    /// Conclusion as GitHub gives it; of a test `failure`, or `success` of its job.
    pub result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Of a test: how long it took itself, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<i64>,
    /// When it ended, in seconds since 1970.
    pub at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests_failed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Execution {
    /// Whether it passed; none where it came to neither a pass nor a failure.
    pub fn passed(&self) -> Option<bool> {
        passed(&self.result)
    }
}

/// Whether a conclusion is a pass; none where it is neither that nor a failure.
pub(super) fn passed(conclusion: &str) -> Option<bool> {
    match conclusion {
        "success" => Some(true),
        "failure" | "timed_out" | "startup_failure" => Some(false),
        _ => None,
    }
}

/// Jobs or tests, ranked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Top {
    pub namespace: String,
    /// Results of how many days.
    pub days: i64,
    pub ranked: Vec<Ranked>,
    /// More series than are looked at: those with the most results were.
    pub cut: bool,
}

/// A job or test with its rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    pub repository: String,
    pub workflow: String,
    pub job: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// Commits on which it both failed and passed, for one event.
    pub flakes: Rate,
    /// Results that are failures.
    pub failures: Rate,
    /// Mean of the seconds that passing runs took; of jobs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<i64>,
    /// Of tests ranked by how long they take: how many times that is known, and the mean and longest of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_millis: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_millis: Option<i64>,
}
