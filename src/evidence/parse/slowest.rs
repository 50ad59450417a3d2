//! How long tests take that pass, of the slowest of them.

use super::model::Outcome;

/// The slowest tests that passed: of each name its longest time in milliseconds, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slowest(Vec<(String, i64)>);

impl Slowest {
    /// Tests that are kept.
    pub const MOST: usize = 20;
    /// Milliseconds below which nobody asks.
    const LEAST: i64 = 100;

    /// The milliseconds of a test that may be one of them.
    pub(super) fn wants(&self, outcome: Outcome, seconds: Option<f64>) -> Option<i64> {
        let seconds = seconds.filter(|s| outcome == Outcome::Passed && s.is_finite() && *s < 1e9)?;
        let millis = (seconds * 1000.0).round() as i64;
        let least = self.0.get(Self::MOST - 1).map_or(Self::LEAST, |(_, least)| least.saturating_add(1));
        (millis >= least).then_some(millis)
    }

    pub(super) fn add(&mut self, name: String, millis: i64) {
        if let Some(at) = self.0.iter().position(|(known, _)| *known == name) {
            if self.0.get(at).is_some_and(|(_, known)| *known >= millis) {
                return;
            }
            self.0.remove(at);
        }
        let at = self.0.partition_point(|(_, known)| *known >= millis);
        self.0.insert(at, (name, millis));
        self.0.truncate(Self::MOST);
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|(name, millis)| self.add(name, millis));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_slice(&self) -> &[(String, i64)] {
        &self.0
    }
}
