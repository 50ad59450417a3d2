//! When a report is looked at again.

use std::time::Duration;

use jiff::Timestamp;

use crate::verdict::Next;

/// First and longest back-off after trouble.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// Longest wait for anything that is not stalled.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Looks at how far a run is follow each other in growing gaps, counted in poll intervals: the first and
/// the longest. That a run has ended is seen at the pace of polling, by a list that all share.
const GAPS: (u32, u32) = (8, 40);

/// The paces of the controller.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How soon it is noticed that a run has ended.
    pub poll: Duration,
    /// Between two looks at how far a run is; in growing gaps where it is None.
    pub progress: Option<Duration>,
    /// How soon it is noticed that something followed a final verdict.
    pub refresh: Duration,
}

/// What else the time of the next look depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// Troubles in a row, the last one included.
    pub failures: u32,
    /// Looks in a row that saw the commit unfinished.
    pub looks: u32,
    /// How long the verdict has been final.
    pub age: Duration,
    /// Events of the repository arrive.
    pub hears: bool,
    /// In 0..1.
    pub jitter: f64,
}

/// How long to wait; None until something changes.
pub fn delay(next: Next, now: Timestamp, pace: Pace, how: Circumstances) -> Option<Duration> {
    let earlier = |wait: Duration, at: Option<Timestamp>| at.map_or(wait, |at| wait.min(until(at, now)));
    match next {
        Next::Now => Some(Duration::ZERO),
        Next::Poll(at) => Some(earlier(spread(gap(pace, how), how.jitter), at)),
        Next::At(at) => Some(until(at, now)),
        Next::Retry(at) => {
            let wait = backoff(how.failures, how.jitter);
            Some(at.map_or(wait, |at| wait.max(until(at, now))))
        }
        Next::Final(at) => Some(earlier(spread(rest(pace, how), how.jitter), at)),
        Next::Stalled => None,
    }
}

/// Between two looks at how far a run is.
fn gap(pace: Pace, how: Circumstances) -> Duration {
    let longest = pace.poll * GAPS.1;
    match pace.progress {
        Some(gap) => gap,
        // Whatever ends or is red is told; only how many jobs are green is not.
        None if how.hears => (longest * 2).max(pace.refresh),
        None => (pace.poll * GAPS.0 * 4_u32.saturating_pow(how.looks.saturating_sub(1).min(8))).min(longest),
    }
}

/// Between two looks at a final verdict: the older it is, the less will still happen to it. Most of what
/// does is seen by the lists of the repository.
fn rest(pace: Pace, how: Circumstances) -> Duration {
    if how.hears { LONGEST } else { (how.age / 4).clamp(pace.refresh, LONGEST.max(pace.refresh)) }
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

    const PACE: Pace =
        Pace { poll: Duration::from_secs(30), progress: None, refresh: Duration::from_secs(600) };
    const HOW: Circumstances =
        Circumstances { failures: 0, looks: 1, age: Duration::ZERO, hears: false, jitter: 0.5 };

    fn seconds(next: Next, how: Circumstances) -> Option<f64> {
        let now: Timestamp = "2026-01-23T16:00:00Z".parse().unwrap();
        delay(next, now, PACE, how).map(|d| d.as_secs_f64().round())
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-01-23T{text}Z").parse().unwrap()
    }

    #[test]
    fn every_answer_has_its_delay() {
        assert_eq!(seconds(Next::Now, HOW), Some(0.0));
        assert_eq!(seconds(Next::Stalled, HOW), None);
        assert_eq!(seconds(Next::At(at("16:02:00")), HOW), Some(120.0));
        assert_eq!(seconds(Next::Final(None), HOW), Some(600.0));
        assert_eq!(seconds(Next::Final(Some(at("16:01:00"))), HOW), Some(60.0), "a waiver ends earlier");
        assert_eq!(seconds(Next::Final(Some(at("17:00:00"))), HOW), Some(600.0));
        let failed = Circumstances { failures: 1, ..HOW };
        assert_eq!(
            seconds(Next::Retry(Some(at("16:30:00"))), failed),
            Some(1800.0),
            "not before GitHub said"
        );
        assert_eq!(seconds(Next::Retry(Some(at("15:00:00"))), failed), Some(5.0));
    }

    #[test]
    fn looks_at_a_running_commit_grow_apart_but_not_beyond_the_deadline() {
        let gaps = |pace: Pace, hears: bool| -> Vec<u64> {
            let now = at("16:00:00");
            (1..=5)
                .map(|looks| delay(Next::Poll(None), now, pace, Circumstances { looks, hears, ..HOW }))
                .map(|d| d.unwrap().as_secs_f64().round() as u64)
                .collect()
        };
        assert_eq!(gaps(PACE, false), [240, 960, 1200, 1200, 1200]);
        assert_eq!(gaps(PACE, true), [2400; 5], "events tell what happens");
        assert_eq!(gaps(Pace { progress: Some(Duration::from_secs(10)), ..PACE }, true), [10; 5]);
        assert_eq!(seconds(Next::Poll(Some(at("16:01:00"))), HOW), Some(60.0));
    }

    #[test]
    fn a_verdict_is_looked_at_less_the_older_it_is() {
        let of = |hours: u64, hears| {
            let age = Duration::from_secs(hours * 3600);
            seconds(Next::Final(None), Circumstances { age, hears, ..HOW }).map(|s| s / 3600.0)
        };
        assert_eq!([of(4, false), of(48, false), of(9999, false)], [1.0, 12.0, 24.0].map(Some));
        assert_eq!(of(0, true), Some(24.0));
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
