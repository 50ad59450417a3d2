//! PHPUnit and Pest.

use super::*;

const RED: &str = "\
PHPUnit 10.5.20 by Sebastian Bergmann and contributors.

Runtime:       PHP 8.3.6
Configuration: /w/phpunit.xml

..F.ES                                                              6 / 6 (100%)

Time: 00:00.123, Memory: 10.00 MB

There was 1 error:

1) App\\Tests\\FileTest::testOpens
RuntimeException: no such file

/w/src/File.php:31
/w/tests/FileTest.php:12

--

There was 1 failure:

1) App\\Tests\\MathTest::testAdds with data set #1 (2, 2)
Failed asserting that 5 matches expected 4.

/w/tests/MathTest.php:14

FAILURES!
Tests: 6, Assertions: 7, Errors: 1, Failures: 1, Skipped: 1.
";

const CASES: &[Case] = &[
    Case {
        what: "PHPUnit passes",
        log: "PHPUnit 11.1.0 by Sebastian Bergmann and contributors.\n\n....                                                                4 / 4 (100%)\n\nTime: 00:00.010, Memory: 8.00 MB\n\nOK (4 tests, 9 assertions)\n",
        format: Format::Phpunit,
        counts: [4, 4, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "PHPUnit fails in every way",
        log: RED,
        format: Format::Phpunit,
        counts: [6, 3, 1, 1, 1, 0, 0],
        failures: &[
            ("testOpens", "/w/tests/FileTest.php:12"),
            ("testAdds with data set #1 (2, 2)", "/w/tests/MathTest.php:14"),
        ],
        complete: true,
    },
    Case {
        what: "what was skipped is no failure",
        log: "PHPUnit 9.6.1 by Sebastian Bergmann and contributors.\n\n.SI                                                                 3 / 3 (100%)\n\nTime: 00:00.010, Memory: 8.00 MB\n\nOK, but incomplete, skipped, or risky tests!\nTests: 3, Assertions: 1, Skipped: 1, Incomplete: 1.\n",
        format: Format::Phpunit,
        counts: [3, 1, 0, 0, 1, 1, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "a fatal error ends it",
        log: "PHPUnit 10.5.20 by Sebastian Bergmann and contributors.\n\n..                                                                  2 / 6 ( 33%)\nPHP Fatal error:  Allowed memory size exhausted in /w/a.php on line 3\n",
        format: Format::Phpunit,
        counts: [6, 2, 0, 0, 4, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "it stops at the first failure",
        log: "PHPUnit 10.5.20 by Sebastian Bergmann and contributors.\n\n.F                                                                  2 / 6 ( 33%)\n\nThere was 1 failure:\n\n1) MathTest::testAdds\nno\n\n/w/tests/MathTest.php:14\n\nFAILURES!\nTests: 2, Assertions: 2, Failures: 1.\n",
        format: Format::Phpunit,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("testAdds", "/w/tests/MathTest.php:14")],
        complete: false,
    },
    Case {
        what: "it fails without a failing test",
        log: "PHPUnit 10.5.20 by Sebastian Bergmann and contributors.\n\nFAILURES!\nTests: 2, Assertions: 2.\n",
        format: Format::Phpunit,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[("the test run", "-")],
        complete: false,
    },
    Case {
        what: "what a test prints is not another tool's",
        log: "PHPUnit 11.1.0 by Sebastian Bergmann and contributors.\n\n12 passing (3ms)\n1..1\nok 1 - a\nTests: 3 passed, 3 total\n.                                                                   1 / 1 (100%)\n\nOK (1 test, 1 assertion)\n",
        format: Format::Phpunit,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "Pest",
        log: "   PASS  Tests\\Unit\\TextTest\n  \u{2713} it trims  0.01s\n\n   FAIL  Tests\\Unit\\MathTest\n  \u{2a2f} it adds  0.02s\n  \u{2500}\u{2500}\u{2500}\n   FAILED  Tests\\Unit\\MathTest > it adds   \n  Failed asserting that 5 is identical to 4.\n\n  at tests/Unit/MathTest.php:4\n      1\u{2595} <?php\n\n  Tests:    1 failed, 1 skipped, 3 passed (5 assertions)\n  Duration: 0.10s\n",
        format: Format::Phpunit,
        counts: [5, 3, 1, 0, 1, 0, 0],
        failures: &[("it adds", "tests/Unit/MathTest.php:4")],
        complete: true,
    },
    Case {
        what: "a summary that no run has",
        log: "OK (4 tests, 9 assertions)\nTests: 6, Assertions: 7, Errors: 1.\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

#[test]
fn phpunit_is_read_as_it_counts() {
    hold(CASES, &["\nOK", "Tests: 3, Assertions"]);
    let red = parse("a.log", RED);
    assert_eq!(message(&red, "testOpens"), "RuntimeException: no such file");
    assert_eq!(failure(&red, "testOpens").kind, FailureKind::Errored);
}
