//! Who sees what, by the word of the API server, with the operator as a process.

use http::Method;
use serde_json::json;
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::pure::without_script;
use super::{Shown, ask, get};
use crate::cluster::{cluster, eventually, may};
use crate::story::operator::Operator;

pub const REPO: &str = "acme/shop";
pub const AUDIENCE: &str = "--audience=testrun-operator";

/// Pull request 20 with a red job.
pub fn github() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "<script>alert(1)</script>")));
        s.job(501).start();
        s.job(501).complete("failure");
        s.run(77).settle();
    }));
    gh.pause();
    gh.advance(secs(60));
    gh
}

/// A namespace with a report `r`, and an account `reader` that may get and list its reports.
pub async fn place(plane: &ControlPlane, prefix: &str) -> String {
    let namespace = plane.namespace(prefix).await.unwrap();
    let n = format!("--namespace={namespace}");
    let account = format!("--serviceaccount={namespace}:reader");
    for args in [
        &["create", "serviceaccount", "reader", &n][..],
        &["create", "role", "reader", "--verb=get,list", "--resource=testrunreports.testrun.dev", &n],
        &["create", "rolebinding", "reader", "--role=reader", &account, &n],
    ] {
        plane.kubectl_ok(args).await.unwrap();
    }
    let user = format!("system:serviceaccount:{namespace}:reader");
    may(plane, &user, "list", "testrunreports.testrun.dev", &namespace).await;
    let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "r"},
        "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}, "gate": {"settleSeconds": 0}}});
    plane.admin().with_file(&object.to_string(), &["create", &n]).await.unwrap();
    namespace
}

pub async fn token(plane: &ControlPlane, namespace: &str, account: &str, more: &[&str]) -> String {
    let n = format!("--namespace={namespace}");
    let args = [&["create", "token", account, &n], more].concat();
    plane.kubectl_ok(&args).await.unwrap().trim().to_owned()
}

