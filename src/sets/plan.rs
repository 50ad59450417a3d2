//! What has to change so that there are exactly the reports that a set wants.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::owner::{is_of, owner_of};
use super::same::{Compared, is_as};
use super::select::{may_select, selects};
use super::stay::Stay;
use super::template::Wanted;
use crate::api::set::PullRequestGenerator;
use crate::api::{TestRunReport, TestRunReportSet};
use crate::cache::{Kept, Made};
use crate::collect::{Candidate, Candidates};

/// What there is to do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Pull requests or commits that are selected, as far as they were listed.
    pub matching: usize,
    /// Of these, those without a report because there would be too many.
    pub over: usize,
    /// There may be more than were listed.
    pub more: bool,
    /// Only so many of the newest were looked through, and fewer than would be wanted are selected.
    pub reach: Option<usize>,
    /// Reports of the set that stay, whether they change or not.
    pub kept: usize,
    /// Closed pull requests whose reports stay for a while.
    pub retained: BTreeSet<i64>,
    /// When the first of them goes.
    pub next: Option<Timestamp>,
    pub create: Vec<Wanted>,
    pub update: Vec<Update>,
    pub prune: Vec<Arc<Kept>>,
    /// Names that are wanted and that another report has.
    pub taken: Vec<Taken>,
    /// Pull requests whose files are not known yet; what reports they have stay as they are.
    pub unread: BTreeSet<i64>,
    /// Pull requests that were not listed: whether they are closed has to be asked before their reports go.
    pub ask: Vec<i64>,
    /// Reports that are as they should be.
    pub compared: Compared,
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
/// are not open, with the time since when; `compared` is what an earlier plan found as it should be. An error says what
/// is wrong with the template.
pub fn plan(
    set: &TestRunReportSet,
    listed: &Candidates,
    closed: &BTreeMap<i64, Timestamp>,
    reports: &[Arc<Kept>],
    compared: &Compared,
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
    plan.reach = (listed.reach > 0 && !listed.whole && !plan.more).then_some(listed.reach);
    plan.unread = unread(select, listed, matching.get(most.saturating_sub(1)).copied());
    let by_name: HashMap<&str, &Arc<Kept>> = reports.iter().map(|r| (r.name(), r)).collect();
    let mut stay = Stay::new(set, now);
    let mut names = BTreeSet::new();
    for candidate in matching.iter().take(most) {
        let wanted = Wanted::of(set, candidate)?;
        if !names.insert(wanted.name.clone()) {
            plan.taken.push(Taken { name: wanted.name, by: "another one of this set".to_owned() });
            continue;
        }
        let report = by_name.get(wanted.name.as_str());
        stay.wanted(candidate, report.is_some());
        match report {
            None => plan.create.push(wanted),
            Some(report) => plan.there(set, report, wanted, compared),
        }
    }
    let own: Vec<(&Arc<Kept>, &Made)> = reports
        .iter()
        .filter(|r| is_of(r, set))
        .filter_map(|r| Some((r, r.facts().made.as_deref()?)))
        .collect();
    let own: Vec<_> = own.into_iter().filter(|(_, made)| !made.deleting).collect();
    own.iter().for_each(|(report, made)| stay.there(report, made, names.contains(report.name())));
    stay.order();
    let open: BTreeSet<i64> = listed.list.iter().filter_map(|c| c.number).collect();
    // Below this number nothing was listed.
    let reach = if listed.whole { None } else { listed.list.last().and_then(|c| c.number) };
    for (report, made) in own.into_iter().filter(|(report, _)| !names.contains(report.name())) {
        if made.number.is_some_and(|n| plan.unread.contains(&n)) {
            plan.kept += 1;
            continue;
        }
        // Commits of a branch are all listed; a pull request may have been missed.
        let numbered = set.spec.generators.has_numbers();
        let unlisted = made.number.filter(|n| numbered && !open.contains(n));
        match unlisted.map(|n| (n, closed.get(&n))) {
            Some((n, Some(since))) => stay.closed(report, made, n, *since),
            // Of the newest there are enough without it.
            Some((n, None)) if plan.more && reach.is_some_and(|least| n < least) => {
                plan.prune.push(Arc::clone(report));
            }
            Some((n, None)) => {
                plan.kept += 1;
                plan.ask.push(n);
            }
            None => stay.listed(report, made),
        }
    }
    plan.ask.sort_unstable();
    plan.ask.dedup();
    let room = most.saturating_sub(plan.kept + plan.create.len());
    stay.within(room, &mut plan);
    Ok(plan)
}

impl Plan {
    /// A report of a name that is wanted is there.
    fn there(&mut self, set: &TestRunReportSet, report: &Kept, wanted: Wanted, compared: &Compared) {
        let made = report.facts().made.as_deref().filter(|_| is_of(report, set));
        let Some(made) = made else {
            let by =
                report.open().map_or_else(|_| "a report that cannot be read".to_owned(), |r| owner_of(&r));
            self.taken.push(Taken { name: wanted.name, by });
            return;
        };
        // What is being deleted is made anew once it is gone.
        if made.deleting {
            return;
        }
        self.kept += 1;
        let prints = (made.print, wanted.print);
        if compared.get(&wanted.name) == Some(&prints) {
            self.compared.insert(wanted.name, prints);
            return;
        }
        // One that cannot be opened is left as it is.
        let Ok(report) = report.open() else { return };
        if is_as(&report, &wanted, set) {
            self.compared.insert(wanted.name, prints);
        } else {
            self.update.push(Update { report: Arc::new(report), wanted });
        }
    }
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
