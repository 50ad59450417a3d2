//! What the operator writes outside of a report, where the report asks for it.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator writes outside this object. A name that it writes under must be one that the
/// administrator allows for the connection, by default `testrun`, `testrun/...` and `testrun-...`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.status) || !has(self.commitStatus) || self.status.context != self.commitStatus.key")
        .message("GitOps Promoter puts a check run of the name commitStatus.key on the commit; give status.context another name, or leave status out"),
    validation = Rule::new("!has(self.checkRun) || ((!has(self.status) || self.status.context != self.checkRun.name) && (!has(self.commitStatus) || self.commitStatus.key != self.checkRun.name))")
        .message("a check run and a commit status of one name are both required where the name is; give checkRun.name another one")
)]
pub struct PublishSpec {
    /// Write the verdict as a commit status on GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PublishStatus>,

    /// Show the verdict as a check run on GitHub, with the report as its text and the failing tests at
    /// their lines. GitHub lets only an App make one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_run: Option<PublishCheckRun>,

    /// Keep one comment with the report on the pull request. It is edited, never repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<PublishComment>,

    /// Write the verdict as a `CommitStatus` of GitOps Promoter in this namespace. The administrator
    /// must allow its key for the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_status: Option<PublishCommitStatus>,

    /// Answer the custom deployment protection rules of environments with the verdict: approve what waits
    /// on a final pass of exactly this commit, reject it on a final failure. GitHub asks Apps only, and the
    /// administrator must allow the environments for the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_protection: Option<PublishDeploymentProtection>,

    /// Keep the final verdict as a signed statement in the ConfigMap `testrun-attestation-NAME`, for
    /// `kubectl testrun verify` and whatever reads in-toto statements. There is none while there is no
    /// verdict. The administrator must have given the operator a key, for this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<PublishAttestation>,
}

/// A commit status on GitHub that carries the verdict.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PublishStatus {
    /// Context of the status, which a branch rule can require.
    #[serde(default = "default_context")]
    #[schemars(length(min = 1, max = 100))]
    pub context: String,
}

/// Context of the published commit status where the spec names none.
pub fn default_context() -> String {
    "testrun/verdict".to_owned()
}

/// A check run on GitHub that carries the verdict.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PublishCheckRun {
    /// Name of the check run, which a branch rule can require.
    #[serde(default = "default_check_run")]
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
}

/// Name of the check run where the spec names none.
pub fn default_check_run() -> String {
    "testrun-report".to_owned()
}

/// A comment on the pull request.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PublishComment {
    /// `Final`: there is one as soon as the verdict is final. `Failed`: as soon as it is final and red;
    /// from then on it says what became of that.
    #[serde(default)]
    pub when: CommentWhen,
}

/// When a comment is made.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommentWhen {
    /// When the verdict is final.
    #[default]
    Final,
    /// When the verdict is final and red.
    Failed,
}

/// A `CommitStatus` of GitOps Promoter that carries the verdict.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PublishCommitStatus {
    /// Key by which a PromotionStrategy asks for the status; also its name on GitHub.
    #[serde(default = "default_key")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
            .message("key must be lower-case letters, digits and -, as in the PromotionStrategy that asks for it")
    )]
    pub key: String,
    /// Name of promoter's GitRepository in this namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')")
            .message("gitRepository must be the name of a GitRepository in this namespace")
    )]
    pub git_repository: String,
}

fn default_key() -> String {
    "testrun".to_owned()
}

/// A signed statement of the verdict in a ConfigMap, in the key `attestation.dsse.json`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("maxProperties" = 16))]
pub struct PublishAttestation {}

/// Environments of the repository whose deployments wait for the verdict.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PublishDeploymentProtection {
    /// Names of the environments. Jobs that deploy to them belong into an Informational suite, or into a
    /// workflow that the report does not look at: one that counts would wait for itself.
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 255)))]
    pub environments: Vec<String>,
}
