//! A report comes with its pull request, follows it, and goes with it.

use std::time::Duration;

use serde_json::json;
use testkit::github::{Request, sha_of};

use super::{Bench, REPO, SLOW, github, spec};
use crate::cluster::audited;
use crate::story::condition;

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_has_a_report_as_long_as_it_is_open() {
    let bench = Bench::start(github(), "life", &SLOW).await;
    let metadata = json!({"labels": {"branch": "{{branch}}"}, "annotations": {"title": "{{title}}"}});
    let template = json!({"metadata": metadata, "spec": {"gate": {"settleSeconds": 0}, "workflows": ["CI"]}});
    bench.set("shop", json!({"template": template})).await;
    let report = bench.until("shop-pr-20", |r| condition(r, "SourceAvailable") == "True/Read").await;
    assert_eq!(report["metadata"]["labels"]["branch"], "feature-20");
    assert_eq!(report["metadata"]["labels"]["testrun.dev/set"], "shop");
    assert_eq!(report["metadata"]["annotations"]["title"], "Change 20");
    assert_eq!(report["spec"]["source"]["github"]["pullRequest"], 20);
    assert_eq!(report["spec"]["workflows"], json!(["CI"]));
    let owner = &report["metadata"]["ownerReferences"][0];
    assert_eq!(
        (owner["kind"].as_str(), owner["controller"].as_bool()),
        (Some("TestRunReportSet"), Some(true))
    );
    bench.told("shop", "1 pull request selected, 1 report").await;

    // Opened, told of, there.
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21));
    });
    bench.until("shop-pr-21", |_| true).await;
    bench.until("shop-pr-21", |r| condition(r, "SourceAvailable") == "True/Read").await;

    // The report follows the pull request by itself.
    bench.gh.update(|s| {
        s.repo(REPO).push(21, &sha_of("pushed"), false);
    });
    bench.until("shop-pr-21", |r| r["status"]["source"]["sha"] == sha_of("pushed")).await;

    // What somebody else changed in it is put right, what they added stays.
    let patch = json!({"spec": {"gate": {"mode": "Report"}, "localResults": [{"suite": "unit"}]},
        "metadata": {"labels": {"mine": "yes", "branch": null}}});
    let n = format!("--namespace={}", bench.namespace);
    let patch =
        ["patch", "trr", "shop-pr-21", &n, "--type=merge", "-p", &patch.to_string()].map(str::to_owned);
    bench.plane.kubectl_ok(&patch.each_ref().map(String::as_str)).await.unwrap();
    let right = |r: &serde_json::Value| {
        r["spec"]["gate"]["mode"] == "Enforce" && r["metadata"]["labels"]["branch"] == "feature-21"
    };
    let report = bench.until("shop-pr-21", right).await;
    assert_eq!(report["metadata"]["labels"]["mine"], "yes");
    assert_eq!(report["spec"]["localResults"], json!([{"suite": "unit"}]));

    // One that is deleted comes back; one that is closed goes.
    let uid = report["metadata"]["uid"].clone();
    bench.delete("trr", "shop-pr-21").await;
    bench.until("shop-pr-21", |r| r["metadata"]["uid"] != uid).await;
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(20, true);
    });
    bench.reports(&["shop-pr-21"]).await;
    bench.gh.update(|s| s.repo(REPO).pull(20).state = "open".into());
    bench.gh.update(|s| {
        s.repo(REPO).label_pull(20, &["reopened"]);
    });
    bench.reports(&["shop-pr-20", "shop-pr-21"]).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_template_and_generator_are_carried_out() {
    let gh = github();
    gh.update(|s| {
        s.repo(REPO)
            .pull_request(spec(21).label("ci"))
            .pull_request(spec(22).draft())
            .pull_request(spec(23).author("robot"));
    });
    let bench = Bench::start(gh, "change", &SLOW).await;
    bench.set("shop", json!({})).await;
    bench.reports(&["shop-pr-20", "shop-pr-21", "shop-pr-22", "shop-pr-23"]).await;
    bench
        .set("shop", json!({"generators": {"pullRequests": {"draft": false, "authors": ["octo-dev"]}}}))
        .await;
    bench.reports(&["shop-pr-20", "shop-pr-21"]).await;
    bench.set("shop", json!({"generators": {"pullRequests": {"labels": ["CI"]}}})).await;
    bench.reports(&["shop-pr-21"]).await;
    bench.gh.update(|s| {
        s.repo(REPO).label_pull(22, &["bug", "ci"]);
    });
    bench.reports(&["shop-pr-21", "shop-pr-22"]).await;

    // By what they would be merged into; one that is retargeted comes or goes.
    bench.gh.update(|s| {
        s.repo(REPO).branch("release/1", &sha_of("release")).pull_request(spec(24).base("release/1"));
    });
    bench.set("shop", json!({"generators": {"pullRequests": {"baseBranches": ["release/*"]}}})).await;
    bench.reports(&["shop-pr-24"]).await;
    bench.gh.update(|s| {
        s.repo(REPO).retarget(21, "release/1");
    });
    bench.reports(&["shop-pr-21", "shop-pr-24"]).await;
    bench.gh.update(|s| {
        s.repo(REPO).retarget(24, "main");
    });
    bench.reports(&["shop-pr-21"]).await;

    // A report for each commit: after a push another one.
    let follow = json!({"follow": "Commit", "metadata": {"name": "at-{{head_short_sha}}"}});
    let one = json!({"template": follow, "generators": {"pullRequests": {"draft": true}}});
    bench.set("shop", one).await;
    let of = |sha: &str| format!("at-{}", &sha[..8]);
    let head = sha_of("head of 22");
    bench.reports(&[&of(&head)]).await;
    let report = bench.until(&of(&head), |_| true).await;
    assert_eq!(report["spec"]["source"]["github"]["sha"], head);
    assert_eq!(report["spec"]["gate"], json!(null), "what the template has no more is gone");
    bench.gh.update(|s| {
        s.repo(REPO).push(22, &sha_of("pushed"), false);
    });
    bench.reports(&[&of(&sha_of("pushed"))]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written_and_a_slow_list_is_shared() {
    let bench = Bench::start(github(), "rest", &["--poll-interval", "1s", "--refresh-interval", "2s"]).await;
    bench.set("shop", json!({})).await;
    bench.set("twin", json!({})).await;
    bench.reports(&["shop-pr-20", "twin-pr-20"]).await;
    for name in ["shop", "twin"] {
        bench.says(name, "Ready", "True/UpToDate").await;
        bench.until(&format!("{name}-pr-20"), |r| condition(r, "Passed") == "Unknown/Pending").await;
    }
    let lists = |requests: &[Request]| requests.iter().filter(|r| r.path.ends_with("/pulls")).count();
    // What follows from what was just seen is over with the next list, and in the log of requests.
    bench.gh.forget_requests();
    assert!(bench.gh.until(Duration::from_secs(60), |r| lists(r) >= 1).await);
    audited(bench.plane).await;
    bench.gh.forget_requests();
    let mark = bench.plane.audit_mark().unwrap();
    assert!(bench.gh.until(Duration::from_secs(60), |r| lists(r) >= 5).await);
    let requests = bench.gh.requests();
    let asked: Vec<_> = requests.iter().filter(|r| r.path.ends_with("/pulls")).collect();
    assert!(asked.iter().all(|r| r.query == asked[0].query), "one list for sets and reports: {asked:#?}");
    assert!(asked.iter().all(|r| !r.counted), "none of them costs anything of the limit");
    let events = bench.plane.audit_events_since(mark).unwrap();
    let own = |e: &&testkit::controlplane::AuditEvent| e.is_write() && e.namespace() == bench.namespace;
    let writes: Vec<_> = events.iter().filter(own).map(|e| (&e.verb, &e.request_uri)).collect();
    assert!(writes.is_empty(), "{writes:?}");

    // Without webhooks the list alone brings and removes reports.
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21)).close_pull(20, false);
    });
    bench.reports(&["shop-pr-21", "twin-pr-21"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_webhook_that_brings_a_report_and_takes_it_away() {
    // Asked for once an hour. Suspended reports, so that no list of theirs tells the set.
    let bench = Bench::start(github(), "told", &SLOW).await;
    let suspended = json!({"template": {"spec": {"suspend": true}}});
    let hold = |held: bool| {
        bench.gh.update(|s| match held {
            true => s.hooks.held = true,
            false => s.hooks.release(),
        });
    };
    bench.set("shop", suspended.clone()).await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.reports(&["shop-pr-20"]).await;

    // Opened, but nobody was told: another set, which is new, looks and sees it, and this one does not.
    hold(true);
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21));
    });
    bench.set("after", suspended.clone()).await;
    bench.says("after", "Ready", "True/UpToDate").await;
    bench.reports(&["after-pr-20", "after-pr-21", "shop-pr-20"]).await;
    bench.gh.forget_requests();
    audited(bench.plane).await;
    let mark = bench.plane.audit_mark().unwrap();
    hold(false);
    bench.until("shop-pr-21", |_| true).await;
    let requests = bench.gh.requests();
    assert!(requests[0].path.ends_with("/pulls"), "first the list, as nothing of an event is believed");
    audited(bench.plane).await;
    let events = bench.plane.audit_events_since(mark).unwrap();
    // Not the statuses of those that were made before.
    let of = |e: &&testkit::controlplane::AuditEvent| {
        e.is_write() && e.namespace() == bench.namespace && e.target() == "testrunreports"
    };
    let first = events.iter().find(of).expect("the report was made after the delivery");
    assert!(first.request_uri.contains("/testrunreports/shop-pr-21"), "{}", first.request_uri);
    // The delivery was answered before GitHub was asked.
    let told = bench.gh.deliveries();
    assert_eq!(told.iter().map(|d| d.event.as_str()).collect::<Vec<_>>(), ["ping", "pull_request"]);

    // Closed, and the same the other way round.
    bench.says("after", "Ready", "True/UpToDate").await;
    hold(true);
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(21, true);
    });
    bench.set("later", suspended).await;
    bench.says("later", "Ready", "True/UpToDate").await;
    bench.reports(&["after-pr-20", "after-pr-21", "later-pr-20", "shop-pr-20", "shop-pr-21"]).await;
    hold(false);
    bench.reports(&["after-pr-20", "later-pr-20", "shop-pr-20"]).await;
    bench.end().await;
}
