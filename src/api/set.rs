//! Reports that make themselves: a set makes one from a template for each pull request that it selects.

// Each printer column has a type of its own; the lint takes them for one attribute written twice.
#![allow(clippy::duplicated_attributes)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema::{
    annotations_schema, branch_schema, conditions_schema, connection_schema, labels_schema,
    repository_schema, template_spec_schema,
};
use super::spec::default_connection;

/// Label of a report that a set made: the name of the set.
pub const SET_LABEL: &str = "testrun.dev/set";
/// Label of a report that a set made for a pull request: its number.
pub const PULL_LABEL: &str = "testrun.dev/pull-request";
/// Annotation of a report that outlives its set: the uid of the set, in place of an owner reference.
pub const SET_UID: &str = "testrun.dev/set-uid";
/// Annotation of a report that a set made: a hash of what it was made from.
pub const SET_HASH: &str = "testrun.dev/set-hash";
/// Longest name of a set: names of its reports begin with it.
pub const MAX_SET_NAME: usize = 50;

/// Which reports there should be.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "testrun.dev",
    version = "v1alpha1",
    kind = "TestRunReportSet",
    namespaced,
    status = "TestRunReportSetStatus",
    derive = "PartialEq",
    shortname = "trrs",
    category = "testrun",
    doc = "TestRunReportSet makes a TestRunReport from a template for each open pull request that it selects, keeps it as the template says, and removes it after the pull request was closed.",
    printcolumn(name = "Repository", type_ = "string", json_path = ".spec.source.repository"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Matching", type_ = "integer", json_path = ".status.matching"),
    printcolumn(name = "Reports", type_ = "integer", json_path = ".status.reports"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = 1
    ),
    printcolumn(name = "Follow", type_ = "string", json_path = ".spec.template.follow", priority = 1),
    printcolumn(name = "Max", type_ = "integer", json_path = ".spec.retention.maxReports", priority = 1),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", priority = 1)
)]
#[x_kube(
    validation = Rule::new("self.retention.perPullRequest == 1 || has(self.generators.mergeQueue) || has(self.generators.pullRequests) && self.template.follow == 'Commit'")
        .message("retention.perPullRequest keeps reports about commits of a pull request: it needs template.follow: Commit, or generators.mergeQueue")
)]
#[serde(rename_all = "camelCase")]
pub struct TestRunReportSetSpec {
    /// The repository.
    pub source: SetSource,

    /// What there is a report for.
    pub generators: Generators,

    /// What its reports are made from.
    #[serde(default)]
    pub template: ReportTemplate,

    /// Which reports are kept.
    #[serde(default)]
    pub retention: Retention,

    /// Stops all work on this set; its reports stay as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

/// A repository on GitHub.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SetSource {
    /// `owner/name` of the repository; never a URL.
    #[schemars(schema_with = "repository_schema")]
    pub repository: String,
    /// Name of an operator-wide connection that holds the host and its credential; its reports use it too.
    #[serde(default = "default_connection")]
    #[schemars(schema_with = "connection_schema")]
    pub connection: String,
}

/// Where the reports of a set come from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.pullRequests), has(self.commits), has(self.mergeQueue)].filter(x, x).size() == 1")
        .message("set exactly one of pullRequests ({} selects all that are open), commits and mergeQueue")
)]
pub struct Generators {
    /// A report for each open pull request that all of these select; `{}` selects every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<PullRequestGenerator>,
    /// A report for each of the newest commits of a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<CommitGenerator>,
    /// A report for each commit that the merge queue of a branch has tested, as long as it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_queue: Option<MergeQueueGenerator>,
}

impl Generators {
    /// Whether each report is for a pull request: itself, or as the merge queue tests it.
    pub fn has_numbers(&self) -> bool {
        self.pull_requests.is_some() || self.merge_queue.is_some()
    }
}

/// Selects the commits of a merge queue.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MergeQueueGenerator {
    /// Name of the branch that the queue merges into.
    #[schemars(schema_with = "branch_schema")]
    pub branch: String,
}

