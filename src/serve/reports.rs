//! Where answers come from: the caches of the watches, and the API server before anything is let through.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client};

use super::{PATIENCE, Refusal};
use crate::api::TestRunReport;
use crate::cache::{Kept, Unreadable};

/// The reports that this process watches; clones share them.
#[derive(Clone, Default)]
pub struct Reports(Arc<Mutex<Vec<Store<Kept>>>>);

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reports")
    }
}

impl Reports {
    /// Adds the cache of a watch; several add up.
    pub fn add(&self, cache: Store<Kept>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(cache);
    }

    /// A report as a watch has seen it last. It may be behind the API server.
    pub fn cached(&self, namespace: &str, name: &str) -> Option<TestRunReport> {
        let caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = ObjectRef::new(name).within(namespace);
        caches.iter().find_map(|cache| cache.get(&key)).and_then(|kept| kept.open().ok())
    }

    /// All reports, as the watches have seen them last.
    pub fn all(&self) -> Vec<Arc<Kept>> {
        let caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().flat_map(Store::state).collect()
    }

    /// A report for somebody who looks at it: from a watch, and from the API server where the watch says that it passed
    /// or knows nothing of it.
    pub(super) async fn look(
        &self,
        client: &Client,
        namespace: &str,
        name: &str,
        passed: impl Fn(&TestRunReport) -> bool,
    ) -> Result<TestRunReport, Refusal> {
        match self.cached(namespace, name).filter(|report| !passed(report)) {
            Some(report) => Ok(report),
            None => Self::fresh(client, namespace, name).await,
        }
    }

    /// Reports that publish something about a commit, as the watches have seen them last.
    pub fn publishing(&self, sha: &str) -> Vec<Result<TestRunReport, Unreadable>> {
        let caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |kept: &Kept| kept.facts().publishes && kept.facts().sha.as_deref() == Some(sha);
        let all = caches.iter().flat_map(Store::state);
        all.filter(|kept| about(kept)).map(|kept| kept.open()).collect()
    }

    /// A report as it is now.
    async fn fresh(client: &Client, namespace: &str, name: &str) -> Result<TestRunReport, Refusal> {
        let api: Api<TestRunReport> = Api::namespaced(client.clone(), namespace);
        let away = |why: &str| {
            tracing::warn!(namespace, name, "a report could not be read for a request over HTTP: {why}");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the report could not be read; try again")
        };
        match tokio::time::timeout(PATIENCE, api.get_opt(name)).await {
            Ok(Ok(Some(report))) => Ok(report),
            Ok(Ok(None)) => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                format!("there is no testrunreport {name} in namespace {namespace}"),
            )),
            Ok(Err(error)) => Err(away(&error.to_string().chars().take(512).collect::<String>())),
            Err(_) => Err(away("no answer in time")),
        }
    }
}
