//! How far many commits are, in one GraphQL query: for REST it would be a request for each.
//!
//! Counts by state, because the service ends a query after ten seconds and whole lists of checks take longer.
//! They decide nothing; they say which commits to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::api::Repo;
use super::{Result, date, error};
use crate::api::Reason;
use crate::verdict::facts::Trouble;

/// Commits in one query.
const AT_ONCE: usize = 50;
/// Pause after a limit that says no time, in seconds.
const PAUSE: i64 = 60;

/// The check runs and statuses of a commit, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    pub total: u32,
    pub unfinished: u32,
    pub red: u32,
    /// Of the counts by state: the sums of two commits may be the same.
    pub print: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    repository: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    oid: String,
    status_check_rollup: Option<Contexts>,
}

#[derive(Deserialize)]
struct Contexts {
    contexts: Counts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    check_run_count: u32,
    status_context_count: u32,
    check_run_counts_by_state: Option<Vec<Count>>,
    status_context_counts_by_state: Option<Vec<Count>>,
}

#[derive(Deserialize, Hash)]
struct Count {
    state: String,
    count: u32,
}

impl Repo<'_> {
    /// What the checks and statuses of these commits are; commits that do not exist are not there.
    pub async fn rollups(&self, commits: &BTreeSet<String>) -> Result<BTreeMap<String, Rollup>> {
        let what = format!("checks of commits of {}", self.name());
        let commits: Vec<&String> = commits.iter().collect();
        let mut all = BTreeMap::new();
        for part in commits.chunks(AT_ONCE) {
            let reply = self.query(&query(self.name(), part), &what).await?;
            let counted = read(&reply.headers, &reply.body, part, &what, Timestamp::now());
            all.extend(counted.inspect_err(|trouble| {
                if trouble.reason == Reason::RateLimited {
                    self.pause_queries(trouble.retry_at);
                }
            })?);
        }
        Ok(all)
    }
}

/// The query for some commits of a repository, with its variables.
fn query(repository: &str, commits: &[&String]) -> Value {
    let (owner, name) = repository.split_once('/').unwrap_or_default();
    let mut variables = Map::from_iter([("owner".into(), owner.into()), ("name".into(), name.into())]);
    let (mut declared, mut asked) = (String::new(), String::new());
    for (n, sha) in commits.iter().enumerate() {
        variables.insert(format!("c{n}"), sha.as_str().into());
        // Writing to a string does not fail.
        let _ = write!(declared, ", $c{n}: GitObjectID!");
        let _ = write!(asked, " c{n}: object(oid: $c{n}) {{ ...counts }}");
    }
    let text = format!(
        "query($owner: String!, $name: String!{declared}) {{ repository(owner: $owner, name: $name) {{{asked} }} }} \
         fragment counts on Commit {{ oid statusCheckRollup {{ contexts {{ checkRunCount statusContextCount \
         checkRunCountsByState {{ state count }} statusContextCountsByState {{ state count }} }} }} }}"
    );
    serde_json::json!({"query": text, "variables": variables})
}

/// Reads an answer. One that is not whole is none.
fn read(
    headers: &HeaderMap,
    body: &[u8],
    asked: &[&String],
    what: &str,
    now: Timestamp,
) -> Result<BTreeMap<String, Rollup>> {
    let invalid = |why: &str| error::invalid(what, why);
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| invalid("is not the JSON that is expected"))?;
    if let Some(problem) = answer.errors.as_ref().and_then(|all| all.first()) {
        return Err(refused(problem.kind.as_deref(), headers, what, now));
    }
    let repository = answer.data.and_then(|d| d.repository).ok_or_else(|| invalid("has no repository"))?;
    let mut all = BTreeMap::new();
    for (n, sha) in asked.iter().enumerate() {
        let value = repository.get(&format!("c{n}")).ok_or_else(|| invalid("leaves out a commit"))?;
        // GitHub does not have it, or it is a tag.
        if value.is_null() || value.get("oid").is_none() {
            continue;
        }
        let commit = Commit::deserialize(value).map_err(|_| invalid("is not the JSON that is expected"))?;
        if commit.oid != **sha {
            return Err(invalid("is about another commit"));
        }
        all.insert(commit.oid, rollup(commit.status_check_rollup).ok_or_else(|| invalid("does not add up"))?);
    }
    Ok(all)
}

