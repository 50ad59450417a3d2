//! What one principal may ask of GitHub: a person's token, or an installation of an App.
//!
//! Every request of a principal passes here, whatever client sends it: at most so many at a time, the
//! most urgent first, no faster than the secondary limits allow, nothing while a limit lasts, and the
//! last part of an hour's requests kept for what decides.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::error::header;
use super::pace::{Pace, Sent};

/// How long a request waits for its part of the hour. A look holds a turn meanwhile, which others need.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a look that was sent away for that comes again, at the earliest.
const LATER: SignedDuration = SignedDuration::from_secs(60);

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
    pub(super) const fn reserve(self) -> u64 {
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
    pace: Pace,
}

#[derive(Debug)]
struct Line {
    free: usize,
    /// Those that wait, the most urgent first, and of these the one that came first. Writes, which keep a
    /// distance, do so in a line of their own.
    waiting: [BTreeMap<Rank, Arc<Notify>>; 2],
    arrived: u64,
    /// End of a limit.
    pause: Option<Timestamp>,
    rate: Option<Rate>,
    sent: Sent,
}

type Rank = (Reverse<Priority>, u64);

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

/// A place among the requests at the same time; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Inner>);

impl Drop for Slot {
    fn drop(&mut self) {
        let mut line = self.0.lock();
        line.free += 1;
        line.call();
    }
}

/// A place in the line; left when dropped, whether its request was sent or went away.
struct Place<'a> {
    inner: &'a Arc<Inner>,
    rank: Rank,
    write: bool,
    called: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.inner.lock();
        line.lane(self.write).remove(&self.rank);
        line.call();
    }
}

/// What may be done about a request now.
enum Turn {
    Send,
    /// At least for so long; None until it is called.
    Wait(Option<Duration>),
    Closed(Timestamp),
}

impl Budget {
    /// A budget with so many requests at a time.
    pub fn new(at_a_time: usize, pace: Pace) -> Self {
        let line = Line {
            free: at_a_time.max(1),
            waiting: Default::default(),
            arrived: 0,
            pause: None,
            rate: None,
            sent: Sent::default(),
        };
        Self(Arc::new(Inner { line: Mutex::new(line), pace }))
    }

    /// A budget of GraphQL queries: few at a time, below 2,000 points a minute.
    pub fn queries() -> Self {
        Self::new(2, Pace { per_minute: 300, burst: 30 })
    }

    /// Waits until a request may be sent: what was decided before would not know of a limit that came
    /// up, or of what is more urgent, meanwhile. The error is the time before which nothing of this
    /// priority is sent. `clock` is GitHub's.
    pub(super) async fn enter(
        &self,
        priority: Priority,
        write: bool,
        clock: impl Fn() -> Timestamp,
    ) -> Result<Slot, Timestamp> {
        let place = self.stand(priority, write);
        let since = Instant::now();
        loop {
            let now = clock();
            let turn = {
                let mut line = self.lock();
                let turn = line.turn(&place, self.0.pace, now, since);
                if matches!(turn, Turn::Send) {
                    line.free -= 1;
                    line.sent.send(write, self.0.pace, Instant::now());
                }
                turn
            };
            match turn {
                Turn::Send => return Ok(Slot(self.0.clone())),
                Turn::Closed(until) => return Err(until),
                Turn::Wait(None) => place.called.notified().await,
                Turn::Wait(Some(wait)) => {
                    tokio::select! {
                        () = place.called.notified() => {}
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
    }

    /// Takes a place at the end of those as urgent.
    fn stand(&self, priority: Priority, write: bool) -> Place<'_> {
        let mut line = self.lock();
        line.arrived += 1;
        let rank = (Reverse(priority), line.arrived);
        let called = Arc::new(Notify::new());
        line.lane(write).insert(rank, called.clone());
        drop(line);
        Place { inner: &self.0, rank, write, called }
    }

    /// Nothing is sent before this time: asking on makes a limit longer.
    pub(super) fn pause(&self, until: Option<Timestamp>) {
        let mut line = self.lock();
        line.pause = until.max(line.pause);
        line.call();
    }

    /// As if a limit had come up.
    #[cfg(test)]
    pub(crate) fn pause_until(&self, until: Timestamp) {
        self.pause(Some(until));
    }

    /// GitHub did not count the last request: nothing had changed.
    pub(super) fn uncounted(&self) {
        let mut line = self.lock();
        line.sent.uncounted();
        line.call();
    }

    /// Whether nothing would be lost with it: no limit that must be waited for, no request on its way.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let line = self.lock();
        let used = line.rate.is_some_and(|r| now < r.reset && r.remaining.saturating_mul(2) < r.limit);
        line.pause.is_none_or(|until| until <= now) && !used && Arc::strong_count(&self.0) == 1
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
        line.call();
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

impl Line {
    fn lane(&mut self, write: bool) -> &mut BTreeMap<Rank, Arc<Notify>> {
        let [reads, writes] = &mut self.waiting;
        if write { writes } else { reads }
    }

    /// Calls the first of both lines: something has changed.
    fn call(&self) {
        for (_, called) in self.waiting.iter().filter_map(BTreeMap::first_key_value) {
            called.notify_one();
        }
    }

    /// Whether a request may be sent now.
    fn turn(&mut self, place: &Place<'_>, pace: Pace, now: Timestamp, since: Instant) -> Turn {
        let (Reverse(priority), _) = place.rank;
        if let Some(until) = self.closed(priority, now) {
            return Turn::Closed(until);
        }
        let first = |lane: &BTreeMap<Rank, _>| lane.first_key_value().map(|(rank, _)| *rank);
        if first(self.lane(place.write)) != Some(place.rank) {
            return Turn::Wait(None);
        }
        let at = Instant::now();
        let share = self.sent.share(priority, self.rate, now);
        let waited = at.saturating_duration_since(since);
        if share > Duration::ZERO && waited + share > PATIENCE {
            let share = SignedDuration::try_from(share).unwrap_or(LATER);
            return Turn::Closed(now.saturating_add(share.max(LATER)).unwrap_or(now));
        }
        if self.free == 0 {
            return Turn::Wait(None);
        }
        let wait = self.sent.wait(place.write, pace, at).max(share);
        if wait > Duration::ZERO {
            return Turn::Wait(Some(wait));
        }
        // The first of the other line has been called or is about to come, if it may.
        match first(self.lane(!place.write)) {
            Some(other) if other < place.rank && self.sent.wait(!place.write, pace, at).is_zero() => {
                Turn::Wait(None)
            }
            _ => Turn::Send,
        }
    }

    /// The time before which no request of a priority is sent.
    fn closed(&self, priority: Priority, now: Timestamp) -> Option<Timestamp> {
        if let Some(at) = self.pause.filter(|at| now < *at) {
            return Some(at);
        }
        let rate = self.rate.filter(|rate| now < rate.reset)?;
        let kept = rate.limit.saturating_mul(priority.reserve());
        (rate.remaining.saturating_mul(100) < kept).then_some(rate.reset)
    }
}

#[cfg(test)]
mod tests;
