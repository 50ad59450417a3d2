//! One test as a report of any tool tells it, on its way into the result.

use super::model::{Failure, FailureKind, Format, Outcome};
use super::sink::{Place, Sink, broken};
use super::text;

/// What was read of one test.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) suite: Option<String>,
    pub(super) classname: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    /// How it ended; none where the report does not say it in a way that is known.
    pub(super) outcome: Option<Outcome>,
    /// The word that the report has for it.
    pub(super) word: String,
    pub(super) kind: FailureKind,
    pub(super) message: String,
    /// A stack or a longer text, read for the place.
    pub(super) trace: String,
    pub(super) duration: Option<f64>,
    pub(super) flaked: bool,
}

impl Found {
    /// Whether it ended badly, as far as it is known.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Failed | Outcome::Errored))
    }

    /// Counts it, and lists it where it failed; says whether it did.
    pub(super) fn record(self, format: Format, sink: &mut Sink) -> bool {
        let outcome = self.outcome.unwrap_or(Outcome::Errored);
        if self.outcome.is_none() {
            let word = text::tidy(&self.word, 40);
            let said = format!("a test's result is {word:?}, which is not known: it counts as errored");
            sink.incomplete(Place::File, &said);
        }
        let flaked = self.flaked && outcome == Outcome::Passed;
        sink.count(format, outcome, 1);
        sink.flaked(u64::from(flaked));
        if sink.wants_case(outcome, self.duration) {
            let group = self.classname.as_deref().or(self.suite.as_deref());
            sink.case(&self.name, group, outcome, flaked, self.duration);
        }
        let bad = matches!(outcome, Outcome::Failed | Outcome::Errored);
        if bad && sink.wants_failures() {
            sink.fail(self.failure(outcome));
        } else if bad {
            sink.more_failures(1);
        }
        bad
    }

    fn failure(self, outcome: Outcome) -> Failure {
        let found = text::location(&self.trace).or_else(|| text::location(&self.message));
        let message = Some(self.message).filter(|said| !said.trim().is_empty());
        let message = message.or_else(|| Some(text::headline(&self.trace))).filter(|said| !said.is_empty());
        let (file, line) = match (self.file, self.line, found) {
            (Some(file), Some(line), _) => (Some(file), Some(line)),
            (Some(file), None, Some((path, line))) if text::same_file(&path, &file) => {
                (Some(file), Some(line))
            }
            (Some(file), None, _) => (Some(file), None),
            (None, _, Some((path, line))) => (Some(path), Some(line)),
            (None, line, None) => (None, line),
        };
        let kind = match self.kind {
            FailureKind::Failed if outcome == Outcome::Errored => FailureKind::Errored,
            kind => kind,
        };
        Failure {
            name: self.name,
            suite: self.suite,
            classname: self.classname,
            file,
            line,
            message,
            kind,
            duration: self.duration,
        }
    }
}

/// Records something that failed and is no test: a setup, a teardown, a process.
pub(super) fn outside(name: &str, message: &str, trace: &str, sink: &mut Sink) {
    let name = if name.trim().is_empty() { "the run" } else { name };
    let said = if message.trim().is_empty() { text::headline(trace) } else { message.to_owned() };
    let mut failure = broken(name, FailureKind::Errored, Some(said));
    let found = text::location(trace).or_else(|| text::location(message));
    (failure.file, failure.line) = found.map_or((None, None), |(file, line)| (Some(file), Some(line)));
    sink.fail(failure);
    let said = format!("{name} failed outside of its tests: tests may be missing");
    sink.incomplete(Place::File, &said);
}

/// Totals that a report declares of itself, to be compared with what it lists.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    pub(super) tests: Option<u64>,
    pub(super) bad: Option<u64>,
}

impl Totals {
    /// Adds those of another part; a number that one part does not tell is that of the others.
    pub(super) fn add(&mut self, other: Totals) {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b).min(text::MOST)),
            (a, b) => a.or(b),
        };
        self.tests = sum(self.tests, other.tests);
        self.bad = sum(self.bad, other.bad);
    }

    /// Compares with the tests and failures that were listed. What a report lists without having
    /// declared it is no doubt about what it lists.
    pub(super) fn compare(self, tests: u64, bad: u64, sink: &mut Sink) {
        let declared = [self.tests.unwrap_or(tests), self.bad.unwrap_or(bad)];
        let [said_tests, said_bad] = declared;
        sink.compare([("tests", said_tests, tests), ("failed tests", said_bad, bad)]);
    }
}
