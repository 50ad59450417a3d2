//! The verdict: from facts to status. Pure: no clock, no network, no cluster.
//!
//! `jobs` selects what counts of all runs and attempts, `items` adds checks of other apps and what is
//! expected, `decide` makes the verdict, `conditions` says it to programs, `report` and `assess` to
//! people, `bounds` keeps the object small.

mod aggregate;
mod artifacts;
mod assess;
mod before;
pub(crate) mod belongs;
mod bounds;
mod causes;
mod checks;
pub(crate) mod conditions;
mod decide;
pub mod dry_run;
mod excuses;
mod expected;
pub mod facts;
pub mod gate;
mod held;
mod items;
mod jobs;
mod local;
mod masked;
mod patterns;
mod plan;
pub mod publish;
mod report;
mod rerun;
mod rules;
mod state;
mod suites;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text;
pub mod thresholds;
mod trouble;
mod waivers;

use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

pub(crate) use checks::{statuses_asked, statuses_read};
pub(crate) use plan::names_workflow;
pub use plan::{DEFAULT_DEADLINE_SECONDS, DEFAULT_SETTLE_SECONDS};
pub use rerun::{RedRun, red_runs};
pub use state::State;
pub use waivers::{Shared as SharedWaivers, Waivers};
pub(crate) use waivers::{ended as waiver_ended, next_end as next_waiver_end};

use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::status::Transition;
use crate::api::{TestRunReportSpec, TestRunReportStatus};
use facts::{Facts, Observations, Trouble};
use plan::Plan;
use text::clean;

/// Transitions that are kept.
const MAX_TRANSITIONS: usize = 32;

/// The new status, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub status: TestRunReportStatus,
    pub next: Next,
}

/// When the report needs another look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: the commit moved, and what was read belongs to the new one.
    Now,
    /// Jobs are running or awaited: at the pace of polling, and at the time given, when what is missing
    /// counts as failed.
    Poll(Option<Timestamp>),
    /// At this time something changes by itself: settling ends, a deadline or a waiver expires.
    /// While jobs run the pace of polling may be earlier.
    At(Timestamp),
    /// GitHub could not be read: after a back-off, not before the time given.
    Retry(Option<Timestamp>),
    /// The verdict is final: a slow look, because a re-run or a moved branch may follow; not after
    /// the time given, when a waiver expires.
    Final(Option<Timestamp>),
    /// Nothing until the spec changes.
    Stalled,
}

/// What `evaluate` needs to know of the object besides its spec.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `metadata.generation` of the spec.
    pub generation: i64,
    /// `metadata.name`, for the commands that the report recommends; the CLI has none.
    pub name: Option<&'a str>,
    /// `metadata.namespace`.
    pub namespace: Option<&'a str>,
    pub previous: Option<&'a TestRunReportStatus>,
    /// What may excuse a failure.
    pub waivers: Waivers<'a>,
    /// Our own clock.
    pub now: Timestamp,
    /// GitHub has told of something that the last verdict does not know: another commit, another base, or a run.
    pub moved: bool,
}

/// Whether the spec can be carried out; the error names the field and the remedy.
pub fn validate(spec: &TestRunReportSpec) -> Result<(), String> {
    Plan::of(spec).map(drop)
}

/// Computes the whole status of a report.
///
/// The result depends on nothing but its arguments. Evaluating the same facts again, with the result
/// as the previous status, gives the result again.
pub fn evaluate(spec: &TestRunReportSpec, observations: &Observations, context: &Context<'_>) -> Evaluation {
    let context = prepared(context);
    let plan = match Plan::of(spec) {
        Ok(plan) => plan,
        Err(message) => {
            let trouble = Trouble { reason: Reason::InvalidSpec, message, retry_at: None };
            return trouble::evaluate(spec, &trouble, &context);
        }
    };
    match observations {
        Observations::Trouble(trouble) => trouble::evaluate(spec, trouble, &context),
        _ if spec.suspend => {
            let trouble = Trouble {
                reason: Reason::Suspended,
                message: "suspended by spec.suspend; set it to false to resume".to_owned(),
                retry_at: None,
            };
            trouble::evaluate(spec, &trouble, &context)
        }
        Observations::Facts(facts) => {
            let granted = waivers::granted(spec, context.waivers, &facts.source.repository);
            of_facts(&Plan { granted, ..plan }, facts, &context)
        }
    }
}

/// What of a spec says which commit it is about, and where its verdict is shown.
pub fn only_about(spec: &TestRunReportSpec) -> TestRunReportSpec {
    TestRunReportSpec {
        source: spec.source.clone(),
        credentials_ref: spec.credentials_ref.clone(),
        publish: spec.publish.clone(),
        ..TestRunReportSpec::default()
    }
}

