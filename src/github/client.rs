//! A client of one credential: limits, what is remembered, redirects, and errors that a report can show.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::header::{LINK, LOCATION};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use super::budget::{Budget, Priority};
use super::cache::{Cache, Reply};
use super::stats::{self, Stats};
use super::transport::{Call, JSON, Transport};
use super::{ApiBase, Ask, Credential, Result, Settings, app, date, error};
use crate::api::Reason;
use crate::verdict::facts::Trouble;

/// Redirects of one request that are followed: a renamed repository needs one.
pub(super) const MAX_HOPS: usize = 3;
/// A signature whose time is off by less is not to blame.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// Pause before the one repetition of a request that a gateway lost.
const AGAIN: Duration = Duration::from_millis(300);

/// A client for one API address and one credential. Cheap to clone.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    settings: Settings,
    proof: Proof,
    ties: Ties,
}

/// What goes into the header `Authorization`.
enum Proof {
    Nothing,
    /// Part of GitHub's tags.
    Bearer(SecretString),
    /// Signed anew for each request.
    App(u64, jsonwebtoken::EncodingKey),
}

/// What clients share: all of one owner what is remembered, all of one principal the budget.
#[derive(Clone, Debug)]
pub struct Ties {
    pub cache: Cache,
    pub budget: Budget,
    /// GraphQL queries are counted by themselves.
    pub queries: Budget,
    pub stats: Stats,
}

impl Ties {
    /// Shared with nobody yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            cache: Cache::default(),
            budget: Budget::new(settings.max_in_flight, settings.pace),
            queries: Budget::queries(),
            stats: Stats::default(),
        }
    }
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
    /// The header `Link` says that pages follow; None where there is none.
    pub more: Option<bool>,
    /// Path on the API that answered, after redirects.
    pub path: String,
}

impl<T> Answer<T> {
    fn of(path: String, reply: &Reply, value: T) -> Self {
        let more = error::header(&reply.headers, LINK.as_str()).map(|link| link.contains("rel=\"next\""));
        Self { value, date: date(&reply.headers), more, path }
    }
}

/// Parses a document.
fn read<T: DeserializeOwned>(body: &[u8], what: &str, shape: Shape) -> Result<T> {
    // A list would be read as the fields of an object in order, each one absent.
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    if (first == Some(&b'[')) != (shape == Shape::List) {
        return Err(error::invalid(what, "is not the kind of JSON document that is expected"));
    }
    serde_json::from_slice(body).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        error::invalid(what, &format!("is not the JSON that is expected ({place})"))
    })
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("base", self.inner.transport.base()).finish_non_exhaustive()
    }
}

impl GitHub {
    /// A client with connections and a memory of its own; fails where TLS cannot be set up on this machine.
    pub fn new(base: &ApiBase, credential: &Credential, settings: &Settings) -> anyhow::Result<Self> {
        let transport = Transport::new(base, settings.timeout)?;
        Ok(Self::with(&transport, credential, settings, Ties::new(settings)))
    }

    /// A client that shares its connections, what it remembers, may ask for and counts with others.
    pub fn with(transport: &Transport, credential: &Credential, settings: &Settings, ties: Ties) -> Self {
        let proof = match credential {
            Credential::None => Proof::Nothing,
            Credential::Token(token) => {
                Proof::Bearer(SecretString::from(format!("Bearer {}", token.expose_secret())))
            }
            Credential::App(id, key) => Proof::App(*id, key.clone()),
        };
        let inner = Inner { transport: transport.clone(), settings: *settings, proof, ties };
        Self { inner: Arc::new(inner) }
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
        let (path, reply) = self.document(path, what, ask).await?;
        Ok(Answer::of(path, &reply, read(&reply.body, what, shape)?))
    }

