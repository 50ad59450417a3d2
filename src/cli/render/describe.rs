//! One report at length, as `kubectl describe` lays out an object.

use jiff::Timestamp;

use super::bundles::{content, finding};
use super::table::align;
use super::text::{age, bytes, line, stamp, tests};
use crate::api::TestRunReport;
use crate::api::status::TestRunReportStatus;

/// The report for a terminal. `now` is for ages.
pub fn describe(report: &TestRunReport, now: Timestamp) -> String {
    let meta = &report.metadata;
    let github = &report.spec.source.github;
    let mut rows = vec![
        pair("Name:", meta.name.as_deref().unwrap_or("<none>")),
        pair("Namespace:", meta.namespace.as_deref().unwrap_or("<none>")),
        pair("Generation:", &meta.generation.unwrap_or_default().to_string()),
        pair("Repository:", &github.repository),
    ];
    let Some(status) = &report.status else {
        rows.push(pair("Status:", "not looked at yet"));
        return align(&rows);
    };
    if let Some(source) = &status.source {
        rows.push(pair("Commit:", &source.sha));
        if let Some(number) = source.pull_request {
            rows.push(pair("Pull request:", &format!("#{number} {}", source.title.as_deref().unwrap_or(""))));
        }
        if let Some(branch) = &source.branch {
            rows.push(pair("Branch:", branch));
        }
        if let Some(url) = &source.url {
            rows.push(pair("URL:", url));
        }
    }
    rows.push(pair("Phase:", &status.phase));
    if let Some(summary) = &status.summary {
        rows.push(pair("Jobs:", &summary.jobs.display));
        rows.push(pair("Tests:", &summary.tests.display));
        rows.push(pair("Failing:", &summary.failing.to_string()));
    }
    if let Some(assessment) = &status.assessment {
        rows.push(pair("Confidence:", &format!("{} %", assessment.confidence)));
        rows.push(pair("Risk:", &assessment.risk));
    }
    if let Some(recommendation) = &status.recommendation {
        rows.push(pair("Next:", &recommendation.summary));
    }
    let mut out = align(&rows);
    conditions(&mut out, status, now);
    runs(&mut out, status);
    suites(&mut out, status);
    failures(&mut out, status);
    rest(&mut out, status);
    out
}

fn pair(key: &str, value: &str) -> Vec<String> {
    vec![key.to_owned(), line(value)]
}

/// A heading with an indented table.
fn section(out: &mut String, title: &str, rows: &[Vec<String>]) {
    if rows.len() > 1 {
        out.push_str(title);
        out.push('\n');
        for l in align(rows).lines() {
            out.push_str("  ");
            out.push_str(l);
            out.push('\n');
        }
    }
}

fn header(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|n| (*n).to_owned()).collect(), names.iter().map(|n| "-".repeat(n.len())).collect()]
}

fn conditions(out: &mut String, status: &TestRunReportStatus, now: Timestamp) {
    let mut rows = header(&["Type", "Status", "Reason", "Since", "Message"]);
    rows.extend(status.conditions.iter().map(|c| {
        vec![
            line(&c.type_),
            line(&c.status),
            line(&c.reason),
            age(Some(&c.last_transition_time), now),
            line(&c.message),
        ]
    }));
    section(out, "Conditions:", &rows);
}

fn runs(out: &mut String, status: &TestRunReportStatus) {
    let mut rows = header(&["Run", "Attempt", "Workflow", "Event", "Result", ""]);
    rows.extend(status.source.iter().flat_map(|s| &s.runs).map(|r| {
        vec![
            r.id.to_string(),
            r.attempt.to_string(),
            line(&r.workflow),
            line(&r.event),
            line(&r.result),
            line(r.set_aside.as_deref().unwrap_or("")),
        ]
    }));
    if rows.len() > 2 {
        section(out, "Runs:", &rows);
    }
}

