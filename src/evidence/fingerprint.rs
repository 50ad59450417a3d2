//! What identifies a failure: its text without what changes from run to run.
//!
//! [`normalise`] reduces one line: times, durations, ids, hexadecimal and random words,
//! addresses, ports, directories and numbers become marks like `{n}`. Kept are numbers that say
//! what is wrong: status, exit and error codes, and the two loopback addresses, since `::1`
//! instead of `127.0.0.1` is a cause of its own.
//!
//! [`Failures::fingerprint`] is equal for the same failure in another run, whatever the order of
//! its tests. It takes the names of the failing tests into account, where numbers count: test
//! 004 is not test 005. [`Failures::signature`] is what the failure says, without the tests'
//! names: equal signatures in several jobs are failures that look alike.
//!
//! A match of fingerprints is a hint for people. It never excuses a failure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use super::plain;

/// Characters of a text that are looked at.
const LOOKED_AT: usize = 2048;

/// Characters of a normalised message that identify it; what follows is often cut by the tool.
const IDENTIFYING: usize = 240;

/// Characters of a signature.
const SIGNATURE: usize = 300;

/// From this number of failing tests on, what they say identifies the failure and not which they
/// are: when a service is down, a few tests more or less fail each time.
const MANY: usize = 9;

/// Part of what is hashed, so that a change of the rules changes every fingerprint.
const RULES: &str = "1";

