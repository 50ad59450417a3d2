//! unittest, and what prints like it.

use super::*;

const FAILING: &str = "\
test_adds (app.tests.MathTest.test_adds) ... ok
test_divides (app.tests.MathTest.test_divides)
Division is exact. ... FAIL
test_later (app.tests.MathTest.test_later) ... skipped 'not yet'
test_opens (app.tests.FileTest.test_opens) ... ERROR
test_known (app.tests.MathTest.test_known) ... expected failure

======================================================================
ERROR: test_opens (app.tests.FileTest.test_opens)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"/w/app/tests.py\", line 31, in test_opens
    open('nowhere')
FileNotFoundError: [Errno 2] No such file or directory: 'nowhere'

======================================================================
FAIL: test_divides (app.tests.MathTest.test_divides)
Division is exact.
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"/w/app/tests.py\", line 12, in test_divides
    self.assertEqual(7 / 2, 3)
  File \"/usr/lib/python3.11/unittest/case.py\", line 873, in assertEqual
    assertion_func(first, second, msg=msg)
AssertionError: 3.5 != 3

----------------------------------------------------------------------
Ran 5 tests in 0.004s

FAILED (failures=1, errors=1, skipped=1, expected failures=1)
";

const CASES: &[Case] = &[
    Case {
        what: "unittest passes",
        log: "....\n----------------------------------------------------------------------\nRan 4 tests in 0.001s\n\nOK\n",
        format: Format::Unittest,
        counts: [4, 4, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "unittest skips",
        log: "test_a (m.T.test_a) ... ok\ntest_b (m.T.test_b) ... skipped 'no net'\n\n----------------------------------------------------------------------\nRan 2 tests in 1.001s\n\nOK (skipped=1)\n",
        format: Format::Unittest,
        counts: [2, 1, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "unittest fails in every way",
        log: FAILING,
        format: Format::Unittest,
        counts: [5, 1, 1, 1, 2, 0, 0],
        failures: &[("test_opens", "/w/app/tests.py:31"), ("test_divides", "/w/app/tests.py:12")],
        complete: true,
    },
    Case {
        what: "unittest of before 3.11, with a subtest and an unexpected success",
        log: "======================================================================\nFAIL: test_even (t.Numbers) (i=1)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"t.py\", line 9, in test_even\n    self.assertEqual(i % 2, 0)\nAssertionError: 1 != 0\n\n======================================================================\nUNEXPECTED SUCCESS: test_odd (t.Numbers)\n----------------------------------------------------------------------\nRan 3 tests in 0.001s\n\nFAILED (failures=1, unexpected successes=1)\n",
        format: Format::Unittest,
        counts: [3, 1, 2, 0, 0, 0, 0],
        failures: &[("test_even (i=1)", "t.py:9"), ("test_odd", "-")],
        complete: true,
    },
    Case {
        what: "Django's runner stops at the first failure",
        log: "Found 12 test(s).\nCreating test database for alias 'default'...\nSystem check identified no issues (0 silenced).\nF\n======================================================================\nFAIL: test_home (shop.tests.HomeTest.test_home)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/w/shop/tests.py\", line 7, in test_home\n    self.assertContains(response, 'Welcome')\nAssertionError: False is not true\n\n----------------------------------------------------------------------\nRan 1 test in 0.052s\n\nFAILED (failures=1)\nDestroying test database for alias 'default'...\n",
        format: Format::Unittest,
        counts: [1, 0, 1, 0, 0, 0, 0],
        failures: &[("test_home", "/w/shop/tests.py:7")],
        complete: false,
    },
    Case {
        what: "Django's runner is killed",
        log: "Found 12 test(s).\nSystem check identified no issues (0 silenced).\n....",
        format: Format::Unittest,
        counts: [12, 0, 0, 0, 12, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a module that cannot be imported",
        log: "E\n======================================================================\nERROR: tests.test_api (unittest.loader._FailedTest.tests.test_api)\n----------------------------------------------------------------------\nImportError: Failed to import test module: tests.test_api\nTraceback (most recent call last):\n  File \"/w/tests/test_api.py\", line 1, in <module>\n    import flask\nModuleNotFoundError: No module named 'flask'\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.000s\n\nFAILED (errors=1)\n",
        format: Format::Unittest,
        counts: [1, 0, 0, 1, 0, 0, 0],
        failures: &[("tests.test_api", "/w/tests/test_api.py:1")],
        complete: false,
    },
    Case {
        what: "a class that is not set up, and parts of a test",
        log: "test_ok (m.T.test_ok) ... ok\ntest_sub (m.T.test_sub) ... \n  test_sub (m.T.test_sub) (i=1) ... FAIL\nsetUpClass (m.S) ... ERROR\n\n======================================================================\nERROR: setUpClass (m.S)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"m.py\", line 19, in setUpClass\n    raise RuntimeError('no')\nRuntimeError: no\n\n======================================================================\nFAIL: test_sub (m.T.test_sub) (i=1)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"m.py\", line 16, in test_sub\n    self.fail()\nAssertionError: None\n\n----------------------------------------------------------------------\nRan 2 tests in 0.001s\n\nFAILED (failures=1, errors=1)\n",
        format: Format::Unittest,
        counts: [3, 1, 1, 1, 0, 0, 0],
        failures: &[("setUpClass", "m.py:19"), ("test_sub (i=1)", "m.py:16")],
        complete: false,
    },
    Case {
        what: "verbose unittest is cut off",
        log: "test_a (m.T.test_a) ... ok\ntest_b (m.T.test_b) ... ok\n",
        format: Format::Unittest,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a verdict that is cut off",
        log: "----------------------------------------------------------------------\nRan 4 tests in 0.001s\n\n",
        format: Format::Unittest,
        counts: [4, 0, 0, 0, 4, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "numbers that do not fit",
        log: "test_a (m.T.test_a) ... ok\ntest_b (m.T.test_b) ... ok\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nOK\n",
        format: Format::Unittest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a number too large to be one is not none",
        log: "----------------------------------------------------------------------\nRan 4 tests in 0.001s\n\nFAILED (failures=99999999999999999999999999)\n",
        format: Format::Unittest,
        counts: [1 << 40, 0, 1 << 40, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "what a failing test printed is not another tool's",
        log: "======================================================================\nFAIL: test_cli (m.T.test_cli)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"m.py\", line 3, in test_cli\n    self.fail()\nAssertionError: None\n\nStdout:\n12 passing (3ms)\nTests: 3 passed, 3 total\n1..2\nok 1 - a\nok 2 - b\n\n----------------------------------------------------------------------\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n",
        format: Format::Unittest,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("test_cli", "m.py:3")],
        complete: true,
    },
    Case {
        what: "what a test of pytest prints is not unittest's",
        log: "===== test session starts =====\ncollected 1 item\n\na.py::t ----------------------------------------------------------------------\nRan 9 tests in 0.001s\n\nOK\nPASSED [100%]\n\n===== 1 passed in 0.1s =====\n",
        format: Format::Pytest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "two runs add up",
        log: "----------------------------------------------------------------------\nRan 4 tests in 0.001s\n\nOK\n.\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nOK\n",
        format: Format::Unittest,
        counts: [5, 5, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "words that only look alike",
        log: "Ran 4 tests in 0.001s\nOK\nFAIL: nothing (a)\nFound 3 issues.\nwe wait ... ok\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

#[test]
fn unittest_is_read_as_it_counts() {
    // The first of two summaries is one: a log cut there is of a run that was one.
    hold(CASES, &["\nOK", "1 passed in"]);
}

#[test]
fn what_was_raised_is_said() {
    let parsed = parse("a.log", FAILING);
    assert_eq!(message(&parsed, "test_divides"), "AssertionError: 3.5 != 3");
    assert_eq!(failure(&parsed, "test_opens").kind, FailureKind::Errored);
    assert_eq!(failure(&parsed, "test_opens").classname.as_deref(), Some("app.tests.FileTest"));
}
