//! The observer that asks GitHub.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lru::LruCache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::budgets::{Budgets, Owner, Print};
use super::credentials::denial;
use super::deeds::{self, Deed};
use super::{Access, Observer};
use crate::api::{Reason, TestRunReport};
use crate::collect::{self, Candidate, Candidates, Look, Memory, SetSurvey, Sightings, Survey};
use crate::connections::{AppKey, Connection, Held};
use crate::github::api::Repo;
use crate::github::{
    App, Ask, Budget, Cache, Credential, Fetched, GitHub, Priority, Rights, Settings, Stats, Ties, Transport,
    Unfetched,
};
use crate::verdict::facts::{Observations, Trouble};

/// Clients and Apps that are kept; one that is not used for long is made anew. An App has a client for
/// each repository.
const MAX_CLIENTS: usize = 1024;
/// Owners of credentials whose answers are remembered.
const MAX_OWNERS: usize = 64;
/// Bytes of answers that are remembered for each of them.
const MAX_CACHE: usize = 16 << 20;

/// Reads GitHub with the connection and credential of each report.
pub struct GitHubObserver {
    settings: Settings,
    stats: Stats,
    kept: Mutex<Known>,
}

struct Known {
    /// By address of the API.
    transports: LruCache<String, Transport>,
    clients: LruCache<Print, GitHub>,
    apps: LruCache<Print, Arc<App>>,
    /// Requests and queries of each.
    budgets: Budgets,
    memories: LruCache<Owner, (Cache, Memory)>,
}

