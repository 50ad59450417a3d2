//! GitHub's clock, which may differ from this machine's.
//!
//! GitHub judges the times in an App's signature and tells the ends of limits and tokens by its own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// How far GitHub's clock is ahead of this machine's, as its last answer told; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// What GitHub's clock shows.
    pub fn now(&self) -> Timestamp {
        self.theirs(Timestamp::now())
    }

    /// A time of this machine by GitHub's clock.
    pub fn theirs(&self, ours: Timestamp) -> Timestamp {
        ours.saturating_add(self.ahead()).unwrap_or(ours)
    }

    /// A time of GitHub's by this machine's clock.
    pub fn ours(&self, theirs: Timestamp) -> Timestamp {
        theirs.saturating_sub(self.ahead()).unwrap_or(theirs)
    }

    /// How far GitHub's clock is ahead; negative where it is behind.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Takes in the time of an answer that has just come.
    pub fn heard(&self, date: Timestamp) {
        let ahead = date.duration_since(Timestamp::now());
        self.0.store(i64::try_from(ahead.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_either_clock() {
        let clock = Clock::default();
        clock.heard(Timestamp::now() - SignedDuration::from_hours(2));
        let behind = clock.ahead().abs() - SignedDuration::from_hours(2);
        assert!(behind.abs() < SignedDuration::from_secs(5), "{behind:?}");
        let at = Timestamp::now();
        assert_eq!(clock.ours(clock.theirs(at)), at);
        assert!(clock.now() < at);
        clock.heard(Timestamp::now());
        assert!(clock.ahead().abs() < SignedDuration::from_secs(5), "what was heard last counts");
    }
}
