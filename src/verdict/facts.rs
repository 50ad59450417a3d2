//! What was seen of a commit: the input of the verdict.
//!
//! Everything that comes from GitHub is an open string here; the verdict decides what a value
//! means. Facts are complete or not there at all: a read that failed half-way is `Trouble`, and
//! what only explains (annotations, logs, artifacts) is a `Gap`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::Reason;
use crate::api::status::{BundleFinding, Cause, ExcerptLine, FailingTest, TestTotals};

/// The outcome of one look at GitHub.
#[derive(Clone, Debug, PartialEq)]
pub enum Observations {
    /// Everything that decides was read.
    Facts(Box<Facts>),
    /// Something that decides could not be read.
    Trouble(Trouble),
}

/// Why GitHub could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// One of the reasons of `SourceAvailable=False`.
    pub reason: Reason,
    /// What happened and what to do, for people; already free of secrets and of upstream text.
    pub message: String,
    /// When trying again makes sense, where GitHub said so.
    pub retry_at: Option<Timestamp>,
}

/// All that decides about one commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub source: SourceFacts,
    /// All workflow runs that GitHub lists for the commit.
    pub runs: Vec<Run>,
    /// Check runs of other apps than GitHub Actions, and commit statuses.
    pub checks: Vec<Check>,
    pub expectations: Expectations,
    /// Artifacts of all runs.
    pub artifacts: Vec<ArtifactFact>,
    /// Failures of this commit that were seen on other commits of the repository.
    pub sightings: Vec<Sighting>,
    /// What could not be read and does not decide, each one sentence for people.
    pub gaps: Vec<Gap>,
    /// GitHub's clock when the read ended (`Date` of its last answer).
    pub read_at: Timestamp,
    /// A second listing of the runs, made after everything else was read, agreed with the first.
    pub confirmed: bool,
    /// Only a part was read: enough to tell how far the commit is, and never enough to end with.
    pub partial: bool,
}

/// The commit as GitHub resolved it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// `owner/name` as GitHub spells it now.
    pub repository: String,
    pub repository_id: Option<i64>,
    pub sha: String,
    pub branch: Option<String>,
    pub base_branch: Option<String>,
    pub pull_request: Option<i64>,
    /// Title of the pull request.
    pub title: Option<String>,
    pub url: Option<String>,
    /// The head of the pull request lives in another repository.
    pub fork: bool,
}

/// Whose file the workflow of a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// GitHub does not say.
    #[default]
    Unknown,
    /// The file of the commit, which its author may have written.
    Repository,
    /// A rule of the branch brought it along.
    Rule,
}

/// A workflow run with the jobs of all its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: i64,
    pub attempt: i64,
    pub workflow_id: i64,
    /// Name of the workflow; its path where it has none.
    pub workflow: String,
    /// File of the workflow, without `@ref`.
    pub path: String,
    pub origin: Origin,
    pub event: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub head_sha: String,
    pub head_branch: Option<String>,
    /// Id of the repository that the branch is in; none where that was deleted.
    pub head_repository_id: Option<i64>,
    /// `owner/name` of the repository that the run belongs to.
    pub repository: String,
    pub title: Option<String>,
    pub url: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Number of jobs that GitHub says the run has, over all attempts; more than were listed means
    /// that the listing is not complete.
    pub jobs_total: i64,
    /// Jobs of all attempts.
    pub jobs: Vec<Job>,
    /// Environments whose protection rules it waits for; read only where the spec answers such rules.
    pub pending: Vec<String>,
    /// Why no other run for its event and branch can be told to be the same once more, or it to be that.
    pub apart: Option<String>,
}

/// One job of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: i64,
    pub attempt: i64,
    pub name: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub url: String,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub steps: Vec<Step>,
    pub annotations: Vec<Annotation>,
    /// It has annotations that could not be read, so that nobody knows whether it was cut short.
    pub annotations_unread: bool,
    /// What its log and reports say, where they were read.
    pub evidence: Option<Evidence>,
    /// How it did lately on the base branch, where it failed.
    pub past: Option<Past>,
}

/// How a job did in the last runs of a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub branch: String,
    pub passed: u32,
    pub failed: u32,
}

/// A step of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub number: i64,
    pub name: String,
    pub status: String,
    pub conclusion: Option<String>,
}

/// A remark that a job left on GitHub.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// `failure`, `warning` or `notice`.
    pub level: String,
    pub path: Option<String>,
    pub line: Option<i64>,
    pub title: Option<String>,
    pub message: String,
}

/// What a job's log and test reports say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Counts, where a summary was understood.
    pub tests: Option<TestTotals>,
    /// The log or a report breaks off, or a run was interrupted.
    pub interrupted: bool,
    pub failing: Vec<FailingTest>,
    /// Failing tests before the list was cut.
    pub failing_total: i64,
    pub excerpt: Vec<ExcerptLine>,
    pub causes: Vec<Cause>,
    pub fingerprint: Option<String>,
    /// One line that stands for the failure, with what varies taken out.
    pub signature: Option<String>,
    /// Equal where the failure has the same values too: two numbers that are compared, a count.
    pub values: Option<String>,
    /// The excerpt was chosen by comparison with a passing log of the same job.
    pub baseline: bool,
    /// When the failing tests ran, as far as the log tells.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Names of objects that the failing tests made.
    pub subjects: Vec<String>,
    /// Some of the slowest tests that passed, with their milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<(String, i64)>,
}

