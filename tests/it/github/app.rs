//! GitHub Apps as credentials.

use std::sync::{Arc, OnceLock};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::github::{AppKey, Fault, GitHub as Fake, Match, OPERATOR_APP, PullSpec, RunSpec, Scenario};
use testkit::github::{Request, secs, sha_of};
use testrun_operator::api::{Reason, TestRunReport};
use testrun_operator::connections::{AppKey as Key, Connection, Held, Own};
use testrun_operator::controller::{Access, Deed, GitHubObserver, Observer};
use testrun_operator::github::Stats;
use testrun_operator::verdict::publish::status::CommitStatus;

use super::*;

pub const REPO: &str = "acme/shop";

/// A private repository with a green run, and the App installed on it.
pub fn scenario() -> Scenario {
    Scenario::new().token(None).setup(|s| {
        let head = sha_of("head");
        s.add_repo(REPO).private().pull_request(PullSpec::new(20, &head).branch("feature/x"));
        s.add_repo("acme/other").private();
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
        s.job(501).complete("success");
        s.run(77).settle();
        s.install("acme");
    })
}

pub struct Bench {
    pub gh: Fake,
    observer: GitHubObserver,
    key: AppKey,
    pub app: u64,
    installation: Option<u64>,
}

impl Bench {
    pub fn start(scenario: Scenario) -> Self {
        let gh = Fake::start(scenario);
        gh.pause();
        // A key takes a while to make.
        static KEY: OnceLock<AppKey> = OnceLock::new();
        let key = KEY.get_or_init(AppKey::generate).clone();
        gh.update(|s| s.app_keys = vec![key.public.clone()]);
        let observer = GitHubObserver::new(Settings::default(), Stats::default());
        Self { gh, observer, key, app: OPERATOR_APP, installation: None }
    }

    fn access(&self) -> Access {
        let base = ApiBase::parse(self.gh.url()).unwrap();
        let held = Held::App(Key {
            app_id: self.app,
            installation_id: self.installation,
            private_key: SecretString::from(self.key.pem.as_str()),
        });
        Access { connection: Arc::new(Connection::open("a", base, Own::None)), held, owner: String::new() }
    }

    async fn observe(&self, repository: &str) -> Observations {
        let report = TestRunReport::new("r", spec(repository, |s| s.pull_request = Some(20)));
        self.observer.observe(&report, self.access(), Look::whole()).await
    }

    async fn look(&self) -> Observations {
        self.observe(REPO).await
    }

    pub async fn act(&self, deed: Deed) -> Result<(), Trouble> {
        let report = TestRunReport::new("r", spec(REPO, |s| s.pull_request = Some(20)));
        self.observer.act(&report, self.access(), &deed).await
    }

    /// Bodies of the requests for tokens.
    pub fn exchanges(&self) -> Vec<Value> {
        let all = self.gh.requests();
        all.into_iter().filter(|r| r.path.ends_with("/access_tokens")).map(|r| r.body.unwrap()).collect()
    }

    fn codes(&self, is: impl Fn(&Request) -> bool) -> Vec<u16> {
        self.gh.requests().iter().filter(|r| is(r)).map(|r| r.status).collect()
    }

