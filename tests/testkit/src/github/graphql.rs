//! GraphQL: each query is checked against GitHub's own schema, and a GraphQL engine answers it from the state.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::auth::{self, Principal};
use super::edit::effective_jobs;
use super::faults::Fault;
use super::oas::graphql_schema;
use super::respond::{Out, bend, plain};
use super::server::{In, Server, limit_key};
use super::state::{Commit, Repo, State};
use super::wire::checks::newest_statuses;

/// Where queries are sent on the API.
pub(super) const PATH: &str = "/graphql";

/// An answer, and what is wrong with the query; both are told.
struct Answered {
    body: Value,
    wrong: Vec<String>,
}

/// The published schema, read once.
fn schema() -> Result<&'static Valid<Schema>, String> {
    static SCHEMA: OnceLock<Result<Valid<Schema>, String>> = OnceLock::new();
    let read = || {
        let text = graphql_schema()?;
        // It defines some fields twice, with the same words.
        let read = Schema::parse(text, "schema.graphql").unwrap_or_else(|found| found.partial);
        read.validate().map_err(|e| e.to_string())
    };
    SCHEMA.get_or_init(read).as_ref().map_err(Clone::clone)
}

/// Answers a query.
fn answer(state: &State, principal: &Principal, body: &Value) -> Answered {
    let refuse = |text: String| Answered {
        body: json!({"errors": [{"message": text.clone()}]}),
        wrong: vec![format!("the query: {text}")],
    };
    let schema = match schema() {
        Ok(schema) => schema,
        Err(error) => return refuse(format!("GitHub's schema cannot be had: {error}")),
    };
    let query = body["query"].as_str().unwrap_or_default();
    let document = match ExecutableDocument::parse_and_validate(schema, query, "query.graphql") {
        Ok(document) => document,
        Err(error) => return refuse(error.to_string()),
    };
    let variables = match serde_json::from_value(body["variables"].clone()) {
        Ok(variables) => variables,
        Err(_) => return refuse("its variables are not an object".into()),
    };
    let root = Node { state, principal, is: Is::Query };
    match Execution::new(schema, &document).raw_variable_values(&variables).execute_sync(&root) {
        Ok(found) => {
            Answered { body: typed(serde_json::to_value(found).unwrap_or_default()), wrong: Vec::new() }
        }
        Err(error) => refuse(format!("{error:?}")),
    }
}

impl Server {
    /// The answer to a GraphQL query, which has a limit of its own.
    pub(super) fn query(&self, asked: &In, fault: &Option<Fault>) -> Out {
        if asked.method != "POST" {
            self.violation(asked, "queries are sent by POST");
            return self.dress(plain(404, "Not Found"), asked);
        }
        let body = serde_json::from_slice(&asked.content).unwrap_or_default();
        let mut state = self.state();
        let principal = match auth::authenticate(&state, asked.header("authorization")) {
            Ok(Principal::Token(token)) => Principal::Token(token),
            Ok(_) => {
                drop(state);
                return self.dress(plain(401, "This endpoint requires you to be authenticated."), asked);
            }
            Err(message) => {
                drop(state);
                return self.dress(plain(401, message), asked);
            }
        };
        let (key, now) = (limit_key(&principal, asked), state.now);
        let mut body = if state.limits.admits(&key, now) {
            state.limits.count(&key, now);
            let Answered { body, wrong } = answer(&state, &principal, &body);
            let text = |what: String| format!("{} {}: {what}", asked.method, asked.path);
            state.violations.extend(wrong.into_iter().map(text));
            body
        } else {
            limited()
        };
        bend(&mut body, fault);
        let headers = vec![("content-type".into(), "application/json; charset=utf-8".into())];
        let content = serde_json::to_vec(&body).unwrap_or_default().into();
        self.headers(&mut state, Out { status: 200, headers, content }, asked, &principal)
    }
}

/// Errors say of what kind they are, which no specification asks for.
fn typed(mut body: Value) -> Value {
    for error in body.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
        let message = error["message"].as_str().unwrap_or_default();
        let kind = if message.starts_with("Could not resolve") { "NOT_FOUND" } else { "FORBIDDEN" };
        error["type"] = kind.into();
    }
    body
}

/// What an answer to a query beyond the limit is: a success by its status.
fn limited() -> Value {
    json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit already exceeded for user ID 1."}]})
}

struct Node<'a> {
    state: &'a State,
    principal: &'a Principal,
    is: Is<'a>,
}

