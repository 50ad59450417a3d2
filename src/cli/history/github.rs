//! Without a store: what GitHub keeps of a job's past runs. A few requests, each a page.

use anyhow::{anyhow, bail};

use super::super::source::SourceArgs;
use crate::github::api::Repo;
use crate::github::{Ask, Priority, wire};
use crate::history::{Answer, Asked, Execution, Of, summarise};
use crate::verdict::text::clean;

/// Runs whose jobs are read: one request each.
const MAX_RUNS: usize = 30;

/// What is asked of GitHub.
pub(super) struct Question {
    repository: String,
    branch: String,
    job: String,
    limit: usize,
}

/// What can be asked of GitHub, or what is missing.
pub(super) fn question(asked: &Asked) -> Result<Question, String> {
    let store = "--server URL or --db FILE names a history";
    let Of::Job(job) = &asked.of else {
        return Err(format!("{store}; without one GitHub tells of a job: --repo OWNER/NAME --job NAME"));
    };
    if asked.before.is_some() {
        return Err(format!("{store}; without one there are no pages"));
    }
    if asked.repository.split('/').filter(|p| !p.is_empty()).count() != 2 {
        return Err(format!("{store}; without one --repo OWNER/NAME says where the job is"));
    }
    Ok(Question {
        repository: asked.repository.clone(),
        branch: asked.branch.clone(),
        job: job.clone(),
        limit: usize::try_from(asked.limit).unwrap_or(1),
    })
}

/// Reads the newest runs that have ended, and the jobs of that name in all their attempts.
pub(super) async fn read(question: &Question, url: &str) -> anyhow::Result<Answer> {
    let source = SourceArgs { github_url: url.to_owned(), ..SourceArgs::default() };
    let github = source.client()?;
    let repo = Repo::new(&github, &question.repository, Ask::now(Priority::Gating));
    let runs = match question.branch.as_str() {
        "" => repo.newest_runs().await,
        branch => repo.recent_runs("branch", branch).await,
    };
    let runs = runs.map_err(|t| anyhow!("{}", t.message))?;
    let runs = &runs.workflow_runs;
    let ended: Vec<&wire::Run> = runs.iter().filter(|r| r.status == "completed").take(MAX_RUNS).collect();
    if ended.is_empty() {
        bail!("GitHub lists no run of {} that has ended", clean(&question.repository, 140));
    }
    let mut results = Vec::new();
    for run in &ended {
        let (_, jobs) = repo.jobs(run.id).await.map_err(|t| anyhow!("{}", t.message))?;
        results.extend(jobs.iter().filter(|j| j.name == question.job).filter_map(|job| of(run, job)));
    }
    results.sort_by_key(|r| (std::cmp::Reverse(r.at), std::cmp::Reverse(r.job_id)));
    let cut = runs.len() > ended.len() || runs.len() >= crate::github::api::PER_PAGE;
    let summary = Some(summarise(&results, cut));
    results.truncate(question.limit);
    Ok(Answer { summary, results, ..Answer::default() })
}

fn of(run: &wire::Run, job: &wire::Job) -> Option<Execution> {
    let result = job.conclusion.as_deref().filter(|_| job.status == "completed")?;
    let ended = job.completed_at.or(job.started_at)?;
    Some(Execution {
        repository: clean(&run.repository.full_name, 140),
        sha: clean(&run.head_sha, 64),
        branch: run.head_branch.as_deref().map(|b| clean(b, 255)),
        workflow: clean(run.name.as_deref().unwrap_or_default(), 255),
        job: clean(&job.name, 255),
        event: clean(&run.event, 64),
        run_id: run.id,
        attempt: job.run_attempt.max(1),
        job_id: job.id,
        result: clean(result, 32),
        seconds: job.started_at.map(|s| ended.duration_since(s).as_secs().max(0)),
        at: ended.as_second(),
        ..Execution::default()
    })
}
