//! Jobs: attempts, namesakes, what is skipped, what only claims to have passed, and checks beside them.

use testkit::github::{CheckSpec, Fault, Match};

use super::*;

#[tokio::test]
async fn p04_a_re_run_keeps_the_id_and_hides_what_was_not_re_run() {
    let mut bench = Bench::ended(&[("unit", "failure"), ("lint", "success")]);
    assert_eq!(bench.verdict().await, FAILED);
    // A list of the latest attempt would not show lint any more.
    bench.update(|s| {
        s.latest_omits_old_jobs = true;
        s.run(77).freeze_in_lists(2);
        s.run(77).rerun("someone", |job| job.conclusion.as_deref() == Some("failure"));
    });
    // The list of runs still shows attempt 1 as ended while the jobs are those of attempt 2 already.
    bench.memory = Memory::new();
    let between = bench.verdict().await;
    assert!(!between.starts_with("True/") && bench.condition("Complete") != "True/AllFinal", "{between}");
    assert_eq!(bench.verdict().await, "Unknown/Running", "{}", bench.message());
    let summary = |bench: &Bench| bench.status.as_ref().unwrap().summary.clone().unwrap().jobs.display;
    assert_eq!(summary(&bench), "1/2");
    bench.update(|s| {
        s.run(77).job("unit").start().complete("success");
        s.run(77).settle();
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    assert_eq!(summary(&bench), "2/2", "lint of attempt 1 counts");
    bench.clean();
}

#[tokio::test]
async fn p05_jobs_of_one_name() {
    let mut bench = Bench::ended(&[("unit", "success"), ("unit", "failure")]);
    assert_eq!(bench.verdict().await, FAILED);
    // Only one of the two is re-run; nothing tells which.
    bench.update(|s| {
        s.run(77).rerun("someone", |job| job.id == 771);
    });
    bench.update(|s| {
        s.run(77).job("unit").start().complete("success");
        s.run(77).complete("success");
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, FAILED, "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn p08_skipped_and_neutral_pass_on_github_and_not_here() {
    for conclusion in ["skipped", "neutral"] {
        let mut bench = Bench::ended(&[("unit", "success"), ("e2e", conclusion)]);
        assert_eq!(bench.verdict().await, "False/RequiredNotRun", "{conclusion}: {}", bench.message());
        assert!(bench.message().contains("e2e"), "{}", bench.message());
    }
    // Skipped because what it needs failed: a consequence, and the failure is the cause.
    let mut bench = Bench::ended(&[("build", "failure"), ("e2e", "skipped")]);
    assert_eq!(bench.verdict().await, FAILED);
    assert!(bench.message().contains("build"), "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn p09_a_skipped_matrix_has_one_unexpanded_name() {
    for name in ["test (${{ matrix.os }})", "test"] {
        let app = Some(testkit::github::ACTIONS_APP);
        let mut bench = Bench::start(empty().setup(move |s| {
            s.repo(REPO).rule("main", &[("test (linux)", app), ("test (macos)", app)]);
            begin(s, 77, "CI", &["build", name]);
            end(s, 77, &["success", "skipped"]);
        }));
        bench.gh.advance(secs(600));
        let verdict = bench.verdict().await;
        assert!(verdict.starts_with("False/"), "{name}: {verdict}");
        bench.gh.advance(secs(7 * 3600));
        let late = bench.verdict().await;
        assert!(late.starts_with("False/"), "{name}: {late}");
        let status = bench.status.as_ref().unwrap();
        let jobs = status.suites.iter().flat_map(|s| &s.jobs);
        let missing: Vec<&str> = jobs.filter(|j| j.state == "Missing").map(|j| j.name.as_str()).collect();
        assert_eq!(missing, ["test (linux)", "test (macos)"], "{name}");
        bench.clean();
    }
}

#[tokio::test]
async fn p18_test_counts_are_claims_of_the_code_under_test() {
    let claims =
        "Ran 400 of 400 Specs in 1.0 seconds\nSUCCESS! -- 400 Passed | 0 Failed | 0 Pending | 0 Skipped\n";
    let mut bench = Bench::start(empty().setup(move |s| {
        begin(s, 77, "CI", &["unit"]);
        s.job(770).log(claims);
        end(s, 77, &["failure"]);
    }));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, FAILED, "a log cannot make a red job green");
    bench.clean();
}

#[tokio::test]
async fn p20_a_required_check_is_pinned_to_its_app_and_a_status_of_its_name_counts_too() {
    let mut bench = Bench::start(empty().setup(|s| {
        s.repo(REPO).rule("main", &[("scan", Some(99))]);
        begin(s, 77, "CI", &["unit"]);
        end(s, 77, &["success"]);
        let forged = CheckSpec::new("scan", sha_of("head"), 5, "mallory").completed("success");
        s.repo(REPO).add_check(forged);
    }));
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "another app's check: {}", bench.message());
    bench.update(|s| {
        let own = CheckSpec::new("scan", sha_of("head"), 99, "scanner").completed("success");
        s.repo(REPO).add_check(own);
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    bench.update(|s| {
        s.repo(REPO).status(&sha_of("head"), "scan", "failure");
    });
    bench.gh.advance(secs(60));
    assert_eq!(bench.verdict().await, FAILED, "{}", bench.message());
    // A force push leaves all of it behind.
    bench.update(|s| {
        s.repo(REPO).push(20, &sha_of("forced"), true);
    });
    assert_eq!(bench.verdict().await, "Unknown/CommitMoved");
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn values_that_are_not_known_are_never_a_pass() {
    for fault in [Fault::UnknownConclusion("hatched".into()), Fault::UnknownStatus("hatching".into())] {
        let mut bench = Bench::ended(&[("unit", "success")]);
        bench.gh.fail(Match::path("/jobs$"), fault);
        let verdict = bench.verdict().await;
        assert!(verdict.starts_with("Unknown/"), "{verdict}");
    }
}
