//! Allure's results: a file for each test, and containers with the fixtures around them.
//!
//! Allure keeps what was tried again in files of its own; each is a test here, so what failed once stays
//! failed. `known` and `muted` excuse nothing.

use super::lax::{Few, Maybe, Number, Text};
use super::stream::{each, value};
use crate::evidence::parse::found::{Found, outside};
use crate::evidence::parse::model::{FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Allure {
    uuid: bool,
    /// Keys that a result has, and those that a container has.
    result: bool,
    container: bool,
    pub(super) name: String,
    full_name: Option<String>,
    status: String,
    stage: String,
    details: Details,
    start: Option<f64>,
    stop: Option<f64>,
    suite: Option<String>,
    class: Option<String>,
    broken: Vec<Fixture>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    message: Text,
    trace: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Label {
    name: Text,
    value: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fixture {
    name: Text,
    status: Text,
    status_details: Maybe<Details>,
}

/// Fixtures that failed and are kept of one container.
const FIXTURES: usize = 100;

impl Allure {
    /// Whether `key` is one of a result or a container.
    pub(super) fn knows(key: &str) -> bool {
        matches!(
            key,
            "uuid"
                | "historyId"
                | "fullName"
                | "status"
                | "statusDetails"
                | "stage"
                | "start"
                | "stop"
                | "labels"
                | "befores"
                | "afters"
        )
    }

    /// Reads a key of the top level.
    pub(super) fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "uuid" => self.uuid = value::<Text, A>(map)?.some().is_some(),
            "historyId" => {
                self.result = true;
                value::<Text, A>(map)?;
            }
            "fullName" => self.full_name = value::<Text, A>(map)?.some(),
            "status" => {
                let status = value::<Text, A>(map)?.str().to_ascii_lowercase();
                // One that is there twice says what is worse.
                if self.status.is_empty() || self.status == "passed" {
                    self.status = status;
                }
            }
            "stage" => {
                self.result = true;
                self.stage = value::<Text, A>(map)?.str().to_ascii_lowercase();
            }
            "statusDetails" => {
                self.result = true;
                self.details = value::<Maybe<Details>, A>(map)?.0.unwrap_or_default();
            }
            "start" => self.start = value::<Number, A>(map)?.0,
            "stop" => self.stop = value::<Number, A>(map)?.0,
            "labels" => {
                for label in value::<Few<Maybe<Label>, 200>, A>(map)?.objects() {
                    self.result = true;
                    match label.name.str() {
                        "suite" => self.suite = label.value.some(),
                        "testClass" => self.class = label.value.some(),
                        _ => {}
                    }
                }
            }
            _ => {
                self.container = true;
                map.next_value_seed(each(|fixture: Fixture| {
                    let bad = !matches!(fixture.status.str(), "passed" | "skipped");
                    if bad && self.broken.len() < FIXTURES {
                        self.broken.push(fixture);
                    }
                }))?;
            }
        }
        Ok(())
    }

    pub(super) fn close(self, sink: &mut Sink) {
        if !self.uuid {
            return;
        }
        if self.container {
            for fixture in &self.broken {
                let details = fixture.status_details.0.as_ref();
                let message = details.map_or("", |details| details.message.str());
                let trace = details.map_or("", |details| details.trace.str());
                sink.seen(Format::Allure);
                outside(fixture.name.str(), message, trace, sink);
            }
            return;
        }
        if !self.result {
            return;
        }
        let outcome = match self.status.as_str() {
            "passed" => Some(Outcome::Passed),
            "failed" => Some(Outcome::Failed),
            "broken" => Some(Outcome::Errored),
            "skipped" => Some(Outcome::Skipped),
            _ => None,
        };
        if !matches!(self.stage.as_str(), "" | "finished") {
            let said = format!("the test's stage is {:?}: it was not over when this was written", self.stage);
            sink.incomplete(Place::File, &said);
        }
        let duration = self.start.zip(self.stop).map(|(start, stop)| (stop - start) / 1000.0);
        let name = Some(self.name).filter(|name| !name.trim().is_empty());
        let test = Found {
            name: name.or_else(|| self.full_name.clone()).unwrap_or_default(),
            suite: self.suite,
            classname: self.class.or(self.full_name),
            outcome,
            word: self.status,
            kind: if outcome.is_none() { FailureKind::Errored } else { FailureKind::Failed },
            message: self.details.message.some().unwrap_or_default(),
            trace: self.details.trace.some().unwrap_or_default(),
            duration: duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
            ..Found::default()
        };
        test.record(Format::Allure, sink);
    }
}
