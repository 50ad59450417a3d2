//! Console of RSpec.

use super::Line;
use super::run::{Console, Run, parts, rest_passed, say};
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern, several};

static FINISHED: Pattern = pattern!(r"^Finished in .*\(files took .* to load\)$");
static TITLE: Pattern = pattern!(r"^  (\d+)\) (\S.*)$");
static LISTED: Pattern = pattern!(r"^rspec (\S+?)(?::(\d{1,7})|\[[\d:,]+\])? # (.+)$");
static FRAME: Pattern = pattern!(r"^\s+# (\./\S+?):(\d{1,7})");

/// Lines between a summary's two lines.
const NEAR: u64 = 3;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// After `Failures:`, in which other tools list theirs as well.
    Section,
    /// In a failure that RSpec describes.
    Failure,
    /// After `Failed examples:`.
    List,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Rspec {
    run: Run,
    part: Part,
    title: String,
    finished: u64,
    /// A run said which seed it takes, and not how it ended.
    begun: Option<u64>,
    /// The run that is over began with its seed.
    closes: bool,
    /// It was asked to stop.
    stopped: bool,
    /// Failures that the list may still name.
    named: Vec<Failure>,
    listing: bool,
}

impl Console for Rspec {
    fn open(&self) -> bool {
        self.part != Part::Free
    }

    fn running(&self) -> bool {
        self.part == Part::Failure
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Finished in ") {
            let own = captures(&FINISHED, text).is_some();
            if own {
                self.finished = line.seq;
                self.part = Part::Free;
            } else {
                // The seed was that of another tool.
                self.begun = None;
            }
            return own;
        }
        if self.finished > 0 && line.seq <= self.finished + NEAR && text.contains(" example") {
            return self.summary(text, line.number, sink);
        }
        if text.starts_with("Randomized with seed ") {
            // It is told once more after the summary.
            if !std::mem::take(&mut self.closes) {
                self.begun.get_or_insert(line.number);
            }
            return true;
        }
        if text.starts_with("RSpec is shutting down") {
            self.stopped = true;
            self.begun.get_or_insert(line.number);
            return true;
        }
        if text == "Failed examples:" && self.listing {
            self.part = Part::List;
            return true;
        }
        if text == "Failures:" && self.part == Part::Free {
            self.part = Part::Section;
            return false;
        }
        match self.part {
            Part::Free => false,
            Part::Section | Part::Failure => self.detail(text, sink),
            Part::List => self.listed(text, sink),
        }
    }

    fn end(&mut self, sink: &mut Sink) {
        self.name(sink);
        let done = std::mem::take(self);
        let mut run = done.run;
        if run.listed() > 0 || done.begun.is_some() {
            run.line = done.begun.unwrap_or(run.line);
            let listed = run.listed();
            run.marks.add(Outcome::Failed, listed);
            run.cut_off("RSpec", Format::Rspec, sink);
        }
    }
}

impl Rspec {
    fn detail(&mut self, text: &str, sink: &Sink) -> bool {
        if let Some(found) = captures(&TITLE, text) {
            self.title = group(&found, 2).to_owned();
            return self.part == Part::Failure;
        }
        if !self.title.is_empty()
            && (text.starts_with("     Failure/Error:") || text.starts_with("     Got "))
        {
            let failure = Failure { name: std::mem::take(&mut self.title), ..Failure::default() };
            self.run.fail(failure, sink);
            self.part = Part::Failure;
            return true;
        }
        if self.part == Part::Section {
            if !text.trim().is_empty() && !text.starts_with(' ') {
                self.part = Part::Free;
            }
            return false;
        }
        let Some(failure) = self.run.last() else { return true };
        match captures(&FRAME, text) {
            Some(found) if failure.line.is_none() && !group(&found, 1).contains("/vendor/") => {
                failure.file = Some(group(&found, 1).to_owned());
                failure.line = Some(number(&found, 2));
            }
            Some(_) => {}
            None if text.trim_start().starts_with("# ") => {}
            None if failure.line.is_none() => say(failure, text),
            None => {}
        }
        true
    }

    /// `12 examples, 1 failure, 2 pending`.
    fn summary(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        let Some(known) = parts(text) else { return false };
        let Some((total, "example" | "examples")) = known.first().copied() else { return false };
        let of = |start: &str| known.iter().find(|(_, what)| what.starts_with(start)).map(|(n, _)| *n);
        self.finished = 0;
        self.closes = self.begun.take().is_some();
        self.part = Part::Free;
        self.listing = true;
        let place = Place::Line(line);
        let failed = of("failure");
        if failed.is_none() {
            sink.incomplete(place, "the summary of RSpec does not say how many examples failed");
        }
        if std::mem::take(&mut self.stopped) {
            sink.incomplete(place, "RSpec was asked to stop: examples did not run");
        }
        if let Some(n) = of("error").filter(|n| *n > 0) {
            let said = format!("{} outside of examples", several(n, "error"));
            sink.fail(broken("errors outside of examples", FailureKind::Errored, Some(said.clone())));
            sink.incomplete(place, &said);
        }
        let others = [(Outcome::Failed, failed.unwrap_or(0)), (Outcome::Pending, of("pending").unwrap_or(0))];
        let counts = rest_passed(total, &others);
        let run = std::mem::take(&mut self.run);
        if run.listed() == 0 {
            // The list that follows has the names.
            sink.merge(Format::Rspec, counts);
            return true;
        }
        run.close(Format::Rspec, counts, line, sink);
        self.listing = false;
        true
    }

    /// `rspec ./spec/a_spec.rb:12 # adds`.
    fn listed(&mut self, text: &str, sink: &mut Sink) -> bool {
        if let Some(found) = captures(&LISTED, text) {
            if self.named.len() < sink.limits().failures {
                self.named.push(Failure {
                    name: group(&found, 3).to_owned(),
                    file: Some(group(&found, 1).to_owned()),
                    line: found.get(2).map(|_| number(&found, 2)),
                    ..Failure::default()
                });
            }
            return true;
        }
        if !text.trim().is_empty() {
            self.name(sink);
            self.part = Part::Free;
        }
        false
    }

    /// Failures that only the list told.
    fn name(&mut self, sink: &mut Sink) {
        self.listing = false;
        std::mem::take(&mut self.named).into_iter().for_each(|failure| sink.fail(failure));
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&FINISHED, &TITLE, &LISTED, &FRAME]
}
