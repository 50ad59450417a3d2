//! Asking only whether something changed.

use testkit::github::{Fault, GitHub as Fake, Match, scenarios::pr20, secs};
use testrun_operator::github::{Cache, Ties, Transport};

use super::*;

fn red() -> Fake {
    let gh = Fake::start(pr20::pull_request_20().concluded());
    gh.pause();
    gh.advance(pr20::CONCLUDED + secs(600));
    gh
}

fn sharing(gh: &Fake, token: &str, cache: &Cache) -> GitHub {
    let credential = Credential::Token(SecretString::from(token));
    let base = ApiBase::parse(gh.url()).unwrap();
    let settings = Settings::default();
    let ties = Ties { cache: cache.clone(), ..Ties::new(&settings) };
    let transport = Transport::new(&base, settings.timeout).unwrap();
    GitHub::with(&transport, &credential, &settings, ties)
}

fn pull() -> TestRunReportSpec {
    spec("jordigilh/kubernaut", |s| s.pull_request = Some(20))
}

/// Requests of one look, and those of them that count against the limit.
async fn look_again(gh: &Fake, client: &GitHub, memory: &Memory) -> (Facts, usize, usize) {
    gh.forget_requests();
    let mut seen = facts(collect(client, &pull(), memory, Look::whole()).await);
    // Their order says nothing.
    seen.runs.sort_by_key(|r| r.id);
    seen.artifacts.sort_by_key(|a| a.id);
    (seen, gh.requests().len(), gh.counted_requests().len())
}

#[tokio::test]
async fn a_second_look_at_the_same_costs_nothing_and_says_the_same() {
    let gh = red();
    let (cache, memory) = (Cache::default(), Memory::new());
    let client = sharing(&gh, fake::TOKEN, &cache);
    let (first, all, counted) = look_again(&gh, &client, &memory).await;
    assert!(counted > 10, "{all} {counted}");
    let (second, all, counted) = look_again(&gh, &client, &memory).await;
    assert_eq!((counted, all > 5), (0, true), "{all} requests, all of them answered 304");
    assert_eq!(Facts { read_at: first.read_at, ..second }, first);

    // Another token of the same owner: the tags are computed.
    gh.add_token("ghs_other");
    let other = sharing(&gh, "ghs_other", &cache);
    let (third, _, counted) = look_again(&gh, &other, &memory).await;
    assert_eq!(counted, 0, "the tags survive the new token");
    assert_eq!(Facts { read_at: first.read_at, ..third }, first);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn a_change_is_seen_at_once() {
    let gh = red();
    let (cache, memory) = (Cache::default(), Memory::new());
    let client = sharing(&gh, fake::TOKEN, &cache);
    look_again(&gh, &client, &memory).await;
    gh.update(|s| {
        s.run(pr20::CI_RUN).rerun("someone", |job| job.conclusion.as_deref() != Some("success"));
    });
    let (seen, ..) = look_again(&gh, &client, &memory).await;
    let run = seen.runs.iter().find(|r| r.id == pr20::CI_RUN as i64).unwrap();
    assert_eq!(run.attempt, 2);
    assert!(run.status != "completed");
}

#[tokio::test]
async fn a_server_without_tags_or_with_other_tags_costs_requests_and_nothing_else() {
    for fault in [Fault::NoEtag, Fault::IgnoreConditional] {
        let gh = red();
        gh.fail(Match::path("/"), fault);
        let (cache, memory) = (Cache::default(), Memory::new());
        let client = sharing(&gh, fake::TOKEN, &cache);
        let (first, ..) = look_again(&gh, &client, &memory).await;
        let (second, all, counted) = look_again(&gh, &client, &memory).await;
        assert_eq!(all, counted);
        assert_eq!(Facts { read_at: first.read_at, ..second }, first);
    }
}

#[tokio::test]
async fn a_revoked_token_gets_nothing_from_what_is_remembered() {
    let gh = red();
    let (cache, memory) = (Cache::default(), Memory::new());
    look_again(&gh, &sharing(&gh, fake::TOKEN, &cache), &memory).await;
    gh.revoke_token(fake::TOKEN);
    let client = sharing(&gh, fake::TOKEN, &cache);
    let seen = collect(&client, &pull(), &memory, Look::whole()).await;
    assert_eq!(trouble(seen).reason, testrun_operator::api::Reason::Unauthorized);
}

#[tokio::test]
async fn within_a_limit_nothing_is_sent() {
    use testrun_operator::api::Reason;
    let gh = red();
    let (cache, memory) = (Cache::default(), Memory::new());
    let client = sharing(&gh, fake::TOKEN, &cache);
    gh.fail(Match::path("/jobs").times(1), Fault::SecondaryLimit(403, Some(600)));
    let first = trouble(collect(&client, &pull(), &memory, Look::whole()).await);
    assert_eq!(first.reason, Reason::RateLimited);
    gh.forget_requests();
    let second = trouble(collect(&client, &pull(), &memory, Look::whole()).await);
    assert_eq!(second.reason, Reason::RateLimited);
    // Every answer tells more of GitHub's clock, those included that were on their way when the limit came.
    let apart = second.retry_at.unwrap().duration_since(first.retry_at.unwrap()).abs();
    assert!(apart < jiff::SignedDuration::from_secs(1), "{apart}");
    assert_eq!(gh.requests().len(), 0);
}
