//! What the operator does on GitHub when the spec asks for it.

use super::*;

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
