//! Everything that the verdict looks at, as one list: effective jobs, checks of other apps, and what
//! is expected and not there. Each item is in one suite, in one state, and either counts or not.

use std::collections::{BTreeMap, BTreeSet};

use super::before::Before;
use super::facts::{Check, Facts, GapKind, Job, Run};
use super::held::Held;
use super::jobs::{self, Effective};
use super::plan::Plan;
use super::state::State;
use super::suites::{CHECKS, Suites};
use super::{checks, excuses, expected, publish, rules, text};
use crate::api::status::{SourceStatus, Waived};
use jiff::Timestamp;

/// One job, check or expectation.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub kind: Kind<'a>,
    pub name: String,
    pub workflow: &'a str,
    pub path: &'a str,
    pub state: State,
    pub detail: Option<String>,
    pub note: Option<String>,
    /// Index into the list of suites.
    pub suite: usize,
    /// Its failure fails the verdict.
    pub required: bool,
    /// Only repeats what others say.
    pub aggregate: bool,
    /// Allowed or waived.
    pub excused: bool,
    /// The waivers that excuse it.
    pub waived: Vec<Waived>,
    /// Skipped because another job of its run failed.
    pub consequence: bool,
    /// Red although everything that it stands for is green.
    pub disagrees: bool,
    /// Ended by something else than its own result.
    pub cut_short: bool,
    /// Its test counts cannot be all of them.
    pub incomplete: Option<String>,
    pub recovered: bool,
}

/// What an item is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Job(&'a Run, &'a Job),
    /// A run that stands for itself.
    Run(&'a Run),
    Check(&'a Check),
    /// Expected, not seen.
    Missing,
}

impl<'a> Item<'a> {
    pub fn run(&self) -> Option<&'a Run> {
        match self.kind {
            Kind::Job(run, _) | Kind::Run(run) => Some(run),
            _ => None,
        }
    }

    pub fn job(&self) -> Option<&'a Job> {
        match self.kind {
            Kind::Job(_, job) => Some(job),
            _ => None,
        }
    }

    /// Fails the verdict if it stays as it is; of what may still come only once the deadline passed.
    pub fn red(&self, overdue: bool) -> bool {
        if self.excused {
            return false;
        }
        match self.state {
            State::Failed | State::Cancelled | State::Skipped | State::Neutral => true,
            State::Missing | State::ActionRequired => overdue,
            State::Succeeded => self.incomplete.is_some(),
            State::Running | State::Unknown => false,
        }
    }

    /// Ended, and GitHub does not say how.
    pub fn inconclusive(&self) -> bool {
        let (status, conclusion) = match self.kind {
            Kind::Job(_, job) => (&job.status, &job.conclusion),
            Kind::Run(run) => (&run.status, &run.conclusion),
            Kind::Check(check) => (&check.status, &check.conclusion),
            Kind::Missing => return false,
        };
        status == "completed" && conclusion.as_deref().is_none_or(str::is_empty)
    }

    /// May still change by itself.
    pub fn open(&self, overdue: bool) -> bool {
        match self.state {
            State::Running => true,
            State::Missing | State::ActionRequired => !overdue,
            _ => false,
        }
    }

    pub(super) fn new(kind: Kind<'a>, name: String, workflow: &'a str, path: &'a str, state: State) -> Self {
        Self {
            kind,
            name,
            workflow,
            path,
            state,
            detail: None,
            note: None,
            suite: 0,
            required: true,
            aggregate: false,
            excused: false,
            waived: Vec::new(),
            consequence: false,
            disagrees: false,
            cut_short: false,
            incomplete: None,
            recovered: false,
        }
    }
}

/// All items with their suites.
pub(super) struct Items<'a> {
    pub items: Vec<Item<'a>>,
    pub suites: Suites,
    pub runs: Vec<&'a Run>,
    pub set_aside: BTreeMap<i64, String>,
    pub notes: Vec<String>,
    /// All runs that count are completed, or wait for this verdict.
    pub runs_complete: bool,
    /// What waits for this verdict.
    pub held: Held,
    /// What must be there could not be read: sentences for people.
    pub blind: Vec<String>,
    /// There is a list to compare with: `expect`, a green base commit, or required checks.
    pub has_expectations: bool,
    /// What earlier looks saw.
    pub before: Before,
}

