//! Console of Python's unittest and of what prints like it: Django's runner, nose, trial.

use super::Line;
use super::run::{Console, Run, pairs, rest_passed, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, is_library, number, pattern};

static RAN: Pattern = pattern!(r"^Ran (\d+) tests? in [\d.]+s$");
static VERDICT: Pattern = pattern!(r"^(OK|FAILED|PASSED|NO TESTS RAN)(?: \(([^()]*)\))?$");
static MARK: Pattern = pattern!(
    r"\.\.\. (?:.*)?\b(ok|FAIL|ERROR|expected failure|unexpected success|skipped (?:'.*'|\x22.*\x22))$"
);
static NAMED: Pattern = pattern!(r"^(?:test\w*|\w+) \([\w.<>]+\)");
static TITLE: Pattern = pattern!(r"^(FAIL|ERROR|UNEXPECTED SUCCESS): (\S+) \(([\w.<>]*)\)(.*)$");
/// How Django says what it will run.
static FOUND: Pattern = pattern!(r"^Found (\d+) test\(s\)\.$");
static FRAME: Pattern = pattern!(r#"^\s+File "([^"]{1,400})", line (\d{1,7})"#);

/// Lines between a summary's two lines.
const NEAR: u64 = 6;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// The name of a failing test, and its description.
    Head,
    /// Its traceback.
    Trace,
    /// What was raised.
    Raised,
    /// What the test printed.
    Output,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Unittest {
    run: Option<Run>,
    part: Part,
    /// The lines of a rule of `=` and of one of `-`.
    double: u64,
    single: u64,
    /// What `Ran` says, and its line, in the log and in what unittest wrote.
    ran: Option<(u64, u64, u64)>,
    /// Modules and classes of which no test ran.
    lost: u64,
    /// What failed and is no test.
    outside: u64,
    /// The tests that were announced.
    found: u64,
}

impl Console for Unittest {
    fn open(&self) -> bool {
        self.part != Part::Free
    }

    fn running(&self) -> bool {
        self.part != Part::Free
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if is_rule(text, b'=') {
            self.double = line.seq;
            return self.part != Part::Free;
        }
        if is_rule(text, b'-') {
            self.single = line.seq;
            if self.part == Part::Head {
                self.part = Part::Trace;
            }
            return self.part != Part::Free;
        }
        if text.starts_with("Ran ")
            && self.single > 0
            && self.single + 1 == line.seq
            && let Some(found) = captures(&RAN, text)
        {
            self.no_verdict(sink);
            self.ran = Some((number(&found, 1), line.number, line.seq));
            self.run.get_or_insert_with(|| Run::at(line.number));
            self.part = Part::Free;
            return true;
        }
        if let Some((ran, _, at)) = self.ran
            && line.seq <= at + NEAR
            && let Some(found) = captures(&VERDICT, text)
        {
            self.verdict(ran, group(&found, 1), group(&found, 2), line.number, sink);
            return true;
        }
        if self.double + 1 == line.seq
            && self.double > 0
            && let Some(found) = captures(&TITLE, text)
        {
            self.title(&found, line, sink);
            return true;
        }
        if self.part != Part::Free {
            self.detail(text);
            return true;
        }
        if text.starts_with("Found ")
            && let Some(found) = captures(&FOUND, text)
        {
            self.end(sink);
            self.found = number(&found, 1);
            self.run = (self.found > 0).then(|| Run::at(line.number));
            return true;
        }
        self.mark(line)
    }

    fn end(&mut self, sink: &mut Sink) {
        self.no_verdict(sink);
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        // What is listed is known better than what is marked.
        if run.marks.bad() < run.listed() {
            let left = run.listed() - run.marks.bad();
            run.marks.add(Outcome::Failed, left);
        }
        run.marks.add(Outcome::Skipped, done.found.saturating_sub(run.marks.total));
        run.cut_off("unittest", Format::Unittest, sink);
    }
}

impl Unittest {
    /// `FAIL: test_x (mod.Class.test_x)`, and what a subtest adds.
    fn title(&mut self, found: &regex::Captures<'_>, line: &Line<'_>, sink: &Sink) {
        let (name, path) = (group(found, 2), group(found, 3));
        let class = path.strip_suffix(name).and_then(|path| path.strip_suffix('.')).unwrap_or(path);
        let error = group(found, 1) == "ERROR";
        self.outside += u64::from(is_fixture(name));
        self.lost += u64::from(name.starts_with("setUp") && is_fixture(name) || path.contains("_FailedTest"));
        let failure = Failure {
            name: format!("{name}{}", group(found, 4)),
            classname: Some(class.to_owned()).filter(|class| !class.is_empty()),
            kind: if error { FailureKind::Errored } else { FailureKind::Failed },
            ..Failure::default()
        };
        self.run.get_or_insert_with(|| Run::at(line.number)).fail(failure, sink);
        self.part = Part::Head;
        if group(found, 1).starts_with('U') {
            // These stand below each other.
            self.double = line.seq;
        }
    }

    /// A line of a failing test.
    fn detail(&mut self, text: &str) {
        if text == "Stdout:" || text == "Stderr:" {
            self.part = Part::Output;
        }
        let part = self.part;
        let Some(failure) = self.run.as_mut().and_then(Run::last) else { return };
        match part {
            Part::Trace | Part::Raised if text.starts_with("Traceback (most recent call last)") => {
                failure.message = None;
                self.part = Part::Trace;
            }
            Part::Trace if text.starts_with(' ') => {
                if let Some(found) = captures(&FRAME, text)
                    && !is_library(group(&found, 1))
                {
                    failure.file = Some(group(&found, 1).to_owned());
                    failure.line = Some(number(&found, 2));
                }
            }
            Part::Trace if !text.is_empty() => {
                say(failure, text);
                self.part = Part::Raised;
            }
            Part::Raised => say(failure, text),
            Part::Head | Part::Trace | Part::Output | Part::Free => {}
        }
    }

    /// `test_x (mod.Class) ... ok`.
    fn mark(&mut self, line: &Line<'_>) -> bool {
        let text = line.text;
        if !text.contains("... ") {
            return false;
        }
        let Some(found) = captures(&MARK, text) else { return false };
        // With a description the name stands on the line before: then others must have said whose it is.
        if self.run.is_none() && captures(&NAMED, text).is_none() {
            return false;
        }
        // Parts of a test, and what is set up for several, are in no number of tests.
        if text.starts_with(' ') || is_fixture(text.split(' ').next().unwrap_or_default()) {
            return true;
        }
        let outcome = match group(&found, 1) {
            "ok" | "unexpected success" => Outcome::Passed,
            "FAIL" => Outcome::Failed,
            "ERROR" => Outcome::Errored,
            _ => Outcome::Skipped,
        };
        self.run.get_or_insert_with(|| Run::at(line.number)).marks.add(outcome, 1);
        true
    }

    /// `OK (skipped=1)`.
    fn verdict(&mut self, ran: u64, word: &str, list: &str, line: u64, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(run) = done.run else { return };
        let place = Place::Line(line);
        let known = if list.is_empty() { Some(Vec::new()) } else { pairs(list, "=") };
        if known.is_none() {
            sink.incomplete(place, "the summary of unittest cannot be read");
        }
        let of = |names: [&str; 2]| -> u64 {
            let said = known.iter().flatten();
            said.filter(|(what, _)| names.contains(&what.to_ascii_lowercase().as_str()))
                .fold(0, |sum, (_, n)| sum.saturating_add(*n))
        };
        let failed = of(["failures", "unexpected successes"]);
        let others = [
            (Outcome::Failed, failed),
            (Outcome::Errored, of(["errors", "error"])),
            (Outcome::Skipped, of(["skipped", "skip"])),
            (Outcome::Skipped, of(["expected failures", "todo"])),
        ];
        let mut counts = rest_passed(ran.saturating_add(done.outside), &others);
        if word == "FAILED" && counts.bad() == 0 {
            // It failed, and does not say how.
            let n = run.listed().max(1);
            counts = rest_passed(ran.max(n), &[(Outcome::Failed, n)]);
            sink.incomplete(place, "unittest failed without a number of failing tests");
        }
        if word != "FAILED" && counts.bad() > 0 {
            sink.incomplete(place, "unittest says that all is well, and counts failing tests");
        }
        if run.marks.total > counts.total || run.marks.bad() > counts.bad() {
            let said = format!("unittest counts {ran} tests and {} have a result", run.marks.total);
            sink.incomplete(place, &said);
        }
        if done.lost > 0 {
            sink.incomplete(place, "a module or class was not set up: its tests did not run");
        }
        if ran < done.found {
            let said = format!("{} of {} tests did not run", done.found - ran, done.found);
            sink.incomplete(place, &said);
        }
        run.close(Format::Unittest, counts, line, sink);
    }

    /// `Ran` without a verdict: how the tests ended is not known.
    fn no_verdict(&mut self, sink: &mut Sink) {
        let Some((ran, line, _)) = self.ran.take() else { return };
        let Some(run) = self.run.take() else { return };
        let mut counts = Counts::default();
        counts.add(Outcome::Failed, run.listed());
        counts.add(Outcome::Skipped, ran.saturating_sub(run.listed()));
        sink.incomplete(Place::Line(line), "unittest does not say how its tests ended");
        run.close(Format::Unittest, counts, line, sink);
    }
}

/// Whether a name is that of what is set up or taken down for several tests.
fn is_fixture(name: &str) -> bool {
    matches!(name, "setUpClass" | "setUpModule" | "tearDownClass" | "tearDownModule")
}

/// A rule of at least as many characters as unittest draws.
fn is_rule(text: &str, of: u8) -> bool {
    let text = text.trim_end();
    (69..=80).contains(&text.len()) && text.bytes().all(|byte| byte == of)
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&RAN, &VERDICT, &MARK, &NAMED, &TITLE, &FOUND, &FRAME]
}
