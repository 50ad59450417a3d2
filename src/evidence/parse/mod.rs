//! Test results from reports and logs.
//!
//! [`parse_path`], [`parse_reader`] and [`parse_bytes`] read one file of any known format and
//! tell how many tests it holds by state, which failed, and whether the run was cut short.
//! The format is told by the content; the name only helps where content does not decide.
//!
//! # What is counted
//!
//! `total = passed + failed + errored + skipped + pending`, always, and `flaked` is a part of
//! `passed`. One test is one unit that the tool itself reports:
//!
//! - a JUnit `testcase`, a CTRF test, a spec of Ginkgo, a test of jest, vitest, mocha or
//!   pytest, a test of playwright per project, a top-level TAP point, and what the
//!   last line of any other tool counts;
//! - a `test-case` of NUnit, a `test` of xUnit.net and Robot, a result of TRX without the one around
//!   rows of data, a `test-method` of TestNG that is no configuration, a test case of Catch2 and
//!   doctest, an incident of Qt Test, a scenario of Cucumber, a file of Allure;
//! - in Go each test and each subtest, parents included, as `go test -json` reports them. A Go
//!   test that only wraps a Ginkgo suite is not counted beside the suite's specs.
//!
//! Things that break outside any test are in `failures` and not in `tests`: a package that
//! does not build, a file that can not be loaded, a failed `AfterSuite`. They make the result
//! incomplete where tests may have been lost by them.
//!
//! States, where tools differ:
//!
//! - Ginkgo: every failure state is `failed`, as its console counts. If a `BeforeSuite` fails,
//!   no spec runs: one counts as `errored` in its place and the rest as `skipped`, so that
//!   the total is the suite's.
//! - pytest: `xfailed` is skipped (as in its JUnit), `xpassed` is passed, errors of setup,
//!   teardown and collection are errored, deselected tests do not count. A test whose
//!   teardown fails is in pytest's own numbers twice, for its call and as an error; so here.
//! - jest and vitest: `skipped` and jest's `pending` are skipped, `todo` is pending; mocha:
//!   pending is pending.
//! - unittest: expected failures are skipped, unexpected successes failed, as its verdict has it. PHPUnit:
//!   incomplete is pending. RSpec: pending is pending. ExUnit: excluded is skipped, invalid errored. Swift counts
//!   assertions, here tests count.
//! - TAP: a `# TODO` point is pending, a `# SKIP` point skipped, whatever its result.
//! - nextest: `exec failed` is errored. Ignored tests and tests that its filter left out are
//!   skipped, as are the ignored ones of cargo.
//! - Where a tool announced a number of tests and the log ends before its summary, the tests
//!   without a result are skipped and the result is incomplete. Nothing that did not run is
//!   ever counted as passed.
//!
//! Several summaries in one file add up. The same tests found twice in one file are counted
//! once: the console inside `go test -json`, a failure list after a summary, the copies that
//! retries and nextest print.
//!
//! # Bounds
//!
//! Every reader works on a stream and holds a bounded part of it, whatever the input. Lists
//! are cut and their true length is kept beside them; texts are cleaned of control
//! characters and cut. Nothing in here panics, follows a reference, or writes a file.

pub(crate) mod archive;
mod console;
mod format;
mod found;
mod gojson;
mod input;
mod json;
mod junit;
mod model;
mod runlog;
mod sink;
mod slowest;
mod text;
mod write;
mod xml;

#[cfg(test)]
mod tests;

pub use model::{Case, Counts, Entry, Failure, FailureKind, Format, Limits, Outcome, Parsed, Warning};
pub use runlog::{RunLogEntry, run_log_entry};
pub use slowest::Slowest;
pub use write::{write_ctrf, write_junit};

use crate::evidence::log::Utf16;
use flate2::read::MultiGzDecoder;
use input::{Bounded, GZIP, Shape};
use sink::{Place, Sink};
use std::io::{Cursor, Read, Seek};
use std::path::Path;

