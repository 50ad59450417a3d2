//! The service itself: tags, limits, permissions, names and clocks.

use jiff::{SignedDuration, Timestamp};
use testkit::github::{Fault, Match};
use testrun_operator::api::{Reason, TestRunReport};
use testrun_operator::connections::{Connection, Held, Own};
use testrun_operator::controller::{Access, Deed, GitHubObserver, Observer};
use testrun_operator::github::{Cache, Ties, Transport};
use testrun_operator::verdict::publish::comment::Comment;
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
async fn p19_no_comment_is_written_unless_it_is_asked_for() {
    // They come twice, on late pages, to locked conversations, and are the scarcest resource.
    let mut bench = Bench::ended(&[("unit", "failure")]);
    bench.update(|s| s.repos[0].locked_issues.push(20));
    assert_eq!(bench.verdict().await, FAILED);
    assert!(bench.gh.requests().iter().all(|r| !r.path.contains("/issues/") && !r.is_write()));
}

/// What writes as a person, whose comments are told by who wrote them.
fn person(bench: &Bench) -> (GitHubObserver, Access, TestRunReport) {
    bench.update(|s| s.add_user_token("ghp_person"));
    let observer = GitHubObserver::new(Settings::default(), Default::default());
    let base = ApiBase::parse(bench.gh.url()).unwrap();
    let access = Access {
        connection: std::sync::Arc::new(Connection::open("github.com", base, Own::None)),
        held: Held::Token(SecretString::from("ghp_person")),
        owner: String::new(),
    };
    (observer, access, TestRunReport::new("r", bench.spec.clone()))
}

#[tokio::test]
async fn p19_a_comment_on_a_late_page_is_found_and_not_written_twice() {
    const MARK: &str = "<!-- testrun-operator:0123456789abcdef -->";
    let bench = Bench::ended(&[("unit", "failure")]);
    let (observer, access, report) = person(&bench);
    let say = |text: &str| Deed::Comment {
        comment: Box::new(Comment {
            repository: REPO.into(),
            pull_request: 20,
            marker: MARK.into(),
            body: format!("{MARK}\n{text}"),
            create: true,
        }),
        app: None,
    };
    // Two pages of what others say, and ours in the middle of the third.
    let chatter = |s: &mut State, count: usize| {
        for n in 0..count {
            let (id, created) = (s.fresh_id(), s.now);
            let (author, body) = ("mallory".into(), format!("comment {n}"));
            s.repos[0].comments.push(fake::Comment {
                id,
                issue: 20,
                author,
                body,
                app_id: None,
                created,
                updated: created,
            });
        }
    };
    bench.update(|s| chatter(s, 230));
    observer.act(&report, access.clone(), &say("red")).await.unwrap();
    bench.update(|s| chatter(s, 30));
    for text in ["red", "green", "green"] {
        observer.act(&report, access.clone(), &say(text)).await.unwrap();
    }
    let ours: Vec<String> = bench.gh.read(|s| {
        let all = s.repos[0].comments.iter().filter(|c| c.body.starts_with(MARK));
        all.map(|c| c.body.clone()).collect()
    });
    assert_eq!(ours, [format!("{MARK}\ngreen")]);
    let writes: Vec<String> = bench.gh.writes().into_iter().map(|r| r.method).collect();
    assert_eq!(writes, ["POST", "PATCH"]);
    bench.clean();
}

