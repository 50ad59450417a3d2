//! One delivery: bounded, verified over its raw bytes, and answered at once.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use hmac::{Hmac, Mac};
use http_body_util::BodyExt;
use lru::LruCache;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::forward::{self, Copy, Untold};
use super::stats::Outcome;
use super::{Leaders, Sink, Stats, event, trace};
use crate::connections::Live;
use crate::runtime::telemetry::Cause;

/// Path in front of the name of a connection.
pub(super) const ROOT: &str = "/webhooks/";
/// Ids of deliveries that are remembered: GitHub repeats one for three days, a busy hour has thousands.
const SEEN: usize = 16 << 10;
/// How long the secrets of a connection are believed before its files are read again.
const SECRETS: Duration = Duration::from_secs(5);
/// Secrets of a connection that are tried: the present one, the next one, and two by mistake.
const MAX_SECRETS: usize = 4;
/// A body whose digest is not computed between other work.
const LARGE: usize = 1 << 20;
/// Granularity of the memory for bodies.
const BLOCK: usize = 4096;

/// Bounds of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body; GitHub sends up to 25 MB.
    pub body: usize,
    /// Bytes of all bodies at the same time.
    pub bodies: usize,
    /// Time for one delivery from its first line to the answer; GitHub waits for ten seconds.
    pub time: Duration,
    /// Time for the headers of a request.
    pub headers: Duration,
    /// Connections at the same time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 25 << 20,
            bodies: 64 << 20,
            time: Duration::from_secs(8),
            headers: Duration::from_secs(5),
            connections: 512,
        }
    }
}

/// Receives deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    connections: Live,
    sink: Sink,
    stats: Stats,
    limits: Limits,
    blocks: Semaphore,
    leaders: Leaders,
    /// By delivery: whether all shards have it.
    seen: Mutex<LruCache<String, bool>>,
    /// By connection: when they were read, and what they were.
    secrets: Mutex<HashMap<String, (Instant, Secrets)>>,
}

type Secrets = Arc<Vec<SecretString>>;

/// An answer before it is one: what it counts as, its code, and what it says.
type Refusal = (Outcome, StatusCode, &'static str);

impl Receiver {
    /// Verifies with the webhook secrets of the connections, for a process that works alone.
    pub fn new(connections: Live, sink: Sink, stats: Stats, limits: Limits) -> Self {
        Self::among(Leaders::alone(), connections, sink, stats, limits)
    }

    /// The same for one of several replicas.
    pub fn among(leaders: Leaders, connections: Live, sink: Sink, stats: Stats, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            leaders,
            connections,
            sink,
            stats,
            limits,
            blocks: Semaphore::new(limits.bodies.div_ceil(BLOCK).max(1)),
            seen: Mutex::new(LruCache::new(NonZeroUsize::new(SEEN).unwrap_or(NonZeroUsize::MIN))),
            secrets: Mutex::default(),
        }))
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Whether an event was taken in for all shards, as far as that is remembered.
    pub fn has(&self, connection: &str, delivery: &str) -> bool {
        self.seen().peek(&key(connection, delivery)).copied().unwrap_or(false)
    }

    /// Takes a delivery.
    pub async fn receive<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let (outcome, status, says) = match self.taken(request).await {
            Ok(outcome) => (outcome, StatusCode::ACCEPTED, "taken in\n"),
            Err(refusal) => refusal,
        };
        self.0.stats.count(outcome);
        if outcome == Outcome::Unauthorized {
            tracing::debug!("a delivery was refused: {}", says.trim_end());
        }
        let mut response = Response::new(Body::from(says));
        *response.status_mut() = status;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
        }
        response
    }

    async fn taken<B>(&self, request: Request<B>) -> Result<Outcome, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let end = Instant::now() + self.0.limits.time;
        let (parts, body) = request.into_parts();
        let length = checked(&parts.method, &parts.headers, self.0.limits.body)?;
        let name = one(&parts.headers, "x-github-event")?.to_owned();
        let delivery = one(&parts.headers, "x-github-delivery")?.to_owned();
        let connection = parts.uri.path().strip_prefix(ROOT).unwrap_or_default();
        let copy_for = forward::shards(&parts.headers).map_err(|()| {
            (Outcome::Malformed, StatusCode::BAD_REQUEST, "Testrun-Shards is no list of numbers\n")
        })?;
        let signature = signature(&parts.headers).ok_or(UNAUTHORIZED)?;
        let secrets = self.secrets(connection).await.ok_or(UNAUTHORIZED)?;

        let blocks = u32::try_from(length.div_ceil(BLOCK).max(1)).unwrap_or(u32::MAX);
        let overloaded =
            (Outcome::Overloaded, StatusCode::SERVICE_UNAVAILABLE, "too many deliveries at once\n");
        let _room = timeout(self.0.limits.time / 4, self.0.blocks.acquire_many(blocks))
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(overloaded)?;
        let body = timeout_at(end, whole(body, length)).await.map_err(|_| {
            (Outcome::TooSlow, StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")
        })??;
        let good = if body.len() < LARGE {
            verified(&secrets, &body, &signature)
        } else {
            let (body, secrets) = (body.clone(), secrets.clone());
            let work = tokio::task::spawn_blocking(move || verified(&secrets, &body, &signature));
            work.await.unwrap_or(false)
        };
        if !good {
            return Err(UNAUTHORIZED);
        }
        let events = event::read(&name, &body).map_err(|_| {
            (Outcome::Unusable, StatusCode::BAD_REQUEST, "the body is not that of the event\n")
        })?;
        // The same id with the same signature says the same again.
        let key = key(connection, &delivery);
        if self.seen().get(&key).is_some() {
            return Ok(Outcome::Duplicate);
        }
        let span = tracing::debug_span!("delivery", connection, delivery, event = name);
        if copy_for.is_some() {
            trace::given(&parts.headers, &secrets, &signature).began(&span);
        }
        let cause = span.in_scope(|| {
            events.iter().for_each(|event| (self.0.sink)(connection, event));
            Cause::current()
        });
        let matters = events.iter().any(|e| e.kind != event::Kind::Other);
        let (outcome, whole) = match copy_for {
            Some(shards) if self.0.leaders.hold(&shards) => (Outcome::Accepted, self.0.leaders.all(&shards)),
            Some(_) => return Err(MISDIRECTED),
            None if !matters => (Outcome::Ignored, true),
            None => {
                let trace = trace::headers(&cause, &secrets, &signature);
                let copy = Copy { connection, headers: &parts.headers, body: &body, trace };
                match self.0.leaders.tell(&copy, end).await {
                    Ok(false) => (Outcome::Accepted, true),
                    Ok(true) => (Outcome::Forwarded, true),
                    Err(Untold::Busy) => return Err(overloaded),
                    Err(Untold::Shards(shards)) => {
                        tracing::warn!(
                            connection,
                            delivery,
                            ?shards,
                            "no replica that leads took a delivery"
                        );
                        return Err(UNREACHED);
                    }
                }
            }
        };
        self.seen().put(key, whole);
        Ok(if matters { outcome } else { Outcome::Ignored })
    }

    fn seen(&self) -> MutexGuard<'_, LruCache<String, bool>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secrets of a connection; none where it takes no webhooks or does not exist.
    async fn secrets(&self, connection: &str) -> Option<Secrets> {
        let now = Instant::now();
        {
            let known = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, secrets)) = known.get(connection)
                && now.duration_since(*at) < SECRETS
            {
                return Some(secrets.clone()).filter(|s| !s.is_empty());
            }
        }
        let found = Arc::clone(self.0.connections.now().named(connection)?);
        let mut secrets = found.webhook_secrets().await;
        secrets.truncate(MAX_SECRETS);
        let secrets = Arc::new(secrets);
        let mut known = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        // Only names of connections get in here, so the map stays as small as the configuration.
        known.retain(|name, _| self.0.connections.now().named(name).is_some());
        known.insert(connection.to_owned(), (now, secrets.clone()));
        Some(secrets).filter(|s| !s.is_empty())
    }
}

