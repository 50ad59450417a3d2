//! Webhooks: what changes tell the world, and the record of what was told.
//!
//! Nothing is rendered until a receiver is set with [`Hooks::send_to`]. Payloads are made at the
//! moment of the change; the worker of `deliver` signs and sends them, and may lose, repeat and
//! reorder them on request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::routes::{Answer, Reply};
use super::state::{OPERATOR_APP, Repo, State};
use super::time::Ts;
use super::wire::{self, actions, checks, pulls, repos};

/// What an event is about; ids are those of the repository and of the thing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A workflow run; its suite too, when it is over.
    Run { repo: u64, run: u64 },
    /// A job, and its check run.
    Job { repo: u64, job: u64 },
    /// A check run of another app.
    Check { repo: u64, check: u64 },
    /// A pull request.
    Pull { repo: u64, number: u64 },
    /// A commit status.
    Status { repo: u64, status: u64 },
    /// A deployment waits for the App's answer.
    Gate { repo: u64, gate: u64 },
    /// A branch was pushed to, or is gone.
    Push { repo: u64, branch: String, before: Option<String>, after: Option<String> },
    /// The repository itself.
    Repository { repo: u64 },
    /// A group of a merge queue.
    MergeGroup { repo: u64, head_ref: String, head_sha: String, base_sha: String },
}

/// A delivery, made or to be made.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Numeric id, new for each attempt.
    pub id: u64,
    /// `X-GitHub-Delivery`: the same when it is delivered again.
    pub guid: String,
    /// Event.
    pub event: String,
    /// Action.
    pub action: Option<String>,
    /// Repository.
    pub repository: Option<u64>,
    /// The body as sent.
    pub payload: Arc<Value>,
    /// It was asked for through the API.
    pub redelivery: bool,
    /// When it was sent; `None` while it waits.
    pub delivered: Option<Ts>,
    /// Status of the receiver; 0 when there was no answer.
    pub status: u16,
    /// It was lost on purpose: GitHub believes that it was delivered.
    pub dropped: bool,
}

/// Settings and deliveries.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Where to; `None` makes no deliveries at all.
    pub url: Option<String>,
    /// Key of the signatures.
    pub secret: String,
    /// Deliveries wait until this is false again.
    pub held: bool,
    /// So many of a hundred are lost.
    pub drop_percent: u8,
    /// So many of a hundred come twice, with the same delivery id.
    pub duplicate_percent: u8,
    /// What waits together is sent in any order.
    pub shuffle: bool,
    /// Seed of these choices.
    pub seed: u64,
    /// The signature is wrong.
    pub wrong_signature: bool,
    /// How long the receiver may take.
    pub timeout: Duration,
    /// Made deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
    pub(super) outbox: Vec<Delivery>,
    pub(super) in_flight: usize,
    pub(super) wake: Arc<Notify>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            url: None,
            secret: String::new(),
            held: false,
            drop_percent: 0,
            duplicate_percent: 0,
            shuffle: false,
            seed: 1,
            wrong_signature: false,
            timeout: Duration::from_secs(10),
            deliveries: Vec::new(),
            outbox: Vec::new(),
            in_flight: 0,
            wake: Arc::default(),
        }
    }
}

impl Hooks {
    /// Deliveries that wait to be sent or are being sent.
    pub fn waiting(&self) -> usize {
        self.outbox.len() + self.in_flight
    }

    /// Lets held deliveries go.
    pub fn release(&mut self) {
        self.held = false;
        self.wake.notify_one();
    }
}

