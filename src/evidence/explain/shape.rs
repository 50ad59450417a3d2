//! What kind of line a line is, by its form.
//!
//! The rules speak of forms that tools share (a level in brackets, `path:line:col: error`, an
//! exception's name before a colon, a stack frame, a test's name next to FAILED) and know
//! neither projects nor files. A line has one [`Kind`]; which lines open, carry on or end a
//! block is decided in `grow`.

use super::signs::Signs;
use memchr::memmem;

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Nothing but blanks.
    Blank,
    /// Progress of downloads and the like.
    Noise,
    /// A ruler, a heading, a total: says that something failed, not what.
    Rule,
    /// Marked as information, or a test that passed, or a command that is echoed.
    Info,
    /// Marked as a warning.
    Warn,
    /// Anything else.
    Plain,
    /// Advice that tools print after an error.
    Help,
    /// A plain line with a word such as `failed`.
    Weak,
    /// The build step's own verdict, `marked build as failure`, `make: *** ... Error 1`.
    Status,
    /// A build tool's short reason after a heading such as `What went wrong`.
    Summary,
    /// A log line of the program under test at level error.
    AppError,
    /// A plain line that names a cause.
    Phrase,
    /// A frame of a stack trace.
    Frame,
    /// The head of a stack trace or the like.
    Exception,
    /// A tool's error line or a compiler's diagnostic.
    Error,
    /// A failing test's heading or its line in a summary.
    TestFail,
}

/// A level named in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
}

/// The kind of a line; `text` is the line without envelope and escapes.
pub(super) fn kind(text: &[u8], signs: Signs) -> Kind {
    let indent = indent(text);
    let line = text.trim_ascii();
    if line.is_empty() {
        return Kind::Blank;
    }
    if noise(line) {
        return Kind::Noise;
    }
    if frame(line, indent) {
        return Kind::Frame;
    }
    if let Some((level, body)) = bracketed(line) {
        return match level {
            Level::Error if heading(body) => Kind::Rule,
            Level::Error if advice(body) => Kind::Help,
            Level::Error => Kind::Error,
            Level::Warn if signs.hard() => Kind::Phrase,
            Level::Warn => Kind::Warn,
            Level::Info => Kind::Info,
        };
    }
    if ruler(line) || heading(line) {
        return Kind::Rule;
    }
    if status(line, signs.weak) {
        return Kind::Status;
    }
    if test_fail(line, indent, signs.weak) {
        return Kind::TestFail;
    }
    if passing(line, indent) {
        return Kind::Info;
    }
    if exception(line, indent) {
        return Kind::Exception;
    }
    // Build tools' levels as an annotating runner rewrites them: `Error:  -> [Help 1]`.
    if let Some(body) = rewritten(line, "Error:") {
        if heading(body) {
            return Kind::Rule;
        } else if advice(body) {
            return Kind::Help;
        }
    }
    match logged(line) {
        Some(Level::Error) => return Kind::AppError,
        Some(Level::Warn) => return if signs.hard() { Kind::Phrase } else { Kind::Warn },
        Some(Level::Info) => return Kind::Info,
        None => {}
    }
    if starts(line, &["Warning:", "warning:"]) {
        return if signs.hard() { Kind::Phrase } else { Kind::Warn };
    }
    if error_prefix(line) || diagnostic(line, indent, signs.weak) {
        return Kind::Error;
    }
    if source_code(line) {
        Kind::Plain
    } else if signs.strong() || (signs.weak && place(line)) {
        Kind::Phrase
    } else if signs.weak {
        Kind::Weak
    } else {
        Kind::Plain
    }
}

/// Blanks before the text, a tab as eight.
pub(super) fn indent(text: &[u8]) -> usize {
    text.iter()
        .map_while(|byte| match byte {
            b' ' => Some(1),
            b'\t' => Some(8),
            _ => None,
        })
        .sum()
}

