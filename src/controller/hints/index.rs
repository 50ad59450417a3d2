//! Where the reports are: by repository as reached through a connection, and by uid.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

use super::member::{Hint, Member};
use super::sweep::Sweep;
use crate::collect::SightedRun;
use crate::webhooks::{Event, Kind};

/// A repository whose events arrive is asked slowly, as long as it was heard of within this time.
const HEARD: Duration = Duration::from_secs(3600);
/// After a change that no event told of, events are not relied on for this long.
const DISTRUST: Duration = Duration::from_secs(900);

/// Repositories without reports that are remembered.
const MAX_STRANGERS: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

pub(super) struct Index {
    pub(super) repositories: HashMap<Key, Repository>,
    /// Where each report is, by uid.
    pub(super) places: HashMap<String, Key>,
    /// Repositories that have another name by now, by that name.
    pub(super) renamed: HashMap<Key, Key>,
    /// Repositories without reports: the last event that was heard of each.
    pub(super) strangers: LruCache<Key, Instant>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            repositories: HashMap::new(),
            places: HashMap::new(),
            renamed: HashMap::new(),
            strangers: LruCache::new(MAX_STRANGERS),
        }
    }
}

/// A repository as reached through a connection; GitHub's names do not depend on case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) connection: String,
    pub(super) repository: String,
}

#[derive(Default)]
pub(super) struct Repository {
    /// Boxed: a table is half empty.
    pub(super) members: HashMap<String, Box<Member>>,
    /// The last event that was heard of it.
    pub(super) heard: Option<Instant>,
    /// When a change was seen that no event had told of.
    pub(super) missed: Option<Instant>,
    pub(super) surveyed: Option<Instant>,
    pub(super) sweep: Sweep,
    /// The runs that stood still the last time, by id and attempt.
    waiting: HashSet<(i64, i64)>,
}

impl Key {
    pub(super) fn of(connection: &str, repository: &str) -> Self {
        Self { connection: connection.to_owned(), repository: repository.to_ascii_lowercase() }
    }
}

impl Index {
    pub(super) fn member(&mut self, uid: &str) -> Option<&mut Member> {
        self.repositories.get_mut(self.places.get(uid)?)?.members.get_mut(uid).map(|member| &mut **member)
    }

    pub(super) fn remove(&mut self, uid: &str) {
        let Some(key) = self.places.remove(uid) else { return };
        if let Some(repository) = self.repositories.get_mut(&key) {
            repository.members.remove(uid);
            if repository.members.is_empty() {
                self.renamed.retain(|_, to| *to != key);
                if let Some(heard) = self.repositories.remove(&key).and_then(|r| r.heard) {
                    self.strangers.put(key, heard);
                }
            }
        }
    }

    /// The repository of a report was read, if it never was before.
    pub(super) fn surveyed(&mut self, uid: &str, now: Instant) {
        if let Some(repository) = self.places.get(uid).and_then(|key| self.repositories.get_mut(key)) {
            repository.surveyed.get_or_insert(now);
        }
    }

    /// The name that GitHub calls the repository of a report by.
    pub(super) fn named(&mut self, uid: &str, name: &str) {
        let Some(key) = self.places.get(uid) else { return };
        let now = Key::of(&key.connection, name);
        if now != *key {
            self.renamed.insert(now, key.clone());
        }
    }
}

impl Index {
    /// The repositories of an owner that are known of a connection, by the name that they have now or had.
    pub(super) fn of_owner(&self, connection: &str, owner: &str) -> Vec<Key> {
        let start = format!("{}/", owner.to_ascii_lowercase());
        let is = |key: &Key| key.connection == connection && key.repository.starts_with(&start);
        let renamed = self.renamed.iter().filter(|(now, _)| is(now)).map(|(_, key)| key);
        let all: std::collections::BTreeSet<&Key> =
            self.repositories.keys().filter(|key| is(key)).chain(renamed).collect();
        all.into_iter().cloned().collect()
    }
}

impl Repository {
    /// Tells those of its reports that an event concerns.
    pub(super) fn wake(&mut self, event: &Event, now: Instant) {
        for member in self.members.values_mut() {
            if let Some((depth, delay)) = member.concerns(event) {
                let mut hint = Hint { moved: member.moves(event), ..Hint::new(now, depth) };
                if let Kind::Run { run: Some(run), .. } = &event.kind {
                    hint.told.push(run.clone());
                }
                member.mark(hint, delay);
            }
        }
    }

    /// The commits of which runs have begun to stand still since the last list of those that do.
    pub(super) fn begun(&mut self, waiting: Option<&Vec<SightedRun>>) -> HashSet<String> {
        let Some(waiting) = waiting else { return HashSet::new() };
        let before = std::mem::take(&mut self.waiting);
        self.waiting = waiting.iter().map(|r| (r.id, r.attempt)).collect();
        waiting.iter().filter(|r| !before.contains(&(r.id, r.attempt))).map(|r| r.sha.clone()).collect()
    }

    pub(super) fn hears(&self, now: Instant) -> bool {
        let within = |at: Option<Instant>, time| at.is_some_and(|at| now.duration_since(at) < time);
        within(self.heard, HEARD) && !within(self.missed, DISTRUST)
    }
}
