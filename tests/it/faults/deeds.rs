//! kill -9 before and after every write of a report that lets deployments through and has its verdicts signed.

use std::cell::RefCell;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use testkit::github::{GitHub, Request, RunSpec, Scenario, secs, sha_of};

use super::crash::writes;
use super::life::{Life, REPO};
use crate::api::status::difference;
use crate::cli::repository;
use crate::cluster::cluster;

/// Lives at the same time.
const TOGETHER: usize = 4;
const NAME: &str = "testrun-attestation-r";

fn run(id: u64, job: u64, sha: &str) -> RunSpec {
    let run = RunSpec::new(id).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main");
    run.sha(sha).job((job, "unit")).job((job + 1, "deploy"))
}

async fn born() -> Life {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).branch("main", &sha_of("one"));
        s.repo(REPO).add_run(run(77, 501, &sha_of("one")));
        s.job(501).start();
    }));
    let spec = json!({"source": {"github": {"connection": "gh", "repository": REPO, "branch": "main"}},
        "gate": {"settleSeconds": 0},
        "suites": [{"name": "Tests", "match": [{"job": "^unit$"}]},
            {"name": "Deployments", "policy": "Informational", "match": [{"job": "^deploy"}]}],
        "publish": {"deploymentProtection": {"environments": ["production"]}, "attestation": {}}});
    let plane = cluster().await;
    let namespace = plane.namespace("deeds").await.unwrap();
    let mut life = Life::about(plane, namespace, gh, spec).await;
    let token = life.dir.path().join("token");
    std::fs::write(&token, testkit::github::TOKEN).unwrap();
    let config = json!({
        "attestation": {"keyFile": repository("tests/gating/attestations/ed25519.key"), "namespaces": ["*"]},
        "connections": [{"name": "gh", "url": life.hub.url(), "tokenFile": token, "namespaces": ["*"],
            "repositories": ["acme/*"], "publish": {"environments": ["production"]}}]});
    life.configure(&config.to_string());
    life
}

/// What GitHub was answered, as run and state.
fn answers(life: &Life) -> Vec<(String, String)> {
    let rule = |r: &Request| r.path.ends_with("/deployment_protection_rule");
    let of = |r: Request| {
        let run = r.path.split('/').rev().nth(1).unwrap_or_default().to_owned();
        (run, r.body.unwrap()["state"].as_str().unwrap().to_owned())
    };
    life.gh.writes().into_iter().filter(rule).map(of).collect()
}

/// Result and commit of the statement that is there.
async fn attested(life: &Life) -> Option<(String, String)> {
    let api: Api<ConfigMap> = Api::namespaced(life.direct.clone(), &life.namespace);
    let found = api.get_opt(NAME).await.unwrap()?;
    let label = |name: &str| found.labels()[name].clone();
    Some((label("testrun.dev/result"), label("testrun.dev/commit")))
}