/// Selects the newest commits of a branch.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CommitGenerator {
    /// Name of the branch.
    #[schemars(schema_with = "branch_schema")]
    pub branch: String,
    /// How many of its newest commits.
    #[serde(default = "default_last")]
    #[schemars(range(min = 1, max = 100))]
    pub last: i32,
    /// Of these only those that were committed at most so many seconds ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 31_536_000))]
    pub max_age_seconds: Option<i64>,
}

const fn default_last() -> i32 {
    10
}

/// Selects open pull requests. What is left out selects all.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestGenerator {
    /// Globs (`*` and `?`) of branches that they would be merged into; any one suffices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub base_branches: Vec<String>,
    /// Labels on GitHub; they must have every one. Upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 100)))]
    pub labels: Vec<String>,
    /// Logins of their authors; any one suffices. Upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 100)))]
    pub authors: Vec<String>,
    /// Globs (`*` is any text, also with `/`) of the files that they change; any one suffices. Upper and lower case are the
    /// same. One whose files cannot be told, or are more than the 3,000 that GitHub lists, is selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub paths: Vec<String>,
    /// true: drafts only. false: no drafts. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
}

/// What a report of a pull request is about.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// The pull request: the report moves on with its head.
    #[default]
    PullRequest,
    /// The commit at its head: after a push another report takes its place.
    Commit,
}

/// A report before it has a pull request.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ReportTemplate {
    /// PullRequest: the report follows the pull request. Commit: it is about the commit at its head, and after a
    /// push another one takes its place. Reports for commits of a branch or a merge queue are about their commit.
    #[serde(default)]
    pub follow: Follow,
    /// Name, labels and annotations.
    #[serde(default)]
    pub metadata: TemplateMetadata,
    /// The spec of a TestRunReport without its `source`, which the set fills in. Texts may hold `{{set}}`,
    /// `{{number}}`, `{{head_sha}}` and `{{head_short_sha}}`.
    #[serde(default)]
    #[schemars(schema_with = "template_spec_schema")]
    pub spec: Map<String, Value>,
}

/// How a report is called and marked.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TemplateMetadata {
    /// Name of a report. Default: `{{set}}-pr-{{number}}`, with follow: Commit `{{set}}-pr-{{number}}-{{head_short_sha}}`,
    /// for commits of a branch `{{set}}-{{head_short_sha}}`, of a merge queue `{{set}}-queue-{{number}}-{{head_short_sha}}`.
    /// What is longer than 63 characters is cut, and ends with a hash of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 120))]
    #[x_kube(
        validation = Rule::new("self.matches('^([a-z0-9-]|[{]{2} *(set|number|head_sha|head_short_sha) *[}]{2})+$')")
            .message("name has lower-case letters, digits, - and the placeholders {{set}}, {{number}}, {{head_sha}} and {{head_short_sha}}"),
        validation = Rule::new("self.matches('[{]{2} *(number|head_sha|head_short_sha) *[}]{2}')")
            .message("name must hold {{number}}, {{head_sha}} or {{head_short_sha}}, so that each has a report of its own")
    )]
    pub name: Option<String>,
    /// Labels. Values may also hold `{{branch}}`, `{{base_branch}}` and `{{author}}`; what a label cannot hold
    /// becomes `-`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels_schema")]
    pub labels: BTreeMap<String, String>,
    /// Annotations. Values may also hold `{{branch}}`, `{{base_branch}}`, `{{author}}` and `{{title}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "annotations_schema")]
    pub annotations: BTreeMap<String, String>,
}

/// What becomes of the reports when their set is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They are deleted with it.
    #[default]
    Delete,
    /// They stay.
    Keep,
}

