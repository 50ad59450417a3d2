//! Waivers that may excuse something in a report: those of its spec, and lists that reports of its
//! namespace share.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::belongs::glob;
use super::conditions::status_of;
use super::items::Item;
use super::plan::names_workflow;
use super::text::clean;
use crate::api::conditions::ConditionType;
use crate::api::spec::{TestRunReportSpec, Waiver};
use crate::api::status::{TestRunReportStatus, Waived};

/// Characters of a name in a status.
const TEXT: usize = 255;
/// Waivers that a status names; where it is full, there may be more.
pub(super) const MOST: usize = 32;

/// A list of waivers that the reports of a namespace share.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// Name of the `TestRunWaiver`.
    pub name: String,
    /// Globs of repositories (`owner/name`) whose reports it is for.
    pub repositories: Vec<String>,
    pub waivers: Vec<Waiver>,
}

/// Where waivers come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waivers<'a> {
    /// Those of the spec do not count: the administrator tells who writes reports from who waives.
    pub ignore_own: bool,
    /// Lists of the report's namespace.
    pub shared: &'a [Shared],
}

/// A waiver that counts, and the list that it is from; none for the spec's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Granted<'a> {
    pub waiver: &'a Waiver,
    pub from: Option<&'a str>,
}

impl Granted<'_> {
    /// Whether it names this job.
    pub fn is_for(&self, item: &Item<'_>) -> bool {
        self.waiver.job.as_deref() == Some(item.name.as_str())
    }

    /// Whether it holds in the workflow of this job. What has no workflow, as checks of other apps, is in none.
    pub fn holds_in(&self, item: &Item<'_>) -> bool {
        self.waiver
            .workflow
            .as_deref()
            .is_none_or(|w| !w.is_empty() && names_workflow(w, item.workflow, item.path))
    }

    /// What is told of it in a status.
    pub fn told(&self, job: &str) -> Waived {
        Waived {
            job: clean(job, TEXT),
            test: self.waiver.test.as_deref().map(|t| clean(t, TEXT)),
            workflow: self.waiver.workflow.as_deref().map(|w| clean(w, TEXT)),
            approver: clean(&self.waiver.approver, 100),
            ticket: self.waiver.ticket.as_deref().map(|t| clean(t, 100)),
            expires_at: Time(self.waiver.expires_at.0),
            from: self.from.map(|f| clean(f, 253)),
        }
    }

    fn is(&self, told: &Waived) -> bool {
        let named = match &told.test {
            Some(test) => self.waiver.test.as_ref().is_some_and(|t| clean(t, TEXT) == *test),
            None => self.waiver.job.as_ref().is_some_and(|j| clean(j, TEXT) == told.job),
        };
        let workflow = self.waiver.workflow.as_deref().map(|w| clean(w, TEXT));
        named
            && workflow == told.workflow
            && self.from == told.from.as_deref()
            && self.waiver.expires_at.0 == told.expires_at.0
    }
}

/// The waivers that count for a report about this repository.
pub(super) fn granted<'a>(
    spec: &'a TestRunReportSpec,
    waivers: Waivers<'a>,
    repository: &str,
) -> Vec<Granted<'a>> {
    let repository = repository.to_ascii_lowercase();
    let own = spec.waivers.iter().filter(|_| !waivers.ignore_own);
    let fits = |s: &&Shared| s.repositories.iter().any(|g| glob(&g.to_ascii_lowercase(), &repository));
    let shared = waivers.shared.iter().filter(fits);
    own.map(|waiver| Granted { waiver, from: None })
        .chain(shared.flat_map(|s| {
            s.waivers.iter().map(move |waiver| Granted { waiver, from: Some(s.name.as_str()) })
        }))
        .collect()
}

/// Whether a pass rests on a waiver that has ended, or is no longer there. Nobody can tell what is left of
/// the verdict without a fresh read.
pub(crate) fn ended(
    spec: &TestRunReportSpec,
    waivers: Waivers<'_>,
    status: &TestRunReportStatus,
    now: Timestamp,
) -> bool {
    if status_of(status, ConditionType::Passed) != Some("True") || status.waived.is_empty() {
        return false;
    }
    let repository = status.source.as_ref().map(|s| s.repository.as_str()).unwrap_or_default();
    let granted = granted(spec, waivers, repository);
    let cut = status.waived.len() >= MOST;
    cut || status.waived.iter().any(|told| told.expires_at.0 <= now || !granted.iter().any(|g| g.is(told)))
}

/// When the first of the waivers that count now ends.
pub(crate) fn next_end(
    spec: &TestRunReportSpec,
    waivers: Waivers<'_>,
    repository: &str,
    now: Timestamp,
) -> Option<Timestamp> {
    granted(spec, waivers, repository).iter().map(|g| g.waiver.expires_at.0).filter(|t| *t > now).min()
}
