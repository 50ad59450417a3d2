//! What a process remembers between looks: things that cannot change any more.
//!
//! Losing it costs requests and nothing else.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lru::LruCache;

use super::history::History;
use crate::api::spec::GitHubSource;
use crate::github::wire;
use crate::verdict::facts::{Analysis, Annotation, Evidence, Facts};

/// Jobs whose evidence or annotations are kept.
const JOBS: usize = 4096;
/// Completed runs whose jobs are kept, counted with their jobs.
const RUNS: usize = 10_000;
/// Repositories whose failures are kept.
const REPOSITORIES: usize = 64;
/// Heads of pull requests whose files were looked at.
const TOUCHED: usize = 50_000;
/// Commits with unfinished runs of which the last look is kept, counted with their jobs.
const LOOKS: usize = 30_000;

/// Key of a completed run: a re-run changes the attempt, everything else the time.
pub(super) type RunKey = (String, i64, i64, Option<Timestamp>);
/// A job or an artifact of a repository.
type JobKey = (String, i64);
/// Jobs of a run as listed, and how many GitHub counts.
pub(super) type Jobs = Arc<(i64, Vec<wire::Job>)>;

/// Shared by all looks with the credential of one owner. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    evidence: Bounded<JobKey, Arc<Evidence>, JOBS>,
    /// Why the log of a job will never be read.
    absences: Bounded<JobKey, String, JOBS>,
    /// What is in an artifact, or why that will never be known.
    analyses: Bounded<JobKey, Arc<Analysis>, JOBS>,
    annotations: Bounded<JobKey, Arc<Vec<Annotation>>, JOBS>,
    runs: Bounded<RunKey, Jobs, RUNS>,
    looks: Bounded<String, Arc<Facts>, LOOKS>,
    /// Whether a pull request changes files that a set is about.
    touched: Bounded<String, bool, TOUCHED>,
    histories: Bounded<String, Arc<Mutex<History>>, REPOSITORIES>,
}

impl Memory {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn evidence(&self, repository: &str, job: i64) -> Option<Arc<Evidence>> {
        self.evidence.get(&(repository.to_owned(), job))
    }

    pub(super) fn keep_evidence(&self, repository: &str, job: i64, evidence: Arc<Evidence>) {
        self.evidence.put((repository.to_owned(), job), evidence);
    }

    pub(super) fn absence(&self, repository: &str, job: i64) -> Option<String> {
        self.absences.get(&(repository.to_owned(), job))
    }

    pub(super) fn keep_absence(&self, repository: &str, job: i64, why: String) {
        self.absences.put((repository.to_owned(), job), why);
    }

    pub(super) fn analysis(&self, repository: &str, artifact: i64) -> Option<Arc<Analysis>> {
        self.analyses.get(&(repository.to_owned(), artifact))
    }

    pub(super) fn keep_analysis(&self, repository: &str, artifact: i64, analysis: Arc<Analysis>) {
        self.analyses.put((repository.to_owned(), artifact), analysis);
    }

    pub(super) fn annotations(&self, repository: &str, job: i64) -> Option<Arc<Vec<Annotation>>> {
        self.annotations.get(&(repository.to_owned(), job))
    }

    pub(super) fn keep_annotations(&self, repository: &str, job: i64, list: Arc<Vec<Annotation>>) {
        self.annotations.put((repository.to_owned(), job), list);
    }

    pub(super) fn jobs(&self, key: &RunKey) -> Option<Jobs> {
        self.runs.get(key)
    }

    pub(super) fn keep_jobs(&self, key: RunKey, jobs: Jobs) {
        self.runs.put(key, jobs);
    }

    pub(super) fn touches(&self, key: &str) -> Option<bool> {
        self.touched.get(&key.to_owned())
    }

    pub(super) fn keep_touches(&self, key: String, touches: bool) {
        self.touched.put(key, touches);
    }

