//! What is written can be read, and says the same.

use super::*;

fn with_cases(name: &str, text: &str) -> Parsed {
    parse_bytes(name, text.as_bytes(), &Limits { cases: 1000, ..Limits::default() })
}

const XML: &str = "<testsuite name='s &lt;1&gt;'>
  <testcase name='ok' classname='c' time='0.5'/>
  <testcase name='flaky'><flakyFailure/></testcase>
  <testcase name='a &quot;b&quot; &amp; c' file='x.py' line='3'><failure message='1 &lt; 2&#10;no'/></testcase>
  <testcase name='err'><error message='setup'/></testcase>
  <testcase name='skip'><skipped/></testcase>
  <testcase name='[It] later' status='pending'><skipped/></testcase>
</testsuite>";

#[test]
fn junit_that_is_written_reads_back_the_same() {
    let parsed = with_cases("in.xml", XML);
    assert_eq!(parsed.cases.len(), 6);
    let mut out = Vec::new();
    write_junit(&parsed, &mut out).unwrap();
    let again = parse("out.xml", &out);
    assert_eq!(again.tests, parsed.tests, "{}", String::from_utf8_lossy(&out));
    assert_eq!(names(&again), names(&parsed));
    assert_eq!(place(failure(&again, "a \"b\" & c")), "x.py:3");
    assert!(again.complete && again.warnings.is_empty(), "{:?}", again.warnings);
}

#[test]
fn ctrf_that_is_written_reads_back_the_same() {
    let parsed = with_cases("in.xml", XML);
    let mut out = Vec::new();
    write_ctrf(&parsed, &mut out).unwrap();
    let again = parse("out.json", &out);
    assert_eq!(again.format, Format::Ctrf);
    // CTRF has no state for errors.
    assert_eq!(counts(&again), [6, 2, 2, 0, 1, 1, 1]);
    assert_eq!(names(&again), names(&parsed));
}

#[test]
fn tests_whose_names_are_not_known_are_not_made_up() {
    let log = "Summarizing 1 Failure:\n  [FAIL] a b\n  /x/a_test.go:1\n\nRan 110 of 110 Specs in 42.286 seconds\nFAIL! -- 109 Passed | 1 Failed | 0 Pending | 0 Skipped\nFAIL\tx/broken [build failed]\n";
    let parsed = parse("a.log", log);
    let mut out = Vec::new();
    write_junit(&parsed, &mut out).unwrap();
    let xml = String::from_utf8(out).unwrap();
    assert!(xml.contains("tests=\"110\" failures=\"1\""), "{xml}");
    assert!(xml.contains("testrun.notListed"), "{xml}");
    assert!(xml.contains("<testsuite name=\"x/broken\" tests=\"0\" failures=\"0\" errors=\"1\">"), "{xml}");
    let mut out = Vec::new();
    write_ctrf(&parsed, &mut out).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["results"]["summary"]["passed"], 109);
    assert_eq!(report["results"]["extra"]["testrun"]["complete"], false);
}

#[test]
fn a_failure_outside_of_tests_is_one_for_whoever_reads_the_file() {
    let broken = "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \tx\t0.1s\n";
    for (what, limit, listed) in [("one", 10, 1), ("one that is not in the list", 0, 0)] {
        let log = format!("{broken}FAIL\ty [build failed]\n");
        let limits = Limits { failures: limit, cases: 10, ..Limits::default() };
        let parsed = parse_bytes("go.log", log.as_bytes(), &limits);
        assert_eq!((counts(&parsed), parsed.failures.len()), ([1, 1, 0, 0, 0, 0, 0], listed), "{what}");
        let (mut xml, mut json) = (Vec::new(), Vec::new());
        write_junit(&parsed, &mut xml).unwrap();
        write_ctrf(&parsed, &mut json).unwrap();
        let text = String::from_utf8(xml.clone()).unwrap();
        let errors: u64 = text
            .match_indices(" errors=\"")
            .map(|(at, found)| text[at + found.len()..].split('"').next().unwrap().parse::<u64>().unwrap())
            .sum();
        assert_eq!(errors, 2, "{what}: at the root and in its suite: {text}");
        let again = parse("out.xml", &xml);
        assert_eq!((counts(&again), again.failures.len()), (counts(&parsed), listed), "{what}: {text}");
        assert_eq!(again.failures.first().map(|f| f.name.as_str()), (listed == 1).then_some("y"), "{what}");
        for out in [xml, json] {
            let again = parse("out", &out);
            assert!(
                !again.complete && warns(&again, "failures outside of tests"),
                "{what}: {:?}",
                again.warnings
            );
        }
    }
}

#[test]
fn the_json_of_a_result_has_the_names_of_the_contract() {
    let parsed = parse("dir/a.xml", XML);
    let json = serde_json::to_value(&parsed).unwrap();
    assert_eq!(json["file"], "dir/a.xml");
    assert_eq!(json["format"], "junit");
    for key in ["total", "passed", "failed", "errored", "skipped", "pending", "flaked"] {
        assert!(json["tests"][key].is_u64(), "{key}");
    }
    assert_eq!(json["failures"][0]["kind"], "failed");
    assert_eq!(json["failuresTotal"], 2);
    assert!(json["warnings"].is_array() && json["complete"] == true);
    let back: Parsed = serde_json::from_value(json).unwrap();
    // What only the history keeps is in no contract.
    assert!(!parsed.slowest.is_empty());
    assert_eq!(back, Parsed { slowest: Slowest::default(), ..parsed });
    for format in [Format::GoTestJson, Format::CargoTest, Format::PlaywrightJson, Format::Unknown] {
        assert_eq!(serde_json::to_value(format).unwrap(), format.name());
    }
}

#[test]
fn several_files_are_written_as_one_report_that_reads_back_with_all_their_tests() {
    let go = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:3: no\n\
              --- FAIL: TestB (0.00s)\nFAIL\nFAIL\tx\t0.1s\n";
    let all = vec![with_cases("in.xml", XML), with_cases("go.log", go)];
    let mut expected = all[0].tests;
    expected.merge(all[1].tests);
    let sum = Parsed::sum(all).unwrap();
    assert_eq!(sum.tests, expected);
    let mut out = Vec::new();
    write_junit(&sum, &mut out).unwrap();
    assert_eq!(parse("out.xml", &out).tests, expected);
    assert!(Parsed::sum(Vec::new()).is_none());
}

#[test]
fn what_is_not_in_the_tests_is_not_lost_on_the_way() {
    // A log that breaks off, and a package that was not built: every test that is known passed.
    for log in [
        "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n",
        "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \tx\t0.1s\nFAIL\ty [build failed]\n",
    ] {
        let parsed = with_cases("go.log", log);
        let (mut xml, mut json) = (Vec::new(), Vec::new());
        write_junit(&parsed, &mut xml).unwrap();
        write_ctrf(&parsed, &mut json).unwrap();
        for out in [xml, json] {
            let again = parse("again", &out);
            assert!(!again.complete, "{log}: {}", String::from_utf8_lossy(&out));
            assert!(warns(&again, "the report was made from results"), "{:?}", again.warnings);
        }
    }
}
