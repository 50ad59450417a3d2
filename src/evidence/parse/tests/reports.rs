//! Reports in JSON.

use super::*;

/// What it shows, the document, format, counts, failures in all, complete.
type Case = (&'static str, &'static str, Format, [u64; 7], u64, bool);

const CASES: &[Case] = &[
    (
        "CTRF: pending is not skipped, other is not passed",
        r#"{"results":{"tool":{"name":"x"},"summary":{"tests":5},"tests":[{"name":"a","status":"passed","flaky":true},{"name":"b","status":"failed"},{"name":"c","status":"skipped"},{"name":"d","status":"pending"},{"name":"e","status":"other"}]},"reportFormat":"CTRF"}"#,
        Format::Ctrf,
        [5, 1, 1, 0, 2, 1, 1],
        1,
        true,
    ),
    (
        "CTRF that lists nothing",
        r#"{"reportFormat":"CTRF","results":{"tool":{"name":"x"},"summary":{"tests":3,"passed":2,"failed":1},"tests":[]}}"#,
        Format::Ctrf,
        [3, 2, 1, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "jest: a file that failed to run, an interrupted run",
        r#"{"numTotalTests":2,"wasInterrupted":true,"testResults":[{"assertionResults":[{"status":"passed","title":"a","fullName":"s a","ancestorTitles":["s"],"invocations":2},{"status":"todo","title":"b"}],"name":"/x/a.js","status":"passed"},{"assertionResults":[],"name":"/x/b.js","status":"failed","message":"Cannot find module"}]}"#,
        Format::JestJson,
        [2, 1, 0, 0, 0, 1, 1],
        1,
        false,
    ),
    (
        "vitest: statuses of its own",
        r#"{"numTotalTestSuites":1,"numTotalTests":3,"testResults":[{"assertionResults":[{"status":"skipped","title":"a"},{"status":"failed","title":"b","fullName":" b","failureMessages":["Error: x\n    at /app/a.test.ts:5:3"]},{"status":"pending","title":"c"}],"name":"/app/a.test.ts","status":"failed"}]}"#,
        Format::VitestJson,
        [3, 0, 1, 0, 2, 0, 0],
        1,
        true,
    ),
    (
        "playwright: flaky, expected to fail, timed out, not run",
        r#"{"config":{},"suites":[{"title":"a.spec.ts","specs":[{"title":"flaky","file":"a.spec.ts","line":3,"tests":[{"projectName":"p","expectedStatus":"passed","status":"flaky","results":[{"status":"failed"},{"status":"passed"}]}]}],"suites":[{"title":"group","specs":[{"title":"xfail","tests":[{"expectedStatus":"failed","status":"expected","results":[{"status":"failed"}]}]},{"title":"slow","file":"a.spec.ts","line":9,"tests":[{"expectedStatus":"passed","status":"unexpected","results":[{"status":"timedOut","error":{"message":"Test timeout of 200ms exceeded."}}]}]},{"title":"later","tests":[{"expectedStatus":"passed","status":"skipped","results":[]}]}]}]}],"errors":[],"stats":{"expected":1,"unexpected":1,"flaky":1,"skipped":1}}"#,
        Format::PlaywrightJson,
        [4, 2, 1, 0, 1, 0, 1],
        1,
        false,
    ),
    (
        "mochawesome: hooks fail, tests behind them are skipped",
        r#"{"stats":{"suites":1,"tests":3,"passes":1,"pending":0,"failures":1},"results":[{"title":"","fullFile":"","suites":[{"title":"S","fullFile":"/x/a.js","tests":[{"title":"ok","fullTitle":"S ok","state":"passed","pass":true},{"title":"never","fullTitle":"S never","state":null,"skipped":true}],"beforeHooks":[{"title":"\"before all\" hook","fullTitle":"S \"before all\" hook","state":"failed","fail":true,"err":{"message":"broke"}}],"suites":[]}]}]}"#,
        Format::MochaJson,
        [3, 1, 1, 0, 1, 0, 0],
        1,
        true,
    ),
    (
        "Ginkgo: BeforeSuite failed on two processes",
        r#"[{"SuiteDescription":"S","SuiteSucceeded":false,"PreRunStats":{"TotalSpecs":160},"SpecReports":[{"LeafNodeType":"BeforeSuite","State":"failed","Failure":{"Message":"no db","Location":{"FileName":"/x/s_test.go","LineNumber":6}}},{"LeafNodeType":"BeforeSuite","State":"failed","Failure":{"Message":"no db","Location":{"FileName":"/x/s_test.go","LineNumber":6}}}]}]"#,
        Format::GinkgoJson,
        [160, 0, 0, 1, 159, 0, 0],
        1,
        false,
    ),
    (
        "Ginkgo: every state of a spec",
        r#"[{"SuiteDescription":"S","PreRunStats":{"TotalSpecs":8},"SuiteConfig":{"DryRun":false},"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"a","State":"passed","NumAttempts":2,"MaxFlakeAttempts":3},{"LeafNodeType":"It","State":"failed"},{"LeafNodeType":"It","State":"panicked"},{"LeafNodeType":"It","State":"timedout"},{"LeafNodeType":"It","State":"skipped"},{"LeafNodeType":"It","State":"pending"},{"LeafNodeType":"It","State":"interrupted"},{"LeafNodeType":"ReportAfterSuite","State":"passed"}]}]"#,
        Format::GinkgoJson,
        [8, 1, 4, 0, 2, 1, 1],
        4,
        false,
    ),
    (
        "Ginkgo: a dry run passes nothing",
        r#"[{"SuiteConfig":{"DryRun":true},"PreRunStats":{"TotalSpecs":1},"SuiteDescription":"S","SpecReports":[{"LeafNodeType":"It","State":"passed"}]}]"#,
        Format::GinkgoJson,
        [1, 0, 0, 0, 1, 0, 0],
        0,
        true,
    ),
    (
        "cut off in the middle of a test",
        r#"{"reportFormat":"CTRF","results":{"tool":{"name":"x"},"tests":[{"name":"a","status":"passed"},{"name":"b","sta"#,
        Format::Ctrf,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "numbers that JSON does not know",
        r#"{"reportFormat":"CTRF","results":{"summary":{"tests":2,"duration":NaN},"tests":[{"name":"a","status":"passed","duration":-5},{"name":"b","status":"passed","duration":-Infinity}]}}"#,
        Format::Ctrf,
        [2, 2, 0, 0, 0, 0, 0],
        0,
        true,
    ),
    (
        "documents one after another",
        r#"{"reportFormat":"CTRF","results":{"summary":{"tests":1},"tests":[{"name":"a","status":"passed"}]}} {"reportFormat":"CTRF","results":{"summary":{"tests":1},"tests":[{"name":"b","status":"failed"}]}}"#,
        Format::Ctrf,
        [2, 1, 1, 0, 0, 0, 0],
        1,
        true,
    ),
    (
        "other JSON",
        r#"{"name":"app","stats":{"tests":5},"suites":[{"title":"x"}],"errors":[]}"#,
        Format::Unknown,
        [0; 7],
        0,
        true,
    ),
];

#[test]
fn reports_are_told_by_their_keys_and_counted_by_their_tests() {
    for (what, json, format, expected, failures, complete) in CASES {
        let parsed = parse("a.json", json);
        let found = (parsed.format, counts(&parsed), parsed.failures_total, parsed.complete);
        assert_eq!(found, (*format, *expected, *failures, *complete), "{what}: {:?}", parsed.warnings);
    }
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let forward = r#"{"numTotalTests":1,"openHandles":[],"testResults":[{"name":"/x/a.js","status":"failed","assertionResults":[{"title":"t","fullName":"t","status":"failed","failureMessages":["no"]}]}]}"#;
    let backward = r#"{"testResults":[{"assertionResults":[{"failureMessages":["no"],"status":"failed","fullName":"t","title":"t"}],"status":"failed","name":"/x/a.js"}],"openHandles":[],"numTotalTests":1}"#;
    let (a, b) = (parse("a.json", forward), parse("a.json", backward));
    assert_eq!(a, b);
    assert_eq!(place(&a.failures[0]), "/x/a.js");
}

#[test]
fn types_that_are_not_as_usual_are_no_reason_to_stop() {
    let json = r#"{"reportFormat":"CTRF","results":{"summary":null,"tests":[{"name":7,"status":"failed","message":["a","b"],"duration":"12","line":"3","suite":"one","filePath":null,"trace":{"x":1}},{"name":null,"status":"passed"}]}}"#;
    let parsed = parse("a.json", json);
    assert_eq!(counts(&parsed), [2, 1, 1, 0, 0, 0, 0]);
    let failure = &parsed.failures[0];
    assert_eq!((failure.name.as_str(), failure.line), ("7", Some(3)));
    assert_eq!(failure.message.as_deref(), Some("a b"));
    assert_eq!(failure.duration, Some(0.012));
}

/// An event of `go test -json`.
fn event(action: &str, test: &str, output: &str) -> String {
    let mut event = format!(r#"{{"Time":"2026-01-23T17:04:05Z","Action":"{action}","Package":"x/p""#);
    if !test.is_empty() {
        event.push_str(&format!(r#","Test":"{test}""#));
    }
    if !output.is_empty() {
        event.push_str(&format!(r#","Output":"{output}""#));
    }
    event + "}\n"
}

#[test]
fn broken_streams_of_go_are_counted_by_their_packages() {
    let start = event("run", "TestA", "") + &event("pass", "TestA", "") + &event("run", "TestB", "");
    for (what, end, expected, complete) in [
        ("the package passed", event("pass", "", ""), [2, 2, 0, 0, 0, 0, 0], true),
        ("the package failed", event("fail", "", ""), [2, 1, 1, 0, 0, 0, 0], true),
        ("nothing follows", String::new(), [2, 1, 1, 0, 0, 0, 0], false),
        ("the test only waits", event("pause", "TestB", ""), [2, 1, 0, 0, 1, 0, 0], false),
        (
            "noise",
            format!("go: downloading x\n{}{{\"Action\":\n", event("pass", "", "")),
            [2, 2, 0, 0, 0, 0, 0],
            true,
        ),
    ] {
        let parsed = parse("a.json", format!("{start}{end}"));
        assert_eq!(parsed.format, Format::GoTestJson, "{what}");
        assert_eq!((counts(&parsed), parsed.complete), (expected, complete), "{what}: {:?}", parsed.warnings);
    }
}

#[test]
fn a_failed_test_that_is_run_again_is_one_test() {
    let run = |test: &str, action: &str| event("run", test, "") + &event(action, test, "");
    let first =
        run("TestOk", "pass") + &run("TestFlaky", "fail") + &run("TestBad", "fail") + &event("fail", "", "");
    let again =
        run("TestFlaky", "pass") + &event("pass", "", "") + &run("TestBad", "fail") + &event("fail", "", "");
    let parsed = parse("a.json", first.clone() + &again);
    assert_eq!(counts(&parsed), [3, 2, 1, 0, 0, 0, 1]);
    assert_eq!((names(&parsed), parsed.reruns), (vec!["TestBad"], 2));
    // The whole package once more is a second run.
    let twice = parse("a.json", first.clone() + &first);
    assert_eq!(counts(&twice), [6, 2, 4, 0, 0, 0, 0]);
}

#[test]
fn builds_that_failed_are_failures_and_not_tests() {
    let stream = r##"{"ImportPath":"x/p [x/p.test]","Action":"build-output","Output":"# x/p [x/p.test]\n"}
{"ImportPath":"x/p [x/p.test]","Action":"build-output","Output":"p/a_test.go:3:27: undefined: y\n"}
{"ImportPath":"x/p [x/p.test]","Action":"build-fail"}
{"Time":"t","Action":"start","Package":"x/p"}
{"Time":"t","Action":"output","Package":"x/p","Output":"FAIL\tx/p [build failed]\n"}
{"Time":"t","Action":"fail","Package":"x/p","FailedBuild":"x/p [x/p.test]"}
"##;
    let parsed = parse("a.json", stream);
    assert_eq!((counts(&parsed), parsed.complete), ([0; 7], false));
    assert_eq!(names(&parsed), ["x/p"]);
    assert_eq!(place(&parsed.failures[0]), "p/a_test.go:3");
    assert_eq!(parsed.failures[0].kind, FailureKind::BuildFailed);
}

#[test]
fn suites_of_ginkgo_inside_go_events_are_counted_by_their_specs() {
    let suite = [
        "Running Suite: S - /x\\n", "Will run 3 of 3 specs\\n", "Ran 3 of 3 Specs in 0.1 seconds\\n",
        "FAIL! -- 2 Passed | 1 Failed | 0 Pending | 0 Skipped\\n", "--- FAIL: TestS (0.00s)\\n",
    ];
    let lines: String = suite.iter().map(|line| event("output", "TestS", line)).collect();
    let stream = event("run", "TestS", "")
        + &lines
        + &event("fail", "TestS", "")
        + &event("run", "TestPlain", "")
        + &event("pass", "TestPlain", "")
        + &event("fail", "", "");
    let parsed = parse("a.json", stream);
    assert_eq!(counts(&parsed), [4, 3, 1, 0, 0, 0, 0]);
    assert_eq!(parsed.format, Format::GoTestJson);
    assert_eq!(parsed.formats, [Format::GoTestJson, Format::Ginkgo]);
}

#[test]
fn console_text_inside_go_events_is_not_counted_again() {
    let stream = event("run", "TestA", "")
        + &event("output", "TestA", "=== RUN   TestA\\n")
        + &event("output", "TestA", "    a_test.go:7: not good\\n")
        + &event("output", "TestA", "--- FAIL: TestA (0.00s)\\n")
        + &event("fail", "TestA", "")
        + &event("output", "", "FAIL\\tx/p\\t0.1s\\n")
        + &event("fail", "", "");
    let parsed = parse("a.json", stream);
    assert_eq!(counts(&parsed), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(place(&parsed.failures[0]), "a_test.go:7");
    assert_eq!(parsed.failures[0].message.as_deref(), Some("not good"));
}

#[test]
fn a_hook_that_fails_after_the_tests_of_a_file_is_a_failure_of_the_file() {
    let report = r#"{"numTotalTests":1,"wasInterrupted":false,"testResults":[{"name":"/w/a.test.js",
        "status":"failed","assertionResults":[{"title":"one","fullName":"one","status":"passed"}],
        "message":"  \u25cf Test suite failed to run\n\n    teardown broke\n\n      at a.test.js:7:3"}]}"#;
    let parsed = parse("jest.json", report);
    assert_eq!(counts(&parsed), [1, 1, 0, 0, 0, 0, 0]);
    assert!(!parsed.complete);
    assert_eq!(place(failure(&parsed, "/w/a.test.js")), "/w/a.test.js:7");
}

#[test]
fn the_line_of_a_failure_is_one_of_the_tests_own_file() {
    let report = r#"{"numTotalTests":1,"wasInterrupted":false,"testResults":[{"name":"/w/a.test.js",
        "status":"failed","message":"","assertionResults":[{"title":"one","fullName":"one","status":"failed",
        "failureMessages":["Error: x\n    at check (/w/lib/check.js:90:2)\n    at /w/a.test.js:12:5"]}]}]}"#;
    let parsed = parse("jest.json", report);
    assert_eq!(place(failure(&parsed, "one")), "/w/a.test.js:12");
}

#[test]
fn a_summary_of_more_than_the_report_lists_makes_it_incomplete() {
    // What it shows, the document, whether it is complete.
    let cases: &[(&str, &str, bool)] = &[
        (
            "CTRF: tests",
            r#"{"reportFormat":"CTRF","results":{"summary":{"tests":2,"failed":0},"tests":[{"name":"a","status":"passed"}]}}"#,
            false,
        ),
        (
            "CTRF: failures",
            r#"{"reportFormat":"CTRF","results":{"summary":{"tests":1,"failed":1},"tests":[{"name":"a","status":"passed"}]}}"#,
            false,
        ),
        (
            "CTRF: a status that is not known",
            r#"{"reportFormat":"CTRF","results":{"summary":{"tests":1},"tests":[{"name":"a","status":"fine"}]}}"#,
            false,
        ),
        (
            "CTRF: fewer than it lists",
            r#"{"reportFormat":"CTRF","results":{"summary":{"tests":0,"failed":0},"tests":[{"name":"a","status":"passed"}]}}"#,
            true,
        ),
        (
            "jest: tests",
            r#"{"numTotalTests":2,"testResults":[{"assertionResults":[{"status":"passed","title":"a"}],"name":"a"}]}"#,
            false,
        ),
        (
            "jest: failures",
            r#"{"numTotalTests":1,"numFailedTests":1,"testResults":[{"assertionResults":[{"status":"passed","title":"a"}],"name":"a"}]}"#,
            false,
        ),
        (
            "jest: a run that failed as a whole",
            r#"{"success":false,"numTotalTests":1,"testResults":[{"assertionResults":[{"status":"passed","title":"a"}],"name":"a"}]}"#,
            false,
        ),
        (
            "mocha: failures",
            r#"{"stats":{"tests":2,"passes":1,"pending":0,"failures":1},"failures":[],"passes":[{"title":"a"}]}"#,
            false,
        ),
        (
            "playwright: failures",
            r#"{"config":{},"suites":[{"specs":[{"title":"a","tests":[{"status":"expected","results":[{"status":"passed"}]}]}]}],"stats":{"expected":0,"unexpected":1}}"#,
            false,
        ),
        (
            "playwright: tests",
            r#"{"config":{},"suites":[{"specs":[{"title":"a","tests":[{"status":"expected","results":[{"status":"passed"}]}]}]}],"stats":{"expected":2,"unexpected":0}}"#,
            false,
        ),
    ];
    for (what, json, complete) in cases {
        let parsed = parse("a.json", json);
        assert_eq!((parsed.complete, parsed.warnings.is_empty()), (*complete, false), "{what}: {parsed:?}");
    }
}
