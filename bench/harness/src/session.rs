//! One subject on one fresh control plane: from the start of an empty process to its restart over
//! everything that it has made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::cluster::{Cluster, NAMESPACE};
use crate::github::{Size, State};
use crate::load::{self, Sample, Seen, name_of};
use crate::process;
use crate::subjects::{GitHub, Programs, Running, Start, Subject, say};
use crate::{api, bare};

/// What a session does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Reports of the pass.
    pub reports: u32,
    /// Size of the scripted GitHub.
    pub size: Size,
    /// Reports that are looked at at the same time.
    pub workers: u16,
    /// How long the reports are left at rest.
    pub rest: Duration,
    /// Reports that change one after the other.
    pub changes: u32,
    /// Reports of the part in which bytes are counted; none where it is left out.
    pub traffic: u32,
    /// Wait for things to calm down: after the start of the servers, and before memory is read.
    pub calm: Duration,
    /// More arguments for the operator.
    pub operator_args: Vec<String>,
}

/// Measured values by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures(pub BTreeMap<String, f64>);

impl Figures {
    /// Adds a value.
    pub fn put(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// What every part of a session needs.
struct Bench<'a> {
    plan: &'a Plan,
    subject: Subject,
    programs: &'a Programs,
    cluster: Cluster,
    github: GitHub,
    folder: &'a Path,
}

/// Runs a session of an operator. The sample is one of the reports that it finished.
pub async fn run(
    plan: &Plan,
    subject: Subject,
    programs: &Programs,
    root: &Path,
    folder: &Path,
) -> Result<(Figures, Sample)> {
    let cluster = Cluster::start(root).await?;
    let github = GitHub::start(programs.harness.as_deref(), plan.size, State::Passed).await?;
    let bench = Bench { plan, subject, programs, cluster, github, folder };
    let mut figures = Figures::default();
    tokio::time::sleep(plan.calm).await;
    if plan.traffic > 0 {
        bench.traffic(&mut figures).await?;
    }
    let operator = bench.cold(&mut figures).await?;
    bench.pass(&operator, &mut figures).await?;
    let sample = Sample::read(&bench.cluster.api, 0).await?;
    figures.put("object.bytes", sample.len() as f64);
    if !plan.rest.is_zero() {
        bench.rest(&operator, &mut figures).await?;
    }
    if plan.changes > 0 {
        bench.changes(&operator, &mut figures).await?;
    }
    operator.stop().await?;
    bench.restart(&mut figures).await?;
    Ok((figures, sample))
}

/// Runs a session of the bare client.
pub async fn run_bare(plan: &Plan, sample: &Sample, root: &Path) -> Result<Figures> {
    let cluster = Cluster::start(root).await?;
    let mut figures = Figures::default();
    tokio::time::sleep(plan.calm).await;
    let before = cluster.cpu_seconds()?;
    let took = bare::pass(&cluster.api, plan.reports, plan.size, sample, plan.workers).await?;
    figures.put("pass.rate", f64::from(plan.reports) / took.as_secs_f64());
    figures.put("pass.cluster_cpu_ms", (cluster.cpu_seconds()? - before) * 1e3 / f64::from(plan.reports));
    let patches = bare::patches(&cluster.api, 0, plan.changes.max(10)).await?;
    quantiles(&patches, "patch", &mut figures);
    Ok(figures)
}

impl Bench<'_> {
    async fn start(&self, kubeconfig: &Path) -> Result<Running> {
        let log = self.folder.join(format!("{}.log", self.subject.as_str()));
        let start = Start {
            subject: self.subject,
            programs: self.programs,
            kubeconfig,
            github: &self.github.url,
            workers: self.plan.workers,
            more: &self.plan.operator_args,
            log: &log,
        };
        Running::start(start).await
    }

