//! What must be there and is not: by the spec, by the base branch's last green commit, by its rules.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ACTIONS_APP_ID, Baseline, Facts};
use super::items::{Item, Kind, satisfies};
use super::plan::{Plan, names_workflow};
use super::state::State;
use super::suites::{REQUIRED_CHECKS, Suites};
use super::{publish, rules, text};

/// Adds what the spec or the base branch says must be there. True when there was such a list.
pub(super) fn expected<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
) -> bool {
    let mut any = false;
    for (i, suite) in plan.suites.iter().enumerate() {
        let Some(expect) = suite.expect else { continue };
        any = true;
        let there: Vec<String> = list
            .iter()
            .filter(|item| item.suite == i && !matches!(item.kind, Kind::Run(_)))
            .map(|item| item.name.clone())
            .collect();
        let counted = distinct(list.iter().filter(|item| item.suite == i));
        let mut missing = |name: String, note: &str| {
            let mut item = Item::new(Kind::Missing, name, "", "", State::Missing);
            item.note = Some(note.to_owned());
            item.suite = i;
            item.required = suite.required;
            list.push(item);
        };
        for name in expect.jobs.iter().flatten().collect::<BTreeSet<_>>() {
            if !there.contains(name) {
                missing(name.clone(), "the suite expects it");
            }
        }
        let wanted = usize::try_from(expect.count.unwrap_or(0)).unwrap_or(0).min(1000);
        for n in counted..wanted {
            missing(format!("{} ({} of {wanted})", suite.name, n + 1), "the suite expects that many jobs");
        }
    }
    for entry in &plan.spec.workflows {
        any = true;
        let ran = list.iter().any(|i| names_workflow(entry, i.workflow, i.path) && i.run().is_some());
        if !ran {
            let mut item = Item::new(Kind::Missing, entry.clone(), "", "", State::Missing);
            item.note = Some("spec.workflows names it, and it did not run on this commit".to_owned());
            item.suite = suites.special(REQUIRED_CHECKS);
            list.push(item);
        }
    }
    any |= rules::required_workflows(facts, list, suites);
    any |= baseline_jobs(plan, facts, list, suites);
    any |= no_run_at_all(plan, facts, list, suites);
    // A suite that is required and empty is a job renamed, a workflow switched off, or a wrong expression.
    for (i, suite) in plan.suites.iter().enumerate() {
        let empty = !list.is_empty() && !list.iter().any(|item| item.suite == i);
        if suite.required && empty {
            let mut item = Item::new(Kind::Missing, suite.name.to_owned(), "", "", State::Missing);
            item.note = Some(
                "no job on this commit belongs to this required suite; see its match, or make it Informational"
                    .to_owned(),
            );
            item.suite = i;
            list.push(item);
        }
    }
    any
}

/// Adds a run where others of the commit's kind lately had some and it has none. Checks of other apps, and runs that only
/// label it, say nothing of what was kept from running: by `[skip ci]` in a message, a conflict with the base branch, or a
/// filter. Whoever has suites says in them what must be there.
fn no_run_at_all<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
) -> bool {
    let awaited = |i: &Item<'_>| matches!(i.kind, Kind::Missing) && !i.workflow.is_empty();
    let told = !plan.suites.is_empty() || !plan.spec.workflows.is_empty();
    if !facts.expectations.some_run || told || list.is_empty() || list.iter().any(awaited) {
        return false;
    }
    let mut item = Item::new(Kind::Missing, "a workflow run".to_owned(), "", "", State::Missing);
    item.note = Some(
        "workflows lately ran for other commits like this one, and none did for what it changes: [skip ci] in its \
         message, a conflict with its base branch or a filter may be why"
            .to_owned(),
    );
    item.suite = suites.special(REQUIRED_CHECKS);
    list.push(item);
    true
}

/// How many jobs these are. What a workflow runs for several events is the same job each time.
fn distinct<'i, 'a: 'i>(items: impl Iterator<Item = &'i Item<'a>>) -> usize {
    let mut runs: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for item in items {
        if let Kind::Job(run, job) = item.kind {
            *runs.entry((item.path, job.name.as_str())).or_default().entry(&run.event).or_default() += 1;
        }
    }
    runs.values().filter_map(|events| events.values().max()).sum()
}

/// Adds what the last green commit of the base branch had. True when there was such a list.
fn baseline_jobs<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
) -> bool {
    let mut any = false;
    let Baseline::Found(baseline) = &facts.expectations.baseline else { return any };
    let mut asked = BTreeSet::new();
    for workflow in &baseline.workflows {
        if workflow.not_for_this_event || !plan.wants(&workflow.workflow, &workflow.path) {
            continue;
        }
        any = true;
        for name in &workflow.jobs {
            let there = list.iter().any(|i| {
                i.name == *name
                    && i.run().is_some_and(|r| r.path == workflow.path || r.workflow == workflow.workflow)
            });
            if there || !asked.insert((workflow.path.as_str(), name.as_str())) {
                continue;
            }
            let (suite, _) = plan.suite_of(&workflow.workflow, &workflow.path, name);
            if suite.and_then(|i| plan.suites.get(i)).is_some_and(|s| s.expect.is_some()) {
                continue;
            }
            let mut item =
                Item::new(Kind::Missing, name.clone(), &workflow.workflow, &workflow.path, State::Missing);
            item.suite = match suite {
                Some(i) => i,
                None => suites.for_job(plan, &workflow.workflow, name),
            };
            item.required = suites.required(item.suite);
            item.aggregate = plan.is_aggregate(&workflow.workflow, &workflow.path, name);
            item.note = Some(format!(
                "the last green commit of {} ({}) had it",
                text::clean(&baseline.branch, 100),
                baseline.sha.get(..8).unwrap_or(&baseline.sha)
            ));
            list.push(item);
        }
    }
    any
}

/// Makes what the base branch requires count, and what is not there missing.
pub(super) fn required_checks<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
    notes: &mut Vec<String>,
) {
    for required in facts.expectations.required.iter().collect::<BTreeSet<_>>() {
        let mut there = false;
        for item in list.iter_mut() {
            let fits = match item.kind {
                Kind::Job(..) => {
                    item.name == required.name && required.app_id.is_none_or(|id| id == ACTIONS_APP_ID)
                }
                Kind::Check(check) => satisfies(check, &required.name, required.app_id),
                Kind::Run(_) | Kind::Missing => false,
            };
            if fits {
                there = true;
                item.required = true;
            }
        }
        if publish::publishes(plan.spec, required) {
            notes.push(format!(
                "the branch requires {}, which this report itself publishes; it does not wait for itself",
                text::clean(&required.name, 100)
            ));
            continue;
        }
        // Already missing for another reason: one entry is enough, and it counts.
        if !there && required.app_id.is_none_or(|id| id == ACTIONS_APP_ID) {
            for item in list.iter_mut().filter(|i| matches!(i.kind, Kind::Missing) && i.name == required.name)
            {
                there = true;
                item.required = true;
            }
        }
        if !there {
            let mut item = Item::new(Kind::Missing, required.name.clone(), "", "", State::Missing);
            item.note = Some(match required.app_id {
                Some(id) => format!("the base branch requires it from the app with id {id}"),
                None => "the base branch requires it".to_owned(),
            });
            item.suite = suites.special(REQUIRED_CHECKS);
            list.push(item);
        }
    }
}
