//! What the operator may do on GitHub: re-runs within `spec.rerun`, and the published status.

use jiff::ToSpan;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::publish::{PublishSpec, PublishStatus};
use crate::api::spec::{RerunSpec, RerunWhen};
use crate::verdict::publish::status as publish;

fn twice() -> TestRunReportSpec {
    TestRunReportSpec { rerun: Some(RerunSpec { max_attempts: 2, when: None }), ..spec() }
}

fn asked(e: &Evaluation) -> Vec<(i64, i64)> {
    e.status.reruns.iter().map(|r| (r.run_id, r.attempt)).collect()
}

#[test]
fn failed_jobs_are_re_run_only_where_the_spec_asks() {
    let f = jobs(&[("a", "success"), ("b", "failure")]);
    assert_eq!(asked(&eval(&spec(), &f)), []);
    assert_eq!(
        asked(&eval(
            &TestRunReportSpec { rerun: Some(RerunSpec { max_attempts: 1, ..Default::default() }), ..spec() },
            &f
        )),
        []
    );
    let e = eval(&twice(), &f);
    assert_eq!(asked(&e), [(7, 1)]);
    assert_eq!(passed(&e), "False/RequiredFailed", "red while it waits");
    assert_eq!(condition(&e, ConditionType::Reconciling), "True/RerunRequested");
    assert_eq!(condition(&e, ConditionType::Stalled), "False/RequiredFailed");
    assert_eq!(condition(&e, ConditionType::Complete), "False/RerunRequested");
}

#[test]
fn only_what_is_known_to_be_flaky_is_re_run_where_the_spec_says_so() {
    let mut flaky = twice();
    flaky.rerun = Some(RerunSpec { max_attempts: 2, when: Some(RerunWhen::Flaky) });
    let past = |passed, failed| Some(Past { branch: "main".into(), passed, failed });
    for (what, b, c, want) in [
        ("both are", past(6, 2), past(1, 7), true),
        ("one is new", past(6, 2), past(8, 0), false),
        ("one is always red", past(6, 2), past(0, 8), false),
        ("nobody knows one", past(6, 2), None, false),
        ("nobody knows any", None, None, false),
    ] {
        let mut f = jobs(&[("a", "success"), ("b", "failure"), ("c", "failure")]);
        (f.runs[0].jobs[1].past, f.runs[0].jobs[2].past) = (b, c);
        let e = eval(&flaky, &f);
        assert_eq!(!asked(&e).is_empty(), want, "{what}");
        let stalled = if want { "False/RequiredFailed" } else { "True/RequiredFailed" };
        assert_eq!(condition(&e, ConditionType::Stalled), stalled, "{what}: what is not asked for is final");
        assert_eq!(asked(&eval(&twice(), &f)), [(7, 1)], "{what}");
    }
    // What was skipped because of it is not what failed.
    let mut f = jobs(&[("b", "failure"), ("c", "skipped")]);
    f.runs[0].jobs[0].past = past(6, 2);
    assert_eq!(asked(&eval(&flaky, &f)), [(7, 1)]);
    // What was cut short is not known to be flaky.
    let mut f = jobs(&[("b", "failure"), ("c", "cancelled")]);
    f.runs[0].jobs[0].past = past(6, 2);
    assert_eq!(asked(&eval(&flaky, &f)), []);
    // A second attempt that fails too is final.
    let mut f = jobs(&[("b", "failure")]);
    f.runs[0].jobs[0].past = past(6, 2);
    (f.runs[0].attempt, f.runs[0].jobs[0].attempt) = (2, 2);
    assert_eq!(asked(&eval(&flaky, &f)), []);
}

#[test]
fn a_green_or_running_commit_is_not_re_run() {
    assert_eq!(asked(&eval(&twice(), &jobs(&[("a", "success")]))), []);
    assert_eq!(asked(&eval(&twice(), &jobs(&[("a", "failure"), ("b", "in_progress")]))), []);
}

