//! The controller of sets: keeps the reports of every `TestRunReportSet` at what `crate::sets` plans.
//!
//! `wake` says which sets need a look, `together` that of what happens at the same time one look is taken, `reconcile` takes it, `known`
//! keeps lists that are long, `carry` makes, changes and removes reports, and `status` says what came of it. The reports that there are come from the watch of the controller of reports.

mod carry;
mod events;
mod known;
mod reconcile;
mod status;
mod together;
mod wake;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use futures::{Stream, StreamExt, future};
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::reflector as reflect;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub(super) use wake::Wakes;

use super::events::Recorder;
use super::settled::settled;
use super::{Config, Observer, gained, guard, vigil, watch};
use crate::api::TestRunReportSet;
use crate::api::set::SetCondition;
use crate::cache::Kept;
use crate::runtime::metrics::{Metrics, Ready};
use wake::Followed;

type Guarded = guard::Guarded<TestRunReportSet>;

/// Sets that are looked at at the same time.
const AT_ONCE: u16 = 4;

/// What all looks share.
struct Shared {
    client: Client,
    observer: Arc<dyn Observer>,
    config: Config,
    wakes: Wakes,
    reports: Store<Kept>,
    metrics: Metrics,
    recorder: Recorder,
}

/// Works until the token is cancelled.
pub(super) async fn run(
    client: Client,
    observer: Arc<dyn Observer>,
    config: Config,
    reports: Store<Kept>,
    (metrics, recorder): (Metrics, Recorder),
    end: CancellationToken,
) {
    // Before all reports are known each one would be made.
    if !matches!(end.run_until_cancelled(reports.wait_until_ready()).await, Some(Ok(()))) {
        return;
    }
    let wakes = config.hints.sets.clone();
    let (followed, woken) = wakes.follow();
    let (store, writer) = reflector::store::<TestRunReportSet>();
    let api = watch::api::<Guarded>(&client, config.namespace.as_deref());
    let sets = settled(reflect(writer, sets(api, config.vigil, followed)));
    let counted = store.clone();
    metrics.count_sets(move || readies(&counted));
    let gained = gained(config.ownership.clone(), store.clone(), |_| {});
    let settings = controller::Config::default().concurrency(AT_ONCE);
    let shared = Arc::new(Shared { client, observer, config, wakes, reports, metrics, recorder });
    Controller::for_stream(sets, store)
        .with_config(settings)
        .reconcile_on(woken)
        .reconcile_on(gained)
        .graceful_shutdown_on(end.cancelled_owned())
        .run(look, |_, never: &Infallible, _| match *never {}, shared)
        .for_each(|result| async move {
            match result {
                // An object that is gone has nothing to be reconciled; a broken watch is logged where it breaks.
                Ok(_) | Err(controller::Error::ObjectNotFound(_) | controller::Error::QueueError(_)) => {}
                Err(error) => tracing::error!("the queue of sets failed: {error}"),
            }
        })
        .await;
}

/// How many sets say so of `Ready`.
fn readies(sets: &Store<TestRunReportSet>) -> Ready {
    sets.state().iter().fold([0; 3], |[yes, no, unknown], set| {
        let conditions = set.status.iter().flat_map(|s| &s.conditions);
        let ready = conditions.into_iter().find(|c| c.type_ == SetCondition::Ready.as_str());
        match ready.map(|c| c.status.as_str()) {
            Some("True") => [yes + 1, no, unknown],
            Some("False") => [yes, no + 1, unknown],
            _ => [yes, no, unknown + 1],
        }
    })
}

async fn look(set: Arc<TestRunReportSet>, shared: Arc<Shared>) -> Result<Action, Infallible> {
    let (namespace, name) = (set.namespace().unwrap_or_default(), set.name_any());
    let generation = set.metadata.generation;
    let span = tracing::info_span!("set", namespace, name, generation);
    Ok(reconcile::reconcile(set, shared).instrument(span).await)
}

/// The watch of all sets: what cannot be read is set aside.
fn sets(
    api: Api<Guarded>,
    trust: vigil::Vigil,
    followed: Followed,
) -> impl Stream<Item = watcher::Result<Event<TestRunReportSet>>> + Send {
    let mut told = false;
    let mut listed = HashSet::new();
    vigil::events(api, trust, ()).filter_map(move |event| {
        future::ready(match event {
            Ok(event) => {
                let event = readable(event);
                if let Some(event) = &event {
                    keep(event, &followed, &mut listed);
                }
                event.map(Ok)
            }
            Err(error) => {
                // Where there are none this repeats for ever; once is enough.
                if !std::mem::replace(&mut told, true) {
                    let text: String = error.to_string().chars().take(256).collect();
                    tracing::warn!(
                        "testrunreportsets.testrun.dev cannot be watched, so that no set makes reports; install \
                         their definition, and allow the operator's account to get, list and watch them: {text}"
                    );
                }
                Some(Err(error))
            }
        })
    })
}

fn keep(event: &Event<TestRunReportSet>, followed: &Followed, listed: &mut HashSet<String>) {
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(set) => {
            listed.insert(set.uid().unwrap_or_default());
            followed.join(set);
        }
        Event::InitDone => followed.retain(&std::mem::take(listed)),
        Event::Apply(set) => followed.join(set),
        Event::Delete(set) => followed.leave(&set.uid().unwrap_or_default()),
    }
}

/// The event without what cannot be read. A set that became unreadable leaves the cache.
fn readable(event: Event<Guarded>) -> Option<Event<TestRunReportSet>> {
    let read = |guard: Guarded| match guard.0 {
        Ok(set) => Ok(set),
        Err(invalid) => {
            let (namespace, name) = (invalid.metadata.namespace.as_deref(), invalid.metadata.name.as_deref());
            let error: String = invalid.error.chars().take(512).collect();
            tracing::warn!(namespace, name, "a TestRunReportSet cannot be read and is left alone: {error}");
            Err(Box::new(TestRunReportSet {
                metadata: invalid.metadata,
                spec: Default::default(),
                status: None,
            }))
        }
    };
    Some(match event {
        Event::Apply(guard) => match read(guard) {
            Ok(set) => Event::Apply(set),
            Err(tombstone) => Event::Delete(*tombstone),
        },
        Event::InitApply(guard) => Event::InitApply(read(guard).ok()?),
        Event::Delete(guard) => Event::Delete(read(guard).unwrap_or_else(|tombstone| *tombstone)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    })
}
