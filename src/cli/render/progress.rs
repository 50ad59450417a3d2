//! How far reports are: lines for a pipe, a board for a terminal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::table::align;
use super::text::{line, took};
use crate::api::TestRunReport;
use crate::api::status::{JobStatus, TestRunReportStatus};
use crate::verdict::gate::{Gate, Word, judge};

/// Jobs of one report that a board names.
const MAX_NAMED: usize = 3;

/// What is new of a report since it was last shown, a line each: jobs that ended, and the verdict.
pub fn news(before: Option<&TestRunReport>, now: &TestRunReport) -> Vec<String> {
    let name = line(now.metadata.name.as_deref().unwrap_or("-"));
    let status = |r: &TestRunReport| r.status.clone().unwrap_or_default();
    let (old, new) = (before.map(status).unwrap_or_default(), status(now));
    let key = |j: &JobStatus| (j.name.clone(), j.id, j.run_id);
    let known: BTreeMap<_, String> = jobs(&old).map(|j| (key(j), j.state.clone())).collect();
    let mut lines = Vec::new();
    for job in jobs(&new).filter(|j| ended(j)) {
        if known.get(&key(job)) != Some(&job.state) {
            let shown = line(job.display_name.as_deref().unwrap_or(&job.name));
            let seconds = job.seconds.map(|s| format!(", {}", took(s))).unwrap_or_default();
            lines.push(format!("{name}  {shown}: {}{seconds}", line(&job.state)));
        }
    }
    let told = |s: &TestRunReportStatus| (s.phase.clone(), progress(s), short(s));
    let (was, is) = (before.map(judge), judge(now));
    let decided = !is.open && was.is_none_or(|was| was != is);
    if before.is_none() || told(&old) != told(&new) || decided {
        let (phase, progress, sha) = told(&new);
        let phase = if phase.is_empty() { "not looked at yet".to_owned() } else { line(&phase) };
        let parts: Vec<String> =
            [phase, progress, line(&sha)].into_iter().filter(|p| !p.is_empty()).collect();
        let why = if is.open { String::new() } else { format!(": {}", line(&is.message)) };
        lines.push(format!("{name}  {}{why}", parts.join(" ")));
    }
    lines
}

/// All reports that are followed, a line each, for a screen that is drawn anew.
pub fn board(
    all: &[(&TestRunReport, Gate, Option<String>)],
    now: Timestamp,
    width: usize,
    colour: bool,
) -> String {
    // A column that nobody can fill is none.
    let left_of = all.iter().any(|(.., left)| left.is_some());
    let mut header = vec!["NAME", "COMMIT", "PHASE", "JOBS", "FAILING", "TIME"];
    header.extend(left_of.then_some("LEFT"));
    header.push("NOW");
    let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (report, gate, left) in all {
        let status = report.status.clone().unwrap_or_default();
        let failing = status.summary.as_ref().map_or(0, |s| s.failing);
        let mut row = vec![
            line(report.metadata.name.as_deref().unwrap_or("-")),
            line(&short(&status)),
            line(&status.phase),
            status.summary.as_ref().map_or_else(|| "-".to_owned(), |s| line(&s.jobs.display)),
            failing.to_string(),
            time(&status, now).map_or_else(|| "-".to_owned(), took),
        ];
        row.extend(left_of.then(|| left.clone().unwrap_or_else(|| "-".to_owned())));
        row.push(if gate.open { doing(&status) } else { line(&gate.message) });
        rows.push(row);
    }
    let text = align(&rows);
    let mut out = String::with_capacity(text.len() + rows.len() * 10);
    for (i, row) in text.lines().enumerate() {
        let row = cut(row, width);
        let paint = i.checked_sub(1).and_then(|i| all.get(i)).map(|(report, gate, _)| paint(report, gate));
        match paint.filter(|p| colour && !p.is_empty()) {
            Some(paint) => out.push_str(&format!("\u{1b}[{paint}m{row}\u{1b}[0m\n")),
            None => out.push_str(&format!("{row}\n")),
        }
    }
    out
}

/// Green for a pass, red for what is red, even if it is not final; nothing for the rest.
fn paint(report: &TestRunReport, gate: &Gate) -> &'static str {
    let failing = report.status.as_ref().and_then(|s| s.summary.as_ref()).is_some_and(|s| s.failing > 0);
    match gate.word {
        Word::Passed => "32",
        Word::Failed => "31",
        Word::Unreadable => "33",
        Word::Undecided if failing => "31",
        Word::Undecided => "",
    }
}

fn jobs(status: &TestRunReportStatus) -> impl Iterator<Item = &JobStatus> {
    status.suites.iter().flat_map(|s| &s.jobs)
}

fn ended(job: &JobStatus) -> bool {
    !matches!(job.state.as_str(), "Running" | "Missing" | "Unknown" | "ActionRequired")
}

