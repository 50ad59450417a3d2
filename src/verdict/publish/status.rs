//! The verdict as a commit status on GitHub: what should be there, and whether it is.

use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::api::{TestRunReportSpec, TestRunReportStatus};
use crate::verdict::facts::{Check, CheckKind, Facts, Observations};
use crate::verdict::text::clean;

/// Characters of a description that GitHub takes.
const DESCRIPTION: usize = 140;

/// A commit status to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// `owner/name`.
    pub repository: String,
    pub sha: String,
    pub context: String,
    /// `success`, `failure` or `pending`.
    pub state: &'static str,
    pub description: String,
}

/// What `spec.publish.status` asks for and GitHub does not show yet.
///
/// `state` is the verdict of all reports that publish under the name; it is never better than the own one.
/// Computed from what was read, so that a lost or forged status is set right by the next look.
pub fn due(
    spec: &TestRunReportSpec,
    observations: &Observations,
    status: &TestRunReportStatus,
    state: ConditionStatus,
) -> Option<CommitStatus> {
    let Observations::Facts(facts) = observations else { return None };
    // What GitHub shows is not known from a partial look.
    if facts.partial {
        return None;
    }
    let context = &spec.publish.as_ref()?.status.as_ref()?.context;
    let source = status.source.as_ref().filter(|s| s.sha == facts.source.sha && !s.sha.is_empty())?;
    let passed = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str())?;
    let description = match passed.status == state.as_str() {
        true => clean(&passed.message, DESCRIPTION),
        false => "another report under this name has not passed".to_owned(),
    };
    let (state, description) = match state {
        ConditionStatus::True => ("success", description),
        ConditionStatus::False => ("failure", description),
        ConditionStatus::Unknown => ("pending", "the verdict is not decided".to_owned()),
    };
    (shown(facts, context) != Some(state)).then(|| CommitStatus {
        repository: source.repository.clone(),
        sha: source.sha.clone(),
        context: context.clone(),
        state,
        description,
    })
}

/// The state that GitHub shows for a context.
fn shown<'f>(facts: &'f Facts, context: &str) -> Option<&'f str> {
    Some(newest(facts, context)?.conclusion.as_deref().unwrap_or("pending"))
}

/// The entry of a context that GitHub shows: the newest counts, as GitHub compares names.
pub fn newest<'f>(facts: &'f Facts, context: &str) -> Option<&'f Check> {
    let of_context = |c: &&Check| c.kind == CheckKind::Status && c.name.eq_ignore_ascii_case(context);
    facts.checks.iter().filter(of_context).max_by_key(|c| (c.at, c.id))
}
