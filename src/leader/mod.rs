//! Which namespaces this process works on, when several processes share the work.
//!
//! The namespaces are divided into shards by a hash of their names, and each shard has a Lease; one shard is
//! plain leader election. All replicas watch all reports, so that whoever takes a shard over has everything
//! at hand; only the holder looks and writes. `plan` decides (pure), `hold` carries out, and this file is what
//! the controller asks. A Lease also tells where its holder takes webhooks (`peers`).
//!
//! A holder believes in its Lease for the renew deadline after the *start* of the last renewal that succeeded,
//! and asks before every write. Others wait for the longer lease duration after they last saw the Lease change,
//! by their own clock: clocks of machines are never compared. What a paused process still manages to send is
//! refused by the resourceVersion that every write carries.

mod hold;
mod lease;
mod peers;
mod plan;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

pub use hold::hold;
pub use peers::Peers;

/// The shard of a namespace: FNV-1a of its name, so that every version on every platform agrees.
pub fn shard_of(namespace: &str, shards: u16) -> u16 {
    let hash = namespace
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    // The low bits of FNV are its weak ones.
    u16::try_from((hash ^ (hash >> 32)) % u64::from(shards.max(1))).unwrap_or(0)
}

/// What this process may work on; clones share it.
#[derive(Clone, Debug)]
pub struct Ownership(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    shards: Mutex<Vec<Shard>>,
    changes: watch::Sender<u64>,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    /// Until when the Lease is believed in, by two clocks: one stands still while a machine sleeps, the other
    /// may be set.
    until: Option<(Instant, SystemTime)>,
    /// It is about to be given away: nothing new is begun.
    closing: bool,
    /// Looks that are running.
    running: usize,
    /// Counts how often it was gained.
    term: u64,
}

impl Shard {
    fn held(&self) -> bool {
        self.until.is_some_and(|(at, wall)| Instant::now() < at && SystemTime::now() < wall)
    }
}

impl Ownership {
    /// Everything is this process's: it works alone.
    pub fn everything() -> Self {
        Self(None)
    }

    /// Nothing yet, of so many shards.
    pub fn nothing(shards: u16) -> Self {
        let shards = vec![Shard::default(); usize::from(shards.max(1))];
        Self(Some(Arc::new(Inner { shards: Mutex::new(shards), changes: watch::Sender::new(0) })))
    }

    /// Begins a look at a report of the namespace, if it is this process's to look at.
    pub fn begin(&self, namespace: &str) -> Option<Work> {
        let Some(inner) = &self.0 else { return Some(Work(None)) };
        let mut shards = inner.lock();
        let index = usize::from(shard_of(namespace, u16::try_from(shards.len()).unwrap_or(1)));
        let shard = shards.get_mut(index).filter(|s| s.held() && !s.closing)?;
        shard.running += 1;
        Some(Work(Some((Arc::clone(inner), index, shard.term))))
    }

    /// Whether a look at a report of the namespace would begin now. Where not, all of the shard are queued once it would.
    pub fn owns(&self, namespace: &str) -> bool {
        let Some(inner) = &self.0 else { return true };
        let shards = inner.lock();
        let index = usize::from(shard_of(namespace, u16::try_from(shards.len()).unwrap_or(1)));
        shards.get(index).is_some_and(|s| s.held() && !s.closing)
    }

    /// Shards that are held now.
    pub fn held(&self) -> Vec<u16> {
        let Some(inner) = &self.0 else { return vec![0] };
        let shards = inner.lock();
        let held = shards.iter().enumerate().filter(|(_, s)| s.held());
        held.filter_map(|(i, _)| u16::try_from(i).ok()).collect()
    }

    /// How many shards there are.
    pub fn shards(&self) -> u16 {
        self.0.as_ref().map_or(1, |inner| u16::try_from(inner.lock().len()).unwrap_or(1))
    }

