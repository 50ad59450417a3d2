//! Real logs and reports, read in place.

use super::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TESTRUN_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let root = root.join(folder);
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: corpus absent");
    None
}

#[test]
fn a_console_and_the_report_of_the_same_run_count_once() {
    let Some(root) = corpus("test-reports") else { return };
    let read = |file: &str| std::fs::read(root.join(file)).unwrap();
    for (console, report, expected) in [
        ("ginkgo-v-keepgoing.txt", "ginkgo-gen.junit.xml", (27, 19, 6)),
        ("pytest-verbose.txt", "pytest-gen.junit.xml", (11, 7, 2)),
        ("bats-pretty.txt", "bats-junit.xml", (4, 1, 2)),
        ("gotest-verbose.txt", "gotest-json.out", (59, 42, 12)),
        ("bats-tap.tap", "ctrf-minimal.json", (5, 2, 2)),
    ] {
        let evidence = of_job("j", &read(console), None, archived(&[(report.to_owned(), read(report))]));
        let (total, passed, bad, _) = numbers(&evidence);
        // The last pair is of different tests: only what says so adds up.
        let alone = console == "bats-tap.tap" && (total, passed, bad) == (4, 1, 2);
        assert!(alone || (total, passed, bad) == expected, "{console}: {:?}", (total, passed, bad));
        assert!(evidence.failing.len() as i64 <= evidence.failing_total, "{console}");
        bounded(&evidence);
    }
}

#[test]
fn every_report_gives_bounded_evidence_as_a_log_and_as_a_report() {
    let Some(root) = corpus("test-reports") else { return };
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        bounded(&of_job(&name, &bytes, None, None));
        bounded(&of_job("j", b"", None, archived(&[(name, bytes)])));
    }
}

/// The log as another run would have printed it: other times, ids, ports and durations.
fn another_run(log: &str) -> String {
    let id = regex::Regex::new(r"\b[0-9a-f]{40}\b").unwrap();
    let time = regex::Regex::new(r"\b20\d\d-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)").unwrap();
    let seconds = regex::Regex::new(r"\b(\d+)\.\d{3} ?s\b").unwrap();
    let log = id.replace_all(log, "0123456789abcdef0123456789abcdef01234567");
    let log = time.replace_all(&log, "2031-$2-11T$4:$3:17");
    seconds.replace_all(&log, "7.125 s").into_owned()
}

#[test]
fn failing_logs_keep_their_fingerprint_in_another_run_and_differ_from_each_other() {
    let Some(root) = corpus("failure-lines") else { return };
    let mut prints: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut logs, mut without) = (0, 0);
    for entry in std::fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        logs += 1;
        let fail = std::fs::read(folder.join("fail.log")).unwrap();
        let pass = std::fs::read(folder.join("pass.log")).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let evidence = of_job("j", &fail, Some(&pass), None);
        bounded(&evidence);
        assert!(evidence.baseline && !evidence.excerpt.is_empty(), "{name}");
        let again = of_job("j", another_run(&String::from_utf8_lossy(&fail)).as_bytes(), Some(&pass), None);
        assert_eq!(evidence.fingerprint, again.fingerprint, "{name}");
        println!(
            "{name}: {:?} {:?} {:?}",
            evidence.tests.map(|t| (t.total, t.failed)),
            evidence.causes.first().map(|c| (c.kind.clone(), c.probability)),
            evidence.signature
        );
        match evidence.fingerprint {
            Some(print) => prints.entry(print).or_default().push(name),
            None => without += 1,
        }
    }
    println!("{logs} logs, {} fingerprints, {without} without", prints.len());
    assert!(without * 10 <= logs, "{without} of {logs} have no fingerprint");
    let shared: Vec<_> = prints.values().filter(|names| names.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
}