/// None where the states do not make up the total.
fn rollup(contexts: Option<Contexts>) -> Option<Rollup> {
    let Some(Contexts { contexts }) = contexts else { return Some(Rollup::default()) };
    let mut checks = contexts.check_run_counts_by_state.unwrap_or_default();
    let mut statuses = contexts.status_context_counts_by_state.unwrap_or_default();
    for counts in [&mut checks, &mut statuses] {
        counts.sort_by(|a, b| a.state.cmp(&b.state));
    }
    let sum = |counts: &[Count]| counts.iter().fold(0_u32, |sum, c| sum.saturating_add(c.count));
    if sum(&checks) != contexts.check_run_count || sum(&statuses) != contexts.status_context_count {
        return None;
    }
    let mut hash = DefaultHasher::new();
    (&checks, &statuses).hash(&mut hash);
    let mut rollup = Rollup {
        total: contexts.check_run_count.saturating_add(contexts.status_context_count),
        print: hash.finish(),
        ..Rollup::default()
    };
    for Count { state, count } in checks.iter().chain(&statuses) {
        match state.as_str() {
            "SUCCESS" | "NEUTRAL" | "SKIPPED" | "COMPLETED" => {}
            "FAILURE" | "ERROR" | "CANCELLED" | "TIMED_OUT" | "ACTION_REQUIRED" | "STALE"
            | "STARTUP_FAILURE" => {
                rollup.red = rollup.red.saturating_add(*count);
            }
            // Queued, in progress, waiting, expected; and whatever is new.
            _ => rollup.unfinished = rollup.unfinished.saturating_add(*count),
        }
    }
    Some(rollup)
}

