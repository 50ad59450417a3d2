//! Workflows, runs, jobs, artifacts.

use serde_json::{Value, json};

use super::repos::{head_commit, html, merge, minimal, url};
use super::{node, pulls, time, user};
use crate::github::state::{Artifact, Attempt, Gate, Job, Repo, Run, State, Workflow};

/// A run as of one attempt. `embed_pulls` is false with `exclude_pull_requests=true`.
///
/// `whole` is true for the run itself, whose creation is that of its first attempt.
pub fn run(
    state: &State,
    repo: &Repo,
    run: &Run,
    attempt: &Attempt,
    whole: bool,
    embed_pulls: bool,
) -> Value {
    let base = url(state, repo);
    let here = format!("{base}/actions/runs/{}", run.id);
    let web = format!("{}/actions/runs/{}", html(state, repo), run.id);
    let first = run.attempts.first().unwrap_or(attempt);
    let created = if whole { first.created } else { attempt.created };
    let previous = (attempt.number > 1).then(|| format!("{here}/attempts/{}", attempt.number - 1));
    let (links, web) = if whole {
        (here.clone(), web)
    } else {
        (format!("{here}/attempts/{}", attempt.number), format!("{web}/attempts/{}", attempt.number))
    };
    let head_repo = state.repo_by_id(run.head_repo).unwrap_or(repo);
    let pulls: Vec<Value> = if embed_pulls {
        let listed =
            run.pulls.iter().filter_map(|number| repo.pulls.iter().find(|pull| pull.number == *number));
        listed.map(|pull| pulls::minimal(state, repo, pull)).collect()
    } else {
        Vec::new()
    };
    json!({
        "id": run.id,
        "name": run.name.as_ref().map_or_else(|| Value::Null, |name| json!(name)),
        "node_id": node("WFR", run.id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": run.path,
        "display_title": run.title,
        "run_number": run.run_number,
        "event": run.event,
        "status": attempt.status,
        "conclusion": attempt.conclusion,
        "workflow_id": run.workflow_id,
        "check_suite_id": run.suite_id,
        "check_suite_node_id": node("CS", run.suite_id),
        "url": here,
        "html_url": web,
        "pull_requests": pulls,
        "created_at": created.to_string(),
        "updated_at": attempt.updated.to_string(),
        "actor": user(state, &run.actor),
        "run_attempt": attempt.number,
        "referenced_workflows": [],
        "run_started_at": attempt.started.to_string(),
        "triggering_actor": user(state, &attempt.actor),
        "jobs_url": format!("{links}/jobs"),
        "logs_url": format!("{links}/logs"),
        "check_suite_url": format!("{base}/check-suites/{}", run.suite_id),
        "artifacts_url": format!("{here}/artifacts"),
        "cancel_url": format!("{here}/cancel"),
        "rerun_url": format!("{here}/rerun"),
        "previous_attempt_url": previous,
        "workflow_url": format!("{base}/actions/workflows/{}", run.workflow_id),
        "head_commit": head_commit(repo, &run.head_sha),
        "repository": minimal(state, repo),
        "head_repository": minimal(state, head_repo),
    })
}

/// The run as of its latest attempt.
pub fn latest(state: &State, repo: &Repo, one: &Run, embed_pulls: bool) -> Value {
    run(state, repo, one, one.latest(), true, embed_pulls)
}

/// A job.
pub fn job(state: &State, repo: &Repo, job: &Job) -> Value {
    let base = url(state, repo);
    let run = repo.runs.iter().find(|run| run.id == job.run_id);
    let workflow = run.and_then(|run| run.name.clone());
    let started = job.started.unwrap_or(job.created);
    let runner = job.runner.as_ref();
    let steps: Vec<Value> = job
        .steps
        .iter()
        .zip(1_u64..)
        .filter(|_| job.started.is_some())
        .map(|(step, number)| {
            json!({
                "name": step.name,
                "status": step.status,
                "conclusion": step.conclusion,
                "number": number,
                "started_at": time(step.started),
                "completed_at": time(step.completed),
            })
        })
        .collect();
    json!({
        "id": job.id,
        "run_id": job.run_id,
        "workflow_name": workflow,
        "head_branch": run.and_then(|run| run.head_branch.clone()),
        "run_url": format!("{base}/actions/runs/{}", job.run_id),
        "run_attempt": job.attempt,
        "node_id": node("CR", job.id),
        "head_sha": run.map(|run| run.head_sha.clone()).unwrap_or_default(),
        "url": format!("{base}/actions/jobs/{}", job.id),
        "html_url": job_page(state, repo, job),
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": job.created.to_string(),
        "started_at": started.to_string(),
        "completed_at": time(job.completed),
        "name": job.name,
        "steps": steps,
        "check_run_url": format!("{base}/check-runs/{}", job.id),
        "labels": job.labels,
        "runner_id": runner.map(|_| 1_000_000_000 + job.id % 1000),
        "runner_name": runner,
        "runner_group_id": runner.map(|_| 0),
        "runner_group_name": runner.map(|_| "GitHub Actions"),
    })
}

/// The page of a job.
pub fn job_page(state: &State, repo: &Repo, job: &Job) -> String {
    format!("{}/actions/runs/{}/job/{}", html(state, repo), job.run_id, job.id)
}

/// An artifact.
pub fn artifact(state: &State, repo: &Repo, artifact: &Artifact) -> Value {
    let here = format!("{}/actions/artifacts/{}", url(state, repo), artifact.id);
    let run = repo.runs.iter().find(|run| run.id == artifact.run_id);
    let mut out = json!({
        "id": artifact.id,
        "node_id": node("MDg6QXJ0aWZhY3Q", artifact.id),
        "name": artifact.name,
        "size_in_bytes": artifact.size,
        "url": here,
        "archive_download_url": format!("{here}/zip"),
        "expired": artifact.expired,
        "created_at": artifact.created.to_string(),
        "updated_at": artifact.created.to_string(),
        "expires_at": artifact.expires.to_string(),
        "workflow_run": run.map(|run| json!({
            "id": run.id,
            "repository_id": repo.id,
            "head_repository_id": run.head_repo,
            "head_branch": run.head_branch.clone().unwrap_or_default(),
            "head_sha": run.head_sha,
        })),
    });
    if let Some(digest) = artifact.digest.as_ref().filter(|_| !state.ghes) {
        merge(&mut out, json!({ "digest": digest }));
    }
    out
}

/// A workflow.
pub fn workflow(state: &State, repo: &Repo, workflow: &Workflow) -> Value {
    let html = html(state, repo);
    json!({
        "id": workflow.id,
        "node_id": node("W", workflow.id),
        "name": workflow.name,
        "path": workflow.path,
        "state": workflow.state,
        "created_at": repo.created.to_string(),
        "updated_at": repo.created.to_string(),
        "url": format!("{}/actions/workflows/{}", url(state, repo), workflow.id),
        "html_url": format!("{html}/blob/{}/{}", repo.default_branch, workflow.path),
        "badge_url": format!("{html}/workflows/{}/badge.svg", crate::github::uri::encode(&workflow.name)),
    })
}

/// An environment that a run waits for.
pub fn pending(state: &State, repo: &Repo, gate: &Gate) -> Value {
    let name = crate::github::uri::encode(&gate.environment);
    json!({
        "environment": {
            "id": gate.id,
            "node_id": node("EN", gate.id),
            "name": gate.environment,
            "url": format!("{}/environments/{name}", url(state, repo)),
            "html_url": format!("{}/deployments/activity_log?environments_filter={name}", html(state, repo)),
        },
        "wait_timer": 0,
        "wait_timer_started_at": null,
        "current_user_can_approve": false,
        "reviewers": [],
    })
}

/// The event that asks an App, without what all events have in common.
pub fn gate(state: &State, repo: &Repo, run: &Run, gate: &Gate) -> Value {
    let base = url(state, repo);
    let here = format!("{base}/deployments/{}", gate.id);
    let at = run.latest().updated.to_string();
    json!({
        "environment": gate.environment,
        "event": run.event,
        "deployment_callback_url": format!("{base}/actions/runs/{}/deployment_protection_rule", run.id),
        "deployment": {
            "url": here,
            "id": gate.id,
            "node_id": node("DE", gate.id),
            "sha": run.head_sha,
            "ref": run.head_branch,
            "task": "deploy",
            "payload": {},
            "original_environment": gate.environment,
            "environment": gate.environment,
            "description": null,
            "creator": user(state, &run.actor),
            "created_at": at,
            "updated_at": at,
            "statuses_url": format!("{here}/statuses"),
            "repository_url": base,
        },
        "pull_requests": [],
    })
}
