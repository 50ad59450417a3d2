//! Verdicts over HTTP.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may ask, and with which certificate it is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Http {
    /// Audiences of the tokens that are accepted. A token for the API server itself is not, unless its audience
    /// is named here: who sends one hands over what it may do there.
    pub audiences: Vec<String>,
    /// File with the certificate and its chain, PEM; read again when it changes. Empty: no TLS, and tokens go
    /// over the network as they are.
    pub certificate_file: PathBuf,
    /// File with the private key of the certificate, PEM.
    pub key_file: PathBuf,
}

impl Default for Http {
    fn default() -> Self {
        let audiences = vec!["testrun-operator".to_owned()];
        Self { audiences, certificate_file: PathBuf::new(), key_file: PathBuf::new() }
    }
}

impl Http {
    /// What is wrong with it.
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if self.audiences.is_empty() || self.audiences.iter().any(|a| a.trim().is_empty()) {
            wrong.push("http.audiences: name at least one, such as testrun-operator".to_owned());
        }
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        if set(&self.certificate_file) != set(&self.key_file) {
            wrong.push(
                "http.keyFile: certificateFile and keyFile are given together or not at all".to_owned(),
            );
        }
    }
}
