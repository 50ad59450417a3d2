//! The controller: keeps the status of every report at what is true of its commit.
//!
//! `watch`, `secrets`, `hints` (events of GitHub) and `surveys` (lists of a repository) say which reports
//! need a look, `turns` which of them may begin, `requeue` says when the next one is due anyway, `depth` how deep it is, `reconcile` takes
//! it, `write` puts its status onto the report, and `memory` tells own writes from those of others. `vigil` keeps
//! watches from staying blind. `sets` has the reports made that a set wants, `copies` the
//! artifacts copied that GitHub will delete. The facts come from an [`Observer`]; the verdict
//! is `crate::verdict`'s. What `guard` cannot read gets a status that says so by `unreadable`.

mod budgets;
mod copies;
mod credentials;
mod deeds;
mod depth;
mod dropped;
mod events;
#[cfg(test)]
mod fake;
mod github;
mod guard;
mod hints;
mod memory;
mod observer;
mod reconcile;
mod requeue;
mod rivals;
mod secrets;
mod sets;
mod settled;
mod surveys;
mod turns;
mod unreadable;
mod vigil;
mod waivers;
mod watch;
mod write;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::api::ListParams;
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub use copies::Archive;
pub use credentials::Access;
pub use deeds::{Answer, Attestor, Deed};
pub use github::GitHubObserver;
pub use hints::Hints;
pub use observer::Observer;
pub use requeue::Pace;
pub use vigil::Vigil;
pub use watch::CRD_MISSING;

pub use crate::api::REQUESTED_AT;
use crate::api::TestRunReport;
use crate::cache::Kept;
use crate::connections::Live;
use crate::history::History;
use crate::leader::Ownership;
use crate::notify::Notifier;
use crate::runtime::health::Health;
use crate::runtime::metrics::Metrics;
use crate::serve::Reports;
use memory::Memory;
use reconcile::Shared;

/// How long running reconciles may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// Between two looks for the definition of the kind.
const PROBE: Duration = Duration::from_secs(2);

/// What the administrator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one namespace to work in; all where it is None.
    pub namespace: Option<String>,
    /// Hosts and credentials, and who may use them.
    pub connections: Live,
    /// How often to look.
    pub pace: Pace,
    /// How much the watches are trusted.
    pub vigil: Vigil,
    /// Most reconciles at a time.
    pub concurrency: u16,
    /// Which namespaces are this process's.
    pub ownership: Ownership,
    /// Waivers in the specs of reports count; else only those of `TestRunWaiver` objects.
    pub report_waivers: bool,
    /// Where events of GitHub arrive, for all controllers of a process.
    pub hints: Hints,
    /// Commits are counted by GraphQL, and lists read only where that shows news.
    pub sweeps: bool,
    /// Where others find what is watched.
    pub reports: Reports,
    /// Who is told of changes.
    pub notifier: Notifier,
    /// Where what was seen is kept.
    pub history: History,
    /// Where artifacts are copied to; None where none are.
    pub archive: Option<Archive>,
    /// What verdicts are signed with; None where none are.
    pub attestor: Option<Attestor>,
}

/// Works until the token is cancelled, then finishes running reconciles.
pub async fn run(
    client: Client,
    observer: Arc<dyn Observer>,
    config: Config,
    health: Health,
    metrics: Metrics,
    end: CancellationToken,
) {
    if end.run_until_cancelled(served(&client, &config, &health)).await.is_none() {
        return;
    }
    let namespace = config.namespace.clone();
    let waivers = waivers::Lists::default();
    let listed = watch::api(&client, namespace.as_deref());
    if end.run_until_cancelled(waivers.read(&listed, &health)).await.is_none() {
        return;
    }
    let memory = Arc::new(Memory::default());
    let (store, writer) = reflector::store::<Kept>();
    let (known, hinted) = config.hints.follow();
    config.reports.add(store.clone());
    let counted = store.clone();
    metrics.count_reports(move |tally| {
        counted.state().iter().for_each(|report| tally.add(report.facts().standing))
    });
    let (rewound, rewinds) = tokio::sync::watch::channel(0);
    let (unreadable, found) = tokio::sync::mpsc::unbounded_channel();
    let reports = watch::reports(
        watch::api(&client, namespace.as_deref()),
        config.vigil,
        watch::Cache { writer, rewound, reader: store.clone() },
        memory.clone(),
        (known, config.hints.sets.clone(), unreadable),
        health.clone(),
        metrics.clone(),
    );
    let restored = restored(rewinds, store.clone(), memory.clone());
    let secrets = secrets::changes(watch::api(&client, namespace.as_deref()), store.clone());
    let moved = moved(config.connections.clone(), store.clone());
    let waived = waivers::changes(listed, config.vigil, waivers.clone(), store.clone(), memory.clone());
    // What is remembered is from before another replica worked on them.
    let forgotten = memory.clone();
    let gained = gained(config.ownership.clone(), store.clone(), move |report: &Kept| {
        forgotten.forget(&report.uid().unwrap_or_default());
    });
    // One more, so that the queue moves on past those whose namespace has its share.
    let settings = controller::Config::default().concurrency(config.concurrency.max(1).saturating_add(1));
    let recorder = events::Recorder::new(client.clone());
    let asking =
        surveys::run(config.hints.clone(), observer.clone(), config.pace, config.sweeps, end.clone());
    let made = (metrics.clone(), recorder.clone());
    let making =
        sets::run(client.clone(), observer.clone(), config.clone(), store.clone(), made, end.clone());
    let most = usize::from(config.concurrency);
    let (turns, called) = turns::Turns::new(most, store.clone(), config.ownership.clone(), metrics.clone());
    let parking = Box::pin(unreadable::run(client.clone(), found, config.ownership.clone(), metrics.clone()));
    let (copies, copying, copied) = copies::Copies::new(
        config.archive.clone(),
        observer.clone(),
        memory.clone(),
        store.clone(),
        metrics.clone(),
    );
    let shared = Arc::new(Shared {
        client,
        observer,
        config,
        memory,
        waivers,
        metrics,
        recorder,
        turns,
        copies,
        dropped: dropped::Dropped::default(),
    });
    let looks = Controller::for_stream(reports, store)
        .with_config(settings)
        .reconcile_on(secrets)
        .reconcile_on(moved)
        .reconcile_on(waived)
        .reconcile_on(gained)
        .reconcile_on(hinted)
        .reconcile_on(restored)
        .reconcile_on(called)
        .reconcile_on(copied)
        .graceful_shutdown_on(end.clone().cancelled_owned())
        .run(look, |_, never: &Infallible, _| match *never {}, shared)
        .for_each(|result| async move {
            match result {
                // An object that is gone has nothing to be reconciled; a broken watch is logged where it breaks.
                Ok(_) | Err(controller::Error::ObjectNotFound(_) | controller::Error::QueueError(_)) => {}
                Err(error) => tracing::error!("the queue of reports failed: {error}"),
            }
        });
    let (ended, late, parked) = (end.clone(), end.clone(), end.clone());
    let copying = async move {
        ended.run_until_cancelled(copying).await;
    };
    // On the heap, as it is rarely at work, and the stack of a worker has a lot of this function already.
    let parking = Box::pin(async move {
        parked.run_until_cancelled(parking).await;
    });
    let late = async move {
        late.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ((), (), (), (), ()) = async { tokio::join!(looks, asking, making, copying, parking) } => {}
        () = late => tracing::warn!("reconciles still ran after {} s and were dropped", GRACE.as_secs()),
    }
    health.not_ready("ending".to_owned());
}

