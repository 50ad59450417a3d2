//! Jobs that fail beside a green run, attempts that lose some of them, and values that nobody knows.

use super::*;

#[test]
fn a_job_that_may_fail_without_failing_its_run_is_red_all_the_same() {
    // `continue-on-error` of a job: the run is green.
    for conclusion in ["failure", "timed_out", "cancelled"] {
        let mut f = jobs(&[("unit", "success"), ("lint", conclusion)]);
        f.runs[0].conclusion = Some("success".into());
        assert!(verdict(&f).starts_with("False/"), "{conclusion}: {}", verdict(&f));
    }
    // Of a step: the job is green, and the report names what it hides.
    let mut f = jobs(&[("lint", "success")]);
    let step = |name: &str, end: &str| Step {
        name: name.into(),
        status: "completed".into(),
        conclusion: Some(end.into()),
        ..Default::default()
    };
    f.runs[0].jobs[0].steps = vec![step("build", "success"), step("golangci-lint", "failure")];
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert_eq!(e.status.masked_failures.len(), 1);
    assert!(format!("{:?}", e.status.masked_failures).contains("golangci-lint"));
}

#[test]
fn an_attempt_that_has_lost_jobs_clears_only_what_it_ran() {
    let first =
        || vec![job(100, "build", "success"), job(101, "unit", "failure"), job(102, "e2e", "skipped")];
    let again = |attempt, id, name: &str, end: &str| Job { attempt, ..later(id, name, end) };
    let (green, red) = ("True/AllRequiredSucceeded", "False/RequiredFailed");
    for (what, more, want) in [
        ("another job only", vec![again(2, 200, "build", "success")], red),
        (
            "the failed one, and not what needs it",
            vec![again(2, 201, "unit", "success")],
            "False/RequiredNotRun",
        ),
        (
            "what needs it is skipped again",
            vec![again(2, 201, "unit", "success"), again(2, 202, "e2e", "skipped")],
            "False/RequiredNotRun",
        ),
        ("both", vec![again(2, 201, "unit", "success"), again(2, 202, "e2e", "success")], green),
        (
            "a third attempt lost it again",
            vec![again(2, 201, "unit", "failure"), again(3, 302, "e2e", "success")],
            red,
        ),
        (
            "green, then red, then green elsewhere",
            vec![
                again(2, 201, "unit", "success"),
                again(2, 202, "e2e", "failure"),
                again(3, 301, "unit", "success"),
            ],
            red,
        ),
        ("under another name", vec![again(2, 201, "unit ", "success"), again(2, 202, "e2e", "success")], red),
    ] {
        let mut r = run(7, [first(), more].concat());
        r.conclusion = Some("success".into());
        assert_eq!(verdict(&facts(vec![r])), want, "{what}");
    }
}

#[test]
fn values_that_look_like_success_are_not_it() {
    for conclusion in [
        "Success", "SUCCESS", " success", "success ", "success\n", "succeeded", "passed", "ok", "true",
        "null",
    ] {
        let mut f = jobs(&[("build", "success"), ("unit", conclusion)]);
        f.runs[0].conclusion = Some("success".into());
        assert_eq!(verdict(&f), "Unknown/Undecidable", "a job: {conclusion:?}");
        let mut f = jobs(&[("build", "success")]);
        f.runs[0].conclusion = Some(conclusion.into());
        assert_eq!(verdict(&f), "Unknown/Undecidable", "a run: {conclusion:?}");
        f.runs[0].conclusion = Some("success".into());
        f.checks = vec![check("scan", conclusion)];
        assert_eq!(verdict(&f), "Unknown/Undecidable", "a check: {conclusion:?}");
    }
    for status in ["Completed", "COMPLETED", "done", "", "finished"] {
        let mut f = jobs(&[("build", "success")]);
        f.runs[0].jobs[0].status = status.into();
        assert_eq!(verdict(&f), "Unknown/Undecidable", "a status: {status:?}");
    }
}

#[test]
fn values_of_a_matrix_are_part_of_the_name() {
    for (base, there, want) in [
        (&["test (1)", "test (2)"][..], &["test (1)", "test (2)"][..], "True/AllRequiredSucceeded"),
        (&["test (1)", "test (2)"], &["test (1)"], "Unknown/Expecting"),
        (&["test (1)", "test (2)"], &["test (1)", "test (1, 2)"], "Unknown/Expecting"),
        (&["test (1, 2)"], &["test (2, 1)"], "Unknown/Expecting"),
        (&["test (1)"], &["test"], "Unknown/Expecting"),
        (&["test"], &["test (1)"], "Unknown/Expecting"),
        (&["call / test (1)"], &["test (1)"], "Unknown/Expecting"),
        (&["call / test (1)"], &["call2 / test (1)"], "Unknown/Expecting"),
    ] {
        let list: Vec<_> = there.iter().map(|n| (*n, "success")).collect();
        let mut f = jobs(&list);
        f.expectations.baseline = green_base(base);
        assert_eq!(verdict(&f), want, "{base:?}, and there is {there:?}");
    }
}

