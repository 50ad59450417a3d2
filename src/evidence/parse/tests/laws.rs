//! Laws that hold for any input.

use super::*;
use proptest::prelude::*;

/// Pieces that every reader knows, to be put together at random.
const PIECES: &[&str] = &[
    "Running Suite: S - /x\n",
    "Will run 2 of 3 specs\n",
    "Ran 2 of 3 Specs in 0.1 seconds\n",
    "FAIL! -- 1 Passed | 1 Failed | 1 Flaked | 0 Pending | 1 Skipped\n",
    "FAIL! - A, B\n",
    "1 Passed | 0 Failed | 0 Pending | 0 Skipped\n",
    "FAIL! -- A BeforeSuite node failed so all tests were skipped.\n",
    "\u{2022} [FAILED] [0.1 seconds]\n",
    "A [It] b\n",
    "/x/a_test.go:3\n",
    "  [FAILED] no\n",
    "  In [It] at: /x/a_test.go:3 @ x\n",
    "Summarizing 1 Failure:\n",
    "  [FAIL] A [It] b\n",
    "[1] S - 2/3 specs \u{2022}S SUCCESS! 1ms PASS\n",
    "Ginkgo ran 1 suite in 1s\n",
    "=== RUN   TestA\n",
    "=== PAUSE TestA\n",
    "=== CONT  TestA\n",
    "--- PASS: TestA (0.00s)\n",
    "--- FAIL: TestA (0.00s)\n",
    "    a_test.go:3: no\n",
    "panic: boom\n",
    "panic: test timed out after 1s\n",
    "\t\tTestA (1s)\n",
    "ok  \tx/p\t0.1s\n",
    "FAIL\tx/p\t0.1s\n",
    "FAIL\tx/p [build failed]\n",
    "PASS\n",
    "FAIL\n",
    "PASS x/p.TestA (0.00s)\n",
    "FAIL x/p.TestA (re-run 1) (0.00s)\n",
    "=== Failed\n",
    "=== FAIL: x/p TestA (0.00s)\n",
    "DONE 3 tests, 1 skipped, 1 failure in 0.1s\n",
    "DONE 2 runs, 1 tests, 5 failures in 0.1s\n",
    "===== test session starts =====\n",
    "collected 3 items\n",
    "a.py::t PASSED [ 33%]\n",
    "a.py .F. [100%]\n",
    "==== FAILURES ====\n",
    "____ t ____\n",
    "E   no\n",
    "FAILED a.py::t - no\n",
    "=== 1 failed, 1 passed, 2 rerun in 0.1s ===\n",
    "!!! Interrupted: x !!!\n",
    "1..3\n",
    "ok 1 a\n",
    "not ok 2 b\n",
    "not ok 3 c # TODO\n",
    "ok 2 d # skip\n",
    "# tests 2\n",
    "# cancelled 0\n",
    "# pass 9\n",
    "    ok 1 in\n",
    "ok 1 - x {\n",
    "}\n",
    "TAP version 14\n",
    "Bail out!\n",
    "  ---\n",
    "  message: x\n",
    "  ...\n",
    "a.bats\n",
    " \u{2713} a\n",
    " \u{2717} b\n",
    " - c (skipped)\n",
    "3 tests, 1 failure, 1 skipped, 9 not run\n",
    "running 3 tests\n",
    "test a ... ok\n",
    "test b ... FAILED\n",
    "failures:\n",
    "---- b stdout ----\n",
    "thread 'b' panicked at src/a.rs:1:1:\n",
    "    b\n",
    "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n",
    "error: test failed, to rerun pass `--lib`\n",
    "    Starting 3 tests across 1 binary\n",
    "        FAIL [   0.1s] x b\n",
    "  TRY 2 PASS [   0.1s] x b\n",
    "     Summary [   0.1s] 2/3 tests run: 1 passed (9 flaky), 1 failed, 1 skipped\n",
    "FAIL src/a.test.js\n",
    "  \u{25cf} s \u{203a} t\n",
    "Tests:       1 failed, 1 passed, 9 total\n",
    " RUN  v3.0.0 /x\n",
    " FAIL  a.test.ts > t\n",
    "      Tests  1 failed | 1 passed (9)\n",
    "  1 passing (1ms)\n",
    "  1 failing\n",
    "  1) a\n",
    "       b:\n",
    "##[group]Run make\n",
    "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T\"}\n",
    "{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"T\"}\n",
    "{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"T\"}\n",
    "{\"Action\":\"fail\",\"Package\":\"p\"}\n",
    "{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"T\",\"Output\":\"panic: test timed out after 1s\\n\"}\n",
    "{\"Action\":\"output\",\"Package\":\"p\",\"Output\":\"Running Suite: S - /x\\n\"}\n",
    "======================================================================\n",
    "FAIL: test_a (m.T.test_a)\n",
    "----------------------------------------------------------------------\n",
    "Ran 3 tests in 0.1s\n",
    "OK (skipped=1)\n",
    "FAILED (failures=1, errors=9)\n",
    "test_a (m.T.test_a) ... ok\n",
    "[INFO]  T E S T S\n",
    "[INFO] Running a.B\n",
    "[ERROR] Tests run: 3, Failures: 1, Errors: 9, Skipped: 0, Time elapsed: 1 s <<< FAILURE! -- in a.B\n",
    "[ERROR] a.B.c -- Time elapsed: 0.1 s <<< FAILURE!\n",
    "[INFO] Results:\n",
    "[ERROR] Failures:\n",
    "[ERROR]   B.c:3 no\n",
    "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 9, Flakes: 4\n",
    "[INFO] BUILD FAILURE\n",
    "> Task :a:test\n",
    "A > b() FAILED\n",
    "A > b() PASSED\n",
    "3 tests completed, 9 failed, 1 skipped\n",
    "BUILD FAILED in 1s\n",
    "Starting test execution, please wait...\n",
    "  Failed A.B [1 ms]\n",
    "Failed!  - Failed:     9, Passed:     1, Skipped:     0, Total:     3, Duration: 1 s - a.dll\n",
    "Total tests: 3\n",
    "     Passed: 9\n",
    "Test Run Failed.\n",
    "PHPUnit 9.6.1 by Sebastian Bergmann and contributors.\n",
    "..F   3 / 9 ( 33%)\n",
    "There was 1 failure:\n",
    "1) A::b\n",
    "/w/a.php:3\n",
    "FAILURES!\n",
    "Tests: 3, Assertions: 1, Failures: 9.\n",
    "OK (3 tests, 1 assertion)\n",
    "Failures:\n",
    "     Failure/Error: no\n",
    "Finished in 0.1 seconds (files took 0.1 seconds to load)\n",
    "3 examples, 9 failures, 1 pending\n",
    "rspec ./a_spec.rb:3 # a\n",
    "Run options: --seed 1\n",
    "3 runs, 1 assertions, 9 failures, 0 errors, 0 skips\n",
    "Running ExUnit with seed: 1\n",
    "3 tests, 9 failures, 1 invalid\n",
    "[==========] Running 3 tests from 1 test suite.\n",
    "[ RUN      ] A.b\n",
    "[  FAILED  ] A.b (1 ms)\n",
    "[       OK ] A.b (1 ms)\n",
    "[==========] 3 tests from 1 test suite ran. (1 ms total)\n",
    "[  PASSED  ] 9 tests.\n",
    "[  FAILED  ] 1 test, listed below:\n",
    " 1 FAILED TEST\n",
    "Test project /w\n",
    "1/3 Test #1: a ...***Failed  0.1 sec\n",
    "50% tests passed, 9 tests failed out of 3\n",
    "The following tests FAILED:\n",
    "\t  1 - a (Failed)\n",
    "\u{25b6} s\n",
    "  \u{2716} a (0.1ms)\n",
    "\u{2139} tests 3\n",
    "\u{2139} pass 9\n",
    "\u{2139} duration_ms 1.5\n",
    "\u{2716} failing tests:\n",
    "test at a.js:3:1\n",
    "bun test v1.2.4\n",
    "(fail) a [0.1ms]\n",
    " 9 pass\n",
    "Ran 3 tests across 1 files. [1.00ms]\n",
    "running 3 tests from ./a.ts\n",
    "a ... FAILED (1ms)\n",
    "a => ./a.ts:3:1\n",
    "FAILED | 9 passed | 1 failed (1ms)\n",
    "Test Suite 'All tests' started at 1\n",
    "Test Suite 'All tests' failed at 1\n",
    "Test Case 'A.b' failed (0.1 seconds)\n",
    "\t Executed 3 tests, with 9 failures (0 unexpected) in 0.1 (0.1) seconds\n",
    "\u{2718} Test run with 3 tests failed after 0.1 seconds with 9 issues.\n",
    "All tests passed (1 assertion in 3 test cases)\n",
    "test cases: 3 | 9 passed | 1 failed\n",
    "Attaching to web-1, db-1\n",
    "web-1  | ",
    "not ok - a\n",
    "ok - b\n",
    "##[error]Process completed with exit code 1.\n",
    "noise\n",
    "\n",
    "\u{1b}[31m",
    "\r",
];

