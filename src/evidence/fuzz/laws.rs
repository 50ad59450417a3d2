//! What must hold of every answer.

use std::io::{Cursor, Read, Write};

use crate::evidence::bundle::{self, Options};
use crate::evidence::explain;
use crate::evidence::log;
use crate::evidence::parse::{self, Limits, Parsed};

use super::table::Fixture;

/// How an input was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Whole, and everything in it passed.
    Green,
    /// Something in it failed.
    Red,
    /// It says of itself that it is not whole.
    Incomplete,
    /// No tests.
    Nothing,
    /// Read, where there are no verdicts.
    Read,
}

/// Bounds that small inputs meet.
const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    failures: 20,
    warnings: 20,
    cases: 50,
    entries: 20,
    inflated: 1 << 20,
    held: 1 << 20,
};

/// Fails with the law that does not hold.
macro_rules! law {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}

/// A stream that comes in small pieces, and is interrupted at times.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
    turn: usize,
}

impl<'a> Pieces<'a> {
    fn new(rest: &'a [u8], size: usize) -> Self {
        Self { rest, size, turn: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(7) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let most = 1 + (self.turn * 31) % self.size;
        let n = most.min(into.len()).min(self.rest.len());
        let (now, rest) = self.rest.split_at_checked(n).unwrap_or((self.rest, &[]));
        if let Some(into) = into.get_mut(..n) {
            into.copy_from_slice(now);
        }
        self.rest = rest;
        Ok(n)
    }
}

fn clean(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    })
}

/// How a result reads.
fn answer(parsed: &Parsed) -> Answer {
    if parsed.tests.bad() > 0 || parsed.failures_total > 0 {
        Answer::Red
    } else if !parsed.complete {
        Answer::Incomplete
    } else if !parsed.understood() || parsed.tests.passed == 0 {
        Answer::Nothing
    } else {
        Answer::Green
    }
}

/// Laws of a result, whatever it was made from.
fn lawful(parsed: &Parsed) -> Result<Answer, String> {
    law!(parsed.tests.holds(), "counts do not add up: {:?}", parsed.tests);
    law!(parsed.failures_total >= parsed.tests.bad(), "fewer failures than failed tests: {:?}", parsed.tests);
    law!(parsed.failures.len() as u64 <= parsed.failures_total, "more failures than there are");
    law!(parsed.failures.len() <= LIMITS.failures, "{} failures are kept", parsed.failures.len());
    law!(parsed.warnings.len() <= LIMITS.warnings + 1, "{} warnings are kept", parsed.warnings.len());
    law!(parsed.cases.len() <= LIMITS.cases, "{} cases are kept", parsed.cases.len());
    law!(parsed.understood() || parsed.tests.total == 0, "tests of no format: {:?}", parsed.tests);
    law!(parsed.complete || !parsed.warnings.is_empty(), "incomplete without a word");
    let mut texts: Vec<(&str, usize)> = vec![(&parsed.file, 512)];
    for failure in &parsed.failures {
        law!(!failure.name.is_empty(), "a failure has no name");
        texts.push((&failure.name, 512));
        for text in [&failure.suite, &failure.classname, &failure.file] {
            texts.push((text.as_deref().unwrap_or_default(), 512));
        }
        texts.push((failure.message.as_deref().unwrap_or_default(), 1024));
        let sane = failure.duration.is_none_or(|s| s.is_finite() && s >= 0.0);
        law!(sane, "a failure lasted {:?}", failure.duration);
    }
    for case in &parsed.cases {
        texts.push((&case.name, 512));
        let sane = case.duration.is_none_or(|s| s.is_finite() && s >= 0.0);
        law!(sane, "a case lasted {:?}", case.duration);
    }
    for warning in &parsed.warnings {
        texts.push((&warning.text, 1024));
        texts.push((&warning.file, 512));
    }
    for (text, most) in texts {
        law!(text.chars().count() <= most, "a text has more than {most} characters: {text:?}");
        law!(clean(text), "a text has control characters: {text:?}");
    }
    Ok(answer(parsed))
}

