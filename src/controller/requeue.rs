//! When a report is looked at again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use jiff::Timestamp;

use crate::verdict::Next;

/// First and longest back-off after trouble.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// Longest wait for a time that the verdict names.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The paces of the controller.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// While jobs run.
    pub poll: Duration,
    /// When the verdict is final.
    pub refresh: Duration,
}

/// How long to wait; None until something changes. `failures` counts troubles in a row, this one included;
/// `jitter` is in 0..1.
pub fn delay(next: Next, now: Timestamp, pace: Pace, failures: u32, jitter: f64) -> Option<Duration> {
    match next {
        Next::Now => Some(Duration::ZERO),
        Next::Poll => Some(spread(pace.poll, jitter)),
        Next::At(at) => Some(until(at, now)),
        Next::Retry(at) => {
            let wait = backoff(failures, jitter);
            Some(at.map_or(wait, |at| wait.max(until(at, now))))
        }
        Next::Final(at) => {
            let wait = spread(pace.refresh, jitter);
            Some(at.map_or(wait, |at| wait.min(until(at, now))))
        }
        Next::Stalled => None,
    }
}

/// Doubles from the first to the longest back-off.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF.0.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    doubled.min(BACKOFF.1).mul_f64(1.0 - 0.2 * jitter.clamp(0.0, 1.0)).max(BACKOFF.0)
}

/// Time left; a moment more than nothing, so that a clock that stands still is no hot loop.
pub fn until(at: Timestamp, now: Timestamp) -> Duration {
    let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    left.clamp(Duration::from_millis(100), LONGEST)
}

/// A random number in 0..1.
pub fn jitter() -> f64 {
    let random = RandomState::new().hash_one(std::time::Instant::now());
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// Ten per cent earlier or later, so that reports do not move in step.
fn spread(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}
