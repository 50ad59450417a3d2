//! The verdict: from facts to status. Pure: no clock, no network, no cluster.

pub mod facts;

use jiff::Timestamp;

use crate::api::{TestRunReportSpec, TestRunReportStatus};
use facts::Observations;

/// The new status, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub status: TestRunReportStatus,
    pub next: Next,
}

/// When the report needs another look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: the commit moved, and what was read belongs to the new one.
    Now,
    /// Jobs are running or awaited: at the pace of polling.
    Poll,
    /// At this time something changes by itself: settling ends, a deadline or a waiver expires.
    /// While jobs run the pace of polling may be earlier.
    At(Timestamp),
    /// GitHub could not be read: after a back-off, not before the time given.
    Retry(Option<Timestamp>),
    /// The verdict is final: a slow look, because a re-run or a moved branch may follow; not after
    /// the time given, when a waiver expires.
    Final(Option<Timestamp>),
    /// Nothing until the spec changes.
    Stalled,
}

/// What `evaluate` needs to know of the object besides its spec.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `metadata.generation` of the spec.
    pub generation: i64,
    /// `metadata.name`, for the commands that the report recommends; the CLI has none.
    pub name: Option<&'a str>,
    /// `metadata.namespace`.
    pub namespace: Option<&'a str>,
    pub previous: Option<&'a TestRunReportStatus>,
    /// Our own clock.
    pub now: Timestamp,
}

/// Computes the whole status of a report.
pub fn evaluate(spec: &TestRunReportSpec, observations: &Observations, context: &Context<'_>) -> Evaluation {
    unimplemented!()
}
