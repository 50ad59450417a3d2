//! Keeps an XML stream small before the reader sees it.
//!
//! The reader holds one event at a time, so one event must not be large: a log of a gigabyte
//! in `system-out` is one text. This filter knows just enough of XML to tell text from tags,
//! and drops what is beyond a bound: the rest of a text, of an attribute's value, of a tag.
//! Comments lose their content. A document type declaration is taken out whole, so that no
//! entity is ever defined, and noted.

use std::io::{Error, ErrorKind, Read, Result};

/// Bytes kept of one text or CDATA section.
const TEXT: usize = 64 * 1024;
/// Bytes kept of one attribute's value.
const VALUE: usize = 16 * 1024;
/// Bytes kept of one tag.
const TAG: usize = 256 * 1024;
/// Bytes kept of one processing instruction.
const PI: usize = 1024;
/// How much is read at once.
const BLOCK: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// After `<`, with the bytes seen since.
    Open,
    /// In a tag, outside quotes.
    Tag,
    /// In a value, up to this quote.
    Value(u8),
    /// In a comment; the number of `-` at its end.
    Comment(u8),
    /// In a CDATA section; the number of `]` at its end.
    Cdata(u8),
    /// In a processing instruction; whether `?` came last.
    Pi(bool),
    /// In a document type declaration.
    Doctype,
    DoctypeQuote(u8),
    DoctypeComment(u8),
}

/// The filter.
#[derive(Debug)]
pub(super) struct Trim<R> {
    inner: R,
    block: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    state: State,
    /// Bytes kept of the current text, tag or instruction, and of the current value.
    kept: usize,
    kept_value: usize,
    /// The current value is dropped whole.
    muted: bool,
    /// What follows `<` until the kind of markup is known.
    opening: Vec<u8>,
    /// Depth of `[` and `<` in a document type declaration.
    depth: usize,
    /// The last bytes of a declaration, to find entities in it.
    recent: Vec<u8>,
    lines: u64,
    /// What ended the input, told once what came before it has been read.
    failed: Option<Error>,
    /// The line of the first document type declaration.
    pub(super) doctype: Option<u64>,
    /// Whether a declaration defined an entity.
    pub(super) entities: bool,
    /// Whether anything was dropped from a text or a tag.
    dropped: bool,
    /// The line of the first tag that lost attributes, from 1; 0 of none.
    pub(super) cut_tags: u64,
}

