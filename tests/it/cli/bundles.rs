//! `inspect`, `parse` and `explain` as commands, on files made here.

use super::*;

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn inspect_reads_a_folder_and_the_archive_of_it_alike() {
    let folder = tempfile::tempdir().unwrap();
    let suite = "kubernaut-must-gather/gw-integration-20260123-193950";
    written(
        &folder,
        &format!("{suite}/gw_api_test.log"),
        "2026-01-23T19:39:00Z ERROR insert failed (SQLSTATE 23505)\n",
    );
    let inspect =
        r#"[{"Name":"gw_postgres_test","State":{"Status":"exited","OOMKilled":true,"ExitCode":137}}]"#;
    written(&folder, &format!("{suite}/gw_postgres_test_inspect.json"), inspect);
    let packed = folder.path().join("must-gather-gw.tar.gz");
    let tar = std::process::Command::new("tar")
        .args([
            "czf",
            packed.to_str().unwrap(),
            "-C",
            folder.path().to_str().unwrap(),
            "kubernaut-must-gather",
        ])
        .status()
        .unwrap();
    assert!(tar.success());
    let whole = folder.path().join("kubernaut-must-gather");
    for bundle in [packed.to_str().unwrap(), whole.to_str().unwrap()] {
        let ran = Cli::new(&["inspect", bundle, "-o", "json"]).run().await;
        assert_eq!(ran.code, PASSED, "{}", ran.err);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let found = &found[0];
        assert_eq!((&found["layout"], &found["filesScanned"]), (&"kubernaut-integration".into(), &2.into()));
        assert_eq!(found["findings"][0]["kind"], "OomKilled");
        assert_eq!(found["findings"][1]["reason"], "SQLSTATE 23505 duplicate key");
        assert_eq!(found["findings"][1]["firstSeen"], "2026-01-23T19:39:00Z");
    }
    let text = Cli::new(&["inspect", packed.to_str().unwrap(), "--passing", packed.to_str().unwrap()])
        .run()
        .await
        .out;
    assert!(text.contains("the passing one has it too"), "{text}");
}

#[tokio::test]
async fn inspect_says_what_is_wrong_with_its_arguments() {
    let missing = Cli::new(&["inspect", "/does/not/exist"]).run().await;
    assert_eq!(missing.code, UNREADABLE);
    assert!(missing.err.contains("give an archive, a folder or a file"), "{}", missing.err);
    let half = Cli::new(&["inspect", "x", "--since", "2026-01-23T19:39:00Z"]).run().await;
    assert_eq!(half.code, USAGE, "{}", half.err);
    let time = Cli::new(&["inspect", "x", "--since", "soon", "--until", "later"]).run().await;
    assert_eq!(time.code, USAGE, "{}", time.err);
}

#[tokio::test]
async fn parse_writes_a_console_as_a_report_that_it_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let log = "=== RUN   TestA\n--- PASS: TestA (0.10s)\n=== RUN   TestB\n    b_test.go:3: <no> & \"no\"\n--- FAIL: TestB \
               (0.00s)\nFAIL\nFAIL\texample.test/x\t0.1s\n";
    let log = written(&folder, "go.log", log);
    let straight = Cli::new(&["parse", &log, "-o", "json"]).run().await;
    let straight: serde_json::Value = serde_json::from_str(&straight.out).unwrap();
    for (form, name) in [("junit", "report.xml"), ("ctrf", "report.json")] {
        let report = Cli::new(&["parse", &log, "-o", form]).run().await;
        assert_eq!(report.code, PASSED, "{}", report.err);
        let again = written(&folder, name, &report.out);
        let again = Cli::new(&["parse", &again, "-o", "json"]).run().await;
        let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
        assert_eq!(again[0]["format"], form);
        assert_eq!(again[0]["tests"], straight[0]["tests"], "{form}");
        assert_eq!(again[0]["failures"][0]["message"], straight[0]["failures"][0]["message"], "{form}");
    }
}

