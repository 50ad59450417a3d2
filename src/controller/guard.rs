//! An object as a watch gives it, or why it cannot be carried out as it is written.
//!
//! What a definition newer than the operator lets into a spec may ask for something that this version cannot do, such
//! as one more thing that a pass needs, or one less that a waiver excuses. Nothing may pass for want of knowing it: a
//! field that is not known is an error here, as a value is that is not.

use std::borrow::Cow;

use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::api::TestRunReport;
use crate::verdict::text;

/// Most fields that are named.
const MOST: usize = 8;

/// In memory only: what of its spec is not known, on a report that was read without it. What somebody writes there is
/// not looked at.
const UNKNOWN: &str = "testrun.dev/unknown-fields";

/// An object, or what cannot be read as one.
#[derive(Clone, Debug)]
pub struct Guarded<K>(pub Result<K, Box<Invalid<K>>>);

/// Why it cannot be read, and whose it is.
#[derive(Clone, Debug)]
pub struct Invalid<K> {
    pub metadata: ObjectMeta,
    pub error: String,
    /// The object without what is not known of its spec, if that is all.
    pub known: Option<K>,
}

/// Reads an object; the error says what of its spec is not known, and has the rest.
pub fn read<K: DeserializeOwned>(value: &Value) -> Result<K, (String, Option<K>)> {
    let mut errors = Vec::new();
    let mut reduced = None;
    loop {
        let (error, path) = match once(reduced.as_ref().unwrap_or(value)) {
            Ok((object, unknown)) if errors.is_empty() && unknown.is_empty() => return Ok(object),
            Ok((object, mut unknown)) => {
                unknown.truncate(MOST);
                if !unknown.is_empty() {
                    errors.push(format!("{}: not known to this version of the operator", unknown.join(", ")));
                }
                return Err((errors.join("; "), Some(object)));
            }
            Err(error) => error,
        };
        errors.push(error);
        // Whom it concerns is known from the rest.
        if errors.len() >= MOST || !take(reduced.get_or_insert_with(|| value.clone()), &path) {
            return Err((errors.join("; "), None));
        }
    }
}

/// The object with the fields of its spec that are not known, or what is wrong with it, and where.
fn once<K: DeserializeOwned>(value: &Value) -> Result<(K, Vec<String>), (String, Path)> {
    let mut unknown = Vec::new();
    let mut found = |path: serde_ignored::Path<'_>| {
        // Options and variants of the types are no part of what somebody wrote.
        let path = path.to_string().replace(".?", "");
        if path.starts_with("spec.") {
            unknown.push(path);
        }
    };
    let reader = serde_ignored::Deserializer::new(value, &mut found);
    let read: Result<K, _> = serde_path_to_error::deserialize(reader);
    read.map(|object| (object, unknown))
        .map_err(|error| (format!("{}: {}", error.path(), error.inner()), error.path().clone()))
}

/// Takes a part of the spec out; false where it is not there, or the spec itself.
fn take(value: &mut Value, path: &Path) -> bool {
    let mut segments: Vec<&Segment> = path.iter().collect();
    let Some(last) = segments.pop() else { return false };
    if !matches!(segments.first(), Some(Segment::Map { key }) if key == "spec") {
        return false;
    }
    let parent = segments.into_iter().try_fold(value, |value, segment| match segment {
        Segment::Map { key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(index),
        Segment::Enum { .. } | Segment::Unknown => Some(value),
    });
    match (parent, last) {
        (Some(Value::Object(fields)), Segment::Map { key }) => fields.remove(key).is_some(),
        (Some(Value::Array(all)), Segment::Seq { index }) if *index < all.len() => {
            all.remove(*index);
            true
        }
        _ => false,
    }
}

/// What to say of a spec that cannot be carried out.
pub fn explain(error: &str) -> String {
    format!(
        "{}; this version of the operator cannot carry it out: upgrade the operator, or correct the report",
        text::clean(error, 600)
    )
}

/// Notes on a report what of its spec is not known, if anything.
pub fn mark(report: &mut TestRunReport, unknown: Option<String>) {
    match unknown {
        Some(unknown) => drop(report.annotations_mut().insert(UNKNOWN.to_owned(), unknown)),
        None => drop(report.metadata.annotations.as_mut().and_then(|all| all.remove(UNKNOWN))),
    }
}

/// What of the spec of a report is not known.
pub fn unknown(report: &TestRunReport) -> Option<&str> {
    report.annotations().get(UNKNOWN).map(String::as_str)
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Ok(Self(match read(&value) {
            Ok(object) => Ok(object),
            Err((error, known)) => {
                let metadata = value.get_mut("metadata").map(Value::take).unwrap_or_default();
                let metadata = serde_json::from_value(metadata).map_err(D::Error::custom)?;
                Err(Box::new(Invalid { metadata, error, known }))
            }
        }))
    }
}

