//! The table, with the columns of `kubectl get testrunreports`.

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::text::{age, condition, line};
use crate::api::TestRunReport;
use crate::api::status::Artifact;

/// Which columns are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// Those of `-o wide` too.
    pub wide: bool,
    /// The namespace first, for `--all-namespaces`.
    pub namespace: bool,
    /// No header line.
    pub no_headers: bool,
}

/// One line for each report.
pub fn table(reports: &[TestRunReport], columns: Columns, now: Timestamp) -> String {
    let mut rows = Vec::with_capacity(reports.len() + 1);
    if !columns.no_headers {
        let mut header = Vec::new();
        if columns.namespace {
            header.push("NAMESPACE");
        }
        header.extend(["NAME", "COMMIT", "PHASE", "PASSED", "JOBS", "TESTS", "FAILING", "COMPLETED", "AGE"]);
        if columns.wide {
            header.extend(["REASON", "CONFIDENCE", "RISK", "RECOMMENDATION", "ARTIFACTS", "RUN"]);
        }
        rows.push(header.into_iter().map(str::to_owned).collect());
    }
    rows.extend(reports.iter().map(|r| row(r, columns, now)));
    align(&rows)
}

fn row(report: &TestRunReport, columns: Columns, now: Timestamp) -> Vec<String> {
    let meta = &report.metadata;
    let status = report.status.as_ref();
    let source = status.and_then(|s| s.source.as_ref());
    let summary = status.and_then(|s| s.summary.as_ref());
    let passed = condition(report, "Passed");
    let mut row = Vec::new();
    if columns.namespace {
        row.push(line(meta.namespace.as_deref().unwrap_or_default()));
    }
    row.extend([
        line(meta.name.as_deref().unwrap_or("-")),
        line(source.map_or("", |s| &s.short_sha)),
        line(status.map_or("", |s| &s.phase)),
        line(passed.map_or("", |c| &c.status)),
        line(summary.map_or("", |s| &s.jobs.display)),
        line(summary.map_or("", |s| &s.tests.display)),
        summary.map_or(String::new(), |s| s.failing.to_string()),
        age(status.and_then(|s| s.completed_at.as_ref()), now),
        age(meta.creation_timestamp.as_ref(), now),
    ]);
    if columns.wide {
        let assessment = status.and_then(|s| s.assessment.as_ref());
        let action = status.and_then(|s| s.recommendation.as_ref()).map_or("", |r| &r.action);
        row.extend([
            line(passed.map_or("", |c| &c.reason)),
            assessment.map_or(String::new(), |a| a.confidence.to_string()),
            line(assessment.map_or("", |a| &a.risk)),
            line(action),
            summary.map_or(String::new(), |s| s.artifacts.to_string()),
            line(source.map_or("", |s| &s.runs_display)),
        ]);
    }
    row
}

/// One line for each artifact.
pub fn artifact_table(list: &[&Artifact]) -> String {
    let header = ["NAME", "KIND", "RUN", "JOB", "BYTES", "EXPIRES", "CONTENT"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(list.iter().map(|a| {
        vec![
            line(&a.name),
            line(&a.kind),
            a.run_id.to_string(),
            line(a.job.as_deref().unwrap_or("-")),
            a.size_bytes.to_string(),
            a.expires_at.as_ref().map_or_else(|| "-".to_owned(), super::text::stamp),
            line(&super::bundles::content(a)),
        ]
    }));
    align(&rows)
}

/// Columns three blanks apart, as kubectl prints them.
pub(super) fn align(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (i, cell) in row.iter().enumerate() {
            match widths.get_mut(i) {
                Some(width) => *width = (*width).max(cell.width()),
                None => widths.push(cell.width()),
            }
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 3));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}
