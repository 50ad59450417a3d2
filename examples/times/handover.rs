//! How long nobody works when the leader ends: two replicas, from the signal until the Lease names the other one,
//! and until a report that changed at that moment has its new status.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use testkit::github::secs;
use testrun_operator::api::crd_yaml;
use tokio::process::{Child, Command};

use crate::{Bench, print, running, until};

const NAMESPACE: &str = "handover";

pub async fn run(bench: &Bench, runs: usize) -> Result<()> {
    bench.plane.apply(&crd_yaml()?).await.map_err(anyhow::Error::msg)?;
    bench.kubectl(&["create", "namespace", NAMESPACE]).await?;
    bench.kubectl(&["wait", "--for=condition=Established", "crd/testrunreports.testrun.dev"]).await?;
    let client = bench.client()?;
    println!("leases of 15 s, renewed every 2 s within 10 s; {runs} runs each; milliseconds");
    for signal in ["TERM", "KILL"] {
        let (mut leases, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let (lease, write) = hand_over(bench, &client, signal).await?;
            leases.push(lease);
            writes.push(write);
        }
        print(&format!("SIG{signal}: the Lease has its new holder"), leases);
        print(&format!("SIG{signal}: first write"), writes);
    }
    Ok(())
}

/// One run: from the signal to the new holder, and to the first write of the new holder.
async fn hand_over(bench: &Bench, client: &Client, signal: &str) -> Result<(Duration, Duration)> {
    let gh = running();
    let replica = || -> Result<Child> {
        let args = ["--namespaces", NAMESPACE, "--leader-elect", "--lease-namespace", NAMESPACE];
        bench.operator(bench.plane.kubeconfig_path(), gh.url(), &args)
    };
    let mut first = replica()?;
    let leases = Api::<Lease>::namespaced(client.clone(), NAMESPACE);
    let old = holder(&leases, "").await?;
    let mut second = replica()?;
    bench.report(NAMESPACE).await?;
    bench.phase(client, NAMESPACE, "Running").await?;
    // What the second needs to have at hand it has by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    gh.advance(secs(1000));
    let begin = Instant::now();
    let pid = first.id().context("the leader runs")?.to_string();
    ensure!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().await?.success());
    holder(&leases, &old).await?;
    let lease = begin.elapsed();
    bench.phase(client, NAMESPACE, "Failed").await?;
    let write = begin.elapsed();
    first.wait().await?;
    second.start_kill()?;
    second.wait().await?;
    bench.kubectl(&["delete", "trr,leases", "--all", "-n", NAMESPACE]).await?;
    Ok((lease, write))
}

/// Waits until somebody else holds the Lease.
async fn holder(leases: &Api<Lease>, old: &str) -> Result<String> {
    until(async || {
        let lease = leases.get_opt("testrun-operator-0").await.ok()??;
        lease.spec?.holder_identity.filter(|holder| !holder.is_empty() && holder != old)
    })
    .await
}
