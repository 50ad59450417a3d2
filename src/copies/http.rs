//! How a bucket is reached: with the client that is here already, and the authorities of the system.

use std::error::Error;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as Connect, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};

/// How long an answer may take to begin; a part of an upload is a request.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(10);

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector;

impl Connect for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        // Where to without TLS, the administrator says.
        let connector = https.https_or_http().enable_http1().wrap_connector(http);
        Ok(HttpClient::new(Service(Hyper::builder(TokioExecutor::new()).build(connector))))
    }
}

#[derive(Debug)]
struct Service(Hyper<HttpsConnector<HttpConnector>, HttpRequestBody>);

impl HttpService for Service {
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> BoxFuture<'f, Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        let answer = self.0.request(request);
        async move {
            let answer = match tokio::time::timeout(TIMEOUT, answer).await {
                Ok(answer) => answer.map_err(|error| failed(kind(&error), error))?,
                Err(late) => return Err(failed(HttpErrorKind::Timeout, late)),
            };
            let (head, body) = answer.into_parts();
            let body = body.map_err(|error| failed(HttpErrorKind::Interrupted, error));
            Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
        }
        .boxed()
    }
}

fn kind(error: &hyper_util::client::legacy::Error) -> HttpErrorKind {
    if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted }
}

fn failed(kind: HttpErrorKind, error: impl Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(kind, error)
}
