//! Whose a report is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};

use crate::api::set::{DeletionPolicy, SET_UID};
use crate::api::{TestRunReport, TestRunReportSet};
use crate::cache::Kept;

/// The owner reference of a report of the set; None where its reports outlive it.
pub fn owner_reference(set: &TestRunReportSet) -> Option<OwnerReference> {
    let kept = set.spec.retention.deletion_policy == DeletionPolicy::Keep;
    (!kept).then(|| OwnerReference {
        api_version: TestRunReportSet::api_version(&()).into_owned(),
        kind: TestRunReportSet::kind(&()).into_owned(),
        name: set.name_any(),
        uid: set.uid().unwrap_or_default(),
        controller: Some(true),
        // It would need a right on finalizers of sets.
        block_owner_deletion: None,
    })
}

/// The set that a report says it is of: its name if it is owned, and its uid.
pub fn set_of(report: &TestRunReport) -> Option<(Option<&str>, &str)> {
    let meta = report.meta();
    let controller = meta.owner_references.iter().flatten().find(|o| o.controller == Some(true));
    match controller {
        Some(owner) if is_set(&owner.api_version, &owner.kind) => Some((Some(&owner.name), &owner.uid)),
        Some(_) => None,
        None => meta.annotations.as_ref()?.get(SET_UID).map(|uid| (None, uid.as_str())),
    }
}

/// Whether a report is of this very set: one of the same name that was made anew is another.
pub fn is_owned(report: &TestRunReport, set: &TestRunReportSet) -> bool {
    let uid = set.meta().uid.as_deref().filter(|uid| !uid.is_empty());
    uid.is_some() && set_of(report).map(|(_, of)| of) == uid
}

/// The same of one that is kept packed.
pub fn is_of(report: &Kept, set: &TestRunReportSet) -> bool {
    let uid = set.meta().uid.as_deref().filter(|uid| !uid.is_empty());
    uid.is_some() && report.facts().made.as_ref().map(|made| &*made.set) == uid
}

fn is_set(api_version: &str, kind: &str) -> bool {
    kind == TestRunReportSet::kind(&()) && api_version.split('/').next() == Some(crate::api::GROUP)
}

/// Whose a report is, for people.
pub fn owner_of(report: &TestRunReport) -> String {
    let controller = report.meta().owner_references.iter().flatten().find(|o| o.controller == Some(true));
    match controller {
        Some(owner) if is_set(&owner.api_version, &owner.kind) => format!("the set {}", owner.name),
        Some(owner) => format!("{} {}", owner.kind, owner.name),
        None if report.annotations().contains_key(SET_UID) => "a set that is gone".to_owned(),
        None => "a report that no set made".to_owned(),
    }
}
