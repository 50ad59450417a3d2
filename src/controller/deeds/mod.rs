//! What the operator does outside of a report after its status is written: re-runs, and what the spec
//! wants to be published.
//!
//! All of it is off unless the spec asks. A re-run is asked for by whoever wrote its record, once. What is
//! published is written when what was read differs from what should be there.

mod attestation;
pub(super) mod deployment;
mod github;
mod outcome;
mod owned;
mod promoter;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

pub use attestation::Attestor;
pub use deployment::Answer;
use outcome::{came_to, late, passes, reflected, warn};
use owned::Reflected;

use super::Access;
use super::copies::Tried;
use super::reconcile::Shared;
use crate::api::status::Rerun;
use crate::api::{ConditionType, Reason, TestRunReport, TestRunReportStatus};
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority, wire};
use crate::leader::Work;
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::publish::check_run::CheckRun;
use crate::verdict::publish::comment::Comment;
use crate::verdict::publish::status::CommitStatus;
use crate::verdict::publish::{self, Outcomes, Problem, Target};
use crate::verdict::{Context, text};

/// Something that is changed on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Run the failed jobs of a run again, if it still is at this attempt, and not after this time: then
    /// somebody else may be about to.
    Rerun { repository: String, run: i64, attempt: i64, until: Timestamp },
    /// Set a commit status.
    Status(CommitStatus),
    /// Show a check run. An App knows its own by its id.
    CheckRun { run: Box<CheckRun>, app: Option<u64> },
    /// Answer a deployment protection rule.
    Answer(Box<Answer>),
    /// Keep a comment. An App knows its own by its id, a user by theirs.
    Comment { comment: Box<Comment>, app: Option<u64> },
}

/// Does it on GitHub.
pub(super) async fn carry_out(github: &GitHub, deed: &Deed) -> Result<(), Trouble> {
    match deed {
        Deed::Rerun { repository, run, attempt, until } => {
            let repo = || Repo::new(github, repository, Ask::now(Priority::Gating));
            // Somebody else was faster, or an earlier request got through.
            let moved = |now: &wire::Run| now.run_attempt != *attempt || now.status != "completed";
            if moved(&repo().run(*run).await?) {
                return Ok(());
            }
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            let late = || Trouble {
                reason: Reason::GitHubUnavailable,
                message: format!("asking for a re-run of run {run} took too long"),
                retry_at: None,
            };
            if left.is_zero() {
                return Err(late());
            }
            let repository = repo();
            let asked = tokio::time::timeout(left, repository.rerun(*run, true)).await;
            let refused = match asked.unwrap_or_else(|_| Err(late())) {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            // Two who ask at once are both served by one attempt, and an answer may be lost.
            match repo().run(*run).await {
                Ok(now) if moved(&now) => Ok(()),
                _ => Err(refused),
            }
        }
        Deed::Answer(answer) => deployment::give(github, answer).await,
        Deed::Status(s) => {
            let repo = Repo::new(github, &s.repository, Ask::now(Priority::Gating));
            repo.set_status(&s.sha, &s.context, s.state, &s.description).await
        }
        Deed::CheckRun { run, app } => {
            let repo = Repo::new(github, &run.repository, Ask::now(Priority::Gating));
            self::github::show(&repo, run, *app).await
        }
        Deed::Comment { comment, app } => {
            let repo = Repo::new(github, &comment.repository, Ask::now(Priority::Gating));
            self::github::comment(&repo, comment, *app).await
        }
    }
}

/// What the controller remembers of its deeds for one report.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// By run and attempt: when GitHub took the request, or why it did not.
    reruns: BTreeMap<(i64, i64), Result<Time, String>>,
    /// When GitHub took an answer, or why it did not.
    answers: BTreeMap<deployment::Key, Result<Time, String>>,
    /// Since when an answer is left to another report, by run, attempt and environment.
    left: BTreeMap<(i64, i64, String), Timestamp>,
    /// The commit status that was set last, and the entry that GitHub showed before it.
    published: Option<(CommitStatus, Option<i64>, Instant)>,
    /// External id of the check run that was shown last.
    shown: Option<(String, Instant)>,
    /// The comment as it was written last.
    commented: Option<Comment>,
    /// One that GitHub did not take, and when.
    denied: Option<(Comment, Instant)>,
    /// By artifact: its copy, or why there is none.
    pub copies: BTreeMap<i64, Tried>,
    outcomes: Outcomes,
    /// Something that passes by itself kept from the last attempt to publish: not before this time.
    kept: Option<Option<Timestamp>>,
    /// How often in a row.
    late: u32,
    warned: BTreeMap<Option<Target>, String>,
}

