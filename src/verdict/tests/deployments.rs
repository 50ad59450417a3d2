//! Deployments that wait for the verdict: what is left out for them, and what they are answered.

use super::*;
use crate::api::TestRunReport;
use crate::api::publish::{PublishDeploymentProtection, PublishSpec};
use crate::api::spec::SuitePolicy;
use crate::verdict::publish::deployment::{self, waits};

fn asking() -> TestRunReportSpec {
    let deploys = SuiteSpec { policy: SuitePolicy::Informational, ..suite("Deployments", "^deploy") };
    let environments = vec!["Production".into(), "staging".into()];
    TestRunReportSpec {
        suites: vec![suite("Tests", "^(unit|e2e)"), deploys],
        publish: Some(PublishSpec {
            deployment_protection: Some(PublishDeploymentProtection { environments }),
            ..Default::default()
        }),
        ..spec()
    }
}

/// A run whose tests ended like that, and whose deployment waits for an environment.
fn waiting(tests: &str, environments: &[&str]) -> Facts {
    let mut f = jobs(&[("unit", tests), ("deploy", "waiting")]);
    let run = &mut f.runs[0];
    (run.status, run.conclusion) = ("waiting".into(), None);
    run.head_repository_id = Some(1);
    run.event = "push".into();
    run.pending = environments.iter().map(|e| (*e).to_owned()).collect();
    f
}

fn report(spec: TestRunReportSpec) -> TestRunReport {
    let mut report = TestRunReport::new("r", spec);
    report.metadata.generation = Some(1);
    report
}

/// What is answered after a look: run, attempt, environment and state.
fn answers(report: &TestRunReport, f: &Facts, word: ConditionStatus) -> Vec<(i64, i64, String, String)> {
    let mut status = eval(&report.spec, f).status;
    record(report, f, &mut status, 1000, word);
    let of = |r: &crate::api::answers::DeploymentAnswer| {
        (r.run_id, r.attempt, r.environment.clone(), r.state.clone())
    };
    status.deployments.iter().map(of).collect()
}

fn record(
    report: &TestRunReport,
    f: &Facts,
    status: &mut TestRunReportStatus,
    seconds: i64,
    word: ConditionStatus,
) -> Option<Timestamp> {
    let seen = Observations::Facts(Box::new(f.clone()));
    deployment::record(report, &seen, status, at(seconds), |_| word, |_, _, _| None)
}

#[test]
fn a_deployment_that_waits_for_the_verdict_is_left_out_and_told() {
    let f = waiting("success", &["production"]);
    let e = eval(&asking(), &f);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert!(message(&e).contains("1 of 1 required"), "{}", message(&e));
    assert!(message(&e).contains("1 job waits for this verdict and has not run: deploy"), "{}", message(&e));
    let complete = e.status.conditions.iter().find(|c| c.type_ == "Complete").unwrap();
    assert!(complete.message.contains("waits for this verdict"), "{}", complete.message);
    let deploy = e.status.suites.iter().flat_map(|s| &s.jobs).find(|j| j.name == "deploy").unwrap();
    assert_eq!(deploy.state, "ActionRequired", "it is not passed");
    assert_eq!(passed(&eval(&asking(), &waiting("failure", &["production"]))), "False/RequiredFailed");
}

#[test]
fn nothing_else_is_left_out() {
    let with = |change: &dyn Fn(&mut Facts)| {
        let mut f = waiting("success", &["production"]);
        change(&mut f);
        passed(&eval(&asking(), &f))
    };
    let mut every = asking();
    every.suites.clear();
    let e = eval(&every, &waiting("success", &["production"]));
    assert_eq!(passed(&e), "Unknown/ActionRequired", "what counts cannot wait for itself");
    let deploy = e.status.suites.iter().flat_map(|s| &s.jobs).find(|j| j.name == "deploy").unwrap();
    assert!(deploy.note.as_deref().unwrap_or_default().contains("Informational"), "{deploy:?}");
    // The branch requires what waits.
    let required = |f: &mut Facts| {
        f.expectations.required = vec![RequiredCheck { name: "deploy".into(), app_id: None }];
    };
    assert_eq!(with(&required), "Unknown/ActionRequired");
    for (what, change) in [
        (
            "another environment",
            &(|f: &mut Facts| f.runs[0].pending = vec!["eu".into()]) as &dyn Fn(&mut Facts),
        ),
        ("another environment too", &|f: &mut Facts| f.runs[0].pending.push("eu".into())),
        ("nobody knows for what it waits", &|f: &mut Facts| f.runs[0].pending.clear()),
        ("the run goes on", &|f: &mut Facts| f.runs[0].status = "in_progress".into()),
        ("another job runs", &|f: &mut Facts| {
            f.runs[0].jobs.push(job(150, "deploy-docs", "queued"));
            f.runs[0].jobs_total = 3;
        }),
        ("a job that counts waits as well", &|f: &mut Facts| {
            f.runs[0].jobs.push(job(150, "e2e", "waiting"));
            f.runs[0].jobs_total = 3;
        }),
        ("jobs are not listed", &|f: &mut Facts| f.runs[0].jobs_total = 3),
    ] {
        assert!(with(change).starts_with("Unknown/"), "{what}: {}", with(change));
    }
}

