//! One leader at a time, whatever happens to it.

use super::*;
use crate::cluster::{cluster, install};

#[tokio::test(flavor = "multi_thread")]
async fn at_sigterm_and_sigkill_another_goes_on_and_only_one_writes() {
    let plane = cluster().await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), running());
    let namespace = plane.namespace("turns").await.unwrap();
    let all = std::slice::from_ref(&namespace);
    let mark = plane.audit_mark().unwrap();
    let first = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    until_held(&first, 1).await;
    let mut second = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    create(plane, &namespace).await;
    until_phase(plane, &namespace, "Running").await;
    assert_eq!((held(&first).await, held(&second).await), (1.0, 0.0));
    assert_eq!(second.metric("testrun_status_writes_total").await, 0.0, "who waits writes nothing");

    // In order: the Lease is given away, not left to run out.
    first.stop().await;
    until_held(&second, 1).await;
    let third = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    // Without a word.
    second.kill().await;
    fail(&gh);
    until_held(&third, 1).await;
    until_phase(plane, &namespace, "Failed").await;
    let writes = plane.audit_events_since(mark).unwrap();
    let writes =
        writes.iter().filter(|e| e.namespace() == namespace && e.target() == "testrunreports/status");
    let codes: Vec<_> = writes.filter_map(|e| e.code()).collect();
    assert!(codes.iter().all(|c| *c == 200), "nobody was in another's way: {codes:?}");
    third.stop().await;
    assert_eq!(holders(plane, &namespace).await, [], "given away at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_paused_finds_that_it_is_none_before_it_writes() {
    let plane = cluster().await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), running());
    let namespace = plane.namespace("paused").await.unwrap();
    let all = std::slice::from_ref(&namespace);
    let first = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    until_held(&first, 1).await;
    let second = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    create(plane, &namespace).await;
    until_phase(plane, &namespace, "Running").await;
    // A write is counted a moment after it can be seen.
    first.until_metric("testrun_status_writes_total", |n| n >= 1.0).await;
    let before = first.metric("testrun_status_writes_total").await;
    first.signal("STOP").await;
    until_held(&second, 1).await;
    fail(&gh);
    until_phase(plane, &namespace, "Failed").await;
    let version = async || {
        let path = "jsonpath={.metadata.resourceVersion}";
        plane.kubectl_ok(&["get", "trr", "r", "-n", &namespace, "-o", path]).await.unwrap()
    };
    let decided = version().await;
    first.signal("CONT").await;
    // It has caught up when it has seen that it holds nothing.
    until_held(&first, 0).await;
    assert_eq!(first.metric("testrun_lease_changes_total{outcome=\"lost\"}").await, 1.0);
    assert_eq!(first.metric("testrun_status_writes_total").await, before, "the old leader writes nothing");
    assert_eq!(version().await, decided);
    assert_eq!(held(&second).await, 1.0, "and the new one stays");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_of_others_do_not_matter() {
    let plane = cluster().await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), running());
    // Somebody who is gone held the Lease, and its clock was an hour wrong.
    for offset in [-3600_i64, 3600] {
        let namespace = plane.namespace("skew").await.unwrap();
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(offset);
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "testrun-operator-0", "namespace": namespace,
                "labels": {"testrun.dev/lease": "testrun-operator", "testrun.dev/shard": "0"},
                "annotations": {"testrun.dev/shards": "1"}},
            "spec": {"holderIdentity": "ghost", "leaseDurationSeconds": 3, "renewTime": format!("{then:.6}")}});
        plane.admin().with_file(&lease.to_string(), &["create"]).await.unwrap();
        let start = std::time::Instant::now();
        let one = replica(plane, dir.path(), &namespace, std::slice::from_ref(&namespace), &gh, 1).await;
        until_held(&one, 1).await;
        assert!(start.elapsed() >= LEASE, "{offset}: it was taken before its duration was over");
        one.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_server_is_away_nobody_leads_and_then_one_does() {
    let plane: &'static ControlPlane =
        Box::leak(Box::new(ControlPlane::builder().audit(true).start().await.unwrap()));
    install(plane).await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), running());
    let namespace = plane.namespace("away").await.unwrap();
    let all = std::slice::from_ref(&namespace);
    let first = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    until_held(&first, 1).await;
    let second = replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    create(plane, &namespace).await;
    until_phase(plane, &namespace, "Running").await;
    plane.stop_apiserver();
    until_held(&first, 0).await;
    fail(&gh);
    plane.start_apiserver().await.unwrap();
    until_phase(plane, &namespace, "Failed").await;
    let one = async || (held(&first).await + held(&second).await == 1.0).then_some(());
    eventually(|| "one leader", one).await;
    first.stop().await;
    second.stop().await;
    plane.stop_apiserver();
    plane.stop_etcd();
}
