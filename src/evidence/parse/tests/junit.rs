//! Dialects of JUnit and the sloppiness that comes with them.

use super::*;

/// What it shows, the file, counts, complete.
type Case = (&'static str, &'static str, [u64; 7], bool);

const CASES: &[Case] = &[
    (
        "both verdicts in one case count once, the graver one",
        "<testsuite><testcase name='a'><failure/><error/></testcase></testsuite>",
        [1, 0, 0, 1, 0, 0, 0],
        true,
    ),
    (
        "a case that was skipped and failed has failed",
        "<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>",
        [1, 0, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "suites in suites, cases beside suites",
        "<testsuites><testsuite><testsuite><testcase/></testsuite><testcase/></testsuite><testcase/></testsuites>",
        [3, 3, 0, 0, 0, 0, 0],
        true,
    ),
    ("a case as the root", "<testcase name='only'/>", [1, 1, 0, 0, 0, 0, 0], true),
    (
        "flaky attempts passed at last, reruns failed for good",
        "<testsuite><testcase name='a'><flakyFailure/><flakyError/></testcase><testcase name='b'><failure/><rerunFailure/></testcase><testcase name='c'><rerunError/></testcase></testsuite>",
        [3, 1, 2, 0, 0, 0, 1],
        true,
    ),
    (
        "Ginkgo's state says what a skip is",
        "<testsuite><testcase name='[It] a' status='pending'><skipped message='pending'/></testcase><testcase name='[It] b' status='skipped'><skipped/></testcase></testsuite>",
        [2, 0, 0, 0, 1, 1, 0],
        true,
    ),
    (
        "googletest's disabled tests did not run",
        "<testsuite disabled='1'><testcase name='DISABLED_x' status='notrun' result='suppressed'/><testcase name='y' status='run' result='completed'/></testsuite>",
        [2, 1, 0, 0, 1, 0, 0],
        true,
    ),
    (
        "writers that know attributes only",
        "<testsuite><testcase name='a' status='failed'/><testcase name='b' status='passed'/><testcase name='c' result='error'/></testsuite>",
        [3, 1, 1, 1, 0, 0, 0],
        true,
    ),
    (
        "declared counts lie",
        "<testsuites tests='9' failures='0'><testsuite tests='5' failures='0'><testcase/><testcase><failure/></testcase></testsuite></testsuites>",
        [2, 1, 1, 0, 0, 0, 0],
        false,
    ),
    (
        "declared counts are all there is",
        "<testsuites><testsuite tests='6' failures='1' errors='0' skipped='2'/></testsuites>",
        [6, 3, 1, 0, 2, 0, 0],
        false,
    ),
    ("an empty suite", "<testsuites><testsuite name='a' tests='0'/></testsuites>", [0; 7], true),
    (
        "cut off within a case that had not said how it ended",
        "<testsuite><testcase name='a'/><testcase name='b'><system-out>hello",
        [1, 1, 0, 0, 0, 0, 0],
        false,
    ),
    (
        "cut off within a failure",
        "<testsuite><testcase name='a'/><testcase name='b'><failure message='m'>text",
        [2, 1, 1, 0, 0, 0, 0],
        false,
    ),
    ("cut off within a tag", "<testsuite><testcase name='a'/><testcase na", [1, 1, 0, 0, 0, 0, 0], false),
    (
        "ends that do not match",
        "<testsuite><testcase name='a'><failure>x</error></testcase><testcase name='b'/></testsuite>",
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "stray characters that should have been escaped",
        "<testsuite><testcase name='a & b'><failure>1 < 2 && x</failure></testcase></testsuite>",
        [1, 0, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "two documents in one file",
        "<?xml version='1.0'?><testsuite><testcase/></testsuite>\n<?xml version='1.0'?><testsuite><testcase/></testsuite>",
        [2, 2, 0, 0, 0, 0, 0],
        true,
    ),
    (
        "markup in a message is not a result",
        "<testsuite><testcase name='a'><failure>got <error>x</error></failure></testcase><testcase><system-out><![CDATA[<testcase><failure/></testcase>]]></system-out></testcase></testsuite>",
        [2, 1, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "a name space and capitals",
        "<ns:TestSuite xmlns:ns='x'><ns:TestCase name='a'><ns:Failure/></ns:TestCase></ns:TestSuite>",
        [1, 0, 1, 0, 0, 0, 0],
        true,
    ),
    (
        "header of a package manager before the document",
        "> app@1.0.0 test\n> jest\n\n<?xml version='1.0'?>\n<testsuite><testcase/></testsuite>",
        [1, 1, 0, 0, 0, 0, 0],
        true,
    ),
];

#[test]
fn dialects_are_counted_from_their_cases() {
    for (what, xml, expected, complete) in CASES {
        let parsed = parse("a.xml", xml);
        assert_eq!(parsed.format, Format::Junit, "{what}");
        let found = (counts(&parsed), parsed.complete);
        assert_eq!(found, (*expected, *complete), "{what}: {:?}", parsed.warnings);
    }
}

#[test]
fn warnings_name_the_file_and_the_place() {
    let parsed = parse("dir/a.xml", "<testsuite>\n<testcase name='a'/>\n<testcase");
    let warning = &parsed.warnings[0];
    assert_eq!((warning.file.as_str(), warning.line), ("dir/a.xml", Some(3)));
    let lies = parse("a.xml", CASES[8].1);
    assert!(warns(&lies, "declares 5 tests and holds 2"));
}

#[test]
fn a_failure_says_what_and_where() {
    let xml = "<testsuite name='outer' file='suite.js'><testsuite name='inner'>
        <testcase name='by attributes' classname='c' file='x/a.py' line='12' time='1.5'><failure message='no'>x/b.py:3: other</failure></testcase>
        <testcase name='by its file'><failure>Error: nope\n    at run (/app/node_modules/x/y.js:1:1)\n    at test (src/z.test.js:7:3)</failure></testcase>
        <testcase name='by the suite'><failure message='bad'/></testcase>
        <testcase name='[It] spec'><error type='panicked' message='nil map'>[PANICKED] Test Panicked\nIn [It] at: /usr/local/go/src/runtime/map.go:2 @ 01/02/26\n\n/src/a_test.go:16 +0x28</error></testcase>
        <testcase name='late'><failure type='timedout'/></testcase>
        </testsuite></testsuite>";
    let parsed = parse("a.xml", xml);
    let first = failure(&parsed, "by attributes");
    assert_eq!(place(first), "x/a.py:12");
    assert_eq!((first.suite.as_deref(), first.classname.as_deref()), (Some("inner"), Some("c")));
    assert_eq!((first.message.as_deref(), first.duration), (Some("no"), Some(1.5)));
    let second = failure(&parsed, "by its file");
    assert_eq!(place(second), "src/z.test.js:7");
    assert_eq!(second.message.as_deref(), Some("Error: nope"));
    assert_eq!(place(failure(&parsed, "by the suite")), "suite.js");
    let spec = failure(&parsed, "spec");
    assert_eq!((place(spec).as_str(), spec.kind), ("/src/a_test.go:16", FailureKind::Panicked));
    assert_eq!(failure(&parsed, "late").kind, FailureKind::TimedOut);
}

#[test]
fn suites_that_fail_outside_their_cases_are_listed_and_not_counted() {
    let parsed = parse(
        "a.xml",
        "<testsuite name='s' tests='1' errors='1'><error message='setup broke'/><testcase name='a'/></testsuite>",
    );
    assert_eq!(counts(&parsed), [1, 1, 0, 0, 0, 0, 0]);
    assert_eq!((parsed.failures_total, parsed.complete), (1, false));
    assert_eq!(parsed.failures[0].kind, FailureKind::Errored);
}

#[test]
fn times_are_read_as_far_as_they_are_times() {
    for (time, expected) in [
        ("1.5", Some(1.5)),
        ("0,25", Some(0.25)),
        ("1,234.5", Some(1234.5)),
        ("1.234,5", Some(1234.5)),
        ("2s", Some(2.0)),
        ("NaN", None),
        ("-1", None),
        ("inf", None),
        ("soon", None),
    ] {
        let xml = format!("<testsuite><testcase name='a' time='{time}'><failure/></testcase></testsuite>");
        assert_eq!(parse("a.xml", xml).failures[0].duration, expected, "{time}");
    }
}

#[test]
fn other_encodings_are_read() {
    let xml = "<?xml version='1.0' encoding='utf-16'?><testsuite><testcase name='gr\u{fc}n \u{1f600}'><failure/></testcase></testsuite>";
    for big in [false, true] {
        let units = std::iter::once(0xfeff).chain(xml.encode_utf16());
        let bytes: Vec<u8> =
            units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        assert_eq!(names(&parse("a.xml", bytes)), ["gr\u{fc}n \u{1f600}"]);
    }
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='gr\xfcn'><failure/></testcase></testsuite>";
    assert_eq!(names(&parse("a.xml", latin)), ["gr\u{fc}n"]);
    let broken = b"<testsuite><testcase name='gr\xfcn'><failure/></testcase></testsuite>";
    assert_eq!(names(&parse("a.xml", broken)), ["gr\u{fffd}n"]);
}

#[test]
fn other_kinds_of_xml_are_not_junit() {
    for xml in ["<coverage/>", "<html><body>x</body></html>", "<assembly manifestVersion='1.0'/>"] {
        let parsed = parse("a.xml", xml);
        assert_eq!((parsed.format, parsed.failures_total), (Format::Unknown, 0), "{xml}");
        assert!(!parsed.warnings.is_empty());
    }
}

#[test]
fn what_closes_something_else_than_what_is_open_leaves_the_counts_in_doubt() {
    // As one changed byte makes it of `<testcase name='b'>`: what is left is what Surefire writes of a flaky test.
    let torn = "<testsuite tests='2' failures='1'><testcase name='a'><flakyFailure/></testcase>\
                </estcase name='b'><failure/></testcase></testsuite>";
    for text in [
        torn, "<testsuite><testcase name='a'/></testsuites>",
        "<testsuite><testcase name='a'/></testsuite></testsuite>",
    ] {
        let parsed = parse("a.xml", text);
        assert!(!parsed.complete && warns(&parsed, "an element is closed"), "{text}: {parsed:?}");
    }
    let whole = parse(
        "a.xml",
        "<testsuite tests='2' failures='1'><testcase name='a'><flakyFailure/></testcase></testsuite>",
    );
    assert!(whole.complete && whole.tests.flaked == 1, "{whole:?}");
}

#[test]
fn a_file_that_declares_more_than_it_holds_is_incomplete() {
    // What it shows, the file, whether it is complete, what is said of it.
    let cases: &[(&str, &str, bool, &str)] = &[
        (
            "tests are missing", "<testsuite tests='3'><testcase/></testsuite>", false,
            "declares 3 tests and holds 1",
        ),
        (
            "at the root only",
            "<testsuites tests='3'><testsuite><testcase/></testsuite></testsuites>",
            false,
            "declares 3",
        ),
        (
            "in a suite inside another",
            "<testsuite><testsuite name='in' tests='2'><testcase/></testsuite></testsuite>",
            false,
            "in declares 2 tests and holds 1",
        ),
        (
            "a failure is missing", "<testsuite tests='1' failures='1'><testcase/></testsuite>", false,
            "declares 1 failures and errors and holds 0",
        ),
        (
            "an error is missing, without a total", "<testsuite errors='1'><testcase/></testsuite>", false,
            "1 failures",
        ),
        (
            "more failures than tests",
            "<testsuite tests='2' failures='9'><testcase/><testcase><failure/></testcase></testsuite>",
            false,
            "declares 9 failures and errors and holds 1",
        ),
        (
            "a suite that holds nothing beside one that does",
            "<testsuites><testsuite tests='1'><testcase/></testsuite><testsuite tests='5' failures='1'/></testsuites>",
            false,
            "suites declare 5 tests with 1 failures and errors, and hold none",
        ),
        (
            "failures and errors of one case, each counted",
            "<testsuite tests='1' failures='1' errors='1'><testcase><failure/><error/></testcase></testsuite>",
            true,
            "",
        ),
        (
            "one that was skipped is not listed, and the root says so",
            "<testsuites tests='2' skipped='1'><testsuite tests='1'><testcase/></testsuite></testsuites>",
            true,
            "declares 2 tests and holds 1",
        ),
        (
            "more than it declares", "<testsuite tests='1'><testcase/><testcase/></testsuite>", true,
            "declares 1 tests",
        ),
        ("as it says", "<testsuite tests='1' failures='0'><testcase/></testsuite>", true, ""),
    ];
    for (what, xml, complete, said) in cases {
        let parsed = parse("a.xml", xml);
        assert_eq!(parsed.complete, *complete, "{what}: {:?}", parsed.warnings);
        assert!(said.is_empty() || warns(&parsed, said), "{what}: {:?}", parsed.warnings);
        assert!(!said.is_empty() || parsed.warnings.is_empty(), "{what}: {:?}", parsed.warnings);
    }
    let many = "<testsuite tests='2'><testcase/></testsuite>".repeat(9);
    let parsed = parse("a.xml", format!("<testsuites>{many}</testsuites>"));
    assert!(warns(&parsed, "6 more suites declare other totals") && parsed.warnings.len() == 2);
}
