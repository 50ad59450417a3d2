//! Runs that may be of another pull request, or of another base branch.
//!
//! The run of a pull request tests what a merge with its base would be, and its workflows are those of that merge.
//! GitHub tells the branch of a run, but neither the pull request nor the base. So where a newer run would replace one
//! that is not green, GitHub is asked whether the branch had but one pull request since, and that one base.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use jiff::Timestamp;

use crate::github::api::{PER_PAGE, Repo};
use crate::github::{Result, wire};
use crate::verdict::facts::{Run, Trouble};

/// Branch of a repository that runs are of.
type Tip = (i64, String);

/// Workflow, its file, event, and whose branch: within it a newer run replaces an older one.
type Group<'r> = (i64, &'r str, &'r str, Option<i64>, Option<&'r str>);

/// Marks the runs of which none may replace another.
pub(super) async fn mark(repo: &Repo<'_>, listed: &[wire::Run], runs: &mut [Run]) -> Result<()> {
    let mut groups: BTreeMap<Group<'_>, Vec<&Run>> = BTreeMap::new();
    for run in runs.iter().filter(|r| matches!(r.event.as_str(), "pull_request" | "pull_request_target")) {
        let tip = (run.head_repository_id, run.head_branch.as_deref());
        groups.entry((run.workflow_id, &run.path, &run.event, tip.0, tip.1)).or_default().push(run);
    }
    let mut known: BTreeMap<i64, String> = BTreeMap::new();
    // By branch, since when it matters, and the runs.
    let mut asked: BTreeMap<Tip, (Option<Timestamp>, Vec<i64>)> = BTreeMap::new();
    for ((.., repository, branch), mut group) in groups {
        group.sort_by_key(|r| (r.created_at.unwrap_or(Timestamp::MAX), r.id));
        let Some((_, older)) = group.split_last() else { continue };
        let mut red = older.iter().filter(|r| r.conclusion.as_deref() != Some("success")).peekable();
        if red.peek().is_none() {
            continue;
        }
        let since = red.map(|r| r.created_at).min().flatten();
        let ids = group.iter().map(|r| r.id);
        match repository.zip(branch) {
            Some((repository, branch)) => {
                let entry = asked.entry((repository, branch.to_owned())).or_insert((since, Vec::new()));
                entry.0 = entry.0.min(since);
                entry.1.extend(ids);
            }
            None => known.extend(ids.map(|id| (id, "its fork was deleted".to_owned()))),
        }
    }
    let answers = asked.iter().map(async |(tip, (since, ids))| {
        let owner = listed.iter().filter_map(|r| r.head_repository.as_ref()).find(|r| r.id == tip.0);
        let owner = owner.and_then(|r| r.full_name.split_once('/')).map(|(owner, _)| owner);
        let why = match owner {
            Some(owner) => ambiguous(repo, owner, tip, *since).await?,
            None => Some("GitHub does not say whose branch it is of".to_owned()),
        };
        Ok::<_, Trouble>(why.map(|why| (why, ids)))
    });
    for (why, ids) in try_join_all(answers).await?.into_iter().flatten() {
        known.extend(ids.iter().map(|id| (*id, why.clone())));
    }
    for run in runs {
        run.apart = known.remove(&run.id);
    }
    Ok(())
}

/// Why runs of a branch since some time may be of more than one pull request or base.
async fn ambiguous(
    repo: &Repo<'_>,
    owner: &str,
    tip: &Tip,
    since: Option<Timestamp>,
) -> Result<Option<String>> {
    let unknown = |trouble: Trouble| {
        if super::lasting(&trouble) { Ok(Some(trouble.message)) } else { Err(trouble) }
    };
    let pulls = match repo.pulls_from(owner, &tip.1).await {
        Ok(pulls) => pulls,
        Err(trouble) => return unknown(trouble),
    };
    let whose = |p: &wire::Pull| p.head.repo.as_ref().is_none_or(|r| r.id == tip.0);
    let over = |p: &wire::Pull| p.closed_at.zip(since).is_some_and(|(closed, since)| closed < since);
    let numbers: Vec<i64> =
        pulls.iter().filter(|p| p.head.name == tip.1 && whose(p) && !over(p)).map(|p| p.number).collect();
    let [number] = numbers.as_slice() else {
        let names: Vec<String> = numbers.iter().take(5).map(|n| format!("#{n}")).collect();
        return Ok(Some(match names.is_empty() {
            true => "GitHub lists no pull request of its branch".to_owned(),
            false => format!("its branch has the pull requests {}", names.join(" and ")),
        }));
    };
    if pulls.len() >= PER_PAGE {
        return Ok(Some("its branch has more pull requests than are looked through".to_owned()));
    }
    let events = match repo.issue_events(*number).await {
        Ok(events) => events,
        Err(trouble) => return unknown(trouble),
    };
    let moved = events.iter().any(|e| {
        matches!(e.event.as_str(), "base_ref_changed" | "automatic_base_change_succeeded")
            && e.created_at.zip(since).is_none_or(|(at, since)| at >= since)
    });
    Ok(moved.then(|| format!("pull request #{number} had another base meanwhile")))
}