    /// Reads one JSON document that many ask for: as long as it is the same it is parsed once for all of them.
    pub async fn get_common<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        path: &str,
        what: &str,
        shape: Shape,
        ask: Ask,
    ) -> Result<Answer<Arc<T>>> {
        let (path, reply) = self.document(path, what, ask).await?;
        let cache = &self.inner.ties.cache;
        let value = cache.parsed(&path, &reply.body, |body| read(body, what, shape))?;
        Ok(Answer::of(path, &reply, value))
    }

    /// What a document that many ask for said the last time, if it is known.
    pub(super) fn known<T: Send + Sync + 'static>(&self, path: &str) -> Option<Arc<T>> {
        self.inner.ties.cache.known_value(path)
    }

    /// A document and the path that it is at, after redirects.
    async fn document(&self, path: &str, what: &str, ask: Ask) -> Result<(String, Reply)> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_HOPS {
            let reply = self.shared(&path, what, ask).await?;
            if reply.status.is_success() {
                return Ok((path, reply));
            }
            if !reply.status.is_redirection() {
                return Err(self.refused(reply.status, &reply.headers, &reply.body, what));
            }
            path = self.redirected(&reply.headers, what)?;
        }
        Err(error::invalid(what, "redirects without end"))
    }

    /// Sends one document, once: what was lost may have arrived, so nothing is repeated.
    pub async fn post(&self, path: &str, body: Option<&serde_json::Value>, what: &str) -> Result<()> {
        let Reply { status, headers, body } =
            self.once(Call::Post(path, body), what, Priority::Gating).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(self.refused(status, &headers, &body, what))
    }

    /// Makes something, once, and gives what GitHub says of it.
    pub async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        what: &str,
    ) -> Result<T> {
        let Reply { status, headers, body } =
            self.once(Call::Post(path, Some(body)), what, Priority::Gating).await?;
        if !status.is_success() {
            return Err(self.refused(status, &headers, &body, what));
        }
        serde_json::from_slice(&body).map_err(|_| error::invalid(what, "is not the JSON that is expected"))
    }

    /// Changes something, once.
    pub async fn patch(&self, path: &str, body: &serde_json::Value, what: &str) -> Result<()> {
        let Reply { status, headers, body } =
            self.once(Call::Patch(path, body), what, Priority::Gating).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(self.refused(status, &headers, &body, what))
    }

    /// Sends one document that changes nothing, once; whatever the answer is.
    pub(super) async fn exchange(&self, path: &str, body: &serde_json::Value, what: &str) -> Result<Reply> {
        self.once(Call::Exchange(path, body), what, Priority::Gating).await
    }

    /// Sends a GraphQL query, once; an answer that is an error has the status of a success as well.
    pub(super) async fn query(
        &self,
        query: &serde_json::Value,
        what: &str,
        priority: Priority,
    ) -> Result<Reply> {
        let reply = self.once(Call::Query(query), what, priority).await?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(self.refused(reply.status, &reply.headers, &reply.body, what))
    }

    /// Nothing is asked by GraphQL before this time.
    pub(super) fn pause_queries(&self, until: Option<Timestamp>) {
        let clock = self.inner.transport.clock();
        self.inner.ties.queries.pause(until.map(|at| clock.theirs(at)));
    }

    /// Asks for something that is not remembered, once more if it was lost on the way.
    pub(super) async fn unremembered(&self, path: &str, what: &str) -> Result<Reply> {
        self.fetch(Call::Download(path), what, Priority::Finishing).await
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// What a refusal means. After a limit nothing is sent before its end: asking on makes it longer.
    pub(super) fn refused(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        what: &str,
    ) -> Trouble {
        let trouble = error::of_status(status, headers, body, what, Timestamp::now());
        if trouble.reason == Reason::RateLimited {
            let clock = self.inner.transport.clock();
            self.inner.ties.budget.pause(trouble.retry_at.map(|at| clock.theirs(at)));
        }
        trouble
    }

    /// The API path that a redirect points to. It must stay on the API's host: the token goes with it.
    pub(super) fn redirected(&self, headers: &HeaderMap, what: &str) -> Result<String> {
        let location = error::header(headers, LOCATION.as_str())
            .ok_or_else(|| error::invalid(what, "redirects to nowhere"))?;
        let uri: http::Uri =
            location.parse().map_err(|_| error::invalid(what, "redirects to something that is not a URL"))?;
        let base = self.inner.transport.base();
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

    /// One request. What an App signed by a wrong clock is signed again by GitHub's: nothing was done.
    async fn once(&self, call: Call<'_>, what: &str, priority: Priority) -> Result<Reply> {
        let clock = self.inner.transport.clock();
        let signed_at = clock.ahead();
        let reply = self.sent(call, what, priority).await?;
        let by_wrong_clock = matches!(self.inner.proof, Proof::App(..))
            && reply.status == StatusCode::UNAUTHORIZED
            && (clock.ahead() - signed_at).abs() > SKEW;
        if by_wrong_clock { self.sent(call, what, priority).await } else { Ok(reply) }
    }

    async fn sent(&self, call: Call<'_>, what: &str, priority: Priority) -> Result<Reply> {
        let inner = &self.inner;
        let (transport, clock) = (&inner.transport, inner.transport.clock());
        let Ties { cache, stats, .. } = &inner.ties;
        let is_query = matches!(call, Call::Query(_));
        let budget = if is_query { &inner.ties.queries } else { &inner.ties.budget };
        let _slot = budget
            .enter(priority, call.writes(), || clock.now())
            .await
            .map_err(|until| error::paused(what, clock.ours(until)))?;
        let signed;
        let authorization = match &inner.proof {
            Proof::Nothing => None,
            Proof::Bearer(token) => Some(token.expose_secret()),
            Proof::App(id, key) => {
                signed = app::signature(*id, key, clock.now()).ok_or_else(|| error::unsigned(*id))?;
                Some(signed.expose_secret())
            }
        };
        let known = match call {
            Call::Get(path) if inner.settings.conditional => cache.known(path, JSON, authorization),
            _ => None,
        };
        let tag = known.as_ref().map(|(tag, _)| tag.as_str());
        let asked = Instant::now();
        let span = tracing::debug_span!("request", of = stats::class(call.path()), status = Empty);
        let sent = transport.send(call, authorization, tag, inner.settings.max_body, what);
        let answer = sent.instrument(span.clone()).await;
        let mut reply = answer.inspect_err(|_| stats.unreachable(call.path()))?;
        span.record("status", reply.status.as_u16());
        budget.heard(&reply.headers);
        stats.answered(
            call.path(),
            reply.status.as_u16(),
            error::is_limit(reply.status, &reply.headers, &reply.body),
        );
        if let Some(rate) = budget.rate().filter(|_| !is_query) {
            stats.left(rate.remaining);
        }
        if let Call::Get(path) = call {
            match reply.status {
                StatusCode::NOT_MODIFIED => {
                    budget.uncounted();
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
