//! Whether a report is as its set wants it.

use std::collections::{BTreeMap, HashMap};

use kube::{Resource, ResourceExt};
use serde_json::Value;

use super::template::Wanted;
use crate::api::set::DeletionPolicy;
use crate::api::{TestRunReport, TestRunReportSet, TestRunReportSpec};

/// Lists of a spec that an apply merges, by key or as a set: what others added to one of these stays.
const SHARED_LISTS: [&str; 6] = ["suites", "checks", "localResults", "allow", "workflows", "states"];

/// Reports that were compared and are as they should be: by name, what they were and what was wanted. Of one of
/// which neither has changed it need not be asked again.
pub type Compared = HashMap<String, (u64, u64)>;

/// Whether a report is as it should be. What others added does not count.
pub(super) fn is_as(report: &TestRunReport, wanted: &Wanted, set: &TestRunReportSet) -> bool {
    let keeps = set.spec.retention.deletion_policy == DeletionPolicy::Keep;
    let uid = set.uid().unwrap_or_default();
    let referred = report.meta().owner_references.iter().flatten().any(|o| o.uid == uid);
    let has = |all: &BTreeMap<String, String>, some: &BTreeMap<String, String>| {
        some.iter().all(|(key, value)| all.get(key) == Some(value))
    };
    // What the template had before and has no more is told by its hash, which is one of the annotations.
    referred != keeps
        && has(report.labels(), &wanted.labels)
        && has(report.annotations(), &wanted.annotations)
        && spec_is(report, wanted)
}

fn spec_is(report: &TestRunReport, wanted: &Wanted) -> bool {
    // As the types write it, with the defaults that the API server fills in.
    let typed =
        serde_json::from_value::<TestRunReportSpec>(wanted.spec.clone()).and_then(serde_json::to_value);
    match (typed, serde_json::to_value(&report.spec)) {
        (Ok(wanted), Ok(is)) => within("", &wanted, &is),
        _ => false,
    }
}

/// Whether everything of one value is in another.
fn within(key: &str, part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|is| within(key, value, is)))
        }
        (Value::Array(part), Value::Array(whole)) if SHARED_LISTS.contains(&key) => {
            part.iter().all(|value| whole.iter().any(|is| within("", value, is)))
        }
        _ => part == whole,
    }
}
