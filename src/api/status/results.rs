//! What ran: the commit, its runs, jobs and tests, and how they ended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;

/// The commit that the report is about, as resolved, and the runs that were read.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceStatus {
    /// `owner/name` as GitHub spells it now.
    #[schemars(length(max = 140))]
    pub repository: String,
    /// GitHub's id of the repository, which survives a rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<i64>,
    /// Full commit id that every fact of this status belongs to.
    #[schemars(length(max = 64))]
    pub sha: String,
    /// First 8 digits of the commit id.
    #[schemars(length(max = 8))]
    pub short_sha: String,
    /// Branch of the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub branch: Option<String>,
    /// Branch that the pull request would be merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub base_branch: Option<String>,
    /// Number of the pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<i64>,
    /// Title of the pull request, or of the newest run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub title: Option<String>,
    /// Page of the pull request or commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub url: Option<String>,
    /// When this commit was first resolved by this report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Time>,
    /// Ids of the runs, for the RUN column.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 255))]
    pub runs_display: String,
    /// Number of runs, before the list was cut.
    pub runs_total: i64,
    /// Runs of the commit.
    #[schemars(length(max = 50))]
    pub runs: Vec<RunStatus>,
    /// Digest of the facts that the verdict was made from; a second read must give the same.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub digest: String,
}

/// A workflow run.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct RunStatus {
    /// Id of the run.
    pub id: i64,
    /// Latest attempt.
    pub attempt: i64,
    /// Name of the workflow.
    #[schemars(length(max = 255))]
    pub workflow: String,
    /// Event that started it.
    #[schemars(length(max = 64))]
    pub event: String,
    /// File of the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub path: Option<String>,
    /// Branch or tag that it ran for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub branch: Option<String>,
    /// Id of the repository that the branch is in; none where that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<i64>,
    /// Conclusion as GitHub gives it, or its status while there is none.
    #[schemars(length(max = 64))]
    pub result: String,
    /// Page of the run.
    #[schemars(length(max = 512))]
    pub url: String,
    /// Set when the run does not count, with the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub set_aside: Option<String>,
}

/// Counts of the whole report.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Jobs by state; aggregate jobs are not counted.
    pub jobs: JobCounts,
    /// Tests by state, as far as counts were read.
    pub tests: TestCounts,
    /// Required jobs and checks that fail the verdict.
    pub failing: i64,
    /// Artifacts of this commit that matter, before the list was cut.
    pub artifacts: i64,
    /// Failures, before the list was cut.
    pub failures_total: i64,
    /// Failing tests in all jobs, before any list was cut.
    pub failing_tests_total: i64,
}

/// Jobs by state.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct JobCounts {
    /// `succeeded/total`, for the JOBS column.
    #[schemars(length(max = 32))]
    pub display: String,
    /// All jobs that count.
    pub total: i64,
    /// Jobs that succeeded.
    pub succeeded: i64,
    /// Jobs that failed, timed out or could not start.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: i64,
    /// Jobs that were cancelled.
    #[serde(skip_serializing_if = "is_zero")]
    pub cancelled: i64,
    /// Jobs that were skipped.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: i64,
    /// Jobs and checks that ended neutral.
    #[serde(skip_serializing_if = "is_zero")]
    pub neutral: i64,
    /// Jobs that wait for a person.
    #[serde(skip_serializing_if = "is_zero")]
    pub action_required: i64,
    /// Jobs that are queued or running.
    #[serde(skip_serializing_if = "is_zero")]
    pub running: i64,
    /// Jobs that were expected and never reported.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: i64,
    /// Jobs whose state could not be decided.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: i64,
    /// Whole percentage of `succeeded` in `total`, rounded down, so that only 100 means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<i64>,
}

/// Tests by state: `total = passed + failed + errored + skipped + pending`; `flaked` is part of `passed`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct TestTotals {
    /// All tests.
    pub total: i64,
    /// Tests that passed, flaked ones included.
    pub passed: i64,
    /// Tests that failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: i64,
    /// Tests that broke before they could pass or fail.
    #[serde(skip_serializing_if = "is_zero")]
    pub errored: i64,
    /// Tests that were skipped.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: i64,
    /// Tests that are marked as not written yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: i64,
    /// Tests that passed only after a retry.
    #[serde(skip_serializing_if = "is_zero")]
    pub flaked: i64,
}

/// Tests of the whole report.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct TestCounts {
    /// `passed/total`, for the TESTS column; empty while no counts were read.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 32))]
    pub display: String,
    #[serde(flatten)]
    pub counts: TestTotals,
    /// Jobs whose test counts were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub jobs_counted: i64,
}

/// A suite and its jobs.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct SuiteStatus {
    /// Name of the suite.
    #[schemars(length(max = 255))]
    pub name: String,
    /// Required, Informational, or Aggregate for jobs that only repeat others.
    #[schemars(length(max = 16))]
    pub policy: String,
    /// Succeeded, Failed, Running or Unknown, over all jobs of the suite.
    #[schemars(length(max = 16))]
    pub state: String,
    /// Jobs of the suite that succeeded or are allowed to end otherwise.
    pub passed: i64,
    /// Jobs of the suite.
    pub total: i64,
    /// Whole percentage, rounded down, so that only 100 means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<i64>,
    /// The suite is part of the critical path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub critical_path: bool,
    /// Tests of the suite, as far as counts were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestTotals>,
    /// Jobs of the suite; those that did not succeed come first where the list is cut.
    #[schemars(length(max = 200))]
    pub jobs: Vec<JobStatus>,
    /// Jobs that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub jobs_omitted: i64,
}

/// One job, check run or commit status.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    /// Name of the job, check run or commit status, as GitHub spells it.
    #[schemars(length(max = 255))]
    pub name: String,
    /// Display name, where an alias gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub display_name: Option<String>,
    /// Succeeded, Failed, Cancelled, Skipped, Neutral, ActionRequired, Running, Missing or Unknown.
    #[schemars(length(max = 16))]
    pub state: String,
    /// What GitHub said, where the state alone does not tell (`timed_out`, `queued`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub detail: Option<String>,
    /// Id of the job or check run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Id of the run that the job belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
    /// Attempt of the run that the job belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// App that produced a check of another app.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub app: Option<String>,
    /// How long the job ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Tests of the job, where counts were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestTotals>,
    /// Why the job counts as it does: a waiver, an allowance, a consequence of another failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub note: Option<String>,
}

/// A failure that a waiver excuses.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Waived {
    /// Job or check that is excused.
    #[schemars(length(max = 255))]
    pub job: String,
    /// The one test of it that the waiver names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub test: Option<String>,
    /// The one workflow that the waiver names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub workflow: Option<String>,
    /// Who agreed to it.
    #[schemars(length(max = 100))]
    pub approver: String,
    /// Where it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub ticket: Option<String>,
    /// When the waiver ends, and the verdict with it.
    pub expires_at: Time,
    /// The TestRunWaiver that it is from; none for one of spec.waivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub from: Option<String>,
}
