//! Lists that are cut, lag behind, or have lost something that was seen before.

use super::*;

#[test]
fn a_red_run_is_explained_only_by_a_job_that_may_have_made_it_red() {
    let s = lenient(&["docs"]);
    for (conclusion, want) in [
        ("success", "True/AllRequiredSucceeded"),
        ("failure", "False/Disagreement"),
        ("cancelled", "False/Disagreement"),
        ("timed_out", "False/Disagreement"),
        ("startup_failure", "False/Disagreement"),
        ("stale", "False/Disagreement"),
        ("action_required", "Unknown/ActionRequired"),
        ("hatched", "Unknown/Undecidable"),
    ] {
        let mut f = jobs(&[("unit", "success"), ("docs", "skipped")]);
        f.runs[0].conclusion = Some(conclusion.into());
        assert_eq!(passed(&eval(&s, &f)), want, "{conclusion}");
    }
}

#[test]
fn jobs_that_are_not_listed_are_not_taken_for_informational_ones() {
    let informational = |name: &str, workflow: Option<&str>, job: Option<&str>| SuiteSpec {
        policy: SuitePolicy::Informational,
        matches: vec![JobMatch { workflow: workflow.map(Into::into), job: job.map(Into::into) }],
        ..suite(name, ".")
    };
    let unknown = "Unknown/Undecidable";
    let green = "True/AllRequiredSucceeded";
    for (suites, want) in [
        (vec![suite("unit", "^unit"), informational("rest", None, Some("."))], unknown),
        (vec![suite("unit", "^unit"), informational("ci", Some("^CI$"), None)], unknown),
        (vec![informational("docs", None, Some("^docs|^CI$")), suite("unit", "^unit")], unknown),
        // All of the workflow is informational, whatever its jobs are.
        (vec![informational("nightly", Some("^Nightly$"), None), suite("unit", "^unit")], green),
        (vec![informational("nightly", Some("nightly.yml"), Some(".*")), suite("unit", "^unit")], green),
        (vec![informational("nightly", Some("^Nightly$"), Some("^slow")), suite("unit", "^unit")], unknown),
    ] {
        let s = TestRunReportSpec { suites: suites.clone(), ..spec() };
        let mut f = jobs(&[("unit", "success")]);
        if suites[0].name == "nightly" {
            let mut nightly = run(8, vec![job(200, "slow", "success")]);
            (nightly.workflow, nightly.workflow_id) = ("Nightly".into(), 71);
            nightly.path = ".github/workflows/nightly.yml".into();
            f.runs.push(nightly);
        }
        f.runs.last_mut().unwrap().jobs_total += 1;
        let names: Vec<_> = suites.iter().map(|s| (&s.name, &s.matches)).collect();
        assert_eq!(passed(&eval(&s, &f)), want, "{names:?}");
    }
}

/// What a first look makes of these runs, and a second one of those.
fn then(first: Vec<Run>, second: Vec<Run>) -> Evaluation {
    let before = eval(&spec(), &facts(first));
    after(&spec(), &facts(second), &before.status)
}

#[test]
fn a_run_that_was_seen_and_is_gone_is_not_forgotten() {
    let red = || run(7, vec![job(100, "unit", "failure")]);
    let push = || Run { event: "push".into(), ..run(6, vec![job(90, "unit", "success")]) };
    // The red run was deleted; what another event ran is green.
    let e = then(vec![push(), red()], vec![push()]);
    assert_eq!(passed(&e), "Unknown/Undecidable");
    assert!(message(&e).contains("run 7 was seen on this commit"), "{}", message(&e));
    // Nor by the looks after it, by a part of them, or by an edit of the spec.
    let part = Facts { partial: true, confirmed: false, ..facts(vec![push()]) };
    let e = after(&spec(), &part, &e.status);
    assert!(!passed(&e).starts_with("True"));
    assert!(!message(&e).contains("no longer lists"), "a part tells nothing: {}", message(&e));
    let edited = Context { generation: 2, ..context(Some(&e.status)) };
    let e = evaluate(&spec(), &Observations::Facts(Box::new(facts(vec![push()]))), &edited);
    assert_eq!(passed(&e), "Unknown/Undecidable");
    // It is listed again.
    let e = after(&spec(), &facts(vec![push(), red()]), &e.status);
    assert_eq!(passed(&e), "False/RequiredFailed");
    // The workflow runs again.
    let e = then(vec![push(), red()], vec![push()]);
    let anew = run(8, vec![later(200, "unit", "success")]);
    let e = after(&spec(), &facts(vec![push(), anew.clone()]), &e.status);
    assert_eq!(passed(&e), "True/AllRequiredSucceeded");
    assert_eq!(after(&spec(), &facts(vec![push(), anew]), &e.status).status, e.status, "and stays so");
}

