//! CloudEvents over HTTP: changes of verdicts, told to sinks that the administrator names.
//!
//! An event is a hint that saves polling, and no verdict: it may come late, twice, or, where the process ends in
//! between, never. Who gates on it asks for the verdict then. Where events go is in no report's hands.

mod event;
mod send;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use event::{Event, of_change};
pub use send::Retries;

use crate::api::TestRunReport;
use crate::verdict::belongs::glob;

/// Events that wait for one sink; of more than that the newest are dropped.
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

/// Tells sinks of changes; clones share the queues. The default knows no sink.
#[derive(Clone, Debug, Default)]
pub struct Notifier(Arc<[Line]>);

#[derive(Debug)]
struct Line {
    name: String,
    namespaces: Vec<String>,
    queue: mpsc::Sender<Event>,
}

impl Notifier {
    /// Starts to deliver to these sinks until the end.
    pub fn start(sinks: Vec<Sink>, retries: Retries, end: &CancellationToken) -> anyhow::Result<Self> {
        let mut lines = Vec::new();
        for sink in sinks {
            let (queue, events) = mpsc::channel(QUEUE);
            let sender = send::Sender::new(&sink, retries)?;
            let end = end.clone();
            tokio::spawn(async move { end.run_until_cancelled(sender.run(events)).await });
            lines.push(Line { name: sink.name, namespaces: sink.namespaces, queue });
        }
        Ok(Self(lines.into()))
    }

    /// Tells of a status that was just written, if its verdict is another one. Never waits.
    pub fn tell(&self, before: Option<&crate::api::TestRunReportStatus>, written: &TestRunReport) {
        if self.0.is_empty() {
            return;
        }
        let Some(event) = of_change(before, written) else { return };
        let namespace = written.metadata.namespace.as_deref().unwrap_or_default();
        for line in self.0.iter().filter(|l| l.namespaces.iter().any(|g| glob(g, namespace))) {
            if line.queue.try_send(event.clone()).is_err() {
                tracing::warn!(sink = line.name, id = event.id, "too many events wait: one is dropped");
            }
        }
    }
}
