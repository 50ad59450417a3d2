//! Handles that change the state. They read like a script:
//! `s.repo("acme/shop").run(77).job("unit").complete("failure")`.
//!
//! A handle to something that does not exist is a mistake in the script and panics with its name.

mod checks;
mod jobs;
mod repos;
mod runs;

use super::hooks::Subject;
use super::specs::PullSpec;
use super::state::{Commit, Pull, Repo, RequiredCheck, State};

pub use checks::CheckMut;
pub use jobs::{JobMut, at_time, stamped};
pub use runs::RunMut;
pub(super) use runs::effective_jobs;

impl State {
    /// Adds a public repository with the branch `main` and one commit.
    pub fn add_repo(&mut self, full_name: &str) -> RepoMut<'_> {
        let id = self.fresh_id();
        self.add_repo_with_id(full_name, id)
    }

    /// The same with a chosen id.
    pub fn add_repo_with_id(&mut self, full_name: &str, id: u64) -> RepoMut<'_> {
        let Some((owner, name)) = full_name.split_once('/') else {
            panic!("a repository is named owner/name, not '{full_name}'")
        };
        assert!(self.repo_by_name(full_name).is_none(), "repository {full_name} exists already");
        let now = self.now;
        self.repos.push(Repo {
            id,
            owner: owner.into(),
            name: name.into(),
            former_names: Vec::new(),
            private: false,
            archived: false,
            fork: false,
            default_branch: "main".into(),
            created: now,
            branches: [("main".to_owned(), sha_of(full_name))].into(),
            commits: vec![Commit {
                sha: sha_of(full_name),
                message: "Start".into(),
                author: owner.into(),
                time: now,
                parents: Vec::new(),
            }],
            pulls: Vec::new(),
            workflows: Vec::new(),
            runs: Vec::new(),
            jobs: Vec::new(),
            artifacts: Vec::new(),
            check_runs: Vec::new(),
            suites: Vec::new(),
            statuses: Vec::new(),
            comments: Vec::new(),
            rules: Default::default(),
            files: Default::default(),
            protection: Default::default(),
            gates: Vec::new(),
            locked_issues: Vec::new(),
        });
        RepoMut { state: self, id }
    }

    /// The repository with this full name.
    ///
    /// # Panics
    /// When there is none.
    pub fn repo(&mut self, full_name: &str) -> RepoMut<'_> {
        let Some(id) = self.repo_by_name(full_name).map(|repo| repo.id) else {
            panic!("there is no repository {full_name}")
        };
        RepoMut { state: self, id }
    }

    /// The run with this id, wherever it is.
    ///
    /// # Panics
    /// When there is none.
    pub fn run(&mut self, id: u64) -> RunMut<'_> {
        let repo = self.repos.iter().find(|repo| repo.runs.iter().any(|run| run.id == id));
        let Some(repo) = repo.map(|repo| repo.id) else { panic!("there is no run {id}") };
        RunMut::new(self, repo, id)
    }

    /// The job with this id, wherever it is.
    ///
    /// # Panics
    /// When there is none.
    pub fn job(&mut self, id: u64) -> JobMut<'_> {
        let repo = self.repos.iter().find(|repo| repo.jobs.iter().any(|job| job.id == id));
        let Some(repo) = repo.map(|repo| repo.id) else { panic!("there is no job {id}") };
        JobMut::new(self, repo, id)
    }
}

/// A sha made from any text: 40 digits, the same every time.
pub fn sha_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut digits = super::hex(&Sha256::digest(text));
    digits.truncate(40);
    digits
}

/// Handle on a repository.
pub struct RepoMut<'a> {
    pub(super) state: &'a mut State,
    pub(super) id: u64,
}

