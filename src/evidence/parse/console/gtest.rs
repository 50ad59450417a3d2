//! Console of googletest.

use super::Line;
use super::run::{Console, Run, say};
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern, seconds};

static BEGIN: Pattern = pattern!(r"^\[==========\] Running (\d+) tests? from \d+ test (?:suite|case)s?\.");
static RAN: Pattern = pattern!(r"^\[==========\] (\d+) tests? from \d+ test (?:suite|case)s? ran\.");
static PASSED: Pattern = pattern!(r"^\[  PASSED  \] (\d+) tests?\.$");
static LISTED: Pattern = pattern!(r"^\[  (FAILED  |SKIPPED )\] (\d+) tests?, listed below:$");
static RESULT: Pattern = pattern!(r"^\[ *(OK|FAILED|SKIPPED) *\] (\S+?)(, where .*?)?(?: \((\d+) ms\))?$");
static PLACE: Pattern = pattern!(r"^(\S.*?)(?::(\d{1,7})|\((\d{1,7})\)): (?:Failure|error: ?)(.*)$");
static SUM: Pattern = pattern!(r"^ ?(\d+) FAILED TESTS?$");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum List {
    #[default]
    Free,
    Failed,
    Skipped,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Gtest {
    run: Option<Run>,
    announced: u64,
    /// The test that runs, with what it said so far.
    test: Option<Failure>,
    /// The numbers of tests that ran, passed, failed and were skipped, by the summary.
    ran: Option<(u64, u64)>,
    passed: Option<u64>,
    failed: u64,
    skipped: u64,
    list: List,
}

impl Console for Gtest {
    fn open(&self) -> bool {
        self.test.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some() && self.passed.is_none()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("[=====") {
            if let Some(found) = captures(&BEGIN, text) {
                self.end(sink);
                self.run = Some(Run::at(line.number));
                self.announced = number(&found, 1);
                return true;
            }
            if let Some(found) = captures(&RAN, text) {
                self.test = None;
                self.run.get_or_insert_with(|| Run::at(line.number));
                self.ran = Some((number(&found, 1), line.number));
                return true;
            }
        }
        let running = self.running();
        let Some(run) = &mut self.run else { return false };
        if text.starts_with('[') {
            if let Some(name) = text.strip_prefix("[ RUN      ] ") {
                self.test = Some(Failure { name: name.trim().to_owned(), ..Failure::default() });
                return true;
            }
            if self.ran.is_some() {
                if let Some(found) = captures(&PASSED, text) {
                    self.passed = Some(number(&found, 1));
                    if run.marks.bad() == 0 {
                        // What may follow is the list of those that were skipped.
                        self.list = List::Free;
                    }
                    return true;
                }
                if let Some(found) = captures(&LISTED, text) {
                    let failed = group(&found, 1).starts_with('F');
                    self.list = if failed { List::Failed } else { List::Skipped };
                    *(if failed { &mut self.failed } else { &mut self.skipped }) = number(&found, 2);
                    return true;
                }
            }
            if let Some(found) = captures(&RESULT, text) {
                self.result(&found, sink);
                return true;
            }
            return running;
        }
        if self.passed.is_some()
            && let Some(found) = captures(&SUM, text)
        {
            self.failed = self.failed.max(number(&found, 1));
            self.end(sink);
            return true;
        }
        if let Some(test) = &mut self.test {
            match captures(&PLACE, text).filter(|_| test.line.is_none()) {
                Some(found) => {
                    let at = if found.get(2).is_some() { 2 } else { 3 };
                    test.file = Some(group(&found, 1).to_owned());
                    test.line = Some(number(&found, at));
                    test.message = None;
                    say(test, group(&found, 4));
                }
                None if test.line.is_some() || text.contains("Failure") => say(test, text),
                None => {}
            }
        }
        running
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        let Some((ran, line)) = done.ran.filter(|_| done.passed.is_some()) else {
            if let Some(test) = done.test {
                run.marks.add(Outcome::Failed, 1);
                run.fail(Failure { kind: FailureKind::Interrupted, ..test }, sink);
            }
            run.marks.add(Outcome::Skipped, done.announced.saturating_sub(run.marks.total));
            return run.cut_off("googletest", Format::Gtest, sink);
        };
        let place = Place::Line(line);
        let passed = done.passed.unwrap_or_default();
        let mut counts = run.marks;
        if counts.passed == 0 && passed > 0 {
            // Brief runs print failures only.
            counts.add(Outcome::Passed, passed);
            counts.add(Outcome::Skipped, done.skipped.saturating_sub(counts.skipped));
        }
        if counts.failed < done.failed {
            let left = done.failed - counts.failed;
            counts.add(Outcome::Failed, left);
        }
        if counts.total != ran || counts.passed != passed || counts.failed > done.failed.max(run.listed()) {
            let said = format!(
                "googletest says that {passed} of {ran} tests passed: {} have a result",
                counts.total
            );
            sink.incomplete(place, &said);
        }
        let left = ran.max(done.announced).saturating_sub(counts.total);
        counts.add(Outcome::Skipped, left);
        if left > 0 {
            sink.incomplete(place, &format!("{left} tests of googletest have no result"));
        }
        run.close(Format::Gtest, counts, line, sink);
    }
}

impl Gtest {
    /// `[  FAILED  ] A.B (1 ms)`, of a test that ran or in a list.
    fn result(&mut self, found: &regex::Captures<'_>, sink: &Sink) {
        let Some(run) = &mut self.run else { return };
        let (word, name) = (group(found, 1), group(found, 2));
        if self.ran.is_some() {
            if self.list == List::Failed && !run.failures().iter().any(|known| known.name == name) {
                run.fail(Failure { name: name.to_owned(), ..Failure::default() }, sink);
            }
            return;
        }
        let outcome = match word {
            "OK" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            _ => Outcome::Skipped,
        };
        // A suite that says how long it took is no test; nor are those of another process.
        let test = self.test.take().filter(|test| test.name == name);
        if test.is_none() && (found.get(4).is_none() || !name.contains('.')) {
            return;
        }
        run.marks.add(outcome, 1);
        if outcome == Outcome::Failed {
            let test = test.unwrap_or_else(|| Failure { name: name.to_owned(), ..Failure::default() });
            let duration = seconds(group(found, 4)).map(|millis| millis / 1000.0);
            run.fail(Failure { duration, ..test }, sink);
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &RAN, &PASSED, &LISTED, &RESULT, &PLACE, &SUM]
}
