//! Terminal escapes and control characters.

use std::borrow::Cow;

/// The longest control string (OSC, DCS) that is skipped; a longer one is not a title or a
/// link but a log that lost its terminator, and its text must not vanish.
const STRING_CAP: usize = 4096;

/// The longest CSI sequence that is skipped.
const CSI_CAP: usize = 128;

/// Whether a byte can start something that [`clean_text`] removes.
fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Removes terminal escape sequences (CSI, OSC, DCS, two-byte ones); borrows if there are none.
pub fn strip_ansi(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        kept.extend_from_slice(before);
        rest = after_escape(from);
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

/// Removes escape sequences and control characters other than tab, and replaces invalid
/// UTF-8; borrows where nothing had to change. Line breaks count as control characters.
pub fn clean_text(text: &[u8]) -> Cow<'_, str> {
    if !text.iter().any(|&byte| is_control(byte)) {
        // Valid text is the rule, and much faster to tell than to repair.
        return drop_c1(match std::str::from_utf8(text) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(text),
        });
    }
    let bytes: Vec<u8> = strip_ansi(text).iter().copied().filter(|&byte| !is_control(byte)).collect();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    match drop_c1(Cow::Owned(text)) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(text) => Cow::Owned(text.to_owned()),
    }
}

/// Removes the C1 controls (U+0080 to U+009F), which some terminals obey like escapes.
fn drop_c1(text: Cow<'_, str>) -> Cow<'_, str> {
    let c1 = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    if text.is_ascii() || !text.contains(c1) {
        return text;
    }
    Cow::Owned(text.chars().filter(|&c| !c1(c)).collect())
}

/// What follows the escape sequence that starts `from`; an incomplete one loses its ESC only.
fn after_escape(from: &[u8]) -> &[u8] {
    match from {
        [_, b'[', tail @ ..] => after_csi(tail),
        [_, b']' | b'P' | b'X' | b'^' | b'_', tail @ ..] => after_string(tail),
        // Charset designations and the like: intermediates, then one final byte.
        [_, 0x20..=0x2f, 0x30..=0x7e, tail @ ..] => tail,
        [_, 0x30..=0x7e, tail @ ..] => tail,
        [_, tail @ ..] => tail,
        [] => from,
    }
}

/// What follows a CSI sequence; `tail` starts after `ESC [`.
fn after_csi(tail: &[u8]) -> &[u8] {
    for (at, &byte) in tail.iter().enumerate().take(CSI_CAP) {
        match byte {
            0x20..=0x3f => {}
            0x40..=0x7e => return tail.get(at + 1..).unwrap_or_default(),
            // Not a sequence after all: keep what broke it.
            _ => return tail.get(at..).unwrap_or_default(),
        }
    }
    if tail.len() < CSI_CAP { &[] } else { tail }
}

/// What follows a control string, ended by BEL or by `ESC \`; `tail` starts after the opener.
fn after_string(tail: &[u8]) -> &[u8] {
    let window = tail.get(..STRING_CAP).unwrap_or(tail);
    match memchr::memchr2(0x07, 0x1b, window) {
        Some(at) => match tail.get(at..).unwrap_or_default() {
            [0x07, rest @ ..] | [0x1b, b'\\', rest @ ..] => rest,
            rest => rest,
        },
        None => tail,
    }
}
