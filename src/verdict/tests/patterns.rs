//! Failures over jobs, attempts and commits.

use super::*;
use crate::api::status::{Failure, Pattern};
use crate::evidence::job::of_job;

/// A failing suite of Ginkgo in a run of its own: other times, ids and noise in each.
fn log(run: u64, passed: u64, spec: &str, place: &str, before: &str, says: &[&str]) -> String {
    let at = |ms: u64| {
        format!("2026-01-{:02}T{:02}:04:{:02}.{:03}0000Z", 20 + run % 10, run % 24, ms / 1000 % 60, ms % 1000)
    };
    let mut out = format!("{} Running Suite: Integration - /src\n", at(1));
    for n in 0..60 + run % 7 {
        out += &format!(
            "{} INFO reconciled object=rr-p{}-{:08x}-{:04} took={}ms\n",
            at(10 * n),
            n % 4,
            (n + run) * 7919,
            n,
            (n * run) % 90
        );
    }
    out += &format!("{} {before}\n", at(800));
    let said: String = says.iter().map(|line| format!("{}   {line}\n", at(1300))).collect();
    out += &format!(
        "{0} \u{2022} [FAILED] [{1}.036 seconds]\n{0} Suite [It] {spec}\n{0} /src/{place}\n{0}\n{0}   [FAILED] {2}",
        at(1300),
        run % 60,
        said.trim_start_matches(|c| c != ' ').trim_start()
    );
    out += &format!(
        "{0}   In [It] at: /src/{place} @ 01/23/26 16:34:51.{1:03}\n{0} ------------------------------\n{0} Summarizing 1 Failure:\n{0}   [FAIL] Suite [It] {spec}\n{0}   /src/{place}\n{0}\n{0} Ran {2} of {2} Specs in 42.{1:03} seconds\n{0} FAIL! -- {passed} Passed | 1 Failed | 0 Pending | 0 Skipped\n{0} ##[error]Process completed with exit code 1.\n",
        at(1400),
        run % 1000,
        passed + 1
    );
    out
}

/// The four suites that failed, each by another cause, as one commit's run shows them.
fn suites(run: u64) -> [(&'static str, String); 4] {
    let id = format!("rr-p3-{:08x}-{:04}", run * 104_729, run % 1000);
    let blocked = format!(
        "INFO Routing blocked, will not create {{\"rr\": \"{id}\", \"reason\": \"DuplicateInProgress\"}}"
    );
    let missing = format!("signalprocessings.example.test \"sp-{id}\" not found");
    let took = format!("Timed out after 60.{:03}s.", run % 100);
    [
        (
            "datastorage",
            log(
                run,
                109,
                "should verify the hash chain",
                "audit_test.go:213",
                "INFO stored 5 events",
                &[
                    "All events should have a valid hash", "Expected", "    <int>: 0", "to equal",
                    "    <int>: 5",
                ],
            ),
        ),
        (
            "notification",
            log(
                run,
                116,
                "should deliver once",
                "partial_test.go:192",
                "INFO delivered channel=console attempt=1",
                &[
                    "one delivery for each channel",
                    "Expected",
                    &format!("    <int>: {}", 3 + run % 2),
                    "to equal",
                    "    <int>: 2",
                ],
            ),
        ),
        (
            "remediation",
            log(
                run,
                58,
                "[RO-INT-SEV-004] normalises",
                "severity_test.go:330",
                &blocked,
                &[&took, "Expected success, but got an error:", &missing],
            ),
        ),
        (
            "workflow",
            log(
                run,
                73,
                "should find workflow.completed",
                "audit_test.go:227",
                "INFO audit query answered returned=50 total=212 limit=50",
                &[&took, "the event must be found", "Expected", "    <bool>: false", "to be true"],
            ),
        ),
    ]
}

fn commit(run: u64, sha: &str) -> Facts {
    let jobs = suites(run).into_iter().enumerate().map(|(n, (name, log))| Job {
        evidence: Some(of_job(name, log.as_bytes(), None, None)),
        ..job(run as i64 * 10 + n as i64, &format!("integration ({name})"), "failure")
    });
    let mut run = run_of(run as i64, jobs.collect());
    run.head_sha = sha.into();
    let mut facts = facts(vec![run]);
    facts.source.sha = sha.into();
    facts
}

fn run_of(id: i64, jobs: Vec<Job>) -> Run {
    super::run(id, jobs)
}

/// The report that follows a pull request over its commits.
fn follow(commits: &[Facts]) -> TestRunReportStatus {
    let mut s = spec();
    s.source.github.sha = None;
    s.source.github.pull_request = Some(20);
    let mut status: Option<TestRunReportStatus> = None;
    for facts in commits {
        // The first look at another commit only tells that it moved.
        for _ in 0..3 {
            let context = Context {
                waivers: Default::default(),
                generation: 1,
                name: Some("pr-20"),
                namespace: Some("ci"),
                previous: status.as_ref(),
                now: facts.read_at,
                moved: false,
            };
            status = Some(evaluate(&s, &Observations::Facts(Box::new(facts.clone())), &context).status);
        }
    }
    status.unwrap()
}

fn sha(n: u8) -> String {
    format!("{n:02x}").repeat(20)
}

fn failure<'s>(status: &'s TestRunReportStatus, name: &str) -> &'s Failure {
    status.failures.iter().find(|f| f.job == format!("integration ({name})")).unwrap()
}

