//! Check runs, check suites, annotations, commit statuses.

use serde_json::Value;

use super::{Answer, Call, Reply};
use crate::github::edit::{RepoMut, effective_jobs};
use crate::github::hooks::Subject;
use crate::github::state::{Annotation, CheckRun, Job, Repo, State, Status, Suite};
use crate::github::time::Ts;
use crate::github::wire::checks as show;

/// The longest summary or text of an output.
const OUTPUT_MAX: usize = 65_535;
/// Annotations in one request.
const ANNOTATIONS_MAX: usize = 50;
/// Statuses of one context on one commit.
const STATUSES_MAX: usize = 1000;

/// Answers requests below `/repos/{owner}/{repo}` that are of this subject.
pub(super) fn serve(state: &mut State, method: &str, rest: &str, call: &Call<'_>) -> Option<Answer> {
    Some(match (method, rest) {
        ("GET", "/commits/{ref}/check-runs") => of_commit(state, call),
        ("GET", "/commits/{ref}/check-suites") => suites(state, call),
        ("GET", "/commits/{ref}/status") => combined(state, call),
        ("GET", "/commits/{ref}/statuses") => statuses(state, call),
        ("POST", "/statuses/{sha}") => create_status(state, call),
        ("GET", "/check-suites/{check_suite_id}") => suite(state, call),
        ("GET", "/check-suites/{check_suite_id}/check-runs") => of_suite(state, call),
        ("GET", "/check-runs/{check_run_id}") => get(state, call),
        ("GET", "/check-runs/{check_run_id}/annotations") => annotations(state, call),
        ("POST", "/check-runs") => create(state, call),
        ("PATCH", "/check-runs/{check_run_id}") => update(state, call),
        _ => return None,
    })
}

/// A check run is a job of Actions or belongs to another app.
enum Check<'a> {
    Job(&'a Job),
    App(&'a CheckRun),
}

impl Check<'_> {
    fn id(&self) -> u64 {
        match self {
            Self::Job(job) => job.id,
            Self::App(check) => check.id,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Job(job) => &job.name,
            Self::App(check) => &check.name,
        }
    }

    fn app(&self, state: &State) -> u64 {
        match self {
            Self::Job(_) => state.actions_app(),
            Self::App(check) => check.app_id,
        }
    }

    fn status(&self) -> &str {
        match self {
            Self::Job(job) => &job.status,
            Self::App(check) => &check.status,
        }
    }

    fn show(&self, state: &State, repo: &Repo) -> Value {
        match self {
            Self::Job(job) => show::of_job(state, repo, job),
            Self::App(check) => show::check_run(state, repo, check),
        }
    }
}

fn sha_of_ref(repo: &Repo, call: &Call<'_>) -> Result<String, Reply> {
    let reference = call.param("ref");
    repo.resolve(reference).ok_or_else(|| Reply::error(422, &format!("No commit found for SHA: {reference}")))
}

/// The check runs of the given suites, newest first, filtered as the query says.
fn collect<'a>(state: &State, repo: &'a Repo, call: &Call<'_>, suites: &[&Suite]) -> Vec<Check<'a>> {
    let all = call.query("filter") == Some("all");
    let mut out: Vec<Check<'a>> = Vec::new();
    for suite in suites {
        if let Some(run) = suite.run_id {
            let latest: Vec<u64> = effective_jobs(&repo.jobs, run).iter().map(|job| job.id).collect();
            let jobs = repo.jobs.iter().filter(|job| job.run_id == run);
            out.extend(jobs.filter(|job| all || latest.contains(&job.id)).map(Check::Job));
        }
        let checks: Vec<&CheckRun> =
            repo.check_runs.iter().filter(|check| check.suite_id == suite.id).collect();
        let newest =
            |name: &str| checks.iter().filter(|check| check.name == name).map(|check| check.id).max();
        let kept = checks.iter().filter(|check| all || newest(&check.name) == Some(check.id));
        out.extend(kept.map(|check| Check::App(check)));
    }
    out.retain(|check| {
        call.query("check_name").is_none_or(|name| check.name() == name)
            && call.query("status").is_none_or(|status| check.status() == status)
            && call.number("app_id").is_none_or(|id| check.app(state) == id)
    });
    out.sort_by_key(|check| std::cmp::Reverse(check.id()));
    out
}

fn of_commit(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let sha = sha_of_ref(repo, call)?;
    let suites: Vec<&Suite> = repo.suites.iter().filter(|suite| suite.head_sha == sha).collect();
    let all = collect(state, repo, call, &suites);
    Ok(call.counted("check_runs", all, |check| check.show(state, repo)))
}

