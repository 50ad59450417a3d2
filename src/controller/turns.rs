//! Whose turn it is: namespaces share the looks that may run at a time, so that ten thousand reports of one do not
//! keep the report of another waiting.
//!
//! The queue of the controller is first come, first served. A report that comes to its head while its namespace has
//! its share waits here, and is put back into the queue when its turn has come. It is put back after a while anyway:
//! nothing depends on being called.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::Stream;
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;

use crate::cache::Kept;
use crate::runtime::metrics::Metrics;

/// After this long whoever waits asks again without being called.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// After this long nobody answers a call: the report is gone. Until then its turn is kept for it.
const ANSWER: Duration = Duration::from_secs(5);

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

    /// A turn for a report, or none: then it waits, and comes again when it is called or after [`PATIENCE`].
    pub fn take(&self, report: &Kept) -> Option<Turn> {
        let object = ObjectRef::from_obj(report);
        let namespace = report.meta().namespace.clone().unwrap_or_default();
        let (begins, called, waiting) = {
            let mut room = self.room();
            let begins = room.enter(&namespace, Arc::new(object));
            (begins, self.call(&mut room), room.known.len())
        };
        self.tell(called, waiting);
        begins.then(|| Turn { turns: self.clone(), namespace })
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
                    room.called.remove(&object);
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
            (self.turns.call(&mut room), room.known.len())
        };
        self.turns.tell(called, waiting);
    }
}

/// Who runs and who waits.
struct Room {
    most: usize,
    running: HashMap<String, usize>,
    /// By namespace, in the order of arrival. None is empty.
    waiting: HashMap<String, VecDeque<Object>>,
    /// All that wait.
    known: HashSet<Object>,
    /// Called, and not here yet. Each keeps a turn: whoever comes before it would else call another one, which
    /// comes behind it, and with a long queue nobody would be called in time.
    called: HashMap<Object, Instant>,
    /// Counts calls, for who was called longest ago.
    clock: u64,
    last: HashMap<String, u64>,
}

