//! How long things take that people wait for: on the real API server, with production's times.
//!
//! `cargo run --release --example times -- handover|install [RUNS]` prints the least, the median and the most.

mod handover;
mod install;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kube::{Api, Client};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, TOKEN, secs, sha_of};
use testrun_operator::api::TestRunReport;
use tokio::process::{Child, Command};

/// The repository that reports are about.
const REPO: &str = "acme/shop";

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let runs = args.next().map_or(Ok(20), |n| n.parse()).context("expected a number of runs")?;
    let bench = Bench { plane: ControlPlane::start().await.map_err(anyhow::Error::msg)?, bin: build()? };
    match what.as_str() {
        "handover" => handover::run(&bench, runs).await,
        "install" => install::run(&bench, runs).await,
        _ => bail!("expected handover or install, not {what:?}"),
    }
}

/// A control plane, and programs to run on it.
struct Bench {
    plane: ControlPlane,
    /// Where the operator is.
    bin: PathBuf,
}

impl Bench {
    fn client(&self) -> Result<Client> {
        let kubeconfig = kube::config::Kubeconfig::read_from(self.plane.kubeconfig_path())?;
        let mut config = kube::Config::try_from(kubeconfig)?;
        config.read_timeout = None;
        Ok(Client::try_from(config)?)
    }

    async fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.plane.kubectl_ok(args).await.map_err(anyhow::Error::msg)
    }

    /// The operator with the rights of a kubeconfig.
    fn operator(&self, kubeconfig: &std::path::Path, github: &str, args: &[&str]) -> Result<Child> {
        Ok(Command::new(self.bin.join("testrun-operator"))
            .arg("run")
            .args(args)
            .args(["--github-url", github, "--health-addr", "127.0.0.1:0", "--log-level", "error"])
            .env("KUBECONFIG", kubeconfig)
            .env("GITHUB_TOKEN", TOKEN)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?)
    }

    /// Creates a report about the pull request.
    async fn report(&self, namespace: &str) -> Result<()> {
        let report = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "r", "namespace": namespace},
            "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}}});
        self.plane.apply(&report.to_string()).await.map_err(anyhow::Error::msg)?;
        Ok(())
    }

    /// Waits until the report is in this phase.
    async fn phase(&self, client: &Client, namespace: &str, want: &str) -> Result<()> {
        let reports = Api::<TestRunReport>::namespaced(client.clone(), namespace);
        until(async || (reports.get("r").await.ok()?.status?.phase == want).then_some(())).await
    }
}

async fn until<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(value) = attempt().await {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Prints the least, the median and the most in milliseconds.
fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |i: usize| times.get(i).map_or(0, Duration::as_millis);
    let (last, middle) = (times.len().saturating_sub(1), times.len() / 2);
    println!("{what}: min {}, median {}, max {}", at(0), at(middle), at(last));
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
