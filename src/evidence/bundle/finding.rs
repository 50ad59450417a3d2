//! What a bundle tells, as a list of findings that does not grow with the bundle.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::evidence::layout::Layout;
use crate::evidence::plain;

/// Characters of a text in a finding, of an object and of a path.
const TEXT: usize = 256;
const OBJECT: usize = 200;
const FILE: usize = 300;

/// Different findings that are told apart; further ones are counted and dropped.
pub(super) const GROUPS: usize = 4096;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// A container ran out of memory and was killed.
    OomKilled,
    /// A container starts and dies over and over.
    CrashLoopBackOff,
    /// An image could not be pulled.
    ImagePull,
    /// A pod was evicted from its node.
    Evicted,
    /// A container could not be created or started.
    ContainerFailed,
    /// A container ended with a code other than zero.
    ContainerExited,
    /// An init container failed or never ended.
    InitContainer,
    /// A pod was not scheduled or not started.
    PodPending,
    /// A pod or container runs and is not ready, or not healthy.
    NotReady,
    /// A container was restarted.
    Restarts,
    /// A job failed.
    JobFailed,
    /// A deployment, stateful set, replica set or daemon set has fewer replicas than it wants.
    WorkloadUnavailable,
    /// A node is not ready or under pressure.
    NodeCondition,
    /// A volume claim is not bound.
    PvcPending,
    /// Warning events of one reason about one object.
    WarningEvent,
    /// A database, cache or other service could not be used; the reason names how.
    Dependency,
    /// Something was there already: data of another test or of an earlier run.
    Conflict,
    /// A name that does not resolve, or an address of the wrong family.
    Network,
    /// A process crashed by itself.
    Crash,
    /// Error lines of one wording in one log.
    ErrorLine,
    /// The collection itself had errors.
    Collection,
    /// What a passing sibling has otherwise.
    Difference,
}

/// How much a finding says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Unusual.
    Warning,
    /// Something failed.
    Error,
    /// Explains failures of whatever depended on it.
    Critical,
}

/// Where a finding can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The path in the bundle; a name only, never a path to open.
    pub file: String,
    /// The line, from 1, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// At most 256 characters, cleaned, without credentials.
    pub text: String,
}

/// One thing that a bundle tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// How much it says.
    pub severity: Severity,
    /// The container, `namespace/pod/container`, `kind namespace/name` or log it is about.
    pub object: String,
    /// A short reason: `SQLSTATE 23505`, `exit code 1`, an event's reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How often: events, lines, restarts.
    pub count: u64,
    /// The first and the last time it was seen, in UTC, where times are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// See `first_seen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// It falls into the failing test's time, or names one of its objects.
    pub related: bool,
    /// A passing sibling has it too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub also_passing: bool,
    /// Where to read it.
    pub evidence: Evidence,
}

/// What was found in a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleAnalysis {
    /// Who made it, as far as its entries tell.
    #[serde(serialize_with = "layout_name", skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Files that were read, those of inner archives included.
    pub files_scanned: u64,
    /// Bytes that were read, unpacked.
    pub bytes: u64,
    /// The findings, what says most first.
    pub findings: Vec<Finding>,
    /// All findings; more than are listed if some were dropped.
    pub findings_total: u64,
    /// What could not be read, and why.
    pub warnings: Vec<String>,
    /// Not all of the bundle was read: what is not found may be there.
    pub incomplete: bool,
    /// How its containers were set up, for comparison with a sibling.
    #[serde(skip)]
    pub(super) facts: super::sibling::Facts,
}

fn layout_name<S: Serializer>(layout: &Option<Layout>, serializer: S) -> Result<S::Ok, S::Error> {
    match layout {
        Some(layout) => serializer.serialize_str(layout.as_str()),
        None => serializer.serialize_none(),
    }
}

/// A finding as a reader meets it.
#[derive(Debug)]
pub(super) struct Met<'a> {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) object: &'a str,
    pub(super) reason: &'a str,
    pub(super) count: u64,
    pub(super) seen: [Option<Timestamp>; 2],
    pub(super) file: &'a str,
    pub(super) line: Option<u64>,
    pub(super) text: &'a str,
    pub(super) related: bool,
    /// Tells findings of the same kind, object and reason apart.
    pub(super) wording: u64,
}

/// How counts of the same finding go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// Each is one more.
    Add,
    /// Each tells of all: a bundle has the same object several times.
    Most,
}

/// The findings of one bundle while it is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    groups: HashMap<(Kind, String, String, u64), Finding>,
    /// The order in which they came.
    order: Vec<(Kind, String, String, u64)>,
    pub(super) dropped: u64,
}

impl Findings {
    /// Adds to a finding, or starts one.
    pub(super) fn add(&mut self, met: &Met<'_>, sum: Sum) {
        let object = plain::line(met.object, OBJECT);
        let reason = plain::line(met.reason, OBJECT);
        let key = (met.kind, object.clone(), reason.clone(), met.wording);
        if let Some(known) = self.groups.get_mut(&key) {
            known.count = match sum {
                Sum::Add => known.count.saturating_add(met.count),
                Sum::Most => known.count.max(met.count),
            };
            known.first_seen = [known.first_seen, met.seen[0]].into_iter().flatten().min();
            known.last_seen = [known.last_seen, met.seen[1]].into_iter().flatten().max();
            known.severity = known.severity.max(met.severity);
            if met.related && !known.related {
                known.related = true;
                known.evidence = evidence(met);
            }
            return;
        }
        if self.groups.len() >= GROUPS {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let [first_seen, last_seen] = met.seen;
        let finding = Finding {
            kind: met.kind,
            severity: met.severity,
            object,
            reason,
            count: met.count,
            first_seen,
            last_seen,
            related: met.related,
            also_passing: false,
            evidence: evidence(met),
        };
        self.order.push(key.clone());
        self.groups.insert(key, finding);
    }

    /// All findings, what says most first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        let groups = &mut self.groups;
        let mut all: Vec<Finding> = self.order.iter().filter_map(|key| groups.remove(key)).collect();
        sort(&mut all);
        all
    }
}

/// What says most comes first; of equals what was met first.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        std::cmp::Reverse((!finding.also_passing, finding.related, finding.severity, finding.count))
    });
}

fn evidence(met: &Met<'_>) -> Evidence {
    Evidence { file: plain::line(met.file, FILE), line: met.line, text: plain::line(met.text.trim(), TEXT) }
}
