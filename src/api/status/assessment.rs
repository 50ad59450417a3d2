//! What people make of it: confidence, risk, and what to do next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