/// Whether the line reads like source text, which names failures without having any.
fn source_code(line: &[u8]) -> bool {
    ends(line, &["{", "}", ";", "*/"]) || starts(line, &["//", "/*", "import "])
}

pub(super) fn starts(line: &[u8], heads: &[&str]) -> bool {
    let Some(first) = line.first() else { return false };
    // Comparing one byte first spares a call for nearly every head.
    heads.iter().any(|head| head.as_bytes().first() == Some(first) && line.starts_with(head.as_bytes()))
}

pub(super) fn ends(line: &[u8], tails: &[&str]) -> bool {
    let Some(last) = line.last() else { return false };
    tails.iter().any(|tail| tail.as_bytes().last() == Some(last) && line.ends_with(tail.as_bytes()))
}

fn has(line: &[u8], part: &str) -> bool {
    memmem::find(line, part.as_bytes()).is_some()
}

/// Downloads, transfers, counters.
fn noise(line: &[u8]) -> bool {
    starts(
        line,
        &[
            "Downloading", "Downloaded", "Progress (", "Receiving objects:", "Resolving deltas:",
            "Unpacking objects:", "Counting objects:", "Compressing objects:", "remote: ", "Get:", "Hit:",
            "Uploading", "Uploaded", "Updating files:", "Pulling fs layer", "Extracting",
        ],
    ) || (line.len() > 20
        && line.first().is_some_and(u8::is_ascii_digit)
        && line.iter().all(|byte| byte.is_ascii_digit() || b" -:.kMG%".contains(byte)))
}

/// A frame of a stack trace: Java, JavaScript, .NET, Python, Go, Rust, Ruby.
fn frame(line: &[u8], indent: usize) -> bool {
    if let Some(rest) = line.strip_prefix(b"at ") {
        let first = rest.split(|byte| *byte == b' ' || *byte == b'(').next().unwrap_or_default();
        let place = first.iter().any(|byte| matches!(byte, b'.' | b'/' | b':' | b'<' | b'$'));
        return (place || (indent >= 4 && has(rest, "("))) && !ends(line, &["."]);
    }
    if line.starts_with(b"... ") {
        return ends(line, &[" more", "omitted", "..."]) || has(line, " elided");
    }
    if line.starts_with(b"File \"") {
        return has(line, "\", line ");
    }
    if line.starts_with(b"from ") {
        return has(line, ":in ");
    }
    if line.starts_with(b"created by ") {
        return true;
    }
    indent >= 4 && (has(line, ".go:") && has(line, " +0x"))
}

/// A level in brackets or before a colon at the start of the line, and what follows it.
pub(super) fn bracketed(line: &[u8]) -> Option<(Level, &[u8])> {
    const LEVELS: &[(&str, Level)] = &[
        ("[ERROR]", Level::Error),
        ("[FATAL]", Level::Error),
        ("[SEVERE]", Level::Error),
        ("[error]", Level::Error),
        ("[WARNING]", Level::Warn),
        ("[WARN]", Level::Warn),
        ("[warn]", Level::Warn),
        ("[INFO]", Level::Info),
        ("[info]", Level::Info),
        ("[DEBUG]", Level::Info),
        ("[debug]", Level::Info),
        ("[TRACE]", Level::Info),
        ("##[error]", Level::Error),
        ("##[warning]", Level::Warn),
        ("##[notice]", Level::Info),
        ("##[group]", Level::Info),
        ("##[endgroup]", Level::Info),
        ("##[command]", Level::Info),
        ("##[debug]", Level::Info),
        ("##[section]", Level::Info),
        ("[command]", Level::Info),
        ("::error", Level::Error),
        ("::warning", Level::Warn),
        ("::group::", Level::Info),
        ("::endgroup::", Level::Info),
        ("::debug::", Level::Info),
    ];
    if !matches!(line.first(), Some(b'[' | b'#' | b':')) {
        return None;
    }
    LEVELS.iter().find_map(|(head, level)| {
        let body = line.strip_prefix(head.as_bytes())?;
        Some((*level, body.trim_ascii_start()))
    })
}

