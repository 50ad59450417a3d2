//! GitHub Apps: tokens of an installation, each for one repository and no more rights than are needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::api::segment;
use super::cache::Reply;
use super::client::{Answer, Shape};
use super::{
    Ask, Cache, Credential, GitHub, Priority, Result, Settings, Stats, Ties, Transport, error, wire,
};
use crate::api::Reason;
use crate::verdict::facts::Trouble;
use crate::verdict::text::{clean, list};

/// A token is renewed this long before its end.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// What GitHub has just refused is not asked for again at once by the next report.
const LATELY: Duration = Duration::from_secs(2);
/// Tokens and refusals that are kept.
const MOST: usize = 10_000;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// To read whatever a verdict rests on.
    Read,
    /// To run jobs again.
    Rerun,
    /// To set commit statuses.
    Statuses,
    /// To show check runs.
    Checks,
    /// To comment on pull requests.
    Comments,
    /// To answer deployment protection rules.
    Deployments,
}

impl Rights {
    /// Permissions by name, with their level.
    const fn permissions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Read => &[
                ("actions", "read"),
                ("checks", "read"),
                ("contents", "read"),
                ("metadata", "read"),
                ("pull_requests", "read"),
                ("statuses", "read"),
            ],
            Self::Rerun => &[("actions", "write"), ("metadata", "read")],
            Self::Statuses => &[("metadata", "read"), ("statuses", "write")],
            Self::Checks => &[("checks", "write"), ("metadata", "read")],
            Self::Comments => &[("metadata", "read"), ("pull_requests", "write")],
            Self::Deployments => &[("actions", "read"), ("deployments", "write"), ("metadata", "read")],
        }
    }
}

/// An App that makes tokens.
pub struct App {
    id: u64,
    github: GitHub,
    transport: Transport,
    /// None: found by the repository.
    installation: Option<u64>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    tokens: HashMap<Key, (Made, Timestamp)>,
    refusals: HashMap<Key, (Instant, Trouble)>,
    /// One exchange at a time: several reports of a repository wait for one token.
    turns: HashMap<Key, Weak<tokio::sync::Mutex<()>>>,
}

/// Repository in lower case, and what the token is for.
type Key = (String, Rights);

/// A token of an installation.
#[derive(Clone, Debug)]
pub struct Made {
    pub token: SecretString,
    /// Whom GitHub's limits are for.
    pub installation: u64,
}

/// An installation as it was found for a repository.
struct Found {
    installation: u64,
    /// Id of a repository that has another name by now.
    moved: Option<i64>,
}

