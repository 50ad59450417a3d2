//! Input that means harm, or is only very large.

use super::*;
use std::io::Read;

/// A stream of a head, a block many times over and a tail: large input needs no memory.
fn repeat(head: &str, block: &[u8], times: usize, tail: &str) -> impl Read {
    let (head, block) = (head.as_bytes().to_vec(), block.to_vec());
    let tail = tail.as_bytes().to_vec();
    let blocks = (0..times).map(move |_| block.clone());
    Blocks {
        all: std::iter::once(head).chain(blocks).chain(std::iter::once(tail)),
        now: Cursor::new(Vec::new()),
    }
}

struct Blocks<I> {
    all: I,
    now: Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Blocks<I> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let got = self.now.read(into)?;
            if got > 0 || into.is_empty() {
                return Ok(got);
            }
            match self.all.next() {
                Some(next) => self.now = Cursor::new(next),
                None => return Ok(0),
            }
        }
    }
}

fn read(name: &str, input: impl Read) -> Parsed {
    let parsed = parse_reader(name, input, &Limits::default());
    assert!(parsed.tests.holds());
    parsed
}

#[test]
fn entities_are_refused_and_the_tests_still_counted() {
    let laughs = "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;&lol;&lol;'><!ENTITY lol3 '&lol2;&lol2;&lol2;&lol2;'>]>\n<testsuite><testcase name='&lol3;'><failure>&lol3; &unknown;</failure></testcase></testsuite>";
    let parsed = parse("a.xml", laughs);
    assert_eq!(counts(&parsed), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(parsed.failures[0].name, "&lol3;");
    assert!(warns(&parsed, "with entities was refused"));
    let external = "<!DOCTYPE r [<!ENTITY xxe SYSTEM \"file:///etc/passwd\"><!-- > ]> -->]><testsuite><testcase name='a'><failure message='&xxe;'/></testcase></testsuite>";
    let parsed = parse("a.xml", external);
    assert_eq!(parsed.failures[0].message.as_deref(), Some("&xxe;"));
    assert!(warns(&parsed, "refused"));
}

#[test]
fn deep_nesting_ends_the_reading() {
    let deep = parse("a.xml", "<testsuite>".repeat(100_000));
    assert!(!deep.complete && warns(&deep, "nested deeper"));
    for json in ["[".repeat(100_000), "{\"suites\":[".repeat(100_000), "{\"results\":".repeat(100_000)] {
        assert!(!parse("a.json", json).complete);
    }
    // A value of no interest is not read by a recursion that could be cut short by itself.
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let inside = format!(
        "{{\"reportFormat\":\"CTRF\",\"results\":{{\"tests\":[{{\"name\":\"a\",\"status\":\"passed\"}},{{\"extra\":{open}{close}}}]}}}}"
    );
    assert_eq!(parse("a.json", &inside).tests.passed, 1);
    assert!(!parse("a.json", inside).complete);
}

#[test]
fn the_place_that_a_warning_names_does_not_depend_on_how_the_file_comes() {
    struct Pieces<'a>(&'a [u8]);
    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let most = into.len().min(700);
            self.0.read(into.get_mut(..most).unwrap_or_default())
        }
    }
    let text = format!("{}\n{}", "<testsuite>".repeat(700), "<a/>\n".repeat(3000));
    let whole = parse("a.xml", &text);
    assert!(warns(&whole, "nested deeper"));
    assert_eq!(read("a.xml", Pieces(text.as_bytes())), whole);
}

#[test]
fn large_pieces_are_cut_and_the_rest_is_read() {
    let block = vec![b'x'; 1 << 20];
    let xml = read(
        "a.xml",
        repeat(
            "<testsuite><testcase name='a'><system-out><![CDATA[",
            &block,
            64,
            "]]></system-out></testcase><testcase name='b'><failure/></testcase></testsuite>",
        ),
    );
    assert_eq!(counts(&xml), [2, 1, 1, 0, 0, 0, 0]);
    let value = read(
        "a.xml",
        repeat("<testsuite><testcase name='a'><failure message='", &block, 64, "'/></testcase></testsuite>"),
    );
    assert_eq!(value.failures[0].message.as_ref().unwrap().chars().count(), 1024);
    let comment = read("a.xml", repeat("<testsuite><!--", &block, 64, "--><testcase/></testsuite>"));
    assert_eq!(comment.tests.total, 1);
    let attributes =
        read("a.xml", repeat("<testsuite ", &b"a=\"1\" ".repeat(100_000), 32, "><testcase/></testsuite>"));
    assert_eq!(attributes.tests.total, 1);
    let json = read(
        "a.json",
        repeat(
            "{\"reportFormat\":\"CTRF\",\"results\":{\"summary\":{\"tests\":1},\"tests\":[{\"name\":\"a\",\"status\":\"failed\",\"message\":\"",
            &"q\\u00e9\\n\u{e9}".repeat(10_000).into_bytes(),
            64,
            "\"}]}}",
        ),
    );
    assert_eq!(counts(&json), [1, 0, 1, 0, 0, 0, 0]);
    assert!(json.failures[0].message.as_ref().unwrap().ends_with('\u{2026}'));
    let line = read(
        "a.log",
        repeat(
            "",
            &block,
            64,
            "\nRan 1 of 1 Specs in 0.1 seconds\nSUCCESS! -- 1 Passed | 0 Failed | 0 Pending | 0 Skipped\n",
        ),
    );
    assert_eq!(line.tests.total, 1);
    assert!(warns(&line, "longer than 524288 bytes"));
}

