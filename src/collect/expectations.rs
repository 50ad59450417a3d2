//! What must be there: checks that the base branch requires, and what its last green commit had.

use std::collections::{BTreeMap, BTreeSet};

use tokio::join;

use super::memory::Memory;
use super::or_gap;
use super::source::Resolved;
use super::{runs, triggers};
use crate::api::Reason;
use crate::github::api::{PER_PAGE, Repo};
use crate::github::{NO_PLAN, Result, wire};
use crate::verdict::facts::{
    ACTIONS_APP_ID, Baseline, BaselineJobs, BaselineWorkflow, Expectations, Gap, GapKind, RequiredCheck,
    RequiredWorkflow,
};

/// Ids of the green jobs of the base branch by workflow path and job name, to compare logs with.
pub(super) type BaselineIds = BTreeMap<(String, String), i64>;

/// Reads what must be there.
pub(super) async fn read(
    repo: &Repo<'_>,
    resolved: &Resolved,
    actions_app: Option<i64>,
    gaps: &mut Vec<Gap>,
    memory: &Memory,
) -> Result<(Expectations, BaselineIds)> {
    let branch = resolved.expects_of.as_str();
    let blind = |message: &str| Gap { kind: GapKind::RequiredChecks, message: message.to_owned() };
    gaps.extend(resolved.unknown.as_deref().map(blind));
    if branch.is_empty() {
        gaps.push(blind(
            "GitHub does not say which branch the commit is to be merged into, and what that requires",
        ));
        return Ok((Expectations::default(), BaselineIds::new()));
    }
    let (mut rules, mut protection, baseline) =
        join!(repo.rules(branch), repo.branch(branch), baseline(repo, resolved, memory));
    // GitHub says of what is there, too, that it is not: while it is moved, or one of its servers is behind.
    if is_absent(&rules) {
        rules = repo.rules(branch).await;
    }
    if is_absent(&protection) {
        protection = repo.branch(branch).await;
    }
    let (mut required, required_workflows) = required(rules, protection, branch, gaps)?;
    // The verdict knows GitHub Actions by its id on github.com; another server has another one.
    for check in required.iter_mut().filter(|c| c.app_id.is_some() && c.app_id == actions_app) {
        check.app_id = Some(ACTIONS_APP_ID);
    }
    let mut found = Vec::new();
    let baseline = match or_gap(baseline.map(Some), GapKind::Baseline, gaps)? {
        Some((baseline, ids)) => {
            found = ids;
            baseline
        }
        None => Baseline::None,
    };
    let expectations = Expectations { required, required_workflows, baseline, ..Expectations::default() };
    Ok((expectations, found.into_iter().collect()))
}

/// Checks and workflows that rulesets and classic protection require; both apply.
fn required(
    rules: Result<Vec<wire::Rule>>,
    protection: Result<wire::Branch>,
    branch: &str,
    gaps: &mut Vec<Gap>,
) -> Result<(Vec<RequiredCheck>, Vec<RequiredWorkflow>)> {
    let mut all = BTreeSet::new();
    let mut workflows = BTreeSet::new();
    for rule in or_gap(or_none(rules, "rules", branch, gaps), GapKind::RequiredChecks, gaps)? {
        if rule.kind == "workflows" {
            workflows.extend(
                rule.parameters
                    .workflows
                    .into_iter()
                    .map(|w| RequiredWorkflow { path: w.path, repository_id: w.repository_id }),
            );
        }
        if rule.kind == "required_status_checks" {
            for check in rule.parameters.required_status_checks {
                all.insert(RequiredCheck { name: check.context, app_id: app(check.integration_id) });
            }
        }
    }
    let found = or_none(protection.map(Some), "protection", branch, gaps);
    let found = or_gap(found, GapKind::RequiredChecks, gaps)?;
    if let Some(found) = found {
        let checks = found.protection.required_status_checks;
        let by_app: BTreeSet<String> = checks.checks.iter().map(|c| c.context.clone()).collect();
        for check in checks.checks {
            all.insert(RequiredCheck { name: check.context, app_id: app(check.app_id) });
        }
        // The older list has no apps; where both are there they say the same.
        all.extend(
            checks
                .contexts
                .into_iter()
                .filter(|c| !by_app.contains(c))
                .map(|name| RequiredCheck { name, app_id: None }),
        );
    }
    let named = all.into_iter().filter(|r| !r.name.is_empty()).collect();
    Ok((named, workflows.into_iter().collect()))
}

