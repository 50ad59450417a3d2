//! What must be there: `expect`, the base branch's last green commit, required checks.

use super::*;

#[test]
fn no_run_is_pending_and_then_incomplete() {
    let mut f = facts(vec![]);
    let first = eval(&spec(), &f);
    assert_eq!(passed(&first), "Unknown/Pending");
    assert_eq!(first.status.phase, "Pending");
    // Without a run the clock starts with the first look.
    f.read_at = at(1000 + 21_599);
    assert_eq!(passed(&after(&spec(), &f, &first.status)), "Unknown/Pending");
    f.read_at = at(1000 + 21_600);
    assert_eq!(passed(&after(&spec(), &f, &first.status)), "False/Incomplete");
}

#[test]
fn expected_jobs_by_name() {
    let mut s = spec();
    s.suites = vec![SuiteSpec {
        expect: Some(Expect { jobs: Some(vec!["unit a".into(), "unit b".into()]), count: None }),
        ..suite("unit", "^unit")
    }];
    let mut f = jobs(&[("unit a", "success")]);
    let e = eval(&s, &f);
    assert_eq!(passed(&e), "Unknown/Expecting");
    assert!(message(&e).contains("unit b"), "{}", message(&e));
    f.read_at = at(30_000);
    let e = eval(&s, &f);
    assert_eq!(passed(&e), "False/Incomplete");
    assert_eq!(e.status.summary.as_ref().unwrap().jobs.missing, 1);
    assert_eq!(e.status.summary.as_ref().unwrap().jobs.display, "1/2");
    assert_eq!(
        passed(&eval(&s, &jobs(&[("unit a", "success"), ("unit b", "success")]))),
        "True/AllRequiredSucceeded"
    );
}

#[test]
fn expected_number_of_jobs() {
    let mut s = spec();
    s.suites =
        vec![SuiteSpec { expect: Some(Expect { jobs: None, count: Some(2) }), ..suite("unit", "^unit") }];
    assert_eq!(passed(&eval(&s, &jobs(&[("unit a", "success")]))), "Unknown/Expecting");
    assert_eq!(
        passed(&eval(&s, &jobs(&[("unit a", "success"), ("unit b", "success"), ("unit c", "success")]))),
        "True/AllRequiredSucceeded"
    );
}

#[test]
fn jobs_of_the_last_green_base_commit_are_expected() {
    let mut f = jobs(&[("build", "success")]);
    f.expectations.baseline = green_base(&["build", "unit"]);
    assert_eq!(verdict(&f), "Unknown/Expecting");
    f.read_at = at(30_000);
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "False/Incomplete");
    assert!(message(&e).contains("unit"));
    let mut f = jobs(&[("build", "success"), ("unit", "success")]);
    f.expectations.baseline = green_base(&["build", "unit"]);
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
}

#[test]
fn a_workflow_of_another_event_is_not_expected() {
    let mut f = jobs(&[("build", "success")]);
    let Baseline::Found(mut base) = green_base(&["release"]) else { panic!() };
    base.workflows[0].workflow = "Release".into();
    base.workflows[0].path = ".github/workflows/release.yml".into();
    base.workflows[0].not_for_this_event = true;
    f.expectations.baseline = Baseline::Found(base.clone());
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
    base.workflows[0].not_for_this_event = false;
    f.expectations.baseline = Baseline::Found(base);
    assert_eq!(verdict(&f), "Unknown/Expecting");
}

#[test]
fn expect_replaces_the_base_branch_for_its_suite_only() {
    let mut s = spec();
    s.suites = vec![
        SuiteSpec { expect: Some(Expect { jobs: None, count: Some(1) }), ..suite("unit", "^unit") },
        suite("build", "^build"),
    ];
    let mut f = jobs(&[("build", "success"), ("unit new", "success")]);
    f.expectations.baseline = green_base(&["build", "unit old"]);
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
    f.expectations.baseline = green_base(&["build", "build 2", "unit old"]);
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting");
}

