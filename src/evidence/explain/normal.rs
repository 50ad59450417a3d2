//! One line reduced to what stays the same from run to run, and a set of such lines.
//!
//! Two runs of a job print the same lines with other times, sizes, ports, commit ids and
//! temporary names. [`Normaliser::hash`] folds all of those away in one pass over the bytes, so
//! that equal hashes mean "the same line as far as a reader cares". It keeps one thing that
//! plain digit folding loses: a count of zero is not a count of one, since `Failures: 0` and
//! `Failures: 1` are the difference that is looked for.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// The bytes of a line that take part in the comparison.
const COMPARED: usize = 4096;

/// The distinct lines of a baseline that are held: 8 bytes and one more for each, so that the
/// set stays below 10 MiB whatever the size of the log.
pub(super) const KNOWN_CAP: usize = 900_000;

/// The shortest run of hexadecimal digits that counts as an id.
const HEX_ID: usize = 7;

/// Changes between letters and digits in one word from which on it counts as random.
const RANDOM_TURNS: usize = 3;

/// Units that follow a number and change with its size.
const UNITS: &[&[u8]] = &[
    b"ns", b"us", b"ms", b"s", b"sec", b"secs", b"second", b"seconds", b"m", b"min", b"mins", b"minutes",
    b"h", b"B", b"kB", b"KB", b"MB", b"GB", b"KiB", b"MiB", b"GiB", b"bytes",
];

/// Turns lines into hashes; holds a buffer so that no line allocates.
#[derive(Debug, Default)]
pub(super) struct Normaliser {
    text: Vec<u8>,
}

impl Normaliser {
    /// The hash of a line without envelope and escapes; equal for lines that differ in run-specific
    /// values only.
    pub(super) fn hash(&mut self, line: &[u8]) -> u64 {
        self.fold(line);
        hash_bytes(&self.text)
    }

    /// Writes the folded line into the buffer.
    fn fold(&mut self, line: &[u8]) {
        self.text.clear();
        let mut rest = line.get(..COMPARED).unwrap_or(line).trim_ascii();
        loop {
            let Some(digit) = first_digit(rest) else {
                self.text.extend_from_slice(rest);
                return;
            };
            // The word that the digit is in starts before it; text up to there goes over as it is.
            let plain = rest.get(..digit).unwrap_or_default();
            let start = plain.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            // The first part of an id may have no digit.
            let before = start.checked_sub(9).filter(|at| rest.get(*at..).is_some_and(is_uuid));
            let start = before.unwrap_or(start);
            self.text.extend_from_slice(plain.get(..start).unwrap_or_default());
            // Numbers are aligned with blanks: one is as good as five.
            while self.text.ends_with(b"  ") {
                self.text.pop();
            }
            let from = rest.get(start..).unwrap_or_default();
            let end = from.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(from.len());
            let (word, after) = from.split_at_checked(end).unwrap_or((from, &[]));
            let after = self.fold_word(word, from, after);
            rest = match after {
                [b' ', b' ', tail @ ..] => {
                    self.text.push(b' ');
                    tail.trim_ascii_start()
                }
                _ => after,
            };
        }
    }

    /// Folds one word that holds a digit; returns where to go on.
    fn fold_word<'a>(&mut self, word: &[u8], from: &'a [u8], after: &'a [u8]) -> &'a [u8] {
        if word.len() == 8 && is_uuid(from) {
            self.text.push(b'#');
            return from.get(36..).unwrap_or_default();
        }
        let shape = Shape::of(word);
        if shape.digits == word.len() {
            let (rest, whole) = skip_fraction(after);
            let rest_after_unit = skip_unit(rest);
            let unitless = rest_after_unit.len() == rest.len();
            self.text.push(if word == b"0" && whole && unitless { b'z' } else { b'0' });
            return rest_after_unit;
        }
        let id = shape.hex && word.len() >= HEX_ID;
        if id || shape.turns >= RANDOM_TURNS || word.starts_with(b"0x") {
            self.text.push(b'#');
            return after;
        }
        if shape.leading > 0 && UNITS.contains(&word.get(shape.leading..).unwrap_or_default()) {
            self.text.push(b'0');
            return after;
        }
        let mut in_digits = false;
        for &byte in word {
            let digit = byte.is_ascii_digit();
            if !digit {
                self.text.push(byte);
            } else if !in_digits {
                self.text.push(b'0');
            }
            in_digits = digit;
        }
        after
    }
}

/// What a word is made of.
struct Shape {
    digits: usize,
    leading: usize,
    turns: usize,
    hex: bool,
}

impl Shape {
    fn of(word: &[u8]) -> Self {
        let mut shape = Self { digits: 0, leading: 0, turns: 0, hex: true };
        let mut before: Option<bool> = None;
        for byte in word {
            let digit = byte.is_ascii_digit();
            if digit {
                if shape.digits == shape.leading && before != Some(false) {
                    shape.leading += 1;
                }
                shape.digits += 1;
            }
            shape.turns += usize::from(before.is_some_and(|was| was != digit));
            shape.hex &= byte.is_ascii_hexdigit();
            before = Some(digit);
        }
        shape
    }
}

