//! The scenario of pull request 20: what it shows at each of its points.

use serde_json::Value;

use super::client::{Ask, clean, get};
use crate::github::scenarios::pr20::{self, CI_RUN, MUST_GATHER_RUN, pull_request_20};
use crate::github::{GitHub, Scenario};

const REPO: &str = "/repos/jordigilh/kubernaut";

fn list(gh: &GitHub, path: &str, name: &str) -> Vec<Value> {
    get(gh, &format!("{REPO}{path}")).json()[name].as_array().unwrap().clone()
}

fn count(jobs: &[Value], conclusion: Option<&str>) -> usize {
    jobs.iter().filter(|job| job["conclusion"].as_str() == conclusion).count()
}

fn all_jobs(gh: &GitHub) -> Vec<Value> {
    let mut jobs = list(gh, &format!("/actions/runs/{CI_RUN}/jobs?per_page=100"), "jobs");
    jobs.extend(list(gh, &format!("/actions/runs/{MUST_GATHER_RUN}/jobs?per_page=100"), "jobs"));
    jobs
}

#[test]
fn it_begins_with_two_queued_runs_on_one_commit() {
    let gh = GitHub::start(pull_request_20());
    let runs = list(&gh, &format!("/actions/runs?head_sha={}&per_page=100", pr20::SHA), "workflow_runs");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["status"] == "queued" && run["pull_requests"][0]["number"] == 20));
    clean(&gh);
}

#[test]
fn it_stays_undecided_with_four_red_suites_and_one_running() {
    let gh = GitHub::start(pull_request_20());
    gh.advance(pr20::UNDECIDED);
    let jobs = all_jobs(&gh);
    // 22 jobs and the aggregate of the run that is over.
    assert_eq!(jobs.len(), 23);
    assert_eq!(
        (count(&jobs, Some("success")), count(&jobs, Some("failure")), count(&jobs, None)),
        (18, 4, 1)
    );
    let artifacts = list(&gh, &format!("/actions/runs/{CI_RUN}/artifacts"), "artifacts");
    let sizes: Vec<u64> =
        artifacts.iter().map(|artifact| artifact["size_in_bytes"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [7_680, 14_950, 17_920, 18_739]);
    let run = get(&gh, &format!("{REPO}/actions/runs/{CI_RUN}")).json();
    assert_eq!((run["status"].as_str(), run["conclusion"].as_str()), (Some("in_progress"), None));
    let lint = jobs.iter().find(|job| job["name"] == "Build & Lint (Go Services)").unwrap();
    assert!(lint["steps"].as_array().unwrap().iter().all(|step| step["conclusion"] == "success"));
    let annotations = get(&gh, &format!("{REPO}/check-runs/{}/annotations", lint["id"])).json();
    assert_eq!(annotations.as_array().unwrap().len(), 10);
    assert!(annotations.as_array().unwrap().iter().all(|one| one["annotation_level"] == "failure"));
    clean(&gh);
}

#[test]
fn its_logs_say_what_is_known_of_the_four_failures() {
    let gh = GitHub::start(pull_request_20());
    gh.advance(pr20::UNDECIDED);
    let cases = [
        (61_292_937_430_u64, "109 Passed", "audit_export_integration_test.go:213", "Ran 110 of 110 Specs"),
        (61_292_937_384, "116 Passed", "controller_partial_failure_test.go:192", "Ran 117 of 117 Specs"),
        (
            61_292_937_383, "58 Passed", "severity_normalization_integration_test.go:330",
            "DuplicateInProgress",
        ),
        (61_292_937_431, "73 Passed", "audit_comprehensive_test.go:227", "returned=50 total=212"),
        (61_292_937_101, "194 issues", "pkg/audit/store.go:118", "non-blocking"),
    ];
    for (job, counts, place, detail) in cases {
        let answer = get(&gh, &format!("{REPO}/actions/jobs/{job}/logs"));
        assert_eq!(answer.status, 302, "{job}");
        let to = answer.header("location").unwrap().to_owned();
        let log = Ask::new("GET", to).token(None).send().unwrap();
        let text = String::from_utf8(log.body).unwrap();
        assert!(text.starts_with("\u{feff}2026-01-23T16:"), "{text}");
        assert!(text.contains(counts) && text.contains(place) && text.contains(detail), "{text}");
    }
    clean(&gh);
}

#[test]
fn concluded_it_is_red_with_a_red_summary() {
    let gh = GitHub::start(pull_request_20().concluded());
    gh.advance(pr20::CONCLUDED);
    let jobs = all_jobs(&gh);
    assert_eq!((jobs.len(), count(&jobs, Some("failure"))), (24, 6));
    assert_eq!(get(&gh, &format!("{REPO}/actions/runs/{CI_RUN}")).json()["conclusion"], "failure");
    clean(&gh);
}

fn assert_green(gh: &GitHub) {
    let jobs = all_jobs(gh);
    assert_eq!((jobs.len(), count(&jobs, Some("success"))), (24, 24));
    let again: Vec<&Value> = jobs.iter().filter(|job| job["run_attempt"] == 2).collect();
    assert_eq!(again.len(), 6, "five suites and the summary ran again");
    let run = get(gh, &format!("{REPO}/actions/runs/{CI_RUN}")).json();
    assert_eq!((run["run_attempt"].as_u64(), run["conclusion"].as_str()), (Some(2), Some("success")));
    let all = list(gh, &format!("/actions/runs/{CI_RUN}/jobs?filter=all&per_page=100"), "jobs");
    assert_eq!(all.len(), 21 + 6);
    let first = get(gh, &format!("{REPO}/actions/runs/{CI_RUN}/attempts/1")).json();
    assert_eq!(first["conclusion"], "failure");
    clean(gh);
}

#[test]
fn a_re_run_by_a_person_makes_it_green() {
    let gh = GitHub::start(pull_request_20().rerun_green());
    gh.advance(pr20::GREEN);
    assert_green(&gh);
}

#[test]
fn a_re_run_by_the_api_makes_it_green() {
    let gh = GitHub::start(pull_request_20().concluded().green_on_rerun());
    gh.advance(pr20::CONCLUDED);
    let url = format!("{}{REPO}/actions/runs/{CI_RUN}/rerun-failed-jobs", gh.url());
    assert_eq!(Ask::new("POST", url).send().unwrap().status, 201);
    let run = get(&gh, &format!("{REPO}/actions/runs/{CI_RUN}")).json();
    assert_eq!((run["status"].as_str(), run["conclusion"].as_str()), (Some("queued"), None));
    gh.advance(pr20::RERUN_TAKES);
    assert_green(&gh);
}

#[test]
fn the_base_branch_has_green_runs_of_the_same_jobs() {
    let gh = GitHub::start(Scenario::from(pull_request_20()));
    let runs = list(&gh, "/actions/runs?branch=main&event=push&status=success", "workflow_runs");
    assert_eq!(runs.len(), 2);
    let jobs = list(&gh, &format!("/actions/runs/{}/jobs?per_page=100", pr20::MAIN_CI_RUN), "jobs");
    assert_eq!((jobs.len(), count(&jobs, Some("success"))), (21, 21));
    clean(&gh);
}
