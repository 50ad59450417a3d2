//! What is remembered of the limits of all credentials.

use jiff::Timestamp;
use lru::LruCache;

use crate::github::Budget;

/// Tells secrets apart without holding them.
pub(super) type Print = [u8; 32];

/// Whose credential it is, by connection: what one may read says nothing of another.
pub(super) type Owner = (String, String);
/// Whom GitHub counts requests for: a token, which tells whose it is only to GitHub, or an installation of an
/// owner's App.
pub(super) type Principal = (Owner, Option<u64>, Option<Print>);

/// The budgets of principals, those that were used last in front.
pub(super) struct Budgets {
    known: LruCache<Principal, (Budget, Budget)>,
    /// More only where each of them has something to remember.
    most: usize,
}

impl Budgets {
    pub fn new(most: usize) -> Self {
        Self { known: LruCache::unbounded(), most }
    }

    /// That of a principal. Whoever must wait for the end of a limit is never forgotten: it would ask on.
    pub fn get(
        &mut self,
        principal: Principal,
        now: Timestamp,
        new: impl FnOnce() -> (Budget, Budget),
    ) -> (Budget, Budget) {
        if !self.known.contains(&principal) && self.known.len() >= self.most {
            let idle = |(_, (requests, queries)): &(&Principal, &(Budget, Budget))| {
                requests.is_idle(now) && queries.is_idle(now)
            };
            let gone = self.known.iter().rev().find(idle).map(|(principal, _)| principal.clone());
            gone.map(|principal| self.known.pop(&principal));
        }
        self.known.get_or_insert(principal, new).clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_credential_at_a_limit_is_not_forgotten_for_others() {
        let now: Timestamp = "2026-01-23T16:00:00Z".parse().unwrap();
        let until = now + jiff::SignedDuration::from_secs(60);
        let mut all = Budgets::new(4);
        let of = |n: u64| (("github.com".to_owned(), String::new()), Some(n), None);
        let new = || (Budget::new(1, crate::github::Pace::default()), Budget::queries());
        for limited in [1, 2] {
            all.get(of(limited), now, new).0.pause_until(until);
        }
        for other in 10..100 {
            all.get(of(other), now, new);
        }
        assert_eq!(all.known.len(), 4);
        for limited in [1, 2] {
            assert!(!all.get(of(limited), now, new).0.is_idle(now), "{limited} is limited still");
        }
        for limited in 100..110 {
            all.get(of(limited), now, new).1.pause_until(until);
        }
        assert_eq!(all.known.len(), 12, "as many as have to wait");
        for other in 200..300 {
            all.get(of(other), until, new);
        }
        assert!(all.known.len() <= 12);
    }
}
