//! Bodies by path, to ask GitHub only whether they changed: a 304 costs nothing of the rate limit.
//!
//! A body is served only if GitHub confirmed it after the moment that the caller names: a look that was
//! caused by an event never sees what was read before the event, and reports that look at the same time
//! share what they read.
//!
//! GitHub's ETag depends on the credential. Observed (github.com, 2026): it is the SHA-256 of
//! `value:` for each of Accept, Authorization and Cookie that `Vary` names and that was sent, then the
//! body. So the tag of a known body under a new token can be computed; where that is wrong, the answer
//! is a 200, and nothing but a request is lost.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use http::{HeaderMap, HeaderValue};
use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::budget::Priority;
use super::error::header;
use super::{Ask, Result};

/// Bytes of all bodies that are kept, where nothing else is said.
const MAX_BYTES: usize = 32 << 20;
/// Requests that have ended are forgotten when there are so many.
const CROWD: usize = 64;
/// What an entry takes besides its body.
const OVERHEAD: usize = 512;

/// Bodies of one owner of a credential, and the requests that are under way for it; clones share them.
/// Never shared between owners, because a path tells nothing about who may read it.
#[derive(Clone)]
pub struct Cache {
    kept: Arc<Mutex<Kept>>,
    max: usize,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("bytes", &self.lock().bytes).finish_non_exhaustive()
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::of(MAX_BYTES)
    }
}

struct Kept {
    entries: LruCache<String, Entry>,
    bytes: usize,
    flights: HashMap<String, Flight>,
    /// When those that have ended are forgotten.
    crowd: usize,
}

#[derive(Clone)]
struct Entry {
    etag: Option<String>,
    /// The tag counts the credential in.
    varies: bool,
    token: [u8; 32],
    body: Bytes,
    date: Option<HeaderValue>,
    /// The pages that follow.
    link: Option<HeaderValue>,
    /// When the request was sent that last confirmed it.
    asked: Instant,
    parsed: Parsed,
}

/// What a body says, once somebody has parsed it. Whoever asks for it meanwhile waits for that.
type Parsed = Arc<Mutex<Option<Arc<dyn Any + Send + Sync>>>>;

/// An answer of GitHub.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: http::StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// A copy of what came. What the connection gives are parts of its buffer, some hundred KB, and each of them
    /// would hold all of it for as long as it is kept.
    pub fn new(status: http::StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let own = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
        let headers = headers.iter().filter_map(|(name, value)| Some((name.clone(), own(value)?))).collect();
        Self { status, headers, body: Bytes::copy_from_slice(body) }
    }
}

type Flying = BoxFuture<'static, Result<Reply>>;

struct Flight {
    asked: Instant,
    priority: Priority,
    reply: WeakShared<Flying>,
}

impl Cache {
    /// A cache of at most this many bytes; one body may take a quarter of them.
    pub fn of(max: usize) -> Self {
        let kept = Kept { entries: LruCache::unbounded(), bytes: 0, flights: HashMap::new(), crowd: CROWD };
        Self { kept: Arc::new(Mutex::new(kept)), max }
    }

    /// The body of this path, if GitHub confirmed it in answer to a request that was sent since the
    /// moment that the caller names.
    pub(super) fn fresh(&self, path: &str, since: Instant) -> Option<Reply> {
        let mut kept = self.lock();
        let entry = kept.entries.get(path).filter(|e| e.asked >= since)?;
        let mut headers = HeaderMap::new();
        let told = [(http::header::DATE, &entry.date), (http::header::LINK, &entry.link)];
        for (name, value) in told {
            headers.extend(value.clone().map(|value| (name, value)));
        }
        Some(Reply { status: http::StatusCode::OK, headers, body: entry.body.clone() })
    }

    /// Joins a request for this path that was sent since the moment that the caller names, or starts it.
    pub(super) fn join(&self, path: &str, ask: Ask, start: impl FnOnce() -> Flying) -> Shared<Flying> {
        let mut kept = self.lock();
        if let Some(flight) = kept.flights.get(path)
            && flight.asked >= ask.since
            && flight.priority >= ask.priority
            && let Some(reply) = flight.reply.upgrade()
        {
            return reply;
        }
        if kept.flights.len() >= kept.crowd {
            kept.flights.retain(|_, f| f.reply.upgrade().is_some_and(|r| r.peek().is_none()));
            // Not at each request again, however many there are at the same time.
            kept.crowd = (kept.flights.len() * 2).max(CROWD);
        }
        let reply = start().shared();
        if let Some(weak) = reply.downgrade() {
            let flight = Flight { asked: Instant::now(), priority: ask.priority, reply: weak };
            kept.flights.insert(path.to_owned(), flight);
        }
        reply
    }

