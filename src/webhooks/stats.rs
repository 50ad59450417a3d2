//! Counts of deliveries by what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Verified and taken in by this process, which leads.
    Accepted,
    /// Verified, and taken in by the replicas that lead.
    Forwarded,
    /// Verified, and some replica that leads could not be told: GitHub is to list it as failed.
    Unreached,
    /// Verified, and sent here by another replica, but this one does not lead.
    Misdirected,
    /// Verified, and its id was there before.
    Duplicate,
    /// Verified, and not about anything that reports depend on.
    Ignored,
    /// Verified, and its body cannot be used.
    Unusable,
    /// Its signature is missing, malformed or wrong, or its connection takes no webhooks.
    Unauthorized,
    /// Not a delivery of GitHub's: another method or content type, or without its headers.
    Malformed,
    /// Larger than allowed.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// Too many at once.
    Overloaded,
}

/// All outcomes.
pub const OUTCOMES: [Outcome; 12] = [
    Outcome::Accepted,
    Outcome::Forwarded,
    Outcome::Unreached,
    Outcome::Misdirected,
    Outcome::Duplicate,
    Outcome::Ignored,
    Outcome::Unusable,
    Outcome::Unauthorized,
    Outcome::Malformed,
    Outcome::TooLarge,
    Outcome::TooSlow,
    Outcome::Overloaded,
];

impl Outcome {
    /// Name as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Forwarded => "forwarded",
            Self::Unreached => "unreached",
            Self::Misdirected => "misdirected",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Unusable => "unusable",
            Self::Unauthorized => "unauthorized",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Overloaded => "overloaded",
        }
    }
}

/// Counters; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Stats(Arc<[AtomicU64; OUTCOMES.len()]>);

impl Stats {
    pub(super) fn count(&self, outcome: Outcome) {
        if let Some(counter) = self.0.get(outcome as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Deliveries so far with an outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(outcome as usize).map_or(0, |c| c.load(Ordering::Relaxed))
    }
}
