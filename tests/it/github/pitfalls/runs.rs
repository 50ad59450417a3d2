//! Runs: when they are there, which belong to the commit, and how they end without saying so.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::github::{Fault, Match};
use testrun_operator::verdict::validate;

use super::*;

#[tokio::test]
async fn p02_runs_appear_late_and_not_all_at_once() {
    let mut bench = Bench::start(empty());
    assert_eq!(bench.verdict().await, "Unknown/Pending", "no run is never the last word");
    bench.update(|s| {
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
        s.run(77).hide_from_lists(3);
    });
    assert_eq!(bench.verdict().await, "Unknown/Pending");
    // The first run is there and green: it settles before it counts.
    assert_eq!(bench.verdict().await, "Unknown/Pending");
    assert_eq!(bench.verdict().await, "Unknown/Settling");
    // Within that time the second one appears, and its absence was no pass.
    bench.gh.advance(secs(5));
    bench.update(|s| begin(s, 78, "E2E", &["e2e"]));
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, "Unknown/Running");
    bench.update(|s| end(s, 78, &["failure"]));
    assert_eq!(bench.verdict().await, FAILED);
    bench.clean();

    // An empty or shortened commit id would list other runs, or none.
    for sha in ["", "99361f9"] {
        let short = spec(REPO, |s| s.sha = Some(sha.into()));
        assert!(validate(&short).unwrap_err().contains("40 or 64"), "{sha:?}");
    }
    let sent = bench.gh.requests().into_iter().filter(|r| r.path.ends_with("/actions/runs"));
    assert!(sent.flat_map(|r| r.query).all(|(name, value)| name != "head_sha" || value.len() == 40));
}

#[tokio::test]
async fn p03_filtered_listings_go_wrong() {
    // The list of the commit's runs holds those of another commit, all of them green.
    let mut bench = Bench::ended(&[("unit", "failure")]);
    let foreign = |body: &mut Value| {
        for run in body["workflow_runs"].as_array_mut().into_iter().flatten() {
            run["head_sha"] = json!(sha_of("another commit"));
            run["conclusion"] = json!("success");
        }
    };
    bench.gh.fail(Match::path("/actions/runs$"), Fault::Edit(Arc::new(foreign)));
    assert_eq!(bench.verdict().await, "Unknown/Pending", "{}", bench.message());
    bench.gh.clear_faults();

    // It is empty, which GitHub says of a commit that it has not looked at yet as well.
    assert_eq!(bench.verdict().await, FAILED);
    let nothing = |body: &mut Value| *body = json!({"total_count": 0, "workflow_runs": []});
    bench.gh.fail(Match::path("/actions/runs$"), Fault::Edit(Arc::new(nothing)));
    let lost = bench.verdict().await;
    assert!(!lost.starts_with("True/"), "{lost}");
    bench.gh.clear_faults();
    assert_eq!(bench.verdict().await, FAILED);
    // Filters by state or branch are used for hints and never for a verdict.
    let of_commit = |r: &testkit::github::Request| r.query.iter().any(|(name, _)| name == "head_sha");
    let lists = bench.gh.requests().into_iter().filter(|r| r.path.ends_with("/actions/runs"));
    let odd: Vec<_> = lists.filter(|r| of_commit(r) && r.query.iter().any(|(n, _)| n == "status")).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[tokio::test]
async fn p07_completed_without_a_conclusion_is_not_final() {
    for part in ["/actions/runs$", "/jobs$", ""] {
        let mut bench = Bench::start(empty().setup(|s| {
            begin(s, 77, "CI", &["unit"]);
            end(s, 77, &["success"]);
        }));
        bench.gh.advance(secs(60));
        bench.gh.fail(Match::path(part), Fault::NullConclusion);
        assert_eq!(bench.verdict().await, "Unknown/Undecidable", "{part:?}: {}", bench.message());
        assert_eq!(bench.condition("Complete"), "False/Settling", "{part:?}: it is read again soon");
        bench.gh.clear_faults();
        assert_eq!(bench.verdict().await, PASSED, "{part:?}: {}", bench.message());
        // GitHub never says how it ended: for a while only.
        bench.gh.fail(Match::path(part), Fault::NullConclusion);
        bench.memory = Memory::new();
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, "Unknown/Undecidable", "{part:?}: {}", bench.message());
        assert_eq!(bench.condition("Complete"), "True/AllFinal", "{part:?}");
    }
    // The run says that it is over while its jobs do not, and the other way round.
    for (run, job) in [(("completed", "success"), false), (("in_progress", ""), true)] {
        let mut bench = Bench::start(empty());
        bench.update(|s| {
            begin(s, 77, "CI", &["unit"]);
            if job {
                s.job(770).complete("success");
            }
            match run.0 {
                "completed" => drop(s.run(77).complete(run.1)),
                _ => drop(s.run(77).start()),
            }
        });
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, "Unknown/Running", "{run:?}: {}", bench.message());
    }
}

