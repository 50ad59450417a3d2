//! The evidence of one job: what its log and its test reports say, put together.
//!
//! # Counts
//!
//! Several summaries in one log add up, and so do several reports. A report that is there twice,
//! byte by byte or written in two formats, counts once. The tests of a log and of reports are
//! mostly the same tests; then they count once:
//!
//! - Reports that cover the log, with at least as many tests and at least as many bad ones, give
//!   the counts: they are made for programs.
//! - A log that has more of both gives the counts: some suites wrote no report.
//! - Where the reports have more tests and the log more failures, or the other way round, or the
//!   failing tests of the two have different names, they are about different tests, and add up. A
//!   failure is never lost to a report that does not know of it.
//!
//! Failing tests follow the same choice. The other source adds what is missing of a test that both
//! name (file, line, message), and what could not be built or failed outside of its tests, which reports do not tell.
//!
//! Durations of passing tests are those of the reports, and of the log where no report tells any.
//!
//! # Causes
//!
//! Nothing is known here of other attempts: timing stays below one half.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::bundle;
use super::explain::{self, Explanation, Options, Reason, excerpt};
use super::fingerprint::Failures;
use super::parse::{self, Counts, Failure, FailureKind, Limits, Parsed, Slowest};
use super::plain;
use crate::api::status::{Cause, ExcerptLine, FailingTest, TestTotals};
use crate::verdict::facts::Evidence;

/// Failing tests that are kept; the true number stands beside them.
pub const FAILING: usize = 200;

/// Limits of the status's fields; see `api::status`.
const EXCERPT: usize = 60;
const TEXT: usize = 512;
const MESSAGE: usize = 1024;
const CAUSES: usize = 8;
const CAUSE_LINES: usize = 8;

/// Blocks of an explanation, and lines that name the cause, that a fingerprint is made from.
const BLOCKS: usize = 4;

/// Names of objects of failing tests that are kept, and characters of each.
const SUBJECTS: usize = 16;
const SUBJECT: usize = 128;

/// Seconds before a failure was told in which it may have happened: the test's own, else these.
const LEAD: f64 = 120.0;
const LEAD_MOST: f64 = 3600.0;
/// How much later its servers may have logged something of it.
const AFTER: SignedDuration = SignedDuration::from_secs(5);

/// Bytes of a line that identify it.
const LINE_BYTES: usize = 8192;

/// Percent that timing gets at most without a pass on retry.
const TIMING: i64 = 50;

/// The end of a log in which a cancellation is looked for, in bytes.
const TAIL: usize = 64 << 10;

/// What a job's log and reports say. `baseline` is a passing log of the same job, `reports` what
/// [`parse::parse_archives`] found in all its test reports. An empty log is none.
pub fn of_job(name: &str, log: &[u8], baseline: Option<&[u8]>, reports: Option<Parsed>) -> Evidence {
    let limits = Limits::default();
    let log = &*super::log::as_utf8(log);
    let console = parse::parse_bytes(name, log, &limits);
    // An archive may hold consoles only; the log has them too, and settles which count.
    let reports = reports.filter(Parsed::understood);
    let told = !log.is_empty() || reports.is_none();
    let interrupted = (told && !console.complete)
        || cancelled(log)
        || reports.as_ref().is_some_and(|report| !report.complete);
    let tests = settle(console, reports);
    let explanation = explain::explain(log, baseline, &Options::default());
    let excerpt = excerpt(log, &explanation, EXCERPT);
    let excerpt: Vec<ExcerptLine> = excerpt
        .into_iter()
        .map(|line| ExcerptLine { line: int(line.line), text: plain::line(&line.text, TEXT) })
        .filter(|line| !line.text.is_empty())
        .collect();
    let failures = identity(&tests.failing, &explanation, log);
    let focus = focus(&tests.failing, &explanation, log);
    Evidence {
        tests: tests.counts,
        interrupted,
        failing_total: tests.failing_total,
        failing: tests.failing.iter().take(FAILING).map(failing_test).collect(),
        excerpt,
        causes: explanation.causes.iter().take(CAUSES).map(cause).collect(),
        fingerprint: failures.fingerprint(),
        signature: failures.signature(),
        values: failures.values(),
        baseline: baseline.is_some(),
        window: focus.window,
        subjects: focus.subjects,
        slowest: tests.slowest.as_slice().to_vec(),
    }
}

/// Counts and failing tests of a job.
struct Tests {
    counts: Option<TestTotals>,
    failing: Vec<Failure>,
    failing_total: i64,
    slowest: Slowest,
}

/// Puts a log and its reports together; see the module's documentation.
fn settle(console: Parsed, reports: Option<Parsed>) -> Tests {
    let Some(mut reports) = reports else { return tests(console) };
    // One name for each test, by whoever tells more exactly.
    if reports.slowest.is_empty() {
        reports.slowest = console.slowest.clone();
    }
    let slowest = reports.slowest.clone();
    Tests { slowest, ..both(console, reports) }
}

