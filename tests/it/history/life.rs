//! From a report that becomes final to what people see of it, with the operator as a process.

use http::Method;
use serde_json::{Value, json};
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::REPO;
use crate::cli::{Cli, Ran};
use crate::cluster::{cluster, eventually, may};
use crate::reports;
use crate::serve::ask;
use crate::story::operator::Operator;

/// Pull request 20 with one job that runs.
pub fn github() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
    }));
    gh.pause();
    gh
}

pub fn fail(gh: &GitHub) {
    gh.advance(secs(60));
    gh.update(|s| {
        s.job(501).complete("failure");
        s.run(77).settle();
    });
    gh.advance(secs(5));
}

pub fn pass_again(gh: &GitHub) {
    gh.update(|s| {
        s.run(77).rerun("someone", |_| true);
        let again = s.repos[0].jobs.iter().map(|j| j.id).max().unwrap();
        s.job(again).start();
        s.job(again).complete("success");
        s.run(77).settle();
    });
    gh.advance(secs(5));
}

pub async fn history(more: &[&str], envs: &[(&str, &str)]) -> Ran {
    let mut cli = Cli::new(&[&["history"], more].concat());
    for (name, value) in envs {
        cli = cli.env(name, value);
    }
    cli.run().await
}

/// What the history of the job says, as soon as it has so many results.
async fn results(db: &str, namespace: &str, count: usize) -> Value {
    let found = async || {
        let ran = history(&["--db", db, "-n", namespace, "--job", "unit", "-o", "json"], &[]).await;
        let answer: Value = serde_json::from_str(&ran.out).ok()?;
        (answer["results"].as_array()?.len() >= count).then_some(answer)
    };
    eventually(|| format!("{count} results"), found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_verdict_and_record_it_loses_nothing_and_doubles_nothing() {
    let plane = cluster().await;
    let namespace = plane.namespace("history").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("h.db");
    let db = db.to_str().unwrap();
    let gh = github();
    let args = ["--history", "sqlite", "--history-file", db, "--refresh-interval", "1s"];
    let mut operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "r", "Passed", "Unknown/Running").await;
    fail(&gh);
    reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    // Before it may have recorded what it has just said; the next process looks again and does.
    operator.kill().await;
    operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    results(db, &namespace, 1).await;
    for _ in 0..2 {
        operator.kill().await;
        operator = Operator::start(plane, &namespace, gh.url(), &args).await;
        let looked = async || {
            (operator.metric("testrun_history_records_total{outcome=\"stored\"}").await > 0.0).then_some(())
        };
        eventually(|| "the new process to record what it sees", looked).await;
    }
    pass_again(&gh);
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    let answer = results(db, &namespace, 2).await;
    operator.stop().await;
    let told: Vec<String> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            format!("{} {} {} {}", r["runId"], r["attempt"], r["result"].as_str().unwrap(), r["pullRequest"])
        })
        .collect();
    assert_eq!(told, ["77 2 success 20", "77 1 failure 20"]);
    assert_eq!(
        (&answer["summary"]["flakes"]["count"], &answer["summary"]["flakes"]["total"]),
        (&json!(1), &json!(1))
    );

    let table = history(&["--db", db, "-n", &namespace, "--job", "unit"], &[]).await;
    for words in [
        "failed   1 (50.0 %, 9.4 to 90.5) of 2 results", "flaky    1 (100.0 %, 20.6 to 100.0) of 1 commits",
        "#20",
    ] {
        assert!(table.out.contains(words), "{words}: {}", table.out);
    }
    let commits = history(&["--db", db, "-n", &namespace], &[]).await;
    assert!(
        commits.out.contains(" passed ") && commits.out.contains("AllRequiredSucceeded"),
        "{}",
        commits.out
    );
    let csv = history(&["--db", db, "-n", &namespace, "--job", "unit", "-o", "csv"], &[]).await;
    assert_eq!((csv.code, csv.out.lines().count()), (0, 3), "{}", csv.out);
    let top = Cli::new(&["top", "jobs", "--db", db, "-n", &namespace]).run().await;
    assert!(top.code == 0 && top.out.contains("unit"), "{top:?}");
    let other = history(&["--db", db, "-n", "elsewhere", "--job", "unit"], &[]).await;
    assert_eq!((other.code, other.out.as_str()), (0, "no result is recorded\n\n"), "{other:?}");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_each_sees_the_namespaces_whose_reports_they_may_list() {
    let plane = cluster().await;
    let (ours, theirs) = (plane.namespace("ours").await.unwrap(), plane.namespace("theirs").await.unwrap());
    for namespace in [&ours, &theirs] {
        let n = format!("--namespace={namespace}");
        for args in [
            &["create", "serviceaccount", "reader", &n][..],
            &["create", "role", "reader", "--verb=get,list", "--resource=testrunreports.testrun.dev", &n],
            &[
                "create",
                "rolebinding",
                "reader",
                "--role=reader",
                &format!("--serviceaccount={namespace}:reader"),
                &n,
            ],
        ] {
            plane.kubectl_ok(args).await.unwrap();
        }
        let user = format!("system:serviceaccount:{namespace}:reader");
        may(plane, &user, "list", "testrunreports.testrun.dev", namespace).await;
    }
    let gh = github();
    let both = format!("{ours},{theirs}");
    let args = ["--history", "memory", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s"];
    let operator = Operator::start(plane, &both, gh.url(), &args).await;
    reports::create(plane, &ours, "r", reports::of_pull(REPO, 20)).await;
    fail(&gh);
    reports::until(plane, &ours, "r", "Stalled", "True/RequiredFailed").await;
    let server = operator.http();
    let kubeconfig = plane.kubeconfig_path().to_str().unwrap();
    let envs = [("KUBECONFIG", kubeconfig), ("TESTRUN_SERVER", &server)];
    let found = async || {
        let ran = history(&["-n", &ours, "--account", "reader", "--job", "unit"], &envs).await;
        (ran.code == 0 && ran.out.contains("failure")).then_some(ran)
    };
    eventually(|| "the result over HTTP", found).await;
    let top = Cli::new(&["top", "jobs", "--by", "failures", "-n", &ours, "--account", "reader"])
        .env("KUBECONFIG", kubeconfig)
        .env("TESTRUN_SERVER", &server)
        .run()
        .await;
    assert!(top.code == 0 && top.out.contains("unit"), "{top:?}");
    // An account of another namespace, for its own and for this one.
    let token = plane
        .kubectl_ok(&[
            "create",
            "token",
            "reader",
            "--audience=testrun-operator",
            &format!("--namespace={theirs}"),
        ])
        .await
        .unwrap();
    let token = token.trim();
    let page = |namespace: &str, more: &str| format!("/apis/v1alpha1/namespaces/{namespace}/history{more}");
    let get = async |path: String, token: Option<&str>| ask(&server, Method::GET, &path, token).await;
    let (code, own) = get(page(&theirs, "?job=unit"), Some(token)).await;
    assert_eq!((code, &own["results"]), (200, &Value::Null), "{own}");
    for path in [page(&ours, ""), page(&ours, "?job=unit"), page(&ours, "/top")] {
        assert_eq!(get(path.clone(), Some(token)).await.0, 403, "{path}");
        assert_eq!(get(path.clone(), None).await.0, 401, "{path}");
    }
    let envs = [("TESTRUN_SERVER", server.as_str()), ("TESTRUN_TOKEN", token)];
    let refused = history(&["-n", &ours, "--job", "unit"], &envs).await;
    assert!(refused.code == 3 && refused.err.contains("may not list testrunreports"), "{refused:?}");
    for (query, words) in [
        ("?job=a&test=b", "not for both"),
        ("?before=x", "as it was given"),
        ("?jobs=a", "each once"),
        (&format!("?job={}", "a".repeat(1025)), "1024 bytes"),
    ] {
        let (code, body) = get(page(&theirs, query), Some(token)).await;
        assert!(code == 400 && body["error"].as_str().unwrap().contains(words), "{query}: {code} {body}");
    }
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_the_operator_says_so_and_github_is_asked() {
    let gh = github();
    fail(&gh);
    pass_again(&gh);
    let ran =
        Cli::new(&["history", "--repo", REPO, "--job", "unit", "--branch", "feature/x"]).on(&gh).run().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("of 1 commits") && ran.out.contains("failure") && ran.out.contains("success"),
        "{ran:?}"
    );
    assert!(ran.err.contains("what GitHub keeps"), "{ran:?}");
    assert!(gh.requests().len() <= 3, "{:?}", gh.requests().len());
    for (args, words) in [
        (&["history"][..], "--server URL or --db FILE names a history"),
        (&["history", "--repo", REPO], "--job NAME"),
        (&["history", "--job", "unit"], "--repo OWNER/NAME"),
        (&["top", "jobs"], "--server URL or --db FILE"),
        (&["history", "--db", "/nowhere"], "-n NAMESPACE"),
    ] {
        let ran = Cli::new(args).on(&gh).run().await;
        assert!(ran.code == 64 && ran.err.contains(words), "{args:?}: {ran:?}");
    }
    let ran = Cli::new(&["history", "--server", "http://example.com", "-n", "a"])
        .env("TESTRUN_TOKEN", "t")
        .run()
        .await;
    assert!(ran.code == 3 && ran.err.contains("not sent in the clear"), "{ran:?}");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
