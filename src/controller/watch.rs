//! The watch of all reports: what cannot be read is set aside, what nobody needs is not stored, and
//! what calls for no reconcile is let through to the cache only.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, future};
use kube::core::ObjectMeta;
use kube::runtime::reflector;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource, ResourceExt};

use super::guard::{self, Guarded};
use super::hints::Known;
use super::memory::Memory;
use super::sets::Wakes;
use super::settled::settled;
use super::unreadable::Inbox;
use super::vigil::{self, Notice, Vigil, Witness};
use crate::api::TestRunReport;
use crate::cache::Kept;
use crate::runtime::health::Health;
use crate::runtime::metrics::Metrics;
use crate::sets::set_of;

/// What readiness says while the kind is not served.
pub const CRD_MISSING: &str = "the API server does not serve testrunreports.testrun.dev/v1alpha1; \
     install the definition: kubectl apply -f crds/testrun.dev_testrunreports.yaml";

/// The API of all reports, or of those of one namespace.
pub fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// What the watch fills.
pub struct Cache {
    pub writer: Writer<Kept>,
    /// Counts how often it was filled with an earlier state.
    pub rewound: tokio::sync::watch::Sender<u64>,
    pub reader: Store<Kept>,
}

struct Watcher {
    memory: Arc<Memory>,
    health: Health,
}

impl Witness for Watcher {
    fn told(&self, notice: Notice) {
        match notice {
            Notice::Rewound => self.memory.rewind(),
            Notice::Recovered => self.health.ready(),
        }
    }

    fn newest(&self) -> u128 {
        self.memory.newest()
    }
}

/// Reports that call for a reconcile; the cache gets all of them.
pub fn reports(
    api: Api<Guarded<TestRunReport>>,
    vigil: Vigil,
    cache: Cache,
    memory: Arc<Memory>,
    (known, sets, unreadable): (Known, Wakes, Inbox),
    health: Health,
    metrics: Metrics,
) -> impl Stream<Item = watcher::Result<Kept>> + Send {
    let (keeper, counted) = (memory.clone(), metrics.clone());
    let mut listed: HashSet<String> = HashSet::new();
    let witness = Watcher { memory: memory.clone(), health: health.clone() };
    let Cache { writer, rewound, reader } = cache;
    let events = vigil::events(api, vigil, witness)
        .filter_map(move |event| future::ready(event.map(|e| readable(e, &metrics, &unreadable)).transpose()))
        .inspect(move |event| match event {
            Ok(event) => {
                // The cache still has what was before.
                news(event, &reader, &listed, &sets);
                keep(event, &keeper, &known, &mut listed, &health);
            }
            Err(error) => {
                let why = explain(error);
                tracing::warn!("the watch of reports broke off: {why}");
                health.not_ready(why);
            }
        });
    let packer = memory.clone();
    let events = events.map_ok(move |event| kept(event, &packer));
    let listed = memory.clone();
    let cached = reflector(writer, events).inspect(move |event| {
        // Now the cache has what was listed.
        if matches!(event, Ok(Event::InitDone)) && listed.listed() {
            rewound.send_modify(|times| *times += 1);
        }
    });
    settled(cached)
        .filter(move |object| future::ready(object.as_ref().map_or(true, |o| calls(o, &memory, &counted))))
}

/// Whether a report is to be looked at.
fn calls(report: &Kept, memory: &Memory, metrics: &Metrics) -> bool {
    let news = memory.news(report);
    if news.overwritten {
        metrics.status_overwritten();
    }
    if news.often {
        tracing::warn!(
            namespace = report.in_namespace(),
            name = report.name(),
            "somebody else writes the status of this report again and again; if a second operator works on this \
             namespace, end one of them or give both the same Leases (leaderElection)"
        );
    }
    news.calls
}

