//! Which workflow a run is of: its file, and whose file that is.

use crate::github::wire;
use crate::verdict::facts::Origin;

/// Path of the file, without the `@ref` and without the repository where that is the run's own.
///
/// A file may have an `@` in its name, and the author of a commit gives it. Where the path can be cut in two ways it
/// is left whole, so that such a file passes for no other.
pub(super) fn path(run: &wire::Run) -> String {
    let whole = run.path.as_deref().unwrap_or_default();
    let is_file = |p: &str| p.ends_with(".yml") || p.ends_with(".yaml");
    let mut files = whole.match_indices('@').filter_map(|(at, _)| whole.get(..at)).filter(|p| is_file(p));
    let path = match (files.next(), files.next()) {
        (Some(file), None) if !is_file(whole) => file,
        _ => whole,
    };
    let own = run.repository.full_name.as_str();
    let inside = path
        .get(..own.len())
        .filter(|start| !own.is_empty() && start.eq_ignore_ascii_case(own))
        .and_then(|_| path.get(own.len()..)?.strip_prefix('/'));
    inside.unwrap_or(path).to_owned()
}

/// Whose file it is: GitHub lists the workflows that rules bring along apart from those of the repository.
pub(super) fn origin(run: &wire::Run) -> Origin {
    let mut parts = run.workflow_url.as_deref().unwrap_or_default().rsplit('/');
    let id = parts.next().unwrap_or_default();
    match (parts.next(), parts.next()) {
        _ if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) => Origin::Unknown,
        (Some("workflows"), Some("actions")) => Origin::Repository,
        (Some("required_workflows"), Some("actions")) => Origin::Rule,
        _ => Origin::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_only_where_there_is_one_way_to_cut_it() {
        for (path_, want) in [
            (".github/workflows/ci.yml", ".github/workflows/ci.yml"),
            (".github/workflows/ci.yml@refs/heads/main", ".github/workflows/ci.yml"),
            (".github/workflows/ci.yaml@main", ".github/workflows/ci.yaml"),
            ("Acme/Shop/.github/workflows/ci.yml@main", ".github/workflows/ci.yml"),
            ("acme/shared/.github/workflows/ci.yml@main", "acme/shared/.github/workflows/ci.yml"),
            ("acme/shop-two/.github/workflows/ci.yml", "acme/shop-two/.github/workflows/ci.yml"),
            ("dynamic/github-code-scanning/codeql", "dynamic/github-code-scanning/codeql"),
            // Files that want to be taken for ci.yml.
            (".github/workflows/ci.yml@x.yml", ".github/workflows/ci.yml@x.yml"),
            (
                ".github/workflows/ci.yml@x.yml@refs/heads/main",
                ".github/workflows/ci.yml@x.yml@refs/heads/main",
            ),
            (".github/workflows/ci@x.yml@refs/heads/main", ".github/workflows/ci@x.yml"),
            ("", ""),
        ] {
            let repository = wire::Repository { full_name: "acme/shop".into(), ..Default::default() };
            let run = wire::Run { path: Some(path_.into()), repository, ..Default::default() };
            assert_eq!(path(&run), want, "{path_}");
        }
    }

    #[test]
    fn the_address_of_its_workflow_tells_whose_file_it_is() {
        let repo = "https://api.github.com/repos/acme";
        for (url, want) in [
            (format!("{repo}/shop/actions/workflows/7"), Origin::Repository),
            (format!("{repo}/shop/actions/required_workflows/7"), Origin::Rule),
            ("https://ghe.example/api/v3/repos/a/b/actions/required_workflows/7".to_owned(), Origin::Rule),
            (format!("{repo}/required_workflows/actions/workflows/7"), Origin::Repository),
            (format!("{repo}/shop/actions/required_workflows/"), Origin::Unknown),
            (format!("{repo}/actions/required_workflows/x"), Origin::Unknown),
            (format!("{repo}/shop/actions/rules/7"), Origin::Unknown),
            (String::new(), Origin::Unknown),
        ] {
            let run = wire::Run { workflow_url: Some(url.clone()), ..Default::default() };
            assert_eq!(origin(&run), want, "{url}");
        }
        assert_eq!(origin(&wire::Run::default()), Origin::Unknown);
    }
}
