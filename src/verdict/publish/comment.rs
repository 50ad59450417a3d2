//! The verdict as one comment on the pull request, which is edited and never repeated.

use sha2::{Digest, Sha256};

use crate::api::conditions::ConditionType;
use crate::api::publish::CommentWhen;
use crate::api::{TestRunReport, TestRunReportStatus};

/// Bytes of a comment; GitHub takes 65536 characters.
const MOST: usize = 60_000;

/// A comment as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// `owner/name`.
    pub repository: String,
    pub pull_request: i64,
    /// What the body begins with, whatever the verdict.
    pub marker: String,
    /// Marker and markdown.
    pub body: String,
    /// Make one where there is none; else only one that is there is edited.
    pub create: bool,
}

/// What `spec.publish.comment` asks for. None where it is not asked for, or there is no pull request.
///
/// `summary` makes the text of a final verdict, in markdown.
pub fn wish(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    summary: impl FnOnce() -> String,
) -> Option<Comment> {
    let asked = report.spec.publish.as_ref()?.comment.as_ref()?;
    let source = status.source.as_ref().filter(|s| !s.sha.is_empty())?;
    let pull_request = source.pull_request?;
    let is = |kind: ConditionType, value: &str| {
        status.conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == value)
    };
    let is_final = is(ConditionType::Complete, "True");
    let (text, create) = if is_final && is(ConditionType::Passed, "True") {
        (summary(), asked.when == CommentWhen::Final)
    } else if is_final && is(ConditionType::Passed, "False") {
        (summary(), true)
    } else {
        // An older verdict must not stand there as if it were this commit's.
        (format!("The verdict on commit {} is not decided yet.\n", source.sha), false)
    };
    let marker = marker(report);
    let body = super::check_run::cut(format!("{marker}\n{text}"), MOST);
    Some(Comment { repository: source.repository.clone(), pull_request, marker, body, create })
}

/// A mark that nobody sees, the same for every report of this namespace and name.
fn marker(report: &TestRunReport) -> String {
    let mut hash = Sha256::new();
    for text in [&report.metadata.namespace, &report.metadata.name] {
        let text = text.as_deref().unwrap_or_default();
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let hex: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("<!-- testrun-operator:{hex} -->")
}
