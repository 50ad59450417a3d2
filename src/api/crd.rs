//! The CustomResourceDefinition as it is shipped: derived from the types, plus what the derive
//! macros cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::conditions::{ConditionType, Reason};
use super::spec::TestRunReport;
use super::waiver::TestRunWaiver;

/// The CRD of `TestRunReport`.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = TestRunReport::crd();
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) else {
            continue;
        };
        root.description = Some(
            "TestRunReport collects the CI results of one commit, decides whether they pass, and says why. \
             Merge tooling reads its conditions."
                .to_owned(),
        );
        let Some(properties) = root.properties.as_mut() else { continue };
        if let Some(status) = properties.get_mut("status") {
            status.default = Some(JSON(default_status()));
            status.nullable = None;
        }
        for (name, property) in properties.iter_mut() {
            tidy(property, name == "status");
        }
    }
    crd
}

/// The CRD of `TestRunReport` as the YAML file that is checked in, installed and printed.
pub fn crd_yaml() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
}

/// A CRD and its file below `crds/` and the chart.
pub struct Definition {
    /// Name of the file.
    pub file: &'static str,
    pub crd: CustomResourceDefinition,
}

impl Definition {
    /// The content of the file.
    pub fn yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        serde_saphyr::to_string(&self.crd)
    }
}

/// All CRDs, that of the reports first.
pub fn definitions() -> Vec<Definition> {
    vec![
        Definition { file: "testrun.dev_testrunreports.yaml", crd: crd() },
        Definition { file: "testrun.dev_testrunwaivers.yaml", crd: waivers() },
    ]
}

/// The CRD of `TestRunWaiver`.
fn waivers() -> CustomResourceDefinition {
    let mut crd = TestRunWaiver::crd();
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) else {
            continue;
        };
        root.description = Some(
            "TestRunWaiver excuses failures, each by name and until a time, in the TestRunReports of its \
             namespace that are about one of its repositories."
                .to_owned(),
        );
        for property in root.properties.iter_mut().flat_map(|all| all.values_mut()) {
            tidy(property, false);
        }
    }
    crd
}

/// The status of a report that no operator has looked at. Without it, tools that compute readiness
/// (kstatus, and so Flux and Helm) call a report without a status ready.
fn default_status() -> serde_json::Value {
    let waiting = |kind: ConditionType, status: &str| {
        json!({
            "type": kind.as_str(),
            "status": status,
            "reason": Reason::NotReconciled.as_str(),
            "message": "waiting for testrun-operator to look at this report",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        })
    };
    json!({
        "observedGeneration": -1,
        "phase": "Pending",
        "conditions": [
            waiting(ConditionType::Ready, "Unknown"),
            waiting(ConditionType::Passed, "Unknown"),
            waiting(ConditionType::Reconciling, "True"),
        ],
    })
}

/// Makes optional fields plain optional: `nullable` would store an explicit null that CEL's `has`
/// does not see, and a null has no meaning here.
///
/// In the status no field has a default but the status itself: the operator writes what it means,
/// and a server that filled in zeros would report counts that nobody made.
fn tidy(schema: &mut JSONSchemaProps, in_status: bool) {
    schema.nullable = None;
    for property in schema.properties.iter_mut().flat_map(|all| all.values_mut()) {
        if in_status {
            property.default = None;
        }
        tidy(property, in_status);
    }
    if let Some(values) = schema.enum_.as_mut() {
        values.retain(|v| !v.0.is_null());
    }
    match schema.items.as_mut() {
        Some(JSONSchemaPropsOrArray::Schema(items)) => tidy(items, in_status),
        Some(JSONSchemaPropsOrArray::Schemas(all)) => all.iter_mut().for_each(|items| tidy(items, in_status)),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = schema.additional_properties.as_mut() {
        tidy(values, in_status);
    }
}
