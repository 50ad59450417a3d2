//! The states that tools are tested with (tests/gating/states) are what the operator really says.

use super::*;
use crate::api::TestRunReport;
use crate::api::spec::GateMode;

/// Phase, and type, status and reason of all conditions.
fn said(status: &TestRunReportStatus) -> (String, Vec<[String; 3]>) {
    let of = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        [c.type_.clone(), c.status.clone(), c.reason.clone()]
    };
    (status.phase.clone(), status.conditions.iter().map(of).collect())
}

fn trouble(reason: Reason) -> Observations {
    Observations::Trouble(Trouble { reason, message: "text".into(), retry_at: None })
}

/// What the operator says in a state of this name.
fn status(name: &str) -> TestRunReportStatus {
    let report_mode =
        TestRunReportSpec { gate: Some(GateSpec { mode: GateMode::Report, ..Default::default() }), ..spec() };
    let green = jobs(&[("unit", "success")]);
    let passed = || eval(&spec(), &green).status;
    let at_generation_2 = |spec: &TestRunReportSpec| {
        let before = passed();
        let context = Context { generation: 2, ..context(Some(&before)) };
        evaluate(spec, &Observations::Facts(Box::new(green.clone())), &context).status
    };
    match name {
        "commit-moved" => {
            let mut f = jobs(&[("unit", "in_progress")]);
            f.source.sha = OTHER.into();
            f.runs[0].head_sha = OTHER.into();
            after(&spec(), &f, &passed()).status
        }
        "final-red" => eval(&spec(), &jobs(&[("unit", "failure"), ("e2e", "success")])).status,
        "github-away-final-green" => {
            let before = passed();
            evaluate(&spec(), &trouble(Reason::GitHubUnavailable), &context(Some(&before))).status
        }
        "github-away-undecided" => {
            evaluate(&spec(), &trouble(Reason::GitHubUnavailable), &context(None)).status
        }
        "unauthorized" => evaluate(&spec(), &trouble(Reason::Unauthorized), &context(None)).status,
        "incomplete-at-deadline" => {
            let mut f = green;
            f.expectations.baseline = green_base(&["unit", "e2e"]);
            f.read_at = at(30_000);
            eval(&spec(), &f).status
        }
        "invalid-spec" => {
            let mut s = spec();
            s.source.github.branch = Some("main".into());
            eval(&s, &green).status
        }
        "never-reconciled" => {
            let crd: serde_json::Value = serde_saphyr::from_str(&crate::api::crd_yaml().unwrap()).unwrap();
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            serde_json::from_value(schema["properties"]["status"]["default"].clone()).unwrap()
        }
        "passed" | "passed-being-deleted" | "passed-old-generation" => passed(),
        "pending" => eval(&spec(), &facts(vec![])).status,
        "red-while-running" => eval(&spec(), &jobs(&[("unit", "failure"), ("e2e", "in_progress")])).status,
        "report-mode-complete-red" => eval(&report_mode, &jobs(&[("unit", "failure")])).status,
        "report-mode-running" => eval(&report_mode, &jobs(&[("unit", "in_progress")])).status,
        "running" => eval(&spec(), &jobs(&[("unit", "in_progress")])).status,
        "settling" => {
            let mut f = green;
            f.read_at = at(101);
            eval(&spec(), &f).status
        }
        "suspended" => at_generation_2(&TestRunReportSpec { suspend: true, ..spec() }),
        other => panic!("how does a report come into the state {other}?"),
    }
}

#[test]
fn tools_are_tested_with_what_the_operator_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gating/states");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let report: TestRunReport = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (file, real) = (said(&report.status.unwrap()), said(&status(&name)));
        if file != real {
            wrong.push(format!("{name}: the file has {file:?}\n the operator says {real:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
