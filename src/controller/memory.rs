//! What the controller remembers of each report, by uid.
//!
//! It tells own writes from those of others: an event whose status is the one that was written last
//! is the echo of a write and no news; any other status was put there by somebody else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;
use sha2::{Digest, Sha256};

use crate::api::{TestRunReport, TestRunReportStatus};
use crate::notify::Told;

/// Annotation that asks for a look now; its value only has to change.
pub const REQUESTED_AT: &str = "testrun.dev/requestedAt";

type Print = [u8; 32];

/// What makes a reconcile necessary when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    generation: Option<i64>,
    requested_at: Option<String>,
    deleting: bool,
}

impl Trigger {
    pub fn of(report: &TestRunReport) -> Self {
        Self {
            generation: report.metadata.generation,
            requested_at: report.annotations().get(REQUESTED_AT).cloned(),
            deleting: report.metadata.deletion_timestamp.is_some(),
        }
    }
}

#[derive(Debug, Default)]
struct Entry {
    seen: Option<Trigger>,
    /// Status of a write that is on its way: its echo can come before its answer.
    pending: Option<Print>,
    /// Status that is right, as written or found.
    settled: Option<Print>,
    /// The object as the last write left it, or as it was read after one was refused.
    last: Option<Arc<TestRunReport>>,
    /// The status that was written last or found right; what somebody else wrote since is not believed.
    own: Option<TestRunReportStatus>,
    /// The epoch in which the look began.
    epoch: u64,
    failures: u32,
    /// Looks in a row that saw the commit unfinished.
    looks: u32,
    /// Somebody changed the object, or asks for a look.
    asked: bool,
    done: super::deeds::Done,
    told: Told,
}

/// Memory of all reports.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<String, Entry>>,
    /// Changes when the API server goes back to an earlier state, and when that was listed.
    epoch: AtomicU64,
    /// The API server went back, and what it has is not listed yet.
    rewinding: AtomicBool,
}

impl Memory {
    /// Whether an object of the watch calls for a reconcile.
    pub fn is_news(&self, report: &TestRunReport) -> bool {
        let trigger = Trigger::of(report);
        let print = print(report.status.as_ref());
        self.with(report, |entry| {
            let same = entry.seen.as_ref() == Some(&trigger);
            // Before the first reconcile ends nothing is known of the status, and one is due anyway.
            let known = entry.settled.is_none() || [entry.settled, entry.pending].contains(&Some(print));
            // A cache that lags behind shows the status before the last write; that is no news either.
            let stale = entry.last.as_ref().is_some_and(|last| is_newer(last, report));
            entry.seen = Some(trigger);
            let news = !(same && (known || stale));
            entry.asked |= news;
            news
        })
    }

