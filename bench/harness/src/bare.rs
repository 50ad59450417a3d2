//! The bare client: writes the objects that an operator writes, at the same concurrency, and does
//! nothing else. Its rate is what the API server allows.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api::{Api, report};
use crate::cluster::NAMESPACE;
use crate::github::Size;
use crate::load::{self, Sample, Seen, name_of};

#[derive(Deserialize)]
struct Created {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    uid: String,
    resource_version: String,
}

/// Creates reports, and writes status and Event of each as soon as it is there. Returns the time from the
/// first creation until a watcher has seen all of them.
pub async fn pass(api: &Api, count: u32, size: Size, sample: &Sample, writers: u16) -> Result<Duration> {
    let mut seen = Seen::watch(api, "Passed").await?;
    let (tell, created) = mpsc::unbounded_channel::<(u32, Bytes)>();
    let created = std::sync::Arc::new(Mutex::new(created));
    let begun = Instant::now();
    let mut work = JoinSet::new();
    for _ in 0..writers {
        let (api, created, sample) = (api.clone(), created.clone(), sample.clone());
        work.spawn(async move {
            loop {
                let next = created.lock().await.recv().await;
                let Some((number, answer)) = next else { return anyhow::Ok(()) };
                write(&api, number, &answer, size, &sample).await?;
            }
        });
    }
    load::create(api, 0..count, size, Some(tell)).await?;
    while let Some(ended) = work.join_next().await {
        ended??;
    }
    let end = seen.until(count as usize, Duration::from_secs(60)).await?;
    Ok(end - begun)
}

async fn write(api: &Api, number: u32, answer: &[u8], size: Size, sample: &Sample) -> Result<()> {
    let Created { metadata } = serde_json::from_slice(answer).context("an answer without a version")?;
    let body = sample.of(number, size, &metadata.resource_version);
    api.replace(&format!("{}/status", report(NAMESPACE, &name_of(number))), body).await?;
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": {"name": format!("{}.{:016x}", name_of(number), number), "namespace": NAMESPACE},
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "bare", "reportingInstance": "bare",
        "type": "Normal", "reason": "AllRequiredSucceeded", "action": "Evaluate",
        "note": "20 of 20 required jobs and checks succeeded on commit 398e92a4f17b6c7d3b8a37d5b505842c000000c8",
        "regarding": {"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "name": name_of(number),
            "namespace": NAMESPACE, "uid": metadata.uid},
    });
    let path = format!("/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events");
    api.create(&path, Bytes::from(event.to_string())).await.map(drop)
}

/// How long one small change of one report takes, again and again, sorted.
pub async fn patches(api: &Api, number: u32, times: u32) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    for n in 0..times {
        let begun = Instant::now();
        let patch = json!({"metadata": {"labels": {"bench": n.to_string()}}});
        api.patch(&report(NAMESPACE, &name_of(number)), &patch).await?;
        took.push(begun.elapsed());
    }
    took.sort();
    Ok(took)
}
