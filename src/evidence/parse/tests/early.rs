//! Runs that stop early, or lose tests, by their tool's own word; and summaries in other words.

use super::*;

/// What it shows, the log, format, counts, names of the failures, complete.
type Case = (&'static str, &'static str, Format, [u64; 7], &'static [&'static str], bool);

const CASES: &[Case] = &[
    (
        "jest stops at the first failure",
        "FAIL src/a.test.js\n  \u{25cf} x\n\n    boom\n\nTest Suites: 1 failed, 1 of 24 total\nTests:       1 failed, 1 total\n",
        Format::Jest,
        [1, 0, 1, 0, 0, 0, 0],
        &["x"],
        false,
    ),
    (
        "jest leaves out files on purpose",
        "PASS src/a.test.js\n\nTest Suites: 1 skipped, 1 passed, 1 of 2 total\nTests:       1 skipped, 2 passed, 3 total\n",
        Format::Jest,
        [3, 2, 0, 0, 1, 0, 0],
        &[],
        true,
    ),
    (
        "playwright stops early",
        "Running 10 tests using 1 worker\n\n  1) [chromium] \u{203a} a.spec.ts:1:5 \u{203a} a \u{2500}\u{2500}\n\n    Error: boom\n\n  1 failed\n    [chromium] \u{203a} a.spec.ts:1:5 \u{203a} a \u{2500}\u{2500}\n  9 did not run\n",
        Format::Playwright,
        [10, 0, 1, 0, 9, 0, 0],
        &["a"],
        false,
    ),
    (
        "playwright: the summary comes again as a notice",
        "Running 3 tests using 1 worker\n  1 failed\n    [chromium] \u{203a} a.spec.ts:3:5 \u{203a} adds \u{2500}\n  2 passed (2.0s)\n##[error]  1) [chromium] \u{203a} a.spec.ts:3:5 \u{203a} adds \u{2500}\n\n    Error: no\n\n##[notice]  1 failed\n    [chromium] \u{203a} a.spec.ts:3:5 \u{203a} adds \u{2500}\n  2 passed (2.0s)\n",
        Format::Playwright,
        [3, 2, 1, 0, 0, 0, 0],
        &["adds"],
        true,
    ),
    (
        "playwright: the summary is only a notice",
        "Running 3 tests using 1 worker\n##[error]  1) [chromium] \u{203a} a.spec.ts:3:5 \u{203a} adds \u{2500}\n\n    Error: no\n\n##[notice]  1 failed\n    [chromium] \u{203a} a.spec.ts:3:5 \u{203a} adds \u{2500}\n  2 passed (2.0s)\n",
        Format::Playwright,
        [3, 2, 1, 0, 0, 0, 0],
        &["adds"],
        true,
    ),
    (
        "mocha: a hook takes the tests after it along",
        "> mocha\n\n  Array\n    1) \"before each\" hook for \"a\"\n\n  1 passing (5ms)\n  1 failing\n\n  1) Array\n       \"before each\" hook for \"a\":\n     Error: boom\n      at Context.<anonymous> (test/a.spec.js:5:11)\n",
        Format::Mocha,
        [2, 1, 1, 0, 0, 0, 0],
        &["Array \"before each\" hook for \"a\""],
        false,
    ),
    (
        "vitest: what a suite needs fails",
        "\n RUN  v3.0.5 /w\n\n\u{23af}\u{23af} Failed Suites 1 \u{23af}\u{23af}\n\n FAIL  src/db.test.ts > db\nError: refused\n \u{276f} src/db.test.ts:6:9\n\n Test Files  1 failed (1)\n      Tests  2 skipped (2)\n",
        Format::Vitest,
        [2, 0, 0, 0, 2, 0, 0],
        &["db"],
        false,
    ),
    (
        "pytest goes on past a file that does not load",
        "===== test session starts =====\ncollected 2 items / 1 error\n\na.py ..    [100%]\n\n===== ERRORS =====\n_____ ERROR collecting b.py _____\nb.py:1: in <module>\n    import yaml\nE   ModuleNotFoundError: No module named 'yaml'\n===== short test summary info =====\nERROR b.py - ModuleNotFoundError: No module named 'yaml'\n===== 2 passed, 1 error in 0.21s =====\n",
        Format::Pytest,
        [3, 2, 0, 1, 0, 0, 0],
        &["b.py"],
        false,
    ),
    (
        "gotestsum stops after so many failures",
        "=== Failed\n=== FAIL: a TestA (0.00s)\n    a_test.go:3: x\n\nDONE 4 tests, 1 failure in 0.5s\nERROR ending test run because max failures was reached\n",
        Format::GoTest,
        [4, 3, 1, 0, 0, 0, 0],
        &["TestA"],
        false,
    ),
    (
        "the runner of wasm-bindgen measures nothing",
        "running 2 tests\ntest adds ... ok\ntest subs ... FAIL\n\nfailures:\n\n---- subs output ----\n    error output:\n        boom\n\nfailures:\n\n    subs\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 filtered out; finished in 0.01s\n",
        Format::CargoTest,
        [2, 1, 1, 0, 0, 0, 0],
        &["subs"],
        true,
    ),
];

