//! Replicas whose clocks differ take turns: what they write, one after the other.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::spec::Waiver;

/// `Passed` after each look, where a clock that is ahead, one that is right and one that is behind take turns
/// every 10 seconds.
fn turns(spec: &TestRunReportSpec, facts: impl Fn(i64) -> Facts, from: i64, to: i64) -> Vec<(i64, String)> {
    let mut previous = None;
    let mut line = Vec::new();
    for (second, skew) in (from..to).step_by(10).zip([3600, 0, -3600].into_iter().cycle()) {
        let facts = Facts { read_at: at(second), ..facts(second) };
        let context = Context { now: at(second + skew), ..context(previous.as_ref()) };
        let e = evaluate(spec, &Observations::Facts(Box::new(facts)), &context);
        let is = passed(&e).split('/').next().unwrap().to_owned();
        if line.last().is_none_or(|(_, last)| *last != is) {
            line.push((second, is));
        }
        previous = Some(e.status);
    }
    line
}

#[test]
fn settling_and_deadlines_are_told_by_githubs_clock_alone() {
    // Ends at second 100 and settles by GitHub's clock.
    let green = |now: i64| jobs(&[("unit", if now < 100 { "in_progress" } else { "success" })]);
    let line = turns(&spec(), green, 0, 1000);
    let words: Vec<&str> = line.iter().map(|(_, w)| w.as_str()).collect();
    assert_eq!(words, ["Unknown", "True"], "{line:?}");
    assert!(line[1].0 >= 100 + DEFAULT_SETTLE_SECONDS, "{line:?}");
    let expected = |_| {
        let mut f = jobs(&[("build", "success")]);
        f.expectations.baseline = green_base(&["build", "unit"]);
        f
    };
    let line = turns(&spec(), expected, 0, 30_000);
    let words: Vec<&str> = line.iter().map(|(_, w)| w.as_str()).collect();
    assert_eq!(words, ["Unknown", "False"], "{line:?}");
    assert!(line[1].0 >= DEFAULT_DEADLINE_SECONDS, "{line:?}");
}

#[test]
fn a_waiver_is_not_given_back_by_a_clock_that_is_behind() {
    let mut s = spec();
    s.waivers = vec![Waiver {
        job: Some("unit".into()),
        test: None,
        workflow: None,
        reason: "known".into(),
        approver: "ann".into(),
        ticket: None,
        expires_at: Time(at(6000)),
    }];
    let red = |_| jobs(&[("build", "success"), ("unit", "failure")]);
    let line = turns(&s, red, 5000, 20_000);
    // By the clock that is ahead it ends early; at its own time it has ended for all of them.
    assert!(line.iter().all(|(second, is)| *second < 6000 || is != "True"), "{line:?}");
    assert_eq!(line.last().unwrap().1, "False", "{line:?}");
}
