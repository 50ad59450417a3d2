//! Workflows that rules of the base branch require, of this repository and of others.

use super::*;

const SCAN: &str = ".github/workflows/scan.yml";
/// Ids of the repository, and of others.
const OWN: i64 = 1;
const SHARED: i64 = 42;
const THIRD: i64 = 43;

fn rule(repository_id: Option<i64>) -> RequiredWorkflow {
    RequiredWorkflow { path: SCAN.into(), repository_id }
}

/// A run of a scan, of the workflow with this id.
fn scan(workflow_id: i64, path: &str, origin: Origin, end: &str) -> Run {
    let id = 100 + workflow_id;
    let run = run(id, vec![job(id * 10, "scan", end)]);
    Run { workflow_id, workflow: "Scan".into(), path: path.into(), origin, ..run }
}

#[test]
fn workflows_that_a_rule_requires_must_run_even_if_the_spec_names_others() {
    let mut f = jobs(&[("build", "success")]);
    f.expectations.required_workflows = vec![rule(Some(OWN))];
    let e = eval(&spec(), &f);
    assert_eq!(passed(&e), "Unknown/Expecting");
    assert!(message(&e).contains("scan.yml"), "{}", message(&e));
    let mut scan = run(8, vec![job(200, "scan", "failure")]);
    (scan.workflow, scan.path, scan.workflow_id) = ("Scan".into(), ".github/workflows/scan.yml".into(), 71);
    f.runs.push(scan);
    let only_ci = TestRunReportSpec { workflows: vec!["CI".into()], ..spec() };
    assert_eq!(passed(&eval(&only_ci, &f)), "False/RequiredFailed");
    f.runs[1].jobs[0].conclusion = Some("success".into());
    f.runs[1].conclusion = Some("success".into());
    assert_eq!(passed(&eval(&only_ci, &f)), "True/AllRequiredSucceeded");
}

#[test]
fn a_workflow_of_another_repository_is_not_satisfied_by_a_file_of_the_commit() {
    use Origin::{Repository, Rule, Unknown};
    let green = "True/AllRequiredSucceeded";
    let waits = "Unknown/Expecting";
    let blind = "Unknown/Undecidable";
    let (mine, theirs, unsaid) = (
        |end| scan(71, SCAN, Repository, end),
        |end| scan(72, SCAN, Rule, end),
        |end| scan(73, SCAN, Unknown, end),
    );
    let third = |end| scan(74, SCAN, Rule, end);
    let full = |owner: &str| scan(75, &format!("{owner}/{SCAN}"), Rule, "success");
    for (case, rules, runs, want) in [
        ("it ran", vec![Some(SHARED)], vec![theirs("success")], green),
        ("it is red", vec![Some(SHARED)], vec![theirs("failure")], "False/RequiredFailed"),
        ("it did not run", vec![Some(SHARED)], vec![], waits),
        // The attack: a pull request that adds a file of that path, which is green.
        ("a file of the path", vec![Some(SHARED)], vec![mine("success")], waits),
        ("a file of the path, too", vec![Some(SHARED)], vec![mine("success"), theirs("success")], green),
        (
            "the real one is red",
            vec![Some(SHARED)],
            vec![mine("success"), theirs("failure")],
            "False/RequiredFailed",
        ),
        (
            "the real one runs",
            vec![Some(SHARED)],
            vec![mine("success"), theirs("in_progress")],
            "Unknown/Running",
        ),
        // Its path as a person may name a file.
        (
            "a file below",
            vec![Some(SHARED)],
            vec![scan(71, &format!("acme/shared/{SCAN}"), Repository, "success")],
            waits,
        ),
        (
            "a longer name",
            vec![Some(SHARED)],
            vec![scan(71, ".github/workflows/x-scan.yml", Rule, "success")],
            waits,
        ),
        ("named in full", vec![Some(SHARED)], vec![full("acme/shared")], green),
        ("too many names", vec![Some(SHARED)], vec![full("x/acme/shared")], waits),
        // What GitHub does not say.
        ("of whom it is", vec![Some(SHARED)], vec![unsaid("success")], blind),
        ("of whom a rule wants it", vec![None], vec![mine("success")], waits),
        ("of whom a rule wants it, and it ran", vec![None], vec![theirs("success")], green),
        // The same path in several repositories.
        ("one of two", vec![Some(SHARED), Some(THIRD)], vec![theirs("success")], blind),
        (
            "one of two and a file",
            vec![Some(SHARED), Some(THIRD)],
            vec![theirs("success"), mine("success")],
            blind,
        ),
        ("both", vec![Some(SHARED), Some(THIRD)], vec![theirs("success"), third("success")], green),
        ("of two rules for one", vec![Some(SHARED), Some(SHARED)], vec![theirs("success")], green),
        ("ours is not there", vec![Some(OWN), Some(SHARED)], vec![theirs("success")], waits),
        ("ours and theirs", vec![Some(OWN), Some(SHARED)], vec![mine("success"), theirs("success")], green),
        ("ours, brought along", vec![Some(OWN)], vec![theirs("success")], green),
        ("ours, unsaid", vec![Some(OWN)], vec![unsaid("success")], green),
    ] {
        let mut f = jobs(&[("build", "success")]);
        f.expectations.required_workflows = rules.into_iter().map(rule).collect();
        f.runs.extend(runs);
        let e = eval(&spec(), &f);
        assert_eq!(passed(&e), want, "{case}: {}", message(&e));
        // However long one waits: nothing of it ever passes.
        f.read_at = at(1_000_000);
        let late = passed(&eval(&spec(), &f));
        assert_eq!(late.starts_with("True"), want == green, "{case}: {late}");
    }
}

