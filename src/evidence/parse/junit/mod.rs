//! JUnit XML in all the dialects that share the name.
//!
//! There is no standard to hold writers to, so this reads what they agree on: elements named
//! `testcase` inside any number of `testsuite`. Everything is counted from the cases; the
//! totals that suites declare are compared, and used only where a file has no case at all. A file
//! that declares more than it holds is incomplete.
//!
//! A case is errored if it has an `error`, else failed if it has a `failure`, else passed if
//! it says so, else skipped or pending if it is marked so, else passed. Cases with
//! `flakyFailure` or `flakyError` and no failure passed at last: they are flaked.
//! `rerunFailure` and `rerunError` are further attempts of a case that failed for good.

mod case;
mod open;
mod suite;
mod tag;

use super::model::{Counts, Format, Outcome};
use super::sink::{Place, Sink};
use super::text;
use super::xml::entity::{decoded, entities};
use super::xml::{DEPTH, is_latin};
use case::Case;
use quick_xml::events::Event;
use suite::Suite;
pub(super) use suite::number;
use tag::Tag;

/// Attributes of one element that are looked at.
const ATTRIBUTES: usize = 200;
/// Suites that declare other totals than they hold and are named.
const LIES: u64 = 3;
/// Bytes kept of a failure's text.
const BODY: usize = 64 * 1024;

/// The state of reading one file.
pub(super) struct Walk<'a> {
    sink: &'a mut Sink,
    stack: Vec<Tag>,
    suites: Vec<Suite>,
    case: Option<Case>,
    /// Text of the verdict element that is open.
    body: Option<String>,
    latin: bool,
    any: bool,
    cases: u64,
    declared: Counts,
    declared_bad: u64,
    lies: u64,
    /// A suite holds less than it declares.
    torn: bool,
    /// Something was closed that was not what was open.
    crossed: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(sink: &'a mut Sink, latin: bool) -> Self {
        Self {
            sink,
            stack: Vec::new(),
            suites: Vec::new(),
            case: None,
            body: None,
            latin,
            any: false,
            cases: 0,
            declared: Counts::default(),
            declared_bad: 0,
            lies: 0,
            torn: false,
            crossed: false,
        }
    }
}

