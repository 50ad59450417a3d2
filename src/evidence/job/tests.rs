#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

const GINKGO: &str = "\
2026-01-23T17:00:00.0000000Z Running Suite: Audit
2026-01-23T17:00:01.0000000Z \u{2022} [FAILED] [12.036 seconds]
2026-01-23T17:00:01.0000000Z Audit [It] keeps the chain [integration]
2026-01-23T17:00:01.0000000Z /home/runner/work/k/k/test/audit_test.go:200
2026-01-23T17:00:01.0000000Z
2026-01-23T17:00:01.0000000Z   [FAILED] Expected
2026-01-23T17:00:01.0000000Z       <int>: 0
2026-01-23T17:00:01.0000000Z   to equal
2026-01-23T17:00:01.0000000Z       <int>: 5
2026-01-23T17:00:01.0000000Z   In [It] at: /home/runner/work/k/k/test/audit_test.go:213 @ 01/23/26 17:00:01.123
2026-01-23T17:00:01.0000000Z ------------------------------
2026-01-23T17:00:02.0000000Z Summarizing 1 Failure:
2026-01-23T17:00:02.0000000Z   [FAIL] Audit [It] keeps the chain [integration]
2026-01-23T17:00:02.0000000Z   /home/runner/work/k/k/test/audit_test.go:213
2026-01-23T17:00:02.0000000Z
2026-01-23T17:00:02.0000000Z Ran 110 of 110 Specs in 42.286 seconds
2026-01-23T17:00:02.0000000Z FAIL! -- 109 Passed | 1 Failed | 0 Pending | 0 Skipped
2026-01-23T17:00:03.0000000Z ##[error]Process completed with exit code 1.
";

const SECOND: &str = "\
2026-01-23T17:00:04.0000000Z Ran 20 of 20 Specs in 2.286 seconds
2026-01-23T17:00:04.0000000Z SUCCESS! -- 20 Passed | 0 Failed | 0 Pending | 0 Skipped
";

