//! A controller in this process, on the real API server, with an observer that says what it is told.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cluster::eventually;
pub use crate::cluster::{cluster as plane, install};
use futures::future::BoxFuture;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config as KubeConfig};
use secrecy::{ExposeSecret, SecretString};
use testkit::controlplane::{self, AuditMark, ControlPlane};
use testrun_operator::api::TestRunReport;
use testrun_operator::collect::{Candidate, Candidates, Look as TakenAs, SetSurvey, Sightings, Survey};
use testrun_operator::connections::{Connection, Connections, Held, Own, Publish};
use testrun_operator::controller::{self, Access, Attestor, Config, Deed, Hints, Observer, Pace, Vigil};
use testrun_operator::github::{ApiBase, Ask, Fetched, Unfetched};
use testrun_operator::history::History;
use testrun_operator::leader::Ownership;
use testrun_operator::notify::Notifier;
use testrun_operator::runtime::health::Health;
use testrun_operator::runtime::metrics::Metrics;
use testrun_operator::serve::Reports;
use testrun_operator::verdict::facts::{Observations, Trouble};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ALL: u32 = 1000;
/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

/// Fails the test when a condition does not come true in good time.
pub async fn soon<T>(what: &str, condition: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, condition).await {
        Ok(value) => value,
        Err(_) => panic!("not within a minute: {what}"),
    }
}

/// One call of the observer.
#[derive(Clone, Debug)]
pub struct Look {
    pub name: String,
    pub generation: i64,
    pub token: Option<String>,
}

/// What the observer answers, and what it was asked.
pub struct Script {
    answer: Mutex<Observations>,
    panics: Mutex<bool>,
    looks: watch::Sender<Vec<Look>>,
    gate: Semaphore,
    /// What it was asked to do on GitHub; None where nothing may be.
    deeds: Mutex<Option<Vec<Deed>>>,
}

impl Script {
    pub fn new(answer: Observations) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(answer),
            panics: Mutex::new(false),
            looks: watch::Sender::new(Vec::new()),
            gate: Semaphore::new(ALL as usize),
            deeds: Mutex::new(None),
        })
    }

    pub fn say(&self, answer: Observations) {
        *self.answer.lock().unwrap() = answer;
    }

    /// From now on it does what it is asked to.
    pub fn may_act(&self) {
        *self.deeds.lock().unwrap() = Some(Vec::new());
    }

    pub fn deeds(&self) -> Vec<Deed> {
        self.deeds.lock().unwrap().clone().unwrap_or_default()
    }

    pub fn panic_from_now(&self, yes: bool) {
        *self.panics.lock().unwrap() = yes;
    }

    /// Holds every look until the permit is dropped.
    pub async fn hold(&self) -> SemaphorePermit<'_> {
        soon("no look is running", self.gate.acquire_many(ALL)).await.unwrap()
    }

    pub fn looks(&self) -> Vec<Look> {
        self.looks.borrow().clone()
    }

    pub async fn until(&self, what: &str, is: impl FnMut(&Vec<Look>) -> bool) {
        let mut looks = self.looks.subscribe();
        soon(what, looks.wait_for(is)).await.unwrap();
    }

    /// Waits for more looks from now on.
    pub async fn more(&self, count: usize) {
        let now = self.looks().len();
        self.until("more looks", |l| l.len() >= now + count).await;
    }
}

impl Observer for Script {
    fn observe<'a>(
        &'a self,
        report: &'a TestRunReport,
        access: Access,
        _: TakenAs,
    ) -> BoxFuture<'a, Observations> {
        Box::pin(async move {
            let look = Look {
                name: report.metadata.name.clone().unwrap(),
                generation: report.metadata.generation.unwrap(),
                token: match access.held {
                    Held::Token(token) => Some(token.expose_secret().to_owned()),
                    _ => None,
                },
            };
            // Before the look is told of, so that a test that waits for it may change its mind then.
            let panics = *self.panics.lock().unwrap();
            self.looks.send_modify(|l| l.push(look));
            let _permit = self.gate.acquire().await.unwrap();
            assert!(!panics, "as the test wants it");
            self.answer.lock().unwrap().clone()
        })
    }

    fn survey<'a>(
        &'a self,
        _: &'a Access,
        _: &'a Survey,
        _: Ask,
    ) -> BoxFuture<'a, Result<Sightings, Trouble>> {
        Box::pin(async { Ok(Sightings::default()) })
    }

    fn candidates<'a>(
        &'a self,
        _: &'a Access,
        _: &'a SetSurvey,
        _: Ask,
    ) -> BoxFuture<'a, Result<Candidates, Trouble>> {
        Box::pin(async { Ok(Candidates { whole: true, ..Candidates::default() }) })
    }

    fn pulls<'a>(
        &'a self,
        _: &'a Access,
        _: &'a SetSurvey,
        _: &'a [i64],
        _: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, Option<Candidate>>, Trouble>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    fn closed<'a>(
        &'a self,
        _: &'a Access,
        _: &'a SetSurvey,
        _: &'a [i64],
        _: Ask,
    ) -> BoxFuture<'a, Result<BTreeMap<i64, jiff::Timestamp>, Trouble>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    fn archive<'a>(
        &'a self,
        _: &'a Access,
        _: &'a str,
        _: i64,
        _: Option<&'a str>,
        _: u64,
    ) -> BoxFuture<'a, Result<Fetched, Unfetched>> {
        Box::pin(async { Err(Unfetched::Deleted) })
    }

    fn act<'a>(
        &'a self,
        _: &'a TestRunReport,
        _: Access,
        deed: &'a Deed,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        match self.deeds.lock().unwrap().as_mut() {
            Some(deeds) => deeds.push(deed.clone()),
            None => panic!("no report of these tests asks for {deed:?}"),
        }
        Box::pin(async { Ok(()) })
    }
}

