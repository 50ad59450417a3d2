//! What people read: suites, failures, artifacts, masked failures, recommendation.

use super::*;
use crate::api::spec::LocalResult;
use crate::api::status::{ArtifactCopy, FailingTest, TestTotals};

fn artifact(id: i64, name: &str) -> ArtifactFact {
    ArtifactFact { id, name: name.into(), run_id: 7, size_bytes: 10, ..Default::default() }
}

#[test]
fn suites_are_made_from_workflows_and_matrices() {
    let mut tool = run(
        8,
        vec![job(300, "Unit Tests (45 bats tests)", "success"), job(301, "Container Build", "success")],
    );
    tool.workflow = "Must-Gather Tests".into();
    tool.workflow_id = 71;
    tool.path = ".github/workflows/mg.yml".into();
    let mut f = jobs(&[
        ("Unit Tests (a)", "success"),
        ("Unit Tests (b)", "success"),
        ("integration (a)", "failure"),
        ("integration (b)", "success"),
    ]);
    f.runs.push(tool);
    let e = eval(&spec(), &f);
    let suites: Vec<String> =
        e.status.suites.iter().map(|s| format!("{} {}/{} {}", s.name, s.passed, s.total, s.state)).collect();
    assert_eq!(
        suites,
        ["Unit Tests 2/2 Succeeded", "integration 1/2 Failed", "Must-Gather Tests 2/2 Succeeded"]
    );
}

#[test]
fn rates_are_whole_and_rounded_down() {
    let list: Vec<(String, &str)> =
        (0..9).map(|i| (format!("integration ({i})"), if i < 5 { "success" } else { "failure" })).collect();
    let list: Vec<(&str, &str)> = list.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    let e = eval(&spec(), &jobs(&list));
    assert_eq!(e.status.suites[0].pass_rate, Some(55));
    assert_eq!(e.status.summary.unwrap().jobs.display, "5/9");
}

#[test]
fn green_jobs_that_hide_a_failure_are_shown() {
    let mut f = jobs(&[("build", "success")]);
    let j = &mut f.runs[0].jobs[0];
    j.steps = vec![Step { name: "lint".into(), conclusion: Some("failure".into()), ..Default::default() }];
    j.annotations = vec![Annotation {
        level: "failure".into(),
        message: "lint: 3 findings".into(),
        ..Default::default()
    }];
    j.evidence = Some(Evidence {
        tests: Some(TestTotals { total: 2, passed: 1, failed: 1, ..Default::default() }),
        ..Default::default()
    });
    let e = eval(&spec(), &f);
    let kinds: Vec<&str> = e.status.masked_failures.iter().map(|m| m.kind.as_str()).collect();
    assert_eq!(kinds, ["FailedStep", "FailureAnnotation", "FailingTests"]);
    assert_eq!(e.status.assessment.unwrap().risk, "Medium");
}

#[test]
fn a_green_job_whose_log_fails_or_breaks_off_outside_of_its_tests_is_shown() {
    const CARGO: &str = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n";
    const DIED: &str = "error: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit successfully: `/w/a` (signal: 11, SIGSEGV: invalid memory reference)\n";
    const CUT: &str = "     Running tests/slow.rs (target/debug/deps/slow-3f1c)\n";
    for (log, expected) in [
        (String::new() + CARGO, vec![]),
        (String::new() + CARGO + DIED, vec!["FailingTests", "Interrupted"]),
        (String::new() + CARGO + CUT, vec!["Interrupted"]),
    ] {
        let mut f = jobs(&[("unit", "success")]);
        f.runs[0].jobs[0].evidence = Some(crate::evidence::job::of_job("unit", log.as_bytes(), None, None));
        let e = eval(&spec(), &f);
        let kinds: Vec<&str> = e.status.masked_failures.iter().map(|m| m.kind.as_str()).collect();
        assert_eq!(kinds, expected, "{log}");
    }
}