fn find_suite<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Suite, Reply> {
    let id = call.id("check_suite_id")?;
    repo.suites.iter().find(|suite| suite.id == id).ok_or_else(Reply::not_found)
}

fn of_suite(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let suite = find_suite(repo, call)?;
    let all = collect(state, repo, call, &[suite]);
    Ok(call.counted("check_runs", all, |check| check.show(state, repo)))
}

fn suite(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::suite(state, repo, find_suite(repo, call)?)))
}

fn suites(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let sha = sha_of_ref(repo, call)?;
    let has_check = |suite: &Suite, name: &str| {
        let job =
            suite.run_id.is_some_and(|run| repo.jobs.iter().any(|job| job.run_id == run && job.name == name));
        job || repo.check_runs.iter().any(|check| check.suite_id == suite.id && check.name == name)
    };
    let all: Vec<&Suite> = repo
        .suites
        .iter()
        .filter(|suite| suite.head_sha == sha)
        .filter(|suite| call.number("app_id").is_none_or(|id| suite.app_id == id))
        .filter(|suite| call.query("check_name").is_none_or(|name| has_check(suite, name)))
        .collect();
    Ok(call.counted("check_suites", all, |suite| show::suite(state, repo, suite)))
}

fn find<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<Check<'a>, Reply> {
    let id = call.id("check_run_id")?;
    let job = repo.jobs.iter().find(|job| job.id == id).map(Check::Job);
    job.or_else(|| repo.check_runs.iter().find(|check| check.id == id).map(Check::App))
        .ok_or_else(Reply::not_found)
}

fn get(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(find(repo, call)?.show(state, repo)))
}

fn annotations(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let (list, sha) = match find(repo, call)? {
        Check::Job(job) => {
            let run = repo.runs.iter().find(|run| run.id == job.run_id);
            (&job.annotations, run.map(|run| run.head_sha.clone()).unwrap_or_default())
        }
        Check::App(check) => (&check.annotations, check.head_sha.clone()),
    };
    Ok(call.listed(list.iter().collect(), |one| show::annotation(state, repo, &sha, one)))
}

fn combined(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let sha = repo.resolve(call.param("ref")).ok_or_else(Reply::not_found)?;
    let all = show::newest_statuses(repo, &sha);
    let (page, at) = call.page(all.clone());
    Ok(super::Reply { page: Some(at), ..Reply::ok(show::combined(state, repo, &sha, &page, &all)) })
}

fn statuses(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let sha = repo.resolve(call.param("ref")).ok_or_else(Reply::not_found)?;
    let mut all: Vec<&Status> = repo.statuses.iter().filter(|status| status.sha == sha).collect();
    all.reverse();
    Ok(call.listed(all, |status| show::status(state, repo, status, true)))
}

fn create_status(state: &mut State, call: &Call<'_>) -> Answer {
    let now = state.now;
    let creator = call.principal.login(state);
    let id = state.fresh_id();
    let repo = call.repo_mut(state)?;
    let sha = call.param("sha").to_owned();
    if repo.commits.iter().all(|commit| commit.sha != sha) {
        return Err(Reply::error(422, &format!("No commit found for SHA: {sha}")));
    }
    let wanted = call.text("state").unwrap_or_default();
    if !["error", "failure", "pending", "success"].contains(&wanted) {
        return Err(Reply::error(422, "Validation Failed: state is not included in the list"));
    }
    let description = call.text("description").map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 140) {
        return Err(Reply::error(
            422,
            "Validation Failed: description is too long (maximum is 140 characters)",
        ));
    }
    let context = call.text("context").unwrap_or("default").to_owned();
    let same = repo.statuses.iter().filter(|status| status.sha == sha && status.context == context);
    if same.count() >= STATUSES_MAX {
        return Err(Reply::error(
            422,
            "Validation Failed: this SHA and context has reached the maximum number of statuses",
        ));
    }
    let status = Status {
        id,
        sha,
        context,
        state: wanted.to_owned(),
        description,
        target_url: call.text("target_url").map(str::to_owned),
        creator,
        created: now,
    };
    repo.statuses.push(status.clone());
    state.emit(Subject::Status { repo: call.repo, status: id }, None);
    let repo = call.repo(state)?;
    Ok(Reply::json(201, show::status(state, repo, &status, true)))
}

