//! A control plane for one subject, with the definitions and a namespace for load.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testkit::controlplane::ControlPlane;

use crate::api::Api;
use crate::process;
use crate::relay::Relay;

/// Namespace of all reports.
pub const NAMESPACE: &str = "load";

/// A control plane; it ends with this value, and nothing is left of it.
#[derive(Debug)]
pub struct Cluster {
    /// The servers.
    pub plane: ControlPlane,
    /// A client of them.
    pub api: Api,
    port: u16,
}

/// Requests that the API server has answered: by verb and resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests(BTreeMap<(String, String), f64>);

impl Cluster {
    /// Starts it and installs the definitions.
    pub async fn start(root: &Path) -> Result<Self> {
        let plane = ControlPlane::start().await.map_err(anyhow::Error::msg)?;
        for entry in std::fs::read_dir(root.join("crds"))? {
            let path = entry?.path();
            let definition = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let apply = ["apply", "--server-side"];
            plane.admin().with_file(&definition, &apply).await.map_err(anyhow::Error::msg)?;
        }
        let wait = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        plane.kubectl_ok(&wait).await.map_err(anyhow::Error::msg)?;
        plane.kubectl_ok(&["create", "namespace", NAMESPACE]).await.map_err(anyhow::Error::msg)?;
        let port = plane.url().rsplit(':').next().and_then(|p| p.parse().ok()).context("no port")?;
        Ok(Self { api: Api::of(&plane)?, plane, port })
    }

    /// CPU seconds of the API server and of etcd so far.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let server = process::find("kube-apiserver", &format!("--secure-port={}", self.port));
        let data =
            self.plane.log_path("etcd").parent().map(|d| format!("--data-dir={}", d.join("etcd").display()));
        let etcd = data.and_then(|d| process::find("etcd", &d));
        let all = server.into_iter().chain(etcd).map(process::cpu_seconds);
        all.sum()
    }

    /// What was asked so far.
    pub async fn requests(&self) -> Result<Requests> {
        let text = self.api.get("/metrics").await?;
        Ok(Requests::parse(&String::from_utf8_lossy(&text)))
    }

    /// A relay in front of the API server, and a kubeconfig that goes through it.
    pub async fn relayed(&self, folder: &Path) -> Result<(Relay, PathBuf)> {
        let relay = Relay::to(self.port).await?;
        let text = std::fs::read_to_string(self.plane.kubeconfig_path())?;
        let through = text.replace(&self.plane.url(), &format!("https://{}", relay.address));
        let path = folder.join("relayed.json");
        std::fs::write(&path, through)?;
        Ok((relay, path))
    }
}

impl Requests {
    fn parse(text: &str) -> Self {
        let mut all = BTreeMap::new();
        for line in text.lines().filter(|l| l.starts_with("apiserver_request_total{")) {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                Some(rest.split_once('"')?.0)
            };
            let (Some(verb), Some(resource)) = (label("verb"), label("resource")) else { continue };
            let resource = match label("subresource") {
                Some(sub) if !sub.is_empty() => format!("{resource}/{sub}"),
                _ => resource.to_owned(),
            };
            let count = line.rsplit(' ').next().and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
            *all.entry((verb.to_owned(), resource)).or_default() += count;
        }
        Self(all)
    }

    /// Requests of some verbs for a resource.
    pub fn of(&self, verbs: &[&str], resource: &str) -> f64 {
        let counts = self.0.iter().filter(|((v, r), _)| r == resource && verbs.contains(&v.as_str()));
        counts.map(|(_, n)| n).sum()
    }

    /// What an operator writes: statuses and reports.
    pub fn writes(&self) -> f64 {
        self.of(&["PUT", "PATCH", "APPLY"], "testrunreports/status")
    }

    /// Everything about what operators here work with.
    pub fn relevant(&self) -> f64 {
        let counted =
            |r: &str| r.starts_with("testrunreports") || matches!(r, "events" | "secrets" | "leases");
        self.0.iter().filter(|((_, r), _)| counted(r)).map(|(_, n)| n).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_from_the_metrics_of_the_server() {
        let requests = Requests::parse(
            "# HELP\napiserver_request_total{code=\"200\",group=\"testrun.dev\",resource=\"testrunreports\",subresource=\"status\",verb=\"PUT\"} 7\n\
             apiserver_request_total{code=\"409\",group=\"testrun.dev\",resource=\"testrunreports\",subresource=\"status\",verb=\"PUT\"} 1\n\
             apiserver_request_total{code=\"201\",group=\"events.k8s.io\",resource=\"events\",subresource=\"\",verb=\"POST\"} 3\n\
             apiserver_request_total{code=\"200\",group=\"\",resource=\"namespaces\",subresource=\"\",verb=\"GET\"} 5\n",
        );
        assert_eq!(
            (requests.writes(), requests.of(&["POST"], "events"), requests.relevant()),
            (8.0, 3.0, 11.0)
        );
    }
}
