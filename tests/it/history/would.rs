//! What a changed spec would have said of the commits that a store has.

use serde_json::{Value, json};
use testkit::github::sha_of;
use testrun_operator::history::{Of, Place, Store};

use super::laws::asked;
use super::life::{fail, github, history, pass_again};
use super::sums::{WITHOUT_DURATIONS, WITHOUT_SUMS};
use super::{BOUNDS, REPO, record};
use crate::cli::{Cli, Ran};
use crate::cluster::{cluster, eventually};
use crate::reports;
use crate::story::operator::Operator;

/// A changed report as its author has it in a file.
fn changed(more: &Value) -> String {
    let mut object = json!({
        "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "r"},
        "spec": reports::of_pull(REPO, 20),
    });
    object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object.to_string()
}

async fn tried(more: Value, args: &[&str], envs: &[(&str, &str)]) -> Ran {
    let mut cli = Cli::new(&[&["history", "--would-pass", "-"], args].concat()).input(&changed(&more));
    for (name, value) in envs {
        cli = cli.env(name, value);
    }
    cli.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_tried_before_it_is_tightened() {
    let plane = cluster().await;
    let namespace = plane.namespace("would").await.unwrap();
    let n = format!("--namespace={namespace}");
    let account = format!("--serviceaccount={namespace}:reader");
    for args in [
        &["create", "serviceaccount", "reader", &n][..],
        &["create", "role", "reader", "--verb=get,list", "--resource=testrunreports.testrun.dev", &n],
        &["create", "rolebinding", "reader", "--role=reader", &account, &n],
    ] {
        plane.kubectl_ok(args).await.unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("h.db");
    let db = db.to_str().unwrap();
    let gh = github();
    let args = [
        "--history", "sqlite", "--history-file", db, "--refresh-interval", "1s", "--http-addr", "127.0.0.1:0",
    ];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    fail(&gh);
    reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    let file = ["--db", db, "-n", &namespace];
    let decided = async |word: &str| {
        let found = async || {
            let ran = history(&[&file[..], &["-o", "json"]].concat(), &[]).await;
            let answer: Value = serde_json::from_str(&ran.out).ok()?;
            (answer["commits"][0]["verdicts"][0]["verdict"] == word).then_some(())
        };
        eventually(|| format!("the history to say {word}"), found).await;
    };
    decided("failed").await;
    let same = tried(json!({}), &file, &[]).await;
    assert!(same.code == 0 && same.out.contains(" failed "), "{same:?}");
    assert!(same.out.contains("RequiredFailed: 1 failed: unit\n"), "{}", same.out);
    let waiver = json!({"job": "unit", "reason": "r", "approver": "a", "expiresAt": "2999-01-01T00:00:00Z"});
    let excused = tried(json!({"waivers": [waiver]}), &file, &[]).await;
    assert!(excused.out.contains("1 failed and would pass"), "{}", excused.out);

    pass_again(&gh);
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    decided("passed").await;
    let server = operator.http();
    let kubeconfig = plane.kubeconfig_path().to_str().unwrap();
    let envs = [("KUBECONFIG", kubeconfig), ("TESTRUN_SERVER", server.as_str())];
    let http = ["-n", &namespace, "--account", "reader"];
    // What has not come within a minute never will.
    let gate = json!({"settleSeconds": 0, "deadlineSeconds": 60});
    let suite = |expect: Value| json!({"gate": gate, "suites": [{"name": "all", "match": [{"job": "."}], "expect": expect}]});
    for (spec, verdict, reason) in [
        (json!({}), "passed", "AllRequiredSucceeded"),
        (suite(json!({"count": 1})), "passed", "AllRequiredSucceeded"),
        (suite(json!({"jobs": ["unit", "e2e"]})), "failed", "Incomplete"),
        (json!({"checks": [{"name": "cov"}], "gate": gate}), "failed", "Incomplete"),
        (json!({"checks": [{"name": "cov"}]}), "unknown", "Expecting"),
        (json!({"artifacts": {"testReports": ["junit*"]}}), "unknown", "NotKept"),
        (json!({"suspend": true}), "unknown", "Suspended"),
    ] {
        // From the file and from the operator the same is said.
        for (source, envs) in [(&file[..], &[][..]), (&http[..], &envs[..])] {
            let ran = tried(spec.clone(), &[source, &["-o", "json"]].concat(), envs).await;
            let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
            let commit = &answer["commits"][0];
            assert_eq!(
                (&commit["sha"], answer["commits"].as_array().unwrap().len()),
                (&json!(sha_of("one")), 1)
            );
            assert_eq!(
                (&commit["verdicts"][0]["verdict"], &commit["would"]["verdict"], &commit["would"]["reason"]),
                (&json!("passed"), &json!(verdict), &json!(reason)),
                "{spec} {source:?}: {answer}"
            );
        }
    }
    let tight = tried(suite(json!({"jobs": ["unit", "e2e"]})), &file, &[]).await;
    assert!(
        tight.out.contains("of 1 commits 0 would pass, 1 would fail, 0 unknown\n1 passed and would fail\n"),
        "{}",
        tight.out
    );
    let csv = tried(json!({}), &[&file[..], &["-o", "csv"]].concat(), &[]).await;
    assert!(
        csv.out.lines().count() == 2 && csv.out.contains(",passed,passed,AllRequiredSucceeded,"),
        "{csv:?}"
    );
    operator.stop().await;
    let elsewhere = json!({"source": {"github": {"repository": "acme/other", "branch": "main"}}});
    let other = tried(elsewhere, &file, &[]).await;
    assert!(other.code == 0 && other.out == "no commit is recorded\n", "{other:?}");
    for (more, args, words) in [
        (json!({}), &[][..], "--server URL or --db FILE"),
        (json!({}), &["--db", db, "-n", "a", "--repo", "acme/other"][..], "another repository"),
        (json!({}), &["--db", db, "-n", "a", "--job", "unit"][..], "cannot be used with"),
    ] {
        let ran = tried(more, args, &[]).await;
        assert!(ran.code == 64 && ran.err.contains(words), "{args:?}: {ran:?}");
    }
    let ran = tried(json!({"suites": [{"name": "a", "match": [{"job": "("}]}]}), &file, &[]).await;
    assert!(ran.code == 3 && ran.err.contains("is not a regular expression"), "{ran:?}");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_version_before_keeps_what_it_has_and_says_what_it_lacks() {
    use sqlx::Connection;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let place = Place::File(file.clone());
    let store = Store::open(&place, BOUNDS.bytes).await.unwrap();
    store.record(&record("n", 1, "unit", &["success"])).await.unwrap();
    drop(store);
    sqlx::any::install_default_drivers();
    let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let without_facts = ["DROP TABLE history_facts", "DELETE FROM history_schema WHERE version = 2"];
    for sql in WITHOUT_DURATIONS.into_iter().chain(WITHOUT_SUMS).chain(without_facts) {
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }
    other.close().await.unwrap();
    let read = Store::read(&file).await.unwrap();
    let past = read.past(&asked("n", Of::Commits, 10, None)).await.unwrap();
    assert_eq!((past.commits.len(), &past.commits[0].facts), (1, &Value::Null));
    drop(read);
    let ran = tried(json!({}), &["--db", file.to_str().unwrap(), "-n", "n"], &[]).await;
    assert!(ran.code == 0 && ran.out.contains("unknown") && ran.out.contains("was not kept"), "{ran:?}");
    let store = Store::open(&place, BOUNDS.bytes).await.unwrap();
    let mut second = record("n", 2, "unit", &["success"]);
    second.facts = Some(vec![1, 2, 3]);
    store.record(&second).await.unwrap();
    let past = store.past(&asked("n", Of::Commits, 10, None)).await.unwrap();
    assert_eq!(past.commits.len(), 2);
    assert!(past.commits.iter().all(|c| c.facts.is_null()), "garbage is nothing");
}
