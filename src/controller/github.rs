//! The observer that asks GitHub.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use lru::LruCache;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::credentials::denial;
use super::deeds::{self, Deed};
use super::{Access, Observer};
use crate::api::{Reason, TestRunReport};
use crate::collect::{self, Look, Memory, Sightings, Survey};
use crate::connections::{AppKey, Held};
use crate::github::{App, Ask, Budget, Cache, Credential, GitHub, Settings, Stats, Ties};
use crate::verdict::facts::{Observations, Trouble};

/// Clients and Apps that are kept; one that is not used for long is made anew. An App has a client for
/// each repository.
const MAX_CLIENTS: usize = 1024;
/// Owners of credentials whose answers are remembered.
const MAX_OWNERS: usize = 64;
/// Bytes of answers that are remembered for each of them.
const MAX_CACHE: usize = 16 << 20;

type Print = [u8; 32];

/// Reads GitHub with the connection and credential of each report.
pub struct GitHubObserver {
    settings: Settings,
    stats: Stats,
    kept: Mutex<Kept>,
}

struct Kept {
    clients: LruCache<Print, GitHub>,
    apps: LruCache<Print, Arc<App>>,
    budgets: LruCache<Principal, Budget>,
    memories: LruCache<Owner, (Cache, Memory)>,
}

/// Whose credential it is, by connection: what one may read says nothing of another.
type Owner = (String, String);
/// Whom GitHub counts requests for: an owner, or an installation of its App.
type Principal = (Owner, Option<u64>);

impl GitHubObserver {
    /// An observer that counts its requests.
    pub fn new(settings: Settings, stats: Stats) -> Self {
        let most = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        let kept = Kept {
            clients: LruCache::new(most(MAX_CLIENTS)),
            apps: LruCache::new(most(MAX_CLIENTS)),
            budgets: LruCache::new(most(MAX_CLIENTS)),
            memories: LruCache::new(most(MAX_OWNERS)),
        };
        Self { settings, stats, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self, access: &Access) -> (Cache, Memory) {
        let new = || (Cache::of(MAX_CACHE), Memory::new());
        self.kept().memories.get_or_insert(owner(access), new).clone()
    }

    fn budget(&self, access: &Access, installation: Option<u64>) -> Budget {
        let new = || Budget::new(self.settings.max_in_flight, self.settings.pace);
        self.kept().budgets.get_or_insert((owner(access), installation), new).clone()
    }

    /// The client of a credential. Known ones keep their connections.
    fn client(
        &self,
        access: &Access,
        credential: Credential,
        installation: Option<u64>,
    ) -> Result<GitHub, Trouble> {
        let secret = match &credential {
            Credential::Token(token) => token.expose_secret(),
            _ => "",
        };
        let key = print(&[&access.connection.name, &access.owner, secret]);
        if let Some(known) = self.kept().clients.get(&key) {
            return Ok(known.clone());
        }
        let (cache, _) = self.memory(access);
        let ties = Ties { cache, budget: self.budget(access, installation), stats: self.stats.clone() };
        let client = GitHub::with(&access.connection.base, &credential, &self.settings, ties)
            .map_err(|e| unusable(&e))?;
        self.kept().clients.put(key, client.clone());
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
        self.kept().apps.put(print, app.clone());
        Ok(app)
    }

    /// A client for one repository, and the App that its token comes from.
    async fn reach(
        &self,
        access: &Access,
        repository: &str,
        writes: bool,
    ) -> Result<(GitHub, Option<Arc<App>>), Trouble> {
        match &access.held {
            Held::None => Ok((self.client(access, Credential::None, None)?, None)),
            Held::Token(token) => Ok((self.client(access, Credential::Token(token.clone()), None)?, None)),
            Held::App(key) => {
                let app = self.app(access, key)?;
                let (token, installation) = app.token(repository, writes).await?;
                let client = self.client(access, Credential::Token(token), Some(installation))?;
                Ok((client, Some(app)))
            }
        }
    }
}

fn repository_of(report: &TestRunReport) -> &str {
    &report.spec.source.github.repository
}

/// Whether a report needs a token that may change something.
fn writes(report: &TestRunReport) -> bool {
    let spec = &report.spec;
    spec.rerun.as_ref().is_some_and(|r| r.max_attempts > 1)
        || spec.publish.as_ref().is_some_and(|p| p.status.is_some())
}

fn owner(access: &Access) -> Owner {
    (access.connection.name.clone(), access.owner.clone())
}

impl Observer for GitHubObserver {
    fn observe<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        look: Look,
    ) -> BoxFuture<'a, Observations> {
        async move {
            let (client, app) = match self.reach(&access, repository_of(report), writes(report)).await {
                Ok(reached) => reached,
                Err(trouble) => return Observations::Trouble(trouble),
            };
            let (_, memory) = self.memory(&access);
            match collect::collect(&client, &report.spec, &memory, look).await {
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

    fn survey<'a>(
        &'a self,
        access: &'a Access,
        survey: &'a Survey,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Sightings, Trouble>> {
        async move {
            let (client, _) = self.reach(access, &survey.repository, false).await?;
            collect::survey(&client, survey, ask).await
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
            let (client, _) = self.reach(&access, repository_of(report), writes(report)).await?;
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
