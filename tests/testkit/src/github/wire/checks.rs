//! Check runs, suites, annotations, commit statuses.

use serde_json::{Value, json};

use super::repos::{head_commit, html, minimal, url};
use super::{actions, app, node, pulls, time, user};
use crate::github::state::{Annotation, CheckRun, Job, Repo, State, Status, Suite};

/// The check run of a job: it has the job's id.
pub fn of_job(state: &State, repo: &Repo, job: &Job) -> Value {
    let run = repo.runs.iter().find(|run| run.id == job.run_id);
    let numbers = run.map(|run| run.pulls.clone()).unwrap_or_default();
    let page = actions::job_page(state, repo, job);
    json!({
        "id": job.id,
        "name": job.name,
        "node_id": node("CR", job.id),
        "head_sha": run.map(|run| run.head_sha.clone()).unwrap_or_default(),
        "external_id": format!("{:08x}-0000-5000-8000-{:012x}", job.run_id % 0xffff_ffff, job.id),
        "url": format!("{}/check-runs/{}", url(state, repo), job.id),
        "html_url": page,
        "details_url": page,
        "status": job.status,
        "conclusion": job.conclusion,
        "started_at": time(Some(job.started.unwrap_or(job.created))),
        "completed_at": time(job.completed),
        "output": output(state, repo, job.id, [None, None, None], job.annotations.len()),
        "check_suite": { "id": run.map(|run| run.suite_id).unwrap_or_default() },
        "app": app(state, state.actions_app()),
        "pull_requests": pull_list(state, repo, &numbers),
    })
}

/// A check run of another app.
pub fn check_run(state: &State, repo: &Repo, check: &CheckRun) -> Value {
    let page = format!("{}/runs/{}", html(state, repo), check.id);
    let heads =
        repo.pulls.iter().filter(|pull| pull.head_sha == check.head_sha && pull.head_repo == Some(repo.id));
    let numbers: Vec<u64> = heads.map(|pull| pull.number).collect();
    let said = [check.title.as_deref(), check.summary.as_deref(), check.text.as_deref()];
    json!({
        "id": check.id,
        "name": check.name,
        "node_id": node("CR", check.id),
        "head_sha": check.head_sha,
        "external_id": check.external_id.clone().unwrap_or_default(),
        "url": format!("{}/check-runs/{}", url(state, repo), check.id),
        "html_url": page,
        "details_url": check.details_url.as_ref().unwrap_or(&page),
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": time(check.started),
        "completed_at": time(check.completed),
        "output": output(state, repo, check.id, said, check.annotations.len()),
        "check_suite": { "id": check.suite_id },
        "app": app(state, check.app_id),
        "pull_requests": pull_list(state, repo, &numbers),
    })
}

fn output(state: &State, repo: &Repo, id: u64, said: [Option<&str>; 3], count: usize) -> Value {
    let [title, summary, text] = said;
    json!({
        "title": title,
        "summary": summary,
        "text": text,
        "annotations_count": count,
        "annotations_url": format!("{}/check-runs/{id}/annotations", url(state, repo)),
    })
}

fn pull_list(state: &State, repo: &Repo, numbers: &[u64]) -> Vec<Value> {
    let found = numbers.iter().filter_map(|number| repo.pulls.iter().find(|pull| pull.number == *number));
    found.map(|pull| pulls::minimal(state, repo, pull)).collect()
}

/// An annotation.
pub fn annotation(state: &State, repo: &Repo, sha: &str, annotation: &Annotation) -> Value {
    json!({
        "path": annotation.path,
        "blob_href": format!("{}/blob/{sha}/{}", html(state, repo), annotation.path),
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "start_column": null,
        "end_column": null,
        "annotation_level": annotation.level,
        "title": annotation.title.as_deref().unwrap_or_default(),
        "message": annotation.message,
        "raw_details": "",
    })
}

