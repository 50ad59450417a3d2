//! Small reports of tools that have a format of their own, as they write them.

pub const NUNIT_GREEN: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<test-run id="0" runstate="Runnable" testcasecount="3" result="Passed" total="3" passed="2" failed="0" warnings="0" inconclusive="0" skipped="1" asserts="2" engine-version="3.16.3.0" clr-version="6.0.5" start-time="2026-01-23 17:04:05Z" end-time="2026-01-23 17:04:06Z" duration="0.084">
  <test-suite type="Assembly" id="0-1003" name="Shop.dll" fullname="/src/Shop.dll" runstate="Runnable" testcasecount="3" result="Passed" total="3" passed="2" failed="0" warnings="0" inconclusive="0" skipped="1" asserts="2">
    <test-suite type="TestFixture" id="0-1000" name="CartTests" fullname="Shop.CartTests" classname="Shop.CartTests" result="Passed" total="3" passed="2" failed="0" skipped="1">
      <test-case id="0-1001" name="Adds" fullname="Shop.CartTests.Adds" methodname="Adds" classname="Shop.CartTests" runstate="Runnable" result="Passed" duration="0.012" asserts="1" />
      <test-case id="0-1002" name="Sums" fullname="Shop.CartTests.Sums" methodname="Sums" classname="Shop.CartTests" runstate="Runnable" result="Passed" duration="0.001" asserts="1"><output><![CDATA[sum]]></output></test-case>
      <test-case id="0-1003" name="Later" fullname="Shop.CartTests.Later" methodname="Later" classname="Shop.CartTests" runstate="Ignored" result="Skipped" label="Ignored" duration="0"><reason><message><![CDATA[not yet]]></message></reason></test-case>
    </test-suite>
  </test-suite>
</test-run>
"#;

pub const NUNIT_RED: &str = r#"<?xml version="1.0" encoding="utf-8" standalone="no"?>
<test-run id="2" testcasecount="4" result="Failed" total="4" passed="1" failed="2" inconclusive="1" skipped="0" asserts="3" duration="0,0663306">
  <test-suite type="Assembly" id="1" name="Shop.dll" fullname="/src/Shop.dll" result="Failed" site="Child" total="4" passed="1" failed="2" inconclusive="1" skipped="0">
    <failure><message><![CDATA[One or more child tests had errors]]></message></failure>
    <test-suite type="TestFixture" id="2" name="CartTests" fullname="Shop.CartTests" result="Failed" site="Child" total="4" passed="1" failed="2" inconclusive="1" skipped="0">
      <test-case id="3" name="Adds" fullname="Shop.CartTests.Adds" classname="Shop.CartTests" result="Passed" duration="0.012" />
      <test-case id="4" name="Totals(1)" fullname="Shop.CartTests.Totals(1)" classname="Shop.CartTests" result="Failed" duration="0.034">
        <failure>
          <message><![CDATA[  Expected: 20
  But was:  28
]]></message>
          <stack-trace><![CDATA[   at Shop.CartTests.Totals(Int32 n) in /src/CartTests.cs:line 40
]]></stack-trace>
        </failure>
      </test-case>
      <test-case id="5" name="Pays" fullname="Shop.CartTests.Pays" classname="Shop.CartTests" result="Failed" label="Error" duration="0.001"><failure><message><![CDATA[System.Exception : no]]></message></failure></test-case>
      <test-case id="6" name="Maybe" fullname="Shop.CartTests.Maybe" classname="Shop.CartTests" result="Inconclusive" duration="0" />
    </test-suite>
  </test-suite>
</test-run>
"#;

pub const NUNIT2_RED: &str = r#"<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!--This file represents the results of running a test suite-->
<test-results name="/src/Unit.dll" total="2" errors="0" failures="1" not-run="1" inconclusive="0" ignored="1" skipped="0" invalid="0" date="2026-01-23" time="17:04:05">
  <test-suite type="Assembly" name="/src/Unit.dll" executed="True" result="Failure" success="False" time="0.094" asserts="0">
    <results>
      <test-case name="Unit.Ok" executed="True" result="Success" success="True" time="0.016" asserts="1" />
      <test-case name="Unit.Bad" executed="True" result="Failure" success="False" time="0.002" asserts="0"><failure><message><![CDATA[Intentional failure]]></message><stack-trace><![CDATA[at Unit.Bad () in C:\src\Unit.cs:line 7]]></stack-trace></failure></test-case>
      <test-case name="Unit.Later" executed="False" result="Ignored"><reason><message><![CDATA[later]]></message></reason></test-case>
    </results>
  </test-suite>
