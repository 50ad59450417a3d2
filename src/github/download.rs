//! Downloads from where GitHub redirects to: signed addresses of a storage service.
//!
//! A client of its own, so that no credential can leave with a redirect: it knows none. Each redirect must lead to a
//! host that is allowed.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};

use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use super::hosts::{Hosts, Reach, reaches};
use super::transport::AGENT;
use super::{Result, error};
use crate::verdict::facts::Trouble;

/// Redirects that are followed.
const MAX_HOPS: usize = 3;

/// Reads signed addresses.
#[derive(Clone)]
pub(super) struct Client {
    hyper: Hyper<HttpsConnector<HttpConnector<Public>>, Empty<Bytes>>,
    hosts: Hosts,
    timeout: Duration,
}

impl Client {
    pub fn new(hosts: Hosts, timeout: Duration) -> anyhow::Result<Self> {
        let mut http =
            HttpConnector::new_with_resolver(Public { inner: GaiResolver::new(), hosts: hosts.clone() });
        http.enforce_http(false);
        http.set_connect_timeout(Some(timeout));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self { hyper: Hyper::builder(TokioExecutor::new()).build(https), hosts, timeout })
    }

    /// What a storage service has at an address, after redirects.
    pub async fn open(&self, target: &str, what: &str) -> Result<Response<Incoming>> {
        let mut target = target.to_owned();
        for _ in 0..=MAX_HOPS {
            let uri = self.allowed(&target, what)?;
            let host = uri.host().unwrap_or_default().to_owned();
            let request = Request::get(uri)
                .header(http::header::USER_AGENT, AGENT)
                .body(Empty::new())
                .map_err(|_| error::invalid(what, "has an address that cannot be asked"))?;
            let response = match tokio::time::timeout(self.timeout, self.hyper.request(request)).await {
                Ok(sent) => sent.map_err(|e| match is_inward(&e) {
                    true => elsewhere(what, &host),
                    false => error::unreachable(what, "the download failed"),
                })?,
                Err(_) => return Err(error::unreachable(what, "the storage did not answer in time")),
            };
            if !response.status().is_redirection() {
                return Ok(response);
            }
            target = error::header(response.headers(), "location")
                .ok_or_else(|| error::invalid(what, "redirects to nowhere"))?
                .to_owned();
        }
        Err(error::invalid(what, "redirects without end"))
    }

    /// The next piece of a body; None at its end.
    pub async fn next(&self, body: &mut Incoming, what: &str) -> Result<Option<Bytes>> {
        loop {
            let frame = match tokio::time::timeout(self.timeout, body.frame()).await {
                Ok(Some(frame)) => frame.map_err(|_| error::unreachable(what, "the download broke off"))?,
                Ok(None) => return Ok(None),
                Err(_) => return Err(error::unreachable(what, "the download stood still")),
            };
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// HTTPS to a host that may be read; plain HTTP on this machine if the API is here.
    fn allowed(&self, target: &str, what: &str) -> Result<Uri> {
        let refuse = || error::invalid(what, "redirects to an address that is not allowed");
        let uri: Uri = target.parse().map_err(|_| refuse())?;
        let host = uri.host().ok_or_else(refuse)?.trim_start_matches('[').trim_end_matches(']');
        let ip = host.parse::<IpAddr>().ok();
        let reach = self.hosts.reach(host).filter(|reach| ip.is_none_or(|ip| reaches(*reach, ip)));
        let reach = reach.ok_or_else(|| elsewhere(what, host))?;
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if reach == Reach::Loopback => Ok(uri),
            _ => Err(refuse()),
        }
    }
}

/// The administrator decides where content may come from.
fn elsewhere(what: &str, host: &str) -> Trouble {
    let host = crate::verdict::text::clean(host, 100);
    let why = format!(
        "redirects to {host}, which is not allowed; downloadHosts of the connection (for commands \
         GITHUB_DOWNLOAD_HOSTS) can name it"
    );
    error::invalid(what, &why)
}

/// A name that points to no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name points to no address that is allowed")]
struct Inward;

/// Why a request could not be sent, where that was not the network.
fn is_inward(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |e| e.source());
    chain.filter_map(|e| e.downcast_ref::<std::io::Error>()?.get_ref()).any(|e| e.is::<Inward>())
}

/// A resolver that drops addresses that may not be connected to, so that a name cannot point inwards.
#[derive(Clone)]
struct Public {
    inner: GaiResolver,
    hosts: Hosts,
}

impl Service<Name> for Public {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.hosts.reach(name.as_str());
        let found = self.inner.call(name);
        Box::pin(async move {
            let fits = |a: &SocketAddr| reach.is_some_and(|reach| reaches(reach, a.ip()));
            let all: Vec<SocketAddr> = found.await?.filter(fits).collect();
            if all.is_empty() {
                return Err(std::io::Error::other(Inward));
            }
            Ok(all.into_iter())
        })
    }
}
