//! Every rule of the spec: what it lets through, what it refuses, and that the refusal says what
//! to write instead. All on the API server, as dry runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::{root, walk};
use crate::cluster::cluster;

/// What a case changes in a spec that is right.
enum Change {
    /// Replaces the source.
    Source(Value),
    /// Adds to the spec.
    With(Value),
}
use Change::{Source, With};

/// The report of a case.
fn object(name: &str, change: &Change) -> Value {
    let mut spec = json!({"source": {"github": {"repository": "octo-org/hello", "pullRequest": 20}}});
    match change {
        Source(github) => spec["source"]["github"] = github.clone(),
        With(more) => spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone()),
    }
    json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport", "metadata": {"name": name}, "spec": spec})
}

/// Asks the server about all of them and gives what it says of each that it refuses.
async fn refusals(changes: impl Iterator<Item = &Change>) -> BTreeMap<usize, String> {
    let plane = cluster().await;
    let items: Vec<Value> = changes.enumerate().map(|(i, c)| object(&format!("case-{i}"), c)).collect();
    let count = items.len();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    // A list is checked by kubectl itself as a whole unless it is told not to.
    let args = ["create", "--dry-run=server", "--validate=false", "--namespace=default"];
    let Err(error) = plane.admin().with_file(&list, &args).await else { return BTreeMap::new() };
    let text = error.to_string();
    let mut found = BTreeMap::new();
    for part in text.split(".testrun.dev \"case-").skip(1) {
        let (number, message) = part.split_once("\" is invalid:").unwrap_or_else(|| panic!("{text}"));
        found.insert(
            number.parse().unwrap(),
            message.split("\nError from server").next().unwrap_or_default().trim().to_owned(),
        );
    }
    // Each refusal was understood: none is of another kind.
    assert!(!found.is_empty() && text.matches("Error from server").count() == found.len(), "{text}");
    assert!(found.keys().all(|number| *number < count));
    found
}

fn suite(fields: Value) -> Change {
    let mut suite = json!({"name": "unit", "match": [{"job": "unit"}]});
    suite.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    With(json!({"suites": [suite]}))
}

fn branch(name: &str) -> Change {
    Source(json!({"repository": "o/r", "branch": name}))
}

