//! Bodies by path, to ask GitHub only whether they changed: a 304 costs nothing of the rate limit.
//!
//! Every use is confirmed by GitHub with the credential of the moment; nothing is ever served unasked.
//! GitHub's ETag depends on the credential. Observed (github.com, 2026): it is the SHA-256 of
//! `value:` for each of Accept, Authorization and Cookie that `Vary` names and that was sent, then the
//! body. So the tag of a known body under a new token can be computed; where that is wrong, the answer
//! is a 200, and nothing but a request is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::error::header;

/// Bytes of all bodies that are kept, where nothing else is said.
const MAX_BYTES: usize = 64 << 20;

/// Bodies of one owner of a credential; clones share them. Never shared between owners, because a
/// path tells nothing about who may read it.
#[derive(Clone, Debug)]
pub struct Cache {
    kept: Arc<Mutex<Kept>>,
    max: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self::of(MAX_BYTES)
    }
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<String, Entry>,
    bytes: usize,
    clock: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    etag: String,
    /// The tag counts the credential in.
    varies: bool,
    token: [u8; 32],
    body: Bytes,
    used: u64,
}

impl Cache {
    /// A cache of at most this many bytes; one body may take a quarter of them.
    pub fn of(max: usize) -> Self {
        Self { kept: Arc::default(), max }
    }

    /// The tag to ask with and the body that it stands for, if one of this path is known.
    pub(super) fn known(
        &self,
        path: &str,
        accept: &str,
        authorization: Option<&str>,
    ) -> Option<(String, Bytes)> {
        let entry = {
            let mut kept = self.lock();
            kept.clock += 1;
            let now = kept.clock;
            let entry = kept.entries.get_mut(path)?;
            entry.used = now;
            entry.clone()
        };
        if !entry.varies || entry.token == print(authorization) {
            return Some((entry.etag, entry.body));
        }
        let mut hash = Sha256::new();
        for value in [Some(accept), authorization].into_iter().flatten() {
            hash.update(value);
            hash.update(":");
        }
        hash.update(&entry.body);
        let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Some((format!("W/\"{hex}\""), entry.body))
    }

    /// Keeps a body under the tag that came with it.
    pub(super) fn keep(&self, path: &str, authorization: Option<&str>, headers: &HeaderMap, body: &Bytes) {
        let mut kept = self.lock();
        kept.forget(path);
        let Some(etag) = header(headers, "etag").filter(|_| body.len() <= self.max / 4) else { return };
        kept.clock += 1;
        let varies =
            header(headers, "vary").is_some_and(|v| v.to_ascii_lowercase().contains("authorization"));
        let entry = Entry {
            etag: etag.to_owned(),
            varies,
            token: print(authorization),
            body: body.clone(),
            used: kept.clock,
        };
        kept.bytes += body.len();
        kept.entries.insert(path.to_owned(), entry);
        while kept.bytes > self.max {
            let oldest = kept.entries.iter().min_by_key(|(_, e)| e.used).map(|(p, _)| p.clone());
            let Some(oldest) = oldest else { break };
            kept.forget(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, path: &str) {
        if let Some(old) = self.entries.remove(path) {
            self.bytes = self.bytes.saturating_sub(old.body.len());
        }
    }
}

fn print(authorization: Option<&str>) -> [u8; 32] {
    Sha256::digest(authorization.unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(etag: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("etag", etag.parse().unwrap());
        headers.insert("vary", "Accept, Authorization, Cookie".parse().unwrap());
        headers
    }

    #[test]
    fn a_tag_is_used_as_it_came_and_computed_for_another_token() {
        let cache = Cache::default();
        cache.keep("/a", Some("Bearer one"), &headers("\"x\""), &Bytes::from_static(b"{}"));
        let tag = |path: &str, token: Option<&str>| cache.known(path, "json", token).map(|k| k.0);
        assert_eq!(tag("/a", Some("Bearer one")).unwrap(), "\"x\"");
        let hex: String = Sha256::digest(b"json:Bearer two:{}").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(tag("/a", Some("Bearer two")).unwrap(), format!("W/\"{hex}\""));
        assert_eq!(tag("/b", None), None);
    }

    #[test]
    fn what_is_used_least_goes_first_and_the_bound_holds() {
        let cache = Cache::of(1000);
        let has = |path: &str| cache.known(path, "json", None).is_some();
        let body = Bytes::from(vec![b' '; 250]);
        for n in 0..6 {
            cache.keep(&format!("/{n}"), None, &headers("\"x\""), &body);
            has("/0");
        }
        assert_eq!(cache.lock().bytes, 1000);
        assert!(has("/0") && !has("/1") && has("/5"));
        cache.keep("/big", None, &headers("\"x\""), &Bytes::from(vec![b' '; 251]));
        assert!(!has("/big"));
        cache.keep("/0", None, &HeaderMap::new(), &body);
        assert!(!has("/0"), "an answer without a tag replaces the one that had one");
    }
}
