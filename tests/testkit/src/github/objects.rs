//! What GitHub knows: plain data, changed through the handles of `edit`.
//!
//! Lists are kept in order of creation. Values that GitHub restricts to a set (status, conclusion)
//! are plain strings here, so that a test can also play values that nobody documented.

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Ts;

/// A person or organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Numeric id.
    pub id: u64,
    /// Login name.
    pub login: String,
    /// `User`, `Organization` or `Bot`.
    pub kind: String,
}

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct App {
    /// Numeric id.
    pub id: u64,
    /// Slug, as in its bot's login `<slug>[bot]`.
    pub slug: String,
    /// Display name.
    pub name: String,
}

/// An installation of the App under test.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Numeric id.
    pub id: u64,
    /// The App.
    pub app_id: u64,
    /// Where it is installed.
    pub account: String,
    /// Selected repositories; `None` means all of the account.
    pub repositories: Option<Vec<u64>>,
    /// Granted permissions.
    pub permissions: BTreeMap<String, String>,
    /// Suspended installations get no tokens.
    pub suspended: bool,
}

/// A credential that the API accepts.
#[derive(Clone, Debug)]
pub struct Token {
    /// The text after `Bearer` or `token`.
    pub value: String,
    /// The app that it writes as; `None` for a user's token.
    pub app: Option<u64>,
    /// The installation that it speaks for; `None` covers every account.
    pub installation: Option<u64>,
    /// Repositories that it sees beyond public ones; `None` means all.
    pub repositories: Option<Vec<u64>>,
    /// Permission to level (`read`, `write`); `None` means everything.
    pub permissions: Option<BTreeMap<String, String>>,
    /// Seconds of wire time at which it dies; `None` never.
    pub expires: Option<Duration>,
}

/// A repository with all that hangs on it.
#[derive(Clone, Debug)]
pub struct Repo {
    /// Numeric id: the identity that survives a rename.
    pub id: u64,
    /// Login of the owner.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
    /// Full names that it had before; they answer 301.
    pub former_names: Vec<String>,
    /// Visible only to tokens that include it.
    pub private: bool,
    /// Read-only from now on.
    pub archived: bool,
    /// Fork of another repository.
    pub fork: bool,
    /// Default branch.
    pub default_branch: String,
    /// Creation time.
    pub created: Ts,
    /// Branch name to head sha.
    pub branches: BTreeMap<String, String>,
    /// Commits by sha, in order of creation.
    pub commits: Vec<Commit>,
    /// Pull requests.
    pub pulls: Vec<Pull>,
    /// Workflows.
    pub workflows: Vec<Workflow>,
    /// Workflow runs.
    pub runs: Vec<Run>,
    /// Jobs of all runs and attempts.
    pub jobs: Vec<Job>,
    /// Artifacts of all runs.
    pub artifacts: Vec<Artifact>,
    /// Check runs of apps other than Actions (those of Actions are the jobs).
    pub check_runs: Vec<CheckRun>,
    /// Check suites.
    pub suites: Vec<Suite>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<Status>,
    /// Issue and pull request comments.
    pub comments: Vec<Comment>,
    /// Required checks set by rulesets, by branch.
    pub rules: BTreeMap<String, Vec<RequiredCheck>>,
    /// Required checks set by branch protection, by branch.
    pub protection: BTreeMap<String, Vec<RequiredCheck>>,
    /// Text of files by branch and path.
    pub files: BTreeMap<(String, String), String>,
    /// Environments that jobs wait for.
    pub gates: Vec<Gate>,
    /// Comments on locked conversations answer 403.
    pub locked_issues: Vec<u64>,
}

impl Repo {
    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The commit with this sha, or with a unique prefix of at least seven digits.
    pub fn commit(&self, sha: &str) -> Option<&Commit> {
        let mut found = self
            .commits
            .iter()
            .filter(|commit| commit.sha == sha || (sha.len() >= 7 && commit.sha.starts_with(sha)));
        found.next().filter(|_| found.next().is_none())
    }

    /// What a ref means: a branch, `heads/<branch>`, `pull/<n>/head`, or a sha.
    pub fn resolve(&self, reference: &str) -> Option<String> {
        let short = reference.strip_prefix("refs/").unwrap_or(reference);
        let branch = short.strip_prefix("heads/").unwrap_or(short);
        if let Some(sha) = self.branches.get(branch) {
            return Some(sha.clone());
        }
        if let Some(number) = short.strip_prefix("pull/").and_then(|rest| rest.strip_suffix("/head")) {
            let number: u64 = number.parse().ok()?;
            return self.pulls.iter().find(|pull| pull.number == number).map(|pull| pull.head_sha.clone());
        }
        self.commit(reference).map(|commit| commit.sha.clone())
    }

