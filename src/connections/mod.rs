//! Connections: a host, the operator's credential for it, and who may use them.
//!
//! A credential and its host are one thing that the administrator owns. A report names a connection,
//! never an address, and learns no more than that it may not use one.

mod live;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

pub use live::Live;

use crate::github::ApiBase;
use crate::verdict::belongs::glob;

/// Bytes of a token or key that are read of a file.
const MAX_FILE: u64 = 64 << 10;

/// All connections of an operator.
#[derive(Clone, Debug, Default)]
pub struct Connections(BTreeMap<String, Arc<Connection>>);

/// A host with the operator's own credential.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What reports call it.
    pub name: String,
    pub base: ApiBase,
    /// The operator's own credential.
    pub own: Own,
    /// Globs of namespaces whose reports may use it.
    pub namespaces: Vec<String>,
    /// Globs of repositories (`owner/name`) that may be read.
    pub repositories: Vec<String>,
    /// Patterns of hosts that downloads may be redirected to; empty: those of the server.
    pub downloads: Vec<String>,
    /// Reports may bring their own Secret for this host.
    pub report_secrets: bool,
    /// What reports that use it may publish.
    pub publish: Publish,
    /// What its webhooks are signed with; any one of them will do, so that one can be replaced.
    pub webhooks: Vec<Signing>,
}

/// Names under which reports may have their verdict published. A name that others require is a
/// right: whoever may write under it decides what they are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Globs of names of commit statuses and check runs on GitHub.
    pub names: Vec<String>,
    /// Globs of keys of `CommitStatus` objects for GitOps Promoter; none unless the administrator says so.
    pub commit_status_keys: Vec<String>,
    /// Promoter's `instance-id`, where it has one.
    pub promoter_instance: Option<String>,
    /// Globs of environments whose deployment protection rules may be answered; none unless the administrator
    /// says so.
    pub environments: Vec<String>,
}

impl Default for Publish {
    fn default() -> Self {
        let names = ["testrun", "testrun/*", "testrun-*"].map(str::to_owned).to_vec();
        Self { names, commit_status_keys: Vec::new(), promoter_instance: None, environments: Vec::new() }
    }
}

impl Publish {
    /// Whether a commit status or check run may have this name. GitHub compares without regard to case.
    pub fn allows_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.names.iter().any(|g| glob(&g.to_ascii_lowercase(), &name))
    }

    /// Whether a `CommitStatus` may have this key.
    pub fn allows_key(&self, key: &str) -> bool {
        self.commit_status_keys.iter().any(|g| glob(g, key))
    }

    /// Whether the deployment protection rule of an environment may be answered. GitHub compares without regard
    /// to case.
    pub fn allows_environment(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.environments.iter().any(|g| glob(&g.to_ascii_lowercase(), &name))
    }
}

/// A secret that webhooks are signed with.
#[derive(Clone, Debug)]
pub enum Signing {
    Secret(SecretString),
    /// Read anew every few seconds.
    File(PathBuf),
}

/// The operator's own credential of a connection.
#[derive(Clone, Debug, Default)]
pub enum Own {
    /// None: only reports with a Secret, or public repositories.
    #[default]
    None,
    Token(SecretString),
    /// Read anew for each look, so that a rotated token is used without a restart.
    TokenFile(PathBuf),
    App(AppFile),
}

/// A GitHub App whose key is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFile {
    pub app_id: u64,
    /// Found by the repository where it is not given.
    pub installation_id: Option<u64>,
    pub private_key_file: PathBuf,
}

/// A credential in the form in which it is used.
#[derive(Clone, Debug)]
pub enum Held {
    None,
    Token(SecretString),
    App(AppKey),
}

/// A GitHub App with its key.
#[derive(Clone, Debug)]
pub struct AppKey {
    pub app_id: u64,
    pub installation_id: Option<u64>,
    /// RSA private key in PEM.
    pub private_key: SecretString,
}

impl Connections {
    /// Connections by name; the last of one name counts.
    pub fn new(all: impl IntoIterator<Item = Connection>) -> Self {
        Self(all.into_iter().map(|c| (c.name.clone(), Arc::new(c))).collect())
    }

    /// Adds a connection unless one of its name is there.
    pub fn or_else(mut self, connection: Connection) -> Self {
        self.0.entry(connection.name.clone()).or_insert_with(|| Arc::new(connection));
        self
    }

