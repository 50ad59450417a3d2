//! Reports in files: what is no report is never a pass.

use super::oneshot::{REPO, commit};
use super::*;

/// A report about pull request 20.
const REPORT: &str = "apiVersion: testrun.dev/v1alpha1\nkind: TestRunReport\nmetadata: {name: a}\n\
    spec: {source: {github: {repository: acme/shop, pullRequest: 20}}}\n";

#[tokio::test]
async fn a_file_that_is_no_report_is_wrong_usage_and_says_why() {
    let laughs = |depth: usize| -> String {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..depth {
            let name = format!("*a{}", i - 1);
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![name; 10].join(", ")));
        }
        text
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let json_list = format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
        r#"{"apiVersion":"testrun.dev/v1alpha1","kind":"TestRunReport","metadata":{"name":"a"},"spec":{"source":{"github":{"repository":"acme/shop","pullRequest":20}}}}"#
    );
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "is not a TestRunReport"),
        ("blank", b"\n\n  \n".to_vec(), "is not a TestRunReport"),
        ("only a comment", b"# nothing\n".to_vec(), "is not a TestRunReport"),
        ("no YAML", b"kind: [".to_vec(), "not one document of YAML or JSON"),
        ("no text", vec![0xff, 0xfe, 0, 1], "cannot read"),
        ("zeros", vec![0; 64], "is not a TestRunReport"),
        ("text", b"passed".to_vec(), "expected apiVersion testrun.dev/v1alpha1"),
        ("a list of YAML", b"- kind: TestRunReport\n".to_vec(), "expected apiVersion"),
        ("two reports", format!("{REPORT}---\n{REPORT}").into_bytes(), "not one document"),
        ("another kind after it", format!("{REPORT}---\nkind: ConfigMap\n").into_bytes(), "not one document"),
        ("a List", json_list.into_bytes(), "a list of 1 objects; expected one TestRunReport"),
        ("a list of reports", b"kind: TestRunReportList\nitems: []\n".to_vec(), "a list of 0 objects"),
        ("another kind", REPORT.replace("TestRunReport", "ConfigMap").into_bytes(), "\"ConfigMap\""),
        ("a waiver", REPORT.replace("TestRunReport", "TestRunWaiver").into_bytes(), "\"TestRunWaiver\""),
        ("another case", REPORT.replace("TestRunReport", "testrunreport").into_bytes(), "testrunreport"),
        ("another group", REPORT.replace("testrun.dev", "testrun.example").into_bytes(), "testrun.example"),
        ("another version", REPORT.replace("v1alpha1", "v1").into_bytes(), "testrun.dev/v1alpha1"),
        (
            "a field twice",
            REPORT.replace("pullRequest: 20", "pullRequest: 20, pullRequest: 21").into_bytes(),
            "pullRequest",
        ),
        ("a spec twice", format!("{REPORT}spec: {{}}\n").into_bytes(), "spec"),
        ("no spec", b"apiVersion: testrun.dev/v1alpha1\nkind: TestRunReport\n".to_vec(), "missing field"),
        ("no commit", REPORT.replace(", pullRequest: 20", "").into_bytes(), "exactly one of"),
        (
            "two commits",
            REPORT.replace("pullRequest: 20", "pullRequest: 20, branch: main").into_bytes(),
            "exactly one of",
        ),
        ("an unknown field", REPORT.replace("spec: {", "spec: {gates: {}, ").into_bytes(), "gates"),
        ("a word for a number", REPORT.replace("20", "twenty").into_bytes(), "twenty"),
        ("too large", format!("{REPORT}{}", "# x\n".repeat(300_000)).into_bytes(), "larger than"),
        ("references without end", laughs(12).into_bytes(), "not one document"),
        ("brackets without end", deep.into_bytes(), "not one document"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.yaml");
    for (name, bytes, says) in cases {
        std::fs::write(&path, bytes).unwrap();
        for command in ["gate", "report"] {
            let ran = Cli::new(&[command, "-f", path.to_str().unwrap()]).run().await;
            assert_eq!(ran.code, USAGE, "{command}, {name}: {ran:?}");
            assert!(ran.err.starts_with("error: ") && ran.err.contains(says), "{command}, {name}: {ran:?}");
            assert!(ran.err.contains("report.yaml") && ran.err.len() < 1000, "{command}, {name}: {ran:?}");
            assert!(ran.out.is_empty(), "{command}, {name}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_wrong_usage_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yaml").display().to_string();
    for (file, says) in [
        (missing.as_str(), "cannot open"),
        (folder.path().to_str().unwrap(), "is a directory"),
        ("/dev/null", "is not a TestRunReport"),
        ("", "--filename"),
    ] {
        let ran = Cli::new(&["gate", "-f", file, "--timeout", "30m"]).run().await;
        assert_eq!(ran.code, USAGE, "{file:?}: {ran:?}");
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{file:?}: {ran:?}");
    }
    let closed = Cli::new(&["gate", "-f", "-"]).run().await;
    assert_eq!(closed.code, USAGE, "nothing on standard input: {closed:?}");
    assert!(closed.err.contains("standard input"), "{closed:?}");
    for more in [["--repo", REPO], ["--pr", "20"], ["--run", "77"], ["--branch", "main"]] {
        let ran = Cli::new(&["gate", "-f", "-", more[0], more[1]]).input(REPORT).run().await;
        assert_eq!(ran.code, USAGE, "{more:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_file_is_judged_by_its_spec_alone_and_about_the_commit_that_is_asked_for() {
    let red = commit(&[("unit", "success"), ("lint", "failure")]);
    // What it claims of its status is nobody's verdict.
    let forged = format!(
        "{REPORT}status: {{observedGeneration: 1, phase: Passed, conditions: [{}]}}\n",
        ["Passed", "Complete"]
            .map(|kind| format!(
                "{{type: {kind}, status: 'True', reason: R, message: m, observedGeneration: 1, \
                 lastTransitionTime: '2026-01-02T03:04:05Z'}}"
            ))
            .join(", ")
    );
    let ran = Cli::new(&["gate", "-f", "-"]).on(&red).input(&forged).run().await;
    assert_eq!(ran.code, FAILED, "{ran:?}");

    let green = commit(&[("unit", "success"), ("lint", "success")]);
    let head = testkit::github::sha_of("head");
    let other = testkit::github::sha_of("other");
    for (more, code) in [
        (&[][..], PASSED),
        (&["--sha", head.as_str()], PASSED),
        (&["--sha", other.as_str()], UNDECIDED),
        (&["--sha", &head[..8]], UNDECIDED),
        (&["--sha", ""], UNDECIDED),
    ] {
        let mut args = vec!["gate", "-f", "-"];
        args.extend(more);
        let ran = Cli::new(&args).on(&green).input(REPORT).run().await;
        assert_eq!(ran.code, code, "{more:?}: {ran:?}");
        assert_eq!(ran.out.is_empty(), code != PASSED, "{more:?}: {ran:?}");
    }
    let ran = Cli::new(&["report", "-f", "-", "--sha", &head]).on(&green).input(REPORT).run().await;
    assert_eq!(ran.code, USAGE, "a report of a file is about the file's commit: {ran:?}");
    let paused = REPORT.replace("spec: {", "spec: {suspend: true, ");
    let ran = Cli::new(&["gate", "-f", "-"]).on(&green).input(&paused).run().await;
    assert_eq!(ran.code, UNDECIDED, "{ran:?}");
}
