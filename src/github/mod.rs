//! GitHub as a source of facts: requests, paging, limits and errors.
//!
//! octocrab is the transport; it appears in `transport` only. Wire types are our own and
//! tolerant: an unknown value is a string, a null is an absence. Nothing here decides anything.

pub mod api;
mod app;
mod budget;
mod cache;
mod client;
mod clock;
mod deliveries;
mod download;
mod error;
mod fetch;
mod files;
mod hosts;
mod pace;
mod queue;
mod rollup;
mod stats;
mod transport;
pub mod wire;

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use secrecy::SecretString;
use tokio::time::Instant;

pub use app::{App, Made, Rights};
pub use budget::{Budget, Priority, Rate};
pub use cache::{Cache, tag};
pub use client::{Answer, GitHub, Ties};
pub(crate) use error::NO_PLAN;
pub use fetch::{Fetched, Unfetched};
pub use hosts::{DOWNLOAD_HOSTS, is_host_pattern};
pub use pace::Pace;
pub use queue::{queue_of, queued};
pub use rollup::Rollup;
pub use stats::Stats;
pub use transport::Transport;

use crate::verdict::facts::Trouble;

/// What a request comes to; the error is already what a report shows.
pub type Result<T> = std::result::Result<T, Trouble>;

/// GitHub's own API.
pub const GITHUB_COM: &str = "https://api.github.com";

/// The address of a GitHub API, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase {
    uri: Uri,
    loopback: bool,
}

/// An address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not the address of a GitHub API: {why}; expected for example {GITHUB_COM} or https://github.example.com/api/v3"
)]
pub struct InvalidBase {
    given: String,
    why: &'static str,
}

impl ApiBase {
    /// Reads an address: HTTPS, or plain HTTP on a loopback address; no credentials, no query.
    pub fn parse(text: &str) -> std::result::Result<Self, InvalidBase> {
        let bad = |why| InvalidBase { given: crate::verdict::text::clean(text, 200), why };
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| bad("it is not a URL"))?;
        let Some(authority) = uri.authority() else { return Err(bad("it has no host")) };
        if authority.as_str().contains('@') {
            return Err(bad("it holds credentials, which belong into GITHUB_TOKEN"));
        }
        if uri.query().is_some() {
            return Err(bad("it has a query"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let loopback =
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if loopback => {}
            Some("http") => return Err(bad("plain HTTP would send the token in the clear")),
            _ => return Err(bad("its scheme is not https")),
        }
        Ok(Self { uri, loopback })
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |a| a.as_str())
    }

    /// The path in front of every API path: empty, or `/api/v3`.
    pub fn prefix(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// The server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// GitHub's own service, not a GitHub Enterprise Server.
    pub fn is_github_com(&self) -> bool {
        self.authority().eq_ignore_ascii_case("api.github.com")
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl Default for ApiBase {
    fn default() -> Self {
        Self { uri: Uri::from_static(GITHUB_COM), loopback: false }
    }
}

/// How to prove who asks.
#[derive(Clone, Default)]
pub enum Credential {
    /// Public repositories only, 60 requests an hour.
    #[default]
    None,
    /// A personal access token, an installation token, or the one of a workflow.
    Token(SecretString),
    /// A GitHub App by its id and key, for what only the App itself may ask.
    App(u64, jsonwebtoken::EncodingKey),
}

/// How new an answer must be, and how urgent it is.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// An answer to a request that was sent since then will do.
    pub since: Instant,
    pub priority: Priority,
}

impl Ask {
    /// What GitHub says from now on.
    pub fn now(priority: Priority) -> Self {
        Self { since: Instant::now(), priority }
    }

    /// What GitHub said at most this long ago.
    pub fn within(self, age: Duration) -> Self {
        Self { since: self.since.checked_sub(age).unwrap_or(self.since), ..self }
    }
}

/// Bounds of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time for one request with its body.
    pub timeout: Duration,
    /// Time for one log or archive; a pause within it is at most `timeout`.
    pub download: Duration,
    /// Requests of one principal at the same time.
    pub max_in_flight: usize,
    /// Pace of the requests of one principal.
    pub pace: Pace,
    /// Pages of one list, of 100 entries each.
    pub max_pages: u32,
    /// Bytes of one JSON answer.
    pub max_body: usize,
    /// Ask only whether what is known has changed.
    pub conditional: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            download: Duration::from_secs(120),
            max_in_flight: 10,
            pace: Pace::default(),
            max_pages: 30,
            max_body: 32 << 20,
            conditional: true,
        }
    }
}

/// GitHub's time of an answer.
fn date(headers: &http::HeaderMap) -> Option<jiff::Timestamp> {
    let text = error::header(headers, "date")?;
    jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for ok in [
            "https://api.github.com", "https://ghe.example.com/api/v3/", "http://127.0.0.1:8080",
            "http://[::1]:1/api/v3", "http://localhost:1",
        ] {
            assert!(ApiBase::parse(ok).is_ok(), "{ok}");
        }
        for (bad, why) in [
            ("http://api.github.com", "in the clear"),
            ("http://127.0.0.1.evil.example", "in the clear"),
            ("https://user:pw@ghe.example.com", "credentials"),
            ("https://ghe.example.com/?x=1", "query"),
            ("ftp://ghe.example.com", "scheme"),
            ("api.github.com/x", "not a URL"),
            ("/x", "host"),
            ("", "URL"),
        ] {
            let error = ApiBase::parse(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
