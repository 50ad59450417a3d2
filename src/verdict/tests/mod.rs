//! Rules and laws of the verdict.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod causes;
mod completeness;
mod decision;
mod deeds;
mod deployments;
mod effective;
mod excuses;
mod hostile;
mod laws;
mod past;
mod patterns;
mod published;
mod report;
mod rules;
mod size;
mod skew;
mod states;
mod tried;
mod trouble;

use jiff::{SignedDuration, Timestamp};

use super::facts::*;
use super::*;
use crate::api::spec::{
    CheckSpec, Expect, GateSpec, GitHubSource, JobMatch, Source, SuitePolicy, SuiteSpec, TestRunReportSpec,
};

pub const SHA: &str = "99361f9f642d952e7c28134197ccb0326fc6f1a6";
pub const OTHER: &str = "1111111111111111111111111111111111111111";

/// Seconds after the start of the scenario.
pub fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-01-23T16:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub fn spec() -> TestRunReportSpec {
    TestRunReportSpec {
        source: Source {
            github: GitHubSource {
                repository: "acme/shop".into(),
                sha: Some(SHA.into()),
                connection: "github.com".into(),
                ..Default::default()
            },
        },
        ..Default::default()
    }
}

pub fn suite(name: &str, job: &str) -> SuiteSpec {
    SuiteSpec {
        name: name.into(),
        matches: vec![JobMatch { workflow: None, job: Some(job.into()) }],
        ..Default::default()
    }
}

pub fn job(id: i64, name: &str, conclusion: &str) -> Job {
    let done = !matches!(conclusion, "in_progress" | "queued" | "waiting" | "requested");
    Job {
        id,
        attempt: 1,
        name: name.into(),
        status: if done { "completed".into() } else { conclusion.into() },
        conclusion: done.then(|| conclusion.into()),
        url: format!("https://github.com/acme/shop/actions/runs/7/job/{id}"),
        started_at: Some(at(10)),
        completed_at: done.then(|| at(100)),
        ..Default::default()
    }
}

/// A run of the commit with its conclusion made from its jobs.
pub fn run(id: i64, jobs: Vec<Job>) -> Run {
    let done = jobs.iter().all(|j| j.status == "completed");
    let red = jobs.iter().any(|j| matches!(j.conclusion.as_deref(), Some("failure" | "timed_out")));
    let cancelled = jobs.iter().any(|j| j.conclusion.as_deref() == Some("cancelled"));
    let conclusion = if red {
        "failure"
    } else if cancelled {
        "cancelled"
    } else {
        "success"
    };
    Run {
        id,
        attempt: jobs.iter().map(|j| j.attempt).max().unwrap_or(1),
        workflow_id: 70,
        workflow: "CI".into(),
        path: ".github/workflows/ci.yml".into(),
        origin: Origin::Repository,
        event: "pull_request".into(),
        status: if done { "completed".into() } else { "in_progress".into() },
        conclusion: done.then(|| conclusion.into()),
        head_sha: SHA.into(),
        head_repository_id: Some(1),
        repository: "acme/shop".into(),
        url: format!("https://github.com/acme/shop/actions/runs/{id}"),
        created_at: Some(at(id)),
        updated_at: Some(at(100)),
        jobs_total: jobs.len() as i64,
        jobs,
        ..Default::default()
    }
}

pub fn facts(runs: Vec<Run>) -> Facts {
    Facts {
        source: SourceFacts {
            repository: "acme/shop".into(),
            repository_id: Some(1),
            sha: SHA.into(),
            branch: Some("feature".into()),
            base_branch: Some("main".into()),
            pull_request: Some(20),
            ..Default::default()
        },
        runs,
        checks: Vec::new(),
        expectations: Expectations::default(),
        artifacts: Vec::new(),
        sightings: Vec::new(),
        gaps: Vec::new(),
        read_at: at(1000),
        confirmed: true,
        partial: false,
    }
}

/// Facts of one run with these jobs.
pub fn jobs(list: &[(&str, &str)]) -> Facts {
    facts(vec![run(7, list.iter().enumerate().map(|(i, (n, c))| job(100 + i as i64, n, c)).collect())])
}

pub fn check(name: &str, conclusion: &str) -> Check {
    Check {
        id: 900,
        name: name.into(),
        app: Some("codecov".into()),
        app_id: Some(254),
        head_sha: SHA.into(),
        status: if conclusion == "in_progress" { conclusion.into() } else { "completed".into() },
        conclusion: (conclusion != "in_progress").then(|| conclusion.into()),
        at: Some(at(20)),
        completed_at: Some(at(30)),
        ..Default::default()
    }
}

pub fn green_base(jobs: &[&str]) -> Baseline {
    Baseline::Found(BaselineJobs {
        sha: OTHER.into(),
        branch: "main".into(),
        workflows: vec![BaselineWorkflow {
            workflow: "CI".into(),
            path: ".github/workflows/ci.yml".into(),
            event: "push".into(),
            run_id: 3,
            jobs: jobs.iter().map(|j| (*j).to_owned()).collect(),
            not_for_this_event: false,
        }],
    })
}

pub fn context(previous: Option<&TestRunReportStatus>) -> Context<'_> {
    Context {
        generation: 1,
        name: Some("pr-20"),
        namespace: Some("ci"),
        previous,
        waivers: Waivers::default(),
        now: at(1000),
        moved: false,
    }
}

pub fn eval(spec: &TestRunReportSpec, facts: &Facts) -> Evaluation {
    evaluate(spec, &Observations::Facts(Box::new(facts.clone())), &context(None))
}

pub fn after(spec: &TestRunReportSpec, facts: &Facts, previous: &TestRunReportStatus) -> Evaluation {
    evaluate(spec, &Observations::Facts(Box::new(facts.clone())), &context(Some(previous)))
}

/// `status/reason` of a condition.
pub fn condition(e: &Evaluation, kind: ConditionType) -> String {
    let c = e.status.conditions.iter().find(|c| c.type_ == kind.as_str()).unwrap();
    format!("{}/{}", c.status, c.reason)
}

pub fn passed(e: &Evaluation) -> String {
    condition(e, ConditionType::Passed)
}

pub fn message(e: &Evaluation) -> String {
    e.status.conditions.iter().find(|c| c.type_ == "Passed").unwrap().message.clone()
}

/// Verdict of a default spec over these facts.
pub fn verdict(facts: &Facts) -> String {
    passed(&eval(&spec(), facts))
}
