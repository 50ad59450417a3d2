//! What was seen of past commits, for who may list the reports of a namespace.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::auth::User;
use super::{Refusal, Site};
use crate::history::{Asked, By, MAX_PAST, Of, Ranking, Store, Unanswered};
use crate::verdict::text::clean;

/// Where the history of a namespace is.
const HISTORY: &str = "/apis/v1alpha1/namespaces/{namespace}/history";
/// Rows of a page where nothing is said.
const LIMIT: i64 = 50;
/// Days that a ranking is of where nothing is said, and at most.
const DAYS: (i64, i64) = (30, 3650);
/// Longest text of a question.
const TEXT: usize = 1024;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(HISTORY, get(page))
        .route(&format!("{HISTORY}/facts"), get(facts))
        .route(&format!("{HISTORY}/top"), get(top))
}

/// A question for a page.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Question {
    repository: String,
    branch: String,
    job: Option<String>,
    test: Option<String>,
    limit: Option<i64>,
    before: Option<String>,
}

/// A question for commits with what decided about each.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Stretch {
    repository: String,
    branch: String,
    limit: Option<i64>,
    before: Option<String>,
}

/// What is ranked.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum What {
    #[default]
    Jobs,
    Tests,
}

/// A question for a ranking.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    of: What,
    by: By,
    repository: String,
    branch: String,
    days: Option<i64>,
    limit: Option<i64>,
}

async fn page(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path(namespace): Path<String>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(question) = question.map_err(|_| {
        bad("the query may have repository, branch, job or test, limit and before, each once")
    })?;
    let of = match (question.job, question.test) {
        (None, None) => Of::Commits,
        (Some(job), None) => Of::Job(job),
        (None, Some(test)) => Of::Test(test),
        (Some(_), Some(_)) => return Err(bad("ask for a job or for a test, not for both")),
    };
    let name = match &of {
        Of::Commits => "",
        Of::Job(name) | Of::Test(name) => name,
    };
    fits(&[&question.repository, &question.branch, name])?;
    let store = open(&site, &user, &namespace).await?;
    let asked = Asked {
        namespace,
        of,
        repository: question.repository,
        branch: question.branch,
        limit: question.limit.unwrap_or(LIMIT),
        before: question.before,
    };
    told(store.page(&asked).await)
}

async fn facts(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path(namespace): Path<String>,
    stretch: Result<Query<Stretch>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(stretch) =
        stretch.map_err(|_| bad("the query may have repository, branch, limit and before, each once"))?;
    fits(&[&stretch.repository, &stretch.branch])?;
    let store = open(&site, &user, &namespace).await?;
    let asked = Asked {
        namespace,
        of: Of::Commits,
        repository: stretch.repository,
        branch: stretch.branch,
        limit: stretch.limit.unwrap_or(MAX_PAST),
        before: stretch.before,
    };
    told(store.past(&asked).await)
}

async fn top(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    Path(namespace): Path<String>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(wish) = wish.map_err(|_| {
        bad("the query may have of (jobs, tests), by (flakes, failures, seconds), repository, branch, days and limit, \
             each once")
    })?;
    fits(&[&wish.repository, &wish.branch])?;
    let store = open(&site, &user, &namespace).await?;
    let ranking = Ranking {
        namespace,
        tests: wish.of == What::Tests,
        by: wish.by,
        repository: wish.repository,
        branch: wish.branch,
        days: wish.days.unwrap_or(DAYS.0).clamp(1, DAYS.1),
        limit: wish.limit.unwrap_or(LIMIT),
    };
    told(store.top(&ranking, Timestamp::now().as_second()).await)
}

/// The store, for who may list the reports of the namespace: the right is asked for before anything else is told.
async fn open(site: &Site, user: &User, namespace: &str) -> Result<Store, Refusal> {
    if !super::is_name(namespace) {
        return Err(bad(format!("{:?} is no namespace", clean(namespace, 100))));
    }
    site.guard.may_read(user, namespace, None).await?;
    opened(site)
}

/// The store, for whom the right was asked for.
pub(super) fn opened(site: &Site) -> Result<Store, Refusal> {
    if !site.history.is_kept() {
        return Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "this operator keeps no history; set history.store of its configuration",
        ));
    }
    site.history.store().ok_or_else(|| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the history cannot be used now; the log says why")
    })
}

fn told<T: Serialize>(answer: Result<T, Unanswered>) -> Result<Response, Refusal> {
    let mut response = Json(answer.map_err(unanswered)?).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(super) fn unanswered(error: Unanswered) -> Refusal {
    match error {
        Unanswered::Wrong(why) => bad(why),
        Unanswered::Store(error) => {
            tracing::warn!("a question to the history has no answer: {error}");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the history cannot be read now; try again")
        }
    }
}

pub(super) fn fits(texts: &[&str]) -> Result<(), Refusal> {
    match texts.iter().all(|t| t.len() <= TEXT) {
        true => Ok(()),
        false => Err(bad(format!("no name has more than {TEXT} bytes"))),
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message)
}
