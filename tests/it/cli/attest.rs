//! `attest` and `verify`, from a commit on GitHub, from a report in a cluster, and offline.

use serde_json::Value;

use super::cluster::{cli, create, write};
use super::oneshot::{REPO, commit};
use super::*;
use crate::cluster::cluster;
use fake::sha_of;

fn file(name: &str) -> String {
    repository(&format!("tests/gating/attestations/{name}")).to_string_lossy().into_owned()
}

async fn verify(envelope: &str, args: &[&str]) -> Ran {
    let key = file("ed25519.pub");
    let all: Vec<&str> = ["verify", "-", "--key", &key].iter().chain(args).copied().collect();
    Cli::new(&all).input(envelope).run().await
}

#[tokio::test]
async fn a_commit_is_attested_and_verified_elsewhere() {
    let gh = commit(&[("unit", "success"), ("lint", "success")]);
    let head = sha_of("head");
    let key = file("ed25519.key");
    let image = format!("registry.example/shop@sha256:{}", "a".repeat(64));
    let args = ["attest", "--repo", REPO, "--sha", &head, "--key", &key, "--image", &image];
    let made = Cli::new(&args).on(&gh).run().await;
    assert_eq!(made.code, PASSED, "{made:?}");
    assert!(made.err.starts_with("PASSED: "), "{made:?}");
    let host = gh.url().trim_start_matches("http://").to_owned();
    let about = ["--server", &host, "--repo", "ACME/Shop", "--sha", &head, "--image", &image];
    let ran = verify(&made.out, &about).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert!(ran.out.starts_with(&format!("passed: {REPO} at {head}: ")), "{ran:?}");
    // Of that server, that commit, and as it was signed.
    let other = "f".repeat(40);
    let edited = made.out.replacen("\"payload\":\"e", "\"payload\":\"f", 1);
    for (envelope, args, code, says) in [
        (&made.out, &["--sha", &head][..], UNDECIDED, "not of github.com"),
        (&made.out, &["--server", &host, "--sha", &other], UNDECIDED, "it is about commit"),
        (&made.out, &["--server", &host, "--repo", "mallory/shop"], UNDECIDED, "it is about acme/shop"),
        (&made.out, &["--sha", "abc"], USAGE, "full commit id"),
        (&made.out, &["--repo", "shop"], USAGE, "owner/name"),
        (&edited, &about, UNREADABLE, "none of its signatures"),
        (&"{}".to_owned(), &about, UNREADABLE, "expected a DSSE envelope"),
        (&String::new(), &about, UNREADABLE, "expected a DSSE envelope"),
    ] {
        let ran = verify(envelope, args).await;
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{args:?}: {ran:?}");
    }
    let wrong = file("p256.pub");
    let ran = Cli::new(&["verify", "-", "--key", &wrong]).input(&made.out).run().await;
    assert_eq!(ran.code, UNREADABLE, "{ran:?}");
}

#[tokio::test]
async fn red_is_attested_as_red_and_what_is_open_not_at_all() {
    let key = file("p256.key");
    let head = sha_of("head");
    let gh = commit(&[("unit", "failure")]);
    let args = ["attest", "--repo", REPO, "--sha", &head, "--key", &key];
    let made = Cli::new(&args).on(&gh).run().await;
    assert_eq!(made.code, FAILED, "{made:?}");
    let host = gh.url().trim_start_matches("http://").to_owned();
    let public = file("p256.pub");
    let ran = Cli::new(&["verify", "-", "--key", &public, "--server", &host]).input(&made.out).run().await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
    let gh = commit(&[("unit", "in_progress")]);
    let made = Cli::new(&args).on(&gh).run().await;
    assert_eq!(made.code, UNDECIDED, "{made:?}");
    assert!(made.out.is_empty() && made.err.contains("nothing is attested"), "{made:?}");
    let made = Cli::new(&args).env("GITHUB_API_URL", "http://127.0.0.1:9").run().await;
    assert_eq!((made.code, made.out.as_str()), (UNREADABLE, ""), "{made:?}");
    let bad = file("p256.pub");
    let ran = Cli::new(&["attest", "--repo", REPO, "--sha", &head, "--key", &bad]).on(&gh).run().await;
    assert_eq!(ran.code, UNREADABLE, "{ran:?}");
    assert!(ran.err.contains("PKCS#8"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_cluster_is_attested_for_its_generation_and_commit() {
    let plane = cluster().await;
    let namespace = plane.namespace("attest").await.unwrap();
    let key = file("ed25519.key");
    create(plane, &namespace, "r", false).await;
    let attest = async |more: &[&str]| {
        let all: Vec<&str> = ["attest", "r", "--key", &key].iter().chain(more).copied().collect();
        cli(plane, &namespace, &all).await
    };
    assert_eq!(attest(&[]).await.code, UNDECIDED, "nobody looked at it");
    write(plane, &namespace, "r", "True", "True", 1).await;
    let made = attest(&["--sha", super::cluster::SHA, "--repo", "acme/shop"]).await;
    assert_eq!(made.code, PASSED, "{made:?}");
    let ran = verify(&made.out, &["--sha", super::cluster::SHA, "--repo", "acme/shop"]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    let envelope: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    for more in [&["--sha", &"f".repeat(40)][..], &["--repo", "mallory/shop"]] {
        let ran = attest(more).await;
        assert_eq!((ran.code, ran.out.as_str()), (UNDECIDED, ""), "{ran:?}");
    }
    let patch = r#"{"spec":{"workflows":["lint"]}}"#;
    plane.kubectl_ok(&["patch", "trr", "r", "-n", &namespace, "--type=merge", "-p", patch]).await.unwrap();
    let ran = attest(&[]).await;
    assert_eq!((ran.code, ran.out.as_str()), (UNDECIDED, ""), "the verdict was about the old spec: {ran:?}");
    let ran = cli(plane, &namespace, &["attest", "none", "--key", &key]).await;
    assert_eq!(ran.code, UNREADABLE, "{ran:?}");
    let ran =
        cli(plane, &namespace, &["attest", "r", "--pr", "1", "--repo", "acme/shop", "--key", &key]).await;
    assert_eq!(ran.code, USAGE, "{ran:?}");
}
