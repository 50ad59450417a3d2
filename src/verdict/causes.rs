//! What caused a failure: what its log says, and what must-gather bundles add to it.
//!
//! A log tells what the test saw. A bundle tells what happened to the services that it used: a container that was
//! killed for its memory explains a wait that ran out, and not the other way round. So what a bundle shows takes
//! its share first, and what the log says divides the rest. Only findings of the failing test's time, or about its
//! objects, count in full; what a passing job's bundle has too counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::artifacts;
use super::facts::{Evidence, Facts};
use super::items::Items;
use super::patterns::{Nature, Patterns};
use super::plan::Plan;
use super::text::clean;
use super::thresholds::{BUNDLE_LINES, BUNDLE_STANDING, BUNDLE_STATE, CAUSE, TIMING, TIMING_DETERMINISTIC};
use crate::api::status::{BundleFinding, Cause};

/// Causes of a failure that are listed, and findings of each.
const MAX_CAUSES: usize = 8;
const MAX_BECAUSE: usize = 3;
/// Share, in percent, from which on a log is said to name a cause.
const NAMED: i64 = 50;

/// A cause that a bundle shows.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    percent: i64,
    because: Vec<String>,
}

/// What the bundles show, by the id of the job that they belong to.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    jobs: BTreeMap<i64, BTreeMap<&'static str, Shown>>,
}

impl Bundles {
    pub(super) fn of(plan: &Plan<'_>, facts: &Facts, items: &Items<'_>, owners: &[Option<usize>]) -> Self {
        let mut all = Self::default();
        for (artifact, owner) in facts.artifacts.iter().zip(owners) {
            let job = owner.and_then(|at| items.items.get(at)?.job());
            let (Some(job), Some(analysis)) = (job, &artifact.analysis) else { continue };
            if !artifacts::is_bundle(plan, &artifact.name) {
                continue;
            }
            let timed = job.evidence.as_ref().is_some_and(|evidence| evidence.window.is_some());
            let shown = all.jobs.entry(job.id).or_default();
            let told = told(&analysis.findings);
            for finding in &analysis.findings {
                let Some((cause, percent)) = weigh(finding, timed, &told) else { continue };
                let known = shown.entry(cause).or_default();
                // The strongest speaks; more of a kind say the same again.
                known.percent = known.percent.max(percent);
                if known.because.len() < MAX_BECAUSE {
                    known.because.push(because(&artifact.name, finding));
                }
            }
        }
        all.jobs.retain(|_, shown| !shown.is_empty());
        all
    }

    /// The likeliest cause that a bundle of this job shows, and why.
    pub(super) fn best(&self, job: i64) -> Option<(&'static str, &str)> {
        let shown = self.jobs.get(&job)?.iter().max_by_key(|(cause, shown)| (shown.percent, *cause))?;
        Some((shown.0, shown.1.because.first().map(String::as_str).unwrap_or_default()))
    }

    /// The causes of a job's failure: of its log, of its bundles, and what other commits say of them.
    pub(super) fn causes(&self, job: i64, evidence: &Evidence, patterns: &Patterns) -> Vec<Cause> {
        let mut causes: Vec<Cause> = evidence.causes.iter().take(MAX_CAUSES).cloned().collect();
        if let Some(shown) = self.jobs.get(&job) {
            add(&mut causes, shown);
        }
        // What fails alike on each commit is no matter of timing.
        let most = match patterns.nature(evidence).0 {
            Nature::Deterministic => TIMING_DETERMINISTIC,
            _ => TIMING,
        };
        for cause in causes.iter_mut().filter(|c| c.kind == "Timeout") {
            cause.probability = cause.probability.min(most);
        }
        causes.sort_by_key(|c| std::cmp::Reverse(c.probability));
        causes.truncate(MAX_CAUSES);
        causes
    }

    /// The cause that a job's log names, where its bundles show another one.
    pub(super) fn contradicts<'a>(&self, job: i64, evidence: &'a Evidence) -> Option<&'a str> {
        let shown = self.jobs.get(&job)?;
        // A wait that ran out, a value that is wrong: what the bundle shows explains them.
        let own = |cause: &&Cause| {
            cause.probability >= NAMED && !matches!(cause.kind.as_str(), "Unknown" | "Timeout" | "Assertion")
        };
        let named = evidence.causes.iter().find(own)?;
        (!shown.contains_key(named.kind.as_str())).then_some(named.kind.as_str())
    }
}

