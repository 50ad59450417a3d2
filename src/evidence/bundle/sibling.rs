//! What a failing bundle has that the bundle of a passing sibling has not, or has otherwise.
//!
//! A sibling is another suite of the same run that passed, or the same suite when it last passed.
//! Names, ports, addresses and ids differ between any two of them: values are compared without.

use std::collections::{BTreeMap, BTreeSet};

use super::Analyser;
use super::finding::{BundleAnalysis, Evidence, Finding, Kind, Severity, sort};
use super::whose;
use crate::evidence::fingerprint::normalise;
use crate::evidence::plain;

/// Settings that are kept of a bundle, and differences that are told.
const FACTS: usize = 4096;
const DIFFERENCES: usize = 50;

/// Bytes of a value that are looked at.
const VALUE: usize = 512;

/// Words in a setting's name that say that its value is nobody's business.
const SECRET: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "CREDENTIAL"];

/// How containers were set up: the container and the setting, without the service's name, and the
/// value as it is compared and as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    values: BTreeMap<(String, String), (String, String)>,
    /// The service that the bundle is of.
    service: String,
}

impl Analyser {
    /// Remembers a setting of a container.
    pub(super) fn fact(&mut self, object: &str, service: &str, name: &str, value: &str) {
        let facts = &mut self.facts;
        if facts.values.len() >= FACTS {
            return;
        }
        if facts.service.is_empty() {
            facts.service = service.to_owned();
        }
        let upper = name.to_ascii_uppercase();
        if SECRET.iter().any(|word| upper.contains(word)) {
            return;
        }
        let value = plain::line(value, VALUE);
        let compared = normalise(&whose::role_of(&value, service));
        let key = (whose::role_of(object, service), name.to_owned());
        facts.values.insert(key, (compared, value));
    }
}

impl BundleAnalysis {
    /// Compares with the bundle of a passing sibling: findings that it has too are marked and go to
    /// the end, and settings that it has otherwise become findings.
    pub fn compare(&mut self, passing: &BundleAnalysis) {
        let sign = |finding: &Finding, service: &str| {
            (
                finding.kind,
                whose::role_of(&finding.object, service),
                finding.reason.clone(),
                normalise(&whose::role_of(&finding.evidence.text, service)),
            )
        };
        let there: BTreeSet<_> =
            passing.findings.iter().map(|finding| sign(finding, &passing.facts.service)).collect();
        for finding in &mut self.findings {
            if there.contains(&sign(finding, &self.facts.service)) {
                finding.also_passing = true;
                finding.severity = Severity::Info;
            }
        }
        let differences: Vec<Finding> = self
            .facts
            .values
            .iter()
            .filter_map(|(key, (compared, shown))| {
                let (theirs, shown_there) = passing.facts.values.get(key)?;
                (theirs != compared).then(|| difference(key, shown, shown_there))
            })
            .take(DIFFERENCES)
            .collect();
        self.findings_total = self.findings_total.saturating_add(differences.len() as u64);
        self.findings.extend(differences);
        sort(&mut self.findings);
    }
}

fn difference((object, name): &(String, String), here: &str, there: &str) -> Finding {
    Finding {
        kind: Kind::Difference,
        severity: Severity::Warning,
        object: object.clone(),
        reason: name.clone(),
        count: 1,
        first_seen: None,
        last_seen: None,
        related: false,
        also_passing: false,
        evidence: Evidence {
            file: String::new(),
            line: None,
            text: plain::line(&format!("{here}; in the passing sibling: {there}"), 256),
        },
    }
}
