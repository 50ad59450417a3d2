//! The end of a suite: its counts, or the lack of them.

use super::Ginkgo;
use crate::evidence::parse::console::Line;
use crate::evidence::parse::model::{Counts, FailureKind, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{Pattern, captures, number, pattern};

static COUNTS: Pattern = pattern!(
    r"(\d+) Passed \| (\d+) Failed \| (?:(\d+) Flaked \| )?(?:(\d+) Repeated \| )?(\d+) Pending \| (\d+) Skipped"
);

/// Said of a suite whose process failed by itself.
pub(super) const OUTSIDE: &str = "the suite failed and none of its specs did";

/// Lines looked through for the counts after `Ran n of m Specs`.
const PATIENCE: u32 = 60;

impl Ginkgo {
    /// Looks for the counts of a summary; true while the line belongs to it.
    pub(super) fn counts(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let Some(ran) = &mut self.ran else {
            return false;
        };
        let text = line.text;
        if text.starts_with("FAIL!") || text.starts_with("SUCCESS!") {
            ran.reasons = text.split(" -- ").next().unwrap_or("").trim().to_owned();
        }
        let (total, number_of) = (ran.total, ran.line);
        if let Some(found) = captures(&COUNTS, text) {
            let mut counts = Counts::default();
            counts.add(Outcome::Passed, number(&found, 1));
            counts.add(Outcome::Failed, number(&found, 2));
            counts.add(Outcome::Pending, number(&found, 5));
            counts.add(Outcome::Skipped, number(&found, 6));
            counts.flaked = number(&found, 3).min(counts.passed);
            let missing = total.saturating_sub(counts.total);
            if missing > 0 {
                counts.add(Outcome::Skipped, missing);
                let said = format!("{missing} specs of {total} have no result: they count as skipped");
                sink.incomplete(Place::Line(number_of), &said);
            }
            self.special_reasons(sink);
            self.outside_of_specs(&counts, sink);
            self.finish(counts, sink);
            return true;
        }
        if text.contains("BeforeSuite node failed so all tests were skipped") {
            let mut counts = Counts::default();
            counts.add(Outcome::Errored, 1);
            counts.add(Outcome::Skipped, total.saturating_sub(1));
            let said = format!("a BeforeSuite node failed: none of {total} specs ran");
            sink.incomplete(Place::Line(number_of), &said);
            self.finish(counts, sink);
            return true;
        }
        ran.waited += 1;
        let next = text.starts_with("Running Suite: ")
            || text.starts_with("Ran ")
            || text.starts_with("Ginkgo ran ");
        if ran.waited > PATIENCE || next {
            self.without_counts(sink);
        }
        false
    }

    /// What stands between `FAIL!` and the counts.
    pub(super) fn special_reasons(&mut self, sink: &mut Sink) {
        let Some(ran) = &self.ran else { return };
        let Some((_, reasons)) = ran.reasons.split_once(" - ") else {
            return;
        };
        let place = Place::Line(ran.line);
        if ["nterrupted", "imeout", "bort", "imed out"].iter().any(|sign| reasons.contains(sign)) {
            let said = format!("the run was cut short: {reasons}");
            sink.incomplete(place, &said);
        } else {
            sink.warn(place, reasons);
        }
        if !reasons.is_empty()
            && ran.reasons.starts_with("FAIL!")
            && let Some(suite) = &mut self.suite
            && suite.listed.is_empty()
            && suite.headers.is_empty()
        {
            suite.listed_total += 1;
            let name = suite.name.clone();
            suite.listed.push(broken(&name, FailureKind::Errored, Some(reasons.to_owned())));
        }
    }

    /// A suite that fails although nothing in it is known to have failed.
    fn outside_of_specs(&mut self, counts: &Counts, sink: &mut Sink) {
        let failed = self.ran.as_ref().filter(|ran| ran.reasons.starts_with("FAIL!")).map(|ran| ran.line);
        let (Some(line), Some(suite)) = (failed, &mut self.suite) else { return };
        if counts.bad() > 0 || !suite.listed.is_empty() || !suite.headers.is_empty() {
            return;
        }
        let name = if suite.name.is_empty() { "the suite" } else { suite.name.as_str() };
        let said = format!("{name} failed outside of its specs: specs may be missing");
        let failure = broken(name, FailureKind::Errored, Some(OUTSIDE.to_owned()));
        suite.listed.push(failure);
        suite.listed_total += 1;
        sink.incomplete(Place::Line(line), &said);
    }

    /// The log ended, or went on, between `Ran n of m Specs` and its counts.
    pub(super) fn without_counts(&mut self, sink: &mut Sink) {
        let Some(ran) = self.ran.take() else { return };
        let mut counts = self.suite.as_ref().map(|suite| suite.marks).unwrap_or_default();
        if counts.passed + counts.failed > ran.ran {
            counts = Counts::default();
        }
        counts.add(Outcome::Skipped, ran.total.saturating_sub(counts.total));
        sink.incomplete(Place::Line(ran.line), "the counts of the suite are missing after its summary");
        self.finish(counts, sink);
    }

    /// A suite that has no summary.
    pub(super) fn cut_off(&mut self, sink: &mut Sink) {
        if self.ran.is_some() {
            self.without_counts(sink);
        }
        self.end_message();
        let Some(suite) = &self.suite else { return };
        let mut counts = suite.marks;
        let left = suite.total.unwrap_or(0).saturating_sub(counts.total);
        let lost = left.min(u64::from(self.died));
        counts.add(Outcome::Errored, lost);
        counts.add(Outcome::Skipped, left - lost);
        let name = if suite.name.is_empty() { "a suite" } else { suite.name.as_str() };
        let said = format!("{name} has no summary: {left} of its specs have no result");
        sink.incomplete(Place::Line(suite.line), &said);
        self.finish(counts, sink);
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&COUNTS]
}
