//! Jobs that only repeat the result of others, recognised by their names.
//!
//! Being taken for one costs nothing in safety: an aggregate is waited for, and a red one fails the
//! verdict. It only leaves the rates.

use std::sync::LazyLock;

use regex::Regex;

static AGGREGATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^((.*[ /_-])?(test[ _-]?suite[ _-]?summary|test[ _-]?summary|ci[ _-]?summary|merge[ _-]?gate|all[ _-]?green|all[ _-]?checks([ _-]?pass(ed)?)?|all[ _-]?jobs([ _-]?pass(ed)?)?|ci[ _-]?(success|status|gate|ok|passed)|required[ _-]?checks|alls[ _-]?green)|summary|gate|conclusion|success|done)$",
    )
    .ok()
});

/// Whether a job of this name usually only repeats others.
pub(super) fn by_name(name: &str) -> bool {
    AGGREGATE.as_ref().is_some_and(|r| r.is_match(name.trim()))
}
