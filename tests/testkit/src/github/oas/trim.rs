//! Trimming of a full description: the listed operations, what they refer to, nothing else.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Annotations that say nothing about validity.
const PROSE: [&str; 9] = [
    "description", "example", "examples", "summary", "externalDocs", "tags", "title", "headers", "deprecated",
];

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The operations of `list` ("METHOD path" a line, `#` comments), with all they refer to.
///
/// Operations that this edition does not have are left out.
pub(super) fn operations(full: &Value, list: &str) -> Value {
    let mut paths = Map::new();
    for line in lines(list) {
        let Some((method, path)) = line.split_once(' ') else {
            continue;
        };
        let method = method.to_lowercase();
        let Some(operation) =
            full.get("paths").and_then(|paths| paths.get(path)).and_then(|item| item.get(&method))
        else {
            continue;
        };
        let mut kept = operation.clone();
        strip(&mut kept, false);
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method, kept);
        }
    }
    with_references(full, json!({ "paths": paths, "components": {} }))
}

/// The webhooks of `list` (a name a line, `#` comments), with all they refer to.
pub(super) fn webhooks(full: &Value, list: &str) -> Value {
    let mut webhooks = Map::new();
    for name in lines(list) {
        let schema = full
            .get("webhooks")
            .and_then(|all| all.get(name))
            .and_then(|item| item.pointer("/post/requestBody/content/application~1json/schema"));
        if let Some(schema) = schema {
            let mut kept = schema.clone();
            strip(&mut kept, false);
            webhooks.insert(name.to_owned(), kept);
        }
    }
    with_references(full, json!({ "webhooks": webhooks, "components": {} }))
}

fn with_references(full: &Value, mut trimmed: Value) -> Value {
    let mut done = BTreeSet::new();
    let mut open = BTreeSet::new();
    references(&trimmed, &mut open);
    while let Some(reference) = open.pop_first() {
        if !done.insert(reference.clone()) {
            continue;
        }
        let mut names = reference.trim_start_matches("#/").split('/');
        let (Some("components"), Some(kind), Some(name), None) =
            (names.next(), names.next(), names.next(), names.next())
        else {
            continue;
        };
        let pointer = reference.trim_start_matches('#');
        let Some(mut target) = full.pointer(pointer).cloned() else {
            continue;
        };
        strip(&mut target, false);
        references(&target, &mut open);
        if let Some(components) = trimmed.get_mut("components").and_then(Value::as_object_mut) {
            let group = components.entry(kind.to_owned()).or_insert_with(|| json!({}));
            if let Some(group) = group.as_object_mut() {
                group.insert(name.to_owned(), target);
            }
        }
    }
    trimmed
}

/// Removes prose. `names` is true where keys are names of properties, not keywords.
fn strip(value: &mut Value, names: bool) {
    match value {
        Value::Object(map) => {
            if !names {
                map.retain(|key, _| !PROSE.contains(&key.as_str()) && !key.starts_with("x-"));
            }
            for (key, inner) in map.iter_mut() {
                if key == "enum" && !names {
                    continue;
                }
                strip(inner, !names && matches!(key.as_str(), "properties" | "responses" | "content"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, false)),
        _ => {}
    }
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                into.insert(reference.to_owned());
            }
            map.values().for_each(|inner| references(inner, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

/// Rewrites OpenAPI 3.0's `nullable: true` into plain JSON Schema, in place.
pub(super) fn make_nullable_explicit(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(make_nullable_explicit);
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                allow_null(map);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_nullable_explicit),
        _ => {}
    }
}

fn allow_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(options)) = map.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
    match map.get_mut("type") {
        Some(Value::String(one)) => {
            let one = std::mem::take(one);
            map.insert("type".into(), json!([one, "null"]));
        }
        Some(_) => {}
        None => {
            let inner = Value::Object(std::mem::take(map));
            map.insert("anyOf".into(), json!([inner, { "type": "null" }]));
            return;
        }
    }
    // A typed schema may still be narrowed by a combinator that knows nothing of null.
    for combinator in ["oneOf", "anyOf"] {
        if let Some(Value::Array(options)) = map.get_mut(combinator) {
            options.push(json!({ "type": "null" }));
        }
    }
    if let Some(all) = map.remove("allOf") {
        map.insert("anyOf".into(), json!([{ "allOf": all }, { "type": "null" }]));
    }
}
