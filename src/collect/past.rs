//! How failed jobs did lately on the base branch: whether this commit broke them, or they often are red.
//!
//! It explains and decides nothing. The list of runs is the one that expectations are read from; jobs of runs that
//! have ended are read once for all reports.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::Memory;
use super::runs;
use super::source::Resolved;
use crate::github::api::Repo;
use crate::github::{Result, wire};
use crate::verdict::facts::{Past, Run};

/// Runs of one workflow that are looked at.
const RUNS: usize = 8;
/// Runs whose jobs are read for it in one look; those that are known already do not count.
const READS: usize = 16;

/// Tells failed jobs how they did.
pub(super) async fn read(
    repo: &Repo<'_>,
    resolved: &Resolved,
    runs: &mut [Run],
    memory: &Memory,
) -> Result<()> {
    let branch = resolved.expects_of.as_str();
    let red: BTreeSet<String> =
        runs.iter().filter(|r| r.jobs.iter().any(super::evidence::failed)).map(|r| r.path.clone()).collect();
    if branch.is_empty() || red.is_empty() {
        return Ok(());
    }
    let listed = repo.recent_runs("branch", branch).await?;
    let mut past: BTreeMap<(String, String), Past> = BTreeMap::new();
    let mut reads = READS;
    for path in &red {
        let of_workflow = listed
            .workflow_runs
            .iter()
            .filter(|r| counts(r, resolved, branch) && super::workflow::path(r) == *path);
        for run in of_workflow.take(RUNS) {
            if !runs::is_known(&resolved.source.repository, run, memory) {
                if reads == 0 {
                    continue;
                }
                reads -= 1;
            }
            let jobs = runs::jobs(repo, &resolved.source.repository, run, memory).await?;
            // Of all attempts the last one says how the job did on that commit.
            let mut last: BTreeMap<&str, &wire::Job> = BTreeMap::new();
            for job in &jobs.1 {
                let entry = last.entry(&job.name).or_insert(job);
                if job.run_attempt >= entry.run_attempt {
                    *entry = job;
                }
            }
            for (name, job) in last {
                let entry = past.entry((path.clone(), name.to_owned())).or_default();
                match job.conclusion.as_deref() {
                    Some("success") => entry.passed += 1,
                    Some("failure" | "timed_out") => entry.failed += 1,
                    _ => {}
                }
            }
        }
    }
    for run in runs.iter_mut() {
        for job in run.jobs.iter_mut().filter(|j| super::evidence::failed(j)) {
            let found = past.get(&(run.path.clone(), job.name.clone()));
            job.past =
                found.filter(|p| p.passed + p.failed > 0).map(|p| Past { branch: branch.to_owned(), ..*p });
        }
    }
    Ok(())
}

/// A run of the branch itself that has ended, of another commit than this one.
fn counts(run: &wire::Run, resolved: &Resolved, branch: &str) -> bool {
    run.head_branch.as_deref() == Some(branch)
        && run.head_repository.as_ref().is_none_or(|h| h.id == run.repository.id)
        && run.head_sha != resolved.source.sha
        && matches!(run.event.as_str(), "push" | "merge_group" | "schedule" | "dynamic")
        && run.status == "completed"
}
