//! What decides about a commit, made to be kept, and what another spec would have said of it.
//!
//! What is kept is what was read, so another spec may need more than there is. Then nothing is said: a dry run
//! passes nothing that the gate would not have passed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{Annotation, Check, Evidence, Facts, GapKind, Job, Observations, Run, SourceFacts, Step};
use super::{Context, Waivers, checks, evaluate, excuses, publish};
use crate::api::conditions::ConditionType;
use crate::api::spec::ArtifactsSpec;
use crate::api::status::{FailingTest, RunStatus, SourceStatus};
use crate::api::{TestRunReportSpec, TestRunReportStatus};

/// Raised whenever facts or what is kept of them change: nobody guesses at what another version meant.
const FORMAT: i64 = 3;

/// What decides about one commit, as it was read for one spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    format: i64,
    /// Where it was read.
    connection: String,
    /// Commit statuses were read.
    statuses: bool,
    /// Which logs and reports were read.
    artifacts: Option<ArtifactsSpec>,
    /// What earlier looks saw of the same commit.
    seen: SourceStatus,
    facts: Facts,
}

/// What a spec would have said of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Would {
    /// `passed`, `failed` or `unknown`.
    pub verdict: String,
    /// That of `Passed`, or `NotKept` where too little is known.
    pub reason: String,
    pub message: String,
}

impl Would {
    /// Too little is known.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { verdict: "unknown".to_owned(), reason: "NotKept".to_owned(), message: message.into() }
    }
}

impl Kept {
    /// Of the facts of a whole look and the status that was made of them; None of a part, or of another commit.
    pub fn of(spec: &TestRunReportSpec, facts: &Facts, status: &TestRunReportStatus) -> Option<Self> {
        let seen = status.source.as_ref().filter(|s| !facts.partial && s.sha == facts.source.sha)?;
        Some(Self {
            format: FORMAT,
            connection: spec.source.github.connection.clone(),
            statuses: checks::statuses_read(spec, &facts.expectations),
            artifacts: spec.artifacts.clone(),
            seen: SourceStatus {
                repository: seen.repository.clone(),
                repository_id: seen.repository_id,
                sha: seen.sha.clone(),
                resolved_at: seen.resolved_at.clone(),
                runs: seen.runs.iter().map(|r| RunStatus { url: String::new(), ..r.clone() }).collect(),
                ..SourceStatus::default()
            },
            facts: decisive(spec, facts),
        })
    }

    /// What was kept, from how it was kept.
    pub fn read(value: serde_json::Value) -> Result<Self, Would> {
        let other = || Would::unknown("what was kept of this commit is of another version of the operator");
        if value.get("format").and_then(serde_json::Value::as_i64) != Some(FORMAT) {
            return Err(other());
        }
        serde_json::from_value(value).map_err(|_| other())
    }

    /// What this spec would have said, had it been that of the report. Time has passed since: what was awaited and has
    /// not come is missing.
    pub fn would(&self, spec: &TestRunReportSpec, now: Timestamp) -> Would {
        if let Some(why) = self.lacks(spec) {
            return Would::unknown(why);
        }
        // A run that is asked for again is another result, which nobody knows.
        let spec = TestRunReportSpec { rerun: None, ..spec.clone() };
        let mut facts = self.facts.clone();
        if facts.runs.iter().all(|r| r.status == "completed") {
            facts.read_at = facts.read_at.max(now);
        }
        let previous = TestRunReportStatus {
            observed_generation: 1,
            source: Some(self.seen.clone()),
            ..TestRunReportStatus::default()
        };
        let context = Context {
            generation: 1,
            name: None,
            namespace: None,
            previous: Some(&previous),
            waivers: Waivers::default(),
            now,
            moved: false,
        };
        let status = evaluate(&spec, &Observations::Facts(Box::new(facts)), &context).status;
        let passed = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str());
        let Some(passed) = passed else {
            return Would::unknown("the verdict says nothing");
        };
        Would {
            verdict: match passed.status.as_str() {
                "True" => "passed",
                "False" => "failed",
                _ => "unknown",
            }
            .to_owned(),
            reason: passed.reason.clone(),
            message: passed.message.clone(),
        }
    }

    /// What the spec needs and was not read.
    fn lacks(&self, spec: &TestRunReportSpec) -> Option<&'static str> {
        let wanted = &spec.source.github;
        if !self.facts.source.repository.eq_ignore_ascii_case(&wanted.repository) {
            return Some("the commit is of another repository");
        }
        if self.connection != wanted.connection {
            return Some("the commit was read through another connection");
        }
        if !self.statuses && checks::statuses_count(spec, &self.facts.expectations) {
            return Some("commit statuses count by this spec, and were not read");
        }
        if self.artifacts != spec.artifacts {
            return Some("logs and reports were read by another spec.artifacts");
        }
        None
    }
}

/// The facts without what only explains. What the report itself published is not there: another spec may not know it
/// for its own.
fn decisive(spec: &TestRunReportSpec, facts: &Facts) -> Facts {
    Facts {
        source: SourceFacts { title: None, url: None, ..facts.source.clone() },
        runs: facts
            .runs
            .iter()
            .map(|run| Run {
                title: None,
                url: String::new(),
                jobs: run.jobs.iter().map(job).collect(),
                ..run.clone()
            })
            .collect(),
        checks: facts
            .checks
            .iter()
            .filter(|c| !publish::is_own(spec, c))
            .map(|c| Check { url: None, external_id: None, ..c.clone() })
            .collect(),
        expectations: facts.expectations.clone(),
        artifacts: Vec::new(),
        sightings: Vec::new(),
        gaps: facts
            .gaps
            .iter()
            .filter(|g| matches!(g.kind, GapKind::RequiredChecks | GapKind::Baseline))
            .cloned()
            .collect(),
        read_at: facts.read_at,
        confirmed: facts.confirmed,
        partial: facts.partial,
    }
}

fn job(job: &Job) -> Job {
    // That there were steps, and that none of them failed, tells something too.
    let telling = |s: &&Step| {
        matches!(s.conclusion.as_deref(), Some("failure" | "cancelled")) || s.status != "completed"
    };
    let mut steps: Vec<Step> = job.steps.iter().filter(telling).cloned().collect();
    if steps.is_empty() {
        steps.extend(job.steps.last().cloned());
    }
    Job {
        url: String::new(),
        steps,
        annotations: job
            .annotations
            .iter()
            .filter_map(|a| {
                let message = excuses::end_by_force(a)?.to_owned();
                Some(Annotation { level: a.level.clone(), message, ..Default::default() })
            })
            .take(1)
            .collect(),
        evidence: job.evidence.as_ref().map(|e| Evidence {
            tests: e.tests,
            interrupted: e.interrupted,
            failing: e
                .failing
                .iter()
                .map(|t| FailingTest { name: t.name.clone(), ..Default::default() })
                .collect(),
            failing_total: e.failing_total,
            ..Evidence::default()
        }),
        past: None,
        ..job.clone()
    }
}