/// The event without what cannot be read. A report that became unreadable leaves the cache.
fn readable(
    event: Event<Guarded<TestRunReport>>,
    metrics: &Metrics,
    unreadable: &Inbox,
) -> Option<Event<TestRunReport>> {
    let read = |guard: Guarded<TestRunReport>| match guard.0 {
        Ok(mut report) => {
            report.metadata.managed_fields = None;
            guard::mark(&mut report, None);
            Ok(report)
        }
        Err(mut invalid) => {
            let (namespace, name) = (invalid.metadata.namespace.as_deref(), invalid.metadata.name.as_deref());
            let error: String = invalid.error.chars().take(512).collect();
            tracing::warn!(
                namespace,
                name,
                "a report cannot be read, and has no verdict until it is corrected or the operator upgraded: {error}"
            );
            metrics.invalid_object();
            // What is asked for on behalf of its commit by others must not go by as if it were not there.
            if let Some(mut report) = invalid.known.take() {
                report.metadata.managed_fields = None;
                guard::mark(&mut report, Some(invalid.error));
                return Ok(report);
            }
            let metadata = invalid.metadata.clone();
            // The receiver goes away with its controller.
            let _ = unreadable.send(*invalid);
            Err(Box::new(tombstone(metadata)))
        }
    };
    Some(match event {
        Event::Apply(guard) => match read(guard) {
            Ok(report) => Event::Apply(report),
            Err(tombstone) => Event::Delete(*tombstone),
        },
        Event::InitApply(guard) => Event::InitApply(read(guard).ok()?),
        Event::Delete(guard) => Event::Delete(match guard.0 {
            Ok(report) => report,
            Err(invalid) => tombstone(invalid.metadata),
        }),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    })
}

/// The event with what the cache keeps of its report.
fn kept(event: Event<TestRunReport>, memory: &Memory) -> Event<Kept> {
    let keep = |report: TestRunReport| Kept::new(&report, memory.pack(&report));
    match event {
        Event::Apply(report) => Event::Apply(keep(report)),
        Event::InitApply(report) => Event::InitApply(keep(report)),
        Event::Delete(report) => Event::Delete(keep(report)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// Stands for an object of which only the metadata can be read.
fn tombstone(metadata: ObjectMeta) -> TestRunReport {
    TestRunReport { metadata, spec: Default::default(), status: None }
}

/// Tells sets of reports that are new, gone, or changed other than in their status.
fn news(event: &Event<TestRunReport>, before: &Store<Kept>, listed: &HashSet<String>, sets: &Wakes) {
    match event {
        Event::Apply(report) | Event::InitApply(report) => {
            if is_news(report, before) {
                sets.changed(report);
            }
        }
        Event::Delete(report) => sets.changed(report),
        Event::InitDone => {
            let gone = |r: &Arc<Kept>| !listed.contains(&r.uid().unwrap_or_default());
            before
                .state()
                .iter()
                .filter(|r| gone(r))
                .filter_map(|r| r.open().ok())
                .for_each(|r| sets.changed(&r));
        }
        Event::Init => {}
    }
}

fn is_news(report: &TestRunReport, before: &Store<Kept>) -> bool {
    let key = ObjectRef::new(&report.name_any()).within(&report.namespace().unwrap_or_default());
    let Some(known) = before.get(&key) else { return true };
    if (known.uid(), known.meta().generation) != (report.uid(), report.metadata.generation) {
        return true;
    }
    // Marks matter where a set wrote them.
    set_of(report).is_some()
        && known.open().is_ok_and(|known| marks(&known.metadata) != marks(&report.metadata))
}

/// What of an object's metadata people and sets write.
fn marks(meta: &ObjectMeta) -> impl PartialEq + '_ {
    (&meta.labels, &meta.annotations, &meta.owner_references)
}

fn keep(
    event: &Event<TestRunReport>,
    memory: &Memory,
    known: &Known,
    listed: &mut HashSet<String>,
    health: &Health,
) {
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(report) => {
            listed.insert(report.uid().unwrap_or_default());
            known.join(report);
        }
        Event::InitDone => {
            memory.retain(listed);
            known.retain(listed);
            listed.clear();
            health.ready();
        }
        Event::Delete(report) => {
            let uid = report.uid().unwrap_or_default();
            memory.forget(&uid);
            known.leave(&uid);
        }
        Event::Apply(report) => known.join(report),
    }
}

/// What a failed watch means, for people.
fn explain(error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => refused(error),
        watcher::Error::WatchError(status) => status_text(status),
        watcher::Error::NoResourceVersion => "the list of reports has no resource version".to_owned(),
    }
}

/// What an error of a list or watch of reports means, for people.
pub fn refused(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status_text(status),
        error => {
            let text: String = error.to_string().chars().take(512).collect();
            format!("the API server cannot be reached: {text}")
        }
    }
}

fn status_text(status: &kube::core::Status) -> String {
    // For a path that it does not serve the API server answers in plain text, without a reason.
    if status.code == 404 {
        return CRD_MISSING.to_owned();
    }
    let text: String = status.message.chars().take(512).collect();
    if status.is_forbidden() {
        return format!("{text}; allow the operator's service account to get, list and watch testrunreports");
    }
    format!("the API server answered {}: {text}", status.code)
}
