//! A change of a verdict as a CloudEvent.

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use crate::api::{TestRunReport, TestRunReportStatus};
use crate::serve::Verdict;

/// An event, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for every delivery of the same change, by whatever process.
    pub id: String,
    /// JSON in structured mode.
    pub body: Bytes,
}

/// The newest change of a verdict in one word, which is the same for whoever reads the status.
pub fn newest(status: &TestRunReportStatus) -> Option<String> {
    let last = status.transitions.last()?;
    Some(format!("{}-{}-{}", last.time.0.as_second(), last.passed, last.sha))
}

/// The event for a change of a report as it is stored.
pub(super) fn of(report: &TestRunReport, change: &str) -> Option<Event> {
    let time = &report.status.as_ref()?.transitions.last()?.time;
    let verdict = Verdict::of(report, None, None);
    let id = format!("{}.{change}", report.metadata.uid.as_deref()?);
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
        time,
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
