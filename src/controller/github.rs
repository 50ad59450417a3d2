//! The observer that asks GitHub.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::Observer;
use super::deeds::{self, Deed};
use crate::api::{Reason, TestRunReport};
use crate::collect::{self, Memory};
use crate::github::{ApiBase, Cache, Credential, GitHub, Settings, Stats};
use crate::verdict::facts::{Observations, Trouble};

/// Clients that are kept, one for each token; beyond it they are made anew.
const MAX_CLIENTS: usize = 64;
/// Bytes of answers that each of them remembers.
const MAX_CACHE: usize = 16 << 20;

/// Reads GitHub with the token of each report.
pub struct GitHubObserver {
    base: ApiBase,
    settings: Settings,
    memory: Memory,
    stats: Stats,
    clients: Mutex<HashMap<[u8; 32], GitHub>>,
}

impl GitHubObserver {
    /// An observer of one API address.
    pub fn new(base: ApiBase, settings: Settings, stats: Stats) -> Self {
        Self { base, settings, memory: Memory::new(), stats, clients: Mutex::default() }
    }

    /// The client of a token. Known ones keep their connections and their limit of requests at a time.
    fn client(&self, token: Option<SecretString>) -> anyhow::Result<GitHub> {
        let key: [u8; 32] = match &token {
            Some(token) => Sha256::digest(token.expose_secret()).into(),
            None => [0; 32],
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&key) {
            return Ok(known.clone());
        }
        let credential = token.map_or(Credential::None, Credential::Token);
        let (cache, stats) = (Cache::of(MAX_CACHE), self.stats.clone());
        let client = GitHub::with(&self.base, &credential, &self.settings, cache, stats)?;
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

impl Observer for GitHubObserver {
    fn observe<'a>(
        &'a self,
        report: &'a TestRunReport,
        token: Option<SecretString>,
    ) -> BoxFuture<'a, Observations> {
        async move {
            match self.client(token) {
                Ok(client) => {
                    collect::collect(&client, &report.spec, report.status.as_ref(), &self.memory).await
                }
                Err(error) => Observations::Trouble(no_client(error)),
            }
        }
        .boxed()
    }

    fn act<'a>(
        &'a self,
        _report: &'a TestRunReport,
        token: Option<SecretString>,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        async move {
            let client = self.client(token).map_err(no_client)?;
            deeds::carry_out(&client, deed).await
        }
        .boxed()
    }
}

fn no_client(error: anyhow::Error) -> Trouble {
    Trouble {
        reason: Reason::GitHubUnavailable,
        message: format!("no client for GitHub can be made on this machine: {error:#}"),
        retry_at: None,
    }
}
