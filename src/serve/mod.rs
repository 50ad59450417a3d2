//! Verdicts, the history and a page for people over HTTP, read-only.
//!
//! Off unless an address is given. Who asks is known by a bearer token that the API server checks, and may
//! read what RBAC lets them read in the cluster: `auth` is a layer for every route of this listener.

pub mod auth;
mod history;
pub mod page;
mod reports;
pub mod tls;
mod verdict;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kube::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use reports::Reports;
pub use verdict::Verdict;

use crate::history::History;
use auth::Guard;
use tls::Tls;

/// What all routes share.
#[derive(Clone)]
pub struct Site {
    pub guard: Guard,
    pub reports: Reports,
    pub history: History,
    /// Who may look at the page; none where it is not shown.
    pub page: Option<Guard>,
    /// Where a proxy logs people in anew; empty where browsers ask for the token.
    login: String,
}

impl Site {
    /// Routes over the reports of a cluster, for holders of tokens with one of the audiences.
    pub fn new(client: Client, reports: Reports, audiences: Vec<String>) -> Self {
        let guard = Guard::new(client, audiences);
        Self { guard, reports, history: History::default(), page: None, login: String::new() }
    }

    /// With what was seen of past commits.
    pub fn with_history(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// With the page, where it is to be shown.
    pub fn with_page(self, settings: &crate::config::Page) -> Self {
        let page = settings.enabled.then(|| self.guard.but_for(&settings.audiences, settings.header()));
        Self { page, login: settings.login_path.clone(), ..self }
    }

    /// Every route. All of them need a user; each asks itself what the user may see.
    pub fn router(self) -> Router {
        let known = axum::middleware::from_fn_with_state(self.guard.clone(), auth::authenticate);
        let mut routes = Router::new().merge(verdict::routes()).merge(history::routes());
        routes = routes.fallback(nothing_here).layer(known);
        if let Some(guard) = &self.page {
            routes = routes.merge(page::routes(guard.clone(), &self.login));
        }
        routes.with_state(self)
    }
}

/// A refusal as JSON: what was expected, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.message, "status": self.status.as_u16()});
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = http::HeaderValue::from_static("Bearer realm=\"testrun-operator\"");
            headers.insert(http::header::WWW_AUTHENTICATE, scheme);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("5"));
        }
        response
    }
}

async fn nothing_here() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "no such path; ask for /apis/v1alpha1/namespaces/NAMESPACE/testrunreports/NAME/verdict",
    )
}

/// Whether a text can be the name of an object.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    !text.is_empty() && text.len() <= 253 && text.chars().all(inner)
}

/// Listens; an error names the address and the flag.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {address} for verdicts over HTTP: {error}; set --http-addr")
    })
}

/// Answers until the token is cancelled.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    site: Site,
    end: CancellationToken,
) -> std::io::Result<()> {
    let router = site.router();
    let end = end.cancelled_owned();
    match tls {
        None => axum::serve(listener, router).with_graceful_shutdown(end).await,
        Some(tls) => axum::serve(tls.over(listener), router).with_graceful_shutdown(end).await,
    }
}

/// Longest time that the API server may take over a question.
const PATIENCE: Duration = Duration::from_secs(10);