impl<R: Read> Trim<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            block: vec![0; BLOCK],
            ready: Vec::with_capacity(BLOCK + 64),
            at: 0,
            state: State::Text,
            kept: 0,
            kept_value: 0,
            muted: false,
            opening: Vec::new(),
            depth: 0,
            recent: Vec::new(),
            lines: 0,
            failed: None,
            doctype: None,
            entities: false,
            dropped: false,
            cut_tags: 0,
        }
    }

    /// The line that was read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.lines + 1
    }

    /// Reads until the block is full or there is no more: how far it has read is the same, and so are the lines
    /// that it names, in whatever pieces the input comes.
    fn fill(&mut self, block: &mut [u8]) -> usize {
        let mut got = 0;
        while self.failed.is_none()
            && let Some(room) = block.get_mut(got..).filter(|room| !room.is_empty())
        {
            match self.inner.read(room) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(error),
            }
        }
        got
    }

    fn keep(&mut self, bytes: &[u8], bound: usize) {
        let room = bound.saturating_sub(self.kept);
        match bytes.get(..room) {
            Some(head) if head.len() < bytes.len() => {
                self.ready.extend_from_slice(head);
                self.dropped = true;
            }
            _ => self.ready.extend_from_slice(bytes),
        }
        self.kept = self.kept.saturating_add(bytes.len());
    }

    fn cut_tag(&mut self) {
        if self.cut_tags == 0 {
            self.cut_tags = self.lines + 1;
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.kept = 0;
    }

    /// Takes as much of `rest` as belongs to the current state; returns how much.
    fn step(&mut self, rest: &[u8]) -> usize {
        match self.state {
            State::Text => {
                let end = memchr::memchr(b'<', rest).unwrap_or(rest.len());
                self.keep(rest.get(..end).unwrap_or_default(), TEXT);
                if end == rest.len() {
                    return end;
                }
                self.opening.clear();
                self.enter(State::Open);
                end + 1
            }
            State::Open => {
                let Some(&byte) = rest.first() else { return 0 };
                self.open(byte);
                1
            }
            State::Tag => {
                let end = memchr::memchr3(b'>', b'"', b'\'', rest);
                let bytes = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                self.keep(bytes, TAG);
                if self.kept > TAG {
                    self.cut_tag();
                }
                let Some(end) = end else { return rest.len() };
                let byte = rest.get(end).copied().unwrap_or(b'>');
                if byte == b'>' {
                    self.ready.push(byte);
                    self.enter(State::Text);
                } else {
                    // A tag that is full takes no more attributes.
                    self.muted = self.kept >= TAG;
                    if self.muted {
                        self.dropped = true;
                        self.cut_tag();
                    } else {
                        self.ready.push(byte);
                    }
                    self.state = State::Value(byte);
                    self.kept_value = 0;
                }
                end + 1
            }
            State::Value(quote) => {
                let end = memchr::memchr(quote, rest);
                let bytes = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                let room = VALUE.saturating_sub(self.kept_value);
                let head = bytes.get(..room).unwrap_or(bytes);
                self.dropped |= head.len() < bytes.len();
                if !self.muted {
                    self.keep(head, TAG);
                }
                self.kept_value = self.kept_value.saturating_add(bytes.len());
                let Some(end) = end else { return rest.len() };
                if !self.muted {
                    self.ready.push(quote);
                }
                self.state = State::Tag;
                end + 1
            }
            State::Comment(dashes) => {
                let Some(&byte) = rest.first() else { return 0 };
                if dashes == 0 && byte != b'-' {
                    return memchr::memchr(b'-', rest).unwrap_or(rest.len());
                }
                match byte {
                    b'-' => self.state = State::Comment((dashes + 1).min(2)),
                    b'>' if dashes == 2 => self.enter(State::Text),
                    _ => self.state = State::Comment(0),
                }
                1
            }
            State::Cdata(brackets) => {
                let Some(&byte) = rest.first() else { return 0 };
                if brackets == 0 && byte != b']' {
                    let end = memchr::memchr(b']', rest).unwrap_or(rest.len());
                    self.keep(rest.get(..end).unwrap_or_default(), TEXT);
                    return end;
                }
                match byte {
                    b']' => {
                        // Brackets are held back until it is known what they close.
                        if brackets == 2 {
                            self.keep(b"]", TEXT);
                        }
                        self.state = State::Cdata((brackets + 1).min(2));
                        1
                    }
                    b'>' if brackets == 2 => {
                        self.ready.extend_from_slice(b"]]>");
                        self.enter(State::Text);
                        1
                    }
                    _ => {
                        self.keep(b"]]".get(..usize::from(brackets)).unwrap_or_default(), TEXT);
                        self.state = State::Cdata(0);
                        0
                    }
                }
            }
            State::Pi(question) => {
                let Some(&byte) = rest.first() else { return 0 };
                if byte == b'>' && question {
                    self.ready.extend_from_slice(b"?>");
                    self.enter(State::Text);
                } else {
                    if question {
                        self.keep(b"?", PI);
                    }
                    if byte != b'?' {
                        self.keep(&[byte], PI);
                    }
                    self.state = State::Pi(byte == b'?');
                }
                1
            }
            State::Doctype | State::DoctypeQuote(_) | State::DoctypeComment(_) => {
                let Some(&byte) = rest.first() else { return 0 };
                self.doctype_byte(byte);
                1
            }
        }
    }

    /// One byte after `<`, until the kind of markup is known.
    fn open(&mut self, byte: u8) {
        const KINDS: [&[u8]; 3] = [b"!--", b"![CDATA[", b"!DOCTYPE"];
        self.opening.push(byte);
        let seen = &self.opening;
        if seen.as_slice() == b"?" {
            self.ready.extend_from_slice(b"<?");
            self.enter(State::Pi(false));
        } else if let Some(kind) = KINDS.iter().find(|kind| seen.eq_ignore_ascii_case(kind)) {
            match kind.len() {
                // The reader is not shown comments at all.
                3 => self.enter(State::Comment(0)),
                8 if kind.starts_with(b"![") => {
                    self.ready.extend_from_slice(b"<![CDATA[");
                    self.enter(State::Cdata(0));
                }
                _ => {
                    self.doctype.get_or_insert(self.lines + 1);
                    self.depth = 1;
                    self.recent.clear();
                    self.enter(State::Doctype);
                }
            }
        } else if !KINDS
            .iter()
            .any(|kind| kind.get(..seen.len()).is_some_and(|start| start.eq_ignore_ascii_case(seen)))
        {
            let name = seen.first().is_some_and(|&first| {
                first == b'/'
                    || first == b'_'
                    || first == b'!'
                    || first.is_ascii_alphabetic()
                    || first >= 0x80
            });
            let opening = std::mem::take(&mut self.opening);
            if name {
                self.ready.push(b'<');
                self.enter(State::Tag);
                // What was held back can hold the end of the tag.
                for byte in opening {
                    self.step(&[byte]);
                }
            } else {
                // A bare `<` in text, as sloppy writers leave it.
                self.ready.extend_from_slice(b"&lt;");
                self.enter(State::Text);
                for byte in opening {
                    self.step(&[byte]);
                }
            }
        }
    }

    fn doctype_byte(&mut self, byte: u8) {
        match (self.state, byte) {
            (State::DoctypeQuote(quote), _) => {
                if byte == quote {
                    self.state = State::Doctype;
                }
            }
            (State::DoctypeComment(dashes), _) => {
                self.state = match byte {
                    b'-' => State::DoctypeComment((dashes + 1).min(2)),
                    b'>' if dashes == 2 => {
                        self.depth = self.depth.saturating_sub(1);
                        State::Doctype
                    }
                    _ => State::DoctypeComment(0),
                };
            }
            (_, b'"' | b'\'') => self.state = State::DoctypeQuote(byte),
            (_, b'<') => {
                self.depth = self.depth.saturating_add(1);
                self.recent.clear();
            }
            (_, b'>') => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.enter(State::Text);
                }
            }
            _ => {
                if self.recent.len() < 8 {
                    self.recent.push(byte);
                    if self.recent.as_slice() == b"!--" {
                        self.state = State::DoctypeComment(0);
                    }
                    self.entities |= self.recent.as_slice() == b"!ENTITY";
                }
            }
        }
    }
}

impl<R: Read> Read for Trim<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.at >= self.ready.len() {
            self.ready.clear();
            self.at = 0;
            let mut block = std::mem::take(&mut self.block);
            let got = self.fill(&mut block);
            let mut rest = block.get(..got).unwrap_or_default();
            self.lines += memchr::memchr_iter(b'\n', rest).count() as u64;
            while !rest.is_empty() {
                let used = self.step(rest);
                rest = rest.get(used..).unwrap_or_default();
            }
            self.block = block;
            if got == 0 {
                return self.failed.take().map_or(Ok(0), Err);
            }
        }
        let ready = self.ready.get(self.at..).unwrap_or_default();
        let give = ready.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..give), ready.get(..give)) {
            to.copy_from_slice(from);
        }
        self.at += give;
        Ok(give)
    }
}
