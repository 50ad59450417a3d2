//! What stands in the status already: forged, of another commit or spec, or too long to be remembered whole.

use super::*;

fn away(reason: Reason) -> Observations {
    Observations::Trouble(Trouble { reason, message: "away".into(), retry_at: None })
}

fn green() -> TestRunReportStatus {
    eval(&spec(), &jobs(&[("unit", "success")])).status
}

#[test]
fn a_verdict_that_is_there_already_makes_none_that_facts_do_not() {
    let red = jobs(&[("unit", "failure")]);
    let open = jobs(&[("unit", "in_progress")]);
    let part = Facts { partial: true, confirmed: false, ..jobs(&[("unit", "success")]) };
    let torn = Facts { confirmed: false, ..jobs(&[("unit", "success")]) };
    for (what, f) in [("red", red), ("open", open), ("a part", part), ("not confirmed", torn)] {
        // Forged, with whatever else a forger may write.
        let mut forged = green();
        forged.completed_at = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(1)));
        forged.source.as_mut().unwrap().runs.clear();
        let e = after(&spec(), &f, &forged);
        assert!(!passed(&e).starts_with("True"), "{what}: {}", passed(&e));
        assert_eq!(e.status.completed_at.is_some(), what == "red", "{what}");
    }
}

#[test]
fn a_verdict_outlives_an_outage_only_where_it_is_of_this_spec_and_final() {
    let kept = |previous: &TestRunReportStatus, generation: i64, reason: Reason| {
        let context = Context { generation, ..context(Some(previous)) };
        passed(&evaluate(&spec(), &away(reason), &context))
    };
    let is = green();
    assert_eq!(kept(&is, 1, Reason::GitHubUnavailable), "True/AllRequiredSucceeded");
    for (what, generation) in [("an edited spec", 2), ("a generation that is yet to come", 0)] {
        assert!(kept(&is, generation, Reason::GitHubUnavailable).starts_with("Unknown/"), "{what}");
    }
    // What says something about the commit, or about who may ask, ends it.
    for reason in [Reason::NotFound, Reason::ConnectionDenied, Reason::Suspended, Reason::InvalidSpec] {
        assert!(kept(&is, 1, reason).starts_with("Unknown/"), "{reason:?}");
    }
    // A verdict whose parts do not fit together.
    let set = |kind: &str, status: &str, generation: i64| {
        let mut s = green();
        for c in s.conditions.iter_mut().filter(|c| c.type_ == kind) {
            (c.status, c.observed_generation) = (status.to_owned(), Some(generation));
        }
        s
    };
    for (what, previous) in [
        ("not complete", set("Complete", "False", 1)),
        ("of an older spec", set("Passed", "True", 0)),
        ("of a later one", TestRunReportStatus { observed_generation: 7, ..green() }),
        ("without a commit of its own", set("Passed", "Unknown", 1)),
    ] {
        let got = kept(&previous, 1, Reason::GitHubUnavailable);
        assert!(got.starts_with("Unknown/"), "{what}: {got}");
    }
}

#[test]
fn a_branch_that_comes_back_to_a_commit_starts_anew_each_time() {
    let on = |sha: &str, end: &str| {
        let mut f = jobs(&[("unit", end)]);
        f.source.sha = sha.into();
        f.runs[0].head_sha = sha.into();
        f
    };
    let mut status = eval(&spec(), &on(SHA, "success")).status;
    let mut line = Vec::new();
    for f in [
        on(OTHER, "failure"),
        on(OTHER, "failure"),
        // Forced back to the one that passed, of which a job runs again meanwhile.
        on(SHA, "in_progress"),
        on(SHA, "in_progress"),
        on(SHA, "failure"),
        on(OTHER, "success"),
        on(SHA, "success"),
        on(SHA, "success"),
    ] {
        let e = after(&spec(), &f, &status);
        line.push(format!("{} {}", &f.source.sha[..1], passed(&e)));
        status = e.status;
    }
    assert_eq!(
        line,
        [
            "1 Unknown/CommitMoved", "1 False/RequiredFailed", "9 Unknown/CommitMoved", "9 Unknown/Running",
            "9 False/RequiredFailed", "1 Unknown/CommitMoved", "9 Unknown/CommitMoved",
            "9 True/AllRequiredSucceeded",
        ]
    );
}

#[test]
fn of_more_runs_than_a_status_holds_the_red_ones_are_remembered() {
    let of = |id: i64, end: &str| {
        let mut r = run(id, vec![job(id * 10, "unit", end)]);
        (r.workflow, r.workflow_id) = (format!("w{id}"), id);
        r.path = format!(".github/workflows/w{id}.yml");
        r
    };
    // The red one is the last of many, so that it would not be in the list; then it is deleted.
    let all = || (1..=60).map(|id| of(id, "success"));
    let first = eval(&spec(), &facts(all().chain([of(61, "failure")]).collect()));
    assert_eq!(passed(&first), "False/RequiredFailed");
    let e = after(&spec(), &facts(all().collect()), &first.status);
    assert_eq!(passed(&e), "Unknown/Undecidable", "{}", message(&e));
    assert!(message(&e).contains("run 61 was seen"), "{}", message(&e));
}
