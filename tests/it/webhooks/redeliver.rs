//! Deliveries that failed are asked for again: which, how often, and by whom.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::json;
use testkit::github::{AppKey, Fault, GitHub, Match, OPERATOR_APP, PullSpec, RunSpec, Scenario};
use testkit::github::{secs, sha_of};
use testrun_operator::connections::{AppFile, Connection, Connections, Live, Own, Signing};
use testrun_operator::controller::{GitHubObserver, Observer as _};
use testrun_operator::github::{ApiBase, Settings};
use testrun_operator::leader::Ownership;
use testrun_operator::runtime::metrics::Metrics;
use testrun_operator::webhooks::{self, Event, Limits, Receiver, Stats, redeliver};
use tokio_util::sync::CancellationToken;

use crate::cluster::{cluster, eventually};
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";
const SECRET: &str = "webhook secret";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9/webhooks/github.com";

/// An App whose webhooks went nowhere while a run began and ended.
fn missed(key: &AppKey, scenario: Scenario) -> GitHub {
    let gh = GitHub::start(scenario.start_now().token(None).setup(|s| {
        s.add_repo(REPO).private().pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        s.install("acme");
    }));
    gh.pause();
    gh.update(|s| {
        s.app_keys = vec![key.public.clone()];
        s.send_hooks_to(NOWHERE, SECRET);
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
        s.job(501).complete("success");
        s.run(77).settle();
    });
    assert!(gh.wait_for(secs(30), |s| s.hooks.waiting() == 0 && s.hooks.deliveries.len() > 5));
    gh
}

/// What was delivered again, by event and whether it arrived.
fn again(gh: &GitHub) -> Vec<(String, String, u16)> {
    let all = gh.deliveries().into_iter().filter(|d| d.redelivery);
    all.map(|d| (d.guid, d.event, d.status)).collect()
}

fn asked(gh: &GitHub) -> usize {
    gh.requests().iter().filter(|r| r.path.ends_with("/attempts")).count()
}

