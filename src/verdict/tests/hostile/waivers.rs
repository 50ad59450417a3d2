//! Waivers where they must not reach: jobs that were cut short in whatever way, times, and lists of others.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

const WAIVED: &str = "True/AllRequiredSucceeded";
const RED: &str = "False/RequiredFailed";

/// A spec that waives `unit` until so many seconds.
fn waiving(until: i64) -> TestRunReportSpec {
    let waiver = Waiver { expires_at: Time(at(until)), ..waiver(Some("unit"), None) };
    TestRunReportSpec { waivers: vec![waiver], ..spec() }
}

fn failed(change: impl FnOnce(&mut Job)) -> Facts {
    let mut f = jobs(&[("build", "success"), ("unit", "failure")]);
    change(&mut f.runs[0].jobs[1]);
    f
}

#[test]
fn a_job_that_was_ended_by_something_else_than_a_step_is_not_excused() {
    let step = |name: &str, status: &str, end: Option<&str>| Step {
        name: name.into(),
        status: status.into(),
        conclusion: end.map(Into::into),
        ..Default::default()
    };
    let done = |name: &str, end: &str| step(name, "completed", Some(end));
    for (what, steps, want) in [
        (
            "a step failed",
            vec![done("build", "success"), done("test", "failure"), done("post", "skipped")],
            WAIVED,
        ),
        ("what GitHub says of no step", vec![], WAIVED),
        ("a step never ended", vec![done("build", "failure"), step("test", "in_progress", None)], RED),
        ("a step never began", vec![done("build", "failure"), step("test", "queued", None)], RED),
        ("none of them failed", vec![done("build", "success"), done("test", "success")], RED),
        ("all were skipped", vec![done("build", "skipped")], RED),
        ("one was cancelled", vec![done("build", "failure"), done("test", "cancelled")], RED),
    ] {
        assert_eq!(passed(&eval(&waiving(2000), &failed(|j| j.steps = steps))), want, "{what}");
    }
    for (message, want) in [
        ("Process completed with exit code 1.", WAIVED),
        ("The job running on runner X has exceeded the maximum execution time of 360 minutes.", RED),
        ("The self-hosted runner: X lost communication with the server.", RED),
        ("The operation was canceled.", RED),
        (
            "The runner has received a shutdown signal. This can happen when the runner service is stopped",
            RED,
        ),
        ("The job was not acquired by Runner of type hosted even after multiple attempts", RED),
        ("GitHub Actions has encountered an internal error when running your job.", RED),
        ("The hosted runner encountered an error while running your job. (Error Type: Disconnect).", RED),
        ("The job was not started because recent account payments have failed", RED),
        ("THE OPERATION WAS CANCELED", RED),
    ] {
        let note = Annotation { level: "failure".into(), message: message.into(), ..Default::default() };
        assert_eq!(passed(&eval(&waiving(2000), &failed(|j| j.annotations = vec![note]))), want, "{message}");
    }
}

#[test]
fn a_waiver_ends_by_whichever_clock_is_ahead() {
    // Until the second 2000; our clock, and GitHub's.
    for (now, read_at, want) in [
        (1999, 1000, WAIVED),
        (1000, 1999, WAIVED),
        (2000, 1000, RED),
        (1000, 2000, RED),
        (2001, 2001, RED),
        (500_000, 1000, RED),
    ] {
        let f = Facts { read_at: at(read_at), ..failed(|_| ()) };
        let context = Context { now: at(now), ..context(None) };
        let e = evaluate(&waiving(2000), &Observations::Facts(Box::new(f)), &context);
        assert_eq!(passed(&e), want, "{now} {read_at}");
    }
}

#[test]
fn a_waived_job_lets_nothing_through_that_it_kept_from_running() {
    let f = jobs(&[("build", "success"), ("unit", "failure"), ("e2e", "skipped")]);
    let s = TestRunReportSpec { gate: lenient(&["e2e"]).gate, ..waiving(2000) };
    assert_eq!(passed(&eval(&s, &f)), "False/RequiredNotRun", "e2e was meant to run");
    // Nor a namesake that is not known, and not a whole run of its name.
    let f = jobs(&[("unit", "failure"), ("unit", "hatched")]);
    assert_eq!(passed(&eval(&waiving(2000), &f)), "Unknown/Undecidable");
    let mut whole = run(8, vec![]);
    (whole.workflow, whole.workflow_id, whole.path) = ("unit".into(), 71, ".github/workflows/u.yml".into());
    whole.conclusion = Some("startup_failure".into());
    let mut f = jobs(&[("build", "success")]);
    f.runs.push(whole);
    assert_eq!(passed(&eval(&waiving(2000), &f)), RED);
}
