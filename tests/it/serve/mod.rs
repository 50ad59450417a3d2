//! Verdicts over HTTP, with the API server's own judgement of tokens and rights.

mod access;
mod states;
mod tls;

use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testrun_operator::api::TestRunReport;
use testrun_operator::cache::Kept;
use testrun_operator::serve::{self, Reports, Site};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

use crate::cluster::{cluster, may};
use crate::controller::bench::client;

const AUDIENCE: &str = "testrun-operator";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// The listener of a test, in a namespace of its own with two accounts: `gate` may read reports, `other`
/// may not.
struct Server {
    plane: &'static ControlPlane,
    namespace: String,
    url: String,
    reports: Reports,
    _end: DropGuard,
}

impl Server {
    async fn start(prefix: &str) -> Self {
        let plane = cluster().await;
        let namespace = plane.namespace(prefix).await.unwrap();
        let n = format!("--namespace={namespace}");
        for account in ["gate", "other"] {
            plane.kubectl_ok(&["create", "serviceaccount", account, &n]).await.unwrap();
        }
        let rule = ["create", "role", "gate", "--verb=get", "--resource=testrunreports.testrun.dev", &n];
        plane.kubectl_ok(&rule).await.unwrap();
        let account = format!("--serviceaccount={namespace}:gate");
        plane.kubectl_ok(&["create", "rolebinding", "gate", "--role=gate", &account, &n]).await.unwrap();
        let user = format!("system:serviceaccount:{namespace}:gate");
        may(plane, &user, "get", "testrunreports.testrun.dev", &namespace).await;
        let listener = serve::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reports = Reports::default();
        let site = Site::new(client(plane).await, reports.clone(), vec![AUDIENCE.to_owned()]);
        let end = CancellationToken::new();
        tokio::spawn(serve::serve(listener, None, site, end.clone()));
        Self { plane, namespace, url, reports, _end: end.drop_guard() }
    }

    async fn token(&self, account: &str, more: &[&str]) -> String {
        let n = format!("--namespace={}", self.namespace);
        let args = [&["create", "token", account, &n], more].concat();
        self.plane.kubectl_ok(&args).await.unwrap().trim().to_owned()
    }

    /// A token of the account that may read, for this server.
    async fn good(&self) -> String {
        self.token("gate", &[&format!("--audience={AUDIENCE}")]).await
    }

    fn path(&self, name: &str, what: &str) -> String {
        format!("/apis/v1alpha1/namespaces/{}/testrunreports/{name}/{what}", self.namespace)
    }

    /// Asks with the token of the account that may read.
    async fn ask(&self, name: &str, what: &str) -> (u16, Value) {
        ask(&self.url, Method::GET, &self.path(name, what), Some(&self.good().await)).await
    }

    async fn create(&self, name: &str) {
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"source": {"github": {"repository": "octo-org/hello", "branch": "main"}}}});
        self.plane.admin().with_file(&object.to_string(), &["create"]).await.unwrap();
    }

    /// Writes a status as the operator would.
    async fn decide(&self, name: &str, observed: i64, passed: &str, complete: &str) {
        let of = |kind: &str, status: &str| {
            json!({"type": kind, "status": status, "reason": "Told", "message": "by the test",
                "observedGeneration": observed, "lastTransitionTime": "2026-01-02T03:04:05Z"})
        };
        let status = json!({"status": {"observedGeneration": observed, "phase": "x",
            "source": {"repository": "Octo-Org/Hello", "sha": SHA, "pullRequest": 20},
            "conditions": [of("Passed", passed), of("Complete", complete)]}});
        let n = format!("--namespace={}", self.namespace);
        let args =
            ["patch", "trr", name, &n, "--subresource=status", "--type=merge", "-p", &status.to_string()];
        self.plane.kubectl_ok(&args).await.unwrap();
    }

    async fn report(&self, name: &str) -> TestRunReport {
        let n = format!("--namespace={}", self.namespace);
        let found = self.plane.admin().json(&["get", "trr", name, &n]).await.unwrap();
        serde_json::from_value(found).unwrap()
    }

    /// Makes this what a watch saw last, however the report is by now.
    fn cache(&self, report: TestRunReport) {
        let (store, mut writer) = reflector::store();
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitApply(Kept::from(&report)));
        writer.apply_watcher_event(&Event::InitDone);
        self.reports.add(store);
    }
}

