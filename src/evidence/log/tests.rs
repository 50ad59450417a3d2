#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

fn split(log: &[u8]) -> Vec<(u64, &[u8])> {
    lines(log).map(|line| (line.number, line.raw)).collect()
}

#[test]
fn each_kind_of_break_ends_one_line() {
    assert_eq!(
        split(b"a\nb\r\nc\rd\n\ne"),
        vec![(1, &b"a"[..]), (2, b"b"), (3, b"c"), (4, b"d"), (5, b""), (6, b"e")]
    );
    assert_eq!(split(b""), vec![]);
    assert_eq!(split(b"\n"), vec![(1, &b""[..])]);
    assert_eq!(split(b"a\r\r\nb"), vec![(1, &b"a"[..]), (2, b""), (3, b"b")]);
}

#[test]
fn the_envelope_comes_off_in_every_order_that_occurs() {
    let cases: &[(&[u8], &str)] = &[
        (b"2026-01-23T17:04:05.1234567Z hello", "hello"),
        (b"\xef\xbb\xbf2026-01-23T17:04:05.1234567Z hello", "hello"),
        (b"build (a)\tRun tests\t2026-01-23T17:04:05.1234567Z   hello", "  hello"),
        (b"build\tUNKNOWN STEP\t\xef\xbb\xbf2026-01-23T17:04:05.1234567Z hello", "hello"),
        (b"2026-01-23T17:04:05.1234567Z ", ""),
        (b"2026-01-23T17:04:05.1234567Z", ""),
        (b"2026-01-23T17:04:05Z hello", "hello"),
        (b"ok\tpkg\t0.1s", "ok\tpkg\t0.1s"),
        (b"2026-01-23T17:04:05.1234567Zhello", "2026-01-23T17:04:05.1234567Zhello"),
        (b"2026-01-23 17:04:05 hello", "2026-01-23 17:04:05 hello"),
        (b"2026-01-23T17:04:05.1234567Z \x1b[31m##[error]x\x1b[0m", "##[error]x"),
    ];
    for (raw, want) in cases {
        assert_eq!(clean(raw), *want, "{}", String::from_utf8_lossy(raw));
    }
}

#[test]
fn the_prefix_of_the_gh_command_can_be_read() {
    let (job, step) = job_and_step(b"a b\tRun x\t2026-01-23T17:04:05.1234567Z t").unwrap();
    assert_eq!((job.as_ref(), step.as_ref()), ("a b", "Run x"));
    assert!(job_and_step(b"ok\tpkg\t0.1s").is_none());
}

#[test]
fn escapes_go_and_text_stays() {
    let cases: &[(&[u8], &str)] = &[
        (b"\x1b[38;5;9m\x1b[1mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"a\x1b[Kb\x1b(Bc", "abc"),
        (b"a\x08b\x00c\x7f", "abc"),
        (b"tab\there", "tab\there"),
        (b"cut\x1b[3", "cut"),
        (b"\xff\xfe", "\u{fffd}\u{fffd}"),
        ("a\u{9b}31mb".as_bytes(), "a31mb"),
        (b"\x1b]never ended", "never ended"),
    ];
    for (raw, want) in cases {
        assert_eq!(clean(raw), *want, "{raw:?}");
    }
    assert!(matches!(clean(b"plain"), Cow::Borrowed(_)));
}

#[test]
fn markers_and_commands_are_read() {
    assert_eq!(marker("##[error]Process completed"), Some((Marker::Error, "Process completed")));
    assert_eq!(marker("##[group]Run make"), Some((Marker::Group, "Run make")));
    assert_eq!(marker("##[endgroup]"), Some((Marker::EndGroup, "")));
    assert_eq!(marker("##[vso]x"), None);
    let command = workflow_command("::error file=a%2Cb.go,line=7,title=T%3A1::one%0Atwo 100%25 %41").unwrap();
    assert_eq!(command.name, "error");
    assert_eq!(command.file.as_deref(), Some("a,b.go"));
    assert_eq!(command.line, Some(7));
    assert_eq!(command.title.as_deref(), Some("T:1"));
    assert_eq!(command.message, "one\ntwo 100% %41");
    assert_eq!(workflow_command("::endgroup::").unwrap().name, "endgroup");
    assert_eq!(workflow_command("a::b::c"), None);
    assert_eq!(
        workflow_command("::std::io::Error: x"),
        Some(WorkflowCommand { name: "std", message: Cow::Borrowed("io::Error: x"), ..Default::default() })
    );
}

#[test]
fn a_long_line_is_cut_and_the_numbers_go_on() {
    let mut log = vec![b'x'; 1_000_000];
    log.extend_from_slice(b"\r\nnext\rlast");
    let mut reader = LineReader::with_cap(&log[..], 10);
    let first = reader.next_line().unwrap().unwrap();
    assert_eq!((first.number, first.raw, first.cut), (1, &b"xxxxxxxxxx"[..], true));
    let second = reader.next_line().unwrap().unwrap();
    assert_eq!((second.number, second.raw, second.cut), (2, &b"next"[..], false));
    assert_eq!(reader.next_line().unwrap().unwrap().raw, b"last");
    assert!(reader.next_line().unwrap().is_none());
    assert_eq!(reader.cut_lines(), 1);
}

/// Gives out its bytes a few at a time, so that breaks fall on block borders.
struct Dribble<'a>(&'a [u8], usize);

impl std::io::Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let take = self.1.min(self.0.len()).min(into.len());
        let (now, later) = self.0.split_at(take);
        into[..take].copy_from_slice(now);
        self.0 = later;
        Ok(take)
    }
}

proptest! {
    #[test]
    fn the_stream_and_the_slice_agree(
        log in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200),
        step in 1usize..7,
    ) {
        let want: Vec<(u64, Vec<u8>)> = lines(&log).map(|l| (l.number, l.raw.to_vec())).collect();
        let mut reader = LineReader::new(Dribble(&log, step));
        let mut got = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            got.push((line.number, line.raw.to_vec()));
        }
        prop_assert_eq!(&got, &want);
        let ends_open = !matches!(log.last(), None | Some(b'\n' | b'\r'));
        prop_assert_eq!(count_breaks(&log) + u64::from(ends_open), want.len() as u64);
    }

    #[test]
    fn cleaned_text_has_no_controls(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = clean(&raw);
        prop_assert!(text.chars().all(|c| c == '\t' || !c.is_control()), "{:?}", text);
    }
}