#[test]
fn what_is_not_confirmed_is_not_re_run() {
    let mut f = jobs(&[("a", "failure")]);
    f.confirmed = false;
    assert_eq!(asked(&eval(&twice(), &f)), []);
}

#[test]
fn attempts_are_bounded() {
    let mut f = jobs(&[("a", "failure")]);
    f.runs[0].attempt = 2;
    f.runs[0].jobs[0].attempt = 2;
    let e = eval(&twice(), &f);
    assert_eq!(asked(&e), []);
    assert_eq!(condition(&e, ConditionType::Stalled), "True/RequiredFailed");
}

/// The same facts some minutes after the first look.
fn minutes_later(f: &Facts, previous: &TestRunReportStatus, minutes: i64) -> Evaluation {
    let later = Context { now: at(1000) + minutes.minutes(), ..context(Some(previous)) };
    evaluate(&twice(), &Observations::Facts(Box::new(f.clone())), &later)
}

#[test]
fn an_attempt_is_asked_for_once_and_not_waited_for_for_ever() {
    let f = jobs(&[("a", "failure")]);
    let first = eval(&twice(), &f);
    let second = after(&twice(), &f, &first.status);
    assert_eq!(first.status, second.status);
    let mut taken = second.status.clone();
    taken.reruns[0].accepted_at = Some(Time(at(1001)));
    let waits = minutes_later(&f, &taken, 4);
    assert_eq!(waits.status, taken, "what GitHub took is not asked for again");
    assert_eq!(waits.next, Next::Poll(Some(at(1300))));
    let last = minutes_later(&f, &taken, 5);
    assert_eq!(asked(&last), [(7, 1)]);
    assert_eq!(condition(&last, ConditionType::Stalled), "True/RequiredFailed");
}

#[test]
fn a_record_of_which_nothing_is_known_is_taken_up_again_a_few_times() {
    let f = jobs(&[("a", "failure")]);
    let first = eval(&twice(), &f);
    assert_eq!(first.next, Next::Poll(Some(at(1120))));
    let soon = minutes_later(&f, &first.status, 1);
    assert_eq!(soon.status, first.status, "whoever wrote it may still be asking");
    assert!(first.status.reruns[0].ask_until() < at(1120), "and has stopped by then");
    let mut status = first.status;
    for (minutes, tries) in [(2, 2), (4, 3), (6, 3)] {
        let e = minutes_later(&f, &status, minutes);
        assert_eq!(e.status.reruns.iter().map(|r| r.tries).collect::<Vec<_>>(), [tries], "{minutes}");
        assert_eq!(condition(&e, ConditionType::Reconciling), "True/RerunRequested");
        status = e.status;
    }
    let given_up = minutes_later(&f, &status, 9);
    assert_eq!(condition(&given_up, ConditionType::Stalled), "True/RequiredFailed");
}

#[test]
fn a_record_that_is_long_past_or_of_another_attempt_is_not_taken_up_again() {
    let f = jobs(&[("a", "failure")]);
    let first = eval(&twice(), &f);
    let late = minutes_later(&f, &first.status, 61);
    assert_eq!(late.status.reruns, first.status.reruns);
    assert_eq!(condition(&late, ConditionType::Stalled), "True/RequiredFailed");
    let mut moved = f.clone();
    moved.runs[0].attempt = 2;
    moved.runs[0].jobs[0].attempt = 2;
    let e = minutes_later(&moved, &first.status, 3);
    assert_eq!(e.status.reruns, first.status.reruns, "it began after all");
    let off = Context { now: at(1000) + 3.minutes(), ..context(Some(&first.status)) };
    let e = evaluate(&spec(), &Observations::Facts(Box::new(f)), &off);
    assert_eq!(e.status.reruns, first.status.reruns, "the spec does not ask any more");
}

