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
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;

use room::{Line, Room};

use crate::cache::Kept;
use crate::runtime::metrics::Metrics;

/// After this long whoever waits asks again without being called, and a little later for each that waits too: a crowd
/// that asks every half minute is work of its own.
const PATIENCE: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_millis(5);

type Object = Arc<ObjectRef<Kept>>;

/// Whether a report is still there.
type Exists = Arc<dyn Fn(&ObjectRef<Kept>) -> bool + Send + Sync>;

/// The turns of one controller. Clones share them.
#[derive(Clone)]
pub(super) struct Turns {
    room: Arc<Mutex<Room>>,
    calls: mpsc::UnboundedSender<ObjectRef<Kept>>,
    exists: Exists,
    metrics: Metrics,
}

/// A look that may run, until this is dropped.
pub(super) struct Turn {
    turns: Turns,
    namespace: String,
}

impl Turns {
    /// Turns of so many looks at a time, and the reports whose turn has come after they waited.
    pub fn new(
        most: usize,
        exists: Exists,
        metrics: Metrics,
    ) -> (Self, impl Stream<Item = ObjectRef<Kept>> + Send + use<>) {
        let (calls, called) = mpsc::unbounded_channel();
        let room = Arc::new(Mutex::new(Room::new(most)));
        let called = futures::stream::unfold(called, |mut called| async move {
            let object = called.recv().await?;
            Some((object, called))
        });
        (Self { room, calls, exists, metrics }, called)
    }

    /// A turn for a report, or none: then it waits, and comes again when it is called or after the time that is given.
    /// There may be a reason to look at it that its status does not show.
    pub fn take(&self, report: &Kept, is_hinted: bool) -> Result<Turn, Duration> {
        let object = ObjectRef::from_obj(report);
        let namespace = report.meta().namespace.clone().unwrap_or_default();
        let (_, is_final) = report.facts().gate;
        let line = if is_final && !is_hinted { Line::Decided } else { Line::Open };
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

    /// Those whose turn has come, without those that are gone: these would keep their turns for a while.
    fn call(&self, room: &mut Room) -> Vec<Object> {
        let mut all = Vec::new();
        loop {
            let called = room.call();
            if called.is_empty() {
                return all;
            }
            for object in called {
                if (self.exists)(&object) {
                    all.push(object);
                } else {
                    room.gone(&object);
                }
            }
        }
    }

    fn tell(&self, called: Vec<Object>, waiting: usize) {
        self.metrics.waiting(waiting);
        for object in called {
            // The receiver goes away with its controller.
            let _ = self.calls.send(ObjectRef::clone(&object));
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (called, waiting) = {
            let mut room = self.turns.room();
            room.leave(&self.namespace);
            (self.turns.call(&mut room), room.waiting())
        };
        self.turns.tell(called, waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{TestRunReport, TestRunReportSpec};

    #[test]
    fn a_crowd_asks_less_often() {
        let (turns, _called) = Turns::new(1, Arc::new(|_| true), Metrics::default());
        let reports: Vec<Kept> = (0..3)
            .map(|n| {
                let mut report = TestRunReport::new(&format!("r{n}"), TestRunReportSpec::default());
                report.metadata.namespace = Some("a".to_owned());
                Kept::from(&report)
            })
            .collect();
        let _turn = turns.take(&reports[0], false).ok().unwrap();
        let waits = [1, 2].map(|n| turns.take(&reports[n], false).err().unwrap());
        assert_eq!(waits, [PATIENCE + EACH, PATIENCE + 2 * EACH]);
    }
}
