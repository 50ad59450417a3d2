//! Deployments that wait for the verdict, with the real operator, the real API server and a GitHub that asks.

use serde_json::{Value, json};
use testkit::github::{Fault, Match, Request, RunSpec, Scenario, sha_of};

use super::*;
use crate::reports;

const REPO: &str = "acme/shop";
const CONFIG: &str = "connections:\n- name: gh\n  url: URL\n  tokenFile: TOKEN\n  namespaces: ['*']\n  \
    repositories: ['acme/*']\n  publish: {environments: [production]}\n";

/// A repository whose tests ended like that, and the deployment job 502 of the same run.
fn scenario(tests: &'static str) -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(move |s| {
        s.add_repo(REPO).branch("main", &sha_of("head"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main");
        s.repo(REPO).add_run(run.sha(sha_of("head")).job((501, "unit")).job((502, "deploy")));
        s.job(501).start();
        s.job(501).complete(tests);
        s.job(502).wait_for("production", false);
    }));
    gh.pause();
    gh.advance(secs(60));
    gh
}

struct Bench {
    plane: &'static ControlPlane,
    namespace: String,
    gh: GitHub,
    files: tempfile::TempDir,
}

impl Bench {
    async fn new(name: &str, gh: GitHub) -> Self {
        let plane = cluster().await;
        let namespace = plane.namespace(name).await.unwrap();
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("token"), testkit::github::TOKEN).unwrap();
        let config = CONFIG.replace("URL", gh.url()).replace("TOKEN", &path("token"));
        std::fs::write(path("config.yaml"), config).unwrap();
        Self { plane, namespace, gh, files }
    }

    async fn operator(&self, more: &[&str]) -> Operator {
        let config = self.files.path().join("config.yaml").to_string_lossy().into_owned();
        let mut args = vec!["--config", &config, "--refresh-interval", "1s"];
        args.extend(more);
        Operator::start(self.plane, &self.namespace, self.gh.url(), &args).await
    }

    async fn create(&self, name: &str, tests: &str, environment: &str) {
        let spec = json!({
            "source": {"github": {"connection": "gh", "repository": REPO, "sha": sha_of("head")}},
            "gate": {"settleSeconds": 0},
            "suites": [{"name": "Tests", "match": [{"job": tests}]},
                {"name": "Deployments", "policy": "Informational", "match": [{"job": "^deploy"}]}],
            "publish": {"deploymentProtection": {"environments": [environment]}}});
        reports::create(self.plane, &self.namespace, name, spec).await;
    }

    async fn until(&self, name: &str, kind: &str, want: &str) -> Value {
        reports::until(self.plane, &self.namespace, name, kind, want).await
    }

    /// Waits for the first answer; in vain, it tells what the reports say.
    async fn answered(&self) -> Value {
        let said = std::cell::RefCell::new(String::new());
        let answer = async || {
            let args = ["get", "trr", "-n", &self.namespace, "-o", "jsonpath={.items[*].status}"];
            said.replace(self.plane.kubectl_ok(&args).await.unwrap());
            self.answers().first().cloned()
        };
        eventually(|| format!("the answer: {}", said.borrow()), answer).await
    }

    fn answers(&self) -> Vec<Value> {
        let rule = |r: &Request| r.path.ends_with("/deployment_protection_rule");
        self.gh.writes().into_iter().filter(rule).map(|r| r.body.unwrap()).collect()
    }

    fn clean(&self) {
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
        let others =
            self.gh.writes().into_iter().filter(|r| !r.path.ends_with("/deployment_protection_rule"));
        assert_eq!(others.map(|r| r.path).collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_pass_lets_the_deployment_through_once() {
    let bench = Bench::new("approve", scenario("success")).await;
    bench.create("r", "^unit$", "production").await;
    let operator = bench.operator(&[]).await;
    bench.answered().await;
    let answers = bench.answers();
    assert_eq!(
        (&answers[0]["environment_name"], &answers[0]["state"]),
        (&json!("production"), &json!("approved"))
    );
    let comment = answers[0]["comment"].as_str().unwrap();
    assert!(comment.contains(&sha_of("head")) && comment.len() <= 1024, "{comment}");
    // While it deploys the commit is not at rest; after that it is as it was.
    bench.until("r", "Passed", "Unknown/Running").await;
    bench.gh.advance(secs(60));
    bench.gh.update(|s| {
        s.job(502).complete("success");
        s.run(77).settle();
    });
    let report = bench.until("r", "Passed", "True/AllRequiredSucceeded").await;
    let record = &report["status"]["deployments"][0];
    assert_eq!(
        (&record["runId"], &record["attempt"], &record["jobs"]),
        (&json!(77), &json!(1), &json!([502]))
    );
    assert!(record["acceptedAt"].is_string() && record["refused"].is_null(), "{record}");
    bench.until("r", "Published", "True/Published").await;
    operator.stop().await;
    assert_eq!(bench.answers().len(), 1);
    bench.clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_failure_rejects_it_and_what_is_open_waits() {
    let bench = Bench::new("reject", scenario("failure")).await;
    bench.create("r", "^unit$", "production").await;
    let operator = bench.operator(&[]).await;
    bench.answered().await;
    assert_eq!(bench.answers()[0]["state"], "rejected");
    bench.until("r", "Stalled", "True/RequiredFailed").await;
    operator.stop().await;
    assert_eq!(bench.answers().len(), 1);
    bench.clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_reports_the_worse_one_counts_and_a_denied_one_says_nothing() {
    let bench = Bench::new("rivals", scenario("success")).await;
    // The strict one expects a job that never came.
    bench.create("strict", "^(unit|e2e)$", "production").await;
    let expects = r#"{"spec":{"suites":[{"name":"Tests","match":[{"job":"^(unit|e2e)$"}],"expect":{"jobs":["unit","e2e"]}},
        {"name":"Deployments","policy":"Informational","match":[{"job":"^deploy"}]}]}}"#;
    let patch = ["patch", "trr", "strict", "-n", &bench.namespace, "--type=merge", "-p", expects];
    bench.plane.kubectl_ok(&patch).await.unwrap();
    bench.create("lenient", "^unit$", "production").await;
    // One that the administrator does not let answer keeps nobody from it.
    bench.create("denied", "^unit$", "staging").await;
    let both = r#"{"spec":{"publish":{"deploymentProtection":{"environments":["production","staging"]}}}}"#;
    bench
        .plane
        .kubectl_ok(&["patch", "trr", "denied", "-n", &bench.namespace, "--type=merge", "-p", both])
        .await
        .unwrap();
    let operator = bench.operator(&[]).await;
    bench.until("lenient", "Passed", "True/AllRequiredSucceeded").await;
    bench.until("strict", "Passed", "Unknown/Expecting").await;
    let denied = bench.until("denied", "Passed", "Unknown/ConnectionDenied").await;
    assert!(denied.to_string().contains("does not allow to publish under"), "{denied}");
    let looks = operator.metric("testrun_reconciles_total").await;
    let more = async || (operator.metric("testrun_reconciles_total").await >= looks + 4.0).then_some(());
    eventually(|| "more looks", more).await;
    assert_eq!(bench.answers().len(), 0, "{:?}", bench.answers());
    bench.plane.kubectl_ok(&["delete", "trr", "strict", "-n", &bench.namespace]).await.unwrap();
    bench.answered().await;
    operator.stop().await;
    assert_eq!(bench.answers().len(), 1);
    bench.clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_are_decided_at_once_give_one_answer() {
    for (tests, state) in [("success", "approved"), ("failure", "rejected")] {
        let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
            s.add_repo(REPO).branch("main", &sha_of("head"));
            let run =
                RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main");
            s.repo(REPO).add_run(run.sha(sha_of("head")).job((501, "unit")).job((502, "deploy")));
            s.job(501).start();
        }));
        gh.pause();
        let bench = Bench::new("at-once", gh).await;
        let names = ["r1", "r2", "r3", "r4"];
        for name in names {
            bench.create(name, "^unit$", "production").await;
        }
        let operator = bench.operator(&[]).await;
        for name in names {
            bench.until(name, "Passed", "Unknown/Running").await;
        }
        // Whoever asks what waits hears what was true a second ago.
        bench.gh.fail(Match::path("/pending_deployments$"), Fault::Delay(secs(1)));
        bench.gh.advance(secs(60));
        bench.gh.update(|s| {
            s.job(501).complete(tests);
            s.job(502).wait_for("production", false);
        });
        bench.gh.advance(secs(60));
        bench.answered().await;
        bench.gh.clear_faults();
        // Each of them looks again, because it is told to, and finds it answered.
        let looks = operator.metric("testrun_reconciles_total").await;
        let look = json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}}).to_string();
        for name in names {
            let patch = ["patch", "trr", name, "-n", &bench.namespace, "--type=merge", "-p", &look];
            bench.plane.kubectl_ok(&patch).await.unwrap();
        }
        let more = async || (operator.metric("testrun_reconciles_total").await >= looks + 4.0).then_some(());
        eventually(|| "more looks", more).await;
        operator.stop().await;
        let given: Vec<Value> = bench.answers().iter().map(|a| a["state"].clone()).collect();
        assert_eq!(given, [state]);
        bench.clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_record_and_the_answer_it_is_given_once_all_the_same() {
    let bench = Bench::new("answer-crash", scenario("success")).await;
    bench.create("r", "^unit$", "production").await;
    // The first request of an answer asks whether the run still waits.
    bench.gh.fail(Match::path("/actions/runs/77$"), Fault::Hang);
    let mut operator = bench.operator(&[]).await;
    assert!(bench.gh.until(secs(60), |all| all.iter().any(|r| r.path.ends_with("/actions/runs/77"))).await);
    operator.kill().await;
    bench.gh.clear_faults();
    assert_eq!(bench.answers().len(), 0);
    let args = ["get", "testrunreport", "r", "-n", &bench.namespace];
    let mut record = bench.plane.admin().json(&args).await.unwrap()["status"]["deployments"][0].clone();
    assert_eq!((&record["state"], &record["acceptedAt"]), (&json!("approved"), &Value::Null), "{record}");
    // As if three minutes had passed.
    let asked: jiff::Timestamp = record["requestedAt"].as_str().unwrap().parse().unwrap();
    record["requestedAt"] = (asked - jiff::SignedDuration::from_mins(3)).to_string().into();
    let status = json!({"status": {"deployments": [record]}}).to_string();
    let patch =
        ["patch", "trr", "r", "-n", &bench.namespace, "--subresource=status", "--type=merge", "-p", &status];
    bench.plane.kubectl_ok(&patch).await.unwrap();
    // Two at once, neither of which knows of the other.
    let (one, two) = (bench.operator(&[]).await, bench.operator(&[]).await);
    bench.answered().await;
    bench.until("r", "Passed", "Unknown/Running").await;
    bench.gh.advance(secs(60));
    bench.gh.update(|s| {
        s.job(502).complete("success");
        s.run(77).settle();
    });
    let report = bench.until("r", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(report["status"]["deployments"][0]["tries"], 2, "{}", report["status"]["deployments"]);
    one.stop().await;
    two.stop().await;
    assert_eq!(bench.answers().len(), 1);
    bench.clean();
}

/// A run whose first job goes on, before one that deploys.
fn going() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).branch("main", &sha_of("head"));
        let run = RunSpec::new(77).workflow("CI", ".github/workflows/ci.yml").event("push").branch("main");
        s.repo(REPO).add_run(run.sha(sha_of("head")).job((501, "unit")).job((502, "deploy")));
        s.job(501).start();
    }));
    gh.pause();
    gh
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_asks_for_a_look_and_is_not_believed() {
    let gh = going();
    let bench = Bench::new("answer-event", gh).await;
    let secret = bench.files.path().join("secret").to_string_lossy().into_owned();
    std::fs::write(&secret, "s3cret").unwrap();
    let config = bench.files.path().join("config.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}  webhookSecretFiles: [{secret}]\n")).unwrap();
    bench.create("r", "^unit$", "production").await;
    // At a pace at which only events can be quick.
    let slow = ["--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr", "127.0.0.1:0"];
    let operator = bench.operator(&slow).await;
    let hooks = operator.webhooks().replace("/github.com", "/gh");
    bench.gh.update(|s| s.send_hooks_to(&hooks, "s3cret"));
    bench.until("r", "Passed", "Unknown/Running").await;
    bench.gh.advance(secs(60));
    bench.gh.update(|s| {
        s.job(501).complete("success");
        s.job(502).wait_for("production", false);
    });
    bench.answered().await;
    operator.stop().await;
    let told =
        bench.gh.deliveries().iter().any(|d| d.event == "deployment_protection_rule" && d.status < 300);
    assert!(told, "{:?}", bench.gh.deliveries().iter().map(|d| (&d.event, d.status)).collect::<Vec<_>>());
    assert_eq!(bench.answers().len(), 1);
    bench.clean();
}