#[test]
fn what_is_run_again_by_hand_is_what_failed_and_counts() {
    let red = |f: &Facts| -> Vec<i64> {
        red_runs(&spec(), f, at(1000)).unwrap().into_iter().map(|r| r.id).collect()
    };
    assert_eq!(red(&jobs(&[("a", "success")])), [0_i64; 0]);
    assert_eq!(red(&jobs(&[("a", "failure"), ("b", "cancelled")])), [7]);
    let mut f = jobs(&[("a", "success")]);
    f.checks = vec![check("coverage", "failure")];
    assert_eq!(red(&f), [0_i64; 0], "a check of another app is no run");
}

#[test]
fn a_refused_re_run_is_final() {
    let f = jobs(&[("a", "failure")]);
    let mut before = eval(&twice(), &f).status;
    before.reruns[0].refused = Some("not allowed".into());
    let e = after(&twice(), &f, &before);
    assert_eq!(asked(&e), [(7, 1)]);
    assert_eq!(e.status.reruns[0].refused.as_deref(), Some("not allowed"));
    assert_eq!(condition(&e, ConditionType::Stalled), "True/RequiredFailed");
}

#[test]
fn a_record_outlives_trouble_a_new_spec_and_a_moved_commit() {
    let f = jobs(&[("a", "failure")]);
    let first = eval(&twice(), &f);
    let away = Observations::Trouble(Trouble {
        reason: Reason::GitHubUnavailable,
        message: "away".into(),
        retry_at: None,
    });
    let trouble = evaluate(&twice(), &away, &Context { generation: 2, ..context(Some(&first.status)) });
    assert_eq!(asked(&trouble), [(7, 1)]);
    let mut other = jobs(&[("a", "success")]);
    other.source.sha = OTHER.into();
    assert_eq!(asked(&after(&twice(), &other, &first.status)), [(7, 1)]);
}

#[test]
fn a_re_run_that_cannot_help_is_not_asked_for() {
    let mut f = jobs(&[("a", "failure")]);
    f.checks = vec![check("coverage", "failure")];
    assert_eq!(asked(&eval(&twice(), &f)), [], "the red check would stay");
}

/// The verdict of this report alone.
fn own(e: &Evaluation) -> ConditionStatus {
    match passed(e).split('/').next() {
        Some("True") => ConditionStatus::True,
        Some("False") => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

fn published(f: &Facts) -> Option<&'static str> {
    let s = TestRunReportSpec {
        publish: Some(PublishSpec {
            status: Some(PublishStatus { context: "testrun".into() }),
            ..Default::default()
        }),
        ..spec()
    };
    let e = eval(&s, f);
    publish::due(&s, &Observations::Facts(Box::new(f.clone())), &e.status, own(&e)).map(|d| d.state)
}

#[test]
fn the_published_status_follows_the_verdict_and_is_set_once() {
    let own = |state: &str| Check {
        kind: CheckKind::Status,
        conclusion: (state != "pending").then(|| state.into()),
        status: if state == "pending" { "in_progress".into() } else { "completed".into() },
        ..check("testrun", "success")
    };
    for (job, want) in [("success", "success"), ("failure", "failure"), ("in_progress", "pending")] {
        let mut f = jobs(&[("a", job)]);
        assert_eq!(published(&f), Some(want));
        f.checks = vec![own(want)];
        assert_eq!(published(&f), None, "it is there");
        f.checks = vec![own("success"), Check { id: 901, at: Some(at(40)), ..own("error") }];
        assert_eq!(published(&f), Some(want), "somebody else set it");
    }
    // Its own news does not keep it from settling.
    let mut f = jobs(&[("a", "success")]);
    f.checks = vec![Check { at: Some(at(1000)), ..own("pending") }];
    assert_eq!(published(&f), Some("success"));
    let f = jobs(&[("a", "success")]);
    assert_eq!(
        publish::due(
            &spec(),
            &Observations::Facts(Box::new(f.clone())),
            &eval(&spec(), &f).status,
            ConditionStatus::True
        ),
        None
    );
}
