//! The service itself: tags, limits, permissions, names and clocks.

use jiff::{SignedDuration, Timestamp};
use testkit::github::{Fault, Match};
use testrun_operator::api::Reason;
use testrun_operator::controller::{Deed, GitHubObserver, Observer};
use testrun_operator::github::{Cache, Ties, Transport};
use testrun_operator::verdict::publish::status::CommitStatus;

use super::*;

#[tokio::test]
async fn p01_tags_depend_on_the_token_and_every_call_takes_a_304() {
    let wanted = [
        spec(REPO, |s| s.pull_request = Some(20)),
        spec(REPO, |s| s.sha = Some(sha_of("head"))),
        spec(REPO, |s| s.run_id = Some(77)),
        spec(REPO, |s| s.branch = Some("feature/x".into())),
    ];
    for spec in wanted {
        let bench = Bench::of(
            empty().setup(|s| {
                begin(s, 77, "CI", &["unit"]);
                end(s, 77, &["success"]);
            }),
            spec,
        );
        bench.gh.advance(secs(600));
        let cache = Cache::default();
        // An hour later the same owner has another token, and with it other tags.
        for (token, costs) in [(fake::TOKEN, true), (fake::TOKEN, false), ("ghs_next.-_", false)] {
            bench.gh.add_token(token);
            let settings = Settings::default();
            let ties = Ties { cache: cache.clone(), ..Ties::new(&settings) };
            let transport =
                Transport::new(&ApiBase::parse(bench.gh.url()).unwrap(), settings.timeout).unwrap();
            let client =
                GitHub::with(&transport, &Credential::Token(SecretString::from(token)), &settings, ties);
            bench.gh.forget_requests();
            let seen = facts(collect(&client, &bench.spec, &Memory::new(), Look::whole()).await);
            assert_eq!(seen.runs.len(), 1);
            assert_eq!(seen.runs[0].conclusion.as_deref(), Some("success"));
            assert_eq!(!bench.gh.counted_requests().is_empty(), costs, "{token}");
            assert!(bench.gh.requests().len() > 4);
        }
        bench.clean();
    }
}

#[tokio::test]
async fn p19_comments_are_never_written() {
    // They come twice, on late pages, to locked conversations, and are the scarcest resource.
    let mut bench = Bench::ended(&[("unit", "failure")]);
    bench.update(|s| s.repos[0].locked_issues.push(20));
    assert_eq!(bench.verdict().await, FAILED);
    assert!(bench.gh.requests().iter().all(|r| !r.path.contains("/issues/") && !r.is_write()));
}

#[tokio::test]
async fn p21_secondary_limits_come_without_a_time() {
    for code in [403, 429] {
        let mut bench = Bench::ended(&[("unit", "success")]);
        bench.gh.fail(Match::path("/jobs$"), Fault::SecondaryLimit(code, None));
        let before = Timestamp::now();
        let trouble = trouble(bench.observe().await);
        assert_eq!(trouble.reason, Reason::RateLimited, "{code}");
        let pause = trouble.retry_at.unwrap().duration_since(before);
        assert!(pause >= SignedDuration::from_secs(55), "{code}: {pause:?}");
        let sent = bench.gh.requests().len();
        assert_eq!(bench.verdict().await, "Unknown/RateLimited", "asking on makes it longer");
        assert_eq!(bench.gh.requests().len(), sent, "{code}");
    }
    // Writes have a second between them, however many there are.
    let bench = Bench::ended(&[("unit", "success")]);
    let observer = GitHubObserver::new(Settings::default(), Default::default());
    let base = ApiBase::parse(bench.gh.url()).unwrap();
    let access = testrun_operator::controller::Access {
        connection: std::sync::Arc::new(testrun_operator::connections::Connection::open(
            "github.com",
            base,
            testrun_operator::connections::Own::None,
        )),
        held: testrun_operator::connections::Held::Token(SecretString::from(fake::TOKEN)),
        owner: String::new(),
    };
    let report = testrun_operator::api::TestRunReport::new("r", bench.spec.clone());
    let deed = |n: usize| {
        Deed::Status(CommitStatus {
            repository: REPO.into(),
            sha: sha_of("head"),
            context: format!("testrun-{n}"),
            state: "success",
            description: "passed".into(),
        })
    };
    let deeds: Vec<Deed> = (0..3).map(deed).collect();
    let all = deeds.iter().map(|d| observer.act(&report, access.clone(), d));
    assert!(futures::future::join_all(all).await.into_iter().all(|r| r.is_ok()));
    let at: Vec<_> = bench.gh.writes().iter().map(|r| r.instant).collect();
    assert!(at.windows(2).all(|w| w[1].duration_since(w[0]).as_millis() >= 900), "{at:?}");
    bench.clean();
}

#[tokio::test]
async fn p22_not_found_means_three_things_and_a_renamed_repository_moves() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    assert_eq!(bench.verdict().await, PASSED);
    let id = bench.status.as_ref().unwrap().source.as_ref().unwrap().repository_id;
    bench.update(|s| {
        s.repo(REPO).rename("acme/store");
    });
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    let source = bench.status.as_ref().unwrap().source.clone().unwrap();
    assert_eq!(
        (source.repository.as_str(), source.repository_id),
        ("acme/store", id),
        "its id is what it is"
    );
    // Somebody else takes the name: the same commit there is another one.
    bench.update(|s| {
        s.repos[0].former_names.clear();
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
    });
    let other = bench.verdict().await;
    assert!(other.starts_with("Unknown/"), "{other}: {}", bench.message());
    // Not there, not installed or not allowed: GitHub does not tell, and neither is a pass.
    bench.update(|s| s.repos.clear());
    assert_eq!(bench.verdict().await, "Unknown/NotFound");
    let says = bench.message();
    assert!(says.contains("does not exist, or the credential may not see it"), "{says}");
}

#[tokio::test]
async fn p23_times_of_github_are_by_its_own_clock() {
    for start in ["2020-01-23T16:00:00Z", "2038-01-23T16:00:00Z"] {
        let bench = Bench::of(
            Scenario::new().start_at(start).setup(|s| {
                s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
                s.limits.leave(3);
            }),
            spec(REPO, |s| s.pull_request = Some(20)),
        );
        let before = Timestamp::now();
        let limited = trouble(bench.observe().await);
        assert_eq!(limited.reason, Reason::RateLimited, "{start}: {}", limited.message);
        let wait = limited.retry_at.unwrap().duration_since(before);
        // The window ends an hour after it began, whatever year it is there.
        let hour = SignedDuration::from_mins(55)..=SignedDuration::from_mins(62);
        assert!(hour.contains(&wait), "{start}: {wait:?}");
    }
}
