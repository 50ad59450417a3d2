//! Where the readers put what they find: bounded, cleaned, and lawful.

use super::model::{Case, Counts, Failure, FailureKind, Format, Limits, Outcome, Parsed, Warning};
use super::slowest::Slowest;
use super::text;

/// Collects the result of one file.
#[derive(Debug)]
pub(super) struct Sink {
    name: String,
    limits: Limits,
    counts: Counts,
    failures: Vec<Failure>,
    failures_total: u64,
    warnings: Vec<Warning>,
    warnings_left: u64,
    complete: bool,
    reruns: u64,
    cases: Vec<Case>,
    slowest: Slowest,
    /// Formats in the order found, with the tests that came in each.
    formats: Vec<(Format, u64)>,
    preferred: Option<Format>,
}

/// Where in the input something was found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Not at one place.
    File,
    /// A line, from 1.
    Line(u64),
    /// A byte, from 0.
    Offset(u64),
}

impl Sink {
    pub(super) fn new(name: &str, limits: Limits) -> Self {
        Self {
            name: text::tidy(name, text::NAME_CAP),
            limits,
            counts: Counts::default(),
            failures: Vec::new(),
            failures_total: 0,
            warnings: Vec::new(),
            warnings_left: 0,
            complete: true,
            reruns: 0,
            cases: Vec::new(),
            slowest: Slowest::default(),
            formats: Vec::new(),
            preferred: None,
        }
    }

    /// The file as a whole is of this format, whatever is inside it.
    pub(super) fn prefer(&mut self, format: Format) {
        self.preferred = Some(format);
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The failures kept so far.
    pub(super) fn failures_mut(&mut self) -> &mut Vec<Failure> {
        &mut self.failures
    }

    /// Notes that a format was recognised, even if it brings no test.
    pub(super) fn seen(&mut self, format: Format) {
        self.bump(format, 0);
    }

    fn bump(&mut self, format: Format, n: u64) {
        match self.formats.iter_mut().find(|(known, _)| *known == format) {
            Some((_, sum)) => *sum = sum.saturating_add(n),
            None => self.formats.push((format, n)),
        }
    }

    /// Counts tests of one outcome.
    pub(super) fn count(&mut self, format: Format, outcome: Outcome, n: u64) {
        self.bump(format, n);
        self.counts.add(outcome, n);
    }

    /// Counts passed tests that needed a retry; they are not counted as passed by this.
    pub(super) fn flaked(&mut self, n: u64) {
        self.counts.flaked = self.counts.flaked.saturating_add(n).min(self.counts.passed);
    }

    /// Adds whole counts.
    pub(super) fn merge(&mut self, format: Format, counts: Counts) {
        self.bump(format, counts.total);
        self.counts.merge(counts);
    }

    /// Records a failure; it is cleaned here.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failures_total = self.failures_total.saturating_add(1);
        if self.failures.len() < self.limits.failures {
            self.failures.push(clean_failure(failure));
        }
    }

    /// Records a failure that stands for `n` more of its kind that are not described.
    pub(super) fn more_failures(&mut self, n: u64) {
        self.failures_total = self.failures_total.saturating_add(n);
    }

    /// Whether a failure would be kept, so that its details are worth finding.
    pub(super) fn wants_failures(&self) -> bool {
        self.failures.len() < self.limits.failures
    }

    /// Keeps a single test if the limits ask for it, or if it is one of the slowest.
    pub(super) fn case(
        &mut self,
        name: &str,
        suite: Option<&str>,
        outcome: Outcome,
        flaked: bool,
        duration: Option<f64>,
    ) {
        if let Some(millis) = self.slowest.wants(outcome, duration) {
            self.slowest.add(text::tidy(name, text::NAME_CAP), millis);
        }
        if self.wants_cases() {
            self.cases.push(Case {
                name: text::tidy(name, text::NAME_CAP),
                suite: suite.map(|s| text::tidy(s, text::NAME_CAP)).filter(|s| !s.is_empty()),
                outcome,
                flaked: flaked && outcome == Outcome::Passed,
                duration,
            });
        }
    }

