//! What somebody can do who may open pull requests and write comments, to make less be asked of a commit; and lists
//! that end too early.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::github::{Annotation, Fault, Match};

use super::*;

const FORK: &str = "mallory/shop";
const EXPECTING: &str = "Unknown/Expecting";

/// A repository with a fork, whose default branch was green with jobs of these workflows.
fn repository(green: &'static [(&'static str, &'static [&'static str])]) -> Scenario {
    Scenario::new().start_at("2026-01-23T16:00:00Z").setup(move |s| {
        s.add_repo(FORK).fork();
        s.add_repo("friend/shop").fork();
        s.add_repo(REPO).branch("main", &sha_of("base"));
        for (at, (workflow, jobs)) in green.iter().enumerate() {
            ran(s, 10 + at as u64, workflow, jobs, |r| r.event("push").branch("main").sha(sha_of("base")));
        }
    })
}

/// A green run of a workflow with jobs of these names.
fn ran(s: &mut State, id: u64, workflow: &str, jobs: &[&str], set: impl FnOnce(RunSpec) -> RunSpec) {
    let path = format!(".github/workflows/{}.yml", workflow.to_lowercase());
    let mut spec = set(RunSpec::new(id).workflow(workflow, path));
    for (at, name) in jobs.iter().enumerate() {
        spec = spec.job((id * 10 + at as u64, *name));
    }
    s.repo(REPO).add_run(spec);
    s.run(id).start();
    for at in 0..jobs.len() as u64 {
        s.job(id * 10 + at).start();
        s.job(id * 10 + at).complete("success");
    }
    s.run(id).settle();
}

/// A bench about this source, long after all that was set up.
fn about(scenario: Scenario, set: impl FnOnce(&mut GitHubSource)) -> Bench {
    let bench = Bench::of(scenario, spec(REPO, set));
    bench.gh.advance(secs(600));
    bench
}

#[tokio::test]
async fn a_pull_request_of_a_fork_does_not_say_what_a_commit_must_have() {
    for pushed in [true, false] {
        let scenario = repository(&[("CI", &["unit", "e2e"]), ("Release", &["sign"])]).setup(move |s| {
            s.repo(REPO).rule("main", &[("e2e", None)]).branch("docs", &sha_of("docs"));
            if pushed {
                s.repo(REPO).branch("release", &sha_of("x"));
                ran(s, 20, "CI", &["unit"], |r| r.event("push").branch("release").sha(sha_of("x")));
                ran(s, 21, "Release", &["sign"], |r| r.event("push").branch("release").sha(sha_of("x")));
            }
            // Of the fork, which has all commits of the repository, into a branch that requires nothing.
            s.repo(REPO)
                .pull_request(PullSpec::new(66, sha_of("x")).from_fork(FORK).branch("x").base("docs"));
            if !pushed {
                ran(s, 22, "CI", &["unit"], |r| r.pull_request(66).from_fork(FORK));
            }
        });
        let mut bench = about(scenario, |s| s.sha = Some(sha_of("x")));
        assert_eq!(bench.verdict().await, EXPECTING, "pushed: {pushed}: {}", bench.message());
        assert!(bench.message().contains("e2e"), "{}", bench.message());
        bench.clean();
    }
    // Who may push to the repository says where a commit goes.
    let scenario = repository(&[("CI", &["unit", "e2e"])]).setup(|s| {
        s.repo(REPO).rule("main", &[("e2e", None)]).branch("docs", &sha_of("docs"));
        s.repo(REPO).pull_request(PullSpec::new(20, sha_of("x")).branch("x").base("docs"));
        s.repo(REPO).pull_request(PullSpec::new(66, sha_of("x")).from_fork(FORK).branch("x").base("main"));
        ran(s, 22, "CI", &["unit"], |r| r.pull_request(20));
    });
    let mut bench = about(scenario, |s| s.sha = Some(sha_of("x")));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn comments_do_not_push_what_the_base_branch_had_out_of_sight() {
    for comments in [40, 120] {
        let scenario = repository(&[("CI", &["unit", "e2e"])]).setup(move |s| {
            for id in 0..comments {
                let run = RunSpec::new(1000 + id).workflow("Bot", ".github/workflows/bot.yml").branch("main");
                let run = run.event("issue_comment").sha(sha_of("base"));
                s.repo(REPO).add_run(run.state("completed", Some("success")));
            }
            s.repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("x"));
            ran(s, 20, "CI", &["unit"], |r| r.pull_request(20));
        });
        let mut bench = about(scenario, |s| s.pull_request = Some(20));
        assert_eq!(bench.verdict().await, EXPECTING, "{comments}: {}", bench.message());
        assert!(bench.message().contains("e2e"), "{}", bench.message());
        bench.clean();
    }
}

