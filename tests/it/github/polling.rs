//! What happens on GitHub without any webhook is found by looking.

use serde_json::{Value, json};
use testkit::github::{GitHub as Fake, PullSpec, RunSpec, Scenario, secs, sha_of};

use crate::cluster::cluster;
use crate::reports;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";

#[tokio::test(flavor = "multi_thread")]
async fn a_retargeted_pull_request_is_found_by_looking() {
    for source in [json!({"pullRequest": 20}), json!({"sha": sha_of("one")})] {
        retargeted(source).await;
    }
}

async fn retargeted(mut source: Value) {
    let plane = cluster().await;
    let namespace = plane.namespace("polling").await.unwrap();
    let gh = Fake::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO)
            .private()
            .branch("easy", &sha_of("easy"))
            .rule("main", &[("legal", None)])
            .pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x").base("easy"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
        s.job(501).complete("success");
        s.run(77).settle();
    }));
    gh.pause();
    gh.advance(secs(600));
    let operator = Operator::start(plane, &namespace, gh.url(), &["--refresh-interval", "2s"]).await;
    source["repository"] = json!(REPO);
    let spec = json!({"source": {"github": source}, "gate": {"settleSeconds": 0}});
    reports::create(plane, &namespace, "pr", spec).await;
    let until = async |want: &str| reports::until(plane, &namespace, "pr", "Passed", want).await;
    until("True/AllRequiredSucceeded").await;
    gh.update(|s| {
        s.repo(REPO).retarget(20, "main");
    });
    let report = until("Unknown/Expecting").await;
    assert_eq!(report["status"]["source"]["baseBranch"], "main");
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