/// The kind of what it guards.
impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &K::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &K::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &K::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &K::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => object.meta_mut(),
            Err(invalid) => &mut invalid.metadata,
        }
    }
}

impl<K> Invalid<K> {
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::api::TestRunWaiver;

    fn error(spec: Value, status: Value) -> Option<String> {
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "a", "novel": 1, "managedFields": [{"manager": "x"}]}, "spec": spec, "status": status});
        let guarded: Guarded<TestRunReport> = serde_json::from_value(object).unwrap();
        assert_eq!(guarded.name_any(), "a");
        guarded.0.err().map(|invalid| invalid.error)
    }

    #[test]
    fn what_is_not_known_is_named_with_its_path() {
        let source =
            json!({"github": {"repository": "a/b", "sha": "99361f9f642d952e7c28134197ccb0326fc6f1a6"}});
        assert_eq!(error(json!({"source": source}), json!({"novel": 1})), None, "a status may have more");
        let said = error(json!({"source": source, "gate": {"novel": true}}), json!(null)).unwrap();
        assert_eq!(said, "spec.gate.novel: not known to this version of the operator");
        let suites = json!([{"name": "a", "match": [{"job": "x", "novel": 1}]}]);
        let said = error(json!({"source": source, "suites": suites}), json!(null)).unwrap();
        assert_eq!(said, "spec.suites.0.match.0.novel: not known to this version of the operator");
        let said = error(json!({"source": source, "gate": {"mode": "Lenient"}}), json!(null)).unwrap();
        assert!(said.starts_with("spec.gate.mode: unknown variant `Lenient`, expected"), "{said}");
    }

    #[test]
    fn what_is_known_of_a_spec_is_kept() {
        let spec = json!({"source": {"github": {"repository": "a/b", "branch": "main"}}, "novel": 1,
            "gate": {"mode": "Lenient", "settleSeconds": 3},
            "suites": [{"name": "a", "policy": "Perhaps", "match": [{"job": "y"}]}, {"name": "b", "match": [{"job": 7}, {"job": "x"}]}]});
        let object = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "a"}, "spec": spec});
        let guarded: Guarded<TestRunReport> = serde_json::from_value(object.clone()).unwrap();
        let invalid = guarded.0.unwrap_err();
        for part in [
            "spec.gate.mode: unknown variant", "spec.suites[0].policy", "spec.suites[1].match[0].job",
            "spec.novel: not",
        ] {
            assert!(invalid.error.contains(part), "{}", invalid.error);
        }
        let spec = invalid.known.unwrap().spec;
        assert_eq!(spec.source.github.branch.as_deref(), Some("main"));
        assert_eq!((spec.suites.len(), spec.gate.unwrap().settle_seconds), (2, Some(3)));
        // Without this nobody knows whose it is.
        for (path, value) in
            [("/spec/source/github/repository", json!(7)), ("/spec", json!(7)), ("/spec/source", json!([]))]
        {
            let mut object = object.clone();
            *object.pointer_mut(path).unwrap() = value;
            let guarded: Guarded<TestRunReport> = serde_json::from_value(object).unwrap();
            assert!(guarded.0.unwrap_err().known.is_none(), "{path}");
        }
    }

    #[test]
    fn a_waiver_that_says_more_than_is_known_is_none() {
        let value = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunWaiver", "metadata": {"name": "a"},
            "spec": {"repositories": ["a/b"], "onlyAtNight": true, "waivers": [
                {"job": "unit", "reason": "known", "approver": "me", "expiresAt": "2030-01-01T00:00:00Z"}]}});
        let guarded: Guarded<TestRunWaiver> = serde_json::from_value(value).unwrap();
        let error = guarded.0.err().unwrap().error;
        assert_eq!(error, "spec.onlyAtNight: not known to this version of the operator");
    }
}
