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
    // Its status is written after its reports.
    let renamed = async || {
        let set = bench.get("trrs", "shop").await.unwrap();
        (set["status"]["repository"] == "acme/store").then_some(())
    };
    crate::cluster::eventually(|| "the new name", renamed).await;
    // It was deleted, or hidden from the operator: nobody knows, so nothing is removed.
    bench.gh.fail(Match::any(), Fault::Status(404));
    bench.says("shop", "SourceAvailable", "False/NotFound").await;
    assert_eq!(bench.names().await, ["shop-pr-20", "shop-pr-21"]);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_repository_keeps_its_reports_and_the_set_says_why_nothing_moves() {
    let bench = Bench::start(github(), "archived", &SLOW).await;
    let suspended = json!({"spec": {"suspend": true}});
    bench.set("shop", json!({"template": suspended})).await;
    // Of this one no pull request tells what the repository is.
    bench
        .set("none", json!({"generators": {"pullRequests": {"labels": ["x"]}}, "template": suspended}))
        .await;
    let commits = json!({"commits": {"branch": "main", "last": 1}});
    bench.set("main", json!({"generators": commits, "template": suspended})).await;
    let all = ["none", "main", "shop"];
    for name in all {
        bench.says(name, "Ready", "True/UpToDate").await;
    }
    let names = bench.names().await;
    let archive = |archived: bool| {
        bench.gh.update(|s| {
            s.repo(REPO).archive(archived);
        });
    };
    archive(true);
    for name in all {
        let message = bench.says(name, "Ready", "True/Archived").await;
        assert!(message.ends_with("; the repository is archived: nothing in it changes until that ends"));
        bench.says(name, "SourceAvailable", "True/Archived").await;
    }
    assert_eq!(bench.names().await, names);
    archive(false);
    for name in all {
        bench.says(name, "Ready", "True/UpToDate").await;
        bench.says(name, "SourceAvailable", "True/Read").await;
    }
    // The last pull request is closed: no list tells of the repository any more.
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(20, true);
    });
    bench.says("shop", "Ready", "True/UpToDate").await;
    crate::cluster::eventually(
        || "the report of what is closed to go".to_owned(),
        async || bench.report("shop-pr-20").await.is_none().then_some(()),
    )
    .await;
    archive(true);
    bench.says("shop", "Ready", "True/Archived").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_hidden_for_a_while_loses_no_report() {
    let mut args = SLOW.to_vec();
    args[3] = "2s";
    let gh = github();
    gh.update(|s| {
        s.repo(REPO).pull_request(spec(21));
    });
    let bench = Bench::start(gh, "hidden", &args).await;
    bench.set("shop", json!({"template": {"spec": {"suspend": true}}})).await;
    let commits = json!({"commits": {"branch": "main", "last": 1}});
    bench.set("main", json!({"generators": commits, "template": {"spec": {"suspend": true}}})).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.says("main", "Ready", "True/UpToDate").await;
    let names = bench.names().await;
    assert_eq!(names.len(), 3);

    // It is made private between the list and the question for the one that the list lacks.
    bench.gh.fail(Match::path("/pulls/20$"), Fault::Status(404));
    bench.gh.fail(Match::path("/acme/shop$"), Fault::Status(404));
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(20, true);
    });
    bench.says("shop", "SourceAvailable", "False/NotFound").await;
    let message = bench.says("main", "SourceAvailable", "False/NotFound").await;
    assert!(message.starts_with("repository acme/shop does not exist, or the credential"), "{message}");
    assert_eq!(bench.names().await, names);

    // Nothing of it can be read; then all of it.
    bench.gh.fail(Match::any(), Fault::Status(404));
    bench.gh.forget_requests();
    assert!(bench.gh.until(std::time::Duration::from_secs(60), |r| r.len() > 4).await);
    bench.says("shop", "Ready", "Unknown/NotFound").await;
    assert_eq!(bench.names().await, names);
    bench.gh.clear_faults();
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.says("main", "Ready", "True/UpToDate").await;
    assert!(bench.report("shop-pr-20").await.is_none(), "it was closed meanwhile");
    assert_eq!(bench.names().await.len(), 2);
    bench.end().await;
}
