//! Whose a report is: of a set, of another set, of a person.

use serde_json::json;
use testkit::controlplane::ControlPlane;
use tokio::sync::OnceCell;

use super::{Bench, REPO, SLOW, github, spec};
use crate::cli::cluster::cli;
use crate::cluster::install;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_a_person_made_is_never_touched() {
    let bench = Bench::start(github(), "mine", &SLOW).await;
    let before = bench.by_hand("shop-pr-20").await;
    bench.set("shop", json!({})).await;
    let message = bench.says("shop", "Ready", "False/NameTaken").await;
    assert!(message.contains("shop-pr-20 is that of a report that no set made"), "{message}");
    bench.says("shop", "Stalled", "True/NameTaken").await;
    // Others of the set are made all the same, and go without it.
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21));
    });
    bench.reports(&["shop-pr-20", "shop-pr-21"]).await;
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(20, true).close_pull(21, true);
    });
    bench.reports(&["shop-pr-20"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    let after = bench.report("shop-pr-20").await.unwrap();
    for part in ["spec", "metadata"] {
        let without = |report: &serde_json::Value| {
            let mut part = report[part].clone();
            // The status, which is the operator's, has a version and an entry of its own.
            for name in ["resourceVersion", "managedFields"] {
                part.as_object_mut().unwrap().remove(name);
            }
            part
        };
        assert_eq!(without(&after), without(&before), "{part}");
    }

    // Once it is gone the set makes its own.
    bench.gh.update(|s| s.repo(REPO).pull(20).state = "open".into());
    bench.gh.update(|s| {
        s.repo(REPO).label_pull(20, &["again"]);
    });
    bench.says("shop", "Ready", "False/NameTaken").await;
    bench.delete("trr", "shop-pr-20").await;
    bench.until("shop-pr-20", |r| r["metadata"]["ownerReferences"][0]["name"] == "shop").await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sets_that_want_a_name_the_first_keeps_it() {
    let bench = Bench::start(github(), "twins", &SLOW).await;
    let template = |mode: &str| json!({"template": {"metadata": {"name": "pr-{{number}}"}, "spec": {"gate": {"mode": mode}}}});
    bench.set("first", template("Enforce")).await;
    bench.says("first", "Ready", "True/UpToDate").await;
    bench.set("second", template("Report")).await;
    let message = bench.says("second", "Ready", "False/NameTaken").await;
    assert!(message.contains("pr-20 is that of the set first"), "{message}");
    let report = bench.report("pr-20").await.unwrap();
    assert_eq!(report["spec"]["gate"]["mode"], "Enforce");
    assert_eq!(report["metadata"]["ownerReferences"][0]["name"], "first");
    assert_eq!(report["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
    bench.says("first", "Ready", "True/UpToDate").await;
    // When the first lets go the second takes it up.
    bench.set("first", json!({"template": {"metadata": {"name": "other-{{number}}"}}})).await;
    bench.until("pr-20", |r| r["metadata"]["ownerReferences"][0]["name"] == "second").await;
    bench.says("second", "Ready", "True/UpToDate").await;
    bench.end().await;
}

/// A control plane that collects what has no owner any more.
async fn collecting() -> &'static ControlPlane {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    PLANE
        .get_or_init(|| async {
            let plane = ControlPlane::builder().controller_manager(true).start().await.unwrap();
            install(&plane).await;
            plane
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_set_takes_its_reports_with_it_or_leaves_them_as_it_says() {
    let bench = Bench::start_on(collecting().await, github(), "deleted", &SLOW).await;
    let keep = json!({"retention": {"deletionPolicy": "Keep"}});
    bench.by_hand("mine").await;
    bench.set("goes", json!({})).await;
    bench.set("stays", keep.clone()).await;
    bench.set("turned", json!({})).await;
    bench.reports(&["goes-pr-20", "mine", "stays-pr-20", "turned-pr-20"]).await;
    // It turns to Keep while its reports are there: they lose their owner before the set says that it is ready.
    bench.set("turned", keep).await;
    for name in ["goes", "stays", "turned"] {
        bench.says(name, "Ready", "True/UpToDate").await;
    }
    for name in ["stays-pr-20", "turned-pr-20"] {
        let report = bench.report(name).await.unwrap();
        assert_eq!(report["metadata"]["ownerReferences"], json!(null), "{name}");
    }
    for name in ["goes", "stays", "turned"] {
        bench.delete("trrs", name).await;
    }
    bench.reports(&["mine", "stays-pr-20", "turned-pr-20"]).await;
    // A set of the same name is another: what was kept is not its own.
    bench.set("stays", json!({})).await;
    let message = bench.says("stays", "Ready", "False/NameTaken").await;
    assert!(message.contains("a set that is gone"), "{message}");
    bench.reports(&["mine", "stays-pr-20", "turned-pr-20"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_exists_is_turned_over_to_a_set() {
    let bench = Bench::start_on(collecting().await, github(), "adopt", &SLOW).await;
    bench.by_hand("pr-20").await;
    bench.by_hand("mine").await;
    let template = |policy: &str| {
        json!({"template": {"metadata": {"name": "pr-{{number}}"}, "spec": {"workflows": ["CI"]}},
            "retention": {"deletionPolicy": policy}})
    };
    bench.set("shop", template("Delete")).await;
    bench.says("shop", "Ready", "False/NameTaken").await;
    let adopt = async |args: &[&str]| {
        let all: Vec<&str> = ["adopt"].iter().chain(args).copied().collect();
        cli(bench.plane, &bench.namespace, &all).await
    };
    let dry = adopt(&["pr-20", "--set", "shop", "--dry-run"]).await;
    assert_eq!((dry.code, dry.out.as_str()), (0, "pr-20 belongs to the set shop\n"), "{dry:?}");
    bench.says("shop", "Ready", "False/NameTaken").await;
    let other = adopt(&["mine", "--set", "shop"]).await;
    assert!(other.code == 1 && other.err.contains("the set would call it pr-20"), "{other:?}");
    assert_eq!(adopt(&["pr-20", "--set", "none"]).await.code, 1);
    let done = adopt(&["pr-20", "--set", "shop"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    bench.says("shop", "Ready", "True/UpToDate").await;
    let report = bench.until("pr-20", |r| r["spec"]["workflows"] == json!(["CI"])).await;
    assert_eq!(report["metadata"]["labels"]["mine"], "yes", "what was there stays");
    assert!(adopt(&["pr-20", "--set", "shop"]).await.out.contains("already"));

    // The reference that the command wrote goes when the set lets its reports outlive it.
    bench.set("shop", template("Keep")).await;
    bench.until("pr-20", |r| r["metadata"]["ownerReferences"] == json!(null)).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.delete("trrs", "shop").await;
    bench.set("next", template("Delete")).await;
    bench.says("next", "Ready", "False/NameTaken").await;
    let done = adopt(&["pr-20", "--set", "next"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    bench.says("next", "Ready", "True/UpToDate").await;
    bench.delete("trrs", "next").await;
    bench.reports(&["mine"]).await;
    bench.end().await;
}
