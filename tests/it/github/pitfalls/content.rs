//! Artifacts, logs and archives: what is there, what is gone, and what is hostile in them.

use std::io::Read;

use testkit::github::{ArtifactSpec, Fault, Match, Origin};
use testrun_operator::github::api::Repo;
use testrun_operator::github::{Ask, Priority, Unfetched};

use super::*;
use crate::cli::Cli;

const MB: u64 = 1 << 20;

fn red_with(upload: impl Fn(u64) -> ArtifactSpec + Send + 'static) -> Bench {
    let bench = Bench::start(empty().setup(move |s| {
        begin(s, 77, "CI", &["unit"]);
        s.run(77).upload(upload(901));
        end(s, 77, &["failure"]);
    }));
    bench.gh.advance(secs(600));
    bench
}

#[tokio::test]
async fn p14_an_artifact_has_one_name_in_a_run_and_may_be_of_an_earlier_attempt() {
    let mut bench = red_with(|id| ArtifactSpec::new("must-gather-unit").id(id).file("a.txt", "first"));
    assert_eq!(bench.verdict().await, FAILED);
    let listed = |bench: &Bench| -> Vec<i64> {
        bench.status.as_ref().unwrap().artifacts.iter().map(|a| a.id).collect()
    };
    assert_eq!(listed(&bench), [901]);
    let first = bench.gh.read(|s| s.repos[0].artifacts[0].digest.clone());
    // The re-run overwrites it: a new id, and the old one is gone.
    bench.update(|s| {
        s.run(77).rerun("someone", |_| true);
        s.run(77).job("unit").start();
        s.repos[0].artifacts.clear();
        s.run(77).upload(ArtifactSpec::new("must-gather-unit").id(902).file("a.txt", "second"));
        s.run(77).job("unit").complete("failure");
        s.run(77).settle();
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, FAILED);
    assert_eq!(listed(&bench), [902]);
    let repo = Repo::new(&bench.client, REPO, Ask::now(Priority::Finishing));
    assert_eq!(repo.artifact_zip(901, None, MB).await.unwrap_err(), Unfetched::Deleted);
    // What is downloaded is what GitHub says that was uploaded, or nothing.
    let wrong = repo.artifact_zip(902, first.as_deref(), MB).await.unwrap_err();
    assert!(matches!(wrong, Unfetched::Mismatch { .. }), "{wrong}");
    let listed = repo.artifacts(77).await.unwrap();
    assert!(repo.artifact_zip(902, listed[0].digest.as_deref(), MB).await.unwrap().verified);
    bench.clean();
}

#[tokio::test]
async fn p15_what_has_expired_is_recorded_and_not_asked_for() {
    let mut bench = red_with(|id| ArtifactSpec::new("must-gather-unit").id(id).file("a.txt", "x"));
    bench.update(|s| {
        s.run(77).expire_artifact("must-gather-unit");
    });
    assert_eq!(bench.verdict().await, FAILED);
    assert_eq!(bench.condition("ArtifactsAvailable"), "False/Expired");
    let status = bench.status.as_ref().unwrap();
    let artifact = &status.artifacts[0];
    assert!(artifact.expired && artifact.expires_at.is_some());
    // One address for people, which needs a login, and one for programs, which needs a token.
    assert!(artifact.url.ends_with("/actions/runs/77/artifacts/901"), "{}", artifact.url);
    assert!(artifact.api_url.ends_with("/actions/artifacts/901/zip"), "{}", artifact.api_url);
    assert!(bench.gh.requests().iter().all(|r| !r.path.ends_with("/zip")));
    let repo = Repo::new(&bench.client, REPO, Ask::now(Priority::Finishing));
    assert_eq!(repo.artifact_zip(901, None, MB).await.unwrap_err(), Unfetched::Expired);
    bench.clean();
}

#[tokio::test]
async fn p16_logs_are_late_gone_and_hostile() {
    // None while the job runs.
    let bench = Bench::start(empty().setup(|s| begin(s, 77, "CI", &["unit"])));
    let repo = Repo::new(&bench.client, REPO, Ask::now(Priority::Finishing));
    assert_eq!(repo.log(770, 1000).await.unwrap_err(), Unfetched::NotYet);

    // Gone: on the API or below it. The verdict stands, and says what it could not read.
    for (fault, says) in [
        (Some((Match::path("/logs"), Fault::Answer(410, "Server Error".into()))), "retention is over"),
        (
            Some((
                Match::blobs("/"),
                Fault::Answer(404, "\u{feff}<Error><Code>BlobNotFound</Code></Error>".into()),
            )),
            "deleted",
        ),
        (None, "deleted"),
    ] {
        let mut bench = Bench::start(empty().setup(|s| {
            begin(s, 77, "CI", &["unit"]);
            s.job(770).log("x");
            end(s, 77, &["failure"]);
        }));
        bench.gh.advance(secs(7200));
        match fault {
            Some((at, fault)) => bench.gh.fail(at, fault),
            None => bench.update(|s| s.job(770).data().log = None),
        }
        assert_eq!(bench.verdict().await, FAILED);
        let notes = &bench.status.as_ref().unwrap().notes;
        assert!(notes.iter().any(|n| n.contains("log of job 770") && n.contains(says)), "{says}: {notes:?}");
        assert!(notes.iter().all(|n| !n.contains("BlobNotFound")), "{notes:?}");
    }

    // A byte order mark, colours, a change of direction and a fake command of the runner.
    let mut bench = Bench::start(empty().setup(|s| {
        begin(s, 77, "CI", &["unit"]);
        let text = "\u{feff}2026-01-23T16:00:01.0000000Z \u{1b}[31m--- FAIL: TestPay (0.00s)\u{1b}[0m\r\n\
            2026-01-23T16:00:01.0000000Z     pay_test.go:7: \u{202e}evil\u{202c} \u{1b}]0;owned\u{7} ##[error]x @everyone\r\n\
            2026-01-23T16:00:01.0000000Z FAIL\r\n";
        s.job(770).log_bytes(text);
        end(s, 77, &["failure"]);
    }));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, FAILED);
    let text = serde_json::to_string(bench.status.as_ref().unwrap()).unwrap();
    assert!(text.contains("TestPay"), "{text}");
    for bad in ["\\u001b", "\\u0007", "\u{202e}", "\u{feff}", "\\r"] {
        assert!(!text.contains(bad), "{bad:?} in {text}");
    }
    // Storage never sees a credential.
    let blobs = bench.gh.requests().into_iter().filter(|r| r.origin == Origin::Blobs);
    assert!(blobs.into_iter().all(|r| r.header("authorization").is_none()));
    bench.clean();
}

