//! Repositories, branches, commits, rules.

use serde_json::{Value, json};

use super::{Answer, Call, Reply};
use crate::github::state::{Commit, Repo, State};
use crate::github::wire::repos as show;

/// Answers requests below `/repos/{owner}/{repo}` that are of this subject.
pub(super) fn serve(state: &mut State, method: &str, rest: &str, call: &Call<'_>) -> Option<Answer> {
    let state = &*state;
    Some(match (method, rest) {
        ("GET", "") => call.repo(state).map(|repo| Reply::ok(show::full(state, repo))),
        ("GET", "/branches") => branches(state, call),
        ("GET", "/branches/{branch}") => branch(state, call),
        ("GET", "/branches/{branch}/protection/required_status_checks") => protection(state, call),
        ("GET", "/rules/branches/{branch}") => {
            call.repo(state).map(|repo| call.listed(show::rules(repo, call.param("branch")), Value::clone))
        }
        ("GET", "/contents/{path}") => file(state, call),
        ("GET", "/commits") => commits(state, call),
        ("GET", "/commits/{ref}") => commit(state, call),
        ("GET", "/compare/{basehead}") => compare(state, call),
        ("GET", "/git/matching-refs/{ref}") => matching_refs(state, call),
        _ => return None,
    })
}

fn branches(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let all: Vec<(&String, &String)> = repo.branches.iter().collect();
    Ok(call.listed(all, |(name, sha)| show::short_branch(state, repo, name, sha)))
}

fn matching_refs(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let start = call.param("ref");
    let all = repo.branches.iter().map(|(name, sha)| (format!("heads/{name}"), sha));
    let found = all.filter(|(name, _)| name.starts_with(start));
    let list = found.map(|(name, sha)| show::reference(state, repo, &name, sha)).collect();
    Ok(Reply::ok(Value::Array(list)))
}

fn branch(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let name = call.param("branch");
    let sha = repo.branches.get(name).ok_or_else(|| Reply::error(404, "Branch not found"))?;
    Ok(Reply::ok(show::branch(state, repo, name, sha)))
}

fn file(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let (path, branch) = (call.param("path"), call.query("ref").unwrap_or(&repo.default_branch));
    let text = repo.files.get(&(branch.to_owned(), path.to_owned()));
    let text = text.ok_or_else(|| Reply::error(404, "Not Found"))?;
    Ok(Reply::ok(show::file(state, repo, branch, path, text)))
}

fn protection(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let name = call.param("branch");
    if !repo.branches.contains_key(name) {
        return Err(Reply::error(404, "Branch not found"));
    }
    let required = repo.protection.get(name).ok_or_else(|| Reply::error(404, "Branch not protected"))?;
    Ok(Reply::ok(show::required_status_checks(state, repo, name, required)))
}

/// A commit and its ancestors by first parent, newest first.
fn history<'a>(repo: &'a Repo, sha: &str) -> Vec<&'a Commit> {
    let mut out: Vec<&Commit> = Vec::new();
    let mut next = repo.commit(sha);
    while let Some(commit) = next {
        if out.iter().any(|seen| seen.sha == commit.sha) {
            break;
        }
        out.push(commit);
        next = commit.parents.first().and_then(|parent| repo.commit(parent));
    }
    out
}

fn commits(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let from = call.query("sha").unwrap_or(&repo.default_branch);
    let sha = repo.resolve(from).ok_or_else(Reply::not_found)?;
    Ok(call.listed(history(repo, &sha), |commit| show::commit(state, repo, commit)))
}

fn commit(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let reference = call.param("ref");
    let found = repo.resolve(reference).and_then(|sha| repo.commit(&sha));
    let commit = found.ok_or_else(|| Reply::error(422, &format!("No commit found for SHA: {reference}")))?;
    let mut body = show::commit(state, repo, commit);
    if let Some(map) = body.as_object_mut() {
        map.insert("stats".into(), json!({ "additions": 12, "deletions": 3, "total": 15 }));
        map.insert("files".into(), json!([]));
    }
    Ok(Reply::ok(body))
}

fn compare(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let basehead = call.param("basehead");
    let (base, head) = basehead.split_once("...").ok_or_else(Reply::not_found)?;
    let base = repo.resolve(base).ok_or_else(Reply::not_found)?;
    let head = repo.resolve(head).ok_or_else(Reply::not_found)?;
    let (old, new) = (history(repo, &base), history(repo, &head));
    let in_list = |list: &[&Commit], sha: &str| list.iter().any(|commit| commit.sha == sha);
    let common = new.iter().find(|commit| in_list(&old, &commit.sha));
    let common = common.copied().ok_or_else(|| Reply::error(404, "No common ancestor"))?;
    let mut ahead: Vec<&Commit> = new.iter().copied().filter(|commit| !in_list(&old, &commit.sha)).collect();
    ahead.reverse();
    let behind = old.iter().filter(|commit| !in_list(&new, &commit.sha)).count();
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (0, _) => "behind",
        (_, 0) => "ahead",
        _ => "diverged",
    };
    let base_commit = repo.commit(&base).ok_or_else(Reply::not_found)?;
    let count = ahead.len();
    let (page, at) = call.page(ahead);
    let web = format!("{}/compare/{base}...{head}", show::html(state, repo));
    let body = json!({
        "url": format!("{}/compare/{base}...{head}", show::url(state, repo)),
        "html_url": web,
        "permalink_url": web,
        "diff_url": format!("{web}.diff"),
        "patch_url": format!("{web}.patch"),
        "base_commit": show::commit(state, repo, base_commit),
        "merge_base_commit": show::commit(state, repo, common),
        "status": status,
        "ahead_by": count,
        "behind_by": behind,
        "total_commits": count,
        "commits": page.iter().map(|commit| show::commit(state, repo, commit)).collect::<Vec<_>>(),
        "files": [],
    });
    Ok(Reply { page: Some(at), ..Reply::ok(body) })
}
