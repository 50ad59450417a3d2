//! What the operator does on GitHub when the spec asks for it.

use testkit::github::{Fault, Match};

use super::*;

/// The run with the red suites.
const RED_RUN: u64 = 21_293_284_930;
const ASKS: &str = r#"{"spec":{"rerun":{"maxAttempts":2},"publish":{"status":{"context":"testrun"}}}}"#;

/// Red and final; a re-run makes it green.
fn concluded() -> GitHub {
    let gh = GitHub::start(pr20::pull_request_20().concluded().green_on_rerun().start_now());
    gh.pause();
    gh.advance(pr20::CONCLUDED + secs(60));
    gh
}

/// Paths of the re-runs asked for, and states of the statuses set.
fn deeds(gh: &GitHub) -> (Vec<String>, Vec<String>) {
    let (mut reruns, mut states) = (Vec::new(), Vec::new());
    for request in gh.writes() {
        if request.path.ends_with("/rerun-failed-jobs") {
            reruns.push(request.path);
        } else {
            states.push(request.body.unwrap()["state"].as_str().unwrap().to_owned());
        }
    }
    (reruns, states)
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_jobs_run_again_once_and_the_verdict_is_published() {
    let plane = cluster().await;
    let namespace = plane.namespace("deeds").await.unwrap();
    let gh = concluded();
    create(plane, &namespace).await;
    plane
        .kubectl_ok(&["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", ASKS])
        .await
        .unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let red = until(plane, &namespace, "Reconciling", "True/RerunRequested").await;
    assert_eq!(condition(&red, "Passed"), "False/RequiredFailed");
    eventually(|| "the re-run".to_owned(), async || (!deeds(&gh).0.is_empty()).then_some(())).await;
    gh.advance(pr20::RERUN_TAKES + secs(60));
    let green = until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(green["status"]["reruns"].as_array().unwrap().len(), 1);
    let last = || deeds(&gh).1.last().is_some_and(|s| s == "success");
    eventually(|| "the published success".to_owned(), async || last().then_some(())).await;
    operator.stop().await;
    let (reruns, states) = deeds(&gh);
    assert_eq!(reruns.len(), 1, "{reruns:?}");
    // Whether a look falls into the seconds in between is up to the clock.
    let news: Vec<&str> = states.iter().map(String::as_str).filter(|s| *s != "pending").collect();
    assert_eq!(news, ["failure", "success"], "{states:?}");
    assert!(states.len() <= 3, "{states:?}");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_re_run_is_told_and_not_tried_again() {
    let plane = cluster().await;
    let namespace = plane.namespace("refused").await.unwrap();
    let gh = concluded();
    gh.update(|s| s.refuse_reruns = true);
    create(plane, &namespace).await;
    plane
        .kubectl_ok(&["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", ASKS])
        .await
        .unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let red = until(plane, &namespace, "Stalled", "True/RequiredFailed").await;
    let refused = red["status"]["reruns"][0]["refused"].as_str().unwrap();
    assert!(refused.contains("was not re-run"), "{refused}");
    operator.stop().await;
    assert_eq!(deeds(&gh).0.len(), 1);
}

/// A report that asks for re-runs, in a namespace of its own.
async fn asking(name: &str) -> (&'static ControlPlane, String) {
    let plane = cluster().await;
    let namespace = plane.namespace(name).await.unwrap();
    create(plane, &namespace).await;
    plane
        .kubectl_ok(&["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", ASKS])
        .await
        .unwrap();
    (plane, namespace)
}

/// Makes the one record three minutes older, as if so much time had passed.
async fn minutes_pass(plane: &ControlPlane, namespace: &str) {
    let mut record = report(plane, namespace).await["status"]["reruns"][0].clone();
    assert_eq!((&record["acceptedAt"], &record["refused"]), (&Value::Null, &Value::Null), "{record}");
    let at: jiff::Timestamp = record["requestedAt"].as_str().unwrap().parse().unwrap();
    record["requestedAt"] = (at - jiff::SignedDuration::from_mins(3)).to_string().into();
    let status = serde_json::json!({"status": {"reruns": [record]}}).to_string();
    plane
        .kubectl_ok(&[
            "patch", "testrunreport/pr-20", "-n", namespace, "--subresource=status", "--type=merge", "-p",
            &status,
        ])
        .await
        .unwrap();
}

/// Kills an operator at the moment when the request that fits has arrived and is not answered.
async fn killed_at(plane: &ControlPlane, namespace: &str, gh: &GitHub, at: Match, fault: Fault, path: &str) {
    gh.fail(at, fault);
    let mut operator = Operator::start(plane, namespace, gh.url(), &[]).await;
    assert!(gh.until(secs(60), |all| all.iter().any(|r| r.path.ends_with(path))).await, "{path}");
    operator.kill().await;
    gh.clear_faults();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_record_and_the_request_it_is_asked_for_once_all_the_same() {
    let (plane, namespace) = asking("killed-before").await;
    let gh = concluded();
    let path = format!("/actions/runs/{RED_RUN}");
    let reading = Match::path(&format!("{path}$"));
    killed_at(plane, &namespace, &gh, reading, Fault::Hang, &path).await;
    assert!(deeds(&gh).0.is_empty());
    minutes_pass(plane, &namespace).await;
    // Two at once, neither of which knows of the other.
    let one = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let two = Operator::start(plane, &namespace, gh.url(), &[]).await;
    eventually(|| "the re-run".to_owned(), async || (!deeds(&gh).0.is_empty()).then_some(())).await;
    gh.advance(pr20::RERUN_TAKES + secs(60));
    until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    // Whoever did not ask may have seen the end before the one who asked could say what came of it.
    let told = async || {
        let record = report(plane, &namespace).await["status"]["reruns"][0].take();
        record["acceptedAt"].is_string().then_some(record)
    };
    let record = eventually(|| "the accepted record".to_owned(), told).await;
    assert_eq!((&record["tries"], &record["refused"]), (&2.into(), &Value::Null), "{record}");
    one.stop().await;
    two.stop().await;
    assert_eq!(deeds(&gh).0.len(), 1);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_request_and_its_answer_it_is_not_asked_for_again() {
    let (plane, namespace) = asking("killed-after").await;
    let gh = concluded();
    // The re-run fails at once: the commit is as red as before, only the attempt tells.
    gh.update(|s| {
        s.on_rerun = Some(std::sync::Arc::new(|s, run| {
            let open: Vec<u64> =
                s.repos[0].jobs.iter().filter(|j| j.status != "completed").map(|j| j.id).collect();
            for job in open {
                s.job(job).start();
                s.job(job).complete("failure");
            }
            s.run(run).settle();
        }));
    });
    let asking = Match::path("/rerun-failed-jobs");
    killed_at(plane, &namespace, &gh, asking, Fault::Delay(secs(600)), "/rerun-failed-jobs").await;
    minutes_pass(plane, &namespace).await;
    gh.advance(secs(60));
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let red = until(plane, &namespace, "Stalled", "True/RequiredFailed").await;
    operator.stop().await;
    let runs = red["status"]["source"]["runs"].as_array().unwrap();
    assert!(runs.iter().any(|r| r["id"] == RED_RUN && r["attempt"] == 2), "{runs:?}");
    assert_eq!(deeds(&gh).0.len(), 1);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
