//! Who of the reports runs, who waits, and who is called next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::Object;

/// Of so many turns one goes to those that have a verdict, while others have none.
const FOURTH: u32 = 4;
/// After this long nobody answers a call: the report is gone. Until then its turn is kept for it.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Where a report waits within its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It has no verdict, or there is a reason to doubt it.
    Open,
    /// It has one that nothing is known against.
    Decided,
}

/// The two lines of a namespace, by place.
#[derive(Default)]
struct Lines {
    open: BTreeMap<i64, Object>,
    decided: BTreeMap<i64, Object>,
    /// How many were called from a line while the other waited.
    turns: u32,
}

impl Lines {
    fn of(&mut self, line: Line) -> &mut BTreeMap<i64, Object> {
        match line {
            Line::Open => &mut self.open,
            Line::Decided => &mut self.decided,
        }
    }

    /// Who of it would be called next.
    fn next(&self) -> Option<&Object> {
        let [open, decided] = [&self.open, &self.decided].map(|line| line.first_key_value().map(|(_, o)| o));
        match (open, decided) {
            (Some(_), Some(_)) if self.turns % FOURTH == FOURTH - 1 => decided,
            (open, decided) => open.or(decided),
        }
    }

    /// Whether nobody is before it.
    fn lets(&self, object: &Object, line: Line) -> bool {
        match line {
            Line::Open => self.open.first_key_value().is_none_or(|(_, first)| first == object),
            Line::Decided => self.next().is_none_or(|first| first == object),
        }
    }

    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.decided.is_empty()
    }
}

/// Who runs and who waits.
pub(super) struct Room {
    most: usize,
    running: HashMap<String, usize>,
    /// By namespace. None is empty.
    waiting: HashMap<String, Lines>,
    /// All that wait, and where.
    known: HashMap<Object, (Line, i64)>,
    /// The next place at the end of a line; its negative is one at the front.
    place: i64,
    /// Called, and not here yet. Each keeps a turn: whoever comes before it would else call another one, which
    /// comes behind it, and with a long queue nobody would be called in time.
    called: HashMap<Object, Instant>,
    /// Counts calls, for who was called longest ago.
    clock: u64,
    last: HashMap<String, u64>,
}

