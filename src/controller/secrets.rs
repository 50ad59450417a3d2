//! Secrets that reports refer to: their names and versions are watched, never their content.

use std::collections::HashMap;

use futures::{Stream, StreamExt, future, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource, ResourceExt};

use crate::cache::Kept;

type Meta = PartialObjectMeta<Secret>;
type Key = (String, String);

/// What is known of all Secrets, to tell a change from a repetition.
#[derive(Debug, Default)]
struct Versions {
    now: HashMap<Key, String>,
    listing: HashMap<Key, String>,
    complete: bool,
}

impl Versions {
    /// The Secrets that an event shows to have changed. The first list is no change.
    fn changed(&mut self, event: Event<Meta>) -> Vec<Key> {
        match event {
            Event::Init => {
                self.listing.clear();
                Vec::new()
            }
            Event::InitApply(secret) => {
                let (key, version) = identity(&secret);
                self.listing.insert(key, version);
                Vec::new()
            }
            Event::InitDone => {
                let listing = std::mem::take(&mut self.listing);
                let before = std::mem::replace(&mut self.now, listing);
                if !std::mem::replace(&mut self.complete, true) {
                    return Vec::new();
                }
                let differs = |k: &&Key| before.get(*k) != self.now.get(*k);
                let mut keys: Vec<Key> =
                    before.keys().chain(self.now.keys()).filter(differs).cloned().collect();
                keys.sort();
                keys.dedup();
                keys
            }
            Event::Apply(secret) => {
                let (key, version) = identity(&secret);
                match self.now.insert(key.clone(), version.clone()) {
                    Some(old) if old == version => Vec::new(),
                    _ => vec![key],
                }
            }
            Event::Delete(secret) => {
                let (key, _) = identity(&secret);
                self.now.remove(&key);
                vec![key]
            }
        }
    }
}

fn identity(secret: &Meta) -> (Key, String) {
    let version = secret.resource_version().unwrap_or_default();
    ((secret.namespace().unwrap_or_default(), secret.name_any()), version)
}

/// Reports whose Secret changed.
pub fn changes(api: Api<Meta>, reports: Store<Kept>) -> impl Stream<Item = ObjectRef<Kept>> + Send {
    let mut versions = Versions::default();
    let mut told = false;
    watch(api, watcher::Config::default())
        .default_backoff()
        .filter_map(move |event| {
            future::ready(match event {
                Ok(event) => Some(versions.changed(event)),
                // Where the account may not watch Secrets this repeats for ever; once is enough.
                Err(_) if told => None,
                Err(error) => {
                    told = true;
                    let text: String = error.to_string().chars().take(256).collect();
                    tracing::warn!(
                        "Secrets cannot be watched, so a changed credential is noticed late; \
                         allow the operator's service account to get, list and watch secrets: {text}"
                    );
                    None
                }
            })
        })
        .flat_map(move |keys| stream::iter(referring(&keys, &reports)))
}

fn referring(keys: &[Key], reports: &Store<Kept>) -> Vec<ObjectRef<Kept>> {
    if keys.is_empty() {
        return Vec::new();
    }
    let refers = |report: &Kept| {
        let name = report.facts().credentials.as_deref();
        let namespace = report.meta().namespace.as_deref();
        keys.iter().any(|(ns, n)| namespace == Some(ns) && name == Some(n))
    };
    reports.state().iter().filter(|r| refers(r)).map(|r| ObjectRef::from_obj(r.as_ref())).collect()
}
