//! The archives are read back by the programs that everybody has.

use std::process::Command;

use crate::github::scenarios::pr20::{self, pull_request_20};
use crate::github::{GitHub, gzip, tar, zip};

fn run(program: &str, arguments: &[&str], directory: &std::path::Path) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(directory).output();
    let Ok(output) = output else {
        println!("skipped: no {program}");
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_tar_and_a_gzip_frame_are_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let long = format!("{}/{}.log", "d".repeat(90), "f".repeat(60));
    let big = "0123456789".repeat(20_000);
    let files = [(long.clone(), b"deep".to_vec()), ("big.txt".to_owned(), big.clone().into_bytes())];
    std::fs::write(directory.path().join("a.tar.gz"), gzip(&tar(&files))).unwrap();
    if run("tar", &["-xzf", "a.tar.gz"], directory.path()).is_some() {
        assert_eq!(std::fs::read(directory.path().join(long)).unwrap(), b"deep");
        assert_eq!(std::fs::read_to_string(directory.path().join("big.txt")).unwrap(), big);
    }
}

#[test]
fn a_zip_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let files = [("a/b.txt".to_owned(), b"hello".to_vec()), ("empty".to_owned(), Vec::new())];
    std::fs::write(directory.path().join("a.zip"), zip(&files)).unwrap();
    if let Some(text) = run("unzip", &["-p", "a.zip", "a/b.txt"], directory.path()) {
        assert_eq!(text, "hello");
    }
}

#[test]
fn a_bundle_holds_what_its_container_said() {
    let gh = GitHub::start(pull_request_20());
    gh.advance(pr20::UNDECIDED);
    let directory = tempfile::tempdir().unwrap();
    let bundle = gh.read(|s| {
        let all = &s.repos[0].artifacts;
        all.iter().find(|one| one.name.contains("remediationorchestrator")).unwrap().zip.clone().unwrap()
    });
    std::fs::write(directory.path().join("a.zip"), bundle).unwrap();
    if run("unzip", &["-q", "a.zip"], directory.path()).is_none() {
        return;
    }
    let inner = "must-gather-remediationorchestrator-20260123-163751.tar.gz";
    let listed = run("tar", &["-tzf", inner], directory.path()).unwrap();
    assert_eq!(listed.lines().count(), 6);
    assert!(listed.lines().all(|name| {
        name.starts_with("kubernaut-must-gather/remediationorchestrator-integration-20260123-163751/")
    }));
    let text =
        run("tar", &["-xzOf", inner, "--wildcards", "*_datastorage_test.log"], directory.path()).unwrap();
    assert!(text.contains("2026-01-23T16:36:44.120Z ERROR Routing blocked"), "{text}");
}