#[test]
fn many_tests_are_counted_and_not_kept() {
    let mut xml = String::from("<testsuite>");
    for at in 0..50_000 {
        xml.push_str(&format!("<testcase name='t{at}'><failure message='m'/></testcase>"));
    }
    xml.push_str("</testsuite>");
    let parsed = parse("a.xml", xml);
    assert_eq!(counts(&parsed), [50_000, 0, 50_000, 0, 0, 0, 0]);
    assert_eq!((parsed.failures.len(), parsed.failures_total), (1000, 50_000));
    let mut log = String::new();
    for at in 0..5000 {
        log.push_str(&format!("=== RUN   T{at}\n--- FAIL: T{at} (0.00s)\n"));
    }
    let parsed = parse("a.log", log + "FAIL\tx/p\t0.1s\n");
    assert_eq!((parsed.failures.len(), parsed.failures_total), (1000, 5000));
    let dots = parse("a.log", "===== test session starts =====\ncollected 9 items\n".repeat(3000));
    assert!(dots.warnings.len() <= 101);
}

#[test]
fn nothing_shown_can_move_a_cursor_or_turn_text_around() {
    let name = "a\u{1b}[31m\u{202e}evil\u{2066}\u{7}\u{0}\u{9b}2J\tb";
    let xml = format!(
        "<testsuite name=\"{name}\"><testcase name=\"{name}\" file=\"{name}\" classname=\"{name}\"><failure message=\"{name}\">x</failure></testcase></testsuite>"
    );
    let log = format!(
        "Running Suite: {name} - /x\nWill run 1 of 1 specs\nSummarizing 1 Failure:\n  [FAIL] {name}\n  /x/a_test.go:1\n\nRan 1 of 1 Specs in 0.1 seconds\nFAIL! -- 0 Passed | 1 Failed | 0 Pending | 0 Skipped\n"
    );
    for parsed in [parse(name, xml), parse(name, log)] {
        let shown = serde_json::to_string(&parsed).unwrap();
        assert_eq!(parsed.failures.len(), 1);
        let bad = |c: char| {
            c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert!(!shown.contains(bad) && !shown.contains("\\u"), "{shown}");
        assert!(parsed.failures[0].name.contains("evil"));
    }
}

#[test]
fn streams_that_break_say_so() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("the line went dead"));
            }
            self.0 -= 1;
            let text =
                b"Ran 1 of 1 Specs in 0.1 seconds\nSUCCESS! -- 1 Passed | 0 Failed | 0 Pending | 0 Skipped\n";
            let give = text.len().min(into.len());
            into[..give].copy_from_slice(&text[..give]);
            Ok(give)
        }
    }
    let parsed = read("a.log", Broken(3));
    assert_eq!((parsed.tests.total, parsed.complete), (3, false));
    assert!(warns(&parsed, "the line went dead"));
    let limits = Limits { bytes: 40, ..Limits::default() };
    let parsed = parse_reader("a.log", Broken(3), &limits);
    assert!(!parsed.complete && warns(&parsed, "longer than 40 bytes"));
}

#[test]
fn files_that_hold_nothing_are_not_understood() {
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b" \n\t\n", "empty"),
        (b"\x1f\x8b\x08\x00", "could not be read to its end"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xff\xfe", "empty"),
        (b"hello\n", "no test results"),
        (b"{}", "no test results"),
        (b"<", "no test results"),
    ] {
        let parsed = parse("a", bytes);
        assert!(!parsed.understood());
        assert!(warns(&parsed, said), "{bytes:?}: {:?}", parsed.warnings);
    }
    let error = parse_path(Path::new("/no/such/file\u{1b}[31m"), &Limits::default()).unwrap_err();
    assert!(error.to_string().starts_with("cannot open /no/such/file:"), "{error}");
    assert!(parse_path(Path::new("/"), &Limits::default()).is_err());
}

#[test]
fn what_a_summary_adds_to_a_failure_is_bounded_too() {
    let told = include_str!("data/gotestsum-rerun-verbose.txt");
    let (section, name) = ("=== FAIL: plain TestPar/1 (0.00s)\n    p_", "C".repeat(3000));
    let long = told.replace(section, &format!("{section}{name}"));
    assert_ne!(long, told);
    let parsed = read("job.log", Cursor::new(long));
    let files: Vec<&str> = parsed.failures.iter().filter_map(|f| f.file.as_deref()).collect();
    let cut = files.iter().filter(|file| file.starts_with("p_CCC"));
    assert!(cut.clone().count() > 0, "{files:?}");
    assert!(cut.clone().all(|file| file.chars().count() <= 512), "{files:?}");
}