impl Room {
    fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            running: HashMap::new(),
            waiting: HashMap::new(),
            known: HashSet::new(),
            called: HashMap::new(),
            clock: 0,
            last: HashMap::new(),
        }
    }

    /// Whether it begins; else it waits. Within a namespace nobody overtakes who waits.
    fn enter(&mut self, namespace: &str, object: Object) -> bool {
        let called = self.called.remove(&object).is_some();
        let queue = self.waiting.get(namespace);
        let next = called || queue.is_none_or(|queue| queue.front() == Some(&object));
        // Who has nothing running is always within its share.
        let within = self.running(namespace) == 0 || self.running(namespace) < self.share();
        if next && within && self.total() + self.called.len() < self.most {
            self.forget(namespace, &object);
            *self.running.entry(namespace.to_owned()).or_default() += 1;
            return true;
        }
        if self.known.insert(object.clone()) {
            let queue = self.waiting.entry(namespace.to_owned()).or_default();
            if called { queue.push_front(object) } else { queue.push_back(object) }
        }
        false
    }

    fn leave(&mut self, namespace: &str) {
        if let Some(running) = self.running.get_mut(namespace) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(namespace);
            }
        }
    }

    /// Those whose turn has come; they no longer wait.
    fn call(&mut self) -> Vec<Object> {
        self.called.retain(|_, at| at.elapsed() < ANSWER);
        let mut called = Vec::new();
        let (total, share) = (self.total(), self.share());
        while total + self.called.len() < self.most {
            let order = |ns: &&String| (self.running(ns), self.last.get(*ns).copied().unwrap_or(0));
            let within = self.waiting.keys().filter(|ns| self.running(ns) < share);
            let Some(namespace) = within.min_by_key(order).cloned() else { break };
            let Some(object) = self.waiting.get_mut(&namespace).and_then(VecDeque::pop_front) else { break };
            if self.waiting.get(&namespace).is_some_and(VecDeque::is_empty) {
                self.waiting.remove(&namespace);
            }
            self.known.remove(&object);
            self.called.insert(object.clone(), Instant::now());
            self.clock += 1;
            if self.last.len() > self.running.len() + self.waiting.len() + 1024 {
                self.last.clear();
            }
            self.last.insert(namespace, self.clock);
            called.push(object);
        }
        called
    }

    fn forget(&mut self, namespace: &str, object: &Object) {
        if self.known.remove(object)
            && let Some(queue) = self.waiting.get_mut(namespace)
        {
            queue.retain(|o| o != object);
            if queue.is_empty() {
                self.waiting.remove(namespace);
            }
        }
    }

    /// How many of a namespace may run at a time: all where it is the only one, else its share.
    fn share(&self) -> usize {
        let called = self.called.keys().filter_map(|object| object.namespace.as_ref());
        let present: HashSet<&String> =
            self.running.keys().chain(self.waiting.keys()).chain(called).collect();
        self.most.div_ceil(present.len().max(1))
    }

    fn running(&self, namespace: &str) -> usize {
        self.running.get(namespace).copied().unwrap_or(0)
    }

    fn total(&self) -> usize {
        self.running.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(namespace: &str, name: u32) -> Object {
        Arc::new(ObjectRef::new(&format!("r{name}")).within(namespace))
    }

    #[test]
    fn one_namespace_alone_has_everything_and_two_have_half() {
        let mut room = Room::new(4);
        let begun = (0..10).filter(|n| room.enter("crowd", object("crowd", *n))).count();
        assert_eq!((begun, room.known.len()), (4, 6));
        assert!(!room.enter("few", object("few", 0)), "all are taken");
        room.leave("crowd");
        assert_eq!(room.call(), [object("few", 0)], "who has nothing comes before who has three");
        assert!(
            !room.enter("crowd", object("crowd", 4)),
            "who has its share does not get in before who was called"
        );
        assert!(room.enter("few", object("few", 0)));
        room.leave("few");
        assert_eq!(room.call(), [object("crowd", 4)], "nobody else is there");
    }

    #[test]
    fn nobody_overtakes_who_waits_and_who_waits_twice_waits_once() {
        let mut room = Room::new(1);
        assert!(room.enter("a", object("a", 0)));
        assert!(!room.enter("a", object("a", 1)));
        assert!(!room.enter("a", object("a", 2)));
        assert!(!room.enter("a", object("a", 1)));
        room.leave("a");
        assert_eq!(room.call(), [object("a", 1)]);
        assert!(!room.enter("a", object("a", 3)));
        assert!(room.enter("a", object("a", 1)));
        room.leave("a");
        assert_eq!(room.call(), [object("a", 2)]);
        assert!(room.call().is_empty() || room.known.is_empty());
    }

    #[test]
    fn as_many_are_called_as_there_are_turns_however_many_come_meanwhile() {
        let mut room = Room::new(2);
        assert!(room.enter("a", object("a", 0)) && room.enter("a", object("a", 1)));
        for n in 2..100 {
            assert!(!room.enter("a", object("a", n)) && room.call().is_empty());
        }
        room.leave("a");
        assert_eq!(room.call(), [object("a", 2)]);
        for n in 100..200 {
            assert!(!room.enter("a", object("a", n)));
            assert!(room.call().is_empty(), "the turn is kept for who was called");
        }
        assert!(room.enter("a", object("a", 2)));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(&'static str, u32),
        Finish(usize),
        /// Of those called the first comes, or is gone.
        Answer(bool),
    }

    const NAMESPACES: [&str; 4] = ["a", "b", "c", "d"];

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (prop::sample::select(&NAMESPACES[..]), 0..20_u32).prop_map(|(ns, n)| Step::Arrive(ns, n)),
            (0..8_usize).prop_map(Step::Finish),
            prop::bool::weighted(0.8).prop_map(Step::Answer),
        ]
    }

    proptest! {
        /// Whatever comes, ends or goes: never more at a time than may be, and whoever waits gets a turn.
        #[test]
        fn the_bound_holds_and_nobody_waits_for_ever(most in 1..6_usize, steps in prop::collection::vec(step(), 0..200)) {
            let mut room = Room::new(most);
            let mut running: Vec<String> = Vec::new();
            let mut calls: VecDeque<Object> = VecDeque::new();
            let enter = |room: &mut Room, running: &mut Vec<String>, object: Object| {
                let namespace = object.namespace.clone().unwrap_or_default();
                if room.enter(&namespace, object) {
                    running.push(namespace);
                }
                room.call()
            };
            for step in steps {
                let called = match step {
                    Step::Arrive(ns, n) => enter(&mut room, &mut running, object(ns, n)),
                    Step::Finish(n) if !running.is_empty() => {
                        let namespace = running.remove(n % running.len());
                        room.leave(&namespace);
                        room.call()
                    }
                    Step::Answer(comes) => match calls.pop_front() {
                        Some(object) if comes => enter(&mut room, &mut running, object),
                        _ => Vec::new(),
                    },
                    Step::Finish(_) => Vec::new(),
                };
                calls.extend(called);
                prop_assert!(running.len() <= most);
                prop_assert_eq!(room.waiting.values().map(VecDeque::len).sum::<usize>(), room.known.len());
                prop_assert!(running.len() + room.called.len() <= most);
            }
            // Calls that were lost are forgotten after a while, and made up for by whoever asks again.
            calls.clear();
            room.called.clear();
            let mut left: HashSet<Object> = room.known.clone();
            for _ in 0..2000 {
                if left.is_empty() { break }
                if !running.is_empty() {
                    let namespace = running.remove(0);
                    room.leave(&namespace);
                    calls.extend(room.call());
                }
                let again: Vec<Object> = calls.drain(..).chain(left.iter().cloned()).collect();
                for object in again {
                    let before = running.len();
                    calls.extend(enter(&mut room, &mut running, object.clone()));
                    if running.len() > before {
                        left.remove(&object);
                    }
                }
            }
            prop_assert!(left.is_empty(), "{:?}", left);
        }
    }
}
