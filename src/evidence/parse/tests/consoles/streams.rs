//! Lines that begin with the name of the program that wrote them.

use super::*;

const CASES: &[Case] = &[
    Case {
        what: "services of docker compose that write in turns",
        log: "Attaching to db-1, api-1, web-1\ndb-1   | ready\nweb-1  | PASS src/a.test.js\napi-1  | ----------------------------------------------------------------------\nweb-1  | Test Suites: 1 passed, 1 total\napi-1  | Ran 4 tests in 0.001s\nweb-1  | Tests:       2 passed, 2 total\napi-1  |\napi-1  | OK\nweb-1 exited with code 0\napi-1 exited with code 0\n",
        format: Format::Unittest,
        counts: [6, 6, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "a service whose tests pass fails",
        log: "Attaching to api-1\napi-1  | ----------------------------------------------------------------------\napi-1  | Ran 4 tests in 0.001s\napi-1  |\napi-1  | OK\napi-1 exited with code 137\n",
        format: Format::Unittest,
        counts: [4, 4, 0, 0, 0, 0, 0],
        failures: &[("api-1", "-")],
        complete: false,
    },
    Case {
        what: "packages of turbo",
        log: "\u{2022} Packages in scope: @shop/api, web\n\u{2022} Running test in 2 packages\n@shop/api:test: cache miss, executing 1f\nweb:test:  RUN  v3.0.5 /w/web\n@shop/api:test: Tests:       1 failed, 2 passed, 3 total\nweb:test:  Test Files  1 passed (1)\nweb:test:       Tests  2 passed (2)\n Tasks:    1 successful, 2 total\nFailed:    @shop/api#test\n",
        format: Format::Jest,
        counts: [5, 4, 1, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "a package of pnpm that is cut off",
        log: "Scope: 2 of 3 workspace projects\npackages/web test$ vitest run\npackages/web test:  RUN  v3.0.5 /w/web\npackages/web test:  \u{2713} a.test.ts > a 1ms\n",
        format: Format::Vitest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "names that nobody announced are text",
        log: "web-1  | Tests:       2 passed, 2 total\nweb:test: Tests:       2 passed, 2 total\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
    Case {
        what: "what a test prints does not announce names",
        log: "===== test session starts =====\ncollected 1 item\n\nAttaching to db-1\ndb-1  | ===== 9 passed in 0.1s =====\na.py::t PASSED [100%]\n\n===== 1 passed in 0.1s =====\n",
        format: Format::Pytest,
        counts: [1, 1, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
];

#[test]
fn programs_are_told_apart() {
    hold(CASES, &["| OK", "1 passed in"]);
}
