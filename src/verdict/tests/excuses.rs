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
        workflow: None,
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
    f.runs[0].jobs[1].annotations_unread = true;
    assert_eq!(passed(&eval(&waive(Some("unit"), None, 2000), &f)), "False/RequiredFailed", "nobody knows");
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
    // Of a name that is too long only the beginning is known, which others may share.
    for (length, want) in [(300, green), (512, red)] {
        let name = format!("{}\u{2026}", "x".repeat(length - 1));
        let s = waive(None, Some(&name), 2000);
        assert_eq!(passed(&eval(&s, &failed(&[&name], 1, &["test"]))), want, "{length}");
    }
}

/// A waiver that holds in one workflow.
fn waive_in(workflow: &str, job: Option<&str>, test: Option<&str>) -> TestRunReportSpec {
    let mut s = waive(job, test, 2000);
    s.waivers[0].workflow = Some(workflow.into());
    s
}

/// `unit` in `ci.yml` and in `nightly.yml`, each with its end.
fn twins(ci: &str, nightly: &str) -> Facts {
    let mut other = run(8, vec![job(201, "unit", nightly)]);
    (other.workflow_id, other.workflow) = (71, "Nightly".into());
    other.path = ".github/workflows/nightly.yml".into();
    facts(vec![run(7, vec![job(101, "unit", ci)]), other])
}

const GREEN: &str = "True/AllRequiredSucceeded";
const RED: &str = "False/RequiredFailed";

#[test]
fn a_waiver_for_a_workflow_leaves_a_job_of_the_same_name_elsewhere_red() {
    for (workflow, ci, nightly, want) in [
        (None, "failure", "failure", GREEN),
        (Some("nightly.yml"), "success", "failure", GREEN),
        (Some(".github/workflows/nightly.yml"), "success", "failure", GREEN),
        (Some("Nightly"), "success", "failure", GREEN),
        (Some("nightly.yml"), "failure", "failure", RED),
        (Some("nightly.yml"), "failure", "success", RED),
        (Some("ci.yml"), "failure", "failure", RED),
        (Some("CI"), "failure", "success", GREEN),
        // Exact, as in `workflows`.
        (Some("nightly"), "success", "failure", RED),
        (Some("NIGHTLY"), "success", "failure", RED),
        (Some("workflows/nightly.yml"), "success", "failure", RED),
        (Some(".*"), "success", "failure", RED),
        (Some("other.yml"), "success", "failure", RED),
    ] {
        let mut s = waive(Some("unit"), None, 2000);
        s.waivers[0].workflow = workflow.map(Into::into);
        let e = eval(&s, &twins(ci, nightly));
        assert_eq!(passed(&e), want, "{workflow:?}: {ci}, {nightly}");
        assert!(e.status.waived.iter().all(|w| w.workflow.as_deref() == workflow));
    }
    let mut empty = waive_in("", Some("unit"), None);
    assert!(passed(&eval(&empty, &twins("success", "failure"))).ends_with("/InvalidSpec"));
    let lists = [SharedWaivers {
        waivers: std::mem::take(&mut empty.waivers),
        ..list("x", &["acme/*"], "unit", 2000)
    }];
    let e = look(&spec(), &twins("success", "failure"), &with(&lists, false, context(None)));
    assert_eq!(passed(&e), RED, "whoever writes a list past the schema");
}

#[test]
fn a_waiver_for_a_workflow_says_so_where_it_holds_and_where_not() {
    let e = eval(&waive_in("nightly.yml", Some("unit"), None), &twins("success", "failure"));
    assert!(message(&e).contains("1 waived: unit of nightly.yml, until 2026"), "{}", message(&e));
    assert_eq!(e.status.waived[0].workflow.as_deref(), Some("nightly.yml"));
    let e = eval(&waive_in("nightly.yml", Some("unit"), None), &twins("failure", "failure"));
    let mut notes: Vec<_> =
        e.status.suites.iter().flat_map(|s| &s.jobs).filter_map(|j| j.note.clone()).collect();
    notes.sort();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert_eq!(notes[0], "the waiver by ann is for the workflow nightly.yml only");
    assert!(notes[1].starts_with("waived by ann until"), "{notes:?}");
}

