//! Workflows, runs, jobs, logs, artifacts, re-runs.

use serde_json::json;

use super::{Answer, Call, Reply};
use crate::github::archive;
use crate::github::blobs;
use crate::github::edit::effective_jobs;
use crate::github::state::{Artifact, Gate, Job, OPERATOR_APP, Repo, Run, State, Workflow};
use crate::github::wire::actions as show;

/// Run lists with a filter end here, however many there are.
const FILTERED_MAX: usize = 1000;

/// Answers requests below `/repos/{owner}/{repo}` that are of this subject.
pub(super) fn serve(state: &mut State, method: &str, rest: &str, call: &Call<'_>) -> Option<Answer> {
    let rest = rest.strip_prefix("/actions")?;
    Some(match (method, rest) {
        ("GET", "/workflows") => workflows(state, call),
        ("GET", "/workflows/{workflow_id}") => get_workflow(state, call),
        ("GET", "/workflows/{workflow_id}/runs") => runs_of_workflow(state, call),
        ("GET", "/runs") => runs(state, call, None),
        ("GET", "/runs/{run_id}") => get_run(state, call),
        ("GET", "/runs/{run_id}/attempts/{attempt_number}") => get_attempt(state, call),
        ("GET", "/runs/{run_id}/jobs") => jobs(state, call),
        ("GET", "/runs/{run_id}/attempts/{attempt_number}/jobs") => jobs_of_attempt(state, call),
        ("GET", "/runs/{run_id}/logs" | "/runs/{run_id}/attempts/{attempt_number}/logs") => {
            run_logs(state, call)
        }
        ("GET", "/runs/{run_id}/artifacts") => artifacts_of_run(state, call),
        ("GET", "/jobs/{job_id}") => get_job(state, call),
        ("GET", "/jobs/{job_id}/logs") => job_logs(state, call),
        ("GET", "/artifacts") => artifacts(state, call),
        ("GET", "/artifacts/{artifact_id}") => get_artifact(state, call),
        ("DELETE", "/artifacts/{artifact_id}") => delete_artifact(state, call),
        ("GET", "/artifacts/{artifact_id}/{archive_format}") => download(state, call),
        ("POST", "/runs/{run_id}/rerun") => rerun(state, call, |_| true),
        ("POST", "/runs/{run_id}/rerun-failed-jobs") => {
            rerun(state, call, |job| !matches!(job.conclusion.as_deref(), Some("success" | "neutral")))
        }
        ("POST", "/jobs/{job_id}/rerun") => rerun_job(state, call),
        ("POST", "/runs/{run_id}/cancel") => cancel(state, call),
        ("GET", "/runs/{run_id}/pending_deployments") => pending(state, call),
        ("POST", "/runs/{run_id}/deployment_protection_rule") => answer(state, call),
        _ => return None,
    })
}

fn find_run<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Run, Reply> {
    let id = call.id("run_id")?;
    repo.runs.iter().find(|run| run.id == id).ok_or_else(Reply::not_found)
}

fn find_job<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Job, Reply> {
    let id = call.id("job_id")?;
    repo.jobs.iter().find(|job| job.id == id).ok_or_else(Reply::not_found)
}

fn find_artifact<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Artifact, Reply> {
    let id = call.id("artifact_id")?;
    repo.artifacts.iter().find(|artifact| artifact.id == id).ok_or_else(Reply::not_found)
}

/// A workflow by its id or by the name of its file.
fn find_workflow<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Workflow, Reply> {
    let wanted = call.param("workflow_id");
    let file = format!("/{wanted}");
    let found = repo.workflows.iter().find(|workflow| match wanted.parse::<u64>() {
        Ok(id) => workflow.id == id,
        Err(_) => workflow.path.ends_with(&file),
    });
    found.ok_or_else(Reply::not_found)
}

fn embeds_pulls(call: &Call<'_>) -> bool {
    call.query("exclude_pull_requests") != Some("true")
}