enum Is<'a> {
    Query,
    Repository(&'a Repo),
    Commit(&'a Repo, &'a Commit),
    Rollup(Counts),
    Contexts(Counts),
    Count(&'static str, String, i64),
}

/// Check runs and statuses of a commit by their states.
#[derive(Clone, Default)]
struct Counts {
    checks: BTreeMap<String, i64>,
    statuses: BTreeMap<String, i64>,
}

impl Counts {
    fn of(repo: &Repo, sha: &str) -> Self {
        let mut counts = Self::default();
        let mut check = |status: &str, conclusion: &Option<String>| {
            let state = match (status, conclusion) {
                ("completed", Some(conclusion)) => conclusion.to_uppercase(),
                ("requested", _) => "QUEUED".into(),
                (status, _) => status.to_uppercase(),
            };
            *counts.checks.entry(state).or_default() += 1;
        };
        for suite in repo.suites.iter().filter(|suite| suite.head_sha == sha) {
            if let Some(run) = suite.run_id {
                effective_jobs(&repo.jobs, run).iter().for_each(|job| check(&job.status, &job.conclusion));
            }
            let checks: Vec<_> = repo.check_runs.iter().filter(|one| one.suite_id == suite.id).collect();
            let newest = |name: &str| checks.iter().filter(|one| one.name == name).map(|one| one.id).max();
            let kept = checks.iter().filter(|one| newest(&one.name) == Some(one.id));
            kept.for_each(|one| check(&one.status, &one.conclusion));
        }
        for status in newest_statuses(repo, sha) {
            *counts.statuses.entry(status.state.to_uppercase()).or_default() += 1;
        }
        counts
    }

    fn state(&self) -> &'static str {
        let any = |states: &[&str]| {
            states.iter().any(|s| self.checks.contains_key(*s) || self.statuses.contains_key(*s))
        };
        if any(&["FAILURE", "ERROR", "TIMED_OUT", "CANCELLED", "ACTION_REQUIRED", "STARTUP_FAILURE", "STALE"])
        {
            "FAILURE"
        } else if any(&["PENDING", "QUEUED", "IN_PROGRESS", "WAITING"]) {
            "PENDING"
        } else {
            "SUCCESS"
        }
    }
}

impl<'a> Node<'a> {
    fn with(&self, is: Is<'a>) -> Node<'a> {
        Node { state: self.state, principal: self.principal, is }
    }

    fn repository(&self, info: &ResolveInfo<'_>) -> Result<Node<'a>, FieldError> {
        let text = |name: &str| info.arguments().get(name).and_then(|v| v.as_str()).unwrap_or_default();
        let name = format!("{}/{}", text("owner"), text("name"));
        let found = self.state.repo_by_name(&name).filter(|repo| self.principal.sees(self.state, repo));
        found.map(|repo| self.with(Is::Repository(repo))).ok_or_else(|| FieldError {
            message: format!("Could not resolve to a Repository with the name '{name}'."),
        })
    }

    fn rollup(&self, repo: &Repo, sha: &str) -> Result<Option<Node<'a>>, FieldError> {
        let may = |what| self.principal.may(self.state, repo, what, "read");
        if !may("checks") || !may("statuses") {
            return Err(FieldError { message: "Resource not accessible by integration".into() });
        }
        let counts = Counts::of(repo, sha);
        let any = !(counts.checks.is_empty() && counts.statuses.is_empty());
        Ok(any.then(|| self.with(Is::Rollup(counts))))
    }

    fn counts(&self, kind: &'static str, by: &BTreeMap<String, i64>) -> Vec<Node<'a>> {
        by.iter().map(|(state, n)| self.with(Is::Count(kind, state.clone(), *n))).collect()
    }
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        match &self.is {
            Is::Query => "Query",
            Is::Repository(_) => "Repository",
            Is::Commit(..) => "Commit",
            Is::Rollup(_) => "StatusCheckRollup",
            Is::Contexts(_) => "StatusCheckRollupContextConnection",
            Is::Count(kind, ..) => kind,
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let list = |all: Vec<Node<'a>>| ResolvedValue::list(all.into_iter().map(ResolvedValue::object));
        Ok(match (&self.is, info.field_name()) {
            (Is::Query, "repository") => ResolvedValue::object(self.repository(info)?),
            (Is::Repository(repo), "nameWithOwner") => ResolvedValue::leaf(repo.full_name()),
            (Is::Repository(repo), "object") => {
                let oid = info.arguments().get("oid").and_then(|v| v.as_str()).unwrap_or_default();
                let commit = repo.commits.iter().find(|commit| commit.sha == oid);
                ResolvedValue::nullable_object(commit.map(|commit| self.with(Is::Commit(repo, commit))))
            }
            (Is::Commit(_, commit), "oid") => ResolvedValue::leaf(commit.sha.clone()),
            (Is::Commit(repo, commit), "statusCheckRollup") => {
                ResolvedValue::nullable_object(self.rollup(repo, &commit.sha)?)
            }
            (Is::Rollup(counts), "state") => ResolvedValue::leaf(counts.state()),
            (Is::Rollup(counts), "contexts") => {
                ResolvedValue::object(self.with(Is::Contexts(counts.clone())))
            }
            (Is::Contexts(counts), "checkRunCount") => {
                ResolvedValue::leaf(counts.checks.values().sum::<i64>())
            }
            (Is::Contexts(counts), "statusContextCount") => {
                ResolvedValue::leaf(counts.statuses.values().sum::<i64>())
            }
            (Is::Contexts(counts), "checkRunCountsByState") => {
                list(self.counts("CheckRunStateCount", &counts.checks))
            }
            (Is::Contexts(counts), "statusContextCountsByState") => {
                list(self.counts("StatusContextStateCount", &counts.statuses))
            }
            (Is::Count(_, state, _), "state") => ResolvedValue::leaf(state.clone()),
            (Is::Count(_, _, n), "count") => ResolvedValue::leaf(*n),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}
