//! What is told of a report in every state: input of the tests in tests/gating, where tools read it.

use serde_json::json;
use testrun_operator::api::TestRunReport;
use testrun_operator::serve::Verdict;

use super::SHA;
use crate::generated::{assert_file, in_repository};

#[test]
fn the_answers_about_all_states_are_those_that_tools_are_tested_with() {
    let mut count = 0;
    for entry in std::fs::read_dir(in_repository("tests/gating/states")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let report: TestRunReport = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let verdict = Verdict::of(&report, None, Some(SHA));
        let told = json!({"gate": verdict.code().as_u16(), "body": verdict});
        let text = serde_json::to_string_pretty(&told).unwrap() + "\n";
        assert_file(&format!("tests/gating/verdicts/{name}.json"), &text);
        count += 1;
    }
    let told = std::fs::read_dir(in_repository("tests/gating/verdicts")).unwrap().count();
    assert_eq!(told, count, "an answer about a state that is not there");
}
