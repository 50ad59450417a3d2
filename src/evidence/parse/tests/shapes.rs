//! What a file can be made of to fool its reader: in every format that is XML, and in JSON.

use super::*;
use crate::evidence::fuzz::TARGETS;
use std::fmt::Write as _;

/// The red reports in XML, with the name of their format.
fn red() -> Vec<(&'static str, &'static str)> {
    let formats = ["junit", "nunit", "xunit", "trx", "testng", "robot", "catch2-xml", "qtest"];
    let targets = TARGETS.iter().filter(|target| formats.contains(&target.name));
    let all: Vec<_> = targets
        .flat_map(|target| target.fixtures.iter().map(move |fixture| (target.name, fixture)))
        .filter(|(_, fixture)| !fixture.is_green())
        .map(|(name, fixture)| (name, std::str::from_utf8(fixture.bytes).unwrap()))
        .collect();
    assert!(all.len() > 9);
    all
}

/// Whether a result could be taken for all well.
fn green(parsed: &Parsed) -> bool {
    parsed.complete && parsed.tests.bad() == 0 && parsed.failures_total == 0 && parsed.tests.passed > 0
}

/// The document without its declaration.
fn body(xml: &str) -> &str {
    if xml.starts_with("<?") { &xml[xml.find("?>").unwrap() + 2..] } else { xml }
}

#[test]
fn no_entity_is_looked_at_in_any_format() {
    const BOMB: &str = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>";
    for (format, xml) in red() {
        let plain = parse("a.xml", xml);
        let bomb = parse("a.xml", format!("<?xml version='1.0'?>{BOMB}{}", body(xml)));
        assert_eq!(counts(&bomb), counts(&plain), "{format}");
        assert!(warns(&bomb, "with entities was refused"), "{format}: {:?}", bomb.warnings);
        let used = parse("a.xml", format!("{BOMB}{}", body(xml).replace("name=\"", "name=\"&b;&c;")));
        assert!(!serde_json::to_string(&used).unwrap().contains("root:"), "{format}");
        assert!(used.failures.iter().all(|failure| failure.name.len() < 200), "{format}");
    }
}

#[test]
fn encodings_marks_and_prefixes_change_nothing() {
    for (format, xml) in red() {
        let plain = counts(&parse("a.xml", xml));
        let marked = format!("\u{feff}{xml}");
        assert_eq!(counts(&parse("a.xml", &marked)), plain, "{format}: a mark");
        for big in [false, true] {
            let units = marked.encode_utf16();
            let bytes: Vec<u8> =
                units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            assert_eq!(counts(&parse("a.xml", bytes)), plain, "{format}: UTF-16");
        }
        let mut prefixed = String::new();
        let mut before = ' ';
        for c in body(xml).chars() {
            let opens = before == '<' && c.is_ascii_alphabetic();
            let closes = prefixed.ends_with("</");
            if opens || closes {
                prefixed.push_str("ns:");
            }
            prefixed.push(c);
            before = c;
        }
        assert_eq!(counts(&parse("a.xml", &prefixed)), plain, "{format}: a prefix");
        for encoding in ["UTF-7", "ISO-2022-JP", "EBCDIC-CP-US", "UTF-32LE"] {
            let text = format!("<?xml version='1.0' encoding='{encoding}'?>{}", body(xml));
            let parsed = parse("a.xml", text);
            assert!(!parsed.complete && warns(&parsed, "is not read"), "{format}: {encoding}");
        }
    }
}

#[test]
fn what_is_said_twice_is_in_doubt() {
    let cases = [
        "<testsuite><testcase name='a' status='failed' status='passed'/></testsuite>",
        "<testsuite><testcase name='a' result='failed' x:result='passed'/></testsuite>",
        "<testsuite><testcase name='a' status=failed /></testsuite>",
        "<testsuite><testcase name='say 'hi'' status='failed'/></testsuite>",
        "<testsuite tests='1' failures='0' failures='1'><testcase name='a'/></testsuite>",
        "<test-run><test-case name='a' result='Passed' result='Failed'/></test-run>",
        "<assemblies><assembly name='A' total='1'><test name='a' result='Pass' result='Fail'/></assembly></assemblies>",
        "<TestRun><Results><UnitTestResult testName='a' outcome='Passed' outcome='Failed'/></Results></TestRun>",
        "<robot><suite name='S'><test name='a'><status status='PASS' status='FAIL'/></test></suite></robot>",
        r#"{"reportFormat":"CTRF","results":{"summary":{"tests":1,"failed":0},"tests":[{"name":"a","status":"failed","status":"passed"}]}}"#,
        r#"{"reportFormat":"CTRF","results":{"summary":{"tests":1,"failed":1,"failed":0},"tests":[{"name":"a","status":"passed"}]}}"#,
        r#"{"success":false,"success":true,"numTotalTests":1,"testResults":[{"name":"a","assertionResults":[{"title":"a","status":"passed"}]}]}"#,
        r#"{"numFailedTests":1,"numFailedTests":0,"numTotalTests":1,"testResults":[{"name":"a","assertionResults":[{"title":"a","status":"passed"}]}]}"#,
        r#"{"uuid":"1","historyId":"1","status":"failed","status":"passed","name":"a"}"#,
        r#"{"exitcode":0,"tests":[{"nodeid":"a.py::a","outcome":"failed","outcome":"passed"}]}"#,
        "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n{\"type\":\"test\",\"event\":\"failed\",\"event\":\"ok\",\"name\":\"a\"}\n{\"type\":\"suite\",\"event\":\"ok\",\"passed\":1}\n",
    ];
    for text in cases {
        let parsed = parse("a", text);
        let said = parsed.tests.bad() > 0 || !parsed.warnings.is_empty();
        assert!(!green(&parsed) && said, "{text}: {parsed:?}");
    }
}

