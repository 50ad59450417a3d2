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
    }

    /// The header in which a proxy hands on the token.
    pub fn header(&self) -> Option<HeaderName> {
        self.token_header.parse().ok()
    }
}
