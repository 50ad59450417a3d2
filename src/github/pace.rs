//! How fast requests follow each other: GitHub's secondary limits bound a minute, its primary limit an hour.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::budget::{Priority, Rate};

/// Between two requests that change something, as GitHub asks for.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);
/// Requests of an hour that may be sent at once, whatever the limit: a look at one commit takes a few.
const FEW: u64 = 150;
/// Longest time until a limit begins anew, in milliseconds.
const HOUR: u64 = 3_600_000;
/// A request is counted in parts so small that none is lost over a millisecond.
const WHOLE: u64 = 1_000_000;

/// The pace of requests below GitHub's secondary limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Points a minute.
    pub per_minute: u32,
    /// Points at once after a time of rest.
    pub burst: u32,
}

impl Pace {
    /// So many points a minute; 0 is no bound.
    pub fn of(per_minute: u32) -> Self {
        Self { per_minute: if per_minute == 0 { u32::MAX } else { per_minute }, ..Self::default() }
    }
}

impl Default for Pace {
    /// GitHub allows 900 points a minute.
    fn default() -> Self {
        Self { per_minute: 800, burst: 150 }
    }
}

/// What was sent, as far as the next one has to wait for it.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// When the next point would be earned. A read costs one, a write five.
    earned: Option<Instant>,
    written: Option<Instant>,
    /// Of the hour's requests, what may be sent at once, in parts of [`WHOLE`], and when that was so.
    saved: Option<(u64, Timestamp)>,
}

impl Sent {
    /// How long a request must wait for its points, and a write for the one before it.
    pub fn wait(&self, write: bool, pace: Pace, at: Instant) -> Duration {
        let due = self.earned.and_then(|due| due.checked_sub(point(pace) * pace.burst));
        let next = self.written.filter(|_| write).map(|last| last + BETWEEN_WRITES);
        due.max(next).map_or(Duration::ZERO, |due| due.saturating_duration_since(at))
    }

    /// How long a request must wait for its part of what is left of the hour.
    pub fn share(&mut self, priority: Priority, rate: Option<Rate>, now: Timestamp) -> Duration {
        let Some(rate) = rate.filter(|rate| now < rate.reset) else {
            self.saved = None;
            return Duration::ZERO;
        };
        let most = rate.limit.div_ceil(4).max(FEW).saturating_mul(WHOLE);
        let kept = rate.limit.saturating_mul(Priority::Running.reserve()) / 100;
        let usable = rate.remaining.checked_sub(kept).filter(|n| *n > 0).unwrap_or(rate.remaining).max(1);
        let left = millis(rate.reset.duration_since(now)).clamp(1, HOUR);
        let (saved, since) = self.saved.unwrap_or((most, now));
        let gained = millis(now.duration_since(since)).saturating_mul(usable.saturating_mul(WHOLE)) / left;
        let saved = saved.saturating_add(gained).min(most);
        self.saved = Some((saved, now.max(since)));
        // Verdicts take what they need, and leave something for those at the end of the hour.
        if saved >= WHOLE || (priority == Priority::Gating && rate.remaining >= rate.limit / 4) {
            return Duration::ZERO;
        }
        Duration::from_millis(((WHOLE - saved).saturating_mul(left) / usable.saturating_mul(WHOLE)) + 1)
    }

    /// A request is sent now.
    pub fn send(&mut self, write: bool, pace: Pace, at: Instant) {
        let due = self.earned.map_or(at, |due| due.max(at));
        self.earned = Some(due + point(pace) * if write { 5 } else { 1 });
        if write {
            self.written = Some(at);
        }
        if let Some((saved, _)) = &mut self.saved {
            *saved = saved.saturating_sub(WHOLE);
        }
    }

    /// GitHub did not count one.
    pub fn uncounted(&mut self) {
        if let Some((saved, _)) = &mut self.saved {
            *saved = saved.saturating_add(WHOLE);
        }
    }
}

fn point(pace: Pace) -> Duration {
    Duration::from_secs(60) / pace.per_minute.max(1)
}

fn millis(span: SignedDuration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(0)
}
