//! Rate limits: the primary budget of each principal, and secondary limits.
//!
//! Windows run on scenario time, like the `Date` header, so that a client which computes the wait
//! from the server's own clock is right and `advance` moves it on.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::time::Ts;

/// Settings and usage.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Off on Enterprise Server unless switched on.
    pub enabled: bool,
    /// Requests an hour for a token or installation.
    pub primary: u64,
    /// Requests an hour without credentials.
    pub anonymous: u64,
    /// Length of a window.
    pub window: Duration,
    /// Status of an answer beyond the primary limit: 403 or 429.
    pub primary_status: u16,
    /// Points a minute of the secondary limit (a read costs 1, a write 5); `None` switches it off.
    pub points_per_minute: Option<u64>,
    /// Answers of the secondary limit carry `retry-after` with so many seconds.
    pub secondary_retry_after: Option<u64>,
    /// Status of an answer beyond the secondary limit: 403 or 429.
    pub secondary_status: u16,
    /// What principals that were not seen yet have used.
    preset: u64,
    usage: BTreeMap<String, Usage>,
    recent: VecDeque<(Ts, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    used: u64,
    since: Ts,
}

/// What the headers of an answer say.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Requests of a window.
    pub limit: u64,
    /// Used of them.
    pub used: u64,
    /// End of the window, seconds since 1970.
    pub reset: i64,
}

impl Budget {
    /// What is left.
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// As in `GET /rate_limit`.
    pub fn json(&self) -> Value {
        json!({
            "limit": self.limit, "used": self.used, "remaining": self.remaining(), "reset": self.reset,
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            primary: 5000,
            anonymous: 60,
            window: Duration::from_secs(3600),
            primary_status: 403,
            points_per_minute: None,
            secondary_retry_after: Some(60),
            secondary_status: 403,
            preset: 0,
            usage: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }
}

impl Limits {
    /// Uses the budget of every principal up to what `left` leaves of it.
    pub fn leave(&mut self, left: u64) {
        self.preset = self.primary.saturating_sub(left);
        for usage in self.usage.values_mut() {
            usage.used = self.preset;
        }
    }

    /// Gives every principal a fresh window.
    pub fn refresh(&mut self) {
        self.preset = 0;
        self.usage.clear();
        self.recent.clear();
    }

    fn usage(&mut self, principal: &str, now: Ts) -> &mut Usage {
        let fresh = Usage { used: self.preset, since: now };
        let usage = self.usage.entry(principal.to_owned()).or_insert(fresh);
        if usage.since + self.window <= now {
            *usage = Usage { used: 0, since: now };
        }
        usage
    }

    /// The state of a principal's budget.
    pub fn budget(&mut self, principal: &str, now: Ts) -> Budget {
        let limit = if principal == "anonymous" { self.anonymous } else { self.primary };
        let window = self.window;
        let usage = *self.usage(principal, now);
        Budget { limit, used: usage.used.min(limit), reset: (usage.since + window).seconds() }
    }

    /// Whether a request may pass the primary limit.
    pub fn admits(&mut self, principal: &str, now: Ts) -> bool {
        !self.enabled || self.budget(principal, now).remaining() > 0
    }

    /// Counts a request against the primary limit.
    pub fn count(&mut self, principal: &str, now: Ts) {
        self.usage(principal, now).used += 1;
    }

    /// Counts a request against the secondary limit; false when that is exceeded.
    pub fn admits_points(&mut self, points: u64, now: Ts) -> bool {
        let Some(most) = self.points_per_minute else {
            return true;
        };
        while self.recent.front().is_some_and(|(at, _)| *at + Duration::from_secs(60) <= now) {
            self.recent.pop_front();
        }
        let spent: u64 = self.recent.iter().map(|(_, points)| points).sum();
        if spent + points > most {
            return false;
        }
        self.recent.push_back((now, points));
        true
    }
}
