//! Answers to deployment protection rules: recorded in the status, which is written fenced, before GitHub is told.
//!
//! An approval cannot be taken back. So whoever wrote the record asks the API server once more whether the report
//! still says what it said, and all reports that answer for the environment must have passed. What is answered is
//! what GitHub's API lists, never what an event says, and so is where.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::{Deed, came_to, github, passes, still_says, warn};
use crate::api::answers::DeploymentAnswer;
use crate::api::conditions::{ConditionStatus, Reason};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::controller::Access;
use crate::controller::credentials::unpublishable;
use crate::controller::reconcile::Shared;
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority};
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::publish::deployment::{self, APPROVED, named};
use crate::verdict::publish::{Problem, Target};
use crate::verdict::text;

/// What tells a record from every other: run, attempt, environment, and when it was made.
pub(super) type Key = (i64, i64, String, Timestamp);

/// Characters of a comment that GitHub takes.
const COMMENT: usize = 1024;

/// An answer as GitHub is to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `owner/name`.
    pub repository: String,
    pub sha: String,
    pub run: i64,
    pub attempt: i64,
    pub environment: String,
    /// `approved` or `rejected`.
    pub state: String,
    pub comment: String,
    /// After this time somebody else may be about to answer.
    pub until: Timestamp,
}

pub(super) fn key(record: &DeploymentAnswer) -> Key {
    (record.run_id, record.attempt, record.environment.clone(), record.requested_at.0)
}

/// The verdict of all reports that answer for an environment, where the own one is `status`.
fn word(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
    environment: &str,
) -> ConditionStatus {
    github::verdict(report, status, shared, |r| {
        let found = named(deployment::environments(&r.spec), environment)?;
        // A report that may not answer keeps nobody from it.
        let (source, namespace) = (&r.spec.source.github, r.metadata.namespace.as_deref()?);
        let connections = shared.config.connections.now();
        let connection = connections.allowed(&source.connection, namespace, &source.repository)?;
        unpublishable(r, &connection).is_none().then_some(found)
    })
}

/// Puts into the status what is to be answered, and says when to look again if it is not.
pub(in crate::controller) fn record(
    report: &TestRunReport,
    observations: &Observations,
    status: &mut TestRunReportStatus,
    shared: &Shared,
) -> Option<Timestamp> {
    if deployment::environments(&report.spec).is_empty() {
        return None;
    }
    let now = Timestamp::now().round(Unit::Second).unwrap_or_default();
    let seen = status.clone();
    deployment::record(report, observations, status, now, |environment| {
        word(report, &seen, shared, environment)
    })
}

/// Gives the answers that were just recorded. True when another look is due.
pub(in crate::controller) async fn answer(
    report: &TestRunReport,
    before: Option<&TestRunReportStatus>,
    after: &TestRunReportStatus,
    access: Option<&Access>,
    shared: &Shared,
) -> bool {
    let (Some(access), Some(source)) = (access, &after.source) else { return false };
    let known: Vec<Key> = before.iter().flat_map(|b| &b.deployments).map(key).collect();
    let mut refused = false;
    for record in after.deployments.iter().filter(|r| r.accepted_at.is_none() && r.refused.is_none()) {
        if known.contains(&key(record)) {
            continue;
        }
        let (run, environment, state) = (record.run_id, record.environment.as_str(), record.state.as_str());
        match still_says(report, after, shared).await {
            Ok(true) => {}
            Ok(false) => return true,
            Err(problem) => {
                tracing::warn!("a deployment is not answered yet: {}", problem.message);
                return true;
            }
        }
        if state == APPROVED && word(report, after, shared, environment) != ConditionStatus::True {
            tracing::info!(run, environment, "a deployment is not approved: another report has not passed");
            continue;
        }
        tracing::info!(
            run,
            attempt = record.attempt,
            environment,
            state,
            "answers a deployment protection rule"
        );
        let comment = format!(
            "{} by the verdict of TestRunReport {} on commit {}",
            state,
            report.name_any(),
            source.sha
        );
        let deed = Deed::Answer(Box::new(Answer {
            repository: source.repository.clone(),
            sha: source.sha.clone(),
            run,
            attempt: record.attempt,
            environment: environment.to_owned(),
            state: state.to_owned(),
            comment: text::clean(&comment, COMMENT),
            until: record.answer_until(),
        }));
        let outcome = match shared.observer.act(report, access.clone(), &deed).await {
            Ok(()) => Ok(Time(Timestamp::now().round(Unit::Second).unwrap_or_default())),
            // Whether it was taken is not known; the record stays open, and is taken up again.
            Err(trouble) if passes(trouble.reason) => {
                let message = format!("environment {environment} of run {run}: {}", trouble.message);
                warn(report, Some(Target::Deployments), Reason::PublishRefused.as_str(), &message, shared)
                    .await;
                continue;
            }
            Err(trouble) => {
                refused = true;
                Err(text::clean(&format!("environment {environment} of run {run}: {}", trouble.message), 255))
            }
        };
        shared.memory.deeds(report, |d| d.answers.insert(key(record), outcome));
    }
    refused
}

