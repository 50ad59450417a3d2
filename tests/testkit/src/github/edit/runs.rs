//! Handles on workflow runs.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{JobMut, RepoMut};
use crate::github::archive;
use crate::github::hooks::Subject;
use crate::github::specs::{ArtifactSpec, JobSpec, RunSpec};
use crate::github::state::{Artifact, Attempt, Job, Run, State, Step, Suite, Workflow};

impl<'a> RepoMut<'a> {
    /// Creates a workflow run, with its workflow, suite and jobs.
    pub fn add_run(mut self, spec: RunSpec) -> RunMut<'a> {
        let now = self.state.now;
        let own = self.id;
        let actions_app = self.state.actions_app();
        let suite_id = spec.suite.unwrap_or_else(|| self.state.fresh_id());
        let fresh = self.state.fresh_id();
        let head_repo = spec.fork.as_deref().map(|name| self.state.repo(name).id()).unwrap_or(own);
        let repo = self.data();
        let known = repo.workflows.iter().find(|workflow| match spec.workflow_id {
            Some(id) => workflow.id == id,
            None => workflow.path == spec.path,
        });
        let workflow_id = known.map(|workflow| workflow.id).unwrap_or(spec.workflow_id.unwrap_or(fresh));
        if known.is_none() {
            repo.workflows.push(Workflow {
                id: workflow_id,
                name: spec.workflow.clone(),
                path: spec.path.clone(),
                state: "active".into(),
            });
        }
        let pull =
            spec.pulls.first().and_then(|number| repo.pulls.iter().find(|pull| pull.number == *number));
        let default = repo.branches.get(&repo.default_branch).cloned().unwrap_or_default();
        let head_sha = spec.sha.or(pull.map(|pull| pull.head_sha.clone())).unwrap_or(default);
        let branch = pull.map(|pull| pull.head_ref.clone()).unwrap_or(repo.default_branch.clone());
        let head_branch = spec.branch.unwrap_or(Some(branch));
        let title = spec.title.or(pull.map(|pull| pull.title.clone()));
        let earlier = repo.runs.iter().filter(|run| run.workflow_id == workflow_id).count();
        repo.suites.push(Suite {
            id: suite_id,
            app_id: actions_app,
            head_sha: head_sha.clone(),
            head_branch: head_branch.clone(),
            run_id: Some(spec.id),
            created: now,
        });
        repo.runs.push(Run {
            id: spec.id,
            workflow_id,
            name: spec.name.unwrap_or(Some(spec.workflow)),
            path: spec.path,
            event: spec.event,
            head_sha: head_sha.clone(),
            head_branch,
            head_repo,
            run_number: spec.number.unwrap_or(earlier as u64 + 1),
            title: title.unwrap_or_else(|| "Change".into()),
            suite_id,
            pulls: if head_repo == own { spec.pulls } else { Vec::new() },
            actor: spec.actor.clone(),
            attempts: vec![Attempt {
                number: 1,
                status: spec.status,
                conclusion: spec.conclusion,
                created: now,
                started: now,
                updated: now,
                actor: spec.actor,
            }],
            logs_gone: false,
            hidden_reads: 0,
            stale: None,
        });
        let this = self.commit(&head_sha, "Pushed", None);
        this.state.emit(Subject::Run { repo: own, run: spec.id }, Some("requested"));
        let mut run = RunMut::new(&mut *this.state, own, spec.id);
        for job in spec.jobs {
            run = run.add_job(job);
        }
        RunMut::new(this.state, own, spec.id)
    }

    /// The run with this id.
    ///
    /// # Panics
    /// When the repository has none.
    pub fn run(mut self, id: u64) -> RunMut<'a> {
        let name = self.data().full_name();
        assert!(self.data().runs.iter().any(|run| run.id == id), "{name} has no run {id}");
        RunMut::new(self.state, self.id, id)
    }
}

/// Handle on a workflow run.
pub struct RunMut<'a> {
    state: &'a mut State,
    repo: u64,
    id: u64,
}

