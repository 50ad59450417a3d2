//! What has to change so that there are exactly the reports that a set wants.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt};
use serde_json::Value;

use super::owner::{is_owned, owner_of};
use super::select::{may_select, selects};
use super::template::Wanted;
use crate::api::set::{DeletionPolicy, PULL_LABEL, PullRequestGenerator};
use crate::api::{ConditionType, TestRunReport, TestRunReportSet, TestRunReportSpec};
use crate::collect::{Candidate, Candidates};

/// Lists of a spec that an apply merges, by key or as a set: what others added to one of these stays.
const SHARED_LISTS: [&str; 6] = ["suites", "checks", "localResults", "allow", "workflows", "states"];

/// What there is to do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Pull requests or commits that are selected, as far as they were listed.
    pub matching: usize,
    /// Of these, those without a report because there would be too many.
    pub over: usize,
    /// There may be more than were listed.
    pub more: bool,
    /// Reports of the set that stay, whether they change or not.
    pub kept: usize,
    /// Closed pull requests whose reports stay for a while.
    pub retained: BTreeSet<i64>,
    /// When the first of them goes.
    pub next: Option<Timestamp>,
    pub create: Vec<Wanted>,
    pub update: Vec<Update>,
    pub prune: Vec<Arc<TestRunReport>>,
    /// Names that are wanted and that another report has.
    pub taken: Vec<Taken>,
    /// Pull requests whose files are not known yet; what reports they have stay as they are.
    pub unread: BTreeSet<i64>,
    /// Pull requests that were not listed: whether they are closed has to be asked before their reports go.
    pub ask: Vec<i64>,
}

/// A report that is not as it should be.
#[derive(Clone, Debug)]
pub struct Update {
    pub report: Arc<TestRunReport>,
    pub wanted: Wanted,
}

/// A name that another report has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub name: String,
    /// Whose it is.
    pub by: String,
}

impl Plan {
    /// Nothing has to change.
    pub fn is_done(&self) -> bool {
        let nothing = self.create.is_empty() && self.update.is_empty() && self.prune.is_empty();
        nothing && self.ask.is_empty() && self.unread.is_empty()
    }
}

/// Plans. `reports` are those of the set's namespace, `closed` the pull requests that GitHub was asked for and that
/// are not open, with the time since when. An error says what is wrong with the template.
pub fn plan(
    set: &TestRunReportSet,
    listed: &Candidates,
    closed: &BTreeMap<i64, Timestamp>,
    reports: &[Arc<TestRunReport>],
    now: Timestamp,
) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let select = set.spec.generators.pull_requests.as_ref();
    let selected = |c: &&Candidate| select.is_none_or(|select| selects(select, c));
    let matching: Vec<&Candidate> = listed.list.iter().filter(selected).collect();
    let most = usize::try_from(set.spec.retention.max_reports).unwrap_or(0);
    plan.matching = matching.len();
    plan.over = matching.len().saturating_sub(most);
    plan.more = !listed.whole && matching.len() > most;
    plan.unread = unread(select, listed, matching.get(most.saturating_sub(1)).copied());
    let by_name: HashMap<String, &Arc<TestRunReport>> = reports.iter().map(|r| (r.name_any(), r)).collect();
    let mut names = BTreeSet::new();
    for candidate in matching.iter().take(most) {
        let wanted = Wanted::of(set, candidate)?;
        if !names.insert(wanted.name.clone()) {
            plan.taken.push(Taken { name: wanted.name, by: "another one of this set".to_owned() });
            continue;
        }
        match by_name.get(&wanted.name) {
            None => plan.create.push(wanted),
            Some(report) if !is_owned(report, set) => {
                plan.taken.push(Taken { name: wanted.name, by: owner_of(report) });
            }
            // What is being deleted is made anew once it is gone.
            Some(report) if report.meta().deletion_timestamp.is_some() => {}
            Some(report) => {
                plan.kept += 1;
                if !is_as(report, &wanted, set) {
                    plan.update.push(Update { report: Arc::clone(report), wanted });
                }
            }
        }
    }
    let open: BTreeSet<i64> = listed.list.iter().filter_map(|c| c.number).collect();
    // Below this number nothing was listed.
    let reach = if listed.whole { None } else { listed.list.last().and_then(|c| c.number) };
    let left = reports.iter().filter(|r| is_owned(r, set) && !names.contains(&r.name_any()));
    let mut closed_ones = Vec::new();
    for report in left.filter(|r| r.meta().deletion_timestamp.is_none()) {
        if pull_of(report).is_some_and(|n| plan.unread.contains(&n)) {
            plan.kept += 1;
            continue;
        }
        // Commits of a branch are all listed; a pull request may have been missed.
        let numbered = set.spec.generators.has_numbers();
        let unlisted = pull_of(report).filter(|n| numbered && !open.contains(n));
        match unlisted.map(|n| (n, closed.get(&n))) {
            Some((n, Some(since))) => closed_ones.push((*since, n, report)),
            // Of the newest there are enough without it.
            Some((n, None)) if plan.more && reach.is_some_and(|least| n < least) => {
                plan.prune.push(Arc::clone(report));
            }
            Some((n, None)) => {
                plan.kept += 1;
                plan.ask.push(n);
            }
            None => plan.prune.push(Arc::clone(report)),
        }
    }
    plan.ask.sort_unstable();
    plan.ask.dedup();
    // Those that were closed last stay, as far as there is room beside the open ones.
    closed_ones.sort_by_key(|(since, n, _)| (Reverse(*since), Reverse(*n)));
    let mut room = most.saturating_sub(plan.kept + plan.create.len());
    for (since, number, report) in closed_ones {
        let end = since.checked_add(stays(set, report)).unwrap_or(Timestamp::MAX);
        if end <= now || room == 0 {
            plan.prune.push(Arc::clone(report));
            continue;
        }
        room -= 1;
        plan.kept += 1;
        plan.retained.insert(number);
        plan.next = Some(plan.next.map_or(end, |next| next.min(end)));
    }
    Ok(plan)
}

