//! The verdict as a check run on GitHub: what should be there, and whether it is.
//!
//! What a check run shows is told from GitHub's own list by its external id, which holds a digest of it. So
//! nothing has to be remembered, and after a crash nothing is written twice.

use sha2::{Digest, Sha256};

use super::{is_own, link};
use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::verdict::facts::{Check, CheckKind, Facts, Observations};
use crate::verdict::text::clean;

/// What external ids of ours begin with.
pub const OURS: &str = "testrun:";
/// Characters of a title.
const TITLE: usize = 200;
/// Bytes of a summary; GitHub takes 65535 characters.
const SUMMARY: usize = 60_000;
/// Annotations: four requests' worth.
const MOST: usize = 200;

/// A check run to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// `owner/name`.
    pub repository: String,
    pub sha: String,
    pub name: String,
    /// Digest of all that is shown.
    pub external_id: String,
    pub details_url: String,
    /// `success` or `failure`; none while the verdict is open.
    pub conclusion: Option<&'static str>,
    pub title: String,
    /// Markdown.
    pub summary: String,
    pub annotations: Vec<Annotation>,
}

/// A remark at a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub path: String,
    pub line: i64,
    pub title: String,
    pub message: String,
}

/// What `spec.publish.checkRun` asks for and GitHub does not show yet.
///
/// `summary` makes the text of a final verdict, in markdown.
pub fn due(
    report: &TestRunReport,
    observations: &Observations,
    status: &TestRunReportStatus,
    state: ConditionStatus,
    summary: impl FnOnce() -> String,
) -> Option<CheckRun> {
    let Observations::Facts(facts) = observations else { return None };
    // What GitHub shows is not known from a partial look.
    if facts.partial {
        return None;
    }
    let name = &report.spec.publish.as_ref()?.check_run.as_ref()?.name;
    let source = status.source.as_ref().filter(|s| s.sha == facts.source.sha && !s.sha.is_empty())?;
    let of = |kind: ConditionType| status.conditions.iter().find(|c| c.type_ == kind.as_str());
    let passed = of(ConditionType::Passed)?;
    let is_final = of(ConditionType::Complete).is_some_and(|c| c.status == "True");
    let conclusion = match state {
        ConditionStatus::True => Some("success"),
        ConditionStatus::False => Some("failure"),
        ConditionStatus::Unknown => None,
    };
    let (title, summary) = match conclusion {
        // Another report on the same commit and name decides.
        Some(_) if passed.status != state.as_str() => {
            let title = "another report under this name has not passed";
            (title.to_owned(), "Each report that is published under a name has to pass.".to_owned())
        }
        Some(_) if is_final => (passed.message.clone(), summary()),
        Some(_) => (passed.message.clone(), "Other jobs still run.".to_owned()),
        None => ("the verdict is not decided".to_owned(), "Jobs run, or are awaited.".to_owned()),
    };
    let annotations =
        if conclusion == Some("failure") && is_final { annotations(status) } else { Vec::new() };
    let mut wanted = CheckRun {
        repository: source.repository.clone(),
        sha: source.sha.clone(),
        name: name.clone(),
        external_id: String::new(),
        details_url: link(source),
        conclusion,
        title: clean(&title, TITLE),
        summary: cut(summary, SUMMARY),
        annotations,
    };
    wanted.external_id = external_id(&wanted);
    let is_there = newest(report, facts).is_some_and(|check| {
        check.external_id.as_ref() == Some(&wanted.external_id)
            && check.conclusion.as_deref() == wanted.conclusion
    });
    (!is_there).then_some(wanted)
}

/// Our check run as GitHub shows it: of several the newest counts.
fn newest<'f>(report: &TestRunReport, facts: &'f Facts) -> Option<&'f Check> {
    let own = |c: &&Check| c.kind == CheckKind::CheckRun && is_own(&report.spec, c);
    facts.checks.iter().filter(own).max_by_key(|c| c.id)
}

/// Failing tests whose place in the repository is known.
fn annotations(status: &TestRunReportStatus) -> Vec<Annotation> {
    let tests = status.failures.iter().flat_map(|f| f.failing_tests.iter().map(move |t| (f, t)));
    let all = tests.filter_map(|(failure, test)| {
        let path = test.file.as_deref().and_then(in_repository)?;
        let job = failure.display_name.as_ref().unwrap_or(&failure.job);
        let message = test.message.as_deref().filter(|m| !m.is_empty()).unwrap_or("failed");
        Some(Annotation {
            path,
            line: test.line.filter(|line| *line > 0).unwrap_or(1),
            title: clean(&format!("{}: {}", job, test.name), 255),
            message: clean(message, 4000),
        })
    });
    all.take(MOST).collect()
}

/// A path below the root of the repository; none where it is elsewhere or nobody knows.
fn in_repository(path: &str) -> Option<String> {
    let path = clean(path.trim_start_matches("./"), 500);
    let odd = path.is_empty()
        || path.starts_with(['/', '~', '<', '('])
        || path.contains(['\\', ':', '\u{fffd}', '\u{2026}'])
        || path.split('/').any(|part| matches!(part, "" | "." | ".."));
    (!odd).then_some(path)
}

/// Markdown of at most so many bytes, and a line that says where the rest is.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // At the end of a line, so that no escape is cut in two.
        let end = text.get(..end).and_then(|t| t.rfind('\n')).unwrap_or(0);
        text.truncate(end);
        text.push_str("\n\nThe rest is in the report.\n");
    }
    text
}

fn external_id(of: &CheckRun) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(of.conclusion.unwrap_or_default());
    for text in [&of.details_url, &of.title, &of.summary] {
        add(text);
    }
    for one in &of.annotations {
        add(&one.path);
        add(&one.line.to_string());
        add(&one.title);
        add(&one.message);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("{OURS}{hex}")
}
