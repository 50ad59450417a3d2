//! One `testcase` and what it means.

use crate::evidence::parse::model::{Failure, FailureKind, Outcome};
use crate::evidence::parse::text;

/// The element that says how a case ended, from the mildest to the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Pending,
    Skipped,
    Success,
    Failure,
    Error,
}

/// What was read of a case.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) classname: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) duration: Option<f64>,
    /// What the attributes say, for writers that use no elements.
    pub(super) marked: Option<Outcome>,
    /// What they say in a word that no writer is known to use.
    pub(super) unknown: Option<String>,
    pub(super) interrupted: bool,
    pub(super) verdict: Option<Verdict>,
    /// Elements that say that it failed.
    pub(super) problems: u64,
    pub(super) message: Option<String>,
    /// The verdict's `type`.
    pub(super) kind: String,
    pub(super) body: String,
    /// Further attempts, and whether one of them says that the case passed at last.
    pub(super) attempts: u64,
    pub(super) flaky: bool,
    pub(super) attempt_message: Option<String>,
}

/// What a `status` or `result` attribute says of how a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing, or only that the case was run.
    Nothing,
    Says(Outcome),
    /// A word that no writer is known to use.
    Unknown,
}

impl Mark {
    pub(super) fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Says(outcome) => Some(outcome),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// The state that a `status` or `result` attribute names.
pub(super) fn marked(status: &str) -> Mark {
    let plain: String = status.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let outcome = match plain.to_ascii_lowercase().as_str() {
        "" | "run" | "ran" | "completed" | "complete" | "finished" | "executed" | "done" => {
            return Mark::Nothing;
        }
        "passed" | "pass" | "success" | "successful" | "succeeded" | "ok" | "warning" => Outcome::Passed,
        "failed" | "fail" | "failure" | "timedout" | "timeout" | "interrupted" | "aborted" | "panicked"
        | "crashed" | "canceled" | "cancelled" | "killed" | "undefined" => Outcome::Failed,
        "error" | "errored" | "broken" => Outcome::Errored,
        "skipped" | "skip" | "notrun" | "disabled" | "ignored" | "suppressed" | "excluded"
        | "inconclusive" | "notexecuted" | "filtered" | "untested" => Outcome::Skipped,
        "pending" | "todo" => Outcome::Pending,
        _ => return Mark::Unknown,
    };
    Mark::Says(outcome)
}

impl Case {
    pub(super) fn outcome(&self) -> Outcome {
        match self.verdict {
            Some(Verdict::Error) => Outcome::Errored,
            Some(Verdict::Failure) => Outcome::Failed,
            Some(Verdict::Success) => Outcome::Passed,
            // Ginkgo writes a pending spec as skipped, with its state beside it.
            Some(Verdict::Skipped) if self.marked == Some(Outcome::Pending) => Outcome::Pending,
            Some(Verdict::Skipped) => Outcome::Skipped,
            Some(Verdict::Pending) => Outcome::Pending,
            // Attempts that failed and nothing that says it ever passed.
            None if self.attempts > 0 && !self.flaky => Outcome::Failed,
            // A word that nobody knows is no pass.
            None if self.marked.is_none() && self.unknown.is_some() => Outcome::Errored,
            None => self.marked.unwrap_or(Outcome::Passed),
        }
    }

    pub(super) fn flaked(&self) -> bool {
        self.flaky && self.outcome() == Outcome::Passed
    }

    /// The name without the node that Ginkgo puts before it.
    pub(super) fn clean_name(&self) -> String {
        self.name.strip_prefix("[It] ").unwrap_or(&self.name).to_owned()
    }

    fn failure_kind(&self) -> FailureKind {
        let kind = self.kind.to_ascii_lowercase();
        let said = self.message.as_deref().unwrap_or_default();
        if kind == "panicked" {
            FailureKind::Panicked
        } else if kind == "timedout" || kind.contains("timeout") {
            FailureKind::TimedOut
        } else if kind == "interrupted" || kind == "aborted" {
            FailureKind::Interrupted
        } else if said.contains("signal: ") && said.contains("SIG") {
            FailureKind::Panicked
        } else if self.verdict == Some(Verdict::Error) || is_suite_node(&self.name) {
            FailureKind::Errored
        } else {
            FailureKind::Failed
        }
    }

    /// The failure that this case is.
    pub(super) fn failure(self, suite: Option<&str>, suite_file: Option<&str>) -> Failure {
        let kind = self.failure_kind();
        let name = self.clean_name();
        let message = match &self.message {
            Some(message) if !message.trim().is_empty() => Some(message.clone()),
            _ => Some(text::headline(&self.body)).filter(|said| !said.is_empty()),
        };
        let message = message.or(self.attempt_message);
        let found = text::location(&self.body).or_else(|| self.message.as_deref().and_then(text::location));
        let (file, line) = match (self.file, self.line) {
            (Some(file), Some(line)) => {
                // The line is mostly the test's own: what failed in it comes after.
                let inside = found.filter(|(path, at)| *path == file && *at > line);
                (Some(file), Some(inside.map_or(line, |(_, at)| at)))
            }
            (Some(file), None) => {
                // The line counts only where it is one of the same file.
                let line = found.filter(|(path, _)| same_file(path, &file)).map(|(_, line)| line);
                (Some(file), line)
            }
            (None, own) => match found {
                Some((path, line)) => (Some(path), Some(line)),
                None => (suite_file.map(str::to_owned), own),
            },
        };
        Failure {
            name,
            suite: suite.map(str::to_owned),
            classname: self.classname.filter(|class| !class.is_empty()),
            file,
            line,
            message,
            kind,
            duration: self.duration,
        }
    }
}

/// A node of a suite, as Ginkgo writes it beside the specs.
fn is_suite_node(name: &str) -> bool {
    name.starts_with('[') && name.split(']').next().is_some_and(|node| node.contains("Suite"))
}

/// Whether two paths can be the same file, seen from different directories.
fn same_file(a: &str, b: &str) -> bool {
    let last = |path: &str| path.rsplit(['/', '\\']).next().map(str::to_owned);
    last(a) == last(b)
}
