//! The readers, each with inputs that it understands.

use super::consoles::*;
use super::fixtures::*;
use super::laws::{self, Answer};
use super::reports::*;

/// An input that a reader understands.
#[derive(Debug)]
pub struct Fixture {
    /// What it is, in messages.
    pub name: &'static str,
    /// The input.
    pub bytes: &'static [u8],
    /// The text with which the tool says that it is done; before it a run is not over. None where only
    /// the whole file is.
    pub seal: Option<&'static str>,
}

impl Fixture {
    /// Whether all is well in it.
    pub fn is_green(&self) -> bool {
        self.name.starts_with("green")
    }
}

/// Checks what must hold of any input of one kind, and says how it was answered.
pub type Check = fn(&[u8]) -> Result<Answer, String>;

/// A reader.
#[derive(Debug)]
pub struct Target {
    /// Its name, as formats are called.
    pub name: &'static str,
    /// Whether its inputs are reports of tests.
    pub reports: bool,
    /// What must hold.
    pub check: Check,
    /// What it understands.
    pub fixtures: &'static [Fixture],
}

const fn whole(name: &'static str, text: &'static str) -> Fixture {
    Fixture { name, bytes: text.as_bytes(), seal: None }
}

const fn until(name: &'static str, text: &'static str, seal: &'static str) -> Fixture {
    Fixture { name, bytes: text.as_bytes(), seal: Some(seal) }
}

macro_rules! data {
    ($name:expr, $seal:expr) => {
        Fixture { name: $name, bytes: include_bytes!(concat!("../parse/tests/data/", $name)), seal: $seal }
    };
}

const fn report(name: &'static str, fixtures: &'static [Fixture]) -> Target {
    Target { name, reports: true, check: laws::parsed, fixtures }
}

const fn other(name: &'static str, check: Check, fixtures: &'static [Fixture]) -> Target {
    Target { name, reports: false, check, fixtures }
}

