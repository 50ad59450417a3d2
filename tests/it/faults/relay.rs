//! A relay between the operator and a server, at which single requests can go wrong.
//!
//! It speaks plain HTTP on loopback to the operator and passes each request on with the rights of whoever made the
//! relay. What happens to a request is decided by a rule, which sees every request in the order of arrival.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client as Plain;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// Path and query.
    pub path: String,
}

impl Call {
    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    /// Whether it begins a watch.
    pub fn is_watch(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    Pass,
    /// It never arrives, and no answer comes.
    Lost,
    /// It arrives and is carried out, and no answer comes.
    Unanswered,
    /// The connection is closed in place of an answer; the request does not arrive.
    Cut,
    /// It is carried out, and the connection closed in place of an answer.
    CutAfter,
    /// This answer, without having asked: status, headers, body.
    Answer(u16, &'static [(&'static str, &'static str)], String),
    /// It is carried out, and the answer is this.
    AnswerAfter(u16, String),
    /// It takes this much longer.
    Late(Duration),
}

/// The body of an error of the API server.
pub fn status(code: u16, reason: &str) -> String {
    serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
        "code": code, "reason": reason, "message": format!("as the test wants it: {reason}")})
    .to_string()
}

type Rule = Box<dyn FnMut(&Call) -> Fate + Send>;

enum Upstream {
    Kube(kube::Client),
    Http(Plain<HttpConnector, Full<Bytes>>, String),
}

/// What is done to watches, whose answers go on for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Streams {
    /// Counts how often all were cut.
    cuts: u64,
    /// Nothing more comes through, and nobody is told.
    stalled: bool,
}

struct Inner {
    upstream: Upstream,
    rule: Mutex<Rule>,
    calls: watch::Sender<Vec<Call>>,
    streams: watch::Sender<Streams>,
}

/// A running relay; it ends with this value.
pub struct Relay {
    inner: Arc<Inner>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Relay {
    /// In front of an API server, with the rights of a client.
    pub async fn to_kube(client: kube::Client) -> Self {
        Self::start(Upstream::Kube(client)).await
    }

    /// In front of a server that speaks plain HTTP.
    pub async fn to_http(url: &str) -> Self {
        let client = Plain::builder(TokioExecutor::new()).build_http();
        Self::start(Upstream::Http(client, url.trim_end_matches('/').to_owned())).await
    }

    async fn start(upstream: Upstream) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            upstream,
            rule: Mutex::new(Box::new(|_| Fate::Pass)),
            calls: watch::Sender::new(Vec::new()),
            streams: watch::Sender::default(),
        });
        let served = inner.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, served.clone()));
            }
        });
        Self { inner, address, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig for a client that needs no credential to get here.
    pub fn kubeconfig(&self, namespace: &str) -> serde_json::Value {
        serde_json::json!({"apiVersion": "v1", "kind": "Config", "current-context": "relay",
            "clusters": [{"name": "relay", "cluster": {"server": self.url()}}],
            "users": [{"name": "relay", "user": {}}],
            "contexts": [{"name": "relay", "context": {"cluster": "relay", "user": "relay", "namespace": namespace}}]})
    }

    /// From now on this decides.
    pub fn rule(&self, rule: impl FnMut(&Call) -> Fate + Send + 'static) {
        *lock(&self.inner.rule) = Box::new(rule);
    }

    /// From now on everything passes.
    pub fn heal(&self) {
        self.rule(|_| Fate::Pass);
        self.inner.streams.send_modify(|s| s.stalled = false);
    }

    /// Cuts every watch.
    pub fn cut_streams(&self) {
        self.inner.streams.send_modify(|s| s.cuts += 1);
    }

    /// Holds every watch, without a word.
    pub fn stall_streams(&self) {
        self.inner.streams.send_modify(|s| s.stalled = true);
    }

    /// All requests so far.
    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.borrow().clone()
    }

    /// Waits for requests.
    pub async fn until(&self, what: &str, is: impl FnMut(&Vec<Call>) -> bool) {
        let mut calls = self.inner.calls.subscribe();
        crate::controller::bench::soon(what, calls.wait_for(is)).await.unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_streams();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error of the service closes the connection without an answer.
async fn connection(stream: TcpStream, inner: Arc<Inner>) {
    let service = service_fn(move |request| answer(request, inner.clone()));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, inner: Arc<Inner>) -> std::io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let call = Call { method: parts.method.clone(), path };
    let body = body.collect().await.map_err(|_| cut())?.to_bytes();
    let fate = lock(&inner.rule)(&call);
    inner.calls.send_modify(|all| all.push(call.clone()));
    match fate {
        Fate::Pass => inner.forward(&call, parts.headers, body).await,
        Fate::Lost => std::future::pending().await,
        Fate::Unanswered => {
            let _ = inner.forward(&call, parts.headers, body).await;
            std::future::pending().await
        }
        Fate::Cut => Err(cut()),
        Fate::CutAfter => {
            let _ = inner.forward(&call, parts.headers, body).await;
            Err(cut())
        }
        Fate::Answer(code, headers, text) => {
            let mut response = made(code, text);
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            Ok(response)
        }
        Fate::AnswerAfter(code, text) => {
            let _ = inner.forward(&call, parts.headers, body).await;
            Ok(made(code, text))
        }
        Fate::Late(time) => {
            tokio::time::sleep(time).await;
            inner.forward(&call, parts.headers, body).await
        }
    }
}

