//! Console of `cargo test`: one summary per test binary and one for the doctests.

mod process;

use super::Line;
use super::panic::{Panic, panic_of};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};
use process::Lost;

static RESULT: Pattern = pattern!(
    r"^\s*test result: \S+ (\d+) passed; (\d+) failed; (?:(\d+) allowed to fail; )?(\d+) ignored(?:; (\d+) measured(?:; \d+ filtered out)?|; \d+ filtered out)"
);
static RUNNING: Pattern = pattern!(r"^running (\d+) tests?$");
static TEST: Pattern = pattern!(r"^test (.+?) \.\.\. (.*)$");
static STDOUT: Pattern = pattern!(r"^---- (.+) (?:stdout|stderr|output) ----$");
static QUIET_FAIL: Pattern = pattern!(r"^(\S.*) --- FAILED$");
static OLD_PLACE: Pattern = pattern!(r"', (\S+?):(\d+):\d+$");
static DOCTEST: Pattern = pattern!(r"^(\S+\.(?:rs|md)) - .*\(line (\d+)\)");
static BINARY: Pattern = pattern!(r"^\s+(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))");

#[derive(Debug, Default)]
struct Run {
    line: u64,
    announced: u64,
    seen: Counts,
    failures: Vec<Failure>,
    left: u64,
    /// `test x ... ` without a result, when tests run one at a time.
    under_way: Option<String>,
    details: bool,
    /// A summary of fewer tests than were announced: some test's output, unless no other follows.
    held: Option<(Counts, u64)>,
}

/// Whose lines come next in a failure's output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// In the output of the failure at this place of the list.
    Output(usize),
    /// The panic's message comes next, for the failure at this place.
    Message(usize),
    OldMessage(usize),
    /// In the list of names at the end.
    Names,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    run: Option<Run>,
    part: Part,
    binary: String,
    /// A binary failed outside of its tests; the next lines may say how it ended.
    lost: Option<Lost>,
    /// A test of the binary that ran last is known to have failed.
    explained: bool,
    /// Binaries of which a failure is known.
    failed: u64,
    any: bool,
    names: usize,
    /// The line of a test binary that was started and has not said how many tests it runs; and whether it will.
    started: Option<(u64, bool)>,
}

