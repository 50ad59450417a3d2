//! A set in a repository with far more open pull requests than it may have reports.

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, Scenario, sha_of};
use tokio::time::Instant;

use crate::operator::Operator;
use crate::world::SECRET;

const REPO: &str = "acme/shop";
const OPEN: u64 = 5_000;
/// The largest bound that a set may have.
const MOST: u64 = 3_000;
const PATIENCE: Duration = Duration::from_secs(900);

struct World {
    gh: GitHub,
    plane: &'static ControlPlane,
    namespace: String,
    operator: Operator,
}

/// What making, changing and following the reports of one set costs. They are suspended, so that only the set asks.
pub async fn sets() {
    println!("\none set with maxReports {MOST} of a repository with {OPEN} open pull requests");
    println!("{:<44} {:>8} {:>8} {:>8} {:>9} {:>8}", "", "requests", "counted", "writes", "ms", "MB");
    let world = World::start().await;
    println!("{:<44} {:>8} {:>8} {:>8} {:>9} {:>8}", "nothing to do", "", "", "", "", world.memory());
    let made = async {
        world.apply("a").await;
        world.until_ready(1).await;
    };
    world.row("3,000 reports made", made).await;
    let opened = async {
        world.gh.update(|s| {
            s.repo(REPO).pull_request(pull(OPEN + 1));
        });
        world.until(OPEN + 1, true).await;
        world.until(OPEN - MOST + 1, false).await;
    };
    world.row("one more opened: one made, one removed", opened).await;
    let closed = async {
        world.gh.update(|s| {
            s.repo(REPO).close_pull(OPEN - 10, true);
        });
        world.until(OPEN - 10, false).await;
        world.until(OPEN - MOST + 1, true).await;
    };
    world.row("one closed: one removed, one made", closed).await;
    let changed = async {
        world.apply("b").await;
        world.until_ready(2).await;
    };
    world.row("another template: 3,000 reports changed", changed).await;
    world.end().await;
}

fn pull(number: u64) -> PullSpec {
    PullSpec::new(number, sha_of(&format!("head of {number}"))).branch(format!("feature/{number}"))
}

impl World {
    async fn start() -> Self {
        let plane = crate::cluster::cluster().await;
        let namespace = plane.namespace("sets").await.unwrap();
        let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
            s.check_answers = false;
            let mut repo = s.add_repo(REPO);
            for number in 1..=OPEN {
                repo = repo.pull_request(pull(number));
            }
        }));
        gh.pause();
        let args = [
            "--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr", "127.0.0.1:0",
            "--webhook-secret", SECRET,
        ];
        let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
        gh.update(|s| s.send_hooks_to(&operator.webhooks(), SECRET));
        Self { gh, plane, namespace, operator }
    }

    async fn apply(&self, label: &str) {
        let template = json!({"metadata": {"labels": {"step": label}}, "spec": {"suspend": true}});
        let set = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReportSet",
            "metadata": {"name": "shop", "namespace": self.namespace},
            "spec": {"source": {"repository": REPO}, "generators": {"pullRequests": {}},
                "template": template, "retention": {"maxReports": MOST}}});
        self.plane.admin().with_file(&set.to_string(), &["apply"]).await.unwrap();
    }

    /// Carries a step out, and says what it took.
    async fn row(&self, name: &str, step: impl Future<Output = ()>) {
        self.gh.forget_requests();
        let mark = self.plane.audit_mark().unwrap();
        let begin = Instant::now();
        step.await;
        let took = begin.elapsed().as_millis();
        let requests = self.gh.requests();
        let counted = requests.iter().filter(|r| r.counted).count();
        let events = self.plane.audit_events_since(mark).unwrap();
        let own = |e: &&testkit::controlplane::AuditEvent| {
            e.is_write() && e.namespace() == self.namespace && e.request_uri.contains("/testrunreport")
        };
        // The set itself was written by kubectl.
        let writes = events.iter().filter(own).count();
        let memory = self.memory();
        println!("{name:<44} {:>8} {counted:>8} {writes:>8} {took:>9} {memory:>8}", requests.len());
    }

    async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.plane.admin().json(&["get", kind, name, "-n", &self.namespace]).await.ok()
    }

    async fn until(&self, number: u64, there: bool) {
        let name = format!("shop-pr-{number}");
        self.wait(async || self.get("trr", &name).await.is_some() == there).await;
    }

    async fn until_ready(&self, generation: i64) {
        let ready = async || {
            let Some(set) = self.get("trrs", "shop").await else { return false };
            let conditions = set["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let is = conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
            is && set["status"]["observedGeneration"] == generation
        };
        self.wait(ready).await;
    }

    async fn wait(&self, done: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done().await {
            assert!(Instant::now() < deadline, "waited in vain");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Memory of the operator in MB, as the kernel counts it.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.operator.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024 / 1_000_000
    }

    async fn end(self) {
        self.operator.stop().await;
        self.plane.admin().ok(&["delete", "namespace", &self.namespace, "--wait=false"]).await.unwrap();
    }
}
