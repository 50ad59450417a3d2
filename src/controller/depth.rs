//! How deep a look is: as much as its reason asks for, and no more.

use std::time::Duration;

use super::hints::Hint;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::status::TestRunReportStatus;
use crate::collect::{Depth, Look};
use crate::github::{Ask, Priority};

/// Reports that are made at the same time share what they glance at.
const TOGETHER: Duration = Duration::from_secs(2);

/// Why a look is taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Why {
    /// The object is new or changed, somebody asks, or the last look came to nothing.
    pub asked: bool,
    /// Something happened on GitHub.
    pub hint: Option<Hint>,
    /// Events of the repository arrive.
    pub hears: bool,
}

/// The look to take; `previous` is the status of this generation, if there is one.
pub(super) fn look(previous: Option<&TestRunReportStatus>, why: &Why) -> Look {
    let state = state(previous);
    let (depth, priority) = match (state, why.asked, &why.hint) {
        (State::New, true, hint) if why.hears && hint.as_ref().is_none_or(|h| h.depth < Depth::Whole) => {
            (Depth::Glance, Priority::Running)
        }
        (_, false, Some(hint)) if state != State::Final => match hint.depth {
            Depth::Whole => (Depth::Whole, Priority::Gating),
            less => (less, Priority::Running),
        },
        (_, _, Some(_)) => (Depth::Whole, Priority::Gating),
        (State::Running, false, None) => (Depth::Progress, Priority::Running),
        (State::Final, false, None) => (Depth::Whole, Priority::Refresh),
        (_, true, None) => (Depth::Whole, Priority::Running),
        (State::New | State::Undecided, false, None) => (Depth::Whole, Priority::Gating),
    };
    let mut ask = Ask::now(priority);
    if depth == Depth::Glance {
        ask = ask.within(TOGETHER);
    }
    let mut told = Vec::new();
    if let Some(hint) = &why.hint {
        if !why.asked {
            ask.since = hint.since;
        }
        told.clone_from(&hint.told);
    }
    Look { ask, depth, shares: true, told }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is known of it.
    New,
    /// Jobs run or are awaited.
    Running,
    /// Settling, in trouble, or waiting for a person.
    Undecided,
    Final,
}

/// Whether a status says that its verdict is final.
pub(super) fn is_final(previous: Option<&TestRunReportStatus>) -> bool {
    state(previous) == State::Final
}

fn state(previous: Option<&TestRunReportStatus>) -> State {
    let Some(status) = previous else { return State::New };
    let of = |kind: ConditionType| status.conditions.iter().find(|c| c.type_ == kind.as_str());
    let is = |kind, value| of(kind).is_some_and(|c| c.status == value);
    if is(ConditionType::Complete, "True") && is(ConditionType::Reconciling, "False") {
        return State::Final;
    }
    let open = of(ConditionType::Complete).is_some_and(|c| {
        c.status == "False" && [Reason::Running, Reason::Pending].iter().any(|r| r.as_str() == c.reason)
    });
    if open && is(ConditionType::SourceAvailable, "True") { State::Running } else { State::Undecided }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::TestRunReportStatus;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use tokio::time::Instant;

    fn status(all: &[(&str, &str, &str)]) -> TestRunReportStatus {
        let of = |(kind, status, reason): &(&str, &str, &str)| Condition {
            type_: (*kind).to_owned(),
            status: (*status).to_owned(),
            reason: (*reason).to_owned(),
            message: String::new(),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
            observed_generation: Some(1),
        };
        TestRunReportStatus { conditions: all.iter().map(of).collect(), ..Default::default() }
    }

    #[test]
    fn each_reason_has_its_depth() {
        let read = ("SourceAvailable", "True", "Read");
        let running = status(&[("Complete", "False", "Running"), ("Reconciling", "True", "Running"), read]);
        let expecting =
            status(&[("Complete", "False", "Expecting"), ("Reconciling", "True", "Expecting"), read]);
        let settling =
            status(&[("Complete", "False", "Settling"), ("Reconciling", "True", "Settling"), read]);
        let done = status(&[("Complete", "True", "AllFinal"), ("Reconciling", "False", "Final"), read]);
        let away = status(&[
            ("Complete", "Unknown", "GitHubUnavailable"),
            ("SourceAvailable", "False", "GitHubUnavailable"),
        ]);
        let hint = |depth| Some(Hint::new(Instant::now(), depth));
        use Depth::{Glance, Progress, Whole};
        for (name, previous, asked, hint, hears, want) in [
            ("a new report", None, true, None, false, (Whole, Priority::Running)),
            ("a new report of a repository that tells", None, true, None, true, (Glance, Priority::Running)),
            ("after trouble", Some(&away), false, None, true, (Whole, Priority::Gating)),
            ("a run goes on", Some(&running), false, None, true, (Progress, Priority::Running)),
            ("a run ended", Some(&running), false, hint(Whole), true, (Whole, Priority::Gating)),
            ("a job is red", Some(&running), false, hint(Progress), true, (Progress, Priority::Running)),
            (
                "the spec changed meanwhile",
                Some(&running),
                true,
                hint(Progress),
                true,
                (Whole, Priority::Gating),
            ),
            ("something is expected", Some(&expecting), false, None, false, (Whole, Priority::Gating)),
            ("settling", Some(&settling), false, None, true, (Whole, Priority::Gating)),
            ("at rest", Some(&done), false, None, true, (Whole, Priority::Refresh)),
            (
                "a run began after the verdict",
                Some(&done),
                false,
                hint(Glance),
                true,
                (Whole, Priority::Gating),
            ),
        ] {
            let look = look(previous, &Why { asked, hint, hears });
            assert_eq!((look.depth, look.ask.priority), want, "{name}");
        }
    }
}