fn key(connection: &str, delivery: &str) -> String {
    format!("{connection} {delivery}")
}

/// The same for every reason, so that nobody learns which connections there are.
const UNAUTHORIZED: Refusal = (
    Outcome::Unauthorized,
    StatusCode::UNAUTHORIZED,
    "the signature is missing or wrong; expected X-Hub-Signature-256 with the connection's webhook secret\n",
);

const UNREACHED: Refusal = (
    Outcome::Unreached,
    StatusCode::SERVICE_UNAVAILABLE,
    "no replica that leads could be told; deliver it again\n",
);

const MISDIRECTED: Refusal = (
    Outcome::Misdirected,
    StatusCode::MISDIRECTED_REQUEST,
    "this replica does not hold all of these shards\n",
);

/// The length of a body that may be read.
fn checked(method: &Method, headers: &HeaderMap, most: usize) -> Result<usize, Refusal> {
    let malformed = |status, says| Err((Outcome::Malformed, status, says));
    if method != Method::POST {
        return malformed(StatusCode::METHOD_NOT_ALLOWED, "deliveries are sent with POST\n");
    }
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|v| {
        v.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        return malformed(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "set the webhook's content type to application/json\n",
        );
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    match length {
        None => malformed(StatusCode::LENGTH_REQUIRED, "a delivery has a Content-Length\n"),
        Some(length) if length > most => {
            Err((Outcome::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"))
        }
        Some(length) => Ok(length),
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refusal> {
    let missing = (
        Outcome::Malformed,
        StatusCode::BAD_REQUEST,
        "X-GitHub-Event and X-GitHub-Delivery are missing or too long\n",
    );
    let value = headers.get(name).and_then(|v| v.to_str().ok()).ok_or(missing)?;
    if (1..=128).contains(&value.len()) { Ok(value) } else { Err(missing) }
}

/// The signature in bytes.
fn signature(headers: &HeaderMap) -> Option<[u8; 32]> {
    digest(headers.get("x-hub-signature-256")?)
}

/// A signature as a header has it; only the SHA-256 form is one.
pub(super) fn digest(value: &header::HeaderValue) -> Option<[u8; 32]> {
    let hex = value.to_str().ok()?.strip_prefix("sha256=")?;
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The body, if it is as long as it was said to be.
async fn whole<B>(mut body: B, length: usize) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let broken = (Outcome::Malformed, StatusCode::BAD_REQUEST, "the body broke off\n");
    let mut out = BytesMut::with_capacity(length.min(1 << 20));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken)?.into_data() else { continue };
        if out.len() + data.len() > length {
            return Err(broken);
        }
        out.extend_from_slice(&data);
    }
    if out.len() == length { Ok(out.freeze()) } else { Err(broken) }
}

/// Compared in constant time with each secret.
fn verified(secrets: &[SecretString], body: &[u8], signature: &[u8; 32]) -> bool {
    let mut good = false;
    for secret in secrets {
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
            mac.update(body);
            good |= mac.verify_slice(signature).is_ok();
        }
    }
    good
}
