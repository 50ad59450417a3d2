//! Cucumber's JSON: a list of features with their scenarios, whose steps and hooks have a result each. One
//! scenario, or one row of an outline, is one test.
//!
//! A step that is undefined or ambiguous fails its scenario, as every Cucumber does today; one that is
//! pending makes it pending. A background that is listed by itself belongs to the scenario after it.

use super::lax::{Few, Maybe, Number, Text};
use super::stream::{Object, each, skip, value};
use crate::evidence::parse::found::{Found, outside};
use crate::evidence::parse::model::{FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::MapAccess;

/// Beyond this a duration that is not whole is in nanoseconds all the same.
const SECONDS: f64 = 1e5;

/// One feature.
#[derive(Debug, Default)]
pub(super) struct Cucumber {
    pub(super) uri: String,
    pub(super) name: String,
    found: bool,
    /// It calls itself a feature, and it has a list of scenarios.
    pub(super) keyword: bool,
    pub(super) elements: bool,
    /// How many failures the sink held before this feature, and the lines of those since.
    before: Option<usize>,
    lines: Vec<Option<u64>>,
    background: Option<Told>,
}

/// How a step ended, from the mildest to the gravest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    #[default]
    Nothing,
    Passed,
    Skipped,
    Pending,
    Undefined,
    Unknown,
    Failed,
}

