//! `artifacts` and `record-local`.

use serde_json::{Value, json};
use testkit::github::{ArtifactSpec, Fault, GitHub, Match, RunSpec, Scenario, secs, sha_of};

use super::cluster::{cli, create};
use super::*;
use crate::cluster::cluster;

const REPO: &str = "acme/shop";

fn start(uploads: Vec<ArtifactSpec>) -> GitHub {
    let gh = GitHub::start(
        Scenario::new()
            .start_at("2026-01-23T16:00:00Z")
            .setup(|s| {
                s.add_repo(REPO);
                s.repo(REPO).add_run(RunSpec::new(77).sha(sha_of("head")).job((501, "unit")));
                s.job(501).start();
            })
            .at(secs(60), move |s| {
                for upload in &uploads {
                    s.run(77).upload(upload.clone());
                }
                s.job(501).log("##[error]boom\n").complete("failure");
                s.run(77).settle();
            }),
    );
    gh.pause();
    gh.advance(secs(600));
    gh
}

async fn of_commit(gh: &GitHub, more: &[&str]) -> Ran {
    let sha = sha_of("head");
    let mut args = vec!["artifacts", "--repo", REPO, "--sha", &sha];
    args.extend(more);
    Cli::new(&args).on(gh).run().await
}

#[tokio::test]
async fn artifacts_of_a_commit_are_listed_and_downloaded() {
    let gh = start(vec![
        ArtifactSpec::new("must-gather-unit").file("a/b.log", "boom").file("c.txt", "c"),
        ArtifactSpec::new("junit-unit").file("junit.xml", "<testsuite/>"),
        ArtifactSpec::new("coverage").file("c", "c"),
    ]);
    let listed = of_commit(&gh, &[]).await;
    assert_eq!(listed.code, PASSED, "{listed:?}");
    let names: Vec<&str> = listed.out.lines().skip(1).map(|l| l.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["must-gather-unit", "junit-unit"], "{}", listed.out);
    let json = of_commit(&gh, &["-o", "json", "--only", "junit*"]).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["job"]), (1, &json!("unit")));
    assert!(!gh.requests().iter().any(|r| r.path.contains("/zip")), "a list downloads nothing");

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("x/y");
    let ran = of_commit(&gh, &["--download", to.to_str().unwrap()]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert_eq!(std::fs::read_to_string(to.join("must-gather-unit/a/b.log")).unwrap(), "boom");
    assert_eq!(std::fs::read_dir(&to).unwrap().count(), 2, "nothing else is left");
    assert_eq!(ran.out.matches("digest verified").count(), 2, "{}", ran.out);
    let other = of_commit(&gh, &["--run", "78"]).await;
    assert_eq!(other.code, USAGE, "one way to name the commit");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn what_cannot_be_had_or_is_harmful_is_told_and_nothing_else_is_lost() {
    let wrong = format!("sha256:{}", "0".repeat(64));
    let gh = start(vec![
        ArtifactSpec::new("must-gather-a").file("../LICENSE", "x").file("good", "x"),
        ArtifactSpec::new("must-gather-b").file("x", "x").claimed_digest(Some(&wrong)),
        ArtifactSpec::new("must-gather-c").file("x", "x").retention_days(0),
        ArtifactSpec::new("must-gather-d").zip(b"no zip".to_vec()),
        ArtifactSpec::new("must-gather-e\u{1b}[31m/../x").file("x", "x"),
        ArtifactSpec::new("must-gather-f").file("x", vec![7; 5000]),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out");
    let ran = of_commit(&gh, &["--download", to.to_str().unwrap(), "--max-bytes", "4000"]).await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.out.contains("left out: ../LICENSE: its name points out of the folder"), "{}", ran.out);
    for (name, why) in [
        ("must-gather-b", "is not what was uploaded"),
        ("must-gather-c", "its retention is over"),
        ("must-gather-d", "cannot be read"),
        ("must-gather-f", "larger than the 4000 bytes"),
    ] {
        assert!(ran.err.lines().any(|l| l.contains(name) && l.contains(why)), "{name}: {}", ran.err);
        assert!(!to.join(name).exists(), "{name}");
    }
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    let mut names: Vec<String> = std::fs::read_dir(&to)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .map(|n| if n.starts_with("artifact-") { "artifact-ID".to_owned() } else { n })
        .collect();
    names.sort();
    assert_eq!(names, ["artifact-ID", "must-gather-a"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside the folder");

    gh.fail(Match::path("/zip"), Fault::Status(403));
    let ran = of_commit(&gh, &["--download", to.to_str().unwrap(), "--only", "must-gather-a"]).await;
    assert_eq!(ran.code, UNREADABLE, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_cluster_names_what_is_downloaded() {
    let plane = cluster().await;
    let namespace = plane.namespace("cliartifacts").await.unwrap();
    let gh = start(vec![ArtifactSpec::new("must-gather-unit").id(901).file("a.log", "boom")]);
    create(plane, &namespace, "a", false).await;
    let run = async |args: &[&str]| {
        let all: Vec<&str> = args.iter().copied().chain(["-n", &namespace]).collect();
        Cli::new(&all).on(&gh).env("KUBECONFIG", plane.kubeconfig_path().to_str().unwrap()).run().await
    };
    assert_eq!(run(&["artifacts", "a"]).await.code, UNREADABLE, "the operator has not seen it");
    assert_eq!(run(&["artifacts", "none"]).await.code, FAILED);
    assert_eq!(run(&["artifacts", "a", "--repo", REPO]).await.code, USAGE);
    let digest = gh.read(|s| s.repos[0].artifacts[0].digest.clone().unwrap());
    let status = json!({"status": {"observedGeneration": 1, "phase": "Failed",
        "source": {"repository": REPO, "sha": sha_of("head"), "shortSha": "0", "runsTotal": 1, "runs": []},
        "artifacts": [{"name": "must-gather-unit", "id": 901, "kind": "MustGather", "runId": 77, "sizeBytes": 9,
            "digest": digest, "url": "https://x", "apiUrl": "https://evil.example/zip"}]}});
    let patch =
        ["patch", "testrunreport", "a", "-n", &namespace, "--subresource=status", "--type=merge", "-p"];
    let text = status.to_string();
    plane.kubectl_ok(&patch.iter().copied().chain([text.as_str()]).collect::<Vec<_>>()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&["artifacts", "a", "--download", folder.path().to_str().unwrap()]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("must-gather-unit/a.log")).unwrap(), "boom");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_results_are_recorded_suite_by_suite() {
    let plane = cluster().await;
    let namespace = plane.namespace("clilocal").await.unwrap();
    create(plane, &namespace, "a", false).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = write(
        "one.xml",
        r#"<testsuite><testcase name="x"/><testcase name="y"><failure message="no"/></testcase><testcase name="z"><skipped/></testcase></testsuite>"#,
    );
    let two = write("two.xml", r#"<testsuite><testcase name="p"/></testsuite>"#);
    let torn = write("torn.xml", r#"<testsuite><testcase name="p"/><testcase"#);
    let none = write("none.txt", "hello\n");
    let record = async |args: &[&str]| {
        let all: Vec<&str> = ["record-local"].iter().chain(args).copied().collect();
        cli(plane, &namespace, &all).await
    };
    let results = async || {
        let report = plane.admin().json(&["get", "testrunreport", "a", "-n", &namespace]).await.unwrap();
        report["spec"]["localResults"].clone()
    };
    let ran =
        record(&["a", "--suite", "Unit", &one, "--reporter", "jo", "--commit", "0123456789abcdef"]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert_eq!(ran.out, "Unit: 3 tests, 1 passed, 1 failed, 1 skipped, 0 flaked; recorded in a\n");
    assert_eq!(record(&["a", "--suite", "Other", &two]).await.code, PASSED);
    let found = results().await;
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    assert_eq!(
        (&found[0]["total"], &found[0]["failed"], &found[0]["failingTests"], &found[0]["reporter"]),
        (&json!(3), &json!(1), &json!(["y"]), &json!("jo"))
    );
    assert_eq!(record(&["a", "--suite", "Unit", &one, &two]).await.code, PASSED, "again, with more");
    let found = results().await;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["total"]), (2, &json!(4)), "{found}");

    // What somebody else wrote is not overwritten by accident.
    let other = json!([{"op": "replace", "path": "/spec/localResults/1/passed", "value": 0}]).to_string();
    plane
        .kubectl_ok(&["patch", "testrunreport", "a", "-n", &namespace, "--type=json", "-p", &other])
        .await
        .unwrap();
    let ran = record(&["a", "--suite", "Other", &two]).await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.err.contains("--force") && results().await[1]["passed"] == 0, "{}", ran.err);
    assert_eq!(record(&["a", "--suite", "Other", &two, "--force"]).await.code, PASSED);
    assert_eq!(results().await[1]["passed"], 1);

    for (args, code, why) in [
        (&["a", "--suite", "X", &torn][..], FAILED, "breaks off"),
        (&["a", "--suite", "X", &none], FAILED, "no test results"),
        (&["a", "--suite", "", &two], USAGE, "--suite"),
        (&["a", "--suite", "X", "--commit", "HEAD", &two], USAGE, "git rev-parse"),
        (&["b", "--suite", "X", &two], FAILED, "NotFound"),
    ] {
        let ran = record(args).await;
        assert!(ran.code == code && ran.err.contains(why), "{args:?}: {ran:?}");
    }
    assert!(
        plane.kubectl_ok(&["get", "testrunreport", "b", "-n", &namespace]).await.is_err(),
        "nothing is made"
    );
    let dry = record(&["a", "--suite", "Dry", &two, "--dry-run"]).await;
    assert!(dry.code == PASSED && dry.out.contains("\"total\": 1"), "{dry:?}");
    assert_eq!(results().await.as_array().unwrap().len(), 2);
}
