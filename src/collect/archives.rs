//! Reads what failed jobs uploaded: their test reports and must-gather bundles.
//!
//! Archives only explain. What became of each is a fact of its own, and what is not read in one look is
//! read in the next.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use jiff::SignedDuration;

use super::memory::Memory;
use crate::api::Reason;
use crate::api::spec::{ArtifactsSpec, default_max_artifact_bytes};
use crate::api::status::BundleFinding;
use crate::evidence::bundle::{self, BundleAnalysis, Finding};
use crate::evidence::parse::{self, Parsed};
use crate::github::Unfetched;
use crate::github::api::Repo;
use crate::verdict::belongs::{ArtifactKind, Candidate, base, owner};
use crate::verdict::facts::{Analysis, ArtifactFact, Content, Evidence, Gap, GapKind, Job, Run};
use crate::verdict::text::{clean, count};

/// Archives read in one look; the rest follows in the next ones.
const MAX_ARCHIVES: usize = 24;
/// Bytes of all archives of one look.
const MAX_BYTES: i64 = 256 << 20;
/// How long after the end of its job an artifact may be listed as created.
const LATE: SignedDuration = SignedDuration::from_secs(120);
/// Bytes that reports, and one bundle, may unpack to.
const UNPACKED: u64 = 256 << 20;
/// Entries of one bundle.
const ENTRIES: usize = 20_000;
/// Findings of a bundle that are kept.
const FINDINGS: usize = 20;

/// The archives of one look.
pub(super) struct Archives<'a> {
    repo: &'a Repo<'a>,
    memory: &'a Memory,
    spec: Option<&'a ArtifactsSpec>,
    /// Bytes of one archive.
    limit: i64,
    /// For each artifact the id of the job that it belongs to.
    owners: Vec<Option<i64>>,
    left: usize,
    bytes: i64,
    skipped: usize,
    /// GitHub gives no archive at all: why.
    refused: Option<String>,
}

/// The test reports of a job.
#[derive(Default)]
pub(super) struct Reports {
    pub found: Option<Parsed>,
    /// More may be found by another look.
    pub open: bool,
}

impl<'a> Archives<'a> {
    pub(super) fn new(
        repo: &'a Repo<'a>,
        memory: &'a Memory,
        spec: Option<&'a ArtifactsSpec>,
        runs: &[Run],
        artifacts: &[ArtifactFact],
    ) -> Self {
        let limit = spec.map_or(default_max_artifact_bytes(), |s| s.max_artifact_bytes);
        let owners = artifacts.iter().map(|artifact| whose(artifact, runs)).collect();
        Self {
            repo,
            memory,
            spec,
            limit,
            owners,
            left: MAX_ARCHIVES,
            bytes: MAX_BYTES,
            skipped: 0,
            refused: None,
        }
    }

    /// The artifacts of a kind that belong to a job, by their place in the list.
    fn of(&self, artifacts: &[ArtifactFact], kind: ArtifactKind, job: i64) -> Vec<usize> {
        let own = artifacts.iter().zip(&self.owners).enumerate();
        own.filter(|(_, (a, owner))| **owner == Some(job) && ArtifactKind::of(self.spec, &a.name) == kind)
            .map(|(at, _)| at)
            .collect()
    }

    /// Says of the test reports of a job what an earlier look found.
    pub(super) fn recall(&self, repository: &str, artifacts: &mut [ArtifactFact], job: i64) {
        for at in self.of(artifacts, ArtifactKind::TestReport, job) {
            if let Some(artifact) = artifacts.get_mut(at) {
                artifact.analysis = self.memory.analysis(repository, artifact.id).map(|a| (*a).clone());
            }
        }
    }

    /// Reads the test reports of a job.
    pub(super) async fn reports(
        &mut self,
        repository: &str,
        artifacts: &mut [ArtifactFact],
        job: i64,
        gaps: &mut Vec<Gap>,
    ) -> Reports {
        let mut out = Reports::default();
        let mut archives = Vec::new();
        let mut read = Vec::new();
        for at in self.of(artifacts, ArtifactKind::TestReport, job) {
            let Some(artifact) = artifacts.get_mut(at) else { continue };
            match self.fetch(artifact, GapKind::TestReport, gaps).await {
                Ok(file) => {
                    archives.push((artifact.name.clone(), file));
                    read.push(at);
                }
                Err(analysis) => {
                    out.open |= analysis.state == Content::NotRead && self.limit > 0;
                    self.settle(repository, artifact, analysis);
                }
            }
        }
        if archives.is_empty() {
            return out;
        }
        let names: Vec<&str> = archives.iter().map(|(name, _)| name.as_str()).collect();
        let name = clean(&names.join(" "), 120);
        let work = tokio::task::spawn_blocking(move || {
            let limits = parse::Limits { inflated: UNPACKED, ..Default::default() };
            parse::parse_archives(&name, archives, &limits)
        });
        let parsed = work.await.ok();
        let analysis = match &parsed {
            Some(parsed) => of_reports(parsed, read.len()),
            None => not_read("it could not be understood".to_owned()),
        };
        for at in read {
            if let Some(artifact) = artifacts.get_mut(at) {
                self.settle(repository, artifact, analysis.clone());
            }
        }
        out.found = parsed.filter(Parsed::understood);
        out
    }