/// Advice after an error; says nothing about this failure.
fn advice(body: &[u8]) -> bool {
    body.is_empty()
        || starts(
            body,
            &[
                "To see the full stack trace", "Re-run Maven", "For more information", "[Help", "-> [Help",
                "After correcting", "mvn <", "Try:", "> Run with",
            ],
        )
}

/// A line of rulers.
fn ruler(line: &[u8]) -> bool {
    let marks = b"-=*~#+_.<>| \t";
    line.len() >= 3 && line.iter().all(|byte| marks.contains(byte))
        || b"=-*#".iter().any(|mark| framed(line, *mark))
}

/// Whether a text stands between two rulers: `=== 1 failed in 3s ===`.
fn framed(line: &[u8], mark: u8) -> bool {
    let Some(after) = line.iter().position(|byte| *byte != mark) else { return true };
    let Some(last) = line.iter().rposition(|byte| *byte != mark) else { return true };
    let inner = line.get(after..=last).unwrap_or_default();
    let even = after > 0 && last + 1 < line.len() && inner.starts_with(b" ") && inner.ends_with(b" ");
    even && (mark == b'=' || after >= 4) && !inner.ends_with(b" stdout ")
}

/// Headings and totals that repeat in every failing log of a tool.
fn heading(line: &[u8]) -> bool {
    let heads = [
        "BUILD FAIL", "BUILD SUCC", "COMPILATION ERROR", "COMPILATION WARNING", "Finished: ",
        "FAILURE: Build ", "* What went wrong", "* Try:", "* Get more help", "* Exception is:", "> Run with",
        "> Get more help", "Total time", "Finished at", "Final Memory", "Reactor Summary",
        "Process completed with exit code", "Error: Process completed with exit code", "> Task :",
        "Post job cleanup", "FAILURE: Executing ",
    ];
    if starts(line, &heads) {
        return true;
    }
    if line.first().is_some_and(u8::is_ascii_digit) {
        let rest = line.trim_ascii_start();
        let words =
            rest.iter().position(|byte| *byte == b' ').and_then(|at| rest.get(at + 1..)).unwrap_or_default();
        return matches!(
            words.trim_ascii(),
            b"error" | b"errors" | b"warning" | b"warnings" | b"problem" | b"problems"
        ) || starts(
            words,
            &["actionable task", "tests completed", "test completed", "error generated", "errors generated"],
        );
    }
    false
}

/// A verdict about a step or a target.
fn status(line: &[u8], weak: bool) -> bool {
    (weak && has(line, "marked build as failure"))
        || (line.starts_with(b"make") && has(line, "*** "))
        || starts(
            line,
            &[
                "exit status ", "Command failed with exit code", "error Command failed",
                "npm ERR! Test failed", "FAIL! -- ",
            ],
        )
}

