//! What the controller remembers of each report, by uid.
//!
//! It tells own writes from those of others: an event whose status is the one that was written last
//! is the echo of a write and no news; any other status was put there by somebody else.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::{Resource, ResourceExt};

use super::rivals::{self, Due, Rivals};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::cache::{Digest, Kept, Snapshot, Trigger, Unreadable, print};
use crate::notify::Told;

/// So many things can be done about something at a time.
const LANES: usize = 16;
/// After this long it is tried whether the API server keeps by now what it did not keep.
const KEPT: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
struct Entry {
    seen: Option<Trigger>,
    /// Status of a write that is on its way: its echo can come before its answer.
    pending: Option<Digest>,
    /// The object as the last write left it, or as it was read after one was refused.
    last: Option<Snapshot>,
    /// The object when its status was last right, as written or found; what somebody else wrote since is not
    /// believed.
    own: Option<Snapshot>,
    /// The same with all that was written, where the API server did not keep it, and when.
    meant: Option<(Snapshot, Instant)>,
    /// Somebody else wrote the status.
    rivals: Rivals,
    /// The next look was called for by somebody else's status alone, and waits so long.
    put_off: Option<Duration>,
    /// When the next look is due anyway.
    due: Option<Instant>,
    /// The epoch in which the look began.
    epoch: u64,
    failures: u32,
    /// Looks in a row that saw the commit unfinished.
    looks: u32,
    /// Somebody changed the object, or asks for a look.
    asked: bool,
    told: Told,
    /// Most reports have nothing that is done for them.
    done: Option<Box<super::deeds::Done>>,
}

impl Entry {
    /// Status that is right.
    fn settled(&self) -> Option<Digest> {
        self.own.as_ref().map(Snapshot::print)
    }
}

/// Whether an object of the watch calls for a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// It does.
    pub calls: bool,
    /// Somebody else put a status in place of the own one.
    pub overwritten: bool,
    /// That happens so often that people should hear of it.
    pub often: bool,
}

/// Memory of all reports.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<String, Entry>>,
    /// Changes when the API server goes back to an earlier state, and when that was listed.
    epoch: AtomicU64,
    /// The API server went back, and what it has is not listed yet.
    rewinding: AtomicBool,
    /// For what only one may do at a time, by a hash of what it is about.
    alone: [tokio::sync::Mutex<()>; LANES],
}

