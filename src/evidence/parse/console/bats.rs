//! Pretty console of bats.

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static SUMMARY: Pattern = pattern!(
    r"^(\d+) tests?, (\d+) failures?(?:, (\d+) skipped)?(?:, (\d+) timed out)?(?:, (\d+) (?:not run|interrupted))?(?: in \d+ (?:seconds|sec|minutes?).*)?$"
);
static MARK: Pattern = pattern!(r"^ (?:([\u{2713}\u{221a}])|([\u{2717}\u{2718}])|-) (\S.*?)(?: \[\d+\])?$");
static SKIPPED: Pattern = pattern!(r"^(.*) \(skipped(?:: (.*))?\)$");
static FILE: Pattern = pattern!(r"^(\S[^:]*\.bats)$");
static PLACE: Pattern = pattern!(r"in test file (\S.*?), line (\d+)\)");

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Bats {
    marks: Counts,
    first: u64,
    file: Option<String>,
    failures: Vec<Failure>,
    left: u64,
    in_failure: bool,
}

impl Bats {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.in_failure
    }

    /// Whether the marks of the log are those of bats.
    pub(super) fn active(&self) -> bool {
        self.file.is_some()
    }

    /// Takes a line; true if it was bats'.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if (self.marks.total > 0 || self.file.is_some())
            && text.starts_with(|c: char| c.is_ascii_digit())
            && let Some(found) = captures(&SUMMARY, text)
        {
            self.summary(&found, line.number, sink);
            return true;
        }
        if text.ends_with(".bats")
            && let Some(found) = captures(&FILE, text)
        {
            self.file = Some(group(&found, 1).to_owned());
            self.in_failure = false;
            return true;
        }
        if text.starts_with(' ')
            && let Some(found) = captures(&MARK, text)
        {
            self.in_failure = false;
            let name = group(&found, 3);
            let outcome = if found.get(1).is_some() {
                Outcome::Passed
            } else if found.get(2).is_some() {
                Outcome::Failed
            } else if captures(&SKIPPED, name).is_some() {
                Outcome::Skipped
            } else {
                return false;
            };
            if self.first == 0 {
                self.first = line.number;
            }
            self.marks.add(outcome, 1);
            if sink.wants_cases() && self.file.is_some() {
                sink.case(name, self.file.as_deref(), outcome, false, None);
            }
            if outcome == Outcome::Failed {
                if self.failures.len() >= sink.limits().failures {
                    self.left += 1;
                } else {
                    self.in_failure = true;
                    self.failures.push(Failure {
                        name: name.to_owned(),
                        suite: self.file.clone(),
                        ..Failure::default()
                    });
                }
            }
            return self.file.is_some();
        }
        if self.in_failure {
            self.detail(text);
            return self.file.is_some();
        }
        false
    }

    fn detail(&mut self, text: &str) {
        let Some(failure) = self.failures.last_mut().filter(|_| text.starts_with("   ")) else {
            self.in_failure = false;
            return;
        };
        if let Some(found) = captures(&PLACE, text) {
            failure.file = Some(group(&found, 1).to_owned());
            failure.line = Some(number(&found, 2));
        } else if !text.trim_start().starts_with("(from ") {
            text::collect(failure.message.get_or_insert_default(), text.trim());
        }
    }

    fn summary(&mut self, found: &regex::Captures<'_>, line: u64, sink: &mut Sink) {
        let total = number(found, 1);
        let mut counts = Counts::default();
        let failed = number(found, 2).saturating_add(number(found, 4));
        let not_run = number(found, 5);
        counts.add(Outcome::Failed, failed);
        counts.add(Outcome::Skipped, number(found, 3).saturating_add(not_run));
        counts.add(Outcome::Passed, total.saturating_sub(counts.total));
        if not_run > 0 {
            let said = format!("{not_run} bats tests did not run: they count as skipped");
            sink.incomplete(Place::Line(line), &said);
        }
        self.finish(counts, sink);
    }

    fn finish(&mut self, counts: Counts, sink: &mut Sink) {
        sink.merge(Format::Bats, counts);
        let done = std::mem::take(self);
        for failure in done.failures {
            sink.fail(failure);
        }
        sink.more_failures(done.left);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        if self.file.is_some() && self.marks.total > 0 {
            sink.incomplete(Place::Line(self.first), "the bats run has no summary");
            self.finish(self.marks, sink);
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&SUMMARY, &MARK, &SKIPPED, &FILE, &PLACE]
}
