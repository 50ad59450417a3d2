//! Payloads: the state as GitHub's API shows it.
//!
//! Every response that is made of these is checked against GitHub's own description before it is
//! sent, so a mistake here is found by the first test that reads it.

pub mod actions;
pub mod checks;
pub mod pulls;
pub mod repos;

use serde_json::{Value, json};

use super::state::{State, Urls};
use super::time::Ts;

/// A node id: opaque to everybody.
pub fn node(kind: &str, id: u64) -> String {
    format!("{kind}_kwDO{id:012x}")
}

/// A time or null.
pub fn time(at: Option<Ts>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_string()))
}

/// A person, organisation or bot.
pub fn user(state: &State, login: &str) -> Value {
    let account = state.account(login);
    let Urls { api, html, .. } = &state.urls;
    let name = super::uri::encode(&account.login);
    let url = format!("{api}/users/{name}");
    json!({
        "login": account.login,
        "id": account.id,
        "node_id": node("U", account.id),
        "avatar_url": format!("{html}/avatars/u/{}?v=4", account.id),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{html}/{name}"),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": false,
    })
}

/// An app.
pub fn app(state: &State, id: u64) -> Value {
    let Some(app) = state.app(id) else {
        return Value::Null;
    };
    json!({
        "id": app.id,
        "slug": app.slug,
        "node_id": node("A", app.id),
        "owner": user(state, "github"),
        "name": app.name,
        "description": "",
        "external_url": format!("{}/about/{}", state.urls.html, app.slug),
        "html_url": format!("{}/apps/{}", state.urls.html, app.slug),
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2024-04-10T20:33:16Z",
        "permissions": { "checks": "write", "metadata": "read", "statuses": "write" },
        "events": ["check_run", "check_suite", "workflow_run"],
    })
}

/// An error as the API words it.
pub fn error(status: u16, message: &str) -> Value {
    json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    })
}
