//! Runs that stand still until this verdict is there, because a job of theirs deploys to an environment that the
//! report answers for.
//!
//! What counts is never left out for that: only what the spec calls informational may wait for the verdict.

use std::collections::BTreeSet;

use super::facts::Run;
use super::items::Item;
use super::plan::Plan;
use super::publish::deployment;
use super::text;

/// What waits for the verdict.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Runs of which nothing is left that counts.
    runs: BTreeSet<i64>,
    /// Names of their jobs that wait.
    pub jobs: BTreeSet<String>,
}

impl Held {
    /// Finds what waits, and notes on each job that does what that means.
    pub fn of(plan: &Plan<'_>, runs: &[&Run], list: &mut [Item<'_>]) -> Self {
        let mut held = Self::default();
        let environments = deployment::environments(plan.spec);
        for run in runs.iter().filter(|run| deployment::waits(environments, run)) {
            let waits = |i: &&mut Item<'_>| {
                i.run().is_some_and(|r| r.id == run.id) && i.job().is_none_or(|j| j.status == "waiting")
            };
            let counts = list.iter_mut().filter(waits).any(|i| i.required);
            let names = text::list(run.pending.iter().map(String::as_str), 5);
            for item in list.iter_mut().filter(waits) {
                item.note = Some(if item.required {
                    format!(
                        "waits for the environment {names}, which this report answers for: what counts cannot wait \
                         for its own verdict; put it into a suite that is Informational"
                    )
                } else {
                    format!("has not run: it waits for this verdict, before it deploys to {names}")
                });
                if !counts {
                    held.jobs.insert(item.name.clone());
                }
            }
            if !counts {
                held.runs.insert(run.id);
            }
        }
        held
    }

    /// Whether a run is at rest until the verdict is there.
    pub fn has(&self, run: &Run) -> bool {
        self.runs.contains(&run.id)
    }

    /// What of it belongs into a message.
    pub fn told(&self) -> Option<String> {
        (!self.jobs.is_empty()).then(|| {
            let names = text::list(self.jobs.iter().map(String::as_str), 5);
            format!(
                "{} for this verdict and has not run: {names}",
                match self.jobs.len() {
                    1 => "1 job waits".to_owned(),
                    n => format!("{n} jobs wait"),
                }
            )
        })
    }
}
