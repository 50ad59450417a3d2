//! What real tools print, from small projects run with each of them.

use super::*;

macro_rules! data {
    ($name:expr) => {
        ($name, include_bytes!(concat!("data/", $name)).as_slice())
    };
}

/// Counts, failures in all, complete.
type Known = ((&'static str, &'static [u8]), Format, [u64; 7], u64, bool);

const KNOWN: &[Known] = &[
    // One suite of each kind, one that does not build; -r prints the short form.
    (data!("gk-r-keepgoing.txt"), Format::Ginkgo, [20, 9, 5, 1, 3, 2, 1], 8, false),
    (data!("gk-succinct.txt"), Format::Ginkgo, [17, 8, 5, 0, 2, 2, 1], 5, true),
    // Two reasons: the counts stand on the next line.
    (data!("gk-timeout-procs.txt"), Format::Ginkgo, [12, 4, 6, 0, 1, 1, 1], 6, false),
    (data!("gk-killed.txt"), Format::Ginkgo, [12, 4, 5, 0, 2, 1, 1], 5, false),
    (data!("gk-github.txt"), Format::Ginkgo, [11, 4, 5, 0, 1, 1, 1], 5, true),
    // Without -v the suite that passed leaves no trace.
    (data!("gk-gotest.txt"), Format::Ginkgo, [14, 5, 5, 1, 2, 1, 1], 8, false),
    (data!("py-plain.txt"), Format::Pytest, [18, 8, 5, 3, 2, 0, 1], 8, true),
    (data!("py-q.txt"), Format::Pytest, [18, 8, 5, 3, 2, 0, 1], 8, true),
    (data!("py-qq.txt"), Format::Pytest, [18, 8, 5, 3, 2, 0, 1], 8, true),
    (data!("py-v-color.txt"), Format::Pytest, [18, 8, 5, 3, 2, 0, 1], 8, true),
    (data!("py-xdist-v.txt"), Format::Pytest, [18, 8, 5, 3, 2, 0, 1], 8, true),
    (data!("py-tbline.txt"), Format::Pytest, [16, 7, 4, 3, 2, 0, 1], 7, true),
    (data!("py-x.txt"), Format::Pytest, [5, 4, 1, 0, 0, 0, 0], 1, false),
    (data!("py-collect.txt"), Format::Pytest, [1, 0, 0, 1, 0, 0, 0], 1, false),
    (data!("jest.txt"), Format::Jest, [9, 4, 3, 0, 1, 1, 0], 4, false),
    (data!("jest-gha.txt"), Format::Jest, [9, 4, 3, 0, 1, 1, 0], 4, false),
    (data!("jest-bail.txt"), Format::Jest, [7, 2, 3, 0, 1, 1, 0], 3, false),
    (data!("vitest.txt"), Format::Vitest, [10, 5, 3, 0, 1, 1, 1], 4, false),
    (data!("vitest-bail.txt"), Format::Vitest, [8, 1, 1, 0, 5, 1, 0], 1, false),
    (data!("vitest-unhandled.txt"), Format::Vitest, [1, 1, 0, 0, 0, 0, 0], 1, false),
    (data!("vitest.tap"), Format::Tap, [11, 5, 4, 0, 1, 1, 0], 4, true),
    (data!("mocha.txt"), Format::Mocha, [7, 2, 3, 0, 0, 2, 0], 3, false),
    (data!("mocha.json"), Format::MochaJson, [7, 2, 3, 0, 0, 2, 1], 3, false),
    (data!("mocha.tap"), Format::Tap, [7, 2, 3, 0, 2, 0, 0], 3, true),
    (data!("bats-pretty.txt"), Format::Bats, [7, 4, 1, 0, 2, 0, 0], 1, true),
    (data!("bats-setup-pretty.txt"), Format::Bats, [7, 2, 2, 0, 3, 0, 0], 2, false),
    (data!("bats-setup.tap"), Format::Bats, [7, 2, 2, 0, 3, 0, 0], 2, false),
    (data!("bats-exit.tap"), Format::Bats, [3, 1, 0, 0, 2, 0, 0], 0, false),
    (data!("bats.tap13"), Format::Bats, [5, 2, 1, 0, 2, 0, 0], 1, true),
    (data!("node.tap"), Format::Tap, [9, 3, 4, 0, 1, 1, 0], 4, true),
    (data!("nodetap.tap"), Format::Tap, [4, 1, 1, 0, 1, 1, 0], 1, true),
    (data!("cargo-nff.txt"), Format::CargoTest, [11, 6, 4, 0, 1, 0, 0], 4, true),
    (data!("cargo-q.txt"), Format::CargoTest, [11, 6, 4, 0, 1, 0, 0], 4, true),
    // A binary that dies takes three tests along; the third is the process itself.
    (data!("cargo-abort.txt"), Format::CargoTest, [11, 3, 4, 0, 4, 0, 0], 5, false),
    (data!("cargo-abort1.txt"), Format::CargoTest, [3, 1, 1, 0, 1, 0, 0], 2, false),
    (data!("cargo-compile.txt"), Format::CargoTest, [0; 7], 1, false),
    (data!("playwright-list.txt"), Format::Playwright, [22, 6, 8, 0, 8, 0, 2], 8, false),
    (data!("playwright-dot.txt"), Format::Playwright, [22, 6, 8, 0, 8, 0, 2], 8, false),
    // What ran again has no mark in this form but the number of runs in the last summary.
    (data!("gotestsum-rerun-verbose.txt"), Format::GoTest, [18, 9, 8, 0, 1, 0, 1], 8, true),
    (data!("gotestsum-rerun-names.txt"), Format::GoTest, [18, 9, 8, 0, 1, 0, 1], 8, true),
    // A fuzz test's start is repeated in the list of failures.
    (data!("gotestsum-fuzz.txt"), Format::GoTest, [17, 8, 8, 0, 1, 0, 0], 10, false),
    // The alarm rings in the middle of a line, and takes the spec that was running along.
    (data!("gk-gotest-timeout.txt"), Format::Ginkgo, [3, 0, 0, 1, 2, 0, 0], 1, false),
    (data!("nextest-retries.txt"), Format::Nextest, [14, 5, 8, 0, 1, 0, 1], 8, true),
    // Tests that print what looks like the end of a run of their own tool.
    (data!("cargo-posing.txt"), Format::CargoTest, [16, 6, 6, 0, 4, 0, 0], 7, false),
    (data!("py-posing.txt"), Format::Pytest, [22, 7, 9, 4, 2, 0, 1], 13, false),
    (data!("vitest-posing.txt"), Format::Vitest, [18, 9, 5, 0, 3, 1, 1], 10, false),
    (data!("mocha-after-output.json"), Format::MochaJson, [12, 4, 6, 0, 0, 2, 1], 6, false),
];