#[test]
fn a_workflow_under_another_file_is_the_same_by_its_name_and_hides_no_red_one() {
    let moved = |name: &str, path: &str, jobs| Run {
        workflow: name.into(),
        workflow_id: 71,
        path: path.into(),
        ..run(8, jobs)
    };
    let with = |runs: Vec<Run>| {
        let mut f = facts(runs);
        f.expectations.baseline = green_base(&["unit"]);
        verdict(&f)
    };
    let green = || vec![later(200, "unit", "success")];
    let file = ".github/workflows/test.yml";
    assert_eq!(with(vec![moved("CI", file, green())]), "True/AllRequiredSucceeded", "only the file");
    assert_eq!(
        with(vec![moved("Tests", ".github/workflows/ci.yml", green())]),
        "True/AllRequiredSucceeded",
        "only the name"
    );
    assert_eq!(with(vec![moved("Tests", file, green())]), "Unknown/Expecting", "nobody knows it");
    assert_eq!(with(vec![moved("CI\u{200b}", file, green())]), "Unknown/Expecting");
    let red = run(7, vec![job(100, "unit", "failure")]);
    assert_eq!(with(vec![red, moved("CI", file, green())]), "False/RequiredFailed", "the old file is red");
}

#[test]
fn a_run_that_is_about_something_else_replaces_none() {
    let (green, red) = ("True/AllRequiredSucceeded", "False/RequiredFailed");
    for (event, want) in [
        ("push", green),
        ("pull_request", green),
        ("schedule", green),
        ("merge_group", green),
        // It may have been given inputs that leave the failing part out.
        ("workflow_dispatch", red),
        // Staging failed, production did not; somebody else's comment.
        ("deployment_status", red),
        ("deployment", red),
        ("repository_dispatch", red),
        ("issue_comment", red),
        ("check_suite", red),
        ("status", red),
        ("workflow_run", red),
        ("something new", red),
    ] {
        let of = |id, jobs| Run { event: event.into(), ..run(id, jobs) };
        let older = of(7, vec![job(100, "smoke", "failure")]);
        let newer = of(8, vec![later(200, "smoke", "success")]);
        assert_eq!(verdict(&facts(vec![older, newer.clone()])), want, "{event}");
        // Nor is one forgotten of which no job says why it is red.
        let odd = Run { conclusion: Some("failure".into()), ..of(7, vec![job(100, "smoke", "success")]) };
        let want = if want == red { "False/Disagreement" } else { green };
        assert_eq!(verdict(&facts(vec![odd, newer.clone()])), want, "{event}: no job says why");
        // One that had nothing to do says nothing.
        let idle = Run { conclusion: Some("skipped".into()), ..of(7, vec![job(100, "smoke", "skipped")]) };
        assert_eq!(verdict(&facts(vec![idle, newer])), green, "{event}: nothing to do");
    }
}

#[test]
fn what_was_dispatched_and_cancelled_is_not_made_up_for_by_other_inputs() {
    for (event, want) in [
        ("workflow_dispatch", "False/RequiredNotRun"),
        ("repository_dispatch", "False/RequiredNotRun"),
        ("push", "True/AllRequiredSucceeded"),
        ("issue_comment", "True/AllRequiredSucceeded"),
    ] {
        let of = |id, jobs| Run { event: event.into(), ..run(id, jobs) };
        let older = of(7, vec![job(100, "e2e", "cancelled")]);
        let newer = of(8, vec![later(200, "e2e", "success")]);
        assert_eq!(verdict(&facts(vec![older, newer])), want, "{event}");
    }
}

