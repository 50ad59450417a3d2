//! A report in the cache of a watch.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use kube::core::{NamespaceResourceScope, ObjectMeta};
use kube::{Resource, ResourceExt};
use serde::{Deserialize, Deserializer};

use super::packed::{Snapshot, Unreadable, short};
use crate::api::set::PULL_LABEL;
use crate::api::{ConditionType, TestRunReport};
use crate::runtime::metrics::Standing;
use crate::sets::set_of;
use crate::verdict::gate::{Word, judge};
use crate::verdict::publish;

/// A packed report. Clones share it.
#[derive(Clone, Debug)]
pub struct Kept(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    /// What tells the object from others; the rest is in the snapshot.
    metadata: ObjectMeta,
    facts: Facts,
    snapshot: Snapshot,
}

/// What is asked of every report of a cache.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Name of the connection.
    pub connection: Box<str>,
    /// Name of the Secret of the report's own credential.
    pub credentials: Option<Box<str>>,
    /// The repository as the spec has it, `owner/name`.
    pub repository: Box<str>,
    /// The repository as GitHub calls it, where that is another.
    pub renamed: Option<Box<str>>,
    /// The commit that was found, else the one that the spec names.
    pub sha: Option<Box<str>>,
    /// Something is published about the commit.
    pub publishes: bool,
    /// What metrics count.
    pub standing: Standing,
    /// What a gate says of it: the word, and whether that is the last one.
    pub gate: (Word, bool),
    /// When the first of the waivers ends that a pass rests on.
    pub waived_until: Option<Timestamp>,
    /// The pull request, where it is about one.
    pub pull_request: Option<i64>,
    /// When it was made, in seconds.
    pub created: i64,
    /// What its set asks of it, if it is of one.
    pub made: Option<Box<Made>>,
}

/// What a set asks of its reports.
#[derive(Clone, Debug)]
pub struct Made {
    /// Uid of the set.
    pub set: Box<str>,
    /// The pull request that it was made for.
    pub number: Option<i64>,
    /// It is about a commit, and not about what moves on.
    pub of_commit: bool,
    /// Its verdict is that it failed.
    pub failed: bool,
    pub deleting: bool,
    /// Changes with all of it but its status.
    pub print: u64,
}

impl Made {
    fn of(report: &TestRunReport) -> Option<Self> {
        let (_, set) = set_of(report)?;
        let meta = &report.metadata;
        let github = &report.spec.source.github;
        let marked = || report.labels().get(PULL_LABEL).and_then(|n| n.parse().ok());
        let conditions = report.status.iter().flat_map(|s| &s.conditions);
        // The generation is another one after each change of the spec.
        let marks = (&meta.uid, meta.generation, &meta.labels, &meta.annotations, &meta.owner_references);
        Some(Self {
            set: set.into(),
            number: github.pull_request.or_else(marked),
            of_commit: github.sha.is_some(),
            failed: conditions
                .into_iter()
                .any(|c| c.type_ == ConditionType::Passed.as_str() && c.status == "False"),
            deleting: meta.deletion_timestamp.is_some(),
            print: short(&serde_json::to_vec(&marks).unwrap_or_default()),
        })
    }
}

impl Facts {
    fn of(report: &TestRunReport) -> Self {
        let github = &report.spec.source.github;
        let found = report.status.as_ref().and_then(|s| s.source.as_ref());
        let sha = found.map(|s| &s.sha).filter(|sha| !sha.is_empty()).or(github.sha.as_ref());
        let gate = judge(report);
        let renamed = found.map(|s| &s.repository).filter(|name| **name != github.repository);
        Self {
            connection: github.connection.as_str().into(),
            credentials: report.spec.credentials_ref.as_ref().map(|r| r.name.as_str().into()),
            repository: github.repository.as_str().into(),
            renamed: renamed.map(|name| name.as_str().into()),
            sha: sha.map(|sha| sha.as_str().into()),
            publishes: !publish::asked(&report.spec).is_empty(),
            standing: Standing::of(report),
            gate: (gate.word, !gate.open),
            waived_until: report.status.iter().flat_map(|s| &s.waived).map(|w| w.expires_at.0).min(),
            pull_request: found.map_or(github.pull_request, |s| s.pull_request),
            created: report.metadata.creation_timestamp.as_ref().map_or(0, |t| t.0.as_second()),
            made: Made::of(report).map(Box::new),
        }
    }
}

impl Kept {
    /// A report, and the same packed.
    pub fn new(report: &TestRunReport, snapshot: Snapshot) -> Self {
        let metadata = ObjectMeta {
            name: report.metadata.name.clone(),
            namespace: report.metadata.namespace.clone(),
            uid: report.metadata.uid.clone(),
            resource_version: report.metadata.resource_version.clone(),
            generation: report.metadata.generation,
            ..ObjectMeta::default()
        };
        Self(Arc::new(Inner { metadata, facts: Facts::of(report), snapshot }))
    }

    pub fn in_namespace(&self) -> &str {
        self.0.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    /// The repository as GitHub calls it, as far as that is known.
    pub fn repository(&self) -> &str {
        self.0.facts.renamed.as_deref().unwrap_or(&self.0.facts.repository)
    }

    /// What is at hand of it.
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// The report, packed.
    pub fn snapshot(&self) -> &Snapshot {
        &self.0.snapshot
    }

    /// The report.
    pub fn open(&self) -> Result<TestRunReport, Unreadable> {
        self.0.snapshot.open()
    }
}

impl From<&TestRunReport> for Kept {
    fn from(report: &TestRunReport) -> Self {
        Self::new(report, Snapshot::of(report, &[]))
    }
}

/// The kind of what is packed. Of the metadata only what tells objects from each other is there.
impl Resource for Kept {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        TestRunReport::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        TestRunReport::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        TestRunReport::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        TestRunReport::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut Arc::make_mut(&mut self.0).metadata
    }
}

/// What a controller asks of the objects of its cache.
impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TestRunReport::deserialize(deserializer).map(|report| Self::from(&report))
    }
}
