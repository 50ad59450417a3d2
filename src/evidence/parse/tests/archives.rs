//! Zip archives: logs of runs, artifacts, hostile ones.

use super::*;
use std::io::Write;
use zip::write::SimpleFileOptions;

fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const GINKGO: &str = "2026-01-23T17:04:05.1234567Z Ran 2 of 2 Specs in 0.1 seconds\n2026-01-23T17:04:05.1234567Z FAIL! -- 1 Passed | 1 Failed | 0 Pending | 0 Skipped\n";
const JUNIT: &str = "<testsuite><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>";

#[test]
fn each_line_of_a_run_log_is_read_once() {
    let cases: &[(&str, &[(&str, &str)], u64)] = &[
        (
            "job and steps",
            &[
                ("0_build.txt", GINKGO),
                ("build/1_Set up.txt", ""),
                ("build/2_Test.txt", GINKGO),
                ("build/system.txt", ""),
            ],
            2,
        ),
        ("steps only", &[("build/1_Set up.txt", ""), ("build/2_Test.txt", GINKGO)], 2),
        ("job only", &[("0_build.txt", GINKGO)], 2),
        (
            "the old prologue beside the new log",
            &[("-2147483648_build.txt", GINKGO), ("0_build.txt", GINKGO)],
            2,
        ),
        (
            "the old prologue beside steps",
            &[("-2147483648_build.txt", "prologue"), ("build/1_Test.txt", GINKGO)],
            2,
        ),
        ("the old prologue alone", &[("-2147483648_build.txt", GINKGO)], 2),
        (
            "two jobs of one name",
            &[
                ("0_test.txt", GINKGO),
                ("1_test (1).txt", GINKGO),
                ("test/1_T.txt", GINKGO),
                ("test (1)/1_T.txt", GINKGO),
            ],
            4,
        ),
        ("a name that was changed to fit", &[("0_a  b.txt", GINKGO), ("a  b/1_T.txt", GINKGO)], 2),
    ];
    for (what, entries, total) in cases {
        let parsed = parse("run.zip", zip(entries));
        assert_eq!(parsed.tests.total, *total, "{what}: {:?}", parsed.warnings);
        assert_eq!(parsed.format, Format::Ginkgo, "{what}");
        assert!(parsed.complete, "{what}: {:?}", parsed.warnings);
    }
}

#[test]
fn the_names_of_a_run_log_are_understood() {
    let job = |ordinal, job: &str| Some(RunLogEntry::Job { ordinal, job: job.to_owned() });
    assert_eq!(run_log_entry("12_Unit Tests (a).txt"), job(12, "Unit Tests (a)"));
    assert_eq!(run_log_entry("-2147483648_x.txt"), job(-2_147_483_648, "x"));
    assert_eq!(
        run_log_entry("x y/3_Run tests.txt"),
        Some(RunLogEntry::Step { job: "x y".to_owned(), ordinal: 3, step: "Run tests".to_owned() })
    );
    assert_eq!(run_log_entry("x/system.txt"), Some(RunLogEntry::System { job: "x".to_owned() }));
    for other in ["x.txt", "a/b/1_c.txt", "1_x.log", "__MACOSX/x/._1_y.txt", "x/._1_y.txt"] {
        assert_eq!(run_log_entry(other), None, "{other}");
    }
}

#[test]
fn the_same_tests_in_an_artifact_count_once() {
    let other = "<testsuite><testcase name='c'/></testsuite>";
    let ctrf = r#"{"reportFormat":"CTRF","results":{"summary":{"tests":2},"tests":[{"name":"a","status":"passed"},{"name":"b","status":"failed"}]}}"#;
    let cases: &[(&str, &[(&str, &str)], u64)] = &[
        ("reports add up", &[("a.xml", JUNIT), ("b.xml", other)], 3),
        ("a copy", &[("a.xml", JUNIT), ("copy/a.xml", JUNIT)], 2),
        ("the console beside the report", &[("a.xml", JUNIT), ("out.log", GINKGO)], 2),
        ("only consoles", &[("out.log", GINKGO), ("err.log", "")], 2),
        ("one run in two formats", &[("a.xml", JUNIT), ("ctrf.json", ctrf)], 2),
        ("two runs in two formats", &[("b.xml", other), ("ctrf.json", ctrf)], 3),
    ];
    for (what, entries, total) in cases {
        let parsed = parse("artifact.zip", zip(entries));
        assert_eq!(parsed.tests.total, *total, "{what}: {:?}", parsed.entries);
    }
    let parsed = parse("artifact.zip", zip(cases[2].1));
    assert_eq!(parsed.entries.len(), 2);
    assert!(parsed.entries[0].counted && !parsed.entries[1].counted);
    assert!(warns(&parsed, "not counted again"));
}

