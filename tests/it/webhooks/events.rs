//! The deliveries that GitHub publishes as examples, and those that were recorded.

use testrun_operator::webhooks::{Kind, read};

/// Everything in GitHub's own collection is read, and what reports depend on says where to look.
#[test]
fn published_examples_are_understood() {
    let all = testkit::github::webhook_examples().unwrap();
    assert!(all.len() > 100, "{} examples", all.len());
    let mut hints = 0;
    for (event, body) in &all {
        let bytes = serde_json::to_vec(body).unwrap();
        let events = read(event, &bytes).unwrap_or_else(|error| panic!("{event}: {error}"));
        let expected = matches!(
            event.as_str(),
            "workflow_run"
                | "workflow_job"
                | "check_run"
                | "check_suite"
                | "status"
                | "pull_request"
                | "merge_group"
                | "deployment_protection_rule"
        );
        for event in &events {
            let sha = match &event.kind {
                Kind::Pull { head, .. } => head,
                Kind::Run { sha, .. }
                | Kind::Job { sha, .. }
                | Kind::Check { sha, .. }
                | Kind::Status { sha, .. } => sha,
                Kind::Gate { shas } => &shas[0],
                Kind::Push { .. } | Kind::Repository | Kind::Owner | Kind::Other => continue,
            };
            assert!(expected && sha.len() == 40, "{event:?}");
            assert!(event.repository.contains('/'), "{event:?}");
            hints += 1;
        }
    }
    assert!(hints > 40, "{hints} of {} examples are hints", all.len());
}

#[test]
fn recorded_deliveries_are_understood() {
    let Some(corpus) = crate::cluster::corpus("github") else { return };
    let mut recorded = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix("hook_") else { continue };
        let events = ["workflow_run", "workflow_job", "check_run", "status", "merge_group"];
        let event = events.into_iter().find(|event| name.starts_with(event)).unwrap();
        let events = read(event, &std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(events.len(), 1, "{name}");
        recorded += 1;
    }
    assert!(recorded > 0, "no recorded delivery was found");
}
