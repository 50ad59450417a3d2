//! The audit log: which requests the API server was asked, and by whom.

use super::error::Error;
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The audit policy. A request leaves exactly one event: a watch when it
/// begins, since it may never end, and anything else when it is answered. What
/// the server asks itself, and probes of its health, are left out.
pub(super) const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "rules": [
    {"level": "None", "users": ["system:apiserver"]},
    {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
    {"level": "Metadata", "verbs": ["watch"], "omitStages": ["RequestReceived", "ResponseComplete"]},
    {"level": "Metadata", "omitStages": ["RequestReceived", "ResponseStarted"]}
  ]
}
"#;

/// The most that is read at once; far more than any test writes.
const READ_LIMIT: u64 = 512 * 1024 * 1024;

/// One request to the API server.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Identifies the request.
    #[serde(rename = "auditID")]
    pub audit_id: String,
    /// How far the request was when the event was written.
    pub stage: String,
    /// What was asked for, e.g. `get`, `list`, `watch`, `patch`.
    pub verb: String,
    /// The path and query of the request.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// The client, as it calls itself.
    #[serde(default)]
    pub user_agent: String,
    /// The object or collection, if the request was about one.
    #[serde(default)]
    pub object_ref: Option<ObjectRef>,
    user: UserInfo,
    #[serde(default)]
    impersonated_user: Option<UserInfo>,
    #[serde(default)]
    response_status: Option<ResponseStatus>,
}

/// What a request was about. Absent parts are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The API version.
    pub api_version: String,
    /// The plural name of the resource.
    pub resource: String,
    /// The subresource, e.g. `status`.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The name of the object; empty for a collection.
    pub name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
}

#[derive(Debug, Clone, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl AuditEvent {
    /// The user the request counts as: the impersonated one, if any.
    pub fn user(&self) -> &str {
        &self.impersonated_user.as_ref().unwrap_or(&self.user).username
    }

    /// The HTTP status of the answer, if one was given yet.
    pub fn code(&self) -> Option<u16> {
        self.response_status.as_ref().map(|status| status.code)
    }

    /// Whether the request changes something if it is let through.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// The plural resource, followed by `/` and the subresource if there is
    /// one, e.g. `pods/status`; empty for requests about no resource.
    pub fn target(&self) -> String {
        match &self.object_ref {
            None => String::new(),
            Some(object) if object.subresource.is_empty() => object.resource.clone(),
            Some(object) => format!("{}/{}", object.resource, object.subresource),
        }
    }

    /// The namespace of the request, empty if it had none.
    pub fn namespace(&self) -> &str {
        self.object_ref.as_ref().map_or("", |object| object.namespace.as_str())
    }
}

/// A place in the audit log, to count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditMark(u64);

/// The place behind the last whole event.
pub(super) fn mark(path: &Path) -> Result<AuditMark, Error> {
    let (_, end) = read(path, AuditMark::default())?;
    Ok(end)
}

/// The events after the mark, oldest first.
pub(super) fn events(path: &Path, from: AuditMark) -> Result<Vec<AuditEvent>, Error> {
    let (text, _) = read(path, from)?;
    text.lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|e| Error::path("parse a line of the audit log", path, e))
        })
        .collect()
}

/// The whole lines after the mark, and the place behind them. The last line
/// may be half written, and is then left for the next call.
fn read(path: &Path, from: AuditMark) -> Result<(String, AuditMark), Error> {
    let failed = |e: std::io::Error| Error::path("read the audit log", path, e);
    let mut file = match File::open(path) {
        // The server creates it with the first event.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok((String::new(), from));
        }
        other => other.map_err(failed)?,
    };
    file.seek(SeekFrom::Start(from.0)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(whole);
    let text = String::from_utf8(bytes).map_err(|e| Error::path("read as UTF-8 the audit log", path, e))?;
    Ok((text, AuditMark(from.0 + whole as u64)))
}