/// Whether that can be carried out, whatever else of the spec cannot.
pub fn is_about(spec: &TestRunReportSpec) -> bool {
    validate(&only_about(spec)).is_ok()
}

/// The status of a report whose spec cannot be carried out, such as one that says more than is known of here: no
/// verdict, whatever the facts are. Which commit it is about is told, because others may speak for the same one; where
/// it was looked for in vain, or is shown elsewhere, it is looked for again.
pub fn set_aside(
    spec: &TestRunReportSpec,
    observations: &Observations,
    message: String,
    context: &Context<'_>,
) -> Evaluation {
    let source = evaluate(&only_about(spec), observations, context).status.source;
    let trouble = Trouble { reason: Reason::InvalidSpec, message, retry_at: None };
    let next = match observations {
        Observations::Facts(_) => Next::Final(None),
        Observations::Trouble(t) if matches!(t.reason, Reason::InvalidSpec | Reason::Suspended) => {
            Next::Stalled
        }
        Observations::Trouble(t) => Next::Retry(t.retry_at),
    };
    Evaluation { next, ..trouble::undecided(&trouble, source, &prepared(context)) }
}

fn prepared<'a>(context: &Context<'a>) -> Context<'a> {
    let now = context.now.round(Unit::Second).unwrap_or(context.now);
    // The default of a never-reconciled report has made-up times.
    let previous = context.previous.filter(|p| p.observed_generation >= 0);
    Context { now, previous, ..*context }
}

fn of_facts(plan: &Plan<'_>, facts: &Facts, context: &Context<'_>) -> Evaluation {
    let before = context.previous.and_then(|p| p.source.as_ref()).filter(|s| !s.sha.is_empty());
    let other_repository = before.is_some_and(
        |b| matches!((b.repository_id, facts.source.repository_id), (Some(old), Some(new)) if old != new),
    );
    let same = before.is_some_and(|b| b.sha == facts.source.sha) && !other_repository;
    let resolved_at =
        before.filter(|_| same).and_then(|b| b.resolved_at.clone()).unwrap_or(Time(context.now));
    // A waiver ends by whichever clock says so first: of two replicas one may be behind.
    let items = items::items(plan, facts, context.now.max(facts.read_at), before.filter(|_| same));
    let same_spec = context.previous.is_some_and(|p| p.observed_generation == context.generation);
    if let (Some(before), false, true) = (before, same, same_spec) {
        return moved(facts, &items, context, &before.sha, resolved_at);
    }
    let mut decision = decide::decide(plan, facts, &items, resolved_at.0);
    let reruns = rerun::apply(plan, &items, &mut decision, context);
    let owners = artifacts::owners(facts, &items.items);
    let patterns = patterns::patterns(facts, &items, context);
    let (masked, masked_total) = masked::masked(&items);
    let mut summary = report::summary(&items, decision.overdue);
    let bundles = causes::Bundles::of(plan, facts, &items, &owners);
    let (failures, failures_total) =
        report::failures(plan, facts, &items, &owners, &decision, &patterns, &bundles);
    let before = context.previous.filter(|_| same);
    let (artifact_list, artifacts_total) = artifacts::list(plan, facts, &items, &owners, before);
    summary.failures_total = failures_total;
    summary.artifacts = artifacts_total;

    let mut drafts = conditions::of_decision(&decision, plan.mode);
    let (repository, sha) = (clean(&facts.source.repository, 140), clean(&facts.source.sha, 64));
    drafts.push((
        ConditionType::SourceAvailable,
        ConditionStatus::True,
        Reason::Read,
        format!("read commit {sha} of {repository}"),
    ));
    drafts.push(artifacts::condition(plan, facts, &items, &owners, decision.complete, before));

    let mut notes: Vec<String> = items.notes.iter().map(|n| clean(n, 512)).collect();
    if !items.set_aside.is_empty() {
        let ids: Vec<String> = items.set_aside.keys().map(i64::to_string).collect();
        notes.push(format!(
            "cancelled runs set aside, newer runs count: {}",
            text::list(ids.iter().map(String::as_str), 5)
        ));
    }
    if context.waivers.ignore_own && !plan.spec.waivers.is_empty() {
        notes.push(
            "spec.waivers do not count here, as the administrator decided; who may, puts them into a TestRunWaiver"
                .to_owned(),
        );
    }
    if facts.source.fork {
        notes.push("the pull request comes from a fork: its author controls the workflow's code".to_owned());
    }
    notes.extend(facts.gaps.iter().map(|g| clean(&g.message, 512)));
    notes.truncate(30);

    let completed_at = decision.is_final().then(|| {
        context
            .previous
            .filter(|_| same && same_spec)
            .and_then(|p| p.completed_at.clone())
            .unwrap_or(Time(context.now))
    });
    let phase = match (decision.passed, decision.is_final()) {
        (ConditionStatus::True, _) => "Passed",
        (ConditionStatus::False, true) => "Failed",
        _ if decision.started => "Running",
        _ => "Pending",
    };
    let assessment = assess::assessment(facts, &items, &decision, masked_total, &patterns, &bundles);
    let recommendation = assess::recommendation(facts, &items, &decision, context, &artifact_list);
    let mut status = TestRunReportStatus {
        observed_generation: context.generation,
        phase: phase.to_owned(),
        source: Some(report::source(facts, &items, resolved_at)),
        summary: Some(summary),
        suites: report::suites(plan, &items, decision.overdue),
        failures,
        artifacts: artifact_list,
        patterns: patterns.list,
        failure_history: patterns.seen,
        masked_failures: masked,
        assessment: Some(assessment),
        recommendation: Some(recommendation),
        transitions: Vec::new(),
        told: context.previous.and_then(|p| p.told.clone()),
        reruns,
        deployments: publish::deployment::kept(context),
        waived: excuses::told(&items),
        notes,
        completed_at,
        conditions: conditions::finish(drafts, context.generation, context.previous, context.now),
    };
    status.transitions = transitions(context, &status, &sha);
    bounds::bound(&mut status);
    Evaluation { status, next: next(plan, &decision, facts.read_at, context) }
}

