//! Workflow runs of the commit with the jobs of all their attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::memory::{Jobs, Memory, RunKey};
use super::source::trouble;
use crate::github::api::{PER_PAGE, Repo};
use crate::github::{Result, wire};
use crate::verdict::facts::{Annotation, Gap, GapKind, Job, Run, SourceFacts, Step};
use crate::verdict::text::clean;

/// Runs whose jobs are asked for at the same time.
const AT_ONCE: usize = 5;
/// Runs of one commit that GitHub lists.
const MOST: usize = 1000;
/// Jobs whose annotations are read in one look.
const MAX_ANNOTATED: usize = 40;

/// Whether these can be all runs of a commit. What is left out is no longer there to be red.
pub(super) fn are_all(listed: &[wire::Run], source: &SourceFacts) -> Result<()> {
    let SourceFacts { repository, sha, .. } = source;
    if listed.len() >= MOST {
        return Err(trouble(format!(
            "GitHub lists the newest {MOST} workflow runs of a commit and no more, and commit {sha} of {repository} has \
             as many: nobody can tell what the others said; make another commit"
        )));
    }
    if listed.iter().any(|r| r.head_sha.is_empty() || r.repository.full_name.is_empty()) {
        return Err(trouble(format!(
            "GitHub lists a workflow run for commit {sha} of {repository} without saying whose it is"
        )));
    }
    // Renamed while it was read.
    let strange =
        |r: &&wire::Run| r.head_sha == *sha && !r.repository.full_name.eq_ignore_ascii_case(repository);
    match listed.iter().find(strange) {
        Some(run) => Err(trouble(format!(
            "workflow run {} of commit {sha} is of {} and not of {repository}; it is read again",
            run.id,
            clean(&run.repository.full_name, 140)
        ))),
        None => Ok(()),
    }
}

/// Whether a list of the runs of a commit does not have yet what an event told of one of them.
pub(super) fn is_behind(listed: &[wire::Run], told: &wire::Run, sha: &str) -> bool {
    told.head_sha == sha && !listed.iter().any(|r| r.id == told.id && r.run_attempt >= told.run_attempt)
}

/// Reads the jobs of the listed runs.
pub(super) async fn read(
    repo: &Repo<'_>,
    repository: &str,
    listed: &[wire::Run],
    memory: &Memory,
) -> Result<Vec<Run>> {
    // Each id once: while a run is re-run, a list in two pages may hold it twice.
    let mut newest: BTreeMap<i64, &wire::Run> = BTreeMap::new();
    for run in listed {
        let entry = newest.entry(run.id).or_insert(run);
        if run.run_attempt > entry.run_attempt {
            *entry = run;
        }
    }
    let reads: Vec<_> = newest.into_values().map(|run| read_run(repo, repository, run, memory)).collect();
    stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await
}

async fn read_run(repo: &Repo<'_>, repository: &str, run: &wire::Run, memory: &Memory) -> Result<Run> {
    let jobs = jobs(repo, repository, run, memory).await?;
    Ok(of_run(run, &jobs))
}

/// The jobs of a run; those of a completed run are remembered, because they cannot change.
pub(super) async fn jobs(
    repo: &Repo<'_>,
    repository: &str,
    run: &wire::Run,
    memory: &Memory,
) -> Result<Jobs> {
    let key = key(repository, run);
    if run.status == "completed"
        && let Some(known) = memory.jobs(&key)
    {
        return Ok(known);
    }
    let (total, mut jobs) = repo.jobs(run.id).await?;
    // A job of another commit says nothing about this one.
    for job in jobs.iter_mut().filter(|j| !j.head_sha.is_empty() && j.head_sha != run.head_sha) {
        job.status = "of another commit".to_owned();
        job.conclusion = None;
    }
    let listed = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    let at_rest = run.status == "completed"
        && run.updated_at.is_some()
        && !jobs.is_empty()
        && listed >= total
        && jobs.iter().any(|j| j.run_attempt >= run.run_attempt)
        && jobs
            .iter()
            .all(|j| j.status == "completed" && j.conclusion.is_some() && j.run_attempt <= run.run_attempt);
    let jobs: Jobs = Arc::new((total, jobs));
    if at_rest {
        memory.keep_jobs(key, Arc::clone(&jobs));
    }
    Ok(jobs)
}

/// Whether the jobs of a completed run need not be asked for.
pub(super) fn is_known(repository: &str, run: &wire::Run, memory: &Memory) -> bool {
    memory.jobs(&key(repository, run)).is_some()
}

fn key(repository: &str, run: &wire::Run) -> RunKey {
    (repository.to_owned(), run.id, run.run_attempt, run.updated_at)
}

/// A run of which only the list of runs is known.
pub(super) fn without_jobs(run: &wire::Run) -> Run {
    of_run(run, &Arc::new((0, Vec::new())))
}

/// Takes in the jobs of a run as they are now; what was known of a job besides is kept.
pub(super) fn advance(run: &mut Run, total: i64, jobs: &[wire::Job]) {
    let known = std::mem::take(&mut run.jobs);
    run.jobs_total = total;
    run.jobs = jobs
        .iter()
        .map(|job| {
            let old = known.iter().find(|k| k.id == job.id && k.attempt == job.run_attempt.max(1));
            let old = old.cloned().unwrap_or_default();
            let Job { annotations, annotations_unread, evidence, past, .. } = old;
            Job { annotations, annotations_unread, evidence, past, ..of_job(job) }
        })
        .collect();
    run.attempt = run.jobs.iter().map(|j| j.attempt).max().unwrap_or(0).max(run.attempt);
}