impl State {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "passed" => Self::Passed,
            "skipped" | "untested" => Self::Skipped,
            "pending" => Self::Pending,
            "undefined" | "ambiguous" => Self::Undefined,
            "failed" | "error" | "hook_error" | "cleanup_error" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// What the steps of a scenario say together.
#[derive(Debug, Default)]
struct Told {
    state: State,
    word: String,
    message: String,
    line: Option<u64>,
    seconds: f64,
}

impl Told {
    fn take(&mut self, told: Told) {
        self.seconds += told.seconds;
        let more = told.state == self.state && self.message.is_empty() && !told.message.is_empty();
        if told.state > self.state || more {
            *self = Told { seconds: self.seconds, ..told };
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Step {
    name: Text,
    line: Number,
    result: Maybe<Ended>,
    before: Few<Maybe<Hook>, 1000>,
    after: Few<Maybe<Hook>, 1000>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hook {
    result: Maybe<Ended>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ended {
    status: Text,
    duration: Number,
    error_message: Text,
}

impl Ended {
    fn told(&self, name: &str, line: Option<u64>) -> Told {
        let state = State::of(self.status.str());
        let message = match state {
            State::Undefined => format!("the step is {}: {name}", self.status.str()),
            _ => self.error_message.some().unwrap_or_default(),
        };
        // Nanoseconds, but for behave, which has seconds with a fraction.
        let time = self.duration.0.filter(|time| time.is_finite() && *time >= 0.0).unwrap_or(0.0);
        let seconds = if time.fract() != 0.0 && time < SECONDS { time } else { time / 1e9 };
        Told { state, word: self.status.str().to_owned(), message, line, seconds }
    }
}

impl Cucumber {
    fn record(&mut self, told: Told, scenario: &str, sink: &mut Sink) {
        self.found = true;
        let outcome = match told.state {
            State::Nothing | State::Skipped => Some(Outcome::Skipped),
            State::Passed => Some(Outcome::Passed),
            State::Pending => Some(Outcome::Pending),
            State::Undefined | State::Failed => Some(Outcome::Failed),
            State::Unknown => None,
        };
        let kept = sink.failures_mut().len();
        self.before.get_or_insert(kept);
        let test = Found {
            name: scenario.to_owned(),
            suite: Some(self.name.clone()).filter(|name| !name.is_empty()),
            outcome,
            word: told.word,
            kind: if outcome.is_none() { FailureKind::Errored } else { FailureKind::Failed },
            message: text::headline(&told.message),
            trace: told.message,
            duration: Some(told.seconds).filter(|seconds| *seconds > 0.0),
            ..Found::default()
        };
        test.record(Format::CucumberJson, sink);
        if sink.failures_mut().len() > kept {
            self.lines.push(told.line);
        }
    }

    /// Ends the feature: only now it is known where it stands.
    pub(super) fn close(mut self, sink: &mut Sink) {
        if let Some(told) = self.background.take().filter(|told| told.state > State::Pending) {
            self.found = true;
            outside(&self.name, &told.message, "", sink);
        }
        if self.keyword && !self.uri.is_empty() && !self.elements {
            self.found = true;
            let said = format!("the feature {} has no list of scenarios", self.uri);
            sink.incomplete(Place::File, &said);
        }
        if !self.found {
            return;
        }
        sink.seen(Format::CucumberJson);
        let Some(before) = self.before.filter(|_| !self.uri.is_empty()) else { return };
        let file = text::tidy(&self.uri, text::NAME_CAP);
        for (failure, line) in sink.failures_mut().iter_mut().skip(before).zip(&self.lines) {
            failure.file = Some(file.clone());
            failure.line = *line;
            failure.suite = Some(text::tidy(&self.name, text::NAME_CAP)).filter(|name| !name.is_empty());
        }
    }
}

/// One element of a feature.
pub(super) struct Scenario<'a> {
    feature: &'a mut Cucumber,
    sink: &'a mut Sink,
    name: String,
    kind: String,
    line: Option<u64>,
    /// It has a list of steps, and how many of them tell no result.
    steps: bool,
    silent: u64,
    /// It says of itself how it ended, as only behave does.
    own: bool,
    told: Told,
}

impl<'a> Scenario<'a> {
    pub(super) fn new(feature: &'a mut Cucumber, sink: &'a mut Sink) -> Self {
        let (name, kind) = (String::new(), String::new());
        let told = Told::default();
        Self { feature, sink, name, kind, line: None, steps: false, silent: 0, own: false, told }
    }

    fn step(&mut self, step: &Step) {
        let line = step.line.count();
        match &step.result.0 {
            Some(ended) => self.told.take(ended.told(step.name.str(), line)),
            None => self.silent += 1,
        }
        for hook in step.before.objects().chain(step.after.objects()) {
            self.hook(hook);
        }
    }

    fn hook(&mut self, hook: &Hook) {
        let Some(ended) = &hook.result.0 else { return };
        let told = ended.told("a hook", None);
        // A hook that was skipped because of a failure says nothing of its own.
        if told.state != State::Skipped && told.state != State::Passed {
            self.told.take(told);
        }
    }
}

impl Object for Scenario<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "steps" => {
                self.steps = true;
                return map.next_value_seed(each(|step: Step| self.step(&step)));
            }
            "before" | "after" => return map.next_value_seed(each(|hook: Hook| self.hook(&hook))),
            "name" => self.name = value::<Text, A>(map)?.str().to_owned(),
            "type" | "keyword" => {
                let kind = value::<Text, A>(map)?.str().to_ascii_lowercase();
                if !kind.is_empty() && self.kind != "background" {
                    self.kind = kind;
                }
            }
            "line" => self.line = value::<Number, A>(map)?.count(),
            // Only behave has one.
            "status" => {
                let word = value::<Text, A>(map)?.str().to_owned();
                self.own = true;
                self.told.take(Told { state: State::of(&word), word, ..Told::default() });
            }
            _ => skip(map)?,
        }
        Ok(())
    }

    fn done(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        let (name, kind) = (std::mem::take(&mut self.name), std::mem::take(&mut self.kind));
        let (line, steps) = (self.line.take(), std::mem::take(&mut self.steps));
        let (silent, own) = (std::mem::take(&mut self.silent), std::mem::take(&mut self.own));
        if !steps && kind.is_empty() {
            return;
        }
        if !steps {
            let said = format!("the scenario {name} has no list of steps");
            self.sink.incomplete(Place::File, &said);
        }
        // Behave leaves out what steps did that were not reached.
        let state = if own { State::Skipped } else { State::Unknown };
        if silent > 0 {
            told.take(Told { state, word: "none".to_owned(), ..Told::default() });
        }
        told.line = told.line.or(line);
        if kind == "background" {
            self.feature.background.get_or_insert_default().take(told);
            return;
        }
        if let Some(background) = self.feature.background.take() {
            told.take(background);
        }
        self.feature.record(told, &name, self.sink);
    }
}
