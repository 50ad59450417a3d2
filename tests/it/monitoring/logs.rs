//! What the log says, and what it never says.

use std::process::Stdio;

use serde_json::json;
use testkit::github::{
    AppKey, Fault, GitHub, Match, OPERATOR_APP, PullSpec, RunSpec, Scenario, secs, sha_of,
};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::cluster::cluster;
use crate::reports;

const REPO: &str = "acme/shop";
const SECRET: &str = "webhook-secret-of-the-test";
const OWN: &str = "ghp_own-token-of-a-report";
const DEFAULT: &str = "ghp_token-of-the-environment";

/// The middle of a key, where no header is.
fn middle(pem: &str) -> String {
    pem.lines().nth(5).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_has_a_secret_even_when_everything_is_logged() {
    let plane = cluster().await;
    let namespace = plane.namespace("logs").await.unwrap();
    let key = AppKey::generate();
    let gh = GitHub::start(Scenario::new().start_now().token(None).setup(|s| {
        s.add_repo(REPO).private().pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
        s.job(501).complete("success");
        s.run(77).settle();
        s.install("acme");
        s.add_token(OWN);
        s.add_token(DEFAULT);
    }));
    gh.update(|s| s.app_keys = vec![key.public.clone()]);
    gh.pause();
    gh.advance(secs(600));
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let config = json!({
        "controller": {"pollInterval": "1s", "refreshInterval": "1s", "namespaces": [namespace]},
        "listeners": {"health": "127.0.0.1:0", "webhooks": "127.0.0.1:0"},
        "logging": {"format": "json", "level": "trace"},
        "connections": [{"name": "app", "url": gh.url(), "namespaces": [namespace], "repositories": ["*"],
            "reportSecrets": true, "app": {"appId": OPERATOR_APP, "privateKeyFile": put("key.pem", &key.pem)},
            "webhookSecretFiles": [put("secret", SECRET)]}]});
    let config = put("config.yaml", &config.to_string());
    let mut child = Command::from(testkit::bound(env!("CARGO_BIN_EXE_testrun-operator")))
        .args(["run", "--github-url", gh.url(), "--config"])
        .arg(&config)
        .env("KUBECONFIG", plane.kubeconfig_path())
        .env("GITHUB_TOKEN", DEFAULT)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (_lifeline, mut stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let reading = tokio::spawn(async move {
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.unwrap();
        log
    });

    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own", "namespace": namespace},
        "stringData": {"token": OWN}});
    plane.admin().with_file(&secret.to_string(), &["create"]).await.unwrap();
    let create = async |name: &str, connection: &str, more: serde_json::Value| {
        let mut spec = reports::of_pull_with(REPO, 20, more);
        spec["source"]["github"]["connection"] = json!(connection);
        reports::create(plane, &namespace, name, spec).await;
    };
    let until = async |name: &str, kind: &str, want: &str| {
        reports::until(plane, &namespace, name, kind, want).await;
    };
    create("by-app", "app", json!({})).await;
    create("by-own", "app", json!({"credentialsRef": {"name": "own"}})).await;
    create("by-default", "github.com", json!({})).await;
    for name in ["by-app", "by-own", "by-default"] {
        until(name, "Passed", "True/AllRequiredSucceeded").await;
    }
    // Refusals of every kind, whose bodies say more than they should.
    let body = json!({"message": format!("Bad credentials {OWN} {DEFAULT}")}).to_string();
    gh.fail(Match::any(), Fault::Answer(401, body));
    for name in ["by-app", "by-own", "by-default"] {
        until(name, "SourceAvailable", "False/Unauthorized").await;
    }
    let made = gh.read(|s| s.tokens.iter().map(|t| t.value.clone()).collect::<Vec<_>>());
    let pid = child.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    assert!(child.wait().await.unwrap().success());

    let log = reading.await.unwrap();
    assert!(
        log.contains("\"level\":\"TRACE\"") && log.lines().count() > 200,
        "{} lines",
        log.lines().count()
    );
    assert!(made.len() > 2, "the App made tokens: {made:?}");
    let secrets =
        made.into_iter().chain([SECRET.to_owned(), OWN.to_owned(), DEFAULT.to_owned(), middle(&key.pem)]);
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} is in the log: {}", line.unwrap_or_default());
    }
}
