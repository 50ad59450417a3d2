//! What the base branch's last runs say of the risk of a failure. They never change the verdict.

use super::*;

fn past(passed: u32, failed: u32) -> Option<Past> {
    Some(Past { branch: "main".into(), passed, failed })
}

fn red(pasts: &[Option<Past>]) -> Facts {
    let all = pasts
        .iter()
        .enumerate()
        .map(|(n, past)| Job { past: past.clone(), ..job(100 + n as i64, &format!("job {n}"), "failure") });
    facts(vec![run(7, all.collect())])
}

#[test]
fn the_risk_of_a_failure_is_less_where_it_is_red_on_the_base_branch_as_well() {
    for (what, pasts, risk, because) in [
        ("nothing is known", vec![None], "High", "no history"),
        ("it mostly passes", vec![past(7, 1)], "High", "mostly passes"),
        ("it is often red", vec![past(3, 5)], "Medium", "often is"),
        ("it is half red", vec![past(4, 4)], "Medium", "often is"),
        ("too few runs", vec![past(0, 3)], "High", "no history"),
        ("one of two mostly passes", vec![past(1, 7), past(8, 0)], "High", "mostly passes"),
        ("of one of two nothing is known", vec![past(1, 7), None], "High", "no history"),
    ] {
        let with = eval(&spec(), &red(&pasts)).status;
        let assessment = with.assessment.clone().unwrap();
        assert_eq!(assessment.risk, risk, "{what}: {:?}", assessment.rationale);
        assert!(assessment.rationale.last().unwrap().contains(because), "{what}: {:?}", assessment.rationale);
        let without = eval(&spec(), &red(&vec![None; pasts.len()])).status;
        assert_eq!(with.conditions, without.conditions, "{what}: the verdict is the same");
    }
    let told = eval(&spec(), &red(&[past(7, 1)])).status.assessment.unwrap().rationale;
    assert!(told.contains(&"job 0: passed in 7 of its last 8 runs on main".to_owned()), "{told:?}");
}

#[test]
fn what_waits_beside_a_job_that_is_often_red_keeps_the_risk_high() {
    let mut seen = red(&[past(1, 7)]);
    seen.expectations.required = vec![RequiredCheck { name: "legal".into(), app_id: None }];
    seen.checks = vec![check("legal", "failure")];
    let assessment = eval(&spec(), &seen).status.assessment.unwrap();
    assert_eq!(assessment.risk, "High", "{:?}", assessment.rationale);
}
