//! docs/reliability.md and docs/security.md name tests that exist.

use crate::generated::in_repository;

#[test]
fn every_test_that_the_pages_name_exists() {
    let read = |page: &str| std::fs::read_to_string(in_repository(page)).unwrap();
    let pages = [read("docs/reliability.md"), read("docs/security.md")].concat();
    let rows = pages.lines().filter(|l| l.starts_with("| "));
    let mut count = 0;
    for name in rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|n| !n.contains(' ')) {
        count += 1;
        if name.starts_with("src/") {
            assert!(in_repository(name).is_file(), "{name} is not there");
        } else if let Some((module, test)) = name.rsplit_once("::") {
            let path = module.replace("::", "/");
            let file = in_repository(&format!("tests/it/{path}.rs"));
            let file = if file.is_file() { file } else { in_repository(&format!("tests/it/{path}/mod.rs")) };
            let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            assert!(text.contains(&format!("fn {test}(")), "{} has no test {test}", file.display());
        }
    }
    assert!(count > 40, "{count} tests");
}
