//! Who may talk to the control plane: tokens and kubeconfig files.

use super::error::Error;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The user that the bench itself acts as; it may do everything.
pub(super) const ADMIN: &str = "admin";
/// The user that the controller manager acts as.
pub(super) const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
/// The group that authorization lets do everything.
pub(super) const MASTERS: &str = "system:masters";

/// A user known to the API server by a token of its own.
#[derive(Debug, Clone)]
pub(super) struct TokenUser {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) token: String,
}

impl TokenUser {
    /// A user with a fresh token.
    pub(super) fn new(name: &str, groups: &[&str]) -> Result<Self, Error> {
        // These would break the line of the token file apart.
        let forbidden = |text: &str| text.is_empty() || text.contains(['"', ',', '\n', '\r']);
        if forbidden(name) || groups.iter().any(|group| forbidden(group)) {
            return Err(Error::Usage(format!(
                "expected a user and groups without quotes, commas and line breaks, \
                 got user {name:?} with groups {groups:?}"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            token: token()?,
        })
    }

    /// The line of the token file for this user.
    fn line(&self) -> String {
        format!("{},{},{},\"{}\"\n", self.token, self.name, self.name, self.groups.join(","))
    }
}

/// Writes the token file of the API server.
pub(super) fn write_token_file(path: &Path, users: &[TokenUser]) -> Result<(), Error> {
    let text: String = users.iter().map(TokenUser::line).collect();
    write_private(path, text.as_bytes())
}

/// How a kubeconfig identifies its user.
pub(super) enum Identity<'a> {
    /// By a token.
    Token(&'a str),
    /// By the admin token, asking to be somebody else.
    As { admin_token: &'a str, user: &'a str, groups: &'a [&'a str] },
}

/// Writes a kubeconfig. It is JSON, which every reader of YAML takes.
pub(super) fn write_kubeconfig(
    path: &Path,
    server: &str,
    authority: &Path,
    identity: &Identity<'_>,
) -> Result<(), Error> {
    let user: Value = match identity {
        Identity::Token(token) => json!({ "token": token }),
        Identity::As { admin_token, user, groups } => {
            json!({ "token": admin_token, "as": user, "as-groups": groups })
        }
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "bench",
            "cluster": { "server": server, "certificate-authority": authority },
        }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{
            "name": "bench",
            "context": { "cluster": "bench", "user": "user", "namespace": "default" },
        }],
        "current-context": "bench",
        "preferences": {},
    });
    write_private(path, format!("{config:#}\n").as_bytes())
}

/// Writes a file that only this user can read, at once for concurrent readers.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unfinished = path.with_extension(format!("{:016x}", super::ports::random()));
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::options().create_new(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        fs::rename(&unfinished, path)
    };
    write().map_err(|e| Error::path("write", path, e))
}

fn token() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|e| Error::io("read /dev/urandom", e))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
