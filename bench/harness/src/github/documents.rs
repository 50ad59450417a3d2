//! GitHub's JSON in full length, so that reading it costs what it costs in earnest.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::template::{Hole, Template};
use super::world::{Commit, Job, Outcome, Size, World};

const WORKFLOW_NAMES: [&str; 2] = ["CI", "End to end"];
const WORKFLOW_PATHS: [&str; 2] = [".github/workflows/ci.yml", ".github/workflows/e2e.yml"];
const STEPS: [&str; 8] = [
    "Set up job", "Run actions/checkout@v5", "Run actions/setup-go@v6", "Restore the cache", "Build",
    "Run the tests", "Post Run actions/checkout@v5", "Complete job",
];
/// The step that fails in a job that fails.
const FAILING_STEP: usize = 5;
/// Seconds from the start of CI to its end.
const DURATION: i64 = 600;

/// Every kind of document.
#[derive(Debug)]
pub(super) struct Documents {
    repository: Template,
    pull: Template,
    commit: Template,
    branch: Template,
    run: Template,
    job: Template,
    check_run: Template,
    artifact: Template,
    /// When CI of commits that were never moved began.
    start: i64,
}

/// A commit with what is needed to write about it.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub world: &'a World,
    pub commit: Commit,
}

impl Documents {
    /// `now` in seconds since 1970: CI of all commits ended a while ago.
    pub fn new(now: i64) -> Self {
        let repository = repository();
        Self {
            repository: Template::of(&full_repository()),
            pull: Template::of(&pull(&repository)),
            commit: Template::of(&commit()),
            branch: Template::of(&branch()),
            run: Template::of(&run(&repository)),
            job: Template::of(&job()),
            check_run: Template::of(&check_run()),
            artifact: Template::of(&artifact()),
            start: now - 3600,
        }
    }

    pub fn repository(&self, about: About<'_>, out: &mut String) {
        self.repository.write(out, |hole, out| self.fill(about, None, hole, out));
    }

    pub fn pull(&self, about: About<'_>, out: &mut String) {
        self.pull.write(out, |hole, out| self.fill(about, None, hole, out));
    }

    pub fn commit(&self, about: About<'_>, out: &mut String) {
        self.commit.write(out, |hole, out| self.fill(about, None, hole, out));
    }

    pub fn branch(&self, about: About<'_>, out: &mut String) {
        self.branch.write(out, |hole, out| self.fill(about, None, hole, out));
    }

    pub fn run(&self, about: About<'_>, workflow: usize, out: &mut String) {
        self.run.write(out, |hole, out| self.fill(about, Some((workflow, None)), hole, out));
    }