impl Done {
    /// Puts what came of re-runs and answers into the records of a status that does not tell it yet.
    pub fn tell(&self, status: &mut TestRunReportStatus) {
        for record in &mut status.deployments {
            match self.answers.get(&deployment::key(record)) {
                Some(Ok(at)) if record.accepted_at.is_none() => record.accepted_at = Some(at.clone()),
                Some(Err(why)) if record.refused.is_none() => record.refused = Some(why.clone()),
                _ => {}
            }
        }
        for artifact in &mut status.artifacts {
            if let Some(tried) = self.copies.get(&artifact.id)
                && artifact.copied().is_none()
            {
                artifact.copy = Some(tried.copy.clone());
            }
        }
        for record in &mut status.reruns {
            match self.reruns.get(&(record.run_id, record.attempt)) {
                Some(Ok(at)) if record.accepted_at.is_none() => record.accepted_at = Some(at.clone()),
                Some(Err(why)) if record.refused.is_none() => record.refused = Some(why.clone()),
                _ => {}
            }
        }
    }

    /// Whether nothing was ever done.
    pub fn is_empty(&self) -> bool {
        let Self {
            reruns,
            answers,
            left,
            published,
            shown,
            commented,
            denied,
            copies,
            outcomes,
            kept,
            late,
            warned,
        } = self;
        let nothing = published.is_none()
            && kept.is_none()
            && *late == 0
            && shown.is_none()
            && commented.is_none()
            && denied.is_none()
            && answers.is_empty();
        nothing
            && copies.is_empty()
            && left.is_empty()
            && reruns.is_empty()
            && outcomes.is_empty()
            && warned.is_empty()
    }

    /// Whether the last attempt to publish there failed.
    pub fn is_bad(&self, target: Target) -> bool {
        self.outcomes.get(&target).is_some_and(Result::is_err)
    }
}

/// Puts what is known of the published verdict into a status.
pub(super) fn tell(
    report: &TestRunReport,
    context: &Context<'_>,
    shared: &Shared,
    status: &mut TestRunReportStatus,
) {
    let outcomes = shared.memory.deeds(report, |done| {
        done.tell(status);
        done.outcomes.clone()
    });
    publish::tell(&report.spec, &outcomes, context, status);
}

/// What follows from a status that was just written.
pub(super) async fn reruns(
    report: &TestRunReport,
    before: Option<&TestRunReportStatus>,
    after: &TestRunReportStatus,
    access: Option<&Access>,
    shared: &Shared,
) -> bool {
    let Some(access) = access else { return false };
    let mut refused = false;
    for (record, deed) in new_reruns(before, after) {
        let tries = record.tries;
        tracing::info!(
            run = record.run_id,
            attempt = record.attempt,
            tries,
            "asks for a re-run of the failed jobs"
        );
        let outcome = match shared.observer.act(report, access.clone(), &deed).await {
            Ok(()) => Ok(Time(Timestamp::now().round(Unit::Second).unwrap_or_default())),
            // Whether it was done is not known; the record stays open, and is taken up again.
            Err(trouble) if passes(trouble.reason) => {
                tracing::warn!("run {} may not be re-run yet: {}", record.run_id, trouble.message);
                continue;
            }
            Err(trouble) => {
                let why = format!("run {} was not re-run: {}", record.run_id, trouble.message);
                warn(report, None, "RerunRefused", &why, shared).await;
                refused = true;
                Err(text::clean(&why, 512))
            }
        };
        shared.memory.deeds(report, |d| d.reruns.insert((record.run_id, record.attempt), outcome));
    }
    refused
}

