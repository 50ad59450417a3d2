//! The spec made ready for use: regular expressions compiled, defaults filled in.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use super::facts::Check;
use super::waivers::Granted;
use super::{aggregate, publish};
use crate::api::spec::{Expect, GateMode, GitHubSource, JobMatch, SuitePolicy, TestRunReportSpec, Waiver};

/// Seconds without a change before a verdict is final, where the spec does not say.
pub const DEFAULT_SETTLE_SECONDS: i64 = 15;
/// Seconds after which what is missing counts as failed, where the spec does not say.
pub const DEFAULT_DEADLINE_SECONDS: i64 = 21_600;
/// Compiled size of one regular expression, in bytes; enough for any alternation of job names.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A spec that can be carried out.
pub(super) struct Plan<'a> {
    pub spec: &'a TestRunReportSpec,
    pub suites: Vec<Suite<'a>>,
    pub ignore: Vec<Matcher>,
    /// Waivers that count, of the spec and of others.
    pub granted: Vec<Granted<'a>>,
    pub mode: GateMode,
    pub settle_seconds: i64,
    pub deadline_seconds: i64,
}

/// A suite of the spec.
pub(super) struct Suite<'a> {
    pub name: &'a str,
    pub required: bool,
    pub matches: Vec<Matcher>,
    pub expect: Option<&'a Expect>,
    pub min_pass_rate: Option<i64>,
    pub critical_path: bool,
}

/// Workflow and job, both optional.
pub(super) struct Matcher {
    workflow: Option<Regex>,
    job: Option<Regex>,
}

impl Matcher {
    /// Whether a job belongs here; a workflow is known by its name and by its file.
    pub fn matches(&self, workflow: &str, path: &str, job: &str) -> bool {
        self.workflow.as_ref().is_none_or(|r| r.is_match(workflow) || r.is_match(path))
            && self.job.as_ref().is_none_or(|r| r.is_match(job))
    }

    /// Whether jobs of this workflow may belong here.
    fn may_match(&self, workflow: &str, path: &str) -> bool {
        self.workflow.as_ref().is_none_or(|r| r.is_match(workflow) || r.is_match(path))
    }

    /// Whether every job of a workflow that it matches belongs here.
    fn takes_all(&self) -> bool {
        self.job.as_ref().is_none_or(|r| matches!(r.as_str(), "." | ".*" | ".+" | "^.*$" | "^.+$"))
    }
}

impl<'a> Plan<'a> {
    /// Checks the spec beyond what a schema can say; the error names the field and the remedy.
    pub fn of(spec: &'a TestRunReportSpec) -> Result<Self, String> {
        check_source(&spec.source.github)?;
        let mut names = BTreeSet::new();
        let mut suites = Vec::with_capacity(spec.suites.len());
        for (i, suite) in spec.suites.iter().enumerate() {
            let at = format!("spec.suites[{i}]");
            if suite.name.trim().is_empty() || suite.name.trim() != suite.name || suite.name == UNMATCHED {
                return Err(format!(
                    "{at}.name: a suite needs a name without blanks at its ends, and {UNMATCHED} is kept for jobs that no suite matches"
                ));
            }
            if !names.insert(suite.name.as_str()) {
                return Err(format!(
                    "{at}.name: two suites are called {:?}; give each its own name",
                    suite.name
                ));
            }
            if suite.matches.is_empty() {
                return Err(format!("{at}.match: at least one entry with workflow or job is needed"));
            }
            if let Some(expect) = &suite.expect
                && expect.jobs.is_some() == expect.count.is_some()
            {
                return Err(format!("{at}.expect: set either jobs (names) or count"));
            }
            suites.push(Suite {
                name: &suite.name,
                required: suite.policy == SuitePolicy::Required,
                matches: matchers(&suite.matches, &format!("{at}.match"))?,
                expect: suite.expect.as_ref(),
                min_pass_rate: suite.min_pass_rate.map(i64::from),
                critical_path: suite.critical_path,
            });
        }
        for (i, waiver) in spec.waivers.iter().enumerate() {
            check_waiver(i, waiver)?;
        }
        let gate = spec.gate.as_ref();
        let seconds = |value: Option<i64>, default: i64, field: &str| match value {
            None => Ok(default),
            Some(v) if v < 0 => Err(format!("spec.gate.{field}: expected 0 or more seconds, got {v}")),
            Some(v) => Ok(v),
        };
        Ok(Self {
            spec,
            suites,
            ignore: matchers(&spec.ignore, "spec.ignore")?,
            granted: Vec::new(),
            mode: gate.map(|g| g.mode).unwrap_or_default(),
            settle_seconds: seconds(
                gate.and_then(|g| g.settle_seconds),
                DEFAULT_SETTLE_SECONDS,
                "settleSeconds",
            )?,
            deadline_seconds: seconds(
                gate.and_then(|g| g.deadline_seconds),
                DEFAULT_DEADLINE_SECONDS,
                "deadlineSeconds",
            )?,
        })
    }

    /// Whether the report looks at this workflow.
    pub fn wants(&self, workflow: &str, path: &str) -> bool {
        self.spec.workflows.is_empty()
            || self.spec.workflows.iter().any(|w| names_workflow(w, workflow, path))
    }

    /// Whether a job only repeats what others say.
    pub fn is_aggregate(&self, workflow: &str, path: &str, job: &str) -> bool {
        self.ignore.iter().any(|m| m.matches(workflow, path, job))
            || (self.spec.ignore.is_empty() && aggregate::by_name(job))
    }

