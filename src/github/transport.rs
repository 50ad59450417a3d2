//! The one place that talks through octocrab: one request, bounded and timed.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, IF_NONE_MATCH, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;

use super::cache::Reply;
use super::clock::Clock;
use super::hosts::Hosts;
use super::{ApiBase, Result, date, download, error};
use crate::verdict::facts::Trouble;

/// What every request says of whom it comes from.
pub(super) const AGENT: &str = concat!("testrun-operator/", env!("CARGO_PKG_VERSION"));
/// What every request to the API accepts; part of GitHub's tags.
pub(super) const JSON: &str = "application/vnd.github+json";

/// Connections to one API address. They know no credential: each request brings its own. Cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    octocrab: Octocrab,
    /// For queries, which an Enterprise Server takes at `/api/graphql`, beside its `/api/v3`.
    queries: Octocrab,
    base: ApiBase,
    timeout: Duration,
    clock: Clock,
    download: download::Client,
}

/// A request, by its path on the API.
#[derive(Clone, Copy)]
pub(super) enum Call<'a> {
    /// A JSON document, remembered.
    Get(&'a str),
    /// What is not remembered: mostly a redirect to a storage service.
    Download(&'a str),
    Post(&'a str, Option<&'a serde_json::Value>),
    Patch(&'a str, &'a serde_json::Value),
    /// A POST that leaves nothing behind for others to see, as for a token.
    Exchange(&'a str, &'a serde_json::Value),
    /// A GraphQL query, which changes nothing and has a limit of its own.
    Query(&'a serde_json::Value),
}

/// Where queries go, seen from the root of the host or of the API.
const GRAPHQL: &str = "/graphql";

impl Call<'_> {
    /// Where it goes.
    pub fn path(&self) -> &str {
        match self {
            Self::Get(path) | Self::Download(path) => path,
            Self::Query(_) => GRAPHQL,
            Self::Post(path, _) | Self::Patch(path, _) | Self::Exchange(path, _) => path,
        }
    }

    /// It changes something: GitHub wants a pause between two of these.
    pub fn writes(&self) -> bool {
        matches!(self, Call::Post(..) | Call::Patch(..))
    }
}

impl Transport {
    /// Connections whose requests take at most `timeout` each; fails where TLS cannot be set up on this
    /// machine.
    pub fn new(base: &ApiBase, timeout: Duration) -> anyhow::Result<Self> {
        Self::with_downloads(base, &[], timeout)
    }

    /// The same, with downloads from hosts of these patterns in place of the defaults, if there are any.
    pub fn with_downloads(base: &ApiBase, hosts: &[String], timeout: Duration) -> anyhow::Result<Self> {
        let at = |uri: http::Uri| -> anyhow::Result<Octocrab> {
            Ok(Octocrab::builder()
                .base_uri(uri)?
                .add_retry_config(RetryConfig::None)
                .set_connect_timeout(Some(timeout))
                .set_read_timeout(Some(timeout))
                .set_write_timeout(Some(timeout))
                .build()?)
        };
        let octocrab = at(base.uri().clone())?;
        let queries = match base.prefix().strip_suffix("/v3") {
            None => octocrab.clone(),
            Some(prefix) => at(below(base, prefix)?)?,
        };
        let download = download::Client::new(Hosts::of(base, hosts), timeout)?;
        let (base, clock) = (base.clone(), Clock::default());
        Ok(Self(Arc::new(Inner { octocrab, queries, base, timeout, clock, download })))
    }

    pub(super) fn base(&self) -> &ApiBase {
        &self.0.base
    }

    /// What GitHub's clock shows.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock().now()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn downloads(&self) -> &download::Client {
        &self.0.download
    }

    /// Sends one request and reads at most `limit` bytes of its answer.
    pub(super) async fn send(
        &self,
        call: Call<'_>,
        authorization: Option<&str>,
        tag: Option<&str>,
        limit: usize,
        what: &str,
    ) -> Result<Reply> {
        let inner = &self.0;
        let work = async {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(JSON));
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            if let Some(tag) = tag.and_then(|t| HeaderValue::from_str(t).ok()) {
                headers.insert(IF_NONE_MATCH, tag);
            }
            if let Some(authorization) = authorization {
                let mut value = HeaderValue::from_str(authorization)
                    .map_err(|_| error::unreachable(what, "the credential is not one line of text"))?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            let (request, body) = match call {
                Call::Get(path) | Call::Download(path) => (http::Request::get(path), None),
                Call::Post(path, body) => (http::Request::post(path), body),
                Call::Exchange(path, body) => (http::Request::post(path), Some(body)),
                Call::Query(body) => (http::Request::post(GRAPHQL), Some(body)),
                Call::Patch(path, body) => (http::Request::patch(path), Some(body)),
            };
            let request = headers.iter().fold(request, |r, (name, value)| r.header(name, value));
            let octocrab = match call {
                Call::Query(_) => &inner.queries,
                _ => &inner.octocrab,
            };
            let sent = async { octocrab.execute(octocrab.build_request(request, body)?).await };
            let response = sent.await.map_err(|e| error::unreachable(what, kind(&e)))?;
            let (parts, body) = response.into_parts();
            if let Some(date) = date(&parts.headers) {
                inner.clock.heard(date);
            }
            let body = Limited::new(body, limit).collect().await.map_err(|e| {
                if e.downcast_ref::<LengthLimitError>().is_some() {
                    error::invalid(what, &format!("is larger than {limit} bytes"))
                } else {
                    error::unreachable(what, "the answer broke off")
                }
            })?;
            Ok::<_, Trouble>(Reply::new(parts.status, &parts.headers, &body.to_bytes()))
        };
        tokio::time::timeout(inner.timeout, work).await.unwrap_or_else(|_| {
            Err(error::unreachable(what, &format!("no answer within {} s", inner.timeout.as_secs())))
        })
    }
}

/// Another path on the host of the API.
fn below(base: &ApiBase, path: &str) -> anyhow::Result<http::Uri> {
    let mut parts = base.uri().clone().into_parts();
    parts.path_and_query = Some(if path.is_empty() { "/" } else { path }.parse()?);
    Ok(http::Uri::from_parts(parts)?)
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