#[test]
fn bundles_belong_to_the_failed_job_that_their_name_tells() {
    let mut f = jobs(&[
        ("Unit Tests (gateway)", "success"),
        ("integration (gateway)", "failure"),
        ("integration (data)", "failure"),
    ]);
    f.artifacts = vec![artifact(1, "must-gather-logs-gateway-7"), artifact(2, "coverage")];
    let e = eval(&spec(), &f);
    let of = |job: &str| e.status.failures.iter().find(|x| x.job == job).unwrap().artifacts.clone();
    assert_eq!(of("integration (gateway)"), ["must-gather-logs-gateway-7"]);
    assert!(of("integration (data)").is_empty());
    assert_eq!(e.status.artifacts.len(), 1, "coverage is neither a bundle nor a report");
    assert_eq!(e.status.artifacts[0].job.as_deref(), Some("integration (gateway)"));
    assert_eq!(condition(&e, ConditionType::ArtifactsAvailable), "False/NotCollected");
    f.artifacts.push(artifact(3, "must-gather-logs-data-7"));
    assert_eq!(condition(&eval(&spec(), &f), ConditionType::ArtifactsAvailable), "True/Recorded");
    f.artifacts[2].expired = true;
    let gone = eval(&spec(), &f);
    assert_eq!(condition(&gone, ConditionType::ArtifactsAvailable), "False/Expired");
    // A copy was made before.
    let mut before = gone.status;
    let at = before.artifacts.iter().position(|a| a.id == 3).unwrap();
    for (state, listed, want) in [
        ("Failed", true, "False/Expired"),
        ("Copied", true, "True/Recorded"),
        ("Failed", false, "False/NotCollected"),
        ("Copied", false, "True/Recorded"),
    ] {
        before.artifacts[at].copy = Some(ArtifactCopy { state: state.into(), ..Default::default() });
        let mut f = f.clone();
        f.artifacts.truncate(if listed { 3 } else { 2 });
        let e = after(&spec(), &f, &before);
        assert_eq!(condition(&e, ConditionType::ArtifactsAvailable), want, "{state}, listed: {listed}");
        let said = e.status.conditions.iter().find(|c| c.type_ == "ArtifactsAvailable").unwrap();
        assert_eq!(said.message.contains("of 1 as a copy only"), state == "Copied", "{}", said.message);
    }
    assert_eq!(
        condition(&eval(&spec(), &jobs(&[("a", "success")])), ConditionType::ArtifactsAvailable),
        "True/NothingFailed"
    );
    assert_eq!(
        condition(&eval(&spec(), &jobs(&[("a", "in_progress")])), ConditionType::ArtifactsAvailable),
        "Unknown/Waiting"
    );
}

#[test]
fn local_results_stand_beside_those_of_ci() {
    let mut s = spec();
    s.aliases.insert("data".into(), "Data Storage".into());
    s.local_results = vec![LocalResult {
        suite: "Data Storage".into(),
        total: Some(110),
        passed: Some(110),
        reporter: Some("jo".into()),
        ..Default::default()
    }];
    let mut f = jobs(&[("integration (data)", "failure")]);
    f.runs[0].jobs[0].evidence = Some(Evidence {
        tests: Some(TestTotals { total: 110, passed: 109, failed: 1, ..Default::default() }),
        failing: vec![FailingTest { name: "hash chain".into(), ..Default::default() }],
        failing_total: 1,
        ..Default::default()
    });
    let e = eval(&s, &f);
    let failure = &e.status.failures[0];
    assert_eq!(failure.display_name.as_deref(), Some("Data Storage"));
    let local = failure.local.as_ref().unwrap();
    assert!(
        local.finding.contains("110 of 110 passed, 0 failed; CI: 109 of 110 passed, 1 failed"),
        "{}",
        local.finding
    );
    assert!(local.finding.ends_with("; only in CI: hash chain"), "{}", local.finding);
    assert_eq!(e.status.summary.unwrap().failing_tests_total, 1);
    s.local_results[0].passed = Some(108);
    s.local_results[0].failing_tests = vec!["hash chain".into(), "other".into()];
    let local = eval(&s, &f).status.failures[0].local.clone().unwrap();
    assert!(local.finding.ends_with("; fail in both: hash chain; only locally: other"), "{}", local.finding);
    s.local_results[0].failing_tests.pop();
    let local = eval(&s, &f).status.failures[0].local.clone().unwrap();
    assert!(
        !local.finding.contains("hash chain"),
        "a list that is not whole compares nothing: {}",
        local.finding
    );
}