#[tokio::test]
async fn p17_archives_are_bombs_and_documents_have_entities() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/hostname">]><testsuite name="s" tests="1" failures="1"><testcase name="t"><failure message="&b;">&x;</failure></testcase></testsuite>"#;
    let bench = red_with(move |id| {
        ArtifactSpec::new("test-results").id(id)
            .file("../../../../tmp/testrun-escaped.xml", laughs)
            .file("bomb.xml", vec![b' '; 12 << 20])
            .file("good.xml", r#"<testsuite name="g" tests="2" failures="1"><testcase name="ok"/><testcase name="bad"><failure message="no"/></testcase></testsuite>"#)
    });
    let repo = Repo::new(&bench.client, REPO, Ask::now(Priority::Finishing));
    let large = repo.artifact_zip(901, None, 8 * MB).await.unwrap_err();
    assert_eq!(large, Unfetched::TooLarge { limit: 8 * MB });
    let mut zip = Vec::new();
    repo.artifact_zip(901, None, 64 * MB).await.unwrap().file.read_to_end(&mut zip).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("reports.zip");
    std::fs::write(&path, zip).unwrap();
    let ran = Cli::new(&["parse", path.to_str().unwrap(), "-o", "json"]).run().await;
    assert!(!ran.out.contains("aaaaaaaaaaaaaaaaaaaa"), "entities stay what they are: {ran:?}");
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    assert!(host.trim().is_empty() || !ran.out.contains(host.trim()), "{ran:?}");
    assert!(!std::path::Path::new("/tmp/testrun-escaped.xml").exists());
    assert!(ran.out.contains("\"bad\""), "the good document is read all the same: {ran:?}");
    bench.clean();
}
