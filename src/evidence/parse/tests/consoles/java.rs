//! Maven and Gradle.

use super::*;

const MAVEN_GREEN: &str = "\
[INFO] Scanning for projects...
[INFO] Building core 1.0 [1/2]
[INFO] --- surefire:3.2.5:test (default-test) @ core ---
[INFO]
[INFO] -------------------------------------------------------
[INFO]  T E S T S
[INFO] -------------------------------------------------------
[INFO] Running com.example.MathTest
[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.041 s -- in com.example.MathTest
[INFO] Running com.example.TextTest
[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.002 s -- in com.example.TextTest
[INFO]
[INFO] Results:
[INFO]
[WARNING] Tests run: 5, Failures: 0, Errors: 0, Skipped: 1
[INFO]
[INFO] Building web 1.0 [2/2]
[INFO]  T E S T S
[INFO] Running com.example.WebTest
[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1.5 s -- in com.example.WebTest
[INFO] Results:
[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0
[INFO] BUILD SUCCESS
[INFO] Total time:  4.512 s
";

const MAVEN_RED: &str = "\
[INFO] Scanning for projects...
[INFO]  T E S T S
[INFO] Running com.example.MathTest
Tests run: 99, Failures: 0, Errors: 0, Skipped: 0
12 passing (3ms)
[ERROR] Tests run: 4, Failures: 1, Errors: 1, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in com.example.MathTest
[ERROR] com.example.MathTest.adds -- Time elapsed: 0.011 s <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <4> but was: <5>
\tat org.junit.jupiter.api.AssertionFailureBuilder.build(AssertionFailureBuilder.java:151)
\tat com.example.Check.that(Check.java:7)
\tat com.example.MathTest.adds(MathTest.java:14)

[ERROR] com.example.MathTest.divides(int)[2] -- Time elapsed: 0.001 s <<< ERROR!
java.lang.ArithmeticException: / by zero
\tat com.example.MathTest.divides(MathTest.java:21)

[INFO]
[INFO] Results:
[INFO]
[ERROR] Failures:
[ERROR]   MathTest.adds:14->Check.that:7 expected: <4> but was: <5>
[ERROR] Errors:
[ERROR]   MathTest.divides:21 \u{bb} Arithmetic / by zero
[INFO]
[ERROR] Tests run: 4, Failures: 1, Errors: 1, Skipped: 0
[INFO]
[INFO] Reactor Summary for parent 1.0:
[INFO] core ............................................... FAILURE [  2.1 s]
[INFO] BUILD FAILURE
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project core: There are test failures.
";

const MAVEN: &[Case] = &[
    Case {
        what: "two modules add up, and classes are in them",
        log: MAVEN_GREEN,
        format: Format::Maven,
        counts: [9, 8, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "a module with failures",
        log: MAVEN_RED,
        format: Format::Maven,
        counts: [4, 2, 1, 1, 0, 0, 0],
        failures: &[("adds", "MathTest.java:14"), ("divides(int)[2]", "MathTest.java:21")],
        complete: true,
    },
    Case {
        what: "surefire of long ago",
        log: "-------------------------------------------------------\n T E S T S\n-------------------------------------------------------\nRunning com.example.OldTest\nTests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 sec <<< FAILURE!\nadds(com.example.OldTest)  Time elapsed: 0.01 sec  <<< FAILURE!\njava.lang.AssertionError: expected:<1> but was:<2>\n\tat com.example.OldTest.adds(OldTest.java:9)\n\n\nResults :\n\nFailed tests:   adds(com.example.OldTest): expected:<1> but was:<2>\n\nTests run: 2, Failures: 1, Errors: 0, Skipped: 0\n",
        format: Format::Maven,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("adds", "OldTest.java:9")],
        complete: true,
    },
    Case {
        what: "a test that passes at its second attempt",
        log: "[INFO]  T E S T S\n[INFO] Running com.example.NetTest\n[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 s <<< FAILURE! -- in com.example.NetTest\n[ERROR] com.example.NetTest.connects -- Time elapsed: 0.01 s <<< FAILURE!\njava.lang.AssertionError: no answer\n\tat com.example.NetTest.connects(NetTest.java:8)\n\n[INFO] Running com.example.NetTest\n[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in com.example.NetTest\n[INFO] Results:\n[WARNING] Flakes:\n[WARNING] com.example.NetTest.connects\n[ERROR]   Run 1: NetTest.connects:8 no answer\n[INFO]   Run 2: PASS\n[INFO]\n[WARNING] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Flakes: 1\n[INFO] BUILD SUCCESS\n",
        format: Format::Maven,
        counts: [2, 2, 0, 0, 0, 0, 1],
        failures: &[],
        complete: true,
    },
    Case {
        what: "quiet Maven tells failures only",
        log: "[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 s <<< FAILURE! - in com.example.NetTest\n[ERROR] connects(com.example.NetTest)  Time elapsed: 0.01 s  <<< FAILURE!\njava.lang.AssertionError: no answer\n\tat com.example.NetTest.connects(NetTest.java:8)\n\n[ERROR] Failures: \n[ERROR]   NetTest.connects:8 no answer\n[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:2.22.2:test (default-test) on project core: There are test failures.\n",
        format: Format::Maven,
        counts: [5, 4, 1, 0, 0, 0, 0],
        failures: &[("connects", "NetTest.java:8")],
        complete: true,
    },
    Case {
        what: "nothing is compiled",
        log: "[INFO] Scanning for projects...\n[ERROR] COMPILATION ERROR :\n[ERROR] /w/src/A.java:[3,5] cannot find symbol\n[INFO] BUILD FAILURE\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:compile (default-compile) on project core: Compilation failure\n",
        format: Format::Maven,
        counts: [0; 7],
        failures: &[("maven-compiler-plugin:compile (core)", "-")],
        complete: false,
    },
    Case {
        what: "the process of the tests dies",
        log: "[INFO] Scanning for projects...\n[INFO]  T E S T S\n[INFO] Running com.example.MathTest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.041 s -- in com.example.MathTest\n[INFO] Running com.example.TextTest\n[INFO]\n[INFO] Results:\n[INFO]\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD FAILURE\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project core: The forked VM terminated without properly saying goodbye. VM crash or System.exit called?\n",
        format: Format::Maven,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[("maven-surefire-plugin:test (core)", "-")],
        complete: false,
    },
    Case {
        what: "modules that Maven left out",
        log: "[INFO] Scanning for projects...\n[INFO]  T E S T S\n[INFO] Running com.example.MathTest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.041 s -- in com.example.MathTest\n[INFO] Results:\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0\n[INFO] core ............................................... SUCCESS [  2.1 s]\n[INFO] lint ............................................... FAILURE [  0.1 s]\n[INFO] web ................................................ SKIPPED\n[INFO] BUILD FAILURE\n[ERROR] Failed to execute goal com.puppycrawl:maven-checkstyle-plugin:3.3.1:check (default) on project lint: You have 3 Checkstyle violations.\n",
        format: Format::Maven,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[("maven-checkstyle-plugin:check (lint)", "-")],
        complete: false,
    },
    Case {
        what: "Maven is killed between modules",
        log: "[INFO] Scanning for projects...\n[INFO]  T E S T S\n[INFO] Running com.example.MathTest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.041 s -- in com.example.MathTest\n[INFO] Results:\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0\n[INFO] Building web 1.0 [2/2]\n",
        format: Format::Maven,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "Maven is killed in a class",
        log: "[INFO]  T E S T S\n[INFO] Running com.example.MathTest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.041 s -- in com.example.MathTest\n[INFO] Running com.example.TextTest\n",
        format: Format::Maven,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a summary that no module has",
        log: "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0\n[INFO] all good\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

const GRADLE: &[Case] = &[
    Case {
        what: "Gradle that names what passed",
        log: "> Task :core:compileJava\n> Task :core:test\n\nMathTest > adds() PASSED\n\nMathTest > Nested > divides() PASSED\n\nMathTest > later() SKIPPED\n\nBUILD SUCCESSFUL in 3s\n5 actionable tasks: 5 executed\n",
        format: Format::Gradle,
        counts: [3, 2, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "Gradle that names what failed",
        log: "> Task :core:test\n\nMathTest > adds() FAILED\n    org.opentest4j.AssertionFailedError: expected: <4> but was: <5>\n        at app//org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)\n        at app//com.example.MathTest.adds(MathTest.java:14)\n\n12 tests completed, 1 failed, 2 skipped\n\n> Task :core:test FAILED\n\nFAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task ':core:test'.\n> There were failing tests. See the report at: file:///w/core/build/reports/tests/test/index.html\n\nBUILD FAILED in 4s\n",
        format: Format::Gradle,
        counts: [12, 9, 1, 0, 2, 0, 0],
        failures: &[("adds()", "MathTest.java:14")],
        complete: true,
    },
    Case {
        what: "tasks beside each other, one of which names what passed",
        log: "> Task :a:test\n\nATest > one() PASSED\n\n> Task :b:test\n\ncom.example.BTest > two FAILED\n    java.lang.AssertionError at BTest.java:9\n\n2 tests completed, 1 failed\n\n> Task :a:test\n\nATest > three() PASSED\n\n> Task :b:test FAILED\n\n* What went wrong:\nExecution failed for task ':b:test'.\n> There were failing tests. See the report at: x\n\nBUILD FAILED in 4s\n",
        format: Format::Gradle,
        counts: [4, 3, 1, 0, 0, 0, 0],
        failures: &[("two", "BTest.java:9")],
        complete: true,
    },
    Case {
        what: "the process of the tests dies",
        log: "> Task :core:test\n\nMathTest > adds() PASSED\n\n> Task :core:test FAILED\n\nFAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task ':core:test'.\n> Process 'Gradle Test Executor 1' finished with non-zero exit value 137\n\nBUILD FAILED in 4s\n",
        format: Format::Gradle,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[(":core:test", "-")],
        complete: false,
    },
    Case {
        what: "nothing is compiled",
        log: "> Task :core:compileJava FAILED\n/w/A.java:3: error: ';' expected\n\nFAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task ':core:compileJava'.\n> Compilation failed; see the compiler error output for details.\n\nBUILD FAILED in 1s\n",
        format: Format::Gradle,
        counts: [0; 7],
        failures: &[(":core:compileJava", "-")],
        complete: false,
    },
    Case {
        what: "Gradle is killed",
        log: "> Task :core:test\n\nMathTest > adds() PASSED\n",
        format: Format::Gradle,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "words that only look alike",
        log: "BUILD FAILED in the night\nimages: a > b FAILED to load\n> Tasks\nBUILD SUCCESSFUL\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

#[test]
fn maven_is_read_as_it_counts() {
    hold(MAVEN, &["BUILD SUCCESS", "Flakes: 1"]);
    let red = parse("a.log", MAVEN_RED);
    assert!(message(&red, "adds").starts_with("org.opentest4j.AssertionFailedError: expected: <4>"));
    assert_eq!(failure(&red, "adds").classname.as_deref(), Some("com.example.MathTest"));
    assert_eq!(failure(&red, "divides(int)[2]").kind, FailureKind::Errored);
}

#[test]
fn gradle_is_read_as_it_counts() {
    hold(GRADLE, &["BUILD SUCCESSFUL in"]);
}
