//! Names that look like others.

use super::*;

/// Names that a person may take for `unit (a)`.
const IMITATIONS: [&str; 14] = [
    "Unit (a)", "UNIT (A)", " unit (a)", "unit (a) ", "unit  (a)", "unit\u{a0}(a)", "unit\t(a)",
    "unit (a)\n", "\u{200b}unit (a)", "unit (\u{430})", "u\u{0308}nit (a)", "unit (a)\u{202e}", "unit",
    "unit (a) / unit (a)",
];

#[test]
fn what_must_be_there_is_there_under_its_exact_name_only() {
    let name = "unit (a)";
    let by_branch = |f: &mut Facts| {
        f.expectations.required = vec![RequiredCheck { name: name.into(), app_id: None }];
    };
    let by_base = |f: &mut Facts| f.expectations.baseline = green_base(&[name]);
    let expecting = TestRunReportSpec {
        suites: vec![SuiteSpec {
            expect: Some(Expect { jobs: Some(vec![name.into()]), count: None }),
            ..suite("unit", "unit")
        }],
        ..spec()
    };
    let asking = TestRunReportSpec { checks: vec![CheckSpec { name: name.into(), app: None }], ..spec() };
    for other in std::iter::once(name).chain(IMITATIONS) {
        let want = if other == name { "True/AllRequiredSucceeded" } else { "Unknown/Expecting" };
        let f = jobs(&[("build", "success"), (other, "success")]);
        let with = |change: &dyn Fn(&mut Facts)| {
            let mut f = f.clone();
            change(&mut f);
            verdict(&f)
        };
        assert_eq!(with(&by_branch), want, "required: {other:?}");
        assert_eq!(with(&by_base), want, "base branch: {other:?}");
        assert_eq!(passed(&eval(&expecting, &f)), want, "expect: {other:?}");
        let mut f = jobs(&[("build", "success")]);
        f.checks = vec![check(other, "success")];
        assert_eq!(passed(&eval(&asking, &f)), want, "checks: {other:?}");
        f.expectations.required = vec![RequiredCheck { name: name.into(), app_id: Some(254) }];
        assert_eq!(verdict(&f), want, "required of an app: {other:?}");
    }
}

#[test]
fn what_is_excused_has_the_exact_name() {
    let name = "unit (a)";
    let mut waiving = spec();
    waiving.waivers = vec![waiver(Some(name), None)];
    for other in std::iter::once(name).chain(IMITATIONS) {
        let is = other == name;
        let of = |s: &TestRunReportSpec, conclusion: &str| {
            passed(&eval(s, &jobs(&[("build", "success"), (other, conclusion)]))).starts_with("True")
        };
        assert_eq!(of(&waiving, "failure"), is, "waiver: {other:?}");
        assert_eq!(of(&lenient(&[name]), "skipped"), is, "allowance: {other:?}");
    }
}

#[test]
fn the_red_one_of_two_names_that_look_the_same_stays_red() {
    for other in IMITATIONS {
        let red = run(7, vec![job(100, "unit (a)", "failure")]);
        let green = run(8, vec![later(200, other, "success")]);
        assert_eq!(verdict(&facts(vec![red, green])), "False/RequiredFailed", "{other:?}");
    }
}

#[test]
fn a_check_of_another_app_is_another_check() {
    for (required, ours, theirs, want) in [
        // The app that the rule names has not said anything yet.
        (Some(99), None, "success", "Unknown/Expecting"),
        (Some(99), Some("failure"), "success", "False/RequiredFailed"),
        (Some(99), Some("neutral"), "success", "False/RequiredNotRun"),
        (Some(99), Some("success"), "success", "True/AllRequiredSucceeded"),
        // All of them count where the rule names none.
        (None, Some("failure"), "success", "False/RequiredFailed"),
        (None, Some("in_progress"), "success", "Unknown/Running"),
    ] {
        let mut f = jobs(&[("build", "success")]);
        f.expectations.required = vec![RequiredCheck { name: "scan".into(), app_id: required }];
        let by = |conclusion: &str, id, app: &str, app_id| Check {
            id,
            app: Some(app.into()),
            app_id: Some(app_id),
            ..check("scan", conclusion)
        };
        f.checks = vec![by(theirs, 902, "copycat", 7)];
        f.checks.extend(ours.map(|c| by(c, 901, "scanner", 99)));
        assert_eq!(verdict(&f), want, "{required:?} {ours:?} {theirs}");
        // A commit status is of nobody's app.
        f.checks = vec![Check { kind: CheckKind::Status, app_id: None, ..check("scan", "success") }];
        let forged = if required.is_some() { "Unknown/Expecting" } else { "True/AllRequiredSucceeded" };
        assert_eq!(verdict(&f), forged, "a status for {required:?}");
    }
}