    /// The newest attempt that has a row for this job, and the jobs of an attempt.
    pub fn jobs_of(&self, run: u64, attempt: u64) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.run_id == run && job.attempt == attempt)
    }
}

/// A commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Full sha.
    pub sha: String,
    /// Message.
    pub message: String,
    /// Login of the author.
    pub author: String,
    /// Author and committer time.
    pub time: Ts,
    /// Parents.
    pub parents: Vec<String>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Numeric id.
    pub id: u64,
    /// Number in the repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// `open` or `closed`.
    pub state: String,
    /// Draft.
    pub draft: bool,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// Login of the author.
    pub author: String,
    /// Branch in the head repository.
    pub head_ref: String,
    /// Head commit.
    pub head_sha: String,
    /// Repository of the head; `None` once a fork was deleted.
    pub head_repo: Option<u64>,
    /// Base branch.
    pub base_ref: String,
    /// What happened to it.
    pub events: Vec<(String, Ts)>,
    /// Base commit.
    pub base_sha: String,
    /// Set when it was merged.
    pub merged: Option<Ts>,
    /// Sha of the merge or test merge.
    pub merge_commit: Option<String>,
    /// Commits of the pull request, oldest first.
    pub commits: Vec<String>,
    /// Files that it changes.
    pub files: Vec<String>,
    /// Creation time.
    pub created: Ts,
    /// Time of the last change.
    pub updated: Ts,
}

/// A workflow file.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Numeric id.
    pub id: u64,
    /// Display name.
    pub name: String,
    /// Path of the file.
    pub path: String,
    /// `active`, `disabled_manually`, ...
    pub state: String,
}

/// A workflow run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Numeric id; stays through all attempts.
    pub id: u64,
    /// The workflow.
    pub workflow_id: u64,
    /// Name shown; `None` makes it null.
    pub name: Option<String>,
    /// Path shown, maybe with `@ref`.
    pub path: String,
    /// Event.
    pub event: String,
    /// Commit.
    pub head_sha: String,
    /// Branch; null for some events.
    pub head_branch: Option<String>,
    /// Repository of the head commit.
    pub head_repo: u64,
    /// Number within the workflow.
    pub run_number: u64,
    /// Title shown.
    pub title: String,
    /// Check suite.
    pub suite_id: u64,
    /// Numbers of pull requests; hidden for forks.
    pub pulls: Vec<u64>,
    /// Who triggered it.
    pub actor: String,
    /// Attempts, first one first; never empty.
    pub attempts: Vec<Attempt>,
    /// Logs were deleted or expired.
    pub logs_gone: bool,
    /// Run lists do not show it for so many more reads.
    pub hidden_reads: u32,
    /// Run lists show this older copy for so many more reads.
    pub stale: Option<(u32, Box<Run>)>,
}

impl Run {
    /// The latest attempt.
    pub fn latest(&self) -> &Attempt {
        self.attempts.last().unwrap_or(&NO_ATTEMPT)
    }

    /// An attempt by its number.
    pub fn attempt(&self, number: u64) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.number == number)
    }
}

static NO_ATTEMPT: Attempt = Attempt {
    number: 0,
    status: String::new(),
    conclusion: None,
    created: Ts(0),
    started: Ts(0),
    updated: Ts(0),
    actor: String::new(),
};

/// One attempt of a run.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Number from 1.
    pub number: u64,
    /// Status.
    pub status: String,
    /// Conclusion.
    pub conclusion: Option<String>,
    /// Creation.
    pub created: Ts,
    /// Start.
    pub started: Ts,
    /// Last change.
    pub updated: Ts,
    /// Who asked for it.
    pub actor: String,
}

