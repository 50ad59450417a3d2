//! The real operator at a pace at which only webhooks can be quick.

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{CheckSpec, Fault, GitHub, Match, PullSpec, RunSpec, Scenario, secs, sha_of};

use super::receiver::deliver;
use crate::cluster::{cluster, eventually};
use crate::reports;
use crate::story::operator::Operator;

pub const REPO: &str = "acme/shop";
pub const SECRET: &str = "webhook secret";

/// Nothing is noticed by asking within the time of a test.
const SLOW: [&str; 8] = [
    "--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr", "127.0.0.1:0", "--webhook-secret",
    SECRET,
];

pub fn github() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
    }));
    gh.pause();
    gh
}

struct Bench {
    plane: &'static ControlPlane,
    namespace: String,
    gh: GitHub,
    operator: Operator,
}

impl Bench {
    async fn start(gh: GitHub, name: &str, more: &[&str]) -> Self {
        let plane = cluster().await;
        let namespace = plane.namespace(name).await.unwrap();
        let mut args = SLOW.to_vec();
        args.extend(more);
        let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
        gh.update(|s| s.send_hooks_to(&operator.webhooks(), SECRET));
        Self { plane, namespace, gh, operator }
    }

    async fn create(&self, name: &str, source: Value) {
        let mut github = json!({"repository": REPO});
        github.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        let spec = json!({"source": {"github": github}, "gate": {"settleSeconds": 0}});
        reports::create(self.plane, &self.namespace, name, spec).await;
    }

    async fn until(&self, name: &str, kind: &str, want: &str) -> Value {
        reports::until(self.plane, &self.namespace, name, kind, want).await
    }

