//! Metrics in the text format of Prometheus. Every label has a closed set of values, so that no
//! object of a cluster can make the set grow.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::github::Stats;
use crate::webhooks;

/// Phases that are counted by name; every other is `Other`.
const PHASES: [&str; 6] = ["Pending", "Running", "Passed", "Failed", "Error", "Other"];

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The status was written.
    Written,
    /// Nothing had changed.
    Unchanged,
    /// A final verdict of before this process began was taken over.
    Adopted,
    /// Another writer was faster; the verdict was dropped.
    Conflict,
    /// The Lease was lost while looking; the verdict was dropped.
    Lost,
    /// The object is gone or going.
    Gone,
    /// The report was deleted because its time was over.
    Expired,
    /// The API server refused or did not answer.
    Error,
    /// It took too long.
    Timeout,
    /// It panicked.
    Panic,
}

impl Outcome {
    /// Name of the outcome as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Adopted => "adopted",
            Self::Conflict => "conflict",
            Self::Lost => "lost",
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
        }
    }
}

/// What became of a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEvent {
    /// It was taken.
    Gained,
    /// It could not be renewed, or was taken away.
    Lost,
    /// It was given away.
    Released,
}

impl LeaseEvent {
    /// As a label and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

/// What became of asking GitHub for a webhook delivery that had failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// GitHub sends it again.
    Asked,
    /// GitHub does not.
    Refused,
    /// What failed could not be listed.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

type Phases = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// All metrics of the process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    reconciles: Family<OutcomeLabel, Counter>,
    duration: Histogram,
    writes: Counter,
    invalid: Counter,
    reports: Family<PhaseLabel, Gauge>,
    phases: Mutex<Vec<Phases>>,
    requests: Family<OutcomeLabel, Counter>,
    rate_limit: Gauge,
    github: Mutex<Option<Stats>>,
    deliveries: Family<OutcomeLabel, Counter>,
    redeliveries: Family<OutcomeLabel, Counter>,
    webhooks: Mutex<Option<webhooks::Stats>>,
    reloads: Family<OutcomeLabel, Counter>,
    leases: Family<OutcomeLabel, Counter>,
    held: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that start from zero.
    pub fn new() -> Self {
        let reconciles = Family::<OutcomeLabel, Counter>::default();
        let duration = Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);
        let (writes, invalid) = (Counter::default(), Counter::default());
        let reports = Family::<PhaseLabel, Gauge>::default();
        let mut registry = Registry::with_prefix("testrun");
        registry.register("reconciles", "Reconciles by outcome", reconciles.clone());
        registry.register("reconcile_duration_seconds", "Duration of reconciles", duration.clone());
        registry.register("status_writes", "Statuses written", writes.clone());
        registry.register("invalid_objects", "Reports seen that cannot be read as one", invalid.clone());
        registry.register("reports", "Reports in the cluster by phase", reports.clone());
        let requests = Family::<OutcomeLabel, Counter>::default();
        let rate_limit = Gauge::default();
        registry.register("github_requests", "Requests to GitHub's API by outcome", requests.clone());
        registry.register(
            "github_rate_limit_remaining",
            "What GitHub's last answer said is left of the rate limit",
            rate_limit.clone(),
        );
        let reloads = Family::<OutcomeLabel, Counter>::default();
        registry.register("config_reloads", "Changes of the configuration file by outcome", reloads.clone());
        let (leases, held) = (Family::<OutcomeLabel, Counter>::default(), Gauge::default());
        registry.register("lease_changes", "Leases gained, lost and released", leases.clone());
        registry.register("leases_held", "Leases that this process holds", held.clone());
        let deliveries = Family::<OutcomeLabel, Counter>::default();
        registry.register("webhook_deliveries", "Webhook deliveries by outcome", deliveries.clone());
        let redeliveries = Family::<OutcomeLabel, Counter>::default();
        registry.register(
            "webhook_redeliveries",
            "Failed webhook deliveries that GitHub was asked for again",
            redeliveries.clone(),
        );
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running build", version);
        Self(Arc::new(Inner {
            registry,
            reconciles,
            duration,
            writes,
            invalid,
            reports,
            phases: Mutex::default(),
            requests,
            rate_limit,
            github: Mutex::default(),
            deliveries,
            redeliveries,
            webhooks: Mutex::default(),
            reloads,
            leases,
            held,
        }))
    }

    /// Counts a reconcile.
    pub fn reconciled(&self, outcome: Outcome, took: Duration) {
        self.0.reconciles.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
        self.0.duration.observe(took.as_secs_f64());
    }

    /// Counts a status that was written.
    pub fn status_written(&self) {
        self.0.writes.inc();
    }

    /// Counts a report that could not be read.
    pub fn invalid_object(&self) {
        self.0.invalid.inc();
    }

    /// Counts a changed configuration file, taken over or not.
    pub fn config_changed(&self, applied: bool) {
        let outcome = if applied { "applied" } else { "invalid" };
        self.0.reloads.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Counts a change of a Lease, and tells how many are held after it.
    pub fn lease(&self, event: LeaseEvent, held: usize) {
        self.0.leases.get_or_create(&OutcomeLabel { outcome: event.as_str() }).inc();
        self.0.held.set(i64::try_from(held).unwrap_or(i64::MAX));
    }

    /// Tells where phases of reports are read when metrics are asked for; several places add up.
    pub fn count_phases(&self, phases: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.0.phases.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(phases));
    }

    /// Tells where requests to GitHub are counted.
    pub fn count_requests(&self, stats: Stats) {
        *self.0.github.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }

    /// Where requests to GitHub are counted, for others who send some.
    pub fn requests(&self) -> Stats {
        self.0.github.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Tells where webhook deliveries are counted.
    pub fn count_deliveries(&self, stats: webhooks::Stats) {
        *self.0.webhooks.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }

    /// Counts a failed delivery that GitHub was asked for, or a look at them that failed.
    pub fn redelivery(&self, outcome: Redelivery) {
        let outcome = match outcome {
            Redelivery::Asked => "asked",
            Redelivery::Refused => "refused",
            Redelivery::Failed => "failed",
        };
        self.0.redeliveries.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// The metrics as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let phases: Vec<String> =
            self.0.phases.lock().unwrap_or_else(PoisonError::into_inner).iter().flat_map(|of| of()).collect();
        for name in PHASES {
            let is = |p: &String| name == known(p);
            let count = phases.iter().filter(|p| is(p)).count();
            let gauge = self.0.reports.get_or_create(&PhaseLabel { phase: name });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        if let Some(stats) = &*self.0.github.lock().unwrap_or_else(PoisonError::into_inner) {
            for (outcome, count) in stats.outcomes() {
                let counter = self.0.requests.get_or_create(&OutcomeLabel { outcome });
                counter.inner().store(count, Ordering::Relaxed);
            }
            self.0.rate_limit.set(stats.remaining());
        }
        if let Some(stats) = &*self.0.webhooks.lock().unwrap_or_else(PoisonError::into_inner) {
            for outcome in webhooks::OUTCOMES {
                let counter = self.0.deliveries.get_or_create(&OutcomeLabel { outcome: outcome.as_str() });
                counter.inner().store(stats.of(outcome), Ordering::Relaxed);
            }
        }
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

fn known(phase: &str) -> &'static str {
    PHASES.into_iter().find(|name| *name == phase).unwrap_or("Other")
}