struct Bench {
    gh: GitHub,
    _dir: tempfile::TempDir,
    told: Arc<Mutex<Vec<Event>>>,
    receiver: Receiver,
    connections: Live,
    metrics: Metrics,
    end: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Bench {
    async fn start(set: impl FnOnce(Connection) -> Connection) -> Self {
        Self::of(Scenario::new(), set).await
    }

    async fn of(scenario: Scenario, set: impl FnOnce(Connection) -> Connection) -> Self {
        let (key, dir) = (AppKey::generate(), tempfile::tempdir().unwrap());
        let gh = missed(&key, scenario);
        let file = dir.path().join("key.pem");
        std::fs::write(&file, &key.pem).unwrap();
        let app = AppFile { app_id: OPERATOR_APP, installation_id: None, private_key_file: file };
        let connection = Connection {
            webhooks: vec![Signing::Secret(SecretString::from(SECRET))],
            ..Connection::open("github.com", ApiBase::parse(gh.url()).unwrap(), Own::App(app))
        };
        let connections: Live = Connections::new([set(connection)]).into();
        let told: Arc<Mutex<Vec<Event>>> = Arc::default();
        let sink: webhooks::Sink = {
            let told = told.clone();
            Arc::new(move |_, event| told.lock().unwrap().push(event.clone()))
        };
        let receiver = Receiver::new(connections.clone(), sink, Stats::default(), Limits::default());
        let listener = webhooks::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://{}/webhooks/github.com", listener.local_addr().unwrap());
        gh.update(|s| s.hooks.url = Some(url));
        let end = CancellationToken::new();
        tokio::spawn(webhooks::serve(listener, receiver.clone(), end.clone()));
        Self { gh, _dir: dir, told, receiver, connections, metrics: Metrics::new(), end }
    }

    /// One process asks from now on.
    fn ask(&self, ownership: Ownership) -> CancellationToken {
        let end = self.end.child_token();
        let (receiver, connections) = (self.receiver.clone(), self.connections.clone());
        let observer = Arc::new(GitHubObserver::new(Settings::default(), self.metrics.requests()));
        let apps: webhooks::Apps = Arc::new(move |connection| {
            let observer = observer.clone();
            Box::pin(async move { observer.app(&connection).await })
        });
        tokio::spawn(redeliver(receiver, connections, ownership, apps, self.metrics.clone(), end.clone()));
        end
    }

    fn counted(&self, outcome: &str) -> u64 {
        let name = format!("testrun_webhook_redeliveries_total{{outcome=\"{outcome}\"}} ");
        let text = self.metrics.text().unwrap();
        text.lines().find_map(|l| l.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
    }

    async fn until_counted(&self, outcome: &str, count: u64) {
        let what = || format!("{count} to be {outcome}");
        eventually(what, async || (self.counted(outcome) >= count).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reports_depend_on_is_asked_for_once_and_arrives() {
    for scenario in [Scenario::new(), Scenario::new().ghes()] {
        is_asked_for_once(Bench::of(scenario, |c| c).await).await;
    }
}

async fn is_asked_for_once(bench: Bench) {
    let failed: Vec<String> = bench.gh.deliveries().into_iter().map(|d| d.event).collect();
    let matter = failed.iter().filter(|e| *e != "ping").count();
    assert!(failed.contains(&"ping".to_owned()) && matter > 4, "{failed:?}");
    let first = bench.ask(Ownership::everything());
    bench.until_counted("asked", matter as u64).await;
    assert!(bench.gh.wait_for(secs(30), |s| s.hooks.waiting() == 0));
    let sent = again(&bench.gh);
    assert_eq!(sent.len(), matter, "{sent:?}");
    assert!(sent.iter().all(|(_, event, status)| event != "ping" && *status == 202), "{sent:?}");
    let ended = |e: &Event| matches!(&e.kind, webhooks::Kind::Run { finished: true, .. });
    assert!(bench.told.lock().unwrap().iter().any(ended));

    // GitHub goes on listing the attempts that failed; what arrived is not asked for anew.
    first.cancel();
    bench.gh.forget_requests();
    bench.ask(Ownership::everything());
    let listed = bench.gh.until(secs(30), |all| all.iter().any(|r| r.path == "/app/hook/deliveries")).await;
    assert!(listed);
    bench.gh.fail(Match::path("/app/hook/deliveries"), Fault::Status(500));
    bench.ask(Ownership::everything());
    bench.until_counted("failed", 1).await;
    assert_eq!(asked(&bench.gh), 0);
    assert!(bench.gh.violations().is_empty(), "{:?}", bench.gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_without_a_secret_an_app_or_the_lead() {
    let leads = Ownership::everything;
    let token = |c| Connection { own: Own::Token(SecretString::from("ghp_x")), ..c };
    let deaf = |c| Connection { webhooks: Vec::new(), ..c };
    type Set = fn(Connection) -> Connection;
    for (set, ownership) in [(token as Set, leads()), (deaf, leads()), (|c| c, Ownership::nothing(4))] {
        let bench = Bench::start(set).await;
        bench.ask(ownership);
        // Another one that may ask is done by the time that it has been counted.
        let other = Bench::start(|c| c).await;
        other.ask(leads());
        other.until_counted("asked", 1).await;
        assert!(bench.gh.requests().is_empty(), "{:?}", bench.gh.requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_the_round() {
    let bench = Bench::start(|c| c).await;
    let attempts = Match::path("/attempts").after(1);
    bench.gh.fail(attempts, Fault::SecondaryLimit(403, Some(60)));
    bench.ask(Ownership::everything());
    bench.until_counted("failed", 1).await;
    assert_eq!((bench.counted("asked"), bench.counted("refused"), asked(&bench.gh)), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_the_one_that_leads_asks() {
    let plane = cluster().await;
    let namespace = plane.namespace("redeliver").await.unwrap();
    let key = AppKey::generate();
    let gh = missed(&key, Scenario::new());
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = json!({
        "leaderElection": {"enabled": true, "leaseDuration": "6s", "renewDeadline": "4s", "retryPeriod": "500ms"},
        "connections": [{"name": "github.com", "url": gh.url(), "namespaces": [namespace], "repositories": ["*"],
            "app": {"appId": OPERATOR_APP, "privateKeyFile": put("key.pem", &key.pem)},
            "webhookSecretFiles": [put("secret", SECRET)]}]});
    let config = put("config.yaml", &config.to_string());
    let args = ["--config", &config, "--lease-namespace", &namespace, "--webhook-addr", "127.0.0.1:0"];
    let one = Operator::start(plane, &namespace, gh.url(), &args).await;
    let two = Operator::start(plane, &namespace, gh.url(), &args).await;
    let count = async |operator: &Operator| operator.metric("testrun_webhook_redeliveries_total").await;
    let matter = gh.deliveries().iter().filter(|d| !d.redelivery && d.event != "ping").count();
    let total = async || count(&one).await + count(&two).await;
    eventually(|| "all to be asked for", async || (total().await >= matter as f64).then_some(())).await;
    assert_eq!(count(&one).await * count(&two).await, 0.0, "one of them alone");
    assert_eq!(asked(&gh), matter);
    one.stop().await;
    two.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
