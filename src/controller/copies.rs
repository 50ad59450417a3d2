//! Copies of artifacts, made before GitHub deletes them.
//!
//! After a status is written, and without waiting for any of it: what is to be copied goes into a bounded queue, two
//! at a time are copied, and what came of each is remembered and told by the look that follows. Nothing here changes a
//! verdict.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt, stream};
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store as Reports};
use tokio::sync::mpsc;

use super::Access;
use super::memory::Memory;
use super::observer::Observer;
use crate::api::status::{Artifact, ArtifactCopy};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::cache::Kept;
use crate::copies::{Bounds, Key, Store};
use crate::github::Unfetched;
use crate::runtime::metrics::{Copying, Metrics};
use crate::verdict::text::clean;

/// Reports whose artifacts wait to be copied; of more than that the next look asks again.
const QUEUE: usize = 512;
/// Artifacts that are copied at a time. Each is in a file first, and the folder for those is small.
const AT_ONCE: usize = 2;
/// Longest time that one may take.
const LIMIT: Duration = Duration::from_secs(900);
/// First and longest wait after a copy could not be made, and the wait while the queue is full.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(6 * 3600));

/// Where copies are put, and which are made.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The store.
    pub store: Arc<Store>,
    /// What is copied.
    pub bounds: Bounds,
}

/// What came of one artifact.
#[derive(Debug)]
pub(super) struct Tried {
    pub copy: ArtifactCopy,
    failures: u32,
    /// When it is tried again; None where that is of no use.
    again: Option<Instant>,
}

/// Takes what is to be copied.
pub(super) struct Copies(Option<Desk>);

struct Desk {
    bounds: Bounds,
    queue: mpsc::Sender<Task>,
    /// Artifacts that wait or are being copied, by the uid of their report.
    under_way: Arc<Mutex<HashSet<(String, i64)>>>,
}

/// The artifacts of one report.
struct Task {
    report: Arc<TestRunReport>,
    access: Access,
    repository: String,
    artifacts: Vec<Wanted>,
}

/// An artifact to copy.
#[derive(Debug, PartialEq)]
struct Wanted {
    id: i64,
    key: Key,
    digest: Option<String>,
}

/// What is to be done about the artifacts of a status.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    copy: Vec<Wanted>,
    /// Larger than may be copied, and why.
    refuse: Vec<(i64, String)>,
}

impl Copies {
    /// The desk of one controller: what takes wishes, what carries them out until it is dropped, and the reports
    /// about which there is news.
    pub fn new(
        archive: Option<Archive>,
        observer: Arc<dyn Observer>,
        memory: Arc<Memory>,
        reports: Reports<Kept>,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()> + Send + use<>, impl Stream<Item = ObjectRef<Kept>> + Send + use<>)
    {
        let (queue, tasks) = mpsc::channel(QUEUE);
        let (news, told) = mpsc::unbounded_channel();
        let under_way = Arc::<Mutex<HashSet<_>>>::default();
        let desk = archive.as_ref().map(|archive| Desk {
            bounds: archive.bounds.clone(),
            queue,
            under_way: under_way.clone(),
        });
        let work = async move {
            let Some(Archive { store, bounds }) = archive else { return };
            if let Err(refused) = store.open().await {
                tracing::warn!("artifacts are not copied yet: {refused}");
            }
            let worker = Worker { store, bounds, observer, memory, reports, under_way, metrics };
            let tasks = stream::unfold(tasks, |mut tasks| async move { Some((tasks.recv().await?, tasks)) });
            let work = tasks.for_each_concurrent(AT_ONCE, |task| worker.carry_out(task, &news));
            work.await;
        };
        let told = stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
        (Self(desk), work, told)
    }

