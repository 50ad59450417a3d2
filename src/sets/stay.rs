//! Which reports stay though no list asks for them: those of closed pull requests and of commits that are not the
//! newest any more, for as long as the set says.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::plan::Plan;
use crate::api::TestRunReportSet;
use crate::api::set::Retention;
use crate::cache::{Kept, Made};
use crate::collect::Candidate;

/// What is known of the reports of a set; first `wanted` and `there` of all of them, then `order`, then the questions.
pub(super) struct Stay<'a> {
    retention: &'a Retention,
    /// So many commits have reports at a time: one of each pull request, or the newest of a branch.
    last: usize,
    /// Age at which a commit is not among those of a branch any more.
    age: Option<i64>,
    /// It is about commits of a branch.
    of_branch: bool,
    now: Timestamp,
    /// Pull requests of which a report is wanted, and commits.
    numbers: BTreeSet<i64>,
    heads: HashSet<&'a str>,
    /// By pull request, or of the branch.
    series: HashMap<Option<i64>, Series>,
    /// With the time at which they go at the latest, and what decides which of them go first.
    superseded: Vec<(&'a Arc<Kept>, Timestamp)>,
    closed: Vec<(&'a Arc<Kept>, i64, Timestamp, Timestamp)>,
    prune: Vec<&'a Arc<Kept>>,
}

/// Reports about commits of one pull request or branch.
#[derive(Default)]
struct Series {
    /// Those that will be made now.
    coming: usize,
    /// The newest first: when they were made, whether they are still wanted, and their names.
    there: Vec<(Reverse<i64>, Reverse<bool>, String)>,
    /// Where they are in that order, by name.
    places: HashMap<String, usize>,
}

impl<'a> Stay<'a> {
    pub fn new(set: &'a TestRunReportSet, now: Timestamp) -> Self {
        let commits = set.spec.generators.commits.as_ref();
        Self {
            retention: &set.spec.retention,
            last: commits.map_or(1, |by| usize::try_from(by.last).unwrap_or(1)),
            age: commits.and_then(|by| by.max_age_seconds),
            of_branch: commits.is_some(),
            now,
            numbers: BTreeSet::new(),
            heads: HashSet::new(),
            series: HashMap::new(),
            superseded: Vec::new(),
            closed: Vec::new(),
            prune: Vec::new(),
        }
    }

    /// A report of this one is wanted, and there or not.
    pub fn wanted(&mut self, candidate: &'a Candidate, there: bool) {
        self.numbers.extend(candidate.number);
        self.heads.insert(&candidate.head);
        if !there {
            self.series.entry(candidate.number).or_default().coming += 1;
        }
    }

    /// A report of the set is there, and wanted or not.
    pub fn there(&mut self, report: &Kept, made: &Made, wanted: bool) {
        let entry = (Reverse(report.facts().created), Reverse(wanted), report.name().to_owned());
        self.series.entry(made.number).or_default().there.push(entry);
    }

    pub fn order(&mut self) {
        for series in self.series.values_mut() {
            series.there.sort();
            series.places =
                series.there.iter().enumerate().map(|(at, (.., name))| (name.clone(), at)).collect();
        }
    }

    /// A report that is not wanted, of a pull request that is open, or of a commit.
    pub fn listed(&mut self, report: &'a Arc<Kept>, made: &Made) {
        let of_these = match made.number {
            Some(number) => !self.of_branch && self.numbers.contains(&number),
            None => self.of_branch,
        };
        let known = report.facts().sha.as_deref().is_some_and(|sha| self.heads.contains(sha));
        // What is not selected any more goes, and so does what has another name by now.
        let ends = (of_these && made.of_commit && !known).then(|| self.superseded_until(report, made));
        match ends.filter(|end| *end > self.now) {
            Some(end) => self.superseded.push((report, end)),
            None => self.prune.push(report),
        }
    }

    /// A report of a pull request that is closed since then.
    pub fn closed(&mut self, report: &'a Arc<Kept>, made: &Made, number: i64, since: Timestamp) {
        // By GitHub's clock, which may be ahead.
        let since = since.min(self.now);
        let newest = !made.of_commit || self.rank(report, made).0 < self.per_pull_request();
        let end = if newest {
            self.aged(report, after(since, self.ttl(made)))
        } else {
            self.superseded_until(report, made)
        };
        if end > self.now {
            self.closed.push((report, number, since, end));
        } else {
            self.prune.push(report);
        }
    }

    /// Lets stay what there is room for: the newest commits first, then what was closed last.
    pub fn within(mut self, room: usize, plan: &mut Plan) {
        self.superseded.sort_by_key(|(report, _)| (Reverse(report.facts().created), report.name()));
        self.closed
            .sort_by_key(|(report, number, since, _)| (Reverse(*since), Reverse(*number), report.name()));
        let commits = self.superseded.into_iter().map(|(report, end)| (report, None, end));
        let closed = self.closed.into_iter().map(|(report, number, _, end)| (report, Some(number), end));
        for (at, (report, number, end)) in commits.chain(closed).enumerate() {
            if at >= room {
                plan.prune.push(Arc::clone(report));
                continue;
            }
            plan.kept += 1;
            plan.retained.extend(number);
            if end < Timestamp::MAX {
                plan.next = Some(plan.next.map_or(end, |next| next.min(end)));
            }
        }
        plan.prune.extend(self.prune.into_iter().map(Arc::clone));
    }

    fn per_pull_request(&self) -> usize {
        usize::try_from(self.retention.per_pull_request).unwrap_or(1)
    }

    /// How long a report stays after it is not needed any more.
    fn ttl(&self, made: &Made) -> i64 {
        let longer = self.retention.failed_ttl_after_closed.filter(|_| made.failed);
        longer.unwrap_or(self.retention.ttl_after_closed)
    }

    /// Until when a report stays whose commit is not the newest any more.
    fn superseded_until(&self, report: &Kept, made: &Made) -> Timestamp {
        let (rank, since) = self.rank(report, made);
        if !self.of_branch && rank < self.per_pull_request() {
            return self.aged(report, Timestamp::MAX);
        }
        // An open pull request is not closed: of its older commits only what failed stays for longer.
        let failed = self.retention.failed_ttl_after_closed.filter(|_| made.failed);
        let seconds = if self.of_branch { self.ttl(made) } else { failed.unwrap_or(0) };
        self.aged(report, after(since, seconds))
    }

    /// How many newer ones there are of the same pull request or branch, and since when there are so many.
    fn rank(&self, report: &Kept, made: &Made) -> (usize, Timestamp) {
        let created = second(report.facts().created);
        let Some(series) = self.series.get(&made.number) else { return (0, created) };
        let rank = series.coming + series.places.get(report.name()).copied().unwrap_or(0);
        let since = match rank.checked_sub(self.last) {
            Some(newer) if newer < series.coming => self.now,
            Some(newer) => {
                let before = series.there.get(newer - series.coming);
                before.map_or(created, |(Reverse(made), ..)| second(*made))
            }
            // It left without a newer one: too old, or taken back.
            None => after(created, self.age.unwrap_or(0)),
        };
        (rank, since.min(self.now))
    }

    fn aged(&self, report: &Kept, end: Timestamp) -> Timestamp {
        let age = self.retention.max_age_seconds;
        age.map_or(end, |age| end.min(after(second(report.facts().created), age)))
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
