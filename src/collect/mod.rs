//! From GitHub to facts: one look at one commit.
//!
//! What decides is read whole, or the look ends in `Trouble`; what only explains may leave a `Gap`.
//! The list of runs is read again at the end: if it moved, the facts say that they are not confirmed.

mod checks;
mod evidence;
mod expectations;
mod memory;
mod runs;
mod source;

use jiff::Timestamp;

pub use memory::Memory;

use crate::api::{Reason, TestRunReportSpec, TestRunReportStatus};
use crate::github::api::Repo;
use crate::github::{GitHub, Result};
use crate::verdict::facts::{ArtifactFact, Facts, Gap, GapKind, Observations, Trouble};

/// Looks at the commit that the spec names.
pub async fn collect(
    github: &GitHub,
    spec: &TestRunReportSpec,
    _previous: Option<&TestRunReportStatus>,
    memory: &Memory,
) -> Observations {
    match look(github, spec, memory).await {
        Ok(facts) => Observations::Facts(Box::new(facts)),
        Err(trouble) => Observations::Trouble(trouble),
    }
}

async fn look(github: &GitHub, spec: &TestRunReportSpec, memory: &Memory) -> Result<Facts> {
    let named = Repo::new(github, &spec.source.github.repository);
    let resolved = source::resolve(&named, &spec.source.github).await?;
    // A renamed repository answers under its old name; from here on its own name counts.
    let repo = Repo::new(github, &resolved.source.repository);
    let sha = resolved.source.sha.clone();

    let listed = repo.runs_of(&sha).await?;
    let checks::Read { checks, annotated, actions_app } = checks::read(&repo, &sha).await?;
    let mut runs = runs::read(&repo, &resolved.source.repository, &listed, memory).await?;
    let mut gaps = Vec::new();
    let (expectations, baseline_jobs) =
        expectations::read(&repo, &resolved, actions_app, &mut gaps, memory).await?;
    let artifacts = artifacts(&repo, &runs, &mut gaps).await?;
    runs::annotate(&repo, &mut runs, &annotated, &mut gaps, memory).await?;
    evidence::read(&repo, spec, &mut runs, &baseline_jobs, &mut gaps, memory).await;

    let again = repo.runs_of(&sha).await?;
    let read_at = repo.date().or(named.date()).unwrap_or_else(Timestamp::now);
    Ok(Facts {
        confirmed: runs::same(&listed, &again),
        source: resolved.source,
        runs,
        checks,
        expectations,
        artifacts,
        gaps,
        read_at,
    })
}

/// What only explains: a missing permission or a vanished thing is a gap, everything else is trouble.
fn or_gap<T: Default>(result: Result<T>, kind: GapKind, gaps: &mut Vec<Gap>) -> Result<T> {
    match result {
        Ok(value) => Ok(value),
        Err(trouble) if lasting(&trouble) => {
            gaps.push(Gap { kind, message: trouble.message });
            Ok(T::default())
        }
        Err(trouble) => Err(trouble),
    }
}

/// Trouble that trying again does not end.
fn lasting(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::Forbidden | Reason::NotFound)
}

async fn artifacts(
    repo: &Repo<'_>,
    runs: &[crate::verdict::facts::Run],
    gaps: &mut Vec<Gap>,
) -> Result<Vec<ArtifactFact>> {
    let mut out = Vec::new();
    for run in runs {
        let list = or_gap(repo.artifacts(run.id).await, GapKind::Artifacts, gaps)?;
        out.extend(list.into_iter().map(|a| ArtifactFact {
            id: a.id,
            name: a.name,
            run_id: run.id,
            size_bytes: a.size_in_bytes,
            digest: a.digest,
            created_at: a.created_at,
            expires_at: a.expires_at,
            expired: a.expired,
            url: format!("{}/artifacts/{}", run.url, a.id),
            api_url: a.archive_download_url,
            layout: None,
        }));
    }
    Ok(out)
}
