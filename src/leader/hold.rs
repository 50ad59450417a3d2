//! Carries out the plan on the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lease::{self, GROUP, SHARD, WEBHOOKS, WISH, now, record, shard};
use super::peers::Peer;
use super::plan::{Me, Step, View};
use super::{Ownership, Peers};
use crate::api::FIELD_MANAGER;
use crate::config::LeaderElection;
use crate::runtime::metrics::{LeaseEvent, Metrics};

/// Longest wait for running looks when a shard is given away. Most end sooner; the rest is not written.
const DRAIN: Duration = Duration::from_secs(1);

/// Takes and renews Leases until the end, and gives them away then.
pub async fn hold(
    client: Client,
    settings: LeaderElection,
    shards: u16,
    ownership: Ownership,
    peers: Peers,
    metrics: Metrics,
    end: CancellationToken,
) {
    let namespace = match settings.namespace.as_str() {
        "" => client.default_namespace().to_owned(),
        given => given.to_owned(),
    };
    let identity = lease::identity();
    tracing::info!(namespace, identity, shards, lease = settings.lease_name, "waits for a Lease");
    let mut holder = Holder {
        api: Api::namespaced(client, &namespace),
        me: Me { identity, shards, lease: settings.lease_duration.get(), retry: settings.retry_period.get() },
        settings,
        ownership,
        peers,
        metrics,
        view: View::default(),
        objects: BTreeMap::new(),
        held: BTreeSet::new(),
        told: None,
    };
    holder.run(end).await;
}

struct Holder {
    api: Api<Lease>,
    me: Me,
    settings: LeaderElection,
    ownership: Ownership,
    peers: Peers,
    metrics: Metrics,
    view: View,
    /// The objects behind the view, to be written back with what others put there.
    objects: BTreeMap<u16, Lease>,
    held: BTreeSet<u16>,
    /// The last trouble that was logged.
    told: Option<String>,
}

impl Holder {
    async fn run(&mut self, end: CancellationToken) {
        // A server that says nothing, and is asked about one shard after the other, must not keep the process from its
        // end: what is not given away runs out by itself.
        let limit = self.settings.renew_deadline.get() / 2;
        let late = async {
            end.cancelled().await;
            tokio::time::sleep(limit).await;
        };
        tokio::select! {
            () = self.work(&end) => {}
            () = late => {}
        }
        if tokio::time::timeout(limit, self.release()).await.is_err() {
            self.tell("the Leases are not given away", "no answer in time; they run out by themselves");
        }
    }

