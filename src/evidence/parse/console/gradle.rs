//! Console of Gradle: the tests that it names, and what a task sums up where one of them failed.

use super::Line;
use super::run::{Console, parts, place, rest_passed, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, pattern};
use std::collections::BTreeMap;

static TASK: Pattern = pattern!(r"^> Task (:\S+)(?: (FAILED|[A-Z-]+))?$");
static TEST: Pattern = pattern!(r"^(\w[^>]*?) > (.+) (PASSED|FAILED|SKIPPED)(?: \([\d.]+ ?m?s\))?$");
static FAILED_TASK: Pattern = pattern!(r"^Execution failed for task '(:[^']+)'\.$");

/// Tasks that are told apart.
const TASKS: usize = 2000;
/// Lines that are read of one failure.
const DETAIL: u32 = 60;

/// The tests of one task.
#[derive(Debug, Default)]
struct Task {
    marks: Counts,
    /// What it said that all of them are.
    told: Option<Counts>,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Gradle {
    tasks: BTreeMap<String, Task>,
    task: String,
    failures: Vec<Failure>,
    left: u64,
    detail: u32,
    first: u64,
    /// Where the build ended, and whether well.
    over: Option<(u64, bool)>,
    /// A build started, or was seen to run.
    begun: Option<u64>,
    /// Tasks that failed.
    broken: Vec<String>,
    /// What the build says of the last of them.
    why: String,
    asked_why: u32,
}

impl Console for Gradle {
    fn open(&self) -> bool {
        self.detail > 0 || self.asked_why > 0
    }

    fn running(&self) -> bool {
        false
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("> Task ")
            && let Some(found) = captures(&TASK, text)
        {
            self.detail = 0;
            self.begun.get_or_insert(line.number);
            self.task = group(&found, 1).to_owned();
            return true;
        }
        if text.contains(" > ")
            && !text.starts_with(' ')
            && let Some(found) = captures(&TEST, text)
        {
            self.test(&found, line.number, sink);
            return true;
        }
        if text.contains(" tests completed") || text.contains(" test completed") {
            return self.completed(text, line.number);
        }
        if text.starts_with("Execution failed")
            && let Some(found) = captures(&FAILED_TASK, text)
        {
            if self.broken.len() < TASKS {
                self.broken.push(group(&found, 1).to_owned());
            }
            self.asked_why = 3;
            self.why.clear();
            return true;
        }
        if self.asked_why > 0 {
            self.asked_why -= 1;
            if let Some(said) = text.trim_start().strip_prefix("> ") {
                self.why = said.trim_start_matches("> ").to_owned();
                self.asked_why = 0;
            }
        }
        if let Some(well) = verdict(text) {
            // Others write such a line as well: it counts for a build that was seen.
            let known = self.begun.is_some() || self.first > 0 || !self.broken.is_empty();
            if known {
                self.over = Some((line.number, well));
                self.finish(sink);
            }
            return known;
        }
        if self.detail > 0 {
            return self.detail(text);
        }
        false
    }

    fn end(&mut self, sink: &mut Sink) {
        self.finish(sink);
    }
}

impl Gradle {
    fn here(&mut self) -> Option<&mut Task> {
        if self.tasks.len() >= TASKS && !self.tasks.contains_key(&self.task) {
            return None;
        }
        Some(self.tasks.entry(self.task.clone()).or_default())
    }

