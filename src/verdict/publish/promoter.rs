//! The verdict as a `CommitStatus` of GitOps Promoter.

use super::link;
use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::api::{TestRunReportSpec, TestRunReportStatus};
use crate::verdict::text::clean;

/// Characters of a description that all hosts take.
const DESCRIPTION: usize = 140;
/// Longest value of a label.
const LABEL: usize = 63;

/// What promoter makes of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Pending,
    Success,
    Failure,
}

impl Phase {
    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A `CommitStatus` as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub key: String,
    pub git_repository: String,
    /// Branch as a label, where the report follows one.
    pub environment: Option<String>,
    pub sha: String,
    pub phase: Phase,
    pub description: String,
    pub url: String,
}

/// What `spec.publish.commitStatus` asks for. None where it is not asked for, or no commit is known yet.
///
/// `generation` is that of the spec: a status of another one never reads as decided.
pub fn wish(spec: &TestRunReportSpec, generation: i64, status: &TestRunReportStatus) -> Option<Wish> {
    let asked = spec.publish.as_ref()?.commit_status.as_ref()?;
    let source = status.source.as_ref().filter(|s| matches!(s.sha.len(), 40 | 64))?;
    let (phase, description) = phase(generation, status);
    Some(Wish {
        key: asked.key.clone(),
        git_repository: asked.git_repository.clone(),
        environment: spec.source.github.branch.as_deref().map(label).filter(|l| !l.is_empty()),
        sha: source.sha.clone(),
        phase,
        description,
        url: link(source),
    })
}

/// Success and failure only of a verdict that is final at this generation; promoter knows no "failed so far".
fn phase(generation: i64, status: &TestRunReportStatus) -> (Phase, String) {
    let of = |kind: ConditionType| {
        let found = status.conditions.iter().find(|c| c.type_ == kind.as_str())?;
        (found.observed_generation == Some(generation)).then_some(found)
    };
    let is = |kind, want: ConditionStatus| of(kind).is_some_and(|c| c.status == want.as_str());
    let pending = |why: &str| (Phase::Pending, why.to_owned());
    let (Some(passed), true) = (of(ConditionType::Passed), status.observed_generation == generation) else {
        return pending("waiting for the operator to look at the changed report");
    };
    let at_rest = is(ConditionType::Reconciling, ConditionStatus::False);
    let message = clean(&passed.message, DESCRIPTION);
    match passed.status.as_str() {
        "True" if at_rest => (Phase::Success, message),
        "False" if at_rest => (Phase::Failure, message),
        _ => (Phase::Pending, clean(&format!("waiting: {}", passed.message), DESCRIPTION)),
    }
}

/// A branch as the value of a label, in the way of promoter: what does not fit becomes one `-`, and
/// of what is too long the end stays.
fn label(branch: &str) -> String {
    let mut safe = String::with_capacity(branch.len());
    for c in branch.chars() {
        if c.is_ascii_alphanumeric() {
            safe.push(c);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    let start = safe.len().saturating_sub(LABEL);
    safe.get(start..).unwrap_or_default().trim_matches('-').to_owned()
}
