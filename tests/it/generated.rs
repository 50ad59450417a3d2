//! Files that are generated and checked in: a test compares, `UPDATE_GOLDEN=1` rewrites.

use std::path::{Path, PathBuf};

/// A path below the root of the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Fails unless the file holds exactly this text; with `UPDATE_GOLDEN` it is written instead.
pub fn assert_file(path: &str, expected: &str) {
    let file = in_repository(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty()) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    if found == expected {
        return;
    }
    let line = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    panic!(
        "{path} is out of date from line {}: has {:?}, expected {:?}; run the tests with UPDATE_GOLDEN=1 to rewrite it",
        line + 1,
        found.lines().nth(line).unwrap_or("the end of the file"),
        expected.lines().nth(line).unwrap_or("the end of the file"),
    );
}

/// Fails unless the text between `<!-- begin NAME -->` and `<!-- end NAME -->` of a file is exactly this; with
/// `UPDATE_GOLDEN` it is written instead.
pub fn assert_section(path: &str, name: &str, expected: &str) {
    let page = std::fs::read_to_string(in_repository(path)).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let parts = page.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) = parts.unwrap_or_else(|| panic!("{path} has no {begin:?} with an end"));
    assert_file(path, &format!("{head}{begin}\n{expected}\n{end}{tail}"));
}