/// Where the first digit is, eight bytes at a time.
fn first_digit(text: &[u8]) -> Option<usize> {
    let mut chunks = text.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let mut eight = [0u8; 8];
        eight.copy_from_slice(chunk);
        // `0` to `9` become 0 to 9 and nothing else does; a byte below ten sets its top bit. What
        // that borrows can only disturb bytes behind the first such one.
        let value = u64::from_le_bytes(eight) ^ 0x3030_3030_3030_3030;
        let below = value.wrapping_sub(0x0a0a_0a0a_0a0a_0a0a) & !value & 0x8080_8080_8080_8080;
        if below != 0 {
            return Some(at + (below.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    chunks.remainder().iter().position(u8::is_ascii_digit).map(|rest| at + rest)
}

/// Skips `.5`, `,000`, `:12` and the like after digits; says whether there was nothing to skip.
fn skip_fraction(mut after: &[u8]) -> (&[u8], bool) {
    let mut whole = true;
    while let [b'.' | b',' | b':', digit, ..] = after {
        if !digit.is_ascii_digit() {
            break;
        }
        whole = false;
        after = after.get(1..).unwrap_or_default();
        let end = after.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
        after = after.get(end..).unwrap_or_default();
    }
    (after, whole)
}

/// Skips a unit and the blank before it.
fn skip_unit(after: &[u8]) -> &[u8] {
    let unit = after.strip_prefix(b" ").unwrap_or(after);
    let end = unit.iter().take(8).position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(unit.len().min(8));
    match unit.split_at_checked(end) {
        Some((name, rest)) if !name.is_empty() && UNITS.contains(&name) => rest,
        _ => after,
    }
}

/// Whether the text starts with 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &[u8]) -> bool {
    let Some(head) = text.get(..36) else { return false };
    head.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// A fast 64-bit hash; the set it feeds is not exposed to anyone who could gain by collisions.
fn hash_bytes(text: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = MIX ^ text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    let mut tail = [0u8; 8];
    for (to, from) in tail.iter_mut().zip(chunks.remainder()) {
        *to = *from;
    }
    mix(mix(hash ^ u64::from_le_bytes(tail)))
}

/// Multiplies to 128 bits and folds the halves together.
fn mix(value: u64) -> u64 {
    let wide = u128::from(value) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Hashes are already mixed: the set takes them as they are.
#[derive(Debug, Default, Clone)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_bytes(bytes);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The normalised lines of a passing log.
#[derive(Debug, Default)]
pub(super) struct Known {
    lines: HashSet<u64, BuildHasherDefault<AsIs>>,
    /// Whether lines were left out because the set was full.
    pub(super) cut: bool,
}

impl Known {
    /// Adds one line.
    pub(super) fn insert(&mut self, hash: u64) {
        if self.lines.len() < KNOWN_CAP {
            self.lines.insert(hash);
        } else if !self.lines.contains(&hash) {
            self.cut = true;
        }
    }

    /// Whether the passing log has the line.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.lines.contains(&hash)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn same(left: &str, right: &str) -> bool {
        let mut normaliser = Normaliser::default();
        normaliser.hash(left.as_bytes()) == normaliser.hash(right.as_bytes())
    }

    #[test]
    fn values_that_change_from_run_to_run_do_not_make_a_line_new() {
        for (left, right) in [
            ("Total time:  13.154 s", "Total time: 01:04 min"),
            ("Finished at: 2022-02-15T05:24:34+01:00", "Finished at: 2023-12-01T15:04:01+01:00"),
            ("took 12ms", "took 3s"),
            ("Checking out c47235dadebbf566a4f8 (main)", "Checking out 0047235dadebbf5aaaaa (main)"),
            (
                "HOME=/tmp/89a56861-59b4-4d5f-b27e-8b7cd7c44a51/x",
                "HOME=/tmp/ab156861-deed-abcd-beef-8b7cd7c44afe/x",
            ),
            ("listening on 127.0.0.1:38411", "listening on 127.0.0.1:5"),
            ("for 4f1c2d3e-1111-2222-3333-444455556666", "for abcdefab-1111-2222-3333-444455556666"),
            ("pod api-7d9f8b6c5-x2x4z ready", "pod api-66f9d7c4b-q9t1m ready"),
            ("ptr 0xc000123450", "ptr 0xc0009"),
            ("python /tmp/jenkins6935586436688970599.py", "python /tmp/jenkins12.py"),
            ("  read     5 files", "read 12 files  "),
            ("  42%   3 left", "100% 12 left"),
        ] {
            assert!(same(left, right), "{left} / {right}");
        }
    }

    #[test]
    fn differences_that_matter_stay() {
        for (left, right) in [
            ("Tests run: 3, Failures: 0, Errors: 0", "Tests run: 3, Failures: 1, Errors: 0"),
            ("exit code 0", "exit code 1"),
            ("Module A ..... SUCCESS", "Module A ..... FAILURE"),
            ("open a.txt", "open b.txt"),
            ("deadbeefs", "cafe"),
            ("", "x"),
            ("a", "a\0"),
        ] {
            assert!(!same(left, right), "{left} / {right}");
        }
    }

    #[test]
    fn the_set_stops_growing_and_says_so() {
        let mut known = Known::default();
        for value in 0..KNOWN_CAP as u64 + 10 {
            known.insert(mix(value));
        }
        assert_eq!(known.lines.len(), KNOWN_CAP);
        assert!(known.cut);
        assert!(known.contains(mix(1)));
    }
}
