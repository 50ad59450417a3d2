//! From file, environment and flags to one configuration, or to everything that is wrong with it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tracing_subscriber::EnvFilter;

use super::{Config, Span, connections};
use crate::connections::Connections;
use crate::verdict::text::clean;

/// Bytes of a configuration file.
const MAX_BYTES: usize = 1 << 20;
/// Findings of one kind after which nobody reads on.
const MAX_FINDINGS: usize = 50;

/// What is wrong with a configuration: every finding, each with its path and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the configuration cannot be used:\n- {}", .0.join("\n- "))]
pub struct InvalidConfig(pub Vec<String>);

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What flags and environment set: the path of an entry, and its value.
    pub overrides: Vec<(&'static str, Value)>,
}

/// A configuration that was checked.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// `config.connections`, ready to be used.
    pub connections: Connections,
}

impl Source {
    /// Reads the file and puts the rest on top of it.
    pub fn load(&self) -> Result<Loaded, InvalidConfig> {
        match &self.file {
            None => self.parse(""),
            Some(path) => self.parse(&read(path)?),
        }
    }

    /// The same with the text of a file.
    pub fn parse(&self, text: &str) -> Result<Loaded, InvalidConfig> {
        let mut value = if text.trim().is_empty() {
            Value::Null
        } else {
            serde_saphyr::from_str(text).map_err(|e| InvalidConfig(vec![clean(&e.to_string(), 1000)]))?
        };
        if value.is_null() {
            value = Value::Object(Map::new());
        }
        let mut wrong = Vec::new();
        mappings(&mut value, &mut wrong);
        for (path, set) in &self.overrides {
            put(&mut value, path, set.clone());
        }
        let config = typed(value, &mut wrong);
        // What could not be read was left out, and is not to be complained of a second time.
        let mut findings = Vec::new();
        let connections = checked(&config, &mut findings);
        wrong.extend(
            findings
                .into_iter()
                .filter(|f| !wrong.iter().any(|w| path_of(w) == path_of(f)))
                .collect::<Vec<_>>(),
        );
        if wrong.is_empty() {
            return Ok(Loaded { config, connections });
        }
        for finding in &mut wrong {
            if let Some((path, _)) = self.overrides.iter().find(|(path, _)| path_of(finding) == *path) {
                finding.push_str(&format!(" (set by a flag or the environment, not by the file: {path})"));
            }
        }
        Err(InvalidConfig(wrong))
    }
}

fn path_of(finding: &str) -> &str {
    finding.split(':').next().unwrap_or_default()
}

