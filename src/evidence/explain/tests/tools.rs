//! What is shown of logs of many tools, with and without a passing log.

use super::check;

#[test]
fn go_tests_show_the_failing_test_and_what_it_printed() {
    let log = "
- =========== go test
- === RUN   TestParse
-     parse_test.go:11: parsing an invalid header is expected to fail
- --- PASS: TestParse (0.00s)
- === RUN   TestStore
> store_test.go:48: got 3 rows, want 4
! --- FAIL: TestStore (0.02s)
- === RUN   TestClose
- --- PASS: TestClose (0.00s)
> FAIL
! FAIL	example.test/store	0.031s
- ok  	example.test/http	0.120s
~ FAIL
- ##[error]Process completed with exit code 1.
- Post job cleanup.
";
    check("go test", &log.replace("> store_test", ">     store_test"), None);
}

#[test]
fn a_go_build_failure_shows_the_compiler() {
    check(
        "go build",
        "
- go: downloading example.test/dep v1.2.3
~ # example.test/api
! api/handler.go:31:14: undefined: newStore
! api/handler.go:40:2: declared and not used: ctx
! FAIL	example.test/api [build failed]
- ok  	example.test/util	0.011s
~ FAIL
~ make: *** [Makefile:22: test] Error 1
- ##[error]Process completed with exit code 2.
",
        None,
    );
}

#[test]
fn a_go_panic_shows_its_message_and_stack() {
    check(
        "go panic",
        "
- === RUN   TestQueue
! panic: runtime error: invalid memory address or nil pointer dereference
> [signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x51a2b3]
> 
> goroutine 19 [running]:
~ example.test/queue.(*Queue).Push(...)
> 	/home/runner/work/queue/queue.go:55 +0x1d
~ example.test/queue.TestQueue(0xc0001)
> 	/home/runner/work/queue/queue_test.go:12 +0x44
> created by testing.(*T).Run in goroutine 1
> 	/opt/go/src/testing/testing.go:1742 +0x390
! FAIL	example.test/queue	0.009s
",
        None,
    );
}

#[test]
fn rust_shows_compiler_errors_with_their_source_and_not_warnings() {
    check(
        "rustc",
        "
-    Compiling parser v0.3.0 (/home/runner/work/parser)
- warning: unused variable: `token`
-   --> src/lex.rs:10:9
-    |
- 10 |     let token = next();
-    |         ^^^^^ help: if this is intentional, prefix it with an underscore
- 
! error[E0308]: mismatched types
>   --> src/parse.rs:88:20
>    |
> 88 |     let n: usize = line.trim();
>    |            -----   ^^^^^^^^^^^ expected `usize`, found `&str`
~ 
! error: could not compile `parser` (lib) due to 1 previous error
- ##[error]Process completed with exit code 101.
",
        None,
    );
}

#[test]
fn rust_tests_show_the_panic_and_the_values() {
    check(
        "cargo test",
        "
- running 3 tests
- test add ... ok
! test wraps ... FAILED
- test sub ... ok
~ 
~ failures:
~ 
> ---- wraps stdout ----
! thread 'wraps' panicked at src/lib.rs:20:5:
> assertion `left == right` failed
>   left: 255
>  right: 0
~ note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
~ 
~ 
~ failures:
~     wraps
~ 
~ test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
~ 
> error: test failed, to rerun pass `--lib`
",
        None,
    );
}

#[test]
fn jest_shows_the_suite_and_the_difference() {
    check(
        "jest",
        "
- > shop@1.0.0 test
- > jest --ci
- 
- PASS src/cart.test.js
! FAIL src/price.test.js
!   \u{25cf} price \u{203a} adds tax
> 
>     expect(received).toBe(expected) // Object.is equality
> 
>     Expected: 119
>     Received: 118.99
> 
>       10 | test('adds tax', () => {
>     > 11 |   expect(price(100)).toBe(119);
>          |                      ^
>       12 | });
> 
>       at Object.<anonymous> (src/price.test.js:11:22)
~ 
~ Test Suites: 1 failed, 1 passed, 2 total
- Tests:       1 failed, 8 passed, 9 total
- Time:        1.2 s
",
        None,
    );
}

#[test]
fn npm_and_typescript_errors_are_shown() {
    check(
        "tsc",
        "
- added 312 packages in 9s
- > tsc --noEmit
! src/app.ts(14,7): error TS2322: Type 'string' is not assignable to type 'number'.
! src/app.ts:20:3 - error TS2304: Cannot find name 'fetchAll'.
~ npm error Lifecycle script `build` failed with error:
~ npm error code 2
- ##[error]Process completed with exit code 2.
",
        None,
    );
}