/// Every reader of the engine.
pub const TARGETS: &[Target] = &[
    report("junit", &[whole("green", JUNIT_GREEN), whole("red", JUNIT_RED), whole("flaky", JUNIT_FLAKY)]),
    report("ctrf", &[whole("green", CTRF_GREEN), whole("red", CTRF_RED)]),
    report(
        "go-test-json",
        &[
            until("green", GO_JSON_GREEN, r#""Action":"pass","Package":"x/p","Elapsed""#),
            until("red", GO_JSON_RED, r#""Action":"fail","Package":"x/p","Elapsed""#),
        ],
    ),
    report("ginkgo-json", &[whole("green", GINKGO_JSON_GREEN), whole("red", GINKGO_JSON_RED)]),
    report("jest-json", &[whole("green", JEST_JSON_GREEN), whole("red", JEST_JSON_RED)]),
    report("vitest-json", &[whole("green", VITEST_JSON_GREEN), whole("red", VITEST_JSON_RED)]),
    report("playwright-json", &[whole("green", PLAYWRIGHT_JSON_GREEN), whole("red", PLAYWRIGHT_JSON_RED)]),
    report("mocha-json", &[whole("green", MOCHA_JSON_GREEN), data!("mocha.json", None)]),
    report("cucumber-json", &[whole("green", CUCUMBER_GREEN), whole("red", CUCUMBER_RED)]),
    report("allure", &[whole("green", ALLURE_GREEN), whole("red", ALLURE_RED)]),
    report("pytest-json", &[whole("green", PYTEST_JSON_GREEN), whole("red", PYTEST_JSON_RED)]),
    report("rspec-json", &[whole("green", RSPEC_JSON_GREEN), whole("red", RSPEC_JSON_RED)]),
    report("libtest-json", &[whole("green", LIBTEST_GREEN), whole("red", LIBTEST_RED)]),
    report("nunit", &[whole("green", NUNIT_GREEN), whole("red", NUNIT_RED), whole("version 2", NUNIT2_RED)]),
    report("xunit", &[whole("green", XUNIT_GREEN), whole("red", XUNIT_RED)]),
    report("trx", &[whole("green", TRX_GREEN), whole("red", TRX_RED)]),
    report("testng", &[whole("green", TESTNG_GREEN), whole("red", TESTNG_RED)]),
    report("robot", &[whole("green", ROBOT_GREEN), whole("red", ROBOT_RED)]),
    report(
        "catch2-xml",
        &[whole("green", CATCH2_GREEN), whole("red", CATCH2_RED), whole("doctest", DOCTEST_RED)],
    ),
    report("qtest", &[whole("green", QTEST_GREEN), whole("red", QTEST_RED)]),
    report(
        "ginkgo",
        &[
            until("green", GINKGO_GREEN, "SUCCESS! -- 2 Passed"),
            data!("gk-succinct.txt", Some("specs")),
            data!("gk-r-keepgoing.txt", Some("Ran ")),
            data!("gk-timeout-procs.txt", Some("Ran ")),
        ],
    ),
    report(
        "go-test",
        &[
            until("green", GO_TEST_GREEN, "\nPASS"),
            data!("gk-gotest.txt", Some("Ran ")),
            data!("gotestsum-fuzz.txt", Some("DONE")),
            data!("gotestsum-rerun-names.txt", Some("DONE")),
        ],
    ),
    report(
        "pytest",
        &[
            until("green", PYTEST_GREEN, "2 passed in"),
            data!("py-plain.txt", Some("5 failed, 7 passed")),
            data!("py-v-color.txt", Some("5 failed")),
            data!("py-xdist-v.txt", Some("5 failed")),
        ],
    ),
    report(
        "bats",
        &[
            until("green", BATS_GREEN, "2 tests, 0 failure"),
            data!("bats-pretty.txt", Some("7 tests, 1 failure")),
            data!("bats.tap13", Some("ok 5")),
        ],
    ),
    report(
        "tap",
        &[
            until("green", TAP_GREEN, "ms\nok"),
            until("green, its plan at the end", TAP_PLAN_LAST, "1..2"),
            until("green, without numbers", TAP_LOOSE, "1..2"),
            data!("node.tap", Some("# tests")),
            data!("vitest.tap", Some("\nnot ok")),
        ],
    ),
    report(
        "cargo-test",
        &[until("green", CARGO_GREEN, "test result: ok"), data!("cargo-nff.txt", Some("test result: "))],
    ),
    report(
        "nextest",
        &[until("green", NEXTEST_GREEN, "Summary ["), data!("nextest-retries.txt", Some("Summary ["))],
    ),
    report("jest", &[until("green", JEST_GREEN, "Tests: "), data!("jest.txt", Some("Tests: "))]),
    report("vitest", &[until("green", VITEST_GREEN, " Tests  "), data!("vitest.txt", Some(" Tests  "))]),
    report("mocha", &[until("green", MOCHA_GREEN, "2 passing"), data!("mocha.txt", Some("passing"))]),
    report(
        "playwright",
        &[until("green", PLAYWRIGHT_GREEN, "2 passed"), data!("playwright-list.txt", Some("8 failed"))],
    ),
    report(
        "unittest",
        &[
            until("green", UNITTEST_GREEN, "\nOK"),
            whole("red", UNITTEST_RED),
            until("green, beside others", SERVICES_GREEN, "| OK"),
        ],
    ),
    report("maven", &[until("green", MAVEN_GREEN, "BUILD SUCCESS"), whole("red", MAVEN_RED)]),
    report("gradle", &[until("green", GRADLE_GREEN, "BUILD SUCCESSFUL"), whole("red", GRADLE_RED)]),
    report("dotnet", &[until("green", DOTNET_GREEN, "Total:     4"), whole("red", DOTNET_RED)]),
    report(
        "phpunit",
        &[until("green", PHPUNIT_GREEN, "OK (2 tests, 9 assertions)"), whole("red", PHPUNIT_RED)],
    ),
    report("rspec", &[until("green", RSPEC_GREEN, "0 failure"), whole("red", RSPEC_RED)]),
    report("minitest", &[until("green", MINITEST_GREEN, "0 skip"), whole("red", MINITEST_RED)]),
    report("exunit", &[until("green", EXUNIT_GREEN, "0 failure"), whole("red", EXUNIT_RED)]),
    report("gtest", &[until("green", GTEST_GREEN, "] 2 tests."), whole("red", GTEST_RED)]),
    report("ctest", &[until("green", CTEST_GREEN, "out of 2"), whole("red", CTEST_RED)]),
    report("node-test", &[until("green", NODE_GREEN, "duration_ms 5"), whole("red", NODE_RED)]),
    report("bun", &[until("green", BUN_GREEN, "1 files."), whole("red", BUN_RED)]),
    report("deno", &[until("green", DENO_GREEN, "0 failed"), whole("red", DENO_RED)]),
    report("xctest", &[until("green", XCTEST_GREEN, "unexpected) in"), whole("red", XCTEST_RED)]),
    report("catch2", &[until("green", CATCH_GREEN, "test cases)"), whole("red", CATCH_RED)]),
    other("archive", laws::zipped, &[whole("junit", JUNIT_RED), whole("console", CARGO_GREEN)]),
    other("log", laws::log, &[whole("envelope", LOG)]),
    other("explain", laws::explained, &[whole("log", LOG), data!("cargo-nff.txt", None)]),
    other(
        "bundle",
        laws::bundled,
        &[
            whole("pods", PODS_YAML),
            whole("events", EVENTS_JSON),
            whole("inspect", INSPECT_JSON),
            whole("describe", DESCRIBE),
            whole("log", LOG),
        ],
    ),
];
