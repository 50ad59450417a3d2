//! CTRF: `results.tests[]` with a status each.

use super::lax::{Few, Flag, Maybe, Number, Text, Texts};
use super::stream::each;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text;
use crate::evidence::parse::write::{INCOMPLETE, OUTSIDE};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

#[derive(Debug, Default)]
pub(super) struct Ctrf {
    /// A key that only CTRF has was seen.
    pub(super) found: bool,
    pub(super) summary: Option<Summary>,
    pub(super) extra: Option<Extra>,
    tests: u64,
    listed: bool,
    failed: u64,
    other: u64,
    /// Tests whose status says nothing.
    unknown: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    tests: Number,
    passed: Number,
    failed: Number,
    skipped: Number,
    pending: Number,
    other: Number,
    flaky: Number,
}

/// What our own writer says of results that are not all in the tests.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    testrun: Maybe<Own>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    complete: Text,
    outside: Few<IgnoredAny, 1>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Test {
    name: Text,
    status: Text,
    raw_status: Text,
    duration: Number,
    message: Text,
    trace: Text,
    suite: Texts,
    file_path: Text,
    line: Number,
    flaky: Flag,
    retries: Number,
}

impl Ctrf {
    /// Reads `results.tests`.
    pub(super) fn tests<'de, A: MapAccess<'de>>(
        &mut self,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.listed = true;
        map.next_value_seed(each(|test: Test| self.test(test, sink)))
    }

    fn test(&mut self, test: Test, sink: &mut Sink) {
        self.tests += 1;
        let raw = test.raw_status.str().to_ascii_lowercase();
        let outcome = match test.status.str().to_ascii_lowercase().as_str() {
            "passed" => Outcome::Passed,
            "failed" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            "pending" => Outcome::Pending,
            "other" => {
                self.other += 1;
                Outcome::Skipped
            }
            _ => {
                self.unknown += 1;
                Outcome::Skipped
            }
        };
        self.failed += u64::from(outcome == Outcome::Failed);
        let flaked = test.flaky.0 && outcome == Outcome::Passed;
        sink.count(Format::Ctrf, outcome, 1);
        sink.flaked(u64::from(flaked));
        sink.reruns(test.retries.count().unwrap_or(0));
        let suite = test.suite.0.join(" > ");
        let duration = test.duration.seconds(1000.0);
        if sink.wants_case(outcome, duration) {
            sink.case(test.name.str(), Some(&suite), outcome, flaked, duration);
        }
        if outcome != Outcome::Failed {
            return;
        }
        let found = text::location(test.trace.str());
        let file = test.file_path.some();
        let line = test.line.count().or_else(|| found.as_ref().map(|(_, line)| *line));
        let kind = match raw.as_str() {
            "timedout" | "timeout" => FailureKind::TimedOut,
            "interrupted" => FailureKind::Interrupted,
            _ => FailureKind::Failed,
        };
        let message = test.message.some().or_else(|| Some(text::headline(test.trace.str())));
        sink.fail(Failure {
            name: test.name.str().to_owned(),
            suite: Some(suite),
            file: file.or_else(|| found.map(|(file, _)| file)),
            line,
            message,
            kind,
            duration,
            ..Failure::default()
        });
    }

    pub(super) fn close(self, sink: &mut Sink) {
        let is_ctrf = self.found || self.listed && self.summary.is_some();
        if !is_ctrf {
            return;
        }
        sink.seen(Format::Ctrf);
        if self.other > 0 {
            let said = format!("{} tests have the status other: they count as skipped", self.other);
            sink.warn(Place::File, &said);
        }
        if let Some(own) = self.extra.and_then(|extra| extra.testrun.0) {
            if own.complete.str() == "false" {
                sink.incomplete(Place::File, INCOMPLETE);
            }
            if !own.outside.0.is_empty() {
                sink.incomplete(Place::File, OUTSIDE);
            }
        }
        if self.unknown > 0 {
            let said =
                format!("{} tests have a status that is not known: they count as skipped", self.unknown);
            sink.incomplete(Place::File, &said);
        }
        let Some(summary) = self.summary else {
            sink.warn(Place::File, "the report has no summary: counted are the tests it lists");
            return;
        };
        let declared = summary.tests.count().unwrap_or(0);
        if self.tests == 0 && declared > 0 {
            let get = |number: Number| number.count().unwrap_or(0);
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, get(summary.passed));
            counts.add(Outcome::Failed, get(summary.failed));
            counts.add(Outcome::Skipped, get(summary.skipped) + get(summary.other));
            counts.add(Outcome::Pending, get(summary.pending));
            counts.flaked = get(summary.flaky).min(counts.passed);
            sink.merge(Format::Ctrf, counts);
            sink.incomplete(Place::File, "the report lists no tests: the counts are those of its summary");
            return;
        }
        let failed = summary.failed.count().unwrap_or(self.failed);
        sink.compare([("tests", declared, self.tests), ("failed tests", failed, self.failed)]);
    }
}
