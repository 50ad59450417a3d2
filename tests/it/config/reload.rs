//! A configuration that changes while the operator runs.

use std::path::Path;

use testkit::github::GitHub;
use testkit::github::scenarios::pr20;

use crate::cluster::{cluster, eventually};
use crate::story::operator::Operator;

/// Mounts a file as the kubelet does: a link to a link to the folder of this version, swapped at once.
fn mount(folder: &Path, version: &str, text: &str) {
    let data = folder.join(version);
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("config.yaml"), text).unwrap();
    let next = folder.join("..next");
    std::os::unix::fs::symlink(version, &next).unwrap();
    std::fs::rename(&next, folder.join("..data")).unwrap();
    let file = folder.join("config.yaml");
    if !file.exists() {
        std::os::unix::fs::symlink("..data/config.yaml", file).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_taken_over_and_a_bad_file_changes_nothing() {
    let plane = cluster().await;
    let namespace = plane.namespace("reload").await.unwrap();
    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();
    gh.advance(pr20::UNDECIDED);
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, testkit::github::TOKEN).unwrap();
    let config = |namespaces: &str| {
        format!(
            "connections:\n- name: github.com\n  url: {}\n  tokenFile: {}\n  namespaces: [{namespaces}]\n  repositories: ['*']\n",
            gh.url(),
            token.display()
        )
    };
    mount(dir.path(), "..1", &config("other"));
    let file = dir.path().join("config.yaml").to_str().unwrap().to_owned();
    // Nothing but the change is a reason to look again within the test.
    let args = ["--config", &file, "--refresh-interval", "1h"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    plane.admin().with_file(crate::story::REPORT, &["create", "-n", &namespace]).await.unwrap();
    let reason = async || {
        let path = "jsonpath={.status.conditions[?(@.type=='SourceAvailable')].reason}";
        plane.kubectl_ok(&["get", "trr", "pr-20", "-n", &namespace, "-o", path]).await.unwrap()
    };
    let until = async |want: &str| {
        let want = want.to_owned();
        eventually(|| format!("the reason {want}"), async || (reason().await == want).then_some(())).await;
    };
    until("ConnectionDenied").await;
    assert!(gh.requests().is_empty(), "GitHub is not asked for a namespace that may not");

    mount(dir.path(), "..2", "connections: [");
    let invalid = async || {
        (operator.metric("testrun_config_reloads_total{outcome=\"invalid\"}").await == 1.0).then_some(())
    };
    eventually(|| "the bad file to be told", invalid).await;
    assert_eq!(reason().await, "ConnectionDenied", "what was in force stays so");

    mount(dir.path(), "..3", &config("other, reload-*"));
    until("Read").await;
    operator.until_metric("testrun_config_reloads_total{outcome=\"applied\"}", |n| n == 1.0).await;
    mount(dir.path(), "..4", &config("other"));
    until("ConnectionDenied").await;
    operator.stop().await;
}
