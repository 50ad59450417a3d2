//! What the lines of Go's testing package say, shared by its console and its events.

use crate::evidence::parse::model::Outcome;
use crate::evidence::parse::text::{self, Pattern, captures, group, pattern};

static RUNNING: Pattern = pattern!(r"^\s+(\S.*?) \((?:\d+h)?(?:\d+m)?(?:[\d.]+s)?\)$");
static COMPILER: Pattern = pattern!(r"^(?:vet: )?(\S+\.go):(\d{1,7})(?::\d+)?: (.+)$");

/// `--- FAIL: Name (0.01s)`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::evidence::parse) struct TestResult<'t> {
    pub(in crate::evidence::parse) outcome: Outcome,
    pub(in crate::evidence::parse) name: &'t str,
    pub(in crate::evidence::parse) seconds: Option<f64>,
    /// The line starts with it, as against following a test's own unfinished line.
    pub(in crate::evidence::parse) at_start: bool,
    pub(in crate::evidence::parse) indent: usize,
}

/// Reads the result of a test; benchmarks are none.
pub(in crate::evidence::parse) fn result(line: &str) -> Option<TestResult<'_>> {
    let line = line.trim_end();
    let body = line.strip_suffix("s)")?;
    let (before, after) = body.split_once("--- ")?;
    let (word, after) = after.split_once(": ")?;
    let outcome = match word {
        "PASS" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "SKIP" => Outcome::Skipped,
        _ => return None,
    };
    let (name, seconds) = after.rsplit_once(" (")?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if name.is_empty() || !plain(seconds) {
        return None;
    }
    let at_start = before.trim().is_empty();
    Some(TestResult {
        outcome,
        name,
        seconds: text::seconds(seconds),
        at_start,
        indent: if at_start { before.len() } else { 0 },
    })
}

/// A message of a test, with its place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::evidence::parse) struct Logged {
    pub(in crate::evidence::parse) file: String,
    pub(in crate::evidence::parse) line: Option<u64>,
    pub(in crate::evidence::parse) text: String,
}

/// `    x_test.go:12: message`.
pub(in crate::evidence::parse) fn logged(line: &str) -> Option<Logged> {
    let bare = line.trim_start();
    if bare.len() == line.len() {
        return None;
    }
    let (path, rest) = bare.split_once(".go:")?;
    let named = |b: u8| b.is_ascii_alphanumeric() || b"_./\\@+-".contains(&b);
    if path.is_empty() || !path.bytes().all(named) {
        return None;
    }
    let (number, text) = rest.split_once(':')?;
    if number.is_empty() || number.len() > 7 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Logged { file: format!("{path}.go"), line: number.parse().ok(), text: text.trim_start().to_owned() })
}

/// A test in the list that a timeout prints: `TestSlow (10m0s)`, indented.
pub(in crate::evidence::parse) fn running(line: &str) -> Option<&str> {
    let found = captures(&RUNNING, line)?;
    let name = found.get(1)?.as_str();
    let plausible = ["Test", "Fuzz", "Example", "Benchmark"].iter().any(|start| name.starts_with(start));
    plausible.then_some(name)
}

/// What the compiler or vet says: `x.go:3:27: undefined: y`.
pub(in crate::evidence::parse) fn compiler(line: &str) -> Option<Logged> {
    if !line.contains(".go:") {
        return None;
    }
    let found = captures(&COMPILER, line)?;
    Some(Logged {
        file: group(&found, 1).to_owned(),
        line: group(&found, 2).parse().ok(),
        text: group(&found, 3).to_owned(),
    })
}

/// Takes `panic: ` off a line, and what the runtime adds at its end.
pub(in crate::evidence::parse) fn panic(line: &str) -> Option<&str> {
    // Progress marks can stand before it, since whoever printed them did not end the line.
    let line = line.trim_start_matches(['\u{2022}', 'S', 'P']);
    let said = line.strip_prefix("panic: ").or_else(|| line.strip_prefix("fatal error: "))?;
    let said = said.trim_end();
    Some(
        said.strip_suffix(" [recovered]")
            .or_else(|| said.strip_suffix(" [recovered, repanicked]"))
            .unwrap_or(said),
    )
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&RUNNING, &COMPILER]
}
