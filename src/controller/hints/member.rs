//! What is known of one report, and what of it an event or a list shows to be old.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;

use super::{Object, Queue};
use crate::api::TestRunReport;
use crate::api::spec::GitHubSource;
use crate::collect::{Depth, Sightings};
use crate::controller::Access;
use crate::github::wire;
use crate::runtime::telemetry::Cause;
use crate::verdict::facts::Facts;
use crate::webhooks::{Event, Kind};

/// What follows each other this quickly is looked at once: jobs and checks that end together.
const TOGETHER: Duration = Duration::from_secs(5);
/// Runs that events may tell of between two looks; more than that is looked at.
const MAX_TOLD: usize = 32;

/// What is known of a report.
pub(super) struct Member {
    pub(super) object: Object,
    pub(super) queue: Queue,
    pub(super) source: GitHubSource,
    /// Context of the commit status that the report itself publishes.
    pub(super) own: Option<String>,
    /// The state of it that goes with the last verdict; none before the first look.
    pub(super) shows: Option<&'static str>,
    /// It answers deployments: a job that begins to wait is news.
    pub(super) answers: bool,
    /// How many statuses and check runs it publishes: while it is undecided, so are they.
    pub(super) publishes: u32,
    pub(super) sha: Option<String>,
    /// Branch that the pull request would be merged into: what it requires is required.
    pub(super) base: Option<String>,
    /// Open pull requests that a list had with the commit of a report that names none, where they go elsewhere.
    pub(super) heads: BTreeSet<(i64, String)>,
    /// A whole look has seen where the commit goes. Until then nothing depends on it, and that a list shows it is no
    /// news that an event should have brought.
    pub(super) resolved: bool,
    /// Finished runs that a whole look has seen, by id and attempt.
    pub(super) finished: BTreeSet<(i64, i64)>,
    pub(super) stage: Stage,
    pub(super) access: Option<Access>,
    pub(super) hint: Option<Box<Hint>>,
    /// What looks have taken since one came to an end: until then no status knows of it.
    pub(super) taken: Option<Box<Hint>>,
    /// The controller has been told of the hint, and that it is urgent.
    pub(super) called: bool,
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its facts may still change by themselves.
    Open,
    Final,
    /// There is nothing to look at: suspended, or a spec that cannot be carried out.
    Idle,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct Hint {
    /// When it was heard of: answers must be newer.
    pub since: Instant,
    pub depth: Depth,
    /// The last verdict does not know of it: another commit or base, a run, or something that is not green.
    pub moved: bool,
    /// Unfinished runs that events told of.
    pub told: Vec<Arc<wire::Run>>,
    /// The trace of what was heard first.
    pub cause: Cause,
}

impl Hint {
    pub fn new(since: Instant, depth: Depth) -> Self {
        Self { since, depth, moved: false, told: Vec::new(), cause: Cause::current() }
    }

    pub(super) fn merge(&mut self, new: Self) {
        self.since = self.since.max(new.since);
        self.depth = self.depth.max(new.depth);
        self.moved |= new.moved;
        self.cause = std::mem::take(&mut self.cause).or(new.cause);
        for run in new.told {
            self.told.retain(|known| known.id != run.id);
            if self.told.len() < MAX_TOLD {
                self.told.push(run);
            } else {
                self.depth = Depth::Whole;
            }
        }
    }
}

impl Member {
    /// How deep an event makes the report look, and how soon; None where it says nothing new.
    pub(super) fn concerns(&self, event: &Event) -> Option<(Depth, Duration)> {
        if self.stage == Stage::Idle {
            return None;
        }
        let about = |sha: &str| self.sha.as_deref() == Some(sha) || self.source.sha.as_deref() == Some(sha);
        let follows = |branch: Option<&str>| branch.is_some() && self.source.branch.as_deref() == branch;
        let now = Duration::ZERO;
        match &event.kind {
            Kind::Pull { number, head, base } => {
                let news = match self.source.pull_request {
                    Some(own) => own == *number && self.is_elsewhere(head, base),
                    // Where a commit is to go says what it must have.
                    None => about(head) && self.base.as_deref() != Some(base.as_str()),
                };
                news.then_some((Depth::Whole, now))
            }
            Kind::Run { sha, branch, finished, run } => {
                if about(sha) {
                    let depth = match run {
                        _ if *finished || self.stage == Stage::Final => Depth::Whole,
                        Some(_) => Depth::Told,
                        None => Depth::Glance,
                    };
                    return Some((depth, now));
                }
                follows(branch.as_deref()).then_some((Depth::Whole, now))
            }
            Kind::Job { sha, red } => {
                (about(sha) && (*red || self.stage == Stage::Final)).then_some((Depth::Progress, TOGETHER))
            }
            Kind::Gate { shas } => shas.iter().any(|sha| about(sha)).then_some((Depth::Whole, TOGETHER)),
            Kind::Check { sha, .. } => about(sha).then_some((Depth::Whole, TOGETHER)),
            Kind::Status { sha, context, state } => {
                // What the report itself has set is no news; what somebody else sets in its place is.
                let echo = self.own.as_ref() == Some(context) && self.shows == Some(state.as_str());
                (about(sha) && !echo).then_some((Depth::Whole, TOGETHER))
            }
            Kind::Repository | Kind::Owner => Some((Depth::Whole, TOGETHER)),
            // What it starts is told of by itself, and it need not start anything.
            Kind::Push { branch } => follows(branch.as_deref()).then_some((Depth::Whole, TOGETHER)),
            Kind::Other => None,
        }
    }