#[tokio::test]
async fn odd_files_have_an_answer_and_nothing_of_them_moves_a_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let evil = "##[error]\u{202e}evil\u{1b}[2J\u{9b}2J\u{1b}]0;t\u{7} ghp_0123456789abcdefghijABCDEFGHIJ012345\n\
        --- FAIL: TestX\u{2066}Y (0.01s)\n    x_test.go:3: \u{1b}[31mbad\u{202e}\nFAIL\tp\t0.1s\n";
    let log = put("evil.log", evil.as_bytes());
    let huge = put("huge.log", &[b'x'; 3 << 20]);
    let binary = put(
        "binary.log",
        &(0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>(),
    );
    let empty = put("empty.xml", b"");
    let zip = put("log.txt", b"PK\x03\x04rest");
    let dir = folder.path().join("dir");
    std::fs::create_dir(&dir).unwrap();
    let dir = dir.to_str().unwrap().to_owned();
    let none = folder.path().join("none").to_str().unwrap().to_owned();
    for (args, code, says) in [
        (vec!["explain", log.as_str()], PASSED, "evil"),
        (vec!["explain", &huge], PASSED, "xxx"),
        (vec!["explain", &binary], PASSED, ""),
        (vec!["explain", &empty], PASSED, "is empty"),
        (vec!["explain", &zip], UNREADABLE, "is a zip, not a log"),
        (vec!["explain", &dir], UNREADABLE, "is a directory"),
        (vec!["explain", &none], UNREADABLE, "cannot open"),
        (vec!["explain", &log, "--baseline", &zip], UNREADABLE, "is a zip, not a log"),
        (vec!["parse", &log, &none, &empty], UNREADABLE, "TestX"),
        (vec!["parse", &binary], FAILED, "no test results"),
        (vec!["parse", &huge], FAILED, "longer than"),
        (vec!["parse", &zip], FAILED, "could not be read"),
        (vec!["parse", &dir, &log], UNREADABLE, "is a directory"),
        (vec!["inspect", &none, &log], UNREADABLE, "ErrorLine"),
        (vec!["inspect", &dir], PASSED, "nothing was read"),
        (vec!["inspect", &binary, &huge, &empty], PASSED, "no known layout"),
    ] {
        let ran = Cli::new(&args).run().await;
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        let all = format!("{}{}", ran.out, ran.err);
        assert!(all.contains(says), "{args:?}: {all}");
        assert!(all.len() < 300_000, "{args:?}: {} bytes", all.len());
        let bad = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
        };
        assert!(!all.contains(bad), "{args:?}: {all:?}");
        assert!(!all.contains("ghp_0123"), "{args:?}: {all}");
    }
}

#[tokio::test]
async fn each_file_has_its_entry_whether_or_not_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = written(&folder, "good.xml", "<testsuite tests='1'><testcase name='a'/></testsuite>");
    let short =
        written(&folder, "short.xml", "<testsuite tests='3' failures='1'><testcase name='a'/></testsuite>");
    let empty = written(&folder, "empty.log", "");
    let dir = folder.path().to_str().unwrap().to_owned();
    let none = folder.path().join("none.xml").to_str().unwrap().to_owned();
    // Files, exit, and of each file: tests, complete, what is said.
    type Row<'a> = (u64, bool, &'a str);
    let cases: &[(&[&str], i32, &[Row<'_>])] = &[
        (&[&good], PASSED, &[(1, true, "")]),
        (&[&short], PASSED, &[(1, false, "declares 1 failures and errors and holds 0")]),
        (&[&empty, &good], FAILED, &[(0, true, "is empty"), (1, true, "")]),
        (&[&none, &good], UNREADABLE, &[(0, false, "cannot open"), (1, true, "")]),
        (&[&good, &dir], UNREADABLE, &[(1, true, ""), (0, false, "is a directory")]),
    ];
    for (files, code, rows) in cases {
        let ran = Cli::new(&[&["parse", "-o", "json"], *files].concat()).run().await;
        assert_eq!(ran.code, *code, "{files:?}: {}", ran.err);
        let all: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(all.as_array().unwrap().len(), files.len(), "{all}");
        for ((entry, file), (tests, complete, said)) in all.as_array().unwrap().iter().zip(*files).zip(*rows)
        {
            assert_eq!(entry["file"], *file);
            assert_eq!(
                (&entry["tests"]["total"], &entry["complete"]),
                (&(*tests).into(), &(*complete).into()),
                "{entry}"
            );
            assert!(entry["warnings"].to_string().contains(said), "{entry}");
        }
    }
    let report = Cli::new(&["parse", "-o", "junit", &none, &good]).run().await;
    assert_eq!(report.code, UNREADABLE);
    assert!(report.out.contains("testrun.complete\" value=\"false\""), "{}", report.out);
}