impl Memory {
    /// Waits until nobody else of this process does something about the same.
    pub async fn alone(&self, about: &impl Hash) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        about.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        Some(self.alone.get(lane)?.lock().await)
    }

    /// Packs a report, or shares what is remembered if it is the same.
    pub fn pack(&self, report: &TestRunReport) -> Snapshot {
        let at_hand: Option<Vec<_>> =
            self.look_up(report, |entry| entry.last.iter().chain(&entry.own).cloned().collect());
        Snapshot::of(report, &at_hand.unwrap_or_default())
    }

    /// What an object of the watch is to the controller.
    pub fn news(&self, report: &Kept) -> News {
        let snapshot = report.snapshot();
        self.with(report, |entry| {
            let same = entry.seen.as_ref() == Some(snapshot.trigger());
            // Before the first reconcile ends nothing is known of the status, and one is due anyway.
            let settled = entry.settled();
            let known = settled.is_none() || [settled, entry.pending].contains(&Some(snapshot.print()));
            // What will come of a write to a server that does not keep all of it is not known before its answer.
            let known = known || entry.meant.is_some() && entry.pending.is_some();
            // A cache that lags behind shows the status before the last write; that is no news either.
            let stale = entry.last.as_ref().is_some_and(|last| last.is_newer(snapshot));
            entry.seen = Some(snapshot.trigger().clone());
            let overwritten = !known && !stale;
            let mut news = News { calls: !same || overwritten, overwritten, often: false };
            if same && overwritten {
                let status = |snapshot: Option<&Snapshot>| snapshot.and_then(|s| s.status().ok().flatten());
                let says =
                    rivals::compare(status(entry.own.as_ref()).as_ref(), status(Some(snapshot)).as_ref());
                match entry.rivals.wrote(says, Instant::now()) {
                    Due::Now => entry.put_off = None,
                    Due::In(wait) => entry.put_off = Some(wait),
                    Due::NextLook => news.calls = false,
                }
                news.often = entry.rivals.is_worth_a_word();
            }
            entry.asked |= news.calls;
            news
        })
    }

    /// How long a look waits that only somebody else's status calls for.
    pub fn put_off(&self, report: &Kept) -> Option<Duration> {
        self.with(report, |entry| {
            let wait = entry.put_off.take()?;
            let due = entry.due.map_or(wait, |due| due.saturating_duration_since(Instant::now()));
            Some(wait.min(due)).filter(|wait| !wait.is_zero())
        })
    }

    /// When a report is looked at next, if nothing happens.
    pub fn due(&self, report: &Kept, wait: Option<Duration>) {
        self.with(report, |entry| entry.due = wait.and_then(|wait| Instant::now().checked_add(wait)));
    }

    /// The object to work with: the cached one, or what the last write made of it where the cache lags behind.
    pub fn freshest(&self, cached: &Kept) -> Snapshot {
        let epoch = self.epoch.load(Ordering::SeqCst);
        self.with(cached, |entry| {
            entry.epoch = epoch;
            match &entry.last {
                Some(last) if last.is_newer(cached.snapshot()) => last.clone(),
                _ => cached.snapshot().clone(),
            }
        })
    }

    /// The status to evaluate from: the one that was written last. One that somebody else wrote is
    /// believed only if nothing is remembered of the report.
    pub fn previous(
        &self,
        report: &TestRunReport,
        snapshot: &Snapshot,
    ) -> Result<Option<TestRunReportStatus>, Unreadable> {
        match self.with(report, |entry| (entry.own.clone(), entry.meant.clone())) {
            (Some(_), Some((meant, _))) => meant.status(),
            (Some(own), None) if own.print() != snapshot.print() => own.status(),
            _ => Ok(report.status.clone()),
        }
    }

    /// Whether a report is what came of writing this status, a short while ago, to a server that does not keep all
    /// of it.
    pub fn is_kept_of(
        &self,
        status: &TestRunReportStatus,
        snapshot: &Snapshot,
        report: &impl Resource,
    ) -> bool {
        let remembered = self.look_up(report, |entry| entry.own.clone().zip(entry.meant.clone()));
        remembered.flatten().is_some_and(|(own, (meant, at))| {
            at.elapsed() < KEPT && own.print() == snapshot.print() && meant.print() == print(Some(status))
        })
    }

    /// A write begins.
    pub fn writing(&self, report: &TestRunReport, status: &TestRunReportStatus) {
        let print = print(Some(status));
        self.with(report, |entry| entry.pending = Some(print));
    }

    /// The status is right: it was written, or needed no write.
    pub fn settle(&self, report: &impl Resource, snapshot: Snapshot) {
        self.settle_as(report, snapshot, None);
    }

    /// The same where the API server did not keep all of what was meant.
    pub fn settle_as(&self, report: &impl Resource, snapshot: Snapshot, meant: Option<Snapshot>) {
        let epoch = self.epoch.load(Ordering::SeqCst);
        let rewinding = self.rewinding.load(Ordering::SeqCst);
        self.with(report, |entry| {
            entry.pending = None;
            entry.meant = meant.map(|meant| (meant, Instant::now()));
            entry.own = Some(snapshot.clone());
            // What was seen before the API server went back would be newer than all that follows.
            entry.last = (entry.epoch == epoch && !rewinding).then_some(snapshot);
        });
    }

    /// The object as the API server has it, whatever was seen of it before: after a backup was restored it may
    /// be an older state.
    pub fn reread(&self, report: &impl Resource, snapshot: Snapshot) {
        self.with(report, |entry| entry.last = Some(snapshot));
    }

    /// The API server went back to an earlier state: no object that was seen before is newer than what it has.
    pub fn rewind(&self) {
        self.rewinding.store(true, Ordering::SeqCst);
        self.forget_objects();
    }

    /// The newest version that an object was seen with.
    pub fn newest(&self) -> u128 {
        let entries = self.lock();
        entries.values().filter_map(|e| e.last.as_ref().and_then(Snapshot::version)).max().unwrap_or(0)
    }

    /// What the API server has was listed. Says whether it had gone back before that.
    pub fn listed(&self) -> bool {
        let rewound = self.rewinding.swap(false, Ordering::SeqCst);
        if rewound {
            self.forget_objects();
        }
        rewound
    }

    fn forget_objects(&self) {
        let mut entries = self.lock();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        entries.values_mut().for_each(|entry| entry.last = None);
    }

    /// Whether the status of a report is another than the one that is right.
    pub fn is_wrong(&self, report: &Kept) -> bool {
        let print = report.snapshot().print();
        self.with(report, |entry| entry.settled().is_some_and(|settled| settled != print))
    }

    /// Whether something is known against what a report shows: somebody else wrote it, the object or a waiver changed, or
    /// its last look came to nothing. Of what nobody has looked at since the process began nothing is known.
    pub fn doubts(&self, report: &Kept) -> bool {
        let print = report.snapshot().print();
        let doubted =
            self.look_up(report, |entry| entry.settled().is_some_and(|own| entry.asked || own != print));
        doubted.unwrap_or(false)
    }

    /// A write failed.
    pub fn abandon(&self, report: &impl Resource) {
        self.with(report, |entry| entry.pending = None);
    }

    /// What was done on GitHub for this report.
    pub(super) fn deeds<T>(&self, report: &TestRunReport, f: impl FnOnce(&mut super::deeds::Done) -> T) -> T {
        self.with(report, |entry| {
            let mut done = entry.done.take().unwrap_or_default();
            let result = f(&mut done);
            entry.done = (!done.is_empty()).then_some(done);
            result
        })
    }

    /// Which sinks have taken the report's newest change.
    pub fn told(&self, report: &TestRunReport) -> Told {
        self.with(report, |entry| entry.told.clone())
    }

    /// Whether nothing was found or written for this report since the process began.
    pub fn is_strange(&self, report: &TestRunReport) -> bool {
        self.with(report, |entry| entry.own.is_none())
    }

    /// Asks for a whole look the next time.
    pub fn ask(&self, report: &impl Resource) {
        self.with(report, |entry| entry.asked = true);
    }

    /// Whether the look that now begins was asked for by a change of the object.
    pub fn asked(&self, report: &TestRunReport) -> bool {
        self.with(report, |entry| std::mem::take(&mut entry.asked))
    }

    /// Counts one more look that saw the commit unfinished, or begins anew.
    pub fn looked(&self, report: &TestRunReport, anew: bool, unfinished: bool) -> u32 {
        self.with(report, |entry| {
            entry.looks = if unfinished { if anew { 1 } else { entry.looks.saturating_add(1) } } else { 0 };
            entry.looks
        })
    }

    /// Counts one more failure in a row.
    pub fn failed(&self, report: &impl Resource) -> u32 {
        self.with(report, |entry| {
            entry.failures = entry.failures.saturating_add(1);
            entry.failures
        })
    }

    /// The failures are over.
    pub fn succeeded(&self, report: &TestRunReport) {
        self.with(report, |entry| entry.failures = 0);
    }

    /// Forgets a report that is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Forgets every report that is not among these.
    pub fn retain(&self, uids: &std::collections::HashSet<String>) {
        self.lock().retain(|uid, _| uids.contains(uid));
    }

    fn with<T>(&self, report: &impl Resource, f: impl FnOnce(&mut Entry) -> T) -> T {
        f(self.lock().entry(report.uid().unwrap_or_default()).or_default())
    }

    /// Like `with`, without taking in a report that is not known.
    fn look_up<T>(&self, report: &impl Resource, f: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.lock().get(report.meta().uid.as_deref()?).map(f)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
