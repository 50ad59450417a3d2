//! `history --would-pass`: what a changed spec would have said of past commits.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::ask::{Failure, Source};
use crate::history::{Asked, Commit, MAX_PAST, PastCommit};
use crate::verdict::dry_run::{Kept, Would};

/// What is said of all commits.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trial {
    pub namespace: String,
    /// The newest first.
    pub commits: Vec<Tried>,
    /// What to ask `before` for older ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What is said of one commit: by the reports that there were, and by the spec that is tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tried {
    #[serde(flatten)]
    pub commit: Commit,
    pub would: Would,
}

/// Tries the spec of a file on the commits of its repository.
pub(super) async fn tried(source: &Source, file: &Path, mut asked: Asked) -> Result<Trial, Failure> {
    let report = super::super::source::read(file)?;
    let repository = &report.spec.source.github.repository;
    if !asked.repository.is_empty() && !asked.repository.eq_ignore_ascii_case(repository) {
        return Err(Failure::Usage("--repo names another repository than the file; leave it out".to_owned()));
    }
    asked.repository.clone_from(repository);
    let now = Timestamp::now();
    let judge = |past: PastCommit| {
        let would = match past.facts {
            serde_json::Value::Null => Would::unknown("what decided about this commit was not kept"),
            facts => match Kept::read(facts) {
                Ok(kept) => kept.would(&report.spec, now),
                Err(unknown) => unknown,
            },
        };
        Tried { commit: past.commit, would }
    };
    let mut trial = Trial::default();
    let mut left = asked.limit;
    loop {
        asked.limit = left.clamp(1, MAX_PAST);
        let page = source.past(&mut asked).await?;
        left -= i64::try_from(page.commits.len()).unwrap_or(i64::MAX);
        let empty = page.commits.is_empty();
        trial.namespace = page.namespace;
        trial.commits.extend(page.commits.into_iter().map(judge));
        trial.next.clone_from(&page.next);
        if page.next.is_none() || left <= 0 || empty {
            return Ok(trial);
        }
        asked.before = page.next;
    }
}