/// Laws of reports and consoles.
pub fn parsed(bytes: &[u8]) -> Result<Answer, String> {
    let whole = parse::parse_bytes("a.log", bytes, &LIMITS);
    let answer = lawful(&whole)?;
    law!(whole == parse::parse_bytes("a.log", bytes, &LIMITS), "the same bytes have two answers");
    for size in [1, 700, 16 << 10] {
        // One byte at a time says the most and takes the longest.
        if size > 1 || bytes.len() < 4096 {
            let streamed = parse::parse_reader("a.log", Pieces::new(bytes, size), &LIMITS);
            // How far a packed file that is damaged can be read is up to how it comes.
            let cut = bytes.starts_with(&[0x1f, 0x8b]) && !whole.complete && !streamed.complete;
            law!(cut || whole == streamed, "in pieces of {size} bytes: {streamed:?}, as a whole: {whole:?}");
        }
    }
    let none = Limits { cases: 0, ..LIMITS };
    let without = parse::parse_bytes("a.log", bytes, &none);
    law!(without.tests == whole.tests, "the counts depend on what is listed");
    let (mut xml, mut json) = (Vec::new(), Vec::new());
    parse::write_junit(&whole, &mut xml).map_err(|error| error.to_string())?;
    parse::write_ctrf(&whole, &mut json).map_err(|error| error.to_string())?;
    for out in [xml, json] {
        let again = parse::parse_bytes("again", &out, &Limits::default());
        law!(again.tests.passed <= whole.tests.passed, "more passed in what was written: {:?}", again.tests);
        law!(again.tests.bad() <= whole.tests.bad(), "more failed in what was written: {:?}", again.tests);
        let green = self::answer(&again) == Answer::Green;
        law!(!green || answer == Answer::Green, "what was written is green, and the input is {answer:?}");
    }
    Ok(answer)
}

/// A report that ends at `at` is never green before its tool said that it is done.
pub fn torn(fixture: &Fixture, at: usize) -> Result<(), String> {
    let whole = fixture.bytes;
    let over = match fixture.seal {
        Some(seal) => memchr::memmem::find(whole, seal.as_bytes()).map(|start| start + seal.len()),
        None => Some(whole.trim_ascii_end().len()),
    };
    let over = over.ok_or_else(|| format!("{} does not hold its seal", fixture.name))?;
    let part = whole.get(..at.min(over.saturating_sub(1))).unwrap_or(whole);
    let parsed = parse::parse_bytes("a.log", part, &LIMITS);
    law!(lawful(&parsed)? != Answer::Green, "{} is green at byte {}: {parsed:?}", fixture.name, part.len());
    Ok(())
}

/// A red report is not green because of one byte. A break is more than a byte: it makes two lines of one.
pub fn changed(fixture: &Fixture, at: usize, byte: u8) -> Result<(), String> {
    if fixture.is_green() || matches!(byte, b'\n' | b'\r') {
        return Ok(());
    }
    let mut bytes = fixture.bytes.to_vec();
    let Some(there) = bytes.get_mut(at) else { return Ok(()) };
    *there = byte;
    let parsed = parse::parse_bytes("a.log", &bytes, &LIMITS);
    law!(
        lawful(&parsed)? != Answer::Green,
        "{} is green with {:?} at byte {at}: {parsed:?}",
        fixture.name,
        char::from(byte)
    );
    Ok(())
}

/// Packs `bytes` as an archive of one or two files.
pub fn archived(bytes: &[u8], kind: usize) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| error.to_string();
    let tar = || {
        let mut out = tar::Builder::new(Vec::new());
        for name in ["ns/core/pods.yaml", "pods/a.json", "logs/a/events.txt", "logs/a/describe.txt"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            out.append_data(&mut header, name, bytes).map_err(fail)?;
        }
        out.into_inner().map_err(fail)
    };
    match kind % 3 {
        0 => {
            let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for name in ["0_job.txt", "report.xml"] {
                let started = out.start_file(name, zip::write::SimpleFileOptions::default());
                started.map_err(|error| error.to_string())?;
                out.write_all(bytes).map_err(fail)?;
            }
            Ok(out.finish().map_err(|error| error.to_string())?.into_inner())
        }
        1 => tar(),
        _ => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(&tar()?).map_err(fail)?;
            out.finish().map_err(fail)
        }
    }
}