/// Makes the list; `last` is what the last status has of the same commit.
pub(super) fn items<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    now: Timestamp,
    last: Option<&SourceStatus>,
) -> Items<'a> {
    let jobs::Effectives { jobs: effective, set_aside, runs, mut notes } =
        jobs::effective(facts, publish::deployment::environments(plan.spec));
    let needed: BTreeSet<&str> = facts
        .expectations
        .required
        .iter()
        .filter(|r| !publish::publishes(plan.spec, r))
        .map(|r| r.name.as_str())
        .collect();
    let mut list: Vec<Item<'a>> = Vec::with_capacity(effective.len() + facts.checks.len());
    let mut twice = BTreeSet::new();
    let mut chosen: Vec<Option<usize>> = Vec::new();
    for e in &effective {
        let by_rule = rules::concern(facts, e.run);
        if !plan.wants(&e.run.workflow, &e.run.path) && !needed.contains(e.name) && !by_rule {
            continue;
        }
        let (suite, more) = match e.job {
            Some(_) => plan.suite_of(&e.run.workflow, &e.run.path, e.name),
            None => (plan.suite_of_run(&e.run.workflow, &e.run.path), false),
        };
        if more {
            twice.insert(e.name);
        }
        chosen.push(suite);
        list.push(of_job(plan, e));
    }
    if !twice.is_empty() {
        notes.push(format!(
            "matched by two suites, the first one has it: {}",
            text::list(twice.into_iter(), 5)
        ));
    }
    let mut suites = Suites::new(plan);
    suites.derive(plan, &list);
    for (item, suite) in list.iter_mut().zip(chosen) {
        item.suite = match suite {
            Some(i) => i,
            None => suites.for_job(plan, item.workflow, &item.name),
        };
        item.required = suites.required(item.suite);
    }
    of_checks(plan, facts, &mut list, &mut suites, &mut notes);
    let has_expectations = expected::expected(plan, facts, &mut list, &mut suites);
    expected::required_checks(plan, facts, &mut list, &mut suites, &mut notes);
    let before = Before::of(plan, facts, &runs, last);
    before.add(facts, &mut list, &mut suites);
    consequences(plan, &mut list);
    let held = Held::of(plan, &runs, &mut list);
    // A run of the same workflow as anything that counts may still come to it.
    let counting: BTreeSet<(i64, &str)> =
        list.iter().filter_map(Item::run).map(|r| (r.workflow_id, r.path.as_str())).collect();
    let counts = |r: &Run| {
        plan.wants(&r.workflow, &r.path)
            || counting.contains(&(r.workflow_id, r.path.as_str()))
            || rules::concern(facts, r)
    };
    let runs_complete = runs
        .iter()
        .filter(|r| !set_aside.contains_key(&r.id) && counts(r))
        .all(|r| r.status == "completed" || held.has(r));
    for item in &mut list {
        excuses::apply(plan, item, now);
    }
    let blind = if plan.expects_everything() {
        Vec::new()
    } else {
        facts
            .gaps
            .iter()
            .filter(|g| matches!(g.kind, GapKind::RequiredChecks | GapKind::Baseline))
            .map(|g| text::clean(&g.message, 300))
            .collect()
    };
    Items {
        items: list,
        suites,
        runs,
        set_aside,
        notes,
        runs_complete,
        held,
        blind,
        has_expectations: has_expectations || !facts.expectations.required.is_empty(),
        before,
    }
}

fn of_job<'a>(plan: &Plan<'_>, e: &Effective<'a>) -> Item<'a> {
    let kind = match e.job {
        Some(job) => Kind::Job(e.run, job),
        None => Kind::Run(e.run),
    };
    let mut item = Item::new(kind, e.name.to_owned(), &e.run.workflow, &e.run.path, e.state);
    item.detail.clone_from(&e.detail);
    item.note.clone_from(&e.note);
    item.recovered = e.recovered;
    item.disagrees = e.disagrees;
    item.aggregate = e.job.is_some() && plan.is_aggregate(&e.run.workflow, &e.run.path, e.name);
    if let Some(job) = e.job {
        item.cut_short = excuses::cut_short(e.state, job);
        item.incomplete = (e.state == State::Succeeded).then(|| shrunk(job, &e.older)).flatten();
    }
    item
}

