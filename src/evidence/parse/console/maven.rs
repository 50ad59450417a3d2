//! Console of Maven: surefire and failsafe, whose last line of a module counts for all its classes.

mod build;
mod listing;

use super::Line;
use super::run::{Console, Run, place, rest_passed, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern, seconds};
use build::Build;
use listing::Listing;

static RUN: Pattern = pattern!(
    r"^Tests run: {1,2}(\d+), Failures: {1,2}(\d+), Errors: {1,2}(\d+)(?:, Skipped: {1,2}(\d+))?(?:, Flakes: (\d+))?(?:, Time elapsed: ([\d.,]+) s(?:ec)?)?,?(?:\s+<<< (?:FAILURE|ERROR)!)?(?:\s+--? in (\S+))?\s*$"
);
/// `com.Foo.test -- Time elapsed: 0.1 s <<< FAILURE!`, or `test(com.Foo)  Time elapsed: ...`.
static TEST: Pattern =
    pattern!(r"^(\S.*?)(?: --| {1,2})? ?Time elapsed: ([\d.,]+) s(?:ec)?\s+<<< (FAILURE|ERROR)!$");
static OLD_NAME: Pattern = pattern!(r"^(.+)\(([\w.$]+)\)$");

/// Lines of a stack that are read of one failure.
const STACK: u32 = 60;

/// The tests of one module.
#[derive(Debug, Default)]
struct Module {
    run: Run,
    /// The classes that were started and have no result.
    started: u64,
    /// The section that sums up has begun.
    results: bool,
    listing: Listing,
    /// Lines that may still be of the stack of the failure that was told last.
    stack: u32,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Maven {
    module: Option<Module>,
    build: Build,
}

/// The text of a line, and whether Maven's own logger wrote it.
fn bare(text: &str) -> (&str, bool) {
    let level = ["[INFO] ", "[ERROR] ", "[WARNING] "].iter().find_map(|level| text.strip_prefix(level));
    level.map_or((text, false), |rest| (rest, true))
}

impl Console for Maven {
    fn open(&self) -> bool {
        self.module.as_ref().is_some_and(|module| module.stack > 0 || module.results)
    }

    fn running(&self) -> bool {
        self.module.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let (text, own) = bare(line.text);
        if text == " T E S T S" {
            self.cut_off(sink);
            self.module = Some(Module { run: Run::at(line.number), ..Module::default() });
            return true;
        }
        if text.starts_with("Tests run:")
            && let Some(found) = captures(&RUN, text)
        {
            return self.result(&found, own, line.number, sink);
        }
        if own && self.build.line(text, line.number) {
            if self.build.ended() {
                self.cut_off(sink);
            }
            return true;
        }
        if text.contains("<<< ")
            && let Some(found) = captures(&TEST, text)
        {
            self.test(&found, line.number, sink);
            return true;
        }
        let Some(module) = &mut self.module else { return false };
        if let Some(class) = text.strip_prefix("Running ") {
            module.started += u64::from(is_class(class));
            module.stack = 0;
            return true;
        }
        if matches!(text.trim_end(), "Results:" | "Results :") {
            module.results = true;
            module.stack = 0;
            return true;
        }
        if module.results || own {
            module.listing.line(text, own);
        }
        module.stack(text);
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        self.cut_off(sink);
        std::mem::take(&mut self.build).end(sink);
    }
}

impl Maven {
    /// `Tests run: 3, Failures: 1, ...`, of a class or of the module.
    fn result(&mut self, found: &regex::Captures<'_>, own: bool, line: u64, sink: &mut Sink) -> bool {
        let (failed, errored, skipped) = (number(found, 2), number(found, 3), number(found, 4));
        let others = [(Outcome::Failed, failed), (Outcome::Errored, errored), (Outcome::Skipped, skipped)];
        let mut counts = rest_passed(number(found, 1), &others);
        if found.get(6).is_some() {
            let module =
                self.module.get_or_insert_with(|| Module { run: Run::at(line), ..Module::default() });
            module.run.marks.merge(counts);
            module.started = module.started.saturating_sub(1);
            module.stack = 0;
            return true;
        }
        // What a test prints is not at its place, or is not written by Maven.
        let told = self.module.as_ref().is_some_and(|m| m.results || own && m.run.marks.total > 0);
        let quiet = own && self.module.as_ref().is_some_and(|module| module.listing.any());
        if !told && !quiet {
            return self.module.is_some();
        }
        let Some(module) = self.module.take() else { return true };
        let flaked = number(found, 5);
        counts.flaked = flaked.min(counts.passed);
        self.build.counted(counts);
        module.close(counts, flaked, line, sink);
        true
    }

