//! Reports counted: by phase, and how long the oldest have waited.

use jiff::Timestamp;

use crate::api::{ConditionType, TestRunReport};

/// Phases that are counted by name; every other is `Other`.
pub(super) const PHASES: [&str; 6] = ["Pending", "Running", "Passed", "Failed", "Error", "Other"];

/// What is counted of one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    phase: usize,
    /// Since when it has been without a final verdict.
    undecided: Option<Timestamp>,
    /// Since when it has waited for its first look.
    unseen: Option<Timestamp>,
}

impl Standing {
    /// Of a report as it is.
    pub fn of(report: &TestRunReport) -> Self {
        let status = report.status.as_ref();
        let phase = status.map(|s| s.phase.as_str()).unwrap_or_default();
        let phase = PHASES.iter().position(|name| *name == phase).unwrap_or(PHASES.len() - 1);
        let Some(created) = report.metadata.creation_timestamp.as_ref().map(|t| t.0) else {
            return Self { phase, undecided: None, unseen: None };
        };
        // The definition's default says -1.
        let Some(status) = status.filter(|s| s.observed_generation >= 0) else {
            return Self { phase, undecided: Some(created), unseen: Some(created) };
        };
        let works = |c: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
            c.type_ == ConditionType::Reconciling.as_str() && c.status == "True"
        };
        let condition = status.conditions.iter().find(works);
        let undecided = condition.map(|c| c.last_transition_time.0.max(created));
        Self { phase, undecided, unseen: None }
    }
}

/// What is counted of all reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    phases: [i64; PHASES.len()],
    undecided: Option<Timestamp>,
    unseen: Option<Timestamp>,
}

impl Tally {
    /// Adds a report.
    pub fn add(&mut self, report: Standing) {
        if let Some(count) = self.phases.get_mut(report.phase) {
            *count += 1;
        }
        let earliest = |known: Option<Timestamp>, new| known.into_iter().chain(new).min();
        self.undecided = earliest(self.undecided, report.undecided);
        self.unseen = earliest(self.unseen, report.unseen);
    }

    pub(super) fn phases(&self) -> impl Iterator<Item = (&'static str, i64)> {
        PHASES.into_iter().zip(self.phases)
    }

    pub(super) fn undecided(&self, now: Timestamp) -> f64 {
        age(self.undecided, now)
    }

    pub(super) fn unseen(&self, now: Timestamp) -> f64 {
        age(self.unseen, now)
    }
}

/// Seconds since then; 0 where a clock is ahead.
fn age(since: Option<Timestamp>, now: Timestamp) -> f64 {
    since.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn report(minute: u32, status: serde_json::Value) -> TestRunReport {
        serde_json::from_value(json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": "r", "creationTimestamp": format!("2026-01-02T03:{minute:02}:00Z")},
            "spec": {"source": {"github": {"repository": "a/b", "branch": "main"}}}, "status": status}))
        .unwrap()
    }

    fn of(minute: u32, status: serde_json::Value) -> Standing {
        Standing::of(&report(minute, status))
    }

    fn status(phase: &str, observed: i64, reconciling: &str, since: &str) -> serde_json::Value {
        json!({"phase": phase, "observedGeneration": observed, "conditions": [
            {"type": "Reconciling", "status": reconciling, "reason": "R", "message": "m", "lastTransitionTime": since}]})
    }

    #[test]
    fn the_oldest_of_each_kind_counts() {
        let now: Timestamp = "2026-01-02T03:30:00Z".parse().unwrap();
        let mut tally = Tally::default();
        assert_eq!((tally.undecided(now), tally.unseen(now)), (0.0, 0.0));
        tally.add(of(1, status("Passed", 1, "False", "2026-01-02T03:02:00Z")));
        tally.add(of(2, status("Running", 2, "True", "2026-01-02T03:20:00Z")));
        assert_eq!(
            (tally.undecided(now), tally.unseen(now)),
            (600.0, 0.0),
            "since it began, not since it is there"
        );
        tally.add(of(15, status("Pending", -1, "True", "1970-01-01T00:00:00Z")));
        assert_eq!((tally.undecided(now), tally.unseen(now)), (900.0, 900.0), "the default is of no time");
        tally.add(of(50, status("Odd", 1, "True", "2026-01-02T03:50:00Z")));
        assert_eq!(tally.undecided(now), 900.0);
        assert_eq!(tally.phases().map(|(_, n)| n).collect::<Vec<_>>(), [1, 1, 1, 0, 0, 1]);
        let mut ahead = Tally::default();
        ahead.add(of(50, json!(null)));
        assert_eq!(ahead.unseen(now), 0.0);
    }
}
