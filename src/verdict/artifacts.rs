//! References to artifacts: which of them matter, which job they belong to, and whether the
//! must-gather bundles of all failed jobs are there.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::belongs::{ArtifactKind, Candidate, owner};
use super::conditions::Draft;
use super::facts::{Analysis, ArtifactFact, Content, Facts, GapKind};
use super::items::{Item, Items};
use super::plan::Plan;
use super::report::len;
use super::state::State;
use super::text::{self, clean, clean_some};
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::api::status::{Artifact, ArtifactAnalysis, ArtifactCopy, BundleFinding, TestRunReportStatus};

const MAX_ARTIFACTS: usize = 200;
/// Findings of one bundle.
const MAX_FINDINGS: usize = 10;

fn kind(plan: &Plan<'_>, name: &str) -> ArtifactKind {
    ArtifactKind::of(plan.spec.artifacts.as_ref(), name)
}

/// Whether an artifact of this name is a must-gather bundle.
pub(super) fn is_bundle(plan: &Plan<'_>, name: &str) -> bool {
    kind(plan, name) == ArtifactKind::MustGather
}

/// The artifacts that matter, bundles first, and how many there are.
pub(super) fn list(
    plan: &Plan<'_>,
    facts: &Facts,
    items: &Items<'_>,
    owners: &[Option<usize>],
    before: Option<&TestRunReportStatus>,
) -> (Vec<Artifact>, i64) {
    let before = before.map(|b| b.artifacts.as_slice()).unwrap_or_default();
    let copies: BTreeMap<i64, &ArtifactCopy> =
        before.iter().filter_map(|a| Some((a.id, a.copy.as_ref()?))).collect();
    let runs: BTreeSet<i64> = items.runs.iter().map(|r| r.id).collect();
    let mut all: Vec<(ArtifactKind, &ArtifactFact, Option<usize>)> = facts
        .artifacts
        .iter()
        .zip(owners)
        .filter(|(a, _)| runs.contains(&a.run_id))
        .map(|(a, owner)| (kind(plan, &a.name), a, *owner))
        .filter(|(kind, ..)| *kind != ArtifactKind::Other)
        .collect();
    all.sort_by(|a, b| (a.0, &a.1.name, a.1.run_id, a.1.id).cmp(&(b.0, &b.1.name, b.1.run_id, b.1.id)));
    all.dedup_by_key(|(_, a, _)| a.id);
    let total = len(all.len());
    let out = all
        .into_iter()
        .take(MAX_ARTIFACTS)
        .map(|(kind, a, owner)| Artifact {
            name: clean(&a.name, 255),
            id: a.id,
            kind: kind.as_str().to_owned(),
            run_id: a.run_id,
            job: owner.and_then(|i| items.items.get(i)).map(|i| clean(&i.name, 255)),
            size_bytes: a.size_bytes,
            digest: clean_some(a.digest.as_deref(), 80),
            created_at: a.created_at.map(Time),
            expires_at: a.expires_at.map(Time),
            expired: a.expired,
            layout: clean_some(a.analysis.as_ref().and_then(|x| x.layout.as_deref()), 32),
            url: clean(&a.url, 512),
            api_url: clean(&a.api_url, 512),
            analysis: a.analysis.as_ref().map(analysis),
            copy: copies.get(&a.id).copied().cloned(),
        })
        .collect();
    // What GitHub does not list any more is known by its copy only.
    let listed = !facts.partial && !facts.gaps.iter().any(|g| g.kind == GapKind::Artifacts);
    let known: BTreeSet<i64> = facts.artifacts.iter().map(|a| a.id).collect();
    let gone = before.iter().filter(|a| listed && a.copied().is_some() && !known.contains(&a.id));
    let mut out: Vec<Artifact> = out;
    let room = MAX_ARTIFACTS.saturating_sub(out.len());
    out.extend(gone.take(room).map(|a| Artifact { expired: true, ..a.clone() }));
    (out, total)
}

