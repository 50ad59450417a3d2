//! Consoles of tools that come in every language: of each a run in which all passed, and one in which not.

pub const TAP_LOOSE: &str = "ok - a\nok - b\n1..2\n";

pub const UNITTEST_GREEN: &str = "\
test_a (m.T.test_a) ... ok
test_b (m.T.test_b) ... ok

----------------------------------------------------------------------
Ran 2 tests in 0.001s

OK
";

pub const UNITTEST_RED: &str = "\
.F
======================================================================
FAIL: test_b (m.T.test_b)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"m.py\", line 9, in test_b
    self.assertEqual(1, 0)
AssertionError: 1 != 0

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)
";

pub const SERVICES_GREEN: &str = "\
Attaching to db-1, api-1
db-1   | ready
api-1  | ----------------------------------------------------------------------
api-1  | Ran 2 tests in 0.001s
db-1   | bye
api-1  |
api-1  | OK
";

pub const MAVEN_GREEN: &str = "\
[INFO] Scanning for projects...
[INFO]  T E S T S
[INFO] Running a.BTest
[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.041 s -- in a.BTest
[INFO] Results:
[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0
[INFO] BUILD SUCCESS
";

pub const MAVEN_RED: &str = "\
[INFO] Scanning for projects...
[INFO]  T E S T S
[INFO] Running a.BTest
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in a.BTest
[ERROR] a.BTest.c -- Time elapsed: 0.011 s <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <4> but was: <5>
\tat a.BTest.c(BTest.java:14)

[INFO] Results:
[ERROR] Failures:
[ERROR]   BTest.c:14 expected: <4> but was: <5>
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0
[INFO] BUILD FAILURE
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project a: There are test failures.
";

pub const GRADLE_GREEN: &str = "\
> Task :a:test

ATest > b() PASSED

ATest > c() PASSED

BUILD SUCCESSFUL in 3s
";

pub const GRADLE_RED: &str = "\
> Task :a:test

ATest > b() FAILED
    java.lang.AssertionError at ATest.java:9

2 tests completed, 1 failed

> Task :a:test FAILED

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':a:test'.
> There were failing tests. See the report at: file:///w/index.html

BUILD FAILED in 4s
";

pub const DOTNET_GREEN: &str = "\
Starting test execution, please wait...
A total of 1 test files matched the specified pattern.

Passed!  - Failed:     0, Passed:     4, Skipped:     0, Total:     4, Duration: 35 ms - A.dll (net8.0)
";

pub const DOTNET_RED: &str = "\
Starting test execution, please wait...
  Failed A.B.C [12 ms]
  Error Message:
   Assert.True() Failure
  Stack Trace:
     at A.B.C() in /w/B.cs:line 14

Failed!  - Failed:     1, Passed:     3, Skipped:     0, Total:     4, Duration: 35 ms - A.dll (net8.0)
";

pub const PHPUNIT_GREEN: &str = "\
PHPUnit 11.1.0 by Sebastian Bergmann and contributors.

..                                                                  2 / 2 (100%)

OK (2 tests, 9 assertions)
";

pub const PHPUNIT_RED: &str = "\
PHPUnit 11.1.0 by Sebastian Bergmann and contributors.

.F                                                                  2 / 2 (100%)

There was 1 failure:

1) A\\BTest::testC
Failed asserting that 5 matches expected 4.

/w/BTest.php:14

FAILURES!
Tests: 2, Assertions: 2, Failures: 1.
";

pub const RSPEC_GREEN: &str = "\
Randomized with seed 1
..

Finished in 0.02 seconds (files took 0.1 seconds to load)
2 examples, 0 failures

Randomized with seed 1
";

pub const RSPEC_RED: &str = "\
.F

Failures:

  1) A b
     Failure/Error: expect(4).to eq(5)

       expected: 5
            got: 4
     # ./a_spec.rb:14:in `block'

Finished in 0.02 seconds (files took 0.1 seconds to load)
2 examples, 1 failure

Failed examples:

rspec ./a_spec.rb:12 # A b
";

pub const MINITEST_GREEN: &str = "\
Run options: --seed 123

# Running:

..

Finished in 0.012s, 416.6 runs/s, 500.0 assertions/s.
2 runs, 6 assertions, 0 failures, 0 errors, 0 skips
";

pub const MINITEST_RED: &str = "\
Run options: --seed 123

# Running:

F.

Failure:
ATest#test_b [a_test.rb:12]:
Expected: 5
  Actual: 4

Finished in 0.012s, 416.6 runs/s, 500.0 assertions/s.
2 runs, 6 assertions, 1 failures, 0 errors, 0 skips
";

pub const EXUNIT_GREEN: &str = "\
Running ExUnit with seed: 1, max_cases: 8

..
Finished in 0.1 seconds (0.1s async, 0.00s sync)
2 tests, 0 failures
";

pub const EXUNIT_RED: &str = "\
Running ExUnit with seed: 1, max_cases: 8

  1) test b (ATest)
     a_test.exs:5
     Assertion with == failed
     stacktrace:
       a_test.exs:7: (test)

