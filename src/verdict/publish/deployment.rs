//! Deployments that wait for the verdict: which runs stand still for it, and what they are answered.
//!
//! GitHub tells of a run which environments it waits for, and not which of its jobs waits for which. So a run
//! stands still for the verdict only where all that is left of it waits, and for nothing but environments that the
//! report answers.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::answers::DeploymentAnswer;
use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::api::{TestRunReport, TestRunReportSpec, TestRunReportStatus};
use crate::verdict::Context;
use crate::verdict::facts::{Facts, Observations, Run};
use crate::verdict::rerun::{AGAIN, HURRY, later};

/// Lets a deployment through.
pub const APPROVED: &str = "approved";
/// Ends it.
pub const REJECTED: &str = "rejected";
/// Records that are kept.
const MAX_RECORDS: usize = 24;
/// Jobs that a record names.
const MAX_JOBS: usize = 10;
/// How often the wait before another try doubles.
const DOUBLES: u32 = 5;

/// The environments that a spec answers for.
pub fn environments(spec: &TestRunReportSpec) -> &[String] {
    let asked = spec.publish.as_ref().and_then(|p| p.deployment_protection.as_ref());
    asked.map(|d| d.environments.as_slice()).unwrap_or_default()
}

/// The one of these that has this name; GitHub's names of environments do not depend on case.
pub fn named<'e>(environments: &'e [String], name: &str) -> Option<&'e str> {
    environments.iter().map(String::as_str).find(|e| e.eq_ignore_ascii_case(name))
}

/// Whether a run stands still until these environments are answered for: all that is left of it waits, and for
/// nothing else.
pub fn waits(environments: &[String], run: &Run) -> bool {
    let listed = i64::try_from(run.jobs.len()).unwrap_or(i64::MAX);
    run.status == "waiting"
        && run.conclusion.is_none()
        && run.jobs_total <= listed
        && !run.pending.is_empty()
        && run.pending.iter().all(|name| named(environments, name).is_some())
        && run.jobs.iter().any(|j| j.status == "waiting")
        && run.jobs.iter().all(|j| matches!(j.status.as_str(), "completed" | "waiting"))
}

/// Of several reports that give the same answer at the same moment one gives it: each knows when every one of them
/// was decided, and so which one that is. Rank of a report among them.
pub type Rank = (Timestamp, String);

/// Whether the report of this rank is the one that answers. An approval is given by the one that was decided last,
/// before which none may have been given; a rejection by the first.
pub fn answers(state: &str, own: &Rank, others: &[Rank]) -> bool {
    match state {
        APPROVED => others.iter().all(|other| other < own),
        _ => others.iter().all(|other| own < other),
    }
}

/// How long a report leaves the answer to another: longer than that one may take to give it.
pub fn patience(since: Timestamp) -> Timestamp {
    since.checked_add(AGAIN).unwrap_or(since)
}

impl DeploymentAnswer {
    /// Until when whoever wrote it may answer; after that somebody else may be about to.
    pub fn answer_until(&self) -> Timestamp {
        later(&self.requested_at, HURRY)
    }

    /// When it is taken up again, as long as GitHub has not taken it: what is answered is looked at first, so that
    /// another try does no harm.
    fn again(&self) -> Option<Timestamp> {
        let doubles = u32::try_from(self.tries.saturating_sub(1)).unwrap_or(0).min(DOUBLES);
        let wait = AGAIN.checked_mul(2_i32.saturating_pow(doubles)).unwrap_or(SignedDuration::from_hours(1));
        self.accepted_at.is_none().then(|| later(&self.requested_at, wait))
    }

    /// It is about this environment of this attempt.
    pub fn is_about(&self, run: i64, attempt: i64, environment: &str) -> bool {
        self.run_id == run && self.attempt == attempt && self.environment.eq_ignore_ascii_case(environment)
    }
}

/// What was answered before. Run ids are never used again, so that the records of another commit are kept as well.
pub(in crate::verdict) fn kept(context: &Context<'_>) -> Vec<DeploymentAnswer> {
    context.previous.map(|p| p.deployments.clone()).unwrap_or_default()
}

/// The environments of runs of exactly this commit that wait for an answer of the report, as run and environment.
pub fn pending<'f>(
    spec: &'f TestRunReportSpec,
    facts: &'f Facts,
) -> impl Iterator<Item = (&'f Run, &'f str)> + 'f {
    let own = move |run: &&Run| {
        run.head_sha == facts.source.sha
            && run.repository.eq_ignore_ascii_case(&facts.source.repository)
            && run.status != "completed"
    };
    let asked = environments(spec);
    facts.runs.iter().filter(own).flat_map(move |run| {
        let ours = run.pending.iter().filter(move |name| named(asked, name).is_some());
        ours.map(move |name| (run, name.as_str()))
    })
}

