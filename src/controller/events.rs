//! Events for `kubectl describe`: one for each change of the verdict.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Client, Resource};

use crate::api::{ConditionType, FIELD_MANAGER, TestRunReport, TestRunReportStatus};

/// Longest note that the API server takes.
const MAX_NOTE_BYTES: usize = 1000;

/// A recorder in the operator's name.
pub fn recorder(client: Client) -> Recorder {
    Recorder::new(client, FIELD_MANAGER.into())
}

/// Records the change of `Passed` between two statuses, if there is one. A failure is logged and forgotten.
pub async fn record(
    recorder: &Recorder,
    report: &TestRunReport,
    before: Option<&TestRunReportStatus>,
    after: &TestRunReportStatus,
) {
    let Some(event) = transition(before, after) else { return };
    if let Err(error) = recorder.publish(&event, &report.object_ref(&())).await {
        tracing::debug!("an event could not be recorded: {error}");
    }
}

/// The event for a change of the verdict.
fn transition(before: Option<&TestRunReportStatus>, after: &TestRunReportStatus) -> Option<Event> {
    let new = passed(after)?;
    let old = before.filter(|b| b.observed_generation >= 0).and_then(passed);
    if old.is_some_and(|old| old.status == new.status) {
        return None;
    }
    let warning = new.status == "False" || after.phase == "Error";
    Some(Event {
        type_: if warning { EventType::Warning } else { EventType::Normal },
        reason: new.reason.clone(),
        note: Some(shortened(&new.message)).filter(|n| !n.is_empty()),
        action: "Evaluate".to_owned(),
        secondary: None,
    })
}

fn passed(status: &TestRunReportStatus) -> Option<&Condition> {
    status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str())
}

pub(super) fn shortened(text: &str) -> String {
    let mut end = text.len().min(MAX_NOTE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
