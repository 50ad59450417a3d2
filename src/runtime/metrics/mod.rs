//! Metrics in the text format of Prometheus. Every label has a closed set of values, so that no object of a
//! cluster can make the set grow, and all of them are there from the start, so that a first event is an increase.
//!
//! docs/metrics.md is made of the names and help texts here.

mod history;
mod outcomes;
mod sets;
mod tally;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
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
pub use outcomes::{Copying, Keeping, LeaseEvent, Outcome, Redelivery, Telling};
pub use sets::{Making, Ready};
pub use tally::{Standing, Tally};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabel {
    class: &'static str,
    outcome: &'static str,
}

type Tallies = Box<dyn Fn(&mut Tally) + Send + Sync>;
type Seconds = Gauge<f64, AtomicU64>;

/// All metrics of the process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    reconciles: Family<OutcomeLabel, Counter>,
    duration: Histogram,
    writes: Counter,
    invalid: Counter,
    overwritten: Counter,
    dropped: Gauge,
    reports: Family<PhaseLabel, Gauge>,
    tallies: Mutex<Vec<Tallies>>,
    waiting: Gauge,
    undecided: Seconds,
    unseen: Seconds,
    requests: Family<RequestLabel, Counter>,
    rate_limit: Seconds,
    github: Mutex<Option<Stats>>,
    deliveries: Family<OutcomeLabel, Counter>,
    redeliveries: Family<OutcomeLabel, Counter>,
    webhooks: Mutex<Option<webhooks::Stats>>,
    reloads: Family<OutcomeLabel, Counter>,
    leases: Family<OutcomeLabel, Counter>,
    held: Gauge,
    tellings: Family<OutcomeLabel, Counter>,
    copies: Family<OutcomeLabel, Counter>,
    history: history::Gauges,
    sets: sets::Gauges,
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
        let mut registry = Registry::with_prefix("testrun");
        let reconciles = family(Outcome::ALL.map(Outcome::as_str), |outcome| OutcomeLabel { outcome });
        registry.register("reconciles", "Reconciles by outcome", reconciles.clone());
        let duration = Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);
        registry.register("reconcile_duration_seconds", "Duration of reconciles", duration.clone());
        let (writes, invalid) = (Counter::default(), Counter::default());
        registry.register("status_writes", "Statuses written", writes.clone());
        registry.register("invalid_objects", "Reports seen that cannot be read as one", invalid.clone());
        let (overwritten, dropped) = (Counter::default(), Gauge::default());
        registry.register(
            "status_overwritten",
            "Statuses that somebody else put in place of what was written",
            overwritten.clone(),
        );
        registry.register(
            "status_fields_dropped",
            "Fields of statuses that the API server did not keep since the start: its definition of the kind is older than the operator",
            dropped.clone(),
        );
        let reports = family(tally::PHASES, |phase| PhaseLabel { phase });
        registry.register(
            "reports",
            "Reports that are watched, by phase; each replica counts all of them",
            reports.clone(),
        );
        let waiting = Gauge::default();
        registry.register(
            "reports_waiting",
            "Reports that are due and wait because as many looks run as may, or their namespace has its share of them",
            waiting.clone(),
        );
        let (undecided, unseen) = (Seconds::default(), Seconds::default());
        registry.register(
            "oldest_undecided_report_seconds",
            "How long the report that has been without a final verdict for longest has been so; 0 without one",
            undecided.clone(),
        );
        registry.register(
            "oldest_unseen_report_seconds",
            "Age of the oldest report that was never looked at; 0 without one",
            unseen.clone(),
        );
        let requests = Family::default();
        for (class, outcome, _) in Stats::default().counts() {
            let _ = requests.get_or_create(&RequestLabel { class, outcome });
        }
        registry.register(
            "github_requests",
            "Requests to GitHub's API by what they ask for and how they were answered",
            requests.clone(),
        );
        let rate_limit = Seconds::default();
        registry.register(
            "github_rate_limit_remaining",
            "What GitHub's last answer said is left of the rate limit of its credential; NaN before the first",
            rate_limit.clone(),
        );
        let reloads = family(["applied", "invalid"], |outcome| OutcomeLabel { outcome });
        registry.register("config_reloads", "Changes of the configuration file by outcome", reloads.clone());
        let leases = family(LeaseEvent::ALL.map(LeaseEvent::as_str), |outcome| OutcomeLabel { outcome });
        let held = Gauge::default();
        registry.register("lease_changes", "Leases gained, lost and released", leases.clone());
        registry.register("leases_held", "Leases that this process holds", held.clone());
        let deliveries =
            family(webhooks::OUTCOMES.map(webhooks::Outcome::as_str), |outcome| OutcomeLabel { outcome });
        registry.register("webhook_deliveries", "Webhook deliveries by outcome", deliveries.clone());
        let redeliveries =
            family(Redelivery::ALL.map(Redelivery::as_str), |outcome| OutcomeLabel { outcome });
        registry.register(
            "webhook_redeliveries",
            "Failed webhook deliveries that GitHub was asked for again",
            redeliveries.clone(),
        );
        let tellings = family(Telling::ALL.map(Telling::as_str), |outcome| OutcomeLabel { outcome });
        registry.register("events", "CloudEvents for sinks by outcome", tellings.clone());
        let copies = family(Copying::ALL.map(Copying::as_str), |outcome| OutcomeLabel { outcome });
        registry.register("artifact_copies", "Copies of artifacts by outcome", copies.clone());
        let history = history::Gauges::register(&mut registry);
        let sets = sets::Gauges::register(&mut registry);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running build", version);
        Self(Arc::new(Inner {
            registry,
            reconciles,
            duration,
            writes,
            invalid,
            overwritten,
            dropped,
            reports,
            tallies: Mutex::default(),
            waiting,
            undecided,
            unseen,
            requests,
            rate_limit,
            github: Mutex::default(),
            deliveries,
            redeliveries,
            webhooks: Mutex::default(),
            reloads,
            leases,
            held,
            tellings,
            copies,
            history,
            sets,
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

    /// Counts a status that somebody else put in place of the own one.
    pub fn status_overwritten(&self) {
        self.0.overwritten.inc();
    }

    /// Tells how many fields the API server does not keep.
    pub fn fields_dropped(&self, count: usize) {
        self.0.dropped.set(i64::try_from(count).unwrap_or(i64::MAX));
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

    /// Counts what became of telling a sink of a change.
    pub fn told(&self, outcome: Telling) {
        self.0.tellings.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
    }

    /// Counts what became of copying an artifact.
    pub fn copied(&self, outcome: Copying) {
        self.0.copies.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
    }

    /// Counts what became of reports that a set wanted made, changed or removed.
    pub fn made(&self, outcome: Making, reports: usize) {
        self.0.sets.made(outcome, reports);
    }

    /// Tells where sets are counted when metrics are asked for; several places add up.
    pub fn count_sets(&self, readies: impl Fn() -> Ready + Send + Sync + 'static) {
        self.0.sets.count(readies);
    }

    /// Counts what became of a record for the history.
    pub fn kept(&self, outcome: Keeping) {
        self.0.history.kept(outcome);
    }

    /// Tells whether the store of the history can be used.
    pub fn history_usable(&self, yes: bool) {
        self.0.history.usable(yes);
    }

    /// Tells how many bytes of its store the history uses.
    pub fn history_bytes(&self, bytes: u64) {
        self.0.history.bytes(bytes);
    }

    /// Tells how many reports wait for their turn.
    pub fn waiting(&self, reports: usize) {
        self.0.waiting.set(i64::try_from(reports).unwrap_or(i64::MAX));
    }

    /// Tells where reports are counted when metrics are asked for; several places add up.
    pub fn count_reports(&self, tally: impl Fn(&mut Tally) + Send + Sync + 'static) {
        self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(tally));
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
        self.0.redeliveries.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
    }

    /// The metrics as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut tally = Tally::default();
        self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|add| add(&mut tally));
        for (phase, count) in tally.phases() {
            self.0.reports.get_or_create(&PhaseLabel { phase }).set(count);
        }
        self.0.sets.refresh();
        let now = Timestamp::now();
        self.0.undecided.set(tally.undecided(now));
        self.0.unseen.set(tally.unseen(now));
        let mut left = None;
        if let Some(stats) = &*self.0.github.lock().unwrap_or_else(PoisonError::into_inner) {
            for (class, outcome, count) in stats.counts() {
                let counter = self.0.requests.get_or_create(&RequestLabel { class, outcome });
                counter.inner().store(count, Ordering::Relaxed);
            }
            left = stats.remaining();
        }
        self.0.rate_limit.set(left.map_or(f64::NAN, |n| n as f64));
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

/// Counters or gauges of a closed set of labels, each of them there from the start.
fn family<L, M, const N: usize>(names: [&'static str; N], label: impl Fn(&'static str) -> L) -> Family<L, M>
where
    L: Clone + std::hash::Hash + Eq,
    M: Default,
{
    let family = Family::default();
    for name in names {
        let _ = family.get_or_create(&label(name));
    }
    family
}
