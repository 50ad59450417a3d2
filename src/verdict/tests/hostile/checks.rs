//! Checks and statuses that others make: which of them is the newest, whose they are, and what they leave out.

use super::*;

/// A check of an app by its id, the second in which it says that it began, and its end.
fn made(id: i64, began: Option<i64>, conclusion: &str) -> Check {
    Check { id, at: began.map(at), ..check("scan", conclusion) }
}

#[test]
fn an_app_that_says_itself_when_a_check_began_hides_no_red_one_by_it() {
    let (green, red) = ("True/AllRequiredSucceeded", "False/RequiredFailed");
    let far = 200_000_000_000;
    for (first, second, want) in [
        (made(1, Some(20), "failure"), made(2, Some(30), "success"), green),
        (made(1, Some(20), "success"), made(2, Some(30), "failure"), red),
        // Of two builds the one that began first ended last.
        (made(1, Some(30), "success"), made(2, Some(20), "failure"), red),
        (made(1, Some(30), "failure"), made(2, Some(20), "success"), red),
        (made(1, Some(30), "success"), made(2, Some(20), "success"), green),
        // A time that lies ahead, or none.
        (made(1, Some(far), "success"), made(2, Some(20), "failure"), red),
        (made(1, None, "success"), made(2, Some(20), "failure"), red),
        (made(1, Some(20), "failure"), made(2, None, "success"), green),
        (made(1, Some(30), "success"), made(2, Some(20), "in_progress"), "Unknown/Running"),
        (made(1, Some(30), "success"), made(2, Some(20), "hatched"), "Unknown/Undecidable"),
    ] {
        let told = format!("{} at {:?}, {} at {:?}", first.id, first.at, second.id, second.at);
        for checks in [vec![first.clone(), second.clone()], vec![second, first]] {
            let mut f = jobs(&[("build", "success")]);
            f.checks = checks;
            // What lies ahead never settles.
            let got = verdict(&f);
            assert!(got == want || want == green && got == "Unknown/Settling", "{told}: {got}, not {want}");
        }
    }
}

#[test]
fn a_status_counts_under_its_exact_context_and_hides_none_of_another_case() {
    let status = |id: i64, context: &str, state: &str| Check {
        id,
        kind: CheckKind::Status,
        app_id: None,
        at: Some(at(20 + id)),
        ..check(context, state)
    };
    let asking =
        TestRunReportSpec { checks: vec![CheckSpec { name: "ci/build".into(), app: None }], ..spec() };
    for (statuses, required, asked) in [
        (vec![status(1, "ci/build", "success")], "True/AllRequiredSucceeded", "True/AllRequiredSucceeded"),
        (vec![status(1, "CI/Build", "success")], "Unknown/Expecting", "Unknown/Expecting"),
        (
            vec![status(1, "ci/build", "failure"), status(2, "CI/Build", "success")],
            "False/RequiredFailed",
            "False/RequiredFailed",
        ),
        (
            vec![status(1, "ci/build", "success"), status(2, "CI/Build", "failure")],
            "False/RequiredFailed",
            "False/RequiredFailed",
        ),
        (
            vec![status(1, "ci/build", "success"), status(2, "ci/build", "pending")],
            "Unknown/Running",
            "Unknown/Running",
        ),
        (
            vec![status(1, "ci/build", "success"), status(2, "ci/build", "error")],
            "False/RequiredFailed",
            "False/RequiredFailed",
        ),
        (
            vec![status(1, "ci/build", "success"), status(2, "ci/build", "expected")],
            "Unknown/Undecidable",
            "Unknown/Undecidable",
        ),
    ] {
        let mut f = jobs(&[("unit", "success")]);
        f.checks = statuses.clone();
        assert_eq!(passed(&eval(&asking, &f)), asked, "asked for: {statuses:?}");
        f.expectations.required = vec![RequiredCheck { name: "ci/build".into(), app_id: None }];
        assert_eq!(verdict(&f), required, "required: {statuses:?}");
    }
}

#[test]
fn a_check_of_which_half_is_not_said_does_not_pass() {
    let bare = || Check { head_sha: SHA.into(), ..Default::default() };
    for (what, check, want) in [
        ("nothing at all", bare(), "Unknown/Undecidable"),
        ("an end without a result", Check { status: "completed".into(), ..bare() }, "Unknown/Undecidable"),
        (
            "a result without an end",
            Check { conclusion: Some("success".into()), ..bare() },
            "Unknown/Undecidable",
        ),
        (
            "a red one of nobody",
            Check { status: "completed".into(), conclusion: Some("failure".into()), ..bare() },
            "False/RequiredFailed",
        ),
        (
            "a green one of nobody",
            Check { status: "completed".into(), conclusion: Some("success".into()), ..bare() },
            "True/AllRequiredSucceeded",
        ),
    ] {
        let mut f = jobs(&[("unit", "success")]);
        f.checks = vec![check];
        assert_eq!(verdict(&f), want, "{what}");
    }
}

#[test]
fn what_a_rule_requires_of_an_app_is_neither_a_job_nor_a_run_nor_another_apps() {
    let required = |app_id| vec![RequiredCheck { name: "scan".into(), app_id }];
    let green = "True/AllRequiredSucceeded";
    let of = |app: i64, conclusion: &str| Check { app_id: Some(app), ..check("scan", conclusion) };
    for (what, app, job, checks, want) in [
        ("a job of the name", Some(254), Some("success"), vec![], "Unknown/Expecting"),
        (
            "a job, and the app is red",
            Some(254),
            Some("success"),
            vec![of(254, "failure")],
            "False/RequiredFailed",
        ),
        (
            "the app is green, a job red",
            Some(254),
            Some("failure"),
            vec![of(254, "success")],
            "False/RequiredFailed",
        ),
        (
            "of Actions, and another app says it",
            Some(ACTIONS_APP_ID),
            None,
            vec![of(666, "success")],
            "Unknown/Expecting",
        ),
        (
            "of Actions, the job is red, another app green",
            Some(ACTIONS_APP_ID),
            Some("failure"),
            vec![of(666, "success")],
            "False/RequiredFailed",
        ),
        ("of anybody", None, None, vec![of(666, "success")], green),
        ("of the app", Some(254), None, vec![of(254, "success")], green),
        ("of the app, skipped", Some(254), None, vec![of(254, "skipped")], "False/RequiredNotRun"),
        ("of the app, neutral", Some(254), None, vec![of(254, "neutral")], "False/RequiredNotRun"),
        ("of the app, stale", Some(254), None, vec![of(254, "stale")], "False/RequiredNotRun"),
        (
            "of the app, asks for a person",
            Some(254),
            None,
            vec![of(254, "action_required")],
            "Unknown/ActionRequired",
        ),
    ] {
        let mut f = jobs(&[("unit", "success")]);
        if let Some(end) = job {
            f.runs[0].jobs.push(super::job(150, "scan", end));
            f.runs[0].jobs_total = 2;
        }
        f.checks = checks;
        f.expectations.required = required(app);
        assert_eq!(verdict(&f), want, "{what}");
    }
    // A workflow of the name, whose run stands for itself.
    let mut whole = run(8, vec![]);
    (whole.workflow, whole.workflow_id, whole.path) = ("scan".into(), 71, ".github/workflows/s.yml".into());
    let mut f = jobs(&[("unit", "success")]);
    f.runs.push(whole);
    f.expectations.required = required(None);
    assert!(!verdict(&f).starts_with("True"), "{}", verdict(&f));
}