    /// A smaller pass of which every byte to and from the API server is counted.
    async fn traffic(&self, figures: &mut Figures) -> Result<()> {
        let count = self.plan.traffic;
        let (relay, kubeconfig) = self.cluster.relayed(self.folder).await?;
        let operator = self.start(&kubeconfig).await?;
        tokio::time::sleep(self.plan.calm.min(Duration::from_secs(2))).await;
        let bytes =
            || (relay.sent.load(Ordering::Relaxed) as f64, relay.received.load(Ordering::Relaxed) as f64);
        let before = bytes();
        let mut seen = Seen::watch(&self.cluster.api, "Passed").await?;
        load::create(&self.cluster.api, 0..count, self.plan.size, None).await?;
        seen.until(count as usize, self.patience(count)).await?;
        self.github.quiet(Duration::from_millis(500)).await?;
        let after = bytes();
        figures.put("traffic.sent_bytes", (after.0 - before.0) / f64::from(count));
        figures.put("traffic.received_bytes", (after.1 - before.1) / f64::from(count));
        operator.stop().await?;
        self.cluster.api.delete(&format!("{}/namespaces/{NAMESPACE}/testrunreports", api::GROUP)).await
    }

    /// From nothing to ready, with no reports.
    async fn cold(&self, figures: &mut Figures) -> Result<Running> {
        let operator = self.start(self.cluster.plane.kubeconfig_path()).await?;
        figures.put("cold.ready_ms", operator.ready_after.as_secs_f64() * 1e3);
        tokio::time::sleep(self.plan.calm).await;
        figures.put("cold.resident_bytes", process::memory(operator.pid)?.resident as f64);
        figures.put("cold.anonymous_bytes", process::memory(operator.pid)?.anonymous as f64);
        Ok(operator)
    }

    /// All reports are created, and brought to their end.
    async fn pass(&self, operator: &Running, figures: &mut Figures) -> Result<()> {
        let count = self.plan.reports;
        let each = f64::from(count);
        say(&format!("{}: {count} reports", self.subject.as_str()));
        let mut seen = Seen::watch(&self.cluster.api, "Passed").await?;
        let before = self.reading(operator).await?;
        let begun = Instant::now();
        load::create(&self.cluster.api, 0..count, self.plan.size, None).await?;
        let end = seen.until(count as usize, self.patience(count)).await?;
        figures.put("pass.rate", each / (end - begun).as_secs_f64());
        // What follows the last status: Events, and looks that nothing comes of.
        self.github.quiet(Duration::from_secs(1)).await?;
        let after = self.reading(operator).await?;
        figures.put("pass.cpu_ms", (after.cpu - before.cpu) * 1e3 / each);
        figures.put("pass.cluster_cpu_ms", (after.cluster_cpu - before.cluster_cpu) * 1e3 / each);
        figures.put("pass.github_cpu_ms", (after.github_cpu - before.github_cpu) * 1e3 / each);
        figures.put("pass.reconciles", (after.reconciles - before.reconciles) / each);
        figures.put("pass.writes", (after.writes - before.writes) / each);
        // The harness itself has created each report.
        figures.put("pass.requests", (after.requests - before.requests) / each - 1.0);
        figures.put("pass.github", (after.github - before.github) / each);
        figures.put("pass.github_unchanged", (after.unchanged - before.unchanged) / each);
        figures.put("pass.peak_bytes", process::memory(operator.pid)?.peak as f64);
        tokio::time::sleep(2 * self.plan.calm).await;
        let memory = process::memory(operator.pid)?;
        figures.put("pass.resident_bytes", memory.resident as f64);
        let empty = figures.get("cold.anonymous_bytes").unwrap_or_default();
        figures.put("pass.marginal_bytes", (memory.anonymous as f64 - empty) / each);
        Ok(())
    }

    /// Nothing happens.
    async fn rest(&self, operator: &Running, figures: &mut Figures) -> Result<()> {
        say(&format!("{}: at rest for {:?}", self.subject.as_str(), self.plan.rest));
        let before = self.reading(operator).await?;
        let begun = Instant::now();
        tokio::time::sleep(self.plan.rest).await;
        let after = self.reading(operator).await?;
        let seconds = begun.elapsed().as_secs_f64();
        figures.put("rest.cpu_millicores", (after.cpu - before.cpu) * 1e3 / seconds);
        figures.put("rest.writes", after.writes - before.writes);
        figures.put("rest.requests", after.requests - before.requests);
        figures.put("rest.github", after.github - before.github);
        figures.put("rest.resident_bytes", process::memory(operator.pid)?.resident as f64);
        Ok(())
    }

