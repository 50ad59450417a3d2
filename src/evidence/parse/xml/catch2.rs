//! The XML of Catch2 (and of Catch before it) and of doctest, which share most of their words.
//!
//! A test case says at its end whether it held; one that does not is errored, because the program ended in
//! the middle of it. What a listing of tests holds was not run.

use super::super::found::Found;
use super::super::model::{FailureKind, Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

#[derive(Debug, Default)]
pub(super) struct Catch2 {
    suite: String,
    case: Option<Found>,
    /// The first failing assertion: its place, and whether its text is still to come.
    reading: bool,
    tests: u64,
    bad: u64,
    declared: Option<u64>,
    declared_bad: Option<u64>,
    listing: bool,
}

impl Catch2 {
    fn start(&mut self, element: &Element) {
        let skipped = element.get("skipped") == Some("true");
        self.reading = false;
        self.case = Some(Found {
            name: element.text("name"),
            suite: Some(self.suite.clone()).filter(|name| !name.is_empty()),
            file: element.some("filename"),
            line: element.count("line"),
            outcome: skipped.then_some(Outcome::Skipped),
            word: "none".to_owned(),
            ..Found::default()
        });
    }

    /// Something in a case that did not hold.
    fn problem(&mut self, element: &Element, kind: FailureKind) {
        let Some(case) = &mut self.case else { return };
        // The first one says most; what a fatal signal adds says more.
        let first = case.kind == FailureKind::Failed && case.word != "failed";
        if first || kind == FailureKind::Panicked {
            case.word = "failed".to_owned();
            case.kind = kind;
            case.file = element.some("filename").or_else(|| case.file.take());
            case.line = element.count("line").or(case.line);
            self.reading = true;
        }
    }

    fn verdict(&mut self, element: &Element) {
        let Some(case) = &mut self.case else { return };
        let said = element.get("success").or_else(|| element.get("test_case_success"));
        let skips = element.count("skips").unwrap_or(0) > 0;
        case.duration = element.seconds("durationinseconds").or_else(|| element.seconds("duration"));
        case.outcome = match (said, element.count("failures")) {
            (Some("true"), _) if skips => Some(Outcome::Skipped),
            (Some("true"), _) => Some(Outcome::Passed),
            (Some("false"), _) => Some(Outcome::Failed),
            // doctest before 2.4.7 has only numbers.
            (None, Some(0)) if case.word != "failed" => Some(Outcome::Passed),
            (None, Some(_)) => Some(Outcome::Failed),
            _ => None,
        };
    }

    fn end(&mut self, sink: &mut Sink) {
        let Some(mut case) = self.case.take() else { return };
        self.reading = false;
        self.tests += 1;
        if !case.is_bad() {
            case.kind = FailureKind::Failed;
        }
        self.bad += u64::from(case.record(Format::Catch2Xml, sink));
    }
}

impl Dialect for Catch2 {
    fn open(&mut self, path: &[String], element: &Element, _: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "matchingtests" => self.listing = true,
            "catch2testrun" | "catch" | "group" | "testsuite" => self.suite = element.text("name"),
            "testcase" if !self.listing => self.start(element),
            "expression" if element.get("success") != Some("true") => {
                self.problem(element, FailureKind::Failed);
            }
            "failure" | "exception" => self.problem(element, FailureKind::Failed),
            "fatalerrorcondition" => self.problem(element, FailureKind::Panicked),
            "message" if element.get("type").is_some_and(|kind| kind.contains("ERROR")) => {
                self.problem(element, FailureKind::Failed);
            }
            "overallresult" | "overallresultsasserts" if path.iter().any(|name| name == "testcase") => {
                self.verdict(element);
            }
            "overallresultscases" | "overallresultstestcases" => {
                let count = |name: &str| element.count(name).unwrap_or(0);
                let bad = count("failures");
                let expected = count("expectedfailures");
                self.declared = Some(count("successes").saturating_add(bad).saturating_add(expected));
                self.declared_bad = Some(bad);
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        let name = path.last().map_or("", String::as_str);
        match name {
            "testcase" if !self.listing => self.end(sink),
            "original" | "expanded" | "exception" | "fatalerrorcondition" | "failure" | "text"
                if self.reading =>
            {
                let Some(case) = &mut self.case else { return };
                let text = text.trim();
                if name == "expanded" && !case.message.is_empty() {
                    case.message.push_str(" with ");
                } else if !case.message.is_empty() && !text.is_empty() {
                    case.message.push_str(": ");
                }
                if case.message.len() < 4096 {
                    case.message.push_str(text);
                }
                // What comes inside an expression ends with it.
                self.reading = path.iter().any(|name| name == "expression" || name == "message");
            }
            "expression" | "message" => self.reading = false,
            _ if ends(path, &["doctest", "testsuite"]) => self.suite.clear(),
            _ => {}
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.case.as_ref().is_some_and(Found::is_bad) {
            self.end(sink);
        }
        if self.listing || (self.tests == 0 && self.declared.is_none()) {
            return sink.warn(Place::File, "the XML holds no results of tests");
        }
        sink.seen(Format::Catch2Xml);
        let declared = self.declared.unwrap_or(self.tests);
        // What was skipped is in no total of doctest.
        let declared = if declared < self.tests { self.tests } else { declared };
        let declared_bad = self.declared_bad.unwrap_or(self.bad);
        sink.compare([("tests", declared, self.tests), ("failed tests", declared_bad, self.bad)]);
    }
}
