//! Who asks, and what they may.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::state::{Installation, Repo, State, Token};

/// Who a request speaks for.
#[derive(Clone, Debug)]
pub enum Principal {
    /// Nobody.
    Anonymous,
    /// The App itself, by a signed JWT.
    App(u64),
    /// A token.
    Token(Token),
}

impl Principal {
    /// The name under which limits count.
    pub fn key(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".into(),
            Self::App(id) => format!("app {id}"),
            Self::Token(token) => match (token.installation, token.app) {
                (Some(id), _) => format!("installation {id}"),
                (None, Some(_)) => "installation of the test".into(),
                (None, None) => format!("token {}", token.value),
            },
        }
    }

    /// Whether it sees the repository at all.
    pub fn sees(&self, state: &State, repo: &Repo) -> bool {
        match self {
            Self::Anonymous => !repo.private,
            Self::App(id) => {
                let on = |found: &Installation| {
                    found.app_id == *id
                        && found.account.eq_ignore_ascii_case(&repo.owner)
                        && found.repositories.as_ref().is_none_or(|ids| ids.contains(&repo.id))
                };
                !repo.private || state.installations.iter().any(on)
            }
            Self::Token(token) => !repo.private || self.selected(state, token, repo),
        }
    }

    fn selected(&self, state: &State, token: &Token, repo: &Repo) -> bool {
        let includes = |list: &Option<Vec<u64>>| list.as_ref().is_none_or(|ids| ids.contains(&repo.id));
        let installed = match token.installation {
            None => true,
            Some(id) => {
                state.installations.iter().find(|installation| installation.id == id).is_some_and(|found| {
                    found.account.eq_ignore_ascii_case(&repo.owner) && includes(&found.repositories)
                })
            }
        };
        installed && includes(&token.repositories)
    }

    /// Whether it may do what needs `level` of `permission` on the repository.
    pub fn may(&self, state: &State, repo: &Repo, permission: &str, level: &str) -> bool {
        match self {
            Self::Anonymous | Self::App(_) => level == "read" && !repo.private,
            Self::Token(token) => {
                if !self.selected(state, token, repo) {
                    return level == "read" && !repo.private && permission != "administration";
                }
                let Some(granted) = &token.permissions else {
                    return true;
                };
                if permission == "metadata" && level == "read" {
                    return true;
                }
                // Public repositories can be read by any valid token.
                if level == "read" && !repo.private && permission != "administration" {
                    return true;
                }
                match granted.get(permission).map(String::as_str) {
                    Some("write" | "admin") => true,
                    Some("read") => level == "read",
                    _ => false,
                }
            }
        }
    }

    /// The app that the principal writes as.
    pub fn app_id(&self) -> Option<u64> {
        match self {
            Self::Token(token) => token.app,
            _ => None,
        }
    }

    /// The login that the principal writes as.
    pub fn login(&self, state: &State) -> String {
        match self.app_id().and_then(|id| state.app(id)) {
            Some(app) => format!("{}[bot]", app.slug),
            None => "octo-admin".into(),
        }
    }
}

/// Reads the `Authorization` header; an error is the message of a 401.
pub fn authenticate(state: &State, header: Option<&str>) -> Result<Principal, &'static str> {
    const BAD: &str = "Bad credentials";
    let Some(header) = header else {
        return if state.anonymous { Ok(Principal::Anonymous) } else { Err("Requires authentication") };
    };
    let Some((scheme, value)) = header.split_once(' ') else {
        return Err(BAD);
    };
    if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("token") {
        return Err(BAD);
    }
    let known = state.tokens.iter().find(|token| token.value == value);
    match known {
        // What was made for an installation ends with it.
        Some(Token { installation: Some(id), .. })
            if state.installations.iter().all(|found| found.id != *id) =>
        {
            Err(BAD)
        }
        Some(token) if token.expires.is_none_or(|at| state.wire < at) => Ok(Principal::Token(token.clone())),
        Some(_) => Err(BAD),
        None if value.matches('.').count() == 2 && !value.starts_with("gh") => {
            app_of_jwt(state, value).map(Principal::App)
        }
        None => Err(BAD),
    }
}

/// The app of a JWT. Claims are checked against the server's clock, the signature against the App's
/// keys if it has some here.
fn app_of_jwt(state: &State, jwt: &str) -> Result<u64, &'static str> {
    const UNREADABLE: &str = "A JSON web token could not be decoded";
    let (signed, signature) = jwt.rsplit_once('.').ok_or(UNREADABLE)?;
    let mut parts = signed.split('.');
    let header = parts.next().and_then(claims).ok_or(UNREADABLE)?;
    let body = parts.next().and_then(claims).ok_or(UNREADABLE)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(UNREADABLE);
    }
    let by = |key: &Vec<u8>| {
        let key = DecodingKey::from_rsa_der(key);
        verify(signature, signed.as_bytes(), &key, Algorithm::RS256).unwrap_or(false)
    };
    if !state.app_keys.is_empty() && !state.app_keys.iter().any(by) {
        return Err(UNREADABLE);
    }
    let now = state.now.seconds();
    let number = |name: &str| body.get(name).and_then(Value::as_i64);
    let (Some(issued), Some(expires)) = (number("iat"), number("exp")) else {
        return Err("Missing 'exp' claim ('iat' and 'exp' are needed)");
    };
    if issued > now + 5 {
        return Err("'Issued at' claim ('iat') must be an Integer representing a time in the past");
    }
    if expires <= now {
        return Err("'Expiration time' claim ('exp') must be a numeric value in the future");
    }
    if expires > now + 600 + 5 {
        return Err("'Expiration time' claim ('exp') is too far in the future");
    }
    let issuer = match body.get("iss") {
        Some(Value::String(text)) => text.parse::<u64>().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    issuer.filter(|id| state.app(*id).is_some()).ok_or("Integration not found")
}

fn claims(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The permission that an operation needs, and its level.
pub fn needed(method: &str, template: &str) -> (&'static str, &'static str) {
    let level = if method == "GET" { "read" } else { "write" };
    let rest = template.strip_prefix("/repos/{owner}/{repo}").unwrap_or_default();
    let permission = if rest.ends_with("/deployment_protection_rule") {
        "deployments"
    } else if rest.starts_with("/actions/") {
        "actions"
    } else if rest.starts_with("/check-") || rest.ends_with("/check-runs") || rest.ends_with("/check-suites")
    {
        "checks"
    } else if rest.ends_with("/status") || rest.contains("/statuses") {
        "statuses"
    } else if rest.starts_with("/pulls") || rest.ends_with("/pulls") {
        "pull_requests"
    } else if rest.starts_with("/issues") {
        "issues"
    } else if rest.contains("/protection") {
        "administration"
    } else if ["/commits", "/branches", "/compare", "/contents", "/git/"]
        .iter()
        .any(|start| rest.starts_with(start))
    {
        "contents"
    } else {
        "metadata"
    };
    (permission, level)
}

/// Everything that the operator asks for, at its highest.
pub fn all_permissions() -> BTreeMap<String, String> {
    [
        ("actions", "write"),
        ("checks", "write"),
        ("contents", "read"),
        ("deployments", "write"),
        ("issues", "write"),
        ("metadata", "read"),
        ("merge_queues", "read"),
        ("pull_requests", "write"),
        ("statuses", "write"),
    ]
    .map(|(name, level)| (name.to_owned(), level.to_owned()))
    .into()
}
