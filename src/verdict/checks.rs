//! Effective checks: of all check runs and commit statuses of a commit, the ones that count.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::facts::{ACTIONS_APP_ID, Check, CheckKind, Expectations, Facts, Job, Run};
use super::state::State;
use crate::api::TestRunReportSpec;

/// What makes two checks values of one: kind, name, app.
type Key<'a> = (CheckKind, &'a str, Option<i64>, Option<&'a str>);

/// How far the clock of a machine that runs jobs may be off.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Whether commit statuses can count: all of them do where the spec has no suites, else those that are asked
/// for by name.
pub(crate) fn statuses_count(spec: &TestRunReportSpec, expectations: &Expectations) -> bool {
    spec.suites.is_empty() || !spec.checks.is_empty() || !expectations.required.is_empty()
}

/// Whether the spec itself has commit statuses read. One that is published has to be seen, so that it is not
/// set again.
pub(crate) fn statuses_asked(spec: &TestRunReportSpec) -> bool {
    let publishes = spec.publish.as_ref().is_some_and(|p| p.status.is_some());
    publishes || statuses_count(spec, &Expectations::default())
}

/// Whether a look that knows what must be there reads commit statuses.
pub(crate) fn statuses_read(spec: &TestRunReportSpec, expectations: &Expectations) -> bool {
    statuses_asked(spec) || statuses_count(spec, expectations)
}

/// The checks of the commit that count, and how many are of another commit. Of the same name and app the newest
/// counts. What workflows make with their own token is all of one app, whichever of them made it: there a newer one
/// replaces an older one only if a workflow that may have made both ran again in between.
pub(super) fn effective(facts: &Facts) -> (Vec<&Check>, usize) {
    let mut all: BTreeMap<Key<'_>, Vec<&Check>> = BTreeMap::new();
    let mut foreign = 0;
    for check in &facts.checks {
        if check.head_sha != facts.source.sha {
            foreign += 1;
            continue;
        }
        // A commit status has one value per context, whoever set it.
        let app = if check.kind == CheckKind::Status { None } else { check.app.as_deref() };
        let key = (check.kind, check.name.as_str(), check.app_id, app);
        all.entry(key).or_default().push(check);
    }
    let mut out = Vec::with_capacity(all.len());
    for mut same in all.into_values() {
        // Of two that cannot be told apart the worse one counts.
        same.sort_by_key(|c| (at(c), c.id, Reverse(State::of_check(c)), &c.status, &c.conclusion));
        let Some(newest) = same.pop() else { continue };
        // Its app says when a check began, and GitHub gives the ids: where the two disagree about which is the
        // newest, both count.
        let made_last = (0..same.len()).max_by_key(|i| same.get(*i).map(|c| c.id));
        if let Some(i) = made_last.filter(|i| same.get(*i).is_some_and(|c| c.id > newest.id)) {
            out.push(same.remove(i));
        }
        if of_workflows(newest) {
            same.retain(|old| old.id != newest.id && !replaces(facts, newest, old));
            out.append(&mut same);
        }
        out.push(newest);
    }
    (out, foreign)
}

fn of_workflows(check: &Check) -> bool {
    check.kind == CheckKind::CheckRun
        && (check.app.as_deref() == Some("github-actions") || check.app_id == Some(ACTIONS_APP_ID))
}

/// A workflow: its id and its file.
type Workflow<'a> = (i64, &'a str);

/// Whether a workflow that may have made both checks began again between them. Which one made a check nobody tells: one
/// that was at work then, or any where none was, as with those that only report what others did.
fn replaces(facts: &Facts, newest: &Check, old: &Check) -> bool {
    let (from, to) = (ended(old), at(newest));
    let (made, makes) = (at_work(facts, from), at_work(facts, to));
    let of = |run: &'_ Run| -> bool {
        let is_one = |all: &BTreeSet<Workflow<'_>>| all.is_empty() || all.contains(&workflow(run));
        is_one(&made) && is_one(&makes)
    };
    let between = |time: Timestamp| from <= time && time <= to;
    facts.runs.iter().filter(|run| of(run)).any(|run| {
        let ran_before = || {
            let others = facts.runs.iter().filter(|other| workflow(other) == workflow(run));
            others.filter_map(|other| other.created_at).any(|time| time < from)
        };
        let attempts = run.jobs.iter().filter(|job| job.attempt > 1);
        attempts.filter_map(|job| job.started_at).any(between)
            || run.created_at.is_some_and(between) && ran_before()
    })
}

/// The workflows that had a job at work at a time.
fn at_work(facts: &Facts, time: Timestamp) -> BTreeSet<Workflow<'_>> {
    let at_work = |job: &Job| {
        let Some(start) = job.started_at else { return false };
        // An end before the start is none.
        let end = job.completed_at.filter(|end| *end >= start);
        let until = |end: Timestamp| end.saturating_add(SLACK).unwrap_or(Timestamp::MAX);
        start <= time && end.is_none_or(|end| time <= until(end))
    };
    facts.runs.iter().filter(|run| run.jobs.iter().any(at_work)).map(workflow).collect()
}

fn workflow(run: &Run) -> Workflow<'_> {
    (run.workflow_id, run.path.as_str())
}

/// When it was made; unknown counts as newest, which is the careful side.
fn at(check: &Check) -> Timestamp {
    check.at.unwrap_or(Timestamp::MAX)
}

fn ended(check: &Check) -> Timestamp {
    check.completed_at.unwrap_or_else(|| at(check))
}
