//! Waivers that reports share, under rights of their own: who may write a report need not be who may excuse
//! its failures.

// Each printer column has a type of its own; the lint takes them for one attribute written twice.
#![allow(clippy::duplicated_attributes)]

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::spec::Waiver;

/// Failures that are excused in the reports of this namespace.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "testrun.dev",
    version = "v1alpha1",
    kind = "TestRunWaiver",
    namespaced,
    derive = "PartialEq",
    shortname = "trw",
    category = "testrun",
    doc = "TestRunWaiver excuses failures, each by name and until a time, in the TestRunReports of its namespace that are about one of its repositories.",
    printcolumn(name = "Repositories", type_ = "string", json_path = ".spec.repositories"),
    printcolumn(name = "Jobs", type_ = "string", json_path = ".spec.waivers[*].job"),
    printcolumn(name = "Tests", type_ = "string", json_path = ".spec.waivers[*].test"),
    printcolumn(name = "Until", type_ = "string", json_path = ".spec.waivers[*].expiresAt"),
    printcolumn(name = "Workflows", type_ = "string", json_path = ".spec.waivers[*].workflow", priority = 1),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.waivers[*].approver", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct TestRunWaiverSpec {
    /// Repositories whose reports it is for: `owner/name`, or `owner/*` for all of an owner.
    #[schemars(length(min = 1, max = 32), inner(length(min = 3, max = 140)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new("self.all(r, r.matches('^[A-Za-z0-9][A-Za-z0-9-]{0,38}/([A-Za-z0-9._-]{1,100}|[*])$'))")
            .message("name repositories as owner/name, or owner/* for all of an owner")
    )]
    pub repositories: Vec<String>,

    /// What is excused.
    #[schemars(length(min = 1, max = 64))]
    pub waivers: Vec<Waiver>,
}
