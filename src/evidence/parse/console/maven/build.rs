//! How a build of Maven ends, and what it did not come to.

use crate::evidence::parse::model::{Counts, FailureKind, Format};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, pattern, several};

static GOAL: Pattern = pattern!(
    r"^Failed to execute goal (?:[\w.-]+:)?([\w.-]+):[\w.-]+:([\w-]+) (?:\([^)]*\) )?on project ([^:\s]+)(?:: (.*))?$"
);
static SKIPPED: Pattern = pattern!(r"^\S.* \.{2,} SKIPPED$");

/// What is known of the build.
#[derive(Debug, Default)]
pub(super) struct Build {
    /// Where it began, if it said so.
    begun: Option<u64>,
    /// Where it said how it ended, and whether well.
    over: Option<(u64, bool)>,
    just_ended: bool,
    /// Modules that were left out because of another one.
    left_out: u64,
    counts: Counts,
    /// What it failed with, where that is not a failing test.
    outside: Option<(String, FailureKind, String)>,
    goals: u64,
}

impl Build {
    /// A module's tests were counted.
    pub(super) fn counted(&mut self, counts: Counts) {
        self.counts.merge(counts);
    }

    /// Whether the line that was taken ended the build.
    pub(super) fn ended(&mut self) -> bool {
        std::mem::take(&mut self.just_ended)
    }

    /// Takes a line that Maven itself wrote; true if it is about the build.
    pub(super) fn line(&mut self, text: &str, line: u64) -> bool {
        match text.trim_end() {
            "Scanning for projects..." => {
                self.begun.get_or_insert(line);
                return true;
            }
            "BUILD SUCCESS" | "BUILD FAILURE" => {
                self.over = Some((line, text.starts_with("BUILD S")));
                self.just_ended = true;
                return true;
            }
            _ => {}
        }
        if text.ends_with(" SKIPPED") && captures(&SKIPPED, text).is_some() {
            self.left_out += 1;
            return true;
        }
        if text.starts_with("Failed to execute goal ")
            && let Some(found) = captures(&GOAL, text)
        {
            self.goals += 1;
            let (plugin, goal, said) = (group(&found, 1), group(&found, 2), group(&found, 4));
            let tests = plugin.contains("surefire") || plugin.contains("failsafe");
            let plain =
                said.starts_with("There are test failures") || said.starts_with("There was test failure");
            if !(tests && plain) && self.outside.is_none() {
                let kind = if goal.to_ascii_lowercase().contains("compile") {
                    FailureKind::BuildFailed
                } else {
                    FailureKind::Errored
                };
                let name = format!("{plugin}:{goal} ({})", group(&found, 3));
                self.outside = Some((name, kind, said.to_owned()));
            }
            return true;
        }
        false
    }

    /// The log ended.
    pub(super) fn end(self, sink: &mut Sink) {
        let Some((line, well)) = self.over else {
            if let Some(line) = self.begun {
                sink.seen(Format::Maven);
                sink.incomplete(Place::Line(line), "the log ends before the build of Maven does");
            }
            return;
        };
        if well {
            return;
        }
        sink.seen(Format::Maven);
        let place = Place::Line(line);
        if self.left_out > 0 {
            let said = format!("{} of Maven did not run", several(self.left_out, "module"));
            sink.incomplete(place, &said);
        }
        match self.outside {
            Some((name, kind, said)) => {
                let said = Some(said).filter(|said| !said.is_empty());
                sink.fail(broken(&name, kind, said));
                sink.incomplete(place, "the build of Maven failed outside of tests");
            }
            None if self.counts.bad() == 0 => {
                sink.fail(broken("the build", FailureKind::Errored, None));
                sink.incomplete(place, "the build of Maven failed, and no test did");
            }
            None => {}
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&GOAL, &SKIPPED]
}
