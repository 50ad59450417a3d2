//! A command that failed although none of its tests did: something outside of them did, or tests are
//! missing. Most tools say so in words of their own; this is for what is said by whoever ran them.

use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, pattern};

static MAKE: Pattern = pattern!(r"^g?make(?:\[\d+\])?: \*\*\* .*\bError \d+$");

/// One step of a job, or the whole log.
#[derive(Debug)]
pub(super) struct Step {
    passed: u64,
    bad: u64,
    failures: u64,
    /// Where a command is said to have failed, and how many tests had been counted then.
    failed: Option<(u64, u64)>,
}

impl Step {
    pub(super) fn new(sink: &Sink) -> Self {
        let counts = sink.counts();
        Self { passed: counts.passed, bad: counts.bad(), failures: sink.failures_seen(), failed: None }
    }

    /// Looks at a line.
    pub(super) fn line(&mut self, text: &str, number: u64, sink: &Sink) {
        let said = match text.as_bytes().first() {
            Some(b'#') => text.strip_prefix("##[error]Process completed with exit code ").is_some_and(is_bad),
            Some(b'm' | b'g') if text.contains("make") => captures(&MAKE, text).is_some(),
            Some(b'n') => ["npm ERR! Test failed.", "npm error Lifecycle script `test` failed"]
                .iter()
                .any(|start| text.starts_with(start)),
            Some(b'e') => {
                text.starts_with("error Command failed with exit code ")
                    || text.starts_with("error: script \"") && text.contains("\" exited with code ")
            }
            Some(b' ') => text.trim_start().starts_with("ELIFECYCLE "),
            _ => false,
        };
        if said {
            self.failed = Some((number, sink.counts().total));
        }
    }

    /// The step is over; `counted` are the tests that were counted before its readers were closed.
    pub(super) fn end(self, counted: u64, sink: &mut Sink) {
        let Some((line, then)) = self.failed else { return };
        let counts = sink.counts();
        let passed = counts.passed > self.passed;
        let failed = counts.bad() > self.bad || sink.failures_seen() > self.failures;
        if passed && !failed && counted == then {
            let said = "the command failed although none of its tests did: results may be missing";
            sink.incomplete(Place::Line(line), said);
        }
    }
}

/// Whether a code of a process is not that of success.
fn is_bad(code: &str) -> bool {
    !code.trim_end().trim_end_matches('.').trim_start_matches('0').is_empty()
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&MAKE]
}
