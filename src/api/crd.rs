//! The CustomResourceDefinition as it is shipped: derived from the types, plus what the derive
//! macros cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::conditions::{ConditionType, Reason};
use super::spec::TestRunReport;

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
        for property in properties.values_mut() {
            tidy(property);
        }
    }
    crd
}

/// The CRD as the YAML file that is checked in, installed and printed.
pub fn crd_yaml() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
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
fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for (name, property) in schema.properties.iter_mut().flatten() {
        // Lists that other writers may add to carry their keys; those of the spec are replaced whole.
        let _ = name;
        tidy(property);
    }
    if let Some(values) = schema.enum_.as_mut() {
        values.retain(|v| !v.0.is_null());
    }
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    };
    match schema.items.as_mut() {
        Some(JSONSchemaPropsOrArray::Schema(items)) => tidy(items),
        Some(JSONSchemaPropsOrArray::Schemas(all)) => all.iter_mut().for_each(tidy),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = schema.additional_properties.as_mut() {
        tidy(values);
    }
}