    /// Works with the failures of a repository.
    pub(super) fn with_history(&self, repository: &str, work: impl FnOnce(&mut History)) {
        let key = repository.to_owned();
        let history = self.histories.get(&key).unwrap_or_else(|| {
            let new = Arc::default();
            self.histories.put(key, Arc::clone(&new));
            new
        });
        work(&mut history.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is known of an unfinished commit: by the last look, and by events since.
    pub(super) fn look(&self, source: &GitHubSource) -> Option<Arc<Facts>> {
        self.looks.get(&name_of(source))
    }

    /// Keeps a look, or forgets the last one.
    pub(super) fn keep_look(&self, source: &GitHubSource, facts: Option<Arc<Facts>>) {
        match facts {
            Some(facts) => self.looks.put(name_of(source), facts),
            None => self.looks.forget(&name_of(source)),
        }
    }
}

fn name_of(source: &GitHubSource) -> String {
    let GitHubSource { repository, pull_request, sha, run_id, branch, connection: _ } = source;
    format!("{repository} {pull_request:?} {sha:?} {run_id:?} {branch:?}")
}

/// How much of a bound an entry takes.
trait Weigh {
    fn weight(&self) -> usize {
        1
    }
}

impl Weigh for String {}
impl Weigh for bool {}
impl Weigh for Evidence {}
impl Weigh for Analysis {}
impl Weigh for Vec<Annotation> {}
impl Weigh for Mutex<History> {}

impl Weigh for (i64, Vec<wire::Job>) {
    fn weight(&self) -> usize {
        1 + self.1.len()
    }
}

impl Weigh for Facts {
    fn weight(&self) -> usize {
        1 + self.runs.iter().map(|r| 1 + r.jobs.len()).sum::<usize>()
    }
}

impl<T: Weigh> Weigh for Arc<T> {
    fn weight(&self) -> usize {
        T::weight(self)
    }
}

/// A map that forgets what was used least lately when all entries weigh more than so much; clones share it.
struct Bounded<K: Hash + Eq, V, const MOST: usize>(Arc<Mutex<Entries<K, V>>>);

struct Entries<K: Hash + Eq, V> {
    map: LruCache<K, (V, usize)>,
    weight: usize,
}

impl<K: Hash + Eq, V, const MOST: usize> std::fmt::Debug for Bounded<K, V, MOST> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounded").field("weight", &self.lock().weight).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq, V, const MOST: usize> Clone for Bounded<K, V, MOST> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Hash + Eq, V, const MOST: usize> Default for Bounded<K, V, MOST> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Entries { map: LruCache::unbounded(), weight: 0 })))
    }
}

impl<K: Hash + Eq, V, const MOST: usize> Bounded<K, V, MOST> {
    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V: Clone + Weigh, const MOST: usize> Bounded<K, V, MOST> {
    fn get(&self, key: &K) -> Option<V> {
        self.lock().map.get(key).map(|(value, _)| value.clone())
    }

    fn put(&self, key: K, value: V) {
        let weight = value.weight();
        let mut entries = self.lock();
        let old = entries.map.put(key, (value, weight)).map_or(0, |(_, weight)| weight);
        entries.weight = (entries.weight + weight).saturating_sub(old);
        // The newest stays, however much it weighs.
        while entries.weight > MOST && entries.map.len() > 1 {
            let Some((_, (_, weight))) = entries.map.pop_lru() else { break };
            entries.weight = entries.weight.saturating_sub(weight);
        }
    }

    fn forget(&self, key: &K) {
        let mut entries = self.lock();
        let weight = entries.map.pop(key).map_or(0, |(_, weight)| weight);
        entries.weight = entries.weight.saturating_sub(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_by_what_it_weighs() {
        let bounded: Bounded<i64, Jobs, 100> = Bounded::default();
        let jobs = |n: usize| Arc::new((0, vec![wire::Job::default(); n]));
        bounded.put(1, jobs(39));
        bounded.put(2, jobs(39));
        bounded.put(1, jobs(19));
        assert_eq!(bounded.lock().weight, 60);
        bounded.put(3, jobs(39));
        assert!(bounded.get(&2).is_some() && bounded.get(&1).is_some());
        bounded.put(4, jobs(9));
        assert!(bounded.get(&3).is_none(), "used least lately");
        assert_eq!(bounded.lock().weight, 70);
        bounded.forget(&4);
        assert_eq!(bounded.lock().weight, 60);
        bounded.put(5, jobs(500));
        assert_eq!(bounded.lock().weight, 501, "what is worked on stays");
        assert_eq!(bounded.lock().map.len(), 1);
    }
}
