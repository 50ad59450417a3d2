//! Namespaces share what may run at a time.

use serde_json::json;
use testkit::controlplane::ControlPlane;

use super::bench::{Bench, install};
use super::green;
use crate::cluster::eventually;

/// More than may run at a time by far.
const CROWD: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_in_one_namespace_does_not_keep_another_waiting() {
    let plane: &'static ControlPlane =
        Box::leak(Box::new(ControlPlane::builder().audit(true).start().await.unwrap()));
    install(plane).await;
    let (crowd, few) = (plane.namespace("crowd").await.unwrap(), plane.namespace("few").await.unwrap());
    let bench = Bench::start_everywhere(plane, crowd, green()).await;
    bench.ready().await;
    let held = bench.script.hold().await;
    for n in 0..CROWD {
        bench.create(&format!("crowd-{n}"), json!({})).await;
    }
    bench.create_in(&few, "few", json!({})).await;
    bench.script.until("four run", |l| l.len() == 4).await;
    let waiting = format!("testrun_reports_waiting {}\n", CROWD + 1 - 4);
    let told = async |line: &str| bench.metrics.text().unwrap().contains(line).then_some(());
    eventually(|| "the others to wait", async || told(&waiting).await).await;
    drop(held);
    bench.script.until("all were looked at", |l| l.len() > CROWD).await;
    let looks = bench.script.looks();
    let place = looks.iter().position(|l| l.name == "few").unwrap();
    assert!(place < 8, "it came as number {place} of {}", looks.len());
    eventually(|| "nobody to wait any more", async || told("testrun_reports_waiting 0\n").await).await;
    bench.stop().await;
    plane.stop_apiserver();
    plane.stop_etcd();
}
