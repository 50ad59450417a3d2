//! Console of Swift's XCTest, and of Swift Testing.

use super::Line;
use super::run::{Console, Run, rest_passed};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static SUITE: Pattern = pattern!(r"^Test Suite '(.+)' (started|passed|failed)(?: at .*)?\.?$");
static CASE: Pattern = pattern!(r"^Test Case '(.+)' (passed|failed|skipped) \(([\d.]+) seconds\)\.?$");
static ERROR: Pattern = pattern!(r"^(\S.*?):(\d{1,7}): error: (-\[.+?\]|[\w.]+) : (.*)$");
static EXECUTED: Pattern = pattern!(
    r"^\s*Executed (\d+) tests?, with (?:(\d+) tests? skipped and )?(\d+) failures? \((\d+) unexpected\) in "
);
/// Swift Testing; its signs are told by the words alone, since some are of a private font.
static RUN: Pattern = pattern!(
    r"^\S{1,4} Test run with (\d+) tests?(?: in \d+ suites?)? (passed|failed) after [\d.]+ seconds(?: with .*)?\.?$"
);
static ISSUE: Pattern =
    pattern!(r"^\S{1,4} Test (\S.*?) recorded an issue(?: with .*?)? at (\S+):(\d{1,7}):\d+: (.*)$");
static FAILED: Pattern = pattern!(r"^\S{1,4} Test (\S.*?) (failed|skipped)(?: after [\d.]+ seconds.*)?\.?$");

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Xctest {
    run: Option<Run>,
    /// Suites inside each other.
    depth: u64,
    /// The outermost suite is over: its numbers follow.
    over: bool,
    /// A run of Swift Testing, which may follow one of XCTest.
    swift: Option<Run>,
    skipped: u64,
    bad: u64,
    any: bool,
}

impl Console for Xctest {
    fn open(&self) -> bool {
        self.run.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Test Suite '")
            && let Some(found) = captures(&SUITE, text)
        {
            self.over = false;
            if group(&found, 2) == "started" {
                self.depth += 1;
                self.run.get_or_insert_with(|| Run::at(line.number));
            } else {
                self.depth = self.depth.saturating_sub(1);
                self.over = self.depth == 0;
            }
            return true;
        }
        if text.starts_with("** TEST ") {
            return self.build(text, line.number, sink);
        }
        if text.contains(" Test ") && self.run.is_none() {
            return self.swift(line, sink);
        }
        let Some(run) = &mut self.run else { return false };
        if let Some(found) = captures(&EXECUTED, text) {
            if std::mem::take(&mut self.over) {
                self.executed(&found, line.number, sink);
            }
            return true;
        }
        if let Some(found) = captures(&CASE, text) {
            let outcome = match group(&found, 2) {
                "passed" => Outcome::Passed,
                "failed" => Outcome::Failed,
                _ => Outcome::Skipped,
            };
            run.marks.add(outcome, 1);
            let name = group(&found, 1);
            if outcome == Outcome::Failed && !run.failures().iter().rev().take(1).any(|known| is(known, name))
            {
                run.fail(failure(name), sink);
            }
        } else if let Some(found) = captures(&ERROR, text) {
            let name = group(&found, 3);
            // A test can have several failures: the first says most.
            if !run.failures().iter().rev().take(1).any(|known| is(known, name)) {
                let failure = Failure {
                    file: Some(group(&found, 1).to_owned()),
                    line: Some(number(&found, 2)),
                    message: Some(group(&found, 4).to_owned()),
                    ..failure(name)
                };
                run.fail(failure, sink);
            }
        }
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        for mut run in [done.run, done.swift].into_iter().flatten() {
            let left = run.listed().saturating_sub(run.marks.failed);
            run.marks.add(Outcome::Failed, left);
            run.cut_off("XCTest", Format::Xctest, sink);
        }
    }
}