#[test]
fn a_rule_that_names_no_file_is_not_satisfied_by_a_run_that_names_none() {
    let mut f = jobs(&[("build", "success")]);
    for repository_id in [Some(OWN), Some(SHARED)] {
        f.expectations.required_workflows = vec![RequiredWorkflow { path: String::new(), repository_id }];
        for origin in [Origin::Rule, Origin::Repository, Origin::Unknown] {
            f.runs[0] = Run { path: String::new(), origin, ..f.runs[0].clone() };
            assert_eq!(verdict(&f), "Unknown/Expecting", "{repository_id:?} {origin:?}");
        }
    }
}

#[test]
fn what_is_not_the_required_workflow_is_told_with_the_reason() {
    for (run, words) in [
        (
            scan(71, SCAN, Origin::Repository, "success"),
            "the file of this path in the commit is not that one",
        ),
        (
            scan(71, SCAN, Origin::Unknown, "success"),
            "GitHub does not say whether the run of this path is that one",
        ),
    ] {
        let mut f = jobs(&[("build", "success")]);
        f.expectations.required_workflows = vec![rule(Some(SHARED))];
        f.runs.push(run);
        let e = eval(&spec(), &f);
        let notes: Vec<_> =
            e.status.suites.iter().flat_map(|s| &s.jobs).filter_map(|j| j.note.clone()).collect();
        let start = "a rule of the base branch requires this workflow of another repository (id 42); ";
        assert!(notes.iter().any(|n| *n == format!("{start}{words}")), "{notes:?}");
    }
}

#[test]
fn what_is_required_is_not_there_yet_while_its_workflow_goes_on() {
    let other = || {
        let run = run(9, vec![job(300, "other", "success")]);
        Run { workflow: "Other".into(), workflow_id: 72, path: ".github/workflows/other.yml".into(), ..run }
    };
    let only_other = TestRunReportSpec { workflows: vec!["other.yml".into()], ..spec() };
    let needs_build = |runs: Vec<Run>| {
        let mut f = facts(runs);
        f.expectations.required = vec![RequiredCheck { name: "build".into(), app_id: None }];
        passed(&eval(&only_other, &f))
    };
    let green = || run(7, vec![job(100, "prepare", "success"), job(101, "build", "success")]);
    assert_eq!(needs_build(vec![other(), green()]), "True/AllRequiredSucceeded");
    // All of it is run again, and has not come to the job that is required.
    let mut again = green();
    again.jobs.push(Job { attempt: 2, ..job(200, "prepare", "in_progress") });
    (again.attempt, again.status, again.conclusion, again.jobs_total) = (2, "in_progress".into(), None, 3);
    assert_eq!(needs_build(vec![other(), again]), "Unknown/Running");
    // Or another run of it has begun.
    let newer = run(8, vec![job(200, "prepare", "in_progress")]);
    assert_eq!(needs_build(vec![other(), green(), newer]), "Unknown/Running");

    // The same of a workflow that a rule requires, whose next job is not listed yet.
    let mut f = facts(vec![other(), scan(71, SCAN, Origin::Repository, "success")]);
    f.expectations.required_workflows = vec![rule(Some(OWN))];
    assert_eq!(passed(&eval(&only_other, &f)), "True/AllRequiredSucceeded");
    (f.runs[1].status, f.runs[1].conclusion) = ("in_progress".into(), None);
    assert_eq!(passed(&eval(&only_other, &f)), "Unknown/Running");
}
