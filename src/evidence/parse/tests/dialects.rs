//! Reports that tools have a format of their own for.

use super::*;
use crate::evidence::fuzz::TARGETS;

/// The bytes of a fixture.
fn fixture(format: &str, name: &str) -> &'static [u8] {
    let target = TARGETS.iter().find(|target| target.name == format).unwrap();
    target.fixtures.iter().find(|fixture| fixture.name == name).unwrap().bytes
}

#[test]
fn every_format_is_told_by_its_content_and_counted() {
    let cases: &[(&str, &str, [u64; 7])] = &[
        ("nunit", "green", [3, 2, 0, 0, 1, 0, 0]),
        ("nunit", "red", [4, 1, 1, 1, 1, 0, 0]),
        ("nunit", "version 2", [3, 1, 1, 0, 1, 0, 0]),
        ("xunit", "green", [2, 1, 0, 0, 1, 0, 0]),
        ("xunit", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("trx", "green", [2, 1, 0, 0, 1, 0, 0]),
        ("trx", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("testng", "green", [1, 1, 0, 0, 0, 0, 1]),
        ("testng", "red", [3, 1, 1, 0, 1, 0, 0]),
        ("robot", "green", [2, 1, 0, 0, 1, 0, 0]),
        ("robot", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("catch2-xml", "green", [1, 1, 0, 0, 0, 0, 0]),
        ("catch2-xml", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("catch2-xml", "doctest", [2, 1, 1, 0, 0, 0, 0]),
        ("qtest", "green", [1, 1, 0, 0, 0, 0, 0]),
        ("qtest", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("cucumber-json", "green", [1, 1, 0, 0, 0, 0, 0]),
        ("cucumber-json", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("allure", "green", [1, 1, 0, 0, 0, 0, 0]),
        ("allure", "red", [1, 0, 1, 0, 0, 0, 0]),
        ("pytest-json", "green", [2, 1, 0, 0, 1, 0, 0]),
        ("pytest-json", "red", [3, 1, 1, 1, 0, 0, 0]),
        ("rspec-json", "green", [2, 1, 0, 0, 0, 1, 0]),
        ("rspec-json", "red", [2, 1, 1, 0, 0, 0, 0]),
        ("libtest-json", "green", [2, 1, 0, 0, 1, 0, 0]),
        ("libtest-json", "red", [2, 1, 1, 0, 0, 0, 0]),
    ];
    for (format, name, expected) in cases {
        let parsed = parse("a", fixture(format, name));
        assert_eq!(parsed.format.name(), *format, "{name}");
        assert_eq!(counts(&parsed), *expected, "{format} {name}: {:?}", parsed.warnings);
        assert!(parsed.complete && parsed.format.is_report(), "{format} {name}: {:?}", parsed.warnings);
        assert_eq!(parsed.failures_total, parsed.tests.bad(), "{format} {name}");
    }
}

#[test]
fn failures_say_what_and_where() {
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("nunit", "red", "Shop.CartTests.Totals(1)", "/src/CartTests.cs:40", "Expected: 20 But was: 28"),
        ("nunit", "version 2", "Unit.Bad", "C:\\src\\Unit.cs:7", "Intentional failure"),
        (
            "xunit", "red", "Shop.CartTests.Divides(n: 0)", "/src/CartTests.cs:42",
            "Assert.Equal() Failure: Values differ",
        ),
        (
            "trx", "red", "Divides", "/src/CartTests.cs:42",
            "Assert.AreEqual failed. Expected:<2>. Actual:<3>.",
        ),
        ("testng", "red", "pays", "CartTest.java:42", "expected [8] but found [7]"),
        ("robot", "red", "Pays", "/src/cart.robot:9", "7 != 8"),
        ("catch2-xml", "red", "pays", "/src/cart.cpp:24", "sum == 8 with 7 == 8"),
        ("catch2-xml", "doctest", "pays", "/src/cart.cpp:11", "sum == 8 with 7 == 8"),
        ("qtest", "red", "pays(by card)", "/src/tst_cart.cpp:31", "'sum' returned FALSE. ()"),
        ("cucumber-json", "red", "paying", "features/cart.feature:9", "AssertionError: 7 == 8"),
        ("allure", "red", "test_pays", "tests/test_cart.py:12", "AssertionError: assert 7 == 8"),
        ("pytest-json", "red", "test_sum[a::b]", "/src/t/test_a.py:54", "AssertionError: assert 7 == 8"),
        ("rspec-json", "red", "Cart#pay pays", "./spec/cart_spec.rb:11", "expected: 8 got: 7"),
        ("libtest-json", "red", "tests::b", "src/lib.rs:12", "assertion failed: sum == 8"),
    ];
    for (format, name, test, at, message) in cases {
        let parsed = parse("a", fixture(format, name));
        let found = failure(&parsed, test);
        assert_eq!(place(found), *at, "{format}");
        assert_eq!(found.message.as_deref(), Some(*message), "{format}");
    }
    let class = |format: &str, test: &str| {
        failure(&parse("a", fixture(format, "red")), test).classname.clone().unwrap_or_default()
    };
    assert_eq!(class("trx", "Divides"), "Shop.CartTests");
    assert_eq!(class("pytest-json", "test_sum[a::b]"), "t.test_a.TestPay");
    assert_eq!(class("testng", "pays"), "shop.CartTest");
    let time = |format: &str, test: &str| failure(&parse("a", fixture(format, "red")), test).duration;
    assert_eq!(time("trx", "Divides"), Some(1.5));
    assert_eq!(time("testng", "pays"), Some(0.012));
    assert_eq!(time("cucumber-json", "paying"), Some(0.007));
}

/// What it shows, the file, counts, failures in all, complete.
type Case = (&'static str, &'static str, [u64; 7], u64, bool);

const CASES: &[Case] = &[
    (
        "NUnit: a teardown of a fixture failed, and its tests passed",
        r#"<test-run total="1" passed="1" failed="0" result="Failed"><test-suite type="TestFixture" fullname="F" result="Failed" label="Error" site="TearDown"><failure><message>TearDown : no</message></failure><test-case name="a" result="Passed"/></test-suite></test-run>"#,
        [1, 1, 0, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "NUnit: a setup failed, and its tests say so",
        r#"<test-run total="1" passed="0" failed="1" result="Failed"><test-suite fullname="F" result="Failed" label="Error" site="SetUp"><failure><message>no</message></failure><test-case name="a" result="Failed" label="Error" site="Parent"><failure><message>OneTimeSetUp: no</message></failure></test-case></test-suite></test-run>"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        true,
    ),
    (
        "NUnit: an assembly that cannot be run",
        r#"<test-run total="0" passed="0" failed="0" result="Failed"><test-suite type="Assembly" fullname="A.dll" runstate="NotRunnable" result="Failed" label="Invalid"><properties/><reason/></test-suite></test-run>"#,
        [0; 7],
        1,
        false,
    ),
    (
        "NUnit: only totals",
        r#"<test-run testcasecount="14" result="Failed(Child)" total="14" passed="11" failed="1" inconclusive="0" skipped="2"></test-run>"#,
        [14, 11, 1, 0, 2, 0, 0],
        1,
        false,
    ),
    (
        "NUnit: more in the totals than is there",
        r#"<test-run total="2" passed="1" failed="1" result="Failed"><test-suite fullname="F" result="Passed"><test-case name="a" result="Passed"/></test-suite></test-run>"#,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "NUnit: a word that nobody knows",
        r#"<test-run total="1"><test-case name="a" result="Fine"/></test-run>"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        false,
    ),
    (
        "NUnit: a failure inside a test that says that it passed",
        r#"<test-run><test-case name="a" result="Passed"><failure><message>x</message></failure></test-case></test-run>"#,
        [1, 0, 1, 0, 0, 0, 0],
        1,
        true,
    ),
    (
        "xUnit: cleanup of a class failed",
        r#"<assemblies><assembly name="A" total="1" passed="1" failed="0" skipped="0" errors="1"><errors><error type="test-class-cleanup" name="C"><failure exception-type="X"><message>broke</message><stack-trace>   at C.Dispose() in /src/C.cs:line 3</stack-trace></failure></error></errors><collection><test name="a" result="Pass"/></collection></assembly></assemblies>"#,
        [1, 1, 0, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "xUnit: errors that are counted and not listed",
        r#"<assemblies><assembly name="A" total="1" passed="1" failed="0" errors="2"><errors/><collection><test name="a" result="Pass"/></collection></assembly></assemblies>"#,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "xUnit: version 3 lists what it was not asked to run",
        r#"<assemblies schema-version="3"><assembly id="1" name="A" total="2" passed="1" failed="0" skipped="0" not-run="1" errors="0"><errors/><collection><test name="a" result="Pass"/><test name="b" result="NotRun"/></collection></assembly></assemblies>"#,
        [2, 1, 0, 0, 1, 0, 0],
        0,
        true,
    ),
    (
        "xUnit: assemblies add up",
        r#"<assemblies><assembly name="A" total="1" failed="0"><collection><test name="a" result="Pass"/></collection></assembly><assembly name="B" total="2" failed="1"><collection><test name="a" result="Pass"/></collection></assembly></assemblies>"#,
        [2, 2, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "TRX: the process died",
        r#"<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results><ResultSummary outcome="Failed"><Counters total="1" executed="1" passed="1" failed="0"/><RunInfos><RunInfo computerName="ci" outcome="Error" timestamp="x"><Text>The active test run was aborted. Reason: Test host process crashed</Text></RunInfo></RunInfos></ResultSummary></TestRun>"#,
        [1, 1, 0, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "TRX: a warning of the run is no failure",
        r#"<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results><ResultSummary outcome="Completed"><Counters total="1" passed="1" failed="0"/><RunInfos><RunInfo outcome="Warning"><Text>x</Text></RunInfo></RunInfos></ResultSummary></TestRun>"#,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        true,
    ),
    (
        "TRX: rows of a test with data count, and not the test around them",
        r#"<TestRun><Results><UnitTestResult testName="a" outcome="Failed" resultType="DataDrivenTest"><InnerResults><UnitTestResult testName="a (1)" outcome="Passed"/><UnitTestResult testName="a (2)" outcome="Failed"/></InnerResults></UnitTestResult></Results><ResultSummary outcome="Failed"><Counters total="3" passed="1" failed="2"/></ResultSummary></TestRun>"#,
        [2, 1, 1, 0, 0, 0, 0],
        1,
        true,
    ),
    (
        "TRX: every outcome",
        r#"<TestRun><Results><UnitTestResult testName="a" outcome="Error"/><UnitTestResult testName="b" outcome="Timeout"/><UnitTestResult testName="c" outcome="Inconclusive"/><UnitTestResult testName="d" outcome="NotExecuted"/><UnitTestResult testName="e"/></Results></TestRun>"#,
        [5, 0, 1, 2, 2, 0, 0],
        3,
        false,
    ),
    (
        "TRX: an aborted run",
        r#"<TestRun><Results><UnitTestResult testName="a" outcome="PassedButRunAborted"/></Results><ResultSummary outcome="Aborted"/></TestRun>"#,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "TestNG: a configuration method failed",
        r#"<testng-results total="1" passed="0" failed="0" skipped="1" ignored="0"><suite name="S"><test name="t"><class name="C"><test-method is-config="true" name="setUp" status="FAIL"><exception class="X"><message>no db</message></exception></test-method><test-method name="a" signature="a()" status="SKIP"/></class></test></suite></testng-results>"#,
        [1, 0, 0, 0, 1, 0, 0],
        1,
        false,
    ),
    (
        "TestNG: a method that failed is not excused by having been tried again",
        r#"<testng-results total="1" failed="1"><suite><test><class name="C"><test-method name="a" signature="a()" status="SKIP" retried="true"/><test-method name="a" signature="a()" status="FAIL"/></class></test></suite></testng-results>"#,
        [1, 0, 1, 0, 0, 0, 0],
        1,
        true,
    ),
    (
        "TestNG: results in another file",
        r#"<testng-results total="0" failed="0"><suite name="S"><test url="unit.xml"/></suite></testng-results>"#,
        [0; 7],
        0,
        false,
    ),
    (
        "Robot: a suite teardown failed, which fails the tests that are listed as passed",
        r#"<robot><suite name="S"><test name="a"><status status="PASS"/></test><kw name="Close" type="TEARDOWN"><status status="FAIL">no</status></kw><status status="FAIL">Suite teardown failed:
no</status></suite><statistics><total><stat pass="0" fail="1" skip="0">All Tests</stat></total></statistics></robot>"#,
        [1, 1, 0, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "Robot: a test without a status",
        r#"<robot><suite name="S"><test name="a"/><status status="PASS"/></suite></robot>"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        false,
    ),
    (
        "Catch2: a crash in a test case",
        r#"<Catch2TestRun name="x"><TestCase name="a" filename="a.cpp" line="1"><FatalErrorCondition filename="a.cpp" line="9">SIGSEGV</FatalErrorCondition><OverallResult success="false"/></TestCase><OverallResultsCases successes="0" failures="1" expectedFailures="0"/></Catch2TestRun>"#,
        [1, 0, 1, 0, 0, 0, 0],
        1,
        true,
    ),
    (
        "Qt: expected, known and unexpected ends",
        r#"<TestCase name="t"><TestFunction name="a"><Incident type="xfail" file="a" line="1"/><Incident type="pass" file="" line="0"/></TestFunction><TestFunction name="b"><Incident type="bfail" file="" line="0"/></TestFunction><TestFunction name="c"><Incident type="xpass" file="" line="0"/></TestFunction><TestFunction name="d"><Message type="skip" file="" line="0"/></TestFunction><TestFunction name="e"></TestFunction></TestCase>"#,
        [5, 1, 1, 1, 2, 0, 0],
        2,
        false,
    ),
    (
        "Cucumber: what is undefined fails, what is pending waits, hooks and backgrounds count",
        r#"[{"uri":"a.feature","keyword":"Feature","name":"F","elements":[{"type":"background","steps":[{"name":"db","result":{"status":"failed","error_message":"no"}}]},{"type":"scenario","name":"a","steps":[{"name":"x","result":{"status":"skipped"}}]},{"type":"scenario","name":"b","steps":[{"name":"y","result":{"status":"undefined"}}]},{"type":"scenario","name":"c","steps":[{"name":"z","result":{"status":"pending"}}]},{"type":"scenario","name":"d","steps":[{"name":"z","result":{"status":"passed"}}],"after":[{"result":{"status":"failed","error_message":"hook"}}]},{"type":"scenario","name":"e","steps":[]}]}]"#,
        [5, 0, 3, 0, 1, 1, 0],
        3,
        true,
    ),
    (
        "behave leaves out what steps that were not reached did",
        r#"[{"keyword":"Feature","name":"F","uri":"a","elements":[{"type":"scenario","keyword":"Scenario","name":"a","status":"failed","steps":[{"name":"x","result":{"status":"failed","error_message":["no","way"],"duration":0.5}},{"name":"y"}]},{"type":"scenario","name":"b","status":"untested","steps":[{"name":"x"}]}]}]"#,
        [2, 0, 1, 0, 1, 0, 0],
        1,
        true,
    ),
    (
        "Allure: broken, and a stage that is not over",
        r#"{"uuid":"1","name":"a","status":"broken","stage":"running","historyId":"x"}"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        false,
    ),
    (
        "Allure: a status that is missing",
        r#"{"uuid":"1","name":"a","stage":"finished","historyId":"x","labels":[]}"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        false,
    ),
    (
        "Allure: a fixture of a container broke",
        r#"{"uuid":"1","children":["2"],"befores":[],"afters":[{"name":"tearDown","status":"broken","statusDetails":{"message":"no"}}]}"#,
        [0; 7],
        1,
        false,
    ),
    (
        "pytest: a module that cannot be collected",
        r#"{"exitcode":2,"summary":{"total":0,"collected":0},"collectors":[{"nodeid":"test_b.py","outcome":"failed","result":[],"longrepr":"test_b.py:1: in <module>\n    import nothing\nE   ModuleNotFoundError"}],"tests":[]}"#,
        [0; 7],
        1,
        false,
    ),
    (
        "pytest: only a summary",
        r#"{"exitcode":1,"summary":{"passed":2,"failed":1,"xfailed":1,"total":4}}"#,
        [4, 2, 1, 0, 1, 0, 0],
        1,
        false,
    ),
    (
        "pytest: an exit code that says more than the tests",
        r#"{"exitcode":1,"summary":{"passed":1,"total":1},"tests":[{"nodeid":"a.py::a","outcome":"passed"}]}"#,
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "pytest: a stage that failed in a test that passed",
        r#"{"exitcode":0,"tests":[{"nodeid":"a.py::a","outcome":"passed","teardown":{"outcome":"failed"}}]}"#,
        [1, 0, 0, 1, 0, 0, 0],
        1,
        true,
    ),
    (
        "RSpec: a file that cannot be loaded",
        r#"{"version":"3","messages":["\nAn error occurred while loading ./spec/a_spec.rb.\n"],"examples":[],"summary":{"example_count":0,"failure_count":0,"errors_outside_of_examples_count":1},"summary_line":"0 examples, 0 failures, 1 error occurred outside of examples"}"#,
        [0; 7],
        1,
        false,
    ),
    (
        "libtest: a binary that failed though its tests passed",
        "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n{\"type\":\"test\",\"event\":\"ok\",\"name\":\"a\"}\n{\"type\":\"suite\",\"event\":\"failed\",\"passed\":1,\"failed\":0,\"ignored\":0}\n",
        [1, 1, 0, 0, 0, 0, 0],
        1,
        false,
    ),
    (
        "nextest: a test that passed at its second attempt",
        "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n{\"type\":\"test\",\"event\":\"started\",\"name\":\"x::x$a\"}\n{\"type\":\"test\",\"event\":\"ok\",\"name\":\"x::x$a#2\"}\n{\"type\":\"suite\",\"event\":\"ok\",\"passed\":1,\"failed\":0,\"ignored\":0}\n",
        [1, 1, 0, 0, 0, 0, 1],
        0,
        true,
    ),
    (
        "libtest: the second binary died, and a test printed a line",
        "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\nhello {\n{\"type\":\"test\",\"event\":\"ok\",\"name\":\"a\"}\n{\"type\":\"suite\",\"event\":\"ok\",\"passed\":1,\"failed\":0,\"ignored\":0}\n{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n{\"type\":\"test\",\"event\":\"started\",\"name\":\"b\"}\n",
        [1, 1, 0, 0, 0, 0, 0],
        0,
        false,
    ),
    (
        "Boost's log: an element that JUnit does not know and that speaks of a failure",
        r#"<TestLog><TestSuite name="s"><TestCase name="a"><FatalError file="a.cpp" line="3">no</FatalError></TestCase><TestCase name="b"><TestingTime>1</TestingTime></TestCase></TestSuite></TestLog>"#,
        [2, 1, 0, 1, 0, 0, 0],
        1,
        false,
    ),
    (
        "documents of two formats in one file",
        r#"<testsuite><testcase name="a"/></testsuite><?xml version="1.0"?><test-run total="1"><test-case name="b" result="Failed"/></test-run>"#,
        [2, 1, 1, 0, 0, 0, 0],
        1,
        true,
    ),
];

#[test]
fn what_each_tool_says_of_failures_outside_of_tests_is_heard() {
    let mut wrong = Vec::new();
    for (what, text, expected, failures, complete) in CASES {
        let parsed = parse("a", text);
        let found = (counts(&parsed), parsed.failures_total, parsed.complete);
        if found != (*expected, *failures, *complete) {
            wrong.push(format!("{what}: {found:?}, {:?}", parsed.warnings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn places_that_dotnet_names_are_found_in_any_language() {
    for (said, expected) in [
        ("   at A.B(Int32 x) in /src/a b/C.cs:line 7", "/src/a b/C.cs:7"),
        ("   bei A.B() in C:\\src\\C.cs:Zeile 7.", "-"),
        ("   bei A.B() in C:\\src\\C.cs:Zeile 7", "C:\\src\\C.cs:7"),
        ("   \u{e0} A.B() dans /src/C.fs:ligne 7", "/src/C.fs:7"),
        ("the value in the list:line 7", "-"),
    ] {
        let xml = format!(
            "<TestRun><Results><UnitTestResult testName='a' outcome='Failed'><Output><ErrorInfo><StackTrace>{said}</StackTrace></ErrorInfo></Output></UnitTestResult></Results></TestRun>"
        );
        let parsed = parse("a.trx", xml);
        assert_eq!(place(&parsed.failures[0]), expected, "{said}");
    }
}
