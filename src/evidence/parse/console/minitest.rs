//! Console of Ruby's minitest and test-unit, with and without Rails.

use super::Line;
use super::run::{Console, Run, parts, place, rest_passed, say};
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text::{Pattern, captures, group, is_library, location, pattern};

static HEAD: Pattern = pattern!(r"^\s*(?:\d+\) )?(Failure|Error|Skipped):$");
/// `FooTest#test_bar [test/foo_test.rb:12]:`, and without the place in an error.
static NAME: Pattern = pattern!(r"^\s*([\w:]+)#(\S.*?)(?: \[(.+):(\d{1,7})\])?:$");

/// Lines between a summary's two lines.
const NEAR: u64 = 4;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    /// The next line names the test.
    Name(FailureKind),
    Detail,
    Skipped,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Minitest {
    run: Option<Run>,
    part: Part,
    finished: u64,
}

impl Console for Minitest {
    fn open(&self) -> bool {
        self.run.is_some()
    }

    fn running(&self) -> bool {
        self.run.is_some()
    }

    fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.starts_with("Run options: ") && text.contains("--seed ") {
            self.end(sink);
            self.run = Some(Run::at(line.number));
            return true;
        }
        if text.starts_with("Finished in ")
            && (text.contains(" runs/s") || text.contains("s.") || text.ends_with('s'))
        {
            self.finished = line.seq;
            return self.run.is_some();
        }
        if self.finished > 0 && line.seq <= self.finished + NEAR && text.contains(" assertions, ") {
            return self.summary(text, line.number, sink);
        }
        if self.run.is_none() {
            return false;
        }
        self.detail(text, sink);
        true
    }

    fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        let Some(mut run) = done.run else { return };
        let listed = run.listed();
        run.marks.add(Outcome::Failed, listed);
        run.cut_off("minitest", Format::Minitest, sink);
    }
}

impl Minitest {
    fn detail(&mut self, text: &str, sink: &Sink) {
        let Some(run) = &mut self.run else { return };
        if let Some(found) = captures(&HEAD, text) {
            self.part = match group(&found, 1) {
                "Failure" => Part::Name(FailureKind::Failed),
                "Error" => Part::Name(FailureKind::Errored),
                _ => Part::Skipped,
            };
            return;
        }
        match self.part {
            Part::Name(kind) => {
                let Some(found) = captures(&NAME, text) else {
                    self.part = Part::Free;
                    return;
                };
                run.fail(
                    Failure {
                        name: group(&found, 2).to_owned(),
                        classname: Some(group(&found, 1).to_owned()),
                        file: found.get(3).map(|file| file.as_str().to_owned()),
                        line: found.get(4).and_then(|line| line.as_str().parse().ok()),
                        kind,
                        ..Failure::default()
                    },
                    sink,
                );
                self.part = Part::Detail;
            }
            Part::Detail => {
                let Some(failure) = run.last() else { return };
                let bare = text.trim();
                if bare.is_empty() {
                    self.part = Part::Free;
                } else if text.starts_with("    ")
                    && location(bare).is_some_and(|(file, _)| !is_library(&file))
                {
                    place(failure, bare);
                } else {
                    say(failure, bare);
                }
            }
            Part::Free | Part::Skipped => {}
        }
    }

    /// `12 runs, 30 assertions, 1 failures, 0 errors, 0 skips`.
    fn summary(&mut self, text: &str, line: u64, sink: &mut Sink) -> bool {
        let Some(known) = parts(text) else { return self.run.is_some() };
        let Some((total, "runs" | "tests" | "run" | "test")) = known.first().copied() else { return false };
        let of = |start: &str| known.iter().find(|(_, what)| what.starts_with(start)).map(|(n, _)| *n);
        let done = std::mem::take(self);
        let run = done.run.unwrap_or_else(|| Run::at(line));
        let whole = of("skip").is_some() || of("notification").is_some();
        if of("failure").is_none() || of("error").is_none() || !whole {
            sink.incomplete(Place::Line(line), "the summary of minitest is cut off");
        }
        let n = |start: &str| of(start).unwrap_or(0);
        let others = [
            (Outcome::Failed, n("failure")),
            (Outcome::Errored, n("error")),
            (Outcome::Skipped, n("skip")),
            (Outcome::Skipped, n("omission")),
            (Outcome::Pending, n("pending")),
        ];
        run.close(Format::Minitest, rest_passed(total, &others), line, sink);
        true
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&HEAD, &NAME]
}
