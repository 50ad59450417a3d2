//! `testng-results.xml`.
//!
//! Methods with `is-config` are setup and teardown, and no tests: one that failed is a failure outside of
//! tests. An attempt that a retry analyzer had done again is marked `retried`, counts in no total and is
//! no test; the method that passes after it is flaky, because the tool says so.

use super::super::found::{Found, outside};
use super::super::model::{Format, Outcome};
use super::super::sink::{Place, Sink};
use super::super::text;
use super::tree::{Dialect, Element, ends};
use std::collections::HashSet;

/// Methods that were tried again and are remembered.
const RETRIED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Testng {
    suite: String,
    class: String,
    method: Option<Method>,
    tests: u64,
    bad: u64,
    config_bad: u64,
    retried: u64,
    again: HashSet<(String, String)>,
    total: Option<u64>,
    declared_bad: Option<u64>,
    elsewhere: bool,
}

#[derive(Debug, Default)]
struct Method {
    test: Found,
    signature: String,
    config: bool,
    retried: bool,
}

impl Testng {
    fn start(&mut self, element: &Element) {
        let word = element.text("status");
        let outcome = match word.as_str() {
            "PASS" => Some(Outcome::Passed),
            "FAIL" => Some(Outcome::Failed),
            // The share of its runs that may fail was not passed.
            "SKIP" | "SUCCESS_PERCENTAGE_FAILURE" => Some(Outcome::Skipped),
            _ => None,
        };
        let is = |name: &str| element.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let name = element.some("name").unwrap_or_default();
        let instance = element.some("test-instance-name");
        self.method = Some(Method {
            test: Found {
                name: instance.map_or(name.clone(), |instance| format!("{name} ({instance})")),
                suite: Some(self.suite.clone()).filter(|name| !name.is_empty()),
                classname: Some(self.class.clone()).filter(|name| !name.is_empty()),
                outcome,
                word,
                duration: element.seconds("duration-ms").map(|millis| millis / 1000.0),
                ..Found::default()
            },
            signature: element.text("signature"),
            config: is("is-config"),
            retried: is("retried"),
        });
    }

    fn end(&mut self, sink: &mut Sink) {
        let Some(Method { mut test, signature, config, retried }) = self.method.take() else { return };
        let bad = test.is_bad() || test.outcome.is_none();
        if config {
            if bad {
                self.config_bad += 1;
                let name = format!("{}.{}", self.class, test.name);
                outside(&name, &test.message, &test.trace, sink);
            }
            return;
        }
        let key = (self.class.clone(), signature);
        // One that failed for good is not excused by the word.
        if retried && test.outcome == Some(Outcome::Skipped) {
            self.retried += 1;
            sink.reruns(1);
            if self.again.len() < RETRIED {
                self.again.insert(key);
            }
            return;
        }
        let again = self.again.remove(&key);
        test.flaked = again && test.outcome == Some(Outcome::Passed);
        self.tests += 1;
        self.bad += u64::from(test.record(Format::Testng, sink));
    }
}

impl Dialect for Testng {
    fn open(&mut self, path: &[String], element: &Element, _: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "testng-results" => {
                let count = |name: &str| element.count(name);
                // What was ignored is in the total and in no list.
                let ignored = count("ignored").unwrap_or(0);
                self.total = count("total").map(|total| total.saturating_sub(ignored));
                self.declared_bad = count("failed");
            }
            "suite" | "test" | "class" => {
                let name = element.text("name");
                match path.last().map_or("", String::as_str) {
                    "suite" => self.suite = name,
                    "class" => self.class = name,
                    _ => {}
                }
                self.elsewhere |= element.get("url").is_some();
            }
            "test-method" => self.start(element),
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        if ends(path, &["test-method"]) {
            return self.end(sink);
        }
        let Some(method) = &mut self.method else { return };
        if ends(path, &["test-method", "exception", "message"]) {
            method.test.message = text.trim().to_owned();
        } else if ends(path, &["exception", "full-stacktrace"])
            || ends(path, &["exception", "short-stacktrace"])
        {
            method.test.trace = text.trim().to_owned();
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.method.as_ref().is_some_and(|method| method.test.is_bad()) {
            self.end(sink);
        }
        sink.seen(Format::Testng);
        if !self.again.is_empty() {
            let tests = text::several(self.again.len() as u64, "test");
            let said = format!("{tests} tried again and without a result: not counted");
            sink.incomplete(Place::File, &said);
        }
        if self.elsewhere {
            sink.incomplete(
                Place::File,
                "results are in other files that this one names: they were not read",
            );
        }
        let total = self.total.unwrap_or(self.tests);
        // Versions differ in whether an attempt that was done again is among the skipped.
        let most = self.tests.saturating_add(self.retried);
        let total = if (self.tests..=most).contains(&total) { self.tests } else { total };
        let declared = self.declared_bad.unwrap_or(self.bad);
        sink.compare([("tests", total, self.tests), ("failed tests", declared, self.bad)]);
    }
}
