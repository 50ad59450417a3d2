//! Text of reports made fit to show, and what can be read from it.

use crate::evidence::log::clean_text;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// Characters kept of a name.
pub(super) const NAME_CAP: usize = 512;
/// Characters kept of a message.
pub(super) const MESSAGE_CAP: usize = 1024;
/// Put at the end of a text that was cut.
const CUT: char = '\u{2026}';

/// A pattern that is compiled at first use.
pub(super) type Pattern = LazyLock<Option<Regex>>;

/// Makes a [`Pattern`]; a test holds every pattern to compiling.
macro_rules! pattern {
    ($text:expr) => {
        std::sync::LazyLock::new(|| regex::Regex::new($text).ok())
    };
}
pub(super) use pattern;

/// Matches a pattern.
pub(super) fn captures<'t>(pattern: &Pattern, text: &'t str) -> Option<Captures<'t>> {
    let regex = pattern.as_ref()?;
    // Most texts do not match, and room for groups costs more than finding that out.
    if regex.is_match(text) { regex.captures(text) } else { None }
}

/// Whether a pattern matches.
pub(super) fn is_match(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// A captured group, or the empty string.
pub(super) fn group<'t>(found: &Captures<'t>, index: usize) -> &'t str {
    found.get(index).map_or("", |part| part.as_str())
}

/// Most that a count is taken for: sums of a few stay numbers, whatever a report says.
pub(super) const MOST: u64 = 1 << 40;

/// A captured number, or 0.
pub(super) fn number(found: &Captures<'_>, index: usize) -> u64 {
    group(found, index).parse().unwrap_or(0).min(MOST)
}

/// A number of things, in words.
pub(super) fn several(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Whether a failure of mocha is one of a hook that ends the suite around it.
pub(super) fn is_needed_hook(name: &str) -> bool {
    ["before all", "before each", "after each"].iter().any(|hook| name.contains(&format!("\"{hook}\" hook")))
}

/// Characters that change how the text around them is shown.
fn is_bidi(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of plain text: no escapes, control or bidirectional characters, runs of white
/// space as one blank, at most `cap` characters with a mark where it was cut.
pub(super) fn tidy(text: &str, cap: usize) -> String {
    let mut out = String::new();
    let mut chars = 0usize;
    let mut gap = false;
    for line in text.split(['\n', '\r']) {
        for c in clean_text(line.as_bytes()).chars() {
            if c.is_whitespace() {
                gap = !out.is_empty();
                continue;
            }
            if is_bidi(c) || c.is_control() {
                continue;
            }
            if chars + usize::from(gap) >= cap {
                // The mark replaces the last character, so that the cap holds.
                while chars >= cap && out.pop().is_some() {
                    chars -= 1;
                }
                out.push(CUT);
                return out;
            }
            if gap {
                out.push(' ');
                chars += 1;
                gap = false;
            }
            out.push(c);
            chars += 1;
        }
        gap = !out.is_empty();
    }
    out
}

/// Appends to a text that is being collected, up to a bound that leaves room for cleaning.
pub(super) fn collect(into: &mut String, line: &str) {
    const BOUND: usize = 4 * MESSAGE_CAP;
    if into.len() >= BOUND {
        return;
    }
    if !into.is_empty() {
        into.push('\n');
    }
    let mut end = line.len().min(BOUND);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    into.push_str(line.get(..end).unwrap_or(""));
}

/// Seconds from an attribute: a decimal comma and thousands are understood, NaN, infinite and
/// negative values are none.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('s');
    // Of two marks the last one begins the fraction.
    let plain = match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => text.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => text.replace(',', ""),
        _ => text.replace(',', "."),
    };
    plain.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
}