#[test]
fn checks_that_workflows_make_hide_each_other_only_after_something_ran_again() {
    let of = |id: i64, second: i64, conclusion: &str| Check {
        id,
        app: Some("github-actions".into()),
        app_id: Some(ACTIONS_APP_ID),
        at: Some(at(second)),
        completed_at: Some(at(second)),
        ..check("Test Results", conclusion)
    };
    let red = "False/RequiredFailed";
    let green = "True/AllRequiredSucceeded";
    let mut f = jobs(&[("unit (a)", "success"), ("unit (b)", "success")]);
    // Two jobs, or two workflows, say it under one name.
    f.checks = vec![of(901, 60, "failure"), of(902, 70, "success")];
    assert_eq!(verdict(&f), red);
    f.checks = vec![of(902, 70, "failure"), of(901, 60, "success")];
    assert_eq!(verdict(&f), red);
    f.checks = vec![of(901, 60, "success"), of(902, 70, "success")];
    assert_eq!(verdict(&f), green);
    f.checks = vec![of(901, 60, "hatched"), of(902, 70, "success")];
    assert_eq!(verdict(&f), "Unknown/Undecidable");
    // A job runs again, and says it again.
    f.checks = vec![of(901, 60, "failure"), of(902, 600, "success")];
    assert_eq!(verdict(&f), red);
    let mut again = f.clone();
    again.runs[0].attempt = 2;
    again.runs[0].jobs.push(Job { attempt: 2, ..later(300, "unit (a)", "success") });
    again.runs[0].jobs_total = 3;
    assert_eq!(verdict(&again), green);
    // Not what came after that attempt began.
    again.checks = vec![of(901, 550, "failure"), of(902, 600, "success")];
    assert_eq!(verdict(&again), red);
    // A further run.
    let mut further = f.clone();
    let newer = run(400, vec![later(400, "unit (a)", "success"), later(401, "unit (b)", "success")]);
    further.runs.push(newer);
    assert_eq!(verdict(&further), green);
    // Of another workflow, which makes its own under that name: for the first time, or once more.
    let other = |id: i64, begin: i64| {
        let mut r = run(id, vec![Job { started_at: Some(at(begin)), ..job(id, "e2e", "success") }]);
        r.jobs[0].completed_at = Some(at(begin + 150));
        (r.workflow, r.workflow_id, r.path) = ("E2E".into(), 71, ".github/workflows/e2e.yml".into());
        r
    };
    let mut strange = f.clone();
    strange.runs.push(other(400, 500));
    assert_eq!(verdict(&strange), red, "another workflow begins");
    strange.runs.push(other(8, 200));
    assert_eq!(verdict(&strange), red, "another workflow begins again");
    let both = Job { completed_at: Some(at(700)), ..later(300, "unit (a)", "success") };
    strange.runs[0].attempt = 2;
    strange.runs[0].jobs.push(Job { attempt: 2, ..both });
    strange.runs[0].jobs_total = 3;
    assert_eq!(verdict(&strange), green, "the one that made it runs again");
    // Made by a workflow that only reports what others did, while none is at work.
    let apart = |checks: Vec<Check>, more: Vec<Job>, runs: Vec<Run>| {
        let mut f = jobs(&[("unit", "success")]);
        (f.checks, f.runs[0].attempt) = (checks, if more.is_empty() { 1 } else { 2 });
        f.runs[0].jobs.extend(more);
        f.runs[0].jobs_total = f.runs[0].jobs.len() as i64;
        f.runs.extend(runs);
        f
    };
    let late = || vec![of(901, 150, "failure"), of(902, 900, "success")];
    let second = Job { attempt: 2, completed_at: Some(at(600)), ..later(300, "unit", "success") };
    assert_eq!(verdict(&apart(late(), vec![], vec![])), red);
    assert_eq!(verdict(&apart(late(), vec![second], vec![])), green, "what it reports on ran again");
    assert_eq!(verdict(&apart(late(), vec![], vec![other(400, 500)])), red, "something else ran");
    // Any other app makes its checks by itself.
    for check in &mut f.checks {
        (check.app, check.app_id) = (Some("codecov".into()), Some(254));
    }
    assert_eq!(verdict(&f), green);
}