</test-results>
"#;

pub const XUNIT_GREEN: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<assemblies timestamp="01/23/2026 17:04:05">
  <assembly name="/src/Shop.Tests.dll" run-date="2026-01-23" run-time="17:04:05" total="2" passed="1" failed="0" skipped="1" time="0.4" errors="0">
    <errors />
    <collection total="2" passed="1" failed="0" skipped="1" name="Test collection for Shop.CartTests" time="0.200">
      <test name="Shop.CartTests.Adds" type="Shop.CartTests" method="Adds" time="0.0162284" result="Pass"><traits /></test>
      <test name="Shop.CartTests.Later" type="Shop.CartTests" method="Later" time="0" result="Skip"><reason><![CDATA[not yet]]></reason></test>
    </collection>
  </assembly>
</assemblies>
"#;

pub const XUNIT_RED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<assemblies timestamp="01/23/2026 17:04:05">
  <assembly name="/src/Shop.Tests.dll" total="2" passed="1" failed="1" skipped="0" time="0.4" errors="0">
    <errors />
    <collection total="2" passed="1" failed="1" skipped="0" name="Test collection for Shop.CartTests" time="0.200">
      <test name="Shop.CartTests.Adds" type="Shop.CartTests" method="Adds" time="0.01" result="Pass" />
      <test name="Shop.CartTests.Divides(n: 0)" type="Shop.CartTests" method="Divides" time="0.02" result="Fail">
        <failure exception-type="Xunit.Sdk.EqualException">
          <message><![CDATA[Assert.Equal() Failure: Values differ]]></message>
          <stack-trace><![CDATA[   at Shop.CartTests.Divides(Int32 n) in /src/CartTests.cs:line 42
   at System.RuntimeMethodHandle.InvokeMethod(Object target)]]></stack-trace>
        </failure>
      </test>
    </collection>
  </assembly>
</assemblies>
"#;

pub const TRX_GREEN: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<TestRun id="3e5652b8" name="ci 2026-01-23 17:04:05" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
  <Times creation="2026-01-23T17:04:05.8+00:00" queuing="2026-01-23T17:04:05.8+00:00" start="2026-01-23T17:04:05.1+00:00" finish="2026-01-23T17:04:06.8+00:00" />
  <Results>
    <UnitTestResult executionId="e1" testId="t1" testName="Adds" computerName="ci" duration="00:00:00.0003390" testType="13cdc9d9" outcome="Passed" testListId="8c84fa94" relativeResultsDirectory="e1" />
    <UnitTestResult executionId="e2" testId="t2" testName="Later" computerName="ci" testType="13cdc9d9" outcome="NotExecuted" testListId="8c84fa94" relativeResultsDirectory="e2"><Output><StdOut>skipped</StdOut></Output></UnitTestResult>
  </Results>
  <TestDefinitions>
    <UnitTest name="Adds" storage="/src/shop.dll" id="t1"><Execution id="e1" /><TestMethod codeBase="/src/Shop.dll" adapterTypeName="executor://x" className="Shop.CartTests" name="Adds" /></UnitTest>
  </TestDefinitions>
  <ResultSummary outcome="Completed">
    <Counters total="2" executed="1" passed="1" failed="0" error="0" timeout="0" aborted="0" inconclusive="0" passedButRunAborted="0" notRunnable="0" notExecuted="0" disconnected="0" warning="0" completed="0" inProgress="0" pending="0" />
  </ResultSummary>
</TestRun>
"#;

