//! The lines of a failing log that say why it failed.
//!
//! [`explain`] reads a failing log once and returns ranges of line numbers with a reason for
//! each, and the likely causes with the lines that speak for them. With a passing log of the
//! same job (the baseline) a line counts only if that log does not have it, compared without
//! times, sizes, ids and temporary names; without one, the forms that tools give their errors
//! decide, and errors that a later success of the same test or build contradicts are left out.
//!
//! Numbers start at 1 and LF, CRLF and a lone CR each end a line, as in [`super::log`].
//!
//! How it works, a file each: `normal` (lines without what changes from run to run), `shape`
//! (what kind of line it is), `signs` (phrases that name causes), `grow` (lines into blocks),
//! `choose` (blocks that are shown), `fit` (into how many lines), `cause` and `excerpt`.
//!
//! Time is linear in the input and memory is bounded whatever its size: the baseline is held as
//! at most 900,000 hashes, blocks and candidate lines up to fixed numbers, and of each line only
//! the first 4 KiB are looked at. Nothing fails: every byte string is a log of some kind.

mod cause;
mod choose;
mod context;
mod excerpt;
mod fit;
mod grow;
mod ids;
pub(in crate::evidence) mod line;
mod normal;
mod prefix;
mod shape;
mod signs;
mod verdict;

pub use excerpt::{ExcerptLine, excerpt};

use super::log;
use grow::Grower;
use normal::{Known, Normaliser};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::io::Read;

/// The bytes of a line that are looked at; what follows is not compared.
const LINE_BYTES: usize = 4096;

/// What is wanted of an explanation.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most lines that are reported; a stack trace may be thousands of lines long.
    pub max_lines: u64,
    /// A number of lines that a person takes in at a glance: where leaving out advice and blank
    /// lines gets there, they are left out.
    pub comfortable: u64,
    /// The same commit passed when the job was run again. Only then may timing be the likely
    /// cause.
    pub passed_on_retry: bool,
    /// Names of failing tests' objects that are known from elsewhere; lines that mention one
    /// belong to the failure.
    pub subjects: Vec<String>,
    /// What is known about the job besides its log, such as a check run's annotations ("The job
    /// has exceeded the maximum execution time of 10m0s"). Causes take it into account.
    pub notes: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_lines: 10_000,
            comfortable: 20,
            passed_on_retry: false,
            subjects: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum CauseKind {
    /// The code does not compile.
    Compilation,
    /// A test found another value than it wants.
    Assertion,
    /// Something did not happen in time.
    Timeout,
    /// A name did not resolve, a connection failed, a machine was lost.
    InfrastructureNetwork,
    /// Memory ran out.
    OutOfMemory,
    /// The disk is full.
    DiskFull,
    /// A container image could not be had.
    ImagePull,
    /// A dependency could not be resolved or downloaded.
    DependencyResolution,
    /// Something was not allowed.
    PermissionDenied,
    /// A linter or formatter found fault.
    LintOrFormat,
    /// A file, a command or a setting is missing or wrong.
    Configuration,
    /// Tests got in each other's way.
    TestIsolation,
    /// A panic, a data race, a crash.
    Crash,
    /// The job was cancelled or ran out of its time.
    Cancelled,
    /// A program for another kind of processor.
    ExecFormat,
    /// The log does not say.
    Unknown,
}

impl CauseKind {
    /// The name as it is written in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compilation => "Compilation",
            Self::Assertion => "Assertion",
            Self::Timeout => "Timeout",
            Self::InfrastructureNetwork => "InfrastructureNetwork",
            Self::OutOfMemory => "OutOfMemory",
            Self::DiskFull => "DiskFull",
            Self::ImagePull => "ImagePull",
            Self::DependencyResolution => "DependencyResolution",
            Self::PermissionDenied => "PermissionDenied",
            Self::LintOrFormat => "LintOrFormat",
            Self::Configuration => "Configuration",
            Self::TestIsolation => "TestIsolation",
            Self::Crash => "Crash",
            Self::Cancelled => "Cancelled",
            Self::ExecFormat => "ExecFormat",
            Self::Unknown => "Unknown",
        }
    }
}

