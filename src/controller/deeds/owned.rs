//! Objects that a report owns: found again by a name made of the report's, and told from those of others.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Resource, ResourceExt};
use sha2::{Digest, Sha256};

use crate::api::{FIELD_MANAGER, TestRunReport};

/// Label of what this operator makes.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Longest name of an object.
const NAME: usize = 253;

/// How an attempt ended that is no problem for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::controller) enum Reflected {
    /// It is as it should be.
    Shown,
    /// Somebody was faster, or the report moved on: another look is due.
    Overtaken,
}

pub(super) fn owner(report: &TestRunReport) -> OwnerReference {
    OwnerReference {
        api_version: TestRunReport::api_version(&()).into_owned(),
        kind: TestRunReport::kind(&()).into_owned(),
        name: report.name_any(),
        uid: report.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

/// Made for this report, or for a deleted one of its name.
pub(super) fn is_ours(object: &impl ResourceExt, report: &TestRunReport) -> bool {
    object.owner_references().iter().any(|o| of_report(o) && o.name == report.name_any())
        && object.labels().get(MANAGED_BY).is_some_and(|by| by == FIELD_MANAGER)
}

pub(super) fn of_report(owner: &OwnerReference) -> bool {
    owner.controller == Some(true)
        && owner.kind == TestRunReport::kind(&())
        && owner.api_version == TestRunReport::api_version(&())
}

/// One object for a report, found again by its name.
pub(super) fn name(prefix: &str, report: &TestRunReport) -> String {
    let plain = format!("{prefix}-{}", report.name_any());
    if plain.len() <= NAME {
        return plain;
    }
    let digest = Sha256::digest(report.name_any());
    let mark: String = digest.iter().take(5).map(|b| format!("{b:02x}")).collect();
    // Names are ASCII.
    format!("{}-{mark}", plain.get(..NAME - 11).unwrap_or_default().trim_end_matches(['-', '.']))
}

pub(super) fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// To delete what was read, and nothing that came in its place.
pub(super) fn only_this(object: &impl ResourceExt) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions { uid: object.uid(), resource_version: object.resource_version() }),
        ..DeleteParams::default()
    }
}

/// A refusal that only says that somebody else was faster is none.
pub(super) fn overtaken<T>(result: Result<T, kube::Error>) -> Result<Reflected, kube::Error> {
    match result {
        Ok(_) => Ok(Reflected::Shown),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.reason == "NotFound" => {
            Ok(Reflected::Overtaken)
        }
        // Two that were created at once.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(Reflected::Overtaken),
        Err(error) => Err(error),
    }
}

/// Whether an error of the API server may pass by itself: it is no answer to what was asked.
pub(super) fn passes(error: &kube::Error) -> bool {
    !matches!(error, kube::Error::Api(status) if status.code < 500 && status.code != 429)
}
