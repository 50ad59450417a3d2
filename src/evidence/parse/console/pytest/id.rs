//! Names of tests as pytest writes them.

use crate::evidence::parse::model::{Failure, FailureKind};

/// `tests/test_a.py::TestC::test_x[1]` as name, class as JUnit has it, and file.
pub(in crate::evidence::parse) fn from_id(id: &str, error: bool) -> Failure {
    let kind = if error { FailureKind::Errored } else { FailureKind::Failed };
    // Parameters can hold colons.
    let (path, rest) = match id.split_once("::") {
        Some((path, rest)) => (path, rest),
        None => {
            return Failure { name: id.to_owned(), file: Some(id.to_owned()), kind, ..Failure::default() };
        }
    };
    let plain_end = rest.find('[').unwrap_or(rest.len());
    let cut = rest.get(..plain_end).and_then(|plain| plain.rfind("::"));
    let (class, name) = match cut.and_then(|cut| Some((rest.get(..cut)?, rest.get(cut + 2..)?))) {
        Some((class, name)) => (Some(class), name),
        None => (None, rest),
    };
    let module = path.strip_suffix(".py").unwrap_or(path).replace(['/', '\\'], ".");
    let classname = match class {
        Some(class) => format!("{module}.{}", class.replace("::", ".")),
        None => module,
    };
    Failure {
        name: name.to_owned(),
        classname: Some(classname),
        file: Some(path.to_owned()),
        kind,
        ..Failure::default()
    }
}

/// The name of a test as the sections write it: `TestC.test_x`.
pub(super) fn dotted(failure: &Failure) -> String {
    let module = failure
        .file
        .as_deref()
        .map(|file| file.strip_suffix(".py").unwrap_or(file).replace(['/', '\\'], "."));
    let class = match (&failure.classname, &module) {
        (Some(class), Some(module)) => {
            class.strip_prefix(module.as_str()).unwrap_or("").trim_start_matches('.')
        }
        _ => "",
    };
    if class.is_empty() { failure.name.clone() } else { format!("{class}.{}", failure.name) }
}
