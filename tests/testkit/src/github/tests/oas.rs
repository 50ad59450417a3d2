//! The judge itself: it must accept what the real service sent and reject what it would not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::client::{Ask, get, send};
use super::{sha_of, start};
use crate::github::oas::{Edition, Spec};

fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var_os("TESTRUN_CORPUS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let found = root.join("github");
    if !found.is_dir() {
        println!("skipped: corpus absent");
        return None;
    }
    Some(found)
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn recorded_responses_fit_the_description() {
    let Some(corpus) = corpus() else { return };
    let repo = "/repos/{owner}/{repo}";
    let cases = [
        ("rest_check_runs_for_ref.json", format!("GET {repo}/commits/{{ref}}/check-runs")),
        ("rest_job_2025.json", format!("GET {repo}/actions/jobs/{{job_id}}")),
        ("rest_list_jobs_2023.json", format!("GET {repo}/actions/runs/{{run_id}}/jobs")),
        ("rest_list_jobs_matrix.json", format!("GET {repo}/actions/runs/{{run_id}}/jobs")),
        ("rest_list_repo_artifacts.json", format!("GET {repo}/actions/artifacts")),
        ("rest_list_run_artifacts.json", format!("GET {repo}/actions/runs/{{run_id}}/artifacts")),
        ("rest_list_runs_head_sha.json", format!("GET {repo}/actions/runs")),
        ("rest_repo_installation.json", format!("GET {repo}/installation")),
        (
            "rest_run_attempt_2.json",
            format!("GET {repo}/actions/runs/{{run_id}}/attempts/{{attempt_number}}"),
        ),
        ("rest_run_latest_attempt.json", format!("GET {repo}/actions/runs/{{run_id}}")),
    ];
    let spec = Spec::load(Edition::DotCom).unwrap();
    for (file, key) in cases {
        let found = spec.check_recorded(&key, 200, &read(corpus.join(file)));
        assert!(found.is_empty(), "{file}: {found:#?}");
    }
    let token = read(corpus.join("wire_access_token_201.json"));
    let key = "POST /app/installations/{installation_id}/access_tokens";
    assert_eq!(spec.check_recorded(key, 201, &token["body"]), Vec::<String>::new());
    let rerun = read(corpus.join("wire_rerun_failed_201.json"));
    let key = format!("POST {repo}/actions/runs/{{run_id}}/rerun-failed-jobs");
    assert_eq!(spec.check_recorded(&key, 201, &rerun["body"]), Vec::<String>::new());
}

#[test]
fn recorded_webhooks_fit_the_description() {
    let Some(corpus) = corpus() else { return };
    let spec = Spec::load(Edition::Webhooks).unwrap();
    // Where the real service and the description differ: an empty homepage, a field added later.
    let known = ["/repository/homepage: \"\" is not", "/commit/commit/verification: \"verified_at\""];
    let cases = [
        ("hook_check_run_completed_failure.json", "check-run-completed"),
        ("hook_merge_group_checks_requested.json", "merge-group-checks-requested"),
        ("hook_status.json", "status"),
        ("hook_workflow_job_completed_failure.json", "workflow-job-completed"),
        ("hook_workflow_job_in_progress.json", "workflow-job-in-progress"),
        ("hook_workflow_job_waiting.json", "workflow-job-waiting"),
        ("hook_workflow_run_completed_success.json", "workflow-run-completed"),
    ];
    for (file, name) in cases {
        let mut found = spec.check_webhook(name, &read(corpus.join(file)));
        found.retain(|text| !known.iter().any(|start| text.starts_with(start)));
        assert!(found.is_empty(), "{file}: {found:#?}");
    }
}

#[test]
fn both_editions_describe_every_listed_operation() {
    let list = include_str!("../../../openapi/operations.txt");
    let listed = list.lines().filter(|line| !line.starts_with('#')).count();
    for edition in [Edition::DotCom, Edition::Ghes] {
        assert_eq!(Spec::load(edition).unwrap().operations().len(), listed, "{edition:?}");
    }
}

#[test]
fn a_request_that_github_does_not_describe_is_a_violation() {
    let head = sha_of("head");
    let cases = [
        ("/repos/acme/shop/actions/run".to_owned(), "this path is not described"),
        ("/repos/acme/shop/actions/runs?headsha=x".to_owned(), "query parameter 'headsha' is not declared"),
        ("/repos/acme/shop/actions/runs?head_sha=".to_owned(), "query parameter 'head_sha' is empty"),
        ("/repos/acme/shop/actions/runs?per_page=500".to_owned(), "100 is the most"),
        ("/repos/acme/shop/actions/runs?status=done".to_owned(), "does not allow 'done'"),
        ("/repos/acme/shop/actions/runs?page=two".to_owned(), "must be of type integer"),
        ("/repos/acme/shop/actions/runs/abc".to_owned(), "must be of type integer"),
        (format!("/repos/acme/shop/commits/{head}/check-runs?filter=newest"), "does not allow 'newest'"),
    ];
    for (path, wanted) in cases {
        let gh = start();
        get(&gh, &path);
        let found = gh.violations();
        assert!(found.len() == 1 && found[0].contains(wanted), "{path}: {found:?}");
    }
}

#[test]
fn a_body_that_github_does_not_describe_is_a_violation() {
    let head = sha_of("head");
    let path = "/repos/acme/shop/check-runs";
    let cases = [
        (path, json!({ "name": "gate" }), "head_sha"),
        (
            path,
            json!({ "name": "gate", "head_sha": head, "state": "success" }),
            "/state: this field is not declared",
        ),
        (path, json!({ "name": "gate", "head_sha": head, "conclusion": "green" }), "conclusion"),
        (
            path,
            json!({ "name": "gate", "head_sha": head, "output": { "title": "t", "summary": "s", "txt": "x" } }),
            "/output/txt: this field is not declared",
        ),
        ("/repos/acme/shop/issues/20/comments", json!({}), "body"),
    ];
    for (path, body, wanted) in cases {
        let gh = start();
        send(&gh, "POST", path, body);
        let found = gh.violations();
        assert!(!found.is_empty() && found.iter().any(|text| text.contains(wanted)), "{wanted}: {found:?}");
    }
    let gh = start();
    Ask::new("DELETE", format!("{}/repos/acme/shop", gh.url())).send().unwrap();
    assert!(gh.violations()[0].contains("this method is not described"), "{:?}", gh.violations());
}

#[test]
fn a_response_that_does_not_fit_is_a_violation() {
    let gh = start();
    // A status that the description does not know, as a script's slip of the pen.
    gh.update(|s| {
        s.job(502).raw("finished", None);
    });
    get(&gh, "/repos/acme/shop/actions/jobs/502");
    let found = gh.violations();
    assert!(
        found.iter().any(|text| text.starts_with("answer to GET") && text.contains("/status")),
        "{found:?}"
    );
}

#[test]
fn broken_payloads_are_told_apart_from_good_ones() {
    let spec = Spec::load(Edition::DotCom).unwrap();
    let gh = start();
    let good = get(&gh, "/repos/acme/shop/actions/runs/77").json();
    let key = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";
    let (run, _) = spec.route("GET", "/repos/acme/shop/actions/runs/77").unwrap();
    assert_eq!(spec.check_recorded(key, 200, &good), Vec::<String>::new());
    type Change = Box<dyn Fn(&mut Value)>;
    let broken: BTreeMap<&str, Change> = BTreeMap::from([
        (
            "a required field is missing",
            Box::new(|body: &mut Value| drop(body.as_object_mut().unwrap().remove("head_sha"))) as Change,
        ),
        ("a number is text", Box::new(|body: &mut Value| body["id"] = json!("77"))),
        ("a time is not a time", Box::new(|body: &mut Value| body["created_at"] = json!("yesterday"))),
        ("a null that is not allowed", Box::new(|body: &mut Value| body["event"] = Value::Null)),
        ("an unknown field", Box::new(|body: &mut Value| body["surprise"] = json!(1))),
        ("an unknown nested field", Box::new(|body: &mut Value| body["actor"]["surprise"] = json!(1))),
    ]);
    for (what, change) in broken {
        let mut body = good.clone();
        change(&mut body);
        assert!(!spec.check_response(run, 200, Some(&body)).is_empty(), "{what}");
    }
    let mut nulls = good;
    nulls["conclusion"] = Value::Null;
    nulls["head_branch"] = Value::Null;
    assert_eq!(spec.check_response(run, 200, Some(&nulls)), Vec::<String>::new());
}

#[test]
fn a_broken_webhook_is_told_apart_from_a_good_one() {
    let spec = Spec::load(Edition::Webhooks).unwrap();
    assert_eq!(spec.check_webhook("nothing", &json!({})), ["webhook nothing is not described"]);
    assert!(!spec.check_webhook("workflow-run-completed", &json!({ "action": "completed" })).is_empty());
}
