//! From the facts of one look to what is kept of it. Only what has ended is a result.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::api::TestRunReport;
use crate::api::conditions::ConditionType;
use crate::verdict::facts::{Facts, Job, Run};
use crate::verdict::text::{clean, clean_some};

/// Jobs of one commit, over all attempts.
const MAX_JOBS: usize = 4_000;
/// Failing tests of one job.
const MAX_TESTS: usize = 200;

/// Durations of tests of one commit.
const MAX_TIMED: usize = 2_000;

/// What one look saw of one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Namespace of the report: who may read that may read this.
    pub namespace: String,
    pub connection: String,
    pub repository: String,
    pub sha: String,
    pub branch: Option<String>,
    pub base_branch: Option<String>,
    pub pull_request: Option<i64>,
    /// When the first run of the commit began, in seconds.
    pub started: i64,
    /// When it was looked at.
    pub observed: i64,
    pub report: String,
    /// `passed`, `failed` or `undecided`.
    pub verdict: &'static str,
    pub reason: String,
    pub is_final: bool,
    pub decided: Option<i64>,
    /// What waivers excused, as JSON; none where nothing was.
    pub waived: Option<String>,
    pub results: Vec<Result>,
    /// What decided, packed; none where that is too much.
    pub facts: Option<Vec<u8>>,
}

/// How one job of one attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Result {
    pub workflow: String,
    pub job: String,
    pub run_id: i64,
    pub attempt: i64,
    pub job_id: i64,
    pub event: String,
    /// As GitHub gives it.
    pub conclusion: String,
    pub started: Option<i64>,
    pub finished: i64,
    pub tests_total: Option<i64>,
    pub tests_failed: Option<i64>,
    pub fingerprint: Option<String>,
    /// Names of tests that failed.
    pub failing: Vec<String>,
    /// The slowest tests that passed, by their names, with milliseconds.
    pub slowest: Vec<(String, i64)>,
}

impl Record {
    /// Equal for looks that saw the same.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        Self { observed: 0, facts: None, ..self.clone() }.hash(&mut hasher);
        hasher.finish()
    }
}

/// What is kept of a look; None of one that read only a part, or before there is a verdict.
pub(super) fn of(report: &TestRunReport, facts: &Facts) -> Option<Record> {
    let status = report.status.as_ref()?;
    let source = status.source.as_ref().filter(|s| !facts.partial && s.sha == facts.source.sha)?;
    let passed = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str())?;
    let ours = |run: &&Run| {
        run.head_sha == facts.source.sha && run.repository.eq_ignore_ascii_case(&facts.source.repository)
    };
    let runs: Vec<&Run> = facts.runs.iter().filter(ours).collect();
    let observed = facts.read_at.as_second();
    let began = runs.iter().filter_map(|r| r.created_at).min();
    let results = runs.iter().flat_map(|run| run.jobs.iter().filter_map(|job| result(run, job, observed)));
    let mut results: Vec<Result> = results.take(MAX_JOBS).collect();
    let mut timed = 0;
    for result in &mut results {
        result.slowest.truncate(MAX_TIMED.saturating_sub(timed));
        timed = timed.saturating_add(result.slowest.len());
    }
    let waived = (!status.waived.is_empty()).then(|| serde_json::to_string(&status.waived).ok()).flatten();
    Some(Record {
        namespace: report.metadata.namespace.clone().unwrap_or_default(),
        connection: report.spec.source.github.connection.clone(),
        repository: source.repository.clone(),
        sha: source.sha.clone(),
        branch: source.branch.clone(),
        base_branch: source.base_branch.clone(),
        pull_request: source.pull_request,
        started: began.map_or(observed, Timestamp::as_second),
        observed,
        report: report.metadata.name.clone().unwrap_or_default(),
        verdict: match passed.status.as_str() {
            "True" => "passed",
            "False" => "failed",
            _ => "undecided",
        },
        reason: passed.reason.clone(),
        is_final: status.completed_at.is_some(),
        decided: status.completed_at.as_ref().map(|t| t.0.as_second()),
        waived,
        results,
        facts: None,
    })
}

fn result(run: &Run, job: &Job, observed: i64) -> Option<Result> {
    let conclusion = job.conclusion.as_deref().filter(|c| job.status == "completed" && !c.is_empty())?;
    let evidence = job.evidence.as_ref();
    let tests = evidence.and_then(|e| e.tests);
    let finished = job.completed_at.or(job.started_at).or(run.updated_at);
    Some(Result {
        workflow: clean(&run.workflow, 255),
        job: clean(&job.name, 255),
        run_id: run.id,
        attempt: job.attempt,
        job_id: job.id,
        event: clean(&run.event, 64),
        conclusion: clean(conclusion, 32),
        started: job.started_at.map(Timestamp::as_second),
        finished: finished.map_or(observed, Timestamp::as_second),
        tests_total: tests.map(|t| t.total),
        tests_failed: tests.map(|t| t.failed.saturating_add(t.errored)),
        fingerprint: evidence.and_then(|e| clean_some(e.fingerprint.as_deref(), 64)),
        failing: {
            let mut names: Vec<String> =
                evidence.map(|e| e.failing.iter().map(|t| clean(&t.name, 512)).collect()).unwrap_or_default();
            names.sort();
            names.dedup();
            names.truncate(MAX_TESTS);
            names
        },
        slowest: {
            let all = evidence.map(|e| e.slowest.as_slice()).unwrap_or_default();
            let mut names: Vec<(String, i64)> = all.iter().map(|(n, ms)| (clean(n, 512), *ms)).collect();
            names.sort_by(|a, b| (&a.0, b.1).cmp(&(&b.0, a.1)));
            names.dedup_by(|a, b| a.0 == b.0);
            names
        },
    })
}
