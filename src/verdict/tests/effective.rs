//! Which runs and attempts count.

use super::*;

#[test]
fn the_latest_attempt_of_a_job_counts() {
    let second = |conclusion: &str| {
        let again = Job { attempt: 2, started_at: Some(at(50)), ..job(201, "unit", conclusion) };
        facts(vec![run(7, vec![job(100, "build", "success"), job(101, "unit", "failure"), again])])
    };
    let mut f = second("success");
    f.runs[0].conclusion = Some("success".into());
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert_eq!(
        e.status.assessment.as_ref().unwrap().confidence,
        82,
        "a pass on a re-run was seen, nothing is expected"
    );
    assert_eq!(verdict(&second("failure")), "False/RequiredFailed");
    let mut f = second("in_progress");
    f.runs[0].status = "in_progress".into();
    assert_eq!(verdict(&f), "Unknown/Running");
}

#[test]
fn a_skipped_attempt_does_not_hide_a_failed_one() {
    let again = Job { attempt: 2, ..job(201, "unit", "skipped") };
    let mut f = facts(vec![run(7, vec![job(101, "unit", "failure"), again])]);
    f.runs[0].conclusion = Some("success".into());
    assert_eq!(verdict(&f), "False/RequiredFailed");
}

#[test]
fn a_skipped_twin_of_a_newer_run_does_not_hide_a_red_one() {
    for idle in ["skipped", "neutral", "cancelled"] {
        let newer = run(8, vec![Job { started_at: Some(at(500)), ..job(201, "unit", idle) }]);
        let f = facts(vec![run(7, vec![job(101, "unit", "failure")]), newer]);
        assert_eq!(verdict(&f), "False/RequiredFailed", "{idle}");
    }
}

#[test]
fn a_newer_run_that_passes_replaces_the_older_one() {
    let newer = run(8, vec![Job { started_at: Some(at(500)), ..job(201, "unit", "success") }]);
    let f = facts(vec![newer, run(7, vec![job(101, "unit", "failure")])]);
    assert_eq!(verdict(&f), "True/AllRequiredSucceeded");
}

#[test]
fn an_older_run_that_was_re_run_later_counts() {
    let newer = run(8, vec![Job { started_at: Some(at(50)), ..job(201, "unit", "success") }]);
    let mut older = run(
        7,
        vec![
            job(101, "unit", "success"),
            Job { attempt: 2, started_at: Some(at(80)), ..job(301, "unit", "failure") },
        ],
    );
    older.attempt = 2;
    assert_eq!(verdict(&facts(vec![newer, older])), "False/RequiredFailed");
}

#[test]
fn a_failed_job_that_the_newer_run_does_not_have_stays() {
    let newer = run(8, vec![Job { started_at: Some(at(500)), ..job(201, "build", "success") }]);
    let f = facts(vec![run(7, vec![job(100, "build", "success"), job(101, "unit", "failure")]), newer]);
    assert_eq!(verdict(&f), "False/RequiredFailed");
}

#[test]
fn a_superseded_run_is_set_aside_and_named() {
    let newer = run(8, vec![Job { started_at: Some(at(500)), ..job(201, "unit", "success") }]);
    let f = facts(vec![run(7, vec![job(101, "unit", "cancelled")]), newer]);
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    let source = e.status.source.unwrap();
    assert_eq!(source.runs_display, "8");
    assert!(source.runs.iter().any(|r| r.id == 7 && r.set_aside.as_deref().unwrap().contains("run 8")));
    assert!(e.status.notes.iter().any(|n| n.contains("set aside") && n.contains('7')));
}

#[test]
fn a_cancelled_run_without_a_newer_one_fails() {
    assert_eq!(verdict(&jobs(&[("unit", "cancelled")])), "False/RequiredNotRun");
}

#[test]
fn push_and_pull_request_twins_both_count() {
    let mut push = run(8, vec![job(201, "unit", "failure")]);
    push.event = "push".into();
    let f = facts(vec![run(7, vec![job(101, "unit", "success")]), push]);
    assert_eq!(verdict(&f), "False/RequiredFailed");
}

#[test]
fn two_workflows_with_one_name_are_two() {
    let mut twin = run(8, vec![job(201, "unit", "success")]);
    twin.workflow_id = 71;
    twin.path = ".github/workflows/other.yml".into();
    let f = facts(vec![run(7, vec![job(101, "unit", "failure")]), twin]);
    assert_eq!(verdict(&f), "False/RequiredFailed");
}

#[test]
fn of_jobs_that_share_a_name_all_count() {
    let f = facts(vec![run(7, vec![job(100, "unit", "success"), job(101, "unit", "failure")])]);
    assert_eq!(verdict(&f), "False/RequiredFailed");
}

#[test]
fn re_running_one_of_two_namesakes_does_not_clear_the_other() {
    let again = Job { attempt: 2, ..job(201, "unit", "success") };
    let mut f = facts(vec![run(7, vec![job(100, "unit", "success"), job(101, "unit", "failure"), again])]);
    f.runs[0].conclusion = Some("success".into());
    assert_eq!(verdict(&f), "False/RequiredFailed", "which of them was re-run cannot be told");
}

#[test]
fn a_run_that_is_red_over_green_jobs_fails() {
    for conclusion in ["failure", "cancelled", "timed_out", "neutral"] {
        let mut f = jobs(&[("unit", "success")]);
        f.runs[0].conclusion = Some(conclusion.into());
        assert_eq!(verdict(&f), "False/Disagreement", "{conclusion}");
    }
}

