//! More than there may be, and what the API server refuses.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Bench, REPO, SLOW, github, spec};

#[tokio::test(flavor = "multi_thread")]
async fn over_its_bound_a_set_keeps_the_newest_and_says_so() {
    let gh = github();
    gh.update(|s| {
        for number in 21..=250 {
            s.repo(REPO).pull_request(spec(number));
        }
    });
    let bench = Bench::start(gh, "bounds", &SLOW).await;
    // Suspended reports, so that only the set asks GitHub.
    let template = json!({"spec": {"suspend": true}});
    bench.set("shop", json!({"template": template, "retention": {"maxReports": 120}})).await;
    let message = bench.says("shop", "WithinBound", "False/OverBound").await;
    assert!(message.contains("at least 200 pull requests are selected"), "{message}");
    bench.says("shop", "Ready", "True/UpToDate").await;
    let mut newest: Vec<String> = (131..=250).map(|n| format!("shop-pr-{n}")).collect();
    newest.sort();
    assert_eq!(bench.names().await, newest);
    let asked: Vec<String> = bench.gh.requests().iter().map(|r| r.path.clone()).collect();
    assert_eq!(asked.len(), 3, "one page that all share, and two by age: {asked:#?}");

    // A newer one pushes the oldest out; one that is closed lets it in again. The list is not read for that.
    bench.gh.forget_requests();
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(251));
    });
    bench.until("shop-pr-251", |_| true).await;
    let pushed_out = async |name: &str, there: bool| {
        crate::cluster::eventually(
            || format!("{name} to be there: {there}"),
            async || (bench.report(name).await.is_some() == there).then_some(()),
        )
        .await;
    };
    pushed_out("shop-pr-131", false).await;
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(200, true);
    });
    pushed_out("shop-pr-200", false).await;
    pushed_out("shop-pr-131", true).await;
    assert_eq!(bench.names().await.len(), 120);
    let asked: BTreeSet<String> = bench.gh.requests().iter().map(|r| r.path.clone()).collect();
    assert_eq!(asked, [200, 251].map(|n| format!("/repos/{REPO}/pulls/{n}")).into());
    bench.set("shop", json!({"template": template, "retention": {"maxReports": 1000}})).await;
    bench.says("shop", "WithinBound", "True/WithinBound").await;
    bench.says("shop", "Ready", "True/UpToDate").await;
    assert_eq!(bench.names().await.len(), 231);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_open_pull_requests_than_are_looked_through_a_set_says_that_older_ones_were_not() {
    let gh = github();
    gh.update(|s| {
        // Each of three thousand pull requests would be compared with GitHub's description of one.
        s.check_answers = false;
        for number in 21..=3200 {
            let pull = spec(number);
            s.repo(REPO).pull_request(if number % 1000 == 0 { pull.label("e2e") } else { pull });
        }
    });
    let bench = Bench::start(gh, "reach", &SLOW).await;
    let spec =
        json!({"template": {"spec": {"suspend": true}}, "generators": {"pullRequests": {"labels": ["e2e"]}}});
    bench.set("shop", spec).await;
    let message = bench.says("shop", "WithinBound", "False/OverBound").await;
    assert!(message.starts_with("the newest 3000 pull requests were looked through"), "{message}");
    bench.says("shop", "Ready", "True/UpToDate").await;
    bench.reports(&["shop-pr-1000", "shop-pr-2000", "shop-pr-3000"]).await;
    let asked = bench.gh.requests().len();
    assert_eq!(asked, 32, "the page that all share, and thirty-one by age");

    // What changes within reach is read by itself.
    bench.gh.forget_requests();
    bench.gh.update(|s| {
        s.repo(REPO).close_pull(2000, true);
    });
    bench.reports(&["shop-pr-1000", "shop-pr-3000"]).await;
    let asked: BTreeSet<String> = bench.gh.requests().iter().map(|r| r.path.clone()).collect();
    assert_eq!(asked, [format!("/repos/{REPO}/pulls/2000")].into());
    bench.says("shop", "WithinBound", "False/OverBound").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_refuses_is_said_in_its_words() {
    let bench = Bench::start(github(), "refused", &SLOW).await;
    let labels = |labels: serde_json::Value| json!({"template": {"metadata": {"labels": labels}}});
    bench.set("shop", labels(json!({"not a label": "x"}))).await;
    let message = bench.says("shop", "Ready", "False/ReportRefused").await;
    assert!(
        message.contains("shop-pr-20") && message.contains("metadata.labels: Invalid value"),
        "{message}"
    );
    bench.says("shop", "Stalled", "True/ReportRefused").await;
    bench.set("shop", labels(json!({"a-label": "{{nmber}}"}))).await;
    let message = bench.says("shop", "Ready", "False/InvalidSpec").await;
    assert!(
        message.contains("spec.template.metadata.labels[a-label]: {{nmber}} is no placeholder"),
        "{message}"
    );
    assert_eq!(bench.names().await, Vec::<String>::new());
    bench.set("shop", labels(json!({"a-label": "{{number}}"}))).await;
    bench.reports(&["shop-pr-20"]).await;

    // Suspended, it does nothing.
    bench.set("shop", json!({"suspend": true})).await;
    bench.says("shop", "Ready", "Unknown/Suspended").await;
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(spec(21)).close_pull(20, true);
    });
    bench.set("other", json!({})).await;
    bench.reports(&["other-pr-21", "shop-pr-20"]).await;
    bench.set("shop", json!({})).await;
    bench.reports(&["other-pr-21", "shop-pr-21"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_no_report_could_carry_out_makes_none() {
    let gh = github();
    gh.update(|s| {
        s.repo(REPO).pull_request(spec(21));
    });
    let bench = Bench::start(gh, "template", &SLOW).await;
    let matching = |job: &str| {
        json!({"template": {"spec": {"suites": [{"name": "unit", "match": [{"job": "unit"}]},
            {"name": "e2e", "match": [{"workflow": "CI"}, {"job": job}]}]}}})
    };
    // The API server takes this for a regular expression, the operator's own engine does not.
    bench.set("shop", matching(r"\Qe2e (slow)\E")).await;
    let message = bench.says("shop", "Ready", "False/InvalidSpec").await;
    assert!(message.starts_with("spec.template.spec.suites[1].match[1].job: "), "{message}");
    bench.says("shop", "Stalled", "True/InvalidSpec").await;
    assert_eq!(bench.names().await, Vec::<String>::new());
    bench.set("shop", matching("e2e-.*")).await;
    bench.reports(&["shop-pr-20", "shop-pr-21"]).await;
    // What there is stays as it was.
    bench.set("shop", matching(r"\pL{900}")).await;
    bench.says("shop", "Stalled", "True/InvalidSpec").await;
    let report = bench.report("shop-pr-20").await.unwrap();
    assert_eq!(report["spec"]["suites"][1]["match"][1]["job"], "e2e-.*");
    bench.end().await;
}
