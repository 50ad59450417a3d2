//! Commits counted by GraphQL instead of lists, whose answers come from a GraphQL engine over GitHub's own schema.

use serde_json::json;
use testkit::github::{Fault, GitHub as Fake, Match, PullSpec, RunSpec, Scenario, all_permissions};
use testkit::github::{secs, sha_of};
use testrun_operator::api::Reason;
use testrun_operator::collect::{Survey, Swept, survey};
use testrun_operator::github::{Ask, Priority, Rollup};

use super::*;
use crate::cluster::{cluster, eventually};
use crate::reports;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";
const QUERY: &str = "/graphql";

/// Pull requests with a run of two jobs each, the first of which runs.
fn github(scenario: Scenario, pulls: u64) -> Fake {
    let gh = Fake::start(scenario.start_now().setup(move |s| {
        s.add_repo(REPO).private();
        for n in 0..pulls {
            let (number, run) = (100 + n, 1000 + n);
            s.repo(REPO).pull_request(PullSpec::new(number, head(n)));
            let spec = RunSpec::new(run).workflow("CI", ".github/workflows/ci.yml").pull_request(number);
            s.repo(REPO).add_run(spec.job((run * 10, "unit")).job((run * 10 + 1, "e2e")));
            s.run(run).start();
            s.job(run * 10).start();
        }
    }));
    gh.pause();
    gh.advance(secs(600));
    gh
}

fn head(n: u64) -> String {
    sha_of(&format!("head {n}"))
}

fn wanted(commits: impl IntoIterator<Item = String>) -> Survey {
    Survey { repository: REPO.into(), commits: commits.into_iter().collect(), ..Survey::default() }
}

async fn swept(client: &GitHub, wanted: &Survey) -> Swept {
    survey(client, wanted, Ask::now(Priority::Running)).await.unwrap().sweep
}

fn sums(rollup: Rollup) -> (u32, u32, u32) {
    (rollup.total, rollup.unfinished, rollup.red)
}

#[tokio::test]
async fn fifty_commits_are_counted_in_one_query_here_and_on_an_enterprise_server() {
    for scenario in [Scenario::new(), Scenario::new().ghes()] {
        let gh = github(scenario, 60);
        gh.update(|s| {
            s.job(10_000).complete("failure");
            s.repo(REPO).status(&head(1), "ci/other", "success");
        });
        let client = client(&gh);
        let nowhere = sha_of("nowhere");
        let commits = (0..60).map(head).chain([nowhere.clone()]);
        let counted = match swept(&client, &wanted(commits)).await {
            Swept::Counted(counted) => counted,
            other => panic!("{other:?}; {:?}", gh.violations()),
        };
        assert_eq!(counted.len(), 60, "all but the one that does not exist");
        assert_eq!(sums(counted[&head(0)]), (2, 1, 1));
        assert_eq!(sums(counted[&head(1)]), (3, 2, 0));
        let asked = gh.requests();
        assert_eq!(asked.iter().filter(|r| r.path == QUERY).count(), 2, "61 commits");
        assert_eq!(asked.len(), 2, "and no list");
        assert!(gh.counted_requests().is_empty(), "the limit of requests is not touched");
        assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    }
}