fn create(state: &mut State, call: &Call<'_>) -> Answer {
    let Some(app_id) = call.principal.app_id() else {
        return Err(Reply::error(403, "You must authenticate via a GitHub App."));
    };
    let sha = call.text("head_sha").unwrap_or_default().to_owned();
    if call.repo(state)?.commits.iter().all(|commit| commit.sha != sha) {
        return Err(Reply::error(422, &format!("No commit found for SHA: {sha}")));
    }
    let now = state.now;
    let id = state.fresh_id();
    let suite_id = RepoMut { state, id: call.repo }.suite_for(app_id, &sha);
    let mut check = CheckRun {
        id,
        suite_id,
        app_id,
        name: call.text("name").unwrap_or_default().to_owned(),
        head_sha: sha,
        status: "queued".into(),
        conclusion: None,
        started: Some(now),
        completed: None,
        external_id: None,
        details_url: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
    };
    apply(&mut check, call, now)?;
    call.repo_mut(state)?.check_runs.push(check.clone());
    state.emit(Subject::Check { repo: call.repo, check: id }, Some("created"));
    if check.status == "completed" {
        state.emit(Subject::Check { repo: call.repo, check: id }, Some("completed"));
    }
    let repo = call.repo(state)?;
    Ok(Reply::json(201, show::check_run(state, repo, &check)))
}

fn update(state: &mut State, call: &Call<'_>) -> Answer {
    let app_id = call.principal.app_id();
    let now = state.now;
    let id = call.id("check_run_id")?;
    let repo = call.repo_mut(state)?;
    if repo.jobs.iter().any(|job| job.id == id) {
        return Err(Reply::error(
            403,
            "Invalid app_id `15368` - check run can only be modified by the GitHub App that created it.",
        ));
    }
    let found = repo.check_runs.iter_mut().find(|check| check.id == id).ok_or_else(Reply::not_found)?;
    if app_id != Some(found.app_id) {
        let message = "Invalid app_id - check run can only be modified by the GitHub App that created it.";
        return Err(Reply::error(403, message));
    }
    let mut check = found.clone();
    apply(&mut check, call, now)?;
    let finished = found.status != "completed" && check.status == "completed";
    *found = check.clone();
    if finished {
        state.emit(Subject::Check { repo: call.repo, check: id }, Some("completed"));
    }
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::check_run(state, repo, &check)))
}

/// Takes over what a create or update request says, with the rules that no schema states.
fn apply(check: &mut CheckRun, call: &Call<'_>, now: Ts) -> Result<(), Reply> {
    let invalid = |what: &str| Reply::error(422, &format!("Invalid request.\n\n{what}"));
    if let Some(name) = call.text("name") {
        check.name = name.to_owned();
    }
    if let Some(status) = call.text("status") {
        check.status = status.to_owned();
        if status != "completed" {
            check.conclusion = None;
            check.completed = None;
        }
    }
    match call.text("conclusion") {
        Some("stale") => return Err(invalid("Only GitHub can set the conclusion `stale`.")),
        Some(conclusion) => {
            check.conclusion = Some(conclusion.to_owned());
            check.status = "completed".into();
        }
        None if call.text("status") == Some("completed") => {
            return Err(invalid("\"conclusion\" wasn't supplied, but \"status\" is completed."));
        }
        None => {}
    }
    if check.status == "completed" && check.completed.is_none() {
        check.completed = Some(now);
    }
    check.external_id = call.text("external_id").map(str::to_owned).or(check.external_id.take());
    check.details_url = call.text("details_url").map(str::to_owned).or(check.details_url.take());
    let Some(output) = call.body.get("output") else {
        return Ok(());
    };
    let text = |name: &str| output.get(name).and_then(Value::as_str).map(str::to_owned);
    for name in ["summary", "text"] {
        if text(name).is_some_and(|text| text.chars().count() > OUTPUT_MAX) {
            return Err(invalid(&format!("Only 65535 characters are allowed in `{name}`.")));
        }
    }
    check.title = text("title").or(check.title.take());
    check.summary = text("summary").or(check.summary.take());
    check.text = text("text").or(check.text.take());
    let added = output.get("annotations").and_then(Value::as_array).cloned().unwrap_or_default();
    if added.len() > ANNOTATIONS_MAX {
        return Err(invalid("No more than 50 annotations are permitted per request."));
    }
    for one in added {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = |name: &str| one.get(name).and_then(Value::as_u64).unwrap_or(1);
        check.annotations.push(Annotation {
            path: text("path"),
            start_line: line("start_line"),
            end_line: line("end_line"),
            level: text("annotation_level"),
            title: one.get("title").and_then(Value::as_str).map(str::to_owned),
            message: text("message"),
        });
    }
    Ok(())
}