    /// Waits for shards that were gained since `terms`, which is brought up to date; for ever where everything
    /// is this process's. The function says whether a namespace is in one of them.
    pub async fn gained(&self, terms: &mut Vec<u64>) -> impl Fn(&str) -> bool + use<> {
        let Some(inner) = &self.0 else { return std::future::pending().await };
        let mut changes = inner.changes.subscribe();
        loop {
            let now: Vec<u64> = inner.lock().iter().map(|s| s.term).collect();
            let before = |i: usize| terms.get(i).copied().unwrap_or(0);
            let new: BTreeSet<u16> = now
                .iter()
                .enumerate()
                .filter(|(i, term)| **term > before(*i))
                .filter_map(|(i, _)| u16::try_from(i).ok())
                .collect();
            let count = u16::try_from(now.len()).unwrap_or(1);
            *terms = now;
            if !new.is_empty() {
                return move |namespace: &str| new.contains(&shard_of(namespace, count));
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// A shard is held from `start` for so long. Says whether it was not held before.
    fn hold(&self, shard: u16, start: Instant, wall: SystemTime, length: Duration) -> bool {
        let mut gained = false;
        self.change(shard, |s| {
            gained = !s.held();
            s.until = Some((start + length, wall + length));
            if gained {
                s.term += 1;
                s.closing = false;
            }
        });
        gained
    }

    /// A shard is not held any more.
    fn lose(&self, shard: u16) {
        self.change(shard, |s| {
            s.until = None;
            s.closing = false;
        });
    }

    /// Begins nothing new in a shard, and waits at most this long for what is running.
    async fn close(&self, shard: u16, limit: Duration) {
        let Some(inner) = &self.0 else { return };
        self.change(shard, |s| s.closing = true);
        let idle = async {
            let mut changes = inner.changes.subscribe();
            while inner.lock().get(usize::from(shard)).is_some_and(|s| s.running > 0) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        // What runs longer finds that the shard is lost before it writes.
        let _ = tokio::time::timeout(limit, idle).await;
    }

    fn change(&self, shard: u16, f: impl FnOnce(&mut Shard)) {
        let Some(inner) = &self.0 else { return };
        if let Some(shard) = inner.lock().get_mut(usize::from(shard)) {
            f(shard);
        }
        inner.changes.send_modify(|n| *n += 1);
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Vec<Shard>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A look that is running; it is over when this is dropped.
#[derive(Debug)]
pub struct Work(Option<(Arc<Inner>, usize, u64)>);

impl Work {
    /// Whether what was seen may still be written: asked right before each write.
    pub fn may_write(&self) -> bool {
        let Some((inner, index, term)) = &self.0 else { return true };
        inner.lock().get(*index).is_some_and(|s| s.held() && s.term == *term)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Some((inner, index, _)) = &self.0 else { return };
        if let Some(shard) = inner.lock().get_mut(*index) {
            shard.running = shard.running.saturating_sub(1);
        }
        inner.changes.send_modify(|n| *n += 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn hold(ownership: &Ownership, shard: u16) -> bool {
        ownership.hold(shard, Instant::now(), SystemTime::now(), LONG)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_before_the_lease_was_lost_is_not_written_after_it_was_gained_again() {
        let ownership = Ownership::nothing(1);
        assert!(ownership.begin("a").is_none(), "nothing is ours at first");
        assert!(hold(&ownership, 0) && !hold(&ownership, 0), "gained once");
        let work = ownership.begin("a").unwrap();
        assert!(work.may_write());
        tokio::time::advance(LONG).await;
        assert!(!work.may_write() && ownership.begin("a").is_none(), "the deadline is over");
        assert!(hold(&ownership, 0), "gained again");
        assert!(!work.may_write(), "it was seen in another term");
        assert!(ownership.begin("a").unwrap().may_write());
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_forward_ends_the_lease_and_one_set_back_does_not_prolong_it() {
        let ownership = Ownership::nothing(1);
        ownership.hold(0, Instant::now(), SystemTime::now() - Duration::from_secs(3600), LONG);
        assert!(ownership.held().is_empty(), "as after the sleep of a machine");
        ownership.hold(0, Instant::now(), SystemTime::now() + Duration::from_secs(3600), LONG);
        assert_eq!(ownership.held(), [0]);
        tokio::time::advance(LONG).await;
        assert!(ownership.held().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shard_that_is_given_away_waits_for_what_runs() {
        let ownership = Ownership::nothing(1);
        hold(&ownership, 0);
        let work = ownership.begin("a").unwrap();
        let closing = ownership.clone();
        let task = tokio::spawn(async move { closing.close(0, LONG).await });
        tokio::task::yield_now().await;
        assert!(ownership.begin("a").is_none(), "nothing new is begun");
        assert!(work.may_write() && !task.is_finished(), "what runs may end");
        drop(work);
        task.await.unwrap();
        let stuck = Ownership::nothing(1);
        hold(&stuck, 0);
        let _work = stuck.begin("a").unwrap();
        stuck.close(0, Duration::from_secs(1)).await;
    }

    #[tokio::test]
    async fn a_gain_names_the_namespaces_of_the_shard() {
        let ownership = Ownership::nothing(4);
        let mut terms = Vec::new();
        hold(&ownership, 2);
        let gained = ownership.gained(&mut terms).await;
        let names: Vec<String> = (0..100).map(|i| format!("team-{i}")).collect();
        for name in &names {
            assert_eq!(gained(name), shard_of(name, 4) == 2, "{name}");
        }
        for shard in 0..4 {
            let share = names.iter().filter(|n| shard_of(n, 4) == shard).count();
            assert!((10..=45).contains(&share), "shard {shard} has {share} of 100");
        }
        // Part of what replicas of different versions agree on.
        assert_eq!([shard_of("default", 64), shard_of("team-a", 64), shard_of("", 1)], [40, 39, 0]);
    }
}
