//! Copies in a folder.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::cli::{Cli, FAILED};
use crate::cluster::cluster;
use crate::story::operator::Operator;

async fn operator(plane: &ControlPlane, namespace: &str, gh: &GitHub, store: &str) -> Operator {
    let args = ["--artifacts-store", store, "--refresh-interval", "1s"];
    Operator::start(plane, namespace, gh.url(), &args).await
}

fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_outlives_its_retention_and_is_copied_once_whoever_asks() {
    let plane = cluster().await;
    let namespace = plane.namespace("copies").await.unwrap();
    let gh = github(vec![
        bundle("must-gather-unit", 901, 9 << 20),
        ArtifactSpec::new("junit-unit").file("junit.xml", "<testsuite/>"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let store = url(folder.path());
    let mut running = operator(plane, &namespace, &gh, &store).await;
    create(plane, &namespace, "a").await;
    let report = until(plane, &namespace, "a", &[("must-gather-unit", "Copied")]).await;
    let artifact = &report["status"]["artifacts"][0];
    let there = place(folder.path(), "77/901-must-gather-unit.zip");
    let told = copy(&report, "must-gather-unit");
    assert_eq!(told["url"], json!(format!("file://{}", there.display())));
    assert_eq!((&told["digest"], &artifact["digest"]), (&json!(sha256(&there)), &json!(sha256(&there))));
    assert!(told["copiedAt"].is_string() && told["message"].is_null(), "{told}");
    assert_eq!(std::fs::read_dir(there.parent().unwrap()).unwrap().count(), 1, "nothing else is left");

    // Another report of the commit, and another process that does not know of the copy, find it.
    running.kill().await;
    let written = std::fs::metadata(&there).unwrap().modified().unwrap();
    let running = operator(plane, &namespace, &gh, &store).await;
    create(plane, &namespace, "b").await;
    let other = until(plane, &namespace, "b", &[("must-gather-unit", "Copied")]).await;
    assert_eq!(copy(&other, "must-gather-unit")["digest"], told["digest"]);
    assert_eq!(std::fs::metadata(&there).unwrap().modified().unwrap(), written, "it is left alone");
    assert!(running.metric("testrun_artifact_copies_total{outcome=\"found\"}").await > 0.0);
    assert_eq!(running.metric("testrun_artifact_copies_total{outcome=\"copied\"}").await, 0.0);

    // What GitHub does not have any more is known by its copy.
    gh.update(|s| {
        s.run(77).expire_artifact("must-gather-unit");
    });
    gh.advance(secs(5));
    let gone = async || {
        let now = reports::get(plane, &namespace, "a").await;
        (now["status"]["artifacts"][0]["expired"] == true).then_some(now)
    };
    let gone = eventually(|| "the artifact to be expired", gone).await;
    assert_eq!(copy(&gone, "must-gather-unit"), told);
    let to = folder.path().join("out");
    let args = ["artifacts", "a", "-n", &namespace, "--download", to.to_str().unwrap()];
    let kubeconfig = plane.kubeconfig_path().to_str().unwrap();
    let ran = Cli::new(&args).on(&gh).env("KUBECONFIG", kubeconfig).run().await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
    let where_to = format!("; a copy is at file://{} (sha256:", there.display());
    assert!(ran.err.contains("its retention is over") && ran.err.contains(&where_to), "{}", ran.err);
    let list = Cli::new(&["artifacts", "a", "-n", &namespace]).on(&gh).env("KUBECONFIG", kubeconfig);
    let list = list.run().await;
    assert!(list.out.contains("expired; copy: file:///"), "{}", list.out);
    running.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_copied_is_told_and_decides_nothing() {
    let plane = cluster().await;
    let namespace = plane.namespace("notcopied").await.unwrap();
    let wrong = format!("sha256:{}", "0".repeat(64));
    let gh = github(vec![
        bundle("must-gather-a", 901, 100),
        bundle("must-gather-b", 902, 100).claimed_digest(Some(&wrong)),
        bundle("must-gather-c", 903, 3000),
        bundle("must-gather-d", 904, 2000),
        bundle("must-gather-e", 905, 2000),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later");
    let config = folder.path().join("config.yaml");
    let settings = json!({"artifacts": {"store": url(&later), "maxBytes": 2500, "maxBytesPerReport": 3000}});
    std::fs::write(&config, settings.to_string()).unwrap();
    let args = ["--config", config.to_str().unwrap(), "--refresh-interval", "1s"];
    let mut running = Operator::start(plane, &namespace, gh.url(), &args).await;
    create(plane, &namespace, "a").await;
    let large = [("must-gather-c", "TooLarge"), ("must-gather-d", "Failed"), ("must-gather-e", "TooLarge")];
    let want = [&[("must-gather-a", "Failed"), ("must-gather-b", "Failed")], &large[..]].concat();
    let report = until(plane, &namespace, "a", &want).await;
    let said = |name: &str| copy(&report, name)["message"].as_str().unwrap().to_owned();
    assert!(said("must-gather-a").starts_with("the store "), "{}", said("must-gather-a"));
    assert!(
        said("must-gather-c").contains("more than the 2500 that are copied"),
        "{}",
        said("must-gather-c")
    );
    assert!(said("must-gather-e").contains("beyond them"), "{}", said("must-gather-e"));
    // Somebody mounts the volume.
    running.kill().await;
    std::fs::create_dir(&later).unwrap();
    let running = Operator::start(plane, &namespace, gh.url(), &args).await;
    let large = [("must-gather-c", "TooLarge"), ("must-gather-d", "Copied"), ("must-gather-e", "TooLarge")];
    let want = [&[("must-gather-a", "Copied"), ("must-gather-b", "Corrupt")], &large[..]].concat();
    let report = until(plane, &namespace, "a", &want).await;
    assert!(copy(&report, "must-gather-b")["url"].is_null());
    assert!(!place(&later, "77/902-must-gather-b.zip").exists(), "nothing wrong is kept");
    running.stop().await;
}
