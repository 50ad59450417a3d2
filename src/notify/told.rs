//! Which sinks have taken the newest change of one report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// By the place of a sink: the change that it was given last, and whether it took it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Mutex<BTreeMap<usize, (String, bool)>>>);

impl Told {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, (String, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a sink is to be told of a change; from now on it is on its way.
    pub(super) fn begin(&self, sink: usize, change: &str) -> bool {
        let mut all = self.lock();
        let known = all.get(&sink).is_some_and(|(last, _)| last == change);
        if !known {
            all.insert(sink, (change.to_owned(), false));
        }
        !known
    }

    /// A sink took a change, or never will.
    pub(super) fn done(&self, sink: usize, change: &str) {
        if let Some((last, done)) = self.lock().get_mut(&sink) {
            *done |= last == change;
        }
    }

    /// A sink did not take a change; it is told again.
    pub(super) fn give_up(&self, sink: usize, change: &str) {
        let mut all = self.lock();
        if all.get(&sink).is_some_and(|(last, _)| last == change) {
            all.remove(&sink);
        }
    }

    /// Whether a sink took a change.
    pub(super) fn has(&self, sink: usize, change: &str) -> bool {
        self.lock().get(&sink).is_some_and(|(last, done)| *done && last == change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_on_its_way_once_until_it_is_given_up() {
        let told = Told::default();
        assert!(told.begin(0, "a") && !told.begin(0, "a") && told.begin(1, "a"));
        told.give_up(0, "a");
        assert!(told.begin(0, "a"), "it is told again");
        told.done(0, "a");
        assert!(told.has(0, "a") && !told.has(1, "a") && !told.begin(0, "a"));
        assert!(told.begin(0, "b") && !told.has(0, "b"));
        // What comes of an older one says nothing of the newer one.
        told.done(0, "a");
        told.give_up(0, "a");
        assert!(!told.has(0, "b") && !told.begin(0, "b"));
    }
}
