//! A page for people: which reports there are, and each of them. Read-only, made on the server. One script of its own makes
//! it better, and nothing needs it.
//!
//! Who looks sees what RBAC lets them read, namespace by namespace. What they may not see and what is not there
//! look the same.

mod chart;
mod frame;
pub mod grid;
pub mod history;
pub mod overview;
pub mod patterns;
mod places;
pub mod report;
mod rights;
mod script;
mod tag;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

pub use rights::Part;

use super::auth::Guard;
use super::{Refusal, Site};
use crate::cli::render::markup;

/// What may be used, and by whom: one style, known by its digest, the own script, and nothing of another site.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = markup::source_of(frame::STYLE);
    format!(
        "default-src 'none'; style-src {style}; script-src 'self'; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Who is asked who somebody is, and where a proxy logs them in; empty where browsers ask for the token.
#[derive(Clone)]
struct Door {
    guard: Guard,
    login: Arc<str>,
}

pub(super) fn routes(guard: Guard, login: &str) -> Router<Site> {
    let door = Door { guard, login: login.into() };
    Router::new()
        .route("/", get(overview::page))
        .route("/grid", get(grid::page))
        .route("/history", get(history::page))
        .route("/patterns", get(patterns::page))
        .route("/reports/{namespace}/{name}", get(report::page))
        .layer(axum::middleware::from_fn(tag::tagged))
        .route(&script::ADDRESS, get(script::answer))
        .layer(axum::middleware::from_fn_with_state(door, known))
}

/// A page that is not shown, and why.
struct NoPage(Refusal);

impl From<Refusal> for NoPage {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for NoPage {
    fn into_response(self) -> Response {
        let Refusal { status, message } = self.0;
        let mut response = refused(status, |out| out.element("p", "", &message));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn refused(status: StatusCode, why: impl FnOnce(&mut markup::Markup)) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let page = frame::page(title, None, |out| {
        out.element("h1", "", title);
        why(out);
    });
    (status, Html(page)).into_response()
}

impl Door {
    /// The answer to somebody who is not known.
    fn closed(&self, message: &str, request: &Request) -> Response {
        let mut response = refused(StatusCode::UNAUTHORIZED, |out| {
            if self.login.is_empty() {
                return out.element("p", "", message);
            }
            out.element("p", "", "You are not logged in any more, or the cluster does not take this login.");
            let here = request.uri().path_and_query().map_or("/", |here| here.as_str());
            out.raw("<p>");
            // A link: a redirect would go round for ever where the cluster never takes it.
            out.anchor("Log in again", &frame::address(&self.login, &[("rd", here)]));
            out.raw("</p>\n");
            out.element("p", "", &format!("For whoever runs this page: {message}."));
        });
        let mut add = |scheme| {
            response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        };
        // Browsers ask for a name and a password at the first: the token is the password. Behind a proxy they must not:
        // what is typed then would hide the login.
        if self.login.is_empty() && !self.guard.is_handed(request.headers()) {
            add("Basic realm=\"testrun-operator\", charset=\"UTF-8\"");
        }
        add("Bearer realm=\"testrun-operator\"");
        response
    }
}

/// Tells handlers who asks, and browsers what a page may do.
async fn known(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let mut response = match door.guard.user(request.headers()).await {
        Ok(user) => {
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED => door.closed(&refusal.message, &request),
        Err(refusal) => NoPage(refusal).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // Only the script says of itself that it may be kept.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A question, or what one may have.
fn read_query<T>(question: Result<Query<T>, QueryRejection>, may_have: &str) -> Result<T, NoPage> {
    let wrong = |_| bad(format!("The query may have {may_have}, each once."));
    question.map(|Query(question)| question).map_err(wrong)
}

fn bad(message: impl Into<String>) -> NoPage {
    NoPage(Refusal::new(StatusCode::BAD_REQUEST, message))
}

/// What may not be seen looks as if it were not there.
fn hidden(refusal: Refusal) -> NoPage {
    match refusal.status {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => nothing(),
        _ => NoPage(refusal),
    }
}

fn nothing() -> NoPage {
    NoPage(Refusal::new(StatusCode::NOT_FOUND, "There is no such thing here, or you may not see it."))
}
