//! Check runs and comments: what they should be, and whether they are there.

use super::*;
use crate::api::TestRunReport;
use crate::api::publish::{CommentWhen, PublishCheckRun, PublishComment, PublishSpec};
use crate::api::status::{FailingTest, TestTotals};
use crate::verdict::publish::check_run::{self, CheckRun};
use crate::verdict::publish::comment;

fn report(when: CommentWhen) -> TestRunReport {
    let publish = PublishSpec {
        check_run: Some(PublishCheckRun { name: "testrun-report".into() }),
        comment: Some(PublishComment { when }),
        ..Default::default()
    };
    TestRunReport::new("pr-20", TestRunReportSpec { publish: Some(publish), ..spec() })
}

fn state(e: &Evaluation) -> ConditionStatus {
    match passed(e).split('/').next() {
        Some("True") => ConditionStatus::True,
        Some("False") => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

fn due(f: &Facts) -> Option<CheckRun> {
    let report = report(CommentWhen::Final);
    let e = eval(&report.spec, f);
    let seen = Observations::Facts(Box::new(f.clone()));
    check_run::due(&report, &seen, &e.status, state(&e), || "# Report".to_owned())
}

/// The check run as GitHub lists it afterwards.
fn shown(run: &CheckRun, id: i64) -> Check {
    Check {
        id,
        name: run.name.clone(),
        app: Some("testrun".into()),
        app_id: Some(9),
        head_sha: SHA.into(),
        status: if run.conclusion.is_some() { "completed" } else { "in_progress" }.into(),
        conclusion: run.conclusion.map(Into::into),
        details_url: Some(run.details_url.clone()),
        external_id: Some(run.external_id.clone()),
        at: Some(at(990)),
        ..Default::default()
    }
}

#[test]
fn a_check_run_follows_the_verdict_and_is_written_once() {
    for (job, want) in [("success", Some("success")), ("failure", Some("failure")), ("in_progress", None)] {
        let mut f = jobs(&[("a", job)]);
        let run = due(&f).unwrap();
        assert_eq!(run.conclusion, want);
        assert_eq!(run.sha, SHA);
        f.checks = vec![shown(&run, 950)];
        assert_eq!(due(&f), None, "{job}: it is there, and no reason to wait or to be red");
        // Somebody with the App's key says something else; an older one of ours changes nothing.
        f.checks = vec![Check { conclusion: Some("neutral".into()), ..shown(&run, 950) }];
        assert!(due(&f).is_some(), "{job}");
        let other = CheckRun { external_id: "testrun:old".into(), ..run.clone() };
        f.checks = vec![shown(&other, 940), shown(&run, 950)];
        assert_eq!(due(&f), None);
        f.checks = vec![shown(&run, 940), shown(&other, 950)];
        assert!(due(&f).is_some());
    }
}

#[test]
fn a_check_of_the_name_without_our_link_is_somebody_elses() {
    let run = due(&jobs(&[("a", "success")])).unwrap();
    let mut f = jobs(&[("a", "success")]);
    let forged = Check {
        details_url: Some("https://example.com".into()),
        conclusion: Some("failure".into()),
        ..shown(&run, 950)
    };
    f.checks = vec![forged];
    let red = due(&f).unwrap();
    assert_eq!(red.conclusion, Some("failure"), "it counts as any other check");
}

#[test]
fn failing_tests_are_shown_at_their_lines_where_those_are_in_the_repository() {
    let mut f = jobs(&[("unit", "failure")]);
    let test = |name: &str, file: Option<&str>, line: Option<i64>| FailingTest {
        name: name.into(),
        file: file.map(Into::into),
        line,
        message: Some("expected \u{1b}[31m1\u{202e}".into()),
    };
    let failing = vec![
        test("a", Some("./pkg/a_test.go"), Some(7)),
        test("b", Some("pkg/b_test.go"), None),
        test("c", Some("/home/runner/work/x.go"), Some(1)),
        test("d", Some("../../etc/passwd"), Some(1)),
        test("e", Some("C:\\x\\y.cs"), Some(1)),
        test("f", Some("<stdin>"), Some(1)),
        test("g", None, Some(3)),
        test("h", Some("pkg/h_test.go"), Some(-4)),
    ];
    let n = failing.len() as i64;
    f.runs[0].jobs[0].evidence = Some(Evidence {
        tests: Some(TestTotals { total: 20, passed: 20 - n, failed: n, ..Default::default() }),
        failing_total: n,
        failing,
        ..Default::default()
    });
    let run = due(&f).unwrap();
    let places: Vec<(&str, i64)> = run.annotations.iter().map(|a| (a.path.as_str(), a.line)).collect();
    assert_eq!(places, [("pkg/a_test.go", 7), ("pkg/b_test.go", 1), ("pkg/h_test.go", 1)]);
    assert!(run.annotations.iter().all(|a| !a.message.contains(['\u{1b}', '\u{202e}'])), "{run:?}");
    // While other jobs run nothing is remarked that could not be taken back.
    f.runs[0].jobs.push(job(102, "lint", "in_progress"));
    f.runs[0].jobs_total = 2;
    (f.runs[0].status, f.runs[0].conclusion) = ("in_progress".into(), None);
    let open = due(&f).unwrap();
    assert_eq!((open.conclusion, open.annotations.len()), (Some("failure"), 0));
}

#[test]
fn a_text_that_is_too_long_is_cut_at_the_end_of_a_line() {
    let report = report(CommentWhen::Final);
    let f = jobs(&[("a", "success")]);
    let e = eval(&report.spec, &f);
    let long = "0123456789 \u{fffd}\n".repeat(10_000);
    let seen = Observations::Facts(Box::new(f));
    let run = check_run::due(&report, &seen, &e.status, state(&e), || long.clone()).unwrap();
    assert!(run.summary.len() < 61_000 && run.summary.ends_with("The rest is in the report.\n"));
    let comment = comment::wish(&report, &e.status, || long.clone()).unwrap();
    assert!(comment.body.len() < 61_000 && comment.body.starts_with("<!-- testrun-operator:"));
}

#[test]
fn a_comment_never_lets_an_old_verdict_stand() {
    for (when, job, create, says) in [
        (CommentWhen::Final, "success", true, "# Report"),
        (CommentWhen::Final, "failure", true, "# Report"),
        (CommentWhen::Final, "in_progress", false, "is not decided yet"),
        (CommentWhen::Failed, "success", false, "# Report"),
        (CommentWhen::Failed, "failure", true, "# Report"),
        (CommentWhen::Failed, "in_progress", false, "is not decided yet"),
    ] {
        let report = report(when);
        let e = eval(&report.spec, &jobs(&[("a", job)]));
        let wish = comment::wish(&report, &e.status, || "# Report".into()).unwrap();
        assert_eq!((wish.create, wish.pull_request), (create, 20), "{when:?} {job}");
        assert!(wish.body.contains(says) && wish.body.starts_with(&wish.marker), "{}", wish.body);
    }
    let report = report(CommentWhen::Final);
    let mut f = jobs(&[("a", "success")]);
    f.source.pull_request = None;
    assert_eq!(comment::wish(&report, &eval(&report.spec, &f).status, String::new), None);
}
