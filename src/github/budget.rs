//! What one principal may ask of GitHub: a person's token, or an installation of an App.
//!
//! Every request of a principal passes here, whatever client sends it: at most so many at a time, the
//! most urgent first, no faster than the secondary limits allow, nothing while a limit lasts, and the
//! last part of an hour's requests kept for what decides.

use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::error::header;

/// Between two requests that change something, as GitHub asks for.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

/// How urgent a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// A final verdict is looked at again.
    Refresh,
    /// How far a run is.
    #[default]
    Running,
    /// What explains a finished run: logs, reports, bundles.
    Finishing,
    /// A verdict waits for it.
    Gating,
}

impl Priority {
    /// All of them, the most urgent last.
    pub const ALL: [Self; 4] = [Self::Refresh, Self::Running, Self::Finishing, Self::Gating];

    /// Percent of an hour's requests that are left to more urgent ones.
    const fn reserve(self) -> u64 {
        match self {
            Self::Gating => 0,
            Self::Finishing => 5,
            Self::Running => 10,
            Self::Refresh => 25,
        }
    }

    /// Name as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Running => "running",
            Self::Finishing => "finishing",
            Self::Gating => "gating",
        }
    }
}

/// A budget; clones share it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Mutex<Line>,
    /// Points in a second and at once; a read costs one, a write five.
    pace: Pace,
}

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

#[derive(Debug)]
struct Line {
    free: usize,
    waiting: BinaryHeap<Waiter>,
    arrived: u64,
    /// End of a limit.
    pause: Option<Timestamp>,
    rate: Option<Rate>,
    /// When the next point would be earned.
    earned: Option<Instant>,
    written: Option<Instant>,
}

/// What the headers of the last answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests of an hour.
    pub limit: u64,
    /// Left of them.
    pub remaining: u64,
    /// When they are given anew.
    pub reset: Timestamp,
}

#[derive(Debug)]
struct Waiter {
    priority: Priority,
    arrived: u64,
    go: oneshot::Sender<Slot>,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiter {}
impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiter {
    /// The most urgent first, and of these the one that came first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.priority.cmp(&other.priority).then(other.arrived.cmp(&self.arrived))
    }
}

/// A place among the requests at the same time; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot(Option<Arc<Inner>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(budget) = self.0.take() {
            leave(&budget);
        }
    }
}

impl Budget {
    /// A budget with so many requests at a time.
    pub fn new(at_a_time: usize, pace: Pace) -> Self {
        let line = Line {
            free: at_a_time.max(1),
            waiting: BinaryHeap::new(),
            arrived: 0,
            pause: None,
            rate: None,
            earned: None,
            written: None,
        };
        Self(Arc::new(Inner { line: Mutex::new(line), pace }))
    }

    /// A budget of GraphQL queries: few at a time, below 2,000 points a minute.
    pub fn queries() -> Self {
        Self::new(2, Pace { per_minute: 300, burst: 30 })
    }

    /// Waits for a place. The error is the time before which nothing of this priority is sent.
    pub(super) async fn enter(
        &self,
        priority: Priority,
        write: bool,
        now: Timestamp,
    ) -> Result<Slot, Timestamp> {
        self.open(priority, now)?;
        let place = {
            let mut line = self.lock();
            if line.free > 0 {
                line.free -= 1;
                None
            } else {
                let (go, place) = oneshot::channel();
                line.arrived += 1;
                let arrived = line.arrived;
                line.waiting.push(Waiter { priority, arrived, go });
                Some(place)
            }
        };
        let slot = match place {
            None => Slot(Some(self.0.clone())),
            // The line lives as long as this call, so nobody drops the sender.
            Some(place) => place.await.map_err(|_| now)?,
        };
        // A limit may have come up while this one waited.
        self.open(priority, now)?;
        let wait = self.lock().earn(write, self.0.pace, Instant::now());
        tokio::time::sleep(wait).await;
        Ok(slot)
    }

    /// Whether requests of a priority may be sent now.
    fn open(&self, priority: Priority, now: Timestamp) -> Result<(), Timestamp> {
        let line = self.lock();
        if let Some(at) = line.pause.filter(|at| now < *at) {
            return Err(at);
        }
        match line.rate {
            Some(rate)
                if now < rate.reset
                    && rate.remaining.saturating_mul(100) < rate.limit.saturating_mul(priority.reserve()) =>
            {
                Err(rate.reset)
            }
            _ => Ok(()),
        }
    }

    /// Nothing is sent before this time: asking on makes a limit longer.
    pub(super) fn pause(&self, until: Option<Timestamp>) {
        let mut line = self.lock();
        line.pause = until.max(line.pause);
    }

    /// Takes in what an answer says of the limit.
    pub(super) fn heard(&self, headers: &HeaderMap) {
        let number = |name: &str| header(headers, name).and_then(|v| v.trim().parse::<i64>().ok());
        // Searches and the like have limits of their own.
        if header(headers, "x-ratelimit-resource").is_some_and(|r| r != "core" && r != "graphql") {
            return;
        }
        let (Some(limit), Some(remaining), Some(reset)) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
        else {
            return;
        };
        let (Ok(limit), Ok(remaining), Ok(reset)) =
            (u64::try_from(limit), u64::try_from(remaining), Timestamp::from_second(reset))
        else {
            return;
        };
        let mut line = self.lock();
        // Answers overtake each other: within one hour what is left only falls.
        let remaining = match line.rate {
            Some(old) if old.reset == reset => old.remaining.min(remaining),
            Some(old) if old.reset > reset => return,
            _ => remaining,
        };
        line.rate = Some(Rate { limit, remaining, reset });
    }