.
Finished in 0.1 seconds (0.1s async, 0.00s sync)
2 tests, 1 failure
";

pub const GTEST_GREEN: &str = "\
[==========] Running 2 tests from 1 test suite.
[ RUN      ] A.b
[       OK ] A.b (0 ms)
[ RUN      ] A.c
[       OK ] A.c (1 ms)
[==========] 2 tests from 1 test suite ran. (1 ms total)
[  PASSED  ] 2 tests.
";

pub const GTEST_RED: &str = "\
[==========] Running 2 tests from 1 test suite.
[ RUN      ] A.b
/w/a.cc:31: Failure
Value of: false
[  FAILED  ] A.b (1 ms)
[ RUN      ] A.c
[       OK ] A.c (1 ms)
[==========] 2 tests from 1 test suite ran. (1 ms total)
[  PASSED  ] 1 test.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.b

 1 FAILED TEST
";

pub const CTEST_GREEN: &str = "\
Test project /w/build
    Start 1: a
1/2 Test #1: a ................................   Passed    0.01 sec
    Start 2: b
2/2 Test #2: b ................................   Passed    0.01 sec

100% tests passed, 0 tests failed out of 2

Total Test time (real) =   0.10 sec
";

pub const CTEST_RED: &str = "\
Test project /w/build
1/2 Test #1: a ................................   Passed    0.01 sec
2/2 Test #2: b ................................***Failed    0.01 sec

50% tests passed, 1 tests failed out of 2

The following tests FAILED:
\t  2 - b (Failed)
Errors while running CTest
";

pub const NODE_GREEN: &str = "\
\u{25b6} s
  \u{2714} a (0.412ms)
  \u{2714} b (0.412ms)
\u{2714} s (2.521ms)
\u{2139} tests 2
\u{2139} suites 1
\u{2139} pass 2
\u{2139} fail 0
\u{2139} cancelled 0
\u{2139} skipped 0
\u{2139} todo 0
\u{2139} duration_ms 51.2
";

pub const NODE_RED: &str = "\
\u{2714} a (0.412ms)
\u{2716} b (0.412ms)
\u{2139} tests 2
\u{2139} suites 0
\u{2139} pass 1
\u{2139} fail 1
\u{2139} cancelled 0
\u{2139} skipped 0
\u{2139} todo 0
\u{2139} duration_ms 51.2

\u{2716} failing tests:

test at a.test.js:7:3
\u{2716} b (0.412ms)
  AssertionError: no
      at TestContext.<anonymous> (file:///w/a.test.js:9:12)
";

pub const BUN_GREEN: &str = "\
bun test v1.2.4 (fd9a5ea6)

a.test.ts:
(pass) a > b [0.10ms]
(pass) a > c

 2 pass
 0 fail
Ran 2 tests across 1 files. [12.00ms]
";

pub const BUN_RED: &str = "\
bun test v1.2.4 (fd9a5ea6)

a.test.ts:
error: expect(received).toBe(expected)

      at <anonymous> (/w/a.test.ts:5:13)
(fail) a > b [0.50ms]
(pass) a > c

 1 pass
 1 fail
Ran 2 tests across 1 files. [12.00ms]
";

pub const DENO_GREEN: &str = "\
running 2 tests from ./a_test.ts
a ... ok (5ms)
b ... ok (0ms)

ok | 2 passed | 0 failed (35ms)
";

pub const DENO_RED: &str = "\
running 2 tests from ./a_test.ts
a ... FAILED (5ms)
b ... ok (0ms)

 ERRORS 

a => ./a_test.ts:3:6
error: AssertionError: no

 FAILURES 

a => ./a_test.ts:3:6

FAILED | 1 passed | 1 failed (35ms)

error: Test failed
";

pub const XCTEST_GREEN: &str = "\
Test Suite 'All tests' started at 2026-01-23 17:04:05.123
Test Case 'A.testB' passed (0.001 seconds)
Test Case 'A.testC' passed (0.001 seconds)
Test Suite 'All tests' passed at 2026-01-23 17:04:05.124
\t Executed 2 tests, with 0 failures (0 unexpected) in 0.001 (0.003) seconds
";

pub const XCTEST_RED: &str = "\
Test Suite 'All tests' started at 2026-01-23 17:04:05.123
/w/A.swift:12: error: A.testB : XCTAssertTrue failed
Test Case 'A.testB' failed (0.001 seconds)
Test Case 'A.testC' passed (0.001 seconds)
Test Suite 'All tests' failed at 2026-01-23 17:04:05.124
\t Executed 2 tests, with 1 failure (0 unexpected) in 0.001 (0.003) seconds
";

pub const CATCH_GREEN: &str = "\
Randomness seeded to: 1
===============================================================================
All tests passed (12 assertions in 2 test cases)

";

pub const CATCH_RED: &str = "\
Randomness seeded to: 1

-------------------------------------------------------------------------------
a
-------------------------------------------------------------------------------
/w/a.cpp:10
...............................................................................

/w/a.cpp:12: FAILED:
  REQUIRE( 4 == 5 )

===============================================================================
test cases:  2 |  1 passed | 1 failed
assertions: 12 | 11 passed | 1 failed

";
