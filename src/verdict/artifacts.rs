//! References to artifacts: which of them matter, which job they belong to, and whether the
//! must-gather bundles of all failed jobs are there.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::Draft;
use super::facts::{ArtifactFact, Facts, GapKind};
use super::items::{Item, Items};
use super::plan::Plan;
use super::report::len;
use super::state::State;
use super::suites::matrix;
use super::text::{self, clean, clean_some};
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::status::Artifact;

const MAX_ARTIFACTS: usize = 200;
const MUST_GATHER: [&str; 1] = ["*must-gather*"];
const TEST_REPORTS: [&str; 4] = ["*test-results*", "*test-report*", "*junit*", "*ctrf*"];

/// What an artifact is, by its name.
fn kind(plan: &Plan<'_>, name: &str) -> &'static str {
    let spec = plan.spec.artifacts.as_ref();
    let any = |own: &[String], default: &[&str]| {
        if own.is_empty() { default.iter().any(|g| glob(g, name)) } else { own.iter().any(|g| glob(g, name)) }
    };
    if any(spec.map_or(&[], |s| &s.must_gather), &MUST_GATHER) {
        "MustGather"
    } else if any(spec.map_or(&[], |s| &s.test_reports), &TEST_REPORTS) {
        "TestReport"
    } else {
        "Other"
    }
}

/// The artifacts that matter, bundles first, and how many there are.
pub(super) fn list(
    plan: &Plan<'_>,
    facts: &Facts,
    items: &Items<'_>,
    owners: &[Option<usize>],
) -> (Vec<Artifact>, i64) {
    let runs: BTreeSet<i64> = items.runs.iter().map(|r| r.id).collect();
    let mut all: Vec<(&'static str, &ArtifactFact, Option<usize>)> = facts
        .artifacts
        .iter()
        .zip(owners)
        .filter(|(a, _)| runs.contains(&a.run_id))
        .map(|(a, owner)| (kind(plan, &a.name), a, *owner))
        .filter(|(kind, ..)| *kind != "Other")
        .collect();
    all.sort_by(|a, b| (a.0, &a.1.name, a.1.run_id, a.1.id).cmp(&(b.0, &b.1.name, b.1.run_id, b.1.id)));
    all.dedup_by_key(|(_, a, _)| a.id);
    let total = len(all.len());
    let out = all
        .into_iter()
        .take(MAX_ARTIFACTS)
        .map(|(kind, a, owner)| Artifact {
            name: clean(&a.name, 255),
            id: a.id,
            kind: kind.to_owned(),
            run_id: a.run_id,
            job: owner.and_then(|i| items.items.get(i)).map(|i| clean(&i.name, 255)),
            size_bytes: a.size_bytes,
            digest: clean_some(a.digest.as_deref(), 80),
            created_at: a.created_at.map(Time),
            expires_at: a.expires_at.map(Time),
            expired: a.expired,
            layout: clean_some(a.layout.as_deref(), 32),
            url: clean(&a.url, 512),
            api_url: clean(&a.api_url, 512),
        })
        .collect();
    (out, total)
}

/// Names of the artifacts that belong to the job with this index.
pub(super) fn of_job(facts: &Facts, owners: &[Option<usize>], index: usize) -> Vec<String> {
    let mut names: Vec<String> = facts
        .artifacts
        .iter()
        .zip(owners)
        .filter(|(_, owner)| **owner == Some(index))
        .map(|(a, _)| clean(&a.name, 255))
        .collect();
    names.sort();
    names.dedup();
    names.truncate(16);
    names
}

/// Whether the bundles of all failed jobs are recorded.
pub(super) fn condition(
    plan: &Plan<'_>,
    facts: &Facts,
    items: &Items<'_>,
    owners: &[Option<usize>],
    complete: bool,
) -> Draft {
    let draft =
        |status, reason, message: String| (ConditionType::ArtifactsAvailable, status, reason, message);
    if let Some(gap) = facts.gaps.iter().find(|g| g.kind == GapKind::Artifacts) {
        return draft(ConditionStatus::Unknown, Reason::GitHubUnavailable, gap.message.clone());
    }
    let failed: Vec<(usize, &Item<'_>)> = items
        .items
        .iter()
        .enumerate()
        .filter(|(_, i)| i.state == State::Failed && i.job().is_some() && !i.aggregate)
        .collect();
    if failed.is_empty() {
        return if complete {
            draft(ConditionStatus::True, Reason::NothingFailed, "no job failed".to_owned())
        } else {
            draft(ConditionStatus::Unknown, Reason::Waiting, "no job has failed so far".to_owned())
        };
    }
    // Whether a job has a bundle, and whether one of its bundles can still be had.
    let mut bundles: BTreeMap<usize, bool> = BTreeMap::new();
    for (artifact, owner) in facts.artifacts.iter().zip(owners) {
        if let Some(owner) = owner
            && kind(plan, &artifact.name) == "MustGather"
        {
            *bundles.entry(*owner).or_default() |= !artifact.expired;
        }
    }
    let names = |wanted: Option<bool>| -> Vec<&str> {
        failed
            .iter()
            .filter(|(at, _)| bundles.get(at).copied() == wanted)
            .map(|(_, i)| i.name.as_str())
            .collect()
    };
    let (without, expired) = (names(None), names(Some(false)));
    let n = text::count(failed.len(), "failed job");
    if !without.is_empty() {
        let message = format!(
            "{} of {n} without a must-gather bundle: {}",
            without.len(),
            text::list(without.iter().copied(), 5)
        );
        return if complete {
            draft(ConditionStatus::False, Reason::NotCollected, message)
        } else {
            draft(ConditionStatus::Unknown, Reason::Waiting, format!("{message}; jobs still run"))
        };
    }
    if !expired.is_empty() {
        let message = format!(
            "the bundles of {} expired on GitHub: {}",
            text::count(expired.len(), "job"),
            text::list(expired.into_iter(), 5)
        );
        return draft(ConditionStatus::False, Reason::Expired, message);
    }
    draft(ConditionStatus::True, Reason::Recorded, format!("the bundles of {n} are recorded"))
}

/// For each artifact the index of the job of its run whose name fits best.
pub(super) fn owners(facts: &Facts, items: &[Item<'_>]) -> Vec<Option<usize>> {
    let jobs: Vec<Candidate> = items
        .iter()
        .enumerate()
        .filter(|(_, i)| !i.aggregate && i.job().is_some())
        .filter_map(|(index, i)| {
            Some(Candidate {
                index,
                run: i.run()?.id,
                value: tokens(matrix(&i.name).unwrap_or(&i.name)),
                all: tokens(&i.name),
                // What failed first and passed on a re-run left its bundle behind.
                failed: i.state == State::Failed || i.recovered,
            })
        })
        .collect();
    facts
        .artifacts
        .iter()
        .map(|artifact| {
            let words = tokens(&artifact.name);
            let fits = jobs
                .iter()
                .filter(|j| j.run == artifact.run_id)
                .filter_map(|j| Some((j.fit(&words)?, j.index)));
            // Of equal fits the first, so that the order of the list decides nothing.
            fits.min_by_key(|(fit, index)| (std::cmp::Reverse(*fit), *index)).map(|(_, index)| index)
        })
        .collect()
}

/// A job with its name in words.
struct Candidate {
    index: usize,
    run: i64,
    /// Words of the matrix value, or of the name where it has none.
    value: Vec<String>,
    all: Vec<String>,
    failed: bool,
}

impl Candidate {
    /// How well the words of an artifact's name fit: they must hold what tells the job apart; the
    /// longer that is, and the more of the rest they hold, the better; then failed jobs come first.
    fn fit(&self, words: &[String]) -> Option<(usize, usize, bool)> {
        let found = !self.value.is_empty() && words.windows(self.value.len()).any(|w| w == self.value);
        found.then(|| (self.value.len(), self.all.iter().filter(|t| words.contains(t)).count(), self.failed))
    }
}

fn tokens(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|t| !t.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Shell-like match of a whole name: `*` is any text, `?` any character; letters of any case.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), name.to_lowercase().chars().collect());
    let (mut i, mut j) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == '?' || n.get(j) == Some(c) => {
                i += 1;
                j += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    i = at + 1;
                    j = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    p.get(i..).unwrap_or_default().iter().all(|c| *c == '*')
}
