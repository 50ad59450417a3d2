//! Reasons to look at a report before its time: something happened to its commit on GitHub.
//!
//! An event or a list that shows a change only says which reports to look at, and since when the answers
//! must be; what is true is read from GitHub then. A hint is kept until a look takes it, and one that
//! comes twice is one, so that no storm of events takes more memory than there are reports.

mod index;
mod member;
mod sweep;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, future};
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;

use index::{Index, Key};
pub(super) use member::Hint;
use member::{Member, Stage, finished, reference};

use super::Access;
use super::sets::Wakes;
use crate::api::{ConditionType, TestRunReport, TestRunReportStatus};
use crate::cache::Kept;
use crate::collect::{Depth, Sightings, Survey};
use crate::runtime::telemetry::Cause;
use crate::verdict::facts::Observations;
use crate::verdict::publish::deployment;
use crate::webhooks::{Event, Kind};

type Object = ObjectRef<Kept>;

/// The hints of all reports and sets; clones share them.
#[derive(Clone, Default)]
pub struct Hints {
    index: Arc<Mutex<Index>>,
    pub(super) sets: Wakes,
}

impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").field("reports", &self.lock().places.len()).finish_non_exhaustive()
    }
}

/// A repository that is due to be asked for changes.
pub(super) struct Due {
    pub access: Access,
    pub survey: Survey,
    key: Key,
}

/// The reports of one controller among all that are hinted at.
pub(super) struct Known {
    hints: Hints,
    queue: Queue,
}

type Queue = mpsc::UnboundedSender<(Object, Duration)>;

impl Known {
    /// Takes a report in, or what is new of it.
    pub fn join(&self, report: &TestRunReport) {
        self.hints.join(report, &self.queue);
    }

    /// Forgets a report.
    pub fn leave(&self, uid: &str) {
        self.hints.lock().remove(uid);
    }

    /// Forgets every report that is not among these.
    pub fn retain(&self, uids: &HashSet<String>) {
        let mut index = self.hints.lock();
        let gone: Vec<String> = index
            .repositories
            .values()
            .flat_map(|r| &r.members)
            .filter(|(uid, m)| m.queue.same_channel(&self.queue) && !uids.contains(*uid))
            .map(|(uid, _)| uid.clone())
            .collect();
        gone.iter().for_each(|uid| index.remove(uid));
    }
}

impl Hints {
    /// For one controller: what takes its reports in, and the reports that it has to look at.
    pub(super) fn follow(&self) -> (Known, impl Stream<Item = Object> + Send + use<>) {
        let (queue, objects) = mpsc::unbounded_channel();
        let hints = self.clone();
        // What was put off may have been answered by a look that came before its time.
        let waiting = stream(objects).filter(move |object| future::ready(hints.waits(object)));
        (Known { hints: self.clone(), queue }, waiting)
    }

    fn join(&self, report: &TestRunReport, queue: &Queue) {
        let Some(uid) = report.uid() else { return };
        let source = &report.spec.source.github;
        let key = Key::of(&source.connection, &source.repository);
        let mut index = self.lock();
        let known = index.member(&uid).is_some_and(|m| m.source == *source);
        if !known {
            index.remove(&uid);
            let member = Box::new(Member {
                object: reference(report),
                queue: queue.clone(),
                source: source.clone(),
                own: None,
                shows: None,
                answers: false,
                publishes: 0,
                sha: None,
                base: None,
                heads: BTreeSet::new(),
                resolved: false,
                finished: BTreeSet::new(),
                stage: Stage::Open,
                access: None,
                hint: None,
                taken: None,
                called: false,
            });
            let heard = index.strangers.pop(&key);
            let repository = index.repositories.entry(key.clone()).or_default();
            repository.heard = repository.heard.max(heard);
            repository.members.insert(uid.clone(), member);
            index.places.insert(uid.clone(), key);
        }
        let publish = report.spec.publish.as_ref();
        let published = publish.and_then(|p| p.status.as_ref());
        if let Some(member) = index.member(&uid) {
            member.own = published.map(|s| s.context.clone());
            member.answers = !deployment::environments(&report.spec).is_empty();
            member.publishes =
                u32::from(published.is_some()) + u32::from(publish.is_some_and(|p| p.check_run.is_some()));
            // Whoever waits for the Lease knows from others what events are about, and keeps them for its turn.
            if member.access.is_none() {
                let source = report.status.as_ref().and_then(|s| s.source.as_ref());
                member.sha = source.map(|s| s.sha.clone());
                member.base = source.and_then(|s| s.base_branch.clone());
            }
        }
    }

