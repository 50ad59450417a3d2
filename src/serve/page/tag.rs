//! A tag of each page, by which who has it already is told so.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Far more than a page has.
const MOST: usize = 16 << 20;

/// Tags what is shown, and leaves it out where the tag is known.
pub(super) async fn tagged(request: Request, next: Next) -> Response {
    let get = request.method() == Method::GET;
    let known = request.headers().get_all(header::IF_NONE_MATCH).into_iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    if !get || response.status() != StatusCode::OK {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MOST).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let digest: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digest}\"");
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    if known.iter().any(|value| names(value, &tag)) {
        return (StatusCode::NOT_MODIFIED, only_tag(&head.headers)).into_response();
    }
    Response::from_parts(head, Body::from(bytes))
}

fn only_tag(headers: &HeaderMap) -> HeaderMap {
    headers.get(header::ETAG).map(|tag| (header::ETAG, tag.clone())).into_iter().collect()
}

/// Whether a list of tags has this one; a proxy may have made it a weak one.
fn names(value: &HeaderValue, tag: &str) -> bool {
    let list = value.to_str().unwrap_or_default();
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        for (value, found) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(value), "\"a\""), found, "{value}");
        }
    }
}
