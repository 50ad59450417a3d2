//! What the operator does on GitHub after a status is written: re-runs and commit statuses.
//!
//! Both are off unless the spec asks. A re-run is asked for by whoever wrote its record, once. A commit
//! status is set when what was read differs from what should be there.

use std::time::{Duration, Instant};

use kube::Resource;
use kube::runtime::events::{Event, EventType};

use super::Access;
use super::reconcile::Shared;
use crate::api::status::Rerun;
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority};
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::publish::{self, CommitStatus};

/// A list of commit statuses may lag behind by this much; nothing is set twice within it.
const LAG: Duration = Duration::from_secs(60);

/// Something that is changed on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Run the failed jobs of a run again, if it still is at this attempt.
    Rerun { repository: String, run: i64, attempt: i64 },
    /// Set a commit status.
    Status(CommitStatus),
}

/// Does it on GitHub.
pub(super) async fn carry_out(github: &GitHub, deed: &Deed) -> Result<(), Trouble> {
    match deed {
        Deed::Rerun { repository, run, attempt } => {
            let repo = Repo::new(github, repository, Ask::now(Priority::Gating));
            let now = repo.run(*run).await?;
            // Somebody else was faster.
            if now.run_attempt != *attempt || now.status != "completed" {
                return Ok(());
            }
            repo.rerun_failed_jobs(*run).await
        }
        Deed::Status(s) => {
            let repo = Repo::new(github, &s.repository, Ask::now(Priority::Gating));
            repo.set_status(&s.sha, &s.context, s.state, &s.description).await
        }
    }
}

/// What the controller remembers of its deeds for one report.
#[derive(Debug, Default)]
pub(super) struct Done {
    refused: Vec<(i64, i64, String)>,
    published: Option<(CommitStatus, Instant)>,
    warned: Option<String>,
}

impl Done {
    /// Puts refusals that the status does not tell yet into its records.
    pub fn tell(&self, status: &mut TestRunReportStatus) {
        for record in &mut status.reruns {
            let refusal = self.refused.iter().find(|(r, a, _)| *r == record.run_id && *a == record.attempt);
            if let (None, Some((_, _, why))) = (&record.refused, refusal) {
                record.refused = Some(why.clone());
            }
        }
    }
}

/// What follows from a status that was just written.
pub(super) async fn reruns(
    report: &TestRunReport,
    before: Option<&TestRunReportStatus>,
    after: &TestRunReportStatus,
    access: Option<&Access>,
    shared: &Shared,
) -> bool {
    let Some(access) = access else { return false };
    let mut refused = false;
    for (record, deed) in new_reruns(before, after) {
        tracing::info!(run = record.run_id, attempt = record.attempt, "asks for a re-run of the failed jobs");
        if let Err(trouble) = shared.observer.act(report, access.clone(), &deed).await {
            let why = format!("run {} was not re-run: {}", record.run_id, trouble.message);
            warn(report, "RerunRefused", &why, shared).await;
            let entry = (record.run_id, record.attempt, crate::verdict::text::clean(&why, 512));
            shared.memory.deeds(report, |d| d.refused.push(entry));
            refused = true;
        }
    }
    refused
}

/// Sets the commit status that the spec asks for, if GitHub does not show it.
pub(super) async fn publish(
    report: &TestRunReport,
    observations: &Observations,
    status: &TestRunReportStatus,
    access: Option<&Access>,
    shared: &Shared,
) {
    let due = publish::due(&report.spec, observations, status);
    let (Some(due), Some(access)) = (due, access) else { return };
    let fresh = |d: &mut Done| d.published.as_ref().is_some_and(|(s, at)| *s == due && at.elapsed() < LAG);
    if shared.memory.deeds(report, fresh) {
        return;
    }
    match shared.observer.act(report, access.clone(), &Deed::Status(due.clone())).await {
        Ok(()) => {
            tracing::info!(sha = due.sha, state = due.state, "published the verdict as a commit status");
            shared.memory.deeds(report, |d| {
                d.published = Some((due, Instant::now()));
                d.warned = None;
            });
        }
        Err(trouble) => warn(report, "PublishRefused", &trouble.message, shared).await,
    }
}

/// A warning event, once for each message.
async fn warn(report: &TestRunReport, reason: &str, message: &str, shared: &Shared) {
    let known =
        shared.memory.deeds(report, |d| d.warned.replace(message.to_owned()).as_deref() == Some(message));
    if known {
        return;
    }
    tracing::warn!("{reason}: {message}");
    let event = Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        note: Some(super::events::shortened(message)),
        action: "Act".to_owned(),
        secondary: None,
    };
    if let Err(error) = shared.recorder.publish(&event, &report.object_ref(&())).await {
        tracing::debug!("an event could not be recorded: {error}");
    }
}

/// The re-runs that a status asks for and the one before it did not.
fn new_reruns<'s>(
    before: Option<&TestRunReportStatus>,
    after: &'s TestRunReportStatus,
) -> Vec<(&'s Rerun, Deed)> {
    let known = before.map(|b| b.reruns.as_slice()).unwrap_or_default();
    let Some(source) = &after.source else { return Vec::new() };
    let is_new = |r: &&Rerun| {
        r.refused.is_none() && !known.iter().any(|k| k.run_id == r.run_id && k.attempt == r.attempt)
    };
    let deed =
        |r: &Rerun| Deed::Rerun { repository: source.repository.clone(), run: r.run_id, attempt: r.attempt };
    after.reruns.iter().filter(is_new).map(|r| (r, deed(r))).collect()
}