fn workflows(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let all: Vec<&Workflow> = repo.workflows.iter().collect();
    Ok(call.counted("workflows", all, |workflow| show::workflow(state, repo, workflow)))
}

fn get_workflow(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::workflow(state, repo, find_workflow(repo, call)?)))
}

fn runs_of_workflow(state: &mut State, call: &Call<'_>) -> Answer {
    let id = find_workflow(call.repo(state)?, call)?.id;
    runs(state, call, Some(id))
}

fn runs(state: &mut State, call: &Call<'_>, workflow: Option<u64>) -> Answer {
    let filters = ["actor", "branch", "check_suite_id", "created", "event", "head_sha", "status"];
    let filtered = filters.iter().any(|name| call.query(name).is_some());
    let created = call.query("created").map(str::to_owned);
    let fits = |run: &Run| {
        let attempt = run.latest();
        let in_status =
            |wanted: &str| attempt.status == wanted || attempt.conclusion.as_deref() == Some(wanted);
        workflow.is_none_or(|id| run.workflow_id == id)
            && call.query("head_sha").is_none_or(|sha| run.head_sha == sha)
            && call.query("event").is_none_or(|event| run.event == event)
            && call.query("branch").is_none_or(|branch| run.head_branch.as_deref() == Some(branch))
            && call.query("actor").is_none_or(|actor| run.actor == actor)
            && call.query("status").is_none_or(in_status)
            && call.number("check_suite_id").is_none_or(|id| run.suite_id == id)
            && created.as_deref().is_none_or(|range| in_range(&run.attempts, range))
    };
    // Lists may lag behind: what they show is chosen first, then used up by one read.
    let repo = call.repo_mut(state)?;
    let mut chosen: Vec<Run> = Vec::new();
    for run in &mut repo.runs {
        let shown = run.stale.as_ref().map_or_else(|| run.clone(), |(_, copy)| (**copy).clone());
        if !fits(&shown) {
            continue;
        }
        if run.hidden_reads > 0 {
            run.hidden_reads -= 1;
            continue;
        }
        if let Some((left, copy)) = run.stale.take()
            && left > 1
        {
            run.stale = Some((left - 1, copy));
        }
        chosen.push(shown);
    }
    chosen.sort_by_key(|run| std::cmp::Reverse((run.attempts.first().map(|first| first.created), run.id)));
    if filtered {
        chosen.truncate(FILTERED_MAX);
    }
    let repo = call.repo(state)?;
    Ok(call.counted("workflow_runs", chosen, |run| show::latest(state, repo, run, embeds_pulls(call))))
}

/// `created` in the forms `>=T`, `<=T`, `>T`, `<T`, `A..B`, by text: all times have one shape.
fn in_range(attempts: &[crate::github::state::Attempt], range: &str) -> bool {
    let Some(first) = attempts.first() else {
        return false;
    };
    let at = first.created.to_string();
    let day = |bound: &str| at.get(..bound.len()).unwrap_or(&at).to_owned();
    if let Some((from, to)) = range.split_once("..") {
        return (from == "*" || day(from).as_str() >= from) && (to == "*" || day(to).as_str() <= to);
    }
    if let Some(bound) = range.strip_prefix(">=") {
        return day(bound).as_str() >= bound;
    }
    if let Some(bound) = range.strip_prefix("<=") {
        return day(bound).as_str() <= bound;
    }
    if let Some(bound) = range.strip_prefix('>') {
        return day(bound).as_str() > bound;
    }
    if let Some(bound) = range.strip_prefix('<') {
        return day(bound).as_str() < bound;
    }
    day(range) == range
}

fn get_run(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::latest(state, repo, find_run(repo, call)?, embeds_pulls(call))))
}

fn get_attempt(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let attempt = run.attempt(call.id("attempt_number")?).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(show::run(state, repo, run, attempt, false, embeds_pulls(call))))
}

