//! From `helm install` to the first verdict: the chart on a cluster that never had it, the operator with the account
//! and the arguments of the chart, a report right after it. Pulling an image and starting a container are not in it.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use testkit::controlplane::Binaries;
use testkit::github::secs;
use tokio::process::Command;

use crate::{Bench, print, running};

const RELEASE: &str = "testrun-operator";
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/testrun-operator");

pub async fn run(bench: &Bench, runs: usize) -> Result<()> {
    let helm = Binaries::ensure().and_then(|b| b.helm()).map_err(anyhow::Error::msg)?;
    let client = bench.client()?;
    let (mut installed, mut decided) = (Vec::new(), Vec::new());
    for n in 0..runs {
        let gh = running();
        gh.advance(secs(1000));
        let namespace = format!("install-{n}");
        bench.kubectl(&["create", "namespace", &namespace]).await?;
        let begin = Instant::now();
        run_helm(bench, &helm, &["install", RELEASE, CHART, "--namespace", &namespace]).await?;
        installed.push(begin.elapsed());
        let account = bench.plane.kubeconfig_for_service_account(&namespace, RELEASE).await;
        let mut operator = bench.operator(&account.map_err(anyhow::Error::msg)?, gh.url(), &[])?;
        bench.report(&namespace).await?;
        bench.phase(&client, &namespace, "Failed").await?;
        decided.push(begin.elapsed());
        operator.start_kill()?;
        operator.wait().await?;
        run_helm(bench, &helm, &["uninstall", RELEASE, "--namespace", &namespace]).await?;
        let definitions = bench.kubectl(&["get", "crds", "--output=name"]).await?;
        for definition in definitions.lines().filter(|name| name.ends_with(".testrun.dev")) {
            bench.kubectl(&["delete", definition]).await?;
        }
    }
    println!("{runs} runs; milliseconds");
    print("helm install has ended", installed);
    print("a report has its verdict", decided);
    Ok(())
}

async fn run_helm(bench: &Bench, helm: &Path, args: &[&str]) -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = Command::new(helm);
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.path());
    }
    let output = command.args(args).env("KUBECONFIG", bench.plane.kubeconfig_path()).output().await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "helm {}: {error}", args.first().context("a command")?);
    Ok(())
}
