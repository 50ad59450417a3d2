//! The arithmetic of rates. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::answer::Execution;

/// A share with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// How often it happened.
    pub count: i64,
    /// Of how many.
    pub total: i64,
    pub rate: f64,
    /// Within these the true rate lies with a confidence of 95 %, by Wilson's score.
    pub low: f64,
    pub high: f64,
}

/// What the results of one job or test come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Results that are a pass or a failure, of all that were looked at; the newest first, so many at most.
    pub results: i64,
    /// Failures among the results.
    pub failures: Rate,
    /// Commits on which it both failed and passed for one event, among those with either. Nothing else is called a
    /// flake: a pull request is tested together with its base branch, a push without it.
    pub flakes: Rate,
    /// Median and largest of the seconds that passing runs took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<i64>,
    /// Of a test: how long it took itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Timed>,
    /// Since when it fails, where all results are of one branch and its newest commit fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<Bad>,
    /// Older results were not looked at.
    pub cut: bool,
}

/// How long a test took where it passed, as far as reports and logs tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timed {
    /// How many times that is known, of the newest ones.
    pub results: i64,
    pub median_millis: i64,
    pub max_millis: i64,
    /// Where it took longest.
    pub repository: String,
    pub sha: String,
    pub workflow: String,
    pub job: String,
    pub run_id: i64,
    pub attempt: i64,
    pub job_id: i64,
}

/// Since when something fails on a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bad {
    /// First commit of those that fail in a row up to the newest.
    pub first_bad: String,
    /// The commit before it, on which it passed; none where no pass is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<String>,
    /// Commits that fail in a row.
    pub commits: i64,
}

