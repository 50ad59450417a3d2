//! TRX, what MSTest and `dotnet test --logger trx` write: `<TestRun>` with results, definitions and a summary.
//!
//! Results inside a result are the rows of a test with data, or the tests of an ordered one: the rows
//! count, and the result around them only where it failed and none of them did. Whether the totals of
//! the summary count both differs between versions, so both are taken.

use super::super::found::{Found, outside};
use super::super::model::{FailureKind, Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

/// Failing tests whose class is looked up among the definitions, which come later.
const NAMED: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Trx {
    open: Vec<Open>,
    tests: u64,
    bad: u64,
    /// Results that hold others, and those of them that failed.
    parents: u64,
    bad_parents: u64,
    outcome: String,
    total: Option<u64>,
    declared_bad: Option<u64>,
    /// An error of the run, while it is open.
    info: Option<String>,
    /// The definition that is open, and the tests that wait for their class.
    definition: String,
    waiting: Vec<(String, usize)>,
    aborted: bool,
    outside: bool,
}

/// A result that is open.
#[derive(Debug, Default)]
struct Open {
    test: Found,
    id: String,
    inner: u64,
    inner_bad: u64,
}

/// How a result ended: the state, the way in which it failed, whether the run was cut short.
fn outcome(word: &str) -> Option<(Outcome, FailureKind, bool)> {
    let failed = FailureKind::Failed;
    Some(match word.to_ascii_lowercase().as_str() {
        "passed" | "warning" => (Outcome::Passed, failed, false),
        "passedbutrunaborted" => (Outcome::Passed, failed, true),
        "failed" => (Outcome::Failed, failed, false),
        "timeout" => (Outcome::Failed, FailureKind::TimedOut, false),
        "aborted" => (Outcome::Failed, FailureKind::Interrupted, true),
        "error" => (Outcome::Errored, FailureKind::Errored, false),
        "disconnected" | "inprogress" => (Outcome::Errored, FailureKind::Interrupted, true),
        "notexecuted" | "notrunnable" | "inconclusive" | "completed" => (Outcome::Skipped, failed, false),
        "pending" => (Outcome::Skipped, failed, true),
        _ => return None,
    })
}

/// `[days.]hours:minutes:seconds`.
fn duration(text: &str) -> Option<f64> {
    let mut parts = text.trim().rsplitn(3, ':');
    let seconds = super::super::text::seconds(parts.next()?)?;
    let minutes = parts.next().map_or(Some(0.0), |part| part.parse::<f64>().ok())?;
    let (days, hours) = match parts.next() {
        None => (0.0, 0.0),
        Some(part) => match part.split_once('.') {
            Some((days, hours)) => (days.parse::<f64>().ok()?, hours.parse::<f64>().ok()?),
            None => (0.0, part.parse::<f64>().ok()?),
        },
    };
    let sum = ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds;
    (sum.is_finite() && sum >= 0.0).then_some(sum)
}

impl Trx {
    fn start(&mut self, element: &Element) {
        let word = element.text("outcome");
        let known = outcome(&word);
        self.aborted |= known.is_some_and(|(_, _, cut)| cut);
        let test = Found {
            name: element.some("testname").unwrap_or_default(),
            outcome: known.map(|(outcome, _, _)| outcome),
            kind: known.map_or(FailureKind::Errored, |(_, kind, _)| kind),
            word,
            duration: element.get("duration").and_then(duration),
            ..Found::default()
        };
        self.open.push(Open { test, id: element.text("testid"), ..Open::default() });
    }

    fn end(&mut self, sink: &mut Sink) {
        let Some(Open { test, id, inner, inner_bad }) = self.open.pop() else { return };
        let bad = test.is_bad() || test.outcome.is_none();
        if let Some(around) = self.open.last_mut() {
            around.inner += 1;
            around.inner_bad += u64::from(bad || inner_bad > 0);
        }
        if inner > 0 {
            self.parents += 1;
            self.bad_parents += u64::from(bad);
            if !bad || inner_bad > 0 {
                return;
            }
            self.parents -= 1;
            self.bad_parents -= 1;
        }
        self.tests += 1;
        let kept = sink.failures_mut().len();
        if test.record(Format::Trx, sink) {
            self.bad += 1;
            if sink.failures_mut().len() > kept && self.waiting.len() < NAMED && !id.is_empty() {
                self.waiting.push((id, kept));
            }
        }
    }

    /// The class of a test that failed.
    fn class(&self, class: &str, sink: &mut Sink) {
        // Of an assembly's full name the class is what comes first.
        let class = class.split(',').next().unwrap_or_default().trim();
        for (_, at) in self.waiting.iter().filter(|(id, _)| *id == self.definition) {
            if let Some(failure) = sink.failures_mut().get_mut(*at) {
                failure.classname = Some(class.to_owned()).filter(|class| !class.is_empty());
            }
        }
    }
}

/// Whether an element is a result of a test of some kind.
fn is_result(path: &[String]) -> bool {
    let inside =
        path.iter().nth_back(1).is_some_and(|around| around == "results" || around == "innerresults");
    inside && path.last().is_some_and(|name| name.ends_with("result") || name == "testresultaggregation")
}

impl Dialect for Trx {
    fn open(&mut self, path: &[String], element: &Element, sink: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            _ if is_result(path) => self.start(element),
            "resultsummary" => self.outcome = element.text("outcome"),
            "counters" if ends(path, &["resultsummary", "counters"]) => {
                let sum = |names: &[&str]| {
                    let counts: Vec<u64> = names.iter().filter_map(|name| element.count(name)).collect();
                    counts.iter().copied().reduce(u64::saturating_add)
                };
                self.total = element.count("total");
                self.declared_bad =
                    sum(&["failed", "error", "timeout", "aborted", "disconnected", "inprogress"]);
            }
            "runinfo" => {
                let outcome = element.text("outcome").to_ascii_lowercase();
                let bad = !matches!(outcome.as_str(), "warning" | "passed" | "completed" | "");
                self.info = bad.then(|| element.text("computername"));
            }
            "unittest" => self.definition = element.text("id"),
            "testmethod" => {
                if let Some(class) = element.get("classname") {
                    self.class(class, sink);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        if is_result(path) {
            return self.end(sink);
        }
        if ends(path, &["errorinfo", "message"]) {
            if let Some(open) = self.open.last_mut() {
                open.test.message = text.to_owned();
            }
        } else if ends(path, &["errorinfo", "stacktrace"]) {
            if let Some(open) = self.open.last_mut() {
                open.test.trace = text.to_owned();
            }
        } else if ends(path, &["runinfo", "text"]) && self.info.take().is_some() {
            self.outside = true;
            outside("the test run", text, "", sink);
        } else if ends(path, &["runinfo"]) && self.info.take().is_some() {
            self.outside = true;
            outside("the test run", "an error without a text", "", sink);
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        // One that was cut off counts if it had said that it failed, and never as passed.
        while let Some(open) = self.open.last() {
            if open.test.is_bad() {
                self.end(sink);
            } else {
                self.open.pop();
            }
        }
        if self.tests == 0 && self.total.is_none() && self.outcome.is_empty() && !self.outside {
            return sink.warn(Place::File, "the XML holds no results of tests");
        }
        sink.seen(Format::Trx);
        let outcome = self.outcome.to_ascii_lowercase();
        if self.aborted || matches!(outcome.as_str(), "aborted" | "timeout" | "disconnected" | "inprogress") {
            sink.incomplete(Place::File, "the run was aborted: results may be missing");
        }
        let failed = matches!(outcome.as_str(), "failed" | "error");
        if failed && self.bad == 0 && !self.outside {
            sink.incomplete(Place::File, "the report says that the run failed, and lists nothing that did");
        }
        let (tests, bad) = (self.tests, self.bad);
        let total = self.total.unwrap_or(tests);
        let declared = self.declared_bad.unwrap_or(bad);
        let total = if (tests..=tests.saturating_add(self.parents)).contains(&total) { tests } else { total };
        let most = bad.saturating_add(self.bad_parents);
        let declared = if (bad..=most).contains(&declared) { bad } else { declared };
        sink.compare([("tests", total, tests), ("failed tests", declared, bad)]);
    }
}