fn analysis(of: &Analysis) -> ArtifactAnalysis {
    let finding = |f: &BundleFinding| BundleFinding {
        object: clean(&f.object, 200),
        reason: clean(&f.reason, 200),
        file: clean(&f.file, 300),
        text: clean(&f.text, 256),
        ..f.clone()
    };
    ArtifactAnalysis {
        state: of.state.as_str().to_owned(),
        message: clean_some(of.message.as_deref(), 512),
        files_scanned: of.files,
        findings: of.findings.iter().take(MAX_FINDINGS).map(finding).collect(),
        findings_total: of.findings_total,
    }
}

/// Whether the content of an artifact can be had, and if not, why.
fn lost(artifact: &ArtifactFact) -> Option<Content> {
    let state = artifact.analysis.as_ref().map_or(Content::Analysed, |a| a.state);
    if artifact.expired { Some(Content::Expired) } else { Some(state).filter(|s| !s.can_be_had()) }
}

/// Whether GitHub had it and has it no more.
const fn is_gone(lost: Option<Content>) -> bool {
    matches!(lost, Some(Content::Expired | Content::Deleted))
}

/// Bundles of which a copy was made.
fn copied_bundles(before: Option<&TestRunReportStatus>) -> Vec<&Artifact> {
    let known = before.map(|b| b.artifacts.as_slice()).unwrap_or_default();
    let bundle = ArtifactKind::MustGather.as_str();
    known.iter().filter(|a| a.kind == bundle && a.copied().is_some()).collect()
}

/// What became of the bundles of the job with this index, in one word; of several the best.
pub(super) fn bundle_of_job(
    plan: &Plan<'_>,
    facts: &Facts,
    owners: &[Option<usize>],
    index: usize,
) -> &'static str {
    let own = facts
        .artifacts
        .iter()
        .zip(owners)
        .filter(|(a, owner)| **owner == Some(index) && kind(plan, &a.name) == ArtifactKind::MustGather);
    let word = |artifact: &ArtifactFact| match (lost(artifact), artifact.analysis.as_ref().map(|a| a.state)) {
        (Some(lost), _) => (2, lost.as_str()),
        (None, Some(Content::TooLarge)) => (1, Content::TooLarge.as_str()),
        (None, _) => (0, "Recorded"),
    };
    own.map(|(a, _)| word(a)).min().map_or("NotCollected", |(_, word)| word)
}

/// Names of the artifacts that belong to the job with this index.
pub(super) fn of_job(facts: &Facts, owners: &[Option<usize>], index: usize) -> Vec<String> {
    let mut names: Vec<String> = facts
        .artifacts
        .iter()
        .zip(owners)
        .filter(|(_, owner)| **owner == Some(index))
        .map(|(a, _)| clean(&a.name, 255))
        .collect();
    names.sort();
    names.dedup();
    names.truncate(16);
    names
}

