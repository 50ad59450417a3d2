//! docs/reliability.md names tests that exist.

use crate::generated::in_repository;

#[test]
fn every_test_that_the_page_names_exists() {
    let page = std::fs::read_to_string(in_repository("docs/reliability.md")).unwrap();
    let rows = page.lines().filter(|l| l.starts_with("| F"));
    let mut count = 0;
    for name in rows.flat_map(|row| row.split('`').skip(1).step_by(2)) {
        count += 1;
        if name.starts_with("src/") {
            assert!(in_repository(name).is_file(), "{name} is not there");
        } else if let Some((module, test)) = name.rsplit_once("::") {
            let file = in_repository(&format!("tests/it/{}.rs", module.replace("::", "/")));
            let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            assert!(text.contains(&format!("fn {test}(")), "{} has no test {test}", file.display());
        }
    }
    assert!(count > 40, "{count} tests");
}
