//! A status that somebody else put in place of the own one: how soon that is put right.
//!
//! A pass that is not the own one is put right at once, always. For the rest there is patience: two operators that
//! write the same reports, such as an old and a new version without leader election, would else write in turns for
//! ever and as fast as they can.

use std::time::{Duration, Instant};

use super::requeue;
use crate::api::TestRunReportStatus;

/// So often at once, whatever was written.
const AT_ONCE: u32 = 3;
/// After so much quiet it counts from the beginning.
const QUIET: Duration = Duration::from_secs(3600);

/// What another status says, beside the own one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// A pass, and not the own one.
    Pass,
    /// Another verdict that is none.
    Other,
    /// The same verdict in other words, or with other fields.
    Same,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    In(Duration),
    /// With the next look, whenever that is.
    NextLook,
}

/// What another status says beside the own one.
pub(super) fn compare(own: Option<&TestRunReportStatus>, other: Option<&TestRunReportStatus>) -> Says {
    let essence = |s: &TestRunReportStatus| {
        let conditions = s.conditions.iter();
        let mut said: Vec<_> = conditions
            .map(|c| (c.type_.clone(), c.status.clone(), c.reason.clone(), c.observed_generation))
            .collect();
        said.sort();
        let source = s.source.as_ref().map(|s| (s.repository.clone(), s.sha.clone()));
        (s.observed_generation, s.phase.clone(), source, said)
    };
    if own.map(essence) == other.map(essence) {
        Says::Same
    } else if other.is_some_and(passes) {
        Says::Pass
    } else {
        Says::Other
    }
}

/// Whether anybody who reads it may take it for a pass.
fn passes(status: &TestRunReportStatus) -> bool {
    let is_true = |kind: &str| status.conditions.iter().any(|c| c.type_ == kind && c.status == "True");
    is_true("Passed") || is_true("Ready") || status.phase == "Passed"
}

/// What somebody else did to the status of one report.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    times: u32,
    last: Option<Instant>,
    until: Option<Instant>,
}

impl Rivals {
    /// It was written once more.
    pub fn wrote(&mut self, says: Says, now: Instant) -> Due {
        if self.last.replace(now).is_none_or(|last| now.duration_since(last) >= QUIET) {
            self.times = 0;
            self.until = None;
        }
        self.times = self.times.saturating_add(1);
        let beyond = self.times.saturating_sub(AT_ONCE);
        match says {
            Says::Pass => Due::Now,
            _ if beyond == 0 => Due::Now,
            Says::Same => Due::NextLook,
            Says::Other => {
                // A wait that goes on is not made longer: whoever writes all the time would be left alone for ever.
                let until = match self.until.filter(|until| *until > now) {
                    Some(until) => until,
                    None => now + requeue::backoff(beyond, 0.0),
                };
                self.until = Some(until);
                Due::In(until.duration_since(now))
            }
        }
    }

    /// Whether people should hear of it now: once each time that it begins.
    pub fn is_worth_a_word(&self) -> bool {
        self.times == AT_ONCE + 1
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(passed: &str, message: &str) -> TestRunReportStatus {
        serde_json::from_value(json!({"observedGeneration": 1, "phase": "x", "conditions": [
            {"type": "Passed", "status": passed, "reason": "R", "message": message, "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]}))
        .unwrap()
    }

    #[test]
    fn a_pass_that_is_not_the_own_one_is_told_from_other_words() {
        let (own, words) = (status("False", "a"), status("False", "b"));
        assert_eq!(compare(Some(&own), Some(&words)), Says::Same);
        assert_eq!(compare(Some(&own), Some(&status("True", "a"))), Says::Pass);
        assert_eq!(compare(Some(&own), Some(&status("Unknown", "a"))), Says::Other);
        assert_eq!(compare(Some(&own), None), Says::Other);
        let (pass, mut of_another) = (status("True", "a"), status("True", "a"));
        assert_eq!(compare(Some(&pass), Some(&of_another)), Says::Same);
        of_another.observed_generation = 2;
        assert_eq!(compare(Some(&pass), Some(&of_another)), Says::Pass);
    }

    #[test]
    fn a_pass_is_always_put_right_at_once_and_the_rest_ever_less_often() {
        let (mut rivals, begin) = (Rivals::default(), Instant::now());
        for second in 0..100 {
            assert_eq!(rivals.wrote(Says::Pass, begin + Duration::from_secs(second)), Due::Now);
        }
        let mut rivals = Rivals::default();
        for _ in 0..3 {
            assert_eq!(rivals.wrote(Says::Other, begin), Due::Now);
        }
        assert!(!rivals.is_worth_a_word());
        assert_eq!(rivals.wrote(Says::Other, begin), Due::In(Duration::from_secs(5)));
        assert!(rivals.is_worth_a_word());
        let later = begin + Duration::from_secs(3);
        assert_eq!(rivals.wrote(Says::Other, later), Due::In(Duration::from_secs(2)), "it is not put off");
        assert!(!rivals.is_worth_a_word());
        assert_eq!(rivals.wrote(Says::Same, later), Due::NextLook);
        assert_eq!(rivals.wrote(Says::Pass, later), Due::Now);
        let much_later = later + Duration::from_secs(3599);
        assert_eq!(rivals.wrote(Says::Other, much_later), Due::In(Duration::from_secs(80)));
        assert_eq!(rivals.wrote(Says::Other, much_later + QUIET), Due::Now, "after an hour of quiet");
    }
}
