//! Another version: of the operator beside this one, and of the definition that the API server has.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};
use testrun_operator::api;
use testrun_operator::verdict::facts::Observations;

use super::life::REPO;
use crate::cluster::{self, audited, eventually};
use crate::controller::bench::{Bench, SLOW};
use crate::controller::{green, passed, red};
use crate::reports;
use crate::story::operator::Operator;

const REPORTS: &str = "crd/testrunreports.testrun.dev";

/// A control plane of its own, whose definition of reports is what becomes of ours.
pub async fn plane(change: impl FnOnce(&mut Value)) -> &'static ControlPlane {
    let plane = Box::leak(Box::new(ControlPlane::builder().audit(true).start().await.unwrap()));
    cluster::install(plane).await;
    replace(plane, "reports", change).await;
    plane
}

/// Makes of a definition of ours what it is to be.
pub async fn replace(plane: &ControlPlane, kind: &str, change: impl FnOnce(&mut Value)) {
    let file = format!("testrun.dev_testrun{kind}.yaml");
    let ours = api::definitions().into_iter().find(|d| d.file == file).unwrap();
    let mut crd = serde_json::to_value(ours.crd).unwrap();
    change(&mut crd);
    plane.admin().with_file(&crd.to_string(), &["replace"]).await.unwrap();
}

pub fn end(plane: &ControlPlane) {
    plane.stop_apiserver();
    plane.stop_etcd();
}

/// What the schema of a definition says of a part of the object.
pub fn schema<'a>(crd: &'a mut Value, part: &str) -> &'a mut Value {
    &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]["properties"]
}

/// Waits until the server keeps, or does not keep, a field of a status.
pub async fn serves(plane: &ControlPlane, field: &str, kept: bool) {
    let explained = async || {
        let said = plane.kubectl(&["explain", field]).await.ok()?;
        (said.status.success() == kept).then_some(())
    };
    eventually(|| format!("{field} to be served: {kept}"), explained).await;
}

/// The same facts as another version would tell them: same verdict, other words.
fn reworded(mut facts: Observations) -> Observations {
    let Observations::Facts(all) = &mut facts else { unreachable!() };
    for job in all.runs.iter_mut().flat_map(|r| &mut r.jobs) {
        job.url = format!("{}?from=another-version", job.url);
    }
    facts
}

/// Has all who work on the report look at it.
async fn look(bench: &Bench, at: &str) {
    bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": at}}})).await;
}

/// How many status writes of a report follow after this time; that nothing comes can only be seen over a time.
async fn writes_after(bench: &Bench, name: &str, seconds: u64) -> usize {
    audited(bench.plane).await;
    let before = bench.writes(name).len();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    bench.writes(name).len() - before
}