/// A failing test's heading, or a count of failures that is not zero.
fn test_fail(line: &[u8], indent: usize, weak: bool) -> bool {
    if starts(
        line,
        &[
            "--- FAIL:", "=== FAIL", "FAIL\t", "FAIL ", "FAIL:", "FAILED ", "not ok ", "\u{2717} ",
            "\u{2715} ", "\u{2718} ", "\u{d7} ", "\u{25cf} ", "[FAIL]", "[FAILED]", "[PANICKED",
            "[TIMEDOUT]", "[INTERRUPTED]", "[ABORTED]", "\u{2022} [FAIL", "\u{2022} [PANIC",
            "\u{2022} [TIMED", "\u{2022} [INTER", "\u{2022} [ABORT", "\u{2022}! ", "Failed tests:",
            "Tests in error:", "Summarizing ", "There were failures detected", "ERROR: test", "ERROR tests/",
            "ERROR test/",
        ],
    ) {
        return !starts(line, &["\u{25cf} Console"]);
    }
    if weak && (line == b"failures:" || has(line, "<<< FAIL") || has(line, "<<< ERROR")) {
        return true;
    }
    if line.starts_with(b"Tests run:") {
        return ["Failures: ", "Errors: "].iter().any(|name| nonzero_after(line, name));
    }
    if ends(line, &["%]"]) && has(line, "::") && (has(line, " FAILED ") || has(line, " ERROR ")) {
        return true;
    }
    if ends(line, &[" FAILED"]) {
        return line.starts_with(b"test ") || has(line, " > ") || has(line, "::") || has(line, "() ");
    }
    if starts(line, &["____", "---- "]) {
        return ends(line, &["____", "stdout ----", "_ _"]) && line.iter().any(u8::is_ascii_alphanumeric);
    }
    let number = line.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(0);
    indent >= 2
        && (1..=3).contains(&number)
        && line.get(number..).is_some_and(|rest| rest.starts_with(b") "))
        && !ends(line, &["."])
}

/// Whether a number other than zero follows the name.
pub(super) fn nonzero_after(line: &[u8], name: &str) -> bool {
    let Some(at) = memmem::find(line, name.as_bytes()) else { return false };
    line.get(at + name.len()..).and_then(<[u8]>::first).is_some_and(|digit| (b'1'..=b'9').contains(digit))
}

/// A test that passed, or a command that is being echoed.
fn passing(line: &[u8], indent: usize) -> bool {
    ends(
        line,
        &[
            " PASSED", " ... ok", " SKIPPED", " STARTED", " ... ignored", " UP-TO-DATE", " NO-SOURCE",
            " ... PASSED",
        ],
    ) || starts(
        line,
        &[
            "--- PASS", "--- SKIP", "=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "ok  \t", "ok \t",
            "PASS", "\u{2713}", "\u{2714}", "\u{221a}", "SUCCESS!", "\u{2022} [", "+ ", "++ ", "+++ ",
            "Tests run:", "Running ",
        ],
    ) || (line.starts_with(b"ok ") && line.get(3).is_some_and(u8::is_ascii_digit))
        || (indent == 1 && line.starts_with(b"> git "))
        || (ends(line, &["%]"])
            && has(line, "::")
            && ["PASSED", "SKIPPED", "XFAIL", "XPASS"].iter().any(|state| has(line, state)))
}

/// The head of a stack trace, of a panic, or of a nested cause.
fn exception(line: &[u8], indent: usize) -> bool {
    if starts(
        line,
        &[
            "Traceback (most recent call last)", "Caused by:", "Caused: ", "Suppressed: ", "Also: ",
            "Wrapped by: ", "Exception in thread", "During handling of the above", "The above exception was",
            "panic: ", "goroutine ", "fatal error: ", "thread '", "thread \"", "Uncaught ", "Unhandled ",
            "unhandled ", "WARNING: DATA RACE", "Segmentation fault", "terminate called",
            "nested exception is", "==ERROR: ",
        ],
    ) {
        return true;
    }
    // What pytest prints before the lines of an assertion.
    if indent == 0 && starts(line, &["E   "]) {
        return true;
    }
    let name_end = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || b"._$/".contains(byte)))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(name_end).unwrap_or((line, &[]));
    let tail = rest.first();
    if !matches!(tail, None | Some(b':')) && !rest.starts_with(b" [") {
        return false;
    }
    let Some(last) = name.rsplit(|byte| b".$/".contains(byte)).next() else { return false };
    let named = ends(last, &["Exception", "Error", "Throwable", "Failure"]) && last.len() > 7;
    named && last.first().is_some_and(u8::is_ascii_uppercase)
}