fn read(path: &Path) -> Result<String, InvalidConfig> {
    let bad = |what: String| InvalidConfig(vec![format!("{}: {what}", path.display())]);
    let size = std::fs::metadata(path).map_err(|e| bad(format!("cannot be read: {}", e.kind())))?.len();
    if size > MAX_BYTES as u64 {
        return Err(bad(format!("is larger than {MAX_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|e| bad(format!("cannot be read: {}", e.kind())))
}

/// A list in place of a section would be read by the order of its entries; it is told and left out.
fn mappings(value: &mut Value, wrong: &mut Vec<String>) {
    let mut tell = |at: String| wrong.push(format!("{at}: expected a mapping of names to values"));
    let Some(sections) = value.as_object_mut() else {
        *value = Value::Object(Map::new());
        return tell("the file".to_owned());
    };
    sections.retain(|name, section| match section {
        Value::Array(entries) if name == "connections" => {
            let odd = entries.iter().position(|e| !e.is_object());
            odd.inspect(|i| tell(format!("{name}[{i}]"))).is_none()
        }
        Value::Array(_) => {
            tell(name.clone());
            false
        }
        // A section of which all entries are commented out.
        Value::Null => false,
        _ => true,
    });
}

/// Puts a value at a path of names; what is in the way is replaced.
fn put(value: &mut Value, path: &str, set: Value) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(map) = value.as_object_mut() else { return };
    match rest {
        None => drop(map.insert(name.to_owned(), set)),
        Some(rest) => put(map.entry(name).or_insert(Value::Null), rest, set),
    }
}

/// Reads the value as far as it can be read. What cannot is told with its path and left out.
fn typed(mut value: Value, wrong: &mut Vec<String>) -> Config {
    for _ in 0..MAX_FINDINGS {
        match serde_path_to_error::deserialize::<_, Config>(&value) {
            Ok(config) => return config,
            Err(error) => {
                let path = error.path().to_string();
                let at = if path == "." { "the file" } else { &path };
                wrong.push(format!("{at}: {}", clean(&error.inner().to_string(), 500)));
                if !remove(&mut value, error.path()) {
                    return Config::default();
                }
            }
        }
    }
    Config::default()
}

fn remove(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    let segments: Vec<&Segment> = path.iter().collect();
    let Some((last, parents)) = segments.split_last() else { return false };
    let mut here = value;
    for segment in parents {
        let next = match segment {
            Segment::Map { key } => here.get_mut(key),
            Segment::Seq { index } => here.get_mut(index),
            _ => None,
        };
        let Some(next) = next else { return false };
        here = next;
    }
    match (last, here) {
        (Segment::Map { key }, Value::Object(map)) => map.remove(key).is_some(),
        // The numbers of the entries after it must stay what they are in the file.
        (Segment::Seq { index }, Value::Array(list)) if index + 1 == list.len() => list.pop().is_some(),
        _ => false,
    }
}

/// The rules that types cannot say.
fn checked(config: &Config, wrong: &mut Vec<String>) -> Connections {
    let connections = connections::checked(&config.connections, wrong);
    let Config { controller, listeners, logging, leader_election: election, sharding, tracing, .. } = config;
    for (i, name) in controller.namespaces.iter().enumerate() {
        if !is_label(name) {
            wrong
                .push(format!("controller.namespaces[{i}]: {:?} is no name of a namespace", clean(name, 80)));
        }
    }
    let paces = [
        ("pollInterval", Some(controller.poll_interval)),
        ("progressInterval", controller.progress_interval),
        ("refreshInterval", Some(controller.refresh_interval)),
    ];
    for (name, span) in paces.into_iter().filter_map(|(name, span)| Some((name, span?))) {
        if span < Span::seconds(1) || span > Span::seconds(24 * 3600) {
            wrong.push(format!(
                "controller.{name}: {span} must be a duration of 1s to 24h, such as 30s or 10m"
            ));
        }
    }
    range("controller.concurrency", controller.concurrency, 256, wrong);
    config.http.check(wrong);
    config.page.check(listeners, wrong);
    config.events.check(wrong);
    config.history.check(wrong);
    config.artifacts.check(wrong);
    config.attestation.check(wrong);
    range("sharding.shards", sharding.shards, 64, wrong);
    if sharding.shards > 1 && !election.enabled {
        wrong.push(
            "sharding.shards: more than 1 needs leaderElection.enabled: each shard has a Lease".to_owned(),
        );
    }
    let no_address = listeners.advertise.is_none_or(|ip| ip.is_unspecified() || ip.is_multicast());
    let needed = election.enabled && listeners.webhooks.is_some_and(|at| at.ip().is_unspecified());
    if no_address && (needed || listeners.advertise.is_some()) {
        wrong.push(
            "listeners.advertise: replicas that receive webhooks need the IP address that others reach them by, such as the pod's (TESTRUN_ADVERTISE_IP)"
                .to_owned(),
        );
    }
    if let Err(error) = EnvFilter::try_new(&logging.level) {
        wrong.push(format!(
            "logging.level: --log-level must be a filter such as info or warn,testrun_operator=debug: {}",
            clean(&error.to_string(), 200)
        ));
    }
    elections(election, wrong);
    if !(0.0..=1.0).contains(&tracing.sample_ratio) {
        wrong.push(format!("tracing.sampleRatio: {} is not between 0 and 1", tracing.sample_ratio));
    }
    let is_http = |uri: http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if !tracing.endpoint.is_empty() && !tracing.endpoint.parse().is_ok_and(is_http) {
        wrong.push("tracing.endpoint: expected an address such as http://otel-collector:4318".to_owned());
    }
    connections
}

fn range(path: &str, value: u16, most: u16, wrong: &mut Vec<String>) {
    if !(1..=most).contains(&value) {
        wrong.push(format!("{path}: {value} is not between 1 and {most}"));
    }
}

/// The order of times without which a Lease protects nothing.
fn elections(election: &super::LeaderElection, wrong: &mut Vec<String>) {
    let (lease, renew, retry) = (election.lease_duration, election.renew_deadline, election.retry_period);
    if lease < Span::seconds(1) || lease > Span::seconds(3600) {
        wrong.push(format!("leaderElection.leaseDuration: {lease} is not between 1s and 1h"));
    }
    if renew >= lease {
        wrong.push(format!(
            "leaderElection.renewDeadline: {renew} must be shorter than leaseDuration ({lease}), or two could work at once"
        ));
    }
    if retry.get().is_zero() || retry.get().mul_f64(1.2) >= renew.get() {
        wrong.push(format!(
            "leaderElection.retryPeriod: {retry} must be more than nothing, and 1.2 times it shorter than renewDeadline ({renew})"
        ));
    }
    if !election.namespace.is_empty() && !is_label(&election.namespace) {
        wrong.push("leaderElection.namespace: is no name of a namespace".to_owned());
    }
    // Shards add a dash and two digits.
    if election.lease_name.len() > 60 || !is_label(&election.lease_name) {
        wrong.push("leaderElection.leaseName: expected up to 60 lower-case letters, digits and -".to_owned());
    }
}

/// Whether the API server would take it as the name of a namespace.
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::connections::{AppFile, Own};

    fn parse(text: &str) -> Result<Loaded, InvalidConfig> {
        Source::default().parse(text)
    }

    #[test]
    fn a_whole_configuration() {
        let text = "connections:\n- name: github.com\n  tokenFile: /t\n  namespaces: ['*']\n  repositories: [acme/*]\n- name: ghe\n  url: https://ghe.example.com/api/v3\n  app: {appId: 7, privateKeyFile: /k}\n  namespaces: [ci]\n  repositories: ['*']\ncontroller: {pollInterval: 5s}\nlogging: {format: json}\n";
        let loaded = parse(text).unwrap();
        let of = |name: &str| loaded.connections.iter().find(|c| c.name == name).unwrap().clone();
        assert!(of("github.com").report_secrets);
        let why = "a Secret of a report goes to another host only where that is said";
        assert!(!of("ghe").report_secrets, "{why}");
        assert!(matches!(of("ghe").own, Own::App(AppFile { app_id: 7, installation_id: None, .. })));
        assert_eq!(loaded.config.controller.poll_interval, Span::seconds(5));
        assert_eq!(
            loaded.config.controller.refresh_interval,
            Span::seconds(600),
            "what is not said is default"
        );
        let printed = serde_saphyr::to_string(&loaded.config).unwrap();
        assert_eq!(parse(&printed).unwrap().config, loaded.config, "what is printed can be read");
        for empty in ["", "{}", "# nothing\n", "connections: []"] {
            assert_eq!(parse(empty).unwrap().config, Config::default(), "{empty:?}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "connections:\n- name: A b\n  url: http://ghe.example.com\n  namespaces: []\n  repositories: [acme]\n  tokenFile: /t\n  app: {appId: 0, privateKeyFile: /k}\n- {name: x, namespaces: ['*'], repositories: ['*'], downloadHosts: ['https://a/b']}\n- {name: x, namespaces: ['*'], repositories: ['*'], tokenfile: /t}\ncontroller: {pollInterval: soon, concurrency: 0, namespaces: [A], paces: 1}\nsharding: {shards: 3}\nlogging: {level: 'a=b=c', format: xml}\nleaderElection: {renewDeadline: 20s, leaseName: ''}\ntracing: {endpoint: nowhere, sampleRatio: 2}\nlisteners: {health: here}\nhttp: {audiences: [], certificateFile: /c}\nmore: 1\n";
        let InvalidConfig(found) = parse(text).unwrap_err();
        for want in [
            "connections[0].name: ", "connections[0].url: ", "in the clear", "connections[0].namespaces: ",
            "\"acme\" is not owner/name", "\"https://a/b\" is no host", "both tokenFile and app",
            "connections[2].name: \"x\" is there twice", "connections[2].tokenfile: unknown field",
            "controller.pollInterval: \"soon\" is no duration", "controller.concurrency: 0 is not",
            "controller.namespaces[0]: ", "controller.paces: unknown field",
            "sharding.shards: more than 1 needs", "logging.level: ", "logging.format: unknown variant",
            "leaderElection.renewDeadline: 20s must be shorter", "leaderElection.leaseName: ",
            "tracing.endpoint: ", "tracing.sampleRatio: ", "listeners.health: ", "more: unknown field",
            "http.audiences: name at least one", "http.keyFile: ",
        ] {
            assert_eq!(found.iter().filter(|f| f.contains(want)).count(), 1, "{want}: {found:#?}");
        }
        assert_eq!(found.len(), 23, "nothing is said twice: {found:#?}");
        assert!(parse("connections: [").is_err());
        let missing = parse("connections: [{name: x}]").unwrap_err().to_string();
        assert!(missing.contains("connections[0]: missing field `namespaces`"), "{missing}");
        assert!(parse("controller: [1]").unwrap_err().to_string().contains("controller: expected a mapping"));
        assert!(
            parse("connections: [1]").unwrap_err().to_string().contains("connections[0]: expected a mapping")
        );
        assert_eq!(parse("controller:\n").unwrap().config, Config::default());
        assert!(parse("[1]").unwrap_err().to_string().contains("the file: "));
        assert!(parse("controller: {a: 1}\ncontroller: {b: 2}").is_err(), "a section that is there twice");
    }

    #[test]
    fn what_reports_may_publish_is_named() {
        let of = |publish: &str| {
            let entry = format!("{{name: a, namespaces: [ci], repositories: ['*'], publish: {publish}}}");
            parse(&format!("connections: [{entry}]"))
        };
        let publish = |text: &str| of(text).unwrap().connections.iter().next().unwrap().publish.clone();
        let plain = publish("{}");
        assert!(plain.allows_name("testrun/verdict") && plain.allows_name("Testrun"));
        assert!(!plain.allows_name("security/scan") && !plain.allows_key("testrun"));
        let own = publish("{names: [ci/*], commitStatusKeys: [testrun, 'e2e-*'], promoterInstance: blue}");
        assert!(own.allows_name("ci/report") && !own.allows_name("testrun"));
        assert!(!plain.allows_environment("production"), "nothing is let through that nobody allowed");
        let lets = publish("{environments: [Production, 'eu-*']}");
        assert!(lets.allows_environment("production") && lets.allows_environment("EU-west"));
        assert!(!lets.allows_environment("staging"));
        assert!(own.allows_key("e2e-nightly") && !own.allows_key("e2e"));
        assert_eq!(own.promoter_instance.as_deref(), Some("blue"));
        for (bad, want) in [
            ("{names: ['*']}", "connections[0].publish.names: "),
            ("{commitStatusKeys: ['*']}", "connections[0].publish.commitStatusKeys: "),
            ("{promoterInstance: 'a b'}", "connections[0].publish.promoterInstance: "),
            ("{environments: ['*']}", "connections[0].publish.environments: "),
        ] {
            let error = of(bad).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn replicas_that_receive_webhooks_can_be_reached_by_each_other() {
        let of = |listeners: &str| {
            parse(&format!("leaderElection: {{enabled: true}}\nlisteners: {{{listeners}}}"))
        };
        for good in
            ["webhooks: 10.0.0.1:8080", "webhooks: 0.0.0.0:8080, advertise: 10.0.0.1", "health: 0.0.0.0:1"]
        {
            assert!(of(good).is_ok(), "{good}");
        }
        for bad in [
            "webhooks: 0.0.0.0:8080", "webhooks: '[::]:8080'", "webhooks: 10.0.0.1:8080, advertise: 0.0.0.0",
            "advertise: 224.0.0.1",
        ] {
            let error = of(bad).unwrap_err().to_string();
            assert!(error.contains("listeners.advertise: ") && error.contains("pod's"), "{bad}: {error}");
        }
        assert!(parse("listeners: {webhooks: 0.0.0.0:8080}").is_ok(), "who works alone needs none");
    }

    #[test]
    fn flags_win_over_the_file_and_errors_say_whose_they_are() {
        let overrides = vec![("controller.pollInterval", Value::from("7s")), ("sharding.shards", 2.into())];
        let source = Source { file: None, overrides };
        let text = "controller: {pollInterval: 5s, concurrency: 3}\nleaderElection: {enabled: true}\n";
        let config = source.parse(text).unwrap().config;
        assert_eq!(config.controller.poll_interval, Span::seconds(7));
        assert_eq!((config.controller.concurrency, config.sharding.shards), (3, 2));
        let error = source.parse("").unwrap_err().to_string();
        assert!(error.contains("set by a flag or the environment"), "{error}");
        let file = Source { file: Some("/no/such/file".into()), overrides: Vec::new() };
        assert!(file.load().unwrap_err().to_string().contains("/no/such/file: cannot be read"));
    }
}
