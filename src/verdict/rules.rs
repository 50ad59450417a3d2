//! Workflows that rules of the base branch require.
//!
//! A rule may require a workflow of another repository. Its run is listed among those of this one, under the path of
//! its file alone, and the author of a commit can add a file of that path. So for such a rule only runs count of which
//! GitHub says that a rule brought them along.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Origin, Run};
use super::items::{Item, Kind};
use super::state::State;
use super::suites::{REQUIRED_CHECKS, Suites};

/// Whether a run may be one that a rule requires, so that it counts whatever the spec looks at.
pub(super) fn concern(facts: &Facts, run: &Run) -> bool {
    let own = facts.source.repository_id;
    facts.expectations.required_workflows.iter().any(|rule| {
        let of_own = rule.repository_id.is_some() && rule.repository_id == own;
        is_of(run, &rule.path) && (of_own || run.origin != Origin::Repository)
    })
}

/// Adds what rules require and did not run, or cannot be told from something else. True when there are such rules.
pub(super) fn required_workflows<'a>(
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
) -> bool {
    let own = facts.source.repository_id;
    let mut wanted: BTreeMap<&str, (bool, BTreeSet<Option<i64>>)> = BTreeMap::new();
    for rule in &facts.expectations.required_workflows {
        let (of_own, of_others) = wanted.entry(&rule.path).or_default();
        if rule.repository_id.is_some() && rule.repository_id == own {
            *of_own = true;
        } else {
            of_others.insert(rule.repository_id);
        }
    }
    let any = !wanted.is_empty();
    for (path, (of_own, of_others)) in wanted {
        let ran: Vec<&Run> = list.iter().filter_map(Item::run).filter(|run| is_of(run, path)).collect();
        let is = |origin: Origin| ran.iter().any(|r| r.origin == origin);
        // Each repository's file is a workflow of its own.
        let brought: BTreeSet<i64> =
            ran.iter().filter(|r| r.origin == Origin::Rule).map(|r| r.workflow_id).collect();
        let mut missing = Vec::new();
        if of_own && !is(Origin::Repository) && !is(Origin::Unknown) && brought.len() <= of_others.len() {
            missing.push((State::Missing, "a rule of the base branch requires this workflow".to_owned()));
        }
        if brought.len() < of_others.len() {
            let ids: Vec<String> = of_others.iter().flatten().map(i64::to_string).collect();
            let which = match ids.len() {
                0 => "another repository".to_owned(),
                _ => format!("another repository (id {})", ids.join(", ")),
            };
            let required = format!("a rule of the base branch requires this workflow of {which}");
            missing.push(if is(Origin::Unknown) {
                (
                    State::Unknown,
                    format!("{required}; GitHub does not say whether the run of this path is that one"),
                )
            } else if !brought.is_empty() {
                (State::Unknown, format!("{required}; fewer ran, and GitHub does not say which"))
            } else if is(Origin::Repository) {
                (State::Missing, format!("{required}; the file of this path in the commit is not that one"))
            } else {
                (State::Missing, required)
            });
        }
        for (state, note) in missing {
            let name = if path.is_empty() { "a workflow without a path" } else { path };
            let mut item = Item::new(Kind::Missing, name.to_owned(), "", "", state);
            item.note = Some(note);
            item.suite = suites.special(REQUIRED_CHECKS);
            list.push(item);
        }
    }
    any
}

/// Whether a run is of a file of this path: of the repository, or of another one that GitHub names in front of it.
fn is_of(run: &Run, path: &str) -> bool {
    run.path == path && !path.is_empty()
        || run.path.strip_suffix(path).and_then(|front| front.strip_suffix('/')).is_some_and(|front| {
            run.origin == Origin::Rule && front.split('/').filter(|part| !part.is_empty()).count() == 2
        })
}
