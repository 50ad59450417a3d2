//! `connections` as the administrator writes them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connections::{self, AppFile, Connection, Connections, Own, Signing};
use crate::github::{ApiBase, GITHUB_COM, is_host_pattern};

/// A host of GitHub with the operator's credential, and who may use them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// What reports call it, in `spec.source.github.connection`.
    pub name: String,
    /// Address of the API, `https://HOST/api/v3` for GitHub Enterprise Server. Default: github.com's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// File with the operator's token; read anew for each look, so that it can be rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The operator's GitHub App, in place of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<App>,
    /// Names of namespaces whose reports may use the connection; `*` stands for any text.
    pub namespaces: Vec<String>,
    /// Repositories (`owner/name`) that may be read through it; `*` stands for any text.
    pub repositories: Vec<String>,
    /// Reports may bring a Secret of their own for this host. Default: only on github.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_secrets: Option<bool>,
    /// Files with the secrets that its webhooks are signed with; any one of up to 4 will do, so that one can
    /// be replaced. Empty: it takes no webhooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook_secret_files: Vec<PathBuf>,
    /// Hosts that logs and artifacts may be downloaded from, where GitHub redirects to its storage: `storage.example.com`
    /// or `*.example.com`. Default for github.com: `*.actions.githubusercontent.com`, `*.blob.core.windows.net`,
    /// `*.githubusercontent.com` and `*.github.com`; for another server its own host, those below it, and any other host
    /// with a public address. A list is in place of these, but for the own host of another server. Only there may
    /// listed hosts have private addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub download_hosts: Vec<String>,
    /// Names under which reports that use it may have their verdict published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<Publish>,
}

/// Names under which reports may have their verdict published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Publish {
    /// Names of commit statuses and check runs on GitHub; `*` stands for any text. Default: `testrun`,
    /// `testrun/*` and `testrun-*`. A report neither waits for a check of a name that it publishes under nor
    /// heeds that a branch requires it, so that none of these may be the name of somebody else's check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Keys of `CommitStatus` objects for GitOps Promoter; `*` stands for any text. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commit_status_keys: Vec<String>,
    /// Value of the label `promoter.argoproj.io/instance-id` of these objects, where promoter has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoter_instance: Option<String>,
    /// Environments whose deployment protection rules reports may answer, which lets deployments through; `*`
    /// stands for any text. Default: none. It needs an App.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
}

/// A GitHub App.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct App {
    /// Id of the App.
    pub app_id: u64,
    /// Id of its installation. Default: found by the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<u64>,
    /// File with the App's private key, RSA in PEM.
    pub private_key_file: PathBuf,
}

/// The connections, and what is wrong with them.
pub(super) fn checked(entries: &[Entry], wrong: &mut Vec<String>) -> Connections {
    let (mut names, mut all) = (BTreeSet::new(), Vec::new());
    for (i, entry) in entries.iter().enumerate() {
        let at = format!("connections[{i}]");
        if !names.insert(&entry.name) {
            wrong.push(format!("{at}.name: {:?} is there twice", entry.name));
        }
        all.extend(connection(entry, &at, wrong));
    }
    Connections::new(all)
}

fn connection(entry: &Entry, at: &str, wrong: &mut Vec<String>) -> Option<Connection> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    if entry.name.is_empty() || entry.name.len() > 63 || !entry.name.chars().all(good) {
        wrong.push(format!(
            "{at}.name: expected up to 63 lower-case letters, digits, - and ., such as github.com"
        ));
    }
    let base = match ApiBase::parse(entry.url.as_deref().unwrap_or(GITHUB_COM)) {
        Ok(base) => Some(base),
        Err(error) => {
            wrong.push(format!("{at}.url: {error}"));
            None
        }
    };
    for (name, globs) in [("namespaces", &entry.namespaces), ("repositories", &entry.repositories)] {
        if globs.is_empty() || globs.iter().any(|g| g.trim().is_empty()) {
            wrong.push(format!("{at}.{name}: name who may use it; ['*'] is everybody"));
        }
    }
    for glob in entry.repositories.iter().filter(|g| *g != "*" && g.matches('/').count() != 1) {
        wrong.push(format!("{at}.repositories: {glob:?} is not owner/name, owner/* or *"));
    }
    let own = match (&entry.token_file, &entry.app) {
        (Some(_), Some(_)) => {
            wrong.push(format!("{at}: has both tokenFile and app; leave one out"));
            Own::None
        }
        (Some(path), None) => Own::TokenFile(path.clone()),
        (None, Some(app)) => {
            if app.app_id == 0 || app.installation_id == Some(0) {
                wrong.push(format!("{at}.app: ids are positive numbers"));
            }
            Own::App(AppFile {
                app_id: app.app_id,
                installation_id: app.installation_id,
                private_key_file: app.private_key_file.clone(),
            })
        }
        (None, None) => Own::None,
    };
    for host in entry.download_hosts.iter().filter(|host| !is_host_pattern(host)) {
        wrong.push(format!(
            "{at}.downloadHosts: {host:?} is no host such as storage.example.com or *.example.com"
        ));
    }
    let publish = entry.publish.as_ref().map(|p| published(p, at, wrong)).unwrap_or_default();
    if entry.webhook_secret_files.len() > 4 {
        wrong.push(format!("{at}.webhookSecretFiles: name up to 4 files"));
    }
    let base = base?;
    Some(Connection {
        webhooks: entry.webhook_secret_files.iter().cloned().map(Signing::File).collect(),
        name: entry.name.clone(),
        // A report's own Secret goes to GitHub's service, and elsewhere only where that is said.
        report_secrets: entry.report_secrets.unwrap_or(base.is_github_com()),
        base,
        own,
        namespaces: entry.namespaces.clone(),
        repositories: entry.repositories.clone(),
        downloads: entry.download_hosts.clone(),
        publish,
    })
}

fn published(entry: &Publish, at: &str, wrong: &mut Vec<String>) -> connections::Publish {
    let mut publish = connections::Publish::default();
    if let Some(names) = &entry.names {
        publish.names.clone_from(names);
    }
    publish.commit_status_keys.clone_from(&entry.commit_status_keys);
    publish.promoter_instance.clone_from(&entry.promoter_instance);
    publish.environments.clone_from(&entry.environments);
    for (name, globs) in [
        ("names", &publish.names),
        ("commitStatusKeys", &publish.commit_status_keys),
        ("environments", &publish.environments),
    ] {
        if globs.iter().any(|g| g.trim().is_empty() || g == "*") {
            wrong.push(format!(
                "{at}.publish.{name}: name what reports may publish under, such as testrun-*; any name would let \
                 them speak for somebody else"
            ));
        }
    }
    let label = |text: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        text.len() <= 63
            && text.chars().all(plain)
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    if publish.promoter_instance.as_ref().is_some_and(|i| !label(i)) {
        wrong.push(format!(
            "{at}.publish.promoterInstance: expected the value of a label, up to 63 characters"
        ));
    }
    publish
}