    /// The tag to ask with and the body that it stands for, if one of this path is known.
    pub(super) fn known(
        &self,
        path: &str,
        accept: &str,
        authorization: Option<&str>,
    ) -> Option<(String, Bytes)> {
        let entry = self.lock().entries.get(path)?.clone();
        let etag = entry.etag?;
        if !entry.varies || entry.token == print(authorization) {
            return Some((etag, entry.body));
        }
        Some((tag(accept, authorization, &entry.body), entry.body))
    }

    /// What a body of this path says: parsed once, as long as it is the body that is kept.
    pub(super) fn parsed<T: Send + Sync + 'static>(
        &self,
        path: &str,
        body: &Bytes,
        parse: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<Arc<T>> {
        // The same memory holds the same bytes as long as somebody holds it.
        let same = |e: &&Entry| e.body.as_ptr() == body.as_ptr() && e.body.len() == body.len();
        let slot = self.lock().entries.peek(path).filter(same).map(|e| e.parsed.clone());
        let Some(slot) = slot else { return parse(body).map(Arc::new) };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = slot.as_ref().and_then(|known| known.clone().downcast().ok()) {
            return Ok(known);
        }
        let value = Arc::new(parse(body)?);
        *slot = Some(value.clone());
        Ok(value)
    }

    /// What the body of this path said to whoever parsed it, however old it is.
    pub(super) fn known_value<T: Send + Sync + 'static>(&self, path: &str) -> Option<Arc<T>> {
        let slot = self.lock().entries.peek(path)?.parsed.clone();
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref()?.clone().downcast().ok()
    }

    /// Keeps a body under the tag that came with it; `asked` is when its request was sent.
    pub(super) fn keep(
        &self,
        path: &str,
        authorization: Option<&str>,
        headers: &HeaderMap,
        body: &Bytes,
        asked: Instant,
    ) {
        let mut kept = self.lock();
        kept.forget(path);
        if body.len() > self.max / 4 {
            return;
        }
        let varies =
            header(headers, "vary").is_some_and(|v| v.to_ascii_lowercase().contains("authorization"));
        let entry = Entry {
            etag: header(headers, "etag").map(str::to_owned),
            varies,
            token: print(authorization),
            body: body.clone(),
            date: headers.get(http::header::DATE).cloned(),
            link: headers.get(http::header::LINK).cloned(),
            asked,
            parsed: Parsed::default(),
        };
        kept.bytes += body.len() + OVERHEAD;
        kept.entries.put(path.to_owned(), entry);
        while kept.bytes > self.max {
            let Some((_, old)) = kept.entries.pop_lru() else { break };
            kept.bytes = kept.bytes.saturating_sub(old.body.len() + OVERHEAD);
        }
    }

    /// GitHub says that what is known is still so.
    pub(super) fn confirm(&self, path: &str, headers: &HeaderMap, asked: Instant) {
        if let Some(entry) = self.lock().entries.get_mut(path) {
            entry.asked = entry.asked.max(asked);
            entry.date = headers.get(http::header::DATE).cloned().or(entry.date.take());
            // The same body may have got a page that follows it.
            entry.link = headers.get(http::header::LINK).cloned();
        }
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, path: &str) {
        if let Some(old) = self.entries.pop(path) {
            self.bytes = self.bytes.saturating_sub(old.body.len() + OVERHEAD);
        }
    }
}

/// The tag that GitHub gives a body under a credential, computed: `W/"` and 64 hexadecimal digits.
pub fn tag(accept: &str, authorization: Option<&str>, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for value in [Some(accept), authorization].into_iter().flatten() {
        hash.update(value);
        hash.update(":");
    }
    hash.update(body);
    let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    format!("W/\"{hex}\"")
}

