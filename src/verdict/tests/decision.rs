//! Which state of jobs and checks gives which verdict.

use super::*;
use crate::api::spec::GateMode;

#[test]
fn only_success_passes() {
    for (conclusion, want) in [
        ("success", "True/AllRequiredSucceeded"),
        ("failure", "False/RequiredFailed"),
        ("timed_out", "False/RequiredFailed"),
        ("startup_failure", "False/RequiredFailed"),
        ("cancelled", "False/RequiredNotRun"),
        ("stale", "False/RequiredNotRun"),
        ("skipped", "False/RequiredNotRun"),
        ("neutral", "False/RequiredNotRun"),
        ("action_required", "Unknown/ActionRequired"),
        ("brand_new_value", "Unknown/Undecidable"),
        ("SUCCESS", "Unknown/Undecidable"),
        ("", "Unknown/Undecidable"),
        ("queued", "Unknown/Running"),
        ("in_progress", "Unknown/Running"),
        ("requested", "Unknown/Running"),
        ("waiting", "Unknown/ActionRequired"),
    ] {
        assert_eq!(verdict(&jobs(&[("build", "success"), ("unit", conclusion)])), want, "{conclusion}");
    }
}

#[test]
fn a_job_completed_without_a_conclusion_is_unknown() {
    let mut f = jobs(&[("build", "success")]);
    f.runs[0].jobs[0].conclusion = None;
    assert_eq!(verdict(&f), "Unknown/Undecidable");
}

#[test]
fn what_ended_without_saying_how_is_read_again_for_a_while() {
    let mut f = jobs(&[("unit", "success"), ("e2e", "")]);
    f.read_at = at(200);
    let soon = eval(&spec(), &f);
    assert_eq!(passed(&soon), "Unknown/Undecidable");
    assert_eq!(condition(&soon, ConditionType::Complete), "False/Settling");
    assert!(matches!(soon.next, Next::At(_)), "{:?}", soon.next);
    f.read_at = at(5000);
    assert_eq!(condition(&eval(&spec(), &f), ConditionType::Complete), "True/AllFinal");
}

#[test]
fn a_status_that_is_not_known_is_unknown() {
    let mut f = jobs(&[("build", "success")]);
    f.runs[0].jobs[0].status = "paused".into();
    assert_eq!(verdict(&f), "Unknown/Undecidable");
}

#[test]
fn a_success_before_the_end_is_a_contradiction() {
    let mut f = jobs(&[("build", "success")]);
    f.runs[0].jobs[0].status = "in_progress".into();
    assert_eq!(verdict(&f), "Unknown/Undecidable");
}

#[test]
fn the_message_of_a_pass_names_the_commit() {
    let e = eval(&spec(), &jobs(&[("build", "success")]));
    assert!(message(&e).contains(SHA), "{}", message(&e));
    assert_eq!(e.status.phase, "Passed");
}

#[test]
fn facts_of_another_commit_do_not_count() {
    let mut f = jobs(&[("build", "success")]);
    f.runs[0].head_sha = OTHER.into();
    assert_eq!(verdict(&f), "Unknown/Pending");
    let mut f = jobs(&[("build", "success")]);
    f.runs[0].repository = "acme/fork".into();
    assert_eq!(verdict(&f), "Unknown/Pending");
    let mut f = jobs(&[("build", "success")]);
    f.checks = vec![Check { head_sha: OTHER.into(), ..check("cov", "failure") }];
    assert_eq!(
        verdict(&f),
        "True/AllRequiredSucceeded",
        "a check of another commit says nothing about this one"
    );
}

#[test]
fn red_while_others_run_fails_fast_and_is_not_final() {
    let e = eval(&spec(), &jobs(&[("build", "failure"), ("unit", "in_progress")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Ready), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Reconciling), "True/Running");
    assert_eq!(condition(&e, ConditionType::Stalled), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Complete), "False/Running");
    assert_eq!(e.status.phase, "Running");
    assert!(matches!(e.next, Next::Poll(Some(_))), "{:?}", e.next);
}

