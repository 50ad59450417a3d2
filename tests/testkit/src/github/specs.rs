//! Descriptions from which repositories, runs, jobs and the rest are made: every field has a
//! sensible default, so that a script names only what it is about.

use super::state::Annotation;

/// A pull request to be opened.
#[derive(Clone, Debug)]
pub struct PullSpec {
    pub(super) number: u64,
    pub(super) sha: String,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) head_ref: String,
    pub(super) head_repo: Option<String>,
    pub(super) base: Option<String>,
    pub(super) draft: bool,
    pub(super) labels: Vec<String>,
    pub(super) files: Vec<String>,
}

impl PullSpec {
    /// Pull request `number` with its head at `sha`.
    pub fn new(number: u64, sha: impl Into<String>) -> Self {
        Self {
            number,
            sha: sha.into(),
            title: format!("Change {number}"),
            author: "octo-dev".into(),
            head_ref: format!("feature/{number}"),
            head_repo: None,
            base: None,
            draft: false,
            labels: Vec::new(),
            files: vec!["README.md".into()],
        }
    }

    /// Files that it changes; else README.md.
    pub fn files(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.files = names.into_iter().map(Into::into).collect();
        self
    }

    /// Title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Login of the author.
    pub fn author(mut self, login: impl Into<String>) -> Self {
        self.author = login.into();
        self
    }

    /// Branch of the head.
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.head_ref = branch.into();
        self
    }

    /// Branch that it wants to go to; the default branch unless set.
    pub fn base(mut self, branch: impl Into<String>) -> Self {
        self.base = Some(branch.into());
        self
    }

    /// The head lives in this fork, which must exist.
    pub fn from_fork(mut self, full_name: impl Into<String>) -> Self {
        self.head_repo = Some(full_name.into());
        self
    }

    /// A draft.
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    /// With a label.
    pub fn label(mut self, name: impl Into<String>) -> Self {
        self.labels.push(name.into());
        self
    }
}

/// A workflow run to be created.
#[derive(Clone, Debug)]
pub struct RunSpec {
    pub(super) id: u64,
    pub(super) workflow: String,
    pub(super) path: String,
    pub(super) workflow_id: Option<u64>,
    pub(super) name: Option<Option<String>>,
    pub(super) event: String,
    pub(super) sha: Option<String>,
    pub(super) branch: Option<Option<String>>,
    pub(super) number: Option<u64>,
    pub(super) suite: Option<u64>,
    pub(super) title: Option<String>,
    pub(super) pulls: Vec<u64>,
    pub(super) fork: Option<String>,
    pub(super) actor: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) jobs: Vec<JobSpec>,
}

impl RunSpec {
    /// Run `id` of the workflow `CI`, queued, event `pull_request`.
    pub fn new(id: u64) -> Self {
        Self {
            id,
            workflow: "CI".into(),
            path: ".github/workflows/ci.yml".into(),
            workflow_id: None,
            name: None,
            event: "pull_request".into(),
            sha: None,
            branch: None,
            number: None,
            suite: None,
            title: None,
            pulls: Vec::new(),
            fork: None,
            actor: "octo-dev".into(),
            status: "queued".into(),
            conclusion: None,
            jobs: Vec::new(),
        }
    }

    /// Name and path of its workflow.
    pub fn workflow(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.workflow = name.into();
        self.path = path.into();
        self
    }

    /// Id of its workflow; otherwise found by path or made.
    pub fn workflow_id(mut self, id: u64) -> Self {
        self.workflow_id = Some(id);
        self
    }

    /// The name shown where it is not that of the workflow; `None` makes it null.
    pub fn shown_name(mut self, name: Option<&str>) -> Self {
        self.name = Some(name.map(str::to_owned));
        self
    }

    /// Event (`push`, `pull_request`, `merge_group`, ...).
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.event = event.into();
        self
    }

    /// Commit; a run of a pull request takes its head unless set.
    pub fn sha(mut self, sha: impl Into<String>) -> Self {
        self.sha = Some(sha.into());
        self
    }

    /// Branch; a run of a pull request takes its head branch unless set.
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = Some(Some(branch.into()));
        self
    }

    /// No branch: `head_branch` is null.
    pub fn no_branch(mut self) -> Self {
        self.branch = Some(None);
        self
    }

    /// Number within the workflow.
    pub fn number(mut self, number: u64) -> Self {
        self.number = Some(number);
        self
    }

    /// Id of the check suite.
    pub fn suite(mut self, id: u64) -> Self {
        self.suite = Some(id);
        self
    }

    /// Title shown.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The pull request that it belongs to.
    pub fn pull_request(mut self, number: u64) -> Self {
        self.pulls.push(number);
        self
    }

    /// The head commit is in this fork: `pull_requests` will be empty.
    pub fn from_fork(mut self, full_name: impl Into<String>) -> Self {
        self.fork = Some(full_name.into());
        self
    }

    /// Who triggered it.
    pub fn actor(mut self, login: impl Into<String>) -> Self {
        self.actor = login.into();
        self
    }

    /// Status and conclusion that it starts with.
    pub fn state(mut self, status: impl Into<String>, conclusion: Option<&str>) -> Self {
        self.status = status.into();
        self.conclusion = conclusion.map(str::to_owned);
        self
    }

    /// A job that exists from the start.
    pub fn job(mut self, job: impl Into<JobSpec>) -> Self {
        self.jobs.push(job.into());
        self
    }

    /// Jobs that exist from the start.
    pub fn jobs<J: Into<JobSpec>>(mut self, jobs: impl IntoIterator<Item = J>) -> Self {
        self.jobs.extend(jobs.into_iter().map(Into::into));
        self
    }
}

