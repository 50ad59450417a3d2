//! Without a cluster: commits of a replayed GitHub.

use testkit::github::scenarios::pr20;
use testkit::github::{Fault, GitHub, JobSpec, Match, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::*;

pub const REPO: &str = "acme/shop";

/// One run with these jobs, ended long ago, on pull request 20.
pub fn commit(jobs: &[(&str, &str)]) -> GitHub {
    let jobs: Vec<(String, String)> = jobs.iter().map(|(n, c)| ((*n).into(), (*c).into())).collect();
    let head = sha_of("head");
    let specs = jobs.clone();
    let scenario = Scenario::new()
        .start_now()
        .setup(move |s| {
            s.add_repo(REPO).pull_request(PullSpec::new(20, &head).branch("feature/x"));
            s.add_repo("acme/other");
            let mut run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
            for (i, (name, _)) in specs.iter().enumerate() {
                run = run.job(JobSpec::new(name).id(501 + i as u64));
            }
            s.repo(REPO).add_run(run);
        })
        .at(secs(10), move |s| {
            for (i, (_, conclusion)) in jobs.iter().enumerate() {
                s.job(501 + i as u64).start();
                if conclusion != "in_progress" {
                    s.job(501 + i as u64).complete(conclusion);
                }
            }
            if jobs.iter().all(|(_, c)| c != "in_progress") {
                s.run(77).settle();
            }
        });
    let gh = GitHub::start(scenario);
    gh.pause();
    gh.advance(secs(600));
    gh
}

async fn gate(gh: &GitHub, more: &[&str]) -> Ran {
    let mut args = vec!["gate", "--repo", REPO, "--pr", "20"];
    args.extend(more);
    Cli::new(&args).on(gh).run().await
}

#[tokio::test]
async fn a_gate_exits_with_the_verdict() {
    for (jobs, code, word) in [
        (&[("unit", "success"), ("lint", "success")][..], PASSED, "passed: "),
        (&[("unit", "success"), ("lint", "failure")], FAILED, "failed: "),
        (&[("unit", "success"), ("lint", "cancelled")], FAILED, "failed: "),
        (&[("unit", "success"), ("lint", "skipped")], FAILED, "failed: "),
        (&[("unit", "success"), ("lint", "in_progress")], UNDECIDED, "undecided: "),
        (&[("unit", "success"), ("lint", "hatched")], UNDECIDED, "undecided: "),
    ] {
        let gh = commit(jobs);
        let ran = gate(&gh, &[]).await;
        assert_eq!(ran.code, code, "{jobs:?}: {ran:?}");
        let text = if code == PASSED { &ran.out } else { &ran.err };
        assert!(text.starts_with(word), "{ran:?}");
        assert_eq!(text.lines().count(), 1, "{ran:?}");
        assert!(gh.violations().is_empty() || jobs[1].1 == "hatched", "{:?}", gh.violations());
    }
}

#[tokio::test]
async fn a_check_run_that_a_workflow_made_with_its_token_counts() {
    // A test reporter says red while the job that ran it is green.
    let gh = commit(&[("unit", "success")]);
    let check = |name: &str| fake::CheckSpec::new(name, sha_of("head"), 15_368, "github-actions");
    gh.update(|s| {
        s.repo(REPO).add_check(check("Test Results").completed("success"));
    });
    gh.advance(secs(120));
    let ran = gate(&gh, &[]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    gh.update(|s| {
        s.repo(REPO).add_check(check("Test Results").completed("failure"));
    });
    gh.advance(secs(120));
    let ran = gate(&gh, &[]).await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.err.contains("Test Results"), "{ran:?}");
}

#[tokio::test]
async fn every_way_to_name_the_commit_gives_the_same_verdict() {
    let gh = commit(&[("unit", "success")]);
    let head = sha_of("head");
    let file = format!(
        "apiVersion: testrun.dev/v1alpha1\nkind: TestRunReport\nmetadata: {{name: a}}\nspec: {{source: {{github: {{repository: {REPO}, sha: {head}}}}}}}\n"
    );
    for args in [
        &["gate", "--repo", REPO, "--sha", &head][..],
        &["gate", "--repo", REPO, "--run", "77"],
        &["gate", "--repo", REPO, "--branch", "feature/x"],
        &["gate", "--repo", "ACME/Shop", "--pr", "20"],
    ] {
        let ran = Cli::new(args).on(&gh).run().await;
        assert_eq!(ran.code, PASSED, "{args:?}: {ran:?}");
        assert!(ran.out.contains(&head), "{ran:?}");
    }
    let ran = Cli::new(&["gate", "-f", "-"]).on(&gh).input(&file).run().await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    // A status in the file is nobody's verdict.
    let forged = format!("{file}status: {{phase: Passed, observedGeneration: 1}}\n");
    gh.update(|s| {
        s.job(501).raw("completed", Some("failure"));
    });
    let ran = Cli::new(&["gate", "-f", "-"]).on(&gh).input(&forged).run().await;
    assert_eq!(ran.code, FAILED, "{ran:?}");
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let gh = commit(&[("unit", "success")]);
    let nothing = "0".repeat(40);
    for (args, says) in [
        (&["--repo", REPO, "--pr", "21"][..], "pull request 21"),
        (&["--repo", "acme/none", "--branch", "main"], "repository acme/none"),
        (&["--repo", REPO, "--sha", &nothing], "commit 0000"),
        (&["--repo", REPO, "--run", "9"], "workflow run 9"),
        (&["--repo", "acme/other", "--run", "77"], "workflow run 77"),
        (&["--repo", REPO, "--branch", "none"], "branch none"),
    ] {
        for command in ["gate", "report"] {
            let all: Vec<&str> = [command].iter().chain(args).copied().collect();
            let ran = Cli::new(&all).on(&gh).run().await;
            assert_eq!(ran.code, UNREADABLE, "{all:?}: {ran:?}");
            assert!(ran.err.contains(says), "{all:?}: {ran:?}");
        }
    }
    let pr = ["gate", "--repo", REPO, "--pr", "20"];
    let revoked = Cli::new(&pr).on(&gh).env("GITHUB_TOKEN", "ghp_revoked").run().await;
    assert_eq!(revoked.code, UNREADABLE, "{revoked:?}");
    assert!(revoked.err.contains("credential") && !revoked.err.contains("ghp_"), "{revoked:?}");
    for fault in [Fault::Status(500), Fault::Garbage("<html>".into()), Fault::PrimaryLimit] {
        gh.fail(Match::path("/jobs"), fault);
        let ran = Cli::new(&pr).on(&gh).run().await;
        assert_eq!(ran.code, UNREADABLE, "{ran:?}");
        gh.clear_faults();
        gh.update(|s| s.limits.refresh());
    }
    let away = Cli::new(&pr).env("GITHUB_API_URL", "http://127.0.0.1:9").run().await;
    assert_eq!(away.code, UNREADABLE, "{away:?}");
}

#[tokio::test]
async fn wrong_usage_is_64_and_says_what_to_write() {
    for (args, says) in [
        (&[][..], "Usage"),
        (&["gate"], "--repo"),
        (&["gate", "--repo", REPO], "--sha"),
        (&["gate", "--repo", "shop", "--pr", "1"], "owner/name"),
        (&["gate", "--repo", REPO, "--sha", "99361f9"], "40"),
        (&["gate", "--repo", REPO, "--sha", ""], "sha"),
        (&["gate", "--repo", REPO, "--pr", "0"], "pullRequest"),
        (&["gate", "--repo", REPO, "--pr", "x"], "invalid value"),
        (&["gate", "--repo", REPO, "--pr", "1", "--timeout", "soon"], "30s"),
        (&["gate", "--repo", REPO, "--pr", "1", "--github-url", "http://api.github.com"], "in the clear"),
        (&["gate", "name", "--pr", "1", "--repo", REPO], "--sha"),
        (&["report", "--repo", REPO, "--pr", "1", "-o", "xml"], "markdown"),
        (&["report", "-f", "/nowhere/report.yaml"], "report.yaml"),
        (&["nothing"], "unrecognized"),
    ] {
        let ran = Cli::new(args).run().await;
        assert_eq!(ran.code, USAGE, "{args:?}: {ran:?}");
        assert!(ran.err.contains(says), "{args:?}: {ran:?}");
        assert!(ran.out.is_empty(), "{ran:?}");
    }
    let unknown = "apiVersion: testrun.dev/v1alpha1\nkind: TestRunReport\nmetadata: {name: a}\nspec: {source: {github: {repository: a/b, pullRequest: 1}}, gates: {}}";
    let ran = Cli::new(&["gate", "-f", "-"]).input(unknown).run().await;
    assert_eq!(ran.code, USAGE, "{ran:?}");
    assert!(ran.err.contains("gates"), "{ran:?}");
}

#[tokio::test]
async fn a_time_out_waits_for_the_verdict_and_no_longer() {
    let gh = commit(&[("unit", "success"), ("lint", "in_progress")]);
    let waits = ["--timeout", "90s", "--poll-interval", "100ms"];
    let (ran, ()) = tokio::join!(gate(&gh, &waits), async {
        gh.until(secs(60), |r| r.iter().filter(|r| r.path.ends_with("/jobs")).count() >= 3).await;
        gh.update(|s| {
            s.job(502).complete("success");
            s.run(77).settle();
        });
        gh.advance(secs(120));
    });
    assert_eq!(ran.code, PASSED, "{ran:?}");
    let gh = commit(&[("unit", "success"), ("lint", "in_progress")]);
    let ran = gate(&gh, &["--timeout", "2s", "--poll-interval", "100ms"]).await;
    assert_eq!(ran.code, UNDECIDED, "{ran:?}");
}

#[tokio::test]
async fn a_pull_request_of_a_fork_is_judged_and_named_as_one() {
    let gh = commit(&[("unit", "success")]);
    let head = sha_of("fork");
    gh.update(move |s| {
        s.add_repo("mallory/shop").fork();
        s.repo(REPO).pull_request(PullSpec::new(21, &head).branch("x").from_fork("mallory/shop"));
    });
    let ran = Cli::new(&["gate", "--repo", REPO, "--pr", "21"]).on(&gh).run().await;
    assert_eq!(ran.code, UNDECIDED, "no run yet: {ran:?}");
    let ran = Cli::new(&["report", "--repo", REPO, "--pr", "21", "-o", "yaml"]).on(&gh).run().await;
    assert!(ran.out.contains("comes from a fork"), "{ran:?}");
}

#[tokio::test]
async fn names_of_strangers_do_not_reach_a_terminal() {
    let evil = "unit \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gnp | <script>alert(1)</script> @everyone `x` [a](http://evil)";
    let gh = commit(&[(evil, "failure"), ("lint\r\nforged: passed", "failure")]);
    for output in ["table", "wide", "markdown", "yaml", "json", "html"] {
        let ran = Cli::new(&["report", "--repo", REPO, "--pr", "20", "-o", output]).on(&gh).run().await;
        assert_eq!(ran.code, 0, "{ran:?}");
        for bad in ['\u{1b}', '\u{7}', '\u{202e}', '\r'] {
            assert!(!ran.out.contains(bad), "{output}: {bad:?}");
        }
        assert!(!ran.out.lines().any(|l| l.starts_with("forged")), "{output}");
        if matches!(output, "markdown" | "html") {
            assert!(!ran.out.contains("<script>"), "{output}");
        }
        if output == "markdown" {
            assert!(!ran.out.contains("](http://evil)") && !ran.out.contains("@everyone"));
        }
    }
    let ran = gate(&gh, &[]).await;
    assert_eq!((ran.code, ran.err.lines().count()), (FAILED, 1), "{ran:?}");
    assert!(!ran.err.contains('\u{1b}'));
}

#[tokio::test]
async fn in_a_pipe_only_the_report_is_printed() {
    let gh = GitHub::start(pr20::pull_request_20().concluded().start_now());
    gh.pause();
    gh.advance(pr20::CONCLUDED + secs(600));
    let file = repository("examples/pull-request-20.yaml");
    for output in ["table", "yaml", "json", "markdown"] {
        let ran = Cli::new(&["report", "-f", file.to_str().unwrap(), "-o", output]).on(&gh).run().await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert!(!ran.out.contains('\u{1b}'));
        if output == "json" {
            let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
            assert_eq!(report["kind"], "TestRunReport");
            assert_eq!(report["status"]["phase"], "Failed");
        }
    }
    let gate = Cli::new(&["gate", "-f", file.to_str().unwrap()]).on(&gh).run().await;
    assert_eq!(gate.code, FAILED, "{gate:?}");
    assert!(gate.err.contains("integration (aianalysis)"), "the undecided one failed later: {gate:?}");
}
