//! The server: no delay, no state but what was moved, every request counted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::documents::{About, Documents, jobs_of};
use super::template::{counted, list};
use super::world::{Commit, Size, State, WORKFLOWS, World, number_of};

/// Entries of a page where the request does not say.
const PER_PAGE: usize = 30;

/// Requests by kind and HTTP status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(pub BTreeMap<String, BTreeMap<u16, u64>>);

impl Counts {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// Requests with this answer.
    pub fn answered(&self, status: u16) -> u64 {
        self.0.values().filter_map(|c| c.get(&status)).sum()
    }
}

/// A scripted GitHub.
#[derive(Debug)]
pub struct Server {
    world: World,
    documents: Documents,
    counts: Mutex<Counts>,
}

/// A request that was understood.
struct Asked {
    kind: &'static str,
    /// Commits that decide what the answer is: it is unchanged as long as they are.
    of: Vec<Commit>,
}

impl Server {
    /// Every commit is in the state `initial` until it is moved.
    pub fn new(size: Size, initial: State) -> Arc<Self> {
        let now = jiff::Timestamp::now().as_second();
        let (world, documents) = (World::new(size, initial), Documents::new(now));
        Arc::new(Self { world, documents, counts: Mutex::default() })
    }

    /// Moves commits to another state, as of now.
    pub fn move_to(&self, numbers: std::ops::Range<u32>, state: State) {
        self.world.move_to(numbers, state, jiff::Timestamp::now().as_second());
    }