    /// Whether an event tells of what the last verdict cannot know.
    pub(super) fn moves(&self, event: &Event) -> bool {
        let may_pass = self.shows != Some("failure");
        match &event.kind {
            Kind::Pull { .. } | Kind::Push { .. } => true,
            // Of one that has ended the verdict may be.
            Kind::Run { sha, finished, .. } => !finished || self.sha.as_ref() != Some(sha),
            // What is not green is nothing new to a verdict that is red.
            Kind::Job { red, .. } => *red && may_pass,
            Kind::Check { green, .. } => !green && may_pass,
            Kind::Status { state, .. } => state != "success" && may_pass,
            _ => false,
        }
    }

    /// Whether a pull request with this head and base is not where it was seen.
    fn is_elsewhere(&self, head: &str, base: &str) -> bool {
        let retargeted = self.base.as_deref().is_some_and(|known| !base.is_empty() && known != base);
        self.sha.as_deref() != Some(head) || retargeted
    }

    /// Whether a list shows what no look has seen.
    pub(super) fn differs(&self, sightings: &Sightings) -> bool {
        let Some((sha, _)) = self.sha.as_ref().zip(self.access.as_ref()) else { return false };
        if self.is_redirected(sightings) {
            return true;
        }
        let pull = self.source.pull_request.and_then(|n| sightings.pulls.get(&n));
        let branch = self.source.branch.as_ref().and_then(|b| sightings.branches.get(b));
        if pull.is_some_and(|(head, base)| self.is_elsewhere(head, base)) || branch.is_some_and(|h| h != sha)
        {
            return true;
        }
        sightings.runs.iter().filter(|r| r.sha == *sha).any(|r| {
            let seen = self.finished.contains(&(r.id, r.attempt));
            if r.finished { !seen } else { self.stage == Stage::Final }
        })
    }

    /// Whether a list shows that the commit of a report that names no pull request goes elsewhere than it was found to.
    pub(super) fn is_redirected(&self, sightings: &Sightings) -> bool {
        let named = self.resolved && self.source.pull_request.is_none();
        named && self.goes(sightings).is_some_and(|heads| heads != self.heads)
    }

    /// Where a list has the commit of a report that names no pull request, if that differs from where it was found to go.
    fn goes(&self, sightings: &Sightings) -> Option<BTreeSet<(i64, String)>> {
        let of = |(number, (head, base)): (&i64, &(String, String))| {
            (self.sha.as_ref() == Some(head)).then(|| (*number, base.clone()))
        };
        let heads: BTreeSet<_> = sightings.pulls.iter().filter_map(of).collect();
        let known = !heads.is_empty() && heads.iter().all(|(_, base)| self.base.as_ref() == Some(base));
        (!known).then_some(heads)
    }

    /// Takes in where a list has the commit, so that the same is no news again.
    pub(super) fn went(&mut self, sightings: &Sightings) {
        if self.resolved {
            self.heads = self.goes(sightings).unwrap_or_default();
        }
    }

    pub(super) fn mark(&mut self, hint: Hint, delay: Duration) {
        let news = self.hint.is_none();
        self.hint.get_or_insert_with(|| Box::new(Hint::new(hint.since, hint.depth))).merge(hint);
        // One that waits already will be looked at; what is urgent does not wait for it.
        if news || delay.is_zero() && !std::mem::replace(&mut self.called, delay.is_zero()) {
            // The receiver goes away with its controller, and then nobody needs the hint.
            let _ = self.queue.send((self.object.clone(), delay));
        }
    }
}

/// The report in the cache of its watch.
pub(super) fn reference(report: &TestRunReport) -> Object {
    ObjectRef::from_obj(report).into_kind_unchecked(())
}

pub(super) fn finished(facts: &Facts) -> BTreeSet<(i64, i64)> {
    facts.runs.iter().filter(|r| r.status == "completed").map(|r| (r.id, r.attempt)).collect()
}
