//! GitHub Apps: tokens of an installation, for one repository and no more rights than are needed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::api::segment;
use super::client::Shape;
use super::{ApiBase, Ask, Cache, Credential, GitHub, Priority, Result, Settings, Stats, Ties, error, wire};
use crate::api::Reason;
use crate::verdict::facts::Trouble;

/// A token is renewed this long before its end.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// An App that makes tokens.
pub struct App {
    github: GitHub,
    installation: Option<u64>,
    tokens: Mutex<HashMap<(String, bool), Known>>,
    /// One exchange at a time: several reports of a repository wait for one token.
    exchange: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    token: SecretString,
    installation: u64,
    until: Timestamp,
}

impl App {
    /// Fails where the key is no RSA private key in PEM.
    pub fn new(
        base: &ApiBase,
        id: u64,
        installation: Option<u64>,
        key: &SecretString,
        settings: &Settings,
        stats: Stats,
    ) -> anyhow::Result<Self> {
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())
            .map_err(|_| anyhow::anyhow!("the key of App {id} is not an RSA private key in PEM"))?;
        let settings = Settings { conditional: false, ..*settings };
        let credential = Credential::App(id, key);
        let ties = Ties { cache: Cache::of(0), stats, ..Ties::new(&settings) };
        let github = GitHub::with(base, &credential, &settings, ties)?;
        Ok(Self { github, installation, tokens: Mutex::default(), exchange: tokio::sync::Mutex::default() })
    }

    /// A token for one repository and the installation that it comes from, which is the principal of
    /// GitHub's limits; `write` asks for the rights to re-run jobs and to set statuses too.
    pub async fn token(&self, repository: &str, write: bool) -> Result<(SecretString, u64)> {
        let key = (repository.to_ascii_lowercase(), write);
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let _one = self.exchange.lock().await;
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let installation = match self.installation {
            Some(id) => id,
            None => self.installation_of(repository).await?,
        };
        let name = repository.split_once('/').map_or(repository, |(_, name)| name);
        let level = |may_write: bool| if may_write { "write" } else { "read" };
        let body = serde_json::json!({"repositories": [name], "permissions": {
            "actions": level(write), "checks": "read", "contents": "read", "metadata": "read",
            "pull_requests": "read", "statuses": level(write)}});
        let path = format!("/app/installations/{installation}/access_tokens");
        let what = format!("a token of installation {installation} for {repository}");
        let made: wire::AccessToken =
            self.github.exchange(&path, &body, &what).await.map_err(|t| refused(t, &what))?;
        if made.token.is_empty() {
            return Err(error::invalid(&what, "has no token"));
        }
        let token = SecretString::from(made.token);
        let until = made.expires_at.unwrap_or_else(Timestamp::now);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, k| k.until > Timestamp::now());
        tokens.insert(key, Known { token: token.clone(), installation, until });
        Ok((token, installation))
    }

    /// Forgets a token that GitHub no longer accepts.
    pub fn forget(&self, repository: &str) {
        let name = repository.to_ascii_lowercase();
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).retain(|(r, _), _| *r != name);
    }

    fn known(&self, key: &(String, bool)) -> Option<(SecretString, u64)> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tokens.get(key)?;
        let fresh = Timestamp::now().checked_add(EARLY).is_ok_and(|soon| soon < known.until);
        fresh.then(|| (known.token.clone(), known.installation))
    }

    async fn installation_of(&self, repository: &str) -> Result<u64> {
        let path: Vec<String> = repository.split('/').map(segment).collect();
        let path = format!("/repos/{}/installation", path.join("/"));
        let what = format!("the App's installation on {repository}");
        let found: wire::Installation =
            self.github.get(&path, &what, Shape::Object, Ask::now(Priority::Gating)).await?.value;
        u64::try_from(found.id).ok().filter(|id| *id > 0).ok_or_else(|| error::invalid(&what, "has no id"))
    }
}

/// GitHub says 422 for a right that the installation lacks, and does not say it twice.
fn refused(trouble: Trouble, what: &str) -> Trouble {
    match trouble.reason {
        Reason::NotFound | Reason::Forbidden => Trouble {
            reason: Reason::Forbidden,
            message: format!(
                "GitHub does not give {what}; the App must be installed on the repository with the permissions actions, checks, contents, metadata, pull_requests and statuses"
            ),
            retry_at: None,
        },
        _ => trouble,
    }
}
