//! Console of `dotnet test`: one summary for each project, or one for all of them.

use super::Line;
use super::run::{Console, Run, count, pairs, rest_passed, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

/// One project, on a line.
static PROJECT: Pattern = pattern!(
    r"^\s*(Passed|Failed|Skipped|None)!?\s+- Failed:\s*(\d+), Passed:\s*(\d+), Skipped:\s*(\d+), Total:\s*(\d+)(?:, Duration:.*)?$"
);
/// All of them, by the logger of terminals.
static SUMMARY: Pattern = pattern!(r"^\s*Test summary: (total: .+?)(?:, duration: .*)?$");
static OLD_TOTAL: Pattern =
    pattern!(r"^Total tests: (Unknown|\d+)(?:\. Passed: (\d+)\. Failed: (\d+)\. Skipped: (\d+)\.?)?$");
static PART: Pattern = pattern!(r"^\s*([A-Za-z]+): (\d+)$");
static PLATFORM: Pattern = pattern!(r"^Test run summary: ([A-Za-z ]+?)!?(?: - .*)?$");
/// `  Failed Name [12 ms]`, and with small letters by the newer platform.
static FAILED: Pattern =
    pattern!(r"^\s{0,4}(?:Failed|failed|\x58) (\S.*?) [\[(](?:< )?[\d.,]+ ?(?:ms|s|m|h)[\dhms. ]*[\])]$");
static FRAME: Pattern = pattern!(r"^\s+at .+ in (\S.*?):(?:line )?(\d{1,7})$");

/// Lines that are read of one failure, and those of a summary.
const DETAIL: u32 = 40;
const SUM: u32 = 8;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// The numbers of a block, one on each line.
    Sum,
    Message,
    Stack,
    Output,
}

/// A summary whose numbers stand on lines of their own.
#[derive(Debug, Default)]
struct Block {
    line: u64,
    total: Option<u64>,
    counts: Counts,
    /// The words over it say that the run failed.
    failed: bool,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Dotnet {
    run: Option<Run>,
    /// Projects whose tests were started, and those that are done.
    started: u64,
    done: u64,
    part: Part,
    left: u32,
    block: Option<Block>,
    /// What the words over a block of numbers say.
    verdict: Option<bool>,
    last: u64,
    /// Failing tests of all projects.
    bad: u64,
    /// The first thing that was not built, and what the compiler said.
    unbuilt: Option<(String, String, u64)>,
    /// The build itself says that tests failed.
    task_failed: Option<u64>,
}

impl Console for Dotnet {
    fn open(&self) -> bool {
        self.part != Part::Free
    }

    fn running(&self) -> bool {
        matches!(self.part, Part::Message | Part::Stack | Part::Output)
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        let bare = text.trim_start();
        if self.part == Part::Sum && self.sum(text, sink) {
            return true;
        }
        // What a test printed is indented by one.
        if self.part == Part::Output && text.starts_with(' ') && !text.starts_with("  Failed ") {
            return true;
        }
        if text.starts_with("Starting test execution, please wait") {
            self.close(sink);
            self.started += 1;
            self.last = line.number;
            self.run.get_or_insert_with(|| Run::at(line.number));
            return true;
        }
        if bare.contains("! ")
            && bare.contains("Failed:")
            && let Some(found) = captures(&PROJECT, text)
        {
            let failed = number(&found, 2);
            let others = [(Outcome::Failed, failed), (Outcome::Skipped, number(&found, 4))];
            let mut counts = rest_passed(number(&found, 5), &others);
            self.agree(number(&found, 3), &mut counts, line.number, sink);
            self.project(counts, group(&found, 1) == "Failed", line.number, sink);
            return true;
        }
        if bare.starts_with("Test summary: ")
            && let Some(found) = captures(&SUMMARY, text)
        {
            let counts = pairs(group(&found, 1), ":").map(|list| by_words(&list));
            let Some(counts) = counts else {
                sink.incomplete(Place::Line(line.number), "the summary of dotnet test cannot be read");
                return true;
            };
            self.done = self.started;
            self.project(counts, counts.bad() > 0, line.number, sink);
            return true;
        }
        if text.starts_with("Total tests: ")
            && let Some(found) = captures(&OLD_TOTAL, text)
        {
            let failed = self.verdict.take() == Some(false);
            let mut block = Block { line: line.number, failed, ..Block::default() };
            block.total = count(group(&found, 1));
            if found.get(2).is_some() {
                let others = [(Outcome::Failed, number(&found, 3)), (Outcome::Skipped, number(&found, 4))];
                block.counts = rest_passed(block.total.unwrap_or_default(), &others);
            }
            self.block = Some(block);
            self.part = Part::Sum;
            self.left = SUM;
            return true;
        }
        if text.starts_with("Test run summary: ")
            && let Some(found) = captures(&PLATFORM, text)
        {
            self.close(sink);
            self.run.get_or_insert_with(|| Run::at(line.number));
            let failed = group(&found, 1) != "Passed";
            self.block = Some(Block { line: line.number, failed, ..Block::default() });
            self.part = Part::Sum;
            self.left = SUM;
            return true;
        }
        if text.starts_with("Test Run ") || text.starts_with("The active test run was aborted") {
            return self.said(text, line.number, sink);
        }
        if text.starts_with("Running tests from ") {
            self.run.get_or_insert_with(|| Run::at(line.number));
            self.started += u64::from(self.started == self.done);
            return true;
        }
        if text.ends_with("proj]") && text.contains(": error ") {
            return self.build_error(text, line.number);
        }
        if text.starts_with("No test is available in ") || text.starts_with("No test matches the given") {
            self.done += 1;
            return self.run.is_some();
        }
        if self.run.is_some()
            && let Some(found) = captures(&FAILED, text)
        {
            let failure = Failure { name: group(&found, 1).to_owned(), ..Failure::default() };
            if let Some(run) = &mut self.run {
                run.fail(failure, sink);
            }
            self.part = Part::Message;
            self.left = DETAIL;
            return true;
        }
        if self.part != Part::Free && self.part != Part::Sum {
            return self.detail(text);
        }
        false
    }

