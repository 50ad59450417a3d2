//! Console of jest.

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static TESTS: Pattern = pattern!(r"^Tests:\s+((?:\d+ [a-z]+, )*)(\d+) total$");
static SUITES: Pattern = pattern!(r"^Test Suites:\s+((?:\d+ [a-z]+, )*)(?:\d+ of )?(\d+) total$");
static PART: Pattern = pattern!(r"(\d+) ([a-z]+)");
static FILE: Pattern =
    pattern!(r"^\s*(PASS|FAIL|RUNS)\s+(?:(\S.*?) )?(\S+\.\w{1,6})(?: \([\d.]+ m?s(?:, [^)]*)?\))?(?: .*)?$");
static BLOCK: Pattern = pattern!(r"^\s{1,4}\u{25cf} (.+)$");
static GROUP: Pattern = pattern!(r"^(?:::group::|##\[group\])Errors thrown in (.+)$");

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Jest {
    file: Option<String>,
    files: u64,
    first: u64,
    marks: Counts,
    failures: Vec<Failure>,
    left: u64,
    in_block: bool,
    /// Lines of the block that is read, and what it said before the first frame.
    said: String,
    broken_files: u64,
    /// Files that failed, by the summary.
    failed_files: u64,
    /// Files that did not run, by the summary.
    not_run: u64,
}

