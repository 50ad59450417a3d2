//! Schemas that the derive macros cannot express.

use schemars::{Schema, SchemaGenerator, json_schema};

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
