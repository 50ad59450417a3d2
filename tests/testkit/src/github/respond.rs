//! Answers on their way out: bodies, tags, links, and the faults that bend them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::body::{Pieces, Reset};
use super::faults::{Fault, overwrite};
use super::server::In;
use super::state::State;
use super::{hex, routes, uri, wire};

/// Headers and payload of an answer before it goes out.
pub struct Out {
    /// Status.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub content: Bytes,
}

/// Answers that a fault gives before anything is looked at.
pub fn early(fault: &Option<Fault>) -> Option<Out> {
    match fault.as_ref()? {
        Fault::Status(code) => Some(plain(*code, "Played fault")),
        Fault::Answer(code, text) => Some(Out {
            status: *code,
            headers: vec![("content-type".into(), "text/html".into())],
            content: text.clone().into(),
        }),
        Fault::Garbage(text) => Some(Out {
            status: 200,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            content: text.clone().into(),
        }),
        Fault::Redirect(to) => {
            let mut out = plain(302, "Found");
            out.headers.push(("location".into(), to.clone()));
            Some(out)
        }
        Fault::PrimaryLimit => Some(plain(403, "API rate limit exceeded for installation.")),
        Fault::SecondaryLimit(code, after) => {
            let mut out = plain(*code, SECONDARY);
            out.headers.extend(after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
            Some(out)
        }
        _ => None,
    }
}

/// What a secondary limit says.
pub const SECONDARY: &str =
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

/// GitHub's usual error body.
pub fn plain(status: u16, message: &str) -> Out {
    let content = serde_json::to_vec(&wire::error(status, message)).unwrap_or_default();
    let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Out { status, headers, content: content.into() }
}

/// Turns an answer into what goes on the wire; a fault may keep it, cut it or stretch it.
pub async fn send(out: Out, fault: Option<Fault>, reset: &Reset) -> Response<Body> {
    match &fault {
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Reset) => reset.order(),
        _ => {}
    }
    let body = match fault {
        Some(Fault::Truncate) => Body::new(Pieces::truncated(out.content)),
        Some(Fault::SlowBody(size, pause)) => Body::new(Pieces::slow(out.content, size, pause)),
        Some(Fault::Oversized(size)) => Body::new(Pieces::oversized(out.content, size)),
        _ => Body::from(out.content),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(out.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in out.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// SHA-256 over the headers that vary and the body, as observed on the real service.
pub fn etag(asked: &In, content: &[u8]) -> String {
    let mut hash = Sha256::new();
    for name in ["accept", "authorization", "cookie"] {
        for (_, value) in asked.headers.iter().filter(|(key, _)| key == name) {
            hash.update(value.as_bytes());
            hash.update(b":");
        }
    }
    hash.update(content);
    hex(&hash.finalize())
}

/// Whether an `If-None-Match` header names the tag.
pub fn names_tag(sent: &str, tag: &str) -> bool {
    let weak = |text: &str| text.trim().trim_start_matches("W/").trim_matches('"') == tag;
    sent.split(',').any(weak)
}

/// The `Link` header: absolute, by repository id.
pub fn link(state: &State, asked: &In, page: routes::Page, fault: &Option<Fault>) -> String {
    let mut segments = asked.path.trim_start_matches("/repos/").splitn(3, '/');
    let (owner, name, rest) = (segments.next(), segments.next(), segments.next());
    let repo = match (owner, name) {
        (Some(owner), Some(name)) => state.repo_by_name(&format!("{owner}/{name}")),
        _ => None,
    };
    let base = match repo {
        Some(repo) => format!("{}/repositories/{}/{}", state.urls.api, repo.id, rest.unwrap_or_default()),
        None => format!("{}{}", state.urls.api, asked.path),
    };
    let base = match fault {
        Some(Fault::ForeignLink(origin)) => base.replacen(&state.urls.api, origin, 1),
        _ => base,
    };
    let to = |number: usize, rel: &str| {
        let mut pairs: Vec<String> = asked
            .query
            .iter()
            .filter(|(name, _)| name != "page")
            .map(|(name, value)| format!("{}={}", uri::encode(name), uri::encode(value)))
            .collect();
        pairs.push(format!("page={number}"));
        format!("<{base}?{}>; rel=\"{rel}\"", pairs.join("&"))
    };
    let mut links = Vec::new();
    if page.number > 1 {
        links.push(to((page.number - 1).min(page.last), "prev"));
    }
    if matches!(fault, Some(Fault::LoopingLink)) {
        links.push(to(page.number, "next"));
    } else if page.number < page.last {
        links.push(to(page.number + 1, "next"));
        links.push(to(page.last, "last"));
    }
    if page.number > 1 {
        links.push(to(1, "first"));
    }
    links.join(", ")
}

/// Faults that bend a body.
pub fn bend(body: &mut Value, fault: &Option<Fault>) {
    match fault {
        Some(Fault::WrongTotalCount(by)) => {
            if let Some(slot) = body.get_mut("total_count")
                && let Some(count) = slot.as_i64()
            {
                *slot = Value::from((count + by).max(0));
            }
        }
        Some(Fault::NullConclusion) => overwrite(body, "conclusion", &Value::Null),
        Some(Fault::UnknownConclusion(text)) => overwrite(body, "conclusion", &Value::String(text.clone())),
        Some(Fault::UnknownStatus(text)) => overwrite(body, "status", &Value::String(text.clone())),
        Some(Fault::Edit(change)) => change(body),
        _ => {}
    }
}
