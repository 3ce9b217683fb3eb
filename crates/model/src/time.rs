//! Time as data: stages never read a clock.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, as stamped by the capture source.
///
/// Stages never read a clock; a capture replayed twice gives the same timestamps twice.
/// Displays as RFC 3339 with nanoseconds, in UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch itself.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch.
    #[inline]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the Unix epoch.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the Unix epoch, with fraction.
    #[expect(clippy::cast_precision_loss, reason = "for display; f64 keeps 100 ns until 2100")]
    pub fn seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Nanoseconds from `earlier` to `self`; 0 when `earlier` is later.
    #[inline]
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `self` moved forward by `nanos`.
    #[inline]
    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The one-second epoch this instant lies in.
    #[inline]
    pub const fn epoch(self) -> Epoch {
        Epoch(self.0 / NANOS_PER_SECOND)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Past the year 9999 RFC 3339 has no spelling; a capture with such stamps shows the last one.
        const LAST_SECOND: u64 = 253_402_300_799;
        let seconds = (self.0 / NANOS_PER_SECOND).min(LAST_SECOND);
        let time = SystemTime::UNIX_EPOCH
            + Duration::from_secs(seconds)
            + Duration::from_nanos(self.0 % NANOS_PER_SECOND);
        humantime::format_rfc3339_nanos(time).fmt(f)
    }
}

/// One second of capture time: the unit in which workers hand their deltas to the merge.
///
/// Counted in seconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The first instant of the epoch.
    #[inline]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.0)
    }

    /// The epoch after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epoch `count` before this one; the first one when there is none.
    #[inline]
    #[must_use]
    pub const fn minus(self, count: u64) -> Self {
        Self(self.0.saturating_sub(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_shows_as_rfc_3339() {
        let time = Timestamp::from_nanos(1_740_830_400_000_000_042);
        assert_eq!(time.to_string(), "2025-03-01T12:00:00.000000042Z");
        assert_eq!(time.epoch(), Epoch(1_740_830_400));
    }

    #[test]
    fn the_largest_timestamp_still_shows() {
        assert!(Timestamp::from_nanos(u64::MAX).to_string().starts_with("2554-"));
    }
}
