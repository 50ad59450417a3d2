//! Asking for a re-run by hand.

use serde_json::json;
use testkit::github::{Fault, GitHub, Match, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::*;
use crate::cluster::cluster;

const REPO: &str = "acme/shop";

/// Pull request 20 with a red workflow (run 77), a green one (78) and one that still runs (79).
fn commit() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
        for (id, name) in [(77, "ci"), (78, "docs"), (79, "slow")] {
            let run = RunSpec::new(id).workflow(name, format!(".github/workflows/{name}.yml"));
            s.repo(REPO).add_run(run.pull_request(20).job((id * 10, "one")).job((id * 10 + 1, "two")));
            s.job(id * 10).start();
            s.job(id * 10 + 1).start();
        }
        for (job, conclusion) in [(770, "failure"), (771, "success"), (780, "success"), (781, "success")] {
            s.job(job).complete(conclusion);
        }
        s.run(77).settle();
        s.run(78).settle();
        s.run(79).start();
    }));
    gh.pause();
    gh.advance(secs(600));
    gh
}

async fn rerun(gh: &GitHub, args: &[&str]) -> Ran {
    let all: Vec<&str> = ["rerun"].iter().chain(args).copied().collect();
    Cli::new(&all).on(gh).run().await
}

fn asked(gh: &GitHub) -> Vec<String> {
    let root = format!("/repos/{REPO}/actions/runs/");
    gh.writes().into_iter().map(|r| r.path.replace(&root, "")).collect()
}

#[tokio::test]
async fn what_failed_is_run_again_whatever_names_the_commit() {
    let head = sha_of("head");
    for (args, path) in [
        (&["--pr", "20", "--failed"][..], "77/rerun-failed-jobs"),
        (&["--sha", &head], "77/rerun"),
        (&["--branch", "feature/x", "--failed"], "77/rerun-failed-jobs"),
        (&["--pr", "20", "--run", "78"], "78/rerun"),
        (&["--run", "77", "--failed"], "77/rerun-failed-jobs"),
    ] {
        let gh = commit();
        let all: Vec<&str> = ["--repo", REPO].iter().chain(args).copied().collect();
        let ran = rerun(&gh, &all).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        assert!(ran.out.contains("again, as attempt 2"), "{ran:?}");
        assert_eq!(asked(&gh), [path], "{args:?}");
        assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    }
}

#[tokio::test]
async fn nothing_is_asked_for_twice_or_for_nothing() {
    let gh = commit();
    let pr = ["--repo", REPO, "--pr", "20", "--failed"];
    let dry = rerun(&gh, &["--repo", REPO, "--pr", "20", "--failed", "--dry-run"]).await;
    assert_eq!((dry.code, asked(&gh).len()), (0, 0), "{dry:?}");
    assert!(dry.out.contains("run 77 (ci) of acme/shop would run its failed jobs again"), "{dry:?}");
    assert_eq!(rerun(&gh, &pr).await.code, 0);
    let again = rerun(&gh, &pr).await;
    assert_eq!(again.code, 1, "attempt 2 runs: {again:?}");
    let running = rerun(&gh, &["--repo", REPO, "--run", "79"]).await;
    assert!(running.code == 1 && running.err.contains("has not ended"), "{running:?}");
    let other = rerun(&gh, &["--repo", REPO, "--pr", "20", "--run", "5"]).await;
    assert!(other.code == 1 && other.err.contains("none of the runs of commit"), "{other:?}");
    assert_eq!(asked(&gh), ["77/rerun-failed-jobs"]);

    // GitHub takes the request and the answer is lost.
    let gh = commit();
    gh.fail(Match::path("/rerun-failed-jobs").method("POST"), Fault::Truncate);
    let lost = rerun(&gh, &pr).await;
    assert!(lost.code == 0 && lost.out.contains("as attempt 2"), "{lost:?}");
    assert_eq!(asked(&gh).len(), 1);

    // Somebody else was faster, between the look at the commit and the request.
    let gh = commit();
    let faster = Fault::Edit(std::sync::Arc::new(|run| run["run_attempt"] = json!(2)));
    gh.fail(Match::path("/actions/runs/77$"), faster);
    let late = rerun(&gh, &pr).await;
    assert!(late.code == 0 && late.out.contains("has begun attempt 2 already"), "{late:?}");
    assert!(asked(&gh).is_empty());
}

#[tokio::test]
async fn a_refusal_has_its_reason() {
    let pr = ["--repo", REPO, "--pr", "20", "--failed"];
    let gh = commit();
    gh.update(|s| s.refuse_reruns = true);
    let old = rerun(&gh, &pr).await;
    assert!(old.code == 1 && old.err.contains("older than 30 days"), "{old:?}");
    let gh = commit();
    gh.update(|s| {
        let mut all = testkit::github::all_permissions();
        all.insert("actions".into(), "read".into());
        s.add_token(fake::TOKEN).permissions = Some(all);
    });
    let reader = rerun(&gh, &pr).await;
    assert!(reader.code == 1 && reader.err.contains("it needs the permission actions=write"), "{reader:?}");
    let gh = commit();
    gh.fail(Match::path("/rerun-failed-jobs"), Fault::SecondaryLimit(403, Some(60)));
    let limited = rerun(&gh, &pr).await;
    assert!(limited.code == UNREADABLE && limited.err.contains("rate limit"), "{limited:?}");
    for (args, says) in [
        (&["rerun"][..], "--repo"),
        (&["rerun", "--repo", REPO], "--sha"),
        (&["rerun", "name", "--repo", REPO, "--pr", "1"], "cannot be used with"),
        (&["rerun", "--repo", REPO, "--sha", "99361f9"], "40"),
    ] {
        let ran = Cli::new(args).run().await;
        assert!(ran.code == USAGE && ran.err.contains(says), "{args:?}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_cluster_names_the_commit_that_it_was_decided_for() {
    let plane = cluster().await;
    let namespace = plane.namespace("clirerun").await.unwrap();
    let gh = commit();
    let on = async |args: &[&str]| {
        let all: Vec<&str> = ["rerun", "-n", &namespace].iter().chain(args).copied().collect();
        Cli::new(&all).on(&gh).env("KUBECONFIG", plane.kubeconfig_path().to_str().unwrap()).run().await
    };
    let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}}});
    plane.admin().with_file(&object.to_string(), &["create"]).await.unwrap();
    let condition = json!({"type": "Passed", "status": "False", "reason": "RequiredFailed", "message": "red",
        "observedGeneration": 1, "lastTransitionTime": "2026-01-23T16:00:00Z"});
    let status = json!({"status": {"observedGeneration": 1, "phase": "Failed", "conditions": [condition],
        "source": {"repository": REPO, "sha": sha_of("head"), "shortSha": "head"}}});
    plane
        .kubectl_ok(
            &["patch", "trr", "a", "-n", &namespace, "--subresource=status", "--type=merge", "-p"]
                .iter()
                .copied()
                .chain([status.to_string().as_str()])
                .collect::<Vec<_>>(),
        )
        .await
        .unwrap();
    // The author pushes; what was decided is run again, not what came after it.
    gh.update(|s| {
        s.repo(REPO).push(20, &sha_of("next"), false);
    });
    let ran = on(&["a", "--failed"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(asked(&gh), ["77/rerun-failed-jobs"]);
    let none = on(&["none"]).await;
    assert!(none.code == FAILED && none.err.contains("NotFound"), "{none:?}");
}
