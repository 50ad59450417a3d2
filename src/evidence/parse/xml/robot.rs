//! `output.xml` of Robot Framework.
//!
//! What a test says of itself is the last word on it but for one thing: a suite teardown that fails
//! makes all tests of its suite fail afterwards, and the file lists them as they were before. Such a
//! suite is a failure outside of tests.

use super::super::found::{Found, outside};
use super::super::model::{Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

#[derive(Debug, Default)]
pub(super) struct Robot {
    suites: Vec<Suite>,
    test: Option<Found>,
    tests: u64,
    bad: u64,
    /// The largest totals of the statistics: other lines are parts of them.
    declared: u64,
    declared_bad: u64,
    errors: u64,
    /// Other files have a root of this name.
    any: bool,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    source: Option<String>,
    failed: bool,
    message: String,
    /// Its teardown failed.
    teardown: bool,
    /// The keyword that is open right in it is its teardown.
    in_teardown: bool,
    bad: u64,
}

impl Robot {
    fn end_suite(&mut self, sink: &mut Sink) {
        let Some(suite) = self.suites.pop() else { return };
        let mut bad = suite.bad;
        if suite.teardown || (suite.failed && bad == 0) {
            let said = if suite.message.trim().is_empty() { "its teardown failed" } else { &suite.message };
            outside(&suite.name, said, "", sink);
            bad += 1;
        }
        if let Some(around) = self.suites.last_mut() {
            around.bad += bad;
        }
    }

    fn end_test(&mut self, sink: &mut Sink) {
        let Some(test) = self.test.take() else { return };
        self.tests += 1;
        if test.record(Format::Robot, sink) {
            self.bad += 1;
            if let Some(suite) = self.suites.last_mut() {
                suite.bad += 1;
            }
        }
    }

    /// The state of a test, a suite, or the teardown of a suite.
    fn status(&mut self, path: &[String], element: &Element) {
        let word = element.text("status");
        if ends(path, &["test", "status"]) {
            if let Some(test) = &mut self.test {
                test.outcome = match word.as_str() {
                    "PASS" => Some(Outcome::Passed),
                    "FAIL" => Some(Outcome::Failed),
                    "SKIP" | "NOT RUN" | "NOT_RUN" => Some(Outcome::Skipped),
                    _ => None,
                };
                test.duration = element.seconds("elapsed");
                test.word = word;
            }
        } else if let Some(suite) = self.suites.last_mut() {
            if ends(path, &["suite", "status"]) {
                suite.failed = word == "FAIL";
            } else if ends(path, &["suite", "kw", "status"]) && suite.in_teardown {
                suite.teardown |= word == "FAIL";
            }
        }
    }
}

impl Dialect for Robot {
    fn open(&mut self, path: &[String], element: &Element, _: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            // In the statistics suites have lines of their own.
            "suite" if !path.iter().any(|name| name == "statistics") => {
                self.any = true;
                let name = element.some("name").unwrap_or_default();
                let name = match self.suites.last() {
                    Some(around) if !around.name.is_empty() => format!("{}.{name}", around.name),
                    _ => name,
                };
                self.suites.push(Suite { name, source: element.some("source"), ..Suite::default() });
            }
            "test" if ends(path, &["suite", "test"]) => {
                let suite = self.suites.last();
                self.test = Some(Found {
                    name: element.text("name"),
                    suite: suite.map(|suite| suite.name.clone()).filter(|name| !name.is_empty()),
                    file: suite.and_then(|suite| suite.source.clone()),
                    line: element.count("line"),
                    word: "none".to_owned(),
                    ..Found::default()
                });
            }
            "kw" if ends(path, &["suite", "kw"]) => {
                let kind = element.text("type");
                if let Some(suite) = self.suites.last_mut() {
                    suite.in_teardown = kind.eq_ignore_ascii_case("teardown");
                }
            }
            "status" => self.status(path, element),
            "stat" if ends(path, &["statistics", "total", "stat"]) => {
                let count = |name: &str| element.count(name).unwrap_or(0);
                let (bad, other) = (count("fail"), count("pass").saturating_add(count("skip")));
                self.declared = self.declared.max(bad.saturating_add(other));
                self.declared_bad = self.declared_bad.max(bad);
            }
            "msg" if ends(path, &["robot", "errors", "msg"]) => {
                self.errors += u64::from(element.get("level") == Some("ERROR"));
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "status" if ends(path, &["test", "status"]) => {
                if let Some(test) = &mut self.test {
                    test.message = text.trim().to_owned();
                }
            }
            "status" if ends(path, &["suite", "status"]) => {
                if let Some(suite) = self.suites.last_mut() {
                    suite.message = text.trim().to_owned();
                }
            }
            "test" if ends(path, &["suite", "test"]) => self.end_test(sink),
            "suite" if !path.iter().any(|name| name == "statistics") => self.end_suite(sink),
            _ => {}
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.test.as_ref().is_some_and(Found::is_bad) {
            self.end_test(sink);
        }
        if !self.any {
            return sink.warn(Place::File, "the XML holds no results of tests");
        }
        sink.seen(Format::Robot);
        if self.errors > 0 {
            let said = format!("the run logged {} errors of its own", self.errors);
            sink.warn(Place::File, &said);
        }
        if self.declared > 0 || self.tests == 0 {
            let pairs = [("tests", self.declared, self.tests), ("failed tests", self.declared_bad, self.bad)];
            sink.compare(pairs);
        }
    }
}
