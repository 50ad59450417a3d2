//! Every request, with every fault: what still passes, and that nothing passes that should not.

use jiff::Timestamp;
use testkit::github::{Fault, GitHub as Fake, Match, PullSpec, RunSpec, Scenario, secs, sha_of};
use testrun_operator::verdict::{Context, evaluate};

use super::*;

const REPO: &str = "acme/shop";

/// A green pull request with one workflow; the base branch has run nothing.
fn green() -> Fake {
    let scenario = Scenario::new()
        .start_at("2026-01-23T16:00:00Z")
        .setup(|s| {
            let head = sha_of("head");
            s.add_repo(REPO).pull_request(PullSpec::new(20, &head).branch("feature/x"));
            s.repo(REPO).add_run(
                RunSpec::new(77)
                    .workflow("CI", ".github/workflows/ci.yml")
                    .pull_request(20)
                    .job((501, "unit"))
                    .job((502, "lint")),
            );
        })
        .at(secs(10), |s| {
            for id in [501, 502] {
                s.job(id).start();
                s.job(id).complete("success");
            }
            s.run(77).settle();
        });
    let gh = Fake::start(scenario);
    gh.pause();
    gh.advance(secs(600));
    gh
}

async fn verdict(gh: &Fake, spec: &TestRunReportSpec) -> (String, String) {
    let settings =
        Settings { timeout: std::time::Duration::from_secs(5), max_body: 1 << 20, ..Settings::default() };
    let client = client_with(gh, Credential::Token(SecretString::from(fake::TOKEN)), settings);
    let seen = collect(&client, spec, &Memory::new(), Look::whole()).await;
    let context = Context {
        generation: 1,
        name: None,
        namespace: None,
        previous: None,
        waivers: Default::default(),
        now: Timestamp::now(),
        moved: false,
    };
    let status = evaluate(spec, &seen, &context).status;
    let of = |kind: &str| status.conditions.iter().find(|c| c.type_ == kind).unwrap();
    (format!("{}/{}", of("Passed").status, of("Passed").reason), of("Passed").message.clone())
}

fn sources() -> [TestRunReportSpec; 4] {
    [
        spec(REPO, |s| s.pull_request = Some(20)),
        spec(REPO, |s| s.sha = Some(sha_of("head"))),
        spec(REPO, |s| s.run_id = Some(77)),
        spec(REPO, |s| s.branch = Some("feature/x".into())),
    ]
}

#[tokio::test]
async fn a_plain_green_commit_passes_whatever_names_it() {
    for source in sources() {
        let gh = green();
        let (verdict, message) = verdict(&gh, &source).await;
        assert_eq!(verdict, "True/AllRequiredSucceeded", "{:?}: {message}", source.source.github);
        assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    }
}

#[tokio::test]
async fn each_request_with_each_fault() {
    let mut pull = spec(REPO, |s| s.pull_request = Some(20));
    // So that the artifacts of a green run are read too.
    pull.artifacts = Some(Default::default());
    let gh = green();
    verdict(&gh, &pull).await;
    let mut paths: Vec<String> = gh.requests().iter().map(|r| r.path.clone()).collect();
    paths.sort();
    paths.dedup();
    assert!(paths.len() >= 8, "{paths:?}");
    let faults = || {
        [
            ("404", Fault::Status(404), "NotFound"),
            ("403", Fault::Status(403), "Forbidden"),
            ("401", Fault::Status(401), "Unauthorized"),
            ("429", Fault::SecondaryLimit(429, Some(60)), "RateLimited"),
            ("limit", Fault::PrimaryLimit, "RateLimited"),
            ("500", Fault::Status(500), "GitHubUnavailable"),
            ("cut", Fault::Truncate, "GitHubUnavailable"),
            ("garbage", Fault::Garbage("<html>".into()), "InvalidAnswer"),
            ("{}", Fault::Answer(200, "{}".into()), "InvalidAnswer"),
            ("null", Fault::Answer(200, "null".into()), "InvalidAnswer"),
            ("[]", Fault::Answer(200, "[]".into()), "InvalidAnswer"),
        ]
    };
    for path in &paths {
        for (name, fault, reason) in faults() {
            let gh = green();
            gh.fail(Match::path(&format!("{path}$")), fault);
            let (verdict, message) = verdict(&gh, &pull).await;
            let expected = match (path.rsplit_once('/').unwrap().1, name) {
                // Artifacts decide nothing; a permission that lacks for them is no trouble.
                ("artifacts", "404" | "403") => "True/AllRequiredSucceeded".to_owned(),
                // What GitHub says does not exist requires nothing; what may not be read might.
                ("main", "404") => "True/AllRequiredSucceeded".to_owned(),
                ("main", "403") => "Unknown/Undecidable".to_owned(),
                // These two are lists, and empty is what they usually are.
                ("statuses", "[]") => "True/AllRequiredSucceeded".to_owned(),
                ("main", "[]") if path.contains("/rules/") => "True/AllRequiredSucceeded".to_owned(),
                _ => format!("Unknown/{reason}"),
            };
            assert_eq!(verdict, expected, "{path} {name}: {message}");
            assert!(!message.contains("html"), "nothing of an answer gets into a message: {message}");
        }
    }
}

#[tokio::test]
async fn a_plan_without_branch_rules_requires_nothing() {
    let gh = green();
    let body =
        r#"{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}"#;
    gh.fail(Match::path("/rules/branches/main$"), Fault::Answer(403, body.into()));
    let (verdict, message) = verdict(&gh, &spec(REPO, |s| s.pull_request = Some(20))).await;
    assert_eq!(verdict, "True/AllRequiredSucceeded", "{message}");
}