    /// Whether this single test is wanted.
    pub(super) fn wants_case(&self, outcome: Outcome, duration: Option<f64>) -> bool {
        self.wants_cases() || self.slowest.wants(outcome, duration).is_some()
    }

    /// Whether any single test is wanted.
    pub(super) fn wants_cases(&self) -> bool {
        self.cases.len() < self.limits.cases
    }

    /// A test that was counted as passed did not pass after all.
    pub(super) fn withdraw_passed(&mut self, format: Format) {
        if self.counts.passed > self.counts.flaked {
            self.counts.passed -= 1;
            self.counts.total -= 1;
            if let Some((_, sum)) = self.formats.iter_mut().find(|(known, _)| *known == format) {
                *sum = sum.saturating_sub(1);
            }
        }
    }

    /// Takes back tests that turned out to be counted before, and the failures that were recorded
    /// after the first `failures`.
    pub(super) fn take_back(&mut self, format: Format, tests: Counts, failures: u64) {
        let counts = &mut self.counts;
        for (from, n) in [
            (&mut counts.passed, tests.passed),
            (&mut counts.failed, tests.failed),
            (&mut counts.errored, tests.errored),
            (&mut counts.skipped, tests.skipped),
            (&mut counts.pending, tests.pending),
        ] {
            let n = n.min(*from);
            *from -= n;
            counts.total -= n;
        }
        counts.flaked = counts.flaked.min(counts.passed);
        if let Some((_, sum)) = self.formats.iter_mut().find(|(known, _)| *known == format) {
            *sum = sum.saturating_sub(tests.total);
        }
        self.failures_total = self.failures_total.min(failures);
        self.failures.truncate(usize::try_from(failures).unwrap_or(usize::MAX));
    }

    /// How many failures were recorded so far.
    pub(super) fn failures_seen(&self) -> u64 {
        self.failures_total
    }

    /// A test that is counted as failed passed on a retry.
    pub(super) fn recover(&mut self, name: &str, suite: Option<&str>) {
        let name = text::tidy(name, text::NAME_CAP);
        let same = |failure: &Failure| {
            let suites = suite.zip(failure.suite.as_deref());
            failure.name == name && suites.is_none_or(|(a, b)| a == b)
        };
        let known = self.failures.iter().position(same);
        // A list that is full does not name every failure.
        if self.counts.failed == 0 || (known.is_none() && self.wants_failures()) {
            return;
        }
        if let Some(at) = known {
            self.failures.remove(at);
        }
        self.counts.failed -= 1;
        self.counts.passed += 1;
        self.counts.flaked += 1;
        self.failures_total = self.failures_total.saturating_sub(1);
    }

    pub(super) fn reruns(&mut self, n: u64) {
        self.reruns = self.reruns.saturating_add(n);
    }

    pub(super) fn warn(&mut self, place: Place, said: &str) {
        let (line, offset) = match place {
            Place::File => (None, None),
            Place::Line(line) => (Some(line), None),
            Place::Offset(offset) => (None, Some(offset)),
        };
        let warning =
            Warning { file: self.name.clone(), line, offset, text: text::tidy(said, text::MESSAGE_CAP) };
        self.push_warning(warning);
    }

    fn push_warning(&mut self, warning: Warning) {
        if self.warnings.contains(&warning) {
            return;
        }
        if self.warnings.len() < self.limits.warnings {
            self.warnings.push(warning);
        } else {
            self.warnings_left = self.warnings_left.saturating_add(1);
        }
    }

    /// Warns, and marks the result incomplete.
    pub(super) fn incomplete(&mut self, place: Place, said: &str) {
        self.complete = false;
        self.warn(place, said);
    }