    /// What is known of the limit.
    pub fn rate(&self) -> Option<Rate> {
        self.lock().rate
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a place to the most urgent one that still waits. The place travels to it, so that it comes
/// back even if the one that was called goes away before it takes it.
fn leave(budget: &Arc<Inner>) {
    let mut line = budget.lock();
    while let Some(next) = line.waiting.pop() {
        match next.go.send(Slot(Some(budget.clone()))) {
            Ok(()) => return,
            Err(mut unclaimed) => drop(unclaimed.0.take()),
        }
    }
    line.free += 1;
}

impl Line {
    /// How long a request must wait for its points.
    fn earn(&mut self, write: bool, pace: Pace, now: Instant) -> Duration {
        let point = Duration::from_secs(60) / pace.per_minute.max(1);
        let due = self.earned.map_or(now, |at| at.max(now));
        self.earned = Some(due + point * if write { 5 } else { 1 });
        let mut at = due.checked_sub(point * pace.burst).map_or(now, |at| at.max(now));
        if write {
            at = self.written.map_or(at, |last| at.max(last + BETWEEN_WRITES));
            self.written = Some(at);
        }
        at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn now() -> Timestamp {
        "2026-01-23T16:00:00Z".parse().unwrap()
    }

    fn headers(remaining: u64, reset: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", 5000.into());
        headers.insert("x-ratelimit-remaining", remaining.into());
        headers.insert("x-ratelimit-reset", (now().as_second() + reset).into());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_goes_first_and_one_that_left_is_passed_over() {
        let budget = Budget::new(1, Pace::default());
        let first = budget.enter(Priority::Refresh, false, now()).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let start = |priority: Priority| {
            let (budget, order) = (budget.clone(), order.clone());
            tokio::spawn(async move {
                let _slot = budget.enter(priority, false, now()).await.unwrap();
                order.lock().unwrap().push(priority);
            })
        };
        let tasks: Vec<_> = Priority::ALL.into_iter().map(start).collect();
        let gone = start(Priority::Gating);
        tokio::task::yield_now().await;
        gone.abort();
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        let mut want = Priority::ALL.to_vec();
        want.reverse();
        assert_eq!(*order.lock().unwrap(), want);
        assert_eq!(budget.lock().free, 1, "every place is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_given_and_not_taken_is_not_lost() {
        let budget = Budget::new(1, Pace::default());
        let first = budget.enter(Priority::Running, false, now()).await.unwrap();
        let waiting = {
            let budget = budget.clone();
            tokio::spawn(async move { budget.enter(Priority::Running, false, now()).await.map(drop) })
        };
        tokio::task::yield_now().await;
        // It is called, and goes away before it can come.
        drop(first);
        waiting.abort();
        let _ = waiting.await;
        tokio::time::timeout(Duration::from_secs(1), budget.enter(Priority::Refresh, false, now()))
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_ends() {
        let budget = Budget::new(4, Pace::default());
        let until = now() + jiff::SignedDuration::from_secs(60);
        budget.pause(Some(until));
        budget.pause(None);
        for priority in Priority::ALL {
            assert_eq!(budget.enter(priority, false, now()).await.unwrap_err(), until);
        }
        assert!(budget.enter(Priority::Refresh, false, until).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_part_of_an_hour_is_for_what_decides() {
        let budget = Budget::new(4, Pace::default());
        for (remaining, open) in [(2000, 4), (1200, 3), (400, 2), (200, 1), (0, 1)] {
            budget.heard(&headers(remaining, 600));
            let mut through = Vec::new();
            for priority in Priority::ALL {
                if budget.enter(priority, false, now()).await.is_ok() {
                    through.push(priority);
                }
            }
            assert_eq!(
                through,
                Priority::ALL.iter().skip(4 - open).copied().collect::<Vec<_>>(),
                "{remaining}"
            );
        }
        budget.heard(&headers(4000, 600));
        assert_eq!(budget.rate().unwrap().remaining, 0, "a late answer of the same hour brings nothing back");
        budget.heard(&headers(5000, 4200));
        assert!(budget.enter(Priority::Refresh, false, now()).await.is_ok(), "a new hour");
        budget.heard(&headers(10, 600));
        assert_eq!(budget.rate().unwrap().remaining, 5000, "an answer of the hour before");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_secondary_limit_allows() {
        let budget = Budget::new(10, Pace { per_minute: 600, burst: 20 });
        let start = Instant::now();
        for _ in 0..120 {
            budget.enter(Priority::Running, false, now()).await.unwrap();
        }
        let took = start.elapsed().as_secs_f64();
        assert!((9.0..=10.5).contains(&took), "120 points, 20 of them at once, at 10 a second: {took}");
    }

    #[tokio::test(start_paused = true)]
    async fn writes_keep_a_second_between_them() {
        let budget = Budget::new(10, Pace::default());
        let start = Instant::now();
        for _ in 0..4 {
            budget.enter(Priority::Gating, true, now()).await.unwrap();
        }
        assert_eq!(start.elapsed().as_secs(), 3);
    }
}