    /// The connection, if reports of the namespace may read the repository through it. Whether it
    /// does not exist or may not be used makes no difference to the caller.
    pub fn allowed(&self, name: &str, namespace: &str, repository: &str) -> Option<Arc<Connection>> {
        let connection = self.0.get(name)?;
        let named = connection.namespaces.iter().any(|g| glob(g, namespace));
        (named && connection.may_read(repository)).then(|| Arc::clone(connection))
    }

    /// The connection of a name, whoever may use it.
    pub fn named(&self, name: &str) -> Option<&Arc<Connection>> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.0.values().map(Arc::as_ref)
    }
}

impl Connection {
    /// One that everybody may use: what a token in the environment means.
    pub fn open(name: &str, base: ApiBase, own: Own) -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            name: name.to_owned(),
            base,
            own,
            namespaces: all(),
            repositories: all(),
            downloads: Vec::new(),
            report_secrets: true,
            publish: Publish::default(),
            webhooks: Vec::new(),
        }
    }

    /// GitHub's names do not depend on case.
    pub fn may_read(&self, repository: &str) -> bool {
        let repository = repository.to_ascii_lowercase();
        self.repositories.iter().any(|g| glob(&g.to_ascii_lowercase(), &repository))
    }

    /// The secrets of its webhooks as they are now. One that cannot be read is left out, and logged.
    pub async fn webhook_secrets(&self) -> Vec<SecretString> {
        let mut secrets = Vec::with_capacity(self.webhooks.len());
        for signing in &self.webhooks {
            match signing {
                Signing::Secret(secret) => secrets.push(secret.clone()),
                Signing::File(path) => match text(path).await {
                    // As an editor leaves it: GitHub signs with what was typed into a line.
                    Ok(text) if !text.trim().is_empty() => secrets.push(SecretString::from(text.trim())),
                    Ok(_) => tracing::warn!("{} holds no webhook secret", path.display()),
                    Err(error) => tracing::warn!("a webhook secret is not used: {error}"),
                },
            }
        }
        secrets
    }

    /// The operator's own credential as it is now; an error names the file and what is wrong.
    pub async fn hold(&self) -> Result<Held, String> {
        match &self.own {
            Own::None => Ok(Held::None),
            Own::Token(token) => Ok(Held::Token(token.clone())),
            Own::TokenFile(path) => token(&text(path).await?)
                .map(Held::Token)
                .ok_or_else(|| format!("{} holds no token; expected one line", path.display())),
            Own::App(app) => Ok(Held::App(AppKey {
                app_id: app.app_id,
                installation_id: app.installation_id,
                private_key: SecretString::from(text(&app.private_key_file).await?),
            })),
        }
    }
}

/// A token is one line of printable characters; the line end that editors leave is cut off.
pub fn token(text: &str) -> Option<SecretString> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= 4096 && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| SecretString::from(text))
}

async fn text(path: &Path) -> Result<String, String> {
    use tokio::io::AsyncReadExt;
    let work = async {
        let mut text = String::new();
        tokio::fs::File::open(path).await?.take(MAX_FILE).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    work.await.map_err(|e| format!("{} cannot be read: {}", path.display(), e.kind()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_connection_serves_only_whom_the_administrator_named() {
        let all = Connections::new([Connection {
            namespaces: vec!["ci".into(), "team-*".into()],
            repositories: vec!["acme/*".into()],
            ..Connection::open("internal", ApiBase::default(), Own::None)
        }]);
        for (name, namespace, repository, want) in [
            ("internal", "ci", "acme/shop", true),
            ("internal", "team-a", "ACME/Shop", true),
            ("internal", "default", "acme/shop", false),
            ("internal", "ci", "mallory/shop", false),
            ("internal", "ci", "acme", false),
            ("internal", "ci", "mallory/acme/shop", false),
            ("other", "ci", "acme/shop", false),
        ] {
            assert_eq!(
                all.allowed(name, namespace, repository).is_some(),
                want,
                "{name} {namespace} {repository}"
            );
        }
    }

    #[tokio::test]
    async fn a_rotated_file_is_read_anew() {
        use secrecy::ExposeSecret;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let connection = Connection::open("a", ApiBase::default(), Own::TokenFile(path.clone()));
        assert!(connection.hold().await.unwrap_err().contains("cannot be read"));
        for text in ["one\n", "two"] {
            std::fs::write(&path, text).unwrap();
            let Held::Token(token) = connection.hold().await.unwrap() else { panic!("a token") };
            assert_eq!(token.expose_secret(), text.trim());
        }
        std::fs::write(&path, "two lines\nhere").unwrap();
        assert!(connection.hold().await.unwrap_err().contains("one line"));
    }
}
