//! The sections of the status that people read: source, summary, suites, failures, artifacts.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::causes::Bundles;
use super::decide::{Decision, percent};
use super::facts::{Facts, Job, Run};
use super::items::{Item, Items, Kind};
use super::local;
use super::patterns::Patterns;
use super::plan::Plan;
use super::state::State;
use super::suites::matrix;
use super::text::{clean, clean_some};
use super::{artifacts, before};
use crate::api::status::{
    FailingTest, Failure, JobCounts, JobStatus, RunStatus, SourceStatus, SuiteStatus, Summary, TestCounts,
    TestTotals,
};

/// Jobs listed in one suite.
const MAX_JOBS: usize = 200;
const MAX_RUNS: usize = 50;
const MAX_FAILURES: usize = 100;
const MAX_TESTS: usize = 50;
const MAX_LINES: usize = 60;
/// Suite of jobs that only repeat others.
const AGGREGATES: &str = "Aggregate jobs";

/// The commit and its runs.
pub(super) fn source(facts: &Facts, items: &Items<'_>, resolved_at: Time) -> SourceStatus {
    let s = &facts.source;
    let counting: Vec<&&Run> = items.runs.iter().filter(|r| !items.set_aside.contains_key(&r.id)).collect();
    let mut display = counting.iter().take(8).map(|r| r.id.to_string()).collect::<Vec<_>>().join(",");
    if counting.len() > 8 {
        display.push_str(&format!(",+{}", counting.len() - 8));
    }
    let title = s.title.as_deref().or_else(|| items.runs.last().and_then(|r| r.title.as_deref()));
    let mut source = SourceStatus {
        repository: clean(&s.repository, 140),
        repository_id: s.repository_id,
        sha: clean(&s.sha, 64),
        short_sha: s.sha.chars().take(8).collect(),
        branch: clean_some(s.branch.as_deref(), 255),
        base_branch: clean_some(s.base_branch.as_deref(), 255),
        pull_request: s.pull_request,
        title: clean_some(title, 255),
        url: clean_some(s.url.as_deref(), 512),
        resolved_at: Some(resolved_at),
        runs_display: display,
        runs_total: len(items.runs.len()),
        runs: Vec::new(),
        digest: digest(items),
    };
    // Where the list is cut, those that count come first, and of these what is not green: it is what must be
    // remembered if GitHub no longer lists it.
    let mut runs = items.runs.clone();
    let is_cut = runs.len() + items.before.gone.len() > MAX_RUNS;
    let green = |r: &Run| is_cut && r.conclusion.as_deref() == Some("success");
    runs.sort_by_key(|r| (items.set_aside.contains_key(&r.id), green(r), r.id));
    let listed = runs.into_iter().map(|r| RunStatus {
        id: r.id,
        attempt: items.before.attempts.get(&r.id).map_or(r.attempt, |seen| r.attempt.max(*seen)),
        workflow: before::told(&r.workflow),
        event: clean(&r.event, 64),
        path: Some(clean(&r.path, 255)),
        branch: r.head_branch.as_deref().map(|b| clean(b, 255)),
        repository_id: r.head_repository_id,
        result: clean(r.conclusion.as_deref().unwrap_or(&r.status), 64),
        url: clean(&r.url, 512),
        set_aside: items.set_aside.get(&r.id).map(|w| clean(w, 255)),
    });
    source.runs = items.before.gone.iter().cloned().chain(listed).take(MAX_RUNS).collect();
    source
}

