//! GitHub away, wrong credentials, invalid specs, suspension.

use super::*;
use crate::api::spec::Waiver;
use crate::api::status::Waived;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

fn trouble(reason: Reason) -> Observations {
    Observations::Trouble(Trouble { reason, message: "what to do".into(), retry_at: Some(at(1500)) })
}

#[test]
fn trouble_at_the_first_look_is_unknown_with_the_reason() {
    for reason in [
        Reason::GitHubUnavailable,
        Reason::RateLimited,
        Reason::Unauthorized,
        Reason::Forbidden,
        Reason::NotFound,
        Reason::InvalidAnswer,
        Reason::SecretNotFound,
        Reason::ConnectionDenied,
    ] {
        let e = evaluate(&spec(), &trouble(reason), &context(None));
        let want = format!("/{}", reason.as_str());
        assert_eq!(passed(&e), format!("Unknown{want}"));
        assert_eq!(condition(&e, ConditionType::SourceAvailable), format!("False{want}"));
        assert_eq!(condition(&e, ConditionType::Reconciling), format!("True{want}"));
        assert_eq!(condition(&e, ConditionType::Stalled), format!("False{want}"));
        assert_eq!(condition(&e, ConditionType::Ready), format!("Unknown{want}"));
        assert_eq!(e.next, Next::Retry(Some(at(1500))));
        assert!(message(&e).contains("what to do") && message(&e).contains("2026-01-23T16:25:00Z"));
    }
}

#[test]
fn a_final_verdict_survives_github_being_away() {
    for (jobs_list, verdict) in
        [("success", "True/AllRequiredSucceeded"), ("failure", "False/RequiredFailed")]
    {
        let first = eval(&spec(), &jobs(&[("unit", jobs_list)]));
        let e = evaluate(&spec(), &trouble(Reason::GitHubUnavailable), &context(Some(&first.status)));
        assert_eq!(passed(&e), verdict);
        assert_eq!(condition(&e, ConditionType::SourceAvailable), "False/GitHubUnavailable");
        assert_eq!(e.status.summary, first.status.summary);
        let again = evaluate(&spec(), &trouble(Reason::GitHubUnavailable), &context(Some(&e.status)));
        assert_eq!(again.status, e.status);
        // And comes back with the next read.
        assert_eq!(after(&spec(), &jobs(&[("unit", jobs_list)]), &e.status).status, first.status);
    }
}

#[test]
fn a_verdict_does_not_survive_a_repository_that_is_gone() {
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    let e = evaluate(&spec(), &trouble(Reason::NotFound), &context(Some(&first.status)));
    assert_eq!(passed(&e), "Unknown/NotFound");
}

#[test]
fn a_verdict_of_an_older_generation_does_not_survive() {
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    let context = Context { generation: 2, ..context(Some(&first.status)) };
    let e = evaluate(&spec(), &trouble(Reason::GitHubUnavailable), &context);
    assert_eq!(passed(&e), "Unknown/GitHubUnavailable");
    assert!(e.status.suites.is_empty(), "jobs of another spec are not shown");
}

#[test]
fn a_verdict_that_is_not_final_does_not_survive() {
    let first = eval(&spec(), &jobs(&[("unit", "failure"), ("e2e", "in_progress")]));
    let e = evaluate(&spec(), &trouble(Reason::RateLimited), &context(Some(&first.status)));
    assert_eq!(passed(&e), "Unknown/RateLimited");
    assert_eq!(e.status.suites, first.status.suites, "what is known stays to be read");
}

#[test]
fn a_pass_that_may_rest_on_an_ended_waiver_does_not_survive() {
    let mut s = spec();
    s.waivers = vec![Waiver {
        job: Some("unit".into()),
        test: None,
        workflow: None,
        reason: "r".into(),
        approver: "a".into(),
        ticket: None,
        expires_at: Time(at(1200)),
    }];
    let first = eval(&s, &jobs(&[("unit", "failure"), ("b", "success")]));
    assert_eq!(passed(&first), "True/AllRequiredSucceeded");
    let at_time = |t| Context { now: at(t), ..context(Some(&first.status)) };
    let o = trouble(Reason::GitHubUnavailable);
    assert_eq!(passed(&evaluate(&s, &o, &at_time(1199))), "True/AllRequiredSucceeded");
    assert_eq!(passed(&evaluate(&s, &o, &at_time(1200))), "Unknown/GitHubUnavailable");
}

