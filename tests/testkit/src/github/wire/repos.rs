//! Repositories, branches, commits, rules.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{node, user};
use crate::github::state::{Commit, Repo, RequiredCheck, State};

/// API base of a repository.
pub fn url(state: &State, repo: &Repo) -> String {
    format!("{}/repos/{}/{}", state.urls.api, repo.owner, repo.name)
}

/// Web base of a repository.
pub fn html(state: &State, repo: &Repo) -> String {
    format!("{}/{}/{}", state.urls.html, repo.owner, repo.name)
}

/// The short form that other objects embed.
pub fn minimal(state: &State, repo: &Repo) -> Value {
    let url = url(state, repo);
    let mut out = json!({
        "id": repo.id,
        "node_id": node("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name(),
        "private": repo.private,
        "owner": user(state, &repo.owner),
        "html_url": html(state, repo),
        "description": null,
        "fork": repo.fork,
        "url": url,
    });
    if let Some(map) = out.as_object_mut() {
        for (name, path) in LINKS {
            map.insert((*name).to_owned(), Value::String(format!("{url}/{path}")));
        }
    }
    out
}

const LINKS: &[(&str, &str)] = &[
    ("archive_url", "{archive_format}{/ref}"),
    ("assignees_url", "assignees{/user}"),
    ("blobs_url", "git/blobs{/sha}"),
    ("branches_url", "branches{/branch}"),
    ("collaborators_url", "collaborators{/collaborator}"),
    ("comments_url", "comments{/number}"),
    ("commits_url", "commits{/sha}"),
    ("compare_url", "compare/{base}...{head}"),
    ("contents_url", "contents/{+path}"),
    ("contributors_url", "contributors"),
    ("deployments_url", "deployments"),
    ("downloads_url", "downloads"),
    ("events_url", "events"),
    ("forks_url", "forks"),
    ("git_commits_url", "git/commits{/sha}"),
    ("git_refs_url", "git/refs{/sha}"),
    ("git_tags_url", "git/tags{/sha}"),
    ("hooks_url", "hooks"),
    ("issue_comment_url", "issues/comments{/number}"),
    ("issue_events_url", "issues/events{/number}"),
    ("issues_url", "issues{/number}"),
    ("keys_url", "keys{/key_id}"),
    ("labels_url", "labels{/name}"),
    ("languages_url", "languages"),
    ("merges_url", "merges"),
    ("milestones_url", "milestones{/number}"),
    ("notifications_url", "notifications{?since,all,participating}"),
    ("pulls_url", "pulls{/number}"),
    ("releases_url", "releases{/id}"),
    ("stargazers_url", "stargazers"),
    ("statuses_url", "statuses/{sha}"),
    ("subscribers_url", "subscribers"),
    ("subscription_url", "subscription"),
    ("tags_url", "tags"),
    ("teams_url", "teams"),
    ("trees_url", "git/trees{/sha}"),
];

/// The long form, as embedded in pull requests and listed for installations.
pub fn long(state: &State, repo: &Repo) -> Value {
    let mut out = minimal(state, repo);
    let html = html(state, repo);
    let more = json!({
        "clone_url": format!("{html}.git"),
        "git_url": format!("git://git.invalid/{}.git", repo.full_name()),
        "ssh_url": format!("git@git.invalid:{}.git", repo.full_name()),
        "svn_url": html,
        "default_branch": repo.default_branch,
        "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
        "open_issues": 0, "open_issues_count": 0, "size": 108,
        "has_downloads": true, "has_issues": true, "has_projects": true, "has_wiki": true,
        "has_pages": false, "has_discussions": false,
        "homepage": null, "topics": [], "is_template": false, "language": null, "license": null, "mirror_url": null,
        "archived": repo.archived, "disabled": false,
        "visibility": if repo.private { "private" } else { "public" },
        "pushed_at": repo.created.to_string(),
        "created_at": repo.created.to_string(),
        "updated_at": repo.created.to_string(),
    });
    merge(&mut out, more);
    out
}

/// The whole of it, as from `GET /repos/{owner}/{repo}`.
pub fn full(state: &State, repo: &Repo) -> Value {
    let mut out = long(state, repo);
    merge(&mut out, json!({ "network_count": 0, "subscribers_count": 1 }));
    out
}

pub(super) fn merge(target: &mut Value, more: Value) {
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
}

/// The short commit of runs and suites.
pub fn head_commit(repo: &Repo, sha: &str) -> Value {
    let Some(commit) = repo.commit(sha) else {
        return Value::Null;
    };
    let person = json!({ "name": commit.author, "email": email(&commit.author) });
    json!({
        "id": commit.sha,
        "tree_id": tree(commit),
        "message": commit.message,
        "timestamp": commit.time.to_string(),
        "author": person,
        "committer": person,
    })
}

/// What a push to a branch says; without a commit after it the branch is gone.
pub fn pushed(state: &State, repo: &Repo, branch: &str, before: Option<&str>, after: Option<&str>) -> Value {
    let none = "0".repeat(40);
    let head = after.and_then(|sha| repo.commit(sha)).map_or(Value::Null, |commit| {
        let mut head = head_commit(repo, &commit.sha);
        let url = format!("{}/commit/{}", html(state, repo), commit.sha);
        merge(&mut head, json!({ "distinct": true, "url": url, "added": [], "removed": [], "modified": [] }));
        head
    });
    let commits: Vec<&Value> = Some(&head).filter(|head| !head.is_null()).into_iter().collect();
    json!({
        "ref": format!("refs/heads/{branch}"),
        "before": before.unwrap_or(&none),
        "after": after.unwrap_or(&none),
        "created": before.is_none(),
        "deleted": after.is_none(),
        "forced": false,
        "base_ref": null,
        "compare": format!("{}/compare/{branch}", html(state, repo)),
        "commits": commits,
        "head_commit": head,
        "pusher": { "name": repo.owner, "email": email(&repo.owner) },
    })
}

/// A file, its text in lines of sixty characters.
pub fn file(state: &State, repo: &Repo, branch: &str, path: &str, text: &str) -> Value {
    let name = path.rsplit('/').next().unwrap_or(path);
    let sha = crate::github::edit::sha_of(text);
    let (api, html) = (url(state, repo), html(state, repo));
    let (own, git) = (format!("{api}/contents/{path}?ref={branch}"), format!("{api}/git/blobs/{sha}"));
    let shown = format!("{html}/blob/{branch}/{path}");
    let packed = STANDARD.encode(text);
    let lines: Vec<&str> = packed.as_bytes().chunks(60).filter_map(|l| std::str::from_utf8(l).ok()).collect();
    json!({
        "type": "file", "encoding": "base64", "size": text.len(), "name": name, "path": path,
        "content": lines.join("\n") + "\n", "sha": sha, "url": own, "git_url": git, "html_url": shown,
        "download_url": format!("{html}/raw/{branch}/{path}"),
        "_links": {"self": own, "git": git, "html": shown},
    })
}

fn email(login: &str) -> String {
    format!("{}@users.example.com", login.trim_end_matches("[bot]"))
}

fn tree(commit: &Commit) -> String {
    crate::github::edit::sha_of(&format!("tree {}", commit.sha))
}

/// A commit.
pub fn commit(state: &State, repo: &Repo, commit: &Commit) -> Value {
    let base = url(state, repo);
    let here = format!("{base}/commits/{}", commit.sha);
    let person = json!({
        "name": commit.author, "email": email(&commit.author), "date": commit.time.to_string(),
    });
    let parents: Vec<Value> = commit
        .parents
        .iter()
        .map(|sha| {
            json!({
                "sha": sha,
                "url": format!("{base}/commits/{sha}"),
                "html_url": format!("{}/commit/{sha}", html(state, repo)),
            })
        })
        .collect();
    json!({
        "sha": commit.sha,
        "node_id": format!("C_{}", commit.sha),
        "url": here,
        "html_url": format!("{}/commit/{}", html(state, repo), commit.sha),
        "comments_url": format!("{here}/comments"),
        "commit": {
            "url": format!("{base}/git/commits/{}", commit.sha),
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": { "sha": tree(commit), "url": format!("{base}/git/trees/{}", tree(commit)) },
            "comment_count": 0,
            "verification": {
                "verified": false, "reason": "unsigned", "signature": null, "payload": null,
                "verified_at": null,
            },
        },
        "author": user(state, &commit.author),
        "committer": user(state, &commit.author),
        "parents": parents,
    })
}

/// A branch with its protection.
pub fn branch(state: &State, repo: &Repo, name: &str, sha: &str) -> Value {
    let base = url(state, repo);
    let commit = repo.commit(sha).map(|found| commit(state, repo, found)).unwrap_or_default();
    let required = repo.protection.get(name);
    let contexts: Vec<&str> = required.into_iter().flatten().map(|check| check.context.as_str()).collect();
    let mut protection = json!({ "enabled": required.is_some() });
    if let Some(required) = required {
        merge(
            &mut protection,
            json!({ "required_status_checks": {
                "enforcement_level": "everyone", "contexts": contexts, "checks": checks(required),
            } }),
        );
    }
    json!({
        "name": name,
        "commit": commit,
        "_links": {
            "html": format!("{}/tree/{name}", html(state, repo)),
            "self": format!("{base}/branches/{name}"),
        },
        "protected": required.is_some() || repo.rules.contains_key(name),
        "protection": protection,
        "protection_url": format!("{base}/branches/{name}/protection"),
    })
}

/// A branch in a list.
pub fn short_branch(state: &State, repo: &Repo, name: &str, sha: &str) -> Value {
    json!({
        "name": name,
        "commit": { "sha": sha, "url": format!("{}/commits/{sha}", url(state, repo)) },
        "protected": repo.protection.contains_key(name) || repo.rules.contains_key(name),
    })
}

/// A git reference by its name without `refs/`.
pub fn reference(state: &State, repo: &Repo, name: &str, sha: &str) -> Value {
    let base = url(state, repo);
    json!({
        "ref": format!("refs/{name}"),
        "node_id": node("REF", repo.id),
        "url": format!("{base}/git/refs/{name}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{base}/git/commits/{sha}") },
    })
}

