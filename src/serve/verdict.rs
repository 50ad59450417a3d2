//! One report's verdict: as JSON for tools that read a body, and as a status code for those that do not.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use super::auth::User;
use super::{Refusal, Site};
use crate::api::{ConditionType, Reason, TestRunReport};
use crate::verdict::gate::{Word, judge_commit};
use crate::verdict::text::clean;

/// Where a report's answers are.
const REPORT: &str = "/apis/v1alpha1/namespaces/{namespace}/testrunreports/{name}";

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(&format!("{REPORT}/verdict"), get(verdict))
        // Some tools can only POST what they have to say; it is not read.
        .route(&format!("{REPORT}/gate"), get(gate).post(gate))
}

/// Which report.
#[derive(Deserialize)]
struct Place {
    namespace: String,
    name: String,
}

/// What the report must be about.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct About {
    sha: Option<String>,
    repository: Option<String>,
}

/// A verdict in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// `passed`, `failed`, `undecided` or `unreadable`.
    pub verdict: &'static str,
    /// The one field that lets something through.
    pub passed: bool,
    /// Waiting changes nothing, unless GitHub or the spec does.
    pub r#final: bool,
    pub reason: String,
    pub message: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    /// Generation of the spec that the status was made from; -1 before the first look.
    pub observed_generation: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
}

impl Verdict {
    /// What is told of a report to who asks about this commit of this repository.
    pub fn of(report: &TestRunReport, repository: Option<&str>, sha: Option<&str>) -> Self {
        let gate = judge_commit(report, repository, sha);
        let status = report.status.as_ref();
        let source = status.and_then(|s| s.source.as_ref());
        let passed = status
            .and_then(|s| s.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str()))
            .filter(|c| c.observed_generation == report.metadata.generation);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            verdict: word(gate.word),
            passed: gate.word == Word::Passed,
            r#final: !gate.open,
            reason: passed.map_or(Reason::NotReconciled.as_str(), |c| &c.reason).to_owned(),
            message: gate.message,
            namespace: report.namespace().unwrap_or_default(),
            name: report.name_any(),
            uid: report.uid().unwrap_or_default(),
            generation: report.metadata.generation.unwrap_or_default(),
            observed_generation: status.map_or(-1, |s| s.observed_generation),
            repository: source.and_then(|s| some(&s.repository)),
            sha: source.and_then(|s| some(&s.sha)),
            pull_request: source.and_then(|s| s.pull_request),
            url: source.and_then(|s| s.url.clone()),
            completed_at: status.and_then(|s| s.completed_at.clone()),
        }
    }

    /// The code of a gate: 200 for a pass and nothing else.
    pub fn code(&self) -> StatusCode {
        match self.verdict {
            "passed" if self.passed => StatusCode::OK,
            "failed" => StatusCode::CONFLICT,
            "unreadable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::TOO_EARLY,
        }
    }
}

const fn word(word: Word) -> &'static str {
    match word {
        Word::Passed => "passed",
        Word::Failed => "failed",
        Word::Undecided => "undecided",
        Word::Unreadable => "unreadable",
    }
}

/// 200 for whatever the verdict is.
async fn verdict(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path(place): Path<Place>,
    about: Result<Query<About>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let found = look(&site, &user, &place, about).await?;
    Ok(answer(StatusCode::OK, &found))
}

/// 200 for a pass and nothing else.
async fn gate(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path(place): Path<Place>,
    about: Result<Query<About>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let found = look(&site, &user, &place, about).await?;
    Ok(answer(found.code(), &found))
}

fn answer(status: StatusCode, verdict: &Verdict) -> Response {
    let mut response = (status, Json(verdict)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The verdict from the cache. Before a pass is told the API server is asked, so that neither an edit of a
/// moment ago nor a watch that has fallen behind lets anything through.
async fn look(
    site: &Site,
    user: &User,
    place: &Place,
    about: Result<Query<About>, axum::extract::rejection::QueryRejection>,
) -> Result<Verdict, Refusal> {
    let bad = |message: &str| Refusal::new(StatusCode::BAD_REQUEST, message);
    let Query(about) = about.map_err(|_| bad("the query may have sha and repository, each once"))?;
    let is_sha =
        |s: &String| matches!(s.len(), 40 | 64) && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if about.sha.as_ref().is_some_and(|s| !is_sha(s)) {
        return Err(bad("sha must be the full commit id, 40 or 64 lower-case hexadecimal digits"));
    }
    if about.repository.as_ref().is_some_and(|r| r.split('/').filter(|p| !p.is_empty()).count() != 2) {
        return Err(bad("repository must be owner/name"));
    }
    let Place { namespace, name } = place;
    if !super::is_name(namespace) || !super::is_name(name) {
        let shown = clean(&format!("{namespace}/{name}"), 100);
        return Err(bad(&format!("{shown:?} is not the namespace and name of an object")));
    }
    site.guard.may_read(user, namespace, Some(name)).await?;
    let judged =
        |report: &TestRunReport| Verdict::of(report, about.repository.as_deref(), about.sha.as_deref());
    let passed = |report: &TestRunReport| judged(report).passed;
    let report = site.reports.look(site.guard.client(), namespace, name, passed).await?;
    Ok(judged(&report))
}
