//! Condition types and reasons: the part of the API that merge tooling reads. Reasons are
//! enumerated here, documented in docs/conditions.md, and never made up elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Types of conditions, in the order in which they are written.
///
/// The order matters to kstatus, which takes the first True of Reconciling and Stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Passed (mode Enforce), or the report is complete (mode Report).
    Ready,
    /// The verdict: every required job of exactly this commit is green.
    Passed,
    /// Every run and every expected job is final.
    Complete,
    /// Work is in progress, GitHub being unreachable included.
    Reconciling,
    /// A person is needed: a red verdict or an invalid spec.
    Stalled,
    /// GitHub could be read.
    SourceAvailable,
    /// References of the must-gather bundles of all failed jobs are recorded.
    ArtifactsAvailable,
    /// What spec.publish asks for is shown; only there where it asks for something.
    Published,
}

impl ConditionType {
    /// All types; every status write carries every one of them, `Published` where the spec publishes.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Passed,
        Self::Complete,
        Self::Reconciling,
        Self::Stalled,
        Self::SourceAvailable,
        Self::ArtifactsAvailable,
        Self::Published,
    ];

    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Passed => "Passed",
            Self::Complete => "Complete",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::SourceAvailable => "SourceAvailable",
            Self::ArtifactsAvailable => "ArtifactsAvailable",
            Self::Published => "Published",
        }
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// Why a condition has its status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name),+ }

        impl Reason {
            /// Every reason with its meaning, as docs/conditions.md lists them.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, concat!($($doc),+))),+];

            /// Name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

reasons! {
    /// Every required job, check and expectation of the commit succeeded.
    AllRequiredSucceeded,
    /// A required job or check failed, timed out, or could not start.
    RequiredFailed,
    /// A required job was cancelled or is skipped or neutral without permission.
    RequiredNotRun,
    /// An expected job, check or workflow never reported before the deadline, or nothing that counts ran.
    Incomplete,
    /// A suite is below its minPassRate.
    PassRateTooLow,
    /// A run or an aggregate job is red although all of its jobs are green.
    Disagreement,
    /// The operator has not looked at this generation yet.
    NotReconciled,
    /// Nothing has started yet.
    Pending,
    /// Jobs are still running.
    Running,
    /// An expected job or check has not reported yet; the deadline is not reached.
    Expecting,
    /// A person must approve or unblock a run.
    ActionRequired,
    /// All is final, but too fresh to be believed: a second read must agree.
    Settling,
    /// Failed jobs were asked to run again, as spec.rerun allows, and GitHub has not started them yet.
    RerunRequested,
    /// A value that the operator does not know, a job completed without a conclusion, or a run that is gone.
    Undecidable,
    /// The pull request or branch moved to another commit; the evaluation starts anew.
    CommitMoved,
    /// Every run, expected job and check is final.
    AllFinal,
    /// The report is complete; the verdict does not count in mode Report.
    ReportComplete,
    /// The report is at rest: its facts are final.
    Final,
    /// The spec cannot be carried out; the message names the field and the remedy.
    InvalidSpec,
    /// The report is suspended.
    Suspended,
    /// GitHub was read.
    Read,
    /// GitHub could not be reached, or answered with an error of its own.
    GitHubUnavailable,
    /// GitHub's rate limit is used up; the message says until when.
    RateLimited,
    /// The credential is missing, wrong, expired or revoked.
    Unauthorized,
    /// The credential is valid but lacks a permission; the message names it.
    Forbidden,
    /// The repository, commit, pull request, run or branch does not exist, or the credential may not see it.
    NotFound,
    /// GitHub answered with something that cannot be understood.
    InvalidAnswer,
    /// The Secret or the key that credentialsRef names does not exist.
    SecretNotFound,
    /// The connection is not configured, or may not be used from this namespace, for this repository, or to publish under this name.
    ConnectionDenied,
    /// No job failed: there is nothing to collect.
    NothingFailed,
    /// Every failed job has a recorded bundle.
    Recorded,
    /// A failed job has no must-gather bundle.
    NotCollected,
    /// A bundle exists, and GitHub has deleted its content.
    Expired,
    /// A bundle exists, and its content is not what was uploaded, or no archive.
    Corrupt,
    /// Jobs are still running; bundles may still come.
    Waiting,
    /// Everything that spec.publish asks for shows the verdict.
    Published,
    /// Nothing was written yet of what spec.publish asks for.
    Publishing,
    /// GitHub or the API server refused to take it; the message says what is missing.
    PublishRefused,
    /// The API server does not serve the kind that spec.publish asks for.
    KindNotServed,
    /// Somebody else's object has the name, or the key and the commit.
    NameTaken,
}

/// Status of a condition.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl ConditionStatus {
    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}
