//! Several leaders, each of its share.

use super::*;
use crate::cluster::cluster;

#[tokio::test(flavor = "multi_thread")]
async fn scaling_neither_loses_nor_doubles_a_report() {
    let plane = cluster().await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), running());
    let leases = plane.namespace("leases").await.unwrap();
    let mut namespaces = Vec::new();
    for _ in 0..8 {
        namespaces.push(plane.namespace("share").await.unwrap());
    }
    let mark = plane.audit_mark().unwrap();
    let one = replica(plane, dir.path(), &leases, &namespaces, &gh, 4).await;
    until_held(&one, 4).await;
    for namespace in &namespaces {
        create(plane, namespace).await;
    }
    for namespace in &namespaces {
        until_phase(plane, namespace, "Running").await;
    }
    // Two more: one gives away until all have about the same.
    let two = replica(plane, dir.path(), &leases, &namespaces, &gh, 4).await;
    until_held(&two, 2).await;
    let mut three = replica(plane, dir.path(), &leases, &namespaces, &gh, 4).await;
    until_held(&three, 1).await;
    // Who gives one away counts it a moment after another one may have it.
    let four = async || (held(&one).await + held(&two).await + held(&three).await == 4.0).then_some(());
    eventually(|| "four Leases to be held by three", four).await;

    // One dies, one leaves, and all that they had is decided by who is left.
    three.kill().await;
    one.stop().await;
    fail(&gh);
    until_held(&two, 4).await;
    for namespace in &namespaces {
        until_phase(plane, namespace, "Failed").await;
    }
    two.stop().await;
    let events = plane.audit_events_since(mark).unwrap();
    for namespace in &namespaces {
        let own = |e: &&testkit::controlplane::AuditEvent| {
            e.namespace() == *namespace && e.target() == "testrunreports/status"
        };
        let codes: Vec<u16> = events.iter().filter(own).filter_map(|e| e.code()).collect();
        // Running, failed while the run ends, failed: whoever wrote it wrote it once.
        assert!(codes.len() <= 4 && codes.iter().all(|c| *c == 200), "{namespace}: {codes:?}");
    }
}
