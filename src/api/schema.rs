//! Schemas that the derive macros cannot express.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::spec::{GitHubSource, TestRunReportSpec};

/// Display names: at most 200, each a line of text.
pub(super) fn aliases_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 200,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 63},
        // A schema cannot bound the length of a key, a rule can.
        "x-kubernetes-validations": [{
            "rule": "self.all(name, name.size() >= 1 && name.size() <= 255)",
            "message": "an alias maps a job or matrix id of 1 to 255 characters to its display name; shorten the id",
        }],
    })
}

/// `metav1.Condition` with the limits of its Go definition, which k8s-openapi does not carry.
pub(super) fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "description": "Conditions in the form of metav1.Condition; types and reasons are documented in docs/conditions.md.",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {
                    "type": "string", "maxLength": 316,
                    "description": "Type of the condition in CamelCase.",
                    "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                },
                "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "True, False or Unknown."},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0, "description": "Generation of the spec that the condition was computed from."},
                "lastTransitionTime": {"type": "string", "format": "date-time", "description": "When the status last changed."},
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "description": "Why, as one word for programs.",
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "message": {"type": "string", "maxLength": 32768, "description": "Why, for people."},
            },
        },
    })
}

/// A field of a report where a set has the same.
fn field_of<T: JsonSchema>(generator: &mut SchemaGenerator, field: &str) -> Schema {
    let whole = T::json_schema(generator).to_value();
    let field = whole.get("properties").and_then(|all| all.get(field)).cloned();
    field.and_then(|value| Schema::try_from(value).ok()).unwrap_or_default()
}

/// `owner/name`.
pub(super) fn repository_schema(generator: &mut SchemaGenerator) -> Schema {
    field_of::<GitHubSource>(generator, "repository")
}

/// Name of a connection.
pub(super) fn connection_schema(generator: &mut SchemaGenerator) -> Schema {
    field_of::<GitHubSource>(generator, "connection")
}

/// Name of a branch.
pub(super) fn branch_schema(generator: &mut SchemaGenerator) -> Schema {
    field_of::<GitHubSource>(generator, "branch")
}

/// Fields of a report that a set does not pass on: it fills in the source, its own retention says when a report
/// ends, and who may write a set need not be who may waive.
const NOT_OF_A_TEMPLATE: [&str; 3] = ["source", "ttlAfterCompletion", "waivers"];

/// The spec of a report without what a set decides.
pub(super) fn template_spec_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = TestRunReportSpec::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !NOT_OF_A_TEMPLATE.contains(&name.as_str()));
    }
    schema.remove("required");
    schema
}

/// Labels and annotations of a template: at most 32, none of the operator's own.
fn marks(max: u32) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": max},
        "x-kubernetes-validations": [{
            "rule": "self.all(key, key.size() >= 1 && key.size() <= 317)",
            "message": "a key has 1 to 317 characters: a name of up to 63, and a prefix such as example.com/ before it",
        }, {
            "rule": "self.all(key, !key.startsWith('testrun.dev/'))",
            "message": "keys that begin with testrun.dev/ are the operator's own; choose another prefix",
        }],
    })
}

pub(super) fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    marks(120)
}

pub(super) fn annotations_schema(_: &mut SchemaGenerator) -> Schema {
    marks(1024)
}
