//! Asks repositories for changes that no event told of: one list for all reports of a repository.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::hints::{Due, Hints};
use super::observer::Observer;
use super::requeue::Pace;
use crate::collect::Swept;
use crate::github::{Ask, Priority};
use crate::runtime::random;

/// Repositories that are asked at the same time.
const AT_ONCE: usize = 8;
/// Shortest and longest pause between two rounds.
const ROUND: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// Asks until the token is cancelled.
pub(super) async fn run(
    hints: Hints,
    observer: Arc<dyn Observer>,
    pace: Pace,
    sweeps: bool,
    end: CancellationToken,
) {
    let pause = (pace.poll.min(pace.refresh) / 4).clamp(ROUND.0, ROUND.1);
    let work = async {
        loop {
            // So that the repositories of many operators are not asked in step.
            tokio::time::sleep(pause.mul_f64(0.9 + 0.2 * random::unit())).await;
            let due = hints.due(pace.poll, pace.refresh, sweeps);
            stream::iter(due).for_each_concurrent(AT_ONCE, |due| ask(&hints, observer.as_ref(), due)).await;
        }
    };
    end.run_until_cancelled(work).await;
}

async fn ask(hints: &Hints, observer: &dyn Observer, due: Due) {
    let ask = Ask::now(Priority::Running);
    match observer.survey(&due.access, &due.survey, ask).await {
        Ok(sightings) => {
            if let Swept::Refused(trouble) = &sightings.sweep {
                let repository = &due.survey.repository;
                tracing::info!(repository, "lists are read instead of counts: {}", trouble.message);
            }
            hints.sighted(&due, &sightings, ask.since);
        }
        // Looks meet the same trouble, and say so.
        Err(trouble) => {
            tracing::debug!(repository = due.survey.repository, "not surveyed: {}", trouble.message);
        }
    }
}
