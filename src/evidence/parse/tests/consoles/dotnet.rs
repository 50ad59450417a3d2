//! `dotnet test`, by its loggers.

use super::*;

const RED: &str = "\
  Determining projects to restore...
Test run for /w/core/bin/Core.Tests.dll (.NETCoreApp,Version=v8.0)
Starting test execution, please wait...
A total of 1 test files matched the specified pattern.
  Failed Core.Tests.MathTest.Adds [12 ms]
  Error Message:
   Assert.Equal() Failure: Values differ
Expected: 5
Actual:   4
  Stack Trace:
     at Core.Tests.MathTest.Adds() in /w/core/MathTest.cs:line 14
   at System.RuntimeMethodHandle.InvokeMethod(Object target)
  Standard Output Messages:
 Passed!  - Failed:     0, Passed:    99, Skipped:     0, Total:    99, Duration: 1 s - x.dll
 12 passing (3ms)


Failed!  - Failed:     1, Passed:    10, Skipped:     1, Total:    12, Duration: 35 ms - Core.Tests.dll (net8.0)
Test run for /w/web/bin/Web.Tests.dll (.NETCoreApp,Version=v8.0)
Starting test execution, please wait...
A total of 1 test files matched the specified pattern.

Passed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 5 ms - Web.Tests.dll (net8.0)
";

const CASES: &[Case] = &[
    Case {
        what: "two projects pass",
        log: "Starting test execution, please wait...\nPassed!  - Failed:     0, Passed:     3, Skipped:     1, Total:     4, Duration: 35 ms - A.dll (net8.0)\nStarting test execution, please wait...\nPassed!  - Failed:     0, Passed:     2, Skipped:     0, Total:     2, Duration: 35 ms - B.dll (net8.0)\n",
        format: Format::Dotnet,
        counts: [6, 5, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "one project fails, and prints what looks like a summary",
        log: RED,
        format: Format::Dotnet,
        counts: [15, 13, 1, 0, 1, 0, 0],
        failures: &[("Core.Tests.MathTest.Adds", "/w/core/MathTest.cs:14")],
        complete: true,
    },
    Case {
        what: "a block of numbers",
        log: "Starting test execution, please wait...\n\nTest Run Failed.\nTotal tests: 12\n     Passed: 11\n     Failed: 1\n Total time: 1.2 Seconds\n",
        format: Format::Dotnet,
        counts: [12, 11, 1, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "a line of numbers, as long ago",
        log: "Starting test execution, please wait...\n\nTotal tests: 150. Passed: 149. Failed: 0. Skipped: 1.\nTest Run Successful.\nTest execution time: 17.1337 Minutes\n",
        format: Format::Dotnet,
        counts: [150, 149, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "the logger of terminals",
        log: "  Core.Tests test succeeded (1.2s)\n\nTest summary: total: 5, failed: 0, succeeded: 4, skipped: 1, duration: 1.2s\nBuild succeeded in 3.0s\n",
        format: Format::Dotnet,
        counts: [5, 4, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "the newer platform",
        log: "Running tests from bin/Debug/net9.0/A.dll (net9.0|x64)\nfailed A.MathTest.Adds (12ms)\n  Assert.AreEqual failed. Expected:<5>. Actual:<4>.\n    at A.MathTest.Adds() in /w/MathTest.cs:14\n\nTest run summary: Failed! - bin/Debug/net9.0/A.dll (net9.0|x64)\n  total: 2\n  failed: 1\n  succeeded: 1\n  skipped: 0\n  duration: 1s 009ms\n",
        format: Format::Dotnet,
        counts: [2, 1, 1, 0, 0, 0, 0],
        failures: &[("A.MathTest.Adds", "/w/MathTest.cs:14")],
        complete: true,
    },
    Case {
        what: "a project that was started and has no result",
        log: "Starting test execution, please wait...\nPassed!  - Failed:     0, Passed:     3, Skipped:     1, Total:     4, Duration: 35 ms - A.dll (net8.0)\nStarting test execution, please wait...\n",
        format: Format::Dotnet,
        counts: [4, 3, 0, 0, 1, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "the host of the tests crashes",
        log: "Starting test execution, please wait...\nThe active test run was aborted. Reason: Test host process crashed\n\nPassed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 35 ms - A.dll (net8.0)\nTest Run Aborted.\n",
        format: Format::Dotnet,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[("the test host", "-")],
        complete: false,
    },
    Case {
        what: "a project that is not built beside one that passes",
        log: "/w/web/A.cs(3,5): error CS1002: ; expected [/w/web/web.csproj]\nStarting test execution, please wait...\nPassed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 35 ms - A.dll (net8.0)\n",
        format: Format::Dotnet,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[("web.csproj", "-")],
        complete: false,
    },
    Case {
        what: "it failed, and no test did",
        log: "Starting test execution, please wait...\nTest Run Failed.\nTotal tests: 3\n     Passed: 3\n Total time: 1.2 Seconds\n",
        format: Format::Dotnet,
        counts: [3, 3, 0, 0, 0, 0, 0],
        failures: &[("the test run", "-")],
        complete: false,
    },
    Case {
        what: "numbers that do not add up",
        log: "Starting test execution, please wait...\nPassed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     9, Duration: 35 ms - A.dll (net8.0)\n",
        format: Format::Dotnet,
        counts: [9, 3, 0, 0, 6, 0, 0],
        failures: &[],
        complete: false,
    },
];

#[test]
fn dotnet_is_read_as_it_counts() {
    hold(CASES, &["Total:     4", "Skipped: 1.\n", "Test summary"]);
    let red = parse("a.log", RED);
    let said = message(&red, "Core.Tests.MathTest.Adds");
    assert_eq!(said, "Assert.Equal() Failure: Values differ Expected: 5 Actual: 4");
}
