//! Logs of containers, nodes and services: the lines that say what went wrong, one finding for
//! each wording.

use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use jiff::Timestamp;

use super::finding::{Kind, Met, Severity, Sum};
use super::{Analyser, stamp};
use crate::evidence::explain::CauseKind;
use crate::evidence::explain::line::{Tone, Wrong};
use crate::evidence::log::{LineReader, Utf8, clean};

/// Different wordings that are told apart in one file.
const WORDINGS: usize = 1024;

/// Bytes of a line that are looked at for what it depends on, and kept to be shown.
const LOOKED_AT: usize = 4096;

/// How a service that is depended on could not be used.
const FAILURES: &[(&str, Kind, &str)] = &[
    ("no such host", Kind::Network, "name does not resolve"),
    ("name or service not known", Kind::Network, "name does not resolve"),
    ("temporary failure in name resolution", Kind::Network, "name does not resolve"),
    ("could not resolve host", Kind::Network, "name does not resolve"),
    ("unknownhostexception", Kind::Network, "name does not resolve"),
    ("getaddrinfo", Kind::Network, "name does not resolve"),
    ("network is unreachable", Kind::Network, "network is unreachable"),
    ("no route to host", Kind::Network, "no route to host"),
    ("address already in use", Kind::Network, "address already in use"),
    ("connection refused", Kind::Dependency, "connection refused"),
    ("econnrefused", Kind::Dependency, "connection refused"),
    ("connection reset", Kind::Dependency, "connection reset"),
    ("i/o timeout", Kind::Dependency, "i/o timeout"),
    ("read timed out", Kind::Dependency, "read timed out"),
    ("context deadline exceeded", Kind::Dependency, "deadline exceeded"),
    ("deadline exceeded", Kind::Dependency, "deadline exceeded"),
    ("connection timed out", Kind::Dependency, "connection timed out"),
    ("tls handshake timeout", Kind::Dependency, "TLS handshake timeout"),
    ("certificate signed by unknown authority", Kind::Dependency, "certificate not trusted"),
    ("certificate has expired", Kind::Dependency, "certificate expired"),
    ("too many connections", Kind::Dependency, "too many connections"),
    ("too many clients", Kind::Dependency, "too many connections"),
    ("remaining connection slots are reserved", Kind::Dependency, "too many connections"),
    ("the database system is starting up", Kind::Dependency, "database is starting up"),
    ("noauth authentication required", Kind::Dependency, "authentication required"),
    ("password authentication failed", Kind::Dependency, "authentication failed"),
    ("busy loading redis", Kind::Dependency, "cache is loading"),
    ("broken pipe", Kind::Dependency, "broken pipe"),
];

/// What the classes and codes of SQLSTATE mean for a test.
const SQLSTATES: &[(&str, Kind, &str)] = &[
    ("23505", Kind::Conflict, "duplicate key"),
    ("23503", Kind::Conflict, "foreign key"),
    ("23", Kind::Conflict, "constraint violated"),
    ("40001", Kind::Conflict, "serialization failure"),
    ("40P01", Kind::Conflict, "deadlock"),
    ("55P03", Kind::Conflict, "lock not available"),
    ("08", Kind::Dependency, "connection failure"),
    ("28", Kind::Dependency, "authorization failed"),
    ("3D000", Kind::Dependency, "no such database"),
    ("42P01", Kind::Dependency, "no such table"),
    ("53300", Kind::Dependency, "too many connections"),
    ("53100", Kind::Dependency, "disk full"),
    ("53", Kind::Dependency, "insufficient resources"),
    ("57", Kind::Dependency, "operator intervention"),
    ("58", Kind::Dependency, "system error"),
    ("XX", Kind::Dependency, "internal error"),
];

static TABLE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let phrases = FAILURES.iter().map(|(phrase, ..)| *phrase);
    AhoCorasick::builder().ascii_case_insensitive(true).build(phrases).ok()
});

/// Lines of one wording in one file.
#[derive(Debug)]
struct Group {
    tone: Tone,
    count: u64,
    seen: [Option<Timestamp>; 2],
    line: u64,
    raw: Vec<u8>,
    kind: Kind,
    reason: String,
    severity: Severity,
    related: bool,
}

