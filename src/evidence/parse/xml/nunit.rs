//! NUnit: `<test-run>` of version 3, as its console, Unity and others write it, and `<test-results>` of
//! version 2.
//!
//! A suite that failed though none of its tests did was broken by its setup or teardown: that is a
//! failure outside of tests.

use super::super::found::{Found, Totals, outside};
use super::super::model::{Counts, FailureKind, Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

#[derive(Debug, Default)]
pub(super) struct Nunit {
    suites: Vec<Suite>,
    case: Option<Found>,
    tests: u64,
    bad: u64,
    declared: Totals,
    counts: Counts,
    /// What the root says of the run.
    failed: bool,
    cancelled: bool,
    outside: bool,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    failed: bool,
    /// Where it failed, as far as it says so.
    site: String,
    bad: u64,
    message: String,
    trace: String,
}

/// The word before a label: `Failed` of `Failed:Error` and `Failed(Child)`.
fn base(word: &str) -> (String, String) {
    let (base, label) = word.split_once([':', '(']).unwrap_or((word, ""));
    (base.trim().to_ascii_lowercase(), label.trim_end_matches(')').trim().to_ascii_lowercase())
}

fn is_failure(word: &str) -> bool {
    matches!(base(word).0.as_str(), "failed" | "failure" | "error" | "cancelled")
}

fn outcome(element: &Element) -> (Option<Outcome>, FailureKind) {
    let (word, inside) = base(element.get("result").unwrap_or_default());
    let label = element.get("label").map_or(inside, str::to_ascii_lowercase);
    let known = match (word.as_str(), label.as_str()) {
        ("passed" | "success" | "warning", _) => Outcome::Passed,
        ("failed" | "failure", "error" | "invalid" | "notrunnable") | ("error" | "notrunnable", _) => {
            return (Some(Outcome::Errored), FailureKind::Errored);
        }
        ("cancelled", _) | ("failed", "cancelled") => {
            return (Some(Outcome::Failed), FailureKind::Interrupted);
        }
        ("failed" | "failure", _) => Outcome::Failed,
        ("skipped" | "ignored" | "inconclusive", _) => Outcome::Skipped,
        // Version 2.4 and earlier have no result.
        ("", _) => match (element.get("executed"), element.get("success")) {
            (Some("False" | "false"), _) => Outcome::Skipped,
            (Some(_), Some("True" | "true")) => Outcome::Passed,
            (Some(_), Some("False" | "false")) => Outcome::Failed,
            _ => return (None, FailureKind::Errored),
        },
        _ => return (None, FailureKind::Errored),
    };
    (Some(known), FailureKind::Failed)
}

impl Nunit {
    fn start(&mut self, element: &Element) {
        let suite = self.suites.iter().rev().find(|suite| !suite.name.is_empty());
        let suite = suite.map(|suite| suite.name.clone());
        let class = element.some("classname");
        let (outcome, kind) = outcome(element);
        self.cancelled |= kind == FailureKind::Interrupted;
        self.case = Some(Found {
            name: element.some("fullname").or_else(|| element.some("name")).unwrap_or_default(),
            suite,
            classname: class,
            outcome,
            kind,
            word: element.text("result"),
            duration: element.seconds("duration").or_else(|| element.seconds("time")),
            ..Found::default()
        });
    }

    fn end(&mut self, sink: &mut Sink) {
        let Some(case) = self.case.take() else { return };
        self.tests += 1;
        if case.record(Format::Nunit, sink) {
            self.bad += 1;
            if let Some(suite) = self.suites.last_mut() {
                suite.bad += 1;
            }
        }
    }

    fn end_suite(&mut self, sink: &mut Sink) {
        let Some(suite) = self.suites.pop() else { return };
        let mut bad = suite.bad;
        // Of a setup that failed its tests tell, each for itself.
        if suite.failed && (bad == 0 || suite.site == "teardown") {
            outside(&suite.name, &suite.message, &suite.trace, sink);
            self.outside = true;
            bad += 1;
        }
        if let Some(around) = self.suites.last_mut() {
            around.bad += bad;
        }
    }

    fn root(&mut self, element: &Element) {
        let count = |name: &str| element.count(name);
        let failed = count("failed").or_else(|| {
            let (errors, failures) = (count("errors"), count("failures"));
            errors.or(failures).map(|_| errors.unwrap_or(0).saturating_add(failures.unwrap_or(0)))
        });
        self.declared.add(Totals { tests: count("total"), bad: failed });
        self.failed |= element.get("result").is_some_and(is_failure);
        let total = count("total").unwrap_or(0);
        let bad = failed.unwrap_or(0).min(total);
        let skipped = count("skipped").unwrap_or(0).saturating_add(count("inconclusive").unwrap_or(0));
        let skipped = skipped.min(total - bad);
        self.counts.add(Outcome::Failed, bad);
        self.counts.add(Outcome::Skipped, skipped);
        self.counts.add(Outcome::Passed, total - bad - skipped);
    }
}

impl Dialect for Nunit {
    fn open(&mut self, path: &[String], element: &Element, _: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "test-run" | "test-results" if path.len() == 1 => self.root(element),
            "test-suite" => self.suites.push(Suite {
                name: element.some("fullname").or_else(|| element.some("name")).unwrap_or_default(),
                failed: element.get("result").is_some_and(is_failure),
                site: element.text("site").to_ascii_lowercase(),
                ..Suite::default()
            }),
            "test-case" => self.start(element),
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "test-case" => self.end(sink),
            "test-suite" => self.end_suite(sink),
            "message" if ends(path, &["test-case", "failure", "message"]) => {
                if let Some(case) = &mut self.case {
                    case.message = text.to_owned();
                }
            }
            "stack-trace" if ends(path, &["test-case", "failure", "stack-trace"]) => {
                if let Some(case) = &mut self.case {
                    case.trace = text.to_owned();
                }
            }
            "failure" if ends(path, &["test-case", "failure"]) => {
                // A test that failed and says otherwise of itself did not pass.
                if let Some(case) = self.case.as_mut().filter(|case| !case.is_bad()) {
                    case.outcome = Some(Outcome::Failed);
                }
            }
            "message" if ends(path, &["test-suite", "failure", "message"]) => {
                if let Some(suite) = self.suites.last_mut() {
                    suite.message = text.to_owned();
                }
            }
            "stack-trace" if ends(path, &["test-suite", "failure", "stack-trace"]) => {
                if let Some(suite) = self.suites.last_mut() {
                    suite.trace = text.to_owned();
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.case.as_ref().is_some_and(Found::is_bad) {
            self.end(sink);
        }
        sink.seen(Format::Nunit);
        if self.cancelled {
            sink.incomplete(Place::File, "a test was cancelled: the run was cut short");
        }
        if self.tests == 0 && self.counts.total > 0 {
            sink.merge(Format::Nunit, self.counts);
            let said = "the file holds no test cases: the counts are those that its root declares";
            return sink.incomplete(Place::File, said);
        }
        if self.failed && self.bad == 0 && !self.outside {
            sink.incomplete(Place::File, "the report says that the run failed, and lists nothing that did");
        }
        self.declared.compare(self.tests, self.bad, sink);
    }
}