impl<'a> RepoMut<'a> {
    /// The repository itself, for anything that has no method.
    ///
    /// # Panics
    /// Never, as long as repositories are not removed.
    pub fn data(&mut self) -> &mut Repo {
        let id = self.id;
        match self.state.repo_mut(id) {
            Some(repo) => repo,
            None => panic!("repository {id} is gone"),
        }
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Makes it private.
    pub fn private(mut self) -> Self {
        self.data().private = true;
        self
    }

    /// Makes it a fork.
    pub fn fork(mut self) -> Self {
        self.data().fork = true;
        self
    }

    /// Renames the default branch.
    pub fn default_branch(mut self, name: &str) -> Self {
        let repo = self.data();
        let old = std::mem::replace(&mut repo.default_branch, name.to_owned());
        if let Some(sha) = repo.branches.remove(&old) {
            repo.branches.insert(name.to_owned(), sha);
        }
        self
    }

    /// Renames or transfers it: the old name answers 301 from now on.
    pub fn rename(mut self, full_name: &str) -> Self {
        let Some((owner, name)) = full_name.split_once('/') else {
            panic!("a repository is named owner/name, not '{full_name}'")
        };
        let repo = self.data();
        let old = repo.full_name();
        repo.former_names.push(old);
        repo.owner = owner.to_owned();
        repo.name = name.to_owned();
        self
    }

    /// Adds a commit on top of `parent`, if it is new.
    pub fn commit(mut self, sha: &str, message: &str, parent: Option<&str>) -> Self {
        let now = self.state.now;
        let repo = self.data();
        if repo.commits.iter().all(|commit| commit.sha != sha) {
            repo.commits.push(Commit {
                sha: sha.to_owned(),
                message: message.to_owned(),
                author: "octo-dev".into(),
                time: now,
                parents: parent.into_iter().map(str::to_owned).collect(),
            });
        }
        self
    }

    /// Points a branch at a commit, which is added on top of the branch if it is new.
    pub fn branch(mut self, name: &str, sha: &str) -> Self {
        let repo = self.data();
        let parent = repo.branches.get(name).or(repo.branches.get(&repo.default_branch)).cloned();
        let parent = parent.filter(|parent| parent != sha);
        let mut this = self.commit(sha, &format!("Work on {name}"), parent.as_deref());
        this.data().branches.insert(name.to_owned(), sha.to_owned());
        this
    }

    /// Puts a file onto a branch.
    pub fn file(mut self, branch: &str, path: &str, text: &str) -> Self {
        self.data().files.insert((branch.to_owned(), path.to_owned()), text.to_owned());
        self
    }

    /// Opens a pull request.
    pub fn pull_request(mut self, spec: PullSpec) -> Self {
        let now = self.state.now;
        let id = self.state.fresh_id();
        let own = self.id;
        let head_repo = match &spec.head_repo {
            None => own,
            Some(name) => self.state.repo(name).id(),
        };
        let base_ref = spec.base.clone().unwrap_or_else(|| self.data().default_branch.clone());
        let base_sha = self.data().branches.get(&base_ref).cloned().unwrap_or_default();
        // The head commit is reachable in the base repository too (refs/pull/N/head).
        let mut this = self.commit(&spec.sha, &spec.title, Some(&base_sha));
        if head_repo == own {
            this = this.branch(&spec.head_ref, &spec.sha);
        } else {
            let fork = RepoMut { state: &mut *this.state, id: head_repo };
            fork.branch(&spec.head_ref, &spec.sha);
        }
        let number = spec.number;
        this.data().pulls.push(Pull {
            id,
            number,
            title: spec.title,
            state: "open".into(),
            draft: spec.draft,
            labels: spec.labels,
            author: spec.author,
            head_ref: spec.head_ref,
            head_sha: spec.sha.clone(),
            head_repo: Some(head_repo),
            base_ref,
            base_sha,
            events: Vec::new(),
            merged: None,
            merge_commit: Some(sha_of(&format!("merge {}", spec.sha))),
            commits: vec![spec.sha],
            files: spec.files,
            created: now,
            updated: now,
        });
        this.state.emit(Subject::Pull { repo: own, number }, Some("opened"));
        this
    }

    /// Pushes to a pull request. `force` replaces its commits.
    pub fn push(mut self, number: u64, sha: &str, force: bool) -> Self {
        let now = self.state.now;
        let own = self.id;
        let pull = self.pull(number);
        let (head_ref, head_repo) = (pull.head_ref.clone(), pull.head_repo);
        let parent = if force { pull.base_sha.clone() } else { pull.head_sha.clone() };
        pull.head_sha = sha.to_owned();
        pull.updated = now;
        pull.merge_commit = Some(sha_of(&format!("merge {sha}")));
        if force {
            pull.commits.clear();
        }
        pull.commits.push(sha.to_owned());
        let mut this = self.commit(sha, "More work", Some(&parent));
        if head_repo == Some(own) {
            this.data().branches.insert(head_ref, sha.to_owned());
        }
        this.state.emit(Subject::Pull { repo: own, number }, Some("synchronize"));
        this
    }

    /// Lets a pull request be merged into another branch.
    pub fn retarget(mut self, number: u64, base: &str) -> Self {
        let now = self.state.now;
        let own = self.id;
        let base_sha = self.data().branches.get(base).cloned().unwrap_or_default();
        let pull = self.pull(number);
        pull.base_ref = base.to_owned();
        pull.events.push(("base_ref_changed".to_owned(), now));
        pull.base_sha = base_sha;
        pull.updated = now;
        self.state.emit(Subject::Pull { repo: own, number }, Some("edited"));
        self
    }

    /// Gives a pull request exactly these labels.
    pub fn label_pull(mut self, number: u64, labels: &[&str]) -> Self {
        let now = self.state.now;
        let own = self.id;
        let pull = self.pull(number);
        let action = if labels.len() < pull.labels.len() { "unlabeled" } else { "labeled" };
        pull.labels = labels.iter().map(|name| (*name).to_owned()).collect();
        pull.updated = now;
        self.state.emit(Subject::Pull { repo: own, number }, Some(action));
        self
    }

    /// Closes a pull request, merged or not.
    pub fn close_pull(mut self, number: u64, merged: bool) -> Self {
        let now = self.state.now;
        let own = self.id;
        let pull = self.pull(number);
        pull.state = "closed".into();
        pull.updated = now;
        pull.merged = merged.then_some(now);
        self.state.emit(Subject::Pull { repo: own, number }, Some("closed"));
        self
    }

    /// The pull request with this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn pull(&mut self, number: u64) -> &mut Pull {
        let name = self.data().full_name();
        match self.data().pulls.iter_mut().find(|pull| pull.number == number) {
            Some(pull) => pull,
            None => panic!("{name} has no pull request {number}"),
        }
    }