/// From the first commit, which is deployed, to the second, which is not. Gives what the report says in the end.
async fn live(life: &mut Life) -> Value {
    life.create().await;
    life.until_condition("Passed", "Unknown/Running").await;
    life.gh.advance(secs(60));
    life.may_pass();
    life.gh.update(|s| {
        s.job(501).complete("success");
        s.job(502).wait_for("production", false);
    });
    life.gh.advance(secs(5));
    life.until_so(|| "the approval", async |life: &Life| answers(life).len() == 1).await;
    life.until_condition("Passed", "Unknown/Running").await;
    life.until_so(
        || "no statement of a commit that is not at rest",
        async |life: &Life| attested(life).await.is_none(),
    )
    .await;
    life.gh.advance(secs(60));
    life.gh.update(|s| {
        s.job(502).complete("success");
        s.run(77).settle();
    });
    life.gh.advance(secs(5));
    life.until_condition("Passed", "True/AllRequiredSucceeded").await;
    let says = |result: &'static str, commit: &'static str| {
        async move |life: &Life| attested(life).await == Some((result.to_owned(), sha_of(commit)))
    };
    life.until_so(|| "the pass to be signed", says("PASSED", "one")).await;

    // The next commit has not run yet: nothing that is signed is about it, or stays of the one before.
    life.gh.update(|s| {
        s.repo(REPO).branch("main", &sha_of("two"));
    });
    let two = sha_of("two");
    life.until("the new commit", |r| r.is_some_and(|r| r["status"]["source"]["sha"] == *two)).await;
    life.until_so(|| "the old statement to be gone", async |life: &Life| attested(life).await.is_none())
        .await;
    life.gh.update(|s| {
        s.repo(REPO).add_run(run(88, 701, &sha_of("two")));
        s.job(701).start();
        s.job(701).complete("failure");
        s.job(702).wait_for("production", false);
    });
    life.gh.advance(secs(5));
    life.until_so(|| "the rejection", async |life: &Life| answers(life).len() == 2).await;
    life.until_condition("Stalled", "True/RequiredFailed").await;
    // The rejected job has ended too.
    let has_ended = |r: Option<&Value>| {
        let suites = r.and_then(|r| r["status"]["suites"].as_array()).into_iter().flatten();
        let mut jobs = suites.flat_map(|s| s["jobs"].as_array().into_iter().flatten());
        jobs.any(|j| j["name"] == "deploy" && j["state"] == "Failed")
    };
    life.until("the end of the deployment", has_ended).await;
    life.until_so(|| "the failure to be signed", says("FAILED", "two")).await;
    life.until_condition("Published", "True/Published").await;
    said(life).await
}

/// What the report says. Of an answer whose giver died nobody may know when GitHub took it, or at which try.
async fn said(life: &Life) -> Value {
    let mut report = life.said(&life.get().await.unwrap());
    for record in report["deployments"].as_array_mut().into_iter().flatten() {
        let record = record.as_object_mut().unwrap();
        record
            .retain(|name, _| ["runId", "attempt", "environment", "jobs", "state"].contains(&name.as_str()));
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_and_after_every_write_a_deployment_is_answered_once_and_no_old_statement_is_left() {
    let mut life = born().await;
    life.begin().await;
    let expected = live(&mut life).await;
    let of = |life: &Life| [writes(&life.api), writes(&life.hub)];
    let [api, hub] = of(&life);
    let signed = api.iter().filter(|w| w.contains("/configmaps")).count();
    assert_eq!(hub.len(), 2, "{hub:?}");
    assert!(signed >= 4, "made, taken away, made: {api:?}");
    let total = api.len() + hub.len();
    assert_eq!(life.end().await, Vec::<String>::new());

    let runs = (0..total).flat_map(|n| [(n, false), (n, true)]);
    let results = futures::stream::iter(runs).map(|(n, after)| {
        let expected = expected.clone();
        async move {
            let place = format!("{} write {n}", if after { "after" } else { "before" });
            let mut life = born().await;
            life.die_at(n, after);
            life.begin().await;
            live(&mut life).await;
            let differs = RefCell::new(None);
            let what = || format!("{place}: the end of a life without faults: {:?}", differs.borrow());
            let signed = Some(("FAILED".to_owned(), sha_of("two")));
            // A statement is made after the status that it is about: it may be late, and nothing but late.
            let same = async |life: &Life| {
                let (said, attested) = (said(life).await, attested(life).await);
                let missing = (attested != signed).then(|| format!("{attested:?} is signed"));
                differs.replace(difference(&said, &expected, "status").or(missing));
                differs.borrow().is_none()
            };
            life.until_over(n, what, same).await;
            let once = [("77", "approved"), ("88", "rejected")].map(|(r, s)| (r.to_owned(), s.to_owned()));
            assert_eq!(answers(&life), once, "{place}");
            let wrong = life.end().await;
            assert!(wrong.is_empty(), "{place}: {wrong:?}");
        }
    });
    let done = results.buffer_unordered(TOGETHER).collect::<Vec<()>>().await;
    println!("{} crashes, {total} writes without one: {signed} of statements, 2 answers", done.len());
}
