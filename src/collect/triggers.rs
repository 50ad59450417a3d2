//! For which events a workflow runs: whether a commit of a pull request or a merge queue is to have it at all.
//!
//! What lately ran for such an event tells it, as far as those who may push had it run. Who may only open pull
//! requests has a say in what runs for them, and so only in what a commit must have more; where nobody else had
//! any, the file of the workflow on the base branch is asked.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::source::Resolved;
use crate::api::Reason;
use crate::github::api::Repo;
use crate::github::{Result, wire};

/// Commits that must have run for an event before the absence of a workflow among them means that it does not
/// run for it.
const ENOUGH_COMMITS: usize = 3;

/// Which of these workflows, each by one of its runs, do not run for the event that a commit's workflows run for.
pub(super) async fn strangers(
    repo: &Repo<'_>,
    resolved: &Resolved,
    workflows: impl Iterator<Item = &wire::Run>,
) -> Result<BTreeSet<i64>> {
    let Some(event) = resolved.event else { return Ok(BTreeSet::new()) };
    // It changes with every run, and what it says of workflows does not.
    let list = repo.aged(super::SHARED_AGE).recent_runs("event", event).await?;
    let ran: Vec<&wire::Run> =
        list.workflow_runs.iter().filter(|r| r.event == event && !of_author(r, resolved)).collect();
    let trusted = || ran.iter().copied().filter(|r| is_own(r));
    let known: BTreeSet<i64> = ran.iter().map(|r| r.workflow_id).collect();
    let absent = workflows.filter(|run| !known.contains(&run.workflow_id));
    if commits(trusted()) >= ENOUGH_COMMITS {
        return Ok(absent.map(|run| run.workflow_id).collect());
    }
    if commits(ran.iter().copied()) < ENOUGH_COMMITS {
        return Ok(BTreeSet::new());
    }
    let mut strangers = BTreeSet::new();
    for run in absent {
        let path = super::workflow::path(run);
        // What GitHub itself brings along has no file, and no commit can leave it out.
        if path.starts_with("dynamic/") || !runs_for(event, &path, repo, resolved).await? {
            strangers.insert(run.workflow_id);
        }
    }
    Ok(strangers)
}

/// Whether other commits of a pull request or a merge queue lately had runs, so that one without any is to have some.
pub(super) async fn others_ran(repo: &Repo<'_>, resolved: &Resolved) -> Result<bool> {
    let Some(event) = resolved.event else { return Ok(false) };
    let list = repo.aged(super::SHARED_AGE).recent_runs("event", event).await?;
    let of_others = list.workflow_runs.iter().filter(|r| r.event == event && !of_author(r, resolved));
    Ok(commits(of_others) >= ENOUGH_COMMITS)
}

/// Whether runs for an event are about what a commit has. Those that label a pull request or scan it run for one that
/// says `[skip ci]` as well.
pub(super) fn of_content(event: &str) -> bool {
    matches!(event, "push" | "pull_request" | "merge_group" | "workflow_dispatch" | "repository_dispatch")
}

/// The author of this commit could leave a workflow out of it, and so must have no say.
fn of_author(run: &wire::Run, resolved: &Resolved) -> bool {
    let source = &resolved.source;
    let fork = run.head_repository.as_ref().map(|h| h.id);
    run.head_sha == source.sha || run.head_branch == source.branch || source.fork && fork == resolved.author
}

/// Whether it ran for a branch of the repository itself.
fn is_own(run: &wire::Run) -> bool {
    run.head_repository.as_ref().is_some_and(|head| head.id == run.repository.id)
}

fn commits<'r>(runs: impl Iterator<Item = &'r wire::Run>) -> usize {
    runs.map(|r| r.head_sha.as_str()).collect::<BTreeSet<_>>().len()
}

/// Whether the file on the base branch says that the workflow runs for an event; also where that cannot be told.
async fn runs_for(event: &str, path: &str, repo: &Repo<'_>, resolved: &Resolved) -> Result<bool> {
    let file = match repo.file(path, &resolved.expects_of).await {
        Ok(file) => file,
        // Deleted since, or not to be seen.
        Err(trouble) if trouble.reason == Reason::NotFound => return Ok(true),
        Err(trouble) => return Err(trouble),
    };
    // GitHub breaks the text into lines.
    let packed: Vec<u8> = file.content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let text = STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| events(&text)).is_none_or(|events| events.contains(event)))
}

/// The part of a workflow's file that says when it runs.
#[derive(Deserialize)]
struct File {
    // Older YAML reads the word as a truth.
    #[serde(rename = "on", alias = "true")]
    on: On,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum On {
    One(String),
    Several(Vec<String>),
    Each(BTreeMap<String, IgnoredAny>),
}

/// The events of a workflow's file; none where it cannot be read.
fn events(text: &str) -> Option<BTreeSet<String>> {
    let file: File = serde_saphyr::from_str(text).ok()?;
    Some(match file.on {
        On::One(event) => BTreeSet::from([event]),
        On::Several(events) => events.into_iter().collect(),
        On::Each(events) => events.into_keys().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_for_which_events_its_workflow_runs() {
        for (text, want) in [
            ("on: push\njobs: {}\n", Some(vec!["push"])),
            ("name: CI\non: [push, pull_request]\n", Some(vec!["pull_request", "push"])),
            ("on:\n- merge_group\n- pull_request\n", Some(vec!["merge_group", "pull_request"])),
            (
                "on:\n  pull_request:\n  push:\n    branches: [main]\njobs:\n  a:\n    runs-on: x\n",
                Some(vec!["pull_request", "push"]),
            ),
            ("'on':\n  schedule:\n  - cron: '1 2 * * *'\n", Some(vec!["schedule"])),
            ("\"on\": {workflow_dispatch: {inputs: {a: {type: string}}}}\n", Some(vec!["workflow_dispatch"])),
            ("true: push\n", Some(vec!["push"])),
            ("x: &e [push, pull_request]\non: *e\n", Some(vec!["pull_request", "push"])),
            ("jobs: {}\n", None),
            ("on: 7: 8: 9", None),
            ("", None),
        ] {
            let want = want.map(|list| list.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
            assert_eq!(events(text), want, "{text:?}");
        }
    }
}
