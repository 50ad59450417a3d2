//! Pull requests and comments.

use serde_json::Value;

use super::{Answer, Call, Reply};
use crate::github::state::{Comment, Pull, Repo, State};
use crate::github::wire::{pulls as show, repos as show_repos};

/// The longest body of a comment.
const COMMENT_MAX: usize = 65_536;

/// Answers requests below `/repos/{owner}/{repo}` that are of this subject.
pub(super) fn serve(state: &mut State, method: &str, rest: &str, call: &Call<'_>) -> Option<Answer> {
    Some(match (method, rest) {
        ("GET", "/pulls") => list(state, call),
        ("GET", "/pulls/{pull_number}") => get(state, call),
        ("GET", "/pulls/{pull_number}/commits") => commits(state, call),
        ("GET", "/pulls/{pull_number}/files") => files(state, call),
        ("GET", "/commits/{commit_sha}/pulls") => of_commit(state, call),
        ("GET", "/issues/{issue_number}/events") => events(state, call),
        ("GET", "/issues/{issue_number}/comments") => comments(state, call),
        ("POST", "/issues/{issue_number}/comments") => create_comment(state, call),
        ("GET", "/issues/comments/{comment_id}") => get_comment(state, call),
        ("PATCH", "/issues/comments/{comment_id}") => update_comment(state, call),
        ("DELETE", "/issues/comments/{comment_id}") => delete_comment(state, call),
        _ => return None,
    })
}

fn pull(repo: &Repo, number: u64) -> Result<&Pull, Reply> {
    repo.pulls.iter().find(|pull| pull.number == number).ok_or_else(Reply::not_found)
}

fn list(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let wanted = call.query("state").unwrap_or("open");
    let head_of = |pull: &Pull| {
        let owner = pull.head_repo.and_then(|id| state.repo_by_id(id)).map(|repo| repo.owner.clone());
        format!("{}:{}", owner.unwrap_or_default(), pull.head_ref)
    };
    let mut all: Vec<&Pull> = repo
        .pulls
        .iter()
        .filter(|pull| wanted == "all" || pull.state == wanted)
        .filter(|pull| call.query("base").is_none_or(|base| base == pull.base_ref))
        .filter(|pull| call.query("head").is_none_or(|head| head == head_of(pull)))
        .collect();
    all.reverse();
    Ok(call.listed(all, |pull| show::listed(state, repo, pull)))
}

fn get(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let pull = pull(repo, call.id("pull_number")?)?;
    Ok(Reply::ok(show::full(state, repo, pull)))
}

fn events(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let pull = pull(repo, call.id("issue_number")?)?;
    let all: Vec<_> = pull.events.iter().enumerate().collect();
    Ok(call.listed(all, |(n, (event, at))| show::event(state, repo, pull, (*n, event, *at))))
}

fn commits(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let pull = pull(repo, call.id("pull_number")?)?;
    let all: Vec<_> = pull.commits.iter().filter_map(|sha| repo.commit(sha)).collect();
    Ok(call.listed(all, |commit| show_repos::commit(state, repo, commit)))
}

/// GitHub lists no more than so many.
const MOST_FILES: usize = 3_000;

fn files(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let pull = pull(repo, call.id("pull_number")?)?;
    let all: Vec<&String> = pull.files.iter().take(MOST_FILES).collect();
    Ok(call.listed(all, |name| show::file(state, repo, pull, name)))
}

fn of_commit(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let sha = call.param("commit_sha");
    let sha =
        repo.resolve(sha).ok_or_else(|| Reply::error(422, &format!("No commit found for SHA: {sha}")))?;
    let all: Vec<&Pull> = repo.pulls.iter().filter(|pull| pull.commits.contains(&sha)).collect();
    Ok(call.listed(all, |pull| show::listed(state, repo, pull)))
}

fn comments(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    let number = call.id("issue_number")?;
    pull(repo, number)?;
    let all: Vec<&Comment> = repo.comments.iter().filter(|comment| comment.issue == number).collect();
    Ok(call.listed(all, |comment| show::comment(state, repo, comment)))
}

fn checked_body(call: &Call<'_>) -> Result<String, Reply> {
    let body = call.text("body").unwrap_or_default();
    if body.trim().is_empty() {
        return Err(Reply::error(422, "Validation Failed: body can't be blank"));
    }
    if body.chars().count() > COMMENT_MAX {
        return Err(Reply::error(422, "Validation Failed: body is too long (maximum is 65536 characters)"));
    }
    Ok(body.to_owned())
}

fn create_comment(state: &mut State, call: &Call<'_>) -> Answer {
    let now = state.now;
    let number = call.id("issue_number")?;
    let (author, app_id) = (call.principal.login(state), call.principal.app_id());
    let id = state.fresh_id();
    let repo = call.repo_mut(state)?;
    pull(repo, number)?;
    if repo.locked_issues.contains(&number) {
        return Err(Reply::error(403, "Unable to create comment because issue is locked."));
    }
    let body = checked_body(call)?;
    let comment = Comment { id, issue: number, author, body, app_id, created: now, updated: now };
    repo.comments.push(comment.clone());
    let repo = call.repo(state)?;
    let mut reply = Reply::json(201, show::comment(state, repo, &comment));
    reply.location =
        reply.body.as_ref().and_then(|body| body.get("url")).and_then(Value::as_str).map(str::to_owned);
    Ok(reply)
}

fn find_comment<'a>(repo: &'a Repo, call: &Call<'_>) -> Result<&'a Comment, Reply> {
    let id = call.id("comment_id")?;
    repo.comments.iter().find(|comment| comment.id == id).ok_or_else(Reply::not_found)
}

fn get_comment(state: &State, call: &Call<'_>) -> Answer {
    let repo = call.repo(state)?;
    Ok(Reply::ok(show::comment(state, repo, find_comment(repo, call)?)))
}

/// Comments are changed by who wrote them; a repository's administrator is not played.
fn own(state: &State, call: &Call<'_>) -> Result<u64, Reply> {
    let comment = find_comment(call.repo(state)?, call)?;
    if comment.author != call.principal.login(state) {
        return Err(Reply::error(403, "Resource not accessible by integration"));
    }
    Ok(comment.id)
}

fn update_comment(state: &mut State, call: &Call<'_>) -> Answer {
    let now = state.now;
    let id = own(state, call)?;
    let body = checked_body(call)?;
    let repo = call.repo_mut(state)?;
    for comment in repo.comments.iter_mut().filter(|comment| comment.id == id) {
        comment.body = body.clone();
        comment.updated = now;
    }
    get_comment(state, call)
}

fn delete_comment(state: &mut State, call: &Call<'_>) -> Answer {
    let id = own(state, call)?;
    call.repo_mut(state)?.comments.retain(|comment| comment.id != id);
    Ok(Reply::empty(204))
}
