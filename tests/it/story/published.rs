//! The check run on GitHub, as the operator's process writes it: on a pull request and on a commit of a merge queue.

use testkit::github::{Fault, Match, RunSpec, Scenario, sha_of};

use super::*;

const ASKS: &str = r#"{"spec":{"publish":{"checkRun":{"name":"testrun-report"}}}}"#;

/// Our check runs: conclusion, annotations and summary, the newest last.
fn shown(gh: &GitHub) -> Vec<(Option<String>, usize, String)> {
    gh.read(|s| {
        let all = s.repos.iter().flat_map(|r| &r.check_runs).filter(|c| c.name == "testrun-report");
        all.map(|c| (c.conclusion.clone(), c.annotations.len(), c.summary.clone().unwrap_or_default()))
            .collect()
    })
}

async fn until_shown(gh: &GitHub, want: Option<&str>) {
    let last = async || (shown(gh).last()?.0.as_deref() == want).then_some(());
    eventually(|| format!("{want:?} on GitHub: {:?}", shown(gh)), last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_a_check_run_that_is_written_on_change_only() {
    let plane = cluster().await;
    let namespace = plane.namespace("shown").await.unwrap();
    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();
    gh.advance(pr20::CONCLUDED + secs(60));
    create(plane, &namespace).await;
    let args = ["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", ASKS];
    plane.kubectl_ok(&args).await.unwrap();
    let mut operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let red = until(plane, &namespace, "Published", "True/Published").await;
    assert_eq!(condition(&red, "Passed"), "False/RequiredFailed");
    assert_eq!(condition(&red, "Stalled"), "True/RequiredFailed", "its own check run is not waited for");
    until_shown(&gh, Some("failure")).await;
    let (_, annotations, summary) = shown(&gh).pop().unwrap();
    assert!(annotations > 0, "failing tests are shown at their lines");
    assert!(summary.contains("Integration Tests"), "{summary}");
    assert!(!summary.contains("@octo"), "nobody is mentioned");
    // A process that was killed and knows nothing writes nothing again.
    let writes = gh.writes().len();
    operator.kill().await;
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let looks = async || (operator.metric("testrun_reconciles_total").await >= 3.0).then_some(());
    eventually(|| "a few looks of the new process", looks).await;
    assert_eq!(gh.writes().len(), writes, "{:?}", gh.writes().last());
    // It turns: what has annotations is followed by a new one.
    gh.advance(pr20::GREEN - pr20::CONCLUDED + secs(60));
    until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    until_shown(&gh, Some("success")).await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_merge_queue_has_its_own_verdict() {
    let plane = cluster().await;
    let namespace = plane.namespace("queue").await.unwrap();
    let queue = "gh-readonly-queue/main/pr-20-abc";
    let scenario = Scenario::new().start_now().setup(move |s| {
        s.add_repo("acme/shop");
        // The head is red, the queue's commit is green: neither speaks for the other.
        for (id, sha, event, branch, end) in
            [(71, "head", "push", "feature/x", "failure"), (72, "queued", "merge_group", queue, "success")]
        {
            let run = RunSpec::new(id).workflow("CI", ".github/workflows/ci.yml").event(event).branch(branch);
            s.repo("acme/shop").add_run(run.sha(sha_of(sha)).job((id + 500, "unit")));
            s.job(id + 500).start();
            s.job(id + 500).complete(end);
            s.run(id).settle();
        }
    });
    let gh = GitHub::start(scenario);
    gh.pause();
    gh.advance(secs(600));
    for (name, sha) in [("head", sha_of("head")), ("queued", sha_of("queued"))] {
        let object = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": name}, "spec": {"source": {"github": {"repository": "acme/shop", "sha": sha}},
            "publish": {"status": {}, "checkRun": {}}}});
        plane.admin().with_file(&object.to_string(), &["create", "-n", &namespace]).await.unwrap();
    }
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let states = || -> Vec<(String, String)> {
        let of = |r: testkit::github::Request| {
            let (sha, body) = (r.path.rsplit('/').next()?.to_owned(), r.body?);
            Some((sha, body["state"].as_str()?.to_owned()))
        };
        gh.writes().into_iter().filter(|r| r.path.contains("/statuses/")).filter_map(of).collect()
    };
    let both = async || {
        let all = states();
        let last = |sha: &str| all.iter().rfind(|s| s.0 == sha_of(sha)).map(|s| s.1.clone());
        (last("head").as_deref() == Some("failure") && last("queued").as_deref() == Some("success"))
            .then_some(())
    };
    eventually(|| format!("a status on each commit: {:?}", states()), both).await;
    let runs = async || (shown(&gh).len() == 2).then_some(());
    eventually(|| format!("a check run on each commit: {:?}", shown(&gh)), runs).await;
    operator.stop().await;
    assert!(!states().iter().any(|s| s.0 == sha_of("head") && s.1 == "success"), "{:?}", states());
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_that_cannot_be_carried_out_any_more_takes_back_what_was_shown() {
    let plane = cluster().await;
    let namespace = plane.namespace("back").await.unwrap();
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        let run = RunSpec::new(71).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main");
        s.add_repo("acme/shop").add_run(run.sha(sha_of("head")).job((571, "unit")));
        s.job(571).start();
        s.job(571).complete("success");
        s.run(71).settle();
    }));
    gh.pause();
    gh.advance(secs(600));
    let object = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": "pr-20"}, "spec": {
        "source": {"github": {"repository": "acme/shop", "sha": sha_of("head")}},
        "publish": {"status": {}, "checkRun": {"name": "testrun-report"}}}});
    plane.admin().with_file(&object.to_string(), &["create", "-n", &namespace]).await.unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let status_is = async |want: &str| {
        let last = async || {
            let writes = gh.writes();
            let mut states = writes.iter().filter(|w| w.path.contains("/statuses/"));
            (states.next_back()?.body.as_ref()?["state"] == *want).then_some(())
        };
        eventually(|| format!("{want} as the commit's status: {:?}", gh.writes()), last).await;
    };
    status_is("success").await;
    until_shown(&gh, Some("success")).await;
    let edit = async |ignore: &str| {
        let patch = format!(r#"{{"spec":{{"ignore":{ignore}}}}}"#);
        let args = ["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", &patch];
        plane.kubectl_ok(&args).await.unwrap();
    };
    // GitHub is away just then.
    gh.fail(Match::any(), Fault::Status(503));
    // The API server's regular expressions have this, ours do not.
    edit(r#"[{"job": "\\Qunit\\E"}]"#).await;
    let refused = until(plane, &namespace, "Stalled", "True/InvalidSpec").await;
    assert_eq!(condition(&refused, "Passed"), "Unknown/InvalidSpec");
    gh.clear_faults();
    status_is("pending").await;
    until_shown(&gh, None).await;
    edit("null").await;
    until(plane, &namespace, "Passed", "True/AllRequiredSucceeded").await;
    status_is("success").await;
    until_shown(&gh, Some("success")).await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_in_a_locked_conversation_is_refused_once_and_said() {
    let plane = cluster().await;
    let namespace = plane.namespace("locked").await.unwrap();
    let gh = GitHub::start(pr20::pull_request_20().rerun_green().start_now());
    gh.pause();
    gh.update(|s| {
        s.add_user_token(testkit::github::TOKEN);
        s.repos[0].locked_issues.push(20);
    });
    gh.advance(pr20::CONCLUDED + secs(60));
    create(plane, &namespace).await;
    let asks = r#"{"spec":{"publish":{"comment":{}}}}"#;
    let args = ["patch", "testrunreport/pr-20", "-n", &namespace, "--type=merge", "-p", asks];
    plane.kubectl_ok(&args).await.unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let said = std::cell::RefCell::new(String::new());
    let refused = async || {
        let args = ["get", "testrunreport", "pr-20", "-n", &namespace];
        let report = plane.admin().json(&args).await.unwrap();
        said.replace(format!("{} {:?}", report["status"]["conditions"], gh.writes()));
        (condition(&report, "Published") == "False/PublishRefused").then_some(report)
    };
    let report = eventually(|| format!("a refusal: {}", said.borrow()), refused).await;
    assert_eq!(condition(&report, "Passed"), "False/RequiredFailed", "the verdict is what it is");
    let all = report["status"]["conditions"].as_array().unwrap();
    let says = all.iter().find(|c| c["type"] == "Published").unwrap()["message"].as_str().unwrap();
    assert!(says.contains("comment"), "{says}");
    // It is looked at again every second, and not tried again with each look.
    let looks = operator.metric("testrun_reconciles_total").await;
    let more = async || (operator.metric("testrun_reconciles_total").await >= looks + 4.0).then_some(());
    eventually(|| "more looks", more).await;
    until(plane, &namespace, "Published", "False/PublishRefused").await;
    operator.stop().await;
    let tries = gh.writes().into_iter().filter(|r| r.path.ends_with("/comments")).count();
    assert_eq!(tries, 1);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
