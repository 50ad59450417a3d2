//! `ginkgo --json-report`: a list of suites with a report for each spec and suite node.
//!
//! Specs are the `It` nodes; suite nodes are listed where they failed and never counted as
//! tests, but for a failed `BeforeSuite`, which keeps its suite's specs from running.

use super::lax::{Few, Flag, Maybe, Number, Text, Texts};
use super::stream::{each, skip, value};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Suite {
    found: bool,
    description: String,
    path: String,
    succeeded: Option<bool>,
    focus: bool,
    reasons: Vec<String>,
    total: Option<u64>,
    dry_run: bool,
    counts: Counts,
    bad_nodes: u64,
    before_failed: bool,
    interrupted: bool,
    /// Nodes that failed already, since each process reports the same one.
    nodes: Vec<(String, Option<String>)>,
    /// Failures of this suite in the sink before it had a name.
    before: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Spec {
    container_hierarchy_texts: Texts,
    leaf_node_type: Text,
    leaf_node_text: Text,
    leaf_node_location: Maybe<Place0>,
    leaf_node_labels: Texts,
    container_hierarchy_labels: Few<Texts, 64>,
    state: Text,
    run_time: Number,
    num_attempts: Number,
    max_flake_attempts: Number,
    max_must_pass_repeatedly: Number,
    failure: Maybe<Problem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Problem {
    message: Text,
    location: Maybe<Place0>,
    forwarded_panic: Text,
}

/// A code location.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Place0 {
    file_name: Text,
    line_number: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PreRun {
    total_specs: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    dry_run: Flag,
}

impl Suite {
    /// Whether `key` is one of a suite's report.
    pub(super) fn knows(key: &str) -> bool {
        matches!(
            key,
            "SuitePath"
                | "SuiteDescription"
                | "SuiteSucceeded"
                | "SuiteHasProgrammaticFocus"
                | "SpecialSuiteFailureReasons"
                | "PreRunStats"
                | "SuiteConfig"
                | "SpecReports"
        )
    }

    pub(super) fn key<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "SuitePath" => self.path = value::<Text, A>(map)?.str().to_owned(),
            "SuiteDescription" => {
                self.found = true;
                self.description = value::<Text, A>(map)?.str().to_owned();
            }
            "SuiteSucceeded" => self.succeeded = Some(value::<Flag, A>(map)?.0),
            "SuiteHasProgrammaticFocus" => self.focus = value::<Flag, A>(map)?.0,
            "SpecialSuiteFailureReasons" => self.reasons = value::<Texts, A>(map)?.0,
            "PreRunStats" => {
                let stats = value::<Maybe<PreRun>, A>(map)?.0.unwrap_or_default();
                self.total = stats.total_specs.count();
            }
            "SuiteConfig" => {
                let config = value::<Maybe<Config>, A>(map)?.0.unwrap_or_default();
                self.dry_run = config.dry_run.0;
            }
            "SpecReports" => {
                self.found = true;
                self.before = Some(sink.failures_mut().len());
                return map.next_value_seed(each(|spec: Spec| self.spec(spec, sink)));
            }
            _ => skip(map)?,
        }
        Ok(())
    }

    fn spec(&mut self, spec: Spec, sink: &mut Sink) {
        let state = spec.state.str();
        let outcome = match state {
            "passed" if self.dry_run => Outcome::Skipped,
            "passed" => Outcome::Passed,
            "skipped" => Outcome::Skipped,
            "pending" => Outcome::Pending,
            "" => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        let node = spec.leaf_node_type.str();
        let is_spec = node.is_empty() || node == "It";
        let attempts = spec.num_attempts.count().unwrap_or(1);
        let repeats = spec.max_must_pass_repeatedly.count().unwrap_or(0) > 1;
        let flaked = is_spec && outcome == Outcome::Passed && attempts > 1 && !repeats;
        let name = full_name(&spec);
        let duration = spec.run_time.seconds(1e9);
        if is_spec {
            self.counts.add(outcome, 1);
            self.counts.flaked += u64::from(flaked);
            if spec.max_flake_attempts.count().unwrap_or(0) > 1 || flaked {
                sink.reruns(attempts.saturating_sub(1));
            }
            if sink.wants_case(outcome, duration) {
                sink.case(&name, Some(&self.description), outcome, flaked, duration);
            }
        }
        self.interrupted |= state == "interrupted" || state == "aborted";
        if outcome != Outcome::Failed {
            return;
        }
        let problem = spec.failure.0.unwrap_or_default();
        let place = problem
            .location
            .0
            .filter(|place| place.file_name.some().is_some_and(|file| !text::is_library(&file)))
            .or(spec.leaf_node_location.0)
            .unwrap_or_default();
        if !is_spec {
            let key = (name.clone(), place.file_name.some());
            if self.nodes.contains(&key) {
                return;
            }
            if self.nodes.len() < 100 {
                self.nodes.push(key);
            }
            self.bad_nodes += 1;
            self.before_failed |= node.ends_with("BeforeSuite");
        }
        let kind = match state {
            "panicked" => FailureKind::Panicked,
            "timedout" => FailureKind::TimedOut,
            "interrupted" | "aborted" => FailureKind::Interrupted,
            _ if !is_spec => FailureKind::Errored,
            _ => FailureKind::Failed,
        };
        let mut message = problem.message.some().unwrap_or_default();
        if let Some(panic) = problem.forwarded_panic.some() {
            message = format!("{message}: {panic}");
        }
        sink.fail(Failure {
            name,
            suite: Some(self.description.clone()),
            file: place.file_name.some(),
            line: place.line_number.count(),
            message: Some(message),
            kind,
            duration,
            ..Failure::default()
        });
    }

    pub(super) fn close(mut self, sink: &mut Sink) {
        if !self.found {
            return;
        }
        let name = if self.description.is_empty() { &self.path } else { &self.description };
        let name = text::tidy(name, text::NAME_CAP);
        let total = self.total.unwrap_or(0);
        let mut missing = total.saturating_sub(self.counts.total);
        if self.before_failed && self.counts.passed == 0 && self.counts.failed == 0 {
            // It stands in the place of one of the specs that it kept from running.
            if missing > 0 {
                missing -= 1;
            } else if self.counts.skipped > 0 {
                self.counts.skipped -= 1;
                self.counts.total -= 1;
            }
            self.counts.add(Outcome::Errored, 1);
            let said = format!("{name}: BeforeSuite failed, no spec ran");
            sink.incomplete(Place::File, &said);
        } else if missing > 0 {
            let said = format!("{name}: {missing} specs of {total} have no result");
            sink.incomplete(Place::File, &said);
        }
        self.counts.add(Outcome::Skipped, missing);
        sink.merge(Format::GinkgoJson, self.counts);
        if self.focus {
            let said = format!("{name}: programmatic focus is set, only part of the specs ran");
            sink.warn(Place::File, &said);
        }
        if self.dry_run {
            let said = format!("{name}: a dry run, no spec ran");
            sink.warn(Place::File, &said);
        }
        for reason in &self.reasons {
            let said = format!("{name}: {reason}");
            if reason.contains("nterrupted") || reason.contains("imeout") || reason.contains("abort") {
                sink.incomplete(Place::File, &said);
            } else {
                sink.warn(Place::File, &said);
            }
        }
        if self.interrupted {
            let said = format!("{name}: a spec was interrupted, the run was cut short");
            sink.incomplete(Place::File, &said);
        }
        if self.succeeded == Some(false) && self.counts.bad() == 0 && self.bad_nodes == 0 {
            let why = if self.reasons.is_empty() {
                "the suite did not succeed and no spec failed".to_owned()
            } else {
                self.reasons.join(", ")
            };
            sink.fail(broken(&name, FailureKind::Errored, Some(why)));
        }
        // The description can come after the specs.
        for failure in sink.failures_mut().iter_mut().skip(self.before.unwrap_or(usize::MAX)) {
            if failure.suite.is_none() && failure.name != name {
                failure.suite = Some(name.clone());
            }
        }
    }
}

/// The texts of a spec as Ginkgo's console and JUnit join them, with its labels.
fn full_name(spec: &Spec) -> String {
    let mut parts: Vec<&str> = spec.container_hierarchy_texts.0.iter().map(String::as_str).collect();
    let node = spec.leaf_node_type.str();
    let marked = format!("[{node}]");
    if node != "It" && !node.is_empty() {
        parts.insert(0, &marked);
    }
    parts.push(spec.leaf_node_text.str());
    let mut name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let mut labels: Vec<&String> = Vec::new();
    let outer = spec.container_hierarchy_labels.0.iter().flat_map(|texts| &texts.0);
    for label in outer.chain(&spec.leaf_node_labels.0) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    if !labels.is_empty() {
        let list = labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ");
        name.push_str(&format!(" [{list}]"));
    }
    name
}
