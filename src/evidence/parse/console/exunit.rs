//! Console of Elixir's ExUnit.

use super::Line;
use super::run::{Console, Run, parts, rest_passed, say};
use crate::evidence::parse::model::{Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static BEGIN: Pattern = pattern!(r"^Running ExUnit with seed: \d+");
static TITLE: Pattern = pattern!(r"^  (\d+)\) (\S.*) \(([\w.]+)\)$");
static AT: Pattern = pattern!(r"^     (\S+\.exs?):(\d{1,7})$");
static FRAME: Pattern = pattern!(r"^       (?:\([^)]*\) )?(\S+\.exs?):(\d{1,7}): ");

/// Lines between a summary's two lines.
const NEAR: u64 = 3;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Exunit {
    run: Option<Run>,
    finished: u64,
    /// In the stack of the failure that was told last.
    stack: bool,
    /// Modules whose setup failed.
    setups: u64,
    /// It was told to end after so many failures.
    stopped: bool,
}

impl Console for Exunit {
    fn open(&self) -> bool {
        self.run.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Running ExUnit") && captures(&BEGIN, text).is_some() {
            self.end(sink);
            self.run = Some(Run::at(line.number));
            return true;
        }
        if text.starts_with("Finished in ") && text.contains(" seconds (") {
            self.finished = line.seq;
            return self.run.is_some();
        }
        if self.finished > 0
            && line.seq <= self.finished + NEAR
            && text.contains(" failure")
            && self.summary(text, line.number, sink)
        {
            return true;
        }
        if self.run.is_none() {
            return false;
        }
        self.stopped |= text.contains("--max-failures reached, aborting test suite");
        self.detail(text, sink);
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        let listed = run.listed();
        run.marks.add(Outcome::Failed, listed);
        run.cut_off("ExUnit", Format::Exunit, sink);
    }
}

impl Exunit {
    fn detail(&mut self, text: &str, sink: &Sink) {
        let Some(run) = &mut self.run else { return };
        if let Some(found) = captures(&TITLE, text) {
            let name = group(&found, 2);
            self.setups += u64::from(name.contains("failure on setup_all callback"));
            let failure = Failure {
                name: name.strip_prefix("test ").unwrap_or(name).to_owned(),
                classname: Some(group(&found, 3).to_owned()),
                ..Failure::default()
            };
            run.fail(failure, sink);
            self.stack = false;
            return;
        }
        let Some(failure) = run.last() else { return };
        if let Some(found) = captures(&AT, text).filter(|_| failure.message.is_none()) {
            failure.file = Some(group(&found, 1).to_owned());
            failure.line = Some(number(&found, 2));
        } else if text.trim() == "stacktrace:" {
            self.stack = true;
        } else if self.stack {
            // Where it failed says more than where the test begins.
            if let Some(found) = captures(&FRAME, text)
                && failure.file.as_deref() == Some(group(&found, 1))
            {
                failure.line = Some(number(&found, 2));
                self.stack = false;
            }
        } else if text.starts_with("     ") {
            say(failure, text);
        }
    }

    /// `2 doctests, 12 tests, 1 failure, 1 skipped`.
    fn summary(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        // Newer ones put what was left out in parentheses.
        let plain = text.replace(" (", ", ").replace(')', "");
        let Some(known) = parts(&plain) else { return false };
        let of = |start: &str| {
            let found = known.iter().filter(|(_, what)| what.starts_with(start));
            found.fold(0u64, |sum, (n, _)| sum.saturating_add(*n))
        };
        if !known.iter().any(|(_, what)| what.starts_with("failure")) {
            return false;
        }
        let total = ["doctest", "test", "propert", "feature"].iter().fold(0u64, |sum, kind| sum + of(kind));
        let done = std::mem::take(self);
        let run = done.run.unwrap_or_else(|| Run::at(line));
        let (failed, invalid) = (of("failure"), of("invalid"));
        let others = [
            (Outcome::Failed, failed),
            (Outcome::Errored, invalid),
            (Outcome::Skipped, of("skipped")),
            (Outcome::Skipped, of("excluded")),
        ];
        let mut counts = rest_passed(total, &others);
        let place = Place::Line(line);
        if done.stopped {
            sink.incomplete(place, "ExUnit ended after so many failures: tests did not run");
        }
        if invalid > 0 || done.setups > 0 {
            sink.incomplete(place, "the setup of a module failed: its tests did not run");
        }
        // A module that failed is no test: it is listed, and its tests are those that are not valid.
        if run.listed() > counts.bad() && done.setups > 0 {
            counts.add(Outcome::Errored, run.listed() - counts.bad());
        }
        run.close(Format::Exunit, counts, line, sink);
        true
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &TITLE, &AT, &FRAME]
}
