//! One TAP stream: its plan, its points, and what they add up to.

use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text;

#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) line: u64,
    pub(super) started: bool,
    pub(super) plan: Option<u64>,
    pub(super) version: bool,
    /// It began with a point that has no number: without a plan one of them says little.
    pub(super) loose: bool,
    /// The plan came after the points.
    pub(super) plan_last: bool,
    pub(super) counts: Counts,
    /// Points inside points that are marked with `{`.
    pub(super) inner: Counts,
    pub(super) braces: bool,
    pub(super) open_braces: u64,
    /// Whether the point that holds the next inner points is counted for them.
    pub(super) next: u64,
    pub(super) totals: Totals,
    pub(super) failures: Vec<Point>,
    pub(super) left: u64,
    pub(super) bats: bool,
    pub(super) bailed: bool,
    pub(super) odd: bool,
}

/// The totals of node's runner.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) tests: Option<u64>,
    pub(super) pass: u64,
    pub(super) fail: u64,
    pub(super) cancelled: u64,
    pub(super) skipped: u64,
    pub(super) todo: u64,
    pub(super) of_node: bool,
}

/// A failing point.
#[derive(Debug, Default)]
pub(super) struct Point {
    pub(super) failure: Failure,
    pub(super) depth: usize,
    /// It only sums up others.
    pub(super) container: bool,
    pub(super) is_suite: bool,
    /// Its place is that of a frame.
    pub(super) in_stack: bool,
}

impl Totals {
    pub(super) fn set(&mut self, what: &str, n: u64) {
        match what {
            "tests" => self.tests = Some(n),
            "pass" => self.pass = n,
            "fail" => self.fail = n,
            "skipped" => self.skipped = n,
            "todo" => self.todo = n,
            "cancelled" => {
                self.cancelled = n;
                self.of_node = true;
            }
            _ => self.of_node = true,
        }
    }
}

impl Stream {
    /// Whether every planned point was seen.
    pub(super) fn satisfied(&self) -> bool {
        self.plan.is_some_and(|plan| self.counts.total >= plan || self.next >= plan)
    }

    pub(super) fn close(mut self, bats_name: bool, sink: &mut Sink) {
        let some = self.counts.total >= 2 || self.counts.failed > 0 && !self.loose;
        let sure = self.version || self.plan.is_some() || some;
        if !sure || (self.counts.total == 0 && !self.version && self.plan != Some(0) && !bats_name) {
            return;
        }
        let format = if self.bats || bats_name { Format::Bats } else { Format::Tap };
        let place = Place::Line(self.line);
        let node = self.totals.of_node && self.totals.tests.is_some();
        let mut counts = self.counts;
        if node {
            counts = Counts::default();
            counts.add(Outcome::Passed, self.totals.pass);
            counts.add(Outcome::Failed, self.totals.fail.saturating_add(self.totals.cancelled));
            counts.add(Outcome::Skipped, self.totals.skipped);
            counts.add(Outcome::Pending, self.totals.todo);
            let left = self.totals.tests.unwrap_or(0).saturating_sub(counts.total);
            if left > 0 {
                counts.add(Outcome::Skipped, left);
                sink.incomplete(place, "the totals of the run are cut off");
            }
        } else if self.braces {
            let left = self.plan.unwrap_or(0).saturating_sub(counts.total);
            if left > 0 || self.open_braces > 0 {
                sink.incomplete(place, "the TAP stream is cut off: planned tests have no result");
            }
            counts = self.inner;
        } else if let Some(plan) = self.plan {
            let left = plan.saturating_sub(counts.total);
            if left > 0 {
                counts.add(Outcome::Skipped, left);
                let said = format!("{left} of {plan} planned tests have no result: they count as skipped");
                sink.incomplete(place, &said);
            } else if counts.total > plan && !self.odd {
                let said = format!("{} tests ran where {plan} were planned", counts.total);
                // What bats sets up has a point of its own where it fails.
                match self.bats || bats_name {
                    true => sink.warn(place, &said),
                    false => sink.incomplete(place, &said),
                }
            }
        }
        if self.plan.is_none() && !self.bailed && !node {
            sink.incomplete(place, "the TAP stream has no plan: the run was cut short");
        }
        sink.merge(format, counts);
        let braces = self.braces;
        let mut listed = 0u64;
        for point in self.failures.drain(..) {
            let counted = if node {
                !point.is_suite
            } else if braces {
                !point.container
            } else {
                point.depth == 0
            };
            if counted {
                listed += 1;
                sink.fail(point.failure);
            }
        }
        sink.more_failures(self.left.min(counts.failed.saturating_sub(listed)));
    }
}

impl Point {
    /// A frame of the stack: the first one in the test's file is where it failed.
    pub(super) fn frame(&mut self, text: &str) {
        let known = self.failure.file.as_deref().filter(|_| !self.in_stack);
        if let Some(known) = known
            && let Some((path, line)) = text::location(text)
            && text::same_file(&path, known)
        {
            self.failure.line = Some(line);
            self.in_stack = true;
        }
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        let failure = &mut self.failure;
        match key {
            "message" | "error" => failure.message = Some(value.to_owned()),
            "at" | "location" => {
                if let Some((file, line)) = text::location(value) {
                    failure.file = Some(file);
                    failure.line = Some(line);
                }
            }
            "file" | "fileName" => failure.file = Some(value.to_owned()),
            "line" | "lineNumber" => failure.line = value.parse().ok().or(failure.line),
            "type" => self.is_suite = value == "suite",
            "failureType" if value == "testTimeoutFailure" => failure.kind = FailureKind::TimedOut,
            "failureType" if value == "cancelledByParent" => failure.kind = FailureKind::Interrupted,
            _ => {}
        }
    }
}

/// Whether a dash stands between a point and its description.
pub(super) fn has_dash(found: &regex::Captures<'_>) -> bool {
    let whole = found.get(0).map_or("", |whole| whole.as_str()).trim_start();
    let rest = whole.strip_prefix("not ").unwrap_or(whole);
    rest.strip_prefix("ok").is_some_and(|rest| rest.starts_with(" - "))
}
