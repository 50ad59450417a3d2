//! The envelope of a CI log: lines, stamps, escapes and markers.
//!
//! A log as GitHub serves it is not the text that a tool wrote. Each line carries a time
//! stamp, the first may start with a byte order mark, `gh run view --log` puts the job and
//! the step before it, colours and cursor moves are mixed in, and progress bars redraw
//! themselves with lone carriage returns. This module takes those layers off and leaves the
//! rest alone:
//!
//! - [`lines`] splits bytes that are in memory; LF, CRLF and a lone CR each end one line and
//!   numbers start at 1. [`LineReader`] does the same for a stream in bounded memory.
//! - [`strip_envelope`] takes off the mark, the prefix and the stamp without copying;
//!   [`clean`] also removes terminal escapes and control characters, and borrows where there
//!   was nothing to remove.
//! - [`marker`] and [`workflow_command`] read `##[error]` and `::error file=...::` lines.
//!
//! Nothing here fails: every byte string is a log of some kind.

mod ansi;
mod command;
mod reader;
mod utf16;

pub use ansi::{clean_text, strip_ansi};
pub use command::{Marker, WorkflowCommand, marker, workflow_command};
pub use reader::{LINE_CAP, LineReader, ReadLine};
pub use utf16::{Utf8, Utf16, as_utf8};

use std::borrow::Cow;

/// A byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The longest `job<TAB>step<TAB>` prefix that is looked for, in bytes.
const PREFIX_CAP: usize = 1024;

/// One line of a log, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Line number, from 1.
    pub number: u64,
    /// The bytes as they were found, envelope included.
    pub raw: &'a [u8],
}

impl<'a> Line<'a> {
    /// The text without envelope, escapes and control characters; see [`clean`].
    pub fn clean(&self) -> Cow<'a, str> {
        clean(self.raw)
    }
}

/// Iterator over the lines of a byte slice; see [`lines`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
}

/// Splits `log` into lines: LF, CRLF and a lone CR each end a line. A break at the very end
/// does not start another, empty line.
pub fn lines(log: &[u8]) -> Lines<'_> {
    Lines { rest: log, number: 0 }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (raw, rest) = split_line(self.rest);
        self.rest = rest;
        Some(Line { number: self.number, raw })
    }
}

/// Cuts the first line off `log`: the line without its break, and what follows the break.
pub fn split_line(log: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = memchr::memchr2(b'\n', b'\r', log) else {
        return (log, &[]);
    };
    let (line, rest) = log.split_at_checked(end).unwrap_or((log, &[]));
    let rest = match rest {
        [b'\r', b'\n', after @ ..] => after,
        [_, after @ ..] => after,
        [] => rest,
    };
    (line, rest)
}

/// The number of line breaks in `log`, counted as [`lines`] does.
pub fn count_breaks(log: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', log).count() as u64;
    let lone = memchr::memchr_iter(b'\r', log)
        .filter(|&at| log.get(at.saturating_add(1)) != Some(&b'\n'))
        .count() as u64;
    feeds + lone
}

/// Takes the byte order mark, a `job<TAB>step<TAB>` prefix and the time stamp off a line.
///
/// The prefix is only taken where a stamp follows it: text with tabs of its own is kept.
pub fn strip_envelope(raw: &[u8]) -> &[u8] {
    split_envelope(raw).1
}

/// The stamp of a line (`2026-01-23T17:04:05.1234567Z`) if it has one, and the text after it.
pub fn split_envelope(raw: &[u8]) -> (Option<&str>, &[u8]) {
    let line = raw.strip_prefix(BOM).unwrap_or(raw);
    if let Some(found) = split_stamp(line) {
        return (Some(found.0), found.1);
    }
    if let Some(after) = after_prefix(line) {
        let after = after.strip_prefix(BOM).unwrap_or(after);
        if let Some(found) = split_stamp(after) {
            return (Some(found.0), found.1);
        }
    }
    (None, line)
}

/// The `job` and `step` that `gh run view --log` puts before a stamped line.
pub fn job_and_step(raw: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let line = raw.strip_prefix(BOM).unwrap_or(raw);
    let after = after_prefix(line)?;
    split_stamp(after.strip_prefix(BOM).unwrap_or(after))?;
    let mut parts = line.splitn(3, |&byte| byte == b'\t');
    let job = parts.next()?;
    let step = parts.next()?;
    Some((String::from_utf8_lossy(job), String::from_utf8_lossy(step)))
}

/// The text of a line as a person sees it: no envelope, no terminal escapes, no control
/// characters but tabs, invalid UTF-8 replaced.
pub fn clean(raw: &[u8]) -> Cow<'_, str> {
    clean_text(strip_envelope(raw))
}

/// What follows the second tab, if two come early enough to be a prefix.
fn after_prefix(line: &[u8]) -> Option<&[u8]> {
    let head = line.get(..PREFIX_CAP).unwrap_or(line);
    let first = memchr::memchr(b'\t', head)?;
    let second = memchr::memchr(b'\t', head.get(first + 1..)?)?;
    line.get(first + second + 2..)
}

/// Splits `YYYY-MM-DDTHH:MM:SS[.fraction]Z` and one space off the start of a line.
fn split_stamp(line: &[u8]) -> Option<(&str, &[u8])> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let head = line.get(..SHAPE.len())?;
    let fits = head.iter().zip(SHAPE).all(|(&byte, &shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    });
    if !fits {
        return None;
    }
    let mut end = SHAPE.len();
    if line.get(end) == Some(&b'.') {
        let digits = line.get(end + 1..)?.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        end += 1 + digits;
    }
    if line.get(end) != Some(&b'Z') {
        return None;
    }
    end += 1;
    let (stamp, rest) = line.split_at_checked(end)?;
    // An empty line is `stamp` alone once an editor has trimmed it.
    let rest = match rest {
        [] => rest,
        [b' ', after @ ..] => after,
        _ => return None,
    };
    Some((std::str::from_utf8(stamp).ok()?, rest))
}

#[cfg(test)]
mod tests;