/// The controller of one test, in a namespace of its own.
pub struct Bench {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub script: Arc<Script>,
    pub health: Health,
    pub metrics: Metrics,
    pub end: CancellationToken,
    pub task: JoinHandle<()>,
    pub api: Api<TestRunReport>,
    client: Client,
    mark: AuditMark,
}

/// What differs between benches.
struct Setup {
    publish: Publish,
    report_waivers: bool,
    notifier: Notifier,
    history: History,
    attestor: Option<Attestor>,
    through: Option<Client>,
    vigil: Vigil,
    everywhere: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            publish: Publish::default(),
            report_waivers: true,
            notifier: Notifier::default(),
            history: History::default(),
            attestor: None,
            through: None,
            vigil: Vigil::default(),
            everywhere: false,
        }
    }
}

/// Slow paces: only changes cause looks.
pub const SLOW: Pace = Pace {
    poll: Duration::from_secs(3600),
    progress: Some(Duration::from_secs(3600)),
    refresh: Duration::from_secs(3600),
};
/// Quick paces: looks follow each other.
pub const QUICK: Pace = Pace {
    poll: Duration::from_millis(30),
    progress: Some(Duration::from_millis(30)),
    refresh: Duration::from_millis(30),
};

pub async fn client(plane: &ControlPlane) -> Client {
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig_path()).unwrap();
    let config = KubeConfig::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

impl Bench {
    pub async fn start(prefix: &str, pace: Pace, answer: Observations) -> Self {
        let plane = plane().await;
        let namespace = plane.namespace(prefix).await.unwrap();
        Self::start_in(plane, namespace, pace, answer).await
    }

    pub async fn start_in(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
    ) -> Self {
        Self::start_with(plane, namespace, pace, answer, Publish::default()).await
    }

    /// With what the administrator lets reports publish.
    pub async fn start_with(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        publish: Publish,
    ) -> Self {
        Self::start_as(plane, namespace, pace, answer, publish, true).await
    }

    /// With what the administrator lets reports publish, and whether their own waivers count.
    pub async fn start_as(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        publish: Publish,
        report_waivers: bool,
    ) -> Self {
        Self::start_telling(plane, namespace, pace, answer, publish, report_waivers, Notifier::default())
            .await
    }

    /// With who is told of changes.
    pub async fn start_telling(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        publish: Publish,
        report_waivers: bool,
        notifier: Notifier,
    ) -> Self {
        let setup = Setup { publish, report_waivers, notifier, ..Setup::default() };
        Self::launch(plane, namespace, pace, answer, setup).await
    }

    /// With a store for what was seen.
    pub async fn start_recording(prefix: &str, pace: Pace, answer: Observations, history: History) -> Self {
        let plane = plane().await;
        let namespace = plane.namespace(prefix).await.unwrap();
        let setup = Setup { history, ..Setup::default() };
        Self::launch(plane, namespace, pace, answer, setup).await
    }

    /// With what verdicts are signed with.
    pub async fn start_attesting(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        attestor: Attestor,
    ) -> Self {
        let setup = Setup { attestor: Some(attestor), ..Setup::default() };
        Self::launch(plane, namespace, pace, answer, setup).await
    }

    /// With what the controller reaches the API server through; the bench itself always asks the server.
    pub async fn start_through(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        through: Client,
        vigil: Vigil,
    ) -> Self {
        let setup = Setup { through: Some(through), vigil, ..Setup::default() };
        Self::launch(plane, namespace, pace, answer, setup).await
    }

    /// With all namespaces, of a control plane of its own.
    pub async fn start_everywhere(
        plane: &'static ControlPlane,
        namespace: String,
        answer: Observations,
    ) -> Self {
        let setup = Setup { everywhere: true, ..Setup::default() };
        Self::launch(plane, namespace, SLOW, answer, setup).await
    }