    async fn work(&mut self, end: &CancellationToken) {
        let config = watcher::Config::default().labels(&format!("{GROUP}={}", self.settings.lease_name));
        let mut events = Box::pin(watch(self.api.clone(), config).default_backoff());
        // Before all Leases were seen nothing is taken: one that is not known is not one that is free.
        let (mut watched, mut whole) = (false, false);
        let mut tick = Instant::now();
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                event = events.next() => match event {
                    Some(Ok(event)) => watched |= self.saw(event),
                    // The tick lists where the watch does not work.
                    Some(Err(error)) => {
                        watched = false;
                        self.tell("the Leases cannot be watched", &error.to_string());
                        continue;
                    }
                    None => break,
                },
                () = tokio::time::sleep_until(tick) => {
                    let jitter = 1.0 + 0.2 * crate::runtime::random::unit();
                    tick = Instant::now() + self.me.retry.mul_f64(jitter);
                    whole |= watched || self.list().await;
                    self.renew().await;
                }
            }
            whole |= watched;
            self.drop_lost();
            if whole {
                self.act().await;
            }
            self.introduce();
        }
    }

    /// Takes over what a watch shows. Says whether the view is whole by now.
    fn saw(&mut self, event: Event<Lease>) -> bool {
        match event {
            Event::Init => false,
            Event::InitDone => true,
            Event::InitApply(lease) | Event::Apply(lease) => {
                self.see(lease);
                false
            }
            Event::Delete(lease) => {
                // Whoever made the Lease anew is another holder from that moment on.
                if let Some(shard) = shard(&lease) {
                    self.objects.remove(&shard);
                    if let Some(seen) = self.view.0.get_mut(&shard) {
                        seen.at = Instant::now();
                    }
                    if self.held.remove(&shard) {
                        self.ownership.lose(shard);
                        self.counted(LeaseEvent::Lost, shard, "somebody deleted the Lease");
                    }
                }
                false
            }
        }
    }

    fn see(&mut self, lease: Lease) {
        let (Some(shard), Some(version)) = (shard(&lease), lease.resource_version()) else { return };
        let record = record(&lease);
        self.view.see(shard, version.clone(), record, Instant::now());
        let is_newest = self.view.0.get(&shard).is_some_and(|seen| seen.version == version);
        if is_newest {
            self.objects.insert(shard, lease);
        }
    }

    /// Tells the rest of the process where the holders are.
    fn introduce(&self) {
        let peer = |(shard, lease): (&u16, &Lease)| {
            let seen = self.view.0.get(shard).filter(|seen| !seen.record.holder.is_empty())?;
            let address = self.peers.address(lease.annotations().get(WEBHOOKS)?)?;
            Some((*shard, Peer { address, until: self.me.ends(seen) }))
        };
        self.peers.set(self.objects.iter().filter_map(peer).collect());
    }

    /// Reads all Leases anew.
    async fn list(&mut self) -> bool {
        let params = ListParams::default().labels(&format!("{GROUP}={}", self.settings.lease_name));
        match self.within(self.api.list(&params)).await {
            Ok(list) => {
                for lease in list.items {
                    let (Some(shard), Some(version)) = (shard(&lease), lease.resource_version()) else {
                        continue;
                    };
                    self.view.reread(shard, version, record(&lease), Instant::now());
                    self.objects.insert(shard, lease);
                }
                true
            }
            Err(why) => {
                self.tell("the Leases cannot be listed", &why);
                false
            }
        }
    }

    /// Bounds a request, so that a server that does not answer leaves time for another try.
    async fn within<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
        let limit = self.settings.renew_deadline.get() / 2;
        match tokio::time::timeout(limit, request).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(kube::Error::Api(status))) => Err(format!("{}: {}", status.code, status.message)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    fn drop_lost(&mut self) {
        let owned: BTreeSet<u16> = self.ownership.held().into_iter().collect();
        for shard in self.held.difference(&owned).copied().collect::<Vec<_>>() {
            self.held.remove(&shard);
            self.ownership.lose(shard);
            self.counted(LeaseEvent::Lost, shard, "it could not be renewed in time");
        }
    }

    async fn act(&mut self) {
        for step in self.me.plan(&self.view, &self.held, Instant::now()) {
            match step {
                Step::Take(shard) => self.take(shard).await,
                Step::HandOver(shard) => self.hand_over(shard).await,
                Step::Wish(shard) => {
                    let me = self.me.identity.clone();
                    let mut lease = self.object(shard);
                    lease.annotations_mut().insert(WISH.to_owned(), me);
                    if let Ok(lease) = self.within(self.put(&lease)).await {
                        self.see(lease);
                    }
                }
            }
        }
    }

    async fn take(&mut self, shard: u16) {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let mut lease = self.object(shard);
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&self.me.identity) {
            spec.acquire_time = Some(now());
            let turns = spec.lease_transitions.unwrap_or(0);
            spec.lease_transitions = Some(turns.saturating_add(i32::from(lease.metadata.uid.is_some())));
        }
        lease::sign(&mut lease, &self.me, self.peers.own());
        lease.annotations_mut().remove(WISH);
        let exists = lease.metadata.resource_version.is_some();
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let written = match exists {
            true => self.within(self.put(&lease)).await,
            false => self.within(self.api.create(&parameters, &lease)).await,
        };
        match written {
            Ok(lease) => {
                self.see(lease);
                self.held.insert(shard);
                self.told = None;
                if self.ownership.hold(shard, start, wall, self.settings.renew_deadline.get()) {
                    self.counted(LeaseEvent::Gained, shard, "");
                }
            }
            // Somebody else was faster; what came of it is read before the next try.
            Err(why) if why.starts_with("409") => {
                self.list().await;
            }
            Err(why) => {
                if why.starts_with("404") {
                    self.objects.remove(&shard);
                }
                self.tell("a Lease cannot be taken", &why);
            }
        }
    }

    /// Renews what is held, all at the same time.
    async fn renew(&mut self) {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let due: Vec<(u16, Lease)> = self.held.iter().map(|s| (*s, self.renewed(*s))).collect();
        let results = join_all(due.iter().map(|(_, lease)| self.within(self.put(lease)))).await;
        let mut again = Vec::new();
        for ((shard, _), result) in due.into_iter().zip(results) {
            match result {
                Ok(lease) => {
                    self.see(lease);
                    self.ownership.hold(shard, start, wall, self.settings.renew_deadline.get());
                }
                Err(why) if why.starts_with("409") => again.push(shard),
                Err(why) => self.tell("a Lease cannot be renewed", &why),
            }
        }
        if again.is_empty() || !self.list().await {
            return;
        }
        for shard in again {
            // A wish, or an answer that was lost, changed the object; or another process holds it.
            let holder = self.view.0.get(&shard).map(|s| s.record.holder.as_str());
            if holder == Some(&self.me.identity) {
                let (start, wall) = (Instant::now(), SystemTime::now());
                if let Ok(lease) = self.within(self.put(&self.renewed(shard))).await {
                    self.see(lease);
                    self.ownership.hold(shard, start, wall, self.settings.renew_deadline.get());
                }
            } else {
                self.held.remove(&shard);
                self.ownership.lose(shard);
                self.counted(LeaseEvent::Lost, shard, "another replica holds it");
            }
        }
    }

    fn renewed(&self, shard: u16) -> Lease {
        let mut lease = self.object(shard);
        lease::sign(&mut lease, &self.me, self.peers.own());
        lease
    }

    /// Gives a shard to who asked for it.
    async fn hand_over(&mut self, shard: u16) {
        self.ownership.close(shard, DRAIN.min(self.me.retry)).await;
        self.ownership.lose(shard);
        self.held.remove(&shard);
        self.write_free(shard).await;
        self.counted(LeaseEvent::Released, shard, "another replica has less to do");
    }

    /// Gives everything away: whoever waits can begin at once.
    async fn release(&mut self) {
        let held: Vec<u16> = std::mem::take(&mut self.held).into_iter().collect();
        join_all(held.iter().map(|shard| self.ownership.close(*shard, DRAIN))).await;
        for shard in held {
            self.ownership.lose(shard);
            self.write_free(shard).await;
            self.counted(LeaseEvent::Released, shard, "ending");
        }
    }

    async fn write_free(&mut self, shard: u16) {
        for _ in 0..3 {
            let mut lease = self.object(shard);
            lease::free(&mut lease);
            match self.within(self.put(&lease)).await {
                Ok(lease) => return self.see(lease),
                Err(why) if why.starts_with("409") => {
                    self.list().await;
                    let holder = self.view.0.get(&shard).map(|s| s.record.holder.as_str());
                    if holder != Some(&self.me.identity) {
                        return;
                    }
                }
                // It runs out by itself.
                Err(why) => return self.tell("a Lease cannot be given away", &why),
            }
        }
    }

    async fn put(&self, lease: &Lease) -> kube::Result<Lease> {
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        self.api.replace(&lease.name_any(), &parameters, lease).await
    }

    /// The Lease as it was last seen, or as it is to be made.
    fn object(&self, shard: u16) -> Lease {
        let mut lease = self.objects.get(&shard).cloned().unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(format!("{}-{shard}", self.settings.lease_name)),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        lease.metadata.managed_fields = None;
        lease.labels_mut().insert(GROUP.to_owned(), self.settings.lease_name.clone());
        lease.labels_mut().insert(SHARD.to_owned(), shard.to_string());
        lease
    }

    fn counted(&self, event: LeaseEvent, shard: u16, why: &str) {
        self.metrics.lease(event, self.held.len());
        tracing::info!(shard, held = self.held.len(), why, "{} a Lease", event.as_str());
    }

    /// Logs trouble once until something works again.
    fn tell(&mut self, what: &str, why: &str) {
        let text = crate::verdict::text::clean(&format!("{what}: {why}"), 512);
        if self.told.as_ref() != Some(&text) {
            tracing::warn!("{text}");
            self.told = Some(text);
        }
    }
}