    /// The hint that waits for a report, which the look that now begins will answer, with those of looks before that
    /// came to nothing.
    pub(super) fn take(&self, report: &TestRunReport) -> Option<Hint> {
        let mut index = self.lock();
        let member = index.member(&report.uid()?)?;
        member.called = false;
        if let Some(hint) = member.hint.take() {
            match &mut member.taken {
                Some(taken) => taken.merge(*hint),
                None => member.taken = Some(hint),
            }
        }
        member.taken.as_deref().cloned()
    }

    /// The status of a report tells what came of the hints that its look has taken.
    pub(super) fn answered(&self, report: &TestRunReport) {
        let mut index = self.lock();
        if let Some(member) = report.uid().and_then(|uid| index.member(&uid)) {
            member.taken = None;
        }
    }

    /// The trace of what a report waits to be looked at for.
    pub(super) fn cause(&self, uid: &str) -> Cause {
        let mut index = self.lock();
        let hint = index.member(uid).and_then(|m| m.hint.as_ref());
        hint.map(|h| h.cause.clone()).unwrap_or_default()
    }

    /// Whether there is a hint for a report.
    pub(super) fn waits(&self, object: &Object) -> bool {
        let uid = object.extra.uid.as_deref().unwrap_or_default();
        self.lock().member(uid).is_some_and(|m| m.hint.is_some())
    }

    /// Whether there is a hint for a report, or one that a look has taken and come to nothing.
    pub(super) fn owes(&self, object: &Object) -> bool {
        let uid = object.extra.uid.as_deref().unwrap_or_default();
        self.lock().member(uid).is_some_and(|m| m.hint.is_some() || m.taken.is_some())
    }