impl Walk<'_> {
    /// Takes one event; false if the nesting is too deep.
    pub(super) fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(start) => {
                if self.stack.len() >= DEPTH {
                    return false;
                }
                self.open(start);
            }
            Event::Empty(start) => {
                self.open(start);
                self.end();
            }
            Event::End(end) => {
                let named = Tag::of(end.local_name().as_ref());
                self.crossed |= match self.stack.last() {
                    Some(open @ (Tag::Suites | Tag::Suite | Tag::Case)) => *open != named,
                    Some(_) => false,
                    None => self.any,
                };
                self.end();
            }
            Event::Text(bytes) => self.text(bytes),
            Event::CData(bytes) => self.text(bytes),
            Event::GeneralRef(name) if self.body.is_some() => {
                let entity = format!("&{};", String::from_utf8_lossy(name));
                self.text(entities(&entity).as_bytes());
            }
            Event::Decl(declaration) => self.latin = is_latin(declaration),
            _ => {}
        }
        true
    }

    fn string(&self, bytes: &[u8]) -> String {
        decoded(bytes, self.latin)
    }

    fn text(&mut self, bytes: &[u8]) {
        if matches!(self.stack.last(), Some(Tag::Quiet)) {
            return;
        }
        let Some(room) = self.body.as_ref().map(|body| BODY.saturating_sub(body.len())) else {
            return;
        };
        if room > 0 {
            let text = self.string(bytes);
            if let Some(body) = &mut self.body {
                body.push_str(&text);
            }
        }
    }

    fn end(&mut self) {
        match self.stack.pop() {
            Some(Tag::Verdict(_)) => {
                if let (Some(body), Some(case)) = (self.body.take(), &mut self.case) {
                    case.body = body;
                }
            }
            Some(Tag::Case) => self.end_case(),
            Some(tag @ (Tag::Suite | Tag::Suites)) => self.end_suite(tag == Tag::Suite),
            _ => {}
        }
    }

    fn end_suite(&mut self, is_suite: bool) {
        let Some(suite) = self.suites.pop() else {
            return;
        };
        if suite.cases == 0 && suite.suites == 0 {
            self.declared.merge(suite.declared.counts());
            let not_there = suite.declared.bad().saturating_sub(suite.bad);
            self.declared_bad = self.declared_bad.saturating_add(not_there);
        } else {
            self.compare(&suite, is_suite);
        }
        if let Some(parent) = self.suites.last_mut() {
            parent.cases += suite.cases;
            parent.bad += suite.bad;
            parent.attempts += suite.attempts;
            parent.skipped += suite.skipped;
        }
    }

    fn compare(&mut self, suite: &Suite, is_suite: bool) {
        let Some(lie) = suite.lie(is_suite) else { return };
        self.lies += 1;
        self.torn |= lie.torn;
        if self.lies <= LIES {
            self.sink.doubt(lie.torn, &lie.said);
        }
    }

    fn end_case(&mut self) {
        self.body = None;
        let Some(case) = self.case.take() else { return };
        self.cases += 1;
        let outcome = case.outcome();
        if let Some(suite) = self.suites.last_mut() {
            suite.cases += 1;
            // Some writers count the elements, others the cases.
            let bad = matches!(outcome, Outcome::Failed | Outcome::Errored);
            suite.bad += case.problems.max(u64::from(bad));
            suite.attempts += case.attempts;
            suite.skipped += u64::from(matches!(outcome, Outcome::Skipped | Outcome::Pending));
        }
        let flaked = case.flaked();
        self.sink.count(Format::Junit, outcome, 1);
        self.sink.flaked(u64::from(flaked));
        self.sink.reruns(case.attempts);
        if case.interrupted || case.kind == "interrupted" || case.kind == "aborted" {
            self.sink.incomplete(Place::File, "a test was interrupted: the run was cut short");
        }
        if let Some(word) = case.unknown.as_ref().filter(|_| case.verdict.is_none() && case.marked.is_none())
        {
            let word = text::tidy(word, 40);
            let said = format!("a test's status is {word:?}, which is not known: it counts as errored");
            self.sink.incomplete(Place::File, &said);
        }
        let suite = self.suites.iter().rev().find(|suite| !suite.name.is_empty());
        let suite_name = suite.map(|suite| suite.name.as_str());
        if self.sink.wants_case(outcome, case.duration) {
            let group = case.classname.as_deref().or(suite_name);
            self.sink.case(&case.clean_name(), group, outcome, flaked, case.duration);
        }
        if matches!(outcome, Outcome::Failed | Outcome::Errored) && !self.sink.wants_failures() {
            self.sink.more_failures(1);
        } else if matches!(outcome, Outcome::Failed | Outcome::Errored) {
            let file = self.suites.iter().rev().find(|s| !s.file.is_empty()).map(|s| s.file.as_str());
            let failure = case.failure(suite_name, file);
            self.sink.fail(failure);
        }
    }

    /// Ends the file: `broken` says why it ended early.
    pub(super) fn close(mut self, place: Place, broken: Option<&str>) {
        if !self.any {
            match broken {
                Some(why) => {
                    let said = format!("the XML could not be read: {why}");
                    self.sink.incomplete(place, &said);
                }
                None => self.sink.warn(Place::File, "the XML holds no test suite or test case"),
            }
            return;
        }
        self.sink.seen(Format::Junit);
        let open = self.stack.iter().any(|tag| matches!(tag, Tag::Suites | Tag::Suite | Tag::Case));
        if open || broken.is_some() {
            let why = broken.unwrap_or("elements are not closed");
            let said = format!("the XML ends early ({why}): counted are the cases up to here");
            self.sink.incomplete(place, &said);
            // A case that was cut off counts if it had said how it ended, and never as passed.
            if self.case.as_ref().is_some_and(|case| case.verdict.is_some()) {
                if let (Some(body), Some(case)) = (self.body.take(), &mut self.case) {
                    case.body = body;
                }
                self.end_case();
            }
            return;
        }
        if self.crossed {
            let said = "an element is closed that is not the one that is open: what is counted may be less than there was";
            self.sink.incomplete(Place::File, said);
        }
        if self.cases == 0 && self.declared.total > 0 {
            self.sink.merge(Format::Junit, self.declared);
            self.sink.incomplete(
                Place::File,
                "the file holds no test cases: the counts are those that its suites declare",
            );
        } else if self.declared.total > 0 || self.declared_bad > 0 {
            let said = format!(
                "suites declare {} tests with {} failures and errors, and hold none of them",
                self.declared.total, self.declared_bad
            );
            self.sink.incomplete(Place::File, &said);
        }
        if self.lies > LIES {
            let said = format!("{} more suites declare other totals than they hold", self.lies - LIES);
            self.sink.doubt(self.torn, &said);
        }
    }
}
