//! Writes: check runs, statuses, comments, re-runs, and who may do them.

use serde_json::json;

use super::client::{Answer, Ask, clean, get, send};
use super::{RunSpec, secs, sha_of, start};
use crate::github::{GitHub, OPERATOR_APP};

const REPO: &str = "/repos/acme/shop";

fn post(gh: &GitHub, path: &str) -> Answer {
    Ask::new("POST", format!("{}{REPO}{path}", gh.url())).send().unwrap()
}

#[test]
fn a_check_run_is_created_then_completed_by_its_app_only() {
    let gh = start();
    let created = send(
        &gh,
        "POST",
        &format!("{REPO}/check-runs"),
        json!({
            "name": "gate", "head_sha": sha_of("head"), "status": "in_progress", "external_id": "r1",
        }),
    );
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_u64().unwrap();
    let done = send(
        &gh,
        "PATCH",
        &format!("{REPO}/check-runs/{id}"),
        json!({
            "status": "completed", "conclusion": "failure",
            "output": { "title": "18/22", "summary": "four suites failed",
                "annotations": [{ "path": "a.go", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "no" }] },
        }),
    );
    assert_eq!((done.status, done.json()["conclusion"].as_str()), (200, Some("failure")));
    assert_eq!(done.json()["output"]["annotations_count"], 1);
    let listed = get(
        &gh,
        &format!("{REPO}/commits/{}/check-runs?check_name=gate&app_id={OPERATOR_APP}", sha_of("head")),
    );
    assert_eq!(listed.json()["total_count"], 1);
    gh.update(|s| s.add_user_token("ghp_person"));
    let person = Ask::new("POST", format!("{}{REPO}/check-runs", gh.url())).token(Some("ghp_person"));
    let refused = person.body(json!({ "name": "gate", "head_sha": sha_of("head") })).send().unwrap();
    assert_eq!(refused.status, 403, "only an App makes check runs");
    // Somebody else's: a job of Actions, and another app's check run.
    let other = gh.read(|s| s.repos[0].check_runs[0].id);
    for id in [501, other] {
        let answer = send(&gh, "PATCH", &format!("{REPO}/check-runs/{id}"), json!({ "name": "mine" }));
        assert_eq!(answer.status, 403, "{id}");
    }
    clean(&gh);
}

#[test]
fn rules_that_no_schema_states_are_kept() {
    let gh = start();
    let head = sha_of("head");
    let cases = [
        ("check-runs", json!({ "name": "gate", "head_sha": sha_of("nowhere") })),
        ("check-runs", json!({ "name": "gate", "head_sha": head, "conclusion": "stale" })),
        ("issues/20/comments", json!({ "body": "x".repeat(65_537) })),
        ("issues/20/comments", json!({ "body": "  " })),
    ];
    for (path, body) in cases {
        assert_eq!(
            send(&gh, "POST", &format!("{REPO}/{path}"), body.clone()).status,
            422,
            "{path} {:.80}",
            body.to_string()
        );
    }
    let path = format!("{REPO}/statuses/{}", sha_of("nowhere"));
    assert_eq!(send(&gh, "POST", &path, json!({ "state": "success" })).status, 422);
    clean(&gh);
}

#[test]
fn what_a_check_run_may_not_hold_is_refused_and_the_schema_is_named() {
    let head = sha_of("head");
    let one =
        json!({ "path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m" });
    let many = vec![one; 51];
    let cases = [
        (json!({ "name": "gate", "head_sha": head, "status": "completed" }), ""),
        (
            json!({ "name": "gate", "head_sha": head, "output": { "title": "t", "summary": "x".repeat(65_536) } }),
            "/output/summary",
        ),
        (
            json!({ "name": "gate", "head_sha": head, "output": { "title": "t", "summary": "s", "annotations": many } }),
            "/output/annotations",
        ),
    ];
    for (body, part) in cases {
        let gh = start();
        assert_eq!(send(&gh, "POST", &format!("{REPO}/check-runs"), body).status, 422, "{part}");
        let found = gh.violations();
        assert!(part.is_empty() || found.iter().any(|text| text.contains(part)), "{part}: {found:?}");
    }
}

#[test]
fn a_status_shows_in_the_combined_status_and_the_newest_of_a_context_counts() {
    let gh = start();
    let head = sha_of("head");
    let path = format!("{REPO}/statuses/{head}");
    for state in ["pending", "failure"] {
        assert_eq!(
            send(&gh, "POST", &path, json!({ "state": state, "context": "gate", "description": "d" })).status,
            201
        );
    }
    let combined = get(&gh, &format!("{REPO}/commits/{head}/status")).json();
    assert_eq!((combined["state"].as_str(), combined["total_count"].as_u64()), (Some("failure"), Some(2)));
    assert_eq!(get(&gh, &format!("{REPO}/commits/{head}/statuses")).json().as_array().unwrap().len(), 3);
    clean(&gh);
}

#[test]
fn a_comment_is_written_once_and_changed_by_its_author() {
    let gh = start();
    let created =
        send(&gh, "POST", &format!("{REPO}/issues/20/comments"), json!({ "body": "<!-- gate --> red" }));
    assert_eq!(
        (created.status, created.json()["user"]["login"].as_str()),
        (201, Some("testrun-operator[bot]"))
    );
    let path = format!("{REPO}/issues/comments/{}", created.json()["id"]);
    assert_eq!(send(&gh, "PATCH", &path, json!({ "body": "green" })).json()["body"], "green");
    let foreign = gh.read(|s| s.repos[0].comments[0].id);
    assert_eq!(
        send(&gh, "PATCH", &format!("{REPO}/issues/comments/{foreign}"), json!({ "body": "x" })).status,
        403
    );
    assert_eq!(Ask::new("DELETE", format!("{}{path}", gh.url())).send().unwrap().status, 204);
    assert_eq!(get(&gh, &path).status, 404);
    gh.update(|s| s.repo("acme/shop").data().locked_issues.push(20));
    assert_eq!(
        send(&gh, "POST", &format!("{REPO}/issues/20/comments"), json!({ "body": "late" })).status,
        403
    );
    clean(&gh);
}

