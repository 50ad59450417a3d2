//! Objects that real GitHub has and that break naive clients.

use super::client::{clean, get};
use super::{
    ArtifactSpec, CheckSpec, GitHub, JobSpec, PullSpec, RunSpec, Scenario, secs, sha_of, shop, start,
};
use crate::github::{at_time, stamped};

const REPO: &str = "/repos/acme/shop";

#[test]
fn a_pull_request_from_a_fork_is_found_by_its_commit_only() {
    let head = sha_of("from the fork");
    let gh = GitHub::start(shop().setup(move |s| {
        s.add_repo("mallory/shop").fork();
        s.repo("acme/shop")
            .pull_request(PullSpec::new(30, &head).from_fork("mallory/shop").author("mallory"));
        s.repo("acme/shop")
            .add_run(RunSpec::new(90).pull_request(30).from_fork("mallory/shop").actor("mallory"));
    }));
    let run = get(&gh, &format!("{REPO}/actions/runs/90")).json();
    assert!(run["pull_requests"].as_array().unwrap().is_empty());
    assert_eq!(run["head_repository"]["full_name"], "mallory/shop");
    let pulls = get(&gh, &format!("{REPO}/commits/{}/pulls", sha_of("from the fork"))).json();
    assert_eq!((&pulls[0]["number"], &pulls[0]["head"]["repo"]["fork"]), (&30.into(), &true.into()));
    gh.update(|s| s.repo("acme/shop").pull(30).head_repo = None);
    assert!(get(&gh, &format!("{REPO}/pulls?state=all")).json()[0]["head"]["repo"].is_null());
    clean(&gh);
}

#[test]
fn runs_without_jobs_names_or_branches() {
    let gh = GitHub::start(shop().setup(|s| {
        let mut repo = |spec: RunSpec| {
            s.repo("acme/shop").add_run(spec);
        };
        repo(RunSpec::new(91).state("completed", Some("startup_failure")).shown_name(None).no_branch());
        repo(RunSpec::new(92).state("completed", Some("action_required")));
        repo(RunSpec::new(93).state("completed", Some("stale")).event("merge_group"));
        repo(RunSpec::new(94).state("completed", None));
        repo(RunSpec::new(95).state("requested", None));
    }));
    for id in 91..=95 {
        let run = get(&gh, &format!("{REPO}/actions/runs/{id}")).json();
        assert_eq!(get(&gh, &format!("{REPO}/actions/runs/{id}/jobs")).json()["total_count"], 0);
        let suite = format!("{REPO}/check-suites/{}", run["check_suite_id"]);
        assert_eq!(get(&gh, &suite).json()["conclusion"], run["conclusion"], "{id}");
    }
    let run = get(&gh, &format!("{REPO}/actions/runs/91")).json();
    assert!(run["name"].is_null() && run["head_branch"].is_null() && run["path"].is_string());
    clean(&gh);
}

#[test]
fn jobs_of_one_name_skipped_jobs_and_jobs_without_a_runner() {
    let gh = GitHub::start(shop().setup(|s| {
        s.run(77)
            .add_job(JobSpec::new("unit").id(601))
            .add_job(JobSpec::new("deploy").id(602))
            .add_job("late");
        s.job(602).complete("skipped");
    }));
    let jobs = get(&gh, &format!("{REPO}/actions/runs/77/jobs")).json();
    assert_eq!(jobs["total_count"], 5);
    let skipped = get(&gh, &format!("{REPO}/actions/jobs/602")).json();
    assert!(skipped["steps"].as_array().unwrap().is_empty() && skipped["runner_id"].is_null());
    assert_eq!(get(&gh, &format!("{REPO}/actions/jobs/602/logs")).status, 404);
    clean(&gh);
}

#[test]
fn steps_follow_the_job() {
    let gh = start();
    let steps = || {
        let job = get(&gh, &format!("{REPO}/actions/jobs/502")).json();
        let all = job["steps"].as_array().unwrap().clone();
        all.iter().map(|step| step["conclusion"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(steps(), ["-", "-", "-"]);
    gh.update(|s| {
        s.job(502).step("Set up job", "success");
    });
    assert_eq!(steps(), ["success", "-", "-"]);
    gh.update(|s| {
        s.job(502).fail_at("Run tests");
    });
    assert_eq!(steps(), ["success", "failure", "success"]);
    clean(&gh);
}

#[test]
fn an_app_suite_follows_its_check_runs() {
    let gh = start();
    let head = sha_of("head");
    gh.update(|s| {
        s.repo("acme/shop").add_check(CheckSpec::new("deep scan", sha_of("head"), 999, "cov-app"));
    });
    let conclusion = || {
        let path = format!("{REPO}/commits/{head}/check-suites?app_id=999");
        get(&gh, &path).json()["check_suites"][0]["conclusion"].clone()
    };
    assert!(conclusion().is_null());
    gh.update(|s| {
        s.repo("acme/shop").check("deep scan").complete("timed_out");
    });
    assert_eq!(conclusion(), "timed_out");
    clean(&gh);
}

#[test]
fn artifacts_may_claim_what_is_not_so() {
    let gh = GitHub::start(shop().setup(|s| {
        s.run(77).upload(
            ArtifactSpec::new("odd")
                .id(902)
                .zip(b"no zip".as_slice())
                .claimed_size(1 << 40)
                .claimed_digest(None)
                .retention_days(1),
        );
    }));
    let artifact = get(&gh, &format!("{REPO}/actions/artifacts/902")).json();
    assert_eq!(artifact["size_in_bytes"].as_u64(), Some(1 << 40));
    assert!(artifact.get("digest").is_none());
    gh.advance(secs(86_400));
    assert_eq!(get(&gh, &format!("{REPO}/actions/artifacts/902/zip")).status, 410, "its time is over");
    clean(&gh);
}

#[test]
fn logs_are_stamped_line_by_line() {
    let start = crate::github::Ts::parse("2026-01-23T16:00:00Z");
    let text = String::from_utf8(stamped(start, start + secs(2), "one\ntwo")).unwrap();
    assert_eq!(text, "\u{feff}2026-01-23T16:00:00.0000000Z one\n2026-01-23T16:00:01.0000000Z two\n");
    let fixed = format!("one\ntwo\n{}three\nfour", at_time(start + secs(10)));
    let text = String::from_utf8(stamped(start, start + secs(12), &fixed)).unwrap();
    let seconds: Vec<&str> = text.lines().map(|line| line.split(['.', ':']).nth(2).unwrap()).collect();
    assert_eq!(seconds, ["00", "05", "10", "11"]);
}

#[test]
fn a_server_can_be_shared_by_threads_and_runtimes() {
    let gh = std::sync::Arc::new(GitHub::start(Scenario::new().setup(|s| {
        s.add_repo("acme/shop");
    })));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let gh = gh.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { assert!(gh.until(secs(5), |requests| requests.len() >= 4).await) });
            })
        })
        .collect();
    for _ in 0..4 {
        assert_eq!(get(&gh, REPO).status, 200);
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    clean(&gh);
}
