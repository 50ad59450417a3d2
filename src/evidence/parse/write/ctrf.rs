//! CTRF.

use super::{hidden, kind_word, listed, outside};
use crate::evidence::parse::model::{Outcome, Parsed};
use serde_json::{Map, Value, json};
use std::io::{Error, Result, Write};

/// Writes a result as a CTRF report.
///
/// CTRF has no state for errors: errored tests are failed, with `error` as their raw status.
/// Times of the run are not known and written as 0. Failures that are not tests are in
/// `results.extra`.
pub fn write_ctrf<W: Write>(parsed: &Parsed, mut out: W) -> Result<()> {
    let list = listed(parsed);
    let mut outside: Vec<Value> = outside(parsed, &list)
        .iter()
        .map(|failure| {
            json!({ "name": failure.name, "kind": kind_word(failure.kind), "message": failure.message })
        })
        .collect();
    let more = hidden(parsed).saturating_sub(outside.len() as u64);
    if more > 0 {
        outside.push(json!({ "name": format!("{more} more"), "kind": "error", "message": null }));
    }
    let tests: Vec<Value> = list
        .iter()
        .map(|test| {
            let status = match test.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed | Outcome::Errored => "failed",
                Outcome::Skipped => "skipped",
                Outcome::Pending => "pending",
            };
            let mut value = Map::new();
            value.insert("name".to_owned(), json!(test.name));
            value.insert("status".to_owned(), json!(status));
            let milliseconds = test.duration.map_or(0.0, |seconds| (seconds * 1000.0).round());
            value.insert("duration".to_owned(), json!(milliseconds));
            if let Some(suite) = test.suite {
                value.insert("suite".to_owned(), json!([suite]));
            }
            if test.flaked {
                value.insert("flaky".to_owned(), json!(true));
            }
            if let Some(failure) = test.failure {
                value.insert("rawStatus".to_owned(), json!(kind_word(failure.kind)));
                if let Some(message) = &failure.message {
                    value.insert("message".to_owned(), json!(message));
                }
                if let Some(file) = &failure.file {
                    value.insert("filePath".to_owned(), json!(file));
                }
                if let Some(line) = failure.line {
                    value.insert("line".to_owned(), json!(line));
                }
            }
            Value::Object(value)
        })
        .collect();
    let counts = parsed.tests;
    let report = json!({
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "results": {
            "tool": { "name": parsed.format.name() },
            "summary": {
                "tests": counts.total,
                "passed": counts.passed,
                "failed": counts.bad(),
                "pending": counts.pending,
                "skipped": counts.skipped,
                "other": 0,
                "flaky": counts.flaked,
                "start": 0,
                "stop": 0,
            },
            "tests": tests,
            "extra": {
                "testrun": {
                    "complete": parsed.complete,
                    "notListed": counts.total.saturating_sub(list.len() as u64),
                    "outside": outside,
                },
            },
        },
    });
    serde_json::to_writer_pretty(&mut out, &report).map_err(Error::other)?;
    writeln!(out)
}
