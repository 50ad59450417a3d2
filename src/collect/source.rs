//! Which commit the report is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::Reason;
use crate::api::spec::GitHubSource;
use crate::github::api::Repo;
use crate::github::{Ask, Result, queued, wire};
use crate::verdict::facts::{SourceFacts, Trouble};

/// The commit, and what is known of where it wants to go.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub source: SourceFacts,
    /// Branch whose rules and green commits say what must be there.
    pub expects_of: String,
    /// Event that its workflows run for, where that is another than a push.
    pub event: Option<&'static str>,
    /// Id of the repository of whoever wrote a pull request from a fork; none where that was deleted.
    pub author: Option<i64>,
    /// Why it is not known where the commit wants to go.
    pub unknown: Option<String>,
}

/// Event of workflows that run for pull requests.
const PULL: &str = "pull_request";
/// Event of workflows that run for a merge queue.
const QUEUE: &str = "merge_group";

/// Resolves the source of a spec. With `shares` the list of open pull requests, which all reports of a
/// repository need, stands in for what only this one would ask for.
pub(super) async fn resolve(repo: &Repo<'_>, spec: &GitHubSource, shares: bool) -> Result<Resolved> {
    if let Some(number) = spec.pull_request {
        let listed = if shares { repo.listed_pull(number).await? } else { None };
        let pull = match listed {
            Some(pull) => pull,
            None => repo.pull(number).await?,
        };
        let repository = match &pull.base.repo {
            Some(repository) if !repository.full_name.is_empty() => repository.clone(),
            _ => repo.repository().await?,
        };
        return of_pull(repository, pull);
    }
    let repository = repo.repository().await?;
    if let Some(branch) = &spec.branch {
        let found = repo.branch(branch).await?;
        let sha = full(&found.commit.sha, "the branch's commit")?;
        // A branch that was renamed is answered under its new name, which has the rules and the runs.
        let named = found.name.as_str();
        return Ok(Resolved {
            source: SourceFacts {
                branch: Some(branch.clone()),
                url: found.commit.html_url,
                sha,
                repository_id: Some(repository.id),
                repository: repository.full_name,
                ..Default::default()
            },
            expects_of: queued_for(named).unwrap_or(named).to_owned(),
            event: queued_for(named).map(|_| QUEUE),
            author: None,
            unknown: None,
        });
    }
    let (sha, branch) = match (&spec.sha, spec.run_id) {
        // Its runs show that the commit is there, and are read anyway.
        (Some(sha), _) if repo.runs_of(sha).await?.iter().any(|r| r.head_sha == *sha) => {
            (full(sha, "the commit")?, None)
        }
        (Some(sha), _) => {
            let commit = repo.commit(sha).await?;
            if !commit.sha.eq_ignore_ascii_case(sha) {
                return Err(trouble(format!(
                    "GitHub answers commit {} when asked for {sha}; spec.source.github.sha must be a full commit id",
                    crate::verdict::text::clean(&commit.sha, 64)
                )));
            }
            (full(&commit.sha, "the commit")?, None)
        }
        (None, Some(id)) => {
            let run = repo.run(id).await?;
            if !run.repository.full_name.eq_ignore_ascii_case(&repository.full_name) {
                return Err(Trouble {
                    reason: Reason::NotFound,
                    message: format!(
                        "workflow run {id} belongs to another repository than {}",
                        repository.full_name
                    ),
                    retry_at: None,
                });
            }
            (full(&run.head_sha, "the run's commit")?, run.head_branch)
        }
        (None, None) => return Err(trouble("spec.source.github names no commit".to_owned())),
    };
    let open = if shares { repo.all_open_pulls().await? } else { None };
    let is = |p: &&wire::Pull| p.state == "open" && p.head.sha == sha;
    let mut unknown = None;
    let pulls: Vec<wire::Pull> = match open {
        Some(all) => all.iter().filter(is).cloned().collect(),
        None => match repo.pulls_of(&sha).await {
            Ok(all) => all.iter().filter(is).cloned().collect(),
            // A branch that it is to be merged into may require more than the default one.
            Err(trouble) if trouble.reason == Reason::Forbidden => {
                unknown = Some(trouble.message);
                Vec::new()
            }
            Err(trouble) if super::lasting(&trouble) => Vec::new(),
            Err(trouble) => return Err(trouble),
        },
    };
    let of_fork = |p: &&wire::Pull| p.head.repo.as_ref().is_none_or(|r| r.id != repository.id);
    let (foreign, own): (Vec<_>, Vec<_>) = pulls.iter().partition(of_fork);
    let runs = repo.runs_of(&sha).await?;
    let of_event = |event: &'static str| runs.iter().filter(move |r| r.event == event);
    let pushed = of_event("push").any(|r| r.head_sha == sha);
    let pushed_to = |branch: Option<&String>| {
        of_event("push").filter(|r| r.head_sha == sha).all(|r| r.head_branch.as_ref() == branch)
    };
    match (own.as_slice(), foreign.as_slice()) {
        // A commit of exactly one open pull request goes where that goes. If it was pushed to another branch too, it is
        // no matter of that pull request alone, which anybody may open who may push a branch.
        ([pull], _) if pushed_to(Some(&pull.head.name)) => return of_pull(repository, (*pull).clone()),
        ([pull], _) => {
            let expects_of = repository.default_branch.clone();
            return Ok(Resolved { expects_of, ..of_pull(repository, (*pull).clone())? });
        }
        // Whoever has a fork may ask to have any commit of the repository merged into any of its branches, and so has
        // no say about what must be there.
        ([], [pull]) if !pushed => {
            let expects_of = repository.default_branch.clone();
            return Ok(Resolved { expects_of, ..of_pull(repository, (*pull).clone())? });
        }
        _ => {}
    }
    let queued: BTreeSet<&str> = of_event(QUEUE)
        .filter(|r| r.head_sha == sha)
        .filter_map(|r| queued_for(r.head_branch.as_deref()?))
        .collect();
    let (expects_of, event) = match queued.first() {
        _ if !own.is_empty() => (None, Some(PULL)),
        // What was pushed has the runs of a push, whatever else it has.
        _ if pushed => (None, None),
        _ if !foreign.is_empty() => (None, Some(PULL)),
        Some(base) if queued.len() == 1 => (Some((*base).to_owned()), Some(QUEUE)),
        _ => (None, None),
    };
    Ok(Resolved {
        expects_of: expects_of.unwrap_or_else(|| repository.default_branch.clone()),
        event,
        author: None,
        unknown,
        source: SourceFacts {
            url: Some(commit_url(&sha, &repository)),
            sha,
            branch,
            repository_id: Some(repository.id),
            repository: repository.full_name,
            ..Default::default()
        },
    })
}

