//! A report for each of the newest commits of a branch.

use serde_json::json;
use testkit::github::{GitHub, Scenario, secs, sha_of};

use super::{Bench, REPO, SLOW, github};
use crate::story::condition;

/// A branch with these commits, each pushed a minute after the one before.
fn released(commits: &[&str]) -> GitHub {
    pushed(github(), commits)
}

fn pushed(gh: GitHub, commits: &[&str]) -> GitHub {
    for commit in commits {
        gh.advance(secs(60));
        gh.update(|s| {
            s.repo(REPO).branch("release", &sha_of(commit));
        });
    }
    gh
}

fn of(commits: &[&str]) -> Vec<String> {
    let mut names: Vec<String> =
        commits.iter().map(|commit| format!("shop-{}", &sha_of(commit)[..8])).collect();
    names.sort();
    names
}

async fn are(bench: &Bench, commits: &[&str]) {
    let names = of(commits);
    bench.reports(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_commits_of_a_branch_have_reports_and_a_push_brings_one_for_the_oldest() {
    let bench = Bench::start(released(&["one", "two", "three"]), "commits", &SLOW).await;
    bench.set("shop", json!({"generators": {"commits": {"branch": "release", "last": 2}}})).await;
    are(&bench, &["two", "three"]).await;
    bench.told("shop", "2 commits selected, 2 reports").await;
    let name = &of(&["three"])[0];
    let report = bench.until(name, |r| condition(r, "SourceAvailable") == "True/Read").await;
    assert_eq!(report["status"]["source"]["sha"], sha_of("three"));

    // Told by the push alone: nothing is asked for within an hour.
    let push = |branch: &'static str, commit: &'static str| {
        bench.gh.update(|s| {
            s.repo(REPO).push_to(branch, &sha_of(commit));
        });
    };
    push("release", "four");
    are(&bench, &["three", "four"]).await;
    let told: Vec<String> = bench.gh.deliveries().into_iter().map(|d| d.event).collect();
    assert_eq!(told, ["ping", "push"]);

    // A push to another branch is not its business.
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.gh.forget_requests();
    push("main", "elsewhere");
    push("release", "five");
    are(&bench, &["four", "five"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    let lists = bench.gh.requests().iter().filter(|r| r.path.ends_with("/commits")).count();
    assert_eq!(lists, 1, "{:#?}", bench.gh.requests());
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_older_than_the_set_says_have_none() {
    let bench = Bench::start(released(&["one", "two", "three"]), "since", &SLOW).await;
    let commits = |age: u64| json!({"generators": {"commits": {"branch": "release", "maxAgeSeconds": age}}});
    // Three is new, two is a minute old, and one two minutes.
    bench.set("shop", commits(90)).await;
    are(&bench, &["two", "three"]).await;
    bench.gh.advance(secs(60));
    bench.gh.update(|s| {
        s.repo(REPO).push_to("release", &sha_of("four"));
    });
    are(&bench, &["three", "four"]).await;
    bench.set("shop", commits(3_600)).await;
    bench.until(&of(&["one"])[0], |_| true).await;
    // All of them are too old: there is none, which is no outage.
    bench.gh.advance(secs(7_200));
    bench.gh.update(|s| {
        s.repo(REPO).archive(false);
    });
    are(&bench, &[]).await;
    bench.told("shop", "0 commits selected, 0 reports").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_grows_too_old_is_noticed_at_its_time() {
    // Asked for once an hour, and nobody tells of a time that has come. GitHub's clock, which counts, is behind ours.
    let start = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(150);
    let gh = GitHub::start(Scenario::new().start_at(&start.to_string()).setup(|s| {
        s.add_repo(REPO);
    }));
    gh.pause();
    let bench = Bench::start(pushed(gh, &["one", "two"]), "aging", &SLOW).await;
    bench.set("shop", json!({"generators": {"commits": {"branch": "release", "maxAgeSeconds": 85}}})).await;
    are(&bench, &["one", "two"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.gh.advance(secs(60));
    are(&bench, &["two"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_deleted_takes_nothing_with_it_and_is_named() {
    let args = ["--poll-interval", "1s", "--refresh-interval", "2s"];
    let bench = Bench::start(released(&["one", "two"]), "gone", &args).await;
    bench.set("shop", json!({"generators": {"commits": {"branch": "release", "last": 2}}})).await;
    bench
        .apply(&json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "branch", "namespace": bench.namespace},
            "spec": {"source": {"github": {"repository": REPO, "branch": "release"}}}}))
        .await;
    let mut names = of(&["one", "two"]);
    names.insert(0, "branch".into());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.reports(&names).await;
    bench.until("branch", |r| condition(r, "SourceAvailable") == "True/Read").await;
    bench.gh.update(|s| {
        s.repo(REPO).delete_branch("release");
    });
    let message = bench.says("shop", "SourceAvailable", "False/NotFound").await;
    assert!(message.contains("can be read and has no branch release"), "{message}");
    bench.says("shop", "Ready", "Unknown/NotFound").await;
    let report = bench.until("branch", |r| condition(r, "SourceAvailable") == "False/NotFound").await;
    assert!(!condition(&report, "Passed").starts_with("True"), "{report:#}");
    bench.reports(&names).await;
    bench.gh.update(|s| {
        s.repo(REPO).branch("release", &sha_of("two"));
    });
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.until("branch", |r| condition(r, "SourceAvailable") == "True/Read").await;
    bench.reports(&names).await;
    bench.end().await;
}
