//! What merge tooling makes of a report: the tests in `tests/gating`, which run the tools' own code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use testrun_operator::api::{ConditionType, Reason};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gating")
}

#[test]
fn tools_say_what_is_expected_of_every_state() {
    // The examples are outside of the Go module, so that Go's cache does not see their changes.
    let run = Command::new("go").args(["test", "-count=1", "./..."]).current_dir(folder()).output();
    let run = match run {
        Ok(run) => run,
        Err(error) => panic!(
            "cannot run go: {error}; install Go 1.26 or later and put it on PATH: \
             tests/gating runs the code of kstatus, Flux and Argo CD"
        ),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "go test failed:\n{}{}", text(&run.stdout), text(&run.stderr));
}

/// Conditions of the states are written by hand: they use no type and no reason that the operator
/// does not have.
#[test]
fn states_use_the_types_and_reasons_of_the_operator() {
    let types: BTreeSet<&str> = ConditionType::ALL.iter().map(|kind| kind.as_str()).collect();
    let reasons: BTreeSet<&str> = Reason::ALL.iter().map(|(reason, _)| reason.as_str()).collect();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder().join("states")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let report: testrun_operator::api::TestRunReport = serde_saphyr::from_str(&text).unwrap();
        for condition in report.status.unwrap().conditions {
            seen += 1;
            assert!(types.contains(condition.type_.as_str()), "{}: {}", path.display(), condition.type_);
            assert!(reasons.contains(condition.reason.as_str()), "{}: {}", path.display(), condition.reason);
        }
    }
    assert!(seen > 100, "{seen} conditions");
}
