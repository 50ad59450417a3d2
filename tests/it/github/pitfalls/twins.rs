//! Runs of one branch for two pull requests, or for one that had two bases: a run tells of neither.

use testkit::github::{Fault, Match};

use super::*;

/// A red run of pull request 20, then a green one of the same workflow, commit and branch, with something between them.
async fn between(change: impl FnOnce(&mut State) + Send + 'static) -> Bench {
    let mut bench = Bench::ended(&[("unit", "failure")]);
    assert_eq!(bench.verdict().await, FAILED);
    bench.gh.advance(secs(60));
    bench.update(change);
    bench.gh.advance(secs(60));
    bench.update(|s| {
        begin(s, 78, "CI", &["unit"]);
        end(s, 78, &["success"]);
    });
    bench.gh.advance(secs(600));
    bench
}

#[tokio::test]
async fn a_second_pull_request_of_the_branch_takes_nothing_back() {
    for stays_open in [true, false] {
        let mut bench = between(move |s| {
            s.repo(REPO).branch("easy", &sha_of("easy"));
            s.repo(REPO).pull_request(PullSpec::new(21, sha_of("head")).branch("feature/x").base("easy"));
            if !stays_open {
                s.repo(REPO).close_pull(21, false);
            }
        })
        .await;
        assert_eq!(bench.verdict().await, FAILED, "{}", bench.message());
        // What can be told to be the same is the same run, once more.
        bench.update(|s| {
            s.run(77).rerun("octo-dev", |_| true);
            let again = s.repos[0].jobs.iter().map(|j| j.id).max().unwrap();
            s.job(again).start();
            s.job(again).complete("success");
            s.run(77).settle();
        });
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
        bench.clean();
    }
}

#[tokio::test]
async fn a_pull_request_that_had_another_base_takes_nothing_back() {
    let mut bench = between(|s| {
        s.repo(REPO).branch("easy", &sha_of("easy")).retarget(20, "easy").retarget(20, "main");
    })
    .await;
    assert_eq!(bench.verdict().await, FAILED, "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn what_happened_before_or_elsewhere_says_nothing() {
    let mut bench = Bench::start(empty().setup(|s| {
        s.repo(REPO).branch("easy", &sha_of("easy")).retarget(20, "easy").retarget(20, "main");
        s.repo(REPO).pull_request(PullSpec::new(19, sha_of("old")).branch("feature/x")).close_pull(19, false);
        s.repo(REPO).pull_request(PullSpec::new(21, sha_of("other")).branch("feature/y").base("easy"));
    }));
    bench.gh.advance(secs(60));
    for (run, conclusion) in [(77, "failure"), (78, "success")] {
        bench.update(|s| {
            begin(s, run, "CI", &["unit"]);
            end(s, run, &[conclusion]);
        });
        bench.gh.advance(secs(600));
    }
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn where_github_does_not_say_nothing_is_taken_back() {
    for path in ["/issues/20/events", "/pulls$"] {
        let mut bench = between(|_| ()).await;
        assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
        bench.gh.fail(Match::path(path), Fault::Status(403));
        assert_eq!(bench.verdict().await, FAILED, "{path}: {}", bench.message());
    }
}
