//! The first look at a file: what it is, and how its bytes are to be read.

use std::io::{Read, Result};

/// How much is looked at to tell what a file is.
pub(super) const HEAD: usize = 16 * 1024;

/// The name of what gzip makes.
pub(super) const GZIP: &str = "gzip";

/// What a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No bytes, or only blanks.
    Empty,
    /// XML after this many bytes of other text.
    Xml(usize),
    /// A JSON document after this many bytes of other text.
    Json(usize),
    /// A zip archive.
    Zip,
    /// Compressed in a way that is not read, with its name.
    Packed(&'static str),
    /// Events of libtest, one a line.
    Events,
    /// Lines of text.
    Lines,
}

/// Reads up to [`HEAD`] bytes, fewer only at the end of the stream.
pub(super) fn head(reader: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Tells the shape of a file by its first bytes.
pub(super) fn shape(head: &[u8]) -> Shape {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Shape::Zip,
        [0x1f, 0x8b, ..] => return Shape::Packed(GZIP),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Shape::Packed("zstd"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Shape::Packed("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Shape::Packed("xz"),
        _ if head.get(257..262) == Some(b"ustar") => return Shape::Packed("tar"),
        _ => {}
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let skipped = head.len() - text.len();
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let text = text.get(blanks..).unwrap_or_default();
    let start = skipped + blanks;
    if text.is_empty() {
        return if head.len() < HEAD { Shape::Empty } else { Shape::Lines };
    }
    if is_xml_start(text) {
        return Shape::Xml(start);
    }
    if super::json::libtest::is_start(text) {
        return Shape::Events;
    }
    if is_json_start(text) {
        return Shape::Json(start);
    }
    after_noise(text).map_or(Shape::Lines, |(at, shape)| match shape {
        Shape::Xml(_) => Shape::Xml(start + at),
        Shape::Json(_) => Shape::Json(start + at),
        other => other,
    })
}

/// Whether `text` starts with a declaration, a comment or an element.
fn is_xml_start(text: &[u8]) -> bool {
    match text {
        [b'<', b'?' | b'!', ..] => true,
        [b'<', c, ..] if c.is_ascii_alphabetic() => {
            // A placeholder such as `<unknown> said:` is not a document.
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            if !line.trim_ascii_end().ends_with(b">") && line.contains(&b'>') && !is_root(text) {
                return false;
            }
            let name = text.get(1..).unwrap_or_default();
            let end = name.iter().position(|c| !(c.is_ascii_alphanumeric() || b":-_.".contains(c)));
            matches!(end.and_then(|end| name.get(end)), Some(c) if b" \t\r\n/>".contains(c))
        }
        _ => false,
    }
}

/// Whether `text` starts with an element that reports start with.
fn is_root(text: &[u8]) -> bool {
    const NAMES: [&[u8]; 12] = [
        b"testsuite", b"testsuites", b"testcase", b"test-run", b"test-results", b"assemblies", b"assembly",
        b"testrun", b"testng-results", b"robot", b"catch2testrun", b"doctest",
    ];
    let name = text.get(1..).unwrap_or_default();
    let end = name.iter().position(|c| !(c.is_ascii_alphanumeric() || *c == b'-')).unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default();
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether `text` starts a JSON document, and not a line of a stream of events.
fn is_json_start(text: &[u8]) -> bool {
    match text {
        [b'{' | b'[', ..] => {}
        _ => return false,
    }
    let after = text.get(1..).unwrap_or_default();
    let next = after.iter().find(|byte| !byte.is_ascii_whitespace());
    let opens = matches!(
        (text.first(), next),
        (_, None) | (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'{' | b']' | b'['))
    );
    opens && !is_event(text) && !is_log(text)
}

/// Whether the first of several lines is an object of its own that no report starts with:
/// a log that is written as JSON, with or without other lines in it.
fn is_log(text: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [
        b"reportFormat", b"results", b"testResults", b"numTotal", b"stats", b"suites", b"SuitePath",
        b"SpecReports",
    ];
    let Some(end) = memchr::memchr(b'\n', text) else {
        return false;
    };
    let (line, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let whole = line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}");
    whole
        && !rest.trim_ascii_start().is_empty()
        && !KEYS.iter().any(|key| memchr::memmem::find(line, key).is_some())
}

/// Whether the first line is an event of `go test -json`.
fn is_event(text: &[u8]) -> bool {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"{") && memchr::memmem::find(line, b"\"Action\":\"").is_some()
}

/// A document after other lines: the header of a package manager or of a snapshot, or what tests
/// printed before their report. After lines of any kind only the first keys of a report, or an
/// element of JUnit, start one.
fn after_noise(text: &[u8]) -> Option<(usize, Shape)> {
    let mut at = 0;
    let mut header = true;
    for (count, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let bare = line.trim_ascii();
        if count > 0 {
            if line.starts_with(b"<testsuite") || (header && bare.starts_with(b"<?xml")) {
                return Some((at, Shape::Xml(0)));
            }
            let opens = line.trim_ascii_end() == b"{" || line.starts_with(b"{\"num");
            let rest = text.get(at..).unwrap_or_default();
            if opens && !is_event(line) && (header || starts_report(rest)) {
                return Some((at, Shape::Json(0)));
            }
        }
        header &= count <= 20
            && (bare.is_empty()
                || bare.starts_with(b">")
                || bare.starts_with(b"npm ")
                || bare.starts_with(b"yarn ")
                || bare.starts_with(b"$ ")
                || (bare.starts_with(b"[") && bare.ends_with(b"]")));
        at += line.len();
    }
    None
}

/// Whether an object starts with a key that reports start with.
fn starts_report(text: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [
        b"\"stats\": {", b"\"config\": {", b"\"suites\": [", b"\"numTotalTest", b"\"numFailedTest",
        b"\"reportFormat\"", b"\"testResults\"", b"\"results\": {",
    ];
    let rest = text.get(1..).unwrap_or_default().trim_ascii_start();
    KEYS.iter().any(|key| rest.starts_with(key))
}

/// Counts what goes through and stops at a bound.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    /// Bytes that went through.
    pub(super) passed: u64,
    /// The bound was met while there was more to read.
    pub(super) stopped: bool,
    /// What the stream failed with, kept for the warning.
    pub(super) failed: Option<String>,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, bound: u64) -> Self {
        Self { inner, left: bound, passed: 0, stopped: false, failed: None }
    }
}

impl<R: Read> Read for Bounded<R> {
    /// Never fails: a broken stream ends, and [`Bounded::failed`] says why.
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.failed.is_some() || self.stopped {
            return Ok(0);
        }
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 && !into.is_empty() {
            let mut probe = [0u8; 1];
            self.stopped = matches!(self.inner.read(&mut probe), Ok(1));
            return Ok(0);
        }
        let Some(into) = into.get_mut(..room) else {
            return Ok(0);
        };
        loop {
            match self.inner.read(into) {
                Ok(got) => {
                    self.left -= got as u64;
                    self.passed += got as u64;
                    return Ok(got);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error.to_string());
                    return Ok(0);
                }
            }
        }
    }
}