#[tokio::test]
async fn pull_requests_of_forks_do_not_say_which_workflows_run_for_others() {
    const FRIEND: &str = "friend/shop";
    let runs = |events: &'static str| Some(format!("name: E2E\non: [{events}]\njobs: {{}}\n"));
    for (others, e2e, want) in [
        (FORK, runs("push"), EXPECTING),
        // The same person may have two accounts: what the base branch has in its file counts.
        (FRIEND, runs("push, pull_request"), EXPECTING),
        (FRIEND, Some("on: \u{7}: 1".to_owned()), EXPECTING),
        (FRIEND, None, EXPECTING),
        (FRIEND, runs("push"), PASSED),
        // Who may push to the repository is asked first.
        (REPO, runs("push, pull_request"), PASSED),
    ] {
        let told = format!("{others}, {e2e:?}");
        let scenario = repository(&[("CI", &["unit"]), ("E2E", &["e2e"])]).setup(move |s| {
            if let Some(text) = &e2e {
                s.repo(REPO).file("main", ".github/workflows/e2e.yml", text);
            }
            for number in 31..35_u64 {
                let branch = format!("y{number}");
                let pull = PullSpec::new(number, sha_of(&branch)).branch(&branch);
                let foreign = others != REPO;
                s.repo(REPO).pull_request(if foreign { pull.from_fork(others) } else { pull });
                let of = |r: RunSpec| if foreign { r.from_fork(others) } else { r };
                ran(s, number, "CI", &["unit"], |r| of(r.pull_request(number)));
            }
            s.repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).from_fork(FORK).branch("x"));
            ran(s, 20, "CI", &["unit"], |r| r.pull_request(20).from_fork(FORK));
        });
        let mut bench = about(scenario, |s| s.pull_request = Some(20));
        assert_eq!(bench.verdict().await, want, "{told}: {}", bench.message());
        bench.clean();
    }
}

#[tokio::test]
async fn a_commit_of_a_merge_queue_must_have_what_its_base_requires() {
    let queue = |n: u64| format!("gh-readonly-queue/main/pr-{n}-{}", sha_of("base"));
    type Set = fn(&mut GitHubSource);
    let sources: [(&str, Set); 2] = [
        ("its branch", |s| s.branch = Some(format!("gh-readonly-queue/main/pr-20-{}", sha_of("base")))),
        ("its commit", |s| s.sha = Some(sha_of("queued 20"))),
    ];
    for (what, set) in sources {
        let scenario = repository(&[("CI", &["unit"]), ("Release", &["sign"])]).setup(move |s| {
            s.repo(REPO).rule("main", &[("e2e", None)]);
            for n in 20..24_u64 {
                let sha = sha_of(&format!("queued {n}"));
                s.repo(REPO).branch(&queue(n), &sha);
                ran(s, n, "CI", &["unit"], |r| r.event("merge_group").branch(queue(n)).sha(sha));
            }
        });
        let mut bench = about(scenario, set);
        assert_eq!(bench.verdict().await, EXPECTING, "{what}: {}", bench.message());
        assert!(bench.message().contains("e2e"), "{what}: {}", bench.message());
        // What the queue does not run is not waited for: the release runs when it is merged.
        assert!(!bench.message().contains("sign"), "{what}: {}", bench.message());
        bench.update(|s| {
            ran(s, 90, "E2E", &["e2e"], |r| {
                r.event("merge_group").branch(queue(20)).sha(sha_of("queued 20"))
            });
        });
        bench.gh.advance(secs(60));
        assert_eq!(bench.verdict().await, PASSED, "{what}: {}", bench.message());
        bench.clean();
    }
}

#[tokio::test]
async fn a_page_that_is_not_full_is_not_the_last_one_if_another_follows() {
    let mut bench = Bench::start(empty().setup(|s| {
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
        for n in 0..150 {
            let state = if n == 0 { "failure" } else { "success" };
            s.repo(REPO).status(&sha_of("head"), &format!("ci/{n}"), state);
        }
    }));
    bench.gh.advance(secs(600));
    // GitHub leaves out of a page what may not be seen; the newest statuses are on the first.
    let short = |body: &mut Value| {
        let list = body.as_array_mut().unwrap();
        if list.len() == 100 {
            list.pop();
        }
    };
    bench.gh.fail(Match::path("/statuses$"), Fault::Edit(Arc::new(short)));
    assert_eq!(bench.verdict().await, FAILED, "{}", bench.message());
    assert!(bench.message().contains("ci/0"), "{}", bench.message());
    bench.gh.clear_faults();
}

#[tokio::test]
async fn a_job_with_more_remarks_than_are_read_is_not_excused() {
    for (noise, want) in [(99, PASSED), (100, FAILED)] {
        let mut bench = Bench::start(empty().setup(move |s| {
            begin(s, 77, "CI", &["build", "unit"]);
            for line in 0..noise {
                s.job(771).annotate(Annotation::new("warning", "a.go", line + 1, "unused"));
            }
            if noise >= 100 {
                let late = "The job has exceeded the maximum execution time of 10m0s";
                s.job(771).annotate(Annotation::new("failure", ".github", 1, late));
            }
            s.job(771).complete("failure");
            s.job(770).complete("success");
            s.run(77).settle();
        }));
        bench.spec.waivers =
            serde_json::from_value(json!([{"job": "unit", "reason": "known", "approver": "ann",
            "expiresAt": "2099-01-01T00:00:00Z"}]))
            .unwrap();
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, want, "{noise}: {}", bench.message());
        assert_eq!(bench.verdict().await, want, "{noise}, as it is remembered: {}", bench.message());
        bench.clean();
    }
}
