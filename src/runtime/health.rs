//! Health and metrics over HTTP: `/healthz`, `/readyz` and `/metrics`.
//!
//! Ready means: the definition of the kind is served and all reports were listed. What is missing,
//! and how to provide it, is the body of `/readyz`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// Whether the process can do its work; clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Result<(), String>>>);

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Not ready yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Err("starting: the reports are not listed yet".to_owned()))))
    }

    /// Becomes ready.
    pub fn ready(&self) {
        if self.set(Ok(())) {
            tracing::info!("ready");
        }
    }

    /// Becomes not ready, and says what to do.
    pub fn not_ready(&self, why: String) {
        if self.set(Err(why.clone())) {
            tracing::warn!("not ready: {why}");
        }
    }

    /// What is missing, if anything.
    pub fn state(&self) -> Result<(), String> {
        self.0.borrow().clone()
    }

    /// Becomes what its parts are: ready when all of them are, else not ready for the first reason.
    pub fn follow(&self, parts: &[(String, Self)], end: CancellationToken) {
        for (_, part) in parts {
            let (whole, all, mut changes) = (self.clone(), parts.to_vec(), part.subscribe());
            let end = end.clone();
            tokio::spawn(async move {
                loop {
                    let missing = all
                        .iter()
                        .find_map(|(name, p)| p.state().err().map(|why| format!("namespace {name}: {why}")));
                    match missing {
                        None => whole.ready(),
                        Some(why) => whole.not_ready(why),
                    }
                    match end.run_until_cancelled(changes.changed()).await {
                        Some(Ok(())) => {}
                        _ => return,
                    }
                }
            });
        }
    }

    /// Follows the state.
    pub fn subscribe(&self) -> watch::Receiver<Result<(), String>> {
        self.0.subscribe()
    }

    fn set(&self, state: Result<(), String>) -> bool {
        self.0.send_if_modified(|now| {
            let news = *now != state;
            *now = state;
            news
        })
    }
}

/// Listens; an error names the address and the flag.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {address} for health and metrics: {error}; set --health-addr")
    })
}

/// Answers until the token is cancelled.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    metrics: Metrics,
    end: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state((health, metrics));
    axum::serve(listener, router).with_graceful_shutdown(end.cancelled_owned()).await
}

async fn readyz(State((health, _)): State<(Health, Metrics)>) -> Response {
    match health.state() {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn text(State((_, metrics)): State<(Health, Metrics)>) -> Response {
    const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, FORMAT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