pub const TRX_RED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<TestRun id="3e5652b8" name="ci 2026-01-23 17:04:05" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
  <Results>
    <UnitTestResult executionId="e1" testId="t1" testName="Adds" duration="00:00:00.0150000" outcome="Passed" />
    <UnitTestResult executionId="e2" testId="t2" testName="Divides" duration="00:00:01.5000000" outcome="Failed">
      <Output>
        <ErrorInfo>
          <Message>Assert.AreEqual failed. Expected:&lt;2&gt;. Actual:&lt;3&gt;.</Message>
          <StackTrace>   at Shop.CartTests.Divides() in /src/CartTests.cs:line 42</StackTrace>
        </ErrorInfo>
      </Output>
    </UnitTestResult>
  </Results>
  <TestDefinitions>
    <UnitTest name="Divides" id="t2"><Execution id="e2" /><TestMethod codeBase="/src/Shop.dll" className="Shop.CartTests, Shop, Version=1.0.0.0" name="Divides" /></UnitTest>
  </TestDefinitions>
  <ResultSummary outcome="Failed">
    <Counters total="2" executed="2" passed="1" failed="1" error="0" timeout="0" aborted="0" />
  </ResultSummary>
</TestRun>
"#;

pub const TESTNG_GREEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testng-results ignored="1" total="2" passed="1" failed="0" skipped="0">
  <reporter-output>
  </reporter-output>
  <suite started-at="2026-01-23T17:04:05 UTC" name="Shop" finished-at="2026-01-23T17:04:06 UTC" duration-ms="62">
    <groups>
    </groups>
    <test started-at="2026-01-23T17:04:05 UTC" name="unit" finished-at="2026-01-23T17:04:06 UTC" duration-ms="62">
      <class name="shop.CartTest">
        <test-method is-config="true" signature="setUp()[pri:0, instance:shop.CartTest@1]" name="setUp" duration-ms="5" status="PASS"> <reporter-output> </reporter-output> </test-method>
        <test-method signature="flaky()[pri:0, instance:shop.CartTest@1]" name="flaky" duration-ms="9" status="SKIP" retried="true"> <exception class="java.lang.AssertionError"> <message><![CDATA[once]]></message> </exception> </test-method>
        <test-method signature="flaky()[pri:0, instance:shop.CartTest@1]" name="flaky" duration-ms="8" status="PASS"> </test-method>
      </class>
    </test>
  </suite>
</testng-results>
"#;

pub const TESTNG_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testng-results ignored="0" total="3" passed="1" failed="1" skipped="1">
  <suite name="Shop" duration-ms="62">
    <test name="unit" duration-ms="62">
      <class name="shop.CartTest">
        <test-method signature="adds()" name="adds" duration-ms="9" status="PASS"> </test-method>
        <test-method signature="pays(int)" name="pays" duration-ms="12" data-provider="sums" status="FAIL">
          <params> <param index="0"> <value> <![CDATA[7]]> </value> </param> </params>
          <exception class="java.lang.AssertionError">
            <message>
              <![CDATA[expected [8] but found [7]]]>
            </message>
            <full-stacktrace>
              <![CDATA[java.lang.AssertionError: expected [8] but found [7]
	at org.testng.Assert.fail(Assert.java:111)
	at shop.CartTest.pays(CartTest.java:42)]]>
            </full-stacktrace>
          </exception>
        </test-method>
        <test-method signature="later()" name="later" duration-ms="0" status="SKIP"> </test-method>
      </class>
    </test>
  </suite>
</testng-results>
"#;

pub const ROBOT_GREEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.0 (Python 3.12.3 on linux)" generated="2026-01-23T17:04:05.000000" rpa="false" schemaversion="5">
<suite id="s1" name="Shop" source="/src/shop.robot">
<kw name="Open" owner="BuiltIn" type="SETUP"><status status="PASS" start="2026-01-23T17:04:05.000000" elapsed="0.000100"/></kw>
<test id="s1-t1" name="Adds" line="5">
<kw name="Log" owner="BuiltIn"><arg>x</arg><msg time="2026-01-23T17:04:05.000000" level="INFO">x</msg><status status="PASS" start="2026-01-23T17:04:05.000000" elapsed="0.000100"/></kw>
<status status="PASS" start="2026-01-23T17:04:05.000000" elapsed="0.001234"/>
</test>
<test id="s1-t2" name="Later" line="9">
<status status="SKIP" start="2026-01-23T17:04:05.000000" elapsed="0.000100">not yet</status>
</test>
<status status="PASS" start="2026-01-23T17:04:05.000000" elapsed="0.010000"/>
</suite>
<statistics>
<total><stat pass="1" fail="0" skip="1">All Tests</stat></total>
<tag></tag>
<suite><stat name="Shop" id="s1" pass="1" fail="0" skip="1">Shop</stat></suite>
</statistics>
<errors></errors>
</robot>
"#;

