//! How long single tests take: kept of what logs and reports tell, ranked, and shown where it was.

use serde_json::Value;
use testrun_operator::evidence::job::of_job;
use testrun_operator::evidence::parse::{Limits, parse_bytes};
use testrun_operator::history::{Place, Store};

use super::{BOUNDS, record, sha};
use crate::cli::Cli;

/// Durations of passing tests as a report of a job tells them, and how they end up in what is known of it.
fn told(report: &str) -> Vec<(String, i64)> {
    let parsed = parse_bytes("report", report.as_bytes(), &Limits::default());
    of_job("unit", b"", None, Some(parsed)).slowest
}

#[test]
fn each_format_that_has_durations_tells_them_of_what_passed() {
    let junit = r#"<testsuite name="s" tests="4" failures="1">
        <testcase name="slow" time="12.5"/><testcase name="quick" time="0.05"/><testcase name="some" time="0.1"/>
        <testcase name="broken" time="99"><failure message="no"/></testcase></testsuite>"#;
    assert_eq!(told(junit), [("slow".to_owned(), 12_500), ("some".to_owned(), 100)]);
    let go = "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"TestA\"}\n\
              {\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestA\",\"Elapsed\":2.25}\n\
              {\"Action\":\"pass\",\"Package\":\"p\",\"Elapsed\":2.3}\n";
    assert_eq!(told(go), [("TestA".to_owned(), 2_250)]);
    let ctrf = r#"{"reportFormat":"CTRF","specVersion":"0.0.0","results":{"tool":{"name":"x"},
        "summary":{"tests":2,"passed":2,"failed":0,"pending":0,"skipped":0,"other":0,"start":1,"stop":2},
        "tests":[{"name":"a","status":"passed","duration":1500},{"name":"b","status":"passed","duration":-3}]}}"#;
    assert_eq!(told(ctrf), [("a".to_owned(), 1_500)]);
    let many: String = (1..=40)
        .map(|n| format!("<testcase name=\"t{n}\" time=\"{n}\"/><testcase name=\"t{n}\"/>"))
        .collect();
    let found = told(&format!("<testsuite name=\"s\">{many}</testsuite>"));
    assert_eq!(
        (found.len(), &found[0], &found[19]),
        (20, &("t40".to_owned(), 40_000), &("t21".to_owned(), 21_000))
    );
    // Without a report the log is asked.
    let log = b"=== RUN   TestB\n--- PASS: TestB (3.10s)\n=== RUN   TestC\n--- FAIL: TestC (7.00s)\nFAIL\nFAIL\tp\t10s\n";
    assert_eq!(of_job("unit", log, None, None).slowest, [("TestB".to_owned(), 3_100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_tests_and_where_they_took_longest_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let store = Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap();
    for (commit, millis) in [(990, 400), (991, 65_000), (992, 1_250)] {
        let mut one = record("n", commit, "unit", &["failure", "success"]);
        // The first attempt failed by another test.
        one.results[0].slowest = vec![("slow".into(), millis), ("steady".into(), 300)];
        store.record(&one).await.unwrap();
    }
    drop(store);
    let db = file.to_str().unwrap();
    let ran = Cli::new(&["top", "tests", "--by", "seconds", "--db", db, "-n", "n"]).run().await;
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][rows[0].len() - 3..], ["TIMED", "MEAN", "MAX"], "{ran:?}");
    assert!(rows[1].contains(&"slow") && rows[1].ends_with(&["3", "22.2s", "1m5s"]), "{ran:?}");
    assert!(rows[2].contains(&"steady") && rows[2].ends_with(&["3", "300ms", "300ms"]), "{ran:?}");
    let json =
        Cli::new(&["top", "tests", "--by", "seconds", "--db", db, "-n", "n", "-o", "json"]).run().await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let first = &json["ranked"][0];
    assert_eq!(
        (&first["meanMillis"], &first["maxMillis"], &first["timed"]),
        (&22_216.into(), &65_000.into(), &3.into())
    );
    let csv = Cli::new(&["top", "tests", "--by", "seconds", "--db", db, "-n", "n", "-o", "csv"]).run().await;
    assert!(csv.out.lines().next().unwrap().ends_with(",timed,meanMillis,maxMillis"), "{csv:?}");
    let ran = Cli::new(&["history", "--test", "slow", "--db", db, "-n", "n"]).run().await;
    let line = ran.out.lines().find(|line| line.starts_with("test ")).unwrap();
    let longest = &sha(991)[..8];
    let wanted = format!("1.2s in the median, 1m5s at most (on {longest} in run 9910), of 3 passes");
    assert!(line.contains(&wanted), "{ran:?}");
}
