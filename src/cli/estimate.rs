//! How long it may still take: by how long jobs of these names took before, where there is a history to ask.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::cluster::ClusterArgs;
use super::history::{Failure, Place};
use super::render::text::took;
use crate::api::TestRunReport;
use crate::api::status::{JobStatus, TestRunReportStatus};
use crate::history::{Asked, Execution, Of};

/// Newest results of a job that are looked at.
const NEWEST: i64 = 50;
/// Passes that must be known of a job before it says anything.
const ENOUGH: usize = 3;
/// Jobs that are asked for.
const MOST: usize = 200;

/// Repository and name of a job.
type Job = (String, String);

/// Seconds that the middle half of a job's passes took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usual {
    least: i64,
    most: i64,
}

impl Usual {
    fn of(results: &[Execution]) -> Option<Self> {
        let passed = results.iter().filter(|r| r.passed() == Some(true));
        let mut seconds: Vec<i64> = passed.filter_map(|r| r.seconds).collect();
        seconds.sort_unstable();
        let at = |quarter: usize| seconds.get((seconds.len() - 1) * quarter / 4).copied();
        if seconds.len() < ENOUGH {
            return None;
        }
        Some(Self { least: at(1)?, most: at(3)? })
    }
}

/// Seconds that are left, at least and at most, as far as the past tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    least: i64,
    most: i64,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (_, 0) => f.write_str("longer than usual"),
            (least, most) if least == most => f.write_str(&took(most)),
            (0, most) => write!(f, "up to {}", took(most)),
            (least, most) => write!(f, "{} to {}", took(least), took(most)),
        }
    }
}

/// What is known of jobs, and when each was first seen to run.
#[derive(Debug, Default)]
pub(super) struct Estimates {
    ask: Option<mpsc::UnboundedSender<Job>>,
    asked: BTreeSet<Job>,
    usual: BTreeMap<Job, Usual>,
    since: BTreeMap<(String, i64), Timestamp>,
}

/// What came of a question: how long a job takes, where enough is known, or why there is no answer.
pub(super) struct Told(Result<(Job, Option<Usual>), String>);

impl Estimates {
    /// Asks in the background, so that nothing that is shown waits for it. Nothing where no history is named.
    pub fn start(place: &Place, cluster: &ClusterArgs) -> (Self, mpsc::UnboundedReceiver<Told>) {
        let (tell, told) = mpsc::unbounded_channel();
        if !place.is_given() {
            return (Self::default(), told);
        }
        let (ask, mut wanted) = mpsc::unbounded_channel::<Job>();
        let (place, cluster) = (place.clone(), cluster.clone());
        tokio::spawn(async move {
            while let Some(job) = wanted.recv().await {
                let found = usual(&place, &cluster, &job).await;
                let end = found.is_err();
                if tell.send(Told(found.map(|usual| (job, usual)))).is_err() || end {
                    return;
                }
            }
        });
        (Self { ask: Some(ask), ..Self::default() }, told)
    }

    /// Takes in a report: what it runs is asked for, once.
    pub fn see(&mut self, report: &TestRunReport, now: Timestamp) {
        let Some(status) = &report.status else { return };
        for job in jobs(status).filter(|j| j.state == "Running") {
            if let Some(id) = job.id.filter(|_| !is_queued(job)) {
                self.since.entry((job.name.clone(), id)).or_insert(now);
            }
        }
        let Some(ask) = &self.ask else { return };
        for job in jobs(status).filter(|j| is_open(j)) {
            let key = key(status, job);
            if self.asked.len() < MOST && self.asked.insert(key.clone()) {
                // Whoever answered has given up by now, and has said why.
                let _ = ask.send(key);
            }
        }
    }

    /// Takes in an answer; an error is for people, and the last of them.
    pub fn hear(&mut self, told: Told) -> Result<(), String> {
        let (job, usual) = told.0?;
        self.usual.extend(usual.map(|usual| (job, usual)));
        Ok(())
    }

    /// How long a report may still take; None where nobody knows.
    pub fn left(&self, report: &TestRunReport, now: Timestamp) -> Option<Left> {
        let status = report.status.as_ref()?;
        let first = status.source.as_ref()?.resolved_at.as_ref()?.0;
        let seconds = |since: Timestamp| now.duration_since(since).as_secs().max(0);
        let (mut least, mut running, mut waiting) = (0, None::<i64>, None::<i64>);
        for job in jobs(status) {
            if !is_open(job) {
                // A person has to do something, or GitHub has to say what it is.
                if matches!(job.state.as_str(), "ActionRequired" | "Unknown") {
                    return None;
                }
                continue;
            }
            let usual = self.usual.get(&key(status, job))?;
            if job.state == "Missing" || is_queued(job) {
                least = least.max(usual.least);
                waiting = waiting.max(Some(usual.most));
                continue;
            }
            // It runs since it was seen to at the latest, and since the commit was first seen at the earliest.
            let id = job.id.unwrap_or_default();
            let seen = self.since.get(&(job.name.clone(), id)).map_or(0, |since| seconds(*since));
            least = least.max(usual.least - seconds(first));
            running = running.max(Some((usual.most - seen).max(0)));
        }
        if running.is_none() && waiting.is_none() {
            return None;
        }
        // What has not begun may wait for what runs.
        Some(Left { least, most: running.unwrap_or(0) + waiting.unwrap_or(0) })
    }
}

