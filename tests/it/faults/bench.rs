//! A controller whose way to the API server can fail, and what must be true of it at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testrun_operator::api::TestRunReport;
use testrun_operator::controller::{Pace, Vigil};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use super::life::{Shown, record};
use super::relay::Relay;
use crate::controller::bench::{Bench, QUICK, client, plane};
use crate::controller::{green, passed, running};
use crate::story::timeless;

/// Watches are not trusted for long.
pub const WARY: Vigil = Vigil { check: Duration::from_millis(500), relist: Duration::from_secs(5) };

static EXPECTED: OnceCell<Value> = OnceCell::const_new();

/// What a run without faults comes to.
async fn expected() -> &'static Value {
    EXPECTED
        .get_or_init(async || {
            let bench = Bench::start("plain", QUICK, running()).await;
            bench.create("a", json!({})).await;
            bench.reason("a", "Running").await;
            bench.script.say(green());
            let report = bench.reason("a", "AllRequiredSucceeded").await;
            let said = said(&report, &bench.namespace);
            bench.stop().await;
            said
        })
        .await
}

/// A report's status without its times, and without names that differ between runs.
pub fn said(report: &TestRunReport, namespace: &str) -> Value {
    let text = timeless(serde_json::to_value(report).unwrap()).to_string();
    let name = format!("testrunreport/{} ", report.metadata.name.clone().unwrap());
    serde_json::from_str(&text.replace(namespace, "here").replace(&name, "testrunreport/a ")).unwrap()
}

pub struct Faulty {
    pub bench: Bench,
    pub relay: Relay,
    green: Arc<AtomicBool>,
    shown: Arc<Mutex<Vec<Shown>>>,
    recorder: JoinHandle<()>,
}

impl Faulty {
    /// With one report, whose commit still runs.
    pub async fn start(name: &str, pace: Pace, vigil: Vigil) -> Self {
        let this = Self::empty(plane().await, name, pace, vigil).await;
        this.bench.create("a", json!({})).await;
        this.bench.reason("a", "Running").await;
        this
    }

    pub async fn empty(plane: &'static ControlPlane, name: &str, pace: Pace, vigil: Vigil) -> Self {
        let namespace = plane.namespace(name).await.unwrap();
        let relay = Relay::to_kube(client(plane).await).await;
        let mut config = kube::Config::new(relay.url().parse().unwrap());
        config.default_namespace = namespace.clone();
        let through = kube::Client::try_from(config).unwrap();
        let bench = Bench::start_through(plane, namespace, pace, running(), through, vigil).await;
        let (green, shown) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Shown>>>::default());
        let task = record(client(plane).await, bench.namespace.clone(), green.clone(), shown.clone());
        Self { bench, relay, green, shown, recorder: tokio::spawn(task) }
    }

    /// From now on the commit has passed.
    pub fn turn_green(&self) {
        self.green.store(true, Ordering::SeqCst);
        self.bench.script.say(green());
    }

    /// Waits until a report is as without faults.
    pub async fn decided(&self, name: &str) {
        let expected = expected().await;
        let namespace = self.bench.namespace.clone();
        let report = self.bench.reason(name, "AllRequiredSucceeded").await;
        assert_eq!(said(&report, &namespace), *expected, "{name}");
    }

    /// What was shown of a report so far, as values of `Passed`.
    pub fn passes(&self) -> Vec<String> {
        self.shown.lock().unwrap().iter().map(|s| s.passed.clone()).collect()
    }

    /// Ends, and judges all that was shown.
    pub async fn end(self) {
        self.bench.stop().await;
        self.recorder.abort();
        for shown in self.shown.lock().unwrap().iter() {
            let passes = shown.passed == "True" || shown.ready == "True";
            assert!(!passes || shown.green, "it passed what had not: {shown:?}");
        }
    }
}

/// Whether a report is not decided.
pub fn is_open(report: &TestRunReport) -> bool {
    passed(report).is_some_and(|(status, _)| status == "Unknown")
}
