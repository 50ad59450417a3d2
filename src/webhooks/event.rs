//! What a delivery is about, as far as it tells where to look.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::github::wire;

/// Something happened in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `owner/name`; of [`Kind::Owner`] the owner alone.
    pub repository: String,
    pub kind: Kind,
}

/// What happened. It is a hint: nothing of it is believed, it only says where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pull request was opened, pushed to, retargeted or closed.
    Pull { number: i64, head: String, base: String },
    /// A branch was pushed to; None where it was something else, like a tag.
    Push { branch: Option<String> },
    /// A workflow run was requested, began or ended.
    /// `run` is what the event says of a run that is not finished.
    Run { sha: String, branch: Option<String>, finished: bool, run: Option<Arc<wire::Run>> },
    /// A job began or ended; red if it did not succeed.
    Job { sha: String, red: bool },
    /// A check run or suite of another app than GitHub Actions; green if it has succeeded.
    Check { sha: String, green: bool },
    /// A deployment waits for the answer of an App, about one of these commits.
    Gate { shas: Vec<String> },
    /// A commit status was set.
    Status { sha: String, context: String, state: String },
    /// The repository itself, or what may be read of it, changed.
    Repository,
    /// What may be read of all repositories of an owner changed.
    Owner,
    /// Something that no report depends on.
    Other,
}

/// Why a delivery says nothing that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the body is not JSON, or not that of this event")]
    Body,
    #[error("the body names no repository")]
    NoRepository,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