/// A failure that was seen elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    pub fingerprint: String,
    /// Commit and job, for people.
    pub told: String,
}

/// Where a check comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckKind {
    /// A check run of an app.
    #[default]
    CheckRun,
    /// A commit status.
    Status,
}

/// A check run of another app, or a commit status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: i64,
    pub kind: CheckKind,
    /// Name of the check run, or context of the status.
    pub name: String,
    /// Slug of the app, or login of the status's creator.
    pub app: Option<String>,
    pub app_id: Option<i64>,
    pub head_sha: String,
    /// `completed`, or how far it is. A status is `completed` unless it is pending.
    pub status: String,
    /// Conclusion; for a status its state (`success`, `failure`, `error`).
    pub conclusion: Option<String>,
    pub url: Option<String>,
    /// The link that its app gave a check run.
    pub details_url: Option<String>,
    /// What its app calls a check run.
    pub external_id: Option<String>,
    /// When it started, or the status was set: of two with the same name and app the newer counts.
    pub at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    /// Checks that rules or the protection of the base branch require.
    pub required: Vec<RequiredCheck>,
    /// Workflows that rules of the base branch require.
    pub required_workflows: Vec<RequiredWorkflow>,
    /// Jobs of the last green commit of the base branch.
    pub baseline: Baseline,
    /// The commit has no run for what it changes, and others of its kind, such as of pull requests, lately had some.
    pub some_run: bool,
}

/// A workflow that a rule of the base branch requires.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequiredWorkflow {
    pub path: String,
    /// Id of the repository that its file is in.
    pub repository_id: Option<i64>,
}

/// A check that the base branch requires.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequiredCheck {
    pub name: String,
    /// The app that must produce it, where the rule names one.
    pub app_id: Option<i64>,
}

/// The id of GitHub Actions as an app on github.com.
pub const ACTIONS_APP_ID: i64 = 15_368;

/// What the last green commit of the base branch had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Baseline {
    /// The base branch has no green commit with runs, or there is no base branch.
    #[default]
    None,
    /// Its jobs.
    Found(BaselineJobs),
}

/// Jobs of the last green commit of the base branch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineJobs {
    pub sha: String,
    pub branch: String,
    pub workflows: Vec<BaselineWorkflow>,
}

/// A workflow as it ran green on the base branch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineWorkflow {
    pub workflow: String,
    pub path: String,
    pub event: String,
    pub run_id: i64,
    /// Names of the jobs that succeeded.
    pub jobs: Vec<String>,
    /// Recent commits show that this workflow does not run for the events of the commit.
    pub not_for_this_event: bool,
}

/// An artifact as GitHub lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArtifactFact {
    pub id: i64,
    pub name: String,
    pub run_id: i64,
    pub size_bytes: i64,
    pub digest: Option<String>,
    pub created_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub expired: bool,
    /// Page to download it from.
    pub url: String,
    /// API address to download it from.
    pub api_url: String,
    /// What became of it, and what is in it, where it was looked at.
    pub analysis: Option<Analysis>,
}

/// What became of an artifact that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub state: Content,
    /// Why it is not whole, or what is in it, in a sentence.
    pub message: Option<String>,
    /// Layout of a bundle.
    pub layout: Option<String>,
    pub files: i64,
    /// What a bundle says, what says most first.
    pub findings: Vec<BundleFinding>,
    /// Findings before the list was cut.
    pub findings_total: i64,
}

/// How much of an artifact was had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// All of it.
    #[default]
    Analysed,
    /// A part of it.
    Incomplete,
    /// GitHub has deleted its content.
    Expired,
    /// It was deleted or replaced.
    Deleted,
    /// It is larger than what may be read.
    TooLarge,
    /// It is not what was uploaded, or no archive.
    Corrupt,
    /// It was not read this time.
    NotRead,
}

impl Content {
    /// Name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analysed => "Analysed",
            Self::Incomplete => "Incomplete",
            Self::Expired => "Expired",
            Self::Deleted => "Deleted",
            Self::TooLarge => "TooLarge",
            Self::Corrupt => "Corrupt",
            Self::NotRead => "NotRead",
        }
    }

    /// Whether it can be downloaded, as far as is known.
    pub const fn can_be_had(self) -> bool {
        !matches!(self, Self::Expired | Self::Deleted | Self::Corrupt)
    }
}

/// Something that explains and could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    pub kind: GapKind,
    /// One sentence for people.
    pub message: String,
}

/// What a gap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GapKind {
    /// The list of artifacts.
    Artifacts,
    /// Annotations of a job.
    Annotations,
    /// The log of a job.
    Log,
    /// A test report.
    TestReport,
    /// A must-gather bundle.
    Bundle,
    /// Which checks the base branch requires.
    RequiredChecks,
    /// Rules or protection that GitHub says do not exist; they require nothing.
    NoRules,
    /// What the base branch's last green commit had.
    Baseline,
    /// How failed jobs did lately on the base branch.
    Past,
}
