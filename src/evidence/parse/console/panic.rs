//! Panics of Rust, as of any version.

use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static PANICKED: Pattern = pattern!(r"^thread '[^']*'(?: \(\d+\))? panicked at (\S.*?):(\d+):\d+:$");
/// Before Rust 1.73.
static OLD_PANICKED: Pattern = pattern!(r"^thread '[^']*' panicked at '(.*?)(?:', (\S+):(\d+):\d+)?$");

/// The first line of a panic.
#[derive(Debug, PartialEq)]
pub(super) struct Panic {
    pub(super) place: Option<(String, u64)>,
    /// Before Rust 1.73 the message stands on the line itself, else on the next.
    pub(super) message: Option<String>,
}

/// Reads the first line of a panic, as of any version of Rust.
pub(super) fn panic_of(text: &str) -> Option<Panic> {
    if !text.contains("panicked at ") {
        return None;
    }
    let text = text.trim();
    if let Some(found) = captures(&PANICKED, text) {
        let place = Some((group(&found, 1).to_owned(), number(&found, 2)));
        return Some(Panic { place, message: None });
    }
    let found = captures(&OLD_PANICKED, text)?;
    let place = found.get(2).map(|file| (file.as_str().to_owned(), number(&found, 3)));
    Some(Panic { place, message: Some(group(&found, 1).to_owned()) })
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&PANICKED, &OLD_PANICKED]
}