    /// Reads the bundles of failed jobs. Of each job a bundle of a passing one of the same name and another
    /// matrix value is taken for comparison, where there is one.
    pub(super) async fn bundles(
        &mut self,
        repository: &str,
        run: &Run,
        artifacts: &mut [ArtifactFact],
        gaps: &mut Vec<Gap>,
    ) {
        let mut siblings: HashMap<String, Option<Arc<BundleAnalysis>>> = HashMap::new();
        for job in run.jobs.iter().filter(|j| failed(j)) {
            for at in self.of(artifacts, ArtifactKind::MustGather, job.id) {
                let Some(artifact) = artifacts.get(at) else { continue };
                if let Some(known) = self.memory.analysis(repository, artifact.id) {
                    if let Some(artifact) = artifacts.get_mut(at) {
                        artifact.analysis = Some((*known).clone());
                    }
                    continue;
                }
                let base = base(&job.name).to_owned();
                if !siblings.contains_key(&base) {
                    let passing = self.sibling(run, &base, artifacts, gaps).await;
                    siblings.insert(base.clone(), passing);
                }
                let passing = siblings.get(&base).cloned().flatten();
                let Some(artifact) = artifacts.get_mut(at) else { continue };
                let analysis = match self.fetch(artifact, GapKind::Bundle, gaps).await {
                    Ok(file) => {
                        let options = job.evidence.as_ref().map(about).unwrap_or_default();
                        match analyse(artifact.name.clone(), file, options, passing).await {
                            Some(found) => of_bundle(&artifact.name, &found),
                            None => not_read("it could not be understood".to_owned()),
                        }
                    }
                    Err(analysis) => analysis,
                };
                self.settle(repository, artifact, analysis);
            }
        }
    }

    /// The bundle of a job that passed.
    async fn sibling(
        &mut self,
        run: &Run,
        name: &str,
        artifacts: &mut [ArtifactFact],
        gaps: &mut Vec<Gap>,
    ) -> Option<Arc<BundleAnalysis>> {
        let green = |j: &&Job| j.conclusion.as_deref() == Some("success") && base(&j.name) == name;
        let at = run
            .jobs
            .iter()
            .filter(green)
            .find_map(|job| self.of(artifacts, ArtifactKind::MustGather, job.id).first().copied())?;
        let artifact = artifacts.get_mut(at)?;
        let file = self.fetch(artifact, GapKind::Bundle, gaps).await.ok()?;
        analyse(artifact.name.clone(), file, bundle::Options::default(), None).await.map(Arc::new)
    }

    /// The archive, or what became of it.
    async fn fetch(
        &mut self,
        artifact: &ArtifactFact,
        kind: GapKind,
        gaps: &mut Vec<Gap>,
    ) -> std::result::Result<File, Analysis> {
        let of = |state, message: String| Analysis { state, message: Some(message), ..Default::default() };
        if artifact.expired {
            return Err(of(Content::Expired, "its retention on GitHub is over".to_owned()));
        }
        if self.limit == 0 {
            return Err(not_read("spec.artifacts.maxArtifactBytes is 0".to_owned()));
        }
        if artifact.size_bytes > self.limit {
            let said =
                format!("{} bytes, more than the {} that may be read", artifact.size_bytes, self.limit);
            return Err(of(Content::TooLarge, said));
        }
        if let Some(why) = &self.refused {
            return Err(not_read(why.clone()));
        }
        if self.left == 0 || self.bytes < artifact.size_bytes {
            self.skipped += 1;
            return Err(not_read("not read in this look".to_owned()));
        }
        self.left -= 1;
        let limit = u64::try_from(self.limit.min(self.bytes)).unwrap_or(0);
        match self.repo.artifact_zip(artifact.id, artifact.digest.as_deref(), limit).await {
            Ok(fetched) => {
                self.bytes = self.bytes.saturating_sub(i64::try_from(fetched.size).unwrap_or(i64::MAX));
                Ok(fetched.file)
            }
            Err(why) => {
                let name = clean(&artifact.name, 100);
                let state = match &why {
                    Unfetched::Expired => Content::Expired,
                    Unfetched::Deleted => Content::Deleted,
                    Unfetched::TooLarge { .. } => Content::TooLarge,
                    Unfetched::Mismatch { .. } => Content::Corrupt,
                    Unfetched::NotYet | Unfetched::Trouble(_) => Content::NotRead,
                };
                if state == Content::NotRead {
                    gaps.push(Gap { kind, message: format!("artifact {name} {why}") });
                }
                if let Unfetched::Trouble(trouble) = &why
                    && matches!(
                        trouble.reason,
                        Reason::Unauthorized | Reason::Forbidden | Reason::RateLimited
                    )
                {
                    self.refused = Some(trouble.message.clone());
                }
                Err(of(state, format!("it {why}")))
            }
        }
    }

