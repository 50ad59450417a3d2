//! The main job, end to end, with no cluster and no account: a real control plane, the operator, a
//! GitHub that replays a pull request at sixty times its speed, and the report.
//!
//! `cargo run --example demo`

mod set;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::controlplane::ControlPlane;
use testkit::github::scenarios::pr20;
use testkit::github::{self, GitHub};
use tokio::process::{Child, Command};

/// Scenario seconds in one second.
const SPEED: f64 = 60.0;
const REPORT: &str = include_str!("../pull-request-20.yaml");

#[tokio::main]
async fn main() -> Result<()> {
    say("building the operator and the kubectl plugin");
    let bin = build()?;
    say("starting kube-apiserver and etcd (their first build takes some minutes)");
    let plane = ControlPlane::start().await.map_err(anyhow::Error::msg)?;
    let kubectl = Kubectl {
        path: plane.binaries().kubectl.clone(),
        kubeconfig: plane.kubeconfig_path().to_owned(),
        bin,
    };

    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();

    kubectl.show(&["apply", "--server-side", "-f", "crds/"]).await?;
    kubectl.show(&["wait", "--for=condition=Established", "crd", "--all"]).await?;
    let mut operator = kubectl.operator(&[
        "--github-url",
        gh.url(),
        "--poll-interval",
        "1s",
        "--progress-interval",
        "1s",
        "--refresh-interval",
        "2s",
    ])?;

    kubectl.show(&["create", "-f", "examples/pull-request-20.yaml"]).await?;
    ensure!(REPORT.contains("name: pr-20"), "the report of the example has another name");
    say(&format!("CI runs, {SPEED} times as fast as it did"));
    let mut watch = kubectl.watch()?;
    gh.play(SPEED);
    // What was red at the end of the first attempt stays on screen before the re-run starts.
    tokio::select! {
        stalled = kubectl.quiet(&["wait", "--for=condition=Stalled", "testrunreport/pr-20", "--timeout=120s"]) => {
            stalled?;
        }
        never = hold_before_rerun(&gh) => match never {},
    }
    gh.pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    watch.kill().await?;

    kubectl.show(&["get", "testrunreports", "-o", "wide"]).await?;
    kubectl.show(&["testrun", "get", "pr-20", "-o", "markdown"]).await?;

    say("somebody re-runs the failed jobs on GitHub");
    gh.play(SPEED);
    kubectl.show(&["wait", "--for=condition=Passed", "testrunreport/pr-20", "--timeout=120s"]).await?;
    kubectl.show(&["get", "testrunreports"]).await?;
    kubectl.show(&["testrun", "gate", "pr-20"]).await?;
    operator.start_kill()?;
    operator.wait().await?;

    set::show(&kubectl, &gh).await?;

    let violations = gh.violations();
    ensure!(
        violations.is_empty(),
        "the replayed GitHub was used in a way that GitHub does not allow: {violations:?}"
    );
    say("done");
    Ok(())
}

/// On a slow machine the re-run would begin before the operator has seen the end of the first attempt: GitHub's clock
/// stands still just before it.
async fn hold_before_rerun(gh: &GitHub) -> std::convert::Infallible {
    let begun = gh.now();
    let before = (pr20::RERUN - Duration::from_secs(10)).as_millis();
    while i128::from(gh.now().0 - begun.0) < i128::try_from(before).unwrap_or_default() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gh.pause();
    std::future::pending().await
}

fn say(text: &str) {
    println!("\n== {text}");
}

/// Builds both programs and says where they are.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        std::process::Command::new(cargo).args(["build", "--quiet", "--locked", "--bins"]).status()?;
    ensure!(status.success(), "cargo build failed");
    // This program is in <target>/<profile>/examples.
    let own = std::env::current_exe()?;
    let dir =
        own.parent().and_then(Path::parent).context("the target directory is not where it should be")?;
    Ok(dir.to_owned())
}

/// kubectl as a user calls it, with the plugin on PATH.
struct Kubectl {
    path: PathBuf,
    kubeconfig: PathBuf,
    bin: PathBuf,
}

impl Kubectl {
    fn command(&self, args: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(&self.path);
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", format!("{}:{path}", self.bin.display()))
            .kill_on_drop(true);
        command
    }

    /// Shows a command and what it prints; it must succeed.
    async fn show(&self, args: &[&str]) -> Result<()> {
        println!("\n$ kubectl {}", args.join(" "));
        let status = self.command(args).status().await?;
        ensure!(status.success(), "kubectl {} ended with {status}", args.join(" "));
        Ok(())
    }

    async fn quiet(&self, args: &[&str]) -> Result<()> {
        let output = self.command(args).output().await?;
        ensure!(
            output.status.success(),
            "kubectl {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn watch(&self) -> Result<Child> {
        println!("\n$ kubectl get testrunreports -w");
        Ok(self.command(&["get", "testrunreports", "-w"]).spawn()?)
    }

    /// The operator as a process of its own, its log in a file.
    fn operator(&self, args: &[&str]) -> Result<Child> {
        let log = std::env::temp_dir().join(format!("testrun-operator-demo-{}.log", std::process::id()));
        say(&format!("starting the operator; its log is {}", log.display()));
        let file = std::fs::File::options().create(true).append(true).open(&log)?;
        println!("\n$ testrun-operator run {}", args.join(" "));
        Ok(Command::new(self.bin.join("testrun-operator"))
            .arg("run")
            .args(args)
            .args(["--health-addr", "127.0.0.1:0"])
            .env("KUBECONFIG", &self.kubeconfig)
            .env("GITHUB_TOKEN", github::TOKEN)
            .stdin(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?)
    }
}
