//! What becomes of a test binary beside what its tests say: not built, not started, dead.

use super::{Cargo, TEST};
use crate::evidence::parse::console::Line;
use crate::evidence::parse::model::{FailureKind, Format};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static NOT_BUILT: Pattern = pattern!(
    r#"^error: could not compile `([^`]+)` \((?:lib|bin|test|example|bench)(?: "[^"]*")? test\)|^error: could not compile `([^`]+)` \((?:test|bench) "[^"]*"\)"#
);
/// What a build stops at, be it of tests or of what they need.
static STOPPED: Pattern =
    pattern!(r"^error: (?:could not compile|failed to run custom build command for) `([^` ]+)[^`]*`");
static TO_RERUN: Pattern = pattern!(r"error: (?:test|doctest) failed, to rerun pass `([^`]*)`");
static ENDED: Pattern =
    pattern!(r"^\s+(?:process didn't exit successfully|could not execute process): `([^`]*)` \((.*)\)$");
static TARGETS: Pattern = pattern!(r"^error: (\d+) target(?:s|\(s\))? failed:$");

/// A binary that failed outside of its tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Its tests are counted as those of a run that was cut off.
    CutOff,
    /// It is recorded as a failure of its own.
    Told,
}

impl Cargo {
    /// Lines of cargo itself: whether it was one, if that is known.
    pub(super) fn process(&mut self, line: &Line<'_>, sink: &mut Sink) -> Option<bool> {
        let text = line.text;
        if text.starts_with("error: ") {
            // Without tests in the log it is a build like any other.
            let stopped = || captures(&STOPPED, text).filter(|_| self.run.is_none() && !sink.is_blank());
            if let Some(found) = captures(&NOT_BUILT, text).or_else(stopped) {
                let name = format!("{}{}", group(&found, 1), group(&found, 2));
                sink.seen(Format::CargoTest);
                sink.fail(broken(&name, FailureKind::BuildFailed, Some(text.to_owned())));
                let said = format!("the tests of {name} were not built: they are not counted");
                sink.incomplete(Place::Line(line.number), &said);
                return Some(true);
            }
            if let Some(found) = captures(&TARGETS, text) {
                let unknown = number(&found, 1).saturating_sub(std::mem::take(&mut self.failed));
                if unknown > 0 {
                    self.outside(&text::several(unknown, "target"), line.number, sink);
                }
                return Some(self.any);
            }
        }
        if text.contains("failed, to rerun pass")
            && let Some(found) = captures(&TO_RERUN, text)
        {
            // A process that died can leave its last line unended.
            if let (Some(run), Some(started)) = (&mut self.run, captures(&TEST, text)) {
                run.under_way = Some(group(&started, 1).to_owned());
            }
            let name = group(&found, 1).to_owned();
            if self.run.is_some() {
                self.binary = name;
                self.cut_off(sink);
                self.failed += u64::from(!self.explained);
                self.lost = Some(Lost::CutOff);
            } else if !self.explained && text.starts_with("error: ") {
                self.outside(&name, line.number, sink);
                self.lost = Some(Lost::Told);
                self.failed += 1;
            }
            self.started = None;
            self.explained = false;
            return Some(self.any);
        }
        let lost = self.lost?;
        if let Some(found) = captures(&ENDED, text) {
            self.lost = None;
            self.ended(lost, group(&found, 2), sink);
            return Some(true);
        }
        self.lost = Some(lost).filter(|_| text.trim().is_empty() || text.starts_with("Caused by"));
        None
    }

    /// A target failed, and none of its tests is known to have.
    fn outside(&mut self, name: &str, line: u64, sink: &mut Sink) {
        sink.seen(Format::CargoTest);
        let said = "it failed, and none of its tests is known to have".to_owned();
        sink.fail(broken(name, FailureKind::Errored, Some(said)));
        let said = format!("{name} failed outside of its tests: tests may be missing");
        sink.incomplete(Place::Line(line), &said);
    }

    /// How the process of the binary ended.
    fn ended(&self, lost: Lost, how: &str, sink: &mut Sink) {
        if lost == Lost::CutOff {
            sink.fail(broken(&self.binary, FailureKind::Panicked, Some(how.to_owned())));
        } else if let Some(last) = sink.failures_mut().last_mut()
            && last.kind == FailureKind::Errored
        {
            last.message = Some(how.to_owned());
            if how.starts_with("signal: ") || how.starts_with("exit code: 0x") {
                last.kind = FailureKind::Panicked;
            }
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> [&'static Pattern; 5] {
    [&NOT_BUILT, &STOPPED, &TO_RERUN, &ENDED, &TARGETS]
}