#[test]
fn required_checks_of_the_branch_must_be_there() {
    let require = |name: &str, app_id| RequiredCheck { name: name.into(), app_id };
    for (required, want) in [
        (require("build", None), "True/AllRequiredSucceeded"),
        (require("build", Some(ACTIONS_APP_ID)), "True/AllRequiredSucceeded"),
        (require("build", Some(99)), "Unknown/Expecting"),
        (require("cov", Some(254)), "True/AllRequiredSucceeded"),
        (require("cov", Some(ACTIONS_APP_ID)), "Unknown/Expecting"),
        (require("legal", None), "Unknown/Expecting"),
    ] {
        let mut f = jobs(&[("build", "success")]);
        f.checks = vec![check("cov", "success")];
        f.expectations.required = vec![required.clone()];
        assert_eq!(verdict(&f), want, "{required:?}");
    }
}

#[test]
fn a_required_check_counts_even_if_its_workflow_is_not_listed() {
    let mut s = spec();
    s.workflows = vec!["Other".into()];
    let mut other = run(8, vec![job(300, "x", "success")]);
    other.workflow = "Other".into();
    other.workflow_id = 71;
    let mut f = jobs(&[("build", "failure")]);
    f.runs.push(other);
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
    f.expectations.required = vec![RequiredCheck { name: "build".into(), app_id: None }];
    assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed");
}

#[test]
fn a_report_does_not_wait_for_the_status_that_it_publishes() {
    let mut s = spec();
    s.publish = Some(crate::api::publish::PublishSpec {
        status: Some(crate::api::publish::PublishStatus { context: "testrun/verdict".into() }),
        ..Default::default()
    });
    let mut f = jobs(&[("build", "success")]);
    f.expectations.required = vec![RequiredCheck { name: "testrun/verdict".into(), app_id: None }];
    let e = eval(&s, &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert!(e.status.notes.iter().any(|n| n.contains("testrun/verdict")));
    // It speaks for no job, nor for what GitHub Actions must say.
    let of = |app_id| vec![RequiredCheck { name: "testrun/verdict".into(), app_id }];
    f.expectations.required = of(Some(ACTIONS_APP_ID));
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting");
    s.suites = vec![
        suite("build", "^build$"),
        SuiteSpec { policy: SuitePolicy::Informational, ..suite("rest", ".") },
    ];
    let mut f = jobs(&[("build", "success"), ("testrun/verdict", "failure")]);
    for app_id in [None, Some(ACTIONS_APP_ID)] {
        f.expectations.required = of(app_id);
        assert_eq!(passed(&eval(&s, &f)), "False/RequiredFailed", "{app_id:?}");
    }
    f.expectations.required = of(Some(254));
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded", "of an app, such as our own");
}

#[test]
fn a_commit_without_a_run_where_others_have_some_waits_for_one() {
    let mut f = facts(vec![]);
    f.checks = vec![check("license/cla", "success")];
    f.expectations.some_run = true;
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "Unknown/Expecting");
    assert!(message(&e).contains("a workflow run"), "{}", message(&e));
    // Whatever else is asked for is no run either.
    let mut asking = spec();
    asking.checks = vec![CheckSpec { name: "license/cla".into(), app: None }];
    f.expectations.required = vec![RequiredCheck { name: "license/cla".into(), app_id: None }];
    assert_eq!(passed(&eval(&asking, &f)), "Unknown/Expecting");
    let late = Facts { read_at: at(1000 + 21_600), ..f.clone() };
    let e = after(&spec(), &late, &e.status);
    assert_eq!(passed(&e), "False/Incomplete");
    assert!(format!("{:?}", e.status.suites).contains("[skip ci]"), "{:?}", e.status.suites);
    // Who says by suites what must be there, is believed.
    asking.suites = vec![SuiteSpec { policy: SuitePolicy::Informational, ..suite("jobs", ".") }];
    assert_eq!(passed(&eval(&asking, &f)), "True/AllRequiredSucceeded");
    // What is expected by name says more, and what ran is there.
    f.expectations.baseline = green_base(&["unit"]);
    let e = eval(&spec(), &f);
    assert!(message(&e).contains("unit") && !message(&e).contains("a workflow run"), "{}", message(&e));
    // What labels it runs all the same.
    f.expectations.baseline = Baseline::None;
    f.runs = jobs(&[("label", "success")]).runs;
    assert_eq!(verdict(&f), "Unknown/Expecting");
    f.expectations.some_run = false;
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
}

