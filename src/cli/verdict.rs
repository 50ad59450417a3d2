//! The verdict of a report as an exit code. When in doubt it is not a pass.

use super::exit::Exit;
use crate::api::TestRunReport;
use crate::api::conditions::Reason;

/// What a gate says of a report as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    pub exit: Exit,
    pub message: String,
    /// Waiting longer can change it.
    pub open: bool,
}

/// Judges a report: it passes only if `Passed` is True for exactly this generation of the object.
pub(super) fn judge(report: &TestRunReport) -> Gate {
    let gate = |exit, message: String, open| Gate { exit, message, open };
    let generation = report.metadata.generation.unwrap_or_default();
    if report.metadata.deletion_timestamp.is_some() {
        return gate(Exit::Undecided, "the report is being deleted".to_owned(), false);
    }
    let Some(status) = &report.status else {
        return gate(Exit::Undecided, "no operator has looked at the report yet".to_owned(), true);
    };
    let of = |kind: &str| status.conditions.iter().find(|c| c.type_ == kind);
    let Some(passed) = of("Passed") else {
        return gate(Exit::Undecided, "the report has no verdict".to_owned(), true);
    };
    if status.observed_generation != generation || passed.observed_generation != Some(generation) {
        return gate(
            Exit::Undecided,
            format!(
                "the verdict belongs to generation {}, the report is at {generation}",
                status.observed_generation
            ),
            true,
        );
    }
    let message = format!("{}: {}", passed.reason, passed.message);
    let is = |kind: &str, value: &str| {
        of(kind).is_some_and(|c| c.status == value && c.observed_generation == Some(generation))
    };
    match passed.status.as_str() {
        "True" if is("Complete", "True") => gate(Exit::Success, message, false),
        "False" => gate(Exit::Failure, message, !is("Complete", "True")),
        _ if is("Stalled", "True") => gate(Exit::Unreadable, message, false),
        _ if is("SourceAvailable", "False") => gate(Exit::Unreadable, message, true),
        _ => gate(Exit::Undecided, message, passed.reason != Reason::Suspended.as_str()),
    }
}

/// Judges a report, and that it is about this commit.
pub(super) fn judge_commit(report: &TestRunReport, repository: Option<&str>, sha: Option<&str>) -> Gate {
    let gate = judge(report);
    let source = report.status.as_ref().and_then(|s| s.source.as_ref());
    if gate.exit != Exit::Success {
        return gate;
    }
    let other = |what: String| Gate { exit: Exit::Undecided, message: what, open: true };
    if let Some(sha) = sha
        && source.is_none_or(|s| s.sha != sha)
    {
        return other(format!("the report is about commit {}, not {sha}", source.map_or("none", |s| &s.sha)));
    }
    if let Some(repository) = repository
        && source.is_none_or(|s| !s.repository.eq_ignore_ascii_case(repository))
    {
        return other(format!(
            "the report is about {}, not {repository}",
            source.map_or("none", |s| &s.repository)
        ));
    }
    gate
}