#[test]
fn what_was_set_aside_or_is_not_looked_at_may_go() {
    let cancelled = run(7, vec![job(100, "unit", "cancelled")]);
    let newer = run(8, vec![later(200, "unit", "success")]);
    assert_eq!(passed(&then(vec![cancelled, newer.clone()], vec![newer])), "True/AllRequiredSucceeded");

    let nightly = || Run {
        workflow: "Nightly".into(),
        workflow_id: 71,
        path: ".github/workflows/n.yml".into(),
        ..run(9, vec![job(300, "slow", "failure")])
    };
    let ci = || run(7, vec![job(100, "unit", "success")]);
    for (workflows, want) in [
        (vec!["CI"], "True/AllRequiredSucceeded"),
        (vec!["ci.yml"], "True/AllRequiredSucceeded"),
        (vec!["CI", "n.yml"], "Unknown/Undecidable"),
    ] {
        let s = TestRunReportSpec { workflows: workflows.iter().map(|w| (*w).into()).collect(), ..spec() };
        let first = eval(&s, &facts(vec![ci(), nightly()]));
        let mut f = facts(vec![ci()]);
        // Only by the base branch is it known which file the workflow has.
        let Baseline::Found(mut base) = green_base(&[]) else { panic!() };
        base.workflows[0].workflow = "Nightly".into();
        base.workflows[0].path = ".github/workflows/n.yml".into();
        f.expectations.baseline = Baseline::Found(base);
        assert_eq!(passed(&after(&s, &f, &first.status)), want, "{workflows:?}");
    }
    // What belongs to another commit is that commit's.
    let first = eval(&spec(), &facts(vec![ci(), nightly()]));
    let mut f = facts(vec![Run { head_sha: OTHER.into(), ..ci() }]);
    f.source.sha = OTHER.into();
    let moved = after(&spec(), &f, &first.status);
    assert_eq!(passed(&after(&spec(), &f, &moved.status)), "True/AllRequiredSucceeded");
}

#[test]
fn a_list_that_is_behind_what_was_seen_decides_nothing() {
    let first = || run(7, vec![job(100, "unit", "success")]);
    let mut second =
        run(7, vec![job(100, "unit", "success"), Job { attempt: 2, ..later(200, "unit", "in_progress") }]);
    second.attempt = 2;
    let e = then(vec![second.clone()], vec![first()]);
    assert_eq!(passed(&e), "Unknown/Settling");
    assert!(matches!(e.next, Next::At(_)), "{:?}", e.next);
    // However often it is read.
    let e = after(&spec(), &facts(vec![first()]), &e.status);
    assert_eq!(passed(&e), "Unknown/Settling");
    let ended = Run {
        status: "completed".into(),
        conclusion: Some("success".into()),
        jobs: vec![job(100, "unit", "success"), Job { attempt: 2, ..later(200, "unit", "success") }],
        ..second
    };
    assert_eq!(passed(&after(&spec(), &facts(vec![ended]), &e.status)), "True/AllRequiredSucceeded");
}