#[test]
fn numbers_without_measure_pass_nothing_and_break_nothing() {
    let mut f = jobs(&[("unit", "success")]);
    f.runs[0].jobs_total = i64::MAX;
    assert_eq!(verdict(&f), "Unknown/Undecidable");
    f.runs[0].jobs_total = -1;
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded", "all that is listed is there");
    let mut s = spec();
    s.suites = vec![SuiteSpec { min_pass_rate: Some(90), ..suite("unit", ".") }];
    s.waivers = vec![waiver(None, Some("t"))];
    for (passed_, failed, errored) in [(i64::MAX, i64::MAX, i64::MAX), (0, i64::MAX, 1), (i64::MAX, 1, 0)] {
        let mut f = jobs(&[("unit", "failure")]);
        let job = &mut f.runs[0].jobs[0];
        job.evidence = Some(Evidence {
            tests: Some(crate::api::status::TestTotals {
                total: i64::MAX,
                passed: passed_,
                failed,
                errored,
                ..Default::default()
            }),
            failing: vec![crate::api::status::FailingTest { name: "t".into(), ..Default::default() }],
            failing_total: if failed == 1 { 1 } else { i64::MAX },
            ..Default::default()
        });
        assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed", "{passed_} {failed} {errored}");
    }
    // Times that lie ahead: nothing settles before they have come.
    let ahead: Timestamp = "9999-01-01T00:00:00Z".parse().unwrap();
    type Change = fn(&mut Run, Timestamp);
    let changes: [(&str, Change); 3] = [
        ("it was made", |r, t| r.created_at = Some(t)),
        ("it changed", |r, t| r.updated_at = Some(t)),
        ("a job ended", |r, t| r.jobs[0].completed_at = Some(t)),
    ];
    for (what, change) in changes {
        for ahead in [ahead, Timestamp::MAX] {
            let mut f = jobs(&[("unit", "success")]);
            change(&mut f.runs[0], ahead);
            // Our clock is ahead of GitHub's: the time to wait until has no name.
            let context = Context { now: at(9000), ..context(None) };
            let e = evaluate(&spec(), &Observations::Facts(Box::new(f)), &context);
            assert_eq!(passed(&e), "Unknown/Settling", "{what}");
            assert!(matches!(e.next, Next::At(_)), "{what}: {:?}", e.next);
        }
    }
}

#[test]
fn a_line_break_in_a_name_is_no_way_into_an_informational_suite() {
    let informational = |name: &str, expression: &str| SuiteSpec {
        policy: SuitePolicy::Informational,
        ..suite(name, expression)
    };
    for (expression, name, counts) in [
        ("^docs$", "docs", false),
        ("^docs$", "docs\n", true),
        ("^docs$", "e2e\ndocs", true),
        ("^docs$", "docs\ne2e", true),
        ("^docs$", "docs\u{2028}", true),
        ("^docs$", "\u{feff}docs", true),
        ("^docs.*$", "docs\ne2e", true),
        // As it is documented: of any case, and anywhere unless anchored.
        ("^docs$", "DOCS", false),
        ("docs", "e2e (docs)", false),
    ] {
        let s = TestRunReportSpec {
            suites: vec![informational("docs", expression), suite("rest", "^unit$")],
            ..spec()
        };
        let e = eval(&s, &jobs(&[("unit", "success"), (name, "failure")]));
        let want = if counts { "False/RequiredFailed" } else { "True/AllRequiredSucceeded" };
        assert_eq!(passed(&e), want, "{expression} and {name:?}");
    }
}

#[test]
fn what_a_branch_requires_counts_in_whatever_suite_it_is_and_skipped_is_not_there() {
    let s = TestRunReportSpec {
        suites: vec![
            SuiteSpec { policy: SuitePolicy::Informational, ..suite("slow", "^e2e") },
            suite("unit", "^unit"),
        ],
        ..spec()
    };
    for (conclusion, want) in [
        ("success", "True/AllRequiredSucceeded"),
        ("failure", "False/RequiredFailed"),
        ("skipped", "False/RequiredNotRun"),
        ("neutral", "False/RequiredNotRun"),
        ("stale", "False/RequiredNotRun"),
        ("action_required", "Unknown/ActionRequired"),
    ] {
        let mut f = jobs(&[("unit", "success"), ("e2e", conclusion)]);
        f.expectations.required = vec![RequiredCheck { name: "e2e".into(), app_id: Some(ACTIONS_APP_ID) }];
        assert_eq!(passed(&eval(&s, &f)), want, "{conclusion}");
    }
    // A path filter left the workflow out: its job is required, and not there.
    let mut f = jobs(&[("unit", "success")]);
    f.expectations.required = vec![RequiredCheck { name: "e2e".into(), app_id: None }];
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting");
    // A job that only repeats others is green over jobs that were skipped.
    let e = eval(&spec(), &jobs(&[("Merge Gate", "success"), ("unit", "skipped"), ("e2e", "skipped")]));
    assert_eq!(passed(&e), "False/RequiredNotRun");
}