fn print(authorization: Option<&str>) -> [u8; 32] {
    Sha256::digest(authorization.unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

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
        cache.keep("/a", Some("Bearer one"), &headers("\"x\""), &Bytes::from_static(b"{}"), Instant::now());
        let tag = |path: &str, token: Option<&str>| cache.known(path, "json", token).map(|k| k.0);
        assert_eq!(tag("/a", Some("Bearer one")).unwrap(), "\"x\"");
        let hex: String = Sha256::digest(b"json:Bearer two:{}").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(tag("/a", Some("Bearer two")).unwrap(), format!("W/\"{hex}\""));
        assert_eq!(tag("/b", None), None);
    }

    #[test]
    fn what_is_used_least_goes_first_and_the_bound_holds() {
        let cache = Cache::of(4 * (250 + OVERHEAD));
        let has = |path: &str| cache.known(path, "json", None).is_some();
        let body = Bytes::from(vec![b' '; 250]);
        let keep = |path: &str, h: &HeaderMap, body: &Bytes| cache.keep(path, None, h, body, Instant::now());
        for n in 0..6 {
            keep(&format!("/{n}"), &headers("\"x\""), &body);
            has("/0");
        }
        assert_eq!(cache.bytes(), 4 * (250 + OVERHEAD));
        assert!(has("/0") && !has("/1") && has("/5"));
        keep("/big", &headers("\"x\""), &Bytes::from(vec![b' '; 251 + OVERHEAD]));
        assert!(!has("/big"));
        keep("/0", &HeaderMap::new(), &body);
        assert!(!has("/0"), "an answer without a tag replaces the one that had one");
    }

    #[test]
    fn a_body_is_parsed_once_until_another_one_takes_its_place() {
        let cache = Cache::default();
        let times = std::cell::Cell::new(0);
        let parsed = |body: &Bytes| {
            let parse = |bytes: &[u8]| {
                times.set(times.get() + 1);
                Ok(bytes.len())
            };
            (cache.parsed("/a", body, parse).map(|n| *n), times.get())
        };
        let keep = |body: &Bytes| cache.keep("/a", None, &HeaderMap::new(), body, Instant::now());
        let (one, two) = (Bytes::from(vec![b' '; 3]), Bytes::from(vec![b'x'; 3]));
        assert_eq!([parsed(&one), parsed(&one)], [(Ok(3), 1), (Ok(3), 2)], "what is not kept");
        keep(&one);
        assert_eq!([parsed(&one), parsed(&one)], [(Ok(3), 3), (Ok(3), 3)]);
        cache.confirm("/a", &HeaderMap::new(), Instant::now());
        assert_eq!(parsed(&one), (Ok(3), 3), "GitHub said that it is the same");
        keep(&two);
        assert_eq!([parsed(&two), parsed(&two)], [(Ok(3), 4), (Ok(3), 4)]);
        assert_eq!(parsed(&one), (Ok(3), 5), "who still holds the old one gets what that says");
        let refused = cache.parsed("/a", &two, |_| Ok("another kind"));
        assert_eq!(refused.map(|s| *s), Ok("another kind"));
    }

    #[test]
    fn an_answer_holds_nothing_of_the_buffer_that_it_came_in() {
        let buffer = Bytes::from(vec![b'x'; 1000]);
        let mut headers = HeaderMap::new();
        headers.insert("link", HeaderValue::from_maybe_shared(buffer.slice(..10)).unwrap());
        headers.append("link", HeaderValue::from_maybe_shared(buffer.slice(10..12)).unwrap());
        let reply = Reply::new(http::StatusCode::OK, &headers, &buffer.slice(20..30));
        drop(headers);
        assert!(buffer.is_unique());
        assert_eq!((&reply.body[..], reply.headers.get_all("link").iter().count()), (&b"xxxxxxxxxx"[..], 2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_serves_whoever_asks_for_nothing_newer() {
        let cache = Cache::default();
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let asked = Instant::now();
        cache.keep("/a", None, &HeaderMap::new(), &Bytes::from_static(b"{}"), asked);
        tokio::time::advance(Duration::from_secs(1)).await;
        let after = Instant::now();
        assert!(cache.fresh("/a", before).is_some() && cache.fresh("/a", asked).is_some());
        assert!(cache.fresh("/a", after).is_none() && cache.fresh("/b", before).is_none());
        cache.confirm("/a", &HeaderMap::new(), after);
        assert!(cache.fresh("/a", after).is_some(), "GitHub said so again");
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_serves_all_that_wait_for_it_but_none_that_needs_a_later_one() {
        let cache = Cache::default();
        let since = Instant::now();
        let sent = Arc::new(Mutex::new(0));
        let fly = |priority: Priority, since: Instant| {
            let sent = sent.clone();
            cache.join("/a", Ask { since, priority }, move || {
                async move {
                    *sent.lock().unwrap() += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(Reply { status: http::StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() })
                }
                .boxed()
            })
        };
        let first = fly(Priority::Running, since);
        let same = fly(Priority::Refresh, since);
        tokio::time::advance(Duration::from_millis(10)).await;
        let urgent = fly(Priority::Gating, since);
        tokio::time::advance(Duration::from_millis(10)).await;
        let later = fly(Priority::Running, Instant::now());
        let (a, b, c, d) = tokio::join!(first, same, urgent, later);
        assert!(a.is_ok() && b.is_ok() && c.is_ok() && d.is_ok());
        assert_eq!(*sent.lock().unwrap(), 3);
        fly(Priority::Refresh, since).await.unwrap();
        assert_eq!(*sent.lock().unwrap(), 4, "one that has ended is not joined");
    }
}
