//! docs/evidence.md says of the evidence engine what the code says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::generated::{assert_section, in_repository};

/// The variants of an enum with what their rustdoc says.
fn variants(file: &str, name: &str) -> Vec<(String, String)> {
    let source = std::fs::read_to_string(in_repository(file)).unwrap();
    let start = source.find(&format!("pub enum {name} {{")).unwrap_or_else(|| panic!("{file} has no {name}"));
    let body = &source[start..];
    let body = &body[..body.find("\n}").unwrap()];
    let mut all = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for line in body.lines().skip(1).map(str::trim) {
        match line.strip_prefix("///") {
            Some(text) => said.push(text.trim()),
            None if line.starts_with('#') => {}
            None => all.push((line.trim_end_matches(',').to_owned(), std::mem::take(&mut said).join(" "))),
        }
    }
    assert!(all.len() > 3, "{file}: {name}");
    all
}

/// A table of names and what they mean.
fn table(head: &str, rows: &[(String, String)]) -> String {
    let rows = rows.iter().map(|(name, said)| format!("| `{name}` | {said} |\n"));
    format!("| {head} | |\n|---|---|\n{}", rows.collect::<String>())
}

// One test, since each section is written into the same page.
#[test]
fn the_tables_of_the_page_are_those_of_the_code() {
    let formats: Vec<(String, String)> = variants("src/evidence/parse/format.rs", "Format")
        .into_iter()
        .filter(|(name, _)| name != "Unknown")
        .map(|(name, said)| {
            let format: testrun_operator::evidence::parse::Format =
                serde_json::from_value(serde_json::Value::String(kebab(&name))).unwrap();
            (format.name().to_owned(), said)
        })
        .collect();
    assert_section("docs/evidence.md", "formats", &table("format", &formats));
    let causes = variants("src/evidence/explain/mod.rs", "CauseKind");
    assert_section("docs/evidence.md", "causes", &table("cause", &causes));
    let findings = variants("src/evidence/bundle/finding.rs", "Kind");
    assert_section("docs/evidence.md", "findings", &table("finding", &findings));
    let rows = testrun_operator::verdict::thresholds::table();
    let rows: Vec<String> = rows.iter().map(|(what, number)| format!("| {what} | {number} |\n")).collect();
    assert_section(
        "docs/evidence.md",
        "thresholds",
        &format!("| what | percent |\n|---|---|\n{}", rows.concat()),
    );
}

/// `GoTestJson` as it is written in output.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