    fn end(&mut self, sink: &mut Sink) {
        self.close(sink);
        let done = std::mem::take(self);
        if let Some((name, said, line)) = done.unbuilt {
            sink.seen(Format::Dotnet);
            sink.fail(broken(&name, FailureKind::BuildFailed, Some(said)));
            sink.incomplete(Place::Line(line), "a project was not built: its tests did not run");
        }
        if let Some(line) = done.task_failed
            && done.bad == 0
        {
            sink.seen(Format::Dotnet);
            sink.fail(broken("the test run", FailureKind::Errored, None));
            sink.incomplete(Place::Line(line), "a test run of dotnet failed, and none of its tests did");
        }
        let Some(mut run) = done.run else { return };
        let open = done.started > done.done;
        if open || run.listed() > 0 {
            let listed = run.listed();
            run.line = done.last.max(run.line);
            run.marks.add(Outcome::Failed, listed);
            run.cut_off("dotnet test", Format::Dotnet, sink);
        }
    }
}

impl Dotnet {
    /// The tests of a project are done.
    fn project(&mut self, counts: Counts, failed: bool, line: u64, sink: &mut Sink) {
        self.done += 1;
        self.part = Part::Free;
        self.bad = self.bad.saturating_add(counts.bad());
        if failed && counts.bad() == 0 {
            sink.fail(broken("the test run", FailureKind::Errored, None));
            sink.incomplete(Place::Line(line), "a test run of dotnet failed, and none of its tests did");
        }
        if !failed && counts.bad() > 0 {
            sink.incomplete(Place::Line(line), "a test run of dotnet passed, and counts failing tests");
        }
        let run = self.run.take().unwrap_or_default();
        // Those of projects that run beside it are listed as well, in any order.
        let (mine, others) = (counts.bad(), self.started > self.done && run.listed() > counts.bad());
        if others {
            let mut rest = Run::at(run.line);
            let mut own = Run::at(run.line);
            for (at, failure) in run.failures().iter().enumerate() {
                let to = if (at as u64) < mine { &mut own } else { &mut rest };
                to.fail(failure.clone(), sink);
            }
            own.close(Format::Dotnet, counts, line, sink);
            self.run = Some(rest);
        } else {
            run.close(Format::Dotnet, counts, line, sink);
            self.run = (self.started > self.done).then(|| Run::at(line));
        }
    }

    /// `A.cs(3,5): error CS1002: ; expected [/src/a.csproj]`.
    fn build_error(&mut self, text: &str, line: u64) -> bool {
        if text.contains("TestPlatform.targets") || text.contains("Testing.Platform") {
            self.task_failed.get_or_insert(line);
            return true;
        }
        let (said, project) = text.rsplit_once(" [").unwrap_or((text, ""));
        let said = said.split_once(": error ").map_or(said, |(_, said)| said);
        let name = project.trim_end_matches(']').rsplit(['/', '\\']).next().unwrap_or(project);
        self.unbuilt.get_or_insert_with(|| (name.to_owned(), said.to_owned(), line));
        true
    }