#[test]
fn equal_fingerprints_make_a_pattern() {
    let mut f = jobs(&[("a", "failure"), ("b", "failure"), ("c", "failure")]);
    for (i, print) in ["x", "x", "y"].iter().enumerate() {
        f.runs[0].jobs[i].evidence = Some(Evidence {
            fingerprint: Some((*print).into()),
            signature: Some("boom".into()),
            ..Default::default()
        });
    }
    let e = eval(&spec(), &f);
    assert_eq!(e.status.patterns.len(), 1);
    assert_eq!(e.status.patterns[0].jobs, ["a", "b"]);
}

#[test]
fn the_recommendation_has_commands_that_can_be_run() {
    for (list, action, command) in [
        (vec![("a", "success")], "Merge", "gh pr merge 20 --repo acme/shop --match-head-commit"),
        (vec![("a", "in_progress")], "Wait", "kubectl wait --for=condition=Passed testrunreport/pr-20 -n ci"),
        (vec![("a", "failure")], "Analyse", "gh run view 7 --job 100 --repo acme/shop --log-failed"),
        (vec![("a", "cancelled")], "Rerun", "gh run rerun 7 --failed --repo acme/shop"),
        (vec![("a", "waiting")], "Complete", "gh run view 7 --repo acme/shop --web"),
    ] {
        let r = eval(&spec(), &jobs(&list)).status.recommendation.unwrap();
        assert_eq!(r.action, action);
        let best = r.options.iter().find(|o| o.recommended).unwrap();
        assert!(best.commands.iter().any(|c| c.starts_with(command)), "{:?}", best.commands);
    }
}

#[test]
fn hostile_names_cannot_move_a_cursor_or_leave_a_command() {
    let mut f = jobs(&[("a\u{1b}[2J\u{202e}b\nc", "failure")]);
    f.source.repository = "acme/shop'; rm -rf /".into();
    f.runs[0].repository = f.source.repository.clone();
    let e = eval(&spec(), &f);
    let text = serde_json::to_string(&e.status).unwrap();
    assert!(!text.contains("\\u001b") && !text.contains('\u{202e}'), "{text}");
    let option = &e.status.recommendation.as_ref().unwrap().options[0];
    assert!(option.commands[0].contains(r"'acme/shop'\''; rm -rf /'"), "{}", option.commands[0]);
}

#[test]
fn confidence_stays_at_ninety_without_a_passing_re_run() {
    let mut f = jobs(&[("build", "success")]);
    f.expectations.baseline = green_base(&["build"]);
    assert_eq!(eval(&spec(), &f).status.assessment.unwrap().confidence, 90);
}

#[test]
fn transitions_are_the_timeline_of_the_verdict() {
    let running = eval(&spec(), &jobs(&[("a", "in_progress")]));
    let red = after(&spec(), &jobs(&[("a", "failure")]), &running.status);
    let green = after(&spec(), &jobs(&[("a", "success")]), &red.status);
    let line: Vec<&str> = green.status.transitions.iter().map(|t| t.passed.as_str()).collect();
    assert_eq!(line, ["Unknown", "False", "True"]);
}

#[test]
fn globs_match_whole_names() {
    for (pattern, name, want) in [
        ("*must-gather*", "x-Must-Gather-y", true),
        ("must-gather", "must-gather-1", false),
        ("a?c", "abc", true),
        ("a*b*c", "a-b-b-c", true),
        ("*", "", true),
        ("a*", "b", false),
    ] {
        assert_eq!(super::super::belongs::glob(pattern, name), want, "{pattern} {name}");
    }
}
