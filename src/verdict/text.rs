//! Foreign text made safe for a status: no control or direction-changing characters, bounded.

use crate::evidence::plain::hidden;

/// Cuts to `max` characters and replaces what could move a cursor or hide text.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max * 4));
    let mut count = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            skip_escape(&mut chars);
            continue;
        }
        let shown = match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() || hidden(c) => '\u{fffd}',
            c => c,
        };
        if count + 1 == max && chars.peek().is_some() {
            out.push('\u{2026}');
            return out;
        }
        if count == max {
            return out;
        }
        out.push(shown);
        count += 1;
    }
    out
}

/// An optional text, cleaned; empty is none.
pub(crate) fn clean_some(text: Option<&str>, max: usize) -> Option<String> {
    text.map(|t| clean(t, max)).filter(|t| !t.is_empty())
}

/// A word for a POSIX shell.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", clean(word, 512).replace('\'', r"'\''"))
    }
}

/// The first few names and how many more there are.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>, show: usize) -> String {
    let names: Vec<&str> = names.collect();
    let mut out = names.iter().take(show).map(|n| clean(n, 80)).collect::<Vec<_>>().join(", ");
    if names.len() > show {
        out.push_str(&format!(" and {} more", names.len() - show));
    }
    out
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Skips what follows ESC: a CSI sequence to its final byte, an OSC to BEL, ST or the line's end, or one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    return;
                }
            }
        }
        Some(']') => {
            while let Some(&c) = chars.peek() {
                if c == '\n' || c == '\u{1b}' {
                    return;
                }
                chars.next();
                if c == '\u{7}' {
                    return;
                }
            }
        }
        Some(_) => {
            chars.next();
        }
        None => {}
    }
}
