//! Artifacts of failed jobs, and what was found in them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;

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
    /// The copy in the administrator's store, or why there is none; absent where none is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<ArtifactCopy>,
}

/// A copy of an artifact in a store that the administrator names.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactCopy {
    /// Copied, Failed (tried again), TooLarge (larger than is copied), or Expired, Deleted or Corrupt as GitHub had it.
    #[schemars(length(max = 16))]
    pub state: String,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub message: Option<String>,
    /// Where it is: `s3://BUCKET/KEY`, or `file:///PATH` on the operator's volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub url: Option<String>,
    /// Digest of the copy, such as `sha256:...`: that of the zip as GitHub had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub digest: Option<String>,
    /// When it was made, or found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_at: Option<Time>,
}

impl ArtifactCopy {
    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.state == "Copied"
    }
}

impl Artifact {
    /// The copy, if there is one.
    pub fn copied(&self) -> Option<&ArtifactCopy> {
        self.copy.as_ref().filter(|copy| copy.is_there())
    }

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