/// One request; TLS is checked against these certificates.
async fn ask_tls(
    url: &str,
    roots: Option<Vec<Vec<u8>>>,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> (u16, Value) {
    let mut config = kube::Config::new(url.parse().unwrap());
    config.default_retry = false;
    config.root_cert = roots;
    config.auth_info.token = token.map(SecretString::from);
    let client = kube::Client::try_from(config).unwrap();
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = client.send(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub async fn ask(url: &str, method: Method, path: &str, token: Option<&str>) -> (u16, Value) {
    ask_tls(url, None, method, path, token).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_has_its_word_and_only_a_pass_is_a_two_hundred_at_the_gate() {
    let server = Server::start("states").await;
    server.create("r").await;
    let about = |sha: &str| format!("?sha={sha}&repository=octo-org/hello");
    let expect = async |what: &str, query: &str, word: &str, last: bool, code: u16| {
        let (status, body) = server.ask("r", &format!("verdict{query}")).await;
        assert_eq!(
            (status, body["verdict"].as_str().unwrap(), &body["final"]),
            (200, word, &json!(last)),
            "{what}: {body}"
        );
        assert_eq!(body["passed"], json!(word == "passed"), "{what}");
        let (status, at_gate) = server.ask("r", &format!("gate{query}")).await;
        assert_eq!((status, &at_gate["verdict"]), (code, &body["verdict"]), "{what}");
        body
    };
    let body = expect("never looked at", "", "undecided", false, 425).await;
    assert_eq!((&body["observedGeneration"], &body["reason"]), (&json!(-1), &json!("NotReconciled")));
    server.decide("r", 1, "Unknown", "False").await;
    expect("running", "", "undecided", false, 425).await;
    server.decide("r", 1, "False", "False").await;
    expect("red while others run", "", "failed", false, 409).await;
    server.decide("r", 1, "False", "True").await;
    expect("red", "", "failed", true, 409).await;
    expect("another commit is red", &about(&"f".repeat(40)), "undecided", false, 425).await;
    server.decide("r", 1, "True", "True").await;
    let body = expect("green", &about(SHA), "passed", true, 200).await;
    assert_eq!(
        (&body["sha"], &body["pullRequest"], &body["generation"]),
        (&json!(SHA), &json!(20), &json!(1))
    );
    expect("another commit is green", &about(&"f".repeat(40)), "undecided", false, 425).await;
    expect("another repository", &format!("?repository=octo-org/hello2&sha={SHA}"), "undecided", false, 425)
        .await;
    // Green at the old spec.
    let n = format!("--namespace={}", server.namespace);
    let edit = r#"{"spec":{"workflows":["lint"]}}"#;
    server.plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", edit]).await.unwrap();
    let body = expect("an old generation", "", "undecided", false, 425).await;
    assert_eq!((&body["generation"], &body["observedGeneration"]), (&json!(2), &json!(1)));
    assert_eq!(body["reason"], "NotReconciled");
    server.decide("r", 2, "True", "True").await;
    expect("green again", "", "passed", true, 200).await;
    // Being deleted, and gone.
    let hold = r#"{"metadata":{"finalizers":["example.com/hold"]}}"#;
    server.plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", hold]).await.unwrap();
    server.plane.kubectl_ok(&["delete", "trr", "r", &n, "--wait=false"]).await.unwrap();
    expect("being deleted", "", "undecided", true, 425).await;
    let free = r#"{"metadata":{"finalizers":null}}"#;
    server.plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", free]).await.unwrap();
    let (status, body) = server.ask("r", "gate").await;
    assert_eq!(status, 404, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_has_fallen_behind_lets_nothing_through() {
    let server = Server::start("behind").await;
    server.create("r").await;
    server.decide("r", 1, "True", "True").await;
    server.cache(server.report("r").await);
    assert_eq!(server.ask("r", "gate").await.0, 200);
    // The watch does not notice what happens now.
    server.decide("r", 1, "False", "True").await;
    assert_eq!(server.ask("r", "gate").await.0, 409);
    server.decide("r", 1, "True", "True").await;
    let n = format!("--namespace={}", server.namespace);
    let edit = r#"{"spec":{"workflows":["lint"]}}"#;
    server.plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", edit]).await.unwrap();
    assert_eq!(server.ask("r", "gate").await.0, 425);
    server.plane.kubectl_ok(&["delete", "trr", "r", &n]).await.unwrap();
    assert_eq!(server.ask("r", "gate").await.0, 404);
    // A successor of the same name has its own verdict.
    server.create("r").await;
    assert_eq!(server.ask("r", "gate").await.0, 425);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_pass_is_answered_from_the_cache() {
    let server = Server::start("cached").await;
    server.create("r").await;
    server.cache(server.report("r").await);
    server.decide("r", 1, "True", "True").await;
    let (status, body) = server.ask("r", "gate").await;
    assert_eq!(
        (status, &body["observedGeneration"]),
        (425, &json!(-1)),
        "the watch brings it a moment later"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_that_can_only_post_ask_with_a_post() {
    let server = Server::start("post").await;
    server.create("r").await;
    let token = server.good().await;
    let post =
        async |what: &str| ask(&server.url, Method::POST, &server.path("r", what), Some(&token)).await.0;
    assert_eq!(post("gate").await, 425);
    server.decide("r", 1, "True", "True").await;
    assert_eq!(post("gate").await, 200);
    assert_eq!(post("verdict").await, 405, "a verdict is read");
    assert_eq!(ask(&server.url, Method::DELETE, &server.path("r", "gate"), Some(&token)).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_makes_no_sense_is_refused_with_what_to_ask() {
    let server = Server::start("bad").await;
    server.create("r").await;
    for (what, status, words) in [
        ("verdict?sha=0123456", 400, "full commit id"),
        ("verdict?sha=", 400, "full commit id"),
        ("verdict?shaa=1", 400, "sha and repository"),
        (&format!("verdict?sha={SHA}&sha={SHA}"), 400, "each once"),
        ("verdict?repository=hello", 400, "owner/name"),
        ("status", 404, "/verdict"),
    ] {
        let (got, body) = server.ask("r", what).await;
        assert_eq!(got, status, "{what}: {body}");
        assert!(body["error"].as_str().unwrap().contains(words), "{what}: {body}");
    }
    for name in ["R", "a%2fb", "%1b%5bm", &"a".repeat(254)] {
        let (status, body) = server.ask(name, "verdict").await;
        assert_eq!(status, 400, "{name}: {body}");
        assert!(!body.to_string().contains('\u{1b}'));
    }
    assert_eq!(server.ask("missing", "verdict").await.0, 404);
}
