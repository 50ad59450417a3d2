//! Which namespaces somebody sees.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use futures::future::join_all;

use crate::serve::Refusal;
use crate::serve::auth::{Guard, User};

/// Namespaces that the API server is asked about for one page. Who may list all of them is asked about once.
const MOST: usize = 200;

/// The namespaces that somebody sees.
pub(super) struct Seen {
    /// None: all of them.
    some: Option<BTreeSet<String>>,
    /// There are more than were asked about.
    pub cut: bool,
}

impl Seen {
    /// Of these, the ones whose reports a user may list.
    pub async fn of(guard: &Guard, user: &User, namespaces: BTreeSet<&str>) -> Result<Self, Refusal> {
        if may(guard, user, "").await? {
            return Ok(Self { some: None, cut: false });
        }
        let cut = namespaces.len() > MOST;
        let asked = namespaces.into_iter().take(MOST).map(async |namespace| {
            Ok::<_, Refusal>(may(guard, user, namespace).await?.then(|| namespace.to_owned()))
        });
        let some = join_all(asked).await.into_iter().filter_map(Result::transpose);
        Ok(Self { some: Some(some.collect::<Result<_, _>>()?), cut })
    }

    pub fn has(&self, namespace: &str) -> bool {
        self.some.as_ref().is_none_or(|some| some.contains(namespace))
    }
}

async fn may(guard: &Guard, user: &User, namespace: &str) -> Result<bool, Refusal> {
    match guard.may_read(user, namespace, None).await {
        Ok(()) => Ok(true),
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => Ok(false),
        Err(refusal) => Err(refusal),
    }
}
