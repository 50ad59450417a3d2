//! The elements of JUnit.

use super::case::Verdict;

/// The elements that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Suites,
    Suite,
    Case,
    Verdict(Verdict),
    /// An earlier or later attempt: flaky or rerun.
    Attempt {
        flaky: bool,
    },
    /// Output and properties: nothing in it counts.
    Quiet,
    Other,
}

impl Tag {
    /// The element of this name, in whatever case it is written.
    pub(super) fn of(name: &[u8]) -> Self {
        let mut lower = [0u8; 16];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Self::Other;
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"testsuites" => Self::Suites,
            b"testsuite" => Self::Suite,
            b"testcase" => Self::Case,
            b"failure" => Self::Verdict(Verdict::Failure),
            b"error" => Self::Verdict(Verdict::Error),
            b"skipped" | b"skip" | b"ignored" | b"disabled" => Self::Verdict(Verdict::Skipped),
            b"pending" => Self::Verdict(Verdict::Pending),
            b"success" => Self::Verdict(Verdict::Success),
            b"flakyfailure" | b"flakyerror" | b"rerun" => Self::Attempt { flaky: true },
            b"rerunfailure" | b"rerunerror" => Self::Attempt { flaky: false },
            b"system-out" | b"system-err" | b"properties" => Self::Quiet,
            _ => Self::Other,
        }
    }
}
