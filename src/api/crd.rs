//! The CustomResourceDefinition as it is shipped: derived from the types, plus what the derive
//! macros cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    ValidationRule,
};
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::conditions::{ConditionType, Reason};
use super::set::{MAX_SET_NAME, SetCondition, TestRunReportSet};
use super::spec::TestRunReport;
use super::waiver::TestRunWaiver;

/// The CRD of `TestRunReport`.
pub fn crd() -> CustomResourceDefinition {
    finished(
        TestRunReport::crd(),
        "TestRunReport collects the CI results of one commit, decides whether they pass, and says why. \
         Merge tooling reads its conditions.",
        Some(default_status()),
    )
}

/// Adds what the derive macros cannot say: what the kind is for, and what its status is before it has one.
fn finished(
    mut crd: CustomResourceDefinition,
    description: &str,
    status: Option<Value>,
) -> CustomResourceDefinition {
    for root in crd.spec.versions.iter_mut().filter_map(|v| v.schema.as_mut()?.open_api_v3_schema.as_mut()) {
        root.description = Some(description.to_owned());
        let Some(properties) = root.properties.as_mut() else { continue };
        if let Some((property, default)) = properties.get_mut("status").zip(status.clone()) {
            property.default = Some(JSON(default));
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
        Definition { file: "testrun.dev_testrunreportsets.yaml", crd: sets() },
        Definition { file: "testrun.dev_testrunwaivers.yaml", crd: waivers() },
    ]
}

/// The CRD of `TestRunWaiver`.
fn waivers() -> CustomResourceDefinition {
    finished(
        TestRunWaiver::crd(),
        "TestRunWaiver excuses failures, each by name and until a time, in the TestRunReports of its \
         namespace that are about one of its repositories.",
        None,
    )
}

/// The CRD of `TestRunReportSet`.
fn sets() -> CustomResourceDefinition {
    let mut crd = finished(
        TestRunReportSet::crd(),
        "TestRunReportSet makes a TestRunReport from a template for each open pull request that it selects, \
         keeps it as the template says, and removes it after the pull request was closed.",
        Some(default_set_status()),
    );
    // Names of reports begin with it, and it is the value of a label.
    let rule = ValidationRule {
        rule: format!("self.metadata.name.size() <= {MAX_SET_NAME}"),
        message: Some(format!(
            "the name of a set has at most {MAX_SET_NAME} characters; choose a shorter one"
        )),
        ..ValidationRule::default()
    };
    for root in crd.spec.versions.iter_mut().filter_map(|v| v.schema.as_mut()?.open_api_v3_schema.as_mut()) {
        root.x_kubernetes_validations.get_or_insert_default().push(rule.clone());
    }
    crd
}

/// The status of a report that no operator has looked at. Without it, tools that compute readiness
/// (kstatus, and so Flux and Helm) call a report without a status ready.
fn default_status() -> Value {
    let conditions = [
        waiting(ConditionType::Ready.as_str(), "Unknown", "report"),
        waiting(ConditionType::Passed.as_str(), "Unknown", "report"),
        waiting(ConditionType::Reconciling.as_str(), "True", "report"),
    ];
    json!({"observedGeneration": -1, "phase": "Pending", "conditions": conditions})
}

/// The same for a set.
fn default_set_status() -> Value {
    let conditions = [
        waiting(SetCondition::Ready.as_str(), "Unknown", "set"),
        waiting(SetCondition::Reconciling.as_str(), "True", "set"),
    ];
    json!({"observedGeneration": -1, "conditions": conditions})
}

fn waiting(kind: &str, status: &str, what: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "reason": Reason::NotReconciled.as_str(),
        "message": format!("waiting for testrun-operator to look at this {what}"),
        "lastTransitionTime": "1970-01-01T00:00:00Z",
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
