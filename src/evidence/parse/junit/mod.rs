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
//!
//! The file is read as a stream in bounded memory, whatever is in it: see [`trim`]. Document
//! type declarations are refused: what they define is never looked at, let alone fetched.

mod case;
mod entity;
mod suite;
mod trim;

use super::model::{Counts, Failure, FailureKind, Format, Outcome};
use super::sink::{Place, Sink};
use super::text;
use case::{Case, Mark, Verdict};
use entity::entities;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufReader, Read};
use suite::{Declared, Suite};
use trim::Trim;

/// Elements inside each other beyond this are an attack.
const DEPTH: usize = 512;
/// Suites that declare other totals than they hold and are named.
const LIES: u64 = 3;
/// Bytes kept of a failure's text.
const BODY: usize = 64 * 1024;

/// The elements that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Suites,
    Suite,
    Case,
    Verdict(Verdict),
    /// An earlier or later attempt: flaky or rerun.
    Attempt {
        flaky: bool,
    },
    /// Output and properties: nothing in it counts.
    Quiet,
    Other,
}

impl Tag {
    /// The element of this name, in whatever case it is written.
    fn of(name: &[u8]) -> Self {
        let mut lower = [0u8; 16];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Self::Other;
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"testsuites" => Self::Suites,
            b"testsuite" => Self::Suite,
            b"testcase" => Self::Case,
            b"failure" => Self::Verdict(Verdict::Failure),
            b"error" => Self::Verdict(Verdict::Error),
            b"skipped" | b"skip" | b"ignored" | b"disabled" => Self::Verdict(Verdict::Skipped),
            b"pending" => Self::Verdict(Verdict::Pending),
            b"success" => Self::Verdict(Verdict::Success),
            b"flakyfailure" | b"flakyerror" | b"rerun" => Self::Attempt { flaky: true },
            b"rerunfailure" | b"rerunerror" => Self::Attempt { flaky: false },
            b"system-out" | b"system-err" | b"properties" => Self::Quiet,
            _ => Self::Other,
        }
    }
}

/// The state of reading one file.
struct Walk<'a> {
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

/// Reads a JUnit file; what is not JUnit leaves the sink blank but for warnings.
pub(super) fn read<R: Read>(input: R, sink: &mut Sink) {
    let mut reader = Reader::from_reader(BufReader::with_capacity(16 * 1024, Trim::new(input)));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut walk = Walk {
        sink,
        stack: Vec::new(),
        suites: Vec::new(),
        case: None,
        body: None,
        latin: false,
        any: false,
        cases: 0,
        declared: Counts::default(),
        declared_bad: 0,
        lies: 0,
        torn: false,
        crossed: false,
    };
    let mut buffer = Vec::new();
    let mut broken = None;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => {
                if !walk.event(&event) {
                    broken = Some(format!("elements are nested deeper than {DEPTH}"));
                    break;
                }
            }
            Err(error) => {
                broken = Some(error.to_string());
                break;
            }
        }
        if buffer.capacity() > 1 << 20 {
            buffer = Vec::new();
        }
    }
    let trim = reader.get_ref().get_ref();
    let place = Place::Line(trim.line());
    if let Some(line) = trim.doctype {
        let what = if trim.entities { "with entities " } else { "" };
        let said = format!("the document type declaration {what}was refused: nothing in it was read");
        walk.sink.warn(Place::Line(line), &said);
    }
    walk.close(place, broken.as_deref());
}

