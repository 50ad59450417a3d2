//! Handles on check runs of other apps, commit statuses and comments.

use super::RepoMut;
use crate::github::hooks::Subject;
use crate::github::specs::CheckSpec;
use crate::github::state::{App, CheckRun, Comment, State, Status, Suite};

impl<'a> RepoMut<'a> {
    /// Creates a check run of an app, with its suite and the app itself where needed.
    pub fn add_check(mut self, spec: CheckSpec) -> CheckMut<'a> {
        let now = self.state.now;
        let own = self.id;
        let id = spec.id.unwrap_or_else(|| self.state.fresh_id());
        if self.state.app(spec.app).is_none() {
            let name = spec.app_slug.clone();
            self.state.apps.push(App { id: spec.app, slug: spec.app_slug, name });
        }
        let suite_id = self.suite_for(spec.app, &spec.sha);
        let done = spec.status == "completed";
        let mut this = self.commit(&spec.sha, "Pushed", None);
        this.data().check_runs.push(CheckRun {
            id,
            suite_id,
            app_id: spec.app,
            name: spec.name,
            head_sha: spec.sha,
            status: spec.status,
            conclusion: spec.conclusion,
            started: Some(now),
            completed: done.then_some(now),
            external_id: None,
            details_url: None,
            title: spec.title,
            summary: spec.summary,
            text: None,
            annotations: spec.annotations,
        });
        this.state.emit(Subject::Check { repo: own, check: id }, Some("created"));
        if done {
            this.state.emit(Subject::Check { repo: own, check: id }, Some("completed"));
        }
        CheckMut { state: this.state, repo: own, id }
    }

    /// The suite of an app on a commit; made when there is none.
    pub(in crate::github) fn suite_for(&mut self, app_id: u64, sha: &str) -> u64 {
        let now = self.state.now;
        let fresh = self.state.fresh_id();
        let repo = self.data();
        let known = repo.suites.iter().find(|suite| suite.app_id == app_id && suite.head_sha == sha);
        if let Some(suite) = known {
            return suite.id;
        }
        let head_branch =
            repo.branches.iter().find(|(_, head)| head.as_str() == sha).map(|(name, _)| name.clone());
        repo.suites.push(Suite {
            id: fresh,
            app_id,
            head_sha: sha.to_owned(),
            head_branch,
            run_id: None,
            created: now,
        });
        fresh
    }

    /// The newest check run of any app with this name.
    ///
    /// # Panics
    /// When there is none.
    pub fn check(mut self, name: &str) -> CheckMut<'a> {
        let found = self.data().check_runs.iter().rev().find(|check| check.name == name);
        let Some(id) = found.map(|check| check.id) else { panic!("there is no check run '{name}'") };
        CheckMut { state: self.state, repo: self.id, id }
    }

    /// Reports a commit status.
    pub fn status(mut self, sha: &str, context: &str, state: &str) -> Self {
        let now = self.state.now;
        let id = self.state.fresh_id();
        let own = self.id;
        self.data().statuses.push(Status {
            id,
            sha: sha.to_owned(),
            context: context.to_owned(),
            state: state.to_owned(),
            description: None,
            target_url: None,
            creator: "ci-bot".into(),
            created: now,
        });
        self.state.emit(Subject::Status { repo: own, status: id }, None);
        self
    }

    /// Writes a comment as somebody.
    pub fn comment(mut self, issue: u64, author: &str, body: &str) -> Self {
        let now = self.state.now;
        let id = self.state.fresh_id();
        self.data().comments.push(Comment {
            id,
            issue,
            author: author.to_owned(),
            body: body.to_owned(),
            app_id: None,
            created: now,
            updated: now,
        });
        self
    }
}

/// Handle on a check run of an app.
pub struct CheckMut<'a> {
    state: &'a mut State,
    repo: u64,
    id: u64,
}

impl CheckMut<'_> {
    /// The check run itself.
    ///
    /// # Panics
    /// When it was removed meanwhile.
    pub fn data(&mut self) -> &mut CheckRun {
        let id = self.id;
        let repo = self.state.repo_mut(self.repo);
        match repo.and_then(|repo| repo.check_runs.iter_mut().find(|check| check.id == id)) {
            Some(check) => check,
            None => panic!("check run {id} is gone"),
        }
    }

    /// Completes it.
    pub fn complete(mut self, conclusion: &str) -> Self {
        let now = self.state.now;
        let check = self.data();
        check.status = "completed".into();
        check.conclusion = Some(conclusion.to_owned());
        check.completed = Some(now);
        self.state.emit(Subject::Check { repo: self.repo, check: self.id }, Some("completed"));
        self
    }
}
