//! Local versus CI: what the same suite did on a developer's machine. It explains, it never decides.

use std::collections::BTreeSet;

use super::facts::Evidence;
use super::plan::Plan;
use super::suites::matrix;
use super::text::{clean, list};
use crate::api::spec::LocalResult;
use crate::api::status::LocalComparison;

/// The comparison for a failed job, where a local result names it, its suite, or its matrix value.
pub(super) fn compare(
    plan: &Plan<'_>,
    suite: &str,
    job: &str,
    evidence: Option<&Evidence>,
) -> Option<LocalComparison> {
    let value = matrix(job);
    let alias = |name: &str| plan.spec.aliases.get(name).map(String::as_str);
    let names = [Some(job), value, alias(job), value.and_then(alias), Some(suite)];
    let local = names.into_iter().flatten().find_map(|name| {
        plan.spec.local_results.iter().find(|l| !name.is_empty() && l.suite.eq_ignore_ascii_case(name))
    })?;
    Some(LocalComparison {
        total: local.total,
        passed: local.passed,
        failed: local.failed,
        flaked: local.flaked,
        finding: clean(&finding(local, evidence), 512),
    })
}

fn finding(local: &LocalResult, evidence: Option<&Evidence>) -> String {
    let ci = evidence.and_then(|e| e.tests);
    let by = local.reporter.as_deref().map(|r| format!(" ({})", clean(r, 80))).unwrap_or_default();
    let at = local.commit.as_deref().map(|c| format!(" on commit {}", c.chars().take(8).collect::<String>()));
    let at = at.unwrap_or_default();
    let Some(total) = local.total else {
        return format!("reported without counts{by}{at}: nothing to compare");
    };
    let failed = local.failed.or_else(|| Some(total - local.passed? - local.skipped.unwrap_or(0)));
    let passed = local.passed.or_else(|| Some(total - local.failed? - local.skipped.unwrap_or(0)));
    let mut text = match (passed, failed) {
        (Some(passed), Some(failed)) => format!("local{by}{at}: {passed} of {total} passed, {failed} failed"),
        _ => format!("local{by}{at}: {total} tests, how many passed is not reported"),
    };
    if let Some(flaked) = local.flaked.filter(|f| *f > 0) {
        text.push_str(&format!(" ({flaked} only after a retry)"));
    }
    match ci {
        None => text.push_str("; the counts of CI were not read"),
        Some(ci) => {
            let ci_failed = ci.failed + ci.errored;
            text.push_str(&format!("; CI: {} of {} passed, {ci_failed} failed", ci.passed, ci.total));
            if ci.total != total {
                text.push_str("; not the same set of tests");
            } else if failed == Some(0) && ci_failed > 0 {
                text.push_str("; the same number of tests, red only in CI: something differs between the two, which is not known yet");
            }
            if let Some(names) = evidence.and_then(|e| by_name(local, failed, e)) {
                text.push_str(&names);
            }
        }
    }
    text
}

/// Which tests fail on both sides and which on one, where all failing tests of both are known.
fn by_name(local: &LocalResult, failed: Option<i64>, evidence: &Evidence) -> Option<String> {
    let listed = |n: usize| i64::try_from(n).ok();
    let whole = listed(evidence.failing.len()) == Some(evidence.failing_total)
        && listed(local.failing_tests.len()) == failed;
    if !whole {
        return None;
    }
    // Ginkgo's reports name the kind of node, its console does not.
    let bare = |name: &'_ str| name.strip_prefix("[It] ").unwrap_or(name).to_owned();
    let ci: BTreeSet<String> = evidence.failing.iter().map(|t| bare(&t.name)).collect();
    let here: BTreeSet<String> = local.failing_tests.iter().map(String::as_str).map(bare).collect();
    let mut text = String::new();
    for (what, tests) in [
        ("fail in both", ci.intersection(&here).collect::<Vec<_>>()),
        ("only in CI", ci.difference(&here).collect()),
        ("only locally", here.difference(&ci).collect()),
    ] {
        if !tests.is_empty() {
            text.push_str(&format!("; {what}: {}", list(tests.into_iter().map(String::as_str), 3)));
        }
    }
    Some(text)
}
