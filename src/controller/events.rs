//! Events for `kubectl describe`: one for each change of the verdict.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{self, Event, EventType};
use kube::{Client, Resource};

use crate::api::{ConditionType, FIELD_MANAGER, TestRunReport, TestRunReportStatus};

/// Longest note that the API server takes.
const MAX_NOTE_BYTES: usize = 1000;

/// Writes Events in the operator's name.
#[derive(Clone)]
pub struct Recorder(Client);

impl Recorder {
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Writes one about an object. A failure is logged and forgotten.
    pub async fn publish(&self, event: &Event, about: &ObjectReference) {
        // Each with a recorder of its own: one walks through all that it wrote in the last six minutes, and would
        // count what has the reason of another as that one again, with its words.
        let recorder = events::Recorder::new(self.0.clone(), FIELD_MANAGER.into());
        if let Err(error) = recorder.publish(event, about).await {
            tracing::debug!("an event could not be recorded: {error}");
        }
    }
}

/// Records the change of `Passed` between two statuses, if there is one.
pub async fn record(
    recorder: &Recorder,
    report: &TestRunReport,
    before: Option<&TestRunReportStatus>,
    after: &TestRunReportStatus,
) {
    let Some(event) = transition(before, after) else { return };
    recorder.publish(&event, &report.object_ref(&())).await;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::controller::fake;

    #[tokio::test]
    async fn each_change_has_an_event_and_words_of_its_own() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let client = fake::client(move |path| {
            seen.lock().unwrap().push(path.to_owned());
            Some((201, serde_json::json!({"metadata": {}, "eventTime": null})))
        });
        let recorder = Recorder::new(client);
        let about =
            ObjectReference { name: Some("r".into()), namespace: Some("a".into()), ..Default::default() };
        for note in ["unit is red", "e2e is red"] {
            let event = Event {
                type_: EventType::Warning,
                reason: "Failed".to_owned(),
                note: Some(note.to_owned()),
                action: "Evaluate".to_owned(),
                secondary: None,
            };
            recorder.publish(&event, &about).await;
        }
        // None is a change of the one before.
        let made = "/apis/events.k8s.io/v1/namespaces/a/events?";
        assert_eq!(*asked.lock().unwrap(), [made, made]);
    }
}