#[test]
fn what_a_tool_says_that_it_left_out_is_missing() {
    for (what, log, format, expected, failures, complete) in CASES {
        let parsed = parse("a.log", log);
        let found = (parsed.format, counts(&parsed), names(&parsed), parsed.complete);
        assert_eq!(
            found,
            (*format, *expected, failures.to_vec(), *complete),
            "{what}: {:?}",
            parsed.warnings
        );
    }
}

#[test]
fn a_failure_is_where_it_happened_and_not_where_its_test_begins() {
    for (what, log, name, expected) in [
        (
            "googletest",
            r#"<testsuite name="Math"><testcase name="Subs" file="/w/math_test.cc" line="20" status="run" result="completed"><failure message="/w/math_test.cc:23&#x0A;Expected equality"/></testcase></testsuite>"#,
            "Subs",
            "/w/math_test.cc:23",
        ),
        (
            "phpunit",
            "<testsuite name=\"C\"><testcase name=\"a\" file=\"/w/CartTest.php\" line=\"20\"><failure>no\n\n/w/CartTest.php:24\n</failure></testcase></testsuite>",
            "a",
            "/w/CartTest.php:24",
        ),
        (
            "a helper above the test says less than the test",
            "<testsuite name=\"C\"><testcase name=\"a\" file=\"/w/a.py\" line=\"20\"><failure>/w/a.py:3: AssertionError</failure></testcase></testsuite>",
            "a",
            "/w/a.py:20",
        ),
        (
            "node",
            "TAP version 13\nnot ok 1 - subs\n  ---\n  type: 'test'\n  location: '/w/test/math.test.js:9:3'\n  error: 'no'\n  stack: |-\n    TestContext.<anonymous> (/w/test/math.test.js:10:12)\n    Suite.run (/w/test/math.test.js:3:1)\n  ...\n1..1\n",
            "subs",
            "/w/test/math.test.js:10",
        ),
        (
            "pytest --tb=native",
            "===== test session starts =====\ncollected 1 item\n\na.py F    [100%]\n\n===== FAILURES =====\n_____ test_deep _____\nTraceback (most recent call last):\n  File \"/w/a.py\", line 21, in test_deep\n    assert 1 == 2\nAssertionError: assert 1 == 2\n===== short test summary info =====\nFAILED a.py::test_deep\n===== 1 failed in 0.05s =====\n",
            "test_deep",
            "/w/a.py:21",
        ),
        (
            "vitest, the project in colour",
            "\n RUN  v3.0.5 /w\n\n FAIL   web  src/a.test.ts > sums > adds\nAssertionError: no\n \u{276f} src/a.test.ts:7:17\n\n Test Files  1 failed (1)\n      Tests  1 failed (1)\n",
            "adds",
            "src/a.test.ts:7",
        ),
        (
            "jest, a folder with a blank",
            "FAIL src/my app/a.test.js\n  \u{25cf} adds\n\n    boom\n\n      at Object.<anonymous> (src/my app/a.test.js:3:9)\n\nTest Suites: 1 failed, 1 total\nTests:       1 failed, 1 total\n",
            "adds",
            "src/my app/a.test.js:3",
        ),
    ] {
        let parsed = parse("a.log", log);
        assert_eq!(place(failure(&parsed, name)), expected, "{what}");
    }
}
