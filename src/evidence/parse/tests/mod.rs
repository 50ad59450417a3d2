#![allow(
    clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing,
    clippy::type_complexity
)]

mod archives;
mod consoles;
mod corpus;
mod dialects;
mod early;
mod hostile;
mod junit;
mod laws;
mod logs;
mod outside;
mod reports;
mod shapes;
mod tools;
mod writing;

use super::*;

/// Parses a text as a file of this name, with the default limits.
fn parse(name: &str, text: impl AsRef<[u8]>) -> Parsed {
    let parsed = parse_bytes(name, text.as_ref(), &Limits::default());
    assert!(parsed.tests.holds(), "{name}: {:?}", parsed.tests);
    assert!(parsed.failures_total >= parsed.tests.bad());
    assert!(parsed.failures.len() as u64 <= parsed.failures_total);
    parsed
}

/// `[total, passed, failed, errored, skipped, pending, flaked]`.
fn counts(parsed: &Parsed) -> [u64; 7] {
    let c = parsed.tests;
    [c.total, c.passed, c.failed, c.errored, c.skipped, c.pending, c.flaked]
}

/// The names of the failures, in order.
fn names(parsed: &Parsed) -> Vec<&str> {
    parsed.failures.iter().map(|f| f.name.as_str()).collect()
}

/// The failure of this name.
fn failure<'a>(parsed: &'a Parsed, name: &str) -> &'a Failure {
    let found = parsed.failures.iter().find(|f| f.name == name);
    found.unwrap_or_else(|| panic!("no failure {name:?} in {:?}", names(parsed)))
}

/// `file:line` of a failure.
fn place(failure: &Failure) -> String {
    let file = failure.file.as_deref().unwrap_or("-");
    match failure.line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    }
}

/// Whether a warning says this.
fn warns(parsed: &Parsed, text: &str) -> bool {
    parsed.warnings.iter().any(|w| w.text.contains(text))
}

#[test]
fn every_pattern_compiles() {
    let patterns = [text::patterns(), console::patterns()].concat();
    assert!(patterns.len() > 60);
    for (at, pattern) in patterns.iter().enumerate() {
        assert!(pattern.is_some(), "pattern {at} of the list");
    }
}
