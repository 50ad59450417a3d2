//! What is exported as Parquet, read by another implementation.

use std::process::Stdio;

use serde_json::{Value, json};
use testrun_operator::history::{Place, Store};
use tokio::process::Command;

use super::{BOUNDS, REPO, record, sha};
use crate::cli::{Cli, repository};

/// Names that end a string, a line, a cell, or the patience of a reader.
const HOSTILE: [&str; 6] = [
    "=HYPERLINK(\"http://a\",\"b\")", "a,b;c\td", "\u{1F600} \u{05d0}\u{0301}", "PAR1", "",
    " '; DROP TABLE x; --",
];

/// Schema and rows of a file.
async fn read(bytes: &[u8]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.parquet");
    std::fs::write(&file, bytes).unwrap();
    let run = Command::new("go")
        .args(["run", "."])
        .arg(&file)
        .current_dir(repository("tests/parquet"))
        .output()
        .await
        .unwrap_or_else(|e| {
            panic!("cannot run go: {e}; install Go 1.26 or later: tests/parquet reads Parquet")
        });
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

async fn export(args: &[&str]) -> Vec<u8> {
    let ran = Command::new(env!("CARGO_BIN_EXE_kubectl-testrun"))
        .env_clear()
        .args(args)
        .args(["-n", "n", "-o", "parquet"])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn another_implementation_reads_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let store = Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap();
    let mut seen = record("n", 1, "unit", &["failure", "success"]);
    (seen.results[0].tests_total, seen.results[0].tests_failed) = (Some(i64::MAX), Some(0));
    seen.results[1].started = None;
    seen.branch = None;
    store.record(&seen).await.unwrap();
    for (name, commit) in HOSTILE.iter().zip(2..) {
        let mut one = record("n", commit, "unit", &["failure"]);
        one.results[0].workflow = (*name).into();
        one.results[0].failing = vec![(*name).into()];
        one.branch = Some((*name).into());
        one.pull_request = Some(7);
        store.record(&one).await.unwrap();
    }
    let db = file.to_str().unwrap();
    let found = read(&export(&["history", "--db", db, "--job", "unit", "--all"]).await).await;
    assert_eq!(
        found["schema"],
        json!({"repository": "optional STRING", "sha": "optional STRING", "branch": "optional STRING",
            "pullRequest": "optional INT64", "workflow": "optional STRING", "job": "optional STRING",
            "event": "optional STRING", "run": "optional INT64", "attempt": "optional INT64",
            "jobId": "optional INT64", "result": "optional STRING", "seconds": "optional INT64",
            "ended": "optional TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)", "tests": "optional INT64",
            "testsFailed": "optional INT64", "fingerprint": "optional STRING", "testMillis": "optional INT64"})
    );
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2 + HOSTILE.len());
    // The newest first; names are what they are.
    let names: Vec<&str> = rows[..HOSTILE.len()].iter().map(|r| r["workflow"].as_str().unwrap()).collect();
    assert_eq!(names, HOSTILE.iter().rev().copied().collect::<Vec<_>>());
    let [again, first] = &rows[HOSTILE.len()..] else { panic!("{rows:?}") };
    assert_eq!(
        (&again["branch"], &again["pullRequest"], &again["seconds"], &again["tests"], &again["fingerprint"]),
        (&Value::Null, &Value::Null, &Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!((&again["result"], &again["attempt"]), (&json!("success"), &json!(2)));
    assert_eq!((&first["tests"], &first["testsFailed"]), (&json!(i64::MAX), &json!(0)));
    assert_eq!((&first["sha"], &first["repository"]), (&json!(sha(1)), &json!(REPO)));
    assert_eq!(first["ended"].as_i64().unwrap(), seen.results[0].finished * 1000);

    let commits = read(&export(&["history", "--db", db]).await).await;
    let first = &commits["rows"][HOSTILE.len()];
    assert_eq!(
        (&first["final"], &first["verdict"], &first["results"]),
        (&json!(true), &json!("passed"), &json!(2))
    );
    assert_eq!(commits["schema"]["final"], "optional BOOLEAN");
    let top = read(&export(&["top", "tests", "--by", "failures", "--days", "60", "--db", db]).await).await;
    assert_eq!(top["schema"]["failureRate"], "optional DOUBLE");
    assert!(
        top["rows"].as_array().unwrap().iter().any(|r| r["test"] == HOSTILE[0] && r["failureRate"] == 1.0)
    );
    let empty = read(&export(&["history", "--db", db, "--job", "none"]).await).await;
    assert_eq!((&empty["rows"], &empty["schema"]), (&json!([]), &found["schema"]));

    // As many pages as there are.
    let csv =
        Cli::new(&["history", "--db", db, "-n", "n", "--job", "unit", "--all", "-o", "csv"]).run().await;
    assert_eq!((csv.code, csv.out.lines().count()), (0, rows.len() + 1), "{csv:?}");
    let both = Cli::new(&["history", "--db", db, "-n", "n", "--all", "--limit", "3"]).run().await;
    assert_eq!(both.code, 64, "{both:?}");
}
