//! Reads what explains: logs and reports of jobs that failed or that hide a failure.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::archives::Archives;
use super::expectations::BaselineIds;
use super::memory::Memory;
use crate::api::TestRunReportSpec;
use crate::api::spec::{PassedJobs, default_max_log_bytes};
use crate::evidence::job::of_job;
use crate::github::api::Repo;
use crate::verdict::facts::{ArtifactFact, Gap, GapKind, Job, Run};

/// Logs read in one look; the rest follows in the next ones.
const MAX_LOGS: usize = 30;
/// Bytes of all logs of one look.
const MAX_BYTES: usize = 256 << 20;
/// How long after its job a log may come.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// Reads the logs and archives that matter and are not known yet.
pub(super) async fn read(
    repo: &Repo<'_>,
    spec: &TestRunReportSpec,
    runs: &mut [Run],
    artifacts: &mut [ArtifactFact],
    baseline: &BaselineIds,
    gaps: &mut Vec<Gap>,
    memory: &Memory,
) {
    let mut reader = Reader {
        archives: Archives::new(repo, memory, spec.artifacts.as_ref(), runs, artifacts),
        logs: Logs::new(repo, memory, spec),
        memory,
        baseline,
    };
    for run in runs.iter_mut() {
        let (repository, path) = (run.repository.clone(), run.path.clone());
        for job in run.jobs.iter_mut().filter(|j| tells(j)) {
            reader.job(&repository, &path, job, artifacts, gaps).await;
        }
        reader.archives.bundles(&repository, run, artifacts, gaps).await;
    }
    let passed = spec.artifacts.as_ref().and_then(|a| a.passed_jobs).unwrap_or_default();
    // After what explains a failure: not all may fit into one look.
    for run in runs.iter_mut().filter(|_| passed == PassedJobs::All) {
        let (repository, path) = (run.repository.clone(), run.path.clone());
        for job in run.jobs.iter_mut().filter(|j| is_green(j) && !tells(j)) {
            reader.job(&repository, &path, job, artifacts, gaps).await;
        }
    }
    reader.logs.end(gaps);
    reader.archives.end(gaps);
}

/// What reads in one look.
struct Reader<'a> {
    archives: Archives<'a>,
    logs: Logs<'a>,
    memory: &'a Memory,
    baseline: &'a BaselineIds,
}

impl Reader<'_> {
    /// Reads log and reports of a job of this workflow, unless they are known.
    async fn job(
        &mut self,
        repository: &str,
        path: &str,
        job: &mut Job,
        artifacts: &mut [ArtifactFact],
        gaps: &mut Vec<Gap>,
    ) {
        let Self { archives, logs, memory, baseline } = self;
        if let Some(known) = memory.evidence(repository, job.id) {
            job.evidence = Some((*known).clone());
            archives.recall(repository, artifacts, job.id);
            return;
        }
        let log = logs.read(repository, job, gaps).await;
        let reports = archives.reports(repository, artifacts, job.id, gaps).await;
        let (log, cut, open) = match log {
            Log::Read(log, cut) => (log, cut, false),
            Log::Absent { open } if reports.found.is_some() => (Bytes::new(), false, open),
            Log::Absent { .. } => return,
        };
        let id = baseline.get(&(path.to_owned(), job.name.clone())).copied();
        let passing = match id.filter(|_| failed(job) && !log.is_empty()) {
            Some(id) => logs.passing(id).await,
            None => None,
        };
        let name = job.name.clone();
        // Parsing is pure computation and may take a second for a large log.
        let work =
            tokio::task::spawn_blocking(move || of_job(&name, &log, passing.as_deref(), reports.found));
        let Ok(mut evidence) = work.await else {
            gaps.push(Gap {
                kind: GapKind::Log,
                message: format!("the log of job {} could not be understood", job.id),
            });
            return;
        };
        evidence.interrupted |= cut;
        // What another look may complete is not remembered.
        if !open && !reports.open {
            memory.keep_evidence(repository, job.id, Arc::new(evidence.clone()));
        }
        job.evidence = Some(evidence);
    }
}

