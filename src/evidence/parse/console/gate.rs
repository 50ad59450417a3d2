//! Which lines of a log are worth a look.
//!
//! Everything a reader starts from is told by the first word of a line, a few by its end.
//! This looks at bytes, in place, and is wrong only in letting a line through.

mod words;

use crate::evidence::log;

/// Finds where the text of a line starts.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Lines start with `job<TAB>step<TAB>`.
    prefixed: bool,
}

impl Gate {
    /// The line without envelope, leading blanks and leading escape sequences.
    pub(super) fn head<'a>(&mut self, number: u64, raw: &'a [u8]) -> &'a [u8] {
        if number <= 8 && !self.prefixed {
            self.prefixed = log::job_and_step(raw).is_some();
        }
        let mut text = match raw {
            // The stamp as GitHub writes it; anything else is looked at in full.
            [
                _,
                _,
                _,
                _,
                b'-',
                _,
                _,
                b'-',
                _,
                _,
                b'T',
                _,
                _,
                b':',
                _,
                _,
                b':',
                _,
                _,
                b'.',
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                b'Z',
                b' ',
                rest @ ..,
            ] => rest,
            [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..] => log::strip_envelope(raw),
            _ if self.prefixed || number == 1 => log::strip_envelope(raw),
            _ => raw,
        };
        loop {
            match text {
                [b' ' | b'\t', rest @ ..] => text = rest,
                [0x1b, b'[', rest @ ..] => {
                    let end = rest.iter().take(32).position(|&byte| (0x40..=0x7e).contains(&byte));
                    match end.and_then(|end| rest.get(end + 1..)) {
                        Some(rest) => text = rest,
                        None => return text,
                    }
                }
                [0x1b, _, rest @ ..] => text = rest,
                _ => return text,
            }
        }
    }
}

/// Whether a line may start something, by its head.
pub(super) fn interesting(head: &[u8]) -> bool {
    let Some(&first) = head.first() else {
        return false;
    };
    let starts = match first {
        b'=' => true,
        b'0'..=b'9' => number_word(head),
        b'-' => head.starts_with(b"--- ") || head.starts_with(b"---- ") || head.starts_with(b"- "),
        b'!' => head.starts_with(b"!!"),
        b'#' => [
            &b"# "[..],
            b"##[group]Run ",
            b"##[group]PASS",
            b"##[group]FAIL",
            b"##[group]SKIP",
            b"##[group]Errors",
            b"##[error]The ",
            b"##[error]Process completed",
            b"##[error]  ",
            b"##[notice]  ",
        ]
        .iter()
        .any(|start| head.starts_with(start)),
        b':' => head.starts_with(b"::group::"),
        b'[' if head.starts_with(b"[INFO] ") => false,
        b'[' => head.get(1).is_some_and(|&c| c.is_ascii_digit() || b"gABDFPTISR".contains(&c)),
        b'{' => head.starts_with(b"{\""),
        b'>' | b'$' => memchr::memmem::find(head.get(..200).unwrap_or(head), b"mocha").is_some(),
        b'?' => head.starts_with(b"?   \t"),
        b'A' => head.starts_with(b"ABORT"),
        b'B' => head.starts_with(b"Bail out!"),
        b'C' => [&b"Canceling due"[..], b"Cancelling due", b"Compiling "].iter().any(|w| head.starts_with(w)),
        b'D' => [&b"DONE "[..], b"Detected Programmatic", b"Doc-tests", b"DEV "]
            .iter()
            .any(|w| head.starts_with(w)),
        b'E' => head.starts_with(b"ERROR") || head.starts_with(b"Errors"),
        b'F' => [&b"FAIL"[..], b"FLAKY ", b"FLKY", b"FL+LK", b"Failed to compile ", b"Finished "]
            .iter()
            .any(|w| head.starts_with(w)),
        b'G' => head.starts_with(b"Ginkgo ran "),
        b'I' => head.starts_with(b"INTERNALERROR>"),
        b'L' => head.starts_with(b"LEAK") || head.starts_with(b"LKFAIL"),
        b'P' => head.starts_with(b"PASS") || head.starts_with(b"P ") || is_marks(head),
        b'R' => [&b"Ran "[..], b"Running", b"RUN "].iter().any(|w| head.starts_with(w)),
        b'S' => {
            [&b"SUCCESS!"[..], b"SKIP ", b"SIG", b"S [", b"Summarizing ", b"Summary", b"Starting"]
                .iter()
                .any(|w| head.starts_with(w))
                || is_marks(head)
        }
        b'T' => [&b"Test"[..], b"TAP version ", b"TRY ", b"TIMEOUT", b"TMT ", b"There were failures"]
            .iter()
            .any(|w| head.starts_with(w)),
        b'W' => head.starts_with(b"Will run "),
        b'X' => head.starts_with(b"XFAIL ["),
        b'c' => head.starts_with(b"collected ") || head.starts_with(b"collecting "),
        b'e' => head.starts_with(b"error") && ends_word(head, 5),
        b'f' => head.starts_with(b"failures:") || head.starts_with(b"fatal error: "),
        b'g' => head.starts_with(b"gw") && head.contains(&b'['),
        b'n' => head.starts_with(b"not ok") || head.starts_with(b"no tests ran"),
        b'o' => head.starts_with(b"ok"),
        b'p' => head.starts_with(b"panic: "),
        b'r' => head.starts_with(b"running "),
        b't' => head.starts_with(b"test ") && (head.starts_with(b"test result") || has_dots(head)),
        b'w' => head.starts_with(b"warning") && ends_word(head, 7),
        // Bullets, ticks and crosses.
        0xe2 => matches!(head.get(1), Some(0x80 | 0x86 | 0x88 | 0x8e | 0x96 | 0x97 | 0x9c | 0x9d)),
        0xc3 => head.get(1) == Some(&0x97),
        _ => false,
    };
    starts || ends(head) || words::starts(first, head)
}

