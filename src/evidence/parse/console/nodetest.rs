//! Console of node's own test runner, by its reporter for people.

use super::Line;
use super::run::{Console, Run, count, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

/// `ℹ tests 12`.
static TOTAL: Pattern =
    pattern!(r"^\u{2139} (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$");
/// A result; node's times have a fraction, those of others have not.
static MARK: Pattern =
    pattern!(r"^( *)([\u{2714}\u{2716}\u{fe63}\u{26a0}]) (.*?) \(\d+\.\d+ms\)((?: # .*)?)$");
static PARENT: Pattern = pattern!(r"^( *)\u{25b6} (.*?)(?: \(\d+\.\d+ms\))?$");
static AT: Pattern = pattern!(r"^test at (\S.*?):(\d{1,7}):\d+$");
static FRAME: Pattern = pattern!(r"^\s+at .*?(?:file://)?(/?[^\s()]+?):(\d{1,7}):\d+\)?(?: \{)?$");

/// Suites inside each other that are told apart.
const DEPTH: usize = 64;

/// The numbers of a run.
#[derive(Debug, Default)]
struct Totals {
    line: u64,
    tests: u64,
    seen: u32,
    counts: Counts,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Nodetest {
    run: Option<Run>,
    /// The suites that are open, by indentation and name.
    parents: Vec<(usize, String)>,
    /// Those that are over: some of them are tests.
    over: u64,
    totals: Option<Totals>,
    /// The list of failing tests has begun.
    listing: bool,
    at: Option<(String, u64)>,
    /// In what a failing test of the list raised.
    raised: bool,
    failures: Vec<Failure>,
}

impl Console for Nodetest {
    fn open(&self) -> bool {
        self.raised
    }

    fn running(&self) -> bool {
        self.raised
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with('\u{2139}')
            && let Some(found) = captures(&TOTAL, text)
        {
            self.total(group(&found, 1), group(&found, 2), line.number, sink);
            return true;
        }
        if text == "\u{2716} failing tests:" {
            self.listing = true;
            return true;
        }
        if self.listing
            && text.starts_with("test at ")
            && let Some(found) = captures(&AT, text)
        {
            self.at = Some((group(&found, 1).to_owned(), number(&found, 2)));
            self.raised = false;
            return true;
        }
        let bare = text.trim_start();
        if bare.starts_with(['\u{2714}', '\u{2716}', '\u{fe63}', '\u{26a0}'])
            && let Some(found) = captures(&MARK, text)
        {
            return self.mark(&found, line.number, sink);
        }
        if bare.starts_with('\u{25b6}')
            && let Some(found) = captures(&PARENT, text)
        {
            let indent = group(&found, 1).len();
            // Older ones say so as well when it ends.
            if self.is_open(indent, group(&found, 2)) {
                self.parents.pop();
                self.over += 1;
                return false;
            }
            self.parents.retain(|(depth, _)| *depth < indent);
            if self.parents.len() < DEPTH {
                self.parents.push((indent, group(&found, 2).to_owned()));
            }
            return false;
        }
        self.raised && self.detail(text)
    }

    fn end(&mut self, sink: &mut Sink) {
        self.close(sink);
        let done = std::mem::take(self);
        // One tick alone can be anybody's.
        if let Some(run) = done.run.filter(|run| run.marks.total > 1) {
            run.cut_off("node test", Format::NodeTest, sink);
        }
    }
}

impl Nodetest {
    /// Whether this is the end of the suite that was opened last.
    fn is_open(&self, indent: usize, name: &str) -> bool {
        self.parents.last().is_some_and(|(depth, parent)| *depth == indent && parent == name)
    }

    /// A line of the numbers.
    fn total(&mut self, what: &str, n: &str, line: u64, sink: &mut Sink) {
        if what == "tests" {
            self.close(sink);
            self.totals = Some(Totals { line, tests: count(n).unwrap_or(0), ..Totals::default() });
            return;
        }
        let Some(totals) = &mut self.totals else { return };
        let n = count(n).unwrap_or(0);
        totals.seen += 1;
        match what {
            "pass" => totals.counts.add(Outcome::Passed, n),
            "fail" | "cancelled" => totals.counts.add(Outcome::Failed, n),
            "skipped" => totals.counts.add(Outcome::Skipped, n),
            "todo" => totals.counts.add(Outcome::Pending, n),
            _ => {}
        }
    }

    /// A result, while tests run or in the list of those that failed.
    fn mark(&mut self, found: &regex::Captures<'_>, line: u64, sink: &Sink) -> bool {
        let (indent, name, note) = (group(found, 1).len(), group(found, 3), group(found, 4));
        let failed = group(found, 2) == "\u{2716}";
        if self.listing {
            let Some((file, at)) = self.at.take() else { return true };
            if self.failures.len() < sink.limits().failures {
                let failure =
                    Failure { name: name.to_owned(), file: Some(file), line: Some(at), ..Failure::default() };
                self.failures.push(failure);
                self.raised = true;
            }
            return true;
        }
        if self.is_open(indent, name) {
            self.parents.pop();
            self.over += 1;
            return true;
        }
        let run = self.run.get_or_insert_with(|| Run::at(line));
        let outcome = match () {
            () if note.contains("# SKIP") || group(found, 2) == "\u{fe63}" => Outcome::Skipped,
            () if note.contains("# TODO") || group(found, 2) == "\u{26a0}" => Outcome::Pending,
            () if failed => Outcome::Failed,
            () => Outcome::Passed,
        };
        run.marks.add(outcome, 1);
        if outcome == Outcome::Failed {
            run.fail(Failure { name: name.to_owned(), ..Failure::default() }, sink);
        }
        true
    }

    /// What a failing test of the list raised.
    fn detail(&mut self, text: &str) -> bool {
        let Some(failure) = self.failures.last_mut() else { return false };
        if !text.starts_with(' ') && !text.trim().is_empty() {
            self.raised = false;
            return false;
        }
        let bare = text.trim();
        if let Some(found) = captures(&FRAME, text).filter(|found| !text::is_library(group(found, 1))) {
            // The first frame in the test's file is where it failed.
            let known = failure.file.as_deref().unwrap_or_default();
            if text::same_file(group(&found, 1), known) {
                failure.line = Some(number(&found, 2));
            }
            self.raised = false;
        } else if bare.starts_with("at ") {
        } else if bare.starts_with("'test timed out") || bare.contains("test timed out after") {
            failure.kind = FailureKind::TimedOut;
            say(failure, bare.trim_matches('\''));
        } else if !bare.starts_with(['[', '{']) {
            say(failure, bare);
        }
        true
    }

    /// The numbers and the list are whole.
    fn close(&mut self, sink: &mut Sink) {
        let Some(totals) = self.totals.take() else { return };
        let mut done = std::mem::take(self);
        let mut run = done.run.unwrap_or_else(|| Run::at(totals.line));
        for failure in &mut done.failures {
            let file = failure.file.as_deref().unwrap_or_default();
            if !file.is_empty() && text::same_file(&failure.name, file) {
                failure.kind = FailureKind::Errored;
                sink.incomplete(Place::Line(totals.line), "a file failed outside of its tests");
            }
        }
        let place = Place::Line(totals.line);
        let mut counts = totals.counts;
        if totals.seen < 7 {
            sink.incomplete(place, "the totals of the run are cut off");
        }
        if counts.total > totals.tests {
            sink.incomplete(place, "the totals of the run are more than its tests");
        }
        let left = totals.tests.saturating_sub(counts.total);
        if left > 0 {
            counts.add(Outcome::Skipped, left);
            sink.incomplete(place, &format!("{left} tests have no result"));
        }
        if run.marks.failed > 0 && counts.failed == 0 {
            sink.incomplete(place, "tests failed that the totals do not count");
        }
        let most = run.marks.total.saturating_add(done.over);
        if totals.tests < run.marks.total || totals.tests > most {
            let said =
                format!("the totals have {} tests, and {} have a result", totals.tests, run.marks.total);
            sink.incomplete(place, &said);
        }
        if !done.failures.is_empty() {
            run.replace(done.failures);
        } else if run.listed() > counts.failed {
            // A suite that failed with its tests is no test.
            run.replace(Vec::new());
        }
        run.close(Format::NodeTest, counts, totals.line, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&TOTAL, &MARK, &PARENT, &AT, &FRAME]
}
