//! Console of pytest: plain, quiet, verbose and distributed.
//!
//! The counts are those of the last line of a session. A session without one is counted by
//! its progress marks and lines; unless those reached the end of a quiet session, the tests it had
//! collected and not reported are skipped, and the result is incomplete.

pub(in crate::evidence::parse) mod id;
mod section;

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, is_match, number, pattern};
use id::{dotted, from_id};
use std::collections::HashSet;

static SUMMARY: Pattern = pattern!(
    r"^=*\s*((?:\d+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests passed|subtests failed|subtests skipped|[a-z-]+)(?:, )?)+|no tests ran) in \d+(?:\.\d+)?(?:s| seconds)(?: \([\d:, days]+\))?\s*=*$"
);
static PART: Pattern = pattern!(r"(\d+) ([a-z -]+)");
static COLLECTED: Pattern = pattern!(r"^(?:collecting \.\.\. ?)?collected (\d+) items?(.*)$");
static WORKERS: Pattern = pattern!(r"^(?:\d+ workers? |gw\d+ )\[(\d+)(?: items?)?\]");
static SELECTED: Pattern = pattern!(r"(\d+) selected");
static HEADING: Pattern = pattern!(r"^=+ ([A-Za-z][^=]*?) =+$");
static VERBOSE: Pattern =
    pattern!(r"^(\S.*?) (PASSED|FAILED|SKIPPED|XFAIL|XPASS|ERROR|RERUN)(?: \(.*\))?\s*(?:\[\s*(\d+)%\])?$");
static WORKER: Pattern = pattern!(
    r"^\[gw\d+\]\s+(?:\[\s*(\d+)%\]\s+)?(PASSED|FAILED|SKIPPED|XFAIL|XPASS|ERROR|RERUN)\s+(\S.*?)\s*$"
);
static MARKS: Pattern = pattern!(r"^(?:(\S+\.\S+) )?([.FEsxXR]+)\s*(?:\[\s*(\d+)%\])?$");
static BROKEN: Pattern = pattern!(r"^!+ (.*?) !+$");

/// Tests whose retries are remembered.
const RETRIES: usize = 10_000;

#[derive(Debug, Default)]
struct Session {
    line: u64,
    collected: Option<u64>,
    marks: Counts,
    verbose: bool,
    distributed: bool,
    all_done: bool,
    /// Files that could not be loaded.
    uncollected: u64,
    rerun: HashSet<String>,
    reruns: u64,
    failures: Vec<Failure>,
    failures_left: u64,
    details: Vec<Detail>,
    stopped: Option<(u64, String)>,
}

/// What a section says of one test.
#[derive(Debug, Default)]
struct Detail {
    /// `TestC.test_x`, or a path for errors of collection.
    name: String,
    error: bool,
    message: String,
    place: Option<(String, u64)>,
    /// Its traceback is as Python itself writes it.
    native: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Section {
    #[default]
    Progress,
    Failures,
    Errors,
    Summary,
    Other,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Pytest {
    session: Option<Session>,
    section: Section,
    in_detail: bool,
    /// In the captured output of a failing test, which can hold anything.
    captured: bool,
    /// A summary that stands in captured output: it counts only if none follows in its place and
    /// the progress says the same.
    held: Option<(String, u64)>,
}

impl Pytest {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.session.is_some() && self.section != Section::Other
    }

    /// Whether a session is under way.
    pub(super) fn active(&self) -> bool {
        self.session.is_some()
    }

    /// Takes a line; true if it was pytest's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with('=')
            && let Some(found) = captures(&HEADING, text)
        {
            return self.heading(group(&found, 1), line, sink);
        }
        if (text.starts_with('=')
            || text.starts_with(|c: char| c.is_ascii_digit())
            || text.starts_with("no tests ran"))
            && let Some(found) = captures(&SUMMARY, text)
        {
            if self.captured {
                self.held = Some((group(&found, 1).to_owned(), line.number));
                return true;
            }
            return self.summary(group(&found, 1), line.number, sink);
        }
        if let Some(found) = captures(&COLLECTED, text) {
            let session = self.session(line.number);
            let selected = captures(&SELECTED, group(&found, 2)).map(|found| number(&found, 1));
            session.collected = Some(selected.unwrap_or_else(|| number(&found, 1)));
            return true;
        }
        if self.session.is_none() {
            // Quiet runs start with nothing but marks.
            let quiet = text.ends_with("%]") && captures(&MARKS, text).is_some_and(|f| f.get(1).is_none());
            if !quiet {
                return false;
            }
        }
        if let Some(found) = captures(&WORKERS, text) {
            let session = self.session(line.number);
            session.collected = Some(number(&found, 1));
            session.distributed = true;
            return true;
        }
        if text.starts_with("!!")
            && let Some(found) = captures(&BROKEN, text)
        {
            let said = group(&found, 1).to_owned();
            self.session(line.number).stopped.get_or_insert((line.number, said));
            return true;
        }
        if text.starts_with("INTERNALERROR>") {
            let session = self.session(line.number);
            session.stopped.get_or_insert((line.number, "pytest had an internal error".to_owned()));
            return true;
        }
        match self.section {
            Section::Progress => self.progress(text, line.number, sink),
            Section::Failures | Section::Errors => self.detail(text),
            Section::Summary => self.listed(text, sink),
            Section::Other => false,
        }
    }