fn waiver(fields: Value) -> Change {
    let mut waiver = json!({"job": "e2e", "reason": "node pool", "approver": "octocat", "expiresAt": "2026-12-01T00:00:00Z"});
    for (name, value) in fields.as_object().unwrap() {
        match value.is_null() {
            true => waiver.as_object_mut().unwrap().remove(name),
            false => waiver.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    With(json!({"waivers": [waiver]}))
}

fn allow(fields: Value) -> Change {
    let mut allow = json!({"job": "docs", "states": ["Skipped"], "reason": "no docs changed"});
    allow.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    With(json!({"gate": {"allow": [allow]}}))
}

/// What must be let through.
fn accepted() -> Vec<Change> {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    vec![
        Source(json!({"repository": "octo-org/hello", "pullRequest": 1})),
        Source(json!({"repository": "o/r.github.io", "sha": sha})),
        Source(json!({"repository": "o-1/_r-2", "sha": format!("{sha}{}", "a".repeat(24))})),
        Source(json!({"repository": "o/r", "runId": 9_007_199_254_740_991_i64})),
        Source(json!({"repository": format!("{}/{}", "o".repeat(39), "r".repeat(100)), "runId": 1})),
        Source(json!({"repository": "o/r", "runId": 1, "connection": "ghe.example.com"})),
        branch("main"),
        branch("release/1.2"),
        branch("feature/(a)-{b}+c#1"),
        branch("fix/\u{fc}ber"),
        branch(&"b".repeat(255)),
        suite(json!({"match": [{"workflow": r"^\.github/workflows/ci\.ya?ml$"}, {"job": r"^unit \(.*\)$"}]})),
        suite(json!({"match": [{"job": "(?i)e2e|int(egration)?"}]})),
        suite(json!({"name": "End to end: \u{fc}ber"})),
        suite(json!({"policy": "Informational", "minPassRate": 0, "criticalPath": true})),
        suite(json!({"expect": {"jobs": ["a", "b"]}})),
        suite(json!({"expect": {"count": 1000}})),
        With(json!({"suites": (0..64).map(|i| json!({"name": format!("{i:063}"),
            "match": vec![json!({"job": "j".repeat(255), "workflow": "w".repeat(255)}); 32]})).collect::<Vec<_>>()})),
        With(json!({"workflows": ["CI", ".github/workflows/e2e.yml"]})),
        With(json!({"ignore": [{"job": "^all green$"}]})),
        With(json!({"aliases": {"datastorage": "DS", "a".repeat(255): "long"}})),
        With(json!({"checks": [{"name": "codecov/patch", "app": "codecov"}, {"name": "dco"}]})),
        With(json!({"credentialsRef": {"name": "github-token"}})),
        With(json!({"credentialsRef": {"name": "github.token", "key": "GITHUB_TOKEN"}})),
        With(
            json!({"artifacts": {"mustGather": ["*must-gather*"], "testReports": ["junit-*.xml"], "maxArtifactBytes": 0, "maxLogBytes": 1}}),
        ),
        With(
            json!({"localResults": [{"suite": "unit", "total": 3, "passed": 2, "failed": 1, "skipped": 0, "flaked": 0,
            "commit": "0123abc", "reporter": "octocat", "time": "2026-01-02T03:04:05Z"}, {"suite": "e2e"}]}),
        ),
        With(json!({"gate": {"mode": "Report", "settleSeconds": 0, "deadlineSeconds": 2_592_000}})),
        allow(json!({"states": ["Skipped", "Neutral"]})),
        waiver(json!({})),
        waiver(json!({"job": null, "test": "TestLogin/expired", "ticket": "https://tracker.example/1"})),
        waiver(json!({"workflow": ".github/workflows/nightly.yml"})),
        waiver(json!({"job": null, "test": "t", "workflow": "w".repeat(255)})),
        With(
            json!({"rerun": {"maxAttempts": 5}, "publish": {"status": {"context": "ci/verdict"}, "checkRun": {}, "comment": {}}, "suspend": true, "ttlAfterCompletion": 0}),
        ),
        // A null is as good as nothing.
        With(json!({"suites": null, "gate": {"settleSeconds": null}})),
    ]
}

/// What must be refused, and words of the refusal.
fn refused() -> Vec<(Change, &'static str)> {
    let one_of = "set exactly one of pullRequest, sha, runId and branch";
    let repository = "repository must be owner/name";
    let sha = "sha must be the full commit id";
    let plain = "branch must be a plain branch name";
    let regex = "job must be a regular expression in RE2 syntax; escape";
    let connection = "connection is the name of a connection in the operator's configuration";
    let secret = "name must be the name of a Secret in this namespace";
    let bad_sha = |text: &str| Source(json!({"repository": "o/r", "sha": text}));
    let bad_repository = |text: &str| Source(json!({"repository": text, "runId": 1}));
    let bad_connection = |text: &str| Source(json!({"repository": "o/r", "runId": 1, "connection": text}));
    vec![
        (Source(json!({"repository": "o/r"})), one_of),
        (Source(json!({"repository": "o/r", "pullRequest": 1, "runId": 2})), one_of),
        (Source(json!({"repository": "o/r", "pullRequest": null})), one_of),
        (Source(json!({"pullRequest": 1})), "spec.source.github.repository: Required value"),
        (bad_repository("https://github.com/o/r"), repository),
        (bad_repository("github.com/o/r"), repository),
        (bad_repository("hello"), repository),
        (bad_repository("o/.."), repository),
        (bad_repository("o/r\n"), repository),
        (bad_repository("o/r?x=1"), repository),
        (bad_repository("-o/r"), repository),
        (bad_sha("0123abc"), sha),
        (bad_sha(&"A".repeat(40)), sha),
        (bad_sha(&"a".repeat(41)), sha),
        (bad_sha(&format!("{}\n", "a".repeat(40))), sha),
        (Source(json!({"repository": "o/r", "pullRequest": 0})), "greater than or equal to 1"),
        (Source(json!({"repository": "o/r", "runId": -1})), "greater than or equal to 1"),
        (bad_connection("https://x"), connection),
        (bad_connection("GitHub"), connection),
        (bad_connection("a/b"), connection),
        (branch("refs/heads/main"), plain),
        (branch("a b"), plain),
        (branch("a\\b"), plain),
        (branch("a..b"), plain),
        (branch("a~1"), plain),
        (branch("a^"), plain),
        (branch("a:b"), plain),
        (branch("a*"), plain),
        (branch("a?b"), plain),
        (branch("a[b"), plain),
        (branch("a\u{7}b"), plain),
        (branch("/a"), plain),
        (branch("a/"), plain),
        (branch("a//b"), plain),
        (branch("a.lock"), plain),
        (branch("a."), plain),
        (branch("-a"), plain),
        (branch("a@{1}"), plain),
        (suite(json!({"match": [{"job": "unit ("}]})), regex),
        (suite(json!({"match": [{"job": "a{2000}"}]})), regex),
        (suite(json!({"match": [{"workflow": "["}]})), "workflow must be a regular expression in RE2 syntax"),
        (suite(json!({"match": [{}]})), "set workflow, job or both"),
        (suite(json!({"match": []})), "at least 1 items"),
        (suite(json!({"match": null})), "spec.suites[0].match: Required value"),
        (With(json!({"ignore": [{"job": "("}]})), regex),
        (suite(json!({"name": " unit"})), "one line of text without blanks at its ends"),
        (suite(json!({"name": "a\nb"})), "one line of text without blanks at its ends"),
        (suite(json!({"name": "a\u{1b}[31m"})), "one line of text without blanks at its ends"),
        (
            suite(json!({"name": "Unmatched"})),
            "Unmatched is kept for jobs that no suite matches; choose another",
        ),
        (suite(json!({"policy": "Optional"})), "supported values: \"Required\", \"Informational\""),
        (suite(json!({"minPassRate": 101})), "less than or equal to 100"),
        (suite(json!({"expect": {}})), "set either jobs (names) or count"),
        (suite(json!({"expect": {"jobs": ["a"], "count": 1}})), "set either jobs (names) or count"),
        (
            With(
                json!({"suites": [{"name": "a", "match": [{"job": "x"}]}, {"name": "a", "match": [{"job": "y"}]}]}),
            ),
            "two suites have the same name; give each suite its own",
        ),
        (
            With(json!({"checks": [{"name": "ci", "app": "a"}, {"name": "ci", "app": "b"}]})),
            "two checks have the same name; write one entry, without app",
        ),
        (
            With(json!({"localResults": [{"suite": "a"}, {"suite": "a"}]})),
            "two local results name the same suite; keep the newer one",
        ),
        (
            With(json!({"gate": {"allow": [{"job": "a", "states": ["Skipped"], "reason": "r"},
            {"job": "a", "states": ["Neutral"], "reason": "r"}]}})),
            "write one with both states",
        ),
        (With(json!({"workflows": ["CI", "CI"]})), "Duplicate value: \"CI\""),
        (allow(json!({"states": ["Skipped", "Skipped"]})), "Duplicate value: \"Skipped\""),
        (allow(json!({"states": ["Failed"]})), "supported values: \"Skipped\", \"Neutral\""),
        (allow(json!({"reason": " "})), "say in reason why this job may be skipped or neutral"),
        (With(json!({"aliases": {"": "x"}})), "an alias maps a job or matrix id of 1 to 255 characters"),
        (
            With(json!({"aliases": {"a".repeat(256): "x"}})),
            "an alias maps a job or matrix id of 1 to 255 characters",
        ),
        (With(json!({"credentialsRef": {"name": "other/token"}})), secret),
        (With(json!({"credentialsRef": {"name": "Token"}})), secret),
        (
            With(json!({"credentialsRef": {"name": "t", "key": "a b"}})),
            "key must be a key of the Secret's data",
        ),
        (With(json!({"artifacts": {"maxLogBytes": 1_073_741_825_i64}})), "less than or equal to 1073741824"),
        (
            With(json!({"localResults": [{"suite": "a", "total": 1, "passed": 2}]})),
            "passed cannot be larger than total",
        ),
        (
            With(json!({"localResults": [{"suite": "a", "total": 1, "failed": 2}]})),
            "failed cannot be larger than total",
        ),
        (With(json!({"localResults": [{"suite": "a", "commit": "HEAD"}]})), "git rev-parse HEAD prints it"),
        (With(json!({"gate": {"mode": "enforce"}})), "supported values: \"Enforce\", \"Report\""),
        (With(json!({"gate": {"deadlineSeconds": -1}})), "greater than or equal to 0"),
        (waiver(json!({"expiresAt": null})), "spec.waivers[0].expiresAt: Required value"),
        (waiver(json!({"expiresAt": "never"})), "must be of type date-time"),
        (waiver(json!({"expiresAt": "9999-12-31T23:59:59Z"})), "expiresAt must be before the year 9999"),
        (waiver(json!({"approver": null})), "spec.waivers[0].approver: Required value"),
        (waiver(json!({"approver": " "})), "name in approver who agreed to the waiver"),
        (waiver(json!({"reason": "\t"})), "say in reason why this failure is excused"),
        (waiver(json!({"workflow": ""})), "spec.waivers[0].workflow"),
        (waiver(json!({"workflow": "w".repeat(256)})), "Too long: may not be more than 255"),
        (waiver(json!({"job": null})), "set either job or test to its exact name"),
        (waiver(json!({"test": "t"})), "set either job or test to its exact name"),
        (With(json!({"rerun": {"maxAttempts": 6}})), "less than or equal to 5"),
        (With(json!({"publish": {"status": {"context": ""}}})), "at least 1 chars"),
        (With(json!({"publish": {"checkRun": {"name": ""}}})), "at least 1 chars"),
        (
            With(json!({"publish": {"comment": {"when": "Always"}}})),
            "supported values: \"Final\", \"Failed\"",
        ),
        (
            With(json!({"publish": {"status": {"context": "t"}, "checkRun": {"name": "t"}}})),
            "a check run and a commit status of one name are both required",
        ),
        (With(json!({"publish": {"commitStatus": {}}})), "gitRepository: Required value"),
        (
            With(json!({"publish": {"commitStatus": {"gitRepository": "a", "key": "A/b"}}})),
            "as in the PromotionStrategy that asks for it",
        ),
        (
            With(json!({"publish": {"commitStatus": {"gitRepository": "https://github.com/a/b"}}})),
            "must be the name of a GitRepository in this namespace",
        ),
        (
            With(
                json!({"publish": {"status": {"context": "t"}, "commitStatus": {"gitRepository": "a", "key": "t"}}}),
            ),
            "GitOps Promoter puts a check run of the name commitStatus.key on the commit",
        ),
        (
            With(json!({"suites": vec![json!({"name": "a", "match": [{"job": "x"}]}); 65]})),
            "must have at most 64 items",
        ),
    ]
}

#[tokio::test]
async fn a_right_spec_is_let_through() {
    let cases = accepted();
    let found = refusals(cases.iter()).await;
    let told: Vec<String> = found
        .iter()
        .map(|(i, message)| format!("{}: {message}", object("case", &cases[*i])["spec"]))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[tokio::test]
async fn a_wrong_spec_is_refused_with_what_to_write_instead() {
    let cases = refused();
    let found = refusals(cases.iter().map(|(change, _)| change)).await;
    let mut faults = Vec::new();
    for (i, (change, expected)) in cases.iter().enumerate() {
        let spec = &object("case", change)["spec"];
        match found.get(&i) {
            None => faults.push(format!("let through: {spec}")),
            Some(message) if message.contains(expected) => {}
            Some(message) => faults.push(format!("{expected:?} is not said of {spec}: {message}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_rule_of_the_schema_has_a_case_that_it_refuses() {
    let cases = refused();
    let mut untried = Vec::new();
    walk(&root(), "", &mut |path, schema| {
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            let message = rule.message.clone().unwrap_or_default();
            if !cases.iter().any(|(_, words)| message.contains(words)) {
                untried.push(format!("{path}: {message}"));
            }
        }
    });
    assert!(untried.is_empty(), "{}", untried.join("\n"));
}

#[tokio::test]
async fn a_misspelt_field_is_refused_by_name() {
    let plane = cluster().await;
    let text = object("typo", &With(json!({"suitez": []}))).to_string();
    let args = ["create", "--dry-run=server", "--namespace=default"];
    let error = plane.admin().with_file(&text, &args).await.unwrap_err().to_string();
    assert!(error.contains("unknown field \"spec.suitez\""), "{error}");
}

#[tokio::test]
async fn two_writers_share_lists_by_key_and_the_order_of_suites_is_the_authors() {
    let plane = cluster().await;
    let namespace = plane.namespace("writers").await.unwrap();
    let n = format!("--namespace={namespace}");
    let suites = |names: &[&str]| {
        With(
            json!({"suites": names.iter().map(|s| json!({"name": s, "match": [{"job": s}]})).collect::<Vec<_>>()}),
        )
    };
    for (writer, names, expected) in [
        ("team", &["a", "b"][..], "a b"),
        ("team", &["b", "c", "a"][..], "b c a"),
        ("platform", &["z"][..], "b c a z"),
    ] {
        let writer = format!("--field-manager={writer}");
        let object = object("shared", &suites(names)).to_string();
        plane.admin().with_file(&object, &["apply", "--server-side", &writer, &n]).await.unwrap();
        let found = plane
            .kubectl_ok(&["get", "trr", "shared", &n, "-o", "jsonpath={.spec.suites[*].name}"])
            .await
            .unwrap();
        assert_eq!(found, expected, "after {writer} applied {names:?}");
    }
}