/// A green job that ran less than three quarters of the tests that an older attempt had.
fn shrunk(job: &Job, older: &[&Job]) -> Option<String> {
    let total = job.evidence.as_ref()?.tests?.total;
    let before = older.iter().filter_map(|j| j.evidence.as_ref()?.tests.map(|t| t.total)).max()?;
    (total.saturating_mul(4) < before.saturating_mul(3))
        .then(|| format!("ran {total} tests, an earlier attempt on this commit had {before}"))
}

/// Checks of other apps and commit statuses, and those that the spec asks for and are not there.
fn of_checks<'a>(
    plan: &Plan<'a>,
    facts: &'a Facts,
    list: &mut Vec<Item<'a>>,
    suites: &mut Suites,
    notes: &mut Vec<String>,
) {
    let (counting, foreign) = checks::effective(facts);
    if foreign > 0 {
        notes.push(format!("{} of another commit left out", text::count(foreign, "check")));
    }
    let mut found = vec![false; plan.spec.checks.len()];
    for check in counting {
        if plan.is_own(check) {
            continue;
        }
        let mut asked = false;
        for (spec, found) in plan.spec.checks.iter().zip(&mut found) {
            let app = spec
                .app
                .as_deref()
                .is_none_or(|a| check.app.as_deref().is_some_and(|b| a.eq_ignore_ascii_case(b)));
            if spec.name == check.name && app {
                *found = true;
                asked = true;
            }
        }
        let by_branch = facts.expectations.required.iter().any(|r| satisfies(check, &r.name, r.app_id));
        // Whoever says which suites matter says which checks do; else all of them do.
        if asked || by_branch || plan.suites.is_empty() {
            let mut item = Item::new(Kind::Check(check), check.name.clone(), "", "", State::of_check(check));
            item.detail = State::detail(&check.status, check.conclusion.as_deref());
            item.suite = suites.special(CHECKS);
            item.cut_short = excuses::check_cut_short(item.state, check);
            list.push(item);
        }
    }
    for (spec, found) in plan.spec.checks.iter().zip(found) {
        if !found {
            let mut item = Item::new(Kind::Missing, spec.name.clone(), "", "", State::Missing);
            item.note = Some(match &spec.app {
                Some(app) => format!("spec.checks asks for it from {app}"),
                None => "spec.checks asks for it".to_owned(),
            });
            item.suite = suites.special(CHECKS);
            list.push(item);
        }
    }
}

pub(super) fn satisfies(check: &Check, name: &str, app_id: Option<i64>) -> bool {
    check.name == name && app_id.is_none_or(|id| check.app_id == Some(id))
}

/// Marks jobs that were skipped because a job of the same run failed.
fn consequences(plan: &Plan<'_>, list: &mut [Item<'_>]) {
    let broke = |state: State| matches!(state, State::Failed | State::Cancelled);
    let broken: BTreeSet<i64> = list
        .iter()
        .filter(|i| broke(i.state) && !i.aggregate && !i.disagrees)
        .filter_map(|i| i.run().map(|r| r.id))
        .collect();
    // What failed beside it was a reason to skip it, even if another run has passed that since.
    let beside = |run: &Run, job: &Job| {
        run.jobs.iter().any(|other| {
            other.attempt == job.attempt
                && broke(State::of_job(other))
                && !plan.is_aggregate(&run.workflow, &run.path, &other.name)
        })
    };
    for item in list.iter_mut() {
        let of_run = item.run().is_some_and(|r| broken.contains(&r.id));
        let of_attempt = matches!(item.kind, Kind::Job(run, job) if beside(run, job));
        if item.state == State::Skipped && (of_run || of_attempt) {
            item.consequence = true;
            item.note
                .get_or_insert_with(|| "skipped, as a consequence of another failure in its run".to_owned());
        }
    }
}
