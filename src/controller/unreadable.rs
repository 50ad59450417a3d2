//! Reports that cannot be read at all get a status that says so, in place of whatever was said of them before.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::guard::{self, Invalid};
use super::write::within;
use crate::api::{FIELD_MANAGER, Reason, TestRunReport, TestRunReportSpec, TestRunReportStatus};
use crate::leader::Ownership;
use crate::runtime::metrics::Metrics;
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::{self, Context, Waivers};

/// Between two tries to write what could not be written, or not by this replica.
const AGAIN: Duration = Duration::from_secs(30);

/// Namespace and name.
type Key = (String, String);

/// Takes in what the watch cannot read.
pub(super) type Inbox = mpsc::UnboundedSender<Invalid<TestRunReport>>;

/// Writes the status of what cannot be read, for ever.
pub(super) async fn run(
    client: Client,
    mut found: mpsc::UnboundedReceiver<Invalid<TestRunReport>>,
    ownership: Ownership,
    metrics: Metrics,
) {
    let mut open = BTreeMap::<Key, Invalid<TestRunReport>>::new();
    let mut again = Instant::now();
    loop {
        tokio::select! {
            next = found.recv() => {
                let Some(invalid) = next else { return };
                if open.is_empty() {
                    again = Instant::now() + AGAIN;
                }
                settle(&client, invalid, &ownership, &metrics, &mut open).await;
            }
            // However often others come meanwhile.
            () = tokio::time::sleep_until(again), if !open.is_empty() => {
                for key in open.keys().cloned().collect::<Vec<_>>() {
                    if let Some(invalid) = open.remove(&key) {
                        settle(&client, invalid, &ownership, &metrics, &mut open).await;
                    }
                }
                again = Instant::now() + AGAIN;
            }
        }
    }
}

async fn settle(
    client: &Client,
    invalid: Invalid<TestRunReport>,
    ownership: &Ownership,
    metrics: &Metrics,
    open: &mut BTreeMap<Key, Invalid<TestRunReport>>,
) {
    let key = (invalid.namespace().to_owned(), invalid.name().to_owned());
    match park(client, &invalid, ownership, metrics).await {
        Ok(true) => drop(open.remove(&key)),
        Ok(false) => drop(open.insert(key, invalid)),
        Err(error) => {
            let error: String = error.to_string().chars().take(512).collect();
            tracing::warn!(
                namespace = key.0,
                name = key.1,
                "the status of a report that cannot be read: {error}"
            );
            open.insert(key, invalid);
        }
    }
}

/// Writes onto exactly what was read that it cannot be read. False where that is another replica's.
async fn park(
    client: &Client,
    invalid: &Invalid<TestRunReport>,
    ownership: &Ownership,
    metrics: &Metrics,
) -> Result<bool, kube::Error> {
    let (namespace, name) = (invalid.namespace(), invalid.name());
    let Some(work) = ownership.begin(namespace) else { return Ok(false) };
    let kind = ApiResource::erase::<TestRunReport>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let Some(mut object) = within(api.get_opt(name)).await? else { return Ok(true) };
    let meta = &object.metadata;
    // Whatever came since is told by the watch.
    let same = (&meta.uid, meta.generation) == (&invalid.metadata.uid, invalid.metadata.generation);
    if !same || meta.deletion_timestamp.is_some() {
        return Ok(true);
    }
    let Ok(value) = serde_json::to_value(&object) else { return Ok(true) };
    let Err((error, _)) = guard::read::<TestRunReport>(&value) else { return Ok(true) };
    let before: Option<TestRunReportStatus> =
        object.data.get("status").and_then(|s| serde_json::from_value(s.clone()).ok());
    let message = guard::explain(&error);
    let trouble = Trouble { reason: Reason::InvalidSpec, message, retry_at: None };
    let context = Context {
        generation: meta.generation.unwrap_or_default(),
        name: Some(name),
        namespace: Some(namespace),
        previous: before.as_ref(),
        waivers: Waivers { ignore_own: true, shared: &[] },
        now: Timestamp::now(),
        moved: false,
    };
    // Stands for the one that cannot be read; a spec without a source would be told of in its place.
    let mut spec = TestRunReportSpec::default();
    spec.source.github.repository = "not/read".to_owned();
    spec.source.github.sha = Some("0".repeat(40));
    let status = verdict::evaluate(&spec, &Observations::Trouble(trouble), &context).status;
    if before.as_ref() == Some(&status) || !work.may_write() {
        return Ok(before.as_ref() == Some(&status));
    }
    let Ok(status) = serde_json::to_value(&status) else { return Ok(true) };
    let Some(data) = object.data.as_object_mut() else { return Ok(true) };
    data.insert("status".to_owned(), status);
    object.metadata.managed_fields = None;
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match within(api.replace_status(name, &parameters, &object)).await {
        Ok(_) => {
            metrics.status_written();
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(true),
        // Somebody was faster; the watch brings it.
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kube::core::ObjectMeta;

    use super::super::fake;
    use super::*;

    fn invalid(name: &str) -> Invalid<TestRunReport> {
        let (namespace, name) = (Some("default".to_owned()), Some(name.to_owned()));
        let metadata = ObjectMeta { namespace, name, ..ObjectMeta::default() };
        Invalid { metadata, error: "as the test wants it".to_owned(), known: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_written_is_tried_again_however_often_others_come() {
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = tries.clone();
        let client = fake::client(move |path| {
            counted.fetch_add(usize::from(path.ends_with("/first")), Ordering::SeqCst);
            Some(fake::trouble(500))
        });
        let (inbox, found) = mpsc::unbounded_channel();
        let work = tokio::spawn(run(client, found, Ownership::everything(), Metrics::default()));
        inbox.send(invalid("first")).unwrap();
        let mut ticks = tokio::time::interval(AGAIN / 3);
        for n in 0..12 {
            ticks.tick().await;
            inbox.send(invalid(&format!("other-{n}"))).unwrap();
        }
        assert!(tries.load(Ordering::SeqCst) >= 3, "{tries:?} tries in two minutes");
        drop(inbox);
        work.await.unwrap();
    }
}
