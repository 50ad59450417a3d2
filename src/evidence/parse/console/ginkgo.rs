//! Console of Ginkgo, versions 1 and 2, in every verbosity, serial and parallel.
//!
//! A suite starts with `Running Suite:` or, in the short form, `[seed] Name - n/m specs`, and
//! ends with `Ran n of m Specs`, whose counts follow on one of the next lines. Short suites
//! that pass end on their first line. A suite without an end was cut off: what was seen of
//! it counts, and the rest of its specs are skipped.

mod command;
mod suite;
mod summary;

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, Outcome};
use crate::evidence::parse::sink::Sink;
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};
use suite::{Said, Suite, add_marks, kind_of, spec_name};

static RAN: Pattern = pattern!(r"^Ran (\d+) of (\d+) Specs? in [\d.]+ seconds?");
static WILL_RUN: Pattern = pattern!(r"^Will run (\d+) of (\d+) specs?");
static SHORT: Pattern = pattern!(r"^\[\d+\] (.*) - (\d+)/(\d+) specs?( - \d+ (?:procs|nodes))? ?(.*)$");
static HEADER: Pattern = pattern!(
    r"^(?:\u{2022}!?|\[[A-Za-z ()]{5,40}\]) \[(FAILED|PANICKED|TIMEDOUT|INTERRUPTED|ABORTED)\](?: \[([\d.]+) seconds\])?"
);
/// Version 1.
static OLD_HEADER: Pattern =
    pattern!(r"^\u{2022}!? (Failure|Panic|Timeout)(?: in [A-Za-z ()]+)? \[([\d.]+) seconds\]");
static LISTED: Pattern =
    pattern!(r"^\s*\[(FAIL|FAILED|Fail|PANICKED!|Panic!|TIMEDOUT|Timeout\.\.\.|INTERRUPTED|ABORTED)\] (.*)$");
static PLACE: Pattern = pattern!(r"^\s*(\S.*?):(\d{1,7})(?: \(.*\))?$");
static SAID: Pattern = pattern!(r"^\s*\[(?:FAILED|PANICKED|TIMEDOUT|INTERRUPTED|ABORTED)\] (.+)$");
static AT: Pattern = pattern!(r"^\s*In \[[^\]]+\] at: (.+?):(\d{1,7})(?: @ .*)?$");
static ERROR_AT: Pattern = pattern!(r"^\s*::error file=(.+?),line=(\d{1,7})");

/// What the next lines are part of.
#[derive(Debug, Default)]
enum Part {
    #[default]
    Free,
    /// After a failure's header: its texts, then its place.
    Name,
    Place,
    /// Within a message.
    Message(String),
    /// The message of a panic comes after its place.
    Panic,
    /// In the list of failures: the place of the last one is next.
    ListPlace,
    List,
}

/// `Ran n of m Specs` was read, its counts were not.
#[derive(Debug)]
struct Ran {
    ran: u64,
    total: u64,
    line: u64,
    waited: u32,
    reasons: String,
}

/// The reader.
#[derive(Debug, Default)]
pub(in crate::evidence::parse) struct Ginkgo {
    suite: Option<Suite>,
    ran: Option<Ran>,
    part: Part,
    /// The header that messages belong to.
    header: Option<String>,
    /// In the list of suites at the end.
    suites_list: bool,
    compiling: Option<String>,
    /// Suites ended so far; the wrapper that a Go test is asks for it.
    ended: u64,
    taken: u64,
    focus: bool,
    /// A panic ended the process while the suite was open.
    died: bool,
    /// The line of a suite that the command runs, until the command's own end is read.
    command: Option<u64>,
    /// A failure is known that explains why the command fails.
    explained: bool,
    /// The first suite that the command lists as failed.
    blamed: Option<String>,
}

impl Ginkgo {
    /// Whether lines that start with nothing special are wanted.
    pub(in crate::evidence::parse) fn open(&self) -> bool {
        !matches!(self.part, Part::Free) || self.ran.is_some() || self.suites_list || self.compiling.is_some()
    }

    /// Suites that were started so far.
    pub(in crate::evidence::parse) fn started(&self) -> u64 {
        self.ended + u64::from(self.suite.is_some())
    }

    /// A panic ends the process: the spec that was running is lost with it.
    pub(in crate::evidence::parse) fn dies(&mut self) {
        self.died = self.suite.is_some();
    }

    /// Whether a suite ran since this was last asked or forgotten.
    pub(in crate::evidence::parse) fn take_wrapped(&mut self) -> bool {
        let wrapped = self.started() > self.taken;
        self.forget_wrapped();
        wrapped
    }

