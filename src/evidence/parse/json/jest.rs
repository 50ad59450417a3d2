//! `jest --json` and `vitest --reporter=json`, which share a shape.
//!
//! jest writes its skipped tests as `pending`; its console calls them skipped, and so does
//! this. `todo` is pending. In vitest `pending` is a test that was queued and never run.

use super::lax::{Few, Flag, Maybe, Number, Text, Texts};
use super::stream::{Object, each, skip, value};
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

#[derive(Debug, Default)]
pub(super) struct Jest {
    pub(super) found: bool,
    /// A key that only jest writes was seen.
    is_jest: bool,
    interrupted: bool,
    totals: bool,
    declared: Option<u64>,
    declared_failed: Option<u64>,
    /// The report says of the run as a whole that it failed.
    unsuccessful: bool,
    tests: u64,
    /// Counts by outcome are held back until it is known whose they are.
    counts: crate::evidence::parse::model::Counts,
    broken_files: u64,
    declared_broken: u64,
}

impl Jest {
    /// Reads a key of the top level.
    pub(super) fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "wasInterrupted" => {
                self.is_jest = true;
                self.interrupted |= value::<Flag, A>(map)?.0;
            }
            "numTotalTests" => {
                self.totals = true;
                // Of a key that is there twice the graver value counts.
                self.declared = self.declared.max(value::<Number, A>(map)?.count());
            }
            "numFailedTests" => {
                self.declared_failed = self.declared_failed.max(value::<Number, A>(map)?.count());
            }
            "success" => self.unsuccessful |= value::<Text, A>(map)?.str() == "false",
            "numRuntimeErrorTestSuites" => {
                self.is_jest = true;
                self.declared_broken =
                    self.declared_broken.max(value::<Number, A>(map)?.count().unwrap_or(0));
            }
            "numTotalTestSuites" => {
                self.totals = true;
                skip(map)?;
            }
            _ => {
                self.is_jest = true;
                skip(map)?;
            }
        }
        Ok(())
    }

    pub(super) fn close(self, sink: &mut Sink) {
        if !self.found || !(self.totals || self.tests > 0) {
            return;
        }
        let format = if self.is_jest { Format::JestJson } else { Format::VitestJson };
        sink.merge(format, self.counts);
        if self.interrupted {
            sink.incomplete(Place::File, "the run was interrupted");
        }
        if self.broken_files > 0 {
            let said = format!("{} test files failed to run: their tests are not counted", self.broken_files);
            sink.incomplete(Place::File, &said);
        }
        if self.declared_broken > self.broken_files {
            let said = format!(
                "the summary says that {} test files failed to run and the report lists {}",
                self.declared_broken, self.broken_files
            );
            sink.incomplete(Place::File, &said);
        }
        sink.compare([
            ("tests", self.declared.unwrap_or(self.tests), self.tests),
            ("failed tests", self.declared_failed.unwrap_or(self.counts.bad()), self.counts.bad()),
        ]);
        if self.unsuccessful && self.counts.bad() == 0 && self.broken_files == 0 {
            sink.incomplete(Place::File, "the report says that the run failed, and lists nothing that did");
        }
    }
}

