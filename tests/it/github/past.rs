//! How failed jobs did lately on the base branch: read within bounds, and once for all reports.

use serde_json::json;
use testkit::github::{GitHub as Fake, PullSpec, RunSpec, Scenario, State, secs, sha_of};
use testrun_operator::verdict::facts::Past;
use testrun_operator::verdict::{Context, evaluate};

use super::*;

const REPO: &str = "acme/shop";

/// A run of a commit of main whose jobs ended like this; their ids follow on that of the run times ten.
fn on_main(s: &mut State, run: u64, jobs: &[(&str, &str)]) {
    let sha = sha_of(&format!("main {run}"));
    s.repo(REPO).branch("main", &sha);
    let spec =
        RunSpec::new(run).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main").sha(sha);
    ended(s, run, spec, jobs);
}

fn ended(s: &mut State, run: u64, mut spec: RunSpec, jobs: &[(&str, &str)]) {
    for (at, (name, _)) in jobs.iter().enumerate() {
        spec = spec.job((run * 10 + at as u64, *name));
    }
    s.repo(REPO).add_run(spec);
    for (at, (_, conclusion)) in jobs.iter().enumerate() {
        s.job(run * 10 + at as u64).start();
        s.job(run * 10 + at as u64).complete(conclusion);
    }
    s.run(run).settle();
}

fn github(runs: u64) -> Fake {
    let gh = Fake::start(Scenario::new().start_now().setup(move |s| {
        s.add_repo(REPO);
        for run in 0..runs {
            let e2e = if run % 4 == 0 { "success" } else { "failure" };
            on_main(s, 100 + run, &[("unit", "success"), ("e2e", e2e), ("lint", "cancelled")]);
        }
        for (number, run) in [(20, 900), (21, 901)] {
            s.repo(REPO).pull_request(PullSpec::new(number, sha_of(&format!("head {number}"))));
            let spec = RunSpec::new(run).workflow("CI", ".github/workflows/ci.yml").pull_request(number);
            ended(
                s,
                run,
                spec,
                &[("unit", "failure"), ("e2e", "failure"), ("lint", "failure"), ("new", "failure")],
            );
        }
    }));
    gh.pause();
    gh.advance(secs(600));
    gh
}

/// Requests for jobs of runs of main.
fn reads(gh: &Fake) -> usize {
    let of_main = |path: &str| path.contains("/actions/runs/1") && path.ends_with("/jobs");
    gh.requests().iter().filter(|r| of_main(&r.path)).count()
}

async fn pasts(client: &GitHub, memory: &Memory, pull: i64) -> Vec<Option<Past>> {
    let seen =
        facts(collect(client, &spec(REPO, |s| s.pull_request = Some(pull)), memory, Look::whole()).await);
    assert!(seen.gaps.iter().all(|g| !g.message.contains("past")), "{:?}", seen.gaps);
    ["unit", "e2e", "lint", "new"]
        .map(|name| seen.runs[0].jobs.iter().find(|j| j.name == name).unwrap().past.clone())
        .into()
}

#[tokio::test]
async fn failed_jobs_are_compared_with_the_last_runs_of_the_base_branch() {
    let gh = github(30);
    let (client, memory) = (client(&gh), Memory::new());
    let past = |passed, failed| Some(Past { branch: "main".into(), passed, failed });
    // Of the eight newest, two were green; what was cancelled says nothing, and a new job has no past.
    let want = vec![past(8, 0), past(2, 6), None, None];
    assert_eq!(pasts(&client, &memory, 20).await, want);
    let first = reads(&gh);
    assert!(first <= 10, "{first} of 30 runs were read");
    assert_eq!(pasts(&client, &memory, 21).await, want);
    assert_eq!(reads(&gh), first, "another report reads none of them again");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn a_commit_without_failures_asks_for_no_past() {
    let gh = github(6);
    gh.update(|s| {
        s.repo(REPO).pull_request(PullSpec::new(22, sha_of("head 22")));
        let spec = RunSpec::new(902).workflow("CI", ".github/workflows/ci.yml").pull_request(22);
        ended(s, 902, spec, &[("unit", "success")]);
    });
    gh.advance(secs(600));
    let (client, memory) = (client(&gh), Memory::new());
    let green = spec(REPO, |s| s.pull_request = Some(22));
    let seen = facts(collect(&client, &green, &memory, Look::whole()).await);
    assert!(seen.runs[0].jobs.iter().all(|j| j.past.is_none()));
    assert_eq!(reads(&gh), 0, "no run of main was green");
}

#[tokio::test]
async fn what_is_red_and_green_by_turns_there_is_worth_another_attempt() {
    let gh = github(30);
    gh.update(|s| {
        for (number, unit) in [(23, "success"), (24, "failure")] {
            s.repo(REPO).pull_request(PullSpec::new(number, sha_of(&format!("head {number}"))));
            let spec =
                RunSpec::new(880 + number).workflow("CI", ".github/workflows/ci.yml").pull_request(number);
            ended(s, 880 + number, spec, &[("unit", unit), ("e2e", "failure")]);
        }
    });
    gh.advance(secs(600));
    let (client, memory) = (client(&gh), Memory::new());
    for (pull, again) in [(23, true), (24, false)] {
        let mut spec = spec(REPO, |s| s.pull_request = Some(pull));
        spec.rerun = serde_json::from_value(json!({"maxAttempts": 2, "when": "Flaky"})).unwrap();
        let seen = collect(&client, &spec, &memory, Look::whole()).await;
        let now = gh.now().to_string().parse().unwrap();
        let (name, namespace, previous, waivers) = (None, None, None, Default::default());
        let context = Context { generation: 1, name, namespace, previous, waivers, now, moved: false };
        let status = evaluate(&spec, &seen, &context).status;
        assert_eq!(!status.reruns.is_empty(), again, "{pull}: {:?}", status.conditions);
    }
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