#[test]
fn names_that_point_elsewhere_are_only_names() {
    let parsed = parse(
        "a.zip",
        zip(&[("../../etc/a.xml", JUNIT), ("/abs/b.xml", "<testsuite><testcase/></testsuite>")]),
    );
    assert_eq!(parsed.tests.total, 3);
    assert_eq!(parsed.entries[0].name, "../../etc/a.xml");
}

#[test]
fn a_bomb_is_read_in_part_and_named() {
    // 200 MB of one byte in 200 KB.
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("bomb.log", SimpleFileOptions::default()).unwrap();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        writer.write_all(&block).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20);
    let parsed = parse("bomb.zip", &bytes);
    assert!(!parsed.complete);
    assert!(warns(&parsed, "entry bomb.log inflates too far"), "{:?}", parsed.warnings);
    // The budget of all entries together.
    let limits = Limits { inflated: 1000, ..Limits::default() };
    let many: Vec<(String, String)> = (0..5).map(|at| (format!("{at}.log"), "y".repeat(600))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let parsed = parse_bytes("many.zip", &zip(&many), &limits);
    assert!(warns(&parsed, "inflates to more than 1000 bytes"), "{:?}", parsed.warnings);
    let limits = Limits { entries: 4, ..Limits::default() };
    let parsed = parse_bytes("many.zip", &zip(&many), &limits);
    assert!(warns(&parsed, "5 entries, more than 4"), "{:?}", parsed.warnings);
}

#[test]
fn archives_that_are_damaged_give_what_they_have() {
    let bytes = zip(&[("a.xml", JUNIT)]);
    let cut = parse("cut.zip", &bytes[..bytes.len() / 2]);
    assert!(!cut.complete && warns(&cut, "could not be read"));
    // The checksum of the entry does not fit.
    let mut broken = bytes.clone();
    let central = memchr::memmem::find(&broken, b"PK\x01\x02").unwrap();
    broken[central + 16] ^= 0xff;
    let parsed = parse("broken.zip", &broken);
    assert!(!parsed.complete, "{:?}", parsed.warnings);
    let inner = zip(&[("a.xml", JUNIT)]);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("inner.zip", SimpleFileOptions::default()).unwrap();
    writer.write_all(&inner).unwrap();
    let nested = parse("outer.zip", writer.finish().unwrap().into_inner());
    assert_eq!(nested.tests.total, 0);
}

