//! What a repository shows of all its commits at once: which runs have ended, where pull requests and
//! branches are. It decides nothing; it tells which commits to look at.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Reason;
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Result, Rollup, wire};
use crate::verdict::facts::Trouble;

/// What to ask a repository for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// `owner/name`.
    pub repository: String,
    /// The newest runs that have ended: a list that changes only when one ends.
    pub finished: bool,
    /// The newest runs, whatever state they are in: shows re-runs and runs that were added.
    pub newest: bool,
    /// Runs that wait for somebody's answer: a list that changes only when one begins or ends to.
    pub waiting: bool,
    /// Heads and bases of open pull requests.
    pub pulls: bool,
    /// Branches whose heads are wanted.
    pub branches: BTreeSet<String>,
    /// Commits whose checks and statuses are counted; where that cannot be had, the list of runs that have ended
    /// is asked for instead.
    pub commits: BTreeSet<String>,
}

/// What it shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sightings {
    pub runs: Vec<SightedRun>,
    /// Runs that wait for somebody's answer; None where they were not asked for.
    pub waiting: Option<Vec<SightedRun>>,
    /// Head commit and base branch by number.
    pub pulls: BTreeMap<i64, (String, String)>,
    /// Head commit by name.
    pub branches: BTreeMap<String, String>,
    pub sweep: Swept,
}

/// What became of the question for commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Swept {
    #[default]
    NotAsked,
    /// By commit; those that do not exist are not there.
    Counted(BTreeMap<String, Rollup>),
    Refused(Trouble),
}

/// A run as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightedRun {
    pub sha: String,
    pub id: i64,
    pub attempt: i64,
    pub finished: bool,
}

/// Asks.
pub async fn survey(github: &GitHub, wanted: &Survey, ask: Ask) -> Result<Sightings> {
    let repo = Repo::new(github, &wanted.repository, ask);
    let mut seen = Sightings::default();
    let mut lists = Vec::new();
    let mut finished = wanted.finished;
    if !wanted.commits.is_empty() {
        seen.sweep = match repo.rollups(&wanted.commits).await {
            Ok(counted) => Swept::Counted(counted),
            Err(trouble) => {
                finished = true;
                Swept::Refused(trouble)
            }
        };
    }
    if finished {
        lists.push(repo.recent_runs("status", "completed").await?);
    }
    if wanted.newest {
        lists.push(repo.newest_runs().await?);
    }
    let sighted = |r: &wire::Run| SightedRun {
        finished: r.status == "completed",
        attempt: r.run_attempt.max(1),
        id: r.id,
        sha: r.head_sha.clone(),
    };
    seen.runs = lists.iter().flat_map(|list| &list.workflow_runs).map(sighted).collect();
    if wanted.waiting {
        let list = repo.recent_runs("status", "waiting").await?;
        seen.waiting = Some(list.workflow_runs.iter().map(sighted).collect());
    }
    if wanted.pulls {
        seen.pulls = repo
            .open_pulls()
            .await?
            .iter()
            .map(|p| (p.number, (p.head.sha.clone(), p.base.name.clone())))
            .collect();
    }
    for name in &wanted.branches {
        match repo.branch(name).await {
            Ok(branch) => seen.branches.insert(name.clone(), branch.commit.sha),
            // A report of a deleted branch finds out by itself.
            Err(trouble) if trouble.reason == Reason::NotFound => None,
            Err(trouble) => return Err(trouble),
        };
    }
    Ok(seen)
}
