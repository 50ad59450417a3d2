//! Which pull requests a generator selects.

use crate::api::set::PullRequestGenerator;
use crate::collect::Candidate;
use crate::verdict::belongs::glob;

/// Whether a pull request is selected, as far as is known of its files.
pub fn selects(by: &PullRequestGenerator, pull: &Candidate) -> bool {
    may_select(by, pull) && (by.paths.is_empty() || pull.touches == Some(true))
}

/// Whether a pull request is selected if its files are.
pub fn may_select(by: &PullRequestGenerator, pull: &Candidate) -> bool {
    let base = || by.base_branches.iter().any(|pattern| glob(pattern, &pull.base));
    let author = || by.authors.iter().any(|login| same(login, &pull.author));
    let labelled = |wanted: &String| pull.labels.iter().any(|label| same(label, wanted));
    (by.base_branches.is_empty() || base())
        && (by.authors.is_empty() || author())
        && by.labels.iter().all(labelled)
        && by.draft.is_none_or(|draft| draft == pull.draft)
}

/// GitHub's logins and labels do not depend on case.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