#[test]
fn an_archive_that_comes_as_a_stream_is_held_up_to_a_bound() {
    let bytes = zip(&[("a.xml", JUNIT)]);
    let parsed = parse_reader("a.zip", bytes.as_slice(), &Limits::default());
    assert_eq!(parsed.tests.total, 2);
    let limits = Limits { held: 100, ..Limits::default() };
    let parsed = parse_reader("a.zip", bytes.as_slice(), &limits);
    assert!(!parsed.complete && warns(&parsed, "give it as a file"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_file_that_is_packed_by_itself_is_read_and_never_by_half() {
    let whole = gzip(JUNIT.as_bytes());
    let parsed = parse("report.xml.gz", &whole);
    assert_eq!(
        (parsed.format, counts(&parsed), parsed.complete),
        (Format::Junit, [2, 1, 1, 0, 0, 0, 0], true)
    );
    let green = gzip(JUNIT.replace("<failure/>", "").as_bytes());
    for end in 0..green.len() {
        let parsed = parse("report.xml.gz", &green[..end]);
        assert!(!parsed.complete || !parsed.understood(), "{end}: {parsed:?}");
    }
    let wide: Vec<u8> =
        std::iter::once(0xfeff_u16).chain(JUNIT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(parse("wide.gz", gzip(&wide)).tests.total, 2);
    for (packed, said) in [
        (gzip(&whole), "gzip data inside"),
        (gzip(&zip(&[("a.xml", JUNIT)])), "zip data inside"),
        (gzip(b""), "empty"),
    ] {
        let parsed = parse("a.gz", packed);
        assert!(!parsed.understood() && warns(&parsed, said), "{said}: {:?}", parsed.warnings);
    }
    let limits = Limits { inflated: 1 << 20, ..Limits::default() };
    let bomb = parse_bytes("bomb.gz", &gzip(&vec![b'x'; 4 << 20]), &limits);
    assert!(!bomb.complete && warns(&bomb, "longer than 1048576 bytes"), "{:?}", bomb.warnings);
}

#[test]
fn a_tar_is_not_taken_for_the_logs_in_it() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(GINKGO.len() as u64);
    tar.append_data(&mut header, "a.log", GINKGO.as_bytes()).unwrap();
    let parsed = parse("logs.tar", tar.into_inner().unwrap());
    assert!(!parsed.understood() && warns(&parsed, "tar data"), "{:?}", parsed.warnings);
}

/// An archive with a second entry of a name that is there already.
fn doubled() -> Vec<u8> {
    let mut bytes = zip(&[("a.xml", JUNIT), ("b.xml", "<testsuite><testcase name='c'/></testsuite>")]);
    while let Some(at) = memchr::memmem::find(&bytes, b"b.xml") {
        bytes[at] = b'a';
    }
    bytes
}

#[test]
fn what_an_archive_hides_is_told_and_never_green() {
    let green = "<testsuite><testcase name='c'/></testsuite>";
    let parsed = parse("a.zip", doubled());
    assert!(!parsed.complete && warns(&parsed, "names of their own"), "{:?}", parsed.warnings);

    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let packed = gzip(JUNIT.as_bytes());
    let inner = zip(&[("a.xml", JUNIT)]);
    for (name, bytes) in [("a.xml", green.as_bytes()), ("b.xml.gz", &packed), ("trace.zip", &inner)] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let parsed = parse("a.zip", writer.finish().unwrap().into_inner());
    assert_eq!(counts(&parsed), [3, 2, 1, 0, 0, 0, 0], "a packed report is read: {:?}", parsed.warnings);
    assert!(parsed.complete && warns(&parsed, "the first is trace.zip"), "{:?}", parsed.warnings);

    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("a.xml", green.as_bytes()), ("more/junit.zip", &inner), ("x.bin", b"PK")] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let parsed = parse("a.zip", writer.finish().unwrap().into_inner());
    assert!(!parsed.complete && warns(&parsed, "more/junit.zip is packed"), "{:?}", parsed.warnings);

    // A folder that has bytes.
    let mut bytes = zip(&[("a.xml", green), ("b.xmlx", JUNIT)]);
    while let Some(at) = memchr::memmem::find(&bytes, b"b.xmlx") {
        bytes[at + 5] = b'/';
    }
    let parsed = parse("a.zip", bytes);
    assert!(!parsed.complete && warns(&parsed, "b.xml/ is a folder"), "{:?}", parsed.warnings);
}

#[test]
fn what_is_not_counted_again_can_still_tell_of_a_failure() {
    let green = "<testsuite><testcase name='a'/><testcase name='b'/></testsuite>";
    let torn = r#"{"numTotalTests":2,"testResults":[{"name":"x","status":"failed","message":"no","assertionResults":[]},{"name":"y","assertionResults":[{"title":"a","status":"passed"},{"title":"b","status":"passed"}]}]}"#;
    for (what, other, text) in [
        ("the same run in another format, which has more to say", "jest.json", torn),
        ("a console beside the report", "out.log", GINKGO),
    ] {
        let parsed = parse("a.zip", zip(&[("a.xml", green), (other, text)]));
        assert_eq!(parsed.tests.passed, 2, "{what}");
        assert!(!parsed.complete && warns(&parsed, other), "{what}: {:?}", parsed.warnings);
    }
    let alone = parse("a.zip", zip(&[("a.xml", JUNIT), ("out.log", GINKGO)]));
    assert!(alone.complete, "{:?}", alone.warnings);
}

#[test]
fn packed_files_in_an_archive_share_its_budget() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let bomb = gzip(&vec![b'x'; 4 << 20]);
    for at in 0..5 {
        writer.start_file(format!("{at}.log.gz"), SimpleFileOptions::default()).unwrap();
        writer.write_all(&bomb).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let limits = Limits { inflated: 6 << 20, ..Limits::default() };
    let parsed = parse_bytes("bombs.zip", &bytes, &limits);
    assert!(!parsed.complete && warns(&parsed, "inflates to more than"), "{:?}", parsed.warnings);
}
