//! Test results in the text of a log.
//!
//! A log is read line by line, and most lines of most logs are of no interest: what can be is
//! told by a look at how a line starts and ends ([`gate`]), before anything is decoded. Only
//! lines that pass, and all lines while a reader is in the middle of something, are cleaned
//! and shown to the readers of the tools, in an order in which none takes another's lines.

mod bats;
mod bun;
mod cargo;
mod catch;
mod ctest;
mod deno;
mod dotnet;
mod ending;
mod exunit;
mod gate;
pub(super) mod ginkgo;
pub(super) mod golines;
mod gotest;
mod gradle;
mod gtest;
mod jest;
mod maven;
mod minitest;
mod mocha;
mod nextest;
mod nodetest;
mod others;
mod panic;
mod phpunit;
mod playwright;
pub(super) mod pytest;
mod rspec;
mod run;
mod streams;
mod tap;
mod unittest;
mod vitest;
mod xctest;

use super::gojson::GoJson;
use super::sink::{Place, Sink};
use crate::evidence::log::{self, LineReader};
use std::io::Read;

/// How GitHub starts the log of a step that runs something.
const STEP: &str = "##[group]Run ";

/// How GitHub says that it ended a step before its end.
const CUT_SHORT: [&str; 3] = [
    "##[error]The operation was canceled", "##[error]The runner has received a shutdown signal",
    "##[error]The hosted runner lost communication",
];

/// Bytes kept of one line: Ginkgo puts all marks of a suite on one, with colours.
const LINE: usize = 512 * 1024;
/// Bytes that the readers see of a line that is neither marks nor an event.
const SHOWN: usize = 4096;

/// A line as the readers see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    /// Its place in what one program wrote, where several write in turns.
    pub(super) seq: u64,
    /// Without envelope, escapes and control characters.
    pub(super) text: &'a str,
}

/// The readers.
struct Readers {
    ginkgo: ginkgo::Ginkgo,
    gojson: GoJson,
    gotest: gotest::GoTest,
    pytest: pytest::Pytest,
    tap: tap::Tap,
    bats: bats::Bats,
    cargo: cargo::Cargo,
    nextest: nextest::Nextest,
    jest: jest::Jest,
    vitest: vitest::Vitest,
    mocha: mocha::Mocha,
    playwright: playwright::Playwright,
    others: others::Others,
}

/// Reads a log.
pub(super) fn read<R: Read>(name: &str, input: R, sink: &mut Sink) {
    let mut readers = Readers::new(name);
    let mut lines = LineReader::with_cap(input, LINE);
    let mut open = false;
    let mut last = 0;
    let mut first_cut = None;
    let mut stopped = None;
    let mut gate = gate::Gate::default();
    let mut streams = streams::Streams::default();
    let mut step = ending::Step::new(sink);
    // The stream in front of this never fails: see `Bounded`.
    while let Ok(Some(line)) = lines.next_line() {
        last = line.number;
        if line.cut && first_cut.is_none() {
            first_cut = Some(line.number);
        }
        let raw = if line.escapes { after_redraw(line.raw) } else { line.raw };
        // Where lines have names, all are looked at.
        if !open && !gate::interesting(gate.head(line.number, raw)) && !streams.active() {
            continue;
        }
        let text = log::clean(raw);
        let text = shorten(&text);
        if text.starts_with(STEP) {
            // Nothing that a tool started goes on in the next step.
            let counted = sink.counts().total;
            readers.end(line.number, sink);
            readers = Readers::new(name);
            streams.end(sink);
            step.end(counted, sink);
            step = ending::Step::new(sink);
        }
        if text.starts_with("##[error]The ") && CUT_SHORT.iter().any(|said| text.starts_with(said)) {
            stopped = Some(line.number);
        }
        step.line(text, line.number, sink);
        let line = Line { number: line.number, seq: line.number, text };
        if streams.active() && streams.line(name, &line, sink) {
            continue;
        }
        // What a test prints does not say how the log is written.
        if streams.wants(text) && !readers.busy() {
            streams.hint(text, line.number);
        }
        readers.line(&line, sink);
        open = readers.open();
    }
    let cut = lines.cut_lines();
    let counted = sink.counts().total;
    readers.end(last, sink);
    streams.end(sink);
    step.end(counted, sink);
    if let Some(line) = stopped
        && !sink.is_blank()
    {
        sink.incomplete(Place::Line(line), "the job was ended before its time: results may be missing");
    }
    if let Some(line) = first_cut {
        let said = format!("{cut} lines are longer than {} bytes: their rest was not read", LINE);
        sink.warn(Place::Line(line), &said);
    }
}

