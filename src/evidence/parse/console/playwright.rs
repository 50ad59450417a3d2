//! Console of playwright: the list, line, dot and GitHub reporters, which end alike.
//!
//! The counts are those of the summary, one line a state. Tests that did not run are skipped,
//! as in the report for programs; a run without a summary was cut off.

use super::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static RUNNING: Pattern = pattern!(r"^Running (\d+) tests? using \d+ workers?(?:, shard \d+ of \d+)?$");
static STATE: Pattern =
    pattern!(r"^  (\d+) (failed|interrupted|flaky|skipped|did not run|passed)(?: \([\d.hms ]+\))?$");
static OUTSIDE: Pattern = pattern!(r"^  (\d+) errors? (?:was|were) not a part of any test");
/// `[project] > file:line:column > titles`, with an angle mark for `>`.
static TITLE: Pattern = pattern!(
    r"^\s+(?:(\d+)\) )?(?:\[([^\]]*)\] \u{203a} )?(\S[^\u{203a}]*?):(\d{1,7}):\d+ \u{203a} (.+?)(?: \u{2500}[\u{2500} ]*)?\s*$"
);

/// What the lines that come next are about.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// The message of the failure described last.
    Message,
    /// The tests of one state, after its count.
    List(FailureKind, bool),
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Playwright {
    /// The line that a run starts with, and how many tests it has.
    run: Option<(u64, u64)>,
    counts: Counts,
    summed: bool,
    part: Part,
    /// What the blocks before the summary say.
    described: Vec<Failure>,
    failures: Vec<Failure>,
    left: u64,
    interrupted: bool,
    /// Tests that the summary says did not run.
    not_run: u64,
    /// GitHub's reporter gives the summary once more, as a notice.
    again: bool,
    outside: u64,
}

impl Playwright {
    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.part != Part::Free
    }

    /// Whether a run has no summary yet.
    pub(super) fn active(&self) -> bool {
        self.run.is_some() && !self.summed
    }

    /// Takes a line; true if it was playwright's.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Running ")
            && let Some(found) = captures(&RUNNING, text)
        {
            self.end(sink);
            self.run = Some((line.number, number(&found, 1)));
            return true;
        }
        let notice = text.strip_prefix("##[notice]");
        let text = notice.or_else(|| text.strip_prefix("##[error]")).unwrap_or(text);
        if self.run.is_none() || !text.starts_with("  ") {
            return false;
        }
        if let Some(found) = captures(&STATE, text) {
            self.again |= self.summed && notice.is_some();
            if self.again {
                self.part = Part::List(FailureKind::Failed, false);
                return true;
            }
            self.state(group(&found, 2), number(&found, 1));
            return true;
        }
        if let Some(found) = captures(&OUTSIDE, text) {
            self.outside = number(&found, 1);
            return true;
        }
        if let Some(found) = captures(&TITLE, text) {
            return self.title(&found, sink.limits().failures);
        }
        if self.part == Part::Message {
            self.message(text);
            return true;
        }
        false
    }

    /// A line of the summary.
    fn state(&mut self, state: &str, n: u64) {
        if !self.summed {
            self.summed = true;
            self.counts = Counts::default();
        }
        self.part = Part::Free;
        match state {
            "failed" => {
                self.counts.add(Outcome::Failed, n);
                self.part = Part::List(FailureKind::Failed, true);
            }
            "interrupted" => {
                self.counts.add(Outcome::Failed, n);
                self.interrupted = true;
                self.part = Part::List(FailureKind::Interrupted, true);
            }
            "flaky" => {
                self.counts.add(Outcome::Passed, n);
                self.counts.flaked = self.counts.flaked.saturating_add(n);
                self.part = Part::List(FailureKind::Failed, false);
            }
            "passed" => self.counts.add(Outcome::Passed, n),
            "did not run" => {
                self.counts.add(Outcome::Skipped, n);
                self.not_run = n;
            }
            _ => self.counts.add(Outcome::Skipped, n),
        }
    }

    /// A test's title, over its description or in the summary.
    fn title(&mut self, found: &regex::Captures<'_>, most: usize) -> bool {
        let titles = group(found, 5);
        let (suite, name) = titles.rsplit_once(" \u{203a} ").unwrap_or(("", titles));
        let folders = [group(found, 2), group(found, 3), suite];
        let suite: Vec<String> = folders
            .iter()
            .filter(|part| !part.is_empty())
            .map(|part| part.replace(" \u{203a} ", " > "))
            .collect();
        let failure = Failure {
            name: name.to_owned(),
            suite: Some(suite.join(" > ")),
            file: Some(group(found, 3).to_owned()),
            line: Some(number(found, 4)),
            ..Failure::default()
        };
        match self.part {
            Part::List(kind, true) => {
                if self.failures.len() < most {
                    self.failures.push(Failure { kind, ..failure });
                } else {
                    self.left += 1;
                }
            }
            Part::List(..) => {}
            Part::Free | Part::Message if found.get(1).is_some() => {
                if self.described.len() < most {
                    self.described.push(failure);
                    self.part = Part::Message;
                }
            }
            Part::Free | Part::Message => return false,
        }
        true
    }

    /// A line of a description.
    fn message(&mut self, text: &str) {
        let Some(failure) = self.described.last_mut() else { return };
        let bare = text.trim();
        let source = bare.starts_with("> ") || bare.split_once(" | ").is_some_and(|(n, _)| is_number(n));
        let ends = source || bare.starts_with("at ") || bare.starts_with("Retry #");
        if ends {
            self.part = Part::Free;
        } else if !bare.is_empty() {
            text::collect(failure.message.get_or_insert_default(), bare);
        }
    }

    /// The run, or the log, ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        let mut done = std::mem::take(self);
        let Some((line, announced)) = done.run else { return };
        let left = announced.saturating_sub(done.counts.total);
        if !done.summed {
            let said = format!("the playwright run has no summary: {left} of its tests have no result");
            sink.incomplete(Place::Line(line), &said);
            done.failures = std::mem::take(&mut done.described);
        } else if done.not_run > 0 && left == 0 && !done.interrupted {
            sink.incomplete(
                Place::Line(line),
                &format!("{} did not run", text::several(done.not_run, "test")),
            );
        } else if done.interrupted || left > 0 {
            let said = format!("the playwright run was cut short: {left} of its tests have no result");
            sink.incomplete(Place::Line(line), &said);
        }
        done.counts.add(Outcome::Skipped, left);
        sink.merge(Format::Playwright, done.counts);
        for mut failure in done.failures {
            let same = |known: &&Failure| {
                (&known.name, &known.suite, known.line) == (&failure.name, &failure.suite, failure.line)
            };
            if failure.message.is_none() {
                failure.message = done.described.iter().find(same).and_then(|known| known.message.clone());
            }
            if failure.message.as_deref().is_some_and(|said| said.starts_with("Test timeout of ")) {
                failure.kind = FailureKind::TimedOut;
            }
            sink.fail(failure);
        }
        sink.more_failures(done.left);
        if done.outside > 0 {
            let said = format!("{} errors outside of tests", done.outside);
            sink.fail(broken("errors outside of tests", FailureKind::Errored, Some(said.clone())));
            sink.incomplete(Place::Line(line), &said);
        }
    }
}

/// Whether a text is a line number in front of source text.
fn is_number(text: &str) -> bool {
    let text = text.trim_start_matches('>').trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&RUNNING, &STATE, &OUTSIDE, &TITLE]
}
