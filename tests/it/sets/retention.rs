//! Reports that stay for a while though their commit is not the newest any more.

use serde_json::{Value, json};
use testkit::github::{RunSpec, sha_of};

use super::{Bench, REPO, SLOW, github};
use crate::story::condition;

fn of(commits: &[&str]) -> Vec<String> {
    let mut names: Vec<String> =
        commits.iter().map(|commit| format!("shop-pr-20-{}", &sha_of(commit)[..8])).collect();
    names.sort();
    names
}

async fn are(bench: &Bench, commits: &[&str]) {
    let names = of(commits);
    bench.reports(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

fn push(bench: &Bench, commit: &str) {
    bench.gh.update(|s| {
        s.repo(REPO).push(20, &sha_of(commit), false);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_commits_of_a_pull_request_stay_and_what_failed_for_longer() {
    let bench = Bench::start(github(), "retention", &SLOW).await;
    let of_set = |retention: Value| {
        json!({"template": {"follow": "Commit", "spec": {"gate": {"settleSeconds": 0}}},
            "retention": retention})
    };
    bench.set("shop", of_set(json!({"perPullRequest": 2, "failedTtlAfterClosed": 3600}))).await;
    let head = "head of 20";
    are(&bench, &[head]).await;
    // What is there is told apart by when it was made, to the second.
    let a_second_after = async |commit: &str| {
        let name = &of(&[commit])[0];
        let made = bench.report(name).await.unwrap()["metadata"]["creationTimestamp"].clone();
        let made: jiff::Timestamp = made.as_str().unwrap().parse().unwrap();
        crate::cluster::eventually(
            || "the next second".to_owned(),
            async || (jiff::Timestamp::now().as_second() > made.as_second()).then_some(()),
        )
        .await;
    };
    // The first one fails.
    bench.gh.update(|s| {
        s.repo(REPO).add_run(RunSpec::new(71).pull_request(20).job((571, "unit")));
        s.job(571).start();
        s.job(571).complete("failure");
        s.run(71).settle();
    });
    bench.until(&of(&[head])[0], |r| condition(r, "Passed").starts_with("False")).await;
    for commit in ["two", "three", "four"] {
        let before = match commit {
            "two" => head,
            "three" => "two",
            _ => "three",
        };
        a_second_after(before).await;
        push(&bench, commit);
        bench.until(&of(&[commit])[0], |_| true).await;
    }
    are(&bench, &[head, "three", "four"]).await;
    bench.told("shop", "1 pull request selected, 3 reports").await;
    // Without the longer stay of what failed it goes, and there is room for fewer.
    bench.set("shop", of_set(json!({"perPullRequest": 2}))).await;
    are(&bench, &["three", "four"]).await;
    bench.set("shop", of_set(json!({"perPullRequest": 2, "maxReports": 1}))).await;
    are(&bench, &["four"]).await;
    // Closed, all of them go.
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(20, true);
    });
    bench.reports(&[]).await;
    bench.end().await;
}