    pub fn clean(&self) {
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}

/// The token of a request.
fn bearer(request: &Request) -> &str {
    request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
}

fn reading() -> Value {
    json!({"repositories": ["shop"], "permissions": {"actions": "read", "checks": "read", "contents": "read",
        "metadata": "read", "pull_requests": "read", "statuses": "read"}})
}

#[tokio::test]
async fn a_token_is_for_one_repository_and_for_reading() {
    let bench = Bench::start(scenario());
    facts(bench.look().await);
    facts(bench.look().await);
    assert_eq!(bench.exchanges(), [reading()], "one token for both looks");
    assert_eq!(bench.codes(|r| r.path.ends_with("/installation")), [200]);
    let requests = bench.gh.requests();
    let token = requests.iter().find(|r| r.path.ends_with("/pulls/20")).map(bearer).unwrap();
    assert!(token.len() > 500, "a long token goes through whole: {}", token.len());
    let other = trouble(bench.observe("acme/other").await);
    assert_eq!(other.reason, Reason::NotFound, "there is no pull request");
    assert_eq!(bench.exchanges().last().unwrap()["repositories"], json!(["other"]));
    bench.clean();
}

#[tokio::test]
async fn an_installation_that_is_given_is_not_looked_for() {
    let mut bench = Bench::start(scenario());
    bench.installation = Some(bench.gh.read(|s| s.installations[0].id));
    facts(bench.look().await);
    assert!(bench.codes(|r| r.path.ends_with("/installation")).is_empty());
    bench.clean();
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let bench = Bench::start(scenario());
    facts(bench.look().await);
    for _ in 0..6 {
        // Each look shows what time it is at GitHub.
        bench.gh.advance(secs(28 * 60));
        facts(bench.look().await);
    }
    assert!((3..=4).contains(&bench.exchanges().len()), "{}", bench.exchanges().len());
    let old = bench.codes(|r| r.status == 401 && !r.path.ends_with("/installation"));
    assert!(old.is_empty(), "no request was sent with an old token");
    bench.clean();
}

#[tokio::test]
async fn a_token_that_is_refused_is_made_anew_in_the_same_look_and_only_once() {
    let bench = Bench::start(scenario());
    facts(bench.look().await);
    bench.gh.update(|s| s.tokens.clear());
    facts(bench.look().await);
    assert_eq!(bench.exchanges().len(), 2);
    bench.gh.advance(secs(3700));
    facts(bench.look().await);
    assert_eq!(bench.exchanges().len(), 3, "it had ended while nobody looked");

    bench.gh.fail(Match::path("/pulls/"), Fault::Status(401));
    let refused = trouble(bench.look().await);
    assert_eq!(refused.reason, Reason::Unauthorized);
    assert_eq!(bench.exchanges().len(), 4, "a new token helps once or not at all");
    bench.clean();
}

#[tokio::test]
async fn looks_at_the_same_time_share_one_exchange_and_one_refusal() {
    let bench = Bench::start(scenario());
    let looks = || futures::future::join_all((0..20).map(|_| bench.look()));
    for seen in looks().await {
        facts(seen);
    }
    assert_eq!(bench.exchanges().len(), 1);
    bench.gh.update(|s| {
        s.tokens.clear();
        s.installations[0].suspended = true;
    });
    for seen in looks().await {
        assert_eq!(trouble(seen).reason, Reason::Unauthorized);
    }
    assert_eq!(bench.exchanges().len(), 2);
    bench.clean();
}

#[tokio::test]
async fn what_changes_something_asks_for_that_right_alone() {
    let bench = Bench::start(scenario());
    let until = jiff::Timestamp::MAX;
    bench.act(Deed::Rerun { repository: REPO.into(), run: 77, attempt: 1, until }).await.unwrap();
    let status = CommitStatus {
        repository: REPO.into(),
        sha: sha_of("head"),
        context: "testrun".into(),
        state: "success",
        description: "passed".into(),
    };
    bench.act(Deed::Status(status)).await.unwrap();
    let asked: Vec<Value> = bench.exchanges().iter().map(|b| b["permissions"].clone()).collect();
    assert_eq!(
        asked,
        [json!({"actions": "write", "metadata": "read"}), json!({"metadata": "read", "statuses": "write"})]
    );
    bench.clean();
}

#[tokio::test]
async fn each_refusal_says_what_is_wrong_and_what_to_do() {
    type Set = fn(&mut Bench);
    let lacks: Set = |b| {
        b.gh.update(|s| {
            s.installations[0].permissions.remove("statuses");
            s.installations[0].permissions.remove("checks");
        })
    };
    let cases: [(&str, Set, Reason, &[&str]); 9] = [
        (
            "suspended",
            |b| b.gh.update(|s| s.installations[0].suspended = true),
            Reason::Unauthorized,
            &["is suspended", "its owner can end that"],
        ),
        (
            "not installed",
            |b| b.gh.update(|s| s.installations.clear()),
            Reason::NotFound,
            &["App 4242 is not installed on acme/shop", "install the App"],
        ),
        (
            "gone",
            |b| b.installation = Some(7),
            Reason::Unauthorized,
            &["installation 7 of App 4242 does not exist any more"],
        ),
        ("lacks permissions", lacks, Reason::Forbidden, &["lacks the permission checks:read, statuses:read"]),
        (
            "not among the repositories",
            |b| {
                b.gh.update(|s| s.installations[0].repositories = Some(vec![1]));
                b.installation = Some(b.gh.read(|s| s.installations[0].id));
            },
            Reason::NotFound,
            &["acme/shop is not among the repositories of installation"],
        ),
        (
            "another key",
            |b| b.key = AppKey::generate(),
            Reason::Unauthorized,
            &["does not accept the key of App 4242"],
        ),
        ("unknown App", |b| b.app = 9, Reason::Unauthorized, &["does not accept the key of App 9"]),
        (
            "no key",
            |b| b.key.pem = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n".into(),
            Reason::Unauthorized,
            &["the key of App 4242 is not an RSA private key in PEM"],
        ),
        (
            "away",
            |b| b.gh.fail(Match::path("/access_tokens"), Fault::Status(503)),
            Reason::GitHubUnavailable,
            &["503"],
        ),
    ];
    for (name, set, reason, says) in cases {
        let mut bench = Bench::start(scenario());
        set(&mut bench);
        let trouble = trouble(bench.look().await);
        assert_eq!(trouble.reason, reason, "{name}: {}", trouble.message);
        for part in says {
            assert!(trouble.message.contains(part), "{name}: {}", trouble.message);
        }
        assert!(bench.gh.requests().len() <= 4, "{name}: {} requests", bench.gh.requests().len());
        assert!(!trouble.message.contains("ghs_") && !trouble.message.contains("BEGIN"), "{name}");
        bench.clean();
    }
}

#[tokio::test]
async fn what_is_put_right_works_with_the_next_look() {
    let bench = Bench::start(scenario());
    bench.gh.update(|s| s.installations[0].suspended = true);
    trouble(bench.look().await);
    bench.gh.update(|s| s.installations[0].suspended = false);
    // The refusal is shared for a moment only.
    let seen = crate::cluster::eventually(
        || "the next look to read facts",
        async || match bench.look().await {
            Observations::Facts(facts) => Some(facts),
            Observations::Trouble(_) => None,
        },
    );
    seen.await;
    bench.clean();
}

#[tokio::test]
async fn a_key_is_rotated_without_a_gap() {
    let mut bench = Bench::start(scenario());
    facts(bench.look().await);
    let next = AppKey::generate();
    bench.gh.update(|s| s.app_keys.push(next.public.clone()));
    bench.key = next;
    facts(bench.look().await);
    bench.gh.update(|s| {
        s.app_keys.remove(0);
        s.tokens.clear();
    });
    facts(bench.look().await);
    assert!(bench.codes(|r| r.path.ends_with("/access_tokens")).iter().all(|code| *code == 201));
    bench.clean();
}

#[tokio::test]
async fn a_wrong_clock_is_put_right_by_githubs() {
    for start in ["2020-01-23T16:00:00Z", "2039-01-23T16:00:00Z"] {
        let bench = Bench::start(scenario().start_at(start));
        let seen = facts(bench.look().await);
        assert_eq!(seen.read_at.to_string().get(..10), start.get(..10));
        assert_eq!(bench.codes(|r| r.status == 401).len(), 1, "signed again at once");
        bench.gh.advance(secs(3000));
        facts(bench.look().await);
        assert_eq!(bench.codes(|r| r.status == 401).len(), 1);
        bench.clean();
    }
}

#[tokio::test]
async fn a_renamed_repository_is_found_by_its_old_name() {
    for given in [false, true] {
        let mut bench = Bench::start(scenario());
        if given {
            bench.installation = Some(bench.gh.read(|s| s.installations[0].id));
        }
        let id = bench.gh.update(|s| {
            s.repo(REPO).rename("acme/store");
            s.repo("acme/store").id()
        });
        let seen = facts(bench.look().await);
        assert_eq!(seen.source.repository, "acme/store");
        assert_eq!(bench.exchanges().last().unwrap()["repository_ids"], json!([id]));
        bench.clean();
    }
}

#[tokio::test]
async fn a_token_never_leaves_for_another_host() {
    let bench = Bench::start(scenario());
    let elsewhere = Fake::start(scenario());
    bench.gh.fail(
        Match::path("/access_tokens"),
        Fault::Redirect(format!("{}/app/installations/1/access_tokens", elsewhere.url())),
    );
    trouble(bench.look().await);
    bench.gh.clear_faults();
    let to = format!("{}/repos/acme/shop/pulls/20", elsewhere.url());
    bench.gh.fail(Match::path("/pulls/20"), Fault::Redirect(to));
    crate::cluster::eventually(
        || "the redirect to be refused",
        async || (trouble(bench.look().await).reason == Reason::InvalidAnswer).then_some(()),
    )
    .await;
    assert!(elsewhere.requests().is_empty());
    let pem = SecretString::from(bench.key.pem.as_str());
    assert!(!format!("{:?}", bench.access()).contains(pem.expose_secret()), "nor into a log");
}

#[tokio::test]
async fn an_installation_that_is_suspended_meanwhile_is_forbidden() {
    let bench = Bench::start(scenario());
    facts(bench.look().await);
    bench.gh.update(|s| s.installations[0].suspended = true);
    let refused = trouble(bench.look().await);
    assert_eq!(refused.reason, Reason::Unauthorized);
    assert!(refused.message.contains("is suspended"), "{}", refused.message);
    bench.clean();
}
