//! The App, its installations and tokens, rate limits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Call, Reply};
use crate::github::auth::Principal;
use crate::github::state::{Installation, Repo, State, Token};
use crate::github::wire::{self, repos};

/// Answers requests outside repositories.
pub(super) fn general(state: &mut State, method: &str, template: &str, call: &Call<'_>) -> Answer {
    match (method, template) {
        ("GET", "/rate_limit") => Ok(rate_limit(state, call)),
        ("GET", "/installation/repositories") => installation_repositories(state, call),
        ("DELETE", "/installation/token") => revoke(state, call),
        ("GET", "/user") => user(state, call),
        _ => of_app(state, method, template, call),
    }
}

/// Whose token it is; that of an App is nobody's.
fn user(state: &State, call: &Call<'_>) -> Answer {
    match call.principal {
        Principal::Token(Token { app: None, .. }) => {
            let mut user = wire::user(state, &call.principal.login(state));
            let about = json!({"name": null, "company": null, "blog": "", "location": null, "email": null,
                "hireable": null, "bio": null, "public_repos": 2, "public_gists": 0, "followers": 0, "following": 0,
                "created_at": "2018-07-30T09:30:17Z", "updated_at": "2024-04-10T20:33:16Z"});
            if let (Some(user), Some(about)) = (user.as_object_mut(), about.as_object()) {
                user.extend(about.clone());
            }
            Ok(Reply::ok(user))
        }
        Principal::Token(_) => Err(Reply::error(403, "Resource not accessible by integration")),
        _ => Err(Reply::error(401, "Requires authentication")),
    }
}

/// Answers requests that the App makes by JWT.
fn of_app(state: &mut State, method: &str, template: &str, call: &Call<'_>) -> Answer {
    let Principal::App(app) = call.principal else {
        return Err(Reply::error(401, "A JSON web token could not be decoded"));
    };
    let app = *app;
    match (method, template) {
        ("GET", "/app") => Ok(Reply::ok(wire::app(state, app))),
        ("GET", "/app/installations") => {
            let all: Vec<Installation> =
                state.installations.iter().filter(|found| found.app_id == app).cloned().collect();
            Ok(call.listed(all, |found| installation(state, found)))
        }
        ("GET", "/app/installations/{installation_id}") => {
            let found = find(state, call, app)?;
            Ok(Reply::ok(installation(state, &found)))
        }
        ("POST", "/app/installations/{installation_id}/access_tokens") => create_token(state, call, app),
        _ => crate::github::hooks::serve(state, method, template, &call.query, &call.params),
    }
}

/// Answers requests below `/repos/{owner}/{repo}` that are of this subject.
pub(super) fn of_repo(state: &mut State, method: &str, rest: &str, call: &Call<'_>) -> Option<Answer> {
    if (method, rest) != ("GET", "/installation") {
        return None;
    }
    let repo = match call.repo(state) {
        Ok(repo) => repo,
        Err(refusal) => return Some(Err(refusal)),
    };
    let found = state.installations.iter().find(|found| covers(found, repo));
    Some(found.map(|found| Reply::ok(installation(state, found))).ok_or_else(Reply::not_found))
}

fn covers(installation: &Installation, repo: &Repo) -> bool {
    installation.account.eq_ignore_ascii_case(&repo.owner)
        && installation.repositories.as_ref().is_none_or(|ids| ids.contains(&repo.id))
}

fn find(state: &State, call: &Call<'_>, app: u64) -> Result<Installation, Reply> {
    let id = call.id("installation_id")?;
    let found = state.installations.iter().find(|found| found.id == id && found.app_id == app);
    found.cloned().ok_or_else(Reply::not_found)
}

/// An installation as the API shows it.
fn installation(state: &State, found: &Installation) -> Value {
    let api = &state.urls.api;
    let account = state.account(&found.account);
    let since = "2025-01-01T00:00:00Z";
    let suspended = found.suspended.then(|| state.now.to_string());
    json!({
        "id": found.id,
        "account": wire::user(state, &found.account),
        "repository_selection": if found.repositories.is_some() { "selected" } else { "all" },
        "access_tokens_url": format!("{api}/app/installations/{}/access_tokens", found.id),
        "repositories_url": format!("{api}/installation/repositories"),
        "html_url": format!("{}/settings/installations/{}", state.urls.html, found.id),
        "app_id": found.app_id,
        "app_slug": state.app(found.app_id).map(|app| app.slug.clone()).unwrap_or_default(),
        "target_id": account.id,
        "target_type": account.kind,
        "permissions": found.permissions,
        "events": ["check_run", "pull_request", "workflow_job", "workflow_run"],
        "created_at": since,
        "updated_at": since,
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": found.suspended.then(|| wire::user(state, &found.account)),
        "suspended_at": suspended,
    })
}