impl Cargo {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.details)
            || self.lost.is_some()
            || self.started.is_some_and(|(_, sure)| !sure)
    }

    /// Whether a test binary runs: what is printed is of its tests.
    pub(super) fn active(&self) -> bool {
        self.run.is_some()
    }

    /// Takes a line; true if it was cargo's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.contains("test result: ")
            && let Some(found) = captures(&RESULT, text)
        {
            self.result(&found, line.number, sink);
            return true;
        }
        if text.starts_with("running ")
            && let Some(found) = captures(&RUNNING, text)
        {
            self.cut_off(sink);
            self.run = Some(Run { line: line.number, announced: number(&found, 1), ..Run::default() });
            self.part = Part::Free;
            self.any = true;
            self.started = None;
            return true;
        }
        let bare = text.trim_start();
        if (bare.starts_with("Running ") || bare.starts_with("Doc-tests "))
            && let Some(found) = captures(&BINARY, text)
        {
            self.cut_off(sink);
            self.lost = None;
            self.explained = false;
            // Other binaries can have a harness of their own.
            let sure = text.contains("unittests ") || bare.starts_with("Doc-tests ");
            let test = sure || self.any || text.contains("/deps/");
            self.started = test.then_some((line.number, sure));
            self.binary = format!("{}{}", group(&found, 1), group(&found, 2));
            return false;
        }
        if let Some(taken) = self.process(line, sink) {
            return taken;
        }
        // It has a harness of its own, if these are not the first letters of the usual one's line.
        let first = text.trim().is_empty()
            || text.starts_with("running ")
            || "running ".starts_with(text)
            || text.starts_with("##[");
        self.started = self.started.filter(|(_, sure)| *sure || first);
        self.inside(text, sink)
    }

    fn inside(&mut self, text: &str, sink: &Sink) -> bool {
        let bound = sink.limits().failures;
        let Some(run) = &mut self.run else {
            return false;
        };
        if !run.details
            && let Some(found) = captures(&TEST, text)
        {
            let name = group(&found, 1);
            let name = [" - should panic", " - compile fail", " - compile"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            let said = group(&found, 2);
            // Output of the test itself can stand before its result.
            if said.ends_with("FAILED") || said.contains("FAILED (") || said == "FAIL" {
                run.seen.add(Outcome::Failed, 1);
                run.fail(name, bound);
            } else if said.starts_with("ignored") {
                run.seen.add(Outcome::Skipped, 1);
            } else if said.ends_with("ok") || said.starts_with("ok") || said.starts_with("bench:") {
                run.seen.add(Outcome::Passed, 1);
            } else {
                run.under_way = Some(name.to_owned());
            }
            return true;
        }
        if text == "failures:" {
            run.details = true;
            self.part = if self.part == Part::Free && self.names == 0 { Part::Free } else { Part::Names };
            self.names += 1;
            return true;
        }
        if !run.details {
            if let Some(found) = captures(&QUIET_FAIL, text) {
                run.seen.add(Outcome::Failed, 1);
                let name = group(&found, 1).to_owned();
                run.fail(&name, bound);
                return true;
            }
            return false;
        }
        if let Some(found) = captures(&STDOUT, text) {
            let name = group(&found, 1);
            // Quiet runs name their failures here first.
            if !run.failures.iter().any(|failure| failure.name == name) {
                run.fail(name, bound);
            }
            let at = run.failures.iter().position(|failure| failure.name == name);
            self.part = at.map_or(Part::Free, Part::Output);
            self.names += 1;
            return true;
        }
        match self.part {
            Part::Names => {
                if let Some(name) = text.strip_prefix("    ")
                    && !name.starts_with(' ')
                    && !run.failures.iter().any(|failure| failure.name == name)
                {
                    run.fail(name, bound);
                }
            }
            Part::Output(at) => self.part = run.output(at, text),
            Part::Message(at) => {
                if let Some(failure) = run.failures.get_mut(at) {
                    let said = failure.message.get_or_insert_default();
                    let ends =
                        text.is_empty() || text.starts_with("stack backtrace:") || text.starts_with("note: ");
                    if ends {
                        self.part = Part::Free;
                    } else {
                        text::collect(said, text.trim());
                    }
                }
            }
            Part::OldMessage(at) => {
                if let Some(failure) = run.failures.get_mut(at) {
                    let found = captures(&OLD_PLACE, text);
                    let end = found
                        .as_ref()
                        .and_then(|found| found.get(0))
                        .map_or(text.len(), |whole| whole.start());
                    text::collect(failure.message.get_or_insert_default(), text.get(..end).unwrap_or(text));
                    if let Some(found) = &found {
                        failure.file = Some(group(found, 1).to_owned());
                        failure.line = Some(number(found, 2));
                    }
                    if found.is_some() || text.is_empty() {
                        self.part = Part::Free;
                    }
                }
            }
            Part::Free => {}
        }
        true
    }

    fn result(&mut self, found: &regex::Captures<'_>, line: u64, sink: &mut Sink) {
        let mut counts = Counts::default();
        counts.add(Outcome::Passed, number(found, 1) + number(found, 5));
        counts.add(Outcome::Failed, number(found, 2));
        counts.add(Outcome::Skipped, number(found, 3) + number(found, 4));
        if let Some(run) = self.run.as_mut().filter(|run| run.announced != counts.total) {
            let passed = run.seen.total == 0 || counts.passed <= run.seen.passed;
            if counts.total < run.announced && passed {
                run.held = Some((counts, line));
            }
            return;
        }
        self.counted(counts, line, sink);
    }

    /// The counts of a run.
    fn counted(&mut self, mut counts: Counts, line: u64, sink: &mut Sink) {
        let mut run = self.run.take().unwrap_or_default();
        if run.announced > counts.total {
            let left = run.announced - counts.total;
            counts.add(Outcome::Skipped, left);
            let said = format!("{left} of {} tests have no result: they count as skipped", run.announced);
            sink.incomplete(Place::Line(line), &said);
        }
        run.seen = counts;
        self.finish(run, sink);
    }

    /// A run without its summary.
    fn cut_off(&mut self, sink: &mut Sink) {
        if let Some((counts, line)) = self.run.as_mut().and_then(|run| run.held.take()) {
            return self.counted(counts, line, sink);
        }
        let Some(mut run) = self.run.take() else {
            return;
        };
        if let Some(name) = run.under_way.take() {
            run.seen.add(Outcome::Failed, 1);
            run.failures.push(Failure {
                name,
                kind: FailureKind::Interrupted,
                message: Some("the process ended while this test ran".to_owned()),
                ..Failure::default()
            });
        }
        let left = run.announced.saturating_sub(run.seen.total);
        run.seen.add(Outcome::Skipped, left);
        let said = format!("a test binary has no summary: {left} of its tests have no result");
        sink.incomplete(Place::Line(run.line), &said);
        self.finish(run, sink);
    }

    fn finish(&mut self, run: Run, sink: &mut Sink) {
        self.part = Part::Free;
        self.names = 0;
        self.any = true;
        if run.seen.bad() > 0 && !std::mem::replace(&mut self.explained, true) {
            self.failed += 1;
        }
        sink.merge(Format::CargoTest, run.seen);
        for mut failure in run.failures {
            if let Some(found) = captures(&DOCTEST, &failure.name) {
                // The places in its output are those of a generated file.
                failure.file = Some(group(&found, 1).to_owned());
                failure.line = Some(number(&found, 2));
            }
            failure.suite = Some(self.binary.clone()).filter(|binary| !binary.is_empty());
            sink.fail(failure);
        }
        sink.more_failures(run.left);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
        if let Some((line, _)) = self.started.take() {
            let said = "the log ends before the test binary ran";
            sink.incomplete(Place::Line(line), said);
        }
    }
}