impl State {
    /// Sends webhooks to a plain HTTP URL from now on, beginning with a ping.
    pub fn send_hooks_to(&mut self, url: &str, secret: &str) {
        self.hooks.url = Some(url.to_owned());
        self.hooks.secret = secret.to_owned();
        let now = self.now.to_string();
        let payload = json!({
            "zen": "Keep it logically awesome.",
            "hook_id": 1,
            "hook": {
                "type": "App", "id": 1, "name": "web", "active": true, "app_id": OPERATOR_APP,
                "events": ["check_run", "check_suite", "deployment_protection_rule", "merge_group", "pull_request", "push", "repository", "status", "workflow_job", "workflow_run"],
                "config": { "content_type": "json", "insecure_ssl": "0", "url": url, "secret": "********" },
                "created_at": now, "updated_at": now,
                "deliveries_url": format!("{}/app/hook/deliveries", self.urls.api),
            },
        });
        self.queue("ping", None, None, payload);
    }

    fn queue(&mut self, event: &str, action: Option<&str>, repository: Option<u64>, payload: Value) {
        let id = self.fresh_id();
        self.hooks.outbox.push(Delivery {
            id,
            guid: format!("{id:08x}-0000-4000-8000-{id:012x}"),
            event: event.to_owned(),
            action: action.map(str::to_owned),
            repository,
            payload: Arc::new(payload),
            redelivery: false,
            delivered: None,
            status: 0,
            dropped: false,
        });
        self.hooks.wake.notify_one();
    }

    /// Tells the world of a change.
    pub(super) fn emit(&mut self, subject: Subject, action: Option<&str>) {
        if self.hooks.url.is_none() {
            return;
        }
        let (Subject::Run { repo: id, .. }
        | Subject::Job { repo: id, .. }
        | Subject::Check { repo: id, .. }
        | Subject::Pull { repo: id, .. }
        | Subject::Status { repo: id, .. }
        | Subject::Gate { repo: id, .. }
        | Subject::Push { repo: id, .. }
        | Subject::Repository { repo: id }
        | Subject::MergeGroup { repo: id, .. }) = subject;
        let Some(repo) = self.repo_by_id(id) else {
            return;
        };
        let mut events = render(self, repo, &subject, action);
        let installation =
            self.installations.iter().find(|found| found.account.eq_ignore_ascii_case(&repo.owner));
        let installation =
            installation.map(|found| json!({ "id": found.id, "node_id": wire::node("I", found.id) }));
        for (_, action, payload) in &mut events {
            let Some(map) = payload.as_object_mut() else {
                continue;
            };
            map.insert("repository".into(), repos::long(self, repo));
            map.entry("sender").or_insert_with(|| wire::user(self, &repo.owner));
            if let Some(action) = action {
                map.insert("action".into(), json!(action));
            }
            if let Some(installation) = &installation {
                map.insert("installation".into(), installation.clone());
            }
        }
        for (event, action, payload) in events {
            self.queue(event, action.as_deref(), Some(id), payload);
        }
    }
}

