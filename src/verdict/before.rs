//! What an earlier look saw of the same commit and this one does not. Lists of GitHub lag behind, and whoever may
//! write to a repository may delete a run: neither takes away what was seen.

use std::collections::BTreeMap;

use super::facts::{Baseline, Facts, Run};
use super::items::{Item, Kind};
use super::jobs::repeats;
use super::plan::Plan;
use super::state::State;
use super::suites::{REQUIRED_CHECKS, Suites};
use super::text::clean;
use crate::api::status::{RunStatus, SourceStatus};

/// What is remembered of the runs of the commit.
#[derive(Default)]
pub(super) struct Before {
    /// Runs that counted and are no longer listed, until the same workflow runs again.
    pub gone: Vec<RunStatus>,
    /// Attempts that were seen of runs that are listed with an older one.
    pub attempts: BTreeMap<i64, i64>,
}

impl Before {
    /// Compares the runs of a commit with what the last status of the same commit has.
    pub fn of(plan: &Plan<'_>, facts: &Facts, runs: &[&Run], last: Option<&SourceStatus>) -> Self {
        let Some(last) = last else { return Self::default() };
        let listed = |id: i64| runs.iter().find(|r| r.id == id);
        let again = |old: &RunStatus| {
            runs.iter().any(|r| {
                r.id > old.id
                    && told(&r.workflow) == old.workflow
                    && r.event == old.event
                    && same_tip(old, r)
                    // Where no run replaces another, nothing makes up for one that was not green.
                    && (repeats(&r.event) && r.apart.is_none() || old.result == "success")
                    && !last.runs.iter().any(|known| known.id == r.id)
            })
        };
        let gone = last.runs.iter().filter(|old| {
            listed(old.id).is_none()
                && old.set_aside.is_none()
                && wanted(plan, facts, runs, old)
                && !again(old)
        });
        let older = |old: &RunStatus| listed(old.id).is_some_and(|run| run.attempt < old.attempt);
        let attempts = last.runs.iter().filter(|old| older(old)).map(|old| (old.id, old.attempt));
        Self { gone: gone.cloned().collect(), attempts: attempts.collect() }
    }

    /// Adds what is gone. A look at a part does not tell.
    pub fn add(&self, facts: &Facts, list: &mut Vec<Item<'_>>, suites: &mut Suites) {
        for run in self.gone.iter().filter(|_| !facts.partial) {
            let mut item = Item::new(Kind::Missing, run.workflow.clone(), "", "", State::Unknown);
            let remedy = match repeats(&run.event) {
                true => "run the workflow again".to_owned(),
                false => format!("no other run for {} replaces it", clean(&run.event, 64)),
            };
            item.note = Some(format!(
                "run {} was seen on this commit, and GitHub no longer lists it; {remedy}",
                run.id
            ));
            item.suite = suites.special(REQUIRED_CHECKS);
            list.push(item);
        }
    }

    /// What was read is older than what was seen.
    pub fn is_ahead(&self) -> bool {
        !self.attempts.is_empty()
    }
}

/// Whether a run is of the same file, for the same branch of the same repository. A status of an earlier version has none
/// of these, and then nothing is.
fn same_tip(old: &RunStatus, run: &Run) -> bool {
    // What a status cannot hold as it is may be another of which it holds the same.
    let whole = |text: &str| clean(text, 255) == text;
    let is_whole = whole(&run.path) && run.head_branch.as_deref().is_none_or(whole);
    is_whole
        && old.path.as_ref() == Some(&run.path)
        && old.branch == run.head_branch
        && old.repository_id.is_some()
        && old.repository_id == run.head_repository_id
}

/// The name of a workflow as a status has it.
pub(super) fn told(workflow: &str) -> String {
    clean(workflow, 255)
}

/// Whether the report looks at the workflow of a run, of which a status has no file.
fn wanted(plan: &Plan<'_>, facts: &Facts, runs: &[&Run], old: &RunStatus) -> bool {
    let listed = runs.iter().map(|r| (&r.workflow, &r.path));
    let green = match &facts.expectations.baseline {
        Baseline::Found(base) => base.workflows.as_slice(),
        Baseline::None => &[],
    };
    let mut known = listed.chain(green.iter().map(|w| (&w.workflow, &w.path)));
    plan.wants(&old.workflow, "")
        || known.any(|(name, path)| told(name) == old.workflow && plan.wants(name, path))
}
