//! Events for `kubectl describe`: what becomes of a set, where a person may want to know.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

use super::super::events::{Recorder, shortened};
use crate::api::conditions::{ConditionStatus, Reason};
use crate::api::set::{SetCondition, SetReason};
use crate::api::{TestRunReportSet, TestRunReportSetStatus};

/// Records what changed between two statuses.
pub(super) async fn record(recorder: &Recorder, set: &TestRunReportSet, after: &TestRunReportSetStatus) {
    for event in transitions(set.status.as_ref(), after) {
        recorder.publish(&event, &set.object_ref(&())).await;
    }
}

/// The events of a change: of `Ready`, with each reason that is for people, and of `WithinBound`.
fn transitions(before: Option<&TestRunReportSetStatus>, after: &TestRunReportSetStatus) -> Vec<Event> {
    let before = before.filter(|b| b.observed_generation >= 0);
    let mut events = Vec::new();
    if let Some(ready) = of(after, SetCondition::Ready) {
        let was = before.and_then(|b| of(b, SetCondition::Ready));
        let same = was.is_some_and(|was| (&was.status, &was.reason) == (&ready.status, &ready.reason));
        // How far it is, the status says; many of these would be of one set that is new.
        if !same && ready.reason != SetReason::Working.as_str() {
            let calm =
                ready.status == ConditionStatus::True.as_str() || ready.reason == Reason::Suspended.as_str();
            events.push(event(ready, calm));
        }
    }
    if let Some(bound) = of(after, SetCondition::WithinBound) {
        let was = before.and_then(|b| of(b, SetCondition::WithinBound)).map(|was| was.status.as_str());
        let over = bound.status == ConditionStatus::False.as_str();
        // Whether it was over its bound is not forgotten while GitHub cannot be read, but not told twice either.
        if over && was != Some(ConditionStatus::False.as_str())
            || !over
                && was == Some(ConditionStatus::False.as_str())
                && bound.reason == SetReason::WithinBound.as_str()
        {
            events.push(event(bound, !over));
        }
    }
    events
}

fn event(condition: &Condition, calm: bool) -> Event {
    Event {
        type_: if calm { EventType::Normal } else { EventType::Warning },
        reason: condition.reason.clone(),
        note: Some(shortened(&condition.message)).filter(|note| !note.is_empty()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

fn of(status: &TestRunReportSetStatus, kind: SetCondition) -> Option<&Condition> {
    status.conditions.iter().find(|c| c.type_ == kind.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn status(ready: (&str, &str), bound: (&str, &str)) -> TestRunReportSetStatus {
        let condition = |kind: &str, (status, reason): (&str, &str)| {
            json!({"type": kind, "status": status, "reason": reason, "message": "why",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let conditions = [condition("Ready", ready), condition("WithinBound", bound)];
        serde_json::from_value(json!({"observedGeneration": 1, "conditions": conditions})).unwrap()
    }

    #[test]
    fn what_people_may_want_to_know_is_told_once() {
        let (good, within) = (("True", "UpToDate"), ("True", "WithinBound"));
        let over = ("False", "OverBound");
        let unread = (("Unknown", "GitHubUnavailable"), ("Unknown", "GitHubUnavailable"));
        let normal = |reason: &str| format!("Normal {reason}");
        let warning = |reason: &str| format!("Warning {reason}");
        for (before, after, told) in [
            (None, (good, within), vec![normal("UpToDate")]),
            (Some((good, within)), (good, within), vec![]),
            (Some((good, within)), (("False", "Working"), within), vec![]),
            (Some((("False", "Working"), within)), (good, within), vec![normal("UpToDate")]),
            (
                Some((good, within)),
                (("False", "InvalidSpec"), ("Unknown", "InvalidSpec")),
                vec![warning("InvalidSpec")],
            ),
            (
                Some((("False", "NameTaken"), within)),
                (("False", "ReportRefused"), within),
                vec![warning("ReportRefused")],
            ),
            (Some((good, within)), (good, over), vec![warning("OverBound")]),
            (Some((good, over)), (good, over), vec![]),
            (Some((good, over)), (good, within), vec![normal("WithinBound")]),
            (Some((good, over)), unread, vec![warning("GitHubUnavailable")]),
            (
                Some((good, within)),
                (("Unknown", "Suspended"), ("Unknown", "Suspended")),
                vec![normal("Suspended")],
            ),
            (Some((good, within)), (("True", "Archived"), within), vec![normal("Archived")]),
        ] {
            let before = before.map(|(ready, bound)| status(ready, bound));
            let events = transitions(before.as_ref(), &status(after.0, after.1));
            let said: Vec<String> = events
                .iter()
                .map(|e| match e.type_ {
                    EventType::Normal => format!("Normal {}", e.reason),
                    EventType::Warning => format!("Warning {}", e.reason),
                })
                .collect();
            assert_eq!(said, told, "{after:?}");
        }
    }

    #[test]
    fn a_status_that_nobody_wrote_is_none() {
        let mut default = status(("Unknown", "NotReconciled"), ("Unknown", "NotReconciled"));
        default.observed_generation = -1;
        assert_eq!(
            transitions(Some(&default), &status(("True", "UpToDate"), ("True", "WithinBound"))).len(),
            1
        );
    }
}
