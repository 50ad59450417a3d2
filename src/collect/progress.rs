//! Looks that read less than everything: whether a commit has begun, and how far its runs are.
//!
//! What they see is partial and says so. They give nothing where a whole look is needed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::memory::Memory;
use super::{SHARED_AGE, checks, runs, source};
use crate::api::TestRunReportSpec;
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Result, wire};
use crate::verdict::facts::{CheckKind, Facts, Run};
use crate::verdict::publish::deployment;
use crate::verdict::statuses_read;

/// A list of the newest runs of a repository that reaches back this far would show a run that began
/// because of a report that was just made.
const REACH: SignedDuration = SignedDuration::from_hours(1);
/// Runs of one commit that events may tell of; more are counted by a look.
const MAX_RUNS: usize = 100;

/// Whether anything of the commit has begun.
pub(super) async fn glance(
    github: &GitHub,
    spec: &TestRunReportSpec,
    memory: &Memory,
    ask: Ask,
) -> Result<Option<Facts>> {
    let wanted = &spec.source.github;
    let repo = Repo::new(github, &wanted.repository, ask);
    let Some(resolved) = source::glance(&repo, wanted, ask.within(SHARED_AGE)).await? else {
        return Ok(None);
    };
    let newest = &repo.newest_runs().await?.workflow_runs;
    let read_at = repo.date().unwrap_or_else(Timestamp::now);
    let reaches = newest.iter().filter_map(|r| r.created_at).any(|at| read_at.duration_since(at) >= REACH);
    if !newest.is_empty() && !reaches && newest.len() >= crate::github::api::PER_PAGE {
        return Ok(None);
    }
    let own: Vec<_> = newest.iter().filter(|r| r.head_sha == resolved.sha).collect();
    if !own.is_empty() && own.iter().all(|r| r.status == "completed") {
        return Ok(None);
    }
    let facts = Facts {
        runs: own.into_iter().map(runs::without_jobs).collect(),
        source: resolved,
        checks: Vec::new(),
        expectations: Default::default(),
        artifacts: Vec::new(),
        sightings: Vec::new(),
        gaps: Vec::new(),
        read_at,
        confirmed: false,
        partial: true,
    };
    memory.keep_look(wanted, Some(Arc::new(facts.clone())));
    Ok(Some(facts))
}

/// The last look with the unfinished runs that events told of. What an event says is not believed where it
/// would end something: that is looked at.
pub(super) fn told(spec: &TestRunReportSpec, memory: &Memory, told: &[Arc<wire::Run>]) -> Option<Facts> {
    let wanted = &spec.source.github;
    let mut facts = Facts::clone(&*memory.look(wanted)?);
    let own = |run: &&Arc<wire::Run>| {
        run.head_sha == facts.source.sha
            && run.repository.full_name.eq_ignore_ascii_case(&facts.source.repository)
    };
    let begun: Vec<Run> = told.iter().filter(own).map(|run| runs::without_jobs(run)).collect();
    if begun.is_empty() {
        return None;
    }
    for run in begun {
        facts.read_at = facts.read_at.max(run.updated_at.unwrap_or(Timestamp::MIN));
        let more = facts.runs.len() < MAX_RUNS;
        match facts.runs.iter_mut().find(|known| known.id == run.id) {
            None if run.status != "completed" && more => facts.runs.push(run),
            Some(known) if known.status != "completed" && known.attempt == run.attempt => {
                known.status = run.status;
            }
            _ => return None,
        }
    }
    facts.confirmed = false;
    facts.partial = true;
    memory.keep_look(wanted, Some(Arc::new(facts.clone())));
    Some(facts)
}

/// How far the unfinished runs of the last look are.
pub(super) async fn progress(
    github: &GitHub,
    spec: &TestRunReportSpec,
    memory: &Memory,
    ask: Ask,
) -> Result<Option<Facts>> {
    let Some(last) = memory.look(&spec.source.github) else { return Ok(None) };
    let mut facts = Facts::clone(&last);
    let repo = Repo::new(github, &facts.source.repository, ask);
    let answers = !deployment::environments(spec).is_empty();
    let mut any = false;
    for run in facts.runs.iter_mut().filter(|r| r.status != "completed") {
        any = true;
        let (total, jobs) = repo.jobs(run.id).await?;
        let known = reds(run);
        runs::advance(run, total, &jobs);
        let ended = !run.jobs.is_empty() && run.jobs.iter().all(|j| j.status == "completed");
        // What only waits for the verdict is at rest; whether it does is read.
        let waits = answers && run.status != "waiting" && stands(run);
        // What is new and red is explained at once, and a run that has ended decides.
        if ended || waits || reds(run) > known {
            return Ok(None);
        }
    }
    if !any {
        return Ok(None);
    }
    if statuses_read(spec, &facts.expectations) {
        let statuses = checks::statuses(&repo, &facts.source.sha).await?;
        facts.checks.retain(|c| c.kind != CheckKind::Status);
        facts.checks.extend(statuses);
    }
    facts.read_at = repo.date().unwrap_or(facts.read_at);
    facts.confirmed = false;
    facts.partial = true;
    Ok(Some(facts))
}

/// All that is left of a run waits.
fn stands(run: &Run) -> bool {
    let mut open = run.jobs.iter().filter(|j| j.status != "completed").peekable();
    open.peek().is_some() && open.all(|j| j.status == "waiting")
}

fn reds(run: &Run) -> usize {
    let red = |c: Option<&str>| !matches!(c, None | Some("success" | "skipped" | "neutral"));
    run.jobs.iter().filter(|j| red(j.conclusion.as_deref())).count()
}