/// One element of `testResults`.
pub(super) struct TestFile<'a> {
    jest: &'a mut Jest,
    sink: &'a mut Sink,
    name: String,
    status: String,
    message: String,
    failed: u64,
    /// The places that each failure names, to be matched with the file's name.
    places: Vec<Vec<(String, u64)>>,
    /// How many failures the sink held before this file.
    before: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assertion {
    ancestor_titles: Texts,
    title: Text,
    full_name: Text,
    status: Text,
    duration: Number,
    failure_messages: Texts,
    location: Maybe<Location>,
    retry_reasons: Few<IgnoredAny, 1000>,
    invocations: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location {
    line: Number,
}

impl<'a> TestFile<'a> {
    pub(super) fn new(jest: &'a mut Jest, sink: &'a mut Sink) -> Self {
        let before = sink.failures_mut().len();
        Self {
            jest,
            sink,
            name: String::new(),
            status: String::new(),
            message: String::new(),
            failed: 0,
            places: Vec::new(),
            before,
        }
    }

    fn assertion(&mut self, test: Assertion) {
        let outcome = match test.status.str() {
            "passed" | "focused" => Outcome::Passed,
            "failed" => Outcome::Failed,
            "todo" => Outcome::Pending,
            "pending" | "skipped" | "disabled" => Outcome::Skipped,
            _ => Outcome::Errored,
        };
        self.jest.tests += 1;
        self.jest.counts.add(outcome, 1);
        let retries = test.retry_reasons.0.len() as u64;
        let retries = retries.max(test.invocations.count().unwrap_or(1).saturating_sub(1));
        let flaked = retries > 0 && outcome == Outcome::Passed;
        self.jest.counts.flaked += u64::from(flaked);
        self.sink.reruns(retries);
        let duration = test.duration.seconds(1000.0);
        let name = test.full_name.some().or_else(|| test.title.some()).unwrap_or_default();
        let suite = test.ancestor_titles.0.join(" > ");
        if self.sink.wants_case(outcome, duration) {
            self.sink.case(&name, Some(&suite), outcome, flaked, duration);
        }
        if !matches!(outcome, Outcome::Failed | Outcome::Errored) {
            return;
        }
        self.failed += 1;
        let said = test.failure_messages.0.join("\n");
        let line = test.location.0.and_then(|location| location.line.count());
        if self.sink.wants_failures() {
            self.places.push(text::locations(&said));
        }
        let kind = if said.contains("Exceeded timeout of") || said.contains("Test timed out in") {
            FailureKind::TimedOut
        } else {
            FailureKind::Failed
        };
        self.sink.fail(Failure {
            name,
            suite: Some(suite),
            line,
            message: Some(text::headline(&said)),
            kind,
            duration,
            ..Failure::default()
        });
    }
}

impl Object for TestFile<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "assertionResults" => return map.next_value_seed(each(|test| self.assertion(test))),
            "name" | "testFilePath" => {
                if let Some(name) = value::<Text, A>(map)?.some() {
                    self.name = name;
                }
            }
            "status" => self.status = value::<Text, A>(map)?.str().to_owned(),
            "message" | "failureMessage" => {
                if let Some(message) = value::<Text, A>(map)?.some() {
                    self.message = message;
                }
            }
            _ => skip(map)?,
        }
        Ok(())
    }

    fn done(&mut self) {
        let name = text::tidy(&self.name, text::NAME_CAP);
        let failures = self.sink.failures_mut().iter_mut().skip(self.before);
        for (failure, places) in failures.zip(std::mem::take(&mut self.places)) {
            // The test's own file if the stack goes through it, else the place that it names.
            let place = if name.is_empty() { places.first() } else { place_in(&places, &name) };
            failure.line = place.map(|(_, line)| *line).or(failure.line);
            failure.file = Some(name.clone()).filter(|name| !name.is_empty());
            if (failure.file.is_none() || failure.line.is_none())
                && let Some((file, line)) = places.into_iter().next()
            {
                (failure.file, failure.line) = (Some(text::tidy(&file, text::NAME_CAP)), Some(line));
            }
        }
        // A hook after the tests fails no test, and the file all the same.
        let outside = self.message.contains("\u{25cf} Test suite failed to run");
        if self.status == "failed" && (self.failed == 0 || outside) {
            self.jest.broken_files += 1;
            let at = self.message.rfind("\u{25cf} Test suite failed to run").unwrap_or(0);
            let said = self.message.get(at..).unwrap_or_default();
            let mut failure = broken(
                if name.is_empty() { "test file" } else { &name },
                FailureKind::Errored,
                Some(text::headline(said)),
            );
            failure.line = place_in(&text::locations(said), &name).map(|(_, line)| *line);
            failure.file = Some(name);
            self.sink.fail(failure);
        }
        self.name.clear();
        self.status.clear();
        self.message.clear();
        self.failed = 0;
        self.before = self.sink.failures_mut().len();
    }
}

/// The first of the places that is in this file.
fn place_in<'a>(places: &'a [(String, u64)], file: &str) -> Option<&'a (String, u64)> {
    places.iter().find(|(path, _)| text::same_file(path, file))
}