#[test]
fn what_failed_before_is_not_hidden_by_a_run_that_waits() {
    let mut f = waiting("success", &["production"]);
    f.runs[0].created_at = Some(at(500));
    let mut older = run(6, vec![job(90, "unit", "success"), job(91, "e2e", "failure")]);
    older.event = "push".into();
    older.head_repository_id = Some(1);
    f.runs.push(older);
    assert_eq!(passed(&eval(&asking(), &f)), "False/RequiredFailed");
    // And what comes after the deployment is awaited where it is expected.
    let mut f = waiting("success", &["production"]);
    f.expectations.baseline = green_base(&["unit", "e2e"]);
    assert_eq!(passed(&eval(&asking(), &f)), "Unknown/Expecting");
}

#[test]
fn only_a_final_verdict_answers_and_a_pass_only_if_all_passed() {
    use ConditionStatus::{False, True, Unknown};
    let r = report(asking());
    let approved = [(7, 1, "production".to_owned(), "approved".to_owned())];
    let rejected = [(7, 1, "production".to_owned(), "rejected".to_owned())];
    let green = waiting("success", &["production"]);
    let red = waiting("failure", &["production"]);
    assert_eq!(answers(&r, &green, True), approved);
    assert_eq!(answers(&r, &green, Unknown), [], "another report is undecided");
    assert_eq!(answers(&r, &green, False), [], "another report has failed: it rejects by itself");
    assert_eq!(answers(&r, &red, True), rejected);
    let both = answers(&r, &waiting("success", &["PRODUCTION", "staging"]), True);
    assert_eq!(both.len(), 2, "names do not depend on case");
    assert_eq!(answers(&report(spec()), &green, True), [], "nobody asked for it");
    let with = |change: &dyn Fn(&mut Facts)| {
        let mut f = green.clone();
        change(&mut f);
        answers(&r, &f, True)
    };
    for (what, change) in [
        ("a partial look", &(|f: &mut Facts| f.partial = true) as &dyn Fn(&mut Facts)),
        ("not confirmed", &|f: &mut Facts| f.confirmed = false),
        ("not settled", &|f: &mut Facts| f.read_at = at(101)),
        ("other environments", &|f: &mut Facts| f.runs[0].pending = vec!["eu".into()]),
        ("a run of a fork", &|f: &mut Facts| f.runs[0].head_repository_id = Some(2)),
        ("nobody knows whose", &|f: &mut Facts| f.runs[0].head_repository_id = None),
        ("a pull request's, in a report on a commit", &|f: &mut Facts| {
            f.runs[0].event = "pull_request".into()
        }),
        ("the same with more rights", &|f: &mut Facts| f.runs[0].event = "pull_request_target".into()),
    ] {
        assert_eq!(with(change), [], "{what}");
    }
    // A run of another commit that stands in the list waits for somebody else.
    let mut foreign = green.clone();
    let mut other = foreign.runs[0].clone();
    (other.id, other.head_sha) = (8, OTHER.into());
    foreign.runs.push(other);
    assert_eq!(answers(&r, &foreign, True), approved);
    // A report about the pull request lets its runs through, but for a fork's.
    let mut pull = asking();
    (pull.source.github.sha, pull.source.github.pull_request) = (None, Some(20));
    let mut f = green.clone();
    f.runs[0].event = "pull_request".into();
    assert_eq!(answers(&report(pull.clone()), &f, True), approved);
    f.source.fork = true;
    assert_eq!(answers(&report(pull), &f, True), []);
    // The verdict is of an older spec.
    let mut edited = report(asking());
    edited.metadata.generation = Some(2);
    assert_eq!(answers(&edited, &green, True), []);
}