    /// The object to work with: the cached one, or what the last write made of it where the cache lags behind.
    pub fn freshest(&self, cached: Arc<TestRunReport>) -> Arc<TestRunReport> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        self.with(&cached, |entry| {
            entry.epoch = epoch;
            match &entry.last {
                Some(last) if is_newer(last, &cached) => last.clone(),
                _ => cached.clone(),
            }
        })
    }

    /// The status to evaluate from: the one that was written last. One that somebody else wrote is
    /// believed only if nothing is remembered of the report.
    pub fn previous(&self, report: &TestRunReport) -> Option<TestRunReportStatus> {
        self.with(report, |entry| entry.own.clone().or_else(|| report.status.clone()))
    }

    /// A write begins.
    pub fn writing(&self, report: &TestRunReport, status: &TestRunReportStatus) {
        let print = print(Some(status));
        self.with(report, |entry| entry.pending = Some(print));
    }

    /// The status is right: it was written, or needed no write.
    pub fn settle(&self, report: Arc<TestRunReport>) {
        let print = print(report.status.as_ref());
        let epoch = self.epoch.load(Ordering::SeqCst);
        let rewinding = self.rewinding.load(Ordering::SeqCst);
        self.with(&report.clone(), |entry| {
            entry.pending = None;
            entry.settled = Some(print);
            entry.own = report.status.clone();
            // What was seen before the API server went back would be newer than all that follows.
            entry.last = (entry.epoch == epoch && !rewinding).then_some(report);
        });
    }

    /// The object as the API server has it, whatever was seen of it before: after a backup was restored it may
    /// be an older state.
    pub fn reread(&self, report: Arc<TestRunReport>) {
        self.with(&report.clone(), |entry| entry.last = Some(report));
    }

    /// The API server went back to an earlier state: no object that was seen before is newer than what it has.
    pub fn rewind(&self) {
        self.rewinding.store(true, Ordering::SeqCst);
        self.forget_objects();
    }

    /// The newest version that an object was seen with.
    pub fn newest(&self) -> u128 {
        let entries = self.lock();
        entries.values().filter_map(|e| e.last.as_ref().and_then(|r| version(r))).max().unwrap_or(0)
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
    pub fn is_wrong(&self, report: &TestRunReport) -> bool {
        let print = print(report.status.as_ref());
        self.with(report, |entry| entry.settled.is_some_and(|settled| settled != print))
    }

    /// A write failed.
    pub fn abandon(&self, report: &TestRunReport) {
        self.with(report, |entry| entry.pending = None);
    }

    /// What was done on GitHub for this report.
    pub(super) fn deeds<T>(&self, report: &TestRunReport, f: impl FnOnce(&mut super::deeds::Done) -> T) -> T {
        self.with(report, |entry| f(&mut entry.done))
    }

    /// Which sinks have taken the report's newest change.
    pub fn told(&self, report: &TestRunReport) -> Told {
        self.with(report, |entry| entry.told.clone())
    }

    /// Whether nothing was found or written for this report since the process began.
    pub fn is_strange(&self, report: &TestRunReport) -> bool {
        self.with(report, |entry| entry.settled.is_none() && entry.own.is_none())
    }

    /// Asks for a whole look the next time.
    pub fn ask(&self, report: &TestRunReport) {
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
    pub fn failed(&self, report: &TestRunReport) -> u32 {
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

    fn with<T>(&self, report: &TestRunReport, f: impl FnOnce(&mut Entry) -> T) -> T {
        f(self.lock().entry(report.uid().unwrap_or_default()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `a` is a later state of the object than `b`. Resource versions of one kind are ordered numbers.
fn is_newer(a: &TestRunReport, b: &TestRunReport) -> bool {
    matches!((version(a), version(b)), (Some(a), Some(b)) if a > b)
}

fn version(report: &TestRunReport) -> Option<u128> {
    report.metadata.resource_version.as_ref().and_then(|v| v.parse().ok())
}

/// Digest of a status in the form in which it is stored.
fn print(status: Option<&TestRunReportStatus>) -> Print {
    let bytes = status.and_then(|s| serde_json::to_vec(s).ok()).unwrap_or_default();
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn report(version: &str, phase: &str) -> TestRunReport {
        let mut report = TestRunReport::new("a", Default::default());
        report.metadata.uid = Some("1".into());
        report.metadata.generation = Some(1);
        report.metadata.resource_version = Some(version.into());
        report.status = Some(TestRunReportStatus { phase: phase.into(), ..Default::default() });
        report
    }

    #[test]
    fn the_echo_of_a_write_is_no_news_even_before_its_answer() {
        let memory = Memory::default();
        assert!(memory.is_news(&report("1", "Pending")), "a new report");
        memory.settle(Arc::new(report("1", "Pending")));
        let next = report("2", "Running");
        memory.writing(&next, next.status.as_ref().unwrap_or(&Default::default()));
        assert!(!memory.is_news(&next), "the echo comes first");
        memory.settle(Arc::new(next));
        assert!(!memory.is_news(&report("2", "Running")));
    }

    #[test]
    fn a_status_of_somebody_else_is_news_and_a_late_one_is_not() {
        let memory = Memory::default();
        memory.is_news(&report("10", "Running"));
        memory.settle(Arc::new(report("10", "Running")));
        assert!(!memory.is_news(&report("9", "Pending")), "the cache lags behind the own write");
        assert!(memory.is_news(&report("11", "Passed")), "a forgery");
        let previous = memory.previous(&report("11", "Passed")).map(|s| s.phase);
        assert_eq!(previous.as_deref(), Some("Running"), "a forgery is not evaluated from");
        let freshest =
            |version| memory.freshest(Arc::new(report(version, "x"))).metadata.resource_version.clone();
        assert_eq!(freshest("9").as_deref(), Some("10"));
        assert_eq!(freshest("11").as_deref(), Some("11"));
    }

    #[test]
    fn a_request_and_a_deletion_are_news() {
        let memory = Memory::default();
        memory.is_news(&report("1", "Passed"));
        memory.settle(Arc::new(report("1", "Passed")));
        let mut asked = report("2", "Passed");
        asked.annotations_mut().insert(REQUESTED_AT.into(), "now".into());
        assert!(memory.is_news(&asked));
        assert!(!memory.is_news(&asked));
        asked.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        assert!(memory.is_news(&asked));
    }
}