#[test]
fn attributes_that_nobody_reads_hide_nothing() {
    let many: String = (0..300).fold(String::new(), |mut all, at| {
        write!(all, " a{at}='1'").unwrap();
        all
    });
    let long = "x".repeat(300_000);
    for text in [
        format!("<testsuite><testcase name='a'{many} status='failed'/></testsuite>"),
        format!("<testsuite><testcase name='a' y='{long}'{many} status='failed'/></testsuite>"),
        format!("<testsuite tests='1'{many} failures='1'><testcase name='a'/></testsuite>"),
        format!("<test-run><test-case name='a'{many} result='Failed'/></test-run>"),
        format!("<testsuite><testcase name='a' {} status='failed'/></testsuite>", "z='1' ".repeat(100_000)),
    ] {
        let parsed = parse("a.xml", &text);
        assert!(!green(&parsed) && !parsed.warnings.is_empty(), "{}: {parsed:?}", &text[..80]);
    }
}

#[test]
fn nesting_without_end_is_cut_in_every_format() {
    for (format, xml) in red() {
        let at = body(xml).find('>').unwrap() + 1;
        let deep = format!("{}{}", &body(xml)[..at], "<a>".repeat(5000));
        let parsed = parse("a.xml", deep);
        assert!(!parsed.complete && warns(&parsed, "nested deeper"), "{format}: {:?}", parsed.warnings);
        assert!(parsed.warnings.iter().any(|warning| warning.line.is_some()), "{format}");
    }
}

#[test]
fn totals_that_are_no_numbers_are_doubted_and_other_ways_to_write_them_are_not() {
    let suite = |attributes: &str| {
        parse("a.xml", format!("<testsuite {attributes}><testcase name='a'/></testsuite>"))
    };
    for sound in ["tests='1.0' failures='0.0'", "tests='1' failures=''", "tests=' 1 ' errors='0'"] {
        assert!(suite(sound).complete, "{sound}: {:?}", suite(sound).warnings);
    }
    for odd in ["tests='NaN'", "tests='1' failures='many'", "tests='-1'", "failures='-2'", "errors='0x1'"] {
        let parsed = suite(odd);
        assert!(!parsed.complete && warns(&parsed, "no number"), "{odd}: {:?}", parsed.warnings);
    }
    let huge = suite("tests='99999999999999999999999999'");
    assert!(!huge.complete && huge.tests.total == 1, "{huge:?}");
}

#[test]
fn a_retry_that_is_written_as_a_second_case_leaves_the_failure() {
    // gotestsum --rerun-fails, Gradle's test-retry without mergeReruns, Bazel's attempts.
    let twice = "<testsuite tests='2' failures='1'><testcase classname='c' name='a'><failure>x</failure></testcase><testcase classname='c' name='a'/></testsuite>";
    let parsed = parse("a.xml", twice);
    assert_eq!(counts(&parsed), [2, 1, 1, 0, 0, 0, 0]);
    // Surefire, and Gradle with mergeReruns: the dialect itself says what was flaky and what was not.
    for (what, inside, expected) in [
        (
            "flaky",
            "<flakyFailure message='x' type='y'><stackTrace>z</stackTrace></flakyFailure>",
            [1, 1, 0, 0, 0, 0, 1],
        ),
        ("failed again", "<failure message='x'/><rerunFailure message='x' type='y'/>", [1, 0, 1, 0, 0, 0, 0]),
        ("flaky and failed", "<flakyFailure message='x'/><failure message='y'/>", [1, 0, 1, 0, 0, 0, 0]),
        ("only reruns", "<rerunFailure message='x'/><rerunFailure message='y'/>", [1, 0, 1, 0, 0, 0, 0]),
        ("an error again", "<error message='x'/><rerunError message='x'/>", [1, 0, 0, 1, 0, 0, 0]),
    ] {
        let xml = format!("<testsuite><testcase classname='c' name='a'>{inside}</testcase></testsuite>");
        assert_eq!(counts(&parse("a.xml", xml)), expected, "{what}");
    }
}

#[test]
fn lines_of_garbage_among_events_hide_no_failure() {
    let event = |action: &str, test: &str| {
        let test = if test.is_empty() { String::new() } else { format!(",\"Test\":\"{test}\"") };
        format!("{{\"Time\":\"2026-01-23T17:04:05Z\",\"Action\":\"{action}\",\"Package\":\"p\"{test}}}\n")
    };
    let red = event("run", "TestA") + &event("fail", "TestA") + &event("fail", "");
    for garbage in ["\0\0\0\n", "{\n", "}}}\n", "null\n", "[1,2]\n", "{\"Action\":7}\n", "\u{feff}\n"] {
        let parsed = parse("a.json", red.replace('\n', &format!("\n{garbage}")));
        assert_eq!(parsed.tests.failed, 1, "{garbage:?}: {:?}", parsed.warnings);
        let first = parse("a.json", format!("{garbage}{red}"));
        assert!(first.tests.failed == 1 || !first.understood(), "{garbage:?}: {first:?}");
    }
}

#[test]
fn a_listing_of_tests_is_no_run_of_them() {
    let listing = "<MatchingTests><TestCase><Name>a</Name><SourceInfo><File>a.cpp</File></SourceInfo></TestCase></MatchingTests>";
    for text in [listing, "<TestCase name='a'/>", "<TestRun id='1'><Times/></TestRun>"] {
        let parsed = parse("a.xml", text);
        assert!(!parsed.understood() && !parsed.warnings.is_empty(), "{text}: {parsed:?}");
    }
}
