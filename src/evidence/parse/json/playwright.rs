//! `playwright test --reporter=json`: suites of specs, each with one test per project.

use super::Stats;
use super::lax::{Few, Maybe, Number, Text};
use super::stream::{Into, Object, each, skip, value};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken, clean_failure};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Playwright {
    found: bool,
    /// `config` is there, as in every report of playwright.
    pub(super) config: bool,
    declared: Option<u64>,
    unexpected: Option<u64>,
    counts: Counts,
    not_run: u64,
    interrupted: u64,
    /// Errors outside tests, held until it is known that this is playwright's report.
    errors: Vec<Failure>,
    errors_total: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    title: Text,
    file: Text,
    line: Number,
    tests: Few<Maybe<Test>, 1000>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Test {
    project_name: Text,
    expected_status: Text,
    status: Text,
    results: Few<Maybe<Attempt>, 100>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Attempt {
    status: Text,
    duration: Number,
    error: Maybe<Problem>,
    errors: Few<Maybe<Problem>, 10>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: Text,
    stack: Text,
    value: Text,
    location: Maybe<Spot>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spot {
    file: Text,
    line: Number,
}

impl Problem {
    fn said(&self) -> Option<String> {
        self.message.some().or_else(|| self.value.some()).or_else(|| self.stack.some())
    }
}

impl Playwright {
    pub(super) fn stats(&mut self, stats: &Stats) {
        let parts = [stats.expected, stats.unexpected, stats.skipped, stats.flaky];
        if stats.expected.is_some() && stats.unexpected.is_some() {
            self.found = true;
            self.unexpected = stats.unexpected.and_then(|number| number.count());
            let sum = parts.iter().flatten().filter_map(|number| number.count());
            self.declared = Some(sum.fold(0u64, u64::saturating_add));
        }
    }

    /// Reads the errors outside of tests.
    pub(super) fn errors<'de, A: MapAccess<'de>>(
        &mut self,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let bound = sink.limits().failures;
        map.next_value_seed(each(|problem: Problem| {
            self.errors_total += 1;
            if self.errors.len() >= bound {
                return;
            }
            let spot = problem.location.0.as_ref();
            let mut failure = broken("error outside of tests", FailureKind::Errored, problem.said());
            failure.file = spot.and_then(|spot| spot.file.some());
            failure.line = spot.and_then(|spot| spot.line.count());
            self.errors.push(clean_failure(failure));
        }))
    }

    fn spec(&mut self, spec: Spec, titles: &[String], sink: &mut Sink) {
        for test in spec.tests.objects() {
            self.test(test, &spec, titles, sink);
        }
    }

    fn test(&mut self, test: &Test, spec: &Spec, titles: &[String], sink: &mut Sink) {
        let last = test.results.objects().next_back();
        let last_status = last.map(|attempt| attempt.status.str()).unwrap_or("");
        let outcome = match test.status.str() {
            "expected" | "flaky" => Outcome::Passed,
            "unexpected" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            // Written by versions that give no verdict per test.
            _ if last_status == "passed" => Outcome::Passed,
            _ if last_status == "skipped" || last.is_none() => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        if outcome == Outcome::Skipped && test.expected_status.str() == "passed" && last.is_none() {
            self.not_run += 1;
        }
        if last_status == "interrupted" {
            self.interrupted += 1;
        }
        let flaked = test.status.str() == "flaky";
        self.counts.add(outcome, 1);
        self.counts.flaked += u64::from(flaked);
        sink.reruns((test.results.0.len() as u64).saturating_sub(1));
        let time = test.results.objects().filter_map(|attempt| attempt.duration.seconds(1000.0));
        let duration = Some(time.sum()).filter(|_| !test.results.0.is_empty());
        let mut path: Vec<&str> = titles.iter().map(String::as_str).collect();
        let project = test.project_name.str();
        if !project.is_empty() {
            path.insert(0, project);
        }
        let suite = path.join(" > ");
        if sink.wants_case(outcome, duration) {
            sink.case(spec.title.str(), Some(&suite), outcome, flaked, duration);
        }
        if outcome != Outcome::Failed {
            return;
        }
        let problem =
            last.and_then(|attempt| attempt.error.0.as_ref().or_else(|| attempt.errors.objects().next()));
        let kind = match last_status {
            "timedOut" => FailureKind::TimedOut,
            "interrupted" => FailureKind::Interrupted,
            _ => FailureKind::Failed,
        };
        let said = problem.and_then(Problem::said);
        let said = said.or_else(|| {
            (last_status == "passed").then(|| "it passed where it was expected to fail".to_owned())
        });
        let spot = problem.and_then(|problem| problem.location.0.as_ref());
        let line =
            spot.filter(|spot| spot.file.str().ends_with(spec.file.str())).and_then(|spot| spot.line.count());
        sink.fail(Failure {
            name: spec.title.str().to_owned(),
            suite: Some(suite),
            file: spec.file.some(),
            line: line.or_else(|| spec.line.count()),
            message: said.map(|said| text::headline(&said)),
            kind,
            duration,
            ..Failure::default()
        });
    }

    pub(super) fn close(self, sink: &mut Sink) {
        if !self.found && self.counts.total == 0 {
            return;
        }
        sink.merge(Format::PlaywrightJson, self.counts);
        let kept = self.errors.len() as u64;
        for failure in self.errors {
            sink.fail(failure);
        }
        sink.more_failures(self.errors_total - kept);
        if self.errors_total > 0 {
            sink.incomplete(Place::File, "errors outside of tests: tests may be missing");
        }
        if self.interrupted > 0 {
            sink.incomplete(Place::File, "the run was interrupted");
        }
        if self.not_run > 0 {
            let said = format!("{} tests did not run: they count as skipped", self.not_run);
            sink.incomplete(Place::File, &said);
        }
        sink.compare([
            ("tests", self.declared.unwrap_or(self.counts.total), self.counts.total),
            ("failed tests", self.unexpected.unwrap_or(self.counts.failed), self.counts.failed),
        ]);
    }
}

/// A suite of the tree; its titles are the path to it.
pub(super) struct Node<'a> {
    report: &'a mut Playwright,
    sink: &'a mut Sink,
    titles: Vec<String>,
    own: Option<String>,
}

impl<'a> Node<'a> {
    pub(super) fn new(report: &'a mut Playwright, sink: &'a mut Sink) -> Self {
        Self { report, sink, titles: Vec::new(), own: None }
    }

    fn path(&self) -> Vec<String> {
        self.titles.iter().chain(&self.own).filter(|title| !title.is_empty()).cloned().collect()
    }
}

impl Object for Node<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "title" => {
                self.own = value::<Text, A>(map)?.some().map(|t| text::tidy(&t, text::NAME_CAP));
                Ok(())
            }
            "specs" => {
                let path = self.path();
                let Self { report, sink, .. } = self;
                map.next_value_seed(each(|spec: Spec| report.spec(spec, &path, sink)))
            }
            "suites" => {
                let titles = self.path();
                let mut inner = Node { report: &mut *self.report, sink: &mut *self.sink, titles, own: None };
                map.next_value_seed(Into { into: &mut inner, many: true })
            }
            _ => skip(map),
        }
    }

    fn done(&mut self) {
        self.own = None;
    }
}