const XML: &[&str] = &[
    "<testsuites tests='3'>", "<testsuite name='a' tests='7' failures='9'>", "<testcase name='x'>",
    "<testcase/>", "<failure message='m'>", "<error/>", "<skipped>", "<flakyFailure/>", "<rerunError>",
    "</testcase>", "</failure>", "</testsuite>", "</testsuites>", "<system-out>", "</system-out>",
    "<![CDATA[", "]]>", "<!--", "-->", "<!DOCTYPE a [", "]>", "&amp;", "&x;", "<?xml version='1.0'?>",
    "text", "<", ">", "\"", "'", "&#x110000;",
];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "1e999",
    "-1",
    "NaN",
    "true",
    "\\u",
    "\"results\":",
    "\"tests\":[",
    "{\"name\":\"a\",\"status\":\"passed\"}",
    "\"summary\":{\"tests\":5,\"passed\":9}",
    "\"reportFormat\":\"CTRF\",",
    "\"testResults\":[",
    "{\"assertionResults\":[{\"status\":\"failed\"}],\"name\":\"x\"}",
    "\"numTotalTests\":3,",
    "\"stats\":{\"tests\":1,\"passes\":5,\"pending\":1,\"failures\":1},",
    "\"passes\":[{}],",
    "\"suites\":[{\"specs\":[{\"tests\":[{}]}]}],",
    "\"SpecReports\":[{\"State\":\"failed\",\"LeafNodeType\":\"BeforeSuite\"}],",
    "\"PreRunStats\":{\"TotalSpecs\":4},",
];