fn junit(suite: &str, passed: usize, failing: &[(&str, &str)]) -> Vec<u8> {
    let mut cases: String =
        (0..passed).map(|n| format!(r#"<testcase name="{suite} ok {n}" classname="c"/>"#)).collect();
    for (name, message) in failing {
        cases +=
            &format!(r#"<testcase name="{name}" classname="c"><failure message="{message}"/></testcase>"#);
    }
    format!(r#"<testsuites><testsuite name="{suite}">{cases}</testsuite></testsuites>"#).into_bytes()
}

/// What GitHub serves of reports that a job uploads: a zip.
fn archived(files: &[(String, Vec<u8>)]) -> Option<Parsed> {
    Some(parse::parse_archives("a", vec![("a".to_owned(), zip(files))], &Limits::default()))
}

fn zip(files: &[(String, Vec<u8>)]) -> std::io::Cursor<Vec<u8>> {
    use std::io::Write as _;
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(name.as_str(), ::zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap()
}

fn numbers(evidence: &Evidence) -> (i64, i64, i64, i64) {
    let tests = evidence.tests.unwrap();
    (tests.total, tests.passed, tests.failed + tests.errored, evidence.failing_total)
}

#[test]
fn a_log_gives_counts_failing_tests_lines_and_an_identity() {
    let evidence = of_job("integration (ds)", GINKGO.as_bytes(), None, None);
    assert_eq!(numbers(&evidence), (110, 109, 1, 1));
    let test = &evidence.failing[0];
    assert_eq!(test.name, "Audit keeps the chain [integration]");
    assert_eq!((test.file.as_deref(), test.line), (Some("test/audit_test.go"), Some(213)));
    assert!(test.message.as_deref().unwrap().contains("to equal"), "{test:?}");
    assert!(evidence.excerpt.iter().any(|line| line.text.contains("to equal")), "{:?}", evidence.excerpt);
    assert!(!evidence.interrupted && !evidence.baseline);
    assert_eq!(evidence.fingerprint.as_ref().unwrap().len(), 32);
    assert!(evidence.signature.as_deref().unwrap().contains("to equal"), "{:?}", evidence.signature);
    assert!(!evidence.causes.is_empty());
}

#[test]
fn several_summaries_of_a_log_add_up() {
    let evidence = of_job("j", format!("{GINKGO}{SECOND}").as_bytes(), None, None);
    assert_eq!(numbers(&evidence), (130, 129, 1, 1));
}

#[test]
fn counts_that_are_in_the_log_and_in_reports_count_once() {
    let failing = &[("[It] Audit keeps the chain [integration]", "m")];
    let same = ("r.xml".to_owned(), junit("a", 109, failing));
    for (case, log, reports, expected) in [
        ("one report", GINKGO.to_owned(), vec![same.clone()], (110, 109, 1, 1)),
        (
            "the report twice",
            GINKGO.to_owned(),
            vec![same.clone(), ("copy.xml".to_owned(), same.1.clone())],
            (110, 109, 1, 1),
        ),
        ("a report of one suite of two", format!("{GINKGO}{SECOND}"), vec![same.clone()], (130, 129, 1, 1)),
        (
            "reports of both suites",
            format!("{GINKGO}{SECOND}"),
            vec![same.clone(), ("b.xml".to_owned(), junit("b", 20, &[]))],
            (130, 129, 1, 1),
        ),
        (
            "a report of more than the log",
            GINKGO.to_owned(),
            vec![("r.xml".to_owned(), junit("a", 300, failing))],
            (301, 300, 1, 1),
        ),
        ("only a report", "nothing\n".to_owned(), vec![same.clone()], (110, 109, 1, 1)),
        (
            "a report that is none",
            GINKGO.to_owned(),
            vec![("x.bin".to_owned(), vec![0, 1, 2])],
            (110, 109, 1, 1),
        ),
    ] {
        let evidence = of_job("j", log.as_bytes(), None, archived(&reports));
        assert_eq!(numbers(&evidence), expected, "{case}");
        assert_eq!(evidence.failing.len() as i64, evidence.failing_total, "{case}");
        let place = case == "only a report" || evidence.failing[0].line == Some(213);
        assert!(place, "{case}: the log knows the place: {:?}", evidence.failing);
    }
}

#[test]
fn a_failure_outside_of_tests_is_not_lost_to_a_report_in_which_all_passed() {
    let log = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit successfully: `/w/a` (signal: 11, SIGSEGV: invalid memory reference)\n";
    for reports in [None, archived(&[("r.xml".to_owned(), junit("a", 1, &[]))])] {
        let evidence = of_job("j", log.as_bytes(), None, reports);
        assert_eq!(numbers(&evidence), (1, 1, 0, 1), "{:?}", evidence.failing);
        assert_eq!(evidence.failing[0].name, "--lib");
        assert!(evidence.interrupted);
    }
}

#[test]
fn one_run_that_is_written_in_two_formats_counts_once() {
    let ctrf = br#"{"reportFormat":"CTRF","specVersion":"0.0.0","results":{"tool":{"name":"t"},
        "summary":{"tests":2,"passed":1,"failed":1,"pending":0,"skipped":0,"other":0,"start":0,"stop":1},
        "tests":[{"name":"a ok 0","status":"passed","duration":1},{"name":"breaks","status":"failed","duration":1}]}}"#;
    let reports =
        [("r.xml".to_owned(), junit("a", 1, &[("breaks", "m")])), ("r.json".to_owned(), ctrf.to_vec())];
    assert_eq!(numbers(&of_job("j", b"", None, archived(&reports))), (2, 1, 1, 1));
    assert_eq!(numbers(&of_job("j", b"", None, archived(&reports[1..]))), (2, 1, 1, 1));
}

#[test]
fn a_report_that_is_in_two_archives_counts_once() {
    let (one, two) = (junit("a", 3, &[("breaks", "m")]), junit("b", 5, &[]));
    let first = ("unit".to_owned(), zip(&[("r.xml".to_owned(), one.clone())]));
    let second = ("all".to_owned(), zip(&[("x/r.xml".to_owned(), one), ("b.xml".to_owned(), two)]));
    let reports = parse::parse_archives("a", vec![first, second], &Limits::default());
    assert_eq!(numbers(&of_job("j", b"", None, Some(reports))), (9, 8, 1, 1));
}

#[test]
fn an_archive_that_is_none_leaves_the_others() {
    let good = ("unit".to_owned(), zip(&[("r.xml".to_owned(), junit("a", 3, &[]))]));
    let bad = ("torn".to_owned(), std::io::Cursor::new(b"PK\x03\x04torn".to_vec()));
    let reports = parse::parse_archives("a", vec![bad, good], &Limits::default());
    assert!(reports.warnings.iter().any(|w| w.text.contains("torn")), "{:?}", reports.warnings);
    assert!(!reports.complete);
    let evidence = of_job("j", b"", None, Some(reports));
    assert_eq!((numbers(&evidence), evidence.interrupted), ((3, 3, 0, 0), true));
}

#[test]
fn the_time_and_the_objects_of_a_failing_test_are_known() {
    let log = GINKGO.replace("<int>: 0", "<string>: rr-p3-c3965f58-0221");
    let evidence = of_job("j", log.as_bytes(), None, None);
    let (from, to) = evidence.window.unwrap();
    // It took 12 s before it was told.
    assert_eq!(
        (from.to_string().as_str(), to.to_string().as_str()),
        ("2026-01-23T16:59:48.964Z", "2026-01-23T17:00:07Z")
    );
    assert_eq!(evidence.subjects, ["rr-p3-c3965f58-0221"]);
}

#[test]
fn a_failure_is_never_lost_to_a_report_of_other_tests() {
    let green = ("r.xml".to_owned(), junit("python", 400, &[]));
    let evidence = of_job("j", GINKGO.as_bytes(), None, archived(&[green]));
    assert_eq!(numbers(&evidence), (510, 509, 1, 1));
    let red = ("r.xml".to_owned(), junit("python", 400, &[("test_a", "x"), ("test_b", "y")]));
    let evidence = of_job("j", GINKGO.as_bytes(), None, archived(&[red]));
    assert_eq!(numbers(&evidence), (512, 509, 3, 3));
}

#[test]
fn a_log_that_breaks_off_or_was_cancelled_is_interrupted() {
    let cut = &GINKGO[..GINKGO.find("Summarizing").unwrap()];
    assert!(of_job("j", cut.as_bytes(), None, None).interrupted, "no summary");
    let log = "2026-01-23T17:00:00.0000000Z ok\n2026-01-23T17:00:09.0000000Z ##[error]The operation was canceled.\n";
    assert!(of_job("j", log.as_bytes(), None, None).interrupted, "cancelled");
    let half = br#"<testsuite name="a"><testcase name="x"/><testcase name="y">"#.to_vec();
    assert!(
        of_job("j", SECOND.as_bytes(), None, archived(&[("r.xml".to_owned(), half)])).interrupted,
        "half a report"
    );
    assert!(!of_job("j", SECOND.as_bytes(), None, None).interrupted);
}

#[test]
fn lists_are_cut_and_the_true_number_stands_beside_them() {
    let failing: Vec<(String, String)> =
        (0..700).map(|n| (format!("t{n:04}"), "boom ".repeat(900))).collect();
    let failing: Vec<(&str, &str)> = failing.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let log: String = (0..5000).map(|n| format!("##[error]{n} {}\n", "x".repeat(3000))).collect();
    let evidence =
        of_job("j", log.as_bytes(), None, archived(&[("r.xml".to_owned(), junit("a", 3, &failing))]));
    assert_eq!((evidence.failing.len(), evidence.failing_total), (200, 700));
    bounded(&evidence);
}

#[test]
fn hostile_text_does_not_reach_the_status() {
    let log = "##[error]a\u{202e}b\u{1b}]0;title\u{7}c\u{200b} ghp_0123456789abcdefghijABCDEFGHIJ012345\n\
               --- FAIL: TestX\u{2066}Y (0.01s)\n    x_test.go:3: \u{1b}[31mbad\u{1b}[0m\u{9b}2J\nFAIL\tp\t0.1s\n";
    let evidence = of_job("\u{202e}name", log.as_bytes(), None, None);
    assert!(!evidence.excerpt.is_empty() && !evidence.failing.is_empty(), "{evidence:?}");
    bounded(&evidence);
    assert!(!format!("{evidence:?}").contains("ghp_"), "{evidence:?}");
}

#[test]
fn timing_is_never_the_likely_cause_without_a_pass_on_retry() {
    let log = "##[error]Timed out after 10s\n".repeat(50) + "##[error]context deadline exceeded\n";
    let evidence = of_job("j", log.as_bytes(), None, None);
    let timing = evidence.causes.iter().find(|cause| cause.kind == "Timeout").unwrap();
    assert!(timing.probability <= 50, "{timing:?}");
    assert!(!timing.evidence.is_empty());
}

#[test]
fn a_green_or_empty_log_has_no_identity() {
    for log in ["", SECOND, "just\nsome\nlines\n"] {
        let evidence = of_job("j", log.as_bytes(), None, None);
        assert_eq!((evidence.fingerprint, evidence.failing_total), (None, 0), "{log:?}");
    }
}

#[test]
fn a_failure_without_tests_is_known_by_the_lines_that_say_why() {
    let log = |time: &str, port: u16| {
        format!(
            "{time} start\n{time} ##[error]dial tcp 10.0.0.9:{port}: connection refused\n{time} ##[error]Process completed with exit code 1.\n"
        )
    };
    let one = of_job("j", log("2026-01-23T17:00:00.0000000Z", 5432).as_bytes(), None, None);
    let other = of_job("j", log("2026-02-01T07:10:09.1234567Z", 38411).as_bytes(), None, None);
    assert!(one.fingerprint.is_some());
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_eq!(one.signature.as_deref(), Some("dial tcp {addr}: connection refused"));
}

/// The limits of the status's fields, and nothing in them that a terminal obeys.
fn bounded(evidence: &Evidence) {
    let fits = |text: &str, cap: usize| {
        assert!(text.chars().count() <= cap, "{text}");
        let bad = |c: char| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
        };
        assert!(!text.chars().any(bad), "{text:?}");
    };
    assert!(evidence.excerpt.len() <= 60 && evidence.causes.len() <= 8 && evidence.failing.len() <= 200);
    evidence.excerpt.iter().for_each(|line| fits(&line.text, 512));
    for test in &evidence.failing {
        fits(&test.name, 512);
        fits(test.file.as_deref().unwrap_or(""), 512);
        fits(test.message.as_deref().unwrap_or(""), 1024);
    }
    for cause in &evidence.causes {
        assert!(cause.evidence.len() <= 8 && (0..=100).contains(&cause.probability));
        assert!(cause.kind != "Timeout" || cause.probability <= 50);
    }
    fits(evidence.signature.as_deref().unwrap_or(""), 512);
    if let Some(tests) = evidence.tests {
        assert_eq!(tests.total, tests.passed + tests.failed + tests.errored + tests.skipped + tests.pending);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_give_bounded_evidence(
        log in proptest::collection::vec(any::<u8>(), 0..400),
        lines in proptest::collection::vec("(##\\[error\\]|--- FAIL: |not ok 1 |FAILED |panic: |\u{202e}|<testcase )?.{0,60}", 0..30),
        report in "(<testsuite><testcase name=\"a\"><failure/>|\\{\"|1\\.\\.2\nnot ok 1 ).{0,80}",
    ) {
        let mut text = lines.join("\n").into_bytes();
        text.extend(&log);
        let evidence = of_job("j", &text, Some(&log), archived(&[("r".to_owned(), report.into_bytes())]));
        bounded(&evidence);
        prop_assert!(evidence.failing.len() as i64 <= evidence.failing_total);
    }
}

mod corpus;