impl Run {
    fn fail(&mut self, name: &str, bound: usize) {
        if self.failures.len() < bound {
            self.failures.push(Failure { name: name.to_owned(), ..Failure::default() });
        } else {
            self.left += 1;
        }
    }

    /// A line of a failing test's output; returns what the next line is part of.
    fn output(&mut self, at: usize, text: &str) -> Part {
        let Some(failure) = self.failures.get_mut(at) else {
            return Part::Free;
        };
        match panic_of(text) {
            Some(Panic { place: Some((file, line)), message: None }) => {
                failure.file = Some(file);
                failure.line = Some(line);
                failure.message = None;
                Part::Message(at)
            }
            Some(Panic { place, message }) => {
                failure.message = message;
                match place {
                    Some((file, line)) => {
                        failure.file = Some(file);
                        failure.line = Some(line);
                        Part::Free
                    }
                    None => Part::OldMessage(at),
                }
            }
            None => {
                if let Some(rest) = text.strip_prefix("note: test did not panic as expected") {
                    failure.message = Some("test did not panic as expected".to_owned());
                    if let Some((file, line)) = text::location(rest) {
                        failure.file = Some(file);
                        failure.line = Some(line);
                    }
                } else if failure.message.is_none() && text.starts_with("Error: ") {
                    failure.message = Some(text.to_owned());
                }
                Part::Output(at)
            }
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    let mut all = vec![&RESULT, &RUNNING, &TEST, &STDOUT, &QUIET_FAIL, &OLD_PLACE, &DOCTEST, &BINARY];
    all.extend(process::patterns());
    all
}
