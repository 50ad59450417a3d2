//! CloudEvents: kill -9 after the write of a verdict and before anybody was told of it.

use serde_json::{Value, json};
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::life::REPO;
use crate::cluster::{cluster, eventually};
use crate::controller::notify::Heard;
use crate::story::condition;
use crate::story::operator::Operator;

/// Ids of what a sink was told, in order, without repetitions.
fn ids(heard: &Heard) -> Vec<String> {
    let all = heard.all.lock().unwrap();
    let mut ids: Vec<String> =
        all.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect();
    ids.dedup();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_when_the_operator_died_is_told_by_the_next_one() {
    let plane = cluster().await;
    let namespace = plane.namespace("untold").await.unwrap();
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
    }));
    gh.pause();
    gh.advance(secs(60));
    gh.update(|s| {
        s.job(501).complete("success");
        s.run(77).settle();
    });
    gh.advance(secs(600));
    // It has trouble of its own for as long as the first process lives.
    let sink = Heard::default();
    *sink.codes.lock().unwrap() = vec![503; 1000];
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let sinks = json!({"events": {"sinks": [{"name": "bots", "url": sink.listen().await.to_string()}]}});
    std::fs::write(&config, sinks.to_string()).unwrap();
    // Nothing but the first look of a process tells of a verdict that is final.
    let args = ["--config", config.to_str().unwrap(), "--refresh-interval", "1h"];
    let start = async || Operator::start(plane, &namespace, gh.url(), &args).await;
    let get = async || plane.admin().json(&["get", "testrunreport", "r", "-n", &namespace]).await.unwrap();

    let mut first = start().await;
    let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "r"},
        "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}, "gate": {"settleSeconds": 0}}});
    plane.admin().with_file(&object.to_string(), &["create", "-n", &namespace]).await.unwrap();
    let is = async || (condition(&get().await, "Passed") == "True/AllRequiredSucceeded").then_some(());
    eventually(|| "the verdict", is).await;
    first.kill().await;
    // By now the sink has refused to hear of it, or was not even asked.
    let left = get().await;
    assert_eq!(left["status"]["told"], Value::Null);
    let last = left["status"]["transitions"].as_array().unwrap().last().unwrap();
    let time: jiff::Timestamp = last["time"].as_str().unwrap().parse().unwrap();
    let told = format!("{}-True-{}", time.as_second(), last["sha"].as_str().unwrap());
    let untold = format!("{}.{told}", left["metadata"]["uid"].as_str().unwrap());

    sink.all.lock().unwrap().clear();
    sink.codes.lock().unwrap().clear();
    let mut second = start().await;
    sink.until("dev.testrun.report.passed", 1).await;
    assert_eq!(ids(&sink), std::slice::from_ref(&untold), "the same change has the same id");
    let is =
        async || (second.metric("testrun_events_total{outcome=\"delivered\"}").await == 1.0).then_some(());
    eventually(|| "the delivery to be counted", is).await;
    // The next look notes it.
    let ask =
        |value: &str| json!({"metadata": {"annotations": {"testrun.dev/requestedAt": value}}}).to_string();
    let patch = async |value: &str| {
        let args = ["patch", "testrunreport", "r", "-n", &namespace, "--type=merge", "-p", &ask(value)];
        plane.kubectl_ok(&args).await.unwrap()
    };
    patch("now").await;
    let is = async || (get().await["status"]["told"] == *told).then_some(());
    eventually(|| format!("status.told to be {told}"), is).await;
    second.kill().await;

    // Whoever comes after that has nothing to tell until something changes.
    let third = start().await;
    gh.update(|s| {
        s.run(77).rerun("someone", |_| true);
    });
    patch("again").await;
    sink.until("dev.testrun.report.undecided", 2).await;
    assert_eq!(sink.types(), ["dev.testrun.report.passed", "dev.testrun.report.undecided"]);
    third.stop().await;
}
