//! `TestRunReportSet` on a real API server: its rules, its columns, and what it knows of a report.

use serde_json::{Value, json};

use crate::cluster::{cluster, eventually};

fn object(name: &str, more: &Value) -> Value {
    let mut spec = json!({"source": {"repository": "octo-org/hello"}, "generators": {"pullRequests": {}}});
    for (field, value) in more.as_object().unwrap() {
        match value.is_null() {
            true => drop(spec.as_object_mut().unwrap().remove(field)),
            false => spec[field] = value.clone(),
        }
    }
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReportSet", "metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn a_set_names_its_repository_and_what_its_reports_are_made_of() {
    let plane = cluster().await;
    let named = async |name: &str, more: Value| {
        let args = ["create", "--dry-run=server", "--namespace=default"];
        plane.admin().with_file(&object(name, &more).to_string(), &args).await.map_err(|e| e.to_string())
    };
    let ask = async |more: Value| named("case", more).await;
    let metadata = |metadata: Value| json!({"template": {"metadata": metadata}});
    let spec = |spec: Value| json!({"template": {"spec": spec}});
    for more in [
        json!({}),
        json!({"generators": {"pullRequests": {"baseBranches": ["main", "release/*"], "labels": ["ci"],
            "authors": ["octocat"], "draft": false}}}),
        json!({"generators": {"pullRequests": null, "mergeQueue": {"branch": "release/1.2"}}}),
        json!({"retention": {"maxReports": 3000, "deletionPolicy": "Keep"}, "suspend": true}),
        json!({"retention": {"perPullRequest": 5, "maxAgeSeconds": 3600}, "template": {"follow": "Commit"}}),
        json!({"generators": {"pullRequests": null, "mergeQueue": {"branch": "main"}},
            "retention": {"perPullRequest": 2}}),
        json!({"generators": {"pullRequests": null, "commits": {"branch": "main"}},
            "retention": {"failedTtlAfterClosed": 3600}}),
        metadata(json!({"name": "pr-{{ number }}"})),
        metadata(json!({"name": "{{set}}-{{head_short_sha}}", "labels": {"a/b": "{{branch}}"}})),
        spec(json!({"suites": [{"name": "unit", "match": [{"job": "unit"}], "policy": "Informational"}],
            "publish": {"status": {"context": "testrun/{{number}}"}}, "credentialsRef": {"name": "github"}})),
    ] {
        ask(more.clone()).await.unwrap_or_else(|error| panic!("{more}: {error}"));
    }
    for (more, words) in [
        (json!({"source": {"repository": "https://github.com/a/b"}}), "repository must be owner/name"),
        (json!({"generators": null}), "spec.generators: Required value"),
        (
            json!({"generators": {}}),
            "set exactly one of pullRequests ({} selects all that are open), commits and mergeQueue",
        ),
        (
            json!({"generators": {"pullRequests": {}, "mergeQueue": {"branch": "main"}}}),
            "set exactly one of pullRequests",
        ),
        (
            json!({"generators": {"commits": {"branch": "refs/heads/main"}}}),
            "branch must be a plain branch name",
        ),
        (json!({"retention": {"maxReports": 3001}}), "less than or equal to 3000"),
        (
            json!({"retention": {"perPullRequest": 2}}),
            "perPullRequest keeps reports about commits of a pull request: it needs template.follow: Commit",
        ),
        (
            json!({"generators": {"pullRequests": null, "commits": {"branch": "main"}},
                "retention": {"perPullRequest": 2}, "template": {"follow": "Commit"}}),
            "perPullRequest keeps reports about commits of a pull request",
        ),
        (json!({"retention": {"maxAgeSeconds": 3600}}), "maxAgeSeconds ends what ttlAfterClosed,"),
        (
            json!({"retention": {"ttlAfterClosed": 60, "failedTtlAfterClosed": 30}}),
            "failedTtlAfterClosed is how long a failed report stays",
        ),
        (metadata(json!({"name": "report"})), "name must hold {{number}}"),
        (metadata(json!({"name": "{{branch}}-{{number}}"})), "name has lower-case letters, digits, -"),
        (metadata(json!({"name": "PR-{{number}}"})), "name has lower-case letters, digits, -"),
        (
            metadata(json!({"labels": {"testrun.dev/set": "x"}})),
            "keys that begin with testrun.dev/ are the operator's own",
        ),
        (spec(json!({"suites": [{"name": "unit", "match": []}]})), "should have at least 1 items"),
        (
            spec(json!({"source": {"github": {"repository": "a/b", "pullRequest": 1}}})),
            "unknown field \"spec.template.spec.source\"",
        ),
        (spec(json!({"waivers": []})), "unknown field \"spec.template.spec.waivers\""),
        (spec(json!({"ttlAfterCompletion": 1})), "unknown field \"spec.template.spec.ttlAfterCompletion\""),
    ] {
        let error = ask(more.clone()).await.unwrap_err();
        assert!(error.contains(words), "{more}: {error}");
    }
    let error = named(&"s".repeat(51), json!({})).await.unwrap_err();
    assert!(error.contains("the name of a set has at most 50 characters"), "{error}");
    named(&"s".repeat(50), json!({})).await.unwrap();
}

#[tokio::test]
async fn the_columns_show_a_set_at_a_glance() {
    let plane = cluster().await;
    let namespace = plane.namespace("set-columns").await.unwrap();
    let n = format!("--namespace={namespace}");
    plane.admin().with_file(&object("shop", &json!({})).to_string(), &["create", &n]).await.unwrap();
    let table = plane.kubectl_ok(&["get", "trrs", &n]).await.unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "REPOSITORY", "READY", "MATCHING", "REPORTS", "AGE"]);
    assert_eq!(lines[1][..3], ["shop", "octo-org/hello", "Unknown"], "nobody has looked at it yet");
    let wide = plane.kubectl_ok(&["get", "testrunreportsets", &n, "-o", "wide"]).await.unwrap();
    let header: Vec<&str> = wide.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header[6..], ["REASON", "FOLLOW", "MAX", "SUSPENDED"]);
    let explained = eventually(
        || "the schema of sets to be published",
        async || {
            plane.kubectl_ok(&["explain", "testrunreportset.spec.template.spec", "--recursive"]).await.ok()
        },
    )
    .await;
    assert!(explained.contains("suites") && !explained.contains("waivers"), "{explained}");
}
