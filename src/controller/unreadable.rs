//! Reports that cannot be read at all get a status that says so, in place of whatever was said of them before.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use tokio::sync::mpsc;

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
    loop {
        let next = if open.is_empty() {
            found.recv().await
        } else {
            match tokio::time::timeout(AGAIN, found.recv()).await {
                Ok(next) => next,
                Err(_) => {
                    for key in open.keys().cloned().collect::<Vec<_>>() {
                        if let Some(invalid) = open.remove(&key) {
                            settle(&client, invalid, &ownership, &metrics, &mut open).await;
                        }
                    }
                    continue;
                }
            }
        };
        let Some(invalid) = next else { return };
        settle(&client, invalid, &ownership, &metrics, &mut open).await;
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
