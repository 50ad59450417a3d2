//! One suite of Ginkgo as its console tells of it.

use crate::evidence::parse::model::{Counts, Failure, FailureKind, Format, Outcome};
use crate::evidence::parse::sink::Sink;
use crate::evidence::parse::text::{self, Pattern, pattern};

static NODE: Pattern = pattern!(
    r"\[(?:It|BeforeEach|JustBeforeEach|AfterEach|JustAfterEach|BeforeAll|AfterAll|DeferCleanup \((?:Each|All)\)|Measurement)\] "
);

/// A suite that is being read.
#[derive(Debug, Default)]
pub(super) struct Suite {
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) total: Option<u64>,
    /// What the progress marks say, for suites that are cut off.
    pub(super) marks: Counts,
    pub(super) headers: Vec<Failure>,
    pub(super) listed: Vec<Failure>,
    pub(super) listed_total: u64,
    pub(super) said: Vec<Said>,
}

/// A failure's message with where it was said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) name: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) text: String,
}

impl Suite {
    /// Brings the suite with its final counts into the sink: its failures are those that the
    /// list at its end names, with the messages and places that were found before.
    pub(super) fn bring(self, counts: Counts, sink: &mut Sink) {
        sink.merge(Format::Ginkgo, counts);
        let mut failures = self.listed;
        let listed = !failures.is_empty();
        if !listed {
            failures = self.headers.clone();
        }
        let mut said = self.said;
        let mut seen: Vec<(String, Option<String>, Option<u64>)> = Vec::new();
        let mut again = 0u64;
        for mut failure in failures {
            let is_node = failure.name.starts_with('[');
            if is_node {
                // Each parallel process lists the same suite node.
                let key = (failure.name.clone(), failure.file.clone(), failure.line);
                if seen.contains(&key) {
                    again += 1;
                    continue;
                }
                seen.push(key);
                if failure.kind == FailureKind::Failed {
                    failure.kind = FailureKind::Errored;
                }
            }
            let header = self.headers.iter().find(|header| header.name == failure.name);
            if failure.duration.is_none() {
                failure.duration = header.and_then(|header| header.duration);
            }
            let by_name = said.iter().position(|said| said.name.as_deref() == Some(&failure.name));
            let by_place = || {
                said.iter().position(|said| {
                    said.file.is_some() && said.file == failure.file && said.line == failure.line
                })
            };
            if let Some(at) = by_name.or_else(by_place) {
                let found = said.remove(at);
                failure.message = Some(found.text);
                if !listed && found.file.is_some() {
                    failure.file = found.file;
                    failure.line = found.line;
                }
            }
            // The place of a panic is often the runtime's: the spec's own says more.
            if let Some(header) = header
                && failure.file.as_deref().is_none_or(text::is_library)
                && header.file.is_some()
            {
                failure.file = header.file.clone();
                failure.line = header.line;
            }
            failure.suite = Some(self.name.clone()).filter(|name| !name.is_empty());
            sink.fail(failure);
        }
        let shown = self.listed_total.saturating_sub(again);
        sink.more_failures(shown.saturating_sub(sink.limits().failures as u64));
    }
}

pub(super) fn add_marks(counts: &mut Counts, marks: &str) {
    for mark in marks.chars() {
        match mark {
            'S' => counts.add(Outcome::Skipped, 1),
            'P' => counts.add(Outcome::Pending, 1),
            '\u{2022}' => counts.add(Outcome::Passed, 1),
            _ => {
                counts.add(Outcome::Passed, 1);
                counts.flaked += 1;
            }
        }
    }
}

pub(super) fn kind_of(mark: &str) -> FailureKind {
    match mark {
        "PANICKED" | "PANICKED!" | "Panic!" | "Panic" => FailureKind::Panicked,
        "TIMEDOUT" | "Timeout..." | "Timeout" => FailureKind::TimedOut,
        "INTERRUPTED" | "ABORTED" => FailureKind::Interrupted,
        _ => FailureKind::Failed,
    }
}

/// The spec's name without the mark of the node that failed.
pub(super) fn spec_name(text: &str) -> String {
    let text = text.trim();
    match NODE.as_ref() {
        Some(node) => node.replace(text, "").trim().to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&NODE]
}
