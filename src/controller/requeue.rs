//! When a report is looked at again.

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

/// Ten per cent earlier or later, so that reports do not move in step.
fn spread(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PACE: Pace = Pace { poll: Duration::from_secs(30), refresh: Duration::from_secs(600) };

    fn seconds(next: Next, failures: u32) -> Option<f64> {
        let now: Timestamp = "2026-01-23T16:00:00Z".parse().unwrap();
        delay(next, now, PACE, failures, 0.5).map(|d| d.as_secs_f64().round())
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-01-23T{text}Z").parse().unwrap()
    }

    #[test]
    fn every_answer_has_its_delay() {
        assert_eq!(seconds(Next::Now, 0), Some(0.0));
        assert_eq!(seconds(Next::Poll, 0), Some(30.0));
        assert_eq!(seconds(Next::Stalled, 0), None);
        assert_eq!(seconds(Next::At(at("16:02:00")), 0), Some(120.0));
        assert_eq!(seconds(Next::Final(None), 0), Some(600.0));
        assert_eq!(seconds(Next::Final(Some(at("16:01:00"))), 0), Some(60.0), "a waiver ends earlier");
        assert_eq!(seconds(Next::Final(Some(at("17:00:00"))), 0), Some(600.0));
        assert_eq!(seconds(Next::Retry(Some(at("16:30:00"))), 1), Some(1800.0), "not before GitHub said");
        assert_eq!(seconds(Next::Retry(Some(at("15:00:00"))), 1), Some(5.0));
    }

    #[test]
    fn a_time_in_the_past_is_no_hot_loop_and_a_far_one_is_bounded() {
        let (now, far) = (at("16:00:00"), "9999-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(until(at("12:00:00"), now), Duration::from_millis(100));
        assert_eq!(until(far, now), LONGEST);
    }

    #[test]
    fn back_off_grows_to_five_minutes() {
        let waits: Vec<u64> =
            [0, 1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|n| backoff(n, 0.0).as_secs()).to_vec();
        assert_eq!(waits, [5, 5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