impl<'a> RunMut<'a> {
    pub(super) fn new(state: &'a mut State, repo: u64, id: u64) -> Self {
        Self { state, repo, id }
    }

    /// The run itself, for anything that has no method.
    ///
    /// # Panics
    /// When it was removed meanwhile.
    pub fn data(&mut self) -> &mut Run {
        let id = self.id;
        let repo = self.state.repo_mut(self.repo);
        match repo.and_then(|repo| repo.runs.iter_mut().find(|run| run.id == id)) {
            Some(run) => run,
            None => panic!("run {id} is gone"),
        }
    }

    pub(super) fn attempt(&mut self) -> &mut Attempt {
        match self.data().attempts.last_mut() {
            Some(attempt) => attempt,
            None => panic!("a run has at least one attempt"),
        }
    }

    /// Adds a job to the latest attempt.
    pub fn add_job(mut self, job: impl Into<JobSpec>) -> Self {
        let spec = job.into();
        let now = self.state.now;
        let id = spec.id.unwrap_or_else(|| self.state.fresh_id());
        let (run_id, attempt) = (self.id, self.attempt().number);
        let step = |name: String| Step {
            name,
            status: "queued".into(),
            conclusion: None,
            started: None,
            completed: None,
        };
        let job = Job {
            id,
            run_id,
            attempt,
            name: spec.name,
            status: spec.status,
            conclusion: spec.conclusion.clone(),
            steps: spec.steps.into_iter().map(step).collect(),
            created: now,
            started: None,
            completed: spec.conclusion.map(|_| now),
            labels: spec.labels,
            runner: None,
            log: None,
            annotations: Vec::new(),
        };
        if let Some(repo) = self.state.repo_mut(self.repo) {
            repo.jobs.push(job);
        }
        self.state.emit(Subject::Job { repo: self.repo, job: id }, Some("queued"));
        self.touch()
    }

