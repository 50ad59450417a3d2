//! docs/dependencies.md names every dependency, and none that is gone.

use std::collections::BTreeSet;

use crate::generated::in_repository;

#[test]
fn every_dependency_has_its_reason() {
    let manifest = std::fs::read_to_string(in_repository("Cargo.toml")).unwrap();
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names: BTreeSet<&str> = section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let page = std::fs::read_to_string(in_repository("docs/dependencies.md")).unwrap();
    let row = |line: &'_ str| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned());
    let told: Vec<String> = page.lines().filter_map(row).collect();
    assert_eq!(told, names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
}
