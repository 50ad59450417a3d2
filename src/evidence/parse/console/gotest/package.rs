//! The end of a Go package: what its tests that have no result came to.

use super::{Collect, GoTest, Panic, Started, put};
use crate::evidence::parse::console::ginkgo::Ginkgo;
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, broken};

/// Tests around suites of Ginkgo that are remembered in a package.
const WRAPPERS: usize = 100;

impl GoTest {
    /// A package ended.
    pub(super) fn package(
        &mut self,
        failed: bool,
        name: &str,
        note: &str,
        line: u64,
        ginkgo: &Ginkgo,
        sink: &mut Sink,
    ) {
        self.compiling = None;
        self.sum_section = false;
        let built = !note.contains("build failed") && !note.contains("setup failed");
        let silent = self.counts.total == 0 && self.started.is_empty();
        if !failed {
            if silent && !note.contains("no test") && !self.verbose {
                self.silent_packages += 1;
            }
            // What has no result of its own passed with its package.
            self.drop_wrappers(ginkgo);
            let unfinished = self.started.len() as u64 + self.uncounted;
            self.counts.add(Outcome::Passed, unfinished);
            return self.flush(Some(name), sink);
        }
        let panic = self.panic.take();
        self.drop_wrappers(ginkgo);
        self.unfinished(panic.as_ref(), sink);
        let explained =
            self.counts.bad() > 0 || !self.failures.is_empty() || sink.failures_seen() > self.failures_before;
        if !built {
            let said = self.compiler.remove(name);
            let mut failure =
                broken(name, FailureKind::BuildFailed, Some(note.trim_matches(['[', ']']).to_owned()));
            if let Some(said) = said {
                put(&mut failure, said);
            }
            self.fail(failure, sink);
            sink.seen(Format::GoTest);
            let text = format!("package {name} was not built: its tests are not counted");
            sink.incomplete(Place::Line(line), &text);
        } else if !explained {
            let kind = match &panic {
                Some(panic) if panic.timeout => FailureKind::TimedOut,
                Some(_) => FailureKind::Panicked,
                None => FailureKind::Errored,
            };
            let said = panic.map_or("the package failed and none of its tests did".to_owned(), |p| p.text);
            self.fail(broken(name, kind, Some(said)), sink);
            let text = format!("package {name} failed outside of its tests: tests may be missing");
            sink.incomplete(Place::Line(line), &text);
        }
        self.flush(Some(name), sink);
    }

    /// A test around a suite of Ginkgo is counted by the suite, whole or not.
    pub(super) fn drop_wrappers(&mut self, ginkgo: &Ginkgo) {
        let wraps = |started: &Started| ginkgo.started() > started.suites;
        let names = self.started.iter().filter(|(_, started)| wraps(started)).map(|(name, _)| name.clone());
        self.wrappers.extend(names.take(WRAPPERS));
        self.started.retain(|_, started| !wraps(started));
    }

    /// Tests that were started and never ended, in a package that failed or a log that ended.
    pub(super) fn unfinished(&mut self, panic: Option<&Panic>, sink: &Sink) {
        let listed = panic.map(|panic| panic.listed.clone()).unwrap_or_default();
        let mut names: Vec<(String, Started)> = self.started.drain().collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        let kind = match panic {
            Some(panic) if panic.timeout => FailureKind::Interrupted,
            Some(_) => FailureKind::Panicked,
            None => FailureKind::Interrupted,
        };
        for (name, started) in names {
            let mut failure = Failure { kind, ..Failure::default() };
            // Before Go 1.20 a timeout does not list what it met.
            let met = listed.contains(&name) || listed.is_empty();
            if met && panic.is_some_and(|panic| panic.timeout) {
                failure.kind = FailureKind::TimedOut;
            }
            failure.name = name;
            if let Some(logged) = started.logged {
                put(&mut failure, logged);
            }
            if let Some(panic) = panic {
                failure.message = Some(panic.text.clone());
            }
            self.counts.add(Outcome::Failed, 1);
            self.fail(failure, sink);
        }
        self.counts.add(Outcome::Failed, std::mem::take(&mut self.uncounted));
        let Some(panic) = panic else { return };
        for name in listed {
            if self.failures.iter().any(|failure| failure.name == name) {
                continue;
            }
            let message = Some(panic.text.clone());
            let failure = Failure { kind: FailureKind::TimedOut, message, ..Failure::default() };
            if self.wrappers.contains(&name) {
                self.fail(Failure { name, ..failure }, sink);
                continue;
            }
            // It had passed when the alarm rang; Go fails the package all the same.
            let passed = self.last_passed.as_ref().is_some_and(|(last, _)| *last == name);
            if passed && self.counts.passed > 0 {
                self.counts.passed -= 1;
                self.counts.total -= 1;
            }
            self.counts.add(Outcome::Failed, 1);
            self.fail(Failure { name, ..failure }, sink);
        }
        if !panic.timeout
            && let Some(failure) = self.failures.last_mut()
            && failure.kind == FailureKind::Failed
        {
            // The panic follows the result of the test that it ended.
            failure.kind = FailureKind::Panicked;
            failure.message.get_or_insert_with(|| panic.text.clone());
        }
    }

    /// Brings a package's results into the sink.
    pub(super) fn flush(&mut self, package: Option<&str>, sink: &mut Sink) {
        sink.merge(Format::GoTest, self.counts);
        self.since_done.merge(self.counts);
        self.anything = true;
        for mut failure in self.failures.drain(..) {
            failure.suite = failure.suite.or_else(|| package.map(str::to_owned));
            sink.fail(failure);
        }
        sink.more_failures(self.failures_left);
        self.counts = Counts::default();
        self.failures_left = 0;
        self.started.clear();
        self.uncounted = 0;
        self.announced = false;
        self.wrappers.clear();
        self.current = None;
        self.last_failed = false;
        self.last_passed = None;
        self.panic = None;
        self.collecting = Collect::Nothing;
        self.closed = true;
        self.failures_before = sink.failures_seen();
    }
}