impl App {
    /// Fails where the key is no RSA private key in PEM.
    pub fn new(
        transport: &Transport,
        id: u64,
        installation: Option<u64>,
        key: &SecretString,
        settings: &Settings,
        stats: Stats,
    ) -> anyhow::Result<Self> {
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())
            .map_err(|_| anyhow::anyhow!("the key of App {id} is not an RSA private key in PEM"))?;
        let settings = Settings { conditional: false, ..*settings };
        let ties = Ties { cache: Cache::of(0), stats, ..Ties::new(&settings) };
        let github = GitHub::with(transport, &Credential::App(id, key), &settings, ties);
        Ok(Self { id, github, transport: transport.clone(), installation, kept: Mutex::default() })
    }

    /// A client that speaks for the App itself, and not for an installation.
    pub fn itself(&self) -> &GitHub {
        &self.github
    }

    /// A token for one repository; a refusal that came since then, or a moment ago, is one still.
    pub async fn token(&self, repository: &str, rights: Rights, since: Instant) -> Result<Made> {
        let key = (repository.to_ascii_lowercase(), rights);
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let turn = self.turn(&key);
        let _turn = turn.lock().await;
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        if let Some((at, refusal)) = self.kept().refusals.get(&key)
            && (*at >= since || at.elapsed() < LATELY)
        {
            return Err(refusal.clone());
        }
        let asked = Instant::now();
        let result = self.exchange(repository, rights).await;
        let now = self.transport.clock().now();
        let mut kept = self.kept();
        kept.tokens.retain(|_, (_, until)| *until > now);
        kept.refusals.retain(|_, (at, _)| at.elapsed() < Duration::from_secs(60));
        kept.turns.retain(|_, turn| turn.strong_count() > 0);
        match result {
            Ok((made, until)) => {
                kept.refusals.remove(&key);
                if kept.tokens.len() < MOST {
                    kept.tokens.insert(key, (made.clone(), until));
                }
                Ok(made)
            }
            Err(trouble) => {
                if kept.refusals.len() < MOST {
                    kept.refusals.insert(key, (asked, trouble.clone()));
                }
                Err(trouble)
            }
        }
    }

    /// Forgets a token that GitHub no longer accepts.
    pub fn forget(&self, gone: &SecretString) {
        self.kept().tokens.retain(|_, (made, _)| made.token.expose_secret() != gone.expose_secret());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: &Key) -> Option<Made> {
        let soon = self.transport.clock().now().checked_add(EARLY).ok()?;
        let kept = self.kept();
        kept.tokens.get(key).filter(|(_, until)| soon < *until).map(|(made, _)| made.clone())
    }

    fn turn(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut kept = self.kept();
        if let Some(turn) = kept.turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        kept.turns.insert(key.clone(), Arc::downgrade(&turn));
        turn
    }

    async fn exchange(&self, repository: &str, rights: Rights) -> Result<(Made, Timestamp)> {
        let found = match self.installation {
            Some(installation) => Found { installation, moved: None },
            None => self.find(repository).await?,
        };
        let mut reply = self.ask(&found, repository, rights).await?;
        // A renamed repository is not known to an installation by its old name.
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY
            && self.installation.is_some()
            && let Ok(now @ Found { moved: Some(_), .. }) = self.find(repository).await
        {
            reply = self.ask(&Found { installation: found.installation, ..now }, repository, rights).await?;
        }
        let what = what(found.installation, repository);
        if reply.status != StatusCode::CREATED {
            return Err(self.refusal(&reply, found.installation, repository, rights).await);
        }
        let made: wire::AccessToken = serde_json::from_slice(&reply.body)
            .map_err(|_| error::invalid(&what, "is not the JSON that is expected"))?;
        if made.token.is_empty() {
            return Err(error::invalid(&what, "has no token"));
        }
        let until = made.expires_at.unwrap_or_else(|| self.transport.clock().now());
        let token = SecretString::from(made.token);
        Ok((Made { token, installation: found.installation }, until))
    }

    async fn ask(&self, found: &Found, repository: &str, rights: Rights) -> Result<Reply> {
        let permissions: serde_json::Map<_, _> =
            rights.permissions().iter().map(|(name, level)| ((*name).to_owned(), json!(level))).collect();
        let mut body = json!({ "permissions": permissions });
        let name = repository.split_once('/').map_or(repository, |(_, name)| name);
        if let Some(map) = body.as_object_mut() {
            match found.moved {
                Some(id) => map.insert("repository_ids".into(), json!([id])),
                None => map.insert("repositories".into(), json!([name])),
            };
        }
        let path = format!("/app/installations/{}/access_tokens", found.installation);
        self.github.exchange(&path, &body, &what(found.installation, repository)).await
    }

    /// The installation that covers a repository.
    async fn find(&self, repository: &str) -> Result<Found> {
        let path: Vec<String> = repository.split('/').map(segment).collect();
        let path = format!("/repos/{}/installation", path.join("/"));
        let what = format!("the installation of App {} on {repository}", self.id);
        let ask = Ask::now(Priority::Gating);
        let answer: Answer<wire::Installation> =
            self.github.get(&path, &what, Shape::Object, ask).await.map_err(|trouble| match trouble.reason {
                Reason::Unauthorized => self.unknown(),
                Reason::NotFound => Trouble {
                    message: format!(
                        "App {} is not installed on {repository}, or the repository does not exist; check the name, \
                         and install the App there or add the repository to its installation",
                        self.id
                    ),
                    ..trouble
                },
                _ => trouble,
            })?;
        let installation = u64::try_from(answer.value.id).ok().filter(|id| *id > 0);
        let moved = answer.path.strip_prefix("/repositories/").and_then(|rest| rest.split('/').next());
        Ok(Found {
            installation: installation.ok_or_else(|| error::invalid(&what, "has no id"))?,
            moved: moved.and_then(|id| id.parse().ok()),
        })
    }

    /// Why there is no token: GitHub says 422 for a right that the installation lacks, and not which.
    async fn refusal(&self, reply: &Reply, installation: u64, repository: &str, rights: Rights) -> Trouble {
        let what = what(installation, repository);
        let trouble = self.github.refused(reply.status, &reply.headers, &reply.body, &what);
        match trouble.reason {
            Reason::Unauthorized if reply.status == StatusCode::UNAUTHORIZED => return self.unknown(),
            Reason::NotFound | Reason::Forbidden | Reason::Unauthorized => {}
            _ => return trouble,
        }
        let path = format!("/app/installations/{installation}");
        let answer: Result<Answer<wire::Installation>> =
            self.github.get(&path, &what, Shape::Object, Ask::now(Priority::Gating)).await;
        let because = |reason, message| Trouble { reason, message, retry_at: None };
        let app = self.id;
        let found = match answer {
            Ok(answer) => answer.value,
            Err(gone) if gone.reason == Reason::NotFound => {
                return because(
                    Reason::Unauthorized,
                    format!(
                        "installation {installation} of App {app} does not exist any more; install the App again for {repository}"
                    ),
                );
            }
            Err(other) => return other,
        };
        if found.suspended_at.is_some() {
            return because(
                Reason::Unauthorized,
                format!(
                    "installation {installation} of App {app} is suspended; its owner can end that in the settings of the account"
                ),
            );
        }
        let missing: Vec<String> = rights
            .permissions()
            .iter()
            .filter(|(name, level)| !covers(found.permissions.get(*name).and_then(Option::as_deref), level))
            .map(|(name, level)| format!("{name}:{level}"))
            .collect();
        if missing.is_empty() {
            return because(
                Reason::NotFound,
                format!(
                    "{repository} is not among the repositories of installation {installation} of App {app}, or does \
                     not exist; check the name, or add the repository to the installation"
                ),
            );
        }
        because(
            Reason::Forbidden,
            format!(
                "installation {installation} of App {app} lacks the permission {}; add it to the App, and let the \
                 owner of the installation accept it",
                list(missing.iter().map(String::as_str), 10)
            ),
        )
    }

    /// GitHub does not know the App by this key.
    fn unknown(&self) -> Trouble {
        Trouble {
            reason: Reason::Unauthorized,
            message: format!(
                "GitHub does not accept the key of App {}; check the App's id, and that the key is one of the App's and not deleted",
                self.id
            ),
            retry_at: None,
        }
    }
}

fn what(installation: u64, repository: &str) -> String {
    format!("a token of installation {installation} for {}", clean(repository, 150))
}

/// Whether a granted level is as much as a needed one.
fn covers(granted: Option<&str>, needed: &str) -> bool {
    match granted {
        Some("write" | "admin") => true,
        Some(level) => level == needed,
        None => false,
    }
}

/// The header `Authorization` by which an App speaks: signed a minute ago and valid for nine, by GitHub's
/// clock. None where the key signs nothing.
pub(super) fn signature(app: u64, key: &jsonwebtoken::EncodingKey, now: Timestamp) -> Option<SecretString> {
    #[derive(Serialize)]
    struct Claims {
        iss: String,
        iat: i64,
        exp: i64,
    }
    let claims = Claims { iss: app.to_string(), iat: now.as_second() - 60, exp: now.as_second() + 540 };
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    let jwt = jsonwebtoken::encode(&header, &claims, key).ok()?;
    Some(SecretString::from(format!("Bearer {jwt}")))
}
