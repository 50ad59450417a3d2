//! What is said when GitHub cannot be read.

use super::*;
use testkit::github::{Fault, GitHub as Fake, Match, Scenario, secs, sha_of};
use testkit::github::{JobSpec, PullSpec, RunSpec};
use testrun_operator::api::Reason;

const REPO: &str = "acme/shop";

fn scenario() -> Scenario {
    Scenario::new().start_at("2026-01-23T16:00:00Z").setup(|s| {
        let head = sha_of("head");
        s.add_repo(REPO).pull_request(PullSpec::new(20, &head).branch("feature/x"));
        s.add_repo("acme/other");
        s.repo(REPO).add_run(
            RunSpec::new(77)
                .workflow("CI", ".github/workflows/ci.yml")
                .pull_request(20)
                .job(JobSpec::new("unit").id(501)),
        );
    })
}

fn pull() -> TestRunReportSpec {
    spec(REPO, |s| s.pull_request = Some(20))
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let gh = Fake::start(scenario());
    for (want, spec) in [
        ("pull request 21", spec(REPO, |s| s.pull_request = Some(21))),
        ("repository acme/none", spec("acme/none", |s| s.branch = Some("main".into()))),
        ("branch none", spec(REPO, |s| s.branch = Some("none".into()))),
        ("workflow run 9", spec(REPO, |s| s.run_id = Some(9))),
        ("workflow run 77", spec("acme/other", |s| s.run_id = Some(77))),
        ("commit 0000000000", spec(REPO, |s| s.sha = Some("0".repeat(40)))),
    ] {
        let trouble = trouble(look(&gh, &spec).await);
        assert_eq!(trouble.reason, Reason::NotFound, "{want}: {}", trouble.message);
        assert!(trouble.message.contains(want), "{want}: {}", trouble.message);
    }
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized() {
    let gh = Fake::start(scenario());
    let client = client_with(&gh, Credential::Token(SecretString::from("ghp_wrong")), Settings::default());
    let trouble = trouble(collect(&client, &pull(), &Memory::new(), Look::whole()).await);
    assert_eq!(trouble.reason, Reason::Unauthorized);
    assert!(!trouble.message.contains("ghp_"), "{}", trouble.message);
}

#[tokio::test]
async fn faults_of_one_request_each_have_their_reason() {
    let status = Fault::Status;
    for (fault, reason, retry) in [
        (status(500), Reason::GitHubUnavailable, false),
        (status(502), Reason::GitHubUnavailable, false),
        (status(403), Reason::Forbidden, false),
        (status(401), Reason::Unauthorized, false),
        (Fault::Truncate, Reason::GitHubUnavailable, false),
        (Fault::Garbage("<html>".into()), Reason::InvalidAnswer, false),
        (Fault::Reset, Reason::GitHubUnavailable, false),
        (Fault::PrimaryLimit, Reason::RateLimited, true),
        (Fault::SecondaryLimit(403, Some(60)), Reason::RateLimited, true),
        (Fault::Oversized(2 << 20), Reason::InvalidAnswer, false),
        (Fault::Hang, Reason::GitHubUnavailable, false),
    ] {
        let gh = Fake::start(scenario());
        let name = format!("{fault:?}");
        gh.fail(Match::path("/jobs"), fault);
        let settings =
            Settings { timeout: std::time::Duration::from_secs(2), max_body: 1 << 20, ..Settings::default() };
        let client = client_with(&gh, Credential::Token(SecretString::from(fake::TOKEN)), settings);
        let trouble = trouble(collect(&client, &pull(), &Memory::new(), Look::whole()).await);
        assert_eq!(trouble.reason, reason, "{name}: {}", trouble.message);
        assert_eq!(trouble.retry_at.is_some(), retry, "{name}");
    }
}

#[tokio::test]
async fn a_gateway_that_loses_one_answer_is_asked_again() {
    for fault in [Fault::Status(502), Fault::Reset, Fault::Truncate] {
        let gh = Fake::start(scenario());
        gh.fail(Match::path("/jobs").times(1), fault);
        facts(look(&gh, &pull()).await);
    }
}

#[tokio::test]
async fn a_list_that_is_shorter_than_its_total_is_not_believed() {
    let gh = Fake::start(scenario());
    gh.fail(Match::path("/actions/runs$"), Fault::WrongTotalCount(5));
    assert_eq!(trouble(look(&gh, &pull()).await).reason, Reason::InvalidAnswer);
    let gh = Fake::start(scenario());
    gh.fail(Match::path("/jobs"), Fault::WrongTotalCount(5));
    let facts = facts(look(&gh, &pull()).await);
    assert!(
        facts.runs[0].jobs_total > facts.runs[0].jobs.len() as i64,
        "the verdict sees that jobs are missing"
    );
}

#[tokio::test]
async fn links_lead_nowhere() {
    for fault in [Fault::LoopingLink, Fault::ForeignLink("http://evil.example/page".into())] {
        let gh = Fake::start(scenario());
        gh.fail(Match::path("/actions/runs"), fault);
        facts(look(&gh, &pull()).await);
        assert!(gh.requests().len() < 40);
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let gh = Fake::start(scenario());
    let elsewhere = Fake::start(scenario());
    gh.fail(
        Match::path("/pulls/20"),
        Fault::Redirect(format!("{}/repos/acme/shop/pulls/20", elsewhere.url())),
    );
    let trouble = trouble(look(&gh, &pull()).await);
    assert_eq!(trouble.reason, Reason::InvalidAnswer);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn rules_that_may_not_be_read_are_a_gap_that_blocks() {
    let gh = Fake::start(scenario());
    gh.fail(Match::path("/rules/branches"), Fault::Status(403));
    let facts = facts(look(&gh, &pull()).await);
    assert_eq!(facts.gaps.len(), 1);
    assert_eq!(facts.gaps[0].kind, testrun_operator::verdict::facts::GapKind::RequiredChecks);
}

#[tokio::test]
async fn a_run_that_moves_while_it_is_read_is_not_confirmed() {
    let gh = Fake::start(scenario().at(secs(10), |s| {
        s.job(501).start();
    }));
    gh.advance(secs(20));
    // The first list and the jobs are read, then the second list says something else.
    gh.fail(Match::path("/actions/runs$").after(1), Fault::UnknownStatus("moved".into()));
    let facts = facts(look(&gh, &pull()).await);
    assert!(!facts.confirmed);
}
