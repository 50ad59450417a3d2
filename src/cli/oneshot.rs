//! A report without a cluster: look, evaluate, and look again where that is asked for.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::TestRunReport;
use crate::collect::{Look, Memory, collect};
use crate::github::GitHub;
use crate::verdict::{Context, Next, evaluate};

/// Longest wait within one look: a commit that finished seconds ago settles soon.
const SOON: Duration = Duration::from_secs(30);
/// Pause after trouble.
const BACKOFF: Duration = Duration::from_secs(15);

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// One look, and a second one if the verdict is due in a moment.
    Once,
    /// Until the verdict is final.
    Final(Option<Instant>),
}

/// Fills the status of a report.
pub(super) async fn fill(github: &GitHub, report: &mut TestRunReport, until: Until, poll: Duration) {
    let memory = Memory::new();
    let mut progress = Progress::new();
    report.metadata.generation.get_or_insert(1);
    report.metadata.creation_timestamp.get_or_insert(Time(Timestamp::now()));
    // What a file says of the status is nobody's verdict.
    report.status = None;
    let begin = Instant::now();
    loop {
        let observations = collect(github, &report.spec, &memory, Look::whole()).await;
        let context = Context {
            waivers: Default::default(),
            generation: report.metadata.generation.unwrap_or(1),
            name: None,
            namespace: None,
            previous: report.status.as_ref(),
            now: Timestamp::now(),
            moved: false,
        };
        let evaluation = evaluate(&report.spec, &observations, &context);
        report.status = Some(evaluation.status);
        progress.show(report);
        let Some(wait) = pause(evaluation.next, until, poll, begin.elapsed()) else { return };
        if let Until::Final(Some(end)) = until
            && Instant::now() + wait >= end
        {
            let left = end.saturating_duration_since(Instant::now());
            if left < Duration::from_secs(1) {
                return;
            }
            tokio::time::sleep(left).await;
            continue;
        }
        tokio::time::sleep(wait).await;
    }
}

/// How long to wait for the next look; None at the end.
fn pause(next: Next, until: Until, poll: Duration, since: Duration) -> Option<Duration> {
    let left = |at: Timestamp| Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
    match (next, until) {
        (Next::Final(_) | Next::Stalled, _) => None,
        (Next::Now, _) => Some(Duration::ZERO),
        (Next::At(at), Until::Once) => {
            let wait = left(at).max(Duration::from_secs(1));
            (since + wait <= SOON).then_some(wait)
        }
        (_, Until::Once) => None,
        (Next::At(at), Until::Final(_)) => {
            Some(left(at).clamp(Duration::from_secs(1), poll.max(Duration::from_secs(1))))
        }
        (Next::Poll(_), Until::Final(_)) => Some(poll),
        (Next::Retry(at), Until::Final(_)) => Some(at.map_or(BACKOFF, |at| left(at).max(BACKOFF))),
    }
}

/// One line on a terminal whenever something changed; nothing in a pipe.
struct Progress {
    terminal: bool,
    last: String,
}

impl Progress {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), last: String::new() }
    }

    fn show(&mut self, report: &TestRunReport) {
        if !self.terminal {
            return;
        }
        let Some(status) = &report.status else { return };
        let jobs = status.summary.as_ref().map_or("", |s| &s.jobs.display);
        let message = status.conditions.iter().find(|c| c.type_ == "Passed").map_or("", |c| &c.message);
        let line = format!("{:<8} {jobs:<8} {}", status.phase, crate::verdict::text::clean(message, 160));
        if line != self.last {
            eprintln!("{line}");
            self.last = line;
        }
    }
}