/// A job to be created; a plain name or an (id, name) pair will do.
#[derive(Clone, Debug)]
pub struct JobSpec {
    pub(super) id: Option<u64>,
    pub(super) name: String,
    pub(super) steps: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
}

impl JobSpec {
    /// A queued job with the usual three steps.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            steps: ["Set up job", "Run tests", "Complete job"].map(str::to_owned).to_vec(),
            labels: vec!["ubuntu-latest".into()],
            status: "queued".into(),
            conclusion: None,
        }
    }

    /// Its id, which is that of its check run too.
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// Names of its steps.
    pub fn steps<S: Into<String>>(mut self, steps: impl IntoIterator<Item = S>) -> Self {
        self.steps = steps.into_iter().map(Into::into).collect();
        self
    }

    /// Runner labels.
    pub fn labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Status and conclusion that it starts with.
    pub fn state(mut self, status: impl Into<String>, conclusion: Option<&str>) -> Self {
        self.status = status.into();
        self.conclusion = conclusion.map(str::to_owned);
        self
    }
}

impl From<&str> for JobSpec {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for JobSpec {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<(u64, &str)> for JobSpec {
    fn from((id, name): (u64, &str)) -> Self {
        Self::new(name).id(id)
    }
}

/// An artifact to be uploaded.
#[derive(Clone, Debug)]
pub struct ArtifactSpec {
    pub(super) id: Option<u64>,
    pub(super) name: String,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) zip: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) digest: Option<Option<String>>,
    pub(super) retention_days: u64,
}

impl ArtifactSpec {
    /// An empty artifact kept for 90 days.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            files: Vec::new(),
            zip: None,
            size: None,
            digest: None,
            retention_days: 90,
        }
    }

    /// Its id.
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// A file in the zip.
    pub fn file(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// The zip itself, instead of files: for broken and hostile ones.
    pub fn zip(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.zip = Some(bytes.into());
        self
    }

    /// A size to claim that is not that of the zip.
    pub fn claimed_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// A digest to claim that is not that of the zip; `None` leaves it out.
    pub fn claimed_digest(mut self, digest: Option<&str>) -> Self {
        self.digest = Some(digest.map(str::to_owned));
        self
    }

    /// Days until it expires.
    pub fn retention_days(mut self, days: u64) -> Self {
        self.retention_days = days;
        self
    }
}

/// A check run of an app, to be created by that app.
#[derive(Clone, Debug)]
pub struct CheckSpec {
    pub(super) id: Option<u64>,
    pub(super) name: String,
    pub(super) sha: String,
    pub(super) app: u64,
    pub(super) app_slug: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) annotations: Vec<Annotation>,
}

impl CheckSpec {
    /// A queued check run named `name` on `sha`, by the app `app_slug` with id `app`.
    pub fn new(name: impl Into<String>, sha: impl Into<String>, app: u64, app_slug: &str) -> Self {
        Self {
            id: None,
            name: name.into(),
            sha: sha.into(),
            app,
            app_slug: app_slug.to_owned(),
            status: "queued".into(),
            conclusion: None,
            title: None,
            summary: None,
            annotations: Vec::new(),
        }
    }

    /// Its id.
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// Completed with this conclusion.
    pub fn completed(mut self, conclusion: &str) -> Self {
        self.status = "completed".into();
        self.conclusion = Some(conclusion.to_owned());
        self
    }

    /// Status and conclusion.
    pub fn state(mut self, status: &str, conclusion: Option<&str>) -> Self {
        self.status = status.to_owned();
        self.conclusion = conclusion.map(str::to_owned);
        self
    }

    /// Output title and summary.
    pub fn output(mut self, title: &str, summary: &str) -> Self {
        self.title = Some(title.to_owned());
        self.summary = Some(summary.to_owned());
        self
    }

    /// An annotation.
    pub fn annotation(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }
}

impl Annotation {
    /// An annotation of one line.
    pub fn new(level: &str, path: impl Into<String>, line: u64, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            start_line: line,
            end_line: line,
            level: level.to_owned(),
            title: None,
            message: message.into(),
        }
    }

    /// With a title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }
}