type Event = (&'static str, Option<String>, Value);

/// The events of a change, without what all have in common.
fn render(state: &State, repo: &Repo, subject: &Subject, action: Option<&str>) -> Vec<Event> {
    let act = action.map(str::to_owned);
    let mut events: Vec<Event> = Vec::new();
    match subject {
        Subject::Run { run, .. } => {
            let Some(run) = repo.runs.iter().find(|known| known.id == *run) else {
                return events;
            };
            let workflow = repo.workflows.iter().find(|known| known.id == run.workflow_id);
            let payload = json!({
                "workflow_run": actions::latest(state, repo, run, true),
                "workflow": workflow.map(|known| actions::workflow(state, repo, known)),
            });
            events.push(("workflow_run", act.clone(), payload));
            let suite = repo.suites.iter().find(|suite| suite.id == run.suite_id);
            if let Some(suite) = suite.filter(|_| action == Some("completed")) {
                let mut suite = checks::suite(state, repo, suite);
                if let Some(map) = suite.as_object_mut() {
                    map.remove("repository");
                }
                events.push(("check_suite", act, json!({ "check_suite": suite })));
            }
        }
        Subject::Job { job, .. } => {
            let Some(job) = repo.jobs.iter().find(|known| known.id == *job) else {
                return events;
            };
            events.push((
                "workflow_job",
                act.clone(),
                json!({ "workflow_job": actions::job(state, repo, job) }),
            ));
            let check = match action {
                Some("queued") => Some("created"),
                Some("completed") => Some("completed"),
                _ => None,
            };
            if let Some(check) = check {
                let suite = repo.runs.iter().find(|run| run.id == job.run_id).map(|run| run.suite_id);
                let payload = with_suite(state, repo, checks::of_job(state, repo, job), suite);
                events.push(("check_run", Some(check.to_owned()), json!({ "check_run": payload })));
            }
        }
        Subject::Check { check, .. } => {
            let Some(check) = repo.check_runs.iter().find(|known| known.id == *check) else {
                return events;
            };
            let payload =
                with_suite(state, repo, checks::check_run(state, repo, check), Some(check.suite_id));
            events.push(("check_run", act, json!({ "check_run": payload })));
        }
        Subject::Pull { number, .. } => {
            let Some(pull) = repo.pulls.iter().find(|known| known.number == *number) else {
                return events;
            };
            let mut payload =
                json!({ "number": pull.number, "pull_request": pulls::full(state, repo, pull) });
            if action == Some("synchronize")
                && let Some(map) = payload.as_object_mut()
            {
                let before = pull.commits.iter().rev().nth(1).unwrap_or(&pull.base_sha);
                map.insert("before".into(), json!(before));
                map.insert("after".into(), json!(pull.head_sha));
            }
            if action == Some("edited")
                && let Some(map) = payload.as_object_mut()
            {
                map.insert("changes".into(), json!({}));
            }
            // Which label it was is not kept.
            if matches!(action, Some("labeled" | "unlabeled"))
                && let Some(map) = payload.as_object_mut()
            {
                let name = pull.labels.last().map_or("label", String::as_str);
                map.insert("label".into(), pulls::label(state, repo, name));
            }
            events.push(("pull_request", act, payload));
        }
        Subject::Status { status, .. } => {
            let Some(status) = repo.statuses.iter().find(|known| known.id == *status) else {
                return events;
            };
            let commit = repo.commit(&status.sha).map(|commit| repos::commit(state, repo, commit));
            let branches: Vec<Value> = repo
                .branches
                .iter()
                .filter(|(_, sha)| **sha == status.sha)
                .map(|(name, sha)| repos::short_branch(state, repo, name, sha))
                .collect();
            let mut payload = json!({
                "id": status.id,
                "sha": status.sha,
                "name": repo.full_name(),
                "avatar_url": null,
                "target_url": status.target_url,
                "context": status.context,
                "description": status.description,
                "state": status.state,
                "commit": commit,
                "branches": branches,
                "created_at": status.created.to_string(),
                "updated_at": status.created.to_string(),
            });
            if let Some(map) = payload.as_object_mut() {
                map.insert("sender".into(), wire::user(state, &status.creator));
            }
            events.push(("status", None, payload));
        }
        Subject::Gate { gate, .. } => {
            let found = repo.gates.iter().find(|known| known.id == *gate);
            let run = found.and_then(|gate| repo.runs.iter().find(|run| run.id == gate.run_id));
            let (Some(gate), Some(run)) = (found, run) else { return events };
            events.push(("deployment_protection_rule", act, actions::gate(state, repo, run, gate)));
        }
        Subject::Push { branch, before, after, .. } => {
            let payload = repos::pushed(state, repo, branch, before.as_deref(), after.as_deref());
            events.push(("push", None, payload));
        }
        Subject::Repository { .. } => events.push(("repository", act, json!({}))),
        Subject::MergeGroup { head_ref, head_sha, base_sha, .. } => {
            let group = json!({
                "head_sha": head_sha,
                "head_ref": head_ref,
                "base_sha": base_sha,
                "base_ref": format!("refs/heads/{}", repo.default_branch),
                "head_commit": repos::head_commit(repo, head_sha),
            });
            events.push(("merge_group", act, json!({ "merge_group": group })));
        }
    }
    events
}

/// In events a check run embeds more of its suite than in answers.
fn with_suite(state: &State, repo: &Repo, mut check: Value, suite: Option<u64>) -> Value {
    let suite = repo.suites.iter().find(|known| Some(known.id) == suite);
    if let (Some(suite), Some(map)) = (suite, check.as_object_mut()) {
        let mut whole = checks::suite(state, repo, suite);
        if let Some(whole) = whole.as_object_mut() {
            for name in [
                "repository", "head_commit", "latest_check_runs_count", "check_runs_url", "rerequestable",
                "runs_rerequestable",
            ] {
                whole.remove(name);
            }
        }
        map.insert("check_suite".into(), whole);
    }
    check
}

/// A delivery as the API lists it.
fn item(delivery: &Delivery) -> Value {
    let text = match delivery.status {
        0 => "timed out".to_owned(),
        200..300 => "OK".to_owned(),
        code => format!("Invalid HTTP Response: {code}"),
    };
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": wire::time(delivery.delivered),
        "redelivery": delivery.redelivery,
        "duration": 0.05,
        "status": text,
        "status_code": delivery.status,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": null,
        "repository_id": delivery.repository,
        "throttled_at": null,
    })
}

