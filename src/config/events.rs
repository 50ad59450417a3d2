//! CloudEvents: where changes of verdicts are told.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::notify;

/// CloudEvents over HTTP for each change of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Events {
    /// Where they go.
    pub sinks: Vec<Sink>,
}

/// A place that CloudEvents go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sink {
    /// What logs call it.
    pub name: String,
    /// Address that they are sent to with POST; redirects are not followed.
    pub url: String,
    /// File with the secret that they are signed with, as Standard Webhooks says (`whsec_` and base64, or
    /// text of at least 16 bytes); read anew for each. Empty: they are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Names of namespaces whose events it gets; `*` stands for any text. Default: all.
    #[serde(default = "all")]
    pub namespaces: Vec<String>,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

impl Events {
    /// What is wrong with it.
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        let mut names = BTreeSet::new();
        for (i, sink) in self.sinks.iter().enumerate() {
            let at = format!("events.sinks[{i}]");
            if sink.name.is_empty() || !names.insert(&sink.name) {
                wrong.push(format!("{at}.name: give each sink a name of its own"));
            }
            if sink.uri().is_none() {
                wrong.push(format!(
                    "{at}.url: expected an address such as https://events.example.com/testrun, without credentials"
                ));
            }
            if sink.namespaces.is_empty() || sink.namespaces.iter().any(|g| g.trim().is_empty()) {
                wrong.push(format!("{at}.namespaces: name whose events it gets; ['*'] is all"));
            }
        }
    }

    /// The sinks that can be used; all of them after a check.
    pub fn sinks(&self) -> Vec<notify::Sink> {
        let of = |s: &Sink| {
            Some(notify::Sink {
                name: s.name.clone(),
                url: s.uri()?,
                secret_file: s.secret_file.clone(),
                namespaces: s.namespaces.clone(),
            })
        };
        self.sinks.iter().filter_map(of).collect()
    }
}

impl Sink {
    fn uri(&self) -> Option<http::Uri> {
        let uri: http::Uri = self.url.parse().ok()?;
        let plain = uri.authority().is_some_and(|a| !a.as_str().contains('@') && !a.host().is_empty());
        (plain && matches!(uri.scheme_str(), Some("http" | "https"))).then_some(uri)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_sink_is_an_address_with_a_name_of_its_own() {
        let sink = |name: &str, url: &str, namespaces: &[&str]| Sink {
            name: name.into(),
            url: url.into(),
            secret_file: None,
            namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
        };
        let wrong = |sinks: Vec<Sink>| {
            let mut wrong = Vec::new();
            Events { sinks }.check(&mut wrong);
            wrong
        };
        let good = || sink("a", "https://events.example.com/testrun", &["*"]);
        assert!(wrong(vec![good(), sink("b", "http://broker.ns.svc:8080/", &["team-*"])]).is_empty());
        for (sinks, path) in [
            (vec![good(), good()], "events.sinks[1].name"),
            (vec![sink("", "https://a.example", &["*"])], "events.sinks[0].name"),
            (vec![sink("a", "https://user:pass@a.example/", &["*"])], "events.sinks[0].url"),
            (vec![sink("a", "ftp://a.example/", &["*"])], "events.sinks[0].url"),
            (vec![sink("a", "/testrun", &["*"])], "events.sinks[0].url"),
            (vec![sink("a", "https://a.example", &[])], "events.sinks[0].namespaces"),
            (vec![sink("a", "https://a.example", &[" "])], "events.sinks[0].namespaces"),
        ] {
            let found = wrong(sinks);
            assert!(found.len() == 1 && found[0].starts_with(path), "{path}: {found:?}");
        }
        assert_eq!(Events { sinks: vec![good()] }.sinks().len(), 1);
    }
}
