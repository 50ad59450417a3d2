//! xUnit.net, versions 1 to 3: `<assemblies>` of `<assembly>` with collections, or classes, of tests.
//!
//! What fails in the cleanup of a class or a collection, and what kept an assembly from running, is
//! in its `<errors>`: failures outside of tests.

use super::super::found::{Found, Totals, outside};
use super::super::model::{Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

#[derive(Debug, Default)]
pub(super) struct Xunit {
    assembly: String,
    test: Option<Found>,
    error: Option<Broken>,
    tests: u64,
    bad: u64,
    errors: u64,
    declared: Totals,
    declared_errors: u64,
}

/// An error outside of tests.
#[derive(Debug, Default)]
struct Broken {
    name: String,
    message: String,
    trace: String,
}

impl Xunit {
    fn start(&mut self, element: &Element) {
        let word = element.text("result");
        let outcome = match word.to_ascii_lowercase().as_str() {
            "pass" | "passed" => Some(Outcome::Passed),
            "fail" | "failed" => Some(Outcome::Failed),
            "skip" | "skipped" | "notrun" => Some(Outcome::Skipped),
            _ => None,
        };
        self.test = Some(Found {
            name: element.some("name").or_else(|| element.some("method")).unwrap_or_default(),
            suite: Some(self.assembly.clone()).filter(|name| !name.is_empty()),
            classname: element.some("type"),
            file: element.some("source-file"),
            line: element.count("source-line"),
            outcome,
            word,
            duration: element.seconds("time"),
            ..Found::default()
        });
    }

    fn end(&mut self, sink: &mut Sink) {
        let Some(mut test) = self.test.take() else { return };
        // Totals leave out what was not asked for, as far as they tell.
        self.tests += u64::from(!test.word.eq_ignore_ascii_case("notrun"));
        // The line is where the test begins; what failed in it comes after.
        if test.is_bad() && !test.trace.is_empty() && super::super::text::location(&test.trace).is_some() {
            (test.file, test.line) = (None, None);
        }
        self.bad += u64::from(test.record(Format::Xunit, sink));
    }

    fn assembly(&mut self, element: &Element) {
        self.assembly = element.some("name").or_else(|| element.some("id")).unwrap_or_default();
        // Not every version counts what it did not run.
        let not_run = element.count("not-run").unwrap_or(0);
        let tests = element.count("total").map(|total| total.saturating_sub(not_run));
        self.declared.add(Totals { tests, bad: element.count("failed") });
        let errors = element.count("errors").unwrap_or(0);
        self.declared_errors = self.declared_errors.saturating_add(errors);
    }
}

impl Dialect for Xunit {
    fn open(&mut self, path: &[String], element: &Element, _: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "assembly" => self.assembly(element),
            "test" => self.start(element),
            "error" if ends(path, &["errors", "error"]) => {
                let kind = element.some("type").unwrap_or_default();
                let name = element.some("name").unwrap_or_else(|| self.assembly.clone());
                let name = format!("{kind} {name}").trim().to_owned();
                self.error = Some(Broken { name, ..Broken::default() });
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        let name = path.last().map_or("", String::as_str);
        match name {
            "test" => self.end(sink),
            "error" if ends(path, &["errors", "error"]) => {
                if let Some(error) = self.error.take() {
                    self.errors += 1;
                    outside(&error.name, &error.message, &error.trace, sink);
                }
            }
            "message" | "stack-trace" if ends(path, &["failure", name]) => {
                let (message, trace) = match (&mut self.test, &mut self.error) {
                    (Some(test), _) => (&mut test.message, &mut test.trace),
                    (None, Some(error)) => (&mut error.message, &mut error.trace),
                    (None, None) => return,
                };
                *(if name == "message" { message } else { trace }) = text.to_owned();
            }
            "failure" if ends(path, &["test", "failure"]) => {
                // A test that failed and says otherwise of itself did not pass.
                if let Some(test) = self.test.as_mut().filter(|test| !test.is_bad()) {
                    test.outcome = Some(Outcome::Failed);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.test.as_ref().is_some_and(Found::is_bad) {
            self.end(sink);
        }
        // Windows has manifests with the same root.
        if self.tests == 0 && self.errors == 0 && self.declared.tests.is_none() {
            return sink.warn(Place::File, "the XML holds no results of tests");
        }
        sink.seen(Format::Xunit);
        self.declared.compare(self.tests, self.bad, sink);
        if self.declared_errors > self.errors {
            let said = format!(
                "the summary says {} errors and the report lists {}: failures are missing",
                self.declared_errors, self.errors
            );
            sink.incomplete(Place::File, &said);
        }
    }
}
