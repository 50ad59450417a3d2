//! Console of mocha: every reporter that ends with `N passing`, and Cypress, which runs it once a file.

mod cypress;

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, is_match, number, pattern};

static PASSING: Pattern = pattern!(r"^\s*(\d+) passing(?: \([\d.]+ ?m?[smh]\))?$");
static OTHER: Pattern = pattern!(r"^\s*(\d+) (pending|failing)$");
static TITLE: Pattern = pattern!(r"^  (\d+)\) (.*?)$");
static MARK: Pattern = pattern!(r"^\s{2,}(?:([\u{2713}\u{2714}\u{221a}])|(\d+)\)|(-)) (\S.*)$");

/// Lines between the parts of a summary.
const PATIENCE: u32 = 3;

/// What the next line of a failure is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    Title,
    Message,
    Stack,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Mocha {
    counts: Option<Counts>,
    waited: u32,
    failures: Vec<Failure>,
    expected: u64,
    part: Part,
    title: String,
    /// Marks of the run, for runs that are cut off.
    marks: Counts,
    first: u64,
    numbered: bool,
    /// A command line of the log names mocha: without it, ticks can be anyone's.
    hinted: bool,
    specs: cypress::Specs,
}

impl Mocha {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.counts.is_some()
    }

    /// Whether a line is part of a summary, which is no other tool's.
    pub(super) fn claims(&self, text: &str) -> bool {
        let open = self.counts.is_some() && self.waited <= PATIENCE;
        text.contains(" passing") && is_match(&PASSING, text) || open && is_match(&OTHER, text)
    }

    /// Takes a line; true if it was mocha's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if self.cypress(line, sink) {
            return true;
        }
        if text.contains(" passing")
            && let Some(found) = captures(&PASSING, text)
        {
            self.finish(sink);
            self.specs.told();
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, number(&found, 1));
            self.counts = Some(counts);
            self.waited = 0;
            self.marks = Counts::default();
            self.numbered = false;
            return true;
        }
        let Some(counts) = &mut self.counts else {
            self.hinted |= text.starts_with(['>', '$', '#']) && text.contains("mocha");
            return self.hinted && self.mark(line);
        };
        if self.waited <= PATIENCE
            && let Some(found) = captures(&OTHER, text)
        {
            let n = number(&found, 1);
            if group(&found, 2) == "pending" {
                counts.add(Outcome::Pending, n);
            } else {
                counts.add(Outcome::Failed, n);
                self.expected = n;
            }
            self.waited = 0;
            return true;
        }
        if text.trim().is_empty() {
            return true;
        }
        if self.expected == 0 {
            // A summary without its last line is not one of a run in which nothing failed.
            let listed = captures(&TITLE, text).is_some_and(|found| number(&found, 1) == 1);
            if listed || text.trim_end().ends_with(" failing") {
                sink.incomplete(
                    Place::Line(line.number),
                    "failures are listed that the summary does not count",
                );
            }
            self.waited += 1;
            if self.waited > PATIENCE {
                self.finish(sink);
            }
            return false;
        }
        self.failure(text, sink)
    }

    fn failure(&mut self, text: &str, sink: &mut Sink) -> bool {
        if let Some(found) = captures(&TITLE, text)
            && number(&found, 1) <= self.expected
        {
            if self.failures.len() >= sink.limits().failures {
                self.part = Part::Free;
                return true;
            }
            self.failures.push(Failure::default());
            self.title = String::new();
            self.part = Part::Title;
            self.title_line(group(&found, 2));
            return true;
        }
        match self.part {
            Part::Title => self.title_line(text.trim()),
            Part::Message | Part::Stack => {
                let bare = text.trim();
                let frame = bare.starts_with("at ");
                let Some(failure) = self.failures.last_mut() else {
                    return false;
                };
                if frame {
                    self.part = Part::Stack;
                    if failure.line.is_none()
                        && let Some((file, line)) =
                            text::location(bare).filter(|(file, _)| !text::is_library(file))
                    {
                        failure.file = Some(file);
                        failure.line = Some(line);
                    }
                } else if self.part == Part::Message && bare != "+ expected - actual" {
                    if !bare.starts_with(['+', '-']) {
                        text::collect(failure.message.get_or_insert_default(), bare);
                    }
                } else if !text.starts_with(' ')
                    && self.part == Part::Stack
                    && self.failures.len() as u64 >= self.expected
                {
                    // The list is over.
                    self.finish(sink);
                    return false;
                }
            }
            Part::Free => return false,
        }
        true
    }

    /// One line of a title; the last ends with a colon.
    fn title_line(&mut self, line: &str) {
        let ends = line.ends_with(':');
        let line = line.strip_suffix(':').unwrap_or(line);
        let suite = self.title.clone();
        if !self.title.is_empty() {
            self.title.push(' ');
        }
        self.title.push_str(line);
        if let Some(failure) = self.failures.last_mut() {
            failure.name = self.title.clone();
            failure.suite = Some(suite).filter(|suite| !suite.is_empty());
        }
        if ends {
            self.part = Part::Message;
        }
    }

    /// Marks of a run under way.
    fn mark(&mut self, line: &Line<'_>) -> bool {
        let text = line.text;
        let Some(found) = captures(&MARK, text) else {
            return false;
        };
        let outcome = if found.get(1).is_some() {
            Outcome::Passed
        } else if found.get(2).is_some() {
            // Failures are numbered in their order: anything else is some other list.
            if number(&found, 2) != self.marks.failed + 1
                || (self.marks.total == 0 && self.first == 0 && !text.starts_with("    "))
            {
                return false;
            }
            self.numbered = true;
            Outcome::Failed
        } else if self.marks.total > 0 {
            Outcome::Pending
        } else {
            return false;
        };
        if self.first == 0 {
            self.first = line.number;
        }
        self.marks.add(outcome, 1);
        true
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.part = Part::Free;
        self.expected = 0;
        let Some(counts) = self.counts.take() else {
            return;
        };
        sink.merge(Format::Mocha, counts);
        self.specs.failed(counts.failed > 0);
        let listed = self.failures.len() as u64;
        let mut hooks = 0;
        for mut failure in self.failures.drain(..) {
            let said = failure.message.as_deref().unwrap_or("");
            if said.contains("Timeout of ") && said.contains("exceeded") {
                failure.kind = FailureKind::TimedOut;
            } else if failure.name.contains("\" hook") {
                failure.kind = FailureKind::Errored;
            }
            // The tests that come after it are not run, and not in the numbers.
            hooks += u64::from(text::is_needed_hook(&failure.name));
            sink.fail(failure);
        }
        sink.more_failures(counts.failed.saturating_sub(listed));
        if hooks > 0 {
            let said = format!("{} failed: tests that need it did not run", text::several(hooks, "hook"));
            sink.incomplete(Place::File, &said);
        }
    }

    /// The log ended; `alone` if no other tool claims the marks.
    pub(super) fn end(&mut self, alone: bool, sink: &mut Sink) {
        self.finish(sink);
        self.specs.end(sink);
        if alone && self.marks.total >= 2 && (self.marks.passed > 0 || self.numbered) {
            sink.incomplete(Place::Line(self.first), "the mocha run has no summary");
            sink.merge(Format::Mocha, self.marks);
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    [vec![&PASSING, &OTHER, &TITLE, &MARK], cypress::patterns()].concat()
}