/// The log of a job.
enum Log {
    /// Its bytes, and whether there were more.
    Read(Bytes, bool),
    /// It is not had; open if another look may.
    Absent { open: bool },
}

/// The logs of one look.
struct Logs<'a> {
    repo: &'a Repo<'a>,
    memory: &'a Memory,
    /// Bytes of one log.
    limit: usize,
    left: usize,
    bytes: usize,
    skipped: usize,
}

impl<'a> Logs<'a> {
    fn new(repo: &'a Repo<'a>, memory: &'a Memory, spec: &TestRunReportSpec) -> Self {
        let limit = spec.artifacts.as_ref().map_or(default_max_log_bytes(), |a| a.max_log_bytes);
        let limit = usize::try_from(limit).unwrap_or(0);
        Self { repo, memory, limit, left: MAX_LOGS, bytes: MAX_BYTES, skipped: 0 }
    }

    async fn read(&mut self, repository: &str, job: &Job, gaps: &mut Vec<Gap>) -> Log {
        if let Some(message) = self.memory.absence(repository, job.id) {
            gaps.push(Gap { kind: GapKind::Log, message });
            return Log::Absent { open: false };
        }
        if self.limit == 0 {
            return Log::Absent { open: false };
        }
        if self.left == 0 || self.bytes == 0 {
            self.skipped += 1;
            return Log::Absent { open: true };
        }
        self.left -= 1;
        let limit = self.limit;
        match self.repo.log(job.id, limit.min(self.bytes)).await {
            Ok((log, cut)) => {
                self.bytes = self.bytes.saturating_sub(log.len());
                if cut {
                    gaps.push(Gap {
                        kind: GapKind::Log,
                        message: format!(
                            "of the log of job {} only the first {limit} bytes were read",
                            job.id
                        ),
                    });
                }
                Log::Read(log, cut)
            }
            // A log only explains, so whatever keeps it away is a gap.
            Err(why) => {
                let message = format!("the log of job {} {why}", job.id);
                // The log of a job that has just ended may still come.
                let old = |(now, at): (Timestamp, Timestamp)| now.duration_since(at) > LATE;
                let gone = why.is_gone() && self.repo.date().zip(job.completed_at).is_some_and(old);
                if gone {
                    self.memory.keep_absence(repository, job.id, message.clone());
                }
                gaps.push(Gap { kind: GapKind::Log, message });
                Log::Absent { open: !gone }
            }
        }
    }

    /// A passing log to compare with. Without one the lines are chosen by other means.
    async fn passing(&mut self, job: i64) -> Option<Bytes> {
        self.left = self.left.checked_sub(1)?;
        let (log, _) = self.repo.log(job, self.limit.min(self.bytes)).await.ok()?;
        self.bytes = self.bytes.saturating_sub(log.len());
        Some(log)
    }

    /// Says what is left for the next look.
    fn end(self, gaps: &mut Vec<Gap>) {
        if self.skipped > 0 {
            gaps.push(Gap {
                kind: GapKind::Log,
                message: format!("logs of {} jobs not read in this look", self.skipped),
            });
        }
    }
}

pub(super) fn failed(job: &Job) -> bool {
    matches!(job.conclusion.as_deref(), Some("failure" | "timed_out"))
}

/// Whether the log of a job has something to say: it failed, or it is green over a failure.
fn tells(job: &Job) -> bool {
    let hides = || {
        job.annotations.iter().any(|a| a.level == "failure")
            || job.steps.iter().any(|s| s.conclusion.as_deref() == Some("failure"))
    };
    job.status == "completed" && failed(job) || is_green(job) && hides()
}

fn is_green(job: &Job) -> bool {
    job.status == "completed" && job.conclusion.as_deref() == Some("success")
}
