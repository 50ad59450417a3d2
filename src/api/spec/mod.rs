//! What a person writes: the spec of a `TestRunReport`.

// Each printer column has a type of its own; the lint takes them for one attribute written twice.
#![allow(clippy::duplicated_attributes)]

mod gate;
mod suites;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::publish::PublishSpec;
use super::schema::aliases_schema;
use super::status::TestRunReportStatus;

pub use gate::{Allowance, AllowedState, GateMode, GateSpec, RerunSpec, RerunWhen, Waiver};
pub use suites::{CheckSpec, Expect, JobMatch, SuitePolicy, SuiteSpec};

/// What to report on, what has to succeed, and what else to do with the result.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "testrun.dev",
    version = "v1alpha1",
    kind = "TestRunReport",
    namespaced,
    status = "TestRunReportStatus",
    derive = "PartialEq",
    shortname = "trr",
    category = "testrun",
    doc = "TestRunReport collects the CI results of one commit, decides whether they pass, and says why. Merge tooling reads its conditions.",
    selectable = ".spec.source.github.repository",
    selectable = ".status.source.sha",
    selectable = ".status.source.pullRequest",
    selectable = ".status.phase",
    printcolumn(name = "Commit", type_ = "string", json_path = ".status.source.shortSha"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Passed",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Passed")].status"#
    ),
    printcolumn(name = "Jobs", type_ = "string", json_path = ".status.summary.jobs.display"),
    printcolumn(name = "Tests", type_ = "string", json_path = ".status.summary.tests.display"),
    printcolumn(name = "Failing", type_ = "integer", json_path = ".status.summary.failing"),
    printcolumn(name = "Completed", type_ = "date", json_path = ".status.completedAt"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Passed")].reason"#,
        priority = 1
    ),
    printcolumn(
        name = "Confidence",
        type_ = "integer",
        json_path = ".status.assessment.confidence",
        priority = 1
    ),
    printcolumn(name = "Risk", type_ = "string", json_path = ".status.assessment.risk", priority = 1),
    printcolumn(
        name = "Recommendation",
        type_ = "string",
        json_path = ".status.recommendation.action",
        priority = 1
    ),
    printcolumn(
        name = "Artifacts",
        type_ = "integer",
        json_path = ".status.summary.artifacts",
        priority = 1
    ),
    printcolumn(name = "Run", type_ = "string", json_path = ".status.source.runsDisplay", priority = 1)
)]
#[serde(rename_all = "camelCase")]
pub struct TestRunReportSpec {
    /// The commit that this report is about, named directly or through a pull request, run or branch.
    pub source: Source,

    /// A Secret in the report's own namespace with a token. It is used only against hosts that the
    /// administrator allows for such Secrets. Without it the connection's own credential is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_ref: Option<CredentialsRef>,

    /// Workflow names or file paths to look at. Default: every workflow that ran on the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub workflows: Vec<String>,

    /// Groups of jobs, in order: the first suite that matches a job has it. A job that no suite
    /// matches is required, in a suite called `Unmatched`. Default: derived from workflow and job
    /// names, everything required.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(s, self.exists_one(t, t.name == s.name))").message("two suites have the same name; give each suite its own")
    )]
    pub suites: Vec<SuiteSpec>,

    /// Aggregate jobs that only repeat the result of others. They do not count in any rate; one
    /// that is red while nothing else is still fails the verdict, because then it says more than
    /// the others do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub ignore: Vec<JobMatch>,

    /// Display names for matrix ids: `datastorage: DS`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "aliases_schema")]
    pub aliases: BTreeMap<String, String>,

    /// Check runs and commit statuses of other apps that must succeed too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(c, self.exists_one(d, d.name == c.name))").message("two checks have the same name; write one entry, without app where several apps report under that name")
    )]
    pub checks: Vec<CheckSpec>,

    /// Which artifacts are must-gather bundles and test reports, and how much of them may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<ArtifactsSpec>,

    /// What the same suites did on a developer's machine, to compare with. It never changes the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["suite".into()]),
        validation = Rule::new("self.all(r, self.exists_one(o, o.suite == r.suite))").message("two local results name the same suite; keep the newer one")
    )]
    pub local_results: Vec<LocalResult>,

    /// How the verdict is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateSpec>,

    /// Failures that are excused, each by name, with a reason and an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub waivers: Vec<Waiver>,

    /// Re-running of failed jobs by the operator. Off by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunSpec>,

    /// What the operator writes outside this object. Off by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<PublishSpec>,

    /// Stops all work on this report. Its verdict becomes Unknown until it is resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,

    /// Seconds after completion when the report is deleted. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub ttl_after_completion: Option<i64>,
}

/// Where the commit's CI ran.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// A commit on GitHub.
    pub github: GitHubSource,
}

