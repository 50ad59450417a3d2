//! The one place that talks through octocrab: bounded, timed, and with errors a report can show.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::header::{ACCEPT, IF_NONE_MATCH, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::budget::{Budget, Priority};
use super::cache::{Cache, Reply};
use super::stats::Stats;
use super::{ApiBase, Ask, Credential, Result, Settings, download, error};
use crate::api::Reason;
use crate::verdict::facts::Trouble;

/// Redirects of one request that are followed: a renamed repository needs one.
const MAX_HOPS: usize = 3;
/// Pause before the one repetition of a request that a gateway lost.
const AGAIN: Duration = Duration::from_millis(300);

/// A client for one API address and one credential. Cheap to clone.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    octocrab: Octocrab,
    base: ApiBase,
    settings: Settings,
    /// The `Authorization` header that octocrab sends: part of GitHub's tags.
    authorization: Option<SecretString>,
    ties: Ties,
    download: download::Client,
}

/// What clients share: all of one owner what is remembered, all of one principal the budget.
#[derive(Clone, Debug)]
pub struct Ties {
    pub cache: Cache,
    pub budget: Budget,
    pub stats: Stats,
}

impl Ties {
    /// Shared with nobody yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            cache: Cache::default(),
            budget: Budget::new(settings.max_in_flight, settings.pace),
            stats: Stats::default(),
        }
    }
}

/// A request, by its path on the API.
#[derive(Clone, Copy)]
enum Call<'a> {
    /// A JSON document, remembered.
    Get(&'a str),
    /// What is not remembered: mostly a redirect to a storage service.
    Download(&'a str),
    Post(&'a str, &'a serde_json::Value),
}

/// What a JSON document is on its outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Object,
    List,
}

/// A value with GitHub's time of the answer.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub value: T,
    /// `Date` of the answer.
    pub date: Option<Timestamp>,
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("base", &self.inner.base).finish_non_exhaustive()
    }
}

impl GitHub {
    /// A client with a memory of its own; fails where TLS cannot be set up on this machine.
    pub fn new(base: &ApiBase, credential: &Credential, settings: &Settings) -> anyhow::Result<Self> {
        Self::with(base, credential, settings, Ties::new(settings))
    }