    /// Reports change one after the other: from the fact to the moment when a watcher sees it.
    async fn changes(&self, operator: &Running, figures: &mut Figures) -> Result<()> {
        let mut seen = Seen::watch(&self.cluster.api, "Failed").await?;
        let mut took = Vec::new();
        // Spread over all of them, so that no cache is of help.
        let step = (self.plan.reports / self.plan.changes).max(1);
        for number in (0..self.plan.reports).step_by(step as usize).take(self.plan.changes as usize) {
            self.github.move_to(number, State::Failed).await?;
            let delivery = self.github.delivery(number).await?;
            let begun = Instant::now();
            operator.deliver(number.into(), delivery).await?;
            let at = seen.one(&name_of(number), Duration::from_secs(60)).await?;
            took.push(at - begun);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        took.sort();
        quantiles(&took, "change", figures);
        Ok(())
    }

    /// A new process over everything that is there.
    async fn restart(&self, figures: &mut Figures) -> Result<()> {
        say(&format!("{}: a new process over {} reports", self.subject.as_str(), self.plan.reports));
        let writes = self.cluster.requests().await?.writes();
        let github = self.github.counts().await?.total();
        let operator = self.start(self.cluster.plane.kubeconfig_path()).await?;
        figures.put("restart.ready_ms", operator.ready_after.as_secs_f64() * 1e3);
        figures.put("restart.ready_cpu_ms", process::cpu_seconds(operator.pid)? * 1e3);
        figures.put("restart.ready_peak_bytes", process::memory(operator.pid)?.peak as f64);
        self.github.quiet(Duration::from_secs(2)).await?;
        tokio::time::sleep(2 * self.plan.calm).await;
        let each = f64::from(self.plan.reports);
        let memory = process::memory(operator.pid)?;
        figures.put("restart.cpu_ms", process::cpu_seconds(operator.pid)? * 1e3 / each);
        figures.put("restart.peak_bytes", memory.peak as f64);
        figures.put("restart.resident_bytes", memory.resident as f64);
        let empty = figures.get("cold.anonymous_bytes").unwrap_or_default();
        figures.put("restart.marginal_bytes", (memory.anonymous as f64 - empty) / each);
        figures.put("restart.writes", self.cluster.requests().await?.writes() - writes);
        figures.put("restart.github", (self.github.counts().await?.total() - github) as f64 / each);
        operator.stop().await
    }

    async fn reading(&self, operator: &Running) -> Result<Reading> {
        let requests = self.cluster.requests().await?;
        let github = self.github.counts().await?;
        Ok(Reading {
            cpu: process::cpu_seconds(operator.pid)?,
            cluster_cpu: self.cluster.cpu_seconds()?,
            github_cpu: self.github.pid().map_or(Ok(0.0), process::cpu_seconds)?,
            reconciles: operator.reconciles().await?,
            writes: requests.writes(),
            requests: requests.relevant(),
            github: github.total() as f64,
            unchanged: github.answered(304) as f64,
        })
    }

    /// A slow machine brings ten reports to their end in a second.
    fn patience(&self, count: u32) -> Duration {
        Duration::from_secs(120 + u64::from(count) / 10)
    }
}

/// Everything that only grows.
struct Reading {
    cpu: f64,
    cluster_cpu: f64,
    github_cpu: f64,
    reconciles: f64,
    writes: f64,
    requests: f64,
    github: f64,
    unchanged: f64,
}

/// Median, 99th percentile and maximum of sorted durations, in milliseconds.
fn quantiles(sorted: &[Duration], name: &str, figures: &mut Figures) {
    let at = |share: f64| {
        let index = (share * (sorted.len().saturating_sub(1)) as f64).ceil() as usize;
        sorted.get(index).map_or(f64::NAN, |d| d.as_secs_f64() * 1e3)
    };
    for (label, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        figures.put(&format!("{name}.{label}_ms"), at(share));
    }
}