/// The tools that only log: no reports for programs.
fn consoles() -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(|(_, format, ..)| !format.is_report())
}

#[test]
fn each_tool_is_counted_as_it_counts_itself() {
    for ((name, bytes), format, expected, failures, complete) in KNOWN {
        let parsed = parse(name, bytes);
        let found = (parsed.format, counts(&parsed), parsed.failures_total, parsed.complete);
        assert_eq!(found, (*format, *expected, *failures, *complete), "{name}: {:?}", parsed.warnings);
    }
}

/// The log as GitHub keeps it: every line stamped, within the group of a step.
fn stamped(text: &[u8], prefix: &str, end: &[u8]) -> Vec<u8> {
    let mut log = b"\xef\xbb\xbf".to_vec();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    for line in text.split(|&byte| byte == b'\n') {
        log.extend_from_slice(prefix.as_bytes());
        log.extend_from_slice(b"2026-01-23T17:04:05.1234567Z ");
        log.extend_from_slice(line);
        log.extend_from_slice(end);
    }
    log
}

#[test]
fn the_envelope_of_github_changes_nothing() {
    for ((name, bytes), ..) in consoles() {
        let plain = parse(name, bytes);
        let variants = [
            stamped(bytes, "", b"\n"),
            stamped(bytes, "Unit Tests (x)\tRun tests\t", b"\n"),
            stamped(bytes, "", b"\r\n"),
            stamped(bytes, "", b"\r"),
        ];
        for (at, log) in variants.iter().enumerate() {
            let parsed = parse(name, log);
            assert_eq!(counts(&parsed), counts(&plain), "{name} variant {at}");
            assert_eq!(parsed.complete, plain.complete, "{name} variant {at}");
            assert_eq!(parsed.failures, plain.failures, "{name} variant {at}");
        }
    }
}

#[test]
fn two_steps_in_one_log_add_up() {
    for ((first, a), ..) in consoles() {
        for ((second, b), ..) in consoles() {
            let log = [a, &b"\n##[group]Run make next\nmake next\n##[endgroup]\n"[..], b].concat();
            let (a, b, sum) = (parse(first, a), parse(second, b), parse("both.log", log));
            let mut expected = a.tests;
            expected.merge(b.tests);
            assert_eq!(sum.tests, expected, "{first} then {second}");
        }
    }
}

