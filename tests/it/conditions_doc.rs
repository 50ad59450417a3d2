//! docs/conditions.md says of conditions what the code says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use testrun_operator::api::{ConditionType, Reason, TestRunReport};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    std::fs::read_to_string(root().join("docs/conditions.md")).unwrap()
}

/// Text between a heading and the next one of any level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let start = document.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let text = &document[start + heading.len() + 2..];
    text.find("\n#").map_or(text, |end| &text[..end])
}

/// Names in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What the rustdoc of each type says.
fn types() -> BTreeMap<String, String> {
    let source = std::fs::read_to_string(root().join("src/api/conditions.rs")).unwrap();
    let body = &source[source.find("pub enum ConditionType {").unwrap()..];
    let body = &body[..body.find("\n}").unwrap()];
    let mut all = BTreeMap::new();
    let mut said = Vec::new();
    for line in body.lines().skip(1).map(str::trim) {
        match line.strip_prefix("///") {
            Some(text) => said.push(text.trim()),
            None => {
                drop(all.insert(line.trim_end_matches(',').to_owned(), std::mem::take(&mut said).join(" ")))
            }
        }
    }
    all
}

/// Reasons by type and status.
fn table() -> BTreeSet<(String, String, String)> {
    let document = document();
    let mut all = BTreeSet::new();
    for kind in ConditionType::ALL {
        let section = section(&document, &format!("### {}", kind.as_str()));
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let names = quoted(row);
            for reason in &names[1..] {
                if *reason != "Passed" {
                    all.insert((kind.as_str().to_owned(), names[0].to_owned(), (*reason).to_owned()));
                }
            }
        }
    }
    all
}

#[test]
fn every_type_is_documented_with_the_text_of_the_code() {
    let (document, types) = (document(), types());
    assert_eq!(types.len(), ConditionType::ALL.len());
    for kind in ConditionType::ALL {
        let text = section(&document, &format!("### {}", kind.as_str()));
        let said = &types[kind.as_str()];
        assert!(
            text.trim_start().starts_with(said.as_str()),
            "{}: {said:?} is not in {text:?}",
            kind.as_str()
        );
    }
    let headings = document.lines().filter(|line| line.starts_with("### ")).count();
    assert_eq!(headings, ConditionType::ALL.len(), "a heading that is no type");
}

#[test]
fn every_reason_is_documented_with_the_text_of_the_code() {
    let document = document();
    let rows: Vec<&str> =
        section(&document, "## Reasons").lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<String> = Reason::ALL
        .iter()
        .map(|(reason, text)| format!("| `{}` | {} |", reason.as_str(), text.trim()))
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn every_reason_belongs_to_a_type_and_every_name_is_a_reason() {
    let known: BTreeSet<&str> = Reason::ALL.iter().map(|(reason, _)| reason.as_str()).collect();
    let table = table();
    let used: BTreeSet<&str> = table.iter().map(|(_, _, reason)| reason.as_str()).collect();
    assert_eq!(used, known);
    for (kind, status, _) in &table {
        assert!(["True", "False", "Unknown"].contains(&status.as_str()), "{kind}: {status}");
    }
}

#[test]
fn conditions_of_the_states_are_documented() {
    let table = table();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gating/states");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let report: TestRunReport = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for condition in report.status.unwrap().conditions {
            seen += 1;
            let triple = (condition.type_, condition.status, condition.reason);
            assert!(table.contains(&triple), "{}: {triple:?} is not in docs/conditions.md", path.display());
        }
    }
    assert!(seen > 100, "{seen} conditions");
}