/// Which reports are kept.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.failedTtlAfterClosed) || self.failedTtlAfterClosed >= self.ttlAfterClosed")
        .message("failedTtlAfterClosed is how long a failed report stays, and not shorter than ttlAfterClosed"),
    validation = Rule::new("!has(self.maxAgeSeconds) || has(self.failedTtlAfterClosed) || self.ttlAfterClosed > 0 || self.perPullRequest > 1")
        .message("maxAgeSeconds ends what ttlAfterClosed, failedTtlAfterClosed and perPullRequest keep: set one of them")
)]
pub struct Retention {
    /// Most reports of this set. Where more are wanted the newest pull requests have one, and those of closed ones go
    /// first.
    #[serde(default = "default_max_reports")]
    #[schemars(range(min = 1, max = 3000))]
    pub max_reports: i32,
    /// Newest reports of a pull request that stay, where they are about commits (follow: Commit, or a merge queue).
    #[serde(default = "default_per_pull_request")]
    #[schemars(range(min = 1, max = 100))]
    pub per_pull_request: i32,
    /// Seconds for which a report stays after its pull request was closed or has left the merge queue, or after its commit
    /// is not among the newest of the branch any more.
    #[serde(default)]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub ttl_after_closed: i64,
    /// The same for a report whose verdict is that it failed; where reports are about commits of a pull request, also
    /// for how long it stays beside perPullRequest after a push. Default: ttlAfterClosed, and after a push not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub failed_ttl_after_closed: Option<i64>,
    /// Seconds after it was made at which a report goes that only these three fields keep, failed or not. One of an open
    /// pull request, at its head, or of a commit that is selected stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 31_536_000))]
    pub max_age_seconds: Option<i64>,
    /// Delete: the reports are deleted with the set. Keep: they stay.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_reports: default_max_reports(),
            per_pull_request: default_per_pull_request(),
            ttl_after_closed: 0,
            failed_ttl_after_closed: None,
            max_age_seconds: None,
            deletion_policy: DeletionPolicy::default(),
        }
    }
}

const fn default_max_reports() -> i32 {
    100
}

const fn default_per_pull_request() -> i32 {
    1
}

/// What the set has made, and what keeps it from more.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct TestRunReportSetStatus {
    /// Generation of the spec that this status was computed from; -1 before the first look.
    #[schemars(range(min = -1))]
    pub observed_generation: i64,
    /// `owner/name` as GitHub spells it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 140))]
    pub repository: Option<String>,
    /// Open pull requests or commits that are selected. Of more than maxReports only so many are counted as were listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<i64>,
    /// Reports of this set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<i64>,
    /// Conditions as docs/sets.md describes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// Types of the conditions of a set, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetCondition {
    /// Every pull request that is selected has its report, up to the bound.
    Ready,
    /// Work is in progress, GitHub being unreachable included.
    Reconciling,
    /// A person is needed.
    Stalled,
    /// GitHub could be read.
    SourceAvailable,
    /// No more pull requests are selected than there may be reports.
    WithinBound,
}

impl SetCondition {
    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::SourceAvailable => "SourceAvailable",
            Self::WithinBound => "WithinBound",
        }
    }
}

/// Reasons that only sets have; the others are those of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetReason {
    /// There is nothing to do.
    UpToDate,
    /// The same, in a repository that is read-only, so that there will be nothing to do.
    Archived,
    /// Reports are being made, changed or removed.
    Working,
    /// Another report has the name, and is left alone.
    NameTaken,
    /// The API server refuses a report as the template makes it; the message is its own.
    ReportRefused,
    /// More pull requests are selected than there may be reports; the newest have theirs.
    OverBound,
    /// No more are selected than there may be.
    WithinBound,
}

impl SetReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::UpToDate,
        Self::Archived,
        Self::Working,
        Self::NameTaken,
        Self::ReportRefused,
        Self::OverBound,
        Self::WithinBound,
    ];

    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::Archived => "Archived",
            Self::Working => "Working",
            Self::NameTaken => "NameTaken",
            Self::ReportRefused => "ReportRefused",
            Self::OverBound => "OverBound",
            Self::WithinBound => "WithinBound",
        }
    }
}