/// What must hold of any result.
fn lawful(parsed: &Parsed) -> Result<(), TestCaseError> {
    prop_assert!(parsed.tests.holds(), "{:?}", parsed.tests);
    prop_assert!(parsed.failures_total >= parsed.tests.bad());
    prop_assert!(parsed.failures.len() as u64 <= parsed.failures_total);
    let clean = |text: &str| text.chars().all(|c| !c.is_control());
    for failure in &parsed.failures {
        prop_assert!(!failure.name.is_empty() && failure.name.chars().count() <= 512);
        prop_assert!(clean(&failure.name));
        let message = failure.message.as_deref().unwrap_or("");
        prop_assert!(message.chars().count() <= 1024 && clean(message));
        prop_assert!(failure.duration.is_none_or(|s| s.is_finite() && s >= 0.0));
    }
    for warning in &parsed.warnings {
        prop_assert!(clean(&warning.text) && clean(&warning.file));
    }
    prop_assert!(parsed.understood() || parsed.tests.total == 0);
    Ok(())
}

fn check(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits { cases: 50, failures: 20, warnings: 20, inflated: 1 << 20, ..Limits::default() };
    let parsed = parse_bytes(name, bytes, &limits);
    lawful(&parsed)?;
    prop_assert!(parsed.failures.len() <= 20 && parsed.warnings.len() <= 21 && parsed.cases.len() <= 50);
    let streamed = parse_reader(name, bytes, &limits);
    prop_assert_eq!(streamed.tests, parsed.tests);
    let (mut xml, mut json) = (Vec::new(), Vec::new());
    write_junit(&parsed, &mut xml).unwrap();
    write_ctrf(&parsed, &mut json).unwrap();
    for out in [xml, json] {
        let again = parse_bytes("again", &out, &Limits::default());
        prop_assert!(again.tests.bad() <= parsed.tests.bad() && again.tests.passed <= parsed.tests.passed);
    }
    Ok(())
}

/// How often each law is tried; a longer search is asked for as with proptest itself.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(250)
}

fn pieces(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(from), 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000), at in 0usize..4) {
        let start = [&b""[..], b"PK\x03\x04", b"<testsuite>", b"{\"results\":"][at];
        check("a.bin", &[start, &bytes].concat())?;
    }

    #[test]
    fn any_log_of_known_lines_is_lawful(text in pieces(PIECES)) {
        check("a.log", text.as_bytes())?;
    }

    #[test]
    fn any_xml_of_known_pieces_is_lawful(text in pieces(XML)) {
        check("a.xml", text.as_bytes())?;
        check("a.xml", format!("<testsuite>{text}").as_bytes())?;
    }

    #[test]
    fn any_json_of_known_pieces_is_lawful(text in pieces(JSON)) {
        check("a.json", text.as_bytes())?;
        check("a.json", format!("{{{text}").as_bytes())?;
        check("a.json", format!("[{{{text}").as_bytes())?;
    }

    #[test]
    fn a_report_that_is_damaged_is_lawful(
        which in 0usize..5,
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let whole: &[u8] = [
            include_bytes!("data/mocha.json").as_slice(),
            include_bytes!("data/gk-r-keepgoing.txt"),
            include_bytes!("data/py-v-color.txt"),
            include_bytes!("data/vitest.tap"),
            include_bytes!("data/cargo-abort.txt"),
        ][which];
        let at = at.index(whole.len());
        let mut damaged = whole[..at].to_vec();
        damaged.extend_from_slice(&bytes);
        check("a", &damaged)?;
        damaged.extend_from_slice(&whole[(at + bytes.len()).min(whole.len())..]);
        check("a", &damaged)?;
    }

    #[test]
    fn counts_merge_lawfully(a in any::<[u32; 5]>(), b in any::<[u32; 5]>(), flaked in any::<u32>()) {
        let make = |n: [u32; 5]| {
            let mut counts = Counts::default();
            let outcomes = [Outcome::Passed, Outcome::Failed, Outcome::Errored, Outcome::Skipped, Outcome::Pending];
            for (outcome, n) in outcomes.into_iter().zip(n) {
                counts.add(outcome, n.into());
            }
            counts.flaked = u64::from(flaked).min(counts.passed);
            counts
        };
        let mut sum = make(a);
        sum.merge(make(b));
        prop_assert!(sum.holds());
        prop_assert_eq!(sum.total, make(a).total + make(b).total);
    }
}
