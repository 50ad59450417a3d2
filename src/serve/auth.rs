//! Who asks, and what they may read: the API server's answers, remembered for seconds.
//!
//! A token must have been issued for an audience of this listener, so that a token for the API server is
//! never sent here, and one that is sent here is worth nothing there.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{PATIENCE, Refusal};
use crate::api::GROUP;

/// How long a yes is believed: a revoked token or right is noticed after that.
const YES: Duration = Duration::from_secs(10);
/// How long a no is believed, so that guessing costs the API server little.
const NO: Duration = Duration::from_secs(5);
/// Answers that are remembered.
const MOST: usize = 2048;
/// Questions to the API server at a time.
const AT_ONCE: usize = 16;
/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 << 10;

/// A user as the API server knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    pub name: String,
    pub uid: Option<String>,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

type Print = [u8; 32];
/// A user and what they want to read: namespace, and name where it is one report.
type Wish = (User, String, Option<String>);

/// Asks the API server who somebody is and what they may; clones share what is remembered.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    client: Client,
    audiences: Vec<String>,
    /// Header in which a proxy hands on the token.
    header: Option<HeaderName>,
    users: Memo<Print, User>,
    rights: Memo<Wish, ()>,
    slots: Semaphore,
}

impl Guard {
    /// Accepts tokens for one of the audiences.
    pub fn new(client: Client, audiences: Vec<String>) -> Self {
        Self::with(client, audiences, None)
    }

    /// Another one for these audiences, or for the same where there are none; a proxy may hand on the token in a header
    /// of its own.
    pub(super) fn but_for(&self, audiences: &[String], header: Option<HeaderName>) -> Self {
        let audiences = if audiences.is_empty() { &self.0.audiences } else { audiences };
        Self::with(self.0.client.clone(), audiences.to_vec(), header)
    }

    fn with(client: Client, audiences: Vec<String>, header: Option<HeaderName>) -> Self {
        let (users, rights, slots) = (Memo::default(), Memo::default(), Semaphore::new(AT_ONCE));
        Self(Arc::new(Inner { client, audiences, header, users, rights, slots }))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The user whose token a request carries.
    pub async fn user(&self, headers: &HeaderMap) -> Result<User, Refusal> {
        let handed = self.0.header.as_ref().and_then(|name| headers.get(name));
        let handed = handed.and_then(|value| fits(value.to_str().ok()?.to_owned()).transpose());
        let token = match handed {
            Some(token) => Some(token),
            None => token(headers).transpose(),
        };
        let token = token.ok_or_else(|| self.none())?.map_err(|TooLong| too_long())?;
        let print: Print = Sha256::digest(&token).into();
        if let Some(known) = self.0.users.get(&print) {
            return known.ok_or_else(|| self.unknown());
        }
        let user = self.review(token).await?;
        self.0.users.put(print, user.clone());
        user.ok_or_else(|| self.unknown())
    }

    /// Whether a request brings a token as no browser does by itself: a tool or a proxy put it there.
    pub(super) fn is_handed(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).is_some_and(|value| {
            value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
        });
        bearer || self.0.header.as_ref().is_some_and(|name| headers.contains_key(name))
    }

    /// For whom a token is made.
    fn audience(&self) -> &str {
        self.0.audiences.first().map_or("", String::as_str)
    }

