//! Files of a run of Cypress: each one is a run of mocha of its own, or ends before it becomes one.

use super::Mocha;
use crate::evidence::parse::console::Line;
use crate::evidence::parse::model::FailureKind;
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

static RUNNING: Pattern = pattern!(r"^\s+Running:\s+(\S.*?)\s+\((\d+) of (\d+)\)$");
static FAILED: Pattern = pattern!(r"^\s+\u{2716}\s+(\d+) of \d+ failed \(\d+%\)");

/// The files of a run.
#[derive(Debug, Default)]
pub(super) struct Specs {
    /// The file that runs, where it was said, and which of how many it is.
    open: Option<(String, u64)>,
    /// How many there are, and how many were started.
    planned: u64,
    begun: u64,
    /// Those whose summary was read: reporters that print none say nothing of any.
    told: u64,
    failed: u64,
}

impl Specs {
    /// A summary of tests was read.
    pub(super) fn told(&mut self) {
        self.told += u64::from(self.open.take().is_some());
    }

    pub(super) fn failed(&mut self, failed: bool) {
        self.failed += u64::from(failed);
    }

    /// The file that runs has no summary, and is not known to have any result.
    fn lost(&mut self, sink: &mut Sink) {
        let Some((name, line)) = self.open.take() else { return };
        if self.told > 0 {
            let said = format!("{name} ended without a summary: its tests are not counted");
            sink.incomplete(Place::Line(line), &said);
        }
    }

    /// The log ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.lost(sink);
        let left = self.planned.saturating_sub(self.begun);
        if left > 0 && self.told > 0 {
            let said = format!("the log ends before {left} of {} files ran", self.planned);
            sink.incomplete(Place::File, &said);
        }
        *self = Self::default();
    }
}

impl Mocha {
    /// Takes a line of Cypress itself.
    pub(super) fn cypress(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        let bare = text.trim_start();
        if bare.starts_with("Running: ")
            && let Some(found) = captures(&RUNNING, text)
        {
            self.finish(sink);
            let (at, of) = (number(&found, 2), number(&found, 3));
            if at == 1 {
                self.specs.end(sink);
            } else {
                self.specs.lost(sink);
            }
            self.specs.open = Some((group(&found, 1).to_owned(), line.number));
            self.specs.planned = of;
            self.specs.begun = at;
            return true;
        }
        if bare.starts_with('\u{2716}')
            && self.specs.told > 0
            && let Some(found) = captures(&FAILED, text)
        {
            self.finish(sink);
            if number(&found, 1) > self.specs.failed {
                let lost = self.specs.open.as_ref().map(|(name, _)| name.clone());
                let name = lost.unwrap_or_else(|| "a spec file".to_owned());
                let said = "the file failed and none of its tests did".to_owned();
                sink.fail(broken(&name, FailureKind::Errored, Some(said)));
                sink.incomplete(Place::Line(line.number), "a spec file failed outside of its tests");
            }
            self.specs.lost(sink);
            return true;
        }
        false
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&RUNNING, &FAILED]
}
