//! One package of a stream of events: what runs in it and what came of it.

use super::{FAILED, NAME, Package, TALKING, Test, print};
use crate::evidence::parse::console::Line;
use crate::evidence::parse::console::golines;
use crate::evidence::parse::model::{Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::Sink;
use crate::evidence::parse::text;

impl Package {
    pub(super) fn start(&mut self, test: &str, room: bool) {
        if room && test.len() <= NAME {
            let suites = self.ginkgo.as_ref().map_or(0, |ginkgo| ginkgo.started());
            self.running.insert(test.to_owned(), Test { suites, ..Test::default() });
        } else {
            self.uncounted += 1;
        }
    }

    /// A piece of output: lines come in pieces if they are long or not ended.
    pub(super) fn output(&mut self, test: &str, output: &str, room: bool, sink: &mut Sink) {
        self.partial.push_str(output);
        if !self.partial.ends_with('\n') && self.partial.len() < 8192 {
            return;
        }
        let piece = std::mem::take(&mut self.partial);
        for line in piece.lines() {
            self.lines += 1;
            let cleaned = crate::evidence::log::clean_text(line.as_bytes());
            self.output_line(test, &cleaned, room, sink);
        }
    }

    fn output_line(&mut self, test: &str, text: &str, room: bool, sink: &mut Sink) {
        if room && self.ginkgo.is_none() && text.starts_with("Running Suite: ") {
            self.ginkgo = Some(Box::default());
        }
        if let Some(ginkgo) = &mut self.ginkgo {
            let before = sink.failures_seen();
            ginkgo.line(&Line { number: self.lines, seq: self.lines, text }, sink);
            self.failures += sink.failures_seen() - before;
        }
        if let Some(said) = golines::panic(text)
            && self.panic.is_none()
        {
            self.timeout = said.starts_with("test timed out after");
            self.panic = Some(said.to_owned());
            if let Some(ginkgo) = &mut self.ginkgo {
                ginkgo.dies();
            }
        } else if self.timeout
            && self.listed.len() < 1000
            && let Some(name) = golines::running(text)
        {
            self.listed.push(name.to_owned());
        }
        if text.contains("[build failed]") || text.contains("[setup failed]") {
            self.build_failed = true;
        }
        if self.running.len() > TALKING {
            return;
        }
        let Some(test) = self.running.get_mut(test) else {
            return;
        };
        if let Some(logged) = golines::logged(text) {
            // Messages that are repeated with the verdict come after `--- FAIL`.
            if !(test.failed_text && test.logged.is_some()) {
                test.logged = Some(logged);
                test.collecting = true;
            }
        } else if text.contains("--- FAIL: ") {
            test.failed_text = true;
            test.collecting = false;
        } else if test.collecting {
            if text.starts_with("        ") || text.starts_with('\t') {
                if let Some(logged) = &mut test.logged {
                    text::collect(&mut logged.text, text.trim());
                }
            } else {
                test.collecting = false;
            }
        }
    }

    pub(super) fn result(
        &mut self,
        package: &str,
        name: &str,
        outcome: Outcome,
        elapsed: Option<f64>,
        retry: bool,
        sink: &mut Sink,
    ) {
        let known = self.running.remove(name);
        if known.is_none() && self.uncounted > 0 {
            self.uncounted -= 1;
        }
        let started = self.ginkgo.as_ref().map_or(0, |ginkgo| ginkgo.started());
        let suites = known.as_ref().map_or(started, |test| test.suites);
        if started > suites && !name.contains('/') {
            // Failures of the suite are counted; without one the package fails for another reason.
            return;
        }
        let duration = elapsed.filter(|s| s.is_finite() && *s >= 0.0);
        if retry {
            sink.reruns(1);
            match outcome {
                Outcome::Passed => sink.recover(name, Some(package)),
                Outcome::Failed => self.failures += 1,
                _ => {}
            }
            return;
        }
        self.counts.add(outcome, 1);
        sink.count(Format::GoTestJson, outcome, 1);
        if sink.wants_case(outcome, duration) {
            sink.case(name, Some(package), outcome, false, duration);
        }
        if outcome == Outcome::Passed {
            self.last_passed.clear();
            self.last_passed.push_str(name);
        }
        if outcome == Outcome::Failed {
            let kind = self.kind_of(name);
            self.fail(package, name, known.unwrap_or_default(), kind, duration, sink);
        }
    }

    fn kind_of(&self, name: &str) -> FailureKind {
        match &self.panic {
            // Before Go 1.20 a timeout does not list what it met.
            Some(_)
                if self.timeout
                    && (self.listed.is_empty() || self.listed.iter().any(|listed| listed == name)) =>
            {
                FailureKind::TimedOut
            }
            Some(_) if self.timeout => FailureKind::Interrupted,
            Some(_) => FailureKind::Panicked,
            None => FailureKind::Failed,
        }
    }

    fn fail(
        &mut self,
        package: &str,
        name: &str,
        test: Test,
        kind: FailureKind,
        duration: Option<f64>,
        sink: &mut Sink,
    ) {
        self.failures += 1;
        if self.failed_names.len() < FAILED {
            self.failed_names.push(print(package, name));
        }
        let mut failure = Failure {
            name: name.to_owned(),
            suite: Some(package.to_owned()),
            kind,
            duration,
            ..Failure::default()
        };
        if let Some(logged) = test.logged {
            failure.file = Some(logged.file);
            failure.line = logged.line;
            failure.message = Some(logged.text);
        }
        if kind != FailureKind::Failed && self.panic.is_some() {
            failure.message = self.panic.clone();
        }
        sink.fail(failure);
    }

    /// A Go test around a suite that was cut off is counted by the suite.
    pub(super) fn close_suites(&mut self, sink: &mut Sink) {
        if let Some(ginkgo) = &mut self.ginkgo {
            let started = ginkgo.started();
            let before = sink.failures_seen();
            ginkgo.end(sink);
            self.failures += sink.failures_seen() - before;
            self.running.retain(|_, test| started <= test.suites);
        }
    }

    /// Gives tests without a result the one of their package.
    pub(super) fn unfinished(&mut self, package: &str, outcome: Outcome, sink: &mut Sink) {
        let mut left: Vec<(String, Test)> = self.running.drain().collect();
        left.sort_by(|a, b| a.0.cmp(&b.0));
        let uncounted = std::mem::take(&mut self.uncounted);
        sink.count(Format::GoTestJson, outcome, left.len() as u64 + uncounted);
        if outcome != Outcome::Failed {
            return;
        }
        for (name, test) in left {
            let kind = if self.panic.is_some() { self.kind_of(&name) } else { FailureKind::Interrupted };
            self.fail(package, &name, test, kind, None, sink);
        }
        if self.timeout && self.failures == 0 && self.listed.contains(&self.last_passed) {
            // It had passed when the alarm rang; Go fails the package all the same.
            let name = std::mem::take(&mut self.last_passed);
            sink.withdraw_passed(Format::GoTestJson);
            sink.count(Format::GoTestJson, Outcome::Failed, 1);
            self.fail(package, &name, Test::default(), FailureKind::TimedOut, None, sink);
        }
    }
}
