//! Commits whose runs go on by GitHub's clock, and reports of them.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, sha_of};
use tokio::time::Instant;

use crate::operator::Operator;

pub const SECRET: &str = "secret of the bench";

/// What is set up.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub repositories: usize,
    pub reports: usize,
    pub jobs: usize,
    /// GitHub's clock against ours.
    pub speed: f64,
    pub webhooks: bool,
    /// Commits are counted by GraphQL.
    pub sweep: bool,
    /// The reports say which suites count, so checks of others do not.
    pub suites: bool,
    /// The reports name their commits, not their pull requests.
    pub by_sha: bool,
}

pub struct World {
    pub plan: Plan,
    pub gh: GitHub,
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub operator: Operator,
    began: Instant,
}

impl World {
    pub async fn start(name: &str, plan: Plan) -> Self {
        let plane = crate::cluster::cluster().await;
        let namespace = plane.namespace(name).await.unwrap();
        let gh = GitHub::start(Scenario::new().start_now().setup(move |s| {
            // The limit of an hour of GitHub's clock: ours is slower, and what is left is spread by ours.
            s.limits.primary = (s.limits.primary as f64 * plan.speed) as u64;
            for n in 0..plan.repositories {
                let mut run = RunSpec::new(1 + n as u64)
                    .workflow("CI", ".github/workflows/ci.yml")
                    .event("push")
                    .branch("main")
                    .sha(sha_of(&format!("base {n}")));
                for job in 0..plan.jobs {
                    run = run.job((1_000_000 + (n * plan.jobs + job) as u64, format!("job {job}").as_str()));
                }
                s.add_repo(&repository(n)).branch("main", &sha_of(&format!("base {n}"))).add_run(run);
                s.run(1 + n as u64).complete("success");
            }
        }));
        let scaled = |seconds: f64| format!("{}ms", (seconds / plan.speed * 1000.0).round() as u64);
        let (poll, refresh) = (scaled(30.0), scaled(600.0));
        // The pace is GitHub's for a minute of its clock.
        let pace = ((800.0 * plan.speed) as u64).to_string();
        let mut args =
            vec!["--poll-interval", &poll, "--refresh-interval", &refresh, "--requests-per-minute", &pace];
        if plan.sweep {
            args.push("--graphql-sweep");
        }
        if plan.webhooks {
            args.extend(["--webhook-addr", "127.0.0.1:0", "--webhook-secret", SECRET]);
        }
        let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
        if plan.webhooks {
            gh.update(|s| {
                s.send_hooks_to(&operator.webhooks(), SECRET);
                // The hook is older than every report: something was heard of each repository.
                for n in 0..plan.repositories {
                    s.repo(&repository(n)).status(&sha_of(&format!("base {n}")), "ci/other", "success");
                }
            });
        }
        gh.pause();
        gh.play(plan.speed);
        Self { plan, gh, plane, namespace, operator, began: Instant::now() }
    }

    pub fn repository(&self, report: usize) -> String {
        repository(report % self.plan.repositories)
    }

    /// Sleeps until GitHub's clock has gone on by this much.
    pub async fn until(&self, simulated: Duration) {
        tokio::time::sleep_until(self.began + simulated.div_f64(self.plan.speed)).await;
    }

    /// Opens the pull request of a report.
    pub fn open(&self, report: usize) {
        let number = 100 + report as u64;
        self.gh.update(|s| {
            s.repo(&self.repository(report)).pull_request(
                PullSpec::new(number, sha_of(&format!("head {report}"))).branch(format!("feature/{report}")),
            );
        });
    }

    /// Makes the run of a report, its jobs queued.
    pub fn begin(&self, report: usize) {
        let mut run = RunSpec::new(10_000 + report as u64)
            .workflow("CI", ".github/workflows/ci.yml")
            .pull_request(100 + report as u64);
        for job in 0..self.plan.jobs {
            run = run.job((self.job(report, job), format!("job {job}").as_str()));
        }
        self.gh.update(|s| {
            s.repo(&self.repository(report)).add_run(run);
        });
    }

    /// Makes all pull requests, runs and reports, and waits until each report was looked at.
    pub async fn begin_all(&self) {
        for n in 0..self.plan.reports {
            self.open(n);
            self.begin(n);
        }
        self.create(0..self.plan.reports).await;
        self.wait("SourceAvailable", "True", self.plan.reports).await;
    }

    pub fn job(&self, report: usize, job: usize) -> u64 {
        2_000_000 + (report * self.plan.jobs + job) as u64
    }

    pub fn finish(&self, report: usize) {
        self.gh.update(|s| {
            s.run(10_000 + report as u64).settle();
        });
    }

    /// Reports as one list; the interval in which they are made is that of the API server.
    pub async fn create(&self, reports: std::ops::Range<usize>) {
        let items: Vec<Value> = reports.map(|n| self.report(n)).collect();
        for part in items.chunks(250) {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": part});
            self.plane.admin().with_file(&list.to_string(), &["create"]).await.unwrap();
        }
    }

    fn report(&self, n: usize) -> Value {
        let mut spec = json!({
            "source": {"github": {"repository": self.repository(n)}},
            // A minute of GitHub's.
            "gate": {"settleSeconds": (60.0 / self.plan.speed).ceil() as i64},
        });
        match self.plan.by_sha {
            true => spec["source"]["github"]["sha"] = sha_of(&format!("head {n}")).into(),
            false => spec["source"]["github"]["pullRequest"] = (100 + n).into(),
        }
        if self.plan.suites {
            spec["suites"] =
                json!([{"name": "all", "match": [{"job": ".*"}], "expect": {"count": self.plan.jobs}}]);
        }
        json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": format!("pr-{n}"), "namespace": self.namespace}, "spec": spec})
    }

    /// Whether a request is about the run or the head of a base branch, which all reports of its repository ask for.
    pub fn is_base(&self, path: &str) -> bool {
        (0..self.plan.repositories).any(|n| {
            let run = format!("/{}/actions/runs/{}", repository(n), 1 + n);
            path.contains(&sha_of(&format!("base {n}")))
                || path
                    .find(&run)
                    .and_then(|at| path.get(at + run.len()..))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Waits until so many reports have this value of a condition.
    pub async fn wait(&self, kind: &str, status: &str, count: usize) {
        let path = format!(
            "-o=jsonpath={{range .items[*]}}{{.status.conditions[?(@.type==\"{kind}\")].status}}{{\"\\n\"}}{{end}}"
        );
        let deadline = Instant::now() + Duration::from_secs(600);
        loop {
            let out = self
                .plane
                .admin()
                .ok(&["get", "testrunreports", "-n", &self.namespace, &path])
                .await
                .unwrap();
            if out.lines().filter(|l| *l == status).count() >= count {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain for {count} times {kind}={status}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    pub async fn end(self) {
        self.operator.stop().await;
        let violations = self.gh.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        self.plane.admin().ok(&["delete", "namespace", &self.namespace, "--wait=false"]).await.unwrap();
    }
}

fn repository(n: usize) -> String {
    format!("acme/shop-{n}")
}
