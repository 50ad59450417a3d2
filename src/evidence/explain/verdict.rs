//! Lines that say how something ended: a test, a class of tests, a step, a build.

use super::shape::{Kind, bracketed, ends, nonzero_after, starts};

/// Whether the line says that a step or the build has ended badly.
pub(super) fn exits(text: &[u8], kind: Kind) -> bool {
    let line = text.trim_ascii();
    match kind {
        Kind::Status => true,
        Kind::Rule => {
            let line = bracketed(line).map_or(line, |(_, body)| body);
            starts(
                line,
                &[
                    "BUILD FAIL", "Finished: FAIL", "Finished: ABORT", "Process completed with exit",
                    "Error: Process completed with exit",
                ],
            )
        }
        _ => false,
    }
}

/// A verdict that things went well, for a test or a class of tests, or for a whole build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// What a test printed before this line did not make it fail.
    Test,
    /// Nothing before this line made the build fail.
    Build,
}

/// Reads a good verdict off a line.
pub(super) fn passed(text: &[u8], kind: Kind) -> Option<Passed> {
    if !matches!(kind, Kind::Info | Kind::Rule) {
        return None;
    }
    let line = text.trim_ascii();
    let line = bracketed(line).map_or(line, |(_, body)| body);
    if starts(line, &["BUILD SUCC", "Finished: SUCCESS"]) {
        return Some(Passed::Build);
    }
    let counts = line.starts_with(b"Tests run:")
        && !["Failures: ", "Errors: "].iter().any(|name| nonzero_after(line, name));
    let single = ends(line, &[" PASSED", " ... ok"])
        || starts(line, &["--- PASS", "ok  \t", "ok \t", "\u{2713}", "\u{2714}", "\u{221a}"])
        || (line.starts_with(b"ok ") && line.get(3).is_some_and(u8::is_ascii_digit));
    (counts || single).then_some(Passed::Test)
}

/// The heading of a test that passed and whose output follows it.
pub(super) fn harmless(line: &[u8]) -> bool {
    let bullet = line.strip_prefix("\u{2022} [".as_bytes()).and_then(<[u8]>::first);
    bullet.is_some_and(u8::is_ascii_digit) || line.starts_with(b"::group::PASS ")
}

/// The heading of a test that failed first and passed when it was tried again.
pub(super) fn flaked(line: &[u8]) -> bool {
    let line = line.strip_prefix("\u{21ba} ".as_bytes()).unwrap_or(line);
    line.starts_with(b"[FLAKEY TEST")
}