/// The first write after the commit moved: the old verdict is gone before a new one is made.
fn moved(
    facts: &Facts,
    items: &items::Items<'_>,
    context: &Context<'_>,
    old: &str,
    resolved_at: Time,
) -> Evaluation {
    let sha = clean(&facts.source.sha, 64);
    let message = format!("moved from commit {} to {sha}; the evaluation starts anew", clean(old, 64));
    let mut source = report::source(facts, items, resolved_at);
    source.digest = String::new();
    let mut status = TestRunReportStatus {
        observed_generation: context.generation,
        phase: "Pending".to_owned(),
        source: Some(source),
        told: context.previous.and_then(|p| p.told.clone()),
        reruns: rerun::kept(context),
        deployments: publish::deployment::kept(context),
        failure_history: patterns::kept(context),
        ..Default::default()
    };
    use ConditionStatus::{False, True, Unknown};
    use ConditionType as T;
    let of = |kind, state| (kind, state, Reason::CommitMoved, message.clone());
    let drafts = vec![
        of(T::Ready, Unknown),
        of(T::Passed, Unknown),
        of(T::Complete, False),
        of(T::Reconciling, True),
        of(T::Stalled, False),
        (T::SourceAvailable, True, Reason::Read, format!("read commit {sha}")),
        of(T::ArtifactsAvailable, Unknown),
    ];
    status.conditions = conditions::finish(drafts, context.generation, context.previous, context.now);
    status.transitions = transitions(context, &status, &sha);
    Evaluation { status, next: Next::Now }
}

/// The timeline with the present verdict at its end, if that is news.
fn transitions(context: &Context<'_>, status: &TestRunReportStatus, sha: &str) -> Vec<Transition> {
    let mut list = context.previous.map(|p| p.transitions.clone()).unwrap_or_default();
    let short: String = sha.chars().take(8).collect();
    let Some(passed) = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str()) else {
        return list;
    };
    let news = list.last().is_none_or(|t| t.passed != passed.status || t.sha != short);
    if news {
        list.push(Transition {
            time: Time(context.now),
            passed: passed.status.clone(),
            reason: passed.reason.clone(),
            sha: short,
            message: clean(&passed.message, 255),
        });
    }
    let excess = list.len().saturating_sub(MAX_TRANSITIONS);
    list.drain(..excess);
    list
}

fn next(plan: &Plan<'_>, decision: &decide::Decision, read_at: Timestamp, context: &Context<'_>) -> Next {
    // What is due is due by GitHub's clock; never wake in the past, or the loop is hot.
    let second = SignedDuration::from_secs(1);
    let from_now = |wait: SignedDuration| context.now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let ours = |at: Timestamp| from_now(at.duration_since(read_at).max(second));
    if decision.is_final() {
        return Next::Final(excuses::next_end(plan, context.now));
    }
    if !decision.complete {
        return Next::Poll(decision.wake.map(ours));
    }
    match decision.wake {
        // A re-run starts within seconds, at the pace of polling it is seen.
        Some(at) if decision.open.as_ref().is_some_and(|o| o.0 == Reason::RerunRequested) => {
            // By our own clock: the record of the request has its time from it.
            Next::Poll(Some(at.max(from_now(second))))
        }
        Some(at) => Next::At(ours(at)),
        None => Next::Poll(None),
    }
}
