//! Watches that do not stay blind.
//!
//! A watch goes on from the version of the last event. Where the server refuses that version when a watch begins
//! it would be refused for ever, and where etcd was restored from a backup nothing comes until the versions have
//! caught up. So the version is asked for now and then, and everything listed anew where a watch cannot go on.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt, future, stream};
use kube::api::{ListParams, WatchParams};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use crate::runtime::random;

/// Wait before a list after a watch could not begin.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two looks whether a broken watch could begin again.
const BROKEN: Duration = Duration::from_secs(2);
/// After this long without a word in the middle of a list it is begun anew. Any server has given up by then.
const STILL: Duration = Duration::from_secs(90);
/// Longest wait for the version.
const LIMIT: Duration = Duration::from_secs(10);

/// How much a watch is trusted.
#[derive(Clone, Copy, Debug)]
pub struct Vigil {
    /// Between two questions for the version: one request for at most one object.
    pub check: Duration,
    /// Between two lists of everything.
    pub relist: Duration,
}

impl Default for Vigil {
    fn default() -> Self {
        Self { check: Duration::from_secs(60), relist: Duration::from_secs(3600) }
    }
}

/// What a watch does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The server went back to an earlier state.
    Rewound,
    /// After an error a watch can be begun again. It need not list anything, and is silent until something changes.
    Recovered,
}

/// Who is told, and what else is known.
pub(super) trait Witness: Send + Sync + 'static {
    fn told(&self, notice: Notice);
    /// The newest version that an object had, other than by the watch.
    fn newest(&self) -> u128;
}

/// Nobody.
impl Witness for () {
    fn told(&self, _: Notice) {}

    fn newest(&self) -> u128 {
        0
    }
}

/// Objects of a page of a list. A page is in memory as text and as objects at the same time, and what that took is
/// not all given back: pages of the usual 500 are the most that the operator ever needs.
const PAGE: u32 = 100;

/// A watch of all objects.
pub(super) fn events<K>(
    api: Api<K>,
    vigil: Vigil,
    witness: impl Witness,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let now = Instant::now();
    let watch = Watch {
        events: begin(&api),
        api,
        vigil,
        version: 0,
        synced: false,
        broken: false,
        heard: now,
        check: now + spread(vigil.check),
        relist: now + spread(vigil.relist),
    };
    stream::unfold((watch, witness), |(mut watch, witness)| async move {
        let next = watch.next(&witness).await;
        Some((next, (watch, witness)))
    })
}

type Events<K> = Pin<Box<dyn Stream<Item = watcher::Result<Event<K>>> + Send>>;

struct Watch<K> {
    api: Api<K>,
    events: Events<K>,
    vigil: Vigil,
    /// The newest version that was told of.
    version: u128,
    /// Everything was listed.
    synced: bool,
    /// The last that came was an error.
    broken: bool,
    /// When the last came.
    heard: Instant,
    check: Instant,
    relist: Instant,
}

impl<K> Watch<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    async fn next(&mut self, witness: &impl Witness) -> watcher::Result<Event<K>> {
        loop {
            tokio::select! {
                event = self.events.next() => match event {
                    Some(Err(error)) if is_gone(&error) => {
                        self.anew(Instant::now() + AGAIN);
                        return Err(error);
                    }
                    Some(event) => {
                        self.saw(&event);
                        return event;
                    }
                    None => self.anew(Instant::now() + AGAIN),
                },
                () = tokio::time::sleep_until(self.check.min(self.relist)) => self.look(witness).await,
                () = tokio::time::sleep_until(self.heard + STILL), if !self.synced => {
                    tracing::warn!("a list stands still, and is begun anew");
                    self.anew(Instant::now());
                }
            }
        }
    }

    fn saw(&mut self, event: &watcher::Result<Event<K>>) {
        (self.broken, self.heard) = (event.is_err(), Instant::now());
        match event {
            Ok(Event::Init) => self.synced = false,
            Ok(Event::InitDone) => self.synced = true,
            Ok(Event::InitApply(object) | Event::Apply(object) | Event::Delete(object)) => {
                let version = object.meta().resource_version.as_ref().and_then(|v| v.parse().ok());
                self.version = self.version.max(version.unwrap_or(0));
            }
            Err(_) => self.check = self.check.min(Instant::now() + AGAIN),
        }
    }

    async fn look(&mut self, witness: &impl Witness) {
        let now = Instant::now();
        if now >= self.relist {
            return self.anew(now);
        }
        self.check = now + if self.broken { BROKEN } else { spread(self.vigil.check) };
        let params = ListParams::default().limit(1);
        // Before it is asked: what is written while it answers may be newer than the answer.
        self.version = self.version.max(witness.newest());
        let list = timeout(LIMIT, self.api.list_metadata(&params)).await;
        // What is wrong with the server is told by the watch.
        let Ok(Ok(list)) = list else { return };
        let Some(text) = list.metadata.resource_version else { return };
        let Ok(version) = text.parse() else { return };
        if version < self.version {
            tracing::warn!(
                from = %self.version,
                to = %version,
                "the API server went back to an earlier state, as after a restored backup; everything is listed anew"
            );
            witness.told(Notice::Rewound);
            self.anew(now);
        } else if self.broken && self.synced {
            let params = WatchParams::default().timeout(1);
            if let Ok(Ok(_)) = timeout(LIMIT, self.api.watch_metadata(&params, &text)).await {
                self.broken = false;
                witness.told(Notice::Recovered);
            }
        }
        self.version = version;
    }

    /// Begins with a list at this time.
    fn anew(&mut self, at: Instant) {
        self.relist = at + spread(self.vigil.relist);
        self.heard = at;
        let events = begin(&self.api);
        self.events = Box::pin(
            stream::once(tokio::time::sleep_until(at))
                .map(|()| None)
                .chain(events.map(Some))
                .filter_map(future::ready),
        );
    }
}