/// A report whose spec changed since its last verdict: what was published about it is taken back before
/// anything else, because nobody who reads it elsewhere sees that it is old.
pub(super) async fn withdraw(report: &TestRunReport, status: Option<&TestRunReportStatus>, shared: &Shared) {
    let observed = status.map(|s| s.observed_generation).filter(|g| *g >= 0);
    let changed = observed.is_some() && observed != report.metadata.generation;
    let asked = publish::asked(&report.spec);
    let is_due = |target| asked.contains(&target) || status.is_some_and(|s| may_show(s, target));
    if !changed {
        return;
    }
    if is_due(Target::Promoter)
        && let Err(problem) = promoter::withdraw(report, shared).await
    {
        tracing::warn!("a CommitStatus could not be taken back: {}", problem.message);
    }
    if shared.config.attestor.is_some()
        && is_due(Target::Attestation)
        && let Err(problem) = attestation::withdraw(report, shared).await
    {
        tracing::warn!("an attestation could not be taken back: {}", problem.message);
    }
}

/// Makes what is published the verdict of a status. True when another look is due at once, or when it is tried again
/// what could not be done.
pub(super) async fn publish(
    report: &TestRunReport,
    observations: &Observations,
    before: Option<&TestRunReportStatus>,
    status: &TestRunReportStatus,
    access: Option<&Access>,
    shared: &Shared,
    work: &Work,
) -> (bool, Option<Duration>) {
    let asked = publish::asked(&report.spec);
    shared.memory.deeds(report, |done| {
        done.outcomes.retain(|target, _| asked.contains(target));
        done.kept = None;
    });
    if let Some(access) = access {
        github::publish(report, observations, status, access, shared, work).await;
    }
    if asked.contains(&Target::Deployments) {
        deployment::told(report, observations, status, shared).await;
    }
    let mut again = false;
    let shown = |target| before.is_some_and(|b| may_show(b, target));
    if asked.contains(&Target::Attestation) {
        let outcome = attestation::reflect(report, status, shared).await;
        again |= reflected(report, Target::Attestation, outcome, shared).await;
    } else if shown(Target::Attestation)
        && shared.config.attestor.is_some()
        && let Err(problem) = attestation::withdraw(report, shared).await
    {
        tracing::debug!("an attestation was not removed: {}", problem.message);
    }
    let promotes = asked.contains(&Target::Promoter);
    if promotes || shown(Target::Promoter) {
        match promoter::reflect(report, status, shared).await {
            // Nothing is asked for any more; what could not be removed is its report's, and goes with it.
            Err(problem) if !promotes => {
                tracing::debug!("a CommitStatus was not removed: {}", problem.message);
            }
            Ok(Reflected::Shown) if !promotes => {}
            outcome => again |= reflected(report, Target::Promoter, outcome, shared).await,
        }
    }
    (again, late(report, shared))
}

/// Whether the report still has the verdict that something is about to be done for.
async fn still_says(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
) -> Result<bool, Problem> {
    let now = super::write::namespaced(report, shared).get_opt(&report.name_any()).await;
    let away = |error: kube::Error| Problem {
        reason: Reason::PublishRefused,
        message: format!("the API server cannot be read: {}", text::clean(&error.to_string(), 512)),
        passes: owned::passes(&error),
    };
    Ok(now.map_err(away)?.is_some_and(|now| {
        now.metadata.uid == report.metadata.uid
            && now.metadata.generation == report.metadata.generation
            && now.metadata.deletion_timestamp.is_none()
            && now.status.as_ref() == Some(status)
    }))
}

/// Whether something may be shown there for this report: all is told of where everything is.
fn may_show(status: &TestRunReportStatus, target: Target) -> bool {
    let found = status.conditions.iter().find(|c| c.type_ == ConditionType::Published.as_str());
    found.is_some_and(|c| c.status != "True" || c.message.contains(target.as_str()))
}

/// The re-runs that a status asks for and the one before it did not: new records, and those taken up again.
fn new_reruns<'s>(
    before: Option<&TestRunReportStatus>,
    after: &'s TestRunReportStatus,
) -> Vec<(&'s Rerun, Deed)> {
    let known = before.map(|b| b.reruns.as_slice()).unwrap_or_default();
    let Some(source) = &after.source else { return Vec::new() };
    let key = |r: &Rerun| (r.run_id, r.attempt, r.tries);
    let is_new = |r: &&Rerun| {
        r.refused.is_none() && r.accepted_at.is_none() && !known.iter().any(|k| key(k) == key(r))
    };
    let deed = |r: &Rerun| Deed::Rerun {
        repository: source.repository.clone(),
        run: r.run_id,
        attempt: r.attempt,
        until: r.ask_until(),
    };
    after.reruns.iter().filter(is_new).map(|r| (r, deed(r))).collect()
}