/// What is said of an archive that is not opened.
const NOT_UNPACKED: &str = "is not unpacked";

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The file could not be opened.
    #[error("cannot open {file}: {source}; give a readable file")]
    Open {
        /// The path that was given.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads a file by its path. Fails only if it can not be opened.
pub fn parse_path(path: &Path, limits: &Limits) -> Result<Parsed, ParseError> {
    let name = path.display().to_string();
    let open = |source| ParseError::Open { file: text::tidy(&name, text::NAME_CAP), source };
    let mut file = std::fs::File::open(path).map_err(open)?;
    if file.metadata().map_err(open)?.is_dir() {
        return Err(open(std::io::Error::other("it is a directory")));
    }
    let mut magic = [0u8; 4];
    let got = file.read(&mut magic).map_err(open)?;
    if file.rewind().is_ok() {
        if input::shape(magic.get(..got).unwrap_or_default()) == Shape::Zip {
            return Ok(archive::read(&name, file, limits));
        }
        return Ok(parse_reader(&name, file, limits));
    }
    // A pipe: what was looked at is put back in front.
    let rest = Cursor::new(magic).take(got as u64).chain(file);
    Ok(parse_reader(&name, rest, limits))
}

/// Reads bytes that are in memory.
pub fn parse_bytes(name: &str, bytes: &[u8], limits: &Limits) -> Parsed {
    if input::shape(bytes.get(..input::HEAD).unwrap_or(bytes)) == Shape::Zip {
        return archive::read(name, Cursor::new(bytes), limits);
    }
    parse_reader(name, bytes, limits)
}

/// Reads the archives of one job: entries that are in several of them, and a run that was written in
/// several formats, count once. What is no zip is left out with a warning.
pub fn parse_archives<R: Read + Seek>(name: &str, archives: Vec<(String, R)>, limits: &Limits) -> Parsed {
    archive::read_all(name, archives, limits)
}

/// Reads a stream in bounded memory. An archive is held as a whole up to [`Limits::held`],
/// since its directory is at its end; use [`parse_path`] for larger ones.
pub fn parse_reader<R: Read>(name: &str, reader: R, limits: &Limits) -> Parsed {
    let mut sink = Sink::new(name, *limits);
    let mut reader = Bounded::new(reader, limits.bytes);
    let head = input::head(&mut reader).unwrap_or_default();
    match input::shape(&head) {
        Shape::Zip => return hold_archive(name, &head, reader, sink, limits),
        Shape::Packed(GZIP) => {
            read_gzip(name, &head, &mut reader, &mut sink, limits);
        }
        _ => read_text(name, &head, &mut reader, &mut sink),
    }
    note_end(&reader, limits, &mut sink);
    sink.finish()
}

/// Reads what a file inflates to; what is packed inside of that stays so. Gives the bytes of it.
fn read_gzip<R: Read>(name: &str, head: &[u8], rest: &mut R, sink: &mut Sink, limits: &Limits) -> u64 {
    let bound = limits.bytes.min(limits.inflated);
    let mut plain = Bounded::new(MultiGzDecoder::new(head.chain(rest)), bound);
    let head = input::head(&mut plain).unwrap_or_default();
    read_text(name, &head, &mut plain, sink);
    note_end(&plain, &Limits { bytes: bound, ..*limits }, sink);
    plain.passed
}

/// Reads an entry of an archive; an archive inside it is not opened. A file that is packed by itself is
/// read: the number tells the bytes that it inflates to.
fn parse_stream<R: Read>(name: &str, reader: R, limits: &Limits) -> (Parsed, u64) {
    let mut sink = Sink::new(name, *limits);
    let mut reader = Bounded::new(reader, limits.bytes);
    let head = input::head(&mut reader).unwrap_or_default();
    let inflated = match input::shape(&head) {
        Shape::Packed(GZIP) => read_gzip(name, &head, &mut reader, &mut sink, limits),
        _ => {
            read_text(name, &head, &mut reader, &mut sink);
            0
        }
    };
    note_end(&reader, limits, &mut sink);
    (sink.finish(), inflated)
}

/// Says why a stream was not read to its end.
fn note_end<R>(reader: &Bounded<R>, limits: &Limits, sink: &mut Sink) {
    if let Some(error) = &reader.failed {
        let said = format!("the file could not be read to its end: {error}");
        sink.incomplete(Place::Offset(reader.passed), &said);
    } else if reader.stopped {
        let said = format!("the file is longer than {} bytes: the rest was not read", limits.bytes);
        sink.incomplete(Place::Offset(reader.passed), &said);
    }
}

/// Reads anything but an archive into `sink`.
fn read_text<R: Read>(name: &str, head: &[u8], rest: &mut R, sink: &mut Sink) {
    if let Some(big) = Utf16::<&[u8]>::order(head) {
        let mut decoded = Utf16::new(head.chain(rest), big);
        let head = input::head(&mut decoded).unwrap_or_default();
        return read_utf8(name, &head, &mut decoded, sink);
    }
    read_utf8(name, head, rest, sink);
}

fn read_utf8<R: Read>(name: &str, head: &[u8], rest: &mut R, sink: &mut Sink) {
    let shape = input::shape(head);
    let skip = match shape {
        Shape::Xml(start) | Shape::Json(start) => start,
        _ => 0,
    };
    let text = head.get(skip..).unwrap_or_default();
    match shape {
        Shape::Empty => sink.warn(Place::File, "the file is empty"),
        Shape::Zip | Shape::Packed(_) => {
            let kind = if let Shape::Packed(kind) = shape { kind } else { "zip" };
            let said = format!("{kind} data inside this file {NOT_UNPACKED}: unpack it first");
            sink.warn(Place::File, &said);
        }
        Shape::Xml(_) => {
            if head.get(..skip).is_some_and(|noise| noise.iter().any(u8::is_ascii_graphic)) {
                sink.warn(Place::Line(1), "text before the XML document was skipped");
            }
            xml::read(text.chain(rest), sink);
        }
        Shape::Json(_) => json::read(text.chain(rest), sink),
        Shape::Events => json::libtest::read(text.chain(rest), sink),
        Shape::Lines => console::read(name, text.chain(rest), sink),
    }
    if sink.is_blank() {
        sink.warn(Place::File, "no test results of a known format were found");
    }
}

/// Holds an archive that comes as a stream, and reads it.
fn hold_archive<R: Read>(
    name: &str,
    head: &[u8],
    reader: Bounded<R>,
    mut sink: Sink,
    limits: &Limits,
) -> Parsed {
    let mut held = head.to_vec();
    let bound = limits.held.saturating_add(1).saturating_sub(head.len() as u64);
    let mut reader = reader.take(bound);
    let read = reader.read_to_end(&mut held);
    if let Some(error) = &reader.get_ref().failed {
        let said = format!("the archive could not be read to its end: {error}");
        sink.incomplete(Place::File, &said);
        return sink.finish();
    }
    if read.is_err() || held.len() as u64 > limits.held {
        let said =
            format!("an archive of more than {} bytes is not held in memory: give it as a file", limits.held);
        sink.incomplete(Place::File, &said);
        return sink.finish();
    }
    archive::read(name, Cursor::new(held), limits)
}
