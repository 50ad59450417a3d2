//! The second origin: logs and archives behind signed URLs that live for one minute.
//!
//! It knows no credentials. A request that carries `Authorization` is refused and recorded as a
//! violation: such a header must not leave the API's origin.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::routes;
use super::state::State;
use super::{hex, uri};

const LIFETIME: Duration = Duration::from_secs(60);
const SECRET: &str = "known to the second origin alone";

/// A signed URL for a path of the second origin.
pub fn sign(state: &State, path: &str) -> String {
    let until = (state.wire + LIFETIME).as_millis();
    format!("{}{path}?se={until}&sp=r&sig={}", state.urls.blobs, signature(path, until))
}

fn signature(path: &str, until: u128) -> String {
    let mut digits = hex(&Sha256::digest(format!("{SECRET}\n{path}\n{until}")));
    digits.truncate(32);
    digits
}

/// An answer of the second origin.
pub struct Blob {
    /// Status.
    pub status: u16,
    /// Media type.
    pub media_type: &'static str,
    /// Content.
    pub content: Vec<u8>,
}

fn refusal(status: u16, code: &str) -> Blob {
    let content =
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code></Error>");
    Blob { status, media_type: "application/xml", content: content.into_bytes() }
}

/// Answers a request for a path with a query; `authorized` when it carried `Authorization`.
pub fn serve(state: &mut State, method: &str, path: &str, query: &str, authorized: bool) -> Blob {
    if authorized {
        state.violations.push(format!("{method} {path}: Authorization was sent to the second origin"));
        return refusal(400, "InvalidAuthenticationInfo");
    }
    if method != "GET" {
        state.violations.push(format!("{method} {path}: the second origin is only read"));
        return refusal(405, "UnsupportedHttpVerb");
    }
    let pairs = uri::query_pairs(query);
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let until: u128 = value("se").and_then(|text| text.parse().ok()).unwrap_or_default();
    if value("sig") != Some(&signature(path, until)) || state.wire.as_millis() >= until {
        return refusal(403, "AuthenticationFailed");
    }
    match content(state, path) {
        Some((media_type, content)) => Blob { status: 200, media_type, content },
        None => refusal(404, "BlobNotFound"),
    }
}

fn content(state: &State, path: &str) -> Option<(&'static str, Vec<u8>)> {
    let mut parts = path.trim_start_matches('/').split('/');
    let kind = parts.next()?;
    let repo = state.repo_by_id(parts.next()?.parse().ok()?)?;
    let next = parts.next()?;
    let number = |text: &str, end: &str| text.strip_suffix(end).and_then(|text| text.parse::<u64>().ok());
    match kind {
        "job-logs" => {
            let id = number(next, ".txt")?;
            let job = repo.jobs.iter().find(|job| job.id == id)?;
            Some(("text/plain; charset=utf-8", job.log.clone()?))
        }
        "artifacts" => {
            let id = number(next, ".zip")?;
            let artifact = repo.artifacts.iter().find(|artifact| artifact.id == id)?;
            Some(("application/zip", artifact.zip.clone()?))
        }
        "run-logs" => {
            let attempt = number(parts.next()?, ".zip")?;
            Some(("application/zip", routes::logs_zip(repo, next.parse().ok()?, attempt)))
        }
        _ => None,
    }
}
