//! The life of one report, from nothing to a pass and on to a red commit, with what can go wrong on the way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{WatchStreamExt, watcher::Event};
use kube::{Api, Client};
use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, PullSpec, RunSpec, Scenario, secs, sha_of};
use tokio::task::JoinHandle;

use super::crash::writes;
use super::relay::{Call, Fate, Relay};
use crate::cluster::cluster;
use crate::controller::bench::client;
use crate::reports;
use crate::story::operator::Operator;
use crate::story::{condition, timeless};

pub const REPO: &str = "acme/shop";
/// Far more than any stage takes.
const LIMIT: Duration = Duration::from_secs(90);
/// Times in a status are the nearest whole seconds.
const ROUNDED: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);
/// Promises that are older than this are taken up in any case.
const AGED: jiff::SignedDuration = jiff::SignedDuration::from_secs(150);

/// One value that the status had.
#[derive(Clone, Debug)]
pub struct Shown {
    pub passed: String,
    pub ready: String,
    pub sha: String,
    pub uid: String,
    pub observed: i64,
    /// Whether the commit `one` had passed on GitHub by then.
    pub green: bool,
}

/// A report with its operator, GitHub, and relays in between.
pub struct Life {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub gh: GitHub,
    /// In front of the API server.
    pub api: Relay,
    /// In front of GitHub.
    pub hub: Relay,
    /// Past the relays.
    pub direct: Client,
    operator: Option<Operator>,
    /// Of the operator, beyond the usual.
    args: Vec<String>,
    /// Spec of the report.
    spec: Value,
    pub dir: tempfile::TempDir,
    /// The operator is to die now.
    pub struck: Arc<AtomicBool>,
    /// How often it died.
    pub deaths: usize,
    /// When it died last.
    died: Option<jiff::Timestamp>,
    green: Arc<AtomicBool>,
    shown: Arc<Mutex<Vec<Shown>>>,
    recorder: JoinHandle<()>,
}

impl Life {
    pub async fn new(name: &str) -> Self {
        let plane = cluster().await;
        let namespace = plane.namespace(name).await.unwrap();
        Self::of(plane, namespace).await
    }

