//! The servers behind the API: killed, compacted, and put back to an earlier state.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testrun_operator::controller::Vigil;

use super::bench::{Faulty, WARY};
use crate::controller::bench::{QUICK, install, soon};
use crate::controller::{red, running};

/// Reports that are at work when a server fails.
const REPORTS: usize = 10;

async fn plane() -> &'static ControlPlane {
    let plane = Box::leak(Box::new(ControlPlane::builder().audit(true).start().await.unwrap()));
    install(plane).await;
    plane
}

fn end(plane: &ControlPlane) {
    plane.stop_apiserver();
    plane.stop_etcd();
}

async fn working(plane: &'static ControlPlane, name: &str, vigil: Vigil) -> Faulty {
    let faulty = Faulty::empty(plane, name, QUICK, vigil).await;
    for n in 0..REPORTS {
        faulty.bench.create(&format!("r{n}"), json!({})).await;
    }
    for n in 0..REPORTS {
        faulty.bench.reason(&format!("r{n}"), "Running").await;
    }
    faulty
}

async fn all_decided(faulty: &Faulty, most: usize) {
    for n in 0..REPORTS {
        let name = format!("r{n}");
        faulty.decided(&name).await;
        let codes = faulty.bench.writes(&name);
        let written = codes.iter().filter(|c| **c == 200).count();
        assert!(written <= 2, "{name}: {codes:?}");
        assert!(codes.len() <= most, "{name}: {codes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_and_etcd_are_killed_and_come_back() {
    let plane = plane().await;
    let faulty = working(plane, "killed", Vigil::default()).await;
    faulty.bench.ready().await;
    plane.stop_apiserver();
    let (begin, before) = (Instant::now(), faulty.relay.calls().len());
    faulty.turn_green();
    let mut state = faulty.bench.health.subscribe();
    soon("it is not ready", state.wait_for(Result::is_err)).await.unwrap();
    // How often it asks can only be seen over a time.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asked = faulty.relay.calls().len() - before;
    // Each report is tried and read once, then they wait; and the watches try to come back.
    let bound = 2 * REPORTS + 8 * begin.elapsed().as_secs() as usize + 8;
    assert!(asked <= bound, "{asked} requests to a server that is away, in {:?}", begin.elapsed());
    plane.start_apiserver().await.unwrap();
    let back = Instant::now();
    all_decided(&faulty, 3).await;
    faulty.bench.ready().await;
    println!(
        "API server: {REPORTS} reports right {:?} after it was back; {asked} requests meanwhile",
        back.elapsed()
    );
    faulty.end().await;

    let faulty = working(plane, "etcd", Vigil::default()).await;
    plane.stop_etcd();
    faulty.turn_green();
    // The outage has a length: nothing that could be waited for happens in it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    plane.start_etcd().await.unwrap();
    let back = Instant::now();
    all_decided(&faulty, 4).await;
    faulty.bench.ready().await;
    println!("etcd: {REPORTS} reports right {:?} after it was back", back.elapsed());
    faulty.end().await;
    end(plane);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_compacted_away_is_listed_anew() {
    let plane = plane().await;
    let faulty = working(plane, "compact", Vigil::default()).await;
    faulty.relay.stall_streams();
    // Nobody tells the operator of these.
    faulty.bench.create("late", json!({})).await;
    faulty.bench.patch("r0", json!({"spec": {"suspend": true}})).await;
    faulty.bench.script.say(running());
    plane.stop_apiserver();
    compact(plane).await;
    plane.start_apiserver().await.unwrap();
    faulty.relay.heal();
    faulty.relay.cut_streams();
    faulty.bench.reason("late", "Running").await;
    faulty.bench.reason("r0", "Suspended").await;
    faulty.bench.ready().await;
    faulty.end().await;
    end(plane);
}

/// Forgets the history of etcd.
async fn compact(plane: &ControlPlane) {
    let head = etcd(plane, "/v3/kv/range", json!({"key": "AA=="})).await;
    let revision = head["header"]["revision"].as_str().unwrap().to_owned();
    etcd(plane, "/v3/kv/compaction", json!({"revision": revision, "physical": true})).await;
}

/// Asks etcd itself.
pub async fn etcd(plane: &ControlPlane, path: &str, body: Value) -> Value {
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = http::Request::post(format!("{}{path}", plane.etcd_url())).body(body.to_string()).unwrap();
    let response = client.request(request).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_noticed() {
    let plane = plane().await;
    let faulty = working(plane, "backup", WARY).await;
    let backup = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        let done = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
        assert!(done.success());
    };
    plane.stop_apiserver();
    plane.stop_etcd();
    copy(&plane.etcd_data(), &backup.path().join("etcd"));
    plane.start_etcd().await.unwrap();
    plane.start_apiserver().await.unwrap();
    // After the backup everything fails, and much is written.
    faulty.bench.script.say(red());
    for n in 0..REPORTS {
        faulty.bench.reason(&format!("r{n}"), "RequiredFailed").await;
    }
    for n in 0..20 {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"n": n.to_string()}}}));
        faulty.bench.api.patch("r0", &PatchParams::default(), &patch).await.unwrap();
    }
    // The watch is at work again, so that the operator knows how far the server had come.
    faulty.bench.create("before", json!({})).await;
    faulty.bench.reason("before", "RequiredFailed").await;
    plane.stop_apiserver();
    plane.stop_etcd();
    std::fs::remove_dir_all(plane.etcd_data()).unwrap();
    copy(&backup.path().join("etcd"), &plane.etcd_data());
    plane.start_etcd().await.unwrap();
    plane.start_apiserver().await.unwrap();
    let back = Instant::now();
    // What was written since the backup is written again, and what happens from now on is seen.
    for n in 0..REPORTS {
        faulty.bench.reason(&format!("r{n}"), "RequiredFailed").await;
    }
    faulty.bench.create("new", json!({})).await;
    faulty.bench.reason("new", "RequiredFailed").await;
    println!("backup: {REPORTS} reports right {:?} after the servers were back", back.elapsed());
    faulty.turn_green();
    faulty.decided("new").await;
    faulty.end().await;
    end(plane);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_removed_and_comes_back_is_waited_for() {
    let plane = plane().await;
    let faulty = working(plane, "crd", Vigil::default()).await;
    let delete = ["delete", "crd", "testrunreports.testrun.dev"];
    plane.kubectl_ok(&delete).await.unwrap();
    let mut state = faulty.bench.health.subscribe();
    soon("it is not ready", state.wait_for(Result::is_err)).await.unwrap();
    install(plane).await;
    faulty.bench.ready().await;
    let create = async || {
        let spec = json!({"source": {"github": {"repository": "octo-org/hello-world", "sha": crate::controller::SHA}}});
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "a", "namespace": faulty.bench.namespace}, "spec": spec});
        plane.admin().with_file(&object.to_string(), &["create"]).await.ok()
    };
    // The new definition may not be served at once.
    crate::cluster::eventually(|| "the new definition to be served", create).await;
    faulty.turn_green();
    faulty.decided("a").await;
    faulty.end().await;
    end(plane);
}