fn create_token(state: &mut State, call: &Call<'_>, app: u64) -> Answer {
    let found = find(state, call, app)?;
    if found.suspended {
        return Err(Reply::error(403, "This installation has been suspended"));
    }
    let mut permissions = found.permissions.clone();
    if let Some(asked) = call.body.get("permissions").and_then(Value::as_object) {
        let asked: BTreeMap<String, String> = asked
            .iter()
            .map(|(name, level)| (name.clone(), level.as_str().unwrap_or_default().to_owned()))
            .collect();
        let beyond = asked.iter().any(|(name, level)| match permissions.get(name).map(String::as_str) {
            Some("write" | "admin") => false,
            Some(granted) => granted != level,
            None => true,
        });
        if beyond {
            return Err(Reply::error(422, "The permissions requested are not granted to this installation."));
        }
        permissions = asked;
        permissions.entry("metadata".into()).or_insert_with(|| "read".into());
    }
    let listed = |name: &str| call.body.get(name).and_then(Value::as_array).cloned();
    let by_id = listed("repository_ids").map(|ids| ids.iter().filter_map(Value::as_u64).collect::<Vec<_>>());
    let by_name = listed("repositories").map(|names| {
        let names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
        let fits = state.repos.iter().filter(|repo| names.contains(&repo.name.to_lowercase()));
        fits.map(|repo| repo.id).collect::<Vec<_>>()
    });
    let asked = by_id.or(by_name);
    if let Some(ids) = &asked {
        let inside = |id: &u64| state.repo_by_id(*id).is_some_and(|repo| covers(&found, repo));
        if ids.is_empty() || !ids.iter().all(inside) {
            let message = "There is at least one repository that does not exist or is not accessible to the parent installation.";
            return Err(Reply::error(422, message));
        }
    }
    let repositories = asked.or(found.repositories.clone());
    let serial = state.fresh_id();
    // Long, with dots and dashes: clients must not guess at its shape.
    let filler = crate::github::edit::sha_of(&format!("token {serial}")).repeat(12);
    let value = format!("ghs_{app}_{filler}.{serial}-x");
    state.tokens.push(Token {
        value: value.clone(),
        app: Some(app),
        installation: Some(found.id),
        repositories: repositories.clone(),
        permissions: Some(permissions.clone()),
        expires: Some(state.wire + state.token_lifetime),
    });
    let expires = state.now + state.token_lifetime;
    let mut body = json!({
        "token": value,
        "expires_at": expires.to_string(),
        "permissions": permissions,
        "repository_selection": if repositories.is_some() { "selected" } else { "all" },
    });
    if let (Some(ids), Some(map)) = (repositories, body.as_object_mut()) {
        let shown = ids.iter().filter_map(|id| state.repo_by_id(*id)).map(|repo| repos::long(state, repo));
        map.insert("repositories".into(), Value::Array(shown.collect()));
    }
    Ok(Reply::json(201, body))
}

fn installation_repositories(state: &State, call: &Call<'_>) -> Answer {
    let Principal::Token(Token { installation: Some(id), repositories, .. }) = call.principal else {
        return Err(Reply::error(403, "Resource not accessible by personal access token"));
    };
    let found = state.installations.iter().find(|found| found.id == *id);
    let all: Vec<&Repo> = state
        .repos
        .iter()
        .filter(|repo| found.is_some_and(|found| covers(found, repo)))
        .filter(|repo| repositories.as_ref().is_none_or(|ids| ids.contains(&repo.id)))
        .collect();
    let mut reply = call.counted("repositories", all, |repo| repos::long(state, repo));
    if let Some(map) = reply.body.as_mut().and_then(Value::as_object_mut) {
        let selection = if repositories.is_some() { "selected" } else { "all" };
        map.insert("repository_selection".into(), json!(selection));
    }
    Ok(reply)
}

fn revoke(state: &mut State, call: &Call<'_>) -> Answer {
    let Principal::Token(token) = call.principal else {
        return Err(Reply::error(401, "Bad credentials"));
    };
    state.tokens.retain(|known| known.value != token.value);
    Ok(Reply::empty(204))
}

fn rate_limit(state: &mut State, call: &Call<'_>) -> Reply {
    let core = state.limits.budget(&call.principal.key(), state.now).json();
    let other = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": state.now.seconds() + 60 });
    Reply::ok(json!({
        "resources": { "core": core, "search": other, "graphql": core },
        "rate": core,
    }))
}
