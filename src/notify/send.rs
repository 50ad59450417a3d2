//! Delivery to one sink: in order, signed, tried again within bounds.
//!
//! The signature is that of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, an
//! HMAC-SHA256 over all three with the body, so that what is recorded cannot be played back later.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use sha2::Sha256;
use tokio::sync::mpsc;

use super::{Event, Letter, Sink};
use crate::runtime::metrics::{Metrics, Telling};

/// How often and how long a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Deliveries of one event, the first included.
    pub most: u32,
    /// Pause after the first; each further one is twice as long.
    pub pause: Duration,
    /// Longest time for an answer.
    pub timeout: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        // 1, 2, 4, 8 and 16 seconds: a sink that restarts misses nothing, one that is gone holds nothing up for long.
        Self { most: 6, pause: Duration::from_secs(1), timeout: Duration::from_secs(10) }
    }
}

pub(super) struct Sender {
    name: String,
    /// Among the sinks.
    place: usize,
    metrics: Metrics,
    url: Uri,
    secret_file: Option<PathBuf>,
    retries: Retries,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why an event was not taken.
enum Failed {
    /// It may be taken later.
    Later(String),
    /// Asking again changes nothing.
    Never(String),
}

impl Sender {
    pub fn new(sink: &Sink, place: usize, retries: Retries, metrics: Metrics) -> anyhow::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(retries.timeout));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self {
            name: sink.name.clone(),
            place,
            metrics,
            url: sink.url.clone(),
            secret_file: sink.secret_file.clone(),
            retries,
            client: Client::builder(TokioExecutor::new()).build(https),
        })
    }

    /// Delivers one after the other.
    pub async fn run(self, mut letters: mpsc::Receiver<Letter>) {
        while let Some(Letter { event, change, told }) = letters.recv().await {
            let (sink, id) = (&self.name, &event.id);
            let outcome = match self.deliver(&event).await {
                Ok(()) => {
                    tracing::debug!(sink, id, "an event was delivered");
                    told.done(self.place, &change);
                    Telling::Delivered
                }
                // It would say the same again.
                Err(Failed::Never(why)) => {
                    tracing::warn!(sink, id, "an event was refused: {why}");
                    told.done(self.place, &change);
                    Telling::Refused
                }
                Err(Failed::Later(why)) => {
                    tracing::warn!(
                        sink,
                        id,
                        "an event was not delivered, and is told at the next look: {why}"
                    );
                    told.give_up(self.place, &change);
                    Telling::Failed
                }
            };
            self.metrics.told(outcome);
        }
    }

    async fn deliver(&self, event: &Event) -> Result<(), Failed> {
        let mut pause = self.retries.pause;
        let mut attempt = 1;
        loop {
            match self.once(event).await {
                Err(Failed::Later(why)) if attempt < self.retries.most => {
                    tracing::debug!(sink = self.name, "an event is sent again: {why}");
                }
                end => return end,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            attempt += 1;
        }
    }

    async fn once(&self, event: &Event) -> Result<(), Failed> {
        let mut request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header(header::USER_AGENT, concat!("testrun-operator/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &event.id);
        if let Some(path) = &self.secret_file {
            let now = Timestamp::now().as_second();
            let secret = secret(path).await.map_err(Failed::Later)?;
            let signature = signature(&secret, &event.id, now, &event.body).map_err(Failed::Never)?;
            request = request.header("webhook-timestamp", now).header("webhook-signature", signature);
        }
        let request =
            request.body(Full::new(event.body.clone())).map_err(|e| Failed::Never(e.to_string()))?;
        let answer = tokio::time::timeout(self.retries.timeout, self.client.request(request)).await;
        // What the sink says beside its code is nobody's business, and not read.
        let status = match answer {
            Ok(Ok(response)) => response.status(),
            Ok(Err(_)) => return Err(Failed::Later("the sink cannot be reached".to_owned())),
            Err(_) => return Err(Failed::Later("the sink did not answer in time".to_owned())),
        };
        let again = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        let told = format!("the sink answered {}", status.as_u16());
        match status.is_success() {
            true => Ok(()),
            false if again => Err(Failed::Later(told)),
            // A redirect is not followed: where events go is the administrator's to say.
            false => Err(Failed::Never(told)),
        }
    }
}

/// Read anew for each delivery, so that it can be replaced.
async fn secret(path: &PathBuf) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let text =
        tokio::fs::read_to_string(path).await.map_err(|e| format!("{shown} cannot be read: {}", e.kind()))?;
    let text = text.trim();
    let secret = match text.strip_prefix("whsec_") {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| format!("{shown} has no base64 after whsec_"))?
        }
        None => text.as_bytes().to_vec(),
    };
    if secret.len() < 16 {
        return Err(format!("{shown} holds a secret of less than 16 bytes"));
    }
    Ok(secret)
}

/// The value of `webhook-signature`.
fn signature(secret: &[u8], id: &str, now: i64, body: &[u8]) -> Result<HeaderValue, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| e.to_string())?;
    mac.update(format!("{id}.{now}.").as_bytes());
    mac.update(body);
    HeaderValue::from_str(&format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standards_own_example() {
        // The example of the Standard Webhooks specification.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let found =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(found.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
