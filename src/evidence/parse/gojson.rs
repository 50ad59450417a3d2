//! `go test -json`: one event a line, in good order or not.
//!
//! Counted is what was run: each test and subtest that has a `run` event or a result. Broken
//! streams are common: a test without a result failed if its package failed, and passed if
//! its package passed; if the package has no end either, the run was cut short. Lines that
//! are not events are skipped. A failing test that is run again after its package ended, as
//! gotestsum does, is a retry: one test, flaked if it passes.
//!
//! The console text inside the events is read for messages and panics only, and for suites of
//! Ginkgo, whose specs are counted in place of the Go test around them.

mod package;

use super::console::ginkgo::Ginkgo;
use super::console::golines::{self, Logged};
use super::model::{Counts, FailureKind, Format, Outcome};
use super::sink::{Place, Sink, broken};
use super::text;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Packages under way at once.
const PACKAGES: usize = 4096;
/// Tests under way in all packages, and the longest name of one.
const RUNNING: usize = 10_000;
const NAME: usize = 1024;
/// While more tests than this are under way in a package, their messages are not kept.
const TALKING: usize = 1000;
/// Failed tests remembered to tell a retry.
const FAILED: usize = 50_000;
/// Suites of Ginkgo read at once.
const SUITES: usize = 32;

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "Action", borrow)]
    action: Cow<'a, str>,
    #[serde(rename = "Package", borrow, default)]
    package: Cow<'a, str>,
    #[serde(rename = "ImportPath", borrow, default)]
    import_path: Cow<'a, str>,
    #[serde(rename = "Test", borrow, default)]
    test: Cow<'a, str>,
    #[serde(rename = "Output", borrow, default)]
    output: Cow<'a, str>,
    #[serde(rename = "Elapsed", default)]
    elapsed: Option<f64>,
    #[serde(rename = "FailedBuild", borrow, default)]
    failed_build: Cow<'a, str>,
}

#[derive(Debug, Default)]
struct Test {
    logged: Option<Logged>,
    collecting: bool,
    suites: u64,
    paused: bool,
    failed_text: bool,
}

#[derive(Debug, Default)]
struct Package {
    running: HashMap<String, Test>,
    uncounted: u64,
    counts: Counts,
    failures: u64,
    panic: Option<String>,
    timeout: bool,
    listed: Vec<String>,
    ginkgo: Option<Box<Ginkgo>>,
    last_passed: String,
    partial: String,
    lines: u64,
    /// It was said to start.
    begun: bool,
    /// Whether this run of the package only tries again what failed in an earlier one; told
    /// by its first test.
    rerun: Option<bool>,
    failed_names: Vec<u64>,
    build_failed: bool,
}

/// The reader of one stream of events.
#[derive(Debug, Default)]
pub(super) struct GoJson {
    packages: HashMap<String, Package>,
    /// Failed tests of packages that ended, for retries, by a hash.
    failed: HashSet<u64>,
    running: usize,
    suites: usize,
    builds: HashMap<String, (Option<Logged>, String)>,
    build_failed: HashSet<String>,
    events: u64,
    broken_lines: u64,
    first_broken: u64,
    full: bool,
}