impl GitHubObserver {
    /// An observer that counts its requests.
    pub fn new(settings: Settings, stats: Stats) -> Self {
        let most = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        let kept = Known {
            transports: LruCache::new(most(MAX_OWNERS)),
            clients: LruCache::new(most(MAX_CLIENTS)),
            apps: LruCache::new(most(MAX_CLIENTS)),
            budgets: Budgets::new(MAX_CLIENTS),
            memories: LruCache::new(most(MAX_OWNERS)),
        };
        Self { settings, stats, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Known> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self, access: &Access) -> (Cache, Memory) {
        let new = || (Cache::of(MAX_CACHE), Memory::new());
        self.kept().memories.get_or_insert(owner(access), new).clone()
    }

    fn budget(&self, access: &Access, installation: Option<u64>, now: Timestamp) -> (Budget, Budget) {
        let new = || (Budget::new(self.settings.max_in_flight, self.settings.pace), Budget::queries());
        // Tokens of an installation follow each other; another token of a person may be another person's.
        let token = match &access.held {
            Held::Token(token) => Some(print(&[token.expose_secret()])),
            Held::None | Held::App(_) => None,
        };
        self.kept().budgets.get((owner(access), installation, token), now, new)
    }

    /// Connections to the API of a connection.
    fn transport(&self, access: &Access) -> Result<Transport, Trouble> {
        let Connection { base, downloads, .. } = &*access.connection;
        let name = format!("{}{} {}", base.authority(), base.prefix(), downloads.join(" "));
        if let Some(known) = self.kept().transports.get(&name) {
            return Ok(known.clone());
        }
        let transport =
            Transport::with_downloads(base, downloads, self.settings.timeout).map_err(|e| unusable(&e))?;
        self.kept().transports.put(name, transport.clone());
        Ok(transport)
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
        let Connection { name, base, downloads, .. } = &*access.connection;
        let key = print(&[name, base.authority(), &access.owner, secret, &downloads.join(" ")]);
        if let Some(known) = self.kept().clients.get(&key) {
            return Ok(known.clone());
        }
        let (cache, _) = self.memory(access);
        let transport = self.transport(access)?;
        let (budget, queries) = self.budget(access, installation, transport.now());
        let ties = Ties { cache, budget, queries, stats: self.stats.clone() };
        let client = GitHub::with(&transport, &credential, &self.settings, ties);
        self.kept().clients.put(key, client.clone());
        Ok(client)
    }

    fn app(&self, access: &Access, key: &AppKey) -> Result<Arc<App>, Trouble> {
        let (id, installation) = (key.app_id.to_string(), key.installation_id.unwrap_or(0).to_string());
        let secret = key.private_key.expose_secret();
        let base = access.connection.base.authority();
        let print = print(&[&access.connection.name, base, &access.owner, &id, &installation, secret]);
        if let Some(known) = self.kept().apps.get(&print) {
            return Ok(known.clone());
        }
        let (transport, stats) = (self.transport(access)?, self.stats.clone());
        let made =
            App::new(&transport, key.app_id, key.installation_id, &key.private_key, &self.settings, stats);
        let app = made.map(Arc::new).map_err(|e| Trouble {
            reason: Reason::Unauthorized,
            message: e.to_string(),
            retry_at: None,
        })?;
        self.kept().apps.put(print, app.clone());
        Ok(app)
    }

    /// Reads something of a repository; once more where only the token was too old.
    async fn read<T, F>(
        &self,
        access: &Access,
        repository: &str,
        ask: Ask,
        look: impl Fn(GitHub, Ask) -> F,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let reached = self.reach(access, repository, Rights::Read, ask.since).await?;
        match look(reached.client.clone(), ask).await {
            Err(trouble) if reached.is_stale(&trouble) => {
                let ask = Ask::now(ask.priority);
                let reached = self.reach(access, repository, Rights::Read, ask.since).await?;
                look(reached.client, ask).await
            }
            result => result,
        }
    }

    /// A client for one repository.
    async fn reach(
        &self,
        access: &Access,
        repository: &str,
        rights: Rights,
        since: Instant,
    ) -> Result<Reached, Trouble> {
        let (credential, installation, renewable) = match &access.held {
            Held::None => (Credential::None, None, None),
            Held::Token(token) => (Credential::Token(token.clone()), None, None),
            Held::App(key) => {
                let app = self.app(access, key)?;
                let made = app.token(repository, rights, since).await?;
                let credential = Credential::Token(made.token.clone());
                (credential, Some(made.installation), Some((app, made.token)))
            }
        };
        Ok(Reached { client: self.client(access, credential, installation)?, renewable })
    }
}

/// A client, and the App that its token came from.
struct Reached {
    client: GitHub,
    renewable: Option<(Arc<App>, SecretString)>,
}

impl Reached {
    /// Whether GitHub did not accept a token that was made earlier: another may be made, once.
    fn is_stale(&self, trouble: &Trouble) -> bool {
        match &self.renewable {
            Some((app, token)) if trouble.reason == Reason::Unauthorized => {
                app.forget(token);
                true
            }
            _ => false,
        }
    }
}

fn repository_of(report: &TestRunReport) -> &str {
    &report.spec.source.github.repository
}

/// What a deed needs.
const fn rights(deed: &Deed) -> Rights {
    match deed {
        Deed::Rerun { .. } => Rights::Rerun,
        Deed::Status(_) => Rights::Statuses,
        Deed::CheckRun { .. } => Rights::Checks,
        Deed::Comment { .. } => Rights::Comments,
        Deed::Answer(_) => Rights::Deployments,
    }
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
            let repository = repository_of(report);
            let (_, memory) = self.memory(&access);
            let read = async |look: Look| {
                let reached = self.reach(&access, repository, Rights::Read, look.ask.since).await?;
                let seen = collect::collect(&reached.client, &report.spec, &memory, look).await;
                Ok::<_, Trouble>((reached, seen))
            };
            let mut seen = read(look.clone()).await;
            if let Ok((reached, Observations::Trouble(trouble))) = &seen
                && reached.is_stale(trouble)
            {
                seen = read(Look { ask: Ask::now(look.ask.priority), ..look }).await;
            }
            match seen {
                Err(trouble) => Observations::Trouble(trouble),
                // A renamed repository answers under its old name; its new one must be allowed as well.
                Ok((_, Observations::Facts(facts)))
                    if !access.connection.may_read(&facts.source.repository) =>
                {
                    Observations::Trouble(Trouble {
                        reason: Reason::ConnectionDenied,
                        message: denial(&access.connection.name),
                        retry_at: None,
                    })
                }
                Ok((_, seen)) => seen,
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
        self.read(access, &survey.repository, ask, move |client, ask| async move {
            collect::survey(&client, survey, ask).await
        })
        .boxed()
    }

    fn candidates<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Candidates, Trouble>> {
        let (_, memory) = self.memory(access);
        self.read(access, &wanted.repository, ask, move |client, ask| {
            let memory = memory.clone();
            async move { collect::candidates(&client, wanted, &memory, ask).await }
        })
        .boxed()
    }

    fn pulls<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        numbers: &'a [i64],
        ask: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, Option<Candidate>>, Trouble>> {
        self.read(access, &wanted.repository, ask, move |client, ask| async move {
            collect::pulls(&client, wanted, numbers, ask).await
        })
        .boxed()
    }

    fn closed<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a SetSurvey,
        numbers: &'a [i64],
        ask: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, Timestamp>, Trouble>> {
        self.read(access, &wanted.repository, ask, move |client, ask| async move {
            collect::closed(&client, wanted, numbers, ask).await
        })
        .boxed()
    }

    fn archive<'a>(
        &'a self,
        access: &'a Access,
        repository: &'a str,
        artifact: i64,
        digest: Option<&'a str>,
        limit: u64,
    ) -> BoxFuture<'a, Result<Fetched, Unfetched>> {
        async move {
            let ask = Ask::now(Priority::Refresh);
            let reached = self.reach(access, repository, Rights::Read, ask.since).await?;
            Repo::new(&reached.client, repository, ask).artifact_zip(artifact, digest, limit).await
        }
        .boxed()
    }

    fn app<'a>(&'a self, connection: &'a Arc<Connection>) -> BoxFuture<'a, Result<Option<Arc<App>>, String>> {
        async move {
            let held = connection.hold().await?;
            let access = Access { connection: connection.clone(), held, owner: String::new() };
            match &access.held {
                Held::App(key) => GitHubObserver::app(self, &access, key).map(Some).map_err(|t| t.message),
                Held::None | Held::Token(_) => Ok(None),
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
            let (repository, rights) = (repository_of(report), rights(deed));
            let reached = self.reach(&access, repository, rights, Instant::now()).await?;
            match deeds::carry_out(&reached.client, deed).await {
                // What GitHub does not let in did nothing.
                Err(trouble) if reached.is_stale(&trouble) => {
                    let reached = self.reach(&access, repository, rights, Instant::now()).await?;
                    deeds::carry_out(&reached.client, deed).await
                }
                result => result,
            }
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
