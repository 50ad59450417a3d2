//! Console of vitest.

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static TESTS: Pattern = pattern!(r"^\s*Tests\s{1,4}((?:\d+ [a-z ]+?(?: \| )?)+) \((\d+)\)$");
static NO_TESTS: Pattern = pattern!(r"^\s*Tests\s{1,4}no tests$");
static FILES: Pattern = pattern!(r"^\s*Test Files\s{1,4}(?:no tests|((?:\d+ [a-z]+?(?: \| )?)+) \((\d+)\))$");
static ERRORS: Pattern = pattern!(r"^\s*Errors\s{1,4}(\d+) errors?$");
static PART: Pattern = pattern!(r"(\d+) ([a-z][a-z ]*[a-z])");
static RUN: Pattern = pattern!(r"^\s*(?:RUN|DEV)\s+v\d+\.\d+\.\d+\S*\s");
static FAIL: Pattern = pattern!(r"^\s*FAIL\s+(?:\|[^|]+\|\s+)?(\S.*?) > (.+?)(?: \(retry x\d+\))?$");
static FAIL_FILE: Pattern = pattern!(r"^\s*FAIL\s+(?:\|[^|]+\|\s+)?(\S.*?) \[ .* \]$");
static AT: Pattern = pattern!(r"^\s*\u{276f} (?:[^ ]+ )?(\S+?):(\d+):\d+\s*$");
static MARK: Pattern = pattern!(r"^\s+([\u{2713}\u{221a}\u{d7}\u{2193}\u{25a1}]) .*?(\(retry x\d+\))?\s*$");

/// What the summary says of files.
#[derive(Debug, Default, Clone, Copy)]
struct Files {
    failed: u64,
    /// Files without a result.
    left: u64,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Vitest {
    /// The line of `RUN v1.2.3`.
    run: Option<u64>,
    marks: Counts,
    retried: u64,
    failures: Vec<Failure>,
    left: u64,
    /// The first failure that the text being read belongs to: several can share one.
    first: Option<usize>,
    said: bool,
    broken_files: u64,
    /// Suites are listed as failed: their tests did not run.
    suites: bool,
    ended: bool,
    /// What `Test Files` says, which the counts of tests follow.
    files: Option<Files>,
}

impl Vitest {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.first.is_some()
    }

    /// Whether a run is under way, so that marks are vitest's.
    pub(super) fn active(&self) -> bool {
        self.run.is_some()
    }

