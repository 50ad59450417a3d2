//! What the commits of a repository showed when they were last counted, and which of them that makes worth a look.
//!
//! Counts say little: not which run has ended, nor that a run has after its last job. So a commit that shows
//! news is looked at, and the list of runs that have ended is read in the rounds after it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::collect::Swept;
use crate::github::Rollup;

/// Commits of one repository that are counted; of more, only lists are read.
const MAX_COMMITS: usize = 500;
/// Rounds after news in which the list is read.
const ROUNDS: u8 = 2;
/// Where counts cannot be had they are asked for again after this time.
const AGAIN: Duration = Duration::from_secs(900);

#[derive(Default)]
pub(super) struct Sweep {
    seen: HashMap<String, Rollup>,
    /// Rounds in which the list is still to be read.
    rounds: u8,
    refused: Option<Instant>,
}

impl Sweep {
    /// The commits to count in the next round; none where lists do it.
    pub fn wants<C>(&mut self, on: bool, commits: impl Fn() -> C, now: Instant) -> BTreeSet<String>
    where
        C: Iterator<Item = String>,
    {
        if !on || self.refused.is_some_and(|at| now.duration_since(at) < AGAIN) {
            return BTreeSet::new();
        }
        let commits: BTreeSet<String> = commits().collect();
        if commits.len() > MAX_COMMITS { BTreeSet::new() } else { commits }
    }

    /// Whether the list of runs that have ended is read in a round in which these are counted.
    pub fn needs_list(&mut self, commits: &BTreeSet<String>) -> bool {
        let owed = self.rounds > 0;
        self.rounds = self.rounds.saturating_sub(1);
        commits.is_empty() || owed
    }

    /// Takes in what was counted and gives the commits to look at. `ours` says how many of a commit's checks and
    /// statuses are published by reports, and wait for them.
    pub fn take(&mut self, swept: &Swept, ours: impl Fn(&str) -> u32, now: Instant) -> HashSet<String> {
        let counted = match swept {
            Swept::Counted(counted) => counted,
            Swept::Refused(_) => {
                self.refused = Some(now);
                self.seen.clear();
                return HashSet::new();
            }
            Swept::NotAsked => return HashSet::new(),
        };
        self.refused = None;
        self.seen.retain(|sha, _| counted.contains_key(sha));
        let mut news = HashSet::new();
        for (sha, rollup) in counted {
            let before = self.seen.insert(sha.clone(), *rollup);
            if before != Some(*rollup) {
                self.rounds = ROUNDS;
            }
            if is_news(before, *rollup, ours(sha)) {
                news.insert(sha.clone());
            }
        }
        news
    }
}

/// Whether a commit that showed `before` and shows `now` is worth a look: something is red that was not, everything
/// has ended, or something began again. That one more job is green is seen at the pace of progress.
fn is_news(before: Option<Rollup>, now: Rollup, ours: u32) -> bool {
    let ended = |rollup: Rollup| rollup.unfinished <= ours;
    match before {
        None => ended(now),
        Some(before) if before == now => false,
        Some(before) => ended(now) || ended(before) || now.red > before.red || now.total < before.total,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::api::Reason;
    use crate::verdict::facts::Trouble;

    fn rollup(total: u32, unfinished: u32, red: u32) -> Rollup {
        let print = u64::from(total) << 40 | u64::from(unfinished) << 20 | u64::from(red);
        Rollup { total, unfinished, red, print }
    }

    #[test]
    fn a_look_is_worth_it_when_something_is_red_or_over() {
        let some = |t, u, r| Some(rollup(t, u, r));
        for (what, before, now, ours, news) in [
            ("seen for the first time, running", None, rollup(3, 2, 0), 0, false),
            ("seen for the first time, over", None, rollup(3, 0, 0), 0, true),
            ("over but for what waits for us", None, rollup(3, 1, 0), 1, true),
            ("the same", some(3, 2, 0), rollup(3, 2, 0), 0, false),
            ("the same, and over", some(3, 0, 1), rollup(3, 0, 1), 0, false),
            ("one more is green", some(3, 2, 0), rollup(3, 1, 0), 0, false),
            ("one more is red", some(3, 2, 0), rollup(3, 1, 1), 0, true),
            ("the last one is over", some(3, 1, 0), rollup(3, 0, 0), 0, true),
            ("the last one but ours", some(4, 2, 0), rollup(4, 1, 0), 1, true),
            ("one more has begun", some(3, 1, 0), rollup(4, 2, 0), 0, false),
            ("red ones begin again", some(3, 0, 1), rollup(3, 1, 0), 0, true),
            ("a suite is gone", some(5, 2, 0), rollup(3, 2, 0), 0, true),
            ("another state, the same sums", some(3, 0, 1), Rollup { print: 7, ..rollup(3, 0, 1) }, 0, true),
        ] {
            assert_eq!(is_news(before, now, ours), news, "{what}");
        }
    }

    #[test]
    fn lists_are_read_after_news_and_where_counts_cannot_be_had() {
        let now = Instant::now();
        let commits = || ["a", "b"].map(str::to_owned).into_iter();
        let mut sweep = Sweep::default();
        assert!(sweep.wants(false, commits, now).is_empty(), "only where it is wanted");
        let wanted = sweep.wants(true, commits, now);
        assert_eq!(wanted.len(), 2);
        assert!(!sweep.needs_list(&wanted), "nothing is known to have happened");
        let counted = |unfinished| {
            Swept::Counted(BTreeMap::from([
                ("a".to_owned(), rollup(3, unfinished, 0)),
                ("b".to_owned(), rollup(2, 1, 0)),
            ]))
        };
        assert!(sweep.take(&counted(2), |_| 0, now).is_empty());
        for _ in 0..ROUNDS {
            assert!(sweep.needs_list(&wanted), "what is new may have ended meanwhile");
            sweep.take(&counted(2), |_| 0, now);
        }
        assert!(!sweep.needs_list(&wanted), "at rest no list is read");
        assert_eq!(sweep.take(&counted(0), |_| 0, now), HashSet::from(["a".to_owned()]));
        assert!(sweep.needs_list(&wanted), "a run may end after its last job");

        let refused = Trouble { reason: Reason::Forbidden, message: "no".into(), retry_at: None };
        sweep.take(&Swept::Refused(refused), |_| 0, now);
        let none = sweep.wants(true, commits, now);
        assert!(none.is_empty() && sweep.needs_list(&none) && sweep.needs_list(&none));
        assert!(!sweep.wants(true, commits, now + AGAIN).is_empty(), "tried again later");
        let many = || (0..=MAX_COMMITS).map(|n| n.to_string());
        assert!(sweep.wants(true, many, now + AGAIN).is_empty(), "more than it is made for");
    }
}