fn suites(out: &mut String, status: &TestRunReportStatus) {
    let mut rows = header(&["Suite", "Policy", "State", "Passed", "Tests"]);
    for suite in &status.suites {
        let counts = suite.tests.as_ref().map(tests).unwrap_or_default();
        let passed = format!("{}/{}", suite.passed, suite.total);
        rows.push(vec![line(&suite.name), line(&suite.policy), line(&suite.state), passed, counts]);
        for job in suite.jobs.iter().filter(|j| j.state != "Succeeded") {
            let note = job.note.as_deref().or(job.detail.as_deref()).unwrap_or("");
            rows.push(vec![
                format!("  {}", line(&job.name)),
                String::new(),
                line(&job.state),
                String::new(),
                line(note),
            ]);
        }
    }
    if rows.len() > 2 {
        section(out, "Suites:", &rows);
    }
}

fn failures(out: &mut String, status: &TestRunReportStatus) {
    if status.failures.is_empty() {
        return;
    }
    out.push_str("Failures:\n");
    for failure in &status.failures {
        out.push_str(&format!("  {} ({})\n", line(&failure.job), line(&failure.state)));
        let mut field = |key: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                out.push_str(&format!("    {key:<11}{}\n", line(value)));
            }
        };
        field("URL:", failure.url.as_deref());
        field("Step:", failure.step.as_deref());
        field("Message:", failure.message.as_deref());
        field("CI:", failure.tests.as_ref().map(tests).as_deref());
        field("Local:", failure.local.as_ref().map(|l| l.finding.as_str()));
        for test in &failure.failing_tests {
            let at = match (&test.file, test.line) {
                (Some(file), Some(n)) => format!(" ({file}:{n})"),
                _ => String::new(),
            };
            field("Test:", Some(&format!("{}{at}", test.name)));
        }
        for cause in &failure.causes {
            field("Cause:", Some(&format!("{} {} %", cause.kind, cause.probability)));
            cause.because.iter().for_each(|because| field("", Some(because)));
        }
        field("Artifacts:", Some(&failure.artifacts.join(", ")));
        field("Bundle:", failure.bundle.as_deref().filter(|b| *b != "Recorded"));
    }
}

fn rest(out: &mut String, status: &TestRunReportStatus) {
    let mut rows = header(&["Masked failure", "Kind", "Message"]);
    rows.extend(status.masked_failures.iter().map(|m| vec![line(&m.job), line(&m.kind), line(&m.message)]));
    if rows.len() > 2 {
        section(out, "Green jobs that hide a failure:", &rows);
    }
    let mut rows = header(&["Artifact", "Kind", "Job", "Size", "Expires", "Content"]);
    rows.extend(status.artifacts.iter().map(|a| {
        vec![
            line(&a.name),
            line(&a.kind),
            line(a.job.as_deref().unwrap_or("")),
            bytes(a.size_bytes),
            a.expires_at.as_ref().map(stamp).unwrap_or_default(),
            line(&content(a)),
        ]
    }));
    if rows.len() > 2 {
        section(out, "Artifacts:", &rows);
    }
    for a in &status.artifacts {
        let Some(analysis) = a.analysis.as_ref().filter(|x| !x.findings.is_empty()) else { continue };
        out.push_str(&format!("Findings of {}:\n", line(&a.name)));
        for f in &analysis.findings {
            out.push_str(&format!("  {}\n", line(&finding(f))));
        }
        let more =
            analysis.findings_total.saturating_sub(i64::try_from(analysis.findings.len()).unwrap_or(0));
        if more > 0 {
            out.push_str(&format!("  and {more} more\n"));
        }
    }
    let mut rows = header(&["Time", "Passed", "Reason", "Commit"]);
    rows.extend(
        status
            .transitions
            .iter()
            .map(|t| vec![stamp(&t.time), line(&t.passed), line(&t.reason), line(&t.sha)]),
    );
    if rows.len() > 2 {
        section(out, "Transitions:", &rows);
    }
    if !status.notes.is_empty() {
        out.push_str("Notes:\n");
        for note in &status.notes {
            out.push_str(&format!("  {}\n", line(note)));
        }
    }
}
