//! XCTest and Swift Testing.

use super::*;

const CASES: &[Case] = &[
    Case {
        what: "XCTest passes",
        log: "Test Suite 'All tests' started at 2026-01-23 17:04:05.123\nTest Suite 'a.xctest' started at 2026-01-23 17:04:05.123\nTest Suite 'MathsTests' started at 2026-01-23 17:04:05.123\nTest Case '-[a.MathsTests testAdds]' started.\n12 passing (3ms)\nTest Case '-[a.MathsTests testAdds]' passed (0.001 seconds).\nTest Suite 'MathsTests' passed at 2026-01-23 17:04:05.124.\n\t Executed 1 test, with 0 failures (0 unexpected) in 0.001 (0.002) seconds\nTest Suite 'a.xctest' passed at 2026-01-23 17:04:05.124.\n\t Executed 1 test, with 0 failures (0 unexpected) in 0.001 (0.002) seconds\nTest Suite 'All tests' passed at 2026-01-23 17:04:05.124.\n\t Executed 1 test, with 0 failures (0 unexpected) in 0.001 (0.003) seconds\n",
        format: Format::Xctest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "XCTest fails: two assertions of one test",
        log: "Test Suite 'All tests' started at 2026-01-23 17:04:05.123\nTest Case 'MathsTests.testAdds' started at 2026-01-23 17:04:05.123\n/w/Tests/MathsTests.swift:12: error: MathsTests.testAdds : XCTAssertEqual failed: (\"4\") is not equal to (\"5\")\n/w/Tests/MathsTests.swift:13: error: MathsTests.testAdds : XCTAssertTrue failed\nTest Case 'MathsTests.testAdds' failed (0.001 seconds)\nTest Case 'MathsTests.testLater' skipped (0.001 seconds)\nTest Case 'MathsTests.testDivides' passed (0.001 seconds)\nTest Suite 'All tests' failed at 2026-01-23 17:04:05.124\n\t Executed 3 tests, with 1 test skipped and 2 failures (0 unexpected) in 0.001 (0.003) seconds\n",
        format: Format::Xctest,
        counts: [3, 1, 1, 0, 1, 0, 0],
        failures: &[("testAdds", "/w/Tests/MathsTests.swift:12")],
        complete: true,
    },
    Case {
        what: "XCTest is killed",
        log: "Test Suite 'All tests' started at 2026-01-23 17:04:05.123\nTest Case 'MathsTests.testAdds' passed (0.001 seconds)\nTest Case 'MathsTests.testDivides' started at 2026-01-23 17:04:05.123\n",
        format: Format::Xctest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "xcodebuild fails, and no test did",
        log: "Test Suite 'All tests' started at 2026-01-23 17:04:05.123\nTest Case 'MathsTests.testAdds' passed (0.001 seconds)\nTest Suite 'All tests' passed at 2026-01-23 17:04:05.124\n\t Executed 1 test, with 0 failures (0 unexpected) in 0.001 (0.003) seconds\n** TEST FAILED **\n",
        format: Format::Xctest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[("the test run", "-")],
        complete: false,
    },
    Case {
        what: "Swift Testing",
        log: "\u{25c7} Test run started.\n\u{25c7} Test adds() started.\n\u{2718} Test adds() recorded an issue at MathsTests.swift:12:5: Expectation failed: (add(2, 2) \u{2192} 4) == 5\n\u{2718} Test adds() failed after 0.001 seconds with 1 issue.\n\u{2714} Test divides() passed after 0.001 seconds.\n\u{2718} Test run with 2 tests failed after 0.001 seconds with 1 issue.\n",
        format: Format::Xctest,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("adds()", "MathsTests.swift:12")],
        complete: true,
    },
    Case {
        what: "Swift Testing is killed",
        log: "\u{25c7} Test run started.\n\u{25c7} Test adds() started.\n",
        format: Format::Xctest,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
];

#[test]
fn xctest_is_read_as_it_counts() {
    hold(CASES, &["(0.003) seconds"]);
}
