//! The controller on a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attestation;
pub mod bench;
mod change;
mod fair;
mod life;
pub mod notify;
mod process;
pub mod promoter;
mod races;
mod rest;
mod waivers;

use jiff::{SignedDuration, Timestamp};
use testrun_operator::api::{Reason, TestRunReport};
use testrun_operator::verdict::facts::{Facts, Job, Observations, Run, SourceFacts, Trouble};

pub const SHA: &str = "99361f9f642d952e7c28134197ccb0326fc6f1a6";

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-01-23T16:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// One job that has ended like this, or runs where it has not ended.
pub fn one_job(conclusion: Option<&str>) -> Observations {
    let status = if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned();
    let job = Job {
        id: 100,
        attempt: 1,
        name: "unit".into(),
        status: status.clone(),
        conclusion: conclusion.map(Into::into),
        url: "https://github.com/octo-org/hello-world/actions/runs/7/job/100".into(),
        started_at: Some(at(10)),
        completed_at: conclusion.map(|_| at(100)),
        ..Default::default()
    };
    let run = Run {
        id: 7,
        attempt: 1,
        workflow_id: 70,
        workflow: "CI".into(),
        path: ".github/workflows/ci.yml".into(),
        event: "push".into(),
        status,
        conclusion: conclusion.map(Into::into),
        head_sha: SHA.into(),
        repository: "octo-org/hello-world".into(),
        url: "https://github.com/octo-org/hello-world/actions/runs/7".into(),
        created_at: Some(at(5)),
        updated_at: Some(at(100)),
        jobs_total: 1,
        jobs: vec![job],
        ..Default::default()
    };
    Observations::Facts(Box::new(Facts {
        source: SourceFacts {
            repository: "octo-org/hello-world".into(),
            repository_id: Some(1),
            sha: SHA.into(),
            ..Default::default()
        },
        runs: vec![run],
        checks: Vec::new(),
        expectations: Default::default(),
        artifacts: Vec::new(),
        sightings: Vec::new(),
        gaps: Vec::new(),
        read_at: at(1000),
        confirmed: true,
        partial: false,
    }))
}

pub fn green() -> Observations {
    one_job(Some("success"))
}

pub fn red() -> Observations {
    one_job(Some("failure"))
}

pub fn running() -> Observations {
    one_job(None)
}

pub fn away() -> Observations {
    let message = "GitHub does not answer; it is tried again".to_owned();
    Observations::Trouble(Trouble { reason: Reason::GitHubUnavailable, message, retry_at: None })
}

/// Status and reason of `Passed`.
pub fn passed(report: &TestRunReport) -> Option<(&str, &str)> {
    let conditions = &report.status.as_ref()?.conditions;
    conditions.iter().find(|c| c.type_ == "Passed").map(|c| (c.status.as_str(), c.reason.as_str()))
}

/// Message of `Passed`.
pub fn message(report: &TestRunReport) -> String {
    let conditions = &report.status.as_ref().unwrap().conditions;
    conditions.iter().find(|c| c.type_ == "Passed").unwrap().message.clone()
}
