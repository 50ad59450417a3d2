//! Answers to deployment protection rules: recorded in the status, which is written fenced, before GitHub is told.
//!
//! An approval cannot be taken back. So whoever wrote the record asks the API server once more whether the report
//! still says what it said, and all reports that answer for the environment must have passed. What is answered is
//! what GitHub's API lists, never what an event says, and so is where.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::{Deed, came_to, github, passes, still_says, warn};
use crate::api::answers::DeploymentAnswer;
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::controller::Access;
use crate::controller::credentials::unpublishable;
use crate::controller::reconcile::Shared;
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority};
use crate::verdict::facts::{Observations, Run, Trouble};
use crate::verdict::publish::deployment::{self, APPROVED, Rank, named};
use crate::verdict::publish::{Problem, Target};
use crate::verdict::text;

/// What tells a record from every other: run, attempt, environment, and when it was made.
pub(super) type Key = (i64, i64, String, Timestamp);

/// What was left to another report this long ago is answered, or nobody's any more.
const FORGET: SignedDuration = SignedDuration::from_hours(1);

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
    github::verdict(report, status, shared, |r| answers_for(r, shared, environment))
}

/// The environment as a report names it, if it may answer for it. One that may not keeps nobody from it.
fn answers_for<'r>(report: &'r TestRunReport, shared: &Shared, environment: &str) -> Option<&'r str> {
    let found = named(deployment::environments(&report.spec), environment)?;
    let (source, namespace) = (&report.spec.source.github, report.metadata.namespace.as_deref()?);
    let connections = shared.config.connections.now();
    let connection = connections.allowed(&source.connection, namespace, &source.repository)?;
    unpublishable(report, &connection).is_none().then_some(found)
}

/// When a report that says this was decided, and what tells it from one that was decided in the same second.
fn rank(report: &TestRunReport, status: &TestRunReportStatus, says: ConditionStatus) -> Option<Rank> {
    let passed = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str())?;
    let is_it =
        passed.status == says.as_str() && Some(status.observed_generation) == report.metadata.generation;
    is_it.then(|| (passed.last_transition_time.0, report.metadata.uid.clone().unwrap_or_default()))
}

/// Until when a report leaves an answer to another one that gives the same; none where it is its own to give. What
/// still waits after that is answered all the same.
fn left(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
    run: &Run,
    environment: &str,
    state: &str,
) -> Option<Timestamp> {
    let says = if state == APPROVED { ConditionStatus::True } else { ConditionStatus::False };
    let own = rank(report, status, says)?;
    // Runs of pull requests are let through by reports about them alone.
    let gives = |r: &TestRunReport| {
        let about_pull = r.spec.source.github.pull_request.is_some();
        state != APPROVED || about_pull || !run.event.starts_with("pull_request")
    };
    let rivals = github::rivals(report, status, shared, |r| answers_for(r, shared, environment));
    let rivals: Vec<&TestRunReport> = rivals.iter().flatten().filter(|r| gives(r)).collect();
    let others: Vec<Rank> = rivals.iter().filter_map(|r| rank(r, r.status.as_ref()?, says)).collect();
    // One that has recorded it is about to give it, or has.
    let waiting = |job: &i64| run.jobs.iter().any(|j| j.id == *job && j.status == "waiting");
    let promised = rivals.iter().filter_map(|r| r.status.as_ref()).flat_map(|s| &s.deployments).any(|r| {
        r.is_about(run.id, run.attempt, environment)
            && r.state == state
            && r.refused.is_none()
            && r.jobs.iter().any(waiting)
    });
    let now = Timestamp::now().round(Unit::Second).unwrap_or_default();
    let about = (run.id, run.attempt, environment.to_ascii_lowercase());
    if !promised && deployment::answers(state, &own, &others) {
        shared.memory.deeds(report, |done| done.left.remove(&about));
        return None;
    }
    let since = shared.memory.deeds(report, |done| {
        done.left.retain(|_, since| now.duration_since(*since) < FORGET);
        *done.left.entry(about).or_insert(now)
    });
    Some(deployment::patience(since)).filter(|until| *until > now)
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
    deployment::record(
        report,
        observations,
        status,
        now,
        |environment| word(report, &seen, shared, environment),
        |run, environment, state| left(report, &seen, shared, run, environment, state),
    )
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
        // Two reports that were decided at once: the second finds that nothing waits any more.
        let _alone = shared.memory.alone(&(&source.repository, run, environment.to_ascii_lowercase())).await;
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
        Some(message) => Err(Problem { reason: Reason::PublishRefused, message, passes: false }),
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