/// Whether the bundles of all failed jobs are recorded.
pub(super) fn condition(
    plan: &Plan<'_>,
    facts: &Facts,
    items: &Items<'_>,
    owners: &[Option<usize>],
    complete: bool,
    before: Option<&TestRunReportStatus>,
) -> Draft {
    let draft =
        |status, reason, message: String| (ConditionType::ArtifactsAvailable, status, reason, message);
    if let Some(gap) = facts.gaps.iter().find(|g| g.kind == GapKind::Artifacts) {
        return draft(ConditionStatus::Unknown, Reason::GitHubUnavailable, gap.message.clone());
    }
    let failed: Vec<(usize, &Item<'_>)> = items
        .items
        .iter()
        .enumerate()
        .filter(|(_, i)| i.state == State::Failed && i.job().is_some() && !i.aggregate)
        .collect();
    if failed.is_empty() {
        return if complete {
            draft(ConditionStatus::True, Reason::NothingFailed, "no job failed".to_owned())
        } else {
            draft(ConditionStatus::Unknown, Reason::Waiting, "no job has failed so far".to_owned())
        };
    }
    let copies = copied_bundles(before);
    let listed: BTreeSet<i64> = facts.artifacts.iter().map(|a| a.id).collect();
    // What became of the bundle of a job; of several the best.
    let mut bundles: BTreeMap<usize, Option<Content>> = BTreeMap::new();
    let mut only_copies = BTreeSet::new();
    for (artifact, owner) in facts.artifacts.iter().zip(owners) {
        if let Some(owner) = owner
            && kind(plan, &artifact.name) == ArtifactKind::MustGather
        {
            let mut lost = lost(artifact);
            if is_gone(lost) && copies.iter().any(|copy| copy.id == artifact.id) {
                lost = None;
                only_copies.insert(*owner);
            }
            bundles.entry(*owner).and_modify(|known| *known = known.and(lost)).or_insert(lost);
        }
    }
    // GitHub does not list them any more.
    for (at, item) in &failed {
        let name = clean(&item.name, 255);
        if bundles.get(at).is_none_or(|lost| is_gone(*lost))
            && copies.iter().any(|copy| !listed.contains(&copy.id) && copy.job.as_ref() == Some(&name))
        {
            bundles.insert(*at, None);
            only_copies.insert(*at);
        }
    }
    let names = |wanted: &dyn Fn(Option<&Option<Content>>) -> bool| -> Vec<&str> {
        failed.iter().filter(|(at, _)| wanted(bundles.get(at))).map(|(_, i)| i.name.as_str()).collect()
    };
    let without = names(&|bundle| bundle.is_none());
    let corrupt = names(&|bundle| bundle == Some(&Some(Content::Corrupt)));
    let expired = names(&|bundle| bundle.is_some_and(|lost| is_gone(*lost)));
    let n = text::count(failed.len(), "failed job");
    if !without.is_empty() {
        let message = format!(
            "{} of {n} without a must-gather bundle: {}",
            without.len(),
            text::list(without.iter().copied(), 5)
        );
        return if complete {
            draft(ConditionStatus::False, Reason::NotCollected, message)
        } else {
            draft(ConditionStatus::Unknown, Reason::Waiting, format!("{message}; jobs still run"))
        };
    }
    if !corrupt.is_empty() {
        let message = format!(
            "the bundles of {} are not what was uploaded, or no archives: {}",
            text::count(corrupt.len(), "job"),
            text::list(corrupt.into_iter(), 5)
        );
        return draft(ConditionStatus::False, Reason::Corrupt, message);
    }
    if !expired.is_empty() {
        let message = format!(
            "the bundles of {} expired on GitHub, or were deleted: {}",
            text::count(expired.len(), "job"),
            text::list(expired.into_iter(), 5)
        );
        return draft(ConditionStatus::False, Reason::Expired, message);
    }
    let copied = failed.iter().filter(|(at, _)| only_copies.contains(at)).count();
    let copied = if copied > 0 { format!(", of {copied} as a copy only") } else { String::new() };
    draft(ConditionStatus::True, Reason::Recorded, format!("the bundles of {n} are recorded{copied}"))
}

/// For each artifact the index of the job that it belongs to.
pub(super) fn owners(facts: &Facts, items: &[Item<'_>]) -> Vec<Option<usize>> {
    let jobs: Vec<Candidate<usize>> = items
        .iter()
        .enumerate()
        .filter(|(_, i)| !i.aggregate && i.job().is_some())
        // What failed first and passed on a re-run left its bundle behind.
        .filter_map(|(index, i)| {
            Some(Candidate::new(index, i.run()?.id, &i.name, i.state == State::Failed || i.recovered))
        })
        .collect();
    facts.artifacts.iter().map(|artifact| owner(jobs.iter(), artifact.run_id, &artifact.name)).collect()
}
