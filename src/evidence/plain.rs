//! Text of logs and reports made fit for a status: one line, nothing that a terminal or a browser
//! obeys, no credential that a tool printed, and bounded.
//!
//! GitHub masks the secrets that it knows of. Tokens that a job made for itself, or that are part
//! of an address, it does not know; the usual forms of those are taken out here.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::log::clean_text;

/// Put at the end of a text that was cut.
const CUT: char = '\u{2026}';

/// Bytes that are looked at for each character that may be kept: escapes and marks go away.
const SLACK: usize = 16;

/// What stands for a credential.
const HIDDEN: &str = "[redacted]";

/// Forms of credentials: GitHub's tokens, JSON web tokens, keys of cloud providers, what follows
/// `Bearer`, and the password of an address.
static CREDENTIALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<keep>\b(?:[Bb]earer|[Bb]asic)\s+|[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s/:@]{0,64}:)?",
        r"(?:\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}",
        r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"|\bxox[abprs]-[A-Za-z0-9-]{10,})"
    ))
    .ok()
});

/// `Bearer abc` and `scheme://user:password@`, whatever the form of the secret.
static PLACES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<keep>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}",
        r"|(?P<url>[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s/:@]{0,64}:)[^\s/@]{1,256}@"
    ))
    .ok()
});

/// One line of at most `cap` characters; the indentation stays, tabs become blanks.
pub fn line(text: &str, cap: usize) -> String {
    let mut end = text.len().min(cap.saturating_mul(SLACK));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let clean = clean_text(text.get(..end).unwrap_or_default().as_bytes());
    let shown: String = clean
        .chars()
        .filter(|c| !hidden(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    let shown = redact(shown.trim_end());
    cut(&shown, cap)
}

/// At most `cap` characters; a mark replaces the last one where something is missing.
pub fn cut(text: &str, cap: usize) -> String {
    if text.chars().nth(cap).is_none() {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(cap.saturating_sub(1)).collect();
    if cap > 0 {
        kept.push(CUT);
    }
    kept
}

/// Characters that are not seen, or that change how the text around them is shown: marks of
/// direction, joiners, blanks without width, tags, and variation selectors beyond the usual.
pub(crate) fn hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Takes credentials out.
fn redact(text: &str) -> Cow<'_, str> {
    let (Some(credentials), Some(places)) = (CREDENTIALS.as_ref(), PLACES.as_ref()) else {
        return Cow::Borrowed(text);
    };
    let once = credentials.replace_all(text, |found: &regex::Captures<'_>| {
        format!("{}{HIDDEN}", found.name("keep").map_or("", |part| part.as_str()))
    });
    if !places.is_match(&once) {
        return once;
    }
    let twice = places.replace_all(&once, |found: &regex::Captures<'_>| match found.name("url") {
        Some(url) => format!("{}{HIDDEN}@", url.as_str()),
        None => format!("{}{HIDDEN}", found.name("keep").map_or("", |part| part.as_str())),
    });
    Cow::Owned(twice.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_compile() {
        assert!(CREDENTIALS.is_some() && PLACES.is_some());
    }

    #[test]
    fn what_a_terminal_or_a_browser_obeys_is_taken_out() {
        for (text, expected) in [
            ("  \u{1b}[31mred\u{1b}[0m", "  red"),
            ("a\u{202e}txt.exe", "atxt.exe"),
            ("a\u{2066}b\u{2069}\u{200b}\u{2060}c\u{e0041}", "abc"),
            ("one\ntwo\r\u{7}\u{85}three", "onetwothree"),
            ("\tx\u{a0}y", " x y"),
        ] {
            assert_eq!(line(text, 100), expected, "{text:?}");
        }
    }

    #[test]
    fn credentials_are_taken_out_and_what_is_around_them_stays() {
        for (text, expected) in [
            (
                "git clone https://x:ghs_0123456789abcdefghijABCDEFGHIJ012345@github.com/o/r",
                "git clone https://x:[redacted]@github.com/o/r",
            ),
            ("token ghp_0123456789abcdefghijABCDEFGHIJ012345 used", "token [redacted] used"),
            ("postgres://app:hunter2@127.0.0.1:5432/db", "postgres://app:[redacted]@127.0.0.1:5432/db"),
            ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer [redacted]"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_d end", "jwt [redacted] end"),
            ("user@example.com at http://host:8080/x", "user@example.com at http://host:8080/x"),
            ("ghp_short and eyJ", "ghp_short and eyJ"),
        ] {
            assert_eq!(line(text, 200), expected);
        }
    }

    #[test]
    fn a_cut_says_so_and_keeps_to_its_bound() {
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abcde\u{2026}");
        assert_eq!(line("abc", 0), "");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_the_bound_holds(text in ".{0,200}", cap in 0usize..80) {
            let shown = line(&text, cap);
            prop_assert!(shown.chars().count() <= cap);
            prop_assert!(!shown.chars().any(|c| c.is_control() || hidden(c)));
        }
    }
}