#[test]
fn pytest_shows_the_assertion_and_not_the_passing_tests() {
    check(
        "pytest",
        "
- ============================= test session starts ==============================
- collected 3 items
- 
- tests/test_a.py::test_ok PASSED                                          [ 33%]
! tests/test_a.py::test_sum FAILED                                         [ 66%]
- tests/test_a.py::test_more PASSED                                        [100%]
- 
- =================================== FAILURES ===================================
> ___________________________________ test_sum ___________________________________
> 
>     def test_sum():
> >       assert total([1, 2]) == 4
! E       assert 3 == 4
> E        +  where 3 = total([1, 2])
> 
> tests/test_a.py:9: AssertionError
- =========================== short test summary info ============================
! FAILED tests/test_a.py::test_sum - assert 3 == 4
- ========================= 1 failed, 2 passed in 0.11s ==========================
",
        None,
    );
}

#[test]
fn bats_shows_the_failing_case() {
    check(
        "bats",
        "
- 1..3
- ok 1 archive has a checksum
! not ok 2 archive holds events
> # (in test file gather.bats, line 40)
> #   `[ -s events.yaml ]' failed
- ok 3 logs are redacted
",
        None,
    );
}

#[test]
fn an_image_of_another_architecture_is_shown() {
    check(
        "container",
        "
- #7 [2/4] RUN apk add --no-cache bash
- #7 DONE 2.1s
- STEP 5/9: RUN /usr/bin/gather --version
! exec /usr/bin/gather: exec format error
! Error: building at STEP \"RUN /usr/bin/gather --version\": while running runtime: exit status 1
- ##[error]Process completed with exit code 1.
",
        None,
    );
}

#[test]
fn ginkgo_shows_the_block_and_the_summary_and_not_what_passed() {
    check(
        "ginkgo",
        "
- Running Suite: Storage Integration Suite - /src/test/integration/storage
- Will run 3 of 3 specs
- ------------------------------
- \u{2022} [0.412 seconds]
- Export writes pages
- /src/test/integration/storage/export_test.go:40
- 
-   Timeline >>
-   2026-01-23T16:00:01Z ERROR storage write failed once, as the test wants
-   << Timeline
- ------------------------------
! \u{2022} [FAILED] [2.113 seconds]
> Export chain [It] should verify the chain [integration]
> /src/test/integration/storage/export_test.go:90
> 
!   [FAILED] all events should have a valid chain
>   Expected
>       <int>: 0
>   to equal
>       <int>: 5
>   In [It] at: /src/test/integration/storage/export_test.go:113 @ 01/23/26 16:00:03.000
- ------------------------------
- \u{21ba} [FLAKEY TEST - TOOK 2 ATTEMPTS TO PASS] [0.2 seconds]
- Export retries
-   [FAILED] in [It] - /src/test/integration/storage/export_test.go:200
-   Attempt #1 Failed.  Retrying
- ------------------------------
- 
> Summarizing 1 Failure:
!   [FAIL] Export chain [It] should verify the chain [integration]
>   /src/test/integration/storage/export_test.go:113
- 
- Ran 3 of 3 Specs in 3.000 seconds
~ FAIL! -- 2 Passed | 1 Failed | 1 Flaked | 0 Pending | 0 Skipped
",
        None,
    );
}

const MAVEN_PASS: &str = "\
[INFO] Scanning for projects...
Running org.example.ATest
java.lang.IllegalStateException: thrown on purpose
	at org.example.ATest.purpose(ATest.java:20)
	at java.lang.reflect.Method.invoke(Method.java:498)
Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.4 sec
Running org.example.BTest
Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 sec
Results :
Tests run: 6, Failures: 0, Errors: 0, Skipped: 0
[INFO] BUILD SUCCESS
[INFO] Total time: 12.1 s
Finished: SUCCESS
";

