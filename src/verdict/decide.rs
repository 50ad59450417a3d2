//! The decision: from items to a verdict with its reason. When in doubt it does not pass.

use jiff::{SignedDuration, Timestamp};

use super::facts::Facts;
use super::items::{Item, Items, Kind};
use super::plan::Plan;
use super::state::State;
use super::text;
use crate::api::Reason;
use crate::api::conditions::ConditionStatus;

/// How long GitHub has to say how something ended that it says has ended.
const INCONCLUSIVE_SECONDS: i64 = 600;

/// Seconds without a change before checks of other apps alone are taken for all that comes.
const ALONE_SECONDS: i64 = 300;

/// Names shown in a message.
const SHOWN: usize = 5;

/// The verdict and how final it is.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub passed: ConditionStatus,
    pub reason: Reason,
    pub message: String,
    /// Nothing runs or is awaited any more.
    pub complete: bool,
    /// Complete, long enough ago, and a second read agreed.
    pub settled: bool,
    /// What Complete says while it is not True.
    pub open: Option<(Reason, String)>,
    pub overdue: bool,
    /// When something changes by itself.
    pub wake: Option<Timestamp>,
    /// Something that counts can be seen already.
    pub started: bool,
    /// What waits for this verdict.
    pub held: Option<String>,
}

impl Decision {
    /// Complete and settled: at rest until GitHub changes.
    pub fn is_final(&self) -> bool {
        self.complete && self.settled
    }
}

/// Decides.
pub(super) fn decide(plan: &Plan<'_>, facts: &Facts, items: &Items<'_>, first_seen: Timestamp) -> Decision {
    let all = &items.items;
    let start = items.runs.iter().filter_map(|r| r.created_at).min().unwrap_or(first_seen);
    let deadline = later(start, plan.deadline_seconds);
    // What a partial look did not read again may have come meanwhile.
    let overdue = facts.read_at >= deadline && !facts.partial;
    let sha = &facts.source.sha;

    let started = all.iter().any(|i| !matches!(i.kind, Kind::Missing));
    let counting = || all.iter().filter(|i| i.required);
    let red: Vec<&Item<'_>> = counting().filter(|i| !i.aggregate && !i.disagrees && i.red(overdue)).collect();
    let red_aggregates: Vec<&Item<'_>> =
        counting().filter(|i| (i.aggregate || i.disagrees) && i.red(overdue)).collect();
    // An informational job that never came is not waited for; one that runs is.
    let awaited: Vec<&Item<'_>> =
        all.iter().filter(|i| i.open(overdue) && (i.required || i.state == State::Running)).collect();
    let nothing = !started && all.is_empty();
    let complete = !facts.partial && items.runs_complete && awaited.is_empty() && (!nothing || overdue);
    let unknown: Vec<&Item<'_>> = counting().filter(|i| i.state == State::Unknown).collect();

    let changed = last_change(plan, facts).unwrap_or(start);
    let settle = settle_seconds(plan, items);
    let calm = later(changed, settle);
    let inconclusive = unknown.iter().any(|i| i.inconclusive())
        && facts.read_at < later(changed, settle.saturating_add(INCONCLUSIVE_SECONDS));
    let confirmed = facts.confirmed && !items.before.is_ahead();
    let settled = confirmed && facts.read_at >= calm && !inconclusive;

    let waiting = waiting(&awaited, items, nothing);
    let mut decision = Decision {
        passed: ConditionStatus::Unknown,
        reason: Reason::Settling,
        message: String::new(),
        complete,
        settled,
        open: None,
        overdue,
        wake: None,
        started,
        held: items.held.told(),
    };
    if !complete {
        decision.open = Some(waiting.clone());
        if !overdue {
            decision.wake = Some(deadline);
        }
    } else if !settled {
        decision.open = Some((
            Reason::Settling,
            if inconclusive {
                "GitHub says that everything has ended, and not yet how; it is read again".to_owned()
            } else if confirmed {
                format!("everything is final; the verdict follows when nothing has changed for {settle} s")
            } else {
                "everything is final; something changed while it was read, so it is read again".to_owned()
            },
        ));
        decision.wake =
            Some(if confirmed && !inconclusive { calm } else { later(facts.read_at, settle.max(1)) });
    }

    let (passed, reason, message) = if !red.is_empty() {
        (ConditionStatus::False, red_reason(&red), red_message(&red, all, sha))
    } else if !red_aggregates.is_empty() {
        let names = text::list(red_aggregates.iter().map(|i| i.name.as_str()), SHOWN);
        let all_green = "every job that counts by itself is not red";
        (
            ConditionStatus::False,
            Reason::Disagreement,
            format!(
                "{names}: red although {all_green}, on commit {sha}; look there for what the jobs do not tell"
            ),
        )
    } else if complete && let Some(message) = below_rate(items, sha) {
        (ConditionStatus::False, Reason::PassRateTooLow, message)
    } else if nothing && overdue {
        (
            ConditionStatus::False,
            Reason::Incomplete,
            format!(
                "no workflow run and no check appeared on commit {sha} within {} s; is CI enabled for this commit?",
                plan.deadline_seconds
            ),
        )
    } else if !unknown.is_empty() {
        let what = text::list(unknown.iter().map(|i| i.name.as_str()), SHOWN);
        let detail =
            unknown.iter().find_map(|i| i.note.as_deref().or(i.detail.as_deref())).unwrap_or("unknown value");
        (
            ConditionStatus::Unknown,
            Reason::Undecidable,
            format!("{what}: {detail}, on commit {sha}; this does not pass"),
        )
    } else if !complete {
        (ConditionStatus::Unknown, waiting.0, format!("{}, on commit {sha}", waiting.1))
    } else if !items.blind.is_empty() {
        (
            ConditionStatus::Unknown,
            Reason::Undecidable,
            format!("what must be there could not be read: {}", items.blind.join("; ")),
        )
    } else if !settled {
        let (reason, message) = decision.open.clone().unwrap_or((Reason::Settling, String::new()));
        (ConditionStatus::Unknown, reason, format!("{message}, on commit {sha}"))
    } else if let Some(message) = hollow(items, sha) {
        (ConditionStatus::False, Reason::Incomplete, message)
    } else {
        (ConditionStatus::True, Reason::AllRequiredSucceeded, green_message(items, sha))
    };
    decision.passed = passed;
    decision.reason = reason;
    decision.message = message;
    decision
}

