//! The one state that a job, check or expectation is in.

use super::facts::{Check, Job, Run};

/// State of one job or check. Only `Succeeded` passes unless the spec allows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `failure`, `timed_out`, `startup_failure`, `error`.
    Failed,
    Cancelled,
    /// Expected, and never reported.
    Missing,
    Skipped,
    Neutral,
    /// A person must approve it.
    ActionRequired,
    /// A value that we do not know, or completed without a conclusion.
    Unknown,
    Running,
    Succeeded,
}

impl State {
    /// Name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Missing => "Missing",
            Self::Skipped => "Skipped",
            Self::Neutral => "Neutral",
            Self::ActionRequired => "ActionRequired",
            Self::Unknown => "Unknown",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
        }
    }

    /// State of something that GitHub calls `status` and `conclusion`.
    pub fn of(status: &str, conclusion: Option<&str>) -> Self {
        match (status, conclusion.filter(|c| !c.is_empty())) {
            ("completed", Some(conclusion)) => match conclusion {
                "success" => Self::Succeeded,
                "failure" | "timed_out" | "startup_failure" | "error" => Self::Failed,
                "cancelled" | "stale" => Self::Cancelled,
                "skipped" => Self::Skipped,
                "neutral" => Self::Neutral,
                "action_required" => Self::ActionRequired,
                _ => Self::Unknown,
            },
            // A conclusion before the end is a contradiction, whatever it says.
            ("queued" | "in_progress" | "requested" | "pending", None) => Self::Running,
            ("waiting", None) => Self::ActionRequired,
            _ => Self::Unknown,
        }
    }

    /// State of a job.
    pub fn of_job(job: &Job) -> Self {
        Self::of(&job.status, job.conclusion.as_deref())
    }

    /// State of a run as a whole.
    pub fn of_run(run: &Run) -> Self {
        Self::of(&run.status, run.conclusion.as_deref())
    }

    /// State of a check run or commit status.
    pub fn of_check(check: &Check) -> Self {
        match (check.status.as_str(), check.conclusion.as_deref()) {
            ("completed", Some("pending")) | ("pending", Some("pending")) => Self::Running,
            (status, conclusion) => Self::of(status, conclusion),
        }
    }

    /// What GitHub said, where the state alone does not tell.
    pub fn detail(status: &str, conclusion: Option<&str>) -> Option<String> {
        let said = conclusion.unwrap_or(status);
        let told = matches!(
            said,
            "success" | "failure" | "cancelled" | "skipped" | "neutral" | "action_required" | "in_progress"
        );
        (!told).then(|| {
            let said = if said.is_empty() { "nothing" } else { said };
            match (status, conclusion) {
                ("completed", None) => "completed without a conclusion".to_owned(),
                _ => super::text::clean(said, 64),
            }
        })
    }
}
