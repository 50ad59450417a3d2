//! Console of `go test`, with and without `-v`, and of gotestsum in all its formats.
//!
//! Results are held until their package ends, since only then it is known whether the tests
//! that were started and never finished died with it. Without `-v` Go prints failing tests
//! only: what passed is not known and not counted.

use super::Line;
use super::ginkgo::Ginkgo;
use super::golines::{self, Logged};
use crate::evidence::parse::model::{Counts, Failure, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, pattern};
use std::collections::HashMap;

mod package;
mod sum;

/// `FAIL`, `ok` or `?` and a package, set apart by tabs.
static PACKAGE: Pattern =
    pattern!(r"^(FAIL|ok  |ok|\?   )\t(\S+)(?:\t| )\s*(\[[a-z ]+\]|\(cached\)|[\d.]+s)?(.*)$");

/// Lines of a panic's trace that are looked at.
const TRACE: u32 = 200;
/// Tests under way whose messages are kept.
const RUNNING: usize = 10_000;
/// While more tests than this are under way, their messages are not kept.
const TALKING: usize = 1000;
/// The longest name of a test that is kept.
const NAME: usize = 1024;

/// A test that was started and has no result.
#[derive(Debug, Default)]
struct Started {
    logged: Option<Logged>,
    /// Suites of Ginkgo that had been started before it.
    suites: u64,
    /// It waits for tests that are not parallel.
    paused: bool,
}

/// The panic that ended a package.
#[derive(Debug)]
struct Panic {
    text: String,
    /// Lines of its trace read so far.
    lines: u32,
    timeout: bool,
    /// Tests that were running, by its own list.
    listed: Vec<String>,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct GoTest {
    started: HashMap<String, Started>,
    /// Started tests beyond the bound, by number only.
    uncounted: u64,
    /// Tests of the package that wrap a suite of Ginkgo and have no result.
    wrappers: Vec<String>,
    current: Option<String>,
    counts: Counts,
    failures: Vec<Failure>,
    failures_left: u64,
    last_passed: Option<(String, Option<f64>)>,
    panic: Option<Panic>,
    /// The test that logged lines belong to when they come after its result.
    last_failed: bool,
    /// Continuation lines belong to the message that was read last.
    collecting: Collect,
    compiler: HashMap<String, Logged>,
    compiling: Option<String>,
    verbose: bool,
    /// Tests of the package that is read were announced, so that its results have a start.
    announced: bool,
    /// `PASS` or `FAIL` ended a test binary and nothing was started since.
    closed: bool,
    silent_packages: u64,
    /// Failures recorded when the current package started.
    failures_before: u64,
    /// gotestsum names each test: nested results are only output.
    sum_tests: bool,
    /// The last package in which gotestsum named a failing test.
    sum_failed_in: String,
    sum_section: bool,
    sum_failures: Vec<Failure>,
    /// A summary of gotestsum was read; the failures known then, and what passed since.
    summed: bool,
    failures_then: u64,
    passed_again: Vec<String>,
    /// Totals since the last summary of gotestsum.
    since_done: Counts,
    anything: bool,
}

/// Where the lines that continue a message go.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
enum Collect {
    #[default]
    Nothing,
    /// To a test that is running.
    Running(String),
    /// To the failure that was recorded last.
    Failure,
    /// To the failure that gotestsum lists.
    Listed,
}

impl GoTest {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.current.is_some()
            || self.last_failed
            || self.collecting != Collect::Nothing
            || self.panic.as_ref().is_some_and(|panic| panic.lines < TRACE)
            || self.compiling.is_some()
            || self.sum_section
    }

    /// Whether tests are known to run: what is printed is of them.
    pub(super) fn active(&self) -> bool {
        !self.started.is_empty()
    }