    /// Answers for ever.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> std::io::Result<Infallible> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                let answer = service_fn(move |request: Request<Incoming>| {
                    let response = server.answer(request.method(), request.uri(), request.headers());
                    std::future::ready(Ok::<_, Infallible>(response))
                });
                // A client that goes away is its own affair.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    }

    /// The answer to a request.
    pub fn answer(&self, method: &Method, uri: &http::Uri, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let query = Query(uri.query().unwrap_or_default());
        let path: Vec<&str> = uri.path().split('/').filter(|s| !s.is_empty()).collect();
        if let ["_bench", rest @ ..] = path.as_slice() {
            return self.script(method, rest, &query);
        }
        let mut body = String::with_capacity(64 << 10);
        let Some(asked) = (method == Method::GET).then(|| self.route(&path, &query, &mut body)).flatten()
        else {
            self.count("unknown", StatusCode::NOT_FOUND);
            return plain(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#);
        };
        let mut hash = DefaultHasher::new();
        uri.path_and_query().map(http::uri::PathAndQuery::as_str).hash(&mut hash);
        for commit in &asked.of {
            (commit.state, commit.moved).hash(&mut hash);
        }
        let etag = format!("W/\"{:016x}\"", hash.finish());
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == etag.as_bytes());
        let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        self.count(asked.kind, status);
        let body = if known { Bytes::new() } else { Bytes::from(body) };
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(header::CACHE_CONTROL, "private, max-age=60, s-maxage=60")
            .header(header::ETAG, etag)
            .header("x-ratelimit-limit", "1000000")
            .header("x-ratelimit-remaining", "999999")
            .header("x-ratelimit-resource", "core")
            .body(Full::new(body));
        response.unwrap_or_default()
    }

    fn count(&self, kind: &str, status: StatusCode) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.0.entry(kind.to_owned()).or_default().entry(status.as_u16()).or_default() += 1;
    }

    /// Addresses of the harness itself.
    fn script(&self, method: &Method, path: &[&str], query: &Query<'_>) -> Response<Full<Bytes>> {
        match (method, path) {
            (&Method::GET, ["counts"]) => {
                let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
                plain(StatusCode::OK, serde_json::to_string(&counts).unwrap_or_default())
            }
            (&Method::GET, ["delivery", number]) => {
                let Ok(number) = number.parse() else {
                    return plain(StatusCode::BAD_REQUEST, "expected /_bench/delivery/NUMBER");
                };
                let about = About { world: &self.world, commit: self.world.commit(number) };
                let mut body = String::with_capacity(32 << 10);
                self.documents.delivery(about, 0, &mut body);
                plain(StatusCode::OK, body)
            }
            (&Method::POST, ["move", to]) => {
                let range = query.number("from").zip(query.number("to"));
                let range = range.and_then(|(a, b)| Some(u32::try_from(a).ok()?..u32::try_from(b).ok()?));
                match (State::named(to), range) {
                    (Some(state), Some(range)) => {
                        self.move_to(range, state);
                        plain(StatusCode::OK, "{}")
                    }
                    _ => plain(StatusCode::BAD_REQUEST, "expected /_bench/move/STATE?from=N&to=N"),
                }
            }
            _ => plain(
                StatusCode::NOT_FOUND,
                "expected GET /_bench/counts, GET /_bench/delivery/N or POST /_bench/move/STATE",
            ),
        }
    }

    fn route(&self, path: &[&str], query: &Query<'_>, out: &mut String) -> Option<Asked> {
        let ["repos", owner, name, rest @ ..] = path else { return None };
        let repository = self.repository(owner, name)?;
        let base = self.world.base(repository);
        let about = |commit| About { world: &self.world, commit };
        let one = |kind, commit| Some(Asked { kind, of: vec![commit] });
        let documents = &self.documents;
        match rest {
            [] => {
                documents.repository(about(base), out);
                one("repository", base)
            }
            ["pulls"] => {
                let of = self.world.newest(repository);
                let entries = query
                    .page(&of)
                    .iter()
                    .filter(|c| !World::is_base(c.number))
                    .map(|c| move |out: &mut String| documents.pull(about(*c), out));
                list(out, entries);
                Some(Asked { kind: "pulls", of })
            }
            ["pulls", number] => {
                let commit = self.world.commit(number.parse::<u32>().ok()?.checked_sub(1)?);
                self.own(commit, repository)?;
                documents.pull(about(commit), out);
                one("pull", commit)
            }
            ["commits", sha, rest @ ..] => {
                let commit = self.world.commit(number_of(sha)?);
                self.own(commit, repository)?;
                let kind = self.of_commit(commit, rest, query, out)?;
                one(kind, commit)
            }
            ["rules", "branches", "main"] => {
                list(out, std::iter::empty::<fn(&mut String)>());
                one("rules", base)
            }
            ["branches", "main"] => {
                documents.branch(about(base), out);
                one("branch", base)
            }
            ["actions", "runs"] => self.runs(repository, query, out),
            ["actions", "runs", run, rest @ ..] => {
                let (commit, workflow) = self.world.of_run(run.parse().ok()?)?;
                self.own(commit, repository)?;
                let kind = self.of_run(commit, workflow, rest, query, out)?;
                one(kind, commit)
            }
            ["check-runs", id, "annotations"] => {
                let (commit, _) = self.world.of_run(id.parse::<u64>().ok()? / 10_000)?;
                self.own(commit, repository)?;
                out.push_str(
                    r#"[{"path":".github","start_line":1,"end_line":1,"annotation_level":"failure","title":"","message":"Process completed with exit code 1.","raw_details":""}]"#,
                );
                one("annotations", commit)
            }
            _ => None,
        }
    }

    fn of_commit(
        &self,
        commit: Commit,
        rest: &[&str],
        query: &Query<'_>,
        out: &mut String,
    ) -> Option<&'static str> {
        let about = About { world: &self.world, commit };
        match rest {
            [] => {
                self.documents.commit(about, out);
                Some("commit")
            }
            ["pulls"] => {
                list(out, std::iter::once(|out: &mut String| self.documents.pull(about, out)));
                Some("pulls of commit")
            }
            ["check-runs"] => {
                let all = jobs_of(commit, self.world.size);
                let page = query.page(&all).iter();
                let entries = page
                    .map(|(w, job)| move |out: &mut String| self.documents.check_run(about, *w, *job, out));
                counted(out, all.len(), "check_runs", entries);
                Some("check runs")
            }
            ["statuses"] => {
                list(out, std::iter::empty::<fn(&mut String)>());
                Some("statuses")
            }
            _ => None,
        }
    }

    fn of_run(
        &self,
        commit: Commit,
        workflow: usize,
        rest: &[&str],
        query: &Query<'_>,
        out: &mut String,
    ) -> Option<&'static str> {
        let about = About { world: &self.world, commit };
        match rest {
            [] => {
                self.documents.run(about, workflow, out);
                Some("run")
            }
            ["jobs"] => {
                let all = commit.jobs(workflow, self.world.size);
                let entries = query
                    .page(&all)
                    .iter()
                    .map(|job| move |out: &mut String| self.documents.job(about, workflow, *job, out));
                counted(out, all.len(), "jobs", entries);
                Some("jobs")
            }
            ["artifacts"] => {
                let entry = |out: &mut String| self.documents.artifact(about, workflow, out);
                counted(out, 1, "artifacts", std::iter::once(entry));
                Some("artifacts")
            }
            _ => None,
        }
    }

    /// Runs of a commit, of the base branch, or of pull requests.
    fn runs(&self, repository: u32, query: &Query<'_>, out: &mut String) -> Option<Asked> {
        let (kind, of) = match (query.text("head_sha"), query.text("branch"), query.text("event")) {
            (Some(sha), ..) => {
                let commit = self.world.commit(number_of(sha)?);
                self.own(commit, repository)?;
                ("runs of commit", vec![commit])
            }
            (_, Some("main"), _) => ("runs of branch", vec![self.world.base(repository)]),
            (.., Some("pull_request")) => ("runs of pull requests", self.world.others(repository)),
            (None, None, None) => ("runs of repository", self.world.newest(repository)),
            _ => return None,
        };
        let finished = match query.text("status") {
            None => false,
            Some("completed") => true,
            Some(_) => return None,
        };
        let all: Vec<(Commit, usize)> = of
            .iter()
            .flat_map(|commit| (0..WORKFLOWS).map(|w| (*commit, w)))
            .filter(|(commit, w)| !finished || commit.outcome(*w).status() == "completed")
            .collect();
        let entries = query.page(&all).iter().map(|(commit, workflow)| {
            let about = About { world: &self.world, commit: *commit };
            move |out: &mut String| self.documents.run(about, *workflow, out)
        });
        counted(out, all.len(), "workflow_runs", entries);
        Some(Asked { kind, of })
    }

    /// Number of a repository.
    fn repository(&self, owner: &str, name: &str) -> Option<u32> {
        let number = name.strip_prefix("service-")?.parse().ok()?;
        (owner == "octo-org" && number < self.world.size.repositories).then_some(number)
    }

    fn own(&self, commit: Commit, repository: u32) -> Option<()> {
        (self.world.repository(commit.number) == repository).then_some(())
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}

/// The query of a request.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// The entries of the page that is asked for.
    fn page<'l, T>(&self, all: &'l [T]) -> &'l [T] {
        let size = self.number("per_page").unwrap_or(PER_PAGE).clamp(1, 100);
        let from = (self.number("page").unwrap_or(1).max(1) - 1).saturating_mul(size).min(all.len());
        all.get(from..(from + size).min(all.len())).unwrap_or_default()
    }
}

/// The address of a pull request's report: which repository and number a commit has.
pub fn source_of(number: u32, size: Size) -> (String, u32) {
    let mut name = String::new();
    let _ = write!(name, "octo-org/service-{:03}", number % size.repositories.max(1));
    (name, number + 1)
}