#[test]
fn a_re_run_makes_a_new_attempt_with_new_ids_for_failed_jobs_only() {
    let gh = start();
    assert_eq!(post(&gh, "/actions/runs/77/rerun-failed-jobs").status, 403, "it still runs");
    gh.update(|s| {
        s.job(502).complete("failure");
        s.run(77).settle();
    });
    gh.advance(secs(9));
    assert_eq!(post(&gh, "/actions/runs/77/rerun-failed-jobs").status, 201);
    let run = get(&gh, &format!("{REPO}/actions/runs/77")).json();
    assert_eq!((run["run_attempt"].as_u64(), run["conclusion"].as_str()), (Some(2), None));
    assert!(run["previous_attempt_url"].as_str().unwrap().ends_with("/runs/77/attempts/1"));
    let ids = |path: &str| -> Vec<(u64, u64)> {
        let body = get(&gh, &format!("{REPO}{path}")).json();
        let jobs = body["jobs"].as_array().unwrap().clone();
        jobs.iter().map(|job| (job["id"].as_u64().unwrap(), job["run_attempt"].as_u64().unwrap())).collect()
    };
    let latest = ids("/actions/runs/77/jobs");
    assert_eq!(latest.len(), 2);
    assert!(latest.contains(&(501, 1)) && latest.iter().any(|(id, attempt)| *id != 502 && *attempt == 2));
    assert_eq!(ids("/actions/runs/77/jobs?filter=all").len(), 3);
    assert_eq!(ids("/actions/runs/77/attempts/1/jobs"), [(501, 1), (502, 1)]);
    assert_eq!(ids("/actions/runs/77/attempts/2/jobs").len(), 1);
    let created =
        |path: &str| get(&gh, &format!("{REPO}/actions/runs/77{path}")).json()["created_at"].clone();
    assert_eq!(
        (created(""), created("/attempts/1")),
        ("2026-01-23T16:00:00Z".into(), "2026-01-23T16:00:00Z".into())
    );
    assert_eq!(created("/attempts/2"), "2026-01-23T16:00:09Z", "that of the attempt");
    gh.update(|s| s.latest_omits_old_jobs = true);
    assert_eq!(ids("/actions/runs/77/jobs").len(), 1);
    clean(&gh);
}

#[test]
fn a_re_run_can_be_refused_and_a_run_can_be_cancelled() {
    let gh = start();
    assert_eq!(post(&gh, "/actions/runs/77/cancel").status, 202);
    assert_eq!(get(&gh, &format!("{REPO}/actions/runs/77")).json()["conclusion"], "cancelled");
    assert_eq!(post(&gh, "/actions/runs/77/cancel").status, 409);
    gh.update(|s| s.refuse_reruns = true);
    assert_eq!(post(&gh, "/actions/runs/77/rerun").status, 403);
    gh.update(|s| s.refuse_reruns = false);
    assert_eq!(post(&gh, "/actions/jobs/502/rerun").status, 201);
    clean(&gh);
}

#[test]
fn a_deployment_waits_until_the_app_has_answered() {
    let gh = start();
    gh.update(|s| {
        s.job(502).complete("success");
        for (run, person) in [(81, false), (82, true)] {
            s.repo("acme/shop").add_run(RunSpec::new(run).pull_request(20).job((run + 500, "deploy")));
            s.job(run + 500).wait_for("production", person);
        }
    });
    let run = |id: u64| {
        get(&gh, &format!("{REPO}/actions/runs/{id}")).json()["status"].as_str().unwrap().to_owned()
    };
    let pending = |id: u64| {
        let all = get(&gh, &format!("{REPO}/actions/runs/{id}/pending_deployments")).json();
        all.as_array().unwrap().iter().map(|p| p["environment"]["name"].to_string()).collect::<Vec<_>>()
    };
    let answer = |id: u64, environment: &str, state: &str| {
        let body = json!({ "environment_name": environment, "state": state, "comment": "c" });
        send(&gh, "POST", &format!("{REPO}/actions/runs/{id}/deployment_protection_rule"), body).status
    };
    assert_eq!((run(81).as_str(), pending(81).len(), pending(77).len()), ("waiting", 1, 0));
    assert_eq!(answer(81, "staging", "approved"), 422);
    assert_eq!(answer(81, "Production", "approved"), 204);
    assert_eq!((run(81).as_str(), pending(81).len()), ("in_progress", 0));
    assert_eq!(answer(81, "production", "approved"), 422, "nothing waits any more");
    assert_eq!(answer(82, "production", "approved"), 204);
    assert_eq!((run(82).as_str(), pending(82).len()), ("waiting", 1), "a person is asked too");
    assert_eq!(answer(82, "production", "rejected"), 422, "the App has answered");
    gh.update(|s| s.add_user_token("ghp_person"));
    let path = format!("{}{REPO}/actions/runs/82/deployment_protection_rule", gh.url());
    let body = json!({ "environment_name": "production", "state": "approved" });
    assert_eq!(Ask::new("POST", path).token(Some("ghp_person")).body(body).send().unwrap().status, 403);
    clean(&gh);
}