/// Why it is not complete: the most telling reason first.
fn waiting(awaited: &[&Item<'_>], items: &Items<'_>, nothing: bool) -> (Reason, String) {
    let of = |state: State| awaited.iter().filter(move |i| i.state == state);
    let names = |state: State| text::list(of(state).map(|i| i.name.as_str()), SHOWN);
    let count = |state: State| of(state).count();
    if count(State::ActionRequired) > 0 {
        (
            Reason::ActionRequired,
            format!("waits for a person's approval on GitHub: {}", names(State::ActionRequired)),
        )
    } else if count(State::Running) > 0 {
        let n = count(State::Running);
        let also = match count(State::Missing) {
            0 => String::new(),
            m => format!("; {} not reported yet", text::count(m, "expected job")),
        };
        (Reason::Running, format!("{} not final: {}{also}", text::count(n, "job"), names(State::Running)))
    } else if !items.runs_complete {
        (Reason::Running, "a workflow run is not completed".to_owned())
    } else if nothing {
        (Reason::Pending, "no workflow run and no check yet".to_owned())
    } else {
        (Reason::Expecting, format!("expected and not reported yet: {}", names(State::Missing)))
    }
}

fn red_reason(red: &[&Item<'_>]) -> Reason {
    let any = |states: &[State]| red.iter().any(|i| states.contains(&i.state));
    if any(&[State::Failed]) {
        Reason::RequiredFailed
    } else if any(&[State::Cancelled, State::Skipped, State::Neutral]) {
        Reason::RequiredNotRun
    } else {
        Reason::Incomplete
    }
}

fn red_message(red: &[&Item<'_>], all: &[Item<'_>], sha: &str) -> String {
    let mut parts = Vec::new();
    for (state, verb) in [
        (State::Failed, "failed"),
        (State::Cancelled, "cancelled"),
        (State::Missing, "missing"),
        (State::ActionRequired, "not approved"),
        (State::Skipped, "skipped"),
        (State::Neutral, "neutral"),
        (State::Succeeded, "incomplete"),
    ] {
        let names: Vec<&str> = red.iter().filter(|i| i.state == state).map(|i| i.name.as_str()).collect();
        if !names.is_empty() {
            parts.push(format!("{} {verb}: {}", names.len(), text::list(names.into_iter(), SHOWN)));
        }
    }
    let running = all.iter().filter(|i| i.state == State::Running).count();
    let more =
        if running > 0 { format!("; {} still running", text::count(running, "job")) } else { String::new() };
    format!("{}{more}, on commit {sha}", parts.join("; "))
}

/// Why something that has nothing against it is no pass: nothing speaks for it either.
fn hollow(items: &Items<'_>, sha: &str) -> Option<String> {
    let telling = telling(items);
    if telling.is_empty() {
        return Some(format!("nothing that counts ran on commit {sha}: every job is informational"));
    }
    let ran = |i: &&Item<'_>| i.state == State::Succeeded || i.state == State::Failed && i.excused;
    if telling.iter().any(ran) {
        return None;
    }
    let names = text::list(telling.iter().map(|i| i.name.as_str()), SHOWN);
    Some(format!("nothing that counts ran on commit {sha}: all of it is allowed not to ({names})"))
}

/// What counts and says something of its own. A job that repeats others does where it is all there is.
fn telling<'i, 'a>(items: &'i Items<'a>) -> Vec<&'i Item<'a>> {
    let counting = || items.items.iter().filter(|i| i.required && !matches!(i.kind, Kind::Missing));
    let repeats = counting().all(|i| i.aggregate);
    counting().filter(|i| repeats || !i.aggregate).collect()
}

fn green_message(items: &Items<'_>, sha: &str) -> String {
    let counted = telling(items);
    let excused: Vec<&Item<'_>> = items.items.iter().filter(|i| i.required && i.excused).collect();
    let green = counted.iter().filter(|i| i.state == State::Succeeded).count();
    let mut message =
        format!("{green} of {} required jobs and checks succeeded on commit {sha}", counted.len());
    for (state, verb) in [
        (State::Failed, "waived"),
        (State::Skipped, "allowed to be skipped"),
        (State::Neutral, "allowed to be neutral"),
    ] {
        let names: Vec<String> =
            excused.iter().filter(|i| i.state == state).map(|i| excused_name(i)).collect();
        if !names.is_empty() {
            let shown = text::list(names.iter().map(String::as_str), SHOWN);
            message.push_str(&format!("; {} {verb}: {shown}", names.len()));
        }
        // The verdict ends with the first waiver that does.
        let ends = excused.iter().filter(|i| i.state == state).flat_map(|i| &i.waived);
        if let Some(end) = ends.map(|w| w.expires_at.0).min() {
            message.push_str(&format!(", until {}", end.strftime("%Y-%m-%dT%H:%M:%SZ")));
        }
    }
    if let Some(held) = items.held.told() {
        message.push_str(&format!("; {held}"));
    }
    message
}

/// The name of what is excused, and of the workflow where that is part of the excuse.
fn excused_name(item: &Item<'_>) -> String {
    match item.waived.iter().find_map(|w| w.workflow.as_deref()) {
        Some(workflow) => format!("{} of {workflow}", item.name),
        None => item.name.clone(),
    }
}

/// The first suite below its `minPassRate`, by jobs or by tests.
fn below_rate(items: &Items<'_>, sha: &str) -> Option<String> {
    items.suites.list.iter().enumerate().find_map(|(at, suite)| {
        let least = suite.min_pass_rate?;
        let jobs: Vec<&Item<'_>> = items.items.iter().filter(|i| i.suite == at && !i.aggregate).collect();
        let green = jobs.iter().filter(|i| i.state == State::Succeeded).count();
        if percent(green, jobs.len()).is_some_and(|rate| rate < least) || jobs.is_empty() && least > 0 {
            return Some(format!(
                "suite {}: {green} of {} jobs succeeded, {least} % are demanded, on commit {sha}",
                text::clean(&suite.name, 80),
                jobs.len()
            ));
        }
        let (mut passed, mut run) = (0_i64, 0_i64);
        for tests in jobs.iter().filter_map(|i| i.job()?.evidence.as_ref()?.tests) {
            passed = passed.saturating_add(tests.passed);
            run = run.saturating_add(tests.passed).saturating_add(tests.failed).saturating_add(tests.errored);
        }
        (run > 0 && passed.saturating_mul(100) < least.saturating_mul(run)).then(|| {
            format!(
                "suite {}: {passed} of {run} tests passed, {least} % are demanded, on commit {sha}",
                text::clean(&suite.name, 80)
            )
        })
    })
}

/// Whole percentage, rounded down, so that only 100 means all; none of nothing.
pub(super) fn percent(part: usize, whole: usize) -> Option<i64> {
    (whole > 0).then(|| i64::try_from(part.saturating_mul(100) / whole).unwrap_or(0))
}

/// How long nothing may change. A bot has its check on a new commit before the first workflow has begun.
fn settle_seconds(plan: &Plan<'_>, items: &Items<'_>) -> i64 {
    let asked = plan.spec.gate.as_ref().is_some_and(|g| g.settle_seconds.is_some());
    let named = items.has_expectations || !plan.spec.checks.is_empty();
    let least = if asked || named || !items.runs.is_empty() { 0 } else { ALONE_SECONDS };
    plan.settle_seconds.max(least)
}

/// GitHub's time of the last change to anything that was read.
fn last_change(plan: &Plan<'_>, facts: &Facts) -> Option<Timestamp> {
    let runs = facts.runs.iter().flat_map(|r| {
        r.updated_at.into_iter().chain(r.created_at).chain(r.jobs.iter().filter_map(|j| j.completed_at))
    });
    // What the report itself publishes must not keep it from settling.
    let checks =
        facts.checks.iter().filter(|c| !plan.is_own(c)).flat_map(|c| c.at.into_iter().chain(c.completed_at));
    runs.chain(checks).max()
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
