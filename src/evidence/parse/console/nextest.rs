//! Console of cargo-nextest.
//!
//! It runs each test in its own process and prints that process's output, summary lines of
//! `cargo test` included: while a nextest run is open, those are output and nothing else.

use super::Line;
use super::panic::panic_of;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static STARTING: Pattern = pattern!(r"^\s+Starting (\d+) (?:tests?|benchmarks?) across");
static SUMMARY: Pattern =
    pattern!(r"^\s*Summary \[\s*>?[\d. a-z]+\] (\d+)(?:/(\d+))? (?:tests?|benchmarks?) run: (.*)$");
static STRESS: Pattern =
    pattern!(r"^\s*Summary \[\s*[\d.]+s\] (\d+)(?:/(\d+))? stress run iterations?: (.*)$");
static PART: Pattern =
    pattern!(r"(\d+) (passed|failed|exec failed|timed out|skipped|benchmarks passed)(?: \(([^)]*)\))?");
static NOTE: Pattern = pattern!(r"(\d+) (flaky)");
static STATUS: Pattern = pattern!(
    r"^\s*(?:TRY (\d+) )?(PASS|LEAK|TIMEOUT-PASS|FLAKY \d+/\d+|FLKY-FL \d+/\d+|FAIL|FAIL \+ LEAK|FL\+LK|LEAK-FAIL|LKFAIL|XFAIL|XF|TIMEOUT|TMT|ABORT|SIG[A-Z0-9+]+|ABRT|SEGV|BUS|ILL|FPE|KILL|TERM|INT|TRAP|HUP|PIPE|QUIT|SYS) \[\s*>?\s*([\d.]+)s\] (?:\[[\d/ ]+\] )?(?:\([^)]*\) )?(\S.*?)$"
);
static NOT_RUN: Pattern = pattern!(r"^warning: (\d+)/(\d+) tests were not run");
static CANCELLED: Pattern = pattern!(r"^\s+(?:Canceling|Cancelling) due to (.+?)(?:: .*)?$");

#[derive(Debug, Default)]
struct Run {
    line: u64,
    announced: u64,
    seen: Counts,
    failures: Vec<Failure>,
    left: u64,
    cancelled: Option<String>,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Nextest {
    run: Option<Run>,
    /// After the summary the output of failing tests is printed again.
    after: bool,
    /// The failure that output belongs to, and whether the message is on the next line.
    current: Option<(usize, bool)>,
    printed: Vec<Failure>,
}

impl Nextest {
    /// Whether summaries of `cargo test` are output of nextest's tests.
    pub(super) fn covers_cargo(&self) -> bool {
        self.run.is_some() || self.after
    }

    /// Whether a run has no summary yet.
    pub(super) fn active(&self) -> bool {
        self.run.is_some()
    }

    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.current.is_some()
    }

