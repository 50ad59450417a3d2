//! One look at one report: facts, verdict, at most one write.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Preconditions};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};

use super::copies::Copies;
use super::credentials::{self, Denied, Wish};
use super::depth::{self, Why};
use super::dropped::Dropped;
use super::events::Recorder;
use super::memory::Memory;
use super::observer::Observer;
use super::turns::Turns;
use super::waivers::Lists;
use super::write::{namespaced, overtaken, write};
use super::{Access, Config, deeds, events, guard, requeue};
use crate::api::{REQUESTED_AT, Reason, TestRunReport, TestRunReportStatus};
use crate::cache::{Kept, Snapshot, Unreadable};
use crate::collect::Look;
use crate::leader::Work;
use crate::runtime::metrics::{Metrics, Outcome};
use crate::runtime::random;
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::{self, Context, Evaluation, Next, Waivers};

/// Longest time that one look may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Wait after another writer was faster; the watch brings the new state before that.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Verdicts that were there before the process are looked at again, so many within a refresh interval.
const TOGETHER: usize = 200;

/// What all reconciles share.
pub(super) struct Shared {
    pub client: Client,
    pub observer: Arc<dyn Observer>,
    pub config: Config,
    pub memory: Arc<Memory>,
    pub waivers: Lists,
    pub metrics: Metrics,
    pub recorder: Recorder,
    pub turns: Turns,
    pub copies: Copies,
    pub dropped: Dropped,
}

/// What was seen, and what it was seen with.
type Seen = (Observations, Option<Access>);
/// How a look ended, and when the next is due.
type Done = (Outcome, Option<Duration>);

/// Looks at a report. Whatever happens inside becomes an outcome; the process never ends of it.
pub(super) async fn reconcile(cached: Arc<Kept>, shared: Arc<Shared>) -> Action {
    let namespace = cached.namespace().unwrap_or_default();
    // Another replica's; should that end, all reports of its share are queued.
    let Some(work) = shared.config.ownership.begin(&namespace) else { return Action::await_change() };
    let is_hinted = shared.config.hints.owes(&ObjectRef::from_obj(cached.as_ref()));
    let is_doubted = is_hinted || shared.memory.doubts(&cached);
    let _turn = match shared.turns.take(&cached, is_doubted) {
        Ok(turn) => turn,
        Err(wait) => return Action::requeue(wait),
    };
    // What happened on GitHub does not wait for what somebody did to the status.
    if let Some(wait) = shared.memory.put_off(&cached).filter(|_| !is_hinted) {
        return Action::requeue(wait);
    }
    let snapshot = shared.memory.freshest(&cached);
    let begin = Instant::now();
    let look = AssertUnwindSafe(tokio::time::timeout(LIMIT, look(&snapshot, &shared, &work))).catch_unwind();
    let (outcome, wait) = match look.await {
        Ok(Ok(Ok(done))) => done,
        Ok(Ok(Err(error))) => {
            let text: String = error.to_string().chars().take(512).collect();
            tracing::warn!("{text}");
            (Outcome::Error, Some(retry(&cached, &shared)))
        }
        Ok(Err(_)) => {
            tracing::warn!("given up after {} s; tried again later", LIMIT.as_secs());
            (Outcome::Timeout, Some(retry(&cached, &shared)))
        }
        Err(_) => {
            tracing::error!("the reconcile panicked; this is a defect of the operator, please report it");
            (Outcome::Panic, Some(retry(&cached, &shared)))
        }
    };
    let took = begin.elapsed();
    shared.memory.due(&cached, wait);
    shared.metrics.reconciled(outcome, took);
    tracing::info!(outcome = outcome.as_str(), took_ms = took.as_millis() as u64, next = ?wait, "reconciled");
    wait.map_or_else(Action::await_change, Action::requeue)
}

