//! Carries out what was planned: each write onto exactly what the plan was made of.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::super::write::within;
use crate::api::set::SET_UID;
use crate::api::{FIELD_MANAGER, TestRunReport, TestRunReportSet};
use crate::cache::Kept;
use crate::leader::Work;
use crate::sets::{Plan, Taken, Update, Wanted, is_owned, owner_of, owner_reference};
use crate::verdict::text::clean;

/// Writes of one set in one go; the status says in between how far it is.
const MAX_WRITES: usize = 200;
/// Writes of one set at the same time.
const AT_ONCE: usize = 8;
/// Refusals after which the rest is not tried: they mostly are of one kind.
const MAX_REFUSED: usize = 5;
/// A version that no object has. An apply with it makes what is not there, and is a conflict with what is there:
/// nothing else makes an apply keep its hands off an object that somebody made a moment before.
const NEVER: &str = "1";

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub created: usize,
    pub changed: usize,
    pub removed: usize,
    /// Planned, and not done yet.
    pub left: usize,
    pub taken: Vec<Taken>,
    /// What the API server refuses, and its words.
    pub refused: Vec<(String, String)>,
    /// Another replica works on the set by now.
    pub lost: bool,
}

enum Step {
    Make(Wanted),
    Change(Update),
    Remove(std::sync::Arc<Kept>),
}

enum Done {
    Created,
    Changed,
    Removed,
    /// It is there already, or somebody else was faster.
    Later,
    Taken(Taken),
    Refused(String, String),
    Lost,
}

/// Makes, changes and removes reports, as many as go into one go.
pub(super) async fn carry(
    api: &Api<TestRunReport>,
    set: &TestRunReportSet,
    plan: Plan,
    work: &Work,
) -> Result<Carried, kube::Error> {
    let makes = plan.create.into_iter().map(Step::Make);
    let changes = plan.update.into_iter().map(Step::Change);
    let removes = plan.prune.into_iter().map(Step::Remove);
    let steps: Vec<Step> = makes.chain(changes).chain(removes).collect();
    let mut carried =
        Carried { left: steps.len().saturating_sub(MAX_WRITES), taken: plan.taken, ..Carried::default() };
    let mut running = stream::iter(steps.into_iter().take(MAX_WRITES))
        .map(|step| step_of(api, set, step, work))
        .buffer_unordered(AT_ONCE);
    while let Some(done) = running.next().await {
        match done? {
            Done::Created => carried.created += 1,
            Done::Changed => carried.changed += 1,
            Done::Removed => carried.removed += 1,
            Done::Later => carried.left += 1,
            Done::Taken(taken) => carried.taken.push(taken),
            Done::Refused(name, why) => carried.refused.push((name, why)),
            Done::Lost => carried.lost = true,
        }
        if carried.lost || carried.refused.len() >= MAX_REFUSED {
            break;
        }
    }
    Ok(carried)
}

async fn step_of(
    api: &Api<TestRunReport>,
    set: &TestRunReportSet,
    step: Step,
    work: &Work,
) -> Result<Done, kube::Error> {
    if !work.may_write() {
        return Ok(Done::Lost);
    }
    match step {
        Step::Make(wanted) => match apply(api, set, &wanted, None).await {
            Ok(()) => Ok(Done::Created),
            Err(kube::Error::Api(status)) if status.is_conflict() => there(api, set, wanted.name).await,
            Err(error) => refused(wanted.name, error),
        },
        Step::Change(Update { report, wanted }) if outlives(set, &report) => match release(api, set, &report)
            .await
        {
            Ok(()) => Ok(Done::Later),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(Done::Later),
            Err(error) => refused(wanted.name, error),
        },
        Step::Change(Update { report, wanted }) => match apply(api, set, &wanted, Some(&report)).await {
            Ok(()) => Ok(Done::Changed),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(Done::Later),
            Err(error) => refused(wanted.name, error),
        },
        Step::Remove(report) => {
            let preconditions =
                Preconditions { uid: report.uid(), resource_version: report.resource_version() };
            let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
            let name = report.name_any();
            match within(api.delete(&name, &parameters)).await {
                Ok(_) => Ok(Done::Removed),
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Done::Removed),
                Err(kube::Error::Api(status)) if status.is_conflict() => Ok(Done::Later),
                Err(error) => refused(name, error),
            }
        }
    }
}

/// Applies a report: onto the version that was read, or onto nothing.
async fn apply(
    api: &Api<TestRunReport>,
    set: &TestRunReportSet,
    wanted: &Wanted,
    onto: Option<&TestRunReport>,
) -> kube::Result<()> {
    let metadata = ObjectMeta {
        name: Some(wanted.name.clone()),
        labels: Some(wanted.labels.clone()),
        annotations: Some(wanted.annotations.clone()),
        owner_references: owner_reference(set).map(|owner| vec![owner]),
        uid: onto.and_then(ResourceExt::uid),
        resource_version: onto.map_or(Some(NEVER.to_owned()), ResourceExt::resource_version),
        ..ObjectMeta::default()
    };
    let object = json!({
        "apiVersion": TestRunReport::api_version(&()),
        "kind": TestRunReport::kind(&()),
        "metadata": metadata,
        "spec": wanted.spec,
    });
    // What others wrote into fields of the template is put right; what they added stays theirs.
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    within(api.patch(&wanted.name, &parameters, &Patch::Apply(object))).await.map(|_| ())
}

/// A report has an owner reference that it must not have any more.
fn outlives(set: &TestRunReportSet, report: &TestRunReport) -> bool {
    let uid = set.uid().unwrap_or_default();
    owner_reference(set).is_none() && report.owner_references().iter().any(|owner| owner.uid == uid)
}

/// Takes the owner reference away, whoever wrote it: an apply would leave one that somebody else wrote too.
async fn release(
    api: &Api<TestRunReport>,
    set: &TestRunReportSet,
    report: &TestRunReport,
) -> kube::Result<()> {
    let uid = set.uid().unwrap_or_default();
    let owners: Vec<_> = report.owner_references().iter().filter(|owner| owner.uid != uid).collect();
    let change = json!({"metadata": {"uid": report.uid(), "resourceVersion": report.resource_version(),
        "ownerReferences": owners, "annotations": {SET_UID: uid}}});
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    within(api.patch(&report.name_any(), &parameters, &Patch::Merge(change))).await.map(|_| ())
}

/// What has the name of a report that was to be made.
async fn there(api: &Api<TestRunReport>, set: &TestRunReportSet, name: String) -> Result<Done, kube::Error> {
    Ok(match within(api.get_opt(&name)).await? {
        Some(report) if !is_owned(&report, set) => Done::Taken(Taken { by: owner_of(&report), name }),
        _ => Done::Later,
    })
}

/// Tells a refusal, which is for people, from trouble, which passes.
fn refused(name: String, error: kube::Error) -> Result<Done, kube::Error> {
    match error {
        kube::Error::Api(status) if matches!(status.code, 400 | 403 | 404 | 405 | 422) => {
            Ok(Done::Refused(name, clean(&status.message, 512)))
        }
        error => Err(error),
    }
}

impl Carried {
    /// Names that others have.
    pub fn names_taken(&self) -> BTreeSet<String> {
        self.taken.iter().map(|t| t.name.clone()).collect()
    }
}