pub const ROBOT_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.0" generated="2026-01-23T17:04:05.000000" rpa="false" schemaversion="5">
<suite id="s1" name="Shop" source="/src">
<suite id="s1-s1" name="Cart" source="/src/cart.robot">
<test id="s1-s1-t1" name="Adds" line="5"><status status="PASS" elapsed="0.001"/></test>
<test id="s1-s1-t2" name="Pays" line="9">
<kw name="Should Be Equal" owner="BuiltIn"><msg level="FAIL">7 != 8</msg><status status="FAIL" elapsed="0.001">7 != 8</status></kw>
<status status="FAIL" elapsed="0.002">7 != 8</status>
</test>
<status status="FAIL" elapsed="0.010"/>
</suite>
<status status="FAIL" elapsed="0.010"/>
</suite>
<statistics>
<total><stat pass="1" fail="1" skip="0">All Tests</stat></total>
</statistics>
<errors></errors>
</robot>
"#;

pub const CATCH2_GREEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Catch2TestRun name="unit" rng-seed="1" xml-format-version="3" catch2-version="3.5.0">
  <TestCase name="adds" tags="[cart]" filename="/src/cart.cpp" line="10">
    <OverallResult success="true" skips="0" durationInSeconds="0.002"/>
  </TestCase>
  <OverallResults successes="2" failures="0" expectedFailures="0" skips="0"/>
  <OverallResultsCases successes="1" failures="0" expectedFailures="0" skips="0"/>
</Catch2TestRun>
"#;

pub const CATCH2_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Catch2TestRun name="unit">
  <Randomness seed="1"/>
  <TestCase name="adds" tags="" filename="/src/cart.cpp" line="10">
    <OverallResult success="true"/>
  </TestCase>
  <TestCase name="pays" tags="" filename="/src/cart.cpp" line="20">
    <Section name="by card" filename="/src/cart.cpp" line="22">
      <Expression success="false" type="REQUIRE" filename="/src/cart.cpp" line="24">
        <Original>
          sum == 8
        </Original>
        <Expanded>
          7 == 8
        </Expanded>
      </Expression>
      <OverallResults successes="0" failures="1" expectedFailures="0"/>
    </Section>
    <OverallResult success="false"/>
  </TestCase>
  <OverallResults successes="1" failures="1" expectedFailures="0"/>
  <OverallResultsCases successes="1" failures="1" expectedFailures="0"/>
</Catch2TestRun>
"#;

pub const DOCTEST_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<doctest binary="unit">
  <Options order_by="file" rand_seed="0" first="0" last="4294967295" abort_after="0" subcase_filter_levels="2147483647" case_sensitive="false" no_throw="false" no_skip="false"/>
  <TestSuite>
    <TestCase name="adds" filename="/src/cart.cpp" line="3">
      <OverallResultsAsserts successes="1" failures="0" test_case_success="true"/>
    </TestCase>
    <TestCase name="pays" filename="/src/cart.cpp" line="9">
      <Expression success="false" type="CHECK" filename="/src/cart.cpp" line="11">
        <Original>
          sum == 8
        </Original>
        <Expanded>
          7 == 8
        </Expanded>
      </Expression>
      <OverallResultsAsserts successes="0" failures="1" test_case_success="false"/>
    </TestCase>
  </TestSuite>
  <OverallResultsAsserts successes="1" failures="1"/>
  <OverallResultsTestCases successes="1" failures="1"/>
</doctest>
"#;

pub const QTEST_GREEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<TestCase name="tst_Cart">
<Environment>
    <QtVersion>6.5.0</QtVersion>
    <QTestVersion>6.5.0</QTestVersion>
