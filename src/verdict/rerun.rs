//! Re-runs of failed jobs within `spec.rerun`: which to ask for, and how long to wait for one.
//!
//! A wish is recorded in the status, which is written fenced, before anybody asks GitHub. Whoever
//! writes the record asks, once. A record of which nobody says what came of it, as after a crash, is
//! written anew some time later, and its writer looks first whether the attempt has begun.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Context;
use super::decide::Decision;
use super::facts::{Facts, Run};
use super::items::{Item, Items};
use super::plan::Plan;
use crate::api::conditions::ConditionStatus;
use crate::api::spec::RerunWhen;
use crate::api::status::Rerun;
use crate::api::{Reason, TestRunReportSpec};

/// Records that are kept.
const MAX_RECORDS: usize = 32;
/// How long GitHub has to start what it was asked for, before the verdict is final as it is.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long whoever wrote a record has to ask.
pub(super) const HURRY: SignedDuration = SignedDuration::from_secs(60);
/// When somebody else may ask in its place; longer than `HURRY` by what clocks of machines may differ.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_mins(2);
/// An older record is not taken up any more: what it wanted is forgotten.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How often an attempt is asked for.
const TRIES: i32 = 3;

impl Rerun {
    /// Nobody has said what came of it.
    fn is_open(&self) -> bool {
        self.refused.is_none() && self.accepted_at.is_none()
    }

    /// Until when whoever wrote it may ask; after that somebody else may be about to.
    pub fn ask_until(&self) -> Timestamp {
        later(&self.requested_at, HURRY)
    }

    /// When it is to be written anew, should it still be open.
    fn again(&self) -> Option<Timestamp> {
        (self.is_open() && self.tries < TRIES).then(|| later(&self.requested_at, AGAIN))
    }
}

pub(super) fn later(time: &Time, by: SignedDuration) -> Timestamp {
    time.0.saturating_add(by).unwrap_or(time.0)
}

/// What was asked for before. Run ids are never used again, so the records of another commit are
/// kept as well: it may come back.
pub(super) fn kept(context: &Context<'_>) -> Vec<Rerun> {
    context.previous.map(|p| p.reruns.clone()).unwrap_or_default()
}

/// The records after this look. A verdict whose failed jobs run again soon is not final yet.
pub(super) fn apply(
    plan: &Plan<'_>,
    items: &Items<'_>,
    decision: &mut Decision,
    context: &Context<'_>,
) -> Vec<Rerun> {
    let mut records = kept(context);
    if decision.passed != ConditionStatus::False || !decision.is_final() {
        return records;
    }
    let (now, requested_at) = (context.now, Time(context.now));
    for run in wanted(plan.spec, items, decision) {
        match records.iter_mut().find(|r| r.run_id == run.id && r.attempt == run.attempt) {
            None => records.push(Rerun {
                run_id: run.id,
                attempt: run.attempt,
                requested_at: requested_at.clone(),
                tries: 1,
                accepted_at: None,
                refused: None,
            }),
            Some(open)
                if open.again().is_some_and(|at| at <= now) && now < later(&open.requested_at, STALE) =>
            {
                open.requested_at = requested_at.clone();
                open.tries += 1;
            }
            Some(_) => {}
        }
    }
    let excess = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..excess);
    let awaited: Vec<&Rerun> = records
        .iter()
        .filter(|r| r.refused.is_none() && now < later(&r.requested_at, PATIENCE))
        .filter(|r| items.runs.iter().any(|run| run.id == r.run_id && run.attempt == r.attempt))
        .collect();
    let wake = |r: &&Rerun| r.again().filter(|at| *at > now).unwrap_or(later(&r.requested_at, PATIENCE));
    if let Some(next) = awaited.iter().map(wake).min() {
        let ids: Vec<String> = awaited.iter().map(|r| r.run_id.to_string()).collect();
        let message = format!(
            "the failed jobs of {} were asked to run again",
            super::text::list(ids.iter().map(String::as_str), 5)
        );
        decision.settled = false;
        decision.open = Some((Reason::RerunRequested, message));
        decision.wake = Some(next);
    }
    records
}

/// Runs with what is red, if running them again can turn the verdict: every red item comes from a
/// run that has attempts left.
fn wanted<'a>(spec: &TestRunReportSpec, items: &Items<'a>, decision: &Decision) -> Vec<&'a Run> {
    let most = i64::from(spec.rerun.as_ref().map_or(1, |r| r.max_attempts));
    let (runs, others) = red(items, decision.overdue);
    let may = |run: &&Run| run.attempt < most && run.status == "completed";
    let only_flaky = spec.rerun.as_ref().is_some_and(|r| r.when == Some(RerunWhen::Flaky));
    // What was skipped because of them runs again with them.
    let known = || {
        let mut failed = counts_red(items, decision.overdue).filter(|i| !i.consequence).peekable();
        failed.peek().is_some() && failed.all(is_flaky)
    };
    if others || !runs.iter().all(may) || only_flaky && !known() {
        return Vec::new();
    }
    runs
}

/// Whether a failed job was green and red by turns in its last runs on the base branch.
fn is_flaky(item: &Item<'_>) -> bool {
    let past = item.job().and_then(|job| job.past.as_ref());
    past.is_some_and(|past| past.passed > 0 && past.failed > 0)
}

/// What is red and counts; what only repeats others turns with them.
fn counts_red<'i, 'a>(items: &'i Items<'a>, overdue: bool) -> impl Iterator<Item = &'i Item<'a>> {
    items.items.iter().filter(move |i| i.required && i.red(overdue) && !i.aggregate && !i.disagrees)
}

/// Runs with something red that counts, each once, and whether there is something red that is of no run.
pub(super) fn red<'a>(items: &Items<'a>, overdue: bool) -> (Vec<&'a Run>, bool) {
    let (mut runs, mut others) = (Vec::new(), false);
    for item in counts_red(items, overdue) {
        match item.run() {
            Some(run) => runs.push(run),
            None => others = true,
        }
    }
    runs.sort_unstable_by_key(|run| (run.id, run.attempt));
    runs.dedup_by_key(|run| (run.id, run.attempt));
    (runs, others)
}

/// A run with something red that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedRun {
    pub id: i64,
    /// The attempt that was seen.
    pub attempt: i64,
    pub workflow: String,
    /// Nothing of it runs any more.
    pub completed: bool,
}

/// The runs of a commit in which something failed that counts, for somebody who runs them again by hand.
/// An error says what is wrong with the spec.
pub fn red_runs(spec: &TestRunReportSpec, facts: &Facts, now: Timestamp) -> Result<Vec<RedRun>, String> {
    let plan = Plan::of(spec)?;
    let granted = super::waivers::granted(spec, Default::default(), &facts.source.repository);
    let items = super::items::items(&Plan { granted, ..plan }, facts, now, None);
    let (runs, _) = red(&items, false);
    let of = |run: &Run| RedRun {
        id: run.id,
        attempt: run.attempt,
        workflow: run.workflow.clone(),
        completed: run.status == "completed",
    };
    Ok(runs.into_iter().map(of).collect())
}
