//! Several runs of one workflow on one commit: which of them may speak for the others.

use super::*;

/// Verdict over two runs of one workflow, event and branch.
fn twins(s: &TestRunReportSpec, older: Run, newer: Run) -> String {
    passed(&eval(s, &facts(vec![newer, older])))
}

#[test]
fn what_was_cancelled_and_is_in_no_newer_run_still_counts() {
    for (name, ended, newer, want) in [
        ("unit", "cancelled", &["build"][..], "False/RequiredNotRun"),
        ("unit", "skipped", &["build"], "False/RequiredNotRun"),
        ("unit", "hatched", &["build"], "Unknown/Undecidable"),
        ("unit", "failure", &["build"], "False/RequiredFailed"),
        ("unit", "success", &["build"], "True/AllRequiredSucceeded"),
        ("unit", "cancelled", &["build", "unit"], "True/AllRequiredSucceeded"),
        // It was cancelled before it had its full name.
        ("unit", "cancelled", &["unit (a)", "unit (b)"], "True/AllRequiredSucceeded"),
        ("unit ${{ matrix.os }}", "cancelled", &["unit linux"], "True/AllRequiredSucceeded"),
        ("deploy", "cancelled", &["deploy / push"], "True/AllRequiredSucceeded"),
        // These only look like it.
        ("unit", "cancelled", &["unit-two"], "False/RequiredNotRun"),
        ("unit (a)", "cancelled", &["unit", "unit (b)"], "False/RequiredNotRun"),
        ("unit ${{ matrix.os }}", "cancelled", &["build"], "False/RequiredNotRun"),
        ("unit", "cancelled", &["Unit"], "False/RequiredNotRun"),
    ] {
        let mut older = run(7, vec![job(100, name, ended)]);
        older.conclusion = Some("cancelled".into());
        let list = newer.iter().enumerate().map(|(i, n)| later(200 + i as i64, n, "success")).collect();
        assert_eq!(twins(&spec(), older, run(8, list)), want, "{name} {ended}, then {newer:?}");
    }
}

#[test]
fn what_was_cancelled_is_not_held_against_a_newer_run_that_has_not_come_to_it() {
    let older = run(7, vec![job(100, "unit", "cancelled")]);
    let newer = run(8, vec![later(200, "build", "in_progress")]);
    assert_eq!(twins(&spec(), older, newer), "Unknown/Running");
}

#[test]
fn the_newest_of_two_runs_counts_once_both_have_ended() {
    for (older, newer, want) in [
        ("failure", "success", "True/AllRequiredSucceeded"),
        ("success", "failure", "False/RequiredFailed"),
        ("failure", "queued", "Unknown/Running"),
        ("success", "in_progress", "Unknown/Running"),
        ("failure", "action_required", "Unknown/ActionRequired"),
        ("failure", "hatched", "Unknown/Undecidable"),
        // What did not run proves nothing, neither of a failure nor of a success.
        ("failure", "skipped", "False/RequiredFailed"),
        ("failure", "cancelled", "False/RequiredFailed"),
        ("hatched", "skipped", "Unknown/Undecidable"),
        ("success", "skipped", "False/RequiredNotRun"),
        ("success", "neutral", "False/RequiredNotRun"),
        ("success", "cancelled", "False/RequiredNotRun"),
        ("success", "stale", "False/RequiredNotRun"),
        // While the older one goes on there is no verdict, whatever the newer one says.
        ("queued", "success", "Unknown/Running"),
        ("in_progress", "success", "Unknown/Running"),
    ] {
        let got =
            twins(&spec(), run(7, vec![job(100, "unit", older)]), run(8, vec![later(200, "unit", newer)]));
        assert_eq!(got, want, "{older}, then {newer}");
    }
    // Red, and another job of the red run still runs.
    let older = run(7, vec![job(100, "unit", "failure"), job(101, "lint", "in_progress")]);
    let newer = || run(8, vec![later(200, "unit", "success"), later(201, "lint", "success")]);
    assert_eq!(twins(&spec(), older, newer()), "Unknown/Running");
    // A job of the older run that began after those of the newer one is the newest word.
    let late = Job { started_at: Some(at(600)), ..job(101, "lint", "failure") };
    let older = run(7, vec![job(100, "unit", "failure"), late]);
    assert_eq!(twins(&spec(), older, newer()), "False/RequiredFailed");
}

