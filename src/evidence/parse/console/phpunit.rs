//! Console of PHPUnit, paratest, and of Pest and Laravel, which print a summary of their own.

use super::Line;
use super::run::{Console, Run, pairs, parts, place, rest_passed, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static BEGIN: Pattern = pattern!(r"^PHPUnit (\d+)\.\S+ by Sebastian Bergmann");
static PROGRESS: Pattern = pattern!(r"^([.FEWRSIDNP]{1,200}) +(\d+) / (\d+) \( *\d+%\)$");
static OK: Pattern = pattern!(r"^OK \((\d+) tests?, \d+ assertions?\)$");
static SECTION: Pattern = pattern!(r"^There (?:was|were) \d+ ([A-Za-z -]+?)s?:$");
static ITEM: Pattern = pattern!(r"^(\d+)\) (\S.*)$");
static AT: Pattern = pattern!(r"^(\S.*\.(?:php|phpt|inc)):(\d{1,7})$");
static PEST: Pattern = pattern!(r"^  Tests:\s+((?:\d+ [a-z]+, )*\d+ [a-z]+) \(\d+ assertions?\)$");
/// `   FAILED  Tests\Unit\A > it adds   ExpectationFailedException`, with an angle mark or a sign.
static PEST_FAILED: Pattern =
    pattern!(r"^\s+FAILED\s+(\S+) (?:>|\u{203a}) (.+?)(?:\s{2,}(\S+)(?:\s+[\d.]+s)?)?\s*$");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    Failures,
    Errors,
    /// Of warnings, skipped tests and the like.
    Other,
    /// A failure as Pest shows it.
    Pest,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Phpunit {
    run: Option<Run>,
    major: u64,
    /// The tests that the progress announces.
    planned: u64,
    part: Part,
    /// The words over the last line of the summary.
    headline: Option<String>,
    pest: Run,
}

impl Console for Phpunit {
    fn open(&self) -> bool {
        self.part != Part::Free
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("PHPUnit ")
            && let Some(found) = captures(&BEGIN, text)
        {
            self.cut_off(sink);
            *self = Self { run: Some(Run::at(line.number)), major: number(&found, 1), ..Self::default() };
            return true;
        }
        if self.run.is_none() {
            return self.pest(line, sink);
        }
        self.inside(line, sink);
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
        let pest = std::mem::take(&mut self.pest);
        if pest.listed() > 0 {
            let mut pest = pest;
            let listed = pest.listed();
            pest.marks.add(Outcome::Failed, listed);
            pest.cut_off("pest", Format::Phpunit, sink);
        }
    }
}

impl Phpunit {
    fn inside(&mut self, line: &Line<'_>, sink: &mut Sink) {
        let text = line.text;
        let Some(run) = &mut self.run else { return };
        if self.part == Part::Free
            && let Some(found) = captures(&PROGRESS, text)
        {
            for mark in group(&found, 1).bytes() {
                let outcome = match mark {
                    b'F' => Outcome::Failed,
                    b'E' => Outcome::Errored,
                    b'S' => Outcome::Skipped,
                    b'I' => Outcome::Pending,
                    _ => Outcome::Passed,
                };
                run.marks.add(outcome, 1);
            }
            self.planned = number(&found, 3);
            return;
        }
        if let Some(found) = captures(&OK, text) {
            let counts = rest_passed(number(&found, 1), &[]);
            return self.summary(counts, true, line.number, sink);
        }
        if let Some(found) = captures(&SECTION, text) {
            self.part = match group(&found, 1) {
                "failure" => Part::Failures,
                "error" => Part::Errors,
                _ => Part::Other,
            };
            return;
        }
        if self.headline.is_some()
            && let Some(list) = text.strip_prefix("Tests: ")
        {
            return self.list(list, line.number, sink);
        }
        if text.starts_with("No tests executed!") {
            return self.summary(Counts::default(), true, line.number, sink);
        }
        let word = matches!(text, "FAILURES!" | "ERRORS!" | "WARNINGS!" | "DEPRECATIONS!" | "NOTICES!");
        if word || text.starts_with("OK, but ") {
            self.headline = Some(text.to_owned());
            self.part = Part::Free;
            return;
        }
        match self.part {
            Part::Failures | Part::Errors => self.detail(text, sink),
            _ => {}
        }
    }

    /// `Tests: 3, Assertions: 5, Failures: 1.`
    fn list(&mut self, list: &str, line: u64, sink: &mut Sink) {
        let text = format!("Tests: {}", list.trim_end_matches('.'));
        let Some(known) = pairs(&text, ":") else {
            sink.incomplete(Place::Line(line), "the summary of PHPUnit cannot be read");
            return;
        };
        let of = |word: &str| known.iter().find(|(what, _)| *what == word).map_or(0, |(_, n)| *n);
        let others = [
            (Outcome::Failed, of("Failures")),
            (Outcome::Errored, of("Errors")),
            (Outcome::Skipped, of("Skipped")),
            (Outcome::Pending, of("Incomplete")),
        ];
        let headline = self.headline.take().unwrap_or_default();
        let well = !matches!(headline.as_str(), "FAILURES!" | "ERRORS!");
        if headline == "WARNINGS!" && self.major < 10 {
            // A test that could not be made is a warning there.
            sink.incomplete(Place::Line(line), "PHPUnit warns: tests may not have run");
        }
        self.summary(rest_passed(of("Tests"), &others), well, line, sink);
    }

    fn summary(&mut self, counts: Counts, well: bool, line: u64, sink: &mut Sink) {
        let Some(run) = self.run.take() else { return };
        let place = Place::Line(line);
        if !well && counts.bad() == 0 {
            sink.fail(broken("the test run", FailureKind::Errored, None));
            sink.incomplete(place, "PHPUnit failed, and counts no failing test");
        }
        if well && counts.bad() > 0 {
            sink.incomplete(place, "PHPUnit says that all is well, and counts failing tests");
        }
        if run.marks.bad() > counts.bad() {
            sink.incomplete(place, "the progress of PHPUnit has more failing tests than its summary");
        }
        if self.planned > counts.total {
            let left = self.planned - counts.total;
            sink.incomplete(place, &format!("{left} of {} tests did not run", self.planned));
        }
        *self = Self { pest: std::mem::take(&mut self.pest), ..Self::default() };
        run.close(Format::Phpunit, counts, line, sink);
    }

    /// A line of the list of failures.
    fn detail(&mut self, text: &str, sink: &Sink) {
        let Some(run) = &mut self.run else { return };
        if let Some(found) = captures(&ITEM, text)
            && (group(&found, 2).contains("::") || group(&found, 2).ends_with(".phpt"))
        {
            let whole = group(&found, 2);
            let (class, name) = whole.split_once("::").unwrap_or(("", whole));
            let errors = self.part == Part::Errors;
            let failure = Failure {
                name: name.to_owned(),
                classname: Some(class.to_owned()).filter(|class| !class.is_empty()),
                kind: if errors { FailureKind::Errored } else { FailureKind::Failed },
                ..Failure::default()
            };
            run.fail(failure, sink);
            return;
        }
        let Some(failure) = run.last() else { return };
        match captures(&AT, text) {
            // The last line of a stack is the test's own.
            Some(found) if !group(&found, 1).contains("/vendor/") => {
                failure.file = Some(group(&found, 1).to_owned());
                failure.line = Some(number(&found, 2));
            }
            Some(_) => {}
            None if text == "--" => {}
            None if failure.line.is_none() => say(failure, text),
            None => {}
        }
    }

    /// What Pest and Laravel print.
    fn pest(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("  Tests:")
            && let Some(found) = captures(&PEST, text)
        {
            self.part = Part::Free;
            let mut counts = Counts::default();
            for (n, what) in parts(group(&found, 1)).unwrap_or_default() {
                match what {
                    "passed" | "warnings" | "deprecated" | "risky" | "notices" => {
                        counts.add(Outcome::Passed, n)
                    }
                    "failed" => counts.add(Outcome::Failed, n),
                    "todo" | "todos" | "incomplete" => counts.add(Outcome::Pending, n),
                    "skipped" => counts.add(Outcome::Skipped, n),
                    _ => sink.incomplete(
                        Place::Line(line.number),
                        "the summary of Pest has a word that is not known",
                    ),
                }
            }
            std::mem::take(&mut self.pest).close(Format::Phpunit, counts, line.number, sink);
            return true;
        }
        if text.trim_start().starts_with("FAILED ")
            && let Some(found) = captures(&PEST_FAILED, text)
            && group(&found, 1).contains('\\')
        {
            let failure = Failure {
                name: group(&found, 2).to_owned(),
                classname: Some(group(&found, 1).to_owned()),
                ..Failure::default()
            };
            if self.pest.line == 0 {
                self.pest.line = line.number;
            }
            self.pest.fail(failure, sink);
            self.part = Part::Pest;
            return true;
        }
        if self.part != Part::Pest {
            return false;
        }
        let Some(failure) = self.pest.last() else { return false };
        let bare = text.trim();
        if let Some(at) = bare.strip_prefix("at ") {
            place(failure, at);
            self.part = Part::Free;
        } else {
            say(failure, bare);
        }
        true
    }

    /// A run without a summary: what is left of it did not run.
    fn cut_off(&mut self, sink: &mut Sink) {
        let Some(mut run) = self.run.take() else { return };
        let left = run.listed().saturating_sub(run.marks.bad());
        run.marks.add(Outcome::Failed, left);
        run.marks.add(Outcome::Skipped, self.planned.saturating_sub(run.marks.total));
        self.part = Part::Free;
        run.cut_off("PHPUnit", Format::Phpunit, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &PROGRESS, &OK, &SECTION, &ITEM, &AT, &PEST, &PEST_FAILED]
}
