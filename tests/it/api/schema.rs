//! Every part of the schema is bounded and described.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use testrun_operator::api;

/// The schema of the one version.
pub fn root() -> JSONSchemaProps {
    let crd = api::crd();
    assert_eq!(crd.spec.versions.len(), 1);
    crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap()
}

/// The schemas of all kinds, with their names.
fn roots() -> Vec<(String, JSONSchemaProps)> {
    let of = |d: api::Definition| {
        assert_eq!(d.crd.spec.versions.len(), 1);
        let schema = d.crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
        (d.crd.spec.names.kind, schema)
    };
    api::definitions().into_iter().map(of).collect()
}

/// Visits a schema and all below it, with paths such as `.spec.suites[].name`.
pub fn walk(schema: &JSONSchemaProps, path: &str, visit: &mut impl FnMut(&str, &JSONSchemaProps)) {
    visit(path, schema);
    for (name, property) in schema.properties.iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => walk(items, &format!("{path}[]"), visit),
        Some(JSONSchemaPropsOrArray::Schemas(_)) => panic!("{path} has items by position"),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        walk(values, &format!("{path}{{}}"), visit);
    }
}

/// What a part of the schema lacks.
fn faults(path: &str, schema: &JSONSchemaProps) -> Vec<String> {
    let mut faults = Vec::new();
    let kind = schema.type_.as_deref().unwrap_or_default();
    let limited = match kind {
        "array" => schema.max_items.is_some(),
        // An enum and a date are as long as they can be; a rule on quantity is not used here.
        "string" => {
            schema.max_length.is_some()
                || schema.enum_.is_some()
                || schema.format.as_deref() == Some("date-time")
        }
        "object" => schema.properties.is_some() || schema.max_properties.is_some() || path == ".metadata",
        "integer" | "boolean" => true,
        _ => false,
    };
    if !limited {
        faults.push(format!("{path}: a {kind:?} without a limit"));
    }
    let text = schema.description.as_deref().unwrap_or_default();
    let is_field = !path.ends_with(']') && !path.ends_with('}') && path != ".metadata";
    if is_field && !path.is_empty() && (text.len() < 5 || text.contains("wrapper around")) {
        faults.push(format!("{path}: no description"));
    }
    if schema.nullable.is_some() || schema.x_kubernetes_preserve_unknown_fields.is_some() {
        faults.push(format!("{path}: lets through what no one checks"));
    }
    if path.starts_with(".status.") && schema.default.is_some() {
        faults.push(format!("{path}: a default in the status is a fact that nobody saw"));
    }
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        if rule.message.as_deref().unwrap_or_default().len() < 20 {
            faults.push(format!("{path}: the rule {} has no message", rule.rule));
        }
    }
    faults
}

#[test]
fn every_part_of_the_schema_is_bounded_and_described() {
    let (mut found, mut parts) = (Vec::new(), 0);
    for (kind, root) in roots() {
        walk(&root, "", &mut |path, schema| {
            parts += 1;
            found.extend(faults(path, schema).into_iter().map(|f| format!("{kind}{f}")));
        });
    }
    assert!(parts > 200, "only {parts} parts were visited");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn lists_that_several_people_write_merge_by_their_key() {
    let mut keys = Vec::new();
    walk(&root(), "", &mut |path, schema| {
        if schema.x_kubernetes_list_type.as_deref() == Some("map") {
            keys.push(format!("{path} by {}", schema.x_kubernetes_list_map_keys.clone().unwrap().join("+")));
        }
    });
    keys.sort();
    let expected = [
        ".spec.checks by name", ".spec.gate.allow by job", ".spec.localResults by suite",
        ".spec.suites by name", ".status.conditions by type",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn the_walk_sees_what_is_missing() {
    let bare = |kind: &str| JSONSchemaProps { type_: Some(kind.to_owned()), ..Default::default() };
    for kind in ["array", "string", "object", "number", ""] {
        assert_eq!(faults(".spec.x", &bare(kind)).len(), 2, "{kind}");
    }
}