fn of_run(run: &wire::Run, jobs: &Jobs) -> Run {
    let path = super::workflow::path(run);
    let workflow = run.name.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| path.clone());
    // A job of a newer attempt than the run's own means that the run moved while it was read.
    let attempt = jobs.1.iter().map(|j| j.run_attempt).max().unwrap_or(0).max(run.run_attempt).max(1);
    let moved = attempt > run.run_attempt.max(1);
    Run {
        id: run.id,
        attempt,
        workflow_id: run.workflow_id,
        workflow,
        path,
        origin: super::workflow::origin(run),
        event: run.event.clone(),
        status: if moved { "in_progress".to_owned() } else { run.status.clone() },
        conclusion: if moved { None } else { run.conclusion.clone() },
        head_sha: run.head_sha.clone(),
        head_branch: run.head_branch.clone(),
        head_repository_id: run.head_repository.as_ref().map(|r| r.id),
        repository: run.repository.full_name.clone(),
        title: run.display_title.clone(),
        url: run.html_url.clone(),
        created_at: run.created_at,
        updated_at: run.updated_at,
        jobs_total: jobs.0,
        jobs: jobs.1.iter().map(of_job).collect(),
        pending: Vec::new(),
        apart: None,
    }
}

/// Reads which environments the runs wait for.
pub(super) async fn pending(repo: &Repo<'_>, runs: &mut [Run]) -> Result<()> {
    let waits = |r: &&mut Run| r.status != "completed" && r.jobs.iter().any(|j| j.status == "waiting");
    for run in runs.iter_mut().filter(waits) {
        run.pending = repo.pending_environments(run.id).await?;
    }
    Ok(())
}

fn of_job(job: &wire::Job) -> Job {
    Job {
        id: job.id,
        attempt: job.run_attempt.max(1),
        name: job.name.clone(),
        status: job.status.clone(),
        conclusion: job.conclusion.clone(),
        url: job.html_url.clone().unwrap_or_default(),
        started_at: job.started_at,
        completed_at: job.completed_at,
        steps: job
            .steps
            .iter()
            .map(|s| Step {
                number: s.number,
                name: s.name.clone(),
                status: s.status.clone(),
                conclusion: s.conclusion.clone(),
            })
            .collect(),
        annotations: Vec::new(),
        annotations_unread: false,
        evidence: None,
        past: None,
    }
}

/// Adds annotations to the jobs that have some; the id of a job is the id of its check run.
pub(super) async fn annotate(
    repo: &Repo<'_>,
    runs: &mut [Run],
    annotated: &BTreeSet<i64>,
    gaps: &mut Vec<Gap>,
    memory: &Memory,
) -> Result<()> {
    let repository = runs.first().map(|r| r.repository.clone()).unwrap_or_default();
    let at_rest: BTreeSet<i64> =
        runs.iter().filter(|r| r.status == "completed").flat_map(|r| &r.jobs).map(|j| j.id).collect();
    let mut wanted: Vec<&mut Job> = runs
        .iter_mut()
        .flat_map(|r| &mut r.jobs)
        .filter(|j| annotated.contains(&j.id) && j.status == "completed")
        .collect();
    // Failed ones first: there an annotation is the only place that tells a time-out.
    wanted.sort_by_key(|j| (j.conclusion.as_deref() == Some("success"), j.id));
    if wanted.len() > MAX_ANNOTATED {
        gaps.push(Gap {
            kind: GapKind::Annotations,
            message: format!("annotations of {} jobs not read: too many", wanted.len() - MAX_ANNOTATED),
        });
    }
    for (number, job) in wanted.into_iter().enumerate() {
        if number >= MAX_ANNOTATED {
            job.annotations_unread = true;
            continue;
        }
        if let Some(known) = memory.annotations(&repository, job.id) {
            job.annotations = (*known).clone();
            job.annotations_unread = is_page(&job.annotations);
            continue;
        }
        let list = match repo.annotations(job.id).await {
            Err(trouble) if super::lasting(&trouble) => {
                job.annotations_unread = true;
                gaps.push(Gap { kind: GapKind::Annotations, message: trouble.message });
                continue;
            }
            list => list?,
        };
        job.annotations = list
            .into_iter()
            .map(|a| Annotation {
                level: a.annotation_level.unwrap_or_default(),
                path: a.path,
                line: a.start_line,
                title: a.title,
                message: a.message.unwrap_or_default(),
            })
            .collect();
        job.annotations_unread = is_page(&job.annotations);
        // Those of a job that has just ended may still grow; they are kept once its run has ended.
        if at_rest.contains(&job.id) {
            memory.keep_annotations(&repository, job.id, Arc::new(job.annotations.clone()));
        }
    }
    Ok(())
}

/// A whole page, so that there may be others: what tells a time-out may be among those.
const fn is_page(list: &[Annotation]) -> bool {
    list.len() >= PER_PAGE
}

/// Whether two lists of runs say the same.
pub(super) fn same(a: &[wire::Run], b: &[wire::Run]) -> bool {
    let key = |list: &[wire::Run]| -> BTreeSet<(i64, i64, String, Option<String>)> {
        list.iter().map(|r| (r.id, r.run_attempt, r.status.clone(), r.conclusion.clone())).collect()
    };
    key(a) == key(b)
}