#[test]
fn a_final_red_verdict_is_stalled() {
    let e = eval(&spec(), &jobs(&[("build", "failure")]));
    assert_eq!(condition(&e, ConditionType::Stalled), "True/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Reconciling), "False/Final");
    assert_eq!(condition(&e, ConditionType::Complete), "True/AllFinal");
    assert_eq!(e.status.phase, "Failed");
    assert_eq!(e.next, Next::Final(None));
}

#[test]
fn mode_report_is_ready_when_complete_and_never_stalls_on_red() {
    let mut s = spec();
    s.gate = Some(GateSpec { mode: GateMode::Report, ..Default::default() });
    let e = eval(&s, &jobs(&[("build", "failure")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Ready), "True/ReportComplete");
    assert_eq!(condition(&e, ConditionType::Stalled), "False/Final");
    let e = eval(&s, &jobs(&[("build", "in_progress")]));
    assert_eq!(condition(&e, ConditionType::Ready), "False/Running");
    let e = eval(&s, &jobs(&[("build", "odd")]));
    assert_eq!(condition(&e, ConditionType::Ready), "Unknown/Undecidable");
}

#[test]
fn nothing_is_final_before_it_settles() {
    let mut f = jobs(&[("build", "success")]);
    f.read_at = at(114);
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "Unknown/Settling");
    assert!(matches!(e.next, Next::At(_)), "{:?}", e.next);
    f.read_at = at(115);
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
}

#[test]
fn a_second_read_that_disagrees_is_not_believed() {
    let mut f = jobs(&[("build", "success")]);
    f.confirmed = false;
    assert_eq!(verdict(&f), "Unknown/Settling");
    let mut f = jobs(&[("build", "failure")]);
    f.confirmed = false;
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Stalled), "False/RequiredFailed", "red, but not final");
}

#[test]
fn every_check_of_another_app_counts_without_suites() {
    for (conclusion, want) in [
        ("success", "True/AllRequiredSucceeded"),
        ("failure", "False/RequiredFailed"),
        ("error", "False/RequiredFailed"),
        ("neutral", "False/RequiredNotRun"),
        ("in_progress", "Unknown/Running"),
        ("weird", "Unknown/Undecidable"),
    ] {
        let mut f = jobs(&[("build", "success")]);
        f.checks = vec![check("cov", conclusion)];
        assert_eq!(verdict(&f), want, "{conclusion}");
    }
}

#[test]
fn of_checks_with_one_name_and_app_the_newest_counts() {
    let mut f = jobs(&[("build", "success")]);
    let old = Check { id: 1, at: Some(at(1)), ..check("cov", "failure") };
    let new = Check { id: 2, at: Some(at(2)), ..check("cov", "success") };
    f.checks = vec![new.clone(), old.clone()];
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
    f.checks = vec![Check { at: Some(at(3)), ..old.clone() }, new.clone()];
    assert_eq!(verdict(&f), "False/RequiredFailed");
    let other_app = Check { app: Some("evil".into()), app_id: Some(666), ..new };
    f.checks = vec![old, other_app];
    assert_eq!(verdict(&f), "False/RequiredFailed", "another app cannot overwrite it");
}

#[test]
fn with_suites_only_the_checks_that_were_asked_for_count() {
    let mut s = spec();
    s.suites = vec![suite("all", ".")];
    let mut f = jobs(&[("build", "success")]);
    f.checks = vec![check("cov", "failure")];
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
    s.checks = vec![CheckSpec { name: "cov".into(), app: None }];
    assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed");
    s.checks = vec![CheckSpec { name: "cov".into(), app: Some("other-app".into()) }];
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting", "the right name from the wrong app is not it");
}