#[test]
fn a_question_is_answered_once() {
    use ConditionStatus::True;
    let r = report(asking());
    let mut f = waiting("success", &["production"]);
    let mut status = eval(&r.spec, &f).status;
    assert_eq!(record(&r, &f, &mut status, 1000, True), Some(at(1120)));
    let first = status.deployments.clone();
    assert_eq!((first[0].tries, first[0].jobs.as_slice()), (1, &[101][..]));
    // Nobody knows what came of it: it is taken up again, later each time.
    record(&r, &f, &mut status, 1119, True);
    assert_eq!(status.deployments, first);
    record(&r, &f, &mut status, 1120, True);
    assert_eq!((status.deployments[0].tries, status.deployments[0].requested_at.0), (2, at(1120)));
    assert_eq!(record(&r, &f, &mut status, 1130, True), Some(at(1360)), "and half as often each time");
    assert!(status.deployments[0].answer_until() < at(1360), "whoever wrote it has stopped by then");
    // Taken, and still listed because a person is asked too.
    status.deployments[0].accepted_at = Some(Time(at(1121)));
    let taken = status.deployments.clone();
    assert_eq!(record(&r, &f, &mut status, 9000, True), None);
    assert_eq!(status.deployments, taken);
    // The next job of the run that deploys there is another question, and so is another attempt.
    f.runs[0].jobs[1] = job(101, "deploy", "success");
    f.runs[0].jobs.push(job(102, "deploy-2", "waiting"));
    f.runs[0].jobs_total = 3;
    record(&r, &f, &mut status, 9000, True);
    assert_eq!((status.deployments.len(), status.deployments[0].jobs.as_slice()), (1, &[102][..]));
    assert_eq!((status.deployments[0].accepted_at.clone(), status.deployments[0].tries), (None, 1));
    f.runs[0].attempt = 2;
    record(&r, &f, &mut status, 9000, True);
    assert_eq!(status.deployments.len(), 2);
    // Records stay whatever becomes of the commit.
    let away = Trouble { reason: Reason::NotFound, message: "gone".into(), retry_at: None };
    let e = evaluate(&r.spec, &Observations::Trouble(away), &context(Some(&status)));
    assert_eq!(e.status.deployments, status.deployments);
}

#[test]
fn there_is_no_end_of_records() {
    let r = report(asking());
    let mut f = waiting("success", &["production"]);
    let one = f.runs[0].clone();
    f.runs = (0..40).map(|n| Run { id: 100 + n, workflow_id: n, ..one.clone() }).collect();
    let mut status = eval(&r.spec, &f).status;
    record(&r, &f, &mut status, 1000, ConditionStatus::True);
    let kept = status.deployments.clone();
    assert_eq!(kept.len(), 24);
    record(&r, &f, &mut status, 1001, ConditionStatus::True);
    assert_eq!(status.deployments, kept, "none is dropped that would be answered again");
}

#[test]
fn a_run_that_waits_is_told_from_one_that_does_not() {
    let ours = ["production".to_owned()];
    let f = waiting("success", &["production"]);
    assert!(waits(&ours, &f.runs[0]) && !waits(&[], &f.runs[0]));
    let ended = Run { conclusion: Some("success".into()), ..f.runs[0].clone() };
    assert!(!waits(&ours, &ended), "a contradiction");
}

#[test]
fn of_reports_that_say_the_same_exactly_one_answers() {
    let rank = |seconds: i64, uid: &str| (at(seconds), uid.to_owned());
    for (all, approves, rejects) in [
        (vec![rank(1, "a")], "a", "a"),
        (vec![rank(1, "a"), rank(2, "b")], "b", "a"),
        (vec![rank(2, "a"), rank(1, "b"), rank(3, "c")], "c", "b"),
        // In the same second.
        (vec![rank(1, "b"), rank(1, "a"), rank(1, "c")], "c", "a"),
    ] {
        for (state, want) in [(deployment::APPROVED, approves), (deployment::REJECTED, rejects)] {
            let answers = |own: &&deployment::Rank| {
                let others: Vec<_> = all.iter().filter(|other| other != own).cloned().collect();
                deployment::answers(state, own, &others)
            };
            let found: Vec<&str> = all.iter().filter(answers).map(|(_, uid)| uid.as_str()).collect();
            assert_eq!(found, [want], "{state}: {all:?}");
        }
    }
}

#[test]
fn what_is_left_to_another_report_is_not_recorded_and_looked_at_again() {
    let (r, f) = (report(asking()), waiting("success", &["production"]));
    let seen = Observations::Facts(Box::new(f.clone()));
    let mut status = eval(&r.spec, &f).status;
    let look = |status: &mut TestRunReportStatus, left: Option<Timestamp>| {
        deployment::record(&r, &seen, status, at(1000), |_| ConditionStatus::True, |_, _, _| left)
    };
    assert_eq!(look(&mut status, Some(at(1100))), Some(at(1100)));
    assert!(status.deployments.is_empty(), "a record is a promise to answer");
    assert_eq!(look(&mut status, None), Some(at(1120)));
    assert_eq!(status.deployments.len(), 1);
    // Another report has not decided: somebody looks again.
    let mut open = eval(&r.spec, &f).status;
    let wait =
        deployment::record(&r, &seen, &mut open, at(1000), |_| ConditionStatus::Unknown, |_, _, _| None);
    assert_eq!((wait, open.deployments.len()), (Some(at(1120)), 0));
}