    /// Asks for what a status names and nobody has copied. Says when to ask again, if that is known.
    pub fn ask(
        &self,
        report: &Arc<TestRunReport>,
        status: &TestRunReportStatus,
        access: Option<&Access>,
        memory: &Memory,
    ) -> Option<Duration> {
        let (desk, access) = self.0.as_ref().zip(access)?;
        let source = status.source.as_ref()?;
        let uid = report.uid().unwrap_or_default();
        let host = host(access);
        let now = Instant::now();
        let mut plan = Plan::default();
        let next = memory.deeds(report, |done| {
            done.copies.retain(|id, _| status.artifacts.iter().any(|a| a.id == *id));
            let key = |a: &Artifact| Key::of(host, &source.repository, a.run_id, a.id, &a.name);
            plan = plan_of(&status.artifacts, &desk.bounds, &done.copies, now, key);
            for (id, message) in plan.refuse.drain(..) {
                let copy = not_made("TooLarge", message);
                done.copies.insert(id, Tried { copy, failures: 0, again: None });
            }
            done.copies.values().filter_map(|tried| tried.again).filter(|at| *at > now).min()
        });
        let waits = next.map(|at| at.duration_since(now));
        let mut under_way = desk.under_way();
        plan.copy.retain(|wanted| !under_way.contains(&(uid.clone(), wanted.id)));
        if plan.copy.is_empty() {
            return waits;
        }
        let ids: Vec<i64> = plan.copy.iter().map(|wanted| wanted.id).collect();
        let task = Task {
            report: report.clone(),
            access: access.clone(),
            repository: source.repository.clone(),
            artifacts: plan.copy,
        };
        if desk.queue.try_send(task).is_err() {
            return Some(waits.map_or(AGAIN.0, |wait| wait.min(AGAIN.0)));
        }
        under_way.extend(ids.into_iter().map(|id| (uid.clone(), id)));
        waits
    }
}

impl Desk {
    fn under_way(&self) -> MutexGuard<'_, HashSet<(String, i64)>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which artifacts are to be copied: those of the kinds asked for, in their order, as long as they are there and within
/// the bounds. Copies that are there count too.
fn plan_of(
    artifacts: &[Artifact],
    bounds: &Bounds,
    tried: &BTreeMap<i64, Tried>,
    now: Instant,
    key: impl Fn(&Artifact) -> Key,
) -> Plan {
    let mut plan = Plan::default();
    let mut left = bounds.report;
    for a in artifacts.iter().filter(|a| bounds.kinds.iter().any(|kind| kind.as_str() == a.kind)) {
        let size = u64::try_from(a.size_bytes).unwrap_or(0);
        let state = a.copy.as_ref().map(|copy| copy.state.as_str());
        if a.copied().is_some() {
            left = left.saturating_sub(size);
            continue;
        }
        // Bytes that are not what was uploaded are no better the next time.
        if a.is_gone() || matches!(state, Some("Expired" | "Deleted" | "Corrupt")) {
            continue;
        }
        if size > bounds.bytes {
            plan.refuse.push((a.id, format!("{size} bytes, more than the {} that are copied", bounds.bytes)));
        } else if size > left {
            let said = format!("of a report {} bytes are copied, and this is beyond them", bounds.report);
            plan.refuse.push((a.id, said));
        } else {
            left -= size;
            if tried.get(&a.id).and_then(|tried| tried.again).is_none_or(|at| at <= now) {
                plan.copy.push(Wanted { id: a.id, key: key(a), digest: a.digest.clone() });
            }
        }
    }
    plan
}

/// GitHub's name in a key: that of its pages, where it has several.
fn host(access: &Access) -> &str {
    let base = &access.connection.base;
    if base.is_github_com() { "github.com" } else { base.authority() }
}

struct Worker {
    store: Arc<Store>,
    bounds: Bounds,
    observer: Arc<dyn Observer>,
    memory: Arc<Memory>,
    reports: Reports<Kept>,
    under_way: Arc<Mutex<HashSet<(String, i64)>>>,
    metrics: Metrics,
}

/// Why there is no copy.
struct Uncopied {
    state: &'static str,
    message: String,
}

impl Worker {
    async fn carry_out(&self, task: Task, news: &mpsc::UnboundedSender<ObjectRef<Kept>>) {
        let uid = task.report.uid().unwrap_or_default();
        let reference =
            ObjectRef::new(&task.report.name_any()).within(&task.report.namespace().unwrap_or_default());
        for wanted in &task.artifacts {
            // Nobody wants to know it of a report that is gone.
            let is_there =
                || self.reports.get(&reference).is_some_and(|r| r.uid().as_deref() == Some(uid.as_str()));
            if is_there() {
                let copy = self.copy(&task, wanted).await;
                if is_there() {
                    self.memory.deeds(&task.report, |done| remember(&mut done.copies, wanted.id, copy));
                }
            }
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.remove(&(uid.clone(), wanted.id));
        }
        // The receiver goes away with its controller.
        let _ = news.send(reference);
    }

