//! What is counted of the history.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Keeping, OutcomeLabel, family};

pub(super) struct Gauges {
    records: Family<OutcomeLabel, Counter>,
    usable: Gauge,
    bytes: Gauge,
}

impl Gauges {
    pub fn register(registry: &mut Registry) -> Self {
        let records = family(Keeping::ALL.map(Keeping::as_str), |outcome| OutcomeLabel { outcome });
        registry.register("history_records", "Records for the history by outcome", records.clone());
        let (usable, bytes) = (Gauge::default(), Gauge::default());
        registry.register(
            "history_usable",
            "1 where the store of the history took what it was last given; 0 without a store",
            usable.clone(),
        );
        registry.register(
            "history_bytes",
            "Bytes that the history uses of its store, when it was last counted",
            bytes.clone(),
        );
        Self { records, usable, bytes }
    }

    pub fn kept(&self, outcome: Keeping) {
        self.records.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
    }

    pub fn usable(&self, yes: bool) {
        self.usable.set(i64::from(yes));
    }

    pub fn bytes(&self, bytes: u64) {
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}