/// Why a block is shown. `new` says that the passing log does not have its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A failing test's heading is in it.
    FailingTest {
        /// Absent from the passing log.
        new: bool,
    },
    /// A tool marked a line as an error.
    ErrorMarker {
        /// Absent from the passing log.
        new: bool,
    },
    /// An exception or a panic.
    StackTrace {
        /// Absent from the passing log.
        new: bool,
    },
    /// A line names a cause plainly.
    NamesCause {
        /// Absent from the passing log.
        new: bool,
    },
    /// The short reason that a build tool gives at its end.
    ToolsReason {
        /// Absent from the passing log.
        new: bool,
    },
    /// A line mentions an object of the failing test.
    NamesSubject,
    /// Errors that the passing log has as well; nothing else was found.
    AlsoInBaseline,
    /// Nothing is marked: the last lines before the step ended.
    BeforeExit,
    /// Nothing is marked and nothing says how the step ended: the last lines.
    LogEnds,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, new) = match self {
            Self::FailingTest { new } => ("failing test", *new),
            Self::ErrorMarker { new } => ("error marker", *new),
            Self::StackTrace { new } => ("exception or panic", *new),
            Self::NamesCause { new } => ("names a cause", *new),
            Self::ToolsReason { new } => ("the build tool's reason", *new),
            Self::NamesSubject => ("mentions an object of the failing test", false),
            Self::AlsoInBaseline => ("error marker, but the passing log has it too", false),
            Self::BeforeExit => ("nothing is marked: the last lines before the step ended", false),
            Self::LogEnds => ("nothing is marked: the log ends here", false),
        };
        if new { write!(f, "new: absent from the passing log ({what})") } else { f.write_str(what) }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A range of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// The first line, from 1.
    pub start: u64,
    /// The last line; part of the range.
    pub end: u64,
    /// Why it is shown.
    pub reason: Reason,
    /// The lines in it to show first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<u64>,
}

impl Block {
    /// The number of lines.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }

    /// Whether there are none; there always are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What kind of cause.
    pub cause: CauseKind,
    /// From 0 to 1; the probabilities of an explanation add up to at most 1.
    pub probability: f64,
    /// The lines that speak for it; none where only a note does.
    pub evidence: Vec<u64>,
}

/// The lines of a failing log that say why it failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Ranges in order, disjoint, within the log.
    pub lines: Vec<Block>,
    /// Likely causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// The number of lines in the ranges.
    pub shown: u64,
    /// The number of lines of the log.
    pub total: u64,
    /// Lines or blocks were left out because there were too many.
    pub cut: bool,
    /// How much of the log the passing log has as well, from 0 to 1, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

/// Explains a failing log, with a passing log of the same job if there is one.
pub fn explain(fail: &[u8], baseline: Option<&[u8]>, options: &Options) -> Explanation {
    let mut known = Baseline::default();
    for line in log::lines(&log::as_utf8(baseline.unwrap_or_default())) {
        known.push(line.raw);
    }
    let mut grower = Grower::new(baseline.is_some().then_some(known.known));
    for line in log::lines(&log::as_utf8(fail)) {
        grower.push(line.number, &text(line.raw));
    }
    conclude(grower, options)
}

/// Explains a failing log that is read from a stream, in bounded memory.
pub fn explain_stream(
    fail: impl Read,
    baseline: Option<impl Read>,
    options: &Options,
) -> std::io::Result<Explanation> {
    let mut known = Baseline::default();
    let compares = baseline.is_some();
    if let Some(baseline) = baseline {
        let mut lines = log::LineReader::new(log::Utf8::new(baseline)?);
        while let Some(line) = lines.next_line()? {
            known.push(line.raw);
        }
    }
    let mut grower = Grower::new(compares.then_some(known.known));
    let mut lines = log::LineReader::new(log::Utf8::new(fail)?);
    while let Some(line) = lines.next_line()? {
        grower.push(line.number, &text(line.raw));
    }
    Ok(conclude(grower, options))
}

/// The lines of a passing log as they come in.
#[derive(Default)]
struct Baseline {
    known: Known,
    normaliser: Normaliser,
}

impl Baseline {
    fn push(&mut self, raw: &[u8]) {
        self.known.insert(self.normaliser.hash(&text(raw)));
    }
}

/// What a pass over the log amounts to.
fn conclude(mut grower: Grower, options: &Options) -> Explanation {
    grower.finish();
    let picks = choose::choose(&grower, options);
    let notes: Vec<signs::Signs> = options.notes.iter().map(|note| signs::signs(note.as_bytes())).collect();
    let causes = cause::causes(&picks, &notes, options);
    let (lines, cut) = fit::fit(picks, options);
    Explanation {
        shown: lines.iter().map(Block::len).sum(),
        lines,
        causes,
        total: grower.total,
        cut: cut || grower.cut,
        similarity: grower.similarity(),
    }
}

/// The head of a line without envelope, escapes and what wrappers put before it.
fn text(raw: &[u8]) -> Cow<'_, [u8]> {
    let line = log::strip_envelope(raw);
    match log::strip_ansi(line.get(..LINE_BYTES).unwrap_or(line)) {
        Cow::Borrowed(line) => Cow::Borrowed(prefix::unwrap(line)),
        Cow::Owned(line) => Cow::Owned(prefix::unwrap(&line).to_vec()),
    }
}

#[cfg(test)]
mod tests;
