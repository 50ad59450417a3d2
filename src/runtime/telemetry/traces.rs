//! Spans on their way to a collector: OTLP over HTTP, in batches, dropped where nobody takes them.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use crate::config::Tracing;

/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";
/// Longest time for one batch, and for what is left at the end.
const LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// Spans that are sent to a collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send; None where no collector is named.
    pub fn start(tracing: &Tracing, runtime: &Handle) -> anyhow::Result<Option<Self>> {
        if tracing.endpoint.is_empty() {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new(runtime.clone())?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{PATH}", tracing.endpoint.trim_end_matches('/')))
            .with_timeout(LIMIT)
            .build()
            .context("tracing.endpoint cannot be used")?;
        let resource = Resource::builder()
            .with_service_name("testrun-operator")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(tracing.sample_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler)
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self(provider)))
    }

    /// Takes in the spans of this crate; libraries have names of their own for what they do.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let ours = |meta: &Metadata<'_>| {
            meta.target().starts_with("testrun_operator") && (meta.is_span() || *meta.level() <= Level::INFO)
        };
        let tracer = self.0.tracer("testrun-operator");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what is left.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LIMIT) {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// Sends batches from a thread that has no runtime of its own.
#[derive(Debug)]
struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    /// The last batch was not taken: said once, and once more when it is over.
    fails: AtomicBool,
}

impl Sender {
    fn new(runtime: Handle) -> anyhow::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(LIMIT));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { client, runtime, fails: AtomicBool::new(false) })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let work = async move {
            let response = client.request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        };
        let limited = async move { tokio::time::timeout(LIMIT, work).await? };
        self.runtime.spawn(limited).await?
    }

    fn tell(&self, result: &Result<Response<Bytes>, HttpError>) {
        let problem = match result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        match (problem, self.fails.load(Ordering::Relaxed)) {
            (Some(problem), false) => tracing::warn!("the collector takes no traces: {problem}"),
            (None, true) => tracing::info!("the collector takes traces again"),
            _ => return,
        }
        self.fails.fetch_xor(true, Ordering::Relaxed);
    }
}

impl HttpClient for Sender {
    fn send_bytes<'s, 'a>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>
    where
        's: 'a,
        Self: 'a,
    {
        Box::pin(async move {
            let result = self.send(request).await;
            self.tell(&result);
            result
        })
    }
}
