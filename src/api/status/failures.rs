//! What failed, what is known of why, and where else it was seen.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TestTotals, is_zero};

/// A failed job.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Failure {
    /// Suite of the job.
    #[schemars(length(max = 255))]
    pub suite: String,
    /// Name of the job.
    #[schemars(length(max = 255))]
    pub job: String,
    /// Display name, where an alias gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub display_name: Option<String>,
    /// State of the job, one of those of `suites[].jobs[].state`.
    #[schemars(length(max = 16))]
    pub state: String,
    /// Id of the job or check run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    /// Id of the run that the job belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
    /// Page of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
    /// First step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub step: Option<String>,
    /// What an annotation says (`exceeded the maximum execution time`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// Tests of the job, where counts were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestTotals>,
    /// What the same suite did on a developer's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalComparison>,
    /// Tests that failed in this job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub failing_tests: Vec<FailingTest>,
    /// Failing tests of this job, before the list was cut.
    #[serde(skip_serializing_if = "is_zero")]
    pub failing_tests_total: i64,
    /// The lines of the log that say why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 60))]
    pub excerpt: Vec<ExcerptLine>,
    /// Possible causes, the most probable first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub causes: Vec<Cause>,
    /// Stable over runs for the same failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint: Option<String>,
    /// Names of the artifacts that belong to this job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 255)))]
    pub artifacts: Vec<String>,
    /// What became of the job's must-gather bundle: Recorded, NotCollected, Expired, Deleted, TooLarge (to be
    /// read here) or Corrupt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub bundle: Option<String>,
    /// The job was skipped because another one failed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub consequence: bool,
}

/// Counts on a developer's machine beside those of CI.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalComparison {
    /// All tests of the local run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// Tests that passed locally.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<i64>,
    /// Tests that failed locally.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<i64>,
    /// Tests that passed locally only after a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaked: Option<i64>,
    /// What the comparison shows, in one sentence.
    #[schemars(length(max = 512))]
    pub finding: String,
}

/// A test that failed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct FailingTest {
    /// Full name of the test.
    #[schemars(length(max = 512))]
    pub name: String,
    /// Source file of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub file: Option<String>,
    /// Line in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// What the test said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// One line of a log.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ExcerptLine {
    /// Line number in the job's log, from 1.
    pub line: i64,
    /// The line, without escapes and cut to its limit.
    #[schemars(length(max = 512))]
    pub text: String,
}

/// A possible cause.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Cause {
    /// Kind of the cause, one word.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// Percent.
    #[schemars(range(min = 0, max = 100))]
    pub probability: i64,
    /// Line numbers of the evidence in the job's log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub evidence: Vec<i64>,
    /// What else speaks for it: findings of must-gather bundles, with the place of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3), inner(length(max = 256)))]
    pub because: Vec<String>,
}

/// Failures that look alike.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Pattern {
    /// Fingerprint that the failures share.
    #[schemars(length(max = 64))]
    pub fingerprint: String,
    /// What they have in common.
    #[schemars(length(max = 512))]
    pub text: String,
    /// Flaky (it passed on this commit too), Deterministic (the same values on 3 commits), Recurring (on several
    /// commits) or Shared (several jobs or attempts, or other reports).
    #[schemars(length(max = 16))]
    pub kind: String,
    /// Jobs that show it.
    #[schemars(length(max = 32), inner(length(max = 255)))]
    pub jobs: Vec<String>,
    /// Jobs that show it, before the list was cut.
    pub jobs_total: i64,
    /// Jobs and attempts that failed like this on this commit.
    pub executions: i64,
    /// First 8 digits of the commits of this report that showed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(max = 8)))]
    pub commits: Vec<String>,
    /// Commits that showed it, before the list was cut.
    pub commits_total: i64,
    /// When a job first failed like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Time>,
    /// When one last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
    /// Where else in the repository it was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(length(max = 200)))]
    pub elsewhere: Vec<String>,
}

/// A failure on the commits of this report.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SeenFailure {
    /// Fingerprint of the failure.
    #[schemars(length(max = 64))]
    pub fingerprint: String,
    /// Digest of its values.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub values: String,
    /// Jobs that showed it first.
    #[schemars(length(max = 4), inner(length(max = 255)))]
    pub jobs: Vec<String>,
    /// First 8 digits of the last commits that showed it.
    #[schemars(length(max = 10), inner(length(max = 8)))]
    pub commits: Vec<String>,
    /// Commits that showed it in a row.
    pub commits_total: i64,
    /// When a job first failed like this.
    pub first_seen: Time,
    /// When one last did.
    pub last_seen: Time,
}

/// A green job that hides a failure.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct MaskedFailure {
    /// Name of the job.
    #[schemars(length(max = 255))]
    pub job: String,
    /// FailedStep, FailureAnnotation, FailingTests or Interrupted.
    #[schemars(length(max = 32))]
    pub kind: String,
    /// What was found.
    #[schemars(length(max = 512))]
    pub message: String,
    /// Page of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
}
