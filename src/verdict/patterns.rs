//! Failures that look alike: in several jobs, attempts and commits.
//!
//! What was seen on earlier commits is kept in the status itself, so that a restart forgets nothing. A pattern
//! explains and never excuses: a pass on the same commit makes it flaky, the same values on commit after commit
//! make it deterministic, and nothing else makes it either.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Context;
use super::facts::{Evidence, Facts, Job};
use super::items::{Item, Items};
use super::report::len;
use super::state::State;
use super::text::clean;
use super::thresholds::DETERMINISTIC_COMMITS;
use crate::api::status::{Pattern, SeenFailure};

const MAX_PATTERNS: usize = 50;
/// Failures of earlier commits that are remembered, and commits of each.
const MAX_SEEN: usize = 24;
const MAX_COMMITS: usize = 10;
const MAX_JOBS: usize = 32;
const MAX_ELSEWHERE: usize = 5;

/// What a failure turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It passed on the same commit.
    Flaky,
    /// The same values on enough commits in a row.
    Deterministic,
    /// On several commits.
    Recurring,
    /// In several jobs or attempts, or in other reports too.
    Shared,
    /// Nothing else looks like it.
    Single,
}

impl Nature {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Flaky => "Flaky",
            Self::Deterministic => "Deterministic",
            Self::Recurring => "Recurring",
            Self::Shared | Self::Single => "Shared",
        }
    }
}

/// One fingerprint on this commit.
struct Group<'a> {
    text: &'a str,
    values: BTreeSet<&'a str>,
    /// Names of the jobs that show it.
    jobs: BTreeSet<&'a str>,
    executions: BTreeSet<i64>,
    passed: bool,
    times: Vec<Timestamp>,
}

/// The patterns of this commit, and what is remembered for the next ones.
pub(super) struct Patterns {
    pub list: Vec<Pattern>,
    pub seen: Vec<SeenFailure>,
    natures: BTreeMap<String, (Nature, i64)>,
}

impl Patterns {
    /// What a failure turned out to be, and on how many commits it was seen.
    pub fn nature(&self, evidence: &Evidence) -> (Nature, i64) {
        let print = evidence.fingerprint.as_deref().unwrap_or_default();
        self.natures.get(print).copied().unwrap_or((Nature::Single, 1))
    }
}

/// What is remembered when there are no facts.
pub(super) fn kept(context: &Context<'_>) -> Vec<SeenFailure> {
    context.previous.map(|p| p.failure_history.clone()).unwrap_or_default()
}

/// Puts together what fails on this commit and what was seen before.
pub(super) fn patterns(facts: &Facts, items: &Items<'_>, context: &Context<'_>) -> Patterns {
    let groups = groups(items);
    let seen = remember(facts, items, &groups, kept(context));
    let mut list = Vec::new();
    let mut natures = BTreeMap::new();
    for (print, group) in &groups {
        let known: Vec<&SeenFailure> = seen.iter().filter(|s| s.fingerprint == *print).collect();
        let commits: BTreeSet<&String> = known.iter().flat_map(|s| &s.commits).collect();
        // One entry holds one set of values.
        let same = known.iter().map(|s| s.commits_total).max().unwrap_or(1);
        let total = same.max(len(commits.len())).max(1);
        let elsewhere: Vec<String> = facts
            .sightings
            .iter()
            .filter(|s| s.fingerprint == *print)
            .map(|s| clean(&s.told, 200))
            .take(MAX_ELSEWHERE)
            .collect();
        let nature = if group.passed {
            Nature::Flaky
        } else if same >= DETERMINISTIC_COMMITS {
            Nature::Deterministic
        } else if total > 1 {
            Nature::Recurring
        } else if group.executions.len() > 1 || !elsewhere.is_empty() {
            Nature::Shared
        } else {
            Nature::Single
        };
        natures.insert((*print).to_owned(), (nature, total));
        if nature == Nature::Single || list.len() >= MAX_PATTERNS {
            continue;
        }
        let first = known.iter().map(|s| s.first_seen.0).chain(group.times.iter().copied()).min();
        let last = group.times.iter().copied().max();
        list.push(Pattern {
            fingerprint: clean(print, 64),
            text: clean(group.text, 512),
            kind: nature.as_str().to_owned(),
            jobs_total: len(group.jobs.len()),
            jobs: group.jobs.iter().take(MAX_JOBS).map(|j| clean(j, 255)).collect(),
            executions: len(group.executions.len()),
            commits: commits.into_iter().take(MAX_COMMITS).cloned().collect(),
            commits_total: total,
            first_seen: first.map(Time),
            last_seen: last.map(Time),
            elsewhere,
        });
    }
    Patterns { list, seen, natures }
}

