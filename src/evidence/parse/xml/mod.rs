//! Reports in XML, each told by its root: JUnit, and those that tools have of their own.
//!
//! A file is read as a stream in bounded memory, whatever is in it: see [`trim`]. Document type
//! declarations are refused: what they define is never looked at, let alone fetched. A file of several
//! documents is read document by document.

mod catch2;
pub(super) mod entity;
mod nunit;
mod qtest;
mod robot;
mod testng;
mod tree;
mod trim;
mod trx;
mod xunit;

use super::junit;
use super::sink::{Place, Sink};
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use std::io::{BufReader, Read};
use tree::{Dialect, Tree};
use trim::Trim;

/// Elements inside each other beyond this are an attack.
pub(super) const DEPTH: usize = 512;

/// What a root element stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// JUnit, or nothing that is known: suites and cases are looked for at any depth.
    Junit,
    Nunit,
    Xunit,
    Trx,
    Testng,
    Robot,
    Catch2,
    Qtest,
}

impl Kind {
    fn of(root: &BytesStart<'_>) -> Self {
        let name = root.local_name();
        // JUnit has the same word in small letters.
        if name.as_ref() == b"TestCase" {
            return Self::Qtest;
        }
        match name.as_ref().to_ascii_lowercase().as_slice() {
            b"test-run" | b"test-results" => Self::Nunit,
            b"assemblies" | b"assembly" => Self::Xunit,
            b"testrun" => Self::Trx,
            b"testng-results" => Self::Testng,
            b"robot" => Self::Robot,
            b"catch2testrun" | b"catch" | b"matchingtests" | b"doctest" => Self::Catch2,
            _ => Self::Junit,
        }
    }

    fn dialect(self) -> Option<Box<dyn Dialect>> {
        Some(match self {
            Self::Junit => return None,
            Self::Nunit => Box::new(nunit::Nunit::default()),
            Self::Xunit => Box::new(xunit::Xunit::default()),
            Self::Trx => Box::new(trx::Trx::default()),
            Self::Testng => Box::new(testng::Testng::default()),
            Self::Robot => Box::new(robot::Robot::default()),
            Self::Catch2 => Box::new(catch2::Catch2::default()),
            Self::Qtest => Box::new(qtest::Qtest::default()),
        })
    }
}

/// Why the events of one reader end.
enum Stop {
    End,
    Broken(String),
    /// A root of another kind.
    Next(Event<'static>),
}

impl Stop {
    fn broken(&self) -> Option<&str> {
        match self {
            Self::Broken(why) => Some(why),
            Self::End | Self::Next(_) => None,
        }
    }
}

struct Source<R: Read> {
    reader: Reader<BufReader<Trim<R>>>,
    buffer: Vec<u8>,
    depth: usize,
    latin: bool,
    /// A declared encoding in which a byte of ASCII may be a part of something else.
    foreign: Option<String>,
}

/// Reads a file of XML; what holds no tests leaves the sink blank but for warnings.
pub(super) fn read<R: Read>(input: R, sink: &mut Sink) {
    let mut reader = Reader::from_reader(BufReader::with_capacity(16 * 1024, Trim::new(input)));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut source = Source { reader, buffer: Vec::new(), depth: 0, latin: false, foreign: None };
    let mut stop = source.run(None, None, |_| true);
    if !matches!(stop, Stop::Next(_)) {
        junit::Walk::new(sink, false).close(source.place(), stop.broken());
    }
    while let Stop::Next(first) = stop {
        let kind = root(&first).map_or(Kind::Junit, Kind::of);
        stop = match kind.dialect() {
            None => {
                let mut walk = junit::Walk::new(sink, source.latin);
                let stop = source.run(Some(kind), Some(first), |event| walk.event(event));
                walk.close(source.place(), stop.broken());
                stop
            }
            Some(dialect) => {
                let mut tree = Tree::new(dialect, sink, source.latin);
                let stop = source.run(Some(kind), Some(first), |event| tree.event(event));
                tree.close(source.place(), stop.broken());
                stop
            }
        };
    }
    source.note(sink);
}

/// The element that an event opens.
fn root<'a>(event: &'a Event<'_>) -> Option<&'a BytesStart<'a>> {
    match event {
        Event::Start(start) | Event::Empty(start) => Some(start),
        _ => None,
    }
}

impl<R: Read> Source<R> {
    /// Gives events to `take` until it has too many inside each other, or a root of another kind
    /// comes; without a kind any root ends it.
    fn run(
        &mut self,
        kind: Option<Kind>,
        first: Option<Event<'static>>,
        mut take: impl FnMut(&Event<'_>) -> bool,
    ) -> Stop {
        let deep = || Stop::Broken(format!("elements are nested deeper than {DEPTH}"));
        if let Some(first) = first {
            self.depth += usize::from(matches!(first, Event::Start(_)));
            if !take(&first) {
                return deep();
            }
        }
        loop {
            self.buffer.clear();
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Eof) => return Stop::End,
                Ok(event) => {
                    if self.depth == 0 && root(&event).is_some_and(|root| kind != Some(Kind::of(root))) {
                        return Stop::Next(event.into_owned());
                    }
                    match &event {
                        Event::Start(_) => self.depth += 1,
                        Event::End(_) => self.depth = self.depth.saturating_sub(1),
                        Event::Decl(declaration) => {
                            self.latin = is_latin(declaration);
                            let foreign = foreign(declaration);
                            self.foreign = self.foreign.take().or(foreign);
                        }
                        _ => {}
                    }
                    if !take(&event) {
                        return deep();
                    }
                }
                Err(error) => return Stop::Broken(error.to_string()),
            }
            if self.buffer.capacity() > 1 << 20 {
                self.buffer = Vec::new();
            }
        }
    }

    fn place(&self) -> Place {
        Place::Line(self.reader.get_ref().get_ref().line())
    }

    /// Says what of the file as a whole a reader should know.
    fn note(&self, sink: &mut Sink) {
        let trim = self.reader.get_ref().get_ref();
        if let Some(line) = trim.doctype {
            let what = if trim.entities { "with entities " } else { "" };
            let said = format!("the document type declaration {what}was refused: nothing in it was read");
            sink.warn(Place::Line(line), &said);
        }
        if let Some(name) = &self.foreign {
            let said = format!("the encoding {name:?} is not read: what is counted may not be what is there");
            sink.incomplete(Place::Line(1), &said);
        }
        if trim.cut_tags > 0 {
            let said = "an element has more attributes than are read: what they say is not known";
            sink.incomplete(Place::Line(trim.cut_tags), said);
        }
    }
}

/// Whether single bytes are characters.
pub(super) fn is_latin(declaration: &BytesDecl<'_>) -> bool {
    const NAMES: [&[u8]; 4] = [b"iso-8859-1", b"latin1", b"windows-1252", b"us-ascii"];
    matches!(declaration.encoding(), Some(Ok(name))
        if NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// An encoding in which markup cannot be found by its bytes. Text in UTF-16 was decoded before.
fn foreign(declaration: &BytesDecl<'_>) -> Option<String> {
    const STARTS: [&str; 9] =
        ["utf-7", "utf7", "utf-32", "utf32", "ucs-4", "iso-2022", "iso-10646-ucs-4", "hz-", "ebcdic"];
    let Some(Ok(name)) = declaration.encoding() else { return None };
    let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
    let ebcdic = ["ibm0", "cp0", "ibm1", "cp1"].iter().any(|start| name.starts_with(start))
        && !name.starts_with("cp125");
    (ebcdic || STARTS.iter().any(|start| name.starts_with(start))).then_some(name)
}