impl Xctest {
    /// The numbers of the outermost suite: failures are those of assertions, and tests can have several.
    fn executed(&mut self, found: &regex::Captures<'_>, line: u64, sink: &mut Sink) {
        let Some(mut run) = self.run.take() else { return };
        let (total, skipped, failures) = (number(found, 1), number(found, 2), number(found, 3));
        let marks = run.marks;
        let failed = if marks.failed > 0 { marks.failed } else { failures.min(total) };
        let counts = rest_passed(total, &[(Outcome::Failed, failed), (Outcome::Skipped, skipped)]);
        if (failures == 0) != (failed == 0) || marks.total > 0 && marks.total != total {
            let said = format!(
                "XCTest counts {total} tests and {failures} failures, and {} have a result",
                marks.total
            );
            sink.incomplete(Place::Line(line), &said);
        }
        if failures > 0 && total == 0 {
            sink.fail(broken("the test bundle", FailureKind::Errored, None));
        }
        if run.listed() > counts.bad() {
            // An error that is of no test.
            let kept =
                run.failures().iter().take(usize::try_from(failed).unwrap_or(usize::MAX)).cloned().collect();
            run.replace(kept);
        }
        self.any = true;
        self.bad = self.bad.saturating_add(counts.bad());
        run.close(Format::Xctest, counts, line, sink);
    }

    /// What xcodebuild says at its end.
    fn build(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        let failed = text.starts_with("** TEST FAILED **") || text.starts_with("** TEST EXECUTE FAILED **");
        let inside = self.run.take();
        if let Some(run) = inside {
            run.cut_off("XCTest", Format::Xctest, sink);
        }
        if failed && self.bad == 0 {
            sink.seen(Format::Xctest);
            sink.fail(broken("the test run", FailureKind::Errored, None));
            sink.incomplete(Place::Line(line), "xcodebuild failed, and none of its tests did");
        }
        failed || self.any
    }

    /// Lines of Swift Testing.
    fn swift(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.contains(" Test run started") {
            self.swift = Some(Run::at(line.number));
            self.skipped = 0;
            return true;
        }
        if let Some(found) = captures(&RUN, text) {
            let mut run = self.swift.take().unwrap_or_else(|| Run::at(line.number));
            let total = number(&found, 1);
            let bad = group(&found, 2) == "failed";
            let failed = if bad { run.listed().clamp(1, total.max(1)) } else { 0 };
            let counts: Counts = rest_passed(
                total,
                &[(Outcome::Failed, failed), (Outcome::Skipped, std::mem::take(&mut self.skipped))],
            );
            if bad && run.listed() == 0 || !bad && run.listed() > 0 {
                let said = "Swift Testing does not name the tests that failed as it counts them";
                sink.incomplete(Place::Line(line.number), said);
            }
            if !bad {
                run.replace(Vec::new());
            }
            self.any = true;
            self.bad = self.bad.saturating_add(counts.bad());
            run.close(Format::Xctest, counts, line.number, sink);
            return true;
        }
        let Some(run) = &mut self.swift else { return false };
        if let Some(found) = captures(&ISSUE, text) {
            let name = group(&found, 1);
            if !run.failures().iter().any(|known| known.name == name) {
                let failure = Failure {
                    name: name.to_owned(),
                    file: Some(group(&found, 2).to_owned()),
                    line: Some(number(&found, 3)),
                    message: Some(group(&found, 4).to_owned()),
                    ..Failure::default()
                };
                run.fail(failure, sink);
            }
            return true;
        }
        if let Some(found) = captures(&FAILED, text) {
            let name = group(&found, 1);
            if group(&found, 2) == "skipped" {
                self.skipped += 1;
            } else if !run.failures().iter().any(|known| known.name == name) {
                run.fail(Failure { name: name.to_owned(), ..Failure::default() }, sink);
            }
            return true;
        }
        false
    }
}

/// Of `-[Module.Class testX]` and `Class.testX`.
fn failure(name: &str) -> Failure {
    let bare = name.trim_start_matches("-[").trim_end_matches(']');
    let (class, test) = bare.rsplit_once([' ', '.']).unwrap_or(("", bare));
    Failure {
        name: test.to_owned(),
        classname: Some(class.to_owned()).filter(|class| !class.is_empty()),
        ..Failure::default()
    }
}

fn is(known: &Failure, name: &str) -> bool {
    let other = failure(name);
    (&known.name, &known.classname) == (&other.name, &other.classname)
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&SUITE, &CASE, &ERROR, &EXECUTED, &RUN, &ISSUE, &FAILED]
}