impl Jest {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.in_block
    }

    /// Takes a line; true if it was jest's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Tests:")
            && let Some(found) = captures(&TESTS, text)
        {
            self.summary(group(&found, 1), number(&found, 2), line.number, sink);
            return true;
        }
        if text.starts_with("Test Suites:")
            && let Some(found) = captures(&SUITES, text)
        {
            self.end_block();
            self.failed_files = 0;
            self.not_run = number(&found, 2);
            for part in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(group(&found, 1))) {
                self.not_run = self.not_run.saturating_sub(number(&part, 1));
                self.failed_files += if group(&part, 2) == "failed" { number(&part, 1) } else { 0 };
            }
            self.broken_files = self.broken_files.min(self.failed_files);
            return true;
        }
        if text.contains("Errors thrown in ")
            && let Some(found) = captures(&GROUP, text)
        {
            self.end_block();
            self.file = Some(group(&found, 1).to_owned());
            return true;
        }
        if (text.trim_start().starts_with("PASS ") || text.trim_start().starts_with("FAIL "))
            && !text.contains(" > ")
            && let Some(found) = captures(&FILE, text)
        {
            self.end_block();
            self.files += 1;
            self.first = if self.first == 0 { line.number } else { self.first };
            // The name of a project, or the start of a path with a blank in it.
            let (first, last) = (group(&found, 2), group(&found, 3).trim_start_matches("./"));
            let path = if first.contains(['/', '\\']) { format!("{first} {last}") } else { last.to_owned() };
            self.file = Some(path);
            return true;
        }
        if self.file.is_some()
            && let Some(found) = captures(&BLOCK, text)
        {
            self.end_block();
            self.block(group(&found, 1).trim(), sink);
            return true;
        }
        if text.starts_with("Summary of all failing tests") {
            self.end_block();
            return true;
        }
        if self.in_block {
            text::collect(&mut self.said, text);
            return true;
        }
        self.mark(text)
    }

    /// A block that describes a failure.
    fn block(&mut self, title: &str, sink: &Sink) {
        if matches!(title, "Console" | "Validation Warning:" | "Validation Error:" | "Deprecation Warning:")
            || title.starts_with("Cannot log after")
            || title.starts_with("process.exit called")
        {
            return;
        }
        let broken_file = title == "Test suite failed to run";
        let file = self.file.clone();
        let (suite, name) = match title.rsplit_once(" \u{203a} ") {
            _ if broken_file => (None, file.clone().unwrap_or_default()),
            Some((suite, name)) => (Some(suite.to_owned()), name.to_owned()),
            None => (None, title.to_owned()),
        };
        // The list after the run repeats what is known.
        let same = |a: &Option<String>| match (a.as_deref(), file.as_deref()) {
            (Some(a), Some(b)) => text::same_file(a, b),
            (a, b) => a == b,
        };
        let known = self.failures.iter().any(|f| {
            same(&f.file)
                && (f.suite == suite && f.name == name || broken_file && f.kind == FailureKind::Errored)
        });
        if known {
            return;
        }
        if broken_file {
            self.broken_files += 1;
        }
        if self.failures.len() >= sink.limits().failures {
            self.left += 1;
            return;
        }
        let kind = if broken_file { FailureKind::Errored } else { FailureKind::Failed };
        self.failures.push(Failure { name, suite, file, kind, ..Failure::default() });
        self.in_block = true;
    }

    fn end_block(&mut self) {
        if !std::mem::take(&mut self.in_block) {
            return;
        }
        let said = std::mem::take(&mut self.said);
        let Some(failure) = self.failures.last_mut() else {
            return;
        };
        // Code frames and stacks come after the message.
        let message: Vec<&str> = said
            .lines()
            .take_while(|line| {
                let line = line.trim_start().trim_start_matches(['>', ' ']);
                let frame = line.starts_with("at ")
                    || line.split_once('|').is_some_and(|(number, _)| {
                        number.trim().bytes().all(|b| b.is_ascii_digit()) && !number.trim().is_empty()
                    });
                !frame
            })
            .collect();
        failure.message = Some(message.join("\n"));
        if said.contains("Exceeded timeout of") || said.contains("Async callback was not invoked within") {
            failure.kind = FailureKind::TimedOut;
        }
        if let Some((_, line)) = text::location(&said)
            .filter(|(path, _)| failure.file.as_deref().is_none_or(|file| text::same_file(path, file)))
        {
            failure.line = Some(line);
        }
    }

    /// Marks of verbose runs, for runs that are cut off.
    fn mark(&mut self, text: &str) -> bool {
        let bare = text.trim_start();
        if self.file.is_none() || bare.len() == text.len() {
            return false;
        }
        let outcome = match bare.chars().next() {
            Some('\u{2713}' | '\u{221a}') => Outcome::Passed,
            Some('\u{2715}' | '\u{d7}') => Outcome::Failed,
            Some('\u{25cb}') => Outcome::Skipped,
            Some('\u{270e}') => Outcome::Pending,
            _ => return false,
        };
        self.marks.add(outcome, 1);
        true
    }

    fn summary(&mut self, parts: &str, total: u64, line: u64, sink: &mut Sink) {
        self.end_block();
        let mut counts = Counts::default();
        for found in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(parts)) {
            let n = number(&found, 1);
            match group(&found, 2) {
                "passed" => counts.add(Outcome::Passed, n),
                "failed" => counts.add(Outcome::Failed, n),
                "todo" => counts.add(Outcome::Pending, n),
                _ => counts.add(Outcome::Skipped, n),
            }
        }
        let left = total.saturating_sub(counts.total);
        if left > 0 {
            counts.add(Outcome::Skipped, left);
            let said = format!("{left} of {total} tests have no result: they count as skipped");
            sink.incomplete(Place::Line(line), &said);
        }
        if self.broken_files > 0 {
            let said = format!("{} test files failed to run: their tests are not counted", self.broken_files);
            sink.incomplete(Place::Line(line), &said);
        }
        if self.not_run > 0 {
            let name = text::several(self.not_run, "test file");
            let said = format!("{name} did not run: their tests are not counted");
            sink.incomplete(Place::Line(line), &said);
        }
        // Not every reporter prints why a file failed.
        let unnamed = if counts.failed == 0 && self.failures.is_empty() { self.failed_files } else { 0 };
        if unnamed > 0 {
            let name = text::several(unnamed, "test file");
            let said = format!("{name} failed and none of the tests did: tests are missing");
            sink.fail(broken(&name, FailureKind::Errored, Some(said.clone())));
            sink.incomplete(Place::Line(line), &said);
        }
        self.finish(counts, sink);
    }

    fn finish(&mut self, counts: Counts, sink: &mut Sink) {
        sink.merge(Format::Jest, counts);
        for failure in std::mem::take(self).failures {
            sink.fail(failure);
        }
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.end_block();
        let mut counts = self.marks;
        if counts.total == 0 {
            counts.add(
                Outcome::Failed,
                self.failures.iter().filter(|f| f.kind != FailureKind::Errored).count() as u64,
            );
        }
        // Other tools mark files in much the same way: one line is not a run.
        let failed = !self.failures.is_empty();
        if self.files > 0 && (counts.total > 0 || failed) {
            sink.incomplete(Place::Line(self.first), "the jest run has no summary");
            self.finish(counts, sink);
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&TESTS, &SUITES, &PART, &FILE, &BLOCK, &GROUP]
}
