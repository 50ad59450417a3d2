//! Answers to deployment protection rules, as a status records them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to the deployment protection rule of one environment in one attempt of a run. It is recorded
/// before GitHub is told, so that nothing is answered twice. With neither `acceptedAt` nor `refused` nobody
/// knows what came of it yet.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAnswer {
    /// Id of the workflow run.
    pub run_id: i64,
    /// The attempt that waited.
    pub attempt: i64,
    /// Name of the environment, as GitHub spells it.
    #[schemars(length(max = 255))]
    pub environment: String,
    /// Ids of jobs that waited then, the lowest first. When none of them waits any more and the environment
    /// waits again, that is another question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub jobs: Vec<i64>,
    /// `approved` or `rejected`.
    #[schemars(length(max = 16))]
    pub state: String,
    /// When it was decided, or taken up again.
    pub requested_at: Time,
    /// How often it was decided: more than once after a crash, or when GitHub did not take it.
    #[serde(default = "super::status::one", skip_serializing_if = "super::status::is_one")]
    pub tries: i32,
    /// When GitHub had taken the answer, or no longer waited for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Time>,
    /// Why GitHub did not take the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub refused: Option<String>,
}