#[tokio::test]
async fn what_github_refuses_is_read_from_lists() {
    let gh = github(Scenario::new(), 1);
    gh.update(|s| {
        let mut few = all_permissions();
        few.remove("checks");
        s.add_token("ghp_few").permissions = Some(few);
    });
    let with = |token: &str| {
        client_with(&gh, Credential::Token(SecretString::from(token.to_owned())), Settings::default())
    };
    let lists = |gh: &Fake| gh.requests().iter().filter(|r| r.path.ends_with("/actions/runs")).count();
    let refused = |swept| match swept {
        Swept::Refused(trouble) => trouble,
        other => panic!("{other:?}"),
    };

    let trouble = refused(swept(&with("ghp_few"), &wanted([head(0)])).await);
    assert_eq!(trouble.reason, Reason::Forbidden, "{}", trouble.message);
    assert!(trouble.message.contains("checks: read"), "{}", trouble.message);
    assert_eq!(lists(&gh), 1, "the list is read in its place");

    // A limit has the status of a success; nothing is asked before its end.
    let body = json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit already exceeded"}]});
    gh.fail(Match::path(QUERY), Fault::Garbage(body.to_string()));
    let client = with(fake::TOKEN);
    for asked in [1, 1] {
        gh.forget_requests();
        let trouble = refused(swept(&client, &wanted([head(0)])).await);
        assert_eq!(trouble.reason, Reason::RateLimited, "{}", trouble.message);
        assert!(trouble.retry_at.is_some());
        assert_eq!(lists(&gh), asked, "lists have a limit of their own");
    }
    assert_eq!(gh.requests().iter().filter(|r| r.path == QUERY).count(), 0, "not before the limit ends");
    gh.clear_faults();

    for (fault, reason) in [
        (Fault::Status(502), Reason::GitHubUnavailable),
        (Fault::Garbage("<html>".into()), Reason::InvalidAnswer),
        (Fault::Truncate, Reason::GitHubUnavailable),
    ] {
        gh.fail(Match::path(QUERY), fault);
        let trouble = refused(swept(&with(fake::TOKEN), &wanted([head(0)])).await);
        assert_eq!(trouble.reason, reason, "{}", trouble.message);
        assert!(!trouble.message.contains("html"), "{}", trouble.message);
        gh.clear_faults();
    }
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

fn asked(gh: &Fake, part: &str) -> usize {
    gh.requests()
        .iter()
        .filter(|r| r.path.contains(part) && r.query.iter().all(|(k, _)| k != "head_sha"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_notices_the_end_of_a_run_and_the_check_of_another_app() {
    let plane = cluster().await;
    let namespace = plane.namespace("sweep").await.unwrap();
    let gh = github(Scenario::new(), 1);
    let args = ["--graphql-sweep", "--refresh-interval", "1h"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 100)).await;
    reports::until(plane, &namespace, "pr", "Passed", "Unknown/Running").await;

    // At rest commits are counted and no list is read.
    let quiet = async || {
        let before = (asked(&gh, QUERY), asked(&gh, "/actions/runs"));
        gh.forget_requests();
        let counted = async || (asked(&gh, QUERY) >= 2).then_some(());
        eventually(|| format!("more rounds than {before:?}"), counted).await;
        (asked(&gh, "/actions/runs") == 0).then_some(())
    };
    eventually(|| "rounds without a list", quiet).await;

    // A status of another app, of which no list of runs tells.
    gh.update(|s| {
        s.repo(REPO).status(&head(0), "ci/other", "failure");
    });
    reports::until(plane, &namespace, "pr", "Passed", "False/RequiredFailed").await;
    gh.update(|s| {
        s.repo(REPO).status(&head(0), "ci/other", "success");
        s.job(10_000).complete("success");
        s.job(10_001).start();
        s.job(10_001).complete("success");
        s.run(1000).settle();
    });
    gh.advance(secs(60));
    reports::until(plane, &namespace, "pr", "Passed", "True/AllRequiredSucceeded").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_graphql_a_sweep_is_as_good_as_none() {
    let plane = cluster().await;
    let namespace = plane.namespace("nosweep").await.unwrap();
    let gh = github(Scenario::new(), 1);
    gh.fail(Match::path(QUERY), Fault::Status(404));
    let args = ["--graphql-sweep", "--refresh-interval", "1h"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 100)).await;
    reports::until(plane, &namespace, "pr", "Passed", "Unknown/Running").await;
    gh.update(|s| {
        s.job(10_000).complete("success");
        s.job(10_001).start();
        s.job(10_001).complete("failure");
        s.run(1000).settle();
    });
    gh.advance(secs(60));
    reports::until(plane, &namespace, "pr", "Passed", "False/RequiredFailed").await;
    assert_eq!(asked(&gh, QUERY), 1, "not asked again at once");
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