fn jobs(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let latest = run.latest().number;
    let all: Vec<Job> = match call.query("filter") {
        Some("all") => repo.jobs.iter().filter(|job| job.run_id == run.id).cloned().collect(),
        _ if state.latest_omits_old_jobs => repo.jobs_of(run.id, latest).cloned().collect(),
        _ => effective_jobs(&repo.jobs, run.id),
    };
    Ok(call.counted("jobs", all, |job| show::job(state, repo, job)))
}

fn jobs_of_attempt(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let attempt = run.attempt(call.id("attempt_number")?).ok_or_else(Reply::not_found)?.number;
    let all: Vec<&Job> = repo.jobs_of(run.id, attempt).collect();
    Ok(call.counted("jobs", all, |job| show::job(state, repo, job)))
}

fn get_job(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::job(state, repo, find_job(repo, call)?)))
}

fn job_logs(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let job = find_job(repo, call)?;
    if job.status != "completed" {
        return Err(Reply::not_found());
    }
    let run = repo.runs.iter().find(|run| run.id == job.run_id);
    if run.is_some_and(|run| run.logs_gone) {
        return Err(Reply::error(410, "Server Error"));
    }
    if job.log.is_none() {
        return Err(Reply::not_found());
    }
    Ok(Reply::found(blobs::sign(state, &format!("/job-logs/{}/{}.txt", repo.id, job.id))))
}

fn run_logs(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let number = match call.params.contains_key("attempt_number") {
        true => run.attempt(call.id("attempt_number")?).ok_or_else(Reply::not_found)?.number,
        false => run.latest().number,
    };
    let finished = run.attempt(number).is_some_and(|attempt| attempt.status == "completed");
    if run.logs_gone || !finished {
        return Err(Reply::not_found());
    }
    Ok(Reply::found(blobs::sign(state, &format!("/run-logs/{}/{}/{number}.zip", repo.id, run.id))))
}

/// The zip of all logs of an attempt: one file for each job that has a log.
pub(in crate::github) fn logs_zip(repo: &Repo, run: u64, attempt: u64) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> = repo
        .jobs_of(run, attempt)
        .enumerate()
        .filter_map(|(index, job)| {
            let name: String = job.name.chars().filter(|char| !matches!(char, '/' | ':')).collect();
            job.log.clone().map(|log| (format!("{index}_{name}.txt"), log))
        })
        .collect();
    archive::zip(&files)
}

fn artifact_list<'a>(repo: &'a Repo, call: &Call<'_>, run: Option<u64>) -> Vec<&'a Artifact> {
    let mut all: Vec<&Artifact> = repo
        .artifacts
        .iter()
        .filter(|artifact| run.is_none_or(|run| artifact.run_id == run))
        .filter(|artifact| call.query("name").is_none_or(|name| artifact.name == name))
        .collect();
    if run.is_none() || call.query("direction") == Some("desc") {
        all.reverse();
    }
    all
}

fn artifacts(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let all = artifact_list(repo, call, None);
    Ok(call.counted("artifacts", all, |artifact| show::artifact(state, repo, artifact)))
}

fn artifacts_of_run(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let all = artifact_list(repo, call, Some(run.id));
    Ok(call.counted("artifacts", all, |artifact| show::artifact(state, repo, artifact)))
}

fn get_artifact(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::artifact(state, repo, find_artifact(repo, call)?)))
}

fn delete_artifact(state: &mut State, call: &Call<'_>) -> Answer {
    let id = find_artifact(call.repo(state)?, call)?.id;
    call.repo_mut(state)?.artifacts.retain(|artifact| artifact.id != id);
    Ok(Reply::empty(204))
}

fn download(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let artifact = find_artifact(repo, call)?;
    if call.param("archive_format") != "zip" {
        return Err(Reply::not_found());
    }
    if artifact.expired || artifact.expires <= state.now {
        return Err(Reply::error(410, "Artifact has expired"));
    }
    Ok(Reply::found(blobs::sign(state, &format!("/artifacts/{}/{}.zip", repo.id, artifact.id))))
}

