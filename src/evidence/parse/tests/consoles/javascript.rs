//! node's own runner, TAP without numbers, bun and deno.

use super::*;

const NODE_RED: &str = "\
\u{25b6} maths
  \u{2714} adds (0.412ms)
  \u{2716} divides (1.032ms)
  \u{fe63} later (0.041ms) # SKIP
\u{2716} maths (2.521ms)
\u{2714} trims (0.091ms)
\u{26a0} someday (0.091ms) # TODO
\u{2139} tests 5
\u{2139} suites 1
\u{2139} pass 2
\u{2139} fail 1
\u{2139} cancelled 0
\u{2139} skipped 1
\u{2139} todo 1
\u{2139} duration_ms 51.2

\u{2716} failing tests:

test at test/maths.test.js:7:3
\u{2716} divides (1.032ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
  
  3.5 !== 3
  
      at TestContext.<anonymous> (file:///w/test/maths.test.js:9:12)
      at Test.runInAsyncScope (node:async_hooks:211:14) {
    code: 'ERR_ASSERTION'
  }
";

const NODE: &[Case] = &[
    Case {
        what: "node passes",
        log: "\u{25b6} maths\n  \u{2714} adds (0.412ms)\n  \u{2714} divides (0.412ms)\n\u{25b6} maths (2.521ms)\n\n\u{2714} trims (0.091ms)\n\u{2139} tests 3\n\u{2139} suites 1\n\u{2139} pass 3\n\u{2139} fail 0\n\u{2139} cancelled 0\n\u{2139} skipped 0\n\u{2139} todo 0\n\u{2139} duration_ms 51.2\n",
        format: Format::NodeTest,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "node fails",
        log: NODE_RED,
        format: Format::NodeTest,
        counts: [5, 2, 1, 0, 1, 1, 0],
        failures: &[("divides", "test/maths.test.js:9")],
        complete: true,
    },
    Case {
        what: "a file that does not load",
        log: "\u{2716} /w/c.test.mjs (30.12ms)\n\u{2714} trims (0.091ms)\n\u{2139} tests 2\n\u{2139} suites 0\n\u{2139} pass 1\n\u{2139} fail 1\n\u{2139} cancelled 0\n\u{2139} skipped 0\n\u{2139} todo 0\n\u{2139} duration_ms 51.2\n\n\u{2716} failing tests:\n\ntest at c.test.mjs:1:1\n\u{2716} /w/c.test.mjs (30.12ms)\n  'test failed'\n",
        format: Format::NodeTest,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("/w/c.test.mjs", "c.test.mjs:1")],
        complete: false,
    },
    Case {
        what: "node is killed",
        log: "\u{2714} adds (0.412ms)\n\u{2714} trims (0.091ms)\n",
        format: Format::NodeTest,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "totals that are cut off",
        log: "\u{2714} adds (0.412ms)\n\u{2139} tests 1\n\u{2139} suites 0\n\u{2139} pass 1\n",
        format: Format::NodeTest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "totals without tests",
        log: "\u{2139} tests 9\n\u{2139} suites 0\n\u{2139} pass 9\n\u{2139} fail 0\n\u{2139} cancelled 0\n\u{2139} skipped 0\n\u{2139} todo 0\n\u{2139} duration_ms 51.2\n",
        format: Format::NodeTest,
        counts: [9, 9, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "ticks of others",
        log: "\u{2714} built in 3s\n\u{2139} using cache\n\u{2714} done (12ms)\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

const TAP: &[Case] = &[
    Case {
        what: "points without numbers, the plan last",
        log: "ok - adds\nnot ok - divides\nok - later # SKIP no\n1..3\n",
        format: Format::Tap,
        counts: [3, 1, 1, 0, 1, 0, 0],
        failures: &[("divides", "-")],
        complete: true,
    },
    Case {
        what: "a plan that is not fulfilled",
        log: "ok - adds\nok - divides\n1..3\n",
        format: Format::Tap,
        counts: [3, 2, 0, 0, 1, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "points without numbers, and no plan",
        log: "ok - adds\nok - divides\n",
        format: Format::Tap,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "one point is none",
        log: "ok - let us begin\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
    Case {
        what: "two programs whose plan is last",
        log: "ok - a\nok - b\n1..2\nok - c\n1..1\n",
        format: Format::Tap,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "it bails out before its first point",
        log: "Bail out!  no database\n",
        format: Format::Tap,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
    Case {
        what: "more points than were planned",
        log: "1..1\nok 1 - a\nok 2 - b\n",
        format: Format::Tap,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
];

const BUN: &[Case] = &[
    Case {
        what: "bun passes",
        log: "bun test v1.2.4 (fd9a5ea6)\n\nsrc/a.test.ts:\n12 passing (3ms)\n(pass) maths > adds [0.10ms]\n(skip) maths > later\n\n 1 pass\n 1 skip\n 0 fail\n 3 expect() calls\nRan 2 tests across 1 files. [12.00ms]\n",
        format: Format::Bun,
        counts: [2, 1, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "bun fails",
        log: "bun test v1.2.4 (fd9a5ea6)\n\nsrc/a.test.ts:\n1 | import { expect } from 'bun:test';\n5 |   expect(4).toBe(5);\n                ^\nerror: expect(received).toBe(expected)\n\nExpected: 5\nReceived: 4\n\n      at <anonymous> (/w/src/a.test.ts:5:13)\n(fail) maths > adds [0.50ms]\n(pass) maths > divides\n\n1 tests failed:\n(fail) maths > adds [0.50ms]\n\n 1 pass\n 1 fail\n 2 expect() calls\nRan 2 tests across 1 files. [12.00ms]\n",
        format: Format::Bun,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("adds", "/w/src/a.test.ts:5")],
        complete: true,
    },
    Case {
        what: "an error between tests",
        log: "bun test v1.2.4 (fd9a5ea6)\n\nsrc/a.test.ts:\n(pass) a\n\nsrc/b.test.ts:\n# Unhandled error between tests\nerror: Cannot find module 'x'\n\n 1 pass\n 0 fail\n 1 error\nRan 1 test across 2 files. [12.00ms]\n",
        format: Format::Bun,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[("errors outside of tests", "-")],
        complete: false,
    },
    Case {
        what: "bun is killed",
        log: "bun test v1.2.4 (fd9a5ea6)\n\nsrc/a.test.ts:\n(pass) a\n",
        format: Format::Bun,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
];

const DENO: &[Case] = &[
    Case {
        what: "deno passes",
        log: "running 2 tests from ./a_test.ts\nadds ... ok (5ms)\nlater ... ignored (0ms)\nrunning 1 test from ./b_test.ts\nreads ...\n------- output -------\n12 passing (3ms)\nok | 9 passed | 0 failed (1ms)\n----- output end -----\nreads ... ok (2ms)\n\nok | 2 passed | 0 failed | 1 ignored (35ms)\n",
        format: Format::Deno,
        counts: [3, 2, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "deno fails",
        log: "running 2 tests from ./a_test.ts\nadds ... FAILED (5ms)\ndivides ... ok (0ms)\n\n ERRORS \n\nadds => ./a_test.ts:3:6\nerror: AssertionError: Values are not equal.\n    at file:///w/a_test.ts:4:3\n\n FAILURES \n\nadds => ./a_test.ts:3:6\n\nFAILED | 1 passed (2 steps) | 1 failed (35ms)\n\nerror: Test failed\n",
        format: Format::Deno,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("adds", "./a_test.ts:3")],
        complete: true,
    },
    Case {
        what: "deno is killed",
        log: "running 3 tests from ./a_test.ts\nadds ... ok (5ms)\n",
        format: Format::Deno,
        counts: [3, 1, 0, 0, 2, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "fewer results than tests",
        log: "running 3 tests from ./a_test.ts\nadds ... ok (5ms)\n\nok | 1 passed | 0 failed (5ms)\n",
        format: Format::Deno,
        counts: [3, 1, 0, 0, 2, 0, 0],
        failures: &[],
        complete: false,
    },
];

#[test]
fn node_is_read_as_it_counts() {
    hold(NODE, &["duration_ms"]);
    let said = parse("a.log", NODE_RED);
    let said = message(&said, "divides");
    assert!(said.ends_with("to be strictly equal: 3.5 !== 3"), "{said}");
}

#[test]
fn points_without_numbers_are_read() {
    hold(TAP, &["1..2"]);
}

#[test]
fn bun_is_read_as_it_counts() {
    hold(BUN, &["Ran 2"]);
    let red = parse("a.log", BUN[1].log);
    assert_eq!(message(&red, "adds"), "expect(received).toBe(expected) Expected: 5 Received: 4");
}

#[test]
fn deno_is_read_as_it_counts() {
    hold(DENO, &["ok | 2"]);
}
