//! gotestsum: its formats that name tests, its sections at the end, its summary.

use super::{Collect, GoTest};
use crate::evidence::parse::console::Line;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

/// gotestsum: `PASS pkg.TestX (0.00s)`.
static SUM_TEST: Pattern = pattern!(
    r"^\s*(?:::group::|##\[group\])?(PASS|FAIL|SKIP) (\S+?)\.((?:Test|Example|Fuzz|Benchmark)\S*?)( \(re-run \d+\))? \((\d+\.\d+)s\)$"
);
static SUM_LISTED: Pattern = pattern!(
    r"^=== (FAIL|SKIP|PANIC): (\S*)(?: (\S+))?(?: \(re-run \d+\))? +\((?:(\d+\.\d+)s|cached|unknown)\)"
);
static SUM_DONE: Pattern = pattern!(
    r"^DONE (?:(\d+) runs, )?(\d+) tests?(?:, (\d+) skipped)?(?:, (\d+) failures?)?(?:, (\d+) errors?)?(?: in [\d.]+s)?$"
);

impl GoTest {
    /// Lines that only gotestsum writes.
    pub(super) fn sum_line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if text.ends_with("s)")
            && let Some(found) = captures(&SUM_TEST, text)
        {
            self.sum_test(&found, sink);
            return true;
        }
        if let Some(rest) = text.trim_start().strip_prefix("FAIL Package ") {
            self.sum_package(rest, line.number, sink);
            return true;
        }
        if text.starts_with("DONE ")
            && let Some(found) = captures(&SUM_DONE, text)
        {
            let declared = [1, 2, 3, 4, 5].map(|at| number(&found, at));
            self.sum_done(declared, line.number, sink);
            return true;
        }
        if self.summed && text.starts_with("ERROR ending test run because max failures") {
            sink.incomplete(Place::Line(line.number), "the run ended early: so many tests had failed");
            return true;
        }
        // What `go test` itself came to, which gotestsum says after its summary.
        if self.summed
            && let Some(said) = text.strip_prefix("ERROR go test: ")
        {
            sink.fail(broken("go test", FailureKind::Errored, Some(said.to_owned())));
            let said = format!("go test ended with {said}: tests may be missing");
            sink.incomplete(Place::Line(line.number), &said);
            return true;
        }
        false
    }

    /// A test or package in a section at the end.
    pub(super) fn sum_listed(&mut self, text: &str, sink: &Sink) -> bool {
        let listed = ["=== FAIL: ", "=== SKIP: ", "=== PANIC: "].iter().any(|start| text.starts_with(start));
        if listed && let Some(found) = captures(&SUM_LISTED, text) {
            self.sum_section = true;
            let mark = group(&found, 1);
            if mark != "SKIP" && self.sum_failures.len() < sink.limits().failures {
                let (package, test) = (group(&found, 2), group(&found, 3));
                let own = if test.is_empty() { package } else { test };
                self.sum_failures.push(Failure {
                    name: own.to_owned(),
                    suite: Some(package.to_owned()).filter(|package| !package.is_empty()),
                    duration: text::seconds(group(&found, 4)),
                    kind: if test.is_empty() { FailureKind::Errored } else { FailureKind::Failed },
                    ..Failure::default()
                });
                self.collecting = Collect::Listed;
            }
            return true;
        }
        false
    }

    /// A test as gotestsum names it.
    fn sum_test(&mut self, found: &regex::Captures<'_>, sink: &mut Sink) {
        let outcome = match group(found, 1) {
            "PASS" => Outcome::Passed,
            "FAIL" => Outcome::Failed,
            _ => Outcome::Skipped,
        };
        self.collecting = Collect::Nothing;
        self.anything = true;
        self.sum_tests = true;
        let (package, name) = (group(found, 2), group(found, 3));
        let duration = text::seconds(group(found, 5));
        self.last_failed = outcome == Outcome::Failed;
        self.withdraw(name, outcome);
        if !group(found, 4).is_empty() {
            return self.rerun(outcome, name, Some(package), sink);
        }
        if sink.wants_case(outcome, duration) {
            sink.case(name, Some(package), outcome, false, duration);
        }
        sink.count(Format::GoTest, outcome, 1);
        self.since_done.add(outcome, 1);
        if outcome == Outcome::Failed {
            self.flush_failures(sink);
            self.sum_failed_in = package.to_owned();
            let suite = Some(package.to_owned());
            self.failures.push(Failure { name: name.to_owned(), suite, duration, ..Failure::default() });
        }
    }

    /// Takes back the result that Go's own line gave just before gotestsum named it.
    fn withdraw(&mut self, name: &str, outcome: Outcome) {
        let read = match outcome {
            Outcome::Failed if self.failures.last().is_some_and(|failure| failure.name == name) => {
                self.failures.pop();
                &mut self.counts.failed
            }
            Outcome::Passed if self.last_passed.as_ref().is_some_and(|(last, _)| last == name) => {
                self.last_passed = None;
                &mut self.counts.passed
            }
            _ => return,
        };
        if *read > 0 {
            *read -= 1;
            self.counts.total -= 1;
        }
    }

    /// A failing package as gotestsum names it.
    fn sum_package(&mut self, rest: &str, line: u64, sink: &mut Sink) {
        let package = rest.split(' ').next().unwrap_or(rest);
        sink.seen(Format::GoTest);
        self.flush_failures(sink);
        self.last_failed = false;
        if package != self.sum_failed_in {
            let said = "the package failed and none of its tests did".to_owned();
            sink.fail(broken(package, FailureKind::Errored, Some(said)));
            let text = format!("package {package} failed outside of its tests: tests may be missing");
            sink.incomplete(Place::Line(line), &text);
        }
    }

    pub(super) fn flush_failures(&mut self, sink: &mut Sink) {
        for failure in self.failures.drain(..) {
            sink.fail(failure);
        }
    }

    /// The summary of gotestsum: `[runs, tests, skipped, failures, errors]`.
    fn sum_done(&mut self, [runs, tests, skipped, failed, errors]: [u64; 5], line: u64, sink: &mut Sink) {
        self.flush_failures(sink);
        sink.seen(Format::GoTest);
        let listed = std::mem::take(&mut self.sum_failures);
        let known = self.since_done;
        let mut unnamed = false;
        // The summary of a rerun repeats those before it.
        let first = !std::mem::replace(&mut self.summed, true);
        if runs > 1 && first && known.total == 0 {
            sink.warn(Place::Line(line), "the summary counts tests again that were run again");
        }
        if runs > 1 && !first && known.total > 0 {
            // All that ran since the summary before it was run again.
            sink.take_back(Format::GoTest, known, self.failures_then);
            sink.reruns(known.total);
            for name in std::mem::take(&mut self.passed_again) {
                sink.recover(&name, None);
            }
            self.since_done = Counts::default();
        }
        if runs <= 1 || (first && known.total == 0) {
            if tests > known.total {
                // Packages are among its failures, and carry no test's name.
                unnamed = known.failed == 0;
                let of_tests = listed.iter().filter(|f| f.kind == FailureKind::Failed).count() as u64;
                let failed = if listed.is_empty() { failed } else { of_tests }.max(known.failed).min(tests);
                let skipped = skipped.max(known.skipped).min(tests - failed);
                let passed = tests - failed - skipped;
                sink.count(Format::GoTest, Outcome::Failed, failed.saturating_sub(known.failed));
                sink.count(Format::GoTest, Outcome::Skipped, skipped.saturating_sub(known.skipped));
                sink.count(Format::GoTest, Outcome::Passed, passed.saturating_sub(known.passed));
            }
            self.since_done = Counts::default();
        }
        for failure in listed {
            let known = sink.failures_mut().iter_mut().find(|known| {
                let package = failure.kind == FailureKind::Errored && known.name.ends_with(&failure.name);
                (package || known.name == failure.name)
                    && match (known.suite.as_deref(), failure.suite.as_deref()) {
                        (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
                        _ => true,
                    }
            });
            match known {
                Some(known) if known.message.is_none() => {
                    known.message = failure.message.map(|m| text::tidy(&m, text::MESSAGE_CAP));
                    if known.file.is_none() {
                        known.file = failure.file;
                        known.line = failure.line;
                    }
                }
                Some(_) => {}
                None if unnamed || failure.kind == FailureKind::Errored => sink.fail(failure),
                None => {}
            }
        }
        if errors > 0 {
            let said = format!("{errors} errors outside of tests: tests may be missing");
            sink.incomplete(Place::Line(line), &said);
        }
        self.sum_tests = false;
        self.sum_section = false;
        self.collecting = Collect::Nothing;
        self.last_failed = false;
        self.failures_before = sink.failures_seen();
        self.failures_then = self.failures_before;
        self.passed_again.clear();
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&SUM_TEST, &SUM_LISTED, &SUM_DONE]
}
