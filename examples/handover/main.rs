//! How long nobody works when the leader ends: two replicas, the real API server, production's times.
//!
//! `cargo run --release --example handover -- [RUNS]` prints, for SIGTERM and SIGKILL, the time from the signal
//! until the Lease names the other replica, and until a report that changed at that moment has its new status.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, TOKEN, secs, sha_of};
use testrun_operator::api::{TestRunReport, crd_yaml};
use tokio::process::{Child, Command};

const REPO: &str = "acme/shop";
const NAMESPACE: &str = "handover";

#[tokio::main]
async fn main() -> Result<()> {
    let runs = std::env::args().nth(1).map_or(Ok(20), |n| n.parse()).context("expected a number of runs")?;
    let bin = build()?;
    let plane = ControlPlane::start().await.map_err(anyhow::Error::msg)?;
    plane.apply(&crd_yaml()?).await.map_err(anyhow::Error::msg)?;
    for args in [
        &["create", "namespace", NAMESPACE][..],
        &["wait", "--for=condition=Established", "crd/testrunreports.testrun.dev"],
    ] {
        plane.kubectl_ok(args).await.map_err(anyhow::Error::msg)?;
    }
    let kubeconfig = kube::config::Kubeconfig::read_from(plane.kubeconfig_path())?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await?;
    let bench = Bench { client: Client::try_from(config)?, plane, bin };
    println!("leases of 15 s, renewed every 2 s within 10 s; {runs} runs each; milliseconds");
    for signal in ["TERM", "KILL"] {
        let (mut leases, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let (lease, write) = bench.hand_over(signal).await?;
            leases.push(lease);
            writes.push(write);
        }
        for (what, mut times) in [("the Lease has its new holder", leases), ("first write", writes)] {
            times.sort();
            let at = |i: usize| times.get(i).map_or(0, Duration::as_millis);
            let (last, middle) = (times.len().saturating_sub(1), times.len() / 2);
            println!("SIG{signal}: {what}: min {}, median {}, max {}", at(0), at(middle), at(last));
        }
    }
    Ok(())
}

struct Bench {
    plane: ControlPlane,
    client: Client,
    bin: PathBuf,
}

impl Bench {
    /// One run: from the signal to the new holder, and to the first write of the new holder.
    async fn hand_over(&self, signal: &str) -> Result<(Duration, Duration)> {
        let gh = running();
        let mut first = self.operator(gh.url())?;
        let leases = Api::<Lease>::namespaced(self.client.clone(), NAMESPACE);
        let old = self.holder(&leases, "").await?;
        let mut second = self.operator(gh.url())?;
        let report = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "r", "namespace": NAMESPACE},
            "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}}});
        self.plane.apply(&report.to_string()).await.map_err(anyhow::Error::msg)?;
        self.phase("Running").await?;
        // What the second needs to have at hand it has by now.
        tokio::time::sleep(Duration::from_secs(3)).await;
        gh.advance(secs(1000));
        let begin = Instant::now();
        let pid = first.id().context("the leader runs")?.to_string();
        ensure!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().await?.success());
        self.holder(&leases, &old).await?;
        let lease = begin.elapsed();
        self.phase("Failed").await?;
        let write = begin.elapsed();
        first.wait().await?;
        second.start_kill()?;
        second.wait().await?;
        self.plane
            .kubectl_ok(&["delete", "trr,leases", "--all", "-n", NAMESPACE])
            .await
            .map_err(anyhow::Error::msg)?;
        Ok((lease, write))
    }

    fn operator(&self, github: &str) -> Result<Child> {
        Ok(Command::new(self.bin.join("testrun-operator"))
            .args(["run", "--namespaces", NAMESPACE, "--leader-elect", "--lease-namespace", NAMESPACE])
            .args(["--github-url", github, "--health-addr", "127.0.0.1:0", "--log-level", "error"])
            .env("KUBECONFIG", self.plane.kubeconfig_path())
            .env("GITHUB_TOKEN", TOKEN)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?)
    }

    /// Waits until somebody else holds the Lease.
    async fn holder(&self, leases: &Api<Lease>, old: &str) -> Result<String> {
        self.until(async || {
            let lease = leases.get_opt("testrun-operator-0").await.ok()??;
            lease.spec?.holder_identity.filter(|holder| !holder.is_empty() && holder != old)
        })
        .await
    }

    async fn phase(&self, want: &str) -> Result<()> {
        let reports = Api::<TestRunReport>::namespaced(self.client.clone(), NAMESPACE);
        self.until(async || (reports.get("r").await.ok()?.status?.phase == want).then_some(())).await
    }

    async fn until<T>(&self, mut attempt: impl AsyncFnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(value) = attempt().await {
                return Ok(value);
            }
            ensure!(Instant::now() < deadline, "waited in vain");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A pull request whose job runs, and fails a thousand seconds later.
fn running() -> GitHub {
    let scenario = Scenario::new()
        .start_now()
        .setup(|s| {
            s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
            let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml");
            s.repo(REPO).add_run(run.pull_request(20).job((501, "unit")));
        })
        .at(secs(10), |s| {
            s.job(501).start();
        })
        .at(secs(1000), |s| {
            s.job(501).complete("failure");
            s.run(77).settle();
        });
    let gh = GitHub::start(scenario);
    gh.pause();
    gh.advance(secs(100));
    gh
}

/// Builds the operator as this program was built, and says where it is.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let status = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--bins"])
        .args(profile)
        .status()?;
    ensure!(status.success(), "cargo build failed");
    // This program is in <target>/<profile>/examples.
    let path = std::env::current_exe()?;
    Ok(path.ancestors().nth(2).context("the folder of the build")?.to_owned())
}
