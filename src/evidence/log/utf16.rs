//! Text in UTF-16, as tools on Windows write it, made UTF-8.

use std::borrow::Cow;
use std::io::{Chain, Cursor, Read, Result};

/// Bytes looked at for a mark of UTF-16.
const MARK: usize = 4;

/// The log as UTF-8 if it is UTF-16; borrowed if it is not.
pub fn as_utf8(log: &[u8]) -> Cow<'_, [u8]> {
    let Some(big) = Utf16::<&[u8]>::order(log) else { return Cow::Borrowed(log) };
    let mut text = Vec::with_capacity(log.len() / 2);
    // Reading from memory does not fail.
    let _ = Utf16::new(log, big).read_to_end(&mut text);
    Cow::Owned(text)
}

/// A stream that gives UTF-8 whatever it is made of: UTF-16 is decoded, the rest is passed on.
#[derive(Debug)]
pub enum Utf8<R> {
    /// As it comes.
    Plain(Chain<Cursor<Vec<u8>>, R>),
    /// Decoded.
    Wide(Utf16<Chain<Cursor<Vec<u8>>, R>>),
}

impl<R: Read> Utf8<R> {
    /// Looks at the first bytes of a stream; fails if they cannot be read.
    pub fn new(mut inner: R) -> Result<Self> {
        let mut head = Vec::with_capacity(MARK);
        inner.by_ref().take(MARK as u64).read_to_end(&mut head)?;
        let order = Utf16::<&[u8]>::order(&head);
        let whole = Cursor::new(head).chain(inner);
        Ok(match order {
            Some(big) => Self::Wide(Utf16::new(whole, big)),
            None => Self::Plain(whole),
        })
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(inner) => inner.read(into),
            Self::Wide(inner) => inner.read(into),
        }
    }
}

/// Turns UTF-16 into UTF-8 as it is read.
#[derive(Debug)]
pub struct Utf16<R> {
    inner: R,
    big: bool,
    /// An odd byte, or a leading surrogate, of the last block.
    byte: Option<u8>,
    lead: Option<u16>,
    ready: Vec<u8>,
    at: usize,
}

impl<R> Utf16<R> {
    /// A decoder if `head` starts with a mark of UTF-16; the mark itself must be read by it.
    pub fn order(head: &[u8]) -> Option<bool> {
        match head {
            [0xff, 0xfe, ..] => Some(false),
            [0xfe, 0xff, ..] => Some(true),
            [b'<', 0, b'?' | b't', 0, ..] => Some(false),
            [0, b'<', 0, b'?' | b't', ..] => Some(true),
            _ => None,
        }
    }

    /// A decoder of either order of bytes.
    pub fn new(inner: R, big: bool) -> Self {
        Self { inner, big, byte: None, lead: None, ready: Vec::new(), at: 0 }
    }

    fn decode(&mut self, block: &[u8]) {
        let mut bytes = self.byte.take().into_iter().chain(block.iter().copied());
        let mut units = Vec::with_capacity(block.len() / 2 + 2);
        units.extend(self.lead.take());
        while let Some(first) = bytes.next() {
            match bytes.next() {
                Some(second) if self.big => units.push(u16::from_be_bytes([first, second])),
                Some(second) => units.push(u16::from_le_bytes([first, second])),
                None => self.byte = Some(first),
            }
        }
        if let Some(&last) = units.last()
            && (0xd800..0xdc00).contains(&last)
            && !block.is_empty()
        {
            self.lead = Some(last);
            units.pop();
        }
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .filter(|&c| c != '\u{feff}')
            .collect();
        self.ready = text.into_bytes();
        self.at = 0;
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.at >= self.ready.len() {
            let mut block = [0u8; 8192];
            let got = self.inner.read(&mut block)?;
            if got == 0 {
                if self.lead.is_some() || self.byte.is_some() {
                    self.byte = None;
                    self.decode(&[]);
                    continue;
                }
                return Ok(0);
            }
            self.decode(block.get(..got).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_orders_of_bytes_give_the_same_text_and_utf_8_is_left_alone() {
        let text = "a \u{1f600} b\r\nc\n";
        let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        for bytes in [&big[..], &little[..], text.as_bytes()] {
            assert_eq!(as_utf8(bytes), text.as_bytes());
            let mut read = Vec::new();
            Utf8::new(bytes).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, text.as_bytes());
        }
        assert!(matches!(as_utf8(b"plain"), Cow::Borrowed(_)));
        assert_eq!(as_utf8(b"").as_ref(), b"");
    }
}