    /// The merge queue builds a group for a pull request: `sha` is what the group's checks are for.
    pub fn merge_group(mut self, number: u64, sha: &str) -> Self {
        let own = self.id;
        let pull = self.pull(number).clone();
        let short = format!("gh-readonly-queue/{}/pr-{number}-{}", pull.base_ref, pull.base_sha);
        let mut this = self.commit(sha, &format!("Merge pull request #{number}"), Some(&pull.base_sha));
        this.data().branches.insert(short.clone(), sha.to_owned());
        let subject = Subject::MergeGroup {
            repo: own,
            head_ref: format!("refs/heads/{short}"),
            head_sha: sha.to_owned(),
            base_sha: pull.base_sha,
        };
        this.state.emit(subject, Some("checks_requested"));
        this
    }

    /// A group leaves the merge queue: merged, or taken out.
    pub fn ungroup(mut self, number: u64) -> Self {
        let own = self.id;
        let pull = self.pull(number).clone();
        let short = format!("gh-readonly-queue/{}/pr-{number}-{}", pull.base_ref, pull.base_sha);
        let head_sha = self.data().branches.remove(&short).unwrap_or_default();
        let head_ref = format!("refs/heads/{short}");
        let subject = Subject::MergeGroup { repo: own, head_ref, head_sha, base_sha: pull.base_sha };
        self.state.emit(subject, Some("destroyed"));
        self
    }

    /// Requires checks on a branch by a ruleset; an app id pins the check to that app.
    pub fn rule(mut self, branch: &str, checks: &[(&str, Option<u64>)]) -> Self {
        self.data().rules.insert(branch.to_owned(), required(checks));
        self
    }

    /// Requires checks on a branch by classic branch protection.
    pub fn protect(mut self, branch: &str, checks: &[(&str, Option<u64>)]) -> Self {
        self.data().protection.insert(branch.to_owned(), required(checks));
        self
    }
}

fn required(checks: &[(&str, Option<u64>)]) -> Vec<RequiredCheck> {
    checks
        .iter()
        .map(|(context, app_id)| RequiredCheck { context: (*context).to_owned(), app_id: *app_id })
        .collect()
}
