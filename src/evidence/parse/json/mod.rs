//! Reports in JSON: CTRF, Ginkgo, jest, vitest, playwright, mocha and mochawesome, Cucumber, Allure, pytest,
//! RSpec, and the lines of libtest.
//!
//! The format is told by the keys, in whatever order they come, while the document is read
//! as a stream: no list of tests is ever held. A document that ends early keeps what was read
//! of it and is marked incomplete.

mod allure;
mod ctrf;
mod cucumber;
mod ginkgo;
mod jest;
mod lax;
pub(super) mod libtest;
mod mocha;
mod playwright;
mod pytest;
mod rspec;
mod scrub;
mod stream;

use super::model::Format;
use super::sink::{Place, Sink};
use lax::{Maybe, Text};
use scrub::Scrub;
use serde::de::{DeserializeSeed, MapAccess};
use std::io::{BufReader, Read};
use stream::{Into, Object, skip, value};

/// Reads JSON documents one after another.
pub(super) fn read<R: Read>(input: R, sink: &mut Sink) {
    let scrubbed = BufReader::with_capacity(16 * 1024, Scrub::new(input));
    let mut reader = serde_json::Deserializer::from_reader(scrubbed);
    loop {
        let mut document = Document::new(sink);
        let result = Into { into: &mut document, many: true }.deserialize(&mut reader);
        document.close();
        if let Err(error) = result {
            let place = if error.line() > 0 { Place::Line(error.line() as u64) } else { Place::File };
            let said = if error.is_eof() {
                format!("the JSON ends early ({error}): counted are the tests up to here")
            } else {
                format!("the JSON is broken ({error}): counted are the tests up to here")
            };
            sink.incomplete(place, &said);
            return;
        }
        if reader.end().is_ok() {
            return;
        }
    }
}

/// One document, or one element of a list of reports, by its keys.
struct Document<'a> {
    sink: &'a mut Sink,
    jest: jest::Jest,
    mocha: mocha::Mocha,
    playwright: playwright::Playwright,
    ginkgo: ginkgo::Suite,
    ctrf: ctrf::Ctrf,
    cucumber: cucumber::Cucumber,
    allure: allure::Allure,
    pytest: pytest::Pytest,
    rspec: rspec::Rspec,
}

impl<'a> Document<'a> {
    fn new(sink: &'a mut Sink) -> Self {
        Self {
            sink,
            jest: jest::Jest::default(),
            mocha: mocha::Mocha::default(),
            playwright: playwright::Playwright::default(),
            ginkgo: ginkgo::Suite::default(),
            ctrf: ctrf::Ctrf::default(),
            cucumber: cucumber::Cucumber::default(),
            allure: allure::Allure::default(),
            pytest: pytest::Pytest::default(),
            rspec: rspec::Rspec::default(),
        }
    }

    /// Brings what was read into the sink; nothing is left to be brought twice.
    fn close(&mut self) {
        std::mem::take(&mut self.jest).close(self.sink);
        std::mem::take(&mut self.mocha).close(self.sink);
        std::mem::take(&mut self.playwright).close(self.sink);
        std::mem::take(&mut self.ginkgo).close(self.sink);
        std::mem::take(&mut self.ctrf).close(self.sink);
        std::mem::take(&mut self.cucumber).close(self.sink);
        std::mem::take(&mut self.allure).close(self.sink);
        std::mem::take(&mut self.pytest).close(self.sink);
        std::mem::take(&mut self.rspec).close(self.sink);
    }
}

