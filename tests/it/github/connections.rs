//! Several connections in one operator: two servers, two kinds of credentials, and who may use which.

use std::path::Path;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{AppKey, ArtifactSpec, GHES_ACTIONS_APP, GitHub as Fake, Request, Scenario};
use testkit::github::{JobSpec, PullSpec, RunSpec, secs, sha_of};

use crate::cluster::cluster;
use crate::reports;
use crate::story::condition;
use crate::story::operator::Operator;

const GHES_TOKEN: &str = "ghp_of-the-enterprise-server";

/// A private repository with a green pull request, of more jobs than a page holds.
fn green(repository: &'static str, owner: &'static str, actions: u64) -> Scenario {
    Scenario::new().start_now().token(None).setup(move |s| {
        let repo = s.add_repo(repository).private().rule("main", &[("job 7", Some(actions))]);
        repo.pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
        let jobs = (0..130).map(|n| JobSpec::new(format!("job {n}")).id(500 + n));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20).jobs(jobs);
        s.repo(repository).add_run(run);
        for n in 0..130 {
            s.job(500 + n).start();
            s.job(500 + n).complete("success");
        }
        s.run(77).upload(ArtifactSpec::new("must-gather-job-7").file("a.txt", "x"));
        s.run(77).settle();
        s.install(owner);
    })
}