impl GoJson {
    /// Takes a line; true if it was an event.
    pub(super) fn line(&mut self, line: u64, text: &str, sink: &mut Sink) -> bool {
        let Ok(event) = serde_json::from_str::<Event<'_>>(text) else {
            if text.contains("\"Action\":\"") && text.contains("\"Time\":\"") {
                self.broken_lines += 1;
                self.first_broken = if self.first_broken == 0 { line } else { self.first_broken };
                return true;
            }
            return false;
        };
        if event.package.is_empty() && event.import_path.is_empty() && event.test.is_empty() {
            return false;
        }
        if self.events == 0 {
            sink.seen(Format::GoTestJson);
        }
        self.events += 1;
        self.event(event, line, sink);
        true
    }

    fn event(&mut self, event: Event<'_>, line: u64, sink: &mut Sink) {
        match event.action.as_ref() {
            "build-output" => return self.build_output(&event),
            "build-fail" => return self.build_fail(&event.import_path, line, sink),
            _ => {}
        }
        let name = event.package.as_ref();
        if !self.packages.contains_key(name) {
            if self.packages.len() >= PACKAGES {
                self.full = true;
                return;
            }
            self.packages.insert(name.to_owned(), Package::default());
        }
        let Some(package) = self.packages.get_mut(name) else {
            return;
        };
        let test = event.test.as_ref();
        let (before, had_suite) = (package.running.len(), package.ginkgo.is_some());
        match event.action.as_ref() {
            "start" => package.begun = true,
            "run" if !test.is_empty() => {
                package.start(test, self.running < RUNNING);
                if package.rerun.is_none() {
                    package.rerun = Some(self.failed.contains(&print(name, test)));
                }
            }
            "pause" | "cont" => {
                if let Some(known) = package.running.get_mut(test) {
                    known.paused = event.action == "pause";
                }
            }
            "output" => package.output(test, &event.output, self.suites < SUITES, sink),
            "pass" | "fail" | "skip" if !test.is_empty() => {
                let outcome = match event.action.as_ref() {
                    "pass" => Outcome::Passed,
                    "fail" => Outcome::Failed,
                    _ => Outcome::Skipped,
                };
                let retry = package.rerun.unwrap_or(true) && self.failed.contains(&print(name, test));
                if retry && outcome == Outcome::Passed {
                    self.failed.remove(&print(name, test));
                }
                package.result(name, test, outcome, event.elapsed, retry, sink);
            }
            "pass" | "fail" | "skip" => {
                let failed = event.action == "fail";
                if let Some(package) = self.packages.remove(name) {
                    self.running = self.running.saturating_sub(package.running.len());
                    self.suites = self.suites.saturating_sub(usize::from(had_suite));
                    let build = event.failed_build.as_ref();
                    self.end_package(name, package, failed, build, line, sink);
                }
                return;
            }
            _ => {}
        }
        if let Some(package) = self.packages.get(name) {
            self.running = (self.running + package.running.len()).saturating_sub(before);
            self.suites += usize::from(package.ginkgo.is_some() && !had_suite);
        }
    }

    fn build_output(&mut self, event: &Event<'_>) {
        if self.builds.len() >= 1000 {
            return;
        }
        let known = self.builds.entry(event.import_path.to_string()).or_default();
        let said = event.output.trim_end();
        if said.starts_with('#') {
            return;
        }
        if known.0.is_none() {
            known.0 = golines::compiler(said);
        }
        text::collect(&mut known.1, said);
    }

    fn build_fail(&mut self, import: &str, line: u64, sink: &mut Sink) {
        let package = built_package(import).to_owned();
        if self.build_failed.len() >= 10_000 || !self.build_failed.insert(package.clone()) {
            return;
        }
        let (logged, said) = self.builds.remove(import).unwrap_or_default();
        let mut failure = broken(&package, FailureKind::BuildFailed, Some(said));
        if let Some(logged) = logged {
            failure.file = Some(logged.file);
            failure.line = logged.line;
        }
        sink.fail(failure);
        let said = format!("package {package} was not built: its tests are not counted");
        sink.incomplete(Place::Line(line), &said);
    }

    fn end_package(
        &mut self,
        name: &str,
        mut package: Package,
        failed: bool,
        build: &str,
        line: u64,
        sink: &mut Sink,
    ) {
        package.close_suites(sink);
        let unfinished = if failed { Outcome::Failed } else { Outcome::Passed };
        package.unfinished(name, unfinished, sink);
        for test in std::mem::take(&mut package.failed_names) {
            if self.failed.len() < FAILED {
                self.failed.insert(test);
            }
        }
        if !failed {
            return;
        }
        let built = built_package(build);
        if !build.is_empty() || self.build_failed.contains(name) {
            if !self.build_failed.contains(name) {
                // A dependency did not build; the package is named for it.
                let said = format!("{built} was not built");
                sink.fail(broken(name, FailureKind::BuildFailed, Some(said)));
                if self.build_failed.len() < 10_000 {
                    self.build_failed.insert(name.to_owned());
                }
            }
            if !self.build_failed.contains(name) || built != name {
                let said = format!("package {name} was not built: its tests are not counted");
                sink.incomplete(Place::Line(line), &said);
            }
        } else if package.failures == 0 {
            let kind = match (&package.panic, package.timeout) {
                (Some(_), true) => FailureKind::TimedOut,
                (Some(_), false) => FailureKind::Panicked,
                (None, _) if package.build_failed => FailureKind::BuildFailed,
                (None, _) => FailureKind::Errored,
            };
            let said =
                package.panic.unwrap_or_else(|| "the package failed and none of its tests did".to_owned());
            sink.fail(broken(name, kind, Some(said)));
            let said = format!("package {name} failed outside of its tests: tests may be missing");
            sink.incomplete(Place::Line(line), &said);
        }
    }

    /// The stream ended.
    pub(super) fn end(&mut self, last_line: u64, sink: &mut Sink) {
        let mut open: Vec<(String, Package)> = self.packages.drain().collect();
        open.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, mut package) in open {
            package.close_suites(sink);
            let left = package.running.len() as u64 + package.uncounted;
            let silent = package.lines == 0 && package.partial.is_empty() && !package.begun;
            if left == 0 && package.counts.total == 0 && silent {
                continue;
            }
            let said = if left > 0 {
                format!("the events end while {left} tests of {name} are under way")
            } else {
                format!("the events end before package {name} does")
            };
            sink.incomplete(Place::Line(last_line), &said);
            // Tests that only waited did not run.
            package.running.retain(|_, test| !test.paused);
            let waiting = left.saturating_sub(package.running.len() as u64 + package.uncounted);
            sink.count(Format::GoTestJson, Outcome::Skipped, waiting);
            package.unfinished(&name, Outcome::Failed, sink);
        }
        if self.events.saturating_mul(2) >= last_line && self.events > 0 {
            sink.prefer(Format::GoTestJson);
        }
        if self.broken_lines > 0 {
            let said = format!("{} events could not be read", self.broken_lines);
            sink.incomplete(Place::Line(self.first_broken), &said);
        }
        if self.full {
            sink.incomplete(Place::File, "too many packages at once: not all were counted");
        }
    }
}

/// Stands for a test of a package.
fn print(package: &str, test: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (package, test).hash(&mut hasher);
    hasher.finish()
}

/// The package of an import path as builds name it: `pkg [pkg.test]` or `pkg.test`.
fn built_package(import: &str) -> &str {
    let path = import.split(' ').next().unwrap_or(import);
    path.strip_suffix(".test").unwrap_or(path)
}