/// Reports whose connection the administrator changed.
fn moved(connections: Live, reports: Store<Kept>) -> impl Stream<Item = ObjectRef<Kept>> + Send {
    let seen = connections.now();
    let changes = stream::unfold((connections, seen), |(connections, mut seen)| async move {
        let names = connections.changed(&mut seen).await;
        Some((names, (connections, seen)))
    });
    changes.flat_map(move |names| {
        let all = reports.state();
        let uses = |r: &&Arc<Kept>| names.iter().any(|name| **name == *r.facts().connection);
        stream::iter(all.iter().filter(uses).map(|r| ObjectRef::from_obj(r.as_ref())).collect::<Vec<_>>())
    })
}

/// Objects of the shards that this process gained, after `each` was told of them.
fn gained<K>(
    ownership: Ownership,
    objects: Store<K>,
    each: impl Fn(&K) + Send,
) -> impl Stream<Item = ObjectRef<K>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let gains = stream::unfold((ownership, Vec::new()), |(ownership, mut terms)| async move {
        let ours = ownership.gained(&mut terms).await;
        Some((ours, (ownership, terms)))
    });
    gains.flat_map(move |ours| {
        let all = objects.state();
        let mine = all.iter().filter(|o| ours(o.meta().namespace.as_deref().unwrap_or_default()));
        let refs = mine.map(|object| {
            each(object);
            ObjectRef::from_obj(object.as_ref())
        });
        stream::iter(refs.collect::<Vec<_>>())
    })
}

/// Reports whose status is an earlier one since the API server went back to an earlier state.
fn restored(
    rewinds: tokio::sync::watch::Receiver<u64>,
    reports: Store<Kept>,
    memory: Arc<Memory>,
) -> impl Stream<Item = ObjectRef<Kept>> + Send {
    let times = stream::unfold(rewinds, |mut rewinds| async move {
        rewinds.changed().await.ok()?;
        Some(((), rewinds))
    });
    times.flat_map(move |()| {
        let all = reports.state();
        let wrong = all.iter().filter(|r| memory.is_wrong(r));
        stream::iter(wrong.map(|r| ObjectRef::from_obj(r.as_ref())).collect::<Vec<_>>())
    })
}

async fn look(report: Arc<Kept>, shared: Arc<Shared>) -> Result<Action, Infallible> {
    let (namespace, name) = (report.namespace().unwrap_or_default(), report.name_any());
    let generation = report.meta().generation;
    let span = tracing::info_span!("reconcile", namespace, name, generation);
    shared.config.hints.cause(&report.uid().unwrap_or_default()).began(&span);
    Ok(reconcile::reconcile(report, shared).instrument(span).await)
}

/// Waits until the kind is served and may be listed.
async fn served(client: &Client, config: &Config, health: &Health) {
    let api = watch::api::<TestRunReport>(client, config.namespace.as_deref());
    loop {
        // Metadata only: an object that cannot be read must not be in the way.
        match write::within(api.list_metadata(&ListParams::default().limit(1))).await {
            Ok(_) => return,
            Err(error) => health.not_ready(watch::refused(&error)),
        }
        tokio::time::sleep(PROBE).await;
    }
}
