//! Limits and refused credentials, with the operator on a real API server.

use serde_json::{Value, json};
use testkit::github::{Fault, GitHub as Fake, Match, PullSpec, RunSpec, Scenario, all_permissions};
use testkit::github::{secs, sha_of};

use crate::cluster::{cluster, eventually};
use crate::reports;
use crate::story::condition;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";

/// Pull request 20 is green and final; in 21 a job runs.
fn github() -> Fake {
    let gh = Fake::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).private();
        for (number, run) in [(20_u64, 77_u64), (21, 78)] {
            s.repo(REPO).pull_request(PullSpec::new(number, sha_of(&format!("head {number}"))));
            let spec = RunSpec::new(run).workflow("CI", ".github/workflows/ci.yml").pull_request(number);
            s.repo(REPO).add_run(spec.job((run * 10, "unit")));
            s.run(run).start();
            s.job(run * 10).start();
        }
        s.job(770).complete("success");
        s.run(77).settle();
    }));
    gh.pause();
    gh.advance(secs(600));
    gh
}

fn of<'r>(report: &'r Value, kind: &str, field: &str) -> &'r str {
    let all = report["status"]["conditions"].as_array().unwrap();
    all.iter().find(|c| c["type"] == kind).unwrap()[field].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_told_with_its_end_and_a_final_verdict_stays() {
    let plane = cluster().await;
    let namespace = plane.namespace("limits").await.unwrap();
    let gh = github();
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    reports::create(plane, &namespace, "done", reports::of_pull(REPO, 20)).await;
    reports::create(plane, &namespace, "open", reports::of_pull(REPO, 21)).await;
    let before = reports::until(plane, &namespace, "done", "Complete", "True/AllFinal").await;
    assert_eq!(condition(&before, "Passed"), "True/AllRequiredSucceeded");
    reports::until(plane, &namespace, "open", "Passed", "Unknown/Running").await;

    // Every answer is a limit of two seconds, again and again; one of them has no time.
    gh.fail(Match::any().times(1), Fault::SecondaryLimit(429, Some(2)));
    gh.fail(Match::any(), Fault::SecondaryLimit(403, Some(2)));
    let done = reports::until(plane, &namespace, "done", "SourceAvailable", "False/RateLimited").await;
    let says = of(&done, "SourceAvailable", "message");
    let at = says.rsplit_once("tried again from ").unwrap().1;
    let end: jiff::Timestamp = at.parse().unwrap();
    assert!(end > jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60), "{says}");
    let open = reports::until(plane, &namespace, "open", "Passed", "Unknown/RateLimited").await;
    assert_eq!(condition(&open, "Reconciling"), "True/RateLimited");
    assert_eq!(condition(&open, "Stalled"), "False/RateLimited");
    assert!(of(&open, "Passed", "message").contains("tried again from "), "{open:#}");
    // The limit goes on: the next try finds the next one.
    let again = async || {
        let report = reports::until(plane, &namespace, "done", "SourceAvailable", "False/RateLimited").await;
        (of(&report, "SourceAvailable", "message") != says).then_some(report)
    };
    let later = eventually(|| "the next limit".to_owned(), again).await;
    for report in [&done, &later] {
        for kind in ["Passed", "Complete", "Ready", "Reconciling", "Stalled"] {
            assert_eq!(condition(report, kind), condition(&before, kind), "{kind}");
            let time = "lastTransitionTime";
            assert_eq!(of(report, kind, time), of(&before, kind, time), "{kind} has not moved");
        }
    }

    gh.clear_faults();
    gh.update(|s| {
        s.job(780).complete("success");
        s.run(78).settle();
    });
    gh.advance(secs(60));
    reports::until(plane, &namespace, "open", "Passed", "True/AllRequiredSucceeded").await;
    let after = reports::until(plane, &namespace, "done", "SourceAvailable", "True/Read").await;
    assert_eq!(after["status"]["transitions"], before["status"]["transitions"], "no flapping");
    assert_eq!(condition(&after, "Passed"), "True/AllRequiredSucceeded");
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_told_with_what_it_lacks_and_tried_at_once_when_its_secret_changes() {
    let plane = cluster().await;
    let namespace = plane.namespace("badtoken").await.unwrap();
    let gh = github();
    gh.update(|s| {
        let mut few = all_permissions();
        few.remove("checks");
        s.add_token("ghp_few").permissions = Some(few);
        s.add_token("ghp_good");
    });
    let secret = |token: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own", "namespace": namespace},
            "stringData": {"token": token}})
        .to_string()
    };
    plane.admin().with_file(&secret("ghp_wrong"), &["create"]).await.unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &["--refresh-interval", "1h"]).await;
    let spec = reports::of_pull_with(REPO, 20, json!({"credentialsRef": {"name": "own"}}));
    reports::create(plane, &namespace, "r", spec).await;
    let wrong = reports::until(plane, &namespace, "r", "SourceAvailable", "False/Unauthorized").await;
    assert_eq!(condition(&wrong, "Passed"), "Unknown/Unauthorized");
    assert_eq!(condition(&wrong, "Stalled"), "False/Unauthorized");
    assert!(!wrong["status"].to_string().contains("ghp_"));

    plane.admin().with_file(&secret("ghp_few"), &["replace"]).await.unwrap();
    let few = reports::until(plane, &namespace, "r", "SourceAvailable", "False/Forbidden").await;
    assert_eq!(condition(&few, "Passed"), "Unknown/Forbidden");
    let says = of(&few, "SourceAvailable", "message");
    assert!(says.contains("it needs the permission checks=read"), "{says}");

    // A limit of an hour: what the next token does not wait for.
    gh.fail(Match::any(), Fault::SecondaryLimit(403, Some(3600)));
    reports::until(plane, &namespace, "r", "SourceAvailable", "False/RateLimited").await;
    gh.clear_faults();
    plane.admin().with_file(&secret("ghp_good"), &["replace"]).await.unwrap();
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
