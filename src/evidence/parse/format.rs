//! The formats that are known.

use serde::{Deserialize, Serialize};

/// The tool and the shape of a report. The names are part of the command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JUnit XML, any dialect.
    Junit,
    /// Common Test Report Format.
    Ctrf,
    /// `go test -json`.
    GoTestJson,
    /// `ginkgo --json-report`.
    GinkgoJson,
    /// `jest --json`.
    JestJson,
    /// `vitest --reporter=json`.
    VitestJson,
    /// `playwright test --reporter=json`.
    PlaywrightJson,
    /// `mocha --reporter json`, and the tree of mochawesome.
    MochaJson,
    /// `cucumber --format json`, of any of its languages, and behave.
    CucumberJson,
    /// Results of Allure, a file for each test.
    Allure,
    /// `pytest --json-report`.
    PytestJson,
    /// `rspec --format json`.
    RspecJson,
    /// `cargo test -- --format json`, and nextest's `libtest-json`.
    LibtestJson,
    /// XML of NUnit, versions 2 and 3.
    Nunit,
    /// XML of xUnit.net.
    Xunit,
    /// TRX of MSTest, VSTest and `dotnet test`.
    Trx,
    /// `testng-results.xml`.
    Testng,
    /// `output.xml` of Robot Framework.
    Robot,
    /// XML of Catch2 and doctest.
    Catch2Xml,
    /// XML of Qt Test.
    Qtest,
    /// Console of Ginkgo.
    Ginkgo,
    /// Console of `go test` and gotestsum.
    GoTest,
    /// Console of pytest.
    Pytest,
    /// Console of bats, TAP or pretty.
    Bats,
    /// Test Anything Protocol of any other producer.
    Tap,
    /// Console of `cargo test`.
    CargoTest,
    /// Console of cargo-nextest.
    Nextest,
    /// Console of jest.
    Jest,
    /// Console of vitest.
    Vitest,
    /// Console of mocha.
    Mocha,
    /// Console of playwright.
    Playwright,
    /// Console of Python's unittest, Django's runner and nose.
    Unittest,
    /// Console of Maven: surefire and failsafe.
    Maven,
    /// Console of Gradle.
    Gradle,
    /// Console of `dotnet test`.
    Dotnet,
    /// Console of PHPUnit, paratest and Pest.
    Phpunit,
    /// Console of RSpec.
    Rspec,
    /// Console of Ruby's minitest and test-unit.
    Minitest,
    /// Console of Elixir's ExUnit.
    Exunit,
    /// Console of googletest.
    Gtest,
    /// Console of CTest.
    Ctest,
    /// Console of node's own test runner, by its reporter `spec`.
    NodeTest,
    /// Console of `bun test`.
    Bun,
    /// Console of `deno test`.
    Deno,
    /// Console of Swift's XCTest and Swift Testing.
    Xctest,
    /// Console of Catch2 and doctest.
    Catch2,
    /// Nothing that is known.
    Unknown,
}

impl Format {
    /// The name as it is written in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Ctrf => "ctrf",
            Self::GoTestJson => "go-test-json",
            Self::GinkgoJson => "ginkgo-json",
            Self::JestJson => "jest-json",
            Self::VitestJson => "vitest-json",
            Self::PlaywrightJson => "playwright-json",
            Self::MochaJson => "mocha-json",
            Self::CucumberJson => "cucumber-json",
            Self::Allure => "allure",
            Self::PytestJson => "pytest-json",
            Self::RspecJson => "rspec-json",
            Self::LibtestJson => "libtest-json",
            Self::Nunit => "nunit",
            Self::Xunit => "xunit",
            Self::Trx => "trx",
            Self::Testng => "testng",
            Self::Robot => "robot",
            Self::Catch2Xml => "catch2-xml",
            Self::Qtest => "qtest",
            Self::Ginkgo => "ginkgo",
            Self::GoTest => "go-test",
            Self::Pytest => "pytest",
            Self::Bats => "bats",
            Self::Tap => "tap",
            Self::CargoTest => "cargo-test",
            Self::Nextest => "nextest",
            Self::Jest => "jest",
            Self::Vitest => "vitest",
            Self::Mocha => "mocha",
            Self::Playwright => "playwright",
            Self::Unittest => "unittest",
            Self::Maven => "maven",
            Self::Gradle => "gradle",
            Self::Dotnet => "dotnet",
            Self::Phpunit => "phpunit",
            Self::Rspec => "rspec",
            Self::Minitest => "minitest",
            Self::Exunit => "exunit",
            Self::Gtest => "gtest",
            Self::Ctest => "ctest",
            Self::NodeTest => "node-test",
            Self::Bun => "bun",
            Self::Deno => "deno",
            Self::Xctest => "xctest",
            Self::Catch2 => "catch2",
            Self::Unknown => "unknown",
        }
    }

    /// Whether this is a report made for programs, as against a console's text.
    pub fn is_report(self) -> bool {
        self <= Self::Qtest
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