/// `path:line` with an extension of source code.
static PATH_LINE: Pattern = pattern!(
    r#"((?:[A-Za-z]:)?[\w./\\@+~%$<>-]*\.(?:go|pyx?|[cm]?[jt]sx?|rs|java|kts?|scala|groovy|rb|php|phpt|cs|fs|vb|cpp|cxx|cc|c|hpp|hh|h|mm?|swift|bats|bash|sh|exs?|erl|dart|feature|vue|svelte|lua|pl|t|clj|hs|ml|zig|nim)):(\d{1,7})\b"#
);
/// `File "x.py", line 7`.
static PYTHON_FRAME: Pattern = pattern!(r#"File "([^"]{1,400})", line (\d{1,7})"#);
/// `(in test file x.bats, line 7)`.
static BATS_FRAME: Pattern = pattern!(r"in test file (.{1,400}?), line (\d{1,7})");
/// `In [It] at: /x/y_test.go:7 @ ...`.
static GINKGO_AT: Pattern = pattern!(r"In \[[^\]]{1,60}\] at: (\S{1,400}?):(\d{1,7})(?:\s|$)");

/// `   at A.B() in /src/A.cs:line 7`, in whatever language .NET says `line`.
static DOTNET_FRAME: Pattern = pattern!(
    r"(?m)^\s*\S.*\s\S{1,4} ((?:[A-Za-z]:)?[^\s:][^\r\n:]{0,300}\.\w{1,8}):(?:line|Zeile|ligne|línea|linha|riga|строка|行|줄|regel|rad|linje|wiersz|satır) (\d{1,7})\s*$"
);

/// Paths of runtimes and libraries: the frame that matters is rarely there.
pub(super) fn is_library(path: &str) -> bool {
    const PARTS: &[&str] = &[
        "node_modules", "site-packages", "node:", "internal/", "/usr/local/go/src", "/sdk/go",
        "/go/pkg/mod/", "/rustc/", "<anonymous>", "vendor/", "/_pytest/", "/lib/python", "testing.go",
        "\\go\\src", "/xunit.assert/", "/NUnitFramework/",
    ];
    const FILES: &[&str] = &[
        "Assert.java", "Assertions.java", "TestCase.java", "Method.java", "Optional.java",
        "NativeMethodAccessorImpl.java", "DelegatingMethodAccessorImpl.java", "Thread.java",
        "MatcherAssert.java", "AssertionUtils.java", "AssertTrue.java", "AssertEquals.java",
        "AssertionFailureBuilder.java", "Constructor.java", "panicking.rs", "function.rs",
    ];
    PARTS.iter().any(|part| path.contains(part)) || FILES.iter().any(|file| path.ends_with(file))
}

/// The place in source code that a failure's text names: what the tool marks as the place
/// first, then the first frame outside libraries.
pub(super) fn location(text: &str) -> Option<(String, u64)> {
    for pattern in [&GINKGO_AT, &BATS_FRAME] {
        if let Some(found) = captures(pattern, text)
            && !is_library(group(&found, 1))
        {
            return Some((group(&found, 1).to_owned(), number(&found, 2)));
        }
    }
    let dotnet = DOTNET_FRAME.as_ref()?.captures_iter(text).take(200);
    let mut dotnet = dotnet.filter(|found| !is_library(group(found, 1)));
    if let Some(found) = dotnet.next() {
        return Some((group(&found, 1).to_owned(), number(&found, 2)));
    }
    // A Python traceback ends where it happened.
    let python = PYTHON_FRAME.as_ref()?.captures_iter(text).take(200);
    let python = python.filter(|found| !is_library(group(found, 1))).last();
    if let Some(found) = python {
        return Some((group(&found, 1).to_owned(), number(&found, 2)));
    }
    let mut fallback = None;
    for found in PATH_LINE.as_ref()?.captures_iter(text).take(200) {
        let path = group(&found, 1);
        let place = || Some((path.trim_start_matches("file://").to_owned(), number(&found, 2)));
        if !is_library(path) {
            return place();
        }
        if fallback.is_none() {
            fallback = place();
        }
    }
    fallback
}

/// The places outside libraries that a text names, in order, and not very many of them.
pub(super) fn locations(text: &str) -> Vec<(String, u64)> {
    let found = PATH_LINE.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(text).take(200));
    found
        .map(|found| (group(&found, 1).trim_start_matches("file://").to_owned(), number(&found, 2)))
        .filter(|(path, _)| !is_library(path))
        .take(20)
        .collect()
}

/// Whether two paths name the same file, one of them perhaps from a folder further up.
pub(super) fn same_file(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let short = short.trim_start_matches("./");
    // Of a path with blanks in it mostly what follows the last blank is read.
    !short.is_empty()
        && long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', '\\', ' ']))
}

/// The last `path:line` of a text, for tools that end with it.
pub(super) fn last_location(text: &str) -> Option<(String, u64)> {
    let found = PATH_LINE.as_ref()?.captures_iter(text).take(2000).last()?;
    Some((group(&found, 1).to_owned(), number(&found, 2)))
}

/// The part of a failure's text that says what is wrong: what comes before the stack.
pub(super) fn headline(text: &str) -> String {
    let mut said = String::new();
    for line in text.lines() {
        let bare = line.trim_start();
        let frame = bare.starts_with("at ") || bare.starts_with("File \"") || bare.starts_with("\u{276f} ");
        if frame && !said.is_empty() {
            break;
        }
        if !bare.is_empty() && !frame {
            collect(&mut said, line);
        }
        if said.len() > MESSAGE_CAP {
            break;
        }
    }
    said
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&PATH_LINE, &PYTHON_FRAME, &BATS_FRAME, &GINKGO_AT, &DOTNET_FRAME]
}
