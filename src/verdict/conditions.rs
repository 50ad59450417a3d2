//! Conditions: what merge tooling reads. Every write carries every type, in a fixed order.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::spec::GateMode;
use crate::api::status::TestRunReportStatus;

use super::decide::Decision;
use super::text;

/// One condition before it has a time.
pub(super) type Draft = (ConditionType, ConditionStatus, Reason, String);

/// Status, reason and message of `Passed`, `Ready`, `Complete`, `Reconciling` and `Stalled` for a decision.
pub(super) fn of_decision(decision: &Decision, mode: GateMode) -> Vec<Draft> {
    use ConditionStatus::{False, True, Unknown};
    use ConditionType as T;
    let (passed, reason) = (decision.passed, decision.reason);
    let done = decision.is_final();
    let undecidable = passed == Unknown && reason == Reason::Undecidable;
    let open = || decision.open.clone().unwrap_or((reason, decision.message.clone()));
    let ready: Draft = match mode {
        GateMode::Enforce => match passed {
            True | False => (T::Ready, passed, reason, decision.message.clone()),
            Unknown if undecidable => (T::Ready, Unknown, reason, decision.message.clone()),
            Unknown => (T::Ready, False, reason, decision.message.clone()),
        },
        GateMode::Report if done && !undecidable => (
            T::Ready,
            True,
            Reason::ReportComplete,
            format!(
                "the report is complete; in mode Report the verdict ({}) does not decide Ready",
                passed.as_str()
            ),
        ),
        GateMode::Report if undecidable => (T::Ready, Unknown, reason, decision.message.clone()),
        GateMode::Report => {
            let (reason, message) = open();
            (T::Ready, False, reason, message)
        }
    };
    let complete: Draft = if done {
        let held = decision.held.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
        (T::Complete, True, Reason::AllFinal, format!("every run, expected job and check is final{held}"))
    } else {
        let (reason, message) = open();
        (T::Complete, False, reason, message)
    };
    // A red verdict in mode Report is a finished report, and nothing that blocks.
    let stuck = done && passed == False && mode == GateMode::Enforce;
    let at_rest = done && !undecidable;
    let reconciling: Draft = if at_rest {
        (T::Reconciling, False, Reason::Final, "at rest; a re-run or a new commit is noticed".to_owned())
    } else if done {
        (T::Reconciling, True, reason, decision.message.clone())
    } else {
        let (reason, message) = open();
        (T::Reconciling, True, reason, message)
    };
    let stalled: Draft = if stuck {
        (T::Stalled, True, reason, decision.message.clone())
    } else {
        (T::Stalled, False, if at_rest { Reason::Final } else { reason }, String::new())
    };
    vec![ready, (T::Passed, passed, reason, decision.message.clone()), complete, reconciling, stalled]
}

/// Puts drafts into the fixed order and gives them times: a time moves only with the status.
pub(super) fn finish(
    mut drafts: Vec<Draft>,
    generation: i64,
    previous: Option<&TestRunReportStatus>,
    now: Timestamp,
) -> Vec<Condition> {
    drafts.sort_by_key(|d| d.0);
    drafts
        .into_iter()
        .map(|(kind, status, reason, message)| {
            let before = previous.map(|p| p.conditions.as_slice()).unwrap_or_default();
            dated((kind.as_str(), status.as_str(), reason.as_str()), &message, generation, before, now)
        })
        .collect()
}

/// A condition of this type, status and reason with its time, which moves only with the status.
pub(crate) fn dated(
    (kind, status, reason): (&str, &str, &str),
    message: &str,
    generation: i64,
    before: &[Condition],
    now: Timestamp,
) -> Condition {
    let since = before.iter().find(|c| c.type_ == kind && c.status == status);
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: text::clean(message, 2048),
        last_transition_time: since.map_or(Time(now), |c| c.last_transition_time.clone()),
        observed_generation: Some(generation),
    }
}

/// Status of a condition in a report.
pub(super) fn status_of(status: &TestRunReportStatus, kind: ConditionType) -> Option<&str> {
    status.conditions.iter().find(|c| c.type_ == kind.as_str()).map(|c| c.status.as_str())
}