/// What fails on this commit, or did in an older attempt of a job that passed since.
fn groups<'a>(items: &Items<'a>) -> BTreeMap<&'a str, Group<'a>> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for item in items.items.iter().filter(|i| i.state == State::Failed || i.recovered) {
        let (false, Some(run), Some(own)) = (item.aggregate, item.run(), item.job()) else { continue };
        for job in run.jobs.iter().filter(|j| j.name == own.name && j.attempt <= own.attempt) {
            let Some((print, evidence)) = failure(job) else { continue };
            let group = groups.entry(print).or_insert_with(|| Group {
                text: evidence.signature.as_deref().unwrap_or_default(),
                values: BTreeSet::new(),
                jobs: BTreeSet::new(),
                executions: BTreeSet::new(),
                passed: false,
                times: Vec::new(),
            });
            group.values.insert(evidence.values.as_deref().unwrap_or_default());
            group.jobs.insert(&job.name);
            group.executions.insert(job.id);
            group.passed |= item.recovered;
            group.times.extend(job.completed_at);
        }
    }
    groups
}

fn failure(job: &Job) -> Option<(&str, &Evidence)> {
    let red = matches!(job.conclusion.as_deref(), Some("failure" | "timed_out"));
    let evidence = job.evidence.as_ref().filter(|_| red)?;
    let print = evidence.fingerprint.as_deref().filter(|p| !p.is_empty())?;
    Some((print, evidence))
}

/// The memory after this commit. A failure whose jobs all passed is forgotten; one that only did not run is not.
fn remember(
    facts: &Facts,
    items: &Items<'_>,
    groups: &BTreeMap<&str, Group<'_>>,
    mut seen: Vec<SeenFailure>,
) -> Vec<SeenFailure> {
    let commit: String = facts.source.sha.chars().take(8).collect();
    let of = |name: &str| items.items.iter().find(|i| i.name == name);
    let passed = |name: &str| of(name).is_some_and(|i: &Item<'_>| i.state == State::Succeeded);
    let now = |s: &SeenFailure| {
        groups.get(s.fingerprint.as_str()).is_some_and(|g| !g.passed && g.values.contains(s.values.as_str()))
    };
    seen.retain(|s| now(s) || !s.jobs.iter().all(|job| passed(job)));
    for (print, group) in groups.iter().filter(|(_, g)| !g.passed) {
        let (Some(first), Some(last)) = (group.times.iter().min(), group.times.iter().max()) else {
            continue;
        };
        for values in &group.values {
            let known = seen.iter_mut().find(|s| s.fingerprint == *print && s.values == *values);
            match known {
                Some(known) => {
                    if !known.commits.contains(&commit) {
                        known.commits.push(commit.clone());
                        known.commits_total = known.commits_total.saturating_add(1);
                        let excess = known.commits.len().saturating_sub(MAX_COMMITS);
                        known.commits.drain(..excess);
                    }
                    known.last_seen = Time(known.last_seen.0.max(*last));
                }
                None => seen.push(SeenFailure {
                    fingerprint: clean(print, 64),
                    values: clean(values, 64),
                    jobs: group.jobs.iter().take(4).map(|j| clean(j, 255)).collect(),
                    commits: vec![commit.clone()],
                    commits_total: 1,
                    first_seen: Time(*first),
                    last_seen: Time(*last),
                }),
            }
        }
    }
    // What was seen last is kept.
    seen.sort_by(|a, b| {
        (b.last_seen.0, &a.fingerprint, &a.values).cmp(&(a.last_seen.0, &b.fingerprint, &b.values))
    });
    seen.truncate(MAX_SEEN);
    seen
}