/// Answers requests about deliveries.
pub(super) fn serve(
    state: &mut State,
    method: &str,
    template: &str,
    query: &BTreeMap<String, String>,
    params: &BTreeMap<String, String>,
) -> Answer {
    let id = params.get("delivery_id").and_then(|text| text.parse::<u64>().ok());
    let find = |state: &State| state.hooks.deliveries.iter().find(|known| Some(known.id) == id).cloned();
    match (method, template) {
        ("GET", "/app/hook/deliveries") => Ok(list(state, query)),
        ("GET", "/app/hook/deliveries/{delivery_id}") => {
            let delivery = find(state).ok_or_else(Reply::not_found)?;
            let mut body = item(&delivery);
            if let Some(map) = body.as_object_mut() {
                map.insert("url".into(), json!(state.hooks.url));
                map.insert("request".into(), json!({ "headers": {}, "payload": *delivery.payload }));
                map.insert("response".into(), json!({ "headers": {}, "payload": "" }));
            }
            Ok(Reply::ok(body))
        }
        ("POST", "/app/hook/deliveries/{delivery_id}/attempts") => {
            let delivery = find(state).ok_or_else(Reply::not_found)?;
            let id = state.fresh_id();
            let again =
                Delivery { id, redelivery: true, delivered: None, status: 0, dropped: false, ..delivery };
            state.hooks.outbox.push(again);
            state.hooks.wake.notify_one();
            Ok(Reply::json(202, json!({})))
        }
        _ => Err(Reply::not_found()),
    }
}

/// Newest first; pages by cursor, which is the id after which a page begins.
fn list(state: &State, query: &BTreeMap<String, String>) -> Reply {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
    let wanted = query.get("status").map(String::as_str);
    let most = usize::try_from(number("per_page").unwrap_or(30).clamp(1, 100)).unwrap_or(100);
    let mut all: Vec<&Delivery> = state
        .hooks
        .deliveries
        .iter()
        .rev()
        .filter(|delivery| match wanted {
            Some("success") => (200..300).contains(&delivery.status),
            Some(_) => !(200..300).contains(&delivery.status),
            None => true,
        })
        .filter(|delivery| number("cursor").is_none_or(|cursor| delivery.id < cursor))
        .collect();
    let more = all.len() > most;
    all.truncate(most);
    let mut reply = Reply::ok(Value::Array(all.iter().map(|delivery| item(delivery)).collect()));
    if let Some(last) = all.last().filter(|_| more) {
        let url = format!("{}/app/hook/deliveries?per_page={most}&cursor={}", state.urls.api, last.id);
        reply.headers.push(("link", format!("<{url}>; rel=\"next\"")));
    }
    reply
}