#[tokio::test]
async fn p19_a_locked_conversation_is_a_refusal_with_a_reason() {
    let bench = Bench::ended(&[("unit", "failure")]);
    let (observer, access, report) = person(&bench);
    bench.update(|s| s.repos[0].locked_issues.push(20));
    let deed = Deed::Comment {
        comment: Box::new(Comment {
            repository: REPO.into(),
            pull_request: 20,
            marker: "<!-- m -->".into(),
            body: "<!-- m -->\nred".into(),
            create: true,
        }),
        app: None,
    };
    let trouble = observer.act(&report, access, &deed).await.unwrap_err();
    assert_eq!(trouble.reason, Reason::Forbidden, "it is no limit: {}", trouble.message);
    assert_eq!(bench.gh.writes().len(), 1, "nothing is tried twice");
    bench.clean();
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
    let access = Access {
        connection: std::sync::Arc::new(Connection::open("github.com", base, Own::None)),
        held: Held::Token(SecretString::from(fake::TOKEN)),
        owner: String::new(),
    };
    let report = TestRunReport::new("r", bench.spec.clone());
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

/// Makes the repository private, and gives the client that may still see it.
fn out_of_sight(bench: &mut Bench) -> GitHub {
    bench.update(|s| {
        s.add_token("ghp_outside").repositories = Some(Vec::new());
        s.repo(REPO).private();
    });
    let outside =
        client_with(&bench.gh, Credential::Token(SecretString::from("ghp_outside")), Settings::default());
    std::mem::replace(&mut bench.client, outside)
}

/// A repository that is transferred, made private or taken away while its run goes on, and comes back.
#[tokio::test]
async fn p22_what_cannot_be_seen_for_a_while_is_not_a_pass_and_comes_back() {
    let mut bench = Bench::start(empty().setup(|s| begin(s, 77, "CI", &["unit"])));
    assert_eq!(bench.verdict().await, "Unknown/Running");
    let inside = out_of_sight(&mut bench);
    // It ends green while nobody may look.
    bench.update(|s| end(s, 77, &["success"]));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/NotFound");
    assert_ne!(bench.condition("SourceAvailable").split('/').next(), Some("True"));
    // Back, under another owner.
    bench.client = inside;
    bench.update(|s| {
        s.repo(REPO).rename("globex/shop");
    });
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    assert_eq!(bench.status.as_ref().unwrap().source.as_ref().unwrap().repository, "globex/shop");
}

/// GitHub does not say whether a commit is gone or out of sight, so even a final verdict is open meanwhile; it is what it
/// was when the repository is back.
#[tokio::test]
async fn p22_a_final_verdict_is_open_while_its_repository_cannot_be_seen_and_the_same_after() {
    for (conclusion, verdict) in [("success", PASSED), ("failure", FAILED)] {
        let mut bench = Bench::ended(&[("unit", conclusion)]);
        assert_eq!(bench.verdict().await, verdict);
        let inside = out_of_sight(&mut bench);
        for _ in 0..2 {
            assert_eq!(bench.verdict().await, "Unknown/NotFound", "{}", bench.message());
            assert_eq!(bench.condition("SourceAvailable"), "False/NotFound");
            assert_eq!(bench.condition("Stalled").split('/').next(), Some("False"));
        }
        bench.client = inside;
        assert_eq!(bench.verdict().await, verdict, "{}", bench.message());
        assert_eq!(bench.condition("SourceAvailable"), "True/Read");
    }
}

/// A branch that is deleted, as after a merge, while reports follow it.
#[tokio::test]
async fn p22_a_deleted_branch_passes_nothing_and_a_commit_stays_what_it_was() {
    let ended = || {
        empty().setup(|s| {
            begin(s, 77, "CI", &["unit"]);
            end(s, 77, &["success"]);
        })
    };
    let gone = |bench: &Bench| {
        bench.update(|s| {
            s.repo(REPO).data().branches.remove("feature/x");
        });
    };
    let follows = || spec(REPO, |s| s.branch = Some("feature/x".into()));
    let mut bench = Bench::of(ended(), follows());
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    gone(&bench);
    assert_eq!(bench.verdict().await, "Unknown/NotFound", "what it follows is gone");
    assert!(bench.message().contains("feature/x"), "{}", bench.message());
    // Another commit under its name is another verdict.
    bench.update(|s| {
        s.repo(REPO).branch("feature/x", &sha_of("other"));
    });
    let other = bench.verdict().await;
    assert!(other.starts_with("Unknown/"), "{other}: {}", bench.message());
    // The same one is the same, after a look that sees that it moved.
    bench.update(|s| {
        s.repo(REPO).branch("feature/x", &sha_of("head"));
    });
    assert!(bench.verdict().await.starts_with("Unknown/"), "{}", bench.message());
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());

    let mut bench = Bench::of(ended(), spec(REPO, |s| s.sha = Some(sha_of("head"))));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    gone(&bench);
    assert_eq!(bench.verdict().await, PASSED, "a commit needs no branch: {}", bench.message());

    let mut bench = Bench::of(empty().setup(|s| begin(s, 77, "CI", &["unit"])), follows());
    assert_eq!(bench.verdict().await, "Unknown/Running");
    gone(&bench);
    bench.update(|s| end(s, 77, &["success"]));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/NotFound", "{}", bench.message());
}
