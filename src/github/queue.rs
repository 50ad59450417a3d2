//! Merge queues: GitHub makes a branch for each pull request that is tested together with what is before it.

use super::api::{Repo, segment};
use super::client::Shape;
use super::{Result, wire};

/// What the names of all of them begin with.
const QUEUE: &str = "gh-readonly-queue/";

/// What the branches of the queue of a branch begin with.
pub fn queue_of(base: &str) -> String {
    format!("{QUEUE}{base}/pr-")
}

/// The branch that a queue merges into, and the pull request that one of its branches is for.
pub fn queued(branch: &str) -> Option<(&str, i64)> {
    let (base, tail) = branch.strip_prefix(QUEUE)?.rsplit_once('/')?;
    let (number, before) = tail.strip_prefix("pr-")?.split_once('-')?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number = number.parse().ok().filter(|n| *n > 0 && plain)?;
    (!base.is_empty() && !before.is_empty()).then_some((base, number))
}

impl Repo<'_> {
    /// Branches whose names begin like this, and their commits; there may be none.
    pub async fn branches_like(&self, start: &str) -> Result<Vec<wire::Reference>> {
        let start_of: Vec<String> = start.split('/').map(segment).collect();
        let path = format!("{}/git/matching-refs/heads/{}", self.root(), start_of.join("/"));
        let what = format!("branches {}* of {}", crate::verdict::text::clean(start, 100), self.name());
        self.read(&path, &what, Shape::List).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_of_a_queue_says_what_it_is_for() {
        for (branch, is) in [
            ("gh-readonly-queue/main/pr-20-0a1b", Some(("main", 20))),
            ("gh-readonly-queue/release/1.2/pr-7-0a1b", Some(("release/1.2", 7))),
            ("gh-readonly-queue/main/pr-20", None),
            ("gh-readonly-queue/main/pr-20-", None),
            ("gh-readonly-queue/main/pr-+20-0a", None),
            ("gh-readonly-queue/main/pr-0-0a", None),
            ("gh-readonly-queue//pr-2-0a", None),
            ("gh-readonly-queue/pr-2-0a", None),
            ("gh-readonly-queue/main/pr-99999999999999999999-0a", None),
            ("feature/gh-readonly-queue/main/pr-2-0a", None),
        ] {
            assert_eq!(queued(branch), is, "{branch}");
        }
        assert!("gh-readonly-queue/main/pr-20-0a1b".starts_with(&queue_of("main")));
    }
}