fn pattern<'s>(status: &'s TestRunReportStatus, name: &str) -> Option<&'s Pattern> {
    let print = failure(status, name).fingerprint.as_deref();
    status.patterns.iter().find(|p| Some(p.fingerprint.as_str()) == print)
}

#[test]
fn four_failures_that_were_all_called_timing() {
    let commits: Vec<Facts> = [21, 22, 23].iter().zip(1..).map(|(run, n)| commit(*run, &sha(n))).collect();
    for seen in 1..=3 {
        let status = follow(&commits[..seen]);
        assert_eq!(status.failures.len(), 4);
        for failure in &status.failures {
            let timing = failure.causes.iter().find(|c| c.kind == "Timeout").map_or(0, |c| c.probability);
            assert!(timing < 50, "{}: {timing} %", failure.job);
            assert_ne!(failure.causes[0].kind, "Timeout", "{}: {:?}", failure.job, failure.causes);
        }
        let told = |line: &str| failure(&status, "remediation").excerpt.iter().any(|l| l.text.contains(line));
        assert!(told("DuplicateInProgress"), "the deciding line is shown");
        assert_eq!(failure(&status, "remediation").causes[0].kind, "TestIsolation");
        assert_eq!(failure(&status, "datastorage").causes[0].kind, "Assertion");

        let kind = pattern(&status, "datastorage").map(|p| p.kind.as_str());
        let want = [None, Some("Recurring"), Some("Deterministic")][seen - 1];
        assert_eq!(kind, want, "the hash chain after {seen} commits: {:?}", status.patterns);
        let other = pattern(&status, "notification").map(|p| p.kind.as_str());
        assert_ne!(other, Some("Deterministic"), "its values differ from run to run");
        let why = &status.assessment.as_ref().unwrap().rationale;
        let deterministic = why.iter().any(|w| {
            w.contains("integration (datastorage): the same failure with the same values on 3 commits")
        });
        assert_eq!(deterministic, seen == 3, "{why:?}");
    }
    let status = follow(&commits);
    let known = pattern(&status, "datastorage").unwrap();
    assert_eq!((known.commits_total, known.commits.len(), known.executions), (3, 3, 1));
}

#[test]
fn the_fourth_look_at_a_commit_is_no_fourth_commit() {
    let same = commit(21, &sha(1));
    let status = follow(&[same.clone(), same.clone(), same]);
    assert!(pattern(&status, "datastorage").is_none(), "{:?}", status.patterns);
}

#[test]
fn a_pass_between_begins_the_row_anew_and_a_job_that_did_not_run_does_not() {
    let mut green = commit(22, &sha(2));
    for job in &mut green.runs[0].jobs {
        (job.conclusion, job.evidence) = (Some("success".into()), None);
    }
    green.runs[0].conclusion = Some("success".into());
    let status = follow(&[commit(21, &sha(1)), green.clone(), commit(23, &sha(3))]);
    assert!(pattern(&status, "datastorage").is_none(), "{:?}", status.patterns);
    for job in &mut green.runs[0].jobs {
        job.conclusion = Some("skipped".into());
    }
    let status = follow(&[commit(21, &sha(1)), green, commit(23, &sha(3))]);
    assert_eq!(pattern(&status, "datastorage").unwrap().kind, "Recurring");
}

#[test]
fn flaky_needs_a_pass_on_the_same_commit() {
    let mut facts = commit(21, &sha(1));
    let run = &mut facts.runs[0];
    run.attempt = 2;
    let mut again = run.jobs[0].clone();
    (again.id, again.attempt, again.evidence) = (999, 2, None);
    again.conclusion = Some("success".into());
    run.jobs.push(again);
    run.jobs_total += 1;
    let status = follow(&[facts]);
    let flaky: Vec<&str> = status.patterns.iter().map(|p| p.kind.as_str()).collect();
    assert_eq!(flaky, ["Flaky"]);
    assert!(!status.failure_history.iter().any(|s| s.fingerprint == status.patterns[0].fingerprint));
}

#[test]
fn what_other_reports_saw_is_told_and_makes_nothing_deterministic() {
    let mut facts = commit(21, &sha(1));
    let print = facts.runs[0].jobs[0].evidence.as_ref().unwrap().fingerprint.clone().unwrap();
    facts.sightings = (0..9)
        .map(|n| Sighting {
            fingerprint: print.clone(),
            told: format!("{n} (pull request {n})\u{1b}[31m, x"),
        })
        .collect();
    let status = follow(&[facts]);
    let found = pattern(&status, "datastorage").unwrap();
    assert_eq!((found.kind.as_str(), found.elsewhere.len()), ("Shared", 5));
    assert!(!found.elsewhere[0].contains('\u{1b}'));
}
