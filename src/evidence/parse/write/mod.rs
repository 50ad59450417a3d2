//! Results written as JUnit and as CTRF.
//!
//! The totals are always those of the result. Tests are listed as far as they are known: all
//! of them if single tests were kept, else those that failed. Nothing is made up for the rest,
//! and the reports say how many are not listed.

mod ctrf;
mod junit;

pub use ctrf::write_ctrf;
pub use junit::write_junit;

use super::model::{Case, Counts, Failure, FailureKind, Outcome, Parsed};

/// What a reader of such a report has to say.
pub(super) const INCOMPLETE: &str = "the report was made from results that were not complete";
pub(super) const OUTSIDE: &str = "the report was made from results with failures outside of tests";

/// A test to be written.
struct Listed<'a> {
    name: &'a str,
    suite: Option<&'a str>,
    outcome: Outcome,
    flaked: bool,
    duration: Option<f64>,
    failure: Option<&'a Failure>,
}

/// The tests to be written: failures first, then the others that are known.
fn listed(parsed: &Parsed) -> Vec<Listed<'_>> {
    let mut left = parsed.tests;
    let mut list = Vec::new();
    for failure in &parsed.failures {
        // Only as many as the counts hold: the others are not tests.
        let errored = matches!(failure.kind, FailureKind::Errored | FailureKind::BuildFailed);
        let outcome = match (errored, left.failed, left.errored) {
            (true, _, 1..) => Outcome::Errored,
            (false, 1.., _) => Outcome::Failed,
            (_, 0, 1..) => Outcome::Errored,
            (_, 1.., 0) if !errored => Outcome::Failed,
            _ => continue,
        };
        take(&mut left, outcome);
        list.push(Listed {
            name: &failure.name,
            suite: failure.classname.as_deref().or(failure.suite.as_deref()),
            outcome,
            flaked: false,
            duration: failure.duration,
            failure: Some(failure),
        });
    }
    let others =
        parsed.cases.iter().filter(|case| !matches!(case.outcome, Outcome::Failed | Outcome::Errored));
    for case in others {
        let Case { name, suite, outcome, flaked, duration } = case;
        if !take(&mut left, *outcome) {
            continue;
        }
        list.push(Listed {
            name,
            suite: suite.as_deref(),
            outcome: *outcome,
            flaked: *flaked,
            duration: *duration,
            failure: None,
        });
    }
    list
}

/// Takes one test off the counts that are left; false if there is none.
fn take(left: &mut Counts, outcome: Outcome) -> bool {
    let slot = match outcome {
        Outcome::Passed => &mut left.passed,
        Outcome::Failed => &mut left.failed,
        Outcome::Errored => &mut left.errored,
        Outcome::Skipped => &mut left.skipped,
        Outcome::Pending => &mut left.pending,
    };
    match slot.checked_sub(1) {
        Some(less) => {
            *slot = less;
            true
        }
        None => false,
    }
}

/// Failures that are not tests: builds, suites, errors outside.
fn outside<'a>(parsed: &'a Parsed, list: &[Listed<'_>]) -> Vec<&'a Failure> {
    let known = |failure: &Failure| {
        list.iter().any(|test| test.failure.is_some_and(|own| std::ptr::eq(own, failure)))
    };
    parsed.failures.iter().filter(|failure| !known(failure)).collect()
}

/// Failures that are not tests, whether or not they are in the list.
fn hidden(parsed: &Parsed) -> u64 {
    parsed.failures_total.saturating_sub(parsed.tests.bad())
}

/// The word that reports use for a kind.
fn kind_word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Failed => "failed",
        FailureKind::Panicked => "panicked",
        FailureKind::TimedOut => "timedout",
        FailureKind::Interrupted => "interrupted",
        FailureKind::Errored => "error",
        FailureKind::BuildFailed => "build failed",
    }
}
