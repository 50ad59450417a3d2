//! The known answers of the shared corpus, read in place.

use super::*;
use std::path::PathBuf;

/// File, format, counts, failures in all, complete.
type Known = (&'static str, Format, [u64; 7], u64, bool);

const KNOWN: &[Known] = &[
    ("bats-junit.xml", Format::Junit, [4, 1, 2, 0, 1, 0, 0], 2, true),
    ("bats-pretty.txt", Format::Bats, [4, 1, 2, 0, 1, 0, 0], 2, true),
    ("bats-tap.tap", Format::Bats, [4, 1, 2, 0, 1, 0, 0], 2, true),
    ("bazel-suite-logs.xml", Format::Junit, [1, 0, 0, 1, 0, 0, 0], 1, true),
    ("captain-ginkgo-other-errors.json", Format::GinkgoJson, [1, 0, 0, 0, 0, 1, 0], 2, true),
    ("captain-go-test-build-failure.jsonl", Format::GoTestJson, [1, 1, 0, 0, 0, 0, 0], 1, false),
    ("captain-go-test.jsonl", Format::GoTestJson, [35, 24, 9, 0, 2, 0, 0], 9, true),
    ("captain-jest-duplicates.json", Format::JestJson, [20, 7, 7, 0, 3, 3, 0], 7, true),
    ("captain-junit-no-testsuites.xml", Format::Junit, [72, 67, 1, 2, 2, 0, 0], 3, true),
    ("captain-unittest.xml", Format::Junit, [5, 3, 1, 0, 1, 0, 0], 1, true),
    ("captain-vitest.json", Format::VitestJson, [10, 5, 2, 0, 2, 1, 0], 2, true),
    ("cargo-test-failures.txt", Format::CargoTest, [8, 5, 3, 0, 0, 0, 0], 3, true),
    ("cargo-test-nofailfast.txt", Format::CargoTest, [5, 1, 3, 0, 1, 0, 0], 3, true),
    ("ctrf-comprehensive.json", Format::Ctrf, [3, 2, 1, 0, 0, 0, 1], 1, true),
    ("ctrf-minimal.json", Format::Ctrf, [1, 1, 0, 0, 0, 0, 0], 0, true),
    ("ginkgo-focus-programmatic.txt", Format::Ginkgo, [13, 6, 0, 0, 6, 1, 0], 0, true),
    ("ginkgo-gen.junit.xml", Format::Junit, [27, 19, 5, 1, 1, 1, 0], 6, true),
    ("ginkgo-junit.snap", Format::Junit, [5, 2, 1, 1, 0, 1, 0], 2, true),
    ("ginkgo-v-keepgoing.txt", Format::Ginkgo, [27, 19, 4, 1, 2, 1, 1], 5, false),
    ("golang-json.jsonl", Format::GoTestJson, [12, 5, 6, 0, 1, 0, 0], 6, true),
    ("gotest-json.out", Format::GoTestJson, [59, 42, 12, 0, 5, 0, 0], 13, false),
    ("gotest-missing-test-fail.out", Format::GoTestJson, [1, 0, 1, 0, 0, 0, 0], 1, true),
    ("gotest-panic-race-1.out", Format::GoTestJson, [1, 0, 1, 0, 0, 0, 0], 1, true),
    ("gotest-v-wrapping-ginkgo.txt", Format::Ginkgo, [14, 12, 0, 1, 1, 0, 0], 1, false),
    ("gotest-verbose.txt", Format::GoTest, [59, 42, 12, 0, 5, 0, 0], 13, false),
    ("gotestsum-github-actions.txt", Format::GoTest, [59, 42, 12, 0, 5, 0, 0], 13, false),
    ("java-junit4-complete.xml", Format::Junit, [8, 5, 1, 1, 1, 0, 0], 2, true),
    ("jest-junit-small.xml", Format::Junit, [2, 2, 0, 0, 0, 0, 0], 0, true),
    ("jest-junit.xml", Format::Junit, [6, 1, 4, 0, 1, 0, 0], 4, true),
    ("mocha-console.txt", Format::Mocha, [20, 14, 5, 0, 0, 1, 0], 5, true),
    ("nested-testsuites.xml", Format::Junit, [5, 5, 0, 0, 0, 0, 0], 0, true),
    ("nextest-fixture.junit.xml", Format::Junit, [3, 2, 1, 0, 0, 0, 1], 1, true),
    ("nextest-setup-script.junit.xml", Format::Junit, [1, 1, 0, 0, 0, 0, 0], 0, true),
    ("nextest-summary-lines.snap", Format::Nextest, [18, 10, 3, 1, 4, 0, 1], 4, false),
    ("no-attributes.xml", Format::Junit, [4, 1, 1, 1, 1, 0, 0], 2, true),
    ("pytest-console-failures.txt", Format::Pytest, [12, 7, 3, 1, 1, 0, 0], 4, true),
    ("pytest-corrupt.junit.xml", Format::Junit, [2, 1, 0, 0, 1, 0, 0], 0, false),
    ("pytest-fail.junit.xml", Format::Junit, [5, 3, 1, 0, 1, 0, 0], 1, true),
    ("pytest-gen.junit.xml", Format::Junit, [11, 7, 1, 1, 2, 0, 0], 2, true),
    ("pytest-spark-torch.junit.xml", Format::Junit, [22, 22, 0, 0, 0, 0, 0], 0, true),
    ("pytest-verbose.txt", Format::Pytest, [11, 7, 1, 1, 2, 0, 0], 2, true),
    ("python-unittest.xml", Format::Junit, [8, 4, 1, 1, 2, 0, 0], 2, true),
    ("surefire-flaky.xml", Format::Junit, [1, 1, 0, 0, 0, 0, 1], 0, true),
    ("testmo-complete.xml", Format::Junit, [8, 5, 1, 1, 1, 0, 0], 2, true),
    // Nothing to count: hostile, other kinds of file, archives without reports.
    ("xxe.xml", Format::Unknown, [0; 7], 0, true),
    ("expected-junit.fail.results.json", Format::Unknown, [0; 7], 0, true),
    ("kubernaut-must-gather-make-test.log", Format::Unknown, [0; 7], 0, true),
    ("gh-cli-run_log.zip", Format::Unknown, [0; 7], 0, true),
    ("gh-cli-myproject-artifact.zip", Format::Unknown, [0; 7], 0, true),
];

fn folder() -> Option<PathBuf> {
    let corpus = std::env::var_os("TESTRUN_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    let folder = corpus.join("test-reports");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: corpus absent");
    None
}

#[test]
fn every_file_with_a_known_answer_has_it() {
    let Some(folder) = folder() else { return };
    for (file, format, expected, failures, complete) in KNOWN {
        let parsed = parse_path(&folder.join(file), &Limits::default()).unwrap();
        let found = (parsed.format, counts(&parsed), parsed.failures_total, parsed.complete);
        assert_eq!(found, (*format, *expected, *failures, *complete), "{file}: {:?}", parsed.warnings);
        assert!(parsed.tests.holds());
    }
}

#[test]
fn the_corpus_holds_no_file_without_an_answer() {
    let Some(folder) = folder() else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = KNOWN.iter().any(|(file, ..)| *file == name);
        assert!(known || name == "SOURCES.md", "{name} has no known answer");
    }
}