/// What runs, or what is red.
fn doing(status: &TestRunReportStatus) -> String {
    let named = |state: &str| {
        let all: Vec<String> = jobs(status)
            .filter(|j| j.state == state)
            .map(|j| line(j.display_name.as_deref().unwrap_or(&j.name)))
            .collect();
        let more = all.len().saturating_sub(MAX_NAMED);
        let text = all.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{text} and {more} more") } else { text }
    };
    let (failed, running) = (named("Failed"), named("Running"));
    let part = |what: &str, names: String| (!names.is_empty()).then(|| format!("{what}: {names}"));
    let all: Vec<String> = [part("failed", failed), part("running", running)].into_iter().flatten().collect();
    if all.is_empty() { "-".to_owned() } else { all.join("; ") }
}

fn progress(status: &TestRunReportStatus) -> String {
    let Some(summary) = &status.summary else { return String::new() };
    let mut text = format!("{} jobs", line(&summary.jobs.display));
    if summary.failing > 0 {
        text.push_str(&format!(", {} failing", summary.failing));
    }
    text
}

fn short(status: &TestRunReportStatus) -> String {
    status.source.as_ref().map(|s| s.short_sha.clone()).unwrap_or_default()
}

/// From when the commit was first seen to its verdict, or to now.
fn time(status: &TestRunReportStatus, now: Timestamp) -> Option<i64> {
    let begin = status.source.as_ref()?.resolved_at.as_ref()?.0;
    let end = status.completed_at.as_ref().map_or(now, |t| t.0);
    Some(end.duration_since(begin).as_secs().max(0))
}

/// A row that does not go on in the next line, or the board would not be where it was.
fn cut(row: &str, width: usize) -> String {
    if row.width() <= width {
        return row.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in row.chars() {
        used += c.width().unwrap_or(0);
        if used >= width {
            break;
        }
        out.push(c);
    }
    out.push('\u{2026}');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn report(phase: &str, states: &[(&str, &str)]) -> TestRunReport {
        let jobs: Vec<_> = states
            .iter()
            .map(|(name, state)| serde_json::json!({"name": name, "state": state, "seconds": 124}))
            .collect();
        let failing = states.iter().filter(|(_, s)| *s == "Failed").count();
        let display =
            format!("{}/{}", states.iter().filter(|(_, s)| *s == "Succeeded").count(), states.len());
        serde_json::from_value(serde_json::json!({
            "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "pr-20", "generation": 1},
            "spec": {"source": {"github": {"repository": "acme/shop", "pullRequest": 20}}},
            "status": {"observedGeneration": 1, "phase": phase,
                "source": {"repository": "acme/shop", "sha": "a".repeat(40), "shortSha": "aaaaaaaa",
                    "resolvedAt": "2026-01-02T03:00:00Z"},
                "summary": {"jobs": {"display": display, "total": states.len()}, "failing": failing},
                "suites": [{"name": "CI", "jobs": jobs}]}}))
        .unwrap()
    }

    #[test]
    fn a_pipe_hears_once_of_each_job_that_ends() {
        let one = report("Running", &[("unit", "Running"), ("e2e", "Running")]);
        let two = report("Running", &[("unit", "Succeeded"), ("e2e", "Running")]);
        let three = report("Running", &[("unit", "Succeeded"), ("e2e", "Failed")]);
        let first = news(None, &one);
        assert_eq!(first, ["pr-20  Running 0/2 jobs aaaaaaaa"]);
        assert_eq!(
            news(Some(&one), &two),
            ["pr-20  unit: Succeeded, 2m4s", "pr-20  Running 1/2 jobs aaaaaaaa"]
        );
        assert_eq!(
            news(Some(&two), &three),
            ["pr-20  e2e: Failed, 2m4s", "pr-20  Running 1/2 jobs, 1 failing aaaaaaaa"]
        );
        assert!(news(Some(&three), &three).is_empty());
    }

    #[test]
    fn a_board_has_a_line_for_each_report_whatever_its_jobs_are_called() {
        let hostile =
            report("Running", &[("a\nb\u{1b}[2J", "Running"), ("long name ".repeat(30).trim(), "Failed")]);
        let now = "2026-01-02T03:02:04Z".parse().unwrap();
        let left = Some("2m0s to 4m0s".to_owned());
        let estimated = board(&[(&hostile, judge(&hostile), left)], now, 80, false);
        assert!(estimated.contains("LEFT") && estimated.contains("2m0s to 4m0s"), "{estimated}");
        let text = board(&[(&hostile, judge(&hostile), None)], now, 80, false);
        assert!(!text.contains("LEFT"), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|l| l.width() <= 80) && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("2m4s") && text.contains("failed: long name"), "{text}");
        let red = board(&[(&hostile, judge(&hostile), None)], now, 80, true);
        assert_eq!(red.matches("\u{1b}[31m").count(), 1, "{red:?}");
    }
}
