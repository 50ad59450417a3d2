//! Laws that hold for all facts, on random ones.

use proptest::prelude::*;

use super::*;
use crate::api::status::TestTotals;

const CONCLUSIONS: [&str; 12] = [
    "success", "success", "success", "success", "success", "failure", "cancelled", "skipped", "neutral",
    "in_progress", "waiting", "odd",
];
const NAMES: [&str; 7] = ["build", "unit (a)", "unit (b)", "e2e", "Test Summary", "lint", "docs"];

fn any_job() -> impl Strategy<Value = Job> {
    (0..NAMES.len(), 0..CONCLUSIONS.len(), 1..3_i64, 1..60_i64, 1..10_000_i64).prop_map(
        |(n, c, attempt, start, id)| Job {
            attempt,
            started_at: Some(at(start)),
            ..job(id, NAMES[n], CONCLUSIONS[c])
        },
    )
}

fn any_run() -> impl Strategy<Value = Run> {
    let ends = prop::sample::select(vec![
        None,
        None,
        None,
        Some("success"),
        Some("failure"),
        Some("cancelled"),
        Some("new"),
    ]);
    (prop::collection::vec(any_job(), 0..6), 1..6_i64, 0..3_i64, any::<bool>(), ends, 0..2_i64).prop_map(
        |(list, id, workflow, push, end, more)| {
            let mut list = list;
            for (i, j) in list.iter_mut().enumerate() {
                j.id = id * 1000 + i as i64;
            }
            let mut r = run(id, list);
            r.workflow_id = workflow;
            r.workflow = format!("W{workflow}");
            r.path = format!(".github/workflows/w{workflow}.yml");
            if push {
                r.event = "push".into();
            }
            if let Some(end) = end {
                r.status = "completed".into();
                r.conclusion = Some(end.into());
            }
            r.jobs_total += more * i64::from(id == 5);
            r
        },
    )
}

fn any_check() -> impl Strategy<Value = Check> {
    (0..3_usize, 0..CONCLUSIONS.len(), 1..50_i64, any::<bool>()).prop_map(|(n, c, id, other)| Check {
        id,
        at: Some(at(id)),
        app_id: Some(if other { 1 } else { 254 }),
        ..check(["cov", "sec", "build"][n], CONCLUSIONS[c])
    })
}

prop_compose! {
    fn any_facts()(
        runs in prop::collection::vec(any_run(), 0..5),
        checks in prop::collection::vec(any_check(), 0..3),
        base in prop::option::of(prop::sample::subsequence(NAMES.to_vec(), 0..4)),
        required in prop::sample::subsequence(vec!["build", "cov", "e2e"], 0..2),
        read in prop::sample::select(vec![90_i64, 1000, 50_000]),
        confirmed in prop::bool::weighted(0.9),
    ) -> Facts {
        let mut f = facts(runs);
        let mut ids = std::collections::BTreeSet::new();
        f.runs.retain(|r| ids.insert(r.id));
        f.checks = checks;
        if let Some(names) = base {
            f.expectations.baseline = green_base(&names);
        }
        f.expectations.required = required.into_iter().map(|n| RequiredCheck { name: n.into(), app_id: None }).collect();
        f.read_at = at(read);
        f.confirmed = confirmed;
        f
    }
}

fn any_spec() -> impl Strategy<Value = TestRunReportSpec> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(suites, informational, count)| {
        let mut s = spec();
        if suites {
            s.suites = vec![
                suite("unit", "^unit"),
                SuiteSpec {
                    policy: if informational { SuitePolicy::Informational } else { SuitePolicy::Required },
                    ..suite("docs", "^docs")
                },
            ];
            if count {
                s.suites[0].expect = Some(Expect { jobs: None, count: Some(2) });
            }
        }
        s
    })
}

fn is_true(e: &Evaluation) -> bool {
    passed(e).starts_with("True/")
}

