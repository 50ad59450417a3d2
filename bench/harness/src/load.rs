//! What is done to a cluster: reports are created, changed, and waited for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::api::{Api, GROUP, report};
use crate::cluster::NAMESPACE;
use crate::github::{Size, sha_of, source_of};

/// Reports that are created at the same time.
const CREATORS: u32 = 16;

/// Name of the report of a commit.
pub fn name_of(number: u32) -> String {
    format!("report-{number:06}")
}

/// A report of the pull request of a commit. Logs are not read: their analysis has measurements of its own.
fn body_of(number: u32, size: Size) -> Value {
    let (repository, pull) = source_of(number, size);
    json!({
        "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name_of(number), "namespace": NAMESPACE},
        "spec": {
            "source": {"github": {"repository": repository, "pullRequest": pull}},
            "artifacts": {"maxLogBytes": 0},
        },
    })
}

/// Creates the reports of these commits, and passes each on as it is created.
pub async fn create(
    api: &Api,
    numbers: std::ops::Range<u32>,
    size: Size,
    created: Option<mpsc::UnboundedSender<(u32, Bytes)>>,
) -> Result<()> {
    let next = Arc::new(AtomicU32::new(numbers.start));
    let path = format!("{GROUP}/namespaces/{NAMESPACE}/testrunreports");
    let mut workers: JoinSet<Result<()>> = JoinSet::new();
    for _ in 0..CREATORS {
        let (api, next, path, created) = (api.clone(), next.clone(), path.clone(), created.clone());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return Ok(());
                }
                let answer = api.create(&path, Bytes::from(body_of(number, size).to_string())).await?;
                if let Some(created) = &created {
                    created.send((number, answer)).context("nobody takes what is created")?;
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}

/// Reports that came into a phase, and when.
#[derive(Debug)]
pub struct Seen {
    events: mpsc::UnboundedReceiver<(String, Instant)>,
    task: JoinHandle<Result<()>>,
    first: HashMap<String, Instant>,
}

impl Seen {
    /// Watches the reports of a phase; returns when the watch is in place.
    pub async fn watch(api: &Api, phase: &'static str) -> Result<Self> {
        let (tell, events) = mpsc::unbounded_channel();
        let (begun, begin) = oneshot::channel();
        let api = api.clone();
        let task = tokio::spawn(async move {
            // Nobody waits any more where the start was given up.
            let began = move || {
                let _ = begun.send(());
            };
            api.watch_phase(NAMESPACE, phase, began, |name, at| tell.send((name.to_owned(), at)).is_ok())
                .await
        });
        if begin.await.is_err() {
            task.await?.context("the watch of reports cannot begin")?;
            bail!("the watch of reports ended at once");
        }
        Ok(Self { events, task, first: HashMap::new() })
    }

    /// Waits until so many reports were seen, and returns when the last of them was.
    pub async fn until(&mut self, count: usize, patience: Duration) -> Result<Instant> {
        let mut last = Instant::now();
        let deadline = Instant::now() + patience;
        while self.first.len() < count {
            let next = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let next =
                next.with_context(|| format!("{} of {count} reports after {patience:?}", self.first.len()))?;
            let (name, at) = next.context("the watch of reports ended")?;
            last = *self.first.entry(name).or_insert(at);
        }
        Ok(last)
    }

    /// Waits until this report was seen, and returns when.
    pub async fn one(&mut self, name: &str, patience: Duration) -> Result<Instant> {
        let deadline = Instant::now() + patience;
        while !self.first.contains_key(name) {
            let next = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let next = next.with_context(|| format!("{name} is not seen after {patience:?}"))?;
            let (name, at) = next.context("the watch of reports ended")?;
            self.first.entry(name).or_insert(at);
        }
        self.first.get(name).copied().context("it was just seen")
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A finished report as an operator left it, to be written again for other commits.
#[derive(Clone, Debug)]
pub struct Sample {
    number: u32,
    text: String,
}

impl Sample {
    /// Reads the report of a commit.
    pub async fn read(api: &Api, number: u32) -> Result<Self> {
        let bytes = api.get(&report(NAMESPACE, &name_of(number))).await?;
        let mut object: Value = serde_json::from_slice(&bytes)?;
        let complete = object.pointer("/status/completedAt").is_some();
        ensure!(complete, "{} is not finished", name_of(number));
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| key == "name" || key == "namespace");
            metadata.insert("resourceVersion".to_owned(), json!("VERSION"));
        }
        Ok(Self { number, text: object.to_string() })
    }

    /// Bytes of the object, without what the server adds.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The object for another commit, to be put in the place of this version.
    pub fn of(&self, number: u32, size: Size, version: &str) -> Bytes {
        let (old, new) = (source_of(self.number, size), source_of(number, size));
        let text = self
            .text
            .replace(&sha_of(self.number), &sha_of(number))
            .replace(&name_of(self.number), &name_of(number))
            .replace(&format!("{}\"", old.0), &format!("{}\"", new.0))
            .replace(&format!("\"pullRequest\":{}", old.1), &format!("\"pullRequest\":{}", new.1))
            .replace("VERSION", version);
        Bytes::from(text)
    }
}