/// As every answer must be, whatever it says.
pub fn assert_headers(shown: &Shown, what: &str) {
    let header = |name: &str| shown.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{what}: {policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    assert!(policy.contains("; script-src 'self'; connect-src 'self'; "), "{what}: {policy}");
    for (name, want) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(header(name), want, "{what}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_the_namespaces_whose_reports_they_may_list() {
    let plane = cluster().await;
    let (ours, theirs) = (place(plane, "page-ours").await, place(plane, "page-theirs").await);
    let gh = github();
    let both = format!("{ours},{theirs}");
    let args = ["--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s"];
    let operator = Operator::start(plane, &both, gh.url(), &args).await;
    let url = operator.http();
    let (we, they) = (
        token(plane, &ours, "reader", &[AUDIENCE]).await,
        token(plane, &theirs, "reader", &[AUDIENCE]).await,
    );
    plane.kubectl_ok(&["create", "serviceaccount", "nobody", "-n", &ours]).await.unwrap();
    let nobody = token(plane, &ours, "nobody", &[AUDIENCE]).await;

    for (mine, other, token) in [(&ours, &theirs, &we), (&theirs, &ours, &they)] {
        let red = async || {
            let shown = get(&url, "/", token).await;
            let row = format!("<a href=\"/reports/{mine}/r\">#20 at ");
            (shown.body.contains(&row) && shown.body.contains(">Failed</span>")).then_some(shown)
        };
        let shown = eventually(|| "the report in the overview", red).await;
        assert_headers(&shown, "overview");
        assert_eq!(shown.headers["content-type"], "text/html; charset=utf-8");
        assert!(!shown.body.contains(other.as_str()) && shown.body.contains("1 report, page 1 of 1"));

        let one = get(&url, &format!("/reports/{mine}/r"), token).await;
        assert_headers(&one, "report");
        assert_eq!(one.status, 200);
        assert!(
            one.body.contains("PR #20: CI status summary") && one.body.contains("<strong>Failed</strong>")
        );
        assert!(one.body.contains("&lt;script&gt;alert(1)"), "{}", one.body);
        assert!(!without_script(&one.body).contains("<script"), "{}", one.body);
        // Who has it already is told so, and nobody else.
        let path = format!("/reports/{mine}/r");
        let bearer = format!("Bearer {token}");
        let bearer = ("authorization", bearer.as_str());
        let known = async || {
            let tag = get(&url, &path, token).await.headers["etag"].to_str().unwrap().to_owned();
            let again = ask(&url, Method::GET, &path, &[bearer, ("if-none-match", &tag)]).await;
            (again.status == 304).then_some((tag, again))
        };
        let (tag, again) = eventually(|| "a page that has not changed", known).await;
        assert_headers(&again, "not modified");
        assert!(again.body.is_empty() && again.headers["etag"] == tag.as_str(), "{again:?}");
        assert_eq!(
            ask(&url, Method::GET, &path, &[bearer, ("if-none-match", "\"other\"")]).await.status,
            200
        );
        assert_eq!(ask(&url, Method::GET, &path, &[("if-none-match", &tag)]).await.status, 401);
        let hidden = format!("/reports/{other}/r");
        assert_eq!(ask(&url, Method::GET, &hidden, &[bearer, ("if-none-match", "*")]).await.status, 404);
        // The script of the page may be kept, and is nobody else's.
        let address = one.body.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
        let script = get(&url, address, token).await;
        assert_eq!(
            (script.status, &script.headers["content-type"]),
            (200, &"text/javascript; charset=utf-8".parse().unwrap())
        );
        assert!(script.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(script.headers["x-content-type-options"], "nosniff");
        assert!(script.body.contains("use strict"), "{}", script.body);
        assert_eq!(get(&url, address, "nonsense").await.status, 401);
        assert_eq!(get(&url, "/page-0000000000000000.js", token).await.status, 404);
        // What one may not see, what is not there, and what cannot be: the same.
        let hidden = get(&url, &format!("/reports/{other}/r"), token).await;
        assert_headers(&hidden, "hidden");
        assert_eq!(hidden.status, 404);
        for path in
            [format!("/reports/{mine}/no-such"), format!("/reports/{other}/no-such"), "/reports/A/%00".into()]
        {
            let missing = get(&url, &path, token).await;
            assert_eq!((missing.status, &missing.body), (404, &hidden.body), "{path}");
        }
        let filtered = async |namespace: &str| {
            let shown = get(&url, &format!("/?namespace={namespace}"), token).await;
            (shown.status, shown.body.replace(namespace, "NAMESPACE"))
        };
        assert_eq!(filtered(other).await, filtered("no-such").await);
        assert!(filtered(mine).await.1.contains("1 report, page 1 of 1"));
    }
    // Known, and without any right; and who may list everything.
    let shown = get(&url, "/", &nobody).await;
    assert!(shown.status == 200 && shown.body.contains("No report that you may see"), "{}", shown.body);
    assert!(!shown.body.contains(&ours), "not even the name");
    assert_eq!(get(&url, &format!("/reports/{ours}/r"), &nobody).await.status, 404);
    let everything = ["create", "clusterrole", &ours, "--verb=list", "--resource=testrunreports.testrun.dev"];
    plane.kubectl_ok(&everything).await.unwrap();
    let account = format!("--serviceaccount={ours}:nobody");
    let role = format!("--clusterrole={ours}");
    plane.kubectl_ok(&["create", "clusterrolebinding", &ours, &role, &account]).await.unwrap();
    let all = async || get(&url, "/", &nobody).await.body.contains("2 reports, page 1 of 1").then_some(());
    eventually(|| "both namespaces", all).await;

    // A report that is being deleted says so, and is gone after that.
    let n = format!("--namespace={ours}");
    let hold = r#"{"metadata":{"finalizers":["example.com/hold"]}}"#;
    plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", hold]).await.unwrap();
    plane.kubectl_ok(&["delete", "trr", "r", &n, "--wait=false"]).await.unwrap();
    let says = async |path: &str, words: &str| {
        let is = async || get(&url, path, &we).await.body.contains(words).then_some(());
        eventually(|| format!("{path} to say {words}"), is).await;
    };
    let path = format!("/reports/{ours}/r");
    says("/", "the report is being deleted").await;
    says(&path, "the report is being deleted").await;
    let free = r#"{"metadata":{"finalizers":null}}"#;
    plane.kubectl_ok(&["patch", "trr", "r", &n, "--type=merge", "-p", free]).await.unwrap();
    says(&path, "There is no such thing here").await;
    says("/", "No report that you may see").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_sees_nothing_and_a_browser_asks_for_the_token() {
    let plane = cluster().await;
    let namespace = place(plane, "page-unknown").await;
    let gh = github();
    let args = ["--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s"];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    let url = operator.http();
    let good = token(plane, &namespace, "reader", &[AUDIENCE]).await;
    let for_api = token(plane, &namespace, "reader", &[]).await;
    let report = format!("/reports/{namespace}/r");
    for path in ["/", &report, "/reports/no-such/r"] {
        for headers in [
            &[][..],
            &[("authorization", "Bearer nonsense")],
            &[("authorization", &format!("Bearer {for_api}"))],
            &[("authorization", "Basic dXNlcjpub25zZW5zZQ==")],
            // Of a proxy that nobody has configured.
            &[("x-forwarded-access-token", &good)],
        ] {
            let shown = ask(&url, Method::GET, path, headers).await;
            assert_headers(&shown, path);
            assert_eq!(shown.status, 401, "{path}");
            let asked: Vec<_> = shown.headers.get_all("www-authenticate").iter().collect();
            let password = asked.iter().any(|v| v.to_str().unwrap().starts_with("Basic "));
            // No browser sends this by itself: what is typed then would hide it.
            let bearer = headers.iter().any(|(_, value)| value.starts_with("Bearer "));
            assert_eq!(password, !bearer, "{asked:?}");
            assert!(shown.body.contains("--audience=testrun-operator") && !shown.body.contains(&namespace));
        }
    }
    for (method, path, status) in [
        (Method::POST, "/", 405),
        (Method::DELETE, report.as_str(), 405),
        (Method::HEAD, "/", 200),
        (Method::GET, "/?state=green", 400),
        (Method::GET, "/?script=1", 400),
        (Method::GET, "/?page=-1", 400),
    ] {
        let shown = ask(&url, method, path, &[("authorization", &format!("Bearer {good}"))]).await;
        assert_headers(&shown, path);
        assert_eq!(shown.status, status, "{path}");
    }
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_hand_on_a_token_that_the_api_server_takes() {
    use base64::Engine;
    let plane = cluster().await;
    let namespace = place(plane, "page-proxy").await;
    let gh = github();
    let for_api = token(plane, &namespace, "reader", &[]).await;
    // The audience that the API server itself takes, as it would of its OIDC issuer.
    let claims =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(for_api.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.yaml");
    let page = json!({"page": {"audiences": claims["aud"], "tokenHeader": "X-Forwarded-Access-Token"}});
    std::fs::write(&config, page.to_string()).unwrap();
    let config = config.to_str().unwrap();
    let args = ["--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s", "--config", config];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    let url = operator.http();
    let seen = async |headers: &[(&str, &str)]| ask(&url, Method::GET, "/", headers).await.status;
    assert_eq!(seen(&[("x-forwarded-access-token", &for_api)]).await, 200);
    assert_eq!(seen(&[("authorization", &format!("Bearer {for_api}"))]).await, 200);
    assert_eq!(seen(&[("x-forwarded-access-token", "nonsense")]).await, 401);
    assert_eq!(seen(&[]).await, 401);
    // Verdicts have their own audience.
    let verdict = format!("/apis/v1alpha1/namespaces/{namespace}/testrunreports/r/verdict");
    assert_eq!(get(&url, &verdict, &for_api).await.status, 401);
    operator.stop().await;
}
