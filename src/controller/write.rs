//! One write of a status: onto exactly what was looked at, once, whatever becomes of the answer.

use std::sync::Arc;
use std::time::Duration;

use kube::api::PostParams;
use kube::{Api, ResourceExt};
use tracing::Instrument;

use super::guard::{self, Guarded};
use super::memory::Memory;
use super::reconcile::Shared;
use super::rivals;
use crate::api::{FIELD_MANAGER, TestRunReport, TestRunReportStatus};
use crate::cache::Trigger;
use crate::leader::Work;
use crate::runtime::metrics::Outcome;

/// Tries when only labels and the like changed meanwhile: whoever edits them often must not keep a verdict away.
const TRIES: u32 = 5;
/// Longest wait for one answer of the API server.
const LIMIT: Duration = Duration::from_secs(30);

/// Writes the status onto exactly the object that was read. One that only differs in what no verdict depends on
/// counts as the same. Gives the object too: as it is then if it was written, else as it was read.
pub(super) async fn write(
    report: &Arc<TestRunReport>,
    status: &TestRunReportStatus,
    shared: &Shared,
    work: &Work,
) -> Result<(Outcome, Arc<TestRunReport>), kube::Error> {
    let unwritten = |outcome| Ok((outcome, report.clone()));
    let memory = &shared.memory;
    let api = namespaced(report, shared);
    let guarded: Api<Guarded<TestRunReport>> =
        Api::namespaced(shared.client.clone(), &report.namespace().unwrap_or_default());
    let mut object = TestRunReport::clone(report);
    object.metadata.managed_fields = None;
    object.status = Some(status.clone());
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    for _ in 0..TRIES {
        if !work.may_write() {
            return unwritten(Outcome::Lost);
        }
        memory.writing(report, status);
        let name = report.name_any();
        let writing = within(api.replace_status(&name, &parameters, &object));
        let error = match writing.instrument(tracing::debug_span!("write")).await {
            Ok(written) => return Ok(written_as(written, status, report, shared)),
            Err(error) => error,
        };
        if matches!(&error, kube::Error::Api(status) if status.is_invalid()) {
            tracing::warn!(
                "the API server takes no such status: if the definition that is installed is older than this \
                 operator, apply the one of its version: kubectl apply --server-side --force-conflicts -f crds/"
            );
        }
        let refused = matches!(&error, kube::Error::Api(status) if status.is_conflict());
        let lost = !matches!(&error, kube::Error::Api(status) if status.code < 500);
        if !refused && !lost {
            memory.abandon(report.as_ref());
            return overtaken(error).and_then(unwritten);
        }
        // Either somebody else was faster, or the answer was lost; what is there now says which.
        let now = match within(guarded.get_opt(&name)).await {
            Ok(Some(Guarded(Ok(now)))) if now.uid() == report.uid() => now,
            // It asks for something by now that cannot be read; the watch brings it.
            Ok(Some(Guarded(Err(_)))) => {
                memory.abandon(report.as_ref());
                return unwritten(Outcome::Conflict);
            }
            Ok(_) => {
                memory.abandon(report.as_ref());
                return unwritten(Outcome::Gone);
            }
            Err(_) => {
                memory.abandon(report.as_ref());
                return overtaken(error).and_then(unwritten);
            }
        };
        let same = Trigger::of(&now) == Trigger::of(report);
        if same && now.status.as_ref() == Some(status) {
            // Refused for certain, so that another replica wrote the same: what a write calls for is done by it.
            let known = if refused {
                (Outcome::Unchanged, settled(now, shared))
            } else {
                written_as(now, status, report, shared)
            };
            return Ok(known);
        }
        memory.abandon(report.as_ref());
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
    unwritten(Outcome::Conflict)
}

/// Bounds a request: a server that takes it and says nothing must not hold a look for long.
pub(super) async fn within<T>(request: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    let late = |_| kube::Error::Service("the API server did not answer in time".into());
    tokio::time::timeout(LIMIT, request).await.map_err(late)?
}

fn written_as(
    mut written: TestRunReport,
    meant: &TestRunReportStatus,
    report: &TestRunReport,
    shared: &Shared,
) -> (Outcome, Arc<TestRunReport>) {
    // Its spec is that of the version that it was written onto.
    guard::mark(&mut written, guard::unknown(report).map(str::to_owned));
    shared.metrics.status_written();
    if written.status.as_ref() == Some(meant) {
        return (Outcome::Written, settled(written, shared));
    }
    shared.dropped.note(meant, written.status.as_ref(), &shared.metrics);
    // What says another verdict than was written is not what was meant; it is written again with the next look.
    if rivals::compare(Some(meant), written.status.as_ref()) != rivals::Says::Same {
        return (Outcome::Written, settled(written, shared));
    }
    written.metadata.managed_fields = None;
    let whole = TestRunReport { status: Some(meant.clone()), ..written.clone() };
    let memory = &shared.memory;
    memory.settle_as(&written, memory.pack(&written), Some(memory.pack(&whole)));
    (Outcome::Written, Arc::new(written))
}

fn settled(mut now: TestRunReport, shared: &Shared) -> Arc<TestRunReport> {
    now.metadata.managed_fields = None;
    shared.memory.settle(&now, shared.memory.pack(&now));
    Arc::new(now)
}

fn reread(memory: &Memory, mut now: TestRunReport) {
    now.metadata.managed_fields = None;
    memory.reread(&now, memory.pack(&now));
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
