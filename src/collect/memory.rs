//! What a process remembers between looks: things that cannot change any more.
//!
//! Losing it costs requests and nothing else.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::github::wire;
use crate::verdict::facts::{Annotation, Evidence};

/// Jobs whose evidence is kept.
const EVIDENCE: usize = 4096;
/// Completed runs whose jobs are kept.
const RUNS: usize = 2048;

/// Key of a completed run: a re-run changes the attempt, everything else the time.
pub(super) type RunKey = (String, i64, i64, Option<Timestamp>);
/// A job of a repository.
type JobKey = (String, i64);
/// Jobs of a run as listed, and how many GitHub counts.
pub(super) type Jobs = Arc<(i64, Vec<wire::Job>)>;

/// Shared by all looks of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    evidence: Arc<Mutex<Bounded<JobKey, Arc<Evidence>>>>,
    runs: Arc<Mutex<Bounded<RunKey, Jobs>>>,
    annotations: Arc<Mutex<Bounded<JobKey, Arc<Vec<Annotation>>>>>,
}

impl Memory {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn evidence(&self, repository: &str, job: i64) -> Option<Arc<Evidence>> {
        self.evidence.lock().ok()?.get(&(repository.to_owned(), job))
    }

    pub(super) fn keep_evidence(&self, repository: &str, job: i64, evidence: Arc<Evidence>) {
        if let Ok(mut map) = self.evidence.lock() {
            map.put((repository.to_owned(), job), evidence, EVIDENCE);
        }
    }

    pub(super) fn annotations(&self, repository: &str, job: i64) -> Option<Arc<Vec<Annotation>>> {
        self.annotations.lock().ok()?.get(&(repository.to_owned(), job))
    }

    pub(super) fn keep_annotations(&self, repository: &str, job: i64, list: Arc<Vec<Annotation>>) {
        if let Ok(mut map) = self.annotations.lock() {
            map.put((repository.to_owned(), job), list, EVIDENCE);
        }
    }

    pub(super) fn jobs(&self, key: &RunKey) -> Option<Jobs> {
        self.runs.lock().ok()?.get(key)
    }

    pub(super) fn keep_jobs(&self, key: RunKey, jobs: Jobs) {
        if let Ok(mut map) = self.runs.lock() {
            map.put(key, jobs, RUNS);
        }
    }
}

/// A map that forgets what came first.
#[derive(Debug)]
struct Bounded<K, V> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Bounded<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.map.get(key).cloned()
    }

    fn put(&mut self, key: K, value: V, most: usize) {
        if self.map.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > most {
            if let Some(old) = self.order.pop_front() {
                self.map.remove(&old);
            }
        }
    }
}
