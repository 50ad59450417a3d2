//! The page for people.

use axum::http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listeners;

/// A page that people look at, at `listeners.http`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Page {
    /// Show it. It needs `listeners.http`.
    pub enabled: bool,
    /// Audiences of the tokens that show it. Empty: those of `http.audiences`. Behind an OIDC proxy: an audience of the
    /// API server, which is what it takes the tokens of its issuer for.
    pub audiences: Vec<String>,
    /// Header in which a proxy hands on the token, such as `X-Forwarded-Access-Token`. Empty: `Authorization` only.
    pub token_header: String,
    /// Path at which a proxy before the page logs people in anew, such as `/oauth2/start` of oauth2-proxy. Who is not known
    /// is led there, and is not asked for a password. Empty: browsers ask for the token.
    pub login_path: String,
}

impl Page {
    /// What is wrong with it.
    pub(super) fn check(&self, listeners: &Listeners, wrong: &mut Vec<String>) {
        if self.enabled && listeners.http.is_none() {
            wrong.push(
                "page.enabled: listeners.http must be set, the address that it is shown at (--http-addr)"
                    .to_owned(),
            );
        }
        if self.audiences.iter().any(|a| a.trim().is_empty()) {
            wrong.push("page.audiences: an audience is empty".to_owned());
        }
        if !self.token_header.is_empty() && self.header().is_none() {
            wrong.push(
                "page.tokenHeader: expected the name of a header, such as X-Forwarded-Access-Token"
                    .to_owned(),
            );
        }
        // Anything else could lead to another site.
        let inner = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let path = self.login_path.strip_prefix('/');
        if !self.login_path.is_empty() && !path.is_some_and(|p| !p.starts_with('/') && p.chars().all(inner)) {
            wrong.push("page.loginPath: expected a path without a query, such as /oauth2/start".to_owned());
        }
    }

    /// The header in which a proxy hands on the token.
    pub fn header(&self) -> Option<HeaderName> {
        self.token_header.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_path_of_the_same_site() {
        let wrong = |path: &str| {
            let mut wrong = Vec::new();
            Page { login_path: path.to_owned(), ..Page::default() }.check(&Listeners::default(), &mut wrong);
            !wrong.is_empty()
        };
        for good in ["", "/", "/oauth2/start", "/a-b/c_d.e~f"] {
            assert!(!wrong(good), "{good}");
        }
        for bad in [
            "oauth2/start", "//other.example", "https://other.example", "/\\other", "/a?rd=b", "/a b",
            "/\u{e4}",
        ] {
            assert!(wrong(bad), "{bad}");
        }
    }
}