fn made(code: u16, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

fn cut() -> std::io::Error {
    std::io::Error::other("cut, as the test wants it")
}

impl Inner {
    async fn forward(&self, call: &Call, headers: HeaderMap, body: Bytes) -> std::io::Result<Response<Body>> {
        let mut request = Request::builder().method(&call.method);
        for (name, value) in &headers {
            if !["host", "connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let (parts, data) = match &self.upstream {
            Upstream::Kube(client) => {
                let request = request.uri(&call.path).body(kube::client::Body::from(body.to_vec())).unwrap();
                let (parts, body) = client.send(request).await.map_err(std::io::Error::other)?.into_parts();
                (parts, body.map_err(std::io::Error::other).boxed_unsync())
            }
            Upstream::Http(client, base) => {
                let request = request.uri(format!("{base}{}", call.path)).body(Full::new(body)).unwrap();
                let (parts, body) =
                    client.request(request).await.map_err(std::io::Error::other)?.into_parts();
                (parts, body.map_err(std::io::Error::other).boxed_unsync())
            }
        };
        let data = if call.is_watch() { relayed(data, self.streams.subscribe()) } else { data };
        let mut response = Response::new(data);
        *response.status_mut() = parts.status;
        for (name, value) in &parts.headers {
            if !["connection", "transfer-encoding", "content-length"].contains(&name.as_str()) {
                response.headers_mut().append(name, value.clone());
            }
        }
        Ok(response)
    }
}

/// The data of a watch as long as nobody cuts it.
fn relayed(body: Body, streams: watch::Receiver<Streams>) -> Body {
    let born = streams.borrow().cuts;
    let data = futures::stream::unfold(Some((body, streams)), move |state| async move {
        let (mut body, mut streams) = state?;
        let frame = async {
            loop {
                match body.frame().await?.map(Frame::into_data) {
                    Ok(Ok(data)) => return Some(Ok(data)),
                    // Trailers.
                    Ok(Err(_)) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        let mut watched = streams.clone();
        let torn = async move {
            let _ = streams.wait_for(|s| s.cuts > born).await;
        };
        let next = tokio::select! { biased; () = torn => Some(Err(cut())), next = frame => next };
        if let Some(Ok(_)) = &next {
            // What came while everything was held comes when it is let go, or never.
            let _ = watched.wait_for(|s| !s.stalled || s.cuts > born).await;
            if watched.borrow().cuts > born {
                return Some((Err(cut()), None));
            }
        }
        let next = next?;
        let ended = next.is_err();
        Some((next, (!ended).then_some((body, watched))))
    });
    BodyExt::boxed_unsync(StreamBody::new(data.map(|d: std::io::Result<Bytes>| d.map(Frame::data))))
}
