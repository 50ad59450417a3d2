//! Test Anything Protocol, versions 12 to 14: bats, node, vitest, tape, mocha, Perl...
//!
//! Counted are the top-level points: a point after indented ones sums those up. Two producers
//! differ. vitest marks a point that holds others with `{`: there the innermost are counted.
//! node's runner prints its own totals, which count nested tests and leave out suites: those
//! are taken.
//!
//! A plan that is missing or not fulfilled means that the run was cut short; planned tests
//! without a point are skipped.

mod stream;

use super::Line;
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};
use stream::{Point, Stream, has_dash};

/// Breaks of a description that are looked for.
const BREAKS: u8 = 3;

static PLAN: Pattern = pattern!(r"^(\s*)1\.\.(\d+)(?:\s*#\s*(.*))?\s*$");
static POINT: Pattern = pattern!(r"^(\s*)(not )?ok(?: (\d+))?(?: (?:- )?(.*?))?\s*$");
static DIRECTIVE: Pattern = pattern!(r"(?i)\s#\s*(skip\S*|todo)\b:?\s*(.*)$");
static TIMING: Pattern = pattern!(r"(?: # (?:time=|in )[\d.]+ ?m?s| in \d+ ?ms)");
static TIMEOUT: Pattern = pattern!(r"\s# timeout(?: after \S+)?$");
static TOTAL: Pattern = pattern!(r"^# (tests|suites|pass|fail|cancelled|skipped|todo) (\d+)$");
static BATS: Pattern = pattern!(r"^# \((?:in test file|from function)|^# bats |^#\s+`.*' failed");
static YAML_KEY: Pattern = pattern!(
    r#"^\s*(message|error|stack|at|location|file|fileName|line|lineNumber|type|failureType):\s*(?:'(.*)'|"(.*)"|(.*?))\s*$"#
);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// After a failing point.
    Notes,
    Yaml,
    /// A block text under a key.
    YamlText,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Tap {
    stream: Option<Stream>,
    part: Part,
    key: String,
    key_indent: usize,
    /// The key opened a block of text, as against a map.
    text_block: bool,
    bats_name: bool,
    /// Lines that may still be of a failing point's description, which some tools write with its breaks.
    described: u8,
    /// The line before was nothing but `not`.
    torn: bool,
}

