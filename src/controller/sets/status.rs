//! What a set says of itself.

use jiff::Timestamp;

use super::carry::Carried;
use crate::api::conditions::{ConditionStatus, Reason};
use crate::api::set::{SetCondition, SetReason};
use crate::api::{TestRunReportSet, TestRunReportSetStatus};
use crate::collect::Candidates;
use crate::verdict::conditions::dated;
use crate::verdict::facts::Trouble;
use crate::verdict::text::{count, list};

/// What a look came to.
pub(super) enum Seen<'a> {
    /// The pull requests were read, and what was planned was tried.
    Done { listed: &'a Candidates, numbers: Numbers, carried: &'a Carried },
    /// They were not.
    Trouble(&'a Trouble),
}

/// Of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub matching: usize,
    pub over: usize,
    /// There may be more than were listed.
    pub more: bool,
    /// So many of the newest were looked through, and not what is older.
    pub reach: Option<usize>,
    /// Reports of the set after what was done.
    pub reports: usize,
    /// Pull requests that have to be asked for, or whose files have.
    pub unasked: usize,
}

type Draft = (SetCondition, ConditionStatus, &'static str, String);

/// The status after a look.
pub(super) fn status(set: &TestRunReportSet, seen: &Seen<'_>, now: Timestamp) -> TestRunReportSetStatus {
    let previous = set.status.as_ref();
    let mut status = previous.cloned().unwrap_or_default();
    let generation = set.metadata.generation.unwrap_or_default();
    status.observed_generation = generation;
    let mut drafts = match seen {
        Seen::Trouble(trouble) => troubled(trouble),
        Seen::Done { listed, numbers, carried } => {
            status.repository = listed.repository.clone().or(status.repository);
            status.matching = i64::try_from(numbers.matching).ok();
            status.reports = i64::try_from(numbers.reports).ok();
            let noun = if set.spec.generators.pull_requests.is_some() { "pull request" } else { "commit" };
            let mut drafts = done(set, noun, *numbers, carried);
            if listed.archived {
                archived(&mut drafts);
            }
            drafts
        }
    };
    drafts.sort_by_key(|d| d.0);
    let before = previous.map(|p| p.conditions.as_slice()).unwrap_or_default();
    status.conditions = drafts
        .into_iter()
        .map(|(kind, state, reason, message)| {
            dated((kind.as_str(), state.as_str(), reason), &message, generation, before, now)
        })
        .collect();
    status
}

/// GitHub could not be read, or must not be; the reports are left as they are.
fn troubled(trouble: &Trouble) -> Vec<Draft> {
    use ConditionStatus::{False, True, Unknown};
    use SetCondition as T;
    let text = match trouble.retry_at {
        Some(at) => format!("{}; tried again from {}", trouble.message, at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => trouble.message.clone(),
    };
    let of = |kind, state| (kind, state, trouble.reason.as_str(), text.clone());
    let (ready, reconciling, stalled, source) = match trouble.reason {
        Reason::InvalidSpec => (False, False, True, Unknown),
        Reason::Suspended => (Unknown, False, False, Unknown),
        _ => (Unknown, True, False, False),
    };
    vec![
        of(T::Ready, ready),
        of(T::Reconciling, reconciling),
        of(T::Stalled, stalled),
        of(T::SourceAvailable, source),
        of(T::WithinBound, Unknown),
    ]
}

/// Says of a repository that is read-only what it is, where nothing more urgent is to be said.
fn archived(drafts: &mut [Draft]) {
    let reason = SetReason::Archived.as_str();
    for (kind, _, why, message) in drafts {
        let at_rest = *kind == SetCondition::Ready && *why == SetReason::UpToDate.as_str();
        if at_rest || *kind == SetCondition::SourceAvailable {
            *why = reason;
            message.push_str("; the repository is archived: nothing in it changes until that ends");
        } else if *why == SetReason::UpToDate.as_str() {
            *why = reason;
        }
    }
}

fn done(set: &TestRunReportSet, noun: &str, numbers: Numbers, carried: &Carried) -> Vec<Draft> {
    use ConditionStatus::{False, True};
    use SetCondition as T;
    let left = carried.left + numbers.unasked;
    let reports = count(numbers.reports, "report");
    let (ready, reason, message) = if left > 0 {
        let message = format!("{reports} made, {left} more to make, change or remove");
        (False, SetReason::Working, message)
    } else if let Some((name, why)) = carried.refused.first() {
        let more = match carried.refused.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let message = format!("the API server refuses {name}{more}: {why}; correct spec.template");
        (False, SetReason::ReportRefused, message)
    } else if let Some(taken) = carried.taken.first() {
        let names = list(carried.taken.iter().map(|t| t.name.as_str()), 5);
        let message = format!(
            "other reports have the names of {}: {names}; {} is that of {}, and is left alone; delete it, \
             turn it over with kubectl testrun adopt, or choose another name in spec.template.metadata.name",
            carried.taken.len(),
            taken.name,
            taken.by
        );
        (False, SetReason::NameTaken, message)
    } else {
        let message = format!("{} selected, {reports}", count(numbers.matching, noun));
        (True, SetReason::UpToDate, message)
    };
    let working = reason == SetReason::Working;
    let stalled = matches!(reason, SetReason::ReportRefused | SetReason::NameTaken);
    let at_least = if numbers.more { "at least " } else { "" };
    let (bound, why, bound_message) = match (numbers.over, numbers.reach) {
        (0, None) => (True, SetReason::WithinBound, String::new()),
        (0, Some(reach)) => {
            let message = format!(
                "the newest {} were looked through and there are more: older ones have no report until newer ones \
                 are closed",
                count(reach, noun)
            );
            (False, SetReason::OverBound, message)
        }
        (over, _) => {
            let message = format!(
                "{at_least}{} are selected and spec.retention.maxReports is {}: the newest have reports, \
                 {at_least}{over} have none; select fewer, or raise the bound",
                count(numbers.matching, noun),
                set.spec.retention.max_reports
            );
            (False, SetReason::OverBound, message)
        }
    };
    let source = format!("the {noun}s were read");
    vec![
        (T::Ready, ready, reason.as_str(), message.clone()),
        (
            T::Reconciling,
            working.into(),
            reason.as_str(),
            if working { message.clone() } else { String::new() },
        ),
        (T::Stalled, stalled.into(), reason.as_str(), if stalled { message } else { String::new() }),
        (T::SourceAvailable, True, Reason::Read.as_str(), source),
        (T::WithinBound, bound, why.as_str(), bound_message),
    ]
}