    fn settle(&self, repository: &str, artifact: &mut ArtifactFact, analysis: Analysis) {
        if analysis.state != Content::NotRead {
            self.memory.keep_analysis(repository, artifact.id, Arc::new(analysis.clone()));
        }
        artifact.analysis = Some(analysis);
    }

    /// Says what is left for the next look.
    pub(super) fn end(self, gaps: &mut Vec<Gap>) {
        if self.skipped > 0 {
            let message = format!("{} not read in this look", count(self.skipped, "archive"));
            gaps.push(Gap { kind: GapKind::Bundle, message });
        }
    }
}

/// The job that uploaded an artifact: of those that ran at that time the one whose name fits best, or the
/// only one.
fn whose(artifact: &ArtifactFact, runs: &[Run]) -> Option<i64> {
    let run = runs.iter().find(|r| r.id == artifact.run_id)?;
    let at = artifact.created_at?;
    let ran = |job: &&Job| {
        let begun = job.started_at.is_some_and(|start| start <= at);
        begun && job.completed_at.is_none_or(|end| at.duration_since(end) <= LATE)
    };
    let jobs = run.jobs.iter().filter(ran);
    let candidates: Vec<Candidate<i64>> =
        jobs.map(|j| Candidate::new(j.id, run.id, &j.name, failed(j))).collect();
    owner(candidates.iter(), run.id, &artifact.name)
}

fn failed(job: &Job) -> bool {
    matches!(job.conclusion.as_deref(), Some("failure" | "timed_out" | "cancelled"))
}

fn about(evidence: &Evidence) -> bundle::Options {
    bundle::Options { window: evidence.window, subjects: evidence.subjects.clone() }
}

async fn analyse(
    name: String,
    file: File,
    options: bundle::Options,
    passing: Option<Arc<BundleAnalysis>>,
) -> Option<BundleAnalysis> {
    let work = tokio::task::spawn_blocking(move || {
        let limits =
            bundle::Limits { unpacked: UNPACKED, entries: ENTRIES, findings: FINDINGS, ..Default::default() };
        let mut found = bundle::analyse(&name, file, options, limits);
        if let Some(passing) = passing {
            found.compare(&passing);
        }
        found
    });
    work.await.ok()
}

fn not_read(why: String) -> Analysis {
    Analysis { state: Content::NotRead, message: Some(why), ..Default::default() }
}

fn of_bundle(name: &str, found: &BundleAnalysis) -> Analysis {
    let state = match (found.incomplete, found.files_scanned) {
        (true, 0) => Content::Corrupt,
        (true, _) => Content::Incomplete,
        (false, _) => Content::Analysed,
    };
    Analysis {
        state,
        message: found.warnings.first().map(|w| clean(w, 400)),
        layout: found.layout.map(|l| l.as_str().to_owned()),
        files: int(found.files_scanned),
        findings: found.findings.iter().map(|f| finding(name, f)).collect(),
        findings_total: int(found.findings_total),
    }
}

fn finding(name: &str, f: &Finding) -> BundleFinding {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    let second = |at: jiff::Timestamp| at.round(jiff::Unit::Second).unwrap_or(at);
    BundleFinding {
        kind: format!("{:?}", f.kind),
        severity: format!("{:?}", f.severity),
        object: f.object.clone(),
        reason: f.reason.clone(),
        count: int(f.count),
        related: f.related,
        also_passing: f.also_passing,
        first_seen: f.first_seen.map(second).map(Time),
        last_seen: f.last_seen.map(second).map(Time),
        // The path in the archive; the artifact is named beside it.
        file: f
            .evidence
            .file
            .strip_prefix(name)
            .unwrap_or(&f.evidence.file)
            .trim_start_matches('/')
            .to_owned(),
        line: f.evidence.line.map(int),
        text: f.evidence.text.clone(),
    }
}

fn of_reports(parsed: &Parsed, archives: usize) -> Analysis {
    let first = parsed.warnings.first().map(|w| clean(&w.text, 300));
    let (state, message) = if parsed.understood() {
        let of = if archives > 1 { format!(" in {archives} artifacts") } else { String::new() };
        let told = format!(
            "{}: {}, {} failed{of}",
            parsed.format.name(),
            count(usize::try_from(parsed.tests.total).unwrap_or(usize::MAX), "test"),
            parsed.tests.bad()
        );
        (if parsed.complete { Content::Analysed } else { Content::Incomplete }, Some(told))
    } else if parsed.complete {
        (Content::Analysed, first)
    } else {
        (Content::Corrupt, first)
    };
    Analysis { state, message, files: int(parsed.entries.len() as u64), ..Default::default() }
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
