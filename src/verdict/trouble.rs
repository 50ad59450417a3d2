//! The status when GitHub could not be read, or there is nothing to read.
//!
//! A final verdict survives GitHub being away, as long as nothing was heard of that its facts do not have;
//! everything else becomes Unknown, and nothing is ever upgraded.

use super::conditions::{self, Draft, status_of};
use super::facts::Trouble;
use super::text::clean;
use super::{Context, Evaluation, Next, transitions, waivers};
use crate::api::TestRunReportSpec;
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::spec::GitHubSource;
use crate::api::status::{ActionOption, Recommendation, SourceStatus, TestRunReportStatus};

/// The status for trouble.
pub(super) fn evaluate(spec: &TestRunReportSpec, trouble: &Trouble, context: &Context<'_>) -> Evaluation {
    if let Some(previous) = context.previous
        && survives(trouble.reason)
        && !context.moved
        && !waivers::ended(spec, context.waivers, previous, context.now)
        && previous.observed_generation == context.generation
        && is_final(previous, context.generation)
    {
        return kept(trouble, context, previous);
    }
    let seen = context.previous.and_then(|p| p.source.as_ref()).filter(|s| is_about(&spec.source.github, s));
    undecided(trouble, seen.cloned(), context)
}

/// Whether a spec may name the commit that was found for an earlier one. What was seen of its runs stays known, because
/// whoever may write to a repository may delete a run.
fn is_about(wanted: &GitHubSource, found: &SourceStatus) -> bool {
    !found.sha.is_empty()
        && wanted.repository.eq_ignore_ascii_case(&found.repository)
        && wanted.sha.as_ref().is_none_or(|sha| sha.eq_ignore_ascii_case(&found.sha))
        && wanted.pull_request.is_none_or(|number| found.pull_request == Some(number))
        && wanted.branch.as_ref().is_none_or(|branch| found.branch.as_ref() == Some(branch))
}

/// Trouble that says nothing about the commit.
const fn survives(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::GitHubUnavailable
            | Reason::RateLimited
            | Reason::InvalidAnswer
            | Reason::Unauthorized
            | Reason::Forbidden
            | Reason::SecretNotFound
    )
}

fn is_final(status: &TestRunReportStatus, generation: i64) -> bool {
    let decided = status.conditions.iter().any(|c| {
        c.type_ == ConditionType::Passed.as_str()
            && c.observed_generation == Some(generation)
            && matches!(c.status.as_str(), "True" | "False")
    });
    decided && status_of(status, ConditionType::Complete) == Some("True")
}

/// The old verdict with the news that GitHub is away.
fn kept(trouble: &Trouble, context: &Context<'_>, previous: &TestRunReportStatus) -> Evaluation {
    let mut status = previous.clone();
    let draft: Draft =
        (ConditionType::SourceAvailable, ConditionStatus::False, trouble.reason, message(trouble));
    let fresh = conditions::finish(vec![draft], context.generation, Some(previous), context.now);
    for condition in fresh {
        match status.conditions.iter_mut().find(|c| c.type_ == condition.type_) {
            Some(old) => *old = condition,
            None => status.conditions.push(condition),
        }
    }
    Evaluation { status, next: Next::Retry(trouble.retry_at) }
}

/// No verdict: everything is Unknown, with the reason. The source is that of the status before where none is given.
pub(super) fn undecided(
    trouble: &Trouble,
    source: Option<SourceStatus>,
    context: &Context<'_>,
) -> Evaluation {
    use ConditionStatus::{False, True, Unknown};
    use ConditionType as T;
    let reason = trouble.reason;
    let mut text = message(trouble);
    if context.moved {
        text.push_str("; GitHub has told of something since the last verdict");
    }
    let of = |kind, state| (kind, state, reason, text.clone());
    let mut drafts =
        vec![of(T::Passed, Unknown), of(T::Complete, Unknown), of(T::ArtifactsAvailable, Unknown)];
    let (phase, next) = match reason {
        Reason::InvalidSpec => {
            drafts.extend([of(T::Ready, False), of(T::Reconciling, False), of(T::Stalled, True)]);
            drafts.push(of(T::SourceAvailable, Unknown));
            ("Error", Next::Stalled)
        }
        Reason::Suspended => {
            drafts.extend([of(T::Ready, Unknown), of(T::Reconciling, False), of(T::Stalled, False)]);
            drafts.push(of(T::SourceAvailable, Unknown));
            ("Pending", Next::Stalled)
        }
        _ => {
            drafts.extend([of(T::Ready, Unknown), of(T::Reconciling, True), of(T::Stalled, False)]);
            drafts.push(of(T::SourceAvailable, False));
            ("Error", Next::Retry(trouble.retry_at))
        }
    };
    // What was known of this commit stays to be read by people, as long as it belongs to this spec.
    let mut status =
        context.previous.filter(|p| p.observed_generation == context.generation).cloned().unwrap_or_default();
    status.source = source.or(status.source);
    status.observed_generation = context.generation;
    status.phase = phase.to_owned();
    status.told = context.previous.and_then(|p| p.told.clone());
    status.reruns = super::rerun::kept(context);
    status.deployments = super::publish::deployment::kept(context);
    status.failure_history = super::patterns::kept(context);
    status.assessment = None;
    status.completed_at = None;
    status.transitions.clear();
    status.recommendation = Some(recommend(trouble));
    status.conditions = conditions::finish(drafts, context.generation, context.previous, context.now);
    let sha = status.source.as_ref().map(|s| s.sha.clone()).unwrap_or_default();
    status.transitions = transitions(context, &status, &sha);
    Evaluation { status, next }
}

fn recommend(trouble: &Trouble) -> Recommendation {
    let action = match trouble.reason {
        Reason::GitHubUnavailable | Reason::RateLimited | Reason::InvalidAnswer | Reason::Suspended => "Wait",
        _ => "FixSetup",
    };
    let text = message(trouble);
    Recommendation {
        action: action.to_owned(),
        summary: clean(&text, 512),
        options: vec![ActionOption {
            action: action.to_owned(),
            description: clean(&text, 512),
            commands: Vec::new(),
            recommended: true,
        }],
    }
}

fn message(trouble: &Trouble) -> String {
    let mut text = clean(&trouble.message, 1500);
    if let Some(at) = trouble.retry_at {
        text.push_str(&format!("; tried again from {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
    }
    text
}
