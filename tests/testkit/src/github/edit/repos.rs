//! What becomes of branches, and of the repository itself.

use super::RepoMut;
use crate::github::hooks::Subject;

impl RepoMut<'_> {
    /// Somebody pushes a commit to a branch, on top of what is there.
    pub fn push_to(mut self, branch: &str, sha: &str) -> Self {
        let before = self.data().branches.get(branch).cloned();
        let mut this = self.branch(branch, sha);
        this.told_of(branch, before, Some(sha.to_owned()));
        this
    }

    /// Somebody deletes a branch.
    pub fn delete_branch(mut self, branch: &str) -> Self {
        let before = self.data().branches.remove(branch);
        self.told_of(branch, before, None);
        self
    }

    /// Makes the repository read-only, or writable again.
    pub fn archive(mut self, archived: bool) -> Self {
        self.data().archived = archived;
        let subject = Subject::Repository { repo: self.id };
        self.state.emit(subject, Some(if archived { "archived" } else { "unarchived" }));
        self
    }

    fn told_of(&mut self, branch: &str, before: Option<String>, after: Option<String>) {
        let subject = Subject::Push { repo: self.id, branch: branch.to_owned(), before, after };
        self.state.emit(subject, None);
    }
}
