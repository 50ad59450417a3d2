//! Small inputs of each kind, as their tools write them.

pub const JUNIT_GREEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="all" tests="3" failures="0" errors="0" time="0.3">
  <testsuite name="s" tests="3" failures="0" errors="0" skipped="1" time="0.3" timestamp="2026-01-23T17:04:05">
    <testcase classname="pkg.C" name="a" time="0.1"/>
    <testcase classname="pkg.C" name="b" time="0.2"><system-out><![CDATA[ok ]]></system-out></testcase>
    <testcase classname="pkg.C" name="c" time="0"><skipped message="later"/></testcase>
  </testsuite>
</testsuites>
"#;

pub const JUNIT_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="1">
  <testsuite name="s" tests="3" failures="1" errors="1" skipped="0" file="x/a.py">
    <testcase classname="pkg.C" name="a" time="0.1"/>
    <testcase classname="pkg.C" name="b" time="0.2" line="12">
      <failure message="1 &lt; 2" type="AssertionError">x/a.py:12: AssertionError</failure>
    </testcase>
    <testcase classname="pkg.C" name="c" time="NaN"><error message="no"/></testcase>
  </testsuite>
</testsuites>
"#;

pub const JUNIT_FLAKY: &str = r#"<testsuite name="s" tests="2" failures="1" errors="0">
  <testcase name="a"><flakyFailure message="once">x</flakyFailure></testcase>
  <testcase name="b"><failure message="m">t</failure><rerunFailure message="again"/></testcase>
</testsuite>
"#;

pub const CTRF_GREEN: &str = r#"{"reportFormat":"CTRF","specVersion":"0.0.0","results":{"tool":{"name":"x"},"summary":{"tests":2,"passed":2,"failed":0,"pending":0,"skipped":0,"other":0,"start":1,"stop":2},"tests":[{"name":"a","status":"passed","duration":10},{"name":"b","status":"passed","duration":12,"flaky":true,"retries":1}]}}
"#;

pub const CTRF_RED: &str = r#"{
  "reportFormat": "CTRF",
  "results": {
    "tool": {"name": "x"},
    "summary": {"tests": 2, "passed": 1, "failed": 1, "pending": 0, "skipped": 0, "other": 0},
    "tests": [
      {"name": "a", "status": "passed", "duration": 10},
      {"name": "b", "status": "failed", "duration": -1, "message": "no", "trace": "at x/a.js:3:4", "suite": ["s"]}
    ]
  }
}
"#;

pub const GO_JSON_GREEN: &str = r#"{"Time":"2026-01-23T17:04:05Z","Action":"start","Package":"x/p"}
{"Time":"2026-01-23T17:04:05Z","Action":"run","Package":"x/p","Test":"TestA"}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"pass","Package":"x/p","Test":"TestA","Elapsed":0.1}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Output":"PASS\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Output":"ok  \tx/p\t0.1s\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"pass","Package":"x/p","Elapsed":0.1}
"#;

pub const GO_JSON_RED: &str = r#"{"Time":"2026-01-23T17:04:05Z","Action":"start","Package":"x/p"}
{"Time":"2026-01-23T17:04:05Z","Action":"run","Package":"x/p","Test":"TestA"}
{"Time":"2026-01-23T17:04:05Z","Action":"run","Package":"x/p","Test":"TestA/sub"}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Test":"TestA/sub","Output":"    a_test.go:3: no\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"fail","Package":"x/p","Test":"TestA/sub","Elapsed":0}
{"Time":"2026-01-23T17:04:05Z","Action":"fail","Package":"x/p","Test":"TestA","Elapsed":0}
{"Time":"2026-01-23T17:04:05Z","Action":"output","Package":"x/p","Output":"FAIL\tx/p\t0.1s\n"}
{"Time":"2026-01-23T17:04:05Z","Action":"fail","Package":"x/p","Elapsed":0.1}
"#;

pub const GINKGO_JSON_GREEN: &str = r#"[{"SuitePath":"/x","SuiteDescription":"S","SuiteSucceeded":true,"SuiteHasProgrammaticFocus":false,"SpecialSuiteFailureReasons":null,"PreRunStats":{"TotalSpecs":2,"SpecsThatWillRun":2},"SuiteConfig":{"DryRun":false},"SpecReports":[{"ContainerHierarchyTexts":["A"],"LeafNodeType":"It","LeafNodeText":"b","State":"passed","RunTime":1000000,"NumAttempts":1},{"ContainerHierarchyTexts":["A"],"LeafNodeType":"It","LeafNodeText":"c","State":"passed","RunTime":1000000,"NumAttempts":2,"MaxFlakeAttempts":3}]}]
"#;

pub const GINKGO_JSON_RED: &str = r#"[{"SuitePath":"/x","SuiteDescription":"S","SuiteSucceeded":false,"PreRunStats":{"TotalSpecs":2,"SpecsThatWillRun":2},"SuiteConfig":{"DryRun":false},"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"b","State":"passed"},{"ContainerHierarchyTexts":["A"],"LeafNodeType":"It","LeafNodeText":"c","State":"failed","Failure":{"Message":"no","Location":{"FileName":"/x/a_test.go","LineNumber":3}}}]}]
"#;

