//! What was asked: one line a request.

use std::time::Instant;

use serde_json::Value;

use super::time::Ts;

/// Which of the two origins was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The API.
    Api,
    /// The second origin, which serves logs and archives.
    Blobs,
}

/// A request and how it was answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number from 1, in order of arrival.
    pub number: u64,
    /// Origin.
    pub origin: Origin,
    /// Method.
    pub method: String,
    /// Path without the API prefix, `/repositories/{id}` resolved to `/repos/{owner}/{repo}`.
    pub path: String,
    /// Path as sent.
    pub raw_path: String,
    /// The operation's path template; empty when there is none.
    pub template: String,
    /// Query pairs in order.
    pub query: Vec<(String, String)>,
    /// Header names (lower case) and values; `authorization` is kept.
    pub headers: Vec<(String, String)>,
    /// Body, when it was JSON.
    pub body: Option<Value>,
    /// Status of the answer; 0 while it is open or when the connection was cut.
    pub status: u16,
    /// It carried `If-None-Match`.
    pub conditional: bool,
    /// It costs primary budget.
    pub counted: bool,
    /// A fault was played.
    pub fault: Option<String>,
    /// Length of the body of the answer.
    pub bytes: usize,
    /// Scenario time.
    pub at: Ts,
    /// Real time.
    pub instant: Instant,
}

impl Request {
    /// A query value.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Answered 304.
    pub fn not_modified(&self) -> bool {
        self.status == 304
    }

    /// It changes something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// `METHOD path?query` on one line, for messages.
    pub fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{} -> {}", self.method, self.path, query.join("&"), self.status)
    }
}
