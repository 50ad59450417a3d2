//! What the API does: one handler for each operation of `openapi/operations.txt`.

mod actions;
mod apps;
mod checks;
mod pulls;
mod repos;

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use actions::logs_zip;

use super::auth::{self, Principal};
use super::state::{Repo, State, Token};
use super::wire;

/// An answer before headers are put on.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// JSON body; `None` for no body.
    pub body: Option<Value>,
    /// `Location`.
    pub location: Option<String>,
    /// Where in a list the body stands.
    pub page: Option<Page>,
    /// Extra headers.
    pub headers: Vec<(&'static str, String)>,
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Number from 1.
    pub number: usize,
    /// Number of the last page.
    pub last: usize,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// A status with a body.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), location: None, page: None, headers: Vec::new() }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, body: None, location: None, page: None, headers: Vec::new() }
    }

    /// A redirect.
    pub fn found(location: String) -> Self {
        Self { location: Some(location), ..Self::empty(302) }
    }

    /// An error.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, wire::error(status, message))
    }

    /// The usual 404.
    pub fn not_found() -> Self {
        Self::error(404, "Not Found")
    }
}

/// A request as a handler sees it.
pub struct Call<'a> {
    /// Path parameters.
    pub params: BTreeMap<String, String>,
    /// Query.
    pub query: BTreeMap<String, String>,
    /// Body; null when there was none.
    pub body: Value,
    /// Who asks.
    pub principal: &'a Principal,
    /// The repository, where the path names one.
    pub repo: u64,
    /// Path below the repository, and query, for redirects.
    pub tail: String,
}

/// Either way an answer; the error side makes `?` useful.
pub type Answer = Result<Reply, Reply>;

impl Call<'_> {
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map(String::as_str).unwrap_or_default()
    }

    fn id(&self, name: &str) -> Result<u64, Reply> {
        self.param(name).parse().map_err(|_| Reply::not_found())
    }

    /// A query value; an empty one counts as absent, as on the real service.
    fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.query(name)?.parse().ok()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }

    fn repo<'s>(&self, state: &'s State) -> Result<&'s Repo, Reply> {
        state.repo_by_id(self.repo).ok_or_else(Reply::not_found)
    }

    fn repo_mut<'s>(&self, state: &'s mut State) -> Result<&'s mut Repo, Reply> {
        state.repo_mut(self.repo).ok_or_else(Reply::not_found)
    }

    /// The page of `all` that is asked for: 30 a page unless told, 100 at most.
    fn page<T>(&self, all: Vec<T>) -> (Vec<T>, Page) {
        let per_page = self.number("per_page").unwrap_or(30).clamp(1, 100) as usize;
        let number = self.number("page").unwrap_or(1).max(1) as usize;
        let last = all.len().div_ceil(per_page).max(1);
        let page = all.into_iter().skip(per_page.saturating_mul(number - 1)).take(per_page).collect();
        (page, Page { number, last })
    }

    /// A list under a name, with the total count.
    fn counted<T>(&self, name: &str, all: Vec<T>, show: impl Fn(&T) -> Value) -> Reply {
        let total = all.len();
        let (page, at) = self.page(all);
        let items: Vec<Value> = page.iter().map(show).collect();
        let mut body = serde_json::Map::new();
        body.insert("total_count".into(), Value::from(total));
        body.insert(name.to_owned(), Value::Array(items));
        Reply { page: Some(at), ..Reply::ok(Value::Object(body)) }
    }

    /// A bare list.
    fn listed<T>(&self, all: Vec<T>, show: impl Fn(&T) -> Value) -> Reply {
        let (page, at) = self.page(all);
        Reply { page: Some(at), ..Reply::ok(Value::Array(page.iter().map(show).collect())) }
    }
}

/// Answers a request to the operation `METHOD template`.
pub fn dispatch(state: &mut State, key: &str, mut call: Call<'_>) -> Reply {
    let (method, template) = key.split_once(' ').unwrap_or_default();
    let answer = match template.strip_prefix("/repos/{owner}/{repo}") {
        None => apps::general(state, method, template, &call),
        Some(rest) => admit(state, method, template, &mut call).and_then(|()| {
            None.or_else(|| repos::serve(state, method, rest, &call))
                .or_else(|| pulls::serve(state, method, rest, &call))
                .or_else(|| actions::serve(state, method, rest, &call))
                .or_else(|| checks::serve(state, method, rest, &call))
                .or_else(|| apps::of_repo(state, method, rest, &call))
                .unwrap_or_else(|| Err(Reply::error(500, &format!("{key} has no handler"))))
        }),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// Finds the repository and checks that the principal may do this there.
fn admit(state: &State, method: &str, template: &str, call: &mut Call<'_>) -> Result<(), Reply> {
    let full_name = format!("{}/{}", call.param("owner"), call.param("repo"));
    let Some(repo) = state.repo_by_name(&full_name) else {
        let moved = state
            .repos
            .iter()
            .find(|repo| repo.former_names.iter().any(|old| old.eq_ignore_ascii_case(&full_name)));
        return Err(match moved {
            Some(repo) if call.principal.sees(state, repo) => {
                let mut reply = Reply::error(301, "Moved Permanently");
                reply.location = Some(format!("{}/repositories/{}{}", state.urls.api, repo.id, call.tail));
                reply
            }
            _ => Reply::not_found(),
        });
    };
    call.repo = repo.id;
    // The App asks by JWT where it is installed.
    if template == "/repos/{owner}/{repo}/installation" {
        return match call.principal {
            Principal::App(_) => Ok(()),
            _ => Err(Reply::error(401, "A JSON web token could not be decoded")),
        };
    }
    if let Principal::Token(Token { installation: Some(id), .. }) = call.principal
        && state.installations.iter().any(|found| found.id == *id && found.suspended)
    {
        return Err(Reply::error(403, "This installation has been suspended"));
    }
    if !call.principal.sees(state, repo) {
        return Err(Reply::not_found());
    }
    let (permission, level) = auth::needed(method, template);
    let mut may = call.principal.may(state, repo, permission, level);
    if permission == "issues" {
        may |= call.principal.may(state, repo, "pull_requests", level);
    }
    if !may {
        let mut reply = Reply::error(403, "Resource not accessible by integration");
        reply.headers.push(("x-accepted-github-permissions", format!("{permission}={level}")));
        return Err(reply);
    }
    Ok(())
}

/// A path by repository id, said by name.
pub fn by_name(state: &State, path: &str) -> String {
    let Some(rest) = path.strip_prefix("/repositories/") else {
        return path.to_owned();
    };
    let (id, rest) =
        rest.split_once('/').map_or((rest, String::new()), |(id, rest)| (id, format!("/{rest}")));
    match id.parse().ok().and_then(|id| state.repo_by_id(id)) {
        Some(repo) => format!("/repos/{}{rest}", repo.full_name()),
        // Described paths only: an unknown id is a repository that is not there.
        None => format!("/repos/unknown/{id}{rest}"),
    }
}