    /// Takes a line; true if it was Go's.
    pub(super) fn line(&mut self, line: &Line<'_>, ginkgo: &mut Ginkgo, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("=== ") {
            return self.event(line, ginkgo, sink);
        }
        let package = ["FAIL\t", "ok  \t", "ok\t", "?   \t"].iter().any(|start| text.starts_with(start));
        if package && let Some(found) = captures(&PACKAGE, text) {
            let (mark, name) = (group(&found, 1), group(&found, 2));
            let note = group(&found, 3);
            if mark == "FAIL" || mark.starts_with("ok") {
                self.package(mark == "FAIL", name, note, line.number, ginkgo, sink);
                ginkgo.forget_wrapped();
            } else if mark.starts_with('?') {
                sink.seen(Format::GoTest);
            }
            return true;
        }
        if let Some(found) = golines::result(text) {
            return self.result(found, ginkgo, sink);
        }
        if self.sum_line(line, sink) {
            return true;
        }
        if text == "FAIL" || text == "PASS" || text == "ok" {
            self.collecting = Collect::Nothing;
            self.current = None;
            self.closed = self.started.is_empty();
            return self.anything;
        }
        if self.inside(line, ginkgo) {
            return true;
        }
        self.build(text)
    }

    /// `=== RUN` and its kin, and the sections of gotestsum.
    fn event(&mut self, line: &Line<'_>, ginkgo: &Ginkgo, sink: &Sink) -> bool {
        let text = line.text;
        self.collecting = Collect::Nothing;
        self.last_failed = false;
        if matches!(text.trim_end(), "=== Skipped" | "=== Failed" | "=== Errors") {
            self.sum_section = true;
            self.current = None;
            return true;
        }
        if self.sum_listed(text, sink) {
            return true;
        }
        let Some((word, name)) = text.strip_prefix("=== ").and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let name = name.trim().to_owned();
        if !matches!(word, "RUN" | "PAUSE" | "CONT" | "NAME" | "FUZZ") || name.is_empty() {
            return false;
        }
        if word == "RUN" {
            if self.sum_tests {
                return true;
            }
            // The output of the failing test that gotestsum lists starts with its own start.
            if self.sum_section && self.sum_failures.last().is_some_and(|listed| listed.name == name) {
                return true;
            }
            self.sum_section = false;
            self.anything = true;
            self.verbose = true;
            self.announced = true;
            self.closed = false;
            if self.started.len() < RUNNING && name.len() <= NAME {
                let suites = ginkgo.started();
                self.started.insert(name.clone(), Started { suites, ..Started::default() });
            } else {
                self.uncounted += 1;
            }
        }
        if let Some(started) = self.started.get_mut(&name) {
            started.paused = word == "PAUSE";
        }
        self.current = (word != "PAUSE").then_some(name);
        true
    }

    fn result(&mut self, mut found: golines::TestResult<'_>, ginkgo: &mut Ginkgo, sink: &mut Sink) -> bool {
        let rerun = found.name.split_once(" (re-run ");
        if let Some((name, _)) = rerun {
            found.name = name;
        }
        let known = self.started.remove(found.name);
        let output = self.announced && self.uncounted == 0 && !self.sum_section && rerun.is_none();
        if known.is_none() && (output || !found.at_start) {
            return false;
        }
        self.collecting = Collect::Nothing;
        self.last_failed = false;
        self.current = None;
        // gotestsum repeats the results of subtests as output.
        if self.sum_section || self.sum_tests {
            return true;
        }
        self.anything = true;
        self.closed = false;
        if rerun.is_some() {
            self.rerun(found.outcome, found.name, None, sink);
            return true;
        }
        if known.is_none() && self.uncounted > 0 {
            self.uncounted -= 1;
        }
        let wrapped = found.indent == 0
            && match &known {
                Some(started) => ginkgo.started() > started.suites,
                None => ginkgo.take_wrapped(),
            };
        if wrapped {
            ginkgo.forget_wrapped();
            sink.seen(Format::GoTest);
            return true;
        }
        self.counts.add(found.outcome, 1);
        if found.outcome == Outcome::Failed {
            ginkgo.explain();
        }
        if sink.wants_case(found.outcome, found.seconds) {
            sink.case(found.name, None, found.outcome, false, found.seconds);
        }
        match found.outcome {
            Outcome::Failed => {
                let mut failure =
                    Failure { name: found.name.to_owned(), duration: found.seconds, ..Failure::default() };
                if let Some(logged) = known.and_then(|started| started.logged) {
                    put(&mut failure, logged);
                }
                self.fail(failure, sink);
                self.last_failed = true;
            }
            Outcome::Passed => {
                if self.summed && self.passed_again.len() < RUNNING {
                    self.passed_again.push(found.name.to_owned());
                }
                self.last_passed = Some((found.name.to_owned(), found.seconds));
            }
            _ => {}
        }
        true
    }

    /// A further attempt of a test that is counted already.
    fn rerun(&mut self, outcome: Outcome, name: &str, package: Option<&str>, sink: &mut Sink) {
        sink.reruns(1);
        if outcome == Outcome::Passed {
            self.flush_failures(sink);
            sink.recover(name, package);
        }
    }

    fn fail(&mut self, failure: Failure, sink: &Sink) {
        if self.failures.len() < sink.limits().failures {
            self.failures.push(failure);
        } else {
            self.failures_left += 1;
        }
    }

    /// Lines that belong to a test or to a panic.
    fn inside(&mut self, line: &Line<'_>, ginkgo: &mut Ginkgo) -> bool {
        let text = line.text;
        if let Some(said) = golines::panic(text)
            && self.panic.is_none()
        {
            let timeout = said.starts_with("test timed out after");
            ginkgo.dies();
            self.panic = Some(Panic { text: said.to_owned(), lines: 0, timeout, listed: Vec::new() });
            self.collecting = Collect::Nothing;
            return true;
        }
        if !self.open() {
            return false;
        }
        if let Some(panic) = &mut self.panic {
            panic.lines += 1;
            if panic.timeout
                && panic.listed.len() < 1000
                && let Some(name) = golines::running(text)
            {
                panic.listed.push(name.to_owned());
            }
            return false;
        }
        if let Some(logged) = golines::logged(text) {
            return self.logged(logged);
        }
        let deeper = text.starts_with("        ") || text.starts_with('\t');
        match &self.collecting {
            Collect::Nothing => return false,
            _ if !deeper && !text.trim().is_empty() => {
                self.collecting = Collect::Nothing;
                return false;
            }
            Collect::Running(name) => {
                if let Some(logged) = self.started.get_mut(name).and_then(|s| s.logged.as_mut()) {
                    text::collect(&mut logged.text, text.trim());
                }
            }
            Collect::Failure => {
                if let Some(failure) = self.failures.last_mut() {
                    text::collect(failure.message.get_or_insert_default(), text.trim());
                }
            }
            Collect::Listed => {
                if let Some(failure) = self.sum_failures.last_mut() {
                    text::collect(failure.message.get_or_insert_default(), text.trim());
                }
            }
        }
        true
    }

    /// A message of a test.
    fn logged(&mut self, logged: Logged) -> bool {
        if self.sum_section {
            if let Some(failure) = self.sum_failures.last_mut() {
                put(failure, logged);
                self.collecting = Collect::Listed;
            }
            return true;
        }
        let talking = self.started.len() <= TALKING;
        if let Some(name) = self.current.clone()
            && let Some(started) = self.started.get_mut(&name)
        {
            // The last message is the one that failed it: earlier ones are logs.
            if talking {
                started.logged = Some(logged);
                self.collecting = Collect::Running(name);
            }
            return true;
        }
        if self.last_failed
            && let Some(failure) = self.failures.last_mut()
            && (failure.message.is_none() || self.collecting == Collect::Failure)
        {
            put(failure, logged);
            self.collecting = Collect::Failure;
            return true;
        }
        false
    }

    /// The messages of the compiler and of vet.
    fn build(&mut self, text: &str) -> bool {
        if let Some(rest) = text.strip_prefix("# ") {
            let package = rest.split([' ', '[']).next().unwrap_or("");
            if package.contains('.') || package.contains('/') || rest.ends_with(".test]") {
                self.compiling = Some(package.to_owned());
                return true;
            }
            return false;
        }
        if let Some(package) = self.compiling.take()
            && let Some(said) = golines::compiler(text)
        {
            if self.compiler.len() < 1000 {
                self.compiler.entry(package).or_insert(said);
            }
            return true;
        }
        false
    }

    /// The log ended.
    pub(super) fn end(&mut self, last_line: u64, ginkgo: &Ginkgo, sink: &mut Sink) {
        self.drop_wrappers(ginkgo);
        // Tests that only waited did not run.
        let waiting = self.started.len();
        self.started.retain(|_, started| !started.paused);
        let waiting = (waiting - self.started.len()) as u64;
        self.counts.add(Outcome::Skipped, waiting);
        let panic = self.panic.take();
        let unfinished = self.started.len() as u64 + self.uncounted;
        if unfinished + waiting > 0 {
            self.unfinished(panic.as_ref(), sink);
            let said = format!("the log ends while {unfinished} Go tests are under way and {waiting} wait");
            sink.incomplete(Place::Line(last_line), &said);
        } else if self.counts.total > 0 && self.verbose && !self.closed {
            sink.incomplete(Place::Line(last_line), "the log ends before a Go package does");
        }
        if self.counts.total > 0 || !self.failures.is_empty() {
            self.flush(None, sink);
        }
        for failure in std::mem::take(&mut self.sum_failures) {
            sink.fail(failure);
        }
        if self.silent_packages > 0 {
            let said = format!(
                "{} Go packages passed without -v: how many tests they hold is not known",
                self.silent_packages
            );
            sink.seen(Format::GoTest);
            sink.warn(Place::File, &said);
        }
    }
}

/// Puts what was logged into a failure.
fn put(failure: &mut Failure, logged: Logged) {
    failure.file = Some(logged.file);
    failure.line = logged.line;
    failure.message = Some(logged.text);
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    [vec![&PACKAGE], sum::patterns()].concat()
}
