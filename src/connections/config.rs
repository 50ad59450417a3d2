//! The configuration file: `connections` as the administrator writes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{AppFile, Connection, Connections, Own};
use crate::github::{ApiBase, GITHUB_COM};

/// Bytes of a configuration file.
const MAX_BYTES: usize = 1 << 20;

/// What is wrong with a configuration: every finding, each with its path.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used:\n- {}", .0.join("\n- "))]
pub struct InvalidConfig(pub Vec<String>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(default)]
    connections: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: String,
    url: Option<String>,
    token_file: Option<PathBuf>,
    app: Option<App>,
    namespaces: Vec<String>,
    repositories: Vec<String>,
    report_secrets: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct App {
    app_id: u64,
    installation_id: Option<u64>,
    private_key_file: PathBuf,
}

/// Reads the configuration file.
pub fn read(path: &Path) -> Result<Connections, InvalidConfig> {
    let bad = |what: String| InvalidConfig(vec![format!("{}: {what}", path.display())]);
    let size = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
    if size > MAX_BYTES as u64 {
        return Err(bad(format!("is larger than {MAX_BYTES} bytes")));
    }
    parse(&std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?)
}

/// Reads a configuration, or says everything that is wrong with it.
pub fn parse(text: &str) -> Result<Connections, InvalidConfig> {
    let file: File = serde_saphyr::from_str(text)
        .map_err(|e| InvalidConfig(vec![crate::verdict::text::clean(&e.to_string(), 1000)]))?;
    let (mut wrong, mut names, mut all) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (i, entry) in file.connections.into_iter().enumerate() {
        let at = format!("connections[{i}]");
        if !names.insert(entry.name.clone()) {
            wrong.push(format!("{at}.name: {:?} is there twice", entry.name));
        }
        all.extend(connection(entry, &at, &mut wrong));
    }
    if wrong.is_empty() { Ok(Connections::new(all)) } else { Err(InvalidConfig(wrong)) }
}

fn connection(entry: Entry, at: &str, wrong: &mut Vec<String>) -> Option<Connection> {
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
    let own = match (entry.token_file, entry.app) {
        (Some(_), Some(_)) => {
            wrong.push(format!("{at}: has both tokenFile and app; leave one out"));
            Own::None
        }
        (Some(path), None) => Own::TokenFile(path),
        (None, Some(app)) => {
            if app.app_id == 0 || app.installation_id == Some(0) {
                wrong.push(format!("{at}.app: ids are positive numbers"));
            }
            Own::App(AppFile {
                app_id: app.app_id,
                installation_id: app.installation_id,
                private_key_file: app.private_key_file,
            })
        }
        (None, None) => Own::None,
    };
    let base = base?;
    Some(Connection {
        name: entry.name,
        // A report's own Secret goes to GitHub's service, and elsewhere only where that is said.
        report_secrets: entry.report_secrets.unwrap_or(base.is_github_com()),
        base,
        own,
        namespaces: entry.namespaces,
        repositories: entry.repositories,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_whole_configuration() {
        let all = parse(
            "connections:\n- name: github.com\n  tokenFile: /t\n  namespaces: ['*']\n  repositories: [acme/*]\n- name: ghe\n  url: https://ghe.example.com/api/v3\n  app: {appId: 7, privateKeyFile: /k}\n  namespaces: [ci]\n  repositories: ['*']\n",
        )
        .unwrap();
        let of = |name: &str| all.iter().find(|c| c.name == name).unwrap().clone();
        assert!(of("github.com").report_secrets);
        assert!(
            !of("ghe").report_secrets,
            "a Secret of a report goes to another host only where that is said"
        );
        assert!(matches!(of("ghe").own, Own::App(AppFile { app_id: 7, installation_id: None, .. })));
        assert_eq!(parse("{}").unwrap().iter().count(), 0);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "connections:\n- name: A b\n  url: http://ghe.example.com\n  namespaces: []\n  repositories: [acme]\n  tokenFile: /t\n  app: {appId: 0, privateKeyFile: /k}\n- {name: x, namespaces: ['*'], repositories: ['*']}\n- {name: x, namespaces: ['*'], repositories: ['*']}\n";
        let text = parse(text).unwrap_err().to_string();
        for want in [
            "connections[0].name", "in the clear", "connections[0].namespaces", "\"acme\" is not owner/name",
            "both tokenFile and app", "\"x\" is there twice",
        ] {
            assert!(text.contains(want), "{want}: {text}");
        }
        assert!(
            parse("connections: [{name: x, tokenfile: /t, namespaces: [a], repositories: ['*']}]")
                .unwrap_err()
                .to_string()
                .contains("tokenfile")
        );
        assert!(parse("connections: [").is_err());
        assert!(parse("connections: [{name: x}]").unwrap_err().to_string().contains("namespaces"));
    }
}
