//! What is counted of sets.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{OutcomeLabel, family};

/// What became of a report that a set wanted made, changed or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// It was made.
    Created,
    /// It was put right.
    Changed,
    /// It was removed.
    Removed,
    /// The API server refused.
    Refused,
}

impl Making {
    /// All that may become of one.
    pub const ALL: [Self; 4] = [Self::Created, Self::Changed, Self::Removed, Self::Refused];

    /// As a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Refused => "refused",
        }
    }
}

/// Values of the condition `Ready`.
const READY: [&str; 3] = ["True", "False", "Unknown"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadyLabel {
    ready: &'static str,
}

/// How many sets there are that say so of `Ready`: true, false, or not known.
pub type Ready = [usize; 3];
type Readies = Box<dyn Fn() -> Ready + Send + Sync>;

pub(super) struct Gauges {
    reports: Family<OutcomeLabel, Counter>,
    sets: Family<ReadyLabel, Gauge>,
    readies: Mutex<Vec<Readies>>,
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}

impl Gauges {
    pub fn register(registry: &mut Registry) -> Self {
        let reports = family(Making::ALL.map(Making::as_str), |outcome| OutcomeLabel { outcome });
        registry.register(
            "set_reports",
            "Reports that sets wanted made, changed or removed, by outcome",
            reports.clone(),
        );
        let sets = family(READY, |ready| ReadyLabel { ready });
        registry.register(
            "sets",
            "Sets of reports that are watched, by their condition Ready; each replica counts all of them",
            sets.clone(),
        );
        Self { reports, sets, readies: Mutex::default() }
    }

    pub fn made(&self, outcome: Making, reports: usize) {
        let counter = self.reports.get_or_create(&OutcomeLabel { outcome: outcome.as_str() });
        counter.inc_by(u64::try_from(reports).unwrap_or(u64::MAX));
    }

    pub fn count(&self, readies: impl Fn() -> Ready + Send + Sync + 'static) {
        self.readies.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(readies));
    }

    /// Counts them now.
    pub fn refresh(&self) {
        let mut sum = [0_usize; 3];
        for counts in self.readies.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sum.iter_mut().zip(counts()).for_each(|(sum, count)| *sum += count);
        }
        for (ready, count) in READY.into_iter().zip(sum) {
            self.sets.get_or_create(&ReadyLabel { ready }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
