//! Lists of waivers that reports share: watched, so that a new one, a changed one and one that is gone are
//! noticed at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, future, stream};
use kube::api::ListParams;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};

use super::guard;
use super::memory::Memory;
use super::vigil::{self, Vigil};
use super::write::within;
use crate::api::TestRunWaiver;
use crate::cache::Kept;
use crate::runtime::health::Health;
use crate::verdict::SharedWaivers;
use crate::verdict::belongs::glob;

/// Between two tries to list them at the start.
const AGAIN: Duration = Duration::from_secs(2);

type Guarded = guard::Guarded<TestRunWaiver>;
/// Namespace and name.
type Key = (String, String);
type Map = BTreeMap<Key, SharedWaivers>;

/// The lists of all namespaces; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists(Arc<Mutex<Map>>);

impl Lists {
    /// Those of a namespace.
    pub fn of(&self, namespace: &str) -> Vec<SharedWaivers> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (namespace.to_owned(), String::new());
        all.range(from..).take_while(|((ns, _), _)| ns == namespace).map(|(_, list)| list.clone()).collect()
    }

    /// Reads them for the first time. No report is looked at before: a pass that rests on a waiver would be
    /// taken back. Where the kind is not served, or may not be listed, there are none.
    pub async fn read(&self, api: &Api<Guarded>, health: &Health) {
        loop {
            match within(api.list(&ListParams::default())).await {
                Ok(list) => {
                    self.replace(list.items.into_iter().filter_map(readable).collect());
                    return;
                }
                Err(kube::Error::Api(status)) if status.code == 404 || status.code == 403 => {
                    tracing::warn!(
                        "testrunwaivers.testrun.dev cannot be listed ({}), so that nothing is waived but by spec.waivers; \
                         install their definition, and allow the operator's account to get, list and watch them",
                        status.code
                    );
                    return;
                }
                Err(error) => {
                    let text: String = error.to_string().chars().take(256).collect();
                    health.not_ready(format!("waivers cannot be listed: {text}"));
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Takes a whole list over, and gives what differs from what was known.
    fn replace(&self, map: Map) -> Vec<(Key, SharedWaivers)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *all, map);
        let gone = before.iter().filter(|(key, list)| all.get(*key) != Some(*list));
        let new = all.iter().filter(|(key, list)| before.get(*key) != Some(*list));
        gone.chain(new).map(|(key, list)| (key.clone(), list.clone())).collect()
    }

    fn put(&self, key: Key, list: Option<SharedWaivers>) -> Vec<(Key, SharedWaivers)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match list.clone() {
            Some(list) => all.insert(key.clone(), list),
            None => all.remove(&key),
        };
        if before == list {
            return Vec::new();
        }
        before.into_iter().chain(list).map(|list| (key.clone(), list)).collect()
    }
}

/// Reports that a changed list is for.
pub(super) fn changes(
    api: Api<Guarded>,
    vigil: Vigil,
    lists: Lists,
    reports: Store<Kept>,
    memory: Arc<Memory>,
) -> impl Stream<Item = ObjectRef<Kept>> + Send {
    let mut listing = Map::new();
    let mut told = false;
    vigil::events(api, vigil, ())
        .map(move |event| match event {
            Ok(Event::Init) => {
                listing.clear();
                Vec::new()
            }
            Ok(Event::InitApply(guard)) => {
                listing.extend(readable(guard));
                Vec::new()
            }
            Ok(Event::InitDone) => lists.replace(std::mem::take(&mut listing)),
            Ok(Event::Apply(guard)) => {
                let key = key(&guard);
                lists.put(key, readable(guard).map(|(_, list)| list))
            }
            Ok(Event::Delete(guard)) => lists.put(key(&guard), None),
            Err(error) => {
                // Where there are none this repeats for ever; once is enough.
                if !std::mem::replace(&mut told, true) {
                    let text: String = error.to_string().chars().take(256).collect();
                    tracing::warn!("waivers cannot be watched; those known before still count: {text}");
                }
                Vec::new()
            }
        })
        .filter(|changed| future::ready(!changed.is_empty()))
        .flat_map(move |changed| stream::iter(concerned(&changed, &reports, &memory)))
}

/// The reports that the lists are for.
fn concerned(
    changed: &[(Key, SharedWaivers)],
    reports: &Store<Kept>,
    memory: &Memory,
) -> Vec<ObjectRef<Kept>> {
    let all = reports.state();
    let is = |report: &&Arc<Kept>| {
        let namespace = report.namespace().unwrap_or_default();
        let facts = report.facts();
        let names = [Some(&*facts.repository), facts.renamed.as_deref()];
        let about = |list: &SharedWaivers| {
            names.iter().flatten().any(|name| list.repositories.iter().any(|g| glob(g, name)))
        };
        changed.iter().any(|((ns, _), list)| *ns == namespace && about(list))
    };
    let concerned = all.iter().filter(is);
    concerned
        .map(|report| {
            memory.ask(report.as_ref());
            ObjectRef::from_obj(report.as_ref())
        })
        .collect()
}

fn key(guard: &Guarded) -> Key {
    (guard.namespace().unwrap_or_default(), guard.name_any())
}

/// A list; one that cannot be read as such waives nothing.
fn readable(guard: Guarded) -> Option<(Key, SharedWaivers)> {
    let key = key(&guard);
    match guard.0 {
        Ok(waiver) => {
            let spec = waiver.spec;
            let list =
                SharedWaivers { name: key.1.clone(), repositories: spec.repositories, waivers: spec.waivers };
            // What is being deleted is gone as far as a verdict goes.
            waiver.metadata.deletion_timestamp.is_none().then_some((key, list))
        }
        Err(invalid) => {
            let error: String = invalid.error.chars().take(512).collect();
            tracing::warn!(
                namespace = key.0,
                name = key.1,
                "a TestRunWaiver cannot be read and waives nothing: {error}"
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::fake;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_at_the_start_is_asked_again() {
        let mut asked = 0;
        let client = fake::client(move |_| {
            asked += 1;
            (asked > 1).then(|| fake::nothing("TestRunWaiverList"))
        });
        let (lists, api, health) = (Lists::default(), Api::all(client), Health::new());
        let read = tokio::time::timeout(Duration::from_secs(120), lists.read(&api, &health));
        read.await.unwrap();
        assert!(health.state().unwrap_err().contains("did not answer in time"), "and that is told");
    }
}
