//! What came of it: remembered for the condition `Published`, told by an Event where it is bad, and tried again soon where
//! it may pass by itself. Until then something old is shown elsewhere, and the next look may be a day away.

use std::time::Duration;

use jiff::Timestamp;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

use super::owned::Reflected;
use crate::api::{Reason, TestRunReport};
use crate::controller::reconcile::Shared;
use crate::controller::requeue;
use crate::runtime::random;
use crate::verdict::facts::Trouble;
use crate::verdict::publish::{Problem, Target};

/// Remembers what came of an object of the cluster. True when another look is due.
pub(super) async fn reflected(
    report: &TestRunReport,
    target: Target,
    outcome: Result<Reflected, Problem>,
    shared: &Shared,
) -> bool {
    let outcome = match outcome {
        Ok(Reflected::Overtaken) => return true,
        Ok(Reflected::Shown) => Ok(()),
        Err(problem) => Err(problem),
    };
    came_to(report, target, outcome, shared).await;
    false
}

/// Trouble that ends by itself.
pub(super) const fn passes(reason: Reason) -> bool {
    matches!(reason, Reason::GitHubUnavailable | Reason::RateLimited)
}

/// A refusal by GitHub. What passes by itself is warned of and tried again; it is no news for the status.
pub(super) async fn refused(report: &TestRunReport, target: Target, trouble: Trouble, shared: &Shared) {
    let passing = passes(trouble.reason);
    let problem = Problem { reason: Reason::PublishRefused, message: trouble.message, passes: passing };
    if passing {
        shared.memory.deeds(report, |done| done.kept = done.kept.max(Some(trouble.retry_at)));
        return warn(report, Some(target), problem.reason.as_str(), &problem.message, shared).await;
    }
    came_to(report, target, Err(problem), shared).await;
}

/// Remembers what came of an attempt; a problem is a warning event too.
pub(super) async fn came_to(
    report: &TestRunReport,
    target: Target,
    outcome: Result<(), Problem>,
    shared: &Shared,
) {
    if let Err(problem) = &outcome {
        let message = format!("{}: {}", target.as_str(), problem.message);
        warn(report, Some(target), problem.reason.as_str(), &message, shared).await;
    }
    shared.memory.deeds(report, |done| {
        match &outcome {
            Ok(()) => drop(done.warned.remove(&Some(target))),
            Err(problem) if problem.passes => done.kept = done.kept.max(Some(None)),
            Err(_) => {}
        }
        done.outcomes.insert(target, outcome);
    });
}

/// A warning event, once for each message.
pub(super) async fn warn(
    report: &TestRunReport,
    about: Option<Target>,
    reason: &str,
    message: &str,
    shared: &Shared,
) {
    let known = shared
        .memory
        .deeds(report, |d| d.warned.insert(about, message.to_owned()).as_deref() == Some(message));
    if known {
        return;
    }
    tracing::warn!("{reason}: {message}");
    let event = Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        note: Some(super::super::events::shortened(message)),
        action: "Act".to_owned(),
        secondary: None,
    };
    shared.recorder.publish(&event, &report.object_ref(&())).await;
}

/// When what could not be shown is tried again, if anything could not for a reason that passes.
pub(super) fn late(report: &TestRunReport, shared: &Shared) -> Option<Duration> {
    let now = Timestamp::now();
    shared.memory.deeds(report, |done| {
        let Some(not_before) = done.kept.take() else {
            done.late = 0;
            return None;
        };
        done.late = done.late.saturating_add(1);
        let wait = requeue::backoff(done.late, random::unit());
        Some(not_before.map_or(wait, |at| wait.max(requeue::until(at, now))))
    })
}