/// Why a look came to no end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the API server refused: {0}")]
    Api(#[from] kube::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

fn retry(report: &Kept, shared: &Shared) -> Duration {
    shared.memory.abandon(report);
    shared.memory.ask(report);
    requeue::backoff(shared.memory.failed(report), random::unit())
}

async fn look(snapshot: &Snapshot, shared: &Shared, work: &Work) -> Result<Done, Failure> {
    let report = &Arc::new(snapshot.open()?);
    if report.metadata.deletion_timestamp.is_some() {
        return Ok((Outcome::Gone, None));
    }
    let mut previous = shared.memory.previous(report, snapshot)?;
    if let Some(previous) = &mut previous {
        shared.memory.deeds(report, |done| done.tell(previous));
    }
    if let Some(at) = expiry(report, previous.as_ref())
        && at <= Timestamp::now()
    {
        return Ok(expire(report, shared, work).await?);
    }
    deeds::withdraw(report, previous.as_ref(), shared).await;
    let lists = shared.waivers.of(&report.namespace().unwrap_or_default());
    let waivers = Waivers { ignore_own: !shared.config.report_waivers, shared: &lists };
    let hint = shared.config.hints.take(report);
    let why = Why { asked: shared.memory.asked(report), hint, hears: shared.config.hints.hears(report) };
    let same = previous.as_ref().filter(|p| Some(p.observed_generation) == report.metadata.generation);
    if let Some(status) = same.filter(|_| why.hint.is_none())
        && let Some(wait) = adopt(report, snapshot, status, waivers, shared).await?
    {
        return Ok((Outcome::Adopted, Some(wait)));
    }
    let (observations, access) = observe(report, depth::look(same, &why), shared).await?;
    let name = report.name_any();
    let namespace = report.namespace();
    let context = Context {
        generation: report.metadata.generation.unwrap_or_default(),
        name: Some(&name),
        namespace: namespace.as_deref(),
        previous: previous.as_ref(),
        waivers,
        now: Timestamp::now(),
        moved: why.hint.as_ref().is_some_and(|hint| hint.moved),
    };
    let mut evaluation = match impossible(report) {
        None => verdict::evaluate(&report.spec, &observations, &context),
        Some(message) => verdict::set_aside(&report.spec, &observations, message, &context),
    };
    deeds::tell(report, &context, shared, &mut evaluation.status);
    let answers = deeds::deployment::record(report, &observations, &mut evaluation.status, shared);
    let told = shared.memory.told(report);
    shared.config.notifier.note(namespace.as_deref().unwrap_or_default(), &mut evaluation.status, &told);
    shared.config.hints.saw(report, access.as_ref(), &observations, &evaluation.status);
    let (outcome, now) = if report.status.as_ref() == Some(&evaluation.status) {
        shared.memory.settle(report.as_ref(), snapshot.clone());
        (Outcome::Unchanged, report.clone())
    } else if !why.asked && shared.memory.is_kept_of(&evaluation.status, snapshot, report.as_ref()) {
        (Outcome::Unchanged, report.clone())
    } else {
        write(report, &evaluation.status, shared, work).await?
    };
    if outcome == Outcome::Written {
        events::record(&shared.recorder, report, previous.as_ref(), &evaluation.status).await;
    }
    if matches!(outcome, Outcome::Written | Outcome::Unchanged) {
        shared.config.hints.answered(report);
        shared.config.notifier.tell(&now, &told);
        // After the verdict is there, and without waiting: nothing that becomes of it changes one.
        shared.config.history.note(&now, &observations);
    }
    let mut refused = false;
    // What the API server did not keep is no record of anything: nothing is done on its word.
    let (status, access) = (now.status.as_ref().unwrap_or(&evaluation.status), access.as_ref());
    // Whoever wrote that it asks for a re-run has to ask, and nobody else will.
    if outcome == Outcome::Written {
        refused = deeds::reruns(report, previous.as_ref(), status, access, shared).await;
        refused |= deeds::deployment::answer(report, previous.as_ref(), status, access, shared).await;
    }
    let (mut copies, mut late) = (None, None);
    if matches!(outcome, Outcome::Written | Outcome::Unchanged) && work.may_write() {
        let before = previous.as_ref();
        let published = deeds::publish(report, &observations, before, status, access, shared, work).await;
        refused |= published.0;
        late = published.1;
        copies = shared.copies.ask(&now, status, access, &shared.memory);
        // What came of it is told without asking GitHub anew.
        let mut told = evaluation.status.clone();
        deeds::tell(report, &Context { previous: Some(&evaluation.status), ..context }, shared, &mut told);
        if told != evaluation.status {
            refused |= write(&now, &told, shared, work).await?.0 == Outcome::Conflict;
            evaluation.status = told;
        }
    }
    // A run that goes on after the verdict may come to a deployment that waits for it.
    if let Next::Final(at) = evaluation.next
        && deeds::deployment::may_come(report, &observations)
    {
        evaluation.next = Next::Poll([at, answers].into_iter().flatten().min());
    }
    let wait = match outcome {
        // What GitHub refused belongs into the status.
        _ if refused => Some(AFTER_CONFLICT),
        Outcome::Conflict => Some(AFTER_CONFLICT),
        Outcome::Gone | Outcome::Lost => None,
        _ => [wait(report, &evaluation, &why, shared), copies, late].into_iter().flatten().min(),
    };
    if !matches!(outcome, Outcome::Written | Outcome::Unchanged) {
        shared.memory.ask(report.as_ref());
    }
    Ok((outcome, wait))
}

/// Takes over a final verdict that was there before this process began, and says when it is looked at: soon,
/// because nobody watched over it meanwhile, but not all of them at once. What happened since is seen before
/// that by the lists of the repository. None where it has to be looked at now.
async fn adopt(
    report: &TestRunReport,
    snapshot: &Snapshot,
    status: &TestRunReportStatus,
    waivers: Waivers<'_>,
    shared: &Shared,
) -> Result<Option<Duration>, kube::Error> {
    let usual = depth::is_final(Some(status))
        && shared.memory.is_strange(report)
        && !report.annotations().contains_key(REQUESTED_AT)
        && !report.spec.suspend
        && !verdict::waiver_ended(&report.spec, waivers, status, Timestamp::now())
        // What is shown elsewhere may have been left behind by a crash.
        && verdict::publish::asked(&report.spec).is_empty()
        && impossible(report).is_none();
    if !usual {
        return Ok(None);
    }
    let access =
        match credentials::access(&shared.client, Wish::of(report), &shared.config.connections.now()).await {
            Ok(access) if credentials::unpublishable(report, &access.connection).is_none() => access,
            Ok(_) | Err(Denied::Trouble(_)) => return Ok(None),
            Err(Denied::Kube(error)) => return Err(error),
        };
    shared.config.hints.adopt(report, &access, status);
    shared.memory.settle(report, snapshot.clone());
    // The process before may have ended before it had told everybody.
    shared.config.notifier.tell(report, &shared.memory.told(report));
    let rounds = u32::try_from(shared.config.hints.known() / TOGETHER).unwrap_or(u32::MAX);
    let within = shared.config.pace.refresh.saturating_mul(rounds.saturating_add(1));
    let wait = within.mul_f64(random::unit());
    let now = Timestamp::now();
    let repository = status.source.as_ref().map(|s| s.repository.as_str()).unwrap_or_default();
    let waived = verdict::next_waiver_end(&report.spec, waivers, repository, now);
    let ends = [waived, expiry(report, Some(status))].into_iter().flatten().min();
    Ok(Some(ends.map_or(wait, |at| wait.min(requeue::until(at, now)))))
}

/// The facts, or what stands in their way. What makes GitHub pointless to ask is found before it is asked.
async fn observe(report: &TestRunReport, look: Look, shared: &Shared) -> Result<Seen, kube::Error> {
    let trouble =
        |reason, message: String| (Observations::Trouble(Trouble { reason, message, retry_at: None }), None);
    let impossible = impossible(report);
    // Where it speaks for its commit on GitHub, it has to say there that it has no verdict.
    let speaks = !verdict::publish::asked(&report.spec).is_empty();
    if let Some(message) = impossible.clone().filter(|_| !speaks || !verdict::is_about(&report.spec)) {
        return Ok(trouble(Reason::InvalidSpec, message));
    }
    if report.spec.suspend {
        let message = "suspended by spec.suspend; set it to false to resume";
        return Ok(trouble(Reason::Suspended, message.to_owned()));
    }
    match credentials::access(&shared.client, Wish::of(report), &shared.config.connections.now()).await {
        Ok(access) if let Some(message) = credentials::unpublishable(report, &access.connection) => {
            Ok(trouble(Reason::ConnectionDenied, message))
        }
        Ok(access) => {
            let about = impossible.map(|_| {
                let spec = verdict::only_about(&report.spec);
                TestRunReport { spec, ..report.clone() }
            });
            let report = about.as_ref().unwrap_or(report);
            Ok((shared.observer.observe(report, access.clone(), look).await, Some(access)))
        }
        Err(Denied::Trouble(trouble)) => Ok((Observations::Trouble(trouble), None)),
        Err(Denied::Kube(error)) => Err(error),
    }
}

/// Why the spec cannot be carried out, if it cannot.
fn impossible(report: &TestRunReport) -> Option<String> {
    let unknown = guard::unknown(report).map(guard::explain);
    unknown.or_else(|| verdict::validate(&report.spec).err())
}

/// Deletes a report whose time is over, if it is still the one that was read.
async fn expire(report: &TestRunReport, shared: &Shared, work: &Work) -> Result<Done, kube::Error> {
    if !work.may_write() {
        return Ok((Outcome::Lost, None));
    }
    let parameters = DeleteParams {
        preconditions: Some(Preconditions { uid: report.uid(), resource_version: report.resource_version() }),
        ..DeleteParams::default()
    };
    match namespaced(report, shared).delete(&report.name_any(), &parameters).await {
        Ok(_) => {
            tracing::info!("deleted: spec.ttlAfterCompletion is over");
            Ok((Outcome::Expired, None))
        }
        Err(error) => match overtaken(error)? {
            Outcome::Conflict => Ok((Outcome::Conflict, Some(AFTER_CONFLICT))),
            outcome => Ok((outcome, None)),
        },
    }
}

/// When a completed report is to be deleted.
fn expiry(report: &TestRunReport, status: Option<&TestRunReportStatus>) -> Option<Timestamp> {
    let ttl = report.spec.ttl_after_completion?;
    let status = status.filter(|s| Some(s.observed_generation) == report.metadata.generation)?;
    let completed = status.completed_at.as_ref()?.0;
    completed.checked_add(SignedDuration::from_secs(ttl.max(0))).ok()
}

fn wait(report: &TestRunReport, evaluation: &Evaluation, why: &Why, shared: &Shared) -> Option<Duration> {
    let now = Timestamp::now();
    let failures = match evaluation.next {
        Next::Retry(_) => shared.memory.failed(report),
        _ => {
            shared.memory.succeeded(report);
            0
        }
    };
    let anew = why.asked || why.hint.is_some();
    let completed = evaluation.status.completed_at.as_ref();
    let how = requeue::Circumstances {
        failures,
        looks: shared.memory.looked(report, anew, matches!(evaluation.next, Next::Poll(_))),
        age: completed.and_then(|at| Duration::try_from(now.duration_since(at.0)).ok()).unwrap_or_default(),
        hears: why.hears,
        jitter: random::unit(),
    };
    let next = requeue::delay(evaluation.next, now, shared.config.pace, how);
    let end = expiry(report, Some(&evaluation.status)).map(|at| requeue::until(at, now));
    match (next, end) {
        (Some(next), Some(end)) => Some(next.min(end)),
        (next, end) => next.or(end),
    }
}
