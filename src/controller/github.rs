//! The observer that asks GitHub.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::credentials::denial;
use super::deeds::{self, Deed};
use super::{Access, Observer};
use crate::api::{Reason, TestRunReport};
use crate::collect::{self, Memory};
use crate::connections::{AppKey, Held};
use crate::github::{App, Cache, Credential, GitHub, Settings, Stats};
use crate::verdict::facts::{Observations, Trouble};

/// Clients, caches and Apps that are kept; beyond it they are made anew.
const MAX_KEPT: usize = 64;
/// Bytes of answers that are remembered for each owner of a credential.
const MAX_CACHE: usize = 16 << 20;

type Print = [u8; 32];

/// Reads GitHub with the connection and credential of each report.
pub struct GitHubObserver {
    settings: Settings,
    stats: Stats,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    clients: HashMap<Print, GitHub>,
    apps: HashMap<Print, Arc<App>>,
    /// By connection and owner: what one may read says nothing of another.
    memories: HashMap<(String, String), (Cache, Memory)>,
}

impl GitHubObserver {
    /// An observer that counts its requests.
    pub fn new(settings: Settings, stats: Stats) -> Self {
        Self { settings, stats, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self, access: &Access) -> (Cache, Memory) {
        let mut kept = self.kept();
        let key = (access.connection.name.clone(), access.owner.clone());
        if kept.memories.len() >= MAX_KEPT && !kept.memories.contains_key(&key) {
            kept.memories.clear();
        }
        kept.memories.entry(key).or_insert_with(|| (Cache::of(MAX_CACHE), Memory::new())).clone()
    }

    /// The client of a credential. Known ones keep their connections and their limit of requests at a time.
    fn client(&self, access: &Access, credential: Credential) -> Result<GitHub, Trouble> {
        let secret = match &credential {
            Credential::Token(token) => token.expose_secret(),
            _ => "",
        };
        let key = print(&[&access.connection.name, &access.owner, secret]);
        if let Some(known) = self.kept().clients.get(&key) {
            return Ok(known.clone());
        }
        let (cache, _) = self.memory(access);
        let base = &access.connection.base;
        let client = GitHub::with(base, &credential, &self.settings, cache, self.stats.clone())
            .map_err(|e| unusable(&e))?;
        let mut kept = self.kept();
        if kept.clients.len() >= MAX_KEPT {
            kept.clients.clear();
        }
        kept.clients.insert(key, client.clone());
        Ok(client)
    }

    fn app(&self, access: &Access, key: &AppKey) -> Result<Arc<App>, Trouble> {
        let id = key.app_id.to_string();
        let secret = key.private_key.expose_secret();
        let print = print(&[&access.connection.name, &access.owner, &id, secret]);
        if let Some(known) = self.kept().apps.get(&print) {
            return Ok(known.clone());
        }
        let (base, stats) = (&access.connection.base, self.stats.clone());
        let app = App::new(base, key.app_id, key.installation_id, &key.private_key, &self.settings, stats)
            .map_err(|e| Trouble { reason: Reason::Unauthorized, message: e.to_string(), retry_at: None })?;
        let app = Arc::new(app);
        let mut kept = self.kept();
        if kept.apps.len() >= MAX_KEPT {
            kept.apps.clear();
        }
        kept.apps.insert(print, app.clone());
        Ok(app)
    }

    /// A client for one repository, and the App that its token comes from.
    async fn reach(
        &self,
        report: &TestRunReport,
        access: &Access,
    ) -> Result<(GitHub, Option<Arc<App>>), Trouble> {
        match &access.held {
            Held::None => Ok((self.client(access, Credential::None)?, None)),
            Held::Token(token) => Ok((self.client(access, Credential::Token(token.clone()))?, None)),
            Held::App(key) => {
                let app = self.app(access, key)?;
                let spec = &report.spec;
                let writes = spec.rerun.as_ref().is_some_and(|r| r.max_attempts > 1)
                    || spec.publish.as_ref().is_some_and(|p| p.status.is_some());
                let token: SecretString = app.token(&spec.source.github.repository, writes).await?;
                Ok((self.client(access, Credential::Token(token))?, Some(app)))
            }
        }
    }
}

impl Observer for GitHubObserver {
    fn observe<'a>(&'a self, report: &'a TestRunReport, access: Access) -> BoxFuture<'a, Observations> {
        async move {
            let (client, app) = match self.reach(report, &access).await {
                Ok(reached) => reached,
                Err(trouble) => return Observations::Trouble(trouble),
            };
            let (_, memory) = self.memory(&access);
            match collect::collect(&client, &report.spec, report.status.as_ref(), &memory).await {
                // A renamed repository answers under its old name; its new one must be allowed as well.
                Observations::Facts(facts) if !access.connection.may_read(&facts.source.repository) => {
                    Observations::Trouble(Trouble {
                        reason: Reason::ConnectionDenied,
                        message: denial(&access.connection.name),
                        retry_at: None,
                    })
                }
                Observations::Trouble(trouble) => {
                    if let (Reason::Unauthorized, Some(app)) = (trouble.reason, app) {
                        app.forget(&report.spec.source.github.repository);
                    }
                    Observations::Trouble(trouble)
                }
                facts => facts,
            }
        }
        .boxed()
    }

    fn act<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        async move {
            let (client, _) = self.reach(report, &access).await?;
            deeds::carry_out(&client, deed).await
        }
        .boxed()
    }
}

fn print(parts: &[&str]) -> Print {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn unusable(error: &anyhow::Error) -> Trouble {
    Trouble {
        reason: Reason::GitHubUnavailable,
        message: format!("no client for GitHub can be made on this machine: {error:#}"),
        retry_at: None,
    }
}