    /// What a look saw, and what its verdict was.
    pub(super) fn saw(
        &self,
        report: &TestRunReport,
        access: Option<&Access>,
        observations: &Observations,
        status: &TestRunReportStatus,
    ) {
        let Some(uid) = report.uid() else { return };
        let mut index = self.lock();
        if let Observations::Facts(facts) = observations {
            index.named(&uid, &facts.source.repository);
            // A look tells as much as a survey.
            index.surveyed(&uid, Instant::now());
        }
        let Some(member) = index.member(&uid) else { return };
        let is = |kind: ConditionType, value: &str| {
            status.conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == value)
        };
        member.stage = match (access, is(ConditionType::Reconciling, "False")) {
            (None, true) => Stage::Idle,
            (_, true) => Stage::Final,
            _ => Stage::Open,
        };
        member.shows = Some(match () {
            () if is(ConditionType::Passed, "True") => "success",
            () if is(ConditionType::Passed, "False") => "failure",
            () => "pending",
        });
        if let Some(access) = access {
            member.access = Some(access.clone());
        }
        if let Observations::Facts(facts) = observations {
            member.base.clone_from(&facts.source.base_branch);
            if member.sha.as_ref() != Some(&facts.source.sha) {
                member.finished.clear();
                member.resolved = false;
                member.sha = Some(facts.source.sha.clone());
            }
            if !facts.partial {
                member.resolved = true;
                member.finished = finished(facts);
            }
        }
    }

    /// Takes in the verdict of a report as it was found, without a look.
    pub(super) fn adopt(&self, report: &TestRunReport, access: &Access, status: &TestRunReportStatus) {
        let Some(source) = &status.source else { return };
        let mut index = self.lock();
        let uid = report.uid().unwrap_or_default();
        index.named(&uid, &source.repository);
        let Some(member) = index.member(&uid) else { return };
        member.stage = Stage::Final;
        member.resolved = true;
        member.access = Some(access.clone());
        member.sha = Some(source.sha.clone());
        member.base.clone_from(&source.base_branch);
        member.finished = source.runs.iter().map(|r| (r.id, r.attempt)).collect();
    }

    /// Reports that are known.
    pub(super) fn known(&self) -> usize {
        self.lock().places.len()
    }

    /// Whether events of a report's repository arrive, so that it need not be asked often.
    pub(super) fn hears(&self, report: &TestRunReport) -> bool {
        let source = &report.spec.source.github;
        let key = Key::of(&source.connection, &source.repository);
        self.lock().repositories.get(&key).is_some_and(|r| r.hears(Instant::now()))
    }

    /// Takes in an event that came through a connection.
    pub fn tell(&self, connection: &str, event: &Event) {
        self.sets.tell(connection, event);
        let now = Instant::now();
        let mut index = self.lock();
        if event.kind == Kind::Owner {
            for key in index.of_owner(connection, &event.repository) {
                let Some(repository) = index.repositories.get_mut(&key) else { continue };
                // Whether events still arrive is not known: the next one tells.
                repository.heard = None;
                repository.wake(event, now);
            }
            return;
        }
        let named = Key::of(connection, &event.repository);
        let key = index.renamed.get(&named).cloned().unwrap_or(named);
        let Index { repositories, strangers, .. } = &mut *index;
        let Some(repository) = repositories.get_mut(&key) else {
            // Its first report will know that events arrive.
            strangers.put(key, now);
            return;
        };
        repository.heard = Some(now);
        repository.wake(event, now);
    }

    /// Repositories that have not been asked for changes for as long as their reports allow; with `sweeps` their
    /// commits are asked for, and lists only where these show news.
    pub(super) fn due(&self, open: Duration, rest: Duration, sweeps: bool) -> Vec<Due> {
        let now = Instant::now();
        let mut index = self.lock();
        let mut due = Vec::new();
        for (key, repository) in &mut index.repositories {
            let members = || repository.members.values().filter(|m| m.access.is_some());
            let stage = |stage| members().any(|m| m.stage == stage);
            let (some_open, some_final) = (stage(Stage::Open), stage(Stage::Final));
            let hears = repository.hears(now);
            let interval = if some_open && !hears { open } else { rest };
            let late = repository.surveyed.is_none_or(|at| now.duration_since(at) >= interval);
            if !(late && (some_open || some_final)) {
                continue;
            }
            // Those at rest are looked after at their own pace, with whatever credential is at hand.
            let resting = repository.surveyed.is_none_or(|at| now.duration_since(at) >= rest);
            let wanted =
                || members().filter(|m| m.stage == Stage::Open || resting && m.stage == Stage::Final);
            let Some(access) = wanted().find_map(|m| m.access.clone()) else { continue };
            let unfinished = || members().filter(|m| m.stage == Stage::Open).filter_map(|m| m.sha.clone());
            let commits = repository.sweep.wants(sweeps, unfinished, now);
            // A commit that is named goes where its pull request does.
            let pulls = wanted().any(|m| m.source.branch.is_none());
            let branches = wanted().filter_map(|m| m.source.branch.clone()).collect();
            let survey = Survey {
                repository: key.repository.clone(),
                finished: some_open && repository.sweep.needs_list(&commits),
                commits,
                waiting: some_open && members().any(|m| m.answers && m.stage == Stage::Open),
                newest: resting && some_final,
                pulls,
                branches,
            };
            repository.surveyed = Some(now);
            due.push(Due { access, survey, key: key.clone() });
        }
        due
    }

    /// Takes in what a repository shows.
    pub(super) fn sighted(&self, due: &Due, sightings: &Sightings, since: Instant) {
        if due.survey.pulls {
            self.sets.sighted(&due.key.connection, &due.key.repository, &sightings.pulls, since);
        }
        let mut index = self.lock();
        let Some(repository) = index.repositories.get_mut(&due.key) else { return };
        let ours = |sha: &str| {
            repository.members.values().filter(|m| m.sha.as_deref() == Some(sha)).map(|m| m.publishes).sum()
        };
        let news = repository.sweep.take(&sightings.sweep, ours, Instant::now());
        let mut missed = false;
        let waits = repository.begun(sightings.waiting.as_ref());
        for member in repository.members.values_mut() {
            let waits = member.answers && member.sha.as_ref().is_some_and(|sha| waits.contains(sha));
            let is_news = waits || member.sha.as_ref().is_some_and(|sha| news.contains(sha));
            let moved = member.differs(sightings);
            if member.stage != Stage::Idle && (moved || is_news) && member.hint.is_none() {
                missed |= member.stage == Stage::Open;
                member.mark(Hint { moved, ..Hint::new(since, Depth::Whole) }, Duration::ZERO);
            }
            if due.survey.pulls {
                member.went(sightings);
            }
        }
        if missed && repository.heard.is_some() {
            repository.missed = Some(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports to look at, each after its delay.
fn stream(queue: mpsc::UnboundedReceiver<(Object, Duration)>) -> impl Stream<Item = Object> + Send + use<> {
    let waiting = DelayQueue::<Object>::new();
    futures::stream::unfold((queue, waiting, false), |(mut queue, mut waiting, mut closed)| async move {
        loop {
            tokio::select! {
                next = queue.recv(), if !closed => match next {
                    Some((object, delay)) if delay.is_zero() => return Some((object, (queue, waiting, closed))),
                    Some((object, delay)) => {
                        waiting.insert(object, delay);
                    }
                    None => closed = true,
                },
                Some(due) = futures::StreamExt::next(&mut waiting), if !waiting.is_empty() => {
                    return Some((due.into_inner(), (queue, waiting, closed)));
                }
                else => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests;
