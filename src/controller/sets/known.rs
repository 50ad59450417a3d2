//! A list of pull requests that is too long to be read at each look: it is kept for a while, and what events tell of is
//! read by itself.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::collect::{Candidate, Candidates, SetSurvey};
use crate::github::api::PER_PAGE;
use crate::sets::selects;

/// Pull requests that one look reads by themselves; where more changed, the list is read.
const MAX_READ: usize = 20;

/// Why a set is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    /// Since when the answers must be; None where older ones will do.
    pub since: Option<Instant>,
    /// Pull requests that something was told of since the last look; None where it may be any of them.
    pub told: Option<BTreeSet<i64>>,
    /// When something was told of at all. A page that was read before that may lack what was read by itself since.
    pub heard: Option<Instant>,
}

impl Default for Why {
    fn default() -> Self {
        Self { since: None, told: Some(BTreeSet::new()), heard: None }
    }
}

impl Why {
    /// Something was told of a pull request, or of none that is known.
    pub fn hear(&mut self, since: Instant, number: Option<i64>) {
        self.since = self.since.max(Some(since));
        self.heard = self.heard.max(self.since);
        match (&mut self.told, number.filter(|n| *n > 0)) {
            (Some(told), Some(number)) if told.len() <= MAX_READ => {
                told.insert(number);
            }
            (told, _) => *told = None,
        }
    }

    /// What is to be answered from now on; the rest is for the look that begins.
    pub fn begin(&mut self) -> Self {
        let heard = self.heard;
        std::mem::replace(self, Self { heard, ..Self::default() })
    }

    /// What a look that failed was to answer still is to be answered.
    pub fn keep(&mut self, other: Self) {
        self.since = self.since.max(other.since);
        self.heard = self.heard.max(other.heard);
        match (&mut self.told, other.told) {
            (Some(told), Some(others)) => told.extend(others),
            (told, _) => *told = None,
        }
    }

    /// The pull requests that have to be read, if these are all.
    pub fn changed(&self) -> Option<Vec<i64>> {
        let told = self.told.as_ref().filter(|told| told.len() <= MAX_READ)?;
        Some(told.iter().copied().collect())
    }
}

/// A list, and what it is of.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub wanted: SetSurvey,
    /// When it was asked for.
    pub at: Instant,
    pub found: Candidates,
}

impl Listed {
    /// Whether it is worth to be kept: one page is shared with all reports of the repository, and mostly unchanged.
    pub fn is_long(&self) -> bool {
        let of_pulls = self.wanted.generators.pull_requests.as_ref();
        of_pulls.is_some_and(|by| by.paths.is_empty()) && self.found.list.len() >= PER_PAGE
    }

