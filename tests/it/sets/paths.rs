//! Pull requests that change certain files.

use serde_json::json;
use testkit::github::{Fault, Match, Request, sha_of};

use super::{Bench, REPO, SLOW, github, spec};

fn files_of(requests: &[Request], number: u64) -> usize {
    requests.iter().filter(|r| r.path.ends_with(&format!("/pulls/{number}/files"))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changes_these_files_has_a_report_and_each_head_is_asked_for_once() {
    let gh = github();
    let many = |more: usize| (0..more).map(|n| format!("vendor/{n}.c"));
    gh.update(|s| {
        let repo = s.repo(REPO);
        let repo = repo.pull_request(spec(21).files(["docs/a.md", "Charts/App/values.yaml"]));
        // One that fits on the second page, one of which nobody can tell, and one that fits and is a draft.
        let repo = repo.pull_request(spec(22).files(many(150).chain(["charts/x".into()])));
        let repo = repo.pull_request(spec(23).files(many(3_001)));
        repo.pull_request(spec(24).files(["charts/app/Chart.yaml"]).draft())
            .pull_request(spec(25).files(many(101)));
    });
    // GitHub does not tell the files of this one.
    gh.update(|s| {
        s.repo(REPO).pull_request(spec(26));
    });
    gh.fail(Match::path("/pulls/26/files"), Fault::Status(500));
    let bench = Bench::start(gh, "paths", &SLOW).await;
    // Suspended reports, so that only the set asks GitHub.
    let of = |maximum: u32| {
        json!({"generators": {"pullRequests": {"paths": ["charts/*"], "draft": false}},
            "template": {"spec": {"suspend": true}}, "retention": {"maxReports": maximum}})
    };
    bench.set("shop", of(100)).await;
    bench.reports(&["shop-pr-21", "shop-pr-22", "shop-pr-23", "shop-pr-26"]).await;
    bench.told("shop", "4 pull requests selected, 4 reports").await;
    let requests = bench.gh.requests();
    let pages: Vec<usize> = [20, 21, 22, 23, 24, 25].map(|n| files_of(&requests, n)).into();
    assert_eq!(
        pages,
        [1, 1, 2, 30, 0, 2],
        "up to the first that fits, and none of what is not selected anyway"
    );

    // It can be told of by now, and a push is another head; the rest is remembered.
    bench.gh.clear_faults();
    bench.gh.forget_requests();
    bench.gh.update(|s| {
        s.repo(REPO).pull(20).files = vec!["charts/app/Chart.yaml".into()];
        s.repo(REPO).pull(21).files = vec!["docs/a.md".into()];
    });
    bench.gh.update(|s| {
        s.repo(REPO).push(20, &sha_of("pushed"), false);
        s.repo(REPO).push(21, &sha_of("pushed too"), false);
    });
    bench.reports(&["shop-pr-20", "shop-pr-22", "shop-pr-23"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    let requests = bench.gh.requests();
    let pages: Vec<usize> = [20, 21, 22, 23, 25, 26].map(|n| files_of(&requests, n)).into();
    assert_eq!(pages, [1, 1, 0, 0, 0, 1]);

    // Older ones than there may be reports are not asked for.
    bench.gh.forget_requests();
    bench.set("shop", of(1)).await;
    bench.reports(&["shop-pr-23"]).await;
    bench.says("shop", "WithinBound", "False/OverBound").await;
    bench
        .set(
            "twin",
            json!({"generators": {"pullRequests": {"paths": ["vendor/*"]}},
        "template": {"spec": {"suspend": true}}, "retention": {"maxReports": 1}}),
        )
        .await;
    bench.until("twin-pr-25", |_| true).await;
    bench.says("twin", "Ready", "True/UpToDate").await;
    assert_eq!(files_of(&bench.gh.requests(), 20), 0);
    bench.end().await;
}