/// The branch that a merge queue merges into, by the name of the branch that it makes for that.
fn queued_for(branch: &str) -> Option<&str> {
    queued(branch).map(|(base, _)| base)
}

/// The commit of a spec by what all reports of a repository share; None where that does not tell.
/// `shared` is how old the repository's own description may be.
pub(super) async fn glance(repo: &Repo<'_>, spec: &GitHubSource, shared: Ask) -> Result<Option<SourceFacts>> {
    let sha = match (&spec.sha, &spec.branch, spec.pull_request) {
        (Some(sha), ..) => sha.clone(),
        (_, Some(branch), _) => repo.branch(branch).await?.commit.sha,
        (.., Some(number)) => {
            let find = |open: Arc<Vec<wire::Pull>>| open.iter().find(|p| p.number == number).cloned();
            let mut pull = find(repo.open_pulls().await?);
            if pull.is_none() {
                // It may be newer than the list that others asked for.
                pull = find(repo.asking(Ask::now(shared.priority)).open_pulls().await?);
            }
            let Some(pull) = pull else { return Ok(None) };
            let repository = repo.asking(shared).repository().await?;
            return of_pull(repository, pull).map(|r| Some(r.source));
        }
        _ => return Ok(None),
    };
    let repository = repo.asking(shared).repository().await?;
    Ok(Some(SourceFacts {
        url: Some(commit_url(&sha, &repository)),
        sha: full(&sha, "the commit")?,
        branch: spec.branch.clone(),
        repository_id: Some(repository.id),
        repository: repository.full_name,
        ..Default::default()
    }))
}

/// Whether a pull request or branch still is at the commit that it was resolved to, and goes where it went.
pub(super) async fn still(
    repo: &Repo<'_>,
    spec: &GitHubSource,
    source: &SourceFacts,
    shares: bool,
) -> Result<bool> {
    let head = match (spec.pull_request, &spec.branch) {
        (Some(number), _) => {
            let listed = if shares { repo.listed_pull(number).await? } else { None };
            let pull = match listed {
                Some(pull) => pull,
                None => repo.pull(number).await?,
            };
            // What its new base requires was not read.
            if source.base_branch.as_ref() != Some(&pull.base.name) {
                return Ok(false);
            }
            pull.head.sha
        }
        (_, Some(branch)) => repo.branch(branch).await?.commit.sha,
        _ => return Ok(true),
    };
    Ok(head.eq_ignore_ascii_case(&source.sha))
}

fn of_pull(repository: wire::Repository, pull: wire::Pull) -> Result<Resolved> {
    let sha = full(&pull.head.sha, "the pull request's head")?;
    // A deleted fork has no repository any more; the head is foreign all the same.
    let fork = pull.head.repo.as_ref().is_none_or(|r| r.id != repository.id);
    Ok(Resolved {
        expects_of: pull.base.name.clone(),
        event: Some(PULL),
        author: pull.head.repo.as_ref().map(|r| r.id).filter(|_| fork),
        unknown: None,
        source: SourceFacts {
            sha,
            fork,
            branch: Some(pull.head.name),
            base_branch: Some(pull.base.name),
            pull_request: Some(pull.number),
            title: pull.title,
            url: pull.html_url,
            repository_id: Some(repository.id),
            repository: repository.full_name,
        },
    })
}

fn full(sha: &str, what: &str) -> Result<String> {
    let hex = sha.chars().all(|c| c.is_ascii_hexdigit());
    if hex && matches!(sha.len(), 40 | 64) {
        return Ok(sha.to_ascii_lowercase());
    }
    Err(trouble(format!("GitHub's answer for {what} is not a full commit id")))
}

pub(super) fn trouble(message: String) -> Trouble {
    Trouble { reason: Reason::InvalidAnswer, message, retry_at: None }
}

/// The page of a commit, on the server that the repository is on.
fn commit_url(sha: &str, repository: &wire::Repository) -> String {
    match &repository.html_url {
        Some(page) => format!("{page}/commit/{sha}"),
        None => format!("https://github.com/{}/commit/{sha}", repository.full_name),
    }
}