    /// The list with these pull requests as they are now, None of those that are not open. None where others may have
    /// come within the bound or the reach, which a list that was not read to its end does not have.
    pub fn with(mut self, now: BTreeMap<i64, Option<Candidate>>) -> Option<Self> {
        let Candidates { list, whole, reach, .. } = &mut self.found;
        let end = list.last().and_then(|c| c.number);
        for (number, pull) in now {
            list.retain(|c| c.number != Some(number));
            // Where the list ends, nobody knows what is between it and an older one.
            if let Some(pull) = pull.filter(|_| *whole || end.is_some_and(|end| number >= end)) {
                let at = list.partition_point(|c| c.number > Some(number));
                list.insert(at, pull);
            }
        }
        let by = self.wanted.generators.pull_requests.as_ref()?;
        let enough = || list.iter().filter(|c| selects(by, c)).count() > self.wanted.most;
        let far = *reach > 0 && list.len() >= *reach;
        (*whole || far || enough()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;
    use crate::api::set::{Generators, PullRequestGenerator};

    fn pull(number: i64) -> Candidate {
        Candidate { number: Some(number), base: "main".into(), ..Candidate::default() }
    }

    fn listed(numbers: impl IntoIterator<Item = i64>, whole: bool, most: usize) -> Listed {
        reaching(numbers, whole, most, 0)
    }

    fn reaching(numbers: impl IntoIterator<Item = i64>, whole: bool, most: usize, reach: usize) -> Listed {
        let by =
            PullRequestGenerator { base_branches: vec!["main".into()], ..PullRequestGenerator::default() };
        let generators = Generators { pull_requests: Some(by), ..Generators::default() };
        let wanted = SetSurvey { repository: "acme/shop".into(), generators, most };
        let list = numbers.into_iter().map(pull).collect();
        let found = Candidates { list, whole, reach, ..Candidates::default() };
        Listed { wanted, at: Instant::now(), found }
    }

    fn numbers(listed: &Listed) -> Vec<i64> {
        listed.found.list.iter().filter_map(|c| c.number).collect()
    }

    #[test]
    fn what_changed_takes_its_place() {
        let other = |n| Some(Candidate { base: "other".into(), ..pull(n) });
        let now = BTreeMap::from([(9, Some(pull(9))), (6, None), (5, other(5)), (1, Some(pull(1)))]);
        let whole = listed([8, 7, 6, 5], true, 2).with(now.clone()).unwrap();
        assert_eq!(numbers(&whole), [9, 8, 7, 5, 1]);
        assert_eq!(whole.found.list[3].base, "other");
        // The list ended at 5: whether there is something between that and 1 is not known.
        assert_eq!(numbers(&listed([8, 7, 6, 5], false, 2).with(now.clone()).unwrap()), [9, 8, 7, 5]);
        assert!(listed([8, 7, 6, 5], false, 3).with(now).is_none(), "a fourth may be behind the end");
    }

    #[test]
    fn a_list_that_ends_at_its_reach_is_followed_down_to_it() {
        let closed = |n| BTreeMap::from([(n, None)]);
        let list = reaching([9, 8, 7, 6], false, 5, 3).with(closed(8)).unwrap();
        assert_eq!(numbers(&list), [9, 7, 6]);
        assert!(list.with(closed(7)).is_none(), "the third newest may be behind the end");
        let others = reaching([9, 8, 7], false, 5, 3).with(BTreeMap::from([(9, None), (10, Some(pull(10)))]));
        assert_eq!(numbers(&others.unwrap()), [10, 8, 7]);
    }

    #[test]
    fn too_many_changes_are_any() {
        let mut why = Why::default();
        assert_eq!(why.changed(), Some(vec![]));
        for number in 1..=20 {
            why.hear(Instant::now(), Some(number));
        }
        assert_eq!(why.changed().map(|all| all.len()), Some(20));
        why.hear(Instant::now(), Some(21));
        assert_eq!(why.changed(), None);
        let mut later = Why::default();
        later.hear(Instant::now(), Some(4));
        later.keep(Why { told: Some(BTreeSet::from([5])), ..Why::default() });
        assert_eq!(later.changed(), Some(vec![4, 5]));
        later.keep(why);
        assert_eq!(later.changed(), None);
        later.hear(Instant::now(), Some(4));
        assert_eq!(later.changed(), None, "it still may be any");
        let begun = later.begin();
        assert_eq!((later.since, later.heard, later.changed()), (None, begun.since, Some(vec![])));
        let mut unnamed = Why::default();
        unnamed.hear(Instant::now(), Some(0));
        assert_eq!(unnamed.changed(), None);
    }

    proptest! {
        /// Whatever opens, closes and changes: the list is what a new one would be, as far as that goes.
        #[test]
        fn a_list_that_follows_is_the_list(
            open in prop::collection::btree_set(1..60_i64, 0..40),
            toggled in prop::collection::btree_set(1..80_i64, 0..15),
            most in 1..30_usize,
            bound in any::<bool>(),
            reach in 0..20_usize,
        ) {
            let before: Vec<i64> = open.iter().rev().copied().collect();
            let end = if reach > 0 { most.min(reach + 2) } else { most };
            let cut = if bound { before.len().min(end + 1) } else { before.len() };
            let list = reaching(before[..cut].iter().copied(), cut == before.len(), most, reach);
            let mut after = open.clone();
            for n in &toggled {
                if !after.remove(n) { after.insert(*n); }
            }
            let now = toggled.iter().map(|n| (*n, after.contains(n).then(|| pull(*n)))).collect();
            let anew: Vec<i64> = after.iter().rev().copied().collect();
            if let Some(list) = list.with(now) {
                let found = numbers(&list);
                if list.found.whole {
                    prop_assert_eq!(found, anew);
                } else {
                    prop_assert!(found.len() > most || reach > 0 && found.len() >= reach);
                    prop_assert_eq!(&found[..], &anew[..found.len()]);
                }
            }
        }
    }
}