    /// The status or check that the report itself publishes.
    pub fn is_own(&self, check: &Check) -> bool {
        publish::is_own(self.spec, check)
    }

    /// First suite that matches, and whether another one would have matched too.
    pub fn suite_of(&self, workflow: &str, path: &str, job: &str) -> (Option<usize>, bool) {
        let mut all = self
            .suites
            .iter()
            .enumerate()
            .filter(|(_, s)| s.matches.iter().any(|m| m.matches(workflow, path, job)));
        let first = all.next().map(|(i, _)| i);
        (first, first.is_some() && all.next().is_some())
    }

    /// Suite of a run whose jobs are not known: the first required one that they may belong to. An informational
    /// suite has it only where that one takes all of them.
    pub fn suite_of_run(&self, workflow: &str, path: &str) -> Option<usize> {
        let mut suites = self.suites.iter().enumerate();
        suites.find_map(|(i, suite)| {
            let mut may = suite.matches.iter().filter(|m| m.may_match(workflow, path));
            let has = if suite.required { may.next().is_some() } else { may.any(Matcher::takes_all) };
            has.then_some(i)
        })
    }

    /// Every suite says itself which jobs it must have.
    pub fn expects_everything(&self) -> bool {
        !self.suites.is_empty() && self.suites.iter().all(|s| s.expect.is_some())
    }
}

/// Suite of jobs that no suite of the spec matches.
pub(super) const UNMATCHED: &str = "Unmatched";

/// Whether an entry of `workflows` names this workflow: its name, its path, or its file.
pub(crate) fn names_workflow(entry: &str, workflow: &str, path: &str) -> bool {
    entry == workflow || entry == path || path.rsplit('/').next() == Some(entry)
}

fn matchers(list: &[JobMatch], at: &str) -> Result<Vec<Matcher>, String> {
    list.iter()
        .enumerate()
        .map(|(i, m)| {
            if m.workflow.is_none() && m.job.is_none() {
                return Err(format!("{at}[{i}]: set workflow, job or both"));
            }
            Ok(Matcher {
                workflow: compile(m.workflow.as_deref(), &format!("{at}[{i}].workflow"))?,
                job: compile(m.job.as_deref(), &format!("{at}[{i}].job"))?,
            })
        })
        .collect()
}

fn compile(pattern: Option<&str>, at: &str) -> Result<Option<Regex>, String> {
    let Some(pattern) = pattern else { return Ok(None) };
    if pattern.is_empty() {
        return Err(format!("{at}: an empty expression matches everything; write .* if that is meant"));
    }
    RegexBuilder::new(pattern).case_insensitive(true).size_limit(MAX_REGEX_BYTES).build().map(Some).map_err(
        |e| {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or("invalid").trim().trim_start_matches("error: ").to_owned();
            format!(
                "{at}: {:?} is not a regular expression ({why}); escape ( ) [ ] . with a backslash",
                super::text::clean(pattern, 100)
            )
        },
    )
}

fn check_source(source: &GitHubSource) -> Result<(), String> {
    let at = "spec.source.github";
    let (owner, name) = source.repository.split_once('/').unwrap_or_default();
    let part = |s: &str, extra: &str| {
        !s.is_empty()
            && s.len() <= 100
            && s.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
            && s.chars().any(|c| c != '.')
    };
    if !part(owner, "-_") || !part(name, "-_.") {
        return Err(format!(
            "{at}.repository: expected owner/name, for example octo-org/hello-world, without a host or a URL; got {:?}",
            super::text::clean(&source.repository, 100)
        ));
    }
    let ways = [
        source.pull_request.is_some(),
        source.sha.is_some(),
        source.run_id.is_some(),
        source.branch.is_some(),
    ];
    if ways.iter().filter(|w| **w).count() != 1 {
        return Err(format!("{at}: set exactly one of pullRequest, sha, runId and branch"));
    }
    if let Some(sha) = &source.sha {
        let hex = sha.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if !hex || !matches!(sha.len(), 40 | 64) {
            return Err(format!(
                "{at}.sha: expected the full commit id, 40 or 64 lower-case hexadecimal digits; git rev-parse HEAD prints it; got {:?}",
                super::text::clean(sha, 70)
            ));
        }
    }
    if source.pull_request.is_some_and(|n| n < 1) {
        return Err(format!("{at}.pullRequest: expected the number of a pull request, 1 or more"));
    }
    if source.run_id.is_some_and(|n| n < 1) {
        return Err(format!("{at}.runId: expected the id of a workflow run, 1 or more"));
    }
    if let Some(branch) = &source.branch {
        let bad = branch.is_empty()
            || branch.starts_with("refs/")
            || branch.starts_with('/')
            || branch.ends_with('/')
            || branch.contains("..")
            || branch.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c));
        if bad {
            return Err(format!(
                "{at}.branch: expected a plain branch name such as main or release/1.2, without refs/heads/; got {:?}",
                super::text::clean(branch, 100)
            ));
        }
    }
    Ok(())
}

fn check_waiver(i: usize, waiver: &Waiver) -> Result<(), String> {
    if waiver.job.is_some() == waiver.test.is_some() {
        return Err(format!("spec.waivers[{i}]: a waiver names either a job or a test, exactly"));
    }
    if waiver.reason.trim().is_empty() || waiver.approver.trim().is_empty() {
        return Err(format!("spec.waivers[{i}]: a waiver needs a reason and an approver"));
    }
    if waiver.workflow.as_deref() == Some("") {
        return Err(format!("spec.waivers[{i}].workflow: name a workflow, or leave the field out"));
    }
    Ok(())
}