/// Wilson's score interval with 95 % confidence; of nothing anything may be true.
pub fn wilson(count: i64, total: i64) -> Rate {
    if total <= 0 {
        return Rate { count: 0, total: 0, rate: 0.0, low: 0.0, high: 1.0 };
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (total as f64, count.clamp(0, total) as f64 / total as f64);
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let round = |x: f64| (x.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0;
    // The interval ends where the rate does; rounding must not say otherwise.
    let low = if count <= 0 { 0.0 } else { round(middle - half) };
    let high = if count >= total { 1.0 } else { round(middle + half) };
    Rate { count, total, rate: round(p), low, high }
}

/// What the results of one commit come to.
#[derive(Clone, Debug, Default)]
struct OnCommit<'a> {
    newest: i64,
    passed: BTreeSet<&'a str>,
    failed: BTreeSet<&'a str>,
}

/// Sums up results, the newest first.
pub fn summary(all: &[Execution], cut: bool) -> Summary {
    let (mut results, mut failures) = (0, 0);
    let mut commits: BTreeMap<(&str, &str), OnCommit<'_>> = BTreeMap::new();
    let mut seconds = Vec::new();
    for one in all {
        let Some(passed) = one.passed() else { continue };
        results += 1;
        failures += i64::from(!passed);
        let on = commits.entry((&one.repository, &one.sha)).or_default();
        on.newest = on.newest.max(one.at);
        if passed { &mut on.passed } else { &mut on.failed }.insert(&one.event);
        seconds.extend(one.seconds.filter(|_| passed));
    }
    seconds.sort_unstable();
    let flaky = commits.values().filter(|c| !c.passed.is_disjoint(&c.failed)).count();
    let len = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Summary {
        results,
        failures: wilson(failures, results),
        flakes: wilson(len(flaky), len(commits.len())),
        median_seconds: seconds.get(seconds.len() / 2).copied(),
        max_seconds: seconds.last().copied(),
        test: None,
        bad: bad(all, &commits),
        cut,
    }
}

/// Commits in a row that only fail, up to the newest.
fn bad(all: &[Execution], commits: &BTreeMap<(&str, &str), OnCommit<'_>>) -> Option<Bad> {
    let first = all.first()?;
    let one =
        |e: &Execution| e.branch.is_some() && e.branch == first.branch && e.repository == first.repository;
    if !all.iter().all(one) {
        return None;
    }
    let mut order: Vec<(&str, &OnCommit<'_>)> = commits.iter().map(|((_, sha), on)| (*sha, on)).collect();
    order.sort_by_key(|(sha, on)| (std::cmp::Reverse(on.newest), *sha));
    let row = order.iter().take_while(|(_, on)| on.passed.is_empty()).count();
    let (first_bad, _) = order.get(row.checked_sub(1)?)?;
    Some(Bad {
        first_bad: (*first_bad).to_owned(),
        last_good: order.get(row).map(|(sha, _)| (*sha).to_owned()),
        commits: i64::try_from(row).unwrap_or(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ran(sha: &str, at: i64, result: &str) -> Execution {
        Execution {
            repository: "acme/shop".into(),
            sha: sha.into(),
            branch: Some("main".into()),
            at,
            result: result.into(),
            seconds: Some(at),
            ..Execution::default()
        }
    }

    #[test]
    fn wilsons_interval_is_that_of_the_books() {
        // Newcombe 1998, table I: 81 of 263 and 15 of 148.
        for (count, total, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)] {
            let rate = wilson(count, total);
            assert!((rate.low - low).abs() < 2e-4 && (rate.high - high).abs() < 2e-4, "{rate:?}");
        }
        let none = wilson(0, 20);
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 2e-4, "{none:?}");
        assert_eq!((wilson(0, 0).low, wilson(0, 0).high), (0.0, 1.0));
        assert_eq!((wilson(5, 5).rate, wilson(5, 5).high), (1.0, 1.0));
    }

    #[test]
    fn only_a_pass_and_a_failure_of_one_commit_are_a_flake() {
        // Red on one commit and green on the next is a fix; what was cancelled is no result.
        let all = [
            ran("d", 40, "success"),
            ran("c", 31, "cancelled"),
            ran("b", 21, "success"),
            ran("b", 20, "failure"),
            ran("a", 10, "timed_out"),
        ];
        let sum = summary(&all, false);
        assert_eq!((sum.results, sum.failures.count), (4, 2));
        assert_eq!((sum.flakes.count, sum.flakes.total), (1, 3));
        assert_eq!((sum.median_seconds, sum.max_seconds, sum.bad), (Some(40), Some(40), None));
    }

    #[test]
    fn a_pull_request_and_a_push_of_one_commit_are_two_things() {
        let of = |event: &str, one: Execution| Execution { event: event.into(), ..one };
        let all = [of("pull_request", ran("a", 20, "failure")), of("push", ran("a", 10, "success"))];
        assert_eq!((summary(&all, false).flakes.count, summary(&all, false).flakes.total), (0, 1));
        let [one, two] = all;
        let all = [of("push", ran("a", 30, "failure")), one, two];
        assert_eq!(summary(&all, false).flakes.count, 1);
    }

    #[test]
    fn the_first_bad_commit_is_the_one_after_the_last_pass() {
        let all = [ran("c", 30, "failure"), ran("b", 20, "failure"), ran("a", 10, "success")];
        let bad = summary(&all, false).bad.unwrap();
        assert_eq!((bad.first_bad.as_str(), bad.last_good.as_deref(), bad.commits), ("b", Some("a"), 2));
        // A flake is a pass.
        let all = [ran("c", 30, "failure"), ran("b", 21, "success"), ran("b", 20, "failure")];
        assert_eq!(summary(&all, false).bad.unwrap().first_bad, "c");
        let all = [ran("b", 20, "failure"), ran("a", 10, "failure")];
        let bad = summary(&all, true).bad.unwrap();
        assert_eq!((bad.first_bad.as_str(), bad.last_good), ("a", None));
        // Commits of several branches do not follow each other.
        let other = Execution { branch: Some("other".into()), ..ran("a", 10, "success") };
        let all = [ran("b", 20, "failure"), other];
        assert_eq!(summary(&all, false).bad, None);
        assert_eq!(summary(&[], false).bad, None);
    }
}
