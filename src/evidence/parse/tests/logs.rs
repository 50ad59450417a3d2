//! Lines of consoles that no project here prints at will.

use super::*;

/// What it shows, the log, format, counts, complete.
type Case = (&'static str, &'static str, Format, [u64; 7], bool);

const CASES: &[Case] = &[
    (
        "a passing suite",
        "Ran 110 of 110 Specs in 42.286 seconds\nSUCCESS! -- 110 Passed | 0 Failed | 0 Pending | 0 Skipped\n",
        Format::Ginkgo,
        [110, 110, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "specs that were not reached are skipped",
        "Ran 130 of 160 Specs in 10.0 seconds\nFAIL! - Interrupted by User -- 129 Passed | 1 Failed | 0 Pending | 28 Skipped\n",
        Format::Ginkgo,
        [160, 129, 1, 0, 30, 0, 0],
        false,
    ),
    (
        "a failed BeforeSuite keeps the total of its suite",
        "Ran 0 of 160 Specs in 134.319 seconds\nFAIL! -- A BeforeSuite node failed so all tests were skipped.\n",
        Format::Ginkgo,
        [160, 0, 0, 1, 159, 0, 0],
        false,
    ),
    (
        "the first version of Ginkgo",
        "Running Suite: Old Suite\n========\nRandom Seed: 1\nWill run 2 of 2 specs\n\n\u{2022} Failure [0.001 seconds]\nOld\n/x/a_test.go:5\n  fails [It]\n  /x/a_test.go:9\n\n  Expected\n      <int>: 1\n\n  /x/a_test.go:10\n------------------------------\n\nSummarizing 1 Failure:\n\n[Fail] Old [It] fails \n/x/a_test.go:10\n\nRan 2 of 2 Specs in 0.001 seconds\nFAIL! -- 1 Passed | 1 Failed | 0 Pending | 0 Skipped\n--- FAIL: TestOld (0.00s)\nFAIL\n",
        Format::Ginkgo,
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "suites that were not run are missing",
        "Ran 1 of 1 Specs in 0.1 seconds\nFAIL! -- 0 Passed | 1 Failed | 0 Pending | 0 Skipped\n\nGinkgo ran 2 suites in 1s\n\nThere were failures detected in the following suites:\n  sa ./sa\n  sb ./sb [Suite did not run because previous suites failed and --keep-going is not set]\n\nTest Suite Failed\n",
        Format::Ginkgo,
        [1, 0, 1, 0, 0, 0, 0],
        false,
    ),
    (
        "a panic ends the tests that run",
        "=== RUN   TestOk\n--- PASS: TestOk (0.00s)\n=== RUN   TestBad\n--- FAIL: TestBad (0.00s)\npanic: boom [recovered]\n\tpanic: boom\n\ngoroutine 7 [running]:\nFAIL\texample.com/p\t0.005s\nFAIL\n",
        Format::GoTest,
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "a timeout fails what it met",
        "=== RUN   TestOk\n--- PASS: TestOk (0.00s)\n=== RUN   TestSlow\npanic: test timed out after 1s\n\trunning tests:\n\t\tTestSlow (1s)\n\ngoroutine 7 [running]:\nFAIL\texample.com/p\t1.005s\n",
        Format::GoTest,
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "without -v only failures are counted",
        "--- FAIL: TestBad (0.00s)\n    a_test.go:10: bad\n    --- FAIL: TestBad/sub (0.00s)\n        a_test.go:14: worse\nFAIL\nFAIL\texample.com/p\t0.005s\nok  \texample.com/q\t0.1s\nFAIL\n",
        Format::GoTest,
        [2, 0, 2, 0, 0, 0, 0],
        true,
    ),
    (
        "output without a line break before a result",
        "=== RUN   TestA\nno newline--- PASS: TestA (0.00s)\nPASS\nok  \texample.com/p\t0.1s\n",
        Format::GoTest,
        [1, 1, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "gotestsum that only dots",
        "\u{b7}\u{b7}\u{2716}\n=== Failed\n=== FAIL: a/b TestBad (0.01s)\n    b_test.go:7: not good\n\nDONE 12 tests, 2 skipped, 1 failure in 0.1s\n",
        Format::GoTest,
        [12, 9, 1, 0, 2, 0, 0],
        true,
    ),
    (
        "gotestsum that tries again",
        "PASS a/b.TestOk (0.00s)\nFAIL a/b.TestFlaky (0.01s)\n\nDONE 2 tests, 1 failure in 0.1s\n\nPASS a/b.TestFlaky (re-run 1) (0.01s)\n\n=== Failed\n=== FAIL: a/b TestFlaky (0.01s)\n\nDONE 2 runs, 3 tests, 1 failure in 0.2s\n",
        Format::GoTest,
        [2, 2, 0, 0, 0, 0, 1],
        true,
    ),
    (
        "pytest that found nothing",
        "============================= test session starts ==============================\ncollected 0 items\n\n============================ no tests ran in 0.01s =============================\n",
        Format::Pytest,
        [0; 7],
        true,
    ),
    (
        "pytest that was killed",
        "============================= test session starts ==============================\ncollected 5 items\n\ntests/test_a.py ..F\n",
        Format::Pytest,
        [5, 2, 1, 0, 2, 0, 0],
        false,
    ),
    (
        "pytest that was interrupted",
        "===== test session starts =====\ncollected 3 items\n\ntest_a.py::test_a PASSED [ 33%]\n\n!!!!!!!!!!! KeyboardInterrupt !!!!!!!!!!!\n===== 1 passed in 2.50s =====\n",
        Format::Pytest,
        [1, 1, 0, 0, 0, 0, 0],
        false,
    ),
    (
        "a run of more than a minute",
        "===== test session starts =====\n==== 2 failed, 198 passed, 3 warnings in 65.32s (0:01:05) ====\n",
        Format::Pytest,
        [200, 198, 2, 0, 0, 0, 0],
        true,
    ),
    (
        "TAP that bails out",
        "TAP version 13\n1..4\nok 1 - a\nnot ok 2 - b\nBail out! no database\n",
        Format::Tap,
        [4, 1, 1, 0, 2, 0, 0],
        false,
    ),
    (
        "TAP with its plan at the end, todo and skip",
        "ok 1 - a\nnot ok 2 - b # TODO later\nok 3 - c # SKIP no net\nok 4 - d\n1..4\n",
        Format::Tap,
        [4, 2, 0, 0, 1, 1, 0],
        true,
    ),
    (
        "TAP without a plan crashed",
        "ok 1 - a\nok 2 - b\nnot ok 3 - c\n",
        Format::Tap,
        [3, 2, 1, 0, 0, 0, 0],
        false,
    ),
    (
        "points of subtests are summed up by the point after them",
        "TAP version 14\n1..1\n# Subtest: outer\n    ok 1 - in\n    not ok 2 - in too\n    1..2\nnot ok 1 - outer\n",
        Format::Tap,
        [1, 0, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "two streams in one log",
        "1..2\nok 1 a\nok 2 b\n1..1\nnot ok 1 c\n",
        Format::Tap,
        [3, 2, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "setup that fails raises the count above the plan",
        "1..1\nnot ok 1 setup_file failed\n# (from function `setup_file' in test file a.bats, line 1)\nnot ok 2 a\n# (in test file a.bats, line 2)\n",
        Format::Bats,
        [2, 0, 2, 0, 0, 0, 0],
        true,
    ),
    (
        "nextest with retries: output of tests is not counted",
        " Nextest run ID 1 with nextest profile: default\n    Starting 3 tests across 1 binary\n  TRY 1 FAIL [   0.003s] demo::basic flaky\n  stdout ---\n\n    running 1 test\n    test flaky ... FAILED\n\n    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 17 filtered out; finished in 0.00s\n\n  TRY 2 PASS [   0.002s] demo::basic flaky\n        PASS [   0.001s] demo::basic good\n        FAIL [   0.004s] demo::basic bad\n  stderr ---\n    thread 'bad' panicked at tests/basic.rs:19:5:\n    assertion failed: 1 == 2\n    note: run with `RUST_BACKTRACE=1`\n\n------------\n     Summary [   0.021s] 3 tests run: 2 passed (1 flaky), 1 failed, 4 skipped\n   FLAKY 2/2 [   0.002s] demo::basic flaky\n        FAIL [   0.004s] demo::basic bad\nerror: test run failed\n",
        Format::Nextest,
        [7, 2, 1, 0, 4, 0, 1],
        true,
    ),
    (
        "nextest that shows the output of tests as they wrote it",
        "    Starting 2 tests across 1 binary\n        PASS [   0.1s] demo a\n--- STDOUT:              demo a ---\n\nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s\n\n        PASS [   0.1s] demo b\n     Summary [   0.2s] 2 tests run: 2 passed, 0 skipped\n   Doc-tests demo\n\nrunning 1 test\ntest src/lib.rs - f (line 1) ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n",
        Format::Nextest,
        [3, 3, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "pytest with subtests",
        "===== test session starts =====\ncollected 2 items\n\na.py .F [100%]\n\n===== short test summary info =====\nSUBFAILED(i=1) a.py::T::test_s - AssertionError: 1 == 1\nFAILED a.py::test_t - contains 1 failed subtest\n===== 2 failed, 1 passed, 2 subtests passed in 0.07s =====\n",
        Format::Pytest,
        [3, 1, 2, 0, 0, 0, 0],
        true,
    ),
    (
        "pytest of long ago",
        "===== test session starts =====\ncollected 3 items\n===== 1 failed, 2 passed, 1 pytest-warnings in 0.12 seconds =====\n",
        Format::Pytest,
        [3, 2, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "a log of JSON lines with a summary among them",
        "{\"level\":\"info\",\"msg\":\"start\"}\nRan 2 of 2 Specs in 0.1 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\n",
        Format::Ginkgo,
        [2, 2, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "a log that starts with a placeholder",
        "<unknown> said: hello\nRan 2 of 2 Specs in 0.1 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\n",
        Format::Ginkgo,
        [2, 2, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "nextest that was stopped",
        "    Starting 10 tests across 3 binaries (2 tests skipped)\n        FAIL [   1.0s] demo bad\n  Cancelling due to test failure: 1 test still running\n     Summary [   1.5s] 8/10 tests run: 7 passed, 1 failed, 2 skipped\nwarning: 2/10 tests were not run due to test failure\n",
        Format::Nextest,
        [12, 7, 1, 0, 4, 0, 0],
        false,
    ),
    (
        "jest without failures",
        "PASS src/a.test.js\nTest Suites: 1 passed, 1 total\nTests:       14 passed, 14 total\nSnapshots:   0 total\nTime:        1.2 s\nRan all test suites.\n",
        Format::Jest,
        [14, 14, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "jest that was cut off",
        "FAIL src/a.test.js\n  \u{25cf} math \u{203a} adds\n\n    expect(received).toBe(expected)\n\n      at Object.<anonymous> (src/a.test.js:5:10)\n\n",
        Format::Jest,
        [1, 0, 1, 0, 0, 0, 0],
        false,
    ),
    (
        "vitest that was cut off",
        "\n RUN  v3.1.0 /app\n\n \u{2713} a.test.ts (2 tests) 3ms\n",
        Format::Vitest,
        [0; 7],
        false,
    ),
    (
        "a summary of pytest after one of Ginkgo",
        "Ran 2 of 2 Specs in 0.1 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\n===== test session starts =====\n===== 3 passed in 0.1s =====\n",
        Format::Pytest,
        [5, 5, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "a break in the description of a failing point",
        "1..2\nnot ok 1 adds\nup to five\n  AssertionError: 4 is not 5\nok 2 b\n",
        Format::Tap,
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "a break in the words of a failing point",
        "1..2\nok 1 a\nnot\nok 2 b\n",
        Format::Tap,
        [2, 2, 0, 0, 0, 0, 0],
        false,
    ),
    ("a word that is no point", "1..2\nok 1 a\nnot\nso\nok 2 b\n", Format::Tap, [2, 2, 0, 0, 0, 0, 0], true),
    (
        "a log of cargo that is cut off before a test binary says anything",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/it.rs (target/debug/deps/it-0123)\n\nrunning",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        false,
    ),
    (
        "a test binary with a harness of its own",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/own.rs (target/debug/deps/own-0123)\nall is well\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "a program that cargo runs and that says nothing",
        "    Finished dev profile\n     Running `target/debug/a`\n",
        Format::Unknown,
        [0; 7],
        true,
    ),
    (
        "no tests, but words that tests use",
        "Ran all checks\nok then\nnot ok\n1 error in the config\nFAIL to connect\n--- a/file\n+++ b/file\nTests are good\n  \u{2713} docker\n  \u{2713} kubectl\n[1/3] copying\n= note\ntest of time ... passed\n",
        Format::Unknown,
        [0; 7],
        true,
    ),
];

#[test]
fn lines_mean_what_the_tools_mean() {
    for (what, log, format, expected, complete) in CASES {
        let parsed = parse("a.log", log);
        let found = (parsed.format, counts(&parsed), parsed.complete);
        assert_eq!(found, (*format, *expected, *complete), "{what}: {:?}", parsed.warnings);
    }
}

#[test]
fn details_of_such_lines_are_read_too() {
    let of = |what: &str| {
        let (_, log, ..) = CASES.iter().find(|(known, ..)| *known == what).unwrap();
        parse("a.log", log)
    };
    let panicked = of("a panic ends the tests that run");
    assert_eq!(panicked.failures[0].kind, FailureKind::Panicked);
    assert_eq!(panicked.failures[0].message.as_deref(), Some("boom"));
    assert_eq!(panicked.failures[0].suite.as_deref(), Some("example.com/p"));
    let slow = of("a timeout fails what it met");
    assert_eq!(failure(&slow, "TestSlow").kind, FailureKind::TimedOut);
    let quiet = of("without -v only failures are counted");
    assert_eq!(place(failure(&quiet, "TestBad/sub")), "a_test.go:14");
    assert!(warns(&quiet, "passed without -v"));
    let nextest = of("nextest with retries: output of tests is not counted");
    assert_eq!(names(&nextest), ["bad"]);
    assert_eq!(place(&nextest.failures[0]), "tests/basic.rs:19");
    assert_eq!(nextest.failures[0].message.as_deref(), Some("assertion failed: 1 == 2"));
    let dots = of("gotestsum that only dots");
    assert_eq!(place(failure(&dots, "TestBad")), "b_test.go:7");
    let broken = of("a break in the description of a failing point");
    assert_eq!(
        (names(&broken), broken.failures[0].message.as_deref()),
        (vec!["adds"], Some("AssertionError: 4 is not 5"))
    );
    let old = of("the first version of Ginkgo");
    assert_eq!(place(failure(&old, "Old fails")), "/x/a_test.go:10");
}

#[test]
fn a_go_test_that_wraps_a_suite_is_not_counted_beside_it() {
    let suite = "Running Suite: S - /x\nWill run 2 of 2 specs\n\u{2022}\u{2022}\n\nRan 2 of 2 Specs in 0.1 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\n";
    let log = format!(
        "=== RUN   TestS\n{suite}--- PASS: TestS (0.00s)\n=== RUN   TestOther\n--- PASS: TestOther (0.00s)\nPASS\nok  \tx/y\t0.1s\n"
    );
    let parsed = parse("a.log", log);
    assert_eq!(counts(&parsed), [3, 3, 0, 0, 0, 0, 0]);
    assert_eq!(parsed.formats, [Format::Ginkgo, Format::GoTest]);
}

#[test]
fn a_suite_that_stays_silent_after_ginkgo_does_not_swallow_the_next_failure() {
    let log = "Ran 1 of 1 Specs in 0.1 seconds\nSUCCESS! -- 1 Passed | 0 Failed | 0 Pending | 0 Skipped\n\nGinkgo ran 1 suite in 1s\nTest Suite Passed\n--- FAIL: TestUnit (0.00s)\n    u_test.go:3: bad\nFAIL\nFAIL\tx/u\t0.1s\n";
    assert_eq!(counts(&parse("a.log", log)), [2, 1, 1, 0, 0, 0, 0]);
}

#[test]
fn a_suite_may_have_more_marks_than_a_usual_line_holds() {
    let mark = "\u{1b}[38;5;10m\u{2022}\u{1b}[0m";
    let log = format!("[1795485192] Big Suite - 6000/6001 specs {}P SUCCESS! 4.5s PASS\n", mark.repeat(6000));
    let parsed = parse("a.log", &log);
    assert_eq!(counts(&parsed), [6001, 6000, 0, 0, 0, 1, 0]);
    assert!(parsed.complete);
    // Several processes are the command's, and the command says when it is done.
    let parallel = log.replace(" specs ", " specs - 3 procs ");
    let parsed = parse("a.log", parallel);
    assert_eq!(parsed.tests.passed, 6000);
    assert!(warns(&parsed, "before the ginkgo command does"));
}
