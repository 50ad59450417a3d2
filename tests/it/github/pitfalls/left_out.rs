//! What an answer leaves out: runs beyond a bound, runs and checks that do not say whose they are, and runs that never
//! were.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::github::{CheckSpec, Fault, Match};
use testrun_operator::webhooks::{Kind, read};

use super::*;

const UNREADABLE: &str = "Unknown/InvalidAnswer";

/// Changes each entry of a list.
fn each(list: &'static str, change: fn(&mut Value)) -> Fault {
    Fault::Edit(Arc::new(move |body: &mut Value| {
        body[list].as_array_mut().into_iter().flatten().for_each(change);
    }))
}

/// Anybody who may write comments starts runs of the default branch, and GitHub lists a thousand runs of a commit.
#[tokio::test]
async fn a_list_that_ends_at_a_thousand_runs_is_not_all_of_them() {
    for (comments, want) in [(5, FAILED), (1000, UNREADABLE)] {
        let scenario = Scenario::new().start_at("2026-01-23T16:00:00Z").setup(move |s| {
            s.add_repo(REPO).branch("main", &sha_of("base"));
            let push = RunSpec::new(10).workflow("CI", CI).event("push").branch("main").sha(sha_of("base"));
            s.repo(REPO).add_run(push.job((100, "unit")));
            s.run(10).start();
            s.job(100).complete("failure");
            s.run(10).settle();
            for id in 0..comments {
                let run = RunSpec::new(1000 + id).workflow("Bot", ".github/workflows/bot.yml").branch("main");
                let run = run.event("issue_comment").sha(sha_of("base"));
                s.repo(REPO).add_run(run.state("completed", Some("success")));
            }
        });
        let mut bench = Bench::of(scenario, spec(REPO, |s| s.branch = Some("main".into())));
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, want, "{comments}: {}", bench.message());
        bench.clean();
    }
}

/// A run under another name than that of the repository is one of a repository that was renamed while it was read.
#[tokio::test]
async fn a_run_or_a_check_that_does_not_say_whose_it_is_is_not_left_out() {
    type Change = fn(&mut Value);
    let changes: [(&str, &'static str, &str, Change); 4] = [
        ("/actions/runs$", "workflow_runs", UNREADABLE, |run| {
            run["repository"]["full_name"] = json!("acme/store");
        }),
        ("/actions/runs$", "workflow_runs", UNREADABLE, |run| run["repository"] = json!(null)),
        ("/actions/runs$", "workflow_runs", UNREADABLE, |run| run["head_sha"] = json!(null)),
        // These are listed for the commit and no other.
        ("/check-runs$", "check_runs", FAILED, |run| run["head_sha"] = json!(null)),
    ];
    for (path, list, want, change) in changes {
        for red_job in [true, false] {
            let mut bench = Bench::ended(&[("unit", if red_job { "failure" } else { "success" })]);
            bench.update(|s| {
                let scan = CheckSpec::new("scan", sha_of("head"), 254, "scan");
                s.repo(REPO).add_check(scan.completed(if red_job { "success" } else { "failure" }));
            });
            bench.gh.advance(secs(600));
            bench.gh.fail(Match::path(path), each(list, change));
            assert_eq!(bench.verdict().await, want, "{path}: {}", bench.message());
            bench.gh.clear_faults();
            assert_eq!(bench.verdict().await, FAILED, "{path}: {}", bench.message());
        }
    }
}

#[tokio::test]
async fn a_commit_that_goes_nobody_knows_where_is_not_passed() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    bench.gh.fail(
        Match::path("/pulls/20$"),
        Fault::Edit(Arc::new(|body: &mut Value| body["base"]["ref"] = json!(null))),
    );
    assert_eq!(bench.verdict().await, "Unknown/Undecidable", "{}", bench.message());
    assert!(bench.message().contains("which branch"), "{}", bench.message());
    bench.gh.clear_faults();
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
}

/// Which pull request a commit is of says which branch it is to be merged into.
#[tokio::test]
async fn a_commit_whose_pull_requests_may_not_be_read_is_not_passed() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    bench.spec = spec(REPO, |s| s.sha = Some(sha_of("head")));
    bench.update(|s| {
        s.repo(REPO).branch("release", &sha_of("base")).retarget(20, "release");
        s.repo(REPO).rule("release", &[("e2e", None)]);
    });
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    bench.gh.fail(Match::path("/pulls$"), Fault::Status(403));
    assert_eq!(bench.verdict().await, "Unknown/Undecidable", "{}", bench.message());
    assert!(bench.message().contains("pull requests of commit"), "{}", bench.message());
}