    pub async fn of(plane: &'static ControlPlane, namespace: String) -> Self {
        let gh = GitHub::start(Scenario::new().start_now().setup(|s| {
            s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("one")).branch("feature/x"));
            s.repo(REPO).add_run(run(77, 501));
            s.job(501).start();
        }));
        let spec = json!({"source": {"github": {"repository": REPO, "pullRequest": 20}},
            "gate": {"settleSeconds": 0}, "publish": {"status": {}}});
        Self::about(plane, namespace, gh, spec).await
    }

    /// Of a report with this spec.
    pub async fn about(plane: &'static ControlPlane, namespace: String, gh: GitHub, spec: Value) -> Self {
        gh.pause();
        let direct = client(plane).await;
        let api = Relay::to_kube(direct.clone()).await;
        let hub = Relay::to_http(gh.url()).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), api.kubeconfig(&namespace).to_string()).unwrap();
        let (green, shown) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Shown>>>::default());
        let recorder = tokio::spawn(record(direct.clone(), namespace.clone(), green.clone(), shown.clone()));
        Self {
            plane,
            namespace,
            gh,
            api,
            hub,
            direct,
            operator: None,
            args: Vec::new(),
            spec,
            dir,
            struck: Arc::default(),
            deaths: 0,
            died: None,
            green,
            shown,
            recorder,
        }
    }

    /// Gives the operator a configuration.
    pub fn configure(&mut self, config: &str) {
        let path = self.dir.path().join("config.yaml");
        std::fs::write(&path, config).unwrap();
        let path = path.to_string_lossy().into_owned();
        // That a job waits for an answer is seen with a look at how far its run is.
        let paces = ["--refresh-interval", "1s", "--progress-interval", "1s"];
        self.args = [&["--config", &path][..], &paces].concat().into_iter().map(str::to_owned).collect();
    }

    /// Starts the operator.
    pub async fn begin(&mut self) {
        let kubeconfig = self.dir.path().join("kubeconfig");
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        self.operator = Some(Operator::start_as(&kubeconfig, &self.namespace, &self.hub.url(), &args).await);
    }

    /// As if minutes had passed since an operator died: the promises that it left open are taken up. Also of a write that
    /// was on its way when it died.
    async fn wait_out(&self, report: &Value) {
        let Some(died) = self.died else { return };
        let mut records = report["status"]["deployments"].clone();
        let mut is_open = false;
        for record in records.as_array_mut().into_iter().flatten().filter(|r| r["acceptedAt"].is_null()) {
            let asked: jiff::Timestamp = record["requestedAt"].as_str().unwrap().parse().unwrap();
            let aged = asked - jiff::SignedDuration::from_mins(3);
            if asked <= died + ROUNDED && died.duration_since(asked) < AGED {
                record["requestedAt"] = aged.to_string().into();
                is_open = true;
            }
        }
        if is_open {
            // Onto what was read only: the next operator may be at work already.
            let version = &report["metadata"]["resourceVersion"];
            let patch = json!({"metadata": {"resourceVersion": version}, "status": {"deployments": records}});
            let n = ["patch", "trr", "r", "-n", &self.namespace, "--subresource=status", "--type=merge"];
            let patched = self.plane.kubectl(&[&n[..], &["-p", &patch.to_string()]].concat()).await.unwrap();
            let said = String::from_utf8_lossy(&patched.stderr).into_owned();
            assert!(patched.status.success() || said.contains("modified"), "{said}");
        }
    }

    /// The operator dies at the write of this number, counted over both relays, before or after it is carried out.
    pub fn die_at(&self, number: usize, after: bool) {
        let counter = Arc::new(AtomicUsize::new(0));
        for relay in [&self.api, &self.hub] {
            let (counter, struck) = (counter.clone(), self.struck.clone());
            relay.rule(move |call: &Call| {
                if !call.is_write() || counter.fetch_add(1, Ordering::SeqCst) != number {
                    return Fate::Pass;
                }
                struck.store(true, Ordering::SeqCst);
                if after { Fate::Unanswered } else { Fate::Lost }
            });
        }
    }

    pub async fn create(&self) {
        reports::create(self.plane, &self.namespace, "r", self.spec.clone()).await;
    }

    pub async fn get(&self) -> Option<Value> {
        let api =
            Api::<DynamicObject>::namespaced_with(self.direct.clone(), &self.namespace, &kind_of_reports());
        Some(serde_json::to_value(api.get_opt("r").await.ok()??).unwrap())
    }

    /// Waits until it is so; an operator that was struck is replaced meanwhile.
    pub async fn until(&mut self, what: &str, is: impl Fn(Option<&Value>) -> bool) -> Option<Value> {
        let end = Instant::now() + LIMIT;
        loop {
            if self.struck.swap(false, Ordering::SeqCst) {
                let mut operator = self.operator.take().unwrap();
                operator.kill().await;
                self.deaths += 1;
                self.died = Some(jiff::Timestamp::now());
                if let Some(report) = self.get().await {
                    self.wait_out(&report).await;
                }
                self.begin().await;
            }
            let report = self.get().await;
            if let Some(report) = &report {
                self.wait_out(report).await;
            }
            if is(report.as_ref()) {
                return report;
            }
            assert!(
                Instant::now() < end,
                "waited in vain for {what}: {:#?}",
                report.map(|r| r["status"].clone())
            );
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// The same of anything else.
    pub async fn until_so<W: std::fmt::Display>(
        &mut self,
        what: impl Fn() -> W,
        is: impl AsyncFn(&Self) -> bool,
    ) {
        let end = Instant::now() + LIMIT;
        while !is(self).await {
            let report = self.until("nothing", |_| true).await;
            assert!(
                Instant::now() < end,
                "waited in vain for {} after {} deaths, with {:?} written: {:#?}",
                what(),
                self.deaths,
                [&self.api, &self.hub].map(writes),
                report.map(|r| r["status"].clone())
            );
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until it is so and the operator has died at the write of this number, if it comes to it: a quick life may
    /// write less, and a slow one be late with its last writes.
    pub async fn until_over<W: std::fmt::Display>(
        &mut self,
        number: usize,
        what: impl Fn() -> W,
        is: impl AsyncFn(&Self) -> bool,
    ) {
        let over = async |life: &Self| {
            let written = writes(&life.api).len() + writes(&life.hub).len();
            life.deaths == usize::from(written > number) && is(life).await
        };
        self.until_so(what, over).await;
    }

    /// From now on the commit `one` may pass.
    pub fn may_pass(&self) {
        self.green.store(true, Ordering::SeqCst);
    }

    pub async fn until_condition(&mut self, kind: &str, want: &str) -> Value {
        let is = |r: Option<&Value>| {
            r.is_some_and(|r| !r["status"]["conditions"].is_null() && condition(r, kind) == want)
        };
        self.until(&format!("{kind} {want}"), is).await.unwrap()
    }

    /// The whole life; gives what the report says at its end.
    pub async fn live(&mut self) -> Value {
        self.create().await;
        self.until_condition("Passed", "Unknown/Running").await;
        self.turn_red().await;
        self.run_again().await;
        self.turn_green().await;
        self.push_red().await
    }

    pub async fn turn_red(&mut self) {
        self.gh.advance(secs(60));
        self.gh.update(|s| {
            s.job(501).complete("failure");
            s.run(77).settle();
        });
        self.gh.advance(secs(5));
        self.until_condition("Stalled", "True/RequiredFailed").await;
    }

    pub async fn run_again(&mut self) {
        self.gh.update(|s| {
            s.run(77).rerun("someone", |_| true);
        });
        self.until_condition("Complete", "False/Running").await;
    }

    pub async fn turn_green(&mut self) {
        self.may_pass();
        self.gh.update(|s| {
            let again = s.repos[0].jobs.iter().map(|j| j.id).max().unwrap();
            s.job(again).start();
            s.job(again).complete("success");
            s.run(77).settle();
        });
        self.gh.advance(secs(5));
        self.until_condition("Passed", "True/AllRequiredSucceeded").await;
    }

    /// The author pushes a commit that fails.
    pub async fn push_red(&mut self) -> Value {
        self.gh.update(|s| {
            s.repo(REPO).push(20, &sha_of("two"), false);
        });
        let two = sha_of("two");
        self.until("the new commit", |r| r.is_some_and(|r| r["status"]["source"]["sha"] == *two)).await;
        self.gh.update(|s| {
            s.repo(REPO).add_run(run(88, 701));
            s.job(701).start();
            s.job(701).complete("failure");
            s.run(88).settle();
        });
        self.gh.advance(secs(5));
        let is_last = |r: Option<&Value>| r.is_some_and(|r| condition(r, "Stalled") == "True/RequiredFailed");
        self.until("the last verdict", is_last).await;
        // What is published follows the status.
        let published = async |life: &Self| {
            life.gh.writes().last().is_some_and(|w| w.body.as_ref().is_some_and(|b| b["state"] == "failure"))
        };
        self.until_so(|| "the verdict to be published", published).await;
        self.until_condition("Published", "True/Published").await;
        self.said(&self.get().await.unwrap())
    }

    /// What a report says, without what differs from one life to another.
    pub fn said(&self, report: &Value) -> Value {
        // The namespace is part of the commands that a report recommends.
        let text = timeless(report.clone()).to_string().replace(&self.namespace, "here");
        serde_json::from_str(&text).unwrap()
    }

    /// Everything that was ever shown.
    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().unwrap().clone()
    }

    /// Ends the operator and gives what is wrong with what was shown.
    pub async fn end(mut self) -> Vec<String> {
        if let Some(operator) = self.operator.take() {
            operator.stop().await;
        }
        self.recorder.abort();
        let mut wrong: Vec<String> = self.gh.violations();
        let mut newest = std::collections::HashMap::new();
        for shown in self.shown() {
            let passes = shown.passed == "True" || shown.ready == "True";
            if passes && !(shown.green && shown.sha == sha_of("one")) {
                wrong.push(format!("it passed what had not: {shown:?}"));
            }
            let last = newest.entry(shown.uid.clone()).or_insert(shown.observed);
            if shown.observed < *last {
                wrong.push(format!("an older generation came back: {shown:?}"));
            }
            *last = shown.observed;
        }
        wrong
    }
}

/// A run of the pull request with one job.
fn run(id: u64, job: u64) -> RunSpec {
    RunSpec::new(id).workflow("CI", ".github/workflows/ci.yml").pull_request(20).job((job, "unit"))
}

fn kind_of_reports() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("testrun.dev", "v1alpha1", "TestRunReport"))
}

/// Records all values of the status, past the relays.
pub async fn record(
    client: Client,
    namespace: String,
    green: Arc<AtomicBool>,
    shown: Arc<Mutex<Vec<Shown>>>,
) {
    let api = Api::<DynamicObject>::namespaced_with(client, &namespace, &kind_of_reports());
    let mut events = Box::pin(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let Ok(Event::Apply(object) | Event::InitApply(object)) = event else { continue };
        let status = &object.data["status"];
        let of = |kind: &str| {
            let found = status["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == kind);
            found.and_then(|c| c["status"].as_str()).unwrap_or_default().to_owned()
        };
        shown.lock().unwrap().push(Shown {
            passed: of("Passed"),
            ready: of("Ready"),
            sha: status["source"]["sha"].as_str().unwrap_or_default().to_owned(),
            uid: object.metadata.uid.clone().unwrap_or_default(),
            observed: status["observedGeneration"].as_i64().unwrap_or(-1),
            green: green.load(Ordering::SeqCst),
        });
    }
}
