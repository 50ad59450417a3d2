//! The XML of Qt Test: `<TestCase>` of functions, each with an incident for every row of its data.

use super::super::found::Found;
use super::super::model::{FailureKind, Format, Outcome};
use super::super::sink::{Place, Sink};
use super::tree::{Dialect, Element, ends};

#[derive(Debug, Default)]
pub(super) struct Qtest {
    class: String,
    function: Option<Function>,
    incident: Option<Found>,
    functions: u64,
}

#[derive(Debug, Default)]
struct Function {
    name: String,
    results: u64,
}

impl Qtest {
    /// An incident, or the message that older versions have for a skip.
    fn start(&mut self, element: &Element, is_message: bool) {
        let word = element.text("type");
        let outcome = match word.as_str() {
            "pass" | "bpass" if !is_message => Some(Outcome::Passed),
            "fail" | "xpass" if !is_message => Some(Outcome::Failed),
            // Failures on a list of known ones do not fail the run.
            "bfail" | "bxpass" if !is_message => Some(Outcome::Skipped),
            "skip" => Some(Outcome::Skipped),
            // A failure that is expected is followed by the result.
            "xfail" | "bxfail" => return,
            _ if is_message => return,
            _ => None,
        };
        let Some(function) = &mut self.function else { return };
        function.results += 1;
        self.incident = Some(Found {
            name: function.name.clone(),
            classname: Some(self.class.clone()).filter(|name| !name.is_empty()),
            file: element.some("file"),
            line: element.count("line").filter(|line| *line > 0),
            outcome,
            word,
            ..Found::default()
        });
    }

    fn end(&mut self, sink: &mut Sink) {
        if let Some(incident) = self.incident.take() {
            incident.record(Format::Qtest, sink);
        }
    }
}

impl Dialect for Qtest {
    fn open(&mut self, path: &[String], element: &Element, sink: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "testcase" if path.len() == 1 => self.class = element.text("name"),
            "testfunction" => {
                self.functions += 1;
                self.function = Some(Function { name: element.text("name"), results: 0 });
            }
            name @ ("incident" | "message") if ends(path, &["testfunction", name]) => {
                self.start(element, name == "message");
            }
            "duration" | "benchmarkresult" => {}
            // No total would tell that a result is missing.
            name if ends(path, &["testfunction", name]) => {
                sink.incomplete(
                    Place::File,
                    "a function holds something that is not known: it may be a result",
                );
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink) {
        match path.last().map_or("", String::as_str) {
            "datatag" => {
                if let Some(incident) = &mut self.incident {
                    incident.name = format!("{}({})", incident.name, text.trim());
                }
            }
            "description" => {
                if let Some(incident) = &mut self.incident {
                    incident.message = text.trim().to_owned();
                }
            }
            "incident" | "message" => self.end(sink),
            "testfunction" => {
                let silent = self.function.take().filter(|function| function.results == 0);
                if let Some(function) = silent {
                    let test = Found {
                        name: function.name,
                        classname: Some(self.class.clone()).filter(|name| !name.is_empty()),
                        kind: FailureKind::Errored,
                        word: "none".to_owned(),
                        ..Found::default()
                    };
                    test.record(Format::Qtest, sink);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.incident.as_ref().is_some_and(Found::is_bad) {
            self.end(sink);
        }
        if self.functions == 0 {
            return sink.warn(Place::File, "the XML holds no results of tests");
        }
        sink.seen(Format::Qtest);
    }
}
