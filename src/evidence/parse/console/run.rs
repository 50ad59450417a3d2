//! A run of a tool between its first line and its summary, and what readers of such runs share.

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, MOST};

/// The reader of one tool's console.
pub(super) trait Console {
    /// Whether lines that start with nothing special are wanted.
    fn open(&self) -> bool;

    /// Whether a run is under way: until it ends, all that is printed is of its tests.
    fn running(&self) -> bool;

    /// Takes a line; true if it was the tool's.
    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool;

    /// The log, or its step, ended.
    fn end(&mut self, sink: &mut Sink);
}

/// What is known of a run so far.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The line that it starts with.
    pub(super) line: u64,
    /// Results of single tests, as far as the tool prints any.
    pub(super) marks: Counts,
    failures: Vec<Failure>,
    listed: u64,
}

impl Run {
    pub(super) fn at(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// Records a failing test.
    pub(super) fn fail(&mut self, failure: Failure, sink: &Sink) {
        self.listed = self.listed.saturating_add(1);
        if self.failures.len() < sink.limits().failures {
            self.failures.push(failure);
        }
    }

    /// The failure that was recorded last, if there was room for it.
    pub(super) fn last(&mut self) -> Option<&mut Failure> {
        if self.failures.len() as u64 == self.listed { self.failures.last_mut() } else { None }
    }

    pub(super) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(super) fn failures_mut(&mut self) -> &mut Vec<Failure> {
        &mut self.failures
    }

    /// Failing tests that were recorded, with and without room.
    pub(super) fn listed(&self) -> u64 {
        self.listed
    }

    /// Other failing tests are known to be right.
    pub(super) fn replace(&mut self, failures: Vec<Failure>) {
        self.listed = failures.len() as u64;
        self.failures = failures;
    }

    /// The tool said how many tests there were.
    pub(super) fn close(self, format: Format, counts: Counts, line: u64, sink: &mut Sink) {
        let bad = counts.bad();
        if self.listed > bad {
            let said = format!("the summary counts {bad} failing tests and {} are listed", self.listed);
            sink.incomplete(Place::Line(line), &said);
        }
        self.put(format, counts, sink);
    }

    /// The run ended without a word of how many tests there were.
    pub(super) fn cut_off(self, what: &str, format: Format, sink: &mut Sink) {
        sink.incomplete(Place::Line(self.line), &format!("the {what} run has no summary"));
        let counts = self.marks;
        self.put(format, counts, sink);
    }

    fn put(self, format: Format, counts: Counts, sink: &mut Sink) {
        let kept = self.failures.len() as u64;
        sink.merge(format, counts);
        for failure in self.failures {
            sink.fail(failure);
        }
        sink.more_failures(self.listed.max(counts.bad()).saturating_sub(kept));
    }
}

/// A number as a summary has it; one that is too large is not none.
pub(super) fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(MOST).min(MOST))
}

/// `3 tests, 1 failure`: numbers and what they count; none if anything else is among them.
pub(super) fn parts(text: &str) -> Option<Vec<(u64, &str)>> {
    let part = |part: &'_ str| -> Option<(u64, usize)> {
        let (n, _) = part.split_once(' ')?;
        Some((count(n)?, n.len() + 1))
    };
    text.split(", ").map(|one| part(one).and_then(|(n, at)| Some((n, one.get(at..)?)))).collect()
}

/// `Tests: 3, Failures: 1` and `failures=1, errors=2`: what is counted, and numbers.
pub(super) fn pairs<'t>(list: &'t str, between: &str) -> Option<Vec<(&'t str, u64)>> {
    list.split(", ")
        .map(|one| one.split_once(between).and_then(|(what, n)| Some((what.trim(), count(n.trim())?))))
        .collect()
}

/// Counts by what a summary says: all tests, and those of each kind but those that passed. Where
/// the kinds are more than all, all are at least those.
pub(super) fn rest_passed(total: u64, others: &[(Outcome, u64)]) -> Counts {
    let mut counts = Counts::default();
    for &(outcome, n) in others {
        counts.add(outcome, n);
    }
    counts.add(Outcome::Passed, total.saturating_sub(counts.total));
    counts
}

/// Keeps the first place that a line of a stack names outside libraries.
pub(super) fn place(failure: &mut Failure, frame: &str) {
    if failure.line.is_none()
        && let Some((file, line)) = text::location(frame).filter(|(file, _)| !text::is_library(file))
    {
        failure.file = Some(file);
        failure.line = Some(line);
    }
}

/// Adds a line to what a failure says.
pub(super) fn say(failure: &mut Failure, line: &str) {
    let line = line.trim();
    if !line.is_empty() {
        text::collect(failure.message.get_or_insert_default(), line);
    }
}