#[test]
fn a_job_that_no_suite_matches_is_required() {
    let mut s = spec();
    s.suites = vec![suite("unit", "^unit")];
    let e = eval(&s, &jobs(&[("unit", "success"), ("surprise", "failure")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert!(e.status.suites.iter().any(|s| s.name == "Unmatched" && s.state == "Failed"));
}

#[test]
fn informational_suites_are_shown_and_do_not_count_but_are_waited_for() {
    let mut s = spec();
    s.suites = vec![
        suite("unit", "^unit"),
        SuiteSpec { policy: SuitePolicy::Informational, ..suite("nightly", "^nightly") },
    ];
    assert_eq!(
        passed(&eval(&s, &jobs(&[("unit", "success"), ("nightly", "failure")]))),
        "True/AllRequiredSucceeded"
    );
    assert_eq!(
        passed(&eval(&s, &jobs(&[("unit", "success"), ("nightly", "in_progress")]))),
        "Unknown/Running"
    );
    let mut f = jobs(&[("unit", "success"), ("nightly", "failure")]);
    f.expectations.required = vec![RequiredCheck { name: "nightly".into(), app_id: None }];
    assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed", "the branch requires it");
}

#[test]
fn nothing_but_informational_jobs_cannot_pass() {
    let mut s = spec();
    s.suites = vec![SuiteSpec { policy: SuitePolicy::Informational, ..suite("all", ".") }];
    assert_eq!(passed(&eval(&s, &jobs(&[("unit", "success")]))), "False/Incomplete");
}

#[test]
fn the_first_of_two_matching_suites_has_the_job() {
    let mut s = spec();
    s.suites =
        vec![suite("a", "unit"), SuiteSpec { policy: SuitePolicy::Informational, ..suite("b", "unit") }];
    let e = eval(&s, &jobs(&[("unit", "failure")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert!(e.status.notes.iter().any(|n| n.contains("two suites")), "{:?}", e.status.notes);
}

#[test]
fn a_pass_rate_only_adds_a_demand() {
    let rate = |rate| {
        let mut s = spec();
        s.suites = vec![
            suite("unit", "^unit"),
            SuiteSpec {
                policy: SuitePolicy::Informational,
                min_pass_rate: Some(rate),
                ..suite("flaky", "^flaky")
            },
        ];
        s
    };
    let f = jobs(&[("unit", "success"), ("flaky 1", "success"), ("flaky 2", "failure")]);
    assert_eq!(passed(&eval(&rate(50), &f)), "True/AllRequiredSucceeded");
    assert_eq!(passed(&eval(&rate(51), &f)), "False/PassRateTooLow");
    let mut s = spec();
    s.suites = vec![SuiteSpec { min_pass_rate: Some(10), ..suite("unit", ".") }];
    let f = jobs(&[("a", "success"), ("b", "failure")]);
    assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed", "a rate lets no required job through");
}

#[test]
fn a_pass_rate_looks_at_tests_too() {
    let mut s = spec();
    s.suites = vec![SuiteSpec { min_pass_rate: Some(90), ..suite("unit", ".") }];
    let mut f = jobs(&[("a", "success")]);
    f.runs[0].jobs[0].evidence = Some(Evidence {
        tests: Some(crate::api::status::TestTotals { total: 10, passed: 8, failed: 2, ..Default::default() }),
        ..Default::default()
    });
    assert_eq!(passed(&eval(&s, &f)), "False/PassRateTooLow");
}

#[test]
fn aggregates_leave_the_rates_and_are_waited_for() {
    let e = eval(&spec(), &jobs(&[("unit", "success"), ("Test Suite Summary", "in_progress")]));
    assert_eq!(passed(&e), "Unknown/Running");
    assert_eq!(e.status.summary.as_ref().unwrap().jobs.display, "1/1");
}

#[test]
fn a_red_aggregate_with_nothing_else_red_fails() {
    for conclusion in ["failure", "cancelled", "skipped"] {
        let e = eval(&spec(), &jobs(&[("unit", "success"), ("Merge Gate", conclusion)]));
        assert_eq!(passed(&e), "False/Disagreement", "{conclusion}");
    }
    let e = eval(&spec(), &jobs(&[("unit", "failure"), ("Merge Gate", "failure")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert_eq!(e.status.failures.len(), 1, "the aggregate only repeats it");
}

#[test]
fn ignored_jobs_are_aggregates() {
    let mut s = spec();
    s.ignore = vec![JobMatch { workflow: None, job: Some("^overall$".into()) }];
    assert_eq!(
        passed(&eval(&s, &jobs(&[("unit", "success"), ("overall", "failure")]))),
        "False/Disagreement"
    );
}

#[test]
fn only_the_named_workflows_count_and_each_must_run() {
    let mut s = spec();
    s.workflows = vec!["CI".into()];
    let mut f = jobs(&[("unit", "success")]);
    let nightly = Run {
        workflow_id: 71,
        workflow: "Nightly".into(),
        path: ".github/workflows/n.yml".into(),
        ..run(8, vec![job(300, "slow", "failure")])
    };
    f.runs.push(nightly);
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
    s.workflows = vec!["ci.yml".into(), "Release".into()];
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting");
    f.read_at = at(30_000);
    assert_eq!(passed(&eval(&s, &f)), "False/Incomplete");
}

#[test]
fn the_commit_moving_takes_the_old_verdict_away_in_the_same_write() {
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    assert_eq!(passed(&first), "True/AllRequiredSucceeded");
    let mut f = jobs(&[("unit", "success")]);
    f.source.sha = OTHER.into();
    f.runs[0].head_sha = OTHER.into();
    let moved = after(&spec(), &f, &first.status);
    assert_eq!(passed(&moved), "Unknown/CommitMoved");
    assert_eq!(condition(&moved, ConditionType::Ready), "Unknown/CommitMoved");
    assert_eq!(moved.next, Next::Now);
    assert_eq!(moved.status.source.as_ref().unwrap().sha, OTHER);
    let then = after(&spec(), &f, &moved.status);
    assert_eq!(passed(&then), "True/AllRequiredSucceeded");
    assert!(message(&then).contains(OTHER));
}

#[test]
fn another_repository_under_the_same_name_is_another_commit() {
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    let mut f = jobs(&[("unit", "success")]);
    f.source.repository_id = Some(2);
    assert_eq!(passed(&after(&spec(), &f, &first.status)), "Unknown/CommitMoved");
}