    /// What GitHub delivers to webhooks when the run of a workflow has ended.
    pub fn delivery(&self, about: About<'_>, workflow: usize, out: &mut String) {
        out.push_str(r#"{"action":"completed","workflow_run":"#);
        self.run(about, workflow, out);
        out.push_str(r#","repository":"#);
        self.repository(about, out);
        out.push_str(r#","sender":{"login":"octocat","id":583231,"type":"User"}}"#);
    }

    pub fn job(&self, about: About<'_>, workflow: usize, job: Job, out: &mut String) {
        self.job.write(out, |hole, out| self.fill(about, Some((workflow, Some(job))), hole, out));
    }

    pub fn check_run(&self, about: About<'_>, workflow: usize, job: Job, out: &mut String) {
        self.check_run.write(out, |hole, out| self.fill(about, Some((workflow, Some(job))), hole, out));
    }

    /// One artifact of a run.
    pub fn artifact(&self, about: About<'_>, workflow: usize, out: &mut String) {
        self.artifact.write(out, |hole, out| self.fill(about, Some((workflow, None)), hole, out));
    }

    fn fill(
        &self,
        about: About<'_>,
        at: Option<(usize, Option<Job>)>,
        hole: Hole,
        out: &mut String,
    ) -> std::fmt::Result {
        let About { world, commit } = about;
        let repository = world.repository(commit.number);
        let workflow = at.map_or(0, |a| a.0);
        let job = at.and_then(|a| a.1);
        let outcome = job.map_or_else(|| commit.outcome(workflow), |j| j.outcome);
        match hole {
            Hole::Repository => write!(out, "octo-org/service-{repository:03}"),
            Hole::RepositoryId => write!(out, "{}", 700_000 + repository),
            Hole::Owner => out.write_str("octo-org"),
            Hole::Sha => out.write_str(&commit.sha()),
            Hole::Number => write!(out, "{}", u64::from(commit.number) + 1),
            Hole::Branch if World::is_base(commit.number) => out.write_str("main"),
            Hole::Branch => write!(out, "feature-{}", commit.number),
            Hole::Run => write!(out, "{}", commit.run(workflow)),
            Hole::RunNumber => write!(out, "{}", commit.number % 100_000),
            Hole::Attempt => {
                let attempt = job.map_or_else(|| commit.attempt(workflow), |j| j.attempt);
                write!(out, "{attempt}")
            }
            Hole::Workflow => out.write_str(WORKFLOW_NAMES.get(workflow).copied().unwrap_or_default()),
            Hole::WorkflowId => write!(out, "{}", 9_100 + workflow),
            Hole::Path => out.write_str(WORKFLOW_PATHS.get(workflow).copied().unwrap_or_default()),
            Hole::Event if World::is_base(commit.number) => out.write_str("push"),
            Hole::Event => out.write_str("pull_request"),
            Hole::Status => out.write_str(outcome.status()),
            Hole::Conclusion => out.write_str(outcome.conclusion()),
            Hole::Created => self.time(commit, 0, out),
            Hole::Updated => self.time(commit, DURATION, out),
            Hole::Job => write!(out, "{}", id_of(commit, workflow, job)),
            Hole::Name => match job {
                Some(job) => out.write_str(&world.size.job_name(workflow, job.index)),
                None => Ok(()),
            },
            Hole::Started => self.time(commit, 10, out),
            Hole::Completed if matches!(outcome, Outcome::Running | Outcome::Queued) => out.write_str("null"),
            Hole::Completed => {
                let seconds = job.map_or(DURATION, |j| 60 + (j.index as i64 * 7) % (DURATION - 70));
                out.push('"');
                self.time(commit, seconds, out)?;
                out.push('"');
                Ok(())
            }
            Hole::Steps => self.steps(commit, outcome, out),
            Hole::Annotations => out.write_str(if outcome == Outcome::Failure { "1" } else { "0" }),
        }
    }

    /// What was moved has ended a minute before, so that it needs no more settling.
    fn time(&self, commit: Commit, seconds: i64, out: &mut String) -> std::fmt::Result {
        let start = if commit.moved == 0 { self.start } else { commit.moved - 60 - DURATION };
        let time = Timestamp::from_second(start).unwrap_or_default() + SignedDuration::from_secs(seconds);
        write!(out, "{time}")
    }

    fn steps(&self, commit: Commit, outcome: Outcome, out: &mut String) -> std::fmt::Result {
        out.push('[');
        let begun = !matches!(outcome, Outcome::Queued | Outcome::Skipped);
        for (at, name) in STEPS.iter().enumerate().filter(|_| begun) {
            let (status, conclusion) = match outcome {
                Outcome::Failure if at == FAILING_STEP => ("completed", "\"failure\""),
                Outcome::Running if at == FAILING_STEP => ("in_progress", "null"),
                Outcome::Running if at > FAILING_STEP => ("pending", "null"),
                Outcome::Cancelled if at == FAILING_STEP => ("completed", "\"cancelled\""),
                _ => ("completed", "\"success\""),
            };
            if at > 0 {
                out.push(',');
            }
            write!(
                out,
                r#"{{"name":"{name}","status":"{status}","conclusion":{conclusion},"number":{},"started_at":""#,
                at + 1
            )?;
            self.time(commit, 10 + at as i64, out)?;
            out.push_str(r#"","completed_at":""#);
            self.time(commit, 11 + at as i64, out)?;
            out.push_str("\"}");
        }
        out.push(']');
        Ok(())
    }
}

fn id_of(commit: Commit, workflow: usize, job: Option<Job>) -> u64 {
    let job = job.map_or(0, |j| j.index as u64 + u64::from(j.attempt - 1) * 5_000);
    commit.run(workflow) * 10_000 + job
}

/// Jobs of all workflows of a commit, with the workflow of each.
pub(super) fn jobs_of(commit: Commit, size: Size) -> Vec<(usize, Job)> {
    (0..super::world::WORKFLOWS).flat_map(|w| commit.jobs(w, size).into_iter().map(move |j| (w, j))).collect()
}

fn urls(base: &str, names: &[&str], of: &mut Value) {
    if let Some(object) = of.as_object_mut() {
        for name in names {
            let tail = name.trim_end_matches("_url");
            object.insert((*name).to_owned(), json!(format!("{base}/{tail}{{/id}}")));
        }
    }
}

fn user(login: &str) -> Value {
    let mut user = json!({
        "login": login, "id": 583231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "gravatar_id": "", "type": "User",
        "user_view_type": "public", "site_admin": false,
        "avatar_url": "https://avatars.example.com/u/583231?v=4", "url": format!("https://api.example.com/users/{login}"),
        "html_url": format!("https://github.example.com/{login}"),
    });
    urls(
        &format!("https://api.example.com/users/{login}"),
        &[
            "followers_url", "following_url", "gists_url", "starred_url", "subscriptions_url",
            "organizations_url", "repos_url", "events_url", "received_events_url",
        ],
        &mut user,
    );
    user
}

/// A repository as it appears inside of other documents.
fn repository() -> Value {
    let mut repository = json!({
        "id": "<#repository_id>", "node_id": "MDEwOlJlcG9zaXRvcnkxMjk2MjY5", "name": "service", "full_name": "<repository>",
        "private": false, "owner": user("octo-org"), "html_url": "https://github.example.com/<repository>",
        "description": "A service", "fork": false, "url": "https://api.example.com/repos/<repository>",
    });
    urls(
        "https://api.example.com/repos/<repository>",
        &[
            "forks_url", "keys_url", "collaborators_url", "teams_url", "hooks_url", "issue_events_url",
            "events_url", "assignees_url", "branches_url", "tags_url", "blobs_url", "git_tags_url",
            "git_refs_url", "trees_url", "statuses_url", "languages_url", "stargazers_url",
            "contributors_url", "subscribers_url", "subscription_url", "commits_url", "git_commits_url",
            "comments_url", "issue_comment_url", "contents_url", "compare_url", "merges_url", "archive_url",
            "downloads_url", "issues_url", "pulls_url", "milestones_url", "notifications_url", "labels_url",
            "releases_url", "deployments_url",
        ],
        &mut repository,
    );
    repository
}

fn full_repository() -> Value {
    let mut full = repository();
    if let (Some(object), Some(more)) = (
        full.as_object_mut(),
        json!({"default_branch": "main", "visibility": "public", "archived": false, "disabled": false, "size": 108,
            "stargazers_count": 80, "watchers_count": 80, "language": "Go", "has_issues": true, "forks_count": 9,
            "open_issues_count": 0, "topics": ["service"], "pushed_at": "<updated>", "created_at": "<created>",
            "permissions": {"admin": false, "push": false, "pull": true}})
        .as_object(),
    ) {
        object.extend(more.clone());
    }
    full
}

fn pull(repository: &Value) -> Value {
    let mut base = repository.clone();
    if let Some(object) = base.as_object_mut() {
        object.insert("default_branch".to_owned(), json!("main"));
    }
    json!({
        "url": "https://api.example.com/repos/<repository>/pulls/<number>", "id": "<#number>", "number": "<#number>",
        "html_url": "https://github.example.com/<repository>/pull/<number>", "state": "open", "locked": false,
        "title": "Change <number> of the service", "user": user("octocat"), "body": "Makes it better.", "draft": false,
        "head": {"label": "octo-org:<branch>", "ref": "<branch>", "sha": "<sha>", "user": user("octo-org"), "repo": base},
        "base": {"label": "octo-org:main", "ref": "main", "sha": "0000000000000000000000000000000000000001",
            "user": user("octo-org"), "repo": base},
        "created_at": "<created>", "updated_at": "<updated>", "mergeable": true, "mergeable_state": "clean",
        "commits": 1, "additions": 10, "deletions": 2, "changed_files": 3, "assignees": [], "labels": [],
        "requested_reviewers": [], "requested_teams": [], "milestone": null, "merged": false,
    })
}

fn commit() -> Value {
    let person = json!({"name": "Octo Cat", "email": "octocat@example.com", "date": "<created>"});
    json!({
        "sha": "<sha>", "node_id": "MDY6Q29tbWl0", "url": "https://api.example.com/repos/<repository>/commits/<sha>",
        "html_url": "https://github.example.com/<repository>/commit/<sha>", "author": user("octocat"),
        "committer": user("octocat"), "parents": [], "stats": {"additions": 10, "deletions": 2, "total": 12},
        "commit": {"author": person, "committer": person, "message": "Change the service", "comment_count": 0},
        "files": [],
    })
}

fn branch() -> Value {
    json!({
        "name": "main", "commit": commit(), "protected": true,
        "protection": {"enabled": true, "required_status_checks": {"enforcement_level": "non_admins", "contexts": ["lint"],
            "checks": [{"context": "lint", "app_id": 15368}]}},
        "protection_url": "https://api.example.com/repos/<repository>/branches/main/protection",
    })
}

fn run(repository: &Value) -> Value {
    let mut run = json!({
        "id": "<#run>", "name": "<workflow>", "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==", "head_branch": "<branch>",
        "head_sha": "<sha>", "path": "<path>", "display_title": "Change of the service", "run_number": "<#run_number>",
        "event": "<event>", "status": "<status>", "conclusion": "<#conclusion>", "workflow_id": "<#workflow_id>",
        "check_suite_id": "<#run>", "check_suite_node_id": "MDEwOkNoZWNrU3VpdGU0Mg==",
        "url": "https://api.example.com/repos/<repository>/actions/runs/<run>",
        "html_url": "https://github.example.com/<repository>/actions/runs/<run>", "pull_requests": [],
        "created_at": "<created>", "updated_at": "<updated>", "run_started_at": "<created>",
        "run_attempt": "<#attempt>", "referenced_workflows": [], "actor": user("octocat"),
        "triggering_actor": user("octocat"), "previous_attempt_url": null,
        "head_commit": {"id": "<sha>", "tree_id": "<sha>", "message": "Change the service", "timestamp": "<created>",
            "author": {"name": "Octo Cat", "email": "octocat@example.com"},
            "committer": {"name": "GitHub", "email": "noreply@example.com"}},
        "repository": repository, "head_repository": repository,
    });
    urls(
        "https://api.example.com/repos/<repository>/actions/runs/<run>",
        &[
            "jobs_url", "logs_url", "check_suite_url", "artifacts_url", "cancel_url", "rerun_url",
            "workflow_url",
        ],
        &mut run,
    );
    run
}

fn job() -> Value {
    json!({
        "id": "<#job>", "run_id": "<#run>", "workflow_name": "<workflow>", "head_branch": "<branch>",
        "run_url": "https://api.example.com/repos/<repository>/actions/runs/<run>", "run_attempt": "<#attempt>",
        "node_id": "MDg6Q2hlY2tSdW4zOTk0NDQ0OTY=", "head_sha": "<sha>",
        "url": "https://api.example.com/repos/<repository>/actions/jobs/<job>",
        "html_url": "https://github.example.com/<repository>/actions/runs/<run>/job/<job>", "status": "<status>",
        "conclusion": "<#conclusion>", "created_at": "<created>", "started_at": "<started>",
        "completed_at": "<#completed>", "name": "<name>", "steps": "<#steps>",
        "check_run_url": "https://api.example.com/repos/<repository>/check-runs/<job>", "labels": ["ubuntu-latest"],
        "runner_id": 1, "runner_name": "GitHub Actions 1", "runner_group_id": 2, "runner_group_name": "GitHub Actions",
    })
}

fn check_run() -> Value {
    json!({
        "id": "<#job>", "head_sha": "<sha>", "node_id": "MDg6Q2hlY2tSdW40", "external_id": "<job>", "name": "<name>",
        "url": "https://api.example.com/repos/<repository>/check-runs/<job>",
        "html_url": "https://github.example.com/<repository>/actions/runs/<run>/job/<job>",
        "details_url": "https://github.example.com/<repository>/actions/runs/<run>/job/<job>", "status": "<status>",
        "conclusion": "<#conclusion>", "started_at": "<started>", "completed_at": "<#completed>",
        "output": {"title": null, "summary": null, "text": null, "annotations_count": "<#annotations>",
            "annotations_url": "https://api.example.com/repos/<repository>/check-runs/<job>/annotations"},
        "check_suite": {"id": "<#run>"}, "pull_requests": [],
        "app": {"id": 15368, "slug": "github-actions", "node_id": "MDM6QXBwMTUzNjg=", "owner": user("github"),
            "name": "GitHub Actions", "description": "Automate your workflow from idea to production",
            "external_url": "https://help.example.com/en/actions", "html_url": "https://github.example.com/apps/github-actions",
            "created_at": "2018-07-30T09:30:17Z", "updated_at": "2024-04-10T20:33:16Z",
            "permissions": {"actions": "write", "checks": "write", "contents": "write", "metadata": "read"},
            "events": ["push", "pull_request", "workflow_dispatch"]},
    })
}

fn artifact() -> Value {
    json!({
        "id": "<#run>", "node_id": "MDg6QXJ0aWZhY3QxMQ==", "name": "binaries", "size_in_bytes": 65536,
        "url": "https://api.example.com/repos/<repository>/actions/artifacts/<run>",
        "archive_download_url": "https://api.example.com/repos/<repository>/actions/artifacts/<run>/zip", "expired": false,
        "created_at": "<updated>", "expires_at": "2099-01-01T00:00:00Z", "updated_at": "<updated>",
        "digest": "sha256:cfc3236bdad15b5898bca8408945c9e19e1917da8704adc20eaa618444290a8c",
        "workflow_run": {"id": "<#run>", "repository_id": "<#repository_id>", "head_repository_id": "<#repository_id>",
            "head_branch": "<branch>", "head_sha": "<sha>"},
    })
}
