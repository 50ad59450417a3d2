//! Downloads from where GitHub redirects to: signed addresses of a storage service.
//!
//! A client of its own, so that no credential can leave with a redirect: it knows none.

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

use super::transport::AGENT;
use super::{ApiBase, Result, error};

/// Redirects that are followed.
const MAX_HOPS: usize = 3;

/// Reads signed addresses.
#[derive(Clone)]
pub(super) struct Client {
    hyper: Hyper<HttpsConnector<HttpConnector<Public>>, Empty<Bytes>>,
    reach: Reach,
    timeout: Duration,
}

/// Which addresses may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Public ones.
    Public,
    /// Private ones too: the API itself is a server of the same network.
    Private,
    /// This machine too: the API is here.
    Loopback,
}

impl Client {
    pub fn new(base: &ApiBase, timeout: Duration) -> anyhow::Result<Self> {
        let reach = if base.is_loopback() {
            Reach::Loopback
        } else if base.is_github_com() {
            Reach::Public
        } else {
            Reach::Private
        };
        let mut http = HttpConnector::new_with_resolver(Public { inner: GaiResolver::new(), reach });
        http.enforce_http(false);
        http.set_connect_timeout(Some(timeout));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self { hyper: Hyper::builder(TokioExecutor::new()).build(https), reach, timeout })
    }

    /// What a storage service has at an address, after redirects.
    pub async fn open(&self, target: &str, what: &str) -> Result<Response<Incoming>> {
        let mut target = target.to_owned();
        for _ in 0..=MAX_HOPS {
            let request = Request::get(self.allowed(&target, what)?)
                .header(http::header::USER_AGENT, AGENT)
                .body(Empty::new())
                .map_err(|_| error::invalid(what, "has an address that cannot be asked"))?;
            let response = match tokio::time::timeout(self.timeout, self.hyper.request(request)).await {
                Ok(sent) => sent.map_err(|_| error::unreachable(what, "the download failed"))?,
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

    /// HTTPS to a place that may be read; plain HTTP on this machine if the API is here.
    fn allowed(&self, target: &str, what: &str) -> Result<Uri> {
        let refuse = || error::invalid(what, "redirects to an address that is not allowed");
        let uri: Uri = target.parse().map_err(|_| refuse())?;
        let host = uri.host().ok_or_else(refuse)?.trim_start_matches('[').trim_end_matches(']');
        let ip = host.parse::<IpAddr>().ok();
        if ip.is_some_and(|ip| !reaches(self.reach, ip)) {
            return Err(refuse());
        }
        let local = ip.is_some_and(|ip| ip.is_loopback()) || host == "localhost";
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if local && self.reach == Reach::Loopback => Ok(uri),
            _ => Err(refuse()),
        }
    }
}

/// Whether an address may be connected to.
fn reaches(reach: Reach, ip: IpAddr) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    let (link_local, private) = match ip {
        IpAddr::V4(v4) => (
            v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
            v4.is_private()
                || (v4.octets().first() == Some(&100)
                    && (64..128).contains(v4.octets().get(1).unwrap_or(&0))),
        ),
        IpAddr::V6(v6) => {
            (v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(), v6.is_unique_local())
        }
    };
    if link_local {
        return false;
    }
    match reach {
        Reach::Loopback => true,
        Reach::Private => !ip.is_loopback(),
        Reach::Public => !ip.is_loopback() && !private,
    }
}

/// A resolver that drops addresses that may not be connected to, so that a name cannot point inwards.
#[derive(Clone)]
struct Public {
    inner: GaiResolver,
    reach: Reach,
}

impl Service<Name> for Public {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        let found = self.inner.call(name);
        Box::pin(async move {
            let all: Vec<SocketAddr> = found.await?.filter(|a| reaches(reach, a.ip())).collect();
            if all.is_empty() {
                return Err(std::io::Error::other("the name points to no address that is allowed"));
            }
            Ok(all.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn inward_addresses_are_not_reached() {
        for (ip, public, private, loopback) in [
            ("8.8.8.8", true, true, true),
            ("10.0.0.1", false, true, true),
            ("100.64.0.1", false, true, true),
            ("127.0.0.1", false, false, true),
            ("169.254.169.254", false, false, false),
            ("::ffff:169.254.169.254", false, false, false),
            ("::1", false, false, true),
            ("fd00::1", false, true, true),
            ("fe80::1", false, false, false),
            ("0.0.0.0", false, false, false),
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(
                (reaches(Reach::Public, ip), reaches(Reach::Private, ip), reaches(Reach::Loopback, ip)),
                (public, private, loopback),
                "{ip}"
            );
        }
    }
}
