//! Re-runs of failed jobs within `spec.rerun`: which to ask for, and how long to wait for one.
//!
//! A wish is recorded in the status, which is written fenced, before anybody asks GitHub. Whoever
//! writes the record asks, once; a record that is already there is never acted upon again.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Context;
use super::decide::Decision;
use super::items::Items;
use super::plan::Plan;
use crate::api::Reason;
use crate::api::conditions::ConditionStatus;
use crate::api::status::Rerun;

/// Records that are kept.
const MAX_RECORDS: usize = 32;
/// How long GitHub has to start what it was asked for, before the verdict is final as it is.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

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
    for (run, attempt) in wanted(plan, items, decision) {
        if !records.iter().any(|r| r.run_id == run && r.attempt == attempt) {
            let requested_at = Time(context.now);
            records.push(Rerun { run_id: run, attempt, requested_at, refused: None });
        }
    }
    let excess = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..excess);
    let awaited: Vec<&Rerun> = records
        .iter()
        .filter(|r| {
            r.refused.is_none()
                && context.now < r.requested_at.0.saturating_add(PATIENCE).unwrap_or(context.now)
        })
        .filter(|r| items.runs.iter().any(|run| run.id == r.run_id && run.attempt == r.attempt))
        .collect();
    if let Some(last) = awaited.iter().map(|r| r.requested_at.0).max() {
        let ids: Vec<String> = awaited.iter().map(|r| r.run_id.to_string()).collect();
        let message = format!(
            "the failed jobs of {} were asked to run again",
            super::text::list(ids.iter().map(String::as_str), 5)
        );
        decision.settled = false;
        decision.open = Some((Reason::RerunRequested, message));
        decision.wake = last.checked_add(PATIENCE).ok();
    }
    records
}

/// Runs with what is red, if running them again can turn the verdict: every red item comes from a
/// run that has attempts left.
fn wanted(plan: &Plan<'_>, items: &Items<'_>, decision: &Decision) -> Vec<(i64, i64)> {
    let most = i64::from(plan.spec.rerun.as_ref().map_or(1, |r| r.max_attempts));
    let mut runs = Vec::new();
    for item in items.items.iter().filter(|i| i.required && i.red(decision.overdue)) {
        // What only repeats others turns with them.
        if item.aggregate || item.disagrees {
            continue;
        }
        match item.run() {
            Some(run) if run.attempt < most && run.status == "completed" => runs.push((run.id, run.attempt)),
            _ => return Vec::new(),
        }
    }
    runs.sort_unstable();
    runs.dedup();
    runs
}