fn both(console: Parsed, reports: Parsed) -> Tests {
    if !console.understood() {
        return tests(reports);
    }
    let covers = |a: &Counts, b: &Counts| a.total >= b.total && a.bad() >= b.bad();
    let apart = distinct(&console, &reports) && console.tests != reports.tests;
    if covers(&reports.tests, &console.tests) && !apart {
        tests(complement(reports, console))
    } else if covers(&console.tests, &reports.tests) && !apart {
        tests(complement(console, reports))
    } else {
        tests(add(reports, console))
    }
}

fn tests(parsed: Parsed) -> Tests {
    let known = parsed.understood() && (parsed.tests.total > 0 || parsed.complete);
    Tests {
        counts: known.then(|| totals(&parsed.tests)),
        failing_total: int(parsed.failures_total.max(parsed.failures.len() as u64)),
        failing: parsed.failures,
        slowest: parsed.slowest,
    }
}

/// Whether both have failing tests, in full, and not one of them is the same.
fn distinct(a: &Parsed, b: &Parsed) -> bool {
    let whole = |parsed: &Parsed| parsed.failures_total == parsed.failures.len() as u64;
    !a.failures.is_empty()
        && !b.failures.is_empty()
        && whole(a)
        && whole(b)
        && a.tests.bad() != b.tests.bad()
        && {
            let (a, b) = (keys(a), keys(b));
            !a.iter().any(|one| b.iter().any(|other| same(one, other)))
        }
}

/// The names of all failures, as [`same`] compares them; made once, since lists are long.
fn keys(parsed: &Parsed) -> Vec<String> {
    parsed.failures.iter().map(|failure| key(&failure.name)).collect()
}

/// Whether two keys are of the same test: tools put more or less of the path before a name.
fn same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    !short.is_empty() && (short == long || (short.len() >= 6 && long.contains(short)))
}

/// Letters and digits of a name.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Adds to `main` what `other` knows more about the same tests.
fn complement(mut main: Parsed, other: Parsed) -> Parsed {
    let names = keys(&main);
    // A binary that died or a suite that failed by itself is no test that reports could name.
    let outside = other.failures_total > other.tests.bad();
    for extra in other.failures {
        let wanted = key(&extra.name);
        // The whole name wins over one that only contains it.
        let at = names.iter().position(|name| *name == wanted);
        let at = at.or_else(|| names.iter().position(|name| same(name, &wanted)));
        match at.and_then(|at| main.failures.get_mut(at)) {
            Some(known) => {
                if known.file.is_none() || (known.line.is_none() && extra.line.is_some()) {
                    (known.file, known.line) = (extra.file, extra.line);
                }
                known.message = known.message.take().or(extra.message);
            }
            None if extra.kind == FailureKind::BuildFailed
                || outside && matches!(extra.kind, FailureKind::Errored | FailureKind::Panicked) =>
            {
                main.failures_total = main.failures_total.saturating_add(1);
                main.failures.push(extra);
            }
            None => {}
        }
    }
    main
}

/// Two sources about different tests.
fn add(mut main: Parsed, other: Parsed) -> Parsed {
    main.tests.merge(other.tests);
    main.failures_total = main.failures_total.saturating_add(other.failures_total);
    for extra in other.failures {
        if main.failures.iter().any(|known| known.name == extra.name && known.suite == extra.suite) {
            main.failures_total = main.failures_total.saturating_sub(1);
        } else {
            main.failures.push(extra);
        }
    }
    main
}

fn totals(counts: &Counts) -> TestTotals {
    TestTotals {
        total: int(counts.total),
        passed: int(counts.passed),
        failed: int(counts.failed),
        errored: int(counts.errored),
        skipped: int(counts.skipped),
        pending: int(counts.pending),
        flaked: int(counts.flaked),
    }
}

fn failing_test(failure: &Failure) -> FailingTest {
    let text = |text: &Option<String>, cap| {
        text.as_deref().map(|text| plain::line(text.trim(), cap)).filter(|text| !text.is_empty())
    };
    let file = failure.file.as_deref().map(|file| workspace(file).to_owned());
    let name = plain::line(failure.name.trim(), TEXT);
    FailingTest {
        name: if name.is_empty() { "(unnamed)".to_owned() } else { name },
        file: text(&file, TEXT),
        line: failure.line.map(int),
        message: text(&failure.message, MESSAGE),
    }
}