    /// Takes a line; true if it was vitest's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        let bare = text.trim_start();
        let tests = bare.starts_with("Test");
        if tests && let Some(found) = captures(&TESTS, text) {
            // Without the line about files before it, it is what a test printed.
            if self.run.is_none() || self.files.is_some() {
                self.summary(group(&found, 1), number(&found, 2), line.number, sink);
            }
            return true;
        }
        if tests && captures(&NO_TESTS, text).is_some() {
            self.summary("", 0, line.number, sink);
            return true;
        }
        if tests && let Some(found) = captures(&FILES, text) {
            let mut files = Files { failed: 0, left: number(&found, 2) };
            for part in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(group(&found, 1))) {
                files.left = files.left.saturating_sub(number(&part, 1));
                files.failed += if group(&part, 2) == "failed" { number(&part, 1) } else { 0 };
            }
            self.files = Some(files);
            self.first = None;
            return true;
        }
        if self.ended
            && let Some(found) = captures(&ERRORS, text)
        {
            self.ended = false;
            let said = format!("{} errors outside of tests", number(&found, 1));
            sink.fail(broken("unhandled errors", FailureKind::Errored, Some(said.clone())));
            let said = format!("{said}: passed tests may be false");
            sink.incomplete(Place::Line(line.number), &said);
            return true;
        }
        if (bare.starts_with("RUN ") || bare.starts_with("DEV ")) && captures(&RUN, text).is_some() {
            self.cut_off(sink);
            self.run = Some(line.number);
            self.ended = false;
            return true;
        }
        if bare.starts_with("FAIL ")
            && let Some(found) = captures(&FAIL, text)
            && (self.run.is_some() || group(&found, 1).contains('.'))
        {
            self.fail(group(&found, 1), Some(group(&found, 2)), sink);
            return true;
        }
        if self.run.is_some()
            && bare.starts_with("FAIL ")
            && let Some(found) = captures(&FAIL_FILE, text)
        {
            self.fail(group(&found, 1), None, sink);
            return true;
        }
        if self.run.is_some() && text.starts_with('\u{23af}') && text.contains(" Failed Suites ") {
            self.suites = true;
        }
        if self.first.is_some() {
            self.detail(text);
            return true;
        }
        if self.run.is_some()
            && let Some(found) = captures(&MARK, text)
        {
            let retried = found.get(2).is_some();
            let outcome = match group(&found, 1) {
                "\u{d7}" => Outcome::Failed,
                "\u{2193}" => Outcome::Skipped,
                "\u{25a1}" => Outcome::Pending,
                // A file's line gives the number of its tests.
                _ if text.contains(" test)") || text.contains(" tests)") || text.contains(" tests |") => {
                    return true;
                }
                _ => Outcome::Passed,
            };
            self.marks.add(outcome, 1);
            self.retried += u64::from(retried && outcome == Outcome::Passed);
            return true;
        }
        false
    }

    fn fail(&mut self, file: &str, path: Option<&str>, sink: &Sink) {
        // A project's name in colour, with a blank on either side.
        let file = file.rsplit_once("  ").map_or(file, |(_, file)| file);
        if self.said {
            self.first = None;
        }
        self.said = false;
        if path.is_none() {
            self.broken_files += 1;
        }
        if self.failures.len() >= sink.limits().failures {
            self.left += 1;
            return;
        }
        let (suite, name) = match path {
            None => (None, file),
            Some(path) => match path.rsplit_once(" > ") {
                Some((suite, name)) => (Some(suite.to_owned()), name),
                None => (None, path),
            },
        };
        // Each attempt of a test that never passed is listed.
        let again = self.failures.last().is_some_and(|last| {
            (last.name.as_str(), last.file.as_deref()) == (name, Some(file)) && last.suite == suite
        });
        if again {
            return;
        }
        let kind = if path.is_none() { FailureKind::Errored } else { FailureKind::Failed };
        let at = self.failures.len();
        self.failures.push(Failure {
            name: name.to_owned(),
            suite,
            file: Some(file.to_owned()),
            kind,
            ..Failure::default()
        });
        self.first.get_or_insert(at);
    }

    /// A line after `FAIL`.
    fn detail(&mut self, text: &str) {
        let Some(first) = self.first else { return };
        if text.starts_with('\u{23af}') {
            self.first = None;
            self.said = false;
            return;
        }
        let at = captures(&AT, text);
        for failure in self.failures.iter_mut().skip(first) {
            if let Some(found) = &at {
                let file = failure.file.as_deref().unwrap_or("");
                if failure.line.is_none() && text::same_file(group(found, 1), file) {
                    failure.line = Some(number(found, 2));
                }
            } else if !self.said && !text.trim().is_empty() {
                failure.message = Some(text.trim().to_owned());
                if text.contains("Test timed out in ") || text.contains("Hook timed out in ") {
                    failure.kind = FailureKind::TimedOut;
                }
            }
        }
        self.said |= !text.trim().is_empty();
    }

    fn summary(&mut self, parts: &str, total: u64, line: u64, sink: &mut Sink) {
        let mut counts = Counts::default();
        for found in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(parts)) {
            let n = number(&found, 1);
            match group(&found, 2) {
                "passed" | "expected fail" => counts.add(Outcome::Passed, n),
                "failed" => counts.add(Outcome::Failed, n),
                "todo" => counts.add(Outcome::Pending, n),
                _ => counts.add(Outcome::Skipped, n),
            }
        }
        let left = total.saturating_sub(counts.total);
        if left > 0 {
            counts.add(Outcome::Skipped, left);
            let said = format!("{left} of {total} tests did not run: they count as skipped");
            sink.incomplete(Place::Line(line), &said);
        }
        counts.flaked = self.retried.min(counts.passed);
        if self.broken_files > 0 {
            let said = format!("{} test files failed to run: their tests are not counted", self.broken_files);
            sink.incomplete(Place::Line(line), &said);
        }
        if self.suites && self.broken_files == 0 {
            sink.incomplete(Place::Line(line), "a suite failed before its tests ran");
        }
        let files = self.files.unwrap_or_default();
        if files.failed > 0 && counts.failed == 0 && self.failures.is_empty() {
            let name = text::several(files.failed, "test file");
            let said = format!("{name} failed and none of the tests did: tests are missing");
            sink.fail(broken(&name, FailureKind::Errored, Some(said.clone())));
            sink.incomplete(Place::Line(line), &said);
        }
        if files.left > 0 {
            let said = format!("{} test files have no result: their tests are not counted", files.left);
            sink.incomplete(Place::Line(line), &said);
        }
        self.finish(counts, sink);
        self.ended = true;
    }

    fn finish(&mut self, counts: Counts, sink: &mut Sink) {
        sink.merge(Format::Vitest, counts);
        let done = std::mem::take(self);
        sink.reruns(done.retried);
        for failure in done.failures {
            sink.fail(failure);
        }
        sink.more_failures(done.left);
    }

    fn cut_off(&mut self, sink: &mut Sink) {
        let Some(line) = self.run else { return };
        sink.incomplete(Place::Line(line), "the vitest run has no summary");
        let mut counts = self.marks;
        counts.flaked = self.retried.min(counts.passed);
        self.finish(counts, sink);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&TESTS, &NO_TESTS, &FILES, &ERRORS, &PART, &RUN, &FAIL, &FAIL_FILE, &AT, &MARK]
}