#[test]
fn an_invalid_spec_is_stalled_with_the_field_and_the_remedy() {
    type Change = fn(&mut TestRunReportSpec);
    let table: [(&str, Change); 12] = [
        ("spec.source.github.repository", |s| s.source.github.repository = "https://github.com/a/b".into()),
        ("spec.source.github.repository", |s| s.source.github.repository = "acme/..".into()),
        ("exactly one of", |s| s.source.github.pull_request = Some(1)),
        ("exactly one of", |s| s.source.github.sha = None),
        ("40 or 64", |s| s.source.github.sha = Some("99361f9".into())),
        ("40 or 64", |s| s.source.github.sha = Some(String::new())),
        ("spec.suites[0].match[0].job", |s| s.suites = vec![suite("a", "unit (")]),
        ("give each its own name", |s| s.suites = vec![suite("a", "x"), suite("a", "y")]),
        ("Unmatched is kept", |s| s.suites = vec![suite("Unmatched", "x")]),
        ("set workflow, job or both", |s| s.ignore = vec![JobMatch::default()]),
        ("settleSeconds", |s| s.gate = Some(GateSpec { settle_seconds: Some(-1), ..Default::default() })),
        ("either jobs (names) or count", |s| {
            s.suites = vec![SuiteSpec { expect: Some(Expect::default()), ..suite("a", "x") }]
        }),
    ];
    for (want, change) in table {
        let mut s = spec();
        change(&mut s);
        let error = validate(&s).unwrap_err();
        assert!(error.contains(want), "{error} lacks {want}");
        let e = eval(&s, &jobs(&[("unit", "success")]));
        assert_eq!(passed(&e), "Unknown/InvalidSpec");
        assert_eq!(condition(&e, ConditionType::Stalled), "True/InvalidSpec");
        assert_eq!(condition(&e, ConditionType::Ready), "False/InvalidSpec");
        assert_eq!(condition(&e, ConditionType::Reconciling), "False/InvalidSpec");
        assert_eq!(e.next, Next::Stalled);
        assert_eq!(e.status.phase, "Error");
    }
}

#[test]
fn a_suspended_report_has_no_verdict() {
    let mut s = spec();
    s.suspend = true;
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    let e = after(&s, &jobs(&[("unit", "success")]), &first.status);
    assert_eq!(passed(&e), "Unknown/Suspended");
    assert_eq!(condition(&e, ConditionType::Reconciling), "False/Suspended");
    assert_eq!(condition(&e, ConditionType::Stalled), "False/Suspended");
    assert_eq!(e.next, Next::Stalled);
}

#[test]
fn the_default_status_is_no_previous_look() {
    let mut default = TestRunReportStatus { observed_generation: -1, ..Default::default() };
    default.conditions = eval(&spec(), &jobs(&[("unit", "in_progress")])).status.conditions;
    for c in &mut default.conditions {
        c.last_transition_time = Time(Timestamp::UNIX_EPOCH);
    }
    let e = after(&spec(), &jobs(&[("unit", "in_progress")]), &default);
    assert!(e.status.conditions.iter().all(|c| c.last_transition_time.0 == at(1000)));
}

#[test]
fn a_final_verdict_does_not_survive_news_that_cannot_be_read() {
    let first = eval(&spec(), &jobs(&[("unit", "success")]));
    for (moved, want) in [(false, "True/AllRequiredSucceeded"), (true, "Unknown/RateLimited")] {
        let context = Context { moved, ..context(Some(&first.status)) };
        let e = evaluate(&spec(), &trouble(Reason::RateLimited), &context);
        assert_eq!(passed(&e), want, "{}", message(&e));
        assert!(!moved || message(&e).contains("has told of something since"), "{}", message(&e));
    }
}

#[test]
fn no_gate_passes_by_a_waiver_that_has_ended() {
    use crate::verdict::gate::{Word, judge};
    let mut status = eval(&spec(), &jobs(&[("unit", "success")])).status;
    let ends = |seconds: i64| Waived {
        job: "unit".into(),
        test: None,
        workflow: None,
        approver: "carol".into(),
        ticket: None,
        expires_at: Time(Timestamp::now() + SignedDuration::from_secs(seconds)),
        from: None,
    };
    for (seconds, want) in [(60, Word::Passed), (-1, Word::Undecided)] {
        status.waived = vec![ends(600), ends(seconds)];
        let mut report = crate::api::TestRunReport::new("a", spec());
        (report.metadata.generation, report.status) = (Some(1), Some(status.clone()));
        let gate = judge(&report);
        assert_eq!((gate.word, gate.open), (want, want == Word::Undecided), "{}", gate.message);
    }
}
