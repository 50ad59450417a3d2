//! CloudEvents over HTTP: changes of verdicts, told to sinks that the administrator names.
//!
//! An event is a hint that saves polling, and no verdict: it may come late or twice. The newest change of a report
//! is told until every sink has taken it, over restarts too: `status.told` has the change that all of them took, and
//! whoever looks at a report of which another change is the newest tells it again. Where events go is in no report's
//! hands.

mod event;
mod send;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use event::{Event, newest};
pub use send::Retries;
pub use told::Told;

use crate::api::{TestRunReport, TestRunReportStatus};
use crate::runtime::metrics::{Metrics, Telling};
use crate::verdict::belongs::glob;

/// Events that wait for one sink; of more than that the newest wait for the next look at their reports.
const QUEUE: usize = 1024;

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// What logs call it.
    pub name: String,
    pub url: http::Uri,
    /// File with the secret that events are signed with.
    pub secret_file: Option<PathBuf>,
    /// Globs of namespaces whose events it gets.
    pub namespaces: Vec<String>,
}

/// An event on its way to one sink.
#[derive(Debug)]
struct Letter {
    event: Event,
    /// The change that it tells of.
    change: String,
    told: Told,
}

/// Tells sinks of changes; clones share the queues. The default knows no sink.
#[derive(Clone, Debug, Default)]
pub struct Notifier(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Line>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Line {
    name: String,
    namespaces: Vec<String>,
    queue: mpsc::Sender<Letter>,
}

impl Notifier {
    /// Starts to deliver to these sinks until the end.
    pub fn start(
        sinks: Vec<Sink>,
        retries: Retries,
        metrics: Metrics,
        end: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut lines = Vec::new();
        for (place, sink) in sinks.into_iter().enumerate() {
            let (queue, letters) = mpsc::channel(QUEUE);
            let sender = send::Sender::new(&sink, place, retries, metrics.clone())?;
            let end = end.clone();
            tokio::spawn(async move { end.run_until_cancelled(sender.run(letters)).await });
            lines.push(Line { name: sink.name, namespaces: sink.namespaces, queue });
        }
        Ok(Self(Arc::new(Inner { lines, metrics })))
    }

    /// Sinks that are told of reports of a namespace, with their places.
    fn lines(&self, namespace: &str) -> impl Iterator<Item = (usize, &Line)> {
        let fits = move |line: &&Line| line.namespaces.iter().any(|g| glob(g, namespace));
        self.0.lines.iter().enumerate().filter(move |(_, line)| fits(line))
    }

    /// Tells of the newest change of a report as it is stored, whoever has not taken it yet. Never waits.
    pub fn tell(&self, report: &TestRunReport, told: &Told) {
        let Some(status) = report.status.as_ref().filter(|_| !self.0.lines.is_empty()) else { return };
        let Some(change) = newest(status).filter(|change| status.told.as_ref() != Some(change)) else {
            return;
        };
        let namespace = report.metadata.namespace.as_deref().unwrap_or_default();
        let mut event = None;
        for (place, line) in self.lines(namespace).filter(|(place, _)| told.begin(*place, &change)) {
            let Some(event) = event.get_or_insert_with(|| event::of(report, &change)).clone() else { return };
            let letter = Letter { event, change: change.clone(), told: told.clone() };
            if line.queue.try_send(letter).is_err() {
                told.give_up(place, &change);
                self.0.metrics.told(Telling::Dropped);
                tracing::debug!(
                    sink = line.name,
                    change,
                    "too many events wait: it is told at the next look"
                );
            }
        }
    }

    /// What a status has to say of it: the newest change, once all sinks have taken that, or what it said before.
    pub fn note(&self, namespace: &str, status: &mut TestRunReportStatus, told: &Told) {
        let Some(change) = newest(status) else { return };
        let mut lines = self.lines(namespace).peekable();
        if lines.peek().is_some() && lines.all(|(place, _)| told.has(place, &change)) {
            status.told = Some(change);
        }
    }
}
