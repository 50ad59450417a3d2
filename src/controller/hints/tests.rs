//! Hints of events, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::webhooks::read;

const SHA: &str = "99361f9f642d952e7c28134197ccb0326fc6f1a6";

/// A report that has passed on a commit.
fn report(source: serde_json::Value) -> TestRunReport {
    let github = json!({"repository": "acme/shop", "connection": "github.com"});
    let mut report: TestRunReport = serde_json::from_value(json!({
        "apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": "a", "namespace": "ci", "uid": "1", "generation": 1},
        "spec": {"source": {"github": github}},
    }))
    .unwrap();
    let named = serde_json::from_value(json!({"repository": "acme/shop", "sha": SHA})).unwrap();
    report.status =
        Some(TestRunReportStatus { source: Some(named), observed_generation: 1, ..Default::default() });
    let mut all = serde_json::to_value(&report.spec.source.github).unwrap();
    all.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
    report.spec.source.github = serde_json::from_value(all).unwrap();
    report
}

fn tell(hints: &Hints, event: &str, mut body: serde_json::Value) {
    body["repository"] = json!({"full_name": "acme/shop"});
    for event in read(event, body.to_string().as_bytes()).unwrap() {
        hints.tell("github.com", &event);
    }
}

fn status(state: &str) -> serde_json::Value {
    json!({"sha": SHA, "context": "ci/x", "state": state})
}

#[tokio::test]
async fn what_a_look_took_that_came_to_nothing_is_taken_by_the_next_one() {
    let hints = Hints::default();
    let (known, _objects) = hints.follow();
    let report = report(json!({"sha": SHA}));
    known.join(&report);
    assert_eq!(hints.take(&report), None);
    tell(&hints, "status", status("failure"));
    let first = hints.take(&report).unwrap();
    assert!(first.moved && !hints.waits(&reference(&report)));
    // Its status could not be written. Meanwhile something else is told that alone would change nothing.
    tell(&hints, "status", status("success"));
    let second = hints.take(&report).unwrap();
    assert!(second.moved && second.since >= first.since, "{second:?}");
    assert_eq!(hints.take(&report), Some(second));
    hints.answered(&report);
    assert_eq!(hints.take(&report), None);
}

#[tokio::test]
async fn news_that_a_green_verdict_cannot_know_is_told_from_the_rest() {
    let run = |status: &str, sha: &str| json!({"action": "x", "workflow_run": {"id": 5, "head_sha": sha, "head_branch": "main", "status": status}});
    let check = |conclusion: serde_json::Value| json!({"check_run": {"head_sha": SHA, "conclusion": conclusion, "app": {"slug": "scan"}}});
    let job = |conclusion: &str| json!({"workflow_job": {"head_sha": SHA, "conclusion": conclusion}});
    let push = |name: &str| json!({"ref": format!("refs/heads/{name}")});
    let (commit, branch) = (json!({"sha": SHA}), json!({"branch": "main"}));
    for (source, event, body, want) in [
        (&commit, "status", status("success"), Some(false)),
        (&commit, "status", status("failure"), Some(true)),
        (&commit, "status", status("error"), Some(true)),
        (&commit, "status", status("pending"), Some(true)),
        (&commit, "check_run", check(json!("success")), Some(false)),
        (&commit, "check_run", check(json!("failure")), Some(true)),
        (&commit, "check_run", check(json!("hatched")), Some(true)),
        (&commit, "check_run", check(json!(null)), Some(true)),
        (&commit, "workflow_job", job("failure"), Some(true)),
        (&commit, "workflow_job", job("success"), None),
        (&commit, "workflow_run", run("queued", SHA), Some(true)),
        (&commit, "workflow_run", run("completed", SHA), Some(false)),
        (&commit, "push", push("main"), None),
        (&branch, "push", push("main"), Some(true)),
        (&branch, "push", push("mainland"), None),
        (&branch, "push", json!({"ref": "refs/tags/main"}), None),
        (&branch, "workflow_run", run("completed", &"b".repeat(40)), Some(true)),
    ] {
        let hints = Hints::default();
        let (known, _objects) = hints.follow();
        let report = report(source.clone());
        known.join(&report);
        tell(&hints, event, body.clone());
        assert_eq!(hints.take(&report).map(|hint| hint.moved), want, "{source} {event} {body}");
    }
}

#[tokio::test]
async fn where_a_commit_goes_is_news_once_a_whole_look_has_seen_where_it_went() {
    let hints = Hints::default();
    let (known, _objects) = hints.follow();
    known.join(&report(json!({"sha": SHA})));
    let mut index = hints.lock();
    let member = index.member("1").unwrap();
    let to = |base: &str| Sightings {
        pulls: [(20, (SHA.to_owned(), base.to_owned()))].into(),
        ..Sightings::default()
    };
    // Nobody has asked so far, and no event can have told: what a list shows first was never missed.
    assert!(!member.is_redirected(&to("main")));
    member.went(&to("main"));
    member.resolved = true;
    assert!(member.is_redirected(&to("main")), "a look found that it goes nowhere");
    member.went(&to("main"));
    assert!(!member.is_redirected(&to("main")), "the same is no news again");
    assert!(member.is_redirected(&to("release")));
    member.base = Some("release".to_owned());
    assert!(!member.is_redirected(&to("release")), "a look has found it");
}