#[tokio::test]
async fn what_is_said_once_not_to_be_there_is_asked_for_again() {
    for path in ["/rules/branches/main$", "/shop/branches/main$"] {
        let mut bench = Bench::ended(&[("unit", "success")]);
        bench.update(|s| {
            match path.contains("rules") {
                true => s.repo(REPO).rule("main", &[("e2e", None)]),
                false => s.repo(REPO).protect("main", &[("e2e", None)]),
            };
        });
        bench.gh.fail(Match::path(path).times(1), Fault::Status(404));
        assert_eq!(bench.verdict().await, "Unknown/Expecting", "{path}: {}", bench.message());
    }
}

#[tokio::test]
async fn a_pull_request_that_is_retargeted_during_a_look_ends_nothing() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    let release = |body: &mut Value| body["base"]["ref"] = json!("release");
    bench.gh.fail(Match::path("/pulls/20$").after(1), Fault::Edit(Arc::new(release)));
    assert_eq!(bench.verdict().await, "Unknown/Settling", "{}", bench.message());
    bench.gh.clear_faults();
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
}

/// `[skip ci]` in a message, a conflict with the base branch, and filters keep every workflow from running.
#[tokio::test]
async fn a_commit_that_no_workflow_ran_for_is_not_passed_by_a_bot() {
    for (others, labels, want) in [
        (0, true, PASSED),
        (2, false, PASSED),
        (3, false, "Unknown/Expecting"),
        (3, true, "Unknown/Expecting"),
    ] {
        let scenario = empty().setup(move |s| {
            for number in 31..31 + others {
                let branch = format!("y{number}");
                s.repo(REPO).pull_request(PullSpec::new(number, sha_of(&branch)).branch(&branch));
                let run = RunSpec::new(number).workflow("CI", CI).pull_request(number);
                s.repo(REPO).add_run(run.job((number * 10, "unit")));
            }
            s.repo(REPO).status(&sha_of("head"), "license/cla", "success");
            if labels {
                let path = ".github/workflows/label.yml";
                let run =
                    RunSpec::new(60).workflow("Label", path).pull_request(20).event("pull_request_target");
                s.repo(REPO).add_run(run.job((600, "label")));
                s.run(60).start();
                s.job(600).start();
                s.job(600).complete("success");
                s.run(60).settle();
            }
        });
        let mut bench = Bench::start(scenario);
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, want, "{others} {labels}: {}", bench.message());
        if others > 2 {
            assert!(bench.message().contains("a workflow run"), "{}", bench.message());
            // It runs after all.
            bench.update(|s| {
                begin(s, 77, "CI", &["unit"]);
                end(s, 77, &["success"]);
            });
            bench.gh.advance(secs(60));
            assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
        }
        bench.clean();
    }
}

/// GitHub tells of a run by an event before its lists have it.
#[tokio::test]
async fn a_list_without_the_run_that_an_event_told_of_ends_nothing() {
    let bench = Bench::ended(&[("unit", "success")]);
    let begun = |run: u64, attempt: u64, sha: String| {
        let run = json!({"id": run, "run_attempt": attempt, "head_sha": sha, "status": "queued"});
        let body = json!({"action": "requested", "repository": {"full_name": REPO}, "workflow_run": run});
        match read("workflow_run", body.to_string().as_bytes()).unwrap().remove(0).kind {
            Kind::Run { run: Some(run), .. } => run,
            other => panic!("{other:?}"),
        }
    };
    for (run, attempt, sha, want) in
        [(77, 1, "head", true), (77, 2, "head", false), (78, 1, "head", false), (78, 1, "another", true)]
    {
        let look = Look { told: vec![begun(run, attempt, sha_of(sha))], ..Look::whole() };
        let seen = facts(collect(&bench.client, &bench.spec, &bench.memory, look).await);
        assert_eq!(seen.confirmed, want, "run {run}, attempt {attempt} of {sha}");
    }
}

/// A renamed branch is answered under its old name for good, and its rules are under the new one.
#[tokio::test]
async fn a_branch_that_was_renamed_must_have_what_its_new_name_requires() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    bench.spec = spec(REPO, |s| s.branch = Some("old".into()));
    bench.update(|s| {
        s.repo(REPO).branch("trunk", &sha_of("head")).rule("trunk", &[("e2e", None)]);
    });
    let trunk = format!("{}/repos/{REPO}/branches/trunk", bench.gh.url());
    bench.gh.fail(Match::path("/shop/branches/old$"), Fault::Redirect(trunk));
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    assert!(bench.message().contains("e2e"), "{}", bench.message());
}