/// A commit on GitHub: the repository and exactly one way to name the commit.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.pullRequest), has(self.sha), has(self.runId), has(self.branch)].filter(x, x).size() == 1")
        .message("set exactly one of pullRequest, sha, runId and branch")
)]
pub struct GitHubSource {
    /// `owner/name` of the repository; never a URL.
    #[schemars(length(min = 3, max = 140))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$') && !self.endsWith('/.') && !self.endsWith('/..')")
            .message("repository must be owner/name, for example octo-org/hello-world, without a host or a URL")
    )]
    pub repository: String,

    /// Number of a pull request: its head commit is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub pull_request: Option<i64>,

    /// Full commit id: 40 or 64 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9a-f]{40}|[0-9a-f]{64})$')")
            .message("sha must be the full commit id, 40 or 64 lower-case hexadecimal digits; git rev-parse HEAD prints it")
    )]
    pub sha: Option<String>,

    /// Id of a workflow run: all runs of its commit are reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub run_id: Option<i64>,

    /// Name of a branch: its newest commit is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(
        validation = Rule::new("!self.startsWith('refs/') && !self.matches('[\\\\x00-\\\\x20~^:?*\\\\[\\\\\\\\]') && !self.contains('..') && !self.contains('//') && !self.contains('@{') && !self.startsWith('/') && !self.startsWith('-') && !self.endsWith('/') && !self.endsWith('.') && !self.endsWith('.lock')")
            .message("branch must be a plain branch name such as main or release/1.2, without refs/heads/")
    )]
    pub branch: Option<String>,

    /// Name of an operator-wide connection that holds the host and its credential.
    #[serde(default = "default_connection")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')")
            .message("connection is the name of a connection in the operator's configuration, such as github.com: lower-case letters, digits, - and .; never a URL")
    )]
    pub connection: String,
}

/// The connection used where a report names none.
pub fn default_connection() -> String {
    super::DEFAULT_CONNECTION.to_owned()
}

/// A key of a Secret in the report's own namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')")
            .message("name must be the name of a Secret in this namespace: lower-case letters, digits, - and ., without a namespace")
    )]
    pub name: String,
    /// Key of the Secret that holds the token.
    #[serde(default = "default_key")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[-._a-zA-Z0-9]+$')")
            .message("key must be a key of the Secret's data, such as token: letters, digits, -, _ and .")
    )]
    pub key: String,
}

fn default_key() -> String {
    "token".to_owned()
}

/// Which artifacts matter, and how much of them may be read.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactsSpec {
    /// Name globs (`*` and `?`) of must-gather bundles. Default: `*must-gather*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub must_gather: Vec<String>,
    /// Name globs of test reports. Default: `*test-results*`, `*test-report*`, `*junit*`, `*ctrf*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub test_reports: Vec<String>,
    /// Largest artifact that is read, in bytes. Larger ones are referenced only.
    #[serde(default = "default_max_artifact_bytes")]
    #[schemars(range(min = 0, max = 1_073_741_824))]
    pub max_artifact_bytes: i64,
    /// Largest job log that is read, in bytes; of a larger one the end is missing and said to be.
    #[serde(default = "default_max_log_bytes")]
    #[schemars(range(min = 0, max = 1_073_741_824))]
    pub max_log_bytes: i64,
    /// Of which jobs that succeeded the log and the test reports are read too. Suspicious: those with a failed step or an
    /// error annotation. All: every one, at the price of a request for each, so that tests which fail inside a green job
    /// are seen, and all tests are counted. Default: Suspicious.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_jobs: Option<PassedJobs>,
}

/// Jobs that succeeded and are read nevertheless.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassedJobs {
    #[default]
    Suspicious,
    All,
}

/// 64 MiB: above this a bundle is for a person's download, not for a controller.
pub const fn default_max_artifact_bytes() -> i64 {
    64 << 20
}

/// 64 MiB: ten times the size of a chatty integration log.
pub const fn default_max_log_bytes() -> i64 {
    64 << 20
}

/// Failing tests of a local result.
pub const MAX_LOCAL_TESTS: usize = 50;

/// Results of a suite on a developer's machine.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.total) || !has(self.passed) || self.passed <= self.total")
        .message("passed cannot be larger than total: total counts all tests"),
    validation = Rule::new("!has(self.total) || !has(self.failed) || self.failed <= self.total")
        .message("failed cannot be larger than total: total counts all tests")
)]
pub struct LocalResult {
    /// Suite or job that was run: a suite's name, a job's name, or an alias.
    #[schemars(length(min = 1, max = 255))]
    pub suite: String,
    /// All tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub total: Option<i64>,
    /// Tests that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub passed: Option<i64>,
    /// Tests that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub failed: Option<i64>,
    /// Tests that were skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub skipped: Option<i64>,
    /// Tests that passed only after a retry; part of `passed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000_000))]
    pub flaked: Option<i64>,
    /// Names of all tests that failed; empty where none did, or where they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 512)))]
    pub failing_tests: Vec<String>,
    /// Commit that was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^[0-9a-f]{7,64}$')")
            .message("commit must be a commit id of 7 to 64 lower-case hexadecimal digits; git rev-parse HEAD prints it")
    )]
    pub commit: Option<String>,
    /// Who ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub reporter: Option<String>,
    /// When it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}
