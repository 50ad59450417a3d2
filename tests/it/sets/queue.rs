//! A report for each commit of a merge queue, as long as it is queued.

use serde_json::json;
use testkit::github::{RunSpec, secs, sha_of};

use super::{Bench, REPO, SLOW, github, spec};
use crate::story::condition;

fn of(number: u64, sha: &str) -> String {
    format!("shop-queue-{number}-{}", &sha_of(sha)[..8])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_has_a_report_until_it_leaves_the_queue() {
    let gh = github();
    gh.update(|s| {
        let repo = s.repo(REPO).branch("release", &sha_of("release"));
        let repo = repo.pull_request(spec(21).base("release")).pull_request(spec(22));
        // Required where the queue merges to, and nowhere else.
        repo.rule("release", &[("e2e", None)])
            // Somebody's branch, and no queue's.
            .branch("gh-readonly-queue/release/mine", &sha_of("mine"))
            .branch("gh-readonly-queue/release/1/pr-9-abc", &sha_of("other queue"));
    });
    let bench = Bench::start(gh, "queue", &SLOW).await;
    let generators = json!({"mergeQueue": {"branch": "release"}});
    bench.set("shop", json!({"generators": generators})).await;
    bench.told("shop", "0 commits selected, 0 reports").await;
    bench.gh.update(|s| {
        s.repo(REPO).merge_group(22, &sha_of("of main"));
        s.repo(REPO).merge_group(21, &sha_of("group"));
    });
    let name = of(21, "group");
    let report = bench.until(&name, |_| true).await;
    assert_eq!(report["spec"]["source"]["github"]["sha"], sha_of("group"));
    assert_eq!(report["metadata"]["labels"]["testrun.dev/pull-request"], "21");
    assert_eq!(
        bench.names().await,
        std::slice::from_ref(&name),
        "the queue of another branch is another one"
    );

    // What the queue merges into says what must be there, though the commit is on no branch of that name.
    let branch = bench.gh.update(|s| {
        let mut branches = s.repos[0].branches.keys();
        branches.find(|b| b.starts_with("gh-readonly-queue/release/pr-21-")).cloned().unwrap()
    });
    let run = |id: u64, job: &'static str| {
        let run = RunSpec::new(id).workflow("CI", ".github/workflows/ci.yml").event("merge_group");
        run.branch(&branch).sha(sha_of("group")).job((id + 500, job))
    };
    let pass = |id: u64| {
        bench.gh.update(|s| {
            s.job(id + 500).start();
            s.job(id + 500).complete("success");
            s.run(id).settle();
        });
        bench.gh.advance(secs(30));
    };
    bench.gh.update(|s| {
        s.repo(REPO).add_run(run(71, "unit"));
    });
    pass(71);
    let waits = bench.until(&name, |r| condition(r, "Passed") == "Unknown/Expecting").await;
    let message = waits["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Passed");
    assert!(message.unwrap()["message"].as_str().unwrap().contains("e2e"), "{message:?}");
    let again = RunSpec::new(72).workflow("E2E", ".github/workflows/e2e.yml").event("merge_group");
    bench.gh.update(|s| {
        s.repo(REPO).add_run(again.branch(&branch).sha(sha_of("group")).job((572, "e2e")));
    });
    pass(72);
    bench.until(&name, |r| condition(r, "Passed") == "True/AllRequiredSucceeded").await;

    // Built anew after something before it failed: another commit, another report.
    bench.gh.update(|s| {
        s.repo(REPO).merge_group(21, &sha_of("again"));
    });
    bench.reports(&[&of(21, "again")]).await;
    bench.gh.update(|s| {
        s.repo(REPO).ungroup(21);
    });
    bench.reports(&[]).await;
    bench.told("shop", "0 commits selected, 0 reports").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_queue_stays_as_long_as_the_set_says_and_lists_alone_tell() {
    let args = ["--poll-interval", "1s", "--refresh-interval", "2s"];
    let bench = Bench::start(github(), "queuelist", &args).await;
    let retention = json!({"ttlAfterClosed": 3600});
    bench
        .set("shop", json!({"generators": {"mergeQueue": {"branch": "main"}}, "retention": retention}))
        .await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.gh.update(|s| {
        s.repo(REPO).merge_group(20, &sha_of("group"));
    });
    let name = of(20, "group");
    bench.reports(&[&name]).await;
    bench.gh.update(|s| {
        s.repo(REPO).ungroup(20);
    });
    bench.gh.forget_requests();
    let asked = |path: &str| path.contains("/git/matching-refs/heads/gh-readonly-queue/main/pr-20-");
    assert!(bench.gh.until(secs(60), |all| all.iter().any(|r| asked(&r.path))).await);
    bench.says("shop", "Ready", "True/UpToDate").await;
    assert_eq!(bench.names().await, [name]);
    // At rest a list that says nothing new costs nothing.
    bench.gh.forget_requests();
    let lists = |all: &[testkit::github::Request]| {
        all.iter().filter(|r| r.path.ends_with("/git/matching-refs/heads/gh-readonly-queue/main/pr-")).count()
    };
    assert!(bench.gh.until(secs(60), |all| lists(all) >= 3).await);
    let requests = bench.gh.requests();
    assert!(
        requests.iter().filter(|r| r.path.contains("matching-refs")).all(|r| !r.counted),
        "{requests:#?}"
    );
    assert!(!requests.iter().any(|r| asked(&r.path)), "it is known to have left");
    bench.set("shop", json!({"generators": {"mergeQueue": {"branch": "main"}}})).await;
    bench.reports(&[]).await;
    bench.end().await;
}
