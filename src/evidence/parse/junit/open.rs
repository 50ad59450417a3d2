//! What elements say where they open.

use super::case::{self, Case, Mark, Verdict};
use super::suite::{Declared, Suite, number};
use super::tag::Tag;
use super::{ATTRIBUTES, Walk};
use crate::evidence::parse::model::{Failure, FailureKind, Outcome};
use crate::evidence::parse::sink::Place;
use crate::evidence::parse::text;
use crate::evidence::parse::write;
use crate::evidence::parse::xml::entity::entities;
use quick_xml::events::BytesStart;

impl Walk<'_> {
    fn attribute(&self, start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        let found = attributes
            .flatten()
            .take(ATTRIBUTES)
            .find(|a| a.key.local_name().as_ref().eq_ignore_ascii_case(name))?;
        Some(entities(&self.string(&found.value)))
    }

    pub(super) fn open(&mut self, start: &BytesStart<'_>) {
        let tag = self.tag(start);
        self.stack.push(tag);
        match tag {
            Tag::Suites | Tag::Suite => self.open_suite(start, tag == Tag::Suite),
            Tag::Case => {
                self.any = true;
                // A case that was never closed ends where the next one starts.
                self.end_case();
                self.doubt(start, "test case");
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
            Tag::Other => self.open_other(start),
        }
    }

    /// An element that JUnit does not know: where it speaks of a failure, the test did not pass.
    fn open_other(&mut self, start: &BytesStart<'_>) {
        const SIGNS: [&[u8]; 7] =
            [b"fail", b"error", b"exception", b"overallresult", b"incident", b"expression", b"crash"];
        let Some(case) = self.case.as_mut().filter(|case| case.unknown.is_none()) else { return };
        if self.body.is_some() {
            return;
        }
        let name = start.local_name().as_ref().to_ascii_lowercase();
        if SIGNS.iter().any(|sign| memchr::memmem::find(&name, sign).is_some()) {
            case.unknown = Some(format!("<{}>", String::from_utf8_lossy(&name)));
            case.marked = case.marked.filter(|marked| *marked != Outcome::Passed);
        }
    }

    /// What our own writer says of results that are not all in the cases.
    fn open_property(&mut self, start: &BytesStart<'_>) {
        if start.local_name().as_ref() != b"property" {
            return;
        }
        let value = || self.attribute(start, b"value").unwrap_or_default();
        let said = match self.attribute(start, b"name").as_deref() {
            Some("testrun.complete") if value() == "false" => write::INCOMPLETE,
            Some("testrun.failuresOutside") if value() != "0" => write::OUTSIDE,
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

    /// Attributes that are there twice, or that nobody looked at, may say something else than those
    /// that were read.
    fn doubt(&mut self, start: &BytesStart<'_>, what: &str) {
        let mut seen: Vec<&[u8]> = Vec::with_capacity(8);
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        for attribute in attributes {
            let Ok(attribute) = attribute else {
                let said = format!("a {what} has attributes that cannot be read: what it says is in doubt");
                return self.sink.incomplete(Place::File, &said);
            };
            let name = attribute.key.local_name().into_inner();
            if attribute.key.as_ref().starts_with(b"xmlns") {
                continue;
            }
            if seen.len() >= ATTRIBUTES || seen.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                let name = text::tidy(&String::from_utf8_lossy(name), 40);
                let said =
                    format!("a {what} has {name:?} twice, or too many attributes: what it says is in doubt");
                return self.sink.incomplete(Place::File, &said);
            }
            seen.push(name);
        }
    }

    fn open_suite(&mut self, start: &BytesStart<'_>, is_suite: bool) {
        self.any = true;
        self.doubt(start, "suite");
        let odd = std::cell::Cell::new(false);
        let count = |name: &str| {
            let value = self.attribute(start, name.as_bytes()).filter(|value| !value.trim().is_empty())?;
            let number = number(&value);
            // Of what was skipped nothing depends.
            odd.set(odd.get() || (number.is_none() && matches!(name, "tests" | "failures" | "errors")));
            number
        };
        let skipped = ["skipped", "skip", "ignored"].into_iter().find_map(count);
        let declared = Declared {
            tests: count("tests"),
            failures: count("failures").unwrap_or(0),
            errors: count("errors").unwrap_or(0),
            skipped: skipped.unwrap_or(0).saturating_add(count("disabled").unwrap_or(0)),
        };
        if odd.get() {
            let said = "a total of a suite is no number: whether something is missing is not known";
            self.sink.incomplete(Place::File, said);
        }
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
        for attribute in attributes.flatten().take(ATTRIBUTES) {
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
}