impl Tap {
    pub(super) fn new(name: &str) -> Self {
        Self { bats_name: name.to_ascii_lowercase().contains("bats"), ..Self::default() }
    }

    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.part != Part::Free
            || self.stream.as_ref().is_some_and(|stream| {
                let waits = !stream.satisfied() && (!stream.loose || stream.plan.is_some());
                stream.started && (waits || stream.open_braces > 0)
            })
    }

    /// Whether points are still to come: what is printed is of their tests.
    pub(super) fn active(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| {
            let announced = stream.version || stream.plan.is_some();
            stream.started && announced && !stream.satisfied() && !stream.bailed
        })
    }

    /// Takes a line; true if it was TAP.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        let (described, torn) = (std::mem::take(&mut self.described), std::mem::take(&mut self.torn));
        if text.starts_with("TAP version ") {
            self.close(sink);
            self.stream =
                Some(Stream { line: line.number, version: true, started: true, ..Stream::default() });
            sink.seen(if self.bats_name { Format::Bats } else { Format::Tap });
            return true;
        }
        if self.stream.is_some() && self.yaml(text) {
            return true;
        }
        if text.trim_start().starts_with("1..")
            && let Some(found) = captures(&PLAN, text)
        {
            return self.plan(&found, line.number, sink);
        }
        let bare = text.trim_start();
        if (bare.starts_with("ok") || bare.starts_with("not ok"))
            && let Some(found) = captures(&POINT, text)
            && self.point(&found, line.number, sink)
        {
            if torn && bare.starts_with("ok") {
                sink.incomplete(
                    Place::Line(line.number),
                    "a line break stands before `ok`: it may be `not ok`",
                );
            }
            return true;
        }
        self.torn = self.stream.is_some() && text.trim() == "not";
        let bailed = bare.strip_prefix("Bail out!").filter(|_| bare.len() == text.len());
        let stream = match &mut self.stream {
            Some(stream) => stream,
            // Before the first point, and before a plan.
            None if bailed.is_some() => {
                sink.seen(Format::Tap);
                self.stream.get_or_insert_with(|| Stream { line: line.number, ..Stream::default() })
            }
            None => return false,
        };
        if text.trim() == "}" && stream.open_braces > 0 {
            stream.open_braces -= 1;
            return true;
        }
        if let Some(rest) = text.trim_start().strip_prefix("Bail out!") {
            stream.bailed = true;
            let said = format!("the TAP run bailed out: {}", rest.trim());
            sink.incomplete(Place::Line(line.number), &said);
            return true;
        }
        if text.trim_start().starts_with('#') {
            let bare = text.trim_start();
            if let Some(found) = captures(&TOTAL, text) {
                stream.totals.set(group(&found, 1), number(&found, 2));
                return true;
            }
            if bare.starts_with("# bats warning: Executed ") {
                stream.bats = true;
                sink.incomplete(Place::Line(line.number), bare);
                return true;
            }
            // What Perl adds when the program failed, whatever its points say.
            if bare.starts_with("# Looks like your test ") {
                let said = bare.trim_start_matches(['#', ' ']);
                sink.fail(broken("the test program", FailureKind::Errored, Some(said.to_owned())));
                sink.incomplete(Place::Line(line.number), said);
                return true;
            }
            if captures(&BATS, text).is_some() {
                stream.bats = true;
            }
            self.note(bare.trim_start_matches('#'));
            return true;
        }
        if self.part == Part::Notes && text.starts_with(' ') {
            self.note(text);
            return true;
        }
        if self.part == Part::Notes && described > 0 && !text.trim().is_empty() {
            // Or somebody else's output: it is in neither the name nor the message, and ends neither.
            self.described = described - 1;
            return true;
        }
        if self.part == Part::Notes && !text.trim().is_empty() {
            self.part = Part::Free;
        }
        false
    }

    fn plan(&mut self, found: &regex::Captures<'_>, line: u64, sink: &mut Sink) -> bool {
        let indent = group(found, 1).len();
        if indent > 0 {
            return self.stream.is_some();
        }
        let n = number(found, 2);
        let fresh = match &self.stream {
            Some(stream) => stream.plan.is_some(),
            None => true,
        };
        if fresh {
            self.close(sink);
        }
        let stream = self.stream.get_or_insert_with(|| Stream { line, ..Stream::default() });
        stream.plan = Some(n);
        stream.plan_last = stream.counts.total > 0;
        stream.started = true;
        self.part = Part::Free;
        true
    }

    fn point(&mut self, found: &regex::Captures<'_>, line: u64, sink: &mut Sink) -> bool {
        let indent = group(found, 1).len();
        let failed = found.get(2).is_some();
        let numbered = found.get(3).map(|_| number(found, 3));
        let mut said = group(found, 4);
        // Points without a number are told from prose by the dash before their description.
        let loose = numbered.is_none() && indent == 0 && has_dash(found);
        // Without a plan only a first point starts a stream.
        if self.stream.is_none() && !loose && (numbered != Some(1) || indent > 0) {
            return false;
        }
        let announced = |stream: &Stream| stream.plan.is_some() || stream.version || stream.loose;
        if numbered.is_none() && !loose && !self.stream.as_ref().is_some_and(announced) {
            return false;
        }
        // Where the plan comes last, what comes after it is of another program.
        if loose && self.stream.as_ref().is_some_and(|stream| stream.plan_last) {
            self.close(sink);
        }
        let restarts = indent == 0
            && numbered == Some(1)
            && self.stream.as_ref().is_some_and(|stream| stream.counts.total > 0);
        if restarts {
            self.close(sink);
        }
        let holds = said.ends_with(" {") || said == "{";
        said = said.strip_suffix('{').unwrap_or(said).trim_end();
        let directive = captures(&DIRECTIVE, &format!(" {said}")).map(|found| {
            let whole = found.get(0).map_or(0, |whole| whole.start());
            (group(&found, 1).to_ascii_lowercase(), whole.saturating_sub(1))
        });
        let name = match &directive {
            Some((_, at)) => said.get(..*at).unwrap_or(said),
            None => said,
        };
        let name = TIMING
            .as_ref()
            .map_or_else(|| name.to_owned(), |timing| timing.replace_all(name, "").into_owned());
        let late = captures(&TIMEOUT, &name).and_then(|found| Some(found.get(0)?.start()));
        let name = late.and_then(|at| name.get(..at)).unwrap_or(&name).trim();
        let outcome = match (&directive, failed) {
            (Some((word, _)), _) if word.starts_with("skip") => Outcome::Skipped,
            (Some(_), _) => Outcome::Pending,
            (None, true) => Outcome::Failed,
            (None, false) => Outcome::Passed,
        };
        let bound = sink.limits().failures;
        let stream = self.stream.get_or_insert_with(|| Stream { line, loose, ..Stream::default() });
        stream.started = true;
        if indent == 0 {
            stream.counts.add(outcome, 1);
            stream.next += 1;
            if numbered.is_some_and(|n| n != stream.next) {
                // bats leaves out the numbers of tests that it could not run.
                stream.odd = true;
                stream.next = numbered.unwrap_or(stream.next);
            }
        }
        if holds {
            stream.braces = true;
            stream.open_braces += 1;
        } else {
            stream.inner.add(outcome, 1);
        }
        if sink.wants_cases() && indent == 0 {
            sink.case(name, None, outcome, false, None);
        }
        self.part = Part::Free;
        if outcome == Outcome::Failed {
            if stream.failures.len() < bound {
                let setup = matches!(
                    name,
                    "setup_file failed"
                        | "teardown_file failed"
                        | "setup_suite failed"
                        | "teardown_suite failed"
                );
                stream.failures.push(Point {
                    failure: Failure {
                        name: name.to_owned(),
                        kind: match (setup, late) {
                            (true, _) => FailureKind::Errored,
                            (_, Some(_)) => FailureKind::TimedOut,
                            _ => FailureKind::Failed,
                        },
                        ..Failure::default()
                    },
                    depth: indent,
                    container: holds,
                    is_suite: false,
                    in_stack: false,
                });
                self.part = Part::Notes;
                self.described = BREAKS;
            } else {
                stream.left += 1;
            }
        }
        true
    }

    /// A note after a failing point.
    fn note(&mut self, text: &str) {
        if self.part != Part::Notes {
            return;
        }
        let Some(point) = self.stream.as_mut().and_then(|stream| stream.failures.last_mut()) else {
            return;
        };
        let bare = text.trim();
        if let Some((file, line)) = text::location(bare)
            && (bare.contains("in test file") || bare.contains("at ") || bare.ends_with(')'))
        {
            if point.failure.line.is_none() && !text::is_library(&file) {
                point.failure.file = Some(file);
                point.failure.line = Some(line);
            }
            if bare.contains("in test file") || bare.starts_with("at ") {
                return;
            }
        }
        if !bare.is_empty()
            && !bare.starts_with("(from function")
            && !bare.starts_with("at ")
            && !bare.starts_with("Subtest")
        {
            text::collect(point.failure.message.get_or_insert_default(), bare);
        }
    }

    /// Lines of a YAML block; true if the line is one.
    fn yaml(&mut self, text: &str) -> bool {
        let bare = text.trim();
        if self.part == Part::Free || self.part == Part::Notes {
            if bare == "---" && text.starts_with(' ') {
                self.part = if self.part == Part::Notes { Part::Yaml } else { Part::Free };
                self.key.clear();
                return true;
            }
            return false;
        }
        if bare == "..." {
            self.part = Part::Free;
            return true;
        }
        let Some(point) = self.stream.as_mut().and_then(|stream| stream.failures.last_mut()) else {
            self.part = Part::Free;
            return false;
        };
        let indent = text.len() - text.trim_start().len();
        let inside = self.part == Part::YamlText && indent > self.key_indent && !self.key.is_empty();
        let said = matches!(self.key.as_str(), "error" | "message");
        if let Some(found) = captures(&YAML_KEY, text).filter(|_| !(inside && said && self.text_block)) {
            let key = group(&found, 1).to_owned();
            let value = [2, 3, 4].iter().map(|&at| group(&found, at)).find(|v| !v.is_empty()).unwrap_or("");
            let opens = matches!(value, "|" | "|-" | ">" | ">-" | "");
            self.part = if opens { Part::YamlText } else { Part::Yaml };
            if !opens {
                point.set(&key, value.trim_start_matches('"'));
            }
            self.text_block = opens && !value.is_empty();
            self.key = key;
            self.key_indent = indent;
            return true;
        }
        if !bare.is_empty() && !inside {
            self.part = Part::Yaml;
        } else if inside && self.key == "stack" {
            point.frame(bare);
        } else if inside && said && !bare.is_empty() {
            if bare.contains("in test file")
                && let Some((file, line)) = text::location(bare)
            {
                point.failure.file = Some(file);
                point.failure.line = Some(line);
            } else {
                text::collect(point.failure.message.get_or_insert_default(), bare);
            }
        }
        true
    }

    /// Ends the stream, if it is one.
    fn close(&mut self, sink: &mut Sink) {
        self.part = Part::Free;
        let Some(stream) = self.stream.take() else {
            return;
        };
        stream.close(self.bats_name, sink);
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.close(sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&PLAN, &POINT, &DIRECTIVE, &TIMING, &TIMEOUT, &TOTAL, &BATS, &YAML_KEY]
}
