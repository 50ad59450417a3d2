//! GitHub is away, and what becomes of a repository.

use serde_json::json;
use testkit::github::{Fault, Match};

use super::{Bench, REPO, SLOW, github, spec};

#[tokio::test(flavor = "multi_thread")]
async fn while_github_cannot_be_read_every_report_stays() {
    let bench = Bench::start(github(), "away", &SLOW).await;
    bench.set("shop", json!({})).await;
    bench.reports(&["shop-pr-20"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.gh.fail(Match::any(), Fault::Status(500));
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21)).close_pull(20, true);
    });
    bench.says("shop", "SourceAvailable", "False/GitHubUnavailable").await;
    bench.says("shop", "Reconciling", "True/GitHubUnavailable").await;
    assert_eq!(bench.names().await, ["shop-pr-20"]);
    bench.gh.clear_faults();
    bench.reports(&["shop-pr-21"]).await;
    bench.says("shop", "SourceAvailable", "True/Read").await;

    // A list that lacks a pull request is not believed: it is asked for itself.
    bench.gh.fail(Match::path("/pulls$"), Fault::Garbage("[]".into()));
    bench.gh.update(|s| {
        s.repo(REPO).label_pull(21, &["x"]);
    });
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(22));
    });
    let asked = |r: &[testkit::github::Request]| r.iter().any(|r| r.path.ends_with("/pulls/21"));
    assert!(bench.gh.until(std::time::Duration::from_secs(60), asked).await);
    bench.gh.clear_faults();
    bench.gh.update(|s| {
        s.repo(REPO).label_pull(22, &["x"]);
    });
    bench.reports(&["shop-pr-21", "shop-pr-22"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_followed_and_one_that_is_gone_takes_nothing_with_it() {
    let mut args = SLOW.to_vec();
    args[3] = "2s";
    let bench = Bench::start(github(), "renamed", &args).await;
    bench.set("shop", json!({"template": {"spec": {"suspend": true}}})).await;
    bench.reports(&["shop-pr-20"]).await;
    bench.gh.update(|s| {
        s.repo(REPO).rename("acme/store");
    });
    bench.gh.update(|s| {
        s.repo("acme/store").pull_request(spec(21));
    });
    bench.reports(&["shop-pr-20", "shop-pr-21"]).await;
    let set = bench.get("trrs", "shop").await.unwrap();
    assert_eq!(set["status"]["repository"], "acme/store");
    // It was deleted, or hidden from the operator: nobody knows, so nothing is removed.
    bench.gh.fail(Match::any(), Fault::Status(404));
    bench.says("shop", "SourceAvailable", "False/NotFound").await;
    assert_eq!(bench.names().await, ["shop-pr-20", "shop-pr-21"]);
    bench.end().await;
}
