//! Reports that make themselves: the real operator, the real API server, a replayed GitHub.

mod bounds;
mod commits;
mod life;
mod ownership;
mod paths;
mod queue;
mod retention;
mod trouble;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, Scenario, sha_of};

use crate::cluster::{cluster, eventually};
use crate::story::condition;
use crate::story::operator::Operator;

const REPO: &str = "acme/shop";
const SECRET: &str = "webhook secret";

/// Nothing is noticed by asking within the time of a test.
const SLOW: [&str; 8] = [
    "--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr", "127.0.0.1:0", "--webhook-secret",
    SECRET,
];

/// A repository with one open pull request.
fn github() -> GitHub {
    let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
        s.add_repo(REPO).pull_request(spec(20));
    }));
    gh.pause();
    gh
}

fn spec(number: u64) -> PullSpec {
    PullSpec::new(number, sha_of(&format!("head of {number}"))).branch(format!("feature/{number}"))
}

struct Bench {
    plane: &'static ControlPlane,
    namespace: String,
    gh: GitHub,
    operator: Operator,
}

impl Bench {
    async fn start(gh: GitHub, name: &str, args: &[&str]) -> Self {
        Self::start_on(cluster().await, gh, name, args).await
    }

    async fn start_on(plane: &'static ControlPlane, gh: GitHub, name: &str, args: &[&str]) -> Self {
        let namespace = plane.namespace(name).await.unwrap();
        let operator = Operator::start(plane, &namespace, gh.url(), args).await;
        if args.contains(&"--webhook-addr") {
            gh.update(|s| s.send_hooks_to(&operator.webhooks(), SECRET));
        }
        Self { plane, namespace, gh, operator }
    }

    /// Applies a set with more lines in its spec.
    async fn set(&self, name: &str, more: Value) {
        let mut spec = json!({"source": {"repository": REPO}, "generators": {"pullRequests": {}},
            "template": {"spec": {"gate": {"settleSeconds": 0}}}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.apply(&json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReportSet",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec}))
            .await;
    }

    async fn apply(&self, object: &Value) {
        self.plane.admin().with_file(&object.to_string(), &["apply"]).await.unwrap();
    }

    /// A report that a person makes.
    async fn by_hand(&self, name: &str) -> Value {
        self.apply(&json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"mine": "yes"}},
            "spec": {"source": {"github": {"repository": REPO, "pullRequest": 20}}, "suspend": true}}))
            .await;
        self.report(name).await.unwrap()
    }

    async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.plane.admin().json(&["get", kind, name, "-n", &self.namespace]).await.ok()
    }

    async fn report(&self, name: &str) -> Option<Value> {
        self.get("testrunreport", name).await
    }

    async fn delete(&self, kind: &str, name: &str) {
        self.plane.kubectl_ok(&["delete", kind, name, "-n", &self.namespace, "--wait=false"]).await.unwrap();
    }

    async fn names(&self) -> Vec<String> {
        let args = ["get", "trr", "-n", &self.namespace, "-o", "jsonpath={.items[*].metadata.name}"];
        let text = self.plane.kubectl_ok(&args).await.unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Waits until there are exactly these reports.
    async fn reports(&self, names: &[&str]) {
        eventually(|| format!("{names:?}"), async || (self.names().await == names).then_some(())).await;
    }

    /// Waits until a report is as described.
    async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(|| format!("the report {name}"), async || self.report(name).await.filter(|r| is(r))).await
    }

    /// Waits for status and reason of a condition of a set, and gives its message.
    async fn says(&self, name: &str, kind: &str, want: &str) -> String {
        let set = eventually(
            || format!("{kind} of {name} to be {want}"),
            async || {
                let set = self.get("trrs", name).await?;
                let current = set["status"]["observedGeneration"] == set["metadata"]["generation"];
                (current && condition(&set, kind) == want).then_some(set)
            },
        )
        .await;
        let all = set["status"]["conditions"].as_array().unwrap();
        let found = all.iter().find(|c| c["type"] == kind).unwrap();
        found["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a set is up to date and says this: its status is written after its reports.
    async fn told(&self, name: &str, message: &str) {
        let last = std::cell::RefCell::new(String::new());
        let said = async || {
            last.replace(self.says(name, "Ready", "True/UpToDate").await);
            (*last.borrow() == message).then_some(())
        };
        eventually(|| format!("{name} to say {message}, and not {}", last.borrow()), said).await;
    }

    async fn end(self) {
        self.operator.stop().await;
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}
