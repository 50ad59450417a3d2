//! Who asks, and what they may.

use std::collections::BTreeMap;

use serde_json::Value;

use super::state::{Repo, State, Token};
use super::time::Ts;

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
            Self::Anonymous | Self::App(_) => !repo.private,
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
        Some(token) if token.expires.is_none_or(|at| state.wire < at) => Ok(Principal::Token(token.clone())),
        Some(_) => Err(BAD),
        None if value.matches('.').count() == 2 && !value.starts_with("gh") => {
            app_of_jwt(state, value, Ts::real_now().seconds()).map(Principal::App)
        }
        None => Err(BAD),
    }
}

/// The app of a JWT. Claims are checked against the machine's clock; the signature is not checked,
/// as no key is shared with the client under test.
fn app_of_jwt(state: &State, jwt: &str, now: i64) -> Result<u64, &'static str> {
    let mut parts = jwt.split('.');
    let header = parts.next().and_then(claims).ok_or("A JSON web token could not be decoded")?;
    let body = parts.next().and_then(claims).ok_or("A JSON web token could not be decoded")?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err("A JSON web token could not be decoded");
    }
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
    let mut bits = 0_u32;
    let mut held = 0_u8;
    let mut out = Vec::new();
    for byte in part.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(((bits >> held) & 0xff) as u8);
        }
    }
    serde_json::from_slice(&out).ok()
}

/// The permission that an operation needs, and its level.
pub fn needed(method: &str, template: &str) -> (&'static str, &'static str) {
    let level = if method == "GET" { "read" } else { "write" };
    let rest = template.strip_prefix("/repos/{owner}/{repo}").unwrap_or_default();
    let permission = if rest.starts_with("/actions/") {
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
    } else if rest.starts_with("/commits") || rest.starts_with("/branches") || rest.starts_with("/compare") {
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
        ("issues", "write"),
        ("metadata", "read"),
        ("merge_queues", "read"),
        ("pull_requests", "write"),
        ("statuses", "write"),
    ]
    .map(|(name, level)| (name.to_owned(), level.to_owned()))
    .into()
}
