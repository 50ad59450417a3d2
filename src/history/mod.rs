//! What was seen of past commits, in a store: results of jobs, failing tests, fingerprints, verdicts, waivers.
//!
//! The store explains and never decides: a verdict is written first, and what is told to the store after that waits
//! in a bounded queue of its own. A store that is full, locked, broken or gone costs explanations and nothing else.
//! `record` makes records of facts, `facts` keeps those that decided, `write` has the queue, `store` is the one interface to the database, `query` what
//! is asked of it, `rank` what is ranked, `sums` of what, `stats` the arithmetic of rates. Rows belong to the namespace of the report they were seen for.

mod answer;
mod facts;
mod grid;
mod patterns;
mod put;
mod query;
mod rank;
mod record;
mod sqlite;
mod stats;
mod store;
mod sums;
mod write;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use answer::{Answer, Commit, Execution, Past, PastCommit, Ranked, Said, Top};
pub use facts::{MAX_PAST, pack};
pub use grid::{Cell, Ended, Grid, Row, worst_first};
pub use patterns::{Pattern, Patterns, Stretch};
pub use query::{Asked, MAX_LIMIT, Of, Unanswered};
pub use rank::{By, Ranking};
pub use record::{Record, Result as JobResult};
pub use stats::{Bad, Rate, Summary, Timed, summary as summarise, wilson};
pub use store::{Store, StoreError};

use crate::api::TestRunReport;
use crate::runtime::metrics::{Keeping, Metrics};
use crate::verdict::facts::Observations;

/// Records that wait for the store; of more than that the next look at their reports tells again.
const QUEUE: usize = 512;
/// Reports of which is remembered what was recorded.
const REMEMBERED: usize = 20_000;

/// Where the history is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere.
    #[default]
    None,
    /// In memory, until the process ends.
    Memory,
    /// In a file of SQLite.
    File(PathBuf),
    /// On a PostgreSQL server; the file has its URL.
    Postgres(PathBuf),
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Results of commits whose runs began longer ago are deleted.
    pub age: Duration,
    /// Bytes of the database; the oldest go first. A PostgreSQL server is bounded by age only.
    pub bytes: u64,
}

/// Tells the store what was seen; clones share its queue. The default knows no store.
#[derive(Clone, Debug, Default)]
pub struct History(Option<Arc<Inner>>);

struct Inner {
    queue: mpsc::Sender<Letter>,
    kept: Arc<Kept>,
    oldest: Duration,
    metrics: Metrics,
}

/// What the queue and its readers share.
struct Kept {
    store: Mutex<Option<Store>>,
    /// What was last recorded for each report, by its uid.
    recorded: Mutex<LruCache<String, u64>>,
}

/// A record on its way.
struct Letter {
    record: Record,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("History")
    }
}

impl Kept {
    fn new() -> Self {
        let most = std::num::NonZeroUsize::new(REMEMBERED).unwrap_or(std::num::NonZeroUsize::MIN);
        Self { store: Mutex::default(), recorded: Mutex::new(LruCache::new(most)) }
    }

    fn store(&self) -> Option<Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, store: Option<Store>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, LruCache<String, u64>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// Starts to record. The end comes after the last look; what waits then is still recorded. A store that cannot be
    /// opened is tried again and again.
    pub fn start(
        place: Place,
        bounds: Bounds,
        metrics: Metrics,
        end: CancellationToken,
    ) -> (Self, Option<JoinHandle<()>>) {
        if place == Place::None {
            return (Self::default(), None);
        }
        let (queue, letters) = mpsc::channel(QUEUE);
        let kept = Arc::new(Kept::new());
        let writer = write::Writer::new(place, bounds, kept.clone(), metrics.clone());
        let task = tokio::spawn(writer.run(letters, end));
        (Self(Some(Arc::new(Inner { queue, kept, oldest: bounds.age, metrics }))), Some(task))
    }

    /// Records what a look saw and what its verdict was, if that is news. Never waits.
    pub fn note(&self, report: &TestRunReport, seen: &Observations) {
        let (Some(inner), Observations::Facts(facts)) = (&self.0, seen) else { return };
        let Some(mut record) = record::of(report, facts) else { return };
        let uid = report.metadata.uid.clone().unwrap_or_default();
        let digest = record.digest();
        if inner.kept.recorded().get(&uid) == Some(&digest) {
            return;
        }
        let oldest = i64::try_from(inner.oldest.as_secs()).unwrap_or(i64::MAX);
        if record.started < record.observed.saturating_sub(oldest) {
            return;
        }
        record.facts = report.status.as_ref().and_then(|status| pack(&report.spec, facts, status));
        match inner.queue.try_send(Letter { record }) {
            Ok(()) => drop(inner.kept.recorded().put(uid, digest)),
            Err(_) => inner.metrics.kept(Keeping::Dropped),
        }
    }

    /// The store, for questions. None where there is none, or it cannot be used now.
    pub fn store(&self) -> Option<Store> {
        self.0.as_ref()?.kept.store()
    }

    /// Whether a history is kept at all.
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }
}