    fn none(&self) -> Refusal {
        let audience = self.audience();
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            format!(
                "send Authorization: Bearer TOKEN, a token for the audience of this server: \
                 kubectl create token ACCOUNT --audience={audience}"
            ),
        )
    }

    fn unknown(&self) -> Refusal {
        let audience = self.audience();
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            format!(
                "the API server does not accept this token for this audience; make one with \
                 kubectl create token ACCOUNT --audience={audience}"
            ),
        )
    }

    /// Whether a user may get a report, or list those of a namespace where no name is given; `""` is all of them.
    pub async fn may_read(&self, user: &User, namespace: &str, name: Option<&str>) -> Result<(), Refusal> {
        let wish = (user.clone(), namespace.to_owned(), name.map(str::to_owned));
        let known = self.0.rights.get(&wish);
        let answer = match known {
            Some(known) => known,
            None => {
                let answer = self.access(&wish).await?.then_some(());
                self.0.rights.put(wish, answer);
                answer
            }
        };
        answer.ok_or_else(|| {
            let verb = if name.is_some() { "get" } else { "list" };
            Refusal::new(
                StatusCode::FORBIDDEN,
                format!(
                    "{} may not {verb} testrunreports.{GROUP} in namespace {namespace}; bind a role that allows it",
                    crate::verdict::text::clean(&user.name, 256)
                ),
            )
        })
    }

    async fn review(&self, token: String) -> Result<Option<User>, Refusal> {
        let audiences = &self.0.audiences;
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token), audiences: Some(audiences.clone()) },
            ..TokenReview::default()
        };
        let status = self.ask(&review).await?.status.unwrap_or_default();
        // An authenticator that knows nothing of audiences leaves them out.
        let for_us = status.audiences.iter().flatten().any(|a| audiences.contains(a));
        if status.authenticated != Some(true) || !for_us {
            return Ok(None);
        }
        let info = status.user.unwrap_or_default();
        Ok(info.username.filter(|n| !n.is_empty()).map(|name| User {
            name,
            uid: info.uid,
            groups: info.groups.unwrap_or_default(),
            extra: info.extra.unwrap_or_default(),
        }))
    }

    async fn access(&self, (user, namespace, name): &Wish) -> Result<bool, Refusal> {
        let verb = if name.is_some() { "get" } else { "list" };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(user.name.clone()),
                uid: user.uid.clone(),
                groups: Some(user.groups.clone()),
                extra: Some(user.extra.clone()),
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(verb.to_owned()),
                    group: Some(GROUP.to_owned()),
                    resource: Some("testrunreports".to_owned()),
                    namespace: Some(namespace.clone()),
                    name: name.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let status = self.ask(&review).await?.status.unwrap_or_default();
        Ok(status.allowed && status.denied != Some(true))
    }

    /// One question to the API server.
    async fn ask<K>(&self, question: &K) -> Result<K, Refusal>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let away = |why: String| {
            tracing::warn!("a request over HTTP could not be checked: {why}");
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the API server could not be asked who you are; try again",
            )
        };
        let work = async {
            let _slot = self.0.slots.acquire().await.map_err(|_| "shutting down".to_owned())?;
            let api: Api<K> = Api::all(self.0.client.clone());
            api.create(&PostParams::default(), question)
                .await
                .map_err(|error| error.to_string().chars().take(512).collect())
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(answer) => answer.map_err(away),
            Err(_) => Err(away(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// A layer that lets through only whom the API server knows, and tells handlers who it is: they find a
/// [`User`] in the request's extensions.
pub async fn authenticate(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let user = guard.user(request.headers()).await?;
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}

/// The token of a request: a bearer token, or the password of basic authentication, for tools that can
/// only be given a URL.
fn token(headers: &HeaderMap) -> Result<Option<String>, TooLong> {
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (scheme, rest) = value.split_once(' ').unwrap_or_default();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok();
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        pair.and_then(|p| p.split_once(':').map(|(_, password)| password.to_owned()))
    } else {
        None
    };
    token.map_or(Ok(None), fits)
}

/// A token has more than [`MAX_TOKEN`].
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// What can be a token.
fn fits(token: String) -> Result<Option<String>, TooLong> {
    if token.len() > MAX_TOKEN {
        return Err(TooLong);
    }
    Ok(Some(token).filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic())))
}

/// Those of providers that put every group of a person into them may be.
fn too_long() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        format!(
            "the token has more than {} KiB; have its issuer leave out the groups that the cluster has no use for",
            MAX_TOKEN >> 10
        ),
    )
}

/// Answers by question, each for a while; None is a no.
struct Memo<K, V>(Mutex<HashMap<K, (Instant, Option<V>)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    fn get(&self, key: &K) -> Option<Option<V>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = all.get(key)?;
        (Instant::now() < *until).then(|| answer.clone())
    }

    fn put(&self, key: K, answer: Option<V>) {
        let now = Instant::now();
        let until = now + if answer.is_some() { YES } else { NO };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (until, _)| now < *until);
        }
        // More than fits of what is still valid: forgetting costs a question, no more.
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, (until, answer));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(value: &str) -> Result<Option<String>, TooLong> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        token(&headers)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_the_password_of_a_url() {
        assert_eq!(of("Bearer abc.def"), Ok(Some("abc.def".into())));
        assert_eq!(of("bearer  abc "), Ok(Some("abc".into())));
        let basic = base64::engine::general_purpose::STANDARD.encode("flagger:abc:def");
        assert_eq!(of(&format!("Basic {basic}")), Ok(Some("abc:def".into())));
        assert_eq!(of(&format!("Bearer {}", "a".repeat(MAX_TOKEN + 1))), Err(TooLong));
        for bad in ["", "Bearer", "Bearer ", "Bearer a b", "Basic !", "Basic YQ==", "Token a"] {
            assert_eq!(of(bad), Ok(None), "{bad}");
        }
        assert_eq!(token(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn answers_are_bounded() {
        let memo: Memo<usize, ()> = Memo::default();
        for i in 0..3 * MOST {
            memo.put(i, (i % 2 == 0).then_some(()));
        }
        assert!(memo.0.lock().unwrap().len() <= MOST);
        let last = 3 * MOST - 1;
        assert_eq!(memo.get(&last), Some(None), "a no is remembered as a no");
        assert_eq!(memo.get(&0), None);
    }
}
