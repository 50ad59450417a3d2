//! One request for a re-run: what it looks at first, and what becomes of it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use testkit::github::{Fault, GitHub as Fake, Match, PullSpec, RunSpec, Scenario, sha_of};
use testrun_operator::api::{Reason, TestRunReport};
use testrun_operator::connections::{Connection, Held, Own};
use testrun_operator::controller::{Access, Deed, GitHubObserver, Observer};
use testrun_operator::github::Stats;

use super::*;

const REPO: &str = "acme/shop";

/// A red run that has ended.
fn red() -> Fake {
    let gh = Fake::start(Scenario::new().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
        s.job(501).complete("failure");
        s.run(77).settle();
    }));
    gh.pause();
    gh
}

async fn ask_until(gh: &Fake, until: Timestamp) -> Result<(), Trouble> {
    let settings = Settings { timeout: std::time::Duration::from_secs(2), ..Settings::default() };
    let observer = GitHubObserver::new(settings, Stats::default());
    let base = ApiBase::parse(gh.url()).unwrap();
    let held = Held::Token(SecretString::from(fake::TOKEN));
    let connection = Arc::new(Connection::open("github.com", base, Own::None));
    let access = Access { connection, held, owner: String::new() };
    let report = TestRunReport::new("r", spec(REPO, |s| s.pull_request = Some(20)));
    let deed = Deed::Rerun { repository: REPO.into(), run: 77, attempt: 1, until };
    observer.act(&report, access, &deed).await
}

async fn ask(gh: &Fake) -> Result<(), Trouble> {
    ask_until(gh, Timestamp::now() + SignedDuration::from_secs(60)).await
}

fn posts(gh: &Fake) -> usize {
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    gh.writes().len()
}

#[tokio::test]
async fn an_attempt_that_has_begun_or_ended_is_not_asked_for() {
    let gh = red();
    ask(&gh).await.unwrap();
    ask(&gh).await.unwrap();
    assert_eq!((posts(&gh), gh.read(|s| s.repos[0].runs[0].attempts.len())), (1, 2), "it runs");
    gh.update(|s| {
        s.run(77).job("unit").complete("failure");
        s.run(77).settle();
    });
    ask(&gh).await.unwrap();
    assert_eq!(posts(&gh), 1, "attempt 2 failed too, and is another question");
}

#[tokio::test]
async fn whoever_comes_late_does_not_ask() {
    let gh = red();
    let late = ask_until(&gh, Timestamp::now() - SignedDuration::from_secs(1)).await.unwrap_err();
    assert_eq!((late.reason, posts(&gh)), (Reason::GitHubUnavailable, 0), "the record stays open");
}

#[tokio::test]
async fn two_who_ask_at_once_are_served_by_one_attempt() {
    let gh = red();
    let (one, two, three) = tokio::join!(ask(&gh), ask(&gh), ask(&gh));
    assert_eq!((one, two, three), (Ok(()), Ok(()), Ok(())));
    assert_eq!(gh.read(|s| s.repos[0].runs[0].attempts.len()), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_by_the_attempt() {
    for fault in [Fault::Truncate, Fault::Hang] {
        let gh = red();
        gh.fail(Match::path("/rerun-failed-jobs"), fault);
        ask(&gh).await.unwrap();
        assert_eq!(posts(&gh), 1);
    }
    // Nothing arrived, and nothing can be looked at either.
    let gh = red();
    gh.fail(Match::path("/rerun-failed-jobs"), Fault::Status(502));
    let lost = ask(&gh).await.unwrap_err();
    assert_eq!((lost.reason, posts(&gh)), (Reason::GitHubUnavailable, 1), "a request is never repeated");
}

#[tokio::test]
async fn a_refusal_is_told_from_a_limit() {
    let gh = red();
    gh.fail(Match::path("/rerun-failed-jobs"), Fault::SecondaryLimit(403, Some(60)));
    let limited = ask(&gh).await.unwrap_err();
    assert!(limited.reason == Reason::RateLimited && limited.retry_at.is_some());
    let gh = red();
    gh.update(|s| s.refuse_reruns = true);
    let old = ask(&gh).await.unwrap_err();
    assert_eq!(old.reason, Reason::Forbidden);
    assert!(old.message.contains("older than 30 days"), "{}", old.message);
    let gh = red();
    gh.update(|s| {
        let mut all = fake::all_permissions();
        all.insert("actions".into(), "read".into());
        s.add_token(fake::TOKEN).permissions = Some(all);
    });
    let reader = ask(&gh).await.unwrap_err();
    assert_eq!(reader.reason, Reason::Forbidden);
    assert!(reader.message.contains("it needs the permission actions=write"), "{}", reader.message);
}
