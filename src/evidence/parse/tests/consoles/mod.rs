//! Consoles of tools that come in every language: passing, failing, cut off, and telling of others.

mod dotnet;
mod java;
mod javascript;
mod native;
mod outside;
mod php;
mod python;
mod ruby;
mod streams;
mod swift;

use super::*;

/// What it shows, the log, format, counts, names of the failures with their places, complete.
struct Case {
    what: &'static str,
    log: &'static str,
    format: Format,
    counts: [u64; 7],
    failures: &'static [(&'static str, &'static str)],
    complete: bool,
}

/// Holds every case to what it says, also in GitHub's envelope; and no green one stays green when it
/// is cut before `seal`, which is in all that are green.
fn hold(cases: &[Case], seals: &[&str]) {
    for case in cases {
        let parsed = parse("a.log", case.log);
        let failures: Vec<(&str, String)> =
            parsed.failures.iter().map(|failure| (failure.name.as_str(), place(failure))).collect();
        let failures: Vec<(&str, &str)> = failures.iter().map(|(name, at)| (*name, at.as_str())).collect();
        let found = (parsed.format, counts(&parsed), failures.as_slice(), parsed.complete);
        let expected = (case.format, case.counts, case.failures, case.complete);
        assert_eq!(found, expected, "{}: {:?}", case.what, parsed.warnings);
        let stamped: String =
            case.log.lines().map(|line| format!("2026-01-23T17:04:05.1234567Z {line}\n")).collect();
        let stamped = parse("a.log", stamped);
        assert_eq!(
            (stamped.tests, &stamped.failures, stamped.complete),
            (parsed.tests, &parsed.failures, parsed.complete),
            "{} with stamps",
            case.what
        );
        if case.complete && parsed.failures_total == 0 && parsed.tests.passed > 0 {
            let seal = seals.iter().filter_map(|seal| case.log.find(seal)).min();
            let seal = seal.unwrap_or_else(|| panic!("{} has no seal", case.what));
            for (at, _) in case.log.match_indices('\n').filter(|(at, _)| *at < seal) {
                let part = parse("a.log", &case.log[..=at]);
                let green = part.complete && part.failures_total == 0 && part.tests.passed > 0;
                assert!(!green, "{} is green at byte {at}: {:?}", case.what, part.tests);
            }
        }
    }
}

/// The failure of a case, for what it says.
fn message<'a>(parsed: &'a Parsed, name: &str) -> &'a str {
    failure(parsed, name).message.as_deref().unwrap_or_default()
}