async fn usual(
    place: &Place,
    cluster: &ClusterArgs,
    (repository, job): &Job,
) -> Result<Option<Usual>, String> {
    let mut asked = Asked {
        namespace: String::new(),
        of: Of::Job(job.clone()),
        repository: repository.clone(),
        branch: String::new(),
        limit: NEWEST,
        before: None,
    };
    match place.page(cluster, &mut asked).await {
        Ok(answer) => Ok(Usual::of(&answer.results)),
        Err(Failure::Usage(why)) => Err(why),
        Err(Failure::Other(error)) => Err(format!("{error:#}")),
    }
}

fn jobs(status: &TestRunReportStatus) -> impl Iterator<Item = &JobStatus> {
    status.suites.iter().flat_map(|s| &s.jobs)
}

fn is_open(job: &JobStatus) -> bool {
    matches!(job.state.as_str(), "Running" | "Missing")
}

/// GitHub has no machine for it yet.
fn is_queued(job: &JobStatus) -> bool {
    job.detail.as_deref().is_some_and(|d| matches!(d, "queued" | "requested" | "pending"))
}

fn key(status: &TestRunReportStatus, job: &JobStatus) -> Job {
    let repository = status.source.as_ref().map(|s| s.repository.clone()).unwrap_or_default();
    (repository, job.name.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-02T03:{time}Z").parse().unwrap()
    }

    fn report(jobs: &[(&str, &str, &str)]) -> TestRunReport {
        let jobs: Vec<_> = jobs
            .iter()
            .zip(1..)
            .map(|((name, state, detail), id)| {
                serde_json::json!({"name": name, "state": state, "id": id,
                    "detail": Some(*detail).filter(|d| !d.is_empty())})
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": "pr-20"},
            "spec": {"source": {"github": {"repository": "acme/shop", "pullRequest": 20}}},
            "status": {"source": {"repository": "acme/shop", "sha": "a", "resolvedAt": "2026-01-02T03:00:00Z"},
                "suites": [{"name": "CI", "jobs": jobs}]}}))
        .unwrap()
    }

    fn known(all: &[(&str, i64, i64)]) -> Estimates {
        let usual = |&(name, least, most): &(&str, i64, i64)| {
            (("acme/shop".to_owned(), name.to_owned()), Usual { least, most })
        };
        Estimates { usual: all.iter().map(usual).collect(), ..Estimates::default() }
    }

    #[test]
    fn the_middle_half_of_passes_is_what_is_usual() {
        let ran = |seconds: i64, result: &str| Execution {
            result: result.into(),
            seconds: Some(seconds),
            ..Execution::default()
        };
        let mut all: Vec<Execution> = [100, 900, 120, 110, 130].map(|s| ran(s, "success")).into();
        all.push(ran(5, "failure"));
        assert_eq!(Usual::of(&all), Some(Usual { least: 110, most: 130 }));
        assert_eq!(Usual::of(all.get(..2).unwrap()), None, "two say nothing");
        assert_eq!(Usual::of(&[]), None);
    }

    #[test]
    fn what_is_left_is_a_range_or_nothing() {
        let mut estimates = known(&[("unit", 240, 300), ("e2e", 600, 720)]);
        let one = report(&[("unit", "Running", ""), ("lint", "Succeeded", "")]);
        // Seen from minute one on: it runs for no less than that, and no longer than since the commit was there.
        estimates.see(&one, at("01:00"));
        let left = |e: &Estimates, r: &TestRunReport, t: &str| e.left(r, at(t)).map(|l| l.to_string());
        assert_eq!(left(&estimates, &one, "02:00").as_deref(), Some("2m0s to 4m0s"));
        assert_eq!(left(&estimates, &one, "05:30").as_deref(), Some("up to 30s"));
        assert_eq!(left(&estimates, &one, "06:30").as_deref(), Some("longer than usual"));
        // What has not begun comes after it, or beside it.
        let two = report(&[("unit", "Running", ""), ("e2e", "Missing", "")]);
        assert_eq!(left(&estimates, &two, "02:00").as_deref(), Some("10m0s to 16m0s"));
        let queued = report(&[("unit", "Running", "queued")]);
        assert_eq!(left(&estimates, &queued, "02:00").as_deref(), Some("4m0s to 5m0s"));
        for nothing in [
            report(&[("unit", "Running", ""), ("never ran before", "Running", "")]),
            report(&[("unit", "Running", ""), ("deploy", "ActionRequired", "")]),
            report(&[("unit", "Succeeded", "")]),
            report(&[]),
        ] {
            assert_eq!(left(&estimates, &nothing, "02:00"), None);
        }
    }
}