    /// The passed tests that a summary counts, against what is left for them.
    fn agree(&self, passed: u64, counts: &mut Counts, line: u64, sink: &mut Sink) {
        if passed == counts.passed {
            return;
        }
        let said = format!("{passed} tests passed where {} are left for them", counts.passed);
        sink.incomplete(Place::Line(line), &said);
        if passed < counts.passed {
            let rest = counts.passed - passed;
            counts.passed = passed;
            counts.total -= rest;
            counts.add(Outcome::Skipped, rest);
        }
    }

    /// A line of a block of numbers; false if it is none.
    fn sum(&mut self, text: &str, sink: &mut Sink) -> bool {
        self.left = self.left.saturating_sub(1);
        if let Some(block) = &mut self.block
            && let Some(found) = captures(&PART, text)
        {
            let n = number(&found, 2);
            match group(&found, 1).to_ascii_lowercase().as_str() {
                "total" => block.total = Some(n),
                "passed" | "succeeded" => block.counts.add(Outcome::Passed, n),
                "failed" => block.counts.add(Outcome::Failed, n),
                "error" => block.failed |= n > 0,
                "skipped" => block.counts.add(Outcome::Skipped, n),
                _ => {}
            }
            return true;
        }
        // Older ones say it below the numbers.
        match text.trim_end() {
            "Test Run Failed." => {
                if let Some(block) = &mut self.block {
                    block.failed = true;
                }
                return true;
            }
            "Test Run Successful." => return true,
            _ => {}
        }
        if self.left == 0 || !text.trim().is_empty() {
            self.close(sink);
        }
        false
    }

    /// Ends a block of numbers.
    fn close(&mut self, sink: &mut Sink) {
        self.part = Part::Free;
        let Some(block) = self.block.take() else { return };
        let place = Place::Line(block.line);
        let mut counts = block.counts;
        match block.total {
            None => sink.incomplete(place, "the number of tests of the run is not known"),
            Some(total) if total > counts.total => {
                counts.add(Outcome::Skipped, total - counts.total);
                let said = format!("{} tests of the run have no result", total - block.counts.total);
                sink.incomplete(place, &said);
            }
            Some(total) if total < counts.total => {
                sink.incomplete(place, "the numbers of the run are more than it has tests");
            }
            Some(_) => {}
        }
        self.project(counts, block.failed, block.line, sink);
    }

    /// What it says of the whole run.
    fn said(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        match text.trim_end() {
            "Test Run Successful." => self.verdict = Some(true),
            "Test Run Failed." => self.verdict = Some(false),
            said if said.contains("Aborted") || said.contains("aborted") || said.contains("Canceled") => {
                if self.started == 0 && sink.is_blank() {
                    return false;
                }
                sink.seen(Format::Dotnet);
                let failure = broken("the test host", FailureKind::Errored, Some(said.to_owned()));
                if text.starts_with("The active") {
                    sink.fail(failure);
                }
                sink.incomplete(Place::Line(line), "a test run of dotnet was aborted");
            }
            _ => return false,
        }
        true
    }

    /// A line after a failing test.
    fn detail(&mut self, text: &str) -> bool {
        self.left = self.left.saturating_sub(1);
        let bare = text.trim();
        match bare {
            "Error Message:" => self.part = Part::Message,
            "Stack Trace:" => self.part = Part::Stack,
            "Standard Output Messages:" | "Standard Error Messages:" => self.part = Part::Output,
            _ => {
                let Some(failure) = self.run.as_mut().and_then(Run::last) else { return false };
                let frame = captures(&FRAME, text);
                if let Some(found) = frame {
                    if failure.line.is_none() {
                        failure.file = Some(group(&found, 1).to_owned());
                        failure.line = Some(number(&found, 2));
                    }
                } else if self.part == Part::Message && !bare.starts_with("at ") {
                    say(failure, bare);
                }
            }
        }
        // A message has lines of its own, a stack has not.
        if self.left == 0
            || matches!(self.part, Part::Stack | Part::Output) && !bare.is_empty() && !text.starts_with(' ')
        {
            self.part = Part::Free;
        }
        true
    }
}

/// Counts by the words of a list.
fn by_words(list: &[(&str, u64)]) -> Counts {
    let of = |words: [&str; 2]| {
        list.iter().filter(|(what, _)| words.contains(what)).fold(0u64, |sum, (_, n)| sum.saturating_add(*n))
    };
    let others =
        [(Outcome::Failed, of(["failed", "failed"])), (Outcome::Skipped, of(["skipped", "skipped"]))];
    let mut counts = rest_passed(of(["total", "total"]), &others);
    let passed = of(["succeeded", "passed"]);
    if passed < counts.passed {
        let rest = counts.passed - passed;
        counts.passed = passed;
        counts.total -= rest;
        counts.add(Outcome::Skipped, rest);
    }
    counts
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&PROJECT, &SUMMARY, &OLD_TOTAL, &PART, &PLATFORM, &FAILED, &FRAME]
}
