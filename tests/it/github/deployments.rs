//! Answers to deployment protection rules: with one right, where something waits, and once.

use serde_json::json;
use testkit::github::{Fault, GitHub as Fake, Match, RunSpec, sha_of};
use testrun_operator::api::Reason;
use testrun_operator::controller::{Answer, Deed};

use super::app::{Bench, REPO, scenario};

/// A deployment of run 78 waits, and maybe a person is asked as well.
fn start(person: bool) -> Bench {
    Bench::start(scenario().setup(move |s| {
        let run = RunSpec::new(78).workflow("Deploy", ".github/workflows/deploy.yml").event("push");
        s.repo(REPO).add_run(run.sha(sha_of("head")).job((578, "deploy")));
        s.job(578).wait_for("production", person);
    }))
}

fn answer(change: impl FnOnce(&mut Answer)) -> Deed {
    let mut answer = Answer {
        repository: REPO.into(),
        sha: sha_of("head"),
        run: 78,
        attempt: 1,
        environment: "Production".into(),
        state: "approved".into(),
        comment: "approved by a test".into(),
        until: jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60),
    };
    change(&mut answer);
    Deed::Answer(Box::new(answer))
}

fn answers(gh: &Fake) -> usize {
    gh.writes().iter().filter(|r| r.path.ends_with("/deployment_protection_rule")).count()
}

#[tokio::test]
async fn it_is_given_with_one_right_where_something_waits() {
    let bench = start(true);
    type Change = fn(&mut Answer);
    let differ: [(&str, Change); 5] = [
        ("another environment", |a| a.environment = "staging".into()),
        ("another attempt", |a| a.attempt = 2),
        ("another commit", |a| a.sha = sha_of("other")),
        ("another repository", |a| a.repository = "acme/elsewhere".into()),
        ("a run that has ended", |a| a.run = 77),
    ];
    for (what, change) in differ {
        let done = bench.act(answer(change)).await;
        assert!(done.is_ok() || done.is_err_and(|t| t.reason == Reason::NotFound), "{what}");
        assert_eq!(answers(&bench.gh), 0, "{what}");
    }
    bench.act(answer(|_| ())).await.unwrap();
    assert_eq!(answers(&bench.gh), 1);
    let rights: Vec<_> = bench.exchanges().into_iter().map(|e| e["permissions"].clone()).collect();
    assert_eq!(rights, [json!({"actions": "read", "deployments": "write", "metadata": "read"})]);
    bench.clean();
}

#[tokio::test]
async fn one_that_was_lost_on_the_way_back_is_seen_to_have_arrived() {
    let bench = start(false);
    bench.gh.fail(Match::path("/deployment_protection_rule").method("POST"), Fault::Truncate);
    bench.act(answer(|_| ())).await.unwrap();
    bench.gh.clear_faults();
    bench.act(answer(|_| ())).await.unwrap();
    assert_eq!(answers(&bench.gh), 1, "nothing waits any more");
    bench.clean();
}

#[tokio::test]
async fn nothing_is_answered_after_its_time_or_without_the_right() {
    let bench = start(false);
    let late = bench.act(answer(|a| a.until = jiff::Timestamp::now())).await.unwrap_err();
    assert_eq!((late.reason, answers(&bench.gh)), (Reason::GitHubUnavailable, 0));
    let bench = start(false);
    bench.gh.update(|s| {
        for installation in &mut s.installations {
            installation.permissions.remove("deployments");
        }
    });
    let refused = bench.act(answer(|_| ())).await.unwrap_err();
    assert_eq!(refused.reason, Reason::Forbidden);
    assert!(refused.message.contains("deployments:write"), "{refused:?}");
    assert_eq!(answers(&bench.gh), 0);
}