pub const JEST_JSON_GREEN: &str = r#"{"numFailedTestSuites":0,"numFailedTests":0,"numPassedTests":1,"numRuntimeErrorTestSuites":0,"numTotalTestSuites":1,"numTotalTests":1,"openHandles":[],"success":true,"testResults":[{"assertionResults":[{"ancestorTitles":["s"],"duration":1,"failureMessages":[],"fullName":"s t","status":"passed","title":"t"}],"name":"/x/a.test.js","status":"passed","message":""}],"wasInterrupted":false}
"#;

pub const JEST_JSON_RED: &str = r#"{"numFailedTestSuites":1,"numFailedTests":1,"numPassedTests":1,"numRuntimeErrorTestSuites":0,"numTotalTestSuites":1,"numTotalTests":2,"openHandles":[],"success":false,"testResults":[{"assertionResults":[{"fullName":"s t","status":"passed","title":"t"},{"fullName":"s u","status":"failed","title":"u","failureMessages":["Error: no\n    at /x/a.test.js:5:3"]}],"name":"/x/a.test.js","status":"failed","message":"no"}],"wasInterrupted":false}
"#;

pub const VITEST_JSON_GREEN: &str = r#"{"numTotalTestSuites":1,"numPassedTestSuites":1,"numTotalTests":1,"numPassedTests":1,"numFailedTests":0,"success":true,"testResults":[{"assertionResults":[{"status":"passed","title":"a","fullName":" a","failureMessages":[]}],"status":"passed","message":"","name":"/app/a.test.ts"}]}
"#;

pub const VITEST_JSON_RED: &str = r#"{"numTotalTestSuites":1,"numFailedTestSuites":1,"numTotalTests":2,"numPassedTests":1,"numFailedTests":1,"success":false,"testResults":[{"assertionResults":[{"status":"passed","title":"a"},{"status":"failed","title":"b","fullName":" b","failureMessages":["Error: x\n    at /app/a.test.ts:5:3"]}],"status":"failed","message":"","name":"/app/a.test.ts"}]}
"#;

pub const PLAYWRIGHT_JSON_GREEN: &str = r#"{"config":{},"suites":[{"title":"a.spec.ts","specs":[{"title":"t","ok":true,"file":"a.spec.ts","line":3,"tests":[{"projectName":"p","expectedStatus":"passed","status":"expected","results":[{"status":"passed","duration":5}]}]}]}],"errors":[],"stats":{"expected":1,"unexpected":0,"flaky":0,"skipped":0}}
"#;

pub const PLAYWRIGHT_JSON_RED: &str = r#"{"config":{},"suites":[{"title":"a.spec.ts","suites":[{"title":"g","specs":[{"title":"t","ok":false,"file":"a.spec.ts","line":3,"tests":[{"projectName":"p","expectedStatus":"passed","status":"unexpected","results":[{"status":"timedOut","duration":5,"error":{"message":"Test timeout of 200ms exceeded."}}]}]},{"title":"u","ok":true,"tests":[{"expectedStatus":"passed","status":"expected","results":[{"status":"passed"}]}]}]}]}],"errors":[],"stats":{"expected":1,"unexpected":1,"flaky":0,"skipped":0}}
"#;

pub const MOCHA_JSON_GREEN: &str = r#"{"stats":{"suites":1,"tests":1,"passes":1,"pending":0,"failures":0,"start":"x","end":"y","duration":3},"tests":[{"title":"t","fullTitle":"s t","file":"/x/a.js","duration":0,"currentRetry":0,"speed":"fast","err":{}}],"pending":[],"failures":[],"passes":[{"title":"t","fullTitle":"s t","file":"/x/a.js","duration":0,"currentRetry":0,"speed":"fast","err":{}}]}
"#;

pub const GINKGO_GREEN: &str = "\
Running Suite: S - /x
=====================
Random Seed: 1

Will run 2 of 2 specs
\u{2022}\u{2022}

Ran 2 of 2 Specs in 0.001 seconds
SUCCESS! -- 2 Passed | 0 Failed | 0 Pending | 0 Skipped
PASS

Ginkgo ran 1 suite in 1.2s
Test Suite Passed
";

pub const GO_TEST_GREEN: &str = "\
=== RUN   TestA
=== RUN   TestA/sub
--- PASS: TestA (0.00s)
    --- PASS: TestA/sub (0.00s)
=== RUN   TestB
--- PASS: TestB (0.00s)
PASS
ok  \tx/p\t0.005s
";

pub const PYTEST_GREEN: &str = "\
============================= test session starts ==============================
platform linux -- Python 3.12.3, pytest-8.3.4, pluggy-1.5.0
rootdir: /x
collected 2 items

test_a.py::test_ok PASSED                                                [ 50%]
test_a.py::test_two PASSED                                               [100%]

============================== 2 passed in 0.02s ===============================
";

pub const BATS_GREEN: &str = "\
a.bats
 \u{2713} one
 \u{2713} two

2 tests, 0 failures
";

pub const TAP_GREEN: &str = "1..3\nok 1 a\nok 2 b # in 12 ms\nok 3 c\n";

