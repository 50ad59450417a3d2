//! From a request to an answer: ledger, faults, credentials, limits, checks, handler, headers.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{Request as HttpRequest, Response};
use bytes::Bytes;

use super::auth::{self, Principal};
use super::body::Reset;
use super::faults::{Fault, Faults};
use super::ledger::{Origin, Request};
use super::oas::{Operation, Spec};
use super::respond::{Out, SECONDARY, bend, early, etag, link, names_tag, plain, send};
use super::routes::{self, Call, Reply};
use super::state::State;
use super::{blobs, graphql, uri};

/// The largest request body that is read.
const BODY_MAX: usize = 4 << 20;

/// What the listeners and the test share.
pub struct Server {
    pub(super) state: Mutex<State>,
    pub(super) requests: Mutex<Vec<Request>>,
    pub(super) numbers: AtomicU64,
    /// API requests that are being answered now, and the most that ever were.
    pub(super) in_flight: Mutex<(usize, usize)>,
    pub(super) arrived: Condvar,
    pub(super) faults: Mutex<Faults>,
    pub(super) spec: &'static Spec,
    pub(super) started: Instant,
    pub(super) advanced: Mutex<Duration>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request, read and understood.
pub(super) struct In {
    pub(super) number: u64,
    pub(super) method: String,
    /// `/repos/{owner}/{repo}/...` even when it was asked for by id.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    raw_query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Bytes,
}

impl In {
    /// What follows `/repos/{owner}/{repo}` in path and query, as it was sent.
    fn tail(&self) -> String {
        let path = self.path.splitn(5, '/').nth(4).map(|rest| format!("/{rest}")).unwrap_or_default();
        let mark = if self.raw_query.is_empty() { "" } else { "?" };
        format!("{path}{mark}{}", self.raw_query)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Counts a request as open until it is dropped: answered, or given up by the client.
struct Open(Arc<Server>);

impl Open {
    fn new(server: &Arc<Server>) -> Self {
        let mut counts = lock(&server.in_flight);
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        drop(counts);
        Self(server.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.in_flight).0 -= 1;
    }
}

/// Answers a request to the API.
pub async fn api(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(reset): ConnectInfo<Reset>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let _open = Open::new(&server);
    let (asked, prefixed) = server.receive(Origin::Api, request).await;
    let routed = server.spec.route(&asked.method, &asked.path);
    let template = routed.as_ref().map(|(operation, _)| operation.template.clone()).unwrap_or_default();
    let fault = lock(&server.faults).hit(Origin::Api, &asked.method, &asked.path, &template);
    let mut out = match early(&fault) {
        Some(out) => server.dress(out, &asked),
        None if !prefixed => {
            server.violation(&asked, "an Enterprise Server is asked below /api/v3 only");
            server.dress(plain(404, "Not Found"), &asked)
        }
        None if asked.path == graphql::PATH => server.query(&asked, &fault),
        None => server.answer(&asked, routed, &fault),
    };
    if let Some(Fault::PrimaryLimit) = fault {
        for (name, value) in &mut out.headers {
            if name == "x-ratelimit-remaining" {
                *value = "0".into();
            }
        }
    }
    server.note(asked.number, &template, &out, &fault);
    send(out, fault, &reset).await
}

/// Answers a request to the second origin.
pub async fn blob(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(reset): ConnectInfo<Reset>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let path = request.uri().path().to_owned();
    let (asked, _) = server.receive(Origin::Blobs, request).await;
    let fault = lock(&server.faults).hit(Origin::Blobs, &asked.method, &path, "");
    let out = early(&fault).unwrap_or_else(|| {
        let authorized = asked.header("authorization").is_some();
        let found = blobs::serve(&mut server.state(), &asked.method, &path, &query, authorized);
        let headers = vec![("content-type".to_owned(), found.media_type.to_owned())];
        Out { status: found.status, headers, content: found.content.into() }
    });
    server.note(asked.number, "", &out, &fault);
    send(out, fault, &reset).await
}

impl Server {
    /// The state with its wire time brought up to date.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let wire = self.started.elapsed() + *lock(&self.advanced);
        let mut state = lock(&self.state);
        state.wire = wire;
        state
    }

    /// Moves the scenario's clock; a change of the script that panics is a violation.
    pub(super) fn move_clock(&self, by: Duration) {
        let mut state = self.state();
        let target = state.now + by;
        let played = catch_unwind(AssertUnwindSafe(|| state.advance_to(target)));
        if let Err(panic) = played {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            let text = format!("a change of the script failed: {said}");
            state.violations.push(text);
        }
    }

    pub(super) fn violation(&self, asked: &In, what: &str) {
        let text = format!("{} {}: {what}", asked.method, asked.path);
        lock(&self.state).violations.push(text);
    }

    /// Reads a request and enters it into the ledger; false when the API prefix is missing.
    async fn receive(&self, origin: Origin, request: HttpRequest<Body>) -> (In, bool) {
        let (parts, body) = request.into_parts();
        let content = axum::body::to_bytes(body, BODY_MAX).await.unwrap_or_default();
        let raw = parts.uri.path().to_owned();
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let state = self.state();
        let stripped = match state.ghes && origin == Origin::Api {
            true if raw == "/api/graphql" => Some(graphql::PATH),
            true => {
                raw.strip_prefix("/api/v3").filter(|rest| rest.starts_with('/') && *rest != graphql::PATH)
            }
            false => Some(raw.as_str()),
        };
        let prefixed = stripped.is_some();
        let path = routes::by_name(&state, stripped.unwrap_or(&raw));
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let query = uri::query_pairs(&raw_query);
        let mut requests = lock(&self.requests);
        let number = self.numbers.fetch_add(1, Ordering::SeqCst) + 1;
        let method = parts.method.as_str().to_owned();
        requests.push(Request {
            number,
            origin,
            method: method.clone(),
            path: path.clone(),
            raw_path: raw,
            template: String::new(),
            query: query.clone(),
            headers: headers.clone(),
            body: serde_json::from_slice(&content).ok(),
            status: 0,
            conditional: headers.iter().any(|(name, _)| name == "if-none-match"),
            counted: false,
            fault: None,
            bytes: 0,
            at: state.now,
            instant: Instant::now(),
        });
        self.arrived.notify_all();
        (In { number, method, path, query, raw_query, headers, content }, prefixed)
    }

    /// Completes the ledger's line.
    fn note(&self, number: u64, template: &str, out: &Out, fault: &Option<Fault>) {
        let mut requests = lock(&self.requests);
        if let Some(line) = requests.iter_mut().rev().find(|line| line.number == number) {
            let cut = matches!(fault, Some(Fault::Hang | Fault::Reset));
            line.status = if cut { 0 } else { out.status };
            line.template = template.to_owned();
            line.fault = fault.as_ref().map(|fault| format!("{fault:?}"));
            line.bytes = out.content.len();
        }
        drop(requests);
        self.arrived.notify_all();
    }

    /// The ordinary way.
    fn answer(
        &self,
        asked: &In,
        routed: Option<(&Operation, BTreeMap<String, String>)>,
        fault: &Option<Fault>,
    ) -> Out {
        if asked.header("user-agent").is_none_or(str::is_empty) {
            self.violation(asked, "a User-Agent header is required");
            return plain(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
            );
        }
        match &routed {
            None => {
                let known = self.spec.knows_path(&asked.path);
                let what = if known { "this method is not described" } else { "this path is not described" };
                self.violation(asked, what);
            }
            Some((operation, params)) => {
                for found in self.spec.check_request(operation, params, &asked.query, &asked.content) {
                    self.violation(asked, &found);
                }
            }
        }
        let mut state = self.state();
        let principal = match auth::authenticate(&state, asked.header("authorization")) {
            Ok(principal) => principal,
            Err(message) => {
                drop(state);
                return self.dress(plain(401, message), asked);
            }
        };
        if let Some(out) = self.limited(&mut state, asked, &principal) {
            return out;
        }
        let (operation, params) = match routed {
            Some(found) => found,
            None => {
                let out = self.headers(&mut state, plain(404, "Not Found"), asked, &principal);
                self.count(&mut state, asked, &principal);
                return out;
            }
        };
        let call = Call {
            params,
            query: asked.query.iter().cloned().collect(),
            body: serde_json::from_slice(&asked.content).unwrap_or_default(),
            principal: &principal,
            repo: 0,
            tail: asked.tail(),
        };
        let reply = routes::dispatch(&mut state, &operation.key(), call);
        let found = match state.check_answers {
            true => self.spec.check_response(operation, reply.status, reply.body.as_ref()),
            false => Vec::new(),
        };
        for what in found {
            let text = format!("answer to {} {} ({}): {what}", asked.method, asked.path, reply.status);
            state.violations.push(text);
        }
        self.finish(&mut state, asked, &principal, reply, fault)
    }

    /// Puts headers on a handler's answer, after faults have bent it.
    fn finish(
        &self,
        state: &mut State,
        asked: &In,
        principal: &Principal,
        mut reply: Reply,
        fault: &Option<Fault>,
    ) -> Out {
        if let Some(body) = &mut reply.body {
            bend(body, fault);
        }
        let content: Bytes = match &reply.body {
            Some(body) => serde_json::to_vec(body).unwrap_or_default().into(),
            None => Bytes::new(),
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        if reply.body.is_some() {
            headers.push(("content-type".into(), "application/json; charset=utf-8".into()));
        }
        headers.extend(reply.location.map(|to| ("location".to_owned(), to)));
        headers.extend(reply.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let lying = matches!(fault, Some(Fault::LoopingLink | Fault::ForeignLink(_)));
        if let Some(mut page) = reply.page.filter(|page| page.last > 1 || lying) {
            if lying {
                page.last = page.last.max(page.number + 1);
            }
            headers.push(("link".into(), link(state, asked, page, fault)));
        }
        let mut out = Out { status: reply.status, headers, content };
        let tagged = asked.method == "GET" && out.status == 200 && !matches!(fault, Some(Fault::NoEtag));
        if tagged {
            let tag = etag(asked, &out.content);
            let known = asked.header("if-none-match").is_some_and(|sent| names_tag(sent, &tag));
            if known && !matches!(fault, Some(Fault::IgnoreConditional)) {
                out.status = 304;
                out.content = Bytes::new();
                out.headers.retain(|(name, _)| name != "content-type");
            }
            out.headers.push(("etag".into(), format!("W/\"{tag}\"")));
            out.headers.push(("cache-control".into(), "private, max-age=60, s-maxage=60".into()));
        }
        let free = out.status == 304 || asked.path == "/rate_limit";
        if !free {
            self.count(state, asked, principal);
        }
        self.headers(state, out, asked, principal)
    }

    fn count(&self, state: &mut State, asked: &In, principal: &Principal) {
        let now = state.now;
        state.limits.count(&principal.key(), now);
        let mut requests = lock(&self.requests);
        if let Some(line) = requests.iter_mut().rev().find(|line| line.number == asked.number) {
            line.counted = true;
        }
    }

    /// The refusal of a request beyond a limit.
    fn limited(&self, state: &mut State, asked: &In, principal: &Principal) -> Option<Out> {
        if !state.limits.enabled || asked.path == "/rate_limit" {
            return None;
        }
        let (key, now) = (principal.key(), state.now);
        let points = if asked.method == "GET" { 1 } else { 5 };
        if !state.limits.admits_points(points, now) {
            let mut out = plain(state.limits.secondary_status, SECONDARY);
            if let Some(seconds) = state.limits.secondary_retry_after {
                out.headers.push(("retry-after".into(), seconds.to_string()));
            }
            return Some(self.headers(state, out, asked, principal));
        }
        if !state.limits.admits(&key, now) {
            let message = match principal {
                Principal::Token(token) => match token.installation {
                    Some(id) => format!("API rate limit exceeded for installation ID {id}."),
                    None => "API rate limit exceeded for user.".into(),
                },
                _ => "API rate limit exceeded.".into(),
            };
            let out = plain(state.limits.primary_status, &message);
            return Some(self.headers(state, out, asked, principal));
        }
        None
    }

    /// Headers for an answer that needs no principal.
    pub(super) fn dress(&self, out: Out, asked: &In) -> Out {
        let mut state = self.state();
        let principal = auth::authenticate(&state, asked.header("authorization"));
        self.headers(&mut state, out, asked, &principal.unwrap_or(Principal::Anonymous))
    }

    pub(super) fn headers(&self, state: &mut State, mut out: Out, asked: &In, principal: &Principal) -> Out {
        let now = state.now;
        let mut put = |name: &str, value: String| out.headers.push((name.to_owned(), value));
        put("server", "github.com".into());
        put("date", now.http_date());
        put(
            "vary",
            "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With".into(),
        );
        put("x-github-media-type", "github.v3; format=json".into());
        put(
            "x-github-api-version-selected",
            asked.header("x-github-api-version").unwrap_or("2022-11-28").into(),
        );
        put("x-github-request-id", format!("{:04X}:FA4E:{:08X}", asked.number, asked.number));
        if state.ghes {
            put("x-github-enterprise-version", "3.17.0".into());
        }
        if state.limits.enabled {
            let budget = state.limits.budget(&limit_key(principal, asked), now);
            put("x-ratelimit-limit", budget.limit.to_string());
            put("x-ratelimit-remaining", budget.remaining().to_string());
            put("x-ratelimit-used", budget.used.to_string());
            put("x-ratelimit-reset", budget.reset.to_string());
            let resource = if asked.path == graphql::PATH { "graphql" } else { "core" };
            put("x-ratelimit-resource", resource.into());
        }
        out
    }
}

/// The name under which a limit counts a request.
pub(super) fn limit_key(principal: &Principal, asked: &In) -> String {
    let key = principal.key();
    if asked.path == graphql::PATH { format!("graphql {key}") } else { key }
}
