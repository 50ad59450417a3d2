//! What the operator may do on GitHub: re-runs within `spec.rerun`, and the published status.

use jiff::ToSpan;

use super::*;
use crate::api::publish::{PublishSpec, PublishStatus};
use crate::api::spec::RerunSpec;
use crate::verdict::publish::status as publish;

fn twice() -> TestRunReportSpec {
    TestRunReportSpec { rerun: Some(RerunSpec { max_attempts: 2 }), ..spec() }
}

fn asked(e: &Evaluation) -> Vec<(i64, i64)> {
    e.status.reruns.iter().map(|r| (r.run_id, r.attempt)).collect()
}

#[test]
fn failed_jobs_are_re_run_only_where_the_spec_asks() {
    let f = jobs(&[("a", "success"), ("b", "failure")]);
    assert_eq!(asked(&eval(&spec(), &f)), []);
    assert_eq!(
        asked(&eval(&TestRunReportSpec { rerun: Some(RerunSpec { max_attempts: 1 }), ..spec() }, &f)),
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

#[test]
fn an_attempt_is_asked_for_once_and_not_waited_for_for_ever() {
    let f = jobs(&[("a", "failure")]);
    let first = eval(&twice(), &f);
    let second = after(&twice(), &f, &first.status);
    assert_eq!(first.status, second.status);
    let later = Context { now: at(1000) + 5.minutes(), ..context(Some(&second.status)) };
    let third = evaluate(&twice(), &Observations::Facts(Box::new(f)), &later);
    assert_eq!(asked(&third), [(7, 1)]);
    assert_eq!(condition(&third, ConditionType::Stalled), "True/RequiredFailed");
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

fn published(f: &Facts) -> Option<&'static str> {
    let s = TestRunReportSpec {
        publish: Some(PublishSpec {
            status: Some(PublishStatus { context: "testrun".into() }),
            ..Default::default()
        }),
        ..spec()
    };
    let e = eval(&s, f);
    publish::due(&s, &Observations::Facts(Box::new(f.clone())), &e.status).map(|d| d.state)
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
        publish::due(&spec(), &Observations::Facts(Box::new(f.clone())), &eval(&spec(), &f).status),
        None
    );
}
