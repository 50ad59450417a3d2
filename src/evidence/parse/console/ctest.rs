//! Console of CTest.

use super::Line;
use super::run::{Console, Run, rest_passed};
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static BEGIN: Pattern = pattern!(r"^Test project (?:/|[A-Za-z]:)");
static MARK: Pattern = pattern!(
    r"^ *\d+/(\d+) Test +#\d+: (\S.*?) \.*\s*(Passed|\*\*\*[A-Za-z :()-]+?)(?:\s+([\d.]+) sec)?\s*$"
);
static SUMMARY: Pattern = pattern!(r"^(\d+)% tests passed, (\d+) tests? failed out of (\d+)$");
static LISTED: Pattern = pattern!(r"^\s+\d+ - (\S.*?) \(([^()]+)\)(?:\s.*)?$");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    Failed,
    NotRun,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Ctest {
    run: Option<Run>,
    announced: u64,
    /// Failed, and all tests, by the summary, and its line.
    told: Option<(u64, u64, u64)>,
    part: Part,
    failed: Vec<Failure>,
    skipped: u64,
}

impl Console for Ctest {
    fn open(&self) -> bool {
        self.part != Part::Free
    }

    fn running(&self) -> bool {
        self.run.is_some() && self.told.is_none()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Test project ") && captures(&BEGIN, text).is_some() {
            self.end(sink);
            self.run = Some(Run::at(line.number));
            return true;
        }
        if text.contains("% tests passed, ")
            && let Some(found) = captures(&SUMMARY, text)
        {
            self.run.get_or_insert_with(|| Run::at(line.number));
            self.told = Some((number(&found, 2), number(&found, 3), line.number));
            return true;
        }
        let running = self.running();
        let Some(run) = &mut self.run else { return false };
        if running {
            if let Some(found) = captures(&MARK, text) {
                self.announced = self.announced.max(number(&found, 1));
                let word = group(&found, 3);
                if word.contains("Disabled") {
                    // It is in no number of the summary.
                    return true;
                }
                let outcome = match word {
                    "Passed" => Outcome::Passed,
                    "***Skipped" => Outcome::Skipped,
                    _ => Outcome::Failed,
                };
                run.marks.add(outcome, 1);
                if outcome == Outcome::Failed {
                    run.fail(failing(group(&found, 2), word.trim_start_matches('*')), sink);
                }
            }
            if text.starts_with("No tests were found!!!") {
                self.run = None;
                sink.seen(Format::Ctest);
            }
            return true;
        }
        match text.trim_end() {
            "The following tests FAILED:" => self.part = Part::Failed,
            "The following tests did not run:" => self.part = Part::NotRun,
            said if said.starts_with("Errors while running CTest") => {
                if self.told.is_some_and(|(failed, ..)| failed == 0) && self.failed.is_empty() {
                    let failure = broken("ctest", FailureKind::Errored, Some(said.to_owned()));
                    sink.fail(failure);
                    sink.incomplete(Place::Line(line.number), "CTest failed, and none of its tests did");
                }
                self.end(sink);
            }
            _ => {
                let found = captures(&LISTED, text).filter(|_| self.part != Part::Free);
                let Some(found) = found else {
                    // Other lists, such as that of labels, follow.
                    if !text.trim().is_empty() {
                        self.part = Part::Free;
                    }
                    return false;
                };
                match self.part {
                    Part::Failed if self.failed.len() < sink.limits().failures => {
                        self.failed.push(failing(group(&found, 1), group(&found, 2)));
                    }
                    Part::NotRun => self.skipped += u64::from(group(&found, 2) != "Disabled"),
                    _ => {}
                }
            }
        }
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        let Some((failed, total, line)) = done.told else {
            run.marks.add(Outcome::Skipped, done.announced.saturating_sub(run.marks.total));
            return run.cut_off("CTest", Format::Ctest, sink);
        };
        let skipped = done.skipped.max(run.marks.skipped);
        let mut counts = rest_passed(total, &[(Outcome::Failed, failed), (Outcome::Skipped, skipped)]);
        // What failed and then passed is named in no list.
        let marked = run.marks.failed;
        let unlike = done.failed.len() as u64 != failed && (done.failed.len() as u64) < failed;
        if marked > failed {
            counts.flaked = (marked - failed).min(counts.passed);
            sink.reruns(marked - failed);
        }
        if !done.failed.is_empty() && !unlike {
            run.replace(done.failed);
        } else if failed == 0 {
            run.replace(Vec::new());
        }
        let unequal = run.marks.total < total || run.marks.total > total && marked <= failed;
        if run.marks.total > 0 && unequal {
            let said = format!("{} of {total} tests of CTest have a result", run.marks.total);
            sink.incomplete(Place::Line(line), &said);
        }
        run.close(Format::Ctest, counts, line, sink);
    }
}

/// A test that failed, by the word for it.
fn failing(name: &str, word: &str) -> Failure {
    let kind = match word {
        "Timeout" => FailureKind::TimedOut,
        "Not Run" => FailureKind::Errored,
        "SEGFAULT" | "ILLEGAL" | "NUMERICAL" | "Subprocess aborted" => FailureKind::Panicked,
        _ if word.starts_with("Exception") => FailureKind::Panicked,
        _ => FailureKind::Failed,
    };
    let message = (word != "Failed").then(|| word.to_owned());
    Failure { name: name.to_owned(), kind, message, ..Failure::default() }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &MARK, &SUMMARY, &LISTED]
}
