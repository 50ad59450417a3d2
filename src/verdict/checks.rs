//! Effective checks: of all check runs and commit statuses of a commit, the ones that count.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::facts::{ACTIONS_APP_ID, Check, CheckKind, Expectations, Facts};
use super::state::State;
use crate::api::TestRunReportSpec;

/// What makes two checks values of one: kind, name, app.
type Key<'a> = (CheckKind, &'a str, Option<i64>, Option<&'a str>);

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
/// replaces an older one only if something ran again in between.
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
    let again = begun_again(facts);
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
            same.retain(|old| {
                let replaced = |time: &Timestamp| ended(old) <= *time && *time <= at(newest);
                old.id != newest.id && !again.iter().any(replaced)
            });
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

/// When runs and further attempts of jobs began on the commit.
fn begun_again(facts: &Facts) -> Vec<Timestamp> {
    let jobs = facts.runs.iter().flat_map(|r| &r.jobs).filter(|j| j.attempt > 1);
    facts.runs.iter().filter_map(|r| r.created_at).chain(jobs.filter_map(|j| j.started_at)).collect()
}

/// When it was made; unknown counts as newest, which is the careful side.
fn at(check: &Check) -> Timestamp {
    check.at.unwrap_or(Timestamp::MAX)
}

fn ended(check: &Check) -> Timestamp {
    check.completed_at.unwrap_or_else(|| at(check))
}