pub const TAP_PLAN_LAST: &str = "TAP version 13\nok 1 a\nok 2 b\n1..2\n# tests 2\n# pass 2\n# fail 0\n";

pub const CARGO_GREEN: &str = "\
     Running unittests src/lib.rs (target/debug/deps/x-0123456789abcdef)

running 2 tests
test tests::a ... ok
test tests::b ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

";

pub const NEXTEST_GREEN: &str = "\
────────────
 Nextest run ID 0000 with nextest profile: default
    Starting 2 tests across 1 binary
        PASS [   0.005s] x tests::a
        PASS [   0.005s] x tests::b
────────────
     Summary [   0.010s] 2 tests run: 2 passed, 0 skipped
";

pub const JEST_GREEN: &str = "\
PASS ./a.test.js
  s
    \u{2713} t (2 ms)
    \u{2713} u

Test Suites: 1 passed, 1 total
Tests:       2 passed, 2 total
Snapshots:   0 total
Time:        0.5 s
Ran all test suites.
";

pub const VITEST_GREEN: &str = "\
 RUN  v3.0.0 /x

 \u{2713} a.test.ts (2 tests) 2ms

 Test Files  1 passed (1)
      Tests  2 passed (2)
   Start at  02:08:14
   Duration  358ms
";

pub const MOCHA_GREEN: &str = "

  s
    \u{2714} t
    \u{2714} u


  2 passing (3ms)

";

pub const PLAYWRIGHT_GREEN: &str = "
Running 2 tests using 1 worker

  \u{2713}  1 [p] \u{203a} a.spec.js:3:5 \u{203a} t (10ms)
  \u{2713}  2 [p] \u{203a} a.spec.js:4:5 \u{203a} u (10ms)

  2 passed (1.2s)
";

pub const LOG: &str = "\u{feff}2026-01-23T17:04:05.1234567Z ##[group]Run make test
2026-01-23T17:04:05.2234567Z \u{1b}[36;1mmake test\u{1b}[0m
2026-01-23T17:04:05.3234567Z ##[endgroup]
2026-01-23T17:04:06.0000000Z Downloading  10%\r2026-01-23T17:04:06.5000000Z Downloading 100%
2026-01-23T17:04:07.0000000Z ERROR: connection to db refused: dial tcp 127.0.0.1:5432: connect: connection refused
2026-01-23T17:04:07.1000000Z     at app.Main(Main.java:12)
2026-01-23T17:04:08.0000000Z level=error msg=\"duplicate key\" sqlstate=23505 (SQLSTATE 23505)
2026-01-23T17:04:09.0000000Z ::error file=a.go,line=3,title=x::it failed%0Atwice
2026-01-23T17:04:09.1000000Z --- FAIL: TestA (0.01s)
2026-01-23T17:04:09.2000000Z make: *** [Makefile:3: test] Error 1
2026-01-23T17:04:09.3000000Z ##[error]Process completed with exit code 2.
";

pub const PODS_YAML: &str = "\
apiVersion: v1
kind: PodList
items:
- kind: Pod
  metadata: {name: db-0, namespace: ns, creationTimestamp: '2026-01-23T17:04:05Z'}
  status:
    phase: Running
    containerStatuses:
    - name: db
      ready: false
      restartCount: 3
      state: {waiting: {reason: CrashLoopBackOff, message: 'back-off 40s'}}
      lastState: {terminated: {reason: OOMKilled, exitCode: 137, finishedAt: '2026-01-23T17:05:05Z'}}
- kind: Pod
  metadata: {name: web-1, namespace: ns}
  status:
    phase: Pending
    conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/1 nodes}]
";

pub const EVENTS_JSON: &str = r#"{"kind":"List","items":[{"kind":"Event","type":"Warning","reason":"BackOff","message":"Back-off pulling image","count":7,"firstTimestamp":"2026-01-23T17:04:05Z","lastTimestamp":"2026-01-23T17:06:05Z","involvedObject":{"kind":"Pod","name":"web-1","namespace":"ns"}},{"kind":"Event","type":"Normal","reason":"Pulled"}]}
"#;

pub const INSPECT_JSON: &str = r#"[{"Name":"/svc_db","State":{"Status":"exited","OOMKilled":true,"ExitCode":137,"StartedAt":"2026-01-23T17:04:05Z","FinishedAt":"2026-01-23T17:05:05Z"},"RestartCount":2,"Config":{"Image":"postgres:16","Env":["A=b","PASSWORD=x"]},"NetworkSettings":{"Ports":{"5432/tcp":[{"HostIp":"","HostPort":"15433"}]}}}]
"#;

pub const DESCRIBE: &str = "\
Name:             web-1
Namespace:        ns
Status:           Pending
Containers:
  web:
    Image:          registry/web:1
    State:          Waiting
      Reason:       ImagePullBackOff
    Ready:          False
    Restart Count:  0
Events:
  Type     Reason     Age                From               Message
  ----     ------     ----               ----               -------
  Warning  Failed     5m (x4 over 10m)   kubelet            Failed to pull image \"registry/web:1\": not found
";
