//! How the verdict is made, and what is excused or tried again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `Ready` means.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateMode {
    #[default]
    Enforce,
    Report,
}

/// How the verdict is made.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GateSpec {
    /// Enforce: Ready means passed. Report: Ready means that the report is complete.
    #[serde(default)]
    pub mode: GateMode,
    /// Jobs that may be skipped or neutral, each with a reason. Nothing else passes but success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["job".into()]),
        validation = Rule::new("self.all(a, self.exists_one(b, b.job == a.job))").message("two entries of allow name the same job; write one with both states")
    )]
    pub allow: Vec<Allowance>,
    /// Seconds for which nothing may have changed before a verdict is final. Default: 15, and 300 where there
    /// is no workflow run and nothing says what must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub settle_seconds: Option<i64>,
    /// Seconds from the commit's first run, or from the report's first look where there is none,
    /// after which what is missing counts as failed. Default: 21600 (6 hours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_592_000))]
    pub deadline_seconds: Option<i64>,
}

/// A state other than success that a job may end in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedState {
    Skipped,
    Neutral,
}

/// Permission for a job to be skipped or neutral.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// Exact name of the job or check.
    #[schemars(length(min = 1, max = 255))]
    pub job: String,
    /// States that are let through.
    #[schemars(length(min = 1, max = 2))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub states: Vec<AllowedState>,
    /// Why; shown in the report.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("say in reason why this job may be skipped or neutral"))]
    pub reason: String,
}

/// An excuse for one failure, with an end.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.job) != has(self.test)").message("a waiver excuses one thing: set either job or test to its exact name")
)]
pub struct Waiver {
    /// Exact name of the job that is excused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub job: Option<String>,
    /// Exact name of the test that is excused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub test: Option<String>,
    /// The one workflow in which it is excused: its name, its path, or its file, as in `workflows`; a file says more
    /// than a name, which whoever edits a workflow chooses. Default: wherever a job or test of this name fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub workflow: Option<String>,
    /// Why; shown in the report.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("say in reason why this failure is excused"))]
    pub reason: String,
    /// Who agreed to it.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("name in approver who agreed to the waiver"))]
    pub approver: String,
    /// Where it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub ticket: Option<String>,
    /// When it ends; a waiver without an end is not possible.
    #[x_kube(
        validation = Rule::new("self < timestamp('9999-01-01T00:00:00Z')").message("expiresAt must be before the year 9999")
    )]
    pub expires_at: Time,
}

/// Re-running of failed jobs.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RerunSpec {
    /// Most attempts of a run, the first included. 1, the default, never re-runs.
    #[serde(default = "default_attempts")]
    #[schemars(range(min = 1, max = 5))]
    pub max_attempts: i32,

    /// Failed, the default: whatever failed. Flaky: only where every failed job that counts was green and
    /// red by turns in its last runs on the base branch, so that a failure that is new is final at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<RerunWhen>,
}

/// Which failures are worth another attempt.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RerunWhen {
    Failed,
    Flaky,
}

const fn default_attempts() -> i32 {
    1
}