    /// The job with this name in the latest attempt that has one.
    ///
    /// # Panics
    /// When there is none.
    pub fn job(mut self, name: &str) -> JobMut<'a> {
        let run = self.id;
        let repo = self.state.repo_mut(self.repo);
        let found = repo.and_then(|repo| {
            let jobs = repo.jobs.iter().filter(|job| job.run_id == run && job.name == name);
            jobs.max_by_key(|job| job.attempt).map(|job| job.id)
        });
        let Some(id) = found else { panic!("run {} has no job '{name}'", self.data().id) };
        JobMut::new(self.state, self.repo, id)
    }

    /// Sets the status of the latest attempt, without a conclusion.
    pub fn status(mut self, status: &str) -> Self {
        self.attempt().status = status.to_owned();
        self.attempt().conclusion = None;
        let this = self.touch();
        let action = if status == "in_progress" { "in_progress" } else { "requested" };
        this.state.emit(Subject::Run { repo: this.repo, run: this.id }, Some(action));
        this
    }

    /// Starts it.
    pub fn start(self) -> Self {
        self.status("in_progress")
    }

    /// Waits, if all that is left of it does.
    pub(in crate::github) fn stand(mut self) -> Self {
        let (id, attempt) = (self.id, self.attempt().number);
        let repo = self.state.repo_mut(self.repo);
        let stands = repo.is_some_and(|repo| {
            let mut open = repo.jobs_of(id, attempt).filter(|job| job.status != "completed").peekable();
            open.peek().is_some() && open.all(|job| job.status == "waiting")
        });
        if stands {
            self.attempt().status = "waiting".into();
        }
        self.touch()
    }

    /// Completes the latest attempt.
    pub fn complete(mut self, conclusion: &str) -> Self {
        self.attempt().status = "completed".into();
        self.attempt().conclusion = Some(conclusion.to_owned());
        let this = self.touch();
        this.state.emit(Subject::Run { repo: this.repo, run: this.id }, Some("completed"));
        this
    }

    /// Completes it with what its jobs say: failure wins over cancelled, over success.
    ///
    /// # Panics
    /// When a job is not completed: use `complete` to play such a thing on purpose.
    pub fn settle(mut self) -> Self {
        let id = self.id;
        let repo = self.state.repo_mut(self.repo);
        let jobs: Vec<Job> = repo.map(|repo| effective_jobs(&repo.jobs, id)).unwrap_or_default();
        if let Some(job) = jobs.iter().find(|job| job.status != "completed") {
            panic!("run {} cannot settle: job '{}' is {}", self.data().id, job.name, job.status);
        }
        let has = |wanted: &[&str]| {
            jobs.iter().any(|job| job.conclusion.as_deref().is_some_and(|value| wanted.contains(&value)))
        };
        let conclusion = if has(&["failure", "timed_out"]) {
            "failure"
        } else if has(&["cancelled"]) {
            "cancelled"
        } else if has(&["action_required"]) {
            "action_required"
        } else {
            "success"
        };
        self.complete(conclusion)
    }

    /// Begins another attempt: jobs for which `again` says so get new, queued rows.
    pub fn rerun(mut self, actor: &str, again: impl Fn(&Job) -> bool) -> Self {
        let now = self.state.now;
        let id = self.id;
        let number = self.attempt().number + 1;
        self.data().attempts.push(Attempt {
            number,
            status: "queued".into(),
            conclusion: None,
            created: now,
            started: now,
            updated: now,
            actor: actor.to_owned(),
        });
        let jobs = self.state.repo_mut(self.repo).map(|repo| effective_jobs(&repo.jobs, id));
        for job in jobs.unwrap_or_default() {
            if again(&job) {
                let steps: Vec<String> = job.steps.into_iter().map(|step| step.name).collect();
                self = self.add_job(JobSpec::new(job.name).steps(steps).labels(job.labels));
            }
        }
        self.state.emit(Subject::Run { repo: self.repo, run: id }, Some("requested"));
        self
    }

    /// Uploads an artifact.
    pub fn upload(self, spec: ArtifactSpec) -> Self {
        let now = self.state.now;
        let id = spec.id.unwrap_or_else(|| self.state.fresh_id());
        let zip = spec.zip.unwrap_or_else(|| archive::zip(&spec.files));
        let digest = format!("sha256:{}", crate::github::hex(&Sha256::digest(&zip)));
        let artifact = Artifact {
            id,
            run_id: self.id,
            name: spec.name,
            size: spec.size.unwrap_or(zip.len() as u64),
            digest: spec.digest.unwrap_or(Some(digest)),
            expired: false,
            created: now,
            expires: now + Duration::from_secs(86_400 * spec.retention_days),
            zip: Some(zip),
        };
        if let Some(repo) = self.state.repo_mut(self.repo) {
            repo.artifacts.push(artifact);
        }
        self
    }

    /// Expires an artifact.
    pub fn expire_artifact(mut self, name: &str) -> Self {
        let run = self.data().id;
        if let Some(repo) = self.state.repo_mut(self.repo) {
            for artifact in &mut repo.artifacts {
                if artifact.run_id == run && artifact.name == name {
                    artifact.expired = true;
                }
            }
        }
        self
    }

    /// Run lists will not show it for `reads` more reads that would have.
    pub fn hide_from_lists(mut self, reads: u32) -> Self {
        self.data().hidden_reads = reads;
        self
    }

    /// Run lists will show it as it is now for `reads` more reads, whatever changes.
    pub fn freeze_in_lists(mut self, reads: u32) -> Self {
        let copy = Box::new(self.data().clone());
        self.data().stale = Some((reads, copy));
        self
    }

    pub(super) fn touch(mut self) -> Self {
        let now = self.state.now;
        self.attempt().updated = now;
        self
    }
}

/// Per job name the rows of the highest attempt that has the name, in order.
pub(in crate::github) fn effective_jobs(jobs: &[Job], run: u64) -> Vec<Job> {
    let newest = |name: &str| {
        jobs.iter().filter(|job| job.run_id == run && job.name == name).map(|job| job.attempt).max()
    };
    jobs.iter().filter(|job| job.run_id == run && Some(job.attempt) == newest(&job.name)).cloned().collect()
}