    /// A test that failed, with its stack on the lines that follow.
    fn test(&mut self, found: &regex::Captures<'_>, line: u64, sink: &Sink) {
        let module = self.module.get_or_insert_with(|| Module { run: Run::at(line), ..Module::default() });
        let whole = group(found, 1).trim();
        let old = captures(&OLD_NAME, whole);
        let (name, class) = match &old {
            Some(old) => (group(old, 1), group(old, 2)),
            // What surefire writes of a parameter can hold dots as well.
            None => {
                let end = whole.find(['(', '[', ' ']).unwrap_or(whole.len());
                let dot = whole.get(..end).and_then(|path| path.rfind('.'));
                dot.and_then(|dot| Some((whole.get(dot + 1..)?, whole.get(..dot)?))).unwrap_or((whole, ""))
            }
        };
        let kind = if group(found, 3) == "ERROR" { FailureKind::Errored } else { FailureKind::Failed };
        let failure = Failure {
            name: name.to_owned(),
            classname: Some(class.to_owned()).filter(|class| !class.is_empty()),
            kind,
            duration: seconds(group(found, 2)),
            ..Failure::default()
        };
        module.run.fail(failure, sink);
        module.stack = STACK;
    }

    /// A module ended without its last line.
    fn cut_off(&mut self, sink: &mut Sink) {
        let Some(mut module) = self.module.take() else { return };
        module.listing.settle(&mut module.run, 0);
        let mut counts = module.run.marks;
        if counts.bad() < module.run.listed() {
            let left = module.run.listed() - counts.bad();
            counts.add(Outcome::Failed, left);
        }
        module.run.marks = counts;
        self.build.counted(counts);
        module.run.cut_off("surefire", Format::Maven, sink);
    }
}

impl Module {
    /// A line after a failing test.
    fn stack(&mut self, text: &str) {
        if self.stack == 0 {
            return;
        }
        self.stack -= 1;
        let Some(failure) = self.run.last() else { return };
        let frame = text.trim_start().strip_prefix("at ");
        match frame {
            Some(frame) => {
                // The test's own class says more than a helper that it calls.
                let class = failure.classname.as_deref().and_then(|class| class.rsplit('.').next());
                let class = class.and_then(|class| class.split('$').next()).unwrap_or_default();
                if !class.is_empty() && frame.contains(&format!("({class}.")) {
                    failure.line = None;
                    self.stack = 0;
                }
                place(failure, frame);
            }
            None if text.trim().is_empty() && failure.line.is_some() => self.stack = 0,
            None if failure.line.is_none() && !text.starts_with("Caused by:") => say(failure, text),
            None => {}
        }
    }

    /// The module is done.
    fn close(mut self, counts: Counts, flaked: u64, line: u64, sink: &mut Sink) {
        let place = Place::Line(line);
        let again = self.listing.settle(&mut self.run, counts.bad());
        sink.reruns(again.max(flaked));
        if self.run.marks.bad() > 0 && counts.bad() == 0 && flaked == 0 {
            sink.incomplete(place, "classes have failures that the module's summary does not count");
        }
        if self.run.marks.total > 0 && self.run.marks.total > counts.total && flaked == 0 && again == 0 {
            sink.incomplete(place, "the module's summary counts fewer tests than its classes");
        }
        if self.started > 0 {
            let said = format!("{} classes were started and have no result", self.started);
            sink.incomplete(place, &said);
        }
        self.run.close(Format::Maven, counts, line, sink);
    }
}

/// Whether a text is the name of a class, and not a sentence.
fn is_class(text: &str) -> bool {
    let text = text.trim_end();
    !text.is_empty() && !text.contains(' ')
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    [vec![&RUN, &TEST, &OLD_NAME], listing::patterns(), build::patterns()].concat()
}