/// The start of a line, or all of it where its length means something.
fn shorten(text: &str) -> &str {
    if text.len() <= SHOWN || text.starts_with(['{', '[', '\u{2022}']) {
        return text;
    }
    let mut end = SHOWN;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// What is left on the screen of a line that moves the cursor back to its first column.
fn after_redraw(raw: &[u8]) -> &[u8] {
    const HOME: &[u8] = b"\x1b[1G";
    let Some(first) = memchr::memchr(0x1b, raw) else {
        return raw;
    };
    let mut text = raw;
    let mut from = first;
    while let Some(at) = memchr::memchr(0x1b, raw.get(from..).unwrap_or_default()) {
        from += at;
        if raw.get(from..).is_some_and(|rest| rest.starts_with(HOME)) {
            text = raw.get(from + HOME.len()..).unwrap_or_default();
        }
        from += 1;
    }
    text
}

impl Readers {
    fn new(name: &str) -> Self {
        Self {
            ginkgo: ginkgo::Ginkgo::default(),
            gojson: GoJson::default(),
            gotest: gotest::GoTest::default(),
            pytest: pytest::Pytest::default(),
            tap: tap::Tap::new(name),
            bats: bats::Bats::default(),
            cargo: cargo::Cargo::default(),
            nextest: nextest::Nextest::default(),
            jest: jest::Jest::default(),
            vitest: vitest::Vitest::default(),
            mocha: mocha::Mocha::default(),
            playwright: playwright::Playwright::default(),
            others: others::Others::default(),
        }
    }

    /// Whether a tool that says when its run begins has one under way: what is printed is of its tests.
    fn busy(&self) -> bool {
        self.others.running()
            || self.pytest.active()
            || self.vitest.active()
            || self.playwright.active()
            || self.cargo.active()
            || self.nextest.active()
            || self.gotest.active()
            || self.tap.active()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) {
        if line.text.starts_with('{') && self.gojson.line(line.number, line.text, sink) {
            return;
        }
        if self.others.running() && self.others.line(line, sink) {
            return;
        }
        // What nextest prints of its tests is output, whatever it looks like.
        if self.nextest.line(line, sink) {
            return;
        }
        if !self.nextest.covers_cargo() && self.cargo.line(line, sink) {
            return;
        }
        if self.playwright.line(line, sink) {
            return;
        }
        if self.mocha.claims(line.text) {
            self.mocha.line(line, sink);
            return;
        }
        if self.ginkgo.line(line, sink) {
            return;
        }
        if self.pytest.active() && self.pytest.line(line, sink) {
            return;
        }
        if self.gotest.line(line, &mut self.ginkgo, sink) {
            return;
        }
        if self.tap.line(line, sink) {
            return;
        }
        if self.vitest.line(line, sink) {
            return;
        }
        if self.jest.line(line, sink) {
            return;
        }
        if self.bats.line(line, sink) {
            return;
        }
        if self.mocha.line(line, sink) {
            return;
        }
        if !self.pytest.active() && self.pytest.line(line, sink) {
            return;
        }
        if !self.busy() {
            self.others.line(line, sink);
        }
    }

    fn open(&self) -> bool {
        self.ginkgo.open()
            || self.gotest.open()
            || self.pytest.open()
            || self.tap.open()
            || self.bats.open()
            || self.cargo.open()
            || self.nextest.open()
            || self.jest.open()
            || self.vitest.open()
            || self.mocha.open()
            || self.playwright.open()
            || self.others.open()
    }

    fn end(&mut self, last: u64, sink: &mut Sink) {
        let others = self.vitest.active() || self.bats.active();
        self.nextest.end(sink);
        self.cargo.end(sink);
        // Before Ginkgo: a Go test around a suite is known by the suite being open.
        self.gotest.end(last, &self.ginkgo, sink);
        self.ginkgo.end(sink);
        self.gojson.end(last, sink);
        self.pytest.end(sink);
        self.tap.end(sink);
        self.vitest.end(sink);
        self.bats.end(sink);
        self.playwright.end(sink);
        self.others.end(sink);
        let before = sink.counts();
        self.jest.end(sink);
        let alone = !others && sink.counts() == before;
        self.mocha.end(alone, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static super::text::Pattern> {
    [
        ginkgo::patterns(),
        golines::patterns(),
        gotest::patterns(),
        pytest::patterns(),
        tap::patterns(),
        bats::patterns(),
        cargo::patterns(),
        panic::patterns(),
        ending::patterns(),
        nextest::patterns(),
        jest::patterns(),
        vitest::patterns(),
        mocha::patterns(),
        playwright::patterns(),
        others::patterns(),
    ]
    .concat()
}