fn rerun(state: &mut State, call: &Call<'_>, again: impl Fn(&Job) -> bool) -> Answer {
    let run = find_run(call.repo(state)?, call)?;
    let (id, completed) = (run.id, run.latest().status == "completed");
    begin_again(state, call, id, completed, again)
}

fn rerun_job(state: &mut State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let job = find_job(repo, call)?;
    let name = job.name.clone();
    let run = repo.runs.iter().find(|run| run.id == job.run_id).ok_or_else(Reply::not_found)?;
    let (id, completed) = (run.id, run.latest().status == "completed");
    begin_again(state, call, id, completed, |job| job.name == name)
}

fn begin_again(
    state: &mut State,
    call: &Call<'_>,
    run: u64,
    completed: bool,
    again: impl Fn(&Job) -> bool,
) -> Answer {
    if state.refuse_reruns {
        let message = "Unable to retry this workflow run because it was created over a month ago";
        return Err(Reply::error(403, message));
    }
    if !completed {
        return Err(Reply::error(403, "This workflow is already running"));
    }
    let actor = call.principal.login(state);
    state.run(run).rerun(&actor, again);
    if let Some(hook) = state.on_rerun.clone() {
        hook(state, run);
    }
    Ok(Reply::json(201, json!({})))
}

fn cancel(state: &mut State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    if run.latest().status == "completed" {
        return Err(Reply::error(409, "Cannot cancel a workflow run that is completed."));
    }
    let id = run.id;
    let open: Vec<u64> = repo
        .jobs
        .iter()
        .filter(|job| job.run_id == id && job.status != "completed")
        .map(|job| job.id)
        .collect();
    for job in open {
        state.job(job).complete("cancelled");
    }
    state.run(id).complete("cancelled");
    Ok(Reply::json(202, json!({})))
}

fn pending(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let run = find_run(repo, call)?;
    let mut all: Vec<&Gate> = Vec::new();
    for gate in repo.gates.iter().filter(|gate| gate.run_id == run.id) {
        if all.iter().all(|known| known.environment != gate.environment) {
            all.push(gate);
        }
    }
    Ok(Reply::ok(all.into_iter().map(|gate| show::pending(state, repo, gate)).collect()))
}

/// An App answers for its own rule; what nobody has to answer for any more goes on, or ends.
fn answer(state: &mut State, call: &Call<'_>) -> Answer {
    if call.principal.app_id() != Some(OPERATOR_APP) {
        return Err(Reply::error(403, "Resource not accessible by personal access token"));
    }
    let run = find_run(call.repo(state)?, call)?.id;
    let environment = call.text("environment_name").unwrap_or_default().to_owned();
    let verdict = call.text("state").unwrap_or_default().to_owned();
    if call.text("comment").unwrap_or_default().chars().count() > 1024 {
        return Err(Reply::error(422, "Comment is too long (maximum is 1024 characters)"));
    }
    let asked = |gate: &Gate| {
        gate.run_id == run && gate.asks_app && gate.environment.eq_ignore_ascii_case(&environment)
    };
    let repo = call.repo_mut(state)?;
    if !repo.gates.iter().any(asked) {
        return Err(Reply::error(422, "No pending deployment requests to approve or reject"));
    }
    let mut over = Vec::new();
    for gate in repo.gates.iter_mut().filter(|gate| asked(gate)) {
        gate.asks_app = false;
        if verdict == "rejected" || !gate.asks_person {
            over.push(gate.job);
        }
    }
    repo.gates.retain(|gate| !over.contains(&gate.job));
    for job in over {
        match verdict.as_str() {
            "rejected" => {
                state.job(job).complete("failure");
            }
            _ => {
                state.job(job).start();
                state.run(run).start();
            }
        }
    }
    let attempt = state.run(run).data().latest().number;
    let done = call.repo(state)?.jobs_of(run, attempt).all(|job| job.status == "completed");
    if done {
        state.run(run).settle();
    }
    Ok(Reply::empty(204))
}
