//! `spec.publish.commitStatus`: the verdict as a `CommitStatus` of GitOps Promoter, with its own CRD.

use std::sync::{Arc, Mutex};

use kube::Api;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testrun_operator::connections::Publish;
use testrun_operator::verdict::facts::Observations;
use tokio::sync::OnceCell;

use super::bench::{self, Bench, QUICK, SLOW, client};
use super::{SHA, green, message, one_job, passed, red, running};
use crate::cluster::{audited, established, eventually, follow, promoter_definitions};

static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();

/// A control plane of these tests alone: the shared one has no promoter.
pub async fn plane() -> Option<&'static ControlPlane> {
    let files = promoter_definitions()?;
    let start = async || {
        let plane = ControlPlane::builder().audit(true).start().await.unwrap();
        bench::install(&plane).await;
        for file in files {
            plane.kubectl_ok(&["create", "-f", &file.to_string_lossy()]).await.unwrap();
        }
        established(&plane, "--all").await;
        plane
    };
    Some(PLANE.get_or_init(start).await)
}

fn allowed() -> Publish {
    Publish { commit_status_keys: vec!["testrun".into(), "e2e".into()], ..Publish::default() }
}

/// What a report adds to its spec.
fn asks() -> Value {
    json!({"publish": {"commitStatus": {"gitRepository": "shop"}}})
}

async fn start(prefix: &str, answer: Observations) -> Option<Bench> {
    let plane = plane().await?;
    let namespace = plane.namespace(prefix).await.unwrap();
    Some(Bench::start_with(plane, namespace, QUICK, answer, allowed()).await)
}

/// The `CommitStatus` of a report.
async fn found(bench: &Bench, report: &str) -> Option<Value> {
    let name = format!("testrun-{report}");
    let args = ["get", "commitstatus", &name, "--namespace", &bench.namespace, "--ignore-not-found"];
    let text = bench.plane.kubectl_ok(&[&args[..], &["--output=json"]].concat()).await.unwrap();
    (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
}

async fn phase(bench: &Bench, report: &str, want: &str) -> Value {
    let is = async || found(bench, report).await.filter(|f| f["spec"]["phase"] == want);
    eventually(|| format!("the phase {want}"), is).await
}

/// Waits until the condition `Published` has a reason.
async fn published(bench: &Bench, report: &str, reason: &str) -> String {
    let of = |r: &testrun_operator::api::TestRunReport| {
        let all = &r.status.as_ref()?.conditions;
        all.iter().find(|c| c.type_ == "Published").cloned()
    };
    let report = bench.report(report, |r| of(r).is_some_and(|c| c.reason == reason)).await;
    of(&report).unwrap().message
}

/// Phases of a `CommitStatus` by commit, as a watcher sees them.
async fn watch(bench: &Bench) -> Arc<Mutex<Vec<(String, String)>>> {
    let kind = GroupVersionKind::gvk("promoter.argoproj.io", "v1alpha1", "CommitStatus");
    let resource = ApiResource::from_gvk_with_plural(&kind, "commitstatuses");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client(bench.plane).await, &bench.namespace, &resource);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    follow(api, move |object: DynamicObject| {
        let of = |name: &str| object.data["spec"][name].as_str().unwrap().to_owned();
        keep.lock().unwrap().push((of("sha"), of("phase")));
    })
    .await;
    seen
}