/// Tells how it stands with what waits now: whether GitHub took every answer.
pub(super) async fn told(
    report: &TestRunReport,
    observations: &Observations,
    status: &TestRunReportStatus,
    shared: &Shared,
) {
    let Observations::Facts(facts) = observations else { return };
    if facts.partial {
        return;
    }
    let mut status = status.clone();
    shared.memory.deeds(report, |done| done.tell(&mut status));
    let why = deployment::pending(&report.spec, facts).find_map(|(run, environment)| {
        let is_about = |r: &&DeploymentAnswer| r.is_about(run.id, run.attempt, environment);
        status.deployments.iter().find(is_about)?.refused.clone()
    });
    let outcome = match why {
        Some(message) => Err(Problem { reason: Reason::PublishRefused, message }),
        None => Ok(()),
    };
    came_to(report, Target::Deployments, outcome, shared).await;
}

/// Whether a run of the commit goes on or waits, so that it may have something to be answered soon.
pub(in crate::controller) fn may_come(report: &TestRunReport, observations: &Observations) -> bool {
    let Observations::Facts(facts) = observations else { return false };
    !deployment::environments(&report.spec).is_empty() && facts.runs.iter().any(|r| r.status != "completed")
}

/// Answers on GitHub, if the run still waits for it.
pub(super) async fn give(github: &GitHub, answer: &Answer) -> Result<(), Trouble> {
    if !waits(github, answer).await? {
        return Ok(());
    }
    let left = Duration::try_from(answer.until.duration_since(Timestamp::now())).unwrap_or_default();
    let late = || Trouble {
        reason: Reason::GitHubUnavailable,
        message: "the answer took too long".to_owned(),
        retry_at: None,
    };
    if left.is_zero() {
        return Err(late());
    }
    let Answer { repository, run, environment, state, comment, .. } = answer;
    let repo = Repo::new(github, repository, Ask::now(Priority::Gating));
    let asked = repo.answer_protection_rule(*run, environment, state, comment);
    let refused = match tokio::time::timeout(left, asked).await.unwrap_or_else(|_| Err(late())) {
        Ok(()) => return Ok(()),
        Err(trouble) => trouble,
    };
    // An answer may be lost, and what nobody waits for any more is answered.
    match waits(github, answer).await {
        Ok(false) => Ok(()),
        _ => Err(refused),
    }
}

/// Whether the run is what it was, and waits for the environment.
async fn waits(github: &GitHub, answer: &Answer) -> Result<bool, Trouble> {
    let repo = Repo::new(github, &answer.repository, Ask::now(Priority::Gating));
    let run = repo.run(answer.run).await?;
    let same = run.head_sha == answer.sha
        && run.repository.full_name.eq_ignore_ascii_case(&answer.repository)
        && run.run_attempt.max(1) == answer.attempt
        && run.status != "completed";
    if !same {
        return Ok(false);
    }
    let pending = repo.pending_environments(answer.run).await?;
    Ok(pending.iter().any(|name| name.eq_ignore_ascii_case(&answer.environment)))
}
