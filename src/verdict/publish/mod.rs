//! What the spec wants to be shown outside of the report: what should be there, and what came of it.

pub mod check_run;
pub mod comment;
pub mod deployment;
pub mod promoter;
pub mod status;

use std::collections::BTreeMap;

use jiff::Unit;

use super::conditions::{self, Draft};
use super::facts::{ACTIONS_APP_ID, Check, CheckKind, RequiredCheck};
use super::{Context, text};
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::publish::PublishSpec;
use crate::api::{TestRunReportSpec, TestRunReportStatus};

/// End of every link that the operator gives to a check run: by it a report knows its own check
/// among those of other apps. Whoever makes a check chooses its link, so that it hides no other.
const MARK: &str = "#testrun";

/// A place where the verdict is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A commit status on GitHub.
    Status,
    /// A check run on GitHub.
    CheckRun,
    /// A comment on the pull request.
    Comment,
    /// A `CommitStatus` of GitOps Promoter.
    Promoter,
    /// Answers to deployment protection rules on GitHub.
    Deployments,
    /// A signed statement in a `ConfigMap`.
    Attestation,
}

impl Target {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "commit status on GitHub",
            Self::CheckRun => "check run on GitHub",
            Self::Comment => "comment on the pull request",
            Self::Promoter => "CommitStatus of GitOps Promoter",
            Self::Attestation => "attestation in a ConfigMap",
            Self::Deployments => "answer to deployment protection rules on GitHub",
        }
    }
}

/// Why something is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One of the reasons of `Published=False`.
    pub reason: Reason,
    /// What happened and what to do, for people.
    pub message: String,
    /// It may pass by itself, without that anybody does something.
    pub passes: bool,
}

/// What came of the last attempts, by place; a place that was not tried yet is absent.
pub type Outcomes = BTreeMap<Target, Result<(), Problem>>;

/// The places that a spec names.
pub fn asked(spec: &TestRunReportSpec) -> Vec<Target> {
    let Some(publish) = &spec.publish else { return Vec::new() };
    let PublishSpec { status, check_run, comment, commit_status, deployment_protection, attestation } =
        publish;
    [
        status.as_ref().map(|_| Target::Status),
        check_run.as_ref().map(|_| Target::CheckRun),
        comment.as_ref().map(|_| Target::Comment),
        commit_status.as_ref().map(|_| Target::Promoter),
        deployment_protection.as_ref().map(|_| Target::Deployments),
        attestation.as_ref().map(|_| Target::Attestation),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The names that a spec wants to publish under, each with the field that has it.
pub fn names(spec: &TestRunReportSpec) -> Vec<(&'static str, &str)> {
    let Some(PublishSpec { status, check_run, .. }) = &spec.publish else { return Vec::new() };
    let status = status.iter().map(|s| ("spec.publish.status.context", s.context.as_str()));
    status.chain(check_run.iter().map(|c| ("spec.publish.checkRun.name", c.name.as_str()))).collect()
}

/// Puts the condition `Published` into a status, or takes it out where the spec asks for nothing.
pub fn tell(
    spec: &TestRunReportSpec,
    outcomes: &Outcomes,
    context: &Context<'_>,
    status: &mut TestRunReportStatus,
) {
    status.conditions.retain(|c| c.type_ != ConditionType::Published.as_str());
    let asked = asked(spec);
    if asked.is_empty() {
        return;
    }
    let known = context
        .previous
        .and_then(|p| p.conditions.iter().find(|c| c.type_ == ConditionType::Published.as_str()))
        .filter(|c| c.observed_generation == Some(context.generation));
    let draft: Draft = if let Some(draft) = draft(&asked, outcomes) {
        draft
    } else if let Some(known) = known {
        // A new process has tried nothing yet, and what an older one wrote is as true as before.
        status.conditions.push(known.clone());
        return;
    } else {
        let message = "what spec.publish asks for was not written yet".to_owned();
        (ConditionType::Published, ConditionStatus::Unknown, Reason::Publishing, message)
    };
    // As the API server keeps it: what was written is compared with what is there.
    let now = context.now.round(Unit::Second).unwrap_or(context.now);
    status.conditions.extend(conditions::finish(vec![draft], context.generation, context.previous, now));
}

/// What the outcomes come to, if they are all known or one of them is bad.
fn draft(asked: &[Target], outcomes: &Outcomes) -> Option<Draft> {
    let problems: Vec<(Target, &Problem)> =
        asked.iter().filter_map(|target| Some((*target, outcomes.get(target)?.as_ref().err()?))).collect();
    if let Some((_, first)) = problems.first() {
        let parts = problems.iter().map(|(target, p)| format!("{}: {}", target.as_str(), p.message));
        let message = parts.collect::<Vec<_>>().join("; ");
        return Some((ConditionType::Published, ConditionStatus::False, first.reason, message));
    }
    if !asked.iter().all(|target| outcomes.contains_key(target)) {
        return None;
    }
    let places: Vec<&str> = asked.iter().map(|target| target.as_str()).collect();
    let message = format!("the verdict is shown as {}", places.join(", "));
    Some((ConditionType::Published, ConditionStatus::True, Reason::Published, message))
}

/// Whether a check is what the spec itself has put there.
pub(super) fn is_own(spec: &TestRunReportSpec, check: &Check) -> bool {
    let Some(PublishSpec { status, check_run, commit_status, .. }) = &spec.publish else { return false };
    match check.kind {
        CheckKind::Status => status.as_ref().is_some_and(|s| s.context.eq_ignore_ascii_case(&check.name)),
        // Our own, and promoter's, which it puts on GitHub under our key and with our link.
        CheckKind::CheckRun => {
            let marked = check.details_url.as_deref().is_some_and(|url| url.ends_with(MARK));
            marked
                && (check_run.as_ref().is_some_and(|c| c.name == check.name)
                    || commit_status.as_ref().is_some_and(|s| s.key == check.name))
        }
    }
}

/// Whether what the base branch requires is what the spec itself publishes. What GitHub Actions must say nobody else does.
pub(super) fn publishes(spec: &TestRunReportSpec, required: &RequiredCheck) -> bool {
    let name = &required.name;
    if required.app_id == Some(ACTIONS_APP_ID) {
        return false;
    }
    let Some(PublishSpec { status, check_run, commit_status, .. }) = &spec.publish else { return false };
    status.as_ref().is_some_and(|s| s.context == *name)
        || check_run.as_ref().is_some_and(|c| c.name == *name)
        || commit_status.as_ref().is_some_and(|s| s.key == *name)
}

/// Where people find more: the page of the pull request or commit, marked as ours.
fn link(source: &crate::api::status::SourceStatus) -> String {
    let page = source.url.as_deref().filter(|url| url.starts_with("https://") && !url.contains('#'));
    let made = || format!("https://github.com/{}/commit/{}", source.repository, source.sha);
    format!("{}{MARK}", page.map_or_else(made, |url| text::clean(url, 500)))
}
