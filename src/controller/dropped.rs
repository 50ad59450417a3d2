//! Fields of a status that the API server does not keep: its definition of the kind is older than the operator.
//!
//! Without these fields a report says less, and says nothing wrong. What is never done on the word of a field that
//! was not kept: whatever is recorded in the status before it is asked for, such as a re-run.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::api::TestRunReportStatus;
use crate::runtime::metrics::Metrics;

/// Most fields that are remembered: one word for all of them is enough.
const MOST: usize = 64;

/// What was not kept since the process began.
#[derive(Debug, Default)]
pub(super) struct Dropped(Mutex<BTreeSet<String>>);

impl Dropped {
    /// Compares what was written with what came of it, and says what is missing, once for each field.
    pub fn note(&self, meant: &TestRunReportStatus, kept: Option<&TestRunReportStatus>, metrics: &Metrics) {
        let value = |status| serde_json::to_value(status).unwrap_or_default();
        let mut missing = BTreeSet::new();
        compare(&value(Some(meant)), &value(kept), "status", &mut missing);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<String> =
            missing.difference(&known).take(MOST.saturating_sub(known.len())).cloned().collect();
        if new.is_empty() {
            return;
        }
        tracing::warn!(
            "the API server does not keep {} of reports: the definition that is installed is older than this \
             operator; apply the one of its version: kubectl apply --server-side --force-conflicts -f crds/",
            new.join(", ")
        );
        known.extend(new);
        metrics.fields_dropped(known.len());
    }
}

/// Paths of what the one has and the other has not.
fn compare(meant: &Value, kept: &Value, path: &str, missing: &mut BTreeSet<String>) {
    match (meant, kept) {
        (Value::Object(meant), Value::Object(kept)) => {
            for (name, meant) in meant {
                let path = format!("{path}.{name}");
                match kept.get(name) {
                    Some(kept) => compare(meant, kept, &path, missing),
                    None => drop(missing.insert(path)),
                }
            }
        }
        (Value::Array(meant), Value::Array(kept)) if meant.len() == kept.len() => {
            let path = format!("{path}[]");
            meant.iter().zip(kept).for_each(|(meant, kept)| compare(meant, kept, &path, missing));
        }
        (meant, kept) if meant != kept => drop(missing.insert(path.to_owned())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_is_named_once_for_all_entries_of_a_list() {
        let mut missing = BTreeSet::new();
        let meant =
            json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 1, "g": 2}, {"f": 3, "g": 4}], "h": [1]});
        compare(&meant, &meant, "status", &mut missing);
        assert!(missing.is_empty());
        let kept = json!({"a": 1, "b": {"c": 2}, "e": [{"f": 1}, {"f": 3}]});
        compare(&meant, &kept, "status", &mut missing);
        assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["status.b.d", "status.e[].g", "status.h"]);
    }
}