/// What holds of any evaluation.
fn sound(s: &TestRunReportSpec, f: &Facts, e: &Evaluation) {
    let get = |k: ConditionType| condition(e, k).split('/').next().unwrap().to_owned();
    assert_eq!(e.status.conditions.len(), ConditionType::ALL.len() - 1);
    assert!(e.status.conditions.iter().all(|c| c.observed_generation == Some(1)));
    assert!(!(get(ConditionType::Reconciling) == "True" && get(ConditionType::Stalled) == "True"));
    if get(ConditionType::Ready) == "True" {
        assert_eq!(get(ConditionType::Passed), "True");
    }
    if get(ConditionType::Stalled) == "True" {
        assert_eq!(get(ConditionType::Complete), "True");
    }
    if is_true(e) {
        assert!(f.confirmed && message(e).contains(SHA) && get(ConditionType::Complete) == "True");
        assert!(f.runs.iter().all(|r| r.status == "completed"));
        // Every latest job of a required suite succeeded.
        for suite in e.status.suites.iter().filter(|s| s.policy != "Informational") {
            assert!(suite.jobs.iter().all(|j| j.state == "Succeeded"), "{suite:?}");
        }
        assert!(!e.status.suites.is_empty());
    }
    let _ = s;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn passed_only_when_everything_required_succeeded(s in any_spec(), f in any_facts()) {
        sound(&s, &f, &eval(&s, &f));
    }

    #[test]
    fn adding_a_red_missing_or_unknown_job_never_turns_a_verdict_to_passed(
        s in any_spec(), f in any_facts(), bad in prop::sample::select(vec!["failure", "cancelled", "skipped", "neutral", "odd", "in_progress", "waiting", ""]), name in 0..NAMES.len(), at_run in 0..5_usize,
    ) {
        let before = eval(&s, &f);
        let mut with = f.clone();
        let run = with.runs.len().checked_sub(1).map(|n| at_run.min(n));
        // A run without jobs is undecided because nothing explains it; what explains it may be a job of no weight.
        let weightless = |s: &SuiteSpec| s.policy == SuitePolicy::Informational && NAMES[name].starts_with(&s.name);
        let explains = |r: &usize| f.runs[*r].jobs.is_empty() && s.suites.iter().any(weightless);
        if let Some(r) = run.filter(|r| !explains(r)) {
            let new = Job { started_at: Some(at(70)), attempt: 9, ..job(99_999, NAMES[name], bad) };
            with.runs[r].jobs.push(new);
            with.runs[r].jobs_total += 1;
            prop_assert!(is_true(&before) || !is_true(&eval(&s, &with)), "a {} {}", bad, NAMES[name]);
        }
        let mut with = f.clone();
        with.checks.push(Check { id: 99_999, at: Some(at(99)), ..check("fresh", bad) });
        prop_assert!(is_true(&before) || !is_true(&eval(&s, &with)));
        let mut with = f.clone();
        with.expectations.required.push(RequiredCheck { name: "never there".into(), app_id: None });
        prop_assert!(!is_true(&eval(&s, &with)));
    }

    #[test]
    fn a_red_job_in_a_run_of_its_own_never_passes(s in any_spec(), f in any_facts(), bad in prop::sample::select(vec!["failure", "cancelled", "skipped", "neutral", "odd", "in_progress"])) {
        let mut with = f.clone();
        let mut own = run(5000, vec![job(99_999, "only here", bad)]);
        own.workflow_id = 4711;
        own.path = ".github/workflows/own.yml".into();
        with.runs.push(own);
        prop_assert!(!is_true(&eval(&s, &with)));
    }

    #[test]
    fn the_order_of_facts_decides_nothing(s in any_spec(), f in any_facts(), seed in any::<u64>()) {
        let mut other = f.clone();
        let mix = |n: usize, i: usize| (seed as usize).wrapping_mul(31).wrapping_add(i * 17) % n.max(1);
        for r in &mut other.runs {
            let n = r.jobs.len();
            for i in 0..n { r.jobs.swap(i, mix(n, i)); }
        }
        let n = other.runs.len();
        for i in 0..n { other.runs.swap(i, mix(n, i)); }
        other.checks.reverse();
        other.expectations.required.reverse();
        prop_assert_eq!(eval(&s, &f), eval(&s, &other));
    }

    #[test]
    fn evaluating_again_changes_nothing(s in any_spec(), f in any_facts(), later in 0..5000_i64) {
        let first = eval(&s, &f);
        let context = Context { now: at(1000 + later), ..context(Some(&first.status)) };
        let again = evaluate(&s, &Observations::Facts(Box::new(f)), &context);
        prop_assert_eq!(first.status, again.status);
    }

    #[test]
    fn times_move_only_with_the_status(s in any_spec(), f in any_facts(), g in any_facts()) {
        let first = eval(&s, &f);
        let context = Context { now: at(2000), ..context(Some(&first.status)) };
        let second = evaluate(&s, &Observations::Facts(Box::new(g)), &context);
        for (a, b) in first.status.conditions.iter().zip(&second.status.conditions) {
            prop_assert_eq!(&a.type_, &b.type_);
            let moved = a.last_transition_time != b.last_transition_time;
            prop_assert_eq!(moved, a.status != b.status, "{} {} {}", a.type_, a.status, b.status);
        }
    }

    #[test]
    fn what_is_kept_decides_as_all_of_it_did(s in any_spec(), mut f in any_facts(), t in any_spec()) {
        for (n, job) in f.runs.iter_mut().flat_map(|r| &mut r.jobs).enumerate().filter(|(n, _)| n % 3 == 0) {
            job.steps = vec![Step { number: 1, name: "s".into(), status: "completed".into(), conclusion: job.conclusion.clone() }];
            job.annotations = vec![Annotation { level: "failure".into(), message: "The operation was canceled.".into(), ..Default::default() }];
            let failed = i64::from(n % 2 == 0);
            let tests = TestTotals { total: 4, passed: 4 - failed, failed, ..Default::default() };
            job.evidence = Some(Evidence { tests: Some(tests), signature: Some("x".into()), ..Default::default() });
        }
        let first = eval(&s, &f);
        let kept = dry_run::Kept::of(&s, &f, &first.status).unwrap();
        let kept = dry_run::Kept::read(serde_json::to_value(&kept).unwrap()).unwrap();
        let word = |e: &Evaluation| match passed(e).split('/').next() { Some("True") => "passed", Some("False") => "failed", _ => "unknown" };
        // As it was read, by the same spec and by another one.
        prop_assert_eq!(kept.would(&s, f.read_at).verdict, word(&after(&s, &f, &first.status)));
        let other = kept.would(&t, f.read_at);
        if other.reason != "NotKept" {
            prop_assert_eq!(&other.verdict, word(&after(&t, &f, &first.status)));
        }
        // Later it says no more than the gate would of the same facts.
        let mut late = f.clone();
        late.read_at = at(10_000_000);
        prop_assert!(kept.would(&s, late.read_at).verdict != "passed" || is_true(&eval(&s, &late)));
    }

    #[test]
    fn trouble_never_upgrades(s in any_spec(), f in any_facts(), reason in prop::sample::select(vec![Reason::GitHubUnavailable, Reason::RateLimited, Reason::NotFound, Reason::Unauthorized])) {
        let first = eval(&s, &f);
        let trouble = Observations::Trouble(Trouble { reason, message: "m".into(), retry_at: None });
        let e = evaluate(&s, &trouble, &context(Some(&first.status)));
        prop_assert!(is_true(&first) || !is_true(&e));
        let none = evaluate(&s, &trouble, &context(None));
        prop_assert!(!is_true(&none));
    }
}