#[test]
fn a_log_that_is_cut_off_never_passes_more() {
    for ((name, bytes), ..) in KNOWN {
        let whole = parse(name, bytes);
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        for (end, _) in ends {
            let part = parse(name, &bytes[..end + 1]);
            let (now, then) = (part.tests.passed, whole.tests.passed);
            assert!(now <= then, "{name} cut at {end}: {now} passed, in all {then}");
        }
    }
}

#[test]
fn failing_tests_come_with_place_message_and_kind() {
    use FailureKind::{BuildFailed, Errored, Failed, Interrupted, Panicked, TimedOut};
    let cases = [
        (
            "gk-timeout-procs.txt", "Alpha slow [integration]", "/src/gk/sa/a_test.go:20",
            "A suite timeout occurred", TimedOut,
        ),
        (
            "gk-killed.txt",
            "Alpha eventually [integration]",
            "/src/gk/sa/a_test.go:19",
            "Timed out after 0.200s. Expected <int>: 0 to equal <int>: 3",
            Failed,
        ),
        (
            "gk-github.txt", "Alpha bad setup never gets here [integration]", "/src/gk/sa/a_test.go:13",
            "Expected <string>: x to equal <string>: y", Failed,
        ),
        (
            "gk-succinct.txt", "Alpha panics [integration]", "/src/gk/sa/a_test.go:17",
            "Test Panicked assignment to entry in nil map", Panicked,
        ),
        (
            "gk-gotest.txt", "example.test/gk/broken", "broken/x_test.go:3", "undefined: undefined1",
            BuildFailed,
        ),
        (
            "gk-gotest.txt", "[AfterSuite]", "/src/gk/sd/d_test.go:6", "Expected <int>: 1 to equal <int>: 2",
            Errored,
        ),
        ("py-plain.txt", "test_m", "test_a.py:6", "ValueError: boom second", Failed),
        ("py-q.txt", "test_td", "test_a.py:20", "RuntimeError: teardown broke", Errored),
        ("py-tbline.txt", "test_fail", "/src/py/test_a.py:4", "AssertionError: mismatch", Failed),
        (
            "py-collect.txt", "bad/test_bad.py", "bad/test_bad.py:1",
            "ModuleNotFoundError: No module named 'nothere'", Errored,
        ),
        ("jest.txt", "throws", "a.test.js:4", "boom", Failed),
        ("jest.txt", "b.test.js", "b.test.js:1", "Cannot find module './nothere' from 'b.test.js'", Errored),
        ("vitest.txt", "throws", "a.test.js:5", "Error: boom", Failed),
        ("vitest.txt", "slow", "a.test.js:8", "Error: Test timed out in 100ms.", TimedOut),
        (
            "mocha.txt",
            "User Model #create stamps",
            "a.spec.js:3",
            "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: 1 !== 2",
            Failed,
        ),
        (
            "mocha.json", "User Model hooks \"before all\" hook for \"never1\"", "/src/js/moc/a.spec.js:4",
            "hook broke", Errored,
        ),
        (
            "bats-setup.tap", "setup_file failed", "setup.bats:1",
            "`setup_file() { echo broke >&3; false; }' failed", Errored,
        ),
        (
            "bats.tap13",
            "fails here",
            "a.bats:2",
            "`@test \"fails here\" { run false; [ \"$status\" -eq 0 ]; }' failed",
            Failed,
        ),
        (
            "node.tap",
            "in2",
            "/src/js/nt/a.test.js:3",
            "The expression evaluated to a falsy value: assert.ok(false)",
            Failed,
        ),
        (
            "cargo-q.txt",
            "t::bad",
            "src/lib.rs:11",
            "assertion `left == right` failed: left wrong left: 1 right: 2",
            Failed,
        ),
        ("nextest-retries.txt", "dies", "-", "the test process ended with ABRT", Panicked),
        ("gk-gotest-timeout.txt", "TestD", "-", "test timed out after 1s", TimedOut),
        ("playwright-list.txt", "s1", "a.spec.js:5", "Error: no", Failed),
        ("cargo-abort.txt", "--test abort", "-", "signal: 6, SIGABRT: process abort signal", Panicked),
        ("cargo-abort1.txt", "b_abort", "-", "the process ended while this test ran", Interrupted),
    ];
    for (file, name, at, message, kind) in cases {
        let ((_, bytes), ..) = KNOWN.iter().find(|((known, _), ..)| *known == file).unwrap();
        let parsed = parse(file, bytes);
        let found = failure(&parsed, name);
        assert_eq!(place(found), at, "{file}: {name}");
        assert_eq!(found.message.as_deref(), Some(message), "{file}: {name}");
        assert_eq!(found.kind, kind, "{file}: {name}");
    }
}