#[test]
fn only_the_same_workflow_for_the_same_branch_makes_up_for_a_run_that_is_gone() {
    let red = || Run {
        event: "push".into(),
        head_branch: Some("main".into()),
        ..run(7, vec![job(100, "unit", "failure")])
    };
    let anew = || Run {
        event: "push".into(),
        head_branch: Some("main".into()),
        ..run(8, vec![later(200, "unit", "success")])
    };
    let green = "True/AllRequiredSucceeded";
    let gone = "Unknown/Undecidable";
    for (what, newer, want) in [
        ("the same", anew(), green),
        ("another branch", Run { head_branch: Some("x".into()), ..anew() }, gone),
        ("a tag or none", Run { head_branch: None, ..anew() }, gone),
        ("a fork", Run { head_repository_id: Some(2), ..anew() }, gone),
        ("a fork that is gone", Run { head_repository_id: None, ..anew() }, gone),
        ("another file", Run { path: ".github/workflows/x.yml".into(), ..anew() }, gone),
        ("another event", Run { event: "pull_request".into(), ..anew() }, gone),
        ("one that may be of another pull request", Run { apart: Some("why".into()), ..anew() }, gone),
    ] {
        assert_eq!(passed(&then(vec![red()], vec![newer])), want, "{what}");
    }
    // What no run replaces as long as it is there, none replaces when it was deleted.
    for (event, end, want) in [
        ("workflow_dispatch", "failure", gone),
        ("repository_dispatch", "cancelled", gone),
        ("issue_comment", "failure", gone),
        ("workflow_dispatch", "success", green),
    ] {
        let of = |r: Run| Run { event: event.into(), ..r };
        let old = of(Run { jobs: vec![job(100, "unit", end)], conclusion: Some(end.into()), ..red() });
        let e = then(vec![old], vec![of(anew())]);
        assert_eq!(passed(&e), want, "{event} {end}");
        assert!(want == green || message(&e).contains("replaces it"), "{}", message(&e));
    }
    // Branches and files of which a status holds the same.
    let long = |end: &str| format!(".github/workflows/{}{end}.yml", "x".repeat(240));
    for (what, old, new) in [
        ("hidden characters", ("f\u{200b}x".to_owned(), None), ("f\u{200c}x".to_owned(), None)),
        ("a long file", ("main".into(), Some(long("a"))), ("main".into(), Some(long("b")))),
    ] {
        let of = |r: Run, (branch, path): (String, Option<String>)| Run {
            head_branch: Some(branch),
            path: path.unwrap_or_else(|| r.path.clone()),
            ..r
        };
        assert_eq!(passed(&then(vec![of(red(), old)], vec![of(anew(), new)])), gone, "{what}");
    }
    // A version before did not remember where a run was of.
    let mut before = eval(&spec(), &facts(vec![red()])).status;
    for run in &mut before.source.as_mut().unwrap().runs {
        (run.path, run.branch, run.repository_id) = (None, None, None);
    }
    assert_eq!(passed(&after(&spec(), &facts(vec![anew()]), &before)), gone);
}

#[test]
fn what_was_seen_is_remembered_over_trouble_and_edits() {
    let red = || run(7, vec![job(100, "unit", "failure")]);
    let push = || Run { event: "push".into(), ..run(6, vec![job(90, "unit", "success")]) };
    let first = eval(&spec(), &facts(vec![push(), red()]));
    let seen = Observations::Facts(Box::new(facts(vec![push()])));
    let edited = TestRunReportSpec { suspend: true, ..spec() };
    let away = Observations::Trouble(Trouble {
        reason: Reason::GitHubUnavailable,
        message: "away".into(),
        retry_at: None,
    });
    for (what, spec_then, observed) in [("suspended", &edited, &seen), ("away", &spec(), &away)] {
        let context_of = |generation, previous| Context { generation, ..context(Some(previous)) };
        let then = evaluate(spec_then, observed, &context_of(2, &first.status));
        let last = evaluate(&spec(), &seen, &context_of(3, &then.status));
        assert_eq!(passed(&last), "Unknown/Undecidable", "{what}");
    }
    // Of another commit nothing is known.
    let other = GitHubSource { sha: Some(OTHER.into()), ..spec().source.github };
    let elsewhere = TestRunReportSpec { source: Source { github: other }, ..spec() };
    let e = evaluate(&elsewhere, &away, &Context { generation: 2, ..context(Some(&first.status)) });
    assert_eq!(e.status.source, None);
}