#[test]
fn a_run_with_an_unknown_end_does_not_pass() {
    let mut f = jobs(&[("unit", "success")]);
    f.runs[0].conclusion = Some("fine".into());
    assert_eq!(verdict(&f), "Unknown/Undecidable");
    f.runs[0].conclusion = None;
    assert_eq!(verdict(&f), "Unknown/Undecidable");
}

#[test]
fn a_run_still_going_over_green_jobs_is_running() {
    let mut f = jobs(&[("unit", "success")]);
    f.runs[0].status = "in_progress".into();
    f.runs[0].conclusion = None;
    assert_eq!(verdict(&f), "Unknown/Running");
}

#[test]
fn runs_without_jobs() {
    for (status, conclusion, want) in [
        ("completed", Some("startup_failure"), "False/RequiredFailed"),
        ("completed", Some("failure"), "False/RequiredFailed"),
        ("completed", Some("action_required"), "Unknown/ActionRequired"),
        ("completed", Some("success"), "Unknown/Expecting"),
        ("completed", Some("skipped"), "False/RequiredNotRun"),
        ("completed", None, "Unknown/Undecidable"),
        ("queued", None, "Unknown/Running"),
        ("waiting", None, "Unknown/ActionRequired"),
        ("pending", None, "Unknown/Running"),
    ] {
        let mut r = run(7, vec![]);
        r.status = status.into();
        r.conclusion = conclusion.map(Into::into);
        assert_eq!(verdict(&facts(vec![r])), want, "{status} {conclusion:?}");
    }
}

#[test]
fn a_workflow_that_could_not_start_says_so() {
    let mut r = run(7, vec![]);
    r.conclusion = Some("startup_failure".into());
    let e = eval(&spec(), &facts(vec![r]));
    assert_eq!(e.status.recommendation.unwrap().action, "FixSetup");
    assert!(e.status.failures[0].message.as_ref().unwrap().contains("could not start"));
}

#[test]
fn jobs_that_github_counts_and_does_not_list_are_unknown() {
    let mut f = jobs(&[("unit", "success")]);
    f.runs[0].jobs_total = 2;
    assert_eq!(verdict(&f), "Unknown/Undecidable");
}

#[test]
fn a_run_listed_twice_counts_once() {
    let f = jobs(&[("unit", "success")]);
    let twice = facts(vec![f.runs[0].clone(), f.runs[0].clone()]);
    let e = eval(&spec(), &twice);
    assert_eq!(e.status.summary.unwrap().jobs.display, "1/1");
}

#[test]
fn a_job_skipped_after_a_failure_is_a_consequence() {
    let e = eval(&spec(), &jobs(&[("build", "failure"), ("unit", "skipped")]));
    assert_eq!(passed(&e), "False/RequiredFailed");
    let skipped = e.status.failures.iter().find(|f| f.job == "unit").unwrap();
    assert!(skipped.consequence);
    assert_eq!(e.status.failures[0].job, "build", "causes come first");
}

#[test]
fn another_branch_or_tag_at_the_same_commit_hides_nothing() {
    for (conclusion, want) in [("failure", "False/RequiredFailed"), ("cancelled", "False/RequiredNotRun")] {
        let mut branch = run(7, vec![job(101, "unit", conclusion)]);
        let mut tag = run(8, vec![Job { started_at: Some(at(500)), ..job(201, "unit", "success") }]);
        branch.head_branch = Some("main".into());
        tag.head_branch = Some("v1".into());
        assert_eq!(verdict(&facts(vec![branch, tag])), want);
    }
}

#[test]
fn a_skip_that_is_allowed_does_not_hide_what_never_came_to_a_result() {
    let mut s = spec();
    let allow = crate::api::spec::Allowance {
        job: "unit".into(),
        states: vec![crate::api::spec::AllowedState::Skipped],
        reason: "docs".into(),
    };
    s.gate = Some(GateSpec { allow: vec![allow], ..Default::default() });
    for (older, want) in [
        ("cancelled", "False/RequiredNotRun"),
        ("timed_out", "False/RequiredFailed"),
        ("hatched", "Unknown/Undecidable"),
    ] {
        let build = || Job { started_at: Some(at(500)), ..job(200, "build", "success") };
        let again = Job { attempt: 2, started_at: Some(at(500)), ..job(201, "unit", "skipped") };
        let mut f = facts(vec![run(7, vec![job(101, "unit", older), again, build()])]);
        f.runs[0].conclusion = Some("success".into());
        assert_eq!(passed(&eval(&s, &f)), want, "an attempt: {older}");

        let newer = Job { started_at: Some(at(500)), ..job(201, "unit", "skipped") };
        let red = run(7, vec![job(100, "build", "failure"), job(101, "unit", older)]);
        let f = facts(vec![red, run(8, vec![build(), newer.clone()])]);
        assert_eq!(passed(&eval(&s, &f)), want, "a run: {older}");

        // The whole run was cancelled by one that leaves it out, as for a label.
        let mut cut = run(7, vec![job(101, "unit", older)]);
        cut.conclusion = Some("cancelled".into());
        let f = facts(vec![cut, run(8, vec![build(), newer])]);
        assert_eq!(passed(&eval(&s, &f)), want, "a cancelled run: {older}");
    }
}

#[test]
fn the_jobs_of_an_older_attempt_do_not_speak_for_a_newer_one() {
    let mut f = jobs(&[("unit", "success")]);
    f.runs[0].attempt = 2;
    assert_eq!(verdict(&f), "Unknown/Undecidable");
    assert!(message(&eval(&spec(), &f)).contains("no job of attempt 2"));
}