/// What does not exist requires nothing: a deleted branch, a server or a plan without rules. The
/// repository itself was just read with the same credential; a missing permission is a 403.
fn or_none<T: Default>(result: Result<T>, what: &str, branch: &str, gaps: &mut Vec<Gap>) -> Result<T> {
    match result {
        Err(trouble) if trouble.reason == Reason::NotFound => {
            let branch = crate::verdict::text::clean(branch, 100);
            let message = format!("GitHub knows no {what} of branch {branch}: nothing is required by them");
            gaps.push(Gap { kind: GapKind::NoRules, message });
            Ok(T::default())
        }
        other => other,
    }
}

/// Whether something was not found that may be there all the same.
fn is_absent<T>(result: &Result<T>) -> bool {
    result.as_ref().is_err_and(|t| t.reason == Reason::NotFound && !t.message.ends_with(NO_PLAN))
}

/// -1 and null both mean any app.
fn app(id: Option<i64>) -> Option<i64> {
    id.filter(|id| *id > 0)
}

async fn baseline(
    repo: &Repo<'_>,
    resolved: &Resolved,
    memory: &Memory,
) -> Result<(Baseline, Vec<((String, String), i64)>)> {
    let branch = resolved.expects_of.as_str();
    let repository = resolved.source.repository.as_str();
    let sha = resolved.source.sha.as_str();
    // Filtered lists have been wrong before: everything that decides is looked at here again.
    let on_branch = repo.recent_runs("branch", branch).await?;
    // Comments, issues and other workflows start runs of the default branch too, and may fill the whole page.
    let strange = on_branch.workflow_runs.iter().filter(|r| !of_commits(r)).count();
    let crowded = on_branch.workflow_runs.len() >= PER_PAGE && strange * 2 > PER_PAGE;
    let pushed = if crowded { Some(repo.recent_pushes(branch).await?) } else { None };
    let pushed = pushed.iter().flat_map(|list| &list.workflow_runs);
    let mut newest: BTreeMap<i64, &wire::Run> = BTreeMap::new();
    for run in on_branch.workflow_runs.iter().chain(pushed) {
        let own = run.head_branch.as_deref() == Some(branch)
            && run.repository.full_name.eq_ignore_ascii_case(repository)
            && run.head_repository.as_ref().is_none_or(|h| h.id == run.repository.id)
            && run.head_sha != sha;
        if own && of_commits(run) && run.status == "completed" && run.conclusion.as_deref() == Some("success")
        {
            let entry = newest.entry(run.workflow_id).or_insert(run);
            if (run.created_at, run.id) > (entry.created_at, entry.id) {
                *entry = run;
            }
        }
    }
    let Some(last) = newest.values().max_by_key(|r| (r.created_at, r.id)) else {
        return Ok((Baseline::None, Vec::new()));
    };
    let strangers = triggers::strangers(repo, resolved, newest.values().copied()).await?;
    let (mut workflows, mut ids) = (Vec::new(), Vec::new());
    let last_sha = last.head_sha.clone();
    for run in newest.values() {
        let jobs = runs::jobs(repo, repository, run, memory).await?;
        let path = super::workflow::path(run);
        let mut names = BTreeSet::new();
        for job in jobs.1.iter().filter(|j| j.conclusion.as_deref() == Some("success")) {
            names.insert(job.name.clone());
            ids.push(((path.clone(), job.name.clone()), job.id));
        }
        workflows.push(BaselineWorkflow {
            workflow: run.name.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| path.clone()),
            path,
            event: run.event.clone(),
            run_id: run.id,
            jobs: names.into_iter().collect(),
            not_for_this_event: strangers.contains(&run.workflow_id),
        });
    }
    Ok((Baseline::Found(BaselineJobs { sha: last_sha, branch: branch.to_owned(), workflows }), ids))
}

/// Whether a run is about what a branch has, and not about whatever started it.
fn of_commits(run: &wire::Run) -> bool {
    matches!(run.event.as_str(), "push" | "merge_group" | "dynamic")
}
