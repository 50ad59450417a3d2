//! What the operator answers: the status of a `TestRunReport`.
//!
//! Every list is bounded, and the true total stands beside a list that was cut. Values that come
//! from GitHub are strings; closed enums are our own vocabulary only, so that an older operator can
//! read what a newer one wrote.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers::DeploymentAnswer;
use super::schema::conditions_schema;

/// The results of the commit, the verdict, and why.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct TestRunReportStatus {
    /// Generation of the spec that this status was computed from; -1 before the first look.
    #[schemars(range(min = -1))]
    pub observed_generation: i64,
    /// One word for people: Pending, Running, Passed, Failed or Error. Programs read conditions.
    #[schemars(length(max = 16))]
    pub phase: String,
    /// The commit and its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
    /// Jobs and tests by state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Suites with their jobs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 70))]
    pub suites: Vec<SuiteStatus>,
    /// What failed, and what is known of why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub failures: Vec<Failure>,
    /// Artifacts that matter to this report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub artifacts: Vec<Artifact>,
    /// Failures that look alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub patterns: Vec<Pattern>,
    /// Failures of this and of earlier commits of this report, to tell what recurs; of use to the operator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 24))]
    pub failure_history: Vec<SeenFailure>,
    /// Green jobs that hide a failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub masked_failures: Vec<MaskedFailure>,
    /// How sure the report is, and how risky a merge would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<Recommendation>,
    /// Changes of the verdict, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub transitions: Vec<Transition>,
    /// The newest change that all sinks of CloudEvents have taken, where there are sinks; of use to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub told: Option<String>,
    /// Re-runs of failed jobs that the operator asked for, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub reruns: Vec<Rerun>,
    /// Answers to deployment protection rules, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 24))]
    pub deployments: Vec<DeploymentAnswer>,
    /// Failures that waivers excuse now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub waived: Vec<Waived>,
    /// Remarks about the report itself: runs set aside, jobs matched twice, lists cut.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 512)))]
    pub notes: Vec<String>,
    /// When the report became final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// What merge tooling reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

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

/// A reference to an artifact; its content stays where it is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// Name of the artifact.
    #[schemars(length(max = 255))]
    pub name: String,
    /// GitHub's id of the artifact.
    pub id: i64,
    /// MustGather, TestReport or Other.
    #[schemars(length(max = 16))]
    pub kind: String,
    /// Id of the run that uploaded it.
    pub run_id: i64,
    /// Job that it belongs to, where the name tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub job: Option<String>,
    /// Bytes of the zip.
    pub size_bytes: i64,
    /// Digest of the zip, such as `sha256:...`, where GitHub gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub digest: Option<String>,
    /// When it was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// When GitHub deletes its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// GitHub has deleted its content.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// Layout of a bundle, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub layout: Option<String>,
    /// Page to download it from; needs a login.
    #[schemars(length(max = 512))]
    pub url: String,
    /// API address to download it from; needs a token.
    #[schemars(length(max = 512))]
    pub api_url: String,
    /// What is in it, or why that is not known; absent where it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<ArtifactAnalysis>,
}

impl Artifact {
    /// Whether its content is gone from GitHub.
    pub fn is_gone(&self) -> bool {
        self.expired
            || self.analysis.as_ref().is_some_and(|a| matches!(a.state.as_str(), "Expired" | "Deleted"))
    }
}

/// What was found in an artifact of a failed job.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactAnalysis {
    /// Analysed, Incomplete (a part was read), Expired, Deleted, TooLarge, Corrupt (not what was uploaded,
    /// or no archive) or NotRead.
    #[schemars(length(max = 16))]
    pub state: String,
    /// Why it is not whole, or what a test report counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub message: Option<String>,
    /// Files that were read, those of inner archives included.
    #[serde(skip_serializing_if = "is_zero")]
    pub files_scanned: i64,
    /// What a bundle says, what says most first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub findings: Vec<BundleFinding>,
    /// Findings before the list was cut.
    #[serde(skip_serializing_if = "is_zero")]
    pub findings_total: i64,
}

/// One thing that a bundle says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct BundleFinding {
    /// Kind of the finding, one word such as OomKilled; docs/evidence.md lists them.
    #[schemars(length(max = 32))]
    pub kind: String,
    /// Info, Warning, Error or Critical.
    #[schemars(length(max = 16))]
    pub severity: String,
    /// Container, object or log that it is about.
    #[schemars(length(max = 200))]
    pub object: String,
    /// Short reason, such as `SQLSTATE 23505`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 200))]
    pub reason: String,
    /// How often.
    pub count: i64,
    /// It falls into the failing test's time, or names one of its objects.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub related: bool,
    /// The bundle of a job that passed has it too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub also_passing: bool,
    /// First time it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Time>,
    /// Last time it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
    /// Path in the bundle.
    #[schemars(length(max = 300))]
    pub file: String,
    /// Line in that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// What stands there, without credentials.
    #[schemars(length(max = 256))]
    pub text: String,
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
    /// FailedStep, FailureAnnotation or FailingTests.
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

/// How sure the report is, and how risky a merge would be.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Assessment {
    /// Percent: how much of what the verdict rests on was read, and how well it agrees.
    #[schemars(range(min = 0, max = 100))]
    pub confidence: i64,
    /// One of None, Low, Medium, High and Unknown.
    #[schemars(length(max = 16))]
    pub risk: String,
    /// One line per step of the calculation.
    #[schemars(length(max = 24), inner(length(max = 512)))]
    pub rationale: Vec<String>,
}

/// What to do next.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Recommendation {
    /// Merge, Wait, Analyse, Rerun, FixSetup or Complete.
    #[schemars(length(max = 16))]
    pub action: String,
    /// The recommendation in one sentence.
    #[schemars(length(max = 512))]
    pub summary: String,
    /// What can be done, the recommended option first.
    #[schemars(length(max = 8))]
    pub options: Vec<ActionOption>,
}

/// One thing that can be done.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionOption {
    /// Merge, Wait, Analyse, Download, Rerun, Waive, FixSetup or Complete.
    #[schemars(length(max = 16))]
    pub action: String,
    /// What it does and what it costs.
    #[schemars(length(max = 512))]
    pub description: String,
    /// Exact commands that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 512)))]
    pub commands: Vec<String>,
    /// This is the recommended option.
    pub recommended: bool,
}

/// A change of the verdict.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// When the verdict changed.
    pub time: Time,
    /// Status of `Passed` from then on.
    #[schemars(length(max = 16))]
    pub passed: String,
    /// Reason of `Passed` from then on.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// First 8 digits of the commit id.
    #[schemars(length(max = 8))]
    pub sha: String,
    /// Message of `Passed` from then on, cut to its limit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 255))]
    pub message: String,
}

/// A re-run of the failed jobs of one run. It is recorded before GitHub is asked, so that no attempt
/// is ever re-run twice. With neither `acceptedAt` nor `refused` nobody knows what came of it yet.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Rerun {
    /// Id of the workflow run.
    pub run_id: i64,
    /// The attempt that failed.
    pub attempt: i64,
    /// When it was decided, or taken up again.
    pub requested_at: Time,
    /// How often it was decided: more than once after a crash, or when an answer was lost.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub tries: i32,
    /// When GitHub had taken the request, or was seen to have begun another attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Time>,
    /// Why GitHub did not take the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub refused: Option<String>,
}

pub(super) const fn one() -> i32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_one(n: &i32) -> bool {
    *n == 1
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}