/// Gives what bundles show its share, and what the log says the rest.
fn add(causes: &mut Vec<Cause>, shown: &BTreeMap<&'static str, Shown>) {
    let sum: i64 = shown.values().map(|shown| shown.percent).sum();
    if sum == 0 {
        return;
    }
    // Two that are as likely are together likelier than either.
    let neither = shown.values().fold(1.0, |left, shown| left * (1.0 - shown.percent as f64 / 100.0));
    let share = ((1.0 - neither) * 100.0).min(CAUSE as f64);
    for cause in causes.iter_mut() {
        cause.probability = (cause.probability as f64 * (100.0 - share) / 100.0) as i64;
    }
    for (kind, shown) in shown {
        let part = (share * shown.percent as f64 / sum as f64) as i64;
        let at = causes.iter().position(|cause| cause.kind == *kind).unwrap_or_else(|| {
            causes.push(Cause { kind: (*kind).to_owned(), ..Cause::default() });
            causes.len() - 1
        });
        if let Some(cause) = causes.get_mut(at) {
            cause.probability = (cause.probability + part).min(CAUSE);
            cause.because.clone_from(&shown.because);
        }
    }
}

/// Objects of which a finding says more than that they crash.
fn told(findings: &[BundleFinding]) -> BTreeSet<&str> {
    let known = findings.iter().filter(|f| matches!(f.kind.as_str(), "OomKilled" | "ImagePull" | "Evicted"));
    known.map(|f| f.object.as_str()).collect()
}

/// The cause that a finding shows and its share; `timed`: it is known when the test ran.
fn weigh(finding: &BundleFinding, timed: bool, told: &BTreeSet<&str>) -> Option<(&'static str, i64)> {
    if finding.also_passing {
        return None;
    }
    let (cause, is_state) = cause_of(finding)?;
    if finding.kind == "CrashLoopBackOff" && told.contains(finding.object.as_str()) {
        return None;
    }
    let dated = finding.first_seen.is_some() || finding.last_seen.is_some();
    let percent = match (finding.related, is_state) {
        (true, true) => BUNDLE_STATE,
        (true, false) => BUNDLE_LINES,
        // It happened at another time than the test's.
        (false, true) if dated && timed => return None,
        (false, true) => BUNDLE_STANDING,
        (false, false) => return None,
    };
    Some((cause, percent))
}

/// The cause that a finding speaks for, and whether it is a state rather than lines of a log.
fn cause_of(finding: &BundleFinding) -> Option<(&'static str, bool)> {
    let says = |word: &str| {
        [&finding.reason, &finding.text].iter().any(|text| text.to_ascii_lowercase().contains(word))
    };
    let disk = || says("diskpressure") || says("ephemeral-storage") || says("ephemeral storage");
    let memory = || says("memory");
    Some(match (finding.kind.as_str(), finding.reason.as_str()) {
        ("OomKilled", _) | ("WarningEvent", "OOMKilling" | "SystemOOM") => ("OutOfMemory", true),
        ("ImagePull", _) => ("ImagePull", true),
        ("WarningEvent", "Failed" | "BackOff" | "ErrImagePull" | "InspectFailed")
            if says("pull image") || says("pulling image") || says("errimage") || says("imagepull") =>
        {
            ("ImagePull", true)
        }
        ("Evicted" | "NodeCondition", _) | ("WarningEvent", "Evicted") if disk() => ("DiskFull", true),
        ("Evicted" | "NodeCondition", _) | ("WarningEvent", "Evicted") if memory() => ("OutOfMemory", true),
        ("ErrorLine", "no space left") => ("DiskFull", true),
        ("NodeCondition", _) if says("ready is") => ("InfrastructureNetwork", true),
        ("WarningEvent", "NodeNotReady") => ("InfrastructureNetwork", true),
        ("ContainerFailed", _) => ("Configuration", true),
        ("CrashLoopBackOff", _) => ("Crash", true),
        ("Crash", _) => ("Crash", false),
        ("Conflict", _) => ("TestIsolation", false),
        ("Dependency" | "Network", _) => ("InfrastructureNetwork", false),
        _ => return None,
    })
}

/// A finding as one line.
fn because(artifact: &str, finding: &BundleFinding) -> String {
    let mut said = format!("{} {}", finding.kind, clean(&finding.object, 80));
    if !finding.reason.is_empty() {
        said.push_str(&format!(" ({})", clean(&finding.reason, 60)));
    }
    if let Some(at) = finding.last_seen.as_ref().or(finding.first_seen.as_ref()) {
        said.push_str(&format!(" at {}", at.0));
    }
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    said.push_str(&format!(", in {}: {}{line}", clean(artifact, 60), clean(&finding.file, 80)));
    clean(&said, 256)
}