/// Without events a job that begins to wait is seen by a list of the repository, not at the pace of progress; and
/// only where somebody answers.
#[tokio::test(flavor = "multi_thread")]
async fn that_a_job_begins_to_wait_is_noticed_within_a_poll_interval() {
    let gh = going();
    let bench = Bench::new("answer-polled", gh).await;
    let plain =
        json!({"source": {"github": {"connection": "gh", "repository": REPO, "sha": sha_of("head")}}});
    reports::create(bench.plane, &bench.namespace, "plain", plain).await;
    // Nothing but the lists of the repository is asked for by itself.
    let slow = ["--poll-interval", "1s", "--progress-interval", "1h", "--refresh-interval", "1h"];
    let operator = bench.operator(&slow).await;
    let lists = |status: &str| {
        let is = |r: &&Request| r.query.iter().any(|(key, value)| key == "status" && value == status);
        bench.gh.requests().iter().filter(is).count()
    };
    bench.until("plain", "Passed", "Unknown/Running").await;
    eventually(|| "lists".to_owned(), async || (lists("completed") > 2).then_some(())).await;
    assert_eq!(lists("waiting"), 0, "nobody answers");

    bench.create("r", "^unit$", "production").await;
    bench.until("r", "Passed", "Unknown/Running").await;
    eventually(|| "lists".to_owned(), async || (lists("waiting") > 1).then_some(())).await;
    bench.gh.advance(secs(60));
    bench.gh.update(|s| {
        s.job(501).complete("success");
        s.job(502).wait_for("production", false);
    });
    bench.answered().await;
    operator.stop().await;
    assert_eq!(bench.answers().len(), 1);
    let counted = |r: &Request| r.query.iter().any(|(key, value)| key == "status" && value == "waiting");
    let (counted, asked) =
        (bench.gh.counted_requests().into_iter().filter(counted).count(), lists("waiting"));
    assert!(counted <= 4, "{counted} of {asked} count");
    bench.clean();
}