impl Walk<'_> {
    /// Takes one event; false if the nesting is too deep.
    fn event(&mut self, event: &Event<'_>) -> bool {
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
            Event::Decl(declaration) => {
                let encoding = declaration.encoding();
                self.latin = matches!(encoding, Some(Ok(name))
                    if [&b"iso-8859-1"[..], b"latin1", b"windows-1252", b"us-ascii"]
                        .iter().any(|known| name.eq_ignore_ascii_case(known)));
            }
            _ => {}
        }
        true
    }

    fn string(&self, bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) if self.latin => bytes.iter().copied().map(char::from).collect(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        }
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

    fn attribute(&self, start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        let found = attributes
            .flatten()
            .take(200)
            .find(|a| a.key.local_name().as_ref().eq_ignore_ascii_case(name))?;
        Some(entities(&self.string(&found.value)))
    }

    fn open(&mut self, start: &BytesStart<'_>) {
        let tag = self.tag(start);
        self.stack.push(tag);
        match tag {
            Tag::Suites | Tag::Suite => self.open_suite(start, tag == Tag::Suite),
            Tag::Case => {
                self.any = true;
                // A case that was never closed ends where the next one starts.
                self.end_case();
                self.case = Some(self.new_case(start));
            }
            Tag::Verdict(verdict) => self.open_verdict(start, verdict),
            Tag::Attempt { flaky } => {
                let message = self.attribute(start, b"message");
                if let Some(case) = &mut self.case {
                    case.attempts += 1;
                    case.flaky |= flaky;
                    if case.attempt_message.is_none() {
                        case.attempt_message = message;
                    }
                }
            }
            Tag::Quiet => self.open_property(start),
            Tag::Other => {}
        }
    }

    /// What our own writer says of results that are not all in the cases.
    fn open_property(&mut self, start: &BytesStart<'_>) {
        if start.local_name().as_ref() != b"property" {
            return;
        }
        let value = || self.attribute(start, b"value").unwrap_or_default();
        let said = match self.attribute(start, b"name").as_deref() {
            Some("testrun.complete") if value() == "false" => super::write::INCOMPLETE,
            Some("testrun.failuresOutside") if value() != "0" => super::write::OUTSIDE,
            _ => return,
        };
        self.sink.incomplete(Place::File, said);
    }

    fn tag(&self, start: &BytesStart<'_>) -> Tag {
        if matches!(self.stack.last(), Some(Tag::Quiet | Tag::Attempt { .. })) {
            return Tag::Quiet;
        }
        let local = start.local_name();
        let name = local.as_ref();
        let in_case = self.case.is_some();
        let found = Tag::of(name);
        match found {
            // A suite inside a case is text that was not escaped.
            Tag::Suites | Tag::Suite if in_case => Tag::Other,
            // Markup inside a verdict is part of its text.
            Tag::Verdict(_) if self.body.is_some() => Tag::Other,
            tag => tag,
        }
    }

    fn open_suite(&mut self, start: &BytesStart<'_>, is_suite: bool) {
        self.any = true;
        let count =
            |name: &str| self.attribute(start, name.as_bytes()).and_then(|value| suite::number(&value));
        let skipped = ["skipped", "skip", "ignored"].into_iter().find_map(count);
        let declared = Declared {
            tests: count("tests"),
            failures: count("failures").unwrap_or(0),
            errors: count("errors").unwrap_or(0),
            skipped: skipped.unwrap_or(0).saturating_add(count("disabled").unwrap_or(0)),
        };
        if let Some(parent) = self.suites.last_mut() {
            parent.suites += 1;
        }
        let outer = is_suite && !self.suites.iter().any(|suite| suite.outer);
        self.suites.push(Suite {
            name: self.attribute(start, b"name").unwrap_or_default(),
            file: ["file", "filepath"]
                .iter()
                .find_map(|name| self.attribute(start, name.as_bytes()))
                .unwrap_or_default(),
            declared,
            outer,
            ..Suite::default()
        });
    }

    fn new_case(&self, start: &BytesStart<'_>) -> Case {
        let mut case = Case::default();
        let (mut status, mut result) = (String::new(), String::new());
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        for attribute in attributes.flatten().take(200) {
            let value = || entities(&self.string(&attribute.value));
            match attribute.key.local_name().as_ref() {
                b"name" => case.name = value(),
                b"classname" => case.classname = Some(value()),
                b"class" if case.classname.is_none() => case.classname = Some(value()),
                b"file" => case.file = Some(value()),
                b"filepath" if case.file.is_none() => case.file = Some(value()),
                b"line" => case.line = value().trim().parse().ok(),
                b"lineno" if case.line.is_none() => case.line = value().trim().parse().ok(),
                b"time" => case.duration = text::seconds(&value()),
                b"duration" if case.duration.is_none() => case.duration = text::seconds(&value()),
                b"status" => status = value(),
                b"result" => result = value(),
                _ => {}
            }
        }
        case.marked = case::marked(&status).outcome().or_else(|| case::marked(&result).outcome());
        case.interrupted = status == "interrupted" || status == "aborted";
        case.unknown = [status, result].into_iter().find(|said| case::marked(said) == Mark::Unknown);
        case
    }

    fn open_verdict(&mut self, start: &BytesStart<'_>, verdict: Verdict) {
        let message = self.attribute(start, b"message");
        let kind = self.attribute(start, b"type").unwrap_or_default();
        let bad = matches!(verdict, Verdict::Failure | Verdict::Error);
        if let Some(case) = self.case.as_mut().filter(|_| bad) {
            case.problems += 1;
        }
        match &mut self.case {
            // The gravest verdict is the one that is described.
            Some(case) if case.verdict.is_none_or(|known| verdict > known) => {
                case.verdict = Some(verdict);
                case.message = message;
                case.kind = kind;
                case.body.clear();
                self.body = Some(String::new());
            }
            Some(_) => {}
            None if bad && !self.suites.is_empty() => {
                let name = self.suites.last().map(|suite| suite.name.as_str()).unwrap_or_default();
                let name = if name.is_empty() { "suite" } else { name }.to_owned();
                let failure = Failure {
                    name: name.clone(),
                    suite: Some(name.clone()),
                    kind: FailureKind::Errored,
                    message,
                    ..Failure::default()
                };
                self.sink.fail(failure);
                if let Some(suite) = self.suites.last_mut() {
                    suite.bad += 1;
                }
                let said = format!("suite {name} failed outside of its cases");
                self.sink.incomplete(Place::File, &said);
            }
            None => {}
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
    fn close(mut self, place: Place, broken: Option<&str>) {
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