/// Laws of archives of reports: `bytes` packed, and the archive itself damaged where they tell.
pub fn zipped(bytes: &[u8]) -> Result<Answer, String> {
    let mut archive = archived(bytes, 0)?;
    let sum = bytes.iter().fold(0usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    match sum % 4 {
        0 => archive.truncate(sum / 4 % (archive.len() + 1)),
        1 => {
            let at = sum / 4 % archive.len().max(1);
            if let Some(byte) = archive.get_mut(at) {
                *byte ^= 1 << (sum % 8);
            }
        }
        _ => {}
    }
    let whole = parse::parse_bytes("a.zip", &archive, &LIMITS);
    let answer = lawful(&whole)?;
    let streamed = parse::parse_reader("a.zip", Pieces::new(&archive, 700), &LIMITS);
    law!(whole == streamed, "as a stream: {streamed:?}, as a whole: {whole:?}");
    let several = |names: &[&str]| {
        let archives = names.iter().map(|&name| (name.to_owned(), Cursor::new(&archive))).collect();
        parse::parse_archives("several", archives, &LIMITS)
    };
    let (one, both) = (several(&["a"]), several(&["a", "b"]));
    lawful(&one)?;
    lawful(&both)?;
    // What does not begin like an archive is one only for those who know that it is.
    let alike = !archive.starts_with(b"PK\x03\x04") || one.tests == whole.tests;
    law!(alike, "as one of several: {:?}, alone: {:?}", one.tests, whole.tests);
    let doubled = one.tests.total.saturating_mul(2);
    law!(both.tests.total <= doubled, "tests come from nowhere: {:?} of {:?}", both.tests, one.tests);
    bundled(&archive)?;
    Ok(answer)
}

/// Laws of the envelope of logs.
pub fn log(bytes: &[u8]) -> Result<Answer, String> {
    let whole: Vec<(u64, &[u8])> = log::lines(bytes).map(|line| (line.number, line.raw)).collect();
    for size in [1, 5, 700] {
        let mut reader = log::LineReader::new(Pieces::new(bytes, size));
        let mut at = 0;
        while let Some(line) = reader.next_line().map_err(|error| error.to_string())? {
            let expected = whole.get(at).ok_or("a stream has more lines")?;
            let raw = expected.1.get(..log::LINE_CAP).unwrap_or(expected.1);
            law!((line.number, line.raw) == (expected.0, raw), "line {} differs in a stream", line.number);
            let escapes = raw.contains(&0x1b);
            law!(line.escapes || !escapes, "an escape is not told in line {}", line.number);
            at += 1;
        }
        law!(at == whole.len(), "a stream has {at} lines, the whole {}", whole.len());
    }
    law!(log::count_breaks(bytes) <= whole.len() as u64, "more breaks than lines");
    for (number, raw) in &whole {
        let text = log::clean(raw);
        law!(!text.chars().any(|c| c.is_control() && c != '\t'), "line {number} is not clean: {text:?}");
        let (stamp, rest) = log::split_envelope(raw);
        law!(stamp.map_or(0, str::len) + rest.len() <= raw.len(), "line {number} grows");
        let _ = (log::marker(&text), log::workflow_command(&text));
    }
    Ok(Answer::Read)
}

/// Laws of explanations.
pub fn explained(bytes: &[u8]) -> Result<Answer, String> {
    let options = explain::Options::default();
    let fail = |error: std::io::Error| error.to_string();
    let whole = explain::explain(bytes, None, &options);
    let streamed =
        explain::explain_stream(Cursor::new(bytes), None::<Cursor<&[u8]>>, &options).map_err(fail)?;
    let told = |explanation: &explain::Explanation| serde_json::to_string(explanation).unwrap_or_default();
    law!(told(&whole) == told(&streamed), "a stream is explained in another way");
    let half = bytes.get(bytes.len() / 2..).unwrap_or_default();
    for explanation in [&whole, &explain::explain(bytes, Some(half), &options)] {
        let mut before = 0;
        for block in &explanation.lines {
            let sound = block.start > before && block.start <= block.end && block.end <= explanation.total;
            law!(sound, "blocks are out of order: {:?}", explanation.lines);
            before = block.end;
        }
        for cause in &explanation.causes {
            law!((0.0..=1.0).contains(&cause.probability), "{:?} has {}", cause.cause, cause.probability);
        }
        for line in explain::excerpt(bytes, explanation, 40) {
            law!(clean(&line.text.replace('\t', " ")), "line {} is not clean: {:?}", line.line, line.text);
        }
    }
    Ok(Answer::Read)
}

/// Laws of bundles: `bytes` as files of each kind, alone and packed.
pub fn bundled(bytes: &[u8]) -> Result<Answer, String> {
    let limits =
        bundle::Limits { entries: 40, unpacked: 1 << 20, findings: 30, warnings: 10, ..Default::default() };
    let read = |bytes: &[u8]| bundle::analyse("b", Cursor::new(bytes), Options::default(), limits);
    let mut apart = bundle::Analyser::new(Options::default(), limits);
    for name in ["core/pods.yaml", "a_inspect.json", "logs/describe.txt", "events.txt", "current.log"] {
        apart.entry(name, Pieces::new(bytes, 700));
    }
    for found in [apart.finish(), read(bytes), read(&archived(bytes, 1)?), read(&archived(bytes, 2)?)] {
        law!(found.findings.len() <= limits.findings, "{} findings are kept", found.findings.len());
        law!(found.findings_total >= found.findings.len() as u64, "more findings than there are");
        law!(found.warnings.len() <= limits.warnings + 1, "{} warnings are kept", found.warnings.len());
        law!(
            !found.incomplete || !found.warnings.is_empty() || found.findings_total > 0,
            "incomplete without a word"
        );
        for finding in &found.findings {
            for text in [&finding.object, &finding.reason, &finding.evidence.text, &finding.evidence.file] {
                law!(text.chars().count() <= 400 && clean(text), "a finding says {text:?}");
            }
            law!(finding.count >= 1, "a finding that was never met");
        }
    }
    let again = |bytes: &[u8]| serde_json::to_string(&read(bytes)).unwrap_or_default();
    law!(again(bytes) == again(bytes), "the same bytes have two answers");
    Ok(Answer::Read)
}