#[test]
fn expectations_that_cannot_be_read_are_not_a_pass() {
    for kind in [GapKind::Baseline, GapKind::RequiredChecks] {
        let mut f = jobs(&[("build", "success")]);
        f.gaps = vec![Gap { kind, message: "no permission".into() }];
        let e = eval(&spec(), &f);
        assert_eq!(passed(&e), "Unknown/Undecidable");
        assert_eq!(condition(&e, ConditionType::Reconciling), "True/Undecidable");
        let mut s = spec();
        s.suites =
            vec![SuiteSpec { expect: Some(Expect { jobs: None, count: Some(1) }), ..suite("all", ".") }];
        assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded", "the spec says what must be there");
    }
    let mut f = jobs(&[("build", "success")]);
    f.gaps = vec![Gap { kind: GapKind::Log, message: "gone".into() }];
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded", "a log only explains");
}

#[test]
fn tests_that_fell_by_a_quarter_are_incomplete() {
    let tests = |total| {
        Some(Evidence {
            tests: Some(crate::api::status::TestTotals { total, passed: total, ..Default::default() }),
            ..Default::default()
        })
    };
    for (now, want) in [(74, "False/Incomplete"), (75, "True/AllRequiredSucceeded")] {
        let first = Job { evidence: tests(100), ..job(101, "unit", "failure") };
        let again = Job { attempt: 2, evidence: tests(now), ..job(201, "unit", "success") };
        let mut f = facts(vec![run(7, vec![first, again])]);
        f.runs[0].conclusion = Some("success".into());
        assert_eq!(verdict(&f), want, "{now}");
    }
}

#[test]
fn approval_is_awaited_until_the_deadline() {
    let mut f = jobs(&[("deploy", "waiting"), ("build", "success")]);
    assert_eq!(verdict(&f), "Unknown/ActionRequired");
    f.read_at = at(30_000);
    assert_eq!(verdict(&f), "False/Incomplete");
}

#[test]
fn the_deadline_does_not_end_a_running_job() {
    let mut f = jobs(&[("build", "in_progress")]);
    f.read_at = at(1_000_000);
    assert_eq!(verdict(&f), "Unknown/Running");
}

#[test]
fn jobs_of_two_events_are_counted_once() {
    let mut s = spec();
    s.suites =
        vec![SuiteSpec { expect: Some(Expect { jobs: None, count: Some(3) }), ..suite("unit", "^unit") }];
    let of = |id: i64, event: &str| {
        let two = vec![job(id * 10, "unit a", "success"), job(id * 10 + 1, "unit b", "success")];
        Run { event: event.into(), ..run(id, two) }
    };
    assert_eq!(
        passed(&eval(&s, &facts(vec![of(7, "push"), of(8, "pull_request")]))),
        "Unknown/Expecting",
        "one job of three is missing in both"
    );
    let third = |id, event: &str| {
        let mut run = of(id, event);
        run.jobs.push(job(id * 10 + 2, "unit c", "success"));
        run.jobs_total = 3;
        run
    };
    let f = facts(vec![third(7, "push"), of(8, "pull_request")]);
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
}

#[test]
fn a_required_suite_without_any_job_is_missing() {
    let mut s = spec();
    s.suites = vec![suite("unit", "^unit"), suite("e2e", "^e2e")];
    let mut f = jobs(&[("unit", "success")]);
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Expecting");
    f.read_at = at(30_000);
    let e = eval(&s, &f);
    assert_eq!(passed(&e), "False/Incomplete");
    assert!(message(&e).contains("e2e"), "{}", message(&e));
    s.suites[1].policy = SuitePolicy::Informational;
    assert_eq!(passed(&eval(&s, &f)), "True/AllRequiredSucceeded");
    s.suites[0].matches[0].job = Some("^unti".into());
    assert_eq!(passed(&eval(&s, &facts(vec![]))), "Unknown/Pending");
}