/// ` ... `, as libtest puts between a test and its result.
fn has_dots(head: &[u8]) -> bool {
    let mut rest = head;
    while let Some(at) = memchr::memchr(b'.', rest) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(b"... ") {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Whether a word of this length is followed by a colon, which may be coloured otherwise.
fn ends_word(head: &[u8], length: usize) -> bool {
    matches!(head.get(length), Some(b':' | 0x1b))
}

/// Lines of marks only, as Ginkgo prints them.
fn is_marks(head: &[u8]) -> bool {
    head.iter().take(64).all(|byte| b"SP\xe2\x80\xa2\x1b[0123456789;m".contains(byte))
}

/// `12 word`, `12..` and `12) `, with the words that summaries use.
fn number_word(head: &[u8]) -> bool {
    let digits = head.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    match head.get(digits..) {
        Some([b'.', b'.', ..]) => true,
        Some([b')', b' ', ..]) => true,
        Some([b' ', word @ ..]) => {
            const WORDS: [&[u8]; 22] = [
                b"passing", b"pending", b"failing", b"passed", b"failed", b"error", b"skipped",
                b"deselected", b"xfailed", b"xpassed", b"warning", b"rerun", b"test", b"subtest", b"worker",
                b"snapshot", b"flaky", b"interrupted", b"did not run", b"runs", b"run,", b"example",
            ];
            WORDS.iter().any(|known| word.starts_with(known))
        }
        _ => false,
    }
}

/// What tells lines by their end: progress of pytest, results of Go after a test's own output,
/// and files of bats.
fn ends(head: &[u8]) -> bool {
    let mut text = head;
    // Colours are switched off at the end.
    while let [rest @ .., b'm'] = text {
        match memchr::memrchr(0x1b, rest) {
            Some(at) if rest.len() - at <= 8 => text = rest.get(..at).unwrap_or_default(),
            _ => break,
        }
    }
    match text {
        [.., b'%', b']'] => true,
        [.., b's', b')'] => memchr::memmem::find(text, b"--- ").is_some(),
        [.., b'.', b'b', b'a', b't', b's'] => true,
        _ => words::ends(text),
    }
}