    /// Compares what a report says in its summary with what it lists: what, said, listed. Where it
    /// lists less, something is missing.
    pub(super) fn compare<const N: usize>(&mut self, pairs: [(&str, u64, u64); N]) {
        for (what, said, listed) in pairs {
            let text = format!(
                "the summary says {said} {what} and the report lists {listed}: counted are those listed"
            );
            if said != listed {
                self.doubt(said > listed, &text);
            }
        }
    }

    /// Warns; where results are `missing`, marks the result incomplete too.
    pub(super) fn doubt(&mut self, missing: bool, said: &str) {
        self.complete &= !missing;
        self.warn(Place::File, said);
    }

    /// Whether nothing was recognised so far.
    pub(super) fn is_blank(&self) -> bool {
        self.formats.is_empty()
    }

    /// Takes in the result of an archive's entry.
    pub(super) fn absorb(&mut self, other: Parsed, counted: bool) {
        for warning in other.warnings {
            self.push_warning(warning);
        }
        if !counted {
            return;
        }
        let formats = if other.formats.is_empty() { vec![other.format] } else { other.formats };
        for format in formats {
            if format != Format::Unknown {
                self.seen(format);
            }
        }
        self.merge(other.format, other.tests);
        self.complete &= other.complete;
        self.reruns(other.reruns);
        let kept = other.failures.len() as u64;
        for failure in other.failures {
            self.fail(failure);
        }
        self.more_failures(other.failures_total.saturating_sub(kept));
        let room = self.limits.cases.saturating_sub(self.cases.len());
        self.cases.extend(other.cases.into_iter().take(room));
        self.slowest.merge(other.slowest);
    }

    /// Closes the result.
    pub(super) fn finish(mut self) -> Parsed {
        // What readers added to a failure after it was kept has the same bounds.
        self.failures = std::mem::take(&mut self.failures).into_iter().map(clean_failure).collect();
        if self.warnings_left > 0 {
            let left = self.warnings_left;
            self.warnings.push(Warning {
                file: self.name.clone(),
                line: None,
                offset: None,
                text: format!("{left} more warnings are not shown"),
            });
        }
        // The first of equals wins: it is what the reader of the file met first.
        let mut format = Format::Unknown;
        let mut most = 0;
        for &(found, tests) in &self.formats {
            if found != Format::Unknown && (format == Format::Unknown || tests > most) {
                format = found;
                most = tests;
            }
        }
        let format = self.preferred.unwrap_or(format);
        let known = self.formats.iter().map(|&(found, _)| found);
        let formats: Vec<Format> = known.filter(|&found| found != Format::Unknown).collect();
        debug_assert!(self.counts.holds());
        Parsed {
            file: self.name,
            format,
            formats: if formats.len() > 1 { formats } else { Vec::new() },
            tests: self.counts,
            failures_total: self.failures_total.max(self.counts.bad()),
            failures: self.failures,
            warnings: self.warnings,
            complete: self.complete,
            reruns: self.reruns,
            cases: self.cases,
            slowest: self.slowest,
            entries: Vec::new(),
        }
    }
}

/// A failure with every text cleaned and cut.
pub(super) fn clean_failure(failure: Failure) -> Failure {
    let short = |text: Option<String>| {
        text.map(|text| text::tidy(&text, text::NAME_CAP)).filter(|text| !text.is_empty())
    };
    let name = text::tidy(&failure.name, text::NAME_CAP);
    Failure {
        name: if name.is_empty() { "(unnamed)".to_owned() } else { name },
        suite: short(failure.suite),
        classname: short(failure.classname),
        file: short(failure.file),
        line: failure.line,
        message: failure
            .message
            .map(|text| text::tidy(&text, text::MESSAGE_CAP))
            .filter(|text| !text.is_empty()),
        kind: failure.kind,
        duration: failure.duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
    }
}

/// A failure of something that is not a test.
pub(super) fn broken(name: &str, kind: FailureKind, message: Option<String>) -> Failure {
    Failure { name: name.to_owned(), kind, message, ..Failure::default() }
}