</Environment>
<TestFunction name="adds">
    <Incident type="pass" file="" line="0" />
    <Duration msecs="0.1"/>
</TestFunction>
<Duration msecs="1.5"/>
</TestCase>
"#;

pub const QTEST_RED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<TestCase name="tst_Cart">
<TestFunction name="adds">
<Incident type="pass" file="" line="0" />
    <Duration msecs="0.1"/>
</TestFunction>
<TestFunction name="pays">
<Incident type="fail" file="/src/tst_cart.cpp" line="31">
    <DataTag><![CDATA[by card]]></DataTag>
    <Description><![CDATA['sum' returned FALSE. ()]]></Description>
</Incident>
    <Duration msecs="0.2"/>
</TestFunction>
<Duration msecs="1.5"/>
</TestCase>
"#;

pub const CUCUMBER_GREEN: &str = r#"[{"line":1,"elements":[{"line":3,"name":"adding","description":"","id":"cart;adding","type":"scenario","keyword":"Scenario","steps":[{"result":{"duration":12000000,"status":"passed"},"line":4,"name":"a cart","match":{"location":"CartSteps.cart()"},"keyword":"Given "}],"after":[{"result":{"duration":1000,"status":"passed"},"match":{"location":"Hooks.close()"}}]}],"name":"Cart","description":"","id":"cart","keyword":"Feature","uri":"file:features/cart.feature","tags":[]}]
"#;

pub const CUCUMBER_RED: &str = r#"[{"uri":"features/cart.feature","id":"cart","keyword":"Feature","name":"Cart","line":1,"elements":[{"id":"cart;adding","keyword":"Scenario","type":"scenario","name":"adding","line":3,"steps":[{"keyword":"Given ","name":"a cart","line":4,"result":{"status":"passed","duration":5000000}}]},{"id":"cart;paying","keyword":"Scenario","type":"scenario","name":"paying","line":7,"steps":[{"keyword":"Given ","name":"a cart","line":8,"result":{"status":"passed","duration":5000000}},{"keyword":"Then ","name":"it is paid","line":9,"result":{"status":"failed","duration":2000000,"error_message":"AssertionError: 7 == 8\n    at World.paid (features/steps.js:12:9)"}},{"keyword":"And ","name":"sent","line":10,"result":{"status":"skipped"}}]}]}]
"#;

pub const ALLURE_GREEN: &str = r#"{"uuid":"9d95e6e7","historyId":"2b35e318","testCaseId":"43f8868a","fullName":"shop.CartTest.adds","name":"adds()","labels":[{"name":"suite","value":"Cart"},{"name":"testClass","value":"shop.CartTest"}],"links":[],"status":"passed","statusDetails":{"known":false,"muted":false,"flaky":false},"stage":"finished","steps":[],"attachments":[],"parameters":[],"start":1769187845000,"stop":1769187845120}
"#;

pub const ALLURE_RED: &str = r#"{"name":"test_pays","status":"failed","statusDetails":{"message":"AssertionError: assert 7 == 8","trace":"def test_pays():\n>       assert pay() == 8\nE       assert 7 == 8\n\ntests/test_cart.py:12: AssertionError"},"start":1769187845000,"stop":1769187845120,"uuid":"1","historyId":"2","testCaseId":"3","fullName":"tests.test_cart#test_pays","labels":[{"name":"suite","value":"test_cart"}]}
"#;

pub const PYTEST_JSON_GREEN: &str = r#"{"created":1769187845.79,"duration":0.12,"exitcode":0,"root":"/src","environment":{},"summary":{"passed":1,"skipped":1,"total":2,"collected":2},"collectors":[{"nodeid":"","outcome":"passed","result":[{"nodeid":"test_a.py","type":"Module"}]}],"tests":[{"nodeid":"test_a.py::test_ok","lineno":2,"outcome":"passed","keywords":["test_ok"],"setup":{"duration":0.1,"outcome":"passed"},"call":{"duration":0.25,"outcome":"passed"},"teardown":{"duration":0.1,"outcome":"passed"}},{"nodeid":"test_a.py::test_later","lineno":6,"outcome":"skipped","setup":{"duration":0.1,"outcome":"skipped","longrepr":"('a', 1, 'Skipped')"},"teardown":{"duration":0.1,"outcome":"passed"}}]}
"#;