    /// Takes a line; true if it was nextest's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        let bare = text.trim_start();
        if bare.starts_with("Starting ")
            && let Some(found) = captures(&STARTING, text)
        {
            self.cut_off(sink);
            self.after = false;
            self.run = Some(Run { line: line.number, announced: number(&found, 1), ..Run::default() });
            sink.seen(Format::Nextest);
            return true;
        }
        let summary = bare.starts_with("Summary [");
        if let Some(found) = summary.then(|| captures(&SUMMARY, text)).flatten() {
            let ran = number(&found, 1);
            let of = found.get(2).map_or(ran, |_| number(&found, 2));
            self.summary(ran, of, group(&found, 3), line.number, sink);
            return true;
        }
        if let Some(found) = summary.then(|| captures(&STRESS, text)).flatten() {
            self.run = None;
            self.after = true;
            sink.seen(Format::Nextest);
            let said = group(&found, 3);
            let place = Place::Line(line.number);
            sink.warn(place, "iterations of a stress run are not counted as tests");
            if found.get(2).is_some() || said.contains("cancelled") {
                sink.incomplete(place, "the stress run was cut short");
            }
            return true;
        }
        if text.starts_with("warning: ")
            && let Some(found) = captures(&NOT_RUN, text)
        {
            let said = format!("{} tests were not run", number(&found, 1));
            sink.incomplete(Place::Line(line.number), &said);
            return true;
        }
        if text.starts_with("error: creating test list failed") {
            sink.seen(Format::Nextest);
            sink.fail(broken("the list of tests", FailureKind::Errored, Some(text.to_owned())));
            let said = "the tests could not be listed: they are not counted";
            sink.incomplete(Place::Line(line.number), said);
            return true;
        }
        if self.after && leaves(text) {
            // Something else is being built or run.
            self.flush(sink);
            self.after = false;
            return false;
        }
        if text.contains("s] ")
            && let Some(found) = captures(&STATUS, text)
        {
            self.status(&found, sink);
            return true;
        }
        if bare.starts_with("Cancel")
            && let Some(found) = captures(&CANCELLED, text)
        {
            if let Some(run) = &mut self.run {
                run.cancelled = Some(group(&found, 1).to_owned());
            }
            return true;
        }
        self.output(text)
    }

    /// `        FAIL [   0.004s] binary test`.
    fn status(&mut self, found: &regex::Captures<'_>, sink: &mut Sink) {
        self.current = None;
        let retry = number(found, 1);
        let word = group(found, 2);
        let duration = text::seconds(group(found, 3));
        let (binary, name) = split_id(group(found, 4));
        let passed = matches!(word, "PASS" | "LEAK" | "TIMEOUT-PASS") || word.starts_with("FLAKY");
        let Some(run) = &mut self.run else {
            // The list after the summary names what is known already.
            let at = self.printed.iter().position(|f| f.name == name && f.suite.as_deref() == binary);
            if at.is_none() && !passed && self.after && self.printed.len() < sink.limits().failures {
                // A test that passed on retry and is configured to fail for it.
                self.printed.push(Failure {
                    name: name.to_owned(),
                    suite: binary.map(str::to_owned),
                    duration,
                    ..Failure::default()
                });
            }
            self.current = at.map(|at| (at, false));
            return;
        };
        let known = run.failures.iter().position(|f| f.name == name && f.suite.as_deref() == binary);
        if passed {
            if let Some(known) = known {
                // An attempt before this one failed, so the test flaked.
                run.failures.remove(known);
                run.seen.failed = run.seen.failed.saturating_sub(1);
                run.seen.total = run.seen.total.saturating_sub(1);
                if retry > 1 {
                    run.seen.flaked += 1;
                }
            }
            run.seen.add(Outcome::Passed, 1);
            if sink.wants_case(Outcome::Passed, duration) {
                sink.case(name, binary, Outcome::Passed, retry > 1, duration);
            }
            return;
        }
        let kind = match word {
            "TIMEOUT" | "TMT" => FailureKind::TimedOut,
            "ABORT" => FailureKind::Panicked,
            "XFAIL" | "XF" => FailureKind::Errored,
            signal if is_signal(signal) => FailureKind::Panicked,
            _ => FailureKind::Failed,
        };
        if retry > 1 {
            sink.reruns(1);
        }
        let at = match known {
            Some(known) => known,
            None => {
                run.seen.add(Outcome::Failed, 1);
                if run.failures.len() >= sink.limits().failures {
                    run.left += 1;
                    return;
                }
                run.failures.push(Failure {
                    name: name.to_owned(),
                    suite: binary.map(str::to_owned),
                    ..Failure::default()
                });
                run.failures.len() - 1
            }
        };
        if let Some(failure) = run.failures.get_mut(at) {
            failure.kind = kind;
            failure.duration = duration;
            if is_signal(word) || word == "ABORT" {
                failure.message = Some(format!("the test process ended with {word}"));
            }
        }
        self.current = Some((at, false));
    }

    /// Output of a failing test.
    fn output(&mut self, text: &str) -> bool {
        let Some((at, message)) = self.current else {
            return false;
        };
        let list = self.run.as_mut().map_or(&mut self.printed, |run| &mut run.failures);
        let Some(failure) = list.get_mut(at) else {
            return false;
        };
        let bare = text.trim();
        if message {
            let ends = bare.is_empty() || bare.starts_with("stack backtrace:") || bare.starts_with("note: ");
            if ends {
                self.current = Some((at, false));
            } else {
                text::collect(failure.message.get_or_insert_default(), bare);
            }
            return true;
        }
        if let Some(panic) = panic_of(bare) {
            if let Some((file, line)) = panic.place {
                failure.file = Some(file);
                failure.line = Some(line);
            }
            failure.message = panic.message;
            self.current = Some((at, failure.message.is_none()));
            return true;
        }
        if failure.message.is_none() && bare.starts_with("Error: ") {
            failure.message = Some(bare.to_owned());
        }
        true
    }

    fn summary(&mut self, ran: u64, of: u64, parts: &str, line: u64, sink: &mut Sink) {
        let run = self.run.take().unwrap_or_default();
        let mut counts = Counts::default();
        let mut flaky = 0;
        for found in PART.as_ref().into_iter().flat_map(|part| part.captures_iter(parts)) {
            let n = number(&found, 1);
            match group(&found, 2) {
                "passed" | "benchmarks passed" => {
                    counts.add(Outcome::Passed, n);
                    flaky = captures(&NOTE, group(&found, 3)).map_or(0, |note| number(&note, 1));
                }
                "failed" | "timed out" => counts.add(Outcome::Failed, n),
                "exec failed" => counts.add(Outcome::Errored, n),
                _ => counts.add(Outcome::Skipped, n),
            }
        }
        counts.flaked = flaky.min(counts.passed);
        let left = of.saturating_sub(ran);
        if left > 0 {
            counts.add(Outcome::Skipped, left);
            let why = run.cancelled.as_deref().map(|why| format!(" due to {why}")).unwrap_or_default();
            let said = format!("{left} of {of} tests were not run{why}: they count as skipped");
            sink.incomplete(Place::Line(line), &said);
        }
        sink.merge(Format::Nextest, counts);
        sink.more_failures(run.left);
        self.printed = run.failures;
        self.current = None;
        self.after = true;
    }

    /// Brings the failures into the sink; their output may have come after the summary.
    fn flush(&mut self, sink: &mut Sink) {
        self.current = None;
        for failure in self.printed.drain(..) {
            sink.fail(failure);
        }
    }

    fn cut_off(&mut self, sink: &mut Sink) {
        self.flush(sink);
        let Some(run) = self.run.take() else { return };
        let mut counts = run.seen;
        let left = run.announced.saturating_sub(counts.total);
        counts.add(Outcome::Skipped, left);
        counts.flaked = counts.flaked.min(counts.passed);
        let said = format!("the nextest run has no summary: {left} of its tests have no result");
        sink.incomplete(Place::Line(run.line), &said);
        sink.merge(Format::Nextest, counts);
        sink.more_failures(run.left);
        self.printed = run.failures;
        self.flush(sink);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
    }
}

/// Whether a line after a run's summary belongs to something else.
fn leaves(text: &str) -> bool {
    let bare = text.trim_start();
    let indented = text.len() > bare.len();
    text.starts_with("##[group]")
        || text.starts_with("error: could not compile ")
        || indented
            && [
                "Running unittests ", "Running tests/", "Running benches/", "Doc-tests ", "Compiling ",
                "Finished ",
            ]
            .iter()
            .any(|start| bare.starts_with(start))
}

/// `binary-id test::name`.
fn split_id(id: &str) -> (Option<&str>, &str) {
    match id.split_once(' ') {
        Some((binary, name)) => (Some(binary), name.trim()),
        None => (None, id),
    }
}

/// Whether a status is a signal's name; beside `TRY n` it is shortened.
fn is_signal(word: &str) -> bool {
    const SHORT: [&str; 13] =
        ["ABRT", "SEGV", "BUS", "ILL", "FPE", "KILL", "TERM", "INT", "TRAP", "HUP", "PIPE", "QUIT", "SYS"];
    word.starts_with("SIG") || SHORT.contains(&word)
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&STARTING, &SUMMARY, &STRESS, &PART, &NOTE, &STATUS, &NOT_RUN, &CANCELLED]
}
