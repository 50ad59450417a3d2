//! `mocha --reporter json`, and the tree that mochawesome writes.
//!
//! Failed hooks are among mocha's failures and not among its tests; they count as failed, as
//! on mocha's console.

use super::Stats;
use super::lax::{Flag, Maybe, Number, Text};
use super::stream::{Into, Object, each, skip, value};
use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink, clean_failure};
use crate::evidence::parse::text;
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, Default)]
pub(super) struct Mocha {
    /// The summary has the three numbers that mocha writes.
    summary: Option<Counts>,
    counts: Counts,
    reruns: u64,
    failures: Vec<Failure>,
    failures_total: u64,
    /// Hooks that failed, with which tests are lost.
    hooks: u64,
    /// What did not run is in none of the lists.
    flat: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Test {
    title: Text,
    full_title: Text,
    file: Text,
    duration: Number,
    current_retry: Number,
    err: Maybe<Problem>,
    /// mochawesome only.
    state: Text,
    pending: Flag,
    skipped: Flag,
    fail: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: Text,
    stack: Text,
    estack: Text,
}

impl Mocha {
    pub(super) fn stats(&mut self, stats: &Stats) {
        if let (Some(passes), Some(pending), Some(failures), Some(_)) =
            (stats.passes, stats.pending, stats.failures, stats.tests)
        {
            let mut counts = Counts::default();
            let get = |number: Number| number.count().unwrap_or(0);
            counts.add(Outcome::Passed, get(passes));
            counts.add(Outcome::Failed, get(failures));
            counts.add(Outcome::Pending, get(pending));
            self.summary = Some(counts);
        }
    }

    /// Reads one of the flat lists.
    pub(super) fn list<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        sink: &mut Sink,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let outcome = match key {
            "passes" => Outcome::Passed,
            "failures" => Outcome::Failed,
            _ => Outcome::Pending,
        };
        self.flat = true;
        map.next_value_seed(each(|test: Test| self.test(test, outcome, None, sink)))
    }

    fn test(&mut self, test: Test, outcome: Outcome, file: Option<&str>, sink: &mut Sink) {
        self.counts.add(outcome, 1);
        let retries = test.current_retry.count().unwrap_or(0).min(1000);
        let flaked = retries > 0 && outcome == Outcome::Passed;
        self.counts.flaked += u64::from(flaked);
        self.reruns += retries;
        let name = test.full_title.some().or_else(|| test.title.some()).unwrap_or_default();
        let suite = name.strip_suffix(test.title.str()).map(|suite| suite.trim().to_owned());
        let duration = test.duration.seconds(1000.0);
        if sink.wants_case(outcome, duration) {
            sink.case(&name, suite.as_deref(), outcome, flaked, duration);
        }
        if outcome != Outcome::Failed {
            return;
        }
        self.failures_total += 1;
        self.hooks += u64::from(text::is_needed_hook(&name));
        if self.failures.len() >= sink.limits().failures {
            return;
        }
        let problem = test.err.0.unwrap_or_default();
        let stack = problem.stack.some().or_else(|| problem.estack.some()).unwrap_or_default();
        let found = text::location(&stack);
        let message = problem.message.some().unwrap_or_else(|| text::headline(&stack));
        let kind = if message.contains("Timeout of ") && message.contains("exceeded") {
            FailureKind::TimedOut
        } else if name.contains("\" hook") {
            FailureKind::Errored
        } else {
            FailureKind::Failed
        };
        self.failures.push(clean_failure(Failure {
            name,
            suite,
            file: test.file.some().or_else(|| file.map(str::to_owned)).or(found.clone().map(|(f, _)| f)),
            line: found.map(|(_, line)| line),
            message: Some(message),
            kind,
            duration,
            ..Failure::default()
        }));
    }

    pub(super) fn close(self, sink: &mut Sink) {
        let Some(summary) = self.summary else {
            return;
        };
        if self.hooks > 0 && self.flat {
            let said =
                format!("{} failed: tests that need it did not run", text::several(self.hooks, "hook"));
            sink.incomplete(Place::File, &said);
        }
        let listed = self.counts.total > 0;
        if listed {
            sink.merge(Format::MochaJson, self.counts);
        } else {
            sink.merge(Format::MochaJson, summary);
            if summary.total > 0 {
                sink.incomplete(Place::File, "the report lists no tests: the counts are its summary");
            }
        }
        sink.reruns(self.reruns);
        let kept = self.failures.len() as u64;
        for failure in self.failures {
            sink.fail(failure);
        }
        sink.more_failures(self.failures_total - kept);
        if listed {
            sink.compare([
                ("results", summary.total, self.counts.total),
                ("failures", summary.failed, self.counts.failed),
            ]);
        }
    }
}

/// A suite of mochawesome's tree.
pub(super) struct Node<'a> {
    mocha: &'a mut Mocha,
    sink: &'a mut Sink,
    file: Option<String>,
}

impl<'a> Node<'a> {
    pub(super) fn new(mocha: &'a mut Mocha, sink: &'a mut Sink) -> Self {
        Self { mocha, sink, file: None }
    }
}

impl Object for Node<'_> {
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "file" | "fullFile" => {
                if let Some(file) = value::<Text, A>(map)?.some() {
                    self.file = Some(text::tidy(&file, text::NAME_CAP));
                }
                Ok(())
            }
            "tests" => {
                let Self { mocha, sink, file } = self;
                map.next_value_seed(each(|test: Test| {
                    let outcome = match test.state.str() {
                        "passed" => Outcome::Passed,
                        "failed" => Outcome::Failed,
                        "pending" => Outcome::Pending,
                        _ if test.pending.0 => Outcome::Pending,
                        // Not reached, because a hook failed before it.
                        _ if test.skipped.0 => Outcome::Skipped,
                        _ => Outcome::Skipped,
                    };
                    mocha.test(test, outcome, file.as_deref(), sink);
                }))
            }
            "beforeHooks" | "afterHooks" => {
                let Self { mocha, sink, file } = self;
                map.next_value_seed(each(|hook: Test| {
                    if hook.fail.0 || hook.state.str() == "failed" {
                        mocha.test(hook, Outcome::Failed, file.as_deref(), sink);
                    }
                }))
            }
            "suites" => {
                let file = self.file.clone();
                let mut inner = Node { mocha: &mut *self.mocha, sink: &mut *self.sink, file };
                map.next_value_seed(Into { into: &mut inner, many: true })
            }
            _ => skip(map),
        }
    }
}