/// A check suite; its status and conclusion follow from its check runs.
pub fn suite(state: &State, repo: &Repo, suite: &Suite) -> Value {
    let here = format!("{}/check-suites/{}", url(state, repo), suite.id);
    let run = suite.run_id.and_then(|id| repo.runs.iter().find(|run| run.id == id));
    let (status, conclusion, count, updated) = match run {
        Some(run) => {
            let attempt = run.latest();
            let count = repo.jobs_of(run.id, attempt.number).count();
            (attempt.status.clone(), attempt.conclusion.clone(), count, attempt.updated)
        }
        None => of_checks(repo, suite),
    };
    let numbers = run.map(|run| run.pulls.clone()).unwrap_or_default();
    json!({
        "id": suite.id,
        "node_id": node("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": here,
        "before": null,
        "after": suite.head_sha,
        "pull_requests": pull_list(state, repo, &numbers),
        "app": app(state, suite.app_id),
        "created_at": suite.created.to_string(),
        "updated_at": updated.to_string(),
        "rerequestable": true,
        "runs_rerequestable": false,
        "latest_check_runs_count": count,
        "check_runs_url": format!("{here}/check-runs"),
        "head_commit": head_commit(repo, &suite.head_sha),
        "repository": minimal(state, repo),
    })
}

fn of_checks(repo: &Repo, suite: &Suite) -> (String, Option<String>, usize, crate::github::time::Ts) {
    let checks: Vec<&CheckRun> = repo.check_runs.iter().filter(|check| check.suite_id == suite.id).collect();
    let updated = checks.iter().filter_map(|check| check.completed.or(check.started)).max();
    let updated = updated.unwrap_or(suite.created);
    if checks.is_empty() || checks.iter().any(|check| check.status != "completed") {
        let started = checks.iter().any(|check| check.status != "queued");
        let status = if started { "in_progress" } else { "queued" };
        return (status.to_owned(), None, checks.len(), updated);
    }
    let worst = ["failure", "timed_out", "cancelled", "action_required", "success"];
    let has = |wanted: &&str| checks.iter().any(|check| check.conclusion.as_deref() == Some(wanted));
    let conclusion = worst.into_iter().find(has).unwrap_or("neutral");
    ("completed".to_owned(), Some(conclusion.to_owned()), checks.len(), updated)
}

/// A commit status; `full` adds its creator.
pub fn status(state: &State, repo: &Repo, status: &Status, full: bool) -> Value {
    let creator = state.account(&status.creator);
    let mut out = json!({
        "url": format!("{}/statuses/{}", url(state, repo), status.sha),
        "avatar_url": format!("{}/avatars/u/{}?v=4", state.urls.html, creator.id),
        "id": status.id,
        "node_id": node("SC", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": status.created.to_string(),
        "updated_at": status.created.to_string(),
    });
    if full {
        super::repos::merge(&mut out, json!({ "creator": user(state, &status.creator) }));
    }
    out
}

/// The newest status of each context on a commit, oldest context first.
pub fn newest_statuses<'a>(repo: &'a Repo, sha: &str) -> Vec<&'a Status> {
    let mut newest: Vec<&Status> = Vec::new();
    for status in repo.statuses.iter().filter(|status| status.sha == sha) {
        newest.retain(|known| known.context != status.context);
        newest.push(status);
    }
    newest
}

/// The combined status of a commit.
pub fn combined(state: &State, repo: &Repo, sha: &str, page: &[&Status], all: &[&Status]) -> Value {
    let base = url(state, repo);
    let any = |wanted: &[&str]| all.iter().any(|status| wanted.contains(&status.state.as_str()));
    let overall = if any(&["failure", "error"]) {
        "failure"
    } else if all.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    };
    json!({
        "state": overall,
        "statuses": page.iter().map(|one| status(state, repo, one, false)).collect::<Vec<_>>(),
        "sha": sha,
        "total_count": all.len(),
        "repository": minimal(state, repo),
        "commit_url": format!("{base}/commits/{sha}"),
        "url": format!("{base}/commits/{sha}/status"),
    })
}
