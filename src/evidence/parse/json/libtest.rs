//! `cargo test -- --format json` and nextest's `libtest-json`: one event a line.
//!
//! Lines that are no events are what tests printed. A binary that began and never said how it ended was
//! cut short, whatever its tests said.

use crate::evidence::log::{self, LineReader};
use crate::evidence::parse::found::{Found, outside};
use crate::evidence::parse::model::{FailureKind, Format, Outcome};
use crate::evidence::parse::sink::{Place, Sink};
use crate::evidence::parse::text;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::Read;

/// Bytes kept of one line.
const LINE: usize = 512 * 1024;

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(default)]
    test_count: Option<u64>,
    #[serde(default)]
    exec_time: super::lax::Number,
    #[serde(borrow, default)]
    stdout: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Cow<'a, str>,
    #[serde(default)]
    passed: Option<u64>,
    #[serde(default)]
    failed: Option<u64>,
    #[serde(default)]
    ignored: Option<u64>,
    #[serde(default)]
    measured: Option<u64>,
}

/// A binary that is under way.
#[derive(Debug, Default)]
struct Suite {
    announced: Option<u64>,
    started: u64,
    ended: u64,
    bad: u64,
}

/// Whether a file starts with such an event.
pub(in crate::evidence::parse) fn is_start(text: &[u8]) -> bool {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let has = |what: &[u8]| memchr::memmem::find(line, what).is_some();
    line.starts_with(b"{")
        && (has(b"\"type\": \"suite\"") || has(b"\"type\":\"suite\""))
        && (has(b"\"event\": \"started\"") || has(b"\"event\":\"started\""))
}

/// Reads a file of events.
pub(in crate::evidence::parse) fn read<R: Read>(input: R, sink: &mut Sink) {
    sink.seen(Format::LibtestJson);
    let mut lines = LineReader::with_cap(input, LINE);
    let mut suite: Option<Suite> = None;
    let mut last = 0;
    let mut broken: Option<u64> = None;
    // The stream in front of this never fails: see `Bounded`.
    while let Ok(Some(line)) = lines.next_line() {
        last = line.number;
        let text = log::clean(line.raw);
        let text = text.trim();
        if !text.starts_with('{') {
            continue;
        }
        let Ok(event) = serde_json::from_str::<Event<'_>>(text) else {
            // What a test printed may look like this, and have nothing to do with it.
            if text.contains("\"event\"") || text.contains("\"type\"") || line.cut {
                broken = broken.or(Some(line.number));
            }
            continue;
        };
        match (event.kind.as_ref(), event.event.as_ref()) {
            ("suite", "started") => {
                end(suite.take(), line.number, sink);
                suite = Some(Suite { announced: event.test_count, ..Suite::default() });
            }
            ("suite", word) => close(suite.take(), &event, word == "ok", line.number, sink),
            ("test", "started") => {
                if let Some(suite) = &mut suite {
                    suite.started += 1;
                }
            }
            // A test that takes long; how it ended is still to come.
            ("test", "timeout") => {}
            ("test", _) => test(&event, suite.get_or_insert_default(), sink),
            ("bench", _) => {
                suite.get_or_insert_default().ended += 1;
                sink.count(Format::LibtestJson, Outcome::Passed, 1);
            }
            _ => {}
        }
    }
    end(suite, last, sink);
    if let Some(line) = broken {
        sink.incomplete(Place::Line(line), "an event could not be read: a result may be missing");
    }
}

fn test(event: &Event<'_>, suite: &mut Suite, sink: &mut Sink) {
    let outcome = match event.event.as_ref() {
        "ok" => Some(Outcome::Passed),
        "failed" => Some(Outcome::Failed),
        // It failed and may: an excuse is no pass.
        "ignored" | "allowed_failure" => Some(Outcome::Skipped),
        _ => None,
    };
    let said = event.stdout.as_ref();
    let late = event.reason.contains("time limit");
    let panicked =
        said.lines().position(|line| line.contains("' panicked at ") || line.contains(") panicked at "));
    let message = panicked.and_then(|at| said.lines().nth(at + 1)).unwrap_or(&event.message);
    let message = if message.is_empty() { event.reason.as_ref() } else { message };
    let panic = panicked.and_then(|at| said.lines().nth(at)).unwrap_or(said);
    // nextest puts the binary before the name, and after it the number of attempts, if there were several.
    let (group, name) = event.name.split_once('$').unwrap_or(("", &event.name));
    let again = name.rsplit_once('#').filter(|_| !group.is_empty());
    let again = again.and_then(|(name, times)| Some((name, times.parse::<u64>().ok().filter(|n| *n > 1)?)));
    let (name, attempts) = again.unwrap_or((name, 1));
    sink.reruns(attempts.min(1000) - 1);
    let time = event.exec_time.0.filter(|time| time.is_finite() && *time >= 0.0);
    let found = Found {
        name: name.to_owned(),
        suite: Some(group.to_owned()).filter(|group| !group.is_empty()),
        outcome,
        word: event.event.to_string(),
        kind: if late { FailureKind::TimedOut } else { FailureKind::Failed },
        message: message.to_owned(),
        trace: panic.to_owned(),
        duration: time,
        flaked: attempts > 1,
        ..Found::default()
    };
    suite.ended += 1;
    suite.bad += u64::from(found.record(Format::LibtestJson, sink));
}

/// A binary said how it ended.
fn close(suite: Option<Suite>, event: &Event<'_>, ok: bool, line: u64, sink: &mut Sink) {
    let suite = suite.unwrap_or_default();
    let sum = [event.passed, event.failed, event.ignored, event.measured];
    let sum = sum.iter().flatten().copied().fold(0u64, u64::saturating_add).min(text::MOST);
    let announced = suite.announced.unwrap_or(0).min(text::MOST);
    let missing = sum.max(announced).saturating_sub(suite.ended);
    if missing > 0 {
        let said =
            format!("a binary has {} more than it tells the results of", text::several(missing, "test"));
        sink.incomplete(Place::Line(line), &said);
    }
    if suite.bad == 0 && (!ok || event.failed.unwrap_or(0) > 0) {
        outside("a test binary", "it failed, and none of its tests did", "", sink);
    }
}

/// A binary never said how it ended.
fn end(suite: Option<Suite>, line: u64, sink: &mut Sink) {
    let Some(suite) = suite else { return };
    let open = suite.started.saturating_sub(suite.ended);
    let said =
        format!("the events end while a binary is under way, and {} in it", text::several(open, "test"));
    sink.incomplete(Place::Line(line), &said);
}