    /// A client that shares what it remembers, may ask for and counts with others.
    pub fn with(
        base: &ApiBase,
        credential: &Credential,
        settings: &Settings,
        ties: Ties,
    ) -> anyhow::Result<Self> {
        let builder = Octocrab::builder()
            .base_uri(base.uri().clone())?
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(settings.timeout))
            .set_read_timeout(Some(settings.timeout))
            .set_write_timeout(Some(settings.timeout));
        let octocrab = match credential {
            Credential::None => builder.build()?,
            Credential::Token(token) => builder.personal_token(token.clone()).build()?,
            Credential::App(id, key) => builder.app((*id).into(), key.clone()).build()?,
        };
        let authorization = match credential {
            Credential::None | Credential::App(..) => None,
            Credential::Token(token) => Some(SecretString::from(format!("Bearer {}", token.expose_secret()))),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                octocrab,
                base: base.clone(),
                settings: *settings,
                authorization,
                ties,
                download: download::Client::new(base, settings.timeout)?,
            }),
        })
    }

    /// Requests sent so far, those for logs and archives not counted.
    pub fn requests(&self) -> u64 {
        self.inner.ties.stats.total()
    }

    /// The budget that its requests come from.
    pub fn budget(&self) -> &Budget {
        &self.inner.ties.budget
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Reads one JSON document. `what` names it in errors.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        shape: Shape,
        ask: Ask,
    ) -> Result<Answer<T>> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_HOPS {
            let Reply { status, headers, body } = self.shared(&path, what, ask).await?;
            let date = date(&headers);
            if status.is_success() {
                // A list would be read as the fields of an object in order, each one absent.
                let first = body.iter().find(|b| !b.is_ascii_whitespace());
                if (first == Some(&b'[')) != (shape == Shape::List) {
                    return Err(error::invalid(what, "is not the kind of JSON document that is expected"));
                }
                let value = serde_json::from_slice(&body).map_err(|e| {
                    error::invalid(
                        what,
                        &format!(
                            "is not the JSON that is expected (line {}, column {})",
                            e.line(),
                            e.column()
                        ),
                    )
                })?;
                return Ok(Answer { value, date });
            }
            if !status.is_redirection() {
                return Err(self.refused(status, &headers, &body, what));
            }
            path = self.redirected(&headers, what)?;
        }
        Err(error::invalid(what, "redirects without end"))
    }

    /// Sends one document, once: what was lost may have arrived, so nothing is repeated.
    pub async fn post(&self, path: &str, body: &serde_json::Value, what: &str) -> Result<()> {
        let Reply { status, headers, body } =
            self.once(Call::Post(path, body), what, Priority::Gating).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(self.refused(status, &headers, &body, what))
    }

    /// Sends one document, once, and reads the answer.
    pub async fn exchange<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        what: &str,
    ) -> Result<T> {
        let Reply { status, headers, body } =
            self.once(Call::Post(path, body), what, Priority::Gating).await?;
        if !status.is_success() {
            return Err(self.refused(status, &headers, &body, what));
        }
        serde_json::from_slice(&body).map_err(|_| error::invalid(what, "is not the JSON that is expected"))
    }

    /// Downloads what a redirect points to (a log, an archive), at most `limit` bytes. The flag tells
    /// that there was more.
    pub async fn download(&self, path: &str, what: &str, limit: usize) -> Result<(Bytes, bool)> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_HOPS {
            let Reply { status, headers, body } =
                self.fetch(Call::Download(&path), what, Priority::Finishing).await?;
            if status.is_success() {
                // A server may answer with the content itself.
                let cut = body.len() > limit;
                return Ok((body.slice(..body.len().min(limit)), cut));
            }
            if !status.is_redirection() {
                return Err(self.refused(status, &headers, &body, what));
            }
            match self.redirected(&headers, what) {
                // Another name of the same thing on the API itself.
                Ok(on_api) if on_api.starts_with("/repos/") || on_api.starts_with("/repositories/") => {
                    path = on_api
                }
                _ => {
                    let target = error::header(&headers, LOCATION.as_str())
                        .ok_or_else(|| error::invalid(what, "redirects to nowhere"))?;
                    return self.inner.download.get(target, what, limit).await;
                }
            }
        }
        Err(error::invalid(what, "redirects without end"))
    }

    /// What a refusal means. After a limit nothing is sent before its end: asking on makes it longer.
    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], what: &str) -> Trouble {
        let trouble = error::of_status(status, headers, body, what, Timestamp::now());
        if trouble.reason == Reason::RateLimited {
            self.inner.ties.budget.pause(trouble.retry_at);
        }
        trouble
    }

    /// The API path that a redirect points to. It must stay on the API's host: the token goes with it.
    fn redirected(&self, headers: &HeaderMap, what: &str) -> Result<String> {
        let location = error::header(headers, LOCATION.as_str())
            .ok_or_else(|| error::invalid(what, "redirects to nowhere"))?;
        let uri: http::Uri =
            location.parse().map_err(|_| error::invalid(what, "redirects to something that is not a URL"))?;
        let base = &self.inner.base;
        let same = uri.authority().is_none_or(|a| a.as_str().eq_ignore_ascii_case(base.authority()))
            && uri.scheme_str().is_none_or(|s| Some(s) == base.uri().scheme_str());
        let path = uri.path_and_query().map_or("", |p| p.as_str());
        match path.strip_prefix(base.prefix()) {
            Some(rest) if same && rest.starts_with('/') => Ok(rest.to_owned()),
            _ => Err(error::invalid(what, "redirects to another host, which is not followed")),
        }
    }

    /// An answer that is new enough: known, on its way, or asked for now.
    async fn shared(&self, path: &str, what: &str, ask: Ask) -> Result<Reply> {
        let cache = &self.inner.ties.cache;
        if let Some(known) = cache.fresh(path, ask.since) {
            return Ok(known);
        }
        let flight = cache.join(path, ask, || {
            let (client, path, what) = (self.clone(), path.to_owned(), what.to_owned());
            async move { client.fetch(Call::Get(&path), &what, ask.priority).await }.boxed()
        });
        flight.await
    }

    /// One request, repeated once if a gateway or the connection lost it.
    async fn fetch(&self, call: Call<'_>, what: &str, priority: Priority) -> Result<Reply> {
        let first = self.once(call, what, priority).await;
        let lost = match &first {
            Ok(reply) => {
                matches!(reply.status.as_u16(), 502..=504)
                    && !reply.headers.contains_key(http::header::RETRY_AFTER)
            }
            Err(trouble) => trouble.reason == Reason::GitHubUnavailable,
        };
        if !lost {
            return first;
        }
        tokio::time::sleep(AGAIN).await;
        self.once(call, what, priority).await
    }

    async fn once(&self, call: Call<'_>, what: &str, priority: Priority) -> Result<Reply> {
        const JSON: &str = "application/vnd.github+json";
        let inner = &self.inner;
        let Ties { cache, budget, stats } = &inner.ties;
        let write = matches!(call, Call::Post(..));
        let _slot = budget
            .enter(priority, write, Timestamp::now())
            .await
            .map_err(|until| error::paused(what, until))?;
        let authorization = inner.authorization.as_ref().map(ExposeSecret::expose_secret);
        let known = match call {
            Call::Get(path) if inner.settings.conditional => cache.known(path, JSON, authorization),
            _ => None,
        };
        let limit = inner.settings.max_body;
        let asked = Instant::now();
        let work = async {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(JSON));
            if let Some(tag) = known.as_ref().and_then(|(t, _)| HeaderValue::from_str(t).ok()) {
                headers.insert(IF_NONE_MATCH, tag);
            }
            headers.insert(
                USER_AGENT,
                HeaderValue::from_static(concat!("testrun-operator/", env!("CARGO_PKG_VERSION"))),
            );
            let (request, body) = match call {
                Call::Get(path) | Call::Download(path) => (http::Request::get(path), None),
                Call::Post(path, body) => (http::Request::post(path), Some(body)),
            };
            let request = headers.iter().fold(request, |r, (name, value)| r.header(name, value));
            let sent = async { inner.octocrab.execute(inner.octocrab.build_request(request, body)?).await };
            let response = sent.await.map_err(|e| error::unreachable(what, kind(&e)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, limit).collect().await.map_err(|e| {
                if e.downcast_ref::<LengthLimitError>().is_some() {
                    error::invalid(what, &format!("is larger than {limit} bytes"))
                } else {
                    error::unreachable(what, "the answer broke off")
                }
            })?;
            Ok::<_, Trouble>(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        let done = tokio::time::timeout(inner.settings.timeout, work).await.unwrap_or_else(|_| {
            Err(error::unreachable(what, &format!("no answer within {} s", inner.settings.timeout.as_secs())))
        });
        let mut reply = done.inspect_err(|_| stats.unreachable())?;
        budget.heard(&reply.headers);
        stats.answered(reply.status.as_u16(), error::is_limit(reply.status, &reply.headers, &reply.body));
        if let Some(rate) = budget.rate() {
            stats.left(rate.remaining);
        }
        if let Call::Get(path) = call {
            match reply.status {
                StatusCode::NOT_MODIFIED => {
                    let same = known.map(|(_, body)| body);
                    reply.body = same
                        .ok_or_else(|| error::invalid(what, "is said to be unchanged, and was never read"))?;
                    reply.status = StatusCode::OK;
                    cache.confirm(path, &reply.headers, asked);
                }
                StatusCode::OK => cache.keep(path, authorization, &reply.headers, &reply.body, asked),
                _ => {}
            }
        }
        Ok(reply)
    }
}

/// What went wrong below HTTP, in our own words.
fn kind(error: &octocrab::Error) -> &'static str {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::ConnectionRefused => "connection refused",
                std::io::ErrorKind::ConnectionReset => "connection reset",
                std::io::ErrorKind::TimedOut => "timed out",
                std::io::ErrorKind::InvalidData => "TLS failed; is the server's certificate known here?",
                _ => "connection failed",
            };
        }
        source = e.source();
    }
    "connection failed"
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = error::header(headers, "date")?;
    jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp())
}
