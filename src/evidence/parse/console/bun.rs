//! Console of `bun test`.

use super::Line;
use super::run::{Console, Run, count, place, say};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern, several};

static BEGIN: Pattern = pattern!(r"^bun test v\d+\.\d+\.\d+");
static MARK: Pattern = pattern!(
    r"^\s*(?:\((pass|fail|skip|todo)\)|([\u{2713}\u{2717}\u{bb}\u{270e}])) (.+?)(?: \[([\d.]+)(ms|s)\])?$"
);
static SUM: Pattern = pattern!(r"^ {1,4}(\d+) (pass|fail|skip|todo|errors?|filtered out|expect\(\) calls)$");
static RAN: Pattern = pattern!(r"^Ran (\d+) tests? across (\d+) files?\.");
static FILE: Pattern = pattern!(r"^(\S+\.[cm]?[jt]sx?):$");

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Bun {
    run: Option<Run>,
    counts: Counts,
    summed: bool,
    errors: u64,
    file: Option<String>,
    /// What was raised since the test before: it stands over the name of its test.
    raised: Failure,
    raising: bool,
    /// The failing tests are named once more.
    again: bool,
    stopped: bool,
}

impl Console for Bun {
    fn open(&self) -> bool {
        self.run.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("bun test v") && captures(&BEGIN, text).is_some() {
            self.end(sink);
            self.run = Some(Run::at(line.number));
            return true;
        }
        if self.run.is_none() {
            return false;
        }
        if let Some(found) = captures(&RAN, text) {
            self.summary(number(&found, 1), line.number, sink);
            return true;
        }
        if let Some(found) = captures(&SUM, text) {
            self.summed = true;
            let n = number(&found, 1);
            match group(&found, 2) {
                "pass" => self.counts.add(Outcome::Passed, n),
                "fail" => self.counts.add(Outcome::Failed, n),
                "skip" => self.counts.add(Outcome::Skipped, n),
                "todo" => self.counts.add(Outcome::Pending, n),
                "error" | "errors" => self.errors = n,
                _ => {}
            }
            return true;
        }
        if text.starts_with("Bailed out after ") {
            self.stopped = true;
        } else if text.trim_end().ends_with(" tests failed:") || text.trim_end().ends_with(" test failed:") {
            self.again = text.split(' ').next().and_then(count).is_some();
        } else if let Some(found) = captures(&FILE, text) {
            self.file = Some(group(&found, 1).to_owned());
            self.raising = false;
        } else if let Some(found) = captures(&MARK, text) {
            self.mark(&found, sink);
        } else {
            self.detail(text);
        }
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(run) = done.run else { return };
        run.cut_off("bun test", Format::Bun, sink);
    }
}

impl Bun {
    fn mark(&mut self, found: &regex::Captures<'_>, sink: &Sink) {
        if self.again {
            return;
        }
        let raised = std::mem::take(&mut self.raised);
        self.raising = false;
        let outcome = match (group(found, 1), group(found, 2)) {
            ("pass", _) | (_, "\u{2713}") => Outcome::Passed,
            ("fail", _) | (_, "\u{2717}") => Outcome::Failed,
            ("skip", _) | (_, "\u{bb}") => Outcome::Skipped,
            _ => Outcome::Pending,
        };
        let Some(run) = &mut self.run else { return };
        run.marks.add(outcome, 1);
        if outcome != Outcome::Failed {
            return;
        }
        let path = group(found, 3);
        let (suite, name) = path.rsplit_once(" > ").map_or((None, path), |(suite, name)| (Some(suite), name));
        run.fail(
            Failure {
                name: name.to_owned(),
                suite: suite.map(str::to_owned),
                file: raised.file.or_else(|| self.file.clone()),
                ..raised
            },
            sink,
        );
    }

    /// What a test prints, and what it raised.
    fn detail(&mut self, text: &str) {
        let bare = text.trim();
        if bare.starts_with("error: ") || bare.contains("Error: ") && !self.raising {
            self.raised = Failure::default();
            self.raising = true;
            say(&mut self.raised, bare.strip_prefix("error: ").unwrap_or(bare));
        } else if bare.starts_with("at ") {
            place(&mut self.raised, bare);
        } else if self.raising && self.raised.line.is_none() && !is_source(bare) {
            say(&mut self.raised, bare);
        }
        if bare.starts_with("error: Test ") && bare.contains("timed out") || bare.contains("timed out after ")
        {
            self.raised.kind = FailureKind::TimedOut;
        }
    }

    fn summary(&mut self, ran: u64, line: u64, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(run) = done.run else { return };
        let place = Place::Line(line);
        let mut counts = done.counts;
        if !done.summed || counts.total < ran {
            let left = ran.saturating_sub(counts.total);
            counts.add(Outcome::Skipped, left);
            sink.incomplete(place, "the numbers of bun are fewer than its tests");
        }
        if run.marks.failed > counts.failed || counts.passed > ran {
            sink.incomplete(place, "the numbers of bun are not those of its tests");
        }
        if done.stopped {
            sink.incomplete(place, "bun bailed out: tests did not run");
        }
        if done.errors > 0 {
            let said = format!("{} outside of tests", several(done.errors, "error"));
            let Failure { file, line, message, .. } = done.raised;
            let named = broken("errors outside of tests", FailureKind::Errored, message);
            sink.fail(Failure { file, line, ..named });
            sink.incomplete(place, &said);
        }
        run.close(Format::Bun, counts, line, sink);
    }
}

/// Whether a line is source text, with its number or a caret under it.
fn is_source(text: &str) -> bool {
    text.starts_with('^') || text.split_once(" | ").is_some_and(|(n, _)| count(n.trim()).is_some())
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&BEGIN, &MARK, &SUM, &RAN, &FILE]
}