#[test]
fn a_waiver_for_a_workflow_excuses_no_check_of_another_app() {
    let mut f = jobs(&[("build", "success")]);
    f.checks = vec![check("codecov", "failure")];
    assert_eq!(passed(&eval(&waive(Some("codecov"), None, 2000), &f)), GREEN);
    for workflow in ["CI", "ci.yml", "codecov"] {
        assert_eq!(passed(&eval(&waive_in(workflow, Some("codecov"), None), &f)), RED, "{workflow}");
    }
}

#[test]
fn a_waiver_for_a_test_may_name_its_workflow_too() {
    let mut f = twins("failure", "failure");
    for run in &mut f.runs {
        run.jobs[0].evidence = Some(Evidence {
            tests: Some(TestTotals { total: 9, passed: 8, failed: 1, ..Default::default() }),
            failing: vec![FailingTest { name: "odd".into(), ..Default::default() }],
            failing_total: 1,
            ..Default::default()
        });
        run.jobs[0].steps =
            vec![Step { name: "test".into(), conclusion: Some("failure".into()), ..Default::default() }];
    }
    assert_eq!(passed(&eval(&waive(None, Some("odd"), 2000), &f)), GREEN);
    let mut s = waive_in("ci.yml", None, Some("odd"));
    assert_eq!(passed(&eval(&s, &f)), RED);
    s.waivers.extend(waive_in("nightly.yml", None, Some("odd")).waivers);
    assert_eq!(passed(&eval(&s, &f)), GREEN);
}

fn list(name: &str, repositories: &[&str], job: &str, until: i64) -> SharedWaivers {
    SharedWaivers {
        name: name.into(),
        repositories: repositories.iter().map(|r| (*r).to_owned()).collect(),
        waivers: waive(Some(job), None, until).waivers,
    }
}

fn with<'a>(shared: &'a [SharedWaivers], ignore_own: bool, context: Context<'a>) -> Context<'a> {
    Context { waivers: Waivers { ignore_own, shared }, ..context }
}

fn look(s: &TestRunReportSpec, f: &Facts, context: &Context<'_>) -> Evaluation {
    evaluate(s, &Observations::Facts(Box::new(f.clone())), context)
}

#[test]
fn a_shared_waiver_excuses_in_its_repositories_and_is_named() {
    let f = jobs(&[("build", "success"), ("unit", "failure")]);
    for (repositories, want) in [
        (&["acme/shop"][..], "True/AllRequiredSucceeded"),
        (&["other/x", "ACME/*"], "True/AllRequiredSucceeded"),
        (&["acme/shop2"], "False/RequiredFailed"),
        (&["other/*"], "False/RequiredFailed"),
        (&["acme"], "False/RequiredFailed"),
        (&[], "False/RequiredFailed"),
    ] {
        let lists = [list("flaky", repositories, "unit", 2000)];
        let e = look(&spec(), &f, &with(&lists, false, context(None)));
        assert_eq!(passed(&e), want, "{repositories:?}");
        if want.starts_with("True") {
            assert!(message(&e).contains("1 waived: unit, until 2026-01-23T16:33:20Z"), "{}", message(&e));
            let told = &e.status.waived[0];
            assert_eq!((told.job.as_str(), told.from.as_deref()), ("unit", Some("flaky")));
            assert_eq!(e.next, Next::Final(Some(at(2000))));
            let notes: Vec<_> =
                e.status.suites.iter().flat_map(|s| &s.jobs).filter_map(|j| j.note.clone()).collect();
            assert!(notes.iter().any(|n| n.contains("(TestRunWaiver flaky): known")), "{notes:?}");
        } else {
            assert!(e.status.waived.is_empty());
        }
    }
}

#[test]
fn the_specs_own_waivers_count_only_where_the_administrator_lets_them() {
    let f = jobs(&[("unit", "failure")]);
    let own = waive(Some("unit"), None, 2000);
    let e = look(&own, &f, &with(&[], true, context(None)));
    assert_eq!(passed(&e), "False/RequiredFailed");
    assert!(e.status.notes.iter().any(|n| n.starts_with("spec.waivers do not count here")));
    let lists = [list("flaky", &["acme/shop"], "unit", 2000)];
    assert_eq!(passed(&look(&own, &f, &with(&lists, true, context(None)))), "True/AllRequiredSucceeded");
}

