//! What `podman inspect` and `docker inspect` say of a container.

use serde::Deserialize;
use std::collections::BTreeMap;

use super::finding::{Kind, Met, Severity, Sum};
use super::states::Source;
use super::{Analyser, stamp, whose};

/// Settings of a container that are kept for comparison.
const FACTS: usize = 400;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Inspected {
    name: Option<String>,
    state: Option<State>,
    restart_count: Option<u64>,
    image_name: Option<String>,
    network_settings: Option<Network>,
    config: Option<Config>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct State {
    status: Option<String>,
    #[serde(rename = "OOMKilled")]
    oom_killed: Option<bool>,
    exit_code: Option<i64>,
    error: Option<String>,
    finished_at: Option<String>,
    #[serde(alias = "Healthcheck")]
    health: Option<Health>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Health {
    status: Option<String>,
    failing_streak: Option<u64>,
    log: Option<Vec<Probe>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Probe {
    exit_code: Option<i64>,
    output: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Network {
    ports: Option<BTreeMap<String, Option<Vec<Port>>>>,
    networks: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Port {
    host_ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: Option<String>,
    env: Option<Vec<String>>,
}

impl Analyser {
    /// Takes a container.
    pub(super) fn container_inspected(&mut self, source: Source<'_>, found: &Inspected) {
        let Some(state) = &found.state else { return };
        let service = whose::service_of(source.file).unwrap_or_default();
        let object = found.name.as_deref().map(|name| whose::container(name, service)).unwrap_or_default();
        let at = state.finished_at.as_deref().and_then(stamp::of_field);
        let related = self.in_window(at)
            || self.options.subjects.iter().any(|subject| !object.is_empty() && object.contains(subject));
        let restarts = found.restart_count.unwrap_or(0);
        let mut tell = |kind, severity, reason: &str, word: &str, count: u64, text: &str| {
            let met = Met {
                kind,
                severity,
                object,
                reason,
                count,
                seen: [at, at],
                file: source.file,
                line: source.line_of(word),
                text,
                related,
                wording: 0,
            };
            self.findings.add(&met, Sum::Most);
        };
        let code = state.exit_code.unwrap_or(0);
        let error = state.error.as_deref().unwrap_or_default();
        if state.oom_killed == Some(true) {
            tell(
                Kind::OomKilled,
                Severity::Critical,
                "OOMKilled",
                "OOMKilled",
                1,
                "the container ran out of memory",
            );
        } else if code != 0 && state.status.as_deref() != Some("running") {
            let text = format!("{} with code {code} {error}", state.status.as_deref().unwrap_or("ended"));
            tell(Kind::ContainerExited, Severity::Error, &format!("exit code {code}"), "ExitCode", 1, &text);
        } else if !error.is_empty() {
            tell(Kind::ContainerFailed, Severity::Error, "", "Error", 1, error);
        }
        if matches!(state.status.as_deref(), Some("created" | "dead" | "paused")) {
            let status = state.status.as_deref().unwrap_or_default();
            let text = format!("the container is {status}");
            tell(Kind::NotReady, Severity::Warning, status, "Status", 1, &text);
        }
        if let Some(health) = &state.health
            && health.status.as_deref() == Some("unhealthy")
        {
            let mut probes = health.log.iter().flatten();
            let said = probes.rfind(|probe| probe.exit_code.unwrap_or(0) != 0);
            let said = said.and_then(|probe| probe.output.as_deref()).unwrap_or("its health check fails");
            let streak = health.failing_streak.unwrap_or(1).max(1);
            tell(Kind::NotReady, Severity::Error, "unhealthy", "unhealthy", streak, said);
        }
        if restarts > 0 {
            let text = format!("restarted {restarts} times");
            tell(Kind::Restarts, Severity::Warning, "", "RestartCount", restarts, &text);
        }
        self.facts_of(object, service, found);
    }

    /// Remembers how a container was set up.
    fn facts_of(&mut self, object: &str, service: &str, found: &Inspected) {
        let config = found.config.as_ref();
        let image = config.and_then(|config| config.image.as_deref()).or(found.image_name.as_deref());
        if let Some(image) = image {
            self.fact(object, service, "image", image);
        }
        for entry in config.iter().flat_map(|config| config.env.iter().flatten()).take(FACTS) {
            if let Some((name, value)) = entry.split_once('=') {
                self.fact(object, service, &format!("environment {name}"), value);
            }
        }
        let Some(network) = &found.network_settings else { return };
        for (port, bindings) in network.ports.iter().flatten().take(FACTS) {
            for binding in bindings.iter().flatten().take(4) {
                let ip = binding.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
                self.fact(object, service, &format!("port {port} bound to"), ip);
            }
        }
        let names: Vec<&str> =
            network.networks.iter().flatten().map(|(name, _)| name.as_str()).take(8).collect();
        if !names.is_empty() {
            self.fact(object, service, "networks", &names.join(", "));
        }
    }
}