/// The level of a line that a logging library wrote.
fn logged(line: &[u8]) -> Option<Level> {
    let head = line.get(..96).unwrap_or(line);
    // klog: a letter and month and day.
    if let [letter @ (b'I' | b'W' | b'E' | b'F'), a, b, c, d, b' ', ..] = head
        && [a, b, c, d].iter().all(|byte| byte.is_ascii_digit())
    {
        return Some(match letter {
            b'I' => Level::Info,
            b'W' => Level::Warn,
            _ => Level::Error,
        });
    }
    // A word in capitals on its own; at the very start only if no colon follows, since
    // `ERROR: text` is how tools speak.
    let mut from = 0;
    for word in head.split(|byte| b" \t[]|():".contains(byte)) {
        let at = from;
        from += word.len() + 1;
        let value = if word.ends_with(b"level\"") {
            head.get(from..).unwrap_or_default().trim_ascii_start().strip_prefix(b"\"")
        } else {
            word.strip_prefix(b"level=")
        };
        if let Some(value) = value {
            return Some(named_level(value));
        }
        let level = match word {
            [b'a'..=b'z', ..] | [] => continue,
            b"ERROR" | b"FATAL" | b"SEVERE" | b"CRITICAL" => Level::Error,
            b"WARN" | b"WARNING" => Level::Warn,
            b"INFO" | b"DEBUG" | b"TRACE" | b"FINE" | b"NOTICE" => Level::Info,
            _ => continue,
        };
        let colon = head.get(at + word.len()) == Some(&b':');
        if level == Level::Error && at == 0 && colon {
            return None;
        }
        return Some(level);
    }
    None
}

/// The level behind `level=`.
fn named_level(value: &[u8]) -> Level {
    if starts(value, &["error", "fatal", "panic", "critical", "ERROR", "FATAL"]) {
        Level::Error
    } else if starts(value, &["warn", "WARN"]) {
        Level::Warn
    } else {
        Level::Info
    }
}

/// What follows a level that is set off by two blanks or stands alone.
fn rewritten<'a>(line: &'a [u8], level: &str) -> Option<&'a [u8]> {
    let body = line.strip_prefix(level.as_bytes())?;
    (body.is_empty() || body.starts_with(b"  ")).then(|| body.trim_ascii())
}

/// How tools start an error of their own.
fn error_prefix(line: &[u8]) -> bool {
    starts(
        line,
        &[
            "ERROR:", "Error:", "error:", "FATAL:", "Fatal:", "fatal:", "FATAL ERROR", "Error ", "error[",
            "npm ERR!", "npm error", "ERR_PNPM", "error TS", "e: ", "E: ", "CMake Error", "gyp ERR!",
            "FAILURE:", "FAILED:", "Failed:", "failed:", "ERR!", "error Command", "configure: error", "ld: ",
            "Error response from daemon", "ERROR ",
        ],
    )
}

/// A compiler's or checker's `place: message`.
fn diagnostic(line: &[u8], indent: usize, weak: bool) -> bool {
    let error = weak
        && (has(line, ": error:")
            || has(line, ": fatal error:")
            || has(line, ": error ")
            || has(line, " - error TS"));
    (error || (indent == 0 && place(line)))
        && !(has(line, ": warning") || has(line, " warning ") || has(line, ": note:"))
}

/// Whether the line starts with `path.ext:line:` or `path.ext:line:column:` of a source file.
fn place(line: &[u8]) -> bool {
    const SOURCES: &[&[u8]] = &[
        b"go", b"rs", b"c", b"cc", b"cpp", b"h", b"hpp", b"java", b"kt", b"ts", b"tsx", b"js", b"py",
        b"scala", b"swift", b"cs", b"rb", b"php", b"bats", b"sh",
    ];
    let mut parts = line.get(..512).unwrap_or(line).split(|byte| *byte == b':');
    let (Some(path), Some(number), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some(dot) = memchr::memrchr(b'.', path) else { return false };
    let source = SOURCES.contains(&path.get(dot + 1..).unwrap_or_default());
    source && !number.is_empty() && number.iter().all(u8::is_ascii_digit) && !path.contains(&b' ')
}
