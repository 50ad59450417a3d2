//! What another spec would have said of what was kept.

use super::*;
use crate::api::publish::{PublishSpec, PublishStatus};
use crate::api::spec::{ArtifactsSpec, Waiver};
use crate::api::status::{FailingTest, RunStatus, TestTotals};
use crate::verdict::dry_run::{Kept, Would};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// As the store has it.
fn kept(spec: &TestRunReportSpec, facts: &Facts) -> Kept {
    let status = eval(spec, facts).status;
    let value = serde_json::to_value(Kept::of(spec, facts, &status).unwrap()).unwrap();
    Kept::read(value).unwrap()
}

fn tried(facts: &Facts, changed: &TestRunReportSpec) -> String {
    told(&kept(&spec(), facts).would(changed, at(100_000)))
}

fn told(would: &Would) -> String {
    format!("{}/{}", would.verdict, would.reason)
}

#[test]
fn a_gate_is_tightened_on_what_was_seen() {
    let seen = jobs(&[("unit", "success"), ("lint", "failure")]);
    assert_eq!(tried(&seen, &spec()), "failed/RequiredFailed");
    let mut loose = spec();
    loose.suites = vec![
        suite("unit", "^unit"),
        SuiteSpec { policy: SuitePolicy::Informational, ..suite("lint", "^lint") },
    ];
    assert_eq!(tried(&seen, &loose), "passed/AllRequiredSucceeded");
    // What has not come by now is missing.
    let mut tight = loose.clone();
    tight.suites[0].expect = Some(Expect { jobs: Some(vec!["unit".into(), "e2e".into()]), count: None });
    assert_eq!(tried(&seen, &tight), "failed/Incomplete");
    // What would be asked for again is the result that it was.
    let again = TestRunReportSpec {
        rerun: serde_json::from_value(serde_json::json!({"maxAttempts": 3})).unwrap(),
        ..spec()
    };
    assert_eq!(tried(&seen, &again), "failed/RequiredFailed");
    let waived = |end: i64| Waiver {
        job: Some("lint".into()),
        reason: "r".into(),
        approver: "a".into(),
        expires_at: Time(at(end)),
        test: None,
        workflow: None,
        ticket: None,
    };
    let lasting = TestRunReportSpec { waivers: vec![waived(200_000)], ..spec() };
    assert_eq!(tried(&seen, &lasting), "passed/AllRequiredSucceeded");
    let over = TestRunReportSpec { waivers: vec![waived(50_000)], ..spec() };
    assert_eq!(tried(&seen, &over), "failed/RequiredFailed", "a waiver that has ended excuses nothing");
}

#[test]
fn what_was_not_read_is_not_known() {
    let green = jobs(&[("unit", "success")]);
    let mut narrow = spec();
    narrow.suites = vec![suite("unit", "^unit")];
    let of_narrow = kept(&narrow, &green);
    assert_eq!(told(&of_narrow.would(&narrow, at(100_000))), "passed/AllRequiredSucceeded");
    // Without suites commit statuses count, and nobody read them.
    assert_eq!(told(&of_narrow.would(&spec(), at(100_000))), "unknown/NotKept");
    let with_check =
        TestRunReportSpec { checks: vec![CheckSpec { name: "cov".into(), app: None }], ..narrow };
    assert_eq!(told(&of_narrow.would(&with_check, at(100_000))), "unknown/NotKept");
    let artifacts = TestRunReportSpec { artifacts: Some(ArtifactsSpec::default()), ..spec() };
    assert_eq!(tried(&green, &artifacts), "unknown/NotKept");
    let mut elsewhere = spec();
    elsewhere.source.github.repository = "acme/other".into();
    assert_eq!(tried(&green, &elsewhere), "unknown/NotKept");
    elsewhere = spec();
    elsewhere.source.github.connection = "ghes".into();
    assert_eq!(tried(&green, &elsewhere), "unknown/NotKept");
    let mut running = jobs(&[("unit", "success"), ("e2e", "in_progress")]);
    assert_eq!(tried(&running, &spec()), "unknown/Running", "however long ago that was");
    running.partial = true;
    assert_eq!(Kept::of(&spec(), &running, &eval(&spec(), &running).status), None);
    let mut unread = jobs(&[("unit", "success")]);
    unread.gaps = vec![Gap { kind: GapKind::Baseline, message: "no".into() }];
    assert_eq!(tried(&unread, &spec()), "unknown/Undecidable");
    unread = jobs(&[("unit", "success")]);
    unread.confirmed = false;
    assert_eq!(tried(&unread, &spec()), "unknown/Settling");
}

