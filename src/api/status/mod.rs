//! What the operator answers: the status of a `TestRunReport`.
//!
//! Every list is bounded, and the true total stands beside a list that was cut. Values that come
//! from GitHub are strings; closed enums are our own vocabulary only, so that an older operator can
//! read what a newer one wrote.

mod artifacts;
mod assessment;
mod failures;
mod results;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers::DeploymentAnswer;
use super::schema::conditions_schema;

pub use artifacts::{Artifact, ArtifactAnalysis, ArtifactCopy, BundleFinding};
pub use assessment::{ActionOption, Assessment, Recommendation};
pub use failures::{
    Cause, ExcerptLine, FailingTest, Failure, LocalComparison, MaskedFailure, Pattern, SeenFailure,
};
pub use results::{
    JobCounts, JobStatus, RunStatus, SourceStatus, SuiteStatus, Summary, TestCounts, TestTotals, Waived,
};

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
