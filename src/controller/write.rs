//! One write of a status: onto exactly what was looked at, once, whatever becomes of the answer.

use std::sync::Arc;
use std::time::Duration;

use kube::api::PostParams;
use kube::{Api, ResourceExt};

use super::memory::{Memory, Trigger};
use super::reconcile::Shared;
use crate::api::{FIELD_MANAGER, TestRunReport, TestRunReportStatus};
use crate::leader::Work;
use crate::runtime::metrics::Outcome;

/// Tries when only labels and the like changed meanwhile: whoever edits them often must not keep a verdict away.
const TRIES: u32 = 5;
/// Longest wait for one answer of the API server.
const LIMIT: Duration = Duration::from_secs(30);

/// Writes the status onto exactly the object that was read. One that only differs in what no verdict depends on
/// counts as the same.
pub(super) async fn write(
    report: &Arc<TestRunReport>,
    status: &TestRunReportStatus,
    shared: &Shared,
    work: &Work,
) -> Result<Outcome, kube::Error> {
    let memory = &shared.memory;
    let api = namespaced(report, shared);
    let mut object = TestRunReport::clone(report);
    object.metadata.managed_fields = None;
    object.status = Some(status.clone());
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    for _ in 0..TRIES {
        if !work.may_write() {
            return Ok(Outcome::Lost);
        }
        memory.writing(report, status);
        let name = report.name_any();
        let error = match within(api.replace_status(&name, &parameters, &object)).await {
            Ok(written) => return Ok(written_as(written, shared)),
            Err(error) => error,
        };
        let refused = matches!(&error, kube::Error::Api(status) if status.is_conflict());
        let lost = !matches!(&error, kube::Error::Api(status) if status.code < 500);
        if !refused && !lost {
            memory.abandon(report);
            return overtaken(error);
        }
        // Either somebody else was faster, or the answer was lost; what is there now says which.
        let now = match within(api.get_opt(&name)).await {
            Ok(Some(now)) if now.uid() == report.uid() => now,
            Ok(_) => {
                memory.abandon(report);
                return Ok(Outcome::Gone);
            }
            Err(_) => {
                memory.abandon(report);
                return overtaken(error);
            }
        };
        let same = Trigger::of(&now) == Trigger::of(report);
        if same && now.status.as_ref() == Some(status) {
            return Ok(written_as(now, shared));
        }
        memory.abandon(report);
        let unchanged = same && now.status == report.status;
        object.metadata.resource_version = now.resource_version();
        reread(memory, now);
        if !unchanged {
            break;
        }
        if !refused {
            return Err(error);
        }
    }
    Ok(Outcome::Conflict)
}

/// Bounds a request: a server that takes it and says nothing must not hold a look for long.
async fn within<T>(request: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    let late = |_| kube::Error::Service("the API server did not answer in time".into());
    tokio::time::timeout(LIMIT, request).await.map_err(late)?
}

fn written_as(mut written: TestRunReport, shared: &Shared) -> Outcome {
    shared.metrics.status_written();
    written.metadata.managed_fields = None;
    shared.memory.settle(Arc::new(written));
    Outcome::Written
}

fn reread(memory: &Memory, mut now: TestRunReport) {
    now.metadata.managed_fields = None;
    memory.reread(Arc::new(now));
}

/// A refusal that only says that somebody else was faster.
pub(super) fn overtaken(error: kube::Error) -> Result<Outcome, kube::Error> {
    match error {
        kube::Error::Api(status) if status.is_conflict() => Ok(Outcome::Conflict),
        kube::Error::Api(status) if status.is_not_found() => Ok(Outcome::Gone),
        error => Err(error),
    }
}

pub(super) fn namespaced(report: &TestRunReport, shared: &Shared) -> Api<TestRunReport> {
    Api::namespaced(shared.client.clone(), &report.namespace().unwrap_or_default())
}
