//! Whose turn it is: namespaces share the looks that may run at a time, so that ten thousand reports of one do not
//! keep the report of another waiting.
//!
//! The queue of the controller is first come, first served. A report that comes to its head while its namespace has
//! its share waits here, and is put back into the queue when its turn has come. It is put back after a while anyway:
//! nothing depends on being called.
//!
//! Within a namespace there are two lines: whoever has a verdict that nothing is known against waits behind those
//! that have none, but for every fourth turn. Else, where there are more reports than can be looked at within
//! `--refresh-interval`, a second look at each old verdict would come before the first look at a new report.

mod room;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use jiff::Timestamp;
use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::mpsc;

use room::{ANSWER, Line, Room};

use crate::cache::Kept;
use crate::leader::Ownership;
use crate::runtime::metrics::Metrics;

/// After this long whoever waits asks again without being called, and a little later for each that waits too: a crowd
/// that asks every half minute is work of its own.
const PATIENCE: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_millis(5);

type Object = Arc<ObjectRef<Kept>>;

/// The turns of one controller. Clones share them.
#[derive(Clone)]
pub(super) struct Turns(Arc<Inner>);

struct Inner {
    room: Mutex<Room>,
    calls: mpsc::UnboundedSender<ObjectRef<Kept>>,
    reports: Store<Kept>,
    ownership: Ownership,
    metrics: Metrics,
}

/// A look that may run, until this is dropped.
pub(super) struct Turn {
    turns: Turns,
    namespace: String,
}