pub const PYTEST_JSON_RED: &str = r#"{"created":1769187845.79,"duration":0.12,"exitcode":1,"root":"/src","environment":{},"summary":{"passed":1,"failed":1,"error":1,"total":3,"collected":3},"collectors":[],"tests":[{"nodeid":"t/test_a.py::test_ok","lineno":2,"outcome":"passed","call":{"duration":0.25,"outcome":"passed"}},{"nodeid":"t/test_a.py::TestPay::test_sum[a::b]","lineno":50,"outcome":"failed","setup":{"duration":0.1,"outcome":"passed"},"call":{"duration":0.1,"outcome":"failed","crash":{"path":"/src/t/test_a.py","lineno":54,"message":"AssertionError: assert 7 == 8"},"longrepr":"def test_sum():\n>       assert 7 == 8"}},{"nodeid":"t/test_a.py::test_db","lineno":60,"outcome":"error","setup":{"duration":0.1,"outcome":"failed","crash":{"path":"/src/t/conftest.py","lineno":4,"message":"ConnectionError"}}}]}
"#;

pub const LIBTEST_GREEN: &str = r#"{ "type": "suite", "event": "started", "test_count": 2 }
{ "type": "test", "event": "started", "name": "tests::a" }
{ "type": "test", "event": "started", "name": "tests::b" }
{ "type": "test", "name": "tests::a", "event": "ok", "exec_time": 0.25 }
{ "type": "test", "name": "tests::b", "event": "ignored" }
{ "type": "suite", "event": "ok", "passed": 1, "failed": 0, "ignored": 1, "measured": 0, "filtered_out": 0, "exec_time": 0.3 }
"#;

pub const LIBTEST_RED: &str = r#"{"type":"suite","event":"started","test_count":2}
{"type":"test","event":"started","name":"shop::unit$tests::a"}
{"type":"test","event":"started","name":"shop::unit$tests::b"}
{"type":"test","event":"ok","name":"shop::unit$tests::a","exec_time":0.1}
{"type":"test","event":"failed","name":"shop::unit$tests::b","exec_time":0.2,"stdout":"\nthread 'tests::b' panicked at src/lib.rs:12:5:\nassertion failed: sum == 8\nnote: run with `RUST_BACKTRACE=1`\n"}
{"type":"suite","event":"failed","passed":1,"failed":1,"ignored":0,"measured":0,"filtered_out":0,"exec_time":0.3}
"#;

pub const RSPEC_JSON_GREEN: &str = r##"{"version":"3.13.0","seed":1,"examples":[{"id":"./spec/cart_spec.rb[1:1]","description":"adds","full_description":"Cart#add adds","status":"passed","file_path":"./spec/cart_spec.rb","line_number":5,"run_time":0.001,"pending_message":null},{"description":"later","full_description":"Cart later","status":"pending","file_path":"./spec/cart_spec.rb","line_number":9,"run_time":0.0,"pending_message":"not yet"}],"summary":{"duration":0.01,"example_count":2,"failure_count":0,"pending_count":1,"errors_outside_of_examples_count":0},"summary_line":"2 examples, 0 failures, 1 pending"}
"##;

pub const RSPEC_JSON_RED: &str = r##"{"version":"3.13.0","examples":[{"description":"adds","full_description":"Cart#add adds","status":"passed","file_path":"./spec/cart_spec.rb","line_number":5,"run_time":0.001},{"description":"pays","full_description":"Cart#pay pays","status":"failed","file_path":"./spec/cart_spec.rb","line_number":9,"run_time":0.2,"exception":{"class":"RSpec::Expectations::ExpectationNotMetError","message":"\nexpected: 8\n     got: 7\n","backtrace":["/usr/lib/ruby/gems/rspec-support-3.13.0/lib/rspec/support.rb:102:in `fail'","./spec/cart_spec.rb:11:in `block (2 levels) in <top (required)>'"]}}],"summary":{"duration":0.21,"example_count":2,"failure_count":1,"pending_count":0,"errors_outside_of_examples_count":0},"summary_line":"2 examples, 1 failure"}
"##;