impl Analyser {
    /// Reads a log.
    pub(super) fn log(&mut self, path: &str, object: &str, input: &mut dyn Read) {
        let mut groups: HashMap<u64, Group> = HashMap::new();
        let mut order: Vec<u64> = Vec::new();
        let mut left_out = 0u64;
        let text = match Utf8::new(input) {
            Ok(text) => text,
            Err(error) => return self.unread(path, &error.to_string()),
        };
        let mut lines = LineReader::new(text);
        let mut now = None;
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    self.unread(path, &error.to_string());
                    break;
                }
            };
            let Some(wrong) = self.judge.read(line.raw) else { continue };
            // A line without a time of its own belongs to the one before it.
            now = stamp::of_line(line.raw).or(now);
            let related = self.relates(line.raw, now);
            if let Some(known) = groups.get_mut(&wrong.wording) {
                known.count += 1;
                known.tone = known.tone.max(wrong.tone);
                known.seen[1] = now.or(known.seen[1]);
                if related && !known.related {
                    known.related = true;
                    known.line = line.number;
                    known.raw = head(line.raw);
                }
                continue;
            }
            if groups.len() >= WORDINGS {
                left_out += 1;
                continue;
            }
            let (kind, reason, severity) = judge(line.raw, &wrong);
            order.push(wrong.wording);
            let group = Group {
                tone: wrong.tone,
                count: 1,
                seen: [now, now],
                line: line.number,
                raw: head(line.raw),
                kind,
                reason,
                severity,
                related,
            };
            groups.insert(wrong.wording, group);
        }
        for wording in order {
            let Some(group) = groups.get(&wording) else { continue };
            let met = Met {
                kind: group.kind,
                severity: group.severity,
                object,
                reason: &group.reason,
                count: group.count,
                seen: group.seen,
                file: path,
                line: Some(group.line),
                text: &clean(&group.raw),
                related: group.related,
                wording,
            };
            self.findings.add(&met, Sum::Add);
        }
        if left_out > 0 {
            self.warn(format!("{path}: {left_out} lines of further wordings are not listed"));
        }
    }

    /// Whether a line is of the failing test's time or names one of its objects.
    fn relates(&self, raw: &[u8], time: Option<Timestamp>) -> bool {
        self.in_window(time)
            || (!self.options.subjects.is_empty()
                && self.subjects.in_text(&String::from_utf8_lossy(raw.get(..LOOKED_AT).unwrap_or(raw))))
    }
}

fn head(raw: &[u8]) -> Vec<u8> {
    raw.get(..LOOKED_AT).unwrap_or(raw).to_vec()
}

/// What a line that says something is wrong is about.
fn judge(raw: &[u8], wrong: &Wrong) -> (Kind, String, Severity) {
    let text = raw.get(..LOOKED_AT).unwrap_or(raw);
    let severity = if wrong.tone == Tone::Names { Severity::Warning } else { Severity::Error };
    if wrong.names(CauseKind::OutOfMemory) && killed(text) {
        return (Kind::OomKilled, "out of memory".to_owned(), Severity::Critical);
    }
    if wrong.names(CauseKind::DiskFull) {
        return (Kind::ErrorLine, "no space left".to_owned(), Severity::Critical);
    }
    if let Some((kind, reason)) = sqlstate(text) {
        return (kind, reason, severity);
    }
    if wrong.names(CauseKind::TestIsolation) {
        return (Kind::Conflict, "exists already".to_owned(), severity);
    }
    let found = TABLE.as_ref().and_then(|table| {
        // Of several the one that says more stands first in the table.
        let first = table.find_overlapping_iter(text).map(|hit| hit.pattern().as_usize()).min()?;
        FAILURES.get(first)
    });
    if let Some((_, kind, reason)) = found {
        let refused = *reason == "connection refused";
        let six = refused && [&b"[::1]"[..], b" ::1", b"(::1"].iter().any(|part| has(text, part));
        if six {
            return (Kind::Network, "connection refused on the IPv6 loopback".to_owned(), severity);
        }
        return (*kind, (*reason).to_owned(), severity);
    }
    if wrong.tone == Tone::Crash && wrong.names(CauseKind::Crash) {
        return (Kind::Crash, String::new(), Severity::Error);
    }
    (Kind::ErrorLine, String::new(), severity)
}

fn has(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Whether a line tells that the kernel or the kubelet killed something.
fn killed(text: &[u8]) -> bool {
    [&b"OOMKilled"[..], b"oom-kill:", b"Killed process", b"OOMKilling", b"oom_kill_process"]
        .iter()
        .any(|part| has(text, part))
}

/// The SQLSTATE in a line and what it means.
fn sqlstate(text: &[u8]) -> Option<(Kind, String)> {
    let at = memchr::memmem::find(text, b"SQLSTATE")?;
    let after = text.get(at + 8..)?;
    let start = after.iter().take(4).position(u8::is_ascii_alphanumeric)?;
    let code = after.get(start..start + 5)?;
    let code =
        std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    let (kind, what) = SQLSTATES
        .iter()
        .find(|(known, ..)| code.starts_with(known))
        .map_or((Kind::Dependency, "database error"), |(_, kind, what)| (*kind, *what));
    Some((kind, format!("SQLSTATE {code} {what}")))
}
