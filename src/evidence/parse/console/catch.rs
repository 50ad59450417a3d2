//! Console of Catch2 and of doctest, which are alike.

use super::Line;
use super::run::{Console, Run, count, say};
use crate::evidence::parse::model::{Counts, Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static ALL: Pattern =
    pattern!(r"^All tests passed \((?:(\d+) assertions?|no assertions) in (\d+) test cases?\)$");
static SUMMARY: Pattern = pattern!(r"^test cases:\s+(\d+)((?: \|\s+\d+ [a-z ]+)*)$");
static DOCTEST: Pattern = pattern!(
    r"^\[doctest\] test cases:\s+(\d+) \|\s+(\d+) passed \|\s+(\d+) failed(?: \|\s+(\d+) skipped)?\s*$"
);
static FAILED: Pattern = pattern!(r"^(\S.*?)(?::(\d{1,7})|\((\d{1,7})\)): (?:FAILED|ERROR):(?: (.*))?$");

/// Lines that are read of one failure.
const DETAIL: u32 = 12;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Catch {
    run: Run,
    /// The line after a rule names a test case.
    rule: u64,
    name: String,
    /// Of a run that said its seed or its version.
    begun: Option<u64>,
    detail: u32,
}

impl Console for Catch {
    fn open(&self) -> bool {
        self.detail > 0 || self.rule > 0
    }

    fn running(&self) -> bool {
        false
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Randomness seeded to: ") || text.starts_with("[doctest] doctest version is") {
            self.begun.get_or_insert(line.number);
            return true;
        }
        if text.starts_with("All tests passed (")
            && let Some(found) = captures(&ALL, text)
        {
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, number(&found, 2));
            self.close(counts, line.number, sink);
            return true;
        }
        if text.starts_with("test cases:")
            && let Some(found) = captures(&SUMMARY, text)
        {
            return self.summary(number(&found, 1), group(&found, 2), line.number, sink);
        }
        if text.starts_with("[doctest] test cases:")
            && let Some(found) = captures(&DOCTEST, text)
        {
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, number(&found, 2));
            counts.add(Outcome::Failed, number(&found, 3));
            counts.add(Outcome::Skipped, number(&found, 4));
            self.close(counts, line.number, sink);
            return true;
        }
        if text.len() >= 79 && text.bytes().all(|byte| byte == b'-') {
            // One over the name, and one under it.
            self.rule = if self.rule + 2 == line.seq { 0 } else { line.seq };
            return false;
        }
        if let Some(name) = text.strip_prefix("TEST CASE:  ") {
            self.name = name.to_owned();
            return false;
        }
        if self.rule > 0 {
            if self.rule + 1 == line.seq {
                self.name = text.trim().to_owned();
                return false;
            }
            self.rule = 0;
        }
        if (text.contains(": FAILED:") || text.contains(": ERROR:"))
            && !self.name.is_empty()
            && let Some(found) = captures(&FAILED, text)
        {
            self.failed(&found, line.number, sink);
            return true;
        }
        if self.detail > 0 {
            self.detail -= 1;
            if text.trim().is_empty() {
                self.detail = 0;
            } else if let Some(failure) = self.run.last() {
                say(failure, text);
            }
            return true;
        }
        false
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let mut run = done.run;
        if done.begun.is_some() || run.listed() > 0 {
            run.line = done.begun.unwrap_or(run.line);
            let listed = run.listed();
            run.marks.add(Outcome::Failed, listed);
            run.cut_off("Catch2", Format::Catch2, sink);
        }
    }
}

impl Catch {
    fn failed(&mut self, found: &regex::Captures<'_>, line: u64, sink: &Sink) {
        if self.run.line == 0 {
            self.run.line = line;
        }
        self.detail = DETAIL;
        // Each assertion of a test case that failed is told.
        if self.run.last().is_some_and(|last| last.name == self.name) {
            self.detail = 0;
            return;
        }
        let at = if found.get(2).is_some() { 2 } else { 3 };
        let failure = Failure {
            name: self.name.clone(),
            file: Some(group(found, 1).to_owned()),
            line: Some(number(found, at)),
            message: found.get(4).map(|said| said.as_str().to_owned()),
            ..Failure::default()
        };
        self.run.fail(failure, sink);
    }

    /// `test cases: 3 | 2 passed | 1 failed`.
    fn summary(&mut self, total: u64, list: &str, line: u64, sink: &mut Sink) -> bool {
        let mut counts = Counts::default();
        let mut known = true;
        for part in list.split('|').map(str::trim).filter(|part| !part.is_empty()) {
            let (n, what) = part.split_once(' ').unwrap_or((part, ""));
            let n = count(n).unwrap_or(0);
            match what {
                "passed" => counts.add(Outcome::Passed, n),
                "failed" => counts.add(Outcome::Failed, n),
                "skipped" | "failed as expected" => counts.add(Outcome::Skipped, n),
                _ => known = false,
            }
        }
        if !known || counts.total != total {
            counts.add(Outcome::Skipped, total.saturating_sub(counts.total));
            sink.incomplete(Place::Line(line), "the numbers of Catch2 are not those of its test cases");
        }
        self.close(counts, line, sink);
        true
    }

    fn close(&mut self, counts: Counts, line: u64, sink: &mut Sink) {
        let done = std::mem::take(self);
        done.run.close(Format::Catch2, counts, line, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&ALL, &SUMMARY, &DOCTEST, &FAILED]
}