macro_rules! payload {
    ($($name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct $name { $(#[serde(deserialize_with = "or_default")] $(#[$attr])* $field: $type),* }
    )*};
}

payload! {
    Payload {
        action: String, repository: Repository, number: i64, pull_request: Pull, workflow_run: wire::Run,
        workflow_job: Job, check_run: Check, check_suite: Check, sha: String, context: String, state: String,
        merge_group: Group, deployment: Deployment, pull_requests: Vec<Pull>, repositories_added: Vec<Repository>, repositories_removed: Vec<Repository>,
        #[serde(rename = "ref")]
        reference: String,
        repositories: Vec<Repository>, installation: Installation,
    }
    Repository { full_name: String }
    Pull { number: i64, head: Tip, base: Base }
    Tip { sha: String }
    Base { #[serde(rename = "ref")] name: String }
    Job { head_sha: String, conclusion: Option<String> }
    Check { head_sha: String, app: App, conclusion: Option<String> }
    App { slug: Option<String> }
    Group { head_sha: String, head_ref: String }
    Deployment { sha: String }
    Installation { account: Account }
    Account { login: String }
}

/// Reads a delivery whose signature is right. One delivery may concern several repositories.
pub fn read(event: &str, body: &[u8]) -> Result<Vec<Event>, Unusable> {
    let payload: Payload = serde_json::from_slice(body).map_err(|_| Unusable::Body)?;
    let by_actions = |app: &App| app.slug.as_deref() == Some("github-actions");
    let red = |c: &str| !matches!(c, "success" | "skipped" | "neutral");
    let kind = match event {
        "pull_request" => {
            let number =
                if payload.pull_request.number > 0 { payload.pull_request.number } else { payload.number };
            Kind::Pull { number, head: payload.pull_request.head.sha, base: payload.pull_request.base.name }
        }
        "push" => Kind::Push { branch: payload.reference.strip_prefix("refs/heads/").map(str::to_owned) },
        "workflow_run" => {
            let run = payload.workflow_run;
            let finished = payload.action == "completed" || run.status == "completed";
            Kind::Run {
                sha: run.head_sha.clone(),
                branch: run.head_branch.clone(),
                finished,
                run: (!finished).then(|| Arc::new(run)),
            }
        }
        "workflow_job" => {
            let job = payload.workflow_job;
            Kind::Job { sha: job.head_sha, red: job.conclusion.as_deref().is_some_and(red) }
        }
        // What GitHub Actions does is told by the events of runs and jobs, but for what a workflow says with its
        // own token, which may come after its run. That matters if it is red.
        "check_run"
            if by_actions(&payload.check_run.app)
                && !payload.check_run.conclusion.as_deref().is_some_and(red) =>
        {
            Kind::Other
        }
        "check_suite" if by_actions(&payload.check_suite.app) => Kind::Other,
        "check_run" | "check_suite" => {
            let check = if event == "check_run" { payload.check_run } else { payload.check_suite };
            Kind::Check { sha: check.head_sha, green: check.conclusion.as_deref() == Some("success") }
        }
        // Where to answer, the event says as well; that is nobody's to say but GitHub's API.
        "deployment_protection_rule" => {
            let heads = payload.pull_requests.into_iter().map(|p| p.head.sha);
            let all = std::iter::once(payload.deployment.sha).chain(heads);
            Kind::Gate { shas: all.filter(|sha| !sha.is_empty()).take(10).collect() }
        }
        "status" => Kind::Status { sha: payload.sha, context: payload.context, state: payload.state },
        "merge_group" => Kind::Run {
            sha: payload.merge_group.head_sha,
            branch: payload.merge_group.head_ref.strip_prefix("refs/heads/").map(str::to_owned),
            finished: false,
            run: None,
        },
        "repository" | "public" | "branch_protection_rule" | "repository_ruleset" => Kind::Repository,
        "installation" | "installation_repositories" => {
            let all = [payload.repositories, payload.repositories_added, payload.repositories_removed];
            let named = all.into_iter().flatten().filter(|r| !r.full_name.is_empty());
            let mut events: Vec<Event> =
                named.map(|r| Event { repository: r.full_name, kind: Kind::Repository }).collect();
            // Of an installation that ends, rests or goes on not all of its repositories are named.
            let whole = event == "installation" && payload.action != "created" || events.is_empty();
            let owner = payload.installation.account.login;
            if whole && !owner.is_empty() {
                events = vec![Event { repository: owner, kind: Kind::Owner }];
            }
            return Ok(events);
        }
        _ => Kind::Other,
    };
    match (payload.repository.full_name, kind) {
        (name, kind) if !name.is_empty() => Ok(vec![Event { repository: name, kind }]),
        (_, Kind::Other) => Ok(Vec::new()),
        _ => Err(Unusable::NoRepository),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use serde_json::json;

    use super::*;

    fn kind(event: &str, mut body: serde_json::Value) -> Kind {
        body["repository"] = json!({"full_name": "acme/shop"});
        let events = read(event, body.to_string().as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        events.into_iter().next().unwrap().kind
    }

    #[test]
    fn each_event_says_where_to_look() {
        let sha = "a".repeat(40);
        assert_eq!(
            kind(
                "pull_request",
                json!({"action": "synchronize", "number": 7, "pull_request": {"number": 7, "head": {"sha": sha}, "base": {"ref": "main"}}})
            ),
            Kind::Pull { number: 7, head: sha.clone(), base: "main".into() }
        );
        let run = |action: &str, status: &str| json!({"action": action, "workflow_run": {"id": 5, "head_sha": sha, "head_branch": null, "status": status}});
        let is = |finished| Kind::Run { sha: sha.clone(), branch: None, finished, run: None };
        let Kind::Run { finished: false, run: Some(begun), .. } =
            kind("workflow_run", run("requested", "queued"))
        else {
            panic!("a run that begins is told of")
        };
        assert_eq!((begun.id, begun.status.as_str()), (5, "queued"));
        assert_eq!(
            kind("workflow_run", run("completed", "queued")),
            is(true),
            "a sample of GitHub's says so"
        );
        assert_eq!(
            kind("workflow_run", run("requested", "completed")),
            is(true),
            "a fork that waits for approval"
        );
        for (conclusion, red) in
            [("success", false), ("skipped", false), ("failure", true), ("hatched", true)]
        {
            let body =
                json!({"action": "completed", "workflow_job": {"head_sha": sha, "conclusion": conclusion}});
            assert_eq!(kind("workflow_job", body), Kind::Job { sha: sha.clone(), red });
        }
        for event in ["check_run", "check_suite"] {
            let of =
                |app: &str| json!({"action": "completed", event: {"head_sha": sha, "app": {"slug": app}}});
            assert_eq!(kind(event, of("github-actions")), Kind::Other);
            assert_eq!(kind(event, of("codecov")), Kind::Check { sha: sha.clone(), green: false });
            assert_eq!(
                kind(event, json!({event: {"head_sha": sha, "app": null, "conclusion": "success"}})),
                Kind::Check { sha: sha.clone(), green: true }
            );
        }
        let of_token = json!({"action": "completed", "check_run": {"head_sha": sha, "conclusion": "failure", "app": {"slug": "github-actions"}}});
        assert_eq!(kind("check_run", of_token), Kind::Check { sha: sha.clone(), green: false });
        assert_eq!(
            kind("status", json!({"sha": sha, "context": "ci/x", "state": "pending"})),
            Kind::Status { sha: sha.clone(), context: "ci/x".into(), state: "pending".into() }
        );
        assert_eq!(
            kind(
                "merge_group",
                json!({"action": "checks_requested", "merge_group": {"head_sha": sha, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7"}})
            ),
            Kind::Run {
                sha: sha.clone(),
                branch: Some("gh-readonly-queue/main/pr-7".into()),
                finished: false,
                run: None
            }
        );
        let gate = json!({"action": "requested", "environment": "production",
            "deployment_callback_url": "https://evil.example/", "deployment": {"sha": sha},
            "pull_requests": [{"number": 7, "head": {"sha": "b".repeat(40)}}]});
        let shas = vec![sha.clone(), "b".repeat(40)];
        assert_eq!(kind("deployment_protection_rule", gate), Kind::Gate { shas });
        let push = |name: &str| kind("push", json!({"ref": name, "after": sha}));
        assert_eq!(push("refs/heads/a/b"), Kind::Push { branch: Some("a/b".into()) });
        assert_eq!(push("refs/tags/v1"), Kind::Push { branch: None });
        assert_eq!(kind("star", json!({"action": "created"})), Kind::Other);
    }

    #[test]
    fn an_installation_names_its_repositories() {
        let body = json!({"action": "added", "repositories_added": [{"full_name": "a/b"}, {"full_name": "a/c"}], "repositories_removed": null});
        let events = read("installation_repositories", body.to_string().as_bytes()).unwrap();
        assert_eq!(events.iter().map(|e| e.repository.as_str()).collect::<Vec<_>>(), ["a/b", "a/c"]);
    }

    #[test]
    fn an_installation_that_rests_or_ends_concerns_all_of_its_owner() {
        let owner = vec![Event { repository: "acme".into(), kind: Kind::Owner }];
        for action in ["suspend", "unsuspend", "deleted", "new_permissions_accepted"] {
            let mut body = json!({"action": action, "installation": {"id": 1, "account": {"login": "acme"}}});
            assert_eq!(read("installation", body.to_string().as_bytes()), Ok(owner.clone()), "{action}");
            body["repositories"] = json!([{"full_name": "acme/shop"}]);
            assert_eq!(read("installation", body.to_string().as_bytes()), Ok(owner.clone()), "{action}");
        }
        let body = json!({"action": "created", "installation": {"account": {"login": "acme"}},
            "repositories": [{"full_name": "acme/shop"}]});
        let named = vec![Event { repository: "acme/shop".into(), kind: Kind::Repository }];
        assert_eq!(read("installation", body.to_string().as_bytes()), Ok(named));
        let all = json!({"action": "added", "repositories_added": [], "installation": {"account": {"login": "acme"}}});
        assert_eq!(read("installation_repositories", all.to_string().as_bytes()), Ok(owner));
        let nobody = json!({"action": "deleted", "installation": {"account": null}});
        assert_eq!(read("installation", nobody.to_string().as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        assert_eq!(read("workflow_run", b"{"), Err(Unusable::Body));
        assert_eq!(read("workflow_run", b"[1]"), Err(Unusable::Body));
        assert_eq!(read("workflow_run", br#"{"repository": null}"#), Err(Unusable::NoRepository));
        assert_eq!(read("ping", br#"{"zen": "x"}"#), Ok(Vec::new()));
        let deep = "[".repeat(100_000);
        assert_eq!(read("workflow_run", deep.as_bytes()), Err(Unusable::Body));
    }
}
