//! `rspec --format json`: a list of examples and a summary.

use super::Totals;
use super::lax::{Maybe, Number, Text, Texts};
use super::stream::each;
use crate::evidence::parse::found::{Found, outside};
use crate::evidence::parse::model::{FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Rspec {
    pub(super) line: String,
    pub(super) messages: Vec<String>,
    total: Option<u64>,
    declared_bad: Option<u64>,
    outside: u64,
    tests: u64,
    bad: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Example {
    description: Text,
    full_description: Text,
    status: Text,
    file_path: Text,
    line_number: Number,
    run_time: Number,
    exception: Maybe<Raised>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raised {
    class: Text,
    message: Text,
    backtrace: Texts,
}

impl Rspec {
    /// Reads `examples`.
    pub(super) fn examples<'de, A: MapAccess<'de>>(
        &mut self,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        map.next_value_seed(each(|example: Example| self.example(&example, sink)))
    }

    pub(super) fn summary(&mut self, totals: &Totals) {
        self.total = totals.example_count.count();
        self.declared_bad = totals.failure_count.count();
        self.outside = totals.errors_outside_of_examples_count.count().unwrap_or(0);
    }

    fn example(&mut self, example: &Example, sink: &mut Sink) {
        // Other documents have examples too.
        let (Some(name), Some(file)) = (example.full_description.some(), example.file_path.some()) else {
            return;
        };
        let outcome = match example.status.str() {
            "passed" => Some(Outcome::Passed),
            "failed" => Some(Outcome::Failed),
            "pending" => Some(Outcome::Pending),
            _ => None,
        };
        let raised = example.exception.0.as_ref();
        let trace = raised.map(|raised| raised.backtrace.0.join("\n")).unwrap_or_default();
        // What failed in an example comes after the line that it begins with.
        let inside = text::locations(&trace).into_iter().find(|(path, _)| text::same_file(path, &file));
        let kind = match raised.map(|raised| raised.class.str()) {
            Some(class) if class.contains("Timeout") => FailureKind::TimedOut,
            _ if outcome.is_none() => FailureKind::Errored,
            _ => FailureKind::Failed,
        };
        self.tests += 1;
        let suite = name.strip_suffix(example.description.str()).map(|group| group.trim().to_owned());
        let found = Found {
            name,
            suite: suite.filter(|group| !group.is_empty()),
            file: Some(file),
            line: inside.map(|(_, line)| line).or_else(|| example.line_number.count()),
            outcome,
            word: example.status.str().to_owned(),
            kind,
            message: raised.and_then(|raised| raised.message.some()).unwrap_or_default(),
            trace,
            duration: example.run_time.seconds(1.0),
            ..Found::default()
        };
        self.bad += u64::from(found.record(Format::RspecJson, sink));
    }

    pub(super) fn close(self, sink: &mut Sink) {
        if self.tests == 0 && self.total.is_none() {
            return;
        }
        sink.seen(Format::RspecJson);
        if self.outside > 0 || self.line.contains("outside of examples") {
            outside("the run", &text::headline(&self.messages.join("\n")), "", sink);
        }
        let total = self.total.unwrap_or(self.tests);
        let declared = self.declared_bad.unwrap_or(self.bad);
        sink.compare([("tests", total, self.tests), ("failed tests", declared, self.bad)]);
        if self.total.is_none() && self.tests > 0 {
            sink.warn(Place::File, "the report has no summary: counted are the examples it lists");
        }
    }
}
