//! Points in scenario time: milliseconds since 1970, shown as GitHub shows them.

use std::fmt;
use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(pub i64);

impl Ts {
    /// The machine's clock, cut to whole seconds.
    pub fn real_now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs()).unwrap_or_default() * 1000)
    }

    /// Reads an RFC 3339 time.
    ///
    /// # Panics
    /// When the text is not such a time: scripts are written by hand and must fail loudly.
    pub fn parse(text: &str) -> Self {
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Self(time.as_millisecond()),
            Err(error) => panic!("'{text}' is not an RFC 3339 time: {error}"),
        }
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// As in job logs: seven digits of fraction.
    pub fn log_stamp(self) -> String {
        let nanos = self.0.rem_euclid(1000) * 10_000;
        let text = self.to_string();
        format!("{}.{nanos:07}Z", text.trim_end_matches('Z'))
    }

    /// With milliseconds, as programs write it: `2026-01-23T16:28:00.000Z`.
    pub fn millis(self) -> String {
        let text = self.to_string();
        format!("{}.{:03}Z", text.trim_end_matches('Z'), self.0.rem_euclid(1000))
    }

    /// By a format of `strftime`; milliseconds are dropped.
    pub fn format(self, format: &str) -> String {
        self.stamp().strftime(format).to_string()
    }

    /// Earlier by so many milliseconds.
    pub fn before(self, millis: i64) -> Self {
        Self(self.0.saturating_sub(millis))
    }

    /// As in the `Date` header.
    pub fn http_date(self) -> String {
        self.stamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn stamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.seconds()).unwrap_or_default()
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.stamp().strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Add<Duration> for Ts {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}