const MAVEN_FAIL: &str = "
- [INFO] Scanning for projects...
- Running org.example.ATest
- java.lang.IllegalStateException: thrown on purpose
- 	at org.example.ATest.purpose(ATest.java:20)
- 	at java.lang.reflect.Method.invoke(Method.java:498)
- Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.4 sec
~ Running org.example.BTest
! Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.2 sec <<< FAILURE! - in org.example.BTest
! adds(org.example.BTest)  Time elapsed: 0.01 sec  <<< FAILURE!
! java.lang.AssertionError: expected:<3> but was:<4>
> 	at org.junit.Assert.fail(Assert.java:88)
> 	at org.example.BTest.adds(BTest.java:14)
~ 
~ Results :
~ 
! Failed tests: 
>   BTest.adds:14 expected:<3> but was:<4>
~ 
! Tests run: 6, Failures: 1, Errors: 0, Skipped: 0
~ 
- [INFO] ------------------------------------------------------------------------
- [INFO] BUILD FAILURE
- [INFO] Total time: 13.0 s
! [ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:2.12:test: There are test failures.
~ [ERROR] 
~ [ERROR] Please refer to /builds/a/target/surefire-reports for the individual test results.
~ [ERROR] -> [Help 1]
~ Build step 'Invoke top-level Maven targets' marked build as failure
- Sending e-mails to: someone@example.test
- Finished: FAILURE
";

#[test]
fn maven_test_failures_are_shown_without_traces_of_passing_tests() {
    check("maven with baseline", MAVEN_FAIL, Some(MAVEN_PASS));
    check("maven without baseline", MAVEN_FAIL, None);
}

#[test]
fn a_trace_that_is_new_in_a_passing_test_is_not_the_failure() {
    let pass =
        MAVEN_PASS.replace("IllegalStateException: thrown on purpose", "IllegalStateException: another text");
    check("maven with another trace", MAVEN_FAIL, Some(&pass));
}

#[test]
fn gradle_shows_the_failing_test_and_only_without_one_its_own_reason() {
    check(
        "gradle test",
        "
- > Task :app:compileJava
- > Task :app:test FAILED
- 
- ParserTest > reads() PASSED
- 
! ParserTest > writes() FAILED
!     java.io.UncheckedIOException: cannot write
>         at org.example.Parser.write(Parser.java:39)
> 
>         Caused by:
>         java.nio.file.NoSuchFileException: out/a.txt
>             at java.base/sun.nio.fs.UnixException.translate(UnixException.java:92)
- 
- 12 tests completed, 1 failed
- 
- FAILURE: Build failed with an exception.
- 
- * What went wrong:
- Execution failed for task ':app:test'.
- > There were failing tests. See the report at: file:///home/runner/index.html
- 
- * Try:
- > Run with --stacktrace option to get the stack trace.
- 
- BUILD FAILED in 13s
",
        None,
    );
    check(
        "gradle dependency",
        "
- > Task :app:compileJava FAILED
- 
- FAILURE: Build failed with an exception.
- 
- * What went wrong:
! Execution failed for task ':app:compileJava'.
! > Could not resolve all files for configuration ':app:compileClasspath'.
!    > Could not find com.example:missing:1.0.
- 
- * Try:
- > Run with --scan to get full insights.
- 
- BUILD FAILED in 2s
- ##[error]Process completed with exit code 1.
",
        None,
    );
}

#[test]
fn an_image_build_shows_the_failing_step() {
    check(
        "buildkit",
        "
- #11 [builder 4/6] RUN cargo build --release
- #11 0.412    Compiling parser v0.3.0 (/src)
! #11 3.871 error[E0425]: cannot find value `tokens` in this scope
> #11 3.871   --> src/parse.rs:12:5
> #11 3.871    |
> #11 3.871 12 |     tokens.len()
> #11 3.871    |     ^^^^^^ not found in this scope
~ #11 3.871 
! #11 3.902 error: could not compile `parser` (lib) due to 1 previous error
~ #11 ERROR: process \"/bin/sh -c cargo build --release\" did not complete successfully: exit code: 101
- ------
~  > [builder 4/6] RUN cargo build --release:
~ 3.871    |
- ------
! ERROR: failed to solve: process \"/bin/sh -c cargo build --release\" did not complete successfully: exit code: 101
- ##[error]Process completed with exit code 1.
",
        None,
    );
}

#[test]
fn stamps_that_a_build_server_adds_do_not_hide_forms() {
    check(
        "time stamper",
        "
- [2022-05-21T18:18:50.123Z] [INFO] Scanning for projects...
- [2022-05-21T18:18:51.000Z] [INFO] --- maven-compiler-plugin:3.8.1:compile (default-compile) @ a ---
~ [2022-05-21T18:18:52.000Z] [ERROR] COMPILATION ERROR : 
- [2022-05-21T18:18:52.000Z] [INFO] -------------------------------------------------------------
! [2022-05-21T18:18:52.000Z] [ERROR] /a/B.java:[3,4] cannot find symbol
>   symbol:   class C
- [2022-05-21T18:18:52.000Z] [INFO] 1 error
- [2022-05-21T18:18:52.000Z] [INFO] BUILD FAILURE
",
        None,
    );
}

#[test]
fn levels_that_a_runner_rewrote_are_read() {
    check(
        "rewritten levels",
        "
- [INFO] Compiling 3 source files to /home/runner/work/a/target/classes
- Warning:  /home/runner/work/a/B.java: uses unchecked or unsafe operations.
- [INFO] -------------------------------------------------------------
- Error:  COMPILATION ERROR : 
- [INFO] -------------------------------------------------------------
! Error:  /home/runner/work/a/B.java:[3,4] cannot find symbol
- [INFO] 1 error
- [INFO] BUILD FAILURE
! Error:  Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.8.1:compile (default-compile) on project a
~ Error:  
~ Error:  -> [Help 1]
- ##[error]Process completed with exit code 1.
",
        None,
    );
}