/// Puts into the status what is answered now, and says when to look again if GitHub does not take it.
///
/// Only a final verdict of this generation answers: a pass approves where `word`, the verdict of all reports that
/// answer for an environment, is one too; a failure rejects; everything else waits. Of several reports that would say
/// the same one answers: `left` gives until when this one leaves it to another.
pub fn record(
    report: &TestRunReport,
    observations: &Observations,
    status: &mut TestRunReportStatus,
    now: Timestamp,
    word: impl Fn(&str) -> ConditionStatus,
    left: impl Fn(&Run, &str, &str) -> Option<Timestamp>,
) -> Option<Timestamp> {
    let Observations::Facts(facts) = observations else { return None };
    let source = status.source.as_ref()?;
    let about = source.sha == facts.source.sha && source.repository == facts.source.repository;
    let own = decided(report.metadata.generation?, status)?;
    if !about || facts.partial {
        return None;
    }
    let mut wake: Option<Timestamp> = None;
    let mut records = std::mem::take(&mut status.deployments);
    for (run, environment) in pending(&report.spec, facts) {
        let state = match (own, word(environment)) {
            (ConditionStatus::True, ConditionStatus::True) if trusted(report, facts, run) => APPROVED,
            (ConditionStatus::False, _) => REJECTED,
            // Another one may decide, and leave the answer to this one.
            (ConditionStatus::True, _) if trusted(report, facts, run) => {
                wake = wake.into_iter().chain([patience(now)]).min();
                continue;
            }
            _ => continue,
        };
        let mut jobs: Vec<i64> = run.jobs.iter().filter(|j| j.status == "waiting").map(|j| j.id).collect();
        jobs.sort_unstable();
        let known = records.iter_mut().find(|r| r.is_about(run.id, run.attempt, environment));
        let again = match &known {
            None => !jobs.is_empty(),
            // Nothing that waited then waits any more: this is another question.
            Some(old) if !jobs.is_empty() && !old.jobs.iter().any(|j| jobs.contains(j)) => true,
            Some(old) => old.again().is_some_and(|at| at <= now),
        };
        jobs.truncate(MAX_JOBS);
        if again && let Some(until) = left(run, environment, state) {
            wake = wake.into_iter().chain([until]).min();
            continue;
        }
        if again {
            let same = known.as_ref().filter(|old| old.jobs == jobs);
            let fresh = DeploymentAnswer {
                run_id: run.id,
                attempt: run.attempt,
                environment: environment.to_owned(),
                tries: same.map_or(1, |old| old.tries.saturating_add(1)),
                jobs,
                state: state.to_owned(),
                requested_at: Time(now),
                accepted_at: None,
                refused: None,
            };
            match known {
                Some(old) => *old = fresh,
                None => make_room(&mut records, facts, fresh),
            }
        }
        let open = records.iter().find(|r| r.is_about(run.id, run.attempt, environment));
        wake = wake.into_iter().chain(open.and_then(DeploymentAnswer::again)).min();
    }
    status.deployments = records;
    wake
}

/// Whether whoever made the run may be let through at all. A pull request brings its own workflow, which may deploy
/// to anything: one is let through where the report is about that pull request, and a fork never.
fn trusted(report: &TestRunReport, facts: &Facts, run: &Run) -> bool {
    let own = run.head_repository_id.is_some() && run.head_repository_id == facts.source.repository_id;
    let pull = run.event.starts_with("pull_request");
    own && !facts.source.fork && (!pull || report.spec.source.github.pull_request.is_some())
}

/// Adds a record. Those of runs that are over go first; one that keeps a run from being answered twice never does.
fn make_room(records: &mut Vec<DeploymentAnswer>, facts: &Facts, fresh: DeploymentAnswer) {
    let open =
        |r: &DeploymentAnswer| facts.runs.iter().any(|run| run.id == r.run_id && run.status != "completed");
    if records.len() >= MAX_RECORDS {
        records.retain(open);
    }
    if records.len() < MAX_RECORDS {
        records.push(fresh);
    }
}

/// The verdict, if it is final at this generation.
fn decided(generation: i64, status: &TestRunReportStatus) -> Option<ConditionStatus> {
    let is = |kind: ConditionType, want: ConditionStatus| {
        status.observed_generation == generation
            && status.conditions.iter().any(|c| {
                c.type_ == kind.as_str()
                    && c.observed_generation == Some(generation)
                    && c.status == want.as_str()
            })
    };
    use ConditionStatus::{False, True};
    let at_rest = is(ConditionType::Complete, True) && is(ConditionType::Reconciling, False);
    [True, False].into_iter().find(|want| at_rest && is(ConditionType::Passed, *want))
}