impl Turns {
    /// Turns of so many looks at a time at these reports, and those whose turn has come after they waited.
    pub fn new(
        most: usize,
        reports: Store<Kept>,
        ownership: Ownership,
        metrics: Metrics,
    ) -> (Self, impl Stream<Item = ObjectRef<Kept>> + Send + use<>) {
        let (calls, called) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner { room: Mutex::new(Room::new(most)), calls, reports, ownership, metrics });
        let turns = Arc::downgrade(&inner);
        let called = futures::stream::unfold((called, turns), |(mut called, turns)| async move {
            loop {
                match tokio::time::timeout(ANSWER, called.recv()).await {
                    Ok(object) => return Some((object?, (called, turns))),
                    // Whoever was called and did not come has had its turn. Where all of them went away nobody else
                    // is there to see it.
                    Err(_) => Self(turns.upgrade()?).change(|_| ()),
                }
            }
        });
        (Self(inner), called)
    }

    /// A turn for a report, or none: then it waits, and comes again when it is called or after the time that is given.
    /// There may be a reason to doubt it that its status does not show.
    pub fn take(&self, report: &Kept, is_doubted: bool) -> Result<Turn, Duration> {
        let object = ObjectRef::from_obj(report);
        let namespace = report.meta().namespace.clone().unwrap_or_default();
        let line = line(report, is_doubted, Timestamp::now());
        let (begins, called, waiting) = {
            let mut room = self.room();
            let begins = room.enter(&namespace, Arc::new(object), line);
            (begins, self.call(&mut room), room.waiting())
        };
        self.tell(called, waiting);
        if begins {
            return Ok(Turn { turns: self.clone(), namespace });
        }
        let all = u32::try_from(waiting).unwrap_or(u32::MAX);
        Err(PATIENCE.saturating_add(EACH.saturating_mul(all)))
    }

    fn change(&self, change: impl FnOnce(&mut Room)) {
        let (called, waiting) = {
            let mut room = self.room();
            change(&mut room);
            (self.call(&mut room), room.waiting())
        };
        self.tell(called, waiting);
    }

    /// Those whose turn has come, without those that will not come: these would keep their turns for a while, and of a
    /// crowd that is another replica's by now each of them.
    fn call(&self, room: &mut Room) -> Vec<Object> {
        let mut all = Vec::new();
        loop {
            let called = room.call();
            if called.is_empty() {
                return all;
            }
            for object in called {
                if self.comes(&object) {
                    all.push(object);
                } else {
                    room.gone(&object);
                }
            }
        }
    }

    /// Whether a report is still there, and to be looked at by this process. One that becomes so again is queued anew.
    fn comes(&self, object: &ObjectRef<Kept>) -> bool {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        self.0.ownership.owns(namespace) && self.0.reports.get(object).is_some()
    }

    fn tell(&self, called: Vec<Object>, waiting: usize) {
        self.0.metrics.waiting(waiting);
        for object in called {
            // The receiver goes away with its controller.
            let _ = self.0.calls.send(ObjectRef::clone(&object));
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where it waits.
fn line(report: &Kept, is_doubted: bool, now: Timestamp) -> Line {
    let facts = report.facts();
    let (_, is_final) = facts.gate;
    let is_over = facts.waived_until.is_some_and(|end| end <= now);
    if is_final && !is_doubted && !is_over { Line::Decided } else { Line::Open }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.change(|room| room.leave(&self.namespace));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use futures::StreamExt;
    use kube::runtime::reflector;
    use kube::runtime::watcher::Event;

    use super::*;
    use crate::api::{TestRunReport, TestRunReportSpec};

    #[test]
    fn a_verdict_waits_for_the_rest_only_while_nothing_is_known_against_it() {
        let mut report = TestRunReport::new("a", TestRunReportSpec::default());
        report.metadata.generation = Some(1);
        let condition = |kind: &str| {
            serde_json::json!({"type": kind, "status": "True", "reason": "R", "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let status = serde_json::json!({"observedGeneration": 1, "phase": "Passed",
            "conditions": [condition("Passed"), condition("Complete")],
            "waived": [{"job": "unit", "approver": "ann", "expiresAt": "2999-01-01T00:00:00Z"}]});
        report.status = serde_json::from_value(status).ok();
        let (now, then) = (Timestamp::now(), "2999-01-01T00:00:00Z".parse().unwrap_or(Timestamp::MIN));
        let of = |report: &TestRunReport, is_doubted, at| line(&Kept::from(report), is_doubted, at);
        assert_eq!(of(&report, false, now), Line::Decided);
        assert_eq!(of(&report, true, now), Line::Open, "something is known");
        assert_eq!(of(&report, false, then), Line::Open, "a waiver of its has ended");
        report.metadata.generation = Some(2);
        assert_eq!(of(&report, false, now), Line::Open, "its spec was edited");
    }

    /// Some reports of a namespace, and the cache that has them.
    fn reports() -> (Vec<Kept>, Store<Kept>) {
        let of = |n: u32| {
            let mut report = TestRunReport::new(&format!("r{n}"), TestRunReportSpec::default());
            report.metadata.namespace = Some("a".to_owned());
            Kept::from(&report)
        };
        let all: Vec<Kept> = (0..4).map(of).collect();
        let (store, mut writer) = reflector::store();
        all.iter().for_each(|report| writer.apply_watcher_event(&Event::Apply(report.clone())));
        (all, store)
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_asks_less_often() {
        let (reports, store) = reports();
        let (turns, _called) = Turns::new(1, store, Ownership::everything(), Metrics::default());
        let _turn = turns.take(&reports[0], false).ok().unwrap();
        let waits = [1, 2].map(|n| turns.take(&reports[n], false).err().unwrap());
        assert_eq!(waits, [PATIENCE + EACH, PATIENCE + 2 * EACH]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_is_another_replicas_by_now_keeps_nobody_waiting() {
        let (reports, store) = reports();
        let (turns, called) = Turns::new(1, store, Ownership::nothing(1), Metrics::default());
        let turn = turns.take(&reports[0], false).ok().unwrap();
        assert!(turns.take(&reports[1], false).is_err() && turns.take(&reports[2], false).is_err());
        drop(turn);
        assert!(turns.take(&reports[3], false).is_ok(), "nobody who does not come is waited for");
        let called = tokio::time::timeout(PATIENCE, Box::pin(called).next()).await;
        assert!(called.is_err(), "nor called: {called:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_called_and_does_not_come_keeps_nobody_waiting_for_long() {
        let (reports, store) = reports();
        let (turns, called) = Turns::new(1, store, Ownership::everything(), Metrics::default());
        let mut called = Box::pin(called);
        let turn = turns.take(&reports[0], false).ok().unwrap();
        assert!(turns.take(&reports[1], false).is_err() && turns.take(&reports[2], false).is_err());
        drop(turn);
        for name in ["r1", "r2"] {
            // The first of them goes away right then.
            let next = tokio::time::timeout(3 * ANSWER, called.next()).await;
            assert_eq!(next.map(|next| next.map(|object| object.name)), Ok(Some(name.to_owned())));
        }
        drop(turns);
        assert!(called.next().await.is_none(), "it ends with its controller");
    }
}