    async fn end(self) {
        self.operator.stop().await;
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}

pub fn add_run(gh: &GitHub, id: u64, job: u64) {
    gh.update(|s| {
        s.repo(REPO).add_run(
            RunSpec::new(id)
                .workflow("CI", ".github/workflows/ci.yml")
                .pull_request(20)
                .job((job, "unit"))
                .job((job + 1, "lint")),
        );
    });
}

pub fn finish(gh: &GitHub, run: u64, job: u64, conclusion: &str) {
    gh.advance(secs(10));
    gh.update(|s| {
        s.job(job).start();
        s.job(job + 1).start();
    });
    gh.advance(secs(30));
    gh.update(|s| {
        s.job(job).complete(conclusion);
        s.job(job + 1).complete("success");
        s.run(run).settle();
    });
    gh.advance(secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_alone_carry_a_report_from_nothing_to_its_verdict_and_on() {
    let bench = Bench::start(github(), "hooks", &[]).await;
    bench.create("pr", json!({"pullRequest": 20})).await;
    bench.until("pr", "Passed", "Unknown/Pending").await;

    add_run(&bench.gh, 77, 501);
    bench.until("pr", "Passed", "Unknown/Running").await;
    finish(&bench.gh, 77, 501, "failure");
    bench.until("pr", "Stalled", "True/RequiredFailed").await;

    // Somebody re-runs what failed.
    bench.gh.update(|s| {
        s.run(77).rerun("someone", |job| job.conclusion.as_deref() == Some("failure"));
    });
    bench.until("pr", "Complete", "False/Running").await;
    let again = bench.gh.read(|s| s.repos[0].jobs.iter().map(|j| j.id).max().unwrap());
    bench.gh.update(|s| {
        s.job(again).start();
        s.job(again).complete("success");
        s.run(77).settle();
    });
    bench.gh.advance(secs(5));
    bench.until("pr", "Passed", "True/AllRequiredSucceeded").await;

    // A check of another app arrives after the verdict.
    bench.gh.update(|s| {
        s.repo(REPO).add_check(CheckSpec::new("scan", sha_of("one"), 99, "scanner"));
    });
    bench.until("pr", "Passed", "Unknown/Running").await;
    bench.gh.update(|s| {
        s.repo(REPO).check("scan").complete("failure");
    });
    bench.until("pr", "Passed", "False/RequiredFailed").await;

    // The author pushes: the old verdict is gone with its commit.
    bench.gh.update(|s| {
        s.repo(REPO).push(20, &sha_of("two"), false);
    });
    let moved = bench.until("pr", "Passed", "Unknown/Pending").await;
    assert_eq!(moved["status"]["source"]["sha"], sha_of("two"));

    // A commit status is enough for a commit without runs.
    bench.gh.update(|s| {
        s.repo(REPO).status(&sha_of("two"), "ci/other", "failure");
    });
    bench.until("pr", "Passed", "False/RequiredFailed").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_events_change_nothing_and_lost_ones_are_made_up_for() {
    let bench =
        Bench::start(github(), "forged", &["--poll-interval", "1s", "--refresh-interval", "2s"]).await;
    bench.create("pr", json!({"pullRequest": 20})).await;
    bench.until("pr", "Passed", "Unknown/Pending").await;
    bench.gh.update(|s| s.hooks.wrong_signature = true);
    add_run(&bench.gh, 77, 501);
    finish(&bench.gh, 77, 501, "success");
    // Nobody told, but the list of the repository shows it.
    bench.until("pr", "Passed", "True/AllRequiredSucceeded").await;
    let of = async |outcome: &str| {
        bench.operator.metric(&format!("testrun_webhook_deliveries_total{{outcome=\"{outcome}\"}}")).await
    };
    let refused = async || (of("unauthorized").await > 0.0).then_some(());
    eventually(|| "what is forged to be refused", refused).await;
    assert!(of("accepted").await <= 1.0, "the ping before");

    // GitHub loses every event of a re-run.
    bench.gh.update(|s| {
        s.hooks.wrong_signature = false;
        s.hooks.drop_percent = 100;
        s.run(77).rerun("someone", |_| true);
    });
    bench.until("pr", "Passed", "Unknown/Running").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_while_github_is_away_is_answered_when_it_is_back() {
    let bench = Bench::start(github(), "away", &[]).await;
    bench.create("pr", json!({"pullRequest": 20})).await;
    bench.until("pr", "Passed", "Unknown/Pending").await;
    bench.gh.fail(Match::any(), Fault::Status(500));
    add_run(&bench.gh, 77, 501);
    finish(&bench.gh, 77, 501, "success");
    bench.until("pr", "SourceAvailable", "False/GitHubUnavailable").await;
    bench.gh.clear_faults();
    bench.until("pr", "Passed", "True/AllRequiredSucceeded").await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_events_tell_of_costs_few_requests() {
    let bench = Bench::start(github(), "thrift", &[]).await;
    // Others have made their events heard, and the lists of the repository known.
    bench.create("first", json!({"pullRequest": 20})).await;
    bench.until("first", "Passed", "Unknown/Pending").await;
    bench.gh.update(|s| {
        s.repo(REPO).pull_request(PullSpec::new(21, sha_of("other")).branch("feature/y"));
    });
    bench.gh.forget_requests();
    bench.create("pr", json!({"pullRequest": 20})).await;
    bench.until("pr", "Passed", "Unknown/Pending").await;
    let before = bench.gh.requests().len();
    add_run(&bench.gh, 77, 501);
    bench.until("pr", "Passed", "Unknown/Running").await;
    assert_eq!(bench.gh.requests().len(), before, "that something began is shown as it was told");
    finish(&bench.gh, 77, 501, "success");
    for name in ["first", "pr"] {
        bench.until(name, "Passed", "True/AllRequiredSucceeded").await;
    }
    let counted: Vec<String> = bench.gh.counted_requests().iter().map(|r| r.path.clone()).collect();
    assert!(counted.len() <= 8, "{} for two reports: {counted:#?}", counted.len());
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_is_retargeted_is_judged_by_its_new_base_at_once() {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO)
            .branch("easy", &sha_of("easy"))
            .rule("main", &[("legal", None)])
            .pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x").base("easy"));
    }));
    gh.pause();
    let bench = Bench::start(gh, "retarget", &[]).await;
    for (name, source) in [("pr", json!({"pullRequest": 20})), ("commit", json!({"sha": sha_of("one")}))] {
        bench.create(name, source).await;
    }
    add_run(&bench.gh, 77, 501);
    finish(&bench.gh, 77, 501, "success");
    for name in ["pr", "commit"] {
        bench.until(name, "Passed", "True/AllRequiredSucceeded").await;
    }
    bench.gh.update(|s| {
        s.repo(REPO).retarget(20, "main");
    });
    for name in ["pr", "commit"] {
        let report = bench.until(name, "Passed", "Unknown/Expecting").await;
        assert_eq!(report["status"]["source"]["baseBranch"], "main");
    }
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_somebody_else_sets_under_the_reports_name_is_set_right_at_once() {
    let bench = Bench::start(github(), "overwritten", &[]).await;
    let spec = json!({"source": {"github": {"repository": REPO, "pullRequest": 20}}, "publish": {"status": {}},
        "gate": {"settleSeconds": 0}});
    reports::create(bench.plane, &bench.namespace, "pr", spec).await;
    add_run(&bench.gh, 77, 501);
    finish(&bench.gh, 77, 501, "failure");
    bench.until("pr", "Passed", "False/RequiredFailed").await;
    bench.until("pr", "Published", "True/Published").await;
    let context = "testrun/verdict";
    let last = || {
        bench.gh.read(|s| {
            let all = &s.repo_by_name(REPO).unwrap().statuses;
            let ours = all.iter().filter(|s| s.context.eq_ignore_ascii_case(context));
            ours.max_by_key(|s| s.id).map(|s| s.state.clone())
        })
    };
    let is = |want: &'static str| {
        let last = &last;
        async move || (last().as_deref() == Some(want)).then_some(())
    };
    eventually(|| format!("the verdict on GitHub: {:?}", last()), is("failure")).await;
    // Its own status is no news, whatever it is told of.
    let looks = bench.operator.metric("testrun_reconciles_total").await;
    for name in [context, "TESTRUN/Verdict"] {
        bench.gh.advance(secs(120));
        bench.gh.update(|s| {
            s.repo(REPO).status(&sha_of("one"), name, "success");
        });
        eventually(|| format!("{name} to be set right: {:?}", last()), is("failure")).await;
    }
    let more = bench.operator.metric("testrun_reconciles_total").await - looks;
    assert!(more <= 6.0, "{more} looks at two forgeries");
    bench.end().await;
}

/// GitHub names no repository of an installation that rests or ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_suspended_wakes_the_reports_of_its_owner_and_no_others() {
    let bench = Bench::start(github(), "suspended", &[]).await;
    bench.create("pr", json!({"pullRequest": 20})).await;
    bench.until("pr", "Passed", "Unknown/Pending").await;
    let hooks = bench.operator.webhooks();
    let address = hooks.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let installation = async |action: &str, owner: &str| {
        let body = json!({"action": action, "installation": {"id": 7, "account": {"login": owner}},
            "sender": {"login": "someone"}});
        let id = format!("{action} {owner}");
        deliver(&address, SECRET, "installation", &id, &body.to_string()).await
    };
    bench.gh.fail(Match::any(), Fault::Status(401));
    let before = bench.gh.requests().len();
    assert_eq!(installation("suspend", "acme-2").await, 202);
    assert_eq!(installation("suspend", "ACME").await, 202);
    bench.until("pr", "SourceAvailable", "False/Unauthorized").await;
    assert!(bench.gh.requests().len() > before);
    bench.gh.clear_faults();
    assert_eq!(installation("unsuspend", "acme").await, 202);
    bench.until("pr", "SourceAvailable", "True/Read").await;
    bench.end().await;
}
