//! One look at one set: its pull requests, its reports, what differs, and at most one status write.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::api::PostParams;
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use tokio::time::Instant;

use super::super::credentials::{self, Denied, Wish};
use super::super::requeue;
use super::super::write::{overtaken, within};
use super::Shared;
use super::carry::{Carried, carry};
use super::events;
use super::known::{Listed, Why};
use super::status::{Numbers, Seen, status};
use crate::api::spec::CredentialsRef;
use crate::api::{FIELD_MANAGER, Reason, TestRunReportSet};
use crate::collect::{Candidates, SetSurvey};
use crate::controller::Access;
use crate::github::{Ask, Priority};
use crate::leader::Work;
use crate::runtime::metrics::{Making, Outcome};
use crate::runtime::random;
use crate::sets::{self, Compared, Plan};
use crate::verdict::facts::Trouble;

/// Longest time that one look may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Wait before the rest is done, and after another writer was faster.
const SOON: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// A commit is too old by GitHub's clock, which ours may be ahead of: so long until that is asked again.
const CLOCKS: SignedDuration = SignedDuration::from_secs(15);
/// Pull requests that one look asks for, whether they are closed.
const MAX_ASKED: usize = 25;

/// Why a look ended early.
enum Stop {
    /// For the status.
    Trouble(Trouble),
    /// The API server did not answer properly: tried again, without a new status.
    Kube(kube::Error),
}