    /// `FooTest > bar() FAILED`.
    fn test(&mut self, found: &regex::Captures<'_>, line: u64, sink: &Sink) {
        self.first = if self.first == 0 { line } else { self.first };
        self.detail = 0;
        let outcome = match group(found, 3) {
            "PASSED" => Outcome::Passed,
            "SKIPPED" => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        if let Some(task) = self.here() {
            task.marks.add(outcome, 1);
        }
        if outcome != Outcome::Failed {
            return;
        }
        if self.failures.len() >= sink.limits().failures {
            self.left += 1;
            return;
        }
        let path = group(found, 2);
        let (inner, name) = path.rsplit_once(" > ").map_or((None, path), |(inner, name)| (Some(inner), name));
        let class = group(found, 1);
        self.failures.push(Failure {
            name: name.to_owned(),
            classname: Some(inner.map_or_else(|| class.to_owned(), |inner| format!("{class} > {inner}"))),
            ..Failure::default()
        });
        self.detail = DETAIL;
    }

    /// The indented lines after a failing test.
    fn detail(&mut self, text: &str) -> bool {
        self.detail -= 1;
        if text.trim().is_empty() {
            return true;
        }
        if !text.starts_with("    ") {
            self.detail = 0;
            return false;
        }
        let Some(failure) = self.failures.last_mut() else { return true };
        let bare = text.trim_start();
        if let Some(frame) = bare.strip_prefix("at ") {
            place(failure, frame);
        } else if bare.starts_with("Caused by:") || failure.line.is_some() {
            self.detail = 0;
        } else if let Some((said, at)) = bare.rsplit_once(" at ").filter(|(_, at)| !at.contains(' ')) {
            // `java.lang.AssertionError at FooTest.java:12`.
            say(failure, said);
            place(failure, at);
        } else {
            say(failure, bare);
        }
        true
    }

    /// `12 tests completed, 1 failed, 2 skipped`.
    fn completed(&mut self, text: &str, line: u64) -> bool {
        let Some(said) = parts(text) else { return false };
        let Some((total, "tests completed" | "test completed")) = said.first().copied() else { return false };
        let of = |word: &str| said.iter().find(|(_, what)| *what == word).map_or(0, |(n, _)| *n);
        let others = [(Outcome::Failed, of("failed")), (Outcome::Skipped, of("skipped"))];
        self.first = if self.first == 0 { line } else { self.first };
        self.detail = 0;
        let counts = rest_passed(total, &others);
        let Some(task) = self.here() else { return true };
        match &mut task.told {
            // What runs again in the same task.
            Some(told) => told.merge(counts),
            None => task.told = Some(counts),
        }
        true
    }

    /// The build is over, or the log is.
    fn finish(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let mut counts = Counts::default();
        for task in done.tasks.values() {
            let told = task.told.unwrap_or(task.marks);
            if told.bad() < task.marks.bad() || told.total < task.marks.total {
                let said = "a task of Gradle counts fewer tests than it names";
                sink.incomplete(Place::Line(done.first), said);
            }
            counts.merge(told);
        }
        let tests = counts.total > 0 || done.left > 0 || !done.failures.is_empty();
        if tests {
            let kept = done.failures.len() as u64;
            sink.merge(Format::Gradle, counts);
            done.failures.into_iter().for_each(|failure| sink.fail(failure));
            sink.more_failures((kept + done.left).max(counts.bad()).saturating_sub(kept));
        }
        let Some((line, well)) = done.over else {
            if tests || done.begun.is_some() {
                sink.seen(Format::Gradle);
                let line = done.begun.unwrap_or(done.first);
                sink.incomplete(Place::Line(line), "the log ends before the build of Gradle does");
            }
            return;
        };
        if well {
            if tests && counts.bad() > 0 {
                sink.warn(Place::Line(line), "the build of Gradle passed although tests failed");
            }
            return;
        }
        let plain = done.why.starts_with("There were failing tests") && done.broken.len() <= 1;
        if counts.bad() > 0 && (plain || done.broken.is_empty()) {
            return;
        }
        sink.seen(Format::Gradle);
        // A task without failing tests of its own.
        let outside: Vec<&String> = done
            .broken
            .iter()
            .filter(|name| {
                done.tasks.get(*name).is_none_or(|task| task.told.unwrap_or(task.marks).bad() == 0)
            })
            .collect();
        if counts.bad() > 0 && outside.is_empty() {
            if !done.why.is_empty() && !done.why.starts_with("There were failing tests") {
                sink.incomplete(Place::Line(line), &format!("a test task of Gradle failed: {}", done.why));
            }
            return;
        }
        let why = Some(done.why).filter(|why| !why.is_empty());
        for name in &outside {
            let kind = if name.contains("compile") { FailureKind::BuildFailed } else { FailureKind::Errored };
            sink.fail(broken(name, kind, why.clone()));
        }
        if outside.is_empty() {
            sink.fail(broken("the build", FailureKind::Errored, why));
        }
        sink.incomplete(Place::Line(line), "the build of Gradle failed outside of its tests");
    }
}

/// How the build ended: older versions do not say how long it took.
fn verdict(text: &str) -> Option<bool> {
    let (word, well) = match text.strip_prefix("BUILD SUCCESSFUL") {
        Some(rest) => (rest, true),
        None => (text.strip_prefix("BUILD FAILED")?, false),
    };
    (word.is_empty() || word.starts_with(" in ")).then_some(well)
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&TASK, &TEST, &FAILED_TASK]
}
