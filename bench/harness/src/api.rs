//! The API server as the harness talks to it: HTTP and JSON, with nothing in between.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::Value;
use testkit::controlplane::ControlPlane;
use tokio::time::Instant;

/// The group of reports.
pub const GROUP: &str = "/apis/testrun.dev/v1alpha1";
/// Asks for metadata only, which costs the harness next to nothing to read.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// A client of the API server. Clones share connections.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: Arc<str>,
    authorization: HeaderValue,
}

/// How often a watch is begun anew.
const MOST_WATCHES: usize = 50;

impl Api {
    /// A client with an administrator's rights.
    pub fn of(plane: &ControlPlane) -> Result<Self> {
        let token = plane.token("admin").context("the control plane has no administrator")?;
        Self::new(&plane.url(), &plane.authority_path(), token)
    }

    fn new(base: &str, authority: &Path, token: &str) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https =
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(https.wrap_connector(http)),
            base: Arc::from(base),
            authorization: HeaderValue::from_str(&format!("Bearer {token}"))?,
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        accept: &'static str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, kind)
            .body(Full::new(body))?;
        self.client.request(request).await.with_context(|| format!("{method} {path}"))
    }

    async fn done(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        accept: &'static str,
        body: Bytes,
    ) -> Result<Bytes> {
        let response = self.send(method.clone(), path, kind, accept, body).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let text =
            || String::from_utf8_lossy(body.get(..body.len().min(300)).unwrap_or_default()).into_owned();
        ensure!(status.is_success(), "{method} {path}: HTTP status {status}: {}", text());
        Ok(body)
    }

    /// Reads a document.
    pub async fn get(&self, path: &str) -> Result<Bytes> {
        self.done(Method::GET, path, "application/json", "application/json", Bytes::new()).await
    }

    /// Creates an object; the answer is its metadata.
    pub async fn create(&self, path: &str, body: Bytes) -> Result<Bytes> {
        self.done(Method::POST, path, "application/json", METADATA, body).await
    }

    /// Replaces an object.
    pub async fn replace(&self, path: &str, body: Bytes) -> Result<Bytes> {
        self.done(Method::PUT, path, "application/json", METADATA, body).await
    }

    /// Changes an object by a merge patch.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Bytes> {
        let body = Bytes::from(body.to_string());
        self.done(Method::PATCH, path, "application/merge-patch+json", METADATA, body).await
    }

    /// Deletes what a path names.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.done(Method::DELETE, path, "application/json", "application/json", Bytes::new()).await.map(drop)
    }

    /// Calls `seen` with the name of every report that comes into a phase, until it says that it has seen
    /// enough. `begun` is called when the watch is in place.
    pub async fn watch_phase(
        &self,
        namespace: &str,
        phase: &str,
        begun: impl FnOnce(),
        mut seen: impl FnMut(&str, Instant) -> bool,
    ) -> Result<()> {
        #[derive(Deserialize)]
        struct Event<'a> {
            r#type: &'a str,
            object: Object,
        }
        #[derive(Deserialize)]
        struct Object {
            #[serde(default)]
            metadata: Metadata,
        }
        #[derive(Default, Deserialize)]
        struct Metadata {
            #[serde(default)]
            name: String,
        }
        // Without a version it begins with what is there, also after the server has ended one that was too slow for it.
        let path = format!(
            "{GROUP}/namespaces/{namespace}/testrunreports?watch=true&timeoutSeconds=3600&fieldSelector=status.phase%3D{phase}"
        );
        let mut begun = Some(begun);
        for _ in 0..MOST_WATCHES {
            let response = loop {
                let response =
                    self.send(Method::GET, &path, "application/json", METADATA, Bytes::new()).await?;
                match response.status() {
                    status if status.is_success() => break response,
                    // A kind that was just defined is not watched by the server itself yet.
                    StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(Duration::from_millis(200)).await,
                    status => bail!("GET {path}: HTTP status {status}"),
                }
            };
            if let Some(begun) = begun.take() {
                begun();
            }
            let mut body = response.into_body();
            let mut rest: Vec<u8> = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                let now = Instant::now();
                let Ok(data) = frame.into_data() else { continue };
                rest.extend_from_slice(&data);
                let Some(end) = rest.iter().rposition(|b| *b == b'\n') else { continue };
                for line in
                    rest.get(..end).unwrap_or_default().split(|b| *b == b'\n').filter(|l| !l.is_empty())
                {
                    let event: Event<'_> = serde_json::from_slice(line)?;
                    match event.r#type {
                        "ADDED" | "MODIFIED" if !seen(&event.object.metadata.name, now) => return Ok(()),
                        "ERROR" => {
                            eprintln!("the watch of reports broke off: {}", String::from_utf8_lossy(line))
                        }
                        _ => {}
                    }
                }
                rest.drain(..=end);
            }
        }
        bail!("the watch of reports ended {MOST_WATCHES} times")
    }
}

/// Path of a report.
pub fn report(namespace: &str, name: &str) -> String {
    format!("{GROUP}/namespaces/{namespace}/testrunreports/{name}")
}
