//! Runs that fail, or end, outside of any test: what passed before is never all there is.

use super::*;

/// What it shows, the log, format, counts, names of the failures. All are incomplete.
type Case = (&'static str, &'static str, Format, [u64; 7], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "cargo: a harness of its own fails",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/cucumber.rs (target/debug/deps/cucumber-5c6e)\nFeature: Checkout\n[Summary]\n2 steps (1 passed, 1 failed)\nerror: test failed, to rerun pass `--test cucumber`\n\nCaused by:\n  process didn't exit successfully: `/w/target/debug/deps/cucumber-5c6e` (exit status: 1)\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["--test cucumber"],
    ),
    (
        "cargo: the process dies after its summary",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit successfully: `/w/target/debug/deps/gpu-3f1c` (signal: 11, SIGSEGV: invalid memory reference)\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["--lib"],
    ),
    (
        "cargo: a binary that cannot be executed",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/slow.rs (target/debug/deps/slow-3f1c)\nerror: test failed, to rerun pass `--test slow`\n\nCaused by:\n  could not execute process `/w/target/debug/deps/slow-3f1c` (never executed)\n\nCaused by:\n  No such file or directory (os error 2)\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["--test slow"],
    ),
    (
        "cargo: one target of all fails",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/ui.rs (target/debug/deps/ui-3f1c)\nui tests: 3 mismatches\nerror: test failed, to rerun pass `--test ui`\n   Doc-tests core\n\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: 1 target failed:\n    `--test ui`\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["--test ui"],
    ),
    (
        "cargo: only the list at the end tells",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: 2 target(s) failed:\n    `--test ui`\n    `--test ux`\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["2 targets"],
    ),
    (
        "cargo: the library of the next step is not built",
        "##[group]Run cargo test -p core\nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n##[group]Run cargo test -p cli\n   Compiling cli v0.1.0\nerror[E0308]: mismatched types\nerror: could not compile `cli` (lib) due to 1 previous error\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["cli"],
    ),
    (
        "cargo: an example is not built",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: could not compile `a` (example \"demo\") due to 1 previous error\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["a"],
    ),
    (
        "cargo: a build script fails",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: failed to run custom build command for `openssl-sys v0.9.101`\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &["openssl-sys"],
    ),
    (
        "cargo: cancelled when a binary was started",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     Running tests/slow.rs (target/debug/deps/slow-3f1c)\n##[error]The operation was canceled.\n",
        Format::CargoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "nextest: the next crate is not built",
        "    Starting 1 test across 1 binary\n        PASS [   0.003s] a x\n     Summary [   0.300s] 1 test run: 1 passed, 0 skipped\n   Compiling b v0.1.0\nerror: could not compile `b` (lib test) due to 1 previous error\n",
        Format::Nextest,
        [1, 1, 0, 0, 0, 0, 0],
        &["b"],
    ),
    (
        "nextest: the next tests cannot be listed",
        "    Starting 1 test across 1 binary\n        PASS [   0.003s] a x\n     Summary [   0.300s] 1 test run: 1 passed, 0 skipped\n    Finished `test` profile in 0.09s\nerror: creating test list failed\n",
        Format::Nextest,
        [1, 1, 0, 0, 0, 0, 0],
        &["the list of tests"],
    ),
    (
        "ginkgo: a data race outside of the specs",
        "Running Suite: API Suite - /w/api\nWill run 2 of 2 specs\n\u{2022}\u{2022}\n\nRan 2 of 2 Specs in 1.012 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\nWARNING: DATA RACE\n--- FAIL: TestAPI (1.01s)\n    testing.go:1490: race detected during execution of test\nFAIL\n\nGinkgo ran 1 suite in 9.1s\n\nTest Suite Failed\n",
        Format::Ginkgo,
        [2, 2, 0, 0, 0, 0, 0],
        &["the test suite"],
    ),
    (
        "ginkgo: the process of a suite fails by itself",
        "Running Suite: API Suite - /w/api\nWill run 2 of 2 specs\n\u{2022}\u{2022}\n\nRan 2 of 2 Specs in 1.012 seconds\nSUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\nPASS\nexit status 3\n\nGinkgo ran 1 suite in 9.1s\n\nThere were failures detected in the following suites:\n  api ./test/api\n\nTest Suite Failed\n",
        Format::Ginkgo,
        [2, 2, 0, 0, 0, 0, 0],
        &["api ./test/api"],
    ),
    (
        "ginkgo: a suite fails and says nothing",
        "Running Suite: API Suite - /w/api\nWill run 2 of 2 specs\n\u{2022}\u{2022}\n\nRan 2 of 2 Specs in 1.012 seconds\nFAIL! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped\n\nGinkgo ran 1 suite in 9.1s\n\nTest Suite Failed\n",
        Format::Ginkgo,
        [2, 2, 0, 0, 0, 0, 0],
        &["API Suite"],
    ),
    (
        "go test -json: a package only started",
        "{\"Action\":\"start\",\"Package\":\"x/a\"}\n{\"Action\":\"run\",\"Package\":\"x/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"x/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"x/a\"}\n{\"Action\":\"start\",\"Package\":\"x/b\"}\n",
        Format::GoTestJson,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "go test -json: a package was in the middle of its first line",
        "{\"Action\":\"run\",\"Package\":\"x/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"x/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"x/a\"}\n{\"Action\":\"output\",\"Package\":\"x/b\",\"Output\":\"starting containers\"}\n",
        Format::GoTestJson,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "go test -json: a data race around a suite of Ginkgo",
        "{\"Action\":\"run\",\"Package\":\"x/a\",\"Test\":\"TestAPI\"}\n{\"Action\":\"output\",\"Package\":\"x/a\",\"Test\":\"TestAPI\",\"Output\":\"Running Suite: API Suite - /w/api\\nWill run 1 of 1 specs\\n\\nRan 1 of 1 Specs in 1.012 seconds\\nSUCCESS! -- 1 Passed | 0 Failed | 0 Pending | 0 Skipped\\n\"}\n{\"Action\":\"fail\",\"Package\":\"x/a\",\"Test\":\"TestAPI\"}\n{\"Action\":\"fail\",\"Package\":\"x/a\"}\n",
        Format::GoTestJson,
        [1, 1, 0, 0, 0, 0, 0],
        &["x/a"],
    ),
    (
        "gotestsum: go test was killed",
        "\u{2713}  a (12ms)\n\nDONE 4 tests in 0.5s\nERROR go test: signal: killed\n",
        Format::GoTest,
        [4, 4, 0, 0, 0, 0, 0],
        &["go test"],
    ),
    (
        "go: cancelled between two packages",
        "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \texample.com/a\t0.003s\n##[error]The operation was canceled.\n",
        Format::GoTest,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "go without -v: cancelled between two packages",
        "ok  \texample.com/a\t0.003s\n##[error]The operation was canceled.\n",
        Format::GoTest,
        [0; 7],
        &[],
    ),
    (
        "ginkgo: cancelled between two suites",
        "Running Suite: A Suite - /w/a\nWill run 1 of 1 specs\n\u{2022}\n\nRan 1 of 1 Specs in 0.001 seconds\nSUCCESS! -- 1 Passed | 0 Failed | 0 Pending | 0 Skipped\nPASS\n##[error]The operation was canceled.\n",
        Format::Ginkgo,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "jest: a reporter that only sums up",
        "Test Suites: 1 failed, 2 passed, 3 total\nTests:       5 passed, 5 total\n",
        Format::Jest,
        [5, 5, 0, 0, 0, 0, 0],
        &["1 test file"],
    ),
    (
        "vitest: a file failed and nothing says why",
        "\n RUN  v2.1.8 /w\n\n Test Files  1 failed | 2 passed (3)\n      Tests  5 passed (5)\n",
        Format::Vitest,
        [5, 5, 0, 0, 0, 0, 0],
        &["1 test file"],
    ),
    (
        "vitest: a file has no result",
        "\n RUN  v2.1.8 /w\n\n Test Files  1 passed (2)\n      Tests  3 passed (3)\n",
        Format::Vitest,
        [3, 3, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "cypress: a file does not build",
        "  Running:  login.cy.ts      (1 of 2)\n\n  Login\n    \u{2713} shows the form (512ms)\n\n  1 passing (5s)\n\n  Running:  cart.cy.ts      (2 of 2)\n\nOops...we found an error preparing this test file:\n\n    \u{2716}  1 of 2 failed (50%)      00:07        2        1        1        -        -\n",
        Format::Mocha,
        [1, 1, 0, 0, 0, 0, 0],
        &["cart.cy.ts"],
    ),
    (
        "cypress: the log ends in the second file",
        "  Running:  login.cy.ts      (1 of 2)\n\n  Login\n    \u{2713} shows the form (512ms)\n\n  1 passing (5s)\n\n  Running:  cart.cy.ts      (2 of 2)\n\n  Cart\n",
        Format::Mocha,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "cypress: the log ends after the first file",
        "  Running:  login.cy.ts      (1 of 2)\n\n  Login\n    \u{2713} shows the form (512ms)\n\n  1 passing (5s)\n",
        Format::Mocha,
        [1, 1, 0, 0, 0, 0, 0],
        &[],
    ),
    (
        "junit: words for what did not end well",
        r#"<testsuite name="s"><testcase name="a"/><testcase name="b" status="timed_out"/><testcase name="c" status="canceled"/></testsuite>"#,
        Format::Junit,
        [3, 1, 2, 0, 0, 0, 0],
        &["b", "c"],
    ),
    (
        "junit: steps that are not written, and what did not run after them",
        r#"<testsuite name="s"><testcase name="a" status="undefined"/><testcase name="b" status="untested"/></testsuite>"#,
        Format::Junit,
        [2, 0, 1, 0, 1, 0, 0],
        &["a"],
    ),
    (
        "junit: a word that nobody knows",
        r#"<testsuite name="s"><testcase name="a" status="run"/><testcase name="b" status="exploded"/></testsuite>"#,
        Format::Junit,
        [2, 1, 0, 1, 0, 0, 0],
        &["b"],
    ),
    (
        "tap: the program fails after its points",
        "1..2\nok 1 - a\nok 2 - b\n# Looks like your test exited with 2 just after 2.\n",
        Format::Tap,
        [2, 2, 0, 0, 0, 0, 0],
        &["the test program"],
    ),
];

/// Those in which the failing tests themselves tell it, so that nothing is missing.
const WHOLE: &[&str] = &[
    "junit: words for what did not end well",
    "junit: steps that are not written, and what did not run after them",
];

#[test]
fn a_run_that_fails_outside_of_its_tests_is_never_whole_and_green() {
    for (what, log, format, expected, failures) in CASES {
        let parsed = parse("a.log", log);
        let found = (parsed.format, counts(&parsed), names(&parsed));
        assert_eq!(found, (*format, *expected, failures.to_vec()), "{what}: {:?}", parsed.warnings);
        assert_eq!(parsed.complete, WHOLE.contains(what), "{what}: {:?}", parsed.warnings);
    }
}

/// The same commands with an end as it should be.
#[test]
fn what_ends_well_stays_whole() {
    for (what, log, expected) in [
        (
            "cargo: a test fails, and its target with it",
            "     Running tests/it.rs (target/debug/deps/it-1)\n\nrunning 1 test\ntest y ... FAILED\n\nfailures:\n\nfailures:\n    y\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: test failed, to rerun pass `--test it`\n\nerror: 1 target failed:\n    `--test it`\n",
            [1, 0, 1, 0, 0, 0, 0],
        ),
        (
            "ginkgo: the command fails with its specs",
            "Running Suite: A - /w/a\nWill run 1 of 1 specs\n\nSummarizing 1 Failure:\n  [FAIL] a [It] b\n  /w/a_test.go:3\n\nRan 1 of 1 Specs in 0.001 seconds\nFAIL! -- 0 Passed | 1 Failed | 0 Pending | 0 Skipped\n\nGinkgo ran 1 suite in 1s\n\nThere were failures detected in the following suites:\n  a ./a\n\nTest Suite Failed\n",
            [1, 0, 1, 0, 0, 0, 0],
        ),
        (
            "ginkgo: a suite that its BeforeSuite skips",
            "Running Suite: A - /w/a\nWill run 1 of 1 specs\n\nRan 0 of 1 Specs in 0.001 seconds\nSUCCESS! - Suite skipped in BeforeSuite -- 0 Passed | 0 Failed | 0 Pending | 1 Skipped\n",
            [1, 0, 0, 0, 1, 0, 0],
        ),
        (
            "cypress: all files ran",
            "  Running:  a.cy.ts      (1 of 2)\n\n  1 passing (5s)\n  1 failing\n\n  1) Login\n       fails:\n     AssertionError: no\n      at Context.eval (a.cy.ts:14:7)\n\n  Running:  b.cy.ts      (2 of 2)\n\n  1 passing (5s)\n\n    \u{2716}  1 of 2 failed (50%)      00:07        2        1        1        -        -\n",
            [3, 2, 1, 0, 0, 0, 0],
        ),
        (
            "a build that stops in a log without tests",
            "   Compiling cli v0.1.0\nerror: could not compile `cli` (lib) due to 1 previous error\n",
            [0; 7],
        ),
    ] {
        let parsed = parse("a.log", log);
        assert_eq!((counts(&parsed), parsed.complete), (expected, true), "{what}: {:?}", parsed.warnings);
        assert_eq!(parsed.failures_total, expected[2], "{what}: {:?}", names(&parsed));
    }
}