fn begin<K>(api: &Api<K>) -> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    Box::pin(watch(api.clone(), watcher::Config::default().page_size(PAGE)).default_backoff())
}

/// Whether a watch cannot go on from where it is.
fn is_gone(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// Up to a tenth less, so that replicas do not ask in step.
fn spread(time: Duration) -> Duration {
    time.mul_f64(1.0 - 0.1 * random::unit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
    use std::sync::{Arc, Mutex};

    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_list_that_stands_still_is_begun_anew() {
        let mut asked = 0;
        let client = fake::client(move |_| {
            asked += 1;
            (asked > 1).then(|| fake::nothing("ConfigMapList"))
        });
        let mut events = Box::pin(events::<ConfigMap>(Api::all(client), Vigil::default(), ()));
        let whole = async { while !matches!(events.next().await, Some(Ok(Event::InitDone))) {} };
        timeout(STILL * 2, whole).await.unwrap();
    }

    /// A server that has nothing but a version; clones share it.
    #[derive(Clone, Default)]
    struct Server {
        version: Arc<AtomicU64>,
        /// The newest that we wrote.
        written: Arc<AtomicU64>,
        /// What we write while the next questions for one object are answered.
        meanwhile: Arc<Mutex<Vec<u64>>>,
        lists: Arc<AtomicUsize>,
        told: Arc<Mutex<Vec<Notice>>>,
    }

    impl Witness for Server {
        fn told(&self, notice: Notice) {
            self.told.lock().unwrap().push(notice);
        }

        fn newest(&self) -> u128 {
            self.written.load(SeqCst).into()
        }
    }

    impl Server {
        fn at(version: u64) -> Self {
            let server = Self::default();
            server.version.store(version, SeqCst);
            server
        }

        fn answer(&self, uri: &str) -> Option<(u16, serde_json::Value)> {
            if uri.contains("watch=true") {
                return None;
            }
            let version = self.version.load(SeqCst).to_string();
            if uri.split(['?', '&']).any(|part| part == "limit=1") {
                if let Some(next) = self.meanwhile.lock().unwrap().pop() {
                    self.version.store(next, SeqCst);
                    self.written.store(next, SeqCst);
                }
            } else {
                self.lists.fetch_add(1, SeqCst);
            }
            let list = json!({"kind": "ConfigMapList", "apiVersion": "v1", "items": [],
                "metadata": {"resourceVersion": version}});
            Some((200, list))
        }

        /// Watches for so many minutes, in which the version is asked for about once a minute.
        async fn watched_for(&self, minutes: u64) {
            let server = self.clone();
            let api: Api<ConfigMap> = Api::all(fake::client(move |uri| server.answer(uri)));
            let events = events(api, Vigil::default(), self.clone()).for_each(|_| future::ready(()));
            assert!(timeout(Duration::from_secs(60 * minutes), events).await.is_err(), "a watch has no end");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_while_the_version_is_asked_for_is_no_step_back() {
        let server = Server::at(100);
        server.meanwhile.lock().unwrap().extend([300, 200, 150]);
        server.watched_for(10).await;
        assert_eq!(server.version.load(SeqCst), 300, "all three were written");
        assert_eq!(server.told.lock().unwrap().as_slice(), []);
        assert_eq!(server.lists.load(SeqCst), 1, "nothing is listed anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_went_back_is_told_of_and_listed_anew() {
        let server = Server::at(100);
        server.written.store(120, SeqCst);
        server.watched_for(1).await;
        assert_eq!(server.told.lock().unwrap().as_slice(), [Notice::Rewound]);
        assert_eq!(server.lists.load(SeqCst), 2);
    }
}
