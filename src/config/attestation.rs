//! Attestations: what verdicts are signed with, and whose.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::controller::Attestor;

/// Verdicts as signed statements, where reports ask for them (`spec.publish.attestation`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Attestation {
    /// File with the private key, Ed25519 or ECDSA P-256, PKCS#8 in PEM without a password; read anew for each
    /// signature. Default: nothing is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Names of namespaces whose reports may have their verdicts signed; `*` stands for any text. Whoever writes a
    /// report there decides what a pass takes.
    pub namespaces: Vec<String>,
}

impl Attestation {
    /// What is wrong with it.
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        let empty = self.namespaces.is_empty() || self.namespaces.iter().any(|g| g.trim().is_empty());
        match &self.key_file {
            Some(path) if path.as_os_str().is_empty() => {
                wrong.push("attestation.keyFile: name a file, or leave it out".to_owned());
            }
            Some(_) if empty => wrong.push(
                "attestation.namespaces: name whose verdicts are signed; ['*'] is everybody's".to_owned(),
            ),
            None if !self.namespaces.is_empty() => {
                wrong.push("attestation.keyFile: namespaces are given, and no key to sign with".to_owned());
            }
            _ => {}
        }
    }

    /// What signs, if anything does.
    pub fn attestor(&self) -> Option<Attestor> {
        let key_file = self.key_file.clone()?;
        Some(Attestor { key_file, namespaces: self.namespaces.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_key_is_for_namespaces_that_are_named() {
        let of = |key: Option<&str>, namespaces: &[&str]| {
            let mut wrong = Vec::new();
            let namespaces = namespaces.iter().map(|n| (*n).to_owned()).collect();
            Attestation { key_file: key.map(PathBuf::from), namespaces }.check(&mut wrong);
            wrong
        };
        assert_eq!(of(None, &[]), Vec::<String>::new());
        assert_eq!(of(Some("/k"), &["team-*"]), Vec::<String>::new());
        for (key, namespaces, field) in [
            (Some("/k"), &[][..], "attestation.namespaces: "),
            (Some("/k"), &[" "], "attestation.namespaces: "),
            (Some(""), &["*"], "attestation.keyFile: "),
            (None, &["*"], "attestation.keyFile: "),
        ] {
            let wrong = of(key, namespaces);
            assert!(wrong.len() == 1 && wrong[0].starts_with(field), "{key:?} {namespaces:?}: {wrong:?}");
        }
    }
}
