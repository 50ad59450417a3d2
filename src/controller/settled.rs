//! The objects of a watch as they call for a look: those of a list when the list is in the cache.
//!
//! A cache has what was listed when the list is whole. A controller that is told of an object before that does not find
//! it, and forgets it: one that was made while a watch could not go on would not be looked at before the next list.

use futures::{Stream, StreamExt, future, stream};
use kube::runtime::watcher::{self, Event};

/// The objects that are there or were changed, each after the cache has it. The events come from the cache.
pub(super) fn settled<K: Send>(
    events: impl Stream<Item = watcher::Result<Event<K>>> + Send,
) -> impl Stream<Item = watcher::Result<K>> + Send {
    let objects = events.scan(Vec::new(), |listed, event| {
        let now = match event {
            Ok(Event::Apply(object)) => vec![Ok(object)],
            Ok(Event::InitApply(object)) => {
                listed.push(Ok(object));
                Vec::new()
            }
            Ok(Event::InitDone) => std::mem::take(listed),
            // What a list had that came to no end is in the next one.
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::Delete(_)) => Vec::new(),
            Err(error) => vec![Err(error)],
        };
        future::ready(Some(now))
    });
    objects.flat_map(stream::iter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::ResourceExt;
    use kube::runtime::reflector::{self, ObjectRef};

    use super::*;

    fn named(name: &str) -> ConfigMap {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name, "namespace": "a"}})).unwrap()
    }

    #[tokio::test]
    async fn each_object_is_in_the_cache_when_it_is_told_of() {
        let (store, writer) = reflector::store::<ConfigMap>();
        let events = [
            Ok(Event::Init),
            Ok(Event::InitApply(named("first"))),
            Ok(Event::InitDone),
            Ok(Event::Apply(named("later"))),
            Err(watcher::Error::NoResourceVersion),
            Ok(Event::Init),
            Ok(Event::InitApply(named("lost"))),
            // The list broke off, and begins anew.
            Ok(Event::Init),
            Ok(Event::InitApply(named("first"))),
            Ok(Event::InitApply(named("meanwhile"))),
            Ok(Event::InitDone),
            Ok(Event::Delete(named("first"))),
        ];
        let told = settled(kube::runtime::reflector(writer, stream::iter(events)));
        let told: Vec<String> = told
            .map(|object| {
                let Ok(object) = object else { return "trouble".to_owned() };
                assert!(store.get(&ObjectRef::from_obj(&object)).is_some(), "{}", object.name_any());
                object.name_any()
            })
            .collect()
            .await;
        assert_eq!(told, ["first", "later", "trouble", "first", "meanwhile"]);
    }
}
