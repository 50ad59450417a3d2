//! Counts of requests to the API, by how they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counters; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Stats(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_outcome: [AtomicU64; OUTCOMES.len()],
    remaining: AtomicI64,
}

/// Outcomes, as metrics name them.
pub const OUTCOMES: [&str; 6] =
    ["ok", "not_modified", "limited", "client_error", "server_error", "unreachable"];

impl Stats {
    pub(super) fn answered(&self, status: u16, limited: bool) {
        self.count(match status {
            304 => 1,
            403 | 429 if limited => 2,
            200..=399 => 0,
            400..=499 => 3,
            _ => 4,
        });
    }

    pub(super) fn unreachable(&self) {
        self.count(5);
    }

    pub(super) fn left(&self, remaining: u64) {
        self.0.remaining.store(i64::try_from(remaining).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    fn count(&self, outcome: usize) {
        if let Some(counter) = self.0.by_outcome.get(outcome) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests so far, for each of [`OUTCOMES`].
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        OUTCOMES.into_iter().zip(self.0.by_outcome.iter().map(|c| c.load(Ordering::Relaxed)))
    }

    /// Requests of all outcomes.
    pub fn total(&self) -> u64 {
        self.outcomes().map(|(_, n)| n).sum()
    }

    /// What the last answer said is left of the rate limit.
    pub fn remaining(&self) -> i64 {
        self.0.remaining.load(Ordering::Relaxed)
    }
}
