//! What somebody might try who wants a bad commit to pass, and what GitHub does by itself that looks the same.

use super::*;
use crate::api::spec::{Allowance, AllowedState, Waiver};

mod before;
mod checks;
mod jobs;
mod lists;
mod names;
mod twins;
mod waivers;

/// A spec that lets these jobs be skipped or neutral.
fn lenient(names: &[&str]) -> TestRunReportSpec {
    let allow = |name: &&str| Allowance {
        job: (*name).into(),
        states: vec![AllowedState::Skipped, AllowedState::Neutral],
        reason: "docs only".into(),
    };
    let gate = GateSpec { allow: names.iter().map(allow).collect(), ..Default::default() };
    TestRunReportSpec { gate: Some(gate), ..spec() }
}

/// A waiver of a job or of a test until the second 2000.
fn waiver(job: Option<&str>, test: Option<&str>) -> Waiver {
    Waiver {
        job: job.map(Into::into),
        test: test.map(Into::into),
        workflow: None,
        reason: "known".into(),
        approver: "ann".into(),
        ticket: None,
        expires_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(2000)),
    }
}

/// A job of a run that began later.
fn later(id: i64, name: &str, conclusion: &str) -> Job {
    Job { started_at: Some(at(500)), ..job(id, name, conclusion) }
}

#[test]
fn a_commit_on_which_everything_was_allowed_not_to_run_does_not_pass() {
    let s = lenient(&["e2e", "docs", "cov"]);
    let green = "True/AllRequiredSucceeded";
    let empty = "False/Incomplete";
    for (list, want) in [
        (&[("e2e", "skipped")][..], empty),
        (&[("e2e", "neutral"), ("docs", "skipped")], empty),
        // What repeats others has nothing to repeat.
        (&[("e2e", "skipped"), ("Merge Gate", "success")], empty),
        (&[("e2e", "skipped"), ("build", "success")], green),
        (&[("Merge Gate", "success")], green),
    ] {
        let e = eval(&s, &jobs(list));
        assert_eq!(passed(&e), want, "{list:?}: {}", message(&e));
    }
    let mut f = jobs(&[("e2e", "skipped")]);
    f.checks = vec![check("cov", "neutral")];
    let e = eval(&s, &f);
    assert_eq!(passed(&e), empty);
    assert!(message(&e).contains("all of it is allowed not to (e2e, cov)"), "{}", message(&e));
    assert_eq!(e.status.phase, "Failed");
    // It is no verdict before everything had its time to begin.
    f.read_at = at(105);
    assert_eq!(passed(&eval(&s, &f)), "Unknown/Settling");
}

#[test]
fn a_skip_of_a_whole_run_is_not_that_of_a_job_of_its_name() {
    let mut r = run(7, vec![]);
    (r.workflow, r.conclusion) = ("e2e".into(), Some("skipped".into()));
    let mut other = run(8, vec![job(200, "build", "success")]);
    (other.workflow_id, other.path) = (71, ".github/workflows/build.yml".into());
    assert_eq!(passed(&eval(&lenient(&["e2e"]), &facts(vec![r, other]))), "False/RequiredNotRun");
}

#[test]
fn what_was_skipped_because_of_a_failure_stays_so_when_another_run_passes_that() {
    let s = lenient(&["e2e"]);
    let first = run(7, vec![job(100, "build", "failure"), job(101, "e2e", "skipped")]);
    let second = run(8, vec![later(200, "build", "success")]);
    let e = eval(&s, &facts(vec![first, second.clone()]));
    assert_eq!(passed(&e), "False/RequiredNotRun", "it was meant to run, and never did");
    let idle = run(7, vec![job(100, "build", "success"), job(101, "e2e", "skipped")]);
    assert_eq!(passed(&eval(&s, &facts(vec![idle, second]))), "True/AllRequiredSucceeded");
}

#[test]
fn checks_of_others_alone_are_waited_with_for_a_workflow_to_begin() {
    let mut f = facts(vec![]);
    f.checks = vec![check("license/cla", "success")];
    let at_second = |second: i64, s: &TestRunReportSpec, f: &Facts| {
        let f = Facts { read_at: at(second), ..f.clone() };
        passed(&eval(s, &f))
    };
    assert_eq!(at_second(60, &spec(), &f), "Unknown/Settling");
    assert_eq!(at_second(329, &spec(), &f), "Unknown/Settling");
    assert_eq!(at_second(330, &spec(), &f), "True/AllRequiredSucceeded");
    // Whoever says what must be there, or how long to wait, is believed.
    let named =
        TestRunReportSpec { checks: vec![CheckSpec { name: "license/cla".into(), app: None }], ..spec() };
    assert_eq!(at_second(60, &named, &f), "True/AllRequiredSucceeded");
    let quick = TestRunReportSpec {
        gate: Some(GateSpec { settle_seconds: Some(5), ..Default::default() }),
        ..spec()
    };
    assert_eq!(at_second(60, &quick, &f), "True/AllRequiredSucceeded");
    f.expectations.required = vec![RequiredCheck { name: "license/cla".into(), app_id: None }];
    assert_eq!(at_second(60, &spec(), &f), "True/AllRequiredSucceeded");
}

#[test]
fn the_job_of_a_gate_waits_for_itself_unless_its_workflow_is_left_out() {
    let mut f = jobs(&[("unit", "success")]);
    let mut own = run(8, vec![job(200, "gate", "in_progress")]);
    (own.workflow, own.workflow_id, own.path) = ("Gate".into(), 71, ".github/workflows/gate.yml".into());
    f.runs.push(own);
    let ignoring =
        TestRunReportSpec { ignore: vec![JobMatch { workflow: None, job: Some("^gate$".into()) }], ..spec() };
    assert_eq!(passed(&eval(&ignoring, &f)), "Unknown/Running");
    let mut apart = TestRunReportSpec { workflows: vec!["CI".into()], ..spec() };
    assert_eq!(passed(&eval(&apart, &f)), "True/AllRequiredSucceeded");
    // The branch requires it: then the report has to say that this is its own.
    f.expectations.required = vec![RequiredCheck { name: "gate".into(), app_id: None }];
    assert_eq!(passed(&eval(&apart, &f)), "Unknown/Running");
    apart.publish = Some(crate::api::publish::PublishSpec {
        status: Some(crate::api::publish::PublishStatus { context: "gate".into() }),
        ..Default::default()
    });
    assert_eq!(passed(&eval(&apart, &f)), "True/AllRequiredSucceeded");
}