#[tokio::test]
async fn p10_filtered_workflows_create_no_run() {
    // The branch requires a check of a workflow that skips this commit: it stays pending for ever.
    let mut bench = Bench::start(empty().setup(|s| {
        s.repo(REPO).rule("main", &[("e2e", Some(testkit::github::ACTIONS_APP))]);
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
    }));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    assert!(bench.message().contains("e2e"), "{}", bench.message());
    bench.gh.advance(secs(7 * 3600));
    assert_eq!(bench.verdict().await, "False/Incomplete", "{}", bench.message());

    // A commit without any run, as after [skip ci].
    let mut bench = Bench::start(empty());
    bench.verdict().await;
    bench.gh.advance(secs(7 * 3600));
    assert_eq!(bench.verdict().await, "False/Incomplete");
    assert!(bench.message().contains("no workflow run"), "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn p11_startup_failure_has_no_jobs() {
    for (conclusion, want) in
        [("startup_failure", FAILED), ("failure", FAILED), ("success", "Unknown/Expecting")]
    {
        let mut bench = Bench::start(empty().setup(move |s| {
            let run = RunSpec::new(77).workflow("CI", CI).pull_request(20).shown_name(None);
            s.repo(REPO).add_run(run.state("completed", Some(conclusion)));
        }));
        bench.gh.advance(secs(600));
        assert_eq!(bench.verdict().await, want, "{conclusion}: {}", bench.message());
        bench.gh.advance(secs(7 * 3600));
        let late = bench.verdict().await;
        assert!(late.starts_with("False/"), "{conclusion}: {late}");
        bench.clean();
    }
}

#[tokio::test]
async fn p12_stale_is_no_success() {
    let mut bench = Bench::start(empty().setup(|s| {
        begin(s, 77, "CI", &["unit", "lint"]);
        s.job(771).complete("success");
        // GitHub gives up on it after two weeks and says no time.
        s.job(770).raw("completed", Some("stale")).data().completed = None;
        s.run(77).complete("stale");
    }));
    // The description of jobs does not know the value; the service sends it all the same.
    bench.update(|s| s.check_answers = false);
    bench.gh.advance(secs(600));
    let verdict = bench.verdict().await;
    assert!(verdict.starts_with("False/"), "{verdict}: {}", bench.message());
    assert!(bench.message().contains("unit"), "{}", bench.message());
}

#[tokio::test]
async fn p13_waiting_is_no_failure_and_a_superseded_run_is_set_aside() {
    // A fork's run waits for approval: completed, and yet no job ran; it can start with the same id.
    let mut bench = Bench::start(empty().setup(|s| {
        let run = RunSpec::new(77).workflow("CI", CI).pull_request(20);
        s.repo(REPO).add_run(run.state("completed", Some("action_required")));
    }));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/ActionRequired", "{}", bench.message());
    assert_eq!(bench.condition("Stalled").split('/').next(), Some("False"));
    bench.update(|s| {
        s.run(77).start();
        s.run(77).add_job((770, "unit"));
        s.job(770).start();
    });
    assert_eq!(bench.verdict().await, "Unknown/Running");
    bench.update(|s| end(s, 77, &["success"]));
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, PASSED);
    bench.clean();

    for (status, want) in [
        ("waiting", "Unknown/ActionRequired"),
        ("pending", "Unknown/Running"),
        ("requested", "Unknown/Running"),
    ] {
        let mut bench = Bench::start(empty().setup(move |s| {
            begin(s, 77, "CI", &["deploy"]);
            s.job(770).raw(status, None);
            s.run(77).status(if status == "requested" { "queued" } else { status });
        }));
        bench.gh.advance(secs(60));
        assert_eq!(bench.verdict().await, want, "{status}: {}", bench.message());
    }

    // Cancelled because a newer run of the same concurrency group began.
    let mut bench = Bench::ended(&[("unit", "cancelled")]);
    assert!(bench.verdict().await.starts_with("False/"), "cancelled by a person");
    bench.update(|s| {
        begin(s, 78, "CI", &["unit"]);
        end(s, 78, &["success"]);
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    let status = bench.status.as_ref().unwrap();
    assert!(status.notes.iter().any(|n| n.contains("77")), "{:?}", status.notes);
    bench.clean();
}

#[tokio::test]
async fn p24_pages_shift_while_they_are_read_and_links_lie() {
    let many = || {
        let names: Vec<String> = (0..150).map(|n| format!("job {n}")).collect();
        let mut bench = Bench::start(empty().setup(move |s| {
            begin(s, 77, "CI", &names.iter().map(String::as_str).collect::<Vec<_>>());
            end(s, 77, &vec!["success"; 150]);
        }));
        bench.gh.advance(secs(600));
        bench.status = None;
        bench
    };
    for fault in [Fault::LoopingLink, Fault::ForeignLink("http://127.0.0.1:9".into())] {
        let mut bench = many();
        bench.gh.fail(Match::path("/jobs$"), fault);
        assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
        assert_eq!(bench.status.as_ref().unwrap().summary.as_ref().unwrap().jobs.display, "150/150");
    }
    // A job that was on the first page is on the second one too, in the place of another: 150 entries that
    // are 149 jobs, and the red one is not among them.
    let mut bench = many();
    bench.update(|s| {
        s.job(770 + 149).raw("completed", Some("failure"));
        s.run(77).complete("success");
    });
    bench.gh.advance(secs(600));
    let shifted = |body: &mut Value| {
        for job in body["jobs"].as_array_mut().into_iter().flatten() {
            if job["conclusion"] == "failure" {
                job["id"] = json!(770);
                job["name"] = json!("job 0");
                job["conclusion"] = json!("success");
            }
        }
    };
    bench.gh.fail(Match::path("/jobs$"), Fault::Edit(Arc::new(shifted)));
    let verdict = bench.verdict().await;
    assert!(!verdict.starts_with("True/"), "{verdict}: {}", bench.message());
    bench.gh.clear_faults();

    // The same of the list of runs: one of the commit's runs is listed twice and the other not at all.
    let mut bench = Bench::ended(&[("unit", "success")]);
    bench.update(|s| {
        begin(s, 78, "E2E", &["e2e"]);
        end(s, 78, &["failure"]);
    });
    bench.gh.advance(secs(600));
    let twice = |body: &mut Value| {
        let green = body["workflow_runs"].as_array().unwrap().iter().find(|r| r["id"] == 77).cloned();
        if let Some(green) = green {
            body["workflow_runs"] = json!([green, green]);
        }
    };
    bench.gh.fail(Match::path("/actions/runs$"), Fault::Edit(Arc::new(twice)));
    assert_eq!(bench.verdict().await, "Unknown/InvalidAnswer", "{}", bench.message());
}

#[tokio::test]
async fn a_branch_that_moves_during_a_look_ends_nothing() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    // Each answer names another head: what was asked first is not what holds at the end.
    let asked = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let moved = {
        let asked = asked.clone();
        move |body: &mut Value| {
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
                body["head"]["sha"] = json!(sha_of("a newer head"));
            }
        }
    };
    bench.gh.fail(Match::path("/pulls/20$"), Fault::Edit(Arc::new(moved)));
    assert_eq!(bench.verdict().await, "Unknown/Settling", "{}", bench.message());
    assert_eq!(bench.verdict().await, "Unknown/NotFound", "the newer head is what is looked at then");
    bench.gh.clear_faults();
    assert_eq!(bench.verdict().await, PASSED);
}