/// A job of one attempt; also the check run of Actions with the same id.
#[derive(Clone, Debug)]
pub struct Job {
    /// Numeric id.
    pub id: u64,
    /// The run.
    pub run_id: u64,
    /// The attempt.
    pub attempt: u64,
    /// Name.
    pub name: String,
    /// Status.
    pub status: String,
    /// Conclusion.
    pub conclusion: Option<String>,
    /// Steps.
    pub steps: Vec<Step>,
    /// Creation.
    pub created: Ts,
    /// Start.
    pub started: Option<Ts>,
    /// End.
    pub completed: Option<Ts>,
    /// Runner labels.
    pub labels: Vec<String>,
    /// Name of the runner, once assigned.
    pub runner: Option<String>,
    /// Log text as served; `None` answers 404.
    pub log: Option<Vec<u8>>,
    /// Annotations on its check run.
    pub annotations: Vec<Annotation>,
}

/// A step of a job.
#[derive(Clone, Debug)]
pub struct Step {
    /// Name.
    pub name: String,
    /// Status.
    pub status: String,
    /// Conclusion.
    pub conclusion: Option<String>,
    /// Start.
    pub started: Option<Ts>,
    /// End.
    pub completed: Option<Ts>,
}

/// An annotation on a check run.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// File.
    pub path: String,
    /// First line.
    pub start_line: u64,
    /// Last line.
    pub end_line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// Title.
    pub title: Option<String>,
    /// Message.
    pub message: String,
}

/// What a job waits for before it deploys to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Numeric id of the deployment.
    pub id: u64,
    /// The job.
    pub job: u64,
    /// The run.
    pub run_id: u64,
    /// Name of the environment.
    pub environment: String,
    /// The rule of the App under test waits for its answer.
    pub asks_app: bool,
    /// A person has to approve it as well.
    pub asks_person: bool,
}

/// An artifact.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Numeric id.
    pub id: u64,
    /// The run.
    pub run_id: u64,
    /// Name, unique in its run.
    pub name: String,
    /// Size of the zip.
    pub size: u64,
    /// Digest of the zip, `sha256:<hex>`; `None` is left out as by older servers.
    pub digest: Option<String>,
    /// Gone: download answers 410.
    pub expired: bool,
    /// Creation.
    pub created: Ts,
    /// End of retention.
    pub expires: Ts,
    /// The zip; `None` makes downloads fail with 404 at the second origin.
    pub zip: Option<Vec<u8>>,
}

/// A check run of an app.
#[derive(Clone, Debug)]
pub struct CheckRun {
    /// Numeric id.
    pub id: u64,
    /// Suite.
    pub suite_id: u64,
    /// App.
    pub app_id: u64,
    /// Name.
    pub name: String,
    /// Commit.
    pub head_sha: String,
    /// Status.
    pub status: String,
    /// Conclusion.
    pub conclusion: Option<String>,
    /// Start.
    pub started: Option<Ts>,
    /// End.
    pub completed: Option<Ts>,
    /// The app's own id for it.
    pub external_id: Option<String>,
    /// Link to details.
    pub details_url: Option<String>,
    /// Output title.
    pub title: Option<String>,
    /// Output summary.
    pub summary: Option<String>,
    /// Output text.
    pub text: Option<String>,
    /// Annotations.
    pub annotations: Vec<Annotation>,
}

/// A check suite: the check runs of one app on one commit, or of one workflow run.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Numeric id.
    pub id: u64,
    /// App.
    pub app_id: u64,
    /// Commit.
    pub head_sha: String,
    /// Branch.
    pub head_branch: Option<String>,
    /// Workflow run, for suites of Actions.
    pub run_id: Option<u64>,
    /// Creation.
    pub created: Ts,
}

/// A commit status.
#[derive(Clone, Debug)]
pub struct Status {
    /// Numeric id.
    pub id: u64,
    /// Commit.
    pub sha: String,
    /// Context.
    pub context: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// Description.
    pub description: Option<String>,
    /// Link.
    pub target_url: Option<String>,
    /// Login of the creator.
    pub creator: String,
    /// Creation.
    pub created: Ts,
}

/// A comment on an issue or pull request.
#[derive(Clone, Debug)]
pub struct Comment {
    /// Numeric id.
    pub id: u64,
    /// Issue number.
    pub issue: u64,
    /// Login of the author.
    pub author: String,
    /// Body.
    pub body: String,
    /// The app that wrote it.
    pub app_id: Option<u64>,
    /// Creation.
    pub created: Ts,
    /// Last change.
    pub updated: Ts,
}

/// A required check: its name and maybe the app that must report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredCheck {
    /// Name of the check run or status context.
    pub context: String,
    /// Only this app's report counts.
    pub app_id: Option<u64>,
}
