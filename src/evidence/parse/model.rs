//! What a report says, whatever tool wrote it.

pub use super::format::Format;
use super::sink::{Place, Sink};
use super::slowest::Slowest;
use serde::{Deserialize, Serialize};

/// How one test ended. Each test is in exactly one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It ran and held, perhaps after a retry; expected failures that failed as expected by a
    /// tool that calls that a pass are here too.
    Passed,
    /// It ran and did not hold: assertion, panic, timeout or interruption.
    Failed,
    /// It broke outside its own assertions: setup, collection, or what the tool calls an error.
    Errored,
    /// It did not run, or was excused: skips, expected failures of pytest, specs that were
    /// planned and never reached.
    Skipped,
    /// It is announced and not written or switched on yet: Ginkgo and mocha `pending`, `todo`.
    Pending,
}

/// Counts of tests by state. `total` is always the sum of passed, failed, errored, skipped and
/// pending; `flaked` is the part of `passed` that needed more than one attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All tests of the report.
    pub total: u64,
    /// See [`Outcome::Passed`].
    pub passed: u64,
    /// See [`Outcome::Failed`].
    pub failed: u64,
    /// See [`Outcome::Errored`].
    pub errored: u64,
    /// See [`Outcome::Skipped`].
    pub skipped: u64,
    /// See [`Outcome::Pending`].
    pub pending: u64,
    /// Passed after at least one failed attempt; part of `passed`.
    pub flaked: u64,
}

impl Counts {
    /// Adds `n` tests with one outcome.
    pub fn add(&mut self, outcome: Outcome, n: u64) {
        let slot = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Errored => &mut self.errored,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Pending => &mut self.pending,
        };
        *slot = slot.saturating_add(n);
        self.total = self.total.saturating_add(n);
    }

    /// Adds the counts of another report.
    pub fn merge(&mut self, other: Counts) {
        self.add(Outcome::Passed, other.passed);
        self.add(Outcome::Failed, other.failed);
        self.add(Outcome::Errored, other.errored);
        self.add(Outcome::Skipped, other.skipped);
        self.add(Outcome::Pending, other.pending);
        self.flaked = self.flaked.saturating_add(other.flaked).min(self.passed);
    }

    /// Tests that ended badly.
    pub fn bad(&self) -> u64 {
        self.failed.saturating_add(self.errored)
    }

    /// Whether the law of the counts holds.
    pub fn holds(&self) -> bool {
        let sum = [self.passed, self.failed, self.errored, self.skipped, self.pending]
            .iter()
            .fold(0u64, |sum, &n| sum.saturating_add(n));
        self.total == sum && self.flaked <= self.passed
    }
}

/// In what way a test, or what it needs, failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// An assertion did not hold, or the tool gives no more detail.
    #[default]
    Failed,
    /// A panic, crash or fatal signal.
    Panicked,
    /// A time limit of the test or of the run passed.
    TimedOut,
    /// The run was stopped while the test was under way.
    Interrupted,
    /// Setup, collection, a suite node, or a whole file that could not be loaded.
    Errored,
    /// The tests were never built.
    BuildFailed,
}

/// One failing test, or one failing thing that is not a test (a suite's setup, a build).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The test's name, on one line.
    pub name: String,
    /// The suite, package, binary or describe path that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// The class or module, where the report has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classname: Option<String>,
    /// The source file, as far as the report tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What the tool said, on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// In what way it failed.
    pub kind: FailureKind,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

/// One test, kept only where [`Limits::cases`] asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The test's name.
    pub name: String,
    /// Suite, package or class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Passed only after a failed attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaked: bool,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

/// Something about the input that a reader of the counts should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// The file, and for an archive the entry in it.
    pub file: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The byte, from 0, where lines say little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What was found and what it means for the result.
    pub text: String,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The name in the archive; a name only, never a path to write to.
    pub name: String,
    /// What it was read as.
    pub format: Format,
    /// Its counts, whether or not they went into the sum.
    pub tests: Counts,
    /// False where the same tests are counted from another entry.
    pub counted: bool,
}

/// The result of reading one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parsed {
    /// The name that was given.
    pub file: String,
    /// The format that most of the tests came in.
    pub format: Format,
    /// Every format found, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
    /// Counts by state.
    pub tests: Counts,
    /// The first failures; [`Parsed::failures_total`] says how many there are.
    pub failures: Vec<Failure>,
    /// All failures, kept or not; at least the failed and errored tests.
    pub failures_total: u64,
    /// What to know about the input.
    pub warnings: Vec<Warning>,
    /// False where the run or the file was cut short: the counts are a lower bound.
    pub complete: bool,
    /// Attempts beyond the first, as far as the report tells.
    pub reruns: u64,
    /// Single tests, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    /// For the history, and not told as text.
    #[serde(skip)]
    pub slowest: Slowest,
    /// The files of an archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

impl Parsed {
    /// The result of a file that could not be read at all: nothing is known of it.
    pub fn unread(file: &str, why: &str) -> Parsed {
        let mut sink = Sink::new(file, Limits::default());
        sink.incomplete(Place::File, why);
        sink.finish()
    }

    /// The results of several files as one; those of each file keep its name where they have no
    /// suite of their own. What is the same in two files is counted twice.
    pub fn sum(all: Vec<Parsed>) -> Option<Parsed> {
        let several = all.len() > 1;
        let mut all = all.into_iter().map(|mut one| {
            let own = one.file.clone();
            let suites = one.failures.iter_mut().map(|failure| &mut failure.suite);
            let suites = suites.chain(one.cases.iter_mut().map(|case| &mut case.suite));
            suites.filter(|suite| several && suite.is_none()).for_each(|suite| *suite = Some(own.clone()));
            one
        });
        let mut sum = all.next()?;
        for one in all {
            if !sum.understood() {
                sum.format = one.format;
            }
            sum.tests.merge(one.tests);
            sum.failures.extend(one.failures);
            sum.failures_total = sum.failures_total.saturating_add(one.failures_total);
            sum.warnings.extend(one.warnings);
            sum.complete &= one.complete;
            sum.reruns = sum.reruns.saturating_add(one.reruns);
            sum.cases.extend(one.cases);
            sum.slowest.merge(one.slowest);
            sum.entries.clear();
        }
        if several {
            sum.file = "all files".to_owned();
        }
        Some(sum)
    }

    /// Whether the file was understood as test results of some kind.
    pub fn understood(&self) -> bool {
        self.format != Format::Unknown
    }
}

/// Bounds on what is read and kept. The defaults suit a file of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes read from one stream; the rest is left, with a warning.
    pub bytes: u64,
    /// Failures kept.
    pub failures: usize,
    /// Warnings kept.
    pub warnings: usize,
    /// Single tests kept; none unless asked for.
    pub cases: usize,
    /// Entries of an archive that are looked at.
    pub entries: usize,
    /// Bytes inflated from one archive, all entries together.
    pub inflated: u64,
    /// Bytes of an archive that comes as a stream and has to be held to be read.
    pub held: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            failures: 1000,
            warnings: 100,
            cases: 0,
            entries: 10_000,
            inflated: 4 << 30,
            held: 16 << 20,
        }
    }
}
