//! What has to succeed: suites of jobs, what must be there, checks of other apps.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a suite's failures fail the verdict.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuitePolicy {
    #[default]
    Required,
    Informational,
}

/// A named group of jobs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SuiteSpec {
    /// Name of the suite as people read it.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(
        validation = Rule::new("self == self.trim() && !self.matches('[\\\\x00-\\\\x1f\\\\x7f]')")
            .message("a suite's name is one line of text without blanks at its ends")
    )]
    #[x_kube(
        validation = Rule::new("self != 'Unmatched'")
            .message("Unmatched is kept for jobs that no suite matches; choose another name")
    )]
    pub name: String,
    /// Required: all its jobs must succeed, and there must be one. Informational: shown, and not part of the verdict.
    #[serde(default)]
    pub policy: SuitePolicy,
    /// Which jobs belong to it; any one entry suffices.
    #[serde(rename = "match")]
    #[schemars(length(min = 1, max = 32))]
    pub matches: Vec<JobMatch>,
    /// Which jobs must be there. Default: those that the last green commit of the base branch had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Lowest percentage of its jobs that must succeed, and of its tests where counts were read. It
    /// only adds a demand: a Required suite needs all its jobs anyway, an Informational one that
    /// falls below fails the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub min_pass_rate: Option<i32>,
    /// Marks the suite as part of the critical path, which the report lists first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub critical_path: bool,
}

/// Jobs by workflow and name. Both are regular expressions (RE2 syntax), case-insensitive, found
/// anywhere in the name unless anchored.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.workflow) || has(self.job)").message("set workflow, job or both to a regular expression")
)]
pub struct JobMatch {
    /// Regular expression for the workflow's name or file path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(
        validation = Rule::new("'x'.matches(self) || !'x'.matches(self)").message("workflow must be a regular expression in RE2 syntax; escape ( ) [ ] . with a backslash")
    )]
    pub workflow: Option<String>,
    /// Regular expression for the job's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(
        validation = Rule::new("'x'.matches(self) || !'x'.matches(self)").message("job must be a regular expression in RE2 syntax; escape ( ) [ ] . with a backslash")
    )]
    pub job: Option<String>,
}

/// Which jobs a suite must have.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.jobs) != has(self.count)").message("set either jobs (names) or count")
)]
pub struct Expect {
    /// Exact names of the jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500), inner(length(min = 1, max = 255)))]
    pub jobs: Option<Vec<String>>,
    /// Least number of jobs. What a workflow runs for several events (`push` and `pull_request`) counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub count: Option<i32>,
}

/// A check run or commit status of another app.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CheckSpec {
    /// Exact name of the check run, or context of the commit status.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Slug of the app that must have produced it (`codecov`); for a commit status the login of its
    /// creator. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub app: Option<String>,
}