/// Rules in the order in which they are applied, with what replaces a match.
static STEPS: LazyLock<Option<Vec<(Regex, &'static str)>>> = LazyLock::new(|| {
    const DATE: &str = r"\d{4}[-/]\d{2}[-/]\d{2}";
    const CLOCK: &str = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?";
    const ZONE: &str = r"(?:\s?(?:Z|[+-]\d{2}:?\d{2}|UTC|GMT|CES?T|[ECMP][SD]T))?";
    const UNIT: &str = r"(?:ns|us|\u{b5}s|\u{3bc}s|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)";
    const SUFFIX: &str = "[bcdfghjklmnpqrstvwxz2456789]";
    [
        (r"\s+".to_owned(), " "),
        (format!(r"\b{DATE}[T ]{CLOCK}(?:[T ]?{ZONE})(?:\s+m=[+-][\d.]+)?"), "{time}"),
        (format!(r"\b\d{{2}}/\d{{2}}/\d{{2,4}} {CLOCK}"), "{time}"),
        (
            format!(r"\b(?:[A-Z][a-z]{{2}},? )?[A-Z][a-z]{{2}} +\d{{1,2}}(?: \d{{4}})? {CLOCK}{ZONE}"),
            "{time}",
        ),
        (format!(r"\b[IWEF]\d{{4}} {CLOCK}"), "{time}"),
        (format!(r"\b(?:{DATE}|{CLOCK})\b"), "{time}"),
        (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b".to_owned(), "{id}"),
        (r#"(?:/private)?/(?:tmp|var/tmp|var/folders)/[^\s"'`,;:()\[\]{}<>]*"#.to_owned(), "{path}"),
        (r#"(?P<a>^|[\s"'`(\[{=<:,@])(?:[A-Za-z]:)?(?:[/\\][\w.@+~%$-]+)+[/\\]"#.to_owned(), "${a}{path}/"),
        (r"\b127\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b".to_owned(), "{loopback4}"),
        (r"\[?::1\](?::\d{1,5})?|(?P<a>^|[\s(])::1\b".to_owned(), "${a}{loopback6}"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b".to_owned(), "{addr}"),
        (r"(?i)\[[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}\](?::\d{1,5})?".to_owned(), "{addr}"),
        (r"\b0[xX][0-9a-fA-F]+\b".to_owned(), "{hex}"),
        (format!(r"-{SUFFIX}{{8,10}}-{SUFFIX}{{5}}\b"), "-{id}"),
        (format!(r"-{SUFFIX}{{5}}\b"), "-{id}"),
        (r"\btmp[a-z0-9_]{6,12}\b".to_owned(), "{id}"),
        (
            format!(r"\b(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|\u{{b5}}s|ns)){{2,4}}\b|\b\d+(?:\.\d+)?\s?{UNIT}\b"),
            "{duration}",
        ),
    ]
    .into_iter()
    .map(|(pattern, mark)| Regex::new(&pattern).ok().map(|regex| (regex, mark)))
    .collect()
});

/// A word with digits in it.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z]*[0-9][A-Za-z0-9]*").ok());

/// What comes before a number that says what is wrong.
static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:status|code|errno|sqlstate|signal|exit|http)[ :=(\[#<]{0,3}(?:is |was )?$").ok()
});

/// One line without what changes from run to run, on one line and bounded.
pub fn normalise(text: &str) -> String {
    reduce(text, false)
}

/// A test's name without what changes from run to run; its numbers stay unless they are long.
pub fn normalise_name(name: &str) -> String {
    reduce(name, true)
}

fn reduce(text: &str, name: bool) -> String {
    let text = plain::line(text, LOOKED_AT);
    let Some(steps) = STEPS.as_ref() else { return text };
    let mut text = Cow::Owned(text.trim().trim_end_matches(['\u{2026}', '.', ' ']).to_owned());
    for (regex, mark) in steps {
        if let Cow::Owned(next) = regex.replace_all(&text, *mark) {
            text = Cow::Owned(next);
        }
    }
    words(&text, name)
}

/// Reduces words with digits.
fn words(text: &str, name: bool) -> String {
    let Some(word) = WORD.as_ref() else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for found in word.find_iter(text) {
        let before = text.get(..found.start()).unwrap_or_default();
        let after = text.get(found.end()..).unwrap_or_default();
        out.push_str(text.get(last..found.start()).unwrap_or_default());
        last = found.end();
        // The marks themselves hold digits.
        if before.ends_with('{') {
            out.push_str(found.as_str());
        } else {
            push_word(&mut out, found.as_str(), before, after, name);
        }
    }
    out.push_str(text.get(last..).unwrap_or_default());
    fold_fractions(&out)
}

/// `{n}.{n}` and the like are one number.
fn fold_fractions(text: &str) -> String {
    let mut text = text.to_owned();
    for joined in ["{n}.{n}", "{n},{n}", "{n}:{n}"] {
        while text.contains(joined) {
            text = text.replace(joined, "{n}");
        }
    }
    text
}

/// Writes what is left of a word that has a digit.
fn push_word(out: &mut String, word: &str, before: &str, after: &str, name: bool) {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.len() - digits;
    if letters == 0 {
        let code = word.len() <= 6 && (is_code(before) || is_http(word, after));
        if code || (name && word.len() < 6) {
            out.push_str(word);
        } else {
            out.push_str("{n}");
        }
        return;
    }
    let hex = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
    if hex || (word.len() >= 5 && turns(word) >= 3 && !is_version(word)) {
        out.push_str("{id}");
        return;
    }
    // Codes of compilers and linters: E0308, TS2304, SA1019.
    let upper = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let code = (1..=6).contains(&upper) && upper + digits == word.len() && (3..=5).contains(&digits);
    if code || (name && digits < 6) {
        out.push_str(word);
        return;
    }
    let mut in_digits = false;
    for c in word.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !in_digits {
            out.push_str("{n}");
        }
        in_digits = c.is_ascii_digit();
    }
}

/// Whether what stands before a number makes it a code.
fn is_code(before: &str) -> bool {
    let mut start = before.len().saturating_sub(24);
    while !before.is_char_boundary(start) {
        start += 1;
    }
    CODE.as_ref().is_some_and(|code| code.is_match(before.get(start..).unwrap_or_default()))
}

/// `404 Not Found` and `503 Service Unavailable`.
fn is_http(word: &str, after: &str) -> bool {
    let after: Vec<u8> = after.bytes().take(2).collect();
    word.len() == 3 && word.starts_with(['4', '5']) && matches!(after.as_slice(), [b' ', b'A'..=b'Z'])
}

/// Changes between letters and digits.
fn turns(word: &str) -> usize {
    let digit = |byte: &u8| byte.is_ascii_digit();
    word.as_bytes().iter().zip(word.as_bytes().iter().skip(1)).filter(|(a, b)| digit(a) != digit(b)).count()
}

/// `v1alpha1`.
fn is_version(word: &str) -> bool {
    word.starts_with('v') && (word.contains("alpha") || word.contains("beta"))
}

/// What is known of a job's failures.
#[derive(Debug, Default)]
pub struct Failures {
    /// Normalised names with what the tests say.
    tests: BTreeSet<(String, String)>,
    /// Normalised lines of the log, where no test is known.
    lines: Vec<String>,
    /// What all of them say with their values.
    values: BTreeSet<String>,
}

impl Failures {
    /// Adds a failing test.
    pub fn test(&mut self, name: &str, message: Option<&str>) {
        if let Some(text) = message {
            self.values.insert(format!("{}\n{}", normalise_name(name), valued(text)));
        }
        let message = message.map(|text| plain::cut(&normalise(text), IDENTIFYING)).unwrap_or_default();
        self.tests.insert((plain::cut(&normalise_name(name), IDENTIFYING), message));
    }

    /// Adds a line of the log that says what went wrong.
    pub fn line(&mut self, text: &str) {
        let text = bare(text);
        if is_exit(text) {
            return;
        }
        let line = plain::cut(&normalise(text), IDENTIFYING);
        if text.chars().any(char::is_alphabetic) && !self.lines.contains(&line) {
            self.values.insert(valued(text));
            self.lines.push(line);
        }
    }

    /// Equal for the same failure in another run; none where nothing is known.
    pub fn fingerprint(&self) -> Option<String> {
        let mut parts: Vec<String> = if self.tests.len() >= MANY {
            match self.usual_message() {
                Some(message) => vec!["many".to_owned(), message.to_owned()],
                None => self.tests.iter().map(|(name, _)| name.clone()).collect(),
            }
        } else {
            self.tests.iter().map(|(name, message)| format!("{name}\n{message}")).collect()
        };
        if parts.is_empty() {
            parts = self.lines.clone();
            parts.sort();
        }
        if parts.is_empty() {
            return None;
        }
        Some(digest(&parts))
    }

    /// Equal where the same tests say the same with the same values: numbers count here, unless they are long or
    /// times, addresses and the like. None where nothing is known.
    pub fn values(&self) -> Option<String> {
        let parts: Vec<&String> = self.values.iter().collect();
        (!parts.is_empty()).then(|| digest(&parts))
    }

    /// What the failure says, on one line, without the tests' names where they say something.
    pub fn signature(&self) -> Option<String> {
        let said = self
            .usual_message()
            .or_else(|| self.tests.first().map(|(name, _)| name.as_str()))
            .or_else(|| self.lines.first().map(String::as_str))?;
        Some(plain::cut(said, SIGNATURE))
    }

    /// What most of the tests say; of equals the first by the alphabet.
    fn usual_message(&self) -> Option<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, message) in self.tests.iter().filter(|(_, message)| !message.is_empty()) {
            *counts.entry(message).or_default() += 1;
        }
        let most = counts.values().max().copied()?;
        counts.into_iter().find(|(_, count)| *count == most).map(|(message, _)| message)
    }
}

/// A message without what changes from run to run, but with its values.
fn valued(text: &str) -> String {
    plain::cut(&normalise_name(text), IDENTIFYING)
}

fn digest(parts: &[impl AsRef<str>]) -> String {
    let mut hash = Sha256::new();
    hash.update(RULES);
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A line without the markers of tools.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    for marker in ["##[error]", "[ERROR]", "Error:", "error:"] {
        text = text.strip_prefix(marker).unwrap_or(text).trim_start();
    }
    text
}

/// Lines that only say that something ended badly.
fn is_exit(text: &str) -> bool {
    [
        "Process completed with exit code", "The operation was canceled", "make: ***", "BUILD FAIL",
        "Finished: ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests;