    fn session(&mut self, line: u64) -> &mut Session {
        self.session.get_or_insert_with(|| Session { line, ..Session::default() })
    }

    /// `===== title =====`.
    fn heading(&mut self, title: &str, line: &Line<'_>, sink: &mut Sink) -> bool {
        self.in_detail = false;
        self.captured = false;
        match title {
            "test session starts" => {
                self.cut_off(sink);
                self.session = Some(Session { line: line.number, ..Session::default() });
                self.section = Section::Progress;
                sink.seen(Format::Pytest);
                return true;
            }
            "FAILURES" | "RERUNS" => {
                self.session(line.number);
                self.section = if title == "FAILURES" { Section::Failures } else { Section::Other };
                return true;
            }
            "ERRORS" => {
                self.session(line.number);
                self.section = Section::Errors;
                return true;
            }
            "short test summary info" => {
                self.session(line.number);
                self.section = Section::Summary;
                return true;
            }
            _ => {}
        }
        if is_match(&SUMMARY, line.text) {
            return captures(&SUMMARY, line.text)
                .is_some_and(|f| self.summary(group(&f, 1), line.number, sink));
        }
        if self.session.is_some() {
            self.section = Section::Other;
            return true;
        }
        false
    }

    /// Progress: verbose lines or marks.
    fn progress(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        let worker = captures(&WORKER, text).map(|found| {
            (group(&found, 3).to_owned(), group(&found, 2).to_owned(), group(&found, 1) == "100")
        });
        let verbose = || {
            captures(&VERBOSE, text)
                .filter(|found| group(found, 1).contains("::") || found.get(3).is_some())
                .map(|found| {
                    (group(&found, 1).to_owned(), group(&found, 2).to_owned(), group(&found, 3) == "100")
                })
        };
        if let Some((name, status, done)) = worker.or_else(verbose) {
            let session = self.session(line);
            session.verbose = true;
            session.all_done |= done;
            session.mark(&name, &status, sink);
            return true;
        }
        if (text.starts_with("FAILED ") || text.starts_with("ERROR ")) && text.contains("::") {
            return self.listed(text, sink);
        }
        if let Some(found) = captures(&MARKS, text) {
            let done = group(&found, 3) == "100";
            if group(&found, 1).is_empty() && found.get(3).is_none() {
                return false;
            }
            let session = self.session(line);
            if session.verbose {
                return true;
            }
            session.all_done |= done;
            let mut retried = false;
            for mark in group(&found, 2).chars() {
                let outcome = match mark {
                    '.' | 'X' => Outcome::Passed,
                    'F' => Outcome::Failed,
                    'E' => Outcome::Errored,
                    's' | 'x' => Outcome::Skipped,
                    _ => {
                        retried = true;
                        session.reruns += 1;
                        continue;
                    }
                };
                session.marks.add(outcome, 1);
                if retried && outcome == Outcome::Passed && !session.distributed {
                    session.marks.flaked += 1;
                }
                retried = false;
            }
            return true;
        }
        false
    }

    /// The last line of a session.
    fn summary(&mut self, parts: &str, line: u64, sink: &mut Sink) -> bool {
        let Some((mut counts, reruns, known)) = tally(parts) else { return false };
        if !known && self.session.is_none() {
            return false;
        }
        let mut session = self.session.take().unwrap_or_default();
        counts.flaked = session.marks.flaked.min(reruns.max(session.reruns)).min(counts.passed);
        sink.reruns(reruns.max(session.reruns));
        if counts.total == 0 {
            sink.seen(Format::Pytest);
            sink.warn(Place::Line(line), "pytest ran no tests");
        }
        if reruns > 0 && counts.flaked == 0 && counts.passed > 0 && session.distributed && !session.verbose {
            let said = "tests were run again: which of them passed then is not known";
            sink.warn(Place::Line(line), said);
        }
        if let Some((at, said)) = session.stopped.take() {
            let said = format!("the pytest session was cut short: {said}");
            sink.incomplete(Place::Line(at), &said);
        } else if session.uncollected > 0 {
            let said = format!(
                "{} could not be collected: its tests are not counted",
                text::several(session.uncollected, "file")
            );
            sink.incomplete(Place::Line(session.line), &said);
        }
        self.finish(session, counts, sink);
        true
    }

