//! What to do next about the Leases: pure, by what was seen of them and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty: nobody.
    pub holder: String,
    pub duration: Duration,
    /// Into how many shards its holder divides the namespaces.
    pub shards: u16,
    /// A replica that has less to do and would take it.
    pub wish: Option<String>,
}

/// A Lease as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub record: Record,
    pub version: String,
    /// When this version was first seen, by the own clock.
    pub at: Instant,
}

/// All Leases, by shard.
#[derive(Clone, Debug, Default)]
pub(super) struct View(pub BTreeMap<u16, Seen>);

/// Who plans, and by which times.
#[derive(Clone, Debug)]
pub(super) struct Me {
    pub identity: String,
    pub shards: u16,
    pub lease: Duration,
    pub retry: Duration,
}

/// Something to be done about one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make its Lease, or write the own name into it.
    Take(u16),
    /// Give it away: somebody has less to do.
    HandOver(u16),
    /// Ask its holder for it.
    Wish(u16),
}

impl View {
    /// Takes over a newer version. An older one, which a watch that lags behind shows, is no news.
    pub fn see(&mut self, shard: u16, version: String, record: Record, now: Instant) {
        let number = |v: &str| v.parse::<u128>().unwrap_or(0);
        let known = self.0.get(&shard);
        if known.is_none_or(|k| number(&k.version) < number(&version)) {
            self.0.insert(shard, Seen { record, version, at: now });
        }
    }

    /// Takes over what the server has now, whatever was seen before: after a backup was restored its versions are
    /// older ones.
    pub fn reread(&mut self, shard: u16, version: String, record: Record, now: Instant) {
        if self.0.get(&shard).is_none_or(|known| known.version != version) {
            self.0.insert(shard, Seen { record, version, at: now });
        }
    }
}

impl Me {
    /// Whether somebody may be at work on it: not before it was left alone for the whole duration.
    fn live(&self, seen: &Seen, now: Instant) -> bool {
        !seen.record.holder.is_empty() && now < self.ends(seen)
    }

    /// When a holder that does not renew has stopped for sure.
    pub fn ends(&self, seen: &Seen) -> Instant {
        seen.at + seen.record.duration.max(self.lease)
    }

    /// Since when a shard that nobody holds is free; None if it never had a Lease.
    fn free_since(&self, seen: &Seen) -> Instant {
        if seen.record.holder.is_empty() { seen.at } else { self.ends(seen) }
    }

    /// What to do now. `held` are the own shards.
    pub fn plan(&self, view: &View, held: &BTreeSet<u16>, now: Instant) -> Vec<Step> {
        let live: Vec<(u16, &Seen)> =
            view.0.iter().map(|(s, seen)| (*s, seen)).filter(|(_, seen)| self.live(seen, now)).collect();
        let others = |(_, seen): &&(u16, &Seen)| seen.record.holder != self.identity;
        // Replicas that divide otherwise must be gone before a namespace can be said to be free.
        if live.iter().filter(others).any(|(_, seen)| seen.record.shards != self.shards) {
            return Vec::new();
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::from([(self.identity.as_str(), held.len())]);
        for (_, seen) in live.iter().filter(others) {
            *counts.entry(&seen.record.holder).or_default() += 1;
        }
        for (_, seen) in &live {
            if let Some(wish) = &seen.record.wish {
                counts.entry(wish).or_default();
            }
        }
        let fair = usize::from(self.shards).div_ceil(counts.len());
        let mut steps = self.takes(view, held, now, fair);
        steps.extend(self.hand_over(view, held, &counts));
        let taking = steps.iter().filter(|s| matches!(s, Step::Take(_))).count();
        steps.extend(self.wish(&live, held.len() + taking, &counts));
        steps
    }

    /// Free shards: the fair share at once, the rest after others had their chance.
    fn takes(&self, view: &View, held: &BTreeSet<u16>, now: Instant, fair: usize) -> Vec<Step> {
        let mut have = held.len();
        let mut steps = Vec::new();
        // Replicas that start together begin at different shards.
        let start = super::shard_of(&self.identity, self.shards);
        for i in 0..self.shards {
            let shard = (start + i) % self.shards;
            if held.contains(&shard) {
                continue;
            }
            let patient = match view.0.get(&shard) {
                Some(seen) if self.live(seen, now) && seen.record.holder != self.identity => continue,
                Some(seen) => now >= self.free_since(seen) + self.retry * 2,
                None => have < fair,
            };
            if have < fair || patient {
                have += 1;
                steps.push(Step::Take(shard));
            }
        }
        steps
    }

    /// At most one at a time: after it the counts are others.
    fn hand_over(&self, view: &View, held: &BTreeSet<u16>, counts: &BTreeMap<&str, usize>) -> Option<Step> {
        let wanted = |shard: &&u16| {
            let wish = view.0.get(*shard).and_then(|seen| seen.record.wish.as_deref());
            let of = |w: &str| counts.get(w).copied().unwrap_or(0);
            wish.is_some_and(|w| w != self.identity && of(w) + 1 < held.len())
        };
        held.iter().find(wanted).map(|shard| Step::HandOver(*shard))
    }

    /// Asks the busiest holder for one, if it has at least two more.
    fn wish(&self, live: &[(u16, &Seen)], have: usize, counts: &BTreeMap<&str, usize>) -> Option<Step> {
        if live.iter().any(|(_, seen)| seen.record.wish.as_deref() == Some(&self.identity)) {
            return None;
        }
        let of = |holder: &str| counts.get(holder).copied().unwrap_or(0);
        let candidates = live.iter().filter(|(_, seen)| {
            let record = &seen.record;
            record.holder != self.identity && record.wish.is_none() && of(&record.holder) >= have + 2
        });
        candidates.max_by_key(|(_, seen)| of(&seen.record.holder)).map(|(shard, _)| Step::Wish(*shard))
    }
}

#[cfg(test)]
mod tests;
