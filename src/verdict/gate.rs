//! What a gate makes of a report as it is stored. When in doubt it is not a pass.

use jiff::Timestamp;

use crate::api::TestRunReport;
use crate::api::conditions::Reason;

/// The answer of a gate in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Passed, at this generation, final.
    Passed,
    /// Something required is red; final or not.
    Failed,
    /// Not decided, or decided about something else.
    Undecided,
    /// What decides cannot be read.
    Unreadable,
}

/// What a gate says of a report as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    pub word: Word,
    pub message: String,
    /// Waiting longer can change it.
    pub open: bool,
}

/// Judges a report: it passes only if `Passed` is True for exactly this generation of the object, and nothing that it
/// excuses had to be excused until a time that is over.
pub fn judge(report: &TestRunReport) -> Gate {
    judge_at(report, Timestamp::now())
}

/// The same at a given time.
pub(crate) fn judge_at(report: &TestRunReport, now: Timestamp) -> Gate {
    let gate = |word, message: String, open| Gate { word, message, open };
    let generation = report.metadata.generation.unwrap_or_default();
    if report.metadata.deletion_timestamp.is_some() {
        return gate(Word::Undecided, "the report is being deleted".to_owned(), false);
    }
    let Some(status) = &report.status else {
        return gate(Word::Undecided, "no operator has looked at the report yet".to_owned(), true);
    };
    let of = |kind: &str| status.conditions.iter().find(|c| c.type_ == kind);
    let Some(passed) = of("Passed") else {
        return gate(Word::Undecided, "the report has no verdict".to_owned(), true);
    };
    if status.observed_generation != generation || passed.observed_generation != Some(generation) {
        return gate(
            Word::Undecided,
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
    // The operator says so too, unless it is away just then.
    let ended = status.waived.iter().find(|w| w.expires_at.0 <= now);
    match passed.status.as_str() {
        "True" if let Some(waived) = ended => {
            let job = super::text::clean(&waived.job, 255);
            gate(
                Word::Undecided,
                format!("the waiver of {job} has ended; waiting for the next verdict"),
                true,
            )
        }
        "True" if is("Complete", "True") => gate(Word::Passed, message, false),
        "False" => gate(Word::Failed, message, !is("Complete", "True")),
        _ if is("Stalled", "True") => gate(Word::Unreadable, message, false),
        _ if is("SourceAvailable", "False") => gate(Word::Unreadable, message, true),
        _ => gate(Word::Undecided, message, passed.reason != Reason::Suspended.as_str()),
    }
}

/// Judges a report, and that it is about this commit: of another one neither a pass nor a failure counts.
pub fn judge_commit(report: &TestRunReport, repository: Option<&str>, sha: Option<&str>) -> Gate {
    let gate = judge(report);
    let source = report.status.as_ref().and_then(|s| s.source.as_ref());
    if !matches!(gate.word, Word::Passed | Word::Failed) {
        return gate;
    }
    let other = |what: String| Gate { word: Word::Undecided, message: what, open: true };
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
