//! Makes a JSON stream safe to read element by element.
//!
//! Strings are cut at a bound, so that no single value is large; raw control characters and
//! invalid UTF-8 in strings are replaced; `NaN` and infinities, which several languages write
//! and JSON does not know, become `null`.

use std::io::{Read, Result};

/// Bytes kept of one string.
const STRING: usize = 32 * 1024;
/// Values inside each other beyond this are an attack.
const DEPTH: usize = 256;
/// How much is read at once.
const BLOCK: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    /// Outside strings after a `-`, which may belong to `-Infinity`.
    Minus,
    /// Dropping the rest of a word that was replaced by `null`.
    Word,
    Text,
    /// After a backslash.
    Escape,
    /// In `\uXXXX`: digits left, the value so far.
    Unicode(u8, u16),
    /// Past the bound of a string, and whether the last byte was a backslash.
    Drop(bool),
}

/// The filter.
#[derive(Debug)]
pub(super) struct Scrub<R> {
    inner: R,
    block: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    state: State,
    kept: usize,
    /// A leading surrogate was just written: the string must not be cut before its twin.
    lead: bool,
    /// Open arrays and objects; beyond [`DEPTH`] the stream ends.
    depth: usize,
    /// A character of several bytes that is not complete yet.
    partial: Vec<u8>,
    wants: usize,
}

impl<R: Read> Scrub<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            block: vec![0; BLOCK],
            ready: Vec::with_capacity(BLOCK * 2),
            at: 0,
            state: State::Plain,
            kept: 0,
            lead: false,
            depth: 0,
            partial: Vec::new(),
            wants: 0,
        }
    }

    fn byte(&mut self, byte: u8) {
        match self.state {
            State::Plain => self.plain(byte),
            State::Minus => {
                if byte != b'I' {
                    self.ready.push(b'-');
                }
                self.state = State::Plain;
                self.plain(byte);
            }
            State::Word => {
                if !byte.is_ascii_alphabetic() {
                    self.state = State::Plain;
                    self.plain(byte);
                }
            }
            State::Text => self.text(byte),
            State::Escape => {
                self.kept += 1;
                match byte {
                    b'u' => {
                        self.ready.extend_from_slice(b"\\u");
                        self.state = State::Unicode(4, 0);
                    }
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                        self.ready.extend_from_slice(&[b'\\', byte]);
                        self.state = State::Text;
                        self.lead = false;
                    }
                    // Not an escape of JSON: a backslash, and what follows it.
                    _ => {
                        self.ready.extend_from_slice(b"\\\\");
                        self.state = State::Text;
                        self.lead = false;
                        self.text(byte);
                    }
                }
            }
            State::Unicode(left, value) => {
                let digit = char::from(byte).to_digit(16);
                let Some(digit) = digit else {
                    // Filled up with zeros, so that what follows can still be read.
                    for _ in 0..left {
                        self.ready.push(b'0');
                    }
                    self.state = State::Text;
                    self.lead = false;
                    self.text(byte);
                    return;
                };
                self.ready.push(byte);
                self.kept += 1;
                let value = value << 4 | u16::try_from(digit).unwrap_or(0);
                if left > 1 {
                    self.state = State::Unicode(left - 1, value);
                } else {
                    self.lead = (0xd800..0xdc00).contains(&value);
                    self.state = State::Text;
                }
            }
            State::Drop(escaped) => {
                if byte == b'"' && !escaped {
                    self.ready.push(b'"');
                    self.state = State::Plain;
                } else {
                    self.state = State::Drop(byte == b'\\' && !escaped);
                }
            }
        }
    }

    fn plain(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.kept = 0;
                self.lead = false;
                self.partial.clear();
                self.state = State::Text;
                self.ready.push(byte);
            }
            b'-' => self.state = State::Minus,
            b'N' | b'I' => {
                self.ready.extend_from_slice(b"null");
                self.state = State::Word;
            }
            b'[' | b'{' => {
                self.depth += 1;
                self.ready.push(byte);
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.ready.push(byte);
            }
            _ => self.ready.push(byte),
        }
    }

    /// Whether the stream was ended because it is nested too deeply.
    pub(super) fn too_deep(&self) -> bool {
        self.depth > DEPTH
    }

    fn text(&mut self, byte: u8) {
        if byte >= 0x80 {
            return self.wide(byte);
        }
        self.flush_partial();
        if self.kept >= STRING && !self.lead && byte != b'"' {
            self.ready.extend_from_slice("\u{2026}".as_bytes());
            self.state = State::Drop(byte == b'\\');
            return;
        }
        self.kept += 1;
        match byte {
            b'"' => {
                self.state = State::Plain;
                self.ready.push(byte);
            }
            b'\\' => self.state = State::Escape,
            b'\n' => self.ready.extend_from_slice(b"\\n"),
            0..0x20 => self.ready.push(b' '),
            _ => {
                self.lead = false;
                self.ready.push(byte);
            }
        }
    }

    /// One byte of a character of several bytes.
    fn wide(&mut self, byte: u8) {
        if self.partial.is_empty() || byte >= 0xc0 {
            self.flush_partial();
            self.wants = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 0,
            };
        }
        if self.kept >= STRING && self.partial.is_empty() {
            self.ready.extend_from_slice("\u{2026}".as_bytes());
            self.state = State::Drop(false);
            return;
        }
        self.lead = false;
        self.kept += 1;
        self.partial.push(byte);
        if self.partial.len() >= self.wants {
            self.flush_partial();
        }
    }

    fn flush_partial(&mut self) {
        if !self.partial.is_empty() {
            match std::str::from_utf8(&self.partial) {
                Ok(_) => self.ready.extend_from_slice(&self.partial),
                Err(_) => self.ready.extend_from_slice("\u{fffd}".as_bytes()),
            }
            self.partial.clear();
        }
    }

    /// Copies as much of `rest` as needs no look at single bytes; returns how much.
    fn run(&mut self, rest: &[u8]) -> usize {
        match self.state {
            State::Text if self.partial.is_empty() && !self.lead => {
                let room = STRING.saturating_sub(self.kept).min(rest.len());
                let window = rest.get(..room).unwrap_or_default();
                let plain = |&byte: &u8| (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
                let end = window.iter().position(|byte| !plain(byte)).unwrap_or(window.len());
                self.ready.extend_from_slice(window.get(..end).unwrap_or_default());
                self.kept += end;
                end
            }
            State::Drop(false) => memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len()),
            _ => 0,
        }
    }
}

impl<R: Read> Read for Scrub<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.at >= self.ready.len() {
            if self.too_deep() {
                return Ok(0);
            }
            self.ready.clear();
            self.at = 0;
            let mut block = std::mem::take(&mut self.block);
            let got = self.inner.read(&mut block)?;
            let mut rest = block.get(..got).unwrap_or_default();
            while let Some((&byte, after)) = rest.split_first() {
                if self.too_deep() {
                    break;
                }
                let used = self.run(rest);
                if used > 0 {
                    rest = rest.get(used..).unwrap_or_default();
                } else {
                    self.byte(byte);
                    rest = after;
                }
            }
            self.block = block;
            if got == 0 {
                return Ok(0);
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