    /// Copies one artifact, and says what came of it.
    async fn copy(&self, task: &Task, wanted: &Wanted) -> ArtifactCopy {
        let url = self.store.url(&wanted.key);
        let made = tokio::time::timeout(LIMIT, self.make(task, wanted)).await;
        let made = made.unwrap_or_else(|_| {
            let message = format!("it took longer than {} s", LIMIT.as_secs());
            Err(Uncopied { state: "Failed", message })
        });
        match made {
            Ok((sha256, how)) => {
                self.metrics.copied(how);
                tracing::info!(artifact = wanted.id, url, "artifact copied");
                ArtifactCopy {
                    state: "Copied".to_owned(),
                    url: Some(url),
                    digest: Some(format!("sha256:{sha256}")),
                    copied_at: Some(Time(Timestamp::now().round(Unit::Second).unwrap_or_default())),
                    message: None,
                }
            }
            Err(Uncopied { state, message }) => {
                self.metrics.copied(Copying::Failed);
                tracing::warn!(artifact = wanted.id, url, "artifact not copied: {message}");
                not_made(state, message)
            }
        }
    }

    /// The digest of the copy, and whether it was there already.
    async fn make(&self, task: &Task, wanted: &Wanted) -> Result<(String, Copying), Uncopied> {
        let refused =
            |error: crate::copies::Refused| Uncopied { state: "Failed", message: error.to_string() };
        let said = wanted.digest.as_deref().and_then(|d| d.strip_prefix("sha256:")).map(str::to_lowercase);
        let there = self.store.digest(&wanted.key).await.map_err(refused)?;
        if let Some(there) = &there
            && said.as_ref() == Some(there)
        {
            return Ok((there.clone(), Copying::Found));
        }
        let (id, digest) = (wanted.id, wanted.digest.as_deref());
        let fetched = self.observer.archive(&task.access, &task.repository, id, digest, self.bounds.bytes);
        let fetched = fetched.await.map_err(|why| {
            let state = match &why {
                Unfetched::Expired => "Expired",
                Unfetched::Deleted => "Deleted",
                Unfetched::TooLarge { .. } => "TooLarge",
                Unfetched::Mismatch { .. } => "Corrupt",
                Unfetched::NotYet | Unfetched::Trouble(_) => "Failed",
            };
            Uncopied { state, message: format!("it {why}") }
        })?;
        // What GitHub has counts: something else in its place is replaced.
        if there.as_ref() == Some(&fetched.sha256) {
            return Ok((fetched.sha256, Copying::Found));
        }
        self.store.put(&wanted.key, fetched.file).await.map_err(refused)?;
        Ok((fetched.sha256, Copying::Copied))
    }
}

/// Remembers what came of an artifact. What may pass by itself is tried again, later each time.
fn remember(all: &mut BTreeMap<i64, Tried>, id: i64, copy: ArtifactCopy) {
    let failures = match copy.state.as_str() {
        "Failed" => all.get(&id).map_or(0, |tried| tried.failures).saturating_add(1),
        _ => 0,
    };
    let wait = AGAIN.0.saturating_mul(4_u32.saturating_pow(failures.saturating_sub(1).min(8))).min(AGAIN.1);
    let again = (failures > 0).then(|| Instant::now() + wait);
    all.insert(id, Tried { copy, failures, again });
}

fn not_made(state: &str, message: String) -> ArtifactCopy {
    ArtifactCopy { state: state.to_owned(), message: Some(clean(&message, 512)), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::Kind;

    fn artifact(id: i64, kind: &str, size: i64) -> Artifact {
        Artifact { id, kind: kind.to_owned(), size_bytes: size, ..Default::default() }
    }

    fn with(copy: &str, of: Artifact) -> Artifact {
        Artifact { copy: Some(ArtifactCopy { state: copy.to_owned(), ..Default::default() }), ..of }
    }

    fn ids(artifacts: &[Artifact], tried: &BTreeMap<i64, Tried>, now: Instant) -> (Vec<i64>, Vec<i64>) {
        let bounds = Bounds { kinds: vec![Kind::MustGather], bytes: 100, report: 250 };
        let key = |a: &Artifact| Key::of("h", "a/b", 1, a.id, "n");
        let plan = plan_of(artifacts, &bounds, tried, now, key);
        let copy = plan.copy.iter().map(|wanted| wanted.id).collect();
        (copy, plan.refuse.iter().map(|(id, _)| *id).collect())
    }

    #[test]
    fn what_is_asked_for_and_there_is_copied_within_the_bounds() {
        let now = Instant::now();
        let none = BTreeMap::new();
        let of = |id| artifact(id, "MustGather", 90);
        let gone = Artifact { expired: true, ..of(4) };
        for (artifacts, copy, refuse, why) in [
            (vec![of(1), artifact(2, "TestReport", 5)], vec![1], vec![], "another kind"),
            (vec![artifact(1, "MustGather", 101), of(2)], vec![2], vec![1], "too large"),
            (vec![of(1), of(2), of(3)], vec![1, 2], vec![3], "beyond the bytes of a report"),
            (vec![with("Copied", of(1)), of(2), of(3)], vec![2], vec![3], "a copy counts"),
            (
                vec![with("TooLarge", of(1)), of(2), of(3)],
                vec![1, 2],
                vec![3],
                "the bounds may be others now",
            ),
            (vec![with("Failed", of(1))], vec![1], vec![], "another process may have failed"),
            (vec![with("Expired", of(1)), with("Corrupt", of(2)), gone], vec![], vec![], "never to be had"),
            (vec![artifact(1, "MustGather", -5)], vec![1], vec![], "a size that cannot be"),
        ] {
            assert_eq!(ids(&artifacts, &none, now), (copy, refuse), "{why}");
        }
    }

    #[test]
    fn what_failed_waits_longer_each_time_and_what_is_done_is_not_tried_again() {
        let mut all = BTreeMap::new();
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                remember(&mut all, 1, not_made("Failed", String::new()));
                let again = all.get(&1).and_then(|tried| tried.again);
                again.map_or(0, |at| at.duration_since(Instant::now()).as_secs_f64().round() as u64)
            })
            .collect();
        assert_eq!(waits, [60, 240, 960, 3840, 15360, 21600, 21600, 21600]);
        let artifacts = [with("Failed", artifact(1, "MustGather", 5))];
        let now = Instant::now();
        assert_eq!(ids(&artifacts, &all, now).0, Vec::<i64>::new());
        assert_eq!(ids(&artifacts, &all, now + AGAIN.1 + AGAIN.0).0, [1]);
        remember(&mut all, 1, ArtifactCopy { state: "Copied".to_owned(), ..Default::default() });
        assert!(all.get(&1).is_some_and(|tried| tried.again.is_none() && tried.failures == 0));
    }
}