/// A short digest of what the verdict was made from.
fn digest(items: &Items<'_>) -> String {
    use sha2::{Digest, Sha256};
    let mut lines: Vec<String> = items
        .items
        .iter()
        .map(|i| {
            let id = match i.kind {
                Kind::Job(_, job) => (job.id, job.attempt),
                Kind::Run(run) => (run.id, run.attempt),
                Kind::Check(check) => (check.id, 0),
                Kind::Missing => (0, 0),
            };
            format!("{} {} {} {}", id.0, id.1, i.name, i.state.as_str())
        })
        .collect();
    lines.sort();
    let hash = Sha256::digest(lines.join("\n").as_bytes());
    hash.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Counts of the whole report.
pub(super) fn summary(items: &Items<'_>, overdue: bool) -> Summary {
    let counted: Vec<&Item<'_>> = items.items.iter().filter(|i| !i.aggregate && !i.disagrees).collect();
    let of = |state: State| len(counted.iter().filter(|i| i.state == state).count());
    let (succeeded, total) = (of(State::Succeeded), len(counted.len()));
    let mut jobs = JobCounts {
        display: format!("{succeeded}/{total}"),
        total,
        succeeded,
        failed: of(State::Failed),
        cancelled: of(State::Cancelled),
        skipped: of(State::Skipped),
        neutral: of(State::Neutral),
        action_required: of(State::ActionRequired),
        running: of(State::Running),
        missing: of(State::Missing),
        unknown: of(State::Unknown),
        pass_rate: None,
    };
    jobs.pass_rate = percent(usize::try_from(succeeded).unwrap_or(0), counted.len());
    let mut tests = TestCounts::default();
    for t in items.items.iter().filter_map(tests_of) {
        add(&mut tests.counts, &t);
        tests.jobs_counted += 1;
    }
    if tests.jobs_counted > 0 {
        tests.display = format!("{}/{}", tests.counts.passed, tests.counts.total);
    }
    let red = |i: &&Item<'_>| i.required && i.red(overdue);
    let failing = items.items.iter().filter(|i| !i.aggregate && !i.disagrees).filter(red).count();
    let failing = if failing > 0 { failing } else { items.items.iter().filter(red).count() };
    Summary {
        jobs,
        tests,
        failing: len(failing),
        artifacts: 0,
        failures_total: 0,
        failing_tests_total: items
            .items
            .iter()
            .filter_map(|i| i.job()?.evidence.as_ref())
            .map(|e| e.failing_total)
            .sum(),
    }
}

/// Suites with their jobs, those of the critical path first.
pub(super) fn suites(plan: &Plan<'_>, items: &Items<'_>, overdue: bool) -> Vec<SuiteStatus> {
    let mut by_suite: BTreeMap<usize, Vec<&Item<'_>>> = BTreeMap::new();
    let mut aggregates = Vec::new();
    for item in &items.items {
        if item.aggregate || item.disagrees {
            aggregates.push(item);
        } else {
            by_suite.entry(item.suite).or_default().push(item);
        }
    }
    let mut out: Vec<SuiteStatus> = items
        .suites
        .list
        .iter()
        .enumerate()
        .filter_map(|(at, info)| {
            let list = by_suite.remove(&at).unwrap_or_default();
            // A suite of the spec is shown even when nothing matches it; one of ours is not.
            (!list.is_empty() || at < plan.suites.len()).then(|| {
                let policy = if info.required { "Required" } else { "Informational" };
                SuiteStatus {
                    critical_path: info.critical_path,
                    ..suite(plan, &info.name, policy, list, overdue)
                }
            })
        })
        .collect();
    out.sort_by_key(|s| !s.critical_path);
    if !aggregates.is_empty() {
        let mut name = AGGREGATES.to_owned();
        while out.iter().any(|s| s.name == name) {
            name.push('*');
        }
        out.push(suite(plan, &name, "Aggregate", aggregates, overdue));
    }
    out
}

fn suite(plan: &Plan<'_>, name: &str, policy: &str, mut list: Vec<&Item<'_>>, overdue: bool) -> SuiteStatus {
    let total = list.len();
    let passed = list.iter().filter(|i| i.state == State::Succeeded).count();
    let state = if list.iter().any(|i| i.red(overdue)) {
        "Failed"
    } else if list.iter().any(|i| i.state == State::Unknown) || list.is_empty() {
        "Unknown"
    } else if list.iter().any(|i| i.open(overdue)) {
        "Running"
    } else {
        "Succeeded"
    };
    let mut tests: Option<TestTotals> = None;
    for t in list.iter().filter_map(|i| tests_of(i)) {
        add(tests.get_or_insert_default(), &t);
    }
    if total > MAX_JOBS {
        list.sort_by_key(|i| i.state);
    }
    SuiteStatus {
        name: clean(name, 255),
        policy: policy.to_owned(),
        state: state.to_owned(),
        passed: len(passed),
        total: len(total),
        pass_rate: percent(passed, total),
        critical_path: false,
        tests,
        jobs: list.iter().take(MAX_JOBS).map(|i| job(plan, i)).collect(),
        jobs_omitted: len(total.saturating_sub(MAX_JOBS)),
    }
}

fn job(plan: &Plan<'_>, item: &Item<'_>) -> JobStatus {
    let (id, app, span) = match item.kind {
        Kind::Job(_, job) => (Some(job.id), None, (job.started_at, job.completed_at)),
        Kind::Check(check) => {
            let id = (check.kind == super::facts::CheckKind::CheckRun).then_some(check.id);
            (id, check.app.as_deref(), (check.at, check.completed_at))
        }
        Kind::Run(_) | Kind::Missing => (None, None, (None, None)),
    };
    let seconds = match span {
        (Some(start), Some(end)) => Some(end.duration_since(start).as_secs().max(0)),
        _ => None,
    };
    JobStatus {
        name: clean(&item.name, 255),
        display_name: display_name(plan, &item.name),
        state: item.state.as_str().to_owned(),
        detail: item.detail.clone(),
        id,
        run_id: item.run().map(|r| r.id),
        attempt: item.job().map(|j| j.attempt).filter(|a| *a > 1),
        app: clean_some(app, 100),
        seconds,
        tests: tests_of(item),
        note: clean_some(item.incomplete.as_deref().or(item.note.as_deref()), 512),
    }
}

/// Name for people where an alias gives one: for the whole name, or for its matrix value.
pub(super) fn display_name(plan: &Plan<'_>, name: &str) -> Option<String> {
    let aliases = &plan.spec.aliases;
    let alias = aliases.get(name).or_else(|| aliases.get(matrix(name)?))?;
    clean_some(Some(alias), 255)
}

/// What failed, most important first, and how many there are in all.
pub(super) fn failures(
    plan: &Plan<'_>,
    facts: &Facts,
    items: &Items<'_>,
    owners: &[Option<usize>],
    decision: &Decision,
    patterns: &Patterns,
    bundles: &Bundles,
) -> (Vec<Failure>, i64) {
    let overdue = decision.overdue;
    let shown = |i: &Item<'_>| i.red(overdue) || (i.excused && i.state == State::Failed);
    let mut red: Vec<(usize, &Item<'_>)> = items.items.iter().enumerate().filter(|(_, i)| shown(i)).collect();
    let other_red = red.iter().any(|(_, i)| !i.aggregate && !i.disagrees);
    // An aggregate that is red because others are says nothing of its own.
    red.retain(|(_, i)| !(other_red && (i.aggregate || i.disagrees)));
    red.sort_by_key(|(_, i)| {
        let critical = items.suites.list.get(i.suite).is_some_and(|s| s.critical_path);
        (!i.required, i.consequence, i.state, !critical, i.suite)
    });
    let total = len(red.len());
    let list = red
        .into_iter()
        .take(MAX_FAILURES)
        .map(|(at, item)| {
            let mut failure = failure(plan, items, item, patterns, bundles);
            failure.artifacts = artifacts::of_job(facts, owners, at);
            if item.job().is_some() && item.state == State::Failed && !item.aggregate {
                let word = artifacts::bundle_of_job(plan, facts, owners, at);
                // While jobs run, a bundle may still come.
                failure.bundle =
                    Some(word).filter(|w| decision.complete || *w != "NotCollected").map(str::to_owned);
            }
            failure
        })
        .collect();
    (list, total)
}

fn failure(
    plan: &Plan<'_>,
    items: &Items<'_>,
    item: &Item<'_>,
    patterns: &Patterns,
    bundles: &Bundles,
) -> Failure {
    let url = match item.kind {
        Kind::Job(_, job) => Some(job.url.as_str()),
        Kind::Run(run) => Some(run.url.as_str()),
        Kind::Check(check) => check.url.as_deref(),
        Kind::Missing => None,
    };
    let suite = items.suites.list.get(item.suite).map_or("", |s| s.name.as_str());
    let evidence = item.job().and_then(|j| j.evidence.as_ref());
    let mut failure = Failure {
        suite: clean(suite, 255),
        job: clean(&item.name, 255),
        display_name: display_name(plan, &item.name),
        state: item.state.as_str().to_owned(),
        job_id: item.job().map(|j| j.id),
        run_id: item.run().map(|r| r.id),
        url: clean_some(url, 512),
        step: item.job().and_then(failed_step),
        message: clean_some(item.note.as_deref().or(item.incomplete.as_deref()), 1024)
            .or_else(|| item.job().and_then(annotation)),
        tests: tests_of(item),
        local: local::compare(plan, suite, &item.name, evidence),
        consequence: item.consequence,
        ..Default::default()
    };
    if let Some(e) = evidence {
        failure.failing_tests = e.failing.iter().take(MAX_TESTS).map(test).collect();
        failure.failing_tests_total = e.failing_total;
        failure.excerpt = e
            .excerpt
            .iter()
            .take(MAX_LINES)
            .map(|l| crate::api::status::ExcerptLine { line: l.line, text: clean(&l.text, 512) })
            .collect();
        failure.causes = bundles.causes(failure.job_id.unwrap_or_default(), e, patterns);
        failure.fingerprint = clean_some(e.fingerprint.as_deref(), 64);
    }
    failure
}

fn test(test: &FailingTest) -> FailingTest {
    FailingTest {
        name: clean(&test.name, 512),
        file: clean_some(test.file.as_deref(), 512),
        line: test.line,
        message: clean_some(test.message.as_deref(), 1024),
    }
}

fn failed_step(job: &Job) -> Option<String> {
    let of = |wanted: &str| job.steps.iter().find(|s| s.conclusion.as_deref() == Some(wanted));
    of("failure")
        .or_else(|| of("timed_out"))
        .or_else(|| of("cancelled"))
        .and_then(|s| clean_some(Some(&s.name), 255))
}

/// What GitHub itself says of the end of a job; exit codes say nothing that the step does not.
fn annotation(job: &Job) -> Option<String> {
    let told = |a: &&super::facts::Annotation| {
        a.level == "failure" && !a.message.starts_with("Process completed with exit code")
    };
    job.annotations.iter().find(told).and_then(|a| clean_some(Some(&a.message), 1024))
}

fn tests_of(item: &Item<'_>) -> Option<TestTotals> {
    item.job()?.evidence.as_ref()?.tests
}

fn add(sum: &mut TestTotals, t: &TestTotals) {
    sum.total = sum.total.saturating_add(t.total);
    sum.passed = sum.passed.saturating_add(t.passed);
    sum.failed = sum.failed.saturating_add(t.failed);
    sum.errored = sum.errored.saturating_add(t.errored);
    sum.skipped = sum.skipped.saturating_add(t.skipped);
    sum.pending = sum.pending.saturating_add(t.pending);
    sum.flaked = sum.flaked.saturating_add(t.flaked);
}

pub(super) fn len(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
