//! The connections in force, which may change while the operator runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Connection, Connections, Own};

/// Connections that can be replaced; clones share them.
#[derive(Clone, Debug)]
pub struct Live(Arc<watch::Sender<Arc<Connections>>>);

impl From<Connections> for Live {
    fn from(connections: Connections) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(connections))))
    }
}

impl Live {
    /// Those in force now.
    pub fn now(&self) -> Arc<Connections> {
        Arc::clone(&self.0.borrow())
    }

    /// From now on these are in force.
    pub fn replace(&self, connections: Connections) {
        self.0.send_replace(Arc::new(connections));
    }

    /// Waits for a change, and gives the names of the connections that differ from those in `seen`, which
    /// becomes what is in force.
    pub async fn changed(&self, seen: &mut Arc<Connections>) -> BTreeSet<String> {
        let mut changes = self.0.subscribe();
        let known = Arc::clone(seen);
        // The sender is part of self, so it cannot be gone.
        if let Ok(now) = changes.wait_for(|now| !Arc::ptr_eq(now, &known)).await {
            *seen = Arc::clone(&now);
        }
        let names = known.0.keys().chain(seen.0.keys());
        names.filter(|name| !same(known.0.get(*name), seen.0.get(*name))).cloned().collect()
    }
}

/// Whether a report would notice no difference.
fn same(a: Option<&Arc<Connection>>, b: Option<&Arc<Connection>>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    let own = match (&a.own, &b.own) {
        (Own::None, Own::None) => true,
        (Own::TokenFile(a), Own::TokenFile(b)) => a == b,
        (Own::App(a), Own::App(b)) => a == b,
        // A token of the environment cannot change while the process lives.
        (Own::Token(_), Own::Token(_)) => true,
        _ => false,
    };
    own && a.base == b.base
        && a.namespaces == b.namespaces
        && a.repositories == b.repositories
        && a.downloads == b.downloads
        && a.report_secrets == b.report_secrets
        && a.publish == b.publish
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::ApiBase;

    #[tokio::test]
    async fn only_what_differs_is_a_change() {
        let open = |name: &str| Connection::open(name, ApiBase::default(), Own::None);
        let live = Live::from(Connections::new([open("a"), open("b"), open("c")]));
        let mut seen = live.now();
        let narrow = Connection { repositories: vec!["acme/*".into()], ..open("b") };
        live.replace(Connections::new([open("a"), narrow, open("d")]));
        let changed: Vec<String> = live.changed(&mut seen).await.into_iter().collect();
        assert_eq!(changed, ["b", "c", "d"], "changed, gone and new");
        assert!(Arc::ptr_eq(&seen, &live.now()));
    }
}