/// An error in an answer whose status is a success.
fn refused(kind: Option<&str>, headers: &HeaderMap, what: &str, now: Timestamp) -> Trouble {
    let trouble = |reason, message| Trouble { reason, message, retry_at: None };
    match kind {
        Some("RATE_LIMITED") => {
            // The time of the reset is by GitHub's clock, and so is that of the answer.
            let reset = error::header(headers, "x-ratelimit-reset").and_then(|v| v.trim().parse().ok());
            let left = reset
                .and_then(|s| Timestamp::from_second(s).ok())
                .map_or(PAUSE, |r| r.duration_since(date(headers).unwrap_or(now)).as_secs());
            Trouble {
                reason: Reason::RateLimited,
                message: format!("GitHub's rate limit of queries is used up while reading {what}"),
                retry_at: now.checked_add(SignedDuration::from_secs(left.clamp(1, 7200))).ok(),
            }
        }
        Some("FORBIDDEN") => trouble(
            Reason::Forbidden,
            format!("the credential gives no access to {what}; it needs checks: read and statuses: read"),
        ),
        Some("NOT_FOUND") => {
            trouble(Reason::NotFound, format!("{what} do not exist, or the credential may not see them"))
        }
        _ => error::invalid(what, "is an error"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn read_of(body: &Value) -> Result<BTreeMap<String, Rollup>> {
        let (a, b) = ("a".repeat(40), "b".repeat(64));
        read(&HeaderMap::new(), body.to_string().as_bytes(), &[&a, &b], "it", Timestamp::UNIX_EPOCH)
    }

    fn commit(sha: &str, checks: &Value, statuses: &Value, sums: (u32, u32)) -> Value {
        json!({"oid": sha, "statusCheckRollup": {"contexts": {"checkRunCount": sums.0,
            "statusContextCount": sums.1, "checkRunCountsByState": checks, "statusContextCountsByState": statuses}}})
    }

    #[test]
    fn states_are_counted() {
        let checks = json!([{"state": "SUCCESS", "count": 3}, {"state": "IN_PROGRESS", "count": 2},
            {"state": "TIMED_OUT", "count": 1}, {"state": "A_NEW_ONE", "count": 1}]);
        let statuses = json!([{"state": "EXPECTED", "count": 1}, {"state": "ERROR", "count": 1}]);
        let a = commit(&"a".repeat(40), &checks, &statuses, (7, 2));
        let body = json!({"data": {"repository": {"c0": a, "c1": {"oid": "b".repeat(64), "statusCheckRollup": null}}}});
        let read = read_of(&body).unwrap();
        let got = read[&"a".repeat(40)];
        assert_eq!((got.total, got.unfinished, got.red), (9, 4, 2));
        assert_eq!(read[&"b".repeat(64)], Rollup::default());

        let mut other = checks.clone();
        other[0] = json!({"state": "SKIPPED", "count": 3});
        let b = commit(&"a".repeat(40), &other, &statuses, (7, 2));
        let moved = read_of(&json!({"data": {"repository": {"c0": b, "c1": null}}})).unwrap();
        assert_ne!(moved[&"a".repeat(40)].print, got.print, "the same sums, other states");
        assert_eq!(moved.len(), 1, "what GitHub does not have is not there");
        let mut turned = checks.as_array().unwrap().clone();
        turned.reverse();
        let again = commit(&"a".repeat(40), &json!(turned), &statuses, (7, 2));
        let again = read_of(&json!({"data": {"repository": {"c0": again, "c1": null}}})).unwrap();
        assert_eq!(again[&"a".repeat(40)], got, "whatever the order");
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        let a = "a".repeat(40);
        let fine = commit(&a, &json!([{"state": "SUCCESS", "count": 1}]), &json!([]), (1, 0));
        for (what, body, reason) in [
            ("no data", json!({}), Reason::InvalidAnswer),
            ("no repository", json!({"data": {"repository": null}}), Reason::InvalidAnswer),
            ("a commit is left out", json!({"data": {"repository": {"c0": fine}}}), Reason::InvalidAnswer),
            (
                "another commit",
                json!({"data": {"repository": {"c0": commit(&"c".repeat(40), &json!([]), &json!([]), (0, 0)), "c1": null}}}),
                Reason::InvalidAnswer,
            ),
            (
                "does not add up",
                json!({"data": {"repository": {"c0": commit(&a, &json!([]), &json!([]), (1, 0)), "c1": null}}}),
                Reason::InvalidAnswer,
            ),
            (
                "beside an error",
                json!({"data": {"repository": {"c0": fine, "c1": null}}, "errors": [{"message": "x"}]}),
                Reason::InvalidAnswer,
            ),
            ("forbidden", json!({"data": null, "errors": [{"type": "FORBIDDEN"}]}), Reason::Forbidden),
            (
                "unknown",
                json!({"data": {"repository": null}, "errors": [{"type": "NOT_FOUND"}]}),
                Reason::NotFound,
            ),
            ("limited", json!({"errors": [{"type": "RATE_LIMITED"}]}), Reason::RateLimited),
            ("a list", json!([]), Reason::InvalidAnswer),
            (
                "negative",
                json!({"data": {"repository": {"c0": {"oid": a, "statusCheckRollup": {"contexts":
                {"checkRunCount": -1, "statusContextCount": 0}}}, "c1": null}}}),
                Reason::InvalidAnswer,
            ),
        ] {
            let trouble = read_of(&body).unwrap_err();
            assert_eq!(trouble.reason, reason, "{what}");
            assert_eq!(trouble.retry_at.is_some(), reason == Reason::RateLimited, "{what}");
        }
    }

    #[test]
    fn a_limit_ends_when_github_says() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-reset", "1000".parse().unwrap());
        headers.insert("date", "Thu, 01 Jan 1970 00:15:00 GMT".parse().unwrap());
        let now = Timestamp::from_second(5000).unwrap();
        let trouble = refused(Some("RATE_LIMITED"), &headers, "it", now);
        assert_eq!(
            trouble.retry_at,
            Timestamp::from_second(5100).ok(),
            "by the distance of GitHub's own times"
        );
    }
}