/// Waits until so long nothing is written.
async fn quiet(bench: &Bench, seconds: u64) {
    eventually(|| "quiet", async || (writes_after(bench, "a", seconds).await == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_that_word_it_differently_do_not_write_in_turns_for_ever() {
    let one = Bench::start("versions", SLOW, red()).await;
    let other = Bench::start_in(one.plane, one.namespace.clone(), SLOW, reworded(red())).await;
    other.ready().await;
    one.create("a", json!({})).await;
    one.reason("a", "RequiredFailed").await;
    // Who comes second takes over what is there; now both look.
    look(&one, "now").await;
    // Each puts its own words back three times; then they are left until the next look.
    eventually(
        || format!("both to have written: {:?}", one.writes("a")),
        async || (one.writes("a").len() >= 4).then_some(()),
    )
    .await;
    quiet(&one, 3).await;
    let written = one.writes("a").len();
    assert!(written <= 16, "{written} writes of one verdict: {:?}", one.writes("a"));

    // What both see from now on is told, by whoever is quicker, and again a bounded number of times.
    one.script.say(green());
    other.script.say(reworded(green()));
    look(&one, "again").await;
    one.reason("a", "AllRequiredSucceeded").await;
    quiet(&one, 1).await;
    let written = one.writes("a").len() - written;
    assert!(written <= 16, "{written} writes of the next verdict");
    for bench in [&one, &other] {
        let text = bench.metrics.text().unwrap();
        let count = text.lines().find_map(|l| l.strip_prefix("testrun_status_overwritten_total "));
        assert!(count.is_some_and(|n| n.parse::<u64>().unwrap() >= 3), "{text}");
    }
    other.stop().await;
    // The end is that of one alone.
    look(&one, "later").await;
    let is_ours =
        |r: &api::TestRunReport| !serde_json::to_string(&r.status).unwrap().contains("another-version");
    one.report("a", is_ours).await;
    quiet(&one, 1).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_versions_that_disagree_the_pass_gives_way() {
    let strict = Bench::start("disagree", SLOW, red()).await;
    let lax = Bench::start_in(strict.plane, strict.namespace.clone(), SLOW, green()).await;
    lax.ready().await;
    strict.create("a", json!({})).await;
    strict.report("a", |r| passed(r).is_some_and(|p| p.0 != "Unknown")).await;
    look(&strict, "now").await;
    eventually(
        || format!("both to have written: {:?}", strict.writes("a")),
        async || (strict.writes("a").len() >= 6).then_some(()),
    )
    .await;
    quiet(&strict, 1).await;
    strict.reason("a", "RequiredFailed").await;
    assert!(strict.writes("a").len() <= 16, "{:?}", strict.writes("a"));
    // The other one tries again ever less often, and each of its passes is put right at once.
    strict.report("a", |r| passed(r).is_some_and(|p| p.0 == "True")).await;
    strict.reason("a", "RequiredFailed").await;
    strict.stop().await;
    lax.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_newer_version_stay_until_the_next_write_and_cause_none() {
    let plane = plane(|crd| {
        schema(crd, "status")["novel"] = json!({"type": "string"});
    })
    .await;
    serves(plane, "testrunreports.status.novel", true).await;
    let namespace = plane.namespace("novel").await.unwrap();
    let bench = Bench::start_in(plane, namespace, SLOW, red()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    bench.forge("a", json!({"novel": "of a newer version"})).await;
    let novel = async || {
        let path = "jsonpath={.status.novel}";
        plane.kubectl_ok(&["get", "trr", "a", "-n", &bench.namespace, "-o", path]).await.unwrap()
    };
    let looked = async |at: &str| {
        let looks = bench.script.looks().len();
        look(&bench, at).await;
        bench.script.until("the look", |l| l.len() > looks).await;
        // Whatever follows from it is done before the look at another one ends.
        bench.create(at, json!({})).await;
        bench.report(at, |r| passed(r).is_some_and(|p| p.1 != "NotReconciled")).await;
    };
    looked("one").await;
    assert_eq!(novel().await, "of a newer version");
    assert_eq!(bench.writes("a"), [200], "what it does not know is no change");
    bench.script.say(green());
    looked("two").await;
    bench.reason("a", "AllRequiredSucceeded").await;
    assert_eq!(novel().await, "", "a status is always written whole");
    bench.stop().await;
    end(plane);
}

/// A pull request whose only job has ended like this.
pub fn ended(conclusion: &'static str) -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").pull_request(20);
        s.repo(REPO).add_run(run.job((501, "unit")));
        s.job(501).start();
    }));
    gh.pause();
    gh.advance(secs(60));
    gh.update(|s| {
        s.job(501).complete(conclusion);
        s.run(77).settle();
    });
    gh.advance(secs(600));
    gh
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_definition_costs_fields_and_neither_writes_nor_reruns_without_end() {
    let cut = ["assessment", "recommendation", "reruns", "told", "transitions"];
    let plane = plane(|crd| {
        let status = schema(crd, "status").as_object_mut().unwrap();
        cut.iter().for_each(|field| drop(status.remove(*field).unwrap()));
        let spec = schema(crd, "spec").as_object_mut().unwrap();
        spec.remove("localResults").unwrap();
    })
    .await;
    serves(plane, "testrunreports.status.reruns", false).await;
    let (namespace, gh) = (plane.namespace("older").await.unwrap(), ended("failure"));
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    let mark = plane.audit_mark().unwrap();
    let again = json!({"rerun": {"maxAttempts": 3}});
    reports::create(plane, &namespace, "again", reports::of_pull_with(REPO, 20, again)).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    let report = reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    assert!(cut.iter().all(|field| report["status"][*field].is_null()), "{report:#}");
    // It looks again and again, and finds what it wrote.
    let rested = async || {
        (operator.metric("testrun_reconciles_total{outcome=\"unchanged\"}").await >= 6.0).then_some(())
    };
    eventually(|| "looks that write nothing", rested).await;
    let writes = |name: &str| {
        let events = plane.audit_events_since(mark).unwrap();
        let own = |e: &&testkit::controlplane::AuditEvent| {
            e.target() == "testrunreports/status" && e.object_ref.as_ref().is_some_and(|o| o.name == name)
        };
        events.iter().filter(own).count()
    };
    for name in ["r", "again"] {
        assert!(writes(name) <= 4, "{} writes of {name}", writes(name));
    }
    // A re-run of which no record can be kept would be asked for with each look, and by each process.
    let asked: Vec<_> = gh.writes().into_iter().map(|w| w.path).collect();
    assert_eq!(asked, Vec::<String>::new());
    // One word for all reports, and another one for fields that only a later one has.
    for field in ["status.transitions", "status.reruns"] {
        eventually(|| format!("a word of {field}"), async || (operator.logged(field) > 0).then_some(()))
            .await;
    }
    assert!((1..=2).contains(&operator.logged("the API server does not keep")));
    for field in ["status.transitions", "status.reruns"] {
        assert_eq!(operator.logged(field), 1, "{field}");
    }
    operator.until_metric("testrun_status_fields_dropped", |n| n >= 3.0).await;

    // The definition of this version is applied, and the operator told to look.
    cluster::install(plane).await;
    serves(plane, "testrunreports.status.reruns", true).await;
    let look = json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}}).to_string();
    plane.kubectl_ok(&["patch", "trr", "r", "-n", &namespace, "--type=merge", "-p", &look]).await.unwrap();
    let whole = async || {
        let report = reports::get(plane, &namespace, "r").await;
        let status = &report["status"];
        (status["transitions"].is_array() && status["assessment"].is_object()).then_some(())
    };
    eventually(|| "the fields to be back", whole).await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    end(plane);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_migrated_to_another_storage_version_and_nothing_is_lost() {
    let plane = plane(|crd| {
        let mut next = crd["spec"]["versions"][0].clone();
        next["name"] = json!("v1alpha2");
        next["storage"] = json!(false);
        crd["spec"]["versions"].as_array_mut().unwrap().push(next);
        crd["spec"]["conversion"] = json!({"strategy": "None"});
    })
    .await;
    let (namespace, gh) = (plane.namespace("storage").await.unwrap(), ended("failure"));
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    let before = reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    assert_eq!(stored(plane, &namespace).await["apiVersion"], "testrun.dev/v1alpha1");

    let flip = json!([{"op": "replace", "path": "/spec/versions/0/storage", "value": false},
        {"op": "replace", "path": "/spec/versions/1/storage", "value": true}])
    .to_string();
    plane.kubectl_ok(&["patch", REPORTS, "--type=json", "-p", &flip]).await.unwrap();
    let versions = async || {
        let path = "jsonpath={.status.storedVersions[*]}";
        plane.kubectl_ok(&["get", REPORTS, "-o", path]).await.unwrap()
    };
    eventually(|| "both to be stored", async || (versions().await == "v1alpha1 v1alpha2").then_some(()))
        .await;
    let mark = plane.audit_mark().unwrap();
    // As the migrator of Kubernetes does it: each object is read and written as it is. A write of what is there
    // already is one where it is stored otherwise; the server may not have taken up the new version at once.
    let migrated = async || {
        let object = plane
            .admin()
            .json(&["get", "testrunreports.v1alpha2.testrun.dev", "r", "-n", &namespace])
            .await
            .ok()?;
        plane.admin().with_file(&object.to_string(), &["replace"]).await.ok()?;
        (stored(plane, &namespace).await["apiVersion"] == "testrun.dev/v1alpha2").then_some(())
    };
    eventually(|| "the object to be stored anew", migrated).await;
    let patch = json!({"status": {"storedVersions": ["v1alpha2"]}}).to_string();
    plane
        .kubectl_ok(&["patch", REPORTS, "--subresource=status", "--type=merge", "-p", &patch])
        .await
        .unwrap();
    assert_eq!(versions().await, "v1alpha2");

    let after = reports::get(plane, &namespace, "r").await;
    for part in ["spec", "status"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
    // The operator has looked since, and goes on with what happens.
    let looks = operator.metric("testrun_reconciles_total").await;
    let more = async || (operator.metric("testrun_reconciles_total").await >= looks + 2.0).then_some(());
    eventually(|| "looks after the migration", more).await;
    let events = plane.audit_events_since(mark).unwrap();
    let own = events.iter().filter(|e| e.target() == "testrunreports/status").count();
    assert_eq!(own, 0, "the migration is no reason to write");
    gh.update(|s| {
        s.run(77).rerun("someone", |_| true);
        let again = s.repos[0].jobs.iter().map(|j| j.id).max().unwrap();
        s.job(again).start();
        s.job(again).complete("success");
        s.run(77).settle();
    });
    gh.advance(secs(600));
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(stored(plane, &namespace).await["apiVersion"], "testrun.dev/v1alpha2", "whoever writes it");
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    end(plane);
}

/// The report `r` as it is in etcd.
async fn stored(plane: &ControlPlane, namespace: &str) -> Value {
    use base64::Engine;
    let code = base64::engine::general_purpose::STANDARD;
    let key = code.encode(format!("/registry/testrun.dev/testrunreports/{namespace}/r"));
    let found = super::servers::etcd(plane, "/v3/kv/range", json!({"key": key})).await;
    let value = found["kvs"][0]["value"].as_str().expect("it is stored");
    serde_json::from_slice(&code.decode(value).unwrap()).unwrap()
}