#[test]
fn failures_are_found_where_the_reports_say() {
    let Some(folder) = folder() else { return };
    let cases = [
        ("ginkgo-v-keepgoing.txt", "Audit export times out waiting [integration]", "a_test.go:15"),
        // The runtime panicked; the spec's own line is the one that helps.
        ("ginkgo-v-keepgoing.txt", "Audit export panics [integration]", "a_test.go:16"),
        ("ginkgo-gen.junit.xml", "Audit export panics [integration]", "a_test.go:16"),
        ("pytest-fail.junit.xml", "test_rsh_events", "test/test_spark.py:819"),
        ("pytest-console-failures.txt", "test_logout", "tests/test_auth.py:32"),
        ("mocha-console.txt", "API Endpoints GET /users should filter by status", "users.test.js:89"),
        ("bats-tap.tap", "sanitize: redacts password", "t1.bats:4"),
        ("cargo-test-failures.txt", "tests::test_deserialize", "src/lib.rs:189"),
        ("cargo-test-nofailfast.txt", "src/lib.rs - f (line 1)", "src/lib.rs:1"),
        ("gotest-verbose.txt", "TestNestedWithFailure/c", "fails_test.go:65"),
        ("captain-vitest.json", "first level of nesting it fails", "sum.test.js:20"),
    ];
    for (file, name, end) in cases {
        let parsed = parse_path(&folder.join(file), &Limits::default()).unwrap();
        let found = place(failure(&parsed, name));
        assert!(found.ends_with(end), "{file}: {name} is at {found}, not {end}");
    }
}

#[test]
fn names_agree_between_the_console_and_the_report_of_one_run() {
    let Some(folder) = folder() else { return };
    let get = |file: &str| parse_path(&folder.join(file), &Limits::default()).unwrap();
    let (console, report) = (get("ginkgo-v-keepgoing.txt"), get("ginkgo-gen.junit.xml"));
    for failure in &console.failures {
        assert!(names(&report).contains(&failure.name.as_str()), "{}", failure.name);
    }
    let (console, report) = (get("pytest-verbose.txt"), get("pytest-gen.junit.xml"));
    for (a, b) in console.failures.iter().zip(&report.failures) {
        assert_eq!((&a.name, &a.classname), (&b.name, &b.classname));
    }
}