#[test]
fn a_pass_that_rests_on_a_waiver_does_not_outlive_it_while_github_is_away() {
    let f = jobs(&[("build", "success"), ("unit", "failure")]);
    let lists = [list("flaky", &["acme/*"], "unit", 2000)];
    let first = look(&spec(), &f, &with(&lists, false, context(None)));
    let away = Observations::Trouble(Trouble {
        reason: Reason::GitHubUnavailable,
        message: "away".into(),
        retry_at: None,
    });
    let later = |lists: &[SharedWaivers], now| {
        let context = Context { now, ..context(Some(&first.status)) };
        passed(&evaluate(&spec(), &away, &with(lists, false, context)))
    };
    let kept = "True/AllRequiredSucceeded";
    let lost = "Unknown/GitHubUnavailable";
    assert_eq!(later(&lists, at(1500)), kept);
    assert_eq!(later(&lists, at(2000)), lost, "it has ended");
    assert_eq!(later(&[], at(1500)), lost, "it was taken away");
    assert_eq!(
        later(&[list("flaky", &["acme/other"], "unit", 2000)], at(1500)),
        lost,
        "it is for others now"
    );
    assert_eq!(later(&[list("flaky", &["acme/*"], "unit", 1800)], at(1500)), lost, "another end");
    assert_eq!(later(&[list("new", &["acme/*"], "unit", 2000)], at(1500)), lost, "another list");
    let narrower =
        SharedWaivers { waivers: waive_in("ci.yml", Some("unit"), None).waivers, ..lists[0].clone() };
    assert_eq!(later(&[narrower], at(1500)), lost, "who knows where it failed");
    // A pass that rests on nothing is nobody's to take away.
    let green = look(&spec(), &jobs(&[("build", "success")]), &with(&lists, false, context(None)));
    let context = Context { now: at(3000), ..context(Some(&green.status)) };
    assert_eq!(passed(&evaluate(&spec(), &away, &with(&[], false, context))), kept);
}

#[test]
fn nothing_is_waived_that_was_cut_short_or_is_unknown_or_missing() {
    let lists = [list("all", &["acme/*"], "unit", 2000)];
    for conclusion in ["timed_out", "cancelled", "hatched", "action_required"] {
        let e = look(
            &spec(),
            &jobs(&[("build", "success"), ("unit", conclusion)]),
            &with(&lists, false, context(None)),
        );
        assert!(!passed(&e).starts_with("True"), "{conclusion}: {}", passed(&e));
        assert!(e.status.waived.is_empty(), "{conclusion}");
    }
    let mut f = jobs(&[("build", "success")]);
    f.expectations.baseline = green_base(&["build", "unit"]);
    f.read_at = at(30_000);
    assert_eq!(passed(&look(&spec(), &f, &with(&lists, false, context(None)))), "False/Incomplete");
}

#[test]
fn more_waivers_than_a_status_names_are_not_relied_upon() {
    let names: Vec<String> = (0..40).map(|i| format!("job-{i}")).collect();
    let pairs: Vec<(&str, &str)> =
        names.iter().map(|n| (n.as_str(), "failure")).chain([("build", "success")]).collect();
    let lists: Vec<SharedWaivers> =
        names.iter().enumerate().map(|(i, n)| list(&format!("l{i}"), &["acme/*"], n, 2000)).collect();
    let first = look(&spec(), &jobs(&pairs), &with(&lists, false, context(None)));
    assert_eq!(passed(&first), "True/AllRequiredSucceeded");
    assert_eq!(first.status.waived.len(), 32);
    let away =
        Observations::Trouble(Trouble { reason: Reason::RateLimited, message: "x".into(), retry_at: None });
    let context = context(Some(&first.status));
    assert_eq!(passed(&evaluate(&spec(), &away, &with(&lists, false, context))), "Unknown/RateLimited");
}