impl Room {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            running: HashMap::new(),
            waiting: HashMap::new(),
            known: HashMap::new(),
            place: 0,
            called: HashMap::new(),
            clock: 0,
            last: HashMap::new(),
        }
    }

    /// Whether it begins; else it waits. Within a line of a namespace nobody overtakes who waits.
    pub(super) fn enter(&mut self, namespace: &str, object: Object, line: Line) -> bool {
        let called = self.called.remove(&object).is_some();
        let next = called || self.waiting.get(namespace).is_none_or(|lines| lines.lets(&object, line));
        // Who has nothing running is always within its share.
        let within = self.running(namespace) == 0 || self.running(namespace) < self.share();
        if next && within && self.total() + self.called.len() < self.most {
            self.forget(namespace, &object);
            *self.running.entry(namespace.to_owned()).or_default() += 1;
            return true;
        }
        match self.known.get(&object) {
            Some((Line::Open, _)) => return false,
            Some((Line::Decided, _)) if line == Line::Decided => return false,
            // There is a reason to hurry that there was not before.
            Some((Line::Decided, _)) => self.forget(namespace, &object),
            None => {}
        }
        self.place += 1;
        let place = if called { -self.place } else { self.place };
        self.waiting.entry(namespace.to_owned()).or_default().of(line).insert(place, object.clone());
        self.known.insert(object, (line, place));
        false
    }

    pub(super) fn leave(&mut self, namespace: &str) {
        if let Some(running) = self.running.get_mut(namespace) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(namespace);
            }
        }
    }

    /// Those whose turn has come; they no longer wait.
    pub(super) fn call(&mut self) -> Vec<Object> {
        self.called.retain(|_, at| at.elapsed() < ANSWER);
        let mut called = Vec::new();
        let (total, share) = (self.total(), self.share());
        while total + self.called.len() < self.most {
            let order = |ns: &&String| (self.running(ns), self.last.get(*ns).copied().unwrap_or(0));
            let within = self.waiting.keys().filter(|ns| self.running(ns) < share);
            let Some(namespace) = within.min_by_key(order).cloned() else { break };
            let Some(lines) = self.waiting.get_mut(&namespace) else { break };
            let Some(object) = lines.next().cloned() else { break };
            lines.turns = lines.turns.wrapping_add(1);
            self.forget(&namespace, &object);
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

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.known.len()
    }

    /// Whoever was called does not come.
    pub(super) fn gone(&mut self, object: &Object) {
        self.called.remove(object);
    }

    fn forget(&mut self, namespace: &str, object: &Object) {
        if let Some((line, place)) = self.known.remove(object)
            && let Some(lines) = self.waiting.get_mut(namespace)
        {
            lines.of(line).remove(&place);
            if lines.is_empty() {
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
    use std::collections::VecDeque;
    use std::sync::Arc;

    use kube::runtime::reflector::ObjectRef;
    use proptest::prelude::*;

    use super::*;

    fn object(namespace: &str, name: u32) -> Object {
        Arc::new(ObjectRef::new(&format!("r{name}")).within(namespace))
    }

    #[test]
    fn one_namespace_alone_has_everything_and_two_have_half() {
        let mut room = Room::new(4);
        let begun = (0..10).filter(|n| room.enter("crowd", object("crowd", *n), Line::Open)).count();
        assert_eq!((begun, room.known.len()), (4, 6));
        assert!(!room.enter("few", object("few", 0), Line::Open), "all are taken");
        room.leave("crowd");
        assert_eq!(room.call(), [object("few", 0)], "who has nothing comes before who has three");
        assert!(
            !room.enter("crowd", object("crowd", 4), Line::Open),
            "who has its share does not get in before who was called"
        );
        assert!(room.enter("few", object("few", 0), Line::Open));
        room.leave("few");
        assert_eq!(room.call(), [object("crowd", 4)], "nobody else is there");
    }

    #[test]
    fn nobody_overtakes_who_waits_and_who_waits_twice_waits_once() {
        let mut room = Room::new(1);
        assert!(room.enter("a", object("a", 0), Line::Open));
        assert!(!room.enter("a", object("a", 1), Line::Open));
        assert!(!room.enter("a", object("a", 2), Line::Open));
        assert!(!room.enter("a", object("a", 1), Line::Open));
        room.leave("a");
        assert_eq!(room.call(), [object("a", 1)]);
        assert!(!room.enter("a", object("a", 3), Line::Open));
        assert!(room.enter("a", object("a", 1), Line::Open));
        room.leave("a");
        assert_eq!(room.call(), [object("a", 2)]);
        assert!(room.call().is_empty() || room.known.is_empty());
    }

    #[test]
    fn as_many_are_called_as_there_are_turns_however_many_come_meanwhile() {
        let mut room = Room::new(2);
        assert!(room.enter("a", object("a", 0), Line::Open) && room.enter("a", object("a", 1), Line::Open));
        for n in 2..100 {
            assert!(!room.enter("a", object("a", n), Line::Open) && room.call().is_empty());
        }
        room.leave("a");
        assert_eq!(room.call(), [object("a", 2)]);
        for n in 100..200 {
            assert!(!room.enter("a", object("a", n), Line::Open));
            assert!(room.call().is_empty(), "the turn is kept for who was called");
        }
        assert!(room.enter("a", object("a", 2), Line::Open));
    }

    #[test]
    fn who_has_no_verdict_comes_first_and_every_fourth_has_one() {
        let mut room = Room::new(1);
        assert!(room.enter("a", object("a", 0), Line::Open));
        for n in 1..=3 {
            assert!(!room.enter("a", object("a", n), Line::Decided));
        }
        for n in 11..=16 {
            assert!(!room.enter("a", object("a", n), Line::Open));
        }
        assert!(!room.enter("a", object("a", 3), Line::Open), "there is a reason to look at it now");
        let mut order = Vec::new();
        loop {
            room.leave("a");
            let Some(next) = room.call().pop() else { break };
            assert!(room.enter("a", next.clone(), Line::Decided), "whoever is called begins");
            order.push(next.name.clone());
        }
        assert_eq!(order, ["r11", "r12", "r13", "r1", "r14", "r15", "r16", "r2", "r3"]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(&'static str, u32, bool),
        Finish(usize),
        /// Of those called the first comes, or is gone.
        Answer(bool),
    }

    const NAMESPACES: [&str; 4] = ["a", "b", "c", "d"];

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (prop::sample::select(&NAMESPACES[..]), 0..20_u32, any::<bool>())
                .prop_map(|(ns, n, decided)| Step::Arrive(ns, n, decided)),
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
            let line = |decided| if decided { Line::Decided } else { Line::Open };
            let enter = |room: &mut Room, running: &mut Vec<String>, object: Object, line: Line| {
                let namespace = object.namespace.clone().unwrap_or_default();
                if room.enter(&namespace, object, line) {
                    running.push(namespace);
                }
                room.call()
            };
            for step in steps {
                let called = match step {
                    Step::Arrive(ns, n, decided) => enter(&mut room, &mut running, object(ns, n), line(decided)),
                    Step::Finish(n) if !running.is_empty() => {
                        let namespace = running.remove(n % running.len());
                        room.leave(&namespace);
                        room.call()
                    }
                    Step::Answer(comes) => match calls.pop_front() {
                        Some(object) if comes => enter(&mut room, &mut running, object, Line::Decided),
                        _ => Vec::new(),
                    },
                    Step::Finish(_) => Vec::new(),
                };
                calls.extend(called);
                prop_assert!(running.len() <= most);
                let lines = room.waiting.values().map(|l| l.open.len() + l.decided.len());
                prop_assert_eq!(lines.sum::<usize>(), room.known.len());
                prop_assert!(room.waiting.values().all(|lines| !lines.is_empty()));
                prop_assert!(running.len() + room.called.len() <= most);
            }
            // Calls that were lost are forgotten after a while, and made up for by whoever asks again.
            calls.clear();
            room.called.clear();
            let mut left: HashSet<Object> = room.known.keys().cloned().collect();
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
                    calls.extend(enter(&mut room, &mut running, object.clone(), Line::Decided));
                    if running.len() > before {
                        left.remove(&object);
                    }
                }
            }
            prop_assert!(left.is_empty(), "{:?}", left);
        }
    }
}