#[test]
fn branches_of_one_name_in_two_forks_are_two() {
    for (older, newer, want) in [
        (Some(5), Some(5), "True/AllRequiredSucceeded"),
        (Some(5), Some(6), "False/RequiredFailed"),
        (Some(5), None, "False/RequiredFailed"),
        (None, Some(6), "False/RequiredFailed"),
    ] {
        let of = |id: i64, jobs, repository| Run {
            head_branch: Some("patch-1".into()),
            head_repository_id: repository,
            ..run(id, jobs)
        };
        let red = of(7, vec![job(100, "unit", "failure")], older);
        let green = of(8, vec![later(200, "unit", "success")], newer);
        assert_eq!(twins(&spec(), red, green), want, "{older:?} {newer:?}");
    }
}

#[test]
fn runs_that_other_workflows_start_do_not_replace_each_other() {
    let of = |id: i64, conclusion: &str| Run {
        event: "workflow_run".into(),
        head_branch: Some("main".into()),
        ..run(
            id,
            vec![if id == 7 { job(100, "report", conclusion) } else { later(200, "report", conclusion) }],
        )
    };
    for (older, newer, want) in [
        ("failure", "success", "False/RequiredFailed"),
        ("success", "failure", "False/RequiredFailed"),
        ("hatched", "success", "Unknown/Undecidable"),
        ("failure", "skipped", "False/RequiredFailed"),
        ("success", "success", "True/AllRequiredSucceeded"),
        // Somebody else's pull request was not green: nothing about this commit.
        ("success", "skipped", "True/AllRequiredSucceeded"),
        ("skipped", "skipped", "False/RequiredNotRun"),
    ] {
        assert_eq!(twins(&spec(), of(7, older), of(8, newer)), want, "{older}, then {newer}");
    }
    // The same run again is another matter.
    let mut again = of(7, "failure");
    again.attempt = 2;
    again.conclusion = Some("success".into());
    again.jobs.push(Job { attempt: 2, ..later(300, "report", "success") });
    again.jobs_total = 2;
    assert_eq!(verdict(&facts(vec![again])), "True/AllRequiredSucceeded");
}

#[test]
fn events_do_not_speak_for_each_other() {
    for event in ["pull_request_target", "push", "workflow_dispatch", "schedule", "merge_group", "dynamic"] {
        let other = Run { event: event.into(), ..run(8, vec![later(200, "unit", "success")]) };
        assert_eq!(
            twins(&spec(), run(7, vec![job(100, "unit", "failure")]), other),
            "False/RequiredFailed",
            "{event}"
        );
    }
}

#[test]
fn a_run_that_may_be_of_another_pull_request_replaces_nothing() {
    for (older, newer, want) in [
        ("failure", "success", "False/RequiredFailed"),
        ("cancelled", "success", "False/RequiredNotRun"),
        ("success", "failure", "False/RequiredFailed"),
        ("in_progress", "success", "Unknown/Running"),
        ("success", "success", "True/AllRequiredSucceeded"),
        ("skipped", "success", "True/AllRequiredSucceeded"),
    ] {
        // It is enough that it is said of one of them.
        for which in [7, 8] {
            let apart =
                |id: i64| (id == which).then(|| "its branch has the pull requests #20 and #21".to_owned());
            let red = Run { apart: apart(7), ..run(7, vec![job(100, "unit", older)]) };
            let green = Run { apart: apart(8), ..run(8, vec![later(200, "unit", newer)]) };
            let e = eval(&spec(), &facts(vec![red, green]));
            assert_eq!(passed(&e), want, "{older}, then {newer}");
        }
    }
    // The red one is run again.
    let mut again =
        run(7, vec![job(100, "unit", "failure"), Job { attempt: 2, ..later(300, "unit", "success") }]);
    (again.conclusion, again.apart) = (Some("success".into()), Some("why".into()));
    let green = run(8, vec![later(200, "unit", "success")]);
    assert_eq!(verdict(&facts(vec![again, green])), "True/AllRequiredSucceeded");
}
