//! Allowances and waivers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::spec::{Allowance, AllowedState, Waiver};
use crate::api::status::{FailingTest, TestTotals};

fn waive(job: Option<&str>, test: Option<&str>, until: i64) -> TestRunReportSpec {
    let mut s = spec();
    s.waivers = vec![Waiver {
        job: job.map(Into::into),
        test: test.map(Into::into),
        reason: "known".into(),
        approver: "ann".into(),
        ticket: Some("T-1".into()),
        expires_at: Time(at(until)),
    }];
    s
}

fn allow(job: &str, state: AllowedState) -> TestRunReportSpec {
    let mut s = spec();
    s.gate = Some(GateSpec {
        allow: vec![Allowance { job: job.into(), states: vec![state], reason: "docs only".into() }],
        ..Default::default()
    });
    s
}

#[test]
fn allowances_let_through_exactly_what_they_name() {
    let f = jobs(&[("build", "success"), ("e2e", "skipped")]);
    let e = eval(&allow("e2e", AllowedState::Skipped), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert!(message(&e).contains("1 allowed to be skipped: e2e"), "{}", message(&e));
    assert_eq!(e.status.summary.as_ref().unwrap().jobs.display, "1/2", "rates count what succeeded");
    assert_eq!(passed(&eval(&allow("e2e", AllowedState::Neutral), &f)), "False/RequiredNotRun");
    assert_eq!(passed(&eval(&allow("E2E", AllowedState::Skipped), &f)), "False/RequiredNotRun");
    assert_eq!(passed(&eval(&allow("e", AllowedState::Skipped), &f)), "False/RequiredNotRun");
}

#[test]
fn an_allowance_does_not_cover_a_consequence_or_a_missing_job() {
    let f = jobs(&[("build", "cancelled"), ("e2e", "skipped")]);
    let e = eval(&allow("e2e", AllowedState::Skipped), &f);
    assert_eq!(e.status.summary.unwrap().failing, 2);
    let mut f = jobs(&[("build", "success")]);
    f.expectations.baseline = green_base(&["build", "e2e"]);
    f.read_at = at(30_000);
    assert_eq!(passed(&eval(&allow("e2e", AllowedState::Skipped), &f)), "False/Incomplete");
}

#[test]
fn a_waiver_excuses_a_failure_until_it_ends_and_shows() {
    let f = jobs(&[("build", "success"), ("unit", "failure")]);
    let e = eval(&waive(Some("unit"), None, 2000), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert!(message(&e).contains("1 waived: unit"), "{}", message(&e));
    assert_eq!(e.next, Next::Final(Some(at(2000))), "looked at again when it ends");
    assert_eq!(e.status.failures.len(), 1, "what is waived is still shown");
    assert_eq!(e.status.assessment.as_ref().unwrap().risk, "Medium");
    assert_eq!(passed(&eval(&waive(Some("unit"), None, 1000), &f)), "False/RequiredFailed");
    assert_eq!(passed(&eval(&waive(Some("uni"), None, 2000), &f)), "False/RequiredFailed");
}

#[test]
fn a_waiver_cannot_excuse_what_was_cut_short() {
    for conclusion in ["cancelled", "timed_out", "startup_failure"] {
        let e = eval(&waive(Some("unit"), None, 2000), &jobs(&[("build", "success"), ("unit", conclusion)]));
        assert!(passed(&e).starts_with("False/"), "{conclusion}");
    }
    for message in [
        "The job has exceeded the maximum execution time of 10m0s",
        "The hosted runner lost communication with the server.",
    ] {
        let mut f = jobs(&[("build", "success"), ("unit", "failure")]);
        f.runs[0].jobs[1].annotations =
            vec![Annotation { level: "failure".into(), message: message.into(), ..Default::default() }];
        assert_eq!(passed(&eval(&waive(Some("unit"), None, 2000), &f)), "False/RequiredFailed", "{message}");
    }
    let mut f = jobs(&[("build", "success"), ("unit", "failure")]);
    f.runs[0].jobs[1].evidence = Some(Evidence { interrupted: true, ..Default::default() });
    assert_eq!(passed(&eval(&waive(Some("unit"), None, 2000), &f)), "False/RequiredFailed");
}

#[test]
fn a_waiver_cannot_excuse_what_is_missing_or_did_not_run() {
    for conclusion in ["skipped", "neutral", "odd", "in_progress", "action_required"] {
        let e = eval(&waive(Some("unit"), None, 2000), &jobs(&[("build", "success"), ("unit", conclusion)]));
        assert!(!passed(&e).starts_with("True"), "{conclusion}");
    }
}

#[test]
fn a_waiver_for_a_test_needs_every_failing_test_to_be_waived() {
    let failed = |names: &[&str], counted: i64, steps: &[&str]| {
        let mut f = jobs(&[("build", "success"), ("unit", "failure")]);
        f.runs[0].jobs[1].evidence = Some(Evidence {
            tests: Some(TestTotals {
                total: 10,
                passed: 10 - counted,
                failed: counted,
                ..Default::default()
            }),
            failing: names.iter().map(|n| FailingTest { name: (*n).into(), ..Default::default() }).collect(),
            failing_total: names.len() as i64,
            ..Default::default()
        });
        f.runs[0].jobs[1].steps = steps
            .iter()
            .map(|s| Step { name: (*s).into(), conclusion: Some("failure".into()), ..Default::default() })
            .collect();
        f
    };
    let s = waive(None, Some("flaky one"), 2000);
    let green = "True/AllRequiredSucceeded";
    let red = "False/RequiredFailed";
    assert_eq!(passed(&eval(&s, &failed(&["flaky one"], 1, &["test"]))), green);
    assert_eq!(passed(&eval(&s, &failed(&["flaky one", "other"], 2, &["test"]))), red);
    assert_eq!(passed(&eval(&s, &failed(&["flaky one"], 2, &["test"]))), red, "one failure has no name");
    assert_eq!(passed(&eval(&s, &failed(&["flaky one"], 1, &["test", "lint"]))), red, "lint failed too");
    assert_eq!(passed(&eval(&s, &failed(&["flaky one"], 1, &[]))), red, "which step failed is not known");
    assert_eq!(passed(&eval(&s, &jobs(&[("unit", "failure")]))), red, "nothing was read");
}
