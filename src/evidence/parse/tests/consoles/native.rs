//! googletest, CTest, Catch2 and doctest.

use super::*;

const GTEST: &[Case] = &[
    Case {
        what: "googletest passes",
        log: "[==========] Running 2 tests from 1 test suite.\n[----------] Global test environment set-up.\n[----------] 2 tests from Maths\n[ RUN      ] Maths.Adds\n12 passing (3ms)\n[       OK ] Maths.Adds (0 ms)\n[ RUN      ] Maths.Divides\n[       OK ] Maths.Divides (1 ms)\n[----------] 2 tests from Maths (1 ms total)\n\n[==========] 2 tests from 1 test suite ran. (1 ms total)\n[  PASSED  ] 2 tests.\n",
        format: Format::Gtest,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "googletest fails",
        log: "[==========] Running 3 tests from 1 test suite.\n[ RUN      ] Maths.Adds\n/w/maths_test.cc:31: Failure\nExpected equality of these values:\n  2 + 2\n    Which is: 4\n  5\n[  FAILED  ] Maths.Adds (1 ms)\n[ RUN      ] Maths.Divides\n[       OK ] Maths.Divides (1 ms)\n[ RUN      ] Maths.Later\n[  SKIPPED ] Maths.Later (0 ms)\n[==========] 3 tests from 1 test suite ran. (1 ms total)\n[  PASSED  ] 1 test.\n[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] Maths.Later\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] Maths.Adds\n\n 1 FAILED TEST\n  YOU HAVE 2 DISABLED TESTS\n",
        format: Format::Gtest,
        counts: [3, 1, 1, 0, 1, 0, 0],
        failures: &[("Maths.Adds", "/w/maths_test.cc:31")],
        complete: true,
    },
    Case {
        what: "a test that crashes ends all",
        log: "[==========] Running 3 tests from 1 test suite.\n[ RUN      ] Maths.Adds\n[       OK ] Maths.Adds (1 ms)\n[ RUN      ] Maths.Divides\nSegmentation fault (core dumped)\n",
        format: Format::Gtest,
        counts: [3, 1, 1, 0, 1, 0, 0],
        failures: &[("Maths.Divides", "-")],
        complete: false,
    },
    Case {
        what: "googletest in brief",
        log: "/w/maths_test.cc:31: Failure\nno\n[  FAILED  ] Maths.Adds (1 ms)\n[==========] 3 tests from 1 test suite ran. (1 ms total)\n[  PASSED  ] 2 tests.\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] Maths.Adds\n\n 1 FAILED TEST\n",
        format: Format::Gtest,
        counts: [3, 2, 1, 0, 0, 0, 0],
        failures: &[("Maths.Adds", "-")],
        complete: true,
    },
    Case {
        what: "fewer results than tests",
        log: "[==========] Running 3 tests from 1 test suite.\n[ RUN      ] Maths.Adds\n[       OK ] Maths.Adds (1 ms)\n[==========] 3 tests from 1 test suite ran. (1 ms total)\n[  PASSED  ] 3 tests.\n",
        format: Format::Gtest,
        counts: [3, 1, 0, 0, 2, 0, 0],
        failures: &[],
        complete: false,
    },
];

const CTEST_RED: &str = "\
Test project /w/build
      Start  1: maths
 1/4 Test  #1: maths ............................   Passed    0.01 sec
      Start  2: files
 2/4 Test  #2: files ............................***Failed    0.02 sec
[==========] Running 9 tests from 1 test suite.
[  PASSED  ] 9 tests.
12 passing (3ms)
      Start  3: net
 3/4 Test  #3: net ..............................***Timeout   5.00 sec
      Start  4: text
 4/4 Test  #4: text .............................***Skipped   0.00 sec

50% tests passed, 2 tests failed out of 4

Total Test time (real) =   5.10 sec

The following tests did not run:
\t  4 - text (Skipped)

The following tests FAILED:
\t  2 - files (Failed)
\t  3 - net (Timeout)
Errors while running CTest
";

const CTEST: &[Case] = &[
    Case {
        what: "CTest passes",
        log: "Test project /w/build\n    Start 1: maths\n1/2 Test #1: maths ............................   Passed    0.01 sec\n    Start 2: files\n2/2 Test #2: files ............................   Passed    0.01 sec\n\n100% tests passed, 0 tests failed out of 2\n\nTotal Test time (real) =   0.10 sec\n",
        format: Format::Ctest,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "CTest fails",
        log: CTEST_RED,
        format: Format::Ctest,
        counts: [4, 1, 2, 0, 1, 0, 0],
        failures: &[("files", "-"), ("net", "-")],
        complete: true,
    },
    Case {
        what: "CTest is killed",
        log: "Test project /w/build\n    Start 1: maths\n1/3 Test #1: maths ............................   Passed    0.01 sec\n    Start 2: files\n",
        format: Format::Ctest,
        counts: [3, 1, 0, 0, 2, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "CTest fails, and no test did",
        log: "Test project /w/build\n1/1 Test #1: maths ............................   Passed    0.01 sec\n\n100% tests passed, 0 tests failed out of 1\nErrors while running CTest\n",
        format: Format::Ctest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[("ctest", "-")],
        complete: false,
    },
];

const CATCH: &[Case] = &[
    Case {
        what: "Catch2 passes",
        log: "Randomness seeded to: 1\n===============================================================================\nAll tests passed (12 assertions in 3 test cases)\n",
        format: Format::Catch2,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "Catch2 fails",
        log: "Randomness seeded to: 1\n\n-------------------------------------------------------------------------------\nadds numbers\n-------------------------------------------------------------------------------\n/w/maths.cpp:10\n...............................................................................\n\n/w/maths.cpp:12: FAILED:\n  REQUIRE( add(2, 2) == 5 )\nwith expansion:\n  4 == 5\n\n===============================================================================\ntest cases:  3 |  2 passed | 1 failed\nassertions: 12 | 11 passed | 1 failed\n",
        format: Format::Catch2,
        counts: [3, 2, 1, 0, 0, 0, 0],
        failures: &[("adds numbers", "/w/maths.cpp:12")],
        complete: true,
    },
    Case {
        what: "Catch2 is killed",
        log: "Randomness seeded to: 1\nstarting\n",
        format: Format::Catch2,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
    Case {
        what: "doctest",
        log: "[doctest] doctest version is \"2.4.11\"\n[doctest] run with \"--help\" for options\n===============================================================================\n/w/maths.cpp:9:\nTEST CASE:  adds numbers\n\n/w/maths.cpp:12: ERROR: CHECK( add(2, 2) == 5 ) is NOT correct!\n  values: CHECK( 4 == 5 )\n\n===============================================================================\n[doctest] test cases:  2 | 1 passed | 1 failed | 3 skipped\n[doctest] assertions: 12 | 11 passed | 1 failed |\n[doctest] Status: FAILURE!\n",
        format: Format::Catch2,
        counts: [5, 1, 1, 0, 3, 0, 0],
        failures: &[("adds numbers", "/w/maths.cpp:12")],
        complete: true,
    },
];

#[test]
fn googletest_is_read_as_it_counts() {
    hold(GTEST, &["[  PASSED  ] 2"]);
}

#[test]
fn ctest_is_read_as_it_counts() {
    hold(CTEST, &["100% tests passed"]);
    let red = parse("a.log", CTEST_RED);
    assert_eq!(failure(&red, "net").kind, FailureKind::TimedOut);
}

#[test]
fn catch_is_read_as_it_counts() {
    hold(CATCH, &["All tests passed"]);
}
