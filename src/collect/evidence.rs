//! Reads what explains: logs of jobs that failed or that hide a failure.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::expectations::BaselineIds;
use super::memory::Memory;
use crate::api::TestRunReportSpec;
use crate::api::spec::default_max_log_bytes;
use crate::evidence::job::of_job;
use crate::github::api::Repo;
use crate::verdict::facts::{Evidence, Gap, GapKind, Job, Run};

/// Logs read in one look; the rest follows in the next ones.
const MAX_LOGS: usize = 30;
/// Bytes of all logs of one look.
const MAX_BYTES: usize = 256 << 20;
/// How long after its job a log may come.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// Reads the logs that matter and are not known yet.
pub(super) async fn read(
    repo: &Repo<'_>,
    spec: &TestRunReportSpec,
    runs: &mut [Run],
    baseline: &BaselineIds,
    gaps: &mut Vec<Gap>,
    memory: &Memory,
) {
    let limit = spec.artifacts.as_ref().map_or(default_max_log_bytes(), |a| a.max_log_bytes);
    let limit = usize::try_from(limit).unwrap_or(0);
    let (mut left, mut bytes) = (MAX_LOGS, MAX_BYTES);
    let mut skipped = 0;
    for run in runs.iter_mut() {
        let (repository, path) = (run.repository.clone(), run.path.clone());
        for job in run.jobs.iter_mut().filter(|j| tells(j)) {
            if let Some(known) = memory.evidence(&repository, job.id) {
                job.evidence = Some((*known).clone());
                continue;
            }
            if let Some(message) = memory.absence(&repository, job.id) {
                gaps.push(Gap { kind: GapKind::Log, message });
                continue;
            }
            if limit == 0 {
                continue;
            }
            if left == 0 || bytes == 0 {
                skipped += 1;
                continue;
            }
            left -= 1;
            let (log, cut) = match repo.log(job.id, limit.min(bytes)).await {
                Ok(read) => read,
                // A log only explains, so whatever keeps it away is a gap.
                Err(why) => {
                    let message = format!("the log of job {} {why}", job.id);
                    // The log of a job that has just ended may still come.
                    let old = |(now, at): (Timestamp, Timestamp)| now.duration_since(at) > LATE;
                    if why.is_gone() && repo.date().zip(job.completed_at).is_some_and(old) {
                        memory.keep_absence(&repository, job.id, message.clone());
                    }
                    gaps.push(Gap { kind: GapKind::Log, message });
                    continue;
                }
            };
            bytes = bytes.saturating_sub(log.len());
            let id = baseline.get(&(path.clone(), job.name.clone())).copied();
            let passing = match id.filter(|_| left > 0 && failed(job)) {
                Some(id) => {
                    left -= 1;
                    // Without a passing log the lines are chosen by other means.
                    repo.log(id, limit.min(bytes)).await.ok().map(|(log, _)| log)
                }
                None => None,
            };
            bytes = bytes.saturating_sub(passing.as_ref().map_or(0, |p| p.len()));
            let name = job.name.clone();
            // Parsing is pure computation and may take a second for a large log.
            let work = tokio::task::spawn_blocking(move || of_job(&name, &log, passing.as_deref(), &[]));
            let Ok(mut evidence) = work.await else {
                gaps.push(Gap {
                    kind: GapKind::Log,
                    message: format!("the log of job {} could not be understood", job.id),
                });
                continue;
            };
            evidence.interrupted |= cut;
            if cut {
                gaps.push(Gap {
                    kind: GapKind::Log,
                    message: format!("of the log of job {} only the first {limit} bytes were read", job.id),
                });
            }
            keep(memory, &repository, job, evidence);
        }
    }
    if skipped > 0 {
        gaps.push(Gap {
            kind: GapKind::Log,
            message: format!("logs of {skipped} jobs not read in this look"),
        });
    }
}

fn keep(memory: &Memory, repository: &str, job: &mut Job, evidence: Evidence) {
    let evidence = Arc::new(evidence);
    memory.keep_evidence(repository, job.id, Arc::clone(&evidence));
    job.evidence = Some((*evidence).clone());
}

fn failed(job: &Job) -> bool {
    matches!(job.conclusion.as_deref(), Some("failure" | "timed_out"))
}

/// Whether the log of a job has something to say: it failed, or it is green over a failure.
fn tells(job: &Job) -> bool {
    let hides = || {
        job.annotations.iter().any(|a| a.level == "failure")
            || job.steps.iter().any(|s| s.conclusion.as_deref() == Some("failure"))
    };
    job.status == "completed" && (failed(job) || (job.conclusion.as_deref() == Some("success") && hides()))
}
