//! A delivery that came to a replica that does not lead: sent on to those that do.
//!
//! The delivery goes as it came, with its signature, and who gets it verifies it again. A copy names the shards that
//! it is for and is never sent on; who does not hold them (any more) says so, and the Leases tell who does. GitHub
//! is told that the delivery arrived when the holder of every shard has it, and otherwise that it did not, so that
//! it lists it as failed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::leader::{Ownership, Peers};

/// Header of a copy: the shards that it is for.
pub(super) const SHARDS: HeaderName = HeaderName::from_static("testrun-shards");
/// What a copy has of the headers.
const KEPT: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("x-github-event"),
    HeaderName::from_static("x-github-delivery"),
    HeaderName::from_static("x-hub-signature-256"),
];
/// Deliveries that wait for leaders at the same time; GitHub is asked to come again with more.
const WAITING: usize = 128;
/// Time for one try; a leader that is paused must leave time for its successor.
const TRY: Duration = Duration::from_secs(3);
/// Time for a connection, which needs no more than a packet there and back.
const CONNECT: Duration = Duration::from_secs(1);
/// First and longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Bytes of an answer, of which nothing is used.
const ANSWER: usize = 1024;

/// Where deliveries belong. Cheap to clone.
#[derive(Clone)]
pub struct Leaders {
    ownership: Ownership,
    peers: Peers,
    waiting: Arc<Semaphore>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A delivery as it came.
pub(super) struct Copy<'a> {
    pub connection: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    /// What tells of the trace that it is part of.
    pub trace: Option<[(HeaderName, HeaderValue); 2]>,
}

/// Why leaders were not told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Untold {
    /// Too many deliveries wait.
    Busy,
    /// These shards have no holder, or none that answers.
    Shards(BTreeSet<u16>),
}

impl Leaders {
    /// Among replicas: what this process does not hold is at its peers.
    pub fn new(ownership: Ownership, peers: Peers) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client =
            Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(30)).build(connector);
        Self { ownership, peers, waiting: Arc::new(Semaphore::new(WAITING)), client }
    }

    /// A process that works alone.
    pub fn alone() -> Self {
        Self::new(Ownership::everything(), Peers::new(None))
    }

    /// Whether this process holds all of these shards now.
    pub(super) fn hold(&self, shards: &BTreeSet<u16>) -> bool {
        let held: BTreeSet<u16> = self.ownership.held().into_iter().collect();
        shards.is_subset(&held)
    }

    /// Whether these are all shards that there are.
    pub(super) fn all(&self, shards: &BTreeSet<u16>) -> bool {
        shards.len() >= usize::from(self.ownership.shards())
    }

    /// Tells the holders of all shards that this process does not hold. Says whether there were any.
    pub(super) async fn tell(&self, copy: &Copy<'_>, end: Instant) -> Result<bool, Untold> {
        let mut missing: BTreeSet<u16> = (0..self.ownership.shards()).collect();
        self.without_own(&mut missing);
        if missing.is_empty() {
            return Ok(false);
        }
        let Ok(_place) = self.waiting.try_acquire() else { return Err(Untold::Busy) };
        let mut pause = PAUSES.0;
        loop {
            let mut changes = self.peers.changes();
            let mut at: BTreeMap<SocketAddr, BTreeSet<u16>> = BTreeMap::new();
            for shard in &missing {
                if let Some(address) = self.peers.of(*shard) {
                    at.entry(address).or_default().insert(*shard);
                }
            }
            let tries = at.iter().map(|(address, shards)| self.send(*address, shards, copy));
            let tries = join_all(tries);
            let Ok(told) = timeout_at(end, tries).await else { return Err(Untold::Shards(missing)) };
            for (shards, told) in at.values().zip(told) {
                if told {
                    missing.retain(|shard| !shards.contains(shard));
                }
            }
            // What this process gained meanwhile it looks at anyway.
            self.without_own(&mut missing);
            if missing.is_empty() {
                return Ok(true);
            }
            let wait = async {
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = changes.changed() => {}
                }
            };
            if timeout_at(end, wait).await.is_err() {
                return Err(Untold::Shards(missing));
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn without_own(&self, shards: &mut BTreeSet<u16>) {
        let held = self.ownership.held();
        shards.retain(|shard| !held.contains(shard));
    }

    /// One try at one holder.
    async fn send(&self, address: SocketAddr, shards: &BTreeSet<u16>, copy: &Copy<'_>) -> bool {
        let names: Vec<String> = shards.iter().map(u16::to_string).collect();
        let mut request =
            Request::post(format!("http://{address}{}{}", super::receive::ROOT, copy.connection))
                .header(SHARDS, names.join(","))
                .header(header::USER_AGENT, concat!("testrun-operator/", env!("CARGO_PKG_VERSION")));
        for name in KEPT {
            if let Some(value) = copy.headers.get(&name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in copy.trace.iter().flatten() {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(Full::new(copy.body.clone())) else { return false };
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            // Read to its end, the connection can be used again.
            let _ = Limited::new(response.into_body(), ANSWER).collect().await;
            if status == StatusCode::ACCEPTED { Ok(()) } else { Err(format!("answered {status}")) }
        };
        let told = timeout(TRY, answer).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        if let Err(why) = &told {
            tracing::debug!(%address, "a delivery was not taken by a replica that leads: {why}");
        }
        told.is_ok()
    }
}

/// The shards that a copy is for: None where the delivery is GitHub's own, an error where it cannot be read.
pub(super) fn shards(headers: &HeaderMap) -> Result<Option<BTreeSet<u16>>, ()> {
    let Some(value) = headers.get(SHARDS) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.len() <= 512).ok_or(())?;
    let all: Result<BTreeSet<u16>, _> = text.split(',').map(str::parse).collect();
    all.map(Some).map_err(drop)
}