fn report(namespace: &str, name: &str, connection: &str, repository: &str, more: Value) -> String {
    let mut spec = json!({"source": {"github":
        {"connection": connection, "repository": repository, "pullRequest": 20}},
        "gate": {"settleSeconds": 0}, "artifacts": {}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
    .to_string()
}

/// Asks for a look now.
async fn touch(plane: &ControlPlane, namespace: &str, name: &str, value: &str) {
    let annotation = format!("testrun.dev/requestedAt={value}");
    plane
        .kubectl_ok(&["annotate", "testrunreport", name, "-n", namespace, "--overwrite", &annotation])
        .await
        .unwrap();
}

fn message(report: &Value, kind: &str) -> String {
    let all = report["status"]["conditions"].as_array().unwrap();
    all.iter().find(|c| c["type"] == kind).unwrap()["message"].as_str().unwrap().to_owned()
}

/// Replaces a file at once, as a mounted Secret does.
fn put(dir: &Path, name: &str, text: &str) -> String {
    let (path, next) = (dir.join(name), dir.join(format!("{name}.next")));
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, &path).unwrap();
    path.to_str().unwrap().to_owned()
}

fn bearers(gh: &Fake, is: impl Fn(&str) -> bool) -> bool {
    let token = |r: &Request| r.header("authorization").is_none_or(|a| is(a.trim_start_matches("Bearer ")));
    gh.requests().iter().all(token)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_and_an_enterprise_server_side_by_side_each_for_whom_it_is_meant() {
    let plane = cluster().await;
    let (a, b) = (plane.namespace("conn-a").await.unwrap(), plane.namespace("conn-b").await.unwrap());
    let (com, ghes) = (
        Fake::start(green("acme/shop", "acme", testkit::github::ACTIONS_APP)),
        Fake::start(green("corp/app", "corp", GHES_ACTIONS_APP).ghes()),
    );
    let (first, second) = (AppKey::generate(), AppKey::generate());
    com.pause();
    ghes.pause();
    com.update(|s| s.app_keys = vec![first.public.clone()]);
    ghes.add_token(GHES_TOKEN);
    let dir = tempfile::tempdir().unwrap();
    let key = put(dir.path(), "key.pem", &first.pem);
    let token = put(dir.path(), "token", &format!("{GHES_TOKEN}\n"));
    let config = json!({"connections": [
        {"name": "github.com", "url": com.url(), "app": {"appId": testkit::github::OPERATOR_APP, "privateKeyFile": key},
            "namespaces": [a], "repositories": ["acme/*"]},
        {"name": "ghes", "url": ghes.url(), "tokenFile": token, "namespaces": [b], "repositories": ["corp/*"]},
    ]});
    let config = put(dir.path(), "config.yaml", &config.to_string());
    let namespaces = format!("{a},{b}");
    let args = ["--config", &config, "--refresh-interval", "1h"];
    let operator = Operator::start(plane, &namespaces, com.url(), &args).await;
    for (namespace, name, connection, repository) in [
        (&a, "shop", "github.com", "acme/shop"),
        (&a, "foreign", "github.com", "corp/app"),
        (&a, "borrowed", "ghes", "corp/app"),
        (&b, "app", "ghes", "corp/app"),
    ] {
        let object = report(namespace, name, connection, repository, json!({}));
        plane.admin().with_file(&object, &["create"]).await.unwrap();
    }
    let shop = reports::until(plane, &a, "shop", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(shop["status"]["summary"]["jobs"]["display"], "130/130");
    // The check that the branch requires is pinned to Actions, which has another id on this server.
    let app = reports::until(plane, &b, "app", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(app["status"]["summary"]["jobs"]["display"], "130/130");
    let host = ghes.url().trim_end_matches("/api/v3").to_owned();
    assert!(!app["status"].to_string().contains("https://github.com"), "{:#}", app["status"]);
    assert!(app["status"]["source"]["url"].as_str().unwrap().starts_with(&host));
    assert_eq!(app["status"]["artifacts"][0].get("digest"), None, "this server has none");
    for name in ["foreign", "borrowed"] {
        let denied = reports::until(plane, &a, name, "SourceAvailable", "False/ConnectionDenied").await;
        assert_eq!(condition(&denied, "Passed"), "Unknown/ConnectionDenied");
    }

    // Both credentials are replaced under the running operator; the old ones end.
    put(dir.path(), "key.pem", &second.pem);
    put(dir.path(), "token", "ghp_next");
    com.update(|s| {
        s.app_keys = vec![second.public.clone()];
        s.tokens.clear();
    });
    ghes.revoke_token(GHES_TOKEN);
    ghes.add_token("ghp_next");
    for (gh, namespace, name) in [(&com, &a, "shop"), (&ghes, &b, "app")] {
        gh.forget_requests();
        touch(plane, namespace, name, "rotated").await;
        let asked = gh.until(secs(30), |all| all.iter().any(|r| r.path.ends_with("/actions/runs"))).await;
        assert!(asked, "{name} is looked at");
        let refused: Vec<String> =
            gh.requests().iter().filter(|r| r.status == 401).map(Request::line).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
    operator.stop().await;
    assert!(bearers(&ghes, |token| token == "ghp_next"));
    assert!(bearers(&com, |token| token.starts_with("ghs_4242_") || token.starts_with("ey")));
    for gh in [&com, &ghes] {
        assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_a_reports_own_secret_is_put_right_while_the_operator_runs() {
    let plane = cluster().await;
    let namespace = plane.namespace("conn-own").await.unwrap();
    let gh = Fake::start(green("acme/shop", "acme", testkit::github::ACTIONS_APP));
    gh.pause();
    let key = AppKey::generate();
    gh.update(|s| s.app_keys = vec![key.public.clone()]);
    let secret = |pem: &str, id: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": namespace},
            "stringData": {"appId": testkit::github::OPERATOR_APP.to_string(), "privateKey": pem, "installationId": id}})
        .to_string()
    };
    let installation = gh.read(|s| s.installations[0].id.to_string());
    plane.admin().with_file(&secret(&key.pem, "seven"), &["create"]).await.unwrap();
    let operator = Operator::start(plane, &namespace, gh.url(), &["--refresh-interval", "1h"]).await;
    let own = json!({"credentialsRef": {"name": "app"}});
    let object = report(&namespace, "r", "github.com", "acme/shop", own);
    plane.admin().with_file(&object, &["create"]).await.unwrap();
    let seen = reports::until(plane, &namespace, "r", "SourceAvailable", "False/SecretNotFound").await;
    assert!(message(&seen, "SourceAvailable").contains("installationId"), "{seen:#}");
    assert!(gh.requests().is_empty());

    plane.admin().with_file(&secret(&AppKey::generate().pem, &installation), &["replace"]).await.unwrap();
    let seen = reports::until(plane, &namespace, "r", "SourceAvailable", "False/Unauthorized").await;
    assert_eq!(condition(&seen, "Passed"), "Unknown/Unauthorized");
    assert_eq!(condition(&seen, "Reconciling"), "True/Unauthorized");
    let says = message(&seen, "SourceAvailable");
    assert!(says.contains("does not accept the key of App 4242"), "{says}");
    assert!(gh.requests().len() < 20, "it is tried again with growing pauses");

    gh.update(|s| {
        s.installations[0].permissions.remove("checks");
    });
    plane.admin().with_file(&secret(&key.pem, &installation), &["replace"]).await.unwrap();
    let seen = reports::until(plane, &namespace, "r", "SourceAvailable", "False/Forbidden").await;
    assert!(message(&seen, "SourceAvailable").contains("lacks the permission checks:read"), "{seen:#}");

    gh.update(|s| {
        s.installations[0].permissions.insert("checks".into(), "read".into());
    });
    // Nothing tells the operator, so that it finds out by itself.
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