impl Object for Document<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "reportFormat" => {
                if value::<Text, A>(map)?.str() == "CTRF" {
                    self.sink.seen(Format::Ctrf);
                    self.ctrf.found = true;
                }
                Ok(())
            }
            // An object in CTRF, a list of trees in mochawesome.
            "results" => {
                let mut results = Results { ctrf: &mut self.ctrf, mocha: &mut self.mocha, sink: self.sink };
                map.next_value_seed(Into { into: &mut results, many: true })
            }
            "testResults" => {
                self.jest.found = true;
                let mut file = jest::TestFile::new(&mut self.jest, self.sink);
                map.next_value_seed(Into { into: &mut file, many: true })
            }
            "wasInterrupted"
            | "numRuntimeErrorTestSuites"
            | "openHandles"
            | "numTotalTests"
            | "numFailedTests"
            | "success"
            | "numTotalTestSuites" => self.jest.key(key, map),
            "stats" => {
                let stats = value::<Maybe<Stats>, A>(map)?.0.unwrap_or_default();
                self.mocha.stats(&stats);
                self.playwright.stats(&stats);
                Ok(())
            }
            "passes" | "failures" | "pending" => self.mocha.list(key, self.sink, map),
            "suites" => {
                let mut node = playwright::Node::new(&mut self.playwright, self.sink);
                map.next_value_seed(Into { into: &mut node, many: true })
            }
            "errors" => self.playwright.errors(self.sink, map),
            "config" => {
                self.playwright.config = true;
                skip(map)
            }
            "elements" => {
                self.cucumber.elements = true;
                let mut scenario = cucumber::Scenario::new(&mut self.cucumber, self.sink);
                map.next_value_seed(Into { into: &mut scenario, many: true })
            }
            "keyword" => {
                self.cucumber.keyword = value::<Text, A>(map)?.some().is_some();
                Ok(())
            }
            "uri" => {
                self.cucumber.uri = value::<Text, A>(map)?.str().to_owned();
                Ok(())
            }
            // Of a feature, or of a test of Allure.
            "name" => {
                let name = value::<Text, A>(map)?.str().to_owned();
                (self.cucumber.name, self.allure.name) = (name.clone(), name);
                Ok(())
            }
            "summary" => {
                let totals = value::<Maybe<Totals>, A>(map)?.0;
                if let Some(totals) = totals {
                    self.rspec.summary(&totals);
                }
                self.pytest.summary = totals;
                Ok(())
            }
            "examples" => self.rspec.examples(self.sink, map),
            "summary_line" => {
                self.rspec.line = value::<Text, A>(map)?.str().to_owned();
                Ok(())
            }
            "messages" => {
                self.rspec.messages = value::<lax::Texts, A>(map)?.0;
                Ok(())
            }
            "exitcode" | "collectors" | "tests" => self.pytest.key(key, self.sink, map),
            _ if allure::Allure::knows(key) => self.allure.key(key, map),
            _ if ginkgo::Suite::knows(key) => self.ginkgo.key(key, self.sink, map),
            _ => skip(map),
        }
    }

    fn done(&mut self) {
        self.close();
    }
}

/// The summaries of mocha and playwright, which share a key.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Stats {
    tests: Option<lax::Number>,
    passes: Option<lax::Number>,
    pending: Option<lax::Number>,
    failures: Option<lax::Number>,
    expected: Option<lax::Number>,
    unexpected: Option<lax::Number>,
    skipped: Option<lax::Number>,
    flaky: Option<lax::Number>,
}

/// The summaries of pytest and RSpec, which share a key.
#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
#[serde(default)]
struct Totals {
    passed: lax::Number,
    failed: lax::Number,
    error: lax::Number,
    skipped: lax::Number,
    xfailed: lax::Number,
    xpassed: lax::Number,
    total: lax::Number,
    example_count: lax::Number,
    failure_count: lax::Number,
    errors_outside_of_examples_count: lax::Number,
}

/// The value of `results`.
struct Results<'a> {
    ctrf: &'a mut ctrf::Ctrf,
    mocha: &'a mut mocha::Mocha,
    sink: &'a mut Sink,
}

impl Object for Results<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "tool" => {
                self.ctrf.found = true;
                skip(map)
            }
            "summary" => {
                self.ctrf.summary = value::<Maybe<ctrf::Summary>, A>(map)?.0;
                Ok(())
            }
            "extra" => {
                self.ctrf.extra = value::<Maybe<ctrf::Extra>, A>(map)?.0;
                Ok(())
            }
            "tests" => self.ctrf.tests(self.sink, map),
            "suites" => {
                let mut node = mocha::Node::new(self.mocha, self.sink);
                map.next_value_seed(Into { into: &mut node, many: true })
            }
            _ => skip(map),
        }
    }
}