fn checks(required: &[RequiredCheck]) -> Vec<Value> {
    required.iter().map(|check| json!({ "context": check.context, "app_id": check.app_id })).collect()
}

/// Classic protection: the required status checks of a branch.
pub fn required_status_checks(state: &State, repo: &Repo, branch: &str, required: &[RequiredCheck]) -> Value {
    let here = format!("{}/branches/{branch}/protection/required_status_checks", url(state, repo));
    json!({
        "url": here,
        "contexts_url": format!("{here}/contexts"),
        "strict": false,
        "contexts": required.iter().map(|check| check.context.as_str()).collect::<Vec<_>>(),
        "checks": checks(required),
    })
}

/// Active rules of a branch.
pub fn rules(repo: &Repo, branch: &str) -> Vec<Value> {
    let Some(required) = repo.rules.get(branch) else {
        return Vec::new();
    };
    let checks: Vec<Value> = required
        .iter()
        .map(|check| {
            let mut out = Map::new();
            out.insert("context".into(), json!(check.context));
            if let Some(app) = check.app_id {
                out.insert("integration_id".into(), json!(app));
            }
            Value::Object(out)
        })
        .collect();
    vec![json!({
        "type": "required_status_checks",
        "ruleset_source_type": "Repository",
        "ruleset_source": repo.full_name(),
        "ruleset_id": repo.id + 1,
        "parameters": {
            "strict_required_status_checks_policy": false,
            "do_not_enforce_on_create": false,
            "required_status_checks": checks,
        },
    })]
}