fn at_commit(mut observations: Observations, sha: &str) -> Observations {
    if let Observations::Facts(facts) = &mut observations {
        facts.source.sha = sha.to_owned();
        facts.runs.iter_mut().for_each(|run| run.head_sha = sha.to_owned());
    }
    observations
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_status_follows_the_verdict_and_is_the_reports() {
    let Some(bench) = start("promoter", running()).await else { return };
    bench.create("pr", asks()).await;
    let object = phase(&bench, "pr", "pending").await;
    let report = bench.report("pr", |_| true).await;
    assert_eq!(object["metadata"]["labels"]["promoter.argoproj.io/commit-status"], "testrun");
    let owner = &object["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], report.metadata.uid.clone().unwrap());
    assert_eq!((&owner["kind"], &owner["controller"]), (&json!("TestRunReport"), &json!(true)));
    let spec = &object["spec"];
    assert_eq!(spec["gitRepositoryRef"], json!({"name": "shop"}));
    assert_eq!((&spec["sha"], &spec["name"]), (&json!(SHA), &json!("testrun")));
    assert!(spec["url"].as_str().unwrap().starts_with("https://github.com/octo-org/hello-world"));
    assert!(spec["description"].as_str().unwrap().starts_with("waiting: 1 job not final"), "{spec}");
    published(&bench, "pr", "Published").await;

    bench.script.say(red());
    phase(&bench, "pr", "failure").await;
    bench.script.say(green());
    let object = phase(&bench, "pr", "success").await;
    let version = object["metadata"]["resourceVersion"].clone();

    // At rest nothing is written, and a forgery is set right.
    bench.script.more(5).await;
    assert_eq!(found(&bench, "pr").await.unwrap()["metadata"]["resourceVersion"], version);
    bench.script.say(red());
    phase(&bench, "pr", "failure").await;
    let n = format!("--namespace={}", bench.namespace);
    let forged = r#"{"spec":{"phase":"success"}}"#;
    bench
        .plane
        .kubectl_ok(&["patch", "commitstatus", "testrun-pr", &n, "--type=merge", "-p", forged])
        .await
        .unwrap();
    phase(&bench, "pr", "failure").await;

    // What is no longer asked for goes.
    bench.patch("pr", json!({"spec": {"publish": null}})).await;
    eventually(|| "the CommitStatus to go", async || found(&bench, "pr").await.is_none().then_some(())).await;
    bench
        .report("pr", |r| {
            r.status.as_ref().is_some_and(|s| s.conditions.iter().all(|c| c.type_ != "Published"))
        })
        .await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_report_takes_its_success_back_before_it_looks() {
    let Some(plane) = plane().await else { return };
    let namespace = plane.namespace("edited").await.unwrap();
    let bench = Bench::start_with(plane, namespace, SLOW, green(), allowed()).await;
    bench.create("pr", asks()).await;
    phase(&bench, "pr", "success").await;
    let held = bench.script.hold().await;
    bench.patch("pr", json!({"spec": {"workflows": ["CI", "e2e"]}})).await;
    let object = phase(&bench, "pr", "pending").await;
    assert!(object["spec"]["description"].as_str().unwrap().contains("changed report"), "{object}");
    assert_eq!(bench.writes_once(2, "pr").await.len(), 2, "the look is still held: nothing new was decided");
    drop(held);
    // The second workflow never ran.
    bench.reason("pr", "Expecting").await;
    phase(&bench, "pr", "pending").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_never_green_is_never_a_success() {
    let Some(bench) = start("sequence", at_commit(green(), &"a".repeat(40))).await else { return };
    let seen = watch(&bench).await;
    let branch = json!({"github": {"repository": "octo-org/hello-world", "branch": "environment/dev"}});
    bench
        .create("dev", json!({"source": branch, "publish": {"commitStatus": {"gitRepository": "shop"}}}))
        .await;
    let object = phase(&bench, "dev", "success").await;
    assert_eq!(object["metadata"]["labels"]["promoter.argoproj.io/environment"], "environment-dev");
    // The branch moves while verdicts are written: to a red commit, to one that runs, to a green one.
    for (observed, letter) in [(red(), 'b'), (running(), 'c'), (red(), 'd'), (green(), 'e')] {
        let sha = letter.to_string().repeat(40);
        bench.script.say(at_commit(observed, &sha));
        eventually(
            || format!("commit {letter}"),
            async || found(&bench, "dev").await.filter(|f| f["spec"]["sha"] == sha.as_str()),
        )
        .await;
    }
    phase(&bench, "dev", "success").await;
    let last = ("e".repeat(40), "success".to_owned());
    eventually(|| "the watcher", async || seen.lock().unwrap().contains(&last).then_some(())).await;
    let successes: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, phase)| phase == "success")
        .map(|(sha, _)| sha[..1].to_owned())
        .collect();
    assert_eq!(successes, ["a", "e"], "{:?}", seen.lock().unwrap());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_for_a_key_and_a_commit() {
    let Some(bench) = start("twins", green()).await else { return };
    bench.create("first", asks()).await;
    phase(&bench, "first", "success").await;
    bench.create("second", asks()).await;
    let why = published(&bench, "second", "NameTaken").await;
    assert!(why.contains("/testrun-first has the key testrun and the commit"), "{why}");
    assert!(found(&bench, "second").await.is_none());
    published(&bench, "first", "Published").await;

    // Another key is another question.
    bench.patch("second", json!({"spec": {"publish": {"commitStatus": {"key": "e2e"}}}})).await;
    published(&bench, "second", "Published").await;
    phase(&bench, "second", "success").await;

    // One that somebody else made: both stay, so that promoter lets nothing through, and it is told.
    let foreign = json!({"apiVersion": "promoter.argoproj.io/v1alpha1", "kind": "CommitStatus",
        "metadata": {"name": "mine", "namespace": bench.namespace,
            "labels": {"promoter.argoproj.io/commit-status": "testrun"}},
        "spec": {"gitRepositoryRef": {"name": "shop"}, "sha": SHA, "name": "testrun",
            "description": "passed, believe me", "phase": "success"}});
    bench.plane.admin().with_file(&foreign.to_string(), &["create"]).await.unwrap();
    bench.script.say(red());
    let why = published(&bench, "first", "NameTaken").await;
    assert!(why.contains("was not made by this operator"), "{why}");
    phase(&bench, "first", "failure").await;
    let n = format!("--namespace={}", bench.namespace);
    bench.plane.kubectl_ok(&["delete", "commitstatus", "mine", &n]).await.unwrap();
    published(&bench, "first", "Published").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_administrator_did_not_allow_is_not_written() {
    let Some(bench) = start("denied", green()).await else { return };
    bench
        .create("key", json!({"publish": {"commitStatus": {"key": "other", "gitRepository": "shop"}}}))
        .await;
    let report = bench.reason("key", "ConnectionDenied").await;
    assert_eq!(passed(&report).unwrap().0, "Unknown");
    assert!(message(&report).contains("allowed are: testrun, e2e"), "{}", message(&report));
    assert!(found(&bench, "key").await.is_none());
    // The name of a check that others require would be excused, and overwritten.
    bench.create("name", json!({"publish": {"status": {"context": "security/scan"}}})).await;
    let report = bench.reason("name", "ConnectionDenied").await;
    assert!(message(&report).contains("testrun, testrun/*, testrun-*"), "{}", message(&report));
    assert!(bench.script.looks().is_empty(), "nothing is asked for them");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_of_the_same_name_takes_over_with_its_own_verdict() {
    let Some(bench) = start("again", green()).await else { return };
    bench.create("pr", asks()).await;
    phase(&bench, "pr", "success").await;
    bench.script.say(running());
    bench.plane.kubectl_ok(&["delete", "trr", "pr", "--namespace", &bench.namespace]).await.unwrap();
    bench.create("pr", asks()).await;
    let report = bench.reason("pr", "Running").await;
    let uid = report.metadata.uid.unwrap();
    let taken = async || {
        let object = found(&bench, "pr").await?;
        let owners = object["metadata"]["ownerReferences"].as_array().unwrap().clone();
        assert_eq!(owners.len(), 1);
        (owners[0]["uid"] == uid.as_str()).then_some(object)
    };
    let object = eventually(|| "the new owner", taken).await;
    assert_eq!(object["spec"]["phase"], "pending");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_promoter_it_is_said_and_the_verdict_stands() {
    let plane = bench::plane().await;
    let namespace = plane.namespace("no-promoter").await.unwrap();
    let bench = Bench::start_with(plane, namespace, QUICK, green(), allowed()).await;
    bench.create("pr", asks()).await;
    let why = published(&bench, "pr", "KindNotServed").await;
    assert!(why.contains("install GitOps Promoter"), "{why}");
    let report = bench.reason("pr", "AllRequiredSucceeded").await;
    assert_eq!(passed(&report).unwrap().0, "True");
    bench.script.more(5).await;
    audited(plane).await;
    let writes = bench.writes("pr").len();
    bench.script.more(5).await;
    audited(plane).await;
    assert_eq!(bench.writes("pr").len(), writes, "it is told once");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_check_run_on_github_is_not_waited_for() {
    let Some(bench) = start("own", running()).await else { return };
    bench.create("pr", asks()).await;
    let url = phase(&bench, "pr", "pending").await["spec"]["url"].as_str().unwrap().to_owned();
    // Promoter shows the pending status as a check run of its App, with our link.
    let with = |url: &str| {
        let Observations::Facts(mut facts) = one_job(Some("success")) else { panic!() };
        facts.checks = vec![testrun_operator::verdict::facts::Check {
            id: 9,
            name: "testrun".into(),
            app: Some("promoter".into()),
            app_id: Some(4),
            head_sha: SHA.into(),
            status: "in_progress".into(),
            details_url: Some(url.into()),
            ..Default::default()
        }];
        Observations::Facts(facts)
    };
    bench.script.say(with("https://promoter.example/testrun"));
    bench.script.more(3).await;
    phase(&bench, "pr", "pending").await;
    bench.script.say(with(&url));
    phase(&bench, "pr", "success").await;
    bench.stop().await;
}