/// Pull requests whose files are not known yet, down to the last one that there is room for.
fn unread(
    select: Option<&PullRequestGenerator>,
    listed: &Candidates,
    last: Option<&Candidate>,
) -> BTreeSet<i64> {
    let Some(select) = select.filter(|s| !s.paths.is_empty()) else { return BTreeSet::new() };
    let room = listed.list.iter().take_while(|c| last.is_none_or(|last| c.number >= last.number));
    room.filter(|c| c.touches.is_none() && may_select(select, c)).filter_map(|c| c.number).collect()
}

/// How long a report stays after its pull request was closed.
fn stays(set: &TestRunReportSet, report: &TestRunReport) -> SignedDuration {
    let retention = &set.spec.retention;
    let conditions = report.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let failed = conditions.iter().any(|c| c.type_ == ConditionType::Passed.as_str() && c.status == "False");
    let longer = retention.failed_ttl_after_closed.filter(|_| failed);
    SignedDuration::from_secs(longer.unwrap_or(retention.ttl_after_closed))
}

/// The pull request that a report was made for.
fn pull_of(report: &TestRunReport) -> Option<i64> {
    let marked = report.labels().get(PULL_LABEL).and_then(|n| n.parse().ok());
    report.spec.source.github.pull_request.or(marked)
}

/// Whether a report is as it should be. What others added does not count.
fn is_as(report: &TestRunReport, wanted: &Wanted, set: &TestRunReportSet) -> bool {
    let keeps = set.spec.retention.deletion_policy == DeletionPolicy::Keep;
    let uid = set.uid().unwrap_or_default();
    let referred = report.meta().owner_references.iter().flatten().any(|o| o.uid == uid);
    let has = |all: &BTreeMap<String, String>, some: &BTreeMap<String, String>| {
        some.iter().all(|(key, value)| all.get(key) == Some(value))
    };
    // What the template had before and has no more is told by its hash, which is one of the annotations.
    referred != keeps
        && has(report.labels(), &wanted.labels)
        && has(report.annotations(), &wanted.annotations)
        && spec_is(report, wanted)
}

fn spec_is(report: &TestRunReport, wanted: &Wanted) -> bool {
    // As the types write it, with the defaults that the API server fills in.
    let typed =
        serde_json::from_value::<TestRunReportSpec>(wanted.spec.clone()).and_then(serde_json::to_value);
    match (typed, serde_json::to_value(&report.spec)) {
        (Ok(wanted), Ok(is)) => within("", &wanted, &is),
        _ => false,
    }
}

/// Whether everything of one value is in another.
fn within(key: &str, part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|is| within(key, value, is)))
        }
        (Value::Array(part), Value::Array(whole)) if SHARED_LISTS.contains(&key) => {
            part.iter().all(|value| whole.iter().any(|is| within("", value, is)))
        }
        _ => part == whole,
    }
}
