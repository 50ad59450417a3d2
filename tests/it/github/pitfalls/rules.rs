//! Workflows that a ruleset requires of another repository, and files of a pull request that look like them.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::github::{Fault, Match};

use super::*;

const SCAN: &str = ".github/workflows/scan.yml";

/// The branch requires the scan of the repository with this id.
fn require(bench: &Bench, repository: u64) {
    let rule = move |body: &mut Value| {
        *body = json!([{"type": "workflows", "ruleset_source_type": "Organization", "ruleset_source": "acme",
            "ruleset_id": 7, "parameters": {"do_not_enforce_on_create": false, "workflows": [
                {"path": SCAN, "repository_id": repository, "ref": "refs/heads/main"}]}}]);
    };
    bench.gh.fail(Match::path("/rules/branches/main$"), Fault::Edit(Arc::new(rule)));
}

/// GitHub lists this run among those that a rule brought along.
fn brought_along(bench: &Bench, id: u64, path: &'static str) {
    let edit = move |body: &mut Value| {
        for run in body["workflow_runs"].as_array_mut().into_iter().flatten().filter(|r| r["id"] == id) {
            let url = run["workflow_url"].as_str().unwrap().replace("/workflows/", "/required_workflows/");
            (run["workflow_url"], run["path"]) = (json!(url), json!(path));
        }
    };
    bench.gh.fail(Match::path("/actions/runs$"), Fault::Edit(Arc::new(edit)));
}

#[tokio::test]
async fn a_file_of_the_pull_request_is_not_the_workflow_that_a_ruleset_requires() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    require(&bench, 4242);
    assert_eq!(bench.verdict().await, "Unknown/Expecting");
    // The pull request brings a file of that path.
    bench.update(|s| {
        begin(s, 78, "Scan", &["scan"]);
        end(s, 78, &["success"]);
    });
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    // Or one that looks like it once `@...` is cut off.
    bench.update(|s| {
        s.repo(REPO).add_run(
            RunSpec::new(79).workflow("Scan", format!("{SCAN}@x.yml")).pull_request(20).job((790, "scan")),
        );
        s.run(79).start();
        s.job(790).start();
        end(s, 79, &["success"]);
    });
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, "Unknown/Expecting", "{}", bench.message());
    // The real one, under the same path.
    bench.update(|s| {
        s.repo(REPO).add_run(
            RunSpec::new(80).workflow("Org scan", SCAN).workflow_id(990).pull_request(20).job((800, "scan")),
        );
        s.run(80).start();
        s.job(800).start();
        end(s, 80, &["failure"]);
    });
    brought_along(&bench, 80, SCAN);
    bench.gh.advance(secs(600));
    assert_eq!(bench.verdict().await, FAILED, "the green file hides no red scan");
    bench.update(|s| {
        s.run(80).rerun("octo-dev", |_| true);
        s.run(80).start();
        s.run(80).job("scan").start();
        s.run(80).job("scan").complete("success");
        s.run(80).settle();
    });
    bench.gh.advance(secs(600));
    bench.verdict().await;
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    bench.clean();
}

#[tokio::test]
async fn a_rule_of_the_repository_itself_takes_its_own_file() {
    let mut bench = Bench::ended(&[("unit", "success")]);
    let own = bench.update(|s| s.repo(REPO).id());
    require(&bench, own);
    assert_eq!(bench.verdict().await, "Unknown/Expecting");
    bench.update(|s| {
        begin(s, 78, "Scan", &["scan"]);
        end(s, 78, &["success"]);
    });
    bench.gh.advance(secs(600));
    bench.verdict().await;
    assert_eq!(bench.verdict().await, PASSED, "{}", bench.message());
    bench.clean();
}