#[tokio::test]
async fn jobs_of_another_commit_are_not_those_of_the_run() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    let foreign = |body: &mut Value| body["jobs"][0]["head_sha"] = json!(sha_of("another commit"));
    bench.gh.fail(Match::path("/jobs$"), Fault::Edit(Arc::new(foreign)));
    assert_eq!(bench.verdict().await, "Unknown/Undecidable", "{}", bench.message());
    bench.gh.clear_faults();
    assert_eq!(bench.verdict().await, PASSED);
}

#[tokio::test]
async fn the_check_run_of_a_job_does_not_stand_in_for_a_run_that_is_not_listed() {
    let mut bench = Bench::start(empty().setup(|s| {
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
        begin(s, 78, "E2E", &["quick", "slow"]);
        s.job(780).complete("success");
        s.run(78).hide_from_lists(1_000);
    }));
    bench.gh.advance(secs(60));
    // Of the second run only the check runs of its jobs can be seen; one has ended well, one runs.
    bench.gh.fail(
        Match::path("/check-runs$"),
        Fault::Edit(Arc::new(|body: &mut Value| {
            let ended = |c: &Value| c["status"] == json!("completed");
            let list = body["check_runs"].as_array_mut().unwrap();
            list.retain(ended);
            body["total_count"] = json!(list.len());
        })),
    );
    assert_eq!(bench.verdict().await, "Unknown/Settling", "{}", bench.message());
}