    /// A session without its last line.
    fn cut_off(&mut self, sink: &mut Sink) {
        if let Some((parts, line)) = self.held.take() {
            let marks = self.session.as_ref().map(|session| session.marks.total);
            if tally(&parts).map(|(counts, ..)| counts.total) == marks && self.summary(&parts, line, sink) {
                return;
            }
        }
        let Some(session) = self.session.take() else {
            return;
        };
        let mut counts = session.marks;
        // Only the quiet forms, which do not say what they collected, end without a summary.
        if !session.all_done || session.collected.is_some() {
            let left = session.collected.unwrap_or(0).saturating_sub(counts.total);
            counts.add(Outcome::Skipped, left);
            let said = match &session.stopped {
                Some((_, said)) => format!("the pytest session was cut short: {said}"),
                None => {
                    format!("the pytest session has no summary: {left} of its tests have no result")
                }
            };
            sink.incomplete(Place::Line(session.line), &said);
        }
        counts.flaked = counts.flaked.min(counts.passed);
        self.finish(session, counts, sink);
    }

    fn finish(&mut self, session: Session, counts: Counts, sink: &mut Sink) {
        self.section = Section::Progress;
        self.in_detail = false;
        self.captured = false;
        self.held = None;
        sink.merge(Format::Pytest, counts);
        let mut details = session.details;
        let mut failures = session.failures;
        if failures.is_empty() {
            // Without the short summary the sections are all there is.
            failures = details
                .iter()
                .filter(|detail| !detail.name.is_empty())
                .map(|detail| Failure {
                    name: detail.name.clone(),
                    kind: if detail.error { FailureKind::Errored } else { FailureKind::Failed },
                    ..Failure::default()
                })
                .collect();
        }
        for mut failure in failures {
            let error = failure.kind == FailureKind::Errored;
            let own = dotted(&failure);
            let at = details.iter().position(|detail| detail.error == error && detail.name == own);
            let one_line = || {
                let said = failure.message.as_deref().filter(|said| !said.is_empty())?;
                let file = failure.file.as_deref()?;
                details.iter().position(|detail| {
                    let there = detail.place.as_ref().is_some_and(|(path, _)| path.ends_with(file));
                    detail.name.is_empty()
                        && there
                        && detail.message.starts_with(said.trim_end_matches("..."))
                })
            };
            if let Some(at) = at.or_else(one_line) {
                let detail = details.remove(at);
                if !detail.message.is_empty() {
                    failure.message = Some(detail.message);
                }
                if let Some((file, line)) = detail.place {
                    failure.file = Some(file);
                    failure.line = Some(line);
                }
            }
            let said = failure.message.as_deref().unwrap_or("");
            if said.starts_with("Failed: Timeout >") || said.starts_with("Failed: Timeout (>") {
                failure.kind = FailureKind::TimedOut;
            } else if said.contains("worker 'gw") && said.contains("crashed") {
                failure.kind = FailureKind::Panicked;
            }
            sink.fail(failure);
        }
        sink.more_failures(session.failures_left);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
    }
}

impl Session {
    fn mark(&mut self, name: &str, status: &str, sink: &mut Sink) {
        let outcome = match status {
            "PASSED" | "XPASS" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "ERROR" => Outcome::Errored,
            "RERUN" => {
                self.reruns += 1;
                if self.rerun.len() < RETRIES && name.len() <= 512 {
                    self.rerun.insert(name.to_owned());
                }
                return;
            }
            _ => Outcome::Skipped,
        };
        let retried = self.rerun.remove(name);
        let flaked = retried && outcome == Outcome::Passed;
        self.marks.add(outcome, 1);
        self.marks.flaked += u64::from(flaked);
        if sink.wants_cases() {
            let test = from_id(name, false);
            sink.case(&test.name, test.classname.as_deref(), outcome, flaked, None);
        }
    }
}

/// The counts of a summary, the attempts beyond the first, and whether it counts anything but
/// warnings; none if it has a word that pytest does not use.
fn tally(parts: &str) -> Option<(Counts, u64, bool)> {
    let mut counts = Counts::default();
    let mut known = parts == "no tests ran";
    let mut reruns = 0;
    for found in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(parts)) {
        let n = number(&found, 1);
        known |= !matches!(group(&found, 2), "warning" | "warnings");
        match group(&found, 2) {
            "passed" | "xpassed" => counts.add(Outcome::Passed, n),
            "failed" => counts.add(Outcome::Failed, n),
            "error" | "errors" => counts.add(Outcome::Errored, n),
            "skipped" | "xfailed" => counts.add(Outcome::Skipped, n),
            "rerun" => reruns = n,
            "deselected" | "warning" | "warnings" | "pytest-warnings" | "subtests passed"
            | "subtests failed" | "subtests skipped" => {}
            _ => return None,
        }
    }
    Some((counts, reruns, known))
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    let mut all =
        vec![&SUMMARY, &PART, &COLLECTED, &WORKERS, &SELECTED, &HEADING, &VERBOSE, &WORKER, &MARKS, &BROKEN];
    all.extend(section::patterns());
    all
}
