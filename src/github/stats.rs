//! Counts of requests to the API, by what they ask for and how they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counters; clones share them.
#[derive(Clone, Debug)]
pub struct Stats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counts: [[AtomicU64; OUTCOMES.len()]; CLASSES.len()],
    /// Negative before GitHub has said anything.
    remaining: AtomicI64,
}

/// Outcomes, as metrics name them.
pub const OUTCOMES: [&str; 6] =
    ["ok", "not_modified", "limited", "client_error", "server_error", "unreachable"];

/// What is asked for, as metrics name it.
pub const CLASSES: [&str; 12] = [
    "runs", "jobs", "logs", "artifacts", "checks", "statuses", "commits", "branches", "pulls", "app",
    "graphql", "other",
];

/// The class of a path of the API.
pub(super) fn class(path: &str) -> &'static str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let inside = match parts.as_slice() {
        ["repos", _, _, inside @ ..] | ["repositories", _, inside @ ..] => inside,
        ["app" | "installation", ..] => return "app",
        ["graphql"] => return "graphql",
        _ => return "other",
    };
    match inside {
        ["actions", .., "logs"] => "logs",
        ["actions", "artifacts", ..] | ["actions", .., "artifacts"] => "artifacts",
        ["actions", "jobs", ..] | ["actions", .., "jobs"] => "jobs",
        ["actions", ..] => "runs",
        ["check-runs" | "check-suites", ..] | ["commits", _, "check-runs" | "check-suites"] => "checks",
        ["statuses", ..] | ["commits", _, "status" | "statuses"] => "statuses",
        ["pulls" | "issues", ..] | ["commits", _, "pulls"] => "pulls",
        ["commits" | "compare" | "git", ..] => "commits",
        ["branches" | "rules", ..] => "branches",
        ["installation"] => "app",
        _ => "other",
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self(Arc::new(Inner { counts: Default::default(), remaining: AtomicI64::new(-1) }))
    }
}

impl Stats {
    pub(super) fn answered(&self, path: &str, status: u16, limited: bool) {
        let outcome = match status {
            304 => "not_modified",
            403 | 429 if limited => "limited",
            200..=399 => "ok",
            400..=499 => "client_error",
            _ => "server_error",
        };
        self.count(path, outcome);
    }

    pub(super) fn unreachable(&self, path: &str) {
        self.count(path, "unreachable");
    }

    pub(super) fn left(&self, remaining: u64) {
        self.0.remaining.store(i64::try_from(remaining).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    fn count(&self, path: &str, outcome: &str) {
        let at = |names: &[&str], name: &str| names.iter().position(|n| *n == name);
        let (row, column) = (at(&CLASSES, class(path)), at(&OUTCOMES, outcome));
        let counter = row.and_then(|r| self.0.counts.get(r)).zip(column).and_then(|(row, c)| row.get(c));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests so far, for each of [`CLASSES`] and [`OUTCOMES`].
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        CLASSES.into_iter().zip(&self.0.counts).flat_map(|(class, row)| {
            OUTCOMES.into_iter().zip(row).map(move |(name, n)| (class, name, n.load(Ordering::Relaxed)))
        })
    }

    /// Requests so far with an outcome.
    pub fn of(&self, outcome: &str) -> u64 {
        self.counts().filter(|(_, name, _)| *name == outcome).map(|(_, _, n)| n).sum()
    }

    /// Requests of all outcomes.
    pub fn total(&self) -> u64 {
        self.counts().map(|(_, _, n)| n).sum()
    }

    /// What the last answer said is left of the rate limit, if any did.
    pub fn remaining(&self) -> Option<i64> {
        Some(self.0.remaining.load(Ordering::Relaxed)).filter(|n| *n >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_told_by_the_path() {
        for (path, want) in [
            ("/repos/a/b/actions/runs?head_sha=1", "runs"),
            ("/repos/a/b/actions/runs/1/attempts/2/jobs?per_page=100", "jobs"),
            ("/repos/jobs/logs/actions/jobs/1", "jobs"),
            ("/repos/a/b/actions/jobs/1/logs", "logs"),
            ("/repositories/1/actions/runs/1/artifacts", "artifacts"),
            ("/repos/a/b/actions/artifacts/1/zip", "artifacts"),
            ("/repos/a/b/commits/1/check-runs?filter=all", "checks"),
            ("/repos/a/b/commits/1/statuses", "statuses"),
            ("/repos/a/b/statuses/1", "statuses"),
            ("/repos/a/b/commits/1/pulls", "pulls"),
            ("/repos/a/b/pulls/1", "pulls"),
            ("/repos/a/b/commits/1", "commits"),
            ("/repos/a/b/rules/branches/main", "branches"),
            ("/repos/a/b/installation", "app"),
            ("/app/hook/deliveries", "app"),
            ("/graphql", "graphql"),
            ("/repos/a/b", "other"),
            ("/user", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(path), want, "{path}");
        }
        let stats = Stats::default();
        assert_eq!(stats.remaining(), None);
        stats.answered("/repos/a/b/pulls/1", 304, false);
        stats.answered("/repos/a/b/pulls/1", 403, true);
        stats.unreachable("/x");
        stats.left(0);
        let some: Vec<_> = stats.counts().filter(|(_, _, n)| *n > 0).collect();
        assert_eq!(
            some,
            [("pulls", "not_modified", 1), ("pulls", "limited", 1), ("other", "unreachable", 1)]
        );
        assert_eq!((stats.total(), stats.remaining()), (3, Some(0)));
    }
}