#[test]
fn a_run_that_was_seen_and_deleted_still_keeps_it_from_passing() {
    let green = jobs(&[("unit", "success")]);
    let mut before = eval(&spec(), &green).status;
    let source = before.source.as_mut().unwrap();
    source.runs.push(RunStatus {
        id: 9,
        attempt: 1,
        workflow: "CI".into(),
        event: "push".into(),
        ..Default::default()
    });
    let status = after(&spec(), &green, &before).status;
    let kept = Kept::of(&spec(), &green, &status).unwrap();
    assert_eq!(told(&kept.would(&spec(), at(100_000))), "unknown/Undecidable");
}

#[test]
fn what_the_report_published_is_not_a_result() {
    let mut seen = jobs(&[("unit", "success")]);
    seen.checks =
        vec![Check { kind: CheckKind::Status, app: None, app_id: None, ..check("testrun/gate", "failure") }];
    let context = "testrun/gate".to_owned();
    let status = Some(PublishStatus { context });
    let publishing =
        TestRunReportSpec { publish: Some(PublishSpec { status, ..Default::default() }), ..spec() };
    let own = kept(&publishing, &seen);
    assert_eq!(told(&own.would(&spec(), at(100_000))), "passed/AllRequiredSucceeded");
    // The same name from somebody else is.
    assert_eq!(tried(&seen, &spec()), "failed/RequiredFailed");
}

#[test]
fn what_another_version_kept_is_not_guessed_at() {
    let mut value = serde_json::to_value(kept(&spec(), &jobs(&[("unit", "success")]))).unwrap();
    value["format"] = 2.into();
    assert_eq!(Kept::read(value.clone()).unwrap_err().verdict, "unknown");
    value["format"] = 3.into();
    value["facts"]["runs"][0]["jobs"][0]["annotations_unread"].take();
    assert_eq!(Kept::read(value).unwrap_err().verdict, "unknown");
    assert_eq!(Kept::read(serde_json::Value::Null).unwrap_err().verdict, "unknown");
}

/// Whoever changes these changes what was kept by others: raise `FORMAT` then.
#[test]
fn the_format_is_that_of_its_number() {
    let mut full = jobs(&[("unit", "failure")]);
    let job = &mut full.runs[0].jobs[0];
    job.steps = vec![Step { conclusion: Some("failure".into()), ..Default::default() }];
    job.annotations = vec![Annotation {
        level: "failure".into(),
        message: "lost communication".into(),
        ..Default::default()
    }];
    job.evidence = Some(Evidence {
        tests: Some(TestTotals::default()),
        failing: vec![FailingTest { name: "t".into(), ..Default::default() }],
        ..Default::default()
    });
    full.checks = vec![check("cov", "success")];
    full.expectations.baseline = green_base(&["unit"]);
    full.expectations.required = vec![RequiredCheck { name: "unit".into(), app_id: None }];
    full.expectations.required_workflows = vec![RequiredWorkflow::default()];
    full.gaps = vec![Gap { kind: GapKind::Baseline, message: "no".into() }];
    let value = serde_json::to_value(kept(&spec(), &full)).unwrap();
    let mut names = std::collections::BTreeSet::new();
    fn walk(value: &serde_json::Value, at: &str, names: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (name, value) in map {
                    walk(value, &format!("{at}.{name}"), names);
                }
            }
            serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, &format!("{at}[]"), names)),
            _ => drop(names.insert(at.to_owned())),
        }
    }
    walk(&value, "", &mut names);
    use sha2::{Digest, Sha256};
    let all: Vec<String> = names.into_iter().collect();
    let hash = Sha256::digest(all.join("\n"));
    let hash: String = hash.iter().take(4).map(|b| format!("{b:02x}")).collect();
    assert_eq!((value["format"].as_i64(), hash.as_str()), (Some(3), "27dc6ffd"), "{all:#?}");
}
