//! Commands that fail although none of their tests did, and input that is only large.

use super::*;

const GREEN: &str = "Tests:       2 passed, 2 total\n";

#[test]
fn a_command_that_fails_after_green_tests_is_not_green() {
    for said in [
        "##[error]Process completed with exit code 1.", "make: *** [Makefile:3: test] Error 1",
        "error Command failed with exit code 134.", " ELIFECYCLE  Test failed. See above for more details.",
        "error: script \"test\" exited with code 1",
    ] {
        let parsed = parse("a.log", format!("{GREEN}{said}\n"));
        assert_eq!((parsed.tests.passed, parsed.complete), (2, false), "{said}");
        assert!(warns(&parsed, "the command failed although none of its tests did"), "{said}");
    }
    for said in [
        "##[error]Process completed with exit code 0.", "make: [Makefile:3: test] Error 1 (ignored)",
        "makes: *** no Error", "npm notice",
    ] {
        assert!(parse("a.log", format!("{GREEN}{said}\n")).complete, "{said}");
    }
    let before = format!("make: *** [Makefile:3: lint] Error 1\n{GREEN}");
    assert!(parse("a.log", before).complete, "what failed before says nothing of the tests");
    let red = "Tests:       1 failed, 1 passed, 2 total\n##[error]Process completed with exit code 1.\n";
    assert!(parse("a.log", red).complete, "a failing test explains it");
    let next = format!("{GREEN}##[group]Run make lint\n##[error]Process completed with exit code 1.\n");
    assert!(parse("a.log", next).complete, "another step failed");
}

/// What is listed without end is counted, and not kept.
#[test]
fn lists_without_end_are_bounded() {
    let many = |line: &dyn Fn(usize) -> String| (0..6_000).map(line).collect::<String>();
    let rule = "-".repeat(70);
    let double = "=".repeat(70);
    let logs = [
        many(&|at| format!("{double}\nFAIL: test_{at} (m.T.test_{at})\n{rule}\nTraceback\nE: {at}\n")),
        format!(
            "[INFO]  T E S T S\n{}",
            many(&|at| format!("[ERROR] a.B.c{at} -- Time elapsed: 0.1 s <<< FAILURE!\n"))
        ),
        format!(
            "[INFO]  T E S T S\n[INFO] Results:\n[ERROR] Failures:\n{}",
            many(&|at| format!("[ERROR]   A.b{at}:1 x\n"))
        ),
        many(&|at| format!("> Task :a{at}:test\nA > b{at} FAILED\n    x\n")),
        format!(
            "Starting test execution, please wait...\n{}",
            many(&|at| format!("  Failed A.B{at} [1 ms]\n"))
        ),
        format!(
            "PHPUnit 10.1.1 by Sebastian Bergmann\nThere were 9 failures:\n{}",
            many(&|at| format!("{at}) A::b{at}\nx\n"))
        ),
        format!("Failures:\n{}", many(&|at| format!("  {at}) a\n     Failure/Error: x\n"))),
        format!("Run options: --seed 1\n{}", many(&|at| format!("Failure:\nA#b{at} [a.rb:1]:\nx\n"))),
        format!("Running ExUnit with seed: 1\n{}", many(&|at| format!("  {at}) test a{at} (A)\n     x\n"))),
        format!(
            "[==========] Running 9 tests from 1 test suite.\n{}",
            many(&|at| format!("[ RUN      ] A.b{at}\nx\n[  FAILED  ] A.b{at} (1 ms)\n"))
        ),
        format!(
            "Test project /w\n{}",
            many(&|at| format!("{at}/9 Test #{at}: a{at} ....***Failed  0.1 sec\n"))
        ),
        many(&|at| format!("\u{25b6} s{at}\n\u{2716} t{at} (0.1ms)\n")),
        format!("bun test v1.2.4\n{}", many(&|at| format!("error: x\n(fail) a{at}\n"))),
        format!("running 9 tests from ./a.ts\n ERRORS \n{}", many(&|at| format!("a{at} => ./a.ts:1:1\nx\n"))),
        format!("Test Suite 'All' started at 1\n{}", many(&|at| format!("/a.swift:1: error: A.b{at} : x\n"))),
        format!(
            "\u{25c7} Test run started.\n{}",
            many(&|at| format!("\u{2718} Test b{at}() failed after 0.1 seconds.\n"))
        ),
        format!("Attaching to web-1\n{}", many(&|at| format!("web-1  | A{at} | b\n"))),
        format!("lerna notice\n{}", many(&|at| format!("a{at}: ok {at}\n"))),
        many(&|at| format!("not ok - a{at}\n")),
    ];
    for log in logs {
        let start = std::time::Instant::now();
        let parsed = parse("a.log", &log);
        assert!(parsed.failures.len() <= 1000 && parsed.warnings.len() <= 101);
        let shown = &log[..60.min(log.len())];
        assert!(start.elapsed().as_secs() < 60, "{shown:?} took {:?}", start.elapsed());
        assert!(!parsed.complete || !parsed.understood(), "{shown:?} is complete");
    }
}
