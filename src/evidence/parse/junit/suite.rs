//! One `testsuite`: what it declares and what it holds.

use crate::evidence::parse::model::Counts;
use crate::evidence::parse::text::MOST;

/// One open suite.
#[derive(Debug, Default)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) declared: Declared,
    /// Cases, failures and errors, further attempts, skipped cases and suites found in it, at any depth.
    pub(super) cases: u64,
    pub(super) bad: u64,
    pub(super) attempts: u64,
    pub(super) skipped: u64,
    pub(super) suites: u64,
    /// No suite is around it: its total is compared for less as well as for more.
    pub(super) outer: bool,
}

/// What a suite says of itself, as it is written.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) tests: Option<u64>,
    pub(super) failures: u64,
    pub(super) errors: u64,
    pub(super) skipped: u64,
}

impl Declared {
    pub(super) fn bad(&self) -> u64 {
        self.failures.saturating_add(self.errors)
    }

    /// As counts that add up.
    pub(super) fn counts(&self) -> Counts {
        let total = self.tests.unwrap_or(0);
        let failed = self.failures.min(total);
        let errored = self.errors.min(total - failed);
        let skipped = self.skipped.min(total - failed - errored);
        let passed = total - failed - errored - skipped;
        Counts { total, passed, failed, errored, skipped, ..Counts::default() }
    }
}

/// A suite that holds other numbers than it declares.
pub(super) struct Lie {
    /// It holds less: results are missing.
    pub(super) torn: bool,
    pub(super) said: String,
}

impl Suite {
    /// Compares what it declares with what it holds. `is_suite` is false of the root of all suites.
    pub(super) fn lie(&self, is_suite: bool) -> Option<Lie> {
        let declared = &self.declared;
        // Surefire counts every attempt of a case as a test and as a failure.
        let attempts = match declared.tests {
            Some(tests) if tests == self.cases.saturating_add(self.attempts) => self.attempts,
            _ => 0,
        };
        let cases = self.cases.saturating_add(attempts);
        let tests = declared.tests.unwrap_or(cases);
        let missing = tests.saturating_sub(cases);
        // Writers that leave skipped cases out count them at the root all the same.
        let unlisted = if is_suite { 0 } else { declared.skipped.saturating_sub(self.skipped) };
        let hidden = declared.bad().saturating_sub(self.bad.saturating_add(attempts));
        if missing == 0 && hidden == 0 && (tests == cases || !self.outer) {
            return None;
        }
        let name = if self.name.is_empty() { "a suite" } else { &self.name };
        let said = if hidden > 0 {
            let bad = declared.bad();
            format!("{name} declares {bad} failures and errors and holds {}: results are missing", self.bad)
        } else {
            format!("{name} declares {tests} tests and holds {}: counted are those it holds", self.cases)
        };
        Some(Lie { torn: missing > unlisted || hidden > 0, said })
    }
}

/// A count as writers put it down: with commas, or as a float.
pub(in crate::evidence::parse) fn number(value: &str) -> Option<u64> {
    let value = value.trim().replace(',', "");
    let whole = value.parse::<u64>().ok().or_else(|| {
        let float = value.parse::<f64>().ok()?;
        (float.is_finite() && (0.0..1e15).contains(&float)).then_some(float as u64)
    });
    whole.map(|n| n.min(MOST))
}