/// A path below the checkout of a runner: `/home/runner/work/repo/repo/a.go` is `a.go`.
fn workspace(path: &str) -> &str {
    let below = |start: &str, folders: usize| {
        let rest = path.split_once(start)?.1;
        rest.splitn(folders + 1, ['/', '\\']).nth(folders).filter(|rest| !rest.is_empty())
    };
    below("/home/runner/work/", 2)
        .or_else(|| below("/Users/runner/work/", 2))
        .or_else(|| below("/__w/", 2))
        .or_else(|| below("D:\\a\\", 2))
        .or_else(|| below("D:/a/", 2))
        .unwrap_or(path)
}

fn cause(cause: &explain::Cause) -> Cause {
    let percent = (cause.probability * 100.0).round().clamp(0.0, 100.0) as i64;
    let timing = cause.cause == explain::CauseKind::Timeout;
    Cause {
        kind: cause.cause.as_str().to_owned(),
        probability: if timing { percent.min(TIMING) } else { percent },
        evidence: cause.evidence.iter().take(CAUSE_LINES).copied().map(int).collect(),
        because: Vec::new(),
    }
}

/// What identifies the failure: its failing tests, or else the lines that say why.
fn identity(failing: &[Failure], explanation: &Explanation, log: &[u8]) -> Failures {
    let mut failures = Failures::default();
    for failure in failing {
        failures.test(&failure.name, failure.message.as_deref());
    }
    if !failing.is_empty() {
        return failures;
    }
    // Lines that nothing marks, or that a passing log has too, identify nothing.
    let blocks: Vec<&explain::Block> = explanation
        .lines
        .iter()
        .filter(|block| {
            !matches!(block.reason, Reason::AlsoInBaseline | Reason::BeforeExit | Reason::LogEnds)
        })
        .collect();
    let shown = |line: &u64| blocks.iter().any(|block| (block.start..=block.end).contains(line));
    // A line that names the cause says more than the heading above it.
    let telling = explanation.causes.iter().find(|cause| cause.cause != explain::CauseKind::Unknown);
    let telling = telling.map(|cause| cause.evidence.as_slice()).unwrap_or_default();
    let telling = telling.iter().copied().filter(shown).take(BLOCKS);
    let keys = blocks.iter().filter_map(|block| block.key.first().copied()).take(BLOCKS);
    let wanted: Vec<u64> = telling.chain(keys).collect();
    let last = wanted.iter().max().copied().unwrap_or_default();
    let mut texts: BTreeMap<u64, String> = BTreeMap::new();
    for line in super::log::lines(log).take_while(|line| line.number <= last) {
        if wanted.contains(&line.number) {
            let text = super::log::clean(line.raw.get(..LINE_BYTES).unwrap_or(line.raw));
            texts.insert(line.number, text.into_owned());
        }
    }
    wanted.iter().filter_map(|number| texts.get(number)).for_each(|text| failures.line(text));
    failures
}

/// When the failing tests ran and what their objects are called, to find them in bundles.
fn focus(failing: &[Failure], explanation: &Explanation, log: &[u8]) -> bundle::Options {
    let mut subjects: Vec<String> = Vec::new();
    let mut read = |text: &str| {
        for name in explain::line::found(text) {
            if subjects.len() < SUBJECTS && !subjects.iter().any(|known| known == name) {
                subjects.push(plain::line(name, SUBJECT));
            }
        }
    };
    for failure in failing.iter().take(FAILING) {
        read(&failure.name);
        read(failure.message.as_deref().unwrap_or_default());
    }
    let lead = failing.iter().filter_map(|failure| failure.duration).fold(0.0, f64::max);
    let lead = if lead > 0.0 { lead.min(LEAD_MOST) } else { LEAD };
    let of_test = |block: &&explain::Block| {
        matches!(
            block.reason,
            Reason::FailingTest { .. } | Reason::ErrorMarker { .. } | Reason::StackTrace { .. }
        )
    };
    let starts: Vec<u64> = explanation.lines.iter().filter(of_test).take(BLOCKS).map(|b| b.start).collect();
    let last = starts.iter().max().copied().unwrap_or_default();
    let mut times: Vec<Timestamp> = Vec::new();
    for line in super::log::lines(log).take_while(|line| line.number <= last) {
        if starts.contains(&line.number) {
            times.extend(
                super::log::split_envelope(line.raw).0.and_then(|stamp| stamp.parse::<Timestamp>().ok()),
            );
        }
    }
    let before = |at: Timestamp| at.checked_sub(SignedDuration::try_from_secs_f64(lead).ok()?).ok();
    let window = times
        .iter()
        .min()
        .zip(times.iter().max())
        .and_then(|(first, last)| Some((before(*first)?, last.checked_add(AFTER).ok()?)));
    bundle::Options { window, subjects }
}

/// Whether the log ends because somebody, or a time limit, ended the job.
fn cancelled(log: &[u8]) -> bool {
    let tail = log.get(log.len().saturating_sub(TAIL)..).unwrap_or(log);
    memchr::memmem::find(tail, b"##[error]The operation was canceled").is_some()
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