    async fn launch(
        plane: &'static ControlPlane,
        namespace: String,
        pace: Pace,
        answer: Observations,
        setup: Setup,
    ) -> Self {
        let Setup { publish, report_waivers, notifier, history, attestor, through, vigil, everywhere } =
            setup;
        let client = client(plane).await;
        let through = through.unwrap_or_else(|| client.clone());
        let script = Script::new(answer);
        let (health, metrics, end) = (Health::new(), Metrics::new(), CancellationToken::new());
        let config = Config {
            namespace: (!everywhere).then(|| namespace.clone()),
            connections: Connections::new([Connection {
                publish,
                ..Connection::open(
                    "github.com",
                    ApiBase::default(),
                    Own::Token(SecretString::from("operator-token")),
                )
            }])
            .into(),
            pace,
            vigil,
            sweeps: false,
            concurrency: 4,
            ownership: Ownership::everything(),
            report_waivers,
            hints: Hints::default(),
            reports: Reports::default(),
            notifier,
            history,
            archive: None,
            attestor,
        };
        let mark = plane.audit_mark().unwrap();
        let task = tokio::spawn(controller::run(
            through,
            script.clone(),
            config,
            health.clone(),
            metrics.clone(),
            end.clone(),
        ));
        let api = Api::namespaced(client.clone(), &namespace);
        Self { plane, namespace, script, health, metrics, end, task, api, client, mark }
    }

    /// Creates a report with more lines in its spec.
    pub async fn create(&self, name: &str, more: serde_json::Value) {
        self.create_in(&self.namespace, name, more).await;
    }

    /// Creates a report in another namespace.
    pub async fn create_in(&self, namespace: &str, name: &str, more: serde_json::Value) {
        let mut spec = serde_json::json!({"source": {"github": {"repository": "octo-org/hello-world",
            "sha": super::SHA}}});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let object = serde_json::json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec});
        self.plane.admin().with_file(&object.to_string(), &["create"]).await.unwrap();
    }

    pub async fn patch(&self, name: &str, patch: serde_json::Value) {
        self.patch_at(name, patch, &[]).await;
    }

    /// Writes a status as somebody else.
    pub async fn forge(&self, name: &str, patch: serde_json::Value) {
        self.patch_at(name, serde_json::json!({"status": patch}), &["--subresource=status"]).await;
    }

    async fn patch_at(&self, name: &str, patch: serde_json::Value, more: &[&str]) {
        let (patch, namespace) = (patch.to_string(), format!("--namespace={}", self.namespace));
        let mut args = vec!["patch", "testrunreports", name, &namespace, "--type=merge", "-p", &patch];
        args.extend(more);
        self.plane.kubectl_ok(&args).await.unwrap();
    }

    /// Waits until the report is as described.
    pub async fn report(&self, name: &str, is: impl Fn(&TestRunReport) -> bool) -> TestRunReport {
        let condition = |r: Option<&TestRunReport>| r.is_some_and(&is);
        let found = await_condition(self.api.clone(), name, condition);
        match tokio::time::timeout(LIMIT, found).await {
            Ok(found) => found.unwrap().unwrap(),
            Err(_) => {
                let now = serde_json::to_string(&self.api.get_opt(name).await.unwrap()).unwrap();
                let metrics = self.metrics.text().unwrap();
                let done =
                    metrics.lines().filter(|l| l.starts_with("testrun_reconciles_total")).collect::<Vec<_>>();
                panic!("{name} is not as expected within a minute, after {done:?}: {now}")
            }
        }
    }

    /// Waits until `Passed` has a reason.
    pub async fn reason(&self, name: &str, reason: &str) -> TestRunReport {
        self.report(name, |r| super::passed(r).is_some_and(|(_, is)| is == reason)).await
    }

    pub async fn gone(&self, name: &str) {
        let gone = await_condition(self.api.clone(), name, |r: Option<&TestRunReport>| r.is_none());
        soon("the report is gone", gone).await.unwrap();
    }

    pub async fn ready(&self) {
        let mut state = self.health.subscribe();
        soon("ready", state.wait_for(Result::is_ok)).await.unwrap();
    }

    /// Waits until the log of the API server, which a watcher may be ahead of, holds this many
    /// answers to status writes, and returns all it holds.
    pub async fn writes_once(&self, count: usize, name: &str) -> Vec<u16> {
        let all = async || Some(self.writes(name)).filter(|all| all.len() >= count);
        eventually(|| "the writes in the audit log", all).await
    }

    /// Answers to the controller's status writes so far, as HTTP codes.
    pub fn writes(&self, name: &str) -> Vec<u16> {
        let events = self.plane.audit_events_since(self.mark).unwrap();
        let own = |e: &&controlplane::AuditEvent| {
            e.namespace() == self.namespace
                && e.target() == "testrunreports/status"
                && e.verb == "update"
                && e.object_ref.as_ref().is_some_and(|o| o.name == name)
        };
        events.iter().filter(own).filter_map(controlplane::AuditEvent::code).collect()
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Ends the controller in order.
    pub async fn stop(self) {
        self.end.cancel();
        soon("the controller ends", self.task).await.unwrap();
    }
}
