//! Pull requests and comments.

use serde_json::{Value, json};

use super::repos::{html, long, merge, url};
use super::{app, node, time, user};
use crate::github::state::{Comment, Pull, Repo, State};
use crate::github::time::Ts;

/// The form embedded in runs and check runs.
pub fn minimal(state: &State, repo: &Repo, pull: &Pull) -> Value {
    let side = |reference: &str, sha: &str, repo: &Repo| {
        json!({
            "ref": reference,
            "sha": sha,
            "repo": { "id": repo.id, "url": url(state, repo), "name": repo.name },
        })
    };
    let head = pull.head_repo.and_then(|id| state.repo_by_id(id)).unwrap_or(repo);
    json!({
        "url": format!("{}/pulls/{}", url(state, repo), pull.number),
        "id": pull.id,
        "number": pull.number,
        "head": side(&pull.head_ref, &pull.head_sha, head),
        "base": side(&pull.base_ref, &pull.base_sha, repo),
    })
}

/// A label of a repository.
pub fn label(state: &State, repo: &Repo, name: &str) -> Value {
    // One of each name; the number only has to be another for another name.
    let id = name.bytes().fold(208_045_946_u64, |id, byte| id * 3 % 1_000_000_007 + u64::from(byte));
    json!({
        "id": id,
        "node_id": node("LA", id),
        "url": format!("{}/labels/{name}", url(state, repo)),
        "name": name,
        "description": "",
        "color": "ededed",
        "default": false,
    })
}

/// A file that a pull request changes.
pub fn file(state: &State, repo: &Repo, pull: &Pull, name: &str) -> Value {
    let (base, web) = (url(state, repo), html(state, repo));
    json!({
        "sha": pull.head_sha,
        "filename": name,
        "status": "modified",
        "additions": 1,
        "deletions": 1,
        "changes": 2,
        "blob_url": format!("{web}/blob/{}/{name}", pull.head_sha),
        "raw_url": format!("{web}/raw/{}/{name}", pull.head_sha),
        "contents_url": format!("{base}/contents/{name}?ref={}", pull.head_sha),
        "patch": "@@ -1 +1 @@\n-a\n+b",
    })
}

/// The form in lists.
pub fn listed(state: &State, repo: &Repo, pull: &Pull) -> Value {
    let base = url(state, repo);
    let here = format!("{base}/pulls/{}", pull.number);
    let issue = format!("{base}/issues/{}", pull.number);
    let web = format!("{}/pull/{}", html(state, repo), pull.number);
    let statuses = format!("{base}/statuses/{}", pull.head_sha);
    let side = |reference: &str, sha: &str, repo: Option<&Repo>, login: &str| {
        json!({
            "label": format!("{login}:{reference}"),
            "ref": reference,
            "sha": sha,
            "user": user(state, login),
            "repo": repo.map(|repo| long(state, repo)),
        })
    };
    let head_repo = pull.head_repo.and_then(|id| state.repo_by_id(id));
    let head_owner = head_repo.map(|repo| repo.owner.clone()).unwrap_or(pull.author.clone());
    let link = |href: &str| json!({ "href": href });
    let mut out = json!({
        "id": pull.id,
        "node_id": node("PR", pull.id),
        "number": pull.number,
        "url": here,
        "html_url": web,
        "diff_url": format!("{web}.diff"),
        "patch_url": format!("{web}.patch"),
        "issue_url": issue,
        "commits_url": format!("{here}/commits"),
        "review_comments_url": format!("{here}/comments"),
        "review_comment_url": format!("{base}/pulls/comments{{/number}}"),
        "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses,
    });
    let about = json!({
        "state": pull.state,
        "active_lock_reason": null,
        "locked": repo.locked_issues.contains(&pull.number),
        "title": pull.title,
        "user": user(state, &pull.author),
        "body": null,
        "labels": pull.labels.iter().map(|name| label(state, repo, name)).collect::<Vec<_>>(),
        "milestone": null,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "created_at": pull.created.to_string(),
        "updated_at": pull.updated.to_string(),
        "closed_at": time((pull.state == "closed").then_some(pull.updated)),
        "merged_at": time(pull.merged),
        "merge_commit_sha": pull.merge_commit,
        "draft": pull.draft,
    });
    let sides = json!({
        "head": side(&pull.head_ref, &pull.head_sha, head_repo, &head_owner),
        "base": side(&pull.base_ref, &pull.base_sha, Some(repo), &repo.owner),
        "_links": {
            "self": link(&here),
            "html": link(&web),
            "issue": link(&issue),
            "comments": link(&format!("{issue}/comments")),
            "review_comments": link(&format!("{here}/comments")),
            "review_comment": link(&format!("{base}/pulls/comments{{/number}}")),
            "commits": link(&format!("{here}/commits")),
            "statuses": link(&statuses),
        },
        "author_association": "CONTRIBUTOR",
        "auto_merge": null,
    });
    merge(&mut out, about);
    merge(&mut out, sides);
    out
}

/// The whole of it, as from `GET pulls/{number}`.
pub fn full(state: &State, repo: &Repo, pull: &Pull) -> Value {
    let mut out = listed(state, repo, pull);
    let merged = pull.merged.is_some();
    let comments = repo.comments.iter().filter(|comment| comment.issue == pull.number).count();
    merge(
        &mut out,
        json!({
            "merged": merged,
            "mergeable": if merged { Value::Null } else { json!(true) },
            "rebaseable": if merged { Value::Null } else { json!(true) },
            "mergeable_state": if merged { "unknown" } else { "unstable" },
            "merged_by": merged.then(|| user(state, &repo.owner)),
            "comments": comments,
            "review_comments": 0,
            "maintainer_can_modify": false,
            "commits": pull.commits.len(),
            "additions": 12,
            "deletions": 3,
            "changed_files": 2,
        }),
    );
    out
}

/// Something that happened to a pull request: its place among all, its name, and when.
pub fn event(state: &State, repo: &Repo, pull: &Pull, (n, name, at): (usize, &str, Ts)) -> Value {
    let id = pull.id * 1_000 + n as u64;
    json!({
        "id": id,
        "node_id": node("BRCE", id),
        "url": format!("{}/issues/events/{id}", url(state, repo)),
        "actor": user(state, &pull.author),
        "event": name,
        "commit_id": null,
        "commit_url": null,
        "created_at": at.to_string(),
        "performed_via_github_app": null,
    })
}

/// A comment.
pub fn comment(state: &State, repo: &Repo, comment: &Comment) -> Value {
    let base = url(state, repo);
    json!({
        "url": format!("{base}/issues/comments/{}", comment.id),
        "html_url": format!(
            "{}/pull/{}#issuecomment-{}", html(state, repo), comment.issue, comment.id
        ),
        "issue_url": format!("{base}/issues/{}", comment.issue),
        "id": comment.id,
        "node_id": node("IC", comment.id),
        "user": user(state, &comment.author),
        "created_at": comment.created.to_string(),
        "updated_at": comment.updated.to_string(),
        "author_association": "NONE",
        "body": comment.body,
        "performed_via_github_app": comment.app_id.map(|id| app(state, id)),
    })
}
