//! Where else in a repository a failure was seen: by other reports, on other commits.

use std::collections::HashMap;

use super::memory::Memory;
use crate::evidence::cluster::Index;
use crate::verdict::facts::{Run, Sighting, SourceFacts};
use crate::verdict::text::clean;

/// Clusters of one repository; beyond them it begins anew.
const MOST: usize = 8192;
/// Commits of one cluster that are remembered.
const COMMITS: usize = 6;

/// The failures of one repository.
#[derive(Debug, Default)]
pub(super) struct History {
    index: Index,
    /// For each cluster the commits that showed it, the newest last.
    seen: HashMap<usize, Vec<(String, String)>>,
}

/// Remembers the failures of a commit, and tells where else they were seen.
pub(super) fn exchange(memory: &Memory, source: &SourceFacts, runs: &[Run]) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    memory.with_history(&source.repository, |history| {
        if history.index.len() >= MOST {
            *history = History::default();
        }
        for job in runs.iter().flat_map(|r| &r.jobs) {
            let Some(evidence) = job.evidence.as_ref() else { continue };
            let (Some(print), Some(text)) = (&evidence.fingerprint, &evidence.signature) else { continue };
            let (cluster, _) = history.index.place(text);
            let seen = history.seen.entry(cluster).or_default();
            for (sha, told) in seen.iter().rev().filter(|(sha, _)| *sha != source.sha) {
                let known = |s: &Sighting| s.fingerprint == *print && s.told == *told;
                if !sha.is_empty() && !sightings.iter().any(known) {
                    sightings.push(Sighting { fingerprint: print.clone(), told: told.clone() });
                }
            }
            if !seen.iter().any(|(sha, _)| *sha == source.sha) {
                let short: String = source.sha.chars().take(8).collect();
                let of = match (source.pull_request, &source.branch) {
                    (Some(number), _) => format!("pull request {number}"),
                    (None, Some(branch)) => format!("branch {}", clean(branch, 60)),
                    (None, None) => "no branch".to_owned(),
                };
                seen.push((source.sha.clone(), format!("{short} ({of}), {}", clean(&job.name, 80))));
                let excess = seen.len().saturating_sub(COMMITS);
                seen.drain(..excess);
            }
        }
    });
    sightings
}
