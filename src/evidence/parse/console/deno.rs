//! Console of `deno test`.

use super::Line;
use super::run::{Console, Run, count, say};
use crate::evidence::parse::model::{Counts, Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static BEGIN: Pattern = pattern!(r"^running (\d+) tests? from (\S.*)$");
static MARK: Pattern = pattern!(r"^(\S.*?) \.\.\. (?:.*)?\b(ok|FAILED|ignored)(?: \(.*\))?$");
static SUMMARY: Pattern = pattern!(r"^(ok|FAILED) \| (\d+ passed.*?)(?: \([^()]*\))?$");
static PART: Pattern = pattern!(r"^(\d+) (passed|failed|ignored|measured|filtered out)(?: \(.*\))?$");
static TITLE: Pattern = pattern!(r"^(\S.*) => (\S.*?):(\d{1,7}):\d+$");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    Errors,
    Failures,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Deno {
    run: Option<Run>,
    announced: u64,
    part: Part,
    /// Lines of steps and of what tests print.
    output: bool,
}

impl Console for Deno {
    fn open(&self) -> bool {
        self.run.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("running ")
            && let Some(found) = captures(&BEGIN, text)
        {
            self.run.get_or_insert_with(|| Run::at(line.number));
            self.announced = self.announced.saturating_add(number(&found, 1));
            self.part = Part::Free;
            return true;
        }
        let Some(run) = &mut self.run else { return false };
        match text.trim() {
            "------- output -------" => self.output = true,
            "----- output end -----" => self.output = false,
            "ERRORS" => self.part = Part::Errors,
            "FAILURES" => self.part = Part::Failures,
            _ if text.contains(" | ") && captures(&SUMMARY, text).is_some() && !self.output => {
                let found = captures(&SUMMARY, text);
                let (word, list) =
                    found.as_ref().map_or(("", ""), |found| (group(found, 1), group(found, 2)));
                let (well, list) = (word == "ok", list.to_owned());
                self.summary(well, &list, line.number, sink);
            }
            _ if self.part == Part::Errors => {
                if let Some(found) = captures(&TITLE, text) {
                    let failure = Failure {
                        name: group(&found, 1).to_owned(),
                        file: Some(group(&found, 2).to_owned()),
                        line: Some(number(&found, 3)),
                        ..Failure::default()
                    };
                    run.fail(failure, sink);
                } else if let Some(file) = text.strip_suffix(" (uncaught error)") {
                    run.fail(Failure { name: file.to_owned(), ..Failure::default() }, sink);
                } else if let Some(failure) = run.last() {
                    let said = text.strip_prefix("error: ").unwrap_or(text);
                    if !said.trim_start().starts_with("at ") {
                        say(failure, said);
                    }
                }
            }
            _ if !self.output && self.part == Part::Free => {
                if let Some(found) = captures(&MARK, text) {
                    let outcome = match group(&found, 2) {
                        "ok" => Outcome::Passed,
                        "FAILED" => Outcome::Failed,
                        _ => Outcome::Skipped,
                    };
                    run.marks.add(outcome, 1);
                }
            }
            _ => {}
        }
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        let left = run.listed().saturating_sub(run.marks.failed);
        run.marks.add(Outcome::Failed, left);
        run.marks.add(Outcome::Skipped, done.announced.saturating_sub(run.marks.total));
        run.cut_off("deno test", Format::Deno, sink);
    }
}

impl Deno {
    /// `FAILED | 11 passed (2 steps) | 1 failed | 1 ignored (35ms)`.
    fn summary(&mut self, well: bool, list: &str, line: u64, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(run) = done.run else { return };
        let place = Place::Line(line);
        let mut counts = Counts::default();
        let mut left_out = 0;
        if !list.contains(" failed") {
            sink.incomplete(place, "the summary of deno is cut off");
        }
        for part in list.split(" | ") {
            let Some(found) = captures(&PART, part.trim()) else {
                sink.incomplete(place, "the summary of deno cannot be read");
                continue;
            };
            let n = count(group(&found, 1)).unwrap_or(0);
            match group(&found, 2) {
                "passed" | "measured" => counts.add(Outcome::Passed, n),
                "failed" => counts.add(Outcome::Failed, n),
                "ignored" => counts.add(Outcome::Skipped, n),
                _ => left_out = n,
            }
        }
        if well != (counts.failed == 0) || run.marks.failed > counts.failed {
            sink.incomplete(place, "deno does not count the tests that failed");
        }
        let left = done.announced.saturating_sub(counts.total.saturating_add(left_out));
        if left > 0 {
            counts.add(Outcome::Skipped, left);
            sink.incomplete(place, &format!("{left} of {} tests have no result", done.announced));
        }
        run.close(Format::Deno, counts, line, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &MARK, &SUMMARY, &PART, &TITLE]
}