impl From<kube::Error> for Stop {
    fn from(error: kube::Error) -> Self {
        Self::Kube(error)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Looks at a set. Whatever happens inside, the process never ends of it.
pub(super) async fn reconcile(set: Arc<TestRunReportSet>, shared: Arc<Shared>) -> Action {
    let namespace = set.namespace().unwrap_or_default();
    // Another replica's; should that end, all sets of its share are queued.
    let Some(work) = shared.config.ownership.begin(&namespace) else { return Action::await_change() };
    if set.metadata.deletion_timestamp.is_some() {
        return Action::await_change();
    }
    let (why, known) = shared.wakes.take(&set);
    let look =
        AssertUnwindSafe(tokio::time::timeout(LIMIT, look(&set, &why, known, &shared, &work))).catch_unwind();
    let wait = match look.await {
        Ok(Ok(Ok(wait))) => wait,
        Ok(Ok(Err(error))) => {
            let text: String = error.to_string().chars().take(512).collect();
            tracing::warn!("the API server refused: {text}");
            Some(again(&set, why, &shared))
        }
        Ok(Err(_)) => {
            tracing::warn!("given up after {} s; tried again later", LIMIT.as_secs());
            Some(again(&set, why, &shared))
        }
        Err(_) => {
            tracing::error!("the look at a set panicked; this is a defect of the operator, please report it");
            Some(again(&set, why, &shared))
        }
    };
    wait.map_or_else(Action::await_change, Action::requeue)
}

fn again(set: &TestRunReportSet, why: Why, shared: &Shared) -> Duration {
    requeue::backoff(shared.wakes.failed(set, why), random::unit())
}

async fn look(
    set: &TestRunReportSet,
    why: &Why,
    known: Option<Listed>,
    shared: &Shared,
    work: &Work,
) -> Result<Option<Duration>, kube::Error> {
    match work_on(set, why, known, shared, work).await {
        Ok(Worked { listed, of: (at, wanted), numbers, closed, compared, next, carried }) => {
            let outcomes = [carried.created, carried.changed, carried.removed, carried.refused.len()];
            Making::ALL.into_iter().zip(outcomes).for_each(|(outcome, n)| shared.metrics.made(outcome, n));
            if carried.lost {
                return Ok(None);
            }
            if carried.created + carried.changed + carried.removed > 0 {
                let Carried { created, changed, removed, left, .. } = carried;
                tracing::info!(created, changed, removed, left, "reports of a set");
            }
            // What reports of the repository see of its pull requests is news for those of pull requests only.
            let of_pulls = set.spec.generators.pull_requests.is_some();
            let heads = (of_pulls && listed.whole).then(|| listed.heads());
            shared.wakes.saw(
                set,
                listed.repository.as_deref(),
                heads,
                carried.names_taken(),
                (closed, compared),
            );
            let written =
                write(set, &Seen::Done { listed: &listed, numbers, carried: &carried }, shared, work).await?;
            shared.wakes.keep(set, Listed { wanted, at, found: listed });
            let unfinished = carried.left + numbers.unasked > 0;
            Ok(match written {
                Outcome::Conflict => Some(SOON.1),
                _ if unfinished => Some(if carried.created + carried.changed + carried.removed > 0 {
                    SOON.0
                } else {
                    SOON.1
                }),
                // What is refused now may be let in later: a quota, a policy.
                _ if !carried.refused.is_empty() => Some(again(set, Why::default(), shared)),
                _ => {
                    let usual = shared.config.pace.refresh.mul_f64(0.9 + 0.2 * random::unit());
                    Some(next.map_or(usual, |at| usual.min(requeue::until(at, Timestamp::now()))))
                }
            })
        }
        Err(Stop::Kube(error)) => Err(error),
        Err(Stop::Trouble(trouble)) => {
            let written = write(set, &Seen::Trouble(&trouble), shared, work).await?;
            Ok(match (trouble.reason, written) {
                (_, Outcome::Conflict) => Some(SOON.1),
                (Reason::InvalidSpec | Reason::Suspended, _) => {
                    shared.wakes.idle(set);
                    None
                }
                _ => {
                    let wait = again(set, why.clone(), shared);
                    Some(trouble.retry_at.map_or(wait, |at| wait.max(requeue::until(at, Timestamp::now()))))
                }
            })
        }
    }
}

/// What was read and done.
struct Worked {
    listed: Candidates,
    /// When the list was asked for, and of what it is.
    of: (Instant, SetSurvey),
    numbers: Numbers,
    /// Closed pull requests whose reports stay, and since when they are closed.
    closed: BTreeMap<i64, Timestamp>,
    /// Reports that are as they should be.
    compared: Compared,
    /// When the first of these reports goes, or the first commit is too old.
    next: Option<Timestamp>,
    carried: Carried,
}

/// Reads, plans and carries out.
async fn work_on(
    set: &TestRunReportSet,
    why: &Why,
    known: Option<Listed>,
    shared: &Shared,
    work: &Work,
) -> Result<Worked, Stop> {
    let trouble = |reason, message: String| Stop::Trouble(Trouble { reason, message, retry_at: None });
    if set.spec.suspend {
        let message = "suspended by spec.suspend; set it to false to resume";
        return Err(trouble(Reason::Suspended, message.to_owned()));
    }
    sets::check(set).map_err(|message| trouble(Reason::InvalidSpec, message))?;
    let access = access(set, shared).await?;
    let wanted = survey(set);
    let Listed { at, found: listed, .. } = list(&wanted, &access, why, known, shared).await?;
    let namespace = set.namespace().unwrap_or_default();
    let mut reports = shared.reports.state();
    reports.retain(|report| report.in_namespace() == namespace);
    let compared = shared.wakes.compared(set);
    let now = Timestamp::now();
    let plan = |closed: &BTreeMap<i64, Timestamp>| {
        sets::plan(set, &listed, closed, &reports, &compared, now)
            .map_err(|message| trouble(Reason::InvalidSpec, message))
    };
    let mut closed = shared.wakes.closed(set);
    // One that was opened again may be closed again, later.
    closed.retain(|number, _| !listed.list.iter().any(|c| c.number == Some(*number)));
    let mut planned = plan(&closed)?;
    if !planned.ask.is_empty() {
        // A report goes only after GitHub said of its own pull request that it is closed.
        let some: Vec<i64> = planned.ask.iter().copied().take(MAX_ASKED).collect();
        let left = planned.ask.len() - some.len();
        let ask = Ask::now(Priority::Running);
        closed.extend(shared.observer.closed(&access, &wanted, &some, ask).await?);
        planned = plan(&closed)?;
        // Those that are open were just missed by the list.
        planned.ask.truncate(left);
    }
    let mut numbers = Numbers::of(&planned);
    closed.retain(|number, _| planned.retained.contains(number));
    let next = [planned.next, listed.until.map(|at| at.max(now + CLOCKS))].into_iter().flatten().min();
    let compared = std::mem::take(&mut planned.compared);
    let api = Api::namespaced(shared.client.clone(), &namespace);
    let pruned = planned.prune.len();
    let carried = carry(&api, set, planned, work).await?;
    numbers.reports = numbers.reports + carried.created + pruned.saturating_sub(carried.removed);
    Ok(Worked { listed, of: (at, wanted), numbers, closed, compared, next, carried })
}

impl Numbers {
    fn of(plan: &Plan) -> Self {
        let Plan { matching, over, more, reach, kept, .. } = *plan;
        Self { matching, over, more, reach, reports: kept, unasked: plan.ask.len() + plan.unread.len() }
    }
}

async fn access(set: &TestRunReportSet, shared: &Shared) -> Result<Access, Stop> {
    let namespace = set.namespace().unwrap_or_default();
    // The list is read with what the reports will be read with.
    let reference = set.spec.template.spec.get("credentialsRef");
    let own: Option<CredentialsRef> = reference.and_then(|r| serde_json::from_value(r.clone()).ok());
    let wish = Wish {
        namespace: &namespace,
        connection: &set.spec.source.connection,
        repository: &set.spec.source.repository,
        credentials: own.as_ref(),
    };
    match credentials::access(&shared.client, wish, &shared.config.connections.now()).await {
        Ok(access) => Ok(access),
        Err(Denied::Trouble(trouble)) => Err(Stop::Trouble(trouble)),
        Err(Denied::Kube(error)) => Err(Stop::Kube(error)),
    }
}

/// What a set is about.
fn survey(set: &TestRunReportSet) -> SetSurvey {
    SetSurvey {
        repository: set.spec.source.repository.clone(),
        generators: set.spec.generators.clone(),
        most: usize::try_from(set.spec.retention.max_reports).unwrap_or(0),
    }
}

async fn list(
    wanted: &SetSurvey,
    access: &Access,
    why: &Why,
    known: Option<Listed>,
    shared: &Shared,
) -> Result<Listed, Stop> {
    let now = Ask::now(Priority::Running);
    let lasting = shared.config.pace.refresh.mul_f64(0.75);
    let known = known.filter(|known| known.wanted == *wanted && known.at.elapsed() < lasting);
    let listed = match known.zip(why.changed()) {
        Some((known, changed)) => follow(known, &changed, access, now, shared).await,
        None => None,
    };
    let listed = match listed {
        Some(listed) => listed,
        None => {
            // Without an event, what reports of the repository asked for meanwhile is new enough.
            let usual = now.within(lasting);
            let ask = match why.since {
                Some(since) => Ask { since, ..now },
                // An answer of before does not tell what time it is.
                None if wanted.generators.commits.as_ref().is_some_and(|by| by.max_age_seconds.is_some()) => {
                    now
                }
                None => Ask { since: why.heard.map_or(usual.since, |at| usual.since.max(at)), ..usual },
            };
            let found = shared.observer.candidates(access, wanted, ask).await?;
            Listed { wanted: wanted.clone(), at: ask.since, found }
        }
    };
    // A renamed repository answers under its old name; its new one must be allowed as well.
    let name = listed.found.repository.as_ref();
    if let Some(name) = name.filter(|name| !access.connection.may_read(name)) {
        tracing::warn!("the repository is {name} by now, which the connection may not read");
        let message = credentials::denial(&access.connection.name);
        return Err(Stop::Trouble(Trouble { reason: Reason::ConnectionDenied, message, retry_at: None }));
    }
    Ok(listed)
}

/// The list that is known with what changed since; None where it has to be read anew.
async fn follow(
    known: Listed,
    changed: &[i64],
    access: &Access,
    ask: Ask,
    shared: &Shared,
) -> Option<Listed> {
    let now = match changed {
        [] => BTreeMap::new(),
        // Whatever is wrong, the list meets it too, and says so.
        some => shared.observer.pulls(access, &known.wanted, some, ask).await.ok()?,
    };
    known.with(now)
}

/// Writes the status onto exactly what was looked at, if it says something new.
async fn write(
    set: &TestRunReportSet,
    seen: &Seen<'_>,
    shared: &Shared,
    work: &Work,
) -> Result<Outcome, kube::Error> {
    let status = status(set, seen, Timestamp::now());
    if set.status.as_ref() == Some(&status) {
        return Ok(Outcome::Unchanged);
    }
    if !work.may_write() {
        return Ok(Outcome::Lost);
    }
    let mut object = set.clone();
    object.metadata.managed_fields = None;
    object.status = Some(status);
    let api: Api<TestRunReportSet> =
        Api::namespaced(shared.client.clone(), &set.namespace().unwrap_or_default());
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match within(api.replace_status(&set.name_any(), &parameters, &object)).await {
        Ok(_) => {
            if let Some(after) = &object.status {
                events::record(&shared.recorder, set, after).await;
            }
            Ok(Outcome::Written)
        }
        Err(error) => overtaken(error),
    }
}
