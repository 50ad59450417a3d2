//! Lines of a stream in bounded memory.

use std::io::{ErrorKind, Read};

/// The bytes of one line that are kept; the rest of a longer line is dropped.
pub const LINE_CAP: usize = 64 * 1024;

/// How much is read at once.
const BLOCK: usize = 128 * 1024;

/// One line of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLine<'a> {
    /// Line number, from 1.
    pub number: u64,
    /// The line without its break, at most the reader's cap.
    pub raw: &'a [u8],
    /// Whether bytes were dropped because the line was longer than the cap.
    pub cut: bool,
    /// Whether the line can hold an escape character; false means that it holds none.
    pub escapes: bool,
}

/// Splits a stream into lines as [`super::lines`] does, holding one block and one line.
#[derive(Debug)]
pub struct LineReader<R> {
    inner: R,
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// The first carriage return and escape character of the block at or after `start`, or
    /// `end`: most blocks hold none, and are searched for them once.
    next_return: usize,
    next_escape: usize,
    line: Vec<u8>,
    cap: usize,
    number: u64,
    read: u64,
    cut_lines: u64,
    /// The last break was a CR at the end of a block: a LF that follows belongs to it.
    after_cr: bool,
}

impl<R: Read> LineReader<R> {
    /// A reader that keeps at most [`LINE_CAP`] bytes of each line.
    pub fn new(inner: R) -> Self {
        Self::with_cap(inner, LINE_CAP)
    }

    /// A reader that keeps at most `cap` bytes of each line.
    pub fn with_cap(inner: R, cap: usize) -> Self {
        Self {
            inner,
            block: vec![0; BLOCK],
            start: 0,
            end: 0,
            next_return: 0,
            next_escape: 0,
            line: Vec::new(),
            cap,
            number: 0,
            read: 0,
            cut_lines: 0,
            after_cr: false,
        }
    }

    /// The bytes read from the stream so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The lines that were longer than the cap so far.
    pub fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    /// The next line, or none at the end of the stream.
    pub fn next_line(&mut self) -> std::io::Result<Option<ReadLine<'_>>> {
        // Where the line is in the block, if the block holds all of it.
        let mut whole = None;
        let mut cut = false;
        let mut any = false;
        let mut escapes = false;
        self.line.clear();
        loop {
            if self.start >= self.end && !self.fill()? {
                if !any {
                    return Ok(None);
                }
                break;
            }
            if std::mem::take(&mut self.after_cr) && self.block.get(self.start) == Some(&b'\n') {
                self.start += 1;
                if self.start >= self.end {
                    continue;
                }
            }
            let window = self.block.get(self.start..self.end).unwrap_or_default();
            if self.next_return < self.start {
                let found = memchr::memchr(b'\r', window);
                self.next_return = found.map_or(self.end, |at| self.start + at);
            }
            if self.next_escape < self.start {
                let found = memchr::memchr(0x1b, window);
                self.next_escape = found.map_or(self.end, |at| self.start + at);
            }
            let feed = window.get(..self.next_return - self.start).unwrap_or(window);
            let feed = memchr::memchr(b'\n', feed).map(|at| self.start + at);
            let found = feed.or((self.next_return < self.end).then_some(self.next_return));
            let stop = found.unwrap_or(self.end);
            escapes |= self.next_escape < stop;
            if found.is_some() && !any && stop - self.start <= self.cap {
                whole = Some(self.start..stop);
            } else {
                let text = self.block.get(self.start..stop).unwrap_or_default();
                let room = self.cap.saturating_sub(self.line.len());
                cut |= text.len() > room;
                self.line.extend_from_slice(text.get(..room).unwrap_or(text));
            }
            any = true;
            match found {
                Some(at) => {
                    let is_return = at == self.next_return;
                    self.start = at + 1;
                    if is_return {
                        // Its line feed is taken now if it is here, else with the next block.
                        match self.block.get(self.start).filter(|_| self.start < self.end) {
                            Some(b'\n') => self.start += 1,
                            Some(_) => {}
                            None => self.after_cr = true,
                        }
                    }
                    break;
                }
                None => self.start = self.end,
            }
        }
        self.number += 1;
        self.cut_lines += u64::from(cut);
        let raw = match whole {
            Some(range) => self.block.get(range).unwrap_or_default(),
            None => &self.line,
        };
        Ok(Some(ReadLine { number: self.number, raw, cut, escapes }))
    }

    /// Reads the next block; false at the end of the stream.
    fn fill(&mut self) -> std::io::Result<bool> {
        loop {
            match self.inner.read(&mut self.block) {
                Ok(got) => {
                    self.start = 0;
                    self.end = got;
                    self.read += got as u64;
                    let block = self.block.get(..got).unwrap_or_default();
                    self.next_return = memchr::memchr(b'\r', block).unwrap_or(got);
                    self.next_escape = memchr::memchr(0x1b, block).unwrap_or(got);
                    return Ok(got > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
