//! A change of a verdict as a CloudEvent.

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use crate::api::conditions::ConditionType;
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::serve::Verdict;

/// An event, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for every delivery of the same change.
    pub id: String,
    /// JSON in structured mode.
    pub body: Bytes,
}

/// The event for a report as it was written, if `Passed` is another one than before.
pub fn of_change(before: Option<&TestRunReportStatus>, written: &TestRunReport) -> Option<Event> {
    let after = written.status.as_ref()?;
    let new = passed(after)?;
    let old = before.filter(|b| b.observed_generation >= 0);
    let same_commit = |b: &TestRunReportStatus| {
        let sha = |s: &TestRunReportStatus| s.source.as_ref().map(|s| s.sha.clone());
        sha(b) == sha(after)
    };
    if old.is_some_and(|b| passed(b).is_some_and(|p| p.0 == new.0) && same_commit(b)) {
        return None;
    }
    let verdict = Verdict::of(written, None, None);
    let uid = written.metadata.uid.as_deref()?;
    let id = format!("{uid}.{}", written.metadata.resource_version.as_deref()?);
    let word = match verdict.verdict {
        "passed" => "passed",
        "failed" => "failed",
        _ => "undecided",
    };
    let event = CloudEvent {
        specversion: "1.0",
        id: &id,
        source: format!(
            "/apis/testrun.dev/v1alpha1/namespaces/{}/testrunreports/{}",
            verdict.namespace, verdict.name
        ),
        kind: format!("dev.testrun.report.{word}"),
        subject: verdict.sha.clone(),
        time: new.1,
        datacontenttype: "application/json",
        data: &verdict,
    };
    let body = Bytes::from(serde_json::to_vec(&event).ok()?);
    Some(Event { id, body })
}

/// CloudEvents 1.0 in structured mode. An attribute has a value or is not there.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: &'a Time,
    datacontenttype: &'static str,
    data: &'a Verdict,
}

/// Status of `Passed`, and since when.
fn passed(status: &TestRunReportStatus) -> Option<(&str, &Time)> {
    let found = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str())?;
    Some((found.status.as_str(), &found.last_transition_time))
}
