//! Names of objects that a failing test made for itself.
//!
//! `sp-rr-p3-c3965f58-0221` in a failure message and `rr-p3-c3965f58-0221` in a line that a
//! server logged a minute earlier are about the same thing. A name counts when it is unlikely
//! to occur by chance: it has several parts, or is long, and holds digits.

use std::collections::HashSet;

/// The shortest name, and the shortest rest of a name after dropping its first parts.
const SHORTEST: usize = 8;

/// Shortened forms of a name that are tried.
const ENDINGS: usize = 8;

/// Names that are held.
const NAMES: usize = 512;

/// Names seen in failing tests.
#[derive(Debug, Default)]
pub(in crate::evidence) struct Names {
    names: HashSet<String>,
}

impl Names {
    /// Adds the names in a text.
    pub(in crate::evidence) fn read(&mut self, text: &str) {
        for name in names(text) {
            for part in endings(name) {
                if self.names.len() < NAMES {
                    self.names.insert(part.to_owned());
                }
            }
        }
    }

    /// Adds a name as it is, whatever its form.
    pub(in crate::evidence) fn add(&mut self, name: &str) {
        let name = name.trim();
        if name.len() >= 4 && self.names.len() < NAMES {
            self.names.insert(name.to_owned());
        }
    }

    /// Whether the text has one of the names.
    pub(in crate::evidence) fn in_text(&self, text: &str) -> bool {
        !self.names.is_empty()
            && words(text)
                .any(|word| self.names.contains(word) || endings(word).any(|part| self.names.contains(part)))
    }
}

/// Runs of characters that occur in names.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .map(|word| word.trim_matches(['-', '_']))
        .filter(|word| word.len() >= 4)
}

/// The words of a text that are names.
pub(in crate::evidence) fn names(text: &str) -> impl Iterator<Item = &str> {
    words(text).filter(|word| telling(word))
}

/// Whether a word is a name and not a number, a date or an ordinary word.
fn telling(word: &str) -> bool {
    if word.len() < SHORTEST {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let parts = word.split(['-', '_']).filter(|part| !part.is_empty()).count();
    digits >= 2 && letters >= 2 && (parts >= 2 || word.len() >= 12)
}

/// A name, and what is left of it when its first parts go, as long as that is telling.
fn endings(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |rest| {
        let (_, after) = rest.split_once(['-', '_'])?;
        telling(after).then_some(after)
    })
    .take(ENDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_recognised_under_a_longer_name() {
        let mut names = Names::default();
        names.read("signalprocessings \"sp-rr-p3-c3965f58-0221\" not found");
        assert!(names.in_text("blocked {\"rr\":\"rr-p3-c3965f58-0221\"}"));
        assert!(names.in_text("c3965f58-0221"));
        assert!(!names.in_text("rr-p3-aaaa5f58-0999"));
        assert!(!names.in_text("not found"));
    }

    #[test]
    fn numbers_dates_and_plain_words_are_not_names() {
        let mut names = Names::default();
        names.read("2026-01-23 17:04:05 12345678 controller-runtime severity_normalization P3");
        assert!(!names.in_text("2026-01-23 12345678 controller-runtime severity_normalization"));
    }
}
