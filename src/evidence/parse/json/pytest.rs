//! `pytest --json-report`: tests with their stages, collectors, a summary and the exit code.

use super::Totals;
use super::lax::{Maybe, Number, Text};
use super::stream::{each, value};
use crate::evidence::parse::console::pytest::id::from_id;
use crate::evidence::parse::found::{Found, outside};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Pytest {
    exit: Option<u64>,
    pub(super) summary: Option<Totals>,
    tests: u64,
    bad: u64,
    /// Modules that could not be collected, held until it is known whose report this is.
    broken: Vec<(String, String)>,
    broken_total: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Test {
    nodeid: Text,
    outcome: Text,
    lineno: Number,
    setup: Maybe<Stage>,
    call: Maybe<Stage>,
    teardown: Maybe<Stage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stage {
    duration: Number,
    outcome: Text,
    crash: Maybe<Crash>,
    longrepr: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Crash {
    path: Text,
    lineno: Number,
    message: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Collector {
    nodeid: Text,
    outcome: Text,
    longrepr: Text,
}

impl Pytest {
    /// Reads a key of the top level.
    pub(super) fn key<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "exitcode" => self.exit = value::<Number, A>(map)?.count(),
            "collectors" => {
                let bound = sink.limits().failures;
                return map.next_value_seed(each(|collector: Collector| {
                    if collector.outcome.str() != "failed" {
                        return;
                    }
                    self.broken_total += 1;
                    if self.broken.len() < bound {
                        let said = collector.longrepr.some().unwrap_or_default();
                        self.broken.push((collector.nodeid.str().to_owned(), said));
                    }
                }));
            }
            _ => return map.next_value_seed(each(|test: Test| self.test(&test, sink))),
        }
        Ok(())
    }

    fn test(&mut self, test: &Test, sink: &mut Sink) {
        // Other reports have lists of this name.
        let Some(id) = test.nodeid.some() else { return };
        let stages = [&test.setup, &test.call, &test.teardown].map(|stage| stage.0.as_ref());
        let failed = stages.iter().flatten().find(|stage| stage.outcome.str() == "failed").copied();
        let outcome = match test.outcome.str() {
            "failed" => Some(Outcome::Failed),
            "error" => Some(Outcome::Errored),
            "passed" | "xpassed" | "skipped" | "xfailed" if failed.is_some() => Some(Outcome::Errored),
            "passed" | "xpassed" => Some(Outcome::Passed),
            "skipped" | "xfailed" => Some(Outcome::Skipped),
            _ => None,
        };
        let time = stages.iter().flatten().filter_map(|stage| stage.duration.seconds(1.0));
        let crash = failed.and_then(|stage| stage.crash.0.as_ref());
        let Failure { name, classname, file, .. } = from_id(&id, false);
        let (at, line) = match crash {
            Some(crash) => (crash.path.some().or(file), crash.lineno.count()),
            // The first line of a file is 0 here.
            None => (file, test.lineno.count().map(|line| line + 1)),
        };
        self.tests += 1;
        let found = Found {
            name,
            classname,
            file: at.filter(|file| !file.is_empty()),
            line,
            outcome,
            word: test.outcome.str().to_owned(),
            kind: if outcome == Some(Outcome::Failed) { FailureKind::Failed } else { FailureKind::Errored },
            message: crash.map(|crash| crash.message.str().to_owned()).unwrap_or_default(),
            trace: failed.map(|stage| stage.longrepr.str().to_owned()).unwrap_or_default(),
            duration: Some(time.sum()).filter(|seconds: &f64| seconds.is_finite()),
            ..Found::default()
        };
        self.bad += u64::from(found.record(Format::PytestJson, sink));
    }

    pub(super) fn close(self, sink: &mut Sink) {
        if self.tests == 0 && (self.exit.is_none() || self.summary.is_none()) {
            return;
        }
        sink.seen(Format::PytestJson);
        for (name, said) in &self.broken {
            outside(name, "", said, sink);
        }
        sink.more_failures(self.broken_total - self.broken.len() as u64);
        match self.exit {
            Some(2) => sink.incomplete(Place::File, "the run was interrupted"),
            Some(3 | 4) => sink.incomplete(Place::File, "pytest itself failed: tests may be missing"),
            Some(0 | 5) | None => {}
            Some(_) if self.bad == 0 && self.broken.is_empty() => {
                sink.incomplete(
                    Place::File,
                    "the report says that the run failed, and lists nothing that did",
                );
            }
            Some(_) => {}
        }
        let Some(summary) = self.summary else { return };
        let get = |number: Number| number.count().unwrap_or(0);
        let bad = get(summary.failed).saturating_add(get(summary.error));
        let total = get(summary.total);
        if self.tests == 0 && total > 0 {
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, get(summary.passed).saturating_add(get(summary.xpassed)));
            counts.add(Outcome::Failed, get(summary.failed));
            counts.add(Outcome::Errored, get(summary.error));
            counts.add(Outcome::Skipped, get(summary.skipped).saturating_add(get(summary.xfailed)));
            sink.merge(Format::PytestJson, counts);
            let said = "the report lists no tests: the counts are those of its summary";
            return sink.incomplete(Place::File, said);
        }
        sink.compare([("tests", total, self.tests), ("failed tests", bad, self.bad)]);
    }
}
