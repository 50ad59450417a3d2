//! What the spec lets through: allowances for jobs that did not run, waivers for failures.
//!
//! Both name exactly what they mean. Neither can excuse a job that was cut short, because nobody
//! knows what it would have said.

use jiff::Timestamp;

use super::facts::{Annotation, Check, Job, Step};
use super::items::{Item, Items, Kind};
use super::plan::Plan;
use super::state::State;
use super::text;
use super::waivers::{self, Granted};
use crate::api::spec::{AllowedState, Waiver};
use crate::api::status::Waived;

/// Applies what the spec excuses to one item.
pub(super) fn apply(plan: &Plan<'_>, item: &mut Item<'_>, now: Timestamp) {
    let allowed = match item.state {
        State::Skipped => Some(AllowedState::Skipped),
        State::Neutral => Some(AllowedState::Neutral),
        _ => None,
    };
    if let Some(state) = allowed {
        // A job that was skipped because another failed was meant to run.
        let entry = plan.spec.gate.iter().flat_map(|g| &g.allow).find(|a| {
            a.job == item.name
                    && a.states.contains(&state)
                    // A whole run is not the job whose name its workflow has.
                    && !matches!(item.kind, Kind::Missing | Kind::Run(_))
        });
        if let Some(entry) = entry
            && !item.consequence
        {
            item.excused = true;
            item.note =
                Some(format!("{} is allowed: {}", item.state.as_str(), text::clean(&entry.reason, 200)));
        }
    }
    if item.state != State::Failed || matches!(item.kind, Kind::Run(_)) {
        return;
    }
    let (here, elsewhere): (Vec<Granted<'_>>, Vec<_>) =
        plan.granted.iter().filter(|g| g.is_for(item)).copied().partition(|g| g.holds_in(item));
    let mut waivers: Vec<Granted<'_>> = Vec::new();
    // Of several waivers for one job the longest counts.
    if let Some(longest) = here.into_iter().max_by_key(|g| g.waiver.expires_at.0) {
        waivers.push(longest);
    } else if let Kind::Job(_, job) = item.kind {
        waivers = tests_waived(plan, item, job, now).unwrap_or_default();
    }
    if let (true, Some(Waiver { workflow: Some(workflow), approver, .. })) =
        (waivers.is_empty(), elsewhere.first().map(|g| g.waiver))
    {
        item.note = Some(format!(
            "the waiver by {} is for the workflow {} only",
            text::clean(approver, 80),
            text::clean(workflow, 200)
        ));
    }
    // All tests must stay waived: the one that ends first ends them all.
    if let Some(first) = waivers.iter().copied().min_by_key(|g| g.waiver.expires_at.0) {
        let waiver = first.waiver;
        let until = waiver.expires_at.0;
        let end = until.strftime("%Y-%m-%dT%H:%M:%SZ");
        let by = text::clean(&waiver.approver, 80);
        item.note = Some(if until <= now {
            format!("the waiver by {by} ended at {end}")
        } else if item.cut_short || item.disagrees {
            format!(
                "the waiver by {by} does not apply: the job was cut short, so nobody knows what it would have said"
            )
        } else {
            item.excused = true;
            item.waived = waivers.iter().map(|g| g.told(&item.name)).collect();
            let ticket =
                waiver.ticket.as_deref().map(|t| format!(", {}", text::clean(t, 80))).unwrap_or_default();
            let from =
                first.from.map(|f| format!(" (TestRunWaiver {})", text::clean(f, 80))).unwrap_or_default();
            format!("waived by {by} until {end}{ticket}{from}: {}", text::clean(&waiver.reason, 200))
        });
    }
}

/// The earliest time at which a waiver that counts ends.
pub(super) fn next_end(plan: &Plan<'_>, now: Timestamp) -> Option<Timestamp> {
    plan.granted.iter().map(|g| g.waiver.expires_at.0).filter(|t| *t > now).min()
}

/// What is excused by waivers, for the status.
pub(super) fn told(items: &Items<'_>) -> Vec<Waived> {
    items
        .items
        .iter()
        .filter(|i| i.required)
        .flat_map(|i| i.waived.iter().cloned())
        .take(waivers::MOST)
        .collect()
}

/// Characters that are kept of the name of a test, and the mark at the end of one that was longer.
const TEST_NAME: usize = 512;
const CUT: char = '\u{2026}';

/// What GitHub says of a job that it ended itself, or lost.
const CUT_SHORT: [&str; 8] = [
    "exceeded the maximum execution time", "lost communication", "operation was canceled",
    "received a shutdown signal", "was not acquired by runner", "internal error when running your job",
    "encountered an error while running your job", "job was not started because",
];

/// Whether a failed job ended by something else than its own result.
pub(super) fn cut_short(state: State, job: &Job) -> bool {
    match state {
        State::Cancelled => true,
        State::Failed => {
            matches!(job.conclusion.as_deref(), Some("timed_out" | "startup_failure"))
                || job.annotations_unread
                || job.evidence.as_ref().is_some_and(|e| e.interrupted)
                || job.annotations.iter().any(|a| end_by_force(a).is_some())
                || broke_off(&job.steps)
        }
        _ => false,
    }
}

/// What an annotation says of a job that GitHub ended itself, or lost.
pub(super) fn end_by_force(annotation: &Annotation) -> Option<&'static str> {
    let said = annotation.message.to_ascii_lowercase();
    CUT_SHORT.into_iter().find(|sign| annotation.level == "failure" && said.contains(sign))
}

/// A step that never ended, or none that failed: what failed the job was not one of them.
fn broke_off(steps: &[Step]) -> bool {
    let is = |s: &Step, conclusion: &str| s.conclusion.as_deref() == Some(conclusion);
    steps.iter().any(|s| is(s, "cancelled") || !s.status.is_empty() && s.status != "completed")
        || !steps.is_empty() && !steps.iter().any(|s| is(s, "failure"))
}

/// The same for a check of another app.
pub(super) fn check_cut_short(state: State, check: &Check) -> bool {
    state == State::Cancelled
        || (state == State::Failed
            && matches!(check.conclusion.as_deref(), Some("timed_out" | "startup_failure" | "error")))
}

/// Whether a name may be the beginning of several, because it is as long as what is kept of one.
fn is_cut(name: &str) -> bool {
    name.ends_with(CUT) && name.chars().count() >= TEST_NAME
}

/// The waivers for tests that cover everything that failed in a job: every failing test is known and
/// waived, and nothing else in the job failed.
fn tests_waived<'w>(plan: &Plan<'w>, item: &Item<'_>, job: &Job, now: Timestamp) -> Option<Vec<Granted<'w>>> {
    let evidence = job.evidence.as_ref()?;
    let counted = evidence.tests.map(|t| t.failed.saturating_add(t.errored))?;
    let listed = i64::try_from(evidence.failing.len()).ok()?;
    let steps = job.steps.iter().filter(|s| s.conclusion.as_deref() == Some("failure")).count();
    if listed == 0
        || listed != evidence.failing_total
        || counted != listed
        || evidence.interrupted
        || steps != 1
    {
        return None;
    }
    evidence
        .failing
        .iter()
        .map(|test| {
            let name = Some(test.name.as_str()).filter(|name| !is_cut(name));
            let named = |g: &&Granted<'_>| name.is_some() && g.waiver.test.as_deref() == name;
            let all = plan.granted.iter().filter(named).filter(|g| g.holds_in(item));
            let all = all.filter(|g| g.waiver.expires_at.0 > now);
            all.copied().max_by_key(|g| g.waiver.expires_at.0)
        })
        .collect()
}