    /// No Go test that comes later wraps a suite that ran already.
    pub(in crate::evidence::parse) fn forget_wrapped(&mut self) {
        self.taken = self.started();
    }

    /// Takes a line; true if it was Ginkgo's.
    pub(in crate::evidence::parse) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if self.ran.is_some() && self.counts(line, sink) {
            return true;
        }
        if let Some(name) = text.strip_prefix("Running Suite: ") {
            self.cut_off(sink);
            let name = name.rsplit_once(" - ").map_or(name, |(name, _)| name);
            self.start(line.number, name, None);
            return true;
        }
        if text.starts_with('[')
            && let Some(found) = captures(&SHORT, text)
        {
            self.cut_off(sink);
            if found.get(4).is_some() {
                // Only the command runs a suite in several processes.
                self.command = Some(line.number);
            }
            self.start(line.number, group(&found, 1), Some(number(&found, 3)));
            self.short(group(&found, 5), sink);
            return true;
        }
        if text.starts_with("Ran ")
            && let Some(found) = captures(&RAN, text)
        {
            let (ran, total) = (number(&found, 1), number(&found, 2));
            // Of another number of specs than were announced: the output of a spec.
            if self.suite.as_ref().and_then(|suite| suite.total).is_some_and(|known| known != total) {
                return false;
            }
            self.part = Part::Free;
            if self.suite.is_none() {
                self.start(line.number, "", Some(total));
            }
            self.ran = Some(Ran { ran, total, line: line.number, waited: 0, reasons: String::new() });
            return true;
        }
        if self.outside(line, sink) {
            return true;
        }
        if self.suite.is_none() {
            return false;
        }
        self.inside(line, sink)
    }

    fn start(&mut self, line: u64, name: &str, total: Option<u64>) {
        self.part = Part::Free;
        self.header = None;
        self.suites_list = false;
        self.compiling = None;
        let name = text::tidy(name, text::NAME_CAP);
        self.suite = Some(Suite { line, name, total, ..Suite::default() });
    }

    /// Lines of the suite that is open.
    fn inside(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let limit = sink.limits().failures;
        let text = line.text;
        let Some(suite) = &mut self.suite else {
            return false;
        };
        if let Some(found) = captures(&WILL_RUN, text) {
            suite.total = Some(number(&found, 2));
            return true;
        }
        if text.starts_with("Running in parallel across ") {
            self.command = Some(line.number);
            return true;
        }
        if text.starts_with("Summarizing ") && text.contains("Failure") {
            self.end_message();
            self.part = Part::List;
            return true;
        }
        let header = captures(&HEADER, text).or_else(|| captures(&OLD_HEADER, text));
        if let Some(found) = header {
            self.end_message();
            let Some(suite) = &mut self.suite else {
                return false;
            };
            if text.starts_with('\u{2022}') {
                suite.marks.add(Outcome::Failed, 1);
            }
            if suite.headers.len() < limit {
                let kind = kind_of(group(&found, 1));
                let duration = text::seconds(group(&found, 2));
                suite.headers.push(Failure { kind, duration, ..Failure::default() });
                self.part = Part::Name;
            }
            return true;
        }
        match &mut self.part {
            Part::List | Part::ListPlace => {
                if let Some(found) = captures(&LISTED, text) {
                    suite.listed_total += 1;
                    if suite.listed.len() < limit {
                        let name = group(&found, 2).trim_end();
                        let kind = kind_of(group(&found, 1));
                        suite.listed.push(Failure { name: spec_name(name), kind, ..Failure::default() });
                    }
                    self.part = Part::ListPlace;
                    return true;
                }
                if matches!(self.part, Part::ListPlace)
                    && let Some(found) = captures(&PLACE, text)
                {
                    if let Some(last) = suite.listed.last_mut() {
                        last.file = Some(group(&found, 1).to_owned());
                        last.line = Some(number(&found, 2));
                    }
                    self.part = Part::List;
                }
                return true;
            }
            Part::Name => {
                if text.trim().is_empty() {
                    return true;
                }
                if let Some(last) = suite.headers.last_mut() {
                    last.name = spec_name(text.trim_end());
                    self.header = Some(last.name.clone());
                }
                self.part = Part::Place;
                return true;
            }
            Part::Place => {
                if let Some(found) = captures(&PLACE, text) {
                    if let Some(last) = suite.headers.last_mut() {
                        last.file = Some(group(&found, 1).to_owned());
                        last.line = Some(number(&found, 2));
                    }
                    self.part = Part::Free;
                    return true;
                }
                self.part = Part::Free;
            }
            Part::Message(so_far) => {
                let at = captures(&AT, text).or_else(|| captures(&ERROR_AT, text));
                let ends = at.is_some()
                    || text.starts_with("----------")
                    || text.trim_start().starts_with("##[error]");
                if !ends {
                    text::collect(so_far, text);
                    return true;
                }
                let panic = so_far.contains("Test Panicked");
                if let (Some(found), Some(said)) = (&at, self.say()) {
                    said.file = Some(group(found, 1).to_owned());
                    said.line = Some(number(found, 2));
                } else {
                    self.end_message();
                }
                self.part = if panic { Part::Panic } else { Part::Free };
                return true;
            }
            Part::Panic => {
                if text.trim().is_empty() {
                    return true;
                }
                if let Some(said) = suite.said.last_mut() {
                    text::collect(&mut said.text, text);
                }
                self.part = Part::Free;
                return true;
            }
            Part::Free => {}
        }
        if let Some(found) = captures(&SAID, text)
            && !group(&found, 1).starts_with("in [")
        {
            self.part = Part::Message(group(&found, 1).to_owned());
            return true;
        }
        if text.starts_with("----------") {
            self.header = None;
            return true;
        }
        self.marks(text)
    }

    /// Moves the message that is being read to the suite's list.
    fn say(&mut self) -> Option<&mut Said> {
        let Part::Message(text) = std::mem::take(&mut self.part) else {
            return None;
        };
        let suite = self.suite.as_mut()?;
        if suite.said.len() >= 1000 {
            return None;
        }
        suite.said.push(Said { name: self.header.clone(), file: None, line: None, text });
        suite.said.last_mut()
    }

    fn end_message(&mut self) {
        self.say();
        self.part = Part::Free;
    }

    /// Counts progress marks; true if the line is one of marks.
    fn marks(&mut self, text: &str) -> bool {
        let Some(suite) = &mut self.suite else {
            return false;
        };
        let text = text.trim();
        let first = text.chars().next();
        if let Some(rest) = text.get(first.map_or(0, char::len_utf8)..)
            && rest.starts_with(" [")
        {
            let outcome = match first {
                Some('\u{2022}') if rest.ends_with(" seconds]") => Outcome::Passed,
                Some('\u{21bb}' | '\u{21ba}') => {
                    suite.marks.flaked += 1;
                    Outcome::Passed
                }
                Some('S') if rest.starts_with(" [SKIPPED]") => Outcome::Skipped,
                Some('P') if rest.starts_with(" [PENDING]") => Outcome::Pending,
                _ => return false,
            };
            suite.marks.add(outcome, 1);
            suite.marks.flaked = suite.marks.flaked.min(suite.marks.passed);
            return true;
        }
        let marks = text.chars().all(|c| matches!(c, '\u{2022}' | 'S' | 'P'));
        if marks && !text.is_empty() {
            add_marks(&mut suite.marks, text);
        }
        marks
    }

    /// The rest of a short suite's first line.
    fn short(&mut self, rest: &str, sink: &mut Sink) {
        let Some(suite) = &mut self.suite else { return };
        let marks: String = rest
            .chars()
            .take_while(|c| matches!(c, '\u{2022}' | 'S' | 'P' | '\u{21bb}' | '\u{21ba}'))
            .collect();
        add_marks(&mut suite.marks, &marks);
        if rest.contains("SUCCESS!") {
            let total = suite.total.unwrap_or(0);
            let mut counts = suite.marks;
            // Output between the marks hides some of them; a suite that succeeded ran all
            // that it did not skip.
            let hidden = total.saturating_sub(counts.total);
            counts.add(Outcome::Passed, hidden);
            self.finish(counts, sink);
        }
    }

    /// Brings the suite into the sink.
    fn finish(&mut self, counts: Counts, sink: &mut Sink) {
        self.ran = None;
        self.died = false;
        self.part = Part::Free;
        self.header = None;
        self.ended += 1;
        if let Some(suite) = self.suite.take() {
            let before = sink.failures_seen();
            suite.bring(counts, sink);
            self.explained |= counts.bad() > 0 || sink.failures_seen() > before;
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    let mut all = vec![&RAN, &WILL_RUN, &SHORT, &HEADER, &OLD_HEADER, &LISTED, &PLACE, &SAID, &AT, &ERROR_AT];
    all.extend(command::patterns());
    all.extend(suite::patterns());
    all.extend(summary::patterns());
    all
}
